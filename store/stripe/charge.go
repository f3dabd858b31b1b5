package stripe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stripe/stripe-go/v85"

	"github.com/liangding/platform/finance/payment"
)

// heldFor is how long a card holds an authorisation at least.
const heldFor = 7 * 24 * time.Hour

// The words of metadata by which an operation is found.
const (
	ofKey   = "platform_key"   // of charges, refunds, transfers, reversals, payouts
	ofEnd   = "platform_end"   // of an authorisation: the key of its capture or void
	ofFinal = "platform_final" // of a charge: the key of its final split
)

// Charge implements [payment.Gateway].
func (g *Gateway) Charge(ctx context.Context, c payment.Charge) (payment.Status, error) {
	return g.create(ctx, c, stripe.PaymentIntentCaptureMethodAutomatic)
}

// Authorize implements [payment.Authorizer]. What it holds, it holds for 7 days.
func (g *Gateway) Authorize(ctx context.Context, c payment.Charge) (payment.Status, error) {
	return g.create(ctx, c, stripe.PaymentIntentCaptureMethodManual)
}

func (g *Gateway) create(ctx context.Context, c payment.Charge, capture stripe.PaymentIntentCaptureMethod) (payment.Status, error) {
	outside(ctx)
	amount, currency, err := g.wire(c.Amount)
	if err = cmp.Or(err, checked(c.Key, "att")); err != nil {
		return payment.Status{Key: c.Key}, fmt.Errorf("charge %s: %w", c.Key, err)
	}
	if c.Method == "" {
		return payment.Status{Key: c.Key}, fmt.Errorf("charge %s: %w", c.Key, payment.ErrMethod)
	}
	in := &stripe.PaymentIntentCreateParams{
		Amount: amount, Currency: currency, PaymentMethod: stripe.String(c.Method), Confirm: new(true),
		CaptureMethod: stripe.String(string(capture)), TransferGroup: stripe.String(string(c.Key)), Metadata: map[string]string{ofKey: string(c.Key)},
		AutomaticPaymentMethods: &stripe.PaymentIntentCreateAutomaticPaymentMethodsParams{Enabled: new(true), AllowRedirects: stripe.String("never")},
	}
	if g.opts.Return != "" {
		in.ReturnURL, in.AutomaticPaymentMethods.AllowRedirects = stripe.String(g.opts.Return), stripe.String("always")
	}
	in.SetIdempotencyKey(string(c.Key))
	p, err := g.client.V1PaymentIntents.Create(ctx, in)
	if err != nil {
		return failed(c.Key, "charge", meaning(err))
	}
	return told(g.status(c.Key, p))
}

// status is how a charge or an authorisation stands.
func (g *Gateway) status(k payment.Key, p *stripe.PaymentIntent) payment.Status {
	st := payment.Status{Key: k, Outcome: payment.Pending, Amount: g.money(p.Amount, p.Currency), Reference: p.ID}
	manual := p.CaptureMethod == stripe.PaymentIntentCaptureMethodManual
	switch p.Status {
	case stripe.PaymentIntentStatusSucceeded:
		st.Outcome = payment.Done
		if !manual {
			st.Amount = g.money(p.AmountReceived, p.Currency)
		}
	case stripe.PaymentIntentStatusRequiresCapture:
		st.Outcome, st.Until = payment.Done, time.Unix(p.Created, 0).Add(heldFor)
	case stripe.PaymentIntentStatusRequiresAction:
		st.Outcome, st.Action = payment.NeedsAction, p.ClientSecret
		if p.NextAction != nil && p.NextAction.RedirectToURL != nil && p.NextAction.RedirectToURL.URL != "" {
			st.Action = p.NextAction.RedirectToURL.URL
		}
	case stripe.PaymentIntentStatusRequiresPaymentMethod:
		st.Outcome = payment.Declined
		if e := p.LastPaymentError; e != nil {
			st.Code = cmp.Or(string(e.DeclineCode), string(e.Code))
		}
	case stripe.PaymentIntentStatusCanceled:
		st.Outcome, st.Code = payment.Declined, string(p.CancellationReason)
	}
	return st
}

// intent finds the payment intent of a charge.
func (g *Gateway) intent(ctx context.Context, k payment.Key) (*stripe.PaymentIntent, error) {
	if err := checked(k, "att"); err != nil {
		return nil, err
	}
	list := g.client.V1PaymentIntents.List(ctx, &stripe.PaymentIntentListParams{CreatedRange: since(k), ListParams: page()})
	return first(ctx, list, func(p *stripe.PaymentIntent) bool { return p.Metadata[ofKey] == string(k) })
}

// page asks for as many as Stripe gives at once.
func page() stripe.ListParams { return stripe.ListParams{Limit: stripe.Int64(100)} }

