package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

var errCut = errors.New("cut")

// losing makes the next commits of db end as the given functions do, each once;
// they get the true commit.
func losing(db *DB, ends ...func(commit func() error) error) {
	commit := db.writer.end
	db.writer.end = func() error {
		if len(ends) == 0 {
			return commit()
		}
		next := ends[0]
		ends = ends[1:]
		return next(commit)
	}
}

func unheard(commit func() error) error {
	if err := commit(); err != nil {
		return err
	}
	return errCut
}

func failed(func() error) error { return errCut }

func TestALostAnswerEndsInTheTruth(t *testing.T) {
	t.Parallel()
	settled := func(c func() error) error { return c() }
	tests := map[string]struct {
		ends        []func(func() error) error
		err         error
		written     bool
		again, lost int64
	}{
		"committed, not heard":              {[]func(func() error) error{unheard}, nil, true, 0, 1},
		"not committed: it runs again":      {[]func(func() error) error{failed}, nil, true, 1, 1},
		"not committed, then not heard":     {[]func(func() error) error{failed, settled, unheard}, nil, true, 1, 2},
		"never committed":                   {[]func(func() error) error{failed, settled, failed}, errUndone, false, 1, 2},
		"not committed, nor what replaces":  {[]func(func() error) error{failed, failed}, store.ErrUnknown, false, 0, 0},
		"not committed, the answer to that": {[]func(func() error) error{failed, unheard}, store.ErrUnknown, false, 0, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := fresh(t)
			db, beside := open(t, path, notes), open(t, path, notes)
			counter, n := platform.Counter("hot", "piece"), noteOf("mine")
			s := under("once", set(platform.Put(n), platform.Delta(counter, 1, n.Ref())))
			losing(db, test.ends...)

			_, err := db.Commit(t.Context(), s)

			require.ErrorIs(t, err, test.err)
			if test.err != nil {
				assert.ErrorIs(t, err, platform.ErrUnavailable)
			}
			assert.Equal(t, test.written, found(t, beside, "mine") == 1, "what another handle sees")
			_, err = beside.Commit(t.Context(), s)
			require.NoError(t, err, "a repeat with the key")
			sum, seq := value(t, db, counter)
			assert.Equal(t, [2]int64{1, 1}, [2]int64{sum, seq}, "one effect")
			stats := db.Stats()
			assert.Equal(t, test.again, stats.Retries)
			assert.Equal(t, test.lost, stats.Lost)
			assert.Equal(t, errors.Is(test.err, store.ErrUnknown), stats.Unknown == 1)
		})
	}
}

func TestALostAnswerIsUnknownWhenNobodyCanBeAsked(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	db, rival := open(t, path, notes), open(t, path, notes)
	db.writer.patience = 20 * time.Millisecond
	losing(db, func(commit func() error) error {
		return errors.Join(commit(), rival.writer.begin(t.Context()), errCut)
	})
	s := under("once", set(platform.Put(noteOf("mine"))))

	_, err := db.Commit(t.Context(), s)

	require.ErrorIs(t, err, store.ErrUnknown)
	rival.writer.abandon()
	receipt, err := db.Commit(t.Context(), s)
	require.NoError(t, err)
	assert.NotNil(t, receipt.Answer, "the key tells that it happened")
	assert.Equal(t, 1, found(t, db, "mine"))
}

func TestALostCommitFailsNoNeighbour(t *testing.T) {
	t.Parallel()
	db := open(t, fresh(t), notes)
	counter, n := platform.Counter("hot", "piece"), noteOf("x")
	write(t, db, platform.Put(n))
	losing(db, unheard, failed)
	errs := make(chan error)
	for range 32 {
		go func() {
			_, err := db.Commit(context.Background(), set(platform.Delta(counter, 1, n.Ref())))
			errs <- err
		}()
	}
	for range 32 {
		require.NoError(t, <-errs)
	}
	sum, seq := value(t, db, counter)
	assert.Equal(t, [2]int64{32, 32}, [2]int64{sum, seq})
}

func TestAFullDiskIsToldAndPasses(t *testing.T) {
	t.Parallel()
	db := open(t, fresh(t), notes)
	write(t, db, platform.Put(noteOf("a")))
	require.NoError(t, db.writer.script("pragma max_page_count = 1")) // as many as there are
	var err error
	for range 200 { // until the pages that are there have no room
		if _, err = db.Commit(t.Context(), set(platform.Put(noteOf("b")))); err != nil {
			break
		}
	}
	require.ErrorIs(t, err, ErrFull)
	require.ErrorIs(t, err, platform.ErrUnavailable)
	before := found(t, db, "b")

	write(t, db, platform.Put(noteOf("b"))) // on a new connection, which has no such bound

	assert.Equal(t, before+1, found(t, db, "b"))
}

func TestAnotherProcessIsWaitedFor(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	db, other := open(t, path, notes), open(t, path, notes)
	db.writer.patience = 20 * time.Millisecond
	require.NoError(t, other.writer.begin(t.Context()))

	_, err := db.Commit(t.Context(), set(platform.Put(noteOf("a"))))

	require.ErrorIs(t, err, ErrLocked)
	assert.Zero(t, found(t, db, "a"))
	db.writer.patience = time.Minute
	done := make(chan error)
	go func() {
		_, err := db.Commit(context.Background(), set(platform.Put(noteOf("a"))))
		done <- err
	}()
	other.writer.abandon()
	require.NoError(t, <-done)
	assert.Equal(t, 1, found(t, db, "a"))
}

func TestErrorsCarryNoText(t *testing.T) {
	t.Parallel()
	db := open(t, fresh(t), notes)
	err := db.writer.transact(t.Context(), func() error {
		_, err := db.writer.exec("insert into leaf (number, event) values (1, ?), (1, ?)", "secret", "secret")
		return err
	})
	require.ErrorIs(t, err, platform.ErrUnavailable)
	assert.NotContains(t, err.Error(), "secret")
	assert.NotContains(t, err.Error(), "leaf")
	assert.ErrorIs(t, trouble("read", sql.ErrConnDone), store.ErrClosed)
}
