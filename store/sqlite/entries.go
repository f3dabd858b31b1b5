package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// Entries implements [store.Snapshot].
func (m *moment) Entries(ctx context.Context) iter.Seq2[store.Entry, error] {
	return m.entries(ctx, append(m.archived(), m.claims()))
}

// origin is a statement and what a row of it is.
type origin struct {
	statement string
	entry     func(*sql.Rows) (store.Entry, error)
}

func (m *moment) entries(ctx context.Context, from []origin) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		going := true
		unknown, err := m.strangers(ctx)
		if err != nil {
			yield(store.Entry{}, trouble("read everything", err))
			return
		}
		for _, kind := range unknown {
			if !yield(store.Entry{Fault: store.Stranger(kind)}, nil) {
				return
			}
		}
		for _, o := range from {
			rows, err := m.tx.QueryContext(ctx, o.statement)
			if err == nil {
				err = walk(rows, func() (bool, error) {
					e, err := o.entry(rows)
					if err != nil {
						return false, err
					}
					going = yield(e, nil)
					return going, nil
				})
			}
			if err != nil {
				yield(store.Entry{}, trouble("read everything", err))
				return
			}
			if !going {
				return
			}
		}
	}
}

// strangers are the kinds that another program has written records of.
func (m *moment) strangers(ctx context.Context) (all []string, err error) {
	rows, err := m.tx.QueryContext(ctx, "select distinct s.kind from shape s join sqlite_schema t on t.type = 'table' and t.name = replace(s.kind, '.', '_') order by s.kind")
	if err != nil {
		return nil, err
	}
	err = walk(rows, func() (bool, error) {
		var kind string
		err := rows.Scan(&kind)
		if m.tables[kind] == nil {
			all = append(all, kind)
		}
		return true, err
	})
	all = slices.DeleteFunc(all, func(kind string) bool {
		var some bool
		err = cmp.Or(err, m.tx.QueryRowContext(ctx, "select exists (select 1 from "+quoted(store.Table(kind))+")").Scan(&some))
		return !some
	})
	return all, err
}

// archived are all origins in the order of an archive.
func (m *moment) archived() []origin {
	var all []origin
	for _, kind := range m.kinds.Archived() {
		switch kind {
		case store.Counter:
			all = append(all, origin{"select name, value, seq from counter order by name", counter})
		case store.Movement:
			all = append(all, origin{fmt.Sprintf(byLog, "true") + " order by m.log, m.seq", func(rows *sql.Rows) (store.Entry, error) {
				m, err := moved(rows)
				return store.Entry{Movement: &m}, err
			}}, strays)
		default:
			all = append(all, m.tables[kind].origin())
		}
	}
	return append(all, answers, leaves, hashes,
		m.pending("select slot, id from undelivered order by place"),
		// What is late for one sink is fresh again in a store that is restored.
		m.pending("select distinct slot, event from delivery where event not in (select id from undelivered) order by event"))
}

// origin are the rows of a kind with all that stands beside their documents.
func (t *table) origin() origin {
	columns := strings.Join(append([]string{"id, version, schema, doc, claims"}, t.columns...), ", ")
	return origin{"select " + columns + " from " + t.name + " order by id", func(rows *sql.Rows) (store.Entry, error) {
		var claims []byte
		keys, row := make([][]byte, len(t.columns)), &store.Row{Keys: make([]string, len(t.columns))}
		into := []any{&claims}
		for i := range keys {
			into = append(into, &keys[i])
		}
		var err error
		if row.Record, err = t.record(rows, into...); err != nil {
			return store.Entry{}, err
		}
		for i, k := range keys {
			row.Keys[i] = string(k)
		}
		e := store.Entry{Row: row}
		if claims != nil && json.Unmarshal(claims, &row.Claims) != nil {
			e.Fault = &store.Finding{Code: "claim", Ref: row.Ref, What: "holds names that cannot be read"}
		}
		return e, nil
	}}
}

// misplaced is the fault of a row that nobody finds where it lies.
func misplaced(ref platform.Ref, in int64, of platform.Slot) *store.Finding {
	if in == int64(of) {
		return nil
	}
	return &store.Finding{Code: "slot", Ref: ref, What: fmt.Sprintf("lies in slot %d, and belongs in %d", in, of)}
}

func counter(rows *sql.Rows) (e store.Entry, err error) {
	c := platform.Count{Ref: platform.Ref{Kind: store.Counter}}
	err = rows.Scan((*string)(&c.Ref.ID), &c.Value, &c.Seq)
	return store.Entry{Count: &c}, err
}

// strays are the movements of no counter.
var strays = origin{
	`select m.log, m.seq from movement m where not exists (select 1 from counter c where c.name = substr(m.log, 1, length(m.log) - 1))`,
	func(rows *sql.Rows) (e store.Entry, err error) {
		var log string
		var seq int64
		err = rows.Scan(&log, &seq)
		ref := platform.Ref{Kind: store.Movement, ID: platform.ID(fmt.Sprintf("%s%019d", log, seq))}
		return store.Entry{Fault: &store.Finding{Code: "orphan", Ref: ref, What: "its counter is missing"}}, err
	},
}

var answers = origin{"select scope, name, digest, body, receipt from answer order by scope, name", func(rows *sql.Rows) (store.Entry, error) {
	var a store.Answered
	var err error
	a.Answer, err = answered(rows, &a.Key.Scope, &a.Key.Name)
	if errors.Is(err, ErrDamaged) {
		return store.Entry{Fault: &store.Finding{Code: "answer", Ref: store.AnswerRef(a.Key), What: "has a receipt that cannot be read"}}, nil
	}
	return store.Entry{Answer: &a}, err
}}

var leaves = origin{"select number, event from leaf order by number", func(rows *sql.Rows) (e store.Entry, err error) {
	return e, rows.Scan(&e.Place, (*string)(&e.Leaf))
}}

var hashes = origin{"select number, hash from hash order by number", func(rows *sql.Rows) (e store.Entry, err error) {
	err = rows.Scan(&e.Place, &e.Hash)
	e.Hash = solid(e.Hash)
	return e, err
}}

// pending are the events that not every sink has.
func (m *moment) pending(statement string) origin {
	return origin{statement, func(rows *sql.Rows) (e store.Entry, err error) {
		var slot int64
		var id []byte
		if err := rows.Scan(&slot, &id); err != nil {
			return e, err
		}
		if len(id) != 16 {
			return e, ErrDamaged
		}
		e.Pending = platform.IDFromUUID(m.tables[store.Event].kind.Prefix, [16]byte(id))
		e.Fault = misplaced(platform.Ref{Kind: "undelivered", ID: e.Pending}, slot, e.Pending.Slot())
		return e, nil
	}}
}

func (m *moment) claims() origin {
	return origin{"select scope, key, kind, owner from claim", func(rows *sql.Rows) (e store.Entry, err error) {
		var owner []byte
		var c platform.Claim
		if err := rows.Scan(&c.Scope, &c.Key, &e.Owner.Kind, &owner); err != nil {
			return e, err
		}
		e.Claim = &c
		if t := m.tables[e.Owner.Kind]; t != nil && len(owner) == 16 {
			e.Owner.ID = platform.IDFromUUID(t.kind.Prefix, [16]byte(owner))
		}
		return e, nil
	}}
}
