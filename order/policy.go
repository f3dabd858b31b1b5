package order

import (
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Fault says whose doing a cancellation is.
type Fault string

// The faults that a policy tells apart.
const (
	CustomerFault Fault = "customer"
	MerchantFault Fault = "merchant"
	PlatformFault Fault = "platform"      // unfilled, an outage, wrong data of a listing
	StaffFault    Fault = "staff_no_show" // a member did not come, and no other did in time
	ForceMajeure  Fault = "force_majeure" // nobody's
	BothFault     Fault = "both"          // the customer's and somebody else's: see [Policy.Price]
)

// Way says how far those who do the work have come, or that the customer was not
// there when they did.
type Way string

// The ways, in their order. Before anybody has set out it is empty.
const (
	Underway Way = "en_route"
	There    Way = "arrived"
	Absent   Way = "no_show" // the customer, when they were there
)

// Policy says what a cancellation costs. A version is immutable once an order
// has pinned it.
type Policy struct {
	Name    string `json:"name" class:"public"`
	Version int    `json:"version,omitempty" class:"public"`
	Rows    []Row  `json:"rows" class:"public"` // disjoint and complete: see [Policy.Check]
}

// Row is one case of a policy and its price. Who pays nothing has a zero Rate.
type Row struct {
	ID       string           `json:"id"`
	Faults   []Fault          `json:"faults"`
	States   []State          `json:"states"`
	Ways     []Way            `json:"ways,omitempty"`     // none: any
	Start    Span             `json:"start,omitzero"`     // time to the planned start; an order without one starts now
	Paid     Span             `json:"paid,omitzero"`      // time since the money was there
	Moved    Count            `json:"moved,omitzero"`     // how often the side at fault rescheduled before
	Rate     decimal.Decimal  `json:"rate"`               // of what is not yet given back, 0…1
	ByShare  bool             `json:"by_share,omitempty"` // the share of the work that is done, if that is more than Rate
	Min      []platform.Money `json:"min,omitempty"`      // of a currency; one that is not listed has no bound
	Max      []platform.Money `json:"max,omitempty"`
	Platform decimal.Decimal  `json:"platform"`          // the platform's share of the fee, 0…1
	Staff    decimal.Decimal  `json:"staff"`             // that of the members who came or were on their way; the merchant has the rest
	AsSale   bool             `json:"as_sale,omitempty"` // the fee is split as the price would have been, instead
	Pays     Amends           `json:"pays,omitzero"`     // to the customer, besides what goes back
}

// Amends are what the customer gets for a cancellation that is not its own doing.
type Amends struct {
	Rate   decimal.Decimal    `json:"rate"` // of the same as the fee's
	Min    []platform.Money   `json:"min,omitempty"`
	Max    []platform.Money   `json:"max,omitempty"`
	Bearer platform.ActorKind `json:"bearer,omitempty"` // merchant; if empty, the platform
}

// Span is a range of durations: over the first, up to and including the second.
// Zero is open.
type Span struct {
	Over time.Duration `json:"over_ns,omitempty"`
	UpTo time.Duration `json:"up_to_ns,omitempty"`
}

func (s Span) holds(d time.Duration) bool {
	return (s.Over == 0 || d > s.Over) && (s.UpTo == 0 || d <= s.UpTo)
}

// Count is a range of counts: From, and fewer than Below. A zero Below is open.
type Count struct {
	From  int `json:"from,omitempty"`
	Below int `json:"below,omitempty"`
}

func (c Count) holds(n int) bool { return n >= c.From && (c.Below == 0 || n < c.Below) }

// Facts are what a policy may look at.
type Facts struct {
	Fault   Fault           `json:"fault"`
	With    Fault           `json:"with,omitempty"` // who else, when both are at fault; if empty, the merchant
	State   State           `json:"state"`          // AwaitingPayment also while the merchant has not answered
	Way     Way             `json:"way,omitempty"`
	ToStart time.Duration   `json:"to_start_ns"` // negative when it has passed
	Paid    time.Duration   `json:"paid_ns"`     // since the money was there
	Moved   int             `json:"moved"`       // earlier reschedules by the side at fault
	Done    decimal.Decimal `json:"done"`        // share of the work, 0…1
}

func (r Row) answers(f Facts) bool {
	return r.covers(f) && r.Start.holds(f.ToStart) && r.Paid.holds(f.Paid) && r.Moved.holds(f.Moved)
}

// covers tells whether the row is about such a case, at whatever time.
func (r Row) covers(f Facts) bool {
	return slices.Contains(r.Faults, f.Fault) && slices.Contains(r.States, f.State) && (len(r.Ways) == 0 || slices.Contains(r.Ways, f.Way))
}

// Evaluate is the one row that answers the facts. For a policy that passes
// [Policy.Check] and facts of an order that can be cancelled there is always
// one; otherwise it fails with policy.gap. When both are at fault there are two:
// see [Policy.Price].
func (p Policy) Evaluate(f Facts) (Row, error) {
	for _, r := range p.Rows {
		if r.answers(f) {
			return r, nil
		}
	}
	return Row{}, fmt.Errorf("policy %s version %d: %w", p.Name, p.Version, errPolicyGap)
}

// Price is what a policy makes of facts and an amount.
type Price struct {
	Row    string             `json:"row"`
	Of     []string           `json:"of,omitempty"`     // the rows of which it is half each, when both are at fault
	Fee    platform.Money     `json:"fee"`              // kept of the amount
	Amends platform.Money     `json:"amends"`           // to the customer, on top
	Bearer platform.ActorKind `json:"bearer,omitempty"` // of the amends: merchant or operator, for the platform; empty when there are none

	shares Row // how the fee is split
}

// BothRow names the price when both are at fault, which follows from two rows.
const BothRow = "K11"

// Price is the fee on an amount and what the customer gets besides, each rounded
// half to even and within its bounds. The fee is neither negative nor above the
// amount. When both are at fault each bears half: the customer half of the row of
// its own fault, the other half of the amends of the row of theirs.
//
// It fails with policy.gap as Evaluate does.
func (p Policy) Price(f Facts, base platform.Money) (Price, error) {
	if f.Fault != BothFault {
		r, err := p.Evaluate(f)
		if err != nil {
			return Price{}, err
		}
		return r.price(base, f.Done)
	}
	own, other := f, f
	own.Fault, other.Fault = CustomerFault, f.With
	if f.With == "" {
		other.Fault = MerchantFault
	}
	theirs, err := p.Price(other, base)
	if err != nil {
		return Price{}, err
	}
	price, err := p.Price(own, base)
	if err != nil {
		return Price{}, err
	}
	price.Of = []string{price.Row, theirs.Row}
	price.Row, price.Bearer = BothRow, theirs.Bearer
	if price.Fee, err = price.Fee.MulRate(half, platform.HalfEven); err != nil {
		return Price{}, err
	}
	price.Amends, err = theirs.Amends.MulRate(half, platform.HalfEven)
	if price.Amends.Sign() == 0 {
		price.Bearer = ""
	}
	return price, err
}

var one, half = decimal.NewFromInt(1), decimal.New(5, -1)

// price is the row's own.
func (r Row) price(base platform.Money, done decimal.Decimal) (Price, error) {
	fee, err := r.fee(base, done)
	if err != nil {
		return Price{}, err
	}
	amends, err := bounded(base, r.Pays.Rate, r.Pays.Min, r.Pays.Max)
	if err != nil {
		return Price{}, err
	}
	price := Price{Row: r.ID, Fee: fee, Amends: amends, shares: r}
	if amends.Sign() == 0 {
		return price, nil
	}
	if price.Bearer = r.Pays.Bearer; price.Bearer == "" {
		price.Bearer = platform.Operator
	}
	return price, nil
}

// fee is the row's price on a base, rounded half to even and within its bounds.
// It is never above the base.
func (r Row) fee(base platform.Money, done decimal.Decimal) (platform.Money, error) {
	rate := r.Rate
	if r.ByShare {
		rate = decimal.Max(rate, done)
	}
	fee, err := bounded(base, rate, r.Min, r.Max)
	if err != nil {
		return platform.Money{}, err
	}
	return least(fee, base), nil
}

// bounded is a rate of a base within the bounds of its currency. A rate of nothing
// is nothing.
func bounded(base platform.Money, rate decimal.Decimal, low, high []platform.Money) (platform.Money, error) {
	amount, err := base.MulRate(rate, platform.HalfEven)
	if err != nil || rate.IsZero() {
		return amount, err
	}
	if least, bound := of(low, base.Currency()); bound && amount.Minor() < least.Minor() {
		amount = least
	}
	if most, bound := of(high, base.Currency()); bound && amount.Minor() > most.Minor() {
		amount = most
	}
	return amount, nil
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
// 30 minutes of payment, dearer the nearer the start and the members are; who
// orders never pays for a fault of others, and gets amends for one of the merchant,
// of the platform, and of a member who did not come.
func StandardPolicy() Policy {
	cny := func(amount string) []platform.Money { return []platform.Money{platform.MustMoney(amount, "CNY")} }
	rate := decimal.RequireFromString
	customer, merchant, nobody := []Fault{CustomerFault}, []Fault{MerchantFault}, []Way{""}
	ahead, begun := []State{Confirmed, Assigned}, []State{InProgress, Delivered, Rework}
	later := slices.Concat(ahead, begun)
	const hour, soon = time.Hour, 30 * time.Minute
	return Policy{Name: Standard, Version: 1, Rows: []Row{
		{ID: "K1", Faults: faults, States: []State{AwaitingPayment}},
		{ID: "K2", Faults: customer, States: ahead, Ways: nobody, Start: Span{Over: 24 * hour}, Paid: Span{UpTo: soon}},
		{ID: "K3a", Faults: customer, States: ahead, Ways: nobody, Start: Span{Over: 24 * hour}, Paid: Span{Over: soon}},
		{ID: "K3b", Faults: customer, States: ahead, Ways: nobody, Start: Span{Over: 2 * hour, UpTo: 24 * hour}, Rate: rate("0.1"), Max: cny("50.00"), Platform: rate("0.1")},
		{ID: "K3c", Faults: customer, States: ahead, Ways: nobody, Start: Span{UpTo: 2 * hour}, Rate: rate("0.3"), Max: cny("200.00"), Platform: rate("0.1")},
		{ID: "K4a", Faults: customer, States: ahead, Ways: []Way{Underway}, Rate: rate("0.3"), Min: cny("20.00"), Platform: rate("0.1"), Staff: rate("0.5")},
		{ID: "K4b", Faults: customer, States: ahead, Ways: []Way{There}, Rate: rate("0.5"), Platform: rate("0.1"), Staff: rate("0.5")},
		{ID: "K5", Faults: customer, States: begun, Rate: rate("0.5"), ByShare: true, AsSale: true},
		{ID: "K6", Faults: customer, States: ahead, Ways: []Way{Absent}, Rate: rate("0.5"), Max: cny("300.00"), Platform: rate("0.1"), Staff: rate("0.5")},
		{ID: "K7a", Faults: merchant, States: ahead, Start: Span{Over: 2 * hour}, Pays: Amends{Rate: rate("0.1"), Min: cny("5.00"), Max: cny("200.00"), Bearer: platform.Merchant}},
		{ID: "K7b", Faults: merchant, States: ahead, Start: Span{UpTo: 2 * hour}, Pays: Amends{Rate: rate("0.3"), Max: cny("500.00"), Bearer: platform.Merchant}},
		{ID: "K7c", Faults: merchant, States: begun, Pays: Amends{Rate: rate("0.3"), Max: cny("500.00"), Bearer: platform.Merchant}},
		{ID: "K8", Faults: []Fault{StaffFault}, States: later, Pays: Amends{Rate: rate("0.2"), Max: cny("300.00")}},
		{ID: "K9", Faults: []Fault{PlatformFault}, States: later, Pays: Amends{Rate: rate("0.1"), Max: cny("100.00")}},
		{ID: "K10", Faults: []Fault{ForceMajeure}, States: later},
	}}
}

// Standard is the name of the default cancellation policy.
const Standard = "standard"
