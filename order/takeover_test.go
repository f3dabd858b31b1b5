package order_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

// takeable are the states in which an order may be taken over.
var takeable = []order.State{
	order.AwaitingPayment, order.Confirmed, order.Assigned, order.InProgress, order.Delivered, order.Rework, order.Completed,
}

func fen(minor int64) platform.Money {
	m, err := platform.FromMinor(minor, cny("0").Currency())
	if err != nil {
		panic(err)
	}
	return m
}

// taken is an order of 100.00 with a fee of 10.00 that another system has carried
// to a state, as of noon, changed by what the test is about.
func taken(state order.State, change func(*order.TakeOver)) order.TakeOver {
	in := order.TakeOver{
		Source: "oldshop", Reference: "4711", Reason: "go_live", State: state, Customer: customer.ID, Merchant: merchant.ID,
		Lines:      []order.TakenLine{{Title: "Deep clean", Unit: "visit", Quantity: 2, Price: cny("50"), Fee: cny("10")}},
		Total:      cny("100"),
		Payments:   []order.TakenPayment{{Institution: "sandbox", Reference: "ch_1", Amount: cny("100"), At: noon.Add(-4 * time.Hour)}},
		FeeVersion: "old-7", Terms: order.Terms{Confirmation: "auto", Acceptance: "customer", Minutes: 60},
		PlacedAt: noon.Add(-4 * time.Hour),
	}
	reached := slices.Index(takeable, state)
	for i, at := range []*time.Time{&in.ConfirmedAt, &in.StartedAt, &in.DeliveredAt, &in.CompletedAt} {
		if reached >= []int{1, 3, 4, 6}[i] {
			*at = noon.Add(time.Duration(i-4) * 30 * time.Minute)
		}
	}
	switch state {
	case order.AwaitingPayment:
		in.Payments, in.PlacedAt = nil, noon.Add(-5*time.Minute)
	case order.Assigned:
		in.Terms.Seats, in.Members = 1, []platform.ID{member.ID}
	case order.Rework:
		in.Reworks = 1
	}
	if change != nil {
		change(&in)
	}
	return in
}

// takeOver brings one in.
func (h *house) takeOver(in order.TakeOver) order.Order {
	h.t.Helper()
	o, err := h.orders.TakeOver(as(operator), in)
	require.NoError(h.t, err)
	return o
}

// wrongs are what is wrong with which field.
func wrongs(err error) map[string]string {
	var fields platform.FieldErrors
	_ = errors.As(err, &fields)
	codes := map[string]string{}
	for _, f := range fields {
		codes[f.Path] = f.Code
	}
	return codes
}

func TestAnOrderIsTakenOverAsItWas(t *testing.T) {
	t.Parallel()
	h := open(t, nil)

	o := h.takeOver(taken(order.Delivered, func(in *order.TakeOver) {
		in.Note, in.Spot = "ring twice", &order.Spot{Lat: 31.23456, Lon: 121.4737}
		in.Lines[0].Refunded, in.Payments[0].Returned = cny("20"), cny("20")
		in.Windows.Accept = 100 * time.Hour
		in.Start, in.TimeZone = noon.Add(-2*time.Hour), "Asia/Shanghai"
	}))

	o = h.read(o.ID)
	assert.Equal(t, order.TakenID("oldshop", "4711"), o.ID)
	assert.Equal(t, order.Delivered, o.State)
	assert.Equal(t, order.PartlyRefunded, o.Payment())
	assert.Equal(t, []platform.Money{cny("100"), cny("20"), cny("80"), cny("2")}, []platform.Money{o.Captured, o.Refunded, o.Refundable(), o.Lines[0].FeeGiven})
	assert.Equal(t, "80.00", h.balance("escrow", o.ID, ""), "what the customer's money comes to by now")
	assert.Equal(t, []any{"old-7", 1, "standard"}, []any{o.FeeVersion, o.PolicyVersion, o.Terms.CancelPolicy})
	assert.Equal(t, noon.Add(99*time.Hour), o.Due(), "by the window under which it was placed")
	assert.Equal(t, 14*24*time.Hour, o.Windows.Rework, "and our own where there was none")
	assert.Equal(t, &order.Spot{Lat: 31.23, Lon: 121.47}, o.Spot)
	assert.NotContains(t, string(o.Note), "ring")
	assert.NotEmpty(t, o.Note)
	assert.Equal(t, noon.Add(-time.Hour), o.PlannedEnd)
}

