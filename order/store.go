package order

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Store is where orders are read. They are written through platform.Writer.
type Store interface {
	ChangeStore
	BillStore
	PolicyStore
	// Order reads one order, or fails with ErrNotFound.
	Order(ctx context.Context, id platform.ID) (Order, error)
	// Orders lists orders by when they were placed; see [Query].
	Orders(ctx context.Context, q Query) (platform.Page[Order], error)
	// Due lists orders whose deadline is at now or before, the earliest first.
	Due(ctx context.Context, now time.Time, cursor string) (platform.Page[Order], error)
	// Refund reads one refund, or fails with ErrNotFound.
	Refund(ctx context.Context, id platform.ID) (Refund, error)
	// RefundOf reads an order and a refund of it in one trip, or fails with
	// ErrNotFound.
	RefundOf(ctx context.Context, order, refund platform.ID) (Order, Refund, error)
	// Refunds lists an order's refunds, the oldest first.
	Refunds(ctx context.Context, order platform.ID, cursor string) (platform.Page[Refund], error)
	// Proofs lists an order's proofs, the oldest first.
	Proofs(ctx context.Context, order platform.ID, cursor string) (platform.Page[Proof], error)
}

// ChangeStore is where changes are read.
type ChangeStore interface {
	// Change reads one change, or fails with ErrNotFound.
	Change(ctx context.Context, id platform.ID) (Change, error)
	// Changes lists an order's changes, the oldest first.
	Changes(ctx context.Context, order platform.ID, cursor string) (platform.Page[Change], error)
	// DueChanges lists changes whose deadline is at now or before, the earliest
	// first.
	DueChanges(ctx context.Context, now time.Time, cursor string) (platform.Page[Change], error)
}

// BillStore is where checkouts and tips are read.
type BillStore interface {
	// Checkout reads one checkout, or fails with ErrNotFound.
	Checkout(ctx context.Context, id platform.ID) (Checkout, error)
	// OrdersOf reads orders in the order asked, in one trip, or fails with
	// ErrNotFound.
	OrdersOf(ctx context.Context, ids ...platform.ID) ([]Order, error)
	// Tip reads one tip, or fails with ErrNotFound.
	Tip(ctx context.Context, id platform.ID) (Tip, error)
	// Tips lists an order's tips, the oldest first.
	Tips(ctx context.Context, order platform.ID, cursor string) (platform.Page[Tip], error)
	// DueTips lists tips whose deadline is at now or before, the earliest first.
	DueTips(ctx context.Context, now time.Time, cursor string) (platform.Page[Tip], error)
}

// PolicyStore is where cancellation policies are read, and what no-shows are priced
// by.
type PolicyStore interface {
	// Absence reads when a customer was last not there, or fails with ErrNotFound.
	Absence(ctx context.Context, customer platform.ID) (Absence, error)
	// Policy reads one cancellation policy on record, or fails with ErrNotFound, as
	// all of the next do.
	Policy(ctx context.Context, id platform.ID) (CancelPolicy, error)
	// PolicyVersion reads the published version of a name.
	PolicyVersion(ctx context.Context, name string, version int) (CancelPolicy, error)
	// PolicyAt reads the published version of a name that is in effect at a moment.
	PolicyAt(ctx context.Context, name string, at time.Time) (CancelPolicy, error)
	// LastPolicy reads the published version of a name that takes effect last.
	LastPolicy(ctx context.Context, name string) (CancelPolicy, error)
	// Policies lists all that are on record, the newest first.
	Policies(ctx context.Context, cursor string) (platform.Page[CancelPolicy], error)
}

// Query lists orders of a customer or a merchant, or all of them; of one state
// if it is given, placed in [From, Until). A checkout is looked up for its
// customer, and then state and times do not count.
type Query struct {
	Customer platform.ID
	Merchant platform.ID
	State    State
	Checkout string
	From     time.Time // zero: open
	Until    time.Time // zero: open
	Backward bool      // the newest first
	Limit    int       // 0 is 50, at most 500
	Cursor   string
}

