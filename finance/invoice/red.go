package invoice

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// AskRed asks to take an invoice back.
type AskRed struct {
	Invoice platform.ID `json:"invoice" validate:"required,id=inv"`
	Lines   []Part      `json:"lines,omitempty" validate:"max=200,dive" code:"invoice.line"` // none: all that is left
	Reason  string      `json:"reason" validate:"required,text=64"`                          // a code
}

// Subject is the invoice.
func (in AskRed) Subject() platform.Ref { return platform.Ref{Kind: invoiceKind, ID: in.Invoice} }

// AskRed asks for a red letter over lines of an issued invoice, which
// [Service.Tick] has issued. Buyer and seller may, operators and the system.
//
// It fails with ErrRedExceeds above what the invoice has left, with ErrLine and
// ErrAmount, and with ErrNotReversible while another letter is under way.
func (s *Service) AskRed(ctx context.Context, in AskRed) (Letter, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Letter, []platform.Change, error) {
		v, by, err := s.mine(ctx, in.Invoice)
		if err != nil {
			return Letter{}, nil, err
		}
		next, l, err := v.AskRed(in.Lines, in.Reason, by, s.w.Now())
		if err != nil {
			return Letter{}, nil, err
		}
		return l, []platform.Change{platform.Put(next), platform.Put(l), l.happened("red_asked").Because(in.Reason)}, nil
	})
}

// AskRed returns the invoice with a red letter under way, and the letter.
func (v Invoice) AskRed(asked []Part, reason string, by platform.Actor, at time.Time) (Invoice, Letter, error) {
	next, err := v.take("ask_red", by.Kind)
	if err != nil {
		return Invoice{}, Letter{}, err
	}
	if len(asked) == 0 {
		asked = v.all()
	}
	d, err := v.part(asked)
	if err != nil {
		return Invoice{}, Letter{}, fmt.Errorf("reverse invoice %s: %w", v.ID, err)
	}
	state, err := LetterMoves.Take("", "ask", by.Kind)
	if err != nil {
		return Invoice{}, Letter{}, fmt.Errorf("reverse invoice %s: %w", v.ID, err)
	}
	l := Letter{
		Head: platform.Head{ID: letterID(v.ID, v.Letters)}, Invoice: v.ID, State: state, Why: reason, Document: d,
		By: by.ID, At: at, Operation: Operation{Due: at},
	}
	next.Letters, next.Letter = v.Letters+1, l.ID
	return next, l, nil
}

// sendRed is one step of a letter's way.
type sendRed struct {
	Letter platform.ID
	Sender uint64
}

// write sends a letter that is due.
func (s *Service) write(ctx context.Context, id platform.ID, at time.Time) error {
	l, err := platform.Update(ctx, s.w, sendRed{id, s.w.IDs()}, func(ctx context.Context) (Letter, []platform.Change, error) {
		l, err := s.store.Letter(ctx, id)
		if err != nil {
			return Letter{}, nil, err
		}
		next, err := l.Sent(at, at.Add(s.terms.Answer))
		if err != nil {
			return Letter{}, nil, err
		}
		return next, []platform.Change{platform.Put(next), next.happened("red_sent")}, nil
	})
	if err != nil {
		return err
	}
	v, err := s.store.Invoice(ctx, l.Invoice)
	if err != nil {
		return err
	}
	title, err := s.title(ctx, v)
	if err != nil {
		return err
	}
	p := v.paper(title)
	p.Number, p.Document, p.Original, p.Remark = 0, l.Document, v.Official, l.Why
	a, known := s.issue(ctx, l.ID, p)
	return s.recordRed(context.WithoutCancel(ctx), l, a, known, at)
}

// lookRed asks the Invoicer about a letter; one that never arrived is sent again
// under the same key.
func (s *Service) lookRed(ctx context.Context, l Letter, at time.Time) error {
	a, known := s.lookup(ctx, l.ID)
	if known && a.Outcome == Absent && l.State == LetterSent {
		return s.write(ctx, l.ID, at)
	}
	return s.recordRed(ctx, l, a, known, at)
}

// recordRed writes down what the Invoicer said of a letter: with it, what that
// means for the invoice and for the tally.
func (s *Service) recordRed(ctx context.Context, was Letter, a Answer, known bool, at time.Time) error {
	_, err := persist(s.system(ctx), s, learnt{was.ID, a}, func(ctx context.Context) (Letter, []platform.Change, error) {
		v, l, err := s.store.LetterOf(ctx, was.Invoice, was.ID)
		if err != nil {
			return Letter{}, nil, err
		}
		next, err := l, ErrNothingNew
		if known {
			next, err = l.Learn(a, s.terms.Confirm, at)
		}
		if errors.Is(err, ErrNothingNew) && l.State == LetterSent && !l.held() {
			next, err = l.Doubt(at)
		}
		if err != nil {
			return Letter{}, nil, fmt.Errorf("record %s: %w", l.ID, err)
		}
		changes, err := s.endRed(ctx, v, next, at)
		if err != nil {
			return Letter{}, nil, err
		}
		return next, append(changes, platform.Put(next)), nil
	})
	return err
}

