package staff

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
)

// days are the booking days of a member as stored, by day.
func (w *world) days(t testing.TB, m platform.ID) map[Day][]Interval {
	t.Helper()
	page, err := platform.List[BookingDay](w.ctx, w.db, platform.Query{Kind: "staff.booking_day", By: []string{"member", "day"}, Equal: []any{m}})
	require.NoError(t, err)
	days := map[Day][]Interval{}
	for _, d := range page.Items {
		days[d.Day] = d.Bookings
	}
	return days
}

func TestWorkOverMidnightTouchesBothDays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.active(t, w.zone(t, "Asia/Shanghai").ID)
	_, err := w.Publish(w.ctx, Publish{Member: m.ID, Shifts: []Shift{everyDay("18:00", "06:00")}})
	require.NoError(t, err)
	night := hours(15, 2) // 23:00 to 01:00

	require.NoError(t, w.book(m.ID, night))

	assert.Equal(t, map[Day][]Interval{"2026-03-01": {}, "2026-03-02": {night}, "2026-03-03": {night}, "2026-03-04": {}}, w.days(t, m.ID))
	early := hours(17.25, 1) // 01:15: the day after, within the buffer
	require.ErrorIs(t, w.book(m.ID, early), ErrNotDispatchable)

	require.NoError(t, w.unbook(m.ID, night))
	assert.Equal(t, map[Day][]Interval{"2026-03-01": {}, "2026-03-02": {}, "2026-03-03": {}, "2026-03-04": {}}, w.days(t, m.ID))
	require.NoError(t, w.book(m.ID, early))
}

func TestWorkOfOneDayTouchesThatDayOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.active(t, w.zone(t, "Asia/Shanghai").ID)

	require.NoError(t, w.book(m.ID, hours(2, 1)))
	require.NoError(t, w.book(m.ID, hours(0, 1)))

	assert.Equal(t, map[Day][]Interval{"2026-03-01": {}, "2026-03-02": {hours(0, 1), hours(2, 1)}, "2026-03-03": {}}, w.days(t, m.ID))
}

func TestUnbookOfWhatIsNotBookedChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.active(t, w.zone(t, "Asia/Shanghai").ID)
	require.NoError(t, w.book(m.ID, hour(2)))

	changes, err := w.Duty().Unbook(w.ctx, booked(m.ID, hours(2, 2)))

	require.NoError(t, err)
	assert.Empty(t, changes)
}

func TestManyAreUnbookedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	zone := w.zone(t, "Asia/Shanghai").ID
	a, b := w.active(t, zone), w.active(t, zone)
	for _, work := range []Interval{hours(0, 1), hours(2, 1), hours(4, 1)} {
		require.NoError(t, w.book(a.ID, work))
		require.NoError(t, w.book(b.ID, work))
	}

	_, err := platform.Update(w.ctx, w.w, book{a.ID}, func(ctx context.Context) (string, []platform.Change, error) {
		changes, err := w.Duty().Unbook(ctx, booked(a.ID, hours(0, 1)), booked(a.ID, hours(4, 1)), booked(b.ID, hours(2, 1)))
		return "", append(changes, platform.Happened("test.unbooked", of(a.ID), nil)), err
	})

	require.NoError(t, err)
	assert.Equal(t, []Interval{hours(2, 1)}, w.days(t, a.ID)["2026-03-02"])
	assert.Equal(t, []Interval{hours(0, 1), hours(4, 1)}, w.days(t, b.ID)["2026-03-02"])
	none, err := w.Duty().Unbook(w.ctx)
	require.NoError(t, err)
	assert.Empty(t, none)
}

func TestDaysAreFoundWhereverTheMemberIs(t *testing.T) {
	t.Parallel()
	zones := []string{"Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns", "Asia/Shanghai", "UTC"}
	rapid.Check(t, func(t *rapid.T) {
		in, err := location(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		from := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "from"), 0)
		until := from.Add(time.Duration(rapid.Int64Range(1, int64(span)).Draw(t, "length")))
		m := id("stf", 1)

		read := anywhere(m, from.Add(-span), until.Add(span))

		for _, day := range newDiary(m, from, until, in).days {
			if !slices.Contains(read, day.ID) {
				t.Fatalf("%s in %s is not among the days read", day.Day, in)
			}
		}
	})
}

func TestRefusedVouchNamesAllReasons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.active(t, w.zone(t, "Asia/Shanghai").ID)

	_, err := w.Duty().Vouch(w.ctx, []string{"massage:2", string(id("zon", 9))}, hour(15).From, hour(15).Until, m.ID)

	require.ErrorIs(t, err, ErrNotDispatchable)
	require.ErrorIs(t, err, platform.ErrState)
	assert.Equal(t, []string{"no_shift", "skill_missing:massage", "out_of_zone"}, platform.Details(err)["reasons"])
}

