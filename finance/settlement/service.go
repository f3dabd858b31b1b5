package settlement

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Books is where everything is booked, and what says how much is free.
type Books interface {
	Post(ctx context.Context, what string, subject platform.Ref, at time.Time, legs []platform.Leg) ([]platform.Change, error)

	// Free is what may be taken from an account, in its normal direction.
	Free(ctx context.Context, role string, of, party platform.ID, currency platform.Currency) (platform.Money, error)
}

// Funds sends money through an institution. payment.Funds is one, and says what
// the outcomes mean: paid, failed, returned, absent, unknown.
type Funds interface {
	PayOut(ctx context.Context, institution, key, payee string, amount platform.Money) (outcome, reference, reason string, err error)
	LookUp(ctx context.Context, institution, key, payee string, amount platform.Money, until time.Time) (outcome, reference, reason string, err error)
}

// Holds knows of sanctions and legal holds.
type Holds interface {
	// Held fails with an error that wraps ErrState or ErrDenied while nothing may
	// be paid to the party. Its checks belong in the set that relies on it.
	Held(ctx context.Context, party platform.ID, at time.Time) ([]platform.Change, error)
}

// Debts sets off what a party owes the platform.
type Debts interface {
	// SetOff takes at most an amount from the party's payable for what it owes,
	// books that on the payout, and tells how much it took.
	SetOff(ctx context.Context, party platform.ID, payout platform.Ref, most platform.Money, at time.Time) (platform.Money, []platform.Change, error)
}

// Screen judges a payout before it is planned: allow, review or block.
type Screen interface {
	Screen(ctx context.Context, ev platform.Event) (outcome string, changes []platform.Change, err error)
}

// Opener makes sealed bank data readable, for a bank file.
type Opener interface {
	Open(ctx context.Context, at platform.Place, sealed platform.Sealed) (string, error)
}

// Earnings knows what a party has earned with orders that are not closed yet.
type Earnings interface {
	Earned(ctx context.Context, party platform.ID, currency platform.Currency) (platform.Money, error)
}

// Ports are the other domains. Books is required. Without Funds there are bank
// files only; without Debts the account receivable is set off as a whole; without
// Sealer no bank data can be kept, and without Opener no file be read. A nil
// Holds holds nobody, a nil Screen allows all; without Earnings a [Purse] does not
// tell what is earned, and without Exempt nobody is exempt from [Terms].Taxes.
type Ports struct {
	Books  Books
	Funds  Funds
	Holds  Holds
	Debts  Debts
	Screen Screen
	Sealer platform.Sealer
	Opener Opener

	Earnings Earnings
	Exempt   Exempt
}

// Limits are amounts in whole units of a currency.
type Limits struct {
	Minimum int64 // of a payout; if zero, 1
	Most    int64 // that one payout sends, the rest waits for the next; if zero, any
	Each    int64 // above it a payout needs a second approval; if zero, 50,000
	Run     int64 // above it all payouts of a run do; if zero, 500,000
}

// Terms are the numbers of the domain; zero fields have defaults.
type Terms struct {
	Cycles     map[string]Cycle // by the prefix of the party's id; if none, weekly
	Limits     map[string]Limits
	Silence    time.Duration     // after which a statement counts as confirmed; if zero, 72 h
	Verified   time.Duration     // from the verification of an account to its first payout; if zero, 48 h
	Cooling    time.Duration     // no payout to an account that was changed or bounced; if zero, 72 h
	Answer     time.Duration     // time of a call to an institution, after which it is asked; if zero, 2 min
	Reserve    decimal.Decimal   // share of what an order brings its merchant that is kept back, 0 to 1
	ReserveFor time.Duration     // how long; if zero, 30 days
	Calendar   platform.Calendar // workdays of t+n, and of runs
	Taxes      []Tax             // kept back of payouts to natural persons; if none, nothing is
	Runs       map[string]Round  // that Tick starts, by currency; others are started by StartRun
}

func (t Terms) ready() Terms {
	t.Silence = cmp.Or(t.Silence, 72*time.Hour)
	t.Verified = cmp.Or(t.Verified, 48*time.Hour)
	t.Cooling = cmp.Or(t.Cooling, 72*time.Hour)
	t.Answer = cmp.Or(t.Answer, 2*time.Minute)
	t.ReserveFor = cmp.Or(t.ReserveFor, 30*24*time.Hour)
	return t
}

func (t Terms) cycle(party platform.ID) Cycle { return cmp.Or(t.Cycles[party.Prefix()], Weekly) }

