package payment_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
)

const day = 24 * time.Hour

func TestCompletedOrderHandsSharesOn(t *testing.T) {
	t.Parallel()
	v := newSplits(t, setup{})
	o := v.paid(t, sandbox.OK)

	v.complete(t, o)
	planned := v.out(t, o)
	require.Equal(t, payment.SharingPlanned, planned.State)
	require.Equal(t, nothing, v.has(t, seller), "nothing moves in the order's set")
	require.NoError(t, v.after(time.Second))

	h := v.out(t, o)
	assert.Equal(t, payment.SharingDone, h.State)
	assert.False(t, h.Final)
	assert.Equal(t, yuan("80.00"), v.has(t, seller))
	assert.Equal(t, yuan("10.00"), v.has(t, cleaner))
	assert.Equal(t, []string{"payment.split", "payment.split_planned", "payment.split_sent"}, slices.Sorted(slices.Values(v.events(t, h.Ref()))))
	v.handedOn(t)
}

// The final split unfreezes what is the platform's, once all other shares of the
// charge have ended.
func TestClosedOrderEndsItsCharge(t *testing.T) {
	t.Parallel()
	v := newSplits(t, setup{faults: sandbox.Faults{RefundDelay: 1}})
	o := v.paid(t, sandbox.OK)
	v.complete(t, o)
	require.NoError(t, v.book("order.closed", o.Ref(),
		platform.Leg{Role: "earning", Of: o.ID, Party: seller, Amount: yuan("80.00")}, platform.Leg{Role: "payable", Party: seller, Amount: yuan("-80.00")}))

	require.NoError(t, v.after(0))
	for _, h := range v.shares(t, o) {
		assert.NotEqual(t, payment.SharingDone, h.State)
	}
	require.NoError(t, v.quiesce())

	final := 0
	for _, h := range v.shares(t, o) {
		assert.Equal(t, payment.SharingDone, h.State)
		if h.Final {
			final++
			assert.False(t, h.EndedAt.Before(v.out(t, o).EndedAt))
		}
	}
	assert.Equal(t, 1, final)
	v.handedOn(t)
}

func TestShareWaitsForItsReceiver(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{real: true, split: true})
	o := v.paid(t, sandbox.OK)
	v.complete(t, o)
	require.NoError(t, v.after(0))
	h := v.out(t, o)
	require.Equal(t, payment.SharingManual, h.State)
	require.Equal(t, "payment.no_recipient", h.Reason)
	queue, err := v.s.Queue(by(auditor), "")
	require.NoError(t, err)
	require.Len(t, queue.Items, 1)
	require.Equal(t, "finance", queue.Items[0].Owner)

	for _, party := range []platform.ID{seller, cleaner} {
		_, err := v.s.AddRecipient(by(clerk), payment.AddRecipient{Party: party, Institution: "sandbox", Account: "acct_" + string(payment.RecipientID("sandbox", party)), Name: "A Seller"})
		require.NoError(t, err)
	}
	_, err = v.s.DecideSplit(by(clerk), payment.DecideSplit{Split: h.ID, Decision: payment.DecideSend, Reason: "onboarded"})
	require.NoError(t, err)
	require.NoError(t, v.after(0))

	assert.Equal(t, payment.SharingDone, v.out(t, o).State)
	assert.Equal(t, payment.Key(h.ID), v.out(t, o).Key())
	v.handedOn(t)
}

