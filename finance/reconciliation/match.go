package reconciliation

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// matcher finds what belongs together. It holds what waits for its other side.
type matcher struct {
	terms   Terms
	edge    time.Time            // end of the last day that is known
	unknown func(time.Time) bool // a moment in a day of which no statement has come
	found   func(ctx context.Context, r Row, of []*item) error

	lines, entries map[keyed][]*item // today's, by our key
	bare           []*item           // today's lines without a key
	twice          []*item           // lines that stand there twice
	carried        []*item           // open since before
	rest           []*item           // today's that stay open, once it is settled
}

type keyed struct {
	currency platform.Currency
	family   family
	key      string
}

func (i *item) keyed() keyed { return keyed{i.Currency, i.Family, i.Key} }

// line is the next line: pass 1, as soon as its entry is there.
func (m *matcher) line(ctx context.Context, l *item) error {
	if l.Key == "" || l.Class == FeeDiffers {
		m.bare = append(m.bare, l)
		return nil
	}
	return m.meet(ctx, l, m.lines, m.entries)
}

// entry is the next entry.
func (m *matcher) entry(ctx context.Context, e *item) error {
	return m.meet(ctx, e, m.entries, m.lines)
}

func (m *matcher) meet(ctx context.Context, i *item, mine, others map[keyed][]*item) error {
	k := i.keyed()
	at := slices.IndexFunc(others[k], func(o *item) bool { return o.Amount == i.Amount })
	if at < 0 {
		mine[k] = append(mine[k], i)
		return nil
	}
	o := others[k][at]
	if others[k] = slices.Delete(others[k], at, at+1); len(others[k]) == 0 {
		delete(others, k)
	}
	return m.match(ctx, byKey, i, o)
}

// waiting is what is left of one side, in order.
func waiting(by map[keyed][]*item, more ...*item) []*item {
	for _, some := range by {
		more = append(more, some...)
	}
	return left(more)
}

// match takes items out, as matched.
func (m *matcher) match(ctx context.Context, pass int, of ...*item) error {
	return m.tell(ctx, Row{Class: Matched, Pass: pass}, of)
}

// tell writes a row about items.
func (m *matcher) tell(ctx context.Context, r Row, of []*item) error {
	var lines, entries int64
	of = slices.Clone(of)
	slices.SortStableFunc(of, (*item).before)
	r.Currency = of[0].Currency
	for _, i := range of {
		i.taken = i.taken || r.Class == Matched
		if i.Line == "" {
			r.Entries, entries = append(r.Entries, i.Seq), entries+i.Amount
		} else {
			r.Lines, lines = append(r.Lines, i.Line), lines+i.Amount
		}
		r.Case = cmp.Or(r.Case, i.Case)
	}
	if r.Amount = lines; len(r.Lines) == 0 {
		r.Amount = entries
	}
	if r.Differs = lines - entries; r.Class == Matched && r.Pass != byTolerance {
		r.Differs = 0
	}
	return m.found(ctx, r, of)
}

// settle runs the passes over what is left, once both sides are through. names
// fills in the institution's references of entries, doubled finds the lines that
// stand there twice.
func (m *matcher) settle(ctx context.Context, names func(context.Context, []*item) error, doubled func(context.Context, []*item) ([]*item, error)) error {
	lines, entries := waiting(m.lines, m.bare...), waiting(m.entries)
	m.lines, m.entries, m.bare = nil, nil, nil
	if err := names(ctx, entries); err != nil {
		return err
	}
	if err := m.join(ctx, byKey, lines, entries, named(func(i *item) string { return i.Key })); err != nil {
		return err
	}
	if err := m.undone(ctx, left(entries)); err != nil {
		return err
	}
	if err := m.join(ctx, byReference, left(lines), left(entries), named(func(i *item) string { return i.Ref })); err != nil {
		return err
	}
	twice, err := doubled(ctx, left(lines))
	if err != nil {
		return err
	}
	m.twice = twice
	lines = slices.DeleteFunc(left(lines), func(i *item) bool { return i.Class == Duplicate })
	old, stale := m.sort()
	if err := m.alone(ctx, byAmount, lines, entries, old); err != nil {
		return err
	}
	if err := m.batches(ctx, byBatch, left(lines), left(entries)); err != nil {
		return err
	}
	if err := m.carry(ctx, old, stale, lines, entries); err != nil {
		return err
	}
	m.rest = slices.Concat(lines, entries, twice)
	return m.differences(ctx, old, lines, entries)
}

