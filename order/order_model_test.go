package order_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

// machine runs one order through whatever its parties, its institution and the
// clock may do, and holds it against a model that knows the rules of the trade
// and nothing of the code.
type machine struct {
	*house
	id    platform.ID
	state order.State // by the model
	paid  int64       // captured, in minor units
	back  int64       // refunded before it was taken over
	kept  int64       // cancellation fee
	asks  int         // refunds that took effect
	seen  []order.State
}

// leads are the steps that the trade knows: from where each verb leads where.
var leads = map[string]map[order.State]order.State{
	"start":   {order.Assigned: order.InProgress},
	"fill":    {order.Confirmed: order.Assigned},
	"free":    {order.Assigned: order.Confirmed},
	"deliver": {order.InProgress: order.Delivered, order.Rework: order.Delivered},
	"accept":  {order.Delivered: order.Completed},
	"rework":  {order.Delivered: order.Rework},
	"cancel": {
		order.AwaitingPayment: order.Cancelled, order.Confirmed: order.Cancelled,
		order.Assigned: order.Cancelled, order.InProgress: order.Cancelled,
	},
	"refund": {
		order.Confirmed: order.Confirmed, order.Assigned: order.Assigned, order.InProgress: order.InProgress, order.Delivered: order.Delivered,
		order.Rework: order.Rework, order.Completed: order.Completed, order.Closed: order.Closed, order.Cancelled: order.Cancelled,
	},
}

func TestAnOrderAgainstItsModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := open(t, &order.Options{ExtraKinds: []string{"freight"}, AutoRefund: order.AutoRefund{Within: []platform.Money{cny("20")}}})
		if rapid.Bool().Draw(rt, "taxed") {
			h.ports.Fees = taxed{}
			h.orders = order.New(h.w, h.store, h.ports, &order.Options{ExtraKinds: []string{"freight"}, AutoRefund: order.AutoRefund{Within: []platform.Money{cny("20")}}})
		}
		listing := h.list(func(m map[string]any) { m["seats"], m["price"] = 1, cny("33.33") })
		o, err := h.place(listing, func(in *order.Place) {
			in.Lines[0].Quantity = rapid.Int64Range(1, 3).Draw(rt, "quantity")
			in.Extras = []order.Extra{{Kind: "freight", Amount: cny("7.77")}}
		})
		require.NoError(rt, err)
		m := &machine{house: h, id: o.ID, state: order.AwaitingPayment}
		rt.Repeat(m.steps())
	})
}

// An order taken over in any state lives on as one that was placed here.
func TestAnOrderTakenOverAgainstItsModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := open(t, &order.Options{ExtraKinds: []string{"freight"}, AutoRefund: order.AutoRefund{Within: []platform.Money{cny("20")}}})
		m := &machine{house: h, state: rapid.SampledFrom(takeable).Draw(rt, "state"), paid: 10_000}
		in := taken(m.state, func(in *order.TakeOver) {
			in.Terms.Seats = 1
			if m.state != order.AwaitingPayment && m.state != order.Confirmed {
				in.Members = []platform.ID{member.ID}
			}
			switch m.state {
			case order.AwaitingPayment:
				m.paid = rapid.SampledFrom([]int64{0, 1, 9_999}).Draw(rt, "paid")
				in.Payments = taken(order.Confirmed, nil).Payments[:min(1, m.paid)]
			default:
				m.back = rapid.SampledFrom([]int64{0, 1, 3_333, 10_000}).Draw(rt, "back")
			}
			for i := range in.Payments {
				in.Payments[i].Amount, in.Payments[i].Returned = fen(m.paid), fen(m.back)
			}
			in.Lines[0].Refunded = fen(m.back)
		})
		o, err := h.orders.TakeOver(as(operator), in)
		require.NoError(rt, err)
		m.id = o.ID
		rt.Repeat(m.steps())
	})
}

