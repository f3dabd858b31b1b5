package sqlite

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

func leaf(i int) platform.ID { return platform.NewID("evt", dawn, platform.Slot(i), uint64(i)) }

func TestATreeGrowsOnceFromEachSize(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	db, beside := open(t, path, notes), open(t, path, notes)
	errs := make(chan error)
	for i := range 16 {
		go func() {
			tree := []store.Tree{db.Tree(), beside.Tree()}[i%2]
			errs <- tree.Grow(t.Context(), 0, []platform.ID{leaf(2 * i), leaf(2*i + 1)}, [][]byte{{byte(i)}, {byte(i), 1}, nil})
		}()
	}
	grown := 0
	for range 16 {
		if err := <-errs; err == nil {
			grown++
		} else {
			require.ErrorIs(t, err, store.ErrHead)
		}
	}
	assert.Equal(t, 1, grown)
	tree := beside.Tree()
	size, err := tree.Size(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 2, size)
	leaves, err := tree.Leaves(t.Context(), 1, 10)
	require.NoError(t, err)
	require.Len(t, leaves, 1)
	at, err := tree.Find(t.Context(), leaf(99), leaves[0])
	require.NoError(t, err)
	assert.Equal(t, []int64{-1, 1}, at)
	require.ErrorIs(t, tree.Grow(t.Context(), 2, leaves, nil), store.ErrHead, "a leaf that it has")
	require.ErrorIs(t, tree.Grow(t.Context(), 2, []platform.ID{leaf(50), leaf(50)}, nil), store.ErrHead, "a leaf twice")
	size, err = tree.Size(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 2, size, "all are appended or none")
}

func TestHashesAreReadInTheOrderAsked(t *testing.T) {
	t.Parallel()
	tree := open(t, fresh(t), notes).Tree()
	for i := range 5 {
		require.NoError(t, tree.Grow(t.Context(), int64(i), []platform.ID{leaf(i)}, [][]byte{fmt.Append(nil, "a", i), fmt.Append(nil, "b", i)}))
	}
	got, err := tree.Hashes(t.Context(), []int64{9, 0, 3, 0})
	require.NoError(t, err)
	assert.Equal(t, [][]byte{[]byte("b4"), []byte("a0"), []byte("b1"), []byte("a0")}, got)
	none, err := tree.Hashes(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, none)
	for _, at := range []int64{10, -1} {
		_, err = tree.Hashes(t.Context(), []int64{0, at})
		require.ErrorIs(t, err, platform.ErrNotFound)
	}
}

func TestEventsAreDeliveredInTheOrderOfCommits(t *testing.T) {
	t.Parallel()
	db := open(t, fresh(t), notes)
	var want []platform.ID
	for range 12 {
		s := set(platform.Put(noteOf("x")))
		_, err := db.Commit(t.Context(), s)
		require.NoError(t, err)
		want = append(want, s.Changes[1].Ref.ID)
	}
	require.NoError(t, db.Settle(t.Context(), time.Now(), nil, store.Settlement{Handed: []platform.ID{want[11], want[4], leaf(7)}}))
	want = append(want[:4:4], want[5:11]...)
	s := set(platform.Put(noteOf("x")))
	_, err := db.Commit(t.Context(), s)
	require.NoError(t, err)
	want = append(want, s.Changes[1].Ref.ID)

	events, err := db.Fresh(t.Context(), store.Slots{Until: 4096}, 100)

	require.NoError(t, err)
	var got []platform.ID
	for _, e := range events {
		got = append(got, e.ID)
	}
	assert.Equal(t, want, got)
	some, err := db.Fresh(t.Context(), store.Slots{Until: 4096}, 3)
	require.NoError(t, err)
	assert.Len(t, some, 3)
}
