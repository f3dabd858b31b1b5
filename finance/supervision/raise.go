package supervision

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Known is a hit that was told of.
type Known struct {
	platform.Head
	Finding platform.ID    `json:"finding" class:"internal"`
	Code    string         `json:"code" class:"internal"`
	Refs    []platform.Ref `json:"refs,omitempty" class:"internal"`
	Amount  platform.Money `json:"amount,omitzero" class:"internal"`
	At      time.Time      `json:"at" class:"internal"`
}

// Ref names the hit.
func (h Known) Ref() platform.Ref { return platform.Ref{Kind: hitKind, ID: h.ID} }

// from is what finds something.
type from struct {
	code     string
	severity Severity
	stands   bool
	window   Window
}

// batch is how many hits are raised in one commit.
const batch = 100

type raise struct {
	Source string `json:"source"`
	Hits   int    `json:"hits"`
}

var errKnown = platform.Err(platform.ErrState, "finding.known", "all of it is known", "均已知悉")

// raise makes findings of those hits that nobody knew so, and tells how many.
func (s *Service) raise(ctx context.Context, src from, hits []Hit, now time.Time) (fresh int, err error) {
	for len(hits) > 0 && err == nil {
		some := hits[:min(batch, len(hits))]
		hits = hits[len(some):]
		var n int
		n, err = platform.Update(ctx, s.w, raise{src.code, len(some)}, func(ctx context.Context) (int, []platform.Change, error) {
			by, err := s.w.Actor(ctx)
			if err != nil {
				return 0, nil, err
			}
			changes, n, err := register{s.db, s.terms, s.calendar}.raised(ctx, src, some, by, now)
			if err == nil && n == 0 {
				err = errKnown
			}
			return n, changes, err
		})
		if errors.Is(err, errKnown) {
			err = nil
		}
		fresh += n
	}
	if err != nil {
		err = fmt.Errorf("raise findings of %s: %w", src.code, err)
	}
	return fresh, err
}

// register is the findings that there are.
type register struct {
	db       platform.Getter
	terms    Terms
	calendar platform.Calendar
}

// raised are the changes that hits make, and how many of them were not known so:
// each new or changed, or stands again although it was proved to be right.
func (r register) raised(ctx context.Context, src from, hits []Hit, by platform.Actor, now time.Time) (changes []platform.Change, fresh int, err error) {
	var refs []platform.Ref
	for _, h := range hits {
		f := FindingID(src.code, h.Object)
		refs = append(refs, platform.Ref{Kind: findingKind, ID: f}, hitRef(f, h))
	}
	stored, err := platform.Lookup(ctx, r.db, refs...)
	if err != nil {
		return nil, 0, err
	}
	findings, order, verbs := map[platform.ID]Finding{}, []platform.ID{}, map[platform.ID]string{}
	for _, h := range hits {
		id := FindingID(src.code, h.Object)
		f, seen := findings[id]
		if !seen {
			if f, err = one(stored, platform.Ref{Kind: findingKind, ID: id}, Finding{
				Head: platform.Head{ID: id}, Control: src.code, Object: h.Object, Owner: r.terms.Owner, From: src.window.From,
			}); err != nil {
				return nil, 0, err
			}
		}
		known, err := one(stored, hitRef(id, h), Known{Head: platform.Head{ID: hitRef(id, h).ID}, Finding: id, Code: h.Code, Refs: h.Refs})
		if err != nil {
			return nil, 0, err
		}
		unchanged := known.Version > 0 && known.Amount == h.Amount
		again := src.stands && f.State == Closed && f.ClosedAt.Before(now)
		if unchanged && !again {
			continue
		}
		next, verb, err := r.found(f, known, h, src, by, now)
		if err != nil {
			return nil, 0, err
		}
		if _, moved := verbs[id]; !moved {
			order = append(order, id)
		}
		if verbs[id] != "reopen" {
			verbs[id] = verb
		}
		known.Amount, known.At, findings[id], fresh = h.Amount, now, next, fresh+1
		changes = append(changes, platform.Put(known))
	}
	for _, id := range order {
		changes = append(changes, platform.Put(findings[id]), findings[id].event(map[string]string{"raise": "finding.raised", "reopen": "finding.reopened"}[verbs[id]], ""))
	}
	return changes, fresh, nil
}

// found is the finding with a hit that is new to it, or has another amount now.
func (r register) found(f Finding, known Known, h Hit, src from, by platform.Actor, now time.Time) (Finding, string, error) {
	if known.Version > 0 && f.State != Closed {
		if !known.Amount.Absent() {
			f = f.more(known.Amount.Neg())
		}
		return f.more(h.Amount), "raise", nil
	}
	if f.State == Closed {
		f.From = src.window.From
	}
	return f.Found(h, src.severity, by, now, r.terms, r.calendar)
}

