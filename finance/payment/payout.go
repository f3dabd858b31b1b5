package payment

import (
	"cmp"
	"context"
	"fmt"
	"strings"
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

// Funds pays money out of our own account at the institutions that can; in funds
// mode split also out of a party's, which is named by institution, dot and party,
// as its clearing account is. It keeps
// nothing: the caller has recorded what it sends before, under the key that it
// passes, and records what it hears. It may be used by several goroutines at once,
// and never inside a decision.
//
// Where an institution has accounts for parties and pays nothing out of them, or its
// own account is a party's ([Info.Owner]), what came to such an account is the
// party's own already: it is paid, and nobody is called.
type Funds struct {
	Gateways []Gateway
	Accounts Store            // of the parties' accounts; if nil, only ours pay out
	Call     time.Duration    // limit of one call; if zero, 10 s
	Now      func() time.Time // if nil, time.Now in UTC
}

// PayOut sends an amount to a payee whom the institution knows by that name; of a
// party's account, the account's own name is its holder's bank. The
// same key is the same payout. The outcome is one of those above: whatever is
// not proven is unknown, and never a failure. The reason of a failure is the
// institution's own code. It fails only with ErrInstitution, ErrNoPayouts or
// ErrNoRecipient, or because a party's account cannot be read, before anything was
// sent.
func (f Funds) PayOut(ctx context.Context, institution, key, payee string, amount platform.Money) (outcome, reference, reason string, err error) {
	from, err := f.purse(ctx, institution)
	if err != nil {
		return "", "", "", fmt.Errorf("pay out %s: %w", key, err)
	}
	if from.gateway == nil {
		return PayoutPaid, from.account, "", nil
	}
	call, cancel := context.WithTimeout(ctx, cmp.Or(f.Call, 10*time.Second))
	defer cancel()
	st, proven := told(from.gateway.Payout(call, from.out(key, payee, amount)))
	outcome, reason = payoutOutcome(st, amount, proven)
	return outcome, st.Reference, reason, nil
}

// LookUp tells how the payout with the key stands, which was sent with time until
// a moment. What the institution does not find is absent only when its word is
// final and that moment is two minutes past. It fails as [Funds.PayOut] does.
func (f Funds) LookUp(ctx context.Context, institution, key, payee string, amount platform.Money, until time.Time) (outcome, reference, reason string, err error) {
	from, err := f.purse(ctx, institution)
	if err != nil {
		return "", "", "", fmt.Errorf("look up %s: %w", key, err)
	}
	if from.gateway == nil {
		return PayoutPaid, from.account, "", nil
	}
	call, cancel := context.WithTimeout(ctx, cmp.Or(f.Call, 10*time.Second))
	defer cancel()
	missed := Operation{Until: until}.Missed(platform.Writer{Now: f.Now}.Ready().Now()) // before it is asked, however long that takes
	st, err := from.gateway.LookupPayout(call, from.out(key, payee, amount))
	if err != nil {
		return PayoutUnknown, "", platform.Code(err), nil // no answer tells nothing
	}
	outcome, reason = payoutOutcome(st, amount, missed && from.info.Final)
	return outcome, st.Reference, reason, nil
}

// Pays tells whether the institution is wired and pays out: nil, ErrInstitution
// or ErrNoPayouts.
func (f Funds) Pays(institution string) error {
	_, _, err := f.payouter(institution)
	return err
}

// pocket is an account out of which is paid.
type pocket struct {
	gateway Payouter // nil when what is there is its holder's own
	info    Info
	account string // empty: our own
}

func (p pocket) out(key, payee string, amount platform.Money) Payout {
	if payee == p.account {
		payee = "" // its holder's bank
	}
	return Payout{Key: Key(key), Account: p.account, To: payee, Amount: amount}
}

// purse is the account of that name.
func (f Funds) purse(ctx context.Context, institution string) (pocket, error) {
	g, party, err := f.payouter(institution)
	if err != nil {
		return pocket{}, err
	}
	from := pocket{info: g.Info()}
	from.gateway, _ = g.(Payouter)
	if party == "" {
		return from, nil
	}
	found, err := f.Accounts.Found(ctx, recipientRef(from.info.Institution, party))
	if err != nil {
		return pocket{}, err
	}
	if len(found.Recipients) == 0 || found.Recipients[0].Account == "" {
		return pocket{}, fmt.Errorf("account %q: %w", institution, ErrNoRecipient)
	}
	from.account = found.Recipients[0].Account
	return from, nil
}

// payouter is the institution of a name, and the party whose account is meant; our
// own without one.
func (f Funds) payouter(name string) (_ Gateway, party platform.ID, _ error) {
	for _, g := range f.Gateways {
		rest, under := strings.CutPrefix(name, g.Info().Institution)
		_, pays := g.(Payouter)
		_, splits := g.(Splitter)
		switch {
		case rest == "" && under && (pays || g.Info().Owner != ""):
			return g, "", nil
		case rest == "" && under:
			return nil, "", fmt.Errorf("institution %q: %w", name, ErrNoPayouts)
		case under && strings.HasPrefix(rest, ".") && splits && f.Accounts != nil:
			return g, platform.ID(rest[1:]), nil
		}
	}
	return nil, "", ErrInstitution
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
