package payment

import (
	"context"
	"fmt"

	"github.com/liangding/platform"
)

// Promote lets the platform pay a part of an intent.
type Promote struct {
	Intent platform.ID    `json:"intent" validate:"required,id=int"`
	Amount platform.Money `json:"amount" validate:"required"`
	Reason string         `json:"reason" validate:"required,max=64,printascii"` // a code
}

// Subject is the intent.
func (p Promote) Subject() platform.Ref { return platform.Ref{Kind: "payment.intent", ID: p.Intent} }

// Promote pays a part of an intent with the platform's own money: it counts as
// secured and captured, is booked as pay.promotion, and goes back to the platform
// alone, see [Asks.Return]. It returns the attempt that stands for it. Operators and the system may
// do so, also past the intent's due.
//
// It fails as Pay does when nothing is to be paid or the amount is wrong, and
// with ErrAttemptActive while an attempt is under way, and with ErrPurpose for a tip.
func (s *Service) Promote(ctx context.Context, in Promote) (Attempt, error) {
	id := s.w.NewChild("att", in.Intent)
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Attempt, []platform.Change, error) {
		if err := platformOnly(ctx); err != nil {
			return Attempt{}, nil, fmt.Errorf("promote %s: %w", in.Intent, err)
		}
		i, err := s.store.Intent(ctx, in.Intent)
		if err != nil {
			return Attempt{}, nil, err
		}
		if i.Purpose == Tip { // it would be nobody's tip
			return Attempt{}, nil, fmt.Errorf("promote %s: %w", i.ID, ErrPurpose)
		}
		found, err := s.store.Found(ctx, asked(i.Subject)...)
		if err != nil {
			return Attempt{}, nil, err
		}
		now := s.w.Now()
		a := Attempt{
			Head: platform.Head{ID: id}, Intent: i.ID, Subject: i.Subject, Payer: i.Payer, State: AttemptCaptured,
			Amount: in.Amount, Received: in.Amount, Operation: Operation{SentAt: now}, EndedAt: now,
		}
		next, err := i.Add(a)
		if err != nil {
			return Attempt{}, nil, err
		}
		legs := []platform.Leg{{Role: "marketing", Amount: in.Amount}, {Role: "escrow", Of: i.Subject.ID, Amount: in.Amount.Neg()}}
		changes, err := s.secured(ctx, found.Intents, next, a, "pay.promotion", legs)
		if err != nil {
			return Attempt{}, nil, err
		}
		return a, append(changes, platform.Happened("payment.promoted", a.Ref(), a.facts()).Because(in.Reason)), nil
	})
}
