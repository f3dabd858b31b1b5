// Package sqlite is a [platform.DB] in one file, for one machine: durable, with
// no server and no cgo. Begin with [Open].
//
// One connection writes, and gathers the sets of all callers that wait into one
// transaction; readers see the last commit and wait for nobody. The file is in
// WAL mode, so two files lie beside it while it is used. Several processes may
// use it at once, only slower: who waits for the other's lock asks for it again
// and again. While a process has the file open, it must not open it by other
// means as well, but for the driver's: to close such a file would drop the locks
// on it.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

var _ store.Engine = (*DB)(nil)

// Options of a store; nil means defaults.
type Options struct {
	// Patience is how long a commit waits while another process writes, or a
	// transaction of a caller's own, before it fails with [ErrLocked]. If zero,
	// ten seconds.
	Patience time.Duration

	// MaxQueue is how many sets may wait to be written; one more is turned away
	// with [store.ErrBusy]. If zero, 16,384.
	MaxQueue int

	// Now stamps answers, from which their retention counts. If nil, time.Now.
	Now func() time.Time
}

// DB is the store. It may be used by several goroutines at once.
type DB struct {
	pen     // of the writer
	group   *store.Group
	writer  *writer
	reader  view
	readers *sql.DB
	moments *sql.DB // apart from readers, since a moment holds its connection
	callers *sql.DB // of their own transactions
	closed  atomic.Bool
	again   atomic.Int64 // flushes that were begun again

	mu   sync.Mutex
	open map[*moment]bool
}

// Open opens the store in the file at path, which it makes if there is none,
// and brings its tables to what the program and its kinds need. After a process
// that did not close the file, or beside one that has it open, it checks the
// whole file first.
//
// It fails with ErrInvalid for kinds that are declared wrongly and for a path
// that is none, and with ErrUnavailable when the file is damaged, on a network
// file system ([ErrNetwork], where the system tells), or newer than the program
// ([ErrNewer]). ctx bounds the opening only.
func Open(ctx context.Context, path string, kinds []platform.Kind, opts *Options) (*DB, error) {
	if opts == nil {
		opts = &Options{}
	}
	known, err := store.NewKinds(kinds)
	if err != nil {
		return nil, err
	}
	db := &DB{pen: pen{kinds: known, now: opts.Now}, open: map[*moment]bool{}}
	if db.now == nil {
		db.now = time.Now
	}
	if db.tables, err = tables(known); err != nil {
		return nil, err
	}
	if path, err = sited(path); err != nil {
		return nil, err
	}
	patience := opts.Patience
	if patience <= 0 {
		patience = 10 * time.Second
	}
	db.group = store.NewGroup(db.flush, max(opts.MaxQueue, 0))
	if err := db.connect(ctx, path, patience); err != nil {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

func (db *DB) connect(ctx context.Context, path string, patience time.Duration) error {
	check := unclean(path)
	const reading = "&_pragma=query_only(1)"
	var pools [4]*sql.DB
	for i, p := range []struct {
		source string
		size   int
	}{
		{source(path, patience), 1},
		{source(path, patience) + reading, max(2, runtime.GOMAXPROCS(0))},
		{source(path, patience) + reading, 0},
		{source(path, 0) + "&_txlock=immediate", 0},
	} {
		var err error
		if pools[i], err = pool(p.source, p.size); err != nil {
			return err
		}
	}
	db.readers, db.moments, db.callers = pools[1], pools[2], pools[3]
	db.writer = newWriter(pools[0], patience)
	db.by = db.writer
	prepared := &cache{db: db.readers}
	db.reader = view{db.kinds, db.tables, prepared}
	if err := db.begun(ctx, check); err != nil {
		return err
	}
	if err := db.migrate(ctx); err != nil {
		return err
	}
	return db.reader.prepare(ctx, prepared)
}

// begun checks that the file is a sound one in WAL mode.
func (db *DB) begun(ctx context.Context, check bool) error {
	return db.writer.transact(ctx, func() error {
		var mode, found string
		if err := db.writer.row("pragma journal_mode").Scan(&mode); err != nil {
			return err
		}
		if mode != "wal" {
			return fmt.Errorf("journal mode %s: %w", mode, ErrEngine)
		}
		if !check {
			return errIdle
		}
		if err := db.writer.row("pragma quick_check(1)").Scan(&found); err != nil {
			return err
		}
		if found != "ok" {
			return fmt.Errorf("quick check: %w", ErrDamaged)
		}
		return errIdle
	})
}

// Commit implements [platform.Committer].
func (db *DB) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	if err := store.Ended(ctx); err != nil {
		return platform.Receipt{}, err
	}
	prepared, err := db.prepare(set)
	if err != nil {
		return platform.Receipt{}, err
	}
	return db.group.Commit(ctx, prepared)
}

func (db *DB) prepare(set platform.Set) (store.Prepared, error) {
	p, err := db.kinds.Prepare(set)
	if err != nil {
		return p, err
	}
	p.Answer = own(p.Answer)
	return p, db.index(p)
}

// index encodes the keys of the rows in the caller's goroutine, and refuses an
// event whose id is none, which 16 bytes could not hold.
func (db *DB) index(p store.Prepared) (err error) {
	for _, s := range p.Steps {
		if s.Row == nil {
			continue
		}
		if _, err := platform.ParseID(string(s.Ref.ID)); err != nil {
			return fmt.Errorf("%s: %w", s.Ref, err)
		}
		if s.Row.Keys, err = db.kinds.Keys(s.Row); err != nil {
			return err
		}
		s.Row.Columns = nil
	}
	return nil
}

// use tells whether a call may go on.
func (db *DB) use(ctx context.Context) error {
	if err := store.Ended(ctx); err != nil {
		return err
	}
	if db.closed.Load() {
		return store.ErrClosed
	}
	return nil
}

// Stats implements [store.Engine]. The connections are those of readers.
func (db *DB) Stats() store.Stats {
	s, readers := db.group.Stats(), db.readers.Stats()
	s.Retries, s.Lost = db.again.Load(), db.writer.lost.Load()
	s.Connections = store.Connections{Open: readers.OpenConnections, Busy: readers.InUse, Most: readers.MaxOpenConnections}
	return s
}

// Close implements [platform.DB]: sets that wait are still written, for at most
// ten seconds. Moments end with it.
func (db *DB) Close() error {
	if db.closed.Swap(true) || db.writer == nil {
		return nil
	}
	db.group.Close(10 * time.Second)
	db.mu.Lock()
	open := db.open
	db.open = nil
	db.mu.Unlock()
	var failed []error
	for m := range open {
		failed = append(failed, m.Close())
	}
	failed = append(failed, db.moments.Close(), db.readers.Close(), db.callers.Close())
	db.writer.close() // the last one empties the log into the file
	return trouble("close", errors.Join(append(failed, db.writer.pool.Close())...))
}
