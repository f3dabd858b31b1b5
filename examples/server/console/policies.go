package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/order"
)

const policiesPage = "/console/policies"

var policyMoves = map[string]move{
	"publish-policy": {action: "order.publishPolicy", back: policiesPage, do: console.publishPolicy},
	"discard-policy": {action: "order.discardPolicy", back: policiesPage, do: console.discardPolicy},
}

type policiesView struct {
	Rows  []policyRow
	First string
	Next  string
}

type policyRow struct {
	order.CancelPolicy
	Buttons []button
}

// policies reads a page of cancellation policies, the newest first.
func (c console) policies(r *http.Request) (any, error) {
	cursor := r.URL.Query().Get("cursor")
	page, err := c.m.Orders.Policies(r.Context(), cursor)
	if err != nil {
		return nil, err
	}
	var v policiesView
	for _, p := range page.Items {
		v.Rows = append(v.Rows, policyRow{p, c.policyButtons(r.Context(), p)})
	}
	v.First, v.Next = turn(policiesPage, "", "", cursor, page.Next)
	return v, nil
}

// policyButtons are the open moves. Who drafted a policy sees no button to publish
// it.
func (c console) policyButtons(ctx context.Context, p order.CancelPolicy) (all []button) {
	actor, _ := platform.ActorOf(ctx) // without one, may says no
	open, action := p.Open(actor.Kind), policiesPage+"/"+url.PathEscape(string(p.ID))
	if slices.Contains(open, "publish") && p.By != actor.ID && c.may(ctx, policyMoves["publish-policy"].action, p.Ref()) {
		all = append(all, press(action, "publish-policy"))
	}
	if slices.Contains(open, "discard") && c.may(ctx, policyMoves["discard-policy"].action, p.Ref()) {
		all = append(all, press(action, "discard-policy", discards...))
	}
	return all
}

type policyView struct {
	order.CancelPolicy
	Buttons []button
	Form    caseForm
	Fault   *edge.Problem // why it cannot be published; nil if it is whole
}

// caseForm asks what a cancellation would cost, and tells.
type caseForm struct {
	Fault, With, State, Way, Hours, Minutes, Moved, Done, Amount string // as they were typed
	Faults, Others, States, Ways                                 []string
	Price                                                        *order.Price
	Refusal                                                      *edge.Problem
}

// policy reads one version, and prices the case that is asked for.
func (c console) policy(r *http.Request) (any, error) {
	ctx := r.Context()
	p, err := c.m.Orders.Policy(ctx, platform.ID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	v := policyView{CancelPolicy: p, Buttons: c.policyButtons(ctx, p), Form: c.caseForm(r, p)}
	if err := p.Policy().Check(); err != nil {
		v.Fault = edge.Explain(ctx, err)
	}
	return v, nil
}

func (c console) caseForm(r *http.Request, p order.CancelPolicy) caseForm {
	asked := r.URL.Query()
	field := func(name, usual string) string {
		if text := strings.TrimSpace(asked.Get(name)); text != "" {
			return text
		}
		return usual
	}
	f := caseForm{
		Fault: field("fault", "customer"), With: field("with", ""), State: field("state", "confirmed"), Way: field("way", ""), Hours: field("hours", "3"),
		Minutes: field("minutes", "60"), Moved: field("moved", "0"), Done: field("done", "0"), Amount: field("amount", "100.00 CNY"),
		Faults: []string{"customer", "merchant", "platform", "staff_no_show", "force_majeure", "both"},
		Others: []string{"merchant", "platform", "staff_no_show", "force_majeure"},
		States: []string{"awaiting_payment", "confirmed", "assigned", "in_progress", "delivered", "rework"},
		Ways:   []string{"en_route", "arrived", "no_show"},
	}
	if !asked.Has("fault") {
		return f
	}
	in, err := f.policyCase(p.ID)
	if err == nil {
		var price order.Price
		if price, err = c.m.Orders.TryPolicy(r.Context(), in); err == nil {
			f.Price = &price
			return f
		}
	}
	f.Refusal = edge.Explain(r.Context(), err)
	return f
}

// policyCase is what the form asks.
func (f caseForm) policyCase(policy platform.ID) (order.PolicyCase, error) {
	in := order.PolicyCase{Policy: policy, Facts: order.Facts{Fault: order.Fault(f.Fault), State: order.State(f.State), Way: order.Way(f.Way)}}
	if in.Facts.Fault == order.BothFault {
		in.Facts.With = order.Fault(f.With)
	}
	numbers := map[string]float64{}
	for name, text := range map[string]string{"hours": f.Hours, "minutes": f.Minutes, "moved": f.Moved, "done": f.Done} {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || n < -9000 || n > 9_000_000 {
			return in, platform.Wrong(name, errNumber)
		}
		numbers[name] = n
	}
	in.Facts.ToStart = time.Duration(numbers["hours"] * float64(time.Hour))
	in.Facts.Paid = time.Duration(numbers["minutes"] * float64(time.Minute))
	in.Facts.Moved, in.Facts.Done = int(numbers["moved"]), decimal.New(int64(numbers["done"]), -2)
	amount, currency, _ := strings.Cut(f.Amount, " ")
	var err error
	if in.Amount, err = platform.ParseMoney(amount, currency); err != nil {
		return in, platform.Wrong("amount", err)
	}
	return in, nil
}

// within is a span in few words; nothing for any.
func within(s order.Span) string {
	var all []string
	if s.Over != 0 {
		all = append(all, "> "+s.Over.String())
	}
	if s.UpTo != 0 {
		all = append(all, "≤ "+s.UpTo.String())
	}
	return strings.NewReplacer("h0m0s", "h", "m0s", "m").Replace(strings.Join(all, " & "))
}

// most are the bounds of an amount, in few words.
func most(low, high []platform.Money) string {
	var all []string
	for _, m := range low {
		all = append(all, "≥ "+money(m))
	}
	for _, m := range high {
		all = append(all, "≤ "+money(m))
	}
	return strings.Join(all, ", ")
}

// shares are what platform, merchant and members have of a row's fee, in percent.
func shares(r order.Row) string {
	rest := decimal.NewFromInt(1).Sub(r.Platform).Sub(r.Staff)
	return strings.Join([]string{r.Platform.Shift(2).String(), rest.Shift(2).String(), r.Staff.Shift(2).String()}, " / ")
}

func (c console) publishPolicy(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Orders.PublishPolicy(ctx, order.PublishPolicy{Policy: id})
	return err
}

func (c console) discardPolicy(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Orders.DiscardPolicy(ctx, order.DiscardPolicy{Policy: id, Reason: form.Get("reason")})
	return err
}