func TestVouchReliesOnTheMember(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.active(t, w.zone(t, "Asia/Shanghai").ID)
	meddled := false

	_, err := platform.Update(w.ctx, w.w, book{m.ID}, func(ctx context.Context) (string, []platform.Change, error) {
		changes, err := w.Duty().Vouch(ctx, nil, hour(2).From, hour(2).Until, m.ID)
		if !meddled { // between decision and commit, once
			meddled = true
			_, err := w.PlaceHold(w.ctx, PlaceHold{Member: m.ID, Reason: "safety"})
			require.NoError(t, err)
		}
		return "", append(changes, platform.Happened("test.booked", of(m.ID), nil)), err
	})

	require.ErrorIs(t, err, ErrNotDispatchable)
	assert.Equal(t, []string{"on_hold"}, platform.Details(err)["reasons"])
}

func TestOneOfManyBookingsOfOneTimeSucceeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.active(t, w.zone(t, "Asia/Shanghai").ID)

	errs := together(64, func(i int) error { return w.book(m.ID, hours(2+float64(i%4)/4, 1)) })

	assert.Len(t, slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err != nil }), 1)
	for _, err := range errs {
		if err != nil {
			require.ErrorIs(t, err, ErrNotDispatchable)
			assert.Contains(t, platform.Details(err)["reasons"], "overlap")
		}
	}
}

// Two pieces of work on either side of midnight lie in different booking days,
// and still only one of them keeps the buffer.
func TestOneOfTwoNeighboursAcrossMidnightSucceeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.active(t, w.zone(t, "Asia/Shanghai").ID)
	_, err := w.Publish(w.ctx, Publish{Member: m.ID, Shifts: []Shift{everyDay("18:00", "06:00")}})
	require.NoError(t, err)

	errs := together(32, func(i int) error { return w.book(m.ID, hours(15+float64(i%2), 1)) }) // 23:00 or 00:00

	assert.Len(t, slices.DeleteFunc(errs, func(err error) bool { return err != nil }), 1)
}

// together runs n calls at once and answers what each came to.
func together(n int, call func(int) error) []error {
	errs := make([]error, n)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range n {
		done.Go(func() {
			start.Wait()
			errs[i] = call(i)
		})
	}
	start.Done()
	done.Wait()
	return errs
}

func TestOnDutyListsExactlyTheAble(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	north, south := w.zone(t, "Asia/Shanghai").ID, w.zone(t, "Europe/Berlin").ID
	able := []platform.ID{w.active(t, north).ID, w.active(t, north).ID}
	booked, away := w.active(t, north).ID, w.active(t, north).ID
	far := w.active(t, south).ID // sleeping: 03:00 in Berlin
	require.NoError(t, w.book(booked, hour(2)))
	_, err := w.Excuse(w.ctx, Excuse{Member: away, From: hour(2).From, Until: hour(2).Until})
	require.NoError(t, err)
	slices.Sort(able)
	duty := func(zone platform.ID, need []string, i Interval) []platform.ID {
		found, err := w.Duty().OnDuty(w.ctx, zone, need, i.From, i.Until)
		require.NoError(t, err)
		return found
	}

	assert.Equal(t, able, duty(north, nil, hour(2)))
	assert.Equal(t, able, duty("", nil, hour(2)))
	assert.Empty(t, duty(south, nil, hour(2)))
	assert.Equal(t, []platform.ID{far}, duty(south, nil, hour(12)))
	assert.Empty(t, duty(north, []string{"massage"}, hour(2)))
	_, err = w.Bar(w.ctx, Bar{Member: able[0], Party: id("cus", 7), Reason: "asked"})
	require.NoError(t, err)
	assert.Equal(t, able[1:], duty(north, []string{string(id("cus", 7))}, hour(2)))
}

func TestOnDutyReadsEveryPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	zone := w.zone(t, "Asia/Shanghai").ID
	var all []platform.ID
	for range 503 {
		all = append(all, w.active(t, zone).ID)
	}
	slices.Sort(all)

	found, err := w.Duty().OnDuty(w.ctx, zone, nil, hour(2).From, hour(2).Until)

	require.NoError(t, err)
	assert.Equal(t, all, found)
}

func TestBadWorkIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.active(t, w.zone(t, "Asia/Shanghai").ID)
	for name, c := range map[string]struct {
		need []string
		work Interval
		code string
	}{
		"backwards":     {work: Interval{From: monday, Until: monday.Add(-time.Hour)}, code: "staff.interval"},
		"empty":         {work: Interval{From: monday, Until: monday}, code: "staff.interval"},
		"over a day":    {work: hours(0, 24.1), code: "staff.interval"},
		"no such words": {need: []string{"Massage!"}, work: hour(2), code: "staff.need"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := w.Duty().Vouch(w.ctx, c.need, c.work.From, c.work.Until, m.ID)
			assert.Equal(t, c.code, platform.Code(err))
			require.ErrorIs(t, err, platform.ErrInvalid)
			_, err = w.Duty().OnDuty(w.ctx, m.Zone, c.need, c.work.From, c.work.Until)
			assert.Equal(t, c.code, platform.Code(err))
		})
	}
	_, err := w.Duty().Vouch(w.ctx, nil, hour(2).From, hour(2).Until, id("stf", 99))
	require.ErrorIs(t, err, platform.ErrNotFound)
}

