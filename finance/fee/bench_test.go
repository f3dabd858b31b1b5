package fee

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// five is a schedule of five components, and an order of one line.
func five() (Schedule, Facts) {
	var all []Component
	for _, name := range []string{"commission", "payment_fee", "placement", "insurance", "service_fee"} {
		all = append(all, commission(func(c *Component) {
			c.Name, c.Tax = name, rate("0.06")
			c.Rules = []Rule{{ID: "cleaning", When: Match{Categories: []string{"cleaning"}}, Rate: rate("0.05")}, {ID: "all", Rate: rate("0.1"), Fixed: cny("0.30"), Max: cny("50")}}
		}))
	}
	all[4].Payer = Customer
	return schedule(all...), sold("100.00")
}

// B9: at most 20 allocations for a quote of five components.
func TestAQuoteAllocatesLittle(t *testing.T) {
	s, f := five()
	allocs := testing.AllocsPerRun(100, func() { _, _ = s.Quote(f) })
	require.LessOrEqual(t, allocs, 20.0)
}

func BenchmarkQuote(b *testing.B) {
	s, f := five()
	b.Run("five components", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Quote(f); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("one MulRate", func(b *testing.B) {
		b.ReportAllocs()
		r := rate("0.1")
		for b.Loop() {
			if _, err := f.Lines[0].Amount.MulRate(r, ""); err != nil {
				b.Fatal(err)
			}
		}
	})
}
