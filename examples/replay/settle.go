package main

import (
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/settlement"
)

// minimum is the smallest payout, in whole units of currency.
const minimum = 300

// earn is what a merchant does once it has earned as much as is paid out: it tells
// where its money goes, and somebody verifies that.
func (r *replay) earn(o placed) error {
	before := r.earned[o.merchant]
	r.earned[o.merchant] += o.total.Minor()
	if before >= minimum*100 || r.earned[o.merchant] < minimum*100 {
		return nil
	}
	in := settlement.Register{Party: o.merchant, Currency: currency, Institution: institution, Payee: "seller " + string(o.merchant)}
	a, err := give(r, seller(o.merchant), r.market.Payouts.Register, in)
	if err == nil {
		_, err = give(r, finances[0], r.market.Payouts.VerifyAccount, settlement.VerifyAccount{Account: a.ID, Reason: "source.seller"})
	}
	return err
}

// settle approves the payouts of a week, each by two people if it is large. Tick
// has started the run, and sends what is approved.
func (r *replay) settle(at time.Time) error {
	monday := at.AddDate(0, 0, -int(at.Weekday()-time.Monday))
	run := settlement.ApproveRun{Run: settlement.RunID(monday.Format(time.DateOnly), currency)}
	for _, by := range finances[1:] {
		r.commands++
		if _, err := r.market.Payouts.ApproveRun(platform.As(r.ctx, by), run); err != nil {
			return err
		}
	}
	return nil
}
