package market_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/care"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/risk"
	"github.com/liangding/platform/staff"
	"github.com/liangding/platform/store/sandbox"
)

// play gives every command of every domain, and lets every deadline pass.
func (c *town) play() {
	c.hire()
	c.admit()
	c.list()
	c.moveIn()
	done := c.sell()
	c.placeAll()
	c.judge(done)
	c.refund(done)
	c.change()
	c.pay()
	c.end()
	c.dispatch()
	c.absent()
	c.watch()
	c.lapse()
}

func (c *town) hire() {
	c.zone = give(c, c.operator, c.Staff.DraftZone, staff.DraftZone{Name: "Riverside", TimeZone: "Asia/Shanghai"}).ID
	give(c, c.operator, c.Staff.PublishZone, staff.PublishZone{Zone: c.zone})
	other := give(c, c.operator, c.Staff.DraftZone, staff.DraftZone{Name: "Hill", TimeZone: "Europe/Berlin"}).ID
	give(c, c.operator, c.Staff.PublishZone, staff.PublishZone{Zone: other})
	give(c, c.operator, c.Staff.RetireZone, staff.RetireZone{Zone: other})

	now := c.clock.Now()
	day := func(days int) staff.Day { return staff.Day(now.AddDate(0, 0, days).Format(time.DateOnly)) }
	always := []staff.Shift{{Starts: "00:00", Ends: "12:00", First: day(-1), Until: day(600)}, {Starts: "12:00", Ends: "00:00", First: day(-1), Until: day(600)}}
	for range c.n*c.n + 1 {
		m := give(c, c.operator, c.Staff.Hire, staff.Hire{Name: "N. N.", Zone: c.zone}).ID
		give(c, c.operator, c.Staff.Grant, staff.Grant{Member: m, Code: "cleaning", Level: 3, From: now})
		give(c, c.operator, c.Staff.Publish, staff.Publish{Member: m, Shifts: always})
		give(c, c.operator, c.Staff.Activate, staff.Activate{Member: m})
		c.members = append(c.members, m)
	}

	m := give(c, c.operator, c.Staff.Hire, staff.Hire{Zone: c.zone}).ID
	give(c, c.operator, c.Staff.Grant, staff.Grant{Member: m, Code: "massage", Level: 1, From: now})
	give(c, c.operator, c.Staff.Revoke, staff.Revoke{Member: m, Code: "massage", Reason: "lapsed"})
	give(c, c.operator, c.Staff.Activate, staff.Activate{Member: m})
	give(c, c.operator, c.Staff.Bar, staff.Bar{Member: m, Party: c.customer.ID, Reason: "relative"})
	give(c, c.operator, c.Staff.Unbar, staff.Unbar{Member: m, Party: c.customer.ID})
	give(c, c.operator, c.Staff.PlaceHold, staff.PlaceHold{Member: m, Reason: "safety"})
	give(c, c.operator, c.Staff.LiftHold, staff.LiftHold{Member: m, Reason: "safety"})
	give(c, c.operator, c.Staff.Excuse, staff.Excuse{Member: m, From: now, Until: now.Add(time.Hour)})
	give(c, c.operator, c.Staff.Recall, staff.Recall{Member: m, From: now, Until: now.Add(time.Hour)})
	give(c, c.operator, c.Staff.Suspend, staff.Suspend{Member: m, Reason: "safety"})
	give(c, c.operator, c.Staff.Restore, staff.Restore{Member: m})
	give(c, c.operator, c.Staff.Suspend, staff.Suspend{Member: m, Reason: "safety", Until: now.Add(time.Minute)})
	c.tick("staff", time.Minute, c.Staff)
	give(c, c.operator, c.Staff.GiveNotice, staff.GiveNotice{Member: m, Reason: "moves away"})
	give(c, c.operator, c.Staff.Leave, staff.Leave{Member: m})
}

// apply hands an application in.
func (c *town) apply(licence string) merchant.Application {
	applicant := platform.Actor{ID: c.Writer.NewRoot(c.t.Context(), "usr"), Kind: platform.Merchant}
	party := merchant.Party{Name: "Bright Windows", LegalName: "Bright Windows Ltd", Licence: licence, Contact: "post@bright-windows.example"}
	a := give(c, applicant, c.Merchants.Apply, merchant.Apply{Party: party})
	give(c, applicant, c.Merchants.Submit, merchant.Submit{Application: a.ID})
	give(c, c.operator, c.Merchants.AskInfo, merchant.AskInfo{Application: a.ID, Fields: []string{"contact"}})
	return give(c, applicant, c.Merchants.Answer, merchant.Answer{Application: a.ID, Party: merchant.Party{Contact: "desk@bright-windows.example"}})
}

