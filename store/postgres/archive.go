package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// Lines implements [store.Archive]: one transaction sees it all, and nothing is
// gathered before it is handed on.
func (db *DB) Lines(ctx context.Context) iter.Seq2[store.Line, error] {
	return func(yield func(store.Line, error) bool) {
		m, err := db.moment(ctx)
		if err != nil {
			yield(store.Line{}, err)
			return
		}
		defer func() { _ = m.Close() }()
		ctx, done, err := m.turn(ctx)
		if err != nil {
			yield(store.Line{}, err)
			return
		}
		defer done()
		for _, part := range m.parts() {
			if more, err := m.stream(ctx, part, yield); err != nil {
				yield(store.Line{}, err)
				return
			} else if !more {
				return
			}
		}
	}
}

// part is a statement and how its rows are lines.
type part struct {
	text string
	line func(pgx.Rows) (store.Line, error)
}

// parts are those of an archive in order.
func (m *moment) parts() (all []part) {
	for _, t := range m.tables.all {
		order := "t.id"
		switch t.kind.Name {
		case store.Counter:
			order = "t.name"
		case store.Movement:
			order = "(c.name || '#'), t.seq"
		}
		all = append(all, part{
			fmt.Sprintf("select %s from %s order by %s", t.fields, t.from, order),
			func(rows pgx.Rows) (store.Line, error) {
				r, err := m.next(t, rows)
				return store.Line{Kind: r.Ref.Kind, ID: r.Ref.ID, Version: r.Version, Schema: r.Schema, Doc: r.Doc}, err
			},
		})
	}
	return append(all,
		part{"select scope, name, digest, body, receipt from {schema}.answer order by scope, name", answerLine},
		part{"select event from {schema}.leaf order by n", func(rows pgx.Rows) (store.Line, error) {
			id, err := eventID(rows)
			return store.Line{Leaf: id}, err
		}},
		part{"select hash from {schema}.hash order by n", func(rows pgx.Rows) (l store.Line, err error) {
			err = rows.Scan(&l.Hash)
			return l, err
		}},
		// An event that is late for one sink is fresh again in a store that is restored.
		part{"select id from (select slot, id from {schema}.undelivered union select slot, event from {schema}.delivery) p order by slot, id", func(rows pgx.Rows) (store.Line, error) {
			id, err := eventID(rows)
			return store.Line{Pending: id}, err
		}},
	)
}

func answerLine(rows pgx.Rows) (store.Line, error) {
	var key platform.Key
	answer, err := answered(rows, &key.Scope, &key.Name)
	return store.Line{Key: &key, Answer: &answer}, err
}

func eventID(rows pgx.Rows) (platform.ID, error) {
	var id pgtype.UUID
	err := rows.Scan(&id)
	return platform.IDFromUUID("evt", id.Bytes), err
}

// stream hands on the lines of a part; more is false when nobody wants them.
func (m *moment) stream(ctx context.Context, p part, yield func(store.Line, error) bool) (more bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // what is not wanted is not fetched
	rows, err := m.query.Query(ctx, m.tables.sql(p.text))
	if err != nil {
		return false, reading(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		line, err := p.line(rows)
		if err != nil {
			return false, reading(ctx, err)
		}
		if !yield(line, nil) {
			cancel()
			return false, nil
		}
	}
	return true, reading(ctx, rows.Err())
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
	switch {
	case line.Key != nil && line.Answer != nil:
		l.writes.Answers = append(l.writes.Answers, store.Answered{Key: *line.Key, Answer: *line.Answer})
	case line.Leaf != "":
		l.leaves = append(l.leaves, line.Leaf)
	case line.Hash != nil:
		l.hashes = append(l.hashes, line.Hash)
	case line.Pending != "":
		l.pending = append(l.pending, line.Pending)
	case line.Kind == store.Counter:
		var c platform.Count
		if json.Unmarshal(line.Doc, &c) != nil || c.Ref.ID != line.ID || !sound(string(line.ID)) {
			return store.ErrDamaged
		}
		l.writes.Counters = append(l.writes.Counters, c)
	case line.Kind == store.Movement:
		var m platform.Movement
		if json.Unmarshal(line.Doc, &m) != nil || movementID(string(m.Counter.ID), m.Seq) != line.ID || !sound(string(line.ID)) || !sound(m.Cause.String()) {
			return store.ErrDamaged
		}
		l.writes.Movements = append(l.writes.Movements, m)
	default:
		return l.record(line)
	}
	return nil
}

func (l *loading) record(line store.Line) error {
	ref := platform.Ref{Kind: line.Kind, ID: line.ID}
	row, err := l.db.kinds.Stored(platform.Record{Ref: ref, Version: line.Version, Schema: line.Schema, Doc: line.Doc})
	if err != nil {
		return err
	}
	t := l.db.tables.byKind[line.Kind]
	if _, err := platform.ParseID(string(line.ID)); err != nil || line.ID.Prefix() != t.kind.Prefix || line.Version < 1 {
		return fmt.Errorf("%s: %w", ref, store.ErrDamaged)
	}
	if err := l.db.carried(store.Step{Change: platform.Change{Op: platform.Create, Ref: ref}, Row: row}); err != nil {
		return err
	}
	for _, c := range row.Claims {
		if _, twice := l.writes.Taken[c]; twice {
			return fmt.Errorf("claim %s of %s: %w", c.Scope, ref, store.ErrDamaged)
		}
		l.writes.Taken[c] = ref
	}
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
