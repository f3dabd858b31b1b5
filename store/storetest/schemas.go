package storetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/liangding/platform"
)

// upcasting checks law 25: a store that a program of schema 1 and one of schema
// 2 wrote is opened by the newest, and then by an old one again.
func upcasting(ctx context.Context, w *world) error {
	if !w.mayRestart("documents of every older schema read as the newest") {
		return nil
	}
	first := legacy1{Head: platform.Head{ID: w.id("lgc")}, Label: "服务"}
	if err := w.given(ctx, platform.Put(first)); err != nil {
		return err
	}
	first.Version = 1
	if err := w.stored(ctx, first); err != nil {
		return err
	}
	if err := w.restart(2); err != nil {
		return err
	}
	second := legacy2{Head: platform.Head{ID: w.id("lgc")}, Title: "second"}
	if err := w.given(ctx, platform.Put(second)); err != nil {
		return err
	}
	if err := w.restart(newest); err != nil {
		return err
	}
	read := []legacy{{Head: first.Head, Title: "服务", Length: 2}, {Head: second.Head, Title: "second", Length: 6}}
	read[1].Version = 1
	for _, l := range read {
		if err := w.reads(ctx, l); err != nil {
			return err
		}
	}
	read[0].Title, read[0].Length = "服务商", 3
	if err := w.given(ctx, platform.Put(read[0]), platform.Unchanged(read[1])); err != nil {
		return err
	}
	read[0].Version = 2
	if err := errors.Join(w.reads(ctx, read[0]), w.reads(ctx, read[1])); err != nil {
		return err
	}
	return w.downgrade(ctx, read[0])
}

// reads demands that a record shows itself as the newest schema has it, in a
// Get and under its promoted column.
func (w *world) reads(ctx context.Context, want legacy) error {
	if err := w.stored(ctx, want); err != nil {
		return err
	}
	records, err := w.db.Get(ctx, want.Ref())
	if err != nil {
		return err
	}
	if records[0].Schema != newest {
		return fmt.Errorf("%s is of schema %d, want %d", want.Ref(), records[0].Schema, newest)
	}
	page, err := w.db.Scan(ctx, platform.Query{Kind: legacyKind, By: []string{"length"}, Equal: []any{want.Length}})
	if err != nil {
		return err
	}
	if len(page.Items) != 1 || page.Items[0].Ref != want.Ref() || page.Items[0].Schema != newest || !sameJSON(page.Items[0].Doc, encoded(want)) {
		return fmt.Errorf("%d rows of length %d, want %s alone, as %s", len(page.Items), want.Length, want.Ref(), encoded(want))
	}
	return nil
}

// downgrade: a program of an older schema cannot read what a newer one wrote,
// says so, on opening or on reading, and spoils nothing.
func (w *world) downgrade(ctx context.Context, want legacy) error {
	err := w.restart(1)
	if err == nil {
		_, err = w.db.Get(ctx, want.Ref())
	}
	if err := refusal("get of a newer schema", err, platform.ErrUnavailable, ""); err != nil {
		return err
	}
	if err := w.restart(newest); err != nil {
		return err
	}
	return w.reads(ctx, want)
}