// limits are those of a currency as money, of which Most may be absent.
func (t Terms) limits(c platform.Currency) (l limits, err error) {
	in := t.Limits[c.String()]
	for _, m := range []struct {
		to    *platform.Money
		whole int64
	}{{&l.Minimum, cmp.Or(in.Minimum, 1)}, {&l.Most, in.Most}, {&l.Each, cmp.Or(in.Each, 50_000)}, {&l.Run, cmp.Or(in.Run, 500_000)}} {
		if m.whole != 0 && err == nil {
			*m.to, err = platform.FromDecimal(decimal.NewFromInt(m.whole), c)
		}
	}
	return l, err
}

// TakesTwo is the amount above which two persons approve a payout of a currency;
// absent if that cannot be said.
func (s *Service) TakesTwo(c platform.Currency) platform.Money {
	l, err := s.opts.Terms.limits(c)
	if err != nil {
		return platform.Money{}
	}
	return l.Each
}

type limits struct {
	Minimum, Most, Each, Run platform.Money

	There platform.Money // where it is paid from; absent for no limit
}

// Options of a service; nil means defaults.
type Options struct {
	Terms  Terms
	Person func(account platform.ID) platform.ID // the natural person behind an account; if nil, each is its own
}

// Service carries out the commands. It may be used by several goroutines at
// once.
type Service struct {
	w     platform.Writer
	db    platform.Getter
	ports Ports
	opts  Options
}

// New is the service over an engine that knows [Kinds]. It panics, as a
// programmer's mistake, without Ports.Books, and with a table of taxes that nobody can
// keep to: a tax without name, party, currency or bands, or bands that do not rise.
func New(w platform.Writer, db platform.Getter, ports Ports, opts *Options) *Service {
	if ports.Books == nil {
		panic("settlement: New needs Books")
	}
	s := &Service{w: w.Ready(), db: db, ports: ports}
	if opts != nil {
		s.opts = *opts
	}
	s.opts.Terms = s.opts.Terms.ready()
	if slices.ContainsFunc(s.opts.Terms.Taxes, func(t Tax) bool { return !t.sound() }) {
		panic("settlement: New: a tax has no name, party, currency or rising bands")
	}
	if s.opts.Person == nil {
		s.opts.Person = func(account platform.ID) platform.ID { return account }
	}
	return s
}

// actor is who acts, if of one of the kinds.
func (s *Service) actor(ctx context.Context, kinds ...platform.ActorKind) (platform.Actor, error) {
	by, err := s.w.Actor(ctx)
	if err == nil && !slices.Contains(kinds, by.Kind) {
		err = ErrActor
	}
	return by, err
}

// hands are the persons behind an actor: its own, and that of the one it acts
// for. Where people must differ, none of them may be on both sides.
func (s *Service) hands(by platform.Actor) []platform.ID {
	hands := []platform.ID{s.opts.Person(by.ID)}
	if other := s.opts.Person(by.For()); other != hands[0] {
		hands = append(hands, other)
	}
	return hands
}

// meet tells whether a person is in both.
func meet(a, b []platform.ID) bool {
	return slices.ContainsFunc(a, func(id platform.ID) bool { return slices.Contains(b, id) })
}

// visible is the rule of ownership: a party sees what is its own.
func (s *Service) visible(ctx context.Context, party platform.ID, ref platform.Ref) error {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return err
	}
	switch by.Kind {
	case platform.Operator, platform.Auditor, platform.System:
		return nil
	}
	if party == "" || by.For() != party {
		return platform.NotFound(ref)
	}
	return nil
}

// system is ctx in which the platform acts, for what follows a command's first
// step.
func (s *Service) system(ctx context.Context) context.Context {
	actor := platform.SystemActor("settlement")
	actor.Tenant = s.w.Tenant
	return platform.As(platform.WithoutKey(context.WithoutCancel(ctx)), actor)
}

// ruled tells whether an error is a refusal by a rule, rather than a failure or
// a race.
func ruled(err error) bool {
	return errors.Is(err, platform.ErrState) || errors.Is(err, platform.ErrDenied) || errors.Is(err, platform.ErrInvalid)
}

// least is the smallest of amounts, absent ones left out.
func least(first platform.Money, others ...platform.Money) (platform.Money, error) {
	for _, m := range others {
		if m.Absent() {
			continue
		}
		less, err := m.Cmp(first)
		if err != nil {
			return platform.Money{}, fmt.Errorf("least of amounts: %w", err)
		}
		if less < 0 {
			first = m
		}
	}
	return first, nil
}
