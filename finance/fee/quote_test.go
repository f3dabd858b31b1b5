package fee

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
)

func TestFeesAreThoseOfTheVectors(t *testing.T) {
	t.Parallel()
	var rows []struct {
		Amount, Currency, Rate, Fee string
		Rounding                    platform.Rounding
	}
	raw, err := os.ReadFile("testdata/fees.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &rows))
	require.NotEmpty(t, rows)
	for _, r := range rows {
		line := platform.MustMoney(r.Amount, r.Currency)

		s, err := Flat("v", rate(r.Rate), r.Rounding).Quote(Facts{Lines: []Item{{Kind: "service", Amount: line}}})

		if line.Sign() < 0 {
			require.ErrorIs(t, err, errLine)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, platform.MustMoney(r.Fee, r.Currency), s.Charges[0].Amount, "%+v", r)
	}
}

func TestTheStandardFeeIsTenPercentOfEachLine(t *testing.T) {
	t.Parallel()
	s, err := Terms{}.ready().Standard.Quote(sold("99.99", "0.05", "0", "0.05"))

	require.NoError(t, err)
	assert.Equal(t, "standard-1", s.Version)
	for i, want := range []string{"10.00", "0", "0", "0"} {
		assert.Equal(t, []Part{{i + 1, cny(want), cny("0")}}, s.Charges[i].Parts)
	}
}

func TestOnlyKindsOfAFlatScheduleBearAFee(t *testing.T) {
	t.Parallel()
	facts := sold("10.00", "10.00")
	facts.Lines[0].Kind = "freight"

	s, err := Flat("services", rate("0.2"), "", "service").Quote(facts)

	require.NoError(t, err)
	assert.Equal(t, "services-1", s.Version)
	assert.Equal(t, []platform.Money{cny("0"), cny("2.00")}, []platform.Money{s.Charges[0].Amount, s.Charges[1].Amount})
}

// F10, F11 and every way in which a rule makes an amount.
func TestARuleMakesItsAmount(t *testing.T) {
	t.Parallel()
	tiers := []Tier{{cny("0"), rate("0.10")}, {cny("100"), rate("0.05")}, {cny("1000"), rate("0.01")}}
	for name, c := range map[string]struct {
		price string
		rule  Rule
		want  string
		limit string
	}{
		"a cent bears nothing":              {"0.01", Rule{Rate: rate("0.1")}, "0", ""},
		"the minimum is capped by the base": {"0.01", Rule{Rate: rate("0.1"), Min: cny("1")}, "0.01", "min"},
		"nothing bears no minimum":          {"0", Rule{Rate: rate("0.1"), Min: cny("1"), Fixed: cny("2")}, "0", ""},
		"minimum":                           {"10", Rule{Rate: rate("0.01"), Min: cny("1")}, "1", "min"},
		"maximum":                           {"1000", Rule{Rate: rate("0.5"), Max: cny("20")}, "20", "max"},
		"fixed and rate":                    {"10", Rule{Rate: rate("0.029"), Fixed: cny("0.30")}, "0.59", ""},
		"fixed alone":                       {"10", Rule{Fixed: cny("3")}, "3", ""},
		"halves to even":                    {"0.25", Rule{Rate: rate("0.1")}, "0.02", ""},
		"marginal, first tier":              {"100", Rule{Tiers: tiers, By: Marginal}, "10", ""},
		"marginal, all tiers":               {"1100", Rule{Tiers: tiers, By: Marginal}, "56", ""},
		"marginal, rounded once":            {"100.25", Rule{Tiers: []Tier{{cny("0"), rate("0.0001")}, {cny("50"), rate("0.0001")}}, By: Marginal}, "0.01", ""},
		"whole, below":                      {"99.99", Rule{Tiers: tiers, By: Whole}, "10", ""},
		"whole, at the bound":               {"100", Rule{Tiers: tiers, By: Whole}, "5", ""},
		"by volume":                         {"10", Rule{Tiers: tiers, By: Volume}, "0.5", ""},
	} {
		facts := sold(c.price)
		facts.Volume = cny("999.99")
		c.rule.ID = "r"

		s, err := schedule(commission(func(c2 *Component) { c2.Rules = []Rule{c.rule} })).Quote(facts)

		require.NoError(t, err, name)
		assert.Equal(t, cny(c.want), s.Charges[0].Amount, name)
		assert.Equal(t, c.limit, s.Charges[0].Limit, name)
	}
}

func TestYenAreWhole(t *testing.T) {
	t.Parallel()
	s, err := Flat("yen", rate("0.088"), "").Quote(Facts{Lines: []Item{{Kind: "service", Amount: platform.MustMoney("1234", "JPY")}}})
	require.NoError(t, err)
	assert.Equal(t, platform.MustMoney("109", "JPY"), s.Charges[0].Amount)
}

func TestTaxIsInsideOrOnTop(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		exclusive   bool
		amount, tax string
	}{{false, "10.00", "0.57"}, {true, "10.60", "0.60"}} {
		s, err := schedule(commission(func(x *Component) { x.Tax, x.Exclusive = rate("0.06"), c.exclusive })).Quote(sold("100.00"))
		require.NoError(t, err)
		assert.Equal(t, []platform.Money{cny(c.amount), cny(c.tax)}, []platform.Money{s.Charges[0].Amount, s.Charges[0].Tax})
	}
}

