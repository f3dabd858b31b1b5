package supervision

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/liangding/platform"
)

const (
	scheduleKind   = "supervision.control"
	runKind        = "supervision.run"
	hitKind        = "supervision.hit"
	findingKind    = "supervision.finding"
	engagementKind = "supervision.engagement"
	seedKind       = "supervision.seed"
	sampleKind     = "supervision.sample"
	adjustmentKind = "supervision.adjustment"
	cutoffKind     = "supervision.cutoff"
	packKind       = "supervision.pack"
)

// Kinds are the records that this package writes.
func Kinds() []platform.Kind {
	due := platform.Index{By: []string{"due"}, Sparse: true}
	of := platform.Index{By: []string{"engagement"}}
	engagement := func(id platform.ID) []platform.Column {
		return []platform.Column{{Name: "engagement", Value: id}}
	}
	return []platform.Kind{
		platform.Shape[Schedule]{
			Name: scheduleKind, Prefix: "ctl",
			Columns: func(c Schedule) []platform.Column { return []platform.Column{{Name: "due", Value: c.Due}} },
			Indexes: []platform.Index{due},
		}.Kind(),
		platform.Shape[Run]{
			Name: runKind, Prefix: "crn", Root: scheduleKind, RootOf: func(r Run) platform.ID { return scheduleID(r.Control) },
			Columns: func(r Run) []platform.Column {
				return []platform.Column{{Name: "control", Value: r.Control}, {Name: "at", Value: r.At}}
			},
			Indexes: []platform.Index{{By: []string{"control", "at"}}, {By: []string{"at"}}},
		}.Kind(),
		platform.Shape[Finding]{
			Name: findingKind, Prefix: "fnd",
			Columns: func(f Finding) []platform.Column {
				return []platform.Column{{Name: "state", Value: f.State}, {Name: "until", Value: f.Until}, {Name: "due", Value: f.Due}, {Name: "control", Value: f.Control}}
			},
			Indexes: []platform.Index{{By: []string{"state", "until"}}, {By: []string{"control", "until"}}, due},
		}.Kind(),
		platform.Shape[Known]{
			Name: hitKind, Prefix: "hit", Root: findingKind, RootOf: func(h Known) platform.ID { return h.Finding },
			Columns: func(h Known) []platform.Column {
				return []platform.Column{{Name: "finding", Value: h.Finding}, {Name: "at", Value: h.At}}
			},
			Indexes: []platform.Index{{By: []string{"finding", "at"}}},
		}.Kind(),
		platform.Shape[Engagement]{
			Name: engagementKind, Prefix: "eng",
			Columns: func(e Engagement) []platform.Column {
				return []platform.Column{{Name: "state", Value: e.State}, {Name: "from", Value: e.From}, {Name: "due", Value: e.Due}}
			},
			Indexes: []platform.Index{{By: []string{"from"}}, due},
		}.Kind(),
		platform.Shape[Seed]{
			Name: seedKind, Prefix: "ssd", Root: engagementKind, RootOf: func(s Seed) platform.ID { return s.Engagement },
			Columns: func(s Seed) []platform.Column { return engagement(s.Engagement) }, Indexes: []platform.Index{of},
		}.Kind(),
		platform.Shape[Sample]{
			Name: sampleKind, Prefix: "smp", Root: engagementKind, RootOf: func(s Sample) platform.ID { return s.Engagement },
			Columns: func(s Sample) []platform.Column { return engagement(s.Engagement) }, Indexes: []platform.Index{of},
		}.Kind(),
		platform.Shape[Adjustment]{
			Name: adjustmentKind, Prefix: "adj", Root: engagementKind, RootOf: func(a Adjustment) platform.ID { return a.Engagement },
			Columns: func(a Adjustment) []platform.Column { return engagement(a.Engagement) }, Indexes: []platform.Index{of},
		}.Kind(),
		platform.Shape[Cutoff]{Name: cutoffKind, Prefix: "cut", Pinned: true}.Kind(),
		platform.Shape[Packed]{
			Name: packKind, Prefix: "apk", Root: engagementKind, RootOf: func(p Packed) platform.ID { return p.Engagement },
			Columns: func(p Packed) []platform.Column { return engagement(p.Engagement) }, Indexes: []platform.Index{of},
		}.Kind(),
	}
}

// derived is the id of a record of which there is one for what the parts name.
// The formula is frozen.
func derived(prefix string, root platform.ID, parts ...string) platform.ID {
	sum := sha256.Sum256([]byte(prefix + "\x00" + strings.Join(parts, "\x00")))
	at, slot := time.Time{}, platform.Slot(binary.BigEndian.Uint16(sum[8:])>>4)
	if root != "" {
		at, slot = root.Time(), root.Slot()
	}
	return platform.NewID(prefix, at, slot, binary.BigEndian.Uint64(sum[:8]))
}

// maybe reads a record that may not be there yet.
func maybe[T any](ctx context.Context, db platform.Getter, kind string, id platform.ID) (T, bool, error) {
	v, err := platform.Read[T](ctx, db, kind, id)
	if errors.Is(err, platform.ErrNotFound) {
		return v, false, nil
	}
	return v, err == nil, err
}

// listed is a page of what belongs to an engagement.
func listed[T any](ctx context.Context, s *Service, kind string, engagement platform.ID, cursor string) (platform.Page[T], error) {
	if err := s.reader(ctx); err != nil {
		return platform.Page[T]{}, err
	}
	return platform.List[T](ctx, s.db, platform.Query{Kind: kind, By: []string{"engagement"}, Equal: []any{engagement}, Cursor: cursor})
}

// shown is one record, for those who may read here.
func shown[T any](ctx context.Context, s *Service, kind string, id platform.ID) (T, error) {
	if err := s.reader(ctx); err != nil {
		var none T
		return none, err
	}
	return platform.Read[T](ctx, s.db, kind, id)
}
