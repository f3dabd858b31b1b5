package claim

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Row is who approves claims from an amount up to that of the next row of the
// same centre, category and rank. What is empty holds for all that have no rows of
// their own.
type Row struct {
	From      platform.Money `json:"from" validate:"min=0" class:"internal"` // included; the first row of a kind begins at zero
	Centre    string         `json:"centre,omitempty" validate:"max=30" class:"internal"`
	Category  string         `json:"category,omitempty" validate:"max=30" class:"internal"`
	Rank      string         `json:"rank,omitempty" validate:"max=30" class:"internal"`
	Approvers []Approver     `json:"approvers" validate:"min=1,max=8,dive" class:"internal"` // in order
}

// Approver is one level: a role, and who stands in when none of it can act.
type Approver struct {
	Role   string `json:"role" validate:"required,max=40" class:"internal"`
	Deputy string `json:"deputy,omitempty" validate:"max=40" class:"internal"`
}

// Step is a level of a claim's chain, and what came of it.
type Step struct {
	Approver
	By     platform.ID `json:"by,omitempty" class:"internal"`
	For    platform.ID `json:"for,omitempty" class:"internal"` // for whom By stood in
	As     string      `json:"as,omitempty" class:"internal"`  // role, deputy, or skipped
	When   time.Time   `json:"when,omitzero" class:"internal"`
	Reason string      `json:"reason,omitempty" class:"internal"`
}

// Matrix says who approves which claims. There is one; its version tells its
// editions apart. A change touches no claim that is on its way.
type Matrix struct {
	platform.Head
	Rows []Row       `json:"rows" class:"internal"`
	By   platform.ID `json:"by,omitempty" class:"internal"`
	At   time.Time   `json:"at,omitzero" class:"internal"`
}

// matrixRef names the matrix.
var matrixRef = platform.Ref{Kind: matrixKind, ID: platform.NewID("cmx", time.Time{}, 0, 0)}

// Ref names the matrix.
func (Matrix) Ref() platform.Ref { return matrixRef }

// group is what rows must have in common to follow each other.
type group struct {
	currency               platform.Currency
	centre, category, rank string
}

func (r Row) group() group { return group{r.From.Currency(), r.Centre, r.Category, r.Rank} }

// Check refuses, with ErrMatrix, a matrix that leaves an amount without approvers
// or has two rows for one: in each currency there are rows for all, and the rows
// of each kind begin at zero and differ.
func (m Matrix) Check() error {
	begins, general := map[group]bool{}, map[platform.Currency]bool{}
	for i, r := range m.Rows {
		at := fmt.Sprintf("rows[%d]", i)
		roles := map[string]bool{}
		for _, a := range r.Approvers {
			if roles[a.Role] || a.Deputy == a.Role {
				return platform.Wrong(at+".approvers", ErrMatrix)
			}
			roles[a.Role] = true
		}
		if r.From.Sign() == 0 {
			begins[r.group()] = true
			general[r.From.Currency()] = general[r.From.Currency()] || r.group() == group{currency: r.From.Currency()}
		}
	}
	for i, r := range m.Rows {
		twice := slices.ContainsFunc(m.Rows[:i], func(o Row) bool { return o.group() == r.group() && o.From == r.From })
		if !begins[r.group()] || !general[r.From.Currency()] || twice {
			return platform.Wrong(fmt.Sprintf("rows[%d]", i), ErrMatrix)
		}
	}
	return nil
}

// row is the one for an amount.
func (m Matrix) row(amount platform.Money, centre, category, rank string) (Row, error) {
	best, chosen := -1, Row{}
	for _, r := range m.Rows {
		if r.From.Currency() != amount.Currency() || r.From.Minor() > amount.Minor() {
			continue
		}
		score, matches := specific([3]string{r.Centre, r.Category, r.Rank}, [3]string{centre, category, rank})
		if matches && (score > best || score == best && r.From.Minor() > chosen.From.Minor()) {
			best, chosen = score, r
		}
	}
	if best < 0 {
		return Row{}, fmt.Errorf("approvers of %s: %w", amount, ErrMatrix)
	}
	return chosen, nil
}

// chain is who approves items that count as so much: all levels of the longest
// row, and before its last those that another item's row has besides.
func (m Matrix) chain(items []Item, amount platform.Money, rank string) ([]Step, error) {
	var rows []Row
	for _, i := range items {
		r, err := m.row(amount, i.Centre, i.Category, rank)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(len(b.Approvers), len(a.Approvers)) })
	var levels, extra []Approver
	for _, r := range rows {
		for _, a := range r.Approvers {
			if !slices.ContainsFunc(levels, func(b Approver) bool { return b.Role == a.Role }) {
				extra = append(extra, a)
			}
		}
		levels = slices.Insert(levels, max(len(levels)-1, 0), extra...)
		extra = nil
	}
	steps := make([]Step, len(levels))
	for i, a := range levels {
		steps[i].Approver = a
	}
	return steps, nil
}

// PublishMatrix puts another matrix in force.
type PublishMatrix struct {
	Rows   []Row  `json:"rows" validate:"min=1,max=500,dive"`
	Reason string `json:"reason" validate:"required,text=64"` // a code
}

// Subject is the matrix.
func (PublishMatrix) Subject() platform.Ref { return matrixRef }

// PublishMatrix puts a matrix in force for claims that are submitted from now on.
// It fails with ErrMatrix, see [Matrix.Check].
func (s *Service) PublishMatrix(ctx context.Context, in PublishMatrix) (Matrix, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Matrix, []platform.Change, error) {
		by, err := s.actor(ctx, office...)
		if err != nil {
			return Matrix{}, nil, err
		}
		m, err := s.matrix(ctx)
		if err != nil {
			return Matrix{}, nil, err
		}
		m.Rows, m.By, m.At = in.Rows, by.ID, s.w.Now()
		if err := m.Check(); err != nil {
			return Matrix{}, nil, err
		}
		told := platform.Happened("claim.matrix_published", m.Ref(), map[string]any{"rows": len(m.Rows)}).Because(in.Reason)
		return m, []platform.Change{platform.Put(m), told}, nil
	})
}

// Matrix is who approves which claims now.
func (s *Service) Matrix(ctx context.Context) (Matrix, error) {
	if _, err := s.actor(ctx, platform.Operator, platform.Auditor, platform.System); err != nil {
		return Matrix{}, err
	}
	return s.matrix(ctx)
}

// matrix is the one in force: that of the terms where none was published.
func (s *Service) matrix(ctx context.Context) (Matrix, error) {
	found, err := s.store.Found(ctx, matrixRef)
	if err != nil || len(found.Matrices) > 0 {
		return append(found.Matrices, Matrix{})[0], err
	}
	return Matrix{Head: platform.Head{ID: matrixRef.ID}, Rows: s.terms.Matrix}, nil
}
