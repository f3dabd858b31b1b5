package dispute_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispute"
	"github.com/liangding/platform/store/storetest"
)

// crowd has n callers act at once, and tells what each was told.
func crowd(n int, act func(n int) error) (won int, refused []error) {
	told := make([]error, n)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range n {
		done.Go(func() {
			start.Wait()
			told[i] = act(i)
		})
	}
	start.Done()
	done.Wait()
	for _, err := range told {
		if err == nil {
			won++
		} else {
			refused = append(refused, err)
		}
	}
	return won, refused
}

// events counts those of a type about a subject.
func (v *world) events(subject platform.Ref, what string) (n int) {
	v.t.Helper()
	for q := (platform.Query{Kind: "event", By: []string{"subject", "id"}, Equal: []any{subject}}); ; {
		page, err := platform.List[platform.Event](context.Background(), v.db, q)
		require.NoError(v.t, err)
		for _, e := range page.Items {
			if e.Type == what {
				n++
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return n
		}
	}
}

// Of N equal commands exactly one takes effect, not zero, and all N get a true
// answer: the effect's result under one key, a refusal by the state now under keys
// of their own.
func TestOfManyEqualCommandsOneTakesEffect(t *testing.T) {
	t.Parallel()
	hash := func(d dispute.Dispute) string {
		if d.Proposed != nil {
			return d.Proposed.Hash
		}
		return d.Offer.Hash
	}
	for name, c := range map[string]struct {
		given   func(*world) dispute.Dispute
		who     platform.Actor
		command func(context.Context, *world, dispute.Dispute) error
		effect  string
	}{
		"answer": {func(v *world) dispute.Dispute { return v.open(v.order(order.Completed, nil), "40") }, merchant, func(ctx context.Context, v *world, d dispute.Dispute) error {
			_, err := v.Answer(ctx, dispute.Answer{Dispute: d.ID, Move: "contest"})
			return err
		}, "dispute.contested"},
		"concede": {func(v *world) dispute.Dispute { return v.open(v.order(order.Completed, nil), "40") }, merchant, func(ctx context.Context, v *world, d dispute.Dispute) error {
			_, err := v.Answer(ctx, dispute.Answer{Dispute: d.ID, Move: "concede"})
			return err
		}, "dispute.conceded"},
		"settle": {func(v *world) dispute.Dispute {
			d, err := v.Answer(as(merchant), dispute.Answer{Dispute: v.open(v.order(order.Completed, nil), "40").ID, Move: "offer", Refund: cny("10")})
			require.NoError(v.t, err)
			return d
		}, customer, func(ctx context.Context, v *world, d dispute.Dispute) error {
			_, err := v.Settle(ctx, dispute.Settle{Dispute: d.ID, Hash: hash(d)})
			return err
		}, "dispute.settled"},
		"withdraw": {func(v *world) dispute.Dispute { return v.open(v.order(order.Completed, nil), "40") }, customer, func(ctx context.Context, v *world, d dispute.Dispute) error {
			_, err := v.Withdraw(ctx, dispute.Withdraw{Dispute: d.ID})
			return err
		}, "dispute.withdrawn"},
		"escalate": {func(v *world) dispute.Dispute {
			d := v.open(v.order(order.Completed, nil), "40")
			v.clock.pass(6*day + time.Hour)
			return d
		}, customer, func(ctx context.Context, v *world, d dispute.Dispute) error {
			_, err := v.Escalate(ctx, dispute.Escalate{Dispute: d.ID})
			return err
		}, "dispute.escalated"},
		"decide": {func(v *world) dispute.Dispute { return v.arbitrated(v.order(order.Completed, nil), "40") }, arbiter, func(ctx context.Context, v *world, d dispute.Dispute) error {
			_, err := v.Decide(ctx, dispute.Decide{Dispute: d.ID, Remedy: dispute.Remedy{Refund: cny("10")}, Reason: "evidence"})
			return err
		}, "dispute.decided"},
		"endorse": {func(v *world) dispute.Dispute {
			v.Service = dispute.New(v.w, dispute.StoreOn(v.db), v.ports, &dispute.Options{Terms: dispute.Terms{FourEyes: []platform.Money{cny("1")}}})
			d, err := v.Decide(as(arbiter), dispute.Decide{Dispute: v.arbitrated(v.order(order.Completed, nil), "40").ID, Remedy: dispute.Remedy{Refund: cny("10")}, Reason: "evidence"})
			require.NoError(v.t, err)
			return d
		}, second, func(ctx context.Context, v *world, d dispute.Dispute) error {
			_, err := v.Endorse(ctx, dispute.Endorse{Dispute: d.ID, Hash: hash(d)})
			return err
		}, "dispute.decided"},
		"appeal": {func(v *world) dispute.Dispute { return v.decided(v.order(order.Completed, nil), "40", "10") }, merchant, func(ctx context.Context, v *world, d dispute.Dispute) error {
			_, err := v.Appeal(ctx, dispute.Appeal{Dispute: d.ID, Reason: "unfair"})
			return err
		}, "dispute.appealed"},
		"waive": {func(v *world) dispute.Dispute { return v.decided(v.order(order.Completed, nil), "40", "10") }, merchant, func(ctx context.Context, v *world, d dispute.Dispute) error {
			_, err := v.Waive(ctx, dispute.Waive{Dispute: d.ID})
			return err
		}, "dispute.waived"},
	} {
		for _, n := range []int{2, 8, 32} {
			for _, shared := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %d shared %t", name, n, shared), func(t *testing.T) {
					t.Parallel()
					v := newWorld(t)
					d := c.given(v)
					won, refused := crowd(n, func(i int) error {
						key := "one"
						if !shared {
							key = fmt.Sprint("key-", i)
						}
						return c.command(platform.WithKey(as(c.who), key), v, d)
					})
					if shared {
						assert.Equal(t, n, won, "%v", refused)
					} else {
						assert.Equal(t, 1, won)
					}
					for _, err := range refused {
						assert.ErrorIs(t, err, platform.ErrState)
					}
					assert.Equal(t, 1, v.events(d.Ref(), c.effect))
					assert.Empty(t, v.proved())
				})
			}
		}
	}
}

