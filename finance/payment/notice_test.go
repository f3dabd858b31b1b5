package payment_test

import (
	"bytes"
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

func (v *world) inbox(t *testing.T) []payment.Received {
	t.Helper()
	list, err := all[payment.Received](v.db, "payment.notice")
	require.NoError(t, err)
	return list
}

func (v *world) receive(l sandbox.Letter) error {
	return v.s.Receive(context.Background(), "sandbox", l.Header, l.Body)
}

func TestNoticeEndsWhatWasUnknown(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	a, err := v.pay(o, sandbox.Timeout)
	require.NoError(t, err)
	require.Equal(t, payment.AttemptUnknown, a.State)

	v.clock.Advance(time.Minute)
	require.NoError(t, v.deliver())

	assert.Equal(t, payment.AttemptCaptured, v.attempt(t, a.ID).State)
	assert.Equal(t, "confirmed", v.sale(t, o).State)
	require.Len(t, v.inbox(t), 1)
	assert.Equal(t, payment.NoticeApplied, v.inbox(t)[0].State)
	v.conserved(t)
}

// The institution's notice may overtake the answer of its own call.
func TestE3NoticeBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	v.hooks.after = func(operation string, _ payment.Key) {
		if operation == "charge" {
			assert.NoError(t, v.deliver())
		}
	}

	a, err := v.pay(o, sandbox.OK)

	require.NoError(t, err)
	assert.Equal(t, payment.AttemptCaptured, a.State)
	assert.Equal(t, payment.NoticeApplied, v.inbox(t)[0].State)
	assert.ElementsMatch(t, []string{"payment.attempted", "payment.captured"}, v.events(t, a.Ref()))
	v.conserved(t)
}

func TestParallelDeliveriesApplyOnce(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	a, err := v.pay(o, sandbox.Timeout)
	require.NoError(t, err)
	v.clock.Advance(time.Minute)
	letter := v.bank.Drain()[0]

	_, errs := together(16, func(int) (int, error) { return 0, v.receive(letter) })

	for _, err := range errs {
		require.NoError(t, err, "each is answered 200")
	}
	assert.Len(t, v.inbox(t), 1)
	assert.ElementsMatch(t, []string{"payment.attempted", "payment.unknown", "payment.captured"}, v.events(t, a.Ref()))
	v.conserved(t)
}

// Pending comes after done, twice: nothing moves back.
func TestOlderNoticeIsFiledWithoutEffect(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{faults: sandbox.Faults{Reorder: 1}})
	o := v.placed(t)
	a, err := v.pay(o, sandbox.Delay)
	require.NoError(t, err)
	v.clock.Advance(time.Hour)
	letters := v.bank.Drain()
	require.Len(t, letters, 2)

	for range 2 {
		for _, l := range letters {
			require.NoError(t, v.receive(l))
		}
	}

	assert.Equal(t, payment.AttemptCaptured, v.attempt(t, a.ID).State)
	states := map[payment.Outcome]payment.InboxState{}
	for _, n := range v.inbox(t) {
		states[n.Outcome] = n.State
	}
	assert.Equal(t, map[payment.Outcome]payment.InboxState{payment.Done: payment.NoticeApplied, payment.Pending: payment.NoticeFiled}, states)
	v.conserved(t)
}

