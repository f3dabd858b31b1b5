package access_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security"
	"github.com/liangding/platform/security/access"
	"github.com/liangding/platform/store/memory"
)

func TestAGrantIsProposedByOneAndGivenByAnother(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	g, err := h.Propose(h.as(boss), access.Propose{Account: clerk, Role: "clerk", Reason: "hired"})
	require.NoError(t, err)
	assert.Equal(t, access.Proposed, g.State)
	assert.Empty(t, h.actor(clerk).Roles, "a proposal gives nothing")

	g, err = h.Activate(h.as(deputy), access.Activate{Grant: g.ID})
	require.NoError(t, err)
	assert.Equal(t, []string{"clerk"}, h.actor(clerk).Roles)
	require.NoError(t, give(h.as(clerk), h.w, ring{}))

	g, err = h.Revoke(h.as(boss), access.Revoke{Grant: g.ID, Reason: "left"})
	require.NoError(t, err)
	assert.Equal(t, access.Revoked, g.State)
	assert.Empty(t, h.actor(clerk).Roles)
	require.ErrorIs(t, give(h.as(clerk), h.w, ring{}), access.ErrDenied)
	_, err = h.Activate(h.as(deputy), access.Activate{Grant: g.ID})
	require.ErrorIs(t, err, access.ErrGrant)
	assert.Equal(t, []string{"access.grant_proposed", "access.grant_activated", "access.grant_revoked"}, types(h.events(g.Ref())))
}

func TestGrantsBeginAndEndByTheClock(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	now := h.clock()
	g, err := h.Propose(h.as(boss), access.Propose{Account: clerk, Role: "clerk", From: now.Add(time.Hour), Until: now.Add(3 * time.Hour), Reason: "weekend"})
	require.NoError(t, err)
	_, err = h.Activate(h.as(deputy), access.Activate{Grant: g.ID})
	require.NoError(t, err)
	assert.Empty(t, h.actor(clerk).Roles)
	h.pass(90 * time.Minute)
	assert.Equal(t, []string{"clerk"}, h.actor(clerk).Roles)
	h.pass(2 * time.Hour)
	assert.Empty(t, h.actor(clerk).Roles, "also before the tick")

	assert.Positive(t, h.tick())
	g, err = h.Grant(h.as(boss), g.ID)
	require.NoError(t, err)
	assert.Equal(t, access.Expired, g.State)
	assert.Zero(t, h.tick())

	idle, err := h.Propose(h.as(boss), access.Propose{Account: clerk, Role: "clerk", Reason: "again"})
	require.NoError(t, err, "an ended grant is in nobody's way")
	h.pass(8 * 24 * time.Hour)
	h.tick()
	idle, err = h.Grant(h.as(boss), idle.ID)
	require.NoError(t, err)
	assert.Equal(t, access.Expired, idle.State, "a proposal that nobody took up")
}

func TestBadGrantsAreRefused(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	now := h.clock()
	for name, c := range map[string]struct {
		in   access.Propose
		code string
	}{
		"no account":       {access.Propose{Role: "clerk", Reason: "x"}, "field.required"},
		"no reason":        {access.Propose{Account: clerk, Role: "clerk"}, "field.required"},
		"unknown role":     {access.Propose{Account: clerk, Role: "king", Reason: "x"}, "access.unknown"},
		"a kind of actor":  {access.Propose{Account: clerk, Role: "system", Reason: "x"}, "access.unknown"},
		"ends too early":   {access.Propose{Account: clerk, Role: "clerk", Reason: "x", Until: now.Add(-time.Hour)}, "access.period"},
		"ends before":      {access.Propose{Account: clerk, Role: "clerk", Reason: "x", From: now.Add(2 * time.Hour), Until: now.Add(time.Hour)}, "access.period"},
		"for ever":         {access.Propose{Account: clerk, Role: "clerk", Reason: "x", Until: now.AddDate(5, 0, 0)}, "access.period"},
		"control text":     {access.Propose{Account: "a\x00b", Role: "clerk", Reason: "x"}, "text.control"},
		"not UTF-8":        {access.Propose{Account: "\xff", Role: "clerk", Reason: "x"}, "text.encoding"},
		"too long":         {access.Propose{Account: clerk, Role: strings.Repeat("r", 65), Reason: "x"}, "text.too_long"},
		"held already":     {access.Propose{Account: keeper, Role: "keeper", Reason: "x"}, "access.held"},
		"proposed already": {access.Propose{Account: boss, Role: "admin", Reason: "x"}, "access.held"},
	} {
		_, err := h.Propose(h.as(boss), c.in)
		assert.Equal(t, c.code, platform.Code(err), name)
	}
	_, err := h.Activate(h.as(boss), access.Activate{Grant: "nonsense"})
	assert.Equal(t, "id.malformed", platform.Code(err))
	_, err = h.Activate(h.as(boss), access.Activate{Grant: platform.NewID("grt", noon, 1, 77)})
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = h.Propose(h.as(keeper), access.Propose{Account: clerk, Role: "clerk", Reason: "x"})
	require.NoError(t, err, "the keeper has access.*")
	_, err = h.Bootstrap(h.as(boss), access.Bootstrap{Accounts: []platform.ID{clerk}, Roles: []string{"admin"}})
	require.Error(t, err, "only the system may")
	_, err = h.Bootstrap(h.system(), access.Bootstrap{Accounts: []platform.ID{clerk}, Roles: []string{"admin"}})
	require.ErrorIs(t, err, access.ErrBegun)
}

