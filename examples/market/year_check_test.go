package market_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/order/dispute"
	"github.com/liangding/platform/store"
)

// known is what a day knew of an order, which later days may not change.
type known struct {
	state order.State
	terms int    // version
	whole string // what it pinned, for ever
	lines string // and under these terms
}

// booking is a time for which a member is wanted.
type booking struct {
	assignment  platform.ID
	from, until time.Time
}

// midnight proves the day: the books are level, and every order that anything
// happened to is as the invariants of orders want it.
func (y *year) midnight() {
	sums, err := y.TrialBalance(y.as(y.cast.Operator))
	y.ok(err)
	for _, s := range sums {
		y.same(s.Debit, s.Credit, "the books")
	}
	type word struct {
		version int64
		state   order.State
	}
	touched, told := []platform.ID{}, map[platform.ID]word{}
	for _, e := range y.fresh() {
		y.holds(e.Actor.Kind != "" && !e.At.After(y.clock.Now()) && e.Version >= 0, "event", e.ID, e.Type)
		var tell struct {
			Order   platform.ID  `json:"order"`
			Subject platform.Ref `json:"subject"`
			State   order.State  `json:"state"`
		}
		if len(e.Data) > 0 {
			y.ok(json.Unmarshal(e.Data, &tell))
		}
		for _, id := range []platform.ID{e.Subject.ID, tell.Order, tell.Subject.ID} {
			if _, mine := y.lives[id]; mine {
				touched = append(touched, id)
			}
		}
		if last := told[e.Subject.ID]; strings.HasPrefix(e.Type, "order.") && tell.State != "" && e.Version >= last.version {
			told[e.Subject.ID] = word{e.Version, tell.State} // of one millisecond, the version tells which came last
		}
	}
	done := map[platform.ID]bool{}
	for _, id := range touched {
		if !done[id] {
			done[id] = true
			y.sound(id, told[id].state)
		}
	}
	y.apart()
}

// holds fails the year unless something does. Its arguments are formatted only
// then.
func (y *year) holds(is bool, what ...any) {
	if !is {
		require.Fail(y.tb, fmt.Sprint(what...), "seed %d at %s", y.seed, y.clock.Now())
	}
}

// same compares amounts.
func (y *year) same(want, got platform.Money, what ...any) {
	if want.Minor() != got.Minor() {
		y.holds(false, append(what, " should be ", want, ", is ", got)...)
	}
}

// children are all records of a kind whose first column is the order, by an index
// of these columns.
func children[T any](y *year, kind string, of any, by ...string) []T {
	page, err := platform.List[T](y.ctx(), y.DB, platform.Query{Kind: kind, By: by, Equal: []any{of}, Limit: 500})
	y.ok(err)
	y.holds(page.Next == "", "more than 500 of ", kind)
	return page.Items
}

// sound is what must hold of an order at any time.
func (y *year) sound(id platform.ID, told order.State) {
	o := y.lives[id].now()
	y.holds(told == "" || told == o.State, "order ", id, " is ", o.State, " and its last event says ", told)
	y.adds(o)
	y.stays(o)
	y.mirrors(o)
	y.disputed(o)
	y.manned(o)
	y.accounts(o)
}

// adds is invariant 1: the total is that of the lines; and 11: a cancelled order
// has one row of the policy, one fee, and one refund of the rest.
func (y *year) adds(o order.Order) {
	var lines int64
	for _, l := range o.Lines {
		y.holds(l.Price.Minor()*l.Quantity == l.Amount.Minor() && l.Fee.Minor() <= l.Amount.Minor(), "line ", l.No, " of ", o.ID)
		lines += l.Amount.Minor()
	}
	y.holds(lines == o.Total.Minor(), "lines of ", o.ID, " come to ", lines, " of ", o.Total)
	y.holds((o.State == order.Cancelled) == (o.Cancellation != nil), "cancellation of ", o.ID)
	if c := o.Cancellation; c != nil {
		y.holds(c.Row != "" && c.Fee.Minor() >= 0 && c.Fee.Minor() <= o.Captured.Minor(), "row and fee of ", o.ID)
	}
}

