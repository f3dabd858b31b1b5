package main

// findings are the codes of what can be wrong, each with what it means and what
// the replay makes of it.
var findings = map[string]string{
	"file.missing":      "a file of the dataset is not there; what it says is not known",
	"row.malformed":     "a row without its cells or its key; left out",
	"time.unreadable":   "a moment that cannot be read; taken as missing",
	"amount.unreadable": "an amount that cannot be read, or is negative; the row is left out",

	"order.duplicate":          "an order id a second time; the row is left out",
	"order.unknown_status":     "a status that is not known; played as far as its moments go",
	"order.no_items":           "an order without items; not placed, its payments are surplus",
	"order.no_payments":        "an order without payments; if it was approved, promotion pays all of it",
	"customer.unknown":         "an order of a customer that is not in the file; its own id serves",
	"item.unknown_order":       "an item of no order; left out",
	"item.unknown_product":     "an item whose product is not in the file; sold without category",
	"item.unknown_seller":      "an item whose seller is not in the file; the seller is admitted",
	"item.duplicate":           "an item number a second time in its order; the row is left out",
	"item.no_price":            "an item without a price; not placed, its freight is",
	"seller.no_lead":           "a seller without a won lead before its first order; applies and is admitted then",
	"seller.twice":             "a deal of a seller that is here already; a second merchant, which sells nothing",
	"purchase.no_date":         "no moment of purchase; placed at the first that is known",
	"approved.no_date":         "must have been approved, without a moment; paid at the next that is known",
	"carrier.no_date":          "must have been handed over, without a moment; started at the next that is known",
	"delivered.no_date":        "delivered without a moment; at the estimate",
	"status.behind_dates":      "the moments go further than the status; played as far as the moments go",
	"cancelled.after_delivery": "cancelled although delivered; reversed by an operator's refund",

	"approved.before_purchase":  "approved before it was placed; paid when placed",
	"carrier.before_purchase":   "handed over before it was placed; started when placed",
	"carrier.before_approved":   "handed over before it was approved; started when paid",
	"delivered.before_purchase": "delivered before it was placed; delivered when placed",
	"delivered.before_approved": "delivered before it was approved; delivered when paid",
	"delivered.before_carrier":  "delivered before it was handed over; delivered when started",

	"payment.unknown_order":  "a payment of no order; left out",
	"payment.duplicate":      "a payment number a second time in its order; the row is left out",
	"payment.zero":           "a payment of nothing; not played",
	"payment.short":          "payments below the price; completed by the platform as promotion",
	"payment.surplus":        "payments above the price; the rest is surplus and goes back",
	"payment.too_late":       "approved after the time to pay was over; surplus that goes back, the order has expired",
	"payment.never_approved": "payments that were never approved; not played",

	"review.unknown_order":   "a review of no order; left out",
	"review.no_score":        "a review without a score of 1 to 5; left out",
	"review.no_date":         "a review without a moment; at its answer, or when placed",
	"review.duplicate_id":    "a review id a second time; played like any other",
	"review.before_purchase": "a review before the order; played when placed",
	"review.not_eligible":    "a review that cannot be one: not completed, too late or a second one; kept as feedback",
	"review.text_refused":    "a text that the platform does not take; the score is kept",

	"lead.duplicate":          "a lead a second time; the row is left out",
	"lead.no_date":            "a lead without a first contact; at its deal, or not played",
	"lead.no_origin":          "a lead without an origin; applies without a channel",
	"lead.won_before_contact": "a deal before the first contact; won at the contact",
	"deal.unknown_lead":       "a deal of no lead; left out",
	"deal.duplicate":          "a second deal of one lead; the row is left out",
	"deal.no_date":            "a deal without a moment; at the first contact",

	"command.refused": "the platform refused what the records say; what depends on it is not played",
}
