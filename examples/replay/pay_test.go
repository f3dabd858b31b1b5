package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/order"
)

// sold is a dataset of so many orders that were delivered, each of two sellers
// and paid in two parts, an hour after each other.
func sold(n int) *dataset {
	d := &dataset{products: map[string]string{"p": "artes"}}
	for i := range n {
		at := time.Date(2018, 1, 1, i, 0, 0, 0, time.UTC)
		d.sales = append(d.sales, &sale{
			id: fmt.Sprintf("o%d", i), customer: fmt.Sprintf("c%d", i), status: "delivered",
			purchased: at, approved: at.Add(time.Minute), carried: at.Add(2 * day), delivered: at.Add(5 * day), estimated: at.Add(9 * day),
			items:    []item{{1, "p", "s1", brl(1000), brl(101)}, {2, "p", "s2", brl(2001), brl(0)}},
			payments: []transfer{{1, brl(1500)}, {2, brl(1602)}},
		})
	}
	return d
}

// However often the institution fails, every order ends paid and closed, and
// its own books agree with the platform's.
func TestFaultsOfTheInstitutionLoseNoMoney(t *testing.T) {
	t.Parallel()
	d := sold(30)
	d.sales[7].status = "canceled" // after delivery: there is a refund, too

	r, rep := played(t, d, options{seed: 1, faults: 5}) // of those by which no refund is left to an operator

	assert.Equal(t, map[order.State]int{order.Closed: 60}, rep.FinalStates)
	assert.Equal(t, map[string]int{"seller.no_lead": 2, "cancelled.after_delivery": 1}, rep.Findings)
	assert.True(t, rep.Ledger.Verified)
	assert.True(t, rep.Audit.Verified)
	assert.Equal(t, map[string]int64{"BRL": 0}, rep.Ledger.TrialBalance)
	assert.Equal(t, int64(29*(3001+101)), rep.Payable+rep.Commission)

	clearing, err := r.market.Books.Balance(r.ctx, finance.Account{Role: "clearing", Party: institution}, zero().Currency())
	require.NoError(t, err)
	theirs, err := r.market.Sandbox.Totals(zero().Currency())
	require.NoError(t, err)
	out := brl(-rep.Settlement.PaidOut - rep.Statements.Suspense)
	assert.Equal(t, plus(theirs.Charged, theirs.Refunded.Neg(), out), clearing.Posted)
	assert.Equal(t, plus(brl(29*3102), out), clearing.Posted, "and nothing but the price of what was kept")
	assert.Positive(t, rep.Settlement.Payouts)
	assert.Zero(t, rep.Settlement.Difference)
	assert.Positive(t, theirs.Refunds)

	_, calm := played(t, sold(30), options{seed: 1})
	assert.Greater(t, rep.Commands, calm.Commands, "payments were tried again")
}

// Each order gets of all payments what a single payment would have given it,
// and each payment is shared out whole.
func TestPaymentsAreSharedByLargestRemainder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.SliceOfN(rapid.Int64Range(1, 100_000), 1, 5)
		totals, rows := amounts.Draw(t, "totals"), amounts.Draw(t, "payments")
		c := &checkout{sale: &sale{id: "o"}}
		weights, sum := make([]int64, len(totals)), int64(0)
		for i, total := range totals {
			c.orders = append(c.orders, placed{total: brl(total)})
			weights[i] = total
		}
		for i, row := range rows {
			c.payments, sum = append(c.payments, transfer{no: i + 1, amount: brl(row)}), sum+row
		}

		tenders, err := c.shares(brl(sum))

		require.NoError(t, err)
		want, err := brl(sum).Allocate(weights...)
		require.NoError(t, err)
		got, whole := make([]int64, len(totals)), int64(0)
		for _, x := range tenders {
			got[x.order] += x.amount.Minor()
			whole += x.amount.Minor()
		}
		for i := range want {
			assert.Equal(t, want[i].Minor(), got[i])
		}
		assert.Equal(t, sum, whole)
	})
}
