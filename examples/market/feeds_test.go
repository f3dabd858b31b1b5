package market_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/claim"
	"github.com/liangding/platform/finance/invoice"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/finance/supervision"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/risk"
	"github.com/liangding/platform/security/access"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/storetest"
)

// guarded is a demo with a supervisor, on a Monday at noon, with options.
func guarded(t *testing.T, change func(*market.Options)) (*stall, platform.Actor) {
	t.Helper()
	s := &stall{t: t, clock: storetest.NewClock(time.Date(2030, 3, 4, 12, 0, 0, 0, time.UTC))}
	o := market.Options{Now: s.clock.Now, IDs: storetest.IDs(1)}
	if change != nil {
		change(&o)
	}
	var err error
	s.Market, err = market.Open(memory.New(market.Kinds(), nil), &o)
	require.NoError(t, err)
	s.cast, err = s.Demo(t.Context())
	require.NoError(t, err)
	supervisor, err := s.DemoSupervision(t.Context(), s.cast)
	require.NoError(t, err)
	return s, supervisor
}

// asked are the codes and objects that a control finds now.
func (s *stall) asked(by platform.Actor, control string) (all []string) {
	s.t.Helper()
	run, err := s.Supervision.RunControl(s.as(by), supervision.RunControl{Control: control})
	require.NoError(s.t, err)
	require.Positive(s.t, run.Facts, "it did look")
	page, err := s.Supervision.Findings(s.as(by), supervision.Open, "")
	require.NoError(s.t, err)
	for _, f := range page.Items {
		if f.Control == control {
			all = append(all, strings.Join(f.Codes, "+")+" "+f.Object)
		}
	}
	slices.Sort(all)
	return all
}

// owes books by hand that a party is owed an amount, or less.
func (s *stall) owes(party platform.ID, amount string) {
	s.t.Helper()
	m := platform.MustMoney(amount, "CNY")
	j, err := s.Ledger.ProposeJournal(s.as(s.cast.Operator), finance.ProposeJournal{
		Legs: []finance.Line{{Account: "marketing", Amount: m}, {Account: "payable:" + string(party), Amount: m.Neg()}}, Reason: "correction",
		Voucher: strings.Repeat("0123456789abcdef"[len(amount)%16:len(amount)%16+1], 64),
	})
	require.NoError(s.t, err)
	_, err = s.Ledger.ApproveJournal(s.as(s.cast.Second), finance.ApproveJournal{Journal: j.ID})
	require.NoError(s.t, err)
}

func TestMoneyThatMovesOnADormantAccountIsFound(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	for name, c := range map[string]struct {
		idle time.Duration
		want bool
	}{"after more than a year": {year + time.Minute, true}, "after a year less a minute": {year - time.Minute, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, supervisor := guarded(t, nil)
			asleep, awake := s.Writer.NewRoot(t.Context(), "mer"), s.Writer.NewRoot(t.Context(), "mer")
			s.owes(asleep, "100.00")
			s.owes(awake, "10.00")
			s.clock.Advance(c.idle - 24*time.Hour)
			s.owes(awake, "7.00")
			s.clock.Advance(24 * time.Hour)
			s.owes(awake, "-5.00")
			s.owes(asleep, "-50.00")
			s.clock.Advance(time.Second)

			found := s.asked(supervisor, "C9")

			if c.want {
				assert.Equal(t, []string{"dormant " + string(s.cast.Operator.ID)}, found, "who wrote the journal answers for it")
			} else {
				assert.Empty(t, found)
			}
		})
	}
}

func TestIncomeWithoutAnInvoiceIsFound(t *testing.T) {
	t.Parallel()
	const month = 30 * 24 * time.Hour
	for name, c := range map[string]struct {
		after    time.Duration
		invoiced bool
		want     []string
	}{
		"after a month":                 {month + time.Hour, false, []string{"invoice"}},
		"while there is time":           {month - 25*time.Hour, false, nil},
		"not when the merchant has one": {month + time.Hour, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, supervisor := guarded(t, nil)
			who, o := s.ordered()
			s.carriedOut(who, o)
			if c.invoiced {
				_, err := s.Invoices.RequestInvoice(s.as(s.cast.Merchant), invoice.RequestInvoice{
					Of: platform.Ref{Kind: "order", ID: o}, Kind: invoice.ForFee, Title: invoice.Title{Company: true, Name: "Bright Windows Ltd", TaxID: "91350100M000100Y43"},
				})
				require.NoError(t, err)
			}
			s.clock.Advance(c.after)
			_, _ = s.ordered() // something to look at
			s.clock.Advance(time.Second)
			var want []string
			for _, code := range c.want {
				want = append(want, code+" "+string(s.cast.Merchant.ID))
			}
			assert.Equal(t, want, s.asked(supervisor, "C8"))
		})
	}
}

func TestTwoOfOneReportingLineOnOneItemAreFound(t *testing.T) {
	t.Parallel()
	boss, other := platform.ID("opr_boss"), platform.ID("opr_other")
	for name, c := range map[string]struct {
		second, third platform.ID // to whom they report
		want          int
	}{"of one line": {boss, boss, 1}, "of two": {boss, other, 0}, "nobody knows": {"", "", 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reports := map[platform.ID]platform.ID{}
			s, supervisor := guarded(t, func(o *market.Options) {
				o.Superiors = func(_ context.Context, people ...platform.ID) (map[platform.ID]platform.ID, error) {
					all := map[platform.ID]platform.ID{}
					for _, id := range people {
						if above := reports[id]; above != "" {
							all[id] = above
						}
					}
					return all, nil
				}
			})
			third := s.hired("finance")
			reports[s.cast.Second.ID], reports[third.ID] = c.second, c.third
			s.paidClaim(third)

			found := s.asked(supervisor, "C2")

			if c.want == 0 {
				assert.Empty(t, found)
			} else if assert.Len(t, found, 1) {
				assert.Contains(t, found[0], "same_line")
			}
		})
	}
}

