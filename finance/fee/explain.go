package fee

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Explain tells in words how each charge came about, one line each, in Chinese
// for "zh…" and in English otherwise. To a customer it tells only of what the
// customer pays.
func (s Statement) Explain(lang string, to platform.ActorKind) []string {
	say := english
	if strings.HasPrefix(lang, "zh") {
		say = chinese
	}
	lines := []string{}
	for _, c := range s.Charges {
		if to != platform.Customer || c.Payer == Customer {
			lines = append(lines, c.explain(say, s.Version))
		}
	}
	return lines
}

// phrases are the words of a language, in the order in which they may come.
type phrases struct {
	charge, fixed, limit, tax, onTop, reduced, kept, atFault string

	payers, names, limits map[string]string
}

var english = phrases{
	charge: "%s, paid by the %s: %s of lines %s by rule %s of %s comes to %s", fixed: ", of it %s fixed", limit: ", the rule's %s",
	tax: ", of which %s is tax at %s", onTop: ", %s of it tax at %s on top", reduced: "; it is %s less than reckoned, since no line bears more than itself",
	kept: "; it is kept when the order is refunded", atFault: "; it is kept when the order is refunded by the customer's fault",
	payers: map[string]string{"merchant": "merchant", "customer": "customer"},
	names:  map[string]string{"commission": "Commission", "payment_fee": "Payment fee", "service_fee": "Service fee", "placement": "Placement"},
	limits: map[string]string{"min": "minimum", "max": "maximum"},
}

var chinese = phrases{
	charge: "%s，由%s承担：第%[4]s行按%[6]s规则%[5]s，%[3]s，计%[7]s", fixed: "，含固定费用%s", limit: "，按规则%s计",
	tax: "，其中税%s（税率%s）", onTop: "，另加税%s已计入（税率%s）", reduced: "；已减少%s，任何一行所承担的费用不超过该行金额",
	kept: "；退款时不退", atFault: "；因客户原因退款时不退",
	payers: map[string]string{"merchant": "商家", "customer": "客户"},
	names:  map[string]string{"commission": "佣金", "payment_fee": "支付手续费", "service_fee": "服务费", "placement": "推广费"},
	limits: map[string]string{"min": "下限", "max": "上限"},
}

func (c Charge) explain(say phrases, version string) string {
	var lines []string
	for _, p := range c.Parts {
		lines = append(lines, strconv.Itoa(p.Line))
	}
	var b strings.Builder
	fmt.Fprintf(&b, say.charge, or(say.names[c.Component], c.Component), say.payers[string(c.Payer)], c.how(), strings.Join(lines, ", "), c.Rule, version, c.Amount)
	if c.Limit != "" {
		fmt.Fprintf(&b, say.limit, say.limits[c.Limit])
	} else if c.Fixed.Sign() > 0 {
		fmt.Fprintf(&b, say.fixed, c.Fixed)
	}
	if c.Tax.Sign() > 0 && c.Exclusive {
		fmt.Fprintf(&b, say.onTop, c.Tax, percent(c.TaxRate))
	} else if c.Tax.Sign() > 0 {
		fmt.Fprintf(&b, say.tax, c.Tax, percent(c.TaxRate))
	}
	if c.Reduced.Sign() > 0 {
		fmt.Fprintf(&b, say.reduced, c.Reduced)
	}
	switch c.Back {
	case Kept:
		b.WriteString(say.kept)
	case KeptAtFault:
		b.WriteString(say.atFault)
	}
	return b.String()
}

// how is the reckoning: "10% × 100.00 CNY", slice by slice.
func (c Charge) how() string {
	if len(c.Slices) == 0 {
		return percent(c.Rate) + " × " + c.Base.String()
	}
	slices := make([]string, len(c.Slices))
	for i, s := range c.Slices {
		slices[i] = percent(s.Rate) + " × " + s.Base.String()
	}
	return strings.Join(slices, " + ")
}

func percent(rate decimal.Decimal) string { return rate.Shift(2).String() + "%" }
