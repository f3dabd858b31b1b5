package merchant

import (
	"context"
	"errors"
	"slices"

	"github.com/liangding/platform"
)

// Kinds of this package's records.
const (
	kindMerchant    = "merchant"
	kindApplication = "merchant.application"
	kindAgreement   = "merchant.agreement"
	kindListing     = "merchant.listing"
	kindRevision    = "merchant.revision"
)

// Store is where this package reads. [StoreOn] is one over any engine; an
// embedder may replace either half by tables of its own.
type Store interface {
	Parties
	Shelf

	// Behind reads what a listing names, in one trip: its merchant, and its draft
	// and its live revision, each zero when it has none.
	Behind(ctx context.Context, l Listing) (m Merchant, draft, live Revision, err error)
}

// Parties reads who sells. Each read of one record fails with ErrNotFound when
// there is none; a page is read by an index of [Kinds], its Query without Kind.
type Parties interface {
	Application(ctx context.Context, id platform.ID) (Application, error)
	Applications(ctx context.Context, q platform.Query) (platform.Page[Application], error)
	Merchant(ctx context.Context, id platform.ID) (Merchant, error)
	Merchants(ctx context.Context, q platform.Query) (platform.Page[Merchant], error)
	Agreement(ctx context.Context, id platform.ID) (Agreement, error)

	// MerchantsByID reads several in one trip, in the order asked.
	MerchantsByID(ctx context.Context, ids ...platform.ID) ([]Merchant, error)

	// Papers reads a merchant's application and agreement in one trip.
	Papers(ctx context.Context, m Merchant) (Application, Agreement, error)
}

// Shelf reads what is sold, by the rules of [Parties].
type Shelf interface {
	Listing(ctx context.Context, id platform.ID) (Listing, error)

	// ListingsByID reads several in one trip, in the order asked.
	ListingsByID(ctx context.Context, ids ...platform.ID) ([]Listing, error)
	Listings(ctx context.Context, q platform.Query) (platform.Page[Listing], error)
	Revision(ctx context.Context, id platform.ID) (Revision, error)
}

// StoreOn is the Store over an engine that was opened with [Kinds].
func StoreOn(db platform.DB) Store { return store{db} }

type store struct{ db platform.Getter }

func (s store) Application(ctx context.Context, id platform.ID) (Application, error) {
	return platform.Read[Application](ctx, s.db, kindApplication, id)
}

func (s store) Applications(ctx context.Context, q platform.Query) (platform.Page[Application], error) {
	q.Kind = kindApplication
	return platform.List[Application](ctx, s.db, q)
}

func (s store) Merchant(ctx context.Context, id platform.ID) (Merchant, error) {
	return platform.Read[Merchant](ctx, s.db, kindMerchant, id)
}

func (s store) Merchants(ctx context.Context, q platform.Query) (platform.Page[Merchant], error) {
	q.Kind = kindMerchant
	return platform.List[Merchant](ctx, s.db, q)
}

func (s store) MerchantsByID(ctx context.Context, ids ...platform.ID) ([]Merchant, error) {
	return platform.ReadAll[Merchant](ctx, s.db, kindMerchant, ids...)
}

func (s store) Papers(ctx context.Context, m Merchant) (Application, Agreement, error) {
	a, g := platform.Ref{Kind: kindApplication, ID: m.Application}, platform.Ref{Kind: kindAgreement, ID: m.Agreement}
	found, err := platform.Lookup(ctx, s.db, a, g)
	if err != nil {
		return Application{}, Agreement{}, err
	}
	application, one := among[Application](found, a)
	agreement, two := among[Agreement](found, g)
	return application, agreement, errors.Join(one, two)
}

// among is a record that must be among those found; the zero value for no id.
func among[T any](found map[platform.Ref]platform.Record, ref platform.Ref) (one T, err error) {
	all, err := platform.Found[T](found, ref)
	if err == nil && len(all) == 0 && ref.ID != "" {
		err = platform.NotFound(ref)
	}
	if len(all) > 0 {
		one = all[0]
	}
	return one, err
}

func (s store) Agreement(ctx context.Context, id platform.ID) (Agreement, error) {
	return platform.Read[Agreement](ctx, s.db, kindAgreement, id)
}

func (s store) Listing(ctx context.Context, id platform.ID) (Listing, error) {
	return platform.Read[Listing](ctx, s.db, kindListing, id)
}

