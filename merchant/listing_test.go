package merchant

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func TestARevisionGoesLiveWhenItIsApproved(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	r := h.drafted(t, m)
	assert.Equal(t, Draft, r.State)
	assert.Equal(t, 1, r.Number)

	r, err := h.Edit(as(owner(m.ID)), Edit{Revision: r.ID, Version: r.Version, Content: content(priceOf("200.00"))})
	require.NoError(t, err)
	r, err = h.SubmitDraft(as(owner(m.ID)), SubmitDraft{Revision: r.ID})
	require.NoError(t, err)
	assert.Equal(t, InReview, r.State)
	r, err = h.ApproveRevision(as(reviewer), ApproveRevision{Revision: r.ID})
	require.NoError(t, err)
	assert.Equal(t, Live, r.State)

	l, err := h.Listing(as(owner(m.ID)), r.Listing)
	require.NoError(t, err)
	assert.Equal(t, Live, l.State)
	assert.Equal(t, r.ID, l.Live)
	assert.Equal(t, r.Content, l.Shown)
	assert.Empty(t, l.Draft)
	assert.ElementsMatch(t, []string{"listing.drafted", "listing.edited", "listing.submitted", "listing.checked", "listing.approved", "listing.live"}, h.events(t, l.Ref()))
}

func TestWhatIsLiveStaysSoUntilTheNextIs(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	l := h.live(t, h.active(t))
	first := l.Live

	next := h.revised(t, l, priceOf("150.00"))
	assert.Equal(t, 2, next.Number)
	during, err := h.Show(as(customer), l.ID)
	require.NoError(t, err)
	assert.Equal(t, first, during.Revision)
	assert.Equal(t, "180.00 CNY", during.Content.Price.String())

	_, err = h.ApproveRevision(as(reviewer), ApproveRevision{Revision: next.ID})
	require.NoError(t, err)
	after, err := h.Show(as(customer), l.ID)
	require.NoError(t, err)
	assert.Equal(t, next.ID, after.Revision)
	assert.Equal(t, "150.00 CNY", after.Content.Price.String())
	former, err := h.Revision(as(owner(l.Merchant)), first)
	require.NoError(t, err)
	assert.Equal(t, Superseded, former.State)
	assert.Equal(t, "180.00 CNY", former.Content.Price.String(), "what orders pinned is unchanged")
}

func TestARejectedRevisionLeavesTheLiveOne(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	l := h.live(t, h.active(t))
	next := h.revised(t, l, priceOf("999.00"))

	r, err := h.RejectRevision(as(reviewer), RejectRevision{Revision: next.ID, Rules: []string{"price.misleading"}})
	require.NoError(t, err)
	assert.Equal(t, Rejected, r.State)
	assert.Equal(t, []string{"price.misleading"}, r.Rules)
	same, err := h.Listing(as(reviewer), l.ID)
	require.NoError(t, err)
	assert.Equal(t, l.Live, same.Live)
	assert.Empty(t, same.Draft)
	assert.Contains(t, h.events(t, l.Ref()), "listing.rejected")

	copied, err := h.NewDraft(as(owner(l.Merchant)), NewDraft{Listing: l.ID})
	require.NoError(t, err)
	assert.Equal(t, l.Shown, copied.Content, "a draft without content begins as a copy")
}

func TestAListingHasOneDraft(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	l := h.live(t, h.active(t))
	first := h.revised(t, l)

	_, err := h.NewDraft(as(owner(l.Merchant)), NewDraft{Listing: l.ID})
	assert.Equal(t, "listing.draft_open", platform.Code(err))
	assert.Equal(t, string(first.ID), platform.Details(err)["revision"])
}

func TestWhatIsInReviewCannotBeEdited(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	r := h.queued(t, m)

	_, err := h.Edit(as(owner(m.ID)), Edit{Revision: r.ID, Content: content()})
	assert.Equal(t, "listing.not_editable", platform.Code(err))
	_, err = h.SubmitDraft(as(owner(m.ID)), SubmitDraft{Revision: r.ID})
	assert.Equal(t, "listing.not_submittable", platform.Code(err))
}

func TestAnEditNamesTheVersionItRead(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	r := h.drafted(t, m)
	_, err := h.Edit(as(owner(m.ID)), Edit{Revision: r.ID, Version: r.Version, Content: content(priceOf("1.00"))})
	require.NoError(t, err)

	_, err = h.Edit(as(owner(m.ID)), Edit{Revision: r.ID, Version: r.Version, Content: content()})
	require.ErrorIs(t, err, platform.ErrConflict)
	assert.Equal(t, "listing.edited", platform.Code(err))
	_, err = h.Edit(as(owner(m.ID)), Edit{Revision: r.ID, Content: content()})
	require.NoError(t, err)
}

