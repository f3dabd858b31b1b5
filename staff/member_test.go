package staff

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// as is the same world for another actor.
func (w *world) as(kind platform.ActorKind, id platform.ID) context.Context {
	return platform.As(context.Background(), platform.Actor{ID: id, Kind: kind})
}

// verbs are the commands that move a member.
func (w *world) verbs() map[string]func(context.Context, platform.ID) (Member, error) {
	return map[string]func(context.Context, platform.ID) (Member, error){
		"activate": func(ctx context.Context, m platform.ID) (Member, error) {
			return w.Activate(ctx, Activate{Member: m})
		},
		"suspend": func(ctx context.Context, m platform.ID) (Member, error) {
			return w.Suspend(ctx, Suspend{Member: m, Reason: "complaint"})
		},
		"restore": func(ctx context.Context, m platform.ID) (Member, error) { return w.Restore(ctx, Restore{Member: m}) },
		"give_notice": func(ctx context.Context, m platform.ID) (Member, error) {
			return w.GiveNotice(ctx, GiveNotice{Member: m, Reason: "own_wish"})
		},
		"leave": func(ctx context.Context, m platform.ID) (Member, error) { return w.Leave(ctx, Leave{Member: m}) },
		"amend": func(ctx context.Context, m platform.ID) (Member, error) {
			return w.Publish(ctx, Publish{Member: m, Shifts: []Shift{everyDay("06:00", "22:00")}})
		},
	}
}

func TestMemberMovesByTheTableOnly(t *testing.T) {
	t.Parallel()
	paths := map[State][]string{
		Onboarding: nil, Active: {"activate"}, Suspended: {"activate", "suspend"},
		Leaving: {"activate", "give_notice"}, Left: {"give_notice", "leave"},
	}
	for state, path := range paths {
		for verb := range newWorld(t).verbs() {
			t.Run(string(state)+" "+verb, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				m, err := w.Hire(w.ctx, Hire{Zone: w.zone(t, "Asia/Shanghai").ID})
				require.NoError(t, err)
				for _, step := range path {
					_, err := w.verbs()[step](w.ctx, m.ID)
					require.NoError(t, err)
				}
				want, refusal := moves.Take(state, verb, platform.Operator)

				next, err := w.verbs()[verb](w.ctx, m.ID)

				if refusal != nil {
					require.ErrorIs(t, err, platform.ErrState)
					assert.Equal(t, platform.Code(refusal), platform.Code(err))
					assert.Equal(t, string(state), platform.Details(err)["state"])
					return
				}
				require.NoError(t, err)
				assert.Equal(t, want, next.State)
				stored, err := w.Member(w.ctx, m.ID)
				require.NoError(t, err)
				assert.Equal(t, next, stored)
			})
		}
	}
}

func TestOnlyTheOfficeMovesMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.active(t, w.zone(t, "Asia/Shanghai").ID)
	for _, verb := range []string{"suspend", "give_notice", "amend"} {
		_, err := w.verbs()[verb](w.as(platform.Staff, m.ID), m.ID)
		require.ErrorIs(t, err, platform.ErrDenied, verb)
		assert.Equal(t, "staff.actor_not_allowed", platform.Code(err), verb)
		_, err = w.verbs()[verb](w.as(platform.Customer, id("cus", 1)), m.ID)
		require.ErrorIs(t, err, platform.ErrNotFound, verb)
		_, err = w.verbs()[verb](context.Background(), m.ID)
		assert.Equal(t, "actor.missing", platform.Code(err), verb)
	}
	_, err := w.Hire(w.as(platform.Merchant, id("mer", 1)), Hire{Zone: m.Zone})
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = w.DraftZone(w.as(platform.Merchant, id("mer", 1)), DraftZone{Name: "South", TimeZone: "UTC"})
	require.ErrorIs(t, err, platform.ErrDenied)
}

func TestMembersAreSeenByTheOfficeAndThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	zone := w.zone(t, "Asia/Shanghai").ID
	m, other := w.active(t, zone), w.active(t, zone)

	for name, c := range map[string]struct {
		ctx  context.Context
		seen bool
	}{
		"operator": {w.ctx, true},
		"auditor":  {w.as(platform.Auditor, "aud_1"), true},
		"itself":   {w.as(platform.Staff, m.ID), true},
		"another":  {w.as(platform.Staff, other.ID), false},
		"customer": {w.as(platform.Customer, id("cus", 1)), false},
	} {
		_, err := w.Member(c.ctx, m.ID)
		_, listErr := w.Members(c.ctx, Find{})
		if c.seen {
			require.NoError(t, err, name)
		} else {
			assert.Equal(t, "staff.member.not_found", platform.Code(err), name)
			require.ErrorIs(t, listErr, platform.ErrDenied, name)
		}
	}
}

func TestNameIsSealedAndReplaysUnderItsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	zone := w.zone(t, "Asia/Shanghai").ID
	ctx := platform.WithKey(w.ctx, "hire-1")

	first, err := w.Hire(ctx, Hire{Name: "Somebody", Zone: zone})
	require.NoError(t, err)
	again, err := w.Hire(ctx, Hire{Name: "Somebody", Zone: zone})
	require.NoError(t, err)
	_, err = w.Hire(ctx, Hire{Name: "Somebody else", Zone: zone})

	assert.Equal(t, first, again)
	assert.Equal(t, "key.reused", platform.Code(err))
	records, err := w.db.Get(w.ctx, first.Ref())
	require.NoError(t, err)
	assert.NotContains(t, string(records[0].Doc), "Somebody")
	assert.NotEmpty(t, first.Name)
}

func TestNameNeedsASealer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bare := New(w.w, StoreOn(w.db), Ports{}, nil)
	zone := w.zone(t, "Asia/Shanghai").ID

	_, err := bare.Hire(w.ctx, Hire{Name: "Somebody", Zone: zone})
	require.ErrorIs(t, err, ErrNoSealer)
	_, err = bare.Hire(w.ctx, Hire{Zone: zone})
	require.NoError(t, err)
}

func TestHiringNeedsALiveZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	draft, err := w.DraftZone(w.ctx, DraftZone{Name: "South", TimeZone: "UTC"})
	require.NoError(t, err)
	live := w.zone(t, "UTC")
	_, err = w.Hire(w.ctx, Hire{Zone: draft.ID})
	require.ErrorIs(t, err, ErrZoneNotLive)
	_, err = w.Hire(w.ctx, Hire{Zone: live.ID})
	require.NoError(t, err)
	_, err = w.RetireZone(w.ctx, RetireZone{Zone: draft.ID})
	require.ErrorIs(t, err, ErrZoneNotRetirable)
	_, err = w.RetireZone(w.ctx, RetireZone{Zone: live.ID})
	require.NoError(t, err)
	_, err = w.PublishZone(w.ctx, PublishZone{Zone: live.ID})
	require.ErrorIs(t, err, ErrZoneNotPublishable)
	_, err = w.Hire(w.ctx, Hire{Zone: live.ID})
	require.ErrorIs(t, err, ErrZoneNotLive)

	page, err := w.Zones(w.ctx, Draft, "")
	require.NoError(t, err)
	assert.Equal(t, []Zone{draft}, page.Items)
}

func TestSuspensionLapsesOnceByTick(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	zone := w.zone(t, "Asia/Shanghai").ID
	m, open := w.active(t, zone), w.active(t, zone)
	until := monday.Add(time.Hour)
	_, err := w.Suspend(w.ctx, Suspend{Member: m.ID, Reason: "complaint", Until: until})
	require.NoError(t, err)
	_, err = w.Suspend(w.ctx, Suspend{Member: open.ID, Reason: "complaint"})
	require.NoError(t, err)

	fired, err := w.Tick(context.Background(), until.Add(-1), 0)
	require.NoError(t, err)
	assert.Zero(t, fired)

	w.now = until
	counts := make([]int, 8)
	for _, err := range together(8, func(i int) (err error) {
		counts[i], err = w.Tick(context.Background(), until, 0)
		return err
	}) {
		require.NoError(t, err)
	}
	total := 0
	for _, n := range counts {
		total += n
	}
	assert.Equal(t, 1, total)
	m, err = w.Member(w.ctx, m.ID)
	require.NoError(t, err)
	assert.Equal(t, Active, m.State)
	assert.True(t, m.Due.IsZero())
	open, err = w.Member(w.ctx, open.ID)
	require.NoError(t, err)
	assert.Equal(t, Suspended, open.State)
}

func TestSkillsAreGrantedAndRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.active(t, w.zone(t, "Asia/Shanghai").ID)
	ask := Ask{Member: m.ID, Need: []string{"massage:2"}, From: hour(2).From, Until: hour(2).Until}
	reasons := func() []string {
		why, err := w.Reasons(w.as(platform.Staff, m.ID), ask)
		require.NoError(t, err)
		return why
	}
	require.Equal(t, []string{"skill_missing:massage"}, reasons())

	_, err := w.Grant(w.ctx, Grant{Member: m.ID, Code: "massage", Level: 2, From: monday.Add(-time.Hour)})
	require.NoError(t, err)
	require.Empty(t, reasons())

	revoked, err := w.Revoke(w.ctx, Revoke{Member: m.ID, Code: "massage", Reason: "audit"})
	require.NoError(t, err)
	require.Equal(t, []string{"skill_missing:massage"}, reasons())
	assert.Equal(t, monday, revoked.Skills[0].Until, "what was held stays known")
	_, err = w.Revoke(w.ctx, Revoke{Member: m.ID, Code: "massage", Reason: "audit"})
	require.ErrorIs(t, err, ErrSkillUnknown)
}

func TestRevokeLeavesOtherSkillsAndThePast(t *testing.T) {
	t.Parallel()
	past := Skill{Code: "massage", Level: 1, Interval: Interval{From: monday.AddDate(-1, 0, 0), Until: monday.AddDate(0, -1, 0)}}
	other := Skill{Code: "wiring", Level: 5, Interval: Interval{From: monday}}
	m := member(func(m *Member) {
		m.Skills = append(m.Skills, past, other, Skill{Code: "massage", Level: 5, Interval: Interval{From: monday.Add(time.Hour)}})
	})
	before := slices.Clone(m.Skills)

	next, err := m.Revoke("massage", monday)

	require.NoError(t, err)
	assert.Equal(t, before, m.Skills, "the member itself is not changed")
	ended := before[0]
	ended.Until = monday
	assert.Equal(t, []Skill{ended, past, other}, next.Skills)
}

func TestHoldsAndAbsencesComeAndGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.active(t, w.zone(t, "Asia/Shanghai").ID)
	reasons := func() []string {
		why, err := w.Reasons(w.ctx, Ask{Member: m.ID, From: hour(2).From, Until: hour(2).Until})
		require.NoError(t, err)
		return why
	}
	_, err := w.PlaceHold(w.ctx, PlaceHold{Member: m.ID, Reason: "safety", Until: monday.Add(time.Hour)})
	require.NoError(t, err)
	assert.Empty(t, reasons(), "lapsed by then")
	_, err = w.PlaceHold(w.ctx, PlaceHold{Member: m.ID, Reason: "safety"})
	require.ErrorIs(t, err, ErrHoldPlaced)
	w.now = monday.Add(time.Hour)
	_, err = w.PlaceHold(w.ctx, PlaceHold{Member: m.ID, Reason: "safety"})
	require.NoError(t, err)
	assert.Equal(t, []string{"on_hold"}, reasons())
	_, err = w.LiftHold(w.ctx, LiftHold{Member: m.ID, Reason: "safety"})
	require.NoError(t, err)
	_, err = w.LiftHold(w.ctx, LiftHold{Member: m.ID, Reason: "safety"})
	require.ErrorIs(t, err, ErrHoldUnknown)
	assert.Empty(t, reasons())

	absence := Excuse{Member: m.ID, From: hour(1).From, Until: hour(2).Until}
	_, err = w.Excuse(w.ctx, absence)
	require.NoError(t, err)
	assert.Equal(t, []string{"absent"}, reasons())
	_, err = w.Recall(w.ctx, Recall(absence))
	require.NoError(t, err)
	_, err = w.Recall(w.ctx, Recall(absence))
	require.ErrorIs(t, err, ErrAbsenceUnknown)
	assert.Empty(t, reasons())
}

func TestBarsComeAndGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, err := w.Hire(w.ctx, Hire{Zone: w.zone(t, "Asia/Shanghai").ID, Parties: []platform.ID{id("cus", 1)}})
	require.NoError(t, err)

	for range 2 {
		m, err = w.Bar(w.ctx, Bar{Member: m.ID, Party: id("cus", 2), Reason: "asked"})
		require.NoError(t, err)
		assert.Equal(t, []platform.ID{id("cus", 1), id("cus", 2)}, m.Bars)
	}
	m, err = w.Unbar(w.ctx, Unbar{Member: m.ID, Party: id("cus", 1)})
	require.NoError(t, err)
	assert.Equal(t, []platform.ID{id("cus", 2)}, m.Bars)
}

func TestBadInputIsRefusedWithItsCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.active(t, w.zone(t, "Asia/Shanghai").ID)
	shift := func(change func(*Shift)) func() error {
		return func() error {
			s := everyDay("08:00", "16:00")
			change(&s)
			_, err := w.Publish(w.ctx, Publish{Member: m.ID, Shifts: []Shift{everyDay("06:00", "22:00"), s}})
			return err
		}
	}
	grant := func(change func(*Grant)) func() error {
		return func() error {
			g := Grant{Member: m.ID, Code: "massage", Level: 1, From: monday}
			change(&g)
			_, err := w.Grant(w.ctx, g)
			return err
		}
	}
	for name, c := range map[string]struct {
		call func() error
		code string
	}{
		"shift of no length":      {shift(func(s *Shift) { s.Ends = s.Starts }), "staff.shift_length"},
		"shift over 16 hours":     {shift(func(s *Shift) { s.Ends = "00:01" }), "staff.shift_length"},
		"shift without end":       {shift(func(s *Shift) { s.Until = "" }), "staff.shift_time"},
		"shift over two years":    {shift(func(s *Shift) { s.Until = "2028-01-02" }), "staff.shift_span"},
		"shift ends before start": {shift(func(s *Shift) { s.Until = s.First }), "staff.shift_span"},
		"hour 24":                 {shift(func(s *Shift) { s.Starts = "24:00" }), "staff.shift_time"},
		"minute 60":               {shift(func(s *Shift) { s.Ends = "10:60" }), "staff.shift_time"},
		"no clock":                {shift(func(s *Shift) { s.Ends = "8 am" }), "staff.shift_time"},
		"no such day":             {shift(func(s *Shift) { s.First = "2026-02-30" }), "staff.shift_time"},
		"no such weekday":         {shift(func(s *Shift) { s.Weekdays = []string{"monday"} }), "staff.shift_time"},
		"skill code":              {grant(func(g *Grant) { g.Code = "Massage" }), "staff.code"},
		"skill that is an id":     {grant(func(g *Grant) { g.Code = string(id("zon", 1)) }), "staff.code"},
		"level 0":                 {grant(func(g *Grant) { g.Level = 0 }), "field.min"},
		"level 6":                 {grant(func(g *Grant) { g.Level = 6 }), "field.max"},
		"skill ends at start":     {grant(func(g *Grant) { g.Until = g.From }), "staff.interval"},
		"member id":               {grant(func(g *Grant) { g.Member = "stf_1" }), "id.malformed"},
		"other id":                {grant(func(g *Grant) { g.Member = m.Zone }), "id.wrong_kind"},
		"unknown member":          {grant(func(g *Grant) { g.Member = id("stf", 9) }), "staff.member.not_found"},
		"time zone": {func() error {
			_, err := w.DraftZone(w.ctx, DraftZone{Name: "Moon", TimeZone: "Moon/Tycho"})
			return err
		}, "time.zone"},
		"machine's zone": {func() error {
			_, err := w.DraftZone(w.ctx, DraftZone{Name: "Here", TimeZone: "Local"})
			return err
		}, "time.zone"},
		"zone id": {func() error {
			_, err := w.Hire(w.ctx, Hire{Zone: "north"})
			return err
		}, "id.malformed"},
		"control character": {func() error {
			_, err := w.Hire(w.ctx, Hire{Zone: m.Zone, Name: "a\x00b"})
			return err
		}, "text.control"},
		"suspended till yesterday": {func() error {
			_, err := w.Suspend(w.ctx, Suspend{Member: m.ID, Reason: "x", Until: monday})
			return err
		}, "staff.interval"},
		"absence backwards": {func() error {
			_, err := w.Excuse(w.ctx, Excuse{Member: m.ID, From: monday, Until: monday.Add(-1)})
			return err
		}, "staff.interval"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.call()
			require.Error(t, err)
			assert.Equal(t, c.code, platform.Code(err), "%v", err)
		})
	}
}

func TestEveryWrongShiftIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.active(t, w.zone(t, "Asia/Shanghai").ID)

	_, err := w.Publish(w.ctx, Publish{Member: m.ID, Shifts: []Shift{everyDay("08:00", "08:00"), everyDay("08:00", "16:00"), everyDay("25:00", "16:00")}})

	var fields platform.FieldErrors
	require.ErrorAs(t, err, &fields)
	assert.Equal(t, []string{"shifts[0]", "shifts[2]"}, []string{fields[0].Path, fields[1].Path})
}

func TestListsHaveAnEnd(t *testing.T) {
	t.Parallel()
	m := member(func(m *Member) { m.Skills = make([]Skill, most) })
	_, err := m.Grant(Skill{Code: "massage", Level: 1, Interval: Interval{From: monday}})
	require.ErrorIs(t, err, ErrTooMany)
}