// search finds the payment intent that a capture or a void ended.
func (g *Gateway) search(ctx context.Context, k payment.Key) (*stripe.PaymentIntent, error) {
	if err := cmp.Or(checked(k, "cap"), nil); err != nil && checked(k, "voi") != nil {
		return nil, err
	}
	in := &stripe.PaymentIntentSearchParams{SearchParams: stripe.SearchParams{Query: fmt.Sprintf("metadata['%s']:'%s'", ofEnd, k)}}
	for p, err := range g.client.V1PaymentIntents.Search(ctx, in).All(ctx) {
		if err != nil {
			return nil, meaning(err)
		}
		if p.Metadata[ofEnd] == string(k) {
			return p, nil
		}
	}
	return nil, errAbsent
}

// Capture implements [payment.Authorizer]. Stripe captures once: what is left
// over is let go of, and a capture that is not final is ErrRefused unless it takes
// everything.
func (g *Gateway) Capture(ctx context.Context, c payment.Capture) (payment.Status, error) {
	outside(ctx)
	amount, _, err := g.wire(c.Amount)
	if err = cmp.Or(err, checked(c.Key, "cap")); err != nil {
		return payment.Status{Key: c.Key}, fmt.Errorf("capture %s: %w", c.Key, err)
	}
	p, err := g.open(ctx, c.Of, c.Key)
	if err != nil {
		return failed(c.Key, "capture", err)
	}
	if held := g.money(p.Amount, p.Currency); held.Currency() != c.Amount.Currency() || !c.Final && held != c.Amount {
		return payment.Status{Key: c.Key}, fmt.Errorf("capture %s of %s in part: %w", c.Key, c.Of, payment.ErrRefused)
	}
	in := &stripe.PaymentIntentCaptureParams{AmountToCapture: amount, Metadata: map[string]string{ofEnd: string(c.Key)}}
	in.SetIdempotencyKey(string(c.Key))
	if p, err = g.client.V1PaymentIntents.Capture(ctx, p.ID, in); err != nil {
		return failed(c.Key, "capture", meaning(err))
	}
	return told(g.followed(c.Key, p))
}

// Void implements [payment.Authorizer].
func (g *Gateway) Void(ctx context.Context, v payment.Void) (payment.Status, error) {
	outside(ctx)
	if err := checked(v.Key, "voi"); err != nil {
		return payment.Status{Key: v.Key}, fmt.Errorf("void: %w", err)
	}
	p, err := g.open(ctx, v.Of, v.Key)
	if err != nil {
		return failed(v.Key, "void", err)
	}
	mark := &stripe.PaymentIntentUpdateParams{Metadata: map[string]string{ofEnd: string(v.Key)}}
	mark.SetIdempotencyKey(string(v.Key) + "/mark")
	if _, err := g.client.V1PaymentIntents.Update(ctx, p.ID, mark); err != nil {
		return failed(v.Key, "void", meaning(err))
	}
	in := &stripe.PaymentIntentCancelParams{}
	in.SetIdempotencyKey(string(v.Key))
	if p, err = g.client.V1PaymentIntents.Cancel(ctx, p.ID, in); err != nil {
		return failed(v.Key, "void", meaning(err))
	}
	return told(g.followed(v.Key, p))
}

// open is an authorisation that nothing but this key has ended. Nothing was sent
// yet when it fails.
func (g *Gateway) open(ctx context.Context, k, by payment.Key) (*stripe.PaymentIntent, error) {
	p, err := g.intent(ctx, k)
	if err != nil {
		return nil, before(err)
	}
	if p.CaptureMethod != stripe.PaymentIntentCaptureMethodManual || p.Status != stripe.PaymentIntentStatusRequiresCapture && p.Metadata[ofEnd] != string(by) {
		return nil, fmt.Errorf("authorisation %s has ended: %w", k, payment.ErrRefused)
	}
	return p, nil
}

// followed is how a capture or a void stands.
func (g *Gateway) followed(k payment.Key, p *stripe.PaymentIntent) payment.Status {
	st := payment.Status{Key: k, Outcome: payment.Pending, Amount: g.money(p.Amount, p.Currency), Reference: p.ID}
	switch void := k.Record().Prefix() == "voi"; {
	case void && p.Status == stripe.PaymentIntentStatusCanceled:
		st.Outcome = payment.Done
	case !void && p.Status == stripe.PaymentIntentStatusSucceeded:
		st.Outcome, st.Amount = payment.Done, g.money(p.AmountReceived, p.Currency)
	}
	return st
}

// charged is the payment intent whose money is there, by the key of a charge or
// a capture. Nothing was sent yet when it fails.
func (g *Gateway) charged(ctx context.Context, k payment.Key) (*stripe.PaymentIntent, error) {
	look := g.intent
	if k.Record().Prefix() == "cap" {
		look = g.search
	}
	p, err := look(ctx, k)
	switch {
	case errors.Is(err, payment.ErrRefused):
		return nil, err
	case err != nil:
		return nil, before(err)
	case p.Status != stripe.PaymentIntentStatusSucceeded:
		return nil, fmt.Errorf("charge %s is %s: %w", k, p.Status, payment.ErrRefused)
	}
	return p, nil
}
