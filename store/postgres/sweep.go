package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liangding/platform"
)

// Sweep implements [store.Engine]. Of two that sweep at once, who finds all of
// its answers gone looks for the next ones.
func (db *DB) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	for {
		found, gone := 0, 0
		err := db.alone(ctx, "sweep", func(tx pgx.Tx) error {
			old, err := db.old(ctx, tx, before, limit)
			if found, gone = len(old), 0; err != nil || found == 0 {
				return err
			}
			slots, scopes, names := keyArrays(old)
			tag, err := tx.Exec(ctx, db.tables.sql(forget), slots, scopes, names)
			gone = int(tag.RowsAffected())
			return err
		})
		if err != nil {
			return 0, err
		}
		if gone > 0 || found == 0 {
			return gone, nil
		}
	}
}

// forget takes answers out.
const forget = `delete from {schema}.answer where ctid = any(array(select t.ctid from unnest($1::int2[], $2::text[], $3::text[]) x(slot, scope, name),
 lateral (select t.ctid from {schema}.answer t where t.slot = x.slot and t.scope = x.scope and t.name = x.name offset 0) t))`

// old are the keys of the oldest answers from before a moment.
func (db *DB) old(ctx context.Context, tx pgx.Tx, before time.Time, limit int) ([]platform.Key, error) {
	rows, err := tx.Query(ctx, db.tables.sql("select scope, name from {schema}.answer where at < $1 order by at limit $2"), before, max(limit, 0))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (k platform.Key, err error) {
		err = row.Scan(&k.Scope, &k.Name)
		return k, err
	})
}
