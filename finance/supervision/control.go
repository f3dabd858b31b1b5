package supervision

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Severity says how soon a finding must be put right.
type Severity string

// The severities: 90, 30 and 7 days.
const (
	Low    Severity = "low"
	Medium Severity = "medium"
	High   Severity = "high"
)

// worse is the next severity up.
func (s Severity) worse() Severity {
	if s == Low {
		return Medium
	}
	return High
}

// Every says how often a control runs.
type Every string

// Controls run by day or by month.
const (
	Daily   Every = "day"
	Monthly Every = "month"
)

// Params are the measures of the controls. Amounts are in whole units of any
// currency, shares in percent.
type Params struct {
	Duplicate  time.Duration `json:"duplicate"`  // C1: payments of one amount to one party within it; if zero, 3 days
	Split      time.Duration `json:"split"`      // C3: amounts that together exceed a limit within it; if zero, 7 days
	Near       int64         `json:"near"`       // C3: above so many percent of a limit is suspiciously near; if zero, 95
	Backdated  time.Duration `json:"backdated"`  // C4: if zero, 3 days
	Round      int64         `json:"round"`      // C4: multiples of it, by hand, are round; if zero, 1,000
	Digits     int           `json:"digits"`     // C4: items that a digit test needs; if zero, 500
	Cooling    time.Duration `json:"cooling"`    // C7: a bank account that changed so shortly before a payout; if zero, 7 days
	Hold       time.Duration `json:"hold"`       // C5: if zero, 7 days
	Suspense   time.Duration `json:"suspense"`   // C5: if zero, 1 day
	Unapplied  time.Duration `json:"unapplied"`  // C5: if zero, 10 days
	Unknown    time.Duration `json:"unknown"`    // C5: if zero, 24 hours
	Advance    time.Duration `json:"advance"`    // C5: if zero, 30 days
	Reconciled time.Duration `json:"reconciled"` // C6: if zero, 1 day
	Dormant    time.Duration `json:"dormant"`    // C9: an account that had not moved for longer; if zero, 365 days
	Variance   int64         `json:"variance"`   // C10: percent of the plan; if zero, 10
	Least      int64         `json:"least"`      // C10, C11: differences that small are none; if zero, 5,000
	Share      int64         `json:"share"`      // C11: percent of all spending on one line; if zero, 50
	Trend      int64         `json:"trend"`      // C11: percent more than the month before; if zero, 50
	Dearer     int64         `json:"dearer"`     // C11: percent above the median price; if zero, 20
	Times      int64         `json:"times"`      // C12: so many times the median share; if zero, 3

	Zone     *time.Location    `json:"-"`
	Calendar platform.Calendar `json:"-"`
}

func (p Params) ready() Params {
	const day = 24 * time.Hour
	or := func(d *time.Duration, standard time.Duration) { *d = cmp.Or(*d, standard) }
	or(&p.Duplicate, 3*day)
	or(&p.Split, 7*day)
	or(&p.Backdated, 3*day)
	or(&p.Cooling, 7*day)
	or(&p.Hold, 7*day)
	or(&p.Suspense, day)
	or(&p.Unapplied, 10*day)
	or(&p.Unknown, day)
	or(&p.Advance, 30*day)
	or(&p.Reconciled, day)
	or(&p.Dormant, 365*day)
	for _, n := range []struct {
		of       *int64
		standard int64
	}{{&p.Near, 95}, {&p.Round, 1000}, {&p.Variance, 10}, {&p.Least, 5000}, {&p.Share, 50}, {&p.Trend, 50}, {&p.Dearer, 20}, {&p.Times, 3}} {
		*n.of = cmp.Or(*n.of, n.standard)
	}
	p.Digits = cmp.Or(p.Digits, 500)
	p.Zone = cmp.Or(p.Zone, time.UTC)
	return p
}

