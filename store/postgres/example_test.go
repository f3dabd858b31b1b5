package postgres_test

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/postgres"
)

func ExampleOpen() {
	db, err := postgres.Open(context.Background(), "postgres://platform@db.internal/market", kinds(), nil)
	if err != nil {
		return // says what to do
	}
	defer func() { _ = db.Close() }()
	_ = platform.Writer{Store: db}.Ready()
}

// A row of the caller's own and what the library writes are durable together.
func ExampleDB_In() {
	embed := func(ctx context.Context, pool *pgxpool.Pool, db *postgres.DB) error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "update shop set pages = pages + 1"); err != nil {
				return err
			}
			_, err := db.In(tx).Commit(ctx, set(titled("a")))
			return err
		})
	}
	_ = embed
}

// A transaction of database/sql must be one of pgx's driver.
func ExampleDB_InSQL() {
	embed := func(ctx context.Context, pool *sql.DB, db *postgres.DB) error { // sql.Open("pgx", dsn)
		tx, err := pool.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // after the commit it does nothing
		if _, err := tx.ExecContext(ctx, "update shop set pages = pages + 1"); err != nil {
			return err
		}
		if _, err := db.InSQL(tx).Commit(ctx, set(titled("a"))); err != nil {
			return err
		}
		return tx.Commit()
	}
	_ = embed
}
