package refund

import (
	"context"
	"slices"

	"github.com/liangding/platform"
)

// Books tells what is free on an account, for a decision that is under way.
// finance.Books is one.
type Books interface {
	Free(ctx context.Context, role string, of, party platform.ID, currency platform.Currency) (platform.Money, error)
}

// Chain gives back what a merchant was paid already: out of payable, reserve and
// deposit, each as far as it reaches, and the rest is owed. It satisfies
// order.Sources.
type Chain struct {
	Books   Books
	Deposit bool // may be used, by the agreements
}

// Sources are debits of the merchant's accounts that add up to the amount.
func (c Chain) Sources(ctx context.Context, merchant platform.ID, amount platform.Money) ([]platform.Leg, error) {
	a, err := c.Free(ctx, merchant, amount.Currency())
	if err != nil {
		return nil, err
	}
	zero, err := amount.Sub(amount)
	if err != nil {
		return nil, err
	}
	b := &booking{facts: Facts{Merchant: merchant, Captured: zero, Stage: Closed, Available: a, Agreement: Agreement{Deposit: c.Deposit}}}
	b.chain(amount.Minor(), "payable", "reserve", "deposit", "receivable")
	return b.legs, nil
}

// Sources are what the plan takes of a merchant's accounts once the order is sold,
// without what the merchant owes of fees that are kept before it was paid; before
// the sale nil. A plan is carried out by them, so that what was shown and what is
// booked rest on one reading of the accounts.
func (p Plan) Sources() []platform.Leg {
	if p.Stage == Paid {
		return nil
	}
	all, owed := []platform.Leg{}, int64(0)
	for _, l := range p.Lines {
		if p.Stage == Sold {
			owed += l.owed
		}
	}
	for _, l := range p.Legs {
		if l.Party != p.Merchant || !slices.Contains([]string{"earning", "payable", "reserve", "deposit", "receivable"}, l.Role) {
			continue
		}
		if l.Role == "receivable" {
			l.Amount = Facts{Captured: l.Amount}.money(l.Amount.Minor() - owed)
		}
		if l.Amount.Sign() > 0 {
			all = append(all, l)
		}
	}
	return all
}

// Free is what the merchant's accounts have.
func (c Chain) Free(ctx context.Context, merchant platform.ID, currency platform.Currency) (a Available, err error) {
	for role, into := range map[string]*platform.Money{"payable": &a.Payable, "reserve": &a.Reserve, "deposit": &a.Deposit} {
		if *into, err = c.Books.Free(ctx, role, "", merchant, currency); err != nil {
			return Available{}, err
		}
	}
	return a, nil
}
