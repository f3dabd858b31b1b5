package postgres

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

var _ store.Engine = (*DB)(nil)

// Options are what may differ from the defaults; nil means all of them.
type Options struct {
	Schema      string        // where all tables lie. If empty, "platform".
	Unknown     time.Duration // how long a lost connection is tried again before the answer is unknown. If zero, 15 s.
	Lanes       int           // flushes that may be under way at once. If zero, 1; see the package's comment.
	MaxQueue    int           // sets that may wait in a lane; one more is turned away with [store.ErrBusy]. If zero, 16,384.
	AllowUnsafe bool          // opens a server that may lose what it acknowledged, as one for tests
}

// ready returns the options with their defaults filled in.
func (o *Options) ready() Options {
	var r Options
	if o != nil {
		r = *o
	}
	if r.Schema == "" {
		r.Schema = "platform"
	}
	if r.Unknown == 0 {
		r.Unknown = 15 * time.Second
	}
	r.MaxQueue, r.Lanes = max(r.MaxQueue, 0), max(r.Lanes, 1)
	return r
}

// patience is how long Close waits for what is being written.
const patience = 10 * time.Second

// DB is the store. It may be used by several goroutines and, on one database, by
// several processes at once. Its reads take connections of the pool; its writes
// share one more for each lane, which each flush has for itself.
type DB struct {
	reader
	opts   Options
	lanes  []*lane
	tree   *Tree
	asking gathering
	own    bool // the pool is ours to close
	closed atomic.Bool
	end    context.CancelFunc // of moments and archives under way
	ctx    context.Context
	once   sync.Once
}

// Open connects to the database that dsn names (a URL or key=value text of
// libpq) and migrates it to this program. It fails with ErrInvalid for a faulty
// DSN or kind, and with ErrUnavailable when the server does not answer, is too
// old, may lose what it acknowledged ([ErrUnsafe]), or when the database belongs
// to a newer program ([ErrNewer], with both numbers).
func Open(ctx context.Context, dsn string, kinds []platform.Kind, opts *Options) (*DB, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("open postgres: the DSN cannot be read: %w", platform.ErrInvalid)
	}
	config.MaxConns = max(config.MaxConns, int32(opts.ready().Lanes+spare))
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, trouble("open postgres", err)
	}
	db, err := New(ctx, pool, kinds, opts)
	if err != nil {
		pool.Close()
		return nil, err
	}
	db.own = true
	return db, nil
}

// spare connections, beside the lanes, are for an archive or moment, and readers.
const spare = 3

// New is [Open] on the caller's own pool, which must give more connections than
// there are lanes, and stays open when the DB is closed.
func New(ctx context.Context, pool *pgxpool.Pool, kinds []platform.Kind, opts *Options) (*DB, error) {
	if err := store.Ended(ctx); err != nil {
		return nil, err
	}
	known, err := store.NewKinds(kinds)
	if err != nil {
		return nil, err
	}
	db := &DB{opts: opts.ready()}
	if most := pool.Config().MaxConns; int(most) <= db.opts.Lanes {
		return nil, fmt.Errorf("a pool of %d connections for %d lanes and readers: %w", most, db.opts.Lanes, platform.ErrInvalid)
	}
	if db.tables, err = newTables(db.opts.Schema, known); err != nil {
		return nil, err
	}
	db.pool, db.kinds, db.query = pool, known, pool
	db.tree = &Tree{db: db}
	if err := db.posture(ctx); err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx); err != nil {
		return nil, err
	}
	db.ctx, db.end = context.WithCancel(context.Background())
	for range db.opts.Lanes {
		db.lanes = append(db.lanes, newLane(db))
	}
	return db, nil
}

// posture refuses a server that is too old, or that may lose what it
// acknowledged: by itself, or in a failover to a standby that it does not wait for.
func (db *DB) posture(ctx context.Context) error {
	var version int
	var fsync, synchronous, standbys string
	err := db.pool.QueryRow(ctx, `select current_setting('server_version_num')::int, current_setting('fsync'), current_setting('synchronous_commit'),
 current_setting('synchronous_standby_names')`).Scan(&version, &fsync, &synchronous, &standbys)
	switch {
	case err != nil:
		return trouble("look at the server", err)
	case version < 140000:
		return fmt.Errorf("server version %d: %w", version/10000, ErrOld)
	case (fsync == "off" || synchronous == "off" || synchronous == "local" && standbys != "") && !db.opts.AllowUnsafe:
		return fmt.Errorf("fsync %s, synchronous_commit %s, standbys %q: %w", fsync, synchronous, standbys, ErrUnsafe)
	}
	return nil
}

// Tree keeps the audit log's tree beside the records.
func (db *DB) Tree() store.Tree { return db.tree }

// Commit implements [platform.Committer].
func (db *DB) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	prepared, err := db.prepare(ctx, set)
	if err != nil {
		return platform.Receipt{}, err
	}
	return db.laneOf(prepared).group.Commit(ctx, prepared)
}

// Get implements [platform.DB].
func (db *DB) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	if err := db.open(ctx); err != nil {
		return nil, err
	}
	return again(ctx, func() ([]platform.Record, error) { return db.get(ctx, refs, db.lookUp) })
}

// Scan implements [platform.DB].
func (db *DB) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	if err := db.open(ctx); err != nil {
		return platform.Page[platform.Record]{}, err
	}
	return again(ctx, func() (platform.Page[platform.Record], error) { return db.reader.Scan(ctx, q) })
}

// Recall implements [platform.Committer].
func (db *DB) Recall(ctx context.Context, key platform.Key) (platform.Answer, error) {
	if err := db.open(ctx); err != nil {
		return platform.Answer{}, err
	}
	return again(ctx, func() (platform.Answer, error) { return db.reader.Recall(ctx, key) })
}

// open is nil while calls are taken.
func (db *DB) open(ctx context.Context) error {
	if err := store.Ended(ctx); err != nil {
		return err
	}
	if db.closed.Load() {
		return store.ErrClosed
	}
	return nil
}

// Close implements [platform.DB]: what is being written is let finish for ten
// seconds, then cut; then readers are. A pool of the caller's own stays open.
func (db *DB) Close() error {
	db.once.Do(func() {
		db.closed.Store(true)
		var all sync.WaitGroup
		for _, l := range db.lanes {
			all.Go(l.close)
		}
		all.Wait()
		db.end()
		if db.own {
			db.pool.Close()
		}
	})
	return nil
}

// quoted is a name of SQL as it stands in a statement.
func quoted(names ...string) string { return pgx.Identifier(names).Sanitize() }
