package finance

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/liangding/platform"
)

// Discrepancy is one thing that is wrong with the books.
type Discrepancy struct {
	Rule     string       `json:"rule"` // V1 to V6, V8 and V11, see [Verify]
	Ref      platform.Ref `json:"ref"`
	Expected string       `json:"expected"`
	Found    string       `json:"found"`
}

// Verify proves the books from their own records, and tells what is wrong:
//
//	V1  a posting is sound by its recipe, and was never changed; what reverses is no more than what was posted; all posted together are zero
//	V2  a counter is the sum of its movements; available is posted less what open holds take
//	V3  movements are numbered 1, 2, 3 …, each with the running value after it; so is the journal of each month
//	V4  nothing was ever available below zero
//	V5  movements are those of the postings and holds, one for one, each with its event
//	V6  a hold is open, or ended once: settled with its posting, or voided or expired without; its parts and rest make it up
//	V8  sums of months, days, accounts and parties are those of the numbered postings
//	V11 what is planned on a budget line is free, committed or spent
//
// It reads everything and writes nothing. db must show one moment, as a
// snapshot does: of commits under way it would see halves. It needs memory for
// a page, for what open holds take, for the sums, and for what it finds; where movements and
// records disagree (V5), also for those of the slots concerned. It fails only
// if it cannot read.
func Verify(ctx context.Context, db platform.Getter) ([]Discrepancy, error) {
	v := &verifier{db: db, store: StoreOn(db), held: map[platform.Ref]int64{}}
	v.books, v.sums = Books{Store: v.store}, newSumming()
	for _, step := range []func(context.Context) error{v.postings, v.pendings, v.numbers, v.summed, v.counters, v.movements, v.differences} {
		if err := step(ctx); err != nil {
			return v.found, fmt.Errorf("verify books: %w", err)
		}
	}
	slices.SortFunc(v.found, func(a, b Discrepancy) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Ref.String(), b.Ref.String()), cmp.Compare(a.Found, b.Found))
	})
	return v.found, nil
}

type verifier struct {
	db    platform.Getter
	store Store
	found []Discrepancy
	held  map[platform.Ref]int64 // by available counter: what open holds take
	tally tally
	books Books
	sums  *summing // that there ought to be
}

func (v *verifier) report(rule string, ref platform.Ref, expected, found any) {
	v.found = append(v.found, Discrepancy{Rule: rule, Ref: ref, Expected: fmt.Sprint(expected), Found: fmt.Sprint(found)})
}