// stays is invariant 7: an end is never left and waits for nothing but its close;
// and 8: what was pinned is as it was.
func (y *year) stays(o order.Order) {
	doc := func(pinned ...any) string {
		text, err := json.Marshal(pinned)
		y.ok(err)
		return string(text)
	}
	terms := o.Terms
	terms.Minutes = 0 // of the lines
	lines := []any{o.PlannedStart, o.Total}
	for _, l := range o.Lines {
		lines = append(lines, l.Listing, l.Revision, l.Price, l.Quantity, l.Fee, l.Seen)
	}
	is, was := known{o.State, o.TermsVersion, doc(terms, o.Windows, o.PolicyVersion, o.FeeVersion, o.Customer, o.Merchant), doc(lines...)}, y.known[o.ID]
	y.known[o.ID] = is
	if o.State.Ended() {
		y.holds(o.Due().IsZero() || o.State == order.Cancelled && o.Cancellation.Fee.Sign() > 0, "an end with a deadline: ", o.ID)
	}
	if was.state == "" {
		return
	}
	y.holds(!was.state.Ended() || was.state == is.state, "order ", o.ID, " left ", was.state)
	y.holds(was.whole == is.whole, "order ", o.ID, " pinned ", was.whole, " and has ", is.whole)
	y.holds(was.terms < is.terms || was.terms == is.terms && was.lines == is.lines, "order ", o.ID, " changed without a change")
}

// mirrors is invariant 2: the sums of the order are those of its payments, refunds
// and chargebacks, within each other; 3: a refund is its shares; and 4: one attempt
// of an intent is under way, and one change open.
func (y *year) mirrors(o order.Order) {
	var secured, captured, reserved, refunded, back int64
	for _, i := range children[payment.Intent](y, "payment.intent", o.Ref(), "subject") {
		secured, captured = secured+i.Secured.Minor(), captured+i.Captured.Minor()
	}
	active := map[platform.ID]int{}
	for _, a := range children[payment.Attempt](y, "payment.attempt", o.Ref(), "subject") {
		if a.EndedAt.IsZero() {
			active[a.Intent]++
			y.holds(active[a.Intent] == 1, "two payments at once of ", o.ID)
			y.holds(a.State != payment.AttemptSent || y.clock.Now().Sub(a.SentAt) < 2*time.Hour, "nobody asks about ", a.ID) // invariant 13
		}
	}
	for _, c := range children[payment.Chargeback](y, "payment.chargeback", o.Ref(), "subject") {
		if c.Open() {
			back += c.Counts.Minor()
		} else {
			back += c.Lost.Minor()
		}
	}
	for _, r := range children[order.Refund](y, "order.refund", o.ID, "order", "at") {
		shares := r.Undone.Minor()
		for _, s := range r.Shares {
			shares += s.Amount.Minor()
		}
		y.holds(shares == r.Amount.Minor(), "shares of ", r.ID, " come to ", shares, " of ", r.Amount)
		switch r.State {
		case order.RefundSucceeded:
			refunded += r.Amount.Minor()
		case order.RefundRequested, order.RefundApproved, order.RefundProcessing, order.RefundFailed:
			reserved += r.Amount.Minor()
		}
	}
	open := 0
	for _, c := range children[order.Change](y, "order.change", o.ID, "order", "at") {
		if c.State == order.ChangePriced || c.State == order.ChangeApproved {
			open++
		}
	}
	y.holds(open <= 1 && (open == 1) == (o.Change != nil), "open changes of ", o.ID, ": ", open)
	want := []int64{secured, captured, reserved, refunded, back}
	got := []int64{o.Secured.Minor(), o.Captured.Minor(), o.Reserved.Minor(), o.Refunded.Minor(), o.ChargedBack.Minor()}
	y.holds(fmt.Sprint(want) == fmt.Sprint(got), "secured, captured, reserved, refunded, charged back of ", o.ID, " should be ", want, ", is ", got)
	y.holds(captured <= secured && secured <= o.Asked.Minor() && refunded+reserved+back <= captured, "one sum of ", o.ID, " is above another: ", got, " of ", o.Asked)
	y.holds(min(secured, captured, reserved, refunded, back, o.Earned.Minor(), o.Held.Minor()) >= 0, "a sum of ", o.ID, " is below zero")
}

// disputed is invariant 12: what is held is what is open.
func (y *year) disputed(o order.Order) {
	var held int64
	open := 0
	for _, d := range children[dispute.Dispute](y, "order.dispute", o.ID, "order", "opened_at") {
		if d.State.Ended() || d.Kind != "service" {
			continue
		}
		open++
		held += d.Amount.Minor()
		if d.State != dispute.Executing {
			continue
		}
		for _, l := range d.Ruling().Legs {
			if l.Kind == dispute.Refund {
				held -= l.Amount.Minor()
			}
		}
	}
	y.holds(open <= 1 && (open == 1) == (o.Dispute != ""), "open disputes of ", o.ID, ": ", open)
	y.holds(held == o.Held.Minor(), "held of ", o.ID, " should be ", held, ", is ", o.Held)
}

