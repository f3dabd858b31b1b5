package console

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/order/dispute"
)

const disputesPage = "/console/disputes"

// disputeMoves are the moves of an arbiter.
var disputeMoves = map[string]move{
	"decide-dispute":  {action: "dispute.decide", back: disputesPage + "/", do: console.decideDispute},
	"endorse-dispute": {action: "dispute.endorse", back: disputesPage + "/", do: console.endorseDispute},
}

var rulingReasons = []string{"evidence", "no_evidence", "shared_fault", "other"}

// disputeTabs are the queue, what waits for the platform first. Those whose turn is
// the platform's or a bank's are chargebacks.
var disputeTabs = []dispute.State{
	dispute.Arbitration, dispute.Appealed, dispute.MerchantTurn, dispute.CustomerTurn, dispute.Decided, dispute.Settled, dispute.Executing,
	dispute.PlatformTurn, dispute.BankTurn, dispute.Closed, dispute.Withdrawn,
}

type disputesView struct {
	State dispute.State
	Tabs  []dispute.State
	Rows  []clockedDispute
	First string
	Next  string
}

// clockedDispute is a dispute with its clock.
type clockedDispute struct {
	dispute.Dispute
	Age  time.Duration // since it was opened
	Used int           // percent of the time of whose turn it is; over 100: late
}

// disputes reads a page of the queue, the oldest first.
func (c console) disputes(r *http.Request) (any, error) {
	asked := r.URL.Query()
	v := disputesView{State: dispute.State(asked.Get("state")), Tabs: disputeTabs}
	if !slices.Contains(v.Tabs, v.State) {
		v.State = v.Tabs[0]
	}
	page, err := c.m.Disputes.Disputes(r.Context(), dispute.Query{State: v.State, Cursor: asked.Get("cursor")})
	if err != nil {
		return nil, err
	}
	for _, d := range page.Items {
		v.Rows = append(v.Rows, clocked(d, c.m.Writer.Now()))
	}
	v.First, v.Next = turn(disputesPage, "state", string(v.State), asked.Get("cursor"), page.Next)
	return v, nil
}

// clocked is a dispute with how much of the time of whose turn it is has passed.
func clocked(d dispute.Dispute, now time.Time) clockedDispute {
	row := clockedDispute{Dispute: d}
	end := d.EndedAt
	if end.IsZero() {
		end = now
	}
	row.Age = end.Sub(d.OpenedAt)
	from := d.OpenedAt
	if n := len(d.Turns); n > 0 {
		from = d.Turns[n-1].At
	}
	if whole := d.Deadline.Sub(from); whole > 0 && !d.State.Ended() {
		row.Used = int(now.Sub(from) * 100 / whole)
	}
	return row
}

// Shown is the part of the clock that is drawn.
func (d clockedDispute) Shown() int { return max(0, min(d.Used, 100)) }

// Days and Hours are the age.
func (d clockedDispute) Days() int  { return int(d.Age / (24 * time.Hour)) }
func (d clockedDispute) Hours() int { return int(d.Age % (24 * time.Hour) / time.Hour) }

type disputeView struct {
	Dispute  clockedDispute
	Evidence map[platform.ID]dispute.Evidence
	Reveals  map[platform.ID]*revealForm
	Cut      bool
	Held     stack // what is refunded, released and gone to the bank, drawn
	Form     *decisionForm
	Buttons  []button
}

// decisionForm asks for a remedy, and shows its legs before they are sent.
type decisionForm struct {
	Refund, Compensation, Penalty, Fault, Bearer string // as they were typed
	Faults, Bearers                              []string
	Preview                                      *dispute.Preview
	Refusal                                      *edge.Problem
	Send                                         *button
}

