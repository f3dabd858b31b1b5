package invoice_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/invoice"
	"github.com/liangding/platform/store/sandbox"
)

// putting writes a record past all rules.
type putting func(platform.Stored)

// V10: planted faults are found, and nothing else.
func TestVerifyFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	spoiling := func(v *world) putting {
		return func(r platform.Stored) {
			_, err := platform.Update(as(operator), platform.Writer{Store: v.db}, struct{}{}, func(context.Context) (struct{}, []platform.Change, error) {
				return struct{}{}, []platform.Change{platform.Put(r), platform.Happened("test.broken", r.Ref(), nil)}, nil
			})
			require.NoError(v.t, err)
		}
	}
	for name, spoil := range map[string]func(putting, *world, invoice.Invoice){
		"a hole in the series":    func(put putting, _ *world, i invoice.Invoice) { i.Number++; put(i) },
		"a number twice":          func(put putting, _ *world, i invoice.Invoice) { i.Number--; put(i) },
		"a total off by one":      func(put putting, _ *world, i invoice.Invoice) { i.Gross = yuan("49.99"); put(i) },
		"a line off by one":       func(put putting, _ *world, i invoice.Invoice) { i.Lines[0].Tax = yuan("2.82"); put(i) },
		"red above the invoice":   func(put putting, _ *world, i invoice.Invoice) { i.Red = yuan("50.01"); put(i) },
		"red that no letter took": func(put putting, _ *world, i invoice.Invoice) { i.Red = yuan("1.00"); put(i) },
		"red in another state":    func(put putting, _ *world, i invoice.Invoice) { i.State = invoice.Red; put(i) },
		"a cancelled one counted": func(put putting, _ *world, i invoice.Invoice) { i.State = invoice.Cancelled; put(i) },
		"a tally off by one": func(put putting, v *world, _ invoice.Invoice) {
			c := v.tally(t)
			c.Invoiced = yuan("100.01")
			put(c)
		},
		"a tally without one": func(put putting, v *world, _ invoice.Invoice) {
			c := v.tally(t)
			c.Invoices = c.Invoices[:1]
			put(c)
		},
		"a tally's red":            func(put putting, v *world, _ invoice.Invoice) { c := v.tally(v.t); c.Red = yuan("1.00"); put(c) },
		"more invoiced than paid":  func(_ putting, v *world, _ invoice.Invoice) { v.shop.refund(1, "70.00") },
		"a document without lines": func(put putting, _ *world, i invoice.Invoice) { i.Lines = nil; put(i) },
	} {
		v := newWorld(t)
		v.issued(t, "50.00")
		second := v.issued(t, "50.00")
		v.sound(t)

		spoil(spoiling(v), v, v.get(t, second.ID))

		found, err := invoice.Verify(context.Background(), v.db, v.shop)
		require.NoError(t, err)
		assert.NotEmpty(t, found, name)
		for _, d := range found {
			assert.Equal(t, "V10", d.Rule, name)
		}
	}
}

// V10, of red letters: one that was refused, and one that is held, are no fault.
func TestVerifyFindsLettersThatDoNotMakeUpWhatWasTakenBack(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*invoice.Invoice, *invoice.Letter){
		"nothing":                  func(*invoice.Invoice, *invoice.Letter) {},
		"a letter of a cent more":  func(_ *invoice.Invoice, l *invoice.Letter) { l.Gross = yuan("40.01") },
		"a letter that was lapsed": func(_ *invoice.Invoice, l *invoice.Letter) { l.State = invoice.LetterLapsed },
		"a letter still under way": func(_ *invoice.Invoice, l *invoice.Letter) { l.EndedAt = time.Time{} },
		"a letter that is lost":    func(i *invoice.Invoice, _ *invoice.Letter) { i.Letters++ },
		"one named that is over":   func(i *invoice.Invoice, l *invoice.Letter) { i.Letter = l.ID },
		"pending without a letter": func(i *invoice.Invoice, _ *invoice.Letter) { i.State = invoice.RedPending },
		"exempt, and taxed":        func(i *invoice.Invoice, _ *invoice.Letter) { i.Lines[0].Exempt = "household" },
	} {
		v := newWorld(t)
		whole := v.issued(t)
		refused, err := v.askRed(customer, whole.ID)
		require.NoError(t, err)
		v.authority.Force(string(refused.ID), sandbox.Refusal)
		v.tick(t)
		_, err = v.askRed(customer, whole.ID, invoice.Part{Line: 1, Amount: yuan("40.00")})
		require.NoError(t, err)
		v.tick(t)
		i, l := v.get(t, whole.ID), v.letters(t, whole.ID)[1]
		require.Equal(t, invoice.PartlyRed, i.State)
		was := i

		spoil(&i, &l)
		_, err = platform.Update(as(operator), platform.Writer{Store: v.db}, struct{}{}, func(context.Context) (struct{}, []platform.Change, error) {
			return struct{}{}, []platform.Change{platform.Put(i), platform.Put(l), platform.Happened("test.broken", was.Ref(), nil)}, nil
		})
		require.NoError(t, err, name)

		found, err := invoice.Verify(t.Context(), v.db, v.shop)
		require.NoError(t, err)
		assert.Equal(t, name == "nothing", len(found) == 0, "%s: %v", name, found)
	}
}

func TestKindsAreSound(t *testing.T) {
	t.Parallel()
	for _, k := range invoice.Kinds() {
		assert.NoError(t, k.Fault(), k.Name)
	}
}
