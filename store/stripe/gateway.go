package stripe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v85"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

var (
	_ payment.Gateway    = (*Gateway)(nil)
	_ payment.Authorizer = (*Gateway)(nil)
	_ payment.Splitter   = (*Gateway)(nil)
	_ payment.Payouter   = (*Gateway)(nil)
	_ payment.Statements = (*Gateway)(nil)
)

const (
	callWithin = 10 * time.Second
	tolerance  = 5 * time.Minute // between Stripe's clock and ours
)

// Options of a gateway; nil means defaults.
type Options struct {
	Name    string          // of the institution in our books; if empty, stripe
	Licence payment.Licence // as last checked
	Limits  []payment.Limit // the currencies taken; if empty, any that Stripe takes

	// Return is where a payer comes back to after an action elsewhere. If empty,
	// only methods that need none are taken.
	Return string

	// Decimals are the decimals that Stripe gives to currencies where they differ
	// from ISO 4217. If nil, those that Stripe has published: MGA 0, ISK and UGX 2.
	Decimals map[string]int

	Transport http.RoundTripper // if nil, one with TLS 1.2 or better
	Now       func() time.Time  // if nil, time.Now
}

// Gateway is an account at Stripe. It may be used by several goroutines at once,
// and starts none.
type Gateway struct {
	client   *stripe.Client
	webhooks []string
	opts     Options
}

// New returns the gateway of the account that the secret key belongs to. The
// webhooks are the live signing secrets of its endpoint: one, or more while it is
// being changed.
func New(key string, webhooks []string, opts *Options) *Gateway {
	g := &Gateway{webhooks: webhooks}
	if opts != nil {
		g.opts = *opts
	}
	if g.opts.Name == "" {
		g.opts.Name = "stripe"
	}
	if g.opts.Decimals == nil {
		g.opts.Decimals = map[string]int{"MGA": 0, "ISK": 2, "UGX": 2}
	}
	if g.opts.Now == nil {
		g.opts.Now = time.Now
	}
	if g.opts.Transport == nil {
		g.opts.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: callWithin, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
		}
	}
	refuse := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	config := &stripe.BackendConfig{
		HTTPClient:        &http.Client{Transport: g.opts.Transport, Timeout: callWithin, CheckRedirect: refuse},
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
		MaxNetworkRetries: new(int64(0)), // who asks again is the reconciler
		EnableTelemetry:   new(false),
	}
	g.client = stripe.NewClient(key, stripe.WithBackends(stripe.NewBackendsWithConfig(config)))
	return g
}

// Info implements [payment.Gateway]. Search at Stripe lags behind, so that what a
// look-up does not find may appear. Refunds come out of the platform's balance:
// transfers are reversed after them.
func (g *Gateway) Info() payment.Info {
	return payment.Info{Institution: g.opts.Name, Licence: g.opts.Licence, Limits: g.opts.Limits, RefundFirst: true}
}

// Lookup implements [payment.Gateway].
func (g *Gateway) Lookup(ctx context.Context, k payment.Key) (payment.Status, error) {
	outside(ctx)
	switch k.Record().Prefix() {
	case "att":
		p, err := g.intent(ctx, k)
		return found(k, err, func() payment.Status { return g.status(k, p) })
	case "cap", "voi":
		p, err := g.search(ctx, k)
		return found(k, err, func() payment.Status { return g.followed(k, p) })
	case "rtn":
		r, err := g.refund(ctx, k)
		return found(k, err, func() payment.Status { return g.refunded(k, r) })
	}
	return payment.Status{Key: k}, fmt.Errorf("look up %s: %w", k, payment.ErrRefused)
}

// outside panics inside a decision, which may run several times.
func outside(ctx context.Context) {
	if platform.Deciding(ctx) {
		panic("stripe: an institution called inside platform.Update")
	}
}

// errAbsent is what a look-up did not find.
var errAbsent = errors.New("not there")

// found is the answer of a look-up.
func found(k payment.Key, err error, status func() payment.Status) (payment.Status, error) {
	switch {
	case errors.Is(err, errAbsent):
		return payment.Status{Key: k, Outcome: payment.Absent}, nil
	case err == nil:
		return status(), nil
	case !errors.Is(err, payment.ErrRetryable):
		err = fmt.Errorf("%w: %v", payment.ErrUnknownOutcome, err) //nolint:errorlint // a refused look-up says nothing about the operation
	}
	return payment.Status{Key: k}, fmt.Errorf("look up %s: %w", k, err)
}

// first is what a list has for a match; errAbsent without one.
func first[T any](ctx context.Context, list *stripe.V1List[T], match func(T) bool) (T, error) {
	for item, err := range list.All(ctx) {
		if err != nil {
			return item, meaning(err)
		}
		if match(item) {
			return item, nil
		}
	}
	var none T
	return none, errAbsent
}

// since is when a key was made, as Stripe's clock may have it.
func since(k payment.Key) *stripe.RangeQueryParams {
	return &stripe.RangeQueryParams{GreaterThanOrEqual: k.Record().Time().Add(-tolerance).Unix()}
}

// problem is why Stripe did not do what was asked.
type problem struct {
	kind error
	code string
	id   string // of the payment intent that it happened to
}

func (p *problem) Error() string { return fmt.Sprintf("code %.64q", p.code) }
func (p *problem) Unwrap() error { return p.kind }

// meaning is what an error of the client means for the money.
func meaning(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*stripe.Error](err); ok {
		return answered(e)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return payment.ErrRetryable // no byte was written
	}
	return payment.ErrUnknownOutcome
}

// answered is a problem that Stripe tells of.
func answered(e *stripe.Error) error {
	p := &problem{kind: payment.ErrUnknownOutcome, code: string(e.Code)}
	if e.DeclineCode != "" {
		p.code = string(e.DeclineCode)
	}
	if e.PaymentIntent != nil {
		p.id = e.PaymentIntent.ID
	}
	switch status := e.HTTPStatusCode; {
	case status == http.StatusTooManyRequests:
		p.kind = payment.ErrRetryable
	case status == http.StatusPaymentRequired, e.Type == stripe.ErrorTypeCard:
		p.kind = payment.ErrDeclined
	case status == http.StatusConflict: // another call under the key is under way
	case status >= 400 && status < 500 && e.Type != "":
		p.kind = payment.ErrRefused
	}
	return p
}

// failed is the answer to a call that did not go well.
func failed(k payment.Key, verb string, err error) (payment.Status, error) {
	st := payment.Status{Key: k}
	if p, ok := errors.AsType[*problem](err); ok && (errors.Is(err, payment.ErrDeclined) || errors.Is(err, payment.ErrRefused)) {
		st.Outcome, st.Code, st.Reference = payment.Declined, p.code, p.id
	}
	if errors.Is(err, errAbsent) {
		err = fmt.Errorf("%w: %w", payment.ErrRefused, err)
	}
	return st, fmt.Errorf("%s %s: %w", verb, k, err)
}

// before is the error of a call that was made before anything was sent.
func before(err error) error {
	if err == nil || errors.Is(err, errAbsent) || errors.Is(err, payment.ErrRetryable) {
		return err
	}
	return fmt.Errorf("%w: %v", payment.ErrRetryable, err) //nolint:errorlint // nothing was sent
}

// told is a status as it goes out of a call: what was declined is an error too.
func told(st payment.Status) (payment.Status, error) {
	if st.Outcome == payment.Declined {
		return st, fmt.Errorf("%s %.64q: %w", st.Key, st.Code, payment.ErrDeclined)
	}
	return st, nil
}
