package insight

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
)

// drawn is an order in which anything may have happened.
func drawn(t *rapid.T, n int) *story {
	at := func(label string) time.Time {
		return noon.Add(time.Duration(rapid.IntRange(-60*24, 60*24).Draw(t, label)) * time.Hour)
	}
	maybe := func(label string) bool { return rapid.Bool().Draw(t, label) }
	s := order(n)
	s.customer = customer(rapid.IntRange(0, 5).Draw(t, "customer"))
	who := platform.SystemActor("x")
	if rapid.IntRange(0, 9).Draw(t, "operator") == 0 {
		who = operator
	}
	s.by(who, platform.Ref{Kind: "order", ID: s.order}, "order.placed", at("placed"), data{"amount": cny(5000), "seats": 2, "zone": north, "planned_start": at("planned")})
	for _, what := range []string{"order.confirmed", "order.started", "order.delivered", "order.rework_requested"} {
		for maybe(what) {
			s.then(what, at(what))
		}
	}
	if maybe("completed") {
		s.then("order.completed", at("completed"), data{"amount": cny(5000), "fee": cny(500)})
	}
	if maybe("cancelled") {
		s.then("order.cancelled", at("cancelled"), data{"fault": "merchant"})
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "refunds") {
		s.refund(i, 1000, at("refund"), "staff")
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "offers") {
		s.child("assignment", "asg", i, "assignment.offered", at("offered"), data{"seat": 1 + i%2})
		if maybe("accepted") {
			s.child("assignment", "asg", i, "assignment.accepted", at("accepted"), data{"seat": 1 + i%2})
		}
		if maybe("lost") {
			s.child("assignment", "asg", i, "assignment.released", at("lost"), data{"seat": 1 + i%2, "fault": "staff"})
		}
	}
	if maybe("disputed") {
		s.child("dispute", "dsp", 1, "dispute.opened", at("disputed"))
	}
	return s
}

// folded are the projections of a store, document by document, but for the mark
// of how far the log was read.
func folded(t require.TestingT, db *memory.DB) map[platform.Ref]string {
	all := map[platform.Ref]string{}
	for _, kind := range []string{journeyKind, dayKind} {
		q := platform.Query{Kind: kind, Limit: 500}
		for {
			page, err := db.Scan(as(operator), q)
			require.NoError(t, err)
			for _, r := range page.Items {
				all[r.Ref] = string(r.Doc)
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
		}
	}
	return all
}

// TestReplayIsIncrementalBitForBit: however late events come, in whatever lots and
// however often, the projections are those of the log read in its order.
func TestReplayIsIncrementalBitForBit(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/Sao_Paulo")
	require.NoError(t, err)
	rapid.Check(t, func(rt *rapid.T) {
		var stories []*story
		var events []platform.Event
		for n := range rapid.IntRange(1, 5).Draw(rt, "orders") {
			stories = append(stories, drawn(rt, n))
			events = append(events, stories[n].events...)
		}
		terms := Terms{Zone: zone, Least: 1}
		replayed, read := open(rt, terms, Ports{}, stories...)
		for done := 1; done > 0; {
			done, err = replayed.Tick(as(operator), noon, rapid.IntRange(1, 20).Draw(rt, "limit"))
			require.NoError(rt, err)
		}

		live, db := open(rt, terms, Ports{})
		late := rapid.Permutation(slices.Concat(events, rapid.SliceOfN(rapid.SampledFrom(events), 0, 10).Draw(rt, "again"))).Draw(rt, "arrival")
		for len(late) > 0 {
			n := rapid.IntRange(1, len(late)).Draw(rt, "lot")
			require.NoError(rt, live.Publish(as(operator), late[:n]))
			late = late[n:]
		}

		require.Equal(rt, folded(rt, read), folded(rt, db))
		whole := Ask{From: noon.AddDate(-1, 0, 0), Until: noon.AddDate(1, 0, 0)}
		one, err := json.Marshal(report(rt, replayed, whole))
		require.NoError(rt, err)
		two, err := json.Marshal(report(rt, live, whole))
		require.NoError(rt, err)
		require.True(rt, bytes.Equal(bytes.Replace(one, []byte(`"building":true,`), nil, 1), bytes.Replace(two, []byte(`"building":true,`), nil, 1)), "%s\n%s", one, two)
	})
}

func TestALateEventCorrectsItsWindowAndBumpsItsRevision(t *testing.T) {
	t.Parallel()
	s := measured(t, Terms{Least: 1}, Ports{}, sold(1, noon, 10_000), sold(2, noon.AddDate(0, 1, 0), 10_000))
	before := report(t, s, march, "gmv")
	assert.Equal(t, int64(10_000), figure(t, before, "gmv", "").Numerator)

	late := sold(1, noon, 10_000).refund(1, 2_500, noon.Add(20*day), "merchant")
	require.NoError(t, s.Publish(as(operator), late.events))
	require.NoError(t, s.Publish(as(operator), late.events), "again")

	after := report(t, s, march, "gmv")
	assert.Equal(t, int64(7_500), figure(t, after, "gmv", "").Numerator)
	assert.Equal(t, before.Revision+3*3, after.Revision, "three events, of an order with moments on three days")
	april := Ask{From: march.Until, Until: march.Until.AddDate(0, 1, 0)}
	assert.Equal(t, int64(10_000), figure(t, report(t, s, april, "gmv"), "gmv", "").Numerator, "the next window stays")
}

// TestWhatCannotBeReadHoldsUpNothing: an event that is broken, foreign or of no
// order is passed over.
func TestWhatCannotBeReadHoldsUpNothing(t *testing.T) {
	t.Parallel()
	s := measured(t, Terms{Least: 1}, Ports{})
	good, broken := sold(1, noon, 100).events, sold(2, noon, 100).events
	for i := range broken {
		broken[i].Data = json.RawMessage(`{"amount":7,"customer":`)
	}
	foreign := sold(3, noon, 100).events
	for i := range foreign {
		foreign[i].Subject = platform.Ref{Kind: "order", ID: "no id"}
	}
	require.NoError(t, s.Publish(as(operator), slices.Concat(good, broken, foreign)))

	assert.Equal(t, int64(2), figure(t, report(t, s, march, "placed"), "placed", "").Numerator, "its moments still count")
	assert.Equal(t, int64(100), figure(t, report(t, s, march, "gmv"), "gmv", "").Numerator)
}

// TestReadingBackGoesOnWhereItStopped: another process reads the rest only.
func TestReadingBackGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	s, db := open(t, Terms{Least: 1}, Ports{}, sold(1, noon, 100), sold(2, noon, 100))
	n, err := s.Tick(as(operator), noon, 6)
	require.NoError(t, err)
	assert.Equal(t, 6, n)
	assert.True(t, report(t, s, march, "placed").Building)

	next := New(platform.Writer{Store: db}, StoreOn(db), Ports{}, &Terms{Least: 1})
	n, err = next.Tick(as(operator), noon, 100)
	require.NoError(t, err)
	assert.Equal(t, 4, n)
	assert.False(t, report(t, next, march, "placed").Building)
	n, err = next.Tick(as(operator), noon, 100)
	require.NoError(t, err)
	assert.Zero(t, n)
}

