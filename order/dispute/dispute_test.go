package dispute_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispute"
)

const day = 24 * time.Hour

func TestOnlyTheDisputedAmountIsHeldAndNothingEndsTheOrder(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	o := v.order(order.Delivered, nil)
	d := v.open(o, "40")

	held := v.read(o.ID)
	assert.Equal(t, cny("40"), held.Held)
	assert.Equal(t, cny("60"), held.Refundable())
	assert.Equal(t, d.ID, held.Dispute)
	assert.Empty(t, held.Timers, "auto-accept stops")
	_, err := v.orders.Accept(as(customer), order.Accept{Order: o.ID})
	require.ErrorIs(t, err, order.ErrDisputed)
	_, err = v.orders.Cancel(as(arbiter), order.Cancel{Order: o.ID, Reason: "x"})
	require.ErrorIs(t, err, order.ErrDisputed)
	_, err = v.orders.RequestRefund(as(customer), order.RequestRefund{Order: o.ID, Amount: cny("60.01"), Reason: "x"})
	require.ErrorIs(t, err, order.ErrRefundExceeds, "one mutex with refunds")
	_, err = v.orders.RequestRefund(as(customer), order.RequestRefund{Order: o.ID, Amount: cny("60"), Reason: "x"})
	require.NoError(t, err)
}

func TestTheTimeToAcceptGoesOnWhereADisputeStoppedIt(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	o := v.order(order.Delivered, nil)
	v.clock.pass(12 * time.Hour)
	d := v.open(o, "40")
	at := v.clock.pass(30 * time.Hour)
	_, err := v.Withdraw(as(customer), dispute.Withdraw{Dispute: d.ID})
	require.NoError(t, err)

	after := v.read(o.ID)
	assert.Equal(t, at.Add(60*time.Hour), after.Due())
	assert.Greater(t, after.Generation, o.Generation)
	assert.Equal(t, cny("0"), after.Held)
	assert.Empty(t, after.Dispute)
	assert.Equal(t, dispute.Withdrawn, v.again(d).State)
	assert.Zero(t, v.again(d).Due)
	v.open(after, "100")
}

func TestWorkDeliveredDuringADisputeIsNotAcceptedByTime(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	o := v.order(order.InProgress, nil)
	d := v.open(o, "40")
	_, err := v.orders.Deliver(as(merchant), order.Deliver{Order: o.ID})
	require.NoError(t, err)
	assert.Zero(t, v.read(o.ID).Due())
	at := v.clock.pass(time.Hour)
	_, err = v.Withdraw(as(customer), dispute.Withdraw{Dispute: d.ID})
	require.NoError(t, err)
	assert.Equal(t, at.Add(72*time.Hour), v.read(o.ID).Due(), "from the delivery, which was after it began")
}

