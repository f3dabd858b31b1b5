package postgres_test

import (
	"context"

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
