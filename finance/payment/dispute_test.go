package payment_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

// objected is a paid sale of which a payer's bank took back an amount.
func objected(t *testing.T, amount string) (*world, sale, payment.Chargeback) {
	t.Helper()
	v := newWorld(setup{real: true})
	o := v.paid(t, sandbox.OK)
	reference, err := v.bank.Object(v.attempts(t)[0].Key(), yuan(amount), "fraud")
	require.NoError(t, err)
	require.NoError(t, v.deliver())
	return v, o, v.chargeback(t, reference, 1)
}

func (v *world) chargeback(t *testing.T, reference string, round int) payment.Chargeback {
	t.Helper()
	a := v.attempts(t)[0]
	return read[payment.Chargeback](t, v, "payment.chargeback", payment.ChargebackID(a.ID, a.Institution, reference, round))
}

func TestChargebackHoldsWhoBearsIt(t *testing.T) {
	t.Parallel()
	v, o, c := objected(t, "40.00")

	assert.Equal(t, payment.ChargebackNeedsResponse, c.State)
	assert.Equal(t, noon.AddDate(0, 0, 7), c.RespondBy)
	assert.Equal(t, yuan("40.00"), v.sale(t, o).Back)
	assert.Equal(t, yuan("40.00"), v.sale(t, o).Contested)
	assert.Equal(t, int64(60_00), v.balance(t, "available:escrow:"+string(o.ID)))
	_, err := v.refund(o, yuan("60.01"))
	require.ErrorIs(t, err, payment.ErrChargebackOpen)
	_, err = v.refund(o, yuan("60.00"))
	require.NoError(t, err)
	v.booksAgree(t)
}

func TestChargebackEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end   func(v *world, c payment.Chargeback) error
		state payment.ChargebackState
		back  string
	}{
		"won":     {func(v *world, c payment.Chargeback) error { return v.bank.Decide(c.Reference, true) }, payment.ChargebackWon, "0.00"},
		"lost":    {func(v *world, c payment.Chargeback) error { return v.bank.Decide(c.Reference, false) }, payment.ChargebackLost, "40.00"},
		"silence": {func(v *world, _ payment.Chargeback) error { return v.after(7 * 24 * time.Hour) }, payment.ChargebackLost, "40.00"},
		"accepted": {func(v *world, c payment.Chargeback) error {
			_, err := v.s.Concede(by(clerk), payment.Concede{Chargeback: c.ID})
			return err
		}, payment.ChargebackLost, "40.00"},
		"partly lost, as an operator found": {func(v *world, c payment.Chargeback) error {
			_, err := v.s.Decide(by(clerk), payment.Decide{Chargeback: c.ID, Lost: yuan("15.00"), Reason: "letter"})
			return err
		}, payment.ChargebackPartlyLost, "15.00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, o, cbk := objected(t, "40.00")
			require.NoError(t, c.end(v, cbk))
			require.NoError(t, v.after(time.Minute))

			got := read[payment.Chargeback](t, v, "payment.chargeback", cbk.ID)
			assert.Equal(t, c.state, got.State)
			assert.Equal(t, yuan(c.back), got.Lost)
			assert.Equal(t, yuan(c.back), v.sale(t, o).Back)
			assert.Equal(t, yuan("0.00"), v.sale(t, o).Contested)
			assert.Equal(t, 100_00-yuan(c.back).Minor(), v.balance(t, "available:escrow:"+string(o.ID)))
			if c.state != payment.ChargebackPartlyLost { // of which the bank here knows nothing
				v.booksAgree(t)
			}
		})
	}
}

// Evidence goes before the time to respond is over, once.
func TestEvidenceBeforeDue(t *testing.T) {
	t.Parallel()
	v, _, c := objected(t, "40.00")
	_, err := v.s.Contest(by(clerk), payment.Contest{Chargeback: c.ID, Text: "see card 4111 1111 1111 1111 of 2026"})
	require.ErrorContains(t, err, "text: a card number is not taken here")
	_, err = v.s.Contest(by(customer), payment.Contest{Chargeback: c.ID, Text: "no"})
	require.ErrorIs(t, err, platform.ErrDenied)

	c, err = v.s.Contest(by(clerk), payment.Contest{Chargeback: c.ID, Text: "the work was done"})

	require.NoError(t, err)
	assert.Equal(t, payment.ChargebackUnderReview, c.State)
	_, err = v.s.Contest(by(clerk), payment.Contest{Chargeback: c.ID, Text: "again"})
	require.ErrorIs(t, err, payment.ErrNotAnswerable)
	require.NoError(t, v.after(9*24*time.Hour))
	assert.Equal(t, payment.ChargebackUnderReview, v.chargeback(t, c.Reference, 1).State, "the bank takes its time")
}