func (s store) ListingsByID(ctx context.Context, ids ...platform.ID) ([]Listing, error) {
	return platform.ReadAll[Listing](ctx, s.db, kindListing, ids...)
}

func (s store) Listings(ctx context.Context, q platform.Query) (platform.Page[Listing], error) {
	q.Kind = kindListing
	return platform.List[Listing](ctx, s.db, q)
}

func (s store) Revision(ctx context.Context, id platform.ID) (Revision, error) {
	return platform.Read[Revision](ctx, s.db, kindRevision, id)
}

func (s store) Behind(ctx context.Context, l Listing) (Merchant, Revision, Revision, error) {
	m, draft, live := platform.Ref{Kind: kindMerchant, ID: l.Merchant}, platform.Ref{Kind: kindRevision, ID: l.Draft}, platform.Ref{Kind: kindRevision, ID: l.Live}
	named := slices.DeleteFunc([]platform.Ref{m, draft, live}, func(r platform.Ref) bool { return r.ID == "" })
	found, err := platform.Lookup(ctx, s.db, named...)
	if err != nil {
		return Merchant{}, Revision{}, Revision{}, err
	}
	owner, one := among[Merchant](found, m)
	drafted, two := among[Revision](found, draft)
	shown, three := among[Revision](found, live)
	return owner, drafted, shown, errors.Join(one, two, three)
}

// Kinds are the records of this package, to open an engine with.
func Kinds() []platform.Kind {
	return []platform.Kind{applicationShape.Kind(), merchantShape.Kind(), agreementShape.Kind(), listingShape.Kind(), revisionShape.Kind()}
}

var applicationShape = platform.Shape[Application]{
	Name: kindApplication, Prefix: "apl",
	Columns: func(a Application) []platform.Column {
		return []platform.Column{
			{Name: "state", Value: a.State}, {Name: "applicant", Value: a.Applicant},
			{Name: "identity", Value: a.Identity}, {Name: "reference", Value: a.source()}, {Name: "due", Value: a.Due},
		}
	},
	Indexes: []platform.Index{
		{By: []string{"state"}}, {By: []string{"applicant", "state"}},
		{By: []string{"identity"}, Sparse: true}, {By: []string{"reference"}, Sparse: true}, {By: []string{"due"}, Sparse: true},
	},
	Unique: func(a Application) (claims []platform.Claim) {
		if a.Identity != "" && a.holds() {
			claims = append(claims, platform.Claim{Scope: "merchant.application/identity", Key: a.Identity})
		}
		if a.Reference != "" {
			claims = append(claims, platform.Claim{Scope: "merchant.application/reference", Key: a.source()})
		}
		return claims
	},
}

var merchantShape = platform.Shape[Merchant]{
	Name: kindMerchant, Prefix: "mer",
	Columns: func(m Merchant) []platform.Column {
		return []platform.Column{{Name: "state", Value: m.State}, {Name: "due", Value: m.Due}}
	},
	Indexes: []platform.Index{{By: []string{"state"}}, {By: []string{"due"}, Sparse: true}},
	Pinned:  true, // every order checks it
}

var agreementShape = platform.Shape[Agreement]{
	Name: kindAgreement, Prefix: "agr", Root: kindMerchant,
	RootOf: func(g Agreement) platform.ID { return g.Merchant },
	Unique: func(g Agreement) []platform.Claim {
		if g.State != InForce {
			return nil
		}
		return []platform.Claim{{Scope: "merchant.agreement/in_force", Key: string(g.Merchant)}}
	},
}

var listingShape = platform.Shape[Listing]{
	Name: kindListing, Prefix: "lst",
	Columns: func(l Listing) []platform.Column {
		return []platform.Column{{Name: "merchant", Value: l.Merchant}, {Name: "state", Value: l.State}, {Name: "queued", Value: l.Queued}}
	},
	Indexes: []platform.Index{{By: []string{"state"}}, {By: []string{"merchant", "state"}}, {By: []string{"queued"}, Sparse: true}},
	Pinned:  true, // every order checks it
}

var revisionShape = platform.Shape[Revision]{
	Name: kindRevision, Prefix: "rev", Root: kindListing,
	RootOf: func(r Revision) platform.ID { return r.Listing },
}
