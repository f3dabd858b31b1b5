package insight

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/liangding/platform"
)

// Triangle is who came back: customers by the month of their first completed
// order, and the share of them that completed one in each month since.
type Triangle struct {
	Version int      `json:"version"`
	From    string   `json:"from"`  // first cohort: 2026-03
	Until   string   `json:"until"` // exclusive
	Zone    string   `json:"zone"`
	Cohorts []Cohort `json:"cohorts"`
}

// Cohort are the customers of one month.
type Cohort struct {
	Month  string   `json:"month"`
	Cells  []Figure `json:"cells"`  // months 0, 1, 2 … after it; of month 0 it is all of them
	Repeat Figure   `json:"repeat"` // who completed orders that were placed on several days: those of one checkout are no return
}

const monthLayout = "2006-01"

// Retention is the triangle of the cohorts of months, the last not included, as
// of its end. It fails with [ErrWindow] for anything but months, at most ten
// years of them, and reads every completed order, customer by customer.
func (s *Service) Retention(ctx context.Context, of platform.Ref, from, until string) (Triangle, error) {
	t := Triangle{Version: 1, From: from, Until: until, Zone: s.terms.Zone.String()}
	start, err := time.ParseInLocation(monthLayout, from, s.terms.Zone)
	end, wrong := time.ParseInLocation(monthLayout, until, s.terms.Zone)
	if err != nil || wrong != nil {
		return t, fmt.Errorf("retention from %.7s until %.7s: %w", from, until, ErrWindow)
	}
	if err := s.asked(ctx, Ask{Of: of, From: start, Until: end}); err != nil {
		return t, fmt.Errorf("retention: %w", err)
	}
	var months []string
	for m := start; m.Before(end); m = m.AddDate(0, 1, 0) {
		months = append(months, m.Format(monthLayout))
	}
	sizes, repeats, back := make([]int64, len(months)), make([]int64, len(months)), make([][]int64, len(months))
	for i := range back {
		back[i] = make([]int64, len(months)-i)
	}
	err = s.eachCustomer(ctx, of, func(_ platform.ID, orders []Journey) error {
		orders = slices.DeleteFunc(orders, func(j Journey) bool { return !j.Completed.Before(end) })
		if len(orders) == 0 {
			return nil
		}
		cohort := slices.Index(months, orders[0].Completed.In(s.terms.Zone).Format(monthLayout))
		if cohort < 0 {
			return nil
		}
		sizes[cohort]++
		repeats[cohort] += one(slices.ContainsFunc(orders, func(j Journey) bool { return s.dayOf(j.Placed) != s.dayOf(orders[0].Placed) }))
		last := -1
		for _, j := range orders {
			if k := slices.Index(months, j.Completed.In(s.terms.Zone).Format(monthLayout)) - cohort; k > last {
				back[cohort][k]++
				last = k
			}
		}
		return nil
	})
	if err != nil {
		return t, fmt.Errorf("retention: %w", err)
	}
	for i, month := range months {
		c := Cohort{Month: month, Repeat: s.share("repeat", "", repeats[i], sizes[i])}
		for k, n := range back[i] {
			c.Cells = append(c.Cells, s.share("retention", strconv.Itoa(k), n, sizes[i]))
		}
		t.Cohorts = append(t.Cohorts, c)
	}
	return t, nil
}

// share is a rate of persons, kept back when there are too few of them.
func (s *Service) share(name, key string, of, all int64) Figure {
	f := Figure{Name: name, Version: 1, Key: key, Numerator: of, Denominator: all, N: all, Interval: Wilson(of, all)}
	if all > 0 && all < int64(s.terms.Least) {
		return f.hidden()
	}
	return f
}

// eachCustomer hands out the completed orders of each customer, by time, one
// customer at a time.
func (s *Service) eachCustomer(ctx context.Context, of platform.Ref, use func(customer platform.ID, orders []Journey) error) error {
	var who platform.ID
	var orders []Journey
	done := func() error {
		if len(orders) == 0 {
			return nil
		}
		return use(who, orders)
	}
	for find := (Find{Customers: true}); ; {
		page, err := s.store.Journeys(ctx, find)
		if err != nil {
			return err
		}
		for _, j := range page.Items {
			if j.Fold != s.mark() || j.apart() != "" || of.Kind == "merchant" && j.Merchant != of.ID || of.Kind == "zone" && j.Zone != of.ID {
				continue
			}
			if j.Customer != who {
				if err := done(); err != nil {
					return err
				}
				who, orders = j.Customer, nil
			}
			orders = append(orders, j)
		}
		if find.Cursor = page.Next; find.Cursor == "" {
			return done()
		}
	}
}