// endRed is what the letter's new state means for others.
func (s *Service) endRed(ctx context.Context, v Invoice, l Letter, at time.Time) ([]platform.Change, error) {
	what := map[LetterState]string{
		LetterSent: "red_unknown", LetterWaiting: "red_waiting", LetterHeld: "red_held", LetterIssued: "red_issued", LetterLapsed: "red_lapsed", LetterRefused: "red_refused",
	}[l.State]
	changes := []platform.Change{l.happened(what).Because(l.Reason)}
	if l.State == LetterHeld {
		v.Reason = l.Reason // so that it is seen where invoices are
		return append(changes, finding(l.Ref(), l.Reason, l.Gross), platform.Put(v)), nil
	}
	if l.EndedAt.IsZero() {
		return append(changes, platform.Unchanged(v)), nil
	}
	t, err := s.store.Tally(ctx, TallyID(v.Subject, v.Kind))
	if err != nil {
		return nil, err
	}
	next, err := v.ended(l)
	if err != nil {
		return nil, err
	}
	t.Due = at // whether it is even now, or a letter is to be asked for again
	switch l.State {
	case LetterIssued:
		t = t.reversed(l)
	case LetterRefused: // the next may be refused as well
		t.Due = t.again(next.Letters, s.terms.Finding, at)
		fallthrough
	default:
		changes = append(changes, finding(l.Ref(), "invoice."+what, l.Gross))
	}
	return append(changes, platform.Put(next), platform.Put(t)), nil
}

// again is when to look at the tally after one of so many letters was refused, so
// that no letter is asked for without end; but not after an imbalance is to be
// told of.
func (t Tally) again(letters int, told time.Duration, at time.Time) time.Time {
	due := at.Add(retries[min(letters, len(retries))-1])
	if over := t.Since.Add(told); !t.Since.IsZero() && over.After(at) {
		return earlier(due, over)
	}
	return due
}

// CheckRed has the Invoicer asked again about an invoice's red letter that came back
// with other totals.
type CheckRed struct {
	Invoice platform.ID `json:"invoice" validate:"required,id=inv"`
}

// Subject is the invoice.
func (in CheckRed) Subject() platform.Ref { return platform.Ref{Kind: invoiceKind, ID: in.Invoice} }

// CheckRed lets the letter go on: [Service.Tick] asks the Invoicer, which may have put
// it right, and holds it anew if it did not. Only operators may. It fails with
// ErrNotHeld.
func (s *Service) CheckRed(ctx context.Context, in CheckRed) (Letter, error) {
	return s.decideRed(ctx, in, in.Invoice, func(v Invoice, l Letter, by platform.ActorKind, at time.Time) (Letter, []platform.Change, error) {
		next, err := l.Check(by, at)
		v.Reason = ""
		return next, []platform.Change{platform.Put(v), next.happened("red_checked")}, err
	})
}

// VoidRed gives up an invoice's red letter that came back with other totals.
type VoidRed struct {
	Invoice platform.ID `json:"invoice" validate:"required,id=inv"`
	Reason  string      `json:"reason" validate:"required,max=64,printascii"` // a code
}

// Subject is the invoice.
func (in VoidRed) Subject() platform.Ref { return platform.Ref{Kind: invoiceKind, ID: in.Invoice} }

// VoidRed takes down that the authority has declared the letter void: the invoice is
// as it was before, and what must be taken back is asked for again. Only operators
// may. It fails with ErrNotHeld.
func (s *Service) VoidRed(ctx context.Context, in VoidRed) (Letter, error) {
	return s.decideRed(ctx, in, in.Invoice, func(v Invoice, l Letter, by platform.ActorKind, at time.Time) (Letter, []platform.Change, error) {
		next, err := l.Void(in.Reason, by, at)
		if err != nil {
			return Letter{}, nil, err
		}
		changes, err := s.endRed(ctx, v, next, at)
		return next, changes, err
	})
}

// decideRed commits what an operator decides about the letter that an invoice has
// under way.
func (s *Service) decideRed(
	ctx context.Context, in any, id platform.ID, decide func(Invoice, Letter, platform.ActorKind, time.Time) (Letter, []platform.Change, error),
) (Letter, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Letter, []platform.Change, error) {
		v, by, err := s.mine(ctx, id)
		if err == nil && v.Letter == "" {
			err = fmt.Errorf("invoice %s: %w", v.ID, ErrNotHeld)
		}
		if err != nil {
			return Letter{}, nil, err
		}
		v, l, err := s.store.LetterOf(ctx, v.ID, v.Letter)
		if err != nil {
			return Letter{}, nil, err
		}
		next, changes, err := decide(v, l, by.Kind, s.w.Now())
		if err != nil {
			return Letter{}, nil, err
		}
		return next, append(changes, platform.Put(next)), nil
	})
}
