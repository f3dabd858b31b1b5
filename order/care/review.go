package care

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Review is a customer's word on a completed order. There is at most one of an
// order: its id is the order's under the prefix rvw.
type Review struct {
	platform.Head
	Order    platform.ID     `json:"order" class:"internal"`
	Customer platform.ID     `json:"customer" class:"internal"`
	Merchant platform.ID     `json:"merchant" class:"internal"`
	Score    int             `json:"score" class:"public"` // 1 to 5
	Text     platform.Sealed `json:"text,omitempty" class:"personal,review,3y,contract"`
	At       time.Time       `json:"at" class:"internal"`
}

// Ref names the review.
func (r Review) Ref() platform.Ref { return platform.Ref{Kind: "care.review", ID: r.ID} }

// WriteReview reviews an order.
type WriteReview struct {
	Order platform.ID `json:"order" validate:"required,id=ord"`
	Score int         `json:"score" validate:"min=1,max=5" code:"care.score"`
	Text  string      `json:"text,omitempty" validate:"text=2000"` // kept only sealed
}

// Subject is the order.
func (in WriteReview) Subject() platform.Ref { return platform.Ref{Kind: "order", ID: in.Order} }

// WriteReview keeps the customer's review. Only the order's own customer writes one
// (anybody else's order is ErrNotFound), after completion (care.not_reviewable)
// and within Options.Window of it (care.too_late), once (care.reviewed).
func (s *Service) WriteReview(ctx context.Context, in WriteReview) (Review, error) {
	by, err := s.admit(ctx, in, platform.Customer)
	if err != nil {
		return Review{}, fmt.Errorf("review order %s: %w", in.Order, err)
	}
	r := Review{Head: platform.Head{ID: in.Order.As("rvw")}, Order: in.Order, Customer: by.For(), Score: in.Score}
	text, sealing := s.sealed(ctx, r.Customer, r.Ref(), in.Text)
	r.Text = text
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Review, []platform.Change, error) {
		if sealing != nil {
			return Review{}, nil, sealing
		}
		sold, err := s.sale(ctx, in.Order)
		if err != nil {
			return Review{}, nil, err
		}
		next, err := r.of(sold, s.options.Window, s.w.Now())
		if err != nil {
			return Review{}, nil, err
		}
		if _, err := s.store.Review(ctx, r.ID); !missing(err) {
			return Review{}, nil, reviewed(in.Order, err)
		}
		tell := map[string]any{"order": next.Order, "merchant": next.Merchant, "score": next.Score}
		return next, append(sold.checks, platform.Put(next), platform.Happened("care.reviewed", next.Ref(), tell)), nil
	})
}

func reviewed(order platform.ID, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("review order %s: %w", order, errReviewed)
}

// of is the review of a sale, decided at a moment.
func (r Review) of(sold sale, window time.Duration, at time.Time) (Review, error) {
	switch {
	case sold.Customer != r.Customer:
		return Review{}, platform.NotFound(platform.Ref{Kind: "order", ID: r.Order})
	case sold.Completed.IsZero():
		return Review{}, fmt.Errorf("review order %s: %w", r.Order, errNotCompleted)
	case !at.Before(sold.Completed.Add(window)):
		return Review{}, fmt.Errorf("review order %s: %w", r.Order, errTooLate)
	}
	r.Merchant, r.At = sold.Merchant, at
	return r, nil
}

// Reviews lists the reviews of a merchant, the newest first. Anybody may read
// scores, named or not; texts stay sealed.
func (s *Service) Reviews(ctx context.Context, merchant platform.ID, cursor string) (platform.Page[Review], error) {
	if by, err := platform.ActorOf(ctx); err == nil && by.Tenant != s.w.Tenant {
		return platform.Page[Review]{}, nil
	}
	return s.store.Reviews(ctx, merchant, cursor)
}