// scan is the query on one index. It fails with order.query when no index
// answers it.
func (q Query) scan() (platform.Query, error) {
	scan := platform.Query{Kind: "order", Backward: q.Backward, Limit: q.Limit, Cursor: q.Cursor}
	if q.Customer != "" && q.Merchant != "" || q.Checkout != "" && q.Customer == "" {
		return scan, fmt.Errorf("list orders: %w", errQuery)
	}
	if q.Checkout != "" {
		scan.By, scan.Equal = []string{"customer", "checkout"}, []any{q.Customer, q.Checkout}
		return scan, nil
	}
	for _, c := range []platform.Column{{Name: "customer", Value: q.Customer}, {Name: "merchant", Value: q.Merchant}, {Name: "state", Value: q.State}} {
		if c.Value != platform.ID("") && c.Value != State("") {
			scan.By, scan.Equal = append(scan.By, c.Name), append(scan.Equal, c.Value)
		}
	}
	scan.By = append(scan.By, "placed_at")
	if !q.From.IsZero() {
		scan.From = q.From
	}
	if !q.Until.IsZero() {
		scan.Until = q.Until
	}
	return scan, nil
}

// Kinds are the records of the orders, as an engine must know them.
func Kinds() []platform.Kind {
	return []platform.Kind{
		platform.Shape[Order]{
			Name: "order", Prefix: "ord",
			Columns: func(o Order) []platform.Column {
				return []platform.Column{
					{Name: "state", Value: o.State}, {Name: "customer", Value: o.Customer}, {Name: "merchant", Value: o.Merchant},
					{Name: "checkout", Value: o.Checkout}, {Name: "planned_start", Value: o.PlannedStart},
					{Name: "placed_at", Value: o.PlacedAt}, {Name: "due", Value: o.Due()},
				}
			},
			Indexes: []platform.Index{
				{By: []string{"due"}, Sparse: true},
				{By: []string{"customer", "placed_at"}}, {By: []string{"customer", "state", "placed_at"}},
				{By: []string{"merchant", "placed_at"}}, {By: []string{"merchant", "state", "placed_at"}},
				{By: []string{"state", "placed_at"}}, {By: []string{"placed_at"}},
				{By: []string{"customer", "checkout"}, Sparse: true},
				{By: []string{"merchant", "planned_start"}, Sparse: true},
			},
		}.Kind(),
		platform.Shape[Refund]{
			Name: "order.refund", Prefix: "rfd", Root: "order", RootOf: func(r Refund) platform.ID { return r.Order },
			Columns: func(r Refund) []platform.Column {
				return []platform.Column{{Name: "order", Value: r.Order}, {Name: "state", Value: string(r.State)}, {Name: "at", Value: r.At}}
			},
			Indexes: []platform.Index{{By: []string{"order", "at"}}, {By: []string{"state", "at"}}},
		}.Kind(),
		platform.Shape[Change]{
			Name: "order.change", Prefix: "chg", Root: "order", RootOf: func(c Change) platform.ID { return c.Order },
			Columns: func(c Change) []platform.Column {
				return []platform.Column{{Name: "order", Value: c.Order}, {Name: "state", Value: c.State}, {Name: "at", Value: c.At}, {Name: "due", Value: c.Due}}
			},
			Indexes: []platform.Index{{By: []string{"order", "at"}}, {By: []string{"due"}, Sparse: true}},
		}.Kind(),
		platform.Shape[CancelPolicy]{
			Name: policyKind, Prefix: "cpl", Pinned: true, Columns: CancelPolicy.columns, Unique: CancelPolicy.claims,
			Indexes: []platform.Index{{By: []string{"name", "effective_from"}, Sparse: true}, {By: []string{"name", "number"}}, {By: []string{"at"}}},
		}.Kind(),
		platform.Shape[Absence]{Name: absenceKind, Prefix: "abs"}.Kind(),
		platform.Shape[Checkout]{
			Name: checkoutKind, Prefix: "cko",
			Columns: func(c Checkout) []platform.Column {
				return []platform.Column{{Name: "customer", Value: c.Customer}, {Name: "state", Value: string(c.State)}, {Name: "at", Value: c.At}}
			},
			Indexes: []platform.Index{{By: []string{"customer", "at"}}},
		}.Kind(),
		platform.Shape[Tip]{
			Name: tipKind, Prefix: "tip", Root: "order", RootOf: func(t Tip) platform.ID { return t.Order },
			Columns: func(t Tip) []platform.Column {
				return []platform.Column{{Name: "order", Value: t.Order}, {Name: "state", Value: string(t.State)}, {Name: "at", Value: t.At}, {Name: "due", Value: t.Due}}
			},
			Indexes: []platform.Index{{By: []string{"order", "at"}}, {By: []string{"due"}, Sparse: true}},
		}.Kind(),
		platform.Shape[Charged]{
			Name: "order.charged", Prefix: "chd", Root: "order", RootOf: func(c Charged) platform.ID { return c.Order },
			Columns: func(c Charged) []platform.Column { return []platform.Column{{Name: "at", Value: c.At}} },
			Indexes: []platform.Index{{By: []string{"at"}}},
		}.Kind(),
		platform.Shape[Proof]{
			Name: "order.proof", Prefix: "prf", Root: "order", RootOf: func(p Proof) platform.ID { return p.Order },
			Columns: func(p Proof) []platform.Column {
				return []platform.Column{{Name: "order", Value: p.Order}, {Name: "kind", Value: p.Kind}, {Name: "at", Value: p.At}}
			},
			Indexes: []platform.Index{{By: []string{"order", "at"}}},
		}.Kind(),
	}
}

