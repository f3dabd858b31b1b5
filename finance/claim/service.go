package claim

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Books turns what happened into postings. finance.Books is one.
type Books interface {
	Post(ctx context.Context, what string, subject platform.Ref, at time.Time, legs []platform.Leg) ([]platform.Change, error)
}

// Budget is where claims commit and spend. budget.Control is one.
type Budget interface {
	// Post tells what a claim does on lines, each leg an amount of one (Of):
	// budget.committed, so much is open and no more; budget.settled, so much is
	// spent and the rest free; budget.released.
	Post(ctx context.Context, what string, source platform.Ref, at time.Time, legs []platform.Leg) ([]platform.Change, error)

	// Refusal says the error of a commit in the budget's words.
	Refusal(err error) error
}

// Lines knows budget lines. budget.Control is one.
type Lines interface {
	// Lines tells of lines, in the order asked, as a JSON list of {centre,
	// account, currency}. It refuses one on which nothing can be spent.
	Lines(ctx context.Context, ids ...platform.ID) (json.RawMessage, error)
}

// People knows who holds a role, and the rank of a claimant.
type People interface {
	Holders(ctx context.Context, role string) ([]platform.ID, error)
	Rank(ctx context.Context, person platform.ID) (string, error)
}

// VoucherCheck knows whether a voucher is what it looks like (發票查驗): real,
// fake, cancelled or unknown. The file is named by its SHA-256.
type VoucherCheck interface {
	Verdict(ctx context.Context, kind, file string) (string, error)
}

// Funds sends money through an institution; the outcomes are paid, failed,
// returned, absent, unknown. The payee is the claimant's id.
type Funds interface {
	PayOut(ctx context.Context, institution, key, payee string, amount platform.Money) (outcome, reference, reason string, err error)
	LookUp(ctx context.Context, institution, key, payee string, amount platform.Money, until time.Time) (outcome, reference, reason string, err error)
}

// Ports are what claims need of others. Without People nobody counts as absent,
// and roles are those that an approver comes with. Without Vouchers all are taken
// as they are. Without Funds an operator pays at the bank and says how it went.
type Ports struct {
	Books    Books
	Budget   Budget
	Lines    Lines
	Sealer   platform.Sealer
	People   People
	Vouchers VoucherCheck
	Funds    Funds
}

// Terms are the defaults of the domain.
type Terms struct {
	Matrix      []Row         // where none was published; if nil, in CNY: a manager, above 5,000 a director too
	Limits      []Limit       // of what may be spent a day
	Age         time.Duration // of an expense that can still be claimed; if zero, 180 days
	Split       time.Duration // in which claims with one seller count as one; if zero, 7 days
	Keep        time.Duration // of the budget of a claim that was returned; if zero, 30 days
	Advance     time.Duration // in which an advance is to be settled; if zero, 30 days
	Answer      time.Duration // for one call to an institution; if zero, 30 s
	Tax         string        // under which name deductible tax is booked; if empty, vat
	Bank        string        // from which claims and advances are paid by hand; if empty, house
	Institution string        // through which claims are paid; if empty, house
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

// New makes the service. It panics, since that is a mistake in the wiring,
// without Books, Budget or Lines, and with a matrix that does not cover all
// amounts.
func New(w platform.Writer, store Store, ports Ports, opts *Options) *Service {
	if ports.Books == nil || ports.Budget == nil || ports.Lines == nil {
		panic("claim: New needs Books, Budget and Lines")
	}
	s := &Service{w: w.Ready(), store: store, ports: ports}
	if opts != nil {
		s.terms = opts.Terms
	}
	s.terms = s.terms.ready()
	if err := (Matrix{Rows: s.terms.Matrix}).Check(); err != nil {
		panic("claim: New: " + err.Error())
	}
	return s
}

func (t Terms) ready() Terms {
	day := 24 * time.Hour
	for _, d := range []struct {
		of    *time.Duration
		usual time.Duration
	}{{&t.Age, 180 * day}, {&t.Split, 7 * day}, {&t.Keep, 30 * day}, {&t.Advance, 30 * day}, {&t.Answer, 30 * time.Second}} {
		if *d.of == 0 {
			*d.of = d.usual
		}
	}
	for _, d := range []struct {
		of    *string
		usual string
	}{{&t.Tax, "vat"}, {&t.Bank, "house"}, {&t.Institution, "house"}} {
		if *d.of == "" {
			*d.of = d.usual
		}
	}
	if t.Matrix == nil {
		manager, director := Approver{Role: "manager", Deputy: "director"}, Approver{Role: "director"}
		t.Matrix = []Row{
			{From: platform.MustMoney("0", "CNY"), Approvers: []Approver{manager}},
			{From: platform.MustMoney("5000", "CNY"), Approvers: []Approver{manager, director}},
		}
	}
	return t
}

// actor is who acts, if of one of the kinds.
func (s *Service) actor(ctx context.Context, kinds ...platform.ActorKind) (platform.Actor, error) {
	by, err := s.w.Actor(ctx)
	if err == nil && !slices.Contains(kinds, by.Kind) {
		err = errActor
	}
	return by, err
}

// system is ctx in which the platform acts, for steps after a command's first.
func (s *Service) system(ctx context.Context) context.Context {
	actor := platform.SystemActor("claim")
	actor.Tenant = s.w.Tenant
	return platform.As(platform.WithoutKey(ctx), actor)
}

// Claim is one claim, to the claimant, operators and auditors.
func (s *Service) Claim(ctx context.Context, id platform.ID) (Claim, error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return Claim{}, err
	}
	c, err := s.store.Claim(ctx, id)
	if err == nil && !c.visible(by) {
		err = platform.NotFound(c.Ref())
	}
	if err != nil {
		return Claim{}, err
	}
	return c, nil
}

// Claims are those of the caller, the latest first.
func (s *Service) Claims(ctx context.Context, cursor string) (platform.Page[Claim], error) {
	by, err := s.actor(ctx, people...)
	if err != nil {
		return platform.Page[Claim]{}, err
	}
	return s.store.ClaimsOf(ctx, by.For(), cursor)
}

// InState are all claims in a state, to operators and auditors.
func (s *Service) InState(ctx context.Context, state State, cursor string) (platform.Page[Claim], error) {
	if _, err := s.actor(ctx, platform.Operator, platform.Auditor); err != nil {
		return platform.Page[Claim]{}, err
	}
	return s.store.InState(ctx, state, cursor)
}

// Inbox are the claims whose turn is a role of the caller, the oldest first.
func (s *Service) Inbox(ctx context.Context, role, cursor string) (platform.Page[Claim], error) {
	by, err := s.actor(ctx, office...)
	if err == nil && !by.Has(role) {
		err = fmt.Errorf("inbox: %w", ErrTurn)
	}
	if err != nil {
		return platform.Page[Claim]{}, err
	}
	page, err := s.store.Turn(ctx, role, cursor)
	page.Items = slices.DeleteFunc(page.Items, func(c Claim) bool { return meet(hands(by), c.tied()) })
	return page, err
}