// sign signs the agreement of an application that is approved.
func (c *town) sign(s *merchant.Service, a merchant.Application) platform.Actor {
	give(c, c.operator, s.Approve, merchant.Approve{Application: a.ID})
	owner := platform.Actor{ID: a.Merchant, Kind: platform.Merchant}
	self := platform.As(c.t.Context(), owner)
	m, err := s.Merchant(self, a.Merchant)
	require.NoError(c.t, err)
	_, text, err := s.Agreement(self, m.Agreement)
	require.NoError(c.t, err)
	give(c, owner, s.Sign, merchant.Sign{Agreement: m.Agreement, Hash: text.Hash()})
	return owner
}

// blocked are requirements that are not met at first.
type blocked struct{ met bool }

func (b *blocked) Met(context.Context, platform.ID, string, time.Time) ([]platform.Change, error) {
	if b.met {
		return nil, nil
	}
	return nil, platform.ErrState
}

func (c *town) admit() {
	give(c, c.operator, c.Merchants.Reject, merchant.Reject{Application: c.apply("91310000MA1FL0AB01").ID, Reasons: []string{"incomplete"}})

	gate := &blocked{}
	strict := merchant.New(c.Writer, merchant.StoreOn(c.DB), merchant.Ports{Requirements: gate}, nil)
	late := c.sign(strict, c.apply("91310000MA1FL0AB02"))
	gate.met = true
	give(c, c.operator, strict.Activate, merchant.Activate{Merchant: late.ID})

	c.seller = c.sign(c.Merchants, c.apply("91310000MA1FL0AB03"))
	give(c, c.operator, c.Merchants.Suspend, merchant.Suspend{Merchant: c.seller.ID, Reason: "case"})
	give(c, c.operator, c.Merchants.Restore, merchant.Restore{Merchant: c.seller.ID})
}

// listing is a live listing, a yuan a minute but for what the change makes of it.
func (c *town) listing(change func(*merchant.Content)) platform.ID {
	content := merchant.Content{
		Title: "Window cleaning", Text: "Both sides of up to ten windows, frames and sills included.", Unit: "visit", Price: yuan(10),
		Standard: merchant.Standard{Scope: "up to ten windows", Result: "free of streaks", Warranty: "cleaned again within a week"},
		Minutes:  10, Zone: c.zone, Seats: c.n, Need: []string{"cleaning"}, Proof: []string{"photo"},
	}
	if change != nil {
		change(&content)
	}
	draft := give(c, c.seller, c.Merchants.NewDraft, merchant.NewDraft{Content: &content})
	give(c, c.seller, c.Merchants.SubmitDraft, merchant.SubmitDraft{Revision: draft.ID})
	give(c, c.operator, c.Merchants.ApproveRevision, merchant.ApproveRevision{Revision: draft.ID})
	return draft.Listing
}

func (c *town) list() {
	for range c.n {
		c.listings = append(c.listings, c.listing(nil))
	}
	l := c.listing(nil)
	draft := func() platform.ID {
		r := give(c, c.seller, c.Merchants.NewDraft, merchant.NewDraft{Listing: l}).ID
		shown, err := c.Merchants.Revision(platform.As(c.t.Context(), c.seller), r)
		require.NoError(c.t, err)
		give(c, c.seller, c.Merchants.Edit, merchant.Edit{Revision: r, Content: shown.Content})
		give(c, c.seller, c.Merchants.SubmitDraft, merchant.SubmitDraft{Revision: r})
		return r
	}
	for range c.n {
		give(c, c.operator, c.Merchants.RejectRevision, merchant.RejectRevision{Revision: draft(), Rules: []string{"listing.text"}})
		give(c, c.operator, c.Merchants.ApproveRevision, merchant.ApproveRevision{Revision: draft()})
	}
	give(c, c.seller, c.Merchants.Pause, merchant.Pause{Listing: l})
	give(c, c.seller, c.Merchants.Resume, merchant.Resume{Listing: l})
	give(c, c.operator, c.Merchants.TakeDown, merchant.TakeDown{Listing: l, Reason: "rule"})
	give(c, c.operator, c.Merchants.ApproveRevision, merchant.ApproveRevision{Revision: draft()})
	give(c, c.operator, c.Merchants.Reinstate, merchant.Reinstate{Listing: l})
	give(c, c.seller, c.Merchants.GoLive, merchant.GoLive{Listing: l})
}

// placeAll orders two listings in one payment.
func (c *town) placeAll() {
	var in order.PlaceAll
	for _, l := range []platform.ID{c.listing(nil), c.listing(nil)} {
		in.Orders = append(in.Orders, order.Place{Lines: []order.PlaceLine{{Listing: l, Quantity: 1}}, Total: yuan(10)})
	}
	all := give(c, c.customer, c.Orders.PlaceAll, in)
	give(c, c.customer, c.Payments.Pay, payment.Pay{Intent: payment.IntentID(all.Ref(), payment.Full), Method: sandbox.OK}, 2)
}