func TestEvidenceComesTooLate(t *testing.T) {
	t.Parallel()
	v, _, c := objected(t, "40.00")
	v.clock.Advance(7 * 24 * time.Hour)
	_, err := v.s.Contest(by(clerk), payment.Contest{Chargeback: c.ID, Text: "the work was done"})
	require.ErrorIs(t, err, payment.ErrTooLate)
}

// Two days before its end the time to respond is told, once.
func TestTimeToRespondIsWarnedOf(t *testing.T) {
	t.Parallel()
	v, _, c := objected(t, "40.00")
	for range 6 * 24 {
		require.NoError(t, v.after(time.Hour))
	}
	warned := 0
	for _, e := range v.events(t, c.Ref()) {
		if e == "chargeback.due" {
			warned++
		}
	}
	assert.Equal(t, 1, warned)
}

// An answer of which nobody knows whether it arrived is asked about, and ends as
// the institution says.
func TestUnknownEvidence(t *testing.T) {
	t.Parallel()
	for arrives, want := range map[bool]payment.ChargebackState{true: payment.ChargebackUnderReview, false: payment.ChargebackNeedsResponse} {
		v, _, c := objected(t, "40.00")
		v.hooks.before = func(string, payment.Key) bool {
			if arrives {
				_, err := v.bank.Evidence(context.Background(), payment.Evidence{Dispute: c.Reference, Text: "x"})
				require.NoError(t, err)
			}
			return false
		}
		c, err := v.s.Contest(by(clerk), payment.Contest{Chargeback: c.ID, Text: "the work was done"})
		require.NoError(t, err)
		require.Equal(t, payment.ChargebackAnswering, c.State)

		for range 6 {
			require.NoError(t, v.after(time.Minute))
		}

		assert.Equal(t, want, v.chargeback(t, c.Reference, 1).State)
	}
}

// F18: a refund that came first is evidence, and what was given back is not held
// again.
func TestChargebackAfterRefund(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{real: true})
	o := v.paid(t, sandbox.OK)
	_, err := v.refund(o, yuan("70.00"))
	require.NoError(t, err)
	require.NoError(t, v.after(time.Minute))
	reference, err := v.bank.Object(v.attempts(t)[0].Key(), yuan("30.00"), "fraud")
	require.NoError(t, err)
	require.NoError(t, v.deliver())

	c := v.chargeback(t, reference, 1)
	assert.Equal(t, yuan("70.00"), c.Before)
	assert.Zero(t, v.balance(t, "available:escrow:"+string(o.ID)))
	v.booksAgree(t)
}

// again is an institution whose bank opens a dispute a second time.
type again struct {
	payment.Gateway
	payment.Disputer
	answer payment.Dispute
}

func (g *again) Dispute(context.Context, string) (payment.Dispute, error) { return g.answer, nil }

// F18: a dispute that was won is opened again: a new round, on a record of its own.
func TestSecondRound(t *testing.T) {
	t.Parallel()
	v, o, c := objected(t, "40.00")
	require.NoError(t, v.bank.Decide(c.Reference, true))
	require.NoError(t, v.deliver())
	g := &again{Gateway: v.bank, Disputer: v.bank, answer: payment.Dispute{
		Reference: c.Reference, Charge: v.attempts(t)[0].Key(), Amount: yuan("40.00"), State: payment.DisputeOpen, Due: noon.AddDate(0, 1, 0),
	}}
	v.hooks.Gateway = g

	a := v.attempts(t)[0]
	_, err := v.s.Reverse(by(clerk), payment.Reverse{Attempt: a.ID, Amount: yuan("1.00"), Reference: "rv_1"})
	require.NoError(t, err)
	require.NoError(t, v.told(g, "msg_again", c.Reference))

	second := v.chargeback(t, c.Reference, 2)
	assert.Equal(t, payment.ChargebackNeedsResponse, second.State)
	assert.Equal(t, payment.ChargebackWon, v.chargeback(t, c.Reference, 1).State)
	assert.Equal(t, yuan("41.00"), v.sale(t, o).Back)
	g.answer.State = payment.DisputeLost
	require.NoError(t, v.after(25*time.Hour))
	assert.Equal(t, payment.ChargebackLost, v.chargeback(t, c.Reference, 2).State)
}