// sort tells what may still be matched from what only its case ends.
func (m *matcher) sort() (old, stale []*item) {
	since := m.edge.Add(-day - m.terms.Carry) // from the beginning of the last day
	for _, i := range m.carried {
		if i.Class == Duplicate || i.At.Before(since) {
			stale = append(stale, i)
		} else {
			old = append(old, i)
		}
	}
	return old, stale
}

// named groups the items of a family that have a name in common.
func named(name func(*item) string) func(*item) keyed {
	return func(i *item) keyed {
		if i.Class == FeeDiffers && i.Line != "" {
			return keyed{}
		}
		k := keyed{i.Currency, i.Family, name(i)}
		if k.key == "" {
			return keyed{}
		}
		return k
	}
}

// group is what has a name in common.
type group struct{ lines, entries []*item }

// groups are in the order of their first lines.
func groups(lines, entries []*item, by func(*item) keyed) []*group {
	at := map[keyed]*group{}
	var all []*group
	for _, i := range slices.Concat(lines, entries) {
		k := by(i)
		if k == (keyed{}) || i.taken {
			continue
		}
		g := at[k]
		if g == nil {
			g = &group{}
			at[k], all = g, append(all, g)
		}
		if i.Line == "" {
			g.entries = append(g.entries, i)
		} else {
			g.lines = append(g.lines, i)
		}
	}
	return all
}

// join matches by a name: one by one where amounts are equal, and then all that
// is left of a name when it sums up.
func (m *matcher) join(ctx context.Context, pass int, lines, entries []*item, by func(*item) keyed) error {
	for _, g := range groups(lines, entries, by) {
		for _, l := range g.lines {
			at := slices.IndexFunc(g.entries, func(e *item) bool { return !e.taken && e.Amount == l.Amount })
			if at < 0 {
				continue
			}
			if err := m.match(ctx, pass, l, g.entries[at]); err != nil {
				return err
			}
		}
		ls, es := left(g.lines), left(g.entries)
		if len(ls) == 0 || len(es) == 0 || sum(ls) != sum(es) {
			continue
		}
		if err := m.match(ctx, pass, slices.Concat(ls, es)...); err != nil {
			return err
		}
	}
	return nil
}

// undone matches entries that the books took back themselves before any line
// told of them.
func (m *matcher) undone(ctx context.Context, entries []*item) error {
	at := map[platform.ID]*item{}
	for _, e := range entries {
		at[e.Posting] = e
	}
	for _, e := range entries {
		was := at[e.Subject.ID]
		if was == nil || was.taken || e.taken || was.Currency != e.Currency || was.Amount != -e.Amount {
			continue
		}
		if err := m.match(ctx, byKey, was, e); err != nil {
			return err
		}
	}
	return nil
}

// alone matches a line and an entry that only their amount joins, where neither
// has another that it could be: what is open since before is a rival, too.
func (m *matcher) alone(ctx context.Context, pass int, lines, entries, rivals []*item) error {
	type alike struct {
		currency platform.Currency
		family   family
		amount   int64
	}
	like := func(i *item) alike { return alike{i.Currency, i.Family, i.Amount} }
	ls, es := map[alike][]*item{}, map[alike][]*item{}
	for _, i := range slices.Concat(lines, entries, rivals) {
		switch {
		case i.taken:
		case i.Line == "":
			es[like(i)] = append(es[like(i)], i)
		case !i.exclusive() && i.Class != FeeDiffers:
			ls[like(i)] = append(ls[like(i)], i)
		}
	}
	type pair struct{ line, entry *item }
	var pairs []pair
	for _, l := range lines {
		if l.taken || l.exclusive() || l.Class == FeeDiffers {
			continue
		}
		mine := m.candidates(l, es[like(l)])
		if len(mine) == 1 && len(m.candidates(mine[0], ls[like(l)])) == 1 && (mine[0].fresh || len(rivals) == 0) {
			pairs = append(pairs, pair{l, mine[0]})
		}
	}
	for _, p := range pairs {
		if err := m.match(ctx, pass, p.line, p.entry); err != nil {
			return err
		}
	}
	return nil
}

