package claim

import (
	"context"
	"errors"
	"time"

	"github.com/liangding/platform"
)

// Store is what claims read.
type Store interface {
	// Claim, Payment and Advance are one record, or ErrNotFound.
	Claim(ctx context.Context, id platform.ID) (Claim, error)
	Payment(ctx context.Context, id platform.ID) (Payment, error)
	Advance(ctx context.Context, id platform.ID) (Advance, error)

	// Found are those of the records that exist, in one trip.
	Found(ctx context.Context, refs ...platform.Ref) (Records, error)

	Lists
}

// Lists are read page by page; what they tell is read again before it is acted on.
type Lists interface {
	// ClaimsOf are those of a claimant, the latest first.
	ClaimsOf(ctx context.Context, claimant platform.ID, cursor string) (platform.Page[Claim], error)

	// InState are those in a state, and Turn those whose turn is a role: the
	// oldest first.
	InState(ctx context.Context, state State, cursor string) (platform.Page[Claim], error)
	Turn(ctx context.Context, role, cursor string) (platform.Page[Claim], error)

	// Advances are those in a state.
	Advances(ctx context.Context, state AdvanceState, cursor string) (platform.Page[Advance], error)

	// DueClaims, DuePayments and DueAdvances are those that are due at now.
	DueClaims(ctx context.Context, now time.Time, cursor string) (platform.Page[Claim], error)
	DuePayments(ctx context.Context, now time.Time, cursor string) (platform.Page[Payment], error)
	DueAdvances(ctx context.Context, now time.Time, cursor string) (platform.Page[Advance], error)
}

// Records are some of claims, each kind in the order asked.
type Records struct {
	People   []Person
	Matrices []Matrix
}

const (
	claimKind   = "finance.claim"
	paymentKind = "claim.payment"
	advanceKind = "claim.advance"
	personKind  = "claim.person"
	matrixKind  = "claim.matrix"
)

// Kinds are the records that this package writes.
func Kinds() []platform.Kind {
	state, due := platform.Index{By: []string{"state"}}, platform.Index{By: []string{"due"}, Sparse: true}
	return []platform.Kind{
		platform.Shape[Claim]{
			Name: claimKind, Prefix: "clm",
			Columns: func(c Claim) []platform.Column {
				return []platform.Column{
					{Name: "claimant", Value: c.Claimant}, {Name: "state", Value: c.State}, {Name: "turn", Value: c.Turn()}, {Name: "due", Value: c.Due},
				}
			},
			Indexes: []platform.Index{{By: []string{"claimant"}}, state, {By: []string{"turn"}, Sparse: true}, due},
			Unique:  Claim.vouchers,
		}.Kind(),
		platform.Shape[Payment]{
			Name: paymentKind, Prefix: "cpy", Root: claimKind, RootOf: func(p Payment) platform.ID { return p.Claim },
			Columns: func(p Payment) []platform.Column { return []platform.Column{{Name: "due", Value: p.Due}} },
			Indexes: []platform.Index{due},
		}.Kind(),
		platform.Shape[Advance]{
			Name: advanceKind, Prefix: "csh",
			Columns: func(a Advance) []platform.Column {
				return []platform.Column{{Name: "state", Value: a.State}, {Name: "due", Value: a.Due}}
			},
			Indexes: []platform.Index{state, due},
		}.Kind(),
		platform.Shape[Person]{Name: personKind, Prefix: "clp"}.Kind(),
		platform.Shape[Matrix]{Name: matrixKind, Prefix: "cmx", Pinned: true}.Kind(),
	}
}

// Turn is the role whose turn it is; empty when nobody's is.
func (c Claim) Turn() string {
	if c.State != Submitted && c.State != Approving || c.At >= len(c.Chain) {
		return ""
	}
	return c.Chain[c.At].Role
}

// StoreOn is the store on an engine.
func StoreOn(db platform.Getter) Store { return store{db} }

type store struct{ db platform.Getter }

func (s store) Claim(ctx context.Context, id platform.ID) (Claim, error) {
	return platform.Read[Claim](ctx, s.db, claimKind, id)
}

func (s store) Payment(ctx context.Context, id platform.ID) (Payment, error) {
	return platform.Read[Payment](ctx, s.db, paymentKind, id)
}

func (s store) Advance(ctx context.Context, id platform.ID) (Advance, error) {
	return platform.Read[Advance](ctx, s.db, advanceKind, id)
}

func (s store) Found(ctx context.Context, refs ...platform.Ref) (Records, error) {
	found, err := platform.Lookup(ctx, s.db, refs...)
	if err != nil {
		return Records{}, err
	}
	of := map[string][]platform.Ref{}
	for _, r := range refs {
		of[r.Kind] = append(of[r.Kind], r)
	}
	persons, one := platform.Found[Person](found, of[personKind]...)
	matrices, two := platform.Found[Matrix](found, of[matrixKind]...)
	return Records{persons, matrices}, errors.Join(one, two)
}

func (s store) ClaimsOf(ctx context.Context, claimant platform.ID, cursor string) (platform.Page[Claim], error) {
	return platform.List[Claim](ctx, s.db, platform.Query{Kind: claimKind, By: []string{"claimant"}, Equal: []any{claimant}, Backward: true, Cursor: cursor})
}

func (s store) InState(ctx context.Context, state State, cursor string) (platform.Page[Claim], error) {
	return platform.List[Claim](ctx, s.db, platform.Query{Kind: claimKind, By: []string{"state"}, Equal: []any{state}, Cursor: cursor})
}

func (s store) Turn(ctx context.Context, role, cursor string) (platform.Page[Claim], error) {
	return platform.List[Claim](ctx, s.db, platform.Query{Kind: claimKind, By: []string{"turn"}, Equal: []any{role}, Cursor: cursor})
}

func (s store) Advances(ctx context.Context, state AdvanceState, cursor string) (platform.Page[Advance], error) {
	return platform.List[Advance](ctx, s.db, platform.Query{Kind: advanceKind, By: []string{"state"}, Equal: []any{state}, Cursor: cursor})
}

func (s store) DueClaims(ctx context.Context, now time.Time, cursor string) (platform.Page[Claim], error) {
	return platform.List[Claim](ctx, s.db, due(claimKind, now, cursor))
}

func (s store) DuePayments(ctx context.Context, now time.Time, cursor string) (platform.Page[Payment], error) {
	return platform.List[Payment](ctx, s.db, due(paymentKind, now, cursor))
}

func (s store) DueAdvances(ctx context.Context, now time.Time, cursor string) (platform.Page[Advance], error) {
	return platform.List[Advance](ctx, s.db, due(advanceKind, now, cursor))
}

func due(kind string, now time.Time, cursor string) platform.Query {
	until := now.Add(time.Microsecond) // the end is exclusive, and now itself is due
	return platform.Query{Kind: kind, By: []string{"due"}, Until: until, Limit: 100, Cursor: cursor}
}
