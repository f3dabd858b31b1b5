package main

import (
	"container/heap"
	"time"
)

// The ranks of happenings of one moment: who sells must be here before it does.
const (
	leadRank = iota
	orderRank
	reviewRank
)

// happening is something that the records say, at its moment.
type happening struct {
	at    time.Time
	rank  int
	seq   int
	about string // as in Finding
	do    func() error
}

// stream hands out happenings in order of time. Those of one moment come by
// rank, then as they were added.
type stream struct {
	waiting happenings
	added   int
}

func (s *stream) add(at time.Time, rank int, about string, do func() error) {
	s.added++
	heap.Push(&s.waiting, happening{at: at, rank: rank, seq: s.added, about: about, do: do})
}

func (s *stream) next() (happening, bool) {
	if len(s.waiting) == 0 {
		return happening{}, false
	}
	return heap.Pop(&s.waiting).(happening), true
}

// happenings implements [heap.Interface].
type happenings []happening

func (h happenings) Len() int      { return len(h) }
func (h happenings) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h happenings) Less(i, j int) bool {
	a, b := h[i], h[j]
	if c := a.at.Compare(b.at); c != 0 {
		return c < 0
	}
	if a.rank != b.rank {
		return a.rank < b.rank
	}
	return a.seq < b.seq
}

func (h *happenings) Push(x any) { *h = append(*h, x.(happening)) }

func (h *happenings) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	(*h)[last] = happening{} // lets go of what it holds
	*h = (*h)[:last]
	return x
}
