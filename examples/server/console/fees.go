package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/fee"
)

const feesPage = "/console/fees"

var feeMoves = map[string]move{
	"publish-fees": {action: "fee.publish", back: feesPage, do: console.publishFees},
	"discard-fees": {action: "fee.discard", back: feesPage, do: console.discardFees},
}

// discards are why a draft is given up.
var discards = []string{"mistake", "not_needed", "other"}

type feesView struct {
	Name  string // only these; empty for all
	Rows  []feeRow
	First string
	Next  string
	Draft bool   // whoever looks may draft
	Bind  *sheet // nil for those who may not
}

type feeRow struct {
	fee.Schedule
	Buttons []button
}

// fees reads a page of schedules, the newest first.
func (c console) fees(r *http.Request) (any, error) {
	asked := r.URL.Query()
	v := feesView{Name: strings.TrimSpace(asked.Get("name"))}
	page, err := c.m.Fees.Schedules(r.Context(), v.Name, asked.Get("cursor"))
	if err != nil {
		return nil, err
	}
	for _, s := range page.Items {
		v.Rows = append(v.Rows, feeRow{s, c.feeButtons(r.Context(), s)})
	}
	v.Draft, v.Bind = c.may(r.Context(), "fee.draft", platform.Ref{}), c.bindForm(r.Context())
	v.First, v.Next = turn(feesPage, "name", v.Name, asked.Get("cursor"), page.Next)
	return v, nil
}

// feeButtons are the schedule's open moves. Who drafted it sees no button to
// publish it.
func (c console) feeButtons(ctx context.Context, s fee.Schedule) (all []button) {
	actor, _ := platform.ActorOf(ctx) // without one, may says no
	open, action := s.Open(actor.Kind), feesPage+"/"+url.PathEscape(string(s.ID))
	if slices.Contains(open, "publish") && s.By != actor.ID && c.may(ctx, feeMoves["publish-fees"].action, s.Ref()) {
		all = append(all, press(action, "publish-fees"))
	}
	if slices.Contains(open, "discard") && c.may(ctx, feeMoves["discard-fees"].action, s.Ref()) {
		all = append(all, press(action, "discard-fees", discards...))
	}
	return all
}

type feeView struct {
	fee.Schedule
	Draft   bool // whoever looks may draft another from it
	Buttons []button
	Preview *fee.Preview // nil: nothing was sold in its currency
	Chart   swings
}

// fee reads one schedule, and what it would have meant to last month's orders.
func (c console) fee(r *http.Request) (any, error) {
	ctx, id := r.Context(), platform.ID(r.PathValue("id"))
	s, err := c.m.Fees.Schedule(ctx, id)
	if err != nil {
		return nil, err
	}
	v := feeView{Schedule: s, Draft: c.may(ctx, "fee.draft", platform.Ref{}), Buttons: c.feeButtons(ctx, s)}
	p, err := c.m.Fees.Preview(ctx, id)
	if err != nil {
		return nil, err
	}
	if p.Orders > 0 {
		v.Preview, v.Chart = &p, charted(p.Merchants)
	}
	return v, nil
}

// swings is bars to either side of a middle line, one a merchant.
type swings struct {
	Height, Bottom int // of all of it, and of its middle line
	Bars           []swing
}

// swing is one of them, in units of the drawing.
type swing struct {
	Y, Text, X, Width int
	More              bool // to the right: the merchant pays more
	Of                platform.ID
	Amount            platform.Money
}

// The drawing is 720 wide: names to the left of 150, bars from 150 to 570 around 360,
// amounts to the right.
const (
	swingMiddle, swingLongest, swingStep, mostSwings = 360, 210, 26, 12
)

// charted draws the largest differences.
func charted(all []fee.Difference) (c swings) {
	longest := int64(1)
	for _, d := range all {
		longest = max(longest, d.More.Minor(), -d.More.Minor())
	}
	for i, d := range all[:min(len(all), mostSwings)] {
		size := max(d.More.Minor(), -d.More.Minor())
		b := swing{Y: i*swingStep + 5, Text: i*swingStep + 18, X: swingMiddle, Of: d.Merchant, Amount: d.More, More: d.More.Sign() > 0}
		b.Width = int(float64(size) / float64(longest) * swingLongest)
		if !b.More {
			b.X -= b.Width
		}
		c.Bars = append(c.Bars, b)
	}
	c.Bottom = len(c.Bars) * swingStep
	c.Height = c.Bottom + 4
	return c
}

// applies is what a rule matches, in few words; nothing for everything.
func applies(m fee.Match) string {
	var all []string
	for _, list := range [][]string{m.Kinds, m.Categories, m.Cities, m.Tiers, m.Channels, m.Orders} {
		if len(list) > 0 {
			all = append(all, strings.Join(list, " | "))
		}
	}
	if !m.From.Absent() {
		all = append(all, "≥ "+money(m.From))
	}
	if !m.Below.Absent() {
		all = append(all, "< "+money(m.Below))
	}
	return strings.Join(all, " & ")
}

// costs is what a rule takes, in few words.
func costs(r fee.Rule) string {
	percent := func(t fee.Tier) string { return fmt.Sprintf("%s%% ≥ %s", t.Rate.Shift(2), money(t.From)) }
	text := r.Rate.Shift(2).String() + "%"
	if len(r.Tiers) > 0 {
		tiers := make([]string, len(r.Tiers))
		for i, t := range r.Tiers {
			tiers[i] = percent(t)
		}
		text = strings.Join(tiers, ", ")
	}
	if r.Fixed.Sign() > 0 {
		text += " + " + money(r.Fixed)
	}
	return text
}

func (c console) publishFees(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Fees.Publish(ctx, fee.Publish{Schedule: id})
	return err
}

func (c console) discardFees(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Fees.Discard(ctx, fee.Discard{Schedule: id, Reason: form.Get("reason")})
	return err
}