// told posts a notice of a dispute that the institution did not write itself.
func (v *world) told(g payment.Gateway, id, dispute string) error {
	a := payment.Status{Key: "", Outcome: payment.Pending, Amount: yuan("40.00")}
	page, err := all[payment.Attempt](v.db, "payment.attempt")
	if err != nil {
		return err
	}
	a.Key = page[0].Key()
	v.hooks.Gateway = scribe{g, []payment.Notice{{ID: id, At: v.clock.Now(), Status: a, Dispute: dispute}}}
	return v.s.Receive(context.Background(), "sandbox", nil, []byte(id))
}

// scribe is an institution whose notices say what a test wants.
type scribe struct {
	payment.Gateway
	notices []payment.Notice
}

func (s scribe) Notices(context.Context, map[string][]string, []byte) ([]payment.Notice, error) {
	return s.notices, nil
}

func (s scribe) Dispute(ctx context.Context, reference string) (payment.Dispute, error) {
	return s.Gateway.(payment.Disputer).Dispute(ctx, reference)
}

func (s scribe) Evidence(ctx context.Context, e payment.Evidence) (payment.Dispute, error) {
	return s.Gateway.(payment.Disputer).Evidence(ctx, e)
}

func (s scribe) Accept(ctx context.Context, reference string) (payment.Dispute, error) {
	return s.Gateway.(payment.Disputer).Accept(ctx, reference)
}

// F19: in another currency it is booked at the institution's figures, borne by the
// platform until somebody knows better, and nothing of the payment goes back
// meanwhile.
func TestChargebackInAnotherCurrency(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{real: true})
	o := v.paid(t, sandbox.OK)
	usd := platform.MustMoney("6.00", "USD")
	a := v.attempts(t)[0]
	g := &again{Gateway: v.bank, Disputer: v.bank, answer: payment.Dispute{Reference: "dp_1", Charge: a.Key(), Amount: usd, State: payment.DisputeOpen}}

	require.NoError(t, v.told(g, "msg_usd", "dp_1"))

	c := v.chargeback(t, "dp_1", 1)
	assert.Equal(t, usd, c.Amount)
	assert.Equal(t, price, c.Counts)
	_, err := v.refund(o, yuan("0.01"))
	require.ErrorIs(t, err, payment.ErrChargebackOpen)
	_, err = v.s.Decide(by(clerk), payment.Decide{Chargeback: c.ID, Reason: "letter"})
	require.NoError(t, err)
	_, err = v.refund(o, price)
	require.NoError(t, err)
}

// Without a Disputer the chargeback is a task with a deadline, for an operator.
func TestWithoutDisputerAnOperatorAnswers(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{real: true})
	v.paid(t, sandbox.OK)
	a := v.attempts(t)[0]
	ports := payment.Ports{Books: ledger{}, Subject: shop{db: v.db}, Gateways: []payment.Gateway{mute{v.bank, []payment.Notice{{
		ID: "msg_1", Status: payment.Status{Key: a.Key(), Outcome: payment.Pending, Amount: yuan("40.00")}, Dispute: "dp_1",
	}}}}}
	v.s = payment.New(v.w, payment.StoreOn(v.db), ports, nil)
	require.NoError(t, v.s.Receive(t.Context(), "sandbox", nil, []byte("x")))

	c := v.chargeback(t, "dp_1", 1)
	assert.Equal(t, payment.ChargebackManual, c.State)
	assert.False(t, c.Due.IsZero())
	_, err := v.s.Contest(by(clerk), payment.Contest{Chargeback: c.ID, Text: "the work was done"})
	require.ErrorIs(t, err, payment.ErrNotAnswerable)
	queue, err := v.s.Queue(by(clerk), "")
	require.NoError(t, err)
	assert.Contains(t, fmt.Sprint(queue), string(c.ID))
}