func TestTakingOverIsTold(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.takeOver(taken(order.InProgress, func(in *order.TakeOver) { in.Note = "ring twice" }))

	events := h.events(o.Ref())

	assert.Equal(t, []string{"order.taken_over", "payment.taken_over"}, slices.Sorted(slices.Values(types(events))))
	for _, e := range events {
		if e.Type != "order.taken_over" {
			continue
		}
		assert.Equal(t, []any{"go_live", operator.ID, int64(1)}, []any{e.Reason, e.Actor.ID, e.Version})
		assert.JSONEq(t, fmt.Sprintf(`{"customer":%q,"merchant":%q,"state":"in_progress","amount":{"amount":"100.00","currency":"CNY"},`+
			`"fee_version":"old-7","policy":"standard.1","origin":{"source":"oldshop","reference":"4711"}}`, customer.ID, merchant.ID), string(e.Data))
	}
}

// Wherever an order is taken over, it comes to its close by the ordinary
// commands, and the merchant has what it earned.
func TestFromEveryStateATakenOrderComesToItsClose(t *testing.T) {
	t.Parallel()
	for _, state := range takeable {
		h := open(t, nil)
		o := h.takeOver(taken(state, nil))
		step := func(_ order.Order, err error) { require.NoError(t, err, state) }
		switch state {
		case order.AwaitingPayment:
			require.NoError(t, h.pay(o.ID, o.Total))
			fallthrough
		case order.Confirmed, order.Assigned:
			step(h.orders.Start(as(merchant), order.Start{Order: o.ID}))
			fallthrough
		case order.InProgress, order.Rework:
			step(h.orders.Deliver(as(merchant), order.Deliver{Order: o.ID}))
			fallthrough
		case order.Delivered:
			step(h.orders.Accept(as(customer), order.Accept{Order: o.ID}))
		}
		h.clock.pass(7 * 24 * time.Hour)
		assert.Equal(t, 1, h.tick(), state)

		assert.Equal(t, order.Closed, h.read(o.ID).State)
		assert.Equal(t, "90.00", h.balance("payable", "", merchant.ID), state)
		assert.Equal(t, "0.00", h.balance("escrow", o.ID, ""))
		assert.Equal(t, "0.00", h.balance("earning", o.ID, merchant.ID))
	}
}

