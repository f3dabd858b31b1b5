package insight

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// of gives the story's order to another customer.
func (s *story) of(id platform.ID) *story {
	for i := range s.events {
		s.events[i].Data = []byte(strings.ReplaceAll(string(s.events[i].Data), string(s.customer), string(id)))
	}
	s.customer = id
	return s
}

func month(m int) time.Time { return time.Date(2026, time.Month(m), 10, 12, 0, 0, 0, time.UTC) }

func TestRetentionIsByCohort(t *testing.T) {
	t.Parallel()
	var stories []*story
	n := 0
	buys := func(who int, months ...int) {
		for _, m := range months {
			stories = append(stories, sold(n, month(m), 100).of(customer(1000+who)))
			n++
		}
	}
	for who := range 12 { // twelve begin in January: all come back in March, three of them in February
		buys(who, 1, 3)
	}
	for who := range 3 {
		buys(who, 2)
	}
	for who := range 4 { // four begin in February
		buys(100+who, 2, 3)
	}
	for who := range 10 { // ten in March, one of them twice
		buys(200+who, 3)
	}
	buys(200, 3) // on the same day: one checkout
	stories = append(stories, sold(n, month(3).AddDate(0, 0, 2), 100).of(customer(1201)))
	n++
	buys(300, 4) // too late
	s := measured(t, Terms{}, Ports{}, stories...)

	got, err := s.Retention(as(operator), platform.Ref{}, "2026-01", "2026-04")
	require.NoError(t, err)
	require.Len(t, got.Cohorts, 3)
	shown := func(c Cohort) (all [][2]int64) {
		for _, f := range c.Cells {
			all = append(all, [2]int64{f.Numerator, f.N})
		}
		return all
	}
	assert.Equal(t, [][2]int64{{12, 12}, {3, 12}, {12, 12}}, shown(got.Cohorts[0]))
	assert.True(t, got.Cohorts[1].Cells[1].Suppressed)
	assert.True(t, got.Cohorts[1].Repeat.Suppressed)
	assert.Equal(t, [][2]int64{{10, 10}}, shown(got.Cohorts[2]))
	assert.Equal(t, int64(1), got.Cohorts[2].Repeat.Numerator)
	assert.Equal(t, int64(12), got.Cohorts[0].Repeat.Numerator)
	assert.Equal(t, Wilson(3, 12), got.Cohorts[0].Cells[1].Interval)

	none, err := s.Retention(as(operator), platform.Ref{Kind: "merchant", ID: rival}, "2026-01", "2026-04")
	require.NoError(t, err)
	assert.Equal(t, [][2]int64{{0, 0}, {0, 0}, {0, 0}}, shown(none.Cohorts[0]))
	for _, months := range [][2]string{{"2026-04", "2026-04"}, {"2026", "2026-04"}, {"2026-01", "2026-04-01"}, {"2001-01", "2026-01"}} {
		_, err := s.Retention(as(operator), platform.Ref{}, months[0], months[1])
		require.ErrorIs(t, err, ErrWindow)
	}
	_, err = s.Retention(as(buyer), platform.Ref{}, "2026-01", "2026-04")
	require.ErrorIs(t, err, platform.ErrDenied)
}

func TestCustomersInThirds(t *testing.T) {
	t.Parallel()
	var stories []*story
	n := 0
	for who := range 36 { // the first twelve buy thrice, late and for much, and so on
		class := who / 12
		for k := range 3 - class {
			stories = append(stories, sold(n, month(6-2*class).Add(time.Duration(k)*time.Hour), int64(100_000/(10*class+1))).of(customer(1000+who)))
			n++
		}
	}
	stories = append(stories, sold(n, month(1), 5_000_000).of(customer(1))) // before the window
	s := measured(t, Terms{Cost: 60}, Ports{}, stories...)
	window := Ask{From: month(2), Until: month(7)}

	v, err := s.Value(as(operator), window, "CNY")
	require.NoError(t, err)
	assert.Equal(t, map[string][2]int64{"days": {27, 88}, "orders": {3, 2}, "money": {300_000, 18_180}}, v.Bounds)
	require.Len(t, v.Segments, 3)
	best := v.Segments[0]
	assert.Equal(t, "r1f1m1", best.Key)
	assert.Equal(t, int64(12), best.Customers.Numerator)
	assert.Equal(t, int64(36*(10_000-600)), best.Contribution.Numerator, "a tenth is the fee, 0.6 % the payment's cost")
	assert.Equal(t, int64(12), best.Contribution.Denominator)

	few, err := measured(t, Terms{}, Ports{}, stories[:9]...).Value(as(operator), window, "CNY")
	require.NoError(t, err)
	assert.Empty(t, few.Segments)
	other, err := s.Value(as(operator), window, "EUR")
	require.NoError(t, err)
	assert.Empty(t, other.Segments)
	_, err = s.Value(as(buyer), window, "CNY")
	require.ErrorIs(t, err, platform.ErrDenied)
}

// consents are those who agreed.
type consents map[platform.ID]bool

func (c consents) Consented(_ context.Context, who platform.ID, purpose string, _ time.Time) (bool, error) {
	return c[who] && purpose == "analytics", nil
}

func TestNobodyIsLookedAtWithoutConsent(t *testing.T) {
	t.Parallel()
	stories := []*story{sold(1, noon, 300), sold(2, noon.Add(time.Hour), 200).of(customer(1)), sold(3, noon, 100)}
	s := measured(t, Terms{}, Ports{Consents: consents{customer(1): true}}, stories...)

	p, err := s.Person(as(operator), march, customer(1))
	require.NoError(t, err)
	assert.Equal(t, Person{
		Customer: customer(1), Orders: 2, Spent: []platform.Money{cny(500)}, Hours: map[int]int64{12: 1, 13: 1}, Last: noon.Add(time.Hour + 2*day),
	}, p)
	_, err = s.Person(as(operator), march, customer(3))
	require.ErrorIs(t, err, ErrConsent)
	_, err = s.Person(as(platform.Actor{ID: shop, Kind: platform.Merchant}), march, customer(1))
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = measured(t, Terms{}, Ports{}, stories...).Person(as(operator), march, customer(1))
	require.ErrorIs(t, err, ErrConsent, "without a port nobody agreed")
}
