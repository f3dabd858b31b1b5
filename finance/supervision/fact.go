package supervision

import (
	"context"
	"time"

	"github.com/liangding/platform"
)

// Window is a span of time: From included, Until not.
type Window struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// Source hands out facts of one sort.
type Source[F any] interface {
	// Facts is a page of the facts of a window, in any order. What stands, as
	// opposed to happens, is as it is now.
	Facts(ctx context.Context, w Window, cursor string) (platform.Page[F], error)
}

// Item is money that somebody asked for, approved and paid: a payout, a claim, a
// refund, a compensation, a write-off, a journal by hand.
type Item struct {
	Ref        platform.Ref
	What       string         // payout, claim, refund, compensation, write_off, journal
	Party      platform.ID    // who gets it
	Amount     platform.Money // above zero
	At         time.Time      // when it was recorded
	Effective  time.Time      // when it holds; if zero, At
	References []string       // digests of vouchers, numbers of invoices
	Hands      []Hand
	Limit      platform.Money // above which more hands are needed; absent if none
	Print      string         // of the bank account that it went to
	Changed    time.Time      // since when that account is so
	Manual     bool           // written by hand
	Barred     string         // frozen, closed or dormant, if its party's account was
	Last       time.Time      // when its party's account had moved before; if zero, nobody knows
}

// What somebody did on an item.
const (
	Asked      = "asked"
	Approved   = "approved"
	Paid       = "paid"
	Reconciled = "reconciled"
)

// Hand is a person's part in an item.
type Hand struct {
	As   string
	By   platform.ID
	Line platform.ID // to whom the person reports; empty if nobody knows
}

// Waiting is what should not stand for long: a hold, money on suspense or not
// applied, an unknown outcome, an advance, an account that was not reconciled, a
// statement that is missing.
type Waiting struct {
	Ref    platform.Ref
	What   string // hold, suspense, unapplied, unknown, advance, clearing, bank, statement
	Object string // the account or party
	Amount platform.Money
	Since  time.Time
}

// Pair is what should be there for something, and what is.
type Pair struct {
	Ref      platform.Ref
	What     string // sale, order, fee, invoice
	Party    platform.ID
	At       time.Time
	Expected platform.Money
	Found    platform.Money
}

// Payee is where a party's money goes.
type Payee struct {
	Ref     platform.Ref
	Party   platform.ID
	Print   string // equal for equal accounts
	Changed time.Time
}

// Line is what was planned for a purpose and spent on it, up to the window's end.
type Line struct {
	Ref    platform.Ref
	Name   string
	Plan   platform.Money // until then
	Spent  platform.Money // until then
	Month  platform.Money // spent in the window
	Before platform.Money // spent in the window before
	Late   platform.Money // spent in the window, after the line's period
	Warned bool           // beyond its warning
}

// Price is what one thing cost at one seller.
type Price struct {
	Ref    platform.Ref
	Item   string
	Seller string // a name that reveals nobody: a blind index, an institution
	Amount platform.Money
	At     time.Time
}

// Facts are those of a window that a control looks at.
type Facts struct {
	Items   []Item
	Waiting []Waiting
	Pairs   []Pair
	Payees  []Payee
	Lines   []Line
	Prices  []Price
}
