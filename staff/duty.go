package staff

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Members is what dispatch knows of staff: its port Members. The zero Terms
// are the defaults. It may be used by several goroutines at once.
type Members struct {
	Store Store
	Terms Terms
}

// OnDuty lists, by id, the members of a zone who could take the work; an empty
// zone is all zones. Words of need are those of [ParseNeed]. It is a hint: only
// [Members.Vouch] decides. It fails with ErrNeed and ErrInterval.
//
// It reads every active member of the zone with the days around the work.
func (m Members) OnDuty(ctx context.Context, zone platform.ID, need []string, from, until time.Time) ([]platform.ID, error) {
	n, err := readNeed(need, from, until)
	if err != nil {
		return nil, err
	}
	if zone != "" {
		n.Zone = zone
	}
	places := map[string]*time.Location{}
	var able []platform.ID
	for cursor := ""; ; {
		page, err := m.Store.Members(ctx, Find{State: Active, Zone: zone, Limit: 500, Cursor: cursor})
		if err != nil {
			return nil, err
		}
		for _, member := range page.Items {
			if places[member.TimeZone] != nil {
				continue
			}
			if places[member.TimeZone], err = location(member.TimeZone); err != nil {
				return nil, err
			}
		}
		found, err := m.able(ctx, page.Items, places, n, Interval{From: from, Until: until})
		if err != nil {
			return nil, err
		}
		able = append(able, found...)
		if cursor = page.Next; cursor == "" {
			slices.Sort(able)
			return able, nil
		}
	}
}

// able picks out of some members those who could take the work, with one read
// of all their days.
func (m Members) able(ctx context.Context, members []Member, places map[string]*time.Location, n Need, work Interval) ([]platform.ID, error) {
	var ids []platform.ID
	diaries := make([]diary, len(members))
	for i, member := range members {
		diaries[i] = newDiary(member.ID, work.From, work.Until, places[member.TimeZone])
		ids = append(ids, diaries[i].ids()...)
	}
	days, err := m.Store.Days(ctx, ids...)
	if err != nil {
		return nil, err
	}
	found := map[platform.ID][]BookingDay{}
	for _, d := range days {
		found[d.Member] = append(found[d.Member], d)
	}
	var able []platform.ID
	for i, member := range members {
		diaries[i].fill(found[member.ID])
		if len(Dispatchable(member, diaries[i].facts(m.Terms), n, work.From, work.Until)) == 0 {
			able = append(able, member.ID)
		}
	}
	return able, nil
}

// Vouch books members for work, all with one read: it answers the changes that
// do so, to be committed with the caller's own. They check each member and the
// booking days around the work, and write the booking day or days of the work
// itself (and those around it that did not exist yet, empty). They write no other
// record. No member may be named twice.
//
// It fails with ErrNotDispatchable, all reasons of [Dispatchable] in the detail
// "reasons", and with an ErrNotFound, both with the first such member in the detail
// "member"; and with ErrNeed and ErrInterval.
func (m Members) Vouch(ctx context.Context, need []string, from, until time.Time, members ...platform.ID) ([]platform.Change, error) {
	n, err := readNeed(need, from, until)
	if err != nil {
		return nil, err
	}
	found, diaries, err := m.open(ctx, from, until, members...)
	if err != nil {
		return nil, err
	}
	var changes []platform.Change
	for i, member := range found {
		if why := Dispatchable(member, diaries[i].facts(m.Terms), n, from, until); len(why) > 0 {
			refusal := fmt.Errorf("vouch for member %s: %w", member.ID, ErrNotDispatchable)
			return nil, platform.Detail(platform.Detail(refusal, "reasons", why), "member", member.ID)
		}
		changes = append(append(changes, diaries[i].book(Interval{From: from, Until: until})...), platform.Unchanged(member))
	}
	return changes, nil
}

// Booked is work that [Members.Vouch] booked a member for. The type has no name
// of its own, so that a port may ask for it that does not know this package.
type Booked = struct {
	Staff       platform.ID
	From, Until time.Time
}

// Unbook frees members of work, all with one read: it answers the changes that
// do so, which write the booking days of the work. Work that is not booked is no
// failure and gives no changes.
func (m Members) Unbook(ctx context.Context, work ...Booked) ([]platform.Change, error) {
	var ids []platform.ID
	for _, w := range work {
		ids = append(ids, anywhere(w.Staff, w.From, w.Until)...)
	}
	slices.Sort(ids)
	days, err := m.Store.Days(ctx, slices.Compact(ids)...)
	if err != nil {
		return nil, err
	}
	var changes []platform.Change
	for _, day := range days {
		if freed := day.without(work); len(freed.Bookings) < len(day.Bookings) {
			changes = append(changes, platform.Put(freed))
		}
	}
	return changes, nil
}

