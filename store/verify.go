package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/liangding/platform"
)

// Finding is something that is wrong in a store: a code, the record, and what
// the matter is with it.
type Finding struct {
	Code string       `json:"code"`
	Ref  platform.Ref `json:"ref"`
	What string       `json:"what,omitempty"`
}

// String is the finding as a line.
func (f Finding) String() string { return f.Code + " " + f.Ref.String() + " " + f.What }

// Verify reads everything in one moment of a store and returns what contradicts
// itself, nothing if it is sound: documents that do not decode (document), two
// records under one claim (claim), children without their root and movements
// without their counter (orphan), counters that are not the sum of their
// movements, movements that do not run 1, 2, 3 … with their running value
// (counter), and movements without their event (event). The domains prove more of
// their own: finance.Verify, audit.Verify.
func (k *Kinds) Verify(ctx context.Context, from platform.Getter) ([]Finding, error) {
	v := verifier{kinds: k, db: from, held: map[platform.Claim]platform.Ref{}}
	for _, name := range k.names {
		var err error
		switch name {
		case Movement:
			err = v.each(ctx, name, v.strays)
		case Counter:
			err = v.each(ctx, name, v.counters)
		default:
			err = v.each(ctx, name, v.records)
		}
		if err != nil {
			return v.found, err
		}
	}
	return v.found, nil
}

type verifier struct {
	kinds *Kinds
	db    platform.Getter
	held  map[platform.Claim]platform.Ref
	found []Finding
}

func (v *verifier) notef(code string, ref platform.Ref, format string, args ...any) {
	v.found = append(v.found, Finding{Code: code, Ref: ref, What: fmt.Sprintf(format, args...)})
}

// each walks all records of a kind, page by page.
func (v *verifier) each(ctx context.Context, kind string, check func(context.Context, []platform.Record) error) error {
	q := platform.Query{Kind: kind, Limit: 500}
	for {
		page, err := v.db.Scan(ctx, q)
		if err == nil {
			err = check(ctx, page.Items)
		}
		if q.Cursor = page.Next; err != nil || q.Cursor == "" {
			return err
		}
	}
}

func (v *verifier) records(ctx context.Context, page []platform.Record) error {
	roots := map[platform.Ref][]platform.Ref{} // children by their root
	for _, r := range page {
		kind := v.kinds.byName[r.Ref.Kind]
		row, err := v.kinds.Stored(r)
		if err != nil {
			v.notef("document", r.Ref, "schema %d does not decode", r.Schema)
			continue
		}
		for _, c := range row.Claims {
			if other, taken := v.held[c]; taken && other != r.Ref {
				v.notef("claim", r.Ref, "holds a name in %s that %s holds", c.Scope, other)
			}
			v.held[c] = r.Ref
		}
		if kind.Root == "" {
			continue
		}
		value, err := kind.Decode(row.Doc)
		if err != nil {
			return err // it decoded a moment ago
		}
		id, err := kind.RootOf(value)
		if err != nil || id.Slot() != r.Ref.ID.Slot() {
			v.notef("orphan", r.Ref, "lies in another slot than its %s", kind.Root)
			continue
		}
		root := platform.Ref{Kind: kind.Root, ID: id}
		roots[root] = append(roots[root], r.Ref)
	}
	return v.missing(ctx, roots, "orphan")
}

// missing notes those that name a record which is not there.
func (v *verifier) missing(ctx context.Context, named map[platform.Ref][]platform.Ref, code string) error {
	wanted := slices.SortedFunc(maps.Keys(named), compare)
	found, err := platform.Lookup(ctx, v.db, wanted...)
	if err != nil {
		return err
	}
	for _, ref := range wanted {
		if _, there := found[ref]; there {
			continue
		}
		for _, by := range named[ref] {
			v.notef(code, by, "%s is missing", ref)
		}
	}
	return nil
}

func (v *verifier) counters(ctx context.Context, page []platform.Record) error {
	for _, r := range page {
		var c platform.Count
		if err := json.Unmarshal(r.Doc, &c); err != nil {
			v.notef("document", r.Ref, "does not decode")
			continue
		}
		if err := v.movements(ctx, r.Ref, c); err != nil {
			return err
		}
	}
	return nil
}

// strays notes movements of counters that are not there. What they add up to is
// checked counter by counter.
func (v *verifier) strays(ctx context.Context, page []platform.Record) error {
	of := map[platform.Ref][]platform.Ref{}
	for _, r := range page {
		var m platform.Movement
		if err := json.Unmarshal(r.Doc, &m); err != nil {
			v.notef("document", r.Ref, "does not decode")
			continue
		}
		of[m.Counter] = append(of[m.Counter], r.Ref)
	}
	return v.missing(ctx, of, "orphan")
}

// movements adds up what moved a counter.
func (v *verifier) movements(ctx context.Context, counter platform.Ref, c platform.Count) error {
	var sum, seq int64
	q := platform.Query{Kind: Movement, By: []string{"counter", "seq"}, Equal: []any{counter}, Limit: 500}
	for {
		page, err := platform.List[platform.Movement](ctx, v.db, q)
		if platform.Code(err) == "document.undecodable" {
			v.notef("document", counter, "has a movement that does not decode")
			return nil
		}
		if err != nil {
			return err
		}
		events := map[platform.Ref][]platform.Ref{}
		for _, m := range page.Items {
			seq, sum = seq+1, sum+m.Delta
			if m.Seq != seq || m.After != sum {
				v.notef("counter", counter, "movement %d to %d should be %d to %d", m.Seq, m.After, seq, sum)
				seq, sum = m.Seq, m.After
			}
			event := platform.Ref{Kind: Event, ID: m.Event}
			events[event] = append(events[event], counter)
		}
		if err := v.missing(ctx, events, "event"); err != nil {
			return err
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	if c.Value != sum || c.Seq != seq {
		v.notef("counter", counter, "is %d after %d movements, which come to %d after %d", c.Value, c.Seq, sum, seq)
	}
	return nil
}
