package market

import (
	"context"
	"slices"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/receivable"
	"github.com/liangding/platform/finance/refund"
	"github.com/liangding/platform/order"
)

var (
	_ payment.Books     = payment.Splits{}
	_ order.Books       = payment.Splits{}
	_ payment.Debts     = receivable.Claims{}
	_ payment.Contested = payable{}
)

// splitting are the books of what orders let parties earn: where
// Options.Payment.Funds says split, they plan who gets what of it at the
// institution. Otherwise the platform holds it until it pays out, for which
// Options.Payment.Basis states the licence or the law; the sandbox of a demo needs
// none, since it moves no real money.
func (m *Market) splitting(db platform.DB, books finance.Books) payment.Books {
	if m.options.Payment.Funds != payment.SplitFunds {
		return books
	}
	return payment.Splits{Books: books, Store: payment.StoreOn(db), Gateways: []payment.Gateway{m.Sandbox}}
}

// payable is an order as payments see it; while any of its money is held for a
// dispute, here or at a payer's bank, its shares wait.
type payable struct{ order.Payable }

// Contested implements [payment.Contested].
func (p payable) Contested(ctx context.Context, subject platform.Ref) (bool, error) {
	if subject.Kind != "order" { // a tip or a checkout, of which nothing is handed on
		return false, nil
	}
	o, err := p.Store.Order(ctx, subject.ID)
	return o.Held.Sign() > 0 || o.Contested.Sign() > 0, err
}

// shared is what lies with receivers of a payment. A share that came back and went
// out again has not come back.
func shared(a payment.Attempt, splits []payment.Sharing) (all []refund.Share) {
	again := map[platform.Ref]bool{}
	for _, h := range splits {
		again[h.Ref()] = h.Back != ""
	}
	for _, h := range splits {
		if h.Attempt != a.ID || h.Back != "" || h.State != payment.SharingDone {
			continue
		}
		for _, p := range h.Portions {
			i := slices.IndexFunc(all, func(s refund.Share) bool { return s.Receiver == p.Party })
			if i < 0 {
				i, all = len(all), append(all, refund.Share{Receiver: p.Party, Amount: less(p.Amount, p.Amount), Returned: less(p.Amount, p.Amount)})
			}
			s := &all[i]
			if again[h.Cause] {
				s.Returned = less(s.Returned, p.Arrived)
			} else {
				s.Amount = less(s.Amount, p.Arrived.Neg())
			}
			if !p.Back.Absent() {
				s.Returned = less(s.Returned, p.Back.Neg())
			}
		}
	}
	return all
}
