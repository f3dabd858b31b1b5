package risk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
)

func TestAnAlertNamesWhomItCalls(t *testing.T) {
	t.Parallel()
	h := opened(t)

	a := h.firing(t)
	assert.Equal(t, []platform.Ref{duty}, a.Calls)
	assert.Equal(t, Warning, a.Level)
	assert.Equal(t, "care", a.Owner)

	h.run(t, 1, 25)
	a, err := h.Alert(as(auditor), a.ID)
	require.NoError(t, err)
	assert.Equal(t, Critical, a.Level)
	assert.Equal(t, []platform.Ref{head, duty}, a.Calls)
	assert.Equal(t, int64(25), a.Sample.Numerator)

	h.opts.Routes = nil
	assert.Equal(t, []platform.Ref{{Kind: "role", ID: "operator"}}, h.opts.calls("refund_rate", Warning), "the last resort")
}

func TestAnAlertIsRaisedOnceByParallelTicks(t *testing.T) {
	t.Parallel()
	h := opened(t, func(i *Indicator) { i.For = new(time.Duration(0)) })
	h.dial.turn(30, 100, nil)
	var group sync.WaitGroup
	var fired atomic.Int64
	for range 32 {
		group.Go(func() {
			n, err := h.Tick(context.Background(), noon, 0)
			assert.NoError(t, err)
			fired.Add(int64(n))
		})
	}
	group.Wait()

	all := h.alerts(t, AlertFiring)
	require.Len(t, all, 1)
	assert.Len(t, all[0].Notices, 1)
	assert.Len(t, h.bell.texts(), 1)
	assert.Equal(t, int64(2), fired.Load(), "one sample and one notice")
	assert.Equal(t, 1, h.count(t, "alert.fired"))
	assert.Equal(t, 1, h.count(t, "indicator.sampled"))
}

// count is how many events of the type there are.
func (h *house) count(t testing.TB, what string) int {
	t.Helper()
	page, err := platform.List[platform.Event](t.Context(), h.db, platform.Query{Kind: "event", By: []string{"type", "id"}, Equal: []any{what}, Limit: 500})
	require.NoError(t, err)
	return len(page.Items)
}

func TestAnAlertResolvesItself(t *testing.T) {
	t.Parallel()
	h := opened(t)
	a := h.firing(t)

	h.run(t, 11, 0)

	a, err := h.Alert(as(operator), a.ID)
	require.NoError(t, err)
	assert.Equal(t, AlertResolved, a.State)
	assert.Equal(t, platform.ID("system:risk"), a.EndedBy)
	g, err := h.Gauge(as(operator), "refund_rate")
	require.NoError(t, err)
	assert.Empty(t, g.Alert)
	assert.Equal(t, Inactive, g.Condition.Phase)
	assert.ElementsMatch(t, []string{
		"fired: warning: indicator refund_rate is 0.12 (12/100, owner care)",
		"resolved: warning: indicator refund_rate is 0.12 (12/100, owner care)",
	}, h.bell.texts())
}

func TestARestartKeepsTheAlert(t *testing.T) {
	t.Parallel()
	h := opened(t)
	a := h.firing(t)
	again, err := New(platform.Writer{Store: h.db, Now: h.now}, StoreOn(h.db), h.ports, &h.opts)
	require.NoError(t, err)
	h.Service = again

	h.run(t, 5, 12)
	assert.Len(t, h.alerts(t, AlertFiring), 1)
	assert.Len(t, h.bell.texts(), 1)
	h.run(t, 11, 0)
	a, err = h.Alert(as(operator), a.ID)
	require.NoError(t, err)
	assert.Equal(t, AlertResolved, a.State)
}

func TestWhatIsNotMeasuredRaisesAnAlert(t *testing.T) {
	t.Parallel()
	h := opened(t)
	h.run(t, 1, 0)
	h.dial.turn(0, 0, errors.New("meter is down"))
	for minute := range 6 {
		_, err := h.Tick(t.Context(), h.now().Add(time.Duration(minute+1)*time.Minute), 0)
		require.ErrorContains(t, err, "meter is down")
	}
	all := h.alerts(t, AlertFiring)
	require.Len(t, all, 1)
	assert.True(t, all[0].Dark)
	assert.Contains(t, all[0].Explain("en"), "no samples")

	h.clock = h.clock.Add(6 * time.Minute)
	h.run(t, 1, 0)
	assert.Empty(t, h.alerts(t, AlertFiring))
	assert.Len(t, h.alerts(t, AlertResolved), 1)
}

