package settlement_test

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/store/sandbox"
)

// quick is for examples: what fails there ends the program.
type quick struct{}

func (quick) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (quick) FailNow()                          { panic("failed") }

// A week's earnings go to a merchant: the statement is cut, nobody questions it,
// a run plans the payout, another operator approves it, and Tick sends it.
func Example() {
	v := newWorld(setup{})
	account := v.account(quick{}, merchant, sandbox.OK)
	v.earn(quick{}, merchant.ID, "90.00")

	_ = v.after(7 * 24 * time.Hour)
	_ = v.after(3 * 24 * time.Hour)
	run, _ := v.s.StartRun(by(clerk), settlement.StartRun{Name: "2026-03-12", Currency: "CNY"})
	n, _ := v.s.ApproveRun(by(second), settlement.ApproveRun{Run: run.ID})
	fmt.Println("approved", n)
	_ = v.after(0)
	purse, _ := v.s.Purse(by(merchant), account.ID)
	fmt.Println("in transit", purse.InTransit)
	_ = v.after(time.Hour)

	p, _ := v.s.Payout(by(merchant), settlement.PayoutID(account.ID, run.ID))
	fmt.Println(p.State, p.Amount)
	// Output:
	// approved 1
	// in transit 90.00 CNY
	// paid 90.00 CNY
}

// An account is opened with the first statement; a change of it cools.
func ExampleService_Register() {
	v := newWorld(setup{})
	in := settlement.Register{Party: merchant.ID, Currency: "CNY", Cycle: settlement.Daily, Number: "6222020200112230", Holder: "Bright Windows Ltd"}
	a, _ := v.s.Register(by(merchant), in)
	fmt.Println(a.State, a.Cycle, "…"+a.Tail)
	in.Number = "6222020200119999"
	a, _ = v.s.Register(by(merchant), in)
	fmt.Println(a.State, "…"+a.Tail, "cools for", a.CoolsUntil.Sub(v.clock.Now()))
	// Output:
	// pending daily …2230
	// pending …9999 cools for 72h0m0s
}

// A chargeback holds what it may take: nothing of it is paid out meanwhile.
func ExampleService_Purse() {
	v := newWorld(setup{})
	account := v.account(quick{}, merchant, sandbox.OK)
	v.earn(quick{}, merchant.ID, "90.00")
	_, _ = v.hold(merchant.ID, platform.MustMoney("30.00", "CNY"))

	purse, _ := v.s.Purse(platform.As(context.Background(), merchant), account.ID)
	fmt.Println("available", purse.Available, "held", purse.Held[0].Amount, "for", purse.Held[0].What)
	fmt.Println("waits for", purse.Waits)
	// Output:
	// available 60.00 CNY held 30.00 CNY for refund.approved
	// waits for [payout.account payout.nothing_due]
}