func TestBootstrapIsTheWayBackIn(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.pass(400 * 24 * time.Hour)
	h.tick()
	require.Empty(t, h.actor(boss).Roles)

	_, err := h.Bootstrap(h.system(), access.Bootstrap{Accounts: []platform.ID{boss, deputy}, Roles: []string{"admin"}})
	require.NoError(t, err)
	assert.Equal(t, []string{"admin"}, h.actor(boss).Roles)
}

// TestBootstrapNeedsNoTickBefore: a server that was off for long begins with it.
func TestBootstrapNeedsNoTickBefore(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.pass(400 * 24 * time.Hour)

	_, err := h.Bootstrap(h.system(), access.Bootstrap{Accounts: []platform.ID{boss, deputy}, Roles: []string{"admin"}})

	require.NoError(t, err)
	assert.Equal(t, []string{"admin"}, h.actor(boss).Roles)
	_, err = h.Bootstrap(h.system(), access.Bootstrap{Accounts: []platform.ID{boss, deputy}, Roles: []string{"admin"}})
	require.ErrorIs(t, err, access.ErrBegun)
}

func TestOfManyBootstrapsOneSucceeds(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, db platform.DB) {
		t.Helper()
		s, err := access.New(platform.Writer{Store: db}, db, nil)
		require.NoError(t, err)
		var began atomic.Int32
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				ctx := platform.As(t.Context(), platform.SystemActor("setup"))
				if _, err := s.Bootstrap(ctx, access.Bootstrap{Accounts: []platform.ID{opr(uint64(i))}, Roles: []string{"admin"}}); err == nil {
					began.Add(1)
				}
			})
		}
		all.Wait()
		assert.EqualValues(t, 1, began.Load())
	})
}

// TestAC3TheLawDecidesBesideThePolicy: what the port says is asked at each look,
// and what it rests on is part of the commit.
func TestAC3TheLawDecidesBesideThePolicy(t *testing.T) {
	t.Parallel()
	withdrawn := platform.Err(platform.ErrDenied, "privacy.withdrawn", "withdrawn", "已撤回")
	var lawful atomic.Bool
	lawful.Store(true)
	h := open(t, &access.Options{Lawful: func(_ context.Context, act platform.Act) ([]platform.Change, error) {
		if !lawful.Load() {
			return nil, withdrawn
		}
		return []platform.Change{platform.Happened("consent.relied_on", act.On, nil)}, nil
	}})
	require.NoError(t, h.see(look(h.actor(keeper), "phone", "calling")))
	assert.Contains(t, types(h.events(guest)), "consent.relied_on")

	lawful.Store(false)
	err := h.see(look(h.actor(keeper), "phone", "calling"))
	require.ErrorIs(t, err, withdrawn)
	d, err := h.Why(t.Context(), look(h.actor(keeper), "phone", "calling"))
	require.ErrorIs(t, err, withdrawn)
	assert.False(t, d.Allowed)
	refused := h.events(platform.Ref{Kind: "access.account", ID: keeper})
	require.Len(t, refused, 1)
	assert.Equal(t, "privacy.withdrawn", refused[0].Reason)
}

