package order

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Taken is a proof as whoever did the work sends it. The content lies with the
// caller; its hash and where it lies are kept here.
type Taken struct {
	Kind    string    `json:"kind" validate:"oneof=photo signature code geo checklist file" code:"proof.kind"`
	SHA256  string    `json:"sha256" validate:"required,len=64,hexadecimal" code:"proof.hash"`
	Bytes   int64     `json:"bytes" validate:"min=1,max=20971520" code:"proof.size"` // at most 20 MiB
	TakenAt time.Time `json:"taken_at" validate:"required" code:"proof.time"`
	Content string    `json:"content,omitempty" validate:"text=500"` // the caller's own reference
}

// Proof is evidence of the work on an order. It is never changed.
type Proof struct {
	platform.Head
	Order   platform.ID `json:"order" class:"internal"`
	Kind    string      `json:"kind" class:"internal"`
	SHA256  string      `json:"sha256" class:"internal"` // lower-case hexadecimal
	Bytes   int64       `json:"bytes" class:"internal"`
	TakenAt time.Time   `json:"taken_at" class:"internal"`
	Content string      `json:"content,omitempty" class:"internal"`
	By      platform.ID `json:"by" class:"internal"`
	At      time.Time   `json:"at" class:"internal"`
}

// Ref names the proof.
func (p Proof) Ref() platform.Ref { return platform.Ref{Kind: "order.proof", ID: p.ID} }

// Proved is what the order itself remembers of a proof.
type Proved struct {
	Proof  platform.ID `json:"proof" class:"internal"`
	Kind   string      `json:"kind" class:"internal"`
	SHA256 string      `json:"sha256" class:"internal"`
}

const (
	maxProofs  = 30
	proofEarly = time.Hour       // before the work
	proofAhead = 2 * time.Minute // of our clock
)

// proofs gives each proof its id, once, before the decision.
func (s *Service) proofs(order platform.ID, taken []Taken) []Proof {
	all := make([]Proof, len(taken))
	for i, t := range taken {
		all[i] = Proof{
			Head: platform.Head{ID: s.w.NewChild("prf", order)}, Order: order, Kind: t.Kind,
			SHA256: strings.ToLower(t.SHA256), Bytes: t.Bytes, TakenAt: t.TakenAt.UTC(), Content: t.Content,
		}
	}
	return all
}

// prove adds the proofs that come with a verb: the order that knows them, and
// their records. A proof of the kind and hash of one that it has is that one.
func (o Order) prove(verb string, proofs []Proof, by platform.Actor, at time.Time) (Order, []platform.Change, error) {
	if _, err := o.take(verb, by.Kind, at); err != nil {
		return Order{}, nil, err
	}
	var added []platform.Change
	known := slices.Clone(o.Proofs)
	for i, p := range proofs {
		if p.TakenAt.Before(o.worked(at).Add(-proofEarly)) || p.TakenAt.After(at.Add(proofAhead)) {
			return Order{}, nil, platform.Wrong(path("proofs", i, "taken_at"), errProofTime)
		}
		same := func(q Proved) bool { return q.Kind == p.Kind && q.SHA256 == p.SHA256 }
		if slices.ContainsFunc(known, same) {
			continue
		}
		p.By, p.At = by.ID, at
		known = append(known, Proved{Proof: p.ID, Kind: p.Kind, SHA256: p.SHA256})
		tell := o.facts()
		tell.Kind, tell.Order = p.Kind, o.ID
		added = append(added, platform.Put(p), platform.Happened("proof.added", p.Ref(), tell))
	}
	if len(known) > maxProofs {
		return Order{}, nil, fmt.Errorf("prove order %s: %w", o.ID, errProofTooMany)
	}
	o.Proofs = known
	return o, added, nil
}

// worked is when the work began, or could have.
func (o Order) worked(at time.Time) time.Time {
	switch {
	case !o.StartedAt.IsZero():
		return o.StartedAt
	case !o.PlannedStart.IsZero() && o.PlannedStart.Before(at):
		return o.PlannedStart
	case !o.ConfirmedAt.IsZero():
		return o.ConfirmedAt
	}
	return at
}

// proved fails with ErrProofMissing unless every demanded kind is there.
func (o Order) proved() error {
	missing := slices.DeleteFunc(slices.Clone(o.Terms.Proof), func(kind string) bool {
		return slices.ContainsFunc(o.Proofs, func(p Proved) bool { return p.Kind == kind })
	})
	if len(missing) == 0 {
		return nil
	}
	return platform.Detail(fmt.Errorf("deliver order %s: %w", o.ID, ErrProofMissing), "missing", missing)
}

// path is where a field of an input stands: lines[2].amount.
func path(list string, i int, field string) string {
	at := list + "[" + strconv.Itoa(i) + "]"
	if field != "" {
		at += "." + field
	}
	return at
}
