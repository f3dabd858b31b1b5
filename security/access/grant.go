package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// State is where a record of this package stands.
type State string

// The states of grants (proposed, active, expired, revoked), of emergency access
// (requested, granted, used, reviewed, refused, expired) and of reviews (open,
// closed).
const (
	Proposed  State = "proposed"
	Active    State = "active"
	Revoked   State = "revoked"
	Expired   State = "expired"
	Requested State = "requested"
	Granted   State = "granted"
	Used      State = "used"
	Reviewed  State = "reviewed"
	Refused   State = "refused"
	Open      State = "open"
	Closed    State = "closed"
)

var (
	people  = []platform.ActorKind{platform.Operator}
	machine = []platform.ActorKind{platform.System}
)

var grantMoves = platform.Moves[State]{
	{Verb: "propose", From: []State{""}, To: Proposed, By: people, Refusal: ErrGrant},
	{Verb: "bootstrap", From: []State{""}, To: Active, By: machine, Refusal: ErrGrant},
	{Verb: "activate", From: []State{Proposed}, To: Active, By: people, Refusal: ErrGrant},
	{Verb: "revoke", From: []State{Proposed, Active}, To: Revoked, By: people, Refusal: ErrGrant},
	{Verb: "keep", From: []State{Active}, By: people, Refusal: ErrGrant},
	{Verb: "expire", From: []State{Proposed, Active}, To: Expired, By: machine, Refusal: ErrGrant},
	{Verb: "lapse", From: []State{Active}, To: Expired, By: append(people, machine...), Refusal: ErrGrant},
}

// Grant gives an account a role, for a time. One proposes it and another puts it
// in force; neither gives to itself.
type Grant struct {
	platform.Head
	State      State       `json:"state" class:"internal"`
	Account    platform.ID `json:"account" class:"internal"`
	Person     platform.ID `json:"person" class:"internal"` // behind the account
	Role       string      `json:"role" class:"internal"`
	Scope      platform.ID `json:"scope,omitempty" class:"internal"` // the merchant or zone for which alone it holds; empty for the whole tenant
	From       time.Time   `json:"from" class:"internal"`
	Until      time.Time   `json:"until" class:"internal"`
	Reason     string      `json:"reason" class:"internal"`                // a code, of the last move
	ProposedBy platform.ID `json:"proposed_by,omitempty" class:"internal"` // the account
	Proposer   platform.ID `json:"proposer,omitempty" class:"internal"`    // and the person
	GivenBy    platform.ID `json:"given_by,omitempty" class:"internal"`
	ReviewedAt time.Time   `json:"reviewed_at,omitzero" class:"internal"` // or put in force
	EndedBy    platform.ID `json:"ended_by,omitempty" class:"internal"`
	Exclusive  []string    `json:"exclusive,omitempty" class:"internal"` // sets of roles of which the person holds no other
	First      bool        `json:"first,omitempty" class:"internal"`     // of a fresh system
	Due        time.Time   `json:"due,omitzero" class:"internal"`
}

// Ref names the grant.
func (g Grant) Ref() platform.Ref { return platform.Ref{Kind: kindGrant, ID: g.ID} }

// held is the role as an actor has it.
func (g Grant) held() string {
	if g.Scope == "" {
		return g.Role
	}
	return g.Role + "@" + string(g.Scope)
}

func (g Grant) standing() bool { return g.State == Proposed || g.State == Active }

func (g Grant) inForce(now time.Time) bool {
	return g.State == Active && !now.Before(g.From) && now.Before(g.Until)
}

func (g Grant) verbs(kind platform.ActorKind) []string { return grantMoves.Open(g.State, kind) }

// step is the grant after a move, or why there is none.
func (g Grant) step(verb string, by who) (Grant, error) {
	state, err := grantMoves.Take(g.State, verb, by.Kind)
	if err != nil {
		return Grant{}, err
	}
	own := by.person == g.Person
	switch verb {
	case "propose":
		g.ProposedBy, g.Proposer, g.Due = by.ID, by.person, earlier(by.now.Add(by.opts.Proposal), g.Until)
	case "activate", "bootstrap":
		if verb == "activate" && (own || by.person == g.Proposer) {
			return Grant{}, ErrFourEyes
		}
		if !by.now.Before(g.Until) {
			return Grant{}, errPeriod
		}
		g.GivenBy, g.ReviewedAt, g.Due = by.ID, by.now, g.Until
		g.Exclusive = by.index.policy.excludes(g.Role)
	case "keep":
		if own {
			return Grant{}, ErrFourEyes
		}
		g.ReviewedAt = by.now
	case "expire":
		if by.now.Before(g.Due) {
			return Grant{}, errNotDue
		}
	}
	if state != Proposed && state != Active {
		g.EndedBy, g.Due = by.ID, time.Time{}
	}
	if by.reason != "" {
		g.Reason = by.reason
	}
	g.State = state
	return g, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// past is how a move is told of.
var past = map[string]string{
	"propose": "proposed", "bootstrap": "bootstrapped", "activate": "activated", "revoke": "revoked", "keep": "kept", "expire": "expired", "lapse": "lapsed",
	"request": "requested", "take": "taken", "approve": "granted", "refuse": "refused", "use": "used", "review": "reviewed", "remind": "unreviewed",
	"begin": "begun", "decide": "decided", "close": "closed",
}

func (g Grant) happened(verb string, by who) platform.Change {
	facts := map[string]any{
		"account": g.Account, "role": g.Role, "scope": g.Scope, "from": g.From, "until": g.Until, "state": g.State, "epoch": by.index.policy.epoch,
	}
	return platform.Happened("access.grant_"+past[verb], g.Ref(), facts).Because(g.Reason)
}

// excludes names the sets of roles of which whoever has this role has no other.
func (p *Policy) excludes(role string) (sets []string) {
	for _, names := range p.exclusive {
		if slices.Contains(names, role) {
			sets = append(sets, strings.Join(slices.Sorted(slices.Values(names)), "+"))
		}
	}
	return sets
}

// Propose asks for a role for an account.
type Propose struct {
	Account platform.ID `json:"account" validate:"required,text=64"`
	Role    string      `json:"role" validate:"required,text=64"`
	Scope   platform.ID `json:"scope,omitempty" validate:"text=64"`
	From    time.Time   `json:"from,omitzero"`  // if zero, from its activation
	Until   time.Time   `json:"until,omitzero"` // if zero, for the longest term
	Reason  string      `json:"reason" validate:"required,text=64"`
}

// Propose makes a grant that waits for somebody else to put it in force. It
// fails with ErrHeld when the account has the role or it is proposed, and with
// ErrExclusive when the person has a role that excludes it.
func (s *Service) Propose(ctx context.Context, in Propose) (Grant, error) {
	id := s.w.NewRoot(ctx, "grt")
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Grant, []platform.Change, error) {
		return s.give(ctx, Grant{
			Head: platform.Head{ID: id}, Account: in.Account, Role: in.Role, Scope: in.Scope, From: in.From, Until: in.Until, Reason: in.Reason,
		}, "propose")
	})
}

