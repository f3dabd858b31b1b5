package postgres

import (
	"context"
	"sync"

	"github.com/liangding/platform"
)

// Reads gather as writes do: what callers ask for while as many look-ups as are
// worth while are under way is asked for together, in one statement. An error of
// such a statement harms nobody: everyone asks again, alone.
const (
	together = 2    // look-ups under way before callers wait for each other
	most     = 4096 // records of one look-up, but for a caller who asks for more
)

// gathering is the callers of Get who wait.
type gathering struct {
	mu      sync.Mutex
	under   int // way
	waiting []*asker
}

// asker is one of them.
type asker struct {
	places map[string]places // by kind
	size   int
	rows   map[platform.Ref]platform.Record
	failed bool
	done   chan struct{}
}

// lookUp answers as [reader.lookUp] does.
func (db *DB) lookUp(ctx context.Context, asked map[string]places) (map[platform.Ref]platform.Record, error) {
	g := &db.asking
	g.mu.Lock()
	if g.under < together {
		g.under++
		g.mu.Unlock()
		defer db.next()
		return db.reader.lookUp(ctx, asked)
	}
	a := &asker{places: asked, done: make(chan struct{})}
	for _, p := range asked {
		a.size += len(p)
	}
	g.waiting = append(g.waiting, a)
	g.mu.Unlock()
	select {
	case <-a.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if a.failed {
		return db.reader.lookUp(ctx, asked)
	}
	return a.rows, nil
}

// next has those who wait looked up together, when a look-up is over.
func (db *DB) next() {
	g := &db.asking
	g.mu.Lock()
	defer g.mu.Unlock()
	n, size := 0, 0
	for n < len(g.waiting) && (n == 0 || size+g.waiting[n].size <= most) {
		size += g.waiting[n].size
		n++
	}
	if n == 0 {
		g.under--
		return
	}
	batch := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	go db.serve(batch)
}

// serve looks up what some askers want. A record that two of them want is the
// first one's, and a copy for the other.
func (db *DB) serve(batch []*asker) {
	defer db.next()
	all := map[string]places{}
	for _, a := range batch {
		for kind, p := range a.places {
			all[kind] = append(all[kind], p...)
		}
	}
	rows, err := db.reader.lookUp(db.ctx, all)
	given := make(map[platform.Ref]bool, len(rows))
	for _, a := range batch {
		a.failed, a.rows = err != nil, make(map[platform.Ref]platform.Record, a.size)
		for _, p := range a.places {
			for _, at := range p {
				record, there := rows[at.ref]
				if !there {
					continue
				}
				if given[at.ref] {
					record.Doc = append([]byte(nil), record.Doc...)
				}
				given[at.ref], a.rows[at.ref] = true, record
			}
		}
		close(a.done)
	}
}
