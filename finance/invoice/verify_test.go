package invoice_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/invoice"
)

// V10: planted faults are found, and nothing else.
func TestVerifyFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	put := func(t *testing.T, v *world, r platform.Stored) {
		t.Helper()
		w := platform.Writer{Store: v.db}
		_, err := platform.Update(as(operator), w, struct{}{}, func(context.Context) (struct{}, []platform.Change, error) {
			return struct{}{}, []platform.Change{platform.Put(r), platform.Happened("test.broken", r.Ref(), nil)}, nil
		})
		require.NoError(t, err)
	}
	for name, spoil := range map[string]func(*testing.T, *world, invoice.Invoice){
		"a hole in the series":    func(t *testing.T, v *world, i invoice.Invoice) { i.Number++; put(t, v, i) },
		"a number twice":          func(t *testing.T, v *world, i invoice.Invoice) { i.Number--; put(t, v, i) },
		"a total off by one":      func(t *testing.T, v *world, i invoice.Invoice) { i.Gross = yuan("49.99"); put(t, v, i) },
		"a line off by one":       func(t *testing.T, v *world, i invoice.Invoice) { i.Lines[0].Tax = yuan("2.82"); put(t, v, i) },
		"red above the invoice":   func(t *testing.T, v *world, i invoice.Invoice) { i.Red = yuan("50.01"); put(t, v, i) },
		"red that no letter took": func(t *testing.T, v *world, i invoice.Invoice) { i.Red = yuan("1.00"); put(t, v, i) },
		"red in another state":    func(t *testing.T, v *world, i invoice.Invoice) { i.State = invoice.Red; put(t, v, i) },
		"a cancelled one counted": func(t *testing.T, v *world, i invoice.Invoice) { i.State = invoice.Cancelled; put(t, v, i) },
		"a tally off by one": func(t *testing.T, v *world, _ invoice.Invoice) {
			c := v.tally(t)
			c.Invoiced = yuan("100.01")
			put(t, v, c)
		},
		"a tally without one": func(t *testing.T, v *world, _ invoice.Invoice) {
			c := v.tally(t)
			c.Invoices = c.Invoices[:1]
			put(t, v, c)
		},
		"a tally's red":            func(t *testing.T, v *world, _ invoice.Invoice) { c := v.tally(t); c.Red = yuan("1.00"); put(t, v, c) },
		"more invoiced than paid":  func(_ *testing.T, v *world, _ invoice.Invoice) { v.shop.refund(1, "70.00") },
		"a document without lines": func(t *testing.T, v *world, i invoice.Invoice) { i.Lines = nil; put(t, v, i) },
	} {
		v := newWorld(t)
		v.issued(t, "50.00")
		second := v.issued(t, "50.00")
		v.sound(t)

		spoil(t, v, v.get(t, second.ID))

		found, err := invoice.Verify(context.Background(), v.db, v.shop)
		require.NoError(t, err)
		assert.NotEmpty(t, found, name)
		for _, d := range found {
			assert.Equal(t, "V10", d.Rule, name)
		}
	}
}

func TestKindsAreSound(t *testing.T) {
	t.Parallel()
	for _, k := range invoice.Kinds() {
		assert.NoError(t, k.Fault(), k.Name)
	}
}
