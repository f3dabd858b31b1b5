// Package supervision mounts the API of controls and findings, and of the audits
// from outside.
package supervision

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/supervision"
)

func op(path, summary string) edge.Op {
	return edge.Op{Path: "/v1/" + path, Summary: summary, Tag: "supervision"}
}

// Mount adds the routes.
func Mount(api huma.API, m *market.Market) {
	s := m.Supervision
	controls(api, s)
	findings(api, s)
	engagements(api, s)
	evidence(api, s)
	pack(api, s)
}

type ofRecord struct {
	ID string `path:"id" doc:"The record's id."`
	edge.Turn
}

type ofControl struct {
	Control string `query:"control" doc:"if absent, all" maxLength:"8" example:"C1"`
	edge.Turn
}

type inState struct {
	State string `query:"state" doc:"open unless given" enum:"open,planned,fixing,fixed,closed"`
	edge.Turn
}

// items is a list without pages.
type items[T any] struct {
	Items []T `json:"items"`
}

func controls(api huma.API, s *supervision.Service) {
	edge.Get(api, op("controls", "The controls, when each runs next, and how it ran last"), func(ctx context.Context) (items[supervision.Standing], error) {
		all, err := s.Schedules(ctx)
		return items[supervision.Standing]{all}, err
	})
	edge.Create(api, op("controls/runs", "Run a control now"), s.RunControl)
	edge.List(api, op("controls/runs", "Runs, the last first; each is proof that somebody looked"), func(ctx context.Context, in *ofControl) (platform.Page[supervision.Run], error) {
		return s.Runs(ctx, in.Control, in.Cursor)
	})
}

func findings(api huma.API, s *supervision.Service) {
	edge.Create(api, op("findings", "Say that something is wrong which no control has found"), s.Raise)
	edge.List(api, op("findings", "Findings in a state, the first due first"), func(ctx context.Context, in *inState) (platform.Page[supervision.Finding], error) {
		if in.State == "" {
			in.State = string(supervision.Open)
		}
		return s.Findings(ctx, supervision.State(in.State), in.Cursor)
	})
	edge.Show(api, op("findings/{id}", "One finding"), s.Finding)
	edge.List(api, op("findings/{id}/hits", "What was found, the last first"), func(ctx context.Context, in *ofRecord) (platform.Page[supervision.Known], error) {
		return s.Hits(ctx, platform.ID(in.ID), in.Cursor)
	})
	edge.Command(api, op("findings/{id}/assign", "Give it to an owner"), func(c *supervision.Assign, id platform.ID) { c.Finding = id }, s.Assign)
	edge.Command(api, op("findings/{id}/plan", "Say how it is put right, and by when"), func(c *supervision.PlanFix, id platform.ID) { c.Finding = id }, s.PlanFix)
	edge.Command(api, op("findings/{id}/start", "Begin the work"), func(c *supervision.StartFix, id platform.ID) { c.Finding = id }, s.StartFix)
	edge.Command(api, op("findings/{id}/finish", "Say that it is put right"), func(c *supervision.FinishFix, id platform.ID) { c.Finding = id }, s.FinishFix)
	edge.Command(api, op("findings/{id}/verify", "Close it, after its control was asked again"), func(c *supervision.VerifyFix, id platform.ID) { c.Finding = id }, s.VerifyFix)
	edge.Command(api, op("findings/{id}/refuse", "Send it back to its owner"), func(c *supervision.RefuseFix, id platform.ID) { c.Finding = id }, s.RefuseFix)
	edge.Command(api, op("findings/{id}/refer", "Hand a person's part to those who judge people"), func(c *supervision.Refer, id platform.ID) { c.Finding = id }, s.Refer)
	edge.Command(api, op("findings/{id}/report", "Say what came of a referral"), func(c *supervision.ReportReferral, id platform.ID) { c.Finding = id }, s.ReportReferral)
}

func engagements(api huma.API, s *supervision.Service) {
	edge.Create(api, op("engagements", "Plan an audit from outside"), s.PlanAudit)
	edge.List(api, op("engagements", "Audits from outside, the latest period first"), func(ctx context.Context, in *edge.Turn) (platform.Page[supervision.Engagement], error) {
		return s.Engagements(ctx, in.Cursor)
	})
	edge.Show(api, op("engagements/{id}", "One audit"), s.Engagement)
	edge.Command(api, op("engagements/{id}/engage", "Sign the firm"), func(c *supervision.Engage, id platform.ID) { c.Engagement = id }, s.Engage)
	edge.Command(api, op("engagements/{id}/admit", "Let an auditor read until a moment"), func(c *supervision.Admit, id platform.ID) { c.Engagement = id }, s.Admit)
	edge.Command(api, op("engagements/{id}/advance", "Begin, draft, or close"), func(c *supervision.Advance, id platform.ID) { c.Engagement = id }, s.Advance)
	edge.Command(api, op("engagements/{id}/opine", "Give the opinion"), func(c *supervision.Opine, id platform.ID) { c.Engagement = id }, s.Opine)
	edge.Command(api, op("engagements/{id}/cut-off", "Fix the last month that must stay closed"), func(c *supervision.FixCutoff, id platform.ID) { c.Engagement = id }, s.FixCutoff)
}

