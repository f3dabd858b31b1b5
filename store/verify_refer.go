package store

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"slices"

	"github.com/liangding/platform"
)

// reference is what one thing says of another: that it is there, and at which
// version at least.
type reference struct {
	code   string
	by, to platform.Ref
	least  int64
}

// meet remembers what is there.
func (v *verifier) meet(ref platform.Ref, version int64) {
	if len(v.seen) < v.memory {
		v.seen[maphash.Comparable(v.seed, ref)] = version
	} else {
		v.full = true
	}
}

// refer checks a reference: at once if what it names was met or nothing was
// forgotten, else with many others.
func (v *verifier) refer(ctx context.Context, r reference) error {
	version, met := v.seen[maphash.Comparable(v.seed, r.to)]
	if met || !v.full {
		v.resolve(r, version, met)
		return nil
	}
	if v.asked = append(v.asked, r); len(v.asked) < 500 {
		return nil
	}
	return v.lookUp(ctx)
}

func (v *verifier) resolve(r reference, version int64, there bool) {
	switch {
	case !there:
		v.notef(r.code, r.by, "%s is missing", r.to)
	case version < r.least:
		v.notef(r.code, r.by, "%s is at %d, and was at %d", r.to, version, r.least)
	}
}

// lookUp reads what is asked for.
func (v *verifier) lookUp(ctx context.Context) error {
	refs := make([]platform.Ref, 0, len(v.asked))
	for _, r := range v.asked {
		if _, err := platform.ParseID(string(r.to.ID)); err == nil || r.to.Kind == Counter { // a malformed one names nothing
			refs = append(refs, r.to)
		}
	}
	slices.SortFunc(refs, compare)
	found := map[platform.Ref]int64{}
	if err := v.versions(ctx, slices.Compact(refs), found); err != nil {
		return err
	}
	for _, r := range v.asked {
		version, there := found[r.to]
		v.resolve(r, version, there)
	}
	v.asked = v.asked[:0]
	return nil
}

// versions finds which of the records are there. One that does not decode is.
func (v *verifier) versions(ctx context.Context, refs []platform.Ref, found map[platform.Ref]int64) error {
	records, err := platform.Lookup(ctx, v.from, refs...)
	if errors.Is(err, ErrSchema) {
		if len(refs) == 1 {
			found[refs[0]] = 1
			return nil
		}
		half := len(refs) / 2
		return cmp.Or(v.versions(ctx, refs[:half], found), v.versions(ctx, refs[half:], found))
	}
	for ref, r := range records {
		found[ref] = r.Version
	}
	return err
}