// A deadline that has passed elsewhere fires with the next tick; one that has
// not, at its time and no earlier.
func TestDeadlinesOfTakenOrdersAreRightAtOnce(t *testing.T) {
	t.Parallel()
	manual := func(in *order.TakeOver) { in.Terms.Confirmation, in.Unanswered = "manual", true }
	for name, c := range map[string]struct {
		state  order.State
		change func(*order.TakeOver)
		began  func(*order.TakeOver) *time.Time
		window time.Duration
		then   order.State
	}{
		"unpaid":     {order.AwaitingPayment, nil, func(in *order.TakeOver) *time.Time { return &in.PlacedAt }, 15 * time.Minute, order.Expired},
		"unanswered": {order.Confirmed, manual, func(in *order.TakeOver) *time.Time { return &in.ConfirmedAt }, 30 * time.Minute, order.Declined},
		"delivered":  {order.Delivered, nil, func(in *order.TakeOver) *time.Time { return &in.DeliveredAt }, 72 * time.Hour, order.Completed},
		"completed":  {order.Completed, nil, func(in *order.TakeOver) *time.Time { return &in.CompletedAt }, 7 * 24 * time.Hour, order.Closed},
	} {
		for _, left := range []time.Duration{0, time.Second} {
			h := open(t, nil)
			o := h.takeOver(taken(c.state, func(in *order.TakeOver) {
				if c.change != nil {
					c.change(in)
				}
				began := c.began(in)
				shift := noon.Add(left - c.window).Sub(*began)
				for _, at := range []*time.Time{&in.PlacedAt, &in.ConfirmedAt, &in.StartedAt, &in.DeliveredAt, &in.CompletedAt} {
					if !at.IsZero() {
						*at = at.Add(shift)
					}
				}
			}))
			if left > 0 {
				assert.Zero(t, h.tick(), "%s too early", name)
				assert.Equal(t, c.state, h.read(o.ID).State)
				h.clock.pass(left)
			}
			assert.Equal(t, 1, h.tick(), name)
			assert.Equal(t, c.then, h.read(o.ID).State, name)
		}
	}

	h := open(t, nil)
	o := h.takeOver(taken(order.Rework, func(in *order.TakeOver) {
		in.PlacedAt, in.ConfirmedAt, in.StartedAt = noon.Add(-400*time.Hour), noon.Add(-400*time.Hour), noon.Add(-400*time.Hour)
		in.FirstDeliveredAt = noon.Add(-14 * 24 * time.Hour)
	}))
	assert.Equal(t, 1, h.tick())
	assert.Contains(t, types(h.events(o.Ref())), "order.overdue")
}

func TestTheMerchantAnswersATakenOrder(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.takeOver(taken(order.Confirmed, func(in *order.TakeOver) {
		in.Terms.Confirmation, in.Unanswered, in.ConfirmedAt = "manual", true, noon.Add(-time.Minute)
	}))
	_, err := h.orders.Start(as(merchant), order.Start{Order: o.ID})
	assert.Equal(t, "order.not_startable", platform.Code(err))

	_, err = h.orders.Confirm(as(merchant), order.Confirm{Order: o.ID})
	require.NoError(t, err)
	_, err = h.orders.Start(as(merchant), order.Start{Order: o.ID})
	require.NoError(t, err)
}

// What is given back of a taken order ends in all accounts as if it had been
// sold here.
func TestATakenOrderIsRefundedAndCancelled(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	sold := h.takeOver(taken(order.Completed, nil))
	r, err := h.orders.RequestRefund(as(customer), order.RequestRefund{Order: sold.ID, Amount: cny("50"), Reason: "late"})
	require.NoError(t, err)
	require.NoError(t, h.tell(r.ID, "succeeded"))
	assert.Equal(t, "45.00", h.balance("earning", sold.ID, merchant.ID))
	assert.Equal(t, "-5.00", h.balance("commission", "", ""), "of what was earned elsewhere")

	begun := h.takeOver(taken(order.InProgress, func(in *order.TakeOver) { in.Reference = "4712" }))
	o, err := h.orders.Cancel(as(customer), order.Cancel{Order: begun.ID, MaxFee: cny("100"), Reason: "changed_mind"})
	require.NoError(t, err)
	require.NoError(t, h.tell(h.refunds(o.ID)[0].ID, "succeeded"))
	assert.Equal(t, "0.00", h.balance("escrow", o.ID, ""))
	assert.Equal(t, cny("50"), h.read(o.ID).Refunded)
	_, err = h.orders.RequestRefund(as(customer), order.RequestRefund{Order: o.ID, Amount: cny("0.01"), Reason: "late"})
	require.ErrorIs(t, err, order.ErrRefundExceeds)
}

