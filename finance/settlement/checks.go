package settlement

import (
	"context"
	"fmt"

	"github.com/liangding/platform"
)

// Checks are what the checklist of a month's close asks of this package: under
// payouts_known, a payout that was sent more than a day ago and of which nobody
// knows whether it arrived. What an institution has accepted is known.
func (s *Service) Checks(ctx context.Context, _ string) (map[string]string, error) {
	if _, err := s.actor(ctx, platform.Operator, platform.Auditor, platform.System); err != nil {
		return nil, fmt.Errorf("check payouts: %w", err)
	}
	problem, late := "", s.w.Now().Add(-patience)
	for _, state := range inFlight {
		page, err := platform.List[Payout](ctx, s.db, platform.Query{
			Kind: payoutKind, By: []string{"state", "planned"}, Equal: []any{state}, Limit: pageSize, // the oldest first
		})
		if err != nil {
			return nil, fmt.Errorf("check payouts: %w", err)
		}
		for _, p := range page.Items {
			if p.SentAt.Before(late) && (p.State == PayoutManual || !p.Accepted) {
				problem = string(p.ID)
			}
		}
	}
	return map[string]string{"payouts_known": problem}, nil
}
