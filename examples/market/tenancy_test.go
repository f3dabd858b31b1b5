package market_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/budget"
	"github.com/liangding/platform/finance/claim"
	"github.com/liangding/platform/finance/fee"
	"github.com/liangding/platform/finance/invoice"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/receivable"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/finance/supervision"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/order/dispute"
	"github.com/liangding/platform/order/insight"
	"github.com/liangding/platform/risk"
	"github.com/liangding/platform/security/access"
	"github.com/liangding/platform/security/vault"
	"github.com/liangding/platform/security/verification"
	"github.com/liangding/platform/staff"
	"github.com/liangding/platform/store/memory"
)

// reads is how each kind's records are read from outside: by id, or by the id of
// what they belong to. Nil is a kind that no service hands out.
func reads(m *market.Market) map[string]func(context.Context, platform.Record) error {
	type by = func(context.Context, platform.ID) error
	id := func(read by) func(context.Context, platform.Record) error {
		return func(ctx context.Context, r platform.Record) error { return read(ctx, r.Ref.ID) }
	}
	return map[string]func(context.Context, platform.Record) error{
		"merchant":             id(func(ctx context.Context, i platform.ID) error { _, err := m.Merchants.Merchant(ctx, i); return err }),
		"merchant.application": id(func(ctx context.Context, i platform.ID) error { _, err := m.Merchants.Application(ctx, i); return err }),
		"merchant.agreement":   id(func(ctx context.Context, i platform.ID) error { _, _, err := m.Merchants.Agreement(ctx, i); return err }),
		"merchant.listing":     id(func(ctx context.Context, i platform.ID) error { _, err := m.Merchants.Listing(ctx, i); return err }),
		"merchant.revision":    id(func(ctx context.Context, i platform.ID) error { _, err := m.Merchants.Revision(ctx, i); return err }),

		"verification.set": of(func(ctx context.Context, r verification.Set) error {
			_, err := m.Verification.Sets(ctx, r.Party)
			return err
		}),
		"verification.rules": nil,
		"verification.standing": of(func(ctx context.Context, r verification.Standing) error {
			_, err := m.Verification.Standing(ctx, r.Party.ID)
			return err
		}),
		"verification.submission": id(func(ctx context.Context, i platform.ID) error {
			_, err := m.Verification.Submission(ctx, i)
			return err
		}),
		"verification.waiver": nil,
		"verification.print":  nil,

		"order":          id(func(ctx context.Context, i platform.ID) error { _, err := m.Orders.Order(ctx, i); return err }),
		"order.checkout": id(func(ctx context.Context, i platform.ID) error { _, err := m.Orders.Checkout(ctx, i); return err }),
		"order.tip":      id(func(ctx context.Context, i platform.ID) error { _, err := m.Orders.Tip(ctx, i); return err }),
		"order.change":   id(func(ctx context.Context, i platform.ID) error { _, err := m.Orders.Change(ctx, i); return err }),
		"order.absence":  nil, // it decides what a no-show costs, and is not shown
		"order.policy":   id(func(ctx context.Context, i platform.ID) error { _, err := m.Orders.Policy(ctx, i); return err }),
		"order.charged": of(func(ctx context.Context, r order.Charged) error {
			_, err := m.FeesOf(ctx, r.Order, "en")
			return err
		}),
		"order.refund": of(func(ctx context.Context, r order.Refund) error {
			_, err := m.Orders.Refunds(ctx, r.Order, "")
			return err
		}),
		"order.proof": of(func(ctx context.Context, r order.Proof) error {
			_, err := m.Orders.Proofs(ctx, r.Order, "")
			return err
		}),
		"order.dispute": id(func(ctx context.Context, i platform.ID) error { _, err := m.Disputes.Dispute(ctx, i); return err }),
		"order.evidence": of(func(ctx context.Context, e dispute.Evidence) error {
			_, err := m.Disputes.Evidence(ctx, e.Dispute, "")
			return err
		}),
		"care.feedback": of(func(ctx context.Context, r struct {
			Order platform.ID `json:"order"`
		}) error {
			_, err := m.Reviews.Feedback(ctx, r.Order, "")
			return err
		}),
		"care.review": of(func(ctx context.Context, r struct {
			Merchant platform.ID `json:"merchant"`
		}) error {
			page, err := m.Reviews.Reviews(ctx, r.Merchant, "")
			return found(page, err)
		}),

		"insight.journey": func(ctx context.Context, _ platform.Record) error { return insightOf(ctx, m) },
		"insight.day":     func(ctx context.Context, _ platform.Record) error { return insightOf(ctx, m) },
		"insight.reading": func(ctx context.Context, _ platform.Record) error { return insightOf(ctx, m) },

		"dispatch.assignment": id(func(ctx context.Context, i platform.ID) error { _, err := m.Dispatch.Assignment(ctx, i); return err }),
		"dispatch.search":     nil,
		"staff.member":        id(func(ctx context.Context, i platform.ID) error { _, err := m.Staff.Member(ctx, i); return err }),
		"staff.zone":          id(func(ctx context.Context, i platform.ID) error { _, err := m.Staff.Zone(ctx, i); return err }),
		"staff.booking_day":   nil,

		"fee.schedule": id(func(ctx context.Context, i platform.ID) error { _, err := m.Fees.Schedule(ctx, i); return err }),
		"fee.course": of(func(ctx context.Context, r fee.Course) error {
			_, err := m.Fees.Preview(ctx, r.Versions[0].ID)
			return err
		}),
		"fee.binding": of(func(ctx context.Context, r fee.Binding) error {
			_, err := m.Fees.Standing(ctx, r.Merchant, yuan(0).Currency())
			return err
		}),

		"payment.intent":      id(func(ctx context.Context, i platform.ID) error { _, err := m.Payments.Intent(ctx, i); return err }),
		"payment.attempt":     id(func(ctx context.Context, i platform.ID) error { _, err := m.Payments.Attempt(ctx, i); return err }),
		"payment.return":      id(func(ctx context.Context, i platform.ID) error { _, err := m.Payments.Return(ctx, i); return err }),
		"payment.chargeback":  id(func(ctx context.Context, i platform.ID) error { _, err := m.Payments.Chargeback(ctx, i); return err }),
		"payment.split":       id(func(ctx context.Context, i platform.ID) error { _, err := m.Payments.Split(ctx, i); return err }),
		"payment.recipient":   id(func(ctx context.Context, i platform.ID) error { _, err := m.Payments.Recipient(ctx, i); return err }),
		"payment.institution": nil,
		"payment.notice":      nil,
		"finance.posting":     nil,
		"finance.journal":     id(func(ctx context.Context, i platform.ID) error { _, err := m.Ledger.Journal(ctx, i); return err }),
		"finance.number":      nil,
		"finance.sequence":    nil,
		"finance.pending":     nil,
		"finance.opening":     nil,
		"finance.account":     nil,

		"finance.periods":     nil,
		"finance.sums":        nil,
		"finance.account_sum": nil,
		"finance.turnover":    nil,

		"settlement.account": id(func(ctx context.Context, i platform.ID) error { _, err := m.Payouts.Account(ctx, i); return err }),
		"settlement.details": of(func(ctx context.Context, d settlement.Details) error {
			_, err := m.Payouts.History(ctx, d.Account, "")
			return err
		}),
		"settlement.statement": id(func(ctx context.Context, i platform.ID) error { _, err := m.Payouts.Statement(ctx, i); return err }),
		"settlement.run":       id(func(ctx context.Context, i platform.ID) error { _, err := m.Payouts.Run(ctx, i); return err }),
		"settlement.payout":    id(func(ctx context.Context, i platform.ID) error { _, err := m.Payouts.Payout(ctx, i); return err }),
		"settlement.file": of(func(ctx context.Context, f settlement.File) error {
			_, err := m.Payouts.Files(ctx, f.Run, "")
			return err
		}),
		"settlement.reserve": nil,

		"receivable":         id(func(ctx context.Context, i platform.ID) error { _, err := m.Receivables.Item(ctx, i); return err }),
		"receivable.receipt": id(func(ctx context.Context, i platform.ID) error { _, err := m.Receivables.Receipt(ctx, i); return err }),
		"receivable.letter":  id(func(ctx context.Context, i platform.ID) error { _, err := m.Receivables.Letter(ctx, i); return err }),
		"receivable.debtor": of(func(ctx context.Context, d receivable.Debtor) error {
			_, err := m.Receivables.Debtor(ctx, d.Party)
			return err
		}),
		"receivable.rates": nil,
		"receivable.allowance": of(func(ctx context.Context, a receivable.Allowance) error {
			_, err := m.Receivables.Allowances(ctx, a.Portfolio, "")
			return err
		}),

		"budget":            id(func(ctx context.Context, i platform.ID) error { _, err := m.Budgets.Budget(ctx, i); return err }),
		"budget.line":       id(func(ctx context.Context, i platform.ID) error { _, err := m.Budgets.Forecast(ctx, i); return err }),
		"budget.commitment": nil,
		"budget.entry":      nil,
		"budget.move":       nil,
		"finance.claim":     id(func(ctx context.Context, i platform.ID) error { _, err := m.Claims.Claim(ctx, i); return err }),
		"claim.advance":     id(func(ctx context.Context, i platform.ID) error { _, err := m.Claims.Advance(ctx, i); return err }),
		"claim.payment":     nil,
		"claim.person":      nil,
		"claim.matrix":      nil,

		"reconciliation.statement": id(func(ctx context.Context, i platform.ID) error { _, err := m.Recon.Statement(ctx, i); return err }),
		"reconciliation.run":       id(func(ctx context.Context, i platform.ID) error { _, err := m.Recon.Run(ctx, i); return err }),
		"reconciliation.case":      id(func(ctx context.Context, i platform.ID) error { _, err := m.Recon.Case(ctx, i); return err }),
		"reconciliation.sheet":     nil,
		"reconciliation.draft":     nil,

		"invoice":        id(func(ctx context.Context, i platform.ID) error { _, err := m.Invoices.Invoice(ctx, i); return err }),
		"invoice.letter": nil,
		"invoice.tally": of(func(ctx context.Context, t invoice.Tally) error {
			_, err := m.Invoices.Tally(ctx, t.Subject, t.Kind)
			return err
		}),
		"invoice.series": nil,
		"refund.plan":    id(func(ctx context.Context, i platform.ID) error { _, err := m.StoredPlan(ctx, i, "en"); return err }),

		"closing.close":      nil,
		"closing.year":       nil,
		"closing.tax_report": nil, // the script reports no taxes; its own tests cross the border
		"closing.tax_part":   nil,
		"closing.exemption":  nil, // nor is anybody exempt

		"supervision.control": func(ctx context.Context, _ platform.Record) error { _, err := m.Supervision.Schedules(ctx); return err },
		"supervision.run": of(func(ctx context.Context, r supervision.Run) error {
			_, err := m.Supervision.Runs(ctx, r.Control, "")
			return err
		}),
		"supervision.finding": id(func(ctx context.Context, i platform.ID) error { _, err := m.Supervision.Finding(ctx, i); return err }),
		"supervision.hit": of(func(ctx context.Context, h supervision.Known) error {
			_, err := m.Supervision.Hits(ctx, h.Finding, "")
			return err
		}),
		"supervision.engagement": id(func(ctx context.Context, i platform.ID) error { _, err := m.Supervision.Engagement(ctx, i); return err }),
		"supervision.adjustment": of(func(ctx context.Context, a supervision.Adjustment) error {
			_, err := m.Supervision.Adjustments(ctx, a.Engagement, "")
			return err
		}),
		"supervision.pack": of(func(ctx context.Context, p supervision.Packed) error {
			_, err := m.Supervision.Packs(ctx, p.Engagement, "")
			return err
		}),
		"supervision.seed":   nil, // the script closes no month; its own tests draw samples
		"supervision.sample": nil,
		"supervision.cutoff": nil,

		"screen.decision": id(func(ctx context.Context, i platform.ID) error { _, err := m.Screen.Decision(ctx, i); return err }),
		"risk.alert":      id(func(ctx context.Context, i platform.ID) error { _, err := m.Risk.Alert(ctx, i); return err }),
		"risk.indicator":  func(ctx context.Context, _ platform.Record) error { _, err := m.Risk.Gauge(ctx, "orders"); return err },

		"vault.erasure": of(func(ctx context.Context, e vault.Erasure) error {
			_, err := m.Vault.Shred(ctx, vault.Shred{Of: e.Of, Basis: e.Basis})
			return err
		}),
		"access.policy":   func(ctx context.Context, _ platform.Record) error { _, err := m.Access.Policy(ctx); return err },
		"access.grant":    id(func(ctx context.Context, i platform.ID) error { _, err := m.Access.Grant(ctx, i); return err }),
		"access.break":    id(func(ctx context.Context, i platform.ID) error { _, err := m.Access.Break(ctx, i); return err }),
		"access.campaign": id(func(ctx context.Context, i platform.ID) error { _, err := m.Access.Campaign(ctx, i); return err }),
	}
}