func evidence(api huma.API, s *supervision.Service) {
	edge.Command(api, op("engagements/{id}/read", "Look at a record, masked; each look is an event"), func(c *supervision.ReadRecord, id platform.ID) { c.Engagement = id }, s.ReadRecord)
	edge.Command(api, op("engagements/{id}/seeds", "Publish the seed that follows from a month's close and the auditor's nonce"), func(c *supervision.PublishSeed, id platform.ID) { c.Engagement = id }, s.PublishSeed)
	edge.List(api, op("engagements/{id}/seeds", "Its seeds"), func(ctx context.Context, in *ofRecord) (platform.Page[supervision.Seed], error) {
		return s.Seeds(ctx, platform.ID(in.ID), in.Cursor)
	})
	edge.Command(api, op("engagements/{id}/samples", "Draw a sample by a published seed"), func(c *supervision.DrawSample, id platform.ID) { c.Engagement = id }, s.DrawSample)
	edge.List(api, op("engagements/{id}/samples", "Its samples"), func(ctx context.Context, in *ofRecord) (platform.Page[supervision.Sample], error) {
		return s.Samples(ctx, platform.ID(in.ID), in.Cursor)
	})
	edge.Command(api, op("engagements/{id}/adjustments", "Ask for a booking"), func(c *supervision.ProposeAdjustment, id platform.ID) { c.Engagement = id }, s.ProposeAdjustment)
	edge.List(api, op("engagements/{id}/adjustments", "Its adjustments"), func(ctx context.Context, in *ofRecord) (platform.Page[supervision.Adjustment], error) {
		return s.Adjustments(ctx, platform.ID(in.ID), in.Cursor)
	})
	edge.List(api, op("engagements/{id}/packs", "The packs that were made for it"), func(ctx context.Context, in *ofRecord) (platform.Page[supervision.Packed], error) {
		return s.Packs(ctx, platform.ID(in.ID), in.Cursor)
	})
	edge.Command(api, op("adjustments/{id}/link", "Say by which journal it was booked"), func(c *supervision.LinkAdjustment, id platform.ID) { c.Adjustment = id }, s.LinkAdjustment)
	edge.Command(api, op("adjustments/{id}/decline", "Say why it is not booked"), func(c *supervision.DeclineAdjustment, id platform.ID) { c.Adjustment = id }, s.DeclineAdjustment)
}

// pack mounts POST /v1/engagements/{id}/pack: a ZIP file, written as it is read.
func pack(api huma.API, s *supervision.Service) {
	edge.Raw(api, huma.Operation{
		OperationID: "post-engagements-id-pack", Method: http.MethodPost, Path: "/v1/engagements/{id}/pack", Tags: []string{"supervision"},
		Summary:    "The pack of the period: JSON Lines and a manifest of SHA-256, in a ZIP file; one that was cut off has no manifest",
		Security:   []map[string][]string{{"bearer": {}}},
		Parameters: []*huma.Param{{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: "string"}, Description: "The engagement's id."}},
		Responses:  map[string]*huma.Response{"200": {Description: "The pack", Content: map[string]*huma.MediaType{"application/zip": {}}}},
		Errors:     []int{401, 403, 404, 409, 422, 503},
	}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { Pack(w, r, s) }))
}

// Pack answers with the pack of the engagement in the path. What fails before the
// first byte is refused; afterwards the file ends without its directory, and no
// program opens it.
func Pack(w http.ResponseWriter, r *http.Request, s *supervision.Service) {
	id := platform.ID(r.PathValue("id"))
	out := &attachment{w: w, name: "audit-" + string(id) + ".zip"}
	_, err := s.MakePack(r.Context(), supervision.MakePack{Engagement: id}, out)
	if err != nil && !out.begun {
		edge.Refuse(w, r, err)
	}
}

// attachment says what it is with its first byte.
type attachment struct {
	w     http.ResponseWriter
	name  string
	begun bool
}

// Write implements [io.Writer].
func (a *attachment) Write(p []byte) (int, error) {
	if !a.begun {
		a.w.Header().Set("Content-Type", "application/zip")
		a.w.Header().Set("Content-Disposition", `attachment; filename="`+a.name+`"`)
		a.begun = true
	}
	return a.w.Write(p)
}
