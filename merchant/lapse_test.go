package merchant

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func TestApplicationsLapseAtTheirTime(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	a := h.applied(t)

	fired, err := h.Tick(as(system), a.Due.Add(-time.Second), 0)
	require.NoError(t, err)
	assert.Zero(t, fired)

	h.pass(90 * day)
	_, err = h.Submit(as(applicant), Submit{Application: a.ID})
	require.ErrorIs(t, err, ErrLapsed, "a late tick makes no late act legal")

	fired, err = h.Tick(as(system), h.now(), 0)
	require.NoError(t, err)
	assert.Equal(t, 1, fired)
	a, err = h.Application(as(applicant), a.ID)
	require.NoError(t, err)
	assert.Equal(t, Lapsed, a.State)
	assert.Zero(t, a.Due)
	assert.ElementsMatch(t, []string{"merchant.applied", "merchant.lapsed"}, h.events(t, a.Ref()))

	h.applied(t) // the licence is free again
	fired, err = h.Tick(as(system), h.now(), 0)
	require.NoError(t, err)
	assert.Zero(t, fired)
}

func TestUnansweredApplicationsLapse(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	a, err := h.AskInfo(as(reviewer), AskInfo{Application: h.inReview(t).ID, Fields: []string{"contact"}})
	require.NoError(t, err)

	h.pass(14 * day)
	_, err = h.Answer(as(applicant), Answer{Application: a.ID, Party: Party{Contact: "here"}})
	require.ErrorIs(t, err, ErrLapsed)
	fired, err := h.Tick(as(system), h.now(), 0)
	require.NoError(t, err)
	assert.Equal(t, 1, fired)
}

func TestMerchantsThatDoNotSignLapse(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m, g := h.admitted(t)

	h.pass(30 * day)
	_, err := h.Sign(as(owner(m.ID)), Sign{Agreement: g.ID, Hash: g.Hash})
	require.ErrorIs(t, err, ErrLapsed)
	fired, err := h.Tick(as(system), h.now(), 0)
	require.NoError(t, err)
	assert.Equal(t, 1, fired)

	m, err = h.Merchant(as(reviewer), m.ID)
	require.NoError(t, err)
	g, _, err = h.Agreement(as(reviewer), g.ID)
	require.NoError(t, err)
	a, err := h.Application(as(reviewer), m.Application)
	require.NoError(t, err)
	assert.Equal(t, []State{Lapsed, Lapsed, Lapsed}, []State{m.State, g.State, a.State})
	assert.Equal(t, Approved, a.Decision, "what was decided stays on record")
	h.applied(t)
}

func TestMerchantsThatDoNotOnboardLapse(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	h.gate.set(true)
	m, g := h.admitted(t)
	_, err := h.Sign(as(owner(m.ID)), Sign{Agreement: g.ID, Hash: g.Hash})
	require.NoError(t, err)

	h.pass(60 * day)
	h.gate.set(false)
	_, err = h.Activate(as(system), Activate{Merchant: m.ID})
	require.ErrorIs(t, err, ErrLapsed)
	fired, err := h.Tick(as(system), h.now(), 0)
	require.NoError(t, err)
	assert.Equal(t, 1, fired)
	g, _, err = h.Agreement(as(reviewer), g.ID)
	require.NoError(t, err)
	assert.Equal(t, Terminated, g.State)
	assert.Contains(t, h.events(t, g.Ref()), "agreement.terminated")
}

func TestActiveMerchantsNeverLapse(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	m := h.active(t)
	fired, err := h.Tick(as(system), noon.AddDate(20, 0, 0), 0)
	require.NoError(t, err)
	assert.Zero(t, fired)
	_, err = m.Lapse(system, noon.AddDate(20, 0, 0))
	assert.Equal(t, "merchant.not_due", platform.Code(err))
}

func TestTicksFireEachDeadlineOnceUpToTheLimit(t *testing.T) {
	t.Parallel()
	h := opened(&Options{LicenceOptional: true})
	for i := range 25 {
		_, err := h.Apply(as(system), Apply{Party: Party{Name: "Lead"}, Reference: strconv.Itoa(i)})
		require.NoError(t, err)
	}
	late := noon.AddDate(1, 0, 0)

	fired, err := h.Tick(as(system), late, 10)
	require.NoError(t, err)
	assert.Equal(t, 10, fired)

	counts := make([]int, 8)
	errs := atOnce(8, func(i int) (err error) {
		counts[i], err = h.Tick(as(system), late, 0)
		return err
	})
	require.NoError(t, errors.Join(errs...))
	sum := 0
	for _, n := range counts {
		sum += n
	}
	assert.Equal(t, 15, sum)
}

func TestTicksActWithinTheirTenant(t *testing.T) {
	t.Parallel()
	h := opened(nil)
	w := h.w
	w.Tenant = "east"
	east := New(w, h.store, h.ports, nil)
	by := applicant
	by.Tenant = "east"
	_, err := east.Apply(as(by), Apply{Party: party()})
	require.NoError(t, err)

	fired, err := east.Tick(as(system), noon.AddDate(1, 0, 0), 0)
	require.NoError(t, err)
	assert.Equal(t, 1, fired)
}
