package payment_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

func TestPayCapturesAndConfirms(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)

	a, err := v.pay(o, sandbox.OK)

	require.NoError(t, err)
	assert.Equal(t, payment.AttemptCaptured, a.State)
	assert.Equal(t, price, a.Received)
	assert.Equal(t, "sandbox", a.Institution)
	i := v.intent(t, o)
	assert.Equal(t, payment.IntentCaptured, i.State)
	assert.Equal(t, []platform.ID{a.ID}, i.Paid)
	assert.Empty(t, i.Active)
	assert.Equal(t, "confirmed", v.sale(t, o).State)
	assert.Equal(t, price, v.sale(t, o).Captured)
	assert.Equal(t, int64(100_00), v.balance(t, "clearing:sandbox"))
	assert.Equal(t, int64(-100_00), v.balance(t, "escrow"))
	assert.ElementsMatch(t, []string{"payment.attempted", "payment.captured"}, v.events(t, a.Ref()))
	v.conserved(t)
}

// The claim is durable before the institution is called, nothing is being
// decided meanwhile, and the result comes after.
func TestPayClaimsCallsRecords(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	called := 0
	v.hooks.before = func(operation string, k payment.Key) bool {
		called++
		a := v.attempt(t, k.Record())
		assert.Equal(t, "charge", operation)
		assert.Equal(t, payment.AttemptSent, a.State)
		assert.Equal(t, a.ID, v.intent(t, o).Active)
		assert.Equal(t, noon.Add(2*time.Minute), a.Due)
		assert.Equal(t, "open", v.sale(t, o).State)
		return true
	}

	_, err := v.pay(o, sandbox.OK)

	require.NoError(t, err)
	assert.Equal(t, 1, called)
}

func TestRepeatUnderTheKeyReturnsTheAttemptAsItIsNow(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	ctx := platform.WithKey(by(customer), "k1")
	in := payment.Pay{Intent: full(o), Method: sandbox.Timeout}

	first, err := v.s.Pay(ctx, in)
	require.NoError(t, err)
	require.Equal(t, payment.AttemptUnknown, first.State)
	require.NoError(t, v.after(time.Minute))
	again, err := v.s.Pay(ctx, in)

	require.NoError(t, err)
	assert.Equal(t, first.ID, again.ID)
	assert.Equal(t, payment.AttemptCaptured, again.State)
	assert.Equal(t, 1, v.totals(t).Charges)
	_, err = v.s.Pay(ctx, payment.Pay{Intent: full(o), Method: sandbox.OK})
	require.Equal(t, "key.reused", platform.Code(err))
	_, err = v.pay(o, sandbox.OK)
	require.ErrorIs(t, err, payment.ErrSecured)
}

func TestDeclinedAttemptOpensTheIntentAgain(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	ctx := platform.WithKey(by(customer), "k1")

	a, err := v.s.Pay(ctx, payment.Pay{Intent: full(o), Method: sandbox.Decline})
	require.NoError(t, err)
	again, err := v.s.Pay(ctx, payment.Pay{Intent: full(o), Method: sandbox.Decline})
	require.NoError(t, err)
	second, err := v.pay(o, sandbox.OK)
	require.NoError(t, err)

	assert.Equal(t, payment.AttemptFailed, a.State)
	assert.Equal(t, "card_declined", a.Reason)
	assert.True(t, a.Received.Absent())
	assert.Equal(t, a, again)
	assert.NotEqual(t, a.ID, second.ID)
	assert.Equal(t, payment.AttemptCaptured, second.State)
	v.conserved(t)
}

func TestInstitutionNotReachedFailsTheAttempt(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	ctx := platform.WithKey(by(customer), "k1")

	for range 2 {
		a, err := v.s.Pay(ctx, payment.Pay{Intent: full(o), Method: sandbox.Down})
		require.ErrorIs(t, err, payment.ErrUnavailable)
		assert.Equal(t, payment.AttemptFailed, a.State)
	}
	assert.Empty(t, v.intent(t, o).Active)
	assert.Zero(t, v.totals(t).Charges)
}

