package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/folder"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/security/vault"
	"github.com/liangding/platform/store/postgres"
)

var (
	errMigrateUsage = errors.New("usage: server migrate [-print] [flags]")
	errPrint        = errors.New("migrate -print: only PostgreSQL has such a script; other stores are migrated when they are opened")
)

// migrate brings the tables of the store that the flags name to this program, or
// prints what it would run on an empty PostgreSQL database; with -keys, on that of
// the keys.
func migrate(ctx context.Context, args []string, out, errs io.Writer) error {
	isPrint := func(arg string) bool { return arg == "-print" || arg == "--print" }
	show := slices.ContainsFunc(args, isPrint)
	c, err := flags(slices.DeleteFunc(slices.Clone(args), isPrint), os.LookupEnv, errs)
	switch {
	case err != nil:
		return err
	case len(c.files) > 0:
		return errMigrateUsage
	case show && c.store != "" && !strings.HasPrefix(c.store, "postgres"):
		return errPrint
	case show:
		kinds := market.Kinds()
		if c.keys != "" { // they are a database of their own
			kinds = vault.KeyKinds()
		}
		script, err := postgres.Script(kinds, nil)
		if err == nil {
			_, err = io.WriteString(out, script)
		}
		return err
	case c.store == "":
		f, err := folder.Beside(c.folder)
		if err != nil {
			return err
		}
		c.store, c.keys = f.Store(), cmp.Or(c.keys, f.Keys())
	}
	if err := made(ctx, c.store, market.Kinds()); err != nil {
		return err
	}
	if c.keys != "" {
		if err := made(ctx, c.keys, vault.KeyKinds()); err != nil {
			return err
		}
	}
	_, err = io.WriteString(out, "the tables are those of this program\n")
	return err
}

// made opens a store, which migrates it.
func made(ctx context.Context, name string, kinds []platform.Kind) error {
	db, err := folder.Connect(ctx, name, kinds)
	if err != nil {
		return err
	}
	return db.Close()
}
