package settlement

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// Verify proves payouts and statements against the books (V12), and tells what is
// wrong: a statement goes on where the one before ended, and its totals, and the
// ledger at its last entry, make up its closing; a payout that is in flight has an
// open hold of its amount, one that is paid a settled one, one that failed a freed
// one, and one that came back its posting; and no hold of a payout is without it.
//
// It reads everything and writes nothing. db must show one moment, as a snapshot
// does. It fails only if it cannot read.
func Verify(ctx context.Context, db platform.Getter) ([]finance.Discrepancy, error) {
	v := verifier{db: db, ledger: finance.StoreOn(db)}
	for _, step := range []func(context.Context) error{v.statements, v.payouts, v.holds} {
		if err := step(ctx); err != nil {
			return v.found, fmt.Errorf("verify settlements: %w", err)
		}
	}
	return v.found, nil
}

type verifier struct {
	db     platform.Getter
	ledger finance.Store
	found  []finance.Discrepancy
}

func (v *verifier) report(ref platform.Ref, expected, found any) {
	v.found = append(v.found, finance.Discrepancy{Rule: "V12", Ref: ref, Expected: fmt.Sprint(expected), Found: fmt.Sprint(found)})
}

// all walks the records that a query finds, page by page.
func all[T any](ctx context.Context, db platform.Getter, q platform.Query) iter.Seq2[[]T, error] {
	q.Limit = pageSize
	return func(yield func([]T, error) bool) {
		for {
			page, err := platform.List[T](ctx, db, q)
			if !yield(page.Items, err) || err != nil || page.Next == "" {
				return
			}
			q.Cursor = page.Next
		}
	}
}

// statements checks each account's chain, in order.
func (v *verifier) statements(ctx context.Context) error {
	var before Statement
	for page, err := range all[Statement](ctx, v.db, platform.Query{Kind: statementKind, By: []string{"account", "no"}}) {
		if err != nil {
			return err
		}
		for _, st := range page {
			if before.Account != st.Account {
				before = Statement{No: 0, To: st.From}
				before.Closing, _ = st.Opening.Sub(st.Opening) // one currency
			}
			if st.No != before.No+1 || st.After != before.Last || st.Opening != before.Closing {
				v.report(st.Ref(), fmt.Sprintf("no. %d from %s after entry %d", before.No+1, before.Closing, before.Last), fmt.Sprintf("no. %d from %s after entry %d", st.No, st.Opening, st.After))
			}
			if err := v.figures(ctx, st); err != nil {
				return err
			}
			before = st
		}
	}
	return nil
}

// figures checks a cut statement by its totals and by the ledger.
func (v *verifier) figures(ctx context.Context, st Statement) error {
	if st.State == StatementOpen {
		return nil
	}
	sum, count := st.Opening, int64(0)
	for _, t := range st.Totals {
		var err error
		if sum, err = sum.Add(t.Amount); err != nil {
			return err
		}
		count += t.Count
	}
	if sum != st.Closing || count != st.Last-st.After {
		v.report(st.Ref(), fmt.Sprintf("%s of %d entries", sum, count), fmt.Sprintf("%s of %d", st.Closing, st.Last-st.After))
	}
	counter := platform.Counter("posted:payable:"+string(st.Party), st.Opening.Currency().String())
	last, err := v.ledger.MovementsFrom(ctx, counter, st.Last, 1, false)
	if err == nil && (len(last) == 0 || last[0].Seq != st.Last || last[0].After != -st.Closing.Minor()) {
		v.report(st.Ref(), fmt.Sprintf("%s after entry %d", st.Closing, st.Last), "another balance in the ledger")
	}
	return err
}

// holdOf is how the hold of a payout must stand.
var holdOf = map[PayoutState]finance.State{
	PayoutSending: finance.Open, PayoutUnknown: finance.Open, PayoutManual: finance.Open,
	PayoutPaid: finance.Settled, PayoutReturned: finance.Settled, PayoutFailed: finance.Voided,
}

func (v *verifier) payouts(ctx context.Context) error {
	for page, err := range all[Payout](ctx, v.db, platform.Query{Kind: payoutKind}) {
		if err != nil {
			return err
		}
		ids := make([]platform.ID, len(page))
		for i, p := range page {
			ids[i] = p.ID.As("pen")
		}
		holds, err := v.ledger.Pendings(ctx, ids...)
		if err != nil {
			return err
		}
		of := make(map[platform.ID]finance.Pending, len(holds))
		for _, h := range holds {
			of[h.ID] = h
		}
		for _, p := range page {
			h := of[p.ID.As("pen")]
			if h.State != holdOf[p.State] {
				v.report(p.Ref(), fmt.Sprintf("%s, its hold %q", p.State, holdOf[p.State]), fmt.Sprintf("%q", h.State))
			}
			gross, err := p.gross()
			kept, failed := keptBack(h.Legs)
			if err := errors.Join(err, failed); err != nil {
				return err
			}
			if h.State != "" && (kept != p.Withheld || !slices.ContainsFunc(h.Legs, func(l platform.Leg) bool {
				return l.Role == "payable" && l.Party == p.Party && l.Amount == gross
			})) {
				v.report(p.Ref(), fmt.Sprintf("a hold of %s for %s", gross, p.Party), "another")
			}
		}
		if err := v.returned(ctx, page); err != nil {
			return err
		}
	}
	return nil
}

// returned checks that what came back is booked, and nothing else.
func (v *verifier) returned(ctx context.Context, page []Payout) error {
	ids := make([]platform.ID, len(page))
	for i, p := range page {
		legs, err := p.back(platform.Leg{Role: "clearing", Party: "any"})
		if err != nil {
			return err
		}
		set, err := finance.Post(finance.Fact{What: "payout.returned", Subject: p.Ref(), At: p.PlannedAt, Legs: legs})
		if err != nil {
			return err
		}
		if ids[i] = p.ID.As("pst"); len(set) > 0 {
			ids[i] = set[0].Ref.ID
		}
	}
	known, err := v.ledger.Posted(ctx, ids...)
	if err != nil {
		return err
	}
	for i, p := range page {
		booked := slices.ContainsFunc(known, func(post finance.Posting) bool { return post.ID == ids[i] })
		if booked != (p.State == PayoutReturned) {
			v.report(p.Ref(), fmt.Sprintf("%s, booked back %t", p.State, p.State == PayoutReturned), booked)
		}
	}
	return nil
}

// holds checks that every hold of a payout has it.
func (v *verifier) holds(ctx context.Context) error {
	for page, err := range all[finance.Pending](ctx, v.db, platform.Query{Kind: "finance.pending"}) {
		if err != nil {
			return err
		}
		var refs []platform.Ref
		for _, h := range page {
			if h.What == "payout.sent" && h.Subject.Kind == payoutKind {
				refs = append(refs, h.Subject)
			}
		}
		known, err := platform.Lookup(ctx, v.db, refs...)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			if _, there := known[ref]; !there {
				v.report(ref, "a payout of the hold", "none")
			}
		}
	}
	return nil
}