// place orders listings, each on a line of its own.
func (c *town) place(quantity int64, listings ...platform.ID) order.Order {
	in := order.Place{}
	for _, l := range listings {
		in.Lines = append(in.Lines, order.PlaceLine{Listing: l, Quantity: quantity})
	}
	q, err := c.Orders.Quote(platform.As(c.t.Context(), c.customer), in)
	require.NoError(c.t, err)
	in.Total = q.Total
	return give(c, c.customer, c.Orders.Place, in)
}

func (c *town) intent(o order.Order) platform.ID { return payment.IntentID(o.Ref(), payment.Full) }

// part is a share of what an order costs: n of them leave something.
func (c *town) part(o order.Order) platform.Money {
	share, err := platform.FromMinor(o.Total.Minor()/int64(c.n+1), o.Total.Currency())
	require.NoError(c.t, err)
	return share
}

// pays brings the price of an order in n parts, and the rest from the platform.
func (c *town) pays(o order.Order) order.Order {
	for range c.n {
		give(c, c.customer, c.Payments.Pay, payment.Pay{Intent: c.intent(o), Amount: c.part(o), Method: sandbox.OK}, 2)
	}
	i, err := c.Payments.Intent(platform.As(c.t.Context(), c.customer), c.intent(o))
	require.NoError(c.t, err)
	give(c, c.operator, c.Payments.Promote, payment.Promote{Intent: i.ID, Amount: i.Rest(), Reason: "voucher"})
	return o
}

// staffed gives each seat of an order to the first of the n who are asked for it.
func (c *town) staffed(o order.Order) []dispatch.Assignment {
	c.clock.Advance(2 * time.Hour) // whoever was at work is free again
	d := give(c, c.operator, c.Dispatch.DispatchOrder, dispatch.DispatchOrder{Order: o.ID}, c.n*c.n)
	var held []dispatch.Assignment
	for _, a := range d.Offers {
		if a.Seat == len(held)+1 {
			held = append(held, give(c, c.staff(a), c.Dispatch.Accept, dispatch.Accept{Assignment: a.ID}))
		}
	}
	require.Len(c.t, held, c.n)
	return held
}

func (c *town) staff(a dispatch.Assignment) platform.Actor {
	return platform.Actor{ID: a.Member, Kind: platform.Staff}
}

// photos are n proofs taken now.
func (c *town) photos() []order.Taken {
	var all []order.Taken
	for i := range c.n {
		all = append(all, order.Taken{Kind: "photo", SHA256: fmt.Sprintf("%064x", i), Bytes: 1, TakenAt: c.clock.Now()})
	}
	return all
}

// sell brings orders from their placing to the sale.
func (c *town) sell() order.Order {
	o := c.pays(c.place(1, c.listings...))
	held := c.staffed(o)
	for _, a := range held {
		give(c, c.staff(a), c.Dispatch.EnRoute, dispatch.EnRoute{Assignment: a.ID})
		give(c, c.staff(a), c.Dispatch.Arrive, dispatch.Arrive{Assignment: a.ID})
		give(c, c.staff(a), c.Dispatch.Work, dispatch.Work{Assignment: a.ID})
		give(c, c.staff(a), c.Dispatch.Done, dispatch.Done{Assignment: a.ID})
	}
	at := c.staff(held[0])
	give(c, at, c.Orders.Start, order.Start{Order: o.ID})
	give(c, at, c.Orders.Deliver, order.Deliver{Order: o.ID, Proofs: c.photos()})
	var lines []int
	for i := range c.n {
		lines = append(lines, i+1)
	}
	give(c, c.customer, c.Orders.RequestRework, order.RequestRework{Order: o.ID, Reason: "streaks", Lines: lines})
	give(c, at, c.Orders.Deliver, order.Deliver{Order: o.ID})
	give(c, c.customer, c.Orders.Accept, order.Accept{Order: o.ID})
	tip := give(c, c.customer, c.Orders.GiveTip, order.GiveTip{Order: o.ID, Amount: yuan(1)})
	give(c, c.customer, c.Payments.Pay, payment.Pay{Intent: payment.IntentID(tip.Ref(), payment.Tip), Method: sandbox.OK}, 2)
	give(c, c.operator, c.Orders.RefundTip, order.RefundTip{Tip: tip.ID, Reason: "mistake"})
	give(c, c.customer, c.Orders.GiveTip, order.GiveTip{Order: o.ID, Amount: yuan(2)}) // expires

	other := c.pays(c.place(1, c.listings...))
	c.staffed(other)
	give(c, c.seller, c.Orders.Start, order.Start{Order: other.ID})
	c.do("dispatch.Publish", c.n, func() error {
		started := platform.Event{Type: "order.started", Subject: other.Ref(), Actor: c.seller, At: c.clock.Now()}
		return c.Dispatch.Publish(c.t.Context(), []platform.Event{started})
	})
	give(c, c.seller, c.Orders.Deliver, order.Deliver{Order: other.ID, Proofs: c.photos()})
	c.tick("order", 73*time.Hour, c.Orders) // accepted by itself

	proved := c.listing(func(l *merchant.Content) { l.Acceptance, l.Seats = "proof", 0 })
	third := c.pays(c.place(1, proved))
	give(c, c.seller, c.Orders.Complete, order.Complete{Order: third.ID, Proofs: c.photos()})
	return o
}

