package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/fee"
)

const feeDraftPage = feesPage + "/draft"

// draftFeeMoves propose a version, and say by which a merchant is priced.
var draftFeeMoves = map[string]move{
	"draft-fees": {action: "fee.draft", back: feesPage, do: console.draftFees},
	"bind-fees":  {action: "fee.bind", back: feesPage, do: console.bindFees},
}

// bindReasons are what was agreed with a merchant.
var bindReasons = []string{"agreement", "promotion", "other"}

// How many empty components, and empty rules of each, the form has for more.
const spareComponents, spareFeeRules = 1, 2

type feeDraftView struct {
	Base  fee.Schedule // that the form begins with; none: an empty one
	Draft *sheet       // nil for those who may not
}

// feeDraft shows the form of a version: that of another schedule, or empty.
func (c console) feeDraft(r *http.Request) (any, error) {
	ctx := r.Context()
	v := feeDraftView{Base: fee.Schedule{Name: "standard", From: c.m.Writer.Now().AddDate(0, 0, 8)}}
	if id := platform.ID(r.URL.Query().Get("base")); id != "" {
		var err error
		if v.Base, err = c.m.Fees.Schedule(ctx, id); err != nil {
			return nil, err
		}
		v.Base.From, v.Base.Until = c.m.Writer.Now().AddDate(0, 0, 8), time.Time{}
	}
	if c.may(ctx, "fee.draft", platform.Ref{}) {
		v.Draft = sheetOf(ctx, press(feeDraftPage, "draft-fees"), feeFields(ctx, v.Base)...)
	}
	return v, nil
}

// feeFields are groups of fields for a schedule, as many as it has components and
// rules, or as the refused form had.
func feeFields(ctx context.Context, s fee.Schedule) []fieldset {
	lang, currency := edge.Language(ctx), "CNY"
	if s.Currency != platform.Currency(0) {
		currency = s.Currency.String()
	}
	all := []fieldset{of(
		field{Name: "name", Label: "field.name", Value: s.Name, Needed: true, Most: 40},
		field{Name: "currency", Label: "field.currency", Value: currency, Needed: true, Most: 3},
		field{Name: "from", Label: "field.from", Type: "date", Value: s.From.Format(time.DateOnly), Needed: true},
		field{Name: "until", Label: "field.until", Type: "date"},
	)}
	refused, _ := ctx.Value(refusedFormKey{}).(*refusedForm)
	for n := range len(s.Components) + spareComponents {
		all = append(all, componentFields(lang, n, nth(s.Components, n), refused)...)
	}
	for n := len(s.Components) + spareComponents; refused != nil && refused.form.Has(at("components", n, ".name")); n++ {
		all = append(all, componentFields(lang, n, fee.Component{}, refused)...)
	}
	return all
}

// nth is one of a list, or an empty one behind its end.
func nth[T any](list []T, n int) (one T) {
	if n < len(list) {
		return list[n]
	}
	return one
}

func componentFields(lang string, n int, c fee.Component, refused *refusedForm) []fieldset {
	name := func(member string) string { return at("components", n, member) }
	one := func(group, value string, values ...string) []choice {
		return chosen(offered(lang, group, values...), value)
	}
	exclusive := map[bool]string{false: "inside", true: "ontop"}[c.Exclusive]
	all := []fieldset{{Legend: "fees.component", Fields: []field{
		{Name: name(".name"), Label: "field.component", Value: c.Name, Hint: "commission", Most: 40},
		{Name: name(".payer"), Label: "field.payer", Type: "select", Offers: one("fee_payer", string(c.Payer), "merchant", "customer")},
		{Name: name(".per"), Label: "field.per", Type: "select", Offers: one("fee_per", string(c.Per), "order", "line")},
		{Name: name(".back"), Label: "field.back", Type: "select", Offers: one("fee_back", string(c.Back), "pro_rata", "kept", "kept_if_customer_fault")},
		{Name: name(".tax"), Label: "fees.taxpercent", Value: percentText(c.Tax), Most: 12},
		{Name: name(".exclusive"), Label: "fees.taxis", Type: "select", Offers: one("fee_tax", exclusive, "inside", "ontop")},
		{Name: name(".rounding"), Label: "fees.rounding", Type: "select", Offers: one("fee_rounding", string(c.Rounding), "half_even", "half_up", "up", "down")},
	}}}
	rows := len(c.Rules) + spareFeeRules
	for refused != nil && refused.form.Has(name(at(".rules", rows, ".id"))) {
		rows++
	}
	for r := range rows {
		all = append(all, fieldset{Legend: "fees.rule", Fields: ruleFields(lang, name(at(".rules", r, "")), nth(c.Rules, r))})
	}
	return all
}

