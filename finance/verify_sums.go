package finance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// sumUp adds numbered postings to the sums that there ought to be.
func (v *verifier) sumUp(ctx context.Context, numbers []Number, known map[platform.Ref]platform.Record) error {
	postings := make([]Posting, len(numbers))
	for i, n := range numbers {
		_ = json.Unmarshal(known[platform.Ref{Kind: postingKind, ID: n.Posting}].Doc, &postings[i])
	}
	roots, err := v.books.roots(ctx, postings)
	for i, p := range postings {
		if p.ID != "" {
			v.sums.add(numbers[i], p, roots[p.ID])
		}
	}
	return err
}

// dated tells whether a number is of the day on which the posting happened, in
// some zone of the world.
func (n Number) dated(p Posting) bool {
	day, err := time.Parse(time.DateOnly, n.Day)
	off := p.At.Sub(day)
	return err == nil && strings.HasPrefix(n.Day, n.Month+"-") && off > -15*time.Hour && off < 39*time.Hour
}

// summed checks the sums of months, days, accounts and parties.
func (v *verifier) summed(ctx context.Context) error {
	if err := recount(ctx, v, sumsKind, v.sums.spans); err != nil {
		return err
	}
	if err := recount(ctx, v, accountSumKind, v.sums.accounts); err != nil {
		return err
	}
	return recount(ctx, v, turnoverKind, v.sums.parties)
}

// recount compares records of a kind with those that there ought to be.
func recount[T platform.Stored](ctx context.Context, v *verifier, kind string, want map[platform.ID]*T) error {
	for page, err := range all[T](ctx, v.db, platform.Query{Kind: kind}) {
		if err != nil {
			return err
		}
		for _, found := range page {
			ought, err := json.Marshal(want[found.Ref().ID])
			if err != nil {
				return err
			}
			delete(want, found.Ref().ID)
			if is, err := json.Marshal(found); err != nil || !bytes.Equal(is, ought) {
				v.report("V8", found.Ref(), string(ought), string(is))
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		ought, _ := json.Marshal(want[id])
		v.report("V8", platform.Ref{Kind: kind, ID: id}, string(ought), "none")
	}
	return nil
}

// budgets checks that what is planned on each line is free, committed or spent.
func (v *verifier) budgets(sums map[platform.Ref]*big.Int) {
	for line, sum := range sums {
		if sum.Sign() != 0 {
			v.report("V11", line, "plan = free + committed + spent", fmt.Sprintf("%s more is planned", sum))
		}
	}
}

// budgeted adds what is posted on a memo account to its budget line, which the
// counter of what is planned names.
func budgeted(lines map[platform.Ref]*big.Int, a Account, currency string, value int64) {
	if row, err := lineOf(a.Role); err != nil || row.Class != Memo {
		return
	}
	line := Account{Role: "plan", Of: a.Of}.counter(posted, currency)
	if lines[line] == nil {
		lines[line] = new(big.Int)
	}
	lines[line].Add(lines[line], big.NewInt(value))
}
