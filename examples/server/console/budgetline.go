package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/budget"
)

// commitmentMoves are what becomes of a commitment, by decision.
var commitmentMoves = map[string]move{
	"carry-commitment":   {action: "budget.carry", back: budgetsPage + "/", do: console.carryCommitment},
	"rebook-commitment":  {action: "budget.rebook", back: budgetsPage + "/", do: console.rebookCommitment},
	"release-commitment": {action: "budget.release", back: budgetsPage + "/", do: console.releaseCommitment},
}

// virementMoves ask for a plan on another line.
var virementMoves = map[string]move{
	"propose-move": {action: "budget.proposeMove", back: budgetsPage, do: console.proposeMove},
}

// Why a commitment goes to another line or ends, and a plan moves.
var (
	carryReasons    = []string{"year_over", "wrong_line", "other"}
	virementReasons = []string{"more_needed", "wrong_line", "other"}
)

type lineView struct {
	budget.Forecast
	Of    budget.Line // as far as it is in force
	Bar   stack
	Ahead stack // what is expected against the plan
	Rows  []commitmentRow
	First string
	Next  string
}

type commitmentRow struct {
	budget.Commitment
	Link  string
	Forms []*sheet
	Free  []button
}

// budgetLine reads where a line is heading, and what is committed on it.
func (c console) budgetLine(r *http.Request) (any, error) {
	ctx, id, cursor := r.Context(), platform.ID(r.PathValue("id")), r.URL.Query().Get("cursor")
	f, err := c.m.Budgets.Forecast(ctx, id)
	if err != nil {
		return nil, err
	}
	v := lineView{Forecast: f, Bar: usageOf(f.Balance), Ahead: aheadOf(f)}
	page, err := c.m.Budgets.Open(ctx, id, cursor)
	if err != nil {
		return nil, err
	}
	lines, err := c.m.Budgets.Lines(ctx, "", "")
	if err != nil {
		return nil, err
	}
	others := lineChoices(lines.Items, id, f.Balance.Plan.Currency())
	for _, l := range lines.Items {
		if l.ID == id {
			v.Of = l.Line
		}
	}
	for _, x := range page.Items {
		row := commitmentRow{Commitment: x}
		if x.Source.Kind == "claim" {
			row.Link = claimsPage + "/" + url.PathEscape(string(x.Source.ID))
		}
		c.commitmentForms(ctx, &row, id, others)
		v.Rows = append(v.Rows, row)
	}
	v.First, v.Next = turn(budgetsPage+"/"+url.PathEscape(string(id)), "", "", cursor, page.Next)
	return v, nil
}

// lineChoices are the lines in force of a currency but one.
func lineChoices(lines []budget.Standing, but platform.ID, currency platform.Currency) (all []choice) {
	for _, l := range lines {
		if l.ID != but && l.Plan.Currency() == currency {
			all = append(all, choice{Value: string(l.ID), Text: l.Centre + " · " + l.Account + " " + l.From.Format("2006-01") + ", " + money(l.Balance.Free)})
		}
	}
	return all
}

// aheadOf draws what is spent, committed and still to come at the rate so far, and
// where the plan ends.
func aheadOf(f budget.Forecast) stack {
	b := f.Balance
	coming, err := f.Expected.Sub(b.Spent)
	if err == nil {
		coming, err = coming.Sub(b.Committed)
	}
	if err != nil {
		return stack{}
	}
	whole := max(b.Plan.Minor(), f.Expected.Minor())
	s := stackOf("ahead", whole, slice{Name: "spent", Amount: b.Spent}, slice{Name: "committed", Amount: b.Committed}, slice{Name: "coming", Amount: coming})
	if f.Above {
		s.Limit = thousandths(b.Plan.Minor(), whole)
	}
	return s
}

// commitmentForms are what whoever looks may decide about a commitment.
func (c console) commitmentForms(ctx context.Context, row *commitmentRow, line platform.ID, others []choice) {
	page, on := budgetsPage+"/"+url.PathEscape(string(line))+"/commitments", row.Ref()
	for _, verb := range []string{"carry-commitment", "rebook-commitment"} {
		if len(others) == 0 || !c.may(ctx, commitmentMoves[verb].action, on) {
			continue
		}
		b := press(page, verb).seen(row.Version)
		b.Hidden["commitment"] = string(row.ID)
		to := append([]choice(nil), others...)
		row.Forms = append(row.Forms, sheetOf(ctx, b, of(
			field{Name: "to", Label: "field.to", Type: "select", Offers: to}, because(edge.Language(ctx), carryReasons...),
		)))
	}
	if c.may(ctx, "budget.release", on) {
		b := press(page, "release-commitment", planEndings...).seen(row.Version)
		b.Hidden["commitment"] = string(row.ID)
		row.Free = []button{b}
	}
}

func (c console) carryCommitment(ctx context.Context, _ platform.ID, form url.Values) error {
	_, err := c.m.Budgets.Carry(ctx, budget.Carry{Commitment: platform.ID(form.Get("commitment")), To: platform.ID(form.Get("to")), Reason: form.Get("reason")})
	return err
}

func (c console) rebookCommitment(ctx context.Context, _ platform.ID, form url.Values) error {
	_, err := c.m.Budgets.Rebook(ctx, budget.Rebook{Commitment: platform.ID(form.Get("commitment")), To: platform.ID(form.Get("to")), Reason: form.Get("reason")})
	return err
}

func (c console) releaseCommitment(ctx context.Context, _ platform.ID, form url.Values) error {
	_, err := c.m.Budgets.Release(ctx, budget.Release{Commitment: platform.ID(form.Get("commitment")), Reason: form.Get("reason")})
	return err
}

// virementForm asks for a plan to move between two lines.
func (c console) virementForm(ctx context.Context, lines []lineRow) *sheet {
	if len(lines) < 2 || !c.may(ctx, "budget.proposeMove", platform.Ref{}) {
		return nil
	}
	var from, to []choice
	for _, l := range lines {
		text := choice{Value: string(l.ID) + " " + l.Plan.Currency().String(), Text: l.Centre + " · " + l.Account + ", " + money(l.Balance.Free)}
		from, to = append(from, text), append(to, text)
	}
	return sheetOf(ctx, press(budgetsPage+"/new", "propose-move"), of(
		field{Name: "from", Label: "field.from", Type: "select", Offers: from},
		field{Name: "to", Label: "field.to", Type: "select", Offers: to},
		field{Name: "amount", Label: "field.amount", Needed: true, Most: 24, Hint: "1000.00"},
		because(edge.Language(ctx), virementReasons...),
	))
}

func (c console) proposeMove(ctx context.Context, _ platform.ID, form url.Values) error {
	e := entry{form: form}
	from, currency, _ := strings.Cut(e.text("from"), " ")
	to, _, _ := strings.Cut(e.text("to"), " ")
	in := budget.ProposeMove{From: platform.ID(from), To: platform.ID(to), Amount: e.money("amount", currency), Reason: e.text("reason")}
	if err := e.flawed(in); err != nil {
		return err
	}
	_, err := c.m.Budgets.ProposeMove(ctx, in)
	return err
}
