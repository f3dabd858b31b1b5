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

// TestReadersWhoWaitAreAnsweredTogether: each with what it asked for, and with the
// error that is its own.
func TestReadersWhoWaitAreAnsweredTogether(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	db, err := opened(t, dsn, kinds())
	require.NoError(t, err)
	all := make([]page, 12)
	for i := range all {
		all[i] = titled(fmt.Sprint("page ", i))
	}
	_, err = db.Commit(t.Context(), set(all...))
	require.NoError(t, err)
	nobody := titled("").Ref()

	for _, round := range []string{"whole", "spoiled"} {
		if round == "spoiled" {
			execute(t, dsn, "update platform.page set schema = 99 where doc->>'title' = 'page 11'")
		}
		release := locked(t, dsn)
		left, leave := context.WithCancel(t.Context())
		const callers = 40
		docs := make([][]platform.Record, callers)
		told := make(chan []error)
		go func() {
			told <- crowd(callers, func(i int) (err error) {
				ctx, refs := t.Context(), []platform.Ref{all[i%6].Ref(), all[6+i%5].Ref()}
				switch i {
				case 7:
					refs = append(refs, nobody)
				case 8:
					ctx = left
				case 9:
					refs = append(refs, all[11].Ref())
				}
				docs[i], err = db.Get(ctx, refs...)
				return err
			})
		}()
		blocked(t, dsn, 2)
		require.Eventually(t, func() bool { return db.Asking() == callers-2 }, 10*time.Second, time.Millisecond)
		leave()
		release()

		for i, err := range <-told {
			switch {
			case i == 7:
				require.ErrorIs(t, err, platform.ErrNotFound)
				assert.ErrorContains(t, err, nobody.String())
			case i == 8: // it may have been one of the first two, whose statement is cut
				require.ErrorIs(t, err, context.Canceled)
				continue
			case i == 9 && round == "spoiled":
				require.ErrorIs(t, err, store.ErrSchema)
				continue
			default:
				require.NoError(t, err)
			}
			require.GreaterOrEqual(t, len(docs[i]), 2)
			assert.Equal(t, all[i%6].Ref(), docs[i][0].Ref)
			assert.Equal(t, all[6+i%5].Ref(), docs[i][1].Ref)
			assert.Contains(t, string(docs[i][0].Doc), fmt.Sprintf(`"page %d"`, i%6))
			for at := range docs[i][0].Doc { // what one caller does with it is nobody else's business
				docs[i][0].Doc[at] = 'x'
			}
		}
		assert.Zero(t, db.Asking())
	}
}

// locked keeps everybody from reading pages, until it is released.
func locked(t *testing.T, dsn string) (release func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "lock table platform.page in access exclusive mode")
	require.NoError(t, err)
	return func() {
		require.NoError(t, tx.Rollback(t.Context()))
		require.NoError(t, conn.Close(t.Context()))
	}
}
