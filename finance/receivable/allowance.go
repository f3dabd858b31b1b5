package receivable

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Rates are one version of how much of what is open in each [Bucket] is expected
// to be lost.
type Rates struct {
	platform.Head
	Rates [Buckets]decimal.Decimal `json:"rates" class:"internal"` // 0 to 1
	From  time.Time                `json:"from" class:"internal"`  // the day from which they are in force
	By    platform.ID              `json:"by" class:"internal"`
}

// Ref names the version.
func (r Rates) Ref() platform.Ref { return platform.Ref{Kind: "receivable.rates", ID: r.ID} }

// PublishRates puts other rates in force.
type PublishRates struct {
	Rates  []decimal.Decimal `json:"rates" validate:"len=6" code:"receivable.rates"` // by bucket, 0 to 1
	From   time.Time         `json:"from" validate:"required"`                       // from which day on
	Reason string            `json:"reason" validate:"required,text=64"`             // a code
}

// PublishRates publishes rates, in force from a day that lies ahead: what was
// valued stays as it was. Operators with the role [Director] may; it fails with
// ErrRates and ErrAuthority.
func (s *Service) PublishRates(ctx context.Context, in PublishRates) (Rates, error) {
	r := Rates{Head: platform.Head{ID: s.w.NewRoot(ctx, "rat")}, From: s.terms.day(in.From, 0)}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Rates, []platform.Change, error) {
		by, err := s.w.Actor(ctx)
		switch {
		case err != nil:
			return Rates{}, nil, err
		case by.Kind != platform.Operator || !by.Has(Director):
			return Rates{}, nil, fmt.Errorf("publish rates: %w", ErrAuthority)
		case !r.From.After(s.w.Now()) || !slices.ContainsFunc(in.Rates, isShare) || slices.ContainsFunc(in.Rates, func(d decimal.Decimal) bool { return !isShare(d) }):
			return Rates{}, nil, fmt.Errorf("publish rates: %w", ErrRates)
		}
		r.Rates, r.By = [Buckets]decimal.Decimal(in.Rates), by.ID
		event := platform.Happened("allowance.rates_published", r.Ref(), map[string]any{"rates": r.Rates, "from": r.From}).Because(in.Reason)
		return r, []platform.Change{platform.Put(r), event}, nil
	})
}

// Allowance is what the claims on a portfolio were expected to lose at the end
// of a period. There is one for each: its id is made of both.
type Allowance struct {
	platform.Head
	Portfolio string      `json:"portfolio" class:"internal"`       // prefix of its parties, or other
	Period    string      `json:"period" class:"internal"`          // 2006-01
	Rates     platform.ID `json:"rates,omitempty" class:"internal"` // their version; empty for those of the terms
	At        time.Time   `json:"at" class:"internal"`              // when it was valued
	Lines     []Valued    `json:"lines" class:"internal"`           // by currency
}

// Valued is the allowance in one currency.
type Valued struct {
	Currency string                  `json:"currency" class:"internal"`
	Open     [Buckets]platform.Money `json:"open" class:"internal"`
	Target   platform.Money          `json:"target" class:"internal"` // what is expected to be lost
	Before   platform.Money          `json:"before" class:"internal"` // what the account held
	Delta    platform.Money          `json:"delta" class:"internal"`  // what was booked: target minus before
}

// Ref names the allowance.
func (a Allowance) Ref() platform.Ref { return platform.Ref{Kind: "receivable.allowance", ID: a.ID} }

// allowanceOf is the id of a portfolio's allowance at the end of a period.
func allowanceOf(portfolio string, ends time.Time) platform.ID {
	r := random(portfolio)
	return platform.NewID("alw", ends, platform.Slot(r%4096), r)
}

// period is when a month ends, which must be over.
func (t Terms) period(month string, now time.Time) (ends time.Time, err error) {
	begins, err := time.ParseInLocation("2006-01", month, t.Zone)
	if err != nil {
		return time.Time{}, ErrPeriod
	}
	if ends = begins.AddDate(0, 1, 0).UTC(); ends.After(now) {
		return time.Time{}, fmt.Errorf("value %s: %w", month, ErrPeriod)
	}
	return ends, nil
}

// all are the portfolios.
func (t Terms) all() []string { return append(slices.Clone(t.Portfolios), "other") }

// ChangeAllowance brings the allowance of a portfolio to what is expected to be
// lost at the end of a period.
type ChangeAllowance struct {
	Portfolio string `json:"portfolio" validate:"required,max=16"`
	Period    string `json:"period" validate:"required,len=7"` // 2006-01
}