func TestWhoMayDisputeWhat(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	on := func(who platform.Actor) platform.Actor {
		o := helper
		o.OnBehalf = who.ID
		return o
	}
	for name, c := range map[string]struct {
		who    platform.Actor
		state  order.State
		change func(*order.Order)
		in     dispute.Open
		after  time.Duration
		code   string
	}{
		"the customer":                 {who: customer, state: order.InProgress},
		"the merchant":                 {who: merchant, state: order.Delivered},
		"an operator for the customer": {who: on(customer), state: order.Completed},
		"an operator":                  {who: helper, state: order.Completed, code: "order.not_found"},
		"an operator for a stranger":   {who: on(stranger), state: order.Completed, code: "order.not_found"},
		"a stranger":                   {who: stranger, state: order.Completed, code: "order.not_found"},
		"staff":                        {who: member, state: order.Completed, code: "order.not_found"},
		"an auditor":                   {who: auditor, state: order.Completed, code: "order.not_found"},
		"nobody":                       {state: order.Completed, code: "actor.missing"},
		"before the work":              {who: customer, state: order.Confirmed, code: "dispute.not_disputable"},
		"when it is closed":            {who: customer, state: order.Closed, code: "dispute.not_disputable"},
		"in rework":                    {who: customer, state: order.Rework},
		"a fee":                        {who: customer, state: order.Cancelled},
		"more than the fee":            {who: customer, state: order.Cancelled, in: dispute.Open{Amount: cny("30.01")}, code: "dispute.amount"},
		"no fee":                       {who: customer, state: order.Cancelled, change: func(o *order.Order) { o.Cancellation.Fee, o.Earned = cny("0"), cny("0") }, code: "dispute.not_disputable"},
		"another currency":             {who: customer, state: order.Completed, in: dispute.Open{Amount: platform.MustMoney("1", "EUR")}, code: "dispute.amount"},
		"nothing":                      {who: customer, state: order.Completed, in: dispute.Open{Amount: cny("0")}, code: "dispute.amount"},
		"in time":                      {who: customer, state: order.Completed, after: 7*day - 1000},
		"too late":                     {who: customer, state: order.Completed, after: 7 * day, code: "dispute.too_late"},
		"a fee too late":               {who: customer, state: order.Cancelled, after: 7 * day, code: "dispute.too_late"},
	} {
		o := v.order(c.state, c.change)
		v.clock.pass(c.after)
		c.in.Order, c.in.Reason = o.ID, "broken"
		_, err := v.Open(as(c.who), c.in)
		if c.code == "" {
			require.NoError(t, err, name)
			continue
		}
		require.Error(t, err, name)
		assert.Contains(t, []string{platform.Code(err), fieldCode(err)}, c.code, name)
		assert.Equal(t, cny("0"), v.read(o.ID).Held, name)
	}
}

func TestE29ADisputeHoldsNoMoreThanIsLeft(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	o := v.order(order.Completed, func(o *order.Order) { o.Refunded = cny("30") }) // of goodwill

	_, err := v.Open(as(customer), dispute.Open{Order: o.ID, Amount: cny("70.01"), Reason: "broken"})

	require.Error(t, err)
	assert.Contains(t, []string{platform.Code(err), fieldCode(err)}, "dispute.amount")
	assert.Equal(t, cny("0"), v.read(o.ID).Held)

	d, err := v.Open(as(customer), dispute.Open{Order: o.ID, Reason: "broken"})

	require.NoError(t, err)
	assert.Equal(t, cny("70"), d.Amount, "all that is left, since nothing else was said")
	assert.Equal(t, cny("70"), v.read(o.ID).Held)
}

func fieldCode(err error) string {
	var fields platform.FieldErrors
	if ok := asFields(err, &fields); ok && len(fields) > 0 {
		return fields[0].Code
	}
	return ""
}

func TestASecondDisputeIsRefusedWithTheFirst(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	o := v.order(order.Completed, nil)
	d := v.open(o, "10")
	_, err := v.Open(as(merchant), dispute.Open{Order: o.ID, Reason: "fraud"})
	require.ErrorIs(t, err, dispute.ErrOpen)
	assert.Equal(t, d.ID, platform.Details(err)["dispute"])
}

func TestTheSidesSpeakInTurnAndThenAnArbiterDoes(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	d := v.open(v.order(order.Completed, nil), "40")
	answer := func(who platform.Actor, move string) error {
		_, err := v.Answer(as(who), dispute.Answer{Dispute: d.ID, Move: move})
		return err
	}
	require.ErrorIs(t, answer(customer, "contest"), dispute.ErrTurn)
	assert.Equal(t, "dispute.actor_not_allowed", platform.Code(answer(helper, "contest")))
	require.ErrorIs(t, answer(stranger, "contest"), platform.ErrNotFound)
	_, err := v.Escalate(as(customer), dispute.Escalate{Dispute: d.ID})
	assert.Equal(t, "dispute.not_escalatable", platform.Code(err))
	for round := 1; round <= 3; round++ {
		assert.Equal(t, round, v.again(d).Round)
		require.NoError(t, answer(merchant, "contest"))
		assert.Equal(t, dispute.CustomerTurn, v.again(d).State)
		require.NoError(t, answer(customer, "contest"))
	}
	d = v.again(d)
	assert.Equal(t, dispute.Arbitration, d.State)
	assert.Equal(t, "arbiter", d.Whose())
	_, err = v.File(as(customer), dispute.File{Dispute: d.ID, Evidence: []dispute.Exhibit{{Kind: "statement", Text: "late"}}})
	assert.Equal(t, "dispute.evidence_closed", platform.Code(err))
	assert.Equal(t, "dispute.not_answerable", platform.Code(answer(merchant, "concede")))
}

