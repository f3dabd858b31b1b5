package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/liangding/platform/store/storetest/pgserver"
)

// tpcb is pgbench's own TPC-B-like script in a database of the same server: an
// update each of an account, a teller and a branch, a row of history, and no
// event, key or record.
type tpcb struct {
	program, dsn string
	scale        int
}

// fill makes the database.
func (b tpcb) fill(ctx context.Context) error {
	_, _, err := b.pgbench(ctx, "-i", "-q", "-s", strconv.Itoa(b.scale))
	return err
}

var (
	pgbenchRate    = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)
	pgbenchLatency = regexp.MustCompile(`(?m)^latency average = ([0-9.]+) ms`)
)

// run has so many clients at it for some whole seconds, and checks the sums. It
// takes longer when nothing came of it, which pgbench gives no rate for.
func (b tpcb) run(ctx context.Context, cpu meter, callers int, d time.Duration) (s sample, err error) {
	for seconds := max(1, int(d.Round(time.Second)/time.Second)); seconds < 60; seconds *= 2 {
		if s, err = b.once(ctx, cpu, callers, seconds); !errors.Is(err, errSilent) {
			return s, err
		}
	}
	return s, err
}

func (b tpcb) once(ctx context.Context, cpu meter, callers, seconds int) (sample, error) {
	before, err := cpu.read()
	if err != nil {
		return sample{}, err
	}
	out, client, err := b.pgbench(ctx, "-b", "tpcb-like", "-M", "prepared", "-n",
		"-c", strconv.Itoa(callers), "-j", strconv.Itoa(min(callers, 2)), "-T", strconv.Itoa(seconds))
	if err != nil {
		return sample{}, err
	}
	after, err := cpu.read()
	if err != nil {
		return sample{}, err
	}
	var s sample
	if s.Rate, err = number(pgbenchRate, out); err != nil {
		return sample{}, err
	}
	if s.Mean, err = number(pgbenchLatency, out); err != nil {
		return sample{}, err
	}
	done := s.Rate * float64(seconds)
	s.Client, s.Server = micro(client)/done, micro(after.server-before.server)/done
	return s, b.sound(ctx)
}

// sound checks the script's own invariant.
func (b tpcb) sound(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, b.dsn)
	if err != nil {
		return err
	}
	var accounts, tellers, branches, history int64
	err = conn.QueryRow(ctx, `select (select sum(abalance) from pgbench_accounts), (select sum(tbalance) from pgbench_tellers),
 (select sum(bbalance) from pgbench_branches), (select coalesce(sum(delta), 0) from pgbench_history)`).Scan(&accounts, &tellers, &branches, &history)
	if err == nil && (accounts != tellers || tellers != branches || branches != history) {
		err = fmt.Errorf("tpcb: %d, %d, %d, %d: %w", accounts, tellers, branches, history, errBroken)
	}
	return errors.Join(err, conn.Close(ctx))
}

func (b tpcb) pgbench(ctx context.Context, args ...string) (out []byte, client time.Duration, err error) {
	if b.program == "" {
		if b.program, err = pgserver.Binary("pgbench"); err != nil {
			return nil, 0, err
		}
	}
	var errs bytes.Buffer
	cmd := exec.CommandContext(ctx, b.program, append(args, b.dsn)...)
	cmd.Stderr = &errs
	if out, err = cmd.Output(); err != nil {
		return nil, 0, fmt.Errorf("pgbench: %w\n%s", err, &errs)
	}
	return out, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

var errSilent = errors.New("pgbench reports no figure")

func number(at *regexp.Regexp, in []byte) (float64, error) {
	m := at.FindSubmatch(in)
	if m == nil {
		return 0, fmt.Errorf("no %s: %w", at, errSilent)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}
