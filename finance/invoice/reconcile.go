package invoice

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Reconcile compares what is invoiced of a subject with what was paid of it.
type Reconcile struct {
	Of   platform.Ref `json:"subject" validate:"required"`
	Kind Kind         `json:"kind" validate:"required,oneof=service fee self_billed" code:"invoice.kind"`
}

// Subject is what was invoiced.
func (in Reconcile) Subject() platform.Ref { return in.Of }

// Reconcile asks for the red letters without which more is invoiced of a subject
// than was captured and not refunded: over the lines of which that is so, of the
// last invoice first. Whoever books a refund has it called; Tick calls it again
// while the imbalance lasts, and after Terms.Finding raises a finding, once.
// Operators and the system may. It returns the tally as it is then, and fails
// with ErrNothingNew when there is nothing to do.
func (s *Service) Reconcile(ctx context.Context, in Reconcile) (Tally, error) {
	return s.reconcile(ctx, in, s.w.Now())
}

func (s *Service) reconcile(ctx context.Context, in Reconcile, at time.Time) (Tally, error) {
	return persist(ctx, s, in, func(ctx context.Context) (Tally, []platform.Change, error) {
		by, err := s.w.Actor(ctx)
		if err == nil && by.Kind != platform.Operator && by.Kind != platform.System {
			err = platform.NotFound(in.Of)
		}
		if err != nil {
			return Tally{}, nil, err
		}
		t, err := s.store.Tally(ctx, TallyID(in.Of, in.Kind))
		if errors.Is(err, platform.ErrNotFound) {
			err = ErrNothingNew // nothing was invoiced
		}
		if err != nil {
			return Tally{}, nil, err
		}
		sold, err := s.sale(ctx, in.Of, in.Kind)
		if err != nil {
			return Tally{}, nil, err
		}
		all, err := s.store.Some(ctx, t.Invoices...)
		if err != nil {
			return Tally{}, nil, err
		}
		return t.reconciled(s.terms, sold, all, by, at)
	})
}

// reconciled is the tally after a look, and what is to be done about it.
func (t Tally) reconciled(terms Terms, sold sale, all []Invoice, by platform.Actor, at time.Time) (Tally, []platform.Change, error) {
	excess := minus(t.Standing(), sold.base())
	if excess.Sign() <= 0 {
		if t.Since.IsZero() && t.Due.IsZero() {
			return Tally{}, nil, ErrNothingNew
		}
		t.Since, t.Due, t.Finding = time.Time{}, time.Time{}, false
		return t, append(sold.checks, platform.Put(t), t.happened("balanced", excess)), nil
	}
	if t.Since.IsZero() {
		t.Since = at
	}
	changes, working := sold.checks, t
	for _, v := range slices.Backward(all) {
		if v.State == RedPending {
			excess = minus(excess, v.Left()) // at most; the look after its letter tells
		}
		parts := v.owed(sold, working, excess)
		if len(parts) == 0 {
			continue
		}
		next, l, err := v.AskRed(parts, "refund", by, at)
		if err != nil {
			return Tally{}, nil, err
		}
		working, excess = working.with(l.Document, -1), minus(excess, l.Gross)
		changes = append(changes, platform.Put(next), platform.Put(l), l.happened("red_asked").Because("refund"))
	}
	over := t.Since.Add(terms.Finding)
	if t.Due = over; !at.Before(over) {
		t.Due = at.Add(terms.Finding)
		if !t.Finding {
			t.Finding = true
			changes = append(changes, finding(t.Ref(), "invoice.imbalance", minus(t.Standing(), sold.base())))
		}
	}
	if excess.Sign() > 0 { // of an invoice that is not issued yet
		t.Due = earlier(t.Due, at.Add(time.Hour))
	}
	return t, append(changes, platform.Put(t), t.happened("unbalanced", minus(t.Standing(), sold.base()))), nil
}

// owed is what a red letter is to take back of an invoice: of each line what
// stands on invoices and was not paid, in all at most the excess. Nothing is asked
// of an invoice that is not issued, or of which a letter is under way.
func (v Invoice) owed(sold sale, t Tally, excess platform.Money) (parts []Part) {
	if v.State != Issued && v.State != PartlyRed {
		return nil
	}
	for _, l := range v.Lines {
		stays := int64(0)
		for _, of := range sold.Lines {
			if of.No == l.No {
				stays = minus(of.Amount, of.Given).Minor()
			}
		}
		above := min(t.line(l.No, excess.Currency()).Minor()-stays, minus(l.Gross, l.Red).Minor(), excess.Minor())
		part, err := platform.FromMinor(above, excess.Currency())
		if err == nil && part.Sign() > 0 {
			parts, excess = append(parts, Part{Line: l.No, Amount: part}), minus(excess, part)
		}
	}
	return parts
}

func (t Tally) happened(what string, excess platform.Money) platform.Change {
	return platform.Happened("invoice."+what, t.Ref(), struct {
		Subject platform.Ref   `json:"subject"`
		Kind    Kind           `json:"kind"`
		Excess  platform.Money `json:"excess"`
		Since   time.Time      `json:"since,omitzero"`
	}{t.Subject, t.Kind, excess, t.Since})
}