// StoreOn reads orders from any engine that knows [Kinds].
func StoreOn(db platform.Getter) Store { return records{db} }

type records struct{ db platform.Getter }

func (r records) Order(ctx context.Context, id platform.ID) (Order, error) {
	return platform.Read[Order](ctx, r.db, "order", id)
}

func (r records) Orders(ctx context.Context, q Query) (platform.Page[Order], error) {
	scan, err := q.scan()
	if err != nil {
		return platform.Page[Order]{}, err
	}
	return platform.List[Order](ctx, r.db, scan)
}

func (r records) Due(ctx context.Context, now time.Time, cursor string) (platform.Page[Order], error) {
	return platform.List[Order](ctx, r.db, overdue("order", now, cursor))
}

func (r records) Refund(ctx context.Context, id platform.ID) (Refund, error) {
	return platform.Read[Refund](ctx, r.db, "order.refund", id)
}

func (r records) RefundOf(ctx context.Context, order, refund platform.ID) (Order, Refund, error) {
	o, g := platform.Ref{Kind: "order", ID: order}, platform.Ref{Kind: "order.refund", ID: refund}
	found, err := platform.Lookup(ctx, r.db, o, g)
	if err != nil {
		return Order{}, Refund{}, err
	}
	orders, err := platform.Found[Order](found, o)
	if err != nil {
		return Order{}, Refund{}, err
	}
	refunds, err := platform.Found[Refund](found, g)
	if err == nil && (len(orders) == 0 || len(refunds) == 0 || refunds[0].Order != order) {
		err = platform.NotFound(g)
	}
	if err != nil {
		return Order{}, Refund{}, err
	}
	return orders[0], refunds[0], nil
}

func (r records) Change(ctx context.Context, id platform.ID) (Change, error) {
	return platform.Read[Change](ctx, r.db, "order.change", id)
}

func (r records) Changes(ctx context.Context, order platform.ID, cursor string) (platform.Page[Change], error) {
	return platform.List[Change](ctx, r.db, children("order.change", order, cursor))
}

func (r records) DueChanges(ctx context.Context, now time.Time, cursor string) (platform.Page[Change], error) {
	return platform.List[Change](ctx, r.db, overdue("order.change", now, cursor))
}

func (r records) Checkout(ctx context.Context, id platform.ID) (Checkout, error) {
	return platform.Read[Checkout](ctx, r.db, checkoutKind, id)
}

func (r records) OrdersOf(ctx context.Context, ids ...platform.ID) ([]Order, error) {
	return platform.ReadAll[Order](ctx, r.db, "order", ids...)
}

func (r records) Tip(ctx context.Context, id platform.ID) (Tip, error) {
	return platform.Read[Tip](ctx, r.db, tipKind, id)
}

func (r records) Tips(ctx context.Context, order platform.ID, cursor string) (platform.Page[Tip], error) {
	return platform.List[Tip](ctx, r.db, children(tipKind, order, cursor))
}

func (r records) DueTips(ctx context.Context, now time.Time, cursor string) (platform.Page[Tip], error) {
	return platform.List[Tip](ctx, r.db, overdue(tipKind, now, cursor))
}

// overdue asks for what is due at a moment or before it.
func overdue(kind string, now time.Time, cursor string) platform.Query {
	until := now.Add(time.Microsecond) // exclusive; no engine keeps less than a microsecond apart
	return platform.Query{Kind: kind, By: []string{"due"}, Until: until, Limit: 500, Cursor: cursor}
}

func (r records) Refunds(ctx context.Context, order platform.ID, cursor string) (platform.Page[Refund], error) {
	return platform.List[Refund](ctx, r.db, children("order.refund", order, cursor))
}

func (r records) Proofs(ctx context.Context, order platform.ID, cursor string) (platform.Page[Proof], error) {
	return platform.List[Proof](ctx, r.db, children("order.proof", order, cursor))
}

func children(kind string, order platform.ID, cursor string) platform.Query {
	return platform.Query{Kind: kind, By: []string{"order", "at"}, Equal: []any{order}, Cursor: cursor}
}
