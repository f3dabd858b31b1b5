package market_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance/receivable"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/storetest"
)

// TestDunningTakesWhatTheTermsSayAndGivesItBack: with terms by which a debtor may
// not sell, its orders are refused until it has paid; and the market stays sound.
func TestDunningTakesWhatTheTermsSayAndGivesItBack(t *testing.T) {
	t.Parallel()
	now := storetest.NewClock(time.Date(2030, 3, 4, 2, 0, 0, 0, time.UTC))
	terms := receivable.Standard()
	terms.Ladder = terms.Ladder[:1]
	terms.Ladder[0].Restrict = []string{"sell"}
	m, err := market.Open(memory.New(market.Kinds(), nil), &market.Options{Now: now.Now, Receivable: receivable.Options{Terms: terms}})
	require.NoError(t, err)
	cast, err := m.Demo(t.Context())
	require.NoError(t, err)
	as := func(who platform.Actor) context.Context { return platform.As(t.Context(), who) }
	place := func() error {
		_, err := m.Orders.Place(as(cast.Customer), order.Place{Lines: []order.PlaceLine{{Listing: cast.Listing, Quantity: 1}}, Total: cast.Price})
		return err
	}
	require.NoError(t, place())

	fee := platform.MustMoney("1060.00", "CNY")
	i, err := m.Receivables.Arise(as(cast.Operator), receivable.Arise{
		Debtor: cast.Merchant.ID, Cause: receivable.Invoice, Source: platform.Ref{Kind: "invoice", ID: cast.Merchant.ID.As("inv")}, Amount: fee, Due: now.Now(),
		Credits: []platform.Leg{{Role: "advertising", Amount: platform.MustMoney("-1000.00", "CNY")}, {Role: "output_tax", Amount: platform.MustMoney("-60.00", "CNY")}},
	})
	require.NoError(t, err)
	_, err = m.Tick(t.Context(), now.Advance(3*24*time.Hour), 0)
	require.NoError(t, err)
	assert.Equal(t, "receivable.restricted", platform.Code(place()))
	_, err = m.Debts().Held(as(cast.Operator), cast.Merchant.ID, now.Now())
	require.NoError(t, err, "payouts go on by these terms")

	_, err = m.Receivables.MakePromise(as(cast.Merchant), receivable.MakePromise{Item: i.ID, Parts: []receivable.Instalment{{On: now.Now().AddDate(0, 0, 2), Amount: fee}}})
	require.NoError(t, err, "a merchant may promise, by the standard policy")
	_, err = m.Receivables.Receive(as(cast.Operator), receivable.Receive{Amount: fee, Role: "bank", Account: "icbc", Reference: "1", Text: string(i.ID), Items: []platform.ID{i.ID}})
	require.NoError(t, err)
	require.NoError(t, place())
	_, err = m.Verify(t.Context(), func(f store.Finding) { t.Errorf("%s %s: %s", f.Code, f.Ref, f.What) })
	require.NoError(t, err)
}

// owe makes a debtor of a merchant, so that there is a record of each kind: a
// claim that is dunned and paid in part, and what is expected to be lost.
func (c *town) owe() {
	c.t.Helper()
	operator := c.operator
	operator.Roles = append(slices.Clone(operator.Roles), receivable.Director)
	ctx, now := platform.As(c.t.Context(), operator), c.Writer.Now()
	page, err := c.DB.Scan(c.t.Context(), platform.Query{Kind: "merchant", Limit: 1})
	require.NoError(c.t, err)
	party := page.Items[0].Ref.ID
	_, err = c.Receivables.Arise(ctx, receivable.Arise{
		Debtor: party, Cause: receivable.Invoice, Source: platform.Ref{Kind: "invoice", ID: party.As("inv")}, Amount: yuan(100),
		At: now.AddDate(0, 0, -40), Due: now.AddDate(0, 0, -35), Credits: []platform.Leg{{Role: "advertising", Amount: yuan(-100)}},
	})
	require.NoError(c.t, err)
	_, err = c.Receivables.Receive(ctx, receivable.Receive{Payer: party, Amount: yuan(10), Role: "bank", Account: "icbc", Reference: "1"})
	require.NoError(c.t, err)
	_, err = c.Receivables.Dun(ctx, receivable.Dun{Debtor: party})
	require.NoError(c.t, err)
	_, err = c.Receivables.PublishRates(ctx, receivable.PublishRates{Rates: make([]decimal.Decimal, 6), From: now.AddDate(0, 0, 2), Reason: "review"})
	require.NoError(c.t, err)
	month := time.Date(now.Year(), now.Month()-1, 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
	_, err = c.Receivables.ChangeAllowance(ctx, receivable.ChangeAllowance{Portfolio: "mer", Period: month})
	require.NoError(c.t, err)
}