func TestSubmittedDraftsAreCompleteAndClean(t *testing.T) {
	t.Parallel()
	h := opened(&Options{Banned: []string{"miracle"}})
	m := h.active(t)
	r := h.drafted(t, m, func(c *Content) { c.Title, c.Text, c.Price = "", "a miracle, write to x@example.com", platform.Money{} })

	_, err := h.SubmitDraft(as(owner(m.ID)), SubmitDraft{Revision: r.ID})
	var fields platform.FieldErrors
	require.ErrorAs(t, err, &fields)
	require.ErrorIs(t, err, platform.ErrInvalid)
	var codes []string
	for _, f := range fields {
		codes = append(codes, f.Code)
	}
	assert.Equal(t, []string{"listing.title", "listing.price", "listing.banned_term", "listing.contact_data"}, codes)

	r = h.queued(t, m, func(c *Content) { c.Text = "the best windows" })
	assert.Equal(t, []string{"listing.superlative"}, r.Flags)
}

func TestAuthorsDoNotReviewTheirListing(t *testing.T) {
	t.Parallel()
	r := Revision{State: InReview, Hands: []platform.ID{"usr-7"}}
	for _, row := range []struct {
		by   platform.Actor
		code string
	}{
		{platform.Actor{ID: "usr-7", Kind: platform.Operator}, "review.self"},
		{platform.Actor{ID: "opr-1", OnBehalf: "mer", Kind: platform.Operator}, "review.self"},
		{owner("mer"), "review.self"},
		{stranger, "listing.actor_not_allowed"},
		{reviewer, ""},
	} {
		_, err := r.decide("approve", "mer", row.by, noon)
		assert.Equal(t, row.code, platform.Code(err))
	}
}

func TestAnApprovedRevisionWaitsForItsMerchant(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	r := h.queued(t, m)
	_, err := h.Suspend(as(reviewer), Suspend{Merchant: m.ID, Reason: "case"})
	require.NoError(t, err)

	r, err = h.ApproveRevision(as(reviewer), ApproveRevision{Revision: r.ID})
	require.NoError(t, err)
	assert.Equal(t, Approved, r.State)
	_, err = h.GoLive(as(owner(m.ID)), GoLive{Listing: r.Listing})
	require.ErrorIs(t, err, ErrNotActive)

	_, err = h.Restore(as(reviewer), Restore{Merchant: m.ID})
	require.NoError(t, err)
	_, err = h.Show(as(customer), r.Listing)
	require.ErrorIs(t, err, ErrNotLive, "restoring publishes nothing")
	l, err := h.GoLive(as(owner(m.ID)), GoLive{Listing: r.Listing})
	require.NoError(t, err)
	assert.Equal(t, Live, l.State)
	_, err = h.GoLive(as(owner(m.ID)), GoLive{Listing: r.Listing})
	assert.Equal(t, "listing.not_liveable", platform.Code(err))
}

func TestATakenDownListingComesBackAsItWas(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	l := h.live(t, m)
	next := h.revised(t, l, priceOf("90.00"))
	l, err := h.Pause(as(owner(m.ID)), Pause{Listing: l.ID})
	require.NoError(t, err)

	down, err := h.TakeDown(as(reviewer), TakeDown{Listing: l.ID, Reason: "listing.banned_term"})
	require.NoError(t, err)
	assert.Equal(t, TakenDown, down.State)
	_, err = h.Resume(as(owner(m.ID)), Resume{Listing: l.ID})
	assert.Equal(t, "listing.not_resumable", platform.Code(err))
	_, err = h.ApproveRevision(as(reviewer), ApproveRevision{Revision: next.ID})
	require.NoError(t, err)
	_, err = h.GoLive(as(reviewer), GoLive{Listing: l.ID})
	assert.Equal(t, "listing.not_liveable", platform.Code(err))
	_, err = h.Reinstate(as(owner(m.ID)), Reinstate{Listing: l.ID})
	require.ErrorIs(t, err, platform.ErrDenied)

	back, err := h.Reinstate(as(colleague), Reinstate{Listing: l.ID})
	require.NoError(t, err)
	assert.Equal(t, []any{Paused, l.Live, State(""), ""}, []any{back.State, back.Live, back.Prior, back.Reason})

	shown, err := h.GoLive(as(owner(m.ID)), GoLive{Listing: l.ID})
	require.NoError(t, err)
	assert.Equal(t, Paused, shown.State, "a paused listing stays paused")
	assert.Equal(t, next.ID, shown.Live)
	shown, err = h.Resume(as(owner(m.ID)), Resume{Listing: l.ID})
	require.NoError(t, err)
	assert.Equal(t, Live, shown.State)
	for _, what := range []string{"listing.paused", "listing.taken_down", "listing.restored", "listing.resumed"} {
		assert.Contains(t, h.events(t, l.Ref()), what)
	}
}

