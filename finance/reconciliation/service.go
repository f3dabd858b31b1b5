package reconciliation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
)

// References tells under which name an institution knows what was booked.
// payment.Asks is one.
type References interface {
	// References are the institution's names of the operations of those of the
	// subjects that have one.
	References(ctx context.Context, subjects ...platform.Ref) (map[platform.Ref]string, error)
}

// Accounts knows under which name an institution keeps a party's own account.
// payment.Asks is one.
type Accounts interface {
	// AccountAt is that name; ErrNotFound where the party has none.
	AccountAt(ctx context.Context, institution string, party platform.ID) (string, error)
}

// Ports are what reconciliation needs of others. Nil References tell of none; without
// Accounts only files tell of parties' own accounts.
type Ports struct {
	Books      finance.Books
	References References
	Accounts   Accounts
	Gateways   []payment.Gateway // those that are payment.Statements can be asked for a day
}

// Account is an account at an institution or a bank.
type Account struct {
	Institution string
	Name        string          // of the account; empty for the only one; the id of the party whose own account it is
	Ledger      finance.Account // what it is compared with; if zero, clearing of the institution, and of a party's account clearing of both
	Zone        *time.Location  // in which its days are; if nil, UTC
	Contract    *Contract       // what charges cost by contract; if nil, what was kept is taken as agreed
	FeesEach    bool            // the books have the fee of each operation by itself; otherwise one booking is proposed for a day's fees
}

// String is the name by which statements and runs of the account are listed: the
// institution, and a slash and the account's own name if it has one.
func (a Account) String() string { return accountName(a.Institution, a.Name) }

// Contract is what an institution keeps of a charge.
type Contract struct {
	Rate  decimal.Decimal
	Fixed platform.Money // if absent, none
}

// fee is what the institution keeps of a charge by contract, in minor units.
func (c Contract) fee(l Line) (int64, error) {
	gross, err := platform.FromMinor(l.Gross, l.Currency)
	if err != nil {
		return 0, err
	}
	fee, err := gross.MulRate(c.Rate, platform.HalfUp)
	if err == nil && c.Fixed.Currency() == l.Currency {
		fee, err = fee.Add(c.Fixed)
	}
	return fee.Minor(), err
}

// Terms are the rules of reconciliation.
type Terms struct {
	Near     time.Duration   // how far a line and an entry may lie apart that only their amount joins; if zero, 3 days
	Carry    time.Duration   // how long what is open is looked for in later days; if zero, 7 days
	Late     time.Duration   // how long before the end of a day the other side may have it under the next; if zero, 2 hours
	Days     int             // business days in which a difference is to be resolved; if zero, 1
	FourEyes decimal.Decimal // in major units of any currency: a difference above it needs two people; if zero, 5,000
	Owner    platform.ID     // whose a difference is until somebody takes it; if empty, reconciliation
}

// Options of a service; nil means defaults.
type Options struct {
	Accounts []Account // those that are not as the zero Account says
	Terms    Terms
	Calendar platform.Calendar // of the people who resolve differences
}

// Service carries out the commands. It may be used by several goroutines at
// once.
type Service struct {
	w        platform.Writer
	store    Store
	ports    Ports
	opts     Options
	gateways map[string]payment.Statements
}

// New makes the service.
func New(w platform.Writer, store Store, ports Ports, o *Options) *Service {
	s := &Service{w: w.Ready(), store: store, ports: ports, gateways: map[string]payment.Statements{}}
	if o != nil {
		s.opts = *o
	}
	t := &s.opts.Terms
	t.Near, t.Carry, t.Late = cmp.Or(t.Near, 3*day), cmp.Or(t.Carry, 7*day), cmp.Or(t.Late, 2*time.Hour)
	t.Days, t.Owner = cmp.Or(t.Days, 1), cmp.Or(t.Owner, "reconciliation")
	if t.FourEyes.IsZero() {
		t.FourEyes = decimal.New(5000, 0)
	}
	for _, g := range ports.Gateways {
		if st, ok := g.(payment.Statements); ok {
			s.gateways[g.Info().Institution] = st
		}
	}
	return s
}

const day = 24 * time.Hour

// account is what is known of an account.
func (s *Service) account(institution, name string) Account {
	found := Account{Institution: institution, Name: name}
	for _, a := range s.opts.Accounts {
		if a.Institution == institution && a.Name == name {
			found = a
		}
	}
	if found.Ledger == (finance.Account{}) {
		found.Ledger = finance.Account{Role: "clearing", Party: platform.ID(institution)}
		if _, err := platform.ParseID(name); err == nil { // a party's own, which shares came to
			found.Ledger.Party += platform.ID("." + name)
		}
	}
	found.Zone = cmp.Or(found.Zone, time.UTC)
	return found
}

// may lets operators and the system work here.
func (s *Service) may(ctx context.Context) (platform.Actor, error) {
	by, err := s.w.Actor(ctx)
	if err == nil && by.Kind != platform.Operator && by.Kind != platform.System {
		err = ErrActor
	}
	return by, err
}

// reads lets auditors look, too.
func (s *Service) reads(ctx context.Context) error {
	by, err := s.may(ctx)
	if errors.Is(err, ErrActor) && by.Kind == platform.Auditor {
		return nil
	}
	return err
}

// Tick tells of cases that are overdue, and removes what was begun and left. It
// is a [platform.Ticker].
func (s *Service) Tick(ctx context.Context, now time.Time, limit int) (int, error) {
	actor := platform.SystemActor("reconciliation")
	actor.Tenant = s.w.Tenant
	ctx = platform.WithoutKey(platform.As(ctx, actor))
	late, err := platform.Sweep(ctx, limit, func(cursor string) (platform.Page[Case], error) {
		return s.store.Due(ctx, now, cursor)
	}, func(c Case) error { return s.overdue(ctx, c.ID, now) })
	if err != nil {
		err = fmt.Errorf("tell of overdue differences: %w", err)
	}
	swept, failed := platform.Sweep(ctx, limit, func(cursor string) (platform.Page[draft], error) {
		return s.store.drafts(ctx, now, cursor)
	}, func(d draft) error { return s.sweep(ctx, d) })
	if failed != nil {
		failed = fmt.Errorf("remove drafts: %w", failed)
	}
	return late + swept, errors.Join(err, failed)
}

var _ platform.Ticker = (*Service)(nil)