// postings checks every posting by itself, that the hold which it settles says
// so too, and that what it reverses was there to be reversed.
func (v *verifier) postings(ctx context.Context) error {
	for page, err := range all[Posting](ctx, v.db, platform.Query{Kind: postingKind}) {
		if err != nil {
			return err
		}
		var holds []platform.Ref
		for _, p := range page {
			if p.Settles != "" {
				holds = append(holds, platform.Ref{Kind: pendingKind, ID: p.Settles})
			}
		}
		known, err := lookup(ctx, v.db, holds...)
		if err != nil {
			return err
		}
		for _, p := range page {
			v.posting(p)
			if p.Settles != "" && !settledBy(known[platform.Ref{Kind: pendingKind, ID: p.Settles}], p) {
				v.report("V6", p.Ref(), "a hold that it settles", fmt.Sprintf("no %q for it", p.Settles))
			}
			if err := v.reversal(ctx, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// settledBy tells whether a record is a hold that names the posting as what
// settled it, in whole or in part.
func settledBy(r platform.Record, p Posting) bool {
	var hold Pending
	if json.Unmarshal(r.Doc, &hold) != nil || hold.Subject != p.Subject {
		return false
	}
	return slices.Contains(hold.Parts, p.ID) || len(hold.Parts) == 0 && hold.State == Settled && hold.settlement().ID == p.ID
}

func (v *verifier) posting(p Posting) {
	v.tally.add(p.entries(), +1)
	if err := p.check(p.Settles != ""); err != nil {
		v.report("V1", p.Ref(), "a sound posting", err)
	}
	if (p.What == reversed) != (p.Reverses != "") {
		v.report("V1", p.Ref(), "a reversal that names its posting", fmt.Sprintf("%s of %q", p.What, p.Reverses))
	}
	if p.Version != 1 {
		v.report("V1", p.Ref(), "version 1", p.Version)
	}
	if id := p.id(); id != p.ID {
		v.report("V1", p.Ref(), id, p.ID)
	}
}

// pendings checks every hold, and that it has a posting exactly if it is
// settled.
func (v *verifier) pendings(ctx context.Context) error {
	for page, err := range all[Pending](ctx, v.db, platform.Query{Kind: pendingKind}) {
		if err != nil {
			return err
		}
		var settled []platform.Ref
		for _, p := range page {
			settled = append(settled, p.settlement().Ref())
			for _, part := range p.Parts {
				settled = append(settled, platform.Ref{Kind: postingKind, ID: part})
			}
		}
		made, err := lookup(ctx, v.db, settled...)
		if err != nil {
			return err
		}
		for _, p := range page {
			v.pending(p)
			if len(p.Parts) > 0 {
				v.parts(p, made)
				continue
			}
			if record, found := made[p.settlement().Ref()]; found != (p.State == Settled) || found && !equal(record, p.settlement()) {
				v.report("V6", p.Ref(), fmt.Sprintf("%s, with its posting: %t", p.State, p.State == Settled), fmt.Sprintf("%s %s", record.Ref, record.Doc))
			}
		}
	}
	return nil
}

func (v *verifier) pending(p Pending) {
	v.tally.add(p.entries(), +1)
	if err := p.check(true); err != nil {
		v.report("V6", p.Ref(), "a sound hold", err)
	}
	want := map[State]int64{Open: 1, Settled: 2, Voided: 2, Expired: 2}[p.State] + int64(len(p.Parts))
	if p.State == Settled && len(p.Parts) > 0 {
		want-- // the last part ended it
	}
	if p.Version != want || want < 1 {
		v.report("V6", p.Ref(), "open, or ended once", fmt.Sprintf("%s at version %d", p.State, p.Version))
	}
	for _, e := range p.held() {
		v.held[e.counter] -= e.delta
	}
}

// parts checks that what was settled in parts, and what is left or was freed,
// make up what was held.
func (v *verifier) parts(p Pending, made map[platform.Ref]platform.Record) {
	sums := map[platform.Ref]int64{}
	for _, e := range p.taken() {
		sums[e.counter] += e.delta
	}
	for _, e := range p.takes(p.Rest) {
		sums[e.counter] -= e.delta
	}
	for _, id := range p.Parts {
		var part Posting
		r := made[platform.Ref{Kind: postingKind, ID: id}]
		if json.Unmarshal(r.Doc, &part) != nil || part.Settles != p.ID {
			v.report("V6", p.Ref(), "its part "+string(id), fmt.Sprintf("%s %s", r.Ref, r.Doc))
			continue
		}
		for _, e := range p.takes(part.Legs) {
			sums[e.counter] -= e.delta
		}
	}
	for counter, sum := range sums {
		if sum != 0 {
			v.report("V6", p.Ref(), "parts and rest that make up the hold", fmt.Sprintf("%d more on %s", sum, counter))
		}
	}
}

// equal tells whether a record is this posting.
func equal(r platform.Record, p Posting) bool {
	var stored Posting
	err := json.Unmarshal(r.Doc, &stored)
	found, err1 := json.Marshal(stored)
	want, err2 := json.Marshal(p)
	return err == nil && err1 == nil && err2 == nil && bytes.Equal(found, want)
}

// counters checks that all posted together are zero in each currency, and that
// what is available is what was posted less what is held.
func (v *verifier) counters(ctx context.Context) error {
	sums, lines := map[string]*big.Int{}, map[platform.Ref]*big.Int{}
	for page, err := range all[platform.Count](ctx, v.db, platform.Query{Kind: "counter"}) {
		if err != nil {
			return err
		}
		want := map[platform.Ref]int64{}
		for _, c := range page {
			which, a, currency, err := counted(c.Ref)
			if err != nil {
				v.report("V5", c.Ref, "an account of the chart", "none")
			}
			if which != posted || err != nil {
				continue
			}
			if sums[currency] == nil {
				sums[currency] = new(big.Int)
			}
			sums[currency].Add(sums[currency], big.NewInt(c.Value))
			budgeted(lines, a, currency, c.Value)
			if l, _ := lineOf(a.Role); l.Floored {
				free := a.counter(available, currency)
				want[free] = c.Value*int64(l.Normal) - v.held[free]
			}
		}
		if err := v.values(ctx, want); err != nil {
			return err
		}
	}
	v.budgets(lines)
	for currency, sum := range sums {
		if sum.Sign() != 0 {
			v.report("V1", platform.Counter(posted, currency), 0, sum)
		}
	}
	return nil
}

// values checks the values of counters.
func (v *verifier) values(ctx context.Context, want map[platform.Ref]int64) error {
	refs := slices.Collect(maps.Keys(want))
	counts, err := v.store.Counts(ctx, refs...)
	for _, c := range counts {
		if c.Value != want[c.Ref] {
			v.report("V2", c.Ref, want[c.Ref], c.Value)
		}
	}
	return err
}
