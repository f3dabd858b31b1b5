package payment

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Gateway is an institution that moves money. Adapters implement it; only
// [Service] calls it, never inside a decision, and an adapter panics when
// [platform.Deciding] says so. It may be used by several goroutines at once.
//
// Charge, Lookup and Refund end within their ctx, answer for an operation by
// its key, and may be repeated: the same key with the same content is one
// operation, with other content ErrRefused. They fail with ErrDeclined,
// ErrRefused, ErrRetryable or ErrUnknownOutcome, and may hand out a Status
// beside the error.
type Gateway interface {
	// Info is what the institution is and may do. It makes no call.
	Info() Info

	// Charge takes money from the payer. It may be captured at once, wait for
	// the payer (NeedsAction) or for the institution (Pending).
	Charge(ctx context.Context, c Charge) (Status, error)

	// Lookup is how the operation with the key stands; Absent when the
	// institution knows none.
	Lookup(ctx context.Context, k Key) (Status, error)

	// Refund gives back a charge or a part of it.
	Refund(ctx context.Context, r Refund) (Status, error)

	// Notices verifies the exact bytes that came, and only then reads them. It
	// fails with ErrNoticeSignature, ErrNoticeStale, ErrNoticeReplayed,
	// ErrNoticeAccount or ErrNoticeForm.
	Notices(ctx context.Context, header map[string][]string, raw []byte) ([]Notice, error)
}

// Info says what an institution is.
type Info struct {
	Institution string  // its name, for ever the same; the party of its clearing account: 1 to 64 of a-z, 0-9, _ - and .
	Licence     Licence // under which it moves money
	Limits      []Limit // the currencies taken; if empty, any amount of any
	Final       bool    // an operation that Lookup does not find two minutes after its time will never appear
	Demo        bool    // moves no real money

	// Owner is the party whose account takes the charges, where the platform only
	// acts for it; empty: they come to the platform's own. Such an institution gets
	// the payments that name it, and no others.
	Owner platform.ID

	RefundFirst bool // where it is a [Splitter]: refunds are out of all that it holds for us, and shares are taken back after them; if false before
}

// named tells whether an account can bear the institution's name.
func (i Info) named() bool {
	return i.Institution != "" && len(i.Institution) <= 64 && strings.Trim(i.Institution, "abcdefghijklmnopqrstuvwxyz0123456789_-.") == ""
}

// Licence is an institution's permission, as last checked.
type Licence struct {
	Holder     string
	Number     string
	ValidUntil time.Time // exclusive
	CheckedAt  time.Time
}

// checkedFor is how long the check of a licence holds.
const checkedFor = 90 * 24 * time.Hour

// Limit is the smallest and the largest amount of a currency that is taken.
type Limit struct{ Least, Most platform.Money }

// Admits returns nil when the institution may be sent a new charge of the
// amount: its licence is valid and was checked within 90 days (else
// ErrUnlicensed), and the amount is within its limits (else ErrNoChannel). What
// was charged before may always be looked up and given back.
func (i Info) Admits(amount platform.Money, at time.Time) error {
	if err := i.licensed(at); err != nil {
		return err
	}
	return i.within(amount)
}

// licensed tells whether the licence is valid and was checked lately.
func (i Info) licensed(at time.Time) error {
	if !at.Before(i.Licence.ValidUntil) || at.Sub(i.Licence.CheckedAt) > checkedFor {
		return fmt.Errorf("charge at %s: %w", i.Institution, ErrUnlicensed)
	}
	return nil
}

// within tells whether the institution takes such an amount.
func (i Info) within(amount platform.Money) error {
	if len(i.Limits) == 0 {
		return nil
	}
	for _, l := range i.Limits {
		least, err := amount.Cmp(l.Least)
		if err != nil {
			continue // another currency
		}
		if most, err := amount.Cmp(l.Most); err == nil && least >= 0 && most <= 0 {
			return nil
		}
	}
	return fmt.Errorf("charge %s at %s: %w", amount, i.Institution, ErrNoChannel)
}

// Key names an operation at an institution: the id of an attempt, a return or a
// sharing; of one that failed for certain before, the id, a dot, and how
// many of its operations are over.
type Key string

// Record is the id of the record that the operation belongs to.
func (k Key) Record() platform.ID {
	id, _, _ := strings.Cut(string(k), ".")
	return platform.ID(id)
}

// about names the same record.
func (k Key) about() platform.Ref {
	switch id := k.Record(); id.Prefix() {
	case "rtn":
		return platform.Ref{Kind: "payment.return", ID: id}
	case "spl", "spr":
		return sharingRef(id.As("spl"))
	case "cap", "voi":
		return platform.Ref{Kind: "payment.attempt", ID: id.As("att")}
	}
	return platform.Ref{Kind: "payment.attempt", ID: k.Record()}
}

// Charge is money to be taken from a payer.
type Charge struct {
	Key     Key
	Subject platform.Ref // what it is for
	Amount  platform.Money
	Method  string // the institution's token; never a card number
}

// Refund is money to be given back.
type Refund struct {
	Key       Key
	Charge    Key    // of the charge; empty when it had none of ours
	Reference string // the institution's own of the charge, if known
	Amount    platform.Money
}

// Outcome is how an operation stands at an institution.
type Outcome string

// The outcomes. Done, Declined and NeedsAction are news; Returned follows upon
// Done; the others tell only that it is too early to know.
const (
	Absent      Outcome = "absent"       // not known there
	Pending     Outcome = "pending"      // known, and not decided
	NeedsAction Outcome = "needs_action" // waits for the payer, see Status.Action
	Done        Outcome = "done"         // the money was moved
	Declined    Outcome = "declined"     // it was not and will not be
	Returned    Outcome = "returned"     // it was, and came back: a payout from the bank, or a charge that the institution took back
)

// Status is what an institution says about an operation.
type Status struct {
	Key       Key
	Outcome   Outcome
	Amount    platform.Money // moved, or to be moved
	Reference string         // the institution's own name of it
	Action    string         // NeedsAction: where the payer goes on; never empty then
	Until     time.Time      // NeedsAction: how long the payer has; if zero, Options.Act. Of an authorisation: how long it holds
	Code      string         // the institution's own reason, as it came
}

// Notice is what an institution tells by itself. It is a hint: the service asks
// back before it moves anything.
type Notice struct {
	ID      string // the institution's; a repeat has the same
	At      time.Time
	Status  Status
	Dispute string // tells of this dispute of the charge; Status is Pending then
}

// told reads the answer to a call. An absence is certain when the institution
// proved that nothing happened.
func told(st Status, err error) (_ Status, certain bool) {
	switch {
	case err == nil:
		return st, false
	case errors.Is(err, ErrDeclined), errors.Is(err, ErrRefused):
		st.Outcome = Declined
		if st.Code == "" {
			st.Code = platform.Code(err)
		}
		return st, false
	case errors.Is(err, ErrRetryable):
		return Status{Key: st.Key, Outcome: Absent, Code: platform.Code(ErrUnavailable)}, true
	}
	return Status{Key: st.Key, Outcome: Pending, Code: platform.Code(ErrUnknownOutcome)}, false
}
