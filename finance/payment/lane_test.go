package payment_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

// stuck is an institution whose look-ups hang until they are let go.
type stuck struct {
	payment.Gateway
	free chan struct{} // closed: they hang no more

	mu      sync.Mutex
	flying  int
	most    int
	arrived chan struct{}

	read atomic.Int64 // attempts that the service has read in lists
}

// counted counts the attempts that lists give.
type counted struct {
	platform.DB
	read *atomic.Int64
}

func (c counted) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	page, err := c.DB.Scan(ctx, q)
	if q.Kind == "payment.attempt" {
		c.read.Add(int64(len(page.Items)))
	}
	return page, err
}

// peak is how many look-ups were in flight at once.
func (g *stuck) peak() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.most
}

func (g *stuck) Lookup(ctx context.Context, k payment.Key) (payment.Status, error) {
	g.mu.Lock()
	g.flying++
	g.most = max(g.most, g.flying)
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.flying--
	}()
	select {
	case g.arrived <- struct{}{}:
	default:
	}
	select {
	case <-g.free:
		return g.Gateway.Lookup(ctx, k)
	case <-ctx.Done():
		return payment.Status{}, payment.ErrUnknownOutcome
	}
}

// hanging is a world whose first institution has so many unknown attempts and
// leaves look-ups without an answer.
func hanging(t *testing.T, attempts int) (*world, *stuck) {
	t.Helper()
	v := newWorld(setup{opts: &payment.Options{Call: time.Hour, Answer: 2 * time.Hour, Wait: time.Millisecond}})
	for range attempts {
		v.unknown(t, "sandbox")
	}
	g := &stuck{Gateway: v.bank, free: make(chan struct{}), arrived: make(chan struct{}, 99)}
	ports := payment.Ports{Books: ledger{}, Subject: shop{db: v.db}, Gateways: []payment.Gateway{g, v.second}}
	v.s = payment.New(v.w, payment.StoreOn(counted{v.db, &g.read}), ports, v.setup.opts)
	return v, g
}

// An institution that hangs delays neither Tick nor what is due at another, and
// has at most ten look-ups in flight however often Tick comes.
func TestHangingInstitutionDelaysNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // Tick waits by the bubble's clock, which moves only when all else waits
		v, g := hanging(t, 25)
		other := v.unknown(t, "second")
		v.clock.Advance(time.Minute)
		for range 3 {
			_, err := v.s.Tick(t.Context(), v.clock.Now(), 0)
			require.NoError(t, err)
		}

		assert.Equal(t, payment.AttemptCaptured, v.attempt(t, other.ID).State)
		assert.Empty(t, capturedAt(t, v, "sandbox"))
		assert.Equal(t, 10, g.peak())
		close(g.free)
		require.NoError(t, v.s.Close())
		assert.Len(t, capturedAt(t, v, "sandbox"), 10, "what was asked is done, and no more is asked of a round that was left")

		fired, err := v.s.Tick(t.Context(), v.clock.Now(), 0)

		require.NoError(t, err)
		assert.Equal(t, 15, fired)
		assert.Len(t, capturedAt(t, v, "sandbox"), 25)
		v.conserved(t)
	})
}

// What is due at an institution that hangs is older than all else and fills many
// pages; it is read no further than the first, and what comes after it is done.
func TestDueOfAHangingInstitutionCostsOnePage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const many = 350
		v, g := hanging(t, many)
		v.clock.Advance(time.Minute)
		_, err := v.s.Tick(t.Context(), v.clock.Now(), 0) // from here on the lane is taken
		require.NoError(t, err)
		other := v.unknown(t, "second")
		v.clock.Advance(time.Minute)
		g.read.Store(0)

		fired, err := v.s.Tick(t.Context(), v.clock.Now(), 0)

		require.NoError(t, err)
		assert.Equal(t, 1, fired)
		assert.Equal(t, payment.AttemptCaptured, v.attempt(t, other.ID).State)
		assert.LessOrEqual(t, g.read.Load(), int64(101))
		close(g.free)
		require.NoError(t, v.s.Close())
	})
}

// What is due at one institution leaves others their part of a small limit.
func TestLimitIsDealtToAllInstitutions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(setup{})
		for range 120 {
			v.unknown(t, "sandbox")
		}
		other := v.unknown(t, "second")

		fired, err := v.s.Tick(t.Context(), v.clock.Advance(time.Minute), 4)

		require.NoError(t, err)
		assert.Equal(t, 4, fired)
		assert.Len(t, capturedAt(t, v, "sandbox"), 3)
		assert.Equal(t, payment.AttemptCaptured, v.attempt(t, other.ID).State)
	})
}

// unknown is a payment at an institution of which nobody here knows what became.
func (v *world) unknown(t *testing.T, institution string) payment.Attempt {
	t.Helper()
	a, err := v.s.Pay(by(customer), payment.Pay{Intent: full(v.placed(t)), Method: sandbox.Timeout, Institution: institution})
	require.NoError(t, err)
	return a
}

// tickUntil ticks until it is so, however slow the machine is.
func (v *world) tickUntil(t *testing.T, so func() bool) {
	t.Helper()
	for range 100_000 {
		if so() {
			return
		}
		_, err := v.s.Tick(t.Context(), v.clock.Now(), 0)
		require.NoError(t, err)
	}
	require.Fail(t, "never so")
}

func capturedAt(t *testing.T, v *world, institution string) (ids []string) {
	t.Helper()
	for _, a := range v.attempts(t) {
		if a.Institution == institution && a.State == payment.AttemptCaptured {
			ids = append(ids, string(a.ID))
		}
	}
	return ids
}

// Payers and operators who ask at the same time share the ten.
func TestAtMostTenLookUpsAnInstitution(t *testing.T) {
	t.Parallel()
	v, g := hanging(t, 16)
	attempts := v.attempts(t)
	v.clock.Advance(time.Minute)
	var all sync.WaitGroup
	for _, a := range attempts {
		all.Go(func() { _, _ = v.s.Look(by(clerk), payment.Look{Attempt: a.ID}) })
	}
	<-g.arrived
	close(g.free)
	all.Wait()

	assert.LessOrEqual(t, g.peak(), 10)
	assert.Len(t, capturedAt(t, v, "sandbox"), 16)
}

// What a round failed with after Tick had left it is told by the next.
func TestFailureOfALeftRoundIsTold(t *testing.T) {
	t.Parallel()
	v, g := hanging(t, 1)
	broken := errors.New("the disk is full")
	v.w.Store = brim{v.db, broken}
	ports := payment.Ports{Books: ledger{}, Subject: shop{db: v.db}, Gateways: []payment.Gateway{g}}
	v.s = payment.New(v.w, payment.StoreOn(v.db), ports, v.setup.opts)
	v.clock.Advance(time.Minute)
	v.tickUntil(t, func() bool { return len(g.arrived) > 0 })
	close(g.free)

	require.ErrorIs(t, v.s.Close(), broken)
}

// brim is a store that takes nothing more.
type brim struct {
	platform.DB
	err error
}

func (f brim) Commit(context.Context, platform.Set) (platform.Receipt, error) {
	return platform.Receipt{}, f.err
}
