package postgres

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// Entries implements [store.Snapshot].
func (m *moment) Entries(ctx context.Context) iter.Seq2[store.Entry, error] {
	return m.entries(ctx, append(m.archived(true), m.tables.claims()))
}

// origin is a statement and what a row of it is.
type origin struct {
	statement string
	entry     func(pgx.Rows) (store.Entry, error)
}

// entries goes along the origins by a cursor of the server, so that other
// statements can run between two of its pages.
func (m *moment) entries(ctx context.Context, from []origin) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		strangers, err := m.strangers(ctx)
		if err != nil {
			yield(store.Entry{}, err)
			return
		}
		for _, kind := range strangers {
			if !yield(store.Entry{Fault: store.Stranger(kind)}, nil) {
				return
			}
		}
		for _, o := range from {
			if more, err := m.walk(ctx, o, yield); err != nil {
				yield(store.Entry{}, err)
				return
			} else if !more {
				return
			}
		}
	}
}

// strangers are the kinds that another program has written records of.
func (m *moment) strangers(ctx context.Context) (all []string, err error) {
	ctx, done, err := m.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	rows, err := m.tx.Query(ctx, m.tables.sql("select kind from {schema}.layout where to_regclass(format('%I.%I', $1::text, replace(kind, '.', '_'))) is not null order by kind"), m.tables.schema)
	if err != nil {
		return nil, reading(ctx, err)
	}
	kinds, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, kind := range kinds {
		if err != nil || m.tables.byKind[kind] != nil {
			continue
		}
		var some bool
		err = m.tx.QueryRow(ctx, "select exists (select from "+quoted(m.tables.schema, store.Table(kind))+")").Scan(&some)
		if some {
			all = append(all, kind)
		}
	}
	return all, reading(ctx, err)
}

// pageRows are few enough for large documents.
const pageRows = 512

// walk yields a page while the next one comes.
func (m *moment) walk(ctx context.Context, o origin, yield func(store.Entry, error) bool) (more bool, err error) {
	cursor := fmt.Sprint("entries_", m.cursors.Add(1))
	if err := m.run(ctx, "set local cursor_tuple_fraction = 1; declare "+cursor+" no scroll cursor for "+m.tables.sql(o.statement)); err != nil {
		return false, err
	}
	type fetched struct {
		page []store.Entry
		err  error
	}
	coming := make(chan fetched, 1)
	fetch := func() {
		page, err := m.page(ctx, cursor, o)
		coming <- fetched{page, err}
	}
	go fetch()
	for {
		next := <-coming
		if next.err != nil {
			return false, next.err
		}
		last := len(next.page) < pageRows
		if !last {
			go fetch()
		}
		for _, e := range next.page {
			if yield(e, nil) {
				continue
			}
			if !last {
				<-coming
			}
			_ = m.run(ctx, "close "+cursor) // the transaction's end closes it too
			return false, nil
		}
		if last {
			return true, m.run(ctx, "close "+cursor)
		}
	}
}

func (m *moment) run(ctx context.Context, statement string) error {
	ctx, done, err := m.turn(ctx)
	if err != nil {
		return err
	}
	defer done()
	_, err = m.tx.Exec(ctx, statement)
	return reading(ctx, err)
}

// page reads the next page of a cursor. The statement is used for this cursor
// alone and so not kept prepared.
func (m *moment) page(ctx context.Context, cursor string, o origin) (page []store.Entry, err error) {
	ctx, done, err := m.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	rows, err := m.tx.Query(ctx, fmt.Sprintf("fetch %d from %s", pageRows, cursor), pgx.QueryExecModeDescribeExec)
	if err != nil {
		return nil, reading(ctx, err)
	}
	defer rows.Close()
	page = make([]store.Entry, 0, pageRows)
	for rows.Next() {
		e, err := o.entry(rows)
		if err != nil {
			return nil, reading(ctx, err)
		}
		page = append(page, e)
	}
	return page, reading(ctx, rows.Err())
}

// archived are all origins in the order of an archive; whole, records come with
// their keys and claims.
func (m *moment) archived(whole bool) []origin {
	var all []origin
	for _, kind := range m.kinds.Archived() {
		switch t := m.tables.byKind[kind]; kind {
		case store.Counter:
			all = append(all, origin{"select slot, id, name, value, seq from {schema}.counter order by name", counter})
		case store.Movement:
			all = append(all, movements, strays)
		default:
			all = append(all, t.origin(whole))
		}
	}
	return append(all, answers(whole),
		origin{"select n, event from {schema}.leaf order by n", func(rows pgx.Rows) (e store.Entry, err error) {
			var id pgtype.UUID
			err = rows.Scan(&e.Place, &id)
			e.Leaf = platform.IDFromUUID("evt", id.Bytes)
			return e, err
		}},
		origin{"select n, hash from {schema}.hash order by n", func(rows pgx.Rows) (e store.Entry, err error) {
			return e, rows.Scan(&e.Place, &e.Hash)
		}},
		// An event that is late for one sink is fresh again in a store that is restored.
		origin{"select slot, id from {schema}.undelivered union select slot, event from {schema}.delivery order by slot, id", func(rows pgx.Rows) (e store.Entry, err error) {
			var slot int16
			var id pgtype.UUID
			err = rows.Scan(&slot, &id)
			e.Pending = platform.IDFromUUID("evt", id.Bytes)
			e.Fault = misplaced(platform.Ref{Kind: "undelivered", ID: e.Pending}, slot, e.Pending.Slot())
			return e, err
		}})
}

