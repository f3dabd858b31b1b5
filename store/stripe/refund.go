package stripe

import (
	"cmp"
	"context"
	"fmt"

	"github.com/stripe/stripe-go/v85"

	"github.com/liangding/platform/finance/payment"
)

// Refund implements [payment.Gateway]. The payer's money comes out of the
// platform's balance; shares of it are taken back by returns of the split.
func (g *Gateway) Refund(ctx context.Context, r payment.Refund) (payment.Status, error) {
	outside(ctx)
	amount, _, err := g.wire(r.Amount)
	if err = cmp.Or(err, checked(r.Key, "rtn")); err != nil {
		return payment.Status{Key: r.Key}, fmt.Errorf("refund %s: %w", r.Key, err)
	}
	id := r.Reference
	if r.Charge != "" {
		p, err := g.charged(ctx, r.Charge)
		if err == nil && g.money(p.Amount, p.Currency).Currency() != r.Amount.Currency() {
			err = fmt.Errorf("in another currency: %w", payment.ErrRefused)
		}
		if err != nil {
			return failed(r.Key, "refund", err)
		}
		id = p.ID
	}
	if id == "" {
		return payment.Status{Key: r.Key}, fmt.Errorf("refund %s of nothing: %w", r.Key, payment.ErrRefused)
	}
	in := &stripe.RefundCreateParams{PaymentIntent: stripe.String(id), Amount: amount, Metadata: map[string]string{ofKey: string(r.Key)}}
	in.SetIdempotencyKey(string(r.Key))
	out, err := g.client.V1Refunds.Create(ctx, in)
	if err != nil {
		return failed(r.Key, "refund", meaning(err))
	}
	return told(g.refunded(r.Key, out))
}

func (g *Gateway) refund(ctx context.Context, k payment.Key) (*stripe.Refund, error) {
	list := g.client.V1Refunds.List(ctx, &stripe.RefundListParams{CreatedRange: since(k), ListParams: page()})
	return first(ctx, list, func(r *stripe.Refund) bool { return r.Metadata[ofKey] == string(k) })
}

// refunded is how a refund stands.
func (g *Gateway) refunded(k payment.Key, r *stripe.Refund) payment.Status {
	st := payment.Status{Key: k, Outcome: payment.Pending, Amount: g.money(r.Amount, r.Currency), Reference: r.ID}
	switch r.Status {
	case stripe.RefundStatusSucceeded:
		st.Outcome = payment.Done
	case stripe.RefundStatusFailed, stripe.RefundStatusCanceled:
		st.Outcome, st.Code = payment.Declined, cmp.Or(string(r.FailureReason), string(r.Status))
	}
	return st
}
