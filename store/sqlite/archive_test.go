package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
)

// stocked is a store with something of everything in it.
func stocked(t *testing.T) *DB {
	t.Helper()
	db := open(t, fresh(t), notes)
	for i := range 30 {
		n := noteOf(fmt.Sprint("owner ", i%4))
		n.Name = fmt.Sprint("name ", i)
		if i%3 == 0 {
			n.Due = dawn.Add(time.Duration(i) * time.Hour)
		}
		purse := platform.Counter(fmt.Sprint("purse ", i%5), "piece")
		_, err := db.Commit(t.Context(), under(fmt.Sprint("k", i), set(platform.Put(n), platform.Delta(purse, int64(i+1), n.Ref()), platform.Delta(purse, -1, n.Ref()))))
		require.NoError(t, err)
	}
	events, err := db.Fresh(t.Context(), store.Slots{Until: 4096}, 10)
	require.NoError(t, err)
	require.Len(t, events, 10)
	require.NoError(t, db.Settle(t.Context(), time.Now(), nil, store.Settlement{Handed: []platform.ID{events[3].ID, events[7].ID}}))
	left, right := sha256.Sum256([]byte("left")), sha256.Sum256([]byte("right"))
	both := sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
	require.NoError(t, db.Tree().Grow(t.Context(), 0, []platform.ID{events[0].ID, events[1].ID}, [][]byte{left[:], right[:], both[:]}))
	return db
}

func saved(t *testing.T, from store.Archive) []byte {
	t.Helper()
	var file bytes.Buffer
	_, err := store.Backup(t.Context(), from, &file)
	require.NoError(t, err)
	return file.Bytes()
}

// TestABackupRestoresIntoEveryEngine is law 37, and by way of memory compares
// this engine with it.
func TestABackupRestoresIntoEveryEngine(t *testing.T) {
	t.Parallel()
	db := stocked(t)
	file := saved(t, db)
	inMemory, err := memory.Load(bytes.NewReader(file), notes, nil)
	require.NoError(t, err)
	second := open(t, fresh(t), notes)

	_, err = store.Restore(t.Context(), second, bytes.NewReader(saved(t, inMemory)))

	require.NoError(t, err)
	assert.Equal(t, file, saved(t, second), "the same lines after a round through both")
	for _, q := range []platform.Query{
		{Kind: "note", By: []string{"owner"}, Equal: []any{"owner 1"}}, {Kind: "note", By: []string{"due"}, From: dawn, Until: dawn.Add(20 * time.Hour)},
		{Kind: store.Movement, By: []string{"counter", "seq"}, Backward: true}, {Kind: store.Event, By: []string{"type", "id"}, Equal: []any{"note.written"}},
	} {
		want, err := inMemory.Scan(t.Context(), q)
		require.NoError(t, err)
		got, err := second.Scan(t.Context(), q)
		require.NoError(t, err)
		assert.Equal(t, want, got, "%+v", q)
	}
	rival := noteOf("thief")
	rival.Name = "name 3"
	_, err = second.Commit(t.Context(), set(platform.Put(rival)))
	require.ErrorIs(t, err, store.ErrTaken, "claims are built again")
}