func TestAC4GuardedActsNeedAGrantThatIsInForceNow(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	g := h.grant(clerk, "clerk")
	before := h.actor(clerk)
	require.NoError(t, h.see(look(before, "phone", "calling")))
	_, err := h.Revoke(h.as(boss), access.Revoke{Grant: g.ID, Reason: "left"})
	require.NoError(t, err)

	require.ErrorIs(t, h.see(look(before, "phone", "calling")), access.ErrDenied, "the session still has the role")
	made := platform.Actor{ID: opr(50), Kind: platform.Operator, Roles: []string{"admin"}}
	_, err = h.Propose(platform.As(t.Context(), made), access.Propose{Account: opr(51), Role: "admin", Reason: "x"})
	require.ErrorIs(t, err, access.ErrDenied, "a role that no grant backs")
	require.NoError(t, give(platform.As(t.Context(), made), h.w, ring{}), "an ordinary act")
	none := h.actor(boss)
	none.Roles = nil
	_, err = h.Propose(platform.As(t.Context(), none), access.Propose{Account: opr(51), Role: "admin", Reason: "x"})
	require.ErrorIs(t, err, access.ErrDenied, "a grant that the session did not bring along")
}

// TestAC4NothingIsCommittedAfterTheRevocation: looks race with the end of the
// grant that permits them. Versions tell what came first.
func TestAC4NothingIsCommittedAfterTheRevocation(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, db platform.DB) {
		t.Helper()
		h := openOn(t, db, nil)
		for range 5 {
			g := h.grant(clerk, "clerk")
			actor := h.actor(clerk)
			var seen atomic.Int32
			var all sync.WaitGroup
			var late error
			for range 4 {
				all.Go(func() {
					for {
						if err := h.see(look(actor, "phone", "calling")); err != nil {
							if !errors.Is(err, access.ErrDenied) {
								late = err
							}
							return
						}
						seen.Add(1)
					}
				})
			}
			require.Eventually(t, func() bool { return seen.Load() > 8 }, 10*time.Second, time.Millisecond)
			_, err := h.Revoke(h.as(boss), access.Revoke{Grant: g.ID, Reason: "left"})
			require.NoError(t, err)
			done := seen.Load()
			all.Wait()
			require.NoError(t, late)
			assert.LessOrEqual(t, seen.Load()-done, int32(4), "only what each had committed before, and not yet counted")
			require.ErrorIs(t, h.see(look(actor, "phone", "calling")), access.ErrDenied)
			ended, err := h.Grant(h.as(boss), g.ID)
			require.NoError(t, err)
			assert.Equal(t, access.Revoked, ended.State)
		}
	})
}

// TestAC4AnActPermittedBeforeIsNotCommittedAfter: the guard has permitted, then
// the grant, or the policy, changes; the commit that follows fails.
func TestAC4AnActPermittedBeforeIsNotCommittedAfter(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, db platform.DB) {
		t.Helper()
		h := openOn(t, db, nil)
		for name, between := range map[string]func(g access.Grant){
			"revoked": func(g access.Grant) {
				_, err := h.Revoke(h.as(boss), access.Revoke{Grant: g.ID, Reason: "left"})
				require.NoError(t, err)
			},
			"published": func(access.Grant) {
				other := rules()
				other.Roles[2].May = nil // the clerk's
				_, err := h.Publish(h.as(boss), access.Publish{Rules: &other, Reason: "less"})
				require.NoError(t, err)
			},
		} {
			_, err := h.Publish(h.as(boss), access.Publish{Reason: "back"})
			require.NoError(t, err)
			g := h.grant(clerk, "clerk")
			w, tries := h.w, 0
			w.Guard = looking{h.Service, look(h.actor(clerk), "phone", "calling")}
			_, err = platform.Update(h.as(clerk), w, ring{}, func(context.Context) (string, []platform.Change, error) {
				if tries++; tries == 1 {
					between(g)
				}
				return "", []platform.Change{platform.Happened("inn.never", guest, nil)}, nil
			})
			require.ErrorIs(t, err, access.ErrDenied, name)
			assert.Equal(t, 1, tries, name)
			assert.NotContains(t, types(h.events(guest)), "inn.never", name)
			if name == "published" {
				_, err = h.Revoke(h.as(boss), access.Revoke{Grant: g.ID, Reason: "left"})
				require.NoError(t, err)
			}
		}
	})
}