func TestTheFirstRuleThatMatchesDecides(t *testing.T) {
	t.Parallel()
	only := func(m Match) Schedule {
		return schedule(commission(func(c *Component) { c.Rules = []Rule{{ID: "special", When: m}, {ID: "rest"}} }))
	}
	facts := Facts{
		Tier: "gold", Channel: "app", Kind: "fixed",
		Lines: []Item{{Kind: "service", Category: "cleaning", City: "zon_1", Amount: cny("100")}},
	}
	for name, c := range map[string]struct {
		when Match
		want string
	}{
		"kind":                   {Match{Kinds: []string{"freight", "service"}}, "special"},
		"another kind":           {Match{Kinds: []string{"freight"}}, "rest"},
		"category":               {Match{Categories: []string{"cleaning"}}, "special"},
		"another category":       {Match{Categories: []string{"repair"}}, "rest"},
		"city":                   {Match{Cities: []string{"zon_1"}}, "special"},
		"another city":           {Match{Cities: []string{"zon_2"}}, "rest"},
		"merchant tier":          {Match{Tiers: []string{"gold"}}, "special"},
		"another tier":           {Match{Tiers: []string{"silver"}}, "rest"},
		"channel":                {Match{Channels: []string{"app"}}, "special"},
		"another channel":        {Match{Channels: []string{"web"}}, "rest"},
		"kind of order":          {Match{Orders: []string{"fixed"}}, "special"},
		"another kind of order":  {Match{Orders: []string{"hourly"}}, "rest"},
		"from, included":         {Match{From: cny("100")}, "special"},
		"from, not reached":      {Match{From: cny("100.01")}, "rest"},
		"below, not included":    {Match{Below: cny("100")}, "rest"},
		"in the band":            {Match{From: cny("1"), Below: cny("100.01")}, "special"},
		"all of several":         {Match{Kinds: []string{"service"}, Tiers: []string{"gold"}}, "special"},
		"not all of several":     {Match{Kinds: []string{"service"}, Tiers: []string{"silver"}}, "rest"},
		"nothing said is a rule": {Match{}, "special"},
	} {
		s, err := only(c.when).Quote(facts)
		require.NoError(t, err, name)
		assert.Equal(t, c.want, s.Charges[0].Rule, name)
	}
}

