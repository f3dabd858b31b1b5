package payment

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/liangding/platform"
)

// abreast is how many look-ups are in flight at an institution.
const abreast = 10

// errand is one record's business with an institution: a question, which may be
// put beside others, and what follows on its answer. One without question only
// does what follows.
type errand struct {
	ask  func(context.Context) error // if nil, nothing is asked
	then func(context.Context) error
}

// round is what is due at an institution; without one nobody is called.
type round struct {
	institution string
	errands     []errand
}

// lanes keep what is done at one institution from waiting for another. Of each
// institution one round is under way.
type lanes struct {
	mu     sync.Mutex
	busy   map[string]bool
	failed []error // of rounds that were left
	calls  sync.WaitGroup
}

func (l *lanes) taken(institution string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.busy[institution]
}

// late is what rounds failed with that nobody waited for.
func (l *lanes) late() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	failed := l.failed
	l.failed = nil
	return errors.Join(failed...)
}

// fail keeps what nobody waits for until the next Tick.
func (l *lanes) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.failed) < 100 {
		l.failed = append(l.failed, err)
	}
}

// result is what became of a round.
type result struct {
	fired int
	err   error
}

// walk goes a round, and leaves it to itself after a while. A round that was
// left begins nothing more; what it did not come to stays due. Nothing is done
// while another round is under way at the institution.
func (l *lanes) walk(ctx context.Context, r round, wait time.Duration) (int, error) {
	if r.institution == "" {
		got := r.walk(ctx, new(atomic.Bool))
		return got.fired, got.err
	}
	l.mu.Lock()
	if l.busy[r.institution] {
		l.mu.Unlock()
		return 0, nil
	}
	if l.busy == nil {
		l.busy = map[string]bool{}
	}
	l.busy[r.institution] = true
	l.mu.Unlock()

	var left atomic.Bool
	ended := make(chan result, 1)
	l.calls.Go(func() {
		got := r.walk(ctx, &left)
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.busy, r.institution)
		if left.Load() && got.err != nil {
			l.failed = append(l.failed, got.err)
		}
		ended <- got
	})
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case got := <-ended:
		return got.fired, got.err
	case <-timer.C:
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.busy[r.institution] {
			left.Store(true)
			return 0, nil
		}
		got := <-ended
		return got.fired, got.err
	}
}

// walk does the errands in their order, the questions of ten at once.
func (r round) walk(ctx context.Context, left *atomic.Bool) (got result) {
	var failed []error
	for some := range slices.Chunk(r.errands, abreast) {
		if left.Load() || ctx.Err() != nil {
			break
		}
		answers := ask(ctx, some)
		for n, e := range some {
			if left.Load() && e.ask == nil {
				continue
			}
			if answers[n] == nil {
				answers[n] = e.then(ctx)
			}
			switch err := answers[n]; {
			case err == nil:
				got.fired++
			case !errors.Is(err, platform.ErrState) && !errors.Is(err, platform.ErrConflict): // somebody else was first
				failed = append(failed, err)
			}
		}
	}
	got.err = errors.Join(failed...)
	return got
}

// ask puts the questions of errands side by side.
func ask(ctx context.Context, some []errand) []error {
	answers := make([]error, len(some))
	var all sync.WaitGroup
	for n, e := range some {
		if e.ask != nil {
			all.Go(func() { answers[n] = e.ask(ctx) })
		}
	}
	all.Wait()
	return answers
}
