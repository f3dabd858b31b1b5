package budget

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// A line is used up too soon when more than nine tenths of its plan are spent or
// promised before three quarters of its period are over.
var (
	soon    = decimal.New(9, -1)
	quarter = decimal.New(75, -2)
)

// Forecast is where a line is heading.
type Forecast struct {
	Line     platform.ID    `json:"line"`
	Balance  Balance        `json:"balance"`
	Rate     platform.Money `json:"rate"`     // spent a month: the median of the last three
	Left     int            `json:"left"`     // months until the period ends, after this one
	Expected platform.Money `json:"expected"` // at the end: spent, committed, and the rate for each month that is left
	Early    bool           `json:"early,omitempty"`
	Above    bool           `json:"above,omitempty"` // more is expected than planned
}

// Forecast tells where the line is heading, by what it holds and by what was
// spent in each of the last three months.
func (l Line) Forecast(b Balance, last [3]platform.Money, now time.Time) (Forecast, error) {
	slices.SortFunc(last[:], func(x, y platform.Money) int { return cmp.Compare(x.Minor(), y.Minor()) })
	f := Forecast{Line: l.ID, Balance: b, Rate: last[1], Left: max(months(now, l.Until)-1, 0)}
	ahead, err := f.Rate.MulRate(decimal.NewFromInt(int64(f.Left)), platform.HalfEven)
	if err != nil {
		return Forecast{}, fmt.Errorf("forecast %s: %w", l.ID, err)
	}
	if f.Expected, err = platform.Sum(l.Plan.Currency(), b.Spent, b.Committed, ahead); err != nil {
		return Forecast{}, fmt.Errorf("forecast %s: %w", l.ID, err)
	}
	f.Early = l.early(b.Spent.Minor()+b.Committed.Minor(), now)
	f.Above = f.Expected.Minor() > l.Plan.Minor()
	return f, nil
}

// early tells whether so much of the plan is used too soon.
func (l Line) early(used int64, now time.Time) bool {
	gone := decimal.NewFromInt(now.Sub(l.From).Milliseconds())
	whole := decimal.NewFromInt(l.Until.Sub(l.From).Milliseconds())
	return decimal.NewFromInt(used).GreaterThan(soon.Mul(decimal.NewFromInt(l.Plan.Minor()))) && gone.LessThan(quarter.Mul(whole))
}

// warned are the events of lines that these steps take above their plan, or use
// up too soon. They are told by those whose step crosses the mark; where several
// cross it at once, it may be told twice.
func (c Control) warned(ctx context.Context, steps []step, at time.Time) (events []platform.Change, err error) {
	lines, taken := []Line(nil), map[platform.ID]int64{}
	for _, s := range steps {
		if taken[s.line.ID] == 0 {
			lines = append(lines, s.line)
		}
		taken[s.line.ID] += s.taken()
	}
	lines = slices.DeleteFunc(lines, func(l Line) bool { return taken[l.ID] <= 0 })
	balances, err := balances(ctx, c.Store, lines)
	if err != nil {
		return nil, err
	}
	for i, l := range lines {
		free, used := balances[i].Free.Minor(), balances[i].Spent.Minor()+balances[i].Committed.Minor()
		told := platform.Happened("budget.warned", l.Ref(), map[string]any{"line": l.ID, "centre": l.Centre, "account": l.Account})
		if l.Allowance.Sign() > 0 && free >= 0 && free < taken[l.ID] {
			events = append(events, told.Because("above_plan"))
		}
		if l.early(used+taken[l.ID], at) && !l.early(used, at) {
			events = append(events, told.Because("early"))
		}
	}
	return events, nil
}

// balances are those of lines, in one trip.
func balances(ctx context.Context, store Store, lines []Line) ([]Balance, error) {
	var counters []platform.Ref
	for _, l := range lines {
		counters = append(counters, l.counters()...)
	}
	counts, err := store.Counts(ctx, counters...)
	if err != nil {
		return nil, err
	}
	all := make([]Balance, len(lines))
	for i, l := range lines {
		if all[i], err = l.balance(counts[4*i : 4*i+4]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Forecast is where a line is heading. Operators and auditors see it.
func (s *Service) Forecast(ctx context.Context, line platform.ID) (Forecast, error) {
	if err := s.reader(ctx); err != nil {
		return Forecast{}, err
	}
	l, err := s.line(ctx, line)
	if err != nil {
		return Forecast{}, err
	}
	now := s.w.Now()
	counters, begin := l.counters(), time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	for back := 1; back <= 3; back++ {
		counters = append(counters, l.month(begin.AddDate(0, -back, 0)))
	}
	counts, err := s.store.Counts(ctx, counters...)
	if err != nil {
		return Forecast{}, err
	}
	b, err := l.balance(counts)
	if err != nil {
		return Forecast{}, err
	}
	var last [3]platform.Money
	for i := range last {
		if last[i], err = platform.FromMinor(counts[4+i].Value, l.Plan.Currency()); err != nil {
			return Forecast{}, err
		}
	}
	return l.Forecast(b, last, now)
}