// failing is an institution that answers every charge with the same error.
type failing struct {
	payment.Gateway
	err error
}

func (f failing) Charge(context.Context, payment.Charge) (payment.Status, error) {
	return payment.Status{}, f.err
}

// Only what is proven ends an attempt; anything else is unknown.
func TestErrorOfACallDecidesTheState(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]struct {
		state  payment.AttemptState
		reason string
	}{
		payment.ErrDeclined: {payment.AttemptFailed, "payment.declined"},
		payment.ErrRefused:  {payment.AttemptFailed, "payment.refused"},
		fmt.Errorf("wire: %w", payment.ErrUnrepresentable): {payment.AttemptFailed, "payment.amount_unrepresentable"},
		payment.ErrRetryable:          {payment.AttemptFailed, "payment.unavailable"},
		payment.ErrUnknownOutcome:     {payment.AttemptUnknown, ""},
		context.DeadlineExceeded:      {payment.AttemptUnknown, ""},
		platform.ErrState:             {payment.AttemptUnknown, ""},
		errors.New("502 Bad Gateway"): {payment.AttemptUnknown, ""},
	} {
		v := newWorld(setup{})
		v.hooks.Gateway = failing{v.bank, err}

		a, got := v.pay(v.placed(t), sandbox.OK)

		assert.Equal(t, errors.Is(err, payment.ErrRetryable), errors.Is(got, payment.ErrUnavailable))
		assert.Equal(t, want.state, a.State, err)
		assert.Equal(t, want.reason, a.Reason)
	}
}

// The platform acts in the tenant whose data it is.
func TestTenantPays(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	w := v.w
	w.Tenant = "north"
	s := payment.New(w, payment.StoreOn(v.db), payment.Ports{Books: ledger{}, Subject: shop{db: v.db}, Gateways: []payment.Gateway{v.bank}}, nil)
	tenant := customer
	tenant.Tenant = "north"

	a, err := s.Pay(by(tenant), payment.Pay{Intent: full(o), Method: sandbox.OK})

	require.NoError(t, err)
	assert.Equal(t, payment.AttemptCaptured, a.State)
	_, err = s.Attempt(by(customer), a.ID)
	require.ErrorIs(t, err, platform.ErrNotFound)
}

func TestPartsAddUpToTheTotal(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	part := func(amount string) (payment.Attempt, error) {
		return v.s.Pay(by(customer), payment.Pay{Intent: full(o), Method: sandbox.OK, Amount: yuan(amount)})
	}

	_, err := part("40.00")
	require.NoError(t, err)
	assert.Equal(t, payment.IntentPartlySecured, v.intent(t, o).State)
	assert.Equal(t, "open", v.sale(t, o).State)
	assert.Equal(t, yuan("40.00"), v.sale(t, o).Captured)
	_, err = part("60.01")
	require.ErrorIs(t, err, payment.ErrExceedsRest)
	assert.Equal(t, yuan("60.00"), platform.Details(err)["rest"])
	_, err = part("0.00")
	require.ErrorIs(t, err, payment.ErrAmount)
	_, err = part("-1.00")
	require.ErrorIs(t, err, platform.ErrInvalid)
	_, err = v.s.Pay(by(customer), payment.Pay{Intent: full(o), Method: sandbox.OK, Amount: platform.MustMoney("1.00", "USD")})
	require.Equal(t, "money.currency_mixed", platform.Code(err))
	a, err := v.pay(o, sandbox.OK)
	require.NoError(t, err)

	assert.Equal(t, yuan("60.00"), a.Amount)
	assert.Equal(t, payment.IntentCaptured, v.intent(t, o).State)
	assert.Equal(t, "confirmed", v.sale(t, o).State)
}

