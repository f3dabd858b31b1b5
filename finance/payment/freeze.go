package payment

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// alarms are how long before an institution lets go of a charge by itself it is said
// that nobody has shared it out, because its order has come to no end: operators have
// it completed or cancelled. What the institution lets go of without is on the
// account of whoever took the charge, and can be shared out no more.
var alarms = [...]time.Duration{expiring, 7 * 24 * time.Hour, 0}

const freezeExpiring = "payment.freeze_expiring"

// freezes is a captured charge with the moment at which its institution lets go of it,
// where charges are shared out.
func (s *Service) freezes(a Attempt) Attempt {
	if a.State != AttemptCaptured || a.Foreign || a.Held || s.keep == 0 {
		return a
	}
	if _, err := s.splitter(a.Institution); err != nil {
		return a
	}
	a.Released = a.EndedAt.Add(s.keep)
	return a.alarmed(a.EndedAt)
}

// alarmed is the charge due for the first alert after a moment.
func (a Attempt) alarmed(at time.Time) Attempt {
	a.Due = time.Time{}
	for _, before := range alarms {
		if mark := a.Released.Add(-before); a.Due.IsZero() && mark.After(at) {
			a.Due = mark
		}
	}
	return a
}

// shared is a charge of which nothing lapses any more: shares of it go out.
func (a Attempt) shared() platform.Change {
	if a.State != AttemptCaptured || a.Released.IsZero() || a.Due.IsZero() && !a.Lapsing {
		return platform.Unchanged(a)
	}
	a.Due, a.Lapsing = time.Time{}, false
	return platform.Put(a)
}

// Lapse returns a captured charge at the time of an alert: lapsing, with the next
// alert, or not any more when shares of it are planned or its money is back. It fails
// with ErrNotDue at any other time.
func (a Attempt) Lapse(planned bool, at time.Time) (Attempt, error) {
	if a.State != AttemptCaptured || a.Due.IsZero() || at.Before(a.Due) {
		return Attempt{}, fmt.Errorf("look after %s: %w", a.ID, ErrNotDue)
	}
	a = a.alarmed(at)
	if a.Lapsing = !planned && a.unreturned().Sign() > 0; !a.Lapsing {
		a.Due = time.Time{}
	}
	return a, nil
}

// lapse looks after a charge whose institution is about to let go of it.
type lapse struct{ Attempt platform.ID }

// Subject is the attempt.
func (l lapse) Subject() platform.Ref { return platform.Ref{Kind: "payment.attempt", ID: l.Attempt} }

func (s *Service) lapse(ctx context.Context, due Attempt, at time.Time) error {
	_, err := platform.Update(ctx, s.w, lapse{due.ID}, func(ctx context.Context) (Attempt, []platform.Change, error) {
		a, err := s.store.Attempt(ctx, due.ID)
		if err != nil {
			return Attempt{}, nil, err
		}
		known, err := sharingsIn(ctx, s.store, a.Subject)
		if err != nil {
			return Attempt{}, nil, err
		}
		next, err := a.Lapse(slices.ContainsFunc(known, func(h Sharing) bool { return h.Attempt == a.ID }), at)
		if err != nil {
			return Attempt{}, nil, err
		}
		what := "payment.freeze_settled"
		switch {
		case next.Lapsing && at.Before(next.Released):
			what = freezeExpiring
		case next.Lapsing:
			what = "payment.freeze_ended"
		}
		return next, []platform.Change{platform.Put(next), platform.Happened(what, next.Ref(), next.frozen(at))}, nil
	})
	return err
}

// frozen are a charge and its time in an event.
func (a Attempt) frozen(at time.Time) any {
	return struct {
		Subject     platform.Ref   `json:"subject"`
		Institution string         `json:"institution"`
		Amount      platform.Money `json:"amount"`
		Released    time.Time      `json:"released"`
		Days        int            `json:"days"` // until then
	}{a.Subject, a.Institution, a.unreturned(), a.Released, int(max(0, a.Released.Sub(at)) / (24 * time.Hour))}
}

// alert is why a charge waits for operators, if it does.
func (a Attempt) alert() string {
	if a.Lapsing && a.unreturned().Sign() > 0 {
		return freezeExpiring
	}
	return ""
}
