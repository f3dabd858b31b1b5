package finance

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func TestPostingsHaveRules(t *testing.T) {
	t.Parallel()
	payables := func(n int) []platform.Leg {
		legs := []platform.Leg{dr("tips", "9.99", order.ID)}
		legs[0].Amount, _ = platform.FromMinor(int64(n), legs[0].Amount.Currency())
		for i := range n {
			legs = append(legs, cr("payable", "0.01", platform.NewID("stf", noon, 7, uint64(i))))
		}
		return legs
	}
	usd := dr("escrow", "1.00", order.ID)
	usd.Amount = platform.MustMoney("1.00", "USD")
	for name, c := range map[string]struct {
		legs []platform.Leg
		want error
	}{
		"one leg":            {[]platform.Leg{dr("tips", "1.00", order.ID)}, ErrLegs},
		"1,000 legs":         {payables(999), nil},
		"1,001 legs":         {payables(1000), ErrLegs},
		"an account twice":   {[]platform.Leg{dr("tips", "2.00", order.ID), cr("payable", "1.00", merchant), cr("payable", "1.00", merchant)}, ErrLegs},
		"too much credit":    {[]platform.Leg{dr("tips", "0.99", order.ID), cr("payable", "1.00", merchant)}, ErrUnbalanced},
		"too much debit":     {[]platform.Leg{dr("tips", "1.00", order.ID), cr("payable", "0.99", merchant)}, ErrUnbalanced},
		"mixed currencies":   {[]platform.Leg{usd, cr("payable", "1.00", merchant)}, ErrUnbalanced},
		"absent money":       {[]platform.Leg{dr("tips", "1.00", order.ID), cr("payable", "1.00", merchant), {Role: "payable", Party: "m"}}, platform.ErrInvalid},
		"unknown role":       {[]platform.Leg{dr("cash", "1.00"), cr("payable", "1.00", merchant)}, ErrRole},
		"no order":           {[]platform.Leg{dr("tips", "1.00"), cr("payable", "1.00", merchant)}, ErrRole},
		"no party":           {[]platform.Leg{dr("tips", "1.00", order.ID), cr("payable", "1.00")}, ErrRole},
		"zero legs left out": {[]platform.Leg{dr("tips", "1.00", order.ID), cr("payable", "1.00", merchant), cr("payable", "0", "other")}, nil},
	} {
		_, err := Post(booked("tip.released", order, c.legs...).Fact)
		require.ErrorIs(t, err, c.want, name)
	}
}

func TestAPostingBalancesInEachCurrency(t *testing.T) {
	t.Parallel()
	in := func(currency string, legs ...platform.Leg) []platform.Leg {
		for i := range legs {
			c, _ := platform.ParseCurrency(currency)
			legs[i].Amount, _ = platform.FromMinor(legs[i].Amount.Minor(), c)
		}
		return legs
	}
	legs := func(b booking) []platform.Leg { return slices.Clone(b.Legs) }
	both := append(legs(captured("1.00")), in("JPY", legs(captured("7.00"))...)...)

	_, err := Post(booked("pay.captured", attempt, both...).Fact)
	require.NoError(t, err, "an account may stand once in each currency")

	both[3].Amount = platform.MustMoney("-6", "JPY")
	_, err = Post(booked("pay.captured", attempt, both...).Fact)
	require.ErrorIs(t, err, ErrUnbalanced)
}

func TestAFactWithoutRecipeIsRefused(t *testing.T) {
	t.Parallel()
	for _, decide := range []func(Fact) ([]platform.Change, error){Post, func(f Fact) ([]platform.Change, error) { return Hold(f, time.Time{}) }} {
		_, err := decide(booked("pay.imagined", attempt, captured("1.00").Legs...).Fact)
		require.ErrorIs(t, err, ErrRecipe)
	}
}

func TestOnlyWhatIsHeldIsHeld(t *testing.T) {
	t.Parallel()
	_, err := Post(approved(1, "1.00").Fact)
	require.ErrorIs(t, err, ErrRecipe)
	_, err = Hold(captured("1.00").Fact, time.Time{})
	require.ErrorIs(t, err, ErrRecipe)
}

func TestAPostingKeepsItsFact(t *testing.T) {
	t.Parallel()
	b := completed("0.01", "0.01", "0", "0")

	set, err := Post(b.Fact)

	require.NoError(t, err)
	p, ok := set[0].Value.(Posting)
	require.True(t, ok)
	assert.Equal(t, platform.Create, set[0].Op)
	assert.Equal(t, b.Legs[:2], p.Legs, "zero legs are left out")
	assert.Len(t, b.Legs, 4, "the caller's legs stay as they are")
	assert.Equal(t, order.ID.Slot(), p.ID.Slot())
	for _, c := range set[1:] {
		assert.Equal(t, p.Ref(), c.Cause)
	}
}

func TestIDsAreThoseOfTheVectors(t *testing.T) {
	t.Parallel()
	var rows []struct {
		What             string
		Subject          platform.Ref
		N                int
		Posting, Pending platform.ID
	}
	raw, err := os.ReadFile("testdata/ids.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &rows))
	require.NotEmpty(t, rows)
	seen := map[platform.ID]bool{}
	for _, r := range rows {
		f := Fact{What: r.What, Subject: r.Subject, N: r.N}
		assert.Equal(t, r.Posting, f.id())
		assert.Equal(t, r.Pending, pendingOf(f.Subject).ID)
		assert.False(t, seen[r.Posting])
		seen[r.Posting] = true
	}
}

func TestAHoldIsDecidedPurely(t *testing.T) {
	t.Parallel()
	set, err := Hold(approved(1, "30.00").Fact, time.Time{})
	require.NoError(t, err)
	open := set[0].Value.(Pending)
	open.Version = 1

	settled, err := open.Settle(nextDay)
	require.NoError(t, err)
	next := settled[0].Value.(Pending)
	assert.Equal(t, platform.Replace, settled[0].Op)
	assert.Equal(t, []any{Settled, nextDay, noon}, []any{next.State, next.Ended, next.At})
	posting := settled[1].Value.(Posting)
	assert.Equal(t, []any{open.ID, nextDay, "refund.approved"}, []any{posting.Settles, posting.At, posting.What})

	voided, err := open.Void(nextDay)
	require.NoError(t, err)
	assert.Equal(t, Voided, voided[0].Value.(Pending).State)
	assert.Equal(t, Open, open.State, "the record itself is not changed")

	for _, at := range []func(time.Time) ([]platform.Change, error){open.Settle, open.Void} {
		_, err = at(time.Time{})
		require.ErrorIs(t, err, ErrEffective)
	}
	_, err = next.Void(nextDay)
	require.ErrorIs(t, err, ErrPendingEnded)
}
