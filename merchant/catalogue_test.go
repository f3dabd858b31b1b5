package merchant

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// relying is a command of another domain that commits what the ports demand.
type relying struct{}

func TestPinIsWhatTheCustomerSees(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	l := h.live(t, m, func(c *Content) { c.Title = "Windows <all> & frames" })
	other := h.live(t, m)

	all, checks, err := Catalogue{h.store}.Pin(as(customer), noon, l.ID, other.ID)
	require.NoError(t, err)
	require.Len(t, all, 2)
	terms := all[0]
	assert.Equal(t, `{"acceptance":"customer","cancel_policy":"standard","confirmation":"auto","listing":"`+string(l.ID)+
		`","merchant":"`+string(l.Merchant)+`","minutes":120,"need":["windows"],"price":{"amount":"180.00","currency":"CNY"},"proof":[],"revision":"`+
		string(l.Live)+`","seats":1,"title":"Windows <all> & frames","unit":"visit","zone":"`+string(zone)+`"}`, string(terms))
	assert.True(t, json.Valid(terms))
	assert.Contains(t, string(all[1]), other.ID, "in the order asked")
	assert.Equal(t, []platform.Change{platform.Unchanged(l), platform.Unchanged(other)}, checks)
}

func TestOnlyWhatIsLiveCanBePinned(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	c := Catalogue{h.store}
	draft := h.queued(t, m)
	l := h.live(t, m)
	_, _, err := c.Pin(as(customer), noon, l.ID, draft.Listing)
	require.ErrorIs(t, err, ErrNotLive)
	assert.Equal(t, "merchant.listing_not_live", platform.Code(err))
	assert.Equal(t, map[string]any{"listing": draft.Listing, "state": string(Unlisted)}, platform.Details(err))

	_, err = h.Pause(as(owner(m.ID)), Pause{Listing: l.ID})
	require.NoError(t, err)
	_, _, err = c.Pin(as(customer), noon, l.ID)
	require.ErrorIs(t, err, ErrNotLive)
	_, err = h.Resume(as(owner(m.ID)), Resume{Listing: l.ID})
	require.NoError(t, err)
	_, _, err = c.Pin(as(customer), noon, l.ID, platform.NewID("lst", noon, 1, 1))
	require.ErrorIs(t, err, platform.ErrNotFound)
}

func TestWhatWasPinnedMustStillHoldAtCommit(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(h *house, l Listing) error{
		"suspended": func(h *house, l Listing) error {
			_, err := h.Suspend(as(reviewer), Suspend{Merchant: l.Merchant, Reason: "case"})
			return err
		},
		"taken down": func(h *house, l Listing) error {
			_, err := h.TakeDown(as(reviewer), TakeDown{Listing: l.ID, Reason: "rule"})
			return err
		},
	} {
		h := opened(nil)
		l := h.live(t, h.active(t))
		tries := 0
		_, err := platform.Update(as(system), h.w, relying{}, func(ctx context.Context) (int, []platform.Change, error) {
			tries++
			_, checks, err := Catalogue{h.store}.Pin(ctx, noon, l.ID)
			if err != nil {
				return 0, nil, err
			}
			may, err := Standing{h.store}.May(ctx, l.Merchant, "sell", noon)
			if err != nil {
				return 0, nil, err
			}
			if tries == 1 {
				require.NoError(t, spoil(h, l), name) // between reading and committing
			}
			return 1, append(append(checks, may...), platform.Happened("order.placed", l.Ref(), nil)), nil
		})
		require.ErrorIs(t, err, platform.ErrState, name)
		assert.Equal(t, 2, tries, name)
	}
}

func TestStandingChecksTheMerchant(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	s := Standing{h.store}

	checks, err := s.May(as(customer), m.ID, "sell", noon)
	require.NoError(t, err)
	assert.Equal(t, []platform.Change{platform.Unchanged(m)}, checks)
	_, err = s.May(as(customer), m.ID, "advertise", noon)
	require.ErrorIs(t, err, platform.ErrState)
	_, err = s.May(as(customer), platform.NewID("mer", noon, 1, 1), "sell", noon)
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = h.Suspend(as(reviewer), Suspend{Merchant: m.ID, Reason: "case"})
	require.NoError(t, err)
	_, err = s.May(as(customer), m.ID, "sell", noon)
	require.ErrorIs(t, err, ErrNotActive)
}
