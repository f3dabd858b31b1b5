package receivable

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Bucket is for how long a claim is overdue: not, 1–30 days, 31–60, 61–90,
// 91–180, more.
type Bucket int

// Buckets is how many there are.
const Buckets = 6

// upTo are the last days of all buckets but the last.
var upTo = [Buckets - 1]int{0, 30, 60, 90, 180}

// bucket is that of so many days overdue.
func bucket(days int) Bucket {
	for n, last := range upTo {
		if days <= last {
			return Bucket(n)
		}
	}
	return Buckets - 1
}

// Bucket is for how long the claim is overdue at a moment.
func (i Item) Bucket(at time.Time, t Terms) Bucket { return bucket(t.ready().days(i.Due, at)) }

// Aged is what is open in one currency, by bucket.
type Aged struct {
	Party    platform.ID             `json:"party,omitempty"` // whose debt it is; empty for all together
	Currency string                  `json:"currency"`
	Open     platform.Money          `json:"open"`
	Buckets  [Buckets]platform.Money `json:"buckets"`
	Claims   int                     `json:"claims"`
	Level    int                     `json:"level"` // the highest
}

// Ageing is what is open at a moment, all together and by debtor.
type Ageing struct {
	At      time.Time `json:"at"`
	Totals  []Aged    `json:"totals"`  // for each currency
	Debtors []Aged    `json:"debtors"` // who owes most, at most 100
}

// Ageing sorts what is open by how long it is overdue. Operators and auditors
// may; it reads every open claim.
func (s *Service) Ageing(ctx context.Context) (Ageing, error) {
	if err := s.overseer(ctx); err != nil {
		return Ageing{}, err
	}
	out := Ageing{At: s.w.Now(), Totals: []Aged{}, Debtors: []Aged{}}
	type row struct {
		party    platform.ID
		currency platform.Currency
	}
	rows := map[row]*Aged{}
	for page, err := range s.store.Open(ctx, "") {
		if err != nil {
			return Ageing{}, fmt.Errorf("ageing: %w", err)
		}
		for _, i := range page {
			for _, party := range []platform.ID{"", i.Debtor} {
				at := row{party, i.Amount.Currency()}
				if rows[at] == nil {
					rows[at] = newAged(at.party, at.currency)
				}
				if err := rows[at].add(i, out.At, s.terms); err != nil {
					return Ageing{}, fmt.Errorf("ageing: %w", err)
				}
			}
		}
	}
	for _, a := range rows {
		if a.Party == "" {
			out.Totals = append(out.Totals, *a)
		} else {
			out.Debtors = append(out.Debtors, *a)
		}
	}
	for _, list := range []*[]Aged{&out.Totals, &out.Debtors} {
		slices.SortFunc(*list, mostFirst)
		*list = (*list)[:min(len(*list), 100)]
	}
	return out, nil
}

// mostFirst is the order of a list of what is open.
func mostFirst(a, b Aged) int {
	return cmp.Or(cmp.Compare(b.Open.Minor(), a.Open.Minor()), cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Party, b.Party))
}

func newAged(party platform.ID, c platform.Currency) *Aged {
	a := &Aged{Party: party, Currency: c.String(), Open: money(0, c)}
	for n := range a.Buckets {
		a.Buckets[n] = a.Open
	}
	return a
}

func (a *Aged) add(i Item, at time.Time, t Terms) (err error) {
	n := i.Bucket(at, t)
	if a.Open, err = a.Open.Add(i.Open()); err != nil {
		return err
	}
	a.Claims++
	a.Level = max(a.Level, i.Level)
	a.Buckets[n], err = a.Buckets[n].Add(i.Open())
	return err
}

// expected is how much of the claim is expected to be lost: as a person assessed
// it, or else by its bucket, and at least what its level says.
func (i Item) expected(at time.Time, rates [Buckets]decimal.Decimal, t Terms) decimal.Decimal {
	if i.Assessed != nil {
		return i.Assessed.Rate
	}
	rate := rates[i.Bucket(at, t)]
	if level, reached := t.level(i.Level); reached {
		rate = decimal.Max(rate, level.Allowance)
	}
	return rate
}