// moveIn takes an order over whose work is about to begin, with n members in its
// seats, and has it repeated.
func (c *town) moveIn() {
	now := c.clock.Now()
	in := order.TakeOver{
		Source: "oldshop", Reference: "1", Reason: "go_live", State: order.Assigned, Customer: c.customer.ID, Merchant: c.seller.ID, Total: yuan(int64(100 * c.n)),
		Terms:      order.Terms{Minutes: 60, Zone: c.zone, Seats: c.n, Confirmation: "auto", Acceptance: "customer", CancelPolicy: "standard"},
		FeeVersion: "old-1", Start: now.Add(40 * 24 * time.Hour), TimeZone: "Asia/Shanghai", PlacedAt: now.Add(-time.Hour), ConfirmedAt: now.Add(-time.Minute),
		Payments: []order.TakenPayment{{Institution: "sandbox", Reference: c.Sandbox.Deposit(yuan(int64(100 * c.n))), Amount: yuan(int64(100 * c.n)), At: now.Add(-time.Hour)}},
		Members:  c.members[:c.n],
	}
	for range c.n {
		in.Lines = append(in.Lines, order.TakenLine{Title: "windows", Quantity: 1, Price: yuan(100), Fee: yuan(10)})
	}
	give(c, c.operator, c.Orders.TakeOver, in)
	give(c, c.operator, c.Orders.TakeOver, in, 0)
}

// judge has a customer say what it was like.
func (c *town) judge(o order.Order) {
	give(c, c.customer, c.Reviews.WriteReview, care.WriteReview{Order: o.ID, Score: 5, Text: "spotless"})
	give(c, c.operator, c.Reviews.RecordFeedback, care.RecordFeedback{Order: o.ID, Score: 1, Reason: "duplicate", Text: "after all"})
}

// refund gives money back in n refunds, of n payments each but for the last.
func (c *town) refund(done order.Order) {
	ask := func(o order.Order, minor int64) order.Refund {
		amount, err := platform.FromMinor(minor, o.Total.Currency())
		require.NoError(c.t, err)
		return give(c, c.customer, c.Orders.RequestRefund, order.RequestRefund{Order: o.ID, Amount: amount, Reason: "late"})
	}
	most := done.Total.Minor() * 3 / 4
	r := ask(done, most)
	require.Equal(c.t, order.RefundApproved, r.State)
	give(c, c.operator, c.Payments.Send, payment.Send{Return: r.ID.As("rtn")}, some)
	for range c.n {
		ask(done, done.Total.Minor()/100)
	}
	c.tick("payment", 0, c.Payments)

	o := c.pays(c.place(1, c.listings...))
	for range c.n {
		give(c, c.operator, c.Orders.ApproveRefund, order.ApproveRefund{Refund: ask(o, 100).ID})
		give(c, c.operator, c.Orders.RejectRefund, order.RejectRefund{Refund: ask(o, 100).ID, Reason: "not_justified"})
		give(c, c.customer, c.Orders.WithdrawRefund, order.WithdrawRefund{Refund: ask(o, 100).ID})
		r := ask(o, 200)
		give(c, c.operator, c.Orders.ApproveRefund, order.ApproveRefund{Refund: r.ID})
		give(c, c.customer, c.Orders.WithdrawRefund, order.WithdrawRefund{Refund: r.ID})
	}
	c.tick("payment", 0, c.Payments)
}

// change has an order changed that was paid in n parts: dearer, when it comes to
// nothing, and to a part of what it was.
func (c *town) change() {
	o := c.pays(c.place(int64(c.n), c.listings...))
	propose := func(quantity int64) order.Change {
		in := order.ProposeChange{Order: o.ID, Reason: "plans"}
		for i := range c.n {
			in.Lines = append(in.Lines, order.ChangeLine{Line: i + 1, Quantity: quantity})
		}
		in.Hash = give(c, c.customer, c.Orders.QuoteChange, in, 0).Hash
		return give(c, c.customer, c.Orders.ProposeChange, in)
	}
	approve := func(ch order.Change) {
		give(c, c.seller, c.Orders.ApproveChange, order.ApproveChange{Change: ch.ID, Hash: ch.Hash})
	}
	give(c, c.seller, c.Orders.RejectChange, order.RejectChange{Change: propose(9).ID, Reason: "full"})
	dearer := propose(8)
	approve(dearer)
	give(c, c.customer, c.Payments.Pay, payment.Pay{Intent: payment.IntentID(o.Ref(), payment.Extra), Amount: c.part(o), Method: sandbox.OK}, 2)
	give(c, c.customer, c.Orders.WithdrawChange, order.WithdrawChange{Change: dearer.ID})
	approve(propose(1))
	dearer = propose(7)
	approve(dearer)
	give(c, c.customer, c.Payments.Pay, payment.Pay{Intent: payment.IntentID(o.Ref(), payment.Extra), Method: sandbox.OK}, 2)
	c.tick("order", 0, c.Orders)
	ch, err := c.Orders.Change(platform.As(c.t.Context(), c.customer), dearer.ID)
	require.NoError(c.t, err)
	require.Equal(c.t, order.ChangeApplied, ch.State)
}

