package postgres

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// Lines implements [store.Archive]: one transaction sees it all, and little is
// gathered before it is handed on.
func (db *DB) Lines(ctx context.Context) iter.Seq2[store.Line, error] {
	return func(yield func(store.Line, error) bool) {
		m, err := db.moment(ctx)
		if err != nil {
			yield(store.Line{}, err)
			return
		}
		defer func() { _ = m.Close() }()
		store.Lines(m.entries(ctx, m.archived(false)))(yield)
	}
}

// batchLines and batchBytes are how much of an archive is written at once.
const (
	batchLines = 1000
	batchBytes = 4 << 20
)

// Load implements [store.Archive], in one transaction, while nobody else writes.
func (db *DB) Load(ctx context.Context, lines iter.Seq2[store.Line, error]) error {
	if err := db.open(ctx); err != nil {
		return err
	}
	tx, err := db.pool.Begin(ctx)
	if err != nil {
		return reading(ctx, err)
	}
	refusal := db.load(ctx, tx, lines) // of the lines, or of the server
	if err = refusal; err != nil {
		_ = tx.Rollback(context.WithoutCancel(ctx)) // if it fails, the connection is over and so is the transaction
	} else if err = tx.Commit(ctx); err != nil && refused(err) == nil {
		return fmt.Errorf("load: %w", store.ErrUnknown)
	}
	if pg := refused(err); pg != nil && (unfit(err) || pg.Code[:2] == uniqueViolation[:2] && pg.Code != checkViolation) {
		return fmt.Errorf("load: a line twice, or a claim of two: %w", store.ErrDamaged)
	}
	if refusal != nil && refused(err) == nil && platform.Code(refusal) == "internal" && ctx.Err() == nil {
		return refusal // of who gives the lines
	}
	return reading(ctx, err)
}

func (db *DB) load(ctx context.Context, tx pgx.Tx, lines iter.Seq2[store.Line, error]) error {
	if err := db.empty(ctx, tx); err != nil {
		return err
	}
	l := loading{db: db}
	l.clear()
	for line, err := range lines {
		if err != nil {
			return err
		}
		if err := l.add(line); err != nil {
			return fmt.Errorf("load line %d: %w", l.lines, err)
		}
		if l.held >= batchLines || l.bytes >= batchBytes {
			if err := l.send(ctx, tx); err != nil {
				return err
			}
		}
	}
	return l.send(ctx, tx)
}

// empty keeps all others from writing, and looks whether somebody did.
func (db *DB) empty(ctx context.Context, tx pgx.Tx) error {
	names := []string{"{schema}.answer", "{schema}.claim", "{schema}.undelivered", "{schema}.delivery", "{schema}.leaf", "{schema}.hash"}
	for _, t := range db.tables.all {
		names = append(names, t.name)
	}
	for _, name := range names {
		if _, err := tx.Exec(ctx, db.tables.sql("lock table "+name+" in exclusive mode")); err != nil {
			return err
		}
		var some bool
		if err := tx.QueryRow(ctx, db.tables.sql("select exists (select from "+name+")")).Scan(&some); err != nil {
			return err
		}
		if some {
			return fmt.Errorf("load: %w", store.ErrNotEmpty)
		}
	}
	return nil
}

// loading gathers lines until they are sent.
type loading struct {
	db                  *DB
	rows                map[*table][]*store.Row
	writes              store.Writes
	leaves, pending     []platform.ID
	hashes              [][]byte
	lines, held, bytes  int
	allLeaves, allHashs int64
}

func (l *loading) clear() {
	l.rows, l.writes = map[*table][]*store.Row{}, store.Writes{Taken: map[platform.Claim]platform.Ref{}}
	l.leaves, l.pending, l.hashes, l.held, l.bytes = nil, nil, nil, 0, 0
}

func (l *loading) add(line store.Line) error {
	l.lines++
	l.held++
	l.bytes += len(line.Doc)
	e, err := l.db.kinds.Entry(line)
	if err != nil {
		return err
	}
	switch {
	case e.Row != nil:
		return l.record(e.Row)
	case e.Count != nil:
		l.writes.Counters = append(l.writes.Counters, *e.Count)
	case e.Movement != nil:
		if c := e.Movement.Cause; c != (platform.Ref{}) && (c.Kind == "" || c.ID == "" || !sound(c.String())) {
			return fmt.Errorf("the cause of %s: %w", line.ID, store.ErrDamaged)
		}
		l.writes.Movements = append(l.writes.Movements, *e.Movement)
	case e.Answer != nil:
		l.writes.Answers = append(l.writes.Answers, *e.Answer)
	case e.Leaf != "":
		l.leaves = append(l.leaves, e.Leaf)
	case e.Hash != nil:
		l.hashes = append(l.hashes, e.Hash)
	case e.Pending != "":
		l.pending = append(l.pending, e.Pending)
	}
	return nil
}

func (l *loading) record(row *store.Row) error {
	for _, c := range row.Claims {
		if _, twice := l.writes.Taken[c]; twice {
			return fmt.Errorf("claim in %s of %s: %w", c.Scope, row.Ref, store.ErrDamaged)
		}
		l.writes.Taken[c] = row.Ref
	}
	t := l.db.tables.byKind[row.Ref.Kind]
	l.rows[t] = append(l.rows[t], row)
	return nil
}

// send writes what was gathered.
func (l *loading) send(ctx context.Context, tx pgx.Tx) error {
	var b pgx.Batch
	ts := l.db.tables
	for _, t := range ts.all {
		if rows := l.rows[t]; len(rows) > 0 {
			b.Queue(t.insert(), t.values(rows)...)
		}
	}
	ts.queue(&b, l.writes, seen{})
	if len(l.pending) > 0 {
		at := make(places, len(l.pending))
		for i, id := range l.pending {
			at[i] = placed(platform.Ref{Kind: store.Event, ID: id})
		}
		slots, ids := at.arrays()
		b.Queue(ts.sql("insert into {schema}.undelivered select slot, id from unnest($1::int2[], $2::uuid[]) x(slot, id)"), slots, ids)
	}
	if b.Len() > 0 {
		if err := tx.SendBatch(ctx, &b).Close(); err != nil {
			return err
		}
	}
	events, err := leafIDs(l.leaves)
	if err != nil {
		return err
	}
	if len(events)+len(l.hashes) > 0 {
		if err := l.db.tree.append(ctx, tx, l.allLeaves, events, l.allHashs, l.hashes); err != nil {
			return err
		}
	}
	l.allLeaves += int64(len(events))
	l.allHashs += int64(len(l.hashes))
	l.clear()
	return nil
}
