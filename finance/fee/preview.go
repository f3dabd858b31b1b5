package fee

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Preview is what a schedule would have meant to the orders of the last calendar
// month: those that a version of its name priced, or all in its currency when its
// name is new.
type Preview struct {
	Schedule  Schedule     `json:"schedule"`
	Month     string       `json:"month"`  // "2026-02"
	Orders    int          `json:"orders"` // looked at
	Partial   bool         `json:"partial"`
	Before    Sums         `json:"before"`
	After     Sums         `json:"after"`
	Merchants []Difference `json:"merchants"` // at most 100, the largest difference first
}

// Sums are fees by who pays them, tax included.
type Sums struct {
	Merchants platform.Money `json:"merchants"`
	Customers platform.Money `json:"customers"`
}

// Difference is what one merchant paid, and would have paid.
type Difference struct {
	Merchant platform.ID    `json:"merchant"`
	Orders   int            `json:"orders"`
	Before   platform.Money `json:"before"`
	After    platform.Money `json:"after"`
	More     platform.Money `json:"more"` // after − before
}

const previewed = 100 // merchants

// Preview tells what a schedule, published or not, would have meant to last
// month's orders, by the facts that they were priced by. Operators and auditors
// may ask. It reads every order of the month, up to Terms.Preview of them.
func (s *Service) Preview(ctx context.Context, id platform.ID) (Preview, error) {
	if err := s.reader(ctx); err != nil {
		return Preview{}, fmt.Errorf("preview schedule %s: %w", id, err)
	}
	if s.sales == nil {
		return Preview{}, errNoSales
	}
	schedule, err := s.store.Schedule(ctx, id)
	if err != nil {
		return Preview{}, err
	}
	known, err := s.store.Named(ctx, schedule.Name)
	if err != nil {
		return Preview{}, err
	}
	now := s.w.Now().In(s.terms.Zone)
	until := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	from := until.AddDate(0, -1, 0)
	p, err := begin(schedule, from.Format("2006-01"))
	if err != nil {
		return Preview{}, err
	}
	p.every = len(known) == 0 && schedule.Name != s.terms.Standard.Name
	for cursor := ""; ; {
		page, next, err := s.sales.Fees(ctx, from, until, cursor)
		if err != nil {
			return Preview{}, fmt.Errorf("preview schedule %s: %w", id, err)
		}
		for _, doc := range page {
			if p.Partial = p.Orders >= s.terms.Preview; p.Partial {
				break
			}
			if err := p.add(doc); err != nil {
				return Preview{}, fmt.Errorf("preview schedule %s: %w", id, err)
			}
		}
		if cursor = next; cursor == "" || p.Partial {
			return p.end(), nil
		}
	}
}

// previewing is a preview under way.
type previewing struct {
	Preview
	every bool // whatever priced an order
	by    map[platform.ID]*Difference
}

func begin(s Schedule, month string) (previewing, error) {
	zero, err := platform.FromMinor(0, s.Currency)
	sums := Sums{zero, zero}
	return previewing{Preview: Preview{Schedule: s, Month: month, Before: sums, After: sums}, by: map[platform.ID]*Difference{}}, err
}

// add is one more order, priced again.
func (p *previewing) add(doc json.RawMessage) error {
	var was Statement
	if err := json.Unmarshal(doc, &was); err != nil {
		return errUnread
	}
	named := was.Version[:max(strings.LastIndex(was.Version, "-"), 0)] == p.Schedule.Name
	if len(was.Facts.Lines) == 0 || was.Facts.Lines[0].Amount.Currency() != p.Schedule.Currency || !named && !p.every {
		return nil
	}
	would, err := p.Schedule.Quote(was.Facts)
	if err != nil {
		return err
	}
	zero := plus(p.Before.Merchants, p.Before.Merchants.Neg())
	before, after := was.sums(zero), would.sums(zero)
	d := p.by[was.Facts.Merchant]
	if d == nil {
		d = &Difference{Merchant: was.Facts.Merchant, Before: zero, After: zero}
		p.by[was.Facts.Merchant] = d
	}
	d.Orders, d.Before, d.After = d.Orders+1, plus(d.Before, before.Merchants), plus(d.After, after.Merchants)
	p.Orders++
	p.Before = Sums{plus(p.Before.Merchants, before.Merchants), plus(p.Before.Customers, before.Customers)}
	p.After = Sums{plus(p.After.Merchants, after.Merchants), plus(p.After.Customers, after.Customers)}
	return nil
}

// sums are what a statement charges, by payer.
func (s Statement) sums(zero platform.Money) Sums {
	sums := Sums{zero, zero}
	for _, c := range s.Charges {
		if c.Payer == Customer {
			sums.Customers = plus(sums.Customers, c.Amount)
		} else {
			sums.Merchants = plus(sums.Merchants, c.Amount)
		}
	}
	return sums
}

// end is the preview, with the merchants to whom it means most.
func (p *previewing) end() Preview {
	p.Merchants = []Difference{}
	for _, d := range p.by {
		d.More = plus(d.After, d.Before.Neg())
		p.Merchants = append(p.Merchants, *d)
	}
	slices.SortFunc(p.Merchants, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(abs(b.More), abs(a.More)), cmp.Compare(a.Merchant, b.Merchant))
	})
	p.Merchants = p.Merchants[:min(len(p.Merchants), previewed)]
	return p.Preview
}

func abs(m platform.Money) int64 { return max(m.Minor(), -m.Minor()) }