// 32 at once under one key: one attempt, one charge, one answer.
func TestParallelPaysOfOneKeyAreOneAttempt(t *testing.T) {
	t.Parallel()
	for _, method := range []string{sandbox.OK, sandbox.Timeout, sandbox.Decline} {
		v := newWorld(setup{})
		o := v.placed(t)
		answers, errs := together(32, func(int) (payment.Attempt, error) {
			return v.s.Pay(platform.WithKey(by(customer), "k1"), payment.Pay{Intent: full(o), Method: method})
		})

		for i, a := range answers {
			require.NoError(t, errs[i])
			assert.Equal(t, answers[0].ID, a.ID)
		}
		require.NoError(t, v.after(4*time.Minute))
		assert.Len(t, v.attempts(t), 1)
		assert.False(t, v.attempt(t, answers[0].ID).Open())
		v.conserved(t)
	}
}

// 32 at once, each with a key of its own, at an institution that may answer,
// stay silent, or be slow: one charge, and everybody hears the truth.
func TestE1ParallelPaysShareTheActiveAttempt(t *testing.T) {
	t.Parallel()
	for _, method := range []string{sandbox.OK, sandbox.Timeout, sandbox.Delay, sandbox.RequiresAction} {
		v := newWorld(setup{})
		o := v.placed(t)
		answers, errs := together(32, func(n int) (payment.Attempt, error) {
			ctx := platform.WithKey(by(customer), "k"+strconv.Itoa(n))
			return v.s.Pay(ctx, payment.Pay{Intent: full(o), Method: method})
		})

		only := v.attempts(t)
		require.Len(t, only, 1, method)
		took := 0
		for i, err := range errs {
			if err != nil { // came after the capture
				require.ErrorIs(t, err, payment.ErrSecured)
				assert.Equal(t, payment.AttemptCaptured, only[0].State)
				continue
			}
			took++
			assert.Equal(t, only[0].ID, answers[i].ID)
		}
		assert.Positive(t, took)
		require.NoError(t, v.after(4*time.Minute))
		require.NoError(t, v.quiesce())
		assert.LessOrEqual(t, v.totals(t).Charges, 1)
		v.conserved(t)
	}
}

// While the institution thinks, everybody else gets the attempt under way.
func TestPayJoinsTheAttemptUnderWay(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	var others sync.WaitGroup
	others.Add(31)
	v.hooks.before = func(string, payment.Key) bool { others.Wait(); return true }

	answers, errs := together(32, func(n int) (payment.Attempt, error) {
		a, err := v.s.Pay(platform.WithKey(by(customer), "k"+strconv.Itoa(n)), payment.Pay{Intent: full(o), Method: sandbox.OK})
		if a.State == payment.AttemptSent {
			others.Done()
		}
		return a, err
	})

	captured := 0
	for i, a := range answers {
		require.NoError(t, errs[i])
		assert.Equal(t, answers[0].ID, a.ID)
		if a.State == payment.AttemptCaptured {
			captured++
		}
	}
	assert.Equal(t, 1, captured, "the one that called")
	assert.Equal(t, 1, v.totals(t).Charges)
}

func together[A any](n int, do func(int) (A, error)) ([]A, []error) {
	answers, errs := make([]A, n), make([]error, n)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range n {
		done.Go(func() {
			start.Wait()
			answers[i], errs[i] = do(i)
		})
	}
	start.Done()
	done.Wait()
	return answers, errs
}

// What the institution said is recorded however often others get in between.
func TestResultIsRecordedThroughConflicts(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{tries: 3, store: func(db platform.DB) platform.DB { return &stubborn{DB: db, refuse: 40} }})
	o := v.placed(t)

	a, err := v.pay(o, sandbox.OK)

	require.NoError(t, err)
	assert.Equal(t, payment.AttemptCaptured, a.State)
	v.conserved(t)
}

