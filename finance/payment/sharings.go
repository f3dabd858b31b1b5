package payment

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// sharingsIn are all sharings of a subject.
func sharingsIn(ctx context.Context, store Store, subject platform.Ref) (all []Sharing, err error) {
	for q := (SharingQuery{Subject: subject}); ; {
		page, err := store.Sharings(ctx, q)
		all = append(all, page.Items...)
		if q.Cursor = page.Next; err != nil || q.Cursor == "" {
			return all, err
		}
	}
}

// sharingIn is one sharing.
func sharingIn(ctx context.Context, store Store, id platform.ID) (Sharing, error) {
	found, err := store.Found(ctx, sharingRef(id))
	if err == nil && len(found.Sharings) == 0 {
		err = platform.NotFound(sharingRef(id))
	}
	if err != nil {
		return Sharing{}, err
	}
	return found.Sharings[0], nil
}

// sharings are those of a subject while a command changes them.
type sharings struct {
	all     []Sharing
	changed map[platform.ID]bool
	told    []platform.Change
}

func sharingsOf(all []Sharing) *sharings {
	return &sharings{all: all, changed: map[platform.ID]bool{}}
}

// put replaces a sharing, or adds it, and tells what happened to it.
func (s *sharings) put(h Sharing, told ...platform.Change) {
	s.told = append(s.told, told...)
	s.changed[h.ID] = true
	if i := s.at(h.ID); i >= 0 {
		s.all[i] = h
		return
	}
	s.all = append(s.all, h)
}

func (s *sharings) at(id platform.ID) int {
	return slices.IndexFunc(s.all, func(h Sharing) bool { return h.ID == id })
}

// of is one of them.
func (s *sharings) of(id platform.ID) (Sharing, error) {
	i := s.at(id)
	if i < 0 {
		return Sharing{}, platform.NotFound(sharingRef(id))
	}
	return s.all[i], nil
}

// changes writes those that changed; the others were relied on.
func (s *sharings) changes() []platform.Change {
	all := slices.Clone(s.told)
	for _, h := range s.all {
		if s.changed[h.ID] {
			all = append(all, platform.Put(h))
		} else {
			all = append(all, platform.Unchanged(h))
		}
	}
	return all
}

// derived is the id of a sharing with the slot and moment of another, which follows from words. The
// formula is frozen: the first 8 bytes of SHA-256 of the words, 0x00 between them.
func derived(from platform.ID, words ...string) platform.ID {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return platform.NewID("spl", from.Time(), from.Slot(), binary.BigEndian.Uint64(sum[:8]))
}

// minorOf is so much of a currency; the figures are of sums that were added up.
func minorOf(minor int64, like platform.Money) (platform.Money, error) {
	return platform.FromMinor(minor, like.Currency())
}

// takeBack asks receivers for what a refund takes of their shares, from those that
// went out last. It adds a sharing for each share that gives; what a receiver never
// had of the subject is not asked for.
func (s *sharings) takeBack(refund platform.Ref, from map[platform.ID]int64, round int, first func(institution string) bool, at time.Time) error {
	out := slices.DeleteFunc(slices.Clone(s.all), func(h Sharing) bool {
		return h.Back != "" || h.State == SharingDropped
	})
	slices.SortStableFunc(out, func(a, b Sharing) int { return cmp.Compare(b.ID, a.ID) })
	for _, h := range out {
		for i, p := range h.Portions {
			take := min(from[p.Party], p.left(h.State).Minor())
			if take <= 0 {
				continue
			}
			amount, err := minorOf(take, p.Amount)
			if err != nil {
				return fmt.Errorf("take back of %s: %w", h.ID, err)
			}
			back := Sharing{
				Head:    platform.Head{ID: derived(h.ID, string(refund.ID), string(h.ID), string(p.Party), strconv.Itoa(round))},
				Subject: h.Subject, Attempt: h.Attempt, Capture: h.Capture, Institution: h.Institution, State: SharingPlanned, Amount: amount,
				Portions: []Portion{{Party: p.Party, Account: p.Account, Amount: amount}}, Back: h.ID, Cause: refund, After: first(h.Institution),
				Round: round, Operation: Operation{Due: at},
			}
			if back.After || h.pending() {
				back.Due = time.Time{}
			}
			from[p.Party] -= take
			if h, err = h.asked(i, amount); err != nil {
				return err
			}
			s.put(h)
			s.put(back, back.event())
		}
	}
	return nil
}

