package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/supervision"
)

const engagementsPage = "/console/engagements"

var engagementMoves = map[string]move{
	"audit-begin": {action: "supervision.advance", back: engagementsPage, do: advance("begin")},
	"audit-draft": {action: "supervision.advance", back: engagementsPage, do: advance("draft")},
	"audit-close": {action: "supervision.advance", back: engagementsPage, do: advance("close")},
	"publish-seed": {action: "supervision.publishSeed", back: engagementsPage, do: func(c console, ctx context.Context, id platform.ID, form url.Values) error {
		_, err := c.m.Supervision.PublishSeed(ctx, supervision.PublishSeed{Engagement: id, Month: form.Get("month"), Nonce: strings.TrimSpace(form.Get("nonce"))})
		return err
	}},
	"draw-sample": {action: "supervision.drawSample", back: engagementsPage, do: console.drawSample},
}

// advance takes an engagement a step on.
func advance(step string) func(console, context.Context, platform.ID, url.Values) error {
	return func(c console, ctx context.Context, id platform.ID, _ url.Values) error {
		_, err := c.m.Supervision.Advance(ctx, supervision.Advance{Engagement: id, Step: step})
		return err
	}
}

// drawSample draws by the seed that the form names.
func (c console) drawSample(ctx context.Context, id platform.ID, form url.Values) error {
	n, err := strconv.Atoi(form.Get("n"))
	if err != nil {
		return errForm
	}
	in := supervision.DrawSample{Engagement: id, Seed: platform.ID(form.Get("seed")), Method: supervision.Method(form.Get("method")), N: n}
	if in.Method == supervision.Monetary {
		in.Currency = strings.ToUpper(strings.TrimSpace(form.Get("currency")))
	}
	_, err = c.m.Supervision.DrawSample(ctx, in)
	return err
}

type engagementsView struct {
	Rows []engagementRow
	Next string
	Page string
}

type engagementRow struct {
	supervision.Engagement
	Overdue     bool
	Seeds       []supervision.Seed
	Samples     []supervision.Sample
	Adjustments []supervision.Adjustment
	Packs       []supervision.Packed
	Download    *button
	Seed        *button // a form that names month and nonce
	Draw        *button // a form that names seed, method and size
	Methods     []supervision.Method
	Buttons     []button
}

// engagements reads the audits of a page, and what belongs to each.
func (c console) engagements(r *http.Request) (any, error) {
	ctx := r.Context()
	page, err := c.m.Supervision.Engagements(ctx, r.URL.Query().Get("cursor"))
	if err != nil {
		return nil, err
	}
	v := engagementsView{Page: engagementsPage}
	for _, e := range page.Items[:min(len(page.Items), 10)] {
		row, err := c.engagement(ctx, e)
		if err != nil {
			return nil, err
		}
		v.Rows = append(v.Rows, row)
	}
	return v, nil
}

func (c console) engagement(ctx context.Context, e supervision.Engagement) (row engagementRow, err error) {
	row = engagementRow{Engagement: e, Overdue: e.Late && e.Opinion == "", Methods: []supervision.Method{supervision.Random, supervision.Stratified, supervision.Monetary}}
	seeds, err := c.m.Supervision.Seeds(ctx, e.ID, "")
	if err != nil {
		return row, err
	}
	samples, err := c.m.Supervision.Samples(ctx, e.ID, "")
	if err != nil {
		return row, err
	}
	adjustments, err := c.m.Supervision.Adjustments(ctx, e.ID, "")
	if err != nil {
		return row, err
	}
	packs, err := c.m.Supervision.Packs(ctx, e.ID, "")
	if err != nil {
		return row, err
	}
	row.Seeds, row.Samples, row.Adjustments, row.Packs = seeds.Items, samples.Items, adjustments.Items, packs.Items
	c.engagementForms(ctx, &row)
	return row, nil
}

// engagementForms are the steps that supervisors take; auditors speak to the API.
func (c console) engagementForms(ctx context.Context, row *engagementRow) {
	if !c.supervises(ctx) {
		return
	}
	page := engagementsPage + "/" + url.PathEscape(string(row.ID))
	for _, verb := range supervision.EngagementMoves.Open(row.Phase, platform.Operator) {
		if step := "audit-" + verb; engagementMoves[step].do != nil && c.may(ctx, engagementMoves[step].action, row.Ref()) {
			row.Buttons = append(row.Buttons, press(page, step).seen(row.Version))
		}
	}
	if row.Phase == supervision.Planning || row.Phase == supervision.Ended {
		return
	}
	seed, draw := press(page, "publish-seed"), press(page, "draw-sample")
	row.Seed = &seed
	if len(row.Seeds) > 0 {
		row.Draw = &draw
	}
	row.Download = &button{Action: "/console/packs/" + url.PathEscape(string(row.ID)), Verb: "pack", Key: seed.Key}
}
