package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

var _ store.Tree = (*Tree)(nil)

// Tree keeps the leaves and hashes of the audit log in tables of their own,
// which never pass Commit. It may be used by several goroutines at once.
type Tree struct{ db *DB }

// Size implements [store.Tree].
func (t *Tree) Size(ctx context.Context) (int64, error) {
	return number(ctx, t.db, "select coalesce(max(n) + 1, 0) from {schema}.leaf")
}

// number reads one number.
func number(ctx context.Context, db *DB, text string, args ...any) (n int64, err error) {
	if err := db.open(ctx); err != nil {
		return 0, err
	}
	return again(ctx, func() (int64, error) {
		err := db.pool.QueryRow(ctx, db.tables.sql(text), args...).Scan(&n)
		return n, reading(ctx, err)
	})
}

// Grow implements [store.Tree]. Of two that grow the same tree, the primary key
// lets one pass.
func (t *Tree) Grow(ctx context.Context, size int64, leaves []platform.ID, hashes [][]byte) error {
	if err := t.db.open(ctx); err != nil {
		return err
	}
	events, err := leafIDs(leaves)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, t.db.pool, func(tx pgx.Tx) error {
		var now, hashed int64
		err := tx.QueryRow(ctx, t.db.tables.sql("select (select coalesce(max(n) + 1, 0) from {schema}.leaf), (select coalesce(max(n) + 1, 0) from {schema}.hash)")).Scan(&now, &hashed)
		if err != nil {
			return err
		}
		if now != size {
			return fmt.Errorf("grow from %d, now %d: %w", size, now, store.ErrHead)
		}
		return t.append(ctx, tx, now, events, hashed, hashes)
	})
	if pg := refused(err); pg != nil && pg.Code == uniqueViolation {
		return fmt.Errorf("grow from %d: %w", size, store.ErrHead)
	}
	if errors.Is(err, store.ErrHead) {
		return err
	}
	return reading(ctx, err)
}

func leafIDs(leaves []platform.ID) ([]pgtype.UUID, error) {
	events := make([]pgtype.UUID, len(leaves))
	for i, leaf := range leaves {
		if _, err := platform.ParseID(string(leaf)); err != nil {
			return nil, fmt.Errorf("leaf %d: %w", i, err)
		}
		events[i] = uuid(leaf.UUID())
	}
	return events, nil
}

func (t *Tree) append(ctx context.Context, tx pgx.Tx, size int64, events []pgtype.UUID, hashed int64, hashes [][]byte) error {
	var b pgx.Batch
	b.Queue(t.db.tables.sql("insert into {schema}.leaf select $1::int8 + x.n - 1, x.event from unnest($2::uuid[]) with ordinality x(event, n)"), size, events)
	b.Queue(t.db.tables.sql("insert into {schema}.hash select $1::int8 + x.n - 1, x.hash from unnest($2::bytea[]) with ordinality x(hash, n)"), hashed, hashes)
	return tx.SendBatch(ctx, &b).Close()
}

// Find implements [store.Tree].
func (t *Tree) Find(ctx context.Context, events ...platform.ID) ([]int64, error) {
	if err := t.db.open(ctx); err != nil {
		return nil, err
	}
	ids := make([]pgtype.UUID, len(events))
	for i, event := range events {
		ids[i] = uuid(event.UUID())
	}
	return again(ctx, func() ([]int64, error) {
		rows, err := t.db.pool.Query(ctx, t.db.tables.sql(`select coalesce(t.n, -1) from unnest($1::uuid[]) with ordinality x(event, place)
 left join lateral (select n from {schema}.leaf where event = x.event offset 0) t on true order by x.place`), ids)
		if err != nil {
			return nil, reading(ctx, err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		return found, reading(ctx, err)
	})
}

// Leaves implements [store.Tree].
func (t *Tree) Leaves(ctx context.Context, from int64, limit int) ([]platform.ID, error) {
	if err := t.db.open(ctx); err != nil {
		return nil, err
	}
	return again(ctx, func() ([]platform.ID, error) {
		rows, err := t.db.pool.Query(ctx, t.db.tables.sql("select event from {schema}.leaf where n >= $1 order by n limit $2"), from, max(limit, 0))
		if err != nil {
			return nil, reading(ctx, err)
		}
		leaves, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (platform.ID, error) {
			var id pgtype.UUID
			err := row.Scan(&id)
			return platform.IDFromUUID("evt", id.Bytes), err
		})
		return leaves, reading(ctx, err)
	})
}

// Hashes implements [store.Tree].
func (t *Tree) Hashes(ctx context.Context, at []int64) ([][]byte, error) {
	if err := t.db.open(ctx); err != nil {
		return nil, err
	}
	found, err := again(ctx, func() (map[int64][]byte, error) {
		rows, err := t.db.pool.Query(ctx, t.db.tables.sql("select n, hash from {schema}.hash where n = any($1)"), at)
		if err != nil {
			return nil, reading(ctx, err)
		}
		all := map[int64][]byte{}
		var n int64
		var hash []byte
		_, err = pgx.ForEachRow(rows, []any{&n, &hash}, func() error {
			all[n] = append([]byte(nil), hash...)
			return nil
		})
		return all, reading(ctx, err)
	})
	if err != nil {
		return nil, err
	}
	hashes := make([][]byte, len(at))
	for i, n := range at {
		hash, there := found[n]
		if !there {
			return nil, fmt.Errorf("hash %d: %w", n, platform.ErrNotFound)
		}
		hashes[i] = append([]byte(nil), hash...)
	}
	return hashes, nil
}
