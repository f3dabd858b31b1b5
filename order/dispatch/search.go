package dispatch

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// SearchState is where a search stands.
type SearchState string

// The states of a search. An unfilled one is in the operators' hands: another
// offer takes it up again.
const (
	Searching SearchState = "searching"
	Filled    SearchState = "filled"
	Unfilled  SearchState = "unfilled"
	Closed    SearchState = "closed"
)

// Search is the search for a member for one seat of an order: what is on offer,
// who was asked, and when to go on. Whoever offers or answers replaces it, so two
// planners at once are harmless.
type Search struct {
	platform.Head
	State SearchState `json:"state" class:"internal"`
	Order platform.ID `json:"order" class:"internal"`
	Seat  int         `json:"seat" class:"internal"`
	Round int         `json:"round" class:"internal"` // rounds of offers so far
	Since time.Time   `json:"since" class:"internal"`
	Until time.Time   `json:"until" class:"internal"`           // when it is given up
	Asked []Asked     `json:"asked,omitempty" class:"internal"` // open offers
	Rests []Rest      `json:"rests,omitempty" class:"internal"` // who is not asked again so soon
	Due   time.Time   `json:"due,omitzero" class:"internal"`    // when the next round begins; zero while offers are open
}

// Asked is an open offer of a seat.
type Asked struct {
	Assignment platform.ID `json:"assignment"`
	Member     platform.ID `json:"member"`
	Due        time.Time   `json:"due"`
}

// Rest is since when a member is not asked again for a seat.
type Rest struct {
	Member platform.ID `json:"member"`
	Since  time.Time   `json:"since"`
}

// searchID is the id of the search for a seat: it follows from both, so that
// all who look for somebody meet at one record.
func searchID(order platform.ID, seat int) platform.ID {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", order, seat))
	return platform.NewID("sea", order.Time(), order.Slot(), binary.BigEndian.Uint64(sum[:]))
}

// newSearch begins a search now for work that starts at a moment.
func newSearch(order platform.ID, seat int, p Policy, now, start time.Time) Search {
	s := Search{Head: platform.Head{ID: searchID(order, seat)}, Order: order, Seat: seat}
	return s.begun(p, now, start)
}

// begun is the search as it starts anew.
func (s Search) begun(p Policy, now, start time.Time) Search {
	s.State, s.Round, s.Since, s.Due = Searching, 0, now, time.Time{}
	s.Until = now.Add(p.MaxWait)
	if last := start.Add(-p.Lead); last.After(s.Until) {
		s.Until = last
	}
	return s
}

// Ref names the search.
func (s Search) Ref() platform.Ref { return platform.Ref{Kind: "dispatch.search", ID: s.ID} }

// open are the offers that stand.
func (s Search) open(now time.Time) int {
	n := 0
	for _, a := range s.Asked {
		if now.Before(a.Due) {
			n++
		}
	}
	return n
}

// others are the open offers but one.
func (s Search) others(than platform.ID) []platform.ID {
	var ids []platform.ID
	for _, a := range s.Asked {
		if a.Assignment != than {
			ids = append(ids, a.Assignment)
		}
	}
	return ids
}

// resting are the members who are not to be asked now, and why.
func (s Search) resting(p Policy, now time.Time) []Barred {
	var barred []Barred
	for _, a := range s.Asked {
		switch {
		case now.Before(a.Due):
			barred = append(barred, Barred{Member: a.Member, Code: "offered"})
		case now.Before(a.Due.Add(p.CoolDown)):
			barred = append(barred, Barred{Member: a.Member, Code: "cool_down"})
		}
	}
	for _, r := range s.Rests {
		if now.Before(r.Since.Add(p.CoolDown)) {
			barred = append(barred, Barred{Member: r.Member, Code: "cool_down"})
		}
	}
	return barred
}

// Most open offers of a seat, by hand.
const mostOpen = 10

// offer is the search with one offer more. It fails with ErrSeatOffered when
// enough stand open, and with ErrCoolDown.
func (s Search) offer(a Assignment, p Policy, now time.Time) (Search, error) {
	limit := p.FanOut
	if a.Round == 0 {
		limit = mostOpen
	}
	if s.open(now) >= limit {
		return Search{}, fmt.Errorf("offer order %s seat %d: %w", s.Order, s.Seat, ErrSeatOffered)
	}
	if slices.ContainsFunc(s.resting(p, now), func(b Barred) bool { return b.Member == a.Member }) {
		return Search{}, fmt.Errorf("offer order %s seat %d: %w", s.Order, s.Seat, ErrCoolDown)
	}
	if s.State != Searching {
		s = s.begun(p, now, a.From)
	}
	s.Round, s.Due = max(s.Round, a.Round), time.Time{}
	s.Asked = append(slices.Clone(s.Asked), Asked{Assignment: a.ID, Member: a.Member, Due: a.Due})
	return s, nil
}

// answered is the search after an offer ended without a member: who was asked
// rests, and when no offer stands the next round is due.
func (s Search) answered(a Assignment, p Policy, now time.Time) Search {
	s.Asked = slices.DeleteFunc(slices.Clone(s.Asked), func(o Asked) bool { return o.Assignment == a.ID })
	s.Rests = slices.DeleteFunc(slices.Clone(s.Rests), func(r Rest) bool { return !now.Before(r.Since.Add(p.CoolDown)) })
	s.Rests = append(s.Rests, Rest{Member: a.Member, Since: now})
	if s.State == Searching && len(s.Asked) == 0 {
		s.Due = now
	}
	return s
}

// missed is the search after a round that found nobody.
func (s Search) missed(p Policy, now, start time.Time) Search {
	if s.State != Searching {
		s = s.begun(p, now, start)
	}
	s.Due = now.Add(p.pause(now, start))
	if s.Due.After(s.Until) && now.Before(s.Until) {
		s.Due = s.Until
	}
	return s
}

// ended is the search in an end: nothing is open, nothing is due.
func (s Search) ended(state SearchState) Search {
	s.State, s.Asked, s.Due = state, nil, time.Time{}
	return s
}

// spent tells whether the search is over without a member.
func (s Search) spent(p Policy, now time.Time) bool {
	return s.Round >= p.Rounds || !now.Before(s.Until)
}

// due tells whether the next round begins.
func (s Search) due(now time.Time) bool {
	return s.State == Searching && !s.Due.IsZero() && !now.Before(s.Due)
}
