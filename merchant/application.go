package merchant

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/liangding/platform"
)

// Application asks for a place on the platform (clause 3.1.2). It reserves the
// id of the merchant that it may become. As long as it is open, and while its
// merchant is here, nobody else can apply with the same licence.
type Application struct {
	platform.Head
	State      State         `json:"state" class:"internal"`
	Merchant   platform.ID   `json:"merchant" class:"internal"`             // reserved
	Applicant  platform.ID   `json:"applicant" class:"internal"`            // who applied, or on whose behalf
	Hands      []platform.ID `json:"hands" class:"internal"`                // who entered anything; none of them may decide
	Introducer platform.ID   `json:"introducer,omitempty" class:"internal"` // nor may who brought the applicant here
	Channel    string        `json:"channel,omitempty" class:"internal"`    // where the lead came from: social, paid_search …
	Reference  string        `json:"reference,omitempty" class:"internal"`  // the record that it was imported from, unique in its channel
	Profile    Profile       `json:"profile"`
	Identity   string        `json:"identity,omitempty" class:"internal"` // tells applicants apart: blind index of the licence, or the applicant
	Asked      []string      `json:"asked,omitempty" class:"internal"`    // fields of the party still to be answered
	Rounds     int           `json:"rounds,omitempty" class:"internal"`   // of questions, at most 3
	Decision   State         `json:"decision,omitempty" class:"internal"` // approved or rejected, whatever came after
	Reviewer   platform.ID   `json:"reviewer,omitempty" class:"internal"`
	Reasons    []string      `json:"reasons,omitempty" class:"internal"` // codes of a rejection
	AppliedAt  time.Time     `json:"applied_at" class:"internal"`
	DecidedAt  time.Time     `json:"decided_at,omitzero" class:"internal"`
	CoolOff    time.Time     `json:"cool_off,omitzero" class:"internal"` // end of the wait after a rejection
	Due        time.Time     `json:"due,omitzero" class:"internal"`      // when it lapses, unless something happens
}

// Ref names the application.
func (a Application) Ref() platform.Ref { return platform.Ref{Kind: kindApplication, ID: a.ID} }

// Open lists the moves that a kind of actor may make now.
func (a Application) Open(by platform.ActorKind) []string { return applicationMoves.Open(a.State, by) }

var applicationMoves = platform.Moves[State]{
	{Verb: "apply", From: []State{""}, To: Applied, By: []platform.ActorKind{platform.Merchant, platform.Operator, platform.System}, Refusal: errNotAppliable},
	{Verb: "submit", From: []State{Applied}, To: InReview, By: []platform.ActorKind{platform.Merchant, platform.Operator, platform.System}, Refusal: errNotSubmittable},
	{Verb: "ask_info", From: []State{InReview}, To: InfoRequired, By: []platform.ActorKind{platform.Operator}, Refusal: errNotAskable},
	{Verb: "answer", From: []State{InfoRequired}, To: InReview, By: []platform.ActorKind{platform.Merchant, platform.Operator}, Refusal: errNotAnswerable},
	{Verb: "approve", From: []State{InReview}, To: Approved, By: []platform.ActorKind{platform.Operator}, Refusal: errNotApprovable},
	{Verb: "reject", From: []State{InReview}, To: Rejected, By: []platform.ActorKind{platform.Operator}, Refusal: errNotRejectable},
	{Verb: "lapse", From: []State{Applied, InfoRequired, Approved}, To: Lapsed, By: []platform.ActorKind{platform.System}, Refusal: errNotLapsable},
}

// holds tells whether the application keeps others with its identity out.
func (a Application) holds() bool { return a.State != Rejected && a.State != Lapsed }

// source is the record that the application was imported from, "" for none. No
// two records have the same, whatever signs are in their names.
func (a Application) source() string {
	if a.Reference == "" {
		return ""
	}
	return url.PathEscape(a.Channel) + "/" + a.Reference
}

// clash refuses a as a second application beside other: with a reference that
// was imported already, or with the licence of one that is open, that became a
// merchant, or that was rejected a short while ago.
func (a Application) clash(other Application, now time.Time) error {
	switch {
	case other.ID == a.ID:
		return nil
	case a.Reference != "" && other.source() == a.source():
		return platform.Detail(ErrReference, "application", string(other.ID))
	case a.Identity == "" || other.Identity != a.Identity:
		return nil
	case other.State == Approved:
		return ErrDuplicate
	case other.holds():
		return ErrOpen
	case now.Before(other.CoolOff):
		return platform.Detail(ErrCoolOff, "until", other.CoolOff)
	}
	return nil
}

