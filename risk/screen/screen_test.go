package screen

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
)

func TestOutcomesFollowAmountAndPoints(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		amount, outcome string
		score           int
		hits            []string
	}{
		{"0", "allow", 0, nil},
		{"500", "allow", 0, nil}, // at the limit is not above it
		{"500.01", "review", 20, []string{"high"}},
		{"1000.01", "block", 20, []string{"most", "high"}},
		{"2000.01", "block", 40, []string{"most", "high", "much"}},
	} {
		h := opened(t)
		outcome, changes, err := h.Screen(t.Context(), h.event(of(row.amount)))
		require.NoError(t, err)
		d := decided(t, changes)
		var hits []string
		for _, r := range d.Reasons {
			hits = append(hits, r.Rule)
		}
		assert.Equal(t, row.outcome, outcome, row.amount)
		assert.Equal(t, row.score, d.Score)
		assert.Equal(t, row.hits, hits)
		assert.Equal(t, h.rules.Hash(), d.Ruleset)
	}
}

func TestStepUpIsToldAsBlock(t *testing.T) {
	t.Parallel()
	h := opened(t, func(r *Rules) { r.Rules[1].Points = 10 })

	outcome, changes, err := h.Screen(t.Context(), h.event(of("600")))

	require.NoError(t, err)
	assert.Equal(t, "block", outcome)
	assert.Equal(t, StepUp, decided(t, changes).Outcome)
	assert.Equal(t, "screen.stepped_up", changes[1].Value.(platform.Event).Type)
}

func TestExactlyTheLimitPassesInParallel(t *testing.T) {
	t.Parallel()
	h := opened(t)
	var group sync.WaitGroup
	outcomes := make([]string, 64)
	for i := range outcomes {
		ev := h.event(of("1"))
		ev.At = noon.Add(time.Duration(i%7) * time.Millisecond) // clocks differ a little
		group.Go(func() {
			outcome, err := commit(context.Background(), h.Service, h.writer(), ev)
			if err != nil && !errors.Is(err, errBlocked) {
				outcome = err.Error()
			}
			outcomes[i] = outcome
		})
	}
	group.Wait()

	tally := map[string]int{}
	for _, o := range outcomes {
		tally[o]++
	}
	assert.Equal(t, map[string]int{"allow": 10, "block": 54}, tally)
}

func TestOneEventInParallelIsCountedOnce(t *testing.T) {
	t.Parallel()
	h := opened(t)
	ev := h.event()
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			outcome, _, err := h.Screen(context.Background(), ev)
			assert.NoError(t, err)
			assert.Equal(t, "allow", outcome)
		})
	}
	group.Wait()
	for range 9 {
		require.Equal(t, "allow", h.commit(t, h.event()))
	}
	assert.Equal(t, "block", h.commit(t, h.event()))
}

func TestARepeatGetsTheStoredDecision(t *testing.T) {
	t.Parallel()
	h := opened(t)
	first := h.event(of("900"))
	require.Equal(t, "review", h.commit(t, first))
	for range 12 {
		h.commit(t, h.event(of("1")))
	}

	for _, s := range []*Service{h.Service, h.again()} {
		outcome, changes, err := s.Screen(t.Context(), first)
		require.NoError(t, err)
		assert.Equal(t, "review", outcome, "as it was, though the window is full by now")
		assert.Empty(t, changes)
	}
	other := first
	of("1")(&other)
	_, _, err := h.Screen(t.Context(), other)
	require.ErrorIs(t, err, ErrReused)
}

func TestARepeatBeforeAnythingWasStored(t *testing.T) {
	t.Parallel()
	h := opened(t)
	ev := h.event(of("10"))
	_, first, err := h.Screen(t.Context(), ev)
	require.NoError(t, err)

	_, again, err := h.Screen(t.Context(), ev)
	require.NoError(t, err)
	assert.Equal(t, first, again)

	of("5000")(&ev) // a client that keeps its key and raises the amount
	outcome, changes, err := h.Screen(t.Context(), ev)
	require.NoError(t, err)
	assert.Equal(t, "block", outcome)
	assert.Equal(t, platform.MustMoney("5000", "CNY"), decided(t, changes).Facts.Amount)
}

