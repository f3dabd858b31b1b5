package finance

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Fees is one version of the fee schedule: a rate on the lines of an order. An
// order keeps the version and the fees that it was quoted, so a new version
// touches no order that was placed. The zero value is the standard schedule:
// version standard-1, 10 %, HalfEven, on every kind of line.
type Fees struct {
	Version  string            // names this schedule for ever; only the zero Fees may leave it out
	Rate     decimal.Decimal   // of a line's total, 0 to 1: 0.1 is 10 %
	Rounding platform.Rounding // of each fee, once; if empty, HalfEven
	Kinds    []string          // of lines that bear a fee; if nil, every kind
}

// Quote prices the platform's service for the lines of an order: each has its
// kind as Role, and its total as Amount. fees[i] is the commission on lines[i],
// of the line's sign and currency, rounded once to a minor unit; zero for a
// kind that bears none. It is a pure function of schedule and lines. The one
// schedule holds for every merchant, at any time.
//
// It fails with ErrFeeVersion or ErrFeeRange for a schedule that cannot be
// used, and with ErrInvalid (money.currency, money.rate) for a line without an
// amount and for a rounding or rate that money does not know.
func (f Fees) Quote(_ context.Context, _ platform.ID, _ time.Time, lines []platform.Leg) (version string, fees []platform.Leg, err error) {
	if f, err = f.schedule(); err != nil {
		return "", nil, err
	}
	fees = make([]platform.Leg, len(lines))
	for i, l := range lines {
		rate := f.Rate
		if f.Kinds != nil && !slices.Contains(f.Kinds, l.Role) {
			rate = decimal.Zero
		}
		fee, err := l.Amount.MulRate(rate, f.Rounding)
		if err != nil {
			return "", nil, fmt.Errorf("quote %s for line %d: %w", f.Version, i, err)
		}
		fees[i] = platform.Leg{Role: "commission", Amount: fee}
	}
	return f.Version, fees, nil
}

// schedule is the standard one for the zero Fees, and f checked otherwise.
func (f Fees) schedule() (Fees, error) {
	switch unset := f.Rate.IsZero() && f.Rounding == "" && f.Kinds == nil; {
	case f.Version == "" && unset:
		return Fees{Version: "standard-1", Rate: decimal.New(1, -1)}, nil
	case f.Version == "":
		return Fees{}, ErrFeeVersion
	case f.Rate.IsNegative() || f.Rate.GreaterThan(decimal.New(1, 0)):
		return Fees{}, fmt.Errorf("schedule %s: %w", f.Version, ErrFeeRange)
	}
	return f, nil
}
