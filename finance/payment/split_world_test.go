package payment_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

const (
	seller  = platform.ID("mer_01kdvdna00eajs4d2pf2dbsqqg")
	cleaner = platform.ID("stf_01kdvdna00eajs4d2pf2dbsqqh")
)

// debt is what a receiver owes.
type debt struct {
	platform.Head
	Party  platform.ID    `json:"party" class:"internal"`
	Amount platform.Money `json:"amount" class:"internal"`
}

func (d debt) Ref() platform.Ref { return platform.Ref{Kind: "test.debt", ID: d.ID} }

// debts are the receivables of these tests.
type debts struct{}

func (debts) Arise(_ context.Context, _ string, source platform.Ref, party platform.ID, amount platform.Money, _ time.Time) ([]platform.Change, error) {
	return []platform.Change{platform.Put(debt{Head: platform.Head{ID: source.ID.As("deb")}, Party: party, Amount: amount})}, nil
}

// Contested is whether a sale is in dispute.
func (s shop) Contested(ctx context.Context, subject platform.Ref) (bool, error) {
	o, err := platform.Read[sale](ctx, s.db, "order", subject.ID)
	return o.Argued, err
}

// splitting are the books of a world in funds mode split.
func (v *world) splitting(db platform.DB) payment.Splits {
	return payment.Splits{
		Books: finance.Books{Store: finance.StoreOn(db), Now: v.clock.Now}, Store: payment.StoreOn(db), Gateways: []payment.Gateway{v.hooks, v.second},
	}
}

// newSplits is a world in funds mode split, where seller and cleaner have accounts.
func newSplits(t require.TestingT, set setup) *world {
	set.real, set.split = true, true
	v := newWorld(set)
	for _, party := range []platform.ID{seller, cleaner} {
		r, err := v.s.Onboard(by(clerk), payment.Onboard{Party: party, Institution: "sandbox", Country: "CN", Email: "hi@seller.example"})
		require.NoError(t, err)
		require.Equal(t, payment.RecipientReady, r.State)
	}
	return v
}

// book posts a fact of a sale as the orders do, with what follows in its set.
func (v *world) book(what string, subject platform.Ref, legs ...platform.Leg) error {
	return v.update(clerk, func(ctx context.Context) ([]platform.Change, error) {
		changes, err := v.splitting(v.db).Post(ctx, what, subject, v.clock.Now(), legs)
		return append(changes, platform.Happened(what, subject, nil)), err
	})
}

// complete completes a sale of 100.00: 80.00 are the seller's and 10.00 the
// cleaner's, and 10.00 the platform's.
func (v *world) complete(t require.TestingT, o sale) {
	require.NoError(t, v.book("order.completed", o.Ref(),
		platform.Leg{Role: "escrow", Of: o.ID, Amount: yuan("100.00")},
		platform.Leg{Role: "earning", Of: o.ID, Party: seller, Amount: yuan("-80.00")},
		platform.Leg{Role: "earning", Of: o.ID, Party: cleaner, Amount: yuan("-10.00")},
		platform.Leg{Role: "commission", Amount: yuan("-9.43")}, platform.Leg{Role: "output_tax", Amount: yuan("-0.57")}))
}

// sold is a sale that was paid and completed, and whose shares have arrived.
func (v *world) sold(t *testing.T) sale {
	t.Helper()
	o := v.paid(t, sandbox.OK)
	v.complete(t, o)
	require.NoError(t, v.after(time.Minute))
	require.Equal(t, payment.SharingDone, v.shares(t, o)[0].State)
	return o
}

// approve approves a refund of a completed sale, of which the seller bears nine
// tenths and the platform the rest.
func (v *world) approve(o sale, amount platform.Money) (giving, error) {
	g := giving{Head: platform.Head{ID: v.w.NewChild("rfd", o.ID)}, Sale: o.ID, State: "approved", Amount: amount}
	parts, err := amount.Allocate(90, 10)
	if err != nil {
		return g, err
	}
	return g, v.update(clerk, func(ctx context.Context) ([]platform.Change, error) {
		legs := []platform.Leg{{Role: "earning", Of: o.ID, Party: seller, Amount: parts[0]}, {Role: "refund_due", Of: o.ID, Amount: amount.Neg()}}
		if parts[1].Sign() > 0 {
			legs = append(legs, platform.Leg{Role: "commission", Amount: parts[1]})
		}
		held, err := v.splitting(v.db).Post(ctx, "refund.approved", g.Ref(), v.clock.Now(), legs)
		if err != nil {
			return nil, err
		}
		changes, err := v.asks.Return(ctx, g.Ref(), o.Ref(), amount, v.clock.Now())
		return append(append(changes, held...), platform.Put(g)), err
	})
}

// withdraw gives a refund up before it is sent.
func (v *world) takeAway(g giving) error {
	return v.update(clerk, func(ctx context.Context) ([]platform.Change, error) {
		changes, err := v.asks.Withdraw(ctx, g.Ref(), v.clock.Now())
		if err != nil {
			return nil, err
		}
		freed, err := v.splitting(v.db).Post(ctx, "refund.withdrawn", g.Ref(), v.clock.Now(), nil)
		return append(changes, freed...), err
	})
}

// shares are all sharings of a sale, the planned ones first as they were planned.
func (v *world) shares(t require.TestingT, o sale) []payment.Sharing {
	page, err := payment.StoreOn(v.db).Sharings(context.Background(), payment.SharingQuery{Subject: o.Ref()})
	require.NoError(t, err)
	require.Empty(t, page.Next)
	return page.Items
}

// back is the one share of a sale that is taken back.
func (v *world) back(t require.TestingT, o sale) payment.Sharing {
	var found []payment.Sharing
	for _, h := range v.shares(t, o) {
		if h.Back != "" {
			found = append(found, h)
		}
	}
	require.Len(t, found, 1)
	return found[0]
}

// out is the sharing of a sale that hands on what it was planned with.
func (v *world) out(t require.TestingT, o sale) payment.Sharing {
	for _, h := range v.shares(t, o) {
		if h.Back == "" && !h.Final && h.Cause == (platform.Ref{}) {
			return h
		}
	}
	require.Fail(t, "nothing is handed on")
	return payment.Sharing{}
}

func (v *world) returned(t *testing.T, g giving) payment.Return {
	t.Helper()
	return read[payment.Return](t, v, "payment.return", g.ID.As("rtn"))
}

// has is what a party has on its account at the institution.
func (v *world) has(t require.TestingT, party platform.ID) platform.Money {
	sum, err := v.bank.Balance("acct_"+string(payment.RecipientID("sandbox", party)), price.Currency())
	require.NoError(t, err)
	return sum
}

// handedOn checks that the books equal the institution's statement, and each
// receiver's clearing account what it has there, but for shares that it keeps and
// owes.
func (v *world) handedOn(t *testing.T) {
	t.Helper()
	v.booksAgree(t)
	list, err := all[payment.Sharing](v.db, "payment.split")
	require.NoError(t, err)
	owed := map[platform.ID]int64{}
	for _, h := range list {
		if h.State == payment.SharingOwed {
			owed[h.Portions[0].Party] += h.Amount.Minor()
		}
	}
	for _, party := range []platform.ID{seller, cleaner} {
		assert.Equal(t, v.has(t, party).Minor()-owed[party], v.balance(t, "posted:clearing:sandbox."+string(party)), "what %s has", party)
	}
}
