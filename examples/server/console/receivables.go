package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/receivable"
	"github.com/shopspring/decimal"
)

const (
	receivablesPage = "/console/receivables"
	receivablePage  = "/console/receivables/"
	debtorPage      = "/console/debtors/"
)

// receivableMoves are what operators do about one claim.
var receivableMoves = map[string]move{
	"promise-payment":   {action: "receivable.makePromise", back: receivablePage, do: console.promise},
	"resolve-dispute":   {action: "receivable.resolve", back: receivablePage, do: console.resolveDispute},
	"assess-loss":       {action: "receivable.assess", back: receivablePage, do: console.assess},
	"finish-task":       {action: "receivable.finishTask", back: receivablePage, do: console.finishTask},
	"propose-write-off": {action: "receivable.proposeWriteOff", back: receivablePage, do: console.proposeWriteOff},
	"approve-write-off": {action: "receivable.approveWriteOff", back: receivablePage, do: console.approveWriteOff},
	"reject-write-off":  {action: "receivable.rejectWriteOff", back: receivablePage, do: console.rejectWriteOff},
}

// debtorMoves are what operators do about all claims on a party.
var debtorMoves = map[string]move{
	"run-dunning": {action: "receivable.dun", back: debtorPage, do: console.dun},
}

var (
	disputeEnds    = []string{"checked", "other"}
	lossReasons    = []string{"insolvent", "uncollectable", "other"}
	writeOffRefuse = []string{"not_justified", "other"}
)

// strip is what is open, by how long it is overdue.
type strip struct {
	receivable.Aged
	Bar stack
}

// stacked is a bar whose whole width stands for an amount.
func stacked(a receivable.Aged, whole platform.Money) strip {
	parts := make([]slice, len(a.Buckets))
	for n, m := range a.Buckets {
		parts[n] = slice{Name: strconv.Itoa(n), Amount: m}
	}
	return strip{a, stackOf("bucket", whole.Minor(), parts...)}
}

// claimRow is a claim with its day, in the zone in which it is meant.
type claimRow struct {
	receivable.Item
	Day string
}

func (c console) owed(items []receivable.Item) []claimRow {
	rows := make([]claimRow, len(items))
	for n, i := range items {
		rows[n] = claimRow{i, c.day(i.Due)}
	}
	return rows
}

// day is the date of a moment, in the zone of the terms.
func (c console) day(at time.Time) string {
	return at.In(c.m.Receivables.Terms().Zone).Format(time.DateOnly)
}

type receivablesView struct {
	receivable.Ageing
	Sums     []strip // one for each currency
	Rows     []strip // who owes most, each as wide as its share of the first
	Proposed []claimRow
	Tasks    []claimRow
	Cut      bool
}

// receivables reads what is open, by how long it is overdue, and what waits for a
// person.
func (c console) receivables(r *http.Request) (any, error) {
	ageing, err := c.m.Receivables.Ageing(r.Context())
	if err != nil {
		return nil, err
	}
	v := receivablesView{Ageing: ageing}
	widest := map[string]platform.Money{}
	for _, a := range ageing.Totals {
		v.Sums = append(v.Sums, stacked(a, a.Open))
	}
	for _, a := range ageing.Debtors { // they come with the largest first
		if _, known := widest[a.Currency]; !known {
			widest[a.Currency] = a.Open
		}
		v.Rows = append(v.Rows, stacked(a, widest[a.Currency]))
	}
	proposed, err := c.m.Receivables.Proposed(r.Context(), "")
	if err != nil {
		return nil, err
	}
	tasks, err := c.m.Receivables.Tasks(r.Context(), "")
	v.Proposed, v.Tasks, v.Cut = c.owed(proposed.Items), c.owed(tasks.Items), proposed.Next != "" || tasks.Next != ""
	return v, err
}

// letter is a letter as its debtor reads it.
type letter struct {
	receivable.Letter
	Text string
}

type debtorView struct {
	receivable.Debtor
	Claims  []claimRow
	Letters []letter
	First   string
	Next    string
	Run     []button
}

// debtor reads the claims on a party, and its letters.
func (c console) debtor(r *http.Request) (any, error) {
	party, cursor := platform.ID(r.PathValue("id")), r.URL.Query().Get("cursor")
	d, err := c.m.Receivables.Debtor(r.Context(), party)
	if err != nil {
		return nil, err
	}
	claims, err := c.m.Receivables.Items(r.Context(), party, cursor)
	if err != nil {
		return nil, err
	}
	letters, err := c.m.Receivables.Letters(r.Context(), party, "")
	if err != nil {
		return nil, err
	}
	v := debtorView{Debtor: d, Claims: c.owed(claims.Items)}
	for _, l := range letters.Items[:min(len(letters.Items), 10)] {
		texts, err := l.Texts(c.m.Receivables.Terms().Zone)
		if err != nil {
			return nil, err
		}
		v.Letters = append(v.Letters, letter{l, texts[edge.Language(r.Context())]})
	}
	action := debtorPage + url.PathEscape(string(party))
	v.First, v.Next = turn(action, "state", "", cursor, claims.Next)
	now := c.m.Writer.Now()
	due := slices.ContainsFunc(claims.Items, func(i receivable.Item) bool { return !i.Next.IsZero() && !i.Next.After(now) })
	if due && c.may(r.Context(), "receivable.dun", d.Ref()) {
		v.Run = []button{press(action, "run-dunning")}
	}
	return v, nil
}

