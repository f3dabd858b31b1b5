package order

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
)

func TestTheStandardPolicyAnswersEveryCaseOnce(t *testing.T) {
	t.Parallel()
	require.NoError(t, StandardPolicy().Check())
}

func TestCancellingCostsWhatTheRowSays(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	for _, c := range []struct {
		name    string
		state   State
		fault   Fault
		toStart time.Duration // 0: no plan
		paid    time.Duration
		row     string
		fee     string // of 120.00
	}{
		{"before it is confirmed", AwaitingPayment, CustomerFault, 0, 0, "K1", "0"},
		{"merchant, before", AwaitingPayment, MerchantFault, 0, 0, "K1", "0"},
		{"cooling off", Confirmed, CustomerFault, 25 * hour, 30 * time.Minute, "K2", "0"},
		{"long before", Assigned, CustomerFault, 25 * hour, 31 * time.Minute, "K3a", "0"},
		{"a day before, to the second", Confirmed, CustomerFault, 24 * hour, 0, "K3b", "12"},
		{"a morning before", Assigned, CustomerFault, 3 * hour, hour, "K3b", "12"},
		{"two hours before", Confirmed, CustomerFault, 2 * hour, hour, "K3c", "36"},
		{"the start has passed", Assigned, CustomerFault, -hour, 48 * hour, "K3c", "36"},
		{"on demand starts now", Confirmed, CustomerFault, 0, 0, "K3c", "36"},
		{"under way", InProgress, CustomerFault, -hour, hour, "K5", "60"},
		{"merchant, late", Assigned, MerchantFault, hour, hour, "K7", "0"},
		{"merchant, under way", InProgress, MerchantFault, -hour, hour, "K7", "0"},
		{"the platform's fault", Rework, PlatformFault, -hour, hour, "K9", "0"},
	} {
		o := order(c.state, func(o *Order) {
			o.ConfirmedAt = noon.Add(-c.paid)
			if c.toStart != 0 {
				o.PlannedStart = noon.Add(c.toStart)
			}
		})
		q, err := o.quoteCancel(StandardPolicy(), c.fault, decimal.Zero, noon)
		require.NoError(t, err, c.name)
		assert.Equal(t, c.row, q.Row, c.name)
		assert.Equal(t, cny(c.fee), q.Fee, c.name)
		assert.Equal(t, o.Refundable(), plus(q.Fee, q.Refund), c.name)
	}
}

func TestCancellingIsFreeUntilTheMerchantHasAnswered(t *testing.T) {
	t.Parallel()
	o := order(Confirmed, func(o *Order) { o.arm(answerTimer, noon.Add(time.Minute)) })
	q, err := o.quoteCancel(StandardPolicy(), CustomerFault, decimal.Zero, noon)
	require.NoError(t, err)
	assert.Equal(t, "K1", q.Row)
}

func TestAFeeIsWithinItsBounds(t *testing.T) {
	t.Parallel()
	rate := decimal.RequireFromString("0.1")
	row := Row{Rate: rate, Min: []platform.Money{cny("5")}, Max: []platform.Money{cny("50")}}
	for base, want := range map[string]string{"100": "10", "10": "5", "3": "3", "0": "0", "900": "50", "0.05": "0.05"} {
		fee, err := row.fee(cny(base), decimal.Zero)
		require.NoError(t, err)
		assert.Equal(t, cny(want), fee, base)
	}
	yen, err := row.fee(platform.MustMoney("90000", "JPY"), decimal.Zero)
	require.NoError(t, err)
	assert.Equal(t, platform.MustMoney("9000", "JPY"), yen, "bounds are of a currency")

	shared := Row{Rate: decimal.RequireFromString("0.5"), ByShare: true}
	for done, want := range map[string]string{"0": "50", "0.4": "50", "0.8": "80", "1": "100"} {
		fee, err := shared.fee(cny("100"), decimal.RequireFromString(done))
		require.NoError(t, err)
		assert.Equal(t, cny(want), fee, done)
	}
}

func TestTheMerchantsPartOfAFee(t *testing.T) {
	t.Parallel()
	o := order(InProgress, nil) // 120.00 with 10.00 commission
	for _, c := range []struct {
		row  Row
		want string
	}{
		{Row{Platform: decimal.RequireFromString("0.1")}, "54"},
		{Row{AsSale: true}, "55"},
		{Row{}, "60"},
	} {
		part, err := o.merchantPart(c.row, cny("60"))
		require.NoError(t, err)
		assert.Equal(t, cny(c.want), part)
	}
}

func TestAPolicyWithAHoleOrTwoAnswersIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*Policy)
		code  string
	}{
		"a row is missing":      {func(p *Policy) { p.Rows = p.Rows[1:] }, "policy.gap"},
		"a border is left open": {func(p *Policy) { p.Rows[4].Start.UpTo-- }, "policy.gap"},
		"two rows at a border":  {func(p *Policy) { p.Rows[3].Start.Over-- }, "policy.overlap"},
		"a row twice":           {func(p *Policy) { p.Rows = append(p.Rows, p.Rows[0]) }, "policy.overlap"},
		"more than everything":  {func(p *Policy) { p.Rows[3].Rate = decimal.NewFromInt(2) }, "policy.shares"},
		"a negative share":      {func(p *Policy) { p.Rows[3].Platform = decimal.NewFromInt(-1) }, "policy.shares"},
		"a bound below nothing": {func(p *Policy) { p.Rows[3].Max = []platform.Money{cny("-1")} }, "policy.range"},
		"least above most":      {func(p *Policy) { p.Rows[3].Min = []platform.Money{cny("51")} }, "policy.range"},
	} {
		p := StandardPolicy()
		c.spoil(&p)
		err := p.Check()
		require.ErrorIs(t, err, platform.ErrInvalid, name)
		assert.Equal(t, c.code, platform.Code(err), name)
	}
	_, err := Policy{}.Evaluate(Facts{})
	assert.Equal(t, "policy.gap", platform.Code(err))
}

// Whatever the facts, exactly one row of a sound policy answers, and its fee is
// neither negative nor above what is at stake.
func TestEvaluateIsTotal(t *testing.T) {
	t.Parallel()
	p := StandardPolicy()
	rapid.Check(t, func(t *rapid.T) {
		f := Facts{
			Fault:   rapid.SampledFrom([]Fault{CustomerFault, MerchantFault, PlatformFault}).Draw(t, "fault"),
			State:   rapid.SampledFrom([]State{AwaitingPayment, Confirmed, Assigned, InProgress, Delivered, Rework}).Draw(t, "state"),
			ToStart: time.Duration(rapid.Int64Range(-int64(30*day), int64(30*day)).Draw(t, "to start")),
			Paid:    time.Duration(rapid.Int64Range(0, int64(2*time.Hour)).Draw(t, "paid")),
			Done:    decimal.New(rapid.Int64Range(0, 100).Draw(t, "done"), -2),
		}
		answers := 0
		for _, r := range p.Rows {
			if r.answers(f) {
				answers++
			}
		}
		require.Equal(t, 1, answers)
		row, err := p.Evaluate(f)
		require.NoError(t, err)
		base, err := platform.FromMinor(rapid.Int64Range(0, 1<<50).Draw(t, "base"), cny("0").Currency())
		require.NoError(t, err)
		fee, err := row.fee(base, f.Done)
		require.NoError(t, err)
		require.True(t, fee.Minor() >= 0 && fee.Minor() <= base.Minor())
	})
}
