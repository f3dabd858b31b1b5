package console_test

import (
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/budget"
	"github.com/liangding/platform/finance/claim"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/finance/supervision"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store/sandbox"
)

var inputs = regexp.MustCompile(`(?s)<label( class="wrong")?>.*?name="([^"]*)".*?</label>`)

// filled is what a browser would send of a form after somebody typed into it.
func filled(t *testing.T, page, to string, typed map[string]string) url.Values {
	t.Helper()
	f := form(t, page, to)
	for name, value := range typed {
		f.Set(name, value)
	}
	return f
}

// wrongs are the fields of a page at which something is wrong, and what.
func wrongs(page string) map[string]string {
	all, why := map[string]string{}, regexp.MustCompile(`<span class="why" role="alert">([^<]*)</span>`)
	for _, in := range inputs.FindAllStringSubmatch(page, -1) {
		if in[1] != "" {
			all[html.UnescapeString(in[2])] = why.FindStringSubmatch(in[0])[1]
		}
	}
	return all
}

// sent posts a form twice, which is one command.
func (h *house) sent(token, to string, f url.Values) {
	h.t.Helper()
	for range 2 {
		w := h.post(token, to, f)
		require.Equal(h.t, http.StatusSeeOther, w.Code, "%s: %.2000s", to, w.Body)
	}
}

// Every flaw stands at its field, all of them at once; what was typed is still
// there, and the form goes through once it is mended.
func TestARefusedFormSaysWhatIsWrongAtEachField(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.travel()
	const at = "/console/claims/new/draft-claim"
	f := filled(t, h.ok("operator", "/console/claims"), at, map[string]string{
		"items[0].line": string(h.travel().ID) + " CNY", "items[0].kind": "ticket", "items[0].date": "yesterday", "items[0].amount": "12,50",
		"items[0].seller": `Rail "North"`, "items[0].purpose": "a <b>customer</b>", "items[0].file": "abc",
	})
	w := h.post("operator", at, f)
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	page := w.Body.String()
	assert.Equal(t, []string{"items[0].amount", "items[0].date", "items[0].file"}, slices.Sorted(maps.Keys(wrongs(page))))
	for _, kept := range []string{`value="yesterday"`, `value="12,50"`, `value="Rail &#34;North&#34;"`, `value="abc"`, `value="ticket" selected`} {
		assert.Contains(t, page, kept)
	}
	assert.NotContains(t, page, "<b>customer")
	assert.NotContains(t, page, "items[0].amount:", "it is not said twice")
	assert.NotEqual(t, f.Get("key"), form(t, page, at).Get("key"), "it will be another command")
	zh := h.post("operator", at+"?lang=zh", f).Body.String()
	assert.Contains(t, wrongs(zh)["items[0].date"], "日期")

	f.Set("items[0].date", "2030-02-27")
	f.Set("items[0].amount", "12.50")
	f.Set("items[0].file", strings.Repeat("ab", 32))
	f.Set("key", form(t, page, at).Get("key"))
	h.sent("operator", at, f)
	all, err := h.Claims.Claims(h.as(h.cast.Operator), "")
	require.NoError(t, err)
	assert.Len(t, all.Items, 1)
}

