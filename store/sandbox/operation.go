package sandbox

import (
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

// actWithin is how long a payer has for an action.
const actWithin = 15 * time.Minute

// operation is a charge or a refund in the institution's books. How it stands
// follows from the moment: nothing has to run for it to land.
type operation struct {
	key       payment.Key
	of        payment.Key // the charge that a refund gives back; empty for a charge
	method    string
	amount    platform.Money // asked
	moved     platform.Money // once it has landed
	left      platform.Money // of a charge: what refunds have not taken
	reference string
	code      string    // why it was declined; empty when it was not
	action    bool      // waits for the payer
	acted     bool      // the payer came
	arrives   time.Time // from when on the institution knows it
	lands     time.Time // from when on it is decided
}

func (o *operation) status(now time.Time) payment.Status {
	st := payment.Status{Key: o.key, Amount: o.amount, Reference: o.reference}
	switch {
	case now.Before(o.arrives):
		return payment.Status{Key: o.key, Outcome: payment.Absent}
	case o.action && !o.acted && now.Before(o.lands):
		st.Outcome, st.Until = payment.NeedsAction, o.lands
		st.Action = "https://sandbox.invalid/act/" + string(o.key)
	case o.action && !o.acted:
		st.Outcome, st.Code = payment.Declined, "expired"
	case now.Before(o.lands):
		st.Outcome = payment.Pending
	case o.code != "":
		st.Outcome, st.Code = payment.Declined, o.code
	default:
		st.Outcome, st.Amount = payment.Done, o.moved
	}
	return st
}

// fate is what becomes of a new operation.
type fate string

// The fates; a method token forces the one of the same name.
const (
	well     fate = OK
	declined fate = Decline
	action   fate = RequiresAction
	delayed  fate = Delay
	timeout  fate = Timeout
	lost     fate = Lost
	late     fate = Late
	down     fate = Down
	short    fate = Short
)

// chance is a fate and how often it strikes.
type chance struct {
	fate fate
	rate float64
}

func (s *Sandbox) strike(purpose string, k payment.Key, chances ...chance) fate {
	at := s.dice(purpose, k)
	for _, c := range chances {
		if at -= c.rate; at < 0 {
			return c.fate
		}
	}
	return well
}

func (s *Sandbox) chargeFate(c payment.Charge) fate {
	switch c.Method {
	case OK, Decline, RequiresAction, Delay, Timeout, Lost, Late, Down, Short:
		return fate(c.Method)
	case NoRefund:
		return well
	}
	f := s.opts.Faults
	return s.strike("charge", c.Key, chance{declined, f.Decline}, chance{delayed, f.Delay}, chance{timeout, f.Timeout},
		chance{lost, f.Lost}, chance{late, f.Late}, chance{down, f.Down}, chance{short, f.Short})
}

func (s *Sandbox) refundFate(r payment.Refund, charge *operation) fate {
	if charge.method == NoRefund {
		return declined
	}
	f := s.opts.Faults
	return s.strike("refund", r.Key, chance{declined, f.RefundDecline}, chance{delayed, f.RefundDelay}, chance{timeout, f.RefundTimeout},
		chance{lost, f.LostRefund}, chance{down, f.RefundDown})
}

// carryOut enters a new operation into the books, as fate has it, and answers.
func (s *Sandbox) carryOut(o operation, f fate) (payment.Status, error) {
	now := s.opts.Now()
	o.arrives, o.lands, o.moved = now, now, o.amount
	switch f {
	case down:
		return payment.Status{Key: o.key}, fmt.Errorf("reach %s for %s: %w", s.opts.Name, o.key, payment.ErrRetryable)
	case lost:
		return payment.Status{Key: o.key}, fmt.Errorf("answer for %s: %w", o.key, payment.ErrUnknownOutcome)
	case declined:
		o.code = "card_declined"
	case action:
		o.action, o.lands = true, now.Add(actWithin)
	case delayed:
		o.lands = now.Add(time.Minute)
	case timeout:
		o.arrives = now.Add(time.Duration(1+s.dice("timeout", o.key)*20) * time.Second)
		o.lands = o.arrives
	case late:
		o.arrives = now.Add(time.Hour)
		o.lands = o.arrives
	case short:
		unit, err := platform.FromMinor(1, o.amount.Currency())
		if err == nil {
			o.moved, err = o.amount.Sub(unit)
		}
		if err != nil {
			return payment.Status{Key: o.key}, fmt.Errorf("charge %s: %w", o.key, payment.ErrRefused)
		}
	}
	s.enter(&o)
	s.announce(&o, f)
	if f == timeout || f == late {
		return payment.Status{Key: o.key}, fmt.Errorf("answer for %s: %w", o.key, payment.ErrUnknownOutcome)
	}
	return answered(o.status(now))
}

// repeat answers for an operation that is known by its key.
func (s *Sandbox) repeat(known *operation, asked operation) (payment.Status, error) {
	if known.amount != asked.amount || known.method != asked.method || known.of != asked.of {
		return payment.Status{Key: asked.key}, fmt.Errorf("key %s with other content: %w", asked.key, payment.ErrRefused)
	}
	st := known.status(s.opts.Now())
	if st.Outcome == payment.Absent { // still under way
		return st, fmt.Errorf("answer for %s: %w", asked.key, payment.ErrUnknownOutcome)
	}
	return answered(st)
}

func answered(st payment.Status) (payment.Status, error) {
	if st.Outcome == payment.Declined {
		return st, fmt.Errorf("%s %s: %w", st.Key, st.Code, payment.ErrDeclined)
	}
	return st, nil
}

// charge is the charge that a refund names, by key or by reference.
func (s *Sandbox) charge(r payment.Refund) *operation {
	if r.Charge == "" {
		return s.charges[r.Reference]
	}
	if o := s.operations[r.Charge]; o != nil && o.of == "" {
		return o
	}
	return nil
}

// covered refuses to give back more than a charge has left.
func (s *Sandbox) covered(charge *operation, amount platform.Money) error {
	if over, err := amount.Cmp(charge.left); err != nil || over > 0 || charge.status(s.opts.Now()).Outcome != payment.Done {
		return payment.ErrRefused
	}
	return nil
}

// enter writes a new operation into the books, under the institution's own name
// of it. A refund that is not declined takes from its charge at once, though it
// lands later.
func (s *Sandbox) enter(o *operation) {
	s.operations[o.key], s.order = o, append(s.order, o.key)
	if o.of == "" {
		o.reference = fmt.Sprintf("ch_%s_%d", s.opts.Name, len(s.order))
		o.left, s.charges[o.reference] = o.moved, o
		s.write(o)
		return
	}
	o.reference = fmt.Sprintf("re_%s_%d", s.opts.Name, len(s.order))
	charge := s.operations[o.of]
	if left, err := charge.left.Sub(o.amount); err == nil && o.code == "" {
		charge.left = left
	}
	s.write(o, charge)
}