// TestAC4ALookRestsOnEveryGrantThatShowsIt: of two views the wider is shown, so its
// grant is part of the commit, whichever was found first.
func TestAC4ALookRestsOnEveryGrantThatShowsIt(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	narrow, wide := h.grant(clerk, "clerk"), h.grant(clerk, "keeper")
	act := look(h.actor(clerk), "phone", "calling")

	view, err := h.View(t.Context(), act)
	require.NoError(t, err)
	require.Equal(t, security.Full, view)
	pins, err := h.Permit(t.Context(), act)
	require.NoError(t, err)

	var held []platform.Ref
	for _, pin := range pins {
		held = append(held, pin.Ref)
	}
	assert.Contains(t, held, narrow.Ref())
	assert.Contains(t, held, wide.Ref())
}

func TestAC5MakerIsNotCheckerByPerson(t *testing.T) {
	t.Parallel()
	twin := opr(20) // a second account of boss
	h := open(t, &access.Options{Person: func(account platform.ID) platform.ID {
		if account == twin {
			return boss
		}
		return account
	}})
	h.grant(twin, "admin")
	g, err := h.Propose(h.as(boss), access.Propose{Account: clerk, Role: "clerk", Reason: "hired"})
	require.NoError(t, err)
	for _, same := range []platform.ID{boss, twin} {
		_, err = h.Activate(h.as(same), access.Activate{Grant: g.ID})
		require.ErrorIs(t, err, access.ErrFourEyes)
	}
	mine, err := h.Propose(h.as(deputy), access.Propose{Account: twin, Role: "clerk", Reason: "also"})
	require.NoError(t, err)
	_, err = h.Activate(h.as(boss), access.Activate{Grant: mine.ID})
	require.ErrorIs(t, err, access.ErrFourEyes, "nobody gives to himself, under whatever account")
	_, err = h.Activate(h.as(deputy), access.Activate{Grant: g.ID})
	require.NoError(t, err)
}

func TestAC5ConflictingRolesAreRefusedAlsoInARace(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, db platform.DB) {
		t.Helper()
		other := opr(21)
		h := openOn(t, db, &access.Options{Person: func(account platform.ID) platform.ID {
			if account == other {
				return clerk
			}
			return account
		}})
		var given atomic.Int32
		var all sync.WaitGroup
		ctx := h.as(boss)
		for i := range 8 {
			in := access.Propose{Account: clerk, Role: "cashier", Reason: "x"}
			if i%2 == 1 {
				in.Account, in.Role = other, "landlord"
			}
			all.Go(func() {
				_, err := h.Propose(ctx, in)
				switch {
				case err == nil:
					given.Add(1)
				case !errors.Is(err, access.ErrExclusive) && !errors.Is(err, access.ErrHeld) && !errors.Is(err, platform.ErrConflict):
					assert.NoError(t, err)
				}
			})
		}
		all.Wait()
		assert.EqualValues(t, 1, given.Load(), "one role of the set, for one person")
		_, err := h.Propose(ctx, access.Propose{Account: other, Role: "cook", Reason: "x"})
		require.NoError(t, err)
	})
}

// TestAC5AConflictThatThePolicyKnowsOnlyNowIsRefused: an older grant does not say
// what it excludes.
func TestAC5AConflictThatThePolicyKnowsOnlyNowIsRefused(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.grant(clerk, "cook")
	waiting, err := h.Propose(h.as(boss), access.Propose{Account: clerk, Role: "landlord", Reason: "x"})
	require.NoError(t, err)
	stricter := rules()
	stricter.Exclusive = append(stricter.Exclusive, []string{"cook", "porter"}, []string{"cook", "landlord"})
	_, err = h.Publish(h.as(boss), access.Publish{Rules: &stricter, Reason: "stricter"})
	require.NoError(t, err)

	_, err = h.Propose(h.as(boss), access.Propose{Account: clerk, Role: "porter", Reason: "x"})
	require.ErrorIs(t, err, access.ErrExclusive)
	_, err = h.Activate(h.as(deputy), access.Activate{Grant: waiting.ID})
	require.ErrorIs(t, err, access.ErrExclusive)
}