// stubborn refuses the recording of a capture many times.
type stubborn struct {
	platform.DB
	mu     sync.Mutex
	refuse int
}

func (s *stubborn) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range set.Changes {
		if e, ok := c.Value.(platform.Event); ok && e.Type == "payment.captured" && s.refuse > 0 {
			s.refuse--
			return platform.Receipt{}, platform.ErrConflict
		}
	}
	return s.DB.Commit(ctx, set)
}

func TestPayerWhoLeavesIsRecordedAsUnknown(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	ctx, leave := context.WithCancel(by(customer))
	v.hooks.before = func(string, payment.Key) bool { leave(); return true }

	a, err := v.s.Pay(ctx, payment.Pay{Intent: full(o), Method: sandbox.OK})

	require.NoError(t, err)
	assert.Equal(t, payment.AttemptUnknown, a.State)
	v.hooks.before = nil
	require.NoError(t, v.after(4*time.Minute))
	assert.Equal(t, payment.AttemptFailed, v.attempt(t, a.ID).State, "it never arrived")
	assert.Empty(t, v.intent(t, o).Active)
}

func TestOnlyThePayerPaysAndSees(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	in := payment.Pay{Intent: full(o), Method: sandbox.OK}
	foreign := customer
	foreign.Tenant = "other"

	for name, c := range map[string]struct {
		ctx  context.Context
		want error
	}{
		"nobody":        {context.Background(), platform.ErrDenied},
		"stranger":      {by(stranger), platform.ErrNotFound},
		"merchant":      {by(platform.Actor{ID: "mer_1", Kind: platform.Merchant}), platform.ErrNotFound},
		"other tenant":  {by(foreign), platform.ErrNotFound},
		"auditor":       {by(auditor), platform.ErrDenied},
		"without actor": {platform.As(context.Background(), platform.Actor{}), platform.ErrDenied},
	} {
		_, err := v.s.Pay(c.ctx, in)
		require.ErrorIs(t, err, c.want, name)
	}
	onBehalf := platform.Actor{ID: clerk.ID, Kind: platform.Operator, OnBehalf: customer.ID}
	a, err := v.s.Pay(by(onBehalf), in)
	require.NoError(t, err)

	for name, read := range map[string]func(ctx context.Context) error{
		"intent":  func(ctx context.Context) error { _, err := v.s.Intent(ctx, full(o)); return err },
		"intents": func(ctx context.Context) error { _, err := v.s.Intents(ctx, o.Ref()); return err },
		"attempt": func(ctx context.Context) error { _, err := v.s.Attempt(ctx, a.ID); return err },
		"look":    func(ctx context.Context) error { _, err := v.s.Look(ctx, payment.Look{Attempt: a.ID}); return err },
	} {
		require.NoError(t, read(by(customer)), name)
		require.NoError(t, read(by(auditor)), name)
		require.ErrorIs(t, read(by(stranger)), platform.ErrNotFound, name)
		require.ErrorIs(t, read(by(foreign)), platform.ErrNotFound, name)
		require.ErrorIs(t, read(context.Background()), platform.ErrDenied, name)
	}
}

func TestPayRefusesBadInput(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	for code, in := range map[string]payment.Pay{
		"id.wrong_kind":                 {Intent: o.ID, Method: sandbox.OK},
		"id.malformed":                  {Intent: "int_1", Method: sandbox.OK},
		"field.required":                {Intent: full(o)},
		"payment.card_data":             {Intent: full(o), Method: "4111 1111 1111 1111"},
		"field.printascii":              {Intent: full(o), Method: "卡"},
		"payment.intent.not_found":      {Intent: payment.IntentID(o.Ref(), payment.Tip), Method: sandbox.OK},
		"payment.institution_not_found": {Intent: full(o), Method: sandbox.OK, Institution: "other"},
	} {
		_, err := v.s.Pay(by(customer), in)
		assert.Equal(t, code, platform.Code(err))
	}
	_, err := v.s.Pay(by(customer), payment.Pay{Intent: full(o), Method: "4111111111111112"})
	require.NoError(t, err, "not a card number: the check digit is wrong")
}

