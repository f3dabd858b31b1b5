package console

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
)

const ordersPage = "/console/orders/"

// orderMoves are the moves on an order that are simple enough for a button.
var orderMoves = map[string]move{
	"cancel":         {action: "order.cancel", back: ordersPage, do: console.cancel},
	"dispatch":       {action: "dispatch.offer", back: ordersPage, do: console.dispatch},
	"clear":          {action: "order.clearReview", back: ordersPage, do: console.clear},
	"reject":         {action: "order.clearReview", back: ordersPage, do: console.reject},
	"waive":          {action: "order.waiveNoShow", back: ordersPage, do: console.waiveNoShow},
	"approve-refund": {action: "order.approveRefund", back: ordersPage, do: console.approveRefund},
	"reject-refund":  {action: "order.rejectRefund", back: ordersPage, do: console.rejectRefund},
}

// cancelForm is the button that cancels, with what that costs by whose doing it
// is.
type cancelForm struct {
	button
	Quotes []order.CancelQuote
}

// Codes of reasons, offered to choose from.
var (
	cancelReasons = []string{"customer_request", "merchant_request", "no_staff", "duplicate", "fraud", "other"}
	refundReasons = []string{"not_justified", "already_settled", "fraud", "other"}
	clearReasons  = []string{"checked", "other"}
	graceReasons  = []string{"good_customer", "other"}
	reviewReasons = []string{"fraud", "unverified", "other"}
)

// moves finds what the actor may do with the order now.
func (v *orderView) moves(ctx context.Context, c console) error {
	actor, err := platform.ActorOf(ctx)
	if err != nil || actor.Kind != platform.Operator {
		return err
	}
	o, action := v.Order, ordersPage+url.PathEscape(string(v.Order.ID))
	if c.may(ctx, "dispatch.offer", o.Ref()) && v.understaffed(ctx, c) {
		v.Buttons = append(v.Buttons, press(action, "dispatch"))
	}
	all, err := c.m.Permissions(ctx, o)
	if err != nil {
		return err
	}
	for _, p := range all {
		verb := p.Verb
		_, simple := orderMoves[verb]
		switch {
		case p.Refusal != nil:
			v.refused(ctx, p)
		case !simple:
			v.Others = append(v.Others, verb)
		case verb == "cancel":
			if v.Cancel, err = c.cancelForm(ctx, o, action); err != nil {
				return err
			}
		case verb == "clear":
			v.Buttons = append(v.Buttons, press(action, verb, clearReasons...))
		case verb == "waive":
			v.Buttons = append(v.Buttons, press(action, verb, graceReasons...))
		case verb == "reject":
			v.Buttons = append(v.Buttons, press(action, verb, reviewReasons...))
		}
	}
	return nil
}

// refusedMove is a move that operators can make, and this one not now.
type refusedMove struct {
	Verb, Code, Text string
	From             time.Time
}

// refused notes why a move of operators is not open.
func (v *orderView) refused(ctx context.Context, p order.Permission) {
	if code := platform.Code(p.Refusal); code != "order.actor_not_allowed" {
		v.Refused = append(v.Refused, refusedMove{p.Verb, code, platform.Text(p.Refusal, edge.Language(ctx)), p.From})
	}
}

// understaffed tells whether the order has a seat for which nobody was found or
// is being asked.
func (v *orderView) understaffed(ctx context.Context, c console) bool {
	doc, _, err := order.Seats{Store: order.StoreOn(c.m.DB)}.Need(ctx, v.Order.ID)
	if err != nil {
		return false // it takes no staff now
	}
	var need struct{ Open []int }
	if err := json.Unmarshal(doc, &need); err != nil {
		return false
	}
	for _, a := range v.Assignments {
		if a.State == dispatch.Offered {
			need.Open = slices.DeleteFunc(need.Open, func(seat int) bool { return seat == a.Seat })
		}
	}
	return len(need.Open) > 0
}

// cancelForm quotes the cancellation by each fault, that of the platform first.
func (c console) cancelForm(ctx context.Context, o order.Order, action string) (*cancelForm, error) {
	f := &cancelForm{button: press(action, "cancel", cancelReasons...)}
	for _, fault := range []order.Fault{order.PlatformFault, order.CustomerFault, order.MerchantFault} {
		q, err := c.m.Orders.QuoteCancel(ctx, order.Cancel{Order: o.ID, Fault: fault})
		if err != nil {
			return nil, err
		}
		f.Quotes = append(f.Quotes, q)
	}
	return f, nil
}

// cancel cancels for the fee that the form showed, or not at all.
func (c console) cancel(ctx context.Context, id platform.ID, form url.Values) error {
	fault := form.Get("fault")
	amount, currency, _ := strings.Cut(form.Get("fee."+fault), " ")
	fee, err := platform.ParseMoney(amount, currency)
	if err != nil {
		return fmt.Errorf("cancel order %s: %w: %w", id, errForm, err)
	}
	_, err = c.m.Orders.Cancel(ctx, order.Cancel{Order: id, MaxFee: fee, Reason: form.Get("reason"), Fault: order.Fault(fault)})
	return err
}

func (c console) dispatch(ctx context.Context, id platform.ID, _ url.Values) error {
	d, err := c.m.Dispatch.DispatchOrder(ctx, dispatch.DispatchOrder{Order: id})
	if err == nil && len(d.Offers) == 0 && len(d.Left) > 0 {
		err = fmt.Errorf("dispatch order %s: %s: %w", id, d.Left[0].Code, errNobodyFree)
	}
	return err
}

func (c console) clear(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Orders.ClearReview(ctx, order.ClearReview{Order: id, Outcome: "allow", Reason: form.Get("reason")})
	return err
}

func (c console) reject(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Orders.ClearReview(ctx, order.ClearReview{Order: id, Outcome: "reject", Reason: form.Get("reason")})
	return err
}

func (c console) waiveNoShow(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Orders.WaiveNoShow(ctx, order.WaiveNoShow{Order: id, Reason: form.Get("reason")})
	return err
}

// refundButtons are what the actor may decide on a refund.
func (c console) refundButtons(ctx context.Context, r order.Refund) []button {
	if r.State != order.RefundRequested {
		return nil
	}
	var all []button
	action := ordersPage + url.PathEscape(string(r.Order))
	actor, _ := platform.ActorOf(ctx) // without one, may says no
	ours := actor.ID == r.By || slices.Contains(r.Approvers, actor.ID)
	if c.may(ctx, "order.approveRefund", r.Ref()) && !ours {
		all = append(all, press(action, "approve-refund"))
	}
	if c.may(ctx, "order.rejectRefund", r.Ref()) {
		all = append(all, press(action, "reject-refund", refundReasons...))
	}
	for i := range all {
		all[i].Hidden = map[string]string{"refund": string(r.ID)}
	}
	return all
}

func (c console) approveRefund(ctx context.Context, _ platform.ID, form url.Values) error {
	_, err := c.m.Orders.ApproveRefund(ctx, order.ApproveRefund{Refund: platform.ID(form.Get("refund"))})
	return err
}

func (c console) rejectRefund(ctx context.Context, _ platform.ID, form url.Values) error {
	_, err := c.m.Orders.RejectRefund(ctx, order.RejectRefund{Refund: platform.ID(form.Get("refund")), Reason: form.Get("reason")})
	return err
}
