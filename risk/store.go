package risk

import (
	"context"

	"github.com/liangding/platform"
)

const (
	kindGauge = "risk.indicator"
	kindAlert = "risk.alert"
)

// Store is where this package reads. [StoreOn] is one over any engine. A read of
// one record fails with ErrNotFound when there is none.
type Store interface {
	Gauge(ctx context.Context, id platform.ID) (Gauge, error)
	Alert(ctx context.Context, id platform.ID) (Alert, error)

	// Alerts reads a page by an index of [Kinds], the Query without Kind.
	Alerts(ctx context.Context, q platform.Query) (platform.Page[Alert], error)
}

// StoreOn is the Store over an engine that was opened with [Kinds].
func StoreOn(db platform.DB) Store { return store{db} }

type store struct{ db platform.Getter }

func (s store) Gauge(ctx context.Context, id platform.ID) (Gauge, error) {
	return platform.Read[Gauge](ctx, s.db, kindGauge, id)
}

func (s store) Alert(ctx context.Context, id platform.ID) (Alert, error) {
	return platform.Read[Alert](ctx, s.db, kindAlert, id)
}

func (s store) Alerts(ctx context.Context, q platform.Query) (platform.Page[Alert], error) {
	q.Kind = kindAlert
	return platform.List[Alert](ctx, s.db, q)
}

// Kinds are the records of this package, to open an engine with.
func Kinds() []platform.Kind {
	return []platform.Kind{platform.Shape[Gauge]{Name: kindGauge, Prefix: "ind"}.Kind(), alertShape.Kind()}
}

var alertShape = platform.Shape[Alert]{
	Name: kindAlert, Prefix: "alr",
	Columns: func(a Alert) []platform.Column {
		return []platform.Column{{Name: "state", Value: a.State}, {Name: "fired", Value: a.FiredAt}, {Name: "due", Value: a.Due}}
	},
	Indexes: []platform.Index{{By: []string{"state", "fired"}}, {By: []string{"due"}, Sparse: true}},
}
