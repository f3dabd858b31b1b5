package insight

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Value is what customers are worth: those who completed an order in the window,
// in thirds by how lately, how often and for how much they did.
type Value struct {
	Ask
	Version  int                 `json:"version"`
	Currency string              `json:"currency"`
	Bounds   map[string][2]int64 `json:"bounds,omitempty"` // the last of the first and of the second third: days since, orders, minor units
	Segments []Segment           `json:"segments"`
	Cost     int64               `json:"cost"` // assumed, of payment: hundredths of a percent of what is sold
}

// Segment are the customers in the same thirds: 1 is the best third of each,
// "r1f1m1" the latest, most frequent and largest.
type Segment struct {
	Key          string `json:"key"`
	Customers    Figure `json:"customers"`
	Contribution Figure `json:"contribution"` // fees, less what was given of refunds and the cost of payment, over customers
}

// spent is what one customer did in the window.
type spent struct {
	id                          platform.ID
	days, orders, money, brings int64
}

// Value tells the worth of customers in a currency. It fails as
// [Service.Report] does, and reads every completed order, customer by customer.
func (s *Service) Value(ctx context.Context, a Ask, currency string) (Value, error) {
	v := Value{Ask: a, Version: 1, Currency: currency, Cost: s.terms.Cost}
	if err := s.asked(ctx, a); err != nil {
		return v, fmt.Errorf("value of customers: %w", err)
	}
	var all []spent
	err := s.eachCustomer(ctx, a.Of, func(id platform.ID, orders []Journey) error {
		c := spent{id: id}
		for _, j := range orders {
			if j.Completed.Before(a.From) || !j.Completed.Before(a.Until) || j.Sold.Currency().String() != currency {
				continue
			}
			back, fee := j.back(s.terms.Net)
			sold := j.Sold.Minor() - back
			c.orders, c.money, c.days = c.orders+1, c.money+sold, int64(a.Until.Sub(j.Completed)/day)
			c.brings += j.Fee.Minor() - fee - j.Sold.Minor()*s.terms.Cost/10_000
		}
		if len(all) >= s.terms.Most {
			return ErrTooMany
		}
		if c.orders > 0 {
			all = append(all, c)
		}
		return nil
	})
	if err != nil {
		return v, fmt.Errorf("value of customers: %w", err)
	}
	if len(all) < s.terms.Least {
		return v, nil
	}
	days := thirds(all, func(c spent) int64 { return c.days })
	orders := thirds(all, func(c spent) int64 { return -c.orders })
	money := thirds(all, func(c spent) int64 { return -c.money })
	v.Bounds = map[string][2]int64{"days": days, "orders": {-orders[0], -orders[1]}, "money": {-money[0], -money[1]}}
	cells := map[string]*cell{}
	for _, c := range all {
		key := fmt.Sprintf("r%df%dm%d", third(days, c.days), third(orders, -c.orders), third(money, -c.money))
		if cells[key] == nil {
			cells[key] = &cell{who: people{}}
		}
		at := cells[key]
		at.n, at.over = at.n+1, at.over+c.brings
		at.who.add(c.id, s.terms.Least)
	}
	v.Segments = s.segments(cells, currency)
	return v, nil
}

func (s *Service) segments(cells map[string]*cell, currency string) (all []Segment) {
	keys := slices.Sorted(maps.Keys(cells))
	list := make([]*cell, len(keys))
	for i, key := range keys {
		list[i] = cells[key]
	}
	if !suppress(list, s.terms.Least) {
		return nil
	}
	for i, key := range keys {
		c := list[i]
		g := Segment{
			Key:          key,
			Customers:    Figure{Name: "customers", Version: 1, Key: key, Numerator: c.n, Denominator: 1, N: c.n},
			Contribution: Figure{Name: "contribution", Version: 1, Key: key, Unit: currency, Numerator: c.over, Denominator: c.n, N: c.n},
		}
		if c.hidden {
			g.Customers, g.Contribution = g.Customers.hidden(), g.Contribution.hidden()
		}
		all = append(all, g)
	}
	return all
}

// thirds are the last values of the first and of the second third.
func thirds(all []spent, of func(spent) int64) [2]int64 {
	values := make([]int64, len(all))
	for i, c := range all {
		values[i] = of(c)
	}
	slices.Sort(values)
	return [2]int64{values[(len(values)+2)/3-1], values[(2*len(values)+2)/3-1]}
}

func third(bounds [2]int64, value int64) int {
	switch {
	case value <= bounds[0]:
		return 1
	case value <= bounds[1]:
		return 2
	}
	return 3
}

// Person is what one customer did.
type Person struct {
	Customer platform.ID      `json:"customer"`
	Orders   int64            `json:"orders"` // completed in the window
	Spent    []platform.Money `json:"spent"`
	Hours    map[int]int64    `json:"hours"` // orders by the hour of the day in which they were placed
	Last     time.Time        `json:"last,omitzero"`
}

// Person looks at one customer's completed orders. It fails with [ErrConsent]
// unless the customer agreed to the purpose "analytics", and only the platform's
// own people may.
func (s *Service) Person(ctx context.Context, a Ask, customer platform.ID) (Person, error) {
	p := Person{Customer: customer, Hours: map[int]int64{}}
	a.Of = platform.Ref{}
	if err := s.asked(ctx, a); err != nil {
		return p, fmt.Errorf("look at customer %s: %w", customer, err)
	}
	agreed := false
	if s.ports.Consents != nil {
		var err error
		if agreed, err = s.ports.Consents.Consented(ctx, customer, "analytics", s.w.Now()); err != nil {
			return p, fmt.Errorf("look at customer %s: %w", customer, err)
		}
	}
	if !agreed || customer == "" {
		return p, fmt.Errorf("look at customer %s: %w", customer, ErrConsent)
	}
	spent := map[platform.Currency]platform.Money{}
	for find := (Find{By: ByCompleted, Customer: customer, From: a.From, Until: a.Until}); ; {
		page, err := s.store.Journeys(ctx, find)
		if err != nil {
			return p, err
		}
		for _, j := range page.Items {
			if j.Fold != s.mark() || j.apart() != "" {
				continue
			}
			p.Orders, p.Last = p.Orders+1, j.Completed
			p.Hours[j.Placed.In(s.terms.Zone).Hour()]++
			sum, was := j.Sold, spent[j.Sold.Currency()]
			if !was.Absent() {
				if sum, err = was.Add(j.Sold); err != nil {
					return p, err
				}
			}
			spent[j.Sold.Currency()] = sum
		}
		if find.Cursor = page.Next; find.Cursor == "" {
			break
		}
	}
	for _, c := range slices.SortedFunc(maps.Keys(spent), func(a, b platform.Currency) int { return strings.Compare(a.String(), b.String()) }) {
		p.Spent = append(p.Spent, spent[c])
	}
	return p, nil
}
