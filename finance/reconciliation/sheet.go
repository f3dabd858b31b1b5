package reconciliation

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/liangding/platform"
)

const (
	sheetKind   = "reconciliation.sheet"
	draftKind   = "reconciliation.draft"
	draftPrefix = "drf"

	perSheet = 1000
	abandons = time.Hour // how long a draft may be under way
)

// What may be on a sheet.
const (
	ofLines = "lines"
	ofRows  = "rows"
	ofOpen  = "open"
)

// sheet is a page of a statement or of a run, which are too long for one record.
type sheet struct {
	platform.Head
	Draft platform.ID `json:"draft" class:"internal"`
	Lines []Line      `json:"lines,omitempty" class:"internal"`
	Rows  []Row       `json:"rows,omitempty" class:"internal"`
	Open  []item      `json:"open,omitempty" class:"internal"`
}

func (s sheet) Ref() platform.Ref { return platform.Ref{Kind: sheetKind, ID: s.ID} }

func sheetID(draft platform.ID, what string, no int) platform.ID {
	return derived("sht", draft, what, strconv.Itoa(no))
}

// draft marks sheets that are being written. What is left behind by a crash is
// removed when it is due.
type draft struct {
	platform.Head
	For platform.Ref `json:"for" class:"internal"` // the statement or run that keeps the sheets, once it is there
	Due time.Time    `json:"due" class:"internal"`
}

func (d draft) Ref() platform.Ref { return platform.Ref{Kind: draftKind, ID: d.ID} }

// begin marks a draft.
func (s *Service) begin(ctx context.Context, id platform.ID, of platform.Ref) (draft, error) {
	d := draft{Head: platform.Head{ID: id}, For: of, Due: s.w.Now().Add(abandons)}
	receipt, err := s.w.Store.Commit(ctx, platform.Set{Changes: []platform.Change{platform.Put(d)}})
	d.Receive(receipt)
	return d, err
}

// keep writes one sheet.
func (s *Service) keep(ctx context.Context, p sheet) error {
	_, err := s.w.Store.Commit(ctx, platform.Set{Changes: []platform.Change{platform.Put(p)}})
	return err
}

// pile writes sheets of one sort, each when it is full.
type pile[T any] struct {
	s     *Service
	draft platform.ID
	what  string
	put   func(*sheet, []T)
	rest  []T
	count int // sheets written
}

func (p *pile[T]) add(ctx context.Context, v T) error {
	if p.rest = append(p.rest, v); len(p.rest) < perSheet {
		return nil
	}
	return p.flush(ctx)
}

// flush writes what is left over.
func (p *pile[T]) flush(ctx context.Context) error {
	if len(p.rest) == 0 {
		return nil
	}
	page := sheet{Head: platform.Head{ID: sheetID(p.draft, p.what, p.count)}, Draft: p.draft}
	p.put(&page, p.rest)
	if err := p.s.keep(ctx, page); err != nil {
		return fmt.Errorf("keep %s of %s: %w", p.what, p.draft, err)
	}
	p.count, p.rest = p.count+1, p.rest[:0]
	return nil
}

// pages reads count sheets one after the other.
func pages(ctx context.Context, st Store, draft platform.ID, what string, count int) iter.Seq2[sheet, error] {
	return func(yield func(sheet, error) bool) {
		for no := range count {
			page, err := st.sheet(ctx, sheetID(draft, what, no))
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}

// sweep ends a draft that is due: its sheets go, unless there is what keeps them.
func (s *Service) sweep(ctx context.Context, d draft) error {
	kept, err := s.kept(ctx, d)
	if err != nil {
		return err
	}
	if !kept {
		return s.discard(ctx, d)
	}
	_, err = s.w.Store.Commit(ctx, platform.Set{Changes: []platform.Change{platform.Remove(d)}})
	return err
}

// kept tells whether the statement or run of a draft came to be.
func (s *Service) kept(ctx context.Context, d draft) (bool, error) {
	var err error
	var of platform.ID
	if d.For.Kind == statementKind {
		var st Statement
		st, err = s.store.Statement(ctx, d.For.ID)
		of = st.draft()
	} else {
		var r Run
		r, err = s.store.Run(ctx, d.For.ID)
		of = r.Draft
	}
	if errors.Is(err, platform.ErrNotFound) {
		return false, nil
	}
	return of == d.ID, err
}

// discard removes a draft with its sheets.
func (s *Service) discard(ctx context.Context, d draft) error {
	for {
		page, err := s.store.sheets(ctx, d.ID, "")
		if err != nil {
			return err
		}
		set := platform.Set{}
		for _, p := range page.Items {
			set.Changes = append(set.Changes, platform.Remove(p))
		}
		last := len(page.Items) == 0
		if last {
			set.Changes = append(set.Changes, platform.Remove(d))
		}
		if _, err := s.w.Store.Commit(ctx, set); err != nil || last {
			return err
		}
	}
}
