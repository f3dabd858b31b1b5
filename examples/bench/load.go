package main

import (
	"context"
	"errors"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// pace is how an arm is measured: by so many callers at once, each of whom goes
// on as soon as it was answered, after a time for warming up.
type pace struct {
	callers    int
	warm, time time.Duration
}

// call is one command of a caller; it tells how many transfers were in it.
type call func(ctx context.Context) (transfers int64, err error)

// sample is what one run of an arm came to. What it counts are transfers, also
// where several are written in one set.
type sample struct {
	Rate   float64 `json:"rate"` // a second
	P50    float64 `json:"p50_ms"`
	Mean   float64 `json:"mean_ms,omitempty"` // where only that is known
	P99    float64 `json:"p99_ms"`            // of a call
	Client float64 `json:"client_cpu_us"`     // CPU of this process, a transfer
	Server float64 `json:"server_cpu_us"`     // CPU of the database's processes, a transfer

	calls, transfers int64 // answered in all, warming up included
}

// answered is one call that came back.
type answered struct {
	at, took  time.Duration
	transfers int64
}

// race is a run under way.
type race struct {
	pace
	begin    time.Time
	logs     [][]answered
	counting atomic.Bool   // the warming up is over
	counted  atomic.Int64  // calls since
	enough   chan struct{} // as many as there are callers
	over     atomic.Bool
}

// run lets callers loose, one goroutine each, and measures for the time that the
// pace says, or longer until as many calls were answered as there are callers. The
// first error ends it.
func (p pace) run(ctx context.Context, cpu meter, calls []call) (sample, error) {
	debug.FreeOSMemory() // what the last arm left is not for this one to clear up
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &race{pace: p, begin: time.Now(), logs: make([][]answered, len(calls)), enough: make(chan struct{})}
	var all sync.WaitGroup
	for i, call := range calls {
		all.Go(func() {
			if err := r.caller(ctx, i, call); err != nil {
				cancel(err)
			}
		})
	}
	first, err := r.wait(ctx, p.warm, nil, cpu)
	r.counting.Store(true)
	second, failed := r.wait(ctx, p.time, r.enough, cpu)
	r.over.Store(true)
	all.Wait()
	if err := errors.Join(context.Cause(ctx), err, failed); err != nil {
		return sample{}, err
	}
	return summed(r.logs, first, second), nil
}

// caller calls until the run is over.
func (r *race) caller(ctx context.Context, i int, call call) error {
	for !r.over.Load() {
		from := time.Now()
		n, err := call(ctx)
		if err != nil {
			return err
		}
		counts := r.counting.Load()
		r.logs[i] = append(r.logs[i], answered{time.Since(r.begin), time.Since(from), n})
		if counts && r.counted.Add(1) == int64(len(r.logs)) {
			close(r.enough)
		}
	}
	return nil
}

// wait lets a time pass, and what else there is to wait for, and reads the meter.
func (r *race) wait(ctx context.Context, d time.Duration, also <-chan struct{}, cpu meter) (usage, error) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return usage{}, context.Cause(ctx)
	}
	if also != nil {
		select {
		case <-also:
		case <-ctx.Done():
			return usage{}, context.Cause(ctx)
		}
	}
	u, err := cpu.read()
	u.at = time.Since(r.begin)
	return u, err
}

// summed is the sample between two readings.
func summed(logs [][]answered, first, second usage) (s sample) {
	var took []time.Duration
	var transfers int64
	for _, log := range logs {
		for _, a := range log {
			s.calls++
			s.transfers += a.transfers
			if a.at > first.at && a.at <= second.at {
				transfers += a.transfers
				took = append(took, a.took)
			}
		}
	}
	slices.Sort(took)
	s.Rate = float64(transfers) / (second.at - first.at).Seconds()
	s.P50, s.P99 = quantile(took, 0.5), quantile(took, 0.99)
	if transfers > 0 {
		s.Client = micro(second.client-first.client) / float64(transfers)
		s.Server = micro(second.server-first.server) / float64(transfers)
	}
	return s
}

// quantile of sorted times, in milliseconds: the nearest rank.
func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return micro(sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]) / 1000
}

func micro(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