// pay lets payments go all the ways but the straight one.
func (c *town) pay() {
	by := func(method string) (order.Order, payment.Attempt) {
		o := c.place(1, c.listings...)
		return o, give(c, c.customer, c.Payments.Pay, payment.Pay{Intent: c.intent(o), Method: method}, 2)
	}
	_, a := by(sandbox.Timeout)
	c.clock.Advance(time.Minute)
	a = give(c, c.customer, c.Payments.Look, payment.Look{Attempt: a.ID})
	require.Equal(c.t, payment.AttemptCaptured, a.State)

	by(sandbox.Timeout)
	by(sandbox.Lost)
	c.tick("payment", 10*time.Minute, c.Payments)

	_, a = by(sandbox.Delay)
	c.clock.Advance(time.Minute)
	for _, letter := range c.Sandbox.Drain() {
		c.do("payment.Receive", 1, func() error { return c.Payments.Receive(c.t.Context(), "sandbox", letter.Header, letter.Body) })
	}
	a, err := c.Payments.Attempt(platform.As(c.t.Context(), c.customer), a.ID)
	require.NoError(c.t, err)
	require.Equal(c.t, payment.AttemptCaptured, a.State)

	c.dispute()
	c.share()
	c.odd()
	o, a := by(sandbox.Short)
	give(c, c.operator, c.Payments.Resolve, payment.Resolve{Attempt: a.ID, Taken: a.Amount, Reason: "checked"})
	give(c, c.operator, c.Payments.Surplus, payment.Surplus{For: o.Ref(), Amount: yuan(1), Institution: "sandbox", Reference: "ref-1"})
	c.place(1, c.listings...)
	c.tick("payment", time.Hour, c.Payments) // its intent expires
	c.tick("order", 0, c.Orders)
}

// odd lets an institution do what was not asked, which people see to.
func (c *town) odd() {
	o := c.pays(c.place(1, c.listings...))
	r := give(c, c.customer, c.Orders.RequestRefund, order.RequestRefund{Order: o.ID, Amount: yuan(2), Reason: "late"})
	c.Sandbox.Force(payment.Key(r.ID.As("rtn")), sandbox.Short)
	give(c, c.operator, c.Orders.ApproveRefund, order.ApproveRefund{Refund: r.ID})
	c.tick("payment", time.Minute, c.Payments)
	give(c, c.operator, c.Payments.Settle, payment.Settle{Return: r.ID.As("rtn"), Back: true, Reason: "statement"})

	c.Sandbox.Drain()
	_, err := c.Sandbox.Charge(c.t.Context(), payment.Charge{Key: "somebody-else", Amount: yuan(1), Method: sandbox.OK})
	require.NoError(c.t, err)
	for _, letter := range c.Sandbox.Drain() {
		c.do("payment.Receive", 1, func() error { return c.Payments.Receive(c.t.Context(), "sandbox", letter.Header, letter.Body) })
	}
	c.tick("payment", 25*time.Hour, c.Payments)
	page, err := platform.List[payment.Received](c.t.Context(), c.DB, platform.Query{Kind: "payment.notice", Limit: 500})
	require.NoError(c.t, err)
	at := slices.IndexFunc(page.Items, func(n payment.Received) bool { return n.State == payment.NoticeUnmatched })
	require.GreaterOrEqual(c.t, at, 0)
	give(c, c.operator, c.Payments.File, payment.File{Notice: page.Items[at].ID, Reason: "test"})
}

