package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/refund"
	"github.com/liangding/platform/order"
)

// planMoves are the moves on a plan of a refund. Asking for it leads back to the
// order's page, where it is approved.
var planMoves = map[string]move{
	"ask-refund":   {action: "order.requestRefund", back: ordersPage, do: console.askRefund},
	"approve-plan": {action: "order.approveRefund", back: ordersPage, do: console.approvePlan},
}

var planReasons = []string{"customer_request", "complaint", "other"}

type planView struct {
	Order   order.Order
	Refund  platform.ID // that was asked for; empty while one is only thought of
	Amount  string      // as it was typed; empty for all
	Fault   string
	Plan    *market.RefundPlan
	Refusal *edge.Problem // why there is none
	Faults  []string
	Buttons []button
}

// refundPlan shows how a refund of an order would be carried out: of an amount
// that is typed in, or of one that was asked for.
func (c console) refundPlan(r *http.Request) (any, error) {
	ctx, asked := r.Context(), r.URL.Query()
	o, err := c.m.Orders.Order(ctx, platform.ID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	v := planView{
		Order: o, Refund: platform.ID(asked.Get("refund")), Amount: strings.TrimSpace(asked.Get("amount")), Fault: asked.Get("fault"),
		Faults: []string{"customer", "merchant", "force_majeure"},
	}
	in := market.PlanRefund{Order: o.ID, Refund: v.Refund, Request: refund.Request{Bearer: refund.ByMerchant, Fault: v.Fault}}
	if v.Amount != "" && v.Refund == "" {
		if in.Amount, err = platform.ParseMoney(v.Amount, o.Total.Currency().String()); err != nil {
			v.Refusal = edge.Explain(ctx, err)
			return v, nil
		}
	}
	plan, err := c.m.PlanRefund(ctx, in, edge.Language(ctx))
	if err == nil && plan.Order != o.ID {
		err = platform.NotFound(platform.Ref{Kind: "order.refund", ID: v.Refund})
	}
	switch {
	case errors.Is(err, platform.ErrState), errors.Is(err, platform.ErrInvalid):
		v.Refusal = edge.Explain(ctx, err)
		return v, nil
	case err != nil:
		return nil, err
	}
	v.Plan, v.Buttons = &plan, c.planButtons(ctx, o, v.Refund, plan)
	return v, nil
}

// planButtons ask for the refund that is shown, or approve it as it is shown.
func (c console) planButtons(ctx context.Context, o order.Order, of platform.ID, p market.RefundPlan) []button {
	action := ordersPage + url.PathEscape(string(o.ID)) + "/refund"
	if of != "" {
		if !c.may(ctx, "order.approveRefund", platform.Ref{Kind: "order.refund", ID: of}) {
			return nil
		}
		b := press(action, "approve-plan")
		b.Hidden = map[string]string{"refund": string(of), "plan": p.Hash}
		return []button{b}
	}
	if !c.may(ctx, "order.requestRefund", o.Ref()) {
		return nil
	}
	b := press(action, "ask-refund", planReasons...)
	b.Hidden = map[string]string{}
	for _, l := range p.Lines {
		b.Hidden[lineField(l.Line)] = l.Amount.String()
	}
	return []button{b}
}

// lineField is the form's field of a line.
func lineField(no int) string { return "line." + strconv.Itoa(no) }

// askRefund asks for what the plan showed, line by line.
func (c console) askRefund(ctx context.Context, id platform.ID, form url.Values) error {
	in := order.RequestRefund{Order: id, Reason: form.Get("reason")}
	o, err := c.m.Orders.Order(ctx, id)
	if err != nil {
		return err
	}
	for _, l := range o.Lines {
		amount, currency, named := strings.Cut(form.Get(lineField(l.No)), " ")
		if !named {
			continue
		}
		m, err := platform.ParseMoney(amount, currency)
		if err != nil {
			return errForm
		}
		in.Lines = append(in.Lines, order.RefundLine{Line: l.No, Amount: m})
	}
	_, err = c.m.Orders.RequestRefund(ctx, in)
	return err
}

// approvePlan approves a refund as it was shown, or not at all.
func (c console) approvePlan(ctx context.Context, _ platform.ID, form url.Values) error {
	_, err := c.m.Orders.ApproveRefund(ctx, order.ApproveRefund{Refund: platform.ID(form.Get("refund")), Plan: form.Get("plan")})
	return err
}
