package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// Recall implements [platform.Committer].
func (db *DB) Recall(ctx context.Context, key platform.Key) (platform.Answer, error) {
	if err := db.use(ctx); err != nil {
		return platform.Answer{}, err
	}
	return db.reader.recall(ctx, key)
}

func (v view) recall(ctx context.Context, key platform.Key) (answer platform.Answer, err error) {
	rows, err := v.by.QueryContext(ctx, "select digest, body, receipt from answer where scope = ? and name = ?", key.Scope, key.Name)
	if err != nil {
		return answer, trouble("recall", err)
	}
	known := false
	err = walk(rows, func() (more bool, err error) {
		known = true
		answer, err = answered(rows)
		return false, err
	})
	if err == nil && !known {
		err = fmt.Errorf("answer of key %s: %w", key.Name, platform.ErrNotFound)
	}
	return answer, trouble("recall", err)
}

func (p pen) answers(state *store.State, keys []platform.Key, faults faults) error {
	var places list
	for _, k := range keys {
		places.add([]byte(k.Scope), []byte(k.Name))
	}
	return p.each(len(keys), `select x.key, a.digest, a.body, a.receipt from json_each(?) x cross join answer a
		on a.scope = cast(unhex(x.value ->> 0) as text) and a.name = cast(unhex(x.value ->> 1) as text)`, &places,
		func(rows *sql.Rows) error {
			var at int
			answer, err := answered(rows, &at)
			if errors.Is(err, ErrDamaged) {
				faults[keys[at]], err = fmt.Errorf("answer of key %s: %w", keys[at].Name, err), nil
			}
			state.Answers[keys[at]] = &answer
			return err
		})
}

// answered reads a stored answer; the columns before it go where the caller says.
func answered(rows interface{ Scan(...any) error }, before ...any) (platform.Answer, error) {
	var a platform.Answer
	var receipt []byte
	if err := rows.Scan(append(before, &a.Digest, &a.Body, &receipt)...); err != nil {
		return a, err
	}
	if json.Unmarshal(receipt, &a.Receipt) != nil {
		return a, ErrDamaged
	}
	return a, nil
}

// own is an answer that shares nothing with a.
func own(a platform.Answer) platform.Answer {
	a.Digest, a.Body = slices.Clone(a.Digest), slices.Clone(a.Body)
	a.Receipt.Versions, a.Receipt.Counters = slices.Clone(a.Receipt.Versions), slices.Clone(a.Receipt.Counters)
	return a
}

func (p pen) answer(key platform.Key, a platform.Answer) error {
	a.Receipt.Answer = nil
	receipt, err := json.Marshal(a.Receipt)
	if err != nil {
		return err
	}
	_, err = p.by.exec("insert into answer (scope, name, digest, body, receipt, at) values (?, ?, ?, ?, ?, ?)",
		key.Scope, key.Name, a.Digest, a.Body, string(receipt), p.now().UnixMicro())
	return err
}

// The first rows are the oldest: a row comes behind all that are there.
const oldAnswers = `delete from answer where rowid in
	(select rowid from (select rowid, at from answer order by rowid limit ?) where at < ?)`

// Sweep implements [store.Engine].
func (db *DB) Sweep(ctx context.Context, before time.Time, limit int) (n int, err error) {
	if err := db.use(ctx); err != nil {
		return 0, err
	}
	err = db.writer.transact(ctx, func() error {
		if n, err = changed(db.writer.exec(oldAnswers, max(limit, 0), before.UnixMicro())); err != nil {
			return err
		}
		return worthy(n)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}
