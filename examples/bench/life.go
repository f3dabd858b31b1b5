package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"strconv"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/storetest/pgserver"
)

// lives is what orders came to that were placed, paid, assigned, started, delivered
// and accepted over HTTP.
type lives struct {
	Rates      map[string]float64 `json:"orders_per_second"` // by clients
	P99        map[string]float64 `json:"p99_ms"`            // of one order's life
	Statements float64            `json:"statements_per_order"`
	Trips      float64            `json:"trips_per_order"`
	Commits    float64            `json:"commits_per_order"`
	Load       []float64          `json:"load"`
}

// live takes an order through its life.
func (v *visit) live(ctx context.Context, listing platform.ID) error {
	if err := v.place(ctx, listing); err != nil {
		return err
	}
	if err := v.pay(ctx); err != nil {
		return err
	}
	member, err := v.staffed(ctx)
	if err != nil {
		return err
	}
	if err := v.start(ctx, member); err != nil {
		return err
	}
	if err := v.deliver(ctx, member); err != nil {
		return err
	}
	return v.accept(ctx)
}

// clients is the most that the orders have.
const clients = 8

func runOrders(ctx context.Context, args []string, out io.Writer) (err error) {
	f := flag.NewFlagSet("bench orders", flag.ContinueOnError)
	seconds := f.Float64("seconds", 5, "of each number of clients, after a fifth of that for warming up")
	file := f.String("json", "", "write the figures to this `file`")
	if err := f.Parse(args); err != nil {
		return err
	}
	length := time.Duration(*seconds * float64(time.Second))
	if length <= 0 || f.NArg() > 0 {
		return errors.New("-seconds must be positive, and nothing may follow the flags")
	}
	server := &pgserver.Server{Settings: settings}
	if err := server.Start(); err != nil {
		return err
	}
	defer server.Stop()
	dsn, _, err := server.Create()
	if err != nil {
		return err
	}
	s, err := openStreet(ctx, dsn, clients)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	all := lives{Rates: map[string]float64{}, P99: map[string]float64{}, Load: []float64{load()}}
	if err := all.weigh(ctx, s); err != nil {
		return err
	}
	cpu := meter{server.PID(), s.cmd.Process.Pid}
	for _, n := range []int{1, clients} {
		if err := all.measure(ctx, s, n, length, cpu); err != nil {
			return fmt.Errorf("%d clients: %w", n, err)
		}
	}
	return errors.Join(all.print(out), save(*file, all))
}

// weighed is how many orders are counted.
const weighed = 20

// weigh counts what orders cost the database, one after the other and before the
// clockwork begins. The first is not counted: connections learn their statements.
func (all *lives) weigh(ctx context.Context, s *street) error {
	var before, after sent
	for i := range weighed + 1 {
		if i == 1 {
			if err := s.count(ctx, "wire", &before); err != nil {
				return err
			}
		}
		if err := s.visitor().live(ctx, s.Branches[0]); err != nil {
			return err
		}
	}
	if err := s.count(ctx, "begin", &after); err != nil {
		return err
	}
	spent := after.less(before)
	all.Statements, all.Trips, all.Commits = float64(spent.Statements)/weighed, float64(spent.Trips)/weighed, float64(spent.Commits)/weighed
	return nil
}

// measure has so many clients bring orders through their lives, each in a branch of
// its own.
func (all *lives) measure(ctx context.Context, s *street, n int, length time.Duration, cpu meter) error {
	calls := make([]call, n)
	for i := range calls {
		calls[i] = func(ctx context.Context) (int64, error) { return 1, s.visitor().live(ctx, s.Branches[i]) }
	}
	sum, err := pace{callers: n, warm: length / 5, time: length}.run(ctx, cpu, calls)
	if err != nil {
		return err
	}
	all.Rates[strconv.Itoa(n)], all.P99[strconv.Itoa(n)] = sum.Rate, sum.P99
	all.Load = append(all.Load, load())
	log.Printf("%d clients  %6.1f orders/s  p99 %.1f ms  CPU %.0f + %.0f µs", n, sum.Rate, sum.P99, sum.Client, sum.Server)
	return nil
}

func (all lives) print(w io.Writer) error {
	var text bytes.Buffer
	fmt.Fprintf(&text, "orders placed, paid, assigned, started, delivered and accepted over HTTP\n%8s %9s %9s\n", "clients", "a second", "p99 ms")
	for _, n := range []string{"1", strconv.Itoa(clients)} {
		fmt.Fprintf(&text, "%8s %9.1f %9.1f\n", n, all.Rates[n], all.P99[n])
	}
	fmt.Fprintf(&text, "an order, alone: %.1f statements, %.1f trips, %.1f commits\nload average %.2f\n", all.Statements, all.Trips, all.Commits, all.Load)
	_, err := w.Write(text.Bytes())
	return err
}
