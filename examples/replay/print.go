package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// print writes the report for a reader.
func (rep Report) print(w io.Writer, drift float64) {
	p := func(format string, values ...any) { fmt.Fprintf(w, format+"\n", values...) }
	c := rep.Reconciliation
	p("orders            %d of the dataset, %d on the platform", rep.Orders, rep.PlatformOrders)
	p("  by status       %s", counted(rep.ByStatus))
	p("  final states    %s", counted(named(rep.FinalStates)))
	p("  without         items %d, payments %d", rep.WithoutItems, rep.WithoutPayments)
	p("  delivered       %d, of them late %d", rep.Delivered, rep.Late)
	p("money             price %s, freight %s, payments %s", major(rep.Price), major(rep.Freight), major(rep.Payments))
	p("  reconciliation  %d with items and payments: %d equal, %d differ", c.Both, c.Equal, c.Differ)
	p("  delivered       commission %s, payable to merchants %s", major(rep.Commission), major(rep.Payable))
	m, st := rep.Settlement, rep.Statements
	p("settlement        captured %s, promotion %s", major(m.Captured), major(m.Promotion))
	p("  went            paid out %s in %d payouts of %d runs, refunds %s, fees %s", major(m.PaidOut), m.Payouts, m.Runs, major(m.Refunds), major(m.Fees))
	p("  is left         reserve %s, payable %s, under way %s, receivable %s", major(m.Reserve), major(m.Payable), major(m.Underway), major(m.Receivable))
	p("  difference      %s", major(m.Difference))
	p("statements        %d days, %d lines, proved %t, suspense %s", st.Days, st.Lines, st.Proved, major(st.Suspense))
	p("  planted         %s", counted(named(st.Planted)))
	p("  found           %s; missed %d, invented %d", counted(named(st.Found)), st.Missed, st.Invented)
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
func major(minor int64) string { return brl(minor).String() }

func counted[N int | int64](of map[string]N) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, of[name]))
	}
	return strings.Join(parts, ", ")
}

func named[K ~string](of map[K]int) map[string]int {
	plain := map[string]int{}
	for name, n := range of {
		plain[string(name)] = n
	}
	return plain
}
