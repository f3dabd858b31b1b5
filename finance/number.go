package finance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Number is the place of a posting in the journal of its month: 1, 2, 3 …
// without gaps, in the order in which postings were booked. A posting gets it
// about a second after it was booked, by [Service.Tick], and keeps it.
type Number struct {
	platform.Head
	Month   string      `json:"month" class:"internal"` // in which the fact happened: 2026-03
	Day     string      `json:"day" class:"internal"`   // on which: 2026-03-05
	No      int64       `json:"no" class:"internal"`
	Posting platform.ID `json:"posting" class:"internal"`
}

// Ref names the number.
func (n Number) Ref() platform.Ref { return platform.Ref{Kind: numberKind, ID: n.ID} }

// sequence is how far the numbering has come.
type sequence struct {
	platform.Head
	Months map[string]int64 `json:"months" class:"internal"` // the last number of each
	Upto   place            `json:"upto" class:"internal"`   // of all until here that were there at the time
	Swept  place            `json:"swept" class:"internal"`  // of all until here, those that were committed late included
}

// place is where a posting stands in the order in which they were booked.
type place struct {
	Booked time.Time   `json:"booked,omitzero" class:"internal"`
	ID     platform.ID `json:"id,omitempty" class:"internal"`
}

func (s sequence) Ref() platform.Ref { return platform.Ref{Kind: sequenceKind, ID: s.ID} }

// sequenceID is that of the one sequence of a book.
var sequenceID = platform.NewID("seq", time.Unix(0, 0), 0, 0)

// A posting is numbered when it was booked so long ago; one that took longer to
// commit is found by the second look, and numbered after those of its time.
const (
	numberLag = time.Second
	sweepLag  = 10 * time.Minute
)

type number struct{}

// number gives the next postings their numbers, at most limit, and tells how
// many. Of several at once one does it.
func (s *Service) number(ctx context.Context, now time.Time, limit int) (int, error) {
	return platform.Update(ctx, s.w, number{}, func(ctx context.Context) (int, []platform.Change, error) {
		seq, err := s.books.Store.Sequence(ctx)
		if err != nil {
			return 0, nil, err
		}
		next, err := s.books.Store.Booked(ctx, seq.Upto, now.Add(-numberLag), limit)
		if err != nil {
			return 0, nil, err
		}
		swept := seq.Swept
		late, err := s.late(ctx, &seq, now, limit)
		if err != nil {
			return 0, nil, err
		}
		if next = fitting(next); len(next) > 0 {
			seq.Upto = placeOf(next[len(next)-1])
		}
		if fit := fitting(append(slices.Clip(next), late...)); len(fit) < len(next)+len(late) {
			late, seq.Swept = nil, swept // another pass looks for them
			if len(next) == 0 {
				late, seq.Swept = fit, placeOf(fit[len(fit)-1])
			}
		}
		all := slices.Concat(next, late)
		changes := seq.give(all, s.zone)
		if len(changes) == 0 && seq.Swept == swept {
			return 0, nil, errNumbered
		}
		sums, err := s.books.sum(ctx, all, changes)
		if err != nil {
			return 0, nil, err
		}
		return len(changes), slices.Concat(changes, sums.changes(), []platform.Change{platform.Put(seq)}), nil
	})
}

// fitting are as many of the postings as one set has room for, with all the sums
// that they may touch.
func fitting(postings []Posting) []Posting {
	rows := 0
	for i, p := range postings {
		if rows += 3 + 2*len(p.Legs); rows > 9000 {
			return postings[:max(i, 1)]
		}
	}
	return postings
}

// sum adds postings to the sums that there are, under the numbers that they get.
func (b Books) sum(ctx context.Context, postings []Posting, numbers []platform.Change) (*summing, error) {
	roots, err := b.roots(ctx, postings)
	if err != nil {
		return nil, err
	}
	add := func(s *summing) {
		for i, p := range postings {
			n, _ := numbers[i].Value.(Number)
			s.add(n, p, roots[p.ID])
		}
	}
	s := newSumming() // which it takes
	if add(s); len(postings) == 0 {
		return s, nil
	}
	there, err := b.Store.Summed(ctx, slices.Collect(maps.Keys(s.spans)), slices.Collect(maps.Keys(s.accounts)), slices.Collect(maps.Keys(s.parties)))
	if err != nil {
		return nil, fmt.Errorf("sums: %w", err)
	}
	add(there)
	return there, nil
}

// roots are, by the id of each posting, what it took back in the end if it is a
// reversal, and otherwise itself.
func (b Books) roots(ctx context.Context, postings []Posting) (map[platform.ID]Posting, error) {
	roots := make(map[platform.ID]Posting, len(postings))
	for _, p := range postings {
		roots[p.ID] = p
	}
	for range 8 { // a reversal of a reversal of a reversal …
		var ids []platform.ID
		for _, p := range roots {
			if _, err := platform.ParseID(string(p.Reverses)); err == nil && p.What == reversed {
				ids = append(ids, p.Reverses)
			}
		}
		if len(ids) == 0 {
			break
		}
		found, err := b.Store.Posted(ctx, ids...)
		if err != nil {
			return nil, fmt.Errorf("what was reversed: %w", err)
		}
		for id, p := range roots {
			for _, f := range found {
				if p.What == reversed && p.Reverses == f.ID {
					roots[id] = f
				}
			}
		}
	}
	return roots, nil
}

