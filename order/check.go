package order

import (
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// The facts that a policy tells apart by name.
var (
	faults    = []Fault{CustomerFault, MerchantFault, PlatformFault, StaffFault, ForceMajeure}
	endable   = []State{AwaitingPayment, Confirmed, Assigned, InProgress, Delivered, Rework} // that an order can be cancelled in
	ways      = []Way{"", Underway, There, Absent}
	mostRows  = 40
	mostMoney = 20 // currencies of a bound
)

// Check fails unless exactly one row answers every case (policy.gap,
// policy.overlap, the rows and the case as details), shares and rates lie in 0…1
// and the shares of a fee are no more than all of it (policy.shares), no bound is
// negative and no least above the most (policy.range), and every row has a name of
// its own and names what there is (policy.row).
//
// It tries the whole space of facts: for each fault, state and way, a moment on
// both sides of every border of the rows about it.
func (p Policy) Check() error {
	if len(p.Rows) > mostRows {
		return fmt.Errorf("policy %s with %d rows: %w", p.Name, len(p.Rows), errPolicyRow)
	}
	for i, r := range p.Rows {
		err := r.check()
		if slices.ContainsFunc(p.Rows[:i], func(other Row) bool { return other.ID == r.ID }) {
			err = errPolicyRow
		}
		if err != nil {
			return platform.Detail(fmt.Errorf("policy %s version %d row %s: %w", p.Name, p.Version, r.ID, err), "rows", []string{r.ID})
		}
	}
	for _, fault := range faults {
		for _, state := range endable {
			for _, way := range ways {
				if err := p.total(Facts{Fault: fault, State: state, Way: way}); err != nil {
					return fmt.Errorf("policy %s version %d, fault %s, %s: %w", p.Name, p.Version, fault, state, err)
				}
			}
		}
	}
	return nil
}

// total fails unless exactly one row answers the facts at any time.
func (p Policy) total(f Facts) error {
	about := slices.DeleteFunc(slices.Clone(p.Rows), func(r Row) bool { return !r.covers(f) })
	starts, paids, moves := borders(about)
	for _, f.ToStart = range starts {
		for _, f.Paid = range paids {
			for _, f.Moved = range moves {
				if err := once(about, f); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// once fails unless exactly one of the rows answers the facts.
func once(rows []Row, f Facts) error {
	var named []string
	for _, r := range rows {
		if r.answers(f) {
			named = append(named, r.ID)
		}
	}
	switch len(named) {
	case 0:
		return platform.Detail(errPolicyGap, "facts", f)
	case 1:
		return nil
	}
	return platform.Detail(platform.Detail(errPolicyOverlap, "facts", f), "rows", named)
}

// borders are times and counts on both sides of every border of the rows.
func borders(rows []Row) (starts, paids []time.Duration, moves []int) {
	starts, paids, moves = []time.Duration{-1, 0, 1}, []time.Duration{0, 1}, []int{0}
	for _, r := range rows {
		starts = append(starts, r.Start.Over, r.Start.Over+1, r.Start.UpTo, r.Start.UpTo+1)
		paids = append(paids, r.Paid.Over, r.Paid.Over+1, r.Paid.UpTo, r.Paid.UpTo+1)
		moves = append(moves, max(r.Moved.From-1, 0), r.Moved.From, max(r.Moved.Below-1, 0), r.Moved.Below)
	}
	starts = append(starts, slices.Min(starts)-1)
	slices.Sort(starts)
	slices.Sort(paids)
	slices.Sort(moves)
	return slices.Compact(starts), slices.Compact(paids), slices.Compact(moves)
}

func (r Row) check() error {
	named := r.ID != "" && len(r.ID) <= 16 && r.ID != BothRow && len(r.Faults) > 0 && len(r.States) > 0
	if !named || !listed(r.Faults, faults) || !listed(r.States, endable) || !listed(r.Ways, ways) {
		return errPolicyRow
	}
	if !slices.Contains([]platform.ActorKind{"", platform.Merchant}, r.Pays.Bearer) {
		return errPolicyRow
	}
	for _, share := range []decimal.Decimal{r.Rate, r.Platform, r.Staff, r.Pays.Rate} {
		if share.Exponent() < -20 || share.Exponent() > 0 || share.IsNegative() || share.GreaterThan(one) || !share.Equal(share.Truncate(6)) {
			return errPolicyShares
		}
	}
	if r.Platform.Add(r.Staff).GreaterThan(one) {
		return errPolicyShares
	}
	for _, b := range []struct{ low, high []platform.Money }{{r.Min, r.Max}, {r.Pays.Min, r.Pays.Max}} {
		if !sane(b.low, b.high) {
			return errPolicyRange
		}
	}
	for _, s := range []Span{r.Start, r.Paid} {
		if s.Over != 0 && s.UpTo != 0 && s.UpTo <= s.Over || max(s.Over, s.UpTo) > 400*day || min(s.Over, s.UpTo) < -400*day {
			return errPolicyRange
		}
	}
	if r.Moved.From < 0 || r.Moved.Below < 0 || r.Moved.Below != 0 && r.Moved.Below <= r.Moved.From || r.Paid.Over < 0 || r.Paid.UpTo < 0 {
		return errPolicyRange
	}
	return nil
}

// listed tells whether all of some are among those that there are.
func listed[T comparable](some, there []T) bool {
	return !slices.ContainsFunc(some, func(v T) bool { return !slices.Contains(there, v) })
}

// sane tells whether bounds are of a currency each, not negative, and no least
// above the most.
func sane(low, high []platform.Money) bool {
	for _, bounds := range [][]platform.Money{low, high} {
		if len(bounds) > mostMoney {
			return false
		}
		for i, m := range bounds {
			if _, twice := of(bounds[:i], m.Currency()); m.Absent() || m.Sign() < 0 || twice {
				return false
			}
		}
	}
	for _, least := range low {
		if most, bound := of(high, least.Currency()); bound && least.Minor() > most.Minor() {
			return false
		}
	}
	return true
}
