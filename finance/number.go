package finance

import (
	"context"
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
		if len(next) > 0 {
			seq.Upto = placeOf(next[len(next)-1])
		}
		changes := seq.give(append(next, late...), s.zone)
		if len(changes) == 0 && seq.Swept == swept {
			return 0, nil, errNumbered
		}
		return len(changes), append(changes, platform.Put(seq)), nil
	})
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
		month := p.At.In(zone).Format("2006-01")
		months[month]++
		changes[i] = platform.Put(Number{Head: platform.Head{ID: p.ID.As("num")}, Month: month, No: months[month], Posting: p.ID})
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
		for i, n := range page {
			if want := last[n.Month] + 1; n.No != want {
				v.report("V3", n.Ref(), fmt.Sprintf("number %d of %s", want, n.Month), n.No)
			}
			last[n.Month] = n.No
			if _, found := known[refs[i]]; !found || n.ID != n.Posting.As("num") {
				v.report("V3", n.Ref(), "the number of a posting", n.Posting)
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
