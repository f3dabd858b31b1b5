package invoice

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Ports are what invoices need of others.
type Ports struct {
	Sales    Sales
	Invoicer Invoicer
	Sealer   platform.Sealer // if nil, nothing with a title is taken
	Opener   Opener          // of what Sealer sealed
}

// Terms are the defaults of the domain. The zero value is ready to use.
type Terms struct {
	TaxBy      TaxBy             // where tax is rounded; if empty, by line
	Rounding   platform.Rounding // if empty, half up, as the tax table says
	SelfBilled bool              // whether the law allows it here
	Call       time.Duration     // limit of one call; if zero, 10 s
	Answer     time.Duration     // how long a call may be under way before the Invoicer is asked; if zero, 2 min
	Confirm    time.Duration     // in which the other side confirms a red letter; if zero, 72 h
	Finding    time.Duration     // an imbalance of so long is a finding; if zero, 24 h
}

func (t Terms) ready() Terms {
	t.TaxBy = cmp.Or(t.TaxBy, ByLine)
	t.Rounding = cmp.Or(t.Rounding, platform.HalfUp)
	t.Call = cmp.Or(t.Call, 10*time.Second)
	t.Answer = cmp.Or(t.Answer, 2*time.Minute)
	t.Confirm = cmp.Or(t.Confirm, 72*time.Hour)
	t.Finding = cmp.Or(t.Finding, 24*time.Hour)
	return t
}

// Service asks for invoices, has them issued and reversed. It may be used by
// several goroutines at once.
type Service struct {
	w     platform.Writer
	store Store
	ports Ports
	terms Terms
}

// New makes the service. Nil terms mean the defaults. It panics, since that is a
// mistake in the wiring, without Sales or Invoicer, with a Sealer without Opener,
// and with terms that are unknown or negative.
func New(w platform.Writer, store Store, ports Ports, terms *Terms) *Service {
	if ports.Sales == nil || ports.Invoicer == nil || (ports.Sealer == nil) != (ports.Opener == nil) {
		panic("invoice: New needs Sales and Invoicer, and Sealer with Opener")
	}
	var t Terms
	if terms != nil {
		t = *terms
	}
	t = t.ready()
	if t.TaxBy != ByLine && t.TaxBy != ByDocument || min(t.Call, t.Answer, t.Confirm, t.Finding) <= 0 {
		panic("invoice: New: terms are unknown or negative")
	}
	return &Service{w: w.Ready(), store: store, ports: ports, terms: t}
}

// Invoice is one invoice, to its seller, its buyer, operators, auditors and the
// system; anybody else's is ErrNotFound.
func (s *Service) Invoice(ctx context.Context, id platform.ID) (Invoice, error) {
	v, _, err := s.mine(ctx, id)
	return v, err
}

// Letters are the red letters of an invoice, the oldest first, to those who see
// it.
func (s *Service) Letters(ctx context.Context, id platform.ID) ([]Letter, error) {
	v, _, err := s.mine(ctx, id)
	if err != nil {
		return nil, err
	}
	ids := make([]platform.ID, v.Letters)
	for n := range ids {
		ids[n] = letterID(v.ID, n)
	}
	return s.store.Letters(ctx, ids...)
}

// Tally is what was invoiced of a subject, to operators, auditors and the system.
// It fails with ErrNotFound when nothing ever was.
func (s *Service) Tally(ctx context.Context, subject platform.Ref, kind Kind) (Tally, error) {
	a, err := s.w.Actor(ctx)
	if err == nil && !(Invoice{}).mine(a) {
		err = platform.NotFound(subject)
	}
	if err != nil {
		return Tally{}, err
	}
	return s.store.Tally(ctx, TallyID(subject, kind))
}

// Query narrows a list of invoices. Of its fields the first that is given counts.
type Query struct {
	Subject platform.Ref
	Buyer   platform.ID
	Seller  platform.ID
	State   State
	Cursor  string
}

// Invoices lists invoices, the newest first. Customers see those they bought,
// merchants those they sold, or with Buyer those they bought.
func (s *Service) Invoices(ctx context.Context, q Query) (platform.Page[Invoice], error) {
	a, err := s.w.Actor(ctx)
	if err != nil {
		return platform.Page[Invoice]{}, err
	}
	switch a.Kind {
	case platform.Operator, platform.Auditor, platform.System:
	case platform.Customer:
		q = Query{Buyer: a.For(), Cursor: q.Cursor}
	case platform.Merchant:
		own := Query{Seller: a.For(), Cursor: q.Cursor}
		if q.Buyer == a.For() {
			own.Seller, own.Buyer = "", q.Buyer
		}
		q = own
	default:
		return platform.Page[Invoice]{}, nil
	}
	return s.store.Invoices(ctx, q)
}

// mine loads an invoice for who acts.
func (s *Service) mine(ctx context.Context, id platform.ID) (Invoice, platform.Actor, error) {
	a, err := s.w.Actor(ctx)
	if err != nil {
		return Invoice{}, a, err
	}
	v, err := s.store.Invoice(ctx, id)
	if err == nil && !v.mine(a) {
		err = platform.NotFound(v.Ref())
	}
	if err != nil {
		return Invoice{}, a, err
	}
	return v, a, nil
}

// tally is a subject's, a new one if there is none yet.
func (s *Service) tally(ctx context.Context, subject platform.Ref, kind Kind, zero platform.Money) (Tally, error) {
	t, err := s.store.Tally(ctx, TallyID(subject, kind))
	if errors.Is(err, platform.ErrNotFound) {
		return Tally{Head: platform.Head{ID: TallyID(subject, kind)}, Subject: subject, Kind: kind, Invoiced: zero, Red: zero}, nil
	}
	if err != nil {
		return Tally{}, fmt.Errorf("invoices of %s: %w", subject, err)
	}
	return t, nil
}

// system is ctx in which the platform acts, for what follows a command's first
// step.
func (s *Service) system(ctx context.Context) context.Context {
	a := platform.SystemActor("invoice")
	a.Tenant = s.w.Tenant
	return platform.As(platform.WithoutKey(ctx), a)
}

// persist carries a step out however often others get in between: what the
// Invoicer said is never dropped for a conflict, and a number is taken when its
// turn comes.
func persist[A any](ctx context.Context, s *Service, step any, decide func(context.Context) (A, []platform.Change, error)) (A, error) {
	for {
		answer, err := platform.Update(ctx, s.w, step, decide)
		if code := platform.Code(err); code != "stale" && code != "restless" || ctx.Err() != nil {
			return answer, err
		}
	}
}
