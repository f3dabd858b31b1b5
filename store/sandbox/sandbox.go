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

// Method tokens that force an outcome, whatever the faults: of a charge or an
// authorisation by its method, and of any operation by [Sandbox.Force]. What
// comes after a charge goes well unless its token says otherwise.
const (
	OK             = "pm_ok"              // done at once; a payout after a minute
	Decline        = "pm_decline"         // declined, code card_declined; with a colon and a code behind, that code
	RequiresAction = "pm_requires_action" // waits for Act, 15 minutes at most
	Delay          = "pm_delay"           // pending, done after a minute
	Timeout        = "pm_timeout"         // no answer; done seconds later
	Broken         = "pm_broken"          // a broken answer; done at once
	Hang           = "pm_hang"            // no answer until the caller's ctx ends; done at once
	Lost           = "pm_lost"            // no answer; it never arrived
	Late           = "pm_late"            // no answer; done an hour later, when it should not be any more
	Down           = "pm_down"            // not reached
	Short          = "pm_short"           // done, one minor unit too little; a split without its last share
	Bounce         = "pm_bounce"          // of a payout: paid, and back from the bank a day later
	NoRefund       = "pm_no_refund"       // captured at once; its refunds are declined
)

// Faults says how often what goes wrong with any other token, and with what
// comes after a charge. Rates are 0…1; the zero value is an institution without a
// fault.
type Faults struct {
	Decline, Delay, Timeout, Lost, Late, Down, Short float64 // of charges and authorisations; together at most 1

	RefundDecline, RefundDelay, RefundTimeout, LostRefund, RefundDown float64 // of refunds, captures, voids, splits, returns of shares and payouts; together at most 1

	Silence   float64 // of look-ups: no answer
	Duplicate float64 // of notices: delivered twice
	Reorder   float64 // of notices: delivered before the one that came first

	LineMissing, LineDoubled, LineAltered float64 // of the lines of statements; together at most 1
}

// Options of a sandbox; nil means defaults.
type Options struct {
	Name    string           // of the institution; if empty, sandbox
	Seed    uint64           // same seed, keys and calls, same faults
	Now     func() time.Time // if nil, time.Now in UTC
	Faults  Faults
	Secret  string           // signs the notices: base64, with or without whsec_; if empty, a well-known one
	Licence *payment.Licence // if nil, a demo licence that is always valid

	Owner       platform.ID // whose account takes the charges; if empty, the platform's
	RefundFirst bool        // refunds are out of all that it holds, whatever shares went out; if false out of what the charge has left

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
	charges    map[string]*operation        // by reference
	disputes   map[string]*operation        // by reference
	returns    map[payment.Key][]*operation // of shares, by split
	splits     map[payment.Key][]*operation // by charge
	accounts   map[string]bool              // of others
	forced     map[payment.Key]string       // tokens
	order      []payment.Key                // of first arrival
	over       int                          // how many of them have moved all that they ever will
	sums       map[purse]platform.Money     // what those have moved
	days       map[time.Time][]*operation   // that may move something on a day
	calls      map[string]uint64
	outbox     []notice
	sent       uint64
	file       *os.File // of [Open]; nil without one
}

const defaultSecret = "c2FuZGJveC1zZWNyZXQtZm9yLWRlbW9zLW9ubHk=" //nolint:gosec // it guards demos only, and is no secret

// New returns an institution without any charge. It panics when the secret is
// empty or not base64, which is a programmer's mistake.
func New(opts *Options) *Sandbox {
	s := &Sandbox{
		operations: map[payment.Key]*operation{}, charges: map[string]*operation{}, disputes: map[string]*operation{},
		returns: map[payment.Key][]*operation{}, splits: map[payment.Key][]*operation{}, accounts: map[string]bool{}, forced: map[payment.Key]string{}, calls: map[string]uint64{}, sums: map[purse]platform.Money{}, days: map[time.Time][]*operation{},
	}
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
	return payment.Info{Institution: s.opts.Name, Licence: licence, Final: true, Demo: true, RefundFirst: s.opts.RefundFirst, Owner: s.opts.Owner}
}

// Charge implements [payment.Gateway].
func (s *Sandbox) Charge(ctx context.Context, c payment.Charge) (payment.Status, error) {
	return s.take(ctx, c.Key, func() (operation, bool) {
		return operation{kind: charging, amount: c.Amount, method: c.Method}, c.Method != "" && c.Amount.Sign() > 0
	})
}

// Refund implements [payment.Gateway].
func (s *Sandbox) Refund(ctx context.Context, r payment.Refund) (payment.Status, error) {
	return s.take(ctx, r.Key, func() (operation, bool) {
		charge := s.charge(r.Charge, r.Reference)
		if charge == nil || r.Amount.Sign() <= 0 {
			return operation{}, false
		}
		return operation{kind: refunding, amount: r.Amount, of: charge.key}, true
	})
}

// take carries out what is asked, once, however often it is asked; ask says
// whether it makes sense.
func (s *Sandbox) take(ctx context.Context, k payment.Key, ask func() (operation, bool)) (payment.Status, error) {
	s.outside(ctx)
	st, err := s.taken(ctx, k, ask)
	if errors.Is(err, errHung) {
		<-ctx.Done()
		err = fmt.Errorf("answer for %s: %w", k, payment.ErrUnknownOutcome)
	}
	return st, err
}

func (s *Sandbox) taken(ctx context.Context, k payment.Key, ask func() (operation, bool)) (payment.Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return payment.Status{Key: k}, fmt.Errorf("take %s: %w", k, payment.ErrUnknownOutcome)
	}
	o, sound := ask()
	if k == "" || !sound {
		return payment.Status{Key: k}, fmt.Errorf("take %q: %w", k, payment.ErrRefused)
	}
	o.key = k
	if known, ok := s.operations[k]; ok {
		return s.repeat(known, o)
	}
	if err := s.covered(o); err != nil {
		return payment.Status{Key: k}, fmt.Errorf("%s %s: %w", o.kind, k, err)
	}
	return s.carryOut(o)
}

// Force makes the next call with the key end as a token says, whatever its
// method and the faults.
func (s *Sandbox) Force(k payment.Key, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forced[k] = token
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
	o := &operation{kind: charging, key: key, foreign: true, amount: amount, moved: amount, method: OK, arrives: now, lands: now}
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
		switch {
		case o.kind.charge():
			t.Charges++
			t.Charged, failed = t.Charged.Add(o.moved)
		case o.kind == refunding:
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
	return s.draw(purpose, k, s.calls[name])
}

// draw is the nth number of a purpose and a key.
func (s *Sandbox) draw(purpose string, k payment.Key, n uint64) float64 {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], s.opts.Seed)
	binary.BigEndian.PutUint64(b[8:], n)
	sum := sha256.Sum256(append(b[:], purpose+"\x00"+string(k)...))
	return float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
}
