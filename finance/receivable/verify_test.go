package receivable_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/receivable"
)

func TestVerifyFindsEachFaultAndNothingElse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule  string
		plant func(*receivable.Item)
	}{
		"a unit paid that was not":   {"R1", func(i *receivable.Item) { i.Paid = yuan("100.01") }},
		"more disputed than is open": {"R1", func(i *receivable.Item) { i.Disputed = yuan("100.01") }},
		"recovered, never given up":  {"R1", func(i *receivable.Item) { i.Recovered = yuan("0.01") }},
		"paid, they say":             {"R2", func(i *receivable.Item) { i.State = receivable.Paid }},
		"promised what":              {"R2", func(i *receivable.Item) { i.State = receivable.Promised }},
		"a level skipped":            {"R3", func(i *receivable.Item) { i.Steps[0].Level = 2 }},
		"a level that was not told":  {"R3", func(i *receivable.Item) { i.Level = 2 }},
		"dunned for nothing":         {"R3", func(i *receivable.Item) { i.Steps[0].Open = yuan("0.00") }},
		"a unit that nobody booked":  {"R4", func(i *receivable.Item) { i.Amount = yuan("100.01") }},
		"nothing":                    {"", func(*receivable.Item) {}},
	} {
		w := open(t, nil)
		i := w.invoiced(1, "100.00", 0)
		w.days(3)
		_, err := platform.Update(as(clock), w.w, struct{}{}, func(ctx context.Context) (struct{}, []platform.Change, error) {
			bad, err := receivable.StoreOn(w.db).Item(ctx, i.ID)
			c.plant(&bad)
			return struct{}{}, []platform.Change{platform.Put(bad), platform.Happened("test.planted", bad.Ref(), nil)}, err
		})
		require.NoError(t, err)

		found, err := receivable.Verify(context.Background(), w.db.Snapshot())
		require.NoError(t, err)
		if c.rule == "" {
			assert.Empty(t, found)
			continue
		}
		require.NotEmpty(t, found, name)
		assert.Equal(t, c.rule, found[0].Rule, name)
	}
}