// found is ErrNotFound for an empty page, which is how some lists say so.
func found[T any](page platform.Page[T], err error) error {
	if err == nil && len(page.Items) == 0 {
		return platform.ErrNotFound
	}
	return err
}

// of reads by a field of the record.
func of[T any](read func(context.Context, T) error) func(context.Context, platform.Record) error {
	return func(ctx context.Context, r platform.Record) error {
		all, err := platform.Found[T](map[platform.Ref]platform.Record{r.Ref: r}, r.Ref)
		if err != nil {
			return err
		}
		return read(ctx, all[0])
	}
}

// lists are the pages that are read by no id.
func lists(m *market.Market) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"policies": func(ctx context.Context) error { _, err := m.Orders.Policies(ctx, ""); return err },
		"orders": func(ctx context.Context) error {
			page, err := m.Orders.Orders(ctx, order.Query{})
			return found(page, err)
		},
		"channels":      func(ctx context.Context) error { _, err := m.Payments.Channels(ctx); return err },
		"payment tasks": func(ctx context.Context) error { _, err := m.Payments.Queue(ctx, ""); return err },
		"chargebacks": func(ctx context.Context) error {
			_, err := m.Payments.Chargebacks(ctx, payment.ChargebackLost, "")
			return err
		},
		"splits": func(ctx context.Context) error {
			_, err := m.Payments.Sharings(ctx, payment.SharingDone, "")
			return err
		},
		"budgets":      func(ctx context.Context) error { _, err := m.Budgets.Budgets(ctx, ""); return err },
		"budget lines": func(ctx context.Context) error { _, err := m.Budgets.Lines(ctx, "", ""); return err },
		"virements":    func(ctx context.Context) error { _, err := m.Budgets.Moves(ctx, ""); return err },
		"claims":       func(ctx context.Context) error { _, err := m.Claims.Claims(ctx, ""); return err },
		"advances":     func(ctx context.Context) error { _, err := m.Claims.Advances(ctx, claim.AdvanceOpen, ""); return err },
		"matrix":       func(ctx context.Context) error { _, err := m.Claims.Matrix(ctx); return err },
		"assignments":  func(ctx context.Context) error { _, err := m.Dispatch.Assignments(ctx, dispatch.Find{}); return err },
		"members":      func(ctx context.Context) error { _, err := m.Staff.Members(ctx, staff.Find{}); return err },
		"zones":        func(ctx context.Context) error { _, err := m.Staff.Zones(ctx, staff.Live, ""); return err },
		"schedules":    func(ctx context.Context) error { _, err := m.Fees.Schedules(ctx, "", ""); return err },
		"alerts":       func(ctx context.Context) error { _, err := m.Risk.Alerts(ctx, risk.AlertFiring, "", 0); return err },
		"grants":       func(ctx context.Context) error { _, err := m.Access.Grants(ctx, "", "", 0); return err },
		"breaks":       func(ctx context.Context) error { _, err := m.Access.Breaks(ctx, "", "", 0); return err },
		"campaigns":    func(ctx context.Context) error { _, err := m.Access.Campaigns(ctx, "", "", 0); return err },
		"statements":   func(ctx context.Context) error { _, err := m.Recon.Statements(ctx, "sandbox", ""); return err },
		"differences": func(ctx context.Context) error {
			_, err := m.Recon.Inbox(ctx, reconciliation.CaseOpen, "")
			return err
		},
		"who can":  func(ctx context.Context) error { _, _, err := m.Access.WhoCan(ctx, "order.cancel", "", ""); return err },
		"controls": func(ctx context.Context) error { _, err := m.Supervision.Schedules(ctx); return err },
		"findings": func(ctx context.Context) error {
			_, err := m.Supervision.Findings(ctx, supervision.Open, "")
			return err
		},
		"engagements": func(ctx context.Context) error { _, err := m.Supervision.Engagements(ctx, ""); return err },
		"ageing":      func(ctx context.Context) error { _, err := m.Receivables.Ageing(ctx); return err },
		"reviews":     func(ctx context.Context) error { _, err := m.Verification.Queue(ctx, ""); return err },
		"waivers":     func(ctx context.Context) error { _, err := m.Verification.Waivers(ctx, ""); return err },
		"write-offs":  func(ctx context.Context) error { _, err := m.Receivables.Proposed(ctx, ""); return err },
		"tasks":       func(ctx context.Context) error { _, err := m.Receivables.Tasks(ctx, ""); return err },
		"receipts":    func(ctx context.Context) error { _, err := m.Receivables.Receipts(ctx, "", ""); return err },
		"balance": func(ctx context.Context) error {
			_, err := m.Books.Balance(ctx, finance.Account{Role: "opening"}, platform.MustMoney("0", "CNY").Currency())
			return err
		},
		"a command": func(ctx context.Context) error {
			_, err := m.Access.Begin(ctx, access.Begin{})
			return err
		},
	}
}