// TestOtherTermsFoldTheLogAnew: days of another zone are other days.
func TestOtherTermsFoldTheLogAnew(t *testing.T) {
	t.Parallel()
	midnight := time.Date(2026, 3, 31, 20, 0, 0, 0, time.UTC)
	s, db := open(t, Terms{Least: 1}, Ports{}, sold(1, midnight, 100), sold(2, midnight, 100))
	_, err := s.Tick(as(operator), noon, 100)
	require.NoError(t, err)
	assert.Equal(t, int64(2), figure(t, report(t, s, march, "placed"), "placed", "").Numerator)

	shanghai, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	moved := New(platform.Writer{Store: db}, StoreOn(db), Ports{}, &Terms{Least: 1, Zone: shanghai, Tests: []platform.ID{customer(2)}})
	april, err := moved.Window("2026-04-01", "2026-05-01")
	require.NoError(t, err)
	assert.True(t, report(t, moved, april, "placed").Building)
	_, err = moved.Tick(as(operator), noon, 100)
	require.NoError(t, err)

	f := report(t, moved, april, "placed")
	assert.Equal(t, int64(1), figure(t, f, "placed", "").Numerator)
	assert.Equal(t, map[string]int64{"test": 1}, f.Apart)
	fresh, own := open(t, Terms{Least: 1, Zone: shanghai, Tests: []platform.ID{customer(2)}}, Ports{}, sold(1, midnight, 100), sold(2, midnight, 100))
	_, err = fresh.Tick(as(operator), noon, 100)
	require.NoError(t, err)
	left := folded(t, db)
	maps.DeleteFunc(left, func(_ platform.Ref, doc string) bool { return !strings.Contains(doc, moved.mark()) })
	for ref, doc := range left {
		left[ref] = strings.Replace(doc, moved.mark(), fresh.mark(), 1) // the round
	}
	assert.Equal(t, folded(t, own), left)

	before := report(t, s, march)
	back := New(platform.Writer{Store: db}, StoreOn(db), Ports{}, &Terms{Least: 1})
	_, err = back.Tick(as(operator), noon, 100)
	require.NoError(t, err)
	again := report(t, back, march)
	assert.Equal(t, int64(2*5), again.Revision, "two orders of five events; days that no round in between touched count once")
	assert.Equal(t, int64(2), figure(t, again, "placed", "").Numerator)
	assert.True(t, before.Building)
}

// TestManyPublishersFoldOnce: relays of several processes share the days.
func TestManyPublishersFoldOnce(t *testing.T) {
	t.Parallel()
	s, _ := open(t, Terms{Least: 1}, Ports{})
	done := make(chan error, 8)
	for n := range cap(done) {
		go func() {
			done <- s.Publish(as(operator), slices.Concat(sold(n/2, noon, 100).events, sold(50, noon, 100).events))
		}()
	}
	for range cap(done) {
		require.NoError(t, <-done)
	}
	f := report(t, s, march, "placed")
	assert.Equal(t, int64(5), figure(t, f, "placed", "").Numerator)
	assert.Equal(t, int64(5*5*3), f.Revision)
}
