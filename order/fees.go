package order

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Part is what one component of the fee schedule takes of a line, frozen at
// placing but for what refunds gave back of it.
type Part struct {
	Component string         `json:"component" class:"internal"`
	Amount    platform.Money `json:"amount" class:"internal"`          // inside the line's
	Tax       platform.Money `json:"tax" class:"internal"`             // inside Amount
	Back      string         `json:"back" class:"internal"`            // pro_rata, kept, kept_if_customer_fault
	Given     platform.Money `json:"given" class:"internal"`           // of Amount
	TaxGiven  platform.Money `json:"tax_given" class:"internal"`       // of Given
	Spared    platform.Money `json:"spared,omitzero" class:"internal"` // of the line, given back while the part was kept by the customer's fault; absent when nothing
}

// How a part is given back with its line.
const (
	proRata     = "pro_rata"
	kept        = "kept"
	keptAtFault = "kept_if_customer_fault"
)

// plain tells whether the parts are no more than one fee on the line: untaxed,
// and given back as the line is. Such a line does without a list of them.
func plain(parts []Part) bool {
	return len(parts) == 0 || len(parts) == 1 && parts[0].Component == commissionRole && parts[0].Tax.Sign() == 0 && parts[0].Back == proRata
}

const commissionRole = "commission"

// parts are those of the line: one, if nothing more is known of its fee.
func (l Line) parts() []Part {
	if l.Parts != nil {
		return slices.Clone(l.Parts)
	}
	zero := plus(l.Amount, l.Amount.Neg())
	return []Part{{Component: commissionRole, Amount: l.Fee, Tax: zero, Back: proRata, Given: l.FeeGiven, TaxGiven: zero}}
}

// total is what all parts are together.
func total(parts []Part, zero platform.Money) platform.Money {
	for _, p := range parts {
		zero = plus(zero, p.Amount)
	}
	return zero
}

// stated is what an order reads of a statement of fees.
type stated struct {
	Version string `json:"version"`
	Charges []struct {
		Component string         `json:"component"`
		Payer     string         `json:"payer"`
		Back      string         `json:"back"`
		Amount    platform.Money `json:"amount"`
		Tax       platform.Money `json:"tax"`
		Parts     []struct {
			Line   int            `json:"line"`
			Amount platform.Money `json:"amount"`
			Tax    platform.Money `json:"tax"`
		} `json:"parts"`
	} `json:"charges"`
}

// charge asks what the platform takes of each line of a draft, and adds what the
// customer pays as lines of their own.
func (s *Service) charge(ctx context.Context, d draft, at time.Time) (draft, []platform.Change, error) {
	q := d.quote
	lines, seen := make([]platform.Leg, len(q.Lines)), make([]json.RawMessage, len(q.Lines))
	d.fees = make([][]Part, len(q.Lines))
	for i, l := range q.Lines {
		lines[i], seen[i] = platform.Leg{Role: l.Kind, Party: q.Merchant, Amount: l.Amount}, l.Seen
	}
	if s.ports.Fees == nil {
		return d, nil, nil
	}
	doc, checks, err := s.ports.Fees.Quote(ctx, q.Merchant, at, lines, seen)
	if err != nil {
		return draft{}, nil, fmt.Errorf("quote fees of %s: %w", q.Merchant, err)
	}
	if d, err = d.charged(doc); err != nil {
		return draft{}, nil, fmt.Errorf("fees of %s: %w", q.Merchant, err)
	}
	return d, checks, nil
}