func TestNothingIsPaidAfterDue(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	v.clock.Advance(15*time.Minute - time.Millisecond)
	early, err := v.s.Intent(by(customer), full(o))
	require.NoError(t, err)
	require.NoError(t, early.MayPay(platform.Customer, v.clock.Now()))

	v.clock.Advance(time.Millisecond) // nobody has ticked
	_, err = v.pay(o, sandbox.OK)
	require.ErrorIs(t, err, payment.ErrTooLate)
	require.NoError(t, v.after(0))
	_, err = v.pay(o, sandbox.OK)
	require.ErrorIs(t, err, payment.ErrNotPayable)
	assert.Equal(t, payment.IntentExpired, v.intent(t, o).State)
	assert.Zero(t, v.totals(t).Charges)
}

func TestLicenceIsCheckedAtTheClaim(t *testing.T) {
	t.Parallel()
	licence := payment.Licence{Number: "demo", ValidUntil: noon.Add(time.Minute), CheckedAt: noon}
	v := newWorld(setup{licence: &licence})
	o, other := v.paid(t, sandbox.OK), v.placed(t)
	g, err := v.refund(o, price)
	require.NoError(t, err)

	v.clock.Advance(time.Minute)
	_, err = v.pay(other, sandbox.OK)
	require.ErrorIs(t, err, payment.ErrUnlicensed)
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = v.s.Pay(by(customer), payment.Pay{Intent: full(other), Method: sandbox.OK, Institution: "sandbox"})
	require.ErrorIs(t, err, payment.ErrUnlicensed)
	require.NoError(t, v.after(0))

	assert.Equal(t, "succeeded", read[giving](t, v, "order.refund", g.ID).State, "what was paid before goes back all the same")
	v.conserved(t)
}

// judge is a screen that says the same to everybody.
type judge struct {
	outcome string
	mu      sync.Mutex
	asked   []platform.Event
}

func (j *judge) Screen(_ context.Context, ev platform.Event) (string, []platform.Change, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.asked = append(j.asked, ev)
	if j.knows(ev.ID) {
		return j.outcome, nil, nil
	}
	v := verdictOf{Head: platform.Head{ID: ev.ID.As("ver")}, Outcome: j.outcome}
	return j.outcome, []platform.Change{platform.Put(v)}, nil
}

// knows tells whether the event was judged before.
func (j *judge) knows(id platform.ID) bool {
	for _, ev := range j.asked[:len(j.asked)-1] {
		if ev.ID == id {
			return true
		}
	}
	return false
}

func TestScreenJudgesBeforeTheClaim(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[string]error{"allow": nil, "review": nil, "block": payment.ErrBlocked} {
		j := &judge{outcome: outcome}
		v := newWorld(setup{screen: j})
		o := v.placed(t)

		_, err := v.s.Pay(platform.WithKey(by(customer), "k1"), payment.Pay{Intent: full(o), Method: sandbox.OK})

		require.ErrorIs(t, err, want)
		require.Len(t, j.asked, 1)
		assert.Equal(t, "payment.pay", j.asked[0].Type)
		assert.Equal(t, o.Ref(), j.asked[0].Subject)
		assert.JSONEq(t, `{"customer":"`+string(customer.ID)+`","amount":{"amount":"100.00","currency":"CNY"},"purpose":"full","institution":""}`, string(j.asked[0].Data))
		assert.Equal(t, outcome, read[verdictOf](t, v, "test.verdict", j.asked[0].ID.As("ver")).Outcome, "the decision is kept")
		if want != nil {
			assert.Zero(t, v.totals(t).Charges)
			assert.ElementsMatch(t, []string{"payment.asked", "payment.blocked"}, v.events(t, v.intent(t, o).Ref()))
			continue
		}
		_, err = v.s.Pay(platform.WithKey(by(customer), "k1"), payment.Pay{Intent: full(o), Method: sandbox.OK})
		require.NoError(t, err)
		assert.Len(t, j.asked, 1, "what was answered is not judged again")
	}
}

