package payment

import (
	"cmp"
	"context"
	"time"

	"github.com/liangding/platform"
)

// Books turns what happened into postings. finance.Books is one.
type Books interface {
	Post(ctx context.Context, what string, subject platform.Ref, at time.Time, legs []platform.Leg) ([]platform.Change, error)
}

// Subject is what is paid for. order.Payable is one.
type Subject interface {
	// Secured tells the totals so far of the subject, after a payment of the
	// purpose. An error that wraps ErrState means that the subject takes no
	// money any more: the payment becomes surplus and goes back. Less is secured
	// than before when an authorisation has lapsed; a refusal changes nothing then.
	Secured(ctx context.Context, subject platform.Ref, purpose string, secured, captured platform.Money, at time.Time) ([]platform.Change, error)

	// Returned tells how the money of a subject's refund stands: "sent" (the first time,
	// and after each failure), "succeeded" or "failed". At success out are the
	// accounts that it went out of, as credits that add up to the refund: the
	// clearing account of each institution that gave back, and marketing for
	// what the platform had paid itself. Otherwise out is empty. When "sent" is
	// refused, nothing is sent.
	Returned(ctx context.Context, refund, subject platform.Ref, outcome string, out []platform.Leg, at time.Time) ([]platform.Change, error)
}

// Screen judges a payment before it is begun: allow, review or block. Its
// changes join the set, also when they go back with the refusal.
type Screen interface {
	Screen(ctx context.Context, ev platform.Event) (outcome string, changes []platform.Change, err error)
}

// Ports are the other domains, and the institutions. A nil Screen allows all;
// without Payouts, notices of payouts belong to nothing.
type Ports struct {
	Books    Books
	Subject  Subject
	Screen   Screen
	Payouts  Payouts
	Bearer   Bearer    // of chargebacks; if nil, the platform bears them
	Debts    Debts     // of receivers that give no share back; if nil, only the books know them
	Gateways []Gateway // in order of preference
}

// FundsMode says where money is until it is theirs who earn it.
type FundsMode string

// The modes. In funds mode split the platform pools nobody's money.
const (
	SplitFunds    FundsMode = "split"    // at the institution, on the accounts of those who earned it
	PlatformFunds FundsMode = "platform" // with the platform, which pays out: that takes a licence of its own, or another legal basis
)

// Options of a service; nil means defaults.
type Options struct {
	Call       time.Duration // limit of one call to an institution; if zero, 10 s
	Answer     time.Duration // how long a call may be under way before the institution is asked; if zero, 2 min
	Act        time.Duration // how long a payer has to go on at the institution; if zero, 15 min
	Wait       time.Duration // how long Tick waits for one institution; if zero, 1 s
	Later      bool          // all payers' money is only held, where the institution can ([Authorizer]), until [Asks.Capture]; if false, only what [Asks.Hold] asked for
	Routes     []Route       // which institution gets what, by cost; if empty, the gateways in their order
	Funds      FundsMode     // if empty, split where Ports.Books are [Splits], and else platform
	Basis      string        // on which the platform holds others' money: the number of its own licence, or the law that it needs none by
	HandOn     bool          // shares that are in dispute until the institution lets go of them go out at the last moment; if false the money stays the platform's there, and is owed
	Production bool          // refuses institutions that move no real money
}

// Service pays and gives back. It may be used by several goroutines at once.
type Service struct {
	w        platform.Writer
	store    Store
	ports    Ports
	opts     Options
	gateways map[string]Gateway
	looking  map[string]chan struct{} // by institution: look-ups in flight
	lanes    lanes
	health   healths
	refusals refusals
	splits   bool          // funds mode split
	keep     time.Duration // in it, how long an institution keeps a charge

	order        []string       // of the institutions, by preference
	institutions []platform.Ref // their records
}

// New returns a service. It panics, as a programmer's mistake, without Books or
// Subject, with two gateways of one institution or a name that is none (see
// [Info]), with a route to an institution that is not wired, in production with a
// demo institution, and with a funds mode that the Books do not carry out. The
// platform never holds others' money by accident: without a Basis it panics for
// every institution but a demo whose shares are not handed on.
func New(w platform.Writer, store Store, ports Ports, opts *Options) *Service {
	s := &Service{w: w.Ready(), store: store, ports: ports, gateways: map[string]Gateway{}, looking: map[string]chan struct{}{}}
	if opts != nil {
		s.opts = *opts
	}
	s.opts.Call = cmp.Or(s.opts.Call, 10*time.Second)
	s.opts.Answer = cmp.Or(s.opts.Answer, 2*time.Minute)
	s.opts.Act = cmp.Or(s.opts.Act, 15*time.Minute)
	s.opts.Wait = cmp.Or(s.opts.Wait, time.Second)
	if ports.Books == nil || ports.Subject == nil {
		panic("payment: New needs Books and Subject")
	}
	if s.splits = s.mode(ports); s.splits {
		s.keep = ports.Books.(Splits).keep() //nolint:forcetypeassert // mode has seen that they are
	}
	for _, g := range ports.Gateways {
		info := g.Info()
		if _, twice := s.gateways[info.Institution]; twice || !info.named() {
			panic("payment: an institution needs a plain name of its own: " + info.Institution)
		}
		if info.Demo && s.opts.Production {
			panic("payment: " + info.Institution + " moves no real money")
		}
		_, can := g.(Splitter)
		pools := !can || !s.splits
		if pools && s.opts.Basis == "" && (!info.Demo || s.opts.Production) {
			panic("payment: the platform holds others' money at " + info.Institution + " on no stated basis")
		}
		if s.splits && len(info.Institution) > maxSplitter {
			panic("payment: in funds mode split the name of an institution has at most 33 characters: " + info.Institution)
		}
		s.order, s.institutions = append(s.order, info.Institution), append(s.institutions, institutionRef(info.Institution))
		s.gateways[info.Institution], s.looking[info.Institution] = g, make(chan struct{}, abreast)
	}
	for _, r := range s.opts.Routes {
		if _, wired := s.gateways[r.Institution]; !wired {
			panic("payment: a route leads to an institution that is not wired: " + r.Institution)
		}
	}
	return s
}

