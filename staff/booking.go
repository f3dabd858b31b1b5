package staff

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// BookingDay is all that a member is booked for on one local day. Work over
// midnight stands in both days, each time with its whole interval.
type BookingDay struct {
	platform.Head
	Member   platform.ID `json:"member" class:"internal"`
	Day      Day         `json:"day" class:"internal"`
	Bookings []Interval  `json:"bookings" class:"internal"` // by start
}

// Ref names the day.
func (d BookingDay) Ref() platform.Ref { return platform.Ref{Kind: "staff.booking_day", ID: d.ID} }

// newDay is the empty day of a member. Its id follows from both, so that all
// who book the member for that day meet at one record.
func newDay(member platform.ID, day Day) BookingDay {
	at, err := day.parse()
	if err != nil {
		at = time.Time{}
	}
	sum := sha256.Sum256([]byte(string(member) + "\x00" + string(day)))
	id := platform.NewID("bkd", at, member.Slot(), binary.BigEndian.Uint64(sum[:]))
	return BookingDay{Head: platform.Head{ID: id}, Member: member, Day: day, Bookings: []Interval{}}
}

// span is how far around a piece of work other bookings matter: rest is judged
// over 24 hours.
const span = 24 * time.Hour

// diary is the days around a piece of work, in order, those without a record
// included; work are those that the work itself touches.
type diary struct {
	place *time.Location
	days  []BookingDay
	work  []Day
}

// anywhere are the ids of a member's days that an interval touches, wherever the
// member is: no clock is a day from UTC.
func anywhere(member platform.ID, from, until time.Time) []platform.ID {
	var ids []platform.ID
	for _, day := range daysOf(from.AddDate(0, 0, -1), until.AddDate(0, 0, 1), time.UTC) {
		ids = append(ids, newDay(member, day).ID)
	}
	return ids
}

// newDiary is the empty diary around a piece of work; fill puts in the records
// that exist.
func newDiary(member platform.ID, from, until time.Time, in *time.Location) diary {
	d := diary{place: in, work: daysOf(from, until, in)}
	for _, day := range daysOf(from.Add(-span), until.Add(span), in) {
		d.days = append(d.days, newDay(member, day))
	}
	return d
}

func (d diary) ids() []platform.ID {
	ids := make([]platform.ID, len(d.days))
	for i, day := range d.days {
		ids[i] = day.ID
	}
	return ids
}

func (d diary) fill(found []BookingDay) {
	for _, f := range found {
		if i := slices.IndexFunc(d.days, func(day BookingDay) bool { return day.ID == f.ID }); i >= 0 {
			d.days[i] = f
		}
	}
}

// facts are what the diary says, each booking once.
func (d diary) facts(t Terms) Facts {
	var all []Interval
	for _, day := range d.days {
		for _, b := range day.Bookings {
			if !slices.ContainsFunc(all, b.equal) {
				all = append(all, b)
			}
		}
	}
	return Facts{Place: d.place, Bookings: all, Terms: t}
}

// book enters the work into its days. The days around it, on which the decision
// relied, must not change meanwhile; one without a record is created empty,
// since only what exists can be checked.
func (d diary) book(work Interval) []platform.Change {
	var changes []platform.Change
	for _, day := range d.days {
		switch {
		case slices.Contains(d.work, day.Day):
			day.Bookings = append(slices.Clone(day.Bookings), work)
			slices.SortFunc(day.Bookings, func(a, b Interval) int { return a.From.Compare(b.From) })
			changes = append(changes, platform.Put(day))
		case day.Revision() == 0:
			changes = append(changes, platform.Put(day))
		default:
			changes = append(changes, platform.Unchanged(day))
		}
	}
	return changes
}

// without is the day without what it has of the work.
func (d BookingDay) without(work []Booked) BookingDay {
	d.Bookings = slices.DeleteFunc(slices.Clone(d.Bookings), func(b Interval) bool {
		return slices.ContainsFunc(work, func(w Booked) bool { return w.Staff == d.Member && b.equal(Interval{From: w.From, Until: w.Until}) })
	})
	return d
}

func (i Interval) equal(other Interval) bool {
	return i.From.Equal(other.From) && i.Until.Equal(other.Until)
}
