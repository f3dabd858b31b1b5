package settlement_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/store/sandbox"
)

// steps are the ways that a payout may go: the spec's table, written down again.
var steps = map[settlement.PayoutState][]settlement.PayoutState{
	"":                         {settlement.PayoutPlanned, settlement.PayoutCancelled},
	settlement.PayoutPlanned:   {settlement.PayoutApproved, settlement.PayoutCancelled},
	settlement.PayoutApproved:  {settlement.PayoutSending, settlement.PayoutCancelled},
	settlement.PayoutSending:   {settlement.PayoutUnknown, settlement.PayoutManual, settlement.PayoutPaid, settlement.PayoutFailed},
	settlement.PayoutUnknown:   {settlement.PayoutSending, settlement.PayoutManual, settlement.PayoutPaid, settlement.PayoutFailed},
	settlement.PayoutManual:    {settlement.PayoutPaid, settlement.PayoutFailed},
	settlement.PayoutPaid:      {settlement.PayoutReturned},
	settlement.PayoutFailed:    nil,
	settlement.PayoutReturned:  nil,
	settlement.PayoutCancelled: nil,
}

// reaches tells whether a state can follow upon another, in any number of steps.
func reaches(from, to settlement.PayoutState, most int) bool {
	if from == to {
		return true
	}
	for _, next := range steps[from] {
		if most > 0 && reaches(next, to, most-1) {
			return true
		}
	}
	return false
}

// Whatever is done in whatever order, with an institution that fails as it likes:
// states follow the table, the sum of payouts of a party is at most what it was
// credited, held money stays, and the bank's books are ours.
func TestPayoutsAgreeWithAModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		rate := func(name string) float64 { return rapid.SampledFrom([]float64{0, 0, 0.2, 0.5}).Draw(r, name) / 2 }
		v := newWorld(setup{faults: sandbox.Faults{
			RefundDecline: rate("decline") / 2, RefundDelay: rate("delay"), RefundTimeout: rate("timeout"), LostRefund: rate("lost"), Silence: rate("silence"),
		}, terms: settlement.Terms{Cycles: map[string]settlement.Cycle{"mer": settlement.Daily}}})
		a := v.account(r, merchant, rapid.SampledFrom([]string{"payee", sandbox.Bounce}).Draw(r, "payee"))
		var credited, held, runs int64
		states := map[platform.ID]settlement.PayoutState{}
		payouts := func() []settlement.Payout { return each[settlement.Payout](r, v, "settlement.payout") }
		one := func() (settlement.Payout, bool) {
			list := payouts()
			if len(list) == 0 {
				return settlement.Payout{}, false
			}
			return rapid.SampledFrom(list).Draw(r, "payout"), true
		}
		r.Repeat(map[string]func(*rapid.T){
			"earn": func(*rapid.T) {
				n := rapid.Int64Range(1, 500).Draw(r, "yuan")
				v.earn(r, merchant.ID, fmt.Sprintf("%d.00", n))
				credited += n * 100
			},
			"dispute": func(*rapid.T) {
				n := rapid.Int64Range(1, 300).Draw(r, "yuan")
				if _, err := v.hold(merchant.ID, yuan(fmt.Sprintf("%d.00", n))); err == nil {
					held += n * 100
				}
			},
			"time": func(*rapid.T) {
				require.NoError(r, v.after(time.Duration(rapid.IntRange(1, 80).Draw(r, "hours"))*time.Hour))
			},
			"tick": func(*rapid.T) {
				require.NoError(r, v.after(time.Duration(rapid.IntRange(0, 200).Draw(r, "s"))*time.Second))
			},
			"run": func(*rapid.T) { runs++; v.run(r, fmt.Sprint("r", runs)) },
			"approve": func(*rapid.T) {
				if p, ok := one(); ok {
					_, err := v.s.ApprovePayout(by(second), settlement.ApprovePayout{Payout: p.ID})
					require.Equal(r, p.State == settlement.PayoutPlanned, err == nil, "%v", err)
				}
			},
			"cancel": func(*rapid.T) {
				if p, ok := one(); ok {
					_, err := v.s.CancelPayout(by(clerk), settlement.CancelPayout{Payout: p.ID, Reason: "test"})
					require.Equal(r, p.State == settlement.PayoutPlanned || p.State == settlement.PayoutApproved, err == nil, "%v", err)
				}
			},
			"resolve": func(*rapid.T) {
				if p, ok := one(); ok && p.State == settlement.PayoutManual {
					_, err := v.s.LookPayout(by(clerk), settlement.LookPayout{Payout: p.ID})
					require.NoError(r, err)
				}
			},
			"verify": func(*rapid.T) {
				_, _ = v.s.VerifyAccount(by(clerk), settlement.VerifyAccount{Account: a.ID, Reason: "document"})
			},
			"": func(*rapid.T) {
				var out, flight int64
				for _, p := range payouts() {
					require.True(r, reaches(states[p.ID], p.State, 8), "%s after %q", p.State, states[p.ID])
					states[p.ID] = p.State
					switch p.State {
					case settlement.PayoutPaid:
						out += p.Amount.Minor()
					case settlement.PayoutSending, settlement.PayoutUnknown, settlement.PayoutManual:
						flight += p.Amount.Minor()
					}
				}
				free, err := v.books.Free(system(), "payable", "", merchant.ID, cny)
				require.NoError(r, err)
				require.Equal(r, credited, out+flight+held+free.Minor(), "what was credited is paid, on its way, held or free")
			},
		})
		v.sound(r)
	})
}
