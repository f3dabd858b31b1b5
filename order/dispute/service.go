package dispute

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Orders are what is disputed. order.Disputes is one.
type Orders interface {
	// Stands tells how an order stands, as JSON {customer, merchant, staff, state,
	// disputable, since, until, dispute, left, room, held, charged_back}, and a check
	// that holds it so.
	Stands(ctx context.Context, order platform.ID) (json.RawMessage, []platform.Change, error)

	// Hold sets an amount aside for a dispute, and Free gives free what is left of it
	// when the dispute, which stopped the order's clocks at since, is over. Both
	// write the order.
	Hold(ctx context.Context, order, dispute platform.ID, amount platform.Money) ([]platform.Change, error)
	Free(ctx context.Context, order, dispute platform.ID, amount platform.Money, since, at time.Time) ([]platform.Change, error)
}

// Refunds gives back what is held. order.Disputes is one.
type Refunds interface {
	// Gives are the legs by which an amount would go back, by whose fault it is.
	Gives(ctx context.Context, order, dispute platform.ID, amount platform.Money, fault string, at time.Time) ([]platform.Leg, error)

	// Refund hands a refund to the payments. It writes the order and the refund.
	Refund(ctx context.Context, refund, order, dispute platform.ID, amount platform.Money, fault string, at time.Time) ([]platform.Change, error)

	// Refunded tells how it fares: succeeded, or anything else.
	Refunded(ctx context.Context, order, refund platform.ID) (string, []platform.Change, error)
}

// Books turns what happened into postings. finance.Books is one.
type Books interface {
	Post(ctx context.Context, what string, subject platform.Ref, at time.Time, legs []platform.Leg) ([]platform.Change, error)
}

// Sources tells out of which accounts somebody gives what a decision takes.
// refund.Chain is one.
type Sources interface {
	// Sources returns debits that add up to the amount.
	Sources(ctx context.Context, party platform.ID, amount platform.Money) ([]platform.Leg, error)
}

// Banks knows the chargebacks of orders.
type Banks interface {
	// Open tells whether a chargeback of an order is undecided, and checks that hold
	// it so.
	Open(ctx context.Context, order platform.ID) (bool, []platform.Change, error)

	// Chargeback is one as JSON of a [Dispute] of kind chargeback, and Chargebacks a
	// page of those that wait in platform_turn or bank_turn, or are closed.
	Chargeback(ctx context.Context, id platform.ID) (json.RawMessage, error)
	Chargebacks(ctx context.Context, state, cursor string) (all []json.RawMessage, next string, err error)
}

// Screen judges who opens a dispute. risk/screen.Service is one.
type Screen interface {
	// Screen returns allow, review or block, and the record of its decision.
	Screen(ctx context.Context, ev platform.Event) (outcome string, changes []platform.Change, err error)
}

// Ties knows who is close to whom.
type Ties interface {
	// Untied refuses with ErrDenied an arbiter who has a tie to one of the parties;
	// its checks hold what it rests on.
	Untied(ctx context.Context, arbiter platform.ID, parties ...platform.ID) ([]platform.Change, error)
}

// Ports are what disputes need of others. Orders, Refunds, Books and Sources are
// required. Without Banks no dispute waits for a chargeback, without Screen nobody is
// screened, without Ties only those are tied who took part, and without Sealer
// statements are refused.
type Ports struct {
	Orders  Orders
	Refunds Refunds
	Books   Books
	Sources Sources
	Banks   Banks
	Screen  Screen
	Ties    Ties
	Sealer  platform.Sealer
}

// Terms are the defaults of the domain; zero fields have them.
type Terms struct {
	Rule        string            // version of these terms, which rulings name; if empty, standard-1
	Window      time.Duration     // to open a dispute, from completion or cancellation; if zero, 7 days
	Turn        time.Duration     // to answer; if zero, 48 hours
	Rounds      int               // in which both speak; if zero, 3
	Escalate    time.Duration     // after which a side may ask for an arbiter, and gets one; if zero, 6 days
	Arbitration int               // workdays for a decision; if zero, 5
	Appeal      time.Duration     // to appeal; if zero, 7 days
	Pause       time.Duration     // between two looks at a dispute that waits for a bank; if zero, a day
	Calendar    platform.Calendar // of the arbiters; the zero one is open at all hours

	Compensation []platform.Money // most besides the refund, in each currency; if nil, 500.00 CNY; none in others
	Penalty      []platform.Money // most of a merchant; if nil, 1,000.00 CNY
	FourEyes     []platform.Money // above which two decide; if nil, 5,000.00 CNY; a currency without one always needs two
}

// Options of a service; nil means defaults.
type Options struct {
	Terms Terms
}

// Service carries out the commands. It may be used by several goroutines at once.
type Service struct {
	w     platform.Writer
	store Store
	ports Ports
	terms Terms
}

