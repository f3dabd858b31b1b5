package reconciliation

import (
	"context"
	"fmt"
	"slices"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// Verify proves that what is on the accounts of institutions and banks is explained
// by statements and open items (V7): the lines of every statement make up its totals,
// and these the balances that the institution told; the runs of an account are one
// chain without gap, and the lines of each proof are those of the proof before and of
// its statement; the last run's open items are what its proof says, each open entry
// as it was posted; the books stood as the proof says; and nothing is unexplained.
// Accounts are named as in [Service.Runs]. It reads every line, page by page.
func Verify(ctx context.Context, st Store, books finance.Books, accounts ...string) (wrong []finance.Discrepancy, err error) {
	for _, account := range accounts {
		v := verifier{store: st, books: books, lines: map[platform.Currency]platform.Money{}}
		for _, step := range []func(context.Context, string) error{v.statements, v.runs, v.last} {
			if err := step(ctx, account); err != nil {
				return nil, fmt.Errorf("verify %s: %w", account, err)
			}
		}
		wrong = append(wrong, v.wrong...)
	}
	return wrong, nil
}

// verifier proves one account.
type verifier struct {
	store Store
	books finance.Books
	wrong []finance.Discrepancy

	all   []Statement // the last day first
	run   Run         // the last; without id if there is none
	lines map[platform.Currency]platform.Money
}

func (v *verifier) report(on platform.Ref, expected, found any) {
	v.wrong = append(v.wrong, finance.Discrepancy{Rule: "V7", Ref: on, Expected: fmt.Sprint(expected), Found: fmt.Sprint(found)})
}

// statements checks each statement by its lines.
func (v *verifier) statements(ctx context.Context, account string) error {
	for cursor := ""; ; {
		page, err := v.store.Statements(ctx, account, cursor)
		if err != nil {
			return err
		}
		for _, st := range page.Items {
			if err := v.statement(ctx, st); err != nil {
				return err
			}
		}
		v.all = append(v.all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}

func (v *verifier) statement(ctx context.Context, st Statement) error {
	again, count := Statement{}, 0
	for page, err := range pages(ctx, v.store, st.draft(), ofLines, st.Sheets) {
		if err != nil {
			return err
		}
		for _, l := range page.Lines {
			count++
			if err := again.count(l); err != nil {
				return err
			}
		}
	}
	if count != st.Lines {
		v.report(st.Ref(), fmt.Sprintf("%d lines", st.Lines), count)
	}
	for _, t := range st.Totals {
		net, n := minus(t.Net, t.Net), 0
		if at := slices.IndexFunc(again.Totals, func(a Total) bool { return a.Net.Currency() == t.Net.Currency() }); at >= 0 {
			net, n = again.Totals[at].Net, again.Totals[at].Lines
		}
		if net != t.Net || n != t.Lines {
			v.report(st.Ref(), fmt.Sprintf("%s in %d lines", t.Net, t.Lines), fmt.Sprintf("%s in %d", net, n))
		}
		if made := minus(t.Closing, t.Opening); made != t.Net {
			v.report(st.Ref(), fmt.Sprintf("%s from opening to closing", t.Net), made)
		}
	}
	return nil
}

// minus is a less b; a itself where that cannot be.
func minus(a, b platform.Money) platform.Money {
	if d, err := a.Sub(b); err == nil {
		return d
	}
	return a
}

// runs checks the chain of runs, the first first.
func (v *verifier) runs(ctx context.Context, account string) error {
	var all []Run
	for cursor := ""; ; {
		page, err := v.store.Runs(ctx, account, cursor)
		if err != nil {
			return err
		}
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	slices.Reverse(all)
	for i, run := range all {
		if run.No != i+1 {
			v.report(run.Ref(), fmt.Sprintf("run %d", i+1), run.No)
		}
		if i == 0 {
			v.opened(run)
		}
		if err := v.proofs(run); err != nil {
			return err
		}
		v.run = run
	}
	return nil
}

// opened is what lay there before the first run: what the first of the statements
// that were there opened with.
func (v *verifier) opened(first Run) {
	for _, st := range v.all {
		if st.Imported.After(first.At) {
			continue
		}
		clear(v.lines)
		for _, t := range st.Totals {
			v.lines[t.Opening.Currency()] = t.Opening
		}
	}
}

// proofs checks what a run proves by the proof before and its statement.
func (v *verifier) proofs(run Run) error {
	at := slices.IndexFunc(v.all, func(st Statement) bool { return st.ID == run.Statement })
	if at < 0 {
		v.report(run.Ref(), run.Statement, "no such statement")
		return nil
	}
	for _, t := range v.all[at].Totals {
		c := t.Net.Currency()
		before, known := v.lines[c]
		if !known {
			before = minus(t.Net, t.Net)
		}
		sum, err := before.Add(t.Net)
		if err != nil {
			return err
		}
		v.lines[c] = sum
	}
	for _, p := range run.Proofs {
		want, known := v.lines[p.Currency]
		if !known {
			want = minus(p.Lines, p.Lines)
		}
		if p.Lines != want {
			v.report(run.Ref(), fmt.Sprintf("%s by all lines", want), p.Lines)
		}
		again := p
		if err := again.compare(); err != nil {
			return err
		}
		if again.Institution != p.Institution || again.Unexplained != p.Unexplained {
			v.report(run.Ref(), fmt.Sprintf("%s there, %s unexplained", again.Institution, again.Unexplained), fmt.Sprintf("%s, %s", p.Institution, p.Unexplained))
		}
	}
	return nil
}

// last checks the last run by what it has open, and by the books.
func (v *verifier) last(ctx context.Context, _ string) error {
	if v.run.ID == "" {
		return nil
	}
	st, err := v.store.Statement(ctx, v.run.Statement)
	if err != nil {
		return err
	}
	for _, p := range v.run.Proofs {
		again, err := v.reopened(ctx, st, p)
		if err != nil {
			return err
		}
		if again.OpenEntries != p.OpenEntries || again.OpenLines != p.OpenLines {
			v.report(v.run.Ref(), fmt.Sprintf("%s and %s open", p.OpenEntries, p.OpenLines), fmt.Sprintf("%s and %s", again.OpenEntries, again.OpenLines))
		}
		if !p.Holds() {
			v.report(v.run.Ref(), "nothing unexplained", p.Unexplained)
		}
		if p.Seq == 0 {
			continue
		}
		entries, err := v.books.EntriesFrom(ctx, st.Ledger, p.Currency, p.Seq)
		if err != nil {
			return err
		}
		if len(entries) == 0 || entries[0].Seq != p.Seq || entries[0].After != p.Books {
			v.report(v.run.Ref(), fmt.Sprintf("%s after entry %d", p.Books, p.Seq), "another balance of the books")
		}
	}
	return nil
}

// reopened is the proof with what the run has open, added up anew.
func (v *verifier) reopened(ctx context.Context, st Statement, p Proof) (Proof, error) {
	none, err := platform.FromMinor(0, p.Currency)
	if err != nil {
		return Proof{}, err
	}
	again := Proof{Currency: p.Currency, OpenEntries: none, OpenLines: none}
	for page, err := range pages(ctx, v.store, v.run.Draft, ofOpen, v.run.OpenPages) {
		if err != nil {
			return Proof{}, err
		}
		if err := v.entries(ctx, st, p, page.Open); err != nil {
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

// entries checks open entries by their postings.
func (v *verifier) entries(ctx context.Context, st Statement, p Proof, open []item) error {
	var ids []platform.ID
	for _, i := range open {
		if i.Line == "" && i.Posting != "" && i.Currency == p.Currency {
			ids = append(ids, i.Posting)
		}
	}
	posted, err := v.books.Store.Posted(ctx, ids...)
	if err != nil {
		return err
	}
	moved := map[platform.ID]int64{}
	for _, post := range posted {
		for _, l := range post.Legs {
			if l.Role == st.Ledger.Role && l.Party == st.Ledger.Party && l.Amount.Currency() == p.Currency {
				moved[post.ID] += l.Amount.Minor()
			}
		}
	}
	for _, i := range open {
		if i.Line != "" || i.Posting == "" || i.Currency != p.Currency {
			continue
		}
		if is := moved[i.Posting]; is != i.Amount {
			v.report(v.run.Ref(), fmt.Sprintf("%d by %s, open", i.Amount, i.Posting), is)
		}
	}
	return nil
}
