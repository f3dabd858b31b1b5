package dispute

import (
	"context"
	"time"

	"github.com/liangding/platform"
)

// Store is where disputes are read.
type Store interface {
	// Dispute reads one dispute, or fails with ErrNotFound.
	Dispute(ctx context.Context, id platform.ID) (Dispute, error)
	// Disputes lists disputes; see [Query].
	Disputes(ctx context.Context, q Query) (platform.Page[Dispute], error)
	// Evidence lists what was filed in a dispute, the oldest first.
	Evidence(ctx context.Context, dispute platform.ID, cursor string) (platform.Page[Evidence], error)
	// Due lists disputes that are due at now, the earliest first.
	Due(ctx context.Context, now time.Time, cursor string) (platform.Page[Dispute], error)
}

// Query lists disputes of an order, a customer, a merchant, or in a state (the first
// that is given counts), by when they are due.
type Query struct {
	Order    platform.ID
	Customer platform.ID
	Merchant platform.ID
	State    State
	Cursor   string
}

const (
	disputeKind  = "order.dispute"
	evidenceKind = "order.evidence"
)

// Kinds are the records of disputes, as an engine must know them.
func Kinds() []platform.Kind {
	return []platform.Kind{
		platform.Shape[Dispute]{
			Name: disputeKind, Prefix: "dsp", Root: "order", RootOf: func(d Dispute) platform.ID { return d.Order },
			Columns: func(d Dispute) []platform.Column {
				return []platform.Column{
					{Name: "order", Value: d.Order}, {Name: "customer", Value: d.Customer}, {Name: "merchant", Value: d.Merchant},
					{Name: "kind", Value: d.Kind}, {Name: "state", Value: d.State}, {Name: "turn", Value: d.Whose()},
					{Name: "opened_at", Value: d.OpenedAt}, {Name: "due", Value: d.Due},
				}
			},
			Indexes: []platform.Index{
				{By: []string{"order", "opened_at"}}, {By: []string{"customer", "opened_at"}}, {By: []string{"merchant", "opened_at"}},
				{By: []string{"state", "opened_at"}}, {By: []string{"due"}, Sparse: true},
			},
		}.Kind(),
		platform.Shape[Evidence]{
			Name: evidenceKind, Prefix: "evd", Root: "order", RootOf: func(e Evidence) platform.ID { return e.Order },
			Columns: func(e Evidence) []platform.Column {
				return []platform.Column{{Name: "dispute", Value: e.Dispute}, {Name: "no", Value: e.No}}
			},
			Indexes: []platform.Index{{By: []string{"dispute", "no"}}},
		}.Kind(),
	}
}

// StoreOn reads from any engine that knows [Kinds].
func StoreOn(db platform.Getter) Store { return records{db} }

type records struct{ db platform.Getter }

func (r records) Dispute(ctx context.Context, id platform.ID) (Dispute, error) {
	return platform.Read[Dispute](ctx, r.db, disputeKind, id)
}

func (r records) Disputes(ctx context.Context, q Query) (platform.Page[Dispute], error) {
	scan := platform.Query{Kind: disputeKind, Limit: 50, Cursor: q.Cursor}
	switch {
	case q.Order != "":
		scan.By, scan.Equal = []string{"order", "opened_at"}, []any{q.Order}
	case q.Customer != "":
		scan.By, scan.Equal, scan.Backward = []string{"customer", "opened_at"}, []any{q.Customer}, true
	case q.Merchant != "":
		scan.By, scan.Equal, scan.Backward = []string{"merchant", "opened_at"}, []any{q.Merchant}, true
	default:
		scan.By, scan.Equal = []string{"state", "opened_at"}, []any{q.State}
	}
	return platform.List[Dispute](ctx, r.db, scan)
}

func (r records) Evidence(ctx context.Context, dispute platform.ID, cursor string) (platform.Page[Evidence], error) {
	return platform.List[Evidence](ctx, r.db, platform.Query{Kind: evidenceKind, By: []string{"dispute", "no"}, Equal: []any{dispute}, Limit: 200, Cursor: cursor})
}

func (r records) Due(ctx context.Context, now time.Time, cursor string) (platform.Page[Dispute], error) {
	until := now.Add(time.Microsecond) // exclusive; no engine keeps less than a microsecond apart
	return platform.List[Dispute](ctx, r.db, platform.Query{Kind: disputeKind, By: []string{"due"}, Until: until, Limit: 100, Cursor: cursor})
}
