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
	"github.com/liangding/platform/finance/settlement"
)

const (
	payoutsPage  = "/console/payouts"
	accountsPage = "/console/accounts"
	moneyPage    = "/console/money"
)

var payoutMoves = map[string]move{
	"start-run":      {action: "settlement.startRun", back: payoutsPage, do: console.startRun},
	"approve-run":    {action: "settlement.approvePayout", back: payoutsPage, do: console.approveRun},
	"approve-payout": {action: "settlement.approvePayout", back: payoutsPage, do: console.approvePayout},
	"clear-payout":   {action: "settlement.clearPayout", back: payoutsPage, do: console.clearPayout},
	"cancel-payout":  {action: "settlement.cancelPayout", back: payoutsPage, do: console.cancelPayout},
	"resolve-payout": {action: "settlement.resolvePayout", back: payoutsPage, do: console.resolvePayout},
	"look-payout":    {action: "settlement.lookPayout", back: payoutsPage, do: console.lookPayout},
}

var accountMoves = map[string]move{
	"verify-account":   {action: "settlement.verifyAccount", back: accountsPage, do: console.verifyAccount},
	"reject-account":   {action: "settlement.rejectAccount", back: accountsPage, do: console.rejectAccount},
	"answer-statement": {action: "settlement.answerStatement", back: accountsPage, do: console.answerStatement},
}

var statementMoves = map[string]move{
	"confirm-statement": {action: "settlement.confirmStatement", back: moneyPage, do: console.confirmStatement},
	"query-statement":   {action: "settlement.queryStatement", back: moneyPage, do: console.queryStatement},
}

// Why a payout goes on or not, an account is its party's or not, and a statement
// is questioned and answered.
var (
	payoutEndings = []string{"wrong_amount", "other"}
	payoutChecks  = []string{"checked", "other"}
	proofs        = []string{"document", "call"}
	doubts        = []string{"not_theirs", "other"}
	questions     = []string{"unknown_order", "wrong_amount", "other"}
	bankWords     = []string{"transferred", "no_account", "account_closed", "other"}
	replies       = []string{"correct", "righted_next"}
)

// payoutButtons are the console's names of a payout's moves, in order.
var payoutButtons = []struct {
	name    string
	verbs   []string
	reasons []string
}{
	{"clear-payout", []string{"clear"}, payoutChecks},
	{"approve-payout", []string{"approve"}, nil},
	{"cancel-payout", []string{"cancel"}, payoutEndings},
	{"look-payout", []string{"pay"}, nil},
}

type payoutsView struct {
	State settlement.PayoutState
	Tabs  []settlement.PayoutState
	Rows  []payoutRow
	First string
	Next  string
	Runs  []runRow
	Start *button // nil for those who may not
	Name  string  // of a run that begins today
}

type payoutRow struct {
	settlement.Payout
	Resolve *sheet // a form that tells what the bank says
	Buttons []button
}

type runRow struct {
	settlement.RunTotals
	Buttons []button
}

