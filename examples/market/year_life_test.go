package market_test

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/order/dispute"
	"github.com/liangding/platform/store/sandbox"
)

// alternative is one way on, drawn so often.
type alternative struct {
	weight int
	name   string
}

// grammar is what can become of an order, step by step. Each life draws its own
// way through it.
var grammar = map[string][]alternative{
	"wants":     {{60, "one now"}, {10, "two now"}, {30, "one later"}},
	"review":    {{3, "cleared"}, {1, "rejected"}},
	"pays":      {{70, "at once"}, {6, "in two parts"}, {5, "late"}, {4, "without an answer"}, {4, "after a decline"}, {3, "with a password"}, {3, "with a voucher"}, {4, "never"}, {3, "nothing, and cancels"}},
	"merchant":  {{8, "agrees"}, {1, "declines"}, {1, "is silent"}},
	"then":      {{63, "goes on"}, {18, "is changed"}, {10, "is cancelled"}, {6, "is partly refunded"}, {3, "is charged back"}},
	"change":    {{3, "more"}, {2, "less"}, {3, "another day"}},
	"other":     {{6, "agrees"}, {1, "refuses"}, {1, "is silent"}},
	"extra":     {{4, "is paid"}, {1, "is not paid"}},
	"proposer":  {{3, "keeps to it"}, {1, "takes it back"}},
	"canceller": {{5, "customer"}, {3, "merchant"}, {2, "operator"}},
	"member":    {{78, "comes"}, {8, "declines"}, {6, "does not answer"}, {4, "falls ill"}, {4, "does not come"}},
	"way":       {{1, "is told"}, {1, "is not told"}},
	"work":      {{92, "is done"}, {4, "is broken off"}, {4, "is disputed"}},
	"delivery":  {{66, "is accepted"}, {20, "is taken as accepted"}, {6, "is handed back"}, {8, "is disputed"}},
	"opener":    {{4, "customer"}, {1, "merchant"}},
	"dispute":   {{2, "is conceded"}, {2, "is settled"}, {2, "meets silence"}, {3, "is decided"}, {2, "is appealed"}, {2, "is withdrawn"}},
	"sold":      {{78, "is over"}, {10, "is refunded"}, {4, "is refused a refund"}, {3, "waives a refund"}, {4, "is disputed"}, {3, "is charged back"}},
	"closed":    {{97, "rests"}, {3, "is charged back"}},
	"bank":      {{2, "takes it back"}, {1, "gives it back"}, {1, "is not answered"}},
}

// life is one order.
type life struct {
	*year
	chance   *rand.Rand
	customer platform.Actor
	stand
	id       platform.ID
	start    time.Time // planned; zero: at once
	tries    int       // to find somebody
	reworked bool
}

// born is a life of the year's own, which depends on nothing but the seed and its
// number.
func (y *year) born(n int) *life {
	l := &life{year: y, chance: rand.New(rand.NewPCG(y.seed, uint64(n)+1))}
	l.stand = y.sells[l.chance.IntN(len(y.sells))]
	if l.dear && l.chance.IntN(4) > 0 { // they are rare
		l.stand = y.sells[0]
	}
	return l
}

// draw goes one way of the grammar.
func (l *life) draw(step string) string {
	sum := 0
	for _, a := range grammar[step] {
		sum += a.weight
	}
	at := l.chance.IntN(sum)
	for _, a := range grammar[step] {
		if at -= a.weight; at < 0 {
			l.took[step+" "+a.name]++
			return a.name
		}
	}
	panic(step)
}

// in does something after a while, or a little later.
func (l *life) in(d time.Duration, do func()) {
	l.at(l.clock.Now().Add(d+time.Duration(l.chance.Int64N(int64(30*time.Second)))), do)
}

// after does something at the end of the quarter of an hour, once what is due then
// was fired.
func (l *life) after(d time.Duration, do func()) {
	const quarter = 15 * time.Minute
	when := l.clock.Now().Add(d + quarter - 1).Truncate(quarter)
	if !l.ticks[when] {
		l.ticks[when] = true
		l.at(when, func() { delete(l.ticks, when); l.tick() })
	}
	l.at(when, do)
}

