package finance

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// State is how far a pending record has come.
type State string

// The states of a pending record: open until it ends, once, one way or the
// other. It may be settled in parts until then.
const (
	Open    State = "open"
	Settled State = "settled"
	Voided  State = "voided"
	Expired State = "expired" // its due was over before anybody ended it
)

// Pending is money set aside for a fact that is not final yet: a refund on its
// way, a payout. It lowers what is available on the accounts that it will take
// from, and nothing else; what it will bring is available to nobody. A subject
// has at most one, whose id is the subject's under the prefix pen.
type Pending struct {
	platform.Head
	Fact
	State State          `json:"state" class:"internal"`
	Due   time.Time      `json:"due,omitzero" class:"internal"` // when it expires; zero for one that guards a call to an institution, which only its outcome ends
	Ended time.Time      `json:"ended,omitzero" class:"internal"`
	Parts []platform.ID  `json:"parts,omitempty" class:"internal"` // postings that settled it in parts, in order
	Rest  []platform.Leg `json:"rest,omitempty" class:"internal"`  // once there are parts: what they left, and once it has ended, what was freed
}

// Ref names the pending record.
func (p Pending) Ref() platform.Ref { return platform.Ref{Kind: pendingKind, ID: p.ID} }

// Hold sets the legs of a fact aside, until due unless that is zero. It refuses
// what [Post] refuses, a fact that is not to be held, or not until a due (ErrRecipe),
// and one without amounts (ErrLegs). The commit fails with ErrState, code floor,
// when an account lacks the money, and with ErrConflict, code exists, when the
// subject has held money before.
func Hold(f Fact, due time.Time) ([]platform.Change, error) {
	f.Legs = nonzero(f.Legs)
	if err := f.check(true); err != nil {
		return nil, err
	}
	if r := recipes[f.What]; !r.Held || !due.IsZero() && !r.Lapses {
		return nil, fmt.Errorf("hold %s of %s: %w", f.What, f.Subject, ErrRecipe)
	}
	if f.Booked.IsZero() {
		f.Booked = f.At
	}
	p := Pending{Head: platform.Head{ID: pendingOf(f.Subject).ID}, Fact: f, State: Open, Due: due}
	return append([]platform.Change{platform.Put(p)}, additions(p.taken())...), nil
}

// pendingOf names the pending record of a subject.
func pendingOf(subject platform.Ref) platform.Ref {
	return platform.Ref{Kind: pendingKind, ID: subject.ID.As("pen")}
}

// Settle books what is held, all that is left of it, as of the moment given. It
// fails with ErrPendingEnded when the hold is over; of several at once one
// commits, and the others find it over when they decide again.
func (p Pending) Settle(at time.Time) ([]platform.Change, error) {
	next, err := p.end(Settled, at)
	if err != nil {
		return nil, err
	}
	last := next.settlement()
	if len(p.Parts) > 0 {
		next.Parts, next.Rest = append(slices.Clone(p.Parts), last.ID), nil
	}
	return append([]platform.Change{platform.Put(next)}, last.changes()...), nil
}

// Part books a fact that takes no more than the hold has left on any account:
// it counts as much of the hold settled, and with frees the rest is freed. The
// fact without legs is all that is left. A hold of which nothing is left is
// settled. It fails as [Pending.Settle] does, with ErrPendingExceeds, and with
// what [Post] refuses.
func (p Pending) Part(f Fact, frees bool) ([]platform.Change, error) {
	if _, err := p.end(Settled, f.At); err != nil {
		return nil, err
	}
	if f.Legs = nonzero(f.Legs); len(f.Legs) == 0 {
		f.Legs = p.left()
	}
	f.N = len(p.Parts)
	if err := f.check(true); err != nil {
		return nil, err
	}
	rest, err := p.without(f.Legs, frees)
	if err != nil {
		return nil, fmt.Errorf("settle a part of %s: %w", p.ID, err)
	}
	part, next := f.posting(p.ID), p
	next.Parts, next.Rest = append(slices.Clone(p.Parts), part.ID), rest
	if frees || len(rest) == 0 {
		next.State, next.Ended = Settled, f.At
	}
	set := append([]platform.Change{platform.Put(next)}, part.changes()...)
	if frees {
		set = append(set, additions(next.freed())...)
	}
	return set, nil
}

