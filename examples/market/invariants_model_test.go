package market_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store"
)

// volleys is an order's life in which several act at once, again and again, held
// against what must be so at every moment.
type volleys struct {
	*theatre

	rt     *rapid.T
	last   order.Order // as it was before the volley
	pinned string
}

// The invariants of an order hold whoever acts at once, on every engine. PAIRS=all
// plays as often as rapid is told to; else the engines that write to a disk play less.
func TestTheInvariantsHoldOnEveryEngine(t *testing.T) {
	t.Parallel()
	_, _, all := perScene(t)
	for engine, most := range map[string]int{"memory": 40, "sqlite": 4, "postgres": 4} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			empty := inMemory
			if engine != "memory" {
				empty = emptied(t, engine)
			}
			h, played := newTheatre(t, 7, empty), 0
			rapid.Check(t, func(rt *rapid.T) {
				if played++; played > most && !all {
					return
				}
				v := &volleys{theatre: h, rt: rt}
				require.NoError(rt, h.begin(rapid.SampledFrom([]house{manned, proved}).Draw(rt, "house")))
				v.last = v.read()
				v.pinned = pins(v.last)
				for range rapid.IntRange(4, 14).Draw(rt, "volleys") {
					v.fire()
					v.sound()
				}
			})
		})
	}
}

func (v *volleys) read() order.Order {
	o, err := v.Orders.Order(v.as(v.cast.Operator), v.order)
	require.NoError(v.rt, err)
	return o
}

// usual is the next step of an order that all goes well with.
func (v *volleys) usual() act {
	is := func(command, who string) act {
		all := v.acts()
		i := slices.IndexFunc(all, func(a act) bool {
			return a.command != nil && a.command.String() == command && a.who == who && !a.last && a.choice == 0
		})
		require.GreaterOrEqual(v.rt, i, 0, command)
		return all[i]
	}
	switch o := v.last; {
	case o.State == order.AwaitingPayment && o.Screening == "review":
		return is("order.ClearReview", "operator")
	case o.State == order.AwaitingPayment:
		return is("payment.Pay", "customer")
	case slices.Contains(o.Allowed(v.cast.Merchant, v.clock.Now()), "confirm"):
		return is("order.Confirm", "merchant")
	case o.State == order.Confirmed && len(o.Seats) > 0:
		if seen, err := v.look(); err == nil && strings.Contains(seen.states("asg"), "offered") {
			return is("dispatch.Accept", "member")
		}
		return is("dispatch.DispatchOrder", "operator")
	case o.State == order.Confirmed || o.State == order.Assigned:
		return is("order.Start", "merchant")
	case o.State == order.InProgress || o.State == order.Rework:
		return is("order.Deliver", "merchant")
	case o.State == order.Delivered:
		return is("order.Accept", "customer")
	}
	return is("order.RequestRefund", "customer")
}

// fire has several act at once: all the same, or each something else.
func (v *volleys) fire() {
	seen, err := v.look()
	require.NoError(v.rt, err)
	var acts []act
	switch rapid.SampledFrom([]string{"usual", "usual", "same", "mixed", "mixed", "time"}).Draw(v.rt, "kind") {
	case "usual":
		acts = slices.Repeat([]act{v.usual()}, rapid.IntRange(1, 6).Draw(v.rt, "callers"))
	case "same":
		acts = slices.Repeat([]act{v.any(seen)}, rapid.IntRange(2, 6).Draw(v.rt, "callers"))
	case "mixed":
		acts = append(acts, v.usual())
		for range rapid.IntRange(1, 4).Draw(v.rt, "others") {
			acts = append(acts, v.any(seen))
		}
	case "time":
		for _, a := range []act{{room: rapid.SampledFrom([]string{timePasses, restPasses, halfAnHour}).Draw(v.rt, "time")}, {room: followed}} {
			if do := v.prepare(a, seen); do != nil {
				_, err := do()
				require.NoError(v.rt, err, a)
			}
		}
		acts = []act{{room: tickOf + "order"}, {room: tickOf + "order"}, {room: tickOf + "payment"}, {room: tickOf + "dispatch"}, {room: tickOf + "dispute"}}
	}
	told := v.atOnce(acts, seen)
	if slices.ContainsFunc(acts, func(a act) bool { return a != acts[0] }) || acts[0].command == nil {
		return
	}
	v.live(acts[0], told)
}

