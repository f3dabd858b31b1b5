package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/liangding/platform/store/storetest/pgserver"
)

// ledger is the comparison of the ledger over HTTP with what a single insert and
// commit costs on the same server.
type ledger struct{ runs }

// posted is a figure of the ledger: medians over the rounds.
type posted struct {
	Rate   float64 `json:"tps"` // transfers
	P50    float64 `json:"p50_ms"`
	P99    float64 `json:"p99_ms"`
	CPU    float64 `json:"cpu_us"`        // of the HTTP server and the database, a transfer
	Client float64 `json:"client_cpu_us"` // of this program
}

// ledgerReport is what the comparison came to.
type ledgerReport struct {
	HTTP   map[string]posted  `json:"http"`
	Insert posted             `json:"insert_commit"` // one row a transaction, one client, by pgbench
	Ratios map[string]float64 `json:"ratios"`
	Rounds int                `json:"rounds"`
	Cores  int                `json:"cores"`
	Load   []float64          `json:"load"`
}

func runLedger(ctx context.Context, args []string, out io.Writer) error {
	var l ledger
	if err := l.parse(flag.NewFlagSet("bench ledger", flag.ContinueOnError), args, 3); err != nil {
		return err
	}
	rep, err := l.run(ctx)
	if err != nil {
		return err
	}
	return errors.Join(rep.print(out), save(l.file, rep))
}

func (l ledger) run(ctx context.Context) (rep ledgerReport, err error) {
	server := &pgserver.Server{Settings: settings}
	rep.Load = append(rep.Load, load())
	if err := server.Start(); err != nil {
		return rep, err
	}
	defer server.Stop()
	dsn, _, err := server.Create()
	if err != nil {
		return rep, err
	}
	d, err := open(ctx, dsn)
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	cpu, insert := meter{server.PID(), d.cmd.Process.Pid}, inserts{tpcb: tpcb{dsn: dsn}}
	if err := insert.prepare(ctx); err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, insert.remove()) }()

	all := map[string][]sample{}
	var moved int64
	for round := range l.rounds {
		for i, arm := range ledgerArms() {
			name := arm.name()
			if !l.only.MatchString(name) {
				continue
			}
			s, err := pace{callers: arm.callers, warm: l.time / 5, time: l.time}.run(ctx, cpu, arm.calls(d.url, uint64(round*10+i)))
			if err != nil {
				return rep, fmt.Errorf("%s: %w", name, err)
			}
			moved += s.transfers
			if err := d.sound(ctx, moved); err != nil {
				return rep, fmt.Errorf("%s: %w", name, err)
			}
			all[name] = append(all[name], s)
			log.Printf("round %d/%d  %-5s %9.0f/s  p99 %8.2f ms  load %.1f", round+1, l.rounds, name, s.Rate, s.P99, load())
		}
		s, err := insert.run(ctx, l.time)
		if err != nil {
			return rep, err
		}
		all["insert"] = append(all["insert"], s)
		rep.Load = append(rep.Load, load())
	}
	rep.sum(all)
	return rep, nil
}

// inserts is a row a transaction, by one client of pgbench.
type inserts struct {
	tpcb
	script string
}

func (b *inserts) prepare(ctx context.Context) error {
	b.script = filepath.Join(os.TempDir(), fmt.Sprintf("insert%d.sql", os.Getpid()))
	conn, err := pgx.Connect(ctx, b.dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "create table single (id bigint generated always as identity primary key, note text not null)")
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		return err
	}
	return os.WriteFile(b.script, []byte("insert into single (note) values ('a transfer of a hundred');\n"), 0o644)
}

func (b *inserts) remove() error { return os.Remove(b.script) }

func (b *inserts) run(ctx context.Context, d time.Duration) (s sample, err error) {
	out, _, err := b.pgbench(ctx, "-f", b.script, "-M", "prepared", "-n", "-c", "1", "-T", strconv.Itoa(max(1, int(d.Seconds()))))
	if err != nil {
		return s, err
	}
	if s.Rate, err = number(pgbenchRate, out); err == nil {
		s.P50, err = number(pgbenchLatency, out)
	}
	return s, err
}

// sum makes the medians.
func (rep *ledgerReport) sum(all map[string][]sample) {
	rep.HTTP, rep.Ratios = map[string]posted{}, map[string]float64{}
	for name, rounds := range all {
		of := func(figure func(sample) float64) float64 {
			var each []float64
			for _, s := range rounds {
				each = append(each, figure(s))
			}
			return median(each)
		}
		p := posted{
			Rate: of(func(s sample) float64 { return s.Rate }), P50: of(func(s sample) float64 { return s.P50 }), P99: of(func(s sample) float64 { return s.P99 }),
			CPU: of(func(s sample) float64 { return s.Server }), Client: of(func(s sample) float64 { return s.Client }),
		}
		if rep.HTTP[name] = p; name == "insert" {
			rep.Insert = p
			delete(rep.HTTP, name)
		}
	}
	var alone []float64
	for i, s := range all["1"] {
		alone = append(alone, s.Rate/all["insert"][i].Rate)
	}
	if len(alone) > 0 {
		rep.Ratios["alone_vs_insert"] = median(alone)
	}
	rep.Rounds, rep.Cores = len(all["insert"]), runtime.GOMAXPROCS(0)
}

// print writes the report for a reader.
func (rep ledgerReport) print(w io.Writer) error {
	var text bytes.Buffer
	fmt.Fprintf(&text, "transfers a second over HTTP: median of %d rounds; callers are answered when it is on disk\n", rep.Rounds)
	fmt.Fprintf(&text, "%-8s %9s %9s %9s %12s %12s\n", "clients", "a second", "p50 ms", "p99 ms", "CPU µs", "client's")
	names := []string{"1", "8", "64", "bulk"}
	for _, name := range slices.DeleteFunc(names, func(n string) bool { _, run := rep.HTTP[n]; return !run }) {
		p := rep.HTTP[name]
		fmt.Fprintf(&text, "%-8s %9.0f %9.2f %9.2f %12.0f %12.0f\n", name, p.Rate, p.P50, p.P99, p.CPU, p.Client)
	}
	fmt.Fprintf(&text, "\none insert and commit, alone: %.0f a second; over HTTP alone %.2f of it (goal 0.6)\n", rep.Insert.Rate, rep.Ratios["alone_vs_insert"])
	fmt.Fprintf(&text, "load average %.2f; %d cores for clients, server and database\n", rep.Load, rep.Cores)
	_, err := w.Write(text.Bytes())
	return err
}