// Where answers went out once and no more, an operator is told so.
func TestAnswerThatTheInstitutionTakesNoMore(t *testing.T) {
	t.Parallel()
	v, _, c := objected(t, "40.00")
	ports := payment.Ports{Books: ledger{}, Subject: shop{db: v.db}, Gateways: []payment.Gateway{mute{v.bank, nil}}}
	v.s = payment.New(v.w, payment.StoreOn(v.db), ports, nil)
	_, err := v.s.Contest(by(clerk), payment.Contest{Chargeback: c.ID, Text: "the work was done"})
	require.ErrorIs(t, err, payment.ErrNotAnswerable)
	assert.Equal(t, payment.ChargebackNeedsResponse, v.chargeback(t, c.Reference, 1).State)
}

// mute is an institution that takes no answers to disputes.
type mute struct {
	payment.Gateway
	notices []payment.Notice
}

func (m mute) Notices(context.Context, map[string][]string, []byte) ([]payment.Notice, error) {
	return m.notices, nil
}

// A charge that the institution takes back is a case for an operator, who tells of
// it as a new fact.
func TestReversalIsANewFact(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{real: true})
	o := v.paid(t, sandbox.OK)
	a := v.attempts(t)[0]
	require.NoError(t, v.bank.Reverse(a.Key(), yuan("25.00")))
	require.NoError(t, v.deliver())
	in := payment.Reverse{Attempt: a.ID, Amount: yuan("25.00"), Reference: "rv_1"}

	for range 2 {
		c, err := v.s.Reverse(by(clerk), in)
		require.NoError(t, err)
		assert.Equal(t, payment.ChargebackLost, c.State)
	}

	assert.Equal(t, payment.AttemptCaptured, v.attempt(t, a.ID).State, "what was recorded stays")
	assert.Equal(t, yuan("25.00"), v.sale(t, o).Back)
	v.booksAgree(t)
	_, err := v.s.Reverse(by(customer), in)
	require.ErrorIs(t, err, platform.ErrDenied)
}

// A dispute of a payment whose outcome is not known yet waits for that.
func TestDisputeWaitsForItsPayment(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{real: true})
	o := v.placed(t)
	a, err := v.pay(o, sandbox.Broken)
	require.NoError(t, err)
	require.Equal(t, payment.AttemptUnknown, a.State)
	v.bank.Drain()
	reference, err := v.bank.Object(a.Key(), yuan("40.00"), "fraud")
	require.NoError(t, err)
	require.NoError(t, v.deliver())
	_, err = v.s.Chargeback(by(clerk), payment.ChargebackID(a.ID, a.Institution, reference, 1))
	require.ErrorIs(t, err, platform.ErrNotFound)

	require.NoError(t, v.after(time.Minute))
	require.NoError(t, v.after(time.Minute))

	assert.Equal(t, payment.ChargebackNeedsResponse, v.chargeback(t, reference, 1).State)
	v.booksAgree(t)
}

// decides is a bank that answers while an operator decides.
type decides struct {
	*again
	meanwhile func()
}

func (d decides) Dispute(ctx context.Context, reference string) (payment.Dispute, error) {
	defer d.meanwhile()
	return d.again.Dispute(ctx, reference)
}

// F18: an answer that is old by the time it is heard opens no round, and what was
// lost in full is not taken again.
func TestOldWordTakesNothingAgain(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]platform.Money{"won": {}, "lost": yuan("40.00")} {
		for _, notice := range []bool{false, true} {
			v, o, c := objected(t, "40.00")
			bank := &again{Gateway: v.bank, Disputer: v.bank, answer: payment.Dispute{
				Reference: c.Reference, Charge: v.attempts(t)[0].Key(), Amount: c.Amount, State: payment.DisputeOpen, Due: noon.AddDate(0, 1, 0),
			}}
			g := decides{bank, func() {
				_, err := v.s.Decide(by(clerk), payment.Decide{Chargeback: c.ID, Lost: lost, Reason: "letter"})
				require.NoError(t, err)
			}}
			if v.hooks.Gateway = g; notice {
				require.NoError(t, v.told(g, "msg_old", c.Reference))
			} else {
				require.NoError(t, v.after(25*time.Hour))
			}
			assert.Equal(t, lost.Minor(), v.sale(t, o).Back.Minor(), name)

			v.hooks.Gateway = bank
			require.NoError(t, v.told(bank, "msg_late", c.Reference))
			assert.Equal(t, yuan("40.00"), v.sale(t, o).Back, "of what was won, a new round; of what was lost, none")
		}
	}
}

