package main

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/store/storetest/pgserver"
)

func TestMigratingPrintsOrRuns(t *testing.T) {
	t.Parallel()
	do := func(args ...string) (string, error) {
		var out strings.Builder
		err := run(t.Context(), append([]string{"migrate"}, args...), &out, io.Discard)
		return out.String(), err
	}
	file := "sqlite:" + filepath.Join(t.TempDir(), "market.db")
	_, err := do("everything")
	require.ErrorIs(t, err, errMigrateUsage)
	_, err = do("-print", "-store", file)
	require.ErrorIs(t, err, errPrint)
	_, err = do("-folder", t.TempDir())
	require.ErrorContains(t, err, "data folder")
	said, err := do("-store", file)
	require.NoError(t, err)
	assert.Contains(t, said, "tables")
	script, err := do("-print")
	require.NoError(t, err)
	assert.Contains(t, script, `create table "platform"."order" (`)

	server := pgserver.Server{Settings: []string{"fsync=on", "synchronous_commit=on"}}
	t.Cleanup(server.Stop)
	dsn := server.Database(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	_, err = conn.Exec(t.Context(), script)
	require.NoError(t, err)
	tables := func() (n int) {
		require.NoError(t, conn.QueryRow(t.Context(), "select count(*) from pg_class where relnamespace = 'platform'::regnamespace").Scan(&n))
		return n
	}
	before := tables()
	_, err = do("-store", dsn)
	require.NoError(t, err)
	assert.Equal(t, before, tables(), "there was nothing to do")
}
