package staff

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
)

func TestEveryReasonAgainstIsAnswered(t *testing.T) {
	t.Parallel()
	work := hour(2) // 10:00 to 11:00
	massage := Need{Skills: []Skill{{Code: "massage", Level: 1}}}
	for name, c := range map[string]struct {
		member func(*Member)
		booked []Interval
		need   Need
		work   Interval
		why    []string
	}{
		"able": {need: massage},

		"onboarding": {member: func(m *Member) { m.State = Onboarding }, why: []string{"not_active"}},
		"suspended":  {member: func(m *Member) { m.State = Suspended }, why: []string{"not_active"}},
		"leaving":    {member: func(m *Member) { m.State = Leaving }, why: []string{"not_active"}},

		"open hold":          {member: held(Interval{From: monday}), why: []string{"on_hold"}},
		"hold begins amid":   {member: held(Interval{From: work.Until.Add(-1)}), why: []string{"on_hold"}},
		"hold ended at once": {member: held(Interval{From: monday, Until: work.From})},
		"hold begins after":  {member: held(Interval{From: work.Until})},
		"absent":             {member: func(m *Member) { m.Absences = []Interval{hour(2.9)} }, why: []string{"absent"}},
		"back in time":       {member: func(m *Member) { m.Absences = []Interval{hour(1)} }},

		"no roster":           {member: func(m *Member) { m.Shifts = nil }, why: []string{"no_shift"}},
		"before the shift":    {member: shifts("10:01", "18:00"), why: []string{"no_shift"}},
		"from its start":      {member: shifts("10:00", "18:00")},
		"runs over by grace":  {member: shifts("06:00", "10:30")},
		"runs over too far":   {member: shifts("06:00", "10:29"), why: []string{"no_shift"}},
		"starts in the grace": {member: shifts("06:00", "10:00"), why: []string{"no_shift"}},
		"two shifts in a row": {member: func(m *Member) {
			m.Shifts = []Shift{everyDay("10:30", "18:00"), everyDay("06:00", "10:30")}
		}},
		"other weekday":  {member: func(m *Member) { m.Shifts[0].Weekdays = []string{"tue", "sun"} }, why: []string{"no_shift"}},
		"this weekday":   {member: func(m *Member) { m.Shifts[0].Weekdays = []string{"tue", "mon"} }},
		"roster ended":   {member: func(m *Member) { m.Shifts[0].Until = "2026-03-02" }, why: []string{"no_shift"}},
		"roster to come": {member: func(m *Member) { m.Shifts[0].First = "2026-03-03" }, why: []string{"no_shift"}},

		"skill at level":   {need: Need{Skills: []Skill{{Code: "massage", Level: 3}}}},
		"level too low":    {need: Need{Skills: []Skill{{Code: "massage", Level: 4}}}, why: []string{"skill_missing:massage"}},
		"never had":        {need: Need{Skills: []Skill{{Code: "wiring", Level: 1}}}, why: []string{"skill_missing:wiring"}},
		"skill to come":    {member: skilled(Interval{From: work.From.Add(1)}), need: massage, why: []string{"skill_missing:massage"}},
		"skill expired":    {member: skilled(Interval{From: monday, Until: work.From}), need: massage, why: []string{"skill_missing:massage"}},
		"skill ends amid":  {member: skilled(Interval{From: monday, Until: work.Until.Add(-1)}), need: massage, why: []string{"skill_expires:massage"}},
		"skill to the end": {member: skilled(Interval{From: monday, Until: work.Until}), need: massage},
		"renewed without gap": {
			member: skilled(Interval{From: work.From.Add(time.Minute)}, Interval{From: monday, Until: work.From.Add(time.Minute)}), need: massage,
		},
		"renewed with a gap": {
			member: skilled(Interval{From: monday, Until: work.From.Add(1)}, Interval{From: work.From.Add(2)}), need: massage,
			why: []string{"skill_expires:massage"},
		},

		"home zone":  {need: Need{Zone: id("zon", 1)}},
		"other zone": {need: Need{Zone: id("zon", 2)}, why: []string{"out_of_zone"}},

		"booked then":             {booked: []Interval{hour(2)}, why: []string{"overlap"}},
		"booked within buffer":    {booked: []Interval{hours(3.49, 1)}, why: []string{"overlap"}},
		"booked buffer after":     {booked: []Interval{hours(3.5, 1)}},
		"booked buffer before":    {booked: []Interval{hours(0, 1.5)}},
		"booked too short before": {booked: []Interval{hours(0, 1.51)}, why: []string{"overlap"}},

		"ten hours a day":           {booked: []Interval{hours(3.5, 9)}},
		"more than ten":             {booked: []Interval{hours(3.5, 9.1)}, why: []string{"hours_day"}},
		"short pause in short duty": {booked: []Interval{hours(-0.5, 1)}}, // 07:30 to 11:00
		"after enough rest":         {booked: []Interval{hours(-10, 1)}},
		"split duty":                {booked: []Interval{hours(-2, 1), hours(10.5, 1)}, why: []string{"rest"}}, // 06:00 to 19:30
		"long but split in time": {
			booked: []Interval{hours(-2, 1), hours(9, 1)}, // 06:00 to 18:00
		},

		"itself a party": {need: Need{Parties: []platform.ID{id("stf", 1)}}, why: []string{"conflict"}},
		"barred party":   {member: func(m *Member) { m.Bars = []platform.ID{id("cus", 7)} }, need: Need{Parties: []platform.ID{id("mer", 1), id("cus", 7)}}, why: []string{"conflict"}},
		"unknown to it":  {member: func(m *Member) { m.Bars = []platform.ID{id("cus", 7)} }, need: Need{Parties: []platform.ID{id("cus", 8)}}},
		"all at once": {
			member: func(m *Member) {
				*m = Member{Head: m.Head, State: Suspended, Holds: []Hold{{Interval: Interval{From: monday}}}, Absences: []Interval{hour(2)}}
			},
			booked: []Interval{hours(-10, 11), hour(2)},
			need:   Need{Skills: []Skill{{Code: "a", Level: 1}, {Code: "b", Level: 2}}, Zone: id("zon", 2), Parties: []platform.ID{id("stf", 1)}},
			work:   hours(2, 11),
			why:    []string{"not_active", "on_hold", "absent", "no_shift", "skill_missing:a", "skill_missing:b", "out_of_zone", "overlap", "hours_day", "rest", "conflict"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := member()
			if c.member != nil {
				c.member(&m)
			}
			if c.work == (Interval{}) {
				c.work = work
			}

			why := Dispatchable(m, Facts{Place: shanghai, Bookings: c.booked}, c.need, c.work.From, c.work.Until)

			assert.Equal(t, c.why, why)
		})
	}
}

