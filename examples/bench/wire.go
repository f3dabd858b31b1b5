package main

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// wire counts what goes to a PostgreSQL: a tracer of its connections.
type wire struct{ statements, trips, commits atomic.Int64 }

// sent is a count of it.
type sent struct {
	Statements int64 `json:"statements"`
	Trips      int64 `json:"trips"` // each waits for the server's answer
	Commits    int64 `json:"commits"`
}

func (w *wire) read() sent { return sent{w.statements.Load(), w.trips.Load(), w.commits.Load()} }

func (s sent) less(before sent) sent {
	return sent{s.Statements - before.Statements, s.Trips - before.Trips, s.Commits - before.Commits}
}

func (w *wire) note(statement string) {
	w.statements.Add(1)
	if strings.EqualFold(strings.TrimSpace(statement), "commit") {
		w.commits.Add(1)
	}
}

// TraceQueryStart implements [pgx.QueryTracer].
func (w *wire) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	w.trips.Add(1)
	w.note(q.SQL)
	return ctx
}

// TraceQueryEnd implements [pgx.QueryTracer].
func (w *wire) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart implements [pgx.BatchTracer]: what is in a batch goes in one trip.
func (w *wire) TraceBatchStart(ctx context.Context, _ *pgx.Conn, b pgx.TraceBatchStartData) context.Context {
	w.trips.Add(1)
	for _, q := range b.Batch.QueuedQueries {
		w.note(q.SQL)
	}
	return ctx
}

// TraceBatchQuery implements [pgx.BatchTracer].
func (w *wire) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements [pgx.BatchTracer].
func (w *wire) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// TracePrepareStart implements [pgx.PrepareTracer]: a statement that a connection
// sees for the first time costs a trip more.
func (w *wire) TracePrepareStart(ctx context.Context, _ *pgx.Conn, _ pgx.TracePrepareStartData) context.Context {
	w.trips.Add(1)
	return ctx
}

// TracePrepareEnd implements [pgx.PrepareTracer].
func (w *wire) TracePrepareEnd(context.Context, *pgx.Conn, pgx.TracePrepareEndData) {}
