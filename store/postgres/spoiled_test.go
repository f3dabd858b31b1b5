package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// TestASpoiledRowFailsWhoNamesIt, and none of those in the same flush.
func TestASpoiledRowFailsWhoNamesIt(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	db, err := opened(t, dsn, kinds())
	require.NoError(t, err)
	spoiled, whole := titled("spoiled"), titled("whole")
	_, err = db.Commit(t.Context(), keyed("spoiled", set(spoiled, whole)))
	require.NoError(t, err)
	_, err = db.Commit(t.Context(), keyed("whole", set(titled(""))))
	require.NoError(t, err)
	execute(t, dsn, `update platform.page set claims = '{"not": "pairs"}' where doc->>'title' = 'spoiled'`,
		`update platform.answer set receipt = '[1]' where name = 'spoiled'`)
	spoiled.Version, whole.Version = 1, 1
	checked := set(titled(""))
	checked.Changes = append(checked.Changes, platform.Unchanged(spoiled))
	sets := []platform.Set{
		set(titled("a")), set(spoiled), keyed("spoiled", set(titled("b"))), checked, // the middle ones name what is spoiled
		set(whole), set(titled("spoiled")), keyed("whole", set(titled("c"))), keyed("d", set(titled("d"))),
	}
	says := []string{"", spoiled.Ref().String(), "key spoiled", spoiled.Ref().String()}

	rival, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer func() { _ = rival.Close(context.WithoutCancel(t.Context())) }()
	tx, err := rival.Begin(t.Context())
	require.NoError(t, err)
	_, err = db.In(tx).Commit(t.Context(), set(titled("rival")))
	require.NoError(t, err)
	first := make(chan error)
	go func() { _, err := db.Commit(t.Context(), set(titled("first"))); first <- err }()
	blocked(t, dsn, 1) // so that all others come into the next flush
	all := make(chan []error)
	go func() {
		all <- crowd(len(sets), func(i int) error { _, err := db.Commit(t.Context(), sets[i]); return err })
	}()
	require.Eventually(t, func() bool { return db.Stats().Waiting == len(sets) }, 10*time.Second, time.Millisecond)
	require.NoError(t, tx.Commit(t.Context()))
	require.NoError(t, <-first)

	for i, err := range <-all {
		switch {
		case i == 5:
			require.ErrorIs(t, err, store.ErrTaken, "what the spoiled one holds")
		case i == 0 || i > 3:
			require.NoError(t, err, fmt.Sprint("neighbour ", i))
		default:
			require.ErrorIs(t, err, platform.ErrUnavailable)
			require.ErrorContains(t, err, says[i])
		}
	}
	assert.Equal(t, []string{"a", "d", "first", "rival", "spoiled", "whole"}, titles(t, db)[1:])
	assert.Zero(t, db.Stats().Retries)
	assert.EqualValues(t, 4, db.Stats().Flushes)

	err = pgx.BeginFunc(t.Context(), rival, func(tx pgx.Tx) error {
		_, err := db.In(tx).Commit(t.Context(), set(spoiled))
		require.ErrorIs(t, err, platform.ErrUnavailable)
		_, err = db.In(tx).Commit(t.Context(), set(titled("e")))
		return err
	})
	require.NoError(t, err)
}