// insightOf reads all that insight knows of a year.
func insightOf(ctx context.Context, m *market.Market) error {
	a := insight.Ask{From: m.Writer.Now().AddDate(-1, 0, 0), Until: m.Writer.Now()}
	_, err := m.Insight.Report(ctx, a)
	return err
}

// TestAC10ActorsOfAnotherTenantFindNothing: two markets, full of everything; each
// one's people are sent to the other for a record of every kind.
func TestAC10ActorsOfAnotherTenantFindNothing(t *testing.T) {
	t.Parallel()
	town := newTown(t, 2)
	town.play()
	town.govern()
	town.quarrel()
	town.settle()
	town.owe()
	town.prove()
	town.invoice()
	town.supervise()
	_, err := town.Insight.Tick(t.Context(), town.Writer.Now(), 5000)
	require.NoError(t, err)
	west, err := market.Open(memory.New(market.Kinds(), nil), &market.Options{Tenant: "west"})
	require.NoError(t, err)
	cast, err := west.Demo(t.Context())
	require.NoError(t, err)

	ways := reads(town.Market)
	for _, kind := range market.Kinds() {
		read, known := ways[kind.Name]
		if !assert.True(t, known, "how is %s read?", kind.Name) || read == nil {
			continue
		}
		page, err := town.DB.Scan(t.Context(), platform.Query{Kind: kind.Name, Limit: 1})
		require.NoError(t, err)
		require.NotEmpty(t, page.Items, "no %s to cross", kind.Name)
		require.NoError(t, read(platform.As(t.Context(), town.operator), page.Items[0]), kind.Name)
		for _, stranger := range []platform.Actor{cast.Operator, cast.Customer, cast.Merchant, cast.Staff, {ID: town.operator.ID, Kind: platform.Auditor, Tenant: "west"}} {
			stranger.Tenant = "west"
			require.ErrorIs(t, read(platform.As(t.Context(), stranger), page.Items[0]), platform.ErrNotFound, "%s by a %s", kind.Name, stranger.Kind)
		}
	}
	for name, list := range lists(town.Market) {
		require.ErrorIs(t, list(platform.As(t.Context(), cast.Operator)), platform.ErrNotFound, name)
	}
	for name, list := range lists(west) {
		require.ErrorIs(t, list(platform.As(t.Context(), town.operator)), platform.ErrNotFound, name)
	}
}

