package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/liangding/platform/store"
)

//go:embed plain.sql
var plainSQL string

// plain is a book of plain SQL, one transaction a command, with a connection for
// each caller.
type plain struct {
	dsn   string
	way   way
	conns []*pgx.Conn
}

// way is one to make a transfer in a transaction of its own.
type way func(ctx context.Context, conn *pgx.Conn, t transfer) error

// ids of the accounts, as the platform names them.
var ids = func() (all [accounts][16]byte) {
	for n := range all {
		all[n] = store.CounterUUID(account(n))
	}
	return all
}()

// openPlain makes the tables and opens the accounts.
func openPlain(ctx context.Context, dsn string, by way) (*plain, error) {
	p := &plain{dsn: dsn, way: by}
	conn, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, plainSQL); err != nil {
		return nil, errors.Join(err, p.close())
	}
	names := make([]string, accounts)
	for n := range names {
		names[n] = string(account(n).ID)
	}
	_, err = conn.Exec(ctx, "insert into counter select id, name, $3, 1 from unnest($1::uuid[], $2::text[]) x(id, name)", ids[:], names, int64(opening))
	if err == nil {
		_, err = conn.Exec(ctx, "insert into movement select id, 1, value, value, 'accounts.opened', id, now() from counter")
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *plain) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, p.dsn)
	if err != nil {
		return nil, err
	}
	p.conns = append(p.conns, conn)
	return conn, nil
}

// order sorts the accounts of a transfer as all callers lock them: by id, and the
// hot one last, since everybody waits for it.
func (t transfer) order() (accounts [][16]byte, deltas []int64) {
	entries := t.entries
	slices.SortFunc(entries[:], func(a, b entry) int {
		if hot := len(names) - 1; a.account == hot || b.account == hot {
			return a.account - b.account
		}
		return bytes.Compare(ids[a.account][:], ids[b.account][:])
	})
	for _, e := range entries {
		accounts, deltas = append(accounts, ids[e.account]), append(deltas, e.delta)
	}
	return accounts, deltas
}

func (p *plain) call(ctx context.Context, t *teller) (call, error) {
	conn, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (int64, error) { return 1, p.way(ctx, conn, t.transfer()) }, nil
}

// errRepeat and errFloor are refusals that no transfer of a run gets.
var (
	errRepeat = errors.New("the key was used before")
	errFloor  = errors.New("not enough left")
)

// statements is a transfer as a careful engineer writes it with pgx: statements
// prepared once a connection, a trip each; what nobody waits for comes first, then
// the balances are locked in one order, decided on and written.
func statements(ctx context.Context, conn *pgx.Conn, t transfer) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := t.note(ctx, tx); err != nil {
			return err
		}
		accounts, deltas := t.order()
		rows, err := tx.Query(ctx, "select c.value, c.seq from unnest($1::uuid[]) with ordinality x(id, n) join counter c using (id) order by x.n for no key update of c", accounts)
		if err != nil {
			return err
		}
		var values, numbers []int64
		var value, number int64
		_, err = pgx.ForEachRow(rows, []any{&value, &number}, func() error {
			values, numbers = append(values, value+deltas[len(values)]), append(numbers, number+1)
			return nil
		})
		if err != nil {
			return err
		}
		for i, v := range values {
			if deltas[i] < 0 && v < -credit {
				return errFloor
			}
		}
		_, err = tx.Exec(ctx, "update counter c set value = x.value, seq = x.seq from unnest($1::uuid[], $2::int8[], $3::int8[]) x(id, value, seq) where c.id = x.id", accounts, values, numbers)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "insert into movement select counter, seq, delta, after, $5, $6, $7 from unnest($1::uuid[], $2::int8[], $3::int8[], $4::int8[]) x(counter, seq, delta, after)",
			accounts, numbers, deltas, values, t.Ref().String(), t.event.ID.UUID(), t.At)
		return err
	})
}

// note writes the key and the event of a transfer.
func (t transfer) note(ctx context.Context, tx pgx.Tx) error {
	event, err := json.Marshal(t.event)
	if err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, "insert into answer values ($1, $2, $3, $4, $5) on conflict do nothing", t.key.Scope, t.key.Name, t.answer.Digest, t.answer.Body, t.At)
	if err == nil && tag.RowsAffected() == 0 {
		return errRepeat
	}
	if err != nil {
		return err
	}
	id := t.event.ID.UUID()
	if _, err := tx.Exec(ctx, "insert into event values ($1, $2, $3, $4, $5)", id, t.event.Type, t.Ref().String(), t.At, string(event)); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "insert into undelivered values ($1)", id)
	return err
}

// tight is statements as one who knows where it hurts writes it: each balance is
// decided on, written and noted by one statement, and the one for which everybody
// waits is the last before the commit.
func tight(ctx context.Context, conn *pgx.Conn, t transfer) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := t.note(ctx, tx); err != nil {
			return err
		}
		accounts, deltas := t.order()
		for i := range accounts {
			tag, err := tx.Exec(ctx, `with c as (update counter set value = value + $2, seq = seq + 1
 where id = $1 and ($2 > 0 or value + $2 >= $3) returning seq, value)
 insert into movement select $1, c.seq, $2, c.value, $4, $5, $6 from c`, accounts[i], deltas[i], int64(-credit), t.Ref().String(), t.event.ID.UUID(), t.At)
			if err != nil {
				return err
			}
			if tag.RowsAffected() == 0 {
				return errFloor
			}
		}
		return nil
	})
}

// function is a transfer as one call of a stored function, which commits by
// itself.
func function(ctx context.Context, conn *pgx.Conn, t transfer) error {
	event, err := json.Marshal(t.event)
	if err != nil {
		return err
	}
	accounts, deltas := t.order()
	var fresh bool
	err = conn.QueryRow(ctx, "select transfer($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
		t.key.Scope, t.key.Name, t.answer.Digest, t.answer.Body, t.At,
		t.event.ID.UUID(), t.event.Type, t.Ref().String(), string(event), accounts, deltas, int64(-credit)).Scan(&fresh)
	if err == nil && !fresh {
		return errRepeat
	}
	return err
}

func (p *plain) close() error {
	var all error
	for _, conn := range p.conns {
		all = errors.Join(all, conn.Close(context.Background()))
	}
	return all
}

// sound counts what is stored.
func (p *plain) sound(ctx context.Context, s sample) error {
	for what, query := range map[string]struct {
		text     string
		expected int64
	}{
		"answers":              {"select count(*) from answer", s.calls},
		"events":               {"select count(*) from event", s.transfers},
		"events in the outbox": {"select count(*) from undelivered", s.transfers},
		"sum of all balances":  {"select sum(value)::bigint from counter", accounts * opening},
		"movements":            {"select count(*) from movement", accounts + 3*s.transfers},
		"balances off their movements": {`select count(*) from counter c join (select counter, sum(delta)::bigint sum, count(*) n, max(seq) last from movement group by counter) m
 on m.counter = c.id where c.value <> m.sum or c.seq <> m.n or c.seq <> m.last`, 0},
		"movements off the one before": {`select count(*) from (select after - delta = lag(after, 1, 0::bigint) over (partition by counter order by seq) fits from movement) m where not fits`, 0},
	} {
		var found int64
		if err := p.conns[0].QueryRow(ctx, query.text).Scan(&found); err != nil {
			return fmt.Errorf("count %s: %w", what, err)
		}
		if err := equal(what, found, query.expected); err != nil {
			return err
		}
	}
	return nil
}