// slow is a screen during whose judgement something else happens.
type slow struct {
	*judge
	meanwhile func()
}

func (s slow) Screen(ctx context.Context, ev platform.Event) (string, []platform.Change, error) {
	s.meanwhile()
	return s.judge.Screen(ctx, ev)
}

// What was read to be screened is paid only if it still stands, and refuses
// nothing that would be possible now.
func TestIntentThatMovesWhileItIsScreenedIsReadAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile func(*testing.T, *world, sale)
		amount    platform.Money
		want      error
	}{
		"cancelled": {func(t *testing.T, v *world, o sale) {
			t.Helper()
			require.NoError(t, v.cancel(o))
		}, platform.Money{}, payment.ErrNotPayable},
		"raised": {func(t *testing.T, v *world, o sale) {
			t.Helper()
			require.NoError(t, v.update(customer, func(ctx context.Context) ([]platform.Change, error) {
				return v.asks.Ask(ctx, o.Ref(), "full", yuan("120.00"), payBy)
			}))
		}, yuan("110.00"), nil},
	} {
		s := slow{judge: &judge{outcome: "allow"}}
		var v *world
		var o sale
		s.meanwhile = func() { c.meanwhile(t, v, o) }
		v = newWorld(setup{screen: &s})
		o = v.placed(t)

		a, err := v.s.Pay(by(customer), payment.Pay{Intent: full(o), Amount: c.amount, Method: sandbox.OK})

		require.ErrorIs(t, err, c.want, name)
		assert.Equal(t, c.want != nil, a.ID == "", name)
		assert.Equal(t, map[bool]int{true: 0, false: 1}[c.want != nil], v.totals(t).Charges, name)
	}
}

// What was blocked stays blocked under its key, as one event; another key is
// another payment.
func TestBlockedRepeatIsOneEvent(t *testing.T) {
	t.Parallel()
	j := &judge{outcome: "block"}
	v := newWorld(setup{screen: j})
	o := v.placed(t)

	for _, key := range []string{"k1", "k1", "k2", "", ""} {
		_, err := v.s.Pay(platform.WithKey(by(customer), key), payment.Pay{Intent: full(o), Method: sandbox.OK})
		require.ErrorIs(t, err, payment.ErrBlocked)
	}

	seen := map[platform.ID]int{}
	for _, ev := range j.asked {
		seen[ev.ID]++
	}
	assert.Len(t, seen, 4)
	assert.Equal(t, 2, seen[j.asked[0].ID])
	blocked := 0
	for _, e := range v.events(t, v.intent(t, o).Ref()) {
		if e == "payment.blocked" {
			blocked++
		}
	}
	assert.Equal(t, 4, blocked)
}

func TestRouteTakesTheFirstThatAdmits(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	small := limited{sandbox.New(&sandbox.Options{Name: "small", Now: v.clock.Now}), []payment.Limit{{Least: yuan("1.00"), Most: yuan("99.99")}}}
	ports := payment.Ports{Books: ledger{}, Subject: shop{db: v.db}, Gateways: []payment.Gateway{small, v.bank}}
	s := payment.New(v.w, payment.StoreOn(v.db), ports, nil)
	pay := func(total, institution string) (payment.Attempt, error) {
		o, err := v.place(yuan(total))
		require.NoError(t, err)
		return s.Pay(by(customer), payment.Pay{Intent: full(o), Method: sandbox.OK, Institution: institution})
	}

	for total, want := range map[string]string{"0.99": "sandbox", "1.00": "small", "99.99": "small", "100.00": "sandbox"} {
		a, err := pay(total, "")
		require.NoError(t, err)
		assert.Equal(t, want, a.Institution, total)
	}
	_, err := pay("100.00", "small")
	require.ErrorIs(t, err, payment.ErrNoChannel)
	lone := payment.New(v.w, payment.StoreOn(v.db), payment.Ports{Books: ledger{}, Subject: shop{db: v.db}}, nil)
	_, err = lone.Pay(by(customer), payment.Pay{Intent: full(v.placed(t)), Method: sandbox.OK})
	require.ErrorIs(t, err, payment.ErrNoChannel)
}

