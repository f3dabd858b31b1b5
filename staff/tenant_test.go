package staff

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func TestAnotherTenantFindsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.active(t, w.zone(t, "Asia/Shanghai").ID)
	stranger := platform.As(context.Background(), platform.Actor{ID: "opr_desk", Kind: platform.Operator, Tenant: "other"})
	self := platform.As(context.Background(), platform.Actor{ID: m.ID, Kind: platform.Staff, Tenant: "other"})

	for name, call := range map[string]func() error{
		"read":   func() error { _, err := w.Member(stranger, m.ID); return err },
		"itself": func() error { _, err := w.Member(self, m.ID); return err },
		"list":   func() error { _, err := w.Members(stranger, Find{}); return err },
		"reasons": func() error {
			_, err := w.Reasons(self, Ask{Member: m.ID, From: hour(2).From, Until: hour(2).Until})
			return err
		},
		"suspend": func() error { _, err := w.Suspend(stranger, Suspend{Member: m.ID, Reason: "x"}); return err },
		"retire":  func() error { _, err := w.RetireZone(stranger, RetireZone{Zone: m.Zone}); return err },
	} {
		require.ErrorIs(t, call(), platform.ErrNotFound, name)
	}
}

func TestMemberHasSoManyHoldsAtMost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.active(t, w.zone(t, "Asia/Shanghai").ID)
	for i := range most {
		_, err := w.PlaceHold(w.ctx, PlaceHold{Member: m.ID, Reason: fmt.Sprintf("case_%d", i)})
		require.NoError(t, err)
	}

	_, err := w.PlaceHold(w.ctx, PlaceHold{Member: m.ID, Reason: "one_more"})

	assert.Equal(t, "staff.too_many", platform.Code(err))
}
