package dispatch

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/staff"
)

// TestAssignmentFollowsItsTable takes random verbs and compares with the table
// of the specification, written out by hand.
func TestAssignmentFollowsItsTable(t *testing.T) {
	t.Parallel()
	staffOnly, atWork := kinds{platform.Staff}, kinds{platform.Staff, platform.Operator}
	type arrow struct {
		from State
		verb string
	}
	next := map[arrow]State{
		{Offered, "accept"}: Accepted, {Offered, "decline"}: Declined, {Offered, "expire"}: Expired, {Offered, "withdraw"}: Withdrawn,
		{Accepted, "en_route"}: Travelling, {Travelling, "arrive"}: Arrived, {Arrived, "work"}: Working, {Working, "done"}: Finished,
		{Accepted, "release"}: Released, {Travelling, "release"}: Released, {Arrived, "release"}: Released,
		{Accepted, "no_show"}: Missed, {Travelling, "no_show"}: Missed,
		{Arrived, "stand_up"}: StoodUp, {Accepted, "move"}: Accepted, {Travelling, "move"}: Accepted, {Arrived, "move"}: Accepted,
		{Offered, "drop"}: Withdrawn, {Accepted, "drop"}: Released, {Travelling, "drop"}: Released, {Arrived, "drop"}: Released, {Working, "drop"}: Released,
		{Accepted, "begin"}: Working, {Travelling, "begin"}: Working, {Arrived, "begin"}: Working,
		{Accepted, "finish"}: Finished, {Travelling, "finish"}: Finished, {Arrived, "finish"}: Finished, {Working, "finish"}: Finished,
	}
	by := map[string]kinds{
		"accept": staffOnly, "decline": staffOnly, "expire": {platform.System}, "withdraw": {platform.Operator, platform.System},
		"en_route": atWork, "arrive": atWork, "work": atWork, "done": atWork,
		"release": {platform.Staff, platform.Operator, platform.Merchant, platform.System},
		"no_show": {platform.Customer, platform.Operator, platform.System}, "drop": {platform.System},
		"begin": {platform.System}, "finish": {platform.System}, "stand_up": {platform.System}, "move": {platform.System},
	}
	everybody := []platform.ActorKind{platform.Customer, platform.Merchant, platform.Staff, platform.Operator, platform.System, platform.Auditor}
	verbs := slices.Collect(func(yield func(string) bool) {
		for verb := range by {
			if !yield(verb) {
				return
			}
		}
	})
	slices.Sort(verbs)
	rapid.Check(t, func(t *rapid.T) {
		a := Assignment{Head: platform.Head{ID: id("asg", 1)}, State: Offered, From: noon, Until: noon.Add(time.Hour), Due: noon.Add(time.Minute)}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			verb, actor := rapid.SampledFrom(verbs).Draw(t, "verb"), rapid.SampledFrom(everybody).Draw(t, "actor")
			want, possible := next[arrow{a.State, verb}]
			allowed := slices.Contains(by[verb], actor)

			moved, err := a.take(verb, actor, noon)

			switch {
			case !allowed:
				require.ErrorIs(t, err, platform.ErrDenied)
			case !possible:
				require.ErrorIs(t, err, platform.ErrState)
			default:
				require.NoError(t, err)
				require.Equal(t, want, moved.State)
				require.True(t, moved.Due.IsZero(), "an answered offer has no deadline")
				require.Len(t, moved.Steps, len(a.Steps)+1)
				a = moved
			}
		}
	})
}

// machine drives the whole service at random. What it checks after every step
// are the invariants of dispatch.
type machine struct {
	*world
	members []platform.ID
	orders  []platform.ID
}

func TestDispatchKeepsItsInvariants(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{world: newWorld(t, func(p *Policy) {
			p.FanOut = rapid.IntRange(1, 3).Draw(rt, "fan out")
			p.Rounds = rapid.IntRange(1, 3).Draw(rt, "rounds")
		})}
		for i := range rapid.IntRange(1, 4).Draw(rt, "members") {
			m.members = append(m.members, m.member([]*Place{&square, &station, &harbour, nil}[i]))
		}
		rt.Repeat(map[string]func(*rapid.T){
			"order":    m.place,
			"dispatch": m.dispatchOne,
			"batch":    m.dispatchAll,
			"offer":    m.offerByHand,
			"answer":   m.answer,
			"accept":   m.acceptOne,
			"work":     m.work,
			"release":  m.release,
			"end":      m.endOne,
			"time":     m.time,
			"":         m.check,
		})
	})
}

