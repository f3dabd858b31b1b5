package memory

import (
	"context"
	"slices"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// answers are stored under their keys, and known by age. The store's lock
// guards them.
type answers struct {
	now   func() time.Time
	byKey map[platform.Key]platform.Answer
	aged  []aged // in the order in which they were stored
}

type aged struct {
	key platform.Key
	at  time.Time
}

func newAnswers(now func() time.Time) answers {
	return answers{now: now, byKey: map[platform.Key]platform.Answer{}}
}

func (a *answers) get(key platform.Key) (platform.Answer, bool) {
	answer, known := a.byKey[key]
	return own(answer), known
}

func (a *answers) put(key platform.Key, answer platform.Answer) {
	a.byKey[key] = own(answer)
	a.aged = append(a.aged, aged{key, a.now()})
}

// own is an answer that shares nothing with a, so that neither a caller nor
// the store writes into the other's.
func own(a platform.Answer) platform.Answer {
	a.Digest, a.Body = slices.Clone(a.Digest), slices.Clone(a.Body)
	a.Receipt.Versions, a.Receipt.Counters = slices.Clone(a.Receipt.Versions), slices.Clone(a.Receipt.Counters)
	return a
}

// Sweep implements [store.Engine].
func (db *DB) Sweep(ctx context.Context, before time.Time, limit int) (n int, err error) {
	if err := store.Ended(ctx); err != nil {
		return 0, err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return 0, store.ErrClosed
	}
	old := db.answers.aged
	for n < min(limit, len(old)) && old[n].at.Before(before) {
		delete(db.answers.byKey, old[n].key)
		n++
	}
	db.answers.aged = old[n:]
	return n, nil
}