func TestOfManyDisputesOfOneOrderOneIsOpened(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	o := v.order(order.Completed, nil)
	won, refused := crowd(32, func(i int) error {
		_, err := v.Open(as([]platform.Actor{customer, merchant}[i%2]), dispute.Open{Order: o.ID, Amount: cny("40"), Reason: "broken"})
		return err
	})
	assert.Equal(t, 1, won)
	for _, err := range refused {
		require.ErrorIs(t, err, dispute.ErrOpen)
	}
	assert.Equal(t, cny("40"), v.read(o.ID).Held)
}

func TestRefundsAndADisputeNeverTakeTheSameMoney(t *testing.T) {
	t.Parallel()
	for range 8 {
		v := newWorld(t)
		o := v.order(order.Completed, nil)
		crowd(16, func(i int) error {
			if i%2 == 0 {
				_, err := v.orders.RequestRefund(as(customer), order.RequestRefund{Order: o.ID, Amount: cny("30"), Reason: "x"})
				return err
			}
			_, err := v.Open(as(customer), dispute.Open{Order: o.ID, Amount: cny("60"), Reason: "x"})
			return err
		})
		after := v.read(o.ID)
		assert.GreaterOrEqual(t, after.Refundable().Sign(), 0)
		taken, err := after.Held.Add(after.Reserved)
		require.NoError(t, err)
		assert.LessOrEqual(t, taken.Minor(), after.Captured.Minor())
		assert.Positive(t, taken.Sign())
	}
}

func TestE25OfADisputeAndAnAcceptanceInOneSecondEitherHolds(t *testing.T) {
	t.Parallel()
	for range 16 {
		v := newWorld(t)
		o := v.order(order.Delivered, nil)
		v.clock.pass(72 * time.Hour)
		var disputed error
		crowd(8, func(i int) error {
			if i == 0 {
				_, disputed = v.Open(as(customer), dispute.Open{Order: o.ID, Reason: "x"})
				return disputed
			}
			_, err := v.orders.Tick(context.Background(), v.clock.now(), 0)
			return err
		})
		require.NoError(t, disputed, "before the acceptance or after it")
		after := v.read(o.ID)
		assert.Contains(t, []order.State{order.Delivered, order.Completed}, after.State)
		assert.Equal(t, cny("100"), after.Held)
	}
}

func TestOfManyTicksEachDeadlineIsFiredByOne(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	d := v.decided(v.order(order.Completed, nil), "40", "25")
	v.clock.pass(7 * day)
	var fired atomic.Int64
	now := v.clock.now()
	crowd(32, func(int) error {
		n, err := v.Tick(context.Background(), now, 0)
		fired.Add(int64(n))
		return err
	})
	assert.Equal(t, 1, v.events(d.Ref(), "dispute.executed"))
	assert.Equal(t, cny("25"), v.read(d.Order).Reserved)
	assert.Equal(t, "67.50", v.free("earning", d.Order, merchant.ID))
	assert.Positive(t, fired.Load())
}

// Wherever the process dies while it carries a decision out, the next one ends it:
// one refund, one compensation, and nothing is held any more.
func TestExecutionSurvivesCrashes(t *testing.T) {
	t.Parallel()
	for commit := 1; commit <= 3; commit++ {
		for _, at := range []storetest.Point{storetest.BeforeSend, storetest.Sent, storetest.Committed, storetest.Answered} {
			t.Run(fmt.Sprintf("commit %d point %d", commit, at), func(t *testing.T) {
				t.Parallel()
				v := newWorld(t)
				d := v.arbitrated(v.order(order.Completed, nil), "40")
				d, err := v.Decide(as(arbiter), dispute.Decide{Dispute: d.ID, Remedy: dispute.Remedy{Refund: cny("25"), Compensation: cny("5"), Penalty: cny("3")}, Reason: "evidence"})
				require.NoError(t, err)
				v.clock.pass(7 * day)
				var commits atomic.Int64
				v.start(storetest.NewFaulty(v.db, storetest.Faults{Stop: func(point storetest.Point, _ platform.Set) bool {
					if point == storetest.BeforeSend {
						commits.Add(1)
					}
					return int(commits.Load()) == commit && point == at
				}}))
				for range 2 { // execution, a look at the refund, the close
					_ = v.tick()
					_ = v.told(d, "succeeded")
					v.clock.pass(time.Hour)
				}
				v.start(v.db)
				for range 4 {
					require.NoError(t, v.tick())
					if err := v.told(d, "succeeded"); err != nil && !errors.Is(err, platform.ErrState) {
						require.NoError(t, err)
					}
					v.clock.pass(time.Hour)
				}

				assert.Equal(t, dispute.Closed, v.again(d).State)
				after := v.read(d.Order)
				assert.Equal(t, cny("25"), after.Refunded)
				assert.Equal(t, cny("0"), after.Held)
				assert.Equal(t, "67.50", v.free("earning", d.Order, merchant.ID))
				assert.Equal(t, "5.00", v.free("payable", "", customer.ID))
				assert.Equal(t, "8.00", v.free("receivable", "", merchant.ID))
				assert.Equal(t, 1, v.events(d.Ref(), "dispute.executed"))
				assert.Equal(t, 1, v.events(d.Ref(), "dispute.closed"))
				assert.Empty(t, v.proved())
			})
		}
	}
}
