package finance

import (
	"github.com/liangding/platform"
)

// Outcome is what came of a group.
type Outcome string

// The outcomes. A duplicate was in the books before, and has no second effect.
const (
	Done      Outcome = "posted"
	Duplicate Outcome = "duplicate"
	Refused   Outcome = "refused"
)

// Result is what came of a group.
type Result struct {
	Outcome Outcome `json:"outcome"`
	Made    []Made  `json:"made,omitempty"` // postings and holds, in the order of the steps
	Err     error   `json:"-"`              // why it was refused, in a batch

	fresh bool // decided now, not read from under a key
}

// Made is a posting or a hold that a group made.
type Made struct {
	Ref      platform.Ref `json:"ref"`
	What     string       `json:"what"`
	Accounts []Standing   `json:"accounts"` // one for each leg, in order
}

// Standing is an account as a posting or hold left it, in the account's normal
// direction.
type Standing struct {
	Account   Account        `json:"account"`
	Amount    platform.Money `json:"amount"`             // of the leg: debits above zero
	After     platform.Money `json:"after,omitzero"`     // what was on the account then; absent for a hold, which does not book
	Available platform.Money `json:"available,omitzero"` // what could be taken then; absent where nothing of it moved
	Seq       int64          `json:"seq,omitempty"`      // number of the entry on the account

	posted, available *int // which additions of the set tell them
}

func made(at platform.Ref, f Fact) Made {
	m := Made{Ref: at, What: f.What, Accounts: make([]Standing, len(f.Legs))}
	for i, l := range f.Legs {
		m.Accounts[i] = Standing{Account: accountOf(l), Amount: l.Amount}
	}
	return m
}

// expect notes which of the additions of a set tell the balances.
func (r *Result) expect(changes []platform.Change) {
	n := 0
	for _, c := range changes {
		if c.Op != platform.Add {
			continue
		}
		for i := range r.Made {
			if r.Made[i].Ref == c.Cause {
				r.Made[i].expect(c.Ref, n)
			}
		}
		n++
	}
}

func (m *Made) expect(counter platform.Ref, n int) {
	for i := range m.Accounts {
		s := &m.Accounts[i]
		switch code := s.Amount.Currency().String(); counter {
		case s.Account.counter(posted, code):
			s.posted = &n
		case s.Account.counter(available, code):
			if s.available == nil { // a hold may also be freed in the same set
				s.available = &n
			}
		}
	}
}

// Receive notes the balances that the commit gave. A result that was read from
// under a key is a duplicate.
func (r *Result) Receive(got platform.Receipt) {
	if !r.fresh {
		r.Outcome = Duplicate
		return
	}
	for i := range r.Made {
		for j := range r.Made[i].Accounts {
			s := &r.Made[i].Accounts[j]
			if s.posted != nil {
				s.receive(posted, got.Counters[*s.posted])
			}
			if s.available != nil {
				s.receive(available, got.Counters[*s.available])
			}
		}
	}
}

// remember takes the balances from the movements that it made.
func (m *Made) remember(moved []platform.Movement) {
	for i := range m.Accounts {
		s := &m.Accounts[i]
		for _, v := range moved {
			for _, which := range []string{posted, available} {
				first := which == posted || s.Available == platform.Money{}
				if v.Counter == s.Account.counter(which, s.Amount.Currency().String()) && first {
					s.receive(which, platform.Count{Value: v.After, Seq: v.Seq})
				}
			}
		}
	}
}

func (s *Standing) receive(which string, c platform.Count) {
	row, err := lineOf(s.Account.Role)
	if err != nil {
		return
	}
	if which == available {
		s.Available, _ = platform.FromMinor(c.Value, s.Amount.Currency())
		return
	}
	s.After, _ = platform.FromMinor(c.Value*int64(row.Normal), s.Amount.Currency())
	s.Seq = c.Seq
}
