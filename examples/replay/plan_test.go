package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// hour is a moment of the one day of these tests; 0 is none.
func hour(h int) time.Time {
	if h == 0 {
		return time.Time{}
	}
	return time.Date(2018, 1, 2, h, 0, 0, 0, time.UTC)
}

// record is an order with its moments: purchase, approval, carrier, delivery,
// estimate.
func record(status string, hours ...int) *sale {
	at := [5]int{}
	copy(at[:], hours)
	return &sale{
		id: "o", status: status, purchased: hour(at[0]), approved: hour(at[1]), carried: hour(at[2]), delivered: hour(at[3]), estimated: hour(at[4]),
	}
}

func TestStepsComeAtTheirOwnMomentsOrAtTheNextKnown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sale      *sale
		at        [4]int
		cancelled int
		found     []string
	}{
		"all there":                   {record("delivered", 1, 2, 3, 4, 9), [4]int{1, 2, 3, 4}, 0, nil},
		"stops short":                 {record("shipped", 1, 2, 3, 0, 9), [4]int{1, 2, 3, 0}, 0, nil},
		"created":                     {record("created", 1), [4]int{1, 0, 0, 0}, 0, nil},
		"unavailable":                 {record("unavailable", 1, 2, 0, 0, 9), [4]int{1, 2, 0, 0}, 0, nil},
		"no delivery":                 {record("delivered", 1, 2, 3, 0, 9), [4]int{1, 2, 3, 9}, 0, []string{"delivered.no_date"}},
		"nor an estimate":             {record("delivered", 1, 2, 3), [4]int{1, 2, 3, 3}, 0, []string{"delivered.no_date"}},
		"no carrier":                  {record("delivered", 1, 2, 0, 4), [4]int{1, 2, 4, 4}, 0, []string{"carrier.no_date"}},
		"shipped without carrier":     {record("shipped", 1, 2), [4]int{1, 2, 2, 0}, 0, []string{"carrier.no_date"}},
		"no approval":                 {record("delivered", 1, 0, 3, 4), [4]int{1, 3, 3, 4}, 0, []string{"approved.no_date"}},
		"processed without approval":  {record("processing", 1), [4]int{1, 1, 0, 0}, 0, []string{"approved.no_date"}},
		"no purchase":                 {record("approved", 0, 2), [4]int{2, 2, 0, 0}, 0, []string{"purchase.no_date"}},
		"carrier before approval":     {record("delivered", 1, 3, 2, 4), [4]int{1, 3, 2, 4}, 0, []string{"carrier.before_approved"}},
		"delivery before carrier":     {record("delivered", 1, 2, 4, 3), [4]int{1, 2, 4, 3}, 0, []string{"delivered.before_carrier"}},
		"delivery before approval":    {record("delivered", 1, 4, 0, 3), [4]int{1, 4, 3, 3}, 0, []string{"carrier.no_date", "delivered.before_approved"}},
		"delivery before purchase":    {record("delivered", 4, 0, 0, 3), [4]int{4, 3, 3, 3}, 0, []string{"carrier.no_date", "approved.no_date", "delivered.before_purchase"}},
		"approved before purchase":    {record("invoiced", 2, 1), [4]int{2, 1, 0, 0}, 0, []string{"approved.before_purchase"}},
		"cancelled at once":           {record("canceled", 1), [4]int{1, 0, 0, 0}, 1, nil},
		"cancelled on the way":        {record("canceled", 1, 2, 3, 0, 9), [4]int{1, 2, 3, 0}, 3, nil},
		"cancelled after delivery":    {record("canceled", 1, 2, 3, 4), [4]int{1, 2, 3, 4}, 4, []string{"cancelled.after_delivery"}},
		"further than its status":     {record("shipped", 1, 2, 3, 4), [4]int{1, 2, 3, 4}, 0, []string{"status.behind_dates"}},
		"created and yet handed over": {record("created", 1, 2, 3), [4]int{1, 2, 3, 0}, 0, []string{"status.behind_dates"}},
		"a status nobody knows":       {record("mislaid", 1, 2, 3), [4]int{1, 2, 3, 0}, 0, []string{"order.unknown_status"}},
	} {
		p := c.sale.plan()

		var codes []string
		for _, f := range p.found {
			codes = append(codes, f.Code)
			assert.Equal(t, "order/o", f.About, name)
		}
		assert.Equal(t, c.found, codes, name)
		for step, h := range c.at {
			assert.Equal(t, hour(h), p.at[step], "%s: %s", name, stepNames[step])
		}
		assert.Equal(t, hour(c.cancelled), p.cancelled, name)
	}
}

func TestTheStreamKeepsTheOrderOfTimeThenRankThenArrival(t *testing.T) {
	t.Parallel()
	var s stream
	for _, h := range []struct {
		hour, rank int
		about      string
	}{{2, orderRank, "d"}, {1, reviewRank, "c"}, {1, leadRank, "a"}, {2, orderRank, "e"}, {1, orderRank, "b"}} {
		s.add(hour(h.hour), h.rank, h.about, nil)
	}

	var got []string
	for next, ok := s.next(); ok; next, ok = s.next() {
		got = append(got, next.about)
	}

	assert.Equal(t, []string{"a", "b", "c", "d", "e"}, got)
}

func TestDriftComparesTheSameCommands(t *testing.T) {
	t.Parallel()
	var p pace
	add := func(n int, in any, ms int) {
		for range n {
			p = append(p, strideOf(in, time.Duration(ms)*time.Millisecond))
		}
	}
	add(5, Note{}, 1)
	add(5, Keep{}, 10)
	add(80, Note{}, 50)
	add(10, Keep{}, 20) // the last tenth has no Note: slower commands alone are no drift

	assert.InDelta(t, 2.0, p.drift(), 1e-9)
	assert.Zero(t, p[:9].drift())
}
