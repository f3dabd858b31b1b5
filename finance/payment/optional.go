package payment

import (
	"context"
	"time"

	"github.com/liangding/platform"
)

// What an institution may offer besides the five methods of [Gateway], found by
// type assertion. Keys tell by their prefix what they are of: att of charges and
// authorisations, cap of captures, voi of voids, rtn of refunds, spl of splits,
// spr of returns of shares, pay of payouts. All of it keeps the promises of Gateway: a call ends within
// its ctx, answers by our key, and may be repeated; the same key with other
// content is ErrRefused; anything but a proof is ErrUnknownOutcome.

// Authorizer is a gateway that holds an amount at the payer and takes it later.
//
// A part that is captured is a charge of its own, under its own key, and refunds
// name that. Once everything was captured or let go, the authorisation ends; one
// that ended without any capture is Declined, with the code expired or voided.
type Authorizer interface {
	// Authorize holds the amount. Done is held; Status.Until tells until when.
	Authorize(ctx context.Context, c Charge) (Status, error)

	// Capture takes what is held or a part of it. It is ErrRefused for more than
	// is held, and once the authorisation ended.
	Capture(ctx context.Context, c Capture) (Status, error)

	// Void lets go of what was not captured. It is ErrRefused once the
	// authorisation ended.
	Void(ctx context.Context, v Void) (Status, error)
}

// Capture is money to be taken out of an authorisation.
type Capture struct {
	Key    Key
	Of     Key // the authorisation
	Amount platform.Money
	Final  bool // lets go of the rest
}

// Void ends an authorisation.
type Void struct {
	Key Key
	Of  Key // the authorisation
}

// Splitter is a gateway where the money of a charge can be handed on to accounts
// of others at the institution. A call that is accepted is Pending: the look-up
// ends it.
type Splitter interface {
	// AddReceiver makes an account one that shares may go to. Adding it again
	// changes nothing.
	AddReceiver(ctx context.Context, r Receiver) error

	// Split hands shares of a charge to receivers. It is ErrRefused for more than
	// the charge has left, for an unknown receiver and after a final split, and
	// ErrNotSplittable for a charge that was not made so.
	Split(ctx context.Context, s Split) (Status, error)

	// ReturnSplit takes back a share or a part of it, so that the charge has it
	// again.
	ReturnSplit(ctx context.Context, r SplitReturn) (Status, error)

	// LookupSplit is how a split stands, and which shares have arrived. One that
	// reached only some of its receivers is Done with less than was asked.
	LookupSplit(ctx context.Context, s Split) (Status, []Share, error)

	// LookupReturn is how the return of a share stands.
	LookupReturn(ctx context.Context, r SplitReturn) (Status, error)
}

// Receiver is an account of somebody else at the institution.
type Receiver struct {
	Account string
	Name    string // of its holder, where the institution compares it
}

// Share is what one account gets of a split.
type Share struct {
	Account string         `json:"account"`
	Amount  platform.Money `json:"amount"`
}

// Split hands on the money of a charge.
type Split struct {
	Key    Key
	Charge Key
	Shares []Share // at least one, unless Final
	Final  bool    // the rest is ours, and no split follows
}

// SplitReturn takes back a share.
type SplitReturn struct {
	Key     Key
	Split   Key
	Account string // of the share
	Amount  platform.Money
}

// Payouter is a gateway that sends money from an account at the institution to
// the bank account that its holder has there. What is accepted is Pending; what
// is Done may still come back from the bank, and is Returned then.
type Payouter interface {
	// Payout is ErrRefused for more than the account has.
	Payout(ctx context.Context, p Payout) (Status, error)

	// LookupPayout is how a payout stands.
	LookupPayout(ctx context.Context, p Payout) (Status, error)
}

// Payout is money to be sent to a bank.
type Payout struct {
	Key     Key
	Account string // whose money and whose bank; empty: our own
	To      string // which of the payees that the institution knows for the account; empty: its holder's bank
	Amount  platform.Money
}

