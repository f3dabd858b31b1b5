package merchant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Revision is one version of a listing. Once handed in it never changes its
// content, so an order that pinned it knows what the customer saw.
type Revision struct {
	platform.Head
	State     State         `json:"state" class:"internal"`
	Listing   platform.ID   `json:"listing" class:"public"`
	Number    int           `json:"number" class:"public"` // 1, 2, 3 … of its listing
	Content   Content       `json:"content"`
	Hands     []platform.ID `json:"hands" class:"internal"`           // who wrote it; none of them may review it
	Flags     []string      `json:"flags,omitempty" class:"internal"` // automatic checks that a reviewer should look at
	Reviewer  platform.ID   `json:"reviewer,omitempty" class:"internal"`
	Decision  State         `json:"decision,omitempty" class:"internal"` // approved or rejected, whatever came after
	Rules     []string      `json:"rules,omitempty" class:"internal"`    // why it was rejected
	DecidedAt time.Time     `json:"decided_at,omitzero" class:"internal"`
}

// Ref names the revision.
func (r Revision) Ref() platform.Ref { return platform.Ref{Kind: kindRevision, ID: r.ID} }

// Open lists the moves that a kind of actor may make now.
func (r Revision) Open(by platform.ActorKind) []string { return revisionMoves.Open(r.State, by) }

var revisionMoves = platform.Moves[State]{
	{Verb: "draft", From: []State{""}, To: Draft, By: []platform.ActorKind{platform.Merchant}, Refusal: errNotDraftable},
	{Verb: "edit", From: []State{Draft}, To: Draft, By: []platform.ActorKind{platform.Merchant}, Refusal: errNotEditable},
	{Verb: "submit", From: []State{Draft}, To: InReview, By: []platform.ActorKind{platform.Merchant}, Refusal: errNotHandable},
	{Verb: "approve", From: []State{InReview}, To: Approved, By: []platform.ActorKind{platform.Operator}, Refusal: errNotPassable},
	{Verb: "reject", From: []State{InReview}, To: Rejected, By: []platform.ActorKind{platform.Operator}, Refusal: errNotRefusable},
	{Verb: "go_live", From: []State{Approved}, To: Live, By: []platform.ActorKind{platform.Merchant, platform.Operator, platform.System}, Refusal: errNotLiveable},
	{Verb: "supersede", From: []State{Live}, To: Superseded, By: []platform.ActorKind{platform.Merchant, platform.Operator, platform.System}, Refusal: errNotSupersedable},
}

// NewDraft begins a listing, or a new revision of one. Without Content, the new
// revision begins as a copy of the live one.
type NewDraft struct {
	Listing platform.ID `json:"listing,omitempty" validate:"omitempty,id=lst"` // "" begins a new one
	Content *Content    `json:"content,omitempty"`
}

// Subject is the listing; nothing for a new one.
func (in NewDraft) Subject() platform.Ref {
	if in.Listing == "" {
		return platform.Ref{}
	}
	return platform.Ref{Kind: kindListing, ID: in.Listing}
}

// draft is the listing with a new draft. It fails with ErrState, code
// listing.draft_open, while it has another that is not live or rejected yet.
func (l Listing) draft(id platform.ID, content *Content, by platform.Actor) (Listing, Revision, error) {
	state, err := revisionMoves.Take("", "draft", by.Kind)
	switch {
	case err != nil:
		return Listing{}, Revision{}, err
	case l.Draft != "":
		return Listing{}, Revision{}, platform.Detail(errDrafted, "revision", string(l.Draft))
	case content == nil:
		content = &l.Shown
	}
	l.Draft, l.Revisions = id, l.Revisions+1
	return l, Revision{
		Head: platform.Head{ID: id}, State: state, Listing: l.ID, Number: l.Revisions,
		Content: content.withDefaults(), Hands: joined(nil, by),
	}, nil
}

