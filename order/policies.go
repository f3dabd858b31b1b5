package order

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/liangding/platform"
)

// PolicyState is where a version of a policy stands. Published and discarded are
// for ever.
type PolicyState string

// The states of a policy.
const (
	PolicyDraft     PolicyState = "draft"
	PolicyPublished PolicyState = "published"
	PolicyDiscarded PolicyState = "discarded"
)

// CancelPolicy is a policy on record. Once it is published nothing of it changes:
// what comes next is another version.
type CancelPolicy struct {
	platform.Head
	Name        string      `json:"name" class:"public"`
	Number      int         `json:"number,omitempty" class:"public"` // 1, 2, 3 … of the name; 0 for a draft
	Rows        []Row       `json:"rows" class:"public"`
	State       PolicyState `json:"state" class:"internal"`
	From        time.Time   `json:"effective_from,omitzero" class:"public"` // orders placed from then on pin it
	By          platform.ID `json:"by,omitempty" class:"internal"`          // who drafted it; empty for those that the program brings along
	At          time.Time   `json:"at,omitzero" class:"internal"`
	PublishedBy platform.ID `json:"published_by,omitempty" class:"internal"`
	PublishedAt time.Time   `json:"published_at,omitzero" class:"internal"`
}

const policyKind = "order.policy"

// Ref names the policy.
func (p CancelPolicy) Ref() platform.Ref { return platform.Ref{Kind: policyKind, ID: p.ID} }

// Policy is what the record says.
func (p CancelPolicy) Policy() Policy {
	return Policy{Name: p.Name, Version: p.Number, Rows: p.Rows}
}

// Label names the version for ever: "standard.2", as an order pins it.
func (p CancelPolicy) Label() string { return p.Name + "." + strconv.Itoa(p.Number) }

// policyMoves is the machine of a policy.
var policyMoves = platform.Moves[PolicyState]{
	{Verb: "draft", From: []PolicyState{""}, To: PolicyDraft, By: kinds{platform.Operator}, Refusal: errPolicyNotDraft},
	{Verb: "publish", From: []PolicyState{PolicyDraft}, To: PolicyPublished, By: kinds{platform.Operator}, Refusal: errPolicyNotDraft},
	{Verb: "discard", From: []PolicyState{PolicyDraft}, To: PolicyDiscarded, By: kinds{platform.Operator}, Refusal: errPolicyNotDraft},
}

// Open lists the verbs that a kind of actor may take on the policy now.
func (p CancelPolicy) Open(by platform.ActorKind) []string { return policyMoves.Open(p.State, by) }

// policyNotice is how long before it takes effect a version must be published: more
// than any command takes, so that no order is placed by one that was followed
// meanwhile.
const policyNotice = time.Minute

// DraftPolicy proposes a version of a cancellation policy.
type DraftPolicy struct {
	Name string    `json:"name" validate:"required,text=40"`
	From time.Time `json:"effective_from" validate:"required"`
	Rows []Row     `json:"rows" validate:"required,min=1,max=40"`
}

// DraftPolicy keeps a policy that applies to nothing yet. Only operators may. One
// that leaves a case open, or answers it twice, can be kept; see
// [Service.PublishPolicy].
func (s *Service) DraftPolicy(ctx context.Context, in DraftPolicy) (CancelPolicy, error) {
	id := s.w.NewRoot(ctx, "cpl")
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (CancelPolicy, []platform.Change, error) {
		by, err := s.w.Actor(ctx)
		if err != nil {
			return CancelPolicy{}, nil, err
		}
		p := CancelPolicy{
			Head: platform.Head{ID: id}, Name: in.Name, Rows: in.Rows,
			From: in.From.UTC().Truncate(time.Microsecond), By: by.ID, At: s.w.Now(),
		}
		if p.State, err = policyMoves.Take("", "draft", by.Kind); err != nil {
			return CancelPolicy{}, nil, err
		}
		return p, []platform.Change{platform.Put(p), p.happened("drafted")}, nil
	})
}

// happened is an event of the policy.
func (p CancelPolicy) happened(what string) platform.Change {
	return platform.Happened("policy."+what, p.Ref(), facts{Policy: p.Label()})
}

