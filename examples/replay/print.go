package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/liangding/platform/order"
)

// print writes the report for a reader.
func (rep Report) print(w io.Writer, drift float64) {
	p := func(format string, values ...any) { fmt.Fprintf(w, format+"\n", values...) }
	c := rep.Reconciliation
	p("orders            %d of the dataset, %d on the platform", rep.Orders, rep.PlatformOrders)
	p("  by status       %s", counted(rep.ByStatus))
	p("  final states    %s", states(rep.FinalStates))
	p("  without         items %d, payments %d", rep.WithoutItems, rep.WithoutPayments)
	p("  delivered       %d, of them late %d", rep.Delivered, rep.Late)
	p("money             price %s, freight %s, payments %s", major(rep.Price), major(rep.Freight), major(rep.Payments))
	p("  reconciliation  %d with items and payments: %d equal, %d differ", c.Both, c.Equal, c.Differ)
	p("  delivered       commission %s, payable to merchants %s", major(rep.Commission), major(rep.Payable))
	p("reviews           %d, mean %.6f", rep.Reviews, rep.Mean)
	p("parties           %d sellers, %d customers; funnel %d leads, %d won, %d before contact",
		rep.Sellers, rep.Customers, rep.Funnel.Leads, rep.Funnel.Won, rep.Funnel.WonBeforeContact)
	p("books             %d movements, trial balance %s, verified %t", rep.Ledger.Movements, counted(rep.Ledger.TrialBalance), rep.Ledger.Verified)
	p("audit             %d events, root %s, verified %t", rep.Audit.Size, rep.Audit.Root, rep.Audit.Verified)
	p("findings")
	for _, code := range slices.Sorted(maps.Keys(rep.Findings)) {
		p("  %6d %-26s %s", rep.Findings[code], code, findings[code])
	}
	p("speed             %d commands in %.1f s: %.0f a second; the same commands took %.2f times as long in the last tenth as in the first",
		rep.Commands, rep.Seconds, float64(rep.Commands)/max(rep.Seconds, 1e-9), drift)
}

// major is an amount in minor units as a reader expects it.
func major(minor int64) string { return fmt.Sprintf("%d.%02d %s", minor/100, minor%100, currency) }

func counted[N int | int64](of map[string]N) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, of[name]))
	}
	return strings.Join(parts, ", ")
}

func states(of map[order.State]int) string {
	plain := map[string]int{}
	for state, n := range of {
		plain[string(state)] = n
	}
	return counted(plain)
}