func TestWindowsSurviveARestart(t *testing.T) {
	t.Parallel()
	h := opened(t)
	for range 10 {
		require.Equal(t, "allow", h.commit(t, h.event()))
	}

	h.Service = h.again()
	require.Equal(t, "block", h.commit(t, h.event()), "blocked attempts count too")

	h.Service = h.again()
	h.pass(59 * time.Minute)
	require.Equal(t, "block", h.commit(t, h.event()))
	h.pass(2 * time.Minute)
	outcome, changes, err := h.Screen(t.Context(), h.event())
	require.NoError(t, err)
	assert.Equal(t, "allow", outcome, decided(t, changes).Explain("en"))
}

func TestAnEvictedKeyIsReadBack(t *testing.T) {
	t.Parallel()
	h := opened(t)
	h.windows = newWindows(1) // one key a shard
	for range 10 {
		require.Equal(t, "allow", h.commit(t, h.event()))
	}
	for i := range 1500 { // others push it out
		ev := h.event(data(fmt.Sprintf(`{"customer":"cus-%d","amount":{"amount":"1","currency":"CNY"}}`, i)))
		_, _, err := h.Screen(t.Context(), ev)
		require.NoError(t, err)
	}
	assert.Equal(t, "block", h.commit(t, h.event()))
}

// TestRestartChangesNoDecision: a service that is replaced at any moment decides
// as one that never was, over any sequence of attempts that are committed.
func TestRestartChangesNoDecision(t *testing.T) {
	t.Parallel()
	first := opened(t)
	rapid.Check(t, func(rt *rapid.T) {
		steady, restarted := first.empty(), first.empty()
		for range rapid.IntRange(1, 45).Draw(rt, "attempts") {
			gap := time.Duration(rapid.IntRange(0, 20).Draw(rt, "minutes")) * time.Minute
			amount := strconv.Itoa(rapid.IntRange(1, 1100).Draw(rt, "amount"))
			steady.pass(gap)
			restarted.pass(gap)
			if rapid.IntRange(0, 4).Draw(rt, "restart") == 0 {
				restarted.Service = restarted.again()
			}
			ev := steady.event(of(amount))
			require.Equal(rt, steady.commit(t, ev), restarted.commit(t, ev))
		}
	})
}

// TestAHistoryKnowsItsWindow compares with a list of everything.
func TestAHistoryKnowsItsWindow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := history{warm: true}
		var all []attempt
		for i := range rapid.IntRange(1, 80).Draw(rt, "n") {
			a := attempt{event: platform.NewID("evt", noon, 0, uint64(i)), at: noon.Add(time.Duration(rapid.IntRange(0, 100).Draw(rt, "at")) * time.Second)}
			all = append(all, a)
			h.add(a)
		}
		from := noon.Add(time.Duration(rapid.IntRange(-1, 100).Draw(rt, "from")) * time.Second)
		want := 0
		for _, a := range all {
			if a.at.After(from) {
				want++
			}
		}
		got, more := h.since(from)
		if more {
			require.Len(rt, got, kept)
			require.Greater(rt, want, kept)
		} else {
			require.Len(rt, got, want)
		}
	})
}

func TestASumThatCannotBeKnownIsNotTakenForSmall(t *testing.T) {
	t.Parallel()
	many := func(r *Rules) {
		r.Policies[0].Failure = "review"
		r.Rules = r.Rules[3:4]
	}
	h := opened(t, many)
	for range 32 {
		require.Equal(t, "allow", h.commit(t, h.event(of("10"))))
	}
	outcome, changes, err := h.Screen(t.Context(), h.event(of("10")))
	require.NoError(t, err)
	assert.Equal(t, "review", outcome)
	assert.Equal(t, []string{"unknown:much"}, decided(t, changes).Failures)

	outcome, changes, err = h.Screen(t.Context(), h.event(of("1900")))
	require.NoError(t, err)
	assert.Equal(t, "review", outcome)
	assert.Len(t, decided(t, changes).Reasons, 1, "32 newest alone are too much")
}