// Hit is one thing that a control has found.
type Hit struct {
	Code     string         // what is wrong, in a word
	Object   string         // whom or what it is about: hits on one object are one finding
	Refs     []platform.Ref // where to look
	Amount   platform.Money // absent if none
	Proposal string         // what to do about it, a code
}

// key tells hits apart: the same is the same at the next run.
func (h Hit) key() string {
	refs := make([]string, len(h.Refs))
	for i, r := range h.Refs {
		refs[i] = r.String()
	}
	slices.Sort(refs)
	sum := sha256.Sum256([]byte(h.Code + "\x00" + h.Object + "\x00" + strings.Join(refs, "\x00")))
	return hex.EncodeToString(sum[:])
}

// Control is a question that is asked of the books again and again.
type Control struct {
	Code     string
	Version  int // moves whenever Check answers otherwise than before
	Every    Every
	Severity Severity
	Stands   bool          // what it finds stays until it is put right, rather than having happened
	Back     time.Duration // how long before the window its facts begin

	reads []reading
	check func(Facts, Params, Window) []Hit
}

// Find answers the control's question. It is pure: the same facts give the same
// hits, in the same order.
func (c Control) Find(f Facts, p Params, w Window) []Hit {
	hits := c.check(f, p.ready(), w)
	slices.SortStableFunc(hits, func(a, b Hit) int { return cmp.Compare(a.key(), b.key()) })
	return slices.CompactFunc(hits, func(a, b Hit) bool { return a.key() == b.key() })
}

// Controls are the controls of the platform.
func Controls() []Control {
	const week = 7 * 24 * time.Hour
	items, waiting := []reading{readItems}, []reading{readWaiting}
	return []Control{
		{Code: "C1", Version: 1, Every: Daily, Severity: High, Back: week, reads: items, check: duplicates},
		{Code: "C2", Version: 1, Every: Daily, Severity: High, reads: items, check: segregation},
		{Code: "C3", Version: 1, Every: Daily, Severity: Medium, Back: week, reads: items, check: splits},
		{Code: "C4", Version: 1, Every: Daily, Severity: Low, Back: 4 * week, reads: items, check: unusual},
		{Code: "C5", Version: 1, Every: Daily, Severity: Medium, Stands: true, reads: waiting, check: stale},
		{Code: "C6", Version: 1, Every: Daily, Severity: High, Stands: true, reads: waiting, check: unreconciled},
		{Code: "C7", Version: 1, Every: Daily, Severity: High, reads: []reading{readItems, readPayees}, check: accounts},
		{Code: "C8", Version: 1, Every: Daily, Severity: High, Stands: true, reads: []reading{readPairs}, check: incomplete},
		{Code: "C9", Version: 2, Every: Daily, Severity: High, reads: items, check: barred},
		{Code: "C10", Version: 1, Every: Monthly, Severity: Medium, reads: []reading{readLines}, check: budgets},
		{Code: "C11", Version: 1, Every: Monthly, Severity: Low, reads: []reading{readLines, readPrices}, check: structure},
		{Code: "C12", Version: 1, Every: Monthly, Severity: Medium, reads: items, check: concentration},
	}
}

// control is one of them.
func control(code string) (Control, bool) {
	all := Controls()
	i := slices.IndexFunc(all, func(c Control) bool { return c.Code == code })
	if i < 0 {
		return Control{}, false
	}
	return all[i], true
}

// whole is n units of a currency, in minor ones; as many as there can be when
// that is too much.
func whole(n int64, c platform.Currency) int64 {
	for range c.Exponent() {
		if n > 1<<62/10 {
			return 1<<63 - 1
		}
		n *= 10
	}
	return n
}

// sum adds amounts of the currency of the first.
func sum(amounts ...platform.Money) platform.Money {
	if len(amounts) == 0 {
		return platform.Money{}
	}
	total := amounts[0]
	for _, a := range amounts[1:] {
		if next, err := total.Add(a); err == nil { // a sum that is too large stays at what it was
			total = next
		}
	}
	return total
}
