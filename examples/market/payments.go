package market

import (
	"context"
	"slices"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/order"
)

// bearer takes what a payer's bank took back from the order's own money, then from
// what its merchant earned, then from what is due to the merchant; the platform
// bears the rest. It is a payment.Bearer.
type bearer struct{ db platform.DB }

// bearers are whose money goes, the first first: of an order its own, of a tip those
// who got it.
func (b bearer) bearers(ctx context.Context, subject platform.Ref) ([]platform.Leg, error) {
	if subject.Kind == "order.tip" {
		t, err := order.StoreOn(b.db).Tip(ctx, subject.ID)
		legs := []platform.Leg{{Role: "tips", Of: t.ID}}
		for _, s := range t.Shares {
			legs = append(legs, platform.Leg{Role: "payable", Party: s.Member})
		}
		return legs, err
	}
	if subject.Kind == "order.checkout" {
		return b.several(ctx, subject)
	}
	o, err := order.StoreOn(b.db).Order(ctx, subject.ID)
	return []platform.Leg{{Role: "escrow", Of: o.ID}, {Role: "earning", Of: o.ID, Party: o.Merchant}, {Role: "payable", Party: o.Merchant}}, err
}

// several are the bearers of a checkout: of all its orders what lies with them.
func (b bearer) several(ctx context.Context, subject platform.Ref) ([]platform.Leg, error) {
	store := order.StoreOn(b.db)
	c, err := store.Checkout(ctx, subject.ID)
	if err != nil {
		return nil, err
	}
	ids := make([]platform.ID, len(c.Orders))
	for i, o := range c.Orders {
		ids[i] = o.Order
	}
	orders, err := store.OrdersOf(ctx, ids...)
	var legs, owed []platform.Leg
	for _, o := range orders {
		legs = append(legs, platform.Leg{Role: "escrow", Of: o.ID}, platform.Leg{Role: "earning", Of: o.ID, Party: o.Merchant})
		if !slices.ContainsFunc(owed, func(l platform.Leg) bool { return l.Party == o.Merchant }) {
			owed = append(owed, platform.Leg{Role: "payable", Party: o.Merchant})
		}
	}
	return append(legs, owed...), err
}

// Bear implements payment.Bearer.
func (b bearer) Bear(ctx context.Context, subject platform.Ref, amount platform.Money) ([]platform.Leg, error) {
	legs, err := b.bearers(ctx, subject)
	if err != nil {
		return nil, err
	}
	counters := make([]platform.Ref, len(legs))
	for n, l := range legs {
		account := finance.Account{Role: l.Role, Of: l.Of, Party: l.Party}
		counters[n] = platform.Counter("available:"+account.String(), amount.Currency().String())
	}
	free, err := finance.StoreOn(b.db).Counts(ctx, counters...)
	if err != nil {
		return nil, err
	}
	rest := amount.Minor()
	for n := range legs {
		take := max(0, min(rest, free[n].Value))
		if legs[n].Amount, err = platform.FromMinor(take, amount.Currency()); err != nil {
			return nil, err
		}
		rest -= take
	}
	ours, err := platform.FromMinor(rest, amount.Currency())
	return append(legs, platform.Leg{Role: "chargeback_loss", Amount: ours}), err
}
