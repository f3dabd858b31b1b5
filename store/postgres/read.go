package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// querier is a pool, a connection or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// reader reads records from whatever query is.
type reader struct {
	pool   *pgxpool.Pool
	kinds  *store.Kinds
	tables *tables
	query  querier
}

// found is a row as every kind's table gives it, see [table.fields].
type found struct {
	id         pgtype.UUID // of the event, for a movement
	version    int64       // the delta, for a movement
	schema     int16
	doc        string // the cause, for a movement
	value, seq *int64
	name       *string
	at         *time.Time
}

func (f *found) fields() []any {
	return []any{&f.id, &f.version, &f.schema, &f.doc, &f.value, &f.name, &f.seq, &f.at}
}

// record is the row for a caller, of the newest schema.
func (r *reader) record(t *table, f found) (platform.Record, error) {
	switch t.kind.Name {
	case store.Counter:
		ref := platform.Ref{Kind: store.Counter, ID: platform.ID(*f.name)}
		doc, err := json.Marshal(platform.Count{Ref: ref, Value: *f.value, Seq: *f.seq})
		return platform.Record{Ref: ref, Version: *f.seq, Schema: 1, Doc: doc}, err
	case store.Movement:
		return movementRecord(f)
	}
	record := platform.Record{
		Ref:     platform.Ref{Kind: t.kind.Name, ID: platform.IDFromUUID(t.kind.Prefix, f.id.Bytes)},
		Version: f.version, Schema: int(f.schema), Doc: []byte(f.doc),
	}
	if record.Schema == t.kind.Schema {
		return record, nil
	}
	row, err := r.kinds.Stored(record)
	if err != nil {
		return platform.Record{}, err
	}
	return row.Record, nil
}

// Get is one statement, so that it sees one moment, however many kinds it reads.
func (r *reader) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	return r.get(ctx, refs, r.lookUp)
}

// get asks for records by a look-up, and puts them in their order.
func (r *reader) get(ctx context.Context, refs []platform.Ref, lookUp func(context.Context, map[string]places) (map[platform.Ref]platform.Record, error)) ([]platform.Record, error) {
	byKind := map[string]places{}
	for _, ref := range refs {
		at, err := r.asked(ref)
		if err != nil {
			return nil, err
		}
		if at.slot >= 0 {
			byKind[ref.Kind] = append(byKind[ref.Kind], at)
		}
	}
	rows, err := lookUp(ctx, byKind)
	if err != nil {
		return nil, err
	}
	records := make([]platform.Record, 0, len(refs))
	met := make(map[platform.Ref]bool, len(refs))
	var missing error
	for _, ref := range refs {
		record, there := rows[ref]
		if there {
			if met[ref] {
				record.Doc = append([]byte(nil), record.Doc...)
			}
			met[ref] = true
			records = append(records, record)
		} else if missing == nil {
			missing = platform.NotFound(ref)
		}
	}
	return records, missing
}

// asked is where a record that a caller asks for lies; nowhere, a slot of -1,
// when nothing can be stored under that name.
func (r *reader) asked(ref platform.Ref) (place, error) {
	kind, err := r.kinds.Kind(ref.Kind)
	if err != nil {
		return place{}, err
	}
	switch ref.Kind {
	case store.Counter, store.Movement:
		if !sound(string(ref.ID)) {
			return place{slot: -1}, nil
		}
		if ref.Kind == store.Movement {
			return placedMovement(ref), nil
		}
		return placed(ref), nil
	}
	if _, err := platform.ParseID(string(ref.ID)); err != nil {
		return place{}, fmt.Errorf("%s: %w", ref, err)
	}
	if !strings.HasPrefix(string(ref.ID), kind.Prefix) {
		return place{}, fmt.Errorf("%s: %w", ref, store.ErrPrefix)
	}
	return placed(ref), nil
}

func (r *reader) lookUp(ctx context.Context, byKind map[string]places) (map[platform.Ref]platform.Record, error) {
	var parts []string
	var args []any
	for _, t := range r.tables.all {
		asked := byKind[t.kind.Name]
		if len(asked) == 0 {
			continue
		}
		asked = asked.sorted()
		slots, ids := asked.arrays()
		n := len(args)
		if t.kind.Name == store.Movement {
			parts = append(parts, fmt.Sprintf(`select %d::int2, t.* from unnest($%d::int2[], $%d::uuid[], $%d::int8[]) x(slot, id, seq),
 lateral (select %s from %s where t.slot = x.slot and t.counter = x.id and t.seq = x.seq offset 0) t`, t.number, n+1, n+2, n+3, t.fields, t.from))
			args = append(args, slots, ids, asked.numbers())
			continue
		}
		parts = append(parts, fmt.Sprintf(`select %d::int2, t.* from unnest($%d::int2[], $%d::uuid[]) x(slot, id),
 lateral (select %s from %s where t.slot = x.slot and t.id = x.id offset 0) t`, t.number, n+1, n+2, t.fields, t.from))
		args = append(args, slots, ids)
	}
	if len(parts) == 0 {
		return nil, nil
	}
	rows, err := r.query.Query(ctx, strings.Join(parts, "\nunion all "), args...)
	if err != nil {
		return nil, reading(ctx, err)
	}
	defer rows.Close()
	records := map[platform.Ref]platform.Record{}
	for rows.Next() {
		var number int16
		var f found
		if err := rows.Scan(append([]any{&number}, f.fields()...)...); err != nil {
			return nil, reading(ctx, err)
		}
		record, err := r.record(r.tables.all[number], f)
		if err != nil {
			return nil, err
		}
		records[record.Ref] = record
	}
	return records, reading(ctx, rows.Err())
}

// Recall implements [platform.Committer].
func (r *reader) Recall(ctx context.Context, key platform.Key) (platform.Answer, error) {
	missing := fmt.Errorf("answer of key %s: %w", key.Name, platform.ErrNotFound)
	if !sound(key.Scope) || !sound(key.Name) {
		return platform.Answer{}, missing
	}
	rows, err := r.query.Query(ctx, r.tables.sql("select digest, body, receipt from {schema}.answer where slot = $1 and scope = $2 and name = $3"),
		int16(key.Slot()), key.Scope, key.Name)
	if err != nil {
		return platform.Answer{}, reading(ctx, err)
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return platform.Answer{}, reading(ctx, err)
		}
		return platform.Answer{}, missing
	}
	return answered(rows)
}

// answered reads an answer from the last columns of a row, behind the given ones.
func answered(rows pgx.Rows, before ...any) (a platform.Answer, err error) {
	var receipt []byte
	if err := rows.Scan(append(before, &a.Digest, &a.Body, &receipt)...); err != nil {
		return a, trouble("read answer", err)
	}
	if err := json.Unmarshal(receipt, &a.Receipt); err != nil {
		return a, fmt.Errorf("decode receipt: %w", store.ErrSchema)
	}
	return a, nil
}

// reading is an error of a read for the caller: that of its ctx, if it ended.
func reading(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return trouble("read", err)
}

// again reads a second and a third time when the connection was lost: a pool
// hands out connections of a server that was restarted meanwhile.
func again[T any](ctx context.Context, read func() (T, error)) (T, error) {
	for try := 0; ; try++ {
		got, err := read()
		if !errors.Is(err, ErrConnection) || try == 3 {
			return got, err
		}
		pause(ctx, try)
	}
}
