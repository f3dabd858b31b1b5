package market_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/closing"
	"github.com/liangding/platform/finance/invoice"
	"github.com/liangding/platform/order"
)

// A merchant that was exempt when the order was placed invoices it without tax, and
// says why; the platform's commission is taxed as ever. So is what is placed behind
// the term.
func TestWhoIsExemptInvoicesWithoutTax(t *testing.T) {
	t.Parallel()
	for name, from := range map[string]time.Duration{"in the term": -24 * time.Hour, "before it": time.Minute} {
		s := shopAt(t, order.Completed)
		placed := s.order.PlacedAt
		_, err := s.Closing.GrantExemption(s.as(s.cast.Operator), closing.GrantExemption{
			Party: s.order.Merchant, Duty: closing.SalesTax, Group: "small_scale", Evidence: strings.Repeat("ab", 32),
			From: placed.Add(from), Until: placed.AddDate(1, 0, 0),
		})
		require.NoError(t, err)
		ask := func(who platform.Actor, kind invoice.Kind) invoice.Invoice {
			v, err := s.Invoices.RequestInvoice(s.as(who), invoice.RequestInvoice{
				Of: s.order.Ref(), Kind: kind, Title: invoice.Title{Company: true, Name: "Good Cleaning Ltd", TaxID: "91350100M000100Y43"},
			})
			require.NoError(t, err)
			s.pass(time.Minute)
			v, err = s.Invoices.Invoice(s.as(s.cast.Merchant), v.ID)
			require.NoError(t, err)
			require.Equal(t, invoice.Issued, v.State)
			return v
		}

		service, fee := ask(s.cast.Customer, invoice.ForService), ask(s.cast.Merchant, invoice.ForFee)

		group, tax := "small_scale", "0.00 CNY"
		if from > 0 {
			group, tax = "", "10.19 CNY"
		}
		assert.Equal(t, []string{group, tax, "180.00 CNY"}, []string{service.Lines[0].Exempt, service.Tax.String(), service.Gross.String()}, name)
		assert.Equal(t, []string{"", "1.02 CNY"}, []string{fee.Lines[0].Exempt, fee.Tax.String()}, name)
		s.sound()
	}
}
