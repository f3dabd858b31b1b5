package merchant

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

const many = 32

// together holds every commit back until n have been decided, so that all of
// them were decided on the same state.
func (h *house) together(n int) *Service {
	b := &barrier{Committer: h.db, missing: n, open: make(chan struct{})}
	w := h.w
	w.Store = b
	return New(w, h.store, h.ports, &h.opts)
}

type barrier struct {
	platform.Committer
	mu      sync.Mutex
	missing int
	open    chan struct{}
}

func (b *barrier) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	b.mu.Lock()
	if b.missing--; b.missing == 0 {
		close(b.open)
	}
	b.mu.Unlock()
	<-b.open
	return b.Committer.Commit(ctx, set)
}

// meanwhile lets something happen between the first decision and its commit.
func (h *house) meanwhile(happens func()) *Service {
	w := h.w
	w.Store = &interrupted{Committer: h.db, happens: happens}
	return New(w, h.store, h.ports, &h.opts)
}

type interrupted struct {
	platform.Committer
	once    sync.Once
	happens func()
}

func (i *interrupted) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	i.once.Do(i.happens)
	return i.Committer.Commit(ctx, set)
}

func TestOfTwoReviewersOneDecides(t *testing.T) {
	t.Parallel()
	for range 20 {
		h := opened(nil)
		id := h.inReview(t).ID
		s := h.together(2)

		errs := atOnce(2, func(i int) (err error) {
			if i == 0 {
				_, err = s.Approve(as(reviewer), Approve{Application: id})
			} else {
				_, err = s.Reject(as(colleague), Reject{Application: id, Reasons: []string{"unverified"}})
			}
			return err
		})

		require.Equal(t, 1, succeeded(errs))
		a, err := h.Application(as(auditor), id)
		require.NoError(t, err)
		loser := refused(errs)[0]
		require.ErrorIs(t, loser, ErrDecided)
		assert.Equal(t, string(a.Decision), platform.Details(loser)["decision"])
		_, err = h.Merchant(as(auditor), a.Merchant)
		assert.Equal(t, a.Decision == Approved, err == nil)
	}
}

func TestOfTwoReviewersOfARevisionOneDecides(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	for range 20 {
		r := h.queued(t, m)
		s := h.together(2)

		errs := atOnce(2, func(i int) (err error) {
			if i == 0 {
				_, err = s.ApproveRevision(as(reviewer), ApproveRevision{Revision: r.ID})
			} else {
				_, err = s.RejectRevision(as(colleague), RejectRevision{Revision: r.ID, Rules: []string{"rule"}})
			}
			return err
		})

		require.Equal(t, 1, succeeded(errs))
		r, err := h.Revision(as(auditor), r.ID)
		require.NoError(t, err)
		loser := refused(errs)[0]
		require.ErrorIs(t, loser, ErrDecided)
		assert.Equal(t, string(r.Decision), platform.Details(loser)["decision"])
		l, err := h.Listing(as(auditor), r.Listing)
		require.NoError(t, err)
		assert.Equal(t, r.Decision == Approved, l.Live == r.ID)
	}
}

func TestOneApplicationALicence(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	s := h.together(many)

	errs := atOnce(many, func(int) error {
		_, err := s.Apply(as(applicant), Apply{Party: party()})
		return err
	})

	require.Equal(t, 1, succeeded(errs))
	for _, err := range refused(errs) {
		require.ErrorIs(t, err, ErrOpen)
	}
	page, err := h.Applications(as(reviewer), Filter{})
	require.NoError(t, err)
	assert.Len(t, page.Items, 1)
}

func TestOneApplicationAReference(t *testing.T) {
	t.Parallel()
	h := opened(&Options{LicenceOptional: true})
	s := h.together(many)

	errs := atOnce(many, func(int) error {
		_, err := s.Apply(as(system), Apply{Party: Party{Name: "Lead"}, Channel: "social", Reference: "1"})
		return err
	})

	require.Equal(t, 1, succeeded(errs))
	page, err := h.Applications(as(reviewer), Filter{State: Applied})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	for _, err := range refused(errs) {
		require.ErrorIs(t, err, ErrReference)
		assert.Equal(t, string(page.Items[0].ID), platform.Details(err)["application"])
	}
}

func TestEqualCallsUnderOneKeyGetOneAnswer(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	ids := make([]platform.ID, many)
	s := h.together(many)

	errs := atOnce(many, func(i int) error {
		a, err := s.Apply(platform.WithKey(as(applicant), "once"), Apply{Party: party()})
		ids[i] = a.ID
		return err
	})

	require.NoError(t, errors.Join(errs...))
	for _, id := range ids {
		assert.Equal(t, ids[0], id)
	}
}

