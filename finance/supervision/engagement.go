package supervision

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Phase is how far an engagement has come.
type Phase string

// The phases of an engagement.
const (
	Planning  Phase = "planned"
	Engaged   Phase = "engaged"
	Fieldwork Phase = "fieldwork"
	Drafting  Phase = "draft"
	Opined    Phase = "opinion"
	Ended     Phase = "closed"
)

// EngagementMoves is the transition table of an engagement.
var EngagementMoves = platform.Moves[Phase]{
	{Verb: "plan", From: []Phase{""}, To: Planning, By: operator, Refusal: ErrEngagement},
	{Verb: "engage", From: []Phase{Planning}, To: Engaged, By: operator, Refusal: ErrEngagement},
	{Verb: "admit", From: []Phase{Engaged, Fieldwork, Drafting}, By: operator, Refusal: ErrEngagement},
	{Verb: "begin", From: []Phase{Engaged}, To: Fieldwork, By: operator, Refusal: ErrEngagement},
	{Verb: "draft", From: []Phase{Fieldwork}, To: Drafting, By: operator, Refusal: ErrEngagement},
	{Verb: "opine", From: []Phase{Drafting}, To: Opined, By: []platform.ActorKind{platform.Operator, platform.Auditor}, Refusal: ErrEngagement},
	{Verb: "close", From: []Phase{Opined}, To: Ended, By: operator, Refusal: ErrEngagement},
	{Verb: "late", From: []Phase{Planning, Engaged, Fieldwork, Drafting}, By: clock, Refusal: ErrEngagement},
}

// Opinion is what auditors say of the books.
type Opinion string

// The opinions.
const (
	Unqualified Opinion = "unqualified"
	Qualified   Opinion = "qualified"
	Adverse     Opinion = "adverse"
	Disclaimer  Opinion = "disclaimer"
)

// Engagement is the audit of a period by an outside firm.
type Engagement struct {
	platform.Head
	Firm         string         `json:"firm" class:"internal"`
	Licence      string         `json:"licence" class:"internal"`
	Partner      platform.ID    `json:"partner" class:"internal"` // who signs: an id, whose name the firm knows
	From         string         `json:"from" class:"internal"`    // first month of the period
	Until        string         `json:"until" class:"internal"`   // last
	Scope        []string       `json:"scope" class:"internal"`   // codes
	Fee          platform.Money `json:"fee,omitzero" class:"internal"`
	Independence string         `json:"independence,omitempty" class:"internal"` // SHA-256 of the firm's statement, in hex
	Year         int            `json:"year,omitempty" class:"internal"`         // of the partner's, 1 to as many as may be
	Phase        Phase          `json:"phase" class:"internal"`
	State        string         `json:"state" class:"internal"` // live, or closed
	Deadline     time.Time      `json:"deadline" class:"internal"`
	Due          time.Time      `json:"due,omitzero" class:"internal"`
	Late         bool           `json:"late,omitempty" class:"internal"` // and told
	Admitted     []Admission    `json:"admitted,omitempty" class:"internal"`
	Cutoff       string         `json:"cutoff,omitempty" class:"internal"` // last month that must not be opened again
	Opinion      Opinion        `json:"opinion,omitempty" class:"internal"`
	Report       string         `json:"report,omitempty" class:"internal"` // SHA-256 of the report, in hex
	OpinedAt     time.Time      `json:"opined_at,omitzero" class:"internal"`
}

// Admission lets an auditor read for a time.
type Admission struct {
	Account platform.ID `json:"account" class:"internal"`
	Until   time.Time   `json:"until" class:"internal"`
	By      platform.ID `json:"by" class:"internal"`
	At      time.Time   `json:"at" class:"internal"`
}

// longest is how long an admission may last.
const longest = 90 * 24 * time.Hour

// Ref names the engagement.
func (e Engagement) Ref() platform.Ref { return platform.Ref{Kind: engagementKind, ID: e.ID} }

// move is the engagement after a verb.
func (e Engagement) move(verb string, by platform.ActorKind) (Engagement, error) {
	phase, err := EngagementMoves.Take(e.Phase, verb, by)
	if err != nil {
		return Engagement{}, fmt.Errorf("%s %s: %w", verb, e.ID, err)
	}
	e.Phase = phase
	switch phase {
	case Ended:
		e.State, e.Admitted, e.Due = "closed", nil, time.Time{}
	case Opined:
		e.Due = time.Time{}
	default:
		e.State = "live"
	}
	return e, nil
}

// admits tells until when an auditor may read.
func (e Engagement) admits(account platform.ID, now time.Time) bool {
	return slices.ContainsFunc(e.Admitted, func(a Admission) bool { return a.Account == account && now.Before(a.Until) })
}