// Invariant 12: while the outcome is not known there is no second key, and the
// institution sees one split.
func TestUnknownSplitIsNeverSentAnew(t *testing.T) {
	t.Parallel()
	v := newSplits(t, setup{})
	o := v.paid(t, sandbox.OK)
	v.complete(t, o)
	h := v.out(t, o)
	v.bank.Force(h.Key(), sandbox.Broken)
	v.hooks.silence(true)
	require.NoError(t, v.after(0))
	require.Equal(t, payment.SharingUnknown, v.out(t, o).State)
	_, err := v.s.DecideSplit(by(clerk), payment.DecideSplit{Split: h.ID, Decision: payment.DecideSend, Reason: "impatient"})
	require.ErrorIs(t, err, platform.ErrState)

	for range 30 {
		require.NoError(t, v.after(time.Hour))
	}
	h = v.out(t, o)
	require.Equal(t, payment.SharingManual, h.State)
	require.Equal(t, payment.Key(h.ID), h.Key())
	for _, d := range []payment.Decision{payment.DecideKeep, payment.DecideOwed} {
		_, err := v.s.DecideSplit(by(clerk), payment.DecideSplit{Split: h.ID, Decision: d, Reason: "guess"})
		require.ErrorIs(t, err, payment.ErrNotDecidable)
	}
	_, err = v.s.DecideSplit(by(clerk), payment.DecideSplit{Split: h.ID, Decision: payment.DecideArrived, Reason: "statement"})
	require.NoError(t, err)

	assert.Equal(t, yuan("80.00"), v.has(t, seller), "once")
	v.hooks.silence(false)
	v.handedOn(t)
}

// What an operator sends again while nobody knows what became of it goes out under
// the same key; a refund does not take it for a share that never went out.
func TestUnknownSplitMayBeSentAgainUnderItsKey(t *testing.T) {
	t.Parallel()
	v := newSplits(t, setup{})
	o := v.paid(t, sandbox.OK)
	v.complete(t, o)
	v.bank.Force(v.out(t, o).Key(), sandbox.Broken)
	v.hooks.silence(true)
	for range 30 {
		require.NoError(t, v.after(time.Hour))
	}
	h := v.out(t, o)
	require.Equal(t, payment.SharingManual, h.State)

	_, err := v.s.DecideSplit(by(clerk), payment.DecideSplit{Split: h.ID, Decision: payment.DecideSend, Reason: "again"})
	require.NoError(t, err)
	g, err := v.approve(o, yuan("50.00"))
	require.NoError(t, err)
	require.True(t, v.back(t, o).Due.IsZero(), "it waits until that is known")
	v.hooks.silence(false)
	require.NoError(t, v.quiesce())

	assert.Equal(t, payment.Key(h.ID), v.out(t, o).Key())
	assert.False(t, v.back(t, o).Spared)
	assert.Equal(t, payment.ReturnSucceeded, v.returned(t, g).State)
	assert.Equal(t, yuan("35.00"), v.has(t, seller))
	v.handedOn(t)
}

func TestRefusedSplitIsTriedAgainUnderANewKey(t *testing.T) {
	t.Parallel()
	v := newSplits(t, setup{})
	o := v.paid(t, sandbox.OK)
	v.complete(t, o)
	h := v.out(t, o)
	for n, suffix := range []string{"", ".1", ".2", ".3"} {
		v.bank.Force(payment.Key(string(h.ID)+suffix), sandbox.Decline+":ACCOUNT_ABNORMAL")
		require.NoError(t, v.after([]time.Duration{0, time.Hour, 6 * time.Hour, day}[n]))
	}
	h = v.out(t, o)
	require.Equal(t, payment.SharingManual, h.State)
	require.Equal(t, "ACCOUNT_ABNORMAL", h.Reason)
	_, err := v.s.DecideSplit(by(clerk), payment.DecideSplit{Split: h.ID, Decision: payment.DecideArrived, Reason: "guess"})
	require.ErrorIs(t, err, payment.ErrNotDecidable, "it is known that it did not")

	_, err = v.s.DecideSplit(by(clerk), payment.DecideSplit{Split: h.ID, Decision: payment.DecideSend, Reason: "account repaired"})
	require.NoError(t, err)
	require.NoError(t, v.after(0))

	assert.Equal(t, payment.SharingDone, v.out(t, o).State)
	assert.Equal(t, payment.Key(h.ID)+".4", v.out(t, o).Key())
	v.handedOn(t)
}