func TestALateTickMakesNoLateAnswerLegal(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	d := v.open(v.order(order.Completed, nil), "40")
	v.clock.pass(48 * time.Hour)
	_, err := v.Answer(as(merchant), dispute.Answer{Dispute: d.ID, Move: "contest"})
	require.ErrorIs(t, err, dispute.ErrTooLate)
}

func TestASilentMerchantGrantsTheClaimUpToTheHold(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	d := v.open(v.order(order.Completed, nil), "40")
	v.clock.pass(48*time.Hour - 1000)
	require.NoError(t, v.tick())
	assert.Equal(t, dispute.MerchantTurn, v.again(d).State)
	v.clock.pass(1000)
	require.NoError(t, v.tick())

	d = v.again(d)
	assert.Equal(t, dispute.Decided, d.State)
	assert.Equal(t, "silence", d.Ruling().Basis)
	assert.Equal(t, cny("40"), d.Ruling().Legs[0].Amount)
	_, err := v.Appeal(as(merchant), dispute.Appeal{Dispute: d.ID, Reason: "in_hospital"})
	require.NoError(t, err, "who was silent may still be heard")
}

func TestSilenceGrantsNothingWhereAPersonMustLook(t *testing.T) {
	t.Parallel()
	for _, outcome := range []string{"review", "block"} {
		v := newWorld(t)
		v.screen.outcome = outcome
		d := v.open(v.order(order.Completed, nil), "40")
		v.clock.pass(48 * time.Hour)
		require.NoError(t, v.tick())
		assert.Equal(t, dispute.Arbitration, v.again(d).State)
	}
}

func TestACustomerWhoIsSilentTwiceLeavesItToTheFile(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	d := v.open(v.order(order.Completed, nil), "40")
	for range 2 {
		_, err := v.Answer(as(merchant), dispute.Answer{Dispute: d.ID, Move: "contest"})
		require.NoError(t, err)
		v.clock.pass(48 * time.Hour)
		require.NoError(t, v.tick())
	}
	assert.Equal(t, dispute.Arbitration, v.again(d).State)
}

func TestAMerchantWhoOpenedAndIsSilentGrantsNothing(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	d, err := v.Open(as(merchant), dispute.Open{Order: v.order(order.Completed, nil).ID, Reason: "abuse"})
	require.NoError(t, err)
	assert.Equal(t, dispute.CustomerTurn, d.State)
	_, err = v.Answer(as(customer), dispute.Answer{Dispute: d.ID, Move: "contest"})
	require.NoError(t, err)
	v.clock.pass(48 * time.Hour)
	require.NoError(t, v.tick())
	assert.Equal(t, dispute.Arbitration, v.again(d).State, "nobody has claimed anything")
}

func TestAfterSixDaysASideMayAskForAnArbiter(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	d := v.open(v.order(order.Completed, nil), "40")
	for i, who := range []platform.Actor{merchant, customer, merchant, customer} {
		v.clock.pass(40 * time.Hour)
		if i == 3 {
			break
		}
		_, err := v.Answer(as(who), dispute.Answer{Dispute: d.ID, Move: "contest"})
		require.NoError(t, err)
	}
	_, err := v.Escalate(as(merchant), dispute.Escalate{Dispute: d.ID})
	require.NoError(t, err)

	d = v.open(v.order(order.Completed, nil), "40")
	for _, who := range []platform.Actor{merchant, customer, merchant} {
		v.clock.pass(40 * time.Hour)
		_, err := v.Answer(as(who), dispute.Answer{Dispute: d.ID, Move: "contest"})
		require.NoError(t, err)
	}
	v.clock.pass(24 * time.Hour)
	require.NoError(t, v.tick())
	assert.Equal(t, dispute.Arbitration, v.again(d).State, "and gets one without asking")
}

