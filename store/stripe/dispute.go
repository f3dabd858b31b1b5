package stripe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stripe/stripe-go/v85"

	"github.com/liangding/platform/finance/payment"
)

var _ payment.Disputer = (*Gateway)(nil)

// expanded is what Stripe tells with a dispute, so that its charge is known by
// our key.
var expanded = []*string{stripe.String("payment_intent")}

// Dispute implements [payment.Disputer].
func (g *Gateway) Dispute(ctx context.Context, reference string) (payment.Dispute, error) {
	outside(ctx)
	d, err := g.client.V1Disputes.Retrieve(ctx, reference, &stripe.DisputeRetrieveParams{Expand: expanded})
	return g.disputed(reference, d, err)
}

// Evidence implements [payment.Disputer]. Stripe sends it to the payer's bank at
// once; there is no second.
func (g *Gateway) Evidence(ctx context.Context, e payment.Evidence) (payment.Dispute, error) {
	if err := g.answerable(ctx, e.Dispute); err != nil {
		return payment.Dispute{}, err
	}
	in := &stripe.DisputeUpdateParams{
		Evidence: &stripe.DisputeUpdateEvidenceParams{UncategorizedText: stripe.String(e.Text)}, Submit: new(true), Expand: expanded,
	}
	in.SetIdempotencyKey(e.Dispute + "/evidence")
	d, err := g.client.V1Disputes.Update(ctx, e.Dispute, in)
	return g.disputed(e.Dispute, d, err)
}

// Accept implements [payment.Disputer].
func (g *Gateway) Accept(ctx context.Context, reference string) (payment.Dispute, error) {
	if err := g.answerable(ctx, reference); err != nil {
		return payment.Dispute{}, err
	}
	in := &stripe.DisputeCloseParams{Expand: expanded}
	in.SetIdempotencyKey(reference + "/accept")
	d, err := g.client.V1Disputes.Close(ctx, reference, in)
	return g.disputed(reference, d, err)
}

// answerable refuses an answer to a dispute that waits for none. Nothing was sent
// yet when it fails.
func (g *Gateway) answerable(ctx context.Context, reference string) error {
	d, err := g.Dispute(ctx, reference)
	switch {
	case errors.Is(err, payment.ErrRefused):
		return err
	case err != nil:
		return before(err)
	case d.State != payment.DisputeOpen:
		return fmt.Errorf("dispute %.64q is %s: %w", reference, d.State, payment.ErrRefused)
	}
	return nil
}

// disputed reads a dispute. What Stripe calls a warning took no money yet, and
// goes the same way.
func (g *Gateway) disputed(reference string, d *stripe.Dispute, err error) (payment.Dispute, error) {
	if err != nil {
		return payment.Dispute{}, fmt.Errorf("dispute %.64q: %w", reference, meaning(err))
	}
	out := payment.Dispute{Reference: d.ID, Amount: g.money(d.Amount, d.Currency), Reason: string(d.Reason), State: payment.DisputeContested}
	if d.PaymentIntent != nil {
		out.Charge = payment.Key(d.PaymentIntent.Metadata[ofKey])
	}
	if d.EvidenceDetails != nil && d.EvidenceDetails.DueBy > 0 {
		out.Due = time.Unix(d.EvidenceDetails.DueBy, 0).UTC()
	}
	switch d.Status {
	case stripe.DisputeStatusNeedsResponse, stripe.DisputeStatusWarningNeedsResponse:
		out.State = payment.DisputeOpen
	case stripe.DisputeStatusWon, stripe.DisputeStatusWarningClosed, stripe.DisputeStatusPrevented:
		out.State = payment.DisputeWon
	case stripe.DisputeStatusLost:
		out.State = payment.DisputeLost
	}
	return out, nil
}
