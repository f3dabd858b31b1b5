package gatewaytest

import (
	"context"
	"fmt"
)

// rule is one promise of a gateway.
type rule struct {
	number int
	name   string
	check  func(context.Context, *bench) error
}

// String is the number in two digits, and the rule.
func (r rule) String() string { return fmt.Sprintf("%02d %s", r.number, r.name) }

func rules() []rule {
	return []rule{
		{1, "same key, same body, 8 in parallel: one charge, one answer", sameBody},
		{2, "same key, other body is refused", otherBody},
		{3, "a timeout after success is unknown, and the look-up finds it", lostAnswer},
		{4, "a timeout before arrival is unknown, and the look-up finds nothing", lostRequest},
		{5, "a broken answer is unknown, a refused connection is retryable", brokenAnswer},
		{6, "a ctx that ends in the middle is unknown, never declined", endedCtx},
		{7, "a decline keeps the institution's code, known or not", declines},
		{8, "amounts of 0, 2 and 3 decimals arrive exactly or are refused", amounts},
		{9, "notices come before the answer, twice, and in any order", notices},
		{10, "an altered, stale, replayed or foreign notice is refused", forgeries},
		{11, "partial refunds go up to the charge, not a unit further", partialRefunds},
		{12, "8 full refunds in parallel: one", parallelRefunds},
		{13, "captures stay within an authorisation and its time", captures},
		{14, "splits stay within a charge; what returns can be refunded", splits},
		{15, "a payout fails, is paid, or comes back", payouts},
		{16, "the statement explains every change of the balance", statements},
		{17, "a call inside a decision panics", insideDecision},
		{18, "an account is opened once for a key, and gets shares once its holder came", onboarding},
		{19, "refunds and shares go back in the order that Info tells", compensation},
	}
}
