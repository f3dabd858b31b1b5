package postgres

import (
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migration is one step of the tables that are no kind's.
type migration struct {
	number int
	name   string
	text   string
	sum    []byte
}

// known are the migrations of this program in order.
func known() []migration {
	files, _ := fs.Glob(migrations, "migrations/*.sql") // sorted; the pattern is sound
	all := make([]migration, len(files))
	for i, file := range files {
		text, _ := migrations.ReadFile(file) // embedded
		sum := sha256.Sum256(text)
		all[i] = migration{number: i + 1, name: file[len("migrations/"):], text: string(text), sum: sum[:]}
	}
	return all
}

// Migrate brings the tables to this program: it runs the numbered migrations
// that the database has not seen, makes the tables of new kinds, and adds the
// columns of new indexes, which it fills from the documents. [Open] does so by
// itself. Of several processes one does it while the others wait; what a stopped
// one left is taken up again. A binary that is older than the tables of a kind
// can no longer write to them from then on.
func (db *DB) Migrate(ctx context.Context) error {
	if ready, err := db.migrated(ctx); err != nil || ready {
		return err
	}
	if err := persist(ctx, db.bootstrap); err != nil {
		return trouble("migrate", err)
	}
	turn, err := db.pool.Begin(ctx)
	if err != nil {
		return trouble("migrate", err)
	}
	defer turn.Rollback(context.WithoutCancel(ctx)) // gives the turn back
	if _, err := turn.Exec(ctx, db.tables.sql("select name from {schema}.lease where name = 'migrate' for update")); err != nil {
		return trouble("wait for the turn to migrate", err)
	}
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return trouble("migrate", err)
	}
	defer conn.Release()
	if err := db.steps(ctx, conn); err != nil {
		return err
	}
	for _, t := range db.tables.all {
		if err := db.settle(ctx, conn, t); err != nil {
			return trouble("migrate table "+t.plain, err)
		}
	}
	return nil
}

// migrated tells whether there is nothing to do.
func (db *DB) migrated(ctx context.Context) (bool, error) {
	var there bool
	err := db.pool.QueryRow(ctx, "select to_regclass($1) is not null and to_regclass($2) is not null",
		quoted(db.opts.Schema, "migration"), quoted(db.opts.Schema, "layout")).Scan(&there)
	if err != nil || !there {
		return false, trouble("migrate", err)
	}
	missing, err := db.missing(ctx, db.pool)
	if err != nil || len(missing) > 0 {
		return false, err
	}
	layouts, err := db.layouts(ctx, db.pool)
	if err != nil {
		return false, err
	}
	for _, t := range db.tables.all {
		fits, err := layouts[t.kind.Name].fits(t)
		if err != nil || !fits {
			return false, err
		}
	}
	return true, nil
}

// begun is what the turn and the count of migrations need.
var begun = []string{
	"create schema if not exists {schema}",
	"create table if not exists {schema}.lease (name text primary key, holder text, fence bigint, until timestamptz)",
	"create table if not exists {schema}.migration (number integer primary key, name text not null, sum bytea not null, at timestamptz not null, min_reader integer not null)",
	"insert into {schema}.lease (name) values ('migrate') on conflict do nothing",
}

func (db *DB) bootstrap(ctx context.Context) error {
	var there bool
	if err := db.pool.QueryRow(ctx, "select to_regnamespace($1) is not null", quoted(db.opts.Schema)).Scan(&there); err != nil {
		return err
	}
	for i, text := range begun {
		if i == 0 && there {
			continue // which needs the right to make schemas, even so
		}
		if _, err := db.pool.Exec(ctx, db.tables.sql(text)); err != nil {
			return err
		}
	}
	return nil
}

// missing are the migrations that the database has not seen. It fails when the
// database has seen others.
func (db *DB) missing(ctx context.Context, q querier) ([]migration, error) {
	rows, err := q.Query(ctx, db.tables.sql("select number, sum from {schema}.migration order by number"))
	if err != nil {
		return nil, trouble("read migrations", err)
	}
	defer rows.Close()
	all := known()
	seen := 0
	for rows.Next() {
		var number int
		var sum []byte
		if err := rows.Scan(&number, &sum); err != nil {
			return nil, trouble("read migrations", err)
		}
		seen++
		switch {
		case number > len(all):
			return nil, fmt.Errorf("database at migration %d, this program knows %d: %w", number, len(all), ErrNewer)
		case number != seen:
			return nil, fmt.Errorf("database has migration %d where %d should be: %w", number, seen, ErrMigration)
		case !slices.Equal(sum, all[number-1].sum):
			return nil, fmt.Errorf("migration %d of %d was edited: %w", number, len(all), ErrMigration)
		}
	}
	return all[seen:], trouble("read migrations", rows.Err())
}

func (db *DB) steps(ctx context.Context, conn *pgxpool.Conn) error {
	missing, err := db.missing(ctx, conn)
	if err != nil {
		return err
	}
	for _, m := range missing {
		err := atomically(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, db.tables.sql(m.text)); err != nil { // several at once, since none has an argument
				return err
			}
			_, err := tx.Exec(ctx, db.tables.sql("insert into {schema}.migration values ($1, $2, $3, now(), 1)"), m.number, m.name, m.sum)
			return err
		})
		if err != nil {
			return trouble(fmt.Sprintf("migration %d", m.number), err)
		}
	}
	return nil
}

// atomically runs a step of a migration in a transaction that waits two seconds
// at most for any lock, lest all others wait behind it, and then tries again.
func atomically(ctx context.Context, conn *pgxpool.Conn, step func(pgx.Tx) error) error {
	return persist(ctx, func(ctx context.Context) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "set local lock_timeout = '2s'"); err != nil {
				return err
			}
			return step(tx)
		})
	})
}

// persist tries what another process may be in the way of.
func persist(ctx context.Context, do func(context.Context) error) error {
	for try := 0; ; try++ {
		err := do(ctx)
		var pg *pgconn.PgError
		if err == nil || try == 9 || !errors.As(err, &pg) {
			return err
		}
		switch pg.Code {
		case lockTimeout, deadlock, uniqueViolation, "42P06", "42P07", "42710", "XX000": // the last four: two create the same
			pause(ctx, try)
		default:
			return err
		}
	}
}

// pause waits a while, longer with each try, and not twice the same.
func pause(ctx context.Context, try int) {
	wait := time.NewTimer(jitter(5 * time.Millisecond << min(try, 6)))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
}