// quarrel has a customer dispute an order, so that there is a record of each kind.
func (c *town) quarrel() {
	c.t.Helper()
	o := c.pays(c.place(1, c.listing(func(l *merchant.Content) { l.Acceptance, l.Seats = "proof", 0 })))
	give(c, c.seller, c.Orders.Complete, order.Complete{Order: o.ID, Proofs: c.photos()})
	give(c, c.customer, c.Disputes.Open, dispute.Open{Order: o.ID, Reason: "broken", Evidence: []dispute.Exhibit{{Kind: "statement", Text: "it broke"}}})
}

// settle plans a payout of what the town has sold, so that there is a record of
// each kind.
func (c *town) settle() {
	c.t.Helper()
	a := give(c, c.seller, c.Payouts.Register, settlement.Register{Party: c.seller.ID, Currency: "CNY", Institution: "sandbox", Payee: "bright-windows"})
	give(c, c.operator, c.Payouts.VerifyAccount, settlement.VerifyAccount{Account: a.ID, Reason: "document"})
	for range 2 {
		c.tick("settlement", 8*24*time.Hour, c.Payouts)
	}
	run := give(c, c.operator, c.Payouts.StartRun, settlement.StartRun{Name: "town", Currency: "CNY"}, 3)
	give(c, c.operator, c.Payouts.DraftFile, settlement.DraftFile{Run: run.ID, Bank: "house"})
}

