package market_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/security/verification"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
)

// prove publishes what couriers have to prove, and has one begin, so that there is
// a record of each kind and nobody else is asked.
func (c *town) prove() {
	c.t.Helper()
	s, staff := c.Verification, platform.Actor{ID: platform.NewID("stf", c.Writer.Now(), 1, 1), Kind: platform.Staff}
	give(c, c.operator, s.Publish, verification.Publish{
		Name: "courier", Party: platform.Staff, Effective: c.Writer.Now().Add(time.Hour), Open: true, Basis: "law", Owner: "ops",
		Requirements: []verification.Requirement{
			{Code: "courier.health", Kind: verification.Document, Phase: verification.AtApply, Gates: []string{"lead"}, Number: verification.Phone},
			{Code: "courier.deposit", Kind: verification.Deposit, Phase: verification.AtApply},
		},
	})
	draft := give(c, staff, s.Begin, verification.Begin{Party: staff.ID, Code: "courier.health"})
	give(c, staff, s.Submit, verification.Submit{Submission: draft.ID, Number: "13800138000", Files: []verification.File{{Hash: "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f", Size: 1, Type: "image/png"}}})
	give(c, c.operator, s.Waive, verification.Waive{Party: staff.ID, Code: "courier.deposit", Until: c.Writer.Now().AddDate(0, 1, 0), Reason: "pilot"})
}

// inOrder is an engine that remembers what it committed, in order. Decisions still
// race; only the commits come one after the other.
type inOrder struct {
	store.Engine
	mu   sync.Mutex
	seen []string
}

func (e *inOrder) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r, err := e.Engine.Commit(ctx, set)
	for _, c := range set.Changes {
		if event, ok := c.Value.(platform.Event); ok && err == nil && r.Answer == nil {
			e.seen = append(e.seen, event.Type)
		}
	}
	return r, err
}

// proving is a demo market in which merchants have to show a licence to sell, to
// list and to be paid, and the merchant has; with its submission.
func proving(t *testing.T, db store.Engine, now func() time.Time) (*market.Market, market.Cast, verification.Submission) {
	t.Helper()
	m, err := market.Open(db, &market.Options{Now: now})
	require.NoError(t, err)
	cast, err := m.Demo(t.Context())
	require.NoError(t, err)
	none := 0
	_, err = m.Verification.Publish(platform.As(t.Context(), cast.Operator), verification.Publish{
		Name: "merchant", Party: platform.Merchant, Effective: m.Writer.Now(), Transition: &none, Open: true, Basis: "law", Owner: "ops",
		Requirements: []verification.Requirement{{
			Code: "merchant.licence", Kind: verification.Qualification, Phase: verification.AtApply, Gates: []string{"sell", "list", "receive_payout"},
			Number: verification.CreditCode, Validity: verification.Validity{Days: 365},
		}},
	})
	require.NoError(t, err)
	owner, s := platform.As(t.Context(), cast.Merchant), m.Verification
	draft, err := s.Begin(owner, verification.Begin{Party: cast.Merchant.ID, Code: "merchant.licence"})
	require.NoError(t, err)
	c, err := s.Submit(owner, verification.Submit{Submission: draft.ID, Number: "91350100M000100Y43"})
	require.NoError(t, err)
	c, err = s.Verify(platform.As(t.Context(), cast.Operator), verification.Verify{Submission: c.ID})
	require.NoError(t, err)
	return m, cast, c
}

func placing(m *market.Market, cast market.Cast) error {
	ctx := platform.As(context.Background(), cast.Customer)
	_, err := m.Orders.Place(ctx, order.Place{
		Lines: []order.PlaceLine{{Listing: cast.Listing, Quantity: 1}}, Start: m.Writer.Now().Add(48 * time.Hour), TimeZone: "Asia/Shanghai", Total: cast.Price,
	})
	return err
}

// TestNoOrderIsPlacedOnADisabledCapability: customers order while the licence is
// revoked; whatever was decided before, nothing is placed after.
func TestNoOrderIsPlacedOnADisabledCapability(t *testing.T) {
	t.Parallel()
	for range 5 {
		db := &inOrder{Engine: memory.New(market.Kinds(), nil)}
		m, cast, c := proving(t, db, func() time.Time { return time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC) })
		var group sync.WaitGroup
		errs := make([][]error, 8)
		for i := range errs {
			group.Go(func() {
				for range 6 {
					errs[i] = append(errs[i], placing(m, cast))
				}
			})
		}
		group.Go(func() {
			_, err := m.Verification.Revoke(platform.As(context.Background(), cast.Second), verification.Revoke{Submission: c.ID, Reason: "forged", Evidence: "letter 12"})
			assert.NoError(t, err)
		})
		group.Wait()

		revoked := slices.Index(db.seen, "verification.revoked")
		require.GreaterOrEqual(t, revoked, 0)
		assert.NotContains(t, db.seen[revoked:], "order.placed")
		for _, err := range slices.Concat(errs...) {
			if err != nil {
				require.ErrorIs(t, err, verification.ErrRevoked, "each hears why")
			}
		}
		require.ErrorIs(t, placing(m, cast), verification.ErrRevoked)
	}
}

