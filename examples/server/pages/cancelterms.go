package pages

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

// term is what a customer's cancellation costs in one case, in words.
type term struct{ When, Fee string }

// terms are a policy as customers read it, before they order. Rows that differ in
// nothing but when it was paid, and cost the same, are one.
func terms(say func(string) string, p order.Policy) (all []term) {
	rows := slices.DeleteFunc(slices.Clone(p.Rows), func(r order.Row) bool { return !slices.Contains(r.Faults, order.CustomerFault) })
	for i := 0; i < len(rows); i++ {
		r := rows[i]
		if next := i + 1; next < len(rows) && rows[next].Start == r.Start && r.Start != (order.Span{}) && price(say, rows[next]) == price(say, r) {
			r.Paid, i = order.Span{}, next
		}
		all = append(all, term{occasion(say, r), price(say, r)})
	}
	return all
}

// occasion is when a row counts.
func occasion(say func(string) string, r order.Row) string {
	switch {
	case slices.Contains(r.States, order.AwaitingPayment):
		return say("cancel.before")
	case slices.Contains(r.States, order.InProgress):
		return say("cancel.begun")
	case len(r.Ways) == 1 && r.Ways[0] != "":
		return say("cancel." + string(r.Ways[0]))
	}
	var parts []string
	switch {
	case r.Start.Over > 0 && r.Start.UpTo > 0:
		parts = append(parts, fmt.Sprintf(say("cancel.between"), span(say, r.Start.Over), span(say, r.Start.UpTo)))
	case r.Start.Over > 0:
		parts = append(parts, fmt.Sprintf(say("cancel.over"), span(say, r.Start.Over)))
	case r.Start.UpTo > 0:
		parts = append(parts, fmt.Sprintf(say("cancel.under"), span(say, r.Start.UpTo)))
	}
	if r.Paid.UpTo > 0 {
		parts = append(parts, fmt.Sprintf(say("cancel.fresh"), span(say, r.Paid.UpTo)))
	}
	if r.Paid.Over > 0 {
		parts = append(parts, fmt.Sprintf(say("cancel.settled"), span(say, r.Paid.Over)))
	}
	return strings.Join(parts, say("cancel.and"))
}

// price is what a row costs.
func price(say func(string) string, r order.Row) string {
	if r.Rate.IsZero() && !r.ByShare && len(r.Min) == 0 {
		return say("cancel.free")
	}
	rate := r.Rate.Shift(2).String() + " %"
	if r.ByShare {
		rate = fmt.Sprintf(say("cancel.share"), rate)
	}
	return rate + bound(say("cancel.least"), r.Min) + bound(say("cancel.most"), r.Max)
}

// bound is the least or the most that a row costs, in each currency that has one.
func bound(word string, of []platform.Money) string {
	if len(of) == 0 {
		return ""
	}
	all := make([]string, len(of))
	for i, m := range of {
		all[i] = m.String()
	}
	return fmt.Sprintf(word, strings.Join(all, " / "))
}

// span is a duration in hours, or in minutes below one.
func span(say func(string) string, d time.Duration) string {
	if d < time.Hour {
		return fmt.Sprintf(say("span.minutes"), int(d/time.Minute))
	}
	return fmt.Sprintf(say("span.hours"), int(d/time.Hour))
}
