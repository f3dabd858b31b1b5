package market

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

// The platform invoices each part of its fee at the rate of the tax that was
// charged on it.
func TestFeesAreInvoicedAtTheirOwnRates(t *testing.T) {
	t.Parallel()
	yuan := func(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }
	part := func(amount, tax, given string) order.Part {
		return order.Part{Component: "commission", Amount: yuan(amount), Tax: yuan(tax), Given: yuan(given)}
	}
	o := order.Order{Lines: []order.Line{
		{No: 1, Fee: yuan("31.00"), Parts: []order.Part{part("10.60", "0.60", "1.06"), part("10.30", "0.30", "0.00"), part("10.10", "0.57", "0.00"), part("0.00", "0.00", "0.00")}},
		{No: 2, Fee: yuan("5.00"), FeeGiven: yuan("1.00")},
		{No: 3, Fee: yuan("7.00"), Parts: []order.Part{part("7.00", "0.00", "0.00")}},
	}}

	lines := sales{rate: decimal.New(6, -2)}.commission(o)

	told := [][]any{}
	for _, l := range lines {
		told = append(told, []any{l.No, l.Rate.String(), l.Amount.String(), l.Given.String()})
	}
	assert.Equal(t, [][]any{
		{1, "0.06", "20.70 CNY", "1.06 CNY"},
		{1001, "0.03", "10.30 CNY", "0.00 CNY"},
		{2, "0.06", "5.00 CNY", "1.00 CNY"},
		{3, "0", "7.00 CNY", "0.00 CNY"},
	}, told)
}
