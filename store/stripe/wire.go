package stripe

import (
	"fmt"
	"strings"

	"github.com/stripe/stripe-go/v85"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

// wire is an amount as Stripe writes it. It fails with ErrUnrepresentable when
// that would not be exact, and with ErrRefused for nothing.
func (g *Gateway) wire(m platform.Money) (amount *int64, currency *string, err error) {
	if m.Absent() || m.Sign() <= 0 {
		return nil, nil, fmt.Errorf("amount %s: %w", m, payment.ErrRefused)
	}
	up, down := g.scale(m.Currency())
	minor := m.Minor()
	if minor%down != 0 || minor > (1<<62)/up || m.Currency().Exponent() == 3 && minor%10 != 0 {
		return nil, nil, fmt.Errorf("amount %s: %w", m, payment.ErrUnrepresentable)
	}
	return new(minor / down * up), stripe.String(strings.ToLower(m.Currency().String())), nil
}

// money reads an amount that Stripe wrote; absent when there is no such currency,
// or not so exactly.
func (g *Gateway) money(amount int64, currency stripe.Currency) platform.Money {
	c, err := platform.ParseCurrency(strings.ToUpper(string(currency)))
	if err != nil {
		return platform.Money{}
	}
	up, down := g.scale(c)
	if amount%up != 0 || amount/up > (1<<62)/down {
		return platform.Money{}
	}
	m, err := platform.FromMinor(amount/up*down, c)
	if err != nil {
		return platform.Money{}
	}
	return m
}

// scale is by what a minor unit is multiplied and divided on the wire.
func (g *Gateway) scale(c platform.Currency) (up, down int64) {
	up, down = 1, 1
	there, differs := g.opts.Decimals[c.String()]
	if !differs {
		return up, down
	}
	for n := c.Exponent(); n < there; n++ {
		up *= 10
	}
	for n := there; n < c.Exponent(); n++ {
		down *= 10
	}
	return up, down
}

// checked refuses a key that the service did not make.
func checked(k payment.Key, prefix string) error {
	if _, err := platform.ParseID(string(k.Record())); err != nil || k.Record().Prefix() != prefix {
		return fmt.Errorf("key %q: %w", k, payment.ErrRefused)
	}
	return nil
}