// PlanAudit plans the audit of a period.
type PlanAudit struct {
	Firm     string      `json:"firm" validate:"required,text=200"`
	Licence  string      `json:"licence" validate:"required,text=64"`
	Partner  platform.ID `json:"partner" validate:"required,text=64"`
	From     string      `json:"from" validate:"required,datetime=2006-01"`
	Until    string      `json:"until" validate:"required,datetime=2006-01,gtefield=From"`
	Scope    []string    `json:"scope" validate:"min=1,max=20,dive,required,text=64"`
	Deadline time.Time   `json:"deadline" validate:"required"` // of the opinion
}

// Engage signs the firm for a planned audit.
type Engage struct {
	Engagement   platform.ID    `json:"engagement" validate:"required,id=eng"`
	Fee          platform.Money `json:"fee" validate:"required"`
	Independence string         `json:"independence" validate:"required,len=64,hexadecimal"` // SHA-256 of the statement
}

// Admit lets an auditor's account read until a moment.
type Admit struct {
	Engagement platform.ID `json:"engagement" validate:"required,id=eng"`
	Account    platform.ID `json:"account" validate:"required,text=64"`
	Until      time.Time   `json:"until" validate:"required"`
}

// Advance takes an engagement on: begin the fieldwork, draft the report, or close.
type Advance struct {
	Engagement platform.ID `json:"engagement" validate:"required,id=eng"`
	Step       string      `json:"step" validate:"oneof=begin draft close"`
}

// Opine gives the opinion.
type Opine struct {
	Engagement platform.ID `json:"engagement" validate:"required,id=eng"`
	Opinion    Opinion     `json:"opinion" validate:"oneof=unqualified qualified adverse disclaimer"`
	Report     string      `json:"report" validate:"required,len=64,hexadecimal"` // SHA-256 of the report
}

func engagementRef(id platform.ID) platform.Ref { return platform.Ref{Kind: engagementKind, ID: id} }

// Subject is the engagement.
func (in Engage) Subject() platform.Ref { return engagementRef(in.Engagement) }

// Subject is the engagement.
func (in Admit) Subject() platform.Ref { return engagementRef(in.Engagement) }

// Subject is the engagement.
func (in Advance) Subject() platform.Ref { return engagementRef(in.Engagement) }

// Subject is the engagement.
func (in Opine) Subject() platform.Ref { return engagementRef(in.Engagement) }

// PlanAudit plans an engagement. Supervisors may. It fails with ErrRotation when
// the partner has signed for as many of the years before as may be.
func (s *Service) PlanAudit(ctx context.Context, in PlanAudit) (Engagement, error) {
	by, err := s.supervisor(ctx)
	if err != nil {
		return Engagement{}, fmt.Errorf("plan an audit: %w", err)
	}
	id := s.w.NewRoot(ctx, "eng")
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Engagement, []platform.Change, error) {
		e, err := Engagement{
			Head: platform.Head{ID: id}, Firm: in.Firm, Licence: in.Licence, Partner: in.Partner, From: in.From, Until: in.Until,
			Scope: in.Scope, Deadline: in.Deadline, Due: in.Deadline,
		}.move("plan", by.Kind)
		if err == nil {
			e.Year, err = s.year(ctx, e)
		}
		if err != nil {
			return Engagement{}, nil, err
		}
		return e, []platform.Change{platform.Put(e), e.event("audit.planned", "")}, nil
	})
}

// year is which of the partner's consecutive years an engagement is: one more than
// the audits of the periods before it that he signed without a pause. It reads the
// engagements of as many years as may be.
func (s *Service) year(ctx context.Context, e Engagement) (int, error) {
	page, err := platform.List[Engagement](ctx, s.db, platform.Query{
		Kind: engagementKind, By: []string{"from"}, Until: e.From, Backward: true, Limit: 100,
	})
	if err != nil {
		return 0, err
	}
	year := 1
	for _, before := range page.Items {
		if before.Partner != e.Partner || before.Phase == Planning {
			break
		}
		year++
	}
	if year > s.terms.Rotation {
		return 0, platform.Detail(fmt.Errorf("audit %s: %w", e.From, ErrRotation), "years", s.terms.Rotation)
	}
	return year, nil
}

// onEngagement carries out a command of a supervisor on an engagement.
func (s *Service) onEngagement(ctx context.Context, in interface{ Subject() platform.Ref }, what string, decide func(Engagement, platform.Actor) (Engagement, string, error)) (Engagement, error) {
	by, err := s.supervisor(ctx)
	if err != nil {
		return Engagement{}, fmt.Errorf("%s: %w", what, err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Engagement, []platform.Change, error) {
		e, err := platform.Read[Engagement](ctx, s.db, engagementKind, in.Subject().ID)
		if err != nil {
			return Engagement{}, nil, err
		}
		next, reason, err := decide(e, by)
		if err != nil {
			return Engagement{}, nil, err
		}
		return next, []platform.Change{platform.Put(next), next.event(what, reason)}, nil
	})
}

