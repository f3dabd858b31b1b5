package settlement_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/store/sandbox"
	"github.com/liangding/platform/store/storetest"
)

// crash is where a process dies.
type crash struct {
	commit int             // its n-th commit
	at     storetest.Point // where in that commit
	before bool            // or before it calls the institution
	after  bool            // or after the institution answered
}

func (c crash) String() string {
	switch {
	case c.before:
		return "before the call"
	case c.after:
		return "after the call"
	}
	return fmt.Sprintf("commit %d, point %d", c.commit, c.at)
}

func crashes(commits int) []crash {
	all := []crash{{before: true}, {after: true}}
	for commit := 1; commit <= commits; commit++ {
		for _, at := range []storetest.Point{storetest.BeforeSend, storetest.Committed, storetest.Answered} {
			all = append(all, crash{commit: commit, at: at})
		}
	}
	return all
}

// mortal starts a process of the world's service that dies at the point.
func (v *world) mortal(c crash) {
	var commits atomic.Int64
	v.start(func(db platform.DB) platform.DB {
		faulty := storetest.NewFaulty(db, storetest.Faults{Stop: func(at storetest.Point, _ platform.Set) bool {
			if at == storetest.BeforeSend {
				commits.Add(1)
			}
			return int(commits.Load()) == c.commit && at == c.at
		}})
		if c.before {
			v.funds.before = faulty.Stop
		}
		if c.after {
			v.funds.after = faulty.Stop
		}
		return faulty
	})
}

func (v *world) reborn() {
	v.funds.before, v.funds.after = nil, nil
	v.start(nil)
}

// Wherever the process dies between the hold and the record, the next one finds
// the truth out: the money goes once, and the books say what the bank says.
func TestSendingCrashesWithoutLosingMoney(t *testing.T) {
	t.Parallel()
	for fate, want := range map[string]settlement.PayoutState{
		sandbox.OK: settlement.PayoutPaid, sandbox.Timeout: settlement.PayoutPaid, sandbox.Lost: settlement.PayoutPaid,
		sandbox.Decline: settlement.PayoutFailed,
	} {
		for _, c := range crashes(4) {
			t.Run(fate+" "+c.String(), func(t *testing.T) {
				t.Parallel()
				v := newWorld(setup{})
				a := ready(t, v, "100.00", "payee")
				p := v.approved(t, a)
				v.bank.Force(paymentKey(p), fate)
				v.mortal(c)
				for range 3 {
					_ = v.after(time.Minute)
				}

				v.reborn()
				v.quiesce(t)

				p = v.payout(t, p.ID)
				assert.Equal(t, want, p.State)
				if want == settlement.PayoutPaid {
					assert.Equal(t, "100", v.out(t, "100.00").String())
					assert.Equal(t, "0.00, 0.00", v.on(t, "payable:"+string(merchant.ID)))
				} else {
					assert.Equal(t, "0", v.out(t, "100.00").String())
					assert.Equal(t, "100.00, 100.00", v.on(t, "payable:"+string(merchant.ID)))
				}
				v.sound(t)
			})
		}
	}
}

// A process that slept between hold and call pays nothing: what was not found
// meanwhile may have been given up, and be paid by another run.
func TestProcessThatSleptDoesNotPay(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	p := v.approved(t, ready(t, v, "100.00", "payee"))
	asleep := true
	v.start(func(db platform.DB) platform.DB {
		return storetest.NewFaulty(db, storetest.Faults{Stop: func(at storetest.Point, _ platform.Set) bool {
			if at == storetest.Answered && asleep {
				asleep = false
				v.clock.Advance(time.Hour)
			}
			return false
		}})
	})

	p, err := v.s.SendPayout(system(), settlement.SendPayout{Payout: p.ID})

	require.NoError(t, err)
	assert.Equal(t, settlement.PayoutSending, p.State)
	assert.Equal(t, "0", v.out(t, "100.00").String())
	v.quiesce(t)
	assert.Equal(t, settlement.PayoutPaid, v.payout(t, p.ID).State)
	assert.Equal(t, "100", v.out(t, "100.00").String(), "once")
	v.sound(t)
}

// A run that dies anywhere is planned to its end by the next process, and each
// party has one payout in it.
func TestRunCrashesWithoutLosingOrDoublingAPayout(t *testing.T) {
	t.Parallel()
	for _, c := range crashes(6)[2:] {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			v := newWorld(setup{})
			accounts := crowd(t, v, 4, "100.00")
			v.confirmed(t)
			v.mortal(c)
			in := settlement.StartRun{Name: "r1", Currency: "CNY"}
			_, _ = v.s.StartRun(by(clerk), in)

			v.reborn()
			require.NoError(t, v.after(2*time.Minute))
			r, err := v.s.StartRun(by(clerk), in)
			require.NoError(t, err)

			assert.True(t, r.Planned)
			all, err := v.s.Run(by(clerk), r.ID)
			require.NoError(t, err)
			assert.EqualValues(t, len(accounts), all.Count)
			assert.Equal(t, "400.00 CNY", all.Amount.String())
			assert.Len(t, each[settlement.Payout](t, v, "settlement.payout"), len(accounts))
			v.sound(t)
		})
	}
}

