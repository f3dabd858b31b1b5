package payment

import (
	"context"

	"github.com/liangding/platform"
)

// References are the institutions' own names of those of the attempts that have
// one. Other records are left out.
func (a Asks) References(ctx context.Context, subjects ...platform.Ref) (map[platform.Ref]string, error) {
	var attempts []platform.Ref
	for _, s := range subjects {
		if s.Kind == "payment.attempt" {
			attempts = append(attempts, s)
		}
	}
	found, err := a.Store.Found(ctx, attempts...)
	if err != nil {
		return nil, err
	}
	names := make(map[platform.Ref]string, len(found.Attempts))
	for _, made := range found.Attempts {
		if made.Reference != "" {
			names[made.Ref()] = made.Reference
		}
	}
	return names, nil
}
