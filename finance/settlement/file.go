package settlement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// File is a list of payouts that goes to a bank, where no institution pays out.
// One operator drafts it for a run, and another releases it.
type File struct {
	platform.Head
	Run        platform.ID   `json:"run" class:"internal"`
	Bank       string        `json:"bank" class:"internal"` // our own account there, as the books name it
	DraftedAt  time.Time     `json:"drafted_at" class:"internal"`
	DraftedBy  []platform.ID `json:"drafted_by" class:"internal"`
	ReleasedAt time.Time     `json:"released_at,omitzero" class:"internal"`
	ReleasedBy []platform.ID `json:"released_by,omitempty" class:"internal"`
}

// Ref names the file.
func (f File) Ref() platform.Ref { return platform.Ref{Kind: fileKind, ID: f.ID} }

// Release returns the file released. It fails with ErrFourEyes for who drafted it,
// and with ErrFile once it was released.
func (f File) Release(hands []platform.ID, at time.Time) (File, error) {
	switch {
	case !f.ReleasedAt.IsZero():
		return File{}, fmt.Errorf("release file %s: %w", f.ID, ErrFile)
	case meet(hands, f.DraftedBy):
		return File{}, fmt.Errorf("release file %s: %w", f.ID, ErrFourEyes)
	}
	f.ReleasedAt, f.ReleasedBy = at, hands
	return f, nil
}

// DraftFile begins a bank file for the payouts of a run that go by one.
type DraftFile struct {
	Run  platform.ID `json:"run" validate:"required,id=run"`
	Bank string      `json:"bank" validate:"required,max=64,alphanum,lowercase"`
}

// DraftFile writes down who asks for the file. Only operators may.
func (s *Service) DraftFile(ctx context.Context, in DraftFile) (File, error) {
	by, err := s.actor(ctx, platform.Operator)
	if err != nil {
		return File{}, fmt.Errorf("draft bank file: %w", err)
	}
	id := s.w.NewChild("pbf", in.Run)
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (File, []platform.Change, error) {
		r, err := read[Run](ctx, s, runKind, in.Run)
		if err == nil && !r.Planned {
			err = fmt.Errorf("draft file of %s: %w", r.ID, ErrRunOver)
		}
		if err != nil {
			return File{}, nil, err
		}
		f := File{Head: platform.Head{ID: id}, Run: r.ID, Bank: in.Bank, DraftedAt: s.w.Now(), DraftedBy: s.hands(by)}
		return f, []platform.Change{platform.Put(f), f.happened("drafted")}, nil
	})
}

// ReleaseFile sends a bank file.
type ReleaseFile struct {
	File platform.ID `json:"file" validate:"required,id=pbf"`
}

// Subject is the file.
func (in ReleaseFile) Subject() platform.Ref { return platform.Ref{Kind: fileKind, ID: in.File} }

// ReleaseFile holds the amounts of all approved payouts of the run that go by a
// file, and tells how many these are: its rows are what goes to the bank. Whoever
// drafted the file does not release it, nor who approved one of them. Released
// again by the same operator it takes up what a crash left, and what was approved
// since. A payout that may not be sent any more is cancelled, and the others go.
func (s *Service) ReleaseFile(ctx context.Context, in ReleaseFile) (int, error) {
	by, err := s.actor(ctx, platform.Operator)
	if err != nil {
		return 0, fmt.Errorf("release bank file: %w", err)
	}
	f, err := read[File](ctx, s, fileKind, in.File)
	if err != nil {
		return 0, err
	}
	if f.ReleasedAt.IsZero() || !meet(s.hands(by), f.ReleasedBy) {
		f, err = platform.Update(ctx, s.w, in, func(ctx context.Context) (File, []platform.Change, error) {
			f, err := read[File](ctx, s, fileKind, in.File)
			if err == nil {
				f, err = f.Release(s.hands(by), s.w.Now())
			}
			if err != nil {
				return File{}, nil, err
			}
			return f, []platform.Change{platform.Put(f), f.happened("released")}, nil
		})
		if err != nil {
			return 0, err
		}
	}
	return s.fill(ctx, f)
}

