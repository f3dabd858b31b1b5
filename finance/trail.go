package finance

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/liangding/platform"
)

// tally compares two multisets of entries without keeping either: it holds, for
// each slot of a cause, the sum of fingerprints of the one less those of the
// other. Where a sum is not zero, the two differ.
type tally [4096]uint64

func (t *tally) add(entries []entry, sign int) {
	for _, e := range entries {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%s", e.counter, e.delta, e.cause))
		t[e.cause.ID.Slot()] += uint64(sign) * binary.BigEndian.Uint64(sum[:8])
	}
}

func (t *tally) differs(e entry) bool { return t[e.cause.ID.Slot()] != 0 }

// log lists all movements, counter by counter, each in the order of its numbers.
func (v *verifier) log(ctx context.Context) iter.Seq2[[]platform.Movement, error] {
	return all[platform.Movement](ctx, v.db, platform.Query{Kind: "movement", By: []string{"counter", "seq"}})
}

// movements walks along every counter of the books.
func (v *verifier) movements(ctx context.Context) error {
	var at platform.Count // how far the walk along a counter has come
	for page, err := range v.log(ctx) {
		if err != nil {
			return err
		}
		var ends []platform.Count
		var walked []platform.Movement
		for _, m := range page {
			if !ofBooks(m.Counter) {
				continue
			}
			if m.Counter != at.Ref {
				ends = append(ends, at)
				at = platform.Count{Ref: m.Counter}
			}
			v.follow(&at, m)
			walked = append(walked, m)
		}
		if err := errors.Join(v.ended(ctx, ends), v.told(ctx, walked)); err != nil {
			return err
		}
	}
	return v.ended(ctx, []platform.Count{at})
}

// follow takes the next movement of a counter. It goes on from what the
// movement says, so that one fault is told once.
func (v *verifier) follow(at *platform.Count, m platform.Movement) {
	v.tally.add([]entry{entryOf(m)}, -1)
	if m.Seq != at.Seq+1 {
		v.report("V3", m.Counter, fmt.Sprintf("movement %d", at.Seq+1), fmt.Sprintf("movement %d", m.Seq))
	}
	if m.After != at.Value+m.Delta {
		v.report("V3", m.Counter, fmt.Sprintf("%d after movement %d", at.Value+m.Delta, m.Seq), m.After)
	}
	if which, _, _, _ := counted(m.Counter); which == available && m.After < 0 {
		v.report("V4", m.Counter, fmt.Sprintf("0 or more after movement %d", m.Seq), m.After)
	}
	at.Seq, at.Value = m.Seq, m.After
}

// ended checks counters against the last of their movements.
func (v *verifier) ended(ctx context.Context, ends []platform.Count) error {
	ends = slices.DeleteFunc(ends, func(c platform.Count) bool { return c.Ref == platform.Ref{} })
	refs := make([]platform.Ref, len(ends))
	for i, c := range ends {
		refs[i] = c.Ref
	}
	counts, err := v.store.Counts(ctx, refs...)
	for i, c := range counts {
		if want := ends[i]; c != want {
			v.report("V2", c.Ref, fmt.Sprintf("%d after %d movements", want.Value, want.Seq), fmt.Sprintf("%d after %d", c.Value, c.Seq))
		}
	}
	return err
}

// told checks that the events of movements are there.
func (v *verifier) told(ctx context.Context, movements []platform.Movement) error {
	events := make([]platform.Ref, len(movements))
	for i, m := range movements {
		events[i] = platform.Ref{Kind: "event", ID: m.Event}
	}
	known, err := lookup(ctx, v.db, events...)
	if err != nil {
		return err
	}
	for i, m := range movements {
		if _, found := known[events[i]]; !found {
			v.report("V5", m.Counter, fmt.Sprintf("%s of movement %d", events[i], m.Seq), "no such event")
		}
	}
	return nil
}

// differences names the entries that make up what the tally shows: those of
// postings and holds that did not move their counter exactly once, and
// movements that none of them caused.
func (v *verifier) differences(ctx context.Context) error {
	if v.tally == (tally{}) {
		return nil
	}
	times := map[entry]int{} // moved, less recorded
	count := func(n int, entries ...entry) {
		for _, e := range entries {
			if v.tally.differs(e) {
				times[e] += n
			}
		}
	}
	err := errors.Join(
		each(v.log(ctx), func(m platform.Movement) {
			if ofBooks(m.Counter) {
				count(+1, entryOf(m))
			}
		}),
		each(all[Posting](ctx, v.db, platform.Query{Kind: postingKind}), func(p Posting) { count(-1, p.entries()...) }),
		each(all[Pending](ctx, v.db, platform.Query{Kind: pendingKind}), func(p Pending) { count(-1, p.entries()...) }),
	)
	for e, n := range times {
		if n != 0 {
			v.report("V5", e.counter, fmt.Sprintf("%d by %s, once", e.delta, e.cause), fmt.Sprintf("%d times", 1+n))
		}
	}
	return err
}

// each calls do for every item of the pages.
func each[T any](pages iter.Seq2[[]T, error], do func(T)) error {
	for page, err := range pages {
		if err != nil {
			return err
		}
		for _, item := range page {
			do(item)
		}
	}
	return nil
}

func ofBooks(counter platform.Ref) bool {
	which, _, _, _ := counted(counter)
	return which != ""
}

func entryOf(m platform.Movement) entry { return entry{m.Counter, m.Delta, m.Cause} }
