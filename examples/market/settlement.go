package market

import (
	"context"
	"errors"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/closing"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/receivable"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/risk/screen"
	"github.com/liangding/platform/security/vault"
	"github.com/liangding/platform/security/verification"
)

// payouts settles merchants and staff over the books, and pays them out of what
// the institutions hold.
func (m *Market) payouts(db platform.DB) *settlement.Service {
	o := m.options.Settlement
	if o.Person == nil {
		o.Person = m.options.Access.Person // who stands behind two accounts is one person here, too
	}
	return settlement.New(m.Writer, db, settlement.Ports{
		Books:    m.Books,
		Funds:    payment.Funds{Gateways: []payment.Gateway{m.Sandbox}, Accounts: payment.StoreOn(db), Now: m.Writer.Now},
		Debts:    receivable.Claims{Store: receivable.StoreOn(db), Books: m.Books, Terms: m.options.Receivable.Terms},
		Holds:    held{m.Debts(), verification.Standings{DB: db}},
		Screen:   payoutScreen{m.Screen},
		Sealer:   m.Vault,
		Opener:   bankData{m.Vault},
		Earnings: earnings{order.StoreOn(db)},
		Exempt:   closing.Exempt{DB: db},
	}, &o)
}

var (
	_ settlement.Books  = finance.Books{}
	_ settlement.Funds  = payment.Funds{}
	_ settlement.Debts  = receivable.Claims{}
	_ settlement.Poster = settlement.Reserving{}
	_ order.Books       = settlement.Reserving{}
	_ payment.Payouts   = (*settlement.Service)(nil)
)

// payoutScreen screens payouts where the rules have a policy for payout.plan, and
// lets them pass where they have none.
type payoutScreen struct{ *screen.Service }

// Screen implements [settlement.Screen].
func (s payoutScreen) Screen(ctx context.Context, ev platform.Event) (string, []platform.Change, error) {
	outcome, changes, err := s.Service.Screen(ctx, ev)
	if errors.Is(err, screen.ErrNoPolicy) {
		return string(screen.Allow), nil, nil
	}
	return outcome, changes, err
}

// bankData opens what a bank file needs, each value on record.
type bankData struct{ *vault.Vault }

// Open implements [settlement.Opener].
func (b bankData) Open(ctx context.Context, at platform.Place, sealed platform.Sealed) (string, error) {
	plain, _, err := b.Reveal(ctx, vault.Request{Place: at, Sealed: sealed, Purpose: "payout", Reason: "bank_file"})
	return plain.Reveal(), err
}

// earnings are what completed orders have brought a merchant, and their close will
// release.
type earnings struct{ order.Store }

// Earned implements [settlement.Earnings]. It reads every order of the merchant
// that is completed and not closed: O(n) orders of some days.
func (e earnings) Earned(ctx context.Context, party platform.ID, currency platform.Currency) (platform.Money, error) {
	sum, err := platform.FromMinor(0, currency)
	q := order.Query{Merchant: party, State: order.Completed, Limit: 500}
	for err == nil {
		var page platform.Page[order.Order]
		if page, err = e.Orders(ctx, q); err != nil {
			break
		}
		for _, o := range page.Items {
			if err == nil && o.Earned.Currency() == currency {
				sum, err = sum.Add(o.Earned)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	return sum, err
}
