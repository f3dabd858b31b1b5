package gatewaytest

import (
	"testing"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

// Institution is a gateway under test and the hands that the suite has on the
// other side of it. All functions are needed but those that say otherwise, and
// may be called by several goroutines at once.
type Institution struct {
	Gateway payment.Gateway
	Method  string // of a charge that goes well, once Settle was called if it waits
	Account string // from which payouts go, and to which charges come; empty: our own

	// Currency of the amounts of the suite; it must have two decimals. If
	// empty, CNY.
	Currency string

	// Receivers are two accounts that shares may go to. A gateway that is a
	// payment.Splitter needs them.
	Receivers []payment.Receiver

	// Codes are the reasons of declines that the institution is known for.
	Codes []string

	Now     func() time.Time
	Advance func(d time.Duration) // moves the time of gateway and institution on

	// Settle makes what waits for a payer, the holder of an account, a bank or the
	// institution end well. If
	// nil, the passing of time does.
	Settle func(k payment.Key)

	// Fail makes the next call with a key that moves money fail.
	Fail func(k payment.Key, f Fault)

	// Decline makes the next call with a key be declined, with this reason.
	Decline func(k payment.Key, code string)

	// Letters are the notices that the institution has posted by now. Each is
	// handed out once.
	Letters func() []Letter

	// Foreign is a notice that is genuine but for who wrote it or for whom: under
	// a key that is not the institution's, say.
	Foreign func() Letter

	// Balance is what Account has in the institution's own books.
	Balance func(c platform.Currency) platform.Money
}

// Letter is a notice as it came over the wire.
type Letter struct {
	Header map[string][]string
	Body   []byte
}

// Fault is what befalls a call.
type Fault string

// The faults of a call that moves money.
const (
	NotReached  Fault = "not reached"          // the connection is refused
	LostBefore  Fault = "lost before arrival"  // no answer; it was never carried out
	LostAfter   Fault = "lost after success"   // no answer; it was carried out, at the latest a minute later
	BrokenAfter Fault = "broken after success" // a 5xx; it was carried out
	Hangs       Fault = "hangs"                // no answer before the caller leaves; it was carried out
	Bounces     Fault = "bounces"              // of a payout: paid, and back within two days
)

// Conformance checks every rule against the institutions that open returns,
// each rule in a subtest of its own.
func Conformance(t *testing.T, open func(t *testing.T) Institution) {
	t.Helper()
	for _, r := range rules() {
		t.Run(r.String(), func(t *testing.T) {
			t.Parallel()
			b := &bench{Institution: open(t)}
			err := r.check(t.Context(), b)
			for _, gap := range b.gaps {
				t.Logf("gap: rule %s: %s", r, gap)
			}
			if err != nil {
				t.Errorf("rule %s is broken: %v", r, err)
			}
		})
	}
}