func TestAnOrderIsTakenOverOnce(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	in := taken(order.Delivered, func(in *order.TakeOver) { in.Note = "ring twice" })
	o := h.takeOver(in)

	assert.Equal(t, o, h.takeOver(in), "the same again")
	_, err := h.orders.Accept(as(customer), order.Accept{Order: o.ID})
	require.NoError(t, err)
	second := platform.WithKey(as(second), "again")
	now, err := h.orders.TakeOver(second, in)
	require.NoError(t, err, "by another operator, under a key")
	assert.Equal(t, order.Completed, now.State, "as it is now")
	in.Lines[0].Fee = cny("9")
	_, err = h.orders.TakeOver(as(operator), in)
	require.ErrorIs(t, err, order.ErrTakenOver)
	require.ErrorIs(t, err, platform.ErrState)
	in.Reference = "4712"
	h.takeOver(in)
	in.Source = "othershop"
	h.takeOver(in)
	assert.Equal(t, int64(4), h.db.commits.Load(), "each of them, and the acceptance")
}

// 16 at once under keys of their own, with one content or with several: the order
// comes in once, and everybody is told the truth.
func TestManyAtOnceTakeOneOrderOver(t *testing.T) {
	t.Parallel()
	for _, equal := range []bool{true, false} {
		h := open(t, nil)
		var all sync.WaitGroup
		told, failed := make([]order.Order, 16), make([]error, 16)
		for i := range 16 {
			all.Go(func() {
				in := taken(order.Delivered, func(in *order.TakeOver) {
					if !equal {
						in.FeeVersion = fmt.Sprint("old-", i)
					}
				})
				told[i], failed[i] = h.orders.TakeOver(platform.WithKey(as(operator), fmt.Sprint("key-", i)), in)
			})
		}
		all.Wait()

		o := h.read(order.TakenID("oldshop", "4711"))
		won := 0
		for i := range 16 {
			if failed[i] == nil {
				won++
				assert.Equal(t, o.FeeVersion, told[i].FeeVersion)
				continue
			}
			require.ErrorIs(t, failed[i], order.ErrTakenOver)
			assert.NotEqual(t, o.FeeVersion, fmt.Sprint("old-", i))
		}
		assert.Equal(t, map[bool]int{true: 16, false: 1}[equal], won)
		assert.Equal(t, "100.00", h.balance("escrow", o.ID, ""))
		assert.Len(t, h.events(o.Ref()), 2)
	}
}