func TestNoMeterIsNoSample(t *testing.T) {
	t.Parallel()
	h := opened(t)
	h.ports.Meter = nil
	_, err := h.Tick(t.Context(), noon, 0)
	require.ErrorIs(t, err, ErrUnmeasured)
	h.ports.Meter = h.dial
	h.dial.turn(1, -1, nil)
	_, err = h.Tick(t.Context(), noon.Add(time.Minute), 0)
	require.ErrorIs(t, err, ErrUnmeasured)
}

func TestAlertMoves(t *testing.T) {
	t.Parallel()
	states := []State{AlertFiring, AlertAcknowledged, AlertResolved, AlertFalse}
	open := map[State]map[platform.ActorKind][]string{
		AlertFiring:       {platform.Operator: {"acknowledge", "resolve", "dismiss"}, platform.System: {"resolve"}},
		AlertAcknowledged: {platform.Operator: {"resolve", "dismiss"}, platform.System: {"resolve"}},
	}
	for _, state := range states {
		for _, by := range []platform.ActorKind{platform.Customer, platform.Merchant, platform.Staff, platform.Operator, platform.System, platform.Auditor} {
			assert.Equal(t, open[state][by], Alert{State: state}.Open(by), "%s by %s", state, by)
		}
	}
	_, err := Alert{State: AlertAcknowledged}.Acknowledge(operator, noon)
	require.ErrorIs(t, err, ErrNotAcknowledgeable)
	for _, ended := range states[2:] {
		for _, outcome := range states[2:] {
			_, err := Alert{State: ended}.Resolve(outcome, "x", operator, noon)
			require.ErrorIs(t, err, ErrEnded)
		}
	}
	_, err = Alert{State: AlertFiring}.Acknowledge(auditor, noon)
	require.ErrorIs(t, err, platform.ErrDenied)
}

func TestOneOfManyAcknowledges(t *testing.T) {
	t.Parallel()
	h := opened(t)
	a := h.firing(t)
	var group sync.WaitGroup
	var taken, late atomic.Int64
	for range 16 {
		group.Go(func() {
			switch _, err := h.Acknowledge(as(operator), Acknowledge{Alert: a.ID}); {
			case err == nil:
				taken.Add(1)
			case errors.Is(err, ErrNotAcknowledgeable):
				late.Add(1)
			}
		})
	}
	group.Wait()
	assert.Equal(t, int64(1), taken.Load())
	assert.Equal(t, int64(15), late.Load())
	a, err := h.Alert(as(operator), a.ID)
	require.NoError(t, err)
	assert.Equal(t, operator.ID, a.AcknowledgedBy)
}

func TestWhatIsEndedByHandFiresAgainIfItGoesOn(t *testing.T) {
	t.Parallel()
	h := opened(t)
	first := h.firing(t)
	ended, err := h.Resolve(as(operator), Resolve{Alert: first.ID, Outcome: AlertFalse, Reason: "campaign"})
	require.NoError(t, err)
	assert.Equal(t, AlertFalse, ended.State)
	_, err = h.Resolve(as(operator), Resolve{Alert: first.ID, Outcome: AlertResolved, Reason: "again"})
	require.ErrorIs(t, err, ErrEnded)

	h.run(t, 4, 12)
	assert.Empty(t, h.alerts(t, AlertFiring))
	h.run(t, 2, 12)
	all := h.alerts(t, AlertFiring)
	require.Len(t, all, 1)
	assert.NotEqual(t, first.ID, all[0].ID)
}

func TestADarkAlertEndedByHandStaysEndedUntilASample(t *testing.T) {
	t.Parallel()
	h := opened(t)
	h.dial.turn(0, 0, platform.ErrUnavailable)
	tick := func() {
		h.clock = h.clock.Add(time.Minute)
		_, err := h.Tick(t.Context(), h.clock, 0)
		require.ErrorIs(t, err, platform.ErrUnavailable)
	}
	for range 6 {
		tick()
	}
	all := h.alerts(t, AlertFiring)
	require.Len(t, all, 1)
	_, err := h.Resolve(as(operator), Resolve{Alert: all[0].ID, Outcome: AlertResolved, Reason: "maintenance"})
	require.NoError(t, err)
	for range 6 {
		tick()
	}
	assert.Empty(t, h.alerts(t, AlertFiring))
	h.run(t, 1, 0)
	for range 6 {
		h.dial.turn(0, 0, platform.ErrUnavailable)
		tick()
	}
	assert.Len(t, h.alerts(t, AlertFiring), 1)
}

