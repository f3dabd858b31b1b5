// Package folder keeps on disk what a market on one machine must not lose with
// its process, and opens the store that a flag names. Begin with [Open].
package folder

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/security/vault"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/postgres"
	"github.com/liangding/platform/store/sqlite"
)

// Folder is where a market on one machine keeps what must outlive the process:
// the store and that of the keys, unless these are servers, what wraps the keys,
// the secret behind the audit log's signature, the log's last head and its
// checkpoints, the books of the demo institution, and who acts in the demo.
type Folder struct {
	dir    string
	lock   *flock.Flock
	secret []byte
	kek    *vault.File
}

// Open takes a folder for this process alone, and makes it when it is
// missing. Another process that has it makes it fail.
func Open(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	f := &Folder{dir: dir, lock: flock.New(filepath.Join(dir, "lock"))}
	switch mine, err := f.lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock the data folder %s: %w", dir, err)
	case !mine:
		return nil, fmt.Errorf("the data folder %s belongs to another process that is running: stop it, or name another folder", dir)
	}
	var err error
	if f.secret, err = f.keep("secret", randomSecret); err == nil {
		f.kek, err = vault.OpenFile(f.KEK())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Beside looks into a folder that another process may have: for reading its
// store, which allows that.
func Beside(dir string) (*Folder, error) {
	secret, err := os.ReadFile(filepath.Join(dir, "secret"))
	if err != nil {
		return nil, fmt.Errorf("look into the data folder: %w", err)
	}
	f := &Folder{dir: dir, secret: secret}
	f.kek, err = vault.OpenFile(f.KEK())
	return f, err
}

// Close gives the folder back.
func (f *Folder) Close() error {
	if f.lock == nil {
		return nil
	}
	return f.lock.Close()
}

// Options are the market's options with what the folder keeps: beside another
// process only the secrets and, to compare with, the audit log's last head.
func (f *Folder) Options(o market.Options) market.Options {
	o.Secret, o.KEK = f.secret, f.kek
	head := audit.File(filepath.Join(f.dir, "audit.head"))
	if f.lock == nil {
		o.Last = looking{head}
		return o
	}
	o.SandboxBooks, o.Last = filepath.Join(f.dir, "sandbox.jsonl"), head
	o.Journals = append(o.Journals, f.Checkpoints())
	return o
}

// Checkpoints are those of the audit log that were kept: the newest, and one a
// day.
func (f *Folder) Checkpoints() audit.Dir { return audit.Dir(filepath.Join(f.dir, "checkpoints")) }

// looking is the last head for who must not change it.
type looking struct{ audit.File }

// Keep implements [audit.Last], and keeps nothing.
func (looking) Keep(audit.Head) error { return nil }

// Leave implements [audit.Last], and keeps nothing.
func (looking) Leave(_, _ audit.Head) error { return nil }

// Cast is the demo's cast: that of the first time, if there was one.
func (f *Folder) Cast(ctx context.Context, m *market.Market) (market.Cast, error) {
	var failed error
	raw, err := f.keep("demo.json", func() []byte {
		cast, err := m.Demo(ctx)
		if err == nil {
			err = m.DemoBudget(ctx, cast)
		}
		if err != nil {
			failed = fmt.Errorf("%w; a demo needs an empty store: name another data folder, or take -demo=false", err)
			return nil
		}
		raw, err := json.Marshal(cast)
		failed = err
		return raw
	})
	var cast market.Cast
	if err = errors.Join(failed, err); err == nil {
		err = json.Unmarshal(raw, &cast)
	}
	return cast, err
}

// keep is the content of a file, made once. It is whole or not there.
func (f *Folder) keep(name string, content func() []byte) ([]byte, error) {
	path := filepath.Join(f.dir, name)
	known, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return known, err
	}
	fresh := content()
	if fresh == nil {
		return nil, nil
	}
	file, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = file.Write(fresh)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = errors.Join(os.Rename(path+".new", path), f.sync())
	}
	return fresh, err
}

// sync makes the names in the folder durable: without its secret, what is sealed
// in the store stays closed.
func (f *Folder) sync() error {
	dir, err := os.Open(f.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Store names the store in the folder, for [Connect].
func (f *Folder) Store() string { return "sqlite:" + filepath.Join(f.dir, "market.db") }

// Keys names the store of keys in the folder, for [Connect] with
// [vault.KeyKinds].
func (f *Folder) Keys() string { return "sqlite:" + filepath.Join(f.dir, "keys.db") }

// KEK is the path of what wraps the keys.
func (f *Folder) KEK() string { return filepath.Join(f.dir, "kek") }

// Connect opens the store that a text names: "memory", "sqlite:PATH", or the
// address of a PostgreSQL server as in "postgres://user@host/database".
func Connect(ctx context.Context, name string, kinds []platform.Kind) (store.Engine, error) {
	engine, path, _ := strings.Cut(name, ":")
	switch {
	case name == "memory":
		return memory.New(kinds, nil), nil
	case engine == "sqlite" && path != "":
		return sqlite.Open(ctx, path, kinds, nil)
	case engine == "postgres" || engine == "postgresql":
		return postgres.Open(ctx, name, kinds, nil)
	}
	return nil, fmt.Errorf("store %q: memory, sqlite:PATH or postgres://…", engine)
}

func randomSecret() []byte {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails since Go 1.24
	return secret
}
