package dispute

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Exhibit is a piece of evidence as somebody files it: a text, which is kept only
// sealed, or something that lies with the caller, of which the hash is kept.
type Exhibit struct {
	Kind    string `json:"kind" validate:"oneof=statement photo chat document receipt recording proof" code:"dispute.evidence"`
	Text    string `json:"text,omitempty" validate:"text=2000"`
	SHA256  string `json:"sha256,omitempty" validate:"omitempty,len=64,hexadecimal" code:"dispute.evidence"`
	Bytes   int64  `json:"bytes,omitempty" validate:"min=0,max=20971520" code:"dispute.evidence"` // at most 20 MiB
	Content string `json:"content,omitempty" validate:"text=500"`                                 // where it lies: the caller's own reference
}

// Evidence is what a side filed. It is never changed: each piece carries the hash of
// the one before it, whoever filed that.
type Evidence struct {
	platform.Head
	Dispute platform.ID     `json:"dispute" class:"internal"`
	Order   platform.ID     `json:"order" class:"internal"`
	No      int             `json:"no" class:"internal"`   // 1, 2, 3 … in the dispute
	Side    string          `json:"side" class:"internal"` // customer, merchant, platform
	Kind    string          `json:"kind" class:"internal"`
	Text    platform.Sealed `json:"text,omitempty" class:"personal,dispute,3y,contract"`
	Author  platform.ID     `json:"author" class:"internal"` // whose text it is
	SHA256  string          `json:"sha256" class:"internal"` // of the content, or of the sealed text; lower-case hexadecimal
	Bytes   int64           `json:"bytes,omitempty" class:"internal"`
	Content string          `json:"content,omitempty" class:"internal"`
	By      platform.ID     `json:"by" class:"internal"`
	At      time.Time       `json:"at" class:"internal"`
	Chain   string          `json:"chain" class:"internal"` // hash over this piece and all before it
}

// Ref names the piece.
func (e Evidence) Ref() platform.Ref { return platform.Ref{Kind: evidenceKind, ID: e.ID} }

// maxFiled is how many pieces a side may file.
const maxFiled = 50

// chained is the hash over the piece and the one before it.
func (e Evidence) chained(before string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d\x00%s\x00%s\x00%s\x00%d", before, e.ID, e.No, e.Side, e.Kind, e.SHA256, e.At.UnixMicro()))
	return hex.EncodeToString(sum[:])
}

// exhibits are pieces on their way in, sealed, each with its id. Sealing is random,
// so that it happens once, before anything is decided.
func (s *Service) exhibits(ctx context.Context, root platform.ID, all []Exhibit) ([]Evidence, error) {
	by, err := s.w.Actor(ctx)
	if err != nil || len(all) == 0 || platform.Validate(exhibits{all}) != nil { // refused below, with every fault
		return nil, err
	}
	pieces := make([]Evidence, len(all))
	for i, x := range all {
		e := Evidence{
			Head: platform.Head{ID: s.w.NewChild("evd", root)}, Kind: x.Kind, SHA256: strings.ToLower(x.SHA256),
			Bytes: x.Bytes, Content: x.Content, By: by.ID, Author: by.For(),
		}
		text := strings.TrimSpace(x.Text)
		if (text == "") == (x.SHA256 == "") || x.SHA256 != "" && x.Content == "" {
			return nil, platform.Wrong(fmt.Sprintf("evidence[%d]", i), errEvidence)
		}
		if text != "" {
			if s.ports.Sealer == nil {
				return nil, fmt.Errorf("keep %s: %w", e.Ref(), errSealer)
			}
			place := platform.Place{Subject: subjectOf(by), Record: e.Ref(), Field: "text"}
			if e.Text, err = s.ports.Sealer.Seal(ctx, place, x.Text); err != nil {
				return nil, fmt.Errorf("keep %s: %w", e.Ref(), err)
			}
			sum := sha256.Sum256(e.Text)
			e.SHA256, e.Bytes = hex.EncodeToString(sum[:]), int64(len(e.Text))
		}
		pieces[i] = e
	}
	return pieces, nil
}

// subjectOf is the person whose words an actor's are.
func subjectOf(by platform.Actor) platform.Ref {
	kind := string(by.Kind)
	switch by.For().Prefix() {
	case "cus":
		kind = "customer"
	case "mer":
		kind = "merchant"
	}
	return platform.Ref{Kind: kind, ID: by.For()}
}

// exhibits is what a command files, to be validated before it is sealed.
type exhibits struct {
	Evidence []Exhibit `json:"evidence" validate:"max=50,dive"`
}

// filed adds evidence of a side to the dispute. It fails with dispute.evidence_full
// above fifty pieces of one side.
func (d Dispute) filed(side string, pieces []Evidence, at time.Time) (Dispute, []platform.ID, []platform.Change, error) {
	mine, all := 0, 0
	for _, t := range d.Turns {
		if all += len(t.Evidence); t.Side == side {
			mine += len(t.Evidence)
		}
	}
	if mine+len(pieces) > maxFiled {
		return Dispute{}, nil, nil, fmt.Errorf("file in dispute %s: %w", d.ID, errTooMuch)
	}
	var ids []platform.ID
	var changes []platform.Change
	for i, e := range pieces {
		e.Dispute, e.Order, e.Side, e.No, e.At = d.ID, d.Order, side, all+i+1, at
		e.Chain = e.chained(d.Chain)
		d.Chain = e.Chain
		ids, changes = append(ids, e.ID), append(changes, platform.Put(e))
	}
	return d, ids, changes, nil
}

// File adds evidence.
type File struct {
	Dispute  platform.ID `json:"dispute" validate:"required,id=dsp"`
	Evidence []Exhibit   `json:"evidence" validate:"required,min=1,max=50,dive"`
}

// Subject is the dispute.
func (in File) Subject() platform.Ref { return platform.Ref{Kind: disputeKind, ID: in.Dispute} }

// File adds a side's evidence while the parties speak, whoever's turn it is. Before
// an arbiter it is dispute.evidence_closed.
func (s *Service) File(ctx context.Context, in File) (Dispute, error) {
	pieces, sealing := s.exhibits(ctx, in.Dispute, in.Evidence)
	return asParty(ctx, s, in, in.Dispute, func(d Dispute, side Side, by platform.Actor, at time.Time) (Dispute, []platform.Change, error) {
		if sealing != nil {
			return Dispute{}, nil, sealing
		}
		if _, err := d.take("file", side.kind()); err != nil {
			return Dispute{}, nil, err
		}
		return d.with(Turn{At: at, By: by.ID, Side: string(side), Move: "filed"}, pieces)
	})
}

// with is the dispute after a turn with its evidence, and the changes: the pieces
// and the event of the turn.
func (d Dispute) with(t Turn, pieces []Evidence) (Dispute, []platform.Change, error) {
	round := d.Round
	d, ids, changes, err := d.filed(t.Side, pieces, t.At)
	if err != nil {
		return Dispute{}, nil, err
	}
	t.Evidence = ids
	d = d.says(t)
	d.Round = round
	return d, append(slices.Clip(changes), d.happened(t.Move).Because(t.Reason)), nil
}