// fair allows the refusals that a caller can expect.
func fair(t *rapid.T, err error) {
	if err != nil {
		require.ErrorIs(t, err, platform.ErrState, "%v", err)
	}
}

func (m *machine) place(t *rapid.T) {
	if len(m.orders) < 5 {
		after := time.Duration(rapid.IntRange(0, 8).Draw(t, "start")) * 30 * time.Minute
		m.orders = append(m.orders, m.order(seats(rapid.IntRange(1, 2).Draw(t, "seats")), starts(after)))
	}
}

func (m *machine) some(t *rapid.T) (platform.ID, bool) {
	if len(m.orders) == 0 {
		return "", false
	}
	return rapid.SampledFrom(m.orders).Draw(t, "order"), true
}

func (m *machine) dispatchOne(t *rapid.T) {
	if order, ok := m.some(t); ok {
		_, err := m.DispatchOrder(m.ctx, DispatchOrder{Order: order})
		fair(t, err)
	}
}

func (m *machine) dispatchAll(t *rapid.T) {
	if len(m.orders) > 0 {
		_, err := m.Dispatch(m.ctx, Dispatch{Orders: m.orders})
		require.NoError(t, err)
	}
}

func (m *machine) offerByHand(t *rapid.T) {
	if order, ok := m.some(t); ok {
		_, err := m.Offer(m.ctx, Offer{Order: order, Seat: rapid.IntRange(1, 2).Draw(t, "seat"), Member: rapid.SampledFrom(m.members).Draw(t, "member")})
		fair(t, err)
	}
}

// one draws an assignment in one of the states.
func (m *machine) one(t *rapid.T, in ...State) (Assignment, bool) {
	var found []Assignment
	for _, order := range m.orders {
		for _, a := range m.all(order) {
			if slices.Contains(in, a.State) {
				found = append(found, a)
			}
		}
	}
	if len(found) == 0 {
		return Assignment{}, false
	}
	slices.SortFunc(found, func(a, b Assignment) int { return a.Offered.Compare(b.Offered) })
	return found[rapid.IntRange(0, len(found)-1).Draw(t, "assignment")], true
}

func (m *machine) acceptOne(t *rapid.T) {
	if a, ok := m.one(t, Offered, Withdrawn, Expired); ok {
		err := m.accept(a)
		fair(t, err)
		if err == nil {
			require.True(t, a.live(m.now()), "only an offer that stands can be accepted")
		}
	}
}

func (m *machine) answer(t *rapid.T) {
	a, ok := m.one(t, Offered)
	if !ok {
		return
	}
	var err error
	if rapid.Bool().Draw(t, "withdraw") {
		_, err = m.Withdraw(m.ctx, Withdraw{Assignment: a.ID, Reason: "better_known"})
	} else {
		_, err = m.Decline(as(a.Member), Decline{Assignment: a.ID, Reason: "break"})
	}
	fair(t, err)
}

func (m *machine) work(t *rapid.T) {
	if a, ok := m.one(t, Accepted, Travelling, Arrived, Working); ok {
		step := rapid.SampledFrom(m.steps()).Draw(t, "step")
		_, err := step(as(a.Member), a.ID)
		fair(t, err)
	}
}

func (m *machine) release(t *rapid.T) {
	a, ok := m.one(t, Accepted, Travelling, Arrived, Working)
	if !ok {
		return
	}
	var err error
	if rapid.Bool().Draw(t, "no show") {
		_, err = m.NoShow(m.ctx, NoShow{Assignment: a.ID})
	} else {
		_, err = m.Release(as(a.Member), Release{Assignment: a.ID, Reason: "flat_tyre", Fault: "staff"})
	}
	fair(t, err)
}

