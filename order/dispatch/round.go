package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// round is one pass of gather, plan and offer.
type round struct {
	*Service
	now     time.Time
	allow   func(order platform.ID) error // whether whoever dispatches may; nil is yes
	wanted  func(Search) bool             // whether a search takes part
	seats   []seat
	told    map[platform.ID]told // by the orders, once each
	duty    []onDuty
	zones   map[platform.ID]bool // that are tallied
	tallies map[platform.ID]tally
	answers []Dispatched
}

func newRound(s *Service, now time.Time) *round {
	return &round{Service: s, now: now, told: map[platform.ID]told{}, zones: map[platform.ID]bool{}, tallies: map[platform.ID]tally{}}
}

// seat is an open seat in a round.
type seat struct {
	Job
	at    int // of the order in answers
	round int
	seen  int64 // version of its search; 0 is none yet
	over  bool  // no longer to be planned
}

// onDuty is an answer of [Members] for a need.
type onDuty struct {
	need
	members []platform.ID
}

// run dispatches the open seats of the orders, but for those whose search is
// not wanted.
func (r *round) run(ctx context.Context, orders []platform.ID) ([]Dispatched, error) {
	for i, order := range orders {
		r.answers = append(r.answers, Dispatched{Order: order, Offers: []Assignment{}})
		if err := r.gather(ctx, i); err != nil {
			r.fail(i, err)
		}
	}
	for {
		plan, err := r.policy.Plan(r.snapshot())
		if err != nil {
			return nil, err
		}
		if r.propose(ctx, plan) && ctx.Err() == nil {
			continue
		}
		for _, left := range plan.Left {
			r.miss(ctx, plan, left)
		}
		return r.answers, ctx.Err()
	}
}

// fail notes why an order cannot be dispatched, and plans it no more.
func (r *round) fail(at int, err error) {
	r.answers[at].err, r.answers[at].Code = err, platform.Code(err)
	for i := range r.seats {
		r.seats[i].over = r.seats[i].over || r.seats[i].at == at
	}
}

// gather reads what one order needs and who could do it.
func (r *round) gather(ctx context.Context, at int) error {
	if r.allow != nil {
		if err := r.allow(r.answers[at].Order); err != nil {
			return err
		}
	}
	n := r.hear(ctx, r.answers[at].Order)
	if n.err != nil {
		return n.err
	}
	searches, err := r.store.Searches(ctx, n.Order)
	if err != nil {
		return err
	}
	var seats []seat
	for _, no := range n.Open {
		search := newSearch(n.Order, no, r.policy, r.now, n.From)
		if i := slices.IndexFunc(searches, func(s Search) bool { return s.Seat == no }); i >= 0 {
			search = searches[i]
		}
		if search.open(r.now) > 0 || !r.wanted(search) {
			continue
		}
		if search.State != Searching {
			search = search.begun(r.policy, r.now, n.From)
		}
		seats = append(seats, seat{at: at, round: search.Round + 1, seen: search.Version, Job: Job{
			Order: n.Order, Seat: no, From: n.From, Until: n.Until, Place: r.near(n.need), Waited: r.now.Sub(search.Since),
			Barred: append(r.elsewhere(searches, no), search.resting(r.policy, r.now)...),
		}})
	}
	if len(seats) == 0 {
		return nil
	}
	able, err := r.able(ctx, n.need)
	if err != nil {
		return err
	}
	if err := r.tally(ctx, n.Zone); err != nil {
		return err
	}
	var full []Barred
	for _, m := range able {
		if r.tallies[m].offers >= r.policy.Quota {
			full = append(full, Barred{Member: m, Code: "quota"})
		}
	}
	for i := range seats {
		seats[i].Eligible, seats[i].Barred = able, append(seats[i].Barred, full...)
	}
	r.seats = append(r.seats, seats...)
	return nil
}

// hear asks an order once.
func (r *round) hear(ctx context.Context, order platform.ID) told {
	t, heard := r.told[order]
	if !heard {
		t = r.need(ctx, order, r.now)
		r.told[order] = t
	}
	return t
}

// near is the place that members should be near to. Where they are now says
// nothing about planned work, for which all are equally near.
func (r *round) near(n need) *Place {
	place := n.place()
	if place != nil && place.Fault() == nil && r.policy.planned(r.now, n.From) {
		return nil
	}
	return place
}

// elsewhere are members who have an open offer for another seat of the order.
func (r *round) elsewhere(searches []Search, seat int) []Barred {
	var barred []Barred
	for _, s := range searches {
		for _, a := range s.Asked {
			if s.Seat != seat && r.now.Before(a.Due) {
				barred = append(barred, Barred{Member: a.Member, Code: "offered"})
			}
		}
	}
	return barred
}

