package sqlite_test

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/sqlite"
	"github.com/liangding/platform/store/storetest"
)

// files knows which file a store is in, to open it again or a second time. A
// process that ended without closing its store is one that is never used again.
type files struct{ paths sync.Map }

func (f *files) open(t *testing.T, path string, kinds []platform.Kind) (*sqlite.DB, error) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, kinds, nil)
	if err == nil {
		f.paths.Store(db, path)
		t.Cleanup(func() { _ = db.Close() })
	}
	return db, err
}

func (f *files) path(db platform.DB) string {
	path, _ := f.paths.Load(db)
	return path.(string)
}

func TestLaws(t *testing.T) {
	t.Parallel()
	var f files
	storetest.Run(t, func(t *testing.T, kinds []platform.Kind) platform.DB {
		t.Helper()
		db, err := f.open(t, filepath.Join(t.TempDir(), "laws.db"), kinds)
		require.NoError(t, err)
		return db
	}, storetest.Options{
		Reopen: func(t *testing.T, db platform.DB, kinds []platform.Kind) (platform.DB, error) {
			t.Helper()
			return f.open(t, f.path(db), kinds)
		},
		Handle: func(t *testing.T, db platform.DB, kinds []platform.Kind) platform.DB {
			t.Helper()
			second, err := f.open(t, f.path(db), kinds)
			require.NoError(t, err)
			return second
		},
	})
}
