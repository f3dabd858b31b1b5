package receivable

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/liangding/platform"
)

// Checks are what the checklist of a month's close asks of this package: under
// allowance, the portfolios whose claims were not valued at the month's end. Tick
// does that soon after it. Operators, auditors and the system read it.
func (s *Service) Checks(ctx context.Context, month string) (map[string]string, error) {
	by, err := s.w.Actor(ctx)
	if err == nil && !slices.Contains([]platform.ActorKind{platform.Operator, platform.Auditor, platform.System}, by.Kind) {
		err = ErrDesk
	}
	if err != nil {
		return nil, fmt.Errorf("check %.7q: %w", month, err)
	}
	ends, err := s.terms.period(month, s.w.Now())
	if err != nil { // it is not over
		return map[string]string{"allowance": platform.Code(err)}, nil // which is the problem
	}
	portfolios := s.terms.all()
	var wrong []string
	for _, p := range portfolios {
		done, err := s.store.Allowances(ctx, allowanceOf(p, ends))
		if err != nil {
			return nil, fmt.Errorf("check %.7q: %w", month, err)
		}
		if len(done) == 0 {
			wrong = append(wrong, p)
		}
	}
	if idle, err := s.idle(ctx, portfolios); idle || err != nil { // there is nothing to value
		return map[string]string{"allowance": ""}, err
	}
	return map[string]string{"allowance": strings.Join(wrong, ", ")}, nil
}
