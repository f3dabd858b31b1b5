package insight

import (
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Sort is what a measure makes of its observations, and thus how its interval is
// found.
type Sort string

// The sorts of measures.
const (
	Count  Sort = "count"  // how many; no interval
	Amount Sort = "amount" // how much, of one currency; no interval
	Rate   Sort = "rate"   // one of all; Wilson's interval
	Ratio  Sort = "ratio"  // one amount of another; bootstrap
	Median Sort = "median" // bootstrap
	P90    Sort = "p90"    // the 90th percentile; bootstrap
)

// Definition is what a measure means. Its version rises when the meaning changes.
type Definition struct {
	Name        string `json:"name"`
	Version     int    `json:"version"`
	Sort        Sort   `json:"sort"`
	By          Anchor `json:"window"`             // the moment by which a window holds an order
	Cells       string `json:"cells,omitempty"`    // what it has cells of
	Disjoint    bool   `json:"disjoint,omitempty"` // an order is in one cell only, so that the cells add up
	Numerator   Text   `json:"numerator"`
	Denominator Text   `json:"denominator"`

	keys []string // the cells that are there even when empty
	of   func(Journey, Terms) []sample
}

// Text is a sentence in the languages of the platform.
type Text struct {
	EN string `json:"en"`
	ZH string `json:"zh"`
}

// sample is what one order says to a measure: an observation of a rate, the two
// sides of a ratio, or a value as its numerator.
type sample struct {
	key, unit   string
	over, under int64
}

// Definitions are all measures of [Service.Report], in its order. Those of
// customers over time are of [Service.Retention] and [Service.Value].
func Definitions() []Definition { return slices.Clone(definitions) }

func definition(name string) (Definition, bool) {
	at := slices.IndexFunc(definitions, func(d Definition) bool { return d.Name == name })
	if at < 0 {
		return Definition{}, false
	}
	return definitions[at], true
}

// faults are whose doing a cancellation, or somebody's not coming, may be; what
// nobody said is "unknown".
var faults = []string{"customer", "merchant", "staff", "platform", "force_majeure", "unknown"}

func faultOf(text string) string {
	if slices.Contains(faults, text) {
		return text
	}
	return "unknown"
}

func one(holds bool) int64 {
	if holds {
		return 1
	}
	return 0
}

// rate is an observation of a rate, unless it does not count.
func rate(counts, holds bool) []sample {
	if !counts {
		return nil
	}
	return []sample{{over: one(holds), under: 1}}
}

// byFault is an observation for each fault.
func byFault(of string, holds bool) (all []sample) {
	for _, f := range faults {
		all = append(all, sample{key: f, over: one(holds && faultOf(of) == f), under: 1})
	}
	return all
}

func amount(m platform.Money) []sample {
	if m.Absent() {
		return nil
	}
	return []sample{{unit: m.Currency().String(), over: m.Minor(), under: 1}}
}

// lasted is the time between two moments in seconds; nothing when one is missing.
func lasted(from, until time.Time) []sample {
	if from.IsZero() || until.Before(from) {
		return nil
	}
	return []sample{{unit: "s", over: int64(until.Sub(from) / time.Second), under: 1}}
}

// back is what refunds that were paid took of the sale within a time, and of it
// what the platform gave.
func (j Journey) back(within time.Duration) (amount, fee int64) {
	for _, r := range j.Refunds {
		if r.Paid.IsZero() || r.Paid.Before(j.Completed) || !r.Paid.Before(j.Completed.Add(within)) || r.Amount.Currency() != j.Sold.Currency() {
			continue
		}
		amount, fee = amount+r.Amount.Minor(), fee+r.Fee.Minor()
	}
	return amount, fee
}

// refunded tells whether money was paid back after completion, and whether by
// anybody's fault but the customer's.
func (j Journey) refunded() (paid, forFault bool) {
	for _, r := range j.Refunds {
		if !r.Paid.IsZero() && !r.Paid.Before(j.Completed) {
			paid, forFault = true, forFault || r.Fault != "customer"
		}
	}
	return paid, forFault
}

// excused tells whether the work began late by nobody's fault that answers for it.
func (j Journey) excused() bool {
	return slices.ContainsFunc(j.Lost, func(l Loss) bool {
		return !l.At.After(j.Started) && (l.Fault == "customer" || l.Fault == "force_majeure")
	})
}

// absent tells whether somebody did not come: "staff" or "customer".
func (j Journey) absent(who string) bool {
	return slices.ContainsFunc(j.Lost, func(l Loss) bool { return l.What == "assignment."+who+"_no_show" })
}

// accepted are the seats that somebody took, and how long each took from its
// first offer.
func (j Journey) accepted() (n int64, after []sample) {
	for no := 1; no <= j.Seats; no++ {
		s := j.Filled[no]
		if s.Accepted.IsZero() {
			continue
		}
		n++
		after = append(after, lasted(s.Offered, s.Accepted)...)
	}
	return n, after
}

// within tells whether a moment came within a time of the order's being placed.
func (j Journey) within(at time.Time, of time.Duration) bool {
	return !at.IsZero() && at.Before(j.Placed.Add(of))
}

// cut parts the name of a measure from that of a cell.
func cut(name string) (measure, cell string) {
	measure, cell, _ = strings.Cut(name, "/")
	return measure, cell
}