func (l *life) now() order.Order {
	o, err := l.Orders.Order(l.as(l.cast.Operator), l.id)
	l.ok(err)
	return o
}

// is fails unless the order has come to just this state.
func (l *life) is(state order.State) order.Order {
	o := l.now()
	if o.State != state {
		require.Equal(l.tb, state, o.State, "order %s at %s", l.id, l.clock.Now())
	}
	return o
}

// does is a move that the order says is open to the actor: it must succeed.
func (l *life) does(verb string, by platform.Actor, do func() error) {
	o := l.now()
	if !slices.Contains(o.Allowed(by, l.clock.Now()), verb) {
		require.Failf(l.tb, "not allowed", "%s %s order %s by %s at %s", verb, o.State, l.id, by.Kind, l.clock.Now())
	}
	if err := do(); err != nil {
		require.NoErrorf(l.tb, err, "%s %s order %s at %s", verb, o.State, l.id, l.clock.Now())
	}
}

func dropped[T any](_ T, err error) error { return err }

func (l *life) minor(n int64) platform.Money {
	m, err := platform.FromMinor(n, l.price.Currency())
	l.ok(err)
	return m
}

// part is so many percent of an amount, one minor unit at least.
func (l *life) part(of platform.Money, percent int64) platform.Money {
	return l.minor(max(1, of.Minor()*percent/100))
}

func (l *life) placed() {
	l.customer = platform.Actor{ID: l.Writer.NewRoot(l.ctx(), "cus"), Kind: platform.Customer}
	in, wants := order.Place{}, l.draw("wants")
	quantity := int64(1)
	switch wants {
	case "two now":
		quantity = 2
	case "one later":
		today := l.clock.Now().Truncate(day)
		l.start = today.AddDate(0, 0, 2+l.chance.IntN(8)).Add(time.Duration(8+l.chance.IntN(10)) * time.Hour)
		in.Start, in.TimeZone = l.start, "Asia/Shanghai"
	}
	in.Lines, in.Total = []order.PlaceLine{{Listing: l.listing, Quantity: quantity}}, l.minor(l.price.Minor()*quantity)
	o, err := l.Orders.Place(l.as(l.customer), in)
	l.ok(err)
	l.id, l.lives[o.ID] = o.ID, l
	if o.Screening == "review" {
		l.in(time.Minute, l.reviewed)
		return
	}
	l.in(time.Minute, l.pays)
}

func (l *life) reviewed() {
	outcome, verb := "allow", "clear"
	if l.draw("review") == "rejected" {
		outcome, verb = "reject", "reject"
	}
	l.does(verb, l.cast.Operator, func() error {
		return dropped(l.Orders.ClearReview(l.as(l.cast.Operator), order.ClearReview{Order: l.id, Outcome: outcome, Reason: "looked_at"}))
	})
	if verb == "reject" {
		l.is(order.Declined)
		return
	}
	l.in(time.Minute, l.pays)
}

// intent is what the order asks for.
func (l *life) intent(p payment.Purpose) platform.ID {
	return payment.IntentID(platform.Ref{Kind: "order", ID: l.id}, p)
}

func (l *life) pay(p payment.Purpose, method string, amount platform.Money) payment.Attempt {
	a, err := l.Payments.Pay(l.as(l.customer), payment.Pay{Intent: l.intent(p), Method: method, Amount: amount})
	l.ok(err)
	return a
}

