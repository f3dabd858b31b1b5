package market_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
)

// choosy is a sink that will never take an event, until it is asked to.
type choosy struct {
	mu   sync.Mutex
	open bool
	took map[platform.ID]int
}

func (c *choosy) Publish(_ context.Context, events []platform.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.open {
		return store.ErrHopeless
	}
	for _, e := range events {
		c.took[e.ID]++
	}
	return nil
}

func TestAnOperatorDecidesOnWhatWasGivenUp(t *testing.T) {
	t.Parallel()
	db := memory.New(market.Kinds(), nil)
	m, err := market.Open(db, nil)
	require.NoError(t, err)
	sink := &choosy{took: map[platform.ID]int{}}
	m.Follow("accounts", sink)
	cast, err := m.Demo(t.Context())
	require.NoError(t, err)
	require.ErrorIs(t, m.Relay(t.Context()), store.ErrParked)
	operator := platform.As(t.Context(), cast.Operator)
	page, err := m.Parked(operator, "", 2)
	require.NoError(t, err)
	require.Len(t, page.Items, 2)
	rest, err := m.Parked(operator, page.Next, 500)
	require.NoError(t, err)
	require.NotEmpty(t, rest.Items)
	assert.Less(t, page.Items[1].Event.ID, rest.Items[0].Event.ID)
	sink.open = true

	again, given := page.Items[0].Event.ID, page.Items[1].Event.ID
	errs := make([]error, 16) // sixteen windows, one effect
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			_, errs[i] = m.Resend(platform.WithKey(operator, "r1"), market.Resend{Event: again, Sink: "accounts"})
		})
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	_, err = m.Discard(operator, market.Discard{Event: given, Sink: "accounts", Reason: "not_needed"})
	require.NoError(t, err)
	require.Eventually(t, func() bool { // a sink that took nothing rests a while
		require.NoError(t, m.Relay(t.Context()))
		b, err := db.Backlog(t.Context())
		require.NoError(t, err)
		return b == store.Backlog{Parked: len(rest.Items)}
	}, time.Minute, 10*time.Millisecond)

	assert.Equal(t, 1, sink.took[again])
	assert.Zero(t, sink.took[given])
	for what, id := range map[string]platform.ID{"delivery.resent": again, "delivery.discarded": given} {
		events, err := platform.List[platform.Event](operator, db, platform.Query{Kind: "event", By: []string{"subject", "id"}, Equal: []any{platform.Ref{Kind: "event", ID: id}}})
		require.NoError(t, err)
		require.Len(t, events.Items, 1)
		assert.Equal(t, what, events.Items[0].Type)
		assert.Equal(t, cast.Operator.ID, events.Items[0].Actor.ID)
		assert.JSONEq(t, `{"sink":"accounts"}`, string(events.Items[0].Data))
	}
}

func TestOnlyWhatWasGivenUpIsDecidedOn(t *testing.T) {
	t.Parallel()
	m, err := market.Open(memory.New(market.Kinds(), nil), nil)
	require.NoError(t, err)
	m.Follow("accounts", &choosy{})
	cast, err := m.Demo(t.Context())
	require.NoError(t, err)
	require.ErrorIs(t, m.Relay(t.Context()), store.ErrParked)
	operator := platform.As(t.Context(), cast.Operator)
	page, err := m.Parked(operator, "", 1)
	require.NoError(t, err)
	event := page.Items[0].Event.ID
	for _, c := range []struct {
		by   platform.Actor
		give market.Resend
		want error
	}{
		{cast.Operator, market.Resend{Event: event, Sink: "nobody"}, market.ErrNotParked},
		{cast.Operator, market.Resend{Event: "evt_00000000000e008000000000000", Sink: "accounts"}, market.ErrNotParked},
		{cast.Operator, market.Resend{Event: "x", Sink: "accounts"}, platform.ErrState},
		{cast.Operator, market.Resend{Event: event}, platform.ErrInvalid},
		{cast.Customer, market.Resend{Event: event, Sink: "accounts"}, platform.ErrDenied},
		{cast.Staff, market.Resend{Event: event, Sink: "accounts"}, platform.ErrDenied},
	} {
		_, err := m.Resend(platform.As(t.Context(), c.by), c.give)
		require.ErrorIs(t, err, c.want, "%+v", c.give)
	}
	for cursor, want := range map[string]error{"x": store.ErrCursor, "evt_1@accounts": store.ErrCursor, string(event): store.ErrCursor} {
		_, err := m.Parked(operator, cursor, 0)
		require.ErrorIs(t, err, want, cursor)
	}
	_, err = m.Parked(operator, "", 501)
	require.ErrorIs(t, err, store.ErrLimit)
	_, err = m.Discard(operator, market.Discard{Event: event, Sink: "accounts"})
	require.ErrorIs(t, err, platform.ErrInvalid, "a reason is demanded")
}

func TestAnswersAreKeptForThirtyDays(t *testing.T) {
	t.Parallel()
	m, err := market.Open(memory.New(market.Kinds(), nil), nil)
	require.NoError(t, err)
	_, err = m.Demo(t.Context())
	require.NoError(t, err)
	n, err := m.Sweep(t.Context())
	require.NoError(t, err)
	assert.Zero(t, n)
}
