package postgres

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"

	"github.com/liangding/platform"
)

// InSQL is [DB.In] within a transaction of database/sql, whose driver must be
// that of github.com/jackc/pgx/v5/stdlib: others do not take arrays. The
// statements are the same, but each is a trip of its own.
func (db *DB) InSQL(tx *sql.Tx) platform.DB { return db.within(sqlTx{tx}) }

// sqlTx is a transaction of database/sql.
type sqlTx struct{ *sql.Tx }

func (t sqlTx) exec(ctx context.Context, statement string) error {
	_, err := t.ExecContext(ctx, statement)
	return err
}

func (t sqlTx) send(ctx context.Context, b *pgx.Batch) error {
	for _, q := range b.QueuedQueries {
		if q.Fn == nil {
			if _, err := t.ExecContext(ctx, q.SQL, q.Arguments...); err != nil {
				return err
			}
			continue
		}
		rows, err := t.Query(ctx, q.SQL, q.Arguments...)
		if err != nil {
			return err
		}
		if err := q.Fn(queried{rows: rows}); err != nil {
			return err
		}
	}
	return nil
}

// Query implements [querier].
func (t sqlTx) Query(ctx context.Context, statement string, args ...any) (pgx.Rows, error) {
	rows, err := t.QueryContext(ctx, statement, args...) //nolint:rowserrcheck // who reads them asks
	if err != nil {
		return nil, err
	}
	return sqlRows{rows: rows}, nil
}

// queried is the result of one statement, for who queued it in a batch.
type queried struct {
	pgx.BatchResults // nil: nothing but Query is called
	rows             pgx.Rows
}

func (q queried) Query() (pgx.Rows, error) { return q.rows, nil }

// sqlRows are rows of database/sql, for who reads those of pgx.
type sqlRows struct {
	pgx.Rows // nil: nothing is called but what follows
	rows     *sql.Rows
}

func (r sqlRows) Next() bool             { return r.rows.Next() }
func (r sqlRows) Scan(into ...any) error { return r.rows.Scan(into...) }
func (r sqlRows) Err() error             { return r.rows.Err() }
func (r sqlRows) Close()                 { _ = r.rows.Close() } // Err tells
