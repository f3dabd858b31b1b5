package postgres

import (
	"slices"

	"github.com/liangding/platform/store"
)

func newLane(db *DB) *lane {
	l := &lane{db: db}
	l.group = store.NewGroup(l.serve, db.opts.MaxQueue)
	return l
}

// small is how many changes a set may have that does not wait for larger ones,
// if there are two lanes or more.
const small = 64

// laneOf is where a set waits: the last lane if it is large or there is no other,
// else that of its slot. Which one is a matter of speed alone: what keeps sets
// apart are the locks.
func (db *DB) laneOf(set store.Prepared) *lane {
	last := len(db.lanes) - 1
	if last == 0 || len(set.Steps) > small {
		return db.lanes[last]
	}
	lead := max(0, slices.IndexFunc(set.Steps, func(s store.Step) bool { return s.Event != nil }))
	return db.lanes[int(set.Steps[lead].Ref.ID.Slot())*last/4096]
}

// Stats implements [store.Engine].
func (db *DB) Stats() (s store.Stats) {
	for _, l := range db.lanes {
		of := l.group.Stats()
		s.Waiting += of.Waiting
		s.Flushes += of.Flushes
		s.Sets += of.Sets
		s.Refused += of.Refused
		s.Busy += of.Busy
		s.Unknown += of.Unknown
		s.Flushing += of.Flushing
		s.Retries += l.retries.Load()
		s.Lost += l.settled.Load()
	}
	pool := db.pool.Stat()
	s.Connections = store.Connections{Open: int(pool.TotalConns()), Busy: int(pool.AcquiredConns()), Most: int(pool.MaxConns())}
	return s
}