// dispute reads one dispute, or a chargeback as one, with its turns and evidence.
func (c console) dispute(r *http.Request) (any, error) {
	ctx := r.Context()
	d, err := c.m.Disputes.Dispute(ctx, platform.ID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	v := disputeView{Dispute: clocked(d, c.m.Writer.Now()), Evidence: map[platform.ID]dispute.Evidence{}, Reveals: map[platform.ID]*revealForm{}}
	if rule := d.Ruling(); rule != nil {
		var parts []slice
		for _, l := range rule.Legs {
			if l.Kind == dispute.Refund || l.Kind == dispute.Release || l.Kind == dispute.Bank {
				parts = append(parts, slice{Name: string(l.Kind), Amount: l.Amount})
			}
		}
		v.Held = stackOf("disputeleg", d.Amount.Minor(), parts...)
	}
	if d.Kind != "service" {
		return v, nil
	}
	page, err := c.m.Disputes.Evidence(ctx, d.ID, "")
	if err != nil {
		return nil, err
	}
	v.Cut = page.Next != ""
	for _, e := range page.Items {
		v.Evidence[e.ID] = e
		v.Reveals[e.ID] = c.revealing(ctx, e.Ref(), map[string]platform.Sealed{"text": e.Text}, "text")
	}
	return v, c.arbitrates(r, &v)
}

// arbitrates adds what whoever looks may do as an arbiter.
func (c console) arbitrates(r *http.Request, v *disputeView) error {
	ctx, d := r.Context(), v.Dispute.Dispute
	at := disputesPage + "/" + url.PathEscape(string(d.ID))
	actor, err := platform.ActorOf(ctx)
	if err != nil {
		return err
	}
	waits := d.State == dispute.Arbitration || d.State == dispute.Appealed
	if !waits || slices.Contains(d.Hands, actor.ID) {
		return nil
	}
	if p := d.Proposed; p != nil && p.By != actor.ID && c.may(ctx, "dispute.endorse", d.Ref()) {
		b := press(at, "endorse-dispute")
		b.Hidden = map[string]string{"hash": p.Hash}
		v.Buttons = append(v.Buttons, b)
	}
	if c.may(ctx, "dispute.decide", d.Ref()) {
		v.Form = c.decisionForm(r, d, at)
	}
	return nil
}

func (c console) decisionForm(r *http.Request, d dispute.Dispute, at string) *decisionForm {
	ctx, asked := r.Context(), r.URL.Query()
	field := func(name string) string { return strings.TrimSpace(asked.Get(name)) }
	f := &decisionForm{
		Refund: field("refund"), Compensation: field("compensation"), Penalty: field("penalty"), Fault: field("fault"), Bearer: field("bearer"),
		Faults: []string{"merchant", "customer", "platform"}, Bearers: []string{"merchant", "platform"},
	}
	if f.Refund == "" {
		return f
	}
	in, err := remedy(d, asked)
	var p dispute.Preview
	if err == nil {
		p, err = c.m.Disputes.Preview(ctx, dispute.Decide{Dispute: d.ID, Remedy: in, Reason: rulingReasons[0]})
	}
	if err != nil {
		f.Refusal = edge.Explain(ctx, err)
		return f
	}
	b := press(at, "decide-dispute", rulingReasons...).seen(d.Version)
	maps.Copy(b.Hidden, map[string]string{"refund": f.Refund, "compensation": f.Compensation, "penalty": f.Penalty, "fault": f.Fault, "bearer": f.Bearer})
	f.Preview, f.Send = &p, &b
	return f
}

// remedy is what a form asks for, in the currency of the dispute.
func remedy(d dispute.Dispute, form url.Values) (in dispute.Remedy, err error) {
	in.Fault, in.Bearer = form.Get("fault"), form.Get("bearer")
	for name, into := range map[string]*platform.Money{"refund": &in.Refund, "compensation": &in.Compensation, "penalty": &in.Penalty} {
		text := strings.TrimSpace(form.Get(name))
		if text == "" {
			continue
		}
		if *into, err = platform.ParseMoney(text, d.Amount.Currency().String()); err != nil {
			return in, platform.Wrong(name, err)
		}
	}
	return in, nil
}

func (c console) decideDispute(ctx context.Context, id platform.ID, form url.Values) error {
	d, err := c.m.Disputes.Dispute(ctx, id)
	if err != nil {
		return err
	}
	in, err := remedy(d, form)
	if err != nil {
		return err
	}
	_, err = c.m.Disputes.Decide(ctx, dispute.Decide{Dispute: id, Remedy: in, Reason: form.Get("reason")})
	return err
}

func (c console) endorseDispute(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Disputes.Endorse(ctx, dispute.Endorse{Dispute: id, Hash: form.Get("hash")})
	return err
}

// evidencePage is where a piece of evidence stands.
func (c console) evidencePage(ctx context.Context, id platform.ID) string {
	e, err := platform.Read[dispute.Evidence](ctx, c.m.DB, "order.evidence", id)
	if err != nil {
		return disputesPage
	}
	return disputesPage + "/" + url.PathEscape(string(e.Dispute))
}
