package console

import (
	"context"
	"net/http"
	"net/url"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/payment"
)

const paymentsPage = "/console/payments"

var paymentMoves = map[string]move{
	"look":    {action: "payment.look", back: paymentsPage, do: console.look},
	"send":    {action: "payment.send", back: paymentsPage, do: console.send},
	"contest": {action: "payment.contest", back: paymentsPage, do: console.contest},
	"concede": {action: "payment.concede", back: paymentsPage, do: console.concede},

	"resolve-attempt": {action: "payment.resolve", back: paymentsPage, do: console.resolveAttempt},
	"return-arrived":  {action: "payment.settle", back: paymentsPage, do: settleReturn(true)},
	"return-never":    {action: "payment.settle", back: paymentsPage, do: settleReturn(false)},
	"file-notice":     {action: "payment.file", back: paymentsPage, do: console.fileNotice},

	"split-send":    {action: "payment.decideSplit", back: paymentsPage, do: decide(payment.DecideSend)},
	"split-keep":    {action: "payment.decideSplit", back: paymentsPage, do: decide(payment.DecideKeep)},
	"split-arrived": {action: "payment.decideSplit", back: paymentsPage, do: decide(payment.DecideArrived)},
	"split-refused": {action: "payment.decideSplit", back: paymentsPage, do: decide(payment.DecideRefused)},
	"split-owed":    {action: "payment.decideSplit", back: paymentsPage, do: decide(payment.DecideOwed)},
}

// What an operator found in the institution's own books, and why a notice that
// belongs to nothing leaves the queue.
var (
	foundReasons  = []string{"seen_at_institution", "statement", "other"}
	noticeReasons = []string{"not_ours", "test_notice", "seen_to", "other"}
)

type paymentsView struct {
	Channels []channelRow
	Queue    []taskRow
	First    string
	Next     string
	State    payment.ChargebackState
	Tabs     []payment.ChargebackState
	Disputes []disputeRow
	Further  string // of the disputes
	Splits   splitsView
}

type channelRow struct {
	payment.Channel
	Bars []tick
}

// tick is ten seconds of a channel's calls, drawn.
type tick struct {
	X, Y, Height           int
	FailedY, Failed        int // the part without an answer, on top
	All, Unknown, SlowOnes int
}

type taskRow struct {
	payment.Task
	Group   string // of the words of its state
	Resolve *sheet // a form that names what was taken
	Buttons []button
}

type disputeRow struct {
	payment.Chargeback
	Contest *button // with a text
	Buttons []button
}

// payments reads how the institutions are doing, what waits for operators, and the
// chargebacks in a state.
func (c console) payments(r *http.Request) (any, error) {
	ctx, asked := r.Context(), r.URL.Query()
	v := paymentsView{State: payment.ChargebackState(asked.Get("state")), Tabs: []payment.ChargebackState{
		payment.ChargebackNeedsResponse, payment.ChargebackManual, payment.ChargebackAnswering, payment.ChargebackUnderReview,
		payment.ChargebackWon, payment.ChargebackLost, payment.ChargebackPartlyLost,
	}}
	if v.State == "" {
		v.State = payment.ChargebackNeedsResponse
	}
	channels, err := c.m.Payments.Channels(ctx)
	if err != nil {
		return nil, err
	}
	for _, ch := range channels {
		v.Channels = append(v.Channels, channelRow{ch, ticks(ch.Recent)})
	}
	queue, err := c.m.Payments.Queue(ctx, asked.Get("cursor"))
	if err != nil {
		return nil, err
	}
	for _, t := range queue.Items {
		v.Queue = append(v.Queue, c.taskRow(ctx, t))
	}
	v.First, v.Next = turn(paymentsPage, "", "", asked.Get("cursor"), queue.Next)
	disputes, err := c.m.Payments.Chargebacks(ctx, v.State, asked.Get("from"))
	if err != nil {
		return nil, err
	}
	for _, d := range disputes.Items {
		v.Disputes = append(v.Disputes, c.disputeRow(ctx, d))
	}
	if disputes.Next != "" {
		v.Further = paymentsPage + "?" + url.Values{"state": {string(v.State)}, "from": {disputes.Next}}.Encode()
	}
	v.Splits, err = c.splits(ctx, payment.SharingState(asked.Get("splits")), asked.Get("after"))
	return v, err
}