func TestLoadIsAllOrNothing(t *testing.T) {
	t.Parallel()
	var lines []store.Line
	for line, err := range stocked(t).Lines(t.Context()) {
		require.NoError(t, err)
		lines = append(lines, line)
	}
	cut := errors.New("the disk of the backup fell out")
	twice := slices.Concat(lines[:1], lines)
	stolen := slices.Clone(lines)
	i := slices.IndexFunc(stolen, func(l store.Line) bool { return l.Kind == "note" })
	stolen[i].Doc = stolen[i+1].Doc // with the other's name
	for name, test := range map[string]struct {
		lines iter.Seq2[store.Line, error]
		err   error
	}{
		"cut short":     {with(lines, cut), cut},
		"unknown kind":  {with(append(slices.Clip(lines), store.Line{Kind: "stranger", ID: "str_1"}), nil), store.ErrKind},
		"wrong id":      {with(append(slices.Clip(lines), store.Line{Kind: "note", ID: "nte_1", Version: 1, Schema: 1, Doc: []byte(`{}`)}), nil), platform.ErrInvalid},
		"version 0":     {with(append(slices.Clip(lines), store.Line{Kind: "note", ID: lines[i].ID, Schema: 1, Doc: []byte(`{}`)}), nil), store.ErrDamaged},
		"a counter":     {with(append(slices.Clip(lines), store.Line{Kind: store.Counter, ID: "a/b", Version: 1, Schema: 1, Doc: []byte(`{"ref":"counter/c/d","value":1,"seq":1}`)}), nil), store.ErrDamaged},
		"a movement":    {with(append(slices.Clip(lines), store.Line{Kind: store.Movement, ID: "a/b#1", Version: 1, Schema: 1, Doc: []byte(`{}`)}), nil), store.ErrDamaged},
		"claimed twice": {with(stolen, nil), store.ErrDamaged},
		"record twice":  {with(twice, nil), store.ErrDamaged},
	} {
		db := open(t, fresh(t), notes)
		err := db.Load(t.Context(), test.lines)
		require.ErrorIs(t, err, test.err, name)
		if test.err == store.ErrKind { //nolint:errorlint // of the cases, this one
			require.ErrorContains(t, err, `"stranger"`)
		}
		require.NoError(t, db.Load(t.Context(), with(lines, nil)), "%s: nothing was left", name)
		require.ErrorIs(t, db.Load(t.Context(), with(lines, nil)), store.ErrNotEmpty)
	}
}

func with(lines []store.Line, last error) iter.Seq2[store.Line, error] {
	return func(yield func(store.Line, error) bool) {
		for _, l := range lines {
			if !yield(l, nil) {
				return
			}
		}
		if last != nil {
			yield(store.Line{}, last)
		}
	}
}

// TestABackupUnderLoadIsOneMoment: two purses that always sum to zero, and
// whose movements are as many as their numbers say.
func TestABackupUnderLoadIsOneMoment(t *testing.T) {
	t.Parallel()
	db := open(t, fresh(t), notes)
	left, right, n := platform.Counter("left", "piece"), platform.Counter("right", "piece"), noteOf("x")
	write(t, db, platform.Put(n), platform.Delta(left, 5, n.Ref()), platform.Delta(right, -5, n.Ref()))
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for ctx.Err() == nil {
				_, _ = db.Commit(context.Background(), set(platform.Delta(left, 1, n.Ref()), platform.Delta(right, -1, n.Ref())))
			}
		})
	}
	for range 5 {
		back, err := memory.Load(bytes.NewReader(saved(t, db)), notes, nil)
		require.NoError(t, err)
		a, seqA := value(t, back, left)
		b, seqB := value(t, back, right)
		assert.Zero(t, a+b)
		assert.Equal(t, seqA, seqB)
		page, err := back.Scan(t.Context(), platform.Query{Kind: store.Movement, By: []string{"counter", "seq"}, Equal: []any{left}, Backward: true, Limit: 1})
		require.NoError(t, err)
		assert.Equal(t, platform.ID(fmt.Sprintf("left/piece#%019d", seqA)), page.Items[0].Ref.ID)
	}
	stop()
	writers.Wait()
}

func TestAMomentStaysAsItWas(t *testing.T) {
	t.Parallel()
	db := open(t, fresh(t), notes)
	n := noteOf("before")
	write(t, db, platform.Put(n))
	var moments []store.Snapshot
	for range 8 { // more than there are readers
		m, err := db.Moment(t.Context())
		require.NoError(t, err)
		moments = append(moments, m)
	}

	n.Version, n.Owner = 1, "after"
	write(t, db, platform.Put(n), platform.Put(noteOf("after")))

	for _, m := range moments {
		assert.Equal(t, 1, found(t, m, "before"))
		assert.Zero(t, found(t, m, "after"))
		was, err := platform.Read[note](t.Context(), m, "note", n.ID)
		require.NoError(t, err)
		assert.Equal(t, "before", was.Owner)
	}
	assert.Equal(t, 2, found(t, db, "after"))
	require.NoError(t, moments[0].Close())
	require.NoError(t, moments[0].Close())
	require.NoError(t, db.Close(), "with moments open")
	for _, m := range moments {
		_, err := m.Get(t.Context(), n.Ref())
		require.ErrorIs(t, err, store.ErrClosed)
	}
	_, err := db.Moment(t.Context())
	require.ErrorIs(t, err, store.ErrClosed)
}
