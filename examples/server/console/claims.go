package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/budget"
	"github.com/liangding/platform/finance/claim"
)

const claimsPage = "/console/claims"

// draftMoves begin a claim, and claimMoves go on with one.
var (
	draftMoves = map[string]move{"draft-claim": {action: "claim.draft", back: claimsPage, do: console.draftClaim}}

	claimMoves = map[string]move{
		"submit-claim":   {action: "claim.submit", back: claimsPage + "/", do: console.submitClaim},
		"withdraw-claim": {action: "claim.withdraw", back: claimsPage + "/", do: console.withdrawClaim},
		"approve-claim":  {action: "claim.approve", back: claimsPage + "/", do: console.approveClaim},
		"return-claim":   {action: "claim.return", back: claimsPage + "/", do: console.returnClaim},
		"reject-claim":   {action: "claim.reject", back: claimsPage + "/", do: console.rejectClaim},
		"pay-claim":      {action: "claim.pay", back: claimsPage + "/", do: console.payClaim},
		"claim-paid":     {action: "claim.resolvePayment", back: claimsPage + "/", do: console.claimPaid},
		"claim-unpaid":   {action: "claim.resolvePayment", back: claimsPage + "/", do: console.claimUnpaid},
		"reclaim":        {action: "claim.reclaim", back: claimsPage + "/", do: console.reclaim},
	}
)

// Why a claim is sent back or refused, how a payment at the bank went, and why
// what was paid is asked back.
var (
	claimReturns  = []string{"blurred", "incomplete", "wrong_line", "other"}
	claimRefusals = []string{"private", "not_justified", "duplicate", "fraud", "other"}
	bankAnswers   = []string{"transferred"}
	bankFailures  = []string{"no_account", "other"}
	reclaims      = []string{"voucher_cancelled", "fraud", "other"}
)

// turnTab is what waits for who looks.
const turnTab = "turn"

var claimTabs = []string{
	turnTab, string(claim.Submitted), string(claim.Approving), string(claim.Approved), string(claim.Payable), string(claim.Paying),
	string(claim.PaymentFailed), string(claim.Paid), string(claim.Returned), string(claim.Rejected), string(claim.Reclaimed),
}

type claimsView struct {
	Tab   string
	Tabs  []string
	Rows  []claim.Claim
	First string
	Next  string
	Cut   bool
	Draft *sheet // nil for those who may not
	Spent bool   // there is nothing to spend
	Mine  []claim.Claim
}

// claims reads the claims that wait for whoever looks, or those in a state, and
// their own latest.
func (c console) claims(r *http.Request) (any, error) {
	ctx, asked := r.Context(), r.URL.Query()
	actor, err := platform.ActorOf(ctx)
	if err != nil {
		return nil, err
	}
	v := claimsView{Tab: asked.Get("state"), Tabs: claimTabs}
	if actor.Kind != platform.Operator {
		v.Tabs = claimTabs[1:]
	}
	if !slices.Contains(v.Tabs, v.Tab) {
		v.Tab = v.Tabs[0]
	}
	if err := v.read(ctx, c, actor, asked.Get("cursor")); err != nil {
		return nil, err
	}
	if actor.Kind != platform.Operator {
		return v, nil
	}
	mine, err := c.m.Claims.Claims(ctx, "")
	if err != nil {
		return nil, err
	}
	v.Mine = mine.Items
	if !c.may(ctx, "claim.draft", platform.Ref{}) {
		return v, nil
	}
	lines, err := c.m.Budgets.Lines(ctx, "", "")
	v.Draft, v.Spent = c.draftForm(ctx, lines.Items), len(lines.Items) == 0
	return v, err
}

// read fills the rows of the tab.
func (v *claimsView) read(ctx context.Context, c console, actor platform.Actor, cursor string) error {
	if v.Tab != turnTab {
		page, err := c.m.Claims.InState(ctx, claim.State(v.Tab), cursor)
		v.Rows = page.Items
		v.First, v.Next = turn(claimsPage, "state", v.Tab, cursor, page.Next)
		return err
	}
	for _, role := range actor.Roles {
		page, err := c.m.Claims.Inbox(ctx, role, "")
		if err != nil {
			return err
		}
		v.Rows, v.Cut = append(v.Rows, page.Items...), v.Cut || page.Next != ""
	}
	return nil
}

// overLimits are why a voucher is above a limit.
var overLimits = []string{"no_alternative", "late_booking", "customer_request"}

// papers are the sorts of vouchers that the form offers.
var papers = []string{"invoice", "receipt", "ticket", "toll", "other"}

// draftForm is the form of a claim with one voucher.
func (c console) draftForm(ctx context.Context, lines []budget.Standing) *sheet {
	var on []choice
	for _, l := range lines {
		on = append(on, choice{Value: string(l.ID) + " " + l.Plan.Currency().String(), Text: l.Centre + " · " + l.Account + " (" + l.Plan.Currency().String() + ")"})
	}
	item := func(member string) string { return at("items", 0, member) }
	return sheetOf(ctx, press(claimsPage+"/new", "draft-claim"), of(
		field{Name: item(".line"), Label: "field.budgetline", Type: "select", Offers: on},
		field{Name: item(".kind"), Label: "field.paper", Type: "select", Offers: offered(edge.Language(ctx), "paper", papers...)},
		field{Name: item(".date"), Label: "field.date", Type: "date", Needed: true},
		field{Name: item(".amount"), Label: "field.amount", Needed: true, Most: 24, Hint: "12.50"},
		field{Name: item(".tax"), Label: "field.tax", Most: 24},
		field{Name: item(".number"), Label: "field.number", Most: 40},
		field{Name: item(".seller"), Label: "field.seller", Needed: true, Most: 100},
		field{Name: item(".seller_tax_id"), Label: "field.taxid", Most: 40},
		field{Name: item(".purpose"), Label: "field.whatfor", Needed: true, Most: 200},
		field{Name: item(".exception"), Label: "field.exception", Type: "select", Offers: append([]choice{{Text: "–"}}, offered(edge.Language(ctx), "reason", overLimits...)...)},
		field{Name: item(".file"), Label: "field.file", Needed: true, Most: 64, Hint: "SHA-256"},
	))
}

