package reconciliation

import (
	"context"
	"fmt"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
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

// Verify recomputes the proof of the last run of each of these accounts (V7):
// the balance from the entries of the books, the lines from the statements, and
// what is open from the run. Accounts are named as in [Service.Runs].
func Verify(ctx context.Context, st Store, books finance.Books, accounts ...string) (wrong []finance.Discrepancy, err error) {
	for _, account := range accounts {
		runs, err := st.Runs(ctx, account, "")
		if err != nil {
			return nil, fmt.Errorf("verify %s: %w", account, err)
		}
		if len(runs.Items) == 0 {
			continue
		}
		found, err := verify(ctx, st, books, runs.Items[0])
		if err != nil {
			return nil, fmt.Errorf("verify %s: %w", account, err)
		}
		wrong = append(wrong, found...)
	}
	return wrong, nil
}

func verify(ctx context.Context, st Store, books finance.Books, run Run) (wrong []finance.Discrepancy, err error) {
	statement, err := st.Statement(ctx, run.Statement)
	if err != nil {
		return nil, err
	}
	report := func(expected, found any) {
		wrong = append(wrong, finance.Discrepancy{Rule: "V7", Ref: run.Ref(), Expected: fmt.Sprint(expected), Found: fmt.Sprint(found)})
	}
	for _, p := range run.Proofs {
		again, err := p.reopened(ctx, st, run)
		if err != nil {
			return nil, err
		}
		if again.OpenEntries != p.OpenEntries || again.OpenLines != p.OpenLines {
			report(fmt.Sprintf("%s and %s open", p.OpenEntries, p.OpenLines), fmt.Sprintf("%s and %s", again.OpenEntries, again.OpenLines))
		}
		if !p.Holds() {
			report("nothing unexplained", p.Unexplained)
		}
		if p.Seq == 0 {
			continue
		}
		entries, err := books.EntriesFrom(ctx, statement.Ledger, p.Currency, p.Seq)
		if err != nil {
			return nil, err
		}
		if len(entries) == 0 || entries[0].Seq != p.Seq || entries[0].After != p.Books {
			report(fmt.Sprintf("%s after entry %d", p.Books, p.Seq), "another balance of the books")
		}
	}
	return wrong, nil
}

// reopened is the proof with what the run has open, added up anew.
func (p Proof) reopened(ctx context.Context, st Store, run Run) (Proof, error) {
	none, err := platform.FromMinor(0, p.Currency)
	if err != nil {
		return Proof{}, err
	}
	again := Proof{Currency: p.Currency, OpenEntries: none, OpenLines: none}
	for page, err := range pages(ctx, st, run.Draft, ofOpen, run.OpenPages) {
		if err != nil {
			return Proof{}, err
		}
		for _, i := range page.Open {
			if i.Currency != p.Currency {
				continue
			}
			if err := again.leave(&i); err != nil {
				return Proof{}, err
			}
		}
	}
	return again, nil
}
