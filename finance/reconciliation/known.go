package reconciliation

import (
	"context"
	"slices"

	"github.com/liangding/platform"
)

// names fills in by which names institutions know what was booked.
func (r *running) names(ctx context.Context, entries []*item) error {
	if r.s.ports.References == nil {
		return nil
	}
	for some := range slices.Chunk(entries, fullPage) {
		refs := make([]platform.Ref, len(some))
		for n, e := range some {
			refs[n] = e.Subject
		}
		names, err := r.s.ports.References.References(ctx, refs...)
		if err != nil {
			return err
		}
		for _, e := range some {
			e.Ref = names[e.Subject]
		}
	}
	return nil
}

// doubled finds lines of which there is an earlier one about the same movement,
// by reading this statement, and those of the days before, once more.
func (r *running) doubled(ctx context.Context, lines []*item) (twice []*item, err error) {
	if len(lines) == 0 {
		return nil, nil
	}
	first := map[signature]place{}
	for _, l := range lines {
		for _, sign := range l.signatures() {
			first[sign] = place{}
		}
	}
	earlier, err := r.earlier(ctx)
	if err != nil {
		return nil, err
	}
	for _, st := range append(earlier, r.st) {
		if err := r.look(ctx, st, first); err != nil {
			return nil, err
		}
	}
	for _, l := range lines {
		here := place{l.Of, l.No}
		if slices.ContainsFunc(l.signatures(), func(sign signature) bool { return first[sign] != here && first[sign] != place{} }) {
			l.Class, twice = Duplicate, append(twice, l)
		}
	}
	return twice, nil
}

// place is where a line stands.
type place struct {
	of platform.ID
	no int
}

// signatures are by which a line is found again: its movement, and its id.
func (i *item) signatures() []signature { return []signature{i.signature(), {id: i.Line}} }

// look notes where each of these stands first.
func (r *running) look(ctx context.Context, st Statement, first map[signature]place) error {
	no := 0
	for page, err := range pages(ctx, r.s.store, st.draft(), ofLines, st.Sheets) {
		if err != nil {
			return err
		}
		for _, l := range page.Lines {
			no++
			for _, sign := range primary(l, st.ID, no).signatures() {
				if at, wanted := first[sign]; wanted && at == (place{}) {
					first[sign] = place{st.ID, no}
				}
			}
		}
	}
	return nil
}

// earlier are the statements of the days in which something may be carried, as
// far as they were compared.
func (r *running) earlier(ctx context.Context) (all []Statement, err error) {
	page, err := r.s.store.Statements(ctx, r.run.Account, "")
	for _, st := range page.Items {
		if st.ID != r.st.ID && r.days[st.Day] && st.Until.After(r.run.Until.Add(-r.s.opts.Terms.Carry)) {
			all = append(all, st)
		}
	}
	slices.Reverse(all) // the first day first
	return all, err
}