func TestBadFactsAreMissingAndNeverZero(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ event, data, outcome, failure string }{
		{"order.place", `{`, "allow", "facts.unreadable"},
		{"order.place", ``, "allow", "facts.unreadable"},
		{"order.place", `{"customer":"cus-1","amount":{"amount":"-1","currency":"CNY"}}`, "allow", "amount.missing"},
		{"order.place", `{"customer":"cus-1","amount":{"amount":"1","currency":"XXX"}}`, "allow", "amount.missing"},
		{"order.place", `{"customer":"cus-1","amount":{"amount":"99999999999999999999","currency":"CNY"}}`, "allow", "amount.missing"},
		{"order.place", `{"customer":"cus-1","amount":12.5}`, "allow", "amount.missing"},
		{"order.place", `{"customer":"cus-1","amount":{"amount":"1","currency":"JPY"}}`, "allow", "unknown:most"},
		{"order.place", `{"customer":"c\u0000","amount":{"amount":"1","currency":"CNY"}}`, "allow", "customer.missing"},
		{"payment.pay", `{"customer":"cus-1"}`, "review", "unknown:paid"},
		{"payment.pay", `{"customer":"cus-1","amount":{"amount":"1","currency":"JPY"}}`, "review", "unknown:paid"},
		{"payout.send", `{"customer":"cus-1"}`, "block", "unknown:out"},
	} {
		h := opened(t)
		outcome, changes, err := h.Screen(t.Context(), h.event(kindOf(row.event), data(row.data)))
		require.NoError(t, err)
		d := decided(t, changes)
		assert.Equal(t, row.outcome, outcome, row.data)
		assert.Contains(t, d.Failures, row.failure, row.data)
		_, err = json.Marshal(d)
		require.NoError(t, err)
	}
}

func TestTimesOutOfRange(t *testing.T) {
	t.Parallel()
	h := opened(t)
	at := func(at time.Time) Decision {
		_, changes, err := h.Screen(t.Context(), h.event(func(ev *platform.Event) { ev.At = at }))
		require.NoError(t, err)
		return decided(t, changes)
	}
	d := at(noon.Add(6 * time.Minute))
	assert.Equal(t, noon, d.At)
	assert.Contains(t, d.Failures, "time.ahead")
	assert.Equal(t, noon, at(time.Time{}).At)

	d = at(noon.Add(-11 * time.Minute))
	assert.False(t, d.Counted)
	assert.Contains(t, d.Failures, "time.late")
	assert.True(t, at(noon.Add(-9*time.Minute)).Counted)
}

func TestEventsThatCannotBeScreened(t *testing.T) {
	t.Parallel()
	h := opened(t)
	_, _, err := h.Screen(t.Context(), h.event(kindOf("review.write")))
	require.ErrorIs(t, err, ErrNoPolicy)
	_, _, err = h.Screen(t.Context(), h.event(func(ev *platform.Event) { ev.ID = "evt-1" }))
	require.ErrorIs(t, err, ErrEvent)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = h.Screen(ctx, h.event())
	require.ErrorIs(t, err, context.Canceled)
}

// down is a store that does not answer, while off.
type down struct {
	Store
	off bool
}

func (d *down) Decision(ctx context.Context, id platform.ID) (Decision, error) {
	if d.off {
		return Decision{}, platform.ErrUnavailable
	}
	return d.Store.Decision(ctx, id)
}

func (d *down) Decisions(ctx context.Context, q platform.Query) (platform.Page[Decision], error) {
	if d.off {
		return platform.Page[Decision]{}, platform.ErrUnavailable
	}
	return d.Store.Decisions(ctx, q)
}

func TestWithoutTheStoreThePolicyDecides(t *testing.T) {
	t.Parallel()
	h := opened(t)
	store := &down{Store: StoreOn(h.db), off: true}
	h.store = store
	for _, row := range []struct{ event, amount, outcome string }{
		{"order.place", "10", "allow"}, {"order.place", "1001", "block"},
		{"payment.pay", "200", "allow"}, {"payment.pay", "200.01", "review"}, {"payout.send", "1", "block"},
	} {
		outcome, changes, err := h.Screen(t.Context(), h.event(kindOf(row.event), of(row.amount)))
		require.NoError(t, err)
		assert.Equal(t, row.outcome, outcome, row)
		assert.Subset(t, decided(t, changes).Failures, []string{"store.unread", "window.unread"})
	}
	store.off = false // the two orders were counted all the same
	for range 8 {
		require.Equal(t, "allow", h.commit(t, h.event(of("1"))))
	}
	assert.Equal(t, "block", h.commit(t, h.event(of("1"))))
}

