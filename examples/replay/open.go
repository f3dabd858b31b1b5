package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/folder"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance/fee"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/risk"
	"github.com/liangding/platform/risk/screen"
	"github.com/liangding/platform/store/sandbox"
)

// withoutAmends is the standard policy for a marketplace whose data say of what was
// given back only that it was.
func withoutAmends() order.Policy {
	p := order.StandardPolicy()
	for i := range p.Rows {
		p.Rows[i].Pays = order.Amends{}
	}
	return p
}

// open makes a market for a dataset, with nothing in it.
func open(d *dataset, o options) (*replay, error) {
	if o.store == "" {
		o.store = "memory"
	}
	db, err := folder.Connect(context.Background(), o.store, append(market.Kinds(), kinds()...))
	if err != nil {
		return nil, err
	}
	r := &replay{
		options: o, data: d, db: db,
		merchants: map[string]platform.ID{}, customers: map[string]platform.ID{}, listings: map[offer]platform.ID{}, earned: map[platform.ID]int64{}, bank: bank{byHand: map[string]platform.ID{}},
	}
	r.clock.now = d.first()
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("replay"), o.seed))
	ids := rand.New(rand.NewChaCha8(seed))
	rules := rules()
	r.market, err = market.Open(r.db, &market.Options{
		Now: r.clock.Now, IDs: ids.Uint64, Secret: seed[:], Name: "replay.example", SequenceLater: true, Unwatched: true,
		Merchant: merchant.Options{LicenceOptional: true, ApplyFor: 3650 * day}, // the funnel knows no lapse
		Order: order.Options{
			Windows: order.Windows{Pay: payBy}, ExtraKinds: []string{"freight"},
			FourEyes: []platform.Money{platform.MustMoney("5000.00", currency)},
			Policies: []order.Policy{withoutAmends()},
		},
		Fees:    fee.Terms{Standard: fee.Flat("replay", decimal.RequireFromString("0.1275"), platform.HalfUp, "service")},
		Sandbox: r.sandbox(),
		Recon:   reconciliation.Options{Accounts: []reconciliation.Account{{Institution: institution, Contract: &reconciliation.Contract{}}}},
		Settlement: settlement.Options{Terms: settlement.Terms{
			Reserve: decimal.New(5, -2),
			Limits:  map[string]settlement.Limits{currency: {Minimum: minimum, Each: 1000, Run: 50_000}},
			Runs:    map[string]settlement.Round{currency: {Cycle: settlement.Weekly}},
		}},
		Rules: &rules,
		Risk:  &risk.Options{Indicators: []risk.Indicator{market.RefundRate(), market.AuditFork(), market.AuditWindow(), market.BreakUnreviewed()}}, // its fees are the program's own, and go on
	})
	r.ctx = platform.As(context.Background(), platform.SystemActor("replay"))
	return r, err
}

// rules let every order and payment of the records pass: they have happened.
// Without a deadline on reads the machine's speed decides nothing.
func rules() screen.Rules {
	return screen.Rules{
		Version: "replay-1", Basis: "what the records say has happened", Owner: "replay",
		Policies: []screen.Policy{{Event: "order.place", Failure: "open"}, {Event: "payment.pay", Failure: "open"}},
	}
}

func (r *replay) sandbox() sandbox.Options {
	if r.faults == 0 {
		return sandbox.Options{}
	}
	return sandbox.Options{
		Seed: r.faults,
		Faults: sandbox.Faults{
			Decline: 0.04, Delay: 0.04, Timeout: 0.03, Lost: 0.02, Late: 0.01, Down: 0.02, Short: 0.01,
			RefundDecline: 0.05, RefundDelay: 0.05, RefundTimeout: 0.05, LostRefund: 0.05, RefundDown: 0.05,
			Silence: 0.05, Duplicate: 0.1, Reorder: 0.1,
		},
		Deliver: func(ctx context.Context, header map[string][]string, body []byte) error {
			return r.market.Payments.Receive(ctx, institution, header, body)
		},
	}
}

// first is the earliest moment of the dataset.
func (d *dataset) first() time.Time {
	first := time.Time{}
	for _, s := range d.sales {
		for _, at := range []time.Time{s.purchased, s.earliest()} {
			if !at.IsZero() && (first.IsZero() || at.Before(first)) {
				first = at
			}
		}
	}
	for _, l := range d.leads {
		if !l.contact.IsZero() && (first.IsZero() || l.contact.Before(first)) {
			first = l.contact
		}
	}
	if first.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return first
}