func TestListingsOfOthersDoNotExist(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	l := h.live(t, h.active(t))
	other := owner(platform.NewID("mer", noon, 1, 1))

	for name, call := range map[string]func() error{
		"draft":  func() error { _, err := h.NewDraft(as(other), NewDraft{Listing: l.ID}); return err },
		"edit":   func() error { _, err := h.Edit(as(other), Edit{Revision: l.Live}); return err },
		"submit": func() error { _, err := h.SubmitDraft(as(other), SubmitDraft{Revision: l.Live}); return err },
		"live":   func() error { _, err := h.GoLive(as(other), GoLive{Listing: l.ID}); return err },
		"pause":  func() error { _, err := h.Pause(as(other), Pause{Listing: l.ID}); return err },
		"read":   func() error { _, err := h.Listing(as(customer), l.ID); return err },
		"new":    func() error { _, err := h.NewDraft(as(other), NewDraft{}); return err },
		"usr":    func() error { _, err := h.NewDraft(as(applicant), NewDraft{}); return err },
	} {
		require.ErrorIs(t, call(), platform.ErrNotFound, name)
	}
	_, err := h.Revision(as(other), l.Live)
	assert.Equal(t, "merchant.revision.not_found", platform.Code(err), "as if there were none")
	_, err = h.NewDraft(as(reviewer), NewDraft{Listing: l.ID})
	require.ErrorIs(t, err, platform.ErrDenied)
}

func TestLowestPriceOfThirtyDays(t *testing.T) {
	t.Parallel()
	at := func(days int) time.Time { return noon.AddDate(0, 0, days) }
	cny := func(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }
	l := Listing{}
	assert.True(t, l.Lowest(noon).Absent())
	for _, change := range []struct {
		day   int
		price string
	}{{0, "80.00"}, {10, "120.00"}, {10, "120.00"}, {20, "150.00"}} {
		l.Shown.Price = cny(change.price)
		l.Prices = priced(l.Prices, l.Shown.Price, at(change.day))
	}

	assert.Len(t, l.Prices, 3, "the same price again is no change")
	assert.Equal(t, cny("80.00"), l.Lowest(at(20)))
	assert.Equal(t, cny("80.00"), l.Lowest(at(39)))
	assert.Equal(t, cny("120.00"), l.Lowest(at(40)))
	assert.Equal(t, cny("120.00"), l.Lowest(at(49)))
	assert.Equal(t, cny("150.00"), l.Lowest(at(50)))

	l.Prices = priced(l.Prices, cny("90.00"), at(45))
	assert.Len(t, l.Prices, 3, "what ended long ago is forgotten")
	for i := range 300 {
		l.Prices = priced(l.Prices, cny([]string{"1.00", "2.00"}[i%2]), at(45).Add(time.Duration(i)*time.Second))
	}
	assert.Len(t, l.Prices, maxPrices)
}

// TestM16WhoMayNotListDraftsNothingAndGoesLiveLater: what a merchant has to prove
// gates its listings; an approval waits for it.
func TestM16WhoMayNotListDraftsNothingAndGoesLiveLater(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	r := h.queued(t, m)
	h.gate.unlist(true)

	r, err := h.ApproveRevision(as(reviewer), ApproveRevision{Revision: r.ID})
	require.NoError(t, err)
	assert.Equal(t, Approved, r.State, "approved, and not live")
	_, err = h.GoLive(as(reviewer), GoLive{Listing: r.Listing})
	require.ErrorIs(t, err, platform.ErrState)
	_, err = h.NewDraft(as(owner(m.ID)), NewDraft{})
	require.ErrorIs(t, err, platform.ErrState)

	h.gate.unlist(false)
	l, err := h.GoLive(as(reviewer), GoLive{Listing: r.Listing})
	require.NoError(t, err)
	assert.Equal(t, Live, l.State)
}
