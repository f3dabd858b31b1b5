package market

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/insight"
	"github.com/liangding/platform/store/memory"
)

// TestAnIndicatorWatchesAMeasure: what insight measures is a metric of risk.
func TestAnIndicatorWatchesAMeasure(t *testing.T) {
	t.Parallel()
	m, err := Open(memory.New(Kinds(), nil), nil)
	require.NoError(t, err)
	cast, err := m.Demo(t.Context())
	require.NoError(t, err)
	for range 3 {
		in := order.Place{Lines: []order.PlaceLine{{Listing: cast.Listing, Quantity: 1}}, Total: cast.Price}
		_, err := m.Orders.Place(platform.As(t.Context(), cast.Customer), in)
		require.NoError(t, err)
	}
	require.NoError(t, m.Relay(t.Context()))
	meter, now := window{nil, m}, m.Writer.Now().Add(time.Minute)

	n, d, err := meter.Measure(t.Context(), "insight:placed", now.Add(-time.Hour), now)
	require.NoError(t, err)
	assert.Equal(t, [2]int64{3, 1}, [2]int64{n, d}, "nothing is kept back from the platform's own rules")
	_, _, err = meter.Measure(t.Context(), "insight:sales", now.Add(-time.Hour), now)
	require.ErrorIs(t, err, insight.ErrMeasure)
}
