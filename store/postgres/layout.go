package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// layout is what a kind's table looks like. Its number grows when the keys of
// its rows are made anew; a constraint keeps rows of a lower number out, so that
// a program that does not know an index cannot write past it.
type layout struct {
	Number  int
	Schema  int
	Settled bool // the columns of all indexes are filled
	Indexes []column
}

// column is where the keys of an index stand.
type column struct {
	By     []string `json:"by"`
	Sparse bool     `json:"sparse,omitempty"`
	Name   string   `json:"name"`
}

func (c column) is(index platform.Index) bool {
	return slices.Equal(c.By, index.By) && c.Sparse == index.Sparse
}

// at is the column of an index; "" when there is none.
func (l layout) at(index platform.Index) string {
	for _, c := range l.Indexes {
		if c.is(index) {
			return c.Name
		}
	}
	return ""
}

// fits tells whether the program can use the table as it is, and has it do so.
// It fails when the table belongs to a newer program.
func (l layout) fits(t *table) (bool, error) {
	if t.typed {
		return true, nil
	}
	if l.Schema > t.kind.Schema {
		return false, fmt.Errorf("%s has schema %d, this program knows %d: %w", t.kind.Name, l.Schema, t.kind.Schema, ErrNewer)
	}
	for _, c := range l.Indexes {
		declared := slices.ContainsFunc(t.kind.Indexes, c.is)
		if l.Schema == t.kind.Schema && !declared {
			return false, fmt.Errorf("%s has an index by %v at schema %d, this program none: %w; a kind drops an index with its next schema", t.kind.Name, c.By, l.Schema, ErrNewer)
		}
	}
	if l.Number == 0 || !l.Settled || l.Schema < t.kind.Schema {
		return false, nil
	}
	keys := make([]string, len(t.kind.Indexes))
	for i, index := range t.kind.Indexes {
		if keys[i] = l.at(index); keys[i] == "" {
			return false, nil
		}
	}
	t.keys, t.layout = keys, l.Number
	return true, nil
}

// next is the layout that the program wants: old indexes keep their columns.
func (l layout) next(t *table) layout {
	n := layout{Number: l.Number + 1, Schema: t.kind.Schema}
	used := map[string]bool{}
	for _, c := range l.Indexes {
		used[c.Name] = true
	}
	free := 1
	for _, index := range t.kind.Indexes {
		name := l.at(index)
		if name == "" {
			for used[fmt.Sprint("k", free)] {
				free++
			}
			name = fmt.Sprint("k", free)
			used[name] = true
		}
		n.Indexes = append(n.Indexes, column{index.By, index.Sparse, name})
	}
	return n
}

func (db *DB) layouts(ctx context.Context, q querier) (map[string]layout, error) {
	rows, err := q.Query(ctx, db.tables.sql("select kind, number, schema, settled, indexes::text from {schema}.layout"))
	if err != nil {
		return nil, trouble("read layouts", err)
	}
	defer rows.Close()
	all := map[string]layout{}
	for rows.Next() {
		var kind, indexes string
		var l layout
		if err := rows.Scan(&kind, &l.Number, &l.Schema, &l.Settled, &indexes); err != nil {
			return nil, trouble("read layouts", err)
		}
		if err := json.Unmarshal([]byte(indexes), &l.Indexes); err != nil {
			return nil, fmt.Errorf("layout of %s: %w", kind, ErrMigration)
		}
		all[kind] = l
	}
	return all, trouble("read layouts", rows.Err())
}

// settle makes the table what the program wants it to be.
func (db *DB) settle(ctx context.Context, conn *pgxpool.Conn, t *table) error {
	layouts, err := db.layouts(ctx, conn)
	if err != nil {
		return err
	}
	now := layouts[t.kind.Name]
	if fits, err := now.fits(t); err != nil || fits {
		return err
	}
	next := now.next(t)
	if now.Number == 0 {
		next.Settled = true
		return db.change(ctx, conn, t, next, t.create(next)...)
	}
	if err := db.change(ctx, conn, t, next, t.alter(next)...); err != nil {
		return err
	}
	t.use(next)
	if err := db.rekey(ctx, conn, t); err != nil {
		return err
	}
	for _, c := range next.Indexes {
		if err := t.indexed(ctx, conn, c); err != nil {
			return err
		}
	}
	next.Settled = true
	return db.change(ctx, conn, t, next)
}

// use has the program write rows of the layout.
func (t *table) use(l layout) {
	t.layout, t.keys = l.Number, nil
	for _, c := range l.Indexes {
		t.keys = append(t.keys, c.Name)
	}
}

