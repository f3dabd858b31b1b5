package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/postgres"
	"github.com/liangding/platform/store/sqlite"
	"github.com/liangding/platform/store/storetest/pgserver"
)

// growth measures what a store of few orders does as one of many. All are filled
// first and then measured in turn, so that what else the machine does falls on all
// alike.
type growth struct {
	store   string
	sizes   []int // of the stores, the smallest first
	callers int
	rounds  int
	time    time.Duration // of each measure in each round
	server  pgserver.Server
	dir     string
}

// grown is what the measures came to.
type grown struct {
	Store   string     `json:"store"`
	Callers int        `json:"callers"`
	Rounds  int        `json:"rounds"`
	Sizes   []size     `json:"sizes"`
	Load    [2]float64 `json:"load"` // average over a minute, before and after
}

// size is a store of so many orders: medians over the rounds.
type size struct {
	Orders int                `json:"orders"`
	Filled float64            `json:"filled_seconds"`
	Rates  map[string]float64 `json:"calls_per_second"`
	P99    map[string]float64 `json:"p99_ms"`
	Ratios map[string]float64 `json:"ratios"` // of the rates to those of the smallest store

	rounds map[string][]sample
}

// measures in the order in which they are taken.
var measures = []string{"get", "page", "commit"}

func (g *growth) run(ctx context.Context) (all grown, err error) {
	all = grown{Store: strings.SplitN(g.store, ":", 2)[0], Callers: g.callers, Rounds: g.rounds}
	all.Load[0] = load()
	if g.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return all, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(g.dir)) }()
	defer g.server.Stop()
	offices := make([]*office, 0, len(g.sizes))
	defer func() {
		for _, o := range offices {
			err = errors.Join(err, o.close())
		}
	}()
	for _, n := range g.sizes {
		o, filled, err := g.fill(ctx, n)
		if err != nil {
			return all, fmt.Errorf("%d orders: %w", n, err)
		}
		log.Printf("%d orders after %.1f s", n, filled)
		offices, all.Sizes = append(offices, o), append(all.Sizes, size{Orders: n, Filled: filled, rounds: map[string][]sample{}})
	}
	for range g.rounds {
		for _, what := range measures {
			for i, o := range offices {
				s, err := o.measure(ctx, what, g.time)
				if err != nil {
					return all, fmt.Errorf("%s of %d orders: %w", what, g.sizes[i], err)
				}
				log.Printf("%d orders  %-6s  %9.0f/s", g.sizes[i], what, s.Rate)
				all.Sizes[i].rounds[what] = append(all.Sizes[i].rounds[what], s)
			}
		}
	}
	all.sum()
	all.Load[1] = load()
	return all, nil
}

// sum makes the medians.
func (all *grown) sum() {
	for i := range all.Sizes {
		s := &all.Sizes[i]
		s.Rates, s.P99, s.Ratios = map[string]float64{}, map[string]float64{}, map[string]float64{}
		for _, what := range measures {
			var rates, p99, ratios []float64
			for n, r := range s.rounds[what] {
				rates, p99, ratios = append(rates, r.Rate), append(p99, r.P99), append(ratios, r.Rate/all.Sizes[0].rounds[what][n].Rate)
			}
			s.Rates[what], s.P99[what], s.Ratios[what] = median(rates), median(p99), median(ratios)
		}
	}
}

// office is a store with its orders, and the clerks who work on them.
type office struct {
	db      store.Engine
	clerks  []*clerk
	commits int64
	gone    func() error // takes away what is left of the store when it is closed
}

// fill fills a store of its own with n orders, and tells in how many seconds.
func (g *growth) fill(ctx context.Context, n int) (*office, float64, error) {
	all, err := newOrders(ctx, n)
	if err != nil {
		return nil, 0, err
	}
	o := &office{}
	if o.db, o.gone, err = g.open(ctx, n); err != nil {
		return nil, 0, err
	}
	begin := time.Now()
	if err := o.db.Load(ctx, all.lines()); err != nil {
		return nil, 0, errors.Join(err, o.close())
	}
	filled := time.Since(begin).Seconds()
	for i := range g.callers {
		o.clerks = append(o.clerks, &clerk{orders: all, db: o.db, teller: newTeller(uint64(n), uint64(i), true), of: i, all: g.callers, versions: map[int]int64{}})
	}
	return o, filled, nil
}

// measure has all clerks do one thing for a time.
func (o *office) measure(ctx context.Context, what string, d time.Duration) (sample, error) {
	calls := make([]call, len(o.clerks))
	for i, c := range o.clerks {
		calls[i] = map[string]call{"get": c.get, "page": c.page, "commit": c.commit}[what]
	}
	s, err := pace{callers: len(calls), warm: d / 3, time: d}.run(ctx, meter{}, calls)
	if err != nil || what != "commit" {
		return s, err
	}
	o.commits += s.calls
	return s, sold(ctx, o.db, o.commits)
}

func (o *office) close() error { return errors.Join(o.db.Close(), o.gone()) }

// sold checks that every commit is in the counter that all of them add to.
func sold(ctx context.Context, db store.Engine, commits int64) error {
	records, err := db.Get(ctx, sales)
	if err != nil {
		return err
	}
	var c platform.Count
	if err := json.Unmarshal(records[0].Doc, &c); err != nil {
		return err
	}
	return errors.Join(equal("value of the counter", c.Value, commits), equal("movements of the counter", c.Seq, commits))
}

// open opens an empty store; gone takes away what is left of it when it is closed.
func (g *growth) open(ctx context.Context, n int) (db store.Engine, gone func() error, err error) {
	nothing := func() error { return nil }
	engine, path, _ := strings.Cut(g.store, ":")
	switch {
	case g.store == "memory":
		return memory.New(order.Kinds(), nil), nothing, nil
	case engine == "sqlite":
		if path == "" {
			path = filepath.Join(g.dir, "growth.db")
		}
		path = fmt.Sprintf("%s.%d", path, n)
		if _, err := os.Stat(path); err == nil {
			return nil, nil, fmt.Errorf("%s is there already", path)
		}
		db, err = sqlite.Open(ctx, path, order.Kinds(), nil)
		return db, func() error {
			return errors.Join(os.Remove(path), os.RemoveAll(path+"-wal"), os.RemoveAll(path+"-shm"))
		}, err
	case g.store == "postgres":
		g.server.Settings = settings
		if err := g.server.Start(); err != nil {
			return nil, nil, err
		}
		dsn, drop, err := g.server.Create()
		if err != nil {
			return nil, nil, err
		}
		db, err = postgres.Open(ctx, dsn, order.Kinds(), nil)
		return db, drop, err
	}
	return nil, nil, fmt.Errorf("store %q: memory, sqlite:PATH or postgres", g.store)
}

// print writes the measures for a reader.
func (all grown) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d callers, median of %d rounds; in brackets, how it is to the smallest store\n%10s %10s", all.Store, all.Callers, all.Rounds, "orders", "filled s")
	for _, what := range measures {
		fmt.Fprintf(&b, " %15s/s %9s", what, "p99 ms")
	}
	for _, s := range all.Sizes {
		fmt.Fprintf(&b, "\n%10d %10.1f", s.Orders, s.Filled)
		for _, what := range measures {
			fmt.Fprintf(&b, " %10.0f (%.2f) %9.2f", s.Rates[what], s.Ratios[what], s.P99[what])
		}
	}
	fmt.Fprintf(&b, "\nload average %.2f\n", all.Load)
	_, err := io.WriteString(w, b.String())
	return err
}
