package dispatch

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// stranger is an operator of another tenant.
var stranger = platform.As(context.Background(), platform.Actor{ID: "opr_desk", Kind: platform.Operator, Tenant: "other"})

func TestAnotherTenantFindsAndMovesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	member := w.member(&station)
	asked, lonely := w.order(), w.order(func(e *errand) { e.Need = []string{"massage"} })
	a := w.offers(asked)[0]
	self := platform.As(context.Background(), platform.Actor{ID: member, Kind: platform.Staff, Tenant: "other"})

	for name, call := range map[string]func() error{
		"dispatch, somebody there": func() error { _, err := w.DispatchOrder(stranger, DispatchOrder{Order: asked}); return err },
		"dispatch, nobody there":   func() error { _, err := w.DispatchOrder(stranger, DispatchOrder{Order: lonely}); return err },
		"batch":                    func() error { _, err := w.Dispatch(stranger, Dispatch{Orders: []platform.ID{lonely}}); return err },
		"offer":                    func() error { _, err := w.Offer(stranger, Offer{Order: lonely, Seat: 1, Member: member}); return err },
		"accept":                   func() error { _, err := w.Accept(self, Accept{Assignment: a.ID}); return err },
		"withdraw":                 func() error { _, err := w.Withdraw(stranger, Withdraw{Assignment: a.ID, Reason: "x"}); return err },
		"read":                     func() error { _, err := w.Assignment(stranger, a.ID); return err },
		"list":                     func() error { _, err := w.Assignments(stranger, Find{}); return err },
		"list as member":           func() error { _, err := w.Assignments(self, Find{Member: member}); return err },
		"ping":                     func() error { _, err := w.Ping(self, Ping{Member: member, Lat: 1, Lon: 1}); return err },
	} {
		require.ErrorIs(t, call(), platform.ErrNotFound, name)
	}

	assert.Empty(t, w.events("dispatch.searched"), "no search begins for a stranger")
	assert.Len(t, w.all(asked), 1)
	assert.Equal(t, &station, w.positions.Of(member, w.now()))
}

// locked is a guard that keeps everybody but the platform itself from offering.
type locked struct{}

func (locked) Permit(_ context.Context, act platform.Act) ([]platform.Change, error) {
	if act.Actor.Kind == platform.Operator && act.Action == "dispatch.offer" {
		return nil, fmt.Errorf("locked: %w", ErrDenied)
	}
	return nil, nil
}

// Whoever may not offer causes no search either, though the platform itself
// would note that nobody was found.
func TestWhoMayNotOfferDispatchesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	order := w.order()
	w.w.Guard = locked{}
	w.Service = New(w.w, w.store, w.ports, nil)

	_, err := w.DispatchOrder(w.ctx, DispatchOrder{Order: order})

	require.ErrorIs(t, err, platform.ErrDenied)
	assert.Empty(t, w.events("dispatch.searched"))
	all, err := w.Dispatch(w.ctx, Dispatch{Orders: []platform.ID{order}})
	require.NoError(t, err)
	assert.Equal(t, "dispatch.actor_not_allowed", all[0].Code)
}
