package postgres_test

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/postgres"
	"github.com/liangding/platform/store/storetest"
	"github.com/liangding/platform/store/storetest/pgserver"
)

var server pgserver.Server

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

// unsafe is how tests open their server, which writes nothing through to disk.
func unsafe() *postgres.Options {
	return &postgres.Options{AllowUnsafe: true, Unknown: 5 * time.Second}
}

// hasty is for tests whose lost connections stay lost.
func hasty() *postgres.Options {
	return &postgres.Options{AllowUnsafe: true, Unknown: time.Second}
}

// line is a way to a database that can be cut, as the end of a process cuts it.
type line struct {
	dsn   string
	pool  *pgxpool.Pool
	mu    sync.Mutex
	ended bool
	conns []net.Conn
	wrap  func(net.Conn) net.Conn
}

// dialled is a pool over a line. edit may change its config.
func dialled(t testing.TB, dsn string, edit func(*pgxpool.Config)) *line {
	t.Helper()
	l := &line{dsn: dsn}
	config, err := pgxpool.ParseConfig(dsn)
	require.NoError(t, err)
	config.MaxConns = 6
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		l.mu.Lock()
		defer l.mu.Unlock()
		if err == nil && l.ended {
			return nil, errors.Join(errors.New("the process has ended"), conn.Close())
		}
		if err != nil {
			return nil, err
		}
		l.conns = append(l.conns, conn)
		if l.wrap != nil {
			conn = l.wrap(conn)
		}
		return conn, nil
	}
	if edit != nil {
		edit(config)
	}
	l.pool, err = pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(l.pool.Close)
	return l
}

// cut ends all connections, and those to come if the process ends.
func (l *line) cut(ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = l.ended || ended
	for _, conn := range l.conns {
		_ = conn.Close()
	}
	l.conns = nil
}

// remote is a store at the end of a line, which closes with it.
type remote struct {
	*postgres.DB
	line *line
}

func (r *remote) Close() error {
	defer r.line.pool.Close()
	return r.DB.Close()
}

// reached opens a store over a line.
func reached(t testing.TB, dsn string, kinds []platform.Kind, edit func(*pgxpool.Config)) (*remote, error) {
	t.Helper()
	return way{edit: edit}.reach(t, dsn, kinds)
}

// way is how stores are reached.
type way struct {
	opts *postgres.Options                     // if nil, hasty
	dsn  func(t testing.TB, dsn string) string // of a new database; if nil, its own
	edit func(*pgxpool.Config)
	only []int // laws
}

func (w way) reach(t testing.TB, dsn string, kinds []platform.Kind) (*remote, error) {
	t.Helper()
	if w.opts == nil {
		w.opts = hasty()
	}
	l := dialled(t, dsn, w.edit)
	db, err := postgres.New(t.Context(), l.pool, kinds, w.opts)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = db.Close() })
	return &remote{db, l}, nil
}

// database is a new one.
func (w way) database(t testing.TB) string {
	t.Helper()
	dsn := server.Database(t)
	if w.dsn != nil {
		dsn = w.dsn(t, dsn)
	}
	return dsn
}

// laws puts the adapter to the laws of storage.
func (w way) laws(t *testing.T) {
	t.Helper()
	must := func(t *testing.T, dsn string, kinds []platform.Kind) platform.DB {
		t.Helper()
		db, err := w.reach(t, dsn, kinds)
		require.NoError(t, err)
		return db
	}
	storetest.Run(t, func(t *testing.T, kinds []platform.Kind) platform.DB {
		t.Helper()
		return must(t, w.database(t), kinds)
	}, storetest.Options{
		Only: w.only,
		Reopen: func(t *testing.T, db platform.DB, kinds []platform.Kind) (platform.DB, error) {
			t.Helper()
			l := db.(*remote).line
			l.cut(true)
			again, err := w.reach(t, l.dsn, kinds)
			if err != nil {
				return nil, err
			}
			return again, nil
		},
		Handle: func(t *testing.T, db platform.DB, kinds []platform.Kind) platform.DB {
			t.Helper()
			return must(t, db.(*remote).line.dsn, kinds)
		},
	})
}

func TestLaws(t *testing.T) {
	t.Parallel()
	h := &heard{}
	way{edit: func(config *pgxpool.Config) { config.ConnConfig.Tracer = h }}.laws(t)
	h.check(t)
}
