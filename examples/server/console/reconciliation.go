package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/reconciliation"
)

const reconPage = "/console/reconciliation"

var reconMoves = map[string]move{
	"fetch-day":   {action: "reconciliation.fetch", back: reconPage, do: console.fetchDay},
	"compare-day": {action: "reconciliation.reconcile", back: reconPage, do: console.compareDay},
	"take-up":     {action: "reconciliation.takeCase", back: reconPage, do: console.takeUp},
	"settle":      {action: "reconciliation.resolveCase", back: reconPage, do: console.settle},
	"settle-into": {action: "reconciliation.resolveCase", back: reconPage, do: console.settleInto},
	"suspend":     {action: "reconciliation.resolveCase", back: reconPage, do: console.suspend},
	"countersign": {action: "reconciliation.approveCase", back: reconPage, do: console.countersign},
	"send-back":   {action: "reconciliation.rejectCase", back: reconPage, do: console.sendBack},
}

// sentBack are why a resolution is not approved.
var sentBack = []string{"wrong_account", "not_proved", "other"}

type reconView struct {
	State    reconciliation.CaseState
	Tabs     []reconciliation.CaseState
	Accounts []reconAccount
	Ages     []ageRow
	Rows     []caseRow
	First    string
	Next     string
}

// reconAccount is how an account stands.
type reconAccount struct {
	Name   string
	Last   *reconciliation.Run
	Bars   []dayBar
	Wide   int
	Worst  *dayBar // the day of which least was matched, if any was not whole
	Fetch  []button
	Missed string       // the day that can be fetched
	Waits  []waitingDay // that came in and were not compared
}

// waitingDay is a statement that nobody has compared with the books.
type waitingDay struct {
	reconciliation.Statement
	Buttons []button
}

// dayBar is a day of the chart: how much of its lines was matched.
type dayBar struct {
	Day        string
	X, Y, Tall int
	Share      string
	Low        bool
}

// ageRow is how many differences of a class are how old.
type ageRow struct {
	Class reconciliation.Class
	Ages  [4]int // to a day, three, seven, and older
	Sum   int
}

type caseRow struct {
	reconciliation.Case
	Days    int
	Into    *button // a form that names an account
	Buttons []button
}

// reconciliation reads how the accounts stand, and the differences in a state.
func (c console) reconciliation(r *http.Request) (any, error) {
	ctx, asked := r.Context(), r.URL.Query()
	v := reconView{State: reconciliation.CaseState(asked.Get("state")), Tabs: []reconciliation.CaseState{
		reconciliation.CaseOpen, reconciliation.CaseProposed, reconciliation.CaseSuspended, reconciliation.CaseResolved, reconciliation.CaseMatched,
	}}
	if !slices.Contains(v.Tabs, v.State) {
		v.State = reconciliation.CaseOpen
	}
	for _, name := range c.m.StatementAccounts() {
		a, err := c.reconAccount(ctx, name)
		if err != nil {
			return nil, err
		}
		v.Accounts = append(v.Accounts, a)
	}
	page, err := c.m.Recon.Inbox(ctx, v.State, asked.Get("cursor"))
	if err != nil {
		return nil, err
	}
	now := c.m.Writer.Now()
	for _, found := range page.Items {
		row := caseRow{Case: found, Days: int(now.Sub(found.Opened) / (24 * time.Hour))}
		c.caseButtons(ctx, &row)
		v.Rows, v.Ages = append(v.Rows, row), aged(v.Ages, row)
	}
	v.First, v.Next = turn(reconPage, "state", string(v.State), asked.Get("cursor"), page.Next)
	return v, nil
}

// aged counts one more difference.
func aged(ages []ageRow, row caseRow) []ageRow {
	at := slices.IndexFunc(ages, func(a ageRow) bool { return a.Class == row.Class })
	if at < 0 {
		at, ages = len(ages), append(ages, ageRow{Class: row.Class})
	}
	old := 0
	for _, days := range []int{1, 3, 7} {
		if row.Days >= days {
			old++
		}
	}
	ages[at].Ages[old]++
	ages[at].Sum++
	return ages
}

// The chart's measures: a bar, the gap after it, and the height of a whole day.
const barWide, barGap, barTall, barsShown = 14, 4, 60, 30

// reconAccount reads an account's last runs.
func (c console) reconAccount(ctx context.Context, name string) (reconAccount, error) {
	a := reconAccount{Name: name}
	page, err := c.m.Recon.Runs(ctx, name, "")
	if err != nil {
		return a, err
	}
	if err := c.uncompared(ctx, &a, page.Items); err != nil {
		return a, err
	}
	runs := page.Items[:min(len(page.Items), barsShown)]
	slices.Reverse(runs)
	for n, run := range runs {
		share := run.Share()
		tall := share * barTall / 10_000
		a.Bars = append(a.Bars, dayBar{
			Day: run.Day, X: n * (barWide + barGap), Y: barTall - tall, Tall: tall, Low: share < 10_000,
			Share: fmt.Sprintf("%d.%02d %%", share/100, share%100),
		})
	}
	for n, bar := range a.Bars {
		if bar.Low && (a.Worst == nil || bar.Tall < a.Worst.Tall) {
			a.Worst = &a.Bars[n]
		}
	}
	if len(runs) > 0 {
		a.Last = &runs[len(runs)-1]
	}
	a.Wide = max(len(runs), 1) * (barWide + barGap)
	a.Missed = c.m.Writer.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	if name == c.m.Sandbox.Info().Institution && c.may(ctx, reconMoves["fetch-day"].action, platform.Ref{}) {
		b := press(reconPage+"/"+url.PathEscape(name), "fetch-day")
		b.Hidden = map[string]string{"day": a.Missed}
		a.Fetch = []button{b}
	}
	return a, nil
}

