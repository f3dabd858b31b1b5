package access

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

var campaignMoves = platform.Moves[State]{
	{Verb: "begin", From: []State{""}, To: Open, By: append(people, machine...), Refusal: ErrCampaign},
	{Verb: "decide", From: []State{Open}, By: people, Refusal: ErrCampaign},
	{Verb: "close", From: []State{Open}, To: Closed, By: machine, Refusal: ErrCampaign},
}

// Campaign is a review of access: each grant that it lists is kept or revoked by
// somebody who does not hold it. What is undecided when it is due lapses.
type Campaign struct {
	platform.Head
	State   State     `json:"state" class:"internal"`
	Items   []Item    `json:"items" class:"internal"`
	BegunAt time.Time `json:"begun_at" class:"internal"`
	EndedAt time.Time `json:"ended_at,omitzero" class:"internal"`
	Due     time.Time `json:"due,omitzero" class:"internal"`
}

// Item is a grant in a review.
type Item struct {
	Grant   platform.ID `json:"grant"`
	Account platform.ID `json:"account"`
	Person  platform.ID `json:"person"`
	Role    string      `json:"role"`              // with its scope
	Outcome string      `json:"outcome,omitempty"` // kept, revoked, lapsed, ended; empty while undecided
	By      platform.ID `json:"by,omitempty"`
	At      time.Time   `json:"at,omitzero"`
}

// Ref names the campaign.
func (c Campaign) Ref() platform.Ref { return platform.Ref{Kind: kindCampaign, ID: c.ID} }

func (c Campaign) verbs(kind platform.ActorKind) []string { return campaignMoves.Open(c.State, kind) }

// step is the campaign after a move, or why there is none.
func (c Campaign) step(verb string, by who) (Campaign, error) {
	state, err := campaignMoves.Take(c.State, verb, by.Kind)
	switch {
	case err != nil:
		return Campaign{}, err
	case verb == "begin":
		c.BegunAt, c.Due = by.now, by.now.Add(by.opts.Decide)
	case verb == "decide" && !by.now.Before(c.Due):
		return Campaign{}, ErrCampaign
	case verb == "decide" && !slices.ContainsFunc(c.Items, func(i Item) bool { return i.Outcome == "" && i.Person != by.person }):
		return Campaign{}, ErrFourEyes
	case verb == "close" && by.now.Before(c.Due):
		return Campaign{}, errNotDue
	case verb == "close":
		c.EndedAt, c.Due = by.now, time.Time{}
	}
	c.State = state
	return c, nil
}

// decided is the campaign with the outcome of one grant, closed after the last.
func (c Campaign) decided(grant platform.ID, outcome string, by who) (Campaign, error) {
	i := slices.IndexFunc(c.Items, func(i Item) bool { return i.Grant == grant && i.Outcome == "" })
	if i < 0 {
		return Campaign{}, platform.Wrong("grant", errListed)
	}
	c.Items = slices.Clone(c.Items)
	c.Items[i].Outcome, c.Items[i].By, c.Items[i].At = outcome, by.ID, by.now
	if !slices.ContainsFunc(c.Items, func(i Item) bool { return i.Outcome == "" }) {
		c.State, c.EndedAt, c.Due = Closed, by.now, time.Time{}
	}
	return c, nil
}

func (c Campaign) happened(verb string, by who) platform.Change {
	counts := map[string]int{}
	for _, i := range c.Items {
		counts[i.Outcome]++
	}
	facts := map[string]any{
		"grants": len(c.Items), "kept": counts["kept"], "revoked": counts["revoked"], "lapsed": counts["lapsed"],
		"state": c.State, "due": c.Due, "epoch": by.index.policy.epoch,
	}
	return platform.Happened("access.review_"+past[verb], c.Ref(), facts)
}

// Begin opens a review of all grants in force, or of those by which an action can
// be taken.
type Begin struct {
	Action string `json:"action,omitempty" validate:"text=100"`
	Kind   string `json:"kind,omitempty" validate:"text=100"`
	Field  string `json:"field,omitempty" validate:"text=200"`
}

