package market

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/budget"
	"github.com/liangding/platform/finance/claim"
	"github.com/liangding/platform/security/access"
	"github.com/liangding/platform/store"
)

var (
	_ claim.Budget = budget.Control{}
	_ claim.Lines  = budget.Control{}
	_ claim.People = colleagues{}
)

// Spending is budgets, and the claims that spend them.
type Spending struct {
	Budgets *budget.Service
	Claims  *claim.Service
}

// spending makes the services of budgets and claims. Claims are paid at the bank,
// and an operator says how it went.
func (m *Market) spending(b *budget.Options, c *claim.Options) Spending {
	control := budget.Control{Store: budget.StoreOn(m.DB), Books: m.Books}
	return Spending{
		Budgets: budget.New(m.Writer, budget.StoreOn(m.DB), budget.Ports{Books: m.Books}, b),
		Claims: claim.New(m.Writer, claim.StoreOn(m.DB), claim.Ports{
			Books: m.owing(m.DB, m.Books), Budget: control, Lines: control, Sealer: m.Vault, People: colleagues{m.Access},
		}, c),
	}
}

// colleagues are who holds a role, by the grants in force. Nobody has a rank.
type colleagues struct{ access *access.Service }

// Holders implements [claim.People].
func (c colleagues) Holders(ctx context.Context, role string) (all []platform.ID, err error) {
	by, err := platform.ActorOf(ctx)
	if err != nil {
		return nil, err
	}
	system := platform.SystemActor("claim")
	system.Tenant = by.Tenant
	ctx = platform.As(ctx, system)
	for cursor := ""; ; {
		page, err := c.access.Grants(ctx, access.Active, cursor, 500)
		if err != nil {
			return nil, err
		}
		for _, g := range page.Items {
			if g.Role == role && g.Scope == "" {
				all = append(all, g.Account)
			}
		}
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

// Rank implements [claim.People].
func (colleagues) Rank(context.Context, platform.ID) (string, error) { return "", nil }

// verifyLines proves the budgets by their books.
func verifyLines(ctx context.Context, now store.Snapshot, tell func(store.Finding)) error {
	for d, err := range budget.Verify(ctx, now) {
		if err != nil {
			return unless(err, "budget", tell)
		}
		ref := platform.Ref{Kind: "budget.line", ID: d.Line}
		tell(store.Finding{Code: "budget." + d.Rule, Ref: ref, What: fmt.Sprintf("should be %s, is %s", d.Expected, d.Found)})
	}
	return nil
}

// DemoBudget gives a demo a budget of this year, which its operators have
// approved and which comes into force with the first tick.
func (m *Market) DemoBudget(ctx context.Context, c Cast) error {
	year := time.Date(m.Writer.Now().Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	system := platform.SystemActor("demo")
	system.Tenant = m.Writer.Tenant
	b, err := m.Budgets.Draft(platform.As(ctx, system), budget.Draft{
		Centre: "service", From: year, Until: year.AddDate(1, 0, 0), Envelope: platform.MustMoney("60000", "CNY"),
		Lines: []budget.Planned{
			{Account: "travel", Amount: platform.MustMoney("24000", "CNY")},
			{Account: "supplies", Amount: platform.MustMoney("18000", "CNY"), Monthly: true},
			{Account: "training", Amount: platform.MustMoney("12000", "CNY"), Over: budget.Warn, Tolerance: platform.MustMoney("1200", "CNY")},
		},
	})
	if err != nil {
		return err
	}
	if _, err := m.Budgets.Submit(platform.As(ctx, system), budget.Submit{Budget: b.ID}); err != nil {
		return err
	}
	for _, who := range []platform.Actor{c.Operator, c.Second} {
		if _, err := m.Budgets.Approve(platform.As(ctx, who), budget.Approve{Budget: b.ID}); err != nil {
			return err
		}
	}
	return nil
}
