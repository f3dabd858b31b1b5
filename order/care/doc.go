// Package care is what customers say after an order: a [Review] by the customer
// of a completed order, once, within its window; and [Feedback], a score that
// came some other way or for an order that cannot carry a review, kept by the
// platform with the reason.
//
// Begin with [Service.WriteReview] and [Service.Reviews].
package care