// errNumbered ends a pass that has nothing to do.
var errNumbered = errors.New("all postings are numbered")

// late are postings before the place where the numbering is that have no number.
func (s *Service) late(ctx context.Context, seq *sequence, now time.Time, limit int) ([]Posting, error) {
	until := now.Add(-sweepLag)
	if seq.Upto.ID == "" {
		return nil, nil
	}
	if !until.Before(seq.Upto.Booked) { // those of that very moment may be next
		until = seq.Upto.Booked.Add(-time.Microsecond)
	}
	found, err := s.books.Store.Booked(ctx, seq.Swept, until, limit)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	seq.Swept = placeOf(found[len(found)-1])
	ids := make([]platform.ID, len(found))
	for i, p := range found {
		ids[i] = p.ID.As("num")
	}
	numbers, err := s.books.Store.Numbers(ctx, ids...)
	return slices.DeleteFunc(found, func(p Posting) bool {
		return slices.ContainsFunc(numbers, func(n Number) bool { return n.Posting == p.ID })
	}), err
}

// give numbers postings, each in the month in which its fact happened.
func (s *sequence) give(postings []Posting, zone *time.Location) []platform.Change {
	months := make(map[string]int64, len(s.Months)+1)
	maps.Copy(months, s.Months)
	changes := make([]platform.Change, len(postings))
	for i, p := range postings {
		month, day := monthOf(p.At, zone), p.At.In(zone).Format(time.DateOnly)
		months[month]++
		changes[i] = platform.Put(Number{Head: platform.Head{ID: p.ID.As("num")}, Month: month, Day: day, No: months[month], Posting: p.ID})
	}
	s.Months = months
	return changes
}

func placeOf(p Posting) place { return place{p.Booked, p.ID} }

// Numbered is a posting with its number.
type Numbered struct {
	No      int64   `json:"no"`
	Posting Posting `json:"posting"`
}

// Journal is a page of the journal of a month, "2026-03", by number. Operators,
// auditors and the system read it; others are refused with ErrReader.
func (b Books) Journal(ctx context.Context, month, cursor string) (platform.Page[Numbered], error) {
	actor, err := platform.ActorOf(ctx)
	if err == nil && !b.reads(actor, "") {
		err = ErrReader
	}
	if err != nil {
		return platform.Page[Numbered]{}, fmt.Errorf("journal of %s: %w", month, err)
	}
	page, err := b.Store.Month(ctx, month, cursor)
	if err != nil {
		return platform.Page[Numbered]{}, fmt.Errorf("journal of %s: %w", month, err)
	}
	ids := make([]platform.ID, len(page.Items))
	for i, n := range page.Items {
		ids[i] = n.Posting
	}
	postings, err := b.Store.Postings(ctx, ids...)
	if err != nil {
		return platform.Page[Numbered]{}, fmt.Errorf("journal of %s: %w", month, err)
	}
	out := platform.Page[Numbered]{Items: make([]Numbered, len(ids)), Next: page.Next}
	for i, n := range page.Items {
		out.Items[i] = Numbered{n.No, postings[i]}
	}
	return out, nil
}

// numbers checks that the numbers of each month have no gap, and that each is of
// one posting.
func (v *verifier) numbers(ctx context.Context) error {
	seq, err := v.store.Sequence(ctx)
	if err != nil {
		return err
	}
	last := map[string]int64{}
	for page, err := range all[Number](ctx, v.db, platform.Query{Kind: numberKind, By: []string{"month", "no"}}) {
		if err != nil {
			return err
		}
		refs := make([]platform.Ref, len(page))
		for i, n := range page {
			refs[i] = platform.Ref{Kind: postingKind, ID: n.Posting}
		}
		known, err := lookup(ctx, v.db, refs...)
		if err != nil {
			return err
		}
		if err := v.sumUp(ctx, page, known); err != nil {
			return err
		}
		for i, n := range page {
			if want := last[n.Month] + 1; n.No != want {
				v.report("V3", n.Ref(), fmt.Sprintf("number %d of %s", want, n.Month), n.No)
			}
			last[n.Month] = n.No
			var p Posting
			_ = json.Unmarshal(known[refs[i]].Doc, &p)
			if p.ID == "" || n.ID != n.Posting.As("num") {
				v.report("V3", n.Ref(), "the number of a posting", n.Posting)
			} else if !n.dated(p) {
				v.report("V3", n.Ref(), "the day of "+p.At.String(), n.Day)
			}
		}
	}
	for month, n := range seq.Months {
		if last[month] != n {
			v.report("V3", seq.Ref(), fmt.Sprintf("%d numbers in %s", n, month), last[month])
		}
	}
	return nil
}
