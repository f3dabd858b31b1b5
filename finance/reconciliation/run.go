package reconciliation

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
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
	if err := platform.Validate(in); err != nil {
		return Run{}, err
	}
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
	r := &running{s: s, st: st, sum: sha256.New(), opened: map[platform.ID]Case{}, ends: map[platform.ID]bool{}}
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
