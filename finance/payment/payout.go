package payment

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// What [Funds] tells of a payout.
const (
	PayoutPaid     = "paid"
	PayoutFailed   = "failed"   // final: nothing was moved and will not be
	PayoutReturned = "returned" // it was paid, and came back from the bank
	PayoutAbsent   = "absent"   // for certain: it never reached the institution, and may be sent again under the same key
	PayoutUnknown  = "unknown"  // on its way, or nobody knows; ask later
)

// ErrNoPayouts is the refusal of an institution that does not pay out.
var ErrNoPayouts = platform.Err(platform.ErrInvalid, "payment.no_payouts", "the institution does not pay out", "该支付机构不支持付款")

// Funds pays money out of our own account at the institutions that can. It keeps
// nothing: the caller has recorded what it sends before, under the key that it
// passes, and records what it hears. It may be used by several goroutines at once,
// and never inside a decision.
type Funds struct {
	Gateways []Gateway
	Call     time.Duration    // limit of one call; if zero, 10 s
	Now      func() time.Time // if nil, time.Now in UTC
}

// PayOut sends an amount to a payee whom the institution knows by that name. The
// same key is the same payout. The outcome is one of those above: whatever is
// not proven is unknown, and never a failure. The reason of a failure is the
// institution's own code. It fails only with ErrInstitution or ErrNoPayouts,
// before anything was sent.
func (f Funds) PayOut(ctx context.Context, institution, key, payee string, amount platform.Money) (outcome, reference, reason string, err error) {
	g, _, err := f.payouter(institution)
	if err != nil {
		return "", "", "", fmt.Errorf("pay out %s: %w", key, err)
	}
	call, cancel := context.WithTimeout(ctx, cmp.Or(f.Call, 10*time.Second))
	defer cancel()
	st, proven := told(g.Payout(call, Payout{Key: Key(key), To: payee, Amount: amount}))
	outcome, reason = payoutOutcome(st, amount, proven)
	return outcome, st.Reference, reason, nil
}

// LookUp tells how the payout with the key stands, which was sent with time until
// a moment. What the institution does not find is absent only when its word is
// final and that moment is two minutes past. It fails as [Funds.PayOut] does.
func (f Funds) LookUp(ctx context.Context, institution, key, payee string, amount platform.Money, until time.Time) (outcome, reference, reason string, err error) {
	g, info, err := f.payouter(institution)
	if err != nil {
		return "", "", "", fmt.Errorf("look up %s: %w", key, err)
	}
	call, cancel := context.WithTimeout(ctx, cmp.Or(f.Call, 10*time.Second))
	defer cancel()
	missed := Operation{Until: until}.Missed(platform.Writer{Now: f.Now}.Ready().Now()) // before it is asked, however long that takes
	st, err := g.LookupPayout(call, Payout{Key: Key(key), To: payee, Amount: amount})
	if err != nil {
		return PayoutUnknown, "", platform.Code(err), nil // no answer tells nothing
	}
	outcome, reason = payoutOutcome(st, amount, missed && info.Final)
	return outcome, st.Reference, reason, nil
}

// Pays tells whether the institution is wired and pays out: nil, ErrInstitution
// or ErrNoPayouts.
func (f Funds) Pays(institution string) error {
	_, _, err := f.payouter(institution)
	return err
}

func (f Funds) payouter(institution string) (Payouter, Info, error) {
	i := slices.IndexFunc(f.Gateways, func(g Gateway) bool { return g.Info().Institution == institution })
	if i < 0 {
		return nil, Info{}, fmt.Errorf("institution %q: %w", institution, ErrInstitution)
	}
	p, ok := f.Gateways[i].(Payouter)
	if !ok {
		return nil, Info{}, fmt.Errorf("institution %q: %w", institution, ErrNoPayouts)
	}
	return p, f.Gateways[i].Info(), nil
}

// payoutOutcome is a status in the words of Funds. Another amount than the one
// sent is nothing that a machine may conclude from.
func payoutOutcome(st Status, amount platform.Money, proven bool) (outcome, reason string) {
	switch {
	case st.Outcome == Declined:
		return PayoutFailed, cmp.Or(st.Code, platform.Code(ErrDeclined))
	case st.Outcome == Absent && proven:
		return PayoutAbsent, ""
	case st.Outcome == Absent: // not for certain, and not accepted either
		return PayoutUnknown, cmp.Or(st.Code, platform.Code(ErrUnknownOutcome))
	case (st.Outcome == Done || st.Outcome == Returned) && st.Amount != amount:
		return PayoutUnknown, "payment.mismatch"
	case st.Outcome == Done:
		return PayoutPaid, ""
	case st.Outcome == Returned:
		return PayoutReturned, st.Code
	}
	return PayoutUnknown, st.Code
}

// Payouts hears that an institution told something of a payout, by the key that
// it was sent under; it asks the institution itself. settlement.Service is one.
type Payouts interface {
	Heard(ctx context.Context, key string) error
}

// tellPayout hands a notice of a payout on, and files it: what it led to is on
// the payout's own record. While it cannot be handed on, it waits.
func (s *Service) tellPayout(ctx context.Context, n Received, at time.Time) error {
	if err := s.ports.Payouts.Heard(s.system(ctx), string(n.Key)); err != nil {
		return s.settle(ctx, n, NoticeWaiting, at)
	}
	return s.settle(ctx, n, NoticeFiled, at)
}
