package order

import (
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Standard is the name of the default cancellation policy.
const Standard = "standard"

// Fault says whose doing a cancellation is.
type Fault string

// The faults that a policy tells apart.
const (
	CustomerFault Fault = "customer"
	MerchantFault Fault = "merchant"
	PlatformFault Fault = "platform" // unfilled, an outage, wrong data of a listing
)

// Policy says what a cancellation costs. A version is immutable once an order
// has pinned it.
type Policy struct {
	Name    string
	Version int
	Rows    []Row // disjoint and complete: see [Policy.Check]
}

// Row is one case of a policy and its price. Who pays nothing has a zero Rate.
type Row struct {
	ID       string
	Faults   []Fault
	States   []State
	Start    Span             // time to the planned start; an order without one starts now
	Paid     Span             // time since the money was there
	Rate     decimal.Decimal  // of what is not yet given back, 0…1
	ByShare  bool             // the share of the work that is done, if that is more than Rate
	Min, Max []platform.Money // of a currency; one that is not listed has no bound
	Platform decimal.Decimal  // the platform's share of the fee, 0…1; the merchant has the rest
	AsSale   bool             // the fee is split as the price would have been, instead
}

// Span is a range of durations: over the first, up to and including the second.
// Zero is open.
type Span struct{ Over, UpTo time.Duration }

func (s Span) holds(d time.Duration) bool {
	return (s.Over == 0 || d > s.Over) && (s.UpTo == 0 || d <= s.UpTo)
}

// Facts are what a policy may look at.
type Facts struct {
	Fault   Fault
	State   State           // AwaitingPayment also while the merchant has not answered
	ToStart time.Duration   // negative when it has passed
	Paid    time.Duration   // since the money was there
	Done    decimal.Decimal // share of the work, 0…1
}

func (r Row) answers(f Facts) bool {
	return slices.Contains(r.Faults, f.Fault) && slices.Contains(r.States, f.State) && r.Start.holds(f.ToStart) && r.Paid.holds(f.Paid)
}

// Evaluate is the one row that answers the facts. For a policy that passes
// [Policy.Check] and facts of an order that can be cancelled there is always
// one; otherwise it fails with policy.gap.
func (p Policy) Evaluate(f Facts) (Row, error) {
	for _, r := range p.Rows {
		if r.answers(f) {
			return r, nil
		}
	}
	return Row{}, fmt.Errorf("policy %s version %d: %w", p.Name, p.Version, errPolicyGap)
}

// fee is the row's price on a base, rounded half to even and within its bounds.
// It is never above the base.
func (r Row) fee(base platform.Money, done decimal.Decimal) (platform.Money, error) {
	rate := r.Rate
	if r.ByShare {
		rate = decimal.Max(rate, done)
	}
	fee, err := base.MulRate(rate, platform.HalfEven)
	if err != nil {
		return platform.Money{}, err
	}
	if least, bound := of(r.Min, base.Currency()); bound && fee.Minor() < least.Minor() {
		fee = least
	}
	if most, bound := of(r.Max, base.Currency()); bound && fee.Minor() > most.Minor() {
		fee = most
	}
	if fee.Minor() > base.Minor() {
		fee = base
	}
	return fee, nil
}

// of finds the amount of a currency.
func of(amounts []platform.Money, c platform.Currency) (platform.Money, bool) {
	for _, m := range amounts {
		if m.Currency() == c {
			return m, true
		}
	}
	return platform.Money{}, false
}

// StandardPolicy is the default: free before the order is confirmed and within
// 30 minutes of payment, dearer the nearer the start; who orders never pays for
// a fault of the merchant or the platform.
func StandardPolicy() Policy {
	cny := func(amount string) []platform.Money { return []platform.Money{platform.MustMoney(amount, "CNY")} }
	rate := decimal.RequireFromString
	customer := []Fault{CustomerFault}
	ahead, begun := []State{Confirmed, Assigned}, []State{InProgress, Delivered, Rework}
	later := slices.Concat(ahead, begun)
	const hour, soon = time.Hour, 30 * time.Minute
	return Policy{Name: Standard, Version: 1, Rows: []Row{
		{ID: "K1", Faults: []Fault{CustomerFault, MerchantFault, PlatformFault}, States: []State{AwaitingPayment}},
		{ID: "K2", Faults: customer, States: ahead, Start: Span{Over: 24 * hour}, Paid: Span{UpTo: soon}},
		{ID: "K3a", Faults: customer, States: ahead, Start: Span{Over: 24 * hour}, Paid: Span{Over: soon}},
		{ID: "K3b", Faults: customer, States: ahead, Start: Span{Over: 2 * hour, UpTo: 24 * hour}, Rate: rate("0.1"), Max: cny("50.00"), Platform: rate("0.1")},
		{ID: "K3c", Faults: customer, States: ahead, Start: Span{UpTo: 2 * hour}, Rate: rate("0.3"), Max: cny("200.00"), Platform: rate("0.1")},
		{ID: "K5", Faults: customer, States: begun, Rate: rate("0.5"), ByShare: true, AsSale: true},
		{ID: "K7", Faults: []Fault{MerchantFault}, States: later},
		{ID: "K9", Faults: []Fault{PlatformFault}, States: later},
	}}
}

// Check fails unless exactly one row answers every case (policy.gap,
// policy.overlap), rates and shares lie in 0…1 (policy.shares), and no bound is
// negative and no least amount above the most (policy.range).
func (p Policy) Check() error {
	for _, r := range p.Rows {
		if err := r.check(); err != nil {
			return fmt.Errorf("policy %s version %d row %s: %w", p.Name, p.Version, r.ID, err)
		}
	}
	for _, f := range p.cases() {
		var rows []string
		for _, r := range p.Rows {
			if r.answers(f) {
				rows = append(rows, r.ID)
			}
		}
		if len(rows) == 1 {
			continue
		}
		refusal := errPolicyGap
		if len(rows) > 1 {
			refusal = errPolicyOverlap
		}
		err := fmt.Errorf("policy %s version %d, fault %s, %s, %v to start, %v paid: %w", p.Name, p.Version, f.Fault, f.State, f.ToStart, f.Paid, refusal)
		return platform.Detail(err, "rows", rows)
	}
	return nil
}

func (r Row) check() error {
	one := decimal.NewFromInt(1)
	for _, share := range []decimal.Decimal{r.Rate, r.Platform} {
		if share.IsNegative() || share.GreaterThan(one) {
			return errPolicyShares
		}
	}
	for _, bound := range slices.Concat(r.Min, r.Max) {
		if bound.Sign() < 0 {
			return errPolicyRange
		}
	}
	for _, least := range r.Min {
		if most, bound := of(r.Max, least.Currency()); bound && least.Minor() > most.Minor() {
			return errPolicyRange
		}
	}
	return nil
}

// cases are facts on both sides of every border of the policy.
func (p Policy) cases() []Facts {
	starts, paids := []time.Duration{0}, []time.Duration{0}
	for _, r := range p.Rows {
		starts = append(starts, r.Start.Over, r.Start.Over+1, r.Start.UpTo, r.Start.UpTo+1)
		paids = append(paids, r.Paid.Over, r.Paid.Over+1, r.Paid.UpTo, r.Paid.UpTo+1)
	}
	starts = append(starts, slices.Min(starts)-1)
	slices.Sort(starts)
	slices.Sort(paids)
	starts, paids = slices.Compact(starts), slices.Compact(paids)
	var all []Facts
	for _, fault := range []Fault{CustomerFault, MerchantFault, PlatformFault} {
		for _, state := range []State{AwaitingPayment, Confirmed, Assigned, InProgress, Delivered, Rework} {
			for _, start := range starts {
				for _, paid := range paids {
					all = append(all, Facts{Fault: fault, State: state, ToStart: start, Paid: paid})
				}
			}
		}
	}
	return all
}
