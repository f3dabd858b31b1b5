package stripe_test

import (
	"strings"
	"testing"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/payment/gatewaytest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	gatewaytest.Conformance(t, func(t *testing.T) gatewaytest.Institution {
		t.Helper()
		f := opened(t)
		return hands(t, f, f.gateway(nil))
	})
}

// hands are those that the suite needs on the institution.
func hands(t *testing.T, f *institution, g payment.Gateway) gatewaytest.Institution {
	t.Helper()
	return gatewaytest.Institution{
		Gateway: g, Method: "pm_card_visa", Codes: []string{"insufficient_funds", "lost_card"},
		Receivers: []payment.Receiver{{Account: "acct_1"}, {Account: "acct_2"}},
		Now:       f.clock.Now, Advance: func(d time.Duration) { f.clock.Advance(d) },
		Settle:  f.settle,
		Fail:    func(k payment.Key, fault gatewaytest.Fault) { f.lock(func() { f.faults[string(k)] = fault }) },
		Decline: func(k payment.Key, code string) { f.lock(func() { f.declines[string(k)] = code }) },
		Letters: func() (all []gatewaytest.Letter) {
			f.lock(func() { all, f.letters = f.letters, nil })
			return all
		},
		Foreign: func() gatewaytest.Letter {
			body := []byte(`{"id":"evt_1","type":"payment_intent.succeeded","data":{"object":{"object":"payment_intent"}}}`)
			return gatewaytest.Letter{Header: signed("whsec_of_somebody_else", f.clock.Now(), body), Body: body}
		},
		Balance: func(c platform.Currency) (sum platform.Money) {
			f.lock(func() {
				var err error
				if sum, err = platform.FromMinor(f.balance(strings.ToLower(c.String())), c); err != nil {
					t.Error(err)
				}
			})
			return sum
		},
	}
}
