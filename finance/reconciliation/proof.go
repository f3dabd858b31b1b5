package reconciliation

import (
	"github.com/liangding/platform"
)

// Proof is how books and institution come together in one currency: what the
// books have less their open entries is what the institution has less its open
// lines. What is left unexplained is zero, unless a statement is missing or does
// not make up its own balances.
type Proof struct {
	Currency    platform.Currency `json:"currency"`
	Books       platform.Money    `json:"books"` // on the ledger's account
	OpenEntries platform.Money    `json:"open_entries"`
	Institution platform.Money    `json:"institution"` // its balance: the last that it told, if that is of the last day; otherwise what lines make up
	OpenLines   platform.Money    `json:"open_lines"`
	Unexplained platform.Money    `json:"unexplained"`

	Seq     int64          `json:"seq"`   // of the last entry that was read
	Lines   platform.Money `json:"lines"` // what all lines since the first opening balance make up
	Told    platform.Money `json:"told,omitzero"`
	ToldDay string         `json:"told_day,omitempty"`
	LastDay string         `json:"last_day,omitempty"`
}

// Holds tells whether nothing is unexplained.
func (p Proof) Holds() bool { return p.Unexplained.Sign() == 0 }

// next is the proof before anything of the next day.
func (p Proof) next() Proof {
	return Proof{Currency: p.Currency, Books: p.Books, Seq: p.Seq, Lines: p.Lines, Told: p.Told, ToldDay: p.ToldDay, LastDay: p.LastDay}
}

// leave counts an open item.
func (p *Proof) leave(i *item) error {
	m, err := platform.FromMinor(i.Amount, i.Currency)
	if err != nil {
		return err
	}
	side := &p.OpenLines
	if i.Line == "" {
		side = &p.OpenEntries
	}
	*side, err = side.Add(m)
	return err
}

// close compares both sides.
func (p *Proof) close(st Statement) error {
	p.LastDay = max(p.LastDay, st.Day)
	for _, t := range st.Totals {
		if t.Net.Currency() != p.Currency {
			continue
		}
		var err error
		if p.Lines, err = p.Lines.Add(t.Net); err != nil {
			return err
		}
		if t.Told && st.Day >= p.ToldDay {
			p.Told, p.ToldDay = t.Closing, st.Day
		}
	}
	return p.compare()
}

// compare makes out what is left unexplained.
func (p *Proof) compare() error {
	if p.Institution = p.Lines; p.ToldDay != "" && p.ToldDay == p.LastDay {
		p.Institution = p.Told
	}
	ours, err := p.Books.Sub(p.OpenEntries)
	if err != nil {
		return err
	}
	theirs, err := p.Institution.Sub(p.OpenLines)
	if err == nil {
		p.Unexplained, err = ours.Sub(theirs)
	}
	return err
}
