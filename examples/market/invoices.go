package market

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/closing"
	"github.com/liangding/platform/finance/invoice"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/security/vault"
	"github.com/liangding/platform/store/sandbox"
)

// house is the platform as a seller, on invoices over its fees.
const house platform.ID = "platform"

// invoices makes the service of invoices, and the authority that issues them.
func (m *Market) invoices(db platform.DB) {
	m.Authority = sandbox.NewInvoicer(m.Writer.Now, 0)
	m.Invoices = invoice.New(m.Writer, invoice.StoreOn(db), invoice.Ports{
		Sales: m.invoiceable(db), Invoicer: m.Authority, Sealer: m.Vault, Opener: opener{m},
	}, &m.options.Invoice)
}

func (m *Market) invoiceable(db platform.Getter) sales {
	rate := m.options.TaxRate
	if rate.IsZero() {
		rate = decimal.New(6, -2)
	}
	return sales{db, rate}
}

// sales is the orders as the invoices see them.
type sales struct {
	db   platform.Getter
	rate decimal.Decimal
}

type sold struct {
	No       int             `json:"no"`
	Code     string          `json:"code"`
	Name     string          `json:"name"`
	Unit     string          `json:"unit"`
	Quantity int64           `json:"quantity"`
	Price    platform.Money  `json:"price"`
	Rate     decimal.Decimal `json:"rate"`
	Amount   platform.Money  `json:"amount"`
	Given    platform.Money  `json:"given"`
	Exempt   string          `json:"exempt,omitempty"`
}

// Invoiceable implements [invoice.Sales]: a merchant invoices what its customer
// paid, without tax if it was exempt when the order was placed, and the platform its
// commission once the order is sold.
func (s sales) Invoiceable(ctx context.Context, subject platform.Ref, kind string) (json.RawMessage, []platform.Change, error) {
	if subject.Kind != "order" {
		return nil, nil, platform.NotFound(subject)
	}
	o, err := platform.Read[order.Order](ctx, s.db, "order", subject.ID)
	if err != nil {
		return nil, nil, err
	}
	sale := struct {
		Seller   platform.ID    `json:"seller"`
		Buyer    platform.ID    `json:"buyer"`
		Captured platform.Money `json:"captured"`
		Refunded platform.Money `json:"refunded"`
		Lines    []sold         `json:"lines"`
	}{Seller: o.Merchant, Buyer: o.Customer, Captured: o.Captured, Refunded: o.Refunded}
	if back, err := o.Refunded.Add(o.ChargedBack); err == nil {
		sale.Refunded = back
	}
	checks, rate, exempt := []platform.Change{platform.Unchanged(o)}, s.rate, ""
	if kind == string(invoice.ForService) {
		group, relied, err := closing.Exempt{DB: s.db}.Exempt(ctx, o.Merchant, "sales_tax", o.PlacedAt)
		if err != nil {
			return nil, nil, err
		}
		if checks = append(checks, relied...); group != "" {
			rate, exempt = decimal.Zero, group
		}
	}
	for _, l := range o.Lines {
		name := l.Title
		if name == "" {
			name = l.Kind
		}
		sale.Lines = append(sale.Lines, sold{l.No, string(l.Listing), name, l.Unit, l.Quantity, l.Price, rate, l.Amount, l.Given, exempt})
	}
	if kind != string(invoice.ForService) {
		sale.Seller, sale.Buyer, sale.Lines = house, o.Merchant, s.commission(o)
		sale.Captured, sale.Refunded = sums(sale.Lines, o)
	}
	doc, err := json.Marshal(sale)
	return doc, checks, err
}