type claimView struct {
	Claim   claim.Claim
	Buttons []button
	Reveal  *revealForm
}

// claim reads one claim, with its chain and its vouchers.
func (c console) claim(r *http.Request) (any, error) {
	ctx := r.Context()
	x, err := c.m.Claims.Claim(ctx, platform.ID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	return claimView{x, c.claimButtons(ctx, x), c.revealing(ctx, x.Ref(), map[string]platform.Sealed{"details": x.Details}, "details")}, nil
}

// claimButtons are the moves that are open on a claim to whoever looks.
func (c console) claimButtons(ctx context.Context, x claim.Claim) (all []button) {
	actor, err := platform.ActorOf(ctx)
	if err != nil {
		return nil
	}
	at := claimsPage + "/" + url.PathEscape(string(x.ID))
	offer := func(verb string, reasons ...string) {
		if c.may(ctx, claimMoves[verb].action, x.Ref()) {
			all = append(all, press(at, verb, reasons...).seen(x.Version))
		}
	}
	own, open := actor.For() == x.Claimant, x.Open(platform.Operator)
	tied := own || slices.Contains(x.Hands, actor.ID)
	switch {
	case own && slices.Contains(open, "submit"):
		offer("submit-claim")
		offer("withdraw-claim")
	case own && slices.Contains(open, "withdraw"):
		offer("withdraw-claim")
	case !own && slices.Contains(open, "approve") && turnOf(x, actor):
		offer("approve-claim")
		offer("return-claim", claimReturns...)
		offer("reject-claim", claimRefusals...)
	case !tied && slices.Contains(open, "pay"):
		offer("pay-claim")
	case !tied && slices.Contains(open, "arrive"):
		offer("claim-paid", bankAnswers...)
		offer("claim-unpaid", bankFailures...)
	case !own && slices.Contains(open, "reclaim"):
		offer("reclaim", reclaims...)
	}
	return all
}

// turnOf tells whether the claim's level may be the actor's, by role or as its
// deputy.
func turnOf(x claim.Claim, actor platform.Actor) bool {
	if x.At >= len(x.Chain) {
		return false
	}
	step := x.Chain[x.At]
	return actor.Has(step.Role) || step.Deputy != "" && actor.Has(step.Deputy)
}

// draftClaim drafts a claim with one voucher, and submits it.
func (c console) draftClaim(ctx context.Context, _ platform.ID, form url.Values) error {
	e := entry{form: form}
	item := func(member string) string { return at("items", 0, member) }
	line, currency, _ := strings.Cut(form.Get(item(".line")), " ")
	in := claim.Draft{Items: []claim.Voucher{{
		Line: platform.ID(line), Kind: form.Get(item(".kind")), File: strings.ToLower(e.text(item(".file"))), Number: e.text(item(".number")),
		Seller: e.text(item(".seller")), SellerTaxID: e.text(item(".seller_tax_id")), Purpose: e.text(item(".purpose")), Exception: e.text(item(".exception")),
		Date: e.day(item(".date"), time.UTC), Amount: e.money(item(".amount"), currency), Tax: e.money(item(".tax"), currency),
	}}}
	if err := e.flawed(in); err != nil {
		return err
	}
	x, err := c.m.Claims.Draft(ctx, in)
	if err != nil {
		return err
	}
	_, err = c.m.Claims.Submit(platform.WithKey(ctx, form.Get("key")+".submit"), claim.Submit{Claim: x.ID})
	return err
}

func (c console) submitClaim(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Claims.Submit(ctx, claim.Submit{Claim: id})
	return err
}

func (c console) withdrawClaim(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Claims.Withdraw(ctx, claim.Withdraw{Claim: id})
	return err
}

func (c console) approveClaim(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Claims.Approve(ctx, claim.Approve{Claim: id})
	return err
}

func (c console) returnClaim(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Claims.Return(ctx, claim.Return{Claim: id, Reason: form.Get("reason")})
	return err
}

func (c console) rejectClaim(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Claims.Reject(ctx, claim.Reject{Claim: id, Reason: form.Get("reason")})
	return err
}

func (c console) payClaim(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Claims.Pay(ctx, claim.Pay{Claim: id})
	return err
}

func (c console) claimPaid(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Claims.ResolvePayment(ctx, claim.ResolvePayment{Claim: id, Outcome: "paid", Reason: form.Get("reason")})
	return err
}

func (c console) claimUnpaid(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Claims.ResolvePayment(ctx, claim.ResolvePayment{Claim: id, Outcome: "failed", Reason: form.Get("reason")})
	return err
}

func (c console) reclaim(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Claims.Reclaim(ctx, claim.Reclaim{Claim: id, Reason: form.Get("reason")})
	return err
}
