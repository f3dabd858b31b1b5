package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/supervision"
)

const engagementsPage = "/console/engagements"

var engagementMoves = map[string]move{
	"plan-audit":   {action: "supervision.planAudit", back: engagementsPage, do: console.planAudit},
	"audit-engage": {action: "supervision.engage", back: engagementsPage, do: console.engageAudit},
	"audit-admit":  {action: "supervision.admit", back: engagementsPage, do: console.admitAuditor},
	"audit-opine":  {action: "supervision.opine", back: engagementsPage, do: console.opine},
	"fix-cutoff":   {action: "supervision.fixCutoff", back: engagementsPage, do: console.fixCutoff},
	"audit-begin":  {action: "supervision.advance", back: engagementsPage, do: advance("begin")},
	"audit-draft":  {action: "supervision.advance", back: engagementsPage, do: advance("draft")},
	"audit-close":  {action: "supervision.advance", back: engagementsPage, do: advance("close")},
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
	Rows  []engagementRow
	First string
	Next  string
	Plan  *sheet // nil for those who may not
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
	Forms       []*sheet
	Buttons     []button
}

// engagements reads the audits of a page, and what belongs to each.
func (c console) engagements(r *http.Request) (any, error) {
	ctx, cursor := r.Context(), r.URL.Query().Get("cursor")
	page, err := c.m.Supervision.Engagements(ctx, cursor)
	if err != nil {
		return nil, err
	}
	var v engagementsView
	v.First, v.Next = turn(engagementsPage, "", "", cursor, page.Next)
	for _, e := range page.Items {
		row, err := c.engagement(ctx, e)
		if err != nil {
			return nil, err
		}
		v.Rows = append(v.Rows, row)
	}
	if c.supervises(ctx) && c.may(ctx, "supervision.planAudit", platform.Ref{}) {
		v.Plan = c.planForm(ctx)
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
	form := func(verb string, fields ...field) {
		if c.may(ctx, engagementMoves[verb].action, row.Ref()) {
			row.Forms = append(row.Forms, sheetOf(ctx, press(page, verb).seen(row.Version), of(fields...)))
		}
	}
	for _, verb := range supervision.EngagementMoves.Open(row.Phase, platform.Operator) {
		switch verb {
		case "engage":
			form("audit-engage", field{Name: "fee", Label: "engagement.fee", Needed: true, Most: 24, Hint: "50000.00"},
				field{Name: "currency", Label: "field.currency", Value: "CNY", Needed: true, Most: 3},
				field{Name: "independence", Label: "engagement.independence", Needed: true, Most: 64, Hint: "SHA-256"})
			continue
		case "admit":
			form("audit-admit", field{Name: "account", Label: "engagement.account", Needed: true, Most: 64, Hint: "aud_…"}, field{Name: "until", Label: "engagement.end", Type: "date", Needed: true})
			continue
		case "opine":
			form("audit-opine", field{Name: "opinion", Label: "engagement.opinionis", Type: "select", Offers: offered(edge.Language(ctx), "opinion", opinions...)},
				field{Name: "report", Label: "engagement.report", Needed: true, Most: 64, Hint: "SHA-256"})
			continue
		}
		if step := "audit-" + verb; engagementMoves[step].do != nil && c.may(ctx, engagementMoves[step].action, row.Ref()) {
			row.Buttons = append(row.Buttons, press(page, step).seen(row.Version))
		}
	}
	if row.Phase == supervision.Planning || row.Phase == supervision.Ended {
		return
	}
	form("fix-cutoff", field{Name: "month", Label: "engagement.cutoff", Type: "month", Needed: true, Value: row.Cutoff})
	seed, draw := press(page, "publish-seed"), press(page, "draw-sample")
	row.Seed = &seed
	if len(row.Seeds) > 0 {
		row.Draw = &draw
	}
	row.Download = &button{Action: "/console/packs/" + url.PathEscape(string(row.ID)), Verb: "pack", Key: seed.Key}
}

// opinions are what an audit may end with.
var opinions = []string{string(supervision.Unqualified), string(supervision.Qualified), string(supervision.Adverse), string(supervision.Disclaimer)}

// planForm plans the audit of the last year that is over, unless told otherwise.
func (c console) planForm(ctx context.Context) *sheet {
	last := strconv.Itoa(c.m.Writer.Now().Year() - 1)
	return sheetOf(ctx, press(engagementsPage+"/new", "plan-audit"), of(
		field{Name: "firm", Label: "engagement.firm", Needed: true, Most: 200},
		field{Name: "licence", Label: "engagement.licence", Needed: true, Most: 64},
		field{Name: "partner", Label: "engagement.partner", Needed: true, Most: 64},
		field{Name: "from", Label: "field.from", Type: "month", Value: last + "-01", Needed: true},
		field{Name: "until", Label: "field.until", Type: "month", Value: last + "-12", Needed: true},
		field{Name: "scope", Label: "engagement.scope", Value: "all", Needed: true, Most: 400},
		field{Name: "deadline", Label: "field.due", Type: "date", Needed: true},
	))
}

func (c console) planAudit(ctx context.Context, _ platform.ID, form url.Values) error {
	e := entry{form: form}
	in := supervision.PlanAudit{
		Firm: e.text("firm"), Licence: e.text("licence"), Partner: platform.ID(e.text("partner")), From: e.text("from"), Until: e.text("until"),
		Scope: e.list("scope"), Deadline: e.day("deadline", time.UTC),
	}
	if err := e.flawed(in); err != nil {
		return err
	}
	_, err := c.m.Supervision.PlanAudit(ctx, in)
	return err
}

func (c console) engageAudit(ctx context.Context, id platform.ID, form url.Values) error {
	e := entry{form: form}
	in := supervision.Engage{Engagement: id, Fee: e.money("fee", e.currency("currency")), Independence: strings.ToLower(e.text("independence"))}
	if err := e.flawed(in); err != nil {
		return err
	}
	_, err := c.m.Supervision.Engage(ctx, in)
	return err
}

// admitAuditor admits until the end of the day.
func (c console) admitAuditor(ctx context.Context, id platform.ID, form url.Values) error {
	e := entry{form: form}
	in := supervision.Admit{Engagement: id, Account: platform.ID(e.text("account")), Until: e.day("until", time.UTC)}
	if !in.Until.IsZero() {
		in.Until = in.Until.AddDate(0, 0, 1)
	}
	if err := e.flawed(in); err != nil {
		return err
	}
	_, err := c.m.Supervision.Admit(ctx, in)
	return err
}

func (c console) opine(ctx context.Context, id platform.ID, form url.Values) error {
	e := entry{form: form}
	in := supervision.Opine{Engagement: id, Opinion: supervision.Opinion(e.text("opinion")), Report: strings.ToLower(e.text("report"))}
	if err := e.flawed(in); err != nil {
		return err
	}
	_, err := c.m.Supervision.Opine(ctx, in)
	return err
}

func (c console) fixCutoff(ctx context.Context, id platform.ID, form url.Values) error {
	e := entry{form: form}
	in := supervision.FixCutoff{Engagement: id, Month: e.text("month")}
	if err := e.flawed(in); err != nil {
		return err
	}
	_, err := c.m.Supervision.FixCutoff(ctx, in)
	return err
}
