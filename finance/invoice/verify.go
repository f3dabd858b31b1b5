package invoice

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// Verify proves the invoices from their own records (V10), and tells what is
// wrong: the numbers of each series are 1, 2, 3 … without gap or double; the lines
// of an invoice make its totals, and no red letter took back more than there was; the
// letters that were issued make up what was taken back, and one is under way exactly
// if the invoice says so;
// each invoice is in the tally of its subject, which is the sum of them; and what
// stands on invoices is not above what [Sales] says, unless the tally knows. It
// reads page by page and writes nothing.
func Verify(ctx context.Context, db platform.Getter, sales Sales) ([]finance.Discrepancy, error) {
	v := verifier{db: db, sales: Service{ports: Ports{Sales: sales}}}
	if err := v.invoices(ctx); err != nil {
		return nil, fmt.Errorf("verify invoices: %w", err)
	}
	if err := v.tallies(ctx); err != nil {
		return nil, fmt.Errorf("verify tallies: %w", err)
	}
	return v.found, nil
}

type verifier struct {
	db    platform.Getter
	sales Service
	found []finance.Discrepancy
}

func (v *verifier) report(on platform.Ref, expected, found any) {
	v.found = append(v.found, finance.Discrepancy{Rule: "V10", Ref: on, Expected: fmt.Sprint(expected), Found: fmt.Sprint(found)})
}

// pages are the records of a kind, in the order of an index.
func pages[T any](ctx context.Context, db platform.Getter, q platform.Query) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		for q.Limit = 500; ; {
			page, err := platform.List[T](ctx, db, q)
			if !yield(page.Items, err) || err != nil || page.Next == "" {
				return
			}
			q.Cursor = page.Next
		}
	}
}

func (v *verifier) invoices(ctx context.Context) error {
	var series platform.Ref
	last := int64(0)
	for page, err := range pages[Invoice](ctx, v.db, platform.Query{Kind: invoiceKind, By: []string{"seller", "kind", "number"}}) {
		if err != nil {
			return err
		}
		if err := v.single(ctx, page); err != nil {
			return err
		}
		for _, inv := range page {
			if at := (platform.Ref{Kind: seriesKind, ID: seriesID(inv.Seller, inv.Kind)}); at != series {
				if err := v.series(ctx, series, last); err != nil {
					return err
				}
				series, last = at, 0
			}
			if inv.Number == 0 {
				continue
			}
			if last++; inv.Number != last {
				v.report(inv.Ref(), fmt.Sprintf("number %d", last), inv.Number)
				last = inv.Number
			}
		}
	}
	return v.series(ctx, series, last)
}

// single checks invoices by themselves, and with their tallies and letters.
func (v *verifier) single(ctx context.Context, page []Invoice) error {
	refs := make([]platform.Ref, len(page))
	for i, inv := range page {
		refs[i] = platform.Ref{Kind: tallyKind, ID: TallyID(inv.Subject, inv.Kind)}
	}
	counted, err := v.counted(ctx, refs)
	if err != nil {
		return err
	}
	letters, err := v.letters(ctx, page)
	for i, inv := range page {
		v.invoice(inv)
		v.reversed(inv, letters[inv.ID])
		if !slices.Contains(counted[refs[i].ID].Invoices, inv.ID) {
			v.report(inv.Ref(), "counted in "+string(refs[i].ID), "not there")
		}
	}
	return err
}

// letters are those of invoices that are there, by invoice.
func (v *verifier) letters(ctx context.Context, page []Invoice) (map[platform.ID][]Letter, error) {
	var refs []platform.Ref
	for _, inv := range page {
		for n := range inv.Letters {
			refs = append(refs, platform.Ref{Kind: letterKind, ID: letterID(inv.ID, n)})
		}
	}
	all := map[platform.ID][]Letter{}
	for some := range slices.Chunk(refs, 500) {
		records, err := platform.Lookup(ctx, v.db, some...)
		if err != nil {
			return nil, err
		}
		found, err := platform.Found[Letter](records, some...)
		if err != nil {
			return nil, err
		}
		for _, l := range found {
			all[l.Invoice] = append(all[l.Invoice], l)
		}
	}
	return all, nil
}

// reversed checks an invoice by its red letters: those that were issued make up what
// was taken back, and exactly the one that it names is under way.
func (v *verifier) reversed(inv Invoice, letters []Letter) {
	if len(letters) != inv.Letters {
		v.report(inv.Ref(), fmt.Sprintf("%d red letters", inv.Letters), len(letters))
		return
	}
	red, open := minus(inv.Gross, inv.Gross), platform.ID("")
	for _, l := range letters {
		if l.State == LetterIssued {
			red = plus(red, l.Gross)
		}
		if l.EndedAt.IsZero() {
			open += l.ID
		}
	}
	if red != inv.Red {
		v.report(inv.Ref(), fmt.Sprintf("%s by its red letters", red), inv.Red)
	}
	if open != inv.Letter || (open != "") != (inv.State == RedPending) {
		v.report(inv.Ref(), fmt.Sprintf("letter %q under way", open), fmt.Sprintf("%q in %s", inv.Letter, inv.State))
	}
}

