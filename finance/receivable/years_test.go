package receivable_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/receivable"
)

// TestTwoYearsOfDunning has 1,000 debtors live two years by the virtual clock: a
// third never pays, a third pays at some time, a third breaks a promise first.
func TestTwoYearsOfDunning(t *testing.T) {
	t.Parallel()
	const debtors = 1000
	w := open(t, nil)
	party := func(n int) platform.ID { return platform.NewID("mer", noon, platform.Slot(n), uint64(n)) }
	items := make([]platform.ID, debtors)
	for n := range items {
		items[n] = w.owes(party(n), n, "100.00", n%30).ID
	}
	for day := range 730 {
		w.clock.Advance(24 * time.Hour)
		for n := range items {
			switch {
			case n%3 == 1 && day == n%200:
				_, err := w.Receive(as(clerk), paid(party(n), "100.00", n))
				require.NoError(t, err)
			case n%3 == 2 && day == 40:
				debtor := platform.Actor{ID: party(n), Kind: platform.Merchant}
				i := w.item(items[n])
				_, err := w.MakePromise(as(debtor), receivable.MakePromise{Item: items[n], Parts: []receivable.Instalment{{On: w.clock.Now().AddDate(0, 0, 2), Amount: i.Claimed()}}})
				require.NoError(t, err)
			}
		}
		w.tick()
	}

	steps, arisen, paid, open := 0, yuan("0.00"), yuan("0.00"), yuan("0.00")
	for n, id := range items {
		i := w.item(id)
		levels := map[int]bool{}
		for _, s := range i.Steps {
			assert.False(t, levels[s.Level], "level %d twice", s.Level)
			levels[s.Level] = true
			assert.Equal(t, i.Claimed().Sign() >= 0, s.Open.Sign() > 0)
		}
		if n%3 == 1 {
			assert.Equal(t, receivable.Paid, i.State)
			ends := noon.AddDate(0, 0, n%200+1)
			for _, s := range i.Steps {
				assert.True(t, s.At.Before(ends), "dunned %s, paid %s", s.At, ends)
			}
		} else {
			assert.Len(t, i.Steps, 6)
		}
		steps += len(i.Steps)
		arisen, paid, open = add(t, arisen, i.Amount), add(t, paid, i.Paid), add(t, open, i.Open())
	}
	assert.Equal(t, arisen, add(t, paid, open))
	assert.Len(t, w.events("receivable.dunned"), steps)
	assert.Len(t, w.post.texts, steps, "one item each: as many letters as levels")
	_, err := w.Tick(context.Background(), w.clock.Now(), 0)
	require.NoError(t, err)
	w.sound(party(0), party(1), party(2))
}

func add(t *testing.T, a, b platform.Money) platform.Money {
	t.Helper()
	sum, err := a.Add(b)
	require.NoError(t, err)
	return sum
}
