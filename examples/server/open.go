package main

import (
	"context"
	"errors"

	"github.com/liangding/platform/examples/folder"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/store"
)

// open opens the store that the flags name, and what is kept beside it, by
// folder.Open or folder.Beside. done closes both.
func (c config) open(ctx context.Context, take func(string) (*folder.Folder, error)) (db store.Engine, o market.Options, cast casting, done func(), err error) {
	if c.store == "memory" {
		db, err = folder.Connect(ctx, c.store, market.Kinds())
		return db, o, fresh, func() { _ = db.Close() }, err
	}
	f, err := take(c.folder)
	if err != nil {
		return nil, o, nil, nil, err
	}
	name := c.store
	if name == "" {
		name = f.Store()
	}
	if db, err = folder.Connect(ctx, name, market.Kinds()); err != nil {
		return nil, o, nil, nil, errors.Join(err, f.Close())
	}
	return db, f.Options(o), f.Cast, func() { _ = db.Close(); _ = f.Close() }, nil
}

// fresh makes the demo anew.
func fresh(ctx context.Context, m *market.Market) (market.Cast, error) { return m.Demo(ctx) }