// TestM3ALicenceExpiresAtMidnightWhileOrdersRun: new orders are refused at that
// instant, tick or not; those that run go on.
func TestM3ALicenceExpiresAtMidnightWhileOrdersRun(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	m, cast, c := proving(t, memory.New(market.Kinds(), nil), clock)
	over := c.Until.Add(14 * 24 * time.Hour)
	set := func(at time.Time) { mu.Lock(); defer mu.Unlock(); now = at }

	set(over.Add(-time.Microsecond))
	running, err := m.Orders.Place(platform.As(t.Context(), cast.Customer), order.Place{
		Lines: []order.PlaceLine{{Listing: cast.Listing, Quantity: 1}}, Start: clock().Add(48 * time.Hour), TimeZone: "Asia/Shanghai", Total: cast.Price,
	})
	require.NoError(t, err, "in grace to the last microsecond")
	set(over)
	require.ErrorIs(t, placing(m, cast), verification.ErrPast)
	_, err = m.Orders.Cancel(platform.As(t.Context(), cast.Customer), order.Cancel{Order: running.ID, Reason: "changed_mind"})
	require.NoError(t, err, "what runs can go on")
	_, err = m.Merchants.NewDraft(platform.As(t.Context(), cast.Merchant), merchant.NewDraft{Listing: cast.Listing})
	require.ErrorIs(t, err, verification.ErrPast, "nor is anything listed")
	_, err = verification.Standings{DB: m.DB}.Held(t.Context(), cast.Merchant.ID, clock())
	require.ErrorIs(t, err, verification.ErrPast, "nor paid out")
}

// TestNApplicationsOfOneLicenceAreOne: M7, however the number is typed.
func TestNApplicationsOfOneLicenceAreOne(t *testing.T) {
	t.Parallel()
	m, err := market.Open(memory.New(market.Kinds(), nil), nil)
	require.NoError(t, err)
	ways := []string{"91350100M000100Y43", "91350100-M000100Y43", "91350100m000100y43", "９１３５０１００M000100Y43"}
	errs := make([]error, 12)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			who := platform.Actor{ID: m.Writer.NewRoot(t.Context(), "usr"), Kind: platform.Merchant}
			_, errs[i] = m.Merchants.Apply(platform.As(t.Context(), who), merchant.Apply{Party: merchant.Party{Name: "Bright", LegalName: "Bright Ltd", Licence: ways[i%len(ways)], Contact: "+8613800138000"}})
		})
	}
	group.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
			continue
		}
		require.True(t, errors.Is(err, platform.ErrState) || errors.Is(err, platform.ErrConflict), "%v", err)
	}
	assert.Equal(t, 1, made)
}

// TestABuyerHasToProveWhatCustomersMust: where customers have rules, a customer who
// orders is asked, and a merchant's standing does not stand in for it.
func TestABuyerHasToProveWhatCustomersMust(t *testing.T) {
	t.Parallel()
	m, cast, _ := proving(t, memory.New(market.Kinds(), nil), func() time.Time { return time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC) })
	none := 0
	_, err := m.Verification.Publish(platform.As(t.Context(), cast.Operator), verification.Publish{
		Name: "customer", Party: platform.Customer, Effective: m.Writer.Now(), Transition: &none, Open: true, Basis: "law", Owner: "ops",
		Requirements: []verification.Requirement{{Code: "customer.phone", Kind: verification.Data, Phase: verification.AtApply, Gates: []string{"buy"}, Number: verification.Phone, Review: verification.Auto}},
	})
	require.NoError(t, err)
	cast.Customer.ID = platform.NewID("cus", m.Writer.Now(), 3, 3) // who joins under the rules
	require.ErrorIs(t, placing(m, cast), verification.ErrDue)

	own := platform.As(t.Context(), cast.Customer)
	draft, err := m.Verification.Begin(own, verification.Begin{Party: cast.Customer.ID, Code: "customer.phone"})
	require.NoError(t, err)
	c, err := m.Verification.Submit(own, verification.Submit{Submission: draft.ID, Number: "138-0013-8000"})
	require.NoError(t, err)
	require.Equal(t, verification.Verified, c.State)
	require.NoError(t, placing(m, cast))
}
