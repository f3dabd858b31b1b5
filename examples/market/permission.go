package market

import (
	"context"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/security/access"
)

// Permits fails as a command of that action would be refused by the guard, and
// leaves nothing behind: whoever looks at what is possible tries nothing.
func (m *Market) Permits(ctx context.Context, act platform.Act) (err error) {
	if act.Actor, err = platform.ActorOf(ctx); err != nil {
		return err
	}
	switch guard := m.Writer.Guard.(type) {
	case nil:
		return nil
	case *access.Service:
		d, err := guard.Why(ctx, act)
		if err == nil && !d.Allowed {
			err = access.ErrDenied
		}
		return err
	default:
		_, err = guard.Permit(ctx, act)
		return err
	}
}

// Permissions tells, for each move that people can make on an order, whether who
// acts in ctx may now: by the order's own table and guards, which its commands
// obey, and by the guard that they pass first.
func (m *Market) Permissions(ctx context.Context, o order.Order) ([]order.Permission, error) {
	by, err := platform.ActorOf(ctx)
	if err != nil {
		return nil, err
	}
	all := o.Permissions(by, m.Writer.Now())
	for n, p := range all {
		if p.Refusal == nil {
			all[n].Refusal = m.Permits(ctx, platform.Act{Action: p.Command, On: o.Ref()})
		}
	}
	return all, nil
}