// By order the lines of one rule are one base, rounded once; by line each is.
func TestAComponentIsReckonedByOrderOrByLine(t *testing.T) {
	t.Parallel()
	facts := sold("0.05", "0.05", "10")
	facts.Lines[2].Kind = "freight"
	rules := []Rule{{ID: "services", When: Match{Kinds: []string{"service"}}, Rate: rate("0.1")}, {ID: "rest", Fixed: cny("2")}}

	together, err := schedule(commission(func(c *Component) { c.Rules = rules })).Quote(facts)
	require.NoError(t, err)
	apart, err := schedule(commission(func(c *Component) { c.Rules, c.Per = rules, Line })).Quote(facts)
	require.NoError(t, err)

	require.Len(t, together.Charges, 2)
	assert.Equal(t, []Part{{1, cny("0.01"), cny("0")}, {2, cny("0"), cny("0")}}, together.Charges[0].Parts)
	assert.Equal(t, []Part{{3, cny("2"), cny("0")}}, together.Charges[1].Parts)
	require.Len(t, apart.Charges, 3)
	assert.Equal(t, cny("0"), apart.Charges[0].Amount)
}

// No line bears more than itself: the last component gives way first, and says so.
func TestTheSumIsCappedInReverseOrder(t *testing.T) {
	t.Parallel()
	s, err := schedule(
		commission(func(c *Component) { c.Rules = []Rule{{ID: "all", Rate: rate("0.7")}} }),
		commission(func(c *Component) {
			c.Name, c.Tax, c.Rules = "payment_fee", rate("0.06"), []Rule{{ID: "all", Rate: rate("0.2")}}
		}),
		commission(func(c *Component) { c.Name, c.Rules = "placement", []Rule{{ID: "all", Fixed: cny("30")}} }),
		commission(func(c *Component) { c.Name, c.Payer = "service_fee", Customer }),
	).Quote(sold("100.00"))

	require.NoError(t, err)
	for i, want := range []struct{ amount, reduced string }{{"70", ""}, {"20", ""}, {"10", "20"}, {"10", ""}} {
		assert.Equal(t, cny(want.amount), s.Charges[i].Amount, i)
		if want.reduced != "" {
			assert.Equal(t, cny(want.reduced), s.Charges[i].Reduced, i)
		} else {
			assert.True(t, s.Charges[i].Reduced.Absent(), i)
		}
	}
	assert.Equal(t, cny("1.13"), s.Charges[1].Tax)
}

func TestAReducedFeeHasItsTaxInside(t *testing.T) {
	t.Parallel()
	s, err := schedule(commission(func(c *Component) {
		c.Tax, c.Exclusive, c.Rules = rate("0.06"), true, []Rule{{ID: "all", Rate: rate("1")}}
	})).Quote(sold("10.00"))
	require.NoError(t, err)
	assert.Equal(t, []platform.Money{cny("10.00"), cny("0.57"), cny("0.60")}, []platform.Money{s.Charges[0].Amount, s.Charges[0].Tax, s.Charges[0].Reduced})
}

func TestLinesThatCannotBePricedAreRefused(t *testing.T) {
	t.Parallel()
	of := func(lines ...platform.Money) (f Facts) {
		for _, a := range lines {
			f.Lines = append(f.Lines, Item{Kind: "service", Amount: a})
		}
		return f
	}
	for name, c := range map[string]struct {
		facts Facts
		code  string
	}{
		"none":                {Facts{}, "fee.line"},
		"below nothing":       {of(cny("-1")), "fee.line"},
		"no amount":           {of(platform.Money{}), "money.currency"},
		"of another currency": {of(platform.MustMoney("1", "USD")), "fee.currency"},
		"of two currencies":   {of(cny("1"), platform.MustMoney("1", "USD")), "fee.currency"},
		"too large":           {of(cny("92233720368547758.07"), cny("0.01")), "money.overflow"},
	} {
		_, err := schedule(commission(nil)).Quote(c.facts)
		require.ErrorIs(t, err, platform.ErrInvalid, name)
		assert.Equal(t, c.code, platform.Code(err), name)
	}
	_, err := schedule(commission(func(c *Component) { c.Rules[0].When.Kinds = []string{"freight"} })).Quote(sold("1"))
	require.ErrorIs(t, err, ErrGap)
}

