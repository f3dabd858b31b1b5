package dispute_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispute"
)

func TestNobodyDecidesWhoTookPartOrIsTied(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	o := v.order(order.Completed, nil)
	onBehalf := helper
	onBehalf.OnBehalf = customer.ID
	d, err := v.Open(as(onBehalf), dispute.Open{Order: o.ID, Reason: "broken"})
	require.NoError(t, err)
	v.contested(d)
	for name, c := range map[string]struct {
		who  platform.Actor
		kind error
		code string
	}{
		"who opened it for the customer": {helper, platform.ErrDenied, "dispute.conflict_of_interest"},
		"who is close to a party":        {cousin, platform.ErrDenied, "dispute.conflict_of_interest"},
		"who stands in for a party":      {onBehalf, platform.ErrDenied, "dispute.conflict_of_interest"},
		"the merchant":                   {merchant, platform.ErrDenied, "dispute.actor_not_allowed"},
		"the customer":                   {customer, platform.ErrDenied, "dispute.actor_not_allowed"},
		"a timer":                        {system, platform.ErrDenied, "dispute.actor_not_allowed"},
		"an auditor":                     {auditor, platform.ErrDenied, "dispute.actor_not_allowed"},
		"a stranger":                     {stranger, platform.ErrNotFound, ""},
	} {
		_, err := v.Decide(as(c.who), dispute.Decide{Dispute: d.ID, Remedy: dispute.Remedy{Refund: cny("1")}, Reason: "x"})
		require.ErrorIs(t, err, c.kind, name)
		if c.code != "" {
			assert.Equal(t, c.code, platform.Code(err), name)
		}
	}
}

func TestDecisionLegsSumToWhatIsHeld(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	d := v.arbitrated(v.order(order.Completed, nil), "40")
	preview := func(in dispute.Remedy) (dispute.Preview, error) {
		return v.Preview(as(arbiter), dispute.Decide{Dispute: d.ID, Remedy: in, Reason: "evidence"})
	}
	for name, in := range map[string]dispute.Remedy{
		"more than is held":       {Refund: cny("40.01")},
		"another currency":        {Refund: platform.MustMoney("1", "EUR")},
		"none said":               {},
		"compensation above":      {Refund: cny("1"), Compensation: cny("500.01")},
		"penalty above":           {Refund: cny("1"), Penalty: cny("1000.01")},
		"penalty in euro":         {Refund: cny("1"), Penalty: platform.MustMoney("1", "EUR")},
		"somebody else's member":  {Refund: cny("1"), Compensation: cny("1"), Bearer: "staff", Member: platform.NewID("stf", noon, 1, 99)},
		"nobody of the staff":     {Refund: cny("1"), Compensation: cny("1"), Bearer: "staff"},
		"a negative compensation": {Refund: cny("1"), Compensation: cny("-1")},
	} {
		_, err := preview(in)
		require.ErrorIs(t, err, platform.ErrInvalid, name)
		_, err = v.Decide(as(arbiter), dispute.Decide{Dispute: d.ID, Remedy: in, Reason: "evidence"})
		require.ErrorIs(t, err, platform.ErrInvalid, name)
	}

	p, err := preview(dispute.Remedy{Refund: cny("25"), Compensation: cny("5"), Penalty: cny("3"), Sanction: true})
	require.NoError(t, err)
	assert.Equal(t, 1, p.Eyes)
	assert.Equal(t, []dispute.Leg{
		{Kind: dispute.Refund, Party: customer.ID, Amount: cny("25")}, {Kind: dispute.Release, Party: merchant.ID, Amount: cny("15")},
		{Kind: dispute.Compensation, Bearer: "merchant", Party: merchant.ID, Amount: cny("5")},
		{Kind: dispute.Penalty, Party: merchant.ID, Amount: cny("3")}, {Kind: dispute.Sanction, Party: merchant.ID},
	}, p.Legs)
	sum := cny("0")
	for _, l := range p.Books {
		sum, err = sum.Add(l.Amount)
		require.NoError(t, err)
	}
	assert.Zero(t, sum.Sign())
	assert.Equal(t, "earning", p.Books[0].Role)
	assert.Equal(t, cny("22.50"), p.Books[0].Amount, "and the platform gives its tenth")
	_, err = v.Preview(as(customer), dispute.Decide{Dispute: d.ID, Reason: "x"})
	require.ErrorIs(t, err, platform.ErrDenied)
}

