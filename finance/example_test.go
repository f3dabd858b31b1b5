package finance_test

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/store/memory"
)

var (
	noon  = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	order = platform.Ref{Kind: "order", ID: platform.NewID("ord", noon, 7, 1)}
	shop  = platform.NewID("mer", noon, 9, 1)
)

// sale is a command of some domain that books what it does.
type sale struct {
	what string
	legs []platform.Leg
}

// book writes the postings in one set with the domain's own event.
func book(ctx context.Context, db platform.DB, s sale) error {
	books, w := finance.Books{Store: finance.StoreOn(db)}, platform.Writer{Store: db}
	_, err := platform.Update(ctx, w, s, func(ctx context.Context) (struct{}, []platform.Change, error) {
		set, err := books.Post(ctx, s.what, order, noon, s.legs)
		if err != nil {
			return struct{}{}, nil, err
		}
		return struct{}{}, append(set, platform.Happened(s.what, order, nil)), nil
	})
	return err
}

func paid(amount string) sale {
	m := platform.MustMoney(amount, "CNY")
	return sale{"pay.captured", []platform.Leg{
		{Role: "clearing", Party: "sandbox", Amount: m},
		{Role: "escrow", Of: order.ID, Amount: m.Neg()},
	}}
}

func sold(total, earned, commission string) sale {
	return sale{"order.completed", []platform.Leg{
		{Role: "escrow", Of: order.ID, Amount: platform.MustMoney(total, "CNY")},
		{Role: "earning", Of: order.ID, Party: shop, Amount: platform.MustMoney("-"+earned, "CNY")},
		{Role: "commission", Amount: platform.MustMoney("-"+commission, "CNY")},
	}}
}

func ExampleBooks_Post() {
	ctx := platform.As(context.Background(), platform.SystemActor("order"))
	db := memory.New(finance.Kinds(), nil)

	fmt.Println(book(ctx, db, paid("100.00")))
	err := book(ctx, db, sold("120.00", "108.00", "12.00"))
	fmt.Println(platform.Code(err), platform.Details(err)["shortage"])
	fmt.Println(book(ctx, db, sold("100.00", "90.00", "10.00")))
	// Output:
	// <nil>
	// floor 2000
	// <nil>
}

func ExampleBooks_TrialBalance() {
	ctx := platform.As(context.Background(), platform.SystemActor("order"))
	db := memory.New(finance.Kinds(), nil)
	for _, s := range []sale{paid("100.00"), sold("100.00", "90.00", "10.00")} {
		if err := book(ctx, db, s); err != nil {
			fmt.Println(err)
		}
	}

	books := finance.Books{Store: finance.StoreOn(db.Snapshot())}
	all, err := books.TrialBalance(ctx)
	for _, t := range all {
		for _, l := range t.Lines {
			fmt.Printf("%d %-10s %10s %10s\n", l.Code, l.Role, l.Debit.Decimal().StringFixed(2), l.Credit.Decimal().StringFixed(2))
		}
		fmt.Println(t.Debit, t.Credit, err)
	}
	// Output:
	// 1020 clearing       100.00       0.00
	// 2010 escrow           0.00       0.00
	// 2015 earning          0.00      90.00
	// 4010 commission       0.00      10.00
	// 100.00 CNY 100.00 CNY <nil>
}

func ExampleBooks_Balance() {
	ctx := platform.As(context.Background(), platform.SystemActor("order"))
	db := memory.New(finance.Kinds(), nil)
	if err := book(ctx, db, paid("100.00")); err != nil {
		fmt.Println(err)
	}

	books := finance.Books{Store: finance.StoreOn(db)}
	escrow := finance.Account{Role: "escrow", Of: order.ID}
	b, err := books.Balance(ctx, escrow, platform.MustMoney("0", "CNY").Currency())
	fmt.Println(b.Posted, b.Available, b.Held, err)
	// Output: 100.00 CNY 100.00 CNY 0.00 CNY <nil>
}

func ExampleVerify() {
	ctx := platform.As(context.Background(), platform.SystemActor("order"))
	db := memory.New(finance.Kinds(), nil)
	if err := book(ctx, db, paid("100.00")); err != nil {
		fmt.Println(err)
	}

	wrong, err := finance.Verify(ctx, db.Snapshot())
	fmt.Println(len(wrong), err)
	// Output: 0 <nil>
}