// dispute lets payers' banks take money back, and answers them; one institution
// holds money before it is captured, and another is looked at.
func (c *town) dispute() {
	later := payment.New(c.Writer, payment.StoreOn(c.DB), payment.Ports{
		Books: c.Books, Subject: order.Payable{Store: order.StoreOn(c.DB), Books: c.Books}, Gateways: []payment.Gateway{c.Sandbox, sandbox.New(&sandbox.Options{Name: "second", Now: c.clock.Now})},
	}, &payment.Options{Later: true})
	o := c.place(1, c.listings...)
	give(c, c.customer, later.Pay, payment.Pay{Intent: c.intent(o), Method: sandbox.OK}, 2)
	give(c, c.operator, later.Draw, payment.Draw{Intent: c.intent(o)})
	c.tick("payment", 0, later)

	objected := func() payment.Chargeback {
		o := c.pays(c.place(1, c.listings...))
		i, err := c.Payments.Intent(platform.As(c.t.Context(), c.operator), c.intent(o))
		require.NoError(c.t, err)
		c.Sandbox.Drain()
		reference, err := c.Sandbox.Object(payment.Key(i.Paid[0]), yuan(1), "fraud")
		require.NoError(c.t, err)
		for _, letter := range c.Sandbox.Drain() {
			c.do("payment.Receive", 1, func() error { return c.Payments.Receive(c.t.Context(), "sandbox", letter.Header, letter.Body) })
		}
		return payment.Chargeback{Head: platform.Head{ID: payment.ChargebackID(i.Paid[0], "sandbox", reference, 1)}, Attempt: i.Paid[0]}
	}
	give(c, c.operator, c.Payments.Contest, payment.Contest{Chargeback: objected().ID, Text: "the work was done"}, 2)
	give(c, c.operator, c.Payments.Concede, payment.Concede{Chargeback: objected().ID}, 2)
	last := objected()
	give(c, c.operator, c.Payments.Decide, payment.Decide{Chargeback: last.ID, Lost: yuan(1), Reason: "letter"})
	give(c, c.operator, c.Payments.Reverse, payment.Reverse{Attempt: last.Attempt, Amount: yuan(1), Reference: "rv-1"}, 2)
	give(c, c.operator, later.Check, payment.Check{ // a check holds for 90 days, of an institution that nobody pays here
		Name: "second", Entity: "Sandbox", Licence: "demo", Kinds: []payment.Business{payment.Acquiring},
		ValidUntil: c.clock.Now().AddDate(5, 0, 0), Evidence: fmt.Sprintf("%064x", 1),
	})
	c.clock.Advance(time.Hour)
}

// planning books nothing: it is only planned who gets what.
type planning struct{}

func (planning) Post(context.Context, string, platform.Ref, time.Time, []platform.Leg) ([]platform.Change, error) {
	return nil, nil
}

// sharing plans shares of a payment.
type sharing struct{}

// share hands a part of a payment on in funds mode split, and takes some of it back
// for a refund.
func (c *town) share() {
	plans := payment.Splits{Books: planning{}, Store: payment.StoreOn(c.DB), Gateways: []payment.Gateway{c.Sandbox}}
	plan := func(what string, of platform.Ref, legs ...platform.Leg) {
		c.do("payment.Splits", 1, func() error {
			_, err := platform.Update(platform.As(c.t.Context(), c.operator), c.Writer, sharing{}, func(ctx context.Context) (int, []platform.Change, error) {
				changes, err := plans.Post(ctx, what, of, c.clock.Now(), legs)
				return 0, append(changes, platform.Happened("test.planned", of, nil)), err
			})
			return err
		})
	}
	split := payment.New(c.Writer, payment.StoreOn(c.DB), payment.Ports{
		Books: payment.Splits{Books: c.Books, Store: plans.Store, Gateways: plans.Gateways}, Gateways: plans.Gateways,
		Subject: order.Payable{Store: order.StoreOn(c.DB), Books: c.Books},
	}, nil)
	r := give(c, c.operator, split.Onboard, payment.Onboard{Party: c.seller.ID, Institution: "sandbox", Country: "CN", Email: "post@bright-windows.example"}, 2)
	give(c, c.operator, split.OnboardingLink, payment.OnboardingLink{Recipient: r.ID, Back: "https://platform.example/back"}, 0)
	for _, m := range c.members[:c.n] {
		give(c, c.operator, split.AddRecipient, payment.AddRecipient{Party: m, Institution: "sandbox", Account: "acct_" + string(m)}, 2)
	}
	o, later := c.pays(c.place(1, c.listings...)), c.pays(c.place(1, c.listings...))
	refund := platform.Ref{Kind: "order.refund", ID: c.Writer.NewChild("rfd", o.ID)}
	var earned, borne []platform.Leg
	for _, m := range append(c.members[:c.n:c.n], c.seller.ID) {
		earned, borne = append(earned, platform.Leg{Role: "earning", Party: m, Amount: yuan(-1)}), append(borne, platform.Leg{Role: "payable", Party: m, Amount: yuan(1)})
	}
	plan("order.completed", o.Ref(), earned...)
	plan("order.completed", later.Ref(), platform.Leg{Role: "earning", Party: c.members[c.n], Amount: yuan(-1)})
	c.tick("payment", 0, split)
	plan("refund.approved", refund, append(borne, platform.Leg{Role: "refund_due", Of: o.ID, Amount: yuan(-1)})...)
	c.tick("payment", 0, split)
	waiting, err := split.Splits(platform.As(c.t.Context(), c.operator), later.Ref())
	require.NoError(c.t, err)
	require.Len(c.t, waiting, 1)
	give(c, c.operator, split.DecideSplit, payment.DecideSplit{Split: waiting[0].ID, Decision: payment.DecideKeep, Reason: "other"})
}

