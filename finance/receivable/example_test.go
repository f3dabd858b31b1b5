package receivable_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/liangding/platform/finance/receivable"
)

// A claim arises from an invoice, is dunned once it is overdue, and ends with the
// money; what is over waits for the next.
func ExampleService_Receive() {
	w := open(&testing.T{}, nil)
	i, _ := w.Arise(as(clerk), arise(merchant.ID, 1, "100.00", noon, 0))
	w.days(10)

	i, _ = w.Item(as(merchant), i.ID)
	fmt.Println(i.State, i.Level, i.Open(), "fee asked", i.Fee)

	r, _ := w.Receive(as(clerk), paid(merchant.ID, "120.00", 1))
	i, _ = w.Item(as(merchant), i.ID)
	fmt.Println(i.State, "fee paid", r.Parts[0].Fee, "over", r.Over)
	// Output:
	// open 2 100.00 CNY fee asked 1.00 CNY
	// paid fee paid 1.00 CNY over 19.00 CNY
}

// A debtor says by when it will pay; dunning waits, and goes on when it does not.
func ExampleService_MakePromise() {
	w := open(&testing.T{}, nil)
	i, _ := w.Arise(as(clerk), arise(merchant.ID, 1, "100.00", noon, 0))
	_, err := w.MakePromise(as(merchant), receivable.MakePromise{Item: i.ID, Parts: w.parts(5, "50.00", 10, "50.00")})
	fmt.Println(err)

	w.pay("50.00")
	w.days(12)
	i, _ = w.Item(as(merchant), i.ID)
	fmt.Println(i.State, i.Promise.Kept, "of 2", i.Level)
	w.days(1)
	i, _ = w.Item(as(merchant), i.ID)
	fmt.Println(i.State, i.Broken, "broken", i.Level)
	// Output:
	// <nil>
	// promised 1 of 2 0
	// partly_paid 1 broken 1
}

// What a party owes is asked by others through a value.
func ExampleDebts_Overdue() {
	w := open(&testing.T{}, nil)
	_, _ = w.Arise(as(clerk), arise(merchant.ID, 1, "100.00", noon, 0))
	_, _ = w.Arise(as(clerk), arise(merchant.ID, 2, "50.00", noon, 30))
	debts := receivable.Debts{Store: receivable.StoreOn(w.db)}

	overdue, since, _ := debts.Overdue(context.Background(), merchant.ID, noon.AddDate(0, 0, 5))

	fmt.Println(overdue, "since", since.Format("2006-01-02"))
	// Output: [100.00 CNY] since 2026-03-02
}
