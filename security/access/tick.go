package access

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// The commands of the clock.
type (
	expire struct {
		On platform.Ref `json:"on"`
	}
	remind struct {
		Break platform.ID `json:"break"`
	}
	conclude struct {
		Campaign platform.ID `json:"campaign"`
	}
)

// Subject is the grant or the emergency access.
func (in expire) Subject() platform.Ref { return in.On }

// Subject is the emergency access.
func (in remind) Subject() platform.Ref { return platform.Ref{Kind: kindBreak, ID: in.Break} }

// Subject is the campaign.
func (in conclude) Subject() platform.Ref { return platform.Ref{Kind: kindCampaign, ID: in.Campaign} }

// Tick implements [platform.Ticker]: it ends what is over, tells of emergency
// access that nobody reviewed in time (access.break_unreviewed), lets grants lapse
// that a review did not decide, opens the next review, and sums up refusals.
func (s *Service) Tick(ctx context.Context, now time.Time, limit int) (fired int, err error) {
	ctx = platform.WithoutKey(platform.As(ctx, platform.SystemActor("access")))
	for _, sweep := range []func() (int, error){
		func() (int, error) { return s.expire(ctx, now, limit) },
		func() (int, error) {
			return platform.Sweep(ctx, limit, due[Break](ctx, s, kindBreak, now, limit), func(b Break) error {
				var err error
				if b.State == Used {
					_, err = step[remind, Break](ctx, s, remind{b.ID}, "remind", "")
				} else {
					_, err = step[expire, Break](ctx, s, expire{b.Ref()}, "expire", "")
				}
				return err
			})
		},
		func() (int, error) {
			return platform.Sweep(ctx, limit, due[Campaign](ctx, s, kindCampaign, now, limit), func(c Campaign) error { return s.conclude(ctx, c.ID) })
		},
		func() (int, error) { return s.begin(ctx, now) },
		func() (int, error) { return s.sumUp(ctx, now) },
	} {
		n, failed := sweep()
		fired, err = fired+n, errors.Join(err, failed)
	}
	return fired, err
}

// expire ends the grants and proposals that are over.
func (s *Service) expire(ctx context.Context, now time.Time, limit int) (int, error) {
	return platform.Sweep(ctx, limit, due[Grant](ctx, s, kindGrant, now, limit), func(g Grant) error {
		_, err := step[expire, Grant](ctx, s, expire{g.Ref()}, "expire", "over")
		return err
	})
}

// due lists what is due, page by page.
func due[T any](ctx context.Context, s *Service, kind string, now time.Time, limit int) func(string) (platform.Page[T], error) {
	return func(cursor string) (platform.Page[T], error) {
		return platform.List[T](ctx, s.db, platform.Query{
			Kind: kind, By: []string{"due"}, Until: now.Add(time.Microsecond), Cursor: cursor, Limit: min(platform.TickLimit(limit), 500),
		})
	}
}

// begin opens a review once a grant was not reviewed for too long.
func (s *Service) begin(ctx context.Context, now time.Time) (int, error) {
	q := platform.Query{Kind: kindGrant, By: []string{"state", "reviewed"}, Equal: []any{Active}, Until: now.Add(-s.opts.Review), Limit: 1}
	old, err := platform.List[Grant](ctx, s.db, q)
	if err != nil || len(old.Items) == 0 {
		return 0, err
	}
	open, err := platform.List[Campaign](ctx, s.db, platform.Query{Kind: kindCampaign, By: []string{"state"}, Equal: []any{Open}, Limit: 1})
	if err != nil || len(open.Items) > 0 {
		return 0, err
	}
	switch _, err := s.Begin(ctx, Begin{}); {
	case err == nil:
		return 1, nil
	case errors.Is(err, platform.ErrConflict) || errors.Is(err, platform.ErrState): // somebody else was faster
		return 0, nil
	default:
		return 0, err
	}
}

// conclude closes a review that is due. Grants that nobody decided lapse with it.
func (s *Service) conclude(ctx context.Context, id platform.ID) error {
	_, err := platform.Update(ctx, s.w, conclude{id}, func(ctx context.Context) (Campaign, []platform.Change, error) {
		by, err := s.who(ctx, "unreviewed")
		if err != nil {
			return Campaign{}, nil, err
		}
		c, err := platform.Read[Campaign](ctx, s.db, kindCampaign, id)
		if err != nil {
			return Campaign{}, nil, err
		}
		if c, err = c.step("close", by); err != nil {
			return Campaign{}, nil, fmt.Errorf("close %s: %w", id, err)
		}
		var open []platform.ID
		for _, item := range c.Items {
			if item.Outcome == "" {
				open = append(open, item.Grant)
			}
		}
		grants, err := platform.ReadAll[Grant](ctx, s.db, kindGrant, open...)
		if err != nil {
			return Campaign{}, nil, err
		}
		var changes []platform.Change
		for _, g := range grants {
			outcome := "ended"
			if lapsed, err := g.step("lapse", by); err == nil {
				changes = append(changes, platform.Put(lapsed), lapsed.happened("lapse", by))
				outcome = "lapsed"
			}
			if c, err = c.decided(g.ID, outcome, by); err != nil {
				return Campaign{}, nil, err
			}
		}
		return c, append(changes, platform.Put(c), c.happened("close", by)), nil
	})
	return err
}
