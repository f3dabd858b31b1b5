package payment_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

// licensed is a check that finds all well for a year.
func licensed(change func(*payment.Check)) payment.Check {
	c := payment.Check{
		Name: "sandbox", Entity: "Sandbox Payments Ltd.", Licence: "Z2010", Kinds: []payment.Business{payment.Acquiring},
		Regions: []string{"CN"}, Currencies: []string{"CNY"}, ValidUntil: noon.AddDate(1, 0, 0), Evidence: strings.Repeat("ab", 32),
	}
	if change != nil {
		change(&c)
	}
	return c
}

func TestLicenceIsCheckedAtClaim(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		check payment.Check
		after time.Duration
		want  error
	}{
		"valid":                       {licensed(nil), 0, nil},
		"over":                        {licensed(func(c *payment.Check) { c.ValidUntil = noon.Add(time.Hour) }), time.Hour, payment.ErrUnlicensed},
		"a moment before":             {licensed(func(c *payment.Check) { c.ValidUntil = noon.Add(time.Hour) }), time.Hour - time.Second, nil},
		"another business":            {licensed(func(c *payment.Check) { c.Kinds = []payment.Business{payment.PayingOut} }), 0, payment.ErrUnlicensed},
		"another currency":            {licensed(func(c *payment.Check) { c.Currencies = []string{"USD"} }), 0, payment.ErrNoChannel},
		"not looked at for 90 days":   {licensed(nil), 90 * 24 * time.Hour, payment.ErrUnlicensed},
		"looked at within 90 days":    {licensed(nil), 90*24*time.Hour - time.Second, nil},
		"no currency named means all": {licensed(func(c *payment.Check) { c.Currencies = nil }), 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newWorld(setup{})
			_, err := v.s.Check(by(clerk), c.check)
			require.NoError(t, err)
			v.clock.Advance(c.after)
			o, err := v.placeBy(price, time.Time{})
			require.NoError(t, err)

			_, err = v.s.Pay(by(customer), payment.Pay{Intent: full(o), Method: sandbox.OK, Institution: "sandbox"})

			require.ErrorIs(t, err, c.want)
		})
	}
}

// The licence has ended: what was paid goes back, what is held is captured.
func TestE35RunningBusinessGoesOnWithoutLicence(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{opts: later})
	_, err := v.s.Check(by(clerk), licensed(func(c *payment.Check) { c.ValidUntil = noon.Add(time.Hour) }))
	require.NoError(t, err)
	o, _ := v.held(t, sandbox.OK)
	v.clock.Advance(2 * time.Hour)

	_, err = v.s.Draw(by(clerk), payment.Draw{Intent: full(o)})
	require.NoError(t, err)
	require.NoError(t, v.after(time.Second))
	_, err = v.refund(o, price)
	require.NoError(t, err)
	require.NoError(t, v.after(time.Minute))

	assert.Equal(t, price, v.sale(t, o).Given)
}

// A record that is replaced while a payment is decided is decided upon anew.
func TestPaymentRestsOnTheRecord(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	_, err := v.s.Check(by(clerk), licensed(nil))
	require.NoError(t, err)
	_, err = v.s.Check(by(clerk), licensed(func(c *payment.Check) { c.Kinds = []payment.Business{payment.Splitting} }))
	require.NoError(t, err)

	a, err := v.pay(v.placed(t), sandbox.OK)

	require.NoError(t, err)
	assert.Equal(t, "second", a.Institution, "which the adapter itself says is licensed")
}

func TestAlertsBeforeALicenceEnds(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	i, err := v.s.Check(by(clerk), licensed(func(c *payment.Check) { c.ValidUntil = noon.AddDate(0, 0, 70) }))
	require.NoError(t, err)
	for range 80 {
		require.NoError(t, v.after(24*time.Hour))
	}
	assert.Equal(t, []string{
		"institution.checked", "institution.expiring", "institution.expiring", "institution.expiring", "institution.expired",
	}, v.events(t, i.Ref()))

	_, err = v.s.Check(by(clerk), licensed(func(c *payment.Check) { c.ValidUntil = v.clock.Now().AddDate(3, 0, 0) }))
	require.NoError(t, err)
	for range 91 {
		require.NoError(t, v.after(24*time.Hour))
	}
	assert.Equal(t, []string{"institution.checked", "institution.expiring", "institution.expired"}, v.events(t, i.Ref())[5:], "a check that is too old ends it too")
}

func TestOnlyOperatorsCheck(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	_, err := v.s.Check(by(customer), licensed(nil))
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = v.s.Check(by(clerk), licensed(func(c *payment.Check) { c.Name = "nobody" }))
	require.ErrorIs(t, err, payment.ErrInstitution)
	_, err = v.s.Check(by(clerk), licensed(func(c *payment.Check) { c.Kinds = []payment.Business{"minting"} }))
	require.ErrorIs(t, err, platform.ErrInvalid)
}

// Whoever forges notices is told of, and cannot fill the log with it.
func TestRefusedNoticesAreTold(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	for range 50 {
		err := v.s.Receive(t.Context(), "sandbox", map[string][]string{"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {"1"}}, []byte("{}"))
		require.ErrorIs(t, err, payment.ErrNoticeSignature)
	}
	ref := platform.Ref{Kind: "payment.institution", ID: payment.InstitutionID("sandbox")}
	assert.Equal(t, []string{"payment.notice_refused"}, v.events(t, ref))
	v.clock.Advance(time.Minute)
	require.Error(t, v.s.Receive(t.Context(), "sandbox", map[string][]string{"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {"1"}}, []byte("{}")))
	assert.Len(t, v.events(t, ref), 2)
}