// part is one of a promise.
type part struct {
	Day    string
	Amount platform.Money
	Kept   bool
}

type receivableView struct {
	claimRow
	Name     string // of its level
	Parts    []part // of its promise
	Accrued  platform.Money
	Buttons  []button
	Pledge   *button // with a day to choose
	Assess   *button // with a share to choose
	Timeline []happening
	Cut      bool
}

// receivable reads one claim, with its history.
func (c console) receivable(r *http.Request) (any, error) {
	i, err := c.m.Receivables.Item(r.Context(), platform.ID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	terms := c.m.Receivables.Terms()
	v := receivableView{claimRow: claimRow{i, c.day(i.Due)}, Accrued: i.Accrued(c.m.Writer.Now(), terms)}
	if i.Level > 0 {
		v.Name = terms.Ladder[i.Level-1].Name
	}
	if i.Promise != nil {
		for n, p := range i.Promise.Parts {
			v.Parts = append(v.Parts, part{c.day(p.On), p.Amount, n < i.Promise.Kept})
		}
	}
	events, more, err := gather(func(cursor string) (platform.Page[platform.Event], error) {
		return platform.List[platform.Event](r.Context(), c.m.DB, platform.Query{Kind: "event", By: []string{"subject", "id"}, Equal: []any{i.Ref()}, Cursor: cursor})
	})
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		v.Timeline = append(v.Timeline, happened(e))
	}
	v.Cut = more
	v.moves(r.Context(), c)
	return v, nil
}

// moves finds what the actor may do about the claim now.
func (v *receivableView) moves(ctx context.Context, c console) {
	actor, _ := platform.ActorOf(ctx) // without one, may says no
	action := receivablePage + url.PathEscape(string(v.ID))
	open := v.Moves(actor.Kind)
	may := func(verb, move string) bool {
		return slices.Contains(open, verb) && c.may(ctx, receivableMoves[move].action, v.Ref())
	}
	add := func(b button, hidden map[string]string) {
		b.Hidden = hidden
		v.Buttons = append(v.Buttons, b)
	}
	if may("promise", "promise-payment") && v.Claimed().Sign() > 0 {
		b := press(action, "promise-payment")
		b.Hidden = map[string]string{"amount": v.Claimed().Decimal().String(), "currency": v.Claimed().Currency().String()}
		v.Pledge = &b
	}
	if may("assess", "assess-loss") {
		b := press(action, "assess-loss", lossReasons...)
		v.Assess = &b
	}
	if may("resolve", "resolve-dispute") && v.Disputed.Sign() > 0 {
		add(press(action, "resolve-dispute", disputeEnds...), nil)
	}
	for _, t := range v.Tasks {
		if t.Done.IsZero() && may("finish", "finish-task") {
			add(press(action, "finish-task"), map[string]string{"task": t.Code})
		}
	}
	switch {
	case v.Proposal == nil && may("propose", "propose-write-off"):
		add(press(action, "propose-write-off", lossReasons...), nil)
	case v.Proposal != nil && v.Proposal.By != actor.ID && v.Proposal.For != actor.For():
		if may("write_off", "approve-write-off") {
			add(press(action, "approve-write-off"), nil)
		}
		if may("reject", "reject-write-off") {
			add(press(action, "reject-write-off", writeOffRefuse...), nil)
		}
	}
}

func (c console) promise(ctx context.Context, id platform.ID, form url.Values) error {
	on, err := time.Parse(time.DateOnly, form.Get("on"))
	amount, unread := platform.ParseMoney(form.Get("amount"), form.Get("currency"))
	if err != nil || unread != nil {
		return fmt.Errorf("promise on %s: %w", id, errForm)
	}
	_, err = c.m.Receivables.MakePromise(ctx, receivable.MakePromise{Item: id, Parts: []receivable.Instalment{{On: on, Amount: amount}}})
	return err
}

func (c console) resolveDispute(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Receivables.Resolve(ctx, receivable.Resolve{Item: id, Reason: form.Get("reason")})
	return err
}

func (c console) assess(ctx context.Context, id platform.ID, form url.Values) error {
	percent, err := decimal.NewFromString(form.Get("percent"))
	if err != nil {
		return fmt.Errorf("assess %s: %w", id, errForm)
	}
	_, err = c.m.Receivables.Assess(ctx, receivable.Assess{Item: id, Rate: percent.Shift(-2), Reason: form.Get("reason")})
	return err
}

func (c console) finishTask(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Receivables.FinishTask(ctx, receivable.FinishTask{Item: id, Task: form.Get("task")})
	return err
}

func (c console) proposeWriteOff(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Receivables.ProposeWriteOff(ctx, receivable.ProposeWriteOff{Item: id, Reason: form.Get("reason")})
	return err
}

func (c console) approveWriteOff(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Receivables.ApproveWriteOff(ctx, receivable.ApproveWriteOff{Item: id})
	return err
}

func (c console) rejectWriteOff(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Receivables.RejectWriteOff(ctx, receivable.RejectWriteOff{Item: id, Reason: form.Get("reason")})
	return err
}

func (c console) dun(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Receivables.Dun(ctx, receivable.Dun{Debtor: id})
	return err
}