func TestWhatIsWrongWithATakenOrderIsNamed(t *testing.T) {
	t.Parallel()
	usd := platform.MustMoney("1", "USD")
	type change = func(*order.TakeOver)
	for name, c := range map[string]struct {
		state  order.State
		change change
		wrong  map[string]string
	}{
		"no such state":     {"half_done", nil, map[string]string{"state": "order.state_not_taken_over"}},
		"an end":            {order.Closed, nil, map[string]string{"state": "order.state_not_taken_over"}},
		"nothing at all":    {order.Delivered, func(in *order.TakeOver) { *in = order.TakeOver{State: order.Delivered} }, nil},
		"wrong sum":         {order.Delivered, func(in *order.TakeOver) { in.Total = cny("99.99") }, map[string]string{"total": "order.total_differs", "payments": "order.paid_differs"}},
		"too little paid":   {order.Delivered, func(in *order.TakeOver) { in.Payments[0].Amount = cny("99.99") }, map[string]string{"payments": "order.paid_differs"}},
		"too much paid":     {order.Delivered, func(in *order.TakeOver) { in.Payments[0].Amount = cny("100.01") }, map[string]string{"payments": "order.paid_differs"}},
		"all paid, waiting": {order.AwaitingPayment, func(in *order.TakeOver) { in.Payments = taken(order.Confirmed, nil).Payments }, map[string]string{"payments": "order.paid_differs"}},
		"escrow below zero": {order.Delivered, func(in *order.TakeOver) { in.Lines[0].Refunded, in.Payments[0].Returned = cny("100.01"), cny("100.01") }, map[string]string{"lines[0].refunded": "order.amount", "payments[0].returned": "order.amount"}},
		"given back twice":  {order.Delivered, func(in *order.TakeOver) { in.Lines[0].Refunded = cny("1") }, map[string]string{"payments": "order.returned_differs"}},
		"given back before": {order.AwaitingPayment, func(in *order.TakeOver) {
			in.Payments = []order.TakenPayment{{Institution: "sandbox", Reference: "c", Amount: cny("9"), Returned: cny("9"), At: noon}}
			in.Lines[0].Refunded = cny("9")
		}, map[string]string{"lines": "order.returned_differs"}},
		"negative price":   {order.Delivered, func(in *order.TakeOver) { in.Lines[0].Price = cny("-50") }, map[string]string{"lines[0].price": "order.amount", "lines[0].fee": "order.amount", "lines[0].refunded": "order.amount"}},
		"negative payment": {order.Delivered, func(in *order.TakeOver) { in.Payments[0].Amount = cny("-1") }, map[string]string{"payments[0].amount": "order.amount", "payments[0].returned": "order.amount"}},
		"negative total":   {order.Delivered, func(in *order.TakeOver) { in.Total = cny("-1") }, map[string]string{"total": "order.amount"}},
		"another currency": {order.Delivered, func(in *order.TakeOver) { in.Lines[0].Fee, in.Payments[0].Returned = usd, usd }, map[string]string{"lines[0].fee": "order.amount", "payments[0].returned": "order.amount"}},
		"a larger fee":     {order.Delivered, func(in *order.TakeOver) { in.Lines[0].Fee = cny("100.01") }, map[string]string{"lines[0].fee": "order.amount"}},
		"more than fits":   {order.Delivered, func(in *order.TakeOver) { in.Lines[0].Price, in.Lines[0].Quantity = fen(1<<62), 10_000 }, map[string]string{"lines[0].price": "order.amount", "lines[0].fee": "order.amount", "lines[0].refunded": "order.amount"}},
		"sums that do not fit": {order.Delivered, func(in *order.TakeOver) {
			in.Lines = []order.TakenLine{{Quantity: 1, Price: fen(1 << 62)}, {Quantity: 1, Price: fen(1 << 62)}}
		}, map[string]string{"total": "order.total_differs"}},
		"a future moment":    {order.Delivered, func(in *order.TakeOver) { in.DeliveredAt = noon.Add(time.Microsecond) }, map[string]string{"delivered_at": "order.moment"}},
		"a missing moment":   {order.Delivered, func(in *order.TakeOver) { in.StartedAt = time.Time{} }, map[string]string{"started_at": "order.moment"}},
		"a moment too many":  {order.Confirmed, func(in *order.TakeOver) { in.StartedAt = noon }, map[string]string{"started_at": "order.moment"}},
		"out of order":       {order.Delivered, func(in *order.TakeOver) { in.ConfirmedAt = in.PlacedAt.Add(-1) }, map[string]string{"confirmed_at": "order.moment"}},
		"a late first":       {order.Delivered, func(in *order.TakeOver) { in.FirstDeliveredAt = noon }, map[string]string{"first_delivered_at": "order.moment"}},
		"a future payment":   {order.Delivered, func(in *order.TakeOver) { in.Payments[0].At = noon.Add(1) }, map[string]string{"payments[0].at": "order.moment"}},
		"before all time":    {order.Confirmed, func(in *order.TakeOver) { in.PlacedAt = time.Unix(-1, 0) }, map[string]string{"placed_at": "order.moment"}},
		"half a payment":     {order.Delivered, func(in *order.TakeOver) { in.Payments[0].Reference = "" }, map[string]string{"payments[0].reference": "field.required_with"}},
		"nameless payment":   {order.Delivered, func(in *order.TakeOver) { in.Payments[0].Institution = "" }, map[string]string{"payments[0].institution": "field.required_with"}},
		"unknown terms":      {order.Delivered, func(in *order.TakeOver) { in.Terms.Acceptance = "shrug" }, map[string]string{"terms": "order.terms"}},
		"unknown proof":      {order.Delivered, func(in *order.TakeOver) { in.Terms.Proof = []string{"oath"} }, map[string]string{"terms.proof[0]": "proof.kind"}},
		"unknown policy":     {order.Delivered, func(in *order.TakeOver) { in.Terms.CancelPolicy = "lenient" }, map[string]string{"policy_version": "order.policy"}},
		"unknown version":    {order.Delivered, func(in *order.TakeOver) { in.Policy = 9 }, map[string]string{"policy_version": "order.policy"}},
		"endless window":     {order.Delivered, func(in *order.TakeOver) { in.Windows.Accept = 401 * 24 * time.Hour }, map[string]string{"windows": "order.windows"}},
		"negative window":    {order.Delivered, func(in *order.TakeOver) { in.Windows.Close = -1 }, map[string]string{"windows": "order.windows"}},
		"nobody assigned":    {order.Assigned, func(in *order.TakeOver) { in.Members = nil }, map[string]string{"members": "order.members"}},
		"too many assigned":  {order.InProgress, func(in *order.TakeOver) { in.Members = []platform.ID{member.ID} }, map[string]string{"members": "order.members"}},
		"assigned, no seats": {order.Assigned, func(in *order.TakeOver) { in.Terms.Seats, in.Members = 0, nil }, map[string]string{"members": "order.members"}},
		"all there already":  {order.Confirmed, func(in *order.TakeOver) { in.Terms.Seats, in.Members = 1, []platform.ID{member.ID} }, map[string]string{"members": "order.members"}},
		"no answer awaited":  {order.Confirmed, func(in *order.TakeOver) { in.Unanswered = true }, map[string]string{"unanswered": "order.unanswered"}},
		"never handed back":  {order.Rework, func(in *order.TakeOver) { in.Reworks = 0 }, map[string]string{"reworks": "order.reworks"}},
		"handed back thrice": {order.Delivered, func(in *order.TakeOver) { in.Reworks = 3 }, map[string]string{"reworks": "order.reworks"}},
		"no zone":            {order.Confirmed, func(in *order.TakeOver) { in.Start = noon }, map[string]string{"time_zone": "time.zone"}},
		"ends before":        {order.Confirmed, func(in *order.TakeOver) { in.Start, in.End, in.TimeZone = noon, noon, "UTC" }, map[string]string{"end": "order.interval"}},
		"years ahead":        {order.Confirmed, func(in *order.TakeOver) { in.Start, in.TimeZone = noon.AddDate(2, 0, 0), "UTC" }, map[string]string{"start": "order.start_far"}},
		"control characters": {order.Confirmed, func(in *order.TakeOver) { in.Reference = "47\x0011" }, map[string]string{"reference": "text.control"}},
		"no quantity":        {order.Confirmed, func(in *order.TakeOver) { in.Lines[0].Quantity = 0 }, map[string]string{"lines[0].quantity": "order.quantity", "lines[0].fee": "order.amount"}},
		"no lines":           {order.Confirmed, func(in *order.TakeOver) { in.Lines = nil }, map[string]string{"lines": "field.min"}},
		"a stranger's id":    {order.Confirmed, func(in *order.TakeOver) { in.Customer = "someone" }, map[string]string{"customer": "id.malformed"}},
	} {
		h := open(t, nil)
		_, err := h.orders.TakeOver(as(operator), taken(c.state, c.change))

		require.ErrorIs(t, err, platform.ErrInvalid, name)
		if c.wrong != nil {
			assert.Equal(t, c.wrong, wrongs(err), name)
		}
		assert.Zero(t, h.db.commits.Load(), name)
	}
}

