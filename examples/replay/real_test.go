package main

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/order"
)

var all = flag.Bool("all", false, "replay all orders of the real data, which takes a while")

// realData is the directory of the real data. Without it the test is skipped.
func realData(t testing.TB) string {
	t.Helper()
	const dir = "../../../shared/data/orders"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no orders of the dataset beside the module: ", err)
	}
	return dir
}

// The figures of the first 150 orders, with some of the leads, and of all
// were computed from the files by another program.
func TestRealOrdersGiveTheKnownFigures(t *testing.T) {
	t.Parallel()
	most, want := 150, Report{
		Orders: 150, PlatformOrders: 154, Sellers: 119, Customers: 150,
		ByStatus:    map[string]int{"delivered": 146, "invoiced": 2, "shipped": 1, "processing": 1},
		FinalStates: map[order.State]int{order.Closed: 150, order.InProgress: 1, order.Confirmed: 3},
		Price:       1_920_773, Freight: 337_016, Payments: 2_257_789,
		Delivered: 146, Late: 11, Reviews: 149, Mean: 3.9328859060402683, Commission: 242_022, Payable: 1_988_073,
		Funnel: Funnel{Leads: 500, Won: 49, WonBeforeContact: 1},
	}
	differ, both := 0, 150
	if *all {
		most, differ, both, want = 0, 24, 4966, Report{
			Orders: 5000, PlatformOrders: 5042, Sellers: 1222, Customers: 4991,
			ByStatus: map[string]int{"delivered": 4858, "shipped": 61, "canceled": 25, "unavailable": 24, "processing": 20, "invoiced": 12},
			FinalStates: map[order.State]int{
				order.Closed: 4935, order.InProgress: 61, order.Confirmed: 32, order.Cancelled: 14,
			},
			Price: 67_783_396, Freight: 11_156_653, Payments: 78_949_877, WithoutItems: 34, WithoutPayments: 34,
			Delivered: 4858, Late: 391, Reviews: 4988, Mean: 4.119286287089014, Commission: 8_444_247, Payable: 68_692_857,
			Funnel: Funnel{Leads: 8000, Won: 842, WonBeforeContact: 1},
		}
	}
	d := readAll(t, realData(t), most)
	if !*all {
		d.leads = d.leads[6000:6500]
	}

	_, rep := played(t, d, options{seed: 1})

	assert.Equal(t, both, rep.Reconciliation.Both)
	assert.Equal(t, differ, rep.Reconciliation.Differ)
	assert.Len(t, rep.Reconciliation.Differences, differ)
	assert.Equal(t, both, rep.Reconciliation.Equal+rep.Reconciliation.Differ)
	assert.Equal(t, map[string]int64{"BRL": 0}, rep.Ledger.TrialBalance)
	assert.True(t, rep.Ledger.Verified)
	assert.True(t, rep.Audit.Verified)
	assertSettled(t, rep)
	assert.Positive(t, rep.Statements.Found[reconciliation.MissingInBooks]+rep.Statements.Found[reconciliation.Duplicate])
	assert.InDelta(t, want.Mean, rep.Mean, 1e-12)
	want.Mean, want.Reconciliation, want.Findings = rep.Mean, rep.Reconciliation, rep.Findings
	want.Settlement, want.Statements = rep.Settlement, rep.Statements
	want.Ledger, want.Audit, want.Events, want.Commands = rep.Ledger, rep.Audit, rep.Events, rep.Commands
	assert.Equal(t, want, rep)
}

// assertSettled checks that what was captured is explained to the cent, and that
// each planted difference was found and classed, and none invented.
func assertSettled(t *testing.T, rep Report) {
	t.Helper()
	s, st := rep.Settlement, rep.Statements
	assert.Zero(t, s.Difference)
	assert.Equal(t, s.Captured+s.Promotion+s.Receivable, s.PaidOut+s.Reserve+s.Fees+s.Refunds+s.Payable+s.Underway)
	assert.Positive(t, s.Payouts)
	assert.Equal(t, st.Planted, st.Found)
	assert.Zero(t, st.Missed)
	assert.Zero(t, st.Invented)
	assert.True(t, st.Proved)
}