func TestAnAdvanceIsAskedForHandedOutAndGivenBack(t *testing.T) {
	t.Parallel()
	h := open(t)
	const page = "/console/advances"
	f := filled(t, h.ok("operator", page), page+"/new/ask-advance", map[string]string{"amount": "0", "currency": "YUAN", "reason": "event"})
	w := h.post("operator", page+"/new/ask-advance", f)
	assert.Equal(t, http.StatusUnprocessableEntity, w.Code)
	assert.Contains(t, wrongs(w.Body.String()), "currency")
	assert.Contains(t, w.Body.String(), `value="event" selected`)
	f.Set("amount", "500.00")
	f.Set("currency", "cny")
	h.sent("operator", page+"/new/ask-advance", f)
	all, err := h.Claims.Advances(h.as(h.cast.Operator), claim.AdvanceAsked, "")
	require.NoError(t, err)
	require.Len(t, all.Items, 1)

	to := page + "/" + string(all.Items[0].ID)
	assert.NotContains(t, h.ok("operator", page), to, "not by who gets it")
	assert.NotContains(t, h.ok("admission", page), to, "of another role")
	assert.NotContains(t, h.ok("auditor", page), "ask-advance")
	sent := form(t, h.ok("second", page), to+"/grant-advance")
	assert.Equal(t, http.StatusForbidden, h.post("operator", to+"/grant-advance", sent).Code, "nor if they press what they do not see")
	h.sent("second", to+"/grant-advance", sent)
	open := h.ok("second", page+"?state=open")
	assert.Contains(t, open, `<rect class="advance-left" x="0" y="0" width="1000" height="24">`)
	assert.Contains(t, open, "500.00 CNY")
	h.sent("second", to+"/return-advance", form(t, open, to+"/return-advance"))
	assert.Contains(t, h.ok("auditor", page+"?state=settled"), string(all.Items[0].ID))
	assert.Equal(t, 1, h.events("advance.paid"))
	assert.Equal(t, 1, h.events("advance.settled"))
	found, err := h.VerifyBooks(t.Context())
	require.NoError(t, err)
	assert.Empty(t, found)
}

func TestTheMatrixIsPublishedByItsForm(t *testing.T) {
	t.Parallel()
	h := open(t)
	const page, to = "/console/approvals", "/console/approvals/matrix/publish-matrix"
	now, err := h.Claims.Matrix(h.as(h.cast.Operator))
	require.NoError(t, err)
	n := len(now.Rows)
	shown := h.ok("operator", page)
	assert.NotContains(t, h.ok("admission", page), to, "of another role")
	assert.NotContains(t, h.ok("auditor", page), to)
	f := form(t, shown, to)
	for _, in := range regexp.MustCompile(`<input name="(rows[^"]*)" type="text" value="([^"]*)"`).FindAllStringSubmatch(shown, -1) {
		f.Set(in[1], in[2])
	}
	spare := func(member string) string { return "rows[" + string(rune('0'+n+1)) + "]" + member } // one stays empty before it
	f.Set(spare(".from"), "10.00")
	f.Set(spare(".currency"), "CNY")
	f.Set(spare(".category"), "travel")
	f.Set(spare(".approvers"), "manager/director, director")
	f.Set("reason", "new_limits")
	w := h.post("operator", to, f)
	require.Equal(t, http.StatusUnprocessableEntity, w.Code, "travel has no row that begins at zero")
	assert.Equal(t, []string{spare(".from")}, slices.Sorted(maps.Keys(wrongs(w.Body.String()))), "of the form, not of the command")
	assert.Contains(t, w.Body.String(), "<details open>")

	f.Set(spare(".from"), "0")
	f.Set("key", "another")
	h.sent("operator", to, f)
	next, err := h.Claims.Matrix(h.as(h.cast.Operator))
	require.NoError(t, err)
	require.Len(t, next.Rows, n+1, "what was there is kept, and no empty row joins it")
	assert.Equal(t, now.Rows, next.Rows[:n])
	assert.Equal(t, []claim.Approver{{Role: "manager", Deputy: "director"}, {Role: "director"}}, next.Rows[n].Approvers)
	assert.Equal(t, 1, h.events("claim.matrix_published"))
	f.Set("version", form(t, h.ok("second", page), to).Get("version"))
	f.Set("key", "a-second-edition")
	h.sent("operator", to, f)
	f.Set("key", "a-third-edition")
	assert.Equal(t, http.StatusPreconditionFailed, h.post("second", to, f).Code, "over what somebody else published meanwhile")
}

func TestAnApproverSaysThatTheyAreAway(t *testing.T) {
	t.Parallel()
	h := open(t)
	const page, to = "/console/approvals", "/console/approvals/me/be-away"
	f := filled(t, h.ok("operator", page), to, map[string]string{"from": "2030-03-10", "until": "2030-03-01"})
	w := h.post("operator", to, f)
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	assert.Contains(t, wrongs(w.Body.String()), "until")
	f.Set("from", "2030-02-20")
	f.Set("until", "2030-03-20")
	h.sent("operator", to, f)
	shown := h.ok("operator", page)
	assert.Contains(t, shown, "You are away:")
	assert.NotContains(t, h.ok("second", page), "You are away:")
	c := h.claimed(1, "100.00")
	assert.NotContains(t, c.Chain[0].By, h.cast.Operator.ID)
	h.sent("operator", "/console/approvals/me/be-back", form(t, shown, "/console/approvals/me/be-back"))
	assert.Contains(t, h.ok("operator", page), "You are there.")
}

