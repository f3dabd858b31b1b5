package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/liangding/platform/store/postgres"
)

// work is one of several processes on one database: it runs callers of its own on
// the hot counter as soon as a line comes in, and tells what it came to.
func work(ctx context.Context, dsn string, run uint64, p pace, in io.Reader, out io.Writer) error {
	db, err := postgres.Open(ctx, dsn, kinds(), nil)
	if err != nil {
		return err
	}
	b := &engine{db: db, bulk: 1}
	calls, err := callers(ctx, b, p, run, true)
	if err != nil {
		return errors.Join(err, b.close())
	}
	_, err = fmt.Fprintln(out, "ready")
	if err == nil {
		_, err = bufio.NewReader(in).ReadString('\n')
	}
	var s sample
	if err == nil {
		s, err = p.run(ctx, meter{}, calls)
	}
	if err == nil {
		err = json.NewEncoder(out).Encode(worked{s, s.calls})
	}
	return errors.Join(err, b.close())
}

// worked is what a process says when it is done.
type worked struct {
	sample
	Calls int64 `json:"calls"`
}

// worker is such a process, seen from here.
type worker struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// together has n processes share the callers, and sums up what they did. Its p99 is
// that of the slower process.
func together(ctx context.Context, dsn string, n int, run uint64, p pace) (sum sample, err error) {
	ctx, cancel := context.WithCancel(ctx)
	p.callers /= n
	workers := make([]worker, 0, n)
	defer func() {
		if err != nil {
			cancel() // and so they end
		}
		for _, w := range workers {
			err = errors.Join(err, w.in.Close(), w.cmd.Wait())
		}
		cancel()
	}()
	for i := range n {
		w, err := start(ctx, dsn, run*uint64(n)+uint64(i), p)
		if err != nil {
			return sum, err
		}
		workers = append(workers, w)
	}
	for _, w := range workers {
		if line, err := w.out.ReadString('\n'); err != nil || strings.TrimSpace(line) != "ready" {
			return sum, fmt.Errorf("a worker said %q: %w", line, err)
		}
	}
	for _, w := range workers {
		if _, err := fmt.Fprintln(w.in, "go"); err != nil {
			return sum, err
		}
	}
	for _, w := range workers {
		var one worked
		if err := json.NewDecoder(w.out).Decode(&one); err != nil {
			return sum, fmt.Errorf("a worker ended early: %w", err)
		}
		sum.Rate += one.Rate
		sum.Client += one.Client * one.Rate
		sum.P50, sum.P99 = max(sum.P50, one.P50), max(sum.P99, one.P99)
		sum.calls += one.Calls
	}
	sum.transfers, sum.Client = sum.calls, sum.Client/sum.Rate
	return sum, nil
}

// start starts this program anew, as a worker.
func start(ctx context.Context, dsn string, run uint64, p pace) (w worker, err error) {
	self, err := os.Executable()
	if err != nil {
		return w, err
	}
	w.cmd = exec.CommandContext(ctx, self, "worker", "-dsn", dsn, "-run", strconv.FormatUint(run, 10),
		"-callers", strconv.Itoa(p.callers), "-warm", p.warm.String(), "-time", p.time.String())
	w.cmd.Stderr = os.Stderr
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return w, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return w, err
	}
	w.out = bufio.NewReader(out)
	return w, w.cmd.Start()
}