// govern gives the commands of access, so that there is a record of each kind.
func (c *town) govern() {
	c.t.Helper()
	ctx := platform.As(c.t.Context(), c.operator)
	_, err := c.Access.Bootstrap(platform.As(c.t.Context(), platform.SystemActor("setup")), access.Bootstrap{Accounts: []platform.ID{c.operator.ID, c.second.ID}, Roles: []string{"admin"}})
	require.NoError(c.t, err)
	page, err := c.DB.Scan(c.t.Context(), platform.Query{Kind: "order", Limit: 1})
	require.NoError(c.t, err)
	_, err = c.Access.Request(ctx, access.Request{On: page.Items[0].Ref, Fields: []string{"note"}, Purpose: "fulfilment", Reason: "accident"})
	require.NoError(c.t, err)
	_, err = c.Access.Begin(ctx, access.Begin{})
	require.NoError(c.t, err)
	c.budget(ctx)
	st, err := c.Recon.Import(ctx, reconciliation.Import{Institution: "sandbox", Day: "2026-03-02", File: strings.NewReader(
		"id,kind,gross,currency,at\na,charge,1.00,CNY,2026-03-02T12:00:00Z\n")})
	require.NoError(c.t, err)
	_, err = c.Recon.Reconcile(ctx, reconciliation.Reconcile{Statement: st.ID})
	require.NoError(c.t, err)
	accountant := c.operator
	accountant.Roles = append(slices.Clone(accountant.Roles), finance.Accountant)
	_, err = c.Ledger.ProposeJournal(platform.As(c.t.Context(), accountant), finance.ProposeJournal{
		Legs: []finance.Line{{Account: "marketing", Amount: yuan(1)}, {Account: "bank:icbc", Amount: yuan(-1)}}, Reason: "correction", Voucher: strings.Repeat("0f", 32),
	})
	require.NoError(c.t, err)
	draft, err := c.Fees.Draft(ctx, fee.Draft{
		Name: "standard", Currency: yuan(0).Currency(), From: c.clock.Now().AddDate(0, 1, 0),
		Components: []fee.Component{{Name: "commission", Rules: []fee.Rule{{ID: "all", Rate: decimal.New(1, -1)}}}},
	})
	require.NoError(c.t, err)
	_, err = c.Fees.Publish(platform.As(c.t.Context(), c.second), fee.Publish{Schedule: draft.ID})
	require.NoError(c.t, err)
	_, err = c.Fees.Bind(ctx, fee.Bind{Merchant: c.seller.ID, Tier: "gold", Reason: "contract"})
	require.NoError(c.t, err)
	_, err = c.Vault.Shred(ctx, vault.Shred{Of: platform.Ref{Kind: "customer", ID: c.Writer.NewRoot(ctx, "cus")}, Basis: "consent_withdrawn"})
	require.NoError(c.t, err)
}

