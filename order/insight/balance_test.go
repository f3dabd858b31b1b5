package insight

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

type roster struct{}

// OnDuty is three members of the north, in the morning.
func (roster) OnDuty(_ context.Context, zone platform.ID, _ []string, from, until time.Time) ([]platform.ID, error) {
	if zone != north || from.Hour() >= 12 || until.Sub(from) != time.Hour {
		return nil, nil
	}
	return []platform.ID{"a", "b", "c"}, nil
}

// wanted is an order of seats in the north, at an hour of a day so many weeks ago.
func wanted(n, weeks, hour, seats int) *story {
	at := noon.Truncate(day).AddDate(0, 0, -7*weeks).Add(time.Duration(hour) * time.Hour)
	return order(n).then("order.placed", at.Add(-day), data{"amount": cny(100), "seats": seats, "zone": north, "planned_start": at}).then("order.confirmed", at.Add(-day))
}

func TestBalanceIsByZoneAndHour(t *testing.T) {
	t.Parallel()
	var stories []*story
	n := 0
	add := func(weeks, hour, seats, times int) {
		for range times {
			stories = append(stories, wanted(n, weeks, hour, seats))
			n++
		}
	}
	for week := 1; week <= 12; week++ { // every week four seats at nine, six in odd weeks
		add(week, 9, 2, 2+week%2)
	}
	add(0, 9, 1, 12) // today twelve
	add(0, 15, 3, 2) // and two orders in the afternoon, for the first time
	stories = append(stories, wanted(n, 0, 9, 5).then("order.cancelled", noon))
	s := measured(t, Terms{}, Ports{Roster: roster{}}, stories...)

	b, err := s.Balance(as(operator), platform.Ref{}, "2026-03-02")
	require.NoError(t, err)
	require.Len(t, b.Hours, 2)
	nine, fifteen := b.Hours[0], b.Hours[1]
	assert.Equal(t, []any{north, 9, int64(12), int64(4)}, []any{nine.Zone, nine.Hour, nine.Seats.Numerator, nine.Forecast.Numerator})
	assert.Equal(t, int64(40), nine.Forecast.N)
	assert.Equal(t, int64(3), *nine.Eligible)
	assert.True(t, fifteen.Seats.Suppressed, "two persons")
	assert.Zero(t, fifteen.Forecast.N)
	assert.Zero(t, *fifteen.Eligible)
	assert.Equal(t, int64(4), b.Errors)
	assert.InDelta(t, (2.0/6+0+2.0/6+0)/4, b.Error, 1e-12, "four was expected each time")

	alone, err := measured(t, Terms{}, Ports{}, stories...).Balance(as(operator), platform.Ref{Kind: "zone", ID: "zon_else"}, "2026-03-02")
	require.NoError(t, err)
	assert.Empty(t, alone.Hours)
	_, err = s.Balance(as(operator), platform.Ref{}, "monday")
	require.ErrorIs(t, err, ErrWindow)
	_, err = s.Balance(as(buyer), platform.Ref{}, "2026-03-02")
	require.ErrorIs(t, err, platform.ErrDenied)
}