// any is something that somebody may try; time passes on its own.
func (v *volleys) any(seen props) act {
	all := slices.DeleteFunc(v.acts(), func(a act) bool { return a.passes() || v.prepare(a, seen) == nil })
	return rapid.Custom(func(t *rapid.T) act { return all[rapid.IntRange(0, len(all)-1).Draw(t, "act")] }).Draw(v.rt, "any")
}

// atOnce has them all act at once, each under a key of its own.
func (v *volleys) atOnce(acts []act, seen props) []error {
	told := make([]error, len(acts))
	var start, done sync.WaitGroup
	start.Add(1)
	for i, a := range acts {
		do := v.prepare(a, seen)
		if do == nil {
			continue
		}
		done.Go(func() {
			start.Wait()
			_, told[i] = do()
		})
	}
	start.Done()
	done.Wait()
	for i, err := range told {
		require.NotEqual(v.rt, "internal", platform.Code(err), "%s: %v", acts[i], err)
	}
	return told
}

// live is invariant 15: of equal commands that move the order or its seat one takes
// effect, and if none did, none could.
func (v *volleys) live(a act, told []error) {
	done := 0
	for _, err := range told {
		if err == nil {
			done++
		}
	}
	moves := slices.Contains([]string{
		"order.Accept", "order.Cancel", "order.ClearReview", "order.Complete", "order.Confirm", "order.Decline", "order.Deliver", "order.ProposeChange", "order.RequestRework", "order.Start",
		"order.ApproveRefund", "order.RejectRefund", "order.WithdrawRefund", "order.ApproveChange", "order.RejectChange", "order.WithdrawChange",
		"dispatch.Accept", "dispatch.Decline", "dispatch.Release", "dispatch.EnRoute", "dispatch.Arrive", "dispatch.Work", "dispatch.Done", "dispute.Open",
	}, a.command.String())
	if moves {
		require.LessOrEqual(v.rt, done, 1, "%s took effect more than once", a)
	}
	if done > 0 {
		return
	}
	seen, err := v.look()
	require.NoError(v.rt, err)
	if do := v.prepare(a, seen); do != nil {
		_, err = do()
		require.Error(v.rt, err, "%s was refused to all, and is possible", a)
		require.Equal(v.rt, platform.Code(err), platform.Code(told[len(told)-1]), "%s", a)
	}
}

// sound is what must hold after every volley.
func (v *volleys) sound() {
	rt, o := v.rt, v.read()
	require.Equal(rt, v.pinned, pins(o), "invariant 8: what was pinned stays")
	v.moved(o)
	v.sums(o)
	v.alone()
	if o.State.Ended() {
		require.True(rt, o.Due().IsZero() || o.State == order.Cancelled, "invariant 7: an end waits for nothing")
	}
	if was := v.last.Cancellation; was != nil {
		is := *o.Cancellation
		is.Returned = was.Returned
		require.Equal(rt, *was, is, "invariant 11: an order is cancelled once")
	}
	_, err := v.Verify(v.t.Context(), func(f store.Finding) { require.Fail(rt, "invariants 6 and 9", f.String()) })
	require.NoError(rt, err)
	balances, err := v.TrialBalance(v.as(v.cast.Operator))
	require.NoError(rt, err)
	for _, b := range balances {
		require.Equal(rt, b.Debit, b.Credit, "invariant 9: the books sum to zero")
	}
	v.last = o
}

