package main

import (
	"errors"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order/care"
)

// reasons why a score is no review, by what the platform refuses it with.
var reasons = map[string]string{
	"care.not_reviewable": "not_completed",
	"care.too_late":       "late",
	"care.reviewed":       "duplicate",
}

// review writes a review of the first order of a checkout. What cannot be a
// review is kept as feedback.
func (r *replay) review(c *checkout, v review) error {
	about := "order/" + c.id
	if v.at.Before(c.at[placedStep]) && !v.at.IsZero() {
		if err := r.note(Finding{Code: "review.before_purchase", About: about}); err != nil {
			return err
		}
	}
	if len(c.orders) == 0 {
		return r.remember(c, v)
	}
	in := care.WriteReview{Order: c.orders[0].id, Score: v.score, Text: v.text}
	if wrong := (platform.FieldErrors)(nil); errors.As(platform.Validate(in), &wrong) {
		if err := r.note(Finding{Code: "review.text_refused", About: about, Detail: wrong[0].Code}); err != nil {
			return err
		}
		in.Text = ""
	}
	_, err := give(r, customer(c.customer), r.market.Reviews.WriteReview, in)
	reason, ineligible := reasons[platform.Code(err)]
	if !ineligible {
		return err
	}
	if err := r.note(Finding{Code: "review.not_eligible", About: about, Detail: reason}); err != nil {
		return err
	}
	_, err = give(r, imports, r.market.Reviews.RecordFeedback, care.RecordFeedback{Order: in.Order, Score: in.Score, Reason: reason, Text: in.Text})
	return err
}

// remember keeps the score of an order that never came to be on the platform.
func (r *replay) remember(c *checkout, v review) error {
	if err := r.note(Finding{Code: "review.not_eligible", About: "order/" + c.id, Detail: "not_placed"}); err != nil {
		return err
	}
	next := c.source
	next.Feedback = append(next.Feedback, v.score)
	var err error
	c.source, err = give(r, platform.SystemActor("replay"), r.Keep, Keep{next})
	return err
}