// change runs statements and notes the layout that they lead to.
func (db *DB) change(ctx context.Context, conn *pgxpool.Conn, t *table, l layout, statements ...string) error {
	indexes, err := json.Marshal(l.Indexes)
	if err != nil {
		return err
	}
	err = atomically(ctx, conn, func(tx pgx.Tx) error {
		if len(statements) > 0 {
			if _, err := tx.Exec(ctx, strings.Join(statements, ";\n")); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, db.tables.sql(`insert into {schema}.layout (kind, number, schema, settled, indexes) values ($1, $2, $3, $4, $5::jsonb)
 on conflict (kind) do update set number = excluded.number, schema = excluded.schema, settled = excluded.settled, indexes = excluded.indexes`),
			t.kind.Name, l.Number, l.Schema, l.Settled, string(indexes))
		return err
	})
	if err == nil {
		t.use(l)
	}
	return err
}

func (t *table) create(l layout) []string {
	var columns strings.Builder
	for _, c := range l.Indexes {
		columns.WriteString(",\n  " + c.Name + " bytea")
	}
	all := []string{
		fmt.Sprintf(`create table %s (
  slot smallint not null, id uuid not null, version bigint not null, schema smallint not null, layout integer not null,
  doc %s not null, claims jsonb%s,
  primary key (slot, id)
) with (fillfactor = 80)`, t.name, t.doc, &columns),
		t.fence(l.Number),
		fmt.Sprintf("create index %s on %s (id)", quoted(t.plain+"_id"), t.name),
	}
	for _, c := range l.Indexes {
		all = append(all, t.index(c, ""))
	}
	return all
}

func (t *table) alter(l layout) []string {
	all := []string{fmt.Sprintf("alter table %s drop constraint if exists layout", t.name), t.fence(l.Number)}
	for _, c := range l.Indexes {
		all = append(all, fmt.Sprintf("alter table %s add column if not exists %s bytea", t.name, c.Name))
	}
	return all
}

// fence keeps rows of older layouts from being written; those that are there
// stay until they are made anew.
func (t *table) fence(number int) string {
	return fmt.Sprintf("alter table %s add constraint layout check (layout >= %d) not valid", t.name, number)
}

func (t *table) index(c column, how string) string {
	sparse := ""
	if c.Sparse {
		sparse = " where " + c.Name + " is not null"
	}
	return fmt.Sprintf("create index %s %s on %s (%s)%s", how, quoted(t.plain+"_"+c.Name), t.name, c.Name, sparse)
}

// indexed builds an index while others write. One that a stopped process left
// half built is built again.
func (t *table) indexed(ctx context.Context, conn *pgxpool.Conn, c column) error {
	name := t.plain + "_" + c.Name
	var valid bool
	err := conn.QueryRow(ctx, "select i.indisvalid from pg_index i where i.indexrelid = to_regclass($1)", t.sibling(name)).Scan(&valid)
	if valid {
		return nil
	}
	if err == nil {
		if _, err := conn.Exec(ctx, "drop index concurrently if exists "+t.sibling(name)); err != nil {
			return err
		}
	}
	_, err = conn.Exec(ctx, t.index(c, "concurrently"))
	return err
}

// sibling is a name in the table's schema.
func (t *table) sibling(name string) string {
	return t.name[:len(t.name)-len(quoted(t.plain))] + quoted(name)
}

// rekey makes the keys of all rows of older layouts anew, in batches.
func (db *DB) rekey(ctx context.Context, conn *pgxpool.Conn, t *table) error {
	slot, id := int16(-1), pgtype.UUID{Valid: true}
	for {
		var n int
		err := atomically(ctx, conn, func(tx pgx.Tx) error {
			stale, err := db.stale(ctx, tx, t, slot, id)
			if n = len(stale); err != nil || n == 0 {
				return err
			}
			last := placed(stale[n-1].Ref)
			slot, id = last.slot, uuid(last.id)
			return t.write(ctx, tx, t.replace(), stale)
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

// stale are the next rows of an older layout, with the keys of this one. Their
// documents are left as they are.
func (db *DB) stale(ctx context.Context, tx pgx.Tx, t *table, slot int16, id pgtype.UUID) ([]*store.Row, error) {
	rows, err := tx.Query(ctx, fmt.Sprintf(`select id, version, schema, doc::text, claims::text from %s
 where (slot, id) > ($1, $2) and layout < $3 order by slot, id limit 1000 for no key update`, t.name), slot, id, t.layout)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []*store.Row
	for rows.Next() {
		var f found
		var claims *string
		if err := rows.Scan(&f.id, &f.version, &f.schema, &f.doc, &claims); err != nil {
			return nil, err
		}
		old := platform.Record{
			Ref:     platform.Ref{Kind: t.kind.Name, ID: platform.IDFromUUID(t.kind.Prefix, f.id.Bytes)},
			Version: f.version, Schema: int(f.schema), Doc: []byte(f.doc),
		}
		row, err := db.kinds.Stored(old)
		if err != nil {
			return nil, err
		}
		keys, err := db.kinds.Keys(row)
		if err != nil {
			return nil, err
		}
		held, err := heldClaims(claims)
		if err != nil {
			return nil, err
		}
		all = append(all, &store.Row{Record: old, Keys: keys, Claims: held})
	}
	return all, rows.Err()
}