// PublishPolicy makes a draft the next version of its name.
type PublishPolicy struct {
	Policy platform.ID `json:"policy" validate:"required,id=cpl"`
}

// Subject is the policy.
func (in PublishPolicy) Subject() platform.Ref {
	return platform.Ref{Kind: policyKind, ID: in.Policy}
}

// PublishPolicy makes a draft the next version of its name, for ever: orders that
// are placed from its moment on pin it, those placed before keep theirs. Only an
// operator may who did not draft it.
//
// It fails as [Policy.Check] does, with policy.four_eyes, with policy.retroactive
// when it would take effect within a minute, or not after the version before it,
// and with policy.not_draft.
func (s *Service) PublishPolicy(ctx context.Context, in PublishPolicy) (CancelPolicy, error) {
	return s.onPolicy(ctx, in, in.Policy, func(ctx context.Context, p CancelPolicy, by platform.Actor, at time.Time) (CancelPolicy, []platform.Change, error) {
		last, err := s.latest(ctx, p.Name)
		if err != nil {
			return CancelPolicy{}, nil, err
		}
		next, err := p.publish(last, by, at)
		if err != nil {
			return CancelPolicy{}, nil, err
		}
		return next, []platform.Change{next.happened("published")}, nil
	})
}

// publish is the draft as the version that follows the last, zero if there is none.
func (p CancelPolicy) publish(last CancelPolicy, by platform.Actor, at time.Time) (CancelPolicy, error) {
	state, err := policyMoves.Take(p.State, "publish", by.Kind)
	if err != nil {
		return CancelPolicy{}, fmt.Errorf("publish policy %s: %w", p.ID, err)
	}
	if by.ID == p.By {
		return CancelPolicy{}, fmt.Errorf("publish policy %s: %w", p.ID, errPolicyFourEyes)
	}
	if err := p.Policy().Check(); err != nil {
		return CancelPolicy{}, err
	}
	if p.From.Before(at.Add(policyNotice)) || !p.From.After(last.From) {
		return CancelPolicy{}, platform.Wrong("effective_from", errPolicyRetroactive)
	}
	p.State, p.Number, p.PublishedBy, p.PublishedAt = state, last.Number+1, by.ID, at
	return p, nil
}

// latest is the last published version of a name, whether or not it is in effect.
func (s *Service) latest(ctx context.Context, name string) (CancelPolicy, error) {
	p, err := s.store.LastPolicy(ctx, name)
	if !errors.Is(err, platform.ErrNotFound) {
		return p, err
	}
	built, err := s.options.newest(name)
	if err != nil { // the first of its name
		return CancelPolicy{}, nil //nolint:nilerr // as the comment says
	}
	return CancelPolicy{Number: built.Version}, nil
}

// DiscardPolicy gives a draft up.
type DiscardPolicy struct {
	Policy platform.ID `json:"policy" validate:"required,id=cpl"`
	Reason string      `json:"reason" validate:"required,text=64"` // a code
}

// Subject is the policy.
func (in DiscardPolicy) Subject() platform.Ref {
	return platform.Ref{Kind: policyKind, ID: in.Policy}
}

// DiscardPolicy ends a draft that will not be published. A published version
// stays: that is policy.not_draft.
func (s *Service) DiscardPolicy(ctx context.Context, in DiscardPolicy) (CancelPolicy, error) {
	return s.onPolicy(ctx, in, in.Policy, func(_ context.Context, p CancelPolicy, by platform.Actor, _ time.Time) (CancelPolicy, []platform.Change, error) {
		var err error
		if p.State, err = policyMoves.Take(p.State, "discard", by.Kind); err != nil {
			return CancelPolicy{}, nil, fmt.Errorf("discard policy %s: %w", p.ID, err)
		}
		return p, []platform.Change{p.happened("discarded").Because(in.Reason)}, nil
	})
}

// onPolicy is a command on one policy.
func (s *Service) onPolicy(ctx context.Context, in any, id platform.ID,
	decide func(context.Context, CancelPolicy, platform.Actor, time.Time) (CancelPolicy, []platform.Change, error),
) (CancelPolicy, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (CancelPolicy, []platform.Change, error) {
		by, err := s.w.Actor(ctx)
		if err != nil {
			return CancelPolicy{}, nil, err
		}
		p, err := s.store.Policy(ctx, id)
		if err != nil {
			return CancelPolicy{}, nil, err
		}
		p, changes, err := decide(ctx, p, by, s.w.Now())
		if err != nil {
			return CancelPolicy{}, nil, err
		}
		return p, append(changes, platform.Put(p)), nil
	})
}