// Rebook moves work that members are booked for to another time, or to another
// need, all with one read. able are those who can do it, judged without what they
// give up; the changes free all of them of that, and book the able, as Vouch does.
// All of the work must be different members'. It fails with ErrNotFound for an
// unknown member, and with ErrNeed and ErrInterval.
func (m Members) Rebook(ctx context.Context, need []string, from, until time.Time, work ...Booked) (able []platform.ID, changes []platform.Change, err error) {
	n, err := readNeed(need, from, until)
	if err != nil || len(work) == 0 {
		return nil, nil, err
	}
	var ids, days []platform.ID
	for _, w := range work {
		ids = append(ids, w.Staff)
		days = append(append(days, anywhere(w.Staff, from.Add(-span), until.Add(span))...), anywhere(w.Staff, w.From, w.Until)...)
	}
	slices.Sort(days)
	members, booked, err := m.Store.Diaries(ctx, ids, slices.Compact(days)...)
	if err != nil {
		return nil, nil, err
	}
	for _, member := range members {
		freed, given := freed(booked, member.ID, work)
		place, err := location(member.TimeZone)
		if err != nil {
			return nil, nil, err
		}
		d := newDiary(member.ID, from, until, place)
		d.fill(freed)
		if len(Dispatchable(member, d.facts(m.Terms), n, from, until)) > 0 {
			changes = append(changes, given...)
			continue
		}
		able = append(able, member.ID)
		entered := d.book(Interval{From: from, Until: until})
		rest := slices.DeleteFunc(given, func(c platform.Change) bool {
			i := slices.IndexFunc(entered, func(e platform.Change) bool { return e.Ref == c.Ref })
			if i >= 0 && entered[i].Op == platform.Check {
				entered[i] = c // it gives up what it was booked for
			}
			return i >= 0
		})
		changes = append(append(append(changes, entered...), rest...), platform.Unchanged(member))
	}
	return able, changes, nil
}

// freed are a member's days without what they have of the work, and the changes of
// those that had some.
func freed(days []BookingDay, member platform.ID, work []Booked) (left []BookingDay, changes []platform.Change) {
	for _, day := range days {
		if day.Member != member {
			continue
		}
		next := day.without(work)
		if left = append(left, next); len(next.Bookings) < len(day.Bookings) {
			changes = append(changes, platform.Put(next))
		}
	}
	return left, changes
}

// open reads members with the days around the work, in one trip: since only the
// member tells its time zone, the days are those of any.
func (m Members) open(ctx context.Context, from, until time.Time, ids ...platform.ID) ([]Member, []diary, error) {
	var days []platform.ID
	for _, id := range ids {
		days = append(days, anywhere(id, from.Add(-span), until.Add(span))...)
	}
	members, booked, err := m.Store.Diaries(ctx, ids, days...)
	if err != nil {
		return nil, nil, err
	}
	diaries := make([]diary, len(members))
	for i, member := range members {
		place, err := location(member.TimeZone)
		if err != nil {
			return nil, nil, err
		}
		diaries[i] = newDiary(member.ID, from, until, place)
		diaries[i].fill(slices.DeleteFunc(slices.Clone(booked), func(d BookingDay) bool { return d.Member != member.ID }))
	}
	return members, diaries, nil
}

// readNeed checks what the caller asks for.
func readNeed(words []string, from, until time.Time) (Need, error) {
	if !from.Before(until) || until.Sub(from) > span {
		return Need{}, fmt.Errorf("work: %w", ErrInterval)
	}
	return ParseNeed(words)
}

// Ask is whether a member could take work, and if not, why.
type Ask struct {
	Member platform.ID `json:"member" validate:"required,id=stf"`
	Need   []string    `json:"need,omitempty" validate:"max=50"` // words of [ParseNeed]
	From   time.Time   `json:"from" validate:"required"`
	Until  time.Time   `json:"until" validate:"required"`
}

// Reasons answers all reasons of [Dispatchable] against, to overseers and to
// the member itself: "why do I get no orders". Nil is none. It fails with
// ErrNeed and ErrInterval.
func (s *Service) Reasons(ctx context.Context, in Ask) ([]string, error) {
	if err := platform.Validate(in); err != nil {
		return nil, err
	}
	actor, err := s.w.Actor(ctx)
	if err != nil {
		return nil, err
	}
	n, err := readNeed(in.Need, in.From, in.Until)
	if err != nil {
		return nil, err
	}
	found, diaries, err := s.Duty().open(ctx, in.From, in.Until, in.Member)
	if err == nil && !found[0].visible(actor) {
		err = platform.NotFound(found[0].Ref())
	}
	if err != nil {
		return nil, err
	}
	return Dispatchable(found[0], diaries[0].facts(s.terms), n, in.From, in.Until), nil
}
