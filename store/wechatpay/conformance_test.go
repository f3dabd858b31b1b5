package wechatpay_test

import (
	"strings"
	"testing"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/payment/gatewaytest"
)

// wireNumber is the number at the institution of a key.
func wireNumber(k payment.Key) string {
	_, text, _ := strings.Cut(string(k), "_")
	return strings.Replace(text, ".", "-", 1)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	gatewaytest.Conformance(t, func(t *testing.T) gatewaytest.Institution {
		t.Helper()
		f := opened(t)
		return hands(f, f.gateway(nil))
	})
}

// A provider speaks for a sub-merchant in other words, under the same rules; its
// statement is the sub-merchant's own.
func TestConformanceForASubMerchant(t *testing.T) {
	t.Parallel()
	gatewaytest.Conformance(t, func(t *testing.T) gatewaytest.Institution {
		t.Helper()
		f := opened(t)
		return hands(f, f.partner())
	})
}

// hands are those that the suite needs on the institution.
func hands(f *institution, g payment.Gateway) gatewaytest.Institution {
	return gatewaytest.Institution{
		Gateway: g, Method: "native", Codes: []string{"NOT_ENOUGH", "RULE_LIMIT", "ACCOUNT_ERROR"},
		Receivers: []payment.Receiver{{Account: "1900000201", Name: "good cleaners"}, {Account: "1900000202"}},
		Now:       f.clock.Now, Advance: func(d time.Duration) { f.clock.Advance(d) },
		Settle: func(k payment.Key) { f.settle(wireNumber(k)) },
		Fail: func(k payment.Key, fault gatewaytest.Fault) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.faults[wireNumber(k)] = fault
		},
		Decline: func(k payment.Key, code string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.declines[wireNumber(k)] = code
		},
		Letters: f.took,
		Foreign: func() gatewaytest.Letter {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.letter("TRANSACTION.SUCCESS", sealed([]byte(`{"mchid":"1900000999","sp_mchid":"1900000109","sub_mchid":"1900000999","out_trade_no":"x","trade_state":"SUCCESS"}`), "transaction", "transaction"))
		},
		Balance: func(platform.Currency) platform.Money { return money(f.balance()) },
	}
}
