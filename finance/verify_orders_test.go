package finance

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// mirrored is what the order of a busy desk says of its money.
func mirrored(to ...func(*Mirror)) Mirror {
	yuan := func(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }
	m := Mirror{Order: order.ID, Merchant: merchant, Captured: yuan("100.00"), Refunded: yuan("10.00"), Earned: yuan("0.00"), ChargedBack: yuan("0.00")}
	for _, alter := range to {
		alter(&m)
	}
	return m
}

// paged is mirrors, so many a page.
func paged(size int, all ...Mirror) iter.Seq2[[]Mirror, error] {
	return func(yield func([]Mirror, error) bool) {
		for page := range slices.Chunk(all, size) {
			if !yield(page, nil) {
				return
			}
		}
	}
}

// V9: what orders say of their money is what the ledger says of it, to the unit.
func TestVerifyFindsWhereAnOrderAndItsAccountsDisagree(t *testing.T) {
	t.Parallel()
	d := busy(t)
	unit := platform.MustMoney("0.01", "CNY")
	more := func(m *platform.Money) { *m, _ = m.Add(unit) }
	less := func(m *platform.Money) { *m, _ = m.Sub(unit) }
	clean := func(r platform.Record) []platform.Record { return []platform.Record{r} }
	for name, c := range map[string]struct {
		say   Mirror
		edit  edit
		found int
	}{
		"nothing is wrong":                 {say: mirrored()},
		"a bank took what was earned":      {say: mirrored(func(m *Mirror) { more(&m.Earned); more(&m.ChargedBack) })},
		"a bank took what is not there":    {say: mirrored(func(m *Mirror) { more(&m.ChargedBack) })},
		"other books captured it":          {say: mirrored(func(m *Mirror) { more(&m.Captured); m.Taken = true })},
		"a unit more captured":             {say: mirrored(func(m *Mirror) { more(&m.Captured) }), found: 2},
		"a unit less captured":             {say: mirrored(func(m *Mirror) { less(&m.Captured) }), found: 2},
		"a unit more refunded":             {say: mirrored(func(m *Mirror) { more(&m.Refunded) }), found: 2},
		"a unit more of both, which evens": {say: mirrored(func(m *Mirror) { more(&m.Captured); more(&m.Refunded) }), found: 2},
		"a unit more earned":               {say: mirrored(func(m *Mirror) { more(&m.Earned) }), found: 1},
		"a unit less earned":               {say: mirrored(func(m *Mirror) { less(&m.Earned) }), found: 1},
		"more earned than a bank took":     {say: mirrored(func(m *Mirror) { more(&m.Earned); more(&m.Earned); more(&m.ChargedBack) }), found: 1},
		"another merchant earned it":       {say: mirrored(func(m *Mirror) { m.Merchant = member; more(&m.Earned) }), found: 1},
		"an account with a unit more":      {say: mirrored(), found: 1, edit: change("counter", counter(posted, escrow()), func(c *platform.Count) { c.Value-- })},
		"a movement lost":                  {say: mirrored(), found: 1, edit: drop("movement", movement(posted, escrow(), 3))},
		"a capture lost":                   {say: mirrored(), found: 1, edit: drop("movement", movement(posted, escrow(), 1))},
		"a capture that was a fee":         {say: mirrored(), found: 2, edit: change(postingKind, posting("pay.captured"), func(p *Posting) { p.What = "order.completed" })},
	} {
		if c.edit == nil {
			c.edit = clean
		}
		found, err := VerifyOrders(t.Context(), tampered{d.db, c.edit}, paged(1, c.say))
		require.NoError(t, err, name)
		require.Len(t, found, c.found, "%s: %v", name, found)
		for _, f := range found {
			assert.Equal(t, []any{"V9", order}, []any{f.Rule, f.Ref}, name)
		}
	}
}

// Orders are told apart wherever a page ends; money of an order that nobody tells of
// is found before, between and behind them.
func TestVerifyFindsMoneyOfNoOrder(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var all []Mirror
	for i := range uint64(7) {
		of := platform.NewID("ord", noon, platform.Slot(i), i+1)
		b := booked("pay.captured", platform.Ref{Kind: "payment.attempt", ID: of.As("att")},
			platform.Leg{Role: "clearing", Party: "sandbox", Amount: platform.MustMoney("1.00", "CNY")},
			platform.Leg{Role: "escrow", Of: of, Amount: platform.MustMoney("-1.00", "CNY")})
		require.NoError(t, d.book(b))
		one, none := platform.MustMoney("1.00", "CNY"), platform.MustMoney("0.00", "CNY")
		all = append(all, Mirror{Order: of, Merchant: merchant, Captured: one, Refunded: none, Earned: none, ChargedBack: none})
	}
	slices.SortFunc(all, func(a, b Mirror) int { return cmp.Compare(a.Order, b.Order) })
	for size := 1; size <= len(all); size++ {
		found, err := VerifyOrders(t.Context(), d.db, paged(size, all...))
		require.NoError(t, err)
		require.Empty(t, found, size)
		for gone := range all {
			found, err = VerifyOrders(t.Context(), d.db, paged(size, slices.Delete(slices.Clone(all), gone, gone+1)...))
			require.NoError(t, err)
			require.Len(t, found, 1, "%d a page, without %d", size, gone)
			assert.Equal(t, all[gone].Order, found[0].Ref.ID)
		}
	}
}

func TestVerifyOrdersFailsIfItCannotRead(t *testing.T) {
	t.Parallel()
	gone := errors.New("no such disk")
	_, err := VerifyOrders(context.Background(), busy(t).db, func(yield func([]Mirror, error) bool) { yield(nil, gone) })
	require.ErrorIs(t, err, gone)
}
