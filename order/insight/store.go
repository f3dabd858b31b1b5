package insight

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Store is where the log and its projections are read. The projections are
// written through platform.Writer.
type Store interface {
	// Folded are the journeys of orders and the windows of days, those that exist.
	Folded(ctx context.Context, orders []platform.ID, days []string) (map[platform.ID]Journey, map[string]Day, error)
	// Journeys lists journeys; see [Find].
	Journeys(ctx context.Context, f Find) (platform.Page[Journey], error)
	// Days lists the windows of days, from one until another.
	Days(ctx context.Context, from, until, cursor string) (platform.Page[Day], error)
	// Reading is how far the log was read back; zero when it never was.
	Reading(ctx context.Context) (Reading, error)
	// Log is a page of the log, by id.
	Log(ctx context.Context, cursor string, limit int) (platform.Page[platform.Event], error)
}

// Anchor is the moment by which a window holds an order.
type Anchor string

// The anchors.
const (
	ByPlaced    Anchor = "placed"
	ByConfirmed Anchor = "confirmed"
	ByStarted   Anchor = "started"
	ByCompleted Anchor = "completed"

	byWanted Anchor = "wanted" // when staff is wanted for it
)

// Find lists journeys by their moment, in [From, Until): all, or those of a
// merchant. With Customers they come by customer, and then by completion; of one
// customer if it is named.
type Find struct {
	By          Anchor
	Merchant    platform.ID
	Customers   bool
	Customer    platform.ID
	From, Until time.Time // zero: open
	Cursor      string
}

// Day is one day of the tenant's zone. Its revision is how many events are known
// of the orders that have a moment in it: it rises with each one that comes.
type Day struct {
	platform.Head
	Fold   string `json:"fold" class:"internal"`
	Day    string `json:"day" class:"internal"`
	Events int64  `json:"events" class:"internal"` // the revision
}

// Ref names the day.
func (d Day) Ref() platform.Ref { return platform.Ref{Kind: dayKind, ID: d.ID} }

// Reading is how far the log was read back.
type Reading struct {
	platform.Head
	Terms  string `json:"terms" class:"internal"`
	Round  int    `json:"round" class:"internal"` // of reading all of it
	Cursor string `json:"cursor,omitempty" class:"internal"`
	Done   bool   `json:"done" class:"internal"`
}

// fold marks what was folded in this round: what an earlier one left, by the same
// terms or by others, counts no more.
func (r Reading) fold() string { return fmt.Sprintf("%s.%d", r.Terms, r.Round) }

// Ref names the reading.
func (r Reading) Ref() platform.Ref { return platform.Ref{Kind: readingKind, ID: r.ID} }

const (
	journeyKind = "insight.journey"
	dayKind     = "insight.day"
	readingKind = "insight.reading"
)

// readingID is that of the one reading.
var readingID = platform.NewID("irg", time.Unix(0, 0), 0, 0)

func dayID(of string) platform.ID {
	sum := sha256.Sum256([]byte(of))
	return platform.NewID("idy", time.Unix(0, 0), platform.Key{Scope: dayKind, Name: of}.Slot(), binary.BigEndian.Uint64(sum[:8]))
}