// steps are what may happen to the order.
func (m *machine) steps() map[string]func(*rapid.T) {
	h := m.house
	return map[string]func(*rapid.T){
		"pay":     m.payPart,
		"fill":    m.step("fill", func() error { return h.fill(m.id, 1, member) }),
		"free":    m.step("free", func() error { return h.free(m.id, 1) }),
		"start":   m.step("start", func() error { return failure(h.orders.Start(as(member), order.Start{Order: m.id})) }),
		"deliver": m.step("deliver", func() error { return failure(h.orders.Deliver(as(merchant), order.Deliver{Order: m.id})) }),
		"accept":  m.step("accept", func() error { return failure(h.orders.Accept(as(customer), order.Accept{Order: m.id})) }),
		"rework":  m.rework,
		"cancel":  m.cancel,
		"refund":  m.askBack,
		"decide":  m.decide,
		"tell":    m.hear,
		"wait":    m.wait,
		"advance": m.advance, "onwards": m.advance, "further": m.advance,
		"": m.sound,
	}
}

func failure(_ order.Order, err error) error { return err }

// step is a verb that the model either allows or not.
func (m *machine) step(verb string, do func() error) func(*rapid.T) {
	return func(t *rapid.T) {
		to, possible := leads[verb][m.state]
		m.check(t, verb, possible, do())
		if possible {
			m.state = to
		}
	}
}

// advance takes the usual next step, so that most orders get far.
func (m *machine) advance(t *rapid.T) {
	switch m.state {
	case order.AwaitingPayment:
		m.payPart(t)
	case order.Confirmed:
		m.step("fill", func() error { return m.fill(m.id, 1, member) })(t)
	case order.Assigned:
		m.step("start", func() error { return failure(m.orders.Start(as(member), order.Start{Order: m.id})) })(t)
	case order.InProgress, order.Rework:
		m.step("deliver", func() error { return failure(m.orders.Deliver(as(member), order.Deliver{Order: m.id})) })(t)
	case order.Delivered:
		m.step("accept", func() error { return failure(m.orders.Accept(as(customer), order.Accept{Order: m.id})) })(t)
	default:
		m.askBack(t)
	}
}

// seldom spares an order most of what would end it early.
func seldom(t *rapid.T) bool { return rapid.IntRange(0, 9).Draw(t, "seldom") > 0 }

// check holds an answer against what the model expects: a refusal says so by
// its kind, and names the verb.
func (m *machine) check(t *rapid.T, verb string, possible bool, err error) {
	if possible {
		require.NoError(t, err, "%s %s", verb, m.state)
		return
	}
	require.Error(t, err, "%s %s", verb, m.state)
	require.NotEqual(t, "internal", platform.Code(err), "%v", err)
}

func (m *machine) payPart(t *rapid.T) {
	total := m.read(m.id).Total.Minor()
	amount := rapid.SampledFrom([]int64{total, total - m.paid, total / 2, 1}).Draw(t, "minor")
	money, err := platform.FromMinor(amount, cny("0").Currency())
	require.NoError(t, err)
	possible := m.state == order.AwaitingPayment && m.paid+amount <= total
	m.check(t, "pay", possible, m.pay(m.id, money))
	if !possible {
		return
	}
	if m.paid += amount; m.paid == total {
		m.state = order.Confirmed
	}
}

func (m *machine) rework(t *rapid.T) {
	reworks := m.read(m.id).Reworks
	_, err := m.orders.RequestRework(as(customer), order.RequestRework{Order: m.id, Reason: "dusty", Lines: []int{1}})
	possible := m.state == order.Delivered && reworks < 2
	m.check(t, "rework", possible, err)
	if possible {
		m.state = order.Rework
	}
}

func (m *machine) cancel(t *rapid.T) {
	if seldom(t) {
		return
	}
	q, quoted := m.orders.QuoteCancel(as(customer), order.Cancel{Order: m.id})
	o, err := m.orders.Cancel(as(customer), order.Cancel{Order: m.id, MaxFee: q.Fee, Reason: "x"})
	_, possible := leads["cancel"][m.state]
	m.check(t, "cancel", possible, err)
	m.check(t, "quote cancel", possible, quoted)
	if !possible {
		return
	}
	m.state, m.kept = order.Cancelled, q.Fee.Minor()
	require.Equal(t, q.Fee, o.Cancellation.Fee)
	if q.Refund.Sign() > 0 {
		m.asks++
	}
}