func (c *town) cancel(o order.Order) {
	give(c, c.customer, c.Orders.Cancel, order.Cancel{Order: o.ID, MaxFee: o.Total, Reason: "customer_request"})
}

// policies publishes a version of the standard policy, and gives another up.
func (c *town) policies() {
	draft := func(name string, after time.Duration) platform.ID {
		rows := order.StandardPolicy().Rows
		return give(c, c.operator, c.Orders.DraftPolicy, order.DraftPolicy{Name: name, From: c.clock.Now().Add(after), Rows: rows}).ID
	}
	give(c, c.second, c.Orders.PublishPolicy, order.PublishPolicy{Policy: draft(order.Standard, time.Hour)})
	give(c, c.operator, c.Orders.DiscardPolicy, order.DiscardPolicy{Policy: draft("lenient", 2*time.Hour), Reason: "mistake"})
}

// end lets orders end in every other way.
func (c *town) end() {
	partly := func(o order.Order) order.Order {
		for range c.n {
			give(c, c.customer, c.Payments.Pay, payment.Pay{Intent: c.intent(o), Amount: c.part(o), Method: sandbox.OK}, 2)
		}
		return o
	}
	c.policies()
	c.cancel(c.place(1, c.listings...))
	c.cancel(partly(c.place(1, c.listings...)))
	o := c.pays(c.place(1, c.listings...))
	c.staffed(o)
	c.cancel(o)

	slow := c.listing(func(l *merchant.Content) { l.Confirmation = "manual" })
	give(c, c.seller, c.Orders.Confirm, order.Confirm{Order: c.pays(c.place(1, slow)).ID})
	give(c, c.seller, c.Orders.Decline, order.Decline{Order: c.pays(c.place(1, slow)).ID, Reason: "full"})
	c.pays(c.place(1, slow))
	c.tick("order", 31*time.Minute, c.Orders) // declined, since nobody answered

	many := int64(1001/c.n + 1)
	give(c, c.operator, c.Orders.ClearReview, order.ClearReview{Order: c.pays(c.place(many, c.listings...)).ID, Outcome: "allow", Reason: "checked"})
	give(c, c.operator, c.Orders.ClearReview, order.ClearReview{Order: partly(c.place(many, c.listings...)).ID, Outcome: "reject", Reason: "fraud"})
	partly(c.place(1, c.listings...))
	c.tick("order", 16*time.Minute, c.Orders)  // expires, with what was paid
	c.tick("order", 8*24*time.Hour, c.Orders)  // closed, with what was earned
	c.tick("payment", time.Minute, c.Payments) // and all that is to go back is sent
}

// dispatch looks for members in every other way, for one order at a time: a plan
// of many reads each of them.
func (c *town) dispatch() {
	wanted := func() order.Order { return c.pays(c.place(1, c.listings...)) }
	o := wanted()
	offers := func() (all []dispatch.Assignment) {
		for i := range c.n {
			all = append(all, give(c, c.operator, c.Dispatch.Offer, dispatch.Offer{Order: o.ID, Seat: 1, Member: c.members[i]}))
		}
		return all
	}
	for _, a := range offers() {
		give(c, c.staff(a), c.Dispatch.Decline, dispatch.Decline{Assignment: a.ID, Reason: "break"})
	}
	for _, a := range offers() {
		give(c, c.operator, c.Dispatch.Withdraw, dispatch.Withdraw{Assignment: a.ID, Reason: "better_known"})
	}
	held := offers()
	give(c, c.staff(held[0]), c.Dispatch.Accept, dispatch.Accept{Assignment: held[0].ID})
	give(c, c.staff(held[0]), c.Dispatch.Release, dispatch.Release{Assignment: held[0].ID, Reason: "unwell", Fault: "staff"})
	c.tick("dispatch", time.Second, c.Dispatch) // the next round
	c.cancel(o)

	o = wanted()
	for _, a := range c.staffed(o) {
		c.clock.Advance(21 * time.Minute)
		give(c, c.operator, c.Dispatch.NoShow, dispatch.NoShow{Assignment: a.ID})
	}
	c.cancel(o)

	o = wanted()
	give(c, c.operator, c.Dispatch.Dispatch, dispatch.Dispatch{Orders: []platform.ID{o.ID}}, c.n*c.n)
	c.tick("dispatch", 2*time.Minute, c.Dispatch) // nobody has answered
	for _, m := range c.members {
		give(c, c.operator, c.Staff.Excuse, staff.Excuse{Member: m, From: c.clock.Now(), Until: c.clock.Now().Add(time.Hour)})
	}
	c.tick("dispatch", 2*time.Minute, c.Dispatch) // nor is anybody there
	c.cancel(o)

	give(c, c.operator, c.Dispatch.DispatchOrder, dispatch.DispatchOrder{Order: wanted().ID}, c.n)
	c.tick("dispatch", 11*time.Minute, c.Dispatch) // it is given up
	give(c, platform.Actor{ID: c.members[0], Kind: platform.Staff}, c.Dispatch.Ping, dispatch.Ping{Member: c.members[0], Lat: 52.52, Lon: 13.4}, 0)
}