func TestScopedRolesHoldWithinTheirScope(t *testing.T) {
	t.Parallel()
	h := open(t, &access.Options{Within: func(_ context.Context, on platform.Ref, scope platform.ID) (bool, error) {
		if on.Kind == "ghost" {
			return false, platform.ErrUnavailable
		}
		return on.Kind == "guest" && scope == "zone-1", nil
	}})
	for account, scope := range map[platform.ID]platform.ID{clerk: "zone-1", opr(30): "zone-2"} {
		g, err := h.Propose(h.as(boss), access.Propose{Account: account, Role: "clerk", Scope: scope, Reason: "hired"})
		require.NoError(t, err)
		_, err = h.Activate(h.as(deputy), access.Activate{Grant: g.ID})
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"clerk@zone-1"}, h.actor(clerk).Roles)

	for _, c := range []struct {
		account platform.ID
		on      platform.Ref
		allowed bool
	}{
		{clerk, guest, true}, {opr(30), guest, false}, {clerk, platform.Ref{}, false}, {clerk, platform.Ref{Kind: "room", ID: "x"}, false},
		{clerk, platform.Ref{Kind: "zone", ID: "zone-1"}, true}, {clerk, platform.Ref{Kind: "ghost", ID: "x"}, false},
	} {
		_, err := h.Permit(t.Context(), platform.Act{Actor: h.actor(c.account), Action: "access_test.ring", On: c.on})
		assert.Equal(t, c.allowed, err == nil, "%s on %s", c.account, c.on)
		_, err = h.Permit(t.Context(), platform.Act{Actor: h.actor(c.account), Action: "vault.reveal", On: c.on, Field: "phone", Purpose: "calling", Reason: "x"})
		assert.Equal(t, c.allowed && c.on == guest, err == nil, "look by %s at %s", c.account, c.on)
	}
}

func TestAC7AServiceListsWhoCan(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.grant(clerk, "clerk")
	roles, holders, err := h.WhoCan(h.as(boss), "vault.reveal", "guest", "phone")
	require.NoError(t, err)
	assert.Equal(t, []string{"clerk", "keeper"}, roles)
	var accounts []platform.ID
	for _, g := range holders {
		accounts = append(accounts, g.Account)
	}
	assert.ElementsMatch(t, []platform.ID{clerk, keeper}, accounts)
	c, err := h.Begin(h.as(boss), access.Begin{Action: "vault.reveal", Kind: "guest", Field: "phone"})
	require.NoError(t, err)
	assert.Len(t, c.Items, 2, "a review is generated from it")
	_, _, err = h.WhoCan(platform.As(t.Context(), platform.Actor{ID: "c", Kind: platform.Customer}), "vault.reveal", "", "")
	require.ErrorIs(t, err, platform.ErrDenied)
}

func TestAC10AnotherTenantFindsNothing(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	g := h.grant(clerk, "clerk")
	stranger := platform.As(t.Context(), platform.Actor{ID: boss, Kind: platform.Operator, Roles: []string{"admin"}, Tenant: "elsewhere"})
	_, err := h.Grant(stranger, g.ID)
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = h.Grants(stranger, "", "", 0)
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = h.Revoke(stranger, access.Revoke{Grant: g.ID, Reason: "x"})
	require.ErrorIs(t, err, platform.ErrNotFound)
	customer := platform.As(t.Context(), platform.Actor{ID: "cus", Kind: platform.Customer})
	_, err = h.Grant(customer, g.ID)
	require.ErrorIs(t, err, platform.ErrNotFound, "not for a customer's eyes either")
}

