package dispatch

import (
	"context"
	"time"

	"github.com/liangding/platform"
)

// Work whose time is over counts this long among equals.
const lookBack = 8 * time.Hour

// tally is what a member has to do, and had.
type tally struct {
	offers, load, had int
	asked             bool // in this round
}

// tally counts, once, what the members of a zone have to do, and had. It reads
// the zone's assignments from eight hours ago on: O(n) records.
func (r *round) tally(ctx context.Context, zone platform.ID) error {
	if zone == "" || r.zones[zone] {
		return nil
	}
	var all []Assignment
	for cursor := ""; ; {
		page, err := r.store.Assignments(ctx, Find{Zone: zone, Since: r.now.Add(-lookBack), Limit: 500, Cursor: cursor})
		if err != nil {
			return err
		}
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	for _, a := range all {
		t := r.tallies[a.Member]
		switch {
		case a.State == Offered:
			t.offers++
		case a.State.Holds() && r.now.Before(a.Until):
			t.load++
		default:
			t.had++
		}
		r.tallies[a.Member] = t
	}
	r.zones[zone] = true
	return nil
}