func hitRef(finding platform.ID, h Hit) platform.Ref {
	return platform.Ref{Kind: hitKind, ID: derived("hit", finding, string(finding), h.key())}
}

// one is a record that was found, or else as it begins.
func one[T any](found map[platform.Ref]platform.Record, ref platform.Ref, begins T) (T, error) {
	all, err := platform.Found[T](found, ref)
	if err != nil || len(all) == 0 {
		return begins, err
	}
	return all[0], nil
}

// told is what an event says of a finding.
type told struct {
	Control  string         `json:"control"`
	Object   string         `json:"object"`
	Severity Severity       `json:"severity"`
	State    State          `json:"state"`
	Level    int            `json:"level,omitempty"`
	Round    int            `json:"round"`
	Hits     int            `json:"hits"`
	Amount   platform.Money `json:"amount,omitzero"`
	Owner    platform.ID    `json:"owner,omitempty"`
}

func (f Finding) event(what, reason string) platform.Change {
	facts := told{f.Control, f.Object, f.Severity, f.State, f.Level, f.Round, f.Hits, f.Amount, f.Owner}
	return platform.Happened(what, f.Ref(), facts).Because(reason)
}

// Findings is how other rooms raise findings in their own commits. It needs
// nothing but the records of this package.
type Findings struct {
	DB       platform.Getter
	Terms    Terms
	Calendar platform.Calendar
	Now      func() time.Time // if nil, time.Now in UTC
}

// Raise returns the changes by which a source says what is wrong with a record: a
// new finding of medium severity, or one more hit on the one that there is. They
// join the caller's set. There are none when it is known.
func (f Findings) Raise(ctx context.Context, source, reason string, about platform.Ref, amount platform.Money) ([]platform.Change, error) {
	by, err := platform.ActorOf(ctx)
	if err != nil {
		return nil, err
	}
	now := platform.Writer{Now: f.Now}.Ready().Now()
	by.Kind = platform.System // whoever acts: the room raises it
	h := Hit{Code: reason, Object: about.String(), Refs: []platform.Ref{about}, Amount: amount}
	changes, _, err := register{f.DB, f.Terms.ready(), f.Calendar}.raised(ctx, from{code: source, severity: Medium, window: Window{now, now}}, []Hit{h}, by, now)
	if err != nil {
		return nil, fmt.Errorf("raise a finding on %s: %w", about, err)
	}
	return changes, nil
}

// Raise says that something is wrong which no control has found.
type Raise struct {
	Source   string         `json:"source" validate:"required,text=64"` // who has found it, a code: audit, risk, invoice
	Object   string         `json:"object" validate:"required,text=128"`
	Code     string         `json:"code" validate:"required,text=64"`
	Refs     []platform.Ref `json:"refs" validate:"max=50"`
	Amount   platform.Money `json:"amount,omitzero"`
	Severity Severity       `json:"severity" validate:"oneof=low medium high"`
}

// Raise makes a finding, or one more hit on the one that the source has on the
// object. Supervisors, who watches risk, admitted auditors and the system may. It fails
// with ErrSupervisor and ErrAdmission.
func (s *Service) Raise(ctx context.Context, in Raise) (Finding, error) {
	if _, known := control(in.Source); known {
		return Finding{}, platform.Wrong("source", ErrControl)
	}
	now := s.w.Now()
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Finding, []platform.Change, error) {
		by, err := s.raiser(ctx, now)
		if err != nil {
			return Finding{}, nil, fmt.Errorf("raise a finding: %w", err)
		}
		h := Hit{Code: in.Code, Object: in.Object, Refs: in.Refs, Amount: in.Amount}
		changes, n, err := register{s.db, s.terms, s.calendar}.raised(ctx, from{code: in.Source, severity: in.Severity, window: Window{now, now}}, []Hit{h}, by, now)
		if err != nil {
			return Finding{}, nil, err
		}
		if n == 0 {
			return Finding{}, nil, fmt.Errorf("raise a finding: %w", errKnown)
		}
		for _, c := range changes {
			if f, is := c.Value.(Finding); is {
				return f, changes, nil
			}
		}
		return Finding{}, nil, errKnown
	})
}

// raiser is who may raise findings.
func (s *Service) raiser(ctx context.Context, now time.Time) (platform.Actor, error) {
	by, err := s.w.Actor(ctx)
	switch {
	case err != nil, by.Kind == platform.System, by.Kind == platform.Operator && by.Has("risk"):
		return by, err
	case by.Kind == platform.Auditor:
		_, err = s.admitted(ctx, by, now)
		return by, err
	}
	return s.supervisor(ctx)
}
