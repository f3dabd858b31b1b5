package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/store"
)

// season is the trade that a new demo begins with: played before the server
// listens, on a clock that was put back.
type season struct {
	market.Clock
	until time.Time
}

// seasonOf puts the clock back for a demo of an empty store.
func seasonOf(ctx context.Context, c config, db store.Engine) (*season, error) {
	s := &season{}
	if !c.demo || c.weeks <= 0 {
		return s, nil
	}
	events, err := db.Scan(ctx, platform.Query{Kind: "event", Limit: 1})
	if err != nil || len(events.Items) > 0 {
		return s, err
	}
	s.until = s.Now()
	s.Set(s.until.AddDate(0, 0, -7*c.weeks))
	return s, nil
}

// deliver hands the sandbox's notices over: at once during the season, when
// nobody listens yet, and as an institution does afterwards.
func (s *season) deliver(m **market.Market, post func(context.Context, map[string][]string, []byte) error) func(context.Context, map[string][]string, []byte) error {
	return func(ctx context.Context, header map[string][]string, body []byte) error {
		if s.Stands() {
			return (*m).Payments.Receive(ctx, (*m).Sandbox.Info().Institution, header, body)
		}
		return post(ctx, header, body)
	}
}

// play plays the season, if there is one, and then it is now.
func (s *season) play(ctx context.Context, log *slog.Logger, m *market.Market, cast market.Cast) error {
	if !s.Stands() {
		return nil
	}
	log.InfoContext(ctx, "playing the weeks before the demo", "from", s.Now(), "until", s.until)
	defer s.Set(time.Time{})
	return m.Season(ctx, cast, &s.Clock, s.until)
}
