package vault

import (
	"container/list"
	"crypto/cipher"
	"sync"
	"time"
)

// How many subjects' keys a process remembers, and for how long.
const (
	cacheSize = 10_000
	cacheFor  = time.Minute
)

// cache remembers opened keys of the subjects used last. A key is found only at
// the version at which its record is now, which is read at each use.
type cache struct {
	mu     sync.Mutex
	of     map[keyID]*list.Element // by the first key
	recent *list.List              // of *entry, the newest first
	opened []opened                // the oldest first
}

// opened notes until when an entry's keys may be kept.
type opened struct {
	*entry
	until time.Time
}

// entry is what is known of a subject. Its seals outlive its keys.
type entry struct {
	id      keyID
	version int64
	keys    map[uint32]cipher.AEAD
	until   time.Time
	last    uint32 // the key for sealing
	left    int64  // seals of it that are reserved for this process
}

func newCache() *cache { return &cache{of: map[keyID]*list.Element{}, recent: list.New()} }

// entry finds or makes one, and forgets the one that was not used for longest.
func (c *cache) entry(id keyID) *entry {
	id = id.nth(0)
	if at, known := c.of[id]; known {
		c.recent.MoveToFront(at)
		return at.Value.(*entry)
	}
	e := &entry{id: id, keys: map[uint32]cipher.AEAD{}}
	c.of[id] = c.recent.PushFront(e)
	if len(c.of) > cacheSize {
		c.forget(c.recent.Back().Value.(*entry).id)
	}
	return e
}

func (c *cache) forget(id keyID) {
	if at, known := c.of[id]; known {
		c.recent.Remove(at)
		delete(c.of, id)
		clear(at.Value.(*entry).keys)
	}
}

// drop forgets a subject.
func (c *cache) drop(id keyID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(id.nth(0))
}

// get is the key, if it is known as of the version.
func (c *cache) get(id keyID, version int64, now time.Time) cipher.AEAD {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, known := c.of[id.nth(0)]
	if !known {
		return nil
	}
	e := at.Value.(*entry)
	if e.version != version || !now.Before(e.until) {
		clear(e.keys)
		return nil
	}
	return e.keys[id.number()]
}

// put remembers the key as of the version.
func (c *cache) put(id keyID, version int64, key cipher.AEAD, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire(now)
	e := c.entry(id)
	if e.version != version {
		clear(e.keys)
	}
	if len(e.keys) == 0 {
		e.until = now.Add(cacheFor)
		c.opened = append(c.opened, opened{e, e.until})
	}
	e.version, e.keys[id.number()] = version, key
}

// reserve notes that n seals of the key are this process's own.
func (c *cache) reserve(id keyID, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entry(id)
	if e.last != id.number() {
		e.left = 0
	}
	e.last, e.left = id.number(), e.left+n
}

// spend uses up a reserved seal, and tells of which key; ok is false when none
// is left.
func (c *cache) spend(id keyID) (key keyID, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, known := c.of[id.nth(0)]
	if !known || at.Value.(*entry).left <= 0 {
		return id, false
	}
	e := at.Value.(*entry)
	c.recent.MoveToFront(at)
	e.left--
	return id.nth(e.last), true
}

// purge forgets the keys whose time is over.
func (c *cache) purge(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire(now)
}

func (c *cache) expire(now time.Time) {
	n := 0
	for ; n < len(c.opened) && !now.Before(c.opened[n].until); n++ {
		if o := c.opened[n]; o.until.Equal(o.entry.until) { // not opened anew
			clear(o.keys)
		}
	}
	if c.opened = c.opened[n:]; len(c.opened) == 0 {
		c.opened = nil
	}
}
