package store

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/liangding/platform"
)

// standing is a counter without its name.
type standing struct{ value, seq int64 }

// account tells the ledgers who holds which name, and what counters come to:
// as records and counters say, and as the registry and the movements do.
func (v *verifier) account(_ context.Context, e Entry) error {
	switch {
	case e.Row != nil && v.again:
		if row, _, decodes := v.derived(e.Row); decodes {
			v.claimed(e.Row.Ref, row.Claims)
		}
	case e.Claim != nil && v.kinds.byName[e.Owner.Kind] != nil: // else nobody here knows who holds it
		v.claims.tell(1, *e.Claim, e.Owner)
	case e.Count != nil:
		v.counts.tell(0, e.Count.Ref, standing{e.Count.Value, e.Count.Seq})
	case e.Movement != nil:
		v.follow(*e.Movement)
	}
	return nil
}

func (v *verifier) claimed(by platform.Ref, names []platform.Claim) {
	for _, c := range names {
		if other, twice := v.claims.tell(0, c, by); twice {
			v.notef("claim", by, "holds a name in %s that %s holds", c.Scope, other)
		}
	}
}

// follow takes the next movement of a counter. It goes on from what the
// movement says, so that one fault is told once.
func (v *verifier) follow(m platform.Movement) {
	if m.Counter != v.at.Ref {
		v.end()
		v.at = platform.Count{Ref: m.Counter}
	}
	if want := v.at.Value + m.Delta; !v.again && (m.Seq != v.at.Seq+1 || m.After != want) {
		v.notef("counter", m.Counter, "movement %d to %d should be %d to %d", m.Seq, m.After, v.at.Seq+1, want)
	}
	v.at.Seq, v.at.Value = m.Seq, m.After
}

// end is the end of a counter's movements.
func (v *verifier) end() {
	if v.at.Ref != (platform.Ref{}) {
		v.counts.tell(1, v.at.Ref, standing{v.at.Value, v.at.Seq})
	}
	v.at = platform.Count{}
}

// disputes notes where the two tellings of the ledgers differ.
func (v *verifier) disputes() {
	held, registered := v.claims.told[0], v.claims.told[1]
	for _, c := range sorted(held, registered, func(a, b platform.Claim) int {
		return cmp.Or(cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Key, b.Key))
	}) {
		by, holds := held[c]
		owner, known := registered[c]
		switch {
		case !known:
			v.notef("claim", by, "holds a name in %s that the registry has not", c.Scope)
		case !holds:
			v.notef("claim", owner, "has a name in %s by the registry that it does not hold", c.Scope)
		case by != owner:
			v.notef("claim", by, "holds a name in %s that is %s's by the registry", c.Scope, owner)
		}
	}
	stand, moved := v.counts.told[0], v.counts.told[1]
	for _, ref := range sorted(stand, moved, compare) {
		is, there := stand[ref]
		sum := moved[ref]
		switch {
		case !there:
			v.notef("orphan", ref, "is missing, and has %d movements", sum.seq)
		case is != sum:
			v.notef("counter", ref, "is %d after %d movements, which come to %d after %d", is.value, is.seq, sum.value, sum.seq)
		}
	}
}

func sorted[K comparable, V any](a, b map[K]V, by func(K, K) int) []K {
	all := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.SortFunc(all, by)
	return slices.Compact(all)
}
