package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/folder"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/security/vault"
	"github.com/liangding/platform/store"
)

// chores are what the program does instead of serving, when its first argument
// says so; the flags and a file may follow.
var chores = map[string]struct {
	files int
	take  func(string) (*folder.Folder, error)
	do    func(ctx context.Context, s stores, c config, out io.Writer) error
}{
	"backup": {1, folder.Beside, opened(backup)},
	"backup-keys": {1, folder.Beside, func(ctx context.Context, s stores, c config, out io.Writer) error {
		return save(ctx, s.o.Keys, c.files[0], out)
	}},
	"restore": {1, folder.Open, func(ctx context.Context, s stores, c config, out io.Writer) error {
		return s.restore(ctx, s.db, c, out)
	}},
	"restore-keys": {1, folder.Open, func(ctx context.Context, s stores, c config, out io.Writer) error {
		return s.restore(ctx, s.o.Keys, c, out)
	}},
	"verify":  {0, folder.Beside, keyless(verify)},
	"import":  {1, folder.Beside, opened(takeOver)},
	"appoint": {0, begun, opened(appoint)},
	"drill":   {1, folder.Beside, opened(drill)},
}

// stores are those that the flags name.
type stores struct {
	db store.Engine
	o  market.Options
}

// opened is a chore in a market over the stores.
func opened(do func(context.Context, *market.Market, config, io.Writer) error) func(context.Context, stores, config, io.Writer) error {
	return func(ctx context.Context, s stores, c config, out io.Writer) error {
		if err := keyed(ctx, s.db, s.o); err != nil {
			return err
		}
		m, err := market.Open(s.db, &s.o)
		if err != nil {
			return err
		}
		defer func() { _ = m.Close() }()
		return do(ctx, m, c, out)
	}
}

// keyless is a chore that needs no keys, and makes none where they are missing.
func keyless(do func(context.Context, *market.Market, config, io.Writer) error) func(context.Context, stores, config, io.Writer) error {
	return func(ctx context.Context, s stores, c config, out io.Writer) error {
		if errors.Is(keyed(ctx, s.db, s.o), errKeyless) {
			s.o.Keys, s.o.KEK = nil, nil
		}
		return opened(do)(ctx, s, c, out)
	}
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
	return job.do(ctx, stores{db, o}, c, out)
}

// backup writes the store to a file, and beside it the newest checkpoint of its
// audit log.
func backup(ctx context.Context, m *market.Market, c config, out io.Writer) error {
	f, err := folder.Beside(c.folder)
	if err != nil {
		return err
	}
	signed, err := f.Checkpoints().Newest() // before the backup, which then has all that it covers
	if err != nil {
		return err
	}
	if err := save(ctx, m.DB, c.files[0], out); err != nil {
		return err
	}
	if signed == nil {
		_, err = fmt.Fprintln(out, "no checkpoint of the audit log was kept yet: a server signs them while it runs")
		return err
	}
	if err := os.WriteFile(c.files[0]+besideBackup, signed, 0o600); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "its audit log verifies anywhere: server audit -key %s %s\n", m.AuditKey, c.files[0])
	return err
}

// save writes a store to a file, which is whole or not there.
func save(ctx context.Context, db store.Engine, path string, out io.Writer) error {
	file, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	m, err := store.Backup(ctx, db, file)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	tell(out, "written", m)
	return nil
}

// restore fills an empty store with a backup of any engine. Before anything is
// read, whoever the store knows as erased loses keys that came back.
func (s stores) restore(ctx context.Context, db store.Engine, c config, out io.Writer) error {
	file, err := os.Open(c.files[0])
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	m, err := store.Restore(ctx, db, file)
	if err != nil {
		return err
	}
	tell(out, "restored", m)
	keys, err := s.o.Keys.Scan(ctx, platform.Query{Kind: vault.KeyKinds()[0].Name, Limit: 1})
	if err != nil || len(keys.Items) == 0 { // they are to come, and a market would make new ones
		return err
	}
	err = opened(bury)(ctx, s, c, out)
	if errors.Is(err, platform.ErrUnavailable) {
		err = fmt.Errorf("the keys do not open: begin with an empty folder that has the files kek and secret of the market's own: %w", err)
	}
	return err
}

func bury(ctx context.Context, m *market.Market, _ config, out io.Writer) error {
	n, err := m.Vault.Bury(ctx)
	if n > 0 {
		fmt.Fprintf(out, "%10d people were erased, and stay so\n", n)
	}
	return err
}

func tell(out io.Writer, what string, m store.Manifest) {
	for _, kind := range slices.Sorted(maps.Keys(m.Counts)) {
		fmt.Fprintf(out, "%10d %s\n", m.Counts[kind], kind)
	}
	fmt.Fprintf(out, "%10d lines %s, up to %s, sha256 of the segments %s\n", m.Lines(), what, m.Until.Format(time.RFC3339), m.SHA256)
	if m.Tree.Size == 0 { // of the keys there is none
		return
	}
	fmt.Fprintf(out, "%10d events in the audit log, root %s\n", m.Tree.Size, base64.StdEncoding.EncodeToString(m.Tree.Root))
}

var errUnsound = errors.New("the store contradicts itself")

// verify proves everything and prints what is wrong, as it is found.
func verify(ctx context.Context, m *market.Market, _ config, out io.Writer) error {
	wrong := 0
	seen, err := m.Verify(ctx, func(f store.Finding) {
		wrong++
		fmt.Fprintln(out, f)
	})
	switch {
	case err != nil:
		return err
	case wrong > 0:
		return fmt.Errorf("%d findings: %w", wrong, errUnsound)
	}
	fmt.Fprintf(out, "sound: every record, order and posting, and %d events of the audit log, root %s\n", seen.Events, seen.Root)
	return nil
}

// drill restores a backup into a scratch store and proves it there, so that it
// is known how long that takes and how much would be lost. The store itself only
// gets an event that tells of it.
func drill(ctx context.Context, m *market.Market, c config, out io.Writer) error {
	file, err := os.Open(c.files[0])
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	dir, err := os.MkdirTemp("", "drill")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	scratch, err := folder.Connect(ctx, "sqlite:"+filepath.Join(dir, "market.db"), market.Kinds())
	if err != nil {
		return err
	}
	defer func() { _ = scratch.Close() }()
	d, err := m.Drill(ctx, file, scratch, func(f store.Finding) { fmt.Fprintln(out, f) })
	switch {
	case err != nil:
		return err
	case d.Findings > 0:
		return fmt.Errorf("%d findings: %w", d.Findings, errUnsound)
	}
	fmt.Fprintf(out, "%d lines restored in %.1f s and proved in %.1f s; what happened since %s, %.0f s ago, would be lost\n",
		d.Lines, d.Restore, d.Verify, d.Until.Format(time.RFC3339), d.Age)
	fmt.Fprintf(out, "%d sealed values open with the keys of today, %d of people who were erased do not\n", d.Opened, d.Erased)
	return nil
}
