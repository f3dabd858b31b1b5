package closing

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// told is a part of a statement in short.
func (p Part) told() (all []string) {
	for _, l := range p.Lines {
		all = append(all, l.Code+" "+strings.Join(l.Roles, "+")+" "+l.Amount.Decimal().StringFixed(2))
	}
	return append(all, p.Total.Decimal().StringFixed(2))
}

func TestABalanceSheetShowsTheLawsCodesAndAddsUp(t *testing.T) {
	t.Parallel()
	h := opened(t)
	h.book("gateway.fee", order, "gateway_fee:sandbox", "2.00", "clearing:sandbox", "-2.00")
	h.book("reward.granted", order, "reward:north", "5.00", "payable:"+string(member), "-5.00")
	h.book("order.closed", order, "earning:"+string(order)+":"+string(merchant), "90.00", "payable:"+string(merchant), "-90.00")
	h.number()

	sheets, err := h.BalanceSheet(as(platform.Auditor), "2026-03")
	require.NoError(t, err)
	incomes, err := h.IncomeStatement(as(platform.Auditor), "2026-03", "2026-03")
	require.NoError(t, err)

	require.Len(t, sheets, 1)
	b, i := sheets[0], incomes[0]
	assert.Equal(t, []string{"1012 clearing 98.00", "98.00"}, b.Assets.told())
	assert.Equal(t, []string{"2202 payable 90.00", "2211 payable 5.00", "2221 output_tax 0.57", "2241 earning+escrow 0.00", "95.57"}, b.Liabilities.told())
	assert.Equal(t, "2.43 CNY", b.Result.String())
	owed, err := b.Liabilities.Total.Add(b.Equity.Total)
	require.NoError(t, err)
	owed, err = owed.Add(b.Result)
	require.NoError(t, err)
	assert.Equal(t, b.Assets.Total, owed)
	assert.Equal(t, []string{"6001 commission 9.43", "9.43"}, i.Income.told())
	assert.Equal(t, []string{"6601 reward 5.00", "6603 gateway_fee 2.00", "7.00"}, i.Expense.told())
	assert.Equal(t, b.Result, i.Result)
}

func TestCashFlowGoesFromOpeningToClosingByWhatHappened(t *testing.T) {
	t.Parallel()
	h := opened(t)
	h.now = april
	h.book("gateway.fee", order, "gateway_fee:sandbox", "2.00", "clearing:sandbox", "-2.00")
	h.book("bank.swept", order, "bank:house", "50.00", "clearing:sandbox", "-50.00")
	h.number()

	flows, err := h.CashFlow(as(platform.Auditor), "2026-04", "2026-04")

	require.NoError(t, err)
	cny := func(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }
	assert.Equal(t, []CashFlow{{
		From: "2026-04", Until: "2026-04", Currency: cny("0").Currency(), Opening: cny("100.00"), Closing: cny("98.00"),
		Flows: []Flow{{"bank.swept", cny("50.00"), cny("50.00")}, {"gateway.fee", cny("0.00"), cny("2.00")}},
	}}, flows)
}

func TestTheEscrowStatementSaysWhoseMoneyLiesWhereByDay(t *testing.T) {
	t.Parallel()
	h := opened(t)
	h.now = april
	h.book("gateway.fee", order, "gateway_fee:sandbox", "2.00", "clearing:sandbox", "-2.00")
	h.now = april.AddDate(0, 0, 3)
	h.book("pay.captured", order, "clearing:other", "30.00", "escrow:"+string(order), "-30.00")
	h.number()

	all, err := h.Escrow(as(platform.Auditor), "2026-04")

	require.NoError(t, err)
	require.Len(t, all, 1)
	var days []string
	for _, d := range all[0].Days {
		words := []string{d.Day + ":"}
		for _, o := range append(d.Owed, d.Held...) {
			words = append(words, o.Of, o.Amount.Decimal().StringFixed(2))
		}
		days = append(days, strings.Join(append(words, "cover", d.Cover.Decimal().StringFixed(2)), " "))
	}
	assert.Equal(t, []string{
		"2026-04-02: earning 90.00 escrow 0.00 clearing:sandbox 98.00 cover 8.00",
		"2026-04-05: earning 90.00 escrow 30.00 clearing:other 30.00 clearing:sandbox 98.00 cover 8.00",
	}, days)
}

