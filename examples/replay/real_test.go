package main

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/liangding/platform/order"
)

var all = flag.Bool("all", false, "replay all orders of the real data, which takes a while")

// real is the directory of the real data. Without it the test is skipped.
func real(t testing.TB) string {
	t.Helper()
	const dir = "../../../shared/data/orders"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no orders of the dataset beside the module: ", err)
	}
	return dir
}

// The figures of the first 300 orders, with an eighth of the leads, and of all
// were computed from the files by another program.
func TestRealOrdersGiveTheKnownFigures(t *testing.T) {
	t.Parallel()
	most, want := 300, Report{
		Orders: 300, PlatformOrders: 305, Sellers: 216, Customers: 300,
		ByStatus: map[string]int{"delivered": 291, "shipped": 5, "invoiced": 2, "processing": 1, "unavailable": 1},
		FinalStates: map[order.State]int{
			order.Closed: 297, order.InProgress: 5, order.Confirmed: 3,
		},
		Price: 3_790_505, Freight: 642_358, Payments: 4_432_863, WithoutItems: 1, WithoutPayments: 1,
		Delivered: 291, Late: 17, Reviews: 298, Mean: 4.114093959731544, Commission: 465_942, Payable: 3_815_412,
	}
	want.Funnel = Funnel{Leads: 1000, Won: 108, WonBeforeContact: 1}
	differ, both := 0, 299
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
	d := readAll(t, real(t), most)
	if !*all {
		d.leads = d.leads[6000:7000]
	}

	_, rep := played(t, d, options{seed: 1})

	assert.Equal(t, both, rep.Reconciliation.Both)
	assert.Equal(t, differ, rep.Reconciliation.Differ)
	assert.Len(t, rep.Reconciliation.Differences, differ)
	assert.Equal(t, both, rep.Reconciliation.Equal+rep.Reconciliation.Differ)
	assert.Equal(t, map[string]int64{"BRL": 0}, rep.Ledger.TrialBalance)
	assert.True(t, rep.Ledger.Verified)
	assert.True(t, rep.Audit.Verified)
	assert.InDelta(t, want.Mean, rep.Mean, 1e-12)
	want.Mean, want.Reconciliation, want.Findings = rep.Mean, rep.Reconciliation, rep.Findings
	want.Ledger, want.Audit, want.Events, want.Commands = rep.Ledger, rep.Audit, rep.Events, rep.Commands
	assert.Equal(t, want, rep)
}