// paidClaim is a claim of the member of staff's that the second operator approves and
// another pays.
func (s *stall) paidClaim(payer platform.Actor) {
	s.t.Helper()
	require.NoError(s.t, s.DemoBudget(s.t.Context(), s.cast))
	s.ticks(time.Second)
	lines, err := s.Budgets.Lines(s.as(s.cast.Staff), "", "")
	require.NoError(s.t, err)
	c, err := s.Claims.Draft(s.as(s.cast.Staff), claim.Draft{Items: []claim.Voucher{{
		Line: lines.Items[0].ID, Kind: "ticket", File: strings.Repeat("ab", 32), Number: "G1", Seller: "Rail", Purpose: "to a customer",
		Date: s.clock.Now().AddDate(0, 0, -3), Amount: platform.MustMoney("100.00", "CNY"),
	}}})
	require.NoError(s.t, err)
	_, err = s.Claims.Submit(s.as(s.cast.Staff), claim.Submit{Claim: c.ID})
	require.NoError(s.t, err)
	_, err = s.Claims.Approve(s.as(s.cast.Second), claim.Approve{Claim: c.ID})
	require.NoError(s.t, err)
	s.ticks(time.Minute)
	_, err = s.Claims.Pay(s.as(payer), claim.Pay{Claim: c.ID})
	require.NoError(s.t, err)
	c, err = s.Claims.ResolvePayment(s.as(s.cast.Operator), claim.ResolvePayment{Claim: c.ID, Outcome: "paid", Reason: "transferred"})
	require.NoError(s.t, err)
	require.Equal(s.t, claim.Paid, c.State)
	s.ticks(time.Second)
}

// hired is another operator, with a role.
func (s *stall) hired(role string) platform.Actor {
	s.t.Helper()
	account := s.Writer.NewRoot(s.t.Context(), "opr")
	g, err := s.Access.Propose(s.as(s.cast.Operator), access.Propose{Account: account, Role: role, Reason: "demo"})
	require.NoError(s.t, err)
	_, err = s.Access.Activate(s.as(s.cast.Second), access.Activate{Grant: g.ID})
	require.NoError(s.t, err)
	actor, err := s.Access.Actor(s.t.Context(), account, platform.Operator)
	require.NoError(s.t, err)
	return actor
}

// Refunds of one customer that one person approves, each below what two must approve,
// exceed it together.
func TestRefundsThatAreCutToPassOneApproverAreFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		amounts []string
		want    []string
	}{
		"above the limit together": {[]string{"60.00", "40.01"}, []string{"split"}},
		"up to it":                 {[]string{"60.00", "40.00"}, nil},
		"just below it":            {[]string{"95.01"}, []string{"near_limit"}},
		"well below it":            {[]string{"95.00"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, supervisor := guarded(t, func(o *market.Options) {
				o.Order = order.Options{FourEyes: []platform.Money{platform.MustMoney("100.00", "CNY")}}
			})
			who, o := s.ordered()
			for _, amount := range c.amounts {
				s.refunded(who, o, amount)
				s.clock.Advance(time.Minute)
			}
			var want []string
			for _, code := range c.want {
				want = append(want, code+" "+string(who.ID))
			}
			assert.Equal(t, want, s.asked(supervisor, "C3"))
		})
	}
}

func TestABankAccountThatNobodyComparesIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after time.Duration
		known bool // its statements are compared
		want  []string
	}{
		"after a day":                  {24*time.Hour + time.Second, false, []string{"bank bank:icbc"}},
		"not on the day":               {24 * time.Hour, false, nil},
		"its statement did not come":   {24*time.Hour + time.Second, true, []string{"statement bank:icbc"}},
		"its statement may still come": {24 * time.Hour, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, supervisor := guarded(t, func(o *market.Options) {
				if c.known {
					o.Recon.Accounts = []reconciliation.Account{{Institution: "icbc", Ledger: finance.Account{Role: "bank", Party: "icbc"}}}
				}
			})
			s.journal("123.45", "0a")
			s.clock.Advance(c.after)
			assert.Equal(t, c.want, s.asked(supervisor, "C6"))
		})
	}
}

// Ninety days after a year that nobody was engaged to audit, an alert fires.
func TestAYearWithoutAnAuditIsAnAlert(t *testing.T) {
	t.Parallel()
	s, _ := guarded(t, nil)
	s.ticks(0)
	fires := func() bool {
		s.ticks(time.Hour)
		page, err := s.Risk.Alerts(s.as(s.cast.Operator), risk.AlertFiring, "", 0)
		require.NoError(t, err)
		return slices.ContainsFunc(page.Items, func(a risk.Alert) bool { return a.Indicator == "audit_missing" })
	}
	s.ticks(time.Date(2031, 3, 31, 12, 0, 0, 0, time.UTC).Sub(s.clock.Now()))
	assert.False(t, fires(), "there is still time")
	s.ticks(24 * time.Hour)
	assert.True(t, fires())
}
