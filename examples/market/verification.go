package market

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/receivable"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/security/verification"
	"github.com/liangding/platform/store"
)

var (
	_ order.Parties         = proven{}
	_ settlement.Holds      = held{}
	_ merchant.Requirements = verification.Standings{}
)

// verification makes the service of what parties have to prove.
func (m *Market) verification(db platform.DB) *verification.Service {
	return verification.New(m.Writer, db, verification.Ports{
		Sealer: m.Vault, Checker: m.options.Checker, Ties: introducers{merchant.StoreOn(db)},
	}, &m.options.Verification)
}

// proven is the standing of parties that have debts, and things to prove: the
// merchant must be able to sell, and a customer who acts to buy.
type proven struct {
	solvent
	verified verification.Standings
}

// May is [solvent.May], and what [verification.Standings.May] adds.
func (p proven) May(ctx context.Context, party platform.ID, capability string, at time.Time) ([]platform.Change, error) {
	checks, err := p.solvent.May(ctx, party, capability, at)
	if err != nil {
		return nil, err
	}
	asks := []verification.Ask{{Party: party, Capability: capability}}
	if by, absent := platform.ActorOf(ctx); absent == nil && by.Kind == platform.Customer {
		asks = append(asks, verification.Ask{Party: by.For(), Capability: "buy"})
	}
	more, err := p.verified.MayAll(ctx, at, asks...)
	return append(checks, more...), err
}

// held keeps payouts from who owes, and from who has to prove something first.
type held struct {
	receivable.Debts
	verified verification.Standings
}

// Held implements [settlement.Holds].
func (h held) Held(ctx context.Context, party platform.ID, at time.Time) ([]platform.Change, error) {
	checks, err := h.Debts.Held(ctx, party, at)
	if err != nil {
		return nil, err
	}
	more, err := h.verified.Held(ctx, party, at)
	return append(checks, more...), err
}

// introducers are who introduced merchants, by their applications.
type introducers struct{ merchants merchant.Store }

// Introducer implements [verification.Ties].
func (t introducers) Introducer(ctx context.Context, party platform.ID) (platform.ID, error) {
	if party.Prefix() != "mer" {
		return "", nil
	}
	a, err := t.merchants.Application(ctx, party.As("apl"))
	if errors.Is(err, platform.ErrNotFound) {
		return "", nil
	}
	return a.Introducer, err
}

// verifyStandings proves what parties may do by what they have proved.
func verifyStandings(ctx context.Context, now store.Snapshot, tell func(store.Finding)) error {
	found, err := verification.VerifyStandings(ctx, now)
	for _, d := range found {
		tell(store.Finding{Code: "verification." + d.Rule, Ref: d.Ref, What: fmt.Sprintf("should be %s, is %s", d.Expected, d.Found)})
	}
	if err != nil {
		return unless(err, "verification", tell)
	}
	return nil
}
