package merchant

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func TestOperatorsWorkThroughTheQueues(t *testing.T) {
	t.Parallel()
	h := opened(&Options{LicenceOptional: true})
	for _, by := range []platform.Actor{applicant, stranger} {
		a, err := h.Apply(as(by), Apply{Party: Party{Name: "Windows"}})
		require.NoError(t, err)
		_, err = h.Submit(as(by), Submit{Application: a.ID})
		require.NoError(t, err)
	}

	first, err := h.Applications(as(reviewer), Filter{State: InReview, Limit: 1})
	require.NoError(t, err)
	second, err := h.Applications(as(reviewer), Filter{State: InReview, Limit: 1, Cursor: first.Next})
	require.NoError(t, err)
	require.Len(t, first.Items, 1)
	require.Len(t, second.Items, 1)
	assert.NotEqual(t, first.Items[0].ID, second.Items[0].ID)

	mine, err := h.Applications(as(applicant), Filter{})
	require.NoError(t, err)
	require.Len(t, mine.Items, 1)
	assert.Equal(t, applicant.ID, mine.Items[0].Applicant)
	none, err := h.Applications(as(applicant), Filter{State: Rejected})
	require.NoError(t, err)
	assert.Empty(t, none.Items)
	_, err = h.Applications(as(customer), Filter{})
	require.ErrorIs(t, err, platform.ErrDenied)
}

func TestDraftsQueueByWaitingTime(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	var want []platform.ID
	for range 3 {
		want = append(want, h.queued(t, m).ID)
		h.pass(day)
	}
	h.drafted(t, m)

	page, err := h.Queue(as(reviewer), Filter{})
	require.NoError(t, err)
	var got []platform.ID
	for _, l := range page.Items {
		got = append(got, l.Draft)
	}
	assert.Equal(t, want, got)

	_, err = h.ApproveRevision(as(reviewer), ApproveRevision{Revision: want[0]})
	require.NoError(t, err)
	_, err = h.RejectRevision(as(reviewer), RejectRevision{Revision: want[1], Rules: []string{"rule"}})
	require.NoError(t, err)
	page, err = h.Queue(as(reviewer), Filter{})
	require.NoError(t, err)
	assert.Len(t, page.Items, 1)
	_, err = h.Queue(as(owner(m.ID)), Filter{})
	require.ErrorIs(t, err, platform.ErrDenied)
}

func TestTheShelfShowsWhatCanBeOrdered(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	l := h.live(t, m)
	paused := h.live(t, m)
	_, err := h.Pause(as(owner(m.ID)), Pause{Listing: paused.ID})
	require.NoError(t, err)
	h.queued(t, m)

	page, err := h.Live(t.Context(), Filter{})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	assert.Equal(t, Card{
		Listing: l.ID, Revision: l.Live, Merchant: m.ID, Name: "Bright Windows", Content: l.Shown, Lowest: l.Shown.Price,
	}, page.Items[0])
	page, err = h.Live(t.Context(), Filter{Merchant: platform.NewID("mer", noon, 1, 1)})
	require.NoError(t, err)
	assert.Empty(t, page.Items)

	_, err = h.Suspend(as(reviewer), Suspend{Merchant: m.ID, Reason: "case"})
	require.NoError(t, err)
	page, err = h.Live(t.Context(), Filter{Merchant: m.ID})
	require.NoError(t, err)
	assert.Empty(t, page.Items)
	_, err = h.Show(t.Context(), l.ID)
	require.ErrorIs(t, err, ErrNotActive)
}

func TestListingsAreReadByMerchantAndState(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	l := h.live(t, m)
	h.drafted(t, m)

	for _, by := range []platform.Actor{owner(m.ID), reviewer, auditor} {
		all, err := h.Listings(as(by), Filter{Merchant: m.ID})
		require.NoError(t, err)
		assert.Len(t, all.Items, 2)
		live, err := h.Listings(as(by), Filter{State: Live})
		require.NoError(t, err)
		require.Len(t, live.Items, 1)
		assert.Equal(t, l.ID, live.Items[0].ID)
	}
	other, err := h.Listings(as(stranger), Filter{Merchant: m.ID})
	require.NoError(t, err)
	assert.Empty(t, other.Items, "a merchant lists its own, whatever it asks for")
	_, err = h.Listings(as(customer), Filter{})
	require.ErrorIs(t, err, platform.ErrDenied)

	merchants, err := h.Merchants(as(auditor), Filter{State: Active})
	require.NoError(t, err)
	assert.Len(t, merchants.Items, 1)
}

func TestAnotherTenantFindsNothing(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	l := h.live(t, m)
	r := h.revised(t, l)
	office := as(platform.Actor{ID: reviewer.ID, Kind: platform.Operator, Tenant: "other"})
	self := as(platform.Actor{ID: m.ID, Kind: platform.Merchant, Tenant: "other"})
	for name, call := range map[string]func() error{
		"application":  func() error { _, err := h.Application(office, m.Application); return err },
		"applications": func() error { _, err := h.Applications(self, Filter{}); return err },
		"merchant":     func() error { _, err := h.Merchant(self, m.ID); return err },
		"merchants":    func() error { _, err := h.Merchants(office, Filter{}); return err },
		"agreement":    func() error { _, _, err := h.Agreement(self, m.Agreement); return err },
		"listing":      func() error { _, err := h.Listing(self, l.ID); return err },
		"listings":     func() error { _, err := h.Listings(self, Filter{}); return err },
		"queue":        func() error { _, err := h.Queue(office, Filter{}); return err },
		"revision":     func() error { _, err := h.Revision(office, r.ID); return err },
		"shelf":        func() error { _, err := h.Live(self, Filter{}); return err },
		"card":         func() error { _, err := h.Show(self, l.ID); return err },
		"apply":        func() error { _, err := h.Apply(self, Apply{Party: Party{Name: "A", Licence: "GB 1234"}}); return err },
		"draft":        func() error { _, err := h.NewDraft(self, NewDraft{Listing: l.ID}); return err },
		"approve":      func() error { _, err := h.ApproveRevision(office, ApproveRevision{Revision: r.ID}); return err },
		"suspend":      func() error { _, err := h.Suspend(office, Suspend{Merchant: m.ID, Reason: "x"}); return err },
		"take it down": func() error { _, err := h.TakeDown(office, TakeDown{Listing: l.ID, Reason: "x"}); return err },
	} {
		require.ErrorIs(t, call(), platform.ErrNotFound, name)
	}
	_, err := h.Show(t.Context(), l.ID)
	require.NoError(t, err, "anybody else, and nobody, sees the shelf")
	page, err := h.Live(t.Context(), Filter{})
	require.NoError(t, err)
	assert.Len(t, page.Items, 1)
}

func TestKindsAreSound(t *testing.T) {
	t.Parallel()
	for _, k := range Kinds() {
		require.NoError(t, k.Fault())
	}
}

func TestPersonalFieldsAreCatalogued(t *testing.T) {
	t.Parallel()
	var personal []string
	for _, k := range Kinds() {
		for _, f := range k.Fields {
			if f.Class == platform.Personal {
				personal = append(personal, k.Name+" "+f.Path)
				assert.Equal(t, []string{"agreement", "3y"}, []string{f.Purpose, f.Retention})
			}
		}
	}
	assert.Equal(t, []string{
		"merchant.application profile.legal_name", "merchant.application profile.licence", "merchant.application profile.contact",
	}, personal)
}