func TestForgedAndStaleNoticesAreRefused(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	_, err := v.pay(v.placed(t), sandbox.Timeout)
	require.NoError(t, err)
	v.clock.Advance(time.Minute)
	genuine := v.bank.Drain()[0]
	forger := sandbox.New(&sandbox.Options{Now: v.clock.Now, Secret: "Zm9yZ2Vy"})
	_, err = forger.Charge(t.Context(), payment.Charge{Key: payment.Key(v.attempts(t)[0].ID), Amount: price, Method: sandbox.OK})
	require.NoError(t, err)
	altered := sandbox.Letter{Header: genuine.Header, Body: bytes.Replace(genuine.Body, []byte("100.00"), []byte("900.00"), 1)}
	unsigned := sandbox.Letter{Header: maps.Clone(genuine.Header), Body: genuine.Body}
	delete(unsigned.Header, "Webhook-Signature")
	large := sandbox.Letter{Header: genuine.Header, Body: []byte(strings.Repeat(" ", 64<<10+1))}

	require.ErrorIs(t, v.receive(forger.Drain()[0]), payment.ErrNoticeSignature)
	require.ErrorIs(t, v.receive(altered), payment.ErrNoticeSignature)
	require.ErrorIs(t, v.receive(unsigned), platform.ErrDenied)
	require.ErrorIs(t, v.receive(large), payment.ErrNoticeSize)
	require.ErrorIs(t, v.s.Receive(t.Context(), "other", genuine.Header, genuine.Body), payment.ErrInstitution)
	v.clock.Advance(5*time.Minute + time.Second)
	require.ErrorIs(t, v.receive(genuine), payment.ErrNoticeStale)

	assert.Empty(t, v.inbox(t), "nothing of it is kept")
	assert.Equal(t, payment.AttemptUnknown, v.attempts(t)[0].State)
}

// forged speaks for the sandbox with words of its own.
type forged struct {
	payment.Gateway
	says payment.Notice
}

func (f forged) Notices(context.Context, map[string][]string, []byte) ([]payment.Notice, error) {
	return []payment.Notice{f.says}, nil
}

// says hands the service a notice that the institution did sign.
func (v *world) says(n payment.Notice) error {
	v.hooks.Gateway = forged{v.bank, n}
	defer func() { v.hooks.Gateway = v.bank }()
	return v.s.Receive(context.Background(), "sandbox", nil, []byte(n.ID))
}

// A notice is a hint: what the institution's own look-up does not confirm moves
// nothing.
func TestUnconfirmedNoticeWaits(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	a, err := v.pay(o, sandbox.RequiresAction)
	require.NoError(t, err)
	captured := payment.Notice{ID: "msg_1", At: noon, Status: payment.Status{Key: a.Key(), Outcome: payment.Done, Amount: price}}

	require.NoError(t, v.says(captured))
	assert.Equal(t, payment.AttemptRequiresAction, v.attempt(t, a.ID).State)
	assert.Equal(t, payment.NoticeWaiting, v.inbox(t)[0].State)
	require.NoError(t, v.bank.Act(a.Key(), true))
	require.NoError(t, v.says(captured), "the institution repeats it")

	assert.Equal(t, payment.AttemptCaptured, v.attempt(t, a.ID).State)
	assert.Equal(t, payment.NoticeApplied, v.inbox(t)[0].State)
	v.conserved(t)
}

func TestWaitingNoticeIsTriedAgainByTick(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	a, err := v.pay(o, sandbox.RequiresAction)
	require.NoError(t, err)
	require.NoError(t, v.bank.Act(a.Key(), true))
	v.hooks.silence(true)
	require.NoError(t, v.deliver())
	require.Equal(t, payment.AttemptRequiresAction, v.attempt(t, a.ID).State)

	v.hooks.silence(false)
	require.NoError(t, v.after(5*time.Second))

	assert.Equal(t, payment.AttemptCaptured, v.attempt(t, a.ID).State)
	v.conserved(t)
}