func (m *machine) askBack(t *rapid.T) {
	left := m.read(m.id).Refundable()
	minor := rapid.Int64Range(1, max(1, left.Minor()+1)).Draw(t, "minor")
	money, err := platform.FromMinor(minor, left.Currency())
	require.NoError(t, err)
	who, in := customer, order.RequestRefund{Order: m.id, Amount: money, Reason: "late"}
	if in.Fault = rapid.SampledFrom([]order.Fault{"", "", order.CustomerFault, order.MerchantFault}).Draw(t, "fault"); in.Fault != "" {
		who = operator
		who.OnBehalf = customer.ID
	}
	_, err = m.orders.RequestRefund(as(who), in)
	_, possible := leads["refund"][m.state]
	possible = possible && minor <= left.Minor()
	m.check(t, "refund", possible, err)
	if possible {
		m.asks++
	}
}

// decide approves, rejects or withdraws one of the refunds.
func (m *machine) decide(t *rapid.T) {
	r, found := m.pick(t)
	if !found {
		return
	}
	var err error
	verb := rapid.SampledFrom([]string{"approve", "reject", "withdraw"}).Draw(t, "verb")
	possible := r.State == order.RefundRequested
	switch verb {
	case "approve":
		_, err = m.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: r.ID})
	case "reject":
		_, err = m.orders.RejectRefund(as(merchant), order.RejectRefund{Refund: r.ID, Reason: "x"})
	case "withdraw":
		sold := slices.Contains([]order.State{order.Completed, order.Closed}, m.state)
		untouched := r.State == order.RefundApproved && (r.Source == "escrow" && !sold || r.Source == "earning" && m.state == order.Completed || r.Source == "payable")
		possible = r.For == customer.ID && (possible || untouched)
		_, err = m.orders.WithdrawRefund(as(customer), order.WithdrawRefund{Refund: r.ID})
	}
	m.check(t, verb, possible, err)
}

func (m *machine) hear(t *rapid.T) {
	r, found := m.pick(t)
	if !found {
		return
	}
	ways := map[string][]order.RefundState{
		"sent":      {order.RefundApproved, order.RefundFailed, order.RefundProcessing, order.RefundSucceeded},
		"succeeded": {order.RefundApproved, order.RefundFailed, order.RefundProcessing, order.RefundSucceeded},
		"failed":    {order.RefundApproved, order.RefundFailed, order.RefundProcessing},
	}
	outcome := rapid.SampledFrom([]string{"sent", "succeeded", "failed"}).Draw(t, "outcome")
	m.check(t, outcome, slices.Contains(ways[outcome], r.State), m.tell(r.ID, outcome))
}

func (m *machine) pick(t *rapid.T) (order.Refund, bool) {
	all := m.refunds(m.id)
	if len(all) == 0 {
		return order.Refund{}, false
	}
	return all[rapid.IntRange(0, len(all)-1).Draw(t, "refund")], true
}

// wait lets time pass and everything due happen.
func (m *machine) wait(t *rapid.T) {
	if m.state == order.AwaitingPayment && seldom(t) {
		return
	}
	before := m.read(m.id)
	now := m.clock.pass(rapid.SampledFrom([]time.Duration{time.Minute, 15 * time.Minute, 72 * time.Hour, 7 * 24 * time.Hour}).Draw(t, "pass"))
	_, err := m.orders.Tick(context.Background(), now, 0)
	require.NoError(t, err)
	due := before.Due()
	if due.IsZero() || due.After(now) {
		return
	}
	switch {
	case m.state == order.AwaitingPayment:
		m.state = order.Expired
		if m.paid > 0 {
			m.asks++
		}
	case m.state == order.Delivered:
		m.state = order.Completed
	case m.state == order.Completed && before.Reserved.Sign() == 0:
		m.state = order.Closed
	}
}