// manned is invariant 4: one who works a seat, who is the one that the order names.
func (y *year) manned(o order.Order) {
	holds := map[int]platform.ID{}
	for _, a := range children[dispatch.Assignment](y, "dispatch.assignment", o.ID, "order") {
		y.free(a.Member, a.ID)
		switch a.State {
		case dispatch.Accepted, dispatch.Travelling, dispatch.Arrived, dispatch.Working:
			y.holds(holds[a.Seat] == "", "two at seat ", a.Seat, " of ", o.ID)
			holds[a.Seat] = a.Member
			fallthrough
		case dispatch.Finished:
			y.book(a)
		}
	}
	if o.State != order.Assigned {
		return
	}
	for _, s := range o.Seats {
		y.holds(s.Member != "" && holds[s.No] == s.Member, "seat ", s.No, " of ", o.ID, " is ", s.Member, "'s, and ", holds[s.No], " works")
	}
}

// free forgets what a member is wanted for.
func (y *year) free(member, assignment platform.ID) {
	left := y.booked[member][:0]
	for _, b := range y.booked[member] {
		if b.assignment != assignment && b.until.After(y.clock.Now().Add(-3*day)) {
			left = append(left, b)
		}
	}
	y.booked[member] = left
}

func (y *year) book(a dispatch.Assignment) {
	y.booked[a.Member] = append(y.booked[a.Member], booking{a.ID, a.From, a.Until})
}

// apart is invariant 5: nobody is at two places at once.
func (y *year) apart() {
	for member, all := range y.booked {
		slices.SortFunc(all, func(a, b booking) int { return a.from.Compare(b.from) })
		for n := 1; n < len(all); n++ {
			y.holds(!all[n].from.Before(all[n-1].until), "member ", member, " has ", all[n-1], " and ", all[n], " at once")
		}
	}
}

// accounts is invariant 9: what is free on every account of the order is what the
// order says but for what payers' banks took, and nothing stays on the way back.
func (y *year) accounts(o order.Order) {
	balance := func(role string, party platform.ID) int64 {
		b, err := y.Books.Balance(y.as(y.cast.Operator), finance.Account{Role: role, Of: o.ID, Party: party}, o.Total.Currency())
		y.ok(err)
		return b.Available.Minor()
	}
	gone := map[string]int64{}
	for _, c := range children[payment.Chargeback](y, "payment.chargeback", o.Ref(), "subject") {
		for _, leg := range c.Legs {
			if c.State != payment.ChargebackWon {
				gone[leg.Role] += leg.Amount.Minor()
			}
		}
	}
	escrow := o.Captured.Minor() - o.Approved.Minor() - gone["escrow"]
	switch {
	case !o.CompletedAt.IsZero():
		escrow = 0
	case o.Cancellation != nil:
		escrow -= o.Cancellation.Fee.Minor()
		if o.Cancellation.Returned.Sign() > 0 {
			escrow += o.Cancellation.Returned.Minor()
		}
	}
	earned := max(0, o.Earned.Minor()-gone["earning"])
	if o.State == order.Closed {
		y.holds(o.Held.Sign() == 0, "held of ", o.ID, " at its close")
	}
	want, got := []int64{escrow, earned, 0}, []int64{balance("escrow", ""), balance("earning", o.Merchant), balance("refund_due", "")}
	y.holds(fmt.Sprint(want) == fmt.Sprint(got), "escrow, earning and refund due of ", o.ID, " (", o.State, ") should be ", want, ", is ", got)
}

// proved has the market prove itself as a whole: every record, every order by its
// events, every posting, and the audit log.
func (y *year) proved() {
	_, err := y.Verify(y.ctx(), func(f store.Finding) { y.holds(false, f.String()) })
	y.ok(err)
}

// ended is the end of the year: every order has ended, and the institution has what
// the books say.
func (y *year) ended() {
	y.proved()
	var charged, refunded int64
	for id := range y.lives {
		o := y.lives[id].now()
		y.sound(id, "")
		y.holds(o.State.Ended(), "order ", id, " is still ", o.State)
		y.holds(o.Held.Sign() == 0 && o.Reserved.Sign() == 0 && o.Change == nil && o.Dispute == "" && o.Earned.Sign() == 0, "order ", id, " is not settled")
		charged, refunded = charged+o.Captured.Minor(), refunded+o.Refunded.Minor()
	}
	y.holds(charged > 0 && refunded > 0 && refunded < charged, "a year without money")
	c := y.cast.Price.Currency()
	has, err := y.Sandbox.Balance("", c)
	y.ok(err)
	says, err := y.Books.Balance(y.as(y.cast.Operator), finance.Account{Role: "clearing", Party: "sandbox"}, c)
	y.ok(err)
	y.same(has, says.Posted, "what the institution has")
}
