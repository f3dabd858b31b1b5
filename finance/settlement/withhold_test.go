package settlement_test

import (
	"context"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/store/sandbox"
)

var carer = platform.Actor{ID: "stf_01kdvdna00eajs4d2pf2dbsqqg", Kind: platform.Staff}

// labour is the table of taxes on what persons are paid for their work: nothing up
// to 800, then a fifth of what is above, then 16 % of all from 4,000 on.
func labour(from time.Time) settlement.Tax {
	return settlement.Tax{Name: "income", Party: "stf", Currency: "CNY", From: from, Bands: []settlement.Band{
		{Above: 800, Rate: decimal.New(20, -2), Less: 160}, {Above: 4000, Rate: decimal.New(16, -2)},
	}}
}

// freed are the parties that are exempt, with their group.
type freed map[platform.ID]string

func (f freed) Exempt(_ context.Context, party platform.ID, duty string, _ time.Time) (string, []platform.Change, error) {
	if duty != "withholding" {
		return "", nil, nil
	}
	return f[party], nil, nil
}

func taxing(exempt settlement.Exempt) *world {
	return newWorld(setup{terms: settlement.Terms{Taxes: []settlement.Tax{labour(noon.AddDate(-1, 0, 0))}}, exempt: exempt})
}

func TestTaxIsKeptBackOfPayoutsToPersons(t *testing.T) {
	t.Parallel()
	v := taxing(nil)
	a, other := v.account(t, carer, sandbox.OK), v.account(t, merchant, sandbox.OK)
	v.earn(t, carer.ID, "1800.00")
	v.earn(t, merchant.ID, "1800.00")
	v.confirmed(t)

	p := v.approved(t, a)
	shop, err := v.s.ApprovePayout(by(second), settlement.ApprovePayout{Payout: settlement.PayoutID(other.ID, p.Run)})
	require.NoError(t, err)
	v.quiesce(t)

	p = v.payout(t, p.ID)
	assert.Equal(t, []any{settlement.PayoutPaid, yuan("1600.00"), yuan("200.00"), "income"}, []any{p.State, p.Amount, p.Withheld, p.Tax})
	assert.Equal(t, []any{yuan("1800.00"), platform.Money{}}, []any{shop.Amount, shop.Withheld}, "a merchant pays its taxes itself")
	assert.Equal(t, "3400", v.out(t, "3600.00").String(), "the tax stays here")
	assert.Equal(t, "0.00, 0.00", v.on(t, "payable:"+string(carer.ID)))
	assert.Equal(t, "200.00, 200.00", v.on(t, "withholding:income"))
	v.sound(t)
}

func TestTheStatementTellsTheTaxThatWasKeptBack(t *testing.T) {
	t.Parallel()
	v := taxing(nil)
	a := v.account(t, carer, sandbox.OK)
	v.earn(t, carer.ID, "1800.00")
	v.confirmed(t)
	v.approved(t, a)
	v.quiesce(t)
	v.earn(t, carer.ID, "1.00")
	require.NoError(t, v.after(7*24*time.Hour))

	page, err := v.s.Statements(by(carer), a.ID, "", "")
	require.NoError(t, err)
	cut := page.Items[1]
	lines, err := v.s.Lines(by(carer), cut.ID, "")

	require.NoError(t, err)
	assert.Equal(t, settlement.Total{What: "payout.sent", Count: 1, Amount: yuan("-1800.00"), Withheld: yuan("200.00")}, cut.Totals[1])
	assert.Equal(t, yuan("200.00"), lines.Items[0].Withheld)
	assert.Equal(t, platform.Money{}, lines.Items[1].Withheld)
	v.sound(t)
}

func TestTheTaxOfAMonthIsOneHoweverManyPayouts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := newWorld(setup{terms: settlement.Terms{
			Taxes: []settlement.Tax{labour(noon.AddDate(-1, 0, 0))}, Cycles: map[string]settlement.Cycle{"stf": settlement.Daily}, Silence: time.Second,
		}})
		a := v.account(t, carer, sandbox.OK)
		require.NoError(t, v.after(72*time.Hour))
		whole := yuan("0.00")
		var all []settlement.Payout
		for range rapid.IntRange(1, 4).Draw(t, "payouts") {
			amount, err := platform.FromMinor(rapid.Int64Range(100, 400_000).Draw(t, "amount"), cny)
			require.NoError(t, err)
			v.earn(t, carer.ID, amount.Decimal().StringFixed(2))
			whole, err = whole.Add(amount)
			require.NoError(t, err)
			require.NoError(t, v.after(24*time.Hour))
			require.NoError(t, v.after(time.Minute))
			all = append(all, v.approved(t, a))
			require.NoError(t, v.after(time.Minute))
		}

		sum := yuan("0.00")
		for _, p := range all {
			if !p.Withheld.Absent() {
				sum, _ = sum.Add(p.Withheld)
			}
		}
		want, err := labour(noon).Of(whole)
		require.NoError(t, err)
		require.Equal(t, want, sum, "of %s in %d payouts", whole, len(all))
	})
}