// uncompared finds which of the account's last statements have no run. Only one that
// is not among the last runs is looked for by itself.
func (c console) uncompared(ctx context.Context, a *reconAccount, last []reconciliation.Run) error {
	page, err := c.m.Recon.Statements(ctx, a.Name, "")
	if err != nil {
		return err
	}
	for _, st := range page.Items {
		if slices.ContainsFunc(last, func(run reconciliation.Run) bool { return run.Statement == st.ID }) {
			continue
		}
		_, err := c.m.Recon.Run(ctx, st.ID.As("rec"))
		if err == nil {
			continue
		}
		if !errors.Is(err, platform.ErrNotFound) {
			return err
		}
		row := waitingDay{Statement: st}
		if c.may(ctx, reconMoves["compare-day"].action, st.Ref()) {
			row.Buttons = []button{press(reconPage+"/"+url.PathEscape(string(st.ID)), "compare-day")}
		}
		a.Waits = append(a.Waits, row)
	}
	return nil
}

// caseButtons are the moves on a difference.
func (c console) caseButtons(ctx context.Context, row *caseRow) {
	actor, _ := platform.ActorOf(ctx) // without one, may says no
	add := func(verb string, reasons ...string) {
		if c.may(ctx, reconMoves[verb].action, row.Ref()) {
			row.Buttons = append(row.Buttons, press(reconPage+"/"+url.PathEscape(string(row.ID)), verb, reasons...))
		}
	}
	named := len(row.Proposal.Against) > 0
	switch row.State {
	case reconciliation.CaseOpen:
		if actor.ID != row.Owner {
			add("take-up")
		}
		if named {
			add("settle")
		}
		if row.Proposal.What != "suspense.opened" {
			add("suspend")
		}
	case reconciliation.CaseProposed:
		if actor.ID != row.Resolver {
			add("countersign")
			add("send-back", sentBack...)
		}
	}
	into := row.State == reconciliation.CaseSuspended || row.State == reconciliation.CaseOpen && !named
	if into && c.may(ctx, reconMoves["settle-into"].action, row.Ref()) {
		b := press(reconPage+"/"+url.PathEscape(string(row.ID)), "settle-into")
		row.Into = &b
	}
}

// fetchDay asks the institution for a day, and compares it.
func (c console) fetchDay(ctx context.Context, id platform.ID, form url.Values) error {
	st, err := c.m.Recon.Fetch(ctx, reconciliation.Fetch{Institution: string(id), Day: form.Get("day")})
	if errors.Is(err, reconciliation.ErrDuplicate) {
		st, err = c.statement(ctx, string(id), form.Get("day"), err)
	}
	if err != nil {
		return err
	}
	_, err = c.m.Recon.Reconcile(platform.WithoutKey(ctx), reconciliation.Reconcile{Statement: st.ID})
	return err
}

func (c console) compareDay(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Recon.Reconcile(ctx, reconciliation.Reconcile{Statement: id})
	return err
}

// statement finds the statement of a day that is in already, among the last ones.
func (c console) statement(ctx context.Context, account, day string, otherwise error) (reconciliation.Statement, error) {
	page, err := c.m.Recon.Statements(ctx, account, "")
	for _, st := range page.Items {
		if st.Day == day {
			return st, err
		}
	}
	return reconciliation.Statement{}, errors.Join(otherwise, err)
}

func (c console) takeUp(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Recon.TakeCase(ctx, reconciliation.TakeCase{Case: id})
	return err
}

func (c console) settle(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Recon.ResolveCase(ctx, reconciliation.ResolveCase{Case: id})
	return err
}

// settleInto books the whole difference on one account.
func (c console) settleInto(ctx context.Context, id platform.ID, form url.Values) error {
	found, err := c.m.Recon.Case(ctx, id)
	if err != nil {
		return err
	}
	in := reconciliation.ResolveCase{Case: id, Against: []finance.Line{{Account: form.Get("account"), Amount: found.Differs.Neg()}}}
	if found.Suspended {
		in.What = "suspense.resolved"
	}
	_, err = c.m.Recon.ResolveCase(ctx, in)
	return err
}

// suspend puts the difference on the institution's suspense account.
func (c console) suspend(ctx context.Context, id platform.ID, _ url.Values) error {
	found, err := c.m.Recon.Case(ctx, id)
	if err != nil {
		return err
	}
	_, err = c.m.Recon.ResolveCase(ctx, reconciliation.ResolveCase{
		Case: id, What: "suspense.opened", Against: []finance.Line{{Account: "suspense:" + found.Institution, Amount: found.Differs.Neg()}},
	})
	return err
}

func (c console) countersign(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Recon.ApproveCase(ctx, reconciliation.ApproveCase{Case: id})
	return err
}

func (c console) sendBack(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Recon.RejectCase(ctx, reconciliation.RejectCase{Case: id, Reason: form.Get("reason")})
	return err
}