// lines are two of the demo's budget lines: travel, and supplies, of which three
// months are free.
func (h *house) lines() (travel, supplies budget.Standing) {
	h.t.Helper()
	travel = h.travel()
	page, err := h.Budgets.Lines(h.as(h.cast.Operator), travel.Budget, "")
	require.NoError(h.t, err)
	at := slices.IndexFunc(page.Items, func(l budget.Standing) bool { return l.Account == "supplies" })
	require.GreaterOrEqual(h.t, at, 0)
	return travel, page.Items[at]
}

func TestACommitmentGoesToAnotherLineByItsForm(t *testing.T) {
	t.Parallel()
	h := open(t)
	travel, supplies := h.lines()
	h.claimed(1, "6000.00")
	page := "/console/budgets/" + string(travel.ID)
	shown := h.ok("auditor", page)
	for _, text := range []string{"6,000.00 CNY", "24,000.00 CNY", `<rect class="ahead-committed"`, "Open commitments"} {
		assert.Contains(t, shown, text)
	}
	assert.NotContains(t, shown, "carry-commitment")
	assert.NotContains(t, h.ok("admission", page), "carry-commitment", "of another role")
	open, err := h.Budgets.Open(h.as(h.cast.Operator), travel.ID, "")
	require.NoError(t, err)
	require.Len(t, open.Items, 1)

	rebook := page + "/commitments/rebook-commitment"
	f := form(t, h.ok("operator", page), rebook)
	f.Set("to", string(supplies.ID))
	f.Set("reason", "wrong_line")
	w := h.post("operator", rebook, f)
	assert.Equal(t, http.StatusConflict, w.Code, "the other line has 4,500 free")
	assert.Contains(t, w.Body.String(), "budget.exceeded")
	assert.Contains(t, w.Body.String(), "<details open><summary>Rebook")
	assert.Equal(t, 1, strings.Count(w.Body.String(), "<details open>"), "only the form that was refused")

	carry := page + "/commitments/carry-commitment"
	f = form(t, h.ok("operator", page), carry)
	f.Set("to", string(supplies.ID))
	f.Set("reason", "year_over")
	h.sent("operator", carry, f)
	assert.NotContains(t, h.ok("operator", page), "carry-commitment", "nothing is open here")
	assert.Contains(t, h.ok("operator", "/console/budgets/"+string(supplies.ID)), "6,000.00 CNY")
	assert.Equal(t, http.StatusNotFound, h.get("operator", "/console/budgets/"+string(h.Writer.NewRoot(t.Context(), "bgt"))).Code)
}

func TestAVirementIsProposedByItsForm(t *testing.T) {
	t.Parallel()
	h := open(t)
	travel, supplies := h.lines()
	const to = "/console/budgets/new/propose-move"
	f := filled(t, h.ok("operator", "/console/budgets"), to, map[string]string{"from": string(travel.ID) + " CNY", "to": string(supplies.ID) + " CNY", "amount": "-5", "reason": "more_needed"})
	w := h.post("operator", to, f)
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	assert.Contains(t, wrongs(w.Body.String()), "amount")
	f.Set("amount", "100.00")
	h.sent("operator", to, f)
	assert.Contains(t, h.ok("second", "/console/budgets"), "approve-move")
	assert.NotContains(t, h.ok("operator", "/console/budgets"), "approve-move", "their own")
}

