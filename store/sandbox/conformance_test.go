package sandbox_test

import (
	"testing"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/payment/gatewaytest"
	"github.com/liangding/platform/store/sandbox"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	gatewaytest.Conformance(t, func(t *testing.T) gatewaytest.Institution { t.Helper(); return institution(t, nil) })
}

func TestConformanceWhereRefundsComeFirst(t *testing.T) {
	t.Parallel()
	gatewaytest.Conformance(t, func(t *testing.T) gatewaytest.Institution {
		t.Helper()
		return institution(t, func(o *sandbox.Options) { o.RefundFirst = true })
	})
}

// institution is a sandbox and the hands that the suite needs on it.
func institution(t *testing.T, change func(*sandbox.Options)) gatewaytest.Institution {
	t.Helper()
	s, clock := opened(change)
	stranger, _ := opened(func(o *sandbox.Options) { o.Secret = "b3RoZXItc2VjcmV0"; o.Now = clock.Now })
	tokens := map[gatewaytest.Fault]string{
		gatewaytest.NotReached: sandbox.Down, gatewaytest.LostBefore: sandbox.Lost, gatewaytest.LostAfter: sandbox.Timeout,
		gatewaytest.BrokenAfter: sandbox.Broken, gatewaytest.Hangs: sandbox.Hang, gatewaytest.Bounces: sandbox.Bounce,
	}
	return gatewaytest.Institution{
		Gateway: s, Method: sandbox.OK, Codes: []string{"card_declined"},
		Receivers: []payment.Receiver{{Account: "acct_1"}, {Account: "acct_2"}},
		Now:       clock.Now, Advance: func(d time.Duration) { clock.Advance(d) },
		Fail:    func(k payment.Key, f gatewaytest.Fault) { s.Force(k, tokens[f]) },
		Decline: func(k payment.Key, code string) { s.Force(k, sandbox.Decline+":"+code) },
		Letters: func() []gatewaytest.Letter { return letters(s) },
		Foreign: func() gatewaytest.Letter {
			_, _ = stranger.Charge(t.Context(), charge("att_1", sandbox.OK))
			return letters(stranger)[0]
		},
		Balance: func(c platform.Currency) platform.Money {
			sum, err := s.Balance("", c)
			if err != nil {
				t.Error(err)
			}
			return sum
		},
	}
}

func letters(s *sandbox.Sandbox) (all []gatewaytest.Letter) {
	for _, l := range s.Drain() {
		all = append(all, gatewaytest.Letter(l))
	}
	return all
}