// left is what a portion still has that nobody asked back.
func (p Portion) left(state SharingState) platform.Money {
	has := p.Amount
	if state == SharingDone {
		has = p.Arrived
	}
	if p.Back.Absent() {
		return has
	}
	rest, err := has.Sub(p.Back)
	if err != nil {
		return zero(p.Amount)
	}
	return rest
}

// asked is the sharing with so much more of a portion asked back; less, when it is
// negative.
func (h Sharing) asked(i int, amount platform.Money) (Sharing, error) {
	h.Portions = slices.Clone(h.Portions)
	p := h.Portions[i]
	sum, err := sum(p.Back, amount)
	p.Back = sum
	h.Portions[i] = p
	return h, err
}

// spare is a share that never went out and is asked back: the sharing that it is of
// has so much less, and nobody is called.
func (s *sharings) spare(back, of Sharing, at time.Time) error {
	i := slices.IndexFunc(of.Portions, func(p Portion) bool { return p.Party == back.Portions[0].Party })
	if i < 0 {
		return platform.NotFound(of.Ref())
	}
	next, err := back.move("spare", platform.System)
	if err != nil {
		return err
	}
	next.EndedAt, next.Due, next.Spared = at, time.Time{}, true
	if of.State != SharingDropped && of.State != SharingDone {
		if of, err = of.asked(i, back.Amount.Neg()); err == nil {
			p := of.Portions[i]
			if p.Amount, err = p.Amount.Sub(back.Amount); err == nil {
				of.Portions[i] = p
				of.Amount, err = of.Amount.Sub(back.Amount)
			}
		}
		if err != nil {
			return fmt.Errorf("spare %s: %w", back.ID, err)
		}
		of.Portions = slices.DeleteFunc(of.Portions, func(p Portion) bool { return p.Amount.Sign() == 0 })
		if len(of.Portions) == 0 && !of.Final {
			if of, err = of.move("drop", platform.System); err != nil {
				return err
			}
			of.EndedAt, of.Due = at, time.Time{}
			s.put(of, of.event())
		}
		s.put(of)
	}
	s.put(next, next.event())
	return nil
}

// wake makes due what waited for a sharing to end or to fail: the shares that are
// asked back of it, and the end of its charge.
func (s *sharings) wake(h Sharing, at time.Time) {
	if h.pending() {
		return
	}
	for _, other := range s.all {
		waits := other.State == SharingPlanned && other.Due.IsZero()
		if waits && other.Back == h.ID && other.After == other.Given || waits && other.closes() && other.Attempt == h.Attempt {
			other.Due = at
			s.put(other)
		}
	}
}

// unshared is what other sharings leave of a charge.
func (s *sharings) unshared(a Attempt, but Sharing) platform.Money {
	left := a.unreturned()
	for _, h := range s.all {
		if h.ID == but.ID || h.Attempt != a.ID || h.Back != "" || h.State == SharingDropped {
			continue
		}
		for _, p := range h.Portions {
			if rest, err := left.Sub(p.left(h.State)); err == nil {
				left = rest
			}
		}
	}
	return left
}

// closes tells whether the sharing hands nothing on, and only ends its charge.
func (h Sharing) closes() bool { return h.Final && len(h.Portions) == 0 }

// busy tells whether other sharings of a charge have not ended.
func (s *sharings) busy(h Sharing) bool {
	return slices.ContainsFunc(s.all, func(other Sharing) bool {
		return other.ID != h.ID && other.Attempt == h.Attempt && !other.Ended()
	})
}