func TestOnlyOperatorsTakeOver(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	for _, who := range []platform.Actor{customer, merchant, member, auditor, platform.SystemActor("x")} {
		_, err := h.orders.TakeOver(as(who), taken(order.Delivered, nil))
		require.ErrorIs(t, err, platform.ErrDenied, who.Kind)
	}
	_, err := h.orders.TakeOver(context.Background(), taken(order.Delivered, nil))
	require.ErrorIs(t, err, platform.ErrDenied)
	w := h.w
	w.Guard = barring("order.takeOver")
	_, err = order.New(w, h.store, h.ports, nil).TakeOver(as(operator), taken(order.Delivered, nil))
	require.ErrorIs(t, err, platform.ErrDenied)
	assert.Zero(t, h.db.commits.Load())
}

// barring is a guard against one command.
type barring string

func (r barring) Permit(_ context.Context, act platform.Act) ([]platform.Change, error) {
	if act.Action == string(r) {
		return nil, platform.ErrDenied
	}
	return nil, nil
}

// nobody knows no merchant.
type nobody struct{}

func (nobody) May(_ context.Context, party platform.ID, _ string, _ time.Time) ([]platform.Change, error) {
	return nil, platform.NotFound(platform.Ref{Kind: "merchant", ID: party})
}

func TestTheMerchantOfATakenOrderIsOne(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.takeOver(taken(order.Delivered, func(in *order.TakeOver) { in.Merchant = rival.ID })) // it may not sell any more, and sold this

	h.ports.Parties = nobody{}
	_, err := order.New(h.w, h.store, h.ports, nil).TakeOver(as(operator), taken(order.Delivered, func(in *order.TakeOver) { in.Reference = "4712" }))

	require.ErrorIs(t, err, platform.ErrInvalid)
	assert.Equal(t, map[string]string{"merchant": "merchant.not_found"}, wrongs(err))
}