func TestOneSignaturePutsTheAgreementInForce(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m, g := h.admitted(t)
	s := h.together(many)

	errs := atOnce(many, func(int) error {
		_, err := s.Sign(as(owner(m.ID)), Sign{Agreement: g.ID, Hash: g.Hash})
		return err
	})

	require.Equal(t, 1, succeeded(errs))
	for _, err := range refused(errs) {
		require.Equal(t, "agreement.not_signable", platform.Code(err))
		assert.Equal(t, "in_force", platform.Details(err)["state"])
	}
	assert.ElementsMatch(t, []string{"agreement.offered", "agreement.signed", "agreement.in_force"}, h.events(t, g.Ref()))
	assert.ElementsMatch(t, []string{"merchant.signed", "merchant.activated"}, h.events(t, m.Ref()))
}

func TestSigningRacesWithLapsing(t *testing.T) {
	t.Parallel()
	for range 20 {
		h := opened(nil)
		m, g := h.admitted(t)
		s := h.together(2)

		errs := atOnce(2, func(i int) error {
			if i == 0 {
				_, err := s.Sign(as(owner(m.ID)), Sign{Agreement: g.ID, Hash: g.Hash})
				return err
			}
			fired, err := s.Tick(as(system), m.Due, 0)
			if err == nil && fired == 0 {
				err = ErrDecided // the signature was first
			}
			return err
		})

		require.Equal(t, 1, succeeded(errs), errors.Join(errs...))
		m, err := h.Merchant(as(auditor), m.ID)
		require.NoError(t, err)
		assert.Equal(t, errs[0] == nil, m.State == Active)
		assert.Equal(t, errs[1] == nil, m.State == Lapsed)
	}
}

func TestOneDraftAListing(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	l := h.live(t, h.active(t))
	s := h.together(many)

	errs := atOnce(many, func(int) error {
		_, err := s.NewDraft(as(owner(l.Merchant)), NewDraft{Listing: l.ID})
		return err
	})

	require.Equal(t, 1, succeeded(errs))
	for _, err := range refused(errs) {
		require.Equal(t, "listing.draft_open", platform.Code(err))
	}
}

func TestEditsOfOneVersionDoNotOverwriteEachOther(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	r := h.drafted(t, m)
	s := h.together(many)

	errs := atOnce(many, func(int) error {
		_, err := s.Edit(as(owner(m.ID)), Edit{Revision: r.ID, Version: r.Version, Content: content()})
		return err
	})

	require.Equal(t, 1, succeeded(errs))
	for _, err := range refused(errs) {
		require.ErrorIs(t, err, platform.ErrConflict)
	}
}

func TestPublishingRacesWithTakingDown(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	for range 20 {
		r := h.queued(t, m)
		s := h.together(2)

		errs := atOnce(2, func(i int) (err error) {
			if i == 0 {
				_, err = s.ApproveRevision(as(reviewer), ApproveRevision{Revision: r.ID})
			} else {
				_, err = s.TakeDown(as(colleague), TakeDown{Listing: r.Listing, Reason: "rule"})
			}
			return err
		})

		require.NoError(t, errors.Join(errs...), "in whichever order, both take effect")
		l, err := h.Listing(as(auditor), r.Listing)
		require.NoError(t, err)
		assert.Equal(t, TakenDown, l.State)
		assert.Equal(t, l.Prior == Live, l.Live == r.ID)
	}
}

func TestASuspensionMeanwhileKeepsListingsOffTheShelf(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	l := h.live(t, m)
	draft := h.queued(t, m)
	s := h.meanwhile(func() {
		_, err := h.Suspend(as(colleague), Suspend{Merchant: m.ID, Reason: "case"})
		require.NoError(t, err)
	})
	r, err := s.ApproveRevision(as(reviewer), ApproveRevision{Revision: draft.ID})
	require.NoError(t, err)
	assert.Equal(t, Approved, r.State, "approved, and not live")

	for name, call := range map[string]func(s *Service) error{
		"go live": func(s *Service) error { _, err := s.GoLive(as(reviewer), GoLive{Listing: r.Listing}); return err },
		"draft": func(s *Service) error {
			_, err := s.NewDraft(as(owner(m.ID)), NewDraft{Listing: l.ID})
			return err
		},
	} {
		_, err = h.Restore(as(colleague), Restore{Merchant: m.ID})
		require.NoError(t, err)
		err = call(h.meanwhile(func() {
			_, err := h.Suspend(as(colleague), Suspend{Merchant: m.ID, Reason: "case"})
			require.NoError(t, err)
		}))
		require.ErrorIs(t, err, ErrNotActive, name)
	}
}

func TestAnAnswerThatLosesItsLicenceMeanwhileIsRefused(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	p := party()
	p.Licence = "GB 1234"
	a, err := h.Apply(as(stranger), Apply{Party: p})
	require.NoError(t, err)
	_, err = h.Submit(as(stranger), Submit{Application: a.ID})
	require.NoError(t, err)
	_, err = h.AskInfo(as(reviewer), AskInfo{Application: a.ID, Fields: []string{"licence"}})
	require.NoError(t, err)

	_, err = h.meanwhile(func() { h.applied(t) }).Answer(as(stranger), Answer{Application: a.ID, Party: party()})
	require.ErrorIs(t, err, ErrOpen)
}