// payouts reads the last runs, and a page of the payouts in one state.
func (c console) payouts(r *http.Request) (any, error) {
	ctx, asked := r.Context(), r.URL.Query()
	v := payoutsView{
		State: settlement.PayoutState(asked.Get("state")), Name: c.m.Writer.Now().Format("2006-01-02"),
		Tabs: []settlement.PayoutState{
			"", settlement.PayoutReview, settlement.PayoutPlanned, settlement.PayoutApproved, settlement.PayoutSending, settlement.PayoutUnknown,
			settlement.PayoutManual, settlement.PayoutPaid, settlement.PayoutReturned, settlement.PayoutFailed, settlement.PayoutCancelled,
		},
		Start: c.open(ctx, payoutsPage, "start-run", payoutMoves),
	}
	runs, err := c.m.Payouts.Runs(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, run := range runs.Items[:min(len(runs.Items), 10)] {
		row := runRow{RunTotals: run}
		if run.Count > 0 && c.may(ctx, payoutMoves["approve-run"].action, run.Ref()) {
			waits, err := c.m.Payouts.Approvable(ctx, run.Run)
			if err != nil {
				return nil, err
			}
			if waits {
				row.Buttons = []button{press(payoutsPage+"/"+url.PathEscape(string(run.ID)), "approve-run")}
			}
		}
		v.Runs = append(v.Runs, row)
	}
	page, err := c.m.Payouts.Payouts(ctx, settlement.PayoutQuery{State: v.State, Cursor: asked.Get("cursor")})
	if err != nil {
		return nil, err
	}
	for _, p := range page.Items {
		v.Rows = append(v.Rows, payoutRow{p, c.resolveForm(ctx, p), c.payoutButtons(ctx, p)})
	}
	v.First, v.Next = turn(payoutsPage, "state", string(v.State), asked.Get("cursor"), page.Next)
	return v, nil
}

// payoutButtons are what an operator may do with a payout.
func (c console) payoutButtons(ctx context.Context, p settlement.Payout) (all []button) {
	open := settlement.PayoutMoves.Open(p.State, platform.Operator)
	for _, b := range payoutButtons {
		there := slices.ContainsFunc(b.verbs, func(verb string) bool { return slices.Contains(open, verb) })
		if there && c.may(ctx, payoutMoves[b.name].action, p.Ref()) {
			all = append(all, press(payoutsPage+"/"+url.PathEscape(string(p.ID)), b.name, b.reasons...))
		}
	}
	return all
}

// resolveForm tells what the bank says of a payout that no institution answers for.
func (c console) resolveForm(ctx context.Context, p settlement.Payout) *sheet {
	outcomes := []string{"paid", "failed"}
	switch {
	case p.State == settlement.PayoutPaid && p.Institution == "":
		outcomes = []string{"returned"}
	case p.State != settlement.PayoutManual && (p.State != settlement.PayoutSending || p.Institution != ""):
		return nil
	}
	if !c.may(ctx, payoutMoves["resolve-payout"].action, p.Ref()) {
		return nil
	}
	lang := edge.Language(ctx)
	return sheetOf(ctx, press(payoutsPage+"/"+url.PathEscape(string(p.ID)), "resolve-payout"), of(
		field{Name: "outcome", Label: "payouts.outcome", Type: "select", Offers: offered(lang, "payout", outcomes...)},
		field{Name: "reference", Label: "field.reference", Most: 64},
		because(lang, bankWords...),
	))
}

func (c console) resolvePayout(ctx context.Context, id platform.ID, form url.Values) error {
	e := entry{form: form}
	in := settlement.ResolvePayout{Payout: id, Outcome: e.text("outcome"), Reference: e.text("reference"), Reason: e.text("reason")}
	if err := e.flawed(in); err != nil {
		return err
	}
	_, err := c.m.Payouts.ResolvePayout(ctx, in)
	return err
}

func (c console) startRun(ctx context.Context, _ platform.ID, form url.Values) error {
	_, err := c.m.Payouts.StartRun(ctx, settlement.StartRun{Name: strings.TrimSpace(form.Get("name")), Currency: strings.TrimSpace(form.Get("currency"))})
	return err
}

func (c console) approveRun(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Payouts.ApproveRun(ctx, settlement.ApproveRun{Run: id})
	return err
}

func (c console) approvePayout(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Payouts.ApprovePayout(ctx, settlement.ApprovePayout{Payout: id})
	return err
}

func (c console) clearPayout(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Payouts.ClearPayout(ctx, settlement.ClearPayout{Payout: id, Reason: form.Get("reason")})
	return err
}

func (c console) cancelPayout(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Payouts.CancelPayout(ctx, settlement.CancelPayout{Payout: id, Reason: form.Get("reason")})
	return err
}

func (c console) lookPayout(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Payouts.LookPayout(ctx, settlement.LookPayout{Payout: id})
	return err
}

func (c console) verifyAccount(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Payouts.VerifyAccount(ctx, settlement.VerifyAccount{Account: id, Reason: form.Get("reason")})
	return err
}

func (c console) rejectAccount(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Payouts.RejectAccount(ctx, settlement.RejectAccount{Account: id, Reason: form.Get("reason")})
	return err
}

func (c console) answerStatement(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Payouts.AnswerStatement(ctx, settlement.AnswerStatement{Statement: id, Answer: form.Get("reason")})
	return err
}

func (c console) confirmStatement(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Payouts.ConfirmStatement(ctx, settlement.ConfirmStatement{Statement: id})
	return err
}

func (c console) queryStatement(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Payouts.QueryStatement(ctx, settlement.QueryStatement{Statement: id, Reason: form.Get("reason")})
	return err
}

type accountsView struct {
	State settlement.AccountState
	Tabs  []settlement.AccountState
	Rows  []accountRow
	First string
	Next  string
	One   *purseView // the account asked for
}

type accountRow struct {
	settlement.Account
	Buttons []button
}

// accounts reads a page of the payout accounts in one state, and the money behind
// the one that is asked for.
func (c console) accounts(r *http.Request) (any, error) {
	ctx, asked := r.Context(), r.URL.Query()
	v := accountsView{
		State: settlement.AccountState(asked.Get("state")),
		Tabs:  []settlement.AccountState{"", settlement.AccountPending, settlement.AccountVerified, settlement.AccountRejected},
	}
	if id := platform.ID(asked.Get("account")); id != "" {
		one, err := c.purse(ctx, id)
		if err != nil {
			return nil, err
		}
		v.One = &one
	}
	page, err := c.m.Payouts.Accounts(ctx, "", v.State, asked.Get("cursor"))
	if err != nil {
		return nil, err
	}
	for _, a := range page.Items {
		row, at := accountRow{Account: a}, accountsPage+"/"+url.PathEscape(string(a.ID))
		open := settlement.AccountMoves.Open(a.State, platform.Operator)
		if slices.Contains(open, "verify") && c.may(ctx, accountMoves["verify-account"].action, a.Ref()) {
			row.Buttons = append(row.Buttons, press(at, "verify-account", proofs...))
		}
		if slices.Contains(open, "reject") && c.may(ctx, accountMoves["reject-account"].action, a.Ref()) {
			row.Buttons = append(row.Buttons, press(at, "reject-account", doubts...))
		}
		v.Rows = append(v.Rows, row)
	}
	v.First, v.Next = turn(accountsPage, "state", string(v.State), asked.Get("cursor"), page.Next)
	return v, nil
}

type moneyView struct{ Purses []purseView }

// money reads the accounts of the party itself.
func (c console) money(r *http.Request) (any, error) {
	by, err := platform.ActorOf(r.Context())
	if err != nil {
		return nil, err
	}
	page, err := c.m.Payouts.Accounts(r.Context(), by.For(), "", "")
	if err != nil {
		return nil, err
	}
	var v moneyView
	for _, a := range page.Items {
		one, err := c.purse(r.Context(), a.ID)
		if err != nil {
			return nil, err
		}
		v.Purses = append(v.Purses, one)
	}
	return v, nil
}

type purseView struct {
	Account    settlement.Account
	Purse      settlement.Purse
	Zone       *time.Location // in which its windows end
	Bar        stack
	Statements []statementRow
	Payouts    []settlement.Payout
}

type statementRow struct {
	settlement.Statement
	Buttons []button
}

// purse reads a party's money with its last statements and payouts.
func (c console) purse(ctx context.Context, id platform.ID) (v purseView, err error) {
	if v.Purse, err = c.m.Payouts.Purse(ctx, id); err != nil {
		return v, err
	}
	if v.Account, err = c.m.Payouts.Account(ctx, id); err != nil {
		return v, err
	}
	if v.Zone, err = time.LoadLocation(v.Account.Zone); err != nil {
		v.Zone = time.UTC
	}
	v.Bar = purseOf(v.Purse)
	statements, err := c.m.Payouts.Statements(ctx, id, "", "")
	if err != nil {
		return v, err
	}
	for _, st := range statements.Items[:min(len(statements.Items), 12)] {
		v.Statements = append(v.Statements, statementRow{st, c.statementButtons(ctx, st)})
	}
	payouts, err := c.m.Payouts.Payouts(ctx, settlement.PayoutQuery{Account: id})
	v.Payouts = payouts.Items[:min(len(payouts.Items), 12)]
	return v, err
}

// statementButtons are what a party may do with its own statement, and an
// operator with one that is questioned.
func (c console) statementButtons(ctx context.Context, st settlement.Statement) (all []button) {
	by, _ := platform.ActorOf(ctx) // without one, no move is open
	open := settlement.StatementMoves.Open(st.State, by.Kind)
	at := "/" + url.PathEscape(string(st.ID))
	switch {
	case by.Kind == platform.Operator && slices.Contains(open, "answer") && c.may(ctx, accountMoves["answer-statement"].action, st.Ref()):
		return []button{press(accountsPage+at, "answer-statement", replies...)}
	case slices.Contains(open, "confirm") && by.For() == st.Party:
		return []button{press(moneyPage+at, "confirm-statement"), press(moneyPage+at, "query-statement", questions...)}
	}
	return nil
}

// purseOf draws where a party's money lies.
func purseOf(p settlement.Purse) stack {
	held, _ := p.Available.Sub(p.Available) // cannot overflow
	for _, h := range p.Held {
		held, _ = held.Add(h.Amount) // nor do parts of what is owed
	}
	parts := []slice{{Name: "earned", Amount: p.Earned}, {Name: "held", Amount: held}, {Name: "reserved", Amount: p.Reserved}, {Name: "available", Amount: p.Available}, {Name: "in_transit", Amount: p.InTransit}}
	parts = slices.DeleteFunc(parts, func(p slice) bool { return p.Amount.Absent() })
	var whole int64
	for _, p := range parts {
		whole += p.Amount.Minor()
	}
	return stackOf("purse", whole, parts...)
}

// own lets nobody but parties through, whose own records the moves are on.
func (c console) own(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := edge.Only(r.Context(), platform.Merchant, platform.Staff); err != nil {
			edge.Refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}
