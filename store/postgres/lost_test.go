package postgres_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/postgres"
)

func decode(t testing.TB, r platform.Record, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(r.Doc, into))
}

// snare waits for the second trip of a flush on any connection of a pool, and
// has its way with it once.
type snare struct {
	set   atomic.Pointer[func(conn net.Conn, trip []byte) (int, error)]
	ended atomic.Int64 // processes of the server
	line  *line
}

// snared is a connection under watch.
type snared struct {
	net.Conn
	snare *snare
}

func (s snared) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("pg_terminate_backend")) {
		s.snare.ended.Add(1)
	}
	if bytes.Contains(b, []byte("witness values")) {
		if do := s.snare.set.Swap(nil); do != nil {
			return (*do)(s.Conn, b)
		}
	}
	return s.Conn.Write(b)
}

var errCut = errors.New("the cable was cut")

// lossy is a store whose statements travel as text, so that the snare can tell
// the trips apart.
func lossy(t *testing.T, dsn string, opts *postgres.Options) (*postgres.DB, *snare) {
	t.Helper()
	s := &snare{}
	s.line = dialled(t, dsn, func(config *pgxpool.Config) {
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	})
	s.line.mu.Lock()
	s.line.wrap = func(conn net.Conn) net.Conn { return snared{conn, s} }
	s.line.mu.Unlock()
	db, err := postgres.New(t.Context(), s.line.pool, kinds(), opts)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	s.line.pool.Reset() // connections from before the snare
	return db, s
}

// TestALostAnswerEndsInTheTruth is law 29: whatever becomes of the second trip,
// the caller is told what happened, and it happened once.
func TestALostAnswerEndsInTheTruth(t *testing.T) {
	t.Parallel()
	for name, fate := range map[string]func(conn net.Conn, trip []byte) (int, error){
		"it never left": func(conn net.Conn, _ []byte) (int, error) {
			return 0, errors.Join(errCut, conn.Close())
		},
		"half of it left": func(conn net.Conn, trip []byte) (int, error) {
			n, _ := conn.Write(trip[:len(trip)/2])
			return n, errors.Join(errCut, conn.Close())
		},
		"half of it left, and the server waits for the rest": func(conn net.Conn, trip []byte) (int, error) {
			n, _ := conn.Write(trip[:len(trip)-8])
			return n, errCut
		},
		"it left, and nobody hears the answer": func(conn net.Conn, trip []byte) (int, error) {
			n, _ := conn.Write(trip)
			return n, errors.Join(errCut, conn.Close())
		},
		"it was committed, and nobody hears the answer": func(conn net.Conn, trip []byte) (int, error) {
			n, _ := conn.Write(trip)
			_, _ = conn.Read(make([]byte, 1)) // the server answers when all is done
			return n, errors.Join(errCut, conn.Close())
		},
		"it arrives after the line is up again": func(conn net.Conn, trip []byte) (int, error) {
			late := bytes.Clone(trip)
			time.AfterFunc(300*time.Millisecond, func() { _, _ = conn.Write(late) })
			return 0, errCut
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, snare := lossy(t, server.Database(t), unsafe())
			commitAll(t, db, "before", 3)
			snare.set.Store(&fate)

			told := crowd(8, func(i int) error {
				_, err := db.Commit(t.Context(), set(titled(string(rune('a'+i)))))
				return err
			})

			for _, err := range told {
				require.NoError(t, err)
			}
			require.Nil(t, snare.set.Load(), "the second trip was met")
			assert.Equal(t, int64(11), counted(t, db))
			assert.Len(t, titles(t, db), 11)
			assert.EqualValues(t, 1, db.Stats().Lost)
		})
	}
}

// TestAWitnessOfOneIsNoWitnessOfTheOther: a flush never left, and the answer to
// asking what became of it is lost too. The second asking meets the first one's
// row, which is no proof that the flush was committed.
func TestAWitnessOfOneIsNoWitnessOfTheOther(t *testing.T) {
	t.Parallel()
	db, snare := lossy(t, server.Database(t), unsafe())
	commitAll(t, db, "before", 1)
	asked := func(conn net.Conn, trip []byte) (int, error) {
		n, _ := conn.Write(trip)
		_, _ = conn.Read(make([]byte, 1)) // it is written
		return n, errors.Join(errCut, conn.Close())
	}
	lost := func(conn net.Conn, _ []byte) (int, error) {
		snare.set.Store(&asked)
		return 0, errors.Join(errCut, conn.Close())
	}
	snare.set.Store(&lost)

	_, err := db.Commit(t.Context(), set(titled("wanted")))

	require.NoError(t, err)
	require.Nil(t, snare.set.Load(), "both answers were lost")
	assert.Equal(t, []string{"before-0", "wanted"}, titles(t, db), "what was acknowledged is there")
	assert.Equal(t, int64(2), counted(t, db))
}

// TestALostCommitBehindALockIsSettled: the second trip waits for a rival's claim
// when its connection is lost, with its witness written already.
func TestALostCommitBehindALockIsSettled(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	db, snare := lossy(t, dsn, unsafe())
	commitAll(t, db, "before", 1)
	rival, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer func() { _ = rival.Close(t.Context()) }()
	tx, err := rival.Begin(t.Context())
	require.NoError(t, err)
	_, err = db.In(tx).Commit(t.Context(), platform.Set{Changes: set(titled("wanted")).Changes})
	require.NoError(t, err) // holds the counter's row and the claim
	fate := func(conn net.Conn, trip []byte) (int, error) {
		n, _ := conn.Write(trip)
		return n, errors.Join(errCut, conn.Close())
	}
	snare.set.Store(&fate)

	p := titled("wanted")
	change := set(p)
	change.Changes = append(change.Changes[:1:1], change.Changes[2]) // without the counter, for which the first trip would wait
	told := make(chan error)
	go func() { _, err := db.Commit(t.Context(), change); told <- err }()
	require.Eventually(t, func() bool { return snare.set.Load() == nil }, 5*time.Second, time.Millisecond)
	require.NoError(t, tx.Rollback(t.Context()))

	require.NoError(t, <-told)
	assert.Equal(t, []string{"before-0", "wanted"}, titles(t, db))
	assert.Equal(t, int64(1), counted(t, db))
}

func TestWithoutAServerTheAnswerIsUnknown(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	db, snare := lossy(t, dsn, hasty())
	fate := func(conn net.Conn, trip []byte) (int, error) {
		n, _ := conn.Write(trip)
		_, _ = conn.Read(make([]byte, 1))
		snare.line.cut(true)
		return n, errCut
	}
	snare.set.Store(&fate)
	s := keyed("k", set(titled("a")))

	_, err := db.Commit(t.Context(), s)

	require.ErrorIs(t, err, store.ErrUnknown)
	after, err := opened(t, dsn, kinds())
	require.NoError(t, err)
	receipt, err := after.Commit(t.Context(), s)
	require.NoError(t, err)
	require.NotNil(t, receipt.Answer, "the repeat gets the stored answer")
	assert.Equal(t, int64(1), counted(t, after))
	_, err = db.Get(t.Context(), pages)
	require.ErrorIs(t, err, postgres.ErrConnection)
	assert.NotContains(t, err.Error(), "platform_", "nothing of the driver's text")
}