// origin are the rows of a kind.
func (t *table) origin(whole bool) origin {
	columns := "id, version, schema, slot, doc::text"
	if whole {
		columns += ", claims::text" + t.each(func(_ int, key string) string { return ", " + key })
	}
	return origin{"select " + columns + " from " + t.name + " order by id", func(rows pgx.Rows) (store.Entry, error) {
		var id pgtype.UUID
		var schema, slot int16
		var claims *string
		row := &store.Row{}
		into := []any{&id, &row.Version, &schema, &slot, &row.Doc}
		keys := make([][]byte, len(t.keys))
		if whole {
			into = append(into, &claims)
			for i := range keys {
				into = append(into, &keys[i])
			}
		}
		if err := rows.Scan(into...); err != nil {
			return store.Entry{}, err
		}
		row.Ref, row.Schema = platform.Ref{Kind: t.kind.Name, ID: platform.IDFromUUID(t.kind.Prefix, id.Bytes)}, int(schema)
		for _, k := range keys {
			row.Keys = append(row.Keys, string(k))
		}
		e := store.Entry{Row: row, Fault: misplaced(row.Ref, slot, row.Ref.ID.Slot())}
		var err error
		if row.Claims, err = heldClaims(claims); err != nil {
			e.Fault = &store.Finding{Code: "claim", Ref: row.Ref, What: "holds names that cannot be read"}
		}
		return e, nil
	}}
}

// misplaced is the fault of a row that nobody finds where it lies.
func misplaced(ref platform.Ref, in int16, of platform.Slot) *store.Finding {
	if in == int16(of) {
		return nil
	}
	return &store.Finding{Code: "slot", Ref: ref, What: fmt.Sprintf("lies in slot %d, and belongs in %d", in, of)}
}

func counter(rows pgx.Rows) (e store.Entry, err error) {
	var slot int16
	var id pgtype.UUID
	c := platform.Count{Ref: platform.Ref{Kind: store.Counter}}
	if err := rows.Scan(&slot, &id, (*string)(&c.Ref.ID), &c.Value, &c.Seq); err != nil {
		return e, err
	}
	e = store.Entry{Count: &c, Fault: misplaced(c.Ref, slot, c.Ref.ID.Slot())}
	if id.Bytes != store.CounterUUID(c.Ref) {
		e.Fault = &store.Finding{Code: "slot", Ref: c.Ref, What: "lies under the id of another name"}
	}
	return e, nil
}

// movements are those of counters that are there, strays the others.
var movements = origin{
	`select c.name, t.seq, t.delta, t.after, t.cause, t.event, t.at from {schema}.movement t
 join {schema}.counter c on c.slot = t.slot and c.id = t.counter order by (c.name || '#'), t.seq`,
	func(rows pgx.Rows) (e store.Entry, err error) {
		m := platform.Movement{Counter: platform.Ref{Kind: store.Counter}}
		var cause string
		var event pgtype.UUID
		var at time.Time
		err = rows.Scan((*string)(&m.Counter.ID), &m.Seq, &m.Delta, &m.After, &cause, &event, &at)
		kind, id, _ := strings.Cut(cause, "/")
		m.Cause = platform.Ref{Kind: kind, ID: platform.ID(id)}
		m.Event, m.At = platform.IDFromUUID("evt", event.Bytes), at.UTC()
		return store.Entry{Movement: &m}, err
	},
}

var strays = origin{
	`select t.counter, t.seq from {schema}.movement t
 where not exists (select from {schema}.counter c where c.slot = t.slot and c.id = t.counter) order by t.counter, t.seq`,
	func(rows pgx.Rows) (e store.Entry, err error) {
		var counter pgtype.UUID
		var seq int64
		err = rows.Scan(&counter, &seq)
		ref := platform.Ref{Kind: store.Movement, ID: movementID(hex.EncodeToString(counter.Bytes[:]), seq)}
		return store.Entry{Fault: &store.Finding{Code: "orphan", Ref: ref, What: "its counter is missing"}}, err
	},
}

// answers are in the order of an archive, unless they are read whole, where it
// serves nobody and takes a sort of them all.
func answers(whole bool) origin {
	statement := "select slot, scope, name, digest, body, receipt from {schema}.answer"
	if !whole {
		statement += " order by scope, name"
	}
	return origin{statement, func(rows pgx.Rows) (store.Entry, error) {
		var a store.Answered
		var slot int16
		var err error
		a.Answer, err = answered(rows, &slot, &a.Key.Scope, &a.Key.Name)
		if errors.Is(err, store.ErrSchema) {
			return store.Entry{Fault: &store.Finding{Code: "answer", Ref: store.AnswerRef(a.Key), What: "has a receipt that cannot be read"}}, nil
		}
		return store.Entry{Answer: &a, Fault: misplaced(store.AnswerRef(a.Key), slot, a.Key.Slot())}, err
	}}
}

func (ts *tables) claims() origin {
	return origin{"select slot, scope, key, kind, owner from {schema}.claim", func(rows pgx.Rows) (e store.Entry, err error) {
		var slot int16
		var owner pgtype.UUID
		e.Claim = &platform.Claim{}
		err = rows.Scan(&slot, &e.Claim.Scope, &e.Claim.Key, &e.Owner.Kind, &owner)
		if t := ts.byKind[e.Owner.Kind]; t != nil {
			e.Owner.ID = platform.IDFromUUID(t.kind.Prefix, owner.Bytes)
		}
		e.Fault = misplaced(e.Owner, slot, claimPlace(*e.Claim).slot)
		return e, err
	}}
}
