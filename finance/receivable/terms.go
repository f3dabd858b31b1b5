package receivable

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Terms are what debtors agreed to and how they are dunned. Without a Ladder they
// are those of [Standard], in the Zone and by the Calendar given.
type Terms struct {
	Days     int             // from the day of a claim until it is due
	Ladder   []Level         // the levels of dunning, the mildest first
	Interest decimal.Decimal // a year, simple, by days of 365; asked from level InterestFrom on
	From     int             // the level from which interest runs
	Tax      decimal.Decimal // inside fees and interest: 0.06 is 6 %

	Small      []platform.Money // the largest rest that is written off by itself, in each currency; none in others
	SmallMonth []platform.Money // most of it in a month

	Broken int // promises that may be broken before none is taken
	Grace  int // business days that a promised part may be late

	Wait    int              // days overdue before a claim may be written off without proof
	Manager []platform.Money // most that a manager may approve; above, and in other currencies, a director

	Rates      [6]decimal.Decimal // of expected loss in each [Bucket], until others are published
	Portfolios []string           // prefixes of parties that have an allowance of their own; all others share "other"

	Zone     *time.Location    // in which days are meant; if nil, UTC
	Calendar platform.Calendar // business days and hours: debtors are dunned in them. The zero one is always open
}

// Level is a step of the ladder. Money limits have an amount for each currency.
type Level struct {
	Name      string           // reminder, letter …
	Days      int              // overdue
	Minimum   []platform.Money // less is not dunned at this level; without one for its currency, everything is
	Fee       decimal.Decimal  // of what is owed, asked in addition
	FeeMost   []platform.Money // most of it; without one for its currency, no fee is asked
	SetOff    bool             // covers the claim from what the platform owes the debtor
	Deposit   bool             // and from the debtor's deposit
	Restrict  []string         // capabilities that end until the claim is paid
	Tasks     []string         // what people have to do
	Allowance decimal.Decimal  // at least so much of it is expected to be lost
}

// Roles of the operators who approve write-offs. A director may what a manager may.
const (
	Manager  = "manager"
	Director = "director"
)

// Standard are the terms of the policy: six levels at 3, 10, 20, 30, 60 and 90
// days, a fee of 1 % at the second, 50 yuan at most.
func Standard() Terms {
	cny := func(amount string) []platform.Money { return []platform.Money{platform.MustMoney(amount, "CNY")} }
	percent := func(n int64) decimal.Decimal { return decimal.New(n, -2) }
	worth := cny("10.00")
	return Terms{
		Days: 30, Interest: percent(5), From: 2, Tax: percent(6),
		Ladder: []Level{
			{Name: "reminder", Days: 3},
			{Name: "letter", Days: 10, Minimum: worth, Fee: percent(1), FeeMost: cny("50.00"), SetOff: true},
			{Name: "listing_stop", Days: 20, Minimum: worth, SetOff: true, Restrict: []string{"advertise", "list"}},
			{Name: "payout_stop", Days: 30, Minimum: worth, SetOff: true, Deposit: true, Restrict: []string{"payout"}, Tasks: []string{"call"}},
			{Name: "sanction", Days: 60, Minimum: worth, SetOff: true, Deposit: true, Tasks: []string{"sanction", "agency"}},
			{Name: "legal", Days: 90, Minimum: worth, SetOff: true, Deposit: true, Tasks: []string{"legal", "write_off"}, Allowance: percent(100)},
		},
		Small: cny("1.00"), SmallMonth: cny("1000.00"),
		Broken: 2, Grace: 2, Wait: 90, Manager: cny("10000.00"),
		Rates:      [6]decimal.Decimal{percent(1), percent(5), percent(20), percent(50), percent(80), percent(100)},
		Portfolios: []string{"mer", "cus"}, Zone: time.UTC,
	}
}

// ready is the standard for terms that say nothing.
func (t Terms) ready() Terms {
	zone, calendar := t.Zone, t.Calendar
	if len(t.Ladder) == 0 {
		t = Standard()
		t.Calendar = calendar
	}
	if t.Zone = zone; zone == nil {
		t.Zone = time.UTC
	}
	return t
}

// fault is what is wrong with terms; empty if nothing is.
func (t Terms) fault() string {
	last := 0
	for _, l := range t.Ladder {
		if l.Days <= last || l.Fee.IsNegative() || !isShare(l.Allowance) {
			return "level " + l.Name + " must come later than the one before, and ask and expect no less than nothing"
		}
		last = l.Days
	}
	for _, r := range t.Rates {
		if !isShare(r) {
			return "a rate of expected loss lies between 0 and 1"
		}
	}
	if t.Interest.IsNegative() || t.Tax.IsNegative() || t.Days < 0 || t.Grace < 0 || t.Broken < 0 || t.Wait < 0 {
		return "none may be below zero"
	}
	return ""
}

// level is the n-th level of the ladder, 1 the first.
func (t Terms) level(n int) (Level, bool) {
	if n < 1 || n > len(t.Ladder) {
		return Level{}, false
	}
	return t.Ladder[n-1], true
}

// portfolio is whose allowance stands for claims on a party.
func (t Terms) portfolio(party platform.ID) string {
	for _, p := range t.Portfolios {
		if p == party.Prefix() {
			return p
		}
	}
	return "other"
}

// most is the limit of a currency among limits.
func most(limits []platform.Money, c platform.Currency) (platform.Money, bool) {
	for _, m := range limits {
		if m.Currency() == c {
			return m, true
		}
	}
	return platform.Money{}, false
}

// day is the midnight that begins the day of a moment, n days on.
func (t Terms) day(at time.Time, n int) time.Time {
	y, m, d := at.In(t.Zone).Date()
	return time.Date(y, m, d+n, 0, 0, 0, 0, t.Zone).UTC()
}

// opening is when the office opens, n days after a moment or next.
func (t Terms) opening(at time.Time, n int) time.Time { return t.Calendar.Add(t.day(at, n), 0).UTC() }

// days is how many midnights lie between two moments.
func (t Terms) days(from, to time.Time) int {
	a, b := from.In(t.Zone), to.In(t.Zone)
	begin := time.Date(a.Year(), a.Month(), a.Day(), 0, 0, 0, 0, time.UTC)
	end := time.Date(b.Year(), b.Month(), b.Day(), 0, 0, 0, 0, time.UTC)
	return int(end.Sub(begin) / (24 * time.Hour))
}
