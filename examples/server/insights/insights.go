// Package insights mounts what is measured of the orders on the API: figures with
// their definitions, series, cohorts, customers' worth, and supply against demand.
package insights

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/order/insight"
)

func op(path, summary string) edge.Op {
	return edge.Op{Path: "/v1/insight/" + path, Summary: summary, Tag: "insight"}
}

// Mount adds the routes.
func Mount(api huma.API, m *market.Market) {
	s := m.Insight
	edge.Get(api, op("definitions", "What each measure means"), func(context.Context) (items, error) {
		return items{insight.Definitions()}, nil
	})
	edge.Find(api, op("report", "Figures of a window, with their intervals and definitions"), func(ctx context.Context, in *asked) (report, error) {
		return read(ctx, s, *in)
	})
	edge.Find(api, op("series", "One measure over time, with its trend"), func(ctx context.Context, in *course) (insight.Series, error) {
		return follow(ctx, s, *in)
	})
	edge.Find(api, op("retention", "Which customers came back, by the month of their first completed order"), func(ctx context.Context, in *months) (insight.Triangle, error) {
		return s.Retention(ctx, in.of(), in.From, in.Until)
	})
	edge.Find(api, op("value", "What customers are worth, in thirds by how lately, often and much they bought"), func(ctx context.Context, in *worth) (insight.Value, error) {
		a, err := in.window(s)
		if err != nil {
			return insight.Value{}, err
		}
		return s.Value(ctx, a, in.Currency)
	})
	edge.Find(api, op("balance", "Seats wanted on a day against members on duty, by zone and hour"), func(ctx context.Context, in *day) (insight.Balance, error) {
		return s.Balance(ctx, in.of(), in.Day)
	})
	edge.Find(api, op("customers/{id}", "What one customer did, who agreed to that"), func(ctx context.Context, in *person) (insight.Person, error) {
		a, err := in.window(s)
		if err != nil {
			return insight.Person{}, err
		}
		return s.Person(ctx, a, platform.ID(in.ID))
	})
	export(api, "report", "Figures of a window as CSV, each row with its definition", func(r *http.Request, out io.Writer) error {
		q := r.URL.Query()
		found, err := read(r.Context(), s, asked{Span: spanOf(q), Measure: q["measure"]})
		if err != nil {
			return err
		}
		return found.WriteCSV(out, edge.Language(r.Context()))
	})
	export(api, "series", "One measure over time as CSV, each row with its definition", func(r *http.Request, out io.Writer) error {
		q := r.URL.Query()
		found, err := follow(r.Context(), s, course{Span: spanOf(q), Measure: q.Get("measure"), Step: q.Get("step")})
		if err != nil {
			return err
		}
		return found.WriteCSV(out, edge.Language(r.Context()))
	})
}

// Subject says of what figures are: of all, unless a merchant or a zone is named. It is
// exported, as [Span] is, since huma passes over embedded types that are not.
type Subject struct {
	Merchant string `query:"merchant" doc:"of this merchant only" maxLength:"64"`
	Zone     string `query:"zone" doc:"of this zone only" maxLength:"64"`
}

func (s Subject) of() platform.Ref {
	switch {
	case s.Merchant != "":
		return platform.Ref{Kind: "merchant", ID: platform.ID(s.Merchant)}
	case s.Zone != "":
		return platform.Ref{Kind: "zone", ID: platform.ID(s.Zone)}
	}
	return platform.Ref{}
}

// Span is a window in days of the tenant's zone.
type Span struct {
	Subject
	From  string `query:"from" required:"true" example:"2026-03-01" doc:"the first day" maxLength:"10"`
	Until string `query:"until" required:"true" example:"2026-04-01" doc:"the day after the last" maxLength:"10"`
}

func spanOf(q url.Values) Span {
	return Span{Subject{q.Get("merchant"), q.Get("zone")}, q.Get("from"), q.Get("until")}
}

func (s Span) window(from *insight.Service) (insight.Ask, error) {
	a, err := from.Window(s.From, s.Until)
	a.Of = s.of()
	return a, err
}

type asked struct {
	Span
	Measure []string `query:"measure,explode" doc:"the names of some; if absent, all" maxItems:"50"`
}

type course struct {
	Span
	Measure string `query:"measure" required:"true" example:"gmv/CNY" doc:"one without cells; an amount with its currency" maxLength:"40"`
	Step    string `query:"step" enum:"day,week,month" default:"week"`
}

type months struct {
	Subject
	From  string `query:"from" required:"true" example:"2026-01" doc:"the first cohort" maxLength:"7"`
	Until string `query:"until" required:"true" example:"2026-07" doc:"the month after the last" maxLength:"7"`
}

type worth struct {
	Span
	Currency string `query:"currency" required:"true" example:"CNY" maxLength:"3"`
}

type day struct {
	Subject
	Day string `query:"day" required:"true" example:"2026-03-02" maxLength:"10"`
}

type person struct {
	ID string `path:"id" doc:"The customer's id."`
	Span
}

type items struct {
	Items []insight.Definition `json:"items"`
}

// report is figures with what they mean.
type report struct {
	insight.Figures
	Definitions []insight.Definition `json:"definitions"`
}

func read(ctx context.Context, s *insight.Service, in asked) (report, error) {
	a, err := in.window(s)
	if err != nil {
		return report{}, err
	}
	f, err := s.Report(ctx, a, in.Measure...)
	out := report{Figures: f, Definitions: []insight.Definition{}}
	for _, d := range insight.Definitions() {
		for i, one := range f.Figures {
			if one.Name == d.Name && (i == 0 || f.Figures[i-1].Name != d.Name) {
				out.Definitions = append(out.Definitions, d)
			}
		}
	}
	return out, err
}

func follow(ctx context.Context, s *insight.Service, in course) (insight.Series, error) {
	a, err := in.window(s)
	if err != nil {
		return insight.Series{}, err
	}
	if in.Step == "" {
		in.Step = string(insight.Weekly)
	}
	return s.Series(ctx, a, in.Measure, insight.Step(in.Step))
}

// export mounts GET …/export: what a route answers, as CSV.
func export(api huma.API, name, summary string, write func(*http.Request, io.Writer) error) {
	text := &huma.Schema{Type: "string"}
	edge.Raw(api, huma.Operation{
		OperationID: "get-insight-" + name + "-export", Method: http.MethodGet, Path: "/v1/insight/" + name + "/export", Tags: []string{"insight"},
		Summary: summary, Security: []map[string][]string{{"bearer": {}}},
		Parameters: []*huma.Param{
			{Name: "from", In: "query", Required: true, Schema: text}, {Name: "until", In: "query", Required: true, Schema: text},
			{Name: "merchant", In: "query", Schema: text}, {Name: "zone", In: "query", Schema: text},
			{Name: "measure", In: "query", Schema: text}, {Name: "step", In: "query", Schema: text},
		},
		Responses: map[string]*huma.Response{"200": {Description: "The rows", Content: map[string]*huma.MediaType{"text/csv": {}}}},
		Errors:    []int{401, 403, 404, 422, 503},
	}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var rows bytes.Buffer // whole or not at all
		if err := write(r, &rows); err != nil {
			edge.Refuse(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
		_, _ = rows.WriteTo(w) // the reader is gone when this fails
	}))
}
