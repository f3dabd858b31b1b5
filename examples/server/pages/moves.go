package pages

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/care"
)

// orderMoves are the forms on an order and on its pages.
var orderMoves = map[string]move{
	"pay":       {"order", pages.order, pages.pay},
	"accept":    {"order", pages.order, pages.accept},
	"rework":    {"order", pages.order, pages.rework},
	"review":    {"order", pages.order, pages.review},
	"approve":   {"order", pages.order, pages.approve},
	"refuse":    {"order", pages.order, pages.refuse},
	"take-back": {"order", pages.order, pages.takeBack},
	"cancel":    {"cancel", pages.cancelling, pages.cancel},
	"change":    {"change", pages.changing, pages.change},
	"dispute":   {"open", pages.opening, pages.open},
	"confirm":   {"order", pages.order, pages.confirm},
	"decline":   {"order", pages.order, pages.decline},
	"start":     {"order", pages.order, pages.start},
	"deliver":   {"order", pages.order, pages.deliver},
}

// done leads to an order with the word for what happened.
func done(id platform.ID, what string, err error) (string, error) {
	return orderPage(id) + "?done=" + what, err
}

var (
	errUnpaid = platform.Err(platform.ErrState, "form.unpaid", "the payment did not go through; nothing was taken", "支付未成功，未扣款")
	errMethod = platform.Err(platform.ErrInvalid, "form.method", "choose how to pay", "请选择支付方式")
)

// pay pays what the page showed. What the institution has not answered yet is no
// failure: the order's page tells once it is known.
func (p pages) pay(ctx context.Context, id platform.ID, in url.Values) (string, error) {
	if !slices.Contains(methods, in.Get("method")) {
		return "", platform.Wrong("method", errMethod)
	}
	rest, err := sum(in, "amount")
	if err != nil {
		return "", err
	}
	a, err := p.m.Payments.Pay(ctx, payment.Pay{Intent: platform.ID(in.Get("intent")), Amount: rest, Method: in.Get("method")})
	switch {
	case err != nil:
		return "", err
	case a.State == payment.AttemptFailed:
		return "", platform.Detail(errUnpaid, "reason", a.Reason)
	case a.State == payment.AttemptCaptured:
		return done(id, "pay", nil)
	}
	return done(id, "paying", nil)
}

func (p pages) accept(ctx context.Context, id platform.ID, _ url.Values) (string, error) {
	_, err := p.m.Orders.Accept(ctx, order.Accept{Order: id})
	return done(id, "accept", err)
}

// rework hands the lines back that are marked, or the only one.
func (p pages) rework(ctx context.Context, id platform.ID, in url.Values) (string, error) {
	var lines []int
	for _, no := range in["line"] {
		n, err := strconv.Atoi(no)
		if err != nil {
			return "", errForm
		}
		lines = append(lines, n)
	}
	_, err := p.m.Orders.RequestRework(ctx, order.RequestRework{Order: id, Reason: in.Get("reason"), Lines: lines})
	return done(id, "rework", err)
}

func (p pages) review(ctx context.Context, id platform.ID, in url.Values) (string, error) {
	score, _ := strconv.Atoi(in.Get("score")) // none is refused as 0
	_, err := p.m.Reviews.WriteReview(ctx, care.WriteReview{Order: id, Score: score, Text: in.Get("text")})
	return done(id, "review", err)
}

func (p pages) confirm(ctx context.Context, id platform.ID, _ url.Values) (string, error) {
	_, err := p.m.Orders.Confirm(ctx, order.Confirm{Order: id})
	return done(id, "confirm", err)
}

func (p pages) decline(ctx context.Context, id platform.ID, in url.Values) (string, error) {
	_, err := p.m.Orders.Decline(ctx, order.Decline{Order: id, Reason: in.Get("reason")})
	return done(id, "decline", err)
}

func (p pages) start(ctx context.Context, id platform.ID, _ url.Values) (string, error) {
	_, err := p.m.Orders.Start(ctx, order.Start{Order: id})
	return done(id, "start", err)
}

func (p pages) approve(ctx context.Context, id platform.ID, in url.Values) (string, error) {
	_, err := p.m.Orders.ApproveChange(ctx, order.ApproveChange{Change: platform.ID(in.Get("change")), Hash: in.Get("hash")})
	return done(id, "approve", err)
}

func (p pages) refuse(ctx context.Context, id platform.ID, in url.Values) (string, error) {
	_, err := p.m.Orders.RejectChange(ctx, order.RejectChange{Change: platform.ID(in.Get("change")), Reason: in.Get("reason")})
	return done(id, "refuse", err)
}

func (p pages) takeBack(ctx context.Context, id platform.ID, in url.Values) (string, error) {
	_, err := p.m.Orders.WithdrawChange(ctx, order.WithdrawChange{Change: platform.ID(in.Get("change"))})
	return done(id, "take-back", err)
}

