package order

import (
	"cmp"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Permission tells whether somebody may take a move of an order now, as the
// command that takes it would decide.
type Permission struct {
	Verb    string
	Command string    // that takes it, as a policy names it: order.cancel
	Refusal error     // why not; nil if it may. What the command's own input must have, a proof say, is not asked
	From    time.Time // from when, if time alone stands against it; else zero
}

// commands are the names of those that take a verb, where it is not the verb's own.
var commands = map[string]string{
	"clear": "order.clearReview", "reject": "order.clearReview", "rework": "order.requestRework", "change": "order.proposeChange", "refund": "order.requestRefund",
	"waive": "order.waiveNoShow", "tip": "order.giveTip",
}

// Permissions tells, for each move that people can make on an order, in the order
// of the table, whether the actor may now. It is empty for a stranger, to whom
// there is no such order, and without "miss", which depends on where the members are.
func (o Order) Permissions(by platform.Actor, now time.Time) []Permission {
	if !o.visible(by) {
		return nil
	}
	var all []Permission
	for _, row := range moves {
		born := slices.Contains(row.From, "")
		alone := slices.Equal(row.By, kinds{platform.System})
		known := slices.ContainsFunc(all, func(p Permission) bool { return p.Verb == row.Verb })
		if born || alone || known || row.Verb == "miss" {
			continue
		}
		p := Permission{Verb: row.Verb, Command: cmp.Or(commands[row.Verb], "order."+row.Verb), Refusal: o.refuses(row.Verb, by, now)}
		p.From, _ = platform.Details(p.Refusal)["from"].(time.Time)
		all = append(all, p)
	}
	return all
}

// refuses is why an actor cannot take a verb now.
func (o Order) refuses(verb string, by platform.Actor, now time.Time) error {
	if verb == "tip" && o.sideOf(by) != platform.Customer {
		return errActor
	}
	_, err := o.take(verb, by.Kind, now)
	switch {
	case err != nil:
		return err
	case verb == "refund" && o.Refundable().Sign() <= 0:
		return o.exceeds(o.Refundable())
	case verb == "accept" && !o.AcceptedAt.IsZero(): // it waits for the money
		return errNotAcceptable
	}
	return nil
}

// Allowed lists the verbs that the actor may take now, in the order of the
// table: those of [Order.Permissions] that nothing stands against. It is empty for a
// stranger.
func (o Order) Allowed(by platform.Actor, now time.Time) []string {
	all := o.Permissions(by, now)
	if all == nil {
		return nil
	}
	var verbs []string
	for _, p := range all {
		if p.Refusal == nil {
			verbs = append(verbs, p.Verb)
		}
	}
	return verbs
}
