package market_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/risk"
	"github.com/liangding/platform/security/access"
)

// TestAnUnreviewedBreakCallsSomebody: it is an alert at once.
func TestAnUnreviewedBreakCallsSomebody(t *testing.T) {
	t.Parallel()
	s := staged(t)
	o, err := s.Orders.Place(s.as(s.cast.Customer), order.Place{
		Lines: []order.PlaceLine{{Listing: s.cast.Listing, Quantity: 1}}, Total: s.cast.Price, Note: "the key is under the mat",
	})
	require.NoError(t, err)
	g, err := s.Access.Propose(s.as(s.cast.Operator), access.Propose{Account: s.Writer.NewRoot(t.Context(), "opr"), Role: "service", Reason: "cover"})
	require.NoError(t, err)
	_, err = s.Access.Activate(s.as(s.cast.Second), access.Activate{Grant: g.ID})
	require.NoError(t, err)
	clerk, err := s.Access.Actor(t.Context(), g.Account, platform.Operator)
	require.NoError(t, err)
	b, err := s.Access.Request(s.as(clerk), access.Request{On: o.Ref(), Fields: []string{"note"}, Purpose: "dispute", Reason: "accident"})
	require.NoError(t, err)
	_, err = s.Access.Approve(s.as(s.cast.Second), access.Approve{Break: b.ID})
	require.NoError(t, err)
	_, _, err = s.Reveal(s.as(clerk), market.Reveal{Record: o.Ref(), Field: "note", Purpose: "dispute", Reason: "accident"})
	require.NoError(t, err)
	firing := func() (names []string) {
		page, err := s.Risk.Alerts(s.as(s.cast.Operator), risk.AlertFiring, "", 0)
		require.NoError(t, err)
		for _, a := range page.Items {
			names = append(names, a.Indicator+" "+string(a.Level))
		}
		return names
	}
	s.tick(time.Minute)
	require.Empty(t, firing())

	s.tick(4 * 24 * time.Hour) // past the next business day
	s.tick(time.Minute)

	assert.Contains(t, firing(), "break_unreviewed critical")
}
