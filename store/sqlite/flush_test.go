package sqlite

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// TestWhatCannotBeReadFailsOnlyWhoNamesIt: a record's claims and a stored answer
// are spoiled; the sets of one flush that name neither are written.
func TestWhatCannotBeReadFailsOnlyWhoNamesIt(t *testing.T) {
	t.Parallel()
	db := open(t, fresh(t), notes)
	bad, good := noteOf("x"), noteOf("x")
	bad.Name, good.Name = "bad", "good"
	first := under("k", set(platform.Put(bad), platform.Put(good)))
	_, err := db.Commit(t.Context(), first)
	require.NoError(t, err)
	require.NoError(t, db.writer.transact(t.Context(), func() error {
		return db.writer.script(`update note set claims = '[{"scope":"name"},' where claims like '%bad%'; update answer set receipt = '{'`)
	}))
	bad.Version, good.Version = 1, 1
	rival, again := noteOf("x"), noteOf("x")
	rival.Name = bad.Name
	sets := []struct {
		set  platform.Set
		err  error
		says string
	}{
		{set(platform.Put(noteOf("new")), platform.Delta(hot, 1, good.Ref())), nil, ""},
		{set(platform.Put(bad)), ErrDamaged, bad.Ref().String()},
		{set(platform.Put(noteOf("new")), platform.Unchanged(bad)), ErrDamaged, bad.Ref().String()},
		{set(platform.Remove(bad)), ErrDamaged, bad.Ref().String()},
		{set(platform.Put(rival)), store.ErrTaken, "name"},
		{first, ErrDamaged, "key k"},
		{set(platform.Put(good)), nil, ""},
		{under("l", set(platform.Put(again), platform.Delta(hot, 1, good.Ref()))), nil, ""},
	}
	prepared := make([]store.Prepared, len(sets))
	for i, s := range sets {
		prepared[i], err = db.prepare(s.set)
		require.NoError(t, err)
	}

	outcomes, err := db.flush(t.Context(), prepared)

	require.NoError(t, err)
	for i, s := range sets {
		require.ErrorIs(t, outcomes[i].Err, s.err, "set %d", i)
		if s.err != nil {
			assert.ErrorContains(t, outcomes[i].Err, s.says)
		}
	}
	sum, seq := value(t, db, hot)
	assert.Equal(t, [2]int64{2, 2}, [2]int64{sum, seq})
	assert.Equal(t, 1, found(t, db, "new"))
	_, err = db.Recall(t.Context(), first.Key)
	require.ErrorIs(t, err, ErrDamaged)
	_, err = db.Commit(t.Context(), first)
	require.ErrorIs(t, err, ErrDamaged, "alone as well")
}