func TestAFeeScheduleIsDraftedByItsForm(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.paid()
	h.pass(31 * 24 * time.Hour)
	base := h.drafted(h.cast.Second)
	page, to := "/console/fees/draft?base="+string(base.ID), "/console/fees/draft/draft-fees"
	shown := h.ok("operator", page)
	assert.NotContains(t, h.ok("admission", page), to, "of another role")
	assert.NotContains(t, h.ok("auditor", page), to)
	f := form(t, shown, to)
	for _, in := range regexp.MustCompile(`<input name="([^"]*)" type="[a-z]*" value="([^"]*)"`).FindAllStringSubmatch(shown, -1) {
		f.Set(in[1], in[2])
	}
	for _, s := range regexp.MustCompile(`(?s)<select name="([^"]*)">(.*?)</select>`).FindAllStringSubmatch(shown, -1) {
		f.Set(s[1], regexp.MustCompile(`value="([^"]*)"( selected)?`).FindStringSubmatch(s[2])[1])
		if chosen := regexp.MustCompile(`value="([^"]*)" selected`).FindStringSubmatch(s[2]); chosen != nil {
			f.Set(s[1], chosen[1])
		}
	}
	f.Del("reason")
	f.Set("from", "2030-06-15")
	again := maps.Clone(f)

	// A rule that was left empty stands between the two; what is wrong with the next
	// stands at it.
	f.Set("components[0].rules[1].rate", "5 %")
	f.Set("components[0].rules[3].id", "all")
	f.Set("components[0].rules[3].rate", "101")
	w := h.post("operator", to, f)
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	assert.Equal(t, []string{"components[0].rules[1].rate"}, slices.Sorted(maps.Keys(wrongs(w.Body.String()))), "what cannot be read")
	f.Set("components[0].rules[1].rate", "5")
	w = h.post("operator", to, f)
	assert.Equal(t, []string{"components[0].rules[3].id", "components[0].rules[3].rate"}, slices.Sorted(maps.Keys(wrongs(w.Body.String()))), "what is no rule")
	assert.Contains(t, w.Body.String(), `value="101"`)
	f.Set("components[0].rules[3].tiers", "0: 10; 5: x")
	w = h.post("operator", to, f)
	assert.Contains(t, wrongs(w.Body.String()), "components[0].rules[3].tiers")

	h.sent("operator", to, again)
	drafts, err := h.Fees.Schedules(h.as(h.cast.Operator), "standard", "")
	require.NoError(t, err)
	mine := drafts.Items[0]
	require.Equal(t, h.cast.Operator.ID, mine.By)
	before, err := json.Marshal(base.Components)
	require.NoError(t, err)
	after, err := json.Marshal(mine.Components)
	require.NoError(t, err)
	assert.JSONEq(t, string(before), string(after), "the same that it began with")
	assert.Equal(t, time.Date(2030, 6, 15, 0, 0, 0, 0, time.UTC), mine.From)

	preview := h.ok("operator", "/console/fees/"+string(mine.ID))
	assert.Contains(t, preview, "What if")
	assert.NotContains(t, preview, "publish-fees", "their own")
	publish := "/console/fees/" + string(mine.ID) + "/publish-fees"
	h.sent("second", publish, form(t, h.ok("second", "/console/fees/"+string(mine.ID)), publish))
	again.Set("from", "2030-04-02")
	again.Set("key", "late")
	w = h.post("operator", to, again)
	assert.Contains(t, []int{http.StatusUnprocessableEntity, http.StatusSeeOther}, w.Code)

	const bind = "/console/fees/bind/bind-fees"
	b := filled(t, h.ok("operator", "/console/fees"), bind, map[string]string{"merchant": "nobody", "reason": "agreement"})
	w = h.post("operator", bind, b)
	assert.Contains(t, wrongs(w.Body.String()), "merchant")
	b.Set("merchant", string(h.cast.Merchant.ID))
	b.Set("tier", "gold")
	h.sent("operator", bind, b)
	standing, err := h.Fees.Standing(h.as(h.cast.Operator), h.cast.Merchant.ID, h.cast.Price.Currency())
	require.NoError(t, err)
	assert.Equal(t, "gold", standing.Binding.Tier)
}