// Engage signs the firm. Supervisors may. It fails with ErrIndependence unless
// there are a statement of independence and a fee.
func (s *Service) Engage(ctx context.Context, in Engage) (Engagement, error) {
	return s.onEngagement(ctx, in, "audit.engaged", func(e Engagement, by platform.Actor) (Engagement, string, error) {
		next, err := e.move("engage", by.Kind)
		if err == nil && in.Fee.Sign() <= 0 {
			err = fmt.Errorf("engage %s: %w", e.ID, ErrIndependence)
		}
		next.Fee, next.Independence = in.Fee, in.Independence
		return next, "", err
	})
}

// Admit lets an auditor read until a moment, at most 90 days ahead (ErrTimeBox);
// the same account again is given another end. Supervisors may.
func (s *Service) Admit(ctx context.Context, in Admit) (Engagement, error) {
	return s.onEngagement(ctx, in, "audit.admitted", func(e Engagement, by platform.Actor) (Engagement, string, error) {
		next, err := e.move("admit", by.Kind)
		now := s.w.Now()
		if err == nil && (!in.Until.After(now) || in.Until.Sub(now) > longest) {
			err = fmt.Errorf("admit to %s: %w", e.ID, ErrTimeBox)
		}
		next.Admitted = slices.DeleteFunc(slices.Clone(e.Admitted), func(a Admission) bool { return a.Account == in.Account })
		next.Admitted = append(next.Admitted, Admission{in.Account, in.Until, by.ID, now})
		return next, "", err
	})
}

// Advance takes an engagement a step on. Supervisors may. Its close ends every
// admission.
func (s *Service) Advance(ctx context.Context, in Advance) (Engagement, error) {
	return s.onEngagement(ctx, in, "audit.advanced", func(e Engagement, by platform.Actor) (Engagement, string, error) {
		next, err := e.move(in.Step, by.Kind)
		return next, in.Step, err
	})
}

// Opine gives the opinion, which never changes. An admitted auditor may, and a
// supervisor who has it on paper.
func (s *Service) Opine(ctx context.Context, in Opine) (Engagement, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Engagement, []platform.Change, error) {
		e, by, err := s.field(ctx, in.Engagement)
		if err != nil {
			return Engagement{}, nil, fmt.Errorf("give an opinion: %w", err)
		}
		next, err := e.move("opine", by.Kind)
		if err != nil {
			return Engagement{}, nil, err
		}
		next.Opinion, next.Report, next.OpinedAt = in.Opinion, in.Report, s.w.Now()
		return next, []platform.Change{platform.Put(next), next.event("audit.opinion", string(in.Opinion))}, nil
	})
}

type remind struct {
	Engagement platform.ID `json:"engagement"`
}

// Subject is the engagement.
func (in remind) Subject() platform.Ref { return engagementRef(in.Engagement) }

// late tells that an opinion is overdue, once.
func (s *Service) late(ctx context.Context, id platform.ID, now time.Time) error {
	_, err := s.onEngagement(ctx, remind{id}, "audit.overdue", func(e Engagement, by platform.Actor) (Engagement, string, error) {
		next, err := e.move("late", by.Kind)
		if err == nil && (e.Due.IsZero() || now.Before(e.Due)) {
			err = fmt.Errorf("remind of %s: %w", e.ID, ErrEngagement)
		}
		next.Late, next.Due = true, time.Time{}
		return next, "late", err
	})
	return err
}

func (e Engagement) event(what, reason string) platform.Change {
	facts := map[string]any{"from": e.From, "until": e.Until, "phase": e.Phase}
	if e.Cutoff != "" {
		facts["cutoff"] = e.Cutoff
	}
	return platform.Happened(what, e.Ref(), facts).Because(reason)
}

// Engagement is one engagement. Operators, auditors and the system read it.
func (s *Service) Engagement(ctx context.Context, id platform.ID) (Engagement, error) {
	return shown[Engagement](ctx, s, engagementKind, id)
}

// Engagements is a page of ten of all, the latest period first.
func (s *Service) Engagements(ctx context.Context, cursor string) (platform.Page[Engagement], error) {
	if err := s.reader(ctx); err != nil {
		return platform.Page[Engagement]{}, err
	}
	return platform.List[Engagement](ctx, s.db, platform.Query{Kind: engagementKind, By: []string{"from"}, Backward: true, Limit: 10, Cursor: cursor})
}
