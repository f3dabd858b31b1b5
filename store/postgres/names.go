package postgres

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
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
	p := place{ref: ref}
	if ref.Kind == store.Counter {
		p.id = store.CounterUUID(ref)
	} else {
		p.id = ref.ID.UUID()
	}
	p.slot = int16(binary.BigEndian.Uint16(p.id[6:8]) & 0xfff) // both forms have it there
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
	counters map[platform.Ref]place
	replaced map[string]bool // kinds of which a record is written, not only checked
	claims   []platform.Claim
	keys     []platform.Key
}

// namedBy are the rows that the sets name; those to be new only if asked for.
func namedBy(sets []store.Prepared, fresh bool) named {
	n := named{records: map[string]places{}, counters: map[platform.Ref]place{}, replaced: map[string]bool{}}
	for _, set := range sets {
		if set.Key != (platform.Key{}) {
			n.keys = append(n.keys, set.Key)
		}
		for _, s := range set.Steps {
			if s.Row != nil {
				n.claims = append(n.claims, s.Row.Claims...)
			}
			if _, known := n.counters[s.Ref]; known || !fresh && (s.Op == platform.Create || s.Op == platform.Append) {
				continue
			}
			at := placed(s.Ref)
			if n.records[s.Ref.Kind] = append(n.records[s.Ref.Kind], at); s.Op == platform.Add {
				n.counters[s.Ref] = at
			}
			if s.Op != platform.Check {
				n.replaced[s.Ref.Kind] = true
			}
		}
	}
	for kind, p := range n.records {
		n.records[kind] = p.sorted()
	}
	n.claims, n.keys = slices.Compact(inOrder(n.claims, claimPlace, namePlace.compare)), slices.Compact(inOrder(n.keys, keyPlace, namePlace.compare))
	return n
}

// inOrder sorts items by what says where they lie, which is made once for each.
func inOrder[T, P any](items []T, where func(T) P, compare func(a, b P) int) []T {
	type lying struct {
		at   P
		item T
	}
	all := make([]lying, len(items))
	for i, item := range items {
		all[i] = lying{where(item), item}
	}
	slices.SortFunc(all, func(a, b lying) int { return compare(a.at, b.at) })
	for i, one := range all {
		items[i] = one.item
	}
	return items
}

// namePlace is where a name lies in the registry, or the answer of a key.
type namePlace struct {
	slot        platform.Slot
	scope, name string
}

func keyPlace(k platform.Key) namePlace { return namePlace{k.Slot(), k.Scope, k.Name} }

func claimPlace(c platform.Claim) namePlace {
	return keyPlace(platform.Key{Scope: c.Scope, Name: c.Key})
}

func (n namePlace) compare(other namePlace) int {
	return cmp.Or(cmp.Compare(n.slot, other.slot), strings.Compare(n.scope, other.scope), strings.Compare(n.name, other.name))
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