// NewDraft begins a revision, which customers do not see. The merchant must be
// active, else it fails with [ErrNotActive].
func (s *Service) NewDraft(ctx context.Context, in NewDraft) (Revision, error) {
	listing := in.Listing
	if listing == "" {
		listing = s.w.NewRoot(ctx, "lst")
	}
	id := s.w.NewChild("rev", listing)
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Revision, []platform.Change, error) {
		l, by, err := s.begun(ctx, in, listing)
		if err != nil {
			return Revision{}, nil, err
		}
		m, _, err := s.merchant(ctx, l.Merchant)
		if err != nil {
			return Revision{}, nil, err
		}
		checks, err := s.mayList(ctx, m, s.w.Now())
		if err != nil {
			return Revision{}, nil, fmt.Errorf("draft of %s: %w", listing, err)
		}
		l, r, err := l.draft(id, in.Content, by)
		if err != nil {
			return Revision{}, nil, fmt.Errorf("draft of %s: %w", listing, err)
		}
		facts := map[string]any{"revision": r.ID, "number": r.Number}
		return r, append(checks, platform.Put(l), platform.Put(r), platform.Unchanged(m), platform.Happened("listing.drafted", l.Ref(), facts)), nil
	})
}

// begun is the listing that a draft is for: the one named, or a new one.
func (s *Service) begun(ctx context.Context, in NewDraft, id platform.ID) (Listing, platform.Actor, error) {
	if in.Listing != "" {
		return s.listing(ctx, in.Listing)
	}
	by, err := s.w.Actor(ctx)
	if err != nil {
		return Listing{}, by, err
	}
	l, err := newListing(id, by)
	return l, by, err
}

// Edit replaces the content of a draft.
type Edit struct {
	Revision platform.ID `json:"revision" validate:"required,id=rev"`
	Version  int64       `json:"version,omitempty"` // of the draft as it was read; 0 overwrites whatever is there
	Content  Content     `json:"content"`
}

// Subject is the revision.
func (in Edit) Subject() platform.Ref { return platform.Ref{Kind: kindRevision, ID: in.Revision} }

// Edit is the draft with other content.
func (r Revision) Edit(content Content, by platform.Actor) (Revision, error) {
	state, err := revisionMoves.Take(r.State, "edit", by.Kind)
	if err != nil {
		return Revision{}, err
	}
	r.State, r.Content, r.Hands = state, content.withDefaults(), joined(r.Hands, by)
	return r, nil
}

// Edit replaces the content of a draft. It fails with ErrConflict, code
// listing.edited, when the draft is not at the version named.
func (s *Service) Edit(ctx context.Context, in Edit) (Revision, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Revision, []platform.Change, error) {
		r, l, by, err := s.revision(ctx, in.Revision)
		if err != nil {
			return Revision{}, nil, err
		}
		if in.Version != 0 && in.Version != r.Version {
			return Revision{}, nil, fmt.Errorf("edit %s: %w", r.ID, errEdited)
		}
		next, err := r.Edit(in.Content, by)
		if err != nil {
			return Revision{}, nil, fmt.Errorf("edit %s: %w", r.ID, err)
		}
		facts := map[string]any{"revision": r.ID}
		return next, []platform.Change{platform.Put(next), platform.Unchanged(l), platform.Happened("listing.edited", l.Ref(), facts)}, nil
	})
}

// SubmitDraft hands a draft in.
type SubmitDraft struct {
	Revision platform.ID `json:"revision" validate:"required,id=rev"`
}

// Subject is the revision.
func (in SubmitDraft) Subject() platform.Ref {
	return platform.Ref{Kind: kindRevision, ID: in.Revision}
}

// submit is the draft on its way to a reviewer, with what the checks flagged.
func (r Revision) submit(by platform.Actor, o Options) (Revision, error) {
	state, err := revisionMoves.Take(r.State, "submit", by.Kind)
	if err != nil {
		return Revision{}, err
	}
	flags, wrong := r.Content.screen(o)
	if wrong = append(r.Content.missing(), wrong...); len(wrong) > 0 {
		return Revision{}, wrong
	}
	r.State, r.Flags, r.Hands = state, flags, joined(r.Hands, by)
	return r, nil
}

// SubmitDraft hands a draft in for review: nobody can edit it any more. It fails
// with FieldErrors that name all that is missing (listing.price, .standard,
// .area …) and all that must not be said (listing.contact_data, .banned_term).
func (s *Service) SubmitDraft(ctx context.Context, in SubmitDraft) (Revision, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Revision, []platform.Change, error) {
		r, l, by, err := s.revision(ctx, in.Revision)
		if err != nil {
			return Revision{}, nil, err
		}
		next, err := r.submit(by, s.opts)
		if err != nil {
			return Revision{}, nil, fmt.Errorf("submit %s: %w", r.ID, err)
		}
		l.Queued = s.w.Now()
		return next, []platform.Change{
			platform.Put(next), platform.Put(l),
			platform.Happened("listing.submitted", l.Ref(), map[string]any{"revision": r.ID}),
			platform.Happened("listing.checked", l.Ref(), map[string]any{"revision": r.ID, "flags": next.Flags}),
		}, nil
	})
}