// ChangeAllowance values the open claims of a portfolio as of the end of a month,
// by their effective days, and books the difference to what the allowance holds,
// in each currency. It happens once for each period and portfolio: a repeat
// answers with what was booked. Claims count as they are when it runs. Operators
// may, and [Service.Tick] does so soon after each month. It reads every open
// claim of the portfolio.
//
// It fails with ErrPeriod, also for a month before the last that was valued, and
// with ErrPortfolio.
func (s *Service) ChangeAllowance(ctx context.Context, in ChangeAllowance) (Allowance, error) {
	if err := s.desk(ctx, in); err != nil {
		return Allowance{}, err
	}
	ends, err := s.terms.period(in.Period, s.w.Now())
	if err == nil && !slices.Contains(s.terms.all(), in.Portfolio) {
		err = ErrPortfolio
	}
	if err != nil {
		return Allowance{}, err
	}
	id := allowanceOf(in.Portfolio, ends)
	if done, err := s.store.Allowances(ctx, id); err != nil || len(done) > 0 {
		return first(done), err
	}
	a, err := s.valued(ctx, in.Portfolio, ends)
	if err != nil {
		return Allowance{}, fmt.Errorf("value %s of %s: %w", in.Portfolio, in.Period, err)
	}
	a.ID, a.Period = id, in.Period
	var known Allowance
	made, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (Allowance, []platform.Change, error) {
		done, err := s.store.Allowances(ctx, id)
		if known = first(done); err == nil && len(done) > 0 {
			err = errKnown
		}
		if err != nil {
			return Allowance{}, nil, err
		}
		return s.change(ctx, a, ends)
	})
	if errors.Is(err, errKnown) {
		return known, nil
	}
	return made, err
}

func first(all []Allowance) (a Allowance) {
	if len(all) > 0 {
		a = all[0]
	}
	return a
}

// valued is what is expected to be lost of what is open.
func (s *Service) valued(ctx context.Context, portfolio string, ends time.Time) (Allowance, error) {
	last := ends.Add(-time.Microsecond) // the period's own last day
	a := Allowance{Portfolio: portfolio, At: s.w.Now()}
	rates := s.terms.Rates
	switch published, err := s.store.Rates(ctx, last); {
	case err == nil:
		a.Rates, rates = published.ID, published.Rates
	case !errors.Is(err, platform.ErrNotFound):
		return Allowance{}, err
	}
	lines := map[platform.Currency]*Valued{}
	before, err := s.store.Valued(ctx, portfolio, "")
	if err != nil {
		return Allowance{}, err
	}
	if len(before.Items) > 0 { // what is paid off by now must be released
		if before.Items[0].Period > last.In(s.terms.Zone).Format("2006-01") { // the account holds what was expected then
			return Allowance{}, ErrPeriod
		}
		for _, l := range before.Items[0].Lines {
			lines[l.Target.Currency()] = newValued(l.Target.Currency())
		}
	}
	for page, err := range s.store.Open(ctx, portfolio) {
		if err != nil {
			return Allowance{}, err
		}
		for _, i := range page {
			if !i.At.Before(ends) {
				continue
			}
			c := i.Amount.Currency()
			if lines[c] == nil {
				lines[c] = newValued(c)
			}
			if err := lines[c].add(i, last, rates, s.terms); err != nil {
				return Allowance{}, err
			}
		}
	}
	for _, c := range slices.Sorted(maps.Keys(lines)) {
		a.Lines = append(a.Lines, *lines[c])
	}
	return a, nil
}

func newValued(c platform.Currency) *Valued {
	v := &Valued{Currency: c.String(), Target: money(0, c)}
	for n := range v.Open {
		v.Open[n] = v.Target
	}
	return v
}

func (v *Valued) add(i Item, at time.Time, rates [Buckets]decimal.Decimal, t Terms) error {
	n := i.Bucket(at, t)
	lost, err := i.Open().MulRate(i.expected(at, rates, t), platform.HalfEven)
	if err != nil {
		return err
	}
	if v.Target, err = v.Target.Add(lost); err != nil {
		return err
	}
	v.Open[n], err = v.Open[n].Add(i.Open())
	return err
}

// change books the difference to what the account holds.
func (s *Service) change(ctx context.Context, a Allowance, ends time.Time) (Allowance, []platform.Change, error) {
	var legs []platform.Leg
	a.Lines = slices.Clone(a.Lines)
	for n := range a.Lines {
		l := &a.Lines[n]
		var err error
		if l.Before, err = s.ports.Books.Free(ctx, "allowance", "", platform.ID(a.Portfolio), l.Target.Currency()); err != nil {
			return Allowance{}, nil, err
		}
		l.Delta = minus(l.Target, l.Before)
		legs = append(legs, platform.Leg{Role: "bad_debt", Amount: l.Delta}, platform.Leg{Role: "allowance", Party: platform.ID(a.Portfolio), Amount: l.Delta.Neg()})
	}
	var set []platform.Change
	if len(legs) > 0 {
		var err error
		if set, err = s.ports.Books.Post(ctx, "allowance.changed", a.Ref(), ends.Add(-time.Microsecond), legs); err != nil {
			return Allowance{}, nil, err
		}
	}
	facts := map[string]any{"portfolio": a.Portfolio, "period": a.Period, "rates": a.Rates, "lines": a.Lines}
	return a, append(set, platform.Put(a), platform.Happened("allowance.changed", a.Ref(), facts)), nil
}

// Allowances is a page of the allowances of a portfolio, the latest period first.
// Operators and auditors read them.
func (s *Service) Allowances(ctx context.Context, portfolio, cursor string) (platform.Page[Allowance], error) {
	if err := s.overseer(ctx); err != nil {
		return platform.Page[Allowance]{}, err
	}
	return s.store.Valued(ctx, cmp.Or(portfolio, "other"), cursor)
}
