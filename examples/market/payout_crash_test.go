package market_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
	"github.com/liangding/platform/store/storetest"
)

// mortal is a store whose process dies at a point of its n-th commit.
type mortal struct {
	*memory.DB
	faulty *storetest.Faulty
}

func (m *mortal) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	return m.faulty.Commit(ctx, set)
}

// paying is a market that is started again and again on the same store, and with
// the same institution.
type paying struct {
	*storm
	books string
}

// start is a process on the store.
func (p *paying) start(db store.Engine) {
	p.t.Helper()
	var err error
	p.Market, err = market.Open(db, &market.Options{
		Now: p.clock.Now, Secret: bytes.Repeat([]byte("market"), 6), Keys: keys.store, KEK: keys.kek, SandboxBooks: p.books,
		Order: order.Options{Windows: order.Windows{Close: time.Hour}},
		Settlement: settlement.Options{Terms: settlement.Terms{
			Silence: time.Hour, Cycles: map[string]settlement.Cycle{"mer": settlement.Daily},
		}},
	})
	require.NoError(p.t, err)
}

// Wherever the process dies while a payout is planned, approved, held, sent and
// recorded, and while it comes back: the next one ends it, once, and the books are
// what the institution says.
func TestAPayoutOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	for n := int64(1); n <= 26; n++ {
		for name, at := range map[string]storetest.Point{
			"before": storetest.BeforeSend, "sent": storetest.Sent, "committed": storetest.Committed, "answered": storetest.Answered,
		} {
			t.Run(fmt.Sprintf("commit %d %s", n, name), func(t *testing.T) {
				t.Parallel()
				db := memory.New(market.Kinds(), nil)
				p := &paying{books: filepath.Join(t.TempDir(), "books"), storm: &storm{
					stall: &stall{t: t, engine: db, clock: storetest.NewClock(time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC))},
				}}
				p.start(db)
				var err error
				p.cast, err = p.Demo(t.Context())
				require.NoError(t, err)
				p.sold()
				require.NoError(t, p.Close())

				var commits atomic.Int64
				p.start(&mortal{DB: db, faulty: storetest.NewFaulty(db, storetest.Faults{Stop: func(point storetest.Point, _ platform.Set) bool {
					if point == storetest.BeforeSend {
						commits.Add(1)
					}
					return commits.Load() == n && point == at
				}})})
				p.live(false)
				_ = p.Close() // its leases may be lost with the store

				p.start(db)
				p.live(true)
				p.back()
			})
		}
	}
}

// sold is an order that is closed and settled.
func (p *paying) sold() {
	o, err := p.Orders.Place(p.as(p.cast.Customer), order.Place{Lines: []order.PlaceLine{{Listing: p.cast.Listing, Quantity: 1}}, Total: p.cast.Price})
	require.NoError(p.t, err)
	_, err = p.Payments.Pay(p.as(p.cast.Customer), payment.Pay{Intent: payment.IntentID(o.Ref(), payment.Full), Method: sandbox.OK})
	require.NoError(p.t, err)
	p.carriedOut(p.cast.Customer, o.ID)
	for range 3 {
		p.tick(24 * time.Hour)
	}
}

// live pays the merchant out, which comes back a day later. A process that must not
// live is left where it dies.
func (p *paying) live(must bool) {
	run := settlement.RunID("once", "CNY")
	p.Sandbox.Force(payment.Key(settlement.PayoutID(settlement.AccountID(p.cast.Merchant.ID, "CNY"), run)), sandbox.Bounce)
	ctx := platform.As(p.t.Context(), platform.SystemActor("calendar"))
	steps := []func() error{func() error {
		_, err := p.Payouts.StartRun(ctx, settlement.StartRun{Name: "once", Currency: "CNY"})
		return err
	}}
	for _, by := range []platform.Actor{p.cast.Operator, p.cast.Second} { // nobody started it: two approve
		steps = append(steps, func() error {
			_, err := p.Payouts.ApproveRun(p.as(by), settlement.ApproveRun{Run: run})
			return err
		})
	}
	for _, d := range []time.Duration{0, 5 * time.Second, time.Minute, 3 * time.Minute, time.Hour, 24 * time.Hour, 36 * time.Hour} {
		steps = append(steps, func() error {
			_, err := p.Payouts.Tick(p.t.Context(), p.clock.Advance(d), 0)
			return err
		})
	}
	for _, step := range steps {
		if err := step(); err != nil {
			require.False(p.t, must, "%v", err)
			return
		}
	}
}

// back checks that the one payout went, and came back, once.
func (p *paying) back() {
	t := p.t
	p.tick(7 * 24 * time.Hour)
	all := kept[settlement.Payout](p.stall, "settlement.payout")
	require.Len(t, all, 1)
	require.Equal(t, settlement.PayoutReturned, all[0].State)
	cny := p.cast.Price.Currency()
	has, err := p.Sandbox.Balance("", cny)
	require.NoError(t, err)
	assert.Equal(t, p.cast.Price, has, "it is all back")
	clearing, err := p.Books.Balance(p.as(p.cast.Operator), finance.Account{Role: "clearing", Party: "sandbox"}, cny)
	require.NoError(t, err)
	assert.Equal(t, has, clearing.Posted)
	_, err = p.Verify(t.Context(), func(f store.Finding) { assert.Fail(t, f.String()) })
	require.NoError(t, err)
	require.NoError(t, p.Close())
}
