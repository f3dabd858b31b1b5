package gatewaytest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
	"github.com/liangding/platform/store/storetest"
)

// world is a sandbox with all hands on it, and a gateway before it that may be
// spoilt.
func world(faults sandbox.Faults, spoil func(*sandbox.Sandbox) payment.Gateway) *bench {
	clock := storetest.NewClock(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
	s := sandbox.New(&sandbox.Options{Seed: 1, Now: clock.Now, Faults: faults})
	stranger := sandbox.New(&sandbox.Options{Now: clock.Now, Secret: "b3RoZXItc2VjcmV0"})
	tokens := map[Fault]string{NotReached: sandbox.Down, LostBefore: sandbox.Lost, LostAfter: sandbox.Timeout, BrokenAfter: sandbox.Broken, Hangs: sandbox.Hang, Bounces: sandbox.Bounce}
	letters := func(s *sandbox.Sandbox) (all []Letter) {
		for _, l := range s.Drain() {
			all = append(all, Letter(l))
		}
		return all
	}
	var gateway payment.Gateway = s
	if spoil != nil {
		gateway = spoil(s)
	}
	return &bench{Institution: Institution{
		Gateway: gateway, Method: sandbox.OK, Codes: []string{"card_declined"},
		Receivers: []payment.Receiver{{Account: "one"}, {Account: "two"}},
		Now:       clock.Now, Advance: func(d time.Duration) { clock.Advance(d) },
		Fail:    func(k payment.Key, f Fault) { s.Force(k, tokens[f]) },
		Decline: func(k payment.Key, code string) { s.Force(k, sandbox.Decline+":"+code) },
		Letters: func() []Letter { return letters(s) },
		Foreign: func() Letter {
			_, _ = stranger.Charge(context.Background(), payment.Charge{Key: "a", Amount: platform.MustMoney("1.00", "CNY"), Method: sandbox.OK})
			return letters(stranger)[0]
		},
		Balance: func(c platform.Currency) platform.Money { sum, _ := s.Balance("", c); return sum },
	}}
}

// spoilt is a sandbox whose answers pass through what is not nil.
type spoilt struct {
	*sandbox.Sandbox
	charge  func(context.Context, payment.Charge) (payment.Status, error)
	refund  func(payment.Status, error) (payment.Status, error)
	lookup  func(payment.Status, error) (payment.Status, error)
	capture func(payment.Status, error) (payment.Status, error)
	split   func(payment.Status, error) (payment.Status, error)
	payout  func(payment.Status, error) (payment.Status, error)
	apply   func(payment.Standing, error) (payment.Standing, error)
	notices func([]payment.Notice, error) ([]payment.Notice, error)
}

func (g spoilt) Charge(ctx context.Context, c payment.Charge) (payment.Status, error) {
	if g.charge == nil {
		return g.Sandbox.Charge(ctx, c)
	}
	return g.charge(ctx, c)
}

func through(f func(payment.Status, error) (payment.Status, error), st payment.Status, err error) (payment.Status, error) {
	if f == nil {
		return st, err
	}
	return f(st, err)
}

func (g spoilt) Refund(ctx context.Context, r payment.Refund) (payment.Status, error) {
	st, err := g.Sandbox.Refund(ctx, r)
	return through(g.refund, st, err)
}

func (g spoilt) Lookup(ctx context.Context, k payment.Key) (payment.Status, error) {
	st, err := g.Sandbox.Lookup(ctx, k)
	return through(g.lookup, st, err)
}

func (g spoilt) Capture(ctx context.Context, c payment.Capture) (payment.Status, error) {
	st, err := g.Sandbox.Capture(ctx, c)
	return through(g.capture, st, err)
}

func (g spoilt) Split(ctx context.Context, p payment.Split) (payment.Status, error) {
	st, err := g.Sandbox.Split(ctx, p)
	return through(g.split, st, err)
}

func (g spoilt) Apply(ctx context.Context, a payment.Application) (payment.Standing, error) {
	st, err := g.Sandbox.Apply(ctx, a)
	if g.apply == nil {
		return st, err
	}
	return g.apply(st, err)
}

func (g spoilt) LookupPayout(ctx context.Context, p payment.Payout) (payment.Status, error) {
	st, err := g.Sandbox.LookupPayout(ctx, p)
	return through(g.payout, st, err)
}

func (g spoilt) Notices(ctx context.Context, header map[string][]string, raw []byte) ([]payment.Notice, error) {
	read, err := g.Sandbox.Notices(ctx, header, raw)
	if g.notices == nil {
		return read, err
	}
	return g.notices(read, err)
}

// swallow takes a refusal for success.
func swallow(st payment.Status, err error) (payment.Status, error) {
	if errors.Is(err, payment.ErrRefused) {
		return payment.Status{Key: st.Key, Outcome: payment.Done}, nil
	}
	return st, err
}

// instead gives another error for one.
func instead(of, other error) func(payment.Status, error) (payment.Status, error) {
	return func(st payment.Status, err error) (payment.Status, error) {
		if errors.Is(err, of) {
			return st, fmt.Errorf("spoilt: %w", other)
		}
		return st, err
	}
}

// charging spoils the answers to charges alone.
func charging(f func(payment.Status, error) (payment.Status, error)) func(*sandbox.Sandbox) payment.Gateway {
	return func(s *sandbox.Sandbox) payment.Gateway {
		return spoilt{Sandbox: s, charge: func(ctx context.Context, c payment.Charge) (payment.Status, error) {
			st, err := s.Charge(ctx, c)
			return f(st, err)
		}}
	}
}

func TestEachRuleFindsWhatBreaksIt(t *testing.T) {
	t.Parallel()
	with := func(g spoilt) func(*sandbox.Sandbox) payment.Gateway {
		return func(s *sandbox.Sandbox) payment.Gateway { g.Sandbox = s; return g }
	}
	var ids atomic.Int64
	for _, c := range []struct {
		rule   int
		what   string
		faults sandbox.Faults
		spoil  func(*sandbox.Sandbox) payment.Gateway
	}{
		{1, "a key of its own for each call", sandbox.Faults{}, func(s *sandbox.Sandbox) payment.Gateway {
			return spoilt{Sandbox: s, charge: func(ctx context.Context, c payment.Charge) (payment.Status, error) {
				if _, err := s.Lookup(ctx, c.Key); err == nil {
					again := c
					again.Key = payment.Key(fmt.Sprint(c.Key, ids.Add(1)))
					_, _ = s.Charge(ctx, again)
				}
				return s.Charge(ctx, c)
			}}
		}},
		{2, "the first answer, whatever the body", sandbox.Faults{}, charging(swallow)},
		{3, "unknown is called declined", sandbox.Faults{}, charging(instead(payment.ErrUnknownOutcome, payment.ErrDeclined))},
		{3, "unknown is called retryable, of a refund", sandbox.Faults{}, with(spoilt{refund: instead(payment.ErrUnknownOutcome, payment.ErrRetryable)})},
		{4, "what is not found is called declined", sandbox.Faults{}, with(spoilt{lookup: func(st payment.Status, err error) (payment.Status, error) {
			if st.Outcome == payment.Absent {
				st.Outcome = payment.Declined
			}
			return st, err
		}})},
		{5, "a refused connection is called unknown", sandbox.Faults{}, charging(instead(payment.ErrRetryable, payment.ErrUnknownOutcome))},
		{6, "who left is told that it was declined", sandbox.Faults{}, charging(instead(payment.ErrUnknownOutcome, payment.ErrDeclined))},
		{7, "the code is dropped", sandbox.Faults{}, charging(func(st payment.Status, err error) (payment.Status, error) { st.Code = ""; return st, err })},
		{7, "a code never heard of is unknown", sandbox.Faults{}, charging(func(st payment.Status, err error) (payment.Status, error) {
			if st.Code == "never_heard_of" {
				err = payment.ErrUnknownOutcome
			}
			return st, err
		})},
		{8, "two decimals for all", sandbox.Faults{}, func(s *sandbox.Sandbox) payment.Gateway {
			return spoilt{Sandbox: s, charge: func(ctx context.Context, c payment.Charge) (payment.Status, error) {
				if !c.Amount.Absent() && c.Amount.Currency().Exponent() == 3 {
					c.Amount, _ = platform.FromMinor(c.Amount.Minor()/10*10, c.Amount.Currency())
				}
				return s.Charge(ctx, c)
			}}
		}},
		{9, "a new id each time", sandbox.Faults{}, with(spoilt{notices: func(read []payment.Notice, err error) ([]payment.Notice, error) {
			for i := range read {
				read[i].ID = strconv.FormatInt(ids.Add(1), 10)
			}
			return read, err
		}})},
		{10, "a notice of any age", sandbox.Faults{}, with(spoilt{notices: func(read []payment.Notice, err error) ([]payment.Notice, error) {
			if errors.Is(err, payment.ErrNoticeStale) {
				return []payment.Notice{{ID: "old"}}, nil
			}
			return read, err
		}})},
		{10, "a notice of anybody", sandbox.Faults{}, with(spoilt{notices: func(read []payment.Notice, err error) ([]payment.Notice, error) {
			if errors.Is(err, payment.ErrNoticeSignature) {
				return nil, nil
			}
			return read, err
		}})},
		{11, "refunds without end", sandbox.Faults{}, with(spoilt{refund: swallow})},
		{12, "refunds that all go well", sandbox.Faults{}, with(spoilt{refund: swallow})},
		{13, "captures without end", sandbox.Faults{}, with(spoilt{capture: swallow})},
		{14, "splits without end", sandbox.Faults{}, with(spoilt{split: swallow})},
		{15, "a payout that is paid for ever", sandbox.Faults{}, with(spoilt{payout: func(st payment.Status, err error) (payment.Status, error) {
			if st.Outcome == payment.Returned {
				st.Outcome = payment.Done
			}
			return st, err
		}})},
		{16, "a line is missing", sandbox.Faults{LineMissing: 1}, nil},
		{16, "a line is doubled", sandbox.Faults{LineDoubled: 1}, nil},
		{16, "a line is altered", sandbox.Faults{LineAltered: 1}, nil},
		{17, "a call from everywhere", sandbox.Faults{}, func(s *sandbox.Sandbox) payment.Gateway {
			return spoilt{Sandbox: s, charge: func(_ context.Context, c payment.Charge) (payment.Status, error) {
				return s.Charge(context.Background(), c)
			}}
		}},
		{18, "an account each time", sandbox.Faults{}, with(spoilt{apply: func(st payment.Standing, err error) (payment.Standing, error) {
			st.Account += strconv.FormatInt(ids.Add(1), 10)
			return st, err
		}})},
		{18, "no shares, and no reason", sandbox.Faults{}, with(spoilt{apply: func(st payment.Standing, err error) (payment.Standing, error) {
			st.Receives = false
			return st, err
		}})},
		{19, "refunds of what is not there", sandbox.Faults{}, with(spoilt{refund: swallow})},
		{19, "nothing goes out twice", sandbox.Faults{}, with(spoilt{split: func(st payment.Status, err error) (payment.Status, error) {
			if ids.Add(1) > 3 {
				return st, payment.ErrRefused
			}
			return st, err
		}})},
	} {
		t.Run(fmt.Sprintf("%02d %s", c.rule, c.what), func(t *testing.T) {
			t.Parallel()
			r := rules()[c.rule-1]
			require.Equal(t, c.rule, r.number)

			assert.NoError(t, r.check(t.Context(), world(sandbox.Faults{}, nil)), "a sound one passes")
			assert.Error(t, r.check(t.Context(), world(c.faults, c.spoil)), "and this one does not")
		})
	}
}

// core is a gateway that offers nothing besides the five methods.
type core struct{ payment.Gateway }

func TestWhatIsNotOfferedIsAGap(t *testing.T) {
	t.Parallel()
	for _, number := range []int{13, 14, 15, 16, 18, 19} {
		b := world(sandbox.Faults{}, func(s *sandbox.Sandbox) payment.Gateway { return core{s} })

		err := rules()[number-1].check(t.Context(), b)

		require.NoError(t, err)
		assert.Len(t, b.gaps, 1, "rule %d", number)
	}
}
