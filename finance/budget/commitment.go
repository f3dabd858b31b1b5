package budget

import (
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Commitment is what one source, a claim say, has promised and spent on one line.
type Commitment struct {
	platform.Head
	Source platform.Ref   `json:"source" class:"internal"`
	Line   platform.ID    `json:"line" class:"internal"` // on which the source committed
	On     platform.ID    `json:"on" class:"internal"`   // where it lies: another line once it was carried over
	Open   platform.Money `json:"open" class:"internal"`
	Spent  platform.Money `json:"spent" class:"internal"`
	Moves  int            `json:"moves" class:"internal"` // entries so far
	At     time.Time      `json:"at" class:"internal"`    // of the last
}

// Ref names the commitment.
func (c Commitment) Ref() platform.Ref { return platform.Ref{Kind: commitmentKind, ID: c.ID} }

func commitmentID(source platform.Ref, line platform.ID) platform.ID {
	return derived("cmt", source.ID, source.Kind+"\x00"+string(line))
}

// step is what one act does to a commitment and to its line.
type step struct {
	next                        Commitment
	line                        Line
	committed, released, excess platform.Money
	spent                       platform.Money // with the excess
}

func (c Commitment) step(l Line, at time.Time) step {
	none := zero(l.Plan)
	c.Moves++
	c.At = at
	return step{next: c, line: l, committed: none, released: none, excess: none, spent: none}
}

// commit is the step after which the source has that much open on the line.
func (c Commitment) commit(l Line, to platform.Money, at time.Time) (step, error) {
	s := c.step(l, at)
	more, err := to.Sub(c.Open)
	if err != nil {
		return step{}, fmt.Errorf("commit on %s: %w", l.ID, err)
	}
	if s.next.Open = to; more.Sign() < 0 {
		s.released = more.Neg()
		return s, nil
	}
	s.committed = more
	return s, nil
}

// spend is the step that spends an amount: what is open first, and the excess
// from what is free; at the end the rest is released.
func (c Commitment) spend(l Line, amount platform.Money, final bool, at time.Time) (step, error) {
	s := c.step(l, at)
	var err error
	if s.next.Open, err = c.Open.Sub(amount); err != nil {
		return step{}, fmt.Errorf("spend on %s: %w", l.ID, err)
	}
	s.spent = amount
	if s.next.Spent, err = c.Spent.Add(amount); err != nil {
		return step{}, fmt.Errorf("spend on %s: %w", l.ID, err)
	}
	switch {
	case s.next.Open.Sign() < 0:
		s.excess, s.next.Open = s.next.Open.Neg(), zero(amount)
	case final:
		s.released, s.next.Open = s.next.Open, zero(amount)
	}
	return s, nil
}

// taken is by how much the step lowers what is free on the line.
func (s step) taken() int64 { return s.committed.Minor() + s.excess.Minor() - s.released.Minor() }

// Entry is one act on lines, and the subject of its postings.
type Entry struct {
	platform.Head
	What   string         `json:"what" class:"internal"` // budget.committed
	Source platform.Ref   `json:"source" class:"internal"`
	Legs   []platform.Leg `json:"legs" class:"internal"` // what was asked, by line
	At     time.Time      `json:"at" class:"internal"`
}

// Ref names the entry.
func (e Entry) Ref() platform.Ref { return platform.Ref{Kind: entryKind, ID: e.ID} }
