package reconciliation

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// Tally is how much of a run came to one class, in one pass.
type Tally struct {
	Class   Class `json:"class"`
	Pass    int   `json:"pass,omitempty"`
	Lines   int   `json:"lines"`
	Entries int   `json:"entries"`
}

// Run is the comparison of a statement with the books. It is never changed.
type Run struct {
	platform.Head
	Statement platform.ID `json:"statement" class:"internal"`
	Account   string      `json:"account" class:"internal"`
	Day       string      `json:"day" class:"internal"`
	No        int         `json:"no" class:"internal"` // 1, 2, 3 … of the account
	At        time.Time   `json:"at" class:"internal"`
	Until     time.Time   `json:"until" class:"internal"`   // end of the last day that was compared
	Tallies   []Tally     `json:"tallies" class:"internal"` // what became of today's lines and entries, and of what had been open
	Proofs    []Proof     `json:"proofs" class:"internal"`  // by currency
	Open      int         `json:"open" class:"internal"`    // items without other side, timing among them
	Cases     int         `json:"cases" class:"internal"`   // that it opened
	Digest    string      `json:"digest" class:"internal"`  // SHA-256 of the rows
	Draft     platform.ID `json:"draft" class:"internal"`   // what its sheets belong to
	RowSheets int         `json:"row_sheets" class:"internal"`
	OpenPages int         `json:"open_pages" class:"internal"`
}

const runKind = "reconciliation.run"

// Ref names the run.
func (r Run) Ref() platform.Ref { return platform.Ref{Kind: runKind, ID: r.ID} }

// Share is how much of the lines was matched, in parts of ten thousand.
func (r Run) Share() int {
	matched, all := 0, 0
	for _, t := range r.Tallies {
		if all += t.Lines; t.Class == Matched {
			matched += t.Lines
		}
	}
	if all == 0 {
		return 10_000
	}
	return matched * 10_000 / all
}

// Reconcile compares a statement with the books.
type Reconcile struct {
	Statement platform.ID `json:"statement" validate:"required,id=stm"`
}

// Subject is the statement.
func (in Reconcile) Subject() platform.Ref {
	return platform.Ref{Kind: statementKind, ID: in.Statement}
}

// Reconcile compares a statement, and what was left open before, with what the
// books have new, and opens a case for every difference. A statement is compared
// once: the same again is the run that there is. Statements may come in any order
// of days.
//
// It fails with ErrConflict, code restless, when other statements of the account
// are compared at the same time without end.
func (s *Service) Reconcile(ctx context.Context, in Reconcile) (Run, error) {
	by, err := s.may(ctx)
	if err != nil {
		return Run{}, fmt.Errorf("reconcile %s: %w", in.Statement, err)
	}
	ctx = platform.As(ctx, by)
	st, err := s.store.Statement(ctx, in.Statement)
	if err != nil {
		return Run{}, err
	}
	for try := 0; ; try++ {
		run, err := s.store.Run(ctx, st.ID.As("rec"))
		if !errors.Is(err, platform.ErrNotFound) {
			return run, err
		}
		run, err = s.compare(ctx, in, st)
		if err == nil || !errors.Is(err, platform.ErrConflict) || try >= s.w.Tries {
			return run, err
		}
	}
}

// compare does the work on a draft, which counts once the run is committed.
func (s *Service) compare(ctx context.Context, in Reconcile, st Statement) (Run, error) {
	r := &running{s: s, st: st, sum: sha256.New(), opened: map[platform.ID]Case{}}
	r.run = Run{
		Head: platform.Head{ID: st.ID.As("rec")}, Statement: st.ID, Account: st.of(), Day: st.Day, Draft: s.w.NewChild(draftPrefix, st.ID),
	}
	plain := platform.WithoutKey(ctx)
	d, err := s.begin(plain, r.run.Draft, r.run.Ref())
	if err != nil {
		return Run{}, err
	}
	if err = r.work(plain); err == nil {
		r.run, err = r.commit(ctx, in)
	}
	if err != nil {
		return Run{}, errors.Join(err, s.discard(context.WithoutCancel(plain), d))
	}
	return r.run, s.sweep(context.WithoutCancel(plain), d)
}

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

// names fills in by which names institutions know what was booked.
func (r *running) names(ctx context.Context, entries []*item) error {
	if r.s.ports.References == nil {
		return nil
	}
	for some := range slices.Chunk(entries, fullPage) {
		refs := make([]platform.Ref, len(some))
		for n, e := range some {
			refs[n] = e.Subject
		}
		names, err := r.s.ports.References.References(ctx, refs...)
		if err != nil {
			return err
		}
		for _, e := range some {
			e.Ref = names[e.Subject]
		}
	}
	return nil
}

