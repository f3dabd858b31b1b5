// Package verification mounts what parties have to prove: the sets of requirements,
// how a party stands, submissions with their review, and waivers. Parties see and
// hand in their own.
package verification

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/security/verification"
)

func op(path, summary string) edge.Op {
	return edge.Op{Path: "/v1/" + path, Summary: summary, Tag: "verification"}
}

// ofKind is the input of what is asked of a kind of party.
type ofKind struct {
	Party string `query:"party" enum:"merchant,staff,customer" default:"merchant" doc:"the kind of party"`
}

// ofParty is the input of a party's list: one's own, or any for operators.
type ofParty struct {
	Party  string `query:"party" doc:"whose; if empty, one's own"`
	Cursor string `query:"cursor" doc:"next of the page before"`
}

func (in *ofParty) party(ctx context.Context) (platform.ID, error) {
	by, err := platform.ActorOf(ctx)
	if in.Party != "" {
		return platform.ID(in.Party), err
	}
	return by.For(), err
}

// paging is the input of an operator's list.
type paging struct {
	Cursor string `query:"cursor" doc:"next of the page before"`
}

// Mount adds the routes.
func Mount(api huma.API, m *market.Market) {
	s := m.Verification
	sets(api, s)
	submissions(api, s)
	edge.Show(api, op("verification-standings/{id}", "What a party has to prove, by when, and what that blocks"), s.Standing)
	edge.Create(api, op("verification-facts", "Tell facts about a party, by which its requirements are chosen"), s.Describe)
	edge.Create(api, op("verification-changes", "Facts changed: what depends on them is to be proved anew"), s.Reopen)
	edge.List(api, op("verification-reviews", "What waits for a reviewer, the most urgent first"), func(ctx context.Context, in *paging) (platform.Page[verification.Submission], error) {
		return s.Queue(ctx, in.Cursor)
	})
	edge.Create(api, op("waivers", "Propose to let a party off a requirement for a time"), s.Waive)
	edge.List(api, op("waivers", "Waivers that wait for a second person"), func(ctx context.Context, in *paging) (platform.Page[verification.Waiver], error) {
		return s.Waivers(ctx, in.Cursor)
	})
	edge.Command(api, op("waivers/{id}/decide", "Grant or refuse what somebody else proposed"), func(c *verification.DecideWaiver, id platform.ID) { c.Waiver = id }, s.DecideWaiver)
}

func sets(api huma.API, s *verification.Service) {
	edge.Create(api, op("requirement-sets", "Publish the next version of a set of requirements"), s.Publish)
	edge.Find(api, op("requirement-sets", "The versions that count for a kind of party"), func(ctx context.Context, in *ofKind) (listed, error) {
		all, err := s.Sets(ctx, platform.ActorKind(in.Party))
		return listed{all}, err
	})
	edge.Command(api, op("requirement-sets/{id}/recall", "Withdraw a version: the former holds again"), func(c *verification.Recall, id platform.ID) { c.Set = id }, s.Recall)
}

// listed are all sets of a kind of party, which are few.
type listed struct {
	Items []verification.Set `json:"items"`
}

func submissions(api huma.API, s *verification.Service) {
	edge.Create(api, op("submissions", "Begin to prove a requirement"), s.Begin)
	edge.List(api, op("submissions", "A party's submissions, the newest first"), func(ctx context.Context, in *ofParty) (platform.Page[verification.Submission], error) {
		party, err := in.party(ctx)
		if err != nil {
			return platform.Page[verification.Submission]{}, err
		}
		return s.Submissions(ctx, party, in.Cursor)
	})
	edge.Show(api, op("submissions/{id}", "One submission; what it contains stays sealed"), s.Submission)
	edge.Command(api, op("submissions/{id}/submit", "Hand it in: files by hash and size only"), func(c *verification.Submit, id platform.ID) { c.Submission = id }, s.Submit)
	edge.Command(api, op("submissions/{id}/withdraw", "Take it back"), func(c *verification.Withdraw, id platform.ID) { c.Submission = id }, s.Withdraw)
	edge.Command(api, op("submissions/{id}/verify", "Find it good"), func(c *verification.Verify, id platform.ID) { c.Submission = id }, s.Verify)
	edge.Command(api, op("submissions/{id}/reject", "Refuse it, and say what the party can do"), func(c *verification.Reject, id platform.ID) { c.Submission = id }, s.Reject)
	edge.Command(api, op("submissions/{id}/revoke", "Take the verification back"), func(c *verification.Revoke, id platform.ID) { c.Submission = id }, s.Revoke)
	edge.Command(api, op("submissions/{id}/sharers", "Who else handed in the same; the question stays on record"), func(c *verification.Sharers, id platform.ID) { c.Submission = id }, s.Sharers)
}