// candidates are the others that an item could be by its moment, and that no
// name tells apart from it: two at most, since more are as ambiguous.
func (m *matcher) candidates(i *item, others []*item) (all []*item) {
	for _, o := range others {
		apart := i.Ref != "" && o.Ref != "" && i.Ref != o.Ref
		if d := i.At.Sub(o.At).Abs(); d <= m.terms.Near && !apart {
			all = append(all, o)
		}
		if len(all) > 1 {
			break
		}
	}
	return all
}

// batches matches lines that make up one transfer: the entry that has the batch
// as its reference, or the only one with their sum.
func (m *matcher) batches(ctx context.Context, pass int, lines, entries []*item) error {
	all := groups(lines, nil, func(i *item) keyed {
		if i.Batch == "" || i.Class == FeeDiffers {
			return keyed{}
		}
		return keyed{i.Currency, "", i.Batch}
	})
	sums := map[signature]int{}
	like := func(i *item, amount int64) signature { return signature{currency: i.Currency, amount: amount} }
	for _, g := range all {
		sums[like(g.lines[0], sum(g.lines))]++
	}
	for _, g := range all {
		first, total := g.lines[0], sum(g.lines)
		var known, equal []*item
		for _, e := range entries {
			switch {
			case e.taken || e.Currency != first.Currency:
			case e.Ref == first.Batch:
				known = append(known, e)
			case e.Ref == "" && e.Amount == total && first.At.Sub(e.At).Abs() <= m.terms.Near:
				equal = append(equal, e)
			}
		}
		if len(known) == 0 && len(equal) == 1 && sums[like(first, total)] == 1 {
			known = equal
		}
		if len(known) == 0 || sum(known) != total {
			continue
		}
		if err := m.match(ctx, pass, slices.Concat(g.lines, known)...); err != nil {
			return err
		}
	}
	return nil
}

// carry matches what is open since before: by the posting that its case was
// resolved by, and then as the passes before do.
func (m *matcher) carry(ctx context.Context, old, stale, lines, entries []*item) error {
	open := slices.Concat(old, stale, m.twice, left(lines), left(entries))
	if err := m.resolved(ctx, open); err != nil {
		return err
	}
	if len(old) == 0 {
		return nil
	}
	var ls, es []*item
	for _, i := range slices.Concat(left(old), left(lines), left(entries)) {
		if i.Line == "" {
			es = append(es, i)
		} else {
			ls = append(ls, i)
		}
	}
	for _, name := range []func(*item) string{func(i *item) string { return i.Key }, func(i *item) string { return i.Ref }} {
		if err := m.join(ctx, byCarry, left(ls), left(es), named(name)); err != nil {
			return err
		}
	}
	if err := m.undone(ctx, left(es)); err != nil {
		return err
	}
	if err := m.alone(ctx, byCarry, left(ls), left(es), nil); err != nil {
		return err
	}
	return m.batches(ctx, byCarry, left(ls), left(es))
}

// resolved matches the items of a case with the postings that it made, once
// they make up for the difference.
func (m *matcher) resolved(ctx context.Context, open []*item) error {
	by := func(i *item) keyed {
		id := i.Case
		if i.Subject.Kind == caseKind || i.Subject.Kind == runKind {
			id = i.Subject.ID
		}
		if id == "" {
			return keyed{}
		}
		return keyed{i.Currency, "", string(id)}
	}
	for _, g := range groups(open, nil, by) {
		posted := slices.ContainsFunc(g.entries, func(e *item) bool { return e.Case == "" })
		if !posted || sum(g.lines) != sum(g.entries) {
			continue
		}
		if err := m.match(ctx, byCarry, slices.Concat(g.lines, g.entries)...); err != nil {
			return err
		}
	}
	return nil
}
