// Package grants mounts the access part of the API: the policy, grants, emergency
// access and reviews of access.
package grants

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/security/access"
)

func op(path, summary string) edge.Op {
	return edge.Op{Path: "/v1/access/" + path, Summary: summary, Tag: "access"}
}

type query struct {
	edge.Paging
	State string `query:"state" doc:"only those in this state"`
}

type question struct {
	Action string `query:"action" required:"true" doc:"a command, as in order.cancel, or vault.reveal"`
	Kind   string `query:"kind" doc:"of the record"`
	Field  string `query:"field" doc:"that is looked at"`
}

// holder is somebody who can, and by which grant.
type holder struct {
	Role  string        `json:"role"`
	Grant *access.Grant `json:"grant,omitempty" doc:"absent for a role that nobody holds, or that comes with the kind of actor"`
}

// holders are all of them.
type holders struct {
	Items []holder `json:"items"`
}

// Mount adds the routes.
func Mount(api huma.API, m *market.Market) {
	s := m.Access
	edge.Get(api, op("me", "Who you are, by your grants"), platform.ActorOf)
	edge.Get(api, op("policy", "The policy in force"), s.Policy)
	edge.Create(api, op("policy", "Publish another policy, or the program's own"), s.Publish)
	edge.Find(api, op("who", "Who can take an action"), func(ctx context.Context, q *question) (holders, error) { return who(ctx, s, q) })

	edge.List(api, op("grants", "Grants, the newest first"), func(ctx context.Context, q *query) (platform.Page[access.Grant], error) {
		return s.Grants(ctx, access.State(q.State), q.Cursor, q.Limit)
	})
	edge.Show(api, op("grants/{id}", "One grant"), s.Grant)
	edge.Create(api, op("grants", "Propose a grant"), s.Propose)
	edge.Command(api, op("grants/{id}/activate", "Put a proposed grant in force; takes another person"), func(c *access.Activate, id platform.ID) { c.Grant = id }, s.Activate)
	edge.Command(api, op("grants/{id}/revoke", "End a grant or a proposal"), func(c *access.Revoke, id platform.ID) { c.Grant = id }, s.Revoke)

	edge.List(api, op("breaks", "Emergency accesses, the newest first"), func(ctx context.Context, q *query) (platform.Page[access.Break], error) {
		return s.Breaks(ctx, access.State(q.State), q.Cursor, q.Limit)
	})
	edge.Show(api, op("breaks/{id}", "One emergency access"), s.Break)
	edge.Create(api, op("breaks", "Ask for emergency access"), s.Request)
	edge.Command(api, op("breaks/{id}/approve", "Grant it; takes another person"), func(c *access.Approve, id platform.ID) { c.Break = id }, s.Approve)
	edge.Command(api, op("breaks/{id}/refuse", "Refuse it"), func(c *access.Refuse, id platform.ID) { c.Break = id }, s.Refuse)
	edge.Command(api, op("breaks/{id}/review", "Say what to think of its use"), func(c *access.Review, id platform.ID) { c.Break = id }, s.Review)

	edge.List(api, op("reviews", "Reviews of access, the newest first"), func(ctx context.Context, q *query) (platform.Page[access.Campaign], error) {
		return s.Campaigns(ctx, access.State(q.State), q.Cursor, q.Limit)
	})
	edge.Show(api, op("reviews/{id}", "One review of access"), s.Campaign)
	edge.Create(api, op("reviews", "Begin a review of access"), s.Begin)
	edge.Command(api, op("reviews/{id}/decide", "Keep or revoke a grant under review"), func(c *access.Decide, id platform.ID) { c.Campaign = id }, s.Decide)
}

func who(ctx context.Context, s *access.Service, q *question) (all holders, err error) {
	roles, grants, err := s.WhoCan(ctx, q.Action, q.Kind, q.Field)
	held := map[string]bool{}
	for _, g := range grants {
		all.Items = append(all.Items, holder{g.Role, &g})
		held[g.Role] = true
	}
	for _, role := range roles {
		if !held[role] {
			all.Items = append(all.Items, holder{Role: role})
		}
	}
	return all, err
}