// Kinds are the projections, as an engine must know them. All of them can be
// made anew from the log.
func Kinds() []platform.Kind {
	var indexes []platform.Index
	for _, a := range []Anchor{ByPlaced, ByConfirmed, ByStarted, ByCompleted, byWanted} {
		indexes = append(indexes, platform.Index{By: []string{string(a)}, Sparse: true})
	}
	for _, a := range []Anchor{ByPlaced, ByConfirmed, ByStarted, ByCompleted} {
		indexes = append(indexes, platform.Index{By: []string{"merchant", string(a)}, Sparse: true})
	}
	return []platform.Kind{
		platform.Shape[Journey]{
			Name: journeyKind, Prefix: "jny", Derived: true,
			Columns: func(j Journey) []platform.Column {
				return []platform.Column{
					{Name: "customer", Value: j.Customer}, {Name: "merchant", Value: j.Merchant}, {Name: "placed", Value: j.Placed},
					{Name: "confirmed", Value: j.Confirmed}, {Name: "started", Value: j.Started}, {Name: "completed", Value: j.Completed},
					{Name: "wanted", Value: j.wanted()},
				}
			},
			Indexes: append(indexes, platform.Index{By: []string{"customer", "completed"}, Sparse: true}),
		}.Kind(),
		platform.Shape[Day]{
			Name: dayKind, Prefix: "idy", Derived: true,
			Columns: func(d Day) []platform.Column { return []platform.Column{{Name: "day", Value: d.Day}} },
			Indexes: []platform.Index{{By: []string{"day"}}},
		}.Kind(),
		platform.Shape[Reading]{Name: readingKind, Prefix: "irg", Derived: true}.Kind(),
	}
}

// StoreOn reads from any engine that knows [Kinds].
func StoreOn(db platform.DB) Store { return records{db} }

type records struct{ db platform.Getter }

func (r records) Folded(ctx context.Context, orders []platform.ID, days []string) (map[platform.ID]Journey, map[string]Day, error) {
	refs := make([]platform.Ref, 0, len(orders)+len(days))
	for _, id := range orders {
		refs = append(refs, platform.Ref{Kind: journeyKind, ID: journeyID(id)})
	}
	for _, of := range days {
		refs = append(refs, platform.Ref{Kind: dayKind, ID: dayID(of)})
	}
	found, err := platform.Lookup(ctx, r.db, refs...)
	if err != nil {
		return nil, nil, err
	}
	journeys, err := platform.Found[Journey](found, refs[:len(orders)]...)
	if err != nil {
		return nil, nil, err
	}
	windows, err := platform.Found[Day](found, refs[len(orders):]...)
	if err != nil {
		return nil, nil, err
	}
	byOrder, byDay := map[platform.ID]Journey{}, map[string]Day{}
	for _, j := range journeys {
		byOrder[j.Order] = j
	}
	for _, d := range windows {
		byDay[d.Day] = d
	}
	return byOrder, byDay, nil
}

func (r records) Journeys(ctx context.Context, f Find) (platform.Page[Journey], error) {
	q := platform.Query{Kind: journeyKind, By: []string{string(f.By)}, Limit: 500, Cursor: f.Cursor}
	switch {
	case f.Customer != "":
		q.By, q.Equal = []string{"customer", "completed"}, []any{f.Customer}
	case f.Customers:
		q.By = []string{"customer", "completed"}
		return platform.List[Journey](ctx, r.db, q)
	case f.Merchant != "":
		q.By, q.Equal = []string{"merchant", string(f.By)}, []any{f.Merchant}
	}
	if !f.From.IsZero() {
		q.From = f.From
	}
	if !f.Until.IsZero() {
		q.Until = f.Until
	}
	return platform.List[Journey](ctx, r.db, q)
}

func (r records) Days(ctx context.Context, from, until, cursor string) (platform.Page[Day], error) {
	return platform.List[Day](ctx, r.db, platform.Query{Kind: dayKind, By: []string{"day"}, From: from, Until: until, Limit: 500, Cursor: cursor})
}

func (r records) Reading(ctx context.Context) (Reading, error) {
	found, err := platform.Lookup(ctx, r.db, platform.Ref{Kind: readingKind, ID: readingID})
	if err != nil {
		return Reading{}, err
	}
	all, err := platform.Found[Reading](found, platform.Ref{Kind: readingKind, ID: readingID})
	if err != nil || len(all) == 0 {
		return Reading{Head: platform.Head{ID: readingID}}, err
	}
	return all[0], nil
}

func (r records) Log(ctx context.Context, cursor string, limit int) (platform.Page[platform.Event], error) {
	return platform.List[platform.Event](ctx, r.db, platform.Query{Kind: "event", Limit: limit, Cursor: cursor})
}