func TestADecisionIsCarriedOutOnceAfterTheAppealAndToTheCent(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	o := v.order(order.Completed, nil)
	d := v.arbitrated(o, "40")
	d, err := v.Decide(as(arbiter), dispute.Decide{
		Dispute: d.ID, Remedy: dispute.Remedy{Refund: cny("25"), Compensation: cny("5"), Penalty: cny("3"), Fault: "merchant", Sanction: true}, Reason: "evidence", Statement: "the photos show it",
	})
	require.NoError(t, err)
	v.clock.pass(7*day - 1000)
	require.NoError(t, v.tick())
	assert.Equal(t, dispute.Decided, v.again(d).State, "it may still be appealed")
	v.clock.pass(1000)
	require.NoError(t, v.tick())
	require.NoError(t, v.tick())
	d = v.again(d)
	assert.Equal(t, dispute.Executing, d.State)
	assert.Equal(t, cny("15"), v.read(o.ID).Held, "what is released waits for the refund")
	assert.Equal(t, cny("25"), v.read(o.ID).Reserved)

	require.NoError(t, v.told(d, "succeeded"))
	v.clock.pass(time.Hour)
	require.NoError(t, v.tick())

	d = v.again(d)
	assert.Equal(t, dispute.Closed, d.State)
	for _, l := range d.Ruling().Legs {
		assert.True(t, l.Done, l.Kind)
	}
	after := v.read(o.ID)
	assert.Equal(t, cny("0"), after.Held)
	assert.Equal(t, cny("25"), after.Refunded)
	assert.Equal(t, "67.50", v.free("earning", o.ID, merchant.ID))
	assert.Equal(t, "5.00", v.free("payable", "", customer.ID), "compensation is owed to the customer")
	assert.Equal(t, "8.00", v.free("receivable", "", merchant.ID), "by a merchant who has nothing else here")
	assert.Empty(t, v.proved())
	_, err = v.orders.Tick(context.Background(), v.clock.now(), 0)
	require.NoError(t, err)
	assert.Equal(t, order.Closed, v.read(o.ID).State)
	assert.Equal(t, "67.50", v.free("payable", "", merchant.ID))
}

func TestAboveTheLimitTwoArbitersDecide(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	v.Service = dispute.New(v.w, dispute.StoreOn(v.db), v.ports, &dispute.Options{Terms: dispute.Terms{FourEyes: []platform.Money{cny("30")}}})
	d := v.arbitrated(v.order(order.Completed, nil), "40")
	decide := func(who platform.Actor, refund string) dispute.Dispute {
		next, err := v.Decide(as(who), dispute.Decide{Dispute: d.ID, Remedy: dispute.Remedy{Refund: cny(refund)}, Reason: "evidence"})
		require.NoError(t, err)
		return next
	}
	_, err := v.Endorse(as(second), dispute.Endorse{Dispute: d.ID, Hash: "x"})
	assert.Equal(t, "dispute.not_decidable", platform.Code(err))
	first := decide(arbiter, "40")
	assert.Equal(t, dispute.Arbitration, first.State)
	_, err = v.Endorse(as(arbiter), dispute.Endorse{Dispute: d.ID, Hash: first.Proposed.Hash})
	require.ErrorIs(t, err, dispute.ErrFourEyes)
	_, err = v.Endorse(as(cousin), dispute.Endorse{Dispute: d.ID, Hash: first.Proposed.Hash})
	require.ErrorIs(t, err, dispute.ErrConflictOfInterest)
	other := decide(arbiter, "35")
	_, err = v.Endorse(as(second), dispute.Endorse{Dispute: d.ID, Hash: first.Proposed.Hash})
	require.ErrorIs(t, err, dispute.ErrTerms)
	d, err = v.Endorse(as(second), dispute.Endorse{Dispute: d.ID, Hash: other.Proposed.Hash})
	require.NoError(t, err)
	assert.Equal(t, dispute.Decided, d.State)
	assert.Equal(t, second.ID, d.Ruling().Second)
	assert.Subset(t, d.Hands, []platform.ID{arbiter.ID, second.ID})
}