// groups are where the words of a task's state are.
var groups = map[string]string{
	"payment.attempt": "attempt", "payment.return": "return", "payment.split": "split", "payment.chargeback": "chargeback", "payment.notice": "notice",
}

// The drawing of a channel's last five minutes.
const (
	tickStep = 8
	tickRoom = 40
)

// ticks are the calls of a channel as high as the most of ten seconds lets them be.
func ticks(recent []payment.Calls) []tick {
	most := 1
	for _, c := range recent {
		most = max(most, c.All)
	}
	all := make([]tick, len(recent))
	for n, c := range recent {
		height, failed := c.All*tickRoom/most, c.Unknown*tickRoom/most
		all[n] = tick{
			X: n * tickStep, Y: tickRoom - height, Height: height, FailedY: tickRoom - height, Failed: failed,
			All: c.All, Unknown: c.Unknown, SlowOnes: c.Slow,
		}
	}
	return all
}

// taskRow is what waits, with the moves on it.
func (c console) taskRow(ctx context.Context, t payment.Task) taskRow {
	row, page := taskRow{Task: t, Group: groups[t.About.Kind]}, paymentsPage+"/"+url.PathEscape(string(t.About.ID))
	offer := func(verb string, reasons ...string) {
		if c.may(ctx, paymentMoves[verb].action, t.About) {
			row.Buttons = append(row.Buttons, press(page, verb, reasons...))
		}
	}
	switch t.About.Kind {
	case "payment.attempt":
		if t.State == string(payment.AttemptCaptured) { // its order is what has to go on
			break
		}
		offer("look")
		if c.may(ctx, "payment.resolve", t.About) && !t.Amount.Absent() {
			b := press(page, "resolve-attempt")
			b.Hidden = map[string]string{"currency": t.Amount.Currency().String()}
			row.Resolve = sheetOf(ctx, b, of(
				field{Name: "taken", Label: "payments.taken", Hint: "0", Most: 24}, because(edge.Language(ctx), foundReasons...),
			))
		}
	case "payment.return":
		offer("send")
		if t.State == string(payment.ReturnManual) {
			offer("return-arrived", foundReasons...)
			offer("return-never", foundReasons...)
		}
	case "payment.notice":
		offer("file-notice", noticeReasons...)
	}
	return row
}

// resolveAttempt tells what the institution took: nothing typed is nothing taken.
func (c console) resolveAttempt(ctx context.Context, id platform.ID, form url.Values) error {
	e := entry{form: form}
	in := payment.Resolve{Attempt: id, Taken: e.money("taken", e.currency("currency")), Reason: e.text("reason")}
	if err := e.flawed(in); err != nil {
		return err
	}
	_, err := c.m.Payments.Resolve(ctx, in)
	return err
}

// settleReturn tells that a return is with the payer, or that nothing of it left.
func settleReturn(back bool) func(console, context.Context, platform.ID, url.Values) error {
	return func(c console, ctx context.Context, id platform.ID, form url.Values) error {
		_, err := c.m.Payments.Settle(ctx, payment.Settle{Return: id, Back: back, Reason: form.Get("reason")})
		return err
	}
}

func (c console) fileNotice(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Payments.File(ctx, payment.File{Notice: id, Reason: form.Get("reason")})
	return err
}

func (c console) disputeRow(ctx context.Context, d payment.Chargeback) disputeRow {
	row := disputeRow{Chargeback: d}
	if d.State != payment.ChargebackNeedsResponse {
		return row
	}
	action := paymentsPage + "/" + url.PathEscape(string(d.ID))
	if c.may(ctx, paymentMoves["contest"].action, d.Ref()) {
		b := press(action, "contest")
		row.Contest = &b
	}
	if c.may(ctx, paymentMoves["concede"].action, d.Ref()) {
		row.Buttons = append(row.Buttons, press(action, "concede"))
	}
	return row
}

func (c console) look(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Payments.Look(ctx, payment.Look{Attempt: id})
	return err
}

func (c console) send(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Payments.Send(ctx, payment.Send{Return: id})
	return err
}

func (c console) contest(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Payments.Contest(ctx, payment.Contest{Chargeback: id, Text: form.Get("text")})
	return err
}

func (c console) concede(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Payments.Concede(ctx, payment.Concede{Chargeback: id})
	return err
}
