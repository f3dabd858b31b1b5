package merchant

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// The names of events are part of the interface: a change breaks those who
// listen. Drafting and editing are this package's own; the rest is specified.
func TestEventsHaveTheirNamesAndNoPersonalData(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	h.walk(t)

	types := map[string]bool{}
	for q := (platform.Query{Kind: "event", Limit: 500}); ; {
		page, err := platform.List[platform.Event](t.Context(), h.db, q)
		require.NoError(t, err)
		for _, e := range page.Items {
			types[e.Type] = true
			assert.NotEmpty(t, e.Actor.ID)
			for _, plain := range []string{party().LegalName, party().Licence, party().Contact, "by post"} {
				assert.NotContains(t, string(e.Data), plain, e.Type)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	want := []string{
		"merchant.applied", "merchant.submitted", "merchant.info_asked", "merchant.info_answered", "merchant.approved", "merchant.rejected",
		"merchant.lapsed", "merchant.signed", "merchant.activated", "merchant.suspended", "merchant.restored",
		"agreement.offered", "agreement.signed", "agreement.in_force", "agreement.terminated",
		"listing.drafted", "listing.edited", "listing.submitted", "listing.checked", "listing.approved", "listing.rejected",
		"listing.live", "listing.paused", "listing.resumed", "listing.taken_down", "listing.restored",
	}
	for _, name := range want {
		assert.True(t, types[name], "%s never happened", name)
		delete(types, name)
	}
	assert.Empty(t, types)
}

// walk makes every move of the package at least once.
func (h *house) walk(t *testing.T) {
	t.Helper()
	h.gate.set(true)
	m, g := h.admitted(t)
	_, err := h.Sign(as(owner(m.ID)), Sign{Agreement: g.ID, Hash: g.Hash})
	require.NoError(t, err)
	h.pass(61 * day)
	_, err = h.Tick(as(system), h.now(), 0)
	require.NoError(t, err)
	h.gate.set(false)

	a := h.inReview(t)
	_, err = h.AskInfo(as(reviewer), AskInfo{Application: a.ID, Fields: []string{"contact"}})
	require.NoError(t, err)
	_, err = h.Answer(as(applicant), Answer{Application: a.ID, Party: Party{Contact: "by post"}})
	require.NoError(t, err)
	_, err = h.Reject(as(reviewer), Reject{Application: a.ID, Reasons: []string{"incomplete"}})
	require.NoError(t, err)
	h.pass(31 * day)

	m = h.active(t)
	_, err = h.Suspend(as(reviewer), Suspend{Merchant: m.ID, Reason: "case"})
	require.NoError(t, err)
	_, err = h.Restore(as(reviewer), Restore{Merchant: m.ID})
	require.NoError(t, err)
	r := h.drafted(t, m)
	_, err = h.Edit(as(owner(m.ID)), Edit{Revision: r.ID, Content: content()})
	require.NoError(t, err)
	r = h.queued(t, m)
	_, err = h.RejectRevision(as(reviewer), RejectRevision{Revision: r.ID, Rules: []string{"rule"}})
	require.NoError(t, err)
	l := h.live(t, m)
	_, err = h.Pause(as(owner(m.ID)), Pause{Listing: l.ID})
	require.NoError(t, err)
	_, err = h.Resume(as(owner(m.ID)), Resume{Listing: l.ID})
	require.NoError(t, err)
	_, err = h.TakeDown(as(reviewer), TakeDown{Listing: l.ID, Reason: "rule"})
	require.NoError(t, err)
	_, err = h.Reinstate(as(reviewer), Reinstate{Listing: l.ID})
	require.NoError(t, err)
}