// Policy reads one version. Drafts and discarded ones are shown to operators and
// auditors; anybody may read what is published.
func (s *Service) Policy(ctx context.Context, id platform.ID) (CancelPolicy, error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return CancelPolicy{}, err
	}
	for _, p := range s.built() {
		if p.ID == id {
			return p, nil
		}
	}
	p, err := s.store.Policy(ctx, id)
	if err == nil && p.State != PolicyPublished && !office(by) {
		err = platform.NotFound(p.Ref())
	}
	return p, err
}

// Policies lists what operators drafted and published, the newest first, and after
// them the versions that the program brings along. Only operators, auditors and
// the platform itself may.
func (s *Service) Policies(ctx context.Context, cursor string) (platform.Page[CancelPolicy], error) {
	by, err := s.w.Actor(ctx)
	if err == nil && !office(by) {
		err = fmt.Errorf("list policies: %w", errActor)
	}
	if err != nil {
		return platform.Page[CancelPolicy]{}, err
	}
	page, err := s.store.Policies(ctx, cursor)
	if err == nil && page.Next == "" {
		page.Items = append(page.Items, s.built()...)
	}
	return page, err
}

// office tells whether the actor is one of the platform's own.
func office(by platform.Actor) bool {
	return slices.Contains(kinds{platform.Operator, platform.Auditor, platform.System}, by.Kind)
}

// built are the versions of the options as if they were on record, the last first.
// Their ids are there before they are: no time, slot and bits from SHA-256 of the
// label.
func (s *Service) built() (all []CancelPolicy) {
	for _, p := range slices.Backward(s.options.Policies) {
		b := CancelPolicy{Name: p.Name, Number: p.Version, Rows: p.Rows, State: PolicyPublished}
		key := platform.Key{Scope: policyKind, Name: b.Label()}
		sum := sha256.Sum256([]byte(key.Scope + "\x00" + key.Name))
		b.ID = platform.NewID("cpl", time.Unix(0, 0), key.Slot(), binary.BigEndian.Uint64(sum[8:16]))
		all = append(all, b)
	}
	return all
}

// PolicyInForce is the version of a policy that an order placed now would pin; the
// empty name is [Standard]. Anybody may read it. It fails with policy.unknown.
func (s *Service) PolicyInForce(ctx context.Context, name string) (Policy, error) {
	if name == "" {
		name = Standard
	}
	return s.inForce(ctx, name, s.w.Now())
}

// inForce is the version of a policy that an order pins which is placed at a
// moment.
func (s *Service) inForce(ctx context.Context, name string, at time.Time) (Policy, error) {
	p, err := s.store.PolicyAt(ctx, name, at)
	if errors.Is(err, platform.ErrNotFound) {
		return s.options.newest(name)
	}
	return p.Policy(), err
}

// pinnedPolicy is the version that an order keeps.
func (s *Service) pinnedPolicy(ctx context.Context, o Order) (Policy, error) {
	p, err := s.store.PolicyVersion(ctx, o.Terms.CancelPolicy, o.PolicyVersion)
	if errors.Is(err, platform.ErrNotFound) {
		return s.options.policy(o.Terms.CancelPolicy, o.PolicyVersion)
	}
	return p.Policy(), err
}

// knowing are the options with the published version of a policy that is asked
// for, 0 for the one in force, if it is on record.
func (s *Service) knowing(ctx context.Context, name string, version int) (Options, error) {
	if name == "" {
		name = Standard
	}
	var p CancelPolicy
	var err error
	if version == 0 {
		p, err = s.store.PolicyAt(ctx, name, s.w.Now())
	} else {
		p, err = s.store.PolicyVersion(ctx, name, version)
	}
	options := s.options
	if errors.Is(err, platform.ErrNotFound) {
		return options, nil
	}
	options.Policies = append(slices.Clip(options.Policies), p.Policy())
	return options, err
}