func (l *life) pays() {
	all, none := l.is(order.AwaitingPayment).Total, platform.Money{}
	switch how := l.draw("pays"); how {
	case "at once":
		l.pay(payment.Full, sandbox.OK, none)
	case "in two parts":
		l.pay(payment.Full, sandbox.OK, l.part(all, 40))
		l.is(order.AwaitingPayment)
		l.pay(payment.Full, sandbox.OK, none)
	case "late", "without an answer":
		l.pay(payment.Full, map[string]string{"late": sandbox.Delay, "without an answer": sandbox.Timeout}[how], none)
		l.is(order.AwaitingPayment)
		l.after(5*time.Minute, l.paid)
		return
	case "after a decline":
		require.Equal(l.tb, payment.AttemptFailed, l.pay(payment.Full, sandbox.Decline, none).State)
		l.pay(payment.Full, sandbox.OK, none)
	case "with a password":
		a := l.pay(payment.Full, sandbox.RequiresAction, none)
		l.ok(l.Sandbox.Act(a.Key(), true))
		l.after(20*time.Minute, l.paid)
		return
	case "with a voucher":
		l.ok(dropped(l.Payments.Promote(l.as(l.cast.Operator), payment.Promote{Intent: l.intent(payment.Full), Amount: l.part(all, 10), Reason: "voucher"})))
		l.pay(payment.Full, sandbox.OK, none)
	case "never":
		l.after(time.Hour, func() { l.is(order.Expired) })
		return
	default:
		l.cancels(l.customer)
		return
	}
	l.paid()
}

func (l *life) paid() {
	l.is(order.Confirmed)
	if !l.manual {
		l.in(time.Minute, l.agreed)
		return
	}
	switch l.draw("merchant") {
	case "agrees":
		l.in(10*time.Minute, func() {
			l.does("confirm", l.owner, func() error { return dropped(l.Orders.Confirm(l.as(l.owner), order.Confirm{Order: l.id})) })
			l.in(time.Minute, l.agreed)
		})
	case "declines":
		l.in(10*time.Minute, func() {
			l.does("decline", l.owner, func() error {
				return dropped(l.Orders.Decline(l.as(l.owner), order.Decline{Order: l.id, Reason: "full"}))
			})
			l.gone(order.Declined)
		})
	default:
		l.after(31*time.Minute, func() { l.gone(order.Declined) })
	}
}

// gone is an order that ended without a service: once everything has arrived, the
// customer has back all but the fee, from the platform or through the bank.
func (l *life) gone(end order.State) {
	l.is(end)
	l.after(3*time.Hour, func() {
		o := l.is(end)
		kept := int64(0)
		if o.Cancellation != nil {
			kept = o.Cancellation.Fee.Minor()
		}
		require.Equal(l.tb, o.Captured.Minor()-o.ChargedBack.Minor()-kept, o.Refunded.Minor(), "order %s", l.id)
	})
}

func (l *life) cancels(by platform.Actor) {
	l.does("cancel", by, func() error {
		q, err := l.Orders.QuoteCancel(l.as(by), order.Cancel{Order: l.id})
		if err != nil {
			return err
		}
		return dropped(l.Orders.Cancel(l.as(by), order.Cancel{Order: l.id, MaxFee: q.Fee, Reason: "changed_plans"}))
	})
	l.gone(order.Cancelled)
}

// agreed is an order that both sides want, and its merchant has the money's promise.
func (l *life) agreed() {
	switch l.draw("then") {
	case "is changed":
		l.changes()
	case "is cancelled":
		l.cancels(map[string]platform.Actor{"customer": l.customer, "merchant": l.owner, "operator": l.cast.Operator}[l.draw("canceller")])
	case "is charged back":
		l.objects(l.staffs)
	case "is partly refunded":
		l.refunds(l.customer, 20, true)
		l.in(time.Hour, l.staffs)
	default:
		l.staffs()
	}
}

// changes proposes another order than was agreed.
func (l *life) changes() {
	o := l.is(order.Confirmed)
	in := order.ProposeChange{Order: l.id, Reason: "plans"}
	dearer := false
	switch l.draw("change") {
	case "more":
		in.Lines, dearer = []order.ChangeLine{{Line: 1, Quantity: o.Lines[0].Quantity + 1}}, true
	case "less":
		in.Lines = []order.ChangeLine{{Line: 1, Quantity: o.Lines[0].Quantity, Price: l.part(o.Lines[0].Price, 70)}}
	default:
		in.Start, in.TimeZone = l.clock.Now().Truncate(time.Hour).AddDate(0, 0, 3+l.chance.IntN(5)), "Asia/Shanghai"
	}
	q, err := l.Orders.QuoteChange(l.as(l.customer), in)
	l.ok(err)
	in.Hash = q.Hash
	var c order.Change
	l.does("change", l.customer, func() (err error) { c, err = l.Orders.ProposeChange(l.as(l.customer), in); return err })
	if l.draw("proposer") == "takes it back" {
		l.ok(dropped(l.Orders.WithdrawChange(l.as(l.customer), order.WithdrawChange{Change: c.ID})))
		l.unchanged(o)
		return
	}
	switch l.draw("other") {
	case "refuses":
		l.ok(dropped(l.Orders.RejectChange(l.as(l.owner), order.RejectChange{Change: c.ID, Reason: "full"})))
		l.unchanged(o)
	case "is silent":
		l.at(c.Due.Add(time.Second), func() { l.tick(); l.unchanged(o) })
	default:
		l.ok(dropped(l.Orders.ApproveChange(l.as(l.owner), order.ApproveChange{Change: c.ID, Hash: c.Hash})))
		l.changed(o, in, dearer)
	}
}