// able asks staff once for each distinct need of the round.
func (r *round) able(ctx context.Context, n need) ([]platform.ID, error) {
	for _, d := range r.duty {
		if d.From.Equal(n.From) && d.Until.Equal(n.Until) && slices.Equal(d.words(), n.words()) {
			return d.members, nil
		}
	}
	members, err := r.ports.Members.OnDuty(ctx, n.Zone, n.words(), n.From, n.Until)
	if err != nil {
		return nil, err
	}
	r.duty = append(r.duty, onDuty{n, members})
	return members, nil
}

// snapshot is what is known of the seats that are still to be planned.
func (r *round) snapshot() Snapshot {
	s := Snapshot{At: r.now, Jobs: []Job{}, Staff: []Present{}}
	seen := map[platform.ID]bool{}
	for _, seat := range r.seats {
		if seat.over {
			continue
		}
		s.Jobs = append(s.Jobs, seat.Job)
		for _, m := range seat.Eligible {
			if seen[m] {
				continue
			}
			seen[m] = true
			t := r.tallies[m]
			s.Staff = append(s.Staff, Present{Member: m, Place: r.positions.Of(m, r.now), Load: t.load, Had: t.had, Asked: t.asked})
		}
	}
	return s
}

// find is the seat of a pair, or of what was left.
func (r *round) find(order platform.ID, no int) *seat {
	return &r.seats[slices.IndexFunc(r.seats, func(s seat) bool { return s.Order == order && s.Seat == no })]
}

// propose carries out a plan pair by pair. It tells whether to plan again, when
// a seat got nobody for a reason that concerns only the member, who is barred
// from it now.
func (r *round) propose(ctx context.Context, plan Plan) (again bool) {
	for _, pair := range plan.Pairs {
		seat := r.find(pair.Order, pair.Seat)
		if r.answers[seat.at].err != nil {
			continue
		}
		in := Offer{Order: pair.Order, Seat: pair.Seat, Member: pair.Member}
		needs := r.told[pair.Order]
		a, err := r.offer(ctx, in, proposal{at: r.now, round: seat.round, why: plan.reasons(pair), told: &needs})
		fault := pairFault(err)
		switch {
		case err == nil:
			r.answers[seat.at].Offers = append(r.answers[seat.at].Offers, a)
			t := r.tallies[pair.Member]
			t.asked = true
			r.tallies[pair.Member] = t
			seat.over = true
		case fault != "":
			seat.Barred = append(seat.Barred, Barred{Member: pair.Member, Code: fault})
		case errors.Is(err, ErrSeatOffered), errors.Is(err, ErrSeatTaken), errors.Is(err, ErrNotDue):
			seat.over = true // somebody else was at work
		default:
			r.fail(seat.at, err)
		}
	}
	for _, pair := range plan.Pairs {
		again = again || !r.find(pair.Order, pair.Seat).over
	}
	return again
}

// look notes a round that found nobody for a seat.
type look struct {
	Order platform.ID
	Seat  int
}

// miss commits, as the platform itself, that nobody was found, and when to look
// again.
func (r *round) miss(ctx context.Context, plan Plan, left Left) {
	seat := r.find(left.Order, left.Seat)
	if seat.over {
		return
	}
	codes := map[string]int{}
	seen := plan.view(plan.Snapshot.job(left.Order, left.Seat))
	for _, m := range plan.Snapshot.Staff {
		codes[seen.verdict(m).Code]++
	}
	tell := map[string]any{"seat": left.Seat, "plan": plan.Hash, "counts": codes}
	needs := r.told[left.Order]
	need := r.needed(&needs, left.Order, r.now)
	_, err := platform.Update(r.system(ctx), r.w, look{left.Order, left.Seat}, func(ctx context.Context) (Search, []platform.Change, error) {
		n := need(ctx)
		if n.err != nil {
			return Search{}, nil, n.err
		}
		search, err := r.search(ctx, left.Order, left.Seat, r.now, n.From)
		if err != nil {
			return Search{}, nil, err
		}
		if search.Version != seat.seen || !slices.Contains(n.Open, left.Seat) { // somebody else was at work
			return Search{}, nil, fmt.Errorf("order %s seat %d: %w", left.Order, left.Seat, ErrSeatOffered)
		}
		next := search.missed(r.policy, r.now, n.From)
		event := platform.Happened("dispatch.searched", orderRef(left.Order), tell).Because(left.Code)
		return next, append(slices.Clone(n.checks), platform.Put(next), event), nil
	})
	switch {
	case err == nil:
		r.answers[seat.at].Left = append(r.answers[seat.at].Left, left)
	case !errors.Is(err, ErrSeatOffered):
		r.fail(seat.at, err)
	}
	seat.over = true
}
