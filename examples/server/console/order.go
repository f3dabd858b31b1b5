package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
)

type orderView struct {
	Order       order.Order
	Zone        *time.Location
	Refunds     []refundRow
	Intents     []payment.Intent
	Attempts    []payment.Attempt
	Returns     []payment.Return
	Splits      []payment.Sharing
	Assignments []dispatch.Assignment
	Timeline    []happening
	Fees        []string // in words; none for an order that came with its fees

	Reveal  *revealForm // nil: nothing is sealed, or not for this actor
	Cancel  *cancelForm // nil: not now, or not by this actor
	Buttons []button
	Others  []string // verbs that are open, and need more than a button
	Refused []refusedMove
	Cut     bool // there is more than a page shows
}

type refundRow struct {
	order.Refund
	Buttons []button
}

// order reads one order with all that belongs to it.
func (c console) order(r *http.Request) (any, error) {
	ctx := r.Context()
	o, err := c.m.Orders.Order(ctx, platform.ID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	v := orderView{Order: o, Zone: c.clocks().of(ctx, o)}
	v.Reveal = c.revealing(ctx, o.Ref(), map[string]platform.Sealed{"note": o.Note}, "note")
	charged, err := c.m.FeesOf(ctx, o.ID, edge.Language(ctx))
	if err != nil && !errors.Is(err, platform.ErrNotFound) {
		return nil, err
	}
	v.Fees = charged.Explain
	for _, read := range []func(context.Context, console) error{v.refunds, v.payments, v.assignments, v.timeline, v.moves} {
		if err := read(ctx, c); err != nil {
			return nil, err
		}
	}
	return &v, nil
}

func (v *orderView) refunds(ctx context.Context, c console) error {
	all, more, err := gather(func(cursor string) (platform.Page[order.Refund], error) {
		return c.m.Orders.Refunds(ctx, v.Order.ID, cursor)
	})
	for _, r := range all {
		v.Refunds = append(v.Refunds, refundRow{r, c.refundButtons(ctx, r)})
	}
	v.Cut = v.Cut || more
	return err
}

// payments reads what was asked, every try to pay it, and what goes back.
func (v *orderView) payments(ctx context.Context, c console) (err error) {
	if v.Intents, err = c.m.Payments.Intents(ctx, v.Order.Ref()); err != nil {
		return err
	}
	if v.Attempts, err = ofSubject[payment.Attempt](ctx, c, v, "payment.attempt"); err != nil {
		return err
	}
	if v.Splits, err = c.m.Payments.Splits(ctx, v.Order.Ref()); err != nil {
		return err
	}
	v.Returns, err = ofSubject[payment.Return](ctx, c, v, "payment.return")
	return err
}

// ofSubject reads the order's records of a kind by their index. Who looks at the
// console may see all of them.
func ofSubject[T any](ctx context.Context, c console, v *orderView, kind string) ([]T, error) {
	all, more, err := gather(func(cursor string) (platform.Page[T], error) {
		return platform.List[T](ctx, c.m.DB, platform.Query{Kind: kind, By: []string{"subject"}, Equal: []any{v.Order.Ref()}, Cursor: cursor})
	})
	v.Cut = v.Cut || more
	return all, err
}

func (v *orderView) assignments(ctx context.Context, c console) error {
	all, more, err := gather(func(cursor string) (platform.Page[dispatch.Assignment], error) {
		return c.m.Dispatch.Assignments(ctx, dispatch.Find{Order: v.Order.ID, Cursor: cursor})
	})
	slices.SortStableFunc(all, func(a, b dispatch.Assignment) int { return a.Offered.Compare(b.Offered) })
	v.Assignments, v.Cut = all, v.Cut || more
	return err
}

// parts are the order and its children, whose events are its timeline.
func (v *orderView) parts() []platform.Ref {
	all := []platform.Ref{v.Order.Ref()}
	for _, p := range v.Order.Proofs {
		all = append(all, platform.Ref{Kind: "order.proof", ID: p.Proof})
	}
	all = append(all, platform.Ref{Kind: "care.review", ID: v.Order.ID.As("rvw")})
	for _, r := range v.Refunds {
		all = append(all, r.Ref())
	}
	for _, i := range v.Intents {
		all = append(all, i.Ref())
	}
	for _, a := range v.Attempts {
		all = append(all, a.Ref())
	}
	for _, r := range v.Returns {
		all = append(all, r.Ref())
	}
	for _, h := range v.Splits {
		all = append(all, h.Ref())
	}
	for _, a := range v.Assignments {
		all = append(all, a.Ref())
	}
	return all
}