func held(i Interval) func(*Member) { return func(m *Member) { m.Holds = []Hold{{Interval: i}} } }

func shifts(starts, ends Clock) func(*Member) {
	return func(m *Member) { m.Shifts = []Shift{everyDay(starts, ends)} }
}

func skilled(intervals ...Interval) func(*Member) {
	return func(m *Member) {
		m.Skills = nil
		for _, i := range intervals {
			m.Skills = append(m.Skills, Skill{Code: "massage", Level: 1, Interval: i})
		}
	}
}

func TestDispatchableAllocatesNothingForTheAble(t *testing.T) {
	m, f := member(), Facts{Place: shanghai, Bookings: []Interval{hour(5), hour(7)}}
	need := Need{Skills: []Skill{{Code: "massage", Level: 2}}, Zone: m.Zone}
	work := hour(2)

	allocs := testing.AllocsPerRun(100, func() { _ = Dispatchable(m, f, need, work.From, work.Until) })

	assert.LessOrEqual(t, allocs, 1.0)
}

func TestTermsMoveTheLimits(t *testing.T) {
	t.Parallel()
	none := Terms{Grace: -1, Buffer: -1, Day: -1, Rest: -1}
	m := member(shifts("06:00", "10:30"))
	at := func(terms Terms, booked ...Interval) []string {
		return Dispatchable(m, Facts{Place: shanghai, Bookings: booked, Terms: terms}, Need{}, hour(2).From, hour(2).Until)
	}

	assert.Equal(t, []string{"no_shift"}, at(none))
	assert.Equal(t, []string{"no_shift"}, at(none, hour(1), hour(3), hours(4, 11), hours(-9, 9)))
	assert.Equal(t, []string{"overlap"}, at(Terms{Buffer: time.Hour + 1}, hours(0, 1)))
	assert.Equal(t, []string{"hours_day"}, at(Terms{Day: 2 * time.Hour}, hours(4, 1.1)))
}

