package console

import (
	"context"
	"net/http"
	"net/url"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/budget"
)

const budgetsPage = "/console/budgets"

var budgetMoves = map[string]move{
	"submit-budget":  {action: "budget.submit", back: budgetsPage, do: console.submitBudget},
	"approve-budget": {action: "budget.approve", back: budgetsPage, do: console.approveBudget},
	"reject-budget":  {action: "budget.reject", back: budgetsPage, do: console.rejectBudget},
	"close-budget":   {action: "budget.close", back: budgetsPage, do: console.closeBudget},
	"approve-move":   {action: "budget.approveMove", back: budgetsPage, do: console.approveMove},
	"reject-move":    {action: "budget.rejectMove", back: budgetsPage, do: console.rejectMove},
}

// Why a plan is refused, and a budget closed.
var (
	planRefusals = []string{"not_justified", "too_much", "other"}
	planEndings  = []string{"year_over", "not_needed", "other"}
)

type budgetsView struct {
	Lines   []lineRow
	Budgets []budgetRow
	Moves   []moveRow
	First   string
	Next    string
	Propose *sheet
	Cut     bool // more budgets or virements than the page shows
}

type lineRow struct {
	budget.Standing
	Bar stack
}

type budgetRow struct {
	budget.Budget
	Buttons []button
}

type moveRow struct {
	budget.Move
	Buttons []button
}

// usageOf draws a line: what is spent, committed and free, marked where the plan
// ends when more is used.
func usageOf(b budget.Balance) stack {
	used := b.Spent.Minor() + b.Committed.Minor()
	s := stackOf("usage", max(b.Plan.Minor(), used), slice{Name: "spent", Amount: b.Spent}, slice{Name: "committed", Amount: b.Committed}, slice{Name: "free", Amount: b.Free})
	if used > b.Plan.Minor() {
		s.Limit = thousandths(b.Plan.Minor(), used)
	}
	return s
}

// budgets reads a page of the lines in force, the latest budgets, and virements
// that wait.
func (c console) budgets(r *http.Request) (any, error) {
	ctx, cursor, v := r.Context(), r.URL.Query().Get("cursor"), budgetsView{}
	lines, err := c.m.Budgets.Lines(ctx, "", cursor)
	if err != nil {
		return nil, err
	}
	for _, l := range lines.Items {
		v.Lines = append(v.Lines, lineRow{l, usageOf(l.Balance)})
	}
	v.First, v.Next = turn(budgetsPage, "", "", cursor, lines.Next)
	v.Propose = c.virementForm(ctx, v.Lines)
	budgets, err := c.m.Budgets.Budgets(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, b := range budgets.Items {
		v.Budgets = append(v.Budgets, budgetRow{b, c.budgetButtons(ctx, b)})
	}
	moves, err := c.m.Budgets.Moves(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, m := range moves.Items {
		v.Moves = append(v.Moves, moveRow{m, c.moveButtons(ctx, m)})
	}
	v.Cut = budgets.Next+moves.Next != ""
	return v, nil
}

// budgetButtons are the moves that are open on a budget to whoever looks.
func (c console) budgetButtons(ctx context.Context, b budget.Budget) (all []button) {
	at := budgetsPage + "/" + url.PathEscape(string(b.ID))
	offer := func(verb string, reasons ...string) {
		if c.may(ctx, budgetMoves[verb].action, b.Ref()) {
			all = append(all, press(at, verb, reasons...).seen(b.Version))
		}
	}
	if b.State == budget.Drafted {
		offer("submit-budget")
	}
	if actor, err := platform.ActorOf(ctx); err == nil && b.Waits() {
		if !b.Signed(actor) {
			offer("approve-budget")
		}
		offer("reject-budget", planRefusals...)
	}
	if b.State == budget.Active {
		offer("close-budget", planEndings...)
	}
	return all
}

func (c console) moveButtons(ctx context.Context, m budget.Move) (all []button) {
	actor, err := platform.ActorOf(ctx)
	if err != nil || actor.ID == m.Proposer {
		return nil
	}
	at := budgetsPage + "/" + url.PathEscape(string(m.ID))
	if c.may(ctx, "budget.approveMove", m.Ref()) {
		all = append(all, press(at, "approve-move"))
	}
	if c.may(ctx, "budget.rejectMove", m.Ref()) {
		all = append(all, press(at, "reject-move", planRefusals...))
	}
	return all
}

func (c console) submitBudget(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Budgets.Submit(ctx, budget.Submit{Budget: id})
	return err
}

func (c console) approveBudget(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Budgets.Approve(ctx, budget.Approve{Budget: id})
	return err
}

func (c console) rejectBudget(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Budgets.Reject(ctx, budget.Reject{Budget: id, Reason: form.Get("reason")})
	return err
}

func (c console) closeBudget(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Budgets.Close(ctx, budget.Close{Budget: id, Reason: form.Get("reason")})
	return err
}

func (c console) approveMove(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Budgets.ApproveMove(ctx, budget.ApproveMove{Move: id})
	return err
}

func (c console) rejectMove(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Budgets.RejectMove(ctx, budget.RejectMove{Move: id, Reason: form.Get("reason")})
	return err
}
