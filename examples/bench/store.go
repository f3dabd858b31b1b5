package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"slices"

	"github.com/jackc/pgx/v5"
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
	runs
	scale int // of TPC-B
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
