package payment_test

import (
	"context"
	"errors"
	"sync"
	"testing"
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
		_, err := v.s.Pay(by(customer), payment.Pay{Intent: full(v.placed(t)), Method: sandbox.Timeout, Institution: "sandbox"})
		require.NoError(t, err)
	}
	g := &stuck{Gateway: v.bank, free: make(chan struct{}), arrived: make(chan struct{}, 99)}
	ports := payment.Ports{Books: ledger{}, Subject: shop{db: v.db}, Gateways: []payment.Gateway{g, v.second}}
	v.s = payment.New(v.w, payment.StoreOn(v.db), ports, v.setup.opts)
	return v, g
}

// An institution that hangs delays neither Tick nor what is due at another, and
// has at most ten look-ups in flight however often Tick comes.
func TestHangingInstitutionDelaysNobodyElse(t *testing.T) {
	t.Parallel()
	v, g := hanging(t, 25)
	o := v.placed(t)
	other, err := v.s.Pay(by(customer), payment.Pay{Intent: full(o), Method: sandbox.Timeout, Institution: "second"})
	require.NoError(t, err)
	v.clock.Advance(time.Minute)

	v.tickUntil(t, func() bool { return len(g.arrived) >= 10 && v.attempt(t, other.ID).State == payment.AttemptCaptured })

	assert.Empty(t, capturedAt(t, v, "sandbox"))
	close(g.free)
	require.NoError(t, v.s.Close())
	assert.Equal(t, 10, g.most)
	v.tickUntil(t, func() bool { // what a round left is due for the next, and what Close cut off soon after
		v.clock.Advance(10 * time.Second)
		return len(capturedAt(t, v, "sandbox")) == 25
	})
	require.NoError(t, v.s.Close())
	v.conserved(t)
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

	assert.LessOrEqual(t, g.most, 10)
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
