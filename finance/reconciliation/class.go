package reconciliation

import (
	"context"
	"fmt"
	"slices"

	"github.com/liangding/platform"
)

// Class is what reconciliation makes of a line or an entry.
type Class string

// The classes.
const (
	Matched              Class = "matched"
	Timing               Class = "timing" // the other side may still have it, under the next day
	MissingInBooks       Class = "missing_in_books"
	MissingAtInstitution Class = "missing_at_institution"
	AmountDiffers        Class = "amount_differs"
	FeeDiffers           Class = "fee_differs"
	Duplicate            Class = "duplicate" // the institution has it twice
)

// The passes, in which a [Row] is matched.
const (
	byKey       = 1
	byReference = 2
	byAmount    = 3
	byBatch     = 4
	byCarry     = 5
	byTolerance = 6
)

// Row is what became of some lines and entries together: one of each when they
// match, several of a batch, one alone when the other side is missing.
type Row struct {
	Class    Class             `json:"class"`
	Pass     int               `json:"pass,omitempty"`    // in which they were matched: 1 to 6
	Lines    []string          `json:"lines,omitempty"`   // by their ids; one with #fee is the fee of the line
	Entries  []int64           `json:"entries,omitempty"` // by their numbers on the ledger's account
	Currency platform.Currency `json:"currency"`
	Amount   int64             `json:"amount"`            // of the lines, in minor units; of the entries when there is no line
	Differs  int64             `json:"differs,omitempty"` // lines less entries
	Case     platform.ID       `json:"case,omitempty"`
}

// differences gives what is left its class. Fees that differ by little are
// matched nevertheless.
func (m *matcher) differences(ctx context.Context, old, lines, entries []*item) error {
	var ls, es []*item
	for _, i := range slices.Concat(left(old), left(lines), left(entries)) {
		if i.Line == "" {
			es = append(es, i)
		} else {
			ls = append(ls, i)
		}
	}
	told := map[*item]bool{}
	for _, name := range []func(*item) string{func(i *item) string { return i.Key }, func(i *item) string { return i.Ref }} {
		for _, g := range groups(ls, es, named(name)) {
			all := slices.Concat(g.lines, g.entries)
			if len(g.lines) == 0 || len(g.entries) == 0 || slices.ContainsFunc(all, func(i *item) bool { return told[i] }) {
				continue
			}
			for _, i := range all {
				told[i] = true
			}
			if err := m.differ(ctx, g, all); err != nil {
				return err
			}
		}
	}
	for _, i := range slices.Concat(m.twice, left(slices.Concat(ls, es))) {
		if told[i] || i.taken {
			continue
		}
		if err := m.leave(ctx, m.class(i), []*item{i}); err != nil {
			return err
		}
	}
	return nil
}

// differ is for lines and entries about one thing whose amounts are not equal.
func (m *matcher) differ(ctx context.Context, g *group, all []*item) error {
	fee := all[0].Family == fees
	switch {
	case fee && within(sum(g.lines), sum(g.entries), all[0].Currency):
		return m.match(ctx, byTolerance, all...)
	case fee:
		return m.leave(ctx, FeeDiffers, all)
	}
	return m.leave(ctx, AmountDiffers, all)
}

// leave leaves items open. Of what is as it was nothing is told again.
func (m *matcher) leave(ctx context.Context, c Class, of []*item) error {
	same := true
	for _, i := range of {
		same = same && i.Class == c && !i.fresh
		i.Class = c
	}
	if same {
		return nil
	}
	if err := m.tell(ctx, Row{Class: c}, of); err != nil {
		return fmt.Errorf("leave %s: %w", c, err)
	}
	return nil
}

// class is what an item is that has no other side.
func (m *matcher) class(i *item) Class {
	late := !i.At.Before(m.edge.Add(-m.terms.Late))
	switch {
	case i.Class == FeeDiffers, i.Class == Duplicate, i.Class == AmountDiffers:
		return i.Class
	case late, i.Line == "" && m.unknown(i.At):
		return Timing
	case i.Line == "":
		return MissingAtInstitution
	}
	return MissingInBooks
}
