package closing_test

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/closing"
	"github.com/liangding/platform/store/memory"
)

// A month is closed in two steps: soft, when it has been over for a day, and hard,
// when the checklist is green.
func ExampleService_HardClose() {
	db := memory.New(append(finance.Kinds(), closing.Kinds()...), nil)
	now := time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC)
	w := platform.Writer{Store: db, Now: func() time.Time { return now }}
	ledger := finance.New(w, finance.StoreOn(db), nil)
	desk := closing.New(w, closing.StoreOn(db), closing.Ports{Books: finance.Books{Store: finance.StoreOn(db)}}, nil)
	ctx := platform.As(context.Background(), platform.Actor{ID: "opr-1", Kind: platform.Operator})
	_, _ = ledger.Tick(ctx, now, 0) // the first tick makes the fence

	_, err := desk.HardClose(ctx, closing.HardClose{Month: "2026-03"})
	fmt.Println(platform.Code(err))
	periods, _ := desk.SoftClose(ctx, closing.SoftClose{Month: "2026-03"})
	fmt.Println(periods.State("2026-03"))
	closed, _ := desk.HardClose(ctx, closing.HardClose{Month: "2026-03"})
	for _, item := range closed.Items {
		fmt.Println(item.Name, item.Green())
	}

	// Output:
	// close.order
	// soft_closed
	// journal_numbered true
	// trial_balance true
	// suspense true
	// year_closed true
}

// Statements are made of the sums of months.
func ExampleService_IncomeStatement() {
	db := memory.New(append(finance.Kinds(), closing.Kinds()...), nil)
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	w := platform.Writer{Store: db, Now: func() time.Time { return now }}
	books := finance.Books{Store: finance.StoreOn(db), Now: w.Now}
	ledger := finance.New(w, finance.StoreOn(db), nil)
	desk := closing.New(w, closing.StoreOn(db), closing.Ports{Books: books}, nil)
	ctx := platform.As(context.Background(), platform.Actor{ID: "opr-1", Kind: platform.Operator})
	_, _ = ledger.Transfer(ctx, finance.Transfer{Key: "fee", Steps: []finance.Step{{What: "gateway.fee", Legs: []finance.Line{
		{Account: "gateway_fee:sandbox", Amount: platform.MustMoney("2.00", "CNY")},
		{Account: "clearing:sandbox", Amount: platform.MustMoney("-2.00", "CNY")},
	}}}})
	_, _ = ledger.Tick(ctx, now.Add(time.Minute), 0)

	all, _ := desk.IncomeStatement(ctx, "2026-01", "2026-03")
	for _, line := range all[0].Expense.Lines {
		fmt.Println(line.Code, line.Roles, line.Amount)
	}
	fmt.Println(all[0].Result)

	// Output:
	// 6603 [gateway_fee] 2.00 CNY
	// -2.00 CNY
}

// A tax report is exported as JSON lines, which its digest proves.
func ExampleService_ReportTax() {
	db := memory.New(append(finance.Kinds(), closing.Kinds()...), nil)
	now := time.Date(2026, 4, 2, 9, 0, 0, 0, time.UTC)
	w := platform.Writer{Store: db, Now: func() time.Time { return now }}
	ledger := finance.New(w, finance.StoreOn(db), nil)
	desk := closing.New(w, closing.StoreOn(db), closing.Ports{Books: finance.Books{Store: finance.StoreOn(db)}}, nil)
	ctx := platform.As(context.Background(), platform.Actor{ID: "opr-1", Kind: platform.Operator})
	_, _ = ledger.Tick(ctx, now, 0)
	_, _ = desk.SoftClose(ctx, closing.SoftClose{Month: "2026-03"})
	_, _ = desk.HardClose(ctx, closing.HardClose{Month: "2026-03"})

	report, err := desk.ReportTax(ctx, closing.ReportTax{Quarter: "2026-Q1"})
	fmt.Println(report.Quarter, report.Edition, report.Parties, err)

	// Output: 2026-Q1 1 0 <nil>
}