func ruleFields(lang, path string, r fee.Rule) []field {
	listed := func(member, label string, values []string) field {
		return field{Name: path + member, Label: label, Value: strings.Join(values, ", "), Most: 400}
	}
	amount := func(member, label string, m platform.Money) field {
		return field{Name: path + member, Label: label, Value: plainAmount(m), Most: 24}
	}
	tiers := make([]string, len(r.Tiers))
	for i, t := range r.Tiers {
		tiers[i] = plainAmount(t.From) + ": " + percentText(t.Rate)
	}
	rate := percentText(r.Rate)
	if r.ID == "" {
		rate = ""
	}
	by := append([]choice{{Text: "–"}}, offered(lang, "fee_by", "marginal", "whole", "volume")...)
	return []field{
		{Name: path + ".id", Label: "field.rule", Value: r.ID, Most: 40},
		{Name: path + ".rate", Label: "fees.ratepercent", Value: rate, Most: 12},
		amount(".fixed", "fees.fixed", r.Fixed), amount(".min", "fees.min", r.Min), amount(".max", "fees.max", r.Max),
		listed(".when.categories", "fees.categories", r.When.Categories), listed(".when.cities", "fees.cities", r.When.Cities),
		listed(".when.tiers", "fees.tiers", r.When.Tiers), listed(".when.channels", "fees.channels", r.When.Channels),
		listed(".when.kinds", "fees.kinds", r.When.Kinds), listed(".when.orders", "fees.orders", r.When.Orders),
		amount(".when.from", "fees.pricefrom", r.When.From), amount(".when.below", "fees.pricebelow", r.When.Below),
		{Name: path + ".tiers", Label: "fees.steps", Value: strings.Join(tiers, "; "), Hint: "0: 10; 10000: 8", Most: 400},
		{Name: path + ".by", Label: "fees.stepsby", Type: "select", Offers: chosen(by, string(r.By))},
	}
}

// percentText is a rate as it is typed; empty for none.
func percentText(d decimal.Decimal) string { return d.Shift(2).String() }

// plainAmount is an amount as it is typed; empty for none.
func plainAmount(m platform.Money) string {
	if m.Absent() {
		return ""
	}
	return m.Decimal().StringFixed(int32(m.Currency().Exponent()))
}

// draftFees drafts a version by the components and rules in which something was
// typed.
func (c console) draftFees(ctx context.Context, _ platform.ID, form url.Values) error {
	e, names := entry{form: form}, map[string]string{}
	in := fee.Draft{Name: e.text("name"), From: e.day("from", time.UTC), Until: e.day("until", time.UTC)}
	currency := e.currency("currency")
	in.Currency, _ = platform.ParseCurrency(currency) // an empty one is noted already
	for n := 0; form.Has(at("components", n, ".name")); n++ {
		from := at("components", n, "")
		comp, some := e.component(from, currency, at("components", len(in.Components), ""), names)
		if some {
			in.Components = append(in.Components, comp)
		}
	}
	err := e.flawed(nil)
	if err == nil {
		_, err = c.m.Fees.Draft(ctx, in)
	}
	return ofFees(named(err, names))
}

