package vault

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func TestAKeyFileIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kek")
	f, err := OpenFile(path)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	_, err = f.Wrap(t.Context(), 1, []byte("k"), nil)
	require.NoError(t, err)

	for _, mode := range []os.FileMode{0o640, 0o604, 0o644, 0o660} {
		require.NoError(t, os.Chmod(path, mode))
		_, err = OpenFile(path)
		require.Equal(t, "vault.file_mode", platform.Code(err), "%#o", mode)
		_, err = f.Wrap(t.Context(), 2, []byte("k"), nil)
		require.Equal(t, "vault.file_mode", platform.Code(err), "nor is a key added")
	}
}

func TestSecretsOfEpochsOutliveTheProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kek")
	a, err := OpenFile(path)
	require.NoError(t, err)
	b, err := OpenFile(path)
	require.NoError(t, err)
	wrapped, err := a.Wrap(t.Context(), 24363, []byte("data key"), []byte("here"))
	require.NoError(t, err)

	for _, f := range []*File{a, b, reopened(t, path)} {
		dek, err := f.Unwrap(t.Context(), 24363, wrapped, []byte("here"))
		require.NoError(t, err)
		assert.Equal(t, "data key", string(dek))
		_, err = f.Unwrap(t.Context(), 24363, wrapped, []byte("there"))
		require.ErrorIs(t, err, ErrKEK)
		_, err = f.Unwrap(t.Context(), 24364, wrapped, []byte("here"))
		require.ErrorIs(t, err, ErrKEK)
		_, err = f.Unwrap(t.Context(), 24363, wrapped[:3], []byte("here"))
		require.ErrorIs(t, err, ErrKEK)
	}
}

func reopened(t *testing.T, path string) *File {
	t.Helper()
	f, err := OpenFile(path)
	require.NoError(t, err)
	return f
}

// TestProcessesThatMakeAnEpochAtOnceHaveOneSecret: the first line counts.
func TestProcessesThatMakeAnEpochAtOnceHaveOneSecret(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kek")
	all, wrapped := make([]*File, 8), make([][]byte, 8)
	for i := range all {
		all[i] = reopened(t, path)
	}
	together(len(all), func(i int) {
		var err error
		wrapped[i], err = all[i].Wrap(t.Context(), 24363, []byte("data key"), nil)
		assert.NoError(t, err)
	})
	for _, w := range wrapped {
		for _, f := range slices.Concat(all, []*File{reopened(t, path)}) {
			_, err := f.Unwrap(t.Context(), 24363, w, nil)
			require.NoError(t, err)
		}
	}
}

func TestADestroyedEpochIsGoneFromTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kek")
	f := reopened(t, path)
	old, err := f.Wrap(t.Context(), 24363, []byte("old"), nil)
	require.NoError(t, err)
	kept, err := f.Wrap(t.Context(), 24364, []byte("kept"), nil)
	require.NoError(t, err)
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	secret := before[7 : 7+digits]

	require.NoError(t, f.Destroy(t.Context(), 24363))
	require.NoError(t, f.Destroy(t.Context(), 24363), "again is nothing")
	require.NoError(t, f.Destroy(t.Context(), 24365), "one that never was")

	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.NotContains(t, string(after), string(secret))
	for _, f := range []*File{f, reopened(t, path)} {
		_, err = f.Unwrap(t.Context(), 24363, old, nil)
		require.ErrorIs(t, err, ErrDestroyed)
		_, err = f.Wrap(t.Context(), 24363, []byte("new"), nil)
		require.ErrorIs(t, err, ErrDestroyed, "it is not made anew")
		_, err = f.Wrap(t.Context(), 24365, []byte("new"), nil)
		require.ErrorIs(t, err, ErrDestroyed)
		_, err = f.Unwrap(t.Context(), 24364, kept, nil)
		require.NoError(t, err)
	}
	m := InMemory()
	old, err = m.Wrap(t.Context(), 1, []byte("old"), nil)
	require.NoError(t, err)
	require.NoError(t, m.Destroy(t.Context(), 1))
	_, err = m.Unwrap(t.Context(), 1, old, nil)
	require.ErrorIs(t, err, ErrDestroyed)
}

func TestALineThatACrashCutShortHarmsNoOther(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kek")
	f := reopened(t, path)
	wrapped, err := f.Wrap(t.Context(), 24363, []byte("k"), nil)
	require.NoError(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(text, "024364 ab"...), 0o600))

	f = reopened(t, path)
	next, err := f.Wrap(t.Context(), 24364, []byte("k"), nil)
	require.NoError(t, err)

	f = reopened(t, path)
	for epoch, w := range map[uint32][]byte{24363: wrapped, 24364: next} {
		_, err = f.Unwrap(t.Context(), epoch, w, nil)
		require.NoError(t, err)
	}
	for _, bad := range []string{"x", " ", strings.Repeat("z", lineSize-1) + "\n", strings.Repeat("0", 2*lineSize) + "\n"} {
		damaged := append(bytes.Clone(text), bad...)
		require.NoError(t, os.WriteFile(path, damaged, 0o600))
		_, err := OpenFile(path)
		if len(bad) < lineSize {
			require.NoError(t, err, "%q", bad)
		} else {
			require.Equal(t, "vault.file_damaged", platform.Code(err), "%q", bad)
		}
	}
}
