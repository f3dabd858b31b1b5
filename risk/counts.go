package risk

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/liangding/platform"
)

// Counts counts events of some types by the minute, each event once however
// often it is delivered. It is a sink for the log and a [Meter] of it, and may be
// used by several goroutines at once.
//
// A metric is the name of an event type, which is its count, or two with a
// slash, which is their ratio: "refund.requested/order.completed".
//
// At the first measurement it reads the log back, so a restart changes nothing.
// Every event must be published to it: several processes that share a relay each
// need one that gets all.
type Counts struct {
	log  platform.Getter
	keep time.Duration

	reading sync.Mutex // one reads the log back
	warmed  bool

	mu    sync.Mutex
	types map[string]minutes
	since time.Time // from when on every event is known, once warmed
}

// minutes are the ids of the events of each minute, by its first second.
type minutes map[int64]map[platform.ID]struct{}

// NewCounts counts what the indicators' metrics name, as far back as the
// longest of their windows, from the log of an engine.
func NewCounts(log platform.Getter, indicators ...Indicator) *Counts {
	c := &Counts{log: log, types: map[string]minutes{}}
	for _, i := range indicators {
		i = i.ready()
		c.keep = max(c.keep, i.Window)
		for what := range strings.SplitSeq(i.Metric, "/") {
			c.types[what] = minutes{}
		}
	}
	return c
}

// Publish counts the events whose type is measured. It never fails.
func (c *Counts) Publish(_ context.Context, events []platform.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fold(events)
	return nil
}

func (c *Counts) fold(events []platform.Event) {
	for _, e := range events {
		known, measured := c.types[e.Type]
		if !measured || e.At.Before(c.since) {
			continue
		}
		minute := e.At.Truncate(time.Minute).Unix()
		if known[minute] == nil {
			known[minute] = map[platform.ID]struct{}{}
		}
		known[minute][e.ID] = struct{}{}
	}
}

// Measure counts the minutes that begin in the span, from included and to not. It
// fails with [ErrUnmeasured] for a metric that is not counted and for a time too
// long ago, and as the log does when that cannot be read. What is older than the
// longest window before to is forgotten.
func (c *Counts) Measure(ctx context.Context, name string, from, to time.Time) (numerator, denominator int64, err error) {
	if err := c.warm(ctx, to); err != nil {
		return 0, 0, fmt.Errorf("measure %s: %w", name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(to.Add(-c.keep))
	over, under, ratio := strings.Cut(name, "/")
	numerator, counted := c.count(over, from, to)
	denominator = 1
	if ratio && counted {
		denominator, counted = c.count(under, from, to)
	}
	if !counted || from.Before(c.since) {
		return 0, 0, fmt.Errorf("measure %s from %s: %w", name, from.UTC().Format(time.RFC3339), ErrUnmeasured)
	}
	return numerator, denominator, nil
}

func (c *Counts) count(what string, from, to time.Time) (n int64, counted bool) {
	known, counted := c.types[what]
	first, last := from.Unix(), to.Unix()
	if from.Nanosecond() > 0 {
		first++
	}
	if to.Nanosecond() > 0 {
		last++
	}
	for minute, ids := range known {
		if first <= minute && minute < last {
			n += int64(len(ids))
		}
	}
	return n, counted
}

func (c *Counts) forget(before time.Time) {
	if !before.After(c.since) {
		return
	}
	c.since = before
	for _, known := range c.types {
		for minute := range known {
			if minute+60 <= before.Unix() {
				delete(known, minute)
			}
		}
	}
}

// warm reads the log back, once.
func (c *Counts) warm(ctx context.Context, now time.Time) error {
	c.reading.Lock()
	defer c.reading.Unlock()
	if c.warmed {
		return nil
	}
	from := now.Add(-c.keep)
	for what := range c.types {
		q := platform.Query{Kind: "event", By: []string{"type", "id"}, Equal: []any{what}, From: platform.NewID("evt", from, 0, 0), Limit: 500}
		for {
			page, err := platform.List[platform.Event](ctx, c.log, q)
			if err != nil {
				return err
			}
			c.mu.Lock()
			c.fold(page.Items)
			c.mu.Unlock()
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since, c.warmed = from, true
	return nil
}
