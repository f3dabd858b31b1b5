package fee

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func TestSchedulesThatCannotBePublishedAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Schedule)
		path   string
		code   string
	}{
		"no rule":                 {func(s *Schedule) { s.Components[0].Rules = nil }, "components[0].rules", "fee.size"},
		"no component":            {func(s *Schedule) { s.Components = nil }, "components", "fee.size"},
		"the last does not match": {func(s *Schedule) { s.Components[0].Rules[0].When.Kinds = []string{"service"} }, "components[0].rules", "fee.gap"},
		"a band as the last":      {func(s *Schedule) { s.Components[0].Rules[0].When.From = cny("1") }, "components[0].rules", "fee.gap"},
		"rate above all":          {func(s *Schedule) { s.Components[0].Rules[0].Rate = rate("1.000001") }, "components[0].rules[0].rate", "fee.range"},
		"rate below nothing":      {func(s *Schedule) { s.Components[0].Rules[0].Rate = rate("-0.1") }, "components[0].rules[0].rate", "fee.range"},
		"rate of seven places":    {func(s *Schedule) { s.Components[0].Rules[0].Rate = rate("0.0000001") }, "components[0].rules[0].rate", "fee.range"},
		"rate of many places":     {func(s *Schedule) { s.Components[0].Rules[0].Rate = decimal.New(1, -1_000_000_000) }, "components[0].rules[0].rate", "fee.range"},
		"rate of many digits":     {func(s *Schedule) { s.Components[0].Rules[0].Rate = decimal.New(1, 1_000_000_000) }, "components[0].rules[0].rate", "fee.range"},
		"tax above all":           {func(s *Schedule) { s.Components[0].Tax = rate("2") }, "components[0].tax", "fee.range"},
		"min above max": {func(s *Schedule) {
			s.Components[0].Rules[0].Min, s.Components[0].Rules[0].Max = cny("2"), cny("1")
		}, "components[0].rules[0].min", "fee.range"},
		"fixed below nothing":    {func(s *Schedule) { s.Components[0].Rules[0].Fixed = cny("-1") }, "components[0].rules[0].fixed", "fee.range"},
		"fixed elsewhere":        {func(s *Schedule) { s.Components[0].Rules[0].Fixed = platform.MustMoney("1", "USD") }, "components[0].rules[0].fixed", "fee.currency"},
		"amount of any currency": {func(s *Schedule) { s.Currency, s.Components[0].Rules[0].Fixed = platform.Currency(0), cny("1") }, "components[0].rules[0].fixed", "fee.currency"},
		"tiers from above":       {func(s *Schedule) { tiers(s, "1") }, "components[0].rules[0].tiers[0].from", "fee.tiers"},
		"tiers that fall":        {func(s *Schedule) { tiers(s, "0", "10", "5") }, "components[0].rules[0].tiers[2].from", "fee.tiers"},
		"tiers that stand":       {func(s *Schedule) { tiers(s, "0", "0") }, "components[0].rules[0].tiers[1].from", "fee.tiers"},
		"tiers read nohow":       {func(s *Schedule) { tiers(s, "0"); s.Components[0].Rules[0].By = "" }, "components[0].rules[0].by", "fee.choice"},
		"a reading of no tiers":  {func(s *Schedule) { s.Components[0].Rules[0].By = Whole }, "components[0].rules[0].by", "fee.choice"},
		"a band upside down": {func(s *Schedule) {
			s.Components[0].Rules = append([]Rule{{ID: "band", When: Match{From: cny("2"), Below: cny("1")}}}, s.Components[0].Rules...)
		}, "components[0].rules[0].when.from", "fee.range"},
		"a rule twice":            {func(s *Schedule) { s.Components[0].Rules = append(s.Components[0].Rules, s.Components[0].Rules[0]) }, "components[0].rules[1].id", "fee.name"},
		"a component twice":       {func(s *Schedule) { s.Components = append(s.Components, s.Components[0]) }, "components[1].name", "fee.name"},
		"a name in capitals":      {func(s *Schedule) { s.Name = "Standard" }, "name", "fee.name"},
		"a payer unknown":         {func(s *Schedule) { s.Components[0].Payer = "staff" }, "components[0].payer", "fee.choice"},
		"a reckoning unknown":     {func(s *Schedule) { s.Components[0].Per = "day" }, "components[0].per", "fee.choice"},
		"given back otherwise":    {func(s *Schedule) { s.Components[0].Back = "half" }, "components[0].back", "fee.choice"},
		"rounded otherwise":       {func(s *Schedule) { s.Components[0].Rounding = "nearest" }, "components[0].rounding", "fee.choice"},
		"kept of the customer":    {func(s *Schedule) { s.Components[0].Payer, s.Components[0].Back = Customer, Kept }, "components[0].back", "fee.back"},
		"an end before the start": {func(s *Schedule) { s.From, s.Until = april, april }, "until", "fee.period"},
	} {
		s := schedule(commission(nil))
		c.change(&s)
		var wrong platform.FieldErrors
		require.ErrorAs(t, s.Check(), &wrong, name)
		require.Len(t, wrong, 1, "%s: %v", name, wrong)
		assert.Equal(t, []string{c.path, c.code}, []string{wrong[0].Path, wrong[0].Code}, name)
	}
	require.NoError(t, schedule(commission(nil)).Check())
	require.NoError(t, Terms{}.ready().Standard.Check())
}

// tiers makes the rule one of tiers from these bounds.
func tiers(s *Schedule, from ...string) {
	r := &s.Components[0].Rules[0]
	r.By = Whole
	for _, f := range from {
		r.Tiers = append(r.Tiers, Tier{cny(f), rate("0.1")})
	}
}

func TestDraftsAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t, Terms{})
	for name, c := range map[string]struct {
		change func(*Draft)
		code   string
	}{
		"retroactive": {func(d *Draft) { d.From = noon.Add(-time.Second) }, "fee.retroactive"},
		"no currency": {func(d *Draft) { d.Currency = platform.Currency(0) }, "fee.currency"},
		"volumes that nobody counts": {func(d *Draft) {
			d.Components[0].Rules[0].By, d.Components[0].Rules[0].Tiers = Volume, []Tier{{cny("0"), rate("0.1")}}
		}, "fee.volume"},
		"a gap": {func(d *Draft) { d.Components[0].Rules[0].When.Kinds = []string{"service"} }, "fee.gap"},
	} {
		_, err := h.draft(c.change)
		var wrong platform.FieldErrors
		require.ErrorAs(t, err, &wrong, name)
		assert.Equal(t, c.code, wrong[0].Code, name)
	}
}
