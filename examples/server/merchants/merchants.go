// Package merchants mounts the merchants' part of the API: applications,
// agreements, merchants and what they sell.
package merchants

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/merchant"
)

const tag = "merchants"

func op(path, summary string) edge.Op {
	return edge.Op{Path: "/v1/" + path, Summary: summary, Tag: tag}
}

// filter is the input of the lists.
type filter struct {
	edge.Paging
	State    string `query:"state" doc:"only those in this state"`
	Merchant string `query:"merchant" doc:"only this merchant's"`
}

func (f *filter) of() merchant.Filter {
	return merchant.Filter{Merchant: platform.ID(f.Merchant), State: merchant.State(f.State), Limit: f.Limit, Cursor: f.Cursor}
}

// Mount adds the routes.
func Mount(api huma.API, m *market.Market) {
	s := m.Merchants
	edge.Create(api, op("applications", "Apply for a place on the platform"), s.Apply)
	edge.List(api, op("applications", "Applications in order of age"), func(ctx context.Context, f *filter) (platform.Page[merchant.Application], error) {
		return s.Applications(ctx, f.of())
	})
	edge.Show(api, op("applications/{id}", "One application"), s.Application)
	edge.Command(api, op("applications/{id}/submit", "Hand the application in"), func(c *merchant.Submit, id platform.ID) { c.Application = id }, s.Submit)
	edge.Command(api, op("applications/{id}/ask", "Ask the applicant for more"), func(c *merchant.AskInfo, id platform.ID) { c.Application = id }, s.AskInfo)
	edge.Command(api, op("applications/{id}/answer", "Answer what was asked"), func(c *merchant.Answer, id platform.ID) { c.Application = id }, s.Answer)
	edge.Command(api, op("applications/{id}/approve", "Approve the application"), func(c *merchant.Approve, id platform.ID) { c.Application = id }, s.Approve)
	edge.Command(api, op("applications/{id}/reject", "Reject the application"), func(c *merchant.Reject, id platform.ID) { c.Application = id }, s.Reject)

	edge.Show(api, op("agreements/{id}", "An agreement with the text to sign"), func(ctx context.Context, id platform.ID) (agreement, error) {
		a, t, err := s.Agreement(ctx, id)
		return agreement{Agreement: a, Text: t.Text, Hash: t.Hash()}, err
	})
	edge.Command(api, op("agreements/{id}/sign", "Sign the agreement"), func(c *merchant.Sign, id platform.ID) { c.Agreement = id }, s.Sign)

	edge.List(api, op("merchants", "Merchants"), func(ctx context.Context, f *filter) (platform.Page[merchant.Merchant], error) {
		return s.Merchants(ctx, f.of())
	})
	edge.Show(api, op("merchants/{id}", "One merchant"), s.Merchant)
	edge.Command(api, op("merchants/{id}/activate", "Let the merchant begin"), func(c *merchant.Activate, id platform.ID) { c.Merchant = id }, s.Activate)
	edge.Command(api, op("merchants/{id}/suspend", "Suspend the merchant"), func(c *merchant.Suspend, id platform.ID) { c.Merchant = id }, s.Suspend)
	edge.Command(api, op("merchants/{id}/restore", "End the suspension"), func(c *merchant.Restore, id platform.ID) { c.Merchant = id }, s.Restore)
	listings(api, s)
}

// agreement is an agreement as the merchant reads it.
type agreement struct {
	merchant.Agreement
	Text string `json:"text"`
	Hash string `json:"hash" doc:"sign this hash"`
}

func listings(api huma.API, s *merchant.Service) {
	edge.Create(api, op("listings", "Begin a listing"), s.NewDraft)
	edge.List(api, op("listings", "A merchant's listings"), func(ctx context.Context, f *filter) (platform.Page[merchant.Listing], error) {
		return s.Listings(ctx, f.of())
	})
	edge.List(api, op("catalogue", "What is sold now"), func(ctx context.Context, f *filter) (platform.Page[merchant.Card], error) {
		return s.Live(ctx, f.of())
	})
	edge.List(api, op("review-queue", "Listings that wait for a reviewer"), func(ctx context.Context, f *filter) (platform.Page[merchant.Listing], error) {
		return s.Queue(ctx, f.of())
	})
	edge.Show(api, op("listings/{id}", "One listing"), s.Listing)
	edge.Show(api, op("catalogue/{id}", "A listing as customers see it"), s.Show)
	edge.Command(api, op("listings/{id}/draft", "Begin a new revision"), func(c *merchant.NewDraft, id platform.ID) { c.Listing = id }, s.NewDraft)
	edge.Command(api, op("listings/{id}/go-live", "Show the approved revision"), func(c *merchant.GoLive, id platform.ID) { c.Listing = id }, s.GoLive)
	edge.Command(api, op("listings/{id}/pause", "Stop selling for a while"), func(c *merchant.Pause, id platform.ID) { c.Listing = id }, s.Pause)
	edge.Command(api, op("listings/{id}/resume", "Sell again"), func(c *merchant.Resume, id platform.ID) { c.Listing = id }, s.Resume)
	edge.Command(api, op("listings/{id}/take-down", "Take the listing down"), func(c *merchant.TakeDown, id platform.ID) { c.Listing = id }, s.TakeDown)
	edge.Command(api, op("listings/{id}/reinstate", "Bring the listing back as it was"), func(c *merchant.Reinstate, id platform.ID) { c.Listing = id }, s.Reinstate)

	edge.Show(api, op("revisions/{id}", "One revision"), s.Revision)
	edge.Command(api, op("revisions/{id}/edit", "Change the draft"), func(c *merchant.Edit, id platform.ID) { c.Revision = id }, s.Edit)
	edge.Command(api, op("revisions/{id}/submit", "Hand the draft in for review"), func(c *merchant.SubmitDraft, id platform.ID) { c.Revision = id }, s.SubmitDraft)
	edge.Command(api, op("revisions/{id}/approve", "Approve the revision"), func(c *merchant.ApproveRevision, id platform.ID) { c.Revision = id }, s.ApproveRevision)
	edge.Command(api, op("revisions/{id}/reject", "Reject the revision"), func(c *merchant.RejectRevision, id platform.ID) { c.Revision = id }, s.RejectRevision)
}
