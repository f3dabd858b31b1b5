package order

import (
	"encoding/json"
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
		{"merchant, late", Assigned, MerchantFault, hour, hour, "K7b", "0"},
		{"merchant, under way", InProgress, MerchantFault, -hour, hour, "K7c", "0"},
		{"the platform's fault", Rework, PlatformFault, -hour, hour, "K9", "0"},
	} {
		o := order(c.state, func(o *Order) {
			o.ConfirmedAt = noon.Add(-c.paid)
			if c.toStart != 0 {
				o.PlannedStart = noon.Add(c.toStart)
			}
		})
		q, err := o.quoteCancel(StandardPolicy(), Facts{Fault: c.fault}, nil, noon)
		require.NoError(t, err, c.name)
		assert.Equal(t, c.row, q.Row, c.name)
		assert.Equal(t, cny(c.fee), q.Fee, c.name)
		assert.Equal(t, o.Refundable(), plus(q.Fee, q.Refund), c.name)
	}
}

func TestCancellingIsFreeUntilTheMerchantHasAnswered(t *testing.T) {
	t.Parallel()
	o := order(Confirmed, func(o *Order) { o.arm(answerTimer, noon.Add(time.Minute)) })
	q, err := o.quoteCancel(StandardPolicy(), Facts{Fault: CustomerFault}, nil, noon)
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

func TestAFeeIsDividedOnce(t *testing.T) {
	t.Parallel()
	o := order(InProgress, nil) // 120.00 with 10.00 commission
	tenth, most := decimal.RequireFromString("0.1"), decimal.RequireFromString("0.5")
	other := platform.NewID("stf", noon, 1, 4)
	came := []attending{{Member: theMember.ID, State: "arrived"}, {Member: "stf_home", State: "accepted"}, {Member: other, State: "en_route"}}
	for name, c := range map[string]struct {
		row   Row
		there []attending
		want  string
		staff []MemberShare
	}{
		"with the platform":        {Row{Platform: tenth}, came, "54", nil},
		"as the sale":              {Row{AsSale: true}, came, "55", nil},
		"all of it":                {Row{}, nil, "60", nil},
		"with those who came":      {Row{Platform: tenth, Staff: most}, came, "24", []MemberShare{{theMember.ID, cny("15")}, {other, cny("15")}}},
		"nobody came":              {Row{Platform: tenth, Staff: most}, came[1:2], "54", nil},
		"nothing is left to split": {Row{Platform: most, Staff: most}, came, "0", []MemberShare{{theMember.ID, cny("15")}, {other, cny("15")}}},
	} {
		part, staff, err := o.divided(c.row, cny("60"), c.there)
		require.NoError(t, err, name)
		assert.Equal(t, cny(c.want), part, name)
		assert.Equal(t, c.staff, staff, name)
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
		"a row twice":           {func(p *Policy) { p.Rows = append(p.Rows, p.Rows[0]) }, "policy.row"},
		"more than everything":  {func(p *Policy) { p.Rows[3].Rate = decimal.NewFromInt(2) }, "policy.shares"},
		"a negative share":      {func(p *Policy) { p.Rows[3].Platform = decimal.NewFromInt(-1) }, "policy.shares"},
		"a bound below nothing": {func(p *Policy) { p.Rows[3].Max = []platform.Money{cny("-1")} }, "policy.range"},
		"least above most":      {func(p *Policy) { p.Rows[3].Min = []platform.Money{cny("51")} }, "policy.range"},
		"a bound twice":         {func(p *Policy) { p.Rows[3].Max = append(p.Rows[3].Max, cny("60")) }, "policy.range"},
		"more than all shared":  {func(p *Policy) { p.Rows[3].Staff = decimal.RequireFromString("0.91") }, "policy.shares"},
		"amends above all":      {func(p *Policy) { p.Rows[13].Pays.Rate = decimal.NewFromInt(2) }, "policy.shares"},
		"a rate of no end":      {func(p *Policy) { p.Rows[3].Rate = decimal.New(1, -2_000_000_000) }, "policy.shares"},
		"a rate of no bound":    {func(p *Policy) { p.Rows[3].Staff = decimal.New(1, 2_000_000_000) }, "policy.shares"},
		"a span turned round":   {func(p *Policy) { p.Rows[3].Start = Span{Over: 24 * time.Hour, UpTo: 2 * time.Hour} }, "policy.range"},
		"a way left out":        {func(p *Policy) { p.Rows[6].Ways = []Way{Absent} }, "policy.gap"},
		"a way answered twice":  {func(p *Policy) { p.Rows[3].Ways = nil }, "policy.overlap"},
		"a fault left out":      {func(p *Policy) { p.Rows = p.Rows[:len(p.Rows)-1] }, "policy.gap"},
		"a third reschedule":    {func(p *Policy) { p.Rows[4].Moved = Count{Below: 2} }, "policy.gap"},
		"reschedules twice": {func(p *Policy) {
			r := p.Rows[4]
			r.ID, r.Moved = "K3d", Count{From: 2}
			p.Rows = append(p.Rows, r)
		}, "policy.overlap"},
		"a name twice":        {func(p *Policy) { p.Rows[3].ID = "K2" }, "policy.row"},
		"the name of both":    {func(p *Policy) { p.Rows[3].ID = BothRow }, "policy.row"},
		"a state without end": {func(p *Policy) { p.Rows[3].States = []State{Completed} }, "policy.row"},
		"who pays the amends": {func(p *Policy) { p.Rows[12].Pays.Bearer = platform.Staff }, "policy.row"},
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

// aFact draws facts of an order that can be cancelled.
func aFact(t *rapid.T) Facts {
	return Facts{
		Fault:   rapid.SampledFrom(faults).Draw(t, "fault"),
		State:   rapid.SampledFrom(endable).Draw(t, "state"),
		Way:     rapid.SampledFrom(ways).Draw(t, "way"),
		ToStart: time.Duration(rapid.Int64Range(-int64(30*day), int64(30*day)).Draw(t, "to start")),
		Paid:    time.Duration(rapid.Int64Range(0, int64(2*time.Hour)).Draw(t, "paid")),
		Moved:   rapid.IntRange(0, 5).Draw(t, "moved"),
		Done:    decimal.New(rapid.Int64Range(0, 100).Draw(t, "done"), -2),
	}
}

// Whatever the facts, exactly one row of a sound policy answers, and its fee is
// neither negative nor above what is at stake; who pays a fee gets no amends.
func TestEvaluateIsTotal(t *testing.T) {
	t.Parallel()
	p := StandardPolicy()
	rapid.Check(t, func(t *rapid.T) {
		f := aFact(t)
		answers := 0
		for _, r := range p.Rows {
			if r.answers(f) {
				answers++
			}
		}
		require.Equal(t, 1, answers)
		base, err := platform.FromMinor(rapid.Int64Range(0, 1<<50).Draw(t, "base"), cny("0").Currency())
		require.NoError(t, err)
		price, err := p.Price(f, base)
		require.NoError(t, err)
		require.True(t, price.Fee.Minor() >= 0 && price.Fee.Minor() <= base.Minor())
		require.GreaterOrEqual(t, price.Amends.Minor(), int64(0))
		require.True(t, price.Fee.Sign() == 0 || price.Amends.Sign() == 0)
		require.Equal(t, price.Amends.Sign() > 0, price.Bearer != "")
	})
}

// What Check says of a policy holds for any facts: if it passes, one row answers;
// if it finds a fault, its facts show it.
func TestCheckFindsWhatAnyFactsWould(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := spoiled(t)
		err := p.Check()
		count := func(f Facts) (n int) {
			for _, r := range p.Rows {
				if r.answers(f) {
					n++
				}
			}
			return n
		}
		if f, shown := platform.Details(err)["facts"].(Facts); shown {
			require.NotEqual(t, 1, count(f), "the facts show it")
			return
		}
		if err == nil {
			require.Equal(t, 1, count(aFact(t)))
		}
	})
}

// spoiled is the standard policy with some borders moved, which may leave it sound.
func spoiled(t *rapid.T) Policy {
	p := StandardPolicy()
	for range rapid.IntRange(0, 3).Draw(t, "changes") {
		r := &p.Rows[rapid.IntRange(0, len(p.Rows)-1).Draw(t, "row")]
		by := time.Duration(rapid.Int64Range(0, 3).Draw(t, "by")) * time.Hour
		switch rapid.IntRange(0, 5).Draw(t, "what") {
		case 0:
			r.Start.Over = by
		case 1:
			r.Start.UpTo = by
		case 2:
			r.Paid.UpTo = by
		case 3:
			r.Moved = Count{Below: int(by / time.Hour)}
		case 4:
			r.Ways = rapid.SliceOfDistinct(rapid.SampledFrom(ways), func(w Way) Way { return w }).Draw(t, "ways")
		case 5:
			other := *r
			other.ID = "X" + other.ID
			other.Moved, r.Moved = Count{From: int(by / time.Hour)}, Count{Below: int(by / time.Hour)}
			p.Rows = append(p.Rows, other)
		}
	}
	return p
}

func TestAmendsAreWhatTheRowSays(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	for name, c := range map[string]struct {
		fault   Fault
		state   State
		toStart time.Duration
		base    string
		row     string
		amends  string
		bearer  platform.ActorKind
	}{
		"the merchant, in time":       {MerchantFault, Confirmed, 3 * hour, "200", "K7a", "20", platform.Merchant},
		"at least five":               {MerchantFault, Assigned, 3 * hour, "30", "K7a", "5", platform.Merchant},
		"at most two hundred":         {MerchantFault, Assigned, 3 * hour, "9000", "K7a", "200", platform.Merchant},
		"the merchant, late":          {MerchantFault, Assigned, 2 * hour, "200", "K7b", "60", platform.Merchant},
		"the merchant, under way":     {MerchantFault, InProgress, -hour, "9000", "K7c", "500", platform.Merchant},
		"nobody came":                 {StaffFault, Confirmed, -hour, "200", "K8", "40", platform.Operator},
		"the platform":                {PlatformFault, Confirmed, hour, "200", "K9", "20", platform.Operator},
		"a force majeure":             {ForceMajeure, Confirmed, hour, "200", "K10", "0", ""},
		"before anybody relied on it": {MerchantFault, AwaitingPayment, hour, "200", "K1", "0", ""},
		"nothing was paid":            {PlatformFault, Confirmed, hour, "0", "K9", "0", ""},
	} {
		price, err := StandardPolicy().Price(Facts{Fault: c.fault, State: c.state, ToStart: c.toStart}, cny(c.base))
		require.NoError(t, err, name)
		assert.Equal(t, Price{Row: c.row, Fee: cny("0"), Amends: cny(c.amends), Bearer: c.bearer}, Price{Row: price.Row, Fee: price.Fee, Amends: price.Amends, Bearer: price.Bearer}, name)
	}
}

func TestBothAtFaultBearHalfEach(t *testing.T) {
	t.Parallel()
	f := Facts{Fault: BothFault, State: Assigned, ToStart: time.Hour}
	price, err := StandardPolicy().Price(f, cny("100.01"))
	require.NoError(t, err)
	assert.Equal(t, "K11", price.Row)
	assert.Equal(t, []string{"K3c", "K7b"}, price.Of)
	assert.Equal(t, cny("15"), price.Fee, "half of 30.00")
	assert.Equal(t, cny("15"), price.Amends)
	assert.Equal(t, platform.Merchant, price.Bearer)

	f.With = ForceMajeure
	price, err = StandardPolicy().Price(f, cny("100"))
	require.NoError(t, err)
	assert.Equal(t, []string{"K3c", "K10"}, price.Of)
	assert.Equal(t, cny("0"), price.Amends)
	assert.Empty(t, price.Bearer)
}

func TestAPolicyKeepsItsMeaningInJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(StandardPolicy())
	require.NoError(t, err)
	var back Policy
	require.NoError(t, json.Unmarshal(text, &back))
	again, err := json.Marshal(back)
	require.NoError(t, err)
	assert.JSONEq(t, string(text), string(again))
	rapid.Check(t, func(t *rapid.T) {
		f := aFact(t)
		was, err := StandardPolicy().Price(f, cny("123.45"))
		require.NoError(t, err)
		is, err := back.Price(f, cny("123.45"))
		require.NoError(t, err)
		was.shares, is.shares = Row{}, Row{}
		require.Equal(t, was, is)
	})
}
