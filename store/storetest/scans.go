package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/liangding/platform"
)

// indexesTrue checks law 21: every declared index, with every length of equal
// values, with and without ranges, in both directions, against a filter over
// all documents.
func indexesTrue(ctx context.Context, w *world) error {
	die := w.die(21)
	rows, err := w.filled(ctx, die, 150)
	if err != nil {
		return err
	}
	for _, index := range append([]platform.Index{{}}, documentShape.Indexes...) {
		for equal := range len(index.By) + 1 {
			for range 12 {
				q := rows.query(die, index, equal)
				if err := rows.agrees(ctx, w.db, index, q); err != nil {
					return fmt.Errorf("scan %+v: %w", q, err)
				}
			}
		}
	}
	return oddScans(ctx, w)
}

// filled is a store with documents of which some were replaced and some
// deleted since they were created.
func (w *world) filled(ctx context.Context, die *rand.Rand, n int) (sheet, error) {
	rows := sheet{}
	for range n {
		d := w.random(die)
		if err := w.given(ctx, platform.Put(d)); err != nil {
			return nil, err
		}
		d.Version = 1
		rows[d.ID] = d
	}
	for i, d := range rows.sorted(nil) {
		switch i % 6 {
		case 0, 1:
			next := w.random(die)
			next.Head = d.Head
			if err := w.given(ctx, platform.Put(next)); err != nil {
				return nil, err
			}
			next.Version++
			rows[d.ID] = next
		case 2:
			if err := w.given(ctx, platform.Remove(d)); err != nil {
				return nil, err
			}
			delete(rows, d.ID)
		}
	}
	return rows, nil
}

// agrees follows the query through all its pages.
func (rows sheet) agrees(ctx context.Context, db platform.Getter, index platform.Index, q platform.Query) error {
	want := rows.filter(index, q)
	for page := 0; ; page++ {
		got, err := db.Scan(ctx, q)
		if err != nil {
			return err
		}
		if len(got.Items) > q.Limit || len(got.Items) > len(want) || got.Next != "" && len(got.Items) == 0 {
			return fmt.Errorf("page %d has %d rows, %d were left, next %q", page, len(got.Items), len(want), got.Next)
		}
		for i, r := range got.Items {
			if r.Ref != want[i].Ref() || r.Version != want[i].Version || !sameJSON(r.Doc, encoded(want[i])) {
				return fmt.Errorf("page %d, row %d is %s at %d: %s, want %s at %d: %s", page, i, r.Ref, r.Version, r.Doc, want[i].Ref(), want[i].Version, encoded(want[i]))
			}
		}
		want = want[len(got.Items):]
		if got.Next == "" {
			break
		}
		q.Cursor = got.Next
	}
	if len(want) > 0 {
		return fmt.Errorf("%d rows missing, the first %s: %s", len(want), want[0].Ref(), encoded(want[0]))
	}
	return nil
}

// oddScans checks what a query may not ask, and what a page holds unasked.
func oddScans(ctx context.Context, w *world) error {
	for name, q := range map[string]platform.Query{
		"an unregistered kind":       {Kind: "test.stranger"},
		"an index that is not":       {Kind: documentKind, By: []string{"number"}},
		"a column that is not":       {Kind: documentKind, By: []string{"colour"}},
		"columns in another order":   {Kind: documentKind, By: []string{"number", "word"}},
		"a limit over 500":           {Kind: documentKind, Limit: 501},
		"a limit below zero":         {Kind: documentKind, Limit: -1},
		"more values than columns":   {Kind: documentKind, By: []string{"text"}, Equal: []any{"a", "b"}},
		"a range behind all columns": {Kind: documentKind, By: []string{"text"}, Equal: []any{"a"}, From: "b"},
		"a value no column can have": {Kind: documentKind, By: []string{"text"}, Equal: []any{1.5}},
		"a cursor that is none":      {Kind: documentKind, Cursor: "next"},
	} {
		_, err := w.db.Scan(ctx, q)
		if err := refusal("scan by "+name, err, platform.ErrInvalid, ""); err != nil {
			return err
		}
	}
	page, err := w.db.Scan(ctx, platform.Query{Kind: documentKind})
	if err != nil || len(page.Items) != 50 || page.Next == "" {
		return fmt.Errorf("a page of many without a limit has %d rows, next %q: %w", len(page.Items), page.Next, err)
	}
	page, err = w.db.Scan(ctx, platform.Query{Kind: fenceKind})
	if err != nil || len(page.Items) != 0 || page.Next != "" {
		return fmt.Errorf("a page of nothing has %d rows, next %q: %w", len(page.Items), page.Next, err)
	}
	return nil
}

// columnsFollow checks law 24: after each operation a document is found under
// its own values in every index, and no longer under its former ones.
func columnsFollow(ctx context.Context, w *world) error {
	die := w.die(24)
	rows := sheet{}
	for range 80 {
		before, after, err := w.step(ctx, die, rows)
		if err != nil {
			return err
		}
		for _, index := range documentShape.Indexes {
			for _, d := range []*document{before, after} {
				if d == nil {
					continue
				}
				q := platform.Query{Kind: documentKind, By: index.By, Limit: 500}
				for _, name := range index.By {
					q.Equal = append(q.Equal, d.column(name))
				}
				if err := rows.agrees(ctx, w.db, index, q); err != nil {
					return fmt.Errorf("%s under %v: %w", d.ID, q.Equal, err)
				}
			}
		}
	}
	return nil
}

// step creates, replaces or deletes one document, and tells how it was and is.
func (w *world) step(ctx context.Context, die *rand.Rand, rows sheet) (before, after *document, err error) {
	some := rows.sorted(nil)
	next := w.random(die)
	op := die.IntN(4)
	if len(some) == 0 || op == 0 {
		err = w.given(ctx, platform.Put(next))
	} else {
		old := some[die.IntN(len(some))]
		before = &old
		if op == 1 {
			delete(rows, old.ID)
			return before, nil, w.given(ctx, platform.Remove(old))
		}
		next.Head = old.Head
		err = w.given(ctx, platform.Put(next))
	}
	next.Version++
	rows[next.ID] = next
	return before, &next, errors.Join(err)
}
