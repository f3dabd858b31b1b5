package postgres_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/store"
)

// filled is a database with so many sets in it, each of a page with its name, an
// event that is fresh, a movement, and an answer.
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
//
//	go test -run '^$' -bench Archive -benchtime 1x ./store/postgres
func BenchmarkArchive(b *testing.B) {
	const sets, rounds = 20_000, 5
	dump, restore := tool(b, "pg_dump"), tool(b, "pg_restore")
	dsn, dir := filled(b, sets), b.TempDir()
	db, err := opened(b, dsn, kinds())
	require.NoError(b, err)
	known, err := store.NewKinds(kinds())
	require.NoError(b, err)
	theirs, ours := filepath.Join(dir, "theirs"), filepath.Join(dir, "ours")
	took, names := map[string][]time.Duration{}, []string{}
	arm := func(name string, work func()) {
		start := time.Now()
		work()
		if took[name] = append(took[name], time.Since(start)); len(took[name]) == 1 {
			names = append(names, name)
		}
	}
	var m store.Manifest
	for range rounds {
		arm("pg_dump", func() { dump("--format", "custom", "--file", theirs, dsn) })
		arm("backup", func() {
			file, err := os.Create(ours)
			require.NoError(b, err)
			m, err = store.Backup(b.Context(), db, file)
			require.NoError(b, err)
			require.NoError(b, file.Close())
		})
		arm("verify", func() {
			now, err := db.Moment(b.Context())
			require.NoError(b, err)
			for f, err := range known.Verify(b.Context(), now) {
				require.NoError(b, err)
				b.Error(f)
			}
			require.NoError(b, now.Close())
		})
		target := server.Database(b)
		arm("pg_restore", func() { restore("--dbname", target, theirs) })
		other, err := opened(b, server.Database(b), kinds())
		require.NoError(b, err)
		arm("restore", func() {
			file, err := os.Open(ours)
			require.NoError(b, err)
			_, err = store.Restore(b.Context(), other, file)
			require.NoError(b, err)
			require.NoError(b, file.Close())
		})
		require.NoError(b, other.Close())
	}
	median := func(name string) float64 {
		slices.Sort(took[name])
		return took[name][rounds/2].Seconds()
	}
	for _, name := range names {
		b.ReportMetric(float64(m.Lines())/median(name), name+"-rows/s")
	}
	b.ReportMetric(median("pg_dump")/median("backup"), "backup/pg_dump")
	b.ReportMetric(median("pg_restore")/median("restore"), "restore/pg_restore")
	b.ReportMetric(median("backup")/median("verify"), "verify/backup")
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		b.Logf("%d rows, fsync off; load average %s", m.Lines(), load)
	}
}
