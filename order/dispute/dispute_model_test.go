package dispute_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispute"
)

// TestMoneyIsNeverTakenTwiceWhateverHappens: over random turns, offers, silences,
// decisions, appeals, refunds beside, chargebacks and institutions that fail, what is
// held, reserved and returned never exceeds what was captured unless the bank took
// it, legs sum to the hold, the customer never gets more of a dispute than was
// granted, and every dispute ends with nothing held.
func TestMoneyIsNeverTakenTwiceWhateverHappens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		v := newWorld(t)
		state := rapid.SampledFrom([]order.State{order.InProgress, order.Delivered, order.Rework, order.Completed, order.Cancelled}).Draw(r, "state")
		o := v.order(state, nil)
		most := int64(10000)
		if state == order.Cancelled {
			most = 3000
		}
		who := rapid.SampledFrom([]platform.Actor{customer, merchant})
		sum := func(d dispute.Dispute, kind dispute.LegKind) (n int64) {
			for _, l := range d.Ruling().Legs {
				if l.Kind == kind {
					n += l.Amount.Minor()
				}
			}
			return n
		}
		var d dispute.Dispute
		granted, taken := int64(0), int64(0)
		here := func() dispute.Dispute {
			if d.ID == "" {
				return d
			}
			found, err := v.Dispute(as(arbiter), d.ID)
			require.NoError(r, err)
			return found
		}
		r.Repeat(map[string]func(*rapid.T){
			"open": func(r *rapid.T) {
				if d.ID != "" {
					return
				}
				amount := money(rapid.Int64Range(1, most).Draw(r, "amount"))
				if next, err := v.Open(as(who.Draw(r, "who")), dispute.Open{Order: o.ID, Amount: amount, Reason: "broken"}); err == nil {
					d = next
				}
			},
			"answer": func(r *rapid.T) {
				move := rapid.SampledFrom([]string{"contest", "contest", "offer", "offer", "concede"}).Draw(r, "move")
				refund := money(rapid.Int64Range(0, most).Draw(r, "refund"))
				_, _ = v.Answer(as(who.Draw(r, "who")), dispute.Answer{Dispute: d.ID, Move: move, Refund: refund})
			},
			"settle": func(r *rapid.T) {
				if now := here(); now.Offer != nil {
					_, _ = v.Settle(as(who.Draw(r, "who")), dispute.Settle{Dispute: d.ID, Hash: now.Offer.Hash})
				}
			},
			"withdraw": func(r *rapid.T) {
				if rapid.IntRange(0, 9).Draw(r, "rarely") == 0 {
					_, _ = v.Withdraw(as(who.Draw(r, "who")), dispute.Withdraw{Dispute: d.ID})
				}
			},
			"decide": func(r *rapid.T) {
				in := dispute.Remedy{Refund: money(rapid.Int64Range(0, most).Draw(r, "refund"))}
				_, _ = v.Decide(as(rapid.SampledFrom([]platform.Actor{arbiter, second}).Draw(r, "arbiter")), dispute.Decide{Dispute: d.ID, Remedy: in, Reason: "evidence"})
			},
			"appeal": func(r *rapid.T) {
				_, _ = v.Appeal(as(who.Draw(r, "who")), dispute.Appeal{Dispute: d.ID, Reason: "unfair"})
			},
			"waive": func(r *rapid.T) { _, _ = v.Waive(as(who.Draw(r, "who")), dispute.Waive{Dispute: d.ID}) },
			"refund beside": func(r *rapid.T) {
				_, _ = v.orders.RequestRefund(as(customer), order.RequestRefund{Order: o.ID, Amount: money(rapid.Int64Range(1, most).Draw(r, "amount")), Reason: "x"})
			},
			"chargeback": func(r *rapid.T) {
				back := money(rapid.Int64Range(0, 10000).Draw(r, "back"))
				open := rapid.Bool().Draw(r, "undecided")
				require.NoError(r, v.charged(o, back.Decimal().String()))
				v.banks.set(open)
				taken = max(taken, back.Minor())
			},
			"time": func(r *rapid.T) {
				v.clock.pass(time.Duration(rapid.IntRange(1, 80).Draw(r, "hours")) * time.Hour)
				_ = v.tick()
				_, _ = v.orders.Tick(context.Background(), v.clock.now(), 0)
			},
			"institution": func(r *rapid.T) {
				if now := here(); now.State == dispute.Executing {
					_ = v.told(now, rapid.SampledFrom([]string{"sent", "failed", "succeeded"}).Draw(r, "outcome"))
				}
			},
			"": func(r *rapid.T) {
				at := v.read(o.ID)
				for _, m := range []platform.Money{at.Held, at.Reserved, at.Refunded} {
					require.GreaterOrEqual(r, m.Sign(), 0)
				}
				require.LessOrEqual(r, at.Held.Minor()+at.Reserved.Minor()+at.Refunded.Minor(), at.Captured.Minor())
				now := here()
				if now.ID == "" {
					return
				}
				if now.State.Ended() {
					require.Equal(r, cny("0"), at.Held)
					require.Empty(r, at.Dispute)
				} else {
					require.Equal(r, now.ID, at.Dispute)
				}
				if now.Ruling() == nil {
					return
				}
				require.Equal(r, now.Amount.Minor(), sum(now, dispute.Refund)+sum(now, dispute.Release)+sum(now, dispute.Bank))
				switch now.State {
				case dispute.Decided, dispute.Settled:
					granted = sum(now, dispute.Refund)
				case dispute.Executing, dispute.Closed:
					require.LessOrEqual(r, sum(now, dispute.Refund), granted)
				}
				require.Empty(r, v.proved())
			},
		})
	})
}
