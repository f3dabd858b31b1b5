package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/liangding/platform"
)

// Answers of a group that is no refusal of the set.
var (
	ErrBusy    = platform.Err(platform.ErrUnavailable, "busy", "too much is waiting to be written; try again", "写入繁忙，请稍后重试")
	ErrClosed  = platform.Err(platform.ErrUnavailable, "closed", "the store is closed", "存储已关闭")
	ErrUnknown = platform.Err(platform.ErrUnavailable, "unknown", "it is not known whether it happened; repeat it with its key", "结果未知，请以同一键重试")
)

// Flush writes sets in one transaction of an engine: it reads what they name,
// has [Decide] say what each does, writes, and returns one outcome a set when
// that is durable. An error is the answer of them all: nothing was written, or,
// if it is [ErrUnknown], that is not known.
type Flush func(ctx context.Context, sets []Prepared) ([]Outcome, error)

// Group gathers the sets that callers submit while the last flush is under way
// and flushes them together. There is no timer: alone, a set leaves at once, and
// under load the time of a flush is the window. It may be used by several
// goroutines at once; its own goroutine lives only while there is work.
type Group struct {
	flush   Flush
	end     context.CancelFunc // cuts the flush under way
	ctx     context.Context
	mu      sync.Mutex
	queue   []*waiting
	running bool
	closed  bool
	idle    sync.Cond // running became false
	most    int       // sets that may wait
	now     func() time.Time
	stats   Stats
}

// Bounds of a group.
const (
	maxSets  = 1024
	maxBytes = 4 << 20
	maxQueue = 16384 // unless the engine's options say otherwise
)

// waiting is a set in the queue, and where its answer goes.
type waiting struct {
	set    Prepared
	taken  bool // it is in a flush, and cannot be withdrawn
	answer chan answer
}

type answer struct {
	outcome Outcome
	err     error
}

// NewGroup is a group before an engine, in which at most so many sets wait. If
// zero, 16,384.
func NewGroup(flush Flush, most int) *Group {
	g := &Group{flush: flush, most: cmp.Or(most, maxQueue), now: platform.Writer{}.Ready().Now}
	g.ctx, g.end = context.WithCancel(context.Background())
	g.idle.L = &g.mu
	return g
}

// Commit waits for the outcome of one set. When ctx ends before the set is in a
// flush, it is withdrawn and nothing was written; when it ends during the flush,
// the answer is [ErrUnknown], and the set's key will tell. It fails at once with
// [ErrBusy] when too many sets wait already, and with [ErrClosed] after Close.
func (g *Group) Commit(ctx context.Context, set Prepared) (platform.Receipt, error) {
	w := &waiting{set: set, answer: make(chan answer, 1)}
	if err := g.submit(ctx, w); err != nil {
		return platform.Receipt{}, err
	}
	select {
	case a := <-w.answer:
		return a.outcome.Receipt, a.err
	case <-ctx.Done():
	}
	if g.withdraw(w) {
		return platform.Receipt{}, ctx.Err()
	}
	select {
	case a := <-w.answer: // it came at the same moment
		return a.outcome.Receipt, a.err
	default:
		return platform.Receipt{}, fmt.Errorf("%w: %w", ErrUnknown, ctx.Err())
	}
}

func (g *Group) submit(ctx context.Context, w *waiting) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case g.closed:
		return ErrClosed
	case len(g.queue) >= g.most:
		g.stats.Busy++
		return ErrBusy
	}
	g.queue = append(g.queue, w)
	if !g.running {
		g.running = true
		go g.run()
	}
	return nil
}

// withdraw takes a set out of the queue, unless a flush has it.
func (g *Group) withdraw(w *waiting) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w.taken {
		return false
	}
	for i, other := range g.queue {
		if other == w {
			g.queue = append(g.queue[:i], g.queue[i+1:]...)
			return true
		}
	}
	return false
}

// run flushes until nothing waits.
func (g *Group) run() {
	for {
		for range 3 { // whom the last flush answered may come again in time for this one
			runtime.Gosched()
		}
		batch := g.take()
		if batch == nil {
			return
		}
		g.serve(batch)
	}
}

// take is what goes into the next flush, in order of arrival; nil ends the run.
func (g *Group) take() []*waiting {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.queue) == 0 {
		g.running = false
		g.idle.Broadcast()
		return nil
	}
	n, size := 0, 0
	for n < min(len(g.queue), maxSets) && (n == 0 || size < maxBytes) {
		w := g.queue[n]
		w.taken = true
		size += w.set.size()
		n++
	}
	batch := g.queue[:n:n]
	g.queue = g.queue[n:]
	return batch
}

func (g *Group) serve(batch []*waiting) {
	sets := make([]Prepared, len(batch))
	for i, w := range batch {
		sets[i] = w.set
	}
	began := g.now()
	outcomes, err := g.flushed(sets)
	g.count(g.now().Sub(began), len(sets), outcomes, err)
	for i, w := range batch {
		if err != nil {
			w.answer <- answer{err: err}
			continue
		}
		w.answer <- answer{outcomes[i], outcomes[i].Err}
	}
}

// count keeps what came of a flush.
func (g *Group) count(took time.Duration, sets int, outcomes []Outcome, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stats.Flushes++
	g.stats.Sets += int64(sets)
	g.stats.Flushing += took
	if errors.Is(err, ErrUnknown) {
		g.stats.Unknown += int64(sets)
	}
	for _, o := range outcomes {
		if o.Err != nil {
			g.stats.Refused++
		}
	}
}

// Stats are the group's part of an engine's: how many wait, flushes, and what
// became of their sets.
func (g *Group) Stats() Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.stats
	s.Waiting = len(g.queue)
	return s
}

// flushed is a flush whose panic fails its callers rather than the process.
func (g *Group) flushed(sets []Prepared) (outcomes []Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("flush panicked: %v: %w", p, ErrUnknown)
		}
	}()
	outcomes, err = g.flush(g.ctx, sets)
	if err == nil && len(outcomes) != len(sets) {
		err = fmt.Errorf("%d outcomes of %d sets: %w", len(outcomes), len(sets), ErrUnknown)
	}
	return outcomes, err
}

// Close refuses new sets, lets those that wait be flushed for at most the given
// time, then cuts. It returns when nothing is under way.
func (g *Group) Close(patience time.Duration) {
	g.mu.Lock()
	g.closed = true
	cut := time.AfterFunc(patience, g.end)
	for g.running {
		g.idle.Wait()
	}
	g.mu.Unlock()
	cut.Stop()
	g.end()
}

// size is the weight of a set: its documents.
func (p Prepared) size() (n int) {
	for _, s := range p.Steps {
		if s.Row != nil {
			n += len(s.Row.Doc)
		}
	}
	return n
}