// PolicyCase is a case to be priced by a policy.
type PolicyCase struct {
	Policy platform.ID    `json:"policy" validate:"required,id=cpl"`
	Facts  Facts          `json:"facts"`
	Amount platform.Money `json:"amount,omitzero" validate:"required,gt=0" code:"order.amount_not_positive"` // that could still be given back
}

// TryPolicy prices a case by a version that is published, or drafted where the
// actor may read it. It changes nothing, and fails with FieldErrors for facts that
// no order has.
func (s *Service) TryPolicy(ctx context.Context, in PolicyCase) (Price, error) {
	if err := errors.Join(platform.Validate(in), in.Facts.check()); err != nil {
		return Price{}, err
	}
	p, err := s.Policy(ctx, in.Policy)
	if err != nil {
		return Price{}, err
	}
	return p.Policy().Price(in.Facts, in.Amount)
}

// check fails with FieldErrors for facts that no order has.
func (f Facts) check() error {
	var wrong platform.FieldErrors
	for _, c := range []struct {
		right bool
		path  string
	}{
		{slices.Contains(append(slices.Clone(faults), BothFault), f.Fault), "facts.fault"},
		{f.With == "" || f.Fault == BothFault && f.With != CustomerFault && slices.Contains(faults, f.With), "facts.with"},
		{slices.Contains(endable, f.State), "facts.state"},
		{slices.Contains(ways, f.Way), "facts.way"},
		{f.Paid >= 0, "facts.paid_ns"},
		{f.Moved >= 0, "facts.moved"},
		{f.Done.Exponent() >= -20 && f.Done.Exponent() <= 0 && !f.Done.IsNegative() && f.Done.Cmp(one) <= 0, "facts.done"},
	} {
		if !c.right {
			wrong = append(wrong, platform.Wrong(c.path, errPolicyFacts)...)
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}

// claims make one record of a name and version.
func (p CancelPolicy) claims() []platform.Claim {
	if p.Number == 0 {
		return nil
	}
	return []platform.Claim{{Scope: policyKind, Key: p.Label()}}
}

// columns are what a policy is found by; only a published one takes effect.
func (p CancelPolicy) columns() []platform.Column {
	from := p.From
	if p.State != PolicyPublished {
		from = time.Time{}
	}
	return []platform.Column{
		{Name: "name", Value: p.Name}, {Name: "number", Value: p.Number}, {Name: "effective_from", Value: from}, {Name: "at", Value: p.At},
	}
}

func (r records) Policy(ctx context.Context, id platform.ID) (CancelPolicy, error) {
	return platform.Read[CancelPolicy](ctx, r.db, policyKind, id)
}

func (r records) PolicyAt(ctx context.Context, name string, at time.Time) (CancelPolicy, error) {
	return r.policy(ctx, name, platform.Query{By: []string{"name", "effective_from"}, Equal: []any{name}, Until: at.Add(time.Microsecond), Backward: true})
}

func (r records) LastPolicy(ctx context.Context, name string) (CancelPolicy, error) {
	return r.policy(ctx, name, platform.Query{By: []string{"name", "effective_from"}, Equal: []any{name}, Backward: true})
}

func (r records) PolicyVersion(ctx context.Context, name string, version int) (CancelPolicy, error) {
	return r.policy(ctx, name, platform.Query{By: []string{"name", "number"}, Equal: []any{name, version}})
}

// policy is the first that the query finds.
func (r records) policy(ctx context.Context, name string, q platform.Query) (CancelPolicy, error) {
	q.Kind, q.Limit = policyKind, 1
	page, err := platform.List[CancelPolicy](ctx, r.db, q)
	if err == nil && len(page.Items) == 0 {
		err = fmt.Errorf("policy %s: %w", name, platform.NotFound(platform.Ref{Kind: policyKind}))
	}
	if err != nil {
		return CancelPolicy{}, err
	}
	return page.Items[0], nil
}

func (r records) Policies(ctx context.Context, cursor string) (platform.Page[CancelPolicy], error) {
	return platform.List[CancelPolicy](ctx, r.db, platform.Query{Kind: policyKind, By: []string{"at"}, Backward: true, Cursor: cursor})
}