// doubled finds lines of which there is an earlier one about the same movement,
// by reading this statement, and those of the days before, once more.
func (r *running) doubled(ctx context.Context, lines []*item) ([]*item, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	wanted, seen := map[signature]bool{}, map[signature]bool{}
	for _, l := range lines {
		wanted[l.signature()], wanted[signature{id: l.Line}] = true, true
	}
	earlier, err := r.earlier(ctx)
	if err != nil {
		return nil, err
	}
	first := map[signature]int{}
	for _, st := range append(earlier, r.st) {
		no := 0
		for page, err := range pages(ctx, r.s.store, st.draft(), ofLines, st.Sheets) {
			if err != nil {
				return nil, err
			}
			for _, l := range page.Lines {
				no++
				for _, sign := range []signature{primary(l, st.ID, no).signature(), {id: l.ID}} {
					if !wanted[sign] || seen[sign] {
						continue
					}
					seen[sign] = true
					if st.ID == r.st.ID {
						first[sign] = no
					}
				}
			}
		}
	}
	var twice []*item
	for _, l := range lines {
		for _, sign := range []signature{l.signature(), {id: l.Line}} {
			if seen[sign] && first[sign] != l.No && l.Class != Duplicate {
				l.Class, twice = Duplicate, append(twice, l)
			}
		}
	}
	return twice, nil
}

// earlier are the statements of the days in which something may be carried.
func (r *running) earlier(ctx context.Context) (all []Statement, err error) {
	page, err := r.s.store.Runs(ctx, r.run.Account, "")
	if err != nil {
		return nil, err
	}
	for _, run := range page.Items {
		st, err := r.s.store.Statement(ctx, run.Statement)
		if err != nil {
			return nil, err
		}
		if st.Until.After(r.run.Until.Add(-r.s.opts.Terms.Carry)) {
			all = append(all, st)
		}
	}
	return all, nil
}

// found takes down what the matcher finds.
func (r *running) found(ctx context.Context, row Row, of []*item) error {
	if row.Class == Matched {
		if row.Pass == byTolerance {
			r.differs[row.Currency] += row.Differs
		}
		for _, i := range of {
			if i.Case.Prefix() == casePrefix && !slices.Contains(r.ended, i.Case) {
				r.ended = append(r.ended, i.Case)
			}
		}
	} else if row.Class != Timing {
		c := caseOf(r.st, row, of, r.s.opts.Terms.Owner)
		row.Case = c.ID
		for _, i := range of {
			i.Case = c.ID
		}
		if _, known := r.opened[c.ID]; !known {
			r.order = append(r.order, c.ID)
		}
		r.opened[c.ID] = c
	}
	r.count(row)
	line, err := json.Marshal(row)
	if err != nil {
		return err
	}
	_, _ = r.sum.Write(append(line, '\n')) // a hash takes everything
	return r.rows.add(ctx, row)
}

func (r *running) count(row Row) {
	at := slices.IndexFunc(r.run.Tallies, func(t Tally) bool { return t.Class == row.Class && t.Pass == row.Pass })
	if at < 0 {
		at = len(r.run.Tallies)
		r.run.Tallies = append(r.run.Tallies, Tally{Class: row.Class, Pass: row.Pass})
	}
	r.run.Tallies[at].Lines += len(row.Lines)
	r.run.Tallies[at].Entries += len(row.Entries)
}

// finish writes what is left open, and proves the day.
func (r *running) finish(ctx context.Context) error {
	r.tolerated()
	for _, i := range left(slices.Concat(r.m.carried, r.m.rest, r.open)) {
		if p := r.proof(i.Currency); p != nil {
			if err := p.leave(i); err != nil {
				return err
			}
		}
		r.run.Open++
		if err := r.left.add(ctx, *i); err != nil {
			return err
		}
	}
	if err := errors.Join(r.rows.flush(ctx), r.left.flush(ctx)); err != nil {
		return err
	}
	for i := range r.run.Proofs {
		if err := r.run.Proofs[i].close(r.st); err != nil {
			return err
		}
	}
	slices.SortFunc(r.run.Tallies, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Pass, b.Pass))
	})
	r.run.RowSheets, r.run.OpenPages, r.run.Digest = r.rows.count, r.left.count, hex.EncodeToString(r.sum.Sum(nil))
	return nil
}

// tolerated leaves open what fees differed by, until its booking is read.
func (r *running) tolerated() {
	for _, p := range r.run.Proofs {
		if d := r.differs[p.Currency]; d != 0 {
			r.open = append(r.open, &item{
				Line: "tolerance#" + r.st.Day + "/" + p.Currency.String(), Of: r.st.ID, No: r.st.Lines + 2, Currency: p.Currency, Amount: d,
				Family: fees, At: r.st.From, Case: r.run.ID, Class: FeeDiffers, fresh: true,
			})
		}
	}
}

