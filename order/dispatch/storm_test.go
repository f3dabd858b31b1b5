package dispatch

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/staff"
)

// TestStormLeavesEverythingInPlace lets planners, ticks, members and the end of
// orders run into each other. Everybody gets a true answer, and what is left
// agrees: seats, offers, searches and quotas.
func TestStormLeavesEverythingInPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Policy) { p.FanOut = 2 })
	var members, orders []platform.ID
	for range 6 {
		members = append(members, w.member(&station))
	}
	for i := range 12 {
		orders = append(orders, w.order(starts(time.Duration(i%3)*20*time.Minute)))
	}
	expected := func(err error) error {
		if errors.Is(err, platform.ErrState) {
			return nil
		}
		return err
	}
	answer := func(i int) error {
		for _, order := range orders {
			for _, a := range w.all(order) {
				if a.State != Offered || a.Member != members[i%len(members)] {
					continue
				}
				err := w.accept(a)
				if i%3 == 0 {
					_, err = w.Decline(as(a.Member), Decline{Assignment: a.ID, Reason: "break"})
				}
				if expected(err) != nil {
					return err
				}
			}
		}
		return nil
	}

	for range 4 {
		for _, err := range together(24, func(i int) error {
			switch i % 4 {
			case 0:
				_, err := w.Dispatch(w.ctx, Dispatch{Orders: orders})
				return err
			case 1:
				_, err := w.Tick(context.Background(), w.now(), 0)
				return err
			case 2:
				return answer(i)
			}
			_, err := w.DispatchOrder(w.ctx, DispatchOrder{Order: orders[i%len(orders)]})
			return expected(err)
		}) {
			require.NoError(t, err)
		}
		w.later(30 * time.Second)
	}
	require.NoError(t, w.end(orders[0]))
	w.later(time.Hour)
	w.tick()

	open, holders := map[platform.ID]int64{}, 0
	for _, order := range orders[1:] {
		var holder platform.ID
		for _, a := range w.all(order) {
			if a.State == Offered {
				open[a.Member]++
			}
			if a.State.Holds() {
				require.Empty(t, holder, "two in one seat")
				holder = a.ID
				holders++
				reasons, err := w.staff.Reasons(w.ctx, staff.Ask{Member: a.Member, From: a.From, Until: a.Until})
				require.NoError(t, err)
				assert.Contains(t, reasons, "overlap", "who holds a seat is booked")
			}
		}
		assert.Equal(t, holder, w.seat(order, 1))
	}
	assert.Positive(t, holders)
	for _, m := range members {
		assert.Equal(t, open[m], w.room(m))
	}
}
