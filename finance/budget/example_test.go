package budget_test

import (
	"fmt"
	"testing"

	"github.com/liangding/platform/finance/budget"
)

// Two claims want more than a line has: one of them is refused, whoever comes
// first.
func ExampleControl() {
	v := newWorld(&testing.T{})
	l := v.line("100.00")

	fmt.Println(v.act("budget.committed", claim(1), on(l, "70.00")))
	fmt.Println(v.act("budget.committed", claim(2), on(l, "70.00")) != nil)
	fmt.Println(v.act("budget.settled", claim(1), on(l, "65.00")))
	fmt.Println(v.balance(l).Free)
	// Output:
	// <nil>
	// true
	// <nil>
	// 35.00 CNY
}

// A plan is approved by two operators who did not write it, and comes into force
// with its period.
func ExampleService_Draft() {
	v := newWorld(&testing.T{})

	b, _ := v.Draft(v.as(planner), draft(planned("travel", "100.00"), planned("software", "20.00")))
	_, _ = v.Submit(v.as(planner), budget.Submit{Budget: b.ID})
	_, err := v.Approve(v.as(planner), budget.Approve{Budget: b.ID})
	fmt.Println(err != nil)
	_, _ = v.Approve(v.as(first), budget.Approve{Budget: b.ID})
	b, _ = v.Approve(v.as(second), budget.Approve{Budget: b.ID})
	fmt.Println(b.State)
	v.tick()
	b, _ = v.Budget(v.as(planner), b.ID)
	fmt.Println(b.State)
	// Output:
	// true
	// approved
	// active
}