// Apply opens an application. An import by an operator or the system names the
// record that it comes from in Reference, so that importing it again is refused
// with code merchant.reference_known and the application's id as a detail.
type Apply struct {
	Party      Party       `json:"party"`
	Channel    string      `json:"channel,omitempty" validate:"text=64"`
	Reference  string      `json:"reference,omitempty" validate:"text=64"`
	Introducer platform.ID `json:"introducer,omitempty" validate:"text=64"`
}

func (in Apply) application(id platform.ID, by platform.Actor, at time.Time) (Application, error) {
	state, err := applicationMoves.Take("", "apply", by.Kind)
	switch {
	case err != nil:
		return Application{}, err
	case in.Reference != "" && by.Kind == platform.Merchant:
		return Application{}, fmt.Errorf("apply with a reference: %w", errImport)
	}
	a := Application{
		Head: platform.Head{ID: id}, State: state, Merchant: id.As("mer"), Applicant: by.For(),
		Introducer: in.Introducer, Channel: in.Channel, Reference: in.Reference, AppliedAt: at,
	}
	if by.Kind == platform.Merchant {
		a.Identity = "applicant/" + string(by.For()) // unless a licence tells better
	}
	return a, nil
}

// Apply opens an application: state applied, with the id that the merchant will
// have. It must be handed in by [Service.Submit] within 90 days.
//
// Of parallel applications with one licence exactly one succeeds. The others
// get [ErrOpen], or [ErrDuplicate] once it has become a merchant, or
// [ErrCoolOff], until when in the details, after a rejection.
func (s *Service) Apply(ctx context.Context, in Apply) (Application, error) {
	demanded := []string{"name", "licence"}
	if s.opts.LicenceOptional {
		demanded = demanded[:1]
	}
	if err := s.vet(in, in.Party, demanded); err != nil {
		return Application{}, err
	}
	id := s.w.NewRoot(ctx, "apl")
	told, err := s.seal(ctx, id, in.Party)
	if err != nil {
		return Application{}, err
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Application, []platform.Change, error) {
		by, err := s.w.Actor(ctx)
		if err != nil {
			return Application{}, nil, err
		}
		now := s.w.Now()
		a, err := in.application(id, by, now)
		if err != nil {
			return Application{}, nil, err
		}
		a, a.Due = a.with(told, by), now.Add(s.opts.ApplyFor)
		if err := s.vacant(ctx, a, now); err != nil {
			return Application{}, nil, fmt.Errorf("apply: %w", err)
		}
		facts := map[string]any{"merchant": a.Merchant, "channel": a.Channel, "reference": a.Reference, "introducer": a.Introducer}
		return a, []platform.Change{platform.Put(a), platform.Happened("merchant.applied", a.Ref(), facts)}, nil
	})
}

// vacant looks for what a clashes with. In a race it is the claims of the
// record that decide; this tells the loser why.
func (s *Service) vacant(ctx context.Context, a Application, now time.Time) error {
	for _, key := range []struct{ column, value string }{{"reference", a.source()}, {"identity", a.Identity}} {
		if key.value == "" {
			continue
		}
		page, err := s.store.Applications(ctx, platform.Query{By: []string{key.column}, Equal: []any{key.value}, Backward: true})
		if err != nil {
			return err
		}
		for _, other := range page.Items {
			if err := a.clash(other, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// Submit hands an application in.
type Submit struct {
	Application platform.ID `json:"application" validate:"required,id=apl"`
}

// Subject is the application.
func (in Submit) Subject() platform.Ref {
	return platform.Ref{Kind: kindApplication, ID: in.Application}
}

// Submit is the application once it is handed in. After its due time it fails
// with [ErrLapsed].
func (a Application) Submit(by platform.Actor, at time.Time) (Application, error) {
	state, err := applicationMoves.Take(a.State, "submit", by.Kind)
	switch {
	case err != nil:
		return Application{}, err
	case !at.Before(a.Due):
		return Application{}, ErrLapsed
	}
	a.State, a.Hands, a.Due = state, joined(a.Hands, by), time.Time{}
	return a, nil
}

// Submit hands the application in for review.
func (s *Service) Submit(ctx context.Context, in Submit) (Application, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Application, []platform.Change, error) {
		a, by, err := s.application(ctx, in.Application)
		if err != nil {
			return Application{}, nil, err
		}
		next, err := a.Submit(by, s.w.Now())
		if err != nil {
			return Application{}, nil, fmt.Errorf("submit %s: %w", a.ID, err)
		}
		return next, []platform.Change{platform.Put(next), platform.Happened("merchant.submitted", next.Ref(), nil)}, nil
	})
}