// A share that did not arrive with the others goes out alone, under another id.
func TestShareThatDidNotArriveGoesOutAgain(t *testing.T) {
	t.Parallel()
	v := newSplits(t, setup{})
	o := v.paid(t, sandbox.OK)
	v.complete(t, o)
	v.bank.Force(v.out(t, o).Key(), sandbox.Short)
	require.NoError(t, v.after(0))
	require.NoError(t, v.after(5*time.Second))
	assert.Equal(t, yuan("80.00"), v.has(t, seller))
	assert.Equal(t, nothing, v.has(t, cleaner))

	require.NoError(t, v.after(time.Hour))

	assert.Equal(t, yuan("10.00"), v.has(t, cleaner))
	v.handedOn(t)
}

// Return-first: what the seller had is back before the payer gets it.
func TestShareComesBackBeforeItsRefund(t *testing.T) {
	t.Parallel()
	v := newSplits(t, setup{})
	o := v.sold(t)
	var called []string
	v.hooks.after = func(operation string, _ payment.Key) { called = append(called, operation) }

	g, err := v.approve(o, yuan("50.00"))
	require.NoError(t, err)
	require.NoError(t, v.after(0))
	require.NoError(t, v.after(0))

	assert.Equal(t, []string{"return", "refund"}, called)
	assert.Equal(t, payment.ReturnSucceeded, v.returned(t, g).State)
	assert.Equal(t, yuan("35.00"), v.has(t, seller))
	assert.Equal(t, yuan("10.00"), v.has(t, cleaner))
	assert.Equal(t, yuan("50.00"), v.totals(t).Refunded)
	v.handedOn(t)
}

func TestRefundWaitsWhileItsSharesAreOut(t *testing.T) {
	t.Parallel()
	v := newSplits(t, setup{faults: sandbox.Faults{}})
	o := v.sold(t)
	g, err := v.approve(o, yuan("50.00"))
	require.NoError(t, err)
	v.bank.Force(v.back(t, o).Key(), sandbox.Delay)

	r, err := v.s.Send(by(clerk), payment.Send{Return: g.ID.As("rtn")})
	require.NoError(t, err)
	require.Equal(t, payment.ReturnGathering, r.State)
	_, err = v.s.Send(by(clerk), payment.Send{Return: r.ID})
	require.ErrorIs(t, err, payment.ErrNotSendable)
	require.NoError(t, v.after(0))
	require.Zero(t, v.totals(t).Refunds)

	require.NoError(t, v.after(2*time.Minute))
	require.NoError(t, v.after(time.Second))

	assert.Equal(t, payment.ReturnSucceeded, v.returned(t, g).State)
	v.handedOn(t)
}

// Refund-first: the payer has the money, then the share comes back.
func TestShareComesBackAfterItsRefund(t *testing.T) {
	t.Parallel()
	v := newSplits(t, setup{after: true})
	o := v.sold(t)
	var called []string
	v.hooks.after = func(operation string, _ payment.Key) { called = append(called, operation) }

	g, err := v.approve(o, yuan("80.00"))
	require.NoError(t, err)
	require.NoError(t, v.after(0))
	require.NoError(t, v.after(0))

	assert.Equal(t, []string{"refund", "return"}, called)
	assert.Equal(t, payment.ReturnSucceeded, v.returned(t, g).State)
	assert.Equal(t, yuan("8.00"), v.has(t, seller))
	v.handedOn(t)
}

// The customer's refund waits for nobody: a share that was refused does not keep
// the payer waiting, and is owed when it never comes.
func TestShareThatIsNotReturnedIsOwed(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		v := newSplits(t, setup{after: after})
		v.paid(t, sandbox.OK) // of others: the institution holds enough for us
		o := v.sold(t)
		g, err := v.approve(o, yuan("10.00"))
		require.NoError(t, err)
		back := v.back(t, o)
		assert.Equal(t, after, back.After, "the plan is stored")
		for _, suffix := range []string{"", ".1", ".2", ".3"} {
			v.bank.Force(payment.Key(string(back.Key())+suffix), sandbox.Decline+":NOT_AGREED")
		}
		require.NoError(t, v.after(0))
		require.NoError(t, v.after(0))
		require.Equal(t, payment.ReturnSucceeded, v.returned(t, g).State)
		require.NoError(t, v.quiesce())
		require.Equal(t, payment.SharingManual, v.back(t, o).State)
		queue, err := v.s.Queue(by(auditor), "")
		require.NoError(t, err)
		require.Len(t, queue.Items, 1)
		require.Equal(t, back.Ref(), queue.Items[0].About)

		_, err = v.s.DecideSplit(by(clerk), payment.DecideSplit{Split: back.ID, Decision: payment.DecideOwed, Reason: "not_agreed"})
		require.NoError(t, err)

		assert.Equal(t, payment.SharingOwed, v.back(t, o).State)
		assert.Equal(t, int64(9_00), v.balance(t, "posted:receivable:"+string(seller)))
		assert.Equal(t, debt{Party: seller, Amount: yuan("9.00")}, bare(read[debt](t, v, "test.debt", back.ID.As("deb"))))
		v.handedOn(t)
	}
}

