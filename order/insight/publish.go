package insight

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// lot is how many events are folded in one commit.
const lot = 200

// news is an event with what it tells of an order.
type news struct {
	platform.Event
	told  told
	order platform.ID
}

// Publish folds events into the journeys of their orders, each once however
// often it comes. It is a sink of the log.
func (s *Service) Publish(ctx context.Context, events []platform.Event) error {
	var all []news
	for _, e := range events {
		if t, of := read(e); of != "" {
			all = append(all, news{e, t, of})
		}
	}
	if len(all) == 0 {
		return nil
	}
	if s.mark() == "" {
		if _, err := s.begin(ctx); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(all, lot) {
		err := s.publish(ctx, part)
		for tries := 1; errors.Is(err, platform.ErrConflict) && tries < 32; tries++ {
			err = s.publish(ctx, part) // another relay folded into a day of these
		}
		if err != nil {
			return fmt.Errorf("fold %d events: %w", len(part), err)
		}
	}
	return nil
}

// publish folds events in one commit: the journeys, whose inboxes name them, and
// the days that they correct.
func (s *Service) publish(ctx context.Context, all []news) error {
	var orders []platform.ID
	for _, e := range all {
		if !slices.Contains(orders, e.order) {
			orders = append(orders, e.order)
		}
	}
	was, _, err := s.store.Folded(ctx, orders, nil)
	if err != nil {
		return err
	}
	is := make(map[platform.ID]Journey, len(orders))
	for _, id := range orders {
		is[id] = s.begun(was[id], id)
	}
	for _, e := range all {
		is[e.order] = is[e.order].with(e.Event, e.told, s.terms)
	}
	var changes []platform.Change
	moved := map[string]int64{} // by day, how much its revision rises
	for _, id := range orders {
		before, after := s.begun(was[id], id), is[id]
		if len(after.Inbox) == len(before.Inbox) && was[id].Fold == s.mark() {
			continue
		}
		changes = append(changes, platform.Put(after))
		s.weigh(moved, before, -1)
		s.weigh(moved, after, 1)
	}
	if len(changes) == 0 {
		return nil
	}
	_, days, err := s.store.Folded(ctx, nil, slices.Sorted(maps.Keys(moved)))
	if err != nil {
		return err
	}
	for _, of := range slices.Sorted(maps.Keys(moved)) {
		d := days[of]
		if d.Fold != s.mark() {
			d = Day{Head: platform.Head{ID: dayID(of), Version: d.Version}, Fold: s.mark(), Day: of}
		}
		switch d.Events += moved[of]; {
		case d.Events > 0:
			changes = append(changes, platform.Put(d))
		case d.Version > 0: // its orders turned out to belong to other days
			changes = append(changes, platform.Remove(d))
		}
	}
	_, err = s.w.Store.Commit(ctx, platform.Set{Changes: changes})
	return err
}

// begun is a journey as it goes on; a new one when there is none, or when it was
// folded otherwise.
func (s *Service) begun(j Journey, order platform.ID) Journey {
	if j.Fold == s.mark() {
		return j
	}
	return Journey{Head: platform.Head{ID: journeyID(order), Version: j.Version}, Fold: s.mark(), Order: order}
}

// weigh adds a journey to the revisions of the days of its moments.
func (s *Service) weigh(days map[string]int64, j Journey, sign int64) {
	mine := map[string]bool{}
	for _, at := range j.moments() {
		if !at.IsZero() {
			mine[s.dayOf(at)] = true
		}
	}
	for of := range mine {
		days[of] += sign * int64(len(j.Inbox))
	}
}

func (s *Service) dayOf(at time.Time) string { return at.In(s.terms.Zone).Format(time.DateOnly) }

// Tick reads back a log that was there before this service followed it, at most
// limit events at a time, and tells how many. It goes on where it stopped, and
// begins anew when the terms of folding have changed. See [platform.Ticker].
func (s *Service) Tick(ctx context.Context, _ time.Time, limit int) (int, error) {
	if s.caught.Load() {
		return 0, nil
	}
	r, err := s.begin(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the log back: %w", err)
	}
	if r.Done {
		s.caught.Store(true)
		return 0, nil
	}
	n := 0
	for limit = platform.TickLimit(limit); n < limit && !r.Done; {
		page, err := s.store.Log(ctx, r.Cursor, min(limit-n, 500))
		if err == nil {
			err = s.Publish(ctx, page.Items)
		}
		if err != nil {
			return n, fmt.Errorf("read the log back: %w", err)
		}
		n, r.Cursor, r.Done = n+len(page.Items), page.Next, page.Next == ""
	}
	_, err = s.w.Store.Commit(ctx, platform.Set{Changes: []platform.Change{platform.Put(r)}})
	if errors.Is(err, platform.ErrConflict) { // another process reads it back as well
		err = nil
	}
	return n, err
}

// mark is by what the projections are folded now; nothing is when that is not
// known.
func (s *Service) mark() string {
	if fold := s.fold.Load(); fold != nil {
		return *fold
	}
	return ""
}

// look finds out by what the projections are folded, if it is by these terms.
func (s *Service) look(ctx context.Context) (Reading, error) {
	r, err := s.store.Reading(ctx)
	if err == nil && r.Terms == s.digest {
		fold := r.fold()
		s.fold.Store(&fold)
	}
	return r, err
}

// begin is the reading of the log by these terms; a new one, which folds all of
// it anew, when it was read by others before.
func (s *Service) begin(ctx context.Context) (Reading, error) {
	for tries := 1; ; tries++ {
		r, err := s.look(ctx)
		if err != nil || r.Terms == s.digest {
			return r, err
		}
		r = Reading{Head: r.Head, Terms: s.digest, Round: r.Round + 1}
		_, err = s.w.Store.Commit(ctx, platform.Set{Changes: []platform.Change{platform.Put(r)}})
		if err != nil && (tries == 32 || !errors.Is(err, platform.ErrConflict)) {
			return r, fmt.Errorf("begin to read the log: %w", err)
		}
	}
}