func TestAnAppealNeedsSomethingNewAndAnotherArbiterAndIsFinal(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	d := v.decided(v.order(order.Completed, nil), "40", "25")
	_, err := v.Appeal(as(merchant), dispute.Appeal{Dispute: d.ID, Reason: "not_as_described"})
	require.ErrorIs(t, err, platform.ErrInvalid, "an old reason, and no evidence")
	d, err = v.Appeal(as(merchant), dispute.Appeal{Dispute: d.ID, Reason: "not_as_described", Evidence: []dispute.Exhibit{{Kind: "statement", Text: "new"}}})
	require.NoError(t, err)
	assert.Equal(t, dispute.Appealed, d.State)
	again := dispute.Decide{Dispute: d.ID, Remedy: dispute.Remedy{Refund: cny("10")}, Reason: "receipt"}
	_, err = v.Decide(as(arbiter), again)
	require.ErrorIs(t, err, dispute.ErrConflictOfInterest)
	d, err = v.Decide(as(second), again)
	require.NoError(t, err)
	assert.True(t, d.Ruling().Final)
	for _, who := range []platform.Actor{customer, merchant} {
		_, err = v.Appeal(as(who), dispute.Appeal{Dispute: d.ID, Reason: "unfair"})
		require.ErrorIs(t, err, platform.ErrState)
	}
	require.NoError(t, v.tick())
	assert.Equal(t, dispute.Executing, v.again(d).State, "at once")
	refund, err := v.store.Refund(context.Background(), d.Refund())
	require.NoError(t, err)
	assert.Equal(t, cny("10"), refund.Amount, "the last decision, and it alone")
}

func TestAnAppealComesInTimeOrNotAtAll(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	d := v.decided(v.order(order.Completed, nil), "40", "25")
	v.clock.pass(7 * day)
	_, err := v.Appeal(as(merchant), dispute.Appeal{Dispute: d.ID, Reason: "unfair"})
	require.ErrorIs(t, err, dispute.ErrTooLate)
	_, err = v.Waive(as(merchant), dispute.Waive{Dispute: d.ID})
	require.ErrorIs(t, err, platform.ErrState)
}

func TestWhatBothAcceptIsCarriedOutAtOnce(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	d := v.decided(v.order(order.Completed, nil), "40", "0")
	for _, who := range []platform.Actor{customer, merchant} {
		require.NoError(t, v.tick())
		assert.Equal(t, dispute.Decided, v.again(d).State)
		_, err := v.Waive(as(who), dispute.Waive{Dispute: d.ID})
		require.NoError(t, err)
		_, err = v.Appeal(as(who), dispute.Appeal{Dispute: d.ID, Reason: "regret"})
		require.ErrorIs(t, err, platform.ErrState)
	}
	require.NoError(t, v.tick())
	require.NoError(t, v.tick())
	assert.Equal(t, dispute.Closed, v.again(d).State)
	assert.Equal(t, cny("100"), v.read(d.Order).Refundable())
}

func TestACancellationFeeGoesBackFromWhoHasIt(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	o := v.order(order.Cancelled, nil)
	d := v.finished(v.decided(o, "30", "10"))
	assert.Equal(t, dispute.Closed, d.State)
	after := v.read(o.ID)
	assert.Equal(t, cny("80"), after.Refunded)
	assert.Equal(t, cny("10"), after.Cancellation.Returned)
	assert.Equal(t, cny("0"), after.Refundable(), "the rest of the fee stays")
	assert.Equal(t, "18.00", v.free("earning", o.ID, merchant.ID), "27 less nine tenths of 10")
	_, err := v.orders.Tick(context.Background(), v.clock.now(), 0)
	require.NoError(t, err)
	assert.Equal(t, "18.00", v.free("payable", "", merchant.ID))
}

