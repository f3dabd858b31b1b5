package invoice_test

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/invoice"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
)

// An invoice is asked for by the customer and issued by the next tick; what is
// given back later is taken back by a red letter.
func Example() {
	db := memory.New(invoice.Kinds(), nil)
	now := func() time.Time { return noon }
	sales := &shop{captured: yuan("100.00"), lines: []sold{{No: 1, Name: "cleaning", Quantity: 1, Price: yuan("100.00"), Rate: "0.06", Amount: yuan("100.00"), Given: yuan("0.00")}}}
	s := invoice.New(platform.Writer{Store: db, Now: now}, invoice.StoreOn(db), invoice.Ports{
		Sales: sales, Invoicer: sandbox.NewInvoicer(now, 0), Sealer: vault{}, Opener: vault{},
	}, nil)
	ctx := platform.As(context.Background(), customer)

	asked, err := s.RequestInvoice(ctx, invoice.RequestInvoice{Of: done, Kind: invoice.ForService, Title: person})
	fmt.Println(asked.State, asked.Net, asked.Tax, err)
	_, err = s.Tick(ctx, noon, 0)
	got, _ := s.Invoice(ctx, asked.ID)
	fmt.Println(got.State, got.Number, err)

	sales.refund(1, "30.00")
	_, err = s.Reconcile(platform.As(ctx, platform.SystemActor("refunds")), invoice.Reconcile{Of: done, Kind: invoice.ForService})
	fmt.Println(err)
	_, err = s.Tick(ctx, noon, 0)
	got, _ = s.Invoice(ctx, asked.ID)
	fmt.Println(got.State, got.Left(), err)
	// Output:
	// requested 94.34 CNY 5.66 CNY <nil>
	// issued 1 <nil>
	// <nil>
	// partly_red 70.00 CNY <nil>
}