// commission is the platform's part of the order's lines: one line for each rate
// of tax, the first under the number of the order's own.
func (s sales) commission(o order.Order) (lines []sold) {
	for _, l := range o.Lines {
		if l.Parts == nil && l.Fee.Sign() > 0 {
			lines = append(lines, sold{l.No, "commission", "commission", "", 1, l.Fee, s.rate, l.Fee, l.FeeGiven, ""})
		}
		first := len(lines)
		for _, p := range l.Parts {
			rate := taxed(p)
			same := slices.IndexFunc(lines[first:], func(other sold) bool { return other.Rate.Equal(rate) })
			if same < 0 {
				same = len(lines) - first
				none := less(p.Amount, p.Amount)
				lines = append(lines, sold{l.No + same*apart, "commission", "commission", "", 1, none, rate, none, none, ""})
			}
			at := &lines[first+same]
			amount, one := at.Amount.Add(p.Amount)
			given, two := at.Given.Add(p.Given)
			if one == nil && two == nil {
				at.Price, at.Amount, at.Given = amount, amount, given
			}
		}
		lines = slices.DeleteFunc(lines, func(l sold) bool { return l.Amount.Sign() <= 0 })
	}
	return lines
}

// apart is between the numbers of the lines of one fee: more than an order has.
const apart = 1000

// taxed is the rate of the tax inside a part of a fee: the shortest one by which
// the tax comes out as it was charged.
func taxed(p order.Part) decimal.Decimal {
	if p.Tax.Sign() <= 0 || less(p.Amount, p.Tax).Sign() <= 0 {
		return decimal.Zero
	}
	exact := p.Tax.Decimal().Div(less(p.Amount, p.Tax).Decimal())
	for places := int32(2); places < 6; places++ {
		rate := exact.Round(places)
		for _, mode := range []platform.Rounding{platform.HalfEven, platform.HalfUp, platform.Down, platform.Up} {
			if net, err := p.Amount.DivRate(rate.Add(decimal.New(1, 0)), mode); err == nil && net == less(p.Amount, p.Tax) {
				return rate
			}
		}
	}
	return exact.Round(6)
}

// sums are what was taken, and what refunds take of it: nothing before the sale.
func sums(lines []sold, o order.Order) (taken, given platform.Money) {
	taken = less(o.Total, o.Total)
	given = taken
	if o.CompletedAt.IsZero() {
		return taken, given
	}
	for _, l := range lines {
		if sum, err := taken.Add(l.Amount); err == nil {
			taken = sum
		}
		if sum, err := given.Add(l.Given); err == nil {
			given = sum
		}
	}
	return taken, given
}

// opener opens the titles of invoices to be issued, in the name of the platform.
type opener struct{ m *Market }

// Open implements [invoice.Opener].
func (o opener) Open(ctx context.Context, at platform.Place, sealed platform.Sealed) (string, error) {
	ctx = platform.As(platform.WithoutKey(ctx), platform.SystemActor("invoice"))
	plain, _, err := o.m.Vault.Reveal(ctx, vault.Request{Place: at, Sealed: sealed, Purpose: "invoicing", Reason: "issue"})
	if err != nil {
		return "", err
	}
	return plain.Reveal(), nil
}

// letters asks for red letters once money went back.
type letters struct{ m *Market }

// Publish implements [store.Sink].
func (l letters) Publish(ctx context.Context, events []platform.Event) error {
	ctx = platform.As(ctx, platform.SystemActor("invoice"))
	var failed []error
	for _, of := range refunded(events) {
		for _, kind := range []invoice.Kind{invoice.ForService, invoice.ForFee} {
			_, err := l.m.Invoices.Reconcile(ctx, invoice.Reconcile{Of: platform.Ref{Kind: "order", ID: of}, Kind: kind})
			if err != nil && !errors.Is(err, invoice.ErrNothingNew) {
				failed = append(failed, fmt.Errorf("red letters of order %s: %w", of, err))
			}
		}
	}
	return errors.Join(failed...)
}

// refunded are the orders of which money went back, each once.
func refunded(events []platform.Event) (orders []platform.ID) {
	for _, e := range events {
		var of struct{ Order platform.ID }
		if e.Type == "refund.succeeded" && json.Unmarshal(e.Data, &of) == nil && of.Order != "" && !slices.Contains(orders, of.Order) {
			orders = append(orders, of.Order)
		}
	}
	return orders
}