// budget makes a budget with a claim on it, and an advance.
func (c *town) budget(ctx context.Context) {
	c.t.Helper()
	now := c.Writer.Now()
	b, err := c.Budgets.Draft(ctx, budget.Draft{
		Centre: "service", From: now.AddDate(0, -1, 0), Until: now.AddDate(0, 1, 0), Envelope: yuan(9), Lines: []budget.Planned{{Account: "travel", Amount: yuan(9)}},
	})
	require.NoError(c.t, err)
	_, err = c.Budgets.Submit(ctx, budget.Submit{Budget: b.ID})
	require.NoError(c.t, err)
	for i := range 2 {
		other := c.second
		other.ID = platform.NewID("opr", now, 1, uint64(i+70))
		_, err = c.Budgets.Approve(platform.As(c.t.Context(), other), budget.Approve{Budget: b.ID})
		require.NoError(c.t, err)
	}
	_, err = c.Budgets.Tick(c.t.Context(), c.Writer.Now(), 0)
	require.NoError(c.t, err)
	_, err = c.Claims.Draft(ctx, claim.Draft{Items: []claim.Voucher{{Kind: "ticket", Date: now, Amount: yuan(1)}}})
	require.NoError(c.t, err)
	_, err = c.Claims.AskAdvance(ctx, claim.AskAdvance{Amount: yuan(1), Reason: "trip"})
	require.NoError(c.t, err)
}

// invoice asks for an invoice of an order, and approves a refund of it by its plan.
func (c *town) invoice() {
	c.t.Helper()
	ctx, o := platform.As(c.t.Context(), c.customer), c.pays(c.place(1, c.listings...))
	_, err := c.Invoices.RequestInvoice(ctx, invoice.RequestInvoice{Of: o.Ref(), Kind: invoice.ForService, Title: invoice.Title{Name: "N. N."}})
	require.NoError(c.t, err)
	r, err := c.Orders.RequestRefund(ctx, order.RequestRefund{Order: o.ID, Amount: yuan(1), Reason: "late"})
	require.NoError(c.t, err)
	operator := platform.As(c.t.Context(), c.operator)
	p, err := c.PlanRefund(operator, market.PlanRefund{Refund: r.ID}, "en")
	require.NoError(c.t, err)
	_, err = c.Orders.ApproveRefund(operator, order.ApproveRefund{Refund: r.ID, Plan: p.Hash})
	require.NoError(c.t, err)
}
