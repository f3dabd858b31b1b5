package storetest

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/liangding/platform"
)

// Clock is a clock that moves only when told to: a month passes in one call. It
// may be used by several goroutines at once.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows at, in UTC.
func NewClock(at time.Time) *Clock { return &Clock{now: at.UTC()} }

// Now is what the clock shows; hand it to platform.Writer as its Now.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on by d, back when d is negative, and tells what it
// shows then.
func (c *Clock) Advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return c.now
}

// IDs is a source of random bits for ids that repeats itself to the bit: equal
// seeds, equal ids. It may be used by several goroutines at once; which of them
// gets which bits is then up to the scheduler.
//
// The generator is SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): the n-th
// value needs no lock, and none returns before 2^64 draws.
func IDs(seed uint64) platform.IDs {
	var state atomic.Uint64
	state.Store(seed)
	return func() uint64 {
		z := state.Add(0x9e3779b97f4a7c15)
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return z ^ z>>31
	}
}
