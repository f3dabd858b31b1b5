package access

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/liangding/platform"
)

const (
	kindPolicy   = "access.policy"
	kindGrant    = "access.grant"
	kindBreak    = "access.break"
	kindCampaign = "access.campaign"
)

// Kinds are the records of this package, to open an engine with.
func Kinds() []platform.Kind {
	return []platform.Kind{
		platform.Shape[Edition]{Name: kindPolicy, Prefix: "pol", Pinned: true}.Kind(),
		platform.Shape[Grant]{
			Name: kindGrant, Prefix: "grt", Unique: Grant.claims,
			Columns: func(g Grant) []platform.Column {
				return []platform.Column{
					{Name: "account", Value: g.Account}, {Name: "person", Value: g.Person}, {Name: "state", Value: g.State},
					{Name: "reviewed", Value: g.ReviewedAt}, {Name: "due", Value: g.Due},
				}
			},
			Indexes: []platform.Index{
				{By: []string{"account", "state"}}, {By: []string{"person", "state"}}, {By: []string{"state"}},
				{By: []string{"state", "reviewed"}}, {By: []string{"due"}, Sparse: true},
			},
		}.Kind(),
		platform.Shape[Break]{
			Name: kindBreak, Prefix: "brk",
			Columns: func(b Break) []platform.Column {
				return []platform.Column{{Name: "account", Value: b.Account}, {Name: "until", Value: b.Until}, {Name: "state", Value: b.State}, {Name: "due", Value: b.Due}}
			},
			Indexes: []platform.Index{{By: []string{"account", "until"}}, {By: []string{"state"}}, {By: []string{"due"}, Sparse: true}},
		}.Kind(),
		platform.Shape[Campaign]{
			Name: kindCampaign, Prefix: "cam",
			Unique: func(c Campaign) []platform.Claim {
				if c.State != Open {
					return nil
				}
				return []platform.Claim{{Scope: kindCampaign, Key: "open"}}
			},
			Columns: func(c Campaign) []platform.Column {
				return []platform.Column{{Name: "state", Value: c.State}, {Name: "due", Value: c.Due}}
			},
			Indexes: []platform.Index{{By: []string{"state"}}, {By: []string{"due"}, Sparse: true}},
		}.Kind(),
	}
}

// claims keep a grant the only one of its kind: of its role for its account, of
// each set of roles that exclude each other for its person, and the first.
func (g Grant) claims() []platform.Claim {
	if !g.standing() {
		return nil
	}
	claims := []platform.Claim{{Scope: kindGrant, Key: string(g.Account) + "/" + g.held()}}
	for _, set := range g.Exclusive {
		claims = append(claims, platform.Claim{Scope: kindGrant + ".exclusive", Key: string(g.Person) + "/" + set})
	}
	if g.First {
		claims = append(claims, platform.Claim{Scope: kindGrant + ".first", Key: "first"})
	}
	return claims
}

// grants are all grants in a state, those reviewed the longest ago first.
func (s *Service) grants(ctx context.Context, state State) iter.Seq2[Grant, error] {
	return func(yield func(Grant, error) bool) {
		q := platform.Query{Kind: kindGrant, By: []string{"state", "reviewed"}, Equal: []any{state}, Limit: 500}
		for {
			page, err := platform.List[Grant](ctx, s.db, q)
			if err != nil {
				yield(Grant{}, err)
				return
			}
			for _, g := range page.Items {
				if !yield(g, nil) {
					return
				}
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return
			}
		}
	}
}

// holders are the grants in force that give one of the roles.
func (s *Service) holders(ctx context.Context, roles []string, now time.Time) (held []Grant, err error) {
	for g, err := range s.grants(ctx, Active) {
		if err != nil {
			return nil, err
		}
		if g.inForce(now) && slices.Contains(roles, g.Role) {
			held = append(held, g)
		}
	}
	return held, nil
}
