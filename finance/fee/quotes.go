package fee

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Quotes prices orders by the schedule that is in force for their merchant. It is
// the port that the orders ask, and writes nothing.
type Quotes struct {
	Store Store
	Terms Terms
}

// Quote is the [Statement] of lines, each with its kind as Role and its total as
// Amount, as JSON; and the checks under which it holds, so that nothing is
// committed by a schedule that another has followed meanwhile. seen is what was
// pinned of each line's listing, of which category, zone (the city), channel and
// order_kind are read; nil for a line without one.
//
// It reads the merchant's binding and the course of its schedule: in one trip,
// and in two for a merchant that is bound to another than the standard one. It
// fails as [Schedule.Quote] does, and with fee.currency when the merchant's
// schedule has no version in the currency.
func (q Quotes) Quote(ctx context.Context, merchant platform.ID, at time.Time, lines []platform.Leg, seen []json.RawMessage) (json.RawMessage, []platform.Change, error) {
	f := Facts{Merchant: merchant, Lines: make([]Item, len(lines))}
	for i, l := range lines {
		f.Lines[i] = Item{Kind: l.Role, Amount: l.Amount}
		if i < len(seen) && seen[i] != nil {
			if err := f.see(i, seen[i]); err != nil {
				return nil, nil, err
			}
		}
	}
	var in platform.Currency
	if len(lines) > 0 {
		in = lines[0].Amount.Currency()
	}
	priced, err := q.of(ctx, merchant, in, at)
	if err != nil {
		return nil, nil, fmt.Errorf("quote %s: %w", merchant, err)
	}
	f.Tier, f.Volume = priced.binding.Tier, priced.volume // both kept for previews, whether or not a rule asks
	statement, err := priced.schedule.Quote(f)
	if err != nil {
		return nil, nil, err
	}
	doc, err := json.Marshal(statement)
	return doc, priced.checks, err
}

// see reads what a listing says about its line; the first line speaks for the
// order.
func (f *Facts) see(i int, seen json.RawMessage) error {
	var told struct {
		Category string `json:"category"`
		Zone     string `json:"zone"`
		Channel  string `json:"channel"`
		Kind     string `json:"order_kind"`
	}
	if err := json.Unmarshal(seen, &told); err != nil {
		return fmt.Errorf("line %d: %w", i+1, errUnread)
	}
	f.Lines[i].Category, f.Lines[i].City = told.Category, told.Zone
	if i == 0 {
		f.Channel, f.Kind = told.Channel, told.Kind
	}
	return nil
}

// priced is how a merchant's orders are priced at a moment.
type priced struct {
	binding  Binding
	coming   []Schedule
	schedule Schedule
	volume   platform.Money
	checks   []platform.Change
}

// of reads it, with checks on every record that it rests on. A merchant without
// binding, and a standard course that was never published, have none: a version
// starts only after its notice, so that none can be missed here. Until the schedule
// starts that a merchant is bound to, the standard one goes on.
func (q Quotes) of(ctx context.Context, merchant platform.ID, in platform.Currency, at time.Time) (p priced, err error) {
	terms := q.Terms.ready()
	standard, counter := CourseID(terms.Standard.Name, in), platform.Ref{}
	if terms.Volumes && in != platform.Currency(0) {
		counter = volume(merchant, month(at.In(terms.Zone), -1), in)
	}
	binding, courses, count, err := q.Store.Bound(ctx, merchant, counter, standard)
	if err != nil {
		return p, err
	}
	p.binding, p.schedule = binding, terms.Standard
	if counter.ID != "" {
		if p.volume, err = platform.FromMinor(count.Value, in); err != nil {
			return p, err
		}
	}
	if binding.Revision() > 0 {
		p.checks = append(p.checks, platform.Unchanged(binding))
	}
	if binding.Schedule != "" && binding.Schedule != terms.Standard.Name {
		_, named, _, err := q.Store.Bound(ctx, merchant, platform.Ref{}, CourseID(binding.Schedule, in))
		if err != nil {
			return p, err
		}
		if len(named) == 0 {
			return p, fmt.Errorf("schedule %s: %w", binding.Schedule, ErrCurrency)
		}
		if _, started := named[0].In(at); started {
			courses = named
		} else {
			p.coming = named[0].Coming(at)
		}
	}
	if len(courses) > 0 {
		p.checks = append(p.checks, platform.Unchanged(courses[0]))
		if s, found := courses[0].In(at); found {
			p.schedule = s
		}
		p.coming = append(courses[0].Coming(at), p.coming...)
	}
	return p, nil
}

// Sold is the change that counts a sale for its merchant's volume, in the sale's
// own set; none where volumes are not counted. What is refunded later does not
// move it.
func (q Quotes) Sold(_ context.Context, order platform.Ref, merchant platform.ID, amount platform.Money, at time.Time) ([]platform.Change, error) {
	if !q.Terms.Volumes || amount.Sign() <= 0 {
		return nil, nil
	}
	return []platform.Change{platform.Delta(volume(merchant, month(at.In(q.Terms.ready().Zone), 0), amount.Currency()), amount.Minor(), order)}, nil
}

// volume is the counter of what a merchant completed in a month.
func volume(merchant platform.ID, month string, in platform.Currency) platform.Ref {
	return platform.Counter("volume:"+string(merchant)+":"+month, in.String())
}

// month is the calendar month so many from that of a moment: "2026-02".
func month(at time.Time, from int) string {
	return time.Date(at.Year(), at.Month()+time.Month(from), 1, 0, 0, 0, 0, at.Location()).Format("2006-01")
}
