package finance

import (
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// State is how far a pending record has come.
type State string

// The states of a pending record: open until it ends, once, one way or the
// other.
const (
	Open    State = "open"
	Settled State = "settled"
	Voided  State = "voided"
)

// Pending is money set aside for a fact that is not final yet: a refund on its
// way, a payout. It lowers what is available on the accounts that it will take
// from, and nothing else; what it will bring is available to nobody. A subject
// has at most one, whose id is the subject's under the prefix pen.
type Pending struct {
	platform.Head
	Fact
	State State     `json:"state" class:"internal"`
	Ended time.Time `json:"ended,omitzero" class:"internal"`
}

// Ref names the pending record.
func (p Pending) Ref() platform.Ref { return platform.Ref{Kind: pendingKind, ID: p.ID} }

// Hold sets the legs of a fact aside. It refuses what [Post] refuses, a fact
// that is not to be held (ErrRecipe), and one without amounts (ErrLegs). The
// commit fails with ErrState, code floor,
// when an account lacks the money, and with ErrConflict, code exists, when the
// subject has held money before.
func Hold(f Fact) ([]platform.Change, error) {
	f.Legs = nonzero(f.Legs)
	if err := f.check(true); err != nil {
		return nil, err
	}
	p := Pending{Head: platform.Head{ID: pendingOf(f.Subject).ID}, Fact: f, State: Open}
	return append([]platform.Change{platform.Put(p)}, additions(p.taken())...), nil
}

// pendingOf names the pending record of a subject.
func pendingOf(subject platform.Ref) platform.Ref {
	return platform.Ref{Kind: pendingKind, ID: subject.ID.As("pen")}
}

// Settle books what is held, all of it, as of the moment given. It fails with
// ErrPendingEnded when the hold is over; of several at once one commits, and
// the others find it over when they decide again.
func (p Pending) Settle(at time.Time) ([]platform.Change, error) {
	next, err := p.end(Settled, at)
	if err != nil {
		return nil, err
	}
	return append([]platform.Change{platform.Put(next)}, next.settlement().changes()...), nil
}

// Void frees what is held. It fails as [Pending.Settle] does.
func (p Pending) Void(at time.Time) ([]platform.Change, error) {
	next, err := p.end(Voided, at)
	if err != nil {
		return nil, err
	}
	return append([]platform.Change{platform.Put(next)}, additions(next.freed())...), nil
}

func (p Pending) end(as State, at time.Time) (Pending, error) {
	if p.State != Open {
		return Pending{}, platform.Detail(fmt.Errorf("end hold %s: %w", p.ID, ErrPendingEnded), "state", string(p.State))
	}
	if at.IsZero() {
		return Pending{}, fmt.Errorf("end hold %s: %w", p.ID, ErrEffective)
	}
	p.State, p.Ended = as, at
	return p, nil
}

// settlement is the posting by which a settled hold is final.
func (p Pending) settlement() Posting {
	f := p.Fact
	f.At = p.Ended
	return f.posting(p.ID)
}

// taken is what the hold takes from available counters: of the legs, those that
// lower a floored account.
func (p Pending) taken() []entry {
	var entries []entry
	for _, l := range p.Legs {
		row, err := lineOf(l.Role)
		if growth := l.Amount.Minor() * int64(row.Normal); err == nil && row.Floored && growth < 0 {
			entries = append(entries, entry{accountOf(l).counter(available, l.Amount.Currency().String()), growth, p.Ref()})
		}
	}
	return entries
}

// freed is what a voided hold gives back.
func (p Pending) freed() []entry {
	entries := p.taken()
	for i := range entries {
		entries[i].delta = -entries[i].delta
	}
	return entries
}

// entries is what the hold has done to the counters so far.
func (p Pending) entries() []entry {
	if p.State == Voided {
		return append(p.taken(), p.freed()...)
	}
	return p.taken()
}
