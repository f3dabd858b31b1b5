package finance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// PeriodState is how far a month is closed.
type PeriodState string

// The states of a month. A soft-closed one takes what accountants book with a
// reason, and facts of the period's end; a hard-closed one takes nothing.
const (
	PeriodOpen       PeriodState = "open"
	PeriodSoftClosed PeriodState = "soft_closed"
	PeriodHardClosed PeriodState = "hard_closed"
)

// Periods is how far the books are closed, month by month: the fence that
// postings check. There is one in a book; the first [Service.Tick] makes it, and
// until then nothing can be closed.
//
// What is booked in the month in which it happened needs no fence, since no month
// is closed before it has been over for a day. Every other posting is decided against the fence that it read, and
// its commit demands that it is still so; so does one that found no [Lock] on its
// accounts, since the first lock of an account moves the fence. A racing posting
// is therefore decided again, and lands in the next open month.
type Periods struct {
	platform.Head
	Soft   string  `json:"soft,omitempty" class:"internal"`  // the last month that is closed at all: 2026-03; empty if none is
	Hard   string  `json:"hard,omitempty" class:"internal"`  // the last that is closed for good; never after Soft
	Since  string  `json:"since,omitempty" class:"internal"` // the first month that was ever closed
	Closed moments `json:"closed,omitzero" class:"internal"`
	Asked  *Asked  `json:"asked,omitempty" class:"internal"` // who wants the last one opened again
}

// moments are when the last months were closed.
type moments struct {
	Soft time.Time `json:"soft,omitzero"`
	Hard time.Time `json:"hard,omitzero"`
}

// Asked is the wish to open a month again, before somebody else agrees.
type Asked struct {
	Month  string      `json:"month"`
	By     platform.ID `json:"by"`
	For    platform.ID `json:"for,omitempty"` // for whom they stood in
	Reason string      `json:"reason"`        // a code
}

// Ref names the periods.
func (p Periods) Ref() platform.Ref { return platform.Ref{Kind: periodsKind, ID: p.ID} }

// periodsID is that of the one fence of a book.
var periodsID = platform.NewID("prd", time.Unix(0, 0), 0, 0)

// State is how far a month is closed.
func (p Periods) State(month string) PeriodState {
	switch {
	case month <= p.Hard:
		return PeriodHardClosed
	case month <= p.Soft:
		return PeriodSoftClosed
	}
	return PeriodOpen
}

// monthLag is how long a month is over before it can be closed: longer than any
// clock is wrong, and than any commit takes.
const monthLag = 24 * time.Hour

// SoftClose closes the month for all but accountants. It must be the one after
// the last that is closed, if there is one, and be over for a day in the zone. It
// fails with ErrPeriod.
func (p Periods) SoftClose(month string, zone *time.Location, now time.Time) (Periods, error) {
	end, err := monthEnd(month, zone)
	if err != nil || p.Soft != "" && month != nextMonth(p.Soft) || p.Version == 0 || now.Before(end.Add(monthLag)) {
		return Periods{}, fmt.Errorf("soft-close %s after %q: %w", month, p.Soft, ErrPeriod)
	}
	p.Soft, p.Closed.Soft, p.Asked = month, now, nil
	if p.Since == "" {
		p.Since = month
	}
	return p, nil
}

// HardClose closes the month for good. It must be soft-closed, and be the one
// after the last that is hard-closed. It fails with ErrPeriod.
func (p Periods) HardClose(month string, now time.Time) (Periods, error) {
	first := p.Since
	if p.Hard != "" {
		first = nextMonth(p.Hard)
	}
	if p.State(month) != PeriodSoftClosed || month != first {
		return Periods{}, fmt.Errorf("hard-close %s after %q: %w", month, p.Hard, ErrPeriod)
	}
	p.Hard, p.Closed.Hard, p.Asked = month, now, nil
	return p, nil
}

// AskReopen notes that somebody wants a month opened again: the last one that is
// closed. It fails with ErrNotLast for any other.
func (p Periods) AskReopen(month, reason string, by platform.Actor) (Periods, error) {
	if month != p.Soft || month == "" {
		return Periods{}, fmt.Errorf("reopen %s: %w", month, ErrNotLast)
	}
	p.Asked = &Asked{Month: month, By: by.ID, For: by.For(), Reason: reason}
	return p, nil
}

// Reopen opens the month that was asked for by one step: a hard-closed one is
// soft-closed then, and a soft-closed one open. It fails with ErrNotLast if
// nobody asked, and with ErrCloseFourEyes for who asked, or in whose name it was.
func (p Periods) Reopen(month string, by platform.Actor) (Periods, error) {
	if p.Asked == nil || p.Asked.Month != month || month != p.Soft {
		return Periods{}, fmt.Errorf("reopen %s: %w", month, ErrNotLast)
	}
	if hands := []platform.ID{p.Asked.By, p.Asked.For}; slices.Contains(hands, by.ID) || slices.Contains(hands, by.For()) {
		return Periods{}, fmt.Errorf("reopen %s: %w", month, ErrCloseFourEyes)
	}
	p.Asked = nil
	switch before := monthBefore(month); {
	case p.Hard == month && month == p.Since:
		p.Hard = ""
	case p.Hard == month:
		p.Hard = before
	case month == p.Since:
		p.Soft, p.Since = "", ""
	default:
		p.Soft = before
	}
	return p, nil
}