func bare(d debt) debt {
	d.Head = platform.Head{}
	return d
}

// A refund that fails for good leaves no half behind: what came back for it goes
// out again, under a new split id, and comes back once more when an operator sends
// the refund after all.
func TestFailedRefundSplitsAgain(t *testing.T) {
	t.Parallel()
	v := newSplits(t, setup{})
	o := v.sold(t)
	g, err := v.approve(o, yuan("50.00"))
	require.NoError(t, err)
	r := v.returned(t, g)
	for _, suffix := range []string{"", ".1", ".2", ".3"} {
		v.bank.Force(payment.Key(string(r.ID)+suffix), sandbox.Decline+":closed")
	}
	require.NoError(t, v.quiesce())

	require.Equal(t, payment.ReturnManual, v.returned(t, g).State)
	require.Equal(t, yuan("80.00"), v.has(t, seller), "the seller has its share again")
	var again payment.Sharing
	for _, h := range v.shares(t, o) {
		if h.Cause.Kind == "payment.split" {
			again = h
		}
	}
	require.NotEqual(t, v.out(t, o).ID, again.ID)
	require.Equal(t, v.back(t, o).Ref(), again.Cause)
	require.Equal(t, payment.SharingDone, again.State)

	_, err = v.s.Send(by(clerk), payment.Send{Return: r.ID})
	require.NoError(t, err)
	require.Equal(t, payment.ReturnGathering, v.returned(t, g).State)
	require.NoError(t, v.after(0))
	require.NoError(t, v.after(0))

	assert.Equal(t, payment.ReturnSucceeded, v.returned(t, g).State)
	assert.Equal(t, yuan("35.00"), v.has(t, seller))
	v.handedOn(t)
}

