package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/postgres"
	"github.com/liangding/platform/store/sqlite"
)

// arm is one way to carry out the command, under so many callers.
type arm struct {
	name, column string
	measure      func(ctx context.Context) (sample, error)
}

// arms are those to be run, the ones to be compared side by side.
func (a *arena) arms() (all []arm) {
	for _, n := range crowds {
		all = append(all,
			a.on("one_tx_statements", a.plain(statements), n, true), a.on("group", a.group, n, true), a.on("one_tx_function", a.plain(function), n, true),
			arm{"tpcb", strconv.Itoa(n), func(ctx context.Context) (sample, error) { return a.tpcb.run(ctx, a.cpu, n, a.time) }},
			a.on("one_tx_statements_no_hot", a.plain(statements), n, false), a.on("group_no_hot", a.group, n, false), a.on("one_tx_function_no_hot", a.plain(function), n, false),
			a.on("one_tx_tight", a.plain(tight), n, true), a.on("memory", a.memory, n, true), a.on("sqlite", a.sqlite, n, true),
		)
	}
	bulky := a.on("group", a.bulk, bulkCallers, true)
	bulky.column = fmt.Sprintf("bulk%d", bulk)
	all = append(all, a.on("group_cold", a.cold, many, true), a.on("group_order", a.orders, many, true), bulky, arm{"two_processes", strconv.Itoa(many), a.twoProcesses})
	return slices.DeleteFunc(all, func(one arm) bool { return !a.only.MatchString(one.name + "/" + one.column) })
}

// on is an arm of callers on a book of their own.
func (a *arena) on(name string, open func(context.Context) (book, error), n int, hot bool) arm {
	return arm{name, strconv.Itoa(n), func(ctx context.Context) (s sample, err error) {
		b, err := open(ctx)
		if err != nil {
			return s, err
		}
		defer func() { err = errors.Join(err, b.close()) }()
		p := a.pace(n)
		if name == "group_cold" {
			p.warm = 0
		}
		a.runs++
		calls, err := callers(ctx, b, p, a.runs, hot)
		if err != nil {
			return s, err
		}
		if s, err = p.run(ctx, a.cpu, calls); err != nil {
			return s, err
		}
		return s, b.sound(ctx, s)
	}}
}

func (a *arena) pace(n int) pace { return pace{callers: n, warm: a.time / 5, time: a.time} }

// callers are so many callers of a book, each with a teller.
func callers(ctx context.Context, b book, p pace, run uint64, hot bool) ([]call, error) {
	calls := make([]call, p.callers)
	for i := range calls {
		var err error
		if calls[i], err = b.call(ctx, newTeller(run, uint64(i), hot)); err != nil {
			return nil, err
		}
	}
	return calls, nil
}

// database is a new, empty one. It stays until the server goes: dropping it would
// make the server write a checkpoint.
func (a *arena) database() (dsn string, err error) {
	dsn, _, err = a.server.Create()
	return dsn, err
}

// plain opens a book on which a transfer is a transaction of its own.
func (a *arena) plain(by way) func(context.Context) (book, error) {
	return func(ctx context.Context) (book, error) {
		dsn, err := a.database()
		if err != nil {
			return nil, err
		}
		return openPlain(ctx, dsn, by)
	}
}

// cold is a database that was migrated a moment ago: no row, no account, no
// statistics.
func (a *arena) cold(ctx context.Context) (book, error) {
	dsn, err := a.database()
	if err != nil {
		return nil, err
	}
	db, err := postgres.Open(ctx, dsn, kinds(), nil)
	if err != nil {
		return nil, err
	}
	return &engine{db: db, bulk: 1}, nil
}

func (a *arena) group(ctx context.Context) (book, error) {
	b, err := a.cold(ctx)
	if err != nil {
		return nil, err
	}
	return b, b.(*engine).open(ctx)
}

func (a *arena) bulk(ctx context.Context) (book, error) {
	b, err := a.group(ctx)
	if err == nil {
		b.(*engine).bulk = bulk
	}
	return b, err
}

// orders are transfers with a record each, as an order is placed.
func (a *arena) orders(ctx context.Context) (book, error) {
	b, err := a.group(ctx)
	if err == nil {
		b.(*engine).records = true
	}
	return b, err
}

func (a *arena) memory(ctx context.Context) (book, error) {
	b := &engine{db: memory.New(kinds(), nil), bulk: 1}
	return b, b.open(ctx)
}

func (a *arena) sqlite(ctx context.Context) (book, error) {
	db, err := sqlite.Open(ctx, filepath.Join(a.dir, fmt.Sprintf("bench%d.db", a.runs)), kinds(), nil)
	if err != nil {
		return nil, err
	}
	b := &engine{db: db, bulk: 1}
	return b, b.open(ctx)
}

// twoProcesses share the hot counter and the callers.
func (a *arena) twoProcesses(ctx context.Context) (s sample, err error) {
	dsn, err := a.database()
	if err != nil {
		return s, err
	}
	db, err := postgres.Open(ctx, dsn, kinds(), nil)
	if err != nil {
		return s, err
	}
	b := &engine{db: db, bulk: 1}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.open(ctx); err != nil {
		return s, err
	}
	a.runs++
	if s, err = together(ctx, dsn, 2, a.runs, a.pace(many)); err != nil {
		return s, err
	}
	return s, b.sound(ctx, s)
}