// crowd is n parties, each with its account and an amount earned.
func crowd(t require.TestingT, v *world, n int, amount string) (accounts []settlement.Account) {
	for range n {
		party := platform.Actor{ID: v.w.NewRoot(system(), "mer"), Kind: platform.Merchant}
		accounts = append(accounts, v.account(t, party, "payee"))
		v.earn(t, party.ID, amount)
	}
	return accounts
}

// together does something n times at once.
func together(n int, do func(i int)) {
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		all.Go(func() { <-begin; do(i) })
	}
	close(begin)
	all.Wait()
}

// Invariant 16: each earning is in at most one payout, a run started twice, or by
// 64 at once, is one run, and every caller is told the truth.
func TestRunStartedByManyIsOneRun(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	accounts := crowd(t, v, 5, "100.00")
	v.confirmed(t)
	runs, errs := make([]settlement.Run, 64), make([]error, 64)

	together(64, func(i int) {
		runs[i], errs[i] = v.s.StartRun(by(clerk), settlement.StartRun{Name: "r1", Currency: "CNY"})
	})

	for i := range runs {
		require.NoError(t, errs[i])
		assert.True(t, runs[i].Planned)
		assert.Equal(t, runs[0].ID, runs[i].ID)
	}
	all, err := v.s.Run(by(clerk), runs[0].ID)
	require.NoError(t, err)
	assert.EqualValues(t, len(accounts), all.Count)
	assert.Equal(t, "500.00 CNY", all.Amount.String())
	assert.Len(t, each[settlement.Payout](t, v, "settlement.payout"), len(accounts))
}

// Runs of different names at once promise what is free to one of them.
func TestRunsAtOncePromiseMoneyOnce(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	crowd(t, v, 3, "100.00")
	v.confirmed(t)

	together(16, func(i int) {
		_, err := v.s.StartRun(by(clerk), settlement.StartRun{Name: fmt.Sprint("r", i), Currency: "CNY"})
		assert.NoError(t, err)
	})

	assert.Len(t, each[settlement.Payout](t, v, "settlement.payout"), 3)
}

// Invariants 3, 14, 16: run, approve, send, refund and chargeback of 64 at once on
// the same balance: nothing goes below zero, nothing held is paid, and what was
// paid and held is what was earned.
func TestManyAtOnceOnOneBalance(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{faults: sandbox.Faults{RefundTimeout: 0.2, LostRefund: 0.2, RefundDelay: 0.2}})
	a := ready(t, v, "1000.00", "payee")
	var refused, held atomic.Int64
	together(64, func(i int) {
		var err error
		switch i % 4 {
		case 0:
			_, err = v.s.StartRun(by(clerk), settlement.StartRun{Name: fmt.Sprint("r", i%8), Currency: "CNY"})
		case 1:
			for _, p := range each[settlement.Payout](t, v, "settlement.payout") {
				_, err = v.s.ApprovePayout(by(second), settlement.ApprovePayout{Payout: p.ID})
			}
		case 2:
			_, err = v.s.Tick(system(), v.clock.Now(), 0)
		case 3:
			if _, err = v.hold(merchant.ID, yuan("90.00")); err == nil {
				held.Add(1)
			} else {
				refused.Add(1)
			}
		}
		assert.False(t, surprise(err), "%v", err)
	})
	for _, p := range each[settlement.Payout](t, v, "settlement.payout") {
		if p.State == settlement.PayoutPlanned {
			_, err := v.s.ApprovePayout(by(second), settlement.ApprovePayout{Payout: p.ID})
			require.NoError(t, err)
		}
	}
	v.quiesce(t)

	var paid int64
	for _, p := range each[settlement.Payout](t, v, "settlement.payout") {
		if p.State == settlement.PayoutPaid {
			paid += p.Amount.Minor()
		}
	}
	assert.EqualValues(t, 16, held.Load()+refused.Load())
	assert.LessOrEqual(t, paid+held.Load()*9000, int64(100000))
	assert.Equal(t, paid, v.out(t, "1000.00").Shift(2).IntPart())
	assert.Equal(t, int64(100000), paid+held.Load()*9000+v.purse(t, a).Available.Minor())
	v.sound(t)
}
