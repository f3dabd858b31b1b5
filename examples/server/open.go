package main

import (
	"cmp"
	"context"
	"errors"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/folder"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/security/vault"
	"github.com/liangding/platform/store"
)

var errKeys = errors.New("-keys: a store of its own that lasts; without its keys, what is sealed stays closed for ever")

// open opens the stores that the flags name, and what is kept beside them, by
// folder.Open or folder.Beside. done closes all.
func (c config) open(ctx context.Context, take func(string) (*folder.Folder, error)) (db store.Engine, o market.Options, cast casting, done func(), err error) {
	if c.store == "memory" {
		db, err = folder.Connect(ctx, c.store, market.Kinds())
		return db, o, fresh, func() { _ = db.Close() }, err
	}
	if c.keys == "memory" || c.keys != "" && c.keys == c.store {
		return nil, o, nil, nil, errKeys
	}
	f, err := take(c.folder)
	if err != nil {
		return nil, o, nil, nil, err
	}
	if db, err = folder.Connect(ctx, cmp.Or(c.store, f.Store()), market.Kinds()); err != nil {
		return nil, o, nil, nil, errors.Join(err, f.Close())
	}
	o = f.Options(o)
	if o.Keys, err = folder.Connect(ctx, cmp.Or(c.keys, f.Keys()), vault.KeyKinds()); err != nil {
		return nil, o, nil, nil, errors.Join(err, db.Close(), f.Close())
	}
	return db, o, f.Cast, func() { _ = db.Close(); _ = o.Keys.Close(); _ = f.Close() }, nil
}

var errKeyless = errors.New("the store has records and that of the keys has none, without which nothing sealed opens: restore-keys FILE, or name the right -keys or -folder")

// keyed refuses a store whose keys are missing: a market would make others.
func keyed(ctx context.Context, db store.Engine, o market.Options) error {
	if o.Keys == nil {
		return nil
	}
	events, err := db.Scan(ctx, platform.Query{Kind: "event", Limit: 1})
	if err != nil || len(events.Items) == 0 {
		return err
	}
	keys, err := o.Keys.Scan(ctx, platform.Query{Kind: vault.KeyKinds()[0].Name, Limit: 1})
	if err == nil && len(keys.Items) == 0 {
		err = errKeyless
	}
	return err
}

// fresh makes the demo anew.
func fresh(ctx context.Context, m *market.Market) (market.Cast, error) {
	cast, err := m.Demo(ctx)
	if err != nil {
		return cast, err
	}
	return cast, m.DemoBudget(ctx, cast)
}