// Invariant 13: what an operator types is held against the payment, and once.
// Another end than the recorded one is money that the books do not have: it is
// left to a person, never filed unseen.
func TestAnEndThatContradictsTheRecordedOneStandsInTheQueue(t *testing.T) {
	t.Parallel()
	for recorded, said := range map[bool]payment.DisputeState{false: payment.DisputeWon, true: payment.DisputeLost} {
		v, _, c := objected(t, "40.00")
		require.NoError(t, v.bank.Decide(c.Reference, recorded))
		require.NoError(t, v.deliver())
		ended := v.chargeback(t, c.Reference, 1)
		g := &again{Gateway: v.bank, Disputer: v.bank, answer: payment.Dispute{
			Reference: c.Reference, Charge: v.attempts(t)[0].Key(), Amount: c.Amount, State: said,
		}}
		v.hooks.Gateway = g

		require.NoError(t, v.told(g, "msg_late", c.Reference))
		g.answer.State = map[bool]payment.DisputeState{false: payment.DisputeLost, true: payment.DisputeWon}[recorded]
		require.NoError(t, v.told(g, "msg_again", c.Reference))

		queue, err := v.s.Queue(by(clerk), "")
		require.NoError(t, err)
		require.Len(t, queue.Items, 1, "what was known is filed")
		assert.Equal(t, string(payment.NoticeUnmatched), queue.Items[0].State)
		assert.Equal(t, ended, v.chargeback(t, c.Reference, 1), "nothing is taken or given by a word")
	}
}

func TestReversalNeverExceedsWhatIsLeft(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{real: true})
	o := v.paid(t, sandbox.OK)
	a := v.attempts(t)[0]
	_, err := v.refund(o, yuan("70.00"))
	require.NoError(t, err)
	for _, c := range []struct {
		reference, amount string
		want              error
	}{
		{"rv_1", "30.01", payment.ErrReturnExceeds},
		{"rv_1", "20.00", nil},
		{"rv_1", "20.00", nil},
		{"rv_1", "21.00", payment.ErrAmount},
		{"rv_2", "10.01", payment.ErrReturnExceeds},
		{"rv_2", "10.00", nil},
	} {
		_, err := v.s.Reverse(by(clerk), payment.Reverse{Attempt: a.ID, Amount: yuan(c.amount), Reference: c.reference})
		require.ErrorIs(t, err, c.want, c)
	}
	assert.Equal(t, yuan("30.00"), v.sale(t, o).Back)

	other := v.placed(t)
	gift, err := v.s.Promote(by(clerk), payment.Promote{Intent: full(other), Amount: yuan("10.00"), Reason: "gift"})
	require.NoError(t, err)
	_, err = v.s.Reverse(by(clerk), payment.Reverse{Attempt: gift.ID, Amount: yuan("10.00"), Reference: "rv_3"})
	require.ErrorIs(t, err, payment.ErrNotPayable)
}

// Invariant 13: what the payer's bank has taken is not given back besides, unless
// an operator says so; a refund that was not sent may be withdrawn.
func TestRefundStopsForAChargeback(t *testing.T) {
	t.Parallel()
	for _, withdrawn := range []bool{true, false} {
		v := newWorld(setup{real: true})
		o := v.paid(t, sandbox.OK)
		g, err := v.refund(o, yuan("70.00"))
		require.NoError(t, err)
		bank := &again{Gateway: v.bank, Disputer: v.bank, answer: payment.Dispute{
			Reference: "dp_1", Charge: v.attempts(t)[0].Key(), Amount: yuan("40.00"), State: payment.DisputeOpen,
		}}
		v.hooks.Gateway = bank
		require.NoError(t, v.told(bank, "msg_1", "dp_1"))

		require.NoError(t, v.after(time.Minute))

		r := v.ret(t, g)
		assert.Equal(t, payment.ReturnManual, r.State)
		assert.Equal(t, "payment.chargeback_open", r.Reason)
		assert.Zero(t, v.totals(t).Refunded.Minor())
		if withdrawn {
			require.NoError(t, v.update(clerk, func(ctx context.Context) ([]platform.Change, error) {
				return v.asks.Withdraw(ctx, g.Ref(), v.clock.Now())
			}))
			assert.Zero(t, v.attempts(t)[0].Returned.Minor())
			continue
		}
		r, err = v.s.Send(by(clerk), payment.Send{Return: r.ID})
		require.NoError(t, err)
		assert.Equal(t, payment.ReturnSucceeded, r.State)
	}
}
