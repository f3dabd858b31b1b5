package store

import (
	"time"

	"github.com/liangding/platform"
)

// Slots are the slots from From up to Until, which is none of them any more.
// Until 4096 means to the end.
type Slots struct{ From, Until platform.Slot }

// Has tells whether the record lives there.
func (s Slots) Has(id platform.ID) bool { return s.From <= id.Slot() && id.Slot() < s.Until }

// Lease is the right to do something alone until a moment, such as to hand over
// the events of a range of slots. Fence counts how often it was taken: whoever
// comes with an older one has lost it, however little that one knows of it.
type Lease struct {
	Name   string
	Holder string
	Fence  int64 // from 1; 0 was never taken
	Until  time.Time
}

// Grant decides what becomes of a lease as it is stored (zero: never taken)
// when somebody wants it at now: whoever holds it by its fence gets it prolonged
// to want.Until, or gives it back with one that is over, even when it ran out
// meanwhile and nobody took it; anybody else takes it, with the next fence, once
// it has run out. It returns the lease as it is to be stored, and whether want
// is granted; if not, nothing changes.
func (l Lease) Grant(want Lease, now time.Time) (Lease, bool) {
	switch {
	case l.Fence > 0 && l.Fence == want.Fence && l.Holder == want.Holder:
		l.Until = want.Until
		return l, true
	case now.Before(l.Until) || !now.Before(want.Until):
		return l, false
	}
	return Lease{Name: want.Name, Holder: want.Holder, Fence: l.Fence + 1, Until: want.Until}, true
}

// Admits tells whether a lease as it is stored is still that of by at now.
func (l Lease) Admits(by Lease, now time.Time) bool {
	return l.Fence > 0 && l.Fence == by.Fence && l.Holder == by.Holder && now.Before(l.Until)
}

// ErrFence refuses to write for a holder whose lease ran out or was taken by
// another. Nothing was written.
var ErrFence = platform.Err(platform.ErrConflict, "relay.fence", "the lease was lost to another", "租约已失效或被他人取得")