// drawn is any schedule that can be published, and facts for it.
func drawn(t *rapid.T) (Schedule, Facts) {
	money := func(most int64, label string) platform.Money {
		m, _ := platform.FromMinor(rapid.Int64Range(0, most).Draw(t, label), cny("0").Currency())
		return m
	}
	share := func(label string) string {
		return rapid.SampledFrom([]string{"0", "0.000001", "0.006", "0.06", "0.1", "0.333333", "0.9", "1"}).Draw(t, label)
	}
	rule := func(id string) Rule {
		r := Rule{ID: id, Rate: rate(share("rate"))}
		if rapid.Bool().Draw(t, "fixed?") {
			r.Fixed, r.Min = money(500, "fixed"), money(300, "min")
			r.Max, _ = r.Min.Add(money(5000, "max"))
		}
		if by := rapid.SampledFrom([]Tiering{"", Marginal, Whole, Volume}).Draw(t, "by"); by != "" {
			r.By, r.Tiers = by, []Tier{{cny("0"), rate(share("first"))}, {cny("7.77"), rate(share("second"))}}
		}
		return r
	}
	s := schedule()
	for _, name := range []string{"commission", "payment_fee", "placement", "service_fee"} {
		c := Component{Name: name, Tax: rate(share("tax")), Exclusive: rapid.Bool().Draw(t, "exclusive")}
		c.Per = rapid.SampledFrom([]Per{"", Order, Line}).Draw(t, "per")
		c.Rounding = rapid.SampledFrom([]platform.Rounding{"", platform.HalfUp, platform.Up, platform.Down}).Draw(t, "rounding")
		if c.Rules = []Rule{rule("kinds"), rule("all")}; name == "service_fee" {
			c.Payer = Customer
		}
		c.Rules[0].When.Kinds = []string{"service"}
		s.Components = append(s.Components, c)
	}
	f := Facts{Merchant: seller.ID, Volume: money(2000, "volume")}
	for range rapid.IntRange(1, 5).Draw(t, "lines") {
		kind := rapid.SampledFrom([]string{"service", "freight"}).Draw(t, "kind")
		f.Lines = append(f.Lines, Item{Kind: kind, Amount: money(5000, "amount")})
	}
	return s, f
}

// Invariant 7: parts make up their charge, tax is inside, and merchants never pay
// more for a line than it brings.
func TestPartsAreTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, f := drawn(t)
		require.NoError(t, s.Check())
		got, err := s.Quote(f)
		require.NoError(t, err)
		borne, covered := make([]int64, len(f.Lines)), map[string]int{}
		for _, c := range got.Charges {
			var amount, tax int64
			for _, p := range c.Parts {
				require.True(t, p.Tax.Minor() >= 0 && p.Tax.Minor() <= p.Amount.Minor(), "%+v", c)
				amount, tax = amount+p.Amount.Minor(), tax+p.Tax.Minor()
				covered[c.Component]++
				if c.Payer == Merchant {
					borne[p.Line-1] += p.Amount.Minor()
				}
			}
			require.Equal(t, []int64{c.Amount.Minor(), c.Tax.Minor()}, []int64{amount, tax}, "%+v", c)
		}
		for i, l := range f.Lines {
			require.LessOrEqual(t, borne[i], l.Amount.Minor())
		}
		for _, c := range s.Components {
			require.Equal(t, len(f.Lines), covered[c.Name], "each line has its part of each component")
		}
	})
}

// Invariant 9: same inputs, same lines, byte for byte; and what an order keeps is
// enough to reckon it again.
func TestTheSameFactsGiveTheSameStatement(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, f := drawn(t)
		first, err := s.Quote(f)
		require.NoError(t, err)
		doc, err := json.Marshal(first)
		require.NoError(t, err)

		var kept Statement
		require.NoError(t, json.Unmarshal(doc, &kept))
		again, err := s.Quote(kept.Facts)
		require.NoError(t, err)
		same, err := json.Marshal(again)
		require.NoError(t, err)
		require.Equal(t, string(doc), string(same))
	})
}