func (m *machine) endOne(t *rapid.T) {
	if order, ok := m.some(t); ok && rapid.IntRange(0, 3).Draw(t, "really") == 0 {
		require.NoError(t, m.end(order))
		m.orders = slices.DeleteFunc(slices.Clone(m.orders), func(o platform.ID) bool { return o == order })
		for _, a := range m.all(order) {
			require.False(t, a.State == Offered || a.State.Holds(), "an ended order keeps nobody")
		}
	}
}

func (m *machine) time(t *rapid.T) {
	m.later(time.Duration(rapid.IntRange(1, 300).Draw(t, "seconds")) * time.Second)
	if rapid.Bool().Draw(t, "tick") {
		m.tick()
		for _, order := range m.orders {
			for _, a := range m.all(order) {
				require.False(t, a.State == Offered && !m.now().Before(a.Due), "a tick leaves no offer overdue")
			}
		}
	}
}

func (m *machine) check(t *rapid.T) {
	open := map[platform.ID]int64{}
	booked := map[platform.ID][]staff.Interval{}
	for _, order := range m.orders {
		all := m.all(order)
		for seat := range 2 {
			m.checkSeat(t, order, seat+1, all)
		}
		for _, a := range all {
			switch {
			case a.State == Offered:
				open[a.Member]++
			case a.State.Holds() || a.State == Finished:
				for _, b := range booked[a.Member] {
					require.False(t, b.From.Before(a.Until) && a.From.Before(b.Until), "one member at two places")
				}
				booked[a.Member] = append(booked[a.Member], staff.Interval{From: a.From, Until: a.Until})
			}
		}
	}
	for _, member := range m.members {
		require.Equal(t, open[member], m.room(member), "the quota counts open offers")
		require.LessOrEqual(t, m.room(member), int64(m.policy.Quota))
		for _, b := range booked[member] {
			_, err := m.staff.Duty().Vouch(context.Background(), nil, b.From, b.Until, member)
			require.ErrorIs(t, err, staff.ErrNotDispatchable, "who is assigned is booked")
		}
	}
}

// checkSeat looks at all attempts for one seat.
func (m *machine) checkSeat(t *rapid.T, order platform.ID, seat int, all []Assignment) {
	all = slices.DeleteFunc(slices.Clone(all), func(a Assignment) bool { return a.Seat != seat })
	var holder platform.ID
	var asked []platform.ID
	for _, a := range all {
		if a.State.Holds() || a.State == Finished {
			require.Empty(t, holder, "two in one seat")
			holder = a.ID
		}
		if a.State == Offered {
			asked = append(asked, a.ID)
		}
	}
	e, err := platform.Read[errand](m.ctx, m.db, "order", order)
	require.NoError(t, err)
	if seat > len(e.Seats) {
		require.Empty(t, all)
		return
	}
	require.Equal(t, holder, e.Seats[seat-1], "the order names who holds the seat")
	search, err := m.store.Search(m.ctx, searchID(order, seat))
	if platform.Code(err) == "dispatch.search.not_found" {
		require.Empty(t, all)
		return
	}
	require.NoError(t, err)
	var open []platform.ID
	for _, a := range search.Asked {
		open = append(open, a.Assignment)
	}
	require.ElementsMatch(t, asked, open, "the search knows every open offer")
	switch search.State {
	case Searching:
		require.True(t, len(open) > 0 || !search.Due.IsZero(), "a search always goes on")
		require.LessOrEqual(t, search.Round, m.policy.Rounds)
	case Filled:
		require.NotEmpty(t, holder)
	}
	m.checkRests(t, all)
}

// checkRests: nobody is asked again for a seat before the cool-down is over.
func (m *machine) checkRests(t *rapid.T, all []Assignment) {
	for _, a := range all {
		for _, b := range all {
			if a.Member != b.Member || a.ID == b.ID || a.Reason == beaten || a.State == Offered || !a.Offered.Before(b.Offered) {
				continue
			}
			ended := a.Steps[len(a.Steps)-1].At
			require.GreaterOrEqual(t, b.Offered.Sub(ended), m.policy.CoolDown, "asked again too soon")
		}
	}
}