// fill takes the run's approved payouts that go by a file into it, and tells how
// many it took.
func (s *Service) fill(ctx context.Context, f File) (sent int, err error) {
	q := platform.Query{Kind: payoutKind, By: []string{"run", "state"}, Equal: []any{f.Run, PayoutApproved}, Limit: pageSize}
	for {
		page, err := platform.List[Payout](ctx, s.db, q)
		if err != nil {
			return sent, err
		}
		for _, p := range page.Items {
			if p.Institution != "" {
				continue
			}
			held, err := s.joins(platform.WithoutKey(ctx), f, p.ID)
			if err != nil {
				return sent, err
			}
			if held {
				sent++
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return sent, nil
		}
	}
}

// joins holds a payout for a file. One that may not go as it was planned is
// cancelled with the reason, as Tick does: it keeps no other from the bank.
func (s *Service) joins(ctx context.Context, f File, id platform.ID) (held bool, err error) {
	_, _, err = s.hold(ctx, SendPayout{Payout: id}, id, &f)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, ErrPayout): // it went another way meanwhile
		return false, nil
	case !errors.Is(err, platform.ErrState): // it is not the payout that is refused
		return false, err
	}
	_, err = s.CancelPayout(s.system(ctx), CancelPayout{Payout: id, Reason: platform.Code(err)})
	if errors.Is(err, ErrPayout) {
		err = nil
	}
	return false, err
}

// Row is a line of a bank file.
type Row struct {
	Payout platform.ID    `json:"payout"` // what the bank is to print, and answers with
	Bank   string         `json:"bank,omitempty"`
	Holder string         `json:"holder,omitempty"`
	Number string         `json:"number,omitempty"`
	Amount platform.Money `json:"amount"`
}

// Rows are a page of a file that was released, with bank data in the clear: each
// of them is opened, and that is on record. Only operators may. It fails with
// ErrFile before the release, and with ErrSealer without an Opener.
func (s *Service) Rows(ctx context.Context, file platform.ID, cursor string) (platform.Page[Row], error) {
	if _, err := s.actor(ctx, platform.Operator); err != nil {
		return platform.Page[Row]{}, err
	}
	f, err := read[File](ctx, s, fileKind, file)
	if err == nil && f.ReleasedAt.IsZero() {
		err = fmt.Errorf("rows of %s: %w", f.ID, ErrFile)
	}
	if err == nil && s.ports.Opener == nil {
		err = fmt.Errorf("rows of %s: %w", f.ID, ErrSealer)
	}
	if err != nil {
		return platform.Page[Row]{}, err
	}
	page, err := platform.List[Payout](ctx, s.db, platform.Query{Kind: payoutKind, By: []string{"file"}, Equal: []any{file}, Cursor: cursor})
	if err != nil {
		return platform.Page[Row]{}, err
	}
	ids := make([]platform.ID, len(page.Items))
	for i, p := range page.Items {
		ids[i] = p.Details
	}
	details, err := platform.ReadAll[Details](ctx, s.db, detailsKind, ids...)
	if err != nil {
		return platform.Page[Row]{}, err
	}
	out := platform.Page[Row]{Next: page.Next}
	for i, p := range page.Items {
		row := Row{Payout: p.ID, Bank: details[i].Bank, Amount: p.Amount}
		for _, f := range []struct {
			name   string
			sealed platform.Sealed
			to     *string
		}{{"holder", details[i].Holder, &row.Holder}, {"number", details[i].Number, &row.Number}} {
			if len(f.sealed) == 0 {
				continue
			}
			if *f.to, err = s.ports.Opener.Open(ctx, platform.Place{Record: details[i].Ref(), Field: f.name}, f.sealed); err != nil {
				return platform.Page[Row]{}, fmt.Errorf("row of %s: %w", p.ID, err)
			}
		}
		out.Items = append(out.Items, row)
	}
	return out, nil
}

// Files are a page of the files of a run, for operators and auditors.
func (s *Service) Files(ctx context.Context, run platform.ID, cursor string) (platform.Page[File], error) {
	return owned[File](ctx, s, "", platform.Query{Kind: fileKind, By: []string{"run"}, Equal: []any{run}, Cursor: cursor})
}

func (f File) happened(what string) platform.Change {
	return platform.Happened("payout.file_"+what, f.Ref(), struct {
		Run  platform.ID `json:"run"`
		Bank string      `json:"bank"`
	}{f.Run, f.Bank})
}