// A refund that is withdrawn gives back what it had taken, and asks for no more.
func TestWithdrawnRefundGivesSharesBack(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(*testing.T, *world, sale){
		"before it came back": func(*testing.T, *world, sale) {},
		"while it comes back": func(t *testing.T, v *world, o sale) {
			t.Helper()
			v.bank.Force(v.back(t, o).Key(), sandbox.Delay)
			require.NoError(t, v.after(0))
		},
		"when it had come back": func(t *testing.T, v *world, o sale) {
			t.Helper()
			v.hooks.before = func(operation string, _ payment.Key) bool { return operation != "refund" }
			h := v.back(t, o)
			v.bank.Force(h.Key(), sandbox.Timeout)
			require.NoError(t, v.after(0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newSplits(t, setup{})
			o := v.sold(t)
			g, err := v.approve(o, yuan("50.00"))
			require.NoError(t, err)
			before(t, v, o)

			require.NoError(t, v.takeAway(g))
			require.NoError(t, v.quiesce())

			assert.Equal(t, yuan("80.00"), v.has(t, seller))
			assert.Zero(t, v.totals(t).Refunds)
			assert.Contains(t, []payment.SharingState{payment.SharingDropped, payment.SharingDone}, v.back(t, o).State)
			v.handedOn(t)
		})
	}
}

// A share that never went out is spared: nobody is called for it.
func TestRefundBeforeTheSplitTakesFromIt(t *testing.T) {
	t.Parallel()
	v := newSplits(t, setup{})
	o := v.paid(t, sandbox.OK)
	require.NoError(t, v.argue(o, true))
	v.complete(t, o)
	require.NoError(t, v.after(0))
	require.Equal(t, payment.SharingPlanned, v.out(t, o).State)

	g, err := v.approve(o, yuan("50.00"))
	require.NoError(t, err)
	require.NoError(t, v.after(0))
	require.NoError(t, v.after(0))
	require.Equal(t, payment.ReturnSucceeded, v.returned(t, g).State)
	require.True(t, v.back(t, o).Spared)
	require.NoError(t, v.argue(o, false))
	require.NoError(t, v.after(day))

	assert.Equal(t, yuan("35.00"), v.has(t, seller))
	assert.Equal(t, yuan("10.00"), v.has(t, cleaner))
	v.handedOn(t)
}

// argue opens a dispute about a sale, or ends it.
func (v *world) argue(o sale, argued bool) error {
	return v.update(clerk, func(ctx context.Context) ([]platform.Change, error) {
		now, err := platform.Read[sale](ctx, v.db, "order", o.ID)
		now.Argued = argued
		return []platform.Change{platform.Put(now), platform.Happened("dispute.changed", o.Ref(), nil)}, err
	})
}

// Invariant 14: what is in dispute or was taken back by the payer's bank is not
// handed on.
func TestNothingInDisputeIsHandedOn(t *testing.T) {
	t.Parallel()
	v := newSplits(t, setup{})
	o := v.paid(t, sandbox.OK)
	charge := v.attempts(t)[0]
	reference, err := v.bank.Object(charge.Key(), yuan("10.00"), "fraud")
	require.NoError(t, err)
	require.NoError(t, v.after(0))
	require.NoError(t, v.book("order.completed", o.Ref(),
		platform.Leg{Role: "escrow", Of: o.ID, Amount: yuan("90.00")}, platform.Leg{Role: "earning", Of: o.ID, Party: seller, Amount: yuan("-80.00")},
		platform.Leg{Role: "commission", Amount: yuan("-10.00")}))

	for range 3 {
		require.NoError(t, v.after(day))
	}
	require.Equal(t, nothing, v.has(t, seller))
	require.NoError(t, v.bank.Decide(reference, true))
	for range 3 {
		require.NoError(t, v.after(day))
	}

	assert.Equal(t, yuan("80.00"), v.has(t, seller))
	v.handedOn(t)
}

// F34: the institution lets go after 180 days. An operator is told at 150 days and
// decides; five days before the end the rule does.
func TestSplitFrozenTooLong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handOn bool
		decide payment.Decision
		ended  bool
		has    string
	}{
		"nobody decides: the platform keeps it": {has: "0.00"},
		"nobody decides: it is handed on":       {handOn: true, has: "80.00"},
		"an operator sends it":                  {decide: payment.DecideSend, has: "80.00"},
		"an operator keeps it":                  {decide: payment.DecideKeep, has: "0.00"},
		"the dispute ends":                      {ended: true, has: "80.00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newSplits(t, setup{opts: &payment.Options{HandOn: c.handOn}})
			o := v.paid(t, sandbox.OK)
			require.NoError(t, v.argue(o, true))
			v.complete(t, o)
			for range 149 {
				require.NoError(t, v.after(day))
			}
			require.Equal(t, payment.SharingPlanned, v.out(t, o).State)
			require.NoError(t, v.after(day))

			h := v.out(t, o)
			require.Equal(t, payment.SharingFrozen, h.State)
			require.Contains(t, v.events(t, h.Ref()), "payment.split_expiring")
			queue, err := v.s.Queue(by(auditor), "")
			require.NoError(t, err)
			require.Equal(t, h.Ref(), queue.Items[0].About)
			if c.decide != "" {
				_, err := v.s.DecideSplit(by(clerk), payment.DecideSplit{Split: h.ID, Decision: c.decide, Reason: "arbitration"})
				require.NoError(t, err)
			}
			if c.ended {
				require.NoError(t, v.argue(o, false))
			}
			for range 26 {
				require.NoError(t, v.after(day))
			}

			for _, h := range v.shares(t, o) {
				assert.True(t, h.Ended(), h.State)
			}
			assert.Equal(t, yuan(c.has), v.has(t, seller))
			assert.Equal(t, int64(-80_00), v.balance(t, "posted:earning:"+string(o.ID)+":"+string(seller)), "what is not handed on is owed as before")
			v.handedOn(t)
		})
	}
}

