package merchant

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func TestApprovalMakesTheMerchantAndOffersTheAgreement(t *testing.T) {
	t.Parallel()
	h := opened(nil)

	m, g := h.admitted(t)

	assert.Equal(t, Approved, m.State)
	assert.Equal(t, "Bright Windows", m.Name)
	assert.Equal(t, noon.Add(30*day), m.Due)
	assert.Equal(t, Pending, g.State)
	assert.Equal(t, plain.Hash(), g.Hash)
	assert.Equal(t, m.Due, g.Due)
	assert.Equal(t, []string{"agreement.offered"}, h.events(t, g.Ref()))
	assert.ElementsMatch(t, []string{"merchant.applied", "merchant.submitted", "merchant.approved"},
		h.events(t, platform.Ref{Kind: kindApplication, ID: m.Application}))
}

func TestTheAgreementInEffectIsOffered(t *testing.T) {
	t.Parallel()
	texts := []Template{
		{Version: "3", Text: "three", From: noon.Add(day)},
		{Version: "1", Text: "one", From: noon.Add(-2 * day)},
		{Version: "2", Text: "two", From: noon},
	}
	h := opened(&Options{Templates: texts})
	_, g := h.admitted(t)
	assert.Equal(t, "2", g.Template)

	_, text, err := h.Agreement(as(reviewer), g.ID)
	require.NoError(t, err)
	assert.Equal(t, "two", text.Text)
	assert.Equal(t, "3", texts[0].Version, "the caller's options are left alone")

	h = opened(&Options{Templates: texts[:1]})
	_, err = h.Approve(as(reviewer), Approve{Application: h.inReview(t).ID})
	assert.Equal(t, "agreement.template_missing", platform.Code(err))
}

func TestSigningActivatesUnlessSomethingBlocks(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	assert.Equal(t, noon, m.ActiveSince)
	assert.Zero(t, m.Due)
	assert.ElementsMatch(t, []string{"merchant.signed", "merchant.activated"}, h.events(t, m.Ref()))

	h = opened(nil)
	h.gate.set(true)
	m, g := h.admitted(t)
	g, err := h.Sign(as(owner(m.ID)), Sign{Agreement: g.ID, Hash: g.Hash})
	require.NoError(t, err)
	assert.Equal(t, InForce, g.State)
	assert.ElementsMatch(t, []string{"agreement.offered", "agreement.signed", "agreement.in_force"}, h.events(t, g.Ref()))
	m, err = h.Merchant(as(owner(m.ID)), m.ID)
	require.NoError(t, err)
	assert.Equal(t, Onboarding, m.State)
	assert.Equal(t, noon.Add(60*day), m.Due)

	_, err = h.Activate(as(system), Activate{Merchant: m.ID})
	require.ErrorIs(t, err, errUntrained)
	h.gate.set(false)
	_, err = h.Activate(as(owner(m.ID)), Activate{Merchant: m.ID})
	require.ErrorIs(t, err, platform.ErrDenied)
	m, err = h.Activate(as(system), Activate{Merchant: m.ID})
	require.NoError(t, err)
	assert.Equal(t, Active, m.State)
}

func TestUnknownIsNeverTakenForMet(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m, g := h.admitted(t)
	h.gate.down = true

	_, err := h.Sign(as(owner(m.ID)), Sign{Agreement: g.ID, Hash: g.Hash})
	require.ErrorIs(t, err, platform.ErrUnavailable)
	g, _, err = h.Agreement(as(auditor), g.ID)
	require.NoError(t, err)
	assert.Equal(t, Pending, g.State, "all or nothing")
}

func TestSignNeedsAuthorityAndTheTextOffered(t *testing.T) {
	t.Parallel()
	g := Agreement{State: Pending, Merchant: "mer", Hash: plain.Hash(), Due: noon.Add(day)}
	clerk := platform.Actor{ID: "usr-7", OnBehalf: "mer", Kind: platform.Merchant}
	partner := platform.Actor{ID: "usr-8", OnBehalf: "mer", Kind: platform.Merchant, Roles: []string{Signer}}

	for _, row := range []struct {
		name string
		by   platform.Actor
		hash string
		late bool
		code string
	}{
		{"the merchant", owner("mer"), g.Hash, false, ""},
		{"a partner with the role", partner, g.Hash, false, ""},
		{"a clerk without it", clerk, g.Hash, false, "agreement.authority"},
		{"another text", owner("mer"), Template{Text: "other"}.Hash(), false, "agreement.hash"},
		{"too late", owner("mer"), g.Hash, true, "merchant.lapsed"},
		{"an operator", reviewer, g.Hash, false, "agreement.actor_not_allowed"},
	} {
		at := noon
		if row.late {
			at = g.Due
		}
		signed, err := g.Sign(row.hash, row.by, at)
		require.Equal(t, row.code, platform.Code(err), row.name)
		if err == nil {
			assert.Equal(t, InForce, signed.State)
			assert.Equal(t, row.by.ID, signed.SignedBy)
			assert.Equal(t, noon, signed.SignedAt)
		}
	}
}