func TestE28AFailedRefundIsNotDecidedAgain(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	d := v.decided(v.order(order.Completed, nil), "40", "25")
	v.clock.pass(7 * day)
	require.NoError(t, v.tick())
	require.NoError(t, v.told(d, "sent"))
	require.NoError(t, v.told(d, "failed"))
	for range 5 {
		v.clock.pass(2 * time.Hour)
		require.NoError(t, v.tick())
		assert.Equal(t, dispute.Executing, v.again(d).State)
		assert.Equal(t, cny("15"), v.read(d.Order).Held)
		assert.Equal(t, cny("25"), v.read(d.Order).Reserved)
	}
	_, err := v.Decide(as(second), dispute.Decide{Dispute: d.ID, Remedy: dispute.Remedy{Refund: cny("1")}, Reason: "x"})
	assert.Equal(t, "dispute.not_decidable", platform.Code(err))
	require.NoError(t, v.told(d, "sent"))
	require.NoError(t, v.told(d, "succeeded"))
	v.clock.pass(2 * time.Hour)
	require.NoError(t, v.tick())
	assert.Equal(t, dispute.Closed, v.again(d).State)
}

func TestE13WhileTheBankDecidesADisputePauses(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	o := v.order(order.Completed, nil)
	d := v.open(o, "40")
	v.banks.set(true)
	require.NoError(t, v.charged(o, "90"))
	_, err := v.Answer(as(merchant), dispute.Answer{Dispute: d.ID, Move: "concede"})
	require.ErrorIs(t, err, dispute.ErrPaused)
	for range 3 {
		v.clock.pass(48 * time.Hour)
		require.NoError(t, v.tick())
		assert.Equal(t, dispute.MerchantTurn, v.again(d).State)
	}
	v.banks.set(false)
	require.NoError(t, v.charged(o, "0"))
	_, err = v.Answer(as(merchant), dispute.Answer{Dispute: d.ID, Move: "contest"})
	require.NoError(t, err, "no time has passed meanwhile")
}

func TestE13WhatTheBankReturnedIsNotReturnedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ taken, held, granted, refund, release, bank string }{
		"all of it":             {"100", "40", "25", "0", "0", "40"},
		"more than was granted": {"40", "40", "25", "0", "15", "25"},
		"less than was granted": {"10", "40", "25", "15", "15", "10"},
		"nothing":               {"0", "40", "25", "25", "15", "0"},
		"some of everything":    {"30", "100", "50", "20", "50", "30"},
		"the release too":       {"80", "40", "25", "0", "15", "25"},
	} {
		v := newWorld(t)
		o := v.order(order.Completed, nil)
		d := v.decided(o, c.held, c.granted)
		require.NoError(t, v.charged(o, c.taken))
		d = v.finished(d)
		require.Equal(t, dispute.Closed, d.State, name)
		sum := map[dispute.LegKind]platform.Money{dispute.Refund: cny("0"), dispute.Release: cny("0"), dispute.Bank: cny("0")}
		for _, l := range d.Ruling().Legs {
			sum[l.Kind] = l.Amount
		}
		assert.Equal(t, map[dispute.LegKind]platform.Money{dispute.Refund: cny(c.refund), dispute.Release: cny(c.release), dispute.Bank: cny(c.bank)}, sum, name)
		assert.Equal(t, cny("0"), v.read(o.ID).Held, name)
		assert.Empty(t, v.proved(), name)
	}
}

func TestE25AnAcceptedOrderIsDisputedAsCompleted(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	o := v.order(order.Delivered, nil)
	v.clock.pass(72 * time.Hour)
	_, err := v.orders.Tick(context.Background(), v.clock.now(), 0)
	require.NoError(t, err)
	d := v.finished(v.decided(v.read(o.ID), "40", "40"))
	assert.Equal(t, dispute.Closed, d.State)
	assert.Equal(t, order.Completed, v.read(o.ID).State)
	assert.Equal(t, "54.00", v.free("earning", o.ID, merchant.ID))
}

func TestAnArbiterWhoIsLateIsToldOf(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	d := v.arbitrated(v.order(order.Completed, nil), "40")
	require.True(t, d.Due.After(noon.Add(4*day)))
	v.clock.pass(d.Due.Sub(noon))
	require.NoError(t, v.tick())
	after := v.again(d)
	assert.Equal(t, dispute.Arbitration, after.State)
	assert.True(t, after.Due.After(d.Due))
	assert.Equal(t, d.Deadline, after.Deadline, "the age is not hidden")
}

func TestNothingLeavesAnEnd(t *testing.T) {
	t.Parallel()
	for _, row := range dispute.Moves {
		for _, from := range row.From {
			assert.False(t, from.Ended(), "%s leaves %s", row.Verb, from)
		}
	}
}
