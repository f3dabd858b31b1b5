package closing

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
)

func day(month, of int) time.Time {
	return time.Date(2026, time.Month(month), of, 0, 0, 0, 0, time.UTC)
}

func exempting(duty Duty, from, until time.Time) GrantExemption {
	return GrantExemption{Party: member, Duty: duty, Group: "household", Evidence: strings.Repeat("ab", 32), From: from, Until: until}
}

// rows are those of a quarter's last report.
func (h *house) rows(quarter string) []TaxRow {
	h.t.Helper()
	r, err := h.ReportTax(asOperator("a"), ReportTax{Quarter: quarter, Reason: "exemption"})
	require.NoError(h.t, err)
	part, err := h.store.Rows(asSystem(), r.ID, 0)
	require.NoError(h.t, err)
	return part.Rows
}

// tipped is a house in which a member earned 5.00 in February and 7.00 in March.
func tipped(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	for _, tip := range []struct {
		at     time.Time
		amount string
	}{{day(2, 10), "5.00"}, {day(3, 10), "7.00"}} {
		h.now = tip.at
		h.book("tip.captured", order, "clearing:sandbox", tip.amount, "tips:"+string(order), "-"+tip.amount)
		h.book("tip.released", order, "tips:"+string(order), tip.amount, "payable:"+string(member), "-"+tip.amount)
	}
	h.number()
	h.now = april
	h.number()
	return h
}

func TestAReportLeavesOutTheMonthsOfWhoIsExempt(t *testing.T) {
	t.Parallel()
	h := tipped(t)
	_, err := h.GrantExemption(asOperator("a"), exempting(Reporting, day(2, 1), day(5, 1)))
	require.NoError(t, err)
	h.shut("2026-02", "2026-03")

	row := h.rows("2026-Q1")[0]

	assert.Equal(t, TaxRow{
		Party: member, Gross: platform.MustMoney("0.00", "CNY"), Refunds: platform.MustMoney("0.00", "CNY"), Commission: platform.MustMoney("0.00", "CNY"),
		Net: platform.MustMoney("0.00", "CNY"), Exempt: map[string]string{"2026-02": "household", "2026-03": "household"},
	}, row)
	h.sound()
}

func TestAMonthThatIsExemptOnlyInPartIsReported(t *testing.T) {
	t.Parallel()
	h := tipped(t)
	_, err := h.GrantExemption(asOperator("a"), exempting(Reporting, day(2, 2), day(5, 1)))
	require.NoError(t, err)
	h.shut("2026-02", "2026-03")

	row := h.rows("2026-Q1")[0]

	assert.Equal(t, platform.MustMoney("5.00", "CNY"), row.Gross)
	assert.Equal(t, map[string]string{"2026-03": "household"}, row.Exempt)
}

func TestAnExemptionFoundLaterIsACorrection(t *testing.T) {
	t.Parallel()
	h := tipped(t)
	_, err := h.GrantExemption(asOperator("a"), exempting(Withholding, day(1, 1), day(5, 1))) // of another duty
	require.NoError(t, err)
	h.shut("2026-02", "2026-03")
	require.Equal(t, platform.MustMoney("12.00", "CNY"), h.rows("2026-Q1")[0].Gross)
	_, err = h.GrantExemption(asOperator("a"), exempting(Reporting, day(3, 1), day(5, 1)))
	require.NoError(t, err)

	row := h.rows("2026-Q1")[0]

	require.NotNil(t, row.Correction)
	assert.Equal(t, platform.MustMoney("-7.00", "CNY"), row.Correction.Gross)
	assert.Equal(t, map[string]string{"2026-03": "household"}, row.Correction.Exempt)
	_, err = h.ReportTax(asOperator("a"), ReportTax{Quarter: "2026-Q1"})
	require.ErrorIs(t, err, ErrUnchanged)
}

func TestAReportTellsTheTaxKeptBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.book("payroll.accrued", order, "payroll:north", "1800.00", "payable:"+string(member), "-1600.00", "withholding:income", "-200.00")
	h.book("payout.returned", order, "clearing:sandbox", "80.00", "withholding:income", "20.00", "payable:"+string(member), "-100.00")
	h.book("payroll.accrued", order, "payroll:north", "30.00", "payable:"+string(member), "-10.00", "payable:"+string(merchant), "-10.00", "withholding:income", "-10.00") // of whom?
	h.number()
	h.now = april
	h.number()
	_, err := h.GrantExemption(asOperator("a"), exempting(Reporting, day(1, 1), day(5, 1)))
	require.NoError(t, err)
	h.shut("2026-03")

	rows := h.rows("2026-Q1")

	require.Len(t, rows, 1)
	assert.Equal(t, []platform.Money{platform.MustMoney("180.00", "CNY"), platform.MustMoney("0.00", "CNY")}, []platform.Money{rows[0].Withheld, rows[0].Gross})
	h.sound()
}