func TestWhatIsKnownWithoutTheStoreIsEnoughToBlock(t *testing.T) {
	t.Parallel()
	h := opened(t)
	h.store = &down{Store: StoreOn(h.db), off: true}
	for n := range 12 {
		outcome, changes, err := h.Screen(t.Context(), h.event(of("1")))
		require.NoError(t, err)
		assert.Equal(t, map[bool]string{true: "allow", false: "block"}[n < 10], outcome, "attempt %d", n+1)
		assert.Contains(t, decided(t, changes).Failures, "window.unread")
	}
}

// stalled is a store that answers no sooner than its reader has given up.
type stalled struct{ Store }

func (stalled) Decision(ctx context.Context, _ platform.ID) (Decision, error) {
	<-ctx.Done()
	return Decision{}, ctx.Err()
}

func (stalled) Decisions(ctx context.Context, _ platform.Query) (platform.Page[Decision], error) {
	<-ctx.Done()
	return platform.Page[Decision]{}, ctx.Err()
}

func TestAReadThatIsTooLateIsFlaggedAndOverturnsNothing(t *testing.T) {
	t.Parallel()
	h := opened(t, func(r *Rules) {
		for i := range r.Policies {
			r.Policies[i].Millis = 1
		}
	})
	many := h.event(of("1"))
	for range 10 {
		h.commit(t, h.event(of("1")))
	}
	require.Equal(t, "block", h.commit(t, many))

	slow := h.again()
	slow.store = stalled{}
	for _, row := range []struct{ event, amount, outcome string }{
		{"order.place", "10", "allow"}, {"order.place", "1001", "block"}, {"payment.pay", "200.01", "review"}, {"payout.send", "1", "block"},
	} {
		outcome, changes, err := slow.Screen(t.Context(), h.event(kindOf(row.event), of(row.amount)))
		require.NoError(t, err)
		assert.Equal(t, row.outcome, outcome, row)
		assert.Subset(t, decided(t, changes).Failures, []string{"store.unread", "window.unread"})
	}
	_, err := commit(t.Context(), slow, h.writer(), many)
	require.ErrorIs(t, err, platform.ErrConflict, "it was blocked, and stays so")
}

// TestStandardRulesDoNotDependOnTheMachine: a caller that waits gets the verdict
// of what is stored, however long a read takes.
func TestStandardRulesDoNotDependOnTheMachine(t *testing.T) {
	t.Parallel()
	for _, p := range Standard().Policies {
		assert.Zero(t, p.Millis, p.Event)
	}
	set, err := Standard().Compile()
	require.NoError(t, err)
	h := open(set)
	h.store = stalled{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = h.Screen(ctx, h.event())
	require.ErrorIs(t, err, context.Canceled, "no verdict without its facts")
}

func TestDecisionsAreForThoseWhoWatch(t *testing.T) {
	t.Parallel()
	h := opened(t)
	ev := h.event()
	h.commit(t, ev)
	id := ev.ID.As("dcs")

	d, err := h.Decision(platform.As(t.Context(), operator), id)
	require.NoError(t, err)
	assert.Equal(t, ev.ID, d.Event)
	_, err = h.Decision(platform.As(t.Context(), platform.Actor{ID: customer, Kind: platform.Customer}), id)
	require.ErrorIs(t, err, platform.ErrNotFound)
	assert.Equal(t, "screen.decision.not_found", platform.Code(err))
	_, err = h.Decision(platform.As(t.Context(), platform.Actor{ID: operator.ID, Kind: platform.Operator, Tenant: "other"}), id)
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = h.Decision(t.Context(), id)
	require.ErrorIs(t, err, platform.ErrDenied)
}

func TestExplainSaysEveryReason(t *testing.T) {
	t.Parallel()
	h := opened(t)
	_, changes, err := h.Screen(t.Context(), h.event(of("2500")))
	require.NoError(t, err)
	d := decided(t, changes)

	assert.Equal(t, `block with 40 points under rules version 7
most v1: amount is 2500.00 CNY, above 1000.00 CNY: block
high v2: amount is 2500.00 CNY, above 500.00 CNY: 20 points
much v1: total amount over 1440 minutes is 2500.00 CNY, above 2000.00 CNY: 20 points`, d.Explain("en"))
	assert.Contains(t, d.Explain("zh-CN"), "累计金额（1440 分钟内）为 2500.00 CNY，超过 2000.00 CNY：20 分")
	assert.Contains(t, Decision{Failures: []string{"store.unread"}}.Explain("en"), "not known: store.unread")
}