// Disputer is a gateway that tells of payers' disputes and takes the answer. Its
// notices of a dispute name it in Notice.Dispute.
type Disputer interface {
	// Dispute is how a dispute stands. It is ErrRefused for an unknown one.
	Dispute(ctx context.Context, reference string) (Dispute, error)

	// Evidence contests the dispute, once, while it is open.
	Evidence(ctx context.Context, e Evidence) (Dispute, error)

	// Accept gives the dispute up, while it is open.
	Accept(ctx context.Context, reference string) (Dispute, error)
}

// DisputeState is how a dispute stands.
type DisputeState string

// The states of a dispute. The money is gone while it is open or contested.
const (
	DisputeOpen      DisputeState = "open" // evidence may be given until Due
	DisputeContested DisputeState = "contested"
	DisputeWon       DisputeState = "won" // the money came back
	DisputeLost      DisputeState = "lost"
)

// Dispute is a payer's objection to a charge, at the payer's bank.
type Dispute struct {
	Reference string // the institution's own
	Charge    Key
	Amount    platform.Money
	Reason    string // the institution's code, as it came
	State     DisputeState
	Due       time.Time
}

// Evidence is why a charge was right.
type Evidence struct {
	Dispute string // its reference
	Text    string
}

// Statements is a gateway that tells what moved its balance.
type Statements interface {
	// Lines are the movements of our account on a day, oldest first, from cursor
	// on; the first page has an empty cursor, and the last an empty next one. Day
	// is read as a date, in the institution's own zone. It is ErrRetryable while
	// the statement is not made.
	Lines(ctx context.Context, day time.Time, cursor string) (lines []Line, next string, err error)
}

// PartyStatements is a gateway that tells also what moved the balances of the
// accounts that parties have there, see [Onboarder].
type PartyStatements interface {
	// PartyLines is [Statements] of the account of that name.
	PartyLines(ctx context.Context, account string, day time.Time, cursor string) (lines []Line, next string, err error)
}

// LineKind is what kind of movement a line tells of.
type LineKind string

// The kinds of lines.
const (
	LineCharge      LineKind = "charge"
	LineRefund      LineKind = "refund"
	LineSplit       LineKind = "split"
	LineSplitReturn LineKind = "split_return"
	LinePayout      LineKind = "payout"
	LineFee         LineKind = "fee"
	LineChargeback  LineKind = "chargeback"
	LineReversal    LineKind = "reversal"
	LineAdjustment  LineKind = "adjustment" // and anything that the institution calls otherwise
)

// Line is a line of a statement. The balance moved by Net, which is Gross less
// Fee; what comes in is positive.
type Line struct {
	ID        string // the institution's, once in all its statements
	Kind      LineKind
	Key       Key    // ours of the operation, or of the charge that is taken back; empty when there is none or it is not told
	Reference string // the institution's of the operation
	Gross     platform.Money
	Fee       platform.Money
	Net       platform.Money
	At        time.Time
	Batch     string // of a payout that several lines make up
}

// Onboarder is a gateway where merchants get accounts of their own.
type Onboarder interface {
	// Apply asks for an account, once for a key.
	Apply(ctx context.Context, a Application) (Standing, error)

	// Standing is how an account stands. It is ErrRefused for an unknown one.
	Standing(ctx context.Context, account string) (Standing, error)

	// Link is where the account's holder gives what is still asked for; from there
	// it leads back to a page of ours. It is good for some minutes, once.
	Link(ctx context.Context, account, back string) (string, error)
}

// Application asks for the account of a merchant.
type Application struct {
	Key     Key
	Country string // ISO 3166, two letters
	Email   string
}

// Standing is what an account may do, and what it lacks.
type Standing struct {
	Account  string
	Receives bool     // shares may go to it
	PaysOut  bool     // and out of it to the bank
	Needs    []string // what the institution still asks for, in its own words
}