func TestAnAuditIsPlannedSignedAndAdmittedByItsForms(t *testing.T) {
	t.Parallel()
	h := open(t)
	const page, to = "/console/engagements", "/console/engagements/new/plan-audit"
	for _, token := range []string{"operator", "auditor", "admission"} {
		assert.NotContains(t, h.ok(token, page), to, token)
	}
	f := filled(t, h.ok("supervisor", page), to, map[string]string{"firm": "Tallyman", "licence": "A-17", "from": "2029-13", "until": "2029-12", "scope": "all, cash", "deadline": ""})
	w := h.post("supervisor", to, f)
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	assert.Subset(t, slices.Sorted(maps.Keys(wrongs(w.Body.String()))), []string{"deadline", "from", "partner"})
	assert.Equal(t, http.StatusForbidden, h.post("admission", to, f).Code, "of another role, whatever they typed")
	f.Set("from", "2029-01")
	f.Set("partner", "partner-1")
	f.Set("deadline", "2030-06-30")
	assert.Equal(t, http.StatusForbidden, h.post("operator", to, f).Code, "who administers does not supervise")
	h.sent("supervisor", to, f)
	all, err := h.Supervision.Engagements(h.as(h.supervisor), "")
	require.NoError(t, err)
	require.Len(t, all.Items, 1)
	assert.Equal(t, []string{"all", "cash"}, all.Items[0].Scope)

	one := page + "/" + string(all.Items[0].ID)
	step := func(verb string, typed map[string]string) {
		t.Helper()
		h.sent("supervisor", one+"/"+verb, filled(t, h.ok("supervisor", page), one+"/"+verb, typed))
	}
	proof := strings.Repeat("0f", 32)
	step("audit-engage", map[string]string{"fee": "50000.00", "currency": "CNY", "independence": strings.ToUpper(proof)})
	admit := filled(t, h.ok("supervisor", page), one+"/audit-admit", map[string]string{"account": "aud_01kdvdna00eajs4d2pf2dbsqqg", "until": "2030-12-31"})
	w = h.post("supervisor", one+"/audit-admit", admit)
	assert.GreaterOrEqual(t, w.Code, 400, "longer than 90 days")
	assert.Contains(t, w.Body.String(), `value="2030-12-31"`)
	step("audit-admit", map[string]string{"account": "aud_01kdvdna00eajs4d2pf2dbsqqg", "until": "2030-03-31"})
	step("audit-begin", nil)
	step("audit-draft", nil)
	step("audit-opine", map[string]string{"opinion": "qualified", "report": proof})
	e, err := h.Supervision.Engagement(h.as(h.supervisor), all.Items[0].ID)
	require.NoError(t, err)
	assert.Equal(t, supervision.Qualified, e.Opinion)
	assert.Equal(t, time.Date(2030, 4, 1, 0, 0, 0, 0, time.UTC), e.Admitted[0].Until, "until the end of the day")
	assert.Contains(t, h.ok("auditor", page), "Qualified")
}

func TestEngagementsArePaged(t *testing.T) {
	t.Parallel()
	h := open(t)
	for n := range 12 {
		year := string(rune('0'+n/10)) + string(rune('0'+n%10))
		_, err := h.Supervision.PlanAudit(h.as(h.supervisor), supervision.PlanAudit{
			Firm: "Firm " + year, Licence: "A", Partner: platform.ID("p" + year), From: "20" + year + "-01", Until: "20" + year + "-12", Scope: []string{"all"}, Deadline: morning.AddDate(1, 0, 0),
		})
		require.NoError(t, err)
	}
	first := h.ok("auditor", "/console/engagements")
	assert.Contains(t, first, "Firm 11")
	assert.NotContains(t, first, "Firm 01")
	next := regexp.MustCompile(`href="([^"]*)" rel="next"`).FindStringSubmatch(first)
	require.NotNil(t, next)
	second := h.ok("auditor", html.UnescapeString(next[1]))
	assert.Contains(t, second, "Firm 01")
	assert.NotContains(t, second, "Firm 11")
	assert.NotContains(t, second, `rel="next"`)
}

