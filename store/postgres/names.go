package postgres

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// place is where a row lies: its primary key.
type place struct {
	slot int16
	id   [16]byte
	ref  platform.Ref
}

// placed is where a record or counter lies.
func placed(ref platform.Ref) place {
	p := place{slot: int16(ref.ID.Slot()), ref: ref}
	if ref.Kind == store.Counter {
		p.id = store.CounterUUID(ref)
	} else {
		p.id = ref.ID.UUID()
	}
	return p
}

func (p place) compare(other place) int {
	if c := cmp.Compare(p.slot, other.slot); c != 0 {
		return c
	}
	return bytes.Compare(p.id[:], other.id[:])
}

// places are rows in the order in which they are locked and written.
type places []place

func (p places) sorted() places {
	slices.SortFunc(p, place.compare)
	return slices.CompactFunc(p, func(a, b place) bool { return a.ref == b.ref })
}

// arrays are the places as the two arrays that statements unnest.
func (p places) arrays() ([]int16, []pgtype.UUID) {
	slots, ids := make([]int16, len(p)), make([]pgtype.UUID, len(p))
	for i, at := range p {
		slots[i], ids[i] = at.slot, uuid(at.id)
	}
	return slots, ids
}

func uuid(b [16]byte) pgtype.UUID { return pgtype.UUID{Bytes: b, Valid: true} }

// named are the rows that the sets of a flush name.
type named struct {
	records  map[string]places // by kind, counters among them
	replaced map[string]bool   // kinds of which a record is written, not only checked
	claims   []platform.Claim
	keys     []platform.Key
}

func namedBy(sets []store.Prepared) named {
	n := named{records: map[string]places{}, replaced: map[string]bool{}}
	for _, set := range sets {
		if set.Key != (platform.Key{}) {
			n.keys = append(n.keys, set.Key)
		}
		for _, s := range set.Steps {
			n.records[s.Ref.Kind] = append(n.records[s.Ref.Kind], placed(s.Ref))
			if s.Op != platform.Check {
				n.replaced[s.Ref.Kind] = true
			}
			if s.Row != nil {
				n.claims = append(n.claims, s.Row.Claims...)
			}
		}
	}
	for kind, p := range n.records {
		n.records[kind] = p.sorted()
	}
	slices.SortFunc(n.claims, compareClaims)
	n.claims = slices.Compact(n.claims)
	slices.SortFunc(n.keys, compareKeys)
	n.keys = slices.Compact(n.keys)
	return n
}

// registered is where a claim lies in the registry.
func registered(c platform.Claim) platform.Slot {
	return platform.Key{Scope: c.Scope, Name: c.Key}.Slot()
}

func compareClaims(a, b platform.Claim) int {
	return cmp.Or(cmp.Compare(registered(a), registered(b)), strings.Compare(a.Scope, b.Scope), strings.Compare(a.Key, b.Key))
}

func compareKeys(a, b platform.Key) int {
	return cmp.Or(cmp.Compare(a.Slot(), b.Slot()), strings.Compare(a.Scope, b.Scope), strings.Compare(a.Name, b.Name))
}

// widest is how long a name may be that an index of the server takes.
const widest = 2048

// prepare is a set as the flush takes it, with all that the server would refuse
// found before anything is sent.
func (r *reader) prepare(ctx context.Context, set platform.Set) (store.Prepared, error) {
	if err := store.Ended(ctx); err != nil {
		return store.Prepared{}, err
	}
	p, err := r.kinds.Prepare(set)
	if err != nil {
		return p, err
	}
	for _, s := range p.Steps {
		if err := r.carried(s); err != nil {
			return p, err
		}
	}
	return p, nil
}

// carried checks that the tables can keep what a step writes, and encodes the
// keys of its indexes.
func (r *reader) carried(s store.Step) (err error) {
	switch {
	case s.Op == platform.Add:
		if c := s.Cause; c != (platform.Ref{}) && (c.Kind == "" || c.ID == "" || !sound(c.String())) {
			return fmt.Errorf("the cause of an addition to %s: %w", s.Ref, store.ErrChange)
		}
		return nil
	case s.Row == nil:
		return nil
	case s.Op == platform.Append:
		if _, err := platform.ParseID(string(s.Ref.ID)); err != nil {
			return fmt.Errorf("append %s: %w", s.Ref, store.ErrEvent)
		}
	}
	s.Row.Keys, err = r.kinds.Keys(s.Row)
	s.Row.Columns = nil
	return err
}

// sound tells whether a text of the server can hold the name, and an index.
func sound(name string) bool {
	return len(name) <= widest && utf8.ValidString(name) && strings.IndexByte(name, 0) < 0
}
