package postgres_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// filled is a database with n sets in it, of six rows each: a page, its name, an
// event which is fresh, a movement and an answer.
func filled(b *testing.B, sets int) string {
	b.Helper()
	dsn := server.Database(b)
	db, err := opened(b, dsn, kinds())
	require.NoError(b, err)
	const callers = 64
	for _, err := range crowd(callers, func(i int) error {
		for n := i; n < sets; n += callers {
			p := titled(fmt.Sprintf("page-%d", n))
			p.Due = noon.Add(time.Duration(n) * time.Minute)
			if _, err := db.Commit(context.Background(), keyed(p.Title, set(p))); err != nil {
				return err
			}
		}
		return nil
	}) {
		require.NoError(b, err)
	}
	require.NoError(b, db.Close())
	return dsn
}

// tool is a program of the server's, the newest that is installed.
func tool(b *testing.B, name string) func(args ...string) {
	b.Helper()
	path, err := exec.LookPath(name)
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
		path, err = found[len(found)-1], nil
	}
	if err != nil {
		b.Skip(err)
	}
	return func(args ...string) {
		out, err := exec.CommandContext(b.Context(), path, args...).CombinedOutput()
		require.NoError(b, err, "%s", out)
	}
}

// BenchmarkArchive has the server's own tools and the library do the same work
// on one database, in turns, and tells the medians and their ratios.
func BenchmarkArchive(b *testing.B) {
	const sets, rounds = 20_000, 5
	dump, restore := tool(b, "pg_dump"), tool(b, "pg_restore")
	dsn, dir := filled(b, sets), b.TempDir()
	db, err := opened(b, dsn, kinds())
	require.NoError(b, err)
	known, err := store.NewKinds(kinds())
	require.NoError(b, err)
	theirs, ours := filepath.Join(dir, "theirs"), filepath.Join(dir, "ours")
	took := map[string][]time.Duration{}
	arm := func(name string, work func()) {
		start := time.Now()
		work()
		took[name] = append(took[name], time.Since(start))
	}
	var lines int64
	for range rounds {
		arm("pg_dump", func() { dump("--format", "custom", "--file", theirs, dsn) })
		arm("backup", func() {
			file, err := os.Create(ours)
			require.NoError(b, err)
			m, err := store.Backup(b.Context(), db, file)
			require.NoError(b, err)
			require.NoError(b, file.Close())
			lines = m.Lines()
		})
		arm("lines", func() {
			for _, err := range db.Lines(b.Context()) {
				require.NoError(b, err)
			}
		})
		arm("verify", func() {
			now, err := db.Moment(b.Context())
			require.NoError(b, err)
			defer func() { _ = now.Close() }()
			for f, err := range known.Verify(b.Context(), now) {
				require.NoError(b, err)
				b.Error(f)
			}
		})
		target := server.Database(b)
		arm("pg_restore", func() { restore("--dbname", target, theirs) })
		other, err := opened(b, server.Database(b), kinds())
		require.NoError(b, err)
		file, err := os.Open(ours)
		require.NoError(b, err)
		arm("restore", func() {
			_, err := store.Restore(b.Context(), other, file)
			require.NoError(b, err)
		})
		require.NoError(b, file.Close())
		require.NoError(b, other.Close())
	}
	median := func(name string) time.Duration {
		slices.Sort(took[name])
		return took[name][rounds/2]
	}
	for _, name := range []string{"pg_dump", "backup", "lines", "verify", "pg_restore", "restore"} {
		b.ReportMetric(float64(lines)/median(name).Seconds(), name+"-rows/s")
	}
	b.ReportMetric(median("pg_dump").Seconds()/median("backup").Seconds(), "backup/pg_dump")
	b.ReportMetric(median("pg_restore").Seconds()/median("restore").Seconds(), "restore/pg_restore")
	b.ReportMetric(median("backup").Seconds()/median("verify").Seconds(), "verify/backup")
	load, _ := os.ReadFile("/proc/loadavg")
	b.Logf("%d rows, load average %s", lines, load)
	_ = platform.ID("")
	_ = io.Discard
}