// counted are those of the tallies that exist, by id.
func (v *verifier) counted(ctx context.Context, refs []platform.Ref) (map[platform.ID]Tally, error) {
	refs = slices.Clone(refs)
	slices.SortFunc(refs, func(a, b platform.Ref) int { return compare(a.ID, b.ID) })
	refs = slices.Compact(refs)
	records, err := platform.Lookup(ctx, v.db, refs...)
	if err != nil {
		return nil, err
	}
	tallies, err := platform.Found[Tally](records, refs...)
	all := make(map[platform.ID]Tally, len(tallies))
	for _, t := range tallies {
		all[t.ID] = t
	}
	return all, err
}

func compare(a, b platform.ID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// series checks how far a series says it has come.
func (v *verifier) series(ctx context.Context, on platform.Ref, last int64) error {
	if on == (platform.Ref{}) {
		return nil
	}
	found, err := platform.Lookup(ctx, v.db, on)
	if err != nil {
		return err
	}
	all, err := platform.Found[Series](found, on)
	told := int64(0)
	if len(all) > 0 {
		told = all[0].Last
	}
	if told != last {
		v.report(on, fmt.Sprintf("last number %d", last), told)
	}
	return err
}

func (v *verifier) invoice(inv Invoice) {
	if len(inv.Lines) == 0 {
		v.report(inv.Ref(), "lines", "none")
		return
	}
	red := minus(inv.Gross, inv.Gross)
	for _, l := range inv.Lines {
		if plus(l.Net, l.Tax) != l.Gross || l.Red.Sign() < 0 || l.Red.Minor() > l.Gross.Minor() {
			v.report(inv.Ref(), fmt.Sprintf("line %d: net + tax = gross ≥ red", l.No), fmt.Sprintf("%s + %s, %s, %s", l.Net, l.Tax, l.Gross, l.Red))
		}
		if l.Exempt != "" && (l.Tax.Sign() != 0 || !l.Rate.IsZero()) {
			v.report(inv.Ref(), fmt.Sprintf("line %d: exempt, without tax", l.No), fmt.Sprintf("%s at %s", l.Tax, l.Rate))
		}
		red = plus(red, l.Red)
	}
	if sum, err := inv.totals(); err != nil || sum.Net != inv.Net || sum.Tax != inv.Tax || sum.Gross != inv.Gross {
		v.report(inv.Ref(), fmt.Sprintf("totals %s, %s, %s", sum.Net, sum.Tax, sum.Gross), fmt.Sprintf("%s, %s, %s", inv.Net, inv.Tax, inv.Gross))
	}
	if red != inv.Red || (inv.State == Red) != (inv.Left().Sign() == 0) {
		v.report(inv.Ref(), fmt.Sprintf("red %s", red), fmt.Sprintf("%s in %s", inv.Red, inv.State))
	}
}

func (v *verifier) tallies(ctx context.Context) error {
	for page, err := range pages[Tally](ctx, v.db, platform.Query{Kind: tallyKind}) {
		if err != nil {
			return err
		}
		for _, t := range page {
			if err := v.tally(ctx, t); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *verifier) tally(ctx context.Context, t Tally) error {
	all, err := records{v.db}.Some(ctx, t.Invoices...)
	if err != nil {
		return err
	}
	sum := Tally{Invoiced: minus(t.Invoiced, t.Invoiced), Red: minus(t.Red, t.Red)}
	for _, inv := range all {
		if inv.counts() {
			sum.Invoiced, sum.Red = plus(sum.Invoiced, inv.Gross), plus(sum.Red, inv.Red)
		}
	}
	if sum.Invoiced != t.Invoiced || sum.Red != t.Red {
		v.report(t.Ref(), fmt.Sprintf("%s less %s", sum.Invoiced, sum.Red), fmt.Sprintf("%s less %s", t.Invoiced, t.Red))
	}
	if v.sales.ports.Sales == nil {
		return nil
	}
	sold, err := v.sales.sale(ctx, t.Subject, t.Kind)
	if err != nil {
		return err
	}
	if over := minus(t.Standing(), sold.base()); over.Sign() > 0 && t.Since.IsZero() {
		v.report(t.Ref(), fmt.Sprintf("at most %s", sold.base()), t.Standing())
	}
	return nil
}