// absent has customers and members who are not there, and work that is moved with
// those who do it.
func (c *town) absent() {
	for range 2 { // the first is forgiven
		o := c.pays(c.place(1, c.listings...))
		for _, a := range c.staffed(o) {
			give(c, c.staff(a), c.Dispatch.EnRoute, dispatch.EnRoute{Assignment: a.ID})
			give(c, c.staff(a), c.Dispatch.Arrive, dispatch.Arrive{Assignment: a.ID})
			for range 2 {
				c.clock.Advance(8 * time.Minute)
				give(c, c.staff(a), c.Dispatch.Contact, dispatch.Contact{Assignment: a.ID, Way: "call"})
			}
		}
		o = give(c, platform.Actor{ID: c.seat(o), Kind: platform.Staff}, c.Orders.NoShow, order.NoShow{Order: o.ID})
		if o.Cancellation.NoShow == order.NoShowCharged {
			give(c, c.seller, c.Orders.WaiveNoShow, order.WaiveNoShow{Order: o.ID, Reason: "good_customer"})
		}
	}
	o := c.pays(c.place(1, c.listings...))
	held := c.staffed(o)
	move := order.ProposeChange{Order: o.ID, Start: c.clock.Now().Add(30 * time.Hour), TimeZone: "Asia/Shanghai", Reason: "plans"}
	move.Hash = give(c, c.customer, c.Orders.QuoteChange, move, 0).Hash
	moved := give(c, c.customer, c.Orders.ProposeChange, move)
	give(c, c.seller, c.Orders.ApproveChange, order.ApproveChange{Change: moved.ID, Hash: moved.Hash})
	kept, err := c.Dispatch.Assignment(platform.As(c.t.Context(), c.operator), held[0].ID)
	require.NoError(c.t, err)
	require.Equal(c.t, move.Start.UTC(), kept.From.UTC(), "who does the work follows it")

	c.clock.Advance(31 * time.Hour)
	give(c, c.customer, c.Dispatch.NoShow, dispatch.NoShow{Assignment: held[0].ID})
	c.tick("order", 31*time.Minute, c.Orders) // nobody else came
	o, err = c.Orders.Order(platform.As(c.t.Context(), c.customer), o.ID)
	require.NoError(c.t, err)
	require.Equal(c.t, "K8", o.Cancellation.Row)
}

// seat is who sits in the first seat of an order.
func (c *town) seat(o order.Order) platform.ID {
	o, err := c.Orders.Order(platform.As(c.t.Context(), c.operator), o.ID)
	require.NoError(c.t, err)
	return o.Seats[0].Member
}

// watch has an indicator call people.
func (c *town) watch() {
	system := platform.As(c.t.Context(), platform.SystemActor("test"))
	for range 2 {
		c.place(1, c.listings...)
		c.tick("risk", time.Minute, c.Risk)
		c.tick("risk", time.Minute, c.Risk)
		page, err := c.Risk.Alerts(system, risk.AlertFiring, "", 0)
		require.NoError(c.t, err)
		require.Len(c.t, page.Items, 1)
		give(c, c.operator, c.Risk.Acknowledge, risk.Acknowledge{Alert: page.Items[0].ID})
		give(c, c.operator, c.Risk.Resolve, risk.Resolve{Alert: page.Items[0].ID, Outcome: risk.AlertFalse, Reason: "test"})
	}
	c.place(1, c.listings...)
	c.tick("risk", time.Minute, c.Risk)
	c.tick("risk", 48*time.Hour, c.Risk)
	c.tick("risk", time.Minute, c.Risk) // over by itself
	page, err := c.Risk.Alerts(system, risk.AlertFiring, "", 0)
	require.NoError(c.t, err)
	assert.Empty(c.t, page.Items)
}

// lapse lets pass what is left.
func (c *town) lapse() {
	give(c, c.operator, c.Merchants.Approve, merchant.Approve{Application: c.apply("91310000MA1FL0AB04").ID})
	applicant := platform.Actor{ID: c.Writer.NewRoot(c.t.Context(), "usr"), Kind: platform.Merchant}
	give(c, applicant, c.Merchants.Apply, merchant.Apply{Party: merchant.Party{Name: "Bright Windows", Licence: "91310000MA1FL0AB05"}})
	c.tick("merchant", 100*24*time.Hour, c.Merchants)
}