// changed is an order whose change everybody agreed to.
func (l *life) changed(was order.Order, in order.ProposeChange, dearer bool) {
	if dearer && l.draw("extra") == "is not paid" {
		l.after(time.Hour, func() { l.unchanged(was) })
		return
	}
	if dearer {
		l.pay(payment.Extra, sandbox.OK, platform.Money{})
	}
	l.after(time.Second, func() {
		o := l.is(order.Confirmed)
		require.Equal(l.tb, was.TermsVersion+1, o.TermsVersion, "order %s", l.id)
		if !in.Start.IsZero() {
			l.start = in.Start
			require.True(l.tb, o.PlannedStart.Equal(in.Start))
		}
		l.in(time.Minute, l.staffs)
	})
}

// unchanged is an order whose change came to nothing: it is as it was.
func (l *life) unchanged(was order.Order) {
	o := l.is(order.Confirmed)
	require.Nil(l.tb, o.Change, "order %s", l.id)
	require.Equal(l.tb, []any{was.Lines, was.Total, was.PlannedStart, was.TermsVersion}, []any{o.Lines, o.Total, o.PlannedStart, o.TermsVersion}, "order %s", l.id)
	l.in(time.Minute, l.staffs)
}

// refunds asks for a part of what was paid, and says yes or no.
func (l *life) refunds(by platform.Actor, percent int64, yes bool) order.Refund {
	o := l.now()
	var r order.Refund
	l.does("refund", by, func() (err error) {
		r, err = l.Orders.RequestRefund(l.as(by), order.RequestRefund{Order: l.id, Amount: l.part(o.Refundable(), percent), Reason: "late"})
		return err
	})
	if r.State == order.RefundApproved { // by a rule
		return r
	}
	if !yes {
		l.ok(dropped(l.Orders.RejectRefund(l.as(l.cast.Operator), order.RejectRefund{Refund: r.ID, Reason: "not_justified"})))
		return r
	}
	for _, op := range []platform.Actor{l.cast.Operator, l.cast.Second} {
		var err error
		if r, err = l.Orders.ApproveRefund(l.as(op), order.ApproveRefund{Refund: r.ID}); err != nil || r.State == order.RefundApproved {
			l.ok(err)
			break
		}
	}
	return r
}

// staffs looks for somebody to do the work.
func (l *life) staffs() {
	if l.seats == 0 {
		l.works(l.owner)
		return
	}
	if l.now().State == order.Cancelled { // nobody came, and no other was found in time
		return
	}
	d, err := l.Dispatch.DispatchOrder(l.as(l.cast.Operator), dispatch.DispatchOrder{Order: l.id})
	l.ok(err)
	l.asked(d.Offers)
}

// asked are the members who are offered the seats of the order.
func (l *life) asked(offers []dispatch.Assignment) {
	if l.tries++; l.tries > 6 { // nobody was found
		l.cancels(l.cast.Operator)
		return
	}
	if len(offers) == 0 {
		l.after(20*time.Minute, l.staffs)
		return
	}
	switch how := l.draw("member"); how {
	case "declines":
		l.ok(dropped(l.Dispatch.Decline(l.as(member(offers[0])), dispatch.Decline{Assignment: offers[0].ID, Reason: "break"})))
		l.after(time.Second, l.again)
	case "does not answer":
		l.after(31*time.Minute, l.staffs)
	default:
		for _, a := range offers {
			l.ok(dropped(l.Dispatch.Accept(l.as(member(a)), dispatch.Accept{Assignment: a.ID})))
		}
		l.manned(how)
	}
}