// limited is an institution that takes some amounts only.
type limited struct {
	*sandbox.Sandbox
	limits []payment.Limit
}

func (l limited) Info() payment.Info {
	info := l.Sandbox.Info()
	info.Limits = l.limits
	return info
}

func TestConstructionRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	store := payment.StoreOn(v.db)
	for name, ports := range map[string]payment.Ports{
		"no books":          {Subject: shop{db: v.db}},
		"no subject":        {Books: ledger{}},
		"institution twice": {Books: ledger{}, Subject: shop{db: v.db}, Gateways: []payment.Gateway{v.bank, v.bank}},
	} {
		assert.Panics(t, func() { payment.New(v.w, store, ports, nil) }, name)
	}
	for _, name := range []string{"My Bank", "bank:1", "银行", strings.Repeat("b", 65)} { // no account could be kept for it
		bank := payment.Ports{Books: ledger{}, Subject: shop{db: v.db}, Gateways: []payment.Gateway{sandbox.New(&sandbox.Options{Name: name})}}
		assert.Panics(t, func() { payment.New(v.w, store, bank, nil) }, name)
	}
	demo := payment.Ports{Books: ledger{}, Subject: shop{db: v.db}, Gateways: []payment.Gateway{v.bank}}
	assert.Panics(t, func() { payment.New(v.w, store, demo, &payment.Options{Production: true, Basis: "Z2010"}) }, "F31: demo in production")
	serious := payment.Ports{Books: ledger{}, Subject: shop{db: v.db}, Gateways: []payment.Gateway{earnest{v.bank}}}
	assert.Panics(t, func() { payment.New(v.w, store, serious, &payment.Options{Production: true}) }, "others' money on no basis")
	assert.NotPanics(t, func() { payment.New(v.w, store, serious, &payment.Options{Production: true, Basis: "Z2010"}) })
	assert.NotPanics(t, func() { payment.New(v.w, store, demo, nil) })
}

// earnest is an institution that says that it moves real money.
type earnest struct{ payment.Gateway }

func (g earnest) Info() payment.Info {
	info := g.Gateway.Info()
	info.Demo = false
	return info
}

func TestGuardIsAsked(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	a, err := v.pay(o, sandbox.RequiresAction)
	require.NoError(t, err)
	w := v.w
	w.Guard = shut{}
	s := payment.New(w, payment.StoreOn(v.db), payment.Ports{Books: ledger{}, Subject: shop{db: v.db}, Gateways: []payment.Gateway{v.bank}}, nil)

	_, err = s.Pay(by(customer), payment.Pay{Intent: full(o), Method: sandbox.OK})
	require.ErrorIs(t, err, platform.ErrDenied)
	assert.Equal(t, "payment.pay on "+v.intent(t, o).Ref().String(), platform.Details(err)["asked"])
	_, err = s.Look(by(customer), payment.Look{Attempt: a.ID})
	require.ErrorIs(t, err, platform.ErrDenied)
	assert.Equal(t, "payment.look on "+a.Ref().String(), platform.Details(err)["asked"])
}

// shut is a guard that lets nobody pass, and says what it was asked.
type shut struct{}

func (shut) Permit(_ context.Context, act platform.Act) ([]platform.Change, error) {
	return nil, platform.Detail(platform.ErrDenied, "asked", act.Action+" on "+act.On.String())
}