// What the platform paid itself, and what comes in several payments, is shared out
// from the payments that came first.
func TestSharesAreOfThePaymentsThatCameFirst(t *testing.T) {
	t.Parallel()
	v := newSplits(t, setup{})
	o := v.placed(t)
	_, err := v.s.Promote(by(clerk), payment.Promote{Intent: full(o), Amount: yuan("20.00"), Reason: "coupon"})
	require.NoError(t, err)
	for _, part := range []string{"50.00", "30.00"} {
		_, err := v.s.Pay(by(customer), payment.Pay{Intent: full(o), Amount: yuan(part), Method: sandbox.OK})
		require.NoError(t, err)
		require.NoError(t, v.after(time.Second))
	}

	v.complete(t, o)
	require.NoError(t, v.after(0))

	assert.Equal(t, yuan("80.00"), v.has(t, seller))
	assert.Equal(t, nothing, v.has(t, cleaner), "the platform's own 20.00 are at no institution")
	v.handedOn(t)
}

// Whoever may take money but not hand it on gets no new payments; what runs goes on.
func TestInstitutionMustBeLicensedToSplit(t *testing.T) {
	t.Parallel()
	v := newSplits(t, setup{})
	o := v.paid(t, sandbox.OK)
	check := payment.Check{
		Name: "sandbox", Entity: "Sandbox", Licence: "demo", Kinds: []payment.Business{payment.Acquiring}, ValidUntil: noon.AddDate(1, 0, 0),
		Evidence: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	}
	_, err := v.s.Check(by(clerk), check)
	require.NoError(t, err)

	_, err = v.s.Pay(by(customer), payment.Pay{Intent: full(v.placed(t)), Method: sandbox.OK, Institution: "sandbox"})
	require.ErrorIs(t, err, payment.ErrUnlicensed)
	v.complete(t, o)
	require.NoError(t, v.after(0))
	assert.Equal(t, yuan("80.00"), v.has(t, seller))

	check.Kinds = append(check.Kinds, payment.Splitting)
	_, err = v.s.Check(by(clerk), check)
	require.NoError(t, err)
	_, err = v.s.Pay(by(customer), payment.Pay{Intent: full(v.placed(t)), Method: sandbox.OK, Institution: "sandbox"})
	require.NoError(t, err)
}

// No platform pools others' money by accident: one of the modes is stated, and
// carried out.
func TestFundsModeIsAChoice(t *testing.T) {
	t.Parallel()
	bank := sandbox.New(&sandbox.Options{Name: "real"})
	db := memory.New(payment.Kinds(), nil)
	plain := finance.Books{Store: finance.StoreOn(db)}
	splits := payment.Splits{Books: plain, Store: payment.StoreOn(db), Gateways: []payment.Gateway{genuine{bank}}}
	for name, c := range map[string]struct {
		books   payment.Books
		gateway payment.Gateway
		opts    payment.Options
		refused string
	}{
		"pools without a basis":          {books: plain, gateway: genuine{bank}, refused: "no stated basis"},
		"says so, without a basis":       {books: plain, gateway: genuine{bank}, opts: payment.Options{Funds: payment.PlatformFunds}, refused: "no stated basis"},
		"pools on a basis":               {books: plain, gateway: genuine{bank}, opts: payment.Options{Basis: "licence 123"}},
		"a demo pools nobody's money":    {books: plain, gateway: bank},
		"hands on":                       {books: splits, gateway: genuine{bank}},
		"hands on, and says so":          {books: splits, gateway: genuine{bank}, opts: payment.Options{Funds: payment.SplitFunds, Production: true}},
		"says so, and does not":          {books: plain, gateway: genuine{bank}, opts: payment.Options{Funds: payment.SplitFunds}, refused: "nothing is ever handed on"},
		"hands on where nothing can be":  {books: splits, gateway: coreOnly{genuine{bank}}, refused: "no stated basis"},
		"says platform, and hands on":    {books: splits, gateway: genuine{bank}, opts: payment.Options{Funds: payment.PlatformFunds}, refused: "funds mode platform"},
		"no such mode":                   {books: plain, gateway: bank, opts: payment.Options{Funds: "pool"}, refused: "no such funds mode"},
		"a demo in production is no use": {books: plain, gateway: bank, opts: payment.Options{Production: true, Basis: "x"}, refused: "no real money"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			build := func() {
				payment.New(platform.Writer{Store: db}, payment.StoreOn(db), payment.Ports{Books: c.books, Subject: shop{db: db}, Gateways: []payment.Gateway{c.gateway}}, &c.opts)
			}
			if c.refused == "" {
				assert.NotPanics(t, build)
				return
			}
			defer func() { assert.Contains(t, recover(), c.refused) }()
			build()
		})
	}
}