// commit writes the run with the cases that it opened and ended. Of very many
// cases those over a thousand are written before it, each the same however often
// it is tried.
func (r *running) commit(ctx context.Context, in Reconcile) (Run, error) {
	for len(r.order)+len(r.ended) > atOnce {
		n, m := min(len(r.order), atOnce), 0
		if n < atOnce {
			m = min(len(r.ended), atOnce-n)
		}
		if err := r.ahead(ctx, in, r.order[:n], r.ended[:m]); err != nil {
			return Run{}, err
		}
		r.order, r.ended = r.order[n:], r.ended[m:]
	}
	r.run.Cases += len(r.order)
	done, err := platform.Update(ctx, r.s.w, in, func(ctx context.Context) (Run, []platform.Change, error) {
		page, err := r.s.store.Runs(ctx, r.run.Account, "")
		if err != nil {
			return Run{}, nil, err
		}
		if len(page.Items) > 0 && page.Items[0].ID != r.last.ID {
			return Run{}, nil, fmt.Errorf("reconcile %s after %d: %w", r.run.Account, r.last.No, errOvertaken)
		}
		next := r.run
		next.At = r.s.w.Now()
		changes, err := r.cases(ctx, r.order, r.ended)
		if err != nil {
			return Run{}, nil, err
		}
		books, err := r.tolerance(ctx, next.At)
		if err != nil {
			return Run{}, nil, err
		}
		event := platform.Happened("recon.run", next.Ref(), ran{next.Account, next.Day, next.Tallies, next.Proofs, next.Digest})
		return next, append(append(changes, books...), platform.Put(next), event), nil
	})
	if code := platform.Code(err); code == "exists" || code == "taken" {
		err = fmt.Errorf("reconcile %s after %d: %w", r.run.Account, r.last.No, errOvertaken)
	}
	return done, err
}

// atOnce is how many cases go into one set.
const atOnce = 1000

var errOvertaken = platform.Err(platform.ErrConflict, "recon.overtaken", "another statement of the account was compared meanwhile", "该账户的另一对账单已先行对账")

// ran are the facts of a run.
type ran struct {
	Account string  `json:"account"`
	Day     string  `json:"day"`
	Tallies []Tally `json:"tallies"`
	Proofs  []Proof `json:"proofs"`
	Digest  string  `json:"digest"`
}

// ahead writes cases before their run.
func (r *running) ahead(ctx context.Context, in Reconcile, open, end []platform.ID) error {
	_, err := platform.Update(platform.WithoutKey(ctx), r.s.w, in, func(ctx context.Context) (struct{}, []platform.Change, error) {
		changes, err := r.cases(ctx, open, end)
		if err == nil && len(changes) == 0 {
			err = errDone
		}
		return struct{}{}, changes, err
	})
	if errors.Is(err, errDone) {
		err = nil
	}
	r.run.Cases += len(open)
	return err
}

// tolerance books what fees differed by, so that the account has what the
// institution has.
func (r *running) tolerance(ctx context.Context, at time.Time) ([]platform.Change, error) {
	var legs []platform.Leg
	for _, p := range r.run.Proofs {
		d, err := platform.FromMinor(r.differs[p.Currency], p.Currency)
		if err != nil {
			return nil, err
		}
		if d.Sign() != 0 {
			legs = append(legs, legOn(r.st.Ledger, d), platform.Leg{Role: "difference", Amount: d.Neg()})
		}
	}
	if len(legs) == 0 {
		return nil, nil
	}
	return r.s.ports.Books.Post(ctx, "suspense.resolved", r.run.Ref(), at, legs)
}

func legOn(a finance.Account, m platform.Money) platform.Leg {
	return platform.Leg{Role: a.Role, Of: a.Of, Party: a.Party, Amount: m}
}

// Run is one run. Operators and auditors read it.
func (s *Service) Run(ctx context.Context, id platform.ID) (Run, error) {
	if err := s.reads(ctx); err != nil {
		return Run{}, fmt.Errorf("run %s: %w", id, err)
	}
	return s.store.Run(ctx, id)
}

// Runs is a page of an account's runs, the last first.
func (s *Service) Runs(ctx context.Context, account, cursor string) (platform.Page[Run], error) {
	if err := s.reads(ctx); err != nil {
		return platform.Page[Run]{}, fmt.Errorf("runs: %w", err)
	}
	return s.store.Runs(ctx, account, cursor)
}

// Rows are a thousand rows of a run, on sheet no; next is the number of the sheet
// that follows, 0 at the end.
func (s *Service) Rows(ctx context.Context, id platform.ID, no int) (rows []Row, next int, err error) {
	run, err := s.Run(ctx, id)
	if err != nil || no < 0 || no >= run.RowSheets {
		return nil, 0, err
	}
	page, err := s.store.sheet(ctx, sheetID(run.Draft, ofRows, no))
	if no+1 < run.RowSheets {
		next = no + 1
	}
	return page.Rows, next, err
}
