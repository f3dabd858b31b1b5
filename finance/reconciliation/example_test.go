package reconciliation_test

import (
	"fmt"
	"testing"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/store/sandbox"
)

// The day of a gateway, as it hands it out, is compared with the books.
func ExampleService_Reconcile() {
	v := newWorld(&testing.T{}, sandbox.Faults{}, 0, nil)
	v.paid(1, "100.00")
	v.bank.Deposit(yuan("20.00")) // nobody told the books
	v.now = morning

	st, _ := v.s.Fetch(by(clerk), reconciliation.Fetch{Institution: "sandbox", Day: "2026-03-02"})
	run, _ := v.s.Reconcile(by(clerk), reconciliation.Reconcile{Statement: st.ID})

	for _, t := range run.Tallies {
		fmt.Println(t.Class, t.Pass, t.Lines, t.Entries)
	}
	p := run.Proofs[0]
	fmt.Println(p.Books, "=", p.Institution, "-", p.OpenLines, p.Holds())
	// Output:
	// matched 1 1 1
	// missing_in_books 0 1 0
	// 100.00 CNY = 120.00 CNY - 20.00 CNY true
}

// A file comes in as a whole, or not at all.
func ExampleService_Import() {
	v := newWorld(&testing.T{}, sandbox.Faults{}, 0, nil)
	in := reconciliation.Import{Institution: "sandbox", Day: "2026-03-02", Closing: []platform.Money{yuan("99.40")}}
	file := "id,kind,gross,fee,currency,at\ntxn_1,charge,100.00,0.60,CNY,2026-03-02T12:00:00Z\n"

	_, err := v.s.Import(by(clerk), from(in, file+"txn_2,gift,1.00,,CNY,2026-03-02T12:00:00Z\n"))
	fmt.Println(platform.Code(err), platform.Details(err)["line"], platform.Details(err)["column"])
	st, _ := v.s.Import(by(clerk), from(in, file))
	fmt.Println(st.Lines, st.Totals[0].Net)
	_, err = v.s.Import(by(clerk), from(in, file))
	fmt.Println(platform.Code(err))
	// Output:
	// statement.row 3 kind
	// 1 99.40 CNY
	// statement.duplicate
}

// A difference is resolved by a posting, which the next day's run explains.
func ExampleService_ResolveCase() {
	v := newWorld(&testing.T{}, sandbox.Faults{}, 0, nil)
	v.reconciled(v.file("2026-03-02", "txn_1,charge,,ch_1,20.00,,CNY,"+at+","))
	page, _ := v.s.Inbox(by(clerk), reconciliation.CaseOpen, "")
	c := page.Items[0]
	fmt.Println(c.Class, c.Differs, c.Proposal.What)

	done, _ := v.s.ResolveCase(by(clerk), reconciliation.ResolveCase{Case: c.ID})
	fmt.Println(done.State, v.balance("clearing:sandbox"))
	v.now = morning
	fmt.Println(v.reconciled(v.file("2026-03-03")).Open, "open")
	// Output:
	// missing_in_books 20.00 CNY pay.surplus
	// resolved 20.00 CNY
	// 0 open
}
