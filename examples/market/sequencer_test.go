package market_test

import (
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/postgres"
	"github.com/liangding/platform/store/sqlite"
)

// TestAT1RivalsLeaveNoGapOnAnyEngine: a sequencer that was started twice grows one
// tree, in which every event is once.
func TestAT1RivalsLeaveNoGapOnAnyEngine(t *testing.T) {
	t.Parallel()
	s, public := signer(t)
	for name, open := range map[string]func(t *testing.T) (store.Engine, error){
		"memory": func(*testing.T) (store.Engine, error) { return memory.New(nil, nil), nil },
		"sqlite": func(t *testing.T) (store.Engine, error) {
			t.Helper()
			return sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "log.db"), nil, nil)
		},
		"postgres": func(t *testing.T) (store.Engine, error) {
			t.Helper()
			return postgres.Open(t.Context(), server.Database(t), nil, &postgres.Options{AllowUnsafe: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := open(t)
			require.NoError(t, err)
			t.Cleanup(func() { _ = db.Close() })
			all := happened(120)
			var rivals sync.WaitGroup
			for range 3 {
				log := audit.New(db.Tree(), s, nil)
				rivals.Go(func() {
					for part := range slices.Chunk(all, 8) {
						for errors.Is(log.Publish(t.Context(), part), platform.ErrConflict) { // another was faster, eight times over
						}
					}
				})
			}
			rivals.Wait()
			ids, err := db.Tree().Leaves(t.Context(), 0, 1000)
			require.NoError(t, err)
			require.Len(t, ids, len(all))
			log := audit.New(db.Tree(), s, nil)
			signed, err := log.Checkpoint(t.Context())
			require.NoError(t, err)
			report, err := audit.Verify(func(yield func(platform.Event, error) bool) {
				for _, id := range ids {
					if at := slices.IndexFunc(all, func(e platform.Event) bool { return e.ID == id }); !yield(all[at], nil) {
						return
					}
				}
			}, signed, public)
			require.NoError(t, err)
			assert.EqualValues(t, len(all), report.Events)
		})
	}
}