// pins are what an order froze when it was placed, but for what a change moves.
func pins(o order.Order) string {
	type pin struct{ Listing, Revision platform.ID }
	var lines []pin
	for _, l := range o.Lines {
		lines = append(lines, pin{l.Listing, l.Revision})
	}
	terms := o.Terms
	terms.Minutes = 0
	text, err := json.Marshal([]any{lines, terms, o.Customer, o.Merchant, o.FeeVersion})
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// moved is invariants 6 and 7: the table has a way from the state before to that now,
// and no end was left.
func (v *volleys) moved(o order.Order) {
	reached := []order.State{v.last.State}
	for i := 0; i < len(reached); i++ {
		for _, row := range order.Moves() {
			if slices.Contains(row.From, reached[i]) && row.To != "" && !slices.Contains(reached, row.To) {
				reached = append(reached, row.To)
			}
		}
	}
	require.Contains(v.rt, reached, o.State, "from %s", v.last.State)
}

// sums are invariants 1, 2, 3 and 12: what the order says of its money is the sum of
// its lines, its refunds, its disputes and its chargebacks, and nothing exceeds what
// covers it.
func (v *volleys) sums(o order.Order) {
	rt := v.rt
	var lines, reserved, refunded int64
	for _, l := range o.Lines {
		lines += l.Amount.Minor()
	}
	require.Equal(rt, lines, o.Total.Minor(), "invariant 1")
	page, err := v.Orders.Refunds(v.as(v.cast.Operator), v.order, "")
	require.NoError(rt, err)
	for _, r := range page.Items {
		shares := r.Undone.Minor()
		for _, s := range r.Shares {
			shares += s.Amount.Minor()
		}
		require.Equal(rt, r.Amount.Minor(), shares, "invariant 3: %s", r.ID)
		switch r.State {
		case order.RefundSucceeded:
			refunded += r.Amount.Minor()
		case order.RefundRequested, order.RefundApproved, order.RefundProcessing, order.RefundFailed:
			reserved += r.Amount.Minor()
		}
	}
	require.Equal(rt, []int64{reserved, refunded}, []int64{o.Reserved.Minor(), o.Refunded.Minor()}, "invariant 2: mirrors are the sums of the refunds")
	require.True(rt, o.Captured.Minor() <= o.Secured.Minor() && o.Secured.Minor() <= o.Asked.Minor(), "invariant 2: %+v", o.Mirrors)
	// A bank asks nobody: what it takes may be reserved for a refund, which then fails.
	require.LessOrEqual(rt, o.Refunded.Minor()+max(o.Reserved.Minor(), o.ChargedBack.Minor()), o.Captured.Minor(), "invariant 2: %+v", o.Mirrors)
	for _, m := range []platform.Money{o.Total, o.Asked, o.Secured, o.Captured, o.Refunded, o.Reserved, o.ChargedBack, o.Held, o.Earned} {
		require.GreaterOrEqual(rt, m.Sign(), 0, "invariant 2: %+v", o.Mirrors)
	}
	require.True(rt, o.Dispute != "" || o.Held.Sign() == 0, "invariant 12: %s holds %s for no dispute", o.ID, o.Held)
}

// alone are invariants 4, 5 and 13: of what may be there once there is one, a member is
// in one place, and what an institution was asked is asked about.
func (v *volleys) alone() {
	rt := v.rt
	seen, err := v.look()
	require.NoError(rt, err)
	open := func(prefix string, states ...string) int {
		n := 0
		for _, one := range seen[prefix] {
			if slices.Contains(states, one.state) {
				n++
			}
		}
		return n
	}
	require.LessOrEqual(rt, open("asg", "accepted", "en_route", "arrived", "working"), 1, "invariants 4 and 5: one seat, one member")
	require.LessOrEqual(rt, open("chg", "priced", "approved"), 1, "invariant 4: one change")
	disputes := len(seen["dsp"]) - open("dsp", "closed", "withdrawn")
	require.LessOrEqual(rt, disputes, 1, "invariant 4: one dispute")
	active := map[string]int{}
	for _, a := range seen["att"] {
		if slices.Contains([]string{"sent", "requires_action", "unknown"}, a.state) {
			active[fmt.Sprint(a.doc["intent"])]++
			due, _ := a.doc["due"].(string)
			at, err := time.Parse(time.RFC3339Nano, due)
			require.NoError(rt, err, "invariant 13: %s is %s and nobody asks", a.id, a.state)
			require.False(rt, at.IsZero(), "invariant 13")
		}
	}
	for intent, n := range active {
		require.Equal(rt, 1, n, "invariant 4: attempts under way of %s", intent)
	}
}
