package refund_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/refund"
)

// two is an order paid in two payments: 60.00, then 40.00.
func two(change ...func(*refund.Facts)) refund.Facts {
	return sold(append([]func(*refund.Facts){func(f *refund.Facts) {
		f.Payments = []refund.Payment{
			{ID: older, Institution: "sandbox", Amount: yuan("60.00"), Captured: true, Fee: yuan("0.60")},
			{ID: newer, Institution: "other", Amount: yuan("40.00"), Captured: true},
		}
	}}, change...)...)
}

// steps are a plan's steps in short.
func steps(p refund.Plan) string {
	var all []string
	for _, s := range p.Steps {
		name := map[platform.ID]string{older: "older", newer: "newer"}[s.Payment]
		all = append(all, fmt.Sprintf("%s %s %s", s.Way, name, s.Amount.Decimal()))
	}
	return strings.Join(all, ", ")
}

// Finance §10 step 6.
func TestPaymentsGoBackNewestFirst(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		facts refund.Facts
		ask   string
		want  string
	}{
		"the newest is enough":    {two(), "30.00", "refund newer 30"},
		"then the older":          {two(), "70.00", "refund newer 40, refund older 30"},
		"each up to its rest":     {two(func(f *refund.Facts) { f.Payments[1].Returned = yuan("35.00") }), "30.00", "refund newer 5, refund older 25"},
		"not what is disputed":    {two(func(f *refund.Facts) { f.Payments[1].Disputed = true }), "30.00", "refund older 30"},
		"nor what is charged":     {two(func(f *refund.Facts) { f.Payments[1].ChargedBack = yuan("40.00") }), "30.00", "refund older 30"},
		"by hand if it is closed": {two(func(f *refund.Facts) { f.Payments[1].Closed = true }), "30.00", "manual newer 30"},
		"less is captured": {two(paid, func(f *refund.Facts) {
			f.Payments[1].Captured, f.Captured, f.Available.Escrow = false, yuan("60.00"), yuan("60.00")
		}), "30.00", "reduce newer 30"},
		"or nothing of it": {two(paid, func(f *refund.Facts) {
			f.Payments[1].Captured, f.Captured, f.Available.Escrow = false, yuan("60.00"), yuan("60.00")
		}), "70.00", "void newer 40, refund older 30"},
		"the platform its part": {two(func(f *refund.Facts) { f.Payments[1].Institution = "" }), "30.00", "refund older 18, own newer 12"},
	} {
		p := plan(t, c.facts, part(c.ask))
		assert.Equal(t, c.want, steps(p), name)
	}
	byHand := plan(t, two(func(f *refund.Facts) { f.Payments[1].Closed = true }), part("1.00"))
	assert.Equal(t, []string{"four_eyes", "account_proof"}, byHand.Steps[0].Needs)
}

func TestWhatWasNeverCapturedIsInNoBook(t *testing.T) {
	t.Parallel()
	f := sold(func(f *refund.Facts) {
		f.Stage, f.Available, f.Captured = refund.Paid, refund.Available{}, yuan("0.00")
		f.Payments[0].Captured = false
	})

	p := plan(t, f, whole)

	assert.Equal(t, "void older 100", steps(p))
	assert.Empty(t, p.Legs)
}

// Finance §10 step 7.
func TestSharesComeBackBeforeTheirPayment(t *testing.T) {
	t.Parallel()
	split := func(stuck bool) refund.Facts {
		return sold(func(f *refund.Facts) {
			f.Payments[0].Shares = []refund.Share{{Receiver: merchant, Amount: yuan("80.00")}, {Receiver: member, Amount: yuan("5.00"), Stuck: stuck}}
		})
	}

	p := plan(t, split(false), part("30.00"))
	assert.Equal(t, "return_share older 24, return_share older 1.5, refund older 30", steps(p))
	assert.Equal(t, "27.00 CNY", legs(p)["earning"])

	p = plan(t, split(true), part("30.00"))
	assert.Equal(t, "return_share older 24, claim_share older 1.5, refund older 30", steps(p))
	assert.Equal(t, "1.50 CNY", legs(p)["receivable:stf"])
	assert.Equal(t, "25.50 CNY", legs(p)["earning"])

	goodwill, err := split(false).Plan(refund.Request{Amount: yuan("30.00"), Bearer: refund.ByPlatform})
	require.NoError(t, err)
	assert.Equal(t, "refund older 30", steps(goodwill), "everybody keeps theirs")
}