type cancelView struct {
	Order order.Order
	Quote *order.CancelQuote
	Zone  *time.Location
	Form  *form
	Why   *edge.Problem // it cannot be cancelled
}

// cancelling tells what cancelling costs now, before anybody does.
func (p pages) cancelling(r *http.Request) (any, error) {
	ctx := r.Context()
	o, err := p.m.Orders.Order(ctx, platform.ID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	v := cancelView{Order: o, Zone: zoneOf(o, p.zone(ctx, o.Terms.Zone))}
	q, err := p.m.Orders.QuoteCancel(ctx, order.Cancel{Order: o.ID})
	if err != nil {
		v.Why = edge.Explain(ctx, err)
		return v, nil
	}
	v.Quote, v.Form = &q, formFor(ctx, orderPage(o.ID), "cancel", cancelReasons...).with("max_fee", q.Fee.String())
	return v, nil
}

// cancel cancels for the fee that the page showed, or not at all.
func (p pages) cancel(ctx context.Context, id platform.ID, in url.Values) (string, error) {
	fee, err := sum(in, "max_fee")
	if err != nil {
		return "", err
	}
	_, err = p.m.Orders.Cancel(ctx, order.Cancel{Order: id, MaxFee: fee, Reason: in.Get("reason")})
	return done(id, "cancel", err)
}

type changeView struct {
	Order    order.Order
	Zone     *time.Location
	Ask      *form // for a preview
	Proposal *order.Proposal
	Form     *form
	Why      *edge.Problem // there is no preview
}

// changing shows what a change would make of the order, once it was asked for.
func (p pages) changing(r *http.Request) (any, error) {
	ctx, in := r.Context(), asked(r)
	o, err := p.m.Orders.Order(ctx, platform.ID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	v := changeView{Order: o, Zone: zoneOf(o, p.zone(ctx, o.Terms.Zone))}
	at := orderPage(o.ID)
	if !changed(in) {
		v.Ask = asking(ctx, at+"/change", "preview", in, nil)
		return v, nil
	}
	want, err := proposed(o.ID, in, v.Zone, o.Lines)
	var q order.Proposal
	if err == nil {
		q, err = p.m.Orders.QuoteChange(ctx, want)
	}
	v.Ask = asking(ctx, at+"/change", "preview", in, err)
	if err != nil {
		v.Why = edge.Explain(ctx, err)
		return v, nil
	}
	v.Proposal, v.Form = &q, formFor(ctx, at, "change", changeReasons...).with("hash", q.Hash).with("start", in.Get("start")).with("zone", v.Zone.String())
	for _, l := range want.Lines {
		v.Form.with(lineField(l.Line), strconv.FormatInt(l.Quantity, 10))
	}
	return v, nil
}

// lineField is the field of a line's quantity.
func lineField(no int) string { return "quantity-" + strconv.Itoa(no) }

// Quantity is the field of a line's quantity.
func (v changeView) Quantity(l order.Line) field {
	return v.Ask.Or(lineField(l.No), strconv.FormatInt(l.Quantity, 10))
}

func changed(in url.Values) bool {
	for name := range in {
		if name == "start" || strings.HasPrefix(name, "quantity-") {
			return true
		}
	}
	return false
}

// proposed is the change that the fields ask for: another start, and the quantities
// that are others than they were.
func proposed(id platform.ID, in url.Values, zone *time.Location, was []order.Line) (order.ProposeChange, error) {
	want := order.ProposeChange{Order: id, Reason: in.Get("reason"), Hash: in.Get("hash")}
	start, err := moment(in, "start", zone)
	if !start.IsZero() {
		want.Start, want.TimeZone = start, zone.String()
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		no, is := strings.CutPrefix(name, "quantity-")
		if !is {
			continue
		}
		line, _ := strconv.Atoi(no) // what is no number is no line
		n, wrong := whole(in, name)
		if wrong != nil {
			err = both(err, wrong)
			continue
		}
		same := slices.ContainsFunc(was, func(l order.Line) bool { return l.No == line && l.Quantity == n })
		if !same {
			want.Lines = append(want.Lines, order.ChangeLine{Line: line, Quantity: n})
		}
	}
	return want, err
}

// change proposes what the preview showed, by its hash.
func (p pages) change(ctx context.Context, id platform.ID, in url.Values) (string, error) {
	zone, err := time.LoadLocation(in.Get("zone"))
	if err != nil {
		return "", errForm
	}
	want, err := proposed(id, in, zone, nil)
	if err != nil {
		return "", err
	}
	_, err = p.m.Orders.ProposeChange(ctx, want)
	return done(id, "change", err)
}
