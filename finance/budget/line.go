package budget

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// LineState tells whether a line is in force.
type LineState string

// The states of a line.
const (
	LineActive LineState = "active"
	LineClosed LineState = "closed"
)

// Line is what a centre may spend on one account in one period. Its money is in
// the books: plan, free, committed and spent, of the line.
type Line struct {
	platform.Head
	Budget    platform.ID    `json:"budget" class:"internal"`
	Centre    string         `json:"centre" class:"internal"`
	Account   string         `json:"account" class:"internal"`
	From      time.Time      `json:"from" class:"internal"`
	Until     time.Time      `json:"until" class:"internal"`
	State     LineState      `json:"state" class:"internal"`
	Plan      platform.Money `json:"plan" class:"internal"`      // of the whole period
	Freed     platform.Money `json:"freed" class:"internal"`     // of it, what the months so far have freed
	Allowance platform.Money `json:"allowance" class:"internal"` // what passes above the plan
	Monthly   bool           `json:"monthly,omitempty" class:"internal"`
	Months    int            `json:"months,omitempty" class:"internal"` // that have freed their part
	Due       time.Time      `json:"due,omitzero" class:"internal"`     // when the next month frees its part
}

// Ref names the line.
func (l Line) Ref() platform.Ref { return platform.Ref{Kind: lineKind, ID: l.ID} }

// lineOf is a new line of a budget, of which nothing is free yet.
func (b Budget) lineOf(p Planned) Line {
	l := Line{
		Head: platform.Head{ID: derived("bgt", b.ID, p.Account)}, Budget: b.ID, Centre: b.Centre, Account: p.Account,
		From: b.From, Until: b.Until, State: LineActive, Plan: p.Amount, Freed: zero(p.Amount), Allowance: zero(p.Amount), Monthly: p.Monthly,
	}
	if p.Monthly {
		l.Due = b.From
	}
	return l
}

// Free is the line as of a moment, and by how much its plan grows in the books:
// the parts of the months that have begun, or the whole plan.
func (l Line) Free(now time.Time) (Line, platform.Money, error) {
	if !l.Monthly {
		more, err := l.Plan.Sub(l.Freed)
		l.Freed = l.Plan
		return l, more, err
	}
	total, begun := months(l.From, l.Until), 0
	for begun < total && !now.Before(l.From.AddDate(0, begun, 0)) {
		begun++
	}
	more, err := l.Plan.Sub(l.Freed)
	if err != nil || begun <= l.Months {
		return l, zero(l.Plan), err
	}
	parts, err := more.Allocate(int64(begun-l.Months), int64(total-begun))
	if err != nil {
		return Line{}, platform.Money{}, err
	}
	if l.Freed, err = l.Freed.Add(parts[0]); err != nil {
		return Line{}, platform.Money{}, err
	}
	l.Months, l.Due = begun, time.Time{}
	if begun < total {
		l.Due = l.From.AddDate(0, begun, 0)
	}
	return l, parts[0], nil
}

// replan is the line under another edition, and by how much its plan grows in
// the books: less than nothing where it shrinks. What months have freed keeps its
// share of the plan.
func (l Line) replan(p Planned, now time.Time) (Line, platform.Money, error) {
	before, err := l.Freed.Add(l.Allowance)
	if err != nil {
		return Line{}, platform.Money{}, err
	}
	l.Plan, l.Monthly, l.Allowance, l.Freed, l.Months, l.Due = p.Amount, p.Monthly, p.allowance(), zero(p.Amount), 0, time.Time{}
	l, _, err = l.Free(now)
	if err != nil {
		return Line{}, platform.Money{}, err
	}
	after, err := l.Freed.Add(l.Allowance)
	if err != nil {
		return Line{}, platform.Money{}, err
	}
	more, err := after.Sub(before)
	return l, more, err
}

// shift is the line with more in its plan, or less.
func (l Line) shift(by platform.Money) (Line, error) {
	var err error
	if l.Plan, err = l.Plan.Add(by); err != nil {
		return Line{}, fmt.Errorf("line %s: %w", l.ID, err)
	}
	if l.Freed, err = l.Freed.Add(by); err != nil {
		return Line{}, fmt.Errorf("line %s: %w", l.ID, err)
	}
	return l, nil
}

// open refuses a line that is not in force.
func (l Line) open() error {
	if l.State != LineActive {
		return fmt.Errorf("line %s: %w", l.ID, ErrClosed)
	}
	return nil
}

// Balance is what is on a line. Plan is Free, Committed and Spent together.
type Balance struct {
	Plan      platform.Money `json:"plan" class:"internal"`      // so far
	Free      platform.Money `json:"free" class:"internal"`      // below zero above the plan
	Committed platform.Money `json:"committed" class:"internal"` // promised
	Spent     platform.Money `json:"spent" class:"internal"`
}

// counters are where the books keep a line: what is free, committed and spent,
// and its plan.
func (l Line) counters() []platform.Ref {
	currency := l.Plan.Currency().String()
	return []platform.Ref{
		platform.Counter("available:free:"+string(l.ID), currency), platform.Counter("available:committed:"+string(l.ID), currency),
		platform.Counter("posted:spent:"+string(l.ID), currency), platform.Counter("posted:plan:"+string(l.ID), currency),
	}
}

// balance reads the counters of a line. What passes above the plan is no part of
// it, and shows as free below zero.
func (l Line) balance(counts []platform.Count) (b Balance, err error) {
	for i, to := range []*platform.Money{&b.Free, &b.Committed, &b.Spent, &b.Plan} {
		value := counts[i].Value
		switch to {
		case &b.Spent:
			value = -value
		case &b.Free, &b.Plan:
			value -= l.Allowance.Minor()
		}
		if *to, err = platform.FromMinor(value, l.Plan.Currency()); err != nil {
			return Balance{}, fmt.Errorf("balance of %s: %w", l.ID, err)
		}
	}
	return b, nil
}

// month is the counter of what is spent on a line in a month.
func (l Line) month(at time.Time) platform.Ref {
	return platform.Counter("budget.spent:"+string(l.ID)+":"+at.UTC().Format("2006-01"), l.Plan.Currency().String())
}

// derived is the id of a record that there is once for each owner and name.
func derived(prefix string, owner platform.ID, name string) platform.ID {
	sum := sha256.Sum256([]byte(prefix + "\x00" + string(owner) + "\x00" + name))
	return platform.NewID(prefix, owner.Time(), owner.Slot(), binary.BigEndian.Uint64(sum[:8]))
}
