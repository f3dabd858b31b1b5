package settlement

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// Sums are the entries of a window, added up.
type Sums struct {
	Last    int64 // the number of the last entry
	Closing platform.Money
	Totals  []Total // by kind of fact, in their order
}

// entries walks the entries of a party's payable after one with a number, page
// by page, until yield is content. Of one page at a time there is memory.
func (s *Service) entries(ctx context.Context, a Statement, after int64, limit int) ([]finance.Entry, error) {
	ledger, currency := finance.StoreOn(s.db), a.Opening.Currency()
	moved, err := ledger.MovementsFrom(ctx, Account{Party: a.Party, Currency: currency.String()}.counter("posted", "payable"), after+1, limit, false)
	if err != nil || len(moved) == 0 {
		return nil, err
	}
	ids := make([]platform.ID, len(moved))
	for i, m := range moved {
		ids[i] = m.Cause.ID
	}
	postings, err := ledger.Postings(ctx, ids...)
	if err != nil {
		return nil, err
	}
	entries := make([]finance.Entry, len(moved))
	for i, m := range moved {
		amount, one := platform.FromMinor(-m.Delta, currency) // what is owed is a credit
		rest, two := platform.FromMinor(-m.After, currency)
		p := postings[i]
		kept, three := keptBack(p.Legs)
		if err := cmp.Or(one, two, three); err != nil {
			return nil, err
		}
		entries[i] = finance.Entry{Seq: m.Seq, At: m.At, Effective: p.At, What: p.What, Subject: p.Subject, Posting: p.ID, Amount: amount, Withheld: kept, After: rest}
	}
	return entries, nil
}

// sums adds up what was booked after the statement before, up to the first entry
// that came after the window. What is recorded later with an earlier time is the
// next statement's: each entry is in exactly one.
func (s *Service) sums(ctx context.Context, st Statement) (Sums, error) {
	out, by := Sums{Last: st.After, Closing: st.Opening}, map[string]Total{}
	for more := true; more; {
		entries, err := s.entries(ctx, st, out.Last, pageSize)
		if err != nil {
			return Sums{}, fmt.Errorf("add up statement %s: %w", st.ID, err)
		}
		more = len(entries) == pageSize
		for _, e := range entries {
			if !e.At.Before(st.To) {
				more = false
				break
			}
			t, err := by[e.What].plus(e)
			if err != nil {
				return Sums{}, fmt.Errorf("add up statement %s: %w", st.ID, err)
			}
			by[e.What], out.Last, out.Closing = t, e.Seq, e.After
		}
	}
	for _, t := range by {
		out.Totals = append(out.Totals, t)
	}
	slices.SortFunc(out.Totals, func(a, b Total) int { return cmp.Compare(a.What, b.What) })
	return out, nil
}

func (t Total) plus(e finance.Entry) (Total, error) {
	if t.What == "" {
		return Total{What: e.What, Count: 1, Amount: e.Amount, Withheld: e.Withheld}, nil
	}
	var err error
	t.Count++
	if t.Amount, err = t.Amount.Add(e.Amount); err != nil || e.Withheld.Absent() {
		return t, err
	}
	if t.Withheld.Absent() {
		t.Withheld = e.Withheld
		return t, nil
	}
	t.Withheld, err = t.Withheld.Add(e.Withheld)
	return t, err
}

// Lines are a page of a statement's entries, in order, as the ledger has them. Of
// an open statement it is what was booked so far. A cursor is the number of the
// entry before the page.
func (s *Service) Lines(ctx context.Context, statement platform.ID, cursor string) (platform.Page[finance.Entry], error) {
	st, err := s.Statement(ctx, statement)
	if err != nil {
		return platform.Page[finance.Entry]{}, err
	}
	after := st.After
	if cursor != "" {
		if after, err = strconv.ParseInt(cursor, 10, 64); err != nil || after < st.After {
			return platform.Page[finance.Entry]{}, fmt.Errorf("lines of %s: %w", st.ID, ErrLine)
		}
	}
	limit := 100
	if st.State != StatementOpen {
		limit = int(min(int64(limit), max(st.Last-after, 0)))
	}
	if limit == 0 {
		return platform.Page[finance.Entry]{}, nil
	}
	entries, err := s.entries(ctx, st, after, limit)
	if err != nil {
		return platform.Page[finance.Entry]{}, fmt.Errorf("lines of %s: %w", st.ID, err)
	}
	page := platform.Page[finance.Entry]{Items: entries}
	if n := len(entries); n == limit && (st.State == StatementOpen || entries[n-1].Seq < st.Last) {
		page.Next = strconv.FormatInt(entries[n-1].Seq, 10)
	}
	return page, nil
}
