package market

import (
	"context"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/receivable"
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
// dispute, its shares wait.
type payable struct{ order.Payable }

// Contested implements [payment.Contested].
func (p payable) Contested(ctx context.Context, subject platform.Ref) (bool, error) {
	o, err := p.Store.Order(ctx, subject.ID)
	return o.Held.Sign() > 0, err
}