func TestBadCommandsAreRefused(t *testing.T) {
	t.Parallel()
	h := opened(t)
	a := h.firing(t)
	for _, row := range []struct {
		in   Resolve
		code string
	}{
		{Resolve{Outcome: AlertResolved, Reason: "x"}, "field.required"},
		{Resolve{Alert: "ord_1", Outcome: AlertResolved, Reason: "x"}, "id.malformed"},
		{Resolve{Alert: gaugeID("x"), Outcome: AlertResolved, Reason: "x"}, "id.wrong_kind"},
		{Resolve{Alert: a.ID, Outcome: AlertFiring, Reason: "x"}, "field.oneof"},
		{Resolve{Alert: a.ID, Outcome: AlertResolved}, "field.required"},
		{Resolve{Alert: a.ID, Outcome: AlertResolved, Reason: "a\x01"}, "text.control"},
		{Resolve{Alert: platform.NewID("alr", noon, 1, 1), Outcome: AlertResolved, Reason: "x"}, "risk.alert.not_found"},
	} {
		_, err := h.Resolve(as(operator), row.in)
		require.Error(t, err)
		assert.Equal(t, row.code, platform.Code(err), row.in)
	}
	_, err := h.Acknowledge(as(customer), Acknowledge{Alert: a.ID})
	require.ErrorIs(t, err, platform.ErrNotFound, "not for a customer's eyes")
	_, err = h.Acknowledge(context.Background(), Acknowledge{Alert: a.ID})
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = h.Alerts(as(customer), AlertFiring, "", 0)
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = h.Gauge(as(customer), "refund_rate")
	require.ErrorIs(t, err, platform.ErrNotFound)
}

func TestAnotherTenantFindsNothing(t *testing.T) {
	t.Parallel()
	h := opened(t)
	a := h.firing(t)
	foreign := as(platform.Actor{ID: operator.ID, Kind: platform.Operator, Tenant: "other"})
	for name, call := range map[string]func() error{
		"alert":       func() error { _, err := h.Alert(foreign, a.ID); return err },
		"alerts":      func() error { _, err := h.Alerts(foreign, AlertFiring, "", 0); return err },
		"gauge":       func() error { _, err := h.Gauge(foreign, "refund_rate"); return err },
		"acknowledge": func() error { _, err := h.Acknowledge(foreign, Acknowledge{Alert: a.ID}); return err },
		"resolve": func() error {
			_, err := h.Resolve(foreign, Resolve{Alert: a.ID, Outcome: AlertFalse, Reason: "x"})
			return err
		},
	} {
		require.ErrorIs(t, call(), platform.ErrNotFound, name)
		assert.Equal(t, "tenant.not_found", platform.Code(call()), name)
	}
}

func TestEachIndicatorKeepsItsOwnPeriod(t *testing.T) {
	t.Parallel()
	db := memory.New(Kinds(), nil)
	var all []Indicator
	for n := range 700 { // more than a page of gauges
		all = append(all, refunds(func(i *Indicator) { i.Name, i.Period = fmt.Sprint("i", n), time.Duration(n%3+1)*time.Minute }))
	}
	s, err := New(platform.Writer{Store: db}, StoreOn(db), Ports{Meter: &dial{d: 100}}, &Options{Indicators: all})
	require.NoError(t, err)
	for minute, want := range []int{700, 234, 467, 467} { // periods of 1, 2 and 3 minutes: 234, 233, 233
		now := noon.Add(time.Duration(minute) * time.Minute)
		n, err := s.Tick(t.Context(), now, 5000)
		require.NoError(t, err)
		assert.Equal(t, want, n, "minute %d", minute)
		n, err = s.Tick(t.Context(), now.Add(59*time.Second), 5000)
		require.NoError(t, err)
		assert.Zero(t, n)
	}
}

func TestAlertsComeInPages(t *testing.T) {
	t.Parallel()
	h := opened(t)
	for range 5 {
		a := h.firing(t)
		_, err := h.Resolve(as(operator), Resolve{Alert: a.ID, Outcome: AlertResolved, Reason: "done"})
		require.NoError(t, err)
	}
	var seen []time.Time
	for cursor := ""; ; {
		page, err := h.Alerts(as(operator), AlertResolved, cursor, 2)
		require.NoError(t, err)
		for _, a := range page.Items {
			seen = append(seen, a.FiredAt)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	require.Len(t, seen, 5)
	for i := 1; i < len(seen); i++ {
		assert.True(t, seen[i].Before(seen[i-1]), "newest first")
	}
}