func TestTheInstitutionsFeeIsNeverBorneSilently(t *testing.T) {
	t.Parallel()
	platforms := plan(t, two(), whole)
	merchants := plan(t, two(func(f *refund.Facts) { f.Agreement.InstitutionFee = true }), whole)

	assert.Equal(t, yuan("0.60"), platforms.Lost)
	assert.Equal(t, refund.ByPlatform, platforms.Lender)
	assert.NotContains(t, legs(platforms), "gateway_fee")
	assert.Equal(t, refund.ByMerchant, merchants.Lender)
	assert.Equal(t, "-0.60 CNY", legs(merchants)["gateway_fee"])
	assert.Equal(t, "0.60 CNY", legs(merchants)["receivable:mer"])
}

// Finance §10 step 9.
func TestATipGoesBackOnlyWhenItIsNamed(t *testing.T) {
	t.Parallel()
	tipped := func(change ...func(*refund.Facts)) refund.Facts {
		return sold(append([]func(*refund.Facts){func(f *refund.Facts) {
			f.Tips = []refund.Tip{{Member: member, Amount: yuan("6.00")}, {Member: second, Amount: yuan("4.00"), Payable: yuan("1.00")}}
			f.Payments = append(f.Payments, refund.Payment{ID: newer, Institution: "sandbox", Amount: yuan("10.00"), Captured: true, Tip: true})
			f.Available.Tips = yuan("10.00")
		}}, change...)...)
	}
	named := refund.Request{Bearer: refund.ByMerchant, Tips: []refund.AskTip{{Member: second}}}

	assert.Equal(t, "refund older 100", steps(plan(t, tipped(), whole)))
	alone := plan(t, tipped(), named)
	assert.Equal(t, "refund newer 4", steps(alone))
	assert.Equal(t, map[string]string{"tips": "4.00 CNY", "refund_due": "-4.00 CNY"}, legs(alone))
	handedOn := plan(t, tipped(func(f *refund.Facts) { f.Stage = refund.Closed }), named)
	assert.Equal(t, map[string]string{"payable:stf": "1.00 CNY", "receivable:stf": "3.00 CNY", "refund_due": "-4.00 CNY"}, legs(handedOn))
	both := named
	both.Lines = []refund.Ask{{Line: 1, Amount: yuan("50.00")}}
	assert.Equal(t, "refund older 50, refund newer 4", steps(plan(t, tipped(), both)))
}

// Finance §10 step 8.
func TestRedLettersAreOverTheRefundedLines(t *testing.T) {
	t.Parallel()
	issued := func(amount string) refund.Facts {
		return sold(func(f *refund.Facts) {
			f.Invoices = []refund.Invoice{{ID: invoice, Lines: map[int]platform.Money{1: yuan(amount)}}}
		})
	}
	assert.Equal(t, []refund.Letter{{Invoice: invoice, Line: 1, Amount: yuan("30.00")}}, plan(t, issued("100.00"), part("30.00")).Letters)
	assert.Equal(t, []refund.Letter{{Invoice: invoice, Line: 1, Amount: yuan("10.00")}}, plan(t, issued("80.00"), part("30.00")).Letters, "what stays paid stays invoiced")
	assert.Empty(t, plan(t, issued("70.00"), part("30.00")).Letters)
}

func TestAPlanIsCarriedOutAsItWasShown(t *testing.T) {
	t.Parallel()
	shown := plan(t, sold(), part("30.00"))

	same, err := sold(func(f *refund.Facts) { f.Available.Payable = yuan("1.00") }).Confirm(part("30.00"), shown.Hash)
	require.NoError(t, err, "what moved changes nothing")
	assert.Equal(t, shown, same)

	moved := sold(func(f *refund.Facts) { f.Available.Earning = yuan("20.00") })
	_, err = moved.Confirm(part("30.00"), shown.Hash)
	require.ErrorIs(t, err, refund.ErrPlanChanged)
	assert.Equal(t, plan(t, moved, part("30.00")), platform.Details(err)["plan"])
	_, err = sold(closed).Confirm(part("30.00"), shown.Hash)
	require.ErrorIs(t, err, refund.ErrPlanChanged)
}

func TestEachPartyIsToldWhatItFeels(t *testing.T) {
	t.Parallel()
	p := plan(t, two(closed, func(f *refund.Facts) {
		f.Available.Payable = yuan("10.00")
		f.Lines[0].Fees[0].Back = refund.Kept
	}), whole)

	told := map[string][]string{}
	for _, f := range p.Explain("en") {
		told[f.Party] = append(told[f.Party], f.Text)
	}
	assert.Equal(t, map[string][]string{
		"customer": {"the customer gets 100.00 CNY back the way it was paid"},
		"merchant": {"10.00 CNY comes out of what is due to the party", "90.00 CNY is owed to the platform", "the platform keeps 10.00 CNY of its fees, which the merchant bears"},
		"platform": {"the institution keeps its fee of 0.60 CNY, which the platform bears"},
	}, told)
	assert.Equal(t, "客户原路退回 100.00 CNY", p.Explain("zh-CN")[0].Text)
}
