package payment

import (
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// backs are the shares that a refund takes back, of its last round.
func (s *sharings) backs(refund platform.Ref) (all []Sharing) {
	last := 0
	for _, h := range s.all {
		if h.Back != "" && h.Cause == refund {
			last = max(last, h.Round)
		}
	}
	for _, h := range s.all {
		if h.Back != "" && h.Cause == refund && h.Round == last {
			all = append(all, h)
		}
	}
	return all
}

// blocked tells whether a refund must wait for shares: whether any may still come
// back by itself before it. One that was refused does not keep the payer waiting.
func (s *sharings) blocked(refund platform.Ref) bool {
	return slices.ContainsFunc(s.backs(refund), func(h Sharing) bool {
		return !h.After && (h.State == SharingPlanned || h.pending())
	})
}

// restore gives back what a refund has taken of shares and that did not come to its
// end: what was not asked for yet is dropped, and what came back goes out again, in
// a sharing of its own. What is under way follows when it has ended.
//
// While the refund may still be carried out, shares that are only taken back after
// it keep waiting for it.
func (s *sharings) restore(refund platform.Ref, ended bool, at time.Time) error {
	for _, back := range s.backs(refund) {
		if back.Restored || back.State == SharingOwed || back.State == SharingDropped || back.After && !ended {
			continue
		}
		if err := s.undo(back, at); err != nil {
			return fmt.Errorf("restore %s: %w", back.ID, err)
		}
	}
	return nil
}

// undo brings one share back to its receiver.
func (s *sharings) undo(back Sharing, at time.Time) error {
	back.Restored = true
	switch {
	case back.pending():
		s.put(back)
		return nil
	case back.State == SharingDone:
		of, err := s.of(back.Back)
		if err != nil {
			return err
		}
		again := Sharing{
			Head:    platform.Head{ID: derived(back.ID, string(back.ID), "again")},
			Subject: back.Subject, Attempt: back.Attempt, Capture: back.Capture, Institution: back.Institution, State: SharingPlanned, Amount: back.Amount,
			Portions: []Portion{{Party: back.Portions[0].Party, Amount: back.Amount}}, Cause: back.Ref(), Released: of.Released, Operation: Operation{Due: at},
		}
		s.put(back)
		s.put(again, again.event())
		return nil
	}
	of, err := s.of(back.Back)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(of.Portions, func(p Portion) bool { return p.Party == back.Portions[0].Party })
	if i >= 0 {
		if of, err = of.asked(i, back.Amount.Neg()); err != nil {
			return err
		}
		s.put(of)
	}
	next, err := back.move("drop", platform.System)
	if err != nil {
		return err
	}
	next.EndedAt, next.Due = at, time.Time{}
	s.put(next, next.event())
	return nil
}

// follow makes due what is taken back after a refund that has now been given.
func (s *sharings) follow(refund platform.Ref, at time.Time) {
	for _, back := range s.backs(refund) {
		if back.After && back.State == SharingPlanned && !back.Given {
			back.Due, back.Given = at, true
			s.put(back)
		}
	}
}

// regather asks again for the shares of a refund that was given up and is sent once
// more, if they went back to their receivers meanwhile.
func (s *sharings) regather(r Return, first func(institution string) bool, at time.Time) error {
	from := map[platform.ID]int64{}
	for _, back := range s.backs(r.Refund) {
		if back.Restored {
			from[back.Portions[0].Party] += back.Amount.Minor()
		}
	}
	if len(from) == 0 {
		return nil
	}
	return s.takeBack(r.Refund, from, r.Calls, first, at)
}