func TestAnAgreementIsForItsMerchantOnly(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	_, g := h.admitted(t)

	for _, by := range []platform.Actor{stranger, customer} {
		_, err := h.Sign(as(by), Sign{Agreement: g.ID, Hash: g.Hash})
		require.ErrorIs(t, err, platform.ErrNotFound)
		assert.Equal(t, "merchant.agreement.not_found", platform.Code(err))
		_, _, err = h.Agreement(as(by), g.ID)
		require.ErrorIs(t, err, platform.ErrNotFound)
	}
}

func TestOneAgreementInForceAMerchant(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	second := Agreement{Head: platform.Head{ID: h.w.NewChild("agr", m.ID)}, State: InForce, Merchant: m.ID}

	event := platform.Happened("agreement.signed", second.Ref(), nil)
	e := event.Value.(platform.Event)
	e.ID, e.Actor, e.At = platform.NewID("evt", noon, second.ID.Slot(), 1), system, noon
	event.Ref.ID, event.Value = e.ID, e
	_, err := h.db.Commit(as(system), platform.Set{Changes: []platform.Change{platform.Put(second), event}})

	require.ErrorIs(t, err, platform.ErrConflict)
	assert.Equal(t, "taken", platform.Code(err))
}

func TestRestoreIsTheInverseOfSuspend(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	before := h.active(t)
	l := h.live(t, before)

	m, err := h.Suspend(as(reviewer), Suspend{Merchant: before.ID, Reason: "case.no_show"})
	require.NoError(t, err)
	assert.Equal(t, Suspended, m.State)
	assert.Equal(t, "case.no_show", m.Reason)
	require.ErrorIs(t, m.May("sell"), ErrNotActive)

	_, err = h.Suspend(as(colleague), Suspend{Merchant: before.ID, Reason: "other"})
	assert.Equal(t, "merchant.not_suspendable", platform.Code(err))
	assert.Equal(t, "suspended", platform.Details(err)["state"])

	after, err := h.Restore(as(reviewer), Restore{Merchant: before.ID})
	require.NoError(t, err)
	after.Head = before.Head
	assert.Equal(t, before, after)
	same, err := h.Listing(as(reviewer), l.ID)
	require.NoError(t, err)
	assert.Equal(t, l, same, "listings are as they were")
	assert.ElementsMatch(t, []string{"merchant.signed", "merchant.activated", "merchant.suspended", "merchant.restored"}, h.events(t, after.Ref()))
}

func TestOnlyAnActiveMerchantMay(t *testing.T) {
	t.Parallel()
	for _, state := range []State{Approved, Onboarding, Suspended, Lapsed, ""} {
		for _, capability := range []string{"sell", "list"} {
			err := Merchant{State: state}.May(capability)
			require.ErrorIs(t, err, ErrNotActive, state)
			assert.Equal(t, string(state), platform.Details(err)["state"])
		}
	}
	active := Merchant{State: Active}
	require.NoError(t, active.May("sell"))
	require.NoError(t, active.May("list"))
	assert.Equal(t, "merchant.capability_closed", platform.Code(active.May("receive_payout")))
}

func TestMovesAreOfferedToWhoMayMakeThem(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"ask_info", "approve", "reject"}, Application{State: InReview}.Open(platform.Operator))
	assert.Empty(t, Application{State: InReview}.Open(platform.Merchant))
	assert.Equal(t, []string{"suspend"}, Merchant{State: Active}.Open(platform.Operator))
	assert.Equal(t, []string{"sign"}, Agreement{State: Pending}.Open(platform.Merchant))
	assert.Equal(t, []string{"go_live", "pause"}, Listing{State: Live}.Open(platform.Merchant))
	assert.Equal(t, []string{"approve", "reject"}, Revision{State: InReview}.Open(platform.Operator))
}