// maxSplitter is how long the name of an institution may be, so that the clearing
// accounts of its receivers have a name.
const maxSplitter = 33

// mode tells whether the service runs in funds mode split.
func (s *Service) mode(ports Ports) bool {
	_, planned := ports.Books.(Splits)
	switch s.opts.Funds {
	case SplitFunds:
		if !planned {
			panic("payment: in funds mode split the Books are Splits, or nothing is ever handed on")
		}
	case PlatformFunds:
		if planned {
			panic("payment: in funds mode platform nothing is handed on, and the Books are no Splits")
		}
	case "":
	default:
		panic("payment: no such funds mode: " + string(s.opts.Funds))
	}
	return planned
}

// Funds is the mode that the service runs in.
func (s *Service) Funds() FundsMode {
	if s.splits {
		return SplitFunds
	}
	return PlatformFunds
}

// Intent is one intent. Customers see their own, operators and auditors all;
// anything else is ErrNotFound.
func (s *Service) Intent(ctx context.Context, id platform.ID) (Intent, error) {
	i, err := s.store.Intent(ctx, id)
	if err == nil {
		err = s.visible(ctx, i.Payer, i.Ref())
	}
	if err != nil {
		return Intent{}, err
	}
	return i, nil
}

// Intents are what is asked for a subject, to those who may see it.
func (s *Service) Intents(ctx context.Context, subject platform.Ref) ([]Intent, error) {
	found, err := s.store.Found(ctx, asked(subject)...)
	if err != nil {
		return nil, err
	}
	for _, i := range found.Intents {
		if err := s.visible(ctx, i.Payer, subject); err != nil {
			return nil, err
		}
	}
	return found.Intents, nil
}

// Attempt is one attempt, to those who may see it.
func (s *Service) Attempt(ctx context.Context, id platform.ID) (Attempt, error) {
	a, err := s.store.Attempt(ctx, id)
	if err == nil {
		err = s.visible(ctx, a.Payer, a.Ref())
	}
	if err != nil {
		return Attempt{}, err
	}
	return a, nil
}

// Return is one return, to operators and auditors.
func (s *Service) Return(ctx context.Context, id platform.ID) (Return, error) {
	r, err := s.store.Return(ctx, id)
	if err == nil {
		err = s.visible(ctx, "", r.Ref())
	}
	if err != nil {
		return Return{}, err
	}
	return r, nil
}

// visible is the rule of ownership: a payer sees what is theirs.
func (s *Service) visible(ctx context.Context, payer platform.ID, ref platform.Ref) error {
	actor, err := platform.ActorOf(ctx)
	if err != nil {
		return err
	}
	all := actor.Kind == platform.Operator || actor.Kind == platform.System || actor.Kind == platform.Auditor
	own := actor.Kind == platform.Customer && actor.For() == payer && payer != ""
	if actor.Tenant != s.w.Tenant || !all && !own {
		return platform.NotFound(ref)
	}
	return nil
}

// allowed asks the guard about a call that is no command of its own.
func (s *Service) allowed(ctx context.Context, action string, on platform.Ref) error {
	actor, err := platform.ActorOf(ctx)
	if err != nil || s.w.Guard == nil {
		return err
	}
	_, err = s.w.Guard.Permit(ctx, platform.Act{Actor: actor, Action: action, On: on})
	return err
}

// system is ctx in which the platform acts, for steps after a command's first.
func (s *Service) system(ctx context.Context) context.Context {
	actor := platform.SystemActor("payment")
	actor.Tenant = s.w.Tenant
	return platform.As(platform.WithoutKey(ctx), actor)
}

// gateway is the institution of that name.
func (s *Service) gateway(institution string) (Gateway, error) {
	g, ok := s.gateways[institution]
	if !ok {
		return nil, ErrInstitution // whatever was asked for is not repeated
	}
	return g, nil
}

// clearing are the legs of money at an institution: what it holds on the one
// side, whom it is for on the other.
func clearing(role string, subject platform.Ref, institution string, amount platform.Money) []platform.Leg {
	return []platform.Leg{
		{Role: "clearing", Party: platform.ID(institution), Amount: amount},
		{Role: role, Of: subject.ID, Amount: amount.Neg()},
	}
}