// TestDiaryHoldsWhatWasBooked books and frees at random and compares with a
// plain list.
func TestDiaryHoldsWhatWasBooked(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		m := w.active(t, w.zone(t, rapid.SampledFrom(places).Draw(rt, "place")).ID)
		_, err := w.Publish(w.ctx, Publish{Member: m.ID, Shifts: []Shift{everyDay("00:00", "12:00"), everyDay("12:00", "00:00")}})
		require.NoError(rt, err)
		var model []Interval
		rt.Repeat(map[string]func(*rapid.T){
			"book": func(rt *rapid.T) {
				work := hours(24*26+float64(rapid.IntRange(0, 120).Draw(rt, "from"))/2, float64(rapid.IntRange(1, 16).Draw(rt, "length"))/2)
				err := w.book(m.ID, work)
				if err == nil {
					model = append(model, work)
					return
				}
				require.ErrorIs(rt, err, ErrNotDispatchable)
			},
			"free": func(rt *rapid.T) {
				if len(model) == 0 {
					return
				}
				i := rapid.IntRange(0, len(model)-1).Draw(rt, "which")
				require.NoError(rt, w.unbook(m.ID, model[i]))
				model = slices.Delete(model, i, i+1)
			},
			"": func(rt *rapid.T) {
				stored := w.days(t, m.ID)
				for day, bookings := range stored {
					begin := day.begins(place(m.TimeZone))
					next := Day(date(begin.Add(36 * time.Hour).In(place(m.TimeZone))).Format(time.DateOnly))
					for _, work := range model {
						touches := shared(work.From, work.Until, begin, next.begins(place(m.TimeZone))) > 0
						require.Equal(rt, touches, slices.ContainsFunc(bookings, work.equal), "%s %v", day, work)
					}
				}
				kept := 0
				for _, bookings := range stored {
					kept += len(bookings)
				}
				touched := 0
				for _, work := range model {
					touched += len(daysOf(work.From, work.Until, place(m.TimeZone)))
				}
				require.Equal(rt, touched, kept)
			},
		})
	})
}

// Work that is moved takes its own place with it: whoever has it is judged without
// it, freed of it everywhere, and booked for it anew if able.
func TestRebookingMovesAMembersOwnWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	zone := w.zone(t, "Asia/Shanghai")
	m, other := w.active(t, zone.ID), w.active(t, zone.ID)
	rebook := func(was, to Interval, who ...platform.ID) (able []platform.ID) {
		_, err := platform.Update(w.ctx, w.w, book{m.ID}, func(ctx context.Context) (string, []platform.Change, error) {
			var work []Booked
			for _, id := range who {
				work = append(work, booked(id, was))
			}
			found, changes, err := w.Duty().Rebook(ctx, nil, to.From, to.Until, work...)
			able = found
			return "", append(changes, platform.Happened("test.rebooked", of(m.ID), nil)), err
		})
		require.NoError(t, err)
		return able
	}
	is := func(id platform.ID, work Interval) bool { return w.book(id, work) != nil }

	require.NoError(t, w.book(m.ID, hour(2)))
	require.NoError(t, w.book(other.ID, hour(2)))
	require.NoError(t, w.book(other.ID, hour(4)))
	overlapping := Interval{From: hour(2).From.Add(30 * time.Minute), Until: hour(2).Until.Add(30 * time.Minute)}
	assert.ElementsMatch(t, []platform.ID{m.ID, other.ID}, rebook(hour(2), overlapping, m.ID, other.ID), "its own hour is no hindrance")
	tomorrow := Interval{From: overlapping.From.Add(24 * time.Hour), Until: overlapping.Until.Add(24 * time.Hour)}
	assert.Equal(t, []platform.ID{m.ID}, rebook(overlapping, tomorrow, m.ID))
	assert.True(t, is(m.ID, tomorrow))
	require.NoError(t, w.book(m.ID, overlapping), "the other day is free again")
	assert.Empty(t, rebook(overlapping, hour(4), other.ID), "booked elsewhere")
	require.NoError(t, w.book(other.ID, hour(2)), "and free of what it had")
	assert.True(t, is(other.ID, hour(4)))
	assert.Empty(t, rebook(hour(4), Interval{From: hour(14).From, Until: hour(14).Until}, other.ID), "at night")
}