// charged is the draft with the fees of a statement.
func (d draft) charged(doc json.RawMessage) (draft, error) {
	var fees stated
	if err := json.Unmarshal(doc, &fees); err != nil || fees.Version == "" {
		return draft{}, errFees
	}
	own := len(d.quote.Lines)
	zero := plus(d.quote.Total, d.quote.Total.Neg())
	for _, c := range fees.Charges {
		part := Part{Component: c.Component, Amount: c.Amount, Tax: c.Tax, Back: c.Back, Given: zero, TaxGiven: zero}
		if !slices.Contains([]string{proRata, kept, keptAtFault}, part.Back) || c.Component == "" {
			return draft{}, errFees
		}
		if c.Payer == "customer" {
			if err := d.add(part); err != nil {
				return draft{}, err
			}
			continue
		}
		for _, p := range c.Parts {
			if p.Line < 1 || p.Line > own || !within(p.Tax, p.Amount, zero) {
				return draft{}, errFees
			}
			part.Amount, part.Tax = p.Amount, p.Tax
			d.fees[p.Line-1] = append(d.fees[p.Line-1], part)
		}
	}
	for i, parts := range d.fees {
		if sum := total(parts, zero); !within(sum, d.quote.Lines[i].Amount, zero) {
			return draft{}, fmt.Errorf("line %d: %w", i+1, errFees)
		}
	}
	d.version, d.stated = fees.Version, doc
	return d, nil
}

// add is a fee that the customer pays: a line which is the platform's alone. One
// component of several charges is one line.
func (d *draft) add(p Part) error {
	zero := plus(d.quote.Total, d.quote.Total.Neg())
	if p.Back != proRata || !within(p.Tax, p.Amount, zero) {
		return errFees
	}
	if p.Amount.Sign() == 0 {
		return nil
	}
	last := len(d.quote.Lines) - 1
	if l := &d.quote.Lines[last]; l.added(d.fees[last]) && l.Kind == p.Component {
		sum := &d.fees[last][0]
		sum.Amount, sum.Tax, l.Amount = plus(sum.Amount, p.Amount), plus(sum.Tax, p.Tax), plus(l.Amount, p.Amount)
		l.Price, d.quote.Total = l.Amount, plus(d.quote.Total, p.Amount)
		if d.quote.Total.Absent() {
			return errFees
		}
		return nil
	}
	if err := d.quote.add(Line{Kind: p.Component, Quantity: 1, Price: p.Amount, Amount: p.Amount}); err != nil {
		return err
	}
	d.fees = append(d.fees, []Part{p})
	return nil
}

// added tells whether the line is a fee that the customer pays.
func (l Line) added(parts []Part) bool {
	return l.Listing == "" && len(parts) == 1 && parts[0].Component == l.Kind
}

// Charged is what the fee schedule said of an order when it was placed, for ever.
type Charged struct {
	platform.Head
	Order platform.ID     `json:"order" class:"internal"`
	At    time.Time       `json:"at" class:"internal"`
	Fees  json.RawMessage `json:"fees" class:"internal"` // as [Fees] stated them
}

// Ref names the record.
func (c Charged) Ref() platform.Ref { return platform.Ref{Kind: "order.charged", ID: c.ID} }

// charges is the record of what an order is charged, if it is.
func (d draft) charges(o Order) []platform.Change {
	if d.stated == nil {
		return nil
	}
	return []platform.Change{platform.Put(Charged{Head: platform.Head{ID: o.ID.As("chd")}, Order: o.ID, At: o.PlacedAt, Fees: d.stated})}
}

// Charges reads what orders were charged from any engine that knows [Kinds].
// Whose orders they are is not asked.
type Charges struct{ DB platform.Getter }

// Of is what one order was charged, or ErrNotFound.
func (c Charges) Of(ctx context.Context, order platform.ID) (Charged, error) {
	return platform.Read[Charged](ctx, c.DB, "order.charged", order.As("chd"))
}

// Fees is a page of what orders placed in [from, until) were charged, the oldest
// first.
func (c Charges) Fees(ctx context.Context, from, until time.Time, cursor string) (statements []json.RawMessage, next string, err error) {
	page, err := platform.List[Charged](ctx, c.DB, platform.Query{
		Kind: "order.charged", By: []string{"at"}, From: from, Until: until, Limit: 500, Cursor: cursor,
	})
	for _, charged := range page.Items {
		statements = append(statements, charged.Fees)
	}
	return statements, page.Next, err
}
