package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/folder"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/store"
)

// chores are what the program does instead of serving, when its first argument
// says so; the flags and a file may follow.
var chores = map[string]struct {
	files int
	take  func(string) (*folder.Folder, error)
	do    func(ctx context.Context, m *market.Market, db store.Engine, files []string, out io.Writer) error
}{
	"backup":  {1, folder.Beside, backup},
	"restore": {1, folder.Open, restore},
	"verify":  {0, folder.Beside, verify},
}

// chore opens the store that the flags name and does one thing with it.
func chore(ctx context.Context, name string, c config, out io.Writer) error {
	job := chores[name]
	switch {
	case len(c.files) != job.files:
		return fmt.Errorf("usage: server %s [flags]%s", name, map[int]string{1: " FILE"}[job.files])
	case c.store == "memory":
		return fmt.Errorf("%s: a store in memory dies with its process", name)
	}
	db, o, _, done, err := c.open(ctx, job.take)
	if err != nil {
		return err
	}
	defer done()
	m, err := market.Open(db, &o)
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }()
	return job.do(ctx, m, db, c.files, out)
}

// backup writes the store to a file, which is whole or not there. The secret in
// the data folder, without which sealed values stay closed, is not in it.
func backup(ctx context.Context, _ *market.Market, db store.Engine, files []string, out io.Writer) error {
	file, err := os.OpenFile(files[0]+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	m, err := store.Backup(ctx, db, file)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), files[0])
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	tell(out, "written", m)
	return nil
}

// restore fills an empty store with a backup of any engine.
func restore(ctx context.Context, _ *market.Market, db store.Engine, files []string, out io.Writer) error {
	file, err := os.Open(files[0])
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	m, err := store.Restore(ctx, db, file)
	if err != nil {
		return err
	}
	tell(out, "restored", m)
	return nil
}

func tell(out io.Writer, what string, m store.Manifest) {
	var lines int64
	for _, kind := range slices.Sorted(maps.Keys(m.Counts)) {
		fmt.Fprintf(out, "%10d %s\n", m.Counts[kind], kind)
		lines += m.Counts[kind]
	}
	fmt.Fprintf(out, "%10d lines %s, sha256 of the segments %s\n", lines, what, m.SHA256)
}

var errUnsound = errors.New("the store contradicts itself")

// verify reads everything and prints what is wrong: in the store, in the books,
// and in the audit log.
func verify(ctx context.Context, m *market.Market, db store.Engine, _ []string, out io.Writer) error {
	kinds, err := store.NewKinds(market.Kinds())
	if err != nil {
		return err
	}
	signed, err := m.Audit.Checkpoint(ctx) // before the moment, which then has all that it covers
	if err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	now, err := db.Moment(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = now.Close() }()
	found, err := kinds.Verify(ctx, now)
	if err != nil {
		return err
	}
	for _, f := range found {
		fmt.Fprintln(out, f)
	}
	wrong, err := m.VerifyBooks(platform.As(ctx, platform.SystemActor("verify")))
	if err != nil {
		return err
	}
	for _, d := range wrong {
		fmt.Fprintf(out, "books %+v\n", d)
	}
	seen, failed := audit.Verify(m.Audit.Events(ctx, now), signed, m.Verifier, nil)
	if failed != nil {
		fmt.Fprintln(out, "audit", failed)
	}
	if len(found)+len(wrong) > 0 || failed != nil {
		return errUnsound
	}
	fmt.Fprintf(out, "sound: every record, the books, and %d events of the audit log, root %s\n", seen.Events, seen.Root)
	return nil
}