func TestAPolicyThatDoesNotCompileLeavesTheOldOneInForce(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.grant(clerk, "clerk")
	bad := rules()
	bad.Roles[2].May = []access.Permission{{Action: "vault.reveal", Kind: "guest", Field: "shoe"}}
	_, err := h.Publish(h.as(boss), access.Publish{Rules: &bad, Reason: "x"})
	require.ErrorIs(t, err, platform.ErrInvalid)
	assert.Equal(t, "access.unknown", platform.Code(err))
	for _, closed := range []access.Rules{{}, {Roles: []access.Role{{Name: "admin", May: []access.Permission{{Action: "*"}}}}}} {
		_, err = h.Publish(h.as(boss), access.Publish{Rules: &closed, Reason: "x"})
		require.Equal(t, "access.dead_end", platform.Code(err))
	}
	require.NoError(t, give(h.as(clerk), h.w, ring{}))
	require.NoError(t, h.see(look(h.actor(clerk), "phone", "calling")))

	other, err := access.New(platform.Writer{Store: h.db, Now: h.clock}, h.db, nil) // a program without guests
	require.NoError(t, err)
	inn := rules()
	_, err = h.Publish(h.as(boss), access.Publish{Rules: &inn, Reason: "as it is"})
	require.NoError(t, err)
	_, err = other.Permit(t.Context(), platform.Act{Actor: h.actor(clerk), Action: "access_test.ring"})
	require.ErrorIs(t, err, platform.ErrDenied, "nothing is permitted by a policy that cannot be read")
	assert.Equal(t, "access.policy_broken", platform.Code(err))
	_, err = other.Publish(h.as(boss), access.Publish{Reason: "mend"})
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = other.Publish(h.system(), access.Publish{Reason: "mend"})
	require.NoError(t, err, "but that the system publishes another")
	h.pass(2 * time.Second)
	_, err = other.Permit(t.Context(), platform.Act{Actor: platform.SystemActor("x"), Action: "order.cancel"})
	require.NoError(t, err)
	_, err = h.Permit(t.Context(), platform.Act{Actor: h.actor(clerk), Action: "access_test.ring"})
	require.NoError(t, err, "and so it is for all")
}

func TestAnIndexIsASecondOldAtMost(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	inn := rules()
	elsewhere, err := access.New(platform.Writer{Store: h.db, Now: h.clock}, h.db, &access.Options{Rules: &inn, Known: access.Known{Kinds: []platform.Kind{guests}}})
	require.NoError(t, err)
	act := platform.Act{Actor: operator("clerk"), Action: "access_test.ring"}
	_, err = elsewhere.Permit(t.Context(), act)
	require.NoError(t, err)
	inn2 := rules()
	inn2.Roles[2].May = nil
	_, err = h.Publish(h.as(boss), access.Publish{Rules: &inn2, Reason: "less"})
	require.NoError(t, err)

	h.pass(time.Second + time.Millisecond)
	_, err = elsewhere.Permit(t.Context(), act)
	require.ErrorIs(t, err, access.ErrDenied)
	e, err := elsewhere.Policy(h.as(boss))
	require.NoError(t, err)
	assert.Equal(t, inn2, *e.Rules)
	d, err := elsewhere.Why(t.Context(), act)
	require.NoError(t, err)
	assert.Equal(t, e.Version, d.Epoch)
}

func TestRefusalsAreOnRecordButDoNotFillIt(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	about := platform.Ref{Kind: "access.account", ID: clerk}
	for range 25 {
		require.ErrorIs(t, h.see(look(h.actor(clerk), "phone", "calling")), access.ErrDenied)
	}
	assert.Len(t, h.events(about), 10)
	require.Error(t, give(h.as(clerk), h.w, ring{}))
	assert.Len(t, h.events(about), 10, "an ordinary refusal is not worth it")
	require.ErrorIs(t, h.see(platform.Act{Actor: h.actor(clerk), Action: "vault.reveal", On: guest}), access.ErrUnexplained)
	assert.Len(t, h.events(about), 11, "another code is counted by itself")

	assert.Zero(t, h.tick())
	h.pass(time.Minute)
	assert.Equal(t, 1, h.tick())
	last := h.events(about)[11]
	assert.Equal(t, "access.refused_often", last.Type)
	assert.JSONEq(t, `15`, string(field(t, last, "count")))
	assert.Equal(t, "access.denied", last.Reason)
	require.Error(t, h.see(look(h.actor(clerk), "phone", "calling")))
	assert.Len(t, h.events(about), 13, "a new minute")
	_, err := h.Why(t.Context(), look(h.actor(clerk), "phone", "calling"))
	require.NoError(t, err)
	assert.Len(t, h.events(about), 13, "asking why is no attempt")
}

func TestNothingIsPermittedWhenTheStoreIsGone(t *testing.T) {
	t.Parallel()
	db := memory.New(access.Kinds(), nil)
	s, err := access.New(platform.Writer{Store: db}, db, nil)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	for _, action := range []string{"order.cancel", "vault.reveal", "access.propose"} {
		_, err = s.Permit(t.Context(), platform.Act{Actor: platform.SystemActor("x"), Action: action})
		require.Error(t, err, action)
	}
}
