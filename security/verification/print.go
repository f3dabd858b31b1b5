package verification

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/liangding/platform"
)

// Print is a number or a file by its hash, with the parties that handed it in: how
// it is noticed that several show the same. It rejects nothing.
type Print struct {
	platform.Head
	What    string   `json:"what" class:"internal"` // file, or the kind of number
	Holders []Holder `json:"holders" class:"internal"`
}

// Holder is who handed something in first.
type Holder struct {
	Party      platform.ID `json:"party"`
	Submission platform.ID `json:"submission"`
}

// Ref names the print.
func (p Print) Ref() platform.Ref { return platform.Ref{Kind: printKind, ID: p.ID} }

// maxHolders are kept: who shares with more is known to share.
const maxHolders = 100

// printOf is the print of what is equal for equal values, and not readable.
func printOf(what, hash string) Print {
	slot := platform.Key{Scope: "verification.print/" + what, Name: hash}.Slot()
	return Print{Head: platform.Head{ID: derived("vpr", zeroTime, slot, what+"\x00"+hash)}, What: what}
}

// prints are those of a submission, not read yet.
func (s *Service) prints(ctx context.Context, r Requirement, number string, files []File) (prints []Print, err error) {
	for _, f := range files {
		if p := printOf("file", f.Hash); !slices.ContainsFunc(prints, func(o Print) bool { return o.ID == p.ID }) {
			prints = append(prints, p)
		}
	}
	if number == "" {
		return prints, nil
	}
	what := string(r.Number)
	if what == "" {
		what = string(r.Kind)
	}
	hash, err := s.ports.Sealer.Blind(ctx, "verification."+what, r.Number.Clean(number))
	return append(prints, printOf(what, hash)), err
}

// seen joins a submission to its prints. It returns what other parties handed in,
// too, and the changes.
func (s *Service) seen(ctx context.Context, c Submission, prints []Print) (twice []string, set []platform.Change, err error) {
	refs := make([]platform.Ref, len(prints))
	for i, p := range prints {
		refs[i] = p.Ref()
	}
	found, err := platform.Lookup(ctx, s.db, refs...)
	if err != nil {
		return nil, nil, err
	}
	for i, p := range prints {
		known, err := platform.Found[Print](found, refs[i])
		if err != nil {
			return nil, nil, err
		}
		for _, k := range known {
			p = k
		}
		if slices.ContainsFunc(p.Holders, func(h Holder) bool { return h.Party != c.Party }) && !slices.Contains(twice, p.What) {
			twice = append(twice, p.What)
		}
		if slices.ContainsFunc(p.Holders, func(h Holder) bool { return h.Party == c.Party }) || len(p.Holders) >= maxHolders {
			set = append(set, platform.Unchanged(p))
			continue
		}
		p.Holders = append(slices.Clone(p.Holders), Holder{c.Party, c.ID})
		set = append(set, platform.Put(p))
	}
	return twice, set, nil
}

// Sharers asks who else handed in what a submission contains. It is a command, so
// that a guard can keep it to those who may know, and stays on record.
type Sharers struct {
	Submission platform.ID `json:"submission" validate:"required,id=sub"`
	Reason     string      `json:"reason" validate:"required,max=64,printascii"`
}

// Subject is the submission.
func (in Sharers) Subject() platform.Ref {
	return platform.Ref{Kind: submissionKind, ID: in.Submission}
}

// Sharers are the other parties, by what they share. Only operators may ask.
func (s *Service) Sharers(ctx context.Context, in Sharers) (map[string][]Holder, error) {
	if err := s.allow(ctx, platform.Operator); err != nil {
		return nil, fmt.Errorf("sharers: %w", err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (map[string][]Holder, []platform.Change, error) {
		c, err := platform.Read[Submission](ctx, s.db, submissionKind, in.Submission)
		if err != nil {
			return nil, nil, err
		}
		prints, err := platform.ReadAll[Print](ctx, s.db, printKind, c.Prints...)
		if err != nil {
			return nil, nil, err
		}
		others := map[string][]Holder{}
		for _, p := range prints {
			for _, h := range p.Holders {
				if h.Party != c.Party {
					others[p.What] = append(others[p.What], h)
				}
			}
		}
		return others, []platform.Change{platform.Unchanged(c), platform.Happened("verification.sharers_asked", c.Ref(), nil).Because(in.Reason)}, nil
	})
}

// sound tells whether a file is described well.
func (f File) sound() bool {
	raw, err := hex.DecodeString(f.Hash)
	return err == nil && len(raw) == 32 && f.Size > 0 && f.Size <= 20<<20 && slices.Contains(media, f.Type)
}