// give makes a new grant by its first move.
func (s *Service) give(ctx context.Context, g Grant, verb string) (Grant, []platform.Change, error) {
	by, err := s.who(ctx, "")
	if err != nil {
		return Grant{}, nil, err
	}
	if h, known := by.index.policy.roles[g.Role]; !known || h.byKind {
		return Grant{}, nil, platform.Wrong("role", ErrUnknown)
	}
	if g.From.IsZero() {
		g.From = by.now
	}
	if g.Until.IsZero() {
		g.Until = g.From.Add(s.opts.Grant)
	}
	if !g.From.Before(g.Until) || !by.now.Before(g.Until) || g.Until.Sub(g.From) > s.opts.Grant {
		return Grant{}, nil, platform.Wrong("until", errPeriod)
	}
	g.Person, g.Exclusive = s.opts.Person(g.Account), by.index.policy.excludes(g.Role)
	if err := s.fits(ctx, by, g); err != nil {
		return Grant{}, nil, err
	}
	next, err := g.step(verb, by)
	if err != nil {
		return Grant{}, nil, err
	}
	return next, []platform.Change{platform.Put(next), next.happened(verb, by)}, nil
}

// fits refuses a grant beside those that the person has, by the policy of now:
// older ones do not say all that they exclude. Under races the claims of [Kinds]
// do.
func (s *Service) fits(ctx context.Context, by who, g Grant) error {
	for _, state := range []State{Proposed, Active} {
		q := platform.Query{Kind: kindGrant, By: []string{"person", "state"}, Equal: []any{g.Person, state}, Limit: 500}
		page, err := platform.List[Grant](ctx, s.db, q)
		if err != nil {
			return err
		}
		for _, other := range page.Items {
			excluded := slices.Concat(other.Exclusive, by.index.policy.excludes(other.Role))
			switch {
			case other.ID == g.ID:
			case other.Account == g.Account && other.held() == g.held():
				return fmt.Errorf("%s for %s: %w", g.held(), g.Account, ErrHeld)
			case slices.ContainsFunc(excluded, func(set string) bool { return slices.Contains(g.Exclusive, set) }):
				return platform.Detail(fmt.Errorf("%s for %s: %w", g.held(), g.Account, ErrExclusive), "role", other.Role)
			}
		}
	}
	return nil
}

// Activate puts a proposed grant in force.
type Activate struct {
	Grant platform.ID `json:"grant" validate:"required,id=grt"`
}

// Subject is the grant.
func (in Activate) Subject() platform.Ref { return platform.Ref{Kind: kindGrant, ID: in.Grant} }

// Activate fails with ErrFourEyes for the person who proposed the grant, and for
// the one who is to have it, and with ErrExclusive when the policy has come to
// exclude it since.
func (s *Service) Activate(ctx context.Context, in Activate) (Grant, error) {
	return step(ctx, s, in, "activate", "", s.fits)
}

// Revoke ends a grant, or a proposal.
type Revoke struct {
	Grant  platform.ID `json:"grant" validate:"required,id=grt"`
	Reason string      `json:"reason" validate:"required,text=64"`
}

// Subject is the grant.
func (in Revoke) Subject() platform.Ref { return platform.Ref{Kind: kindGrant, ID: in.Grant} }

// Revoke takes one person: power ends more easily than it begins. No guarded act
// that rests on the grant is committed after it.
func (s *Service) Revoke(ctx context.Context, in Revoke) (Grant, error) {
	return step[Revoke, Grant](ctx, s, in, "revoke", in.Reason)
}

// Grant is one grant.
func (s *Service) Grant(ctx context.Context, id platform.ID) (Grant, error) {
	return show[Grant](ctx, s, kindGrant, id)
}

// Grants is a page of the grants in a state, or of all, the newest first.
func (s *Service) Grants(ctx context.Context, state State, cursor string, limit int) (platform.Page[Grant], error) {
	return list[Grant](ctx, s, kindGrant, state, cursor, limit)
}