func TestTermsOfAnExemptionDoNotOverlap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e, at, month := Exemption{}, day(1, 1), rapid.IntRange(1, 11)
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "end") {
				if next, err := e.End("moved", day(month.Draw(t, "at"), 5)); err == nil {
					e = next
				}
				continue
			}
			g := Grant{Group: "household", From: day(month.Draw(t, "from"), 1), Until: day(month.Draw(t, "until"), 1)}
			if next, err := e.Grant(g, at); err == nil {
				e = next
			}
		}
		for i, g := range e.Grants {
			require.True(t, g.From.Before(g.Until), "%v", e.Grants)
			require.True(t, i == 0 || !g.From.Before(e.Grants[i-1].Until), "%v", e.Grants)
		}
	})
}

func TestAnEndedTermStaysForTheTimeBefore(t *testing.T) {
	t.Parallel()
	e, err := Exemption{}.Grant(Grant{Group: "delivery", From: day(1, 1), Until: day(7, 1)}, day(1, 1))
	require.NoError(t, err)
	e, err = e.End("moved", day(3, 10))
	require.NoError(t, err)

	assert.Equal(t, "delivery", e.Exempt(day(2, 1), day(3, 1)))
	assert.Empty(t, e.Exempt(day(3, 1), day(4, 1)))
	assert.Empty(t, e.Exempt(day(5, 1), day(6, 1)))
	assert.Equal(t, "moved", e.Grants[0].Ended)
	_, err = e.End("moved", day(3, 10))
	require.ErrorIs(t, err, ErrExemption, "nothing is left of it")
	_, err = e.Grant(Grant{From: day(1, 1), Until: day(2, 1)}, day(3, 10))
	require.ErrorIs(t, err, ErrExemption, "it would be over before it began")
	for range maxGrants - 1 {
		last := e.Grants[len(e.Grants)-1].Until
		e, err = e.Grant(Grant{Group: "delivery", From: last, Until: last.AddDate(0, 1, 0)}, day(1, 1))
		require.NoError(t, err)
	}
	_, err = e.Grant(Grant{From: day(1, 1).AddDate(50, 0, 0), Until: day(2, 1).AddDate(50, 0, 0)}, day(1, 1))
	require.ErrorIs(t, err, ErrExemption, "one too many")
}

func TestRacingGrantsMakeOneTerm(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { _, errs[i] = h.GrantExemption(asOperator("a"), exempting(SalesTax, day(1, 1), day(7, 1))) })
	}
	wg.Wait()

	granted := 0
	for _, err := range errs {
		if err == nil {
			granted++
			continue
		}
		require.ErrorIs(t, err, ErrExemption)
	}
	assert.Equal(t, 1, granted)
	page, err := h.Exemptions(as(platform.Auditor), member, "")
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	assert.Len(t, page.Items[0].Grants, 1)
	group, checks, err := Exempt{h.db}.Exempt(t.Context(), member, "sales_tax", day(6, 30))
	require.NoError(t, err)
	assert.Equal(t, []any{"household", 1}, []any{group, len(checks)})
	for _, x := range []struct {
		duty string
		at   time.Time
	}{{"sales_tax", day(7, 1)}, {"sales_tax", day(1, 1).Add(-1)}, {"reporting", day(2, 1)}} {
		group, _, err = Exempt{h.db}.Exempt(t.Context(), member, x.duty, x.at)
		require.NoError(t, err)
		assert.Empty(t, group, x)
	}
	_, err = h.EndExemption(asOperator("b"), EndExemption{Exemption: page.Items[0].ID, Reason: "moved"})
	require.NoError(t, err)
}

func TestOnlyOperatorsExempt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, kind := range []platform.ActorKind{platform.Auditor, platform.Merchant, platform.Staff, platform.Customer} {
		_, err := h.GrantExemption(as(kind), exempting(Reporting, day(1, 1), day(7, 1)))
		require.ErrorIs(t, err, ErrOperator)
		_, err = h.EndExemption(as(kind), EndExemption{Exemption: exemptionID(member, Reporting), Reason: "x"})
		require.ErrorIs(t, err, ErrOperator)
	}
	_, err := h.Exemptions(as(platform.Staff), "", "")
	require.ErrorIs(t, err, ErrReader)
	for _, in := range []GrantExemption{
		{Party: member, Duty: "dancing", Group: "x", Evidence: strings.Repeat("ab", 32), From: day(1, 1), Until: day(2, 1)},
		{Party: member, Duty: Reporting, Group: "x", Evidence: "a letter", From: day(1, 1), Until: day(2, 1)},
		{Duty: Reporting, Group: "x", Evidence: strings.Repeat("ab", 32), From: day(1, 1), Until: day(2, 1)},
	} {
		_, err = h.GrantExemption(asOperator("a"), in)
		require.ErrorIs(t, err, platform.ErrInvalid)
	}
}