// component reads a component of the form, unless nothing was typed into it. It
// notes by which name in the form each of its parts goes.
func (e *entry) component(from, currency, to string, names map[string]string) (fee.Component, bool) {
	c := fee.Component{
		Name: e.text(from + ".name"), Payer: fee.Payer(e.text(from + ".payer")), Per: fee.Per(e.text(from + ".per")), Back: fee.Back(e.text(from + ".back")),
		Tax: e.percent(from + ".tax"), Exclusive: e.text(from+".exclusive") == "ontop", Rounding: platform.Rounding(e.text(from + ".rounding")),
	}
	for n := 0; e.form.Has(from + at(".rules", n, ".id")); n++ {
		path := from + at(".rules", n, "")
		if e.blank(path+".id", path+".rate", path+".fixed", path+".min", path+".max", path+".when.categories", path+".when.cities", path+".when.tiers",
			path+".when.channels", path+".when.kinds", path+".when.orders", path+".when.from", path+".when.below", path+".tiers") {
			continue
		}
		names[to+at(".rules", len(c.Rules), "")] = path
		c.Rules = append(c.Rules, e.rule(path, currency))
	}
	names[to] = from
	return c, c.Name != "" || len(c.Rules) > 0
}

func (e *entry) rule(path, currency string) fee.Rule {
	r := fee.Rule{
		ID: e.text(path + ".id"), Rate: e.percent(path + ".rate"), By: fee.Tiering(e.text(path + ".by")),
		Fixed: e.money(path+".fixed", currency), Min: e.money(path+".min", currency), Max: e.money(path+".max", currency),
		When: fee.Match{
			Kinds: e.list(path + ".when.kinds"), Categories: e.list(path + ".when.categories"), Cities: e.list(path + ".when.cities"),
			Tiers: e.list(path + ".when.tiers"), Channels: e.list(path + ".when.channels"), Orders: e.list(path + ".when.orders"),
			From: e.money(path+".when.from", currency), Below: e.money(path+".when.below", currency),
		},
	}
	for step := range strings.SplitSeq(e.text(path+".tiers"), ";") {
		if step = strings.TrimSpace(step); step == "" {
			continue
		}
		from, rate, _ := strings.Cut(step, ":")
		m, err := platform.ParseMoney(strings.TrimSpace(from), currency)
		share, bad := decimal.NewFromString(strings.TrimSpace(rate))
		if cmp.Or(err, bad) != nil || len(step) > 40 || strings.ContainsAny(step, "eE") {
			e.note(path+".tiers", errNumber)
			return r
		}
		r.Tiers = append(r.Tiers, fee.Tier{From: m, Rate: share.Shift(-2)})
	}
	return r
}

// ofFees puts what is wrong with steps at the field of all steps, and with the
// rules of a component at its name.
func ofFees(err error) error {
	fields, ok := errors.AsType[platform.FieldErrors](err)
	if !ok {
		return err
	}
	all := append(platform.FieldErrors(nil), fields...)
	for i, f := range all {
		if steps, _, found := strings.Cut(f.Path, ".tiers["); found {
			all[i].Path = steps + ".tiers"
		}
		if comp, found := strings.CutSuffix(f.Path, ".rules"); found {
			all[i].Path = comp + ".name"
		}
	}
	return all
}

// bindForm says by which schedule a merchant is priced from now on.
func (c console) bindForm(ctx context.Context) *sheet {
	if !c.may(ctx, "fee.bind", platform.Ref{}) {
		return nil
	}
	return sheetOf(ctx, press(feesPage+"/bind", "bind-fees"), of(
		field{Name: "merchant", Label: "field.merchant", Needed: true, Most: 40, Hint: "mer_…"},
		field{Name: "schedule", Label: "fees.schedule", Most: 40, Hint: "standard"},
		field{Name: "tier", Label: "fees.tier", Most: 40},
		because(edge.Language(ctx), bindReasons...),
	))
}

func (c console) bindFees(ctx context.Context, _ platform.ID, form url.Values) error {
	e := entry{form: form}
	in := fee.Bind{Merchant: platform.ID(e.text("merchant")), Schedule: e.text("schedule"), Tier: e.text("tier"), Reason: e.text("reason")}
	if err := e.flawed(in); err != nil {
		return err
	}
	_, err := c.m.Fees.Bind(ctx, in)
	return err
}