// decide is the revision once somebody reviewed it who has no hand in it.
func (r Revision) decide(verb string, owner platform.ID, by platform.Actor, at time.Time) (Revision, error) {
	if r.Decision != "" {
		return Revision{}, platform.Detail(ErrDecided, "decision", string(r.Decision))
	}
	if err := tied(by, "", append(slices.Clone(r.Hands), owner)...); err != nil {
		return Revision{}, err
	}
	state, err := revisionMoves.Take(r.State, verb, by.Kind)
	if err != nil {
		return Revision{}, err
	}
	r.State, r.Decision, r.Reviewer, r.DecidedAt = state, state, by.ID, at
	return r, nil
}

// ApproveRevision lets a revision go live.
type ApproveRevision struct {
	Revision platform.ID `json:"revision" validate:"required,id=rev"`
}

// Subject is the revision.
func (in ApproveRevision) Subject() platform.Ref {
	return platform.Ref{Kind: kindRevision, ID: in.Revision}
}

// ApproveRevision approves a revision. It is live in the same set, the former
// one superseded, when the merchant is active and the listing not taken down;
// else it waits for [Service.GoLive]. It fails with [ErrDecided] when somebody
// else decided first, and with ErrDenied, code review.self, for its author.
func (s *Service) ApproveRevision(ctx context.Context, in ApproveRevision) (Revision, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Revision, []platform.Change, error) {
		r, l, by, err := s.revision(ctx, in.Revision)
		if err != nil {
			return Revision{}, nil, err
		}
		m, _, former, err := s.store.Behind(ctx, l)
		if err != nil {
			return Revision{}, nil, err
		}
		now := s.w.Now()
		r, err = r.decide("approve", l.Merchant, by, now)
		if err != nil {
			return Revision{}, nil, fmt.Errorf("approve %s: %w", in.Revision, err)
		}
		l.Queued = time.Time{}
		changes := []platform.Change{platform.Unchanged(m), platform.Happened("listing.approved", l.Ref(), map[string]any{"revision": r.ID})}
		checks, err := s.mayList(ctx, m, now)
		if err != nil && !errors.Is(err, platform.ErrState) {
			return Revision{}, nil, err
		}
		if err != nil || l.State == TakenDown {
			return r, append(changes, platform.Put(l), platform.Put(r)), nil //nolint:nilerr // it is asked whether it may, and nothing was tried
		}
		changes = append(changes, checks...)
		_, r, live, err := l.publish(r, former, by, now)
		if err != nil {
			return Revision{}, nil, fmt.Errorf("approve %s: %w", in.Revision, err)
		}
		return r, append(changes, live...), nil
	})
}

// RejectRevision refuses a revision by the rules that it breaks, such as
// listing.contact_data or a rule of the platform's own.
type RejectRevision struct {
	Revision platform.ID `json:"revision" validate:"required,id=rev"`
	Rules    []string    `json:"rules" validate:"min=1,max=20,unique,dive,required,text=64"`
}

// Subject is the revision.
func (in RejectRevision) Subject() platform.Ref {
	return platform.Ref{Kind: kindRevision, ID: in.Revision}
}

// RejectRevision ends a revision; what is live stays so, and the merchant may
// begin another draft. It fails as [Service.ApproveRevision] does.
func (s *Service) RejectRevision(ctx context.Context, in RejectRevision) (Revision, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Revision, []platform.Change, error) {
		r, l, by, err := s.revision(ctx, in.Revision)
		if err != nil {
			return Revision{}, nil, err
		}
		r, err = r.decide("reject", l.Merchant, by, s.w.Now())
		if err != nil {
			return Revision{}, nil, fmt.Errorf("reject %s: %w", in.Revision, err)
		}
		r.Rules, l.Draft, l.Queued = slices.Clone(in.Rules), "", time.Time{}
		event := platform.Happened("listing.rejected", l.Ref(), map[string]any{"revision": r.ID, "rules": r.Rules})
		return r, []platform.Change{platform.Put(r), platform.Put(l), event.Because(in.Rules[0])}, nil
	})
}
