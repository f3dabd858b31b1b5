package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Resolve tells what an operator found in the institution's own books about an
// attempt that is quarantined or manual.
type Resolve struct {
	Attempt platform.ID    `json:"attempt" validate:"required,id=att"`
	Taken   platform.Money `json:"taken,omitzero"`                               // what the institution took; absent or zero for nothing
	Reason  string         `json:"reason" validate:"required,max=64,printascii"` // a code
}

// Subject is the attempt.
func (r Resolve) Subject() platform.Ref {
	return platform.Ref{Kind: "payment.attempt", ID: r.Attempt}
}

// Resolve ends the attempt: nothing taken is a failure and opens the intent
// again, the amount tried is captured, any other is surplus and goes back whole.
// Only operators may do so. It fails with ErrNotResolvable unless the attempt is
// quarantined or manual, with ErrAmount for another currency, and with
// ErrReferenceKnown when its money is booked already, as surplus say: then nothing
// of it was taken.
func (s *Service) Resolve(ctx context.Context, in Resolve) (Attempt, error) {
	a, err := s.resolve(ctx, in)
	if platform.Code(err) == "taken" {
		err = fmt.Errorf("resolve %s: %w", in.Attempt, ErrReferenceKnown)
	}
	return a, err
}

func (s *Service) resolve(ctx context.Context, in Resolve) (Attempt, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Attempt, []platform.Change, error) {
		if err := operatorOnly(ctx, in.Subject()); err != nil {
			return Attempt{}, nil, err
		}
		a, err := s.store.Attempt(ctx, in.Attempt)
		if err != nil {
			return Attempt{}, nil, err
		}
		now, _, err := s.scene(ctx, a, record{})
		if err != nil {
			return Attempt{}, nil, err
		}
		next, err := now.was.Resolve(in.Taken, s.w.Now())
		if err != nil {
			return Attempt{}, nil, err
		}
		next, changes, err := s.effects(ctx, now, next, platform.Operator)
		if err != nil {
			return Attempt{}, nil, err
		}
		return next, append(changes, next.event().Because(in.Reason)), nil
	})
}

// Settle tells what an operator found in the institution's own books about the
// operation of a return that is manual: one of another amount, or of unknown
// outcome.
type Settle struct {
	Return platform.ID `json:"return" validate:"required,id=rtn"`
	Back   bool        `json:"back"`                                         // the part is with the payer; otherwise nothing of it left
	Reason string      `json:"reason" validate:"required,max=64,printascii"` // a code
}

// Subject is the return.
func (c Settle) Subject() platform.Ref {
	return platform.Ref{Kind: "payment.return", ID: c.Return}
}

// Settle ends the operation: the part is back, booked as it was asked (what the
// institution moved more or less is a difference of the reconciliation), or it is
// sent anew under another key. Only operators may do so. It fails with
// ErrNotResolvable unless the return is manual.
func (s *Service) Settle(ctx context.Context, in Settle) (Return, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Return, []platform.Change, error) {
		if err := operatorOnly(ctx, in.Subject()); err != nil {
			return Return{}, nil, err
		}
		was, err := s.store.Return(ctx, in.Return)
		if err != nil {
			return Return{}, nil, err
		}
		now := s.w.Now()
		next, err := was.Settle(in.Back, now)
		if err != nil {
			return Return{}, nil, err
		}
		changes, err := s.returned(ctx, was, next, now)
		return next, append(changes, platform.Put(next), next.event().Because(in.Reason)), err
	})
}

// Settle returns the return as an operator found its operation: back, or never
// moved, so that it goes out again under another key. It fails with
// ErrNotResolvable unless the return is manual.
func (r Return) Settle(back bool, at time.Time) (Return, error) {
	if r.State != ReturnManual {
		return Return{}, platform.Detail(fmt.Errorf("settle %s: %w", r.ID, ErrNotResolvable), "state", string(r.State))
	}
	if back {
		return r.Learn(Status{Outcome: Done, Amount: r.Part().Amount}, true, at)
	}
	next, err := r.move("next", platform.System)
	next.Reason = ""
	return next.over(at), err
}

// File tells that an operator has seen to a notice that belongs to nothing known.
type File struct {
	Notice platform.ID `json:"notice" validate:"required,id=ntc"`
	Reason string      `json:"reason" validate:"required,max=64,printascii"` // a code
}

// Subject is the notice.
func (f File) Subject() platform.Ref {
	return platform.Ref{Kind: "payment.notice", ID: f.Notice}
}

// File takes the notice out of the queue; it stays in the inbox. Only operators
// may do so. It fails with ErrNotResolvable unless the notice is unmatched.
func (s *Service) File(ctx context.Context, in File) (Received, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Received, []platform.Change, error) {
		if err := operatorOnly(ctx, in.Subject()); err != nil {
			return Received{}, nil, err
		}
		found, err := s.store.Found(ctx, in.Subject())
		if err == nil && len(found.Notices) == 0 {
			err = platform.NotFound(in.Subject())
		}
		if err != nil {
			return Received{}, nil, err
		}
		n := found.Notices[0]
		if n.State != NoticeUnmatched {
			return Received{}, nil, platform.Detail(fmt.Errorf("file %s: %w", n.ID, ErrNotResolvable), "state", string(n.State))
		}
		n.State = NoticeFiled
		return n, []platform.Change{platform.Put(n), platform.Happened("payment.notice_filed", n.Ref(), n.facts()).Because(in.Reason)}, nil
	})
}

// operatorOnly lets operators alone pass.
func operatorOnly(ctx context.Context, about platform.Ref) error {
	actor, err := platform.ActorOf(ctx)
	if err == nil && actor.Kind != platform.Operator {
		err = fmt.Errorf("resolve %s: %w", about, ErrActor)
	}
	return err
}