func TestAnOfferIsAgreedToAsItStood(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	o := v.order(order.Completed, nil)
	d := v.open(o, "40")
	offer := func(who platform.Actor, refund string) dispute.Dispute {
		next, err := v.Answer(as(who), dispute.Answer{Dispute: d.ID, Move: "offer", Refund: cny(refund)})
		require.NoError(t, err)
		return next
	}
	_, err := v.Settle(as(merchant), dispute.Settle{Dispute: d.ID, Hash: "x"})
	assert.Equal(t, "dispute.not_settleable", platform.Code(err))
	_, err = v.Answer(as(merchant), dispute.Answer{Dispute: d.ID, Move: "offer", Refund: cny("40.01")})
	assert.Equal(t, "dispute.amount", fieldCode(err))
	first := offer(merchant, "10").Offer.Hash
	second := offer(customer, "30").Offer.Hash
	_, err = v.Settle(as(merchant), dispute.Settle{Dispute: d.ID, Hash: first})
	require.ErrorIs(t, err, dispute.ErrTerms)
	_, err = v.Settle(as(customer), dispute.Settle{Dispute: d.ID, Hash: second})
	require.ErrorIs(t, err, dispute.ErrTurn, "nobody agrees with themselves")
	d, err = v.Settle(as(merchant), dispute.Settle{Dispute: d.ID, Hash: second})
	require.NoError(t, err)
	assert.Equal(t, dispute.Settled, d.State)
	require.NoError(t, v.tick())
	assert.Equal(t, dispute.Executing, v.again(d).State)
	require.NoError(t, v.told(d, "succeeded"))
	v.clock.pass(time.Minute)
	require.NoError(t, v.tick())

	assert.Equal(t, dispute.Closed, v.again(d).State)
	after := v.read(o.ID)
	assert.Equal(t, cny("30"), after.Refunded)
	assert.Equal(t, cny("0"), after.Held)
	assert.Equal(t, "63.00", v.free("earning", o.ID, merchant.ID), "90 less nine tenths of 30")
}

func TestWhoConcedesGivesTheOtherAllThatItWants(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	for _, c := range []struct {
		who    platform.Actor
		refund string
	}{{merchant, "40"}, {customer, "0"}} {
		d := v.open(v.order(order.Completed, nil), "40")
		if c.who.Kind == platform.Customer {
			_, err := v.Answer(as(merchant), dispute.Answer{Dispute: d.ID, Move: "contest"})
			require.NoError(t, err)
		}
		d, err := v.Answer(as(c.who), dispute.Answer{Dispute: d.ID, Move: "concede"})
		require.NoError(t, err)
		assert.Equal(t, dispute.Decided, d.State)
		assert.Equal(t, cny(c.refund), d.Ruling().Legs[0].Amount)
		_, err = v.Appeal(as(customer), dispute.Appeal{Dispute: d.ID, Reason: "regret"})
		assert.Equal(t, "dispute.too_late", platform.Code(err))
		require.NoError(t, v.tick())
		assert.Contains(t, []dispute.State{dispute.Executing, dispute.Closed}, v.again(d).State, "at once")
	}
}

