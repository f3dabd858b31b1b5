package postgres_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
)

func lines(t *testing.T, db store.Archive) (all []store.Line) {
	t.Helper()
	for line, err := range db.Lines(t.Context()) {
		require.NoError(t, err)
		all = append(all, line)
	}
	return all
}

func giving(all []store.Line, end error) func(func(store.Line, error) bool) {
	return func(yield func(store.Line, error) bool) {
		for _, line := range all {
			if !yield(line, nil) {
				return
			}
		}
		if end != nil {
			yield(store.Line{}, end)
		}
	}
}

// TestAnArchiveIsTheSameEverywhere goes to memory, to another database, and
// back.
func TestAnArchiveIsTheSameEverywhere(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	commitAll(t, db, "a", 1200) // more than a batch
	first := set(titled("first"))
	_, err := db.Commit(t.Context(), keyed("k", first))
	require.NoError(t, err)
	event := first.Changes[len(first.Changes)-1].Ref.ID
	require.NoError(t, db.Settle(t.Context(), time.Now(), nil, store.Settlement{Handed: []platform.ID{event}}))
	require.NoError(t, db.Tree().Grow(t.Context(), 0, []platform.ID{event}, [][]byte{{1, 2}, {3}}))
	want := lines(t, db)

	inMemory := memory.New(kinds(), nil)
	require.NoError(t, inMemory.Load(t.Context(), giving(lines(t, db), nil)))
	other := fresh(t)
	require.NoError(t, other.Load(t.Context(), giving(lines(t, inMemory), nil)))

	got := lines(t, other)
	require.Len(t, got, len(want))
	for i := range want {
		if want[i].Kind == "page" {
			assert.JSONEq(t, string(want[i].Doc), string(got[i].Doc))
			want[i].Doc, got[i].Doc = nil, nil
		}
		if want[i].Pending == "" { // whose order is each engine's own
			require.Equal(t, want[i], got[i])
		}
	}
	_, err = other.Commit(t.Context(), set(titled("first")))
	require.ErrorIs(t, err, store.ErrTaken, "claims are built again")
	receipt, err := other.Commit(t.Context(), keyed("k", set(titled("second"))))
	require.NoError(t, err)
	assert.NotNil(t, receipt.Answer, "answers come along")
	assert.Len(t, titles(t, other), 500)
	require.ErrorIs(t, other.Load(t.Context(), giving(want, nil)), store.ErrNotEmpty)
}

func TestLoadIsAllOrNothing(t *testing.T) {
	t.Parallel()
	from := fresh(t)
	commitAll(t, from, "a", 3)
	all := lines(t, from)
	broken := errors.New("the file ends here")
	twice := slices.Concat(all, all[:1])
	db := fresh(t)

	require.ErrorIs(t, db.Load(t.Context(), giving(all, broken)), broken)
	require.ErrorIs(t, db.Load(t.Context(), giving(twice, nil)), platform.ErrInvalid)
	stranger := db.Load(t.Context(), giving(slices.Concat(all, []store.Line{{Kind: "stranger", ID: "str_1"}}), nil))
	require.ErrorIs(t, stranger, store.ErrKind)
	require.ErrorContains(t, stranger, `"stranger"`)
	for _, bad := range []store.Line{
		{Kind: "page", ID: "pag_1", Version: 1, Schema: 1, Doc: []byte(`{}`)},
		{Kind: "page", ID: titled("").ID, Schema: 1, Doc: []byte(`{}`)},
		{Kind: store.Counter, ID: "a/b", Version: 1, Schema: 1, Doc: []byte(`{"ref":"counter/c/d","value":1,"seq":1}`)},
		{Kind: store.Movement, ID: "a/b#1", Version: 1, Schema: 1, Doc: []byte(`{}`)},
	} {
		require.ErrorIs(t, db.Load(t.Context(), giving(append(slices.Clip(all), bad), nil)), store.ErrDamaged)
	}

	assert.Empty(t, lines(t, db))
	require.NoError(t, db.Load(t.Context(), giving(all, nil)))
	assert.Equal(t, all, lines(t, db))
}

// TestAnArchiveUnderLoadIsOneMoment: law 37, as far as the engine goes.
func TestAnArchiveUnderLoadIsOneMoment(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	commitAll(t, db, "before", 20)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_, _ = db.Commit(ctx, set(titled(string(titled("").ID))))
		}
	}()
	for range 20 {
		var records, movements, events, value int64
		for _, line := range lines(t, db) {
			switch line.Kind {
			case "page":
				records++
			case store.Event:
				events++
			case store.Movement:
				movements++
			case store.Counter:
				value = line.Version
			}
		}
		require.Equal(t, []int64{value, value, value}, []int64{records, movements, events})
	}
	stop()
	<-done
}

func TestAMomentStandsStill(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	commitAll(t, db, "a", 1)
	then, err := db.Moment(t.Context())
	require.NoError(t, err)
	commitAll(t, db, "b", 1)

	assert.Equal(t, []string{"a-0"}, titles(t, then))
	assert.Equal(t, int64(1), counted(t, then))
	assert.Equal(t, []string{"a-0", "b-0"}, titles(t, db))
	require.NoError(t, then.Close())
	require.NoError(t, then.Close())
	_, err = then.Get(t.Context(), pages)
	require.ErrorIs(t, err, store.ErrClosed)
}

func TestCloseEndsMomentsAndArchives(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	commitAll(t, db, "a", 50)
	then, err := db.Moment(t.Context())
	require.NoError(t, err)
	closed := make(chan error, 1)
	var last error
	for _, err := range db.Lines(t.Context()) {
		if last = err; len(closed) == 0 {
			closed <- nil
			go func() { closed <- db.Close() }()
		}
	}
	require.NoError(t, <-closed)
	require.NoError(t, <-closed)
	_, err = then.Get(t.Context(), pages)
	require.ErrorIs(t, err, platform.ErrUnavailable)
	if last != nil && !errors.Is(last, store.ErrClosed) { // unless it was done before
		require.ErrorIs(t, last, context.Canceled)
	}
}