// again asks those who are offered the order since.
func (l *life) again() {
	if l.now().State == order.Assigned {
		l.manned("comes")
		return
	}
	var open []dispatch.Assignment
	for _, a := range l.assignments() {
		if a.State == dispatch.Offered {
			open = append(open, a)
		}
	}
	if len(open) == 0 {
		l.after(20*time.Minute, l.staffs)
		return
	}
	l.asked(open)
}

func (l *life) assignments() []dispatch.Assignment {
	page, err := l.Dispatch.Assignments(l.as(l.cast.Operator), dispatch.Find{Order: l.id, Limit: 500})
	l.ok(err)
	require.Empty(l.tb, page.Next)
	return page.Items
}

// manned is an order whose seats may all be taken.
func (l *life) manned(how string) {
	o := l.now()
	if o.State != order.Assigned { // a seat is open still
		l.after(time.Minute, l.again)
		return
	}
	var held []dispatch.Assignment
	for _, a := range l.assignments() {
		if a.State == dispatch.Accepted {
			held = append(held, a)
		}
	}
	require.Len(l.tb, held, l.seats, "order %s: one at work a seat", l.id)
	switch how {
	case "falls ill":
		l.ok(dropped(l.Dispatch.Release(l.as(member(held[0])), dispatch.Release{Assignment: held[0].ID, Reason: "unwell", Fault: "staff"})))
		l.is(order.Confirmed)
		l.after(time.Second, l.again)
	case "does not come":
		l.at(held[0].From.Add(21*time.Minute), func() {
			l.ok(dropped(l.Dispatch.NoShow(l.as(l.cast.Operator), dispatch.NoShow{Assignment: held[0].ID})))
			l.is(order.Confirmed)
			l.after(time.Second, l.again)
		})
	default:
		begin := func() {
			if l.draw("way") == "is told" {
				l.ok(dropped(l.Dispatch.EnRoute(l.as(member(held[0])), dispatch.EnRoute{Assignment: held[0].ID})))
				l.ok(dropped(l.Dispatch.Arrive(l.as(member(held[0])), dispatch.Arrive{Assignment: held[0].ID})))
			}
			l.works(member(held[0]))
		}
		l.at(later(held[0].From, l.clock.Now()), begin)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func member(a dispatch.Assignment) platform.Actor {
	return platform.Actor{ID: a.Member, Kind: platform.Staff}
}

// works has somebody carry the order out.
func (l *life) works(who platform.Actor) {
	if from := l.now().PlannedStart; from.After(l.clock.Now()) {
		l.at(from, func() { l.works(who) })
		return
	}
	if l.proof {
		l.does("complete", who, func() error {
			return dropped(l.Orders.Complete(l.as(who), order.Complete{Order: l.id, Proofs: l.Photo()}))
		})
		l.sold()
		return
	}
	l.does("start", who, func() error { return dropped(l.Orders.Start(l.as(who), order.Start{Order: l.id})) })
	switch l.draw("work") {
	case "is broken off":
		l.in(20*time.Minute, func() { l.cancels(l.customer) })
	case "is disputed":
		l.in(20*time.Minute, func() { l.disputes(func() { l.delivers(who) }) })
	default:
		l.in(time.Hour, func() { l.delivers(who) })
	}
}

func (l *life) delivers(who platform.Actor) {
	l.does("deliver", who, func() error {
		return dropped(l.Orders.Deliver(l.as(who), order.Deliver{Order: l.id, Proofs: l.Photo()}))
	})
	accept := func() {
		l.does("accept", l.customer, func() error { return dropped(l.Orders.Accept(l.as(l.customer), order.Accept{Order: l.id})) })
		l.sold()
	}
	switch how := l.draw("delivery"); {
	case how == "is taken as accepted":
		l.after(73*time.Hour, l.sold)
	case how == "is handed back" && !l.reworked:
		l.reworked = true
		l.in(time.Hour, func() {
			l.does("rework", l.customer, func() error {
				return dropped(l.Orders.RequestRework(l.as(l.customer), order.RequestRework{Order: l.id, Reason: "streaks", Lines: []int{1}}))
			})
			l.in(3*time.Hour, func() { l.delivers(who) })
		})
	case how == "is disputed":
		l.in(time.Hour, func() { l.disputes(accept) })
	default:
		l.in(time.Hour, accept)
	}
}

// disputes is a dispute over a part of the order, and what comes after it.
func (l *life) disputes(then func()) {
	o := l.now()
	by, other := l.customer, l.owner
	if l.draw("opener") == "merchant" {
		by, other = other, by
	}
	d, err := l.Disputes.Open(l.as(by), dispute.Open{Order: l.id, Amount: l.part(o.Refundable(), int64(20+l.chance.IntN(60))), Reason: "streaks"})
	l.ok(err)
	require.Equal(l.tb, d.Amount, l.now().Held, "no more is held than is disputed")
	over := func() {
		if at := l.disputed(d.ID); !at.State.Ended() { // the bank of the customer has yet to take it
			l.after(day, func() { l.settled(d.ID, then) })
			return
		}
		l.settled(d.ID, then)
	}
	says := func(who platform.Actor, move string, amount platform.Money) {
		d, err = l.Disputes.Answer(l.as(who), dispute.Answer{Dispute: d.ID, Move: move, Refund: amount, Reason: "reason"})
		l.ok(err)
	}
	switch l.draw("dispute") {
	case "is conceded":
		says(other, "concede", platform.Money{})
		l.after(time.Hour, over)
	case "is settled":
		says(other, "offer", l.part(d.Amount, 50))
		l.ok(dropped(l.Disputes.Settle(l.as(by), dispute.Settle{Dispute: d.ID, Hash: d.Offer.Hash})))
		l.after(time.Hour, over)
	case "meets silence":
		l.after(15*day, func() {
			if l.disputed(d.ID).State == dispute.Arbitration { // the customer was silent
				l.arbitrates(d.ID, l.cast.Operator, 50)
			}
			l.after(10*day, over)
		})
	case "is withdrawn":
		l.ok(dropped(l.Disputes.Withdraw(l.as(by), dispute.Withdraw{Dispute: d.ID})))
		l.in(time.Hour, over)
	case "is appealed":
		if l.dear { // two decide at first, and no third is left
			l.ok(dropped(l.Disputes.Withdraw(l.as(by), dispute.Withdraw{Dispute: d.ID})))
			l.in(time.Hour, over)
			return
		}
		l.fights(d, by, other, says)
		l.arbitrates(d.ID, l.cast.Operator, 5) // so little that one decides, and another is left for the appeal
		l.ok(dropped(l.Disputes.Appeal(l.as(l.owner), dispute.Appeal{Dispute: d.ID, Reason: "new_facts"})))
		l.arbitrates(d.ID, l.cast.Second, 10)
		l.after(15*day, over)
	default:
		l.fights(d, by, other, says)
		l.arbitrates(d.ID, l.cast.Operator, 40)
		for _, who := range []platform.Actor{l.customer, l.owner} {
			l.ok(dropped(l.Disputes.Waive(l.as(who), dispute.Waive{Dispute: d.ID})))
		}
		l.after(time.Hour, over)
	}
}

func (l *life) disputed(id platform.ID) dispute.Dispute {
	d, err := l.Disputes.Dispute(l.as(l.cast.Operator), id)
	l.ok(err)
	return d
}

// fights uses up the rounds: then an arbiter decides.
func (l *life) fights(d dispute.Dispute, by, other platform.Actor, says func(platform.Actor, string, platform.Money)) {
	for range 3 {
		says(other, "contest", platform.Money{})
		says(by, "contest", platform.Money{})
	}
	require.Equal(l.tb, dispute.Arbitration, l.disputed(d.ID).State)
}

// arbitrates gives the customer a part of what is disputed.
func (l *life) arbitrates(id platform.ID, by platform.Actor, percent int64) {
	in := dispute.Decide{Dispute: id, Remedy: dispute.Remedy{Refund: l.part(l.disputed(id).Amount, percent), Fault: "merchant"}, Reason: "evidence"}
	d, err := l.Disputes.Decide(l.as(by), in)
	l.ok(err)
	if d.Proposed != nil { // it takes two
		_, err = l.Disputes.Endorse(l.as(l.other(by)), dispute.Endorse{Dispute: id, Hash: d.Proposed.Hash})
		l.ok(err)
	}
}

func (l *life) other(op platform.Actor) platform.Actor {
	if op.ID == l.cast.Operator.ID {
		return l.cast.Second
	}
	return l.cast.Operator
}

// settled is an order over which nothing is disputed any more.
func (l *life) settled(id platform.ID, then func()) {
	require.True(l.tb, l.disputed(id).State.Ended(), "dispute %s is %s", id, l.disputed(id).State)
	o := l.now()
	require.True(l.tb, o.Dispute == "" && o.Held.Sign() == 0, "order %s", l.id)
	if o.State == order.Completed || o.State == order.Closed { // it was accepted by itself meanwhile
		l.sold()
		return
	}
	then()
}

// sold is an order that was completed.
func (l *life) sold() {
	if l.now().State == order.Closed {
		l.closes()
		return
	}
	l.is(order.Completed)
	switch l.draw("sold") {
	case "is refunded":
		l.in(day, func() { l.refunds(l.customer, 30, true) })
	case "is refused a refund":
		l.in(day, func() { l.refunds(l.owner, 100, false) })
	case "waives a refund":
		l.in(day, func() {
			r := l.refunds(l.customer, 10, true)
			l.ok(dropped(l.Orders.WithdrawRefund(l.as(l.customer), order.WithdrawRefund{Refund: r.ID})))
		})
	case "is disputed":
		l.in(day, func() { l.disputes(l.sold) })
		return
	case "is charged back":
		l.in(day, func() { l.objects(l.sold) })
		return
	}
	l.after(9*day, l.closes)
}

// closes is an order whose windows are over; the customer's bank may still object.
func (l *life) closes() {
	l.is(order.Closed)
	if l.draw("closed") == "is charged back" {
		l.objects(func() { l.is(order.Closed) })
	}
}

// objects has the customer's bank take back a part of what was paid, and end it one
// way or the other; then goes on.
func (l *life) objects(then func()) {
	var paid payment.Attempt // of which most is left
	var most int64
	i, err := l.Payments.Intent(l.as(l.customer), l.intent(payment.Full))
	l.ok(err)
	for _, id := range i.Paid {
		a, err := l.Payments.Attempt(l.as(l.cast.Operator), id)
		l.ok(err)
		left := a.Received.Minor()
		if !a.Returned.Absent() {
			left -= a.Returned.Minor()
		}
		if a.Institution != "" && left > most {
			paid, most = a, left
		}
	}
	if most == 0 { // all went back
		then()
		return
	}
	reference, err := l.Sandbox.Object(paid.Key(), l.part(l.minor(most), 35), "fraud")
	l.ok(err)
	id, operator := payment.ChargebackID(paid.ID, "sandbox", reference, 1), l.as(l.cast.Operator)
	ends := func(state payment.ChargebackState) func() {
		return func() {
			c, err := l.Payments.Chargeback(operator, id)
			l.ok(err)
			l.holds(c.State == state, "chargeback of ", l.id, " is ", c.State)
			then()
		}
	}
	l.after(time.Minute, func() {
		switch l.draw("bank") {
		case "takes it back":
			l.ok(dropped(l.Payments.Concede(operator, payment.Concede{Chargeback: id})))
			l.after(time.Hour, ends(payment.ChargebackLost))
		case "gives it back":
			l.ok(dropped(l.Payments.Contest(operator, payment.Contest{Chargeback: id, Text: "the work was done"})))
			l.ok(l.Sandbox.Decide(reference, true))
			l.after(25*time.Hour, ends(payment.ChargebackWon))
		default:
			l.after(9*day, ends(payment.ChargebackLost))
		}
	})
}
