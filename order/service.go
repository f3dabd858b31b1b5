package order

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Ports are what the orders need of others. Each is satisfied by a value of the
// other domain over its own store.
type Ports struct {
	Catalogue Catalogue
	Parties   Parties
	Payments  Payments
	Books     Books
	Fees      Fees            // if nil, the platform takes no fees
	Staffing  Staffing        // if nil, orders that need staff are refused
	Screen    Screen          // if nil, every order is allowed
	Sealer    platform.Sealer // if nil, orders with a note are refused
	Purse     Purse           // if nil, banks take nothing back of what orders hold and earn
	Sources   Sources         // if nil, a merchant that was paid gives back out of what it is owed, or not at all
	Plans     Plans           // if nil, approvals that name a plan are refused
}

// Options are the defaults of the domain. The zero value is ready to use.
type Options struct {
	Windows      Windows          // deadlines; zero fields have defaults
	ExtraKinds   []string         // that an [Extra] may have; if nil, none
	Policies     []Policy         // every version ever pinned, in order; if nil, [StandardPolicy]
	AutoRefund   AutoRefund       // what is refunded without asking; if zero, see there
	TipMost      []platform.Money // a currency's most that an order's tips come to; if nil, 2,000.00 CNY; a currency without one has only the order's total
	FourEyes     []platform.Money // a currency's amount above which two approve a refund; if nil, 5,000.00 CNY; a currency without one always needs two
	FarAhead     time.Duration    // of a planned start, and its longest length; if zero, 365 days
	QuoteFor     time.Duration    // how long a cancellation quote is shown; if zero, 5 minutes
	WithoutBooks bool             // for those who keep no books; Ports.Books may then be nil
}

// Service carries out the commands on orders. It may be used by several
// goroutines at once.
type Service struct {
	w       platform.Writer
	store   Store
	ports   Ports
	options Options
}

// New makes the service. Nil options mean the defaults. It panics, since that
// is a mistake in the wiring, without catalogue, parties, payments or books, and
// with options out of range: a window that is negative or over 400 days, a
// policy that fails [Policy.Check] or stands there twice.
func New(w platform.Writer, store Store, ports Ports, opts *Options) *Service {
	var options Options
	if opts != nil {
		options = *opts
	}
	options = options.ready()
	if options.WithoutBooks {
		ports.Books = noBooks{}
	}
	if ports.Catalogue == nil || ports.Parties == nil || ports.Payments == nil || ports.Books == nil {
		panic("order: New needs Catalogue, Parties, Payments and Books")
	}
	if err := options.check(); err != nil {
		panic(fmt.Sprintf("order: New: %v", err))
	}
	return &Service{w: w.Ready(), store: store, ports: ports, options: options}
}

func (o Options) ready() Options {
	o.Windows = o.Windows.ready()
	o.AutoRefund = o.AutoRefund.ready()
	if o.Policies == nil {
		o.Policies = []Policy{StandardPolicy()}
	}
	if o.TipMost == nil {
		o.TipMost = []platform.Money{platform.MustMoney("2000.00", "CNY")}
	}
	if o.FourEyes == nil {
		o.FourEyes = []platform.Money{platform.MustMoney("5000.00", "CNY")}
	}
	if o.FarAhead == 0 {
		o.FarAhead = 365 * day
	}
	if o.QuoteFor == 0 {
		o.QuoteFor = 5 * time.Minute
	}
	return o
}

func (o Options) check() error {
	shortest, longest := o.Windows.extremes()
	if min(shortest, o.FarAhead, o.QuoteFor) <= 0 || max(longest, o.FarAhead, o.QuoteFor) > 400*day {
		return fmt.Errorf("a window is above 0 and at most 400 days: %w", platform.ErrInvalid)
	}
	for i, p := range o.Policies {
		if err := p.Check(); err != nil {
			return err
		}
		same := func(q Policy) bool { return q.Name == p.Name && q.Version == p.Version }
		if slices.ContainsFunc(o.Policies[:i], same) {
			return fmt.Errorf("policy %s version %d twice: %w", p.Name, p.Version, platform.ErrInvalid)
		}
	}
	return nil
}

// newest is the version of a policy that new orders get: the last listed.
func (o Options) newest(name string) (Policy, error) {
	for _, p := range slices.Backward(o.Policies) {
		if p.Name == name {
			return p, nil
		}
	}
	return Policy{}, fmt.Errorf("policy %s: %w", name, errPolicyUnknown)
}

// policy is the version that an order pinned.
func (o Options) policy(name string, version int) (Policy, error) {
	for _, p := range o.Policies {
		if p.Name == name && p.Version == version {
			return p, nil
		}
	}
	return Policy{}, fmt.Errorf("policy %s version %d: %w", name, version, errPolicyUnknown)
}

// mine loads an order for who acts. An order of somebody else is not there.
func (s *Service) mine(ctx context.Context, id platform.ID) (Order, platform.Actor, error) {
	by, err := platform.ActorOf(ctx)
	if err != nil {
		return Order{}, by, err
	}
	ref := platform.Ref{Kind: "order", ID: id}
	if by.Tenant != s.w.Tenant {
		return Order{}, by, platform.NotFound(ref)
	}
	o, err := s.store.Order(ctx, id)
	if err != nil {
		return Order{}, by, err
	}
	if !o.visible(by) {
		return Order{}, by, platform.NotFound(ref)
	}
	return o, by, nil
}

// onOrder is a command on one order: decide returns the order as it is to be,
// and the changes beside it.
func onOrder[C any](ctx context.Context, s *Service, in C, id platform.ID,
	decide func(context.Context, Order, platform.Actor, time.Time) (Order, []platform.Change, error),
) (Order, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Order, []platform.Change, error) {
		o, by, err := s.mine(ctx, id)
		if err != nil {
			return Order{}, nil, err
		}
		at := s.w.Now()
		next, changes, err := decide(ctx, o, by, at)
		if err != nil {
			return Order{}, nil, err
		}
		closed, err := s.outlived(ctx, o, next, at)
		if err != nil {
			return Order{}, nil, err
		}
		return next, append(append(changes, closed...), platform.Put(next)), nil
	})
}
