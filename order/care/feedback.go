package care

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Feedback is a score that is kept although it cannot be a review: the order
// was never completed, has one already, or the word came too late or by another
// channel. It counts in no merchant's mean.
type Feedback struct {
	platform.Head
	Order    platform.ID     `json:"order" class:"internal"`
	Merchant platform.ID     `json:"merchant" class:"internal"`
	Score    int             `json:"score" class:"internal"` // 1 to 5
	Reason   string          `json:"reason" class:"internal"`
	Text     platform.Sealed `json:"text,omitempty" class:"personal,review,3y,contract"`
	At       time.Time       `json:"at" class:"internal"`
}

// Ref names the feedback.
func (f Feedback) Ref() platform.Ref { return platform.Ref{Kind: "care.feedback", ID: f.ID} }

// RecordFeedback keeps feedback.
type RecordFeedback struct {
	Order  platform.ID `json:"order" validate:"required,id=ord"`
	Score  int         `json:"score" validate:"min=1,max=5" code:"care.score"`
	Reason string      `json:"reason" validate:"required,oneof=not_completed duplicate late other_channel" code:"care.reason"` // why it is no review
	Text   string      `json:"text,omitempty" validate:"text=2000"`                                                            // kept only sealed
}

// Subject is the order.
func (in RecordFeedback) Subject() platform.Ref { return platform.Ref{Kind: "order", ID: in.Order} }

// RecordFeedback keeps a score with the reason why it is no review. Only operators and
// the system may; the order must exist.
func (s *Service) RecordFeedback(ctx context.Context, in RecordFeedback) (Feedback, error) {
	if _, err := s.admit(ctx, in, platform.Operator, platform.System); err != nil {
		return Feedback{}, fmt.Errorf("record feedback on order %s: %w", in.Order, err)
	}
	f := Feedback{Head: platform.Head{ID: s.w.NewChild("fbk", in.Order)}, Order: in.Order, Score: in.Score, Reason: in.Reason}
	sold, failed := s.sale(ctx, in.Order)
	if failed == nil { // the text is sealed for the order's customer, whose word it is
		f.Text, failed = s.sealed(ctx, sold.Customer, f.Ref(), in.Text)
	}
	again := false
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Feedback, []platform.Change, error) {
		if failed != nil {
			return Feedback{}, nil, failed
		}
		if again {
			var err error
			if sold, err = s.sale(ctx, in.Order); err != nil {
				return Feedback{}, nil, err
			}
		}
		again = true
		next := f
		next.Merchant, next.At = sold.Merchant, s.w.Now()
		tell := map[string]any{"order": next.Order, "merchant": next.Merchant, "score": next.Score}
		event := platform.Happened("care.feedback_recorded", next.Ref(), tell).Because(in.Reason)
		return next, append(sold.checks, platform.Put(next), event), nil
	})
}

// Feedback lists what was kept of an order, the oldest first, for operators,
// auditors and the system.
func (s *Service) Feedback(ctx context.Context, order platform.ID, cursor string) (platform.Page[Feedback], error) {
	if _, err := s.admit(ctx, nil, platform.Operator, platform.System, platform.Auditor); err != nil {
		return platform.Page[Feedback]{}, fmt.Errorf("read feedback on order %s: %w", order, err)
	}
	return s.store.Feedback(ctx, order, cursor)
}