func TestUnmatchedNoticeWaitsADay(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	v.placed(t)
	for n, key := range []payment.Key{"att_01kdvdna00eajs4d2pf2dbsqqg", "rtn_01kdvdna00eajs4d2pf2dbsqqg", "somebody-else-7"} {
		require.NoError(t, v.says(payment.Notice{ID: string('a' + rune(n)), Status: payment.Status{Key: key, Outcome: payment.Done, Amount: price}}))
	}
	for _, n := range v.inbox(t) {
		assert.Equal(t, payment.NoticeWaiting, n.State)
	}
	require.Len(t, v.inbox(t), 3)

	require.NoError(t, v.quiesce())

	for _, n := range v.inbox(t) {
		assert.Equal(t, payment.NoticeUnmatched, n.State)
		assert.Contains(t, v.events(t, n.Ref()), "payment.notice_unmatched")
		assert.True(t, n.Due.IsZero())
	}

	seen := v.inbox(t)[0]
	in := payment.File{Notice: seen.ID, Reason: "test-notice"}
	_, err := v.s.File(by(customer), in)
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = v.s.File(by(clerk), in)
	require.NoError(t, err)
	_, err = v.s.File(by(clerk), in)
	require.ErrorIs(t, err, payment.ErrNotResolvable)
	queue, err := v.s.Queue(by(clerk), "")
	require.NoError(t, err)
	assert.Len(t, queue.Items, 2, "a notice leaves the queue once a person has seen to it")
}

// Deliveries of one notice that nobody knows what to do with are one entry too.
func TestParallelUnmatchedDeliveriesWaitOnce(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	v.hooks.Gateway = forged{v.bank, payment.Notice{ID: "msg_1", Status: payment.Status{Key: "att_01kdvdna00eajs4d2pf2dbsqqg", Outcome: payment.Done, Amount: price}}}

	_, errs := together(16, func(int) (int, error) { return 0, v.s.Receive(context.Background(), "sandbox", nil, nil) })

	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Len(t, v.inbox(t), 1)
	n := v.inbox(t)[0]
	assert.Len(t, v.events(t, n.Ref()), n.Looks, "each try that was made is told once")
	assert.EqualValues(t, n.Looks, n.Version)
}

func TestE6OtherAmountIsQuarantined(t *testing.T) {
	t.Parallel()
	for name, short := range map[string]func(v *world, o sale) error{
		"in the answer": func(v *world, o sale) error { _, err := v.pay(o, sandbox.Short); return err },
		"in a notice": func(v *world, o sale) error {
			a, err := v.pay(o, sandbox.RequiresAction)
			if err != nil {
				return err
			}
			if err := v.bank.Act(a.Key(), true); err != nil {
				return err
			}
			return v.says(payment.Notice{ID: "msg_1", Status: payment.Status{Key: a.Key(), Outcome: payment.Done, Amount: yuan("10.00")}})
		},
	} {
		v := newWorld(setup{})
		o := v.placed(t)
		require.NoError(t, short(v, o), name)

		a := v.attempts(t)[0]
		assert.Equal(t, payment.AttemptQuarantined, a.State, name)
		assert.Equal(t, "payment.mismatch", a.Reason)
		assert.Equal(t, "open", v.sale(t, o).State, "nothing is confirmed")
		assert.Zero(t, v.balance(t, "clearing:sandbox"))
		assert.Contains(t, v.events(t, a.Ref()), "payment.quarantined")
		joined, err := v.pay(o, sandbox.OK)
		require.NoError(t, err)
		assert.Equal(t, a.ID, joined.ID, "the intent waits for the operator's word")
	}
}

// Another institution knows nothing of our keys elsewhere.
func TestNoticeOfAnotherInstitutionMovesNothing(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	other := sandbox.New(&sandbox.Options{Name: "other", Now: v.clock.Now})
	s := payment.New(v.w, payment.StoreOn(v.db), payment.Ports{Books: ledger{}, Subject: shop{db: v.db}, Gateways: []payment.Gateway{v.bank, other}}, nil)
	a, err := s.Pay(by(customer), payment.Pay{Intent: full(o), Method: sandbox.RequiresAction})
	require.NoError(t, err)
	_, err = other.Charge(t.Context(), payment.Charge{Key: a.Key(), Amount: price, Method: sandbox.OK})
	require.NoError(t, err)

	letter := other.Drain()[0]
	require.NoError(t, s.Receive(t.Context(), "other", letter.Header, letter.Body))

	assert.Equal(t, payment.AttemptRequiresAction, v.attempt(t, a.ID).State)
	assert.Equal(t, payment.NoticeUnmatched, v.inbox(t)[0].State)
}