func TestWhatFailedOrCameBackOwesNoTax(t *testing.T) {
	t.Parallel()
	v := taxing(nil)
	a := v.account(t, carer, sandbox.Bounce)
	v.earn(t, carer.ID, "1800.00")
	v.confirmed(t)
	p := v.approved(t, a)
	require.NoError(t, v.after(0))
	require.NoError(t, v.after(2*time.Minute))
	require.Equal(t, "200.00, 200.00", v.on(t, "withholding:income"))

	require.NoError(t, v.after(49*time.Hour))

	assert.Equal(t, settlement.PayoutReturned, v.payout(t, p.ID).State)
	assert.Equal(t, "1800.00, 1800.00", v.on(t, "payable:"+string(carer.ID)))
	assert.Equal(t, "0.00, 0.00", v.on(t, "withholding:income"))
	v.sound(t)

	v.account(t, carer, sandbox.OK)
	v.clock.Advance(72 * time.Hour)
	again := v.approved(t, a)
	assert.Equal(t, []platform.Money{yuan("1600.00"), yuan("200.00")}, []platform.Money{again.Amount, again.Withheld}, "as if it had never been paid")
}

func TestWhoIsExemptIsPaidInFull(t *testing.T) {
	t.Parallel()
	v := taxing(freed{carer.ID: "household"})
	a := v.account(t, carer, sandbox.OK)
	v.earn(t, carer.ID, "1800.00")
	v.confirmed(t)

	p := v.approved(t, a)

	assert.Equal(t, []any{yuan("1800.00"), platform.Money{}, "household"}, []any{p.Amount, p.Withheld, p.Exempt})
}

func TestTheTableInForceIsTheLastThatBegan(t *testing.T) {
	t.Parallel()
	later := labour(noon.AddDate(1, 0, 0))
	later.Bands = []settlement.Band{{Rate: decimal.New(5, -1)}}
	v := newWorld(setup{terms: settlement.Terms{Taxes: []settlement.Tax{later, labour(noon.AddDate(-1, 0, 0))}}})
	a := v.account(t, carer, sandbox.OK)
	v.earn(t, carer.ID, "1800.00")
	v.confirmed(t)

	assert.Equal(t, yuan("200.00"), v.approved(t, a).Withheld)
}

func TestVerifyFindsAPayoutThatSaysAnotherTax(t *testing.T) {
	t.Parallel()
	v := taxing(nil)
	a := v.account(t, carer, sandbox.OK)
	v.earn(t, carer.ID, "1800.00")
	v.confirmed(t)
	p := v.approved(t, a)
	v.quiesce(t)
	v.sound(t)

	found, err := settlement.Verify(t.Context(), tampered{v.db, func(ref platform.Ref, doc map[string]any) {
		if ref == p.Ref() { // which makes up the same
			doc["amount"], doc["withheld"] = yuan("1600.01"), yuan("199.99")
		}
	}})

	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, []any{"V12", p.Ref()}, []any{found[0].Rule, found[0].Ref})
}

func TestATableThatNobodyCanKeepToIsRefused(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*settlement.Tax){
		"no name": func(x *settlement.Tax) { x.Name = "" }, "no party": func(x *settlement.Tax) { x.Party = "" }, "no bands": func(x *settlement.Tax) { x.Bands = nil },
		"bands that fall": func(x *settlement.Tax) { x.Bands[0].Above = 5000 }, "all of it": func(x *settlement.Tax) { x.Bands[1].Rate = decimal.New(1, 0) },
		"no currency": func(x *settlement.Tax) { x.Currency = "XXX" }, "a gift": func(x *settlement.Tax) { x.Bands[0].Less = -1 },
	} {
		tax := labour(noon)
		spoil(&tax)
		assert.Panics(t, func() { newWorld(setup{terms: settlement.Terms{Taxes: []settlement.Tax{tax}}}) }, name)
	}
	newWorld(setup{terms: settlement.Terms{Taxes: []settlement.Tax{labour(noon)}}})
}
