package reconciliation

import (
	"cmp"
	"context"
	"fmt"
	"hash"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// running is a run under way.
type running struct {
	s       *Service
	st      Statement
	last    Run     // of the account; zero if this is the first
	first   []Total // of the account's first statement, when nothing was compared before
	days    map[string]bool
	run     Run
	m       *matcher
	unread  []platform.Currency // of which there may be more entries
	rows    pile[Row]
	left    pile[item]
	sum     hash.Hash
	opened  map[platform.ID]Case // new cases, and those whose difference has changed
	ended   []platform.ID        // cases whose difference is no more
	ends    map[platform.ID]bool // the same
	order   []platform.ID        // of opened
	differs map[platform.Currency]int64
	open    []*item
}

func (r *running) work(ctx context.Context) error {
	if err := r.history(ctx); err != nil {
		return err
	}
	s := r.s
	r.rows = pile[Row]{s: s, draft: r.run.Draft, what: ofRows, put: func(p *sheet, rows []Row) { p.Rows = rows }}
	r.left = pile[item]{s: s, draft: r.run.Draft, what: ofOpen, put: func(p *sheet, open []item) { p.Open = open }}
	r.differs = map[platform.Currency]int64{}
	r.m = &matcher{
		terms: s.opts.Terms, edge: r.run.Until, unknown: r.unknown, found: r.found,
		lines: map[keyed][]*item{}, entries: map[keyed][]*item{},
	}
	for page, err := range pages(ctx, s.store, r.last.Draft, ofOpen, r.last.OpenPages) {
		if err != nil {
			return err
		}
		for i := range page.Open {
			r.m.carried = append(r.m.carried, &page.Open[i])
		}
	}
	if err := r.begin(ctx); err != nil {
		return fmt.Errorf("reconcile %s of %s: %w", r.run.Account, r.run.Day, err)
	}
	if err := r.stream(ctx); err != nil {
		return fmt.Errorf("reconcile %s of %s: %w", r.run.Account, r.run.Day, err)
	}
	if err := r.m.settle(ctx, r.names, r.doubled); err != nil {
		return fmt.Errorf("reconcile %s of %s: %w", r.run.Account, r.run.Day, err)
	}
	return r.finish(ctx)
}

// history is what was compared before.
func (r *running) history(ctx context.Context) error {
	page, err := r.s.store.Runs(ctx, r.run.Account, "") // the last 50: more days than anything is carried
	if err != nil {
		return err
	}
	r.days = map[string]bool{r.st.Day: true}
	r.run.Until = r.st.Until
	for _, run := range page.Items {
		r.days[run.Day] = true
	}
	if len(page.Items) > 0 {
		r.last = page.Items[0]
	}
	if r.last.Until.After(r.run.Until) {
		r.run.Until = r.last.Until
	}
	if r.run.No = r.last.No + 1; r.run.No > 1 {
		return nil
	}
	for cursor := ""; ; {
		page, err := r.s.store.Statements(ctx, r.run.Account, cursor)
		if err != nil {
			return err
		}
		if n := len(page.Items); n > 0 {
			r.first = page.Items[n-1].Totals
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}

// unknown tells whether no statement of the moment's day has come, among days of
// which one may still come.
func (r *running) unknown(at time.Time) bool {
	zone, err := time.LoadLocation(r.st.Zone)
	if err != nil || at.Before(r.run.Until.Add(-r.s.opts.Terms.Carry)) {
		return false
	}
	date := at.In(zone).Format(time.DateOnly)
	first := r.st.Day
	for known := range r.days {
		first = min(first, known)
	}
	return !r.days[date] && date > first
}

// stream reads both sides side by side, so that what belongs together waits for
// a short time only.
func (r *running) stream(ctx context.Context) error {
	fees := feeOf{account: r.s.account(r.st.Institution, r.st.Account), agreed: map[platform.Currency]int64{}}
	no := 0
	for page, err := range pages(ctx, r.s.store, r.st.draft(), ofLines, r.st.Sheets) {
		if err != nil {
			return err
		}
		for _, l := range page.Lines {
			no++
			if err := r.line(ctx, &fees, l, no); err != nil {
				return err
			}
		}
		for range perSheet / fullPage { // as many entries as lines
			if err := r.entries(ctx); err != nil {
				return err
			}
		}
	}
	for len(r.unread) > 0 {
		if err := r.entries(ctx); err != nil {
			return err
		}
	}
	for _, i := range append(fees.day(r.st), r.opening()...) {
		if err := r.m.line(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// line hands a line to the matcher, and its fee.
func (r *running) line(ctx context.Context, fees *feeOf, l Line, no int) error {
	fee, err := fees.split(l, r.st.ID, no)
	if err != nil {
		return err
	}
	for _, i := range fee {
		if err := r.m.line(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// opening is what the account had before its first statement.
func (r *running) opening() (all []*item) {
	for _, t := range r.first {
		if t.Opening.Sign() != 0 {
			all = append(all, &item{
				Line: "opening/" + t.Opening.Currency().String(), Of: r.st.ID, Currency: t.Opening.Currency(), Amount: t.Opening.Minor(),
				Family: adjustment, At: r.st.From, fresh: true,
			})
		}
	}
	return all
}

// entries reads what the books have new, a page a call.
func (r *running) entries(ctx context.Context) error {
	if len(r.unread) == 0 {
		return nil
	}
	p := r.proof(r.unread[0])
	page, err := r.s.ports.Books.EntriesFrom(ctx, r.st.Ledger, p.Currency, p.Seq+1)
	if err != nil {
		return err
	}
	for _, e := range page {
		p.Seq, p.Books = e.Seq, e.After
		if err := r.m.entry(ctx, itemOf(e)); err != nil {
			return err
		}
	}
	if len(page) < fullPage {
		r.unread = r.unread[1:]
	}
	return nil
}

// fullPage is how many entries the books hand out at once.
const fullPage = 500

// begin is how far each currency had come before.
func (r *running) begin(ctx context.Context) error {
	for _, p := range r.last.Proofs {
		if err := r.addProof(p.next()); err != nil {
			return err
		}
	}
	counts, err := r.s.ports.Books.Store.CountersOf(ctx, r.st.Ledger)
	if err != nil {
		return err
	}
	for _, c := range counts {
		which, code, _ := strings.Cut(string(c.Ref.ID), "/")
		if !strings.HasPrefix(which, "posted:") {
			continue
		}
		currency, err := platform.ParseCurrency(code)
		if err == nil {
			err = r.addProof(Proof{Currency: currency})
		}
		if err != nil {
			return err
		}
	}
	for _, t := range slices.Concat(r.st.Totals, r.first) {
		if err := r.addProof(Proof{Currency: t.Net.Currency()}); err != nil {
			return err
		}
	}
	slices.SortFunc(r.run.Proofs, func(a, b Proof) int { return cmp.Compare(a.Currency.String(), b.Currency.String()) })
	for _, p := range r.run.Proofs {
		r.unread = append(r.unread, p.Currency)
	}
	return nil
}

func (r *running) addProof(p Proof) error {
	if r.proof(p.Currency) != nil {
		return nil
	}
	none, err := platform.FromMinor(0, p.Currency)
	if err != nil {
		return err
	}
	if p.Books.Absent() {
		p.Books, p.Lines = none, none
		for _, t := range r.first {
			if t.Opening.Currency() == p.Currency {
				p.Lines = t.Opening
			}
		}
	}
	p.OpenEntries, p.OpenLines, p.Institution, p.Unexplained = none, none, none, none
	r.run.Proofs = append(r.run.Proofs, p)
	return nil
}

func (r *running) proof(c platform.Currency) *Proof {
	at := slices.IndexFunc(r.run.Proofs, func(p Proof) bool { return p.Currency == c })
	if at < 0 {
		return nil
	}
	return &r.run.Proofs[at]
}
