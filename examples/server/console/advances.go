package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/claim"
)

const advancesPage = "/console/advances"

var advanceMoves = map[string]move{
	"ask-advance":     {action: "claim.askAdvance", back: advancesPage, do: console.askAdvance},
	"grant-advance":   {action: "claim.grantAdvance", back: advancesPage, do: console.grantAdvance},
	"decline-advance": {action: "claim.declineAdvance", back: advancesPage, do: console.declineAdvance},
	"return-advance":  {action: "claim.returnAdvance", back: advancesPage, do: console.returnAdvance},
}

// Why somebody needs an advance, and why they do not get it.
var (
	advanceReasons  = []string{"business_travel", "purchase", "event", "other"}
	advanceRefusals = []string{"not_justified", "too_much", "other"}
)

type advancesView struct {
	State claim.AdvanceState
	Tabs  []claim.AdvanceState
	Rows  []advanceRow
	First string
	Next  string
	Ask   *sheet // nil for those who may not
}

type advanceRow struct {
	claim.Advance
	Bar     stack
	Buttons []button
}

// advances reads a page of the advances in a state.
func (c console) advances(r *http.Request) (any, error) {
	ctx, asked := r.Context(), r.URL.Query()
	v := advancesView{State: claim.AdvanceState(asked.Get("state")), Tabs: []claim.AdvanceState{
		claim.AdvanceAsked, claim.AdvanceOpen, claim.AdvanceSettled, claim.AdvanceDeclined,
	}}
	if !slices.Contains(v.Tabs, v.State) {
		v.State = claim.AdvanceAsked
	}
	page, err := c.m.Claims.Advances(ctx, v.State, asked.Get("cursor"))
	if err != nil {
		return nil, err
	}
	for _, a := range page.Items {
		row := advanceRow{Advance: a, Buttons: c.advanceButtons(ctx, a)}
		if gone, err := a.Amount.Sub(a.Left); err == nil && a.State != claim.AdvanceAsked && a.State != claim.AdvanceDeclined {
			row.Bar = stackOf("advance", a.Amount.Minor(), slice{Name: "accounted", Amount: gone}, slice{Name: "left", Amount: a.Left})
		}
		v.Rows = append(v.Rows, row)
	}
	v.First, v.Next = turn(advancesPage, "state", string(v.State), asked.Get("cursor"), page.Next)
	if c.may(ctx, "claim.askAdvance", platform.Ref{}) {
		v.Ask = sheetOf(ctx, press(advancesPage+"/new", "ask-advance"), of(
			field{Name: "amount", Label: "field.amount", Hint: "500.00", Needed: true, Most: 24},
			field{Name: "currency", Label: "field.currency", Value: "CNY", Needed: true, Most: 3},
			because(edge.Language(ctx), advanceReasons...),
		))
	}
	return v, nil
}

// advanceButtons are what whoever looks may do with an advance, not their own.
func (c console) advanceButtons(ctx context.Context, a claim.Advance) (all []button) {
	actor, err := platform.ActorOf(ctx)
	if err != nil || actor.ID == a.Who || actor.For() == a.Who {
		return nil
	}
	offer := func(verb string, reasons ...string) {
		if c.may(ctx, advanceMoves[verb].action, a.Ref()) {
			all = append(all, press(advancesPage+"/"+url.PathEscape(string(a.ID)), verb, reasons...).seen(a.Version))
		}
	}
	switch a.State {
	case claim.AdvanceAsked:
		offer("grant-advance")
		offer("decline-advance", advanceRefusals...)
	case claim.AdvanceOpen:
		offer("return-advance")
	}
	return all
}

func (c console) askAdvance(ctx context.Context, _ platform.ID, form url.Values) error {
	e := entry{form: form}
	in := claim.AskAdvance{Amount: e.money("amount", e.currency("currency")), Reason: e.text("reason")}
	if err := e.flawed(in); err != nil {
		return err
	}
	_, err := c.m.Claims.AskAdvance(ctx, in)
	return err
}

func (c console) grantAdvance(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Claims.GrantAdvance(ctx, claim.GrantAdvance{Advance: id})
	return err
}

func (c console) declineAdvance(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Claims.DeclineAdvance(ctx, claim.DeclineAdvance{Advance: id, Reason: form.Get("reason")})
	return err
}

func (c console) returnAdvance(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Claims.ReturnAdvance(ctx, claim.ReturnAdvance{Advance: id})
	return err
}
