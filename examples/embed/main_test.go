package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store/storetest/pgserver"
)

var server = pgserver.Server{Settings: []string{"fsync=on", "synchronous_commit=on"}}

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

func TestBothAreThereOrNeitherIs(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, run(t.Context(), server.Database(t), &out))
	assert.Equal(t, "rolled back: 0 orders, 0 stays (the room is taken)\ncommitted: 1 orders, 1 stays\n", out.String())
}

func TestARepeatInAnotherTransactionIsTheSameOrder(t *testing.T) {
	t.Parallel()
	h, err := open(t.Context(), server.Database(t))
	require.NoError(t, err)
	defer h.close()
	first, err := h.book(t.Context(), "guest-1", "room 7", nil)
	require.NoError(t, err)

	again, err := h.book(t.Context(), "guest-1", "room 7", nil)
	require.NoError(t, err)

	assert.Equal(t, first.ID, again.ID)
	var out strings.Builder
	require.NoError(t, h.tell(t.Context(), &out, "now", nil))
	assert.Equal(t, "now: 1 orders, 1 stays\n", out.String())
	known, err := h.market.Orders.Order(platform.As(t.Context(), h.cast.Customer), first.ID)
	require.NoError(t, err, "the services outside see what was committed")
	assert.Equal(t, order.AwaitingPayment, known.State)
}
