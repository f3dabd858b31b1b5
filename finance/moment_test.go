package finance

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// TestABalanceAtAMomentIsThatAfterTheLastEntryOfThen makes more entries than a
// page, at moments that come at an uneven pace, and asks for each.
func TestABalanceAtAMomentIsThatAfterTheLastEntryOfThen(t *testing.T) {
	t.Parallel()
	for name, d := range desks(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := nextDay
			d.w.Now = func() time.Time { return now }
			c := clerkOn(t, d, 1_000_000)
			cny := currency(t, "CNY")
			moments := []time.Time{now}
			for n := range 1100 {
				now = now.Add(time.Duration(1+n*n%977) * time.Second)
				moments = append(moments, now)
				_, err := c.Transfer(asOperator(), paid(n))
				require.NoError(t, err)
			}
			at := func(account string, when time.Time) string {
				a, err := ParseAccount(account)
				require.NoError(t, err)
				b, err := c.BalanceAt(asOperator(), a, cny, when)
				require.NoError(t, err)
				return b.Posted.Decimal().StringFixed(2) + " " + b.Available.Decimal().StringFixed(2)
			}

			for n := 0; n < len(moments); n += 97 {
				left := yuan(1_000_000 - int64(n)*100)
				assert.Equal(t, left+" "+left, at(unapplied(), moments[n]), n)
				assert.Equal(t, yuan(int64(n)*10)+" "+yuan(int64(n)*10), at("commission", moments[n]), n)
			}
			assert.Equal(t, "0.00 0.00", at(unapplied(), nextDay.Add(-1)))
			assert.Equal(t, "8900.00, 8900.00", c.on(t, unapplied()))
			assert.Equal(t, "8900.00 8900.00", at(unapplied(), now.AddDate(1, 0, 0)))
			_, err := c.BalanceAt(as(platform.Customer, "cus"), Account{Role: "commission"}, cny, now)
			require.ErrorIs(t, err, platform.ErrNotFound)
		})
	}
}

// A snapshot shows posted, available and the holds of one moment, while others
// hold, settle and void: posted less available is what the holds take.
func TestASnapshotIsOfOneMomentWhileOthersWork(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	a, err := ParseAccount(unapplied())
	require.NoError(t, err)
	cny := currency(t, "CNY")
	var work sync.WaitGroup
	for worker := range 4 {
		work.Go(func() {
			for n := range 25 {
				id := trf(worker*1000 + n)
				parts := 0
				step := func(what string, legs ...Line) {
					in := Step{What: what, Subject: id, Legs: legs}
					if what == "transfer.settled" {
						in.N, parts = parts, parts+1
					}
					_, err := c.Transfer(asOperator(), Transfer{Steps: []Step{in}})
					assert.NoError(t, err)
				}
				step("transfer.held", lines(unapplied(), "3.00", payable(), "-3.00")...)
				if n%2 == 0 {
					step("transfer.settled", lines(unapplied(), "1.00", payable(), "-1.00")...)
				}
				if n%5 != 0 {
					step([]string{"transfer.voided", "transfer.settled"}[n%3%2])
				}
			}
		})
	}
	proof := func() {
		s, err := c.Snapshot(asOperator(), a, cny)
		if err != nil {
			assert.ErrorIs(t, err, ErrRestless)
			return
		}
		var held int64
		for _, p := range s.Holds {
			for _, e := range p.held() {
				held -= e.delta
			}
		}
		assert.Equal(t, s.Held.Minor(), held)
	}
	for range 50 {
		proof()
	}
	work.Wait()
	proof()
	s, err := c.Snapshot(asOperator(), a, cny)
	require.NoError(t, err)
	assert.Len(t, s.Holds, 20)
	assert.Equal(t, s.Posted.Minor()-s.Available.Minor(), s.Held.Minor())
	assert.Positive(t, s.Moves-s.Entries, "holds count too")
	_, err = c.Snapshot(as(platform.Customer, "cus"), Account{Role: "commission"}, cny)
	require.ErrorIs(t, err, platform.ErrNotFound)
	s, err = c.Snapshot(asOperator(), Account{Role: "commission"}, cny)
	require.NoError(t, err)
	assert.Empty(t, s.Holds, "without a floor nothing is held")
	c.sound(t)
}

// walked counts the pages of movements that are read.
type walked struct {
	Store
	pages *atomic.Int64
}

func (w walked) MovementsFrom(ctx context.Context, counter platform.Ref, from int64, limit int, backward bool) ([]platform.Movement, error) {
	w.pages.Add(1)
	return w.Store.MovementsFrom(ctx, counter, from, limit, backward)
}

// What is over costs nothing: a hold that is older than all the movements of its
// account is found without reading them.
func TestAnOldHoldIsFoundWithoutTheMovementsSince(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	a, err := ParseAccount(unapplied())
	require.NoError(t, err)
	first := trf(0)
	move := func(what string, id platform.Ref, legs ...Line) {
		_, err := c.Transfer(asOperator(), Transfer{Steps: []Step{{What: what, Subject: id, Legs: legs}}})
		require.NoError(t, err)
	}
	move("transfer.held", first, lines(unapplied(), "3.00", payable(), "-3.00")...)
	for n := range 300 {
		move("transfer.held", trf(n+1), lines(unapplied(), "1.00", payable(), "-1.00")...)
		move("transfer.voided", trf(n+1))
	}
	var pages atomic.Int64

	s, err := Books{Store: walked{c.Store, &pages}}.Snapshot(asOperator(), a, currency(t, "CNY"))

	require.NoError(t, err)
	require.Len(t, s.Holds, 1)
	assert.Equal(t, first, s.Holds[0].Subject)
	assert.Zero(t, pages.Load())
	c.sound(t)
}

// A hold takes from several holders and is found by each: by the others along their
// accounts.
func TestAHoldIsFoundByAllThatItTakesFrom(t *testing.T) {
	t.Parallel()
	c, other := newClerk(t), "unapplied:"+string(merchant)
	for _, step := range []Step{
		{What: "receipt.unapplied", Subject: trf(1), Legs: lines("bank:house", "9.00", other, "-9.00")},
		{What: "transfer.held", Subject: trf(0), Legs: lines(unapplied(), "3.00", other, "2.00", payable(), "-5.00")},
	} {
		_, err := c.Transfer(asOperator(), Transfer{Steps: []Step{step}})
		require.NoError(t, err)
	}

	for _, text := range []string{unapplied(), other} {
		a, err := ParseAccount(text)
		require.NoError(t, err)
		s, err := c.Snapshot(asOperator(), a, currency(t, "CNY"))
		require.NoError(t, err)
		assert.Len(t, s.Holds, 1, text)
	}
}

// restless is a store whose counters never stand still.
type restless struct {
	Store
	reads *atomic.Int64
}

func (r restless) Counts(ctx context.Context, refs ...platform.Ref) ([]platform.Count, error) {
	counts, err := r.Store.Counts(ctx, refs...)
	for i := range counts {
		counts[i].Seq += r.reads.Add(1)
	}
	return counts, err
}

func TestASnapshotOfARestlessAccountIsRefused(t *testing.T) {
	t.Parallel()
	c := newClerk(t)

	_, err := Books{Store: restless{c.Store, new(atomic.Int64)}}.Snapshot(asOperator(), Account{Role: "commission"}, currency(t, "CNY"))

	require.ErrorIs(t, err, ErrRestless)
	require.ErrorIs(t, err, platform.ErrConflict)
}
