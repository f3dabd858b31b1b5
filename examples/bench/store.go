package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/postgres"
	"github.com/liangding/platform/store/sqlite"
	"github.com/liangding/platform/store/storetest/pgserver"
)

// settings of the server, the same for all arms. Nothing is acknowledged before
// it is on disk. Checkpoints are rare, so that no arm pays for those of another, and
// pgbench, which changes old pages, for none.
var settings = []string{
	"fsync=on", "synchronous_commit=on", "full_page_writes=on",
	"shared_buffers=512MB", "max_wal_size=8GB", "checkpoint_timeout=30min", "autovacuum_naptime=1min",
}

// crowds are how many callers there are at once.
var crowds = []int{1, 8, 64}

// many is the largest crowd.
const many = 64

// bulk is how many transfers are in one set of the bulk arm, which has few callers.
const (
	bulk        = 100
	bulkCallers = 8
)

// options of the comparison.
type options struct {
	rounds int
	time   time.Duration  // an arm, a round
	scale  int            // of TPC-B
	only   *regexp.Regexp // arms by name/callers
}

// arena is where the arms meet: one server, and a directory for files.
type arena struct {
	options
	server *pgserver.Server
	cpu    meter
	dir    string
	tpcb   tpcb
	runs   uint64
}

// arm is one way to carry out the command, under so many callers.
type arm struct {
	name, column string
	measure      func(ctx context.Context) (sample, error)
}

// compare runs all arms in every round, one after the other.
func compare(ctx context.Context, o options) (rep report, err error) {
	a := &arena{options: o, server: &pgserver.Server{Settings: settings}}
	if len(a.arms()) == 0 {
		return rep, errors.New("-only names no arm")
	}
	if a.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(a.dir)) }()
	rep.Load = append(rep.Load, load())
	if err := a.server.Start(); err != nil {
		return rep, err
	}
	defer a.server.Stop()
	a.cpu = meter{a.server.PID()}
	if err := a.prepare(ctx, &rep); err != nil {
		return rep, err
	}
	for round := range o.rounds {
		results, err := a.round(ctx, round)
		if err != nil {
			return rep, fmt.Errorf("round %d: %w", round+1, err)
		}
		rep.rounds = append(rep.rounds, results)
		rep.Load = append(rep.Load, load())
	}
	rep.sum()
	return rep, nil
}

// prepare fills and warms what pgbench works on, and notes the settings.
func (a *arena) prepare(ctx context.Context, rep *report) error {
	dsn, err := a.database()
	if err != nil {
		return err
	}
	if rep.Settings, err = noted(ctx, dsn); err != nil {
		return err
	}
	if !slices.ContainsFunc(a.arms(), func(one arm) bool { return one.name == "tpcb" }) {
		return nil
	}
	log.Printf("pgbench: scale %d", a.scale)
	a.tpcb.dsn, a.tpcb.scale = dsn, a.scale
	if err := a.tpcb.fill(ctx); err != nil {
		return err
	}
	_, err = a.tpcb.run(ctx, a.cpu, many, 2*a.time)
	return err
}

// round measures every arm once, each round beginning at another one.
func (a *arena) round(ctx context.Context, round int) (map[string]map[string]sample, error) {
	results, arms := map[string]map[string]sample{}, a.arms()
	for i := range arms {
		arm := arms[(i+round*len(arms)/a.rounds)%len(arms)]
		s, err := arm.measure(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", arm.name, arm.column, err)
		}
		log.Printf("round %d/%d  %-26s %7s  %9.0f/s  p99 %8.2f ms  load %.1f", round+1, a.rounds, arm.name, arm.column, s.Rate, s.P99, load())
		if results[arm.name] == nil {
			results[arm.name] = map[string]sample{}
		}
		results[arm.name][arm.column] = s
	}
	return results, nil
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
	cold, bulky := a.on("group_cold", a.cold, many, true), a.on("group", a.bulk, bulkCallers, true)
	bulky.column = fmt.Sprintf("bulk%d", bulk)
	all = append(all, cold, bulky, arm{"two_processes", strconv.Itoa(many), a.twoProcesses})
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

// noted are the settings under which the server runs. It refuses one that
// acknowledges what is not on disk.
func noted(ctx context.Context, dsn string) (map[string]string, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }() // it only read
	all := map[string]string{"gogc": cmp.Or(os.Getenv("GOGC"), "400")}
	for _, name := range []string{"server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers", "max_wal_size", "checkpoint_timeout", "max_connections"} {
		var value string
		if err := conn.QueryRow(ctx, "select current_setting($1)", name).Scan(&value); err != nil {
			return nil, err
		}
		all[name] = value
	}
	if all["fsync"] != "on" || all["synchronous_commit"] != "on" {
		return nil, errors.New("fsync and synchronous_commit must be on")
	}
	return all, nil
}