func TestATaxReportIsCorrectedByANewEditionWithTheDifference(t *testing.T) {
	t.Parallel()
	h := opened(t)
	h.book("tip.captured", order, "clearing:sandbox", "5.00", "tips:"+string(order), "-5.00")
	h.book("tip.released", order, "tips:"+string(order), "5.00", "payable:"+string(member), "-5.00")
	h.now = april
	h.number()
	_, err := h.ReportTax(asOperator("a"), ReportTax{Quarter: "2026-Q1"})
	require.ErrorIs(t, err, ErrQuarter)
	h.shut("2026-03")

	first, err := h.ReportTax(asOperator("a"), ReportTax{Quarter: "2026-Q1"})
	require.NoError(t, err)
	assert.Equal(t, []any{1, 2, time.Date(2026, 4, 30, 23, 59, 59, 999999000, time.UTC)}, []any{first.Edition, first.Parties, first.Due})
	part, err := h.store.Rows(asSystem(), first.ID, 0)
	require.NoError(t, err)
	cny := func(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }
	assert.Equal(t, []TaxRow{
		{Party: merchant, Orders: 1, Gross: cny("100.00"), Refunds: cny("0.00"), Commission: cny("10.00"), Net: cny("90.00")},
		{Party: member, Gross: cny("5.00"), Refunds: cny("0.00"), Commission: cny("0.00"), Net: cny("5.00")},
	}, part.Rows)
	_, err = h.ReportTax(asOperator("a"), ReportTax{Quarter: "2026-Q1"})
	require.ErrorIs(t, err, ErrUnchanged)

	for _, step := range []int{1, 2} { // hard-closed, soft-closed, open
		_, err = h.AskReopen(asOperator("a"), AskReopen{"2026-03", "late_sale"})
		require.NoError(t, err, step)
		_, err = h.Reopen(asOperator("b"), Reopen{"2026-03"})
		require.NoError(t, err, step)
	}
	h.bookAt(march, "pay.captured", platform.Ref{Kind: "payment.attempt", ID: platform.NewID("att", march, 7, 1)}, "clearing:sandbox", "20.00", "escrow:"+string(order), "-20.00")
	h.bookAt(march, "order.cancelled", platform.Ref{Kind: "order", ID: order}, "escrow:"+string(order), "20.00", "earning:"+string(order)+":"+string(merchant), "-18.00", "cancel_fee", "-2.00")
	h.number()
	h.shut("2026-03")
	second, err := h.ReportTax(asOperator("a"), ReportTax{Quarter: "2026-Q1", Reason: "late_sale"})
	require.NoError(t, err)
	assert.Equal(t, []any{2, first.ID}, []any{second.Edition, second.Before})
	var out bytes.Buffer
	require.NoError(t, h.ExportTax(as(platform.Auditor), second.ID, &out))
	head, rows, _ := strings.Cut(out.String(), "\n")
	assert.Contains(t, head, second.Digest)
	assert.Equal(t, second.Digest, digestOf(rows))
	part, err = h.store.Rows(asSystem(), second.ID, 0)
	require.NoError(t, err)
	assert.Equal(t, TaxRow{Party: merchant, Gross: cny("20.00"), Refunds: cny("0.00"), Commission: cny("2.00"), Net: cny("18.00")}, *part.Rows[0].Correction)
	assert.Nil(t, part.Rows[1].Correction)
	h.sound()
}

func TestAQuarterWithoutOrdersIsReportedToo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.now = april
	h.shut("2026-03")

	r, err := h.ReportTax(asSystem(), ReportTax{Quarter: "2026-Q1"})

	require.NoError(t, err)
	assert.Equal(t, []int{1, 0, 0}, []int{r.Edition, r.Parties, r.Parts})
	assert.Equal(t, digestOf(""), r.Digest)
	for _, quarter := range []string{"2026-Q5", "2026-03", "26-Q1__", "2026-Q0"} {
		_, err = h.ReportTax(asSystem(), ReportTax{Quarter: quarter})
		require.ErrorIs(t, err, ErrMonth, quarter)
	}
}

func TestAReportOfManyPartiesIsKeptInParts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range uint64(450) {
		party := platform.NewID("mer", march, 9, 1000+i)
		h.book("pay.captured", order, "clearing:sandbox", "1.00", "escrow:"+string(order), "-1.00")
		h.book("order.completed", order, "escrow:"+string(order), "1.00", "earning:"+string(order)+":"+string(party), "-0.90", "commission", "-0.10")
	}
	h.number()
	h.now = april
	h.number()
	h.shut("2026-03")

	r, err := h.ReportTax(asOperator("a"), ReportTax{Quarter: "2026-Q1"})

	require.NoError(t, err)
	assert.Equal(t, []int{450, 3}, []int{r.Parties, r.Parts})
	h.sound()
}

func TestAnOverflowIsRefusedNotWrapped(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range uint64(2) {
		party := "bank:b" + string(rune('a'+i))
		h.bookAt(march, "deposit.received", platform.Ref{Kind: "order", ID: platform.NewID("ord", march, 1, i)},
			party, "92233720368547758.07", "deposit:"+string(platform.NewID("mer", march, 1, i)), "-92233720368547758.07")
	}
	h.number()

	_, err := h.BalanceSheet(asOperator("a"), "2026-03")

	require.ErrorIs(t, err, finance.ErrOverflow)
}
