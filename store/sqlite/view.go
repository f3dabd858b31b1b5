package sqlite

import (
	"context"
	"database/sql"
	"sync"

	"github.com/liangding/platform/store"
)

// querier runs a reading statement.
type querier interface {
	QueryContext(ctx context.Context, statement string, args ...any) (*sql.Rows, error)
}

// cache is a pool whose statements are prepared once a connection.
type cache struct {
	db         *sql.DB
	statements sync.Map // text to *sql.Stmt
}

func (c *cache) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	s, err := c.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (c *cache) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if s, known := c.statements.Load(text); known {
		return s.(*sql.Stmt), nil
	}
	fresh, err := c.db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s, known := c.statements.LoadOrStore(text, fresh)
	if known {
		_ = fresh.Close()
	}
	return s.(*sql.Stmt), nil
}

// within runs the cache's statements in a transaction. One that is not prepared
// stays so: to prepare it takes another connection, and all of them may be held
// by transactions that want one more.
type within struct {
	*cache
	tx *sql.Tx
}

func (w within) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	s, known := w.statements.Load(text)
	if !known {
		return w.tx.QueryContext(ctx, text, args...)
	}
	return w.tx.StmtContext(ctx, s.(*sql.Stmt)).QueryContext(ctx, args...)
}

// prepare prepares what a Get needs.
func (v view) prepare(ctx context.Context, c *cache) error {
	texts := []string{manyCounters, manyMovements}
	for _, t := range v.tables {
		texts = append(texts, t.one, t.many)
	}
	for _, text := range texts {
		if _, err := c.prepared(ctx, text); err != nil {
			return trouble("prepare", err)
		}
	}
	return nil
}

// view reads records, by whatever runs its statements.
type view struct {
	kinds  *store.Kinds
	tables map[string]*table
	by     querier
}
