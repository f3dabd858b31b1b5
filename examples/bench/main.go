// Bench is the load program: it says how fast the stores are, beside what else
// one could do with the same server.
//
//	go run ./examples/bench store -json FILE
//
// starts a PostgreSQL of its own, with fsync and synchronous_commit on, and has 1,
// 8 and 64 callers make transfers, with one counter that all of them touch and
// with none: through the group commit of store/postgres (group), in one transaction a
// transfer of several statements (one_tx_statements; one_tx_tight, if the hot row is
// locked by the last of them) and of one stored function (one_tx_function), beside
// pgbench's TPC-B-like script (tpcb), store/memory and store/sqlite. Every round
// runs all arms one after the other. What was answered is counted and added up after
// each arm; if anything is missing, the run is void.
//
//	go run ./examples/bench ledger -json FILE
//
// has 1, 8 and 64 HTTP clients post transfers to the reference server's ledger on such
// a PostgreSQL, 8 more in batches of a hundred, each with the platform's commission in
// it, beside a single insert and commit.
//
//	go run ./examples/bench orders -json FILE
//
// has 1 and 8 HTTP clients bring orders through their lives on such a PostgreSQL, from
// their placing to the customer's acceptance, and counts what an order costs the
// database.
//
//	go run ./examples/bench race -json FILE
//
// has 2, 4, 8 and 32 callers give one command for the same order at once, over HTTP,
// for 100 orders of each command, and counts orders on which it took effect twice or
// never, and answers that were not true: none must be.
//
//	go run ./examples/bench growth -store postgres
//
// measures reading an order, a page of twenty and a command on an order in stores of
// 10,000 and of a million orders; -orders 10k,1M,10M adds ten million.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // the callers' process is nearly empty, and would look for garbage all the time
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		log.Fatal("bench: ", err)
	}
}

const usageText = "usage: bench store|ledger|orders|race|growth [flags]; -help after any of them lists its own"

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return errors.New(usageText)
	}
	switch args[0] {
	case "store":
		return runStore(ctx, args[1:], out)
	case "ledger":
		return runLedger(ctx, args[1:], out)
	case "serve":
		f := flag.NewFlagSet("bench serve", flag.ContinueOnError)
		dsn := f.String("dsn", "", "of the database")
		if err := f.Parse(args[1:]); err != nil {
			return err
		}
		return serve(ctx, *dsn, in, out)
	case "orders":
		return runOrders(ctx, args[1:], out)
	case "race":
		return runRace(ctx, args[1:], out)
	case "shop":
		f := flag.NewFlagSet("bench shop", flag.ContinueOnError)
		dsn, branches := f.String("dsn", "", "of the database"), f.Int("branches", 0, "with a team each")
		if err := f.Parse(args[1:]); err != nil {
			return err
		}
		return runShop(ctx, *dsn, *branches, in, out)
	case "growth":
		return runGrowth(ctx, args[1:], out)
	case "worker":
		return runWorker(ctx, args[1:], in, out)
	}
	return errors.New(usageText)
}

func runStore(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("bench store", flag.ContinueOnError)
	var o options
	f.IntVar(&o.scale, "scale", 20, "of pgbench's tables")
	if err := o.parse(f, args, 5); err != nil {
		return err
	}
	if o.scale < 1 {
		return errors.New("-scale must be positive")
	}
	rep, err := compare(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(rep.print(out), save(o.file, rep))
}

func runGrowth(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("bench growth", flag.ContinueOnError)
	var g growth
	var seconds float64
	f.StringVar(&g.store, "store", "postgres", "memory, sqlite:`PATH` for its files, or postgres: a server of its own")
	f.IntVar(&g.callers, "callers", 8, "at once")
	f.IntVar(&g.rounds, "rounds", 3, "how often everything is measured")
	f.Float64Var(&seconds, "seconds", 3, "of each measure in each round, after a third of that for warming up")
	sizes := f.String("orders", "10k,1M", "how many orders are stored, the fewest first: 10k,1M,10M")
	file := f.String("json", "", "write the figures to this `file`")
	if err := f.Parse(args); err != nil {
		return err
	}
	for text := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(strings.NewReplacer("k", "000", "M", "000000").Replace(text))
		if err != nil || n < g.callers {
			return fmt.Errorf("-orders %q: whole numbers, not fewer than callers", *sizes)
		}
		g.sizes = append(g.sizes, n)
	}
	if g.time = time.Duration(seconds * float64(time.Second)); g.time <= 0 || g.callers < 1 || g.rounds < 1 || f.NArg() > 0 {
		return errors.New("-rounds, -seconds and -callers must be positive, and nothing may follow the flags")
	}
	all, err := g.run(ctx)
	if err != nil {
		return err
	}
	return errors.Join(all.print(out), save(*file, all))
}

// runs are how often a comparison runs its arms, and which.
type runs struct {
	rounds int
	time   time.Duration  // an arm, a round
	only   *regexp.Regexp // arms by name
	file   string         // for the figures
}

// parse adds the flags of a comparison to those that it has, and reads them.
func (r *runs) parse(f *flag.FlagSet, args []string, rounds int) error {
	r.only = regexp.MustCompile("")
	f.IntVar(&r.rounds, "rounds", rounds, "how often every arm is run")
	seconds := f.Float64("seconds", 4, "of each arm in each round, after a fifth of that for warming up")
	f.Func("only", "`pattern` of the arms to run, such as 64; if empty, all", func(text string) (err error) {
		r.only, err = regexp.Compile(text)
		return err
	})
	f.StringVar(&r.file, "json", "", "write the figures to this `file`")
	if err := f.Parse(args); err != nil {
		return err
	}
	if r.time = time.Duration(*seconds * float64(time.Second)); r.time <= 0 || r.rounds < 1 || f.NArg() > 0 {
		return errors.New("-rounds and -seconds must be positive, and nothing may follow the flags")
	}
	return nil
}

// save writes the figures as JSON, if there is a file for them.
func save(file string, figures any) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(figures, "", "  ")
	if err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

func runWorker(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	f := flag.NewFlagSet("bench worker", flag.ContinueOnError)
	var p pace
	dsn := f.String("dsn", "", "of the database")
	seed := f.Uint64("run", 0, "number of the run")
	f.IntVar(&p.callers, "callers", 1, "at once")
	f.DurationVar(&p.warm, "warm", time.Second, "for warming up")
	f.DurationVar(&p.time, "time", time.Second, "of the run")
	if err := f.Parse(args); err != nil {
		return err
	}
	return work(ctx, *dsn, *seed, p, in, out)
}
