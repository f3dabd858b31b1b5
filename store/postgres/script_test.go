package postgres_test

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/postgres"
	"github.com/liangding/platform/store/storetest/pgserver"
)

// as is the DSN for another role.
func as(t *testing.T, dsn, role string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	u.User = url.User(role)
	return u.String()
}

// psql runs a script, in one transaction.
func psql(t *testing.T, dsn, script string) {
	t.Helper()
	program, err := pgserver.Binary("psql")
	require.NoError(t, err)
	run := exec.CommandContext(t.Context(), program, dsn, "--no-psqlrc", "--quiet", "--single-transaction", "--set", "ON_ERROR_STOP=1")
	run.Stdin = strings.NewReader(script)
	out, err := run.CombinedOutput()
	require.NoError(t, err, string(out))
}

// granted are the statements that the package's documentation gives, for a role.
func granted(t *testing.T, role string) (all []string) {
	t.Helper()
	text, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	for _, m := range regexp.MustCompile(`//\t((?:grant|alter) .*) to app;`).FindAllStringSubmatch(string(text), -1) {
		all = append(all, m[1]+" to "+role)
	}
	require.Len(t, all, 3)
	return all
}

// TestWhatTheScriptMakesIsWhatMigrationMakes, and a role that owns none of it
// needs nothing else.
func TestWhatTheScriptMakesIsWhatMigrationMakes(t *testing.T) {
	t.Parallel()
	migrated, scripted := server.Database(t), server.Database(t)
	if !server.Private() {
		t.Skip("roles are the server's, which is not the test's own")
	}
	_, err := opened(t, migrated, kinds())
	require.NoError(t, err)
	script, err := postgres.Script(kinds(), nil)
	require.NoError(t, err)
	psql(t, scripted, script)

	assert.Equal(t, structure(t, migrated), structure(t, scripted))

	role := fmt.Sprint("app_", time.Now().UnixNano())
	execute(t, scripted, append([]string{"create role " + role + " login"}, granted(t, role)...)...)
	db, err := opened(t, as(t, scripted, role), kinds())
	require.NoError(t, err)
	require.NoError(t, db.Load(t.Context(), giving(nil, nil)))
	everyStatement(t, db)
	_, err = db.Sweep(t.Context(), time.Now().Add(time.Hour), 10)
	require.NoError(t, err)
	_, err = opened(t, as(t, scripted, role), grownKinds())
	require.ErrorIs(t, err, postgres.ErrRights, "what is to be migrated")
	_, err = opened(t, as(t, server.Database(t), role), kinds())
	require.ErrorIs(t, err, postgres.ErrRights, "what is to be made")
}

// TestAnOwnerMigratesAndAnotherServes: neither is a superuser, and the owner may
// make no schema.
func TestAnOwnerMigratesAndAnotherServes(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	if !server.Private() {
		t.Skip("roles are the server's, which is not the test's own")
	}
	owner, app := fmt.Sprint("owner_", time.Now().UnixNano()), fmt.Sprint("app_", time.Now().UnixNano())
	execute(t, dsn, "create role "+owner+" login", "create role "+app+" login", "create schema platform authorization "+owner)
	old, err := opened(t, as(t, dsn, owner), kinds())
	require.NoError(t, err)
	execute(t, as(t, dsn, owner), granted(t, app)...)
	_, err = opened(t, as(t, dsn, owner), append(grownKinds(), platform.Shape[leaf]{Name: "leaflet", Prefix: "lea"}.Kind()))
	require.NoError(t, err, "with a table that the grants did not know")

	db, err := opened(t, as(t, dsn, app), append(grownKinds(), platform.Shape[leaf]{Name: "leaflet", Prefix: "lea"}.Kind()))

	require.NoError(t, err)
	l := leaf{Head: platform.Head{ID: platform.NewID("lea", noon, 7, drawn.Add(1))}}
	s := set(titled(""))
	s.Changes[0] = platform.Put(l)
	_, err = db.Commit(t.Context(), s)
	require.NoError(t, err)
	_, err = old.Commit(t.Context(), set(titled("late")))
	require.ErrorIs(t, err, postgres.ErrNewer)
}

// leaf is a record of a kind that came later.
type leaf struct{ platform.Head }

func (l leaf) Ref() platform.Ref { return platform.Ref{Kind: "leaflet", ID: l.ID} }

func TestAScriptOfAnotherSchema(t *testing.T) {
	t.Parallel()
	script, err := postgres.Script(kinds(), &postgres.Options{Schema: `odd "schema`})
	require.NoError(t, err)
	dsn := server.Database(t)
	execute(t, dsn, script)
	opts := unsafe()
	opts.Schema = `odd "schema`
	db, err := postgres.Open(t.Context(), dsn, kinds(), opts)
	require.NoError(t, err)
	require.NoError(t, db.Close())

	_, err = postgres.Script([]platform.Kind{platform.Shape[page]{Name: "answer", Prefix: "ans"}.Kind()}, nil)
	require.ErrorIs(t, err, platform.ErrInvalid)
}