// New makes the service. It panics, since that is a mistake in the wiring, without
// Orders, Refunds, Books or Sources, and with a time that is negative or over 400
// days.
func New(w platform.Writer, store Store, ports Ports, opts *Options) *Service {
	if ports.Orders == nil || ports.Refunds == nil || ports.Books == nil || ports.Sources == nil {
		panic("dispute: New needs Orders, Refunds, Books and Sources")
	}
	s := &Service{w: w.Ready(), store: store, ports: ports}
	if opts != nil {
		s.terms = opts.Terms
	}
	s.terms = s.terms.ready()
	for _, d := range []time.Duration{s.terms.Window, s.terms.Turn, s.terms.Escalate, s.terms.Appeal, s.terms.Pause} {
		if d < 0 || d > 400*day {
			panic("dispute: New: a time is above 0 and at most 400 days")
		}
	}
	return s
}

const day = 24 * time.Hour

func (t Terms) ready() Terms {
	t.Rule, t.Rounds, t.Arbitration = cmp.Or(t.Rule, "standard-1"), cmp.Or(t.Rounds, 3), cmp.Or(t.Arbitration, 5)
	t.Window, t.Turn, t.Escalate = cmp.Or(t.Window, 7*day), cmp.Or(t.Turn, 48*time.Hour), cmp.Or(t.Escalate, 6*day)
	t.Appeal, t.Pause = cmp.Or(t.Appeal, 7*day), cmp.Or(t.Pause, day)
	for _, of := range []struct {
		caps  *[]platform.Money
		usual string
	}{{&t.Compensation, "500.00"}, {&t.Penalty, "1000.00"}, {&t.FourEyes, "5000.00"}} {
		if *of.caps == nil {
			*of.caps = []platform.Money{platform.MustMoney(of.usual, "CNY")}
		}
	}
	return t
}

// standing is an order as [Orders] tells of it.
type standing struct {
	Customer    platform.ID    `json:"customer"`
	Merchant    platform.ID    `json:"merchant"`
	Staff       []platform.ID  `json:"staff"`
	State       string         `json:"state"`
	Disputable  bool           `json:"disputable"`
	Since       time.Time      `json:"since"`
	Until       time.Time      `json:"until"`
	Dispute     platform.ID    `json:"dispute"`
	Left        platform.Money `json:"left"`
	Room        platform.Money `json:"room"`
	Held        platform.Money `json:"held"`
	ChargedBack platform.Money `json:"charged_back"`
	checks      []platform.Change
	banking     bool // the payer's bank decides on the same money
}

func (s *Service) standing(ctx context.Context, order platform.ID) (standing, error) {
	doc, checks, err := s.ports.Orders.Stands(ctx, order)
	if err != nil {
		return standing{}, err
	}
	found := standing{checks: slices.Clip(checks)}
	if err := json.Unmarshal(doc, &found); err != nil {
		return standing{}, fmt.Errorf("read order %s: %w", order, errStands)
	}
	return found, nil
}

// of is how the order of a dispute stands. What banks have taken since the dispute
// was opened may be under way.
func (s *Service) of(ctx context.Context, d Dispute) (standing, error) {
	found, err := s.standing(ctx, d.Order)
	if err != nil || s.ports.Banks == nil || less(found.ChargedBack, d.Banked).Sign() <= 0 {
		return found, err
	}
	open, checks, err := s.ports.Banks.Open(ctx, d.Order)
	found.banking, found.checks = open, append(found.checks, checks...)
	return found, err
}

// onDispute is a command on one dispute of the actor's: decide returns it as it is
// to be, and the changes beside it, its event among them.
func onDispute[C any](ctx context.Context, s *Service, in C, id platform.ID,
	decide func(context.Context, Dispute, standing, platform.Actor, time.Time) (Dispute, []platform.Change, error),
) (Dispute, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Dispute, []platform.Change, error) {
		d, by, err := s.mine(ctx, id)
		if err != nil {
			return Dispute{}, nil, err
		}
		stands, err := s.of(ctx, d)
		if err != nil {
			return Dispute{}, nil, err
		}
		next, changes, err := decide(ctx, d, stands, by, s.w.Now())
		if err != nil {
			return Dispute{}, nil, err
		}
		return next, slices.Concat(stands.checks, changes, []platform.Change{platform.Put(next)}), nil
	})
}

// asParty is a command that a side of the dispute gives.
func asParty[C any](ctx context.Context, s *Service, in C, id platform.ID,
	decide func(Dispute, Side, platform.Actor, time.Time) (Dispute, []platform.Change, error),
) (Dispute, error) {
	return onDispute(ctx, s, in, id, func(_ context.Context, d Dispute, stands standing, by platform.Actor, at time.Time) (Dispute, []platform.Change, error) {
		side, party := d.side(by)
		if !party {
			return Dispute{}, nil, fmt.Errorf("dispute %s: %w", d.ID, errActor)
		}
		if stands.banking {
			return Dispute{}, nil, fmt.Errorf("dispute %s: %w", d.ID, ErrPaused)
		}
		next, changes, err := decide(d, side, by, at)
		return next.touched(by), changes, err
	})
}

// mine loads a dispute for who acts. One of somebody else is not there.
func (s *Service) mine(ctx context.Context, id platform.ID) (Dispute, platform.Actor, error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return Dispute{}, by, err
	}
	d, err := s.store.Dispute(ctx, id)
	if err == nil && !d.visible(by) {
		err = platform.NotFound(d.Ref())
	}
	return d, by, err
}
