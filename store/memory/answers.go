package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/tidwall/btree"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// answers are stored under their keys, and known by age. The store's lock
// guards them.
type answers struct {
	now   func() time.Time
	byKey *btree.BTreeG[store.Answered]
	aged  []aged // in the order in which they were stored
}

type aged struct {
	key platform.Key
	at  time.Time
}

func newAnswers(now func() time.Time) answers {
	return answers{now: now, byKey: btree.NewBTreeGOptions(func(a, b store.Answered) bool {
		return cmp.Or(cmp.Compare(a.Key.Scope, b.Key.Scope), cmp.Compare(a.Key.Name, b.Key.Name)) < 0
	}, btree.Options{NoLocks: true})}
}

func (a *answers) get(key platform.Key) (platform.Answer, bool) {
	found, known := a.byKey.Get(store.Answered{Key: key})
	return own(found.Answer), known
}

// put stores an answer, and tells whether there was one.
func (a *answers) put(answer store.Answered) (again bool) {
	answer.Answer = own(answer.Answer)
	a.aged = append(a.aged, aged{answer.Key, a.now()})
	_, again = a.byKey.Set(answer)
	return again
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
		db.answers.byKey.Delete(store.Answered{Key: old[n].key})
		n++
	}
	db.answers.aged = old[n:]
	return n, nil
}
