package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/claim"
)

const approvalsPage = "/console/approvals"

var approvalMoves = map[string]move{
	"publish-matrix": {action: "claim.publishMatrix", back: approvalsPage, do: console.publishMatrix},
	"be-away":        {action: "claim.away", back: approvalsPage, do: console.beAway},
	"be-back":        {action: "claim.away", back: approvalsPage, do: console.beBack},
}

// matrixReasons are why others approve from now on.
var matrixReasons = []string{"new_limits", "new_organisation", "other"}

// spareRows are how many empty rows the form of the matrix has.
const spareRows = 3

type approvalsView struct {
	Matrix  claim.Matrix
	Publish *sheet
	Away    *sheet
	Absence claim.Person // of whoever looks
	Absent  bool         // they have one that is not over
	Back    *button
}

// approvals reads who approves which claims, and when whoever looks approves none.
func (c console) approvals(r *http.Request) (any, error) {
	ctx := r.Context()
	m, err := c.m.Claims.Matrix(ctx)
	if err != nil {
		return nil, err
	}
	v := approvalsView{Matrix: m}
	if c.may(ctx, "claim.publishMatrix", m.Ref()) {
		v.Publish = sheetOf(ctx, press(approvalsPage+"/matrix", "publish-matrix").seen(m.Version), matrixFields(edge.Language(ctx), m.Rows)...)
	}
	if !c.may(ctx, "claim.away", platform.Ref{}) {
		return v, nil
	}
	v.Away = sheetOf(ctx, press(approvalsPage+"/me", "be-away"), of(
		field{Name: "from", Label: "field.from", Type: "date", Needed: true},
		field{Name: "until", Label: "approvals.back", Type: "date", Needed: true},
	))
	if v.Absence, err = c.m.Claims.Absence(ctx); err != nil {
		return nil, err
	}
	if v.Absent = v.Absence.Until.After(c.m.Writer.Now()); v.Absent {
		b := press(approvalsPage+"/me", "be-back")
		b.Hidden = map[string]string{"at": c.m.Writer.Now().Format(time.RFC3339)} // pressed again, it is the same
		v.Back = &b
	}
	return v, nil
}

// matrixFields are a group of fields for each row, and some for more.
func matrixFields(lang string, rows []claim.Row) (all []fieldset) {
	for n := range len(rows) + spareRows {
		var r claim.Row
		amount, currency := "", ""
		if n < len(rows) {
			r = rows[n]
			amount, currency = plainAmount(r.From), r.From.Currency().String()
		}
		all = append(all, fieldset{Legend: "approvals.row", Fields: []field{
			{Name: at("rows", n, ".from"), Label: "approvals.from", Value: amount, Most: 24},
			{Name: at("rows", n, ".currency"), Label: "field.currency", Value: currency, Most: 3},
			{Name: at("rows", n, ".centre"), Label: "field.centre", Value: r.Centre, Most: 30},
			{Name: at("rows", n, ".category"), Label: "field.category", Value: r.Category, Most: 30},
			{Name: at("rows", n, ".rank"), Label: "field.rank", Value: r.Rank, Most: 30},
			{Name: at("rows", n, ".approvers"), Label: "approvals.chain", Value: chainText(r.Approvers), Hint: "manager/director, director", Most: 400},
		}})
	}
	return append(all, of(because(lang, matrixReasons...)))
}

// chainText is a chain as it is typed: roles between commas, each with its deputy
// after a slash.
func chainText(chain []claim.Approver) string {
	all := make([]string, len(chain))
	for i, a := range chain {
		all[i] = a.Role
		if a.Deputy != "" {
			all[i] += "/" + a.Deputy
		}
	}
	return strings.Join(all, ", ")
}

// publishMatrix leaves out the rows in which nothing was typed.
func (c console) publishMatrix(ctx context.Context, _ platform.ID, form url.Values) error {
	e, in, names := entry{form: form}, claim.PublishMatrix{Reason: form.Get("reason")}, map[string]string{}
	for n := range len(form) / 6 {
		if e.blank(at("rows", n, ".from"), at("rows", n, ".centre"), at("rows", n, ".category"), at("rows", n, ".rank"), at("rows", n, ".approvers")) {
			continue
		}
		row := claim.Row{
			From:   e.money(at("rows", n, ".from"), e.currency(at("rows", n, ".currency"))),
			Centre: e.text(at("rows", n, ".centre")), Category: e.text(at("rows", n, ".category")), Rank: e.text(at("rows", n, ".rank")),
		}
		if e.text(at("rows", n, ".from")) == "" {
			e.note(at("rows", n, ".from"), errNumber)
		}
		for _, level := range e.list(at("rows", n, ".approvers")) {
			role, deputy, _ := strings.Cut(level, "/")
			row.Approvers = append(row.Approvers, claim.Approver{Role: strings.TrimSpace(role), Deputy: strings.TrimSpace(deputy)})
		}
		names[at("rows", len(in.Rows), "")] = at("rows", n, "")
		in.Rows = append(in.Rows, row)
	}
	err := e.flawed(nil)
	if err == nil {
		_, err = c.m.Claims.PublishMatrix(ctx, in)
	}
	return ofRow(named(err, names))
}

// ofRow puts what is wrong with a whole row, or with one of its approvers, at a
// field that it has.
func ofRow(err error) error {
	fields, ok := err.(platform.FieldErrors) //nolint:errorlint // as named leaves it
	if !ok {
		return err
	}
	fields = slices.Clone(fields)
	for i, f := range fields {
		row, member, _ := strings.Cut(f.Path, "].")
		switch {
		case strings.HasPrefix(member, "approvers"):
			fields[i].Path = row + "].approvers"
		case strings.HasSuffix(f.Path, "]"):
			fields[i].Path += ".from"
		}
	}
	return fields
}

func (c console) beAway(ctx context.Context, _ platform.ID, form url.Values) error {
	e := entry{form: form}
	in := claim.Away{From: e.day("from", time.UTC), Until: e.day("until", time.UTC)}
	if err := e.flawed(in); err != nil {
		return err
	}
	_, err := c.m.Claims.Away(ctx, in)
	return err
}

func (c console) beBack(ctx context.Context, _ platform.ID, form url.Values) error {
	at, err := time.Parse(time.RFC3339, form.Get("at"))
	if err != nil {
		return errForm
	}
	_, err = c.m.Claims.Away(ctx, claim.Away{From: at, Until: at})
	return err
}