// monthOf is the month of a moment in the zone: 2026-03.
func monthOf(at time.Time, zone *time.Location) string { return at.In(zone).Format("2006-01") }

// monthEnd is the first moment after a month.
func monthEnd(month string, zone *time.Location) (time.Time, error) {
	start, err := time.ParseInLocation("2006-01", month, zone)
	if err != nil {
		return time.Time{}, ErrPeriod
	}
	return start.AddDate(0, 1, 0), nil
}

func nextMonth(month string) string { return shiftMonth(month, +1) }

func monthBefore(month string) string { return shiftMonth(month, -1) }

func shiftMonth(month string, by int) string {
	start, err := time.Parse("2006-01", month)
	if err != nil {
		return ""
	}
	return start.AddDate(0, by, 0).Format("2006-01")
}

// Periods is how far the books are closed. Deciding code reads it.
func (b Books) Periods(ctx context.Context) (Periods, error) {
	p, _, err := b.Store.Bars(ctx)
	return p, err
}

// bars is what may stand against facts: closed months, and locks.
type bars struct {
	periods Periods
	locks   []Lock
	read    bool
	zone    *time.Location
}

// bars reads what may stand against facts, at once, if anything may.
func (b Books) bars(ctx context.Context, facts ...Fact) (bars, error) {
	x := bars{zone: b.zone()}
	var ids []platform.ID
	for _, f := range facts {
		ids = append(ids, f.lockable()...)
		x.read = x.read || f.late(x.zone)
	}
	if x.read = x.read || len(ids) > 0; !x.read {
		return x, nil
	}
	var err error
	if x.periods, x.locks, err = b.Store.Bars(ctx, ids...); err != nil {
		return x, fmt.Errorf("locks and periods: %w", err)
	}
	return x, nil
}

func (b Books) zone() *time.Location {
	if b.Zone == nil {
		return time.UTC
	}
	return b.Zone
}

// late tells whether the fact books in another month than that in which it is
// decided.
func (f Fact) late(zone *time.Location) bool {
	at, booked := f.At.In(zone), f.Booked.In(zone)
	if f.At.IsZero() || at.Year() > booked.Year() || at.Year() == booked.Year() && at.Month() >= booked.Month() {
		return false
	}
	r := recipes[f.What]
	return r.Settles != "" || !r.Held && len(nonzero(f.Legs)) > 0
}

// moved is a fact of a domain as it can be booked: one of a closed month stands
// in the next that is open, and tells in its memo when it was. A fact of the
// period's end may enter a soft-closed month; enters tells that it does.
func (x bars) moved(f Fact) (fact Fact, enters bool) {
	month := monthOf(f.At, x.zone)
	switch state := x.periods.State(month); {
	case state == PeriodOpen || !f.late(x.zone):
		return f, false
	case state == PeriodSoftClosed && recipes[f.What].Ending:
		return f, true
	}
	opened, err := monthEnd(x.periods.Soft, x.zone)
	if err != nil {
		return f, false
	}
	f.Memo = strings.TrimSpace(f.Memo + " of:" + f.At.In(x.zone).Format(time.DateOnly))
	f.At = opened.UTC()
	return f, false
}

// admits checks facts that somebody wants to book by hand in the month in which
// they happened: in a soft-closed one accountants may, with a reason.
func (x bars) admits(accountant bool, facts ...Fact) (enters bool, err error) {
	for _, f := range facts {
		switch state := x.periods.State(monthOf(f.At, x.zone)); {
		case !f.late(x.zone):
		case state == PeriodSoftClosed && accountant && f.Memo != "":
			enters = true
		case state != PeriodOpen:
			return false, platform.Detail(fmt.Errorf("book %s of %s: %w", f.What, f.Subject, ErrPeriodClosed), "state", string(state))
		}
	}
	return enters, nil
}

// pins is what must hold at commit of what was read. What enters a soft-closed
// month moves the fence, so that a hard close which has summed it up without it
// is decided again.
func (x bars) pins(enters bool, facts ...Fact) ([]platform.Change, error) {
	pinned, err := allowed(x.locks, facts)
	switch {
	case err != nil || x.periods.Version == 0:
		return pinned, err
	case enters:
		return append(slices.Clip(pinned), platform.Put(x.periods)), nil
	}
	return append(slices.Clip(pinned), platform.Unchanged(x.periods)), nil
}

type openPeriods struct{}

// fence makes the fence of a book that has none.
func (s *Service) fence(ctx context.Context) error {
	p, err := s.books.Periods(ctx)
	if err != nil || p.Version > 0 {
		return err
	}
	_, err = platform.Update(ctx, s.w, openPeriods{}, func(context.Context) (struct{}, []platform.Change, error) {
		return struct{}{}, []platform.Change{platform.Put(p), platform.Happened("period.opened", p.Ref(), nil)}, nil
	})
	if platform.Code(err) == "exists" { // somebody else did
		return nil
	}
	return err
}
