package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// Get implements [platform.DB]. It sees one moment.
func (db *DB) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	if err := db.use(ctx); err != nil {
		return nil, err
	}
	if !mixed(refs) {
		return db.reader.get(ctx, refs)
	}
	tx, err := db.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, trouble("get", err)
	}
	defer tx.Rollback()
	return view{db.kinds, db.tables, within{db.reader.by.(*cache), tx}}.get(ctx, refs)
}

func mixed(refs []platform.Ref) bool {
	for _, r := range refs {
		if r.Kind != refs[0].Kind {
			return true
		}
	}
	return false
}

// get reads records in the order asked, a statement a kind.
func (v view) get(ctx context.Context, refs []platform.Ref) ([]platform.Record, error) {
	byKind := map[string][]int{} // positions in refs
	var kinds []string
	for i, ref := range refs {
		if err := v.sound(ref); err != nil {
			return nil, err
		}
		if byKind[ref.Kind] == nil {
			kinds = append(kinds, ref.Kind)
		}
		byKind[ref.Kind] = append(byKind[ref.Kind], i)
	}
	all := make([]platform.Record, len(refs))
	for _, kind := range kinds {
		if err := v.fill(ctx, kind, refs, byKind[kind], all); err != nil {
			return nil, trouble("get "+kind, err)
		}
	}
	found := make([]platform.Record, 0, len(refs))
	var missing error
	for i, r := range all {
		if r.Version > 0 {
			found = append(found, r)
		} else if missing == nil {
			missing = platform.NotFound(refs[i])
		}
	}
	return found, missing
}

func (v view) sound(ref platform.Ref) error {
	kind, err := v.kinds.Kind(ref.Kind)
	if err != nil || ref.Kind == store.Counter || ref.Kind == store.Movement {
		return err
	}
	if _, err := platform.ParseID(string(ref.ID)); err != nil {
		return fmt.Errorf("%s: %w", ref, err)
	}
	if ref.ID.Prefix() != kind.Prefix {
		return fmt.Errorf("%s: %w", ref, store.ErrPrefix)
	}
	return nil
}

// fill reads the records of one kind into their places.
func (v view) fill(ctx context.Context, kind string, refs []platform.Ref, places []int, into []platform.Record) error {
	rows, err := v.find(ctx, kind, refs, places)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var at int
		var r platform.Record
		switch kind {
		case store.Counter:
			var value, seq int64
			if err = rows.Scan(&at, &value, &seq); err == nil {
				r = counted(refs[places[at]], value, seq)
			}
		case store.Movement:
			var m platform.Movement
			m, err = moved(rows, &at)
			r = logged(m)
		default:
			if err = rows.Scan(&at, &r.Version, &r.Schema, &r.Doc); err == nil {
				r.Ref = refs[places[at]]
				r, err = v.newest(v.tables[kind], r)
			}
		}
		if err != nil {
			return err
		}
		into[places[at]] = r
	}
	return rows.Err()
}

func (v view) find(ctx context.Context, kind string, refs []platform.Ref, places []int) (*sql.Rows, error) {
	t := v.tables[kind]
	if t != nil && len(places) == 1 {
		id := refs[places[0]].ID.UUID()
		return v.by.QueryContext(ctx, t.one, id[:])
	}
	var l list
	for _, at := range places {
		ref := refs[at]
		switch kind {
		case store.Counter:
			l.add([]byte(ref.ID))
		case store.Movement:
			log, seq, _ := numbered(string(ref.ID))
			l.add([]byte(log), []byte(strconv.FormatInt(seq, 10)))
		default:
			id := ref.ID.UUID()
			l.add(id[:])
		}
	}
	switch kind {
	case store.Counter:
		return v.by.QueryContext(ctx, manyCounters, l.String())
	case store.Movement:
		return v.by.QueryContext(ctx, manyMovements, l.String())
	}
	return v.by.QueryContext(ctx, t.many, l.String())
}

// newest is a record as this program's schema has it.
func (v view) newest(t *table, r platform.Record) (platform.Record, error) {
	if r.Schema == t.kind.Schema {
		return r, nil
	}
	row, err := v.kinds.Stored(r)
	if err != nil {
		return platform.Record{}, err
	}
	return row.Record, nil
}

// record reads a row of id, version, schema and document, and what follows them.
func (t *table) record(rows *sql.Rows, after ...any) (platform.Record, error) {
	var r platform.Record
	var id []byte
	if err := rows.Scan(append([]any{&id, &r.Version, &r.Schema, &r.Doc}, after...)...); err != nil {
		return r, err
	}
	if len(id) != 16 {
		return r, ErrDamaged
	}
	r.Ref = platform.Ref{Kind: t.kind.Name, ID: platform.IDFromUUID(t.kind.Prefix, [16]byte(id))}
	return r, nil
}

// counted is a counter's record.
func counted(ref platform.Ref, value, seq int64) platform.Record {
	doc, _ := json.Marshal(platform.Count{Ref: ref, Value: value, Seq: seq}) // plain data, cannot fail
	return platform.Record{Ref: ref, Version: seq, Schema: 1, Doc: doc}
}

// The statements that read many of what is no kind's, as table.many does.
const (
	manyCounters  = "select x.key, c.value, c.seq from json_each(?) x cross join counter c on c.name = cast(unhex(x.value) as text)"
	manyMovements = "select x.key, " + movement + ` from json_each(?) x cross join movement m
		on m.log = cast(unhex(x.value ->> 0) as text) and m.seq = cast(cast(unhex(x.value ->> 1) as text) as integer)`
)

// movement are the columns that make a movement.
const movement = `m.log, m.seq, m.delta, m."after", m.cause, m.event, m.at`

// moved reads a movement, and what stands before it.
func moved(rows *sql.Rows, before ...any) (platform.Movement, error) {
	var m platform.Movement
	var log, cause string
	var event []byte
	var micros int64
	if err := rows.Scan(append(before, &log, &m.Seq, &m.Delta, &m.After, &cause, &event, &micros)...); err != nil {
		return m, err
	}
	m.Counter, m.At = platform.Ref{Kind: store.Counter, ID: platform.ID(strings.TrimSuffix(log, "#"))}, time.UnixMicro(micros).UTC()
	kind, id, _ := strings.Cut(cause, "/")
	m.Cause = platform.Ref{Kind: kind, ID: platform.ID(id)}
	if len(event) == 16 {
		m.Event = platform.IDFromUUID("evt", [16]byte(event))
	}
	return m, nil
}

// logged is a movement's record.
func logged(m platform.Movement) platform.Record {
	doc, _ := json.Marshal(m) // plain data, cannot fail
	ref := platform.Ref{Kind: store.Movement, ID: platform.ID(fmt.Sprintf("%s#%019d", m.Counter.ID, m.Seq))}
	return platform.Record{Ref: ref, Version: 1, Schema: 1, Doc: doc}
}

// numbered takes a movement's id apart: its counter's log and its number.
func numbered(id string) (log string, seq int64, ok bool) {
	at := strings.LastIndexByte(id, '#') + 1
	if at == 0 || len(id)-at != 19 {
		return "", 0, false
	}
	n, err := strconv.ParseUint(id[at:], 10, 63)
	return id[:at], int64(n), err == nil
}
