package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

var (
	_ payment.Gateway = (*Sandbox)(nil)
	_ platform.Ticker = (*Sandbox)(nil)
)

// Method tokens that force an outcome, whatever the faults. Refunds of a charge
// go well unless its token says otherwise.
const (
	OK             = "pm_ok"              // captured at once
	Decline        = "pm_decline"         // declined, code card_declined
	RequiresAction = "pm_requires_action" // waits for Act, 15 minutes at most
	Delay          = "pm_delay"           // pending, captured after a minute
	Timeout        = "pm_timeout"         // no answer; captured seconds later
	Lost           = "pm_lost"            // no answer; it never arrived
	Late           = "pm_late"            // no answer; captured an hour later, when it should not any more
	Down           = "pm_down"            // not reached
	Short          = "pm_short"           // captured, one minor unit too little
	NoRefund       = "pm_no_refund"       // captured at once; its refunds are declined
)

// Faults says how often what goes wrong with any other token, and with
// refunds. Rates are 0…1; the zero value is an institution without a fault.
type Faults struct {
	Decline, Delay, Timeout, Lost, Late, Down, Short float64 // of charges; together at most 1

	RefundDecline, RefundDelay, RefundTimeout, LostRefund, RefundDown float64 // of refunds; together at most 1

	Silence   float64 // of look-ups: no answer
	Duplicate float64 // of notices: delivered twice
	Reorder   float64 // of notices: delivered before the one that came first
}

// Options of a sandbox; nil means defaults.
type Options struct {
	Name    string           // of the institution; if empty, sandbox
	Seed    uint64           // same seed, keys and calls, same faults
	Now     func() time.Time // if nil, time.Now in UTC
	Faults  Faults
	Secret  string           // signs the notices: base64, with or without whsec_; if empty, a well-known one
	Licence *payment.Licence // if nil, a demo licence that is always valid

	// Deliver posts a notice, to payment.Service.Receive say; an error makes it
	// wait for the next Tick. If nil, notices wait for Drain.
	Deliver func(ctx context.Context, header map[string][]string, body []byte) error
}

// Sandbox is the institution. It may be used by several goroutines at once and
// starts none.
type Sandbox struct {
	opts   Options
	secret []byte

	mu         sync.Mutex
	operations map[payment.Key]*operation
	charges    map[string]*operation // by reference
	order      []payment.Key         // of first arrival
	calls      map[string]uint64
	outbox     []notice
	sent       uint64
	file       *os.File // of [Open]; nil without one
}

const defaultSecret = "c2FuZGJveC1zZWNyZXQtZm9yLWRlbW9zLW9ubHk=" //nolint:gosec // it guards demos only, and is no secret

// New returns an institution without any charge. It panics when the secret is
// empty or not base64, which is a programmer's mistake.
func New(opts *Options) *Sandbox {
	s := &Sandbox{operations: map[payment.Key]*operation{}, charges: map[string]*operation{}, calls: map[string]uint64{}}
	if opts != nil {
		s.opts = *opts
	}
	if s.opts.Name == "" {
		s.opts.Name = "sandbox"
	}
	if s.opts.Now == nil {
		s.opts.Now = func() time.Time { return time.Now().UTC() }
	}
	if s.opts.Secret == "" {
		s.opts.Secret = defaultSecret
	}
	secret, err := secretOf(s.opts.Secret)
	if err != nil {
		panic(err)
	}
	s.secret = secret
	return s
}

// Info implements [payment.Gateway]: any amount, final look-ups, a demo licence.
func (s *Sandbox) Info() payment.Info {
	now := s.opts.Now()
	licence := payment.Licence{Holder: s.opts.Name, Number: "demo", ValidUntil: now.AddDate(1, 0, 0), CheckedAt: now}
	if s.opts.Licence != nil {
		licence = *s.opts.Licence
	}
	return payment.Info{Institution: s.opts.Name, Licence: licence, Final: true, Demo: true}
}

// Charge implements [payment.Gateway].
func (s *Sandbox) Charge(ctx context.Context, c payment.Charge) (payment.Status, error) {
	s.outside(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return payment.Status{Key: c.Key}, fmt.Errorf("charge %s: %w", c.Key, payment.ErrUnknownOutcome)
	}
	if c.Key == "" || c.Method == "" || c.Amount.Sign() <= 0 {
		return payment.Status{Key: c.Key}, fmt.Errorf("charge %s: %w", c.Key, payment.ErrRefused)
	}
	asked := operation{key: c.Key, amount: c.Amount, method: c.Method}
	if known, ok := s.operations[c.Key]; ok {
		return s.repeat(known, asked)
	}
	return s.carryOut(asked, s.chargeFate(c))
}

