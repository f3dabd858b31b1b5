package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/liangding/platform"
)

// Errors of a [Faulty] store.
var (
	errCut     = platform.Err(platform.ErrUnavailable, "cut", "the store cannot be reached", "存储无法连接")
	errClash   = platform.Err(platform.ErrConflict, "stale", "changed by somebody else meanwhile", "已被他人更改")
	errLost    = platform.Err(platform.ErrUnavailable, "unknown", "the answer was lost", "应答丢失")
	errStopped = platform.Err(platform.ErrUnavailable, "unknown", "the process has stopped", "进程已停止")
)

// Point is a moment of a commit at which a process may stop.
type Point uint8

// The crash points, in the order in which a commit passes them.
const (
	BeforeSend Point = iota + 1 // nothing has left the process
	Sent                        // the store works on it, nobody waits for the answer any more
	Committed                   // the store has answered, what passed is durable, the caller has not heard
	Answered                    // the caller has heard; the next call meets a stopped process
)

// Faults says how often, and how, a [Faulty] store fails. Rates are 0…1; the
// zero value never fails.
type Faults struct {
	Seed   uint64
	Refuse float64       // of all calls: nothing happens, ErrUnavailable
	Clash  float64       // of commits: nothing happens, ErrConflict with code stale
	Lose   float64       // of commits: it happens, and the caller gets ErrUnavailable with code unknown
	Slow   float64       // of all calls: it begins after Delay
	Delay  time.Duration // ends early with the caller's ctx

	// Stop is asked at each crash point of each commit; true stops the process
	// there, as [Faulty.Stop] does. It may be called by several goroutines at
	// once. If nil, the process never stops by itself.
	Stop func(at Point, set platform.Set) bool
}

// Faulty is a store that fails as networks and processes do, by a seeded die.
// What it passes on, it passes on unchanged, and an error other than unknown is
// the truth: nothing was written. It may be used by several goroutines at once.
type Faulty struct {
	platform.DB
	faults  Faults
	stopped chan struct{}
	once    sync.Once

	mu  sync.Mutex
	die *rand.Rand
}

// NewFaulty wraps db, which stays usable directly: behind the faults, so to say.
func NewFaulty(db platform.DB, faults Faults) *Faulty {
	return &Faulty{
		DB: db, faults: faults, stopped: make(chan struct{}),
		die: rand.New(rand.NewPCG(faults.Seed, 0)),
	}
}

// Stop is the sudden end of the process, seen from the store: every call fails
// from now on, and those under way return at once without their answer, with
// ErrUnavailable, code unknown. What was sent may still be carried out.
func (f *Faulty) Stop() { f.once.Do(func() { close(f.stopped) }) }

// Get implements [platform.DB].
func (f *Faulty) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	if err := f.enter(ctx); err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	return f.DB.Get(ctx, refs...)
}

// Scan implements [platform.DB].
func (f *Faulty) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	if err := f.enter(ctx); err != nil {
		return platform.Page[platform.Record]{}, fmt.Errorf("scan %s: %w", q.Kind, err)
	}
	return f.DB.Scan(ctx, q)
}

// Recall implements [platform.Committer].
func (f *Faulty) Recall(ctx context.Context, key platform.Key) (platform.Answer, error) {
	if err := f.enter(ctx); err != nil {
		return platform.Answer{}, fmt.Errorf("recall: %w", err)
	}
	return f.DB.Recall(ctx, key)
}

// Commit implements [platform.Committer].
func (f *Faulty) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	if err := f.enter(ctx); err != nil {
		return platform.Receipt{}, fmt.Errorf("commit: %w", err)
	}
	if f.falls(f.faults.Clash) {
		return platform.Receipt{}, fmt.Errorf("commit: %w", errClash)
	}
	if f.stops(BeforeSend, set) {
		return platform.Receipt{}, fmt.Errorf("commit: %w", errStopped)
	}
	answer := f.send(ctx, set)
	f.stops(Sent, set)
	select {
	case <-f.stopped:
		return platform.Receipt{}, fmt.Errorf("commit: %w", errStopped)
	case a := <-answer:
		return f.hear(set, a)
	}
}

type outcome struct {
	receipt platform.Receipt
	err     error
}

// send commits in a goroutine of its own, which ends with the commit whether
// or not anybody still waits.
func (f *Faulty) send(ctx context.Context, set platform.Set) <-chan outcome {
	answer := make(chan outcome, 1)
	go func() {
		receipt, err := f.DB.Commit(ctx, set)
		answer <- outcome{receipt, err}
	}()
	return answer
}

// hear hands the answer to the caller, unless the process stops just then or
// the answer of a commit that happened gets lost.
func (f *Faulty) hear(set platform.Set, a outcome) (platform.Receipt, error) {
	if f.stops(Committed, set) {
		return platform.Receipt{}, fmt.Errorf("commit: %w", errStopped)
	}
	if a.err == nil && f.falls(f.faults.Lose) {
		return platform.Receipt{}, fmt.Errorf("commit: %w", errLost)
	}
	f.stops(Answered, set)
	return a.receipt, a.err
}

// enter is what every call meets first: a stopped process, a delay, a refusal.
func (f *Faulty) enter(ctx context.Context) error {
	if f.over() {
		return errStopped
	}
	if f.falls(f.faults.Slow) {
		wait := time.NewTimer(f.faults.Delay)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-f.stopped:
			return errStopped
		}
	}
	if f.falls(f.faults.Refuse) {
		return errCut
	}
	return nil
}

func (f *Faulty) over() bool {
	select {
	case <-f.stopped:
		return true
	default:
		return false
	}
}

func (f *Faulty) stops(at Point, set platform.Set) bool {
	if f.faults.Stop != nil && f.faults.Stop(at, set) {
		f.Stop()
	}
	return f.over()
}

// falls rolls the die; a rate of 0 leaves it alone, so that switching one fault
// on does not move the others.
func (f *Faulty) falls(rate float64) bool {
	if rate <= 0 {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.die.Float64() < rate
}
