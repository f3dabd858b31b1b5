package dispute

import (
	"slices"

	"github.com/liangding/platform"
)

// State is how far a dispute has come.
type State string

// The states of a dispute. Closed and Withdrawn are ends.
const (
	MerchantTurn State = "merchant_turn" // the merchant answers until Deadline
	CustomerTurn State = "customer_turn"
	Arbitration  State = "arbitration" // evidence is closed; an arbiter decides
	Decided      State = "decided"     // may be appealed until Deadline
	Appealed     State = "appealed"    // another arbiter decides, for good
	Settled      State = "settled"     // the parties agreed
	Executing    State = "executing"   // the refund is on its way
	Closed       State = "closed"
	Withdrawn    State = "withdrawn"

	// PlatformTurn and BankTurn are of a chargeback, seen as a dispute; see [Banks].
	PlatformTurn State = "platform_turn" // the platform answers the bank
	BankTurn     State = "bank_turn"     // the payer's bank decides
)

// Ended tells whether the dispute holds nothing any more.
func (s State) Ended() bool { return s == Closed || s == Withdrawn }

// Moves is the transition table of a dispute: what is not in it cannot happen.
var Moves = table()

func table() platform.Moves[State] {
	const c, m, o, y = platform.Customer, platform.Merchant, platform.Operator, platform.System
	type from = []State
	type by = []platform.ActorKind
	return platform.Moves[State]{
		{Verb: "open", From: from{""}, To: MerchantTurn, By: by{c}, Refusal: errOpened},
		{Verb: "open", From: from{""}, To: CustomerTurn, By: by{m}, Refusal: errOpened},
		{Verb: "file", From: from{MerchantTurn, CustomerTurn}, By: by{c, m}, Refusal: errNotFileable},
		{Verb: "answer", From: from{MerchantTurn}, To: CustomerTurn, By: by{m}, Refusal: errNotAnswerable},
		{Verb: "answer", From: from{CustomerTurn}, To: MerchantTurn, By: by{c}, Refusal: errNotAnswerable},
		{Verb: "concede", From: from{MerchantTurn}, To: Decided, By: by{m}, Refusal: errNotAnswerable},
		{Verb: "concede", From: from{CustomerTurn}, To: Decided, By: by{c}, Refusal: errNotAnswerable},
		{Verb: "grant", From: from{MerchantTurn}, To: Decided, By: by{y}, Refusal: errStale}, // the merchant's silence
		{Verb: "pass", From: from{CustomerTurn}, To: MerchantTurn, By: by{y}, Refusal: errStale},
		{Verb: "settle", From: from{MerchantTurn}, To: Settled, By: by{m}, Refusal: errNotSettleable},
		{Verb: "settle", From: from{CustomerTurn}, To: Settled, By: by{c}, Refusal: errNotSettleable},
		{Verb: "escalate", From: from{MerchantTurn, CustomerTurn}, To: Arbitration, By: by{c, m, y}, Refusal: errNotEscalatable},
		{Verb: "propose", From: from{Arbitration, Appealed}, By: by{o}, Refusal: errNotDecidable},
		{Verb: "decide", From: from{Arbitration, Appealed}, To: Decided, By: by{o}, Refusal: errNotDecidable},
		{Verb: "appeal", From: from{Decided}, To: Appealed, By: by{c, m}, Refusal: errNotAppealable},
		{Verb: "waive", From: from{Decided}, By: by{c, m}, Refusal: errNotAppealable},
		{Verb: "execute", From: from{Decided, Settled}, To: Executing, By: by{y}, Refusal: errNotExecutable},
		{Verb: "close", From: from{Executing}, To: Closed, By: by{y}, Refusal: errNotExecutable},
		{Verb: "withdraw", From: from{MerchantTurn, CustomerTurn, Arbitration}, To: Withdrawn, By: by{c, m}, Refusal: errNotWithdrawn},
	}
}

// turns are the states in which the parties speak.
func (s State) turns() bool { return s == MerchantTurn || s == CustomerTurn }

// waits tells whether an arbiter has to decide.
func (s State) waits() bool { return slices.Contains([]State{Arbitration, Appealed}, s) }