// Refund implements [payment.Gateway].
func (s *Sandbox) Refund(ctx context.Context, r payment.Refund) (payment.Status, error) {
	s.outside(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return payment.Status{Key: r.Key}, fmt.Errorf("refund %s: %w", r.Key, payment.ErrUnknownOutcome)
	}
	charge := s.charge(r)
	if r.Key == "" || charge == nil || r.Amount.Sign() <= 0 {
		return payment.Status{Key: r.Key}, fmt.Errorf("refund %s: %w", r.Key, payment.ErrRefused)
	}
	asked := operation{key: r.Key, amount: r.Amount, of: charge.key}
	if known, ok := s.operations[r.Key]; ok {
		return s.repeat(known, asked)
	}
	if err := s.covered(charge, r.Amount); err != nil {
		return payment.Status{Key: r.Key}, fmt.Errorf("refund %s: %w", r.Key, err)
	}
	return s.carryOut(asked, s.refundFate(r, charge))
}

// Lookup implements [payment.Gateway].
func (s *Sandbox) Lookup(ctx context.Context, k payment.Key) (payment.Status, error) {
	s.outside(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil || s.dice("lookup", k) < s.opts.Faults.Silence {
		return payment.Status{Key: k}, fmt.Errorf("look up %s: %w", k, payment.ErrUnknownOutcome)
	}
	o, ok := s.operations[k]
	if !ok {
		return payment.Status{Key: k, Outcome: payment.Absent}, nil
	}
	return o.status(s.opts.Now()), nil
}

// Act is the payer's own step at the institution for a charge that requires one.
// It fails with payment.ErrRefused when nothing waits for the payer.
func (s *Sandbox) Act(k payment.Key, agree bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	o, ok := s.operations[k]
	if !ok || o.status(now).Outcome != payment.NeedsAction {
		return fmt.Errorf("act on %s: %w", k, payment.ErrRefused)
	}
	o.acted, o.lands = true, now
	if !agree {
		o.code = "payer_refused"
	}
	s.write(o)
	s.tell(o, now)
	return nil
}

// Deposit is money that arrives unasked, by a transfer say. It returns the
// institution's reference of it.
func (s *Sandbox) Deposit(amount platform.Money) (reference string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	key := payment.Key(fmt.Sprintf("deposit-%d", len(s.order)+1))
	o := &operation{key: key, amount: amount, moved: amount, method: OK, arrives: now, lands: now}
	s.enter(o)
	return o.reference
}

// Totals is what the institution's own books say by now.
type Totals struct {
	Charged, Refunded platform.Money
	Charges, Refunds  int // operations that moved money
}

// Totals are the institution's books in one currency.
func (s *Sandbox) Totals(c platform.Currency) (Totals, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	none, err := platform.FromMinor(0, c)
	t := Totals{Charged: none, Refunded: none}
	for _, key := range s.order {
		o := s.operations[key]
		if o.status(s.opts.Now()).Outcome != payment.Done || o.moved.Currency() != c {
			continue
		}
		var failed error
		if o.of == "" {
			t.Charges++
			t.Charged, failed = t.Charged.Add(o.moved)
		} else {
			t.Refunds++
			t.Refunded, failed = t.Refunded.Add(o.moved)
		}
		err = errors.Join(err, failed)
	}
	return t, err
}

// outside panics inside a decision, which may run several times.
func (s *Sandbox) outside(ctx context.Context) {
	if platform.Deciding(ctx) {
		panic("sandbox: an institution called inside platform.Update")
	}
}

// dice is a number of 0…1 that depends on seed, purpose, key and how often it
// was drawn before, and on nothing else: not on who came first.
func (s *Sandbox) dice(purpose string, k payment.Key) float64 {
	name := purpose + "\x00" + string(k)
	s.calls[name]++
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], s.opts.Seed)
	binary.BigEndian.PutUint64(b[8:], s.calls[name])
	sum := sha256.Sum256(append(b[:], name...))
	return float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
}
