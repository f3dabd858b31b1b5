package budget

import (
	"cmp"
	"context"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Terms are the defaults of the domain.
type Terms struct {
	Senior string          // role that approves large virements; if empty, director
	Large  decimal.Decimal // share of the line from which a virement is large, above it; if zero, 0.1
}

// Ports are what budgets need of others.
type Ports struct {
	Books Books
}

// Options of a service; nil means defaults.
type Options struct {
	Terms Terms
}

// Service plans and approves. It may be used by several goroutines at once.
type Service struct {
	w     platform.Writer
	store Store
	ports Ports
	terms Terms
}

// New makes the service. It panics, since that is a mistake in the wiring,
// without Books.
func New(w platform.Writer, store Store, ports Ports, opts *Options) *Service {
	if ports.Books == nil {
		panic("budget: New needs Books")
	}
	s := &Service{w: w.Ready(), store: store, ports: ports}
	if opts != nil {
		s.terms = opts.Terms
	}
	s.terms.Senior = cmp.Or(s.terms.Senior, "director")
	if s.terms.Large.IsZero() {
		s.terms.Large = decimal.New(1, -1)
	}
	return s
}

// reader refuses all but operators and auditors of the tenant.
func (s *Service) reader(ctx context.Context) error {
	by, err := s.w.Actor(ctx)
	if err == nil && by.Kind != platform.Operator && by.Kind != platform.Auditor && by.Kind != platform.System {
		err = errReader
	}
	return err
}

// line is one line, or ErrNotFound.
func (s *Service) line(ctx context.Context, id platform.ID) (Line, error) {
	all, err := s.store.Lines(ctx, id)
	if err == nil && len(all) == 0 {
		err = platform.NotFound(platform.Ref{Kind: lineKind, ID: id})
	}
	if err != nil {
		return Line{}, err
	}
	return all[0], nil
}

// Budget is one budget. Operators and auditors see it.
func (s *Service) Budget(ctx context.Context, id platform.ID) (Budget, error) {
	if err := s.reader(ctx); err != nil {
		return Budget{}, err
	}
	return s.store.Budget(ctx, id)
}

// Budgets are all budgets, the latest first.
func (s *Service) Budgets(ctx context.Context, cursor string) (platform.Page[Budget], error) {
	if err := s.reader(ctx); err != nil {
		return platform.Page[Budget]{}, err
	}
	return s.store.Budgets(ctx, cursor)
}

// Standing is a line and what is on it.
type Standing struct {
	Line
	Balance Balance `json:"balance"`
}

// Lines are the lines of a budget, or of none all that are in force, with what is
// on them. Whoever may claim sees them.
func (s *Service) Lines(ctx context.Context, budget platform.ID, cursor string) (platform.Page[Standing], error) {
	by, err := s.w.Actor(ctx)
	if err == nil && (by.Kind == platform.Customer || by.Kind == platform.Merchant) {
		err = errReader
	}
	if err != nil {
		return platform.Page[Standing]{}, err
	}
	page, err := s.store.LinesOf(ctx, budget, cursor)
	if err != nil {
		return platform.Page[Standing]{}, err
	}
	all, err := balances(ctx, s.store, page.Items)
	if err != nil {
		return platform.Page[Standing]{}, err
	}
	out := platform.Page[Standing]{Next: page.Next}
	for i, l := range page.Items {
		out.Items = append(out.Items, Standing{l, all[i]})
	}
	return out, nil
}

// Open are the commitments that are open on a line.
func (s *Service) Open(ctx context.Context, line platform.ID, cursor string) (platform.Page[Commitment], error) {
	if err := s.reader(ctx); err != nil {
		return platform.Page[Commitment]{}, err
	}
	return s.store.Open(ctx, line, cursor)
}

// Moves are the virements that wait for approval.
func (s *Service) Moves(ctx context.Context, cursor string) (platform.Page[Move], error) {
	if err := s.reader(ctx); err != nil {
		return platform.Page[Move]{}, err
	}
	return s.store.Moves(ctx, cursor)
}

// deciding runs a command of operators on a budget.
func (s *Service) deciding(ctx context.Context, in any, id platform.ID, decide func(ctx context.Context, b Budget, by platform.Actor) (Budget, []platform.Change, error)) (Budget, error) {
	b, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (Budget, []platform.Change, error) {
		by, err := s.w.Actor(ctx)
		if err != nil {
			return Budget{}, nil, err
		}
		b, err := s.store.Budget(ctx, id)
		if err != nil {
			return Budget{}, nil, err
		}
		next, set, err := decide(ctx, b, by)
		if err != nil {
			return Budget{}, nil, fmt.Errorf("budget %s: %w", id, err)
		}
		return next, append(set, platform.Put(next)), nil
	})
	return b, refusal(err)
}