// Begin fails with ErrConflict while another review is open. It lists 2,000 grants
// at most, those that were reviewed the longest ago.
func (s *Service) Begin(ctx context.Context, in Begin) (Campaign, error) {
	id := s.w.NewRoot(ctx, "cam")
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Campaign, []platform.Change, error) {
		by, err := s.who(ctx, "")
		if err != nil {
			return Campaign{}, nil, err
		}
		c, roles := Campaign{Head: platform.Head{ID: id}}, by.index.policy.names
		if in.Action != "" {
			roles = by.index.policy.WhoCan(in.Action, in.Kind, in.Field)
		}
		for g, err := range s.grants(ctx, Active) {
			if err != nil {
				return Campaign{}, nil, err
			}
			if slices.Contains(roles, g.Role) || in.Action == "" {
				c.Items = append(c.Items, Item{Grant: g.ID, Account: g.Account, Person: g.Person, Role: g.held()})
			}
			if len(c.Items) == mostReviewed {
				break
			}
		}
		if len(c.Items) == 0 {
			return Campaign{}, nil, fmt.Errorf("begin a review: %w", errNothing)
		}
		if c, err = c.step("begin", by); err != nil {
			return Campaign{}, nil, err
		}
		return c, []platform.Change{platform.Put(c), c.happened("begin", by)}, nil
	})
}

// Decide keeps a grant that is under review, or revokes it.
type Decide struct {
	Campaign platform.ID `json:"campaign" validate:"required,id=cam"`
	Grant    platform.ID `json:"grant" validate:"required,id=grt"`
	Keep     bool        `json:"keep"`
}

// Subject is the campaign.
func (in Decide) Subject() platform.Ref { return platform.Ref{Kind: kindCampaign, ID: in.Campaign} }

// Decide fails with ErrFourEyes for the person who holds the grant. Of a grant that
// has ended meanwhile it notes just that. The last decision closes the campaign.
func (s *Service) Decide(ctx context.Context, in Decide) (Campaign, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Campaign, []platform.Change, error) {
		by, err := s.who(ctx, "review")
		if err != nil {
			return Campaign{}, nil, err
		}
		c, err := platform.Read[Campaign](ctx, s.db, kindCampaign, in.Campaign)
		if err != nil {
			return Campaign{}, nil, err
		}
		if c, err = c.step("decide", by); err != nil {
			return Campaign{}, nil, fmt.Errorf("decide in %s: %w", in.Campaign, err)
		}
		g, err := platform.Read[Grant](ctx, s.db, kindGrant, in.Grant)
		if err != nil {
			return Campaign{}, nil, err
		}
		if by.person == g.Person {
			return Campaign{}, nil, fmt.Errorf("review %s: %w", g.ID, ErrFourEyes)
		}
		verb, outcome := "revoke", "revoked"
		switch {
		case g.State != Active:
			outcome = "ended"
		case in.Keep:
			verb, outcome = "keep", "kept"
		}
		if c, err = c.decided(in.Grant, outcome, by); err != nil {
			return Campaign{}, nil, err
		}
		changes := []platform.Change{platform.Put(c), c.happened("decide", by)}
		if outcome == "ended" {
			return c, changes, nil
		}
		if g, err = g.step(verb, by); err != nil {
			return Campaign{}, nil, fmt.Errorf("%s %s: %w", verb, in.Grant, err)
		}
		return c, append(changes, platform.Put(g), g.happened(verb, by)), nil
	})
}

// Campaign is one review of access.
func (s *Service) Campaign(ctx context.Context, id platform.ID) (Campaign, error) {
	return show[Campaign](ctx, s, kindCampaign, id)
}

// Campaigns is a page of the reviews in a state, or of all, the newest first.
func (s *Service) Campaigns(ctx context.Context, state State, cursor string, limit int) (platform.Page[Campaign], error) {
	return list[Campaign](ctx, s, kindCampaign, state, cursor, limit)
}