// TestAcceptedWorkKeepsTheLimits books whatever Dispatchable lets pass, and then
// looks at the result by brute force.
func TestAcceptedWorkKeepsTheLimits(t *testing.T) {
	t.Parallel()
	m := member(func(m *Member) { m.Shifts = []Shift{everyDay("00:00", "12:00"), everyDay("12:00", "00:00")} })
	rapid.Check(t, func(t *rapid.T) {
		var booked []Interval
		for range rapid.IntRange(1, 25).Draw(t, "tries") {
			work := hours(float64(rapid.IntRange(0, 200).Draw(t, "from"))/2, float64(rapid.IntRange(1, 24).Draw(t, "length"))/2)
			if len(Dispatchable(m, Facts{Place: shanghai, Bookings: booked}, Need{}, work.From, work.Until)) == 0 {
				booked = append(booked, work)
			}
		}
		for _, b := range booked {
			if total(booked, b.From.Add(-11*time.Hour), b.From) == 0 { // a stretch of duty begins
				require.GreaterOrEqual(t, longestRest(booked, b.From, b.From.Add(24*time.Hour)), 11*time.Hour, "after %s in %v", b.From, booked)
			}
		}
		for _, day := range daysOf(monday.Add(-48*time.Hour), monday.Add(150*time.Hour), shanghai) {
			begin := day.begins(shanghai)
			require.LessOrEqual(t, total(booked, begin, begin.Add(24*time.Hour)), 10*time.Hour, "work on %s", day)
		}
		for i, a := range booked {
			for _, b := range booked[:i] {
				require.False(t, a.meets(b.From.Add(-30*time.Minute), b.Until.Add(30*time.Minute)), "%v and %v", a, b)
			}
		}
	})
}

// longestRest is the longest stretch without work in [from, until), in steps of
// half an hour.
func longestRest(booked []Interval, from, until time.Time) time.Duration {
	var longest, rest time.Duration
	for at := from; at.Before(until); at = at.Add(30 * time.Minute) {
		if rest += 30 * time.Minute; total(booked, at, at.Add(30*time.Minute)) > 0 {
			rest = 0
		}
		longest = max(longest, rest)
	}
	return longest
}

func total(booked []Interval, begin, end time.Time) (sum time.Duration) {
	for _, b := range booked {
		sum += shared(b.From, b.Until, begin, end)
	}
	return sum
}

func TestNeedReadsSkillsZoneAndParties(t *testing.T) {
	t.Parallel()

	n, err := ParseNeed([]string{"massage", "wiring:4", string(id("zon", 2)), string(id("cus", 7))})

	require.NoError(t, err)
	assert.Equal(t, Need{
		Skills: []Skill{{Code: "massage", Level: 1}, {Code: "wiring", Level: 4}}, Zone: id("zon", 2), Parties: []platform.ID{id("cus", 7)},
	}, n)
	for _, bad := range []string{"", "Massage", "massage:", "massage:0", "massage:6", "massage:two", "a b", "zon_123:x", "长"} {
		_, err := ParseNeed([]string{bad})
		assert.Equal(t, "staff.need", platform.Code(err), "%q", bad)
	}
}

func FuzzParseNeed(f *testing.F) {
	for _, seed := range []string{"massage", "massage:3", string(id("zon", 2)), "a:b:c", ":", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, word string) {
		n, err := ParseNeed([]string{word})
		if err != nil {
			require.ErrorIs(t, err, platform.ErrInvalid)
			return
		}
		parts := len(n.Skills) + len(n.Parties)
		if n.Zone != "" {
			parts++
		}
		require.Equal(t, 1, parts)
	})
}

func BenchmarkDispatchable(b *testing.B) {
	m, f := member(), Facts{Place: shanghai, Bookings: []Interval{hour(5), hour(7)}}
	need := Need{Skills: []Skill{{Code: "massage", Level: 2}}, Zone: m.Zone}
	work := hour(2)
	b.ReportAllocs()
	for b.Loop() {
		_ = Dispatchable(m, f, need, work.From, work.Until)
	}
}
