package payment

import (
	"context"
	"slices"

	"github.com/liangding/platform"
)

// References are the institutions' own names of those of the attempts and
// chargebacks that have one. Other records are left out.
func (a Asks) References(ctx context.Context, subjects ...platform.Ref) (map[platform.Ref]string, error) {
	named := slices.DeleteFunc(slices.Clone(subjects), func(s platform.Ref) bool { return s.Kind != "payment.attempt" && s.Kind != "payment.chargeback" })
	found, err := a.Store.Found(ctx, named...)
	if err != nil {
		return nil, err
	}
	names := make(map[platform.Ref]string, len(named))
	for _, made := range found.Attempts {
		if made.Reference != "" {
			names[made.Ref()] = made.Reference
		}
	}
	for _, c := range found.Chargebacks {
		names[c.Ref()] = c.Reference
	}
	return names, nil
}