// without is what a part leaves of the legs that are held. Only the last part
// may have legs that the hold has not, and none that lower a floored account.
func (p Pending) without(part []platform.Leg, last bool) ([]platform.Leg, error) {
	rest := p.left()
	for _, l := range part {
		row, err := accountOf(l).line()
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(rest, func(r platform.Leg) bool {
			return accountOf(r) == accountOf(l) && r.Amount.Currency() == l.Amount.Currency() && r.Amount.Sign() == l.Amount.Sign()
		})
		if free := !row.Floored || grows(l, row) > 0; i < 0 && last && free {
			continue
		}
		var left platform.Money
		if i >= 0 {
			if left, err = rest[i].Amount.Add(l.Amount.Neg()); err != nil {
				return nil, err
			}
		}
		if i < 0 || left.Sign() == -l.Amount.Sign() {
			return nil, platform.Detail(fmt.Errorf("%s of %s: %w", accountOf(l), l.Amount, ErrPendingExceeds), "account", accountOf(l).String())
		}
		rest[i].Amount = left
	}
	return nonzero(rest), nil
}

// Void frees what is held. It fails as [Pending.Settle] does.
func (p Pending) Void(at time.Time) ([]platform.Change, error) { return p.release(Voided, at) }

// Expire frees what is held because its due is over. It fails as
// [Pending.Settle] does, and with ErrPendingOpen before its due.
func (p Pending) Expire(now time.Time) ([]platform.Change, error) {
	if p.State == Open && !p.over(now) {
		return nil, fmt.Errorf("expire hold %s: %w", p.ID, ErrPendingOpen)
	}
	return p.release(Expired, now)
}

func (p Pending) release(as State, at time.Time) ([]platform.Change, error) {
	next, err := p.end(as, at)
	if err != nil {
		return nil, err
	}
	return append([]platform.Change{platform.Put(next)}, additions(next.freed())...), nil
}

// over tells whether the hold's due is past.
func (p Pending) over(now time.Time) bool { return !p.Due.IsZero() && !now.Before(p.Due) }

func (p Pending) end(as State, at time.Time) (Pending, error) {
	state := p.State
	if state == Open && as == Settled && p.over(at) {
		state = Expired // though nobody has noted it yet
	}
	if state != Open {
		return Pending{}, platform.Detail(fmt.Errorf("end hold %s: %w", p.ID, ErrPendingEnded), "state", string(state))
	}
	if at.IsZero() {
		return Pending{}, fmt.Errorf("end hold %s: %w", p.ID, ErrEffective)
	}
	p.State, p.Ended = as, at
	return p, nil
}

// settlement is the posting by which a settled hold is final, at once or after
// parts.
func (p Pending) settlement() Posting {
	f := p.Fact
	f.At, f.Booked, f.Legs, f.N = p.Ended, p.Ended, p.left(), f.N+len(p.Parts)
	return f.posting(p.ID)
}

// left is a copy of the legs that no part has settled.
func (p Pending) left() []platform.Leg {
	if len(p.Parts) > 0 {
		return slices.Clone(p.Rest)
	}
	return slices.Clone(p.Legs)
}

// taken is what the hold takes from available counters: of the legs, those that
// lower a floored account.
func (p Pending) taken() []entry { return p.takes(p.Legs) }

func (p Pending) takes(legs []platform.Leg) []entry {
	var entries []entry
	for _, l := range legs {
		row, err := lineOf(l.Role)
		if growth := grows(l, row); err == nil && row.Floored && growth < 0 {
			entries = append(entries, entry{accountOf(l).counter(available, l.Amount.Currency().String()), growth, p.Ref()})
		}
	}
	return entries
}

// holder is by whom an open hold is found: the holder of the first account that it
// takes from, which is almost always that of all. One that is over has none.
func (p Pending) holder() string {
	for _, l := range p.left() {
		if row, err := lineOf(l.Role); err == nil && p.State == Open && row.Floored && grows(l, row) < 0 {
			return accountOf(l).holder()
		}
	}
	return ""
}

// holder is whose account it is: an order's, a party's, or nobody's but its own.
func (a Account) holder() string { return cmp.Or(string(a.Of), string(a.Party), a.Role) }

// incoming are the accounts that can be locked to which the open hold will bring
// something.
func (p Pending) incoming() (all []Account) {
	for _, l := range p.left() {
		if row, err := lineOf(l.Role); err == nil && p.State == Open && row.locks() && grows(l, row) > 0 {
			all = append(all, accountOf(l))
		}
	}
	return all
}

// held is what the hold has taken and not given back, nor handed to a posting.
func (p Pending) held() []entry {
	if p.State != Open {
		return nil
	}
	return p.takes(p.left())
}

// freed is what a hold gives back when it ends otherwise than by being settled
// in whole.
func (p Pending) freed() []entry {
	if p.State == Settled && len(p.Parts) == 0 {
		return nil
	}
	entries := p.takes(p.left())
	for i := range entries {
		entries[i].delta = -entries[i].delta
	}
	return entries
}

// entries is what the hold has done to the counters so far.
func (p Pending) entries() []entry {
	if p.State == Open {
		return p.taken()
	}
	return append(p.taken(), p.freed()...)
}
