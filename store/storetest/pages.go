package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/liangding/platform"
)

// steadyPages checks law 22: while a list is read page by page, other rows are
// inserted, changed and deleted, the row that the cursor stands on among them.
func steadyPages(ctx context.Context, w *world) error {
	for i, q := range []platform.Query{
		{Kind: documentKind, By: []string{"word", "number"}, Limit: 3},
		{Kind: documentKind, By: []string{"word", "number"}, Limit: 3, Backward: true},
		{Kind: documentKind, By: []string{"at"}, Limit: 4},
		{Kind: documentKind, Limit: 5},
		{Kind: documentKind, Limit: 5, Backward: true},
	} {
		if err := w.steady(ctx, w.die(i), q); err != nil {
			return fmt.Errorf("pages of %+v: %w", q, err)
		}
	}
	return nil
}

func (w *world) steady(ctx context.Context, die *rand.Rand, q platform.Query) error {
	still, moving := sheet{}, sheet{}
	for i := range 60 {
		d := w.random(die)
		if err := w.given(ctx, platform.Put(d)); err != nil {
			return err
		}
		d.Version = 1
		if i%2 == 0 {
			still[d.ID] = d
		} else {
			moving[d.ID] = d
		}
	}
	var met []platform.ID
	for page := 0; ; page++ {
		got, err := w.db.Scan(ctx, q)
		if err != nil {
			return fmt.Errorf("page %d: %w", page, err)
		}
		for _, r := range got.Items {
			if _, untouched := still[r.Ref.ID]; untouched {
				met = append(met, r.Ref.ID)
			}
		}
		if got.Next == "" {
			break
		}
		q.Cursor = got.Next
		if page == 5 && w.mayRestart("a cursor outlives a restart and an upgrade") {
			if err := w.restart(newest); err != nil {
				return err
			}
		}
		if err := w.stir(ctx, die, moving, got.Items[len(got.Items)-1].Ref.ID); err != nil {
			return err
		}
	}
	index := platform.Index{By: q.By, Sparse: len(q.By) == 1}
	var want []platform.ID
	for _, d := range still.filter(index, platform.Query{Backward: q.Backward}) {
		want = append(want, d.ID)
	}
	if !slices.Equal(met, want) {
		return fmt.Errorf("the untouched rows met are\n%v, want each once in order\n%v", met, want)
	}
	return nil
}

// stir deletes the moving row that the cursor stands on, changes two others
// and inserts one, anywhere in the order.
func (w *world) stir(ctx context.Context, die *rand.Rand, moving sheet, at platform.ID) error {
	if d, mine := moving[at]; mine {
		delete(moving, at)
		if err := w.given(ctx, platform.Remove(d)); err != nil {
			return err
		}
	}
	rows := moving.sorted(nil)
	die.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	for _, d := range rows[:min(2, len(rows))] {
		next := w.random(die)
		next.Head = d.Head
		if err := w.given(ctx, platform.Put(next)); err != nil {
			return err
		}
		next.Version++
		moving[d.ID] = next
	}
	return w.given(ctx, platform.Put(w.random(die)))
}

// ownCursors checks law 23.
func ownCursors(ctx context.Context, w *world) error {
	if _, err := w.filled(ctx, w.die(23), 40); err != nil {
		return err
	}
	q := platform.Query{Kind: documentKind, By: []string{"word", "number"}, Equal: []any{word("x")}, Limit: 3}
	page, err := w.db.Scan(ctx, q)
	if err != nil || page.Next == "" {
		return fmt.Errorf("a first page with cursor %q: %w", page.Next, err)
	}
	q.Cursor = page.Next
	if _, err := w.db.Scan(ctx, q); err != nil {
		return fmt.Errorf("the cursor where it belongs: %w", err)
	}
	q.Limit = 7
	if _, err := w.db.Scan(ctx, q); err != nil {
		return fmt.Errorf("the cursor with pages of another size: %w", err)
	}
	for name, edit := range map[string]func(*platform.Query){
		"another kind":      func(q *platform.Query) { q.Kind, q.By, q.Equal = dutyKind, []string{"team", "count"}, []any{"x"} },
		"another index":     func(q *platform.Query) { q.By, q.Equal = []string{"text"}, []any{"x"} },
		"no index":          func(q *platform.Query) { q.By, q.Equal = nil, nil },
		"another value":     func(q *platform.Query) { q.Equal = []any{word("y")} },
		"fewer values":      func(q *platform.Query) { q.Equal = nil },
		"more values":       func(q *platform.Query) { q.Equal = []any{word("x"), 0} },
		"another range":     func(q *platform.Query) { q.From = 0 },
		"another direction": func(q *platform.Query) { q.Backward = true },
	} {
		other := q
		edit(&other)
		if err := w.refused(ctx, other); err != nil {
			return fmt.Errorf("the cursor of %s: %w", name, err)
		}
	}
	return w.alteredCursors(ctx, q)
}

// alteredCursors tries every cursor that differs in one bit, is cut short or
// goes on.
func (w *world) alteredCursors(ctx context.Context, q platform.Query) error {
	whole := q.Cursor
	for i := range len(whole) {
		for bit := range 8 {
			altered := []byte(whole)
			altered[i] ^= 1 << bit
			q.Cursor = string(altered)
			if err := w.refused(ctx, q); err != nil {
				return fmt.Errorf("bit %d of byte %d flipped: %w", bit, i, err)
			}
		}
		if q.Cursor = whole[:i]; i > 0 {
			if err := w.refused(ctx, q); err != nil {
				return fmt.Errorf("cut to %d bytes: %w", i, err)
			}
		}
	}
	q.Cursor = whole + whole[:1]
	return w.refused(ctx, q)
}

// refused goes past the history, which would hold nothing else.
func (w *world) refused(ctx context.Context, q platform.Query) error {
	page, err := w.inner.Scan(ctx, q)
	if len(page.Items) > 0 {
		return fmt.Errorf("%d rows for cursor %q", len(page.Items), q.Cursor)
	}
	return refusal("scan", err, platform.ErrInvalid, "")
}
