package screen

import (
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/liangding/platform"
)

// kept is how many attempts of a key are remembered: a count saturates there,
// which decides every limit below it rightly.
const kept = 32

type attempt struct {
	event    platform.ID
	at       time.Time
	amount   platform.Money
	decision *Decision // of this process; it answers a repeat before it is stored
}

// history is the newest attempts of a key, in order of time.
type history struct {
	newest []attempt
	lost   time.Time // of the newest that is no longer remembered
	warm   bool      // what was stored before is in it
	used   time.Time
}

// add counts an attempt; one with the same event id takes its place.
func (h *history) add(a attempt) {
	h.newest = slices.DeleteFunc(h.newest, func(b attempt) bool { return b.event == a.event })
	at := len(h.newest)
	for at > 0 && h.newest[at-1].at.After(a.at) {
		at--
	}
	h.newest = slices.Insert(h.newest, at, a)
	if len(h.newest) <= kept {
		return
	}
	if oldest := h.newest[0].at; oldest.After(h.lost) {
		h.lost = oldest
	}
	h.newest = slices.Delete(h.newest, 0, 1)
}

// recall brings back what was stored; what is known already stays.
func (h *history) recall(past []attempt) {
	for _, a := range past {
		if h.find(a.event) == nil {
			h.add(a)
		}
	}
	h.warm = true
}

func (h *history) find(event platform.ID) *attempt {
	i := slices.IndexFunc(h.newest, func(a attempt) bool { return a.event == event })
	if i < 0 {
		return nil
	}
	return &h.newest[i]
}

// since is the attempts after that moment, and whether there were or may have
// been more. Those that are dated a little after the event at hand count too:
// they came first.
func (h *history) since(from time.Time) (attempts []attempt, more bool) {
	i := slices.IndexFunc(h.newest, func(a attempt) bool { return a.at.After(from) })
	if i < 0 {
		i = len(h.newest)
	}
	return h.newest[i:], !h.warm || h.lost.After(from)
}

type key struct {
	customer platform.ID
	event    string
}

type shard struct {
	mu   sync.Mutex
	keys map[key]*history
}

// windows are the histories of this process.
type windows struct {
	seed   maphash.Seed
	most   int // keys a shard
	shards [256]shard
}

func newWindows(keys int) *windows {
	w := &windows{seed: maphash.MakeSeed()}
	w.most = max(1, keys/len(w.shards))
	return w
}

// with calls use with the history of k, alone with it. One that is cold is read
// back first, outside the lock; if that fails, use gets it cold.
func (w *windows) with(k key, now time.Time, past func() ([]attempt, error), use func(h *history)) {
	s := &w.shards[maphash.Comparable(w.seed, k)%uint64(len(w.shards))]
	if s.used(k, now, w.most, use) {
		return
	}
	attempts, err := past()
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.history(k, now, w.most)
	if err == nil {
		h.recall(attempts)
	}
	use(h)
}

// used calls use if the history is warm.
func (s *shard) used(k key, now time.Time, most int, use func(h *history)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.history(k, now, most)
	if h.warm {
		use(h)
	}
	return h.warm
}

func (s *shard) history(k key, now time.Time, most int) *history {
	h := s.keys[k]
	if h == nil {
		if s.keys == nil {
			s.keys = map[key]*history{}
		}
		if len(s.keys) >= most {
			s.evict()
		}
		h = &history{}
		s.keys[k] = h
	}
	h.used = now
	return h
}

// evict forgets the key that was idle longest, of a few looked at. It is read
// back from the store when it comes again.
func (s *shard) evict() {
	var idle key
	var oldest *history
	looked := 0
	for k, h := range s.keys {
		if oldest == nil || h.used.Before(oldest.used) {
			idle, oldest = k, h
		}
		if looked++; looked == 16 {
			break
		}
	}
	delete(s.keys, idle)
}
