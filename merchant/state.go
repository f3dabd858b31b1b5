package merchant

import (
	"slices"

	"github.com/liangding/platform"
)

// State is where a record of this package stands. Each record's transition
// table says which of the states are its own.
type State string

// States of an application, a merchant and an agreement.
const (
	Applied      State = "applied"       // not handed in yet; lapses after 90 days
	InReview     State = "in_review"     // handed in; a reviewer is to decide. Also of a revision
	InfoRequired State = "info_required" // the applicant is to answer; lapses after 14 days
	Approved     State = "approved"      // a reviewer agreed. A merchant is to sign; lapses after 30 days. Also of a revision
	Rejected     State = "rejected"      // a reviewer refused. Also of a revision
	Lapsed       State = "lapsed"        // its time ran out
	Onboarding   State = "onboarding"    // signed, blocking requirements missing; lapses after 60 days
	Active       State = "active"        // may sell
	Suspended    State = "suspended"     // may not, until restored to what it was before
	Pending      State = "pending"       // an agreement offered and not signed
	InForce      State = "in_force"      // an agreement that binds
	Terminated   State = "terminated"    // an agreement that was in force
)

// States of a listing and its revisions.
const (
	Unlisted   State = "unlisted"   // a listing that was never live
	Live       State = "live"       // customers can order it
	Paused     State = "paused"     // by its merchant
	TakenDown  State = "taken_down" // by an operator
	Draft      State = "draft"      // a revision that can still be edited
	Superseded State = "superseded" // a revision that was live
)

// overseer tells whether the actor finds everybody's records.
func overseer(by platform.Actor) bool {
	return by.Kind == platform.Operator || by.Kind == platform.Auditor || by.Kind == platform.System
}

// sees tells whether the actor may know of an owner's record at all.
func sees(by platform.Actor, owner platform.ID) bool {
	return overseer(by) || by.Kind == platform.Merchant && by.For() == owner
}

// tied refuses a decision by somebody who has a hand in what is decided, in
// person or standing in for another.
func tied(by platform.Actor, introducer platform.ID, hands ...platform.ID) error {
	for _, who := range []platform.ID{by.ID, by.OnBehalf} {
		switch {
		case who == "":
		case slices.Contains(hands, who):
			return errSelf
		case who == introducer:
			return errTie
		}
	}
	return nil
}

// joined adds who to those who had a hand in a record, once.
func joined(hands []platform.ID, by platform.Actor) []platform.ID {
	hands = slices.Clone(hands)
	for _, who := range []platform.ID{by.ID, by.OnBehalf} {
		if who != "" && !slices.Contains(hands, who) {
			hands = append(hands, who)
		}
	}
	return hands
}