func TestEvidenceIsChainedSealedAndLimited(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	d := v.open(v.order(order.Completed, nil), "40")
	hash := strings.Repeat("AB", 32)
	_, err := v.File(as(customer), dispute.File{Dispute: d.ID, Evidence: []dispute.Exhibit{
		{Kind: "statement", Text: "the window broke"}, {Kind: "photo", SHA256: hash, Bytes: 9, Content: "s3://1"},
	}})
	require.NoError(t, err)
	_, err = v.File(as(merchant), dispute.File{Dispute: d.ID, Evidence: []dispute.Exhibit{{Kind: "photo", SHA256: hash, Content: "s3://2"}}})
	require.NoError(t, err)
	for name, x := range map[string]dispute.Exhibit{
		"nothing":       {Kind: "photo"},
		"both":          {Kind: "photo", Text: "x", SHA256: hash, Content: "s3://1"},
		"nowhere":       {Kind: "photo", SHA256: hash},
		"half a hash":   {Kind: "photo", SHA256: "ab", Content: "s3://1"},
		"no such kind":  {Kind: "song", Text: "x"},
		"a bell":        {Kind: "statement", Text: "\a"},
		"a long speech": {Kind: "statement", Text: strings.Repeat("x", 2001)},
	} {
		_, err := v.File(as(customer), dispute.File{Dispute: d.ID, Evidence: []dispute.Exhibit{x}})
		require.ErrorIs(t, err, platform.ErrInvalid, name)
	}
	many := make([]dispute.Exhibit, 49)
	for i := range many {
		many[i] = dispute.Exhibit{Kind: "photo", SHA256: hash, Content: "s3://3"}
	}
	_, err = v.File(as(customer), dispute.File{Dispute: d.ID, Evidence: many})
	assert.Equal(t, "dispute.evidence_full", platform.Code(err))
	_, err = v.File(as(merchant), dispute.File{Dispute: d.ID, Evidence: many})
	require.NoError(t, err, "the other side has fifty of its own")

	page, err := v.Evidence(as(merchant), d.ID, "")
	require.NoError(t, err)
	require.Len(t, page.Items, 52)
	assert.NotContains(t, string(page.Items[0].Text), "window")
	assert.Equal(t, strings.ToLower(hash), page.Items[1].SHA256)
	assert.Equal(t, v.again(d).Chain, page.Items[51].Chain)
	_, err = v.Evidence(as(stranger), d.ID, "")
	require.ErrorIs(t, err, platform.ErrNotFound)
	require.Empty(t, v.proved())
	forged := page.Items[1]
	forged.SHA256 = strings.Repeat("cd", 32)
	require.NoError(t, v.write(forged.Ref(), platform.Put(forged)))
	assert.NotEmpty(t, v.proved(), "a piece that was altered")
}

func TestStatementsWithoutSealerAreRefused(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	d := v.open(v.order(order.Completed, nil), "40")
	v.ports.Sealer = nil
	bare := dispute.New(v.w, dispute.StoreOn(v.db), v.ports, nil)
	_, err := bare.File(as(customer), dispute.File{Dispute: d.ID, Evidence: []dispute.Exhibit{{Kind: "statement", Text: "x"}}})
	assert.Equal(t, "dispute.unsealable", platform.Code(err))
}

func TestEachSeesItsOwnDisputesAndOperatorsChargebacksToo(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	d := v.open(v.order(order.Completed, nil), "40")
	for _, c := range []struct {
		who  platform.Actor
		q    dispute.Query
		many int
	}{
		{customer, dispute.Query{}, 1}, {merchant, dispute.Query{}, 1}, {stranger, dispute.Query{Customer: customer.ID}, 0},
		{customer, dispute.Query{Order: d.Order}, 1}, {customer, dispute.Query{Order: stranger.ID}, 0},
		{arbiter, dispute.Query{State: dispute.MerchantTurn}, 1}, {arbiter, dispute.Query{State: dispute.Decided}, 0},
		{auditor, dispute.Query{Order: d.Order}, 1}, {arbiter, dispute.Query{State: dispute.BankTurn}, 1},
	} {
		page, err := v.Disputes(as(c.who), c.q)
		require.NoError(t, err)
		assert.Len(t, page.Items, c.many)
	}
	_, err := v.Disputes(as(member), dispute.Query{})
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = v.Dispute(as(stranger), d.ID)
	require.ErrorIs(t, err, platform.ErrNotFound)
	bank, err := v.Dispute(as(arbiter), platform.NewID("cbk", noon, 7, 1))
	require.NoError(t, err)
	assert.Equal(t, "chargeback", bank.Kind)
	assert.Equal(t, "bank", bank.Whose())
	_, err = v.Dispute(as(customer), bank.ID)
	require.ErrorIs(t, err, platform.ErrDenied)
}