// genuine is an institution that says it moves real money.
type genuine struct{ *sandbox.Sandbox }

func (e genuine) Info() payment.Info {
	info := e.Sandbox.Info()
	info.Demo = false
	return info
}

// coreOnly is an institution that has only the core.
type coreOnly struct{ payment.Gateway }

// heard are how often each event of a record was told.
func (v *world) heard(t *testing.T, subject platform.Ref) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, e := range v.events(t, subject) {
		all[e]++
	}
	return all
}

// F34: an order never comes to an end, and the institution is about to let go of its
// charge: operators are told at 150 days, a week before the end, and at the end.
func TestAChargeThatNobodySharesOutIsToldOf(t *testing.T) {
	t.Parallel()
	v := newSplits(t, setup{})
	o := v.paid(t, sandbox.OK)
	a := v.attempts(t)[0]
	waits := func() []payment.Task {
		page, err := v.s.Queue(by(auditor), "")
		require.NoError(t, err)
		return page.Items
	}
	require.NoError(t, v.after(150*day-time.Second))
	require.Empty(t, waits())

	require.NoError(t, v.after(time.Second))

	require.Len(t, waits(), 1)
	assert.Equal(t, a.Ref(), waits()[0].About)
	assert.Equal(t, "payment.freeze_expiring", waits()[0].Reason)
	assert.Equal(t, o.Ref(), waits()[0].Subject)
	assert.Equal(t, 1, v.heard(t, a.Ref())["payment.freeze_expiring"])
	require.NoError(t, v.after(22*day))
	assert.Equal(t, 1, v.heard(t, a.Ref())["payment.freeze_expiring"], "once a mark")
	require.NoError(t, v.after(day))
	assert.Equal(t, 2, v.heard(t, a.Ref())["payment.freeze_expiring"])
	require.NoError(t, v.after(30*day))
	assert.Equal(t, 1, v.heard(t, a.Ref())["payment.freeze_ended"])
	assert.Len(t, waits(), 1, "until somebody has seen to it")

	v.complete(t, o)
	require.NoError(t, v.after(time.Minute))
	assert.Empty(t, waits())
	v.handedOn(t)
}

// What comes to an end in time, or goes back, alerts nobody.
func TestAChargeThatIsSharedOutOrGivenBackIsNotToldOf(t *testing.T) {
	t.Parallel()
	v := newSplits(t, setup{})
	sold := v.sold(t)
	back := v.paid(t, sandbox.OK)
	_, err := v.refund(back, price)
	require.NoError(t, err)
	plain := newWorld(setup{})
	kept := plain.paid(t, sandbox.OK)

	for range 200 {
		require.NoError(t, v.after(day))
		require.NoError(t, plain.after(day))
	}

	for _, a := range append(v.attempts(t), plain.attempts(t)...) {
		assert.Zero(t, a.Due, "%s", a.Subject)
		assert.False(t, a.Lapsing)
	}
	for _, at := range []struct {
		w *world
		o sale
	}{{v, sold}, {v, back}, {plain, kept}} {
		id := at.w.intent(t, at.o).Paid[0]
		assert.Zero(t, at.w.heard(t, platform.Ref{Kind: "payment.attempt", ID: id})["payment.freeze_expiring"])
	}
}