func TestAnOrderWithoutPriceIsTakenOver(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.takeOver(taken(order.Delivered, func(in *order.TakeOver) {
		in.Lines[0].Price, in.Lines[0].Fee, in.Total, in.Payments = cny("0"), platform.Money{}, cny("0"), nil
	}))
	_, err := h.orders.Accept(as(customer), order.Accept{Order: o.ID})
	require.NoError(t, err)
	assert.Equal(t, order.Paid, h.read(o.ID).Payment())
}

func TestWithoutDispatchNoStaffIsTakenOver(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.ports.Staffing = nil
	_, err := order.New(h.w, h.store, h.ports, nil).TakeOver(as(operator), taken(order.Assigned, nil))
	assert.Equal(t, "order.staffing_missing", platform.Code(err))
}

func TestTheIDOfATakenOrderIsFrozen(t *testing.T) {
	t.Parallel()
	assert.Equal(t, platform.ID("ord_0000000000fb5tcet9jvs9aarj"), order.TakenID("oldshop", "4711"))
	assert.Equal(t, platform.ID("ord_0000000000ftxr1sz4hzzh96gn"), order.TakenID("a/b", "c"))
	assert.Equal(t, platform.ID("ord_0000000000ey2txxr1qsnw2ra4"), order.TakenID("a", "b/c"))
}

func ExampleService_TakeOver() {
	h := demo()
	in := order.TakeOver{
		Source: "oldshop", Reference: "4711", Reason: "go_live", State: order.Delivered, Customer: customer.ID, Merchant: merchant.ID,
		Lines:    []order.TakenLine{{Title: "Deep clean", Quantity: 1, Price: cny("100"), Fee: cny("10")}},
		Total:    cny("100"),
		Payments: []order.TakenPayment{{Institution: "sandbox", Reference: "ch_1", Amount: cny("100"), At: noon.Add(-96 * time.Hour)}},
		Terms:    order.Terms{Confirmation: "auto", Acceptance: "customer"},
		PlacedAt: noon.Add(-96 * time.Hour), ConfirmedAt: noon.Add(-96 * time.Hour), StartedAt: noon.Add(-80 * time.Hour), DeliveredAt: noon.Add(-73 * time.Hour),
	}

	o, _ := h.orders.TakeOver(as(operator), in)
	fmt.Println(o.State, o.Payment(), "held", h.balance("escrow", o.ID, ""))
	_, _ = h.orders.Tick(context.Background(), noon, 0) // three days have passed since the delivery
	o, _ = h.orders.Order(as(customer), order.TakenID("oldshop", "4711"))
	fmt.Println(o.State, "merchant", o.Earned)
	// Output:
	// delivered paid held 100.00
	// completed merchant 90.00 CNY
}
