package console

import (
	"context"
	"net/url"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

// splitsView are the shares of payments in a state.
type splitsView struct {
	Funds payment.FundsMode
	State payment.SharingState
	Tabs  []payment.SharingState
	Rows  []splitRow
	Next  string
}

type splitRow struct {
	payment.Sharing
	Kind    string // of words: out, back, again, end
	Parts   []splitPart
	Buttons []button
}

// splitPart is what one party gets, and how far that is.
type splitPart struct {
	payment.Portion
	Bar stack
}

// splitReasons are why an operator decides so about shares.
var splitReasons = []string{"checked", "other"}

// decisions are the console's names of what may be decided, in order.
var decisions = []struct {
	verb string
	is   payment.Decision
}{
	{"split-send", payment.DecideSend}, {"split-arrived", payment.DecideArrived}, {"split-refused", payment.DecideRefused},
	{"split-owed", payment.DecideOwed}, {"split-keep", payment.DecideKeep},
}

// splits reads a page of the shares in a state; those that wait for an operator,
// unless another is asked for.
func (c console) splits(ctx context.Context, state payment.SharingState, cursor string) (splitsView, error) {
	if state == "" {
		state = payment.SharingManual
	}
	v := splitsView{Funds: c.m.Payments.Funds(), State: state, Tabs: []payment.SharingState{
		payment.SharingManual, payment.SharingFrozen, payment.SharingPlanned, payment.SharingSent, payment.SharingUnknown, payment.SharingFailed,
		payment.SharingDone, payment.SharingOwed, payment.SharingDropped,
	}}
	found, err := c.m.Payments.Sharings(ctx, state, cursor)
	if err != nil {
		return splitsView{}, err
	}
	for _, h := range found.Items {
		v.Rows = append(v.Rows, splitRow{h, splitKind(h), splitParts(h), c.splitButtons(ctx, h)})
	}
	if found.Next != "" {
		v.Next = paymentsPage + "?" + url.Values{"splits": {string(state)}, "after": {found.Next}}.Encode() + "#splits"
	}
	return v, nil
}

// splitKind is in which word a sharing is what it is.
func splitKind(h payment.Sharing) string {
	switch {
	case h.Back != "":
		return "back"
	case h.Final:
		return "end"
	case h.Cause != (platform.Ref{}):
		return "again"
	}
	return "out"
}

// splitParts draws what is there of each share, what of it went back, and what has
// not arrived.
func splitParts(h payment.Sharing) (all []splitPart) {
	for _, p := range h.Portions {
		bar := stackOf("share", h.Amount.Minor(), slice{Name: "waits", Amount: p.Amount})
		if !p.Arrived.Absent() {
			bar = stackOf("share", h.Amount.Minor(), slice{Name: "there", Amount: left(p.Arrived, p.Back)}, slice{Name: "back", Amount: p.Back}, slice{Name: "waits", Amount: left(p.Amount, p.Arrived)})
		}
		all = append(all, splitPart{p, bar})
	}
	return all
}

// left is an amount without another of its currency, if there is one.
func left(of, gone platform.Money) platform.Money {
	if gone.Absent() {
		return of
	}
	rest, err := of.Sub(gone)
	if err != nil {
		return of
	}
	return rest
}

// splitButtons are what an operator may decide now.
func (c console) splitButtons(ctx context.Context, h payment.Sharing) (all []button) {
	for _, d := range decisions {
		if _, err := h.Decide(d.is, c.m.Writer.Now()); err == nil && c.may(ctx, paymentMoves[d.verb].action, h.Ref()) {
			all = append(all, press(paymentsPage+"/"+url.PathEscape(string(h.ID)), d.verb, splitReasons...))
		}
	}
	return all
}

// decide is the move of an operator who decides so about shares.
func decide(d payment.Decision) func(console, context.Context, platform.ID, url.Values) error {
	return func(c console, ctx context.Context, id platform.ID, form url.Values) error {
		_, err := c.m.Payments.DecideSplit(ctx, payment.DecideSplit{Split: id, Decision: d, Reason: form.Get("reason")})
		return err
	}
}