// released is a payout of the merchant's that went out with a bank file, which the
// second operator released.
func (h *house) released(a settlement.Account) platform.ID {
	h.t.Helper()
	sold := h.work(h.paid())
	_, err := h.Orders.Accept(h.as(h.cast.Customer), order.Accept{Order: sold.ID})
	require.NoError(h.t, err)
	h.pass(8 * 24 * time.Hour)
	h.pass(7 * 24 * time.Hour)
	h.pass(4 * 24 * time.Hour)
	r, err := h.Payouts.StartRun(h.as(h.cast.Second), settlement.StartRun{Name: "files", Currency: "CNY"})
	require.NoError(h.t, err)
	n, err := h.Payouts.ApproveRun(h.as(h.cast.Operator), settlement.ApproveRun{Run: r.ID})
	require.NoError(h.t, err)
	require.Equal(h.t, 1, n)
	f, err := h.Payouts.DraftFile(h.as(h.cast.Operator), settlement.DraftFile{Run: r.ID, Bank: "icbc"})
	require.NoError(h.t, err)
	_, err = h.Payouts.ReleaseFile(h.as(h.cast.Second), settlement.ReleaseFile{File: f.ID})
	require.NoError(h.t, err)
	return settlement.PayoutID(a.ID, r.ID)
}

// A file's payout is nobody's to ask about: the operator who did not release it tells what
// the bank says.
func TestAPayoutByBankFileIsEndedByHand(t *testing.T) {
	t.Parallel()
	h := open(t)
	a, err := h.Payouts.Register(h.as(h.cast.Merchant), settlement.Register{Party: h.cast.Merchant.ID, Currency: "CNY", Bank: "icbc", Holder: "N. N.", Number: "6222020200112233445"})
	require.NoError(t, err)
	_, err = h.Payouts.VerifyAccount(h.as(h.cast.Second), settlement.VerifyAccount{Account: a.ID, Reason: "document"})
	require.NoError(t, err)
	p := h.released(a)
	page, to := "/console/payouts", "/console/payouts/"+string(p)+"/resolve-payout"
	assert.NotContains(t, h.ok("auditor", page), to)
	f := filled(t, h.ok("operator", page), to, map[string]string{"outcome": "lost", "reason": "transferred", "reference": "B-1"})
	w := h.post("operator", to, f)
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	assert.Contains(t, wrongs(w.Body.String()), "outcome")
	assert.Contains(t, w.Body.String(), `value="B-1"`)
	f.Set("outcome", "paid")
	h.sent("operator", to, f)
	done, err := h.Payouts.Payout(h.as(h.cast.Operator), p)
	require.NoError(t, err)
	assert.Equal(t, settlement.PayoutPaid, done.State)
	assert.Equal(t, "B-1", done.Reference)
}

// A refund of another amount than was asked, and a notice of somebody else's charge,
// are seen to by hand.
func TestWhatNoLookUpCouldEndIsEndedByHand(t *testing.T) {
	t.Parallel()
	h := open(t)
	o := h.paid()
	r := h.refund(o, "20.00")
	back := r.ID.As("rtn")
	h.Sandbox.Force(payment.Key(back), sandbox.Short)
	_, err := h.Orders.ApproveRefund(h.as(h.cast.Operator), order.ApproveRefund{Refund: r.ID})
	require.NoError(t, err)
	h.pass(time.Minute)
	h.Sandbox.Drain()
	_, err = h.Sandbox.Charge(t.Context(), payment.Charge{Key: "somebody-else", Amount: platform.MustMoney("1.00", "CNY"), Method: sandbox.OK})
	require.NoError(t, err)
	for _, letter := range h.Sandbox.Drain() {
		require.NoError(t, h.Payments.Receive(t.Context(), "sandbox", letter.Header, letter.Body))
	}
	h.pass(25 * time.Hour)

	const page = "/console/payments"
	shown := h.ok("operator", page)
	for _, token := range []string{"auditor", "admission"} {
		seen := h.ok(token, page)
		assert.NotContains(t, seen, "return-arrived", token)
		assert.NotContains(t, seen, "file-notice", token)
	}
	h.sent("operator", page+"/"+string(back)+"/return-arrived", form(t, shown, page+"/"+string(back)+"/return-arrived"))
	notice := regexp.MustCompile(`action="([^"]*/file-notice)"`).FindStringSubmatch(shown)
	require.NotNil(t, notice)
	h.sent("operator", notice[1], form(t, shown, notice[1]))
	assert.Equal(t, 1, h.events("payment.notice_filed"))
	shown = h.ok("operator", page)
	assert.NotContains(t, shown, "return-arrived")
	assert.NotContains(t, shown, "file-notice")
}
