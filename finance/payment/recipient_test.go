package payment_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

// slowDesk is an institution where an account takes no shares before its holder
// came, and which may refuse receivers.
type slowDesk struct {
	*sandbox.Sandbox
	open    bool
	refuses error
	names   []string
}

func (d *slowDesk) Apply(ctx context.Context, a payment.Application) (payment.Standing, error) {
	st, err := d.Sandbox.Apply(ctx, a)
	return d.shown(st), err
}

func (d *slowDesk) Standing(ctx context.Context, account string) (payment.Standing, error) {
	st, err := d.Sandbox.Standing(ctx, account)
	return d.shown(st), err
}

func (d *slowDesk) shown(st payment.Standing) payment.Standing {
	if !d.open {
		st.Receives, st.PaysOut, st.Needs = false, false, []string{"individual.id_number"}
	}
	return st
}

func (d *slowDesk) AddReceiver(ctx context.Context, r payment.Receiver) error {
	d.names = append(d.names, r.Name)
	if d.refuses != nil {
		return d.refuses
	}
	return d.Sandbox.AddReceiver(ctx, r)
}

// desk is a service at such an institution.
func desk() (*world, *slowDesk) {
	v := newWorld(setup{})
	d := &slowDesk{Sandbox: v.bank}
	v.s = payment.New(v.w, payment.StoreOn(v.db), payment.Ports{Books: ledger{}, Subject: shop{db: v.db}, Gateways: []payment.Gateway{d}}, nil)
	return v, d
}

var hired = payment.Onboard{Party: seller, Institution: "sandbox", Country: "CN", Email: "hi@seller.example"}

func TestOnboardingWaitsForTheHolder(t *testing.T) {
	t.Parallel()
	v, d := desk()

	r, err := v.s.Onboard(by(clerk), hired)

	require.NoError(t, err)
	assert.Equal(t, payment.RecipientAsked, r.State)
	assert.Equal(t, []string{"individual.id_number"}, r.Needs)
	link, err := v.s.OnboardingLink(by(clerk), payment.OnboardingLink{Recipient: r.ID, Back: "https://platform.example/back"})
	require.NoError(t, err)
	assert.Contains(t, link.URL, "https://sandbox.invalid/onboard/"+r.Account)
	_, err = v.s.OnboardingLink(by(customer), payment.OnboardingLink{Recipient: r.ID, Back: "https://evil.example"})
	require.ErrorIs(t, err, platform.ErrDenied)

	d.open = true
	require.NoError(t, v.after(day))

	r, err = v.s.Recipient(by(auditor), payment.RecipientID("sandbox", seller))
	require.NoError(t, err)
	assert.Equal(t, payment.RecipientReady, r.State)
	assert.Empty(t, r.Needs)
	assert.True(t, r.Due.IsZero())
}

func TestOnboardingIsAskedForOnce(t *testing.T) {
	t.Parallel()
	v, d := desk()
	d.open = true
	one, err := v.s.Onboard(by(clerk), hired)
	require.NoError(t, err)

	two, err := v.s.Onboard(by(clerk), hired)

	require.NoError(t, err)
	assert.Equal(t, one.Account, two.Account)
	assert.Equal(t, payment.RecipientReady, two.State)
	_, err = v.s.Onboard(by(customer), hired)
	require.ErrorIs(t, err, platform.ErrDenied)
}

func TestReceiverIsAddedOnceAndKeepsItsAccount(t *testing.T) {
	t.Parallel()
	v, d := desk()
	in := payment.AddRecipient{Party: seller, Institution: "sandbox", Account: "1900000201", Name: "Good Cleaners"}
	d.refuses = payment.ErrUnknownOutcome
	_, err := v.s.AddRecipient(by(clerk), in)
	require.ErrorIs(t, err, payment.ErrUnknownOutcome)
	r, err := v.s.Recipient(by(clerk), payment.RecipientID("sandbox", seller))
	require.NoError(t, err)
	require.Equal(t, payment.RecipientAsked, r.State)

	d.refuses = payment.ErrRefused
	r, err = v.s.AddRecipient(by(clerk), in)
	require.NoError(t, err)
	require.Equal(t, payment.RecipientRefused, r.State)
	require.Equal(t, "payment.refused", r.Reason)

	d.refuses = nil
	for range 2 {
		r, err = v.s.AddRecipient(by(clerk), in)
		require.NoError(t, err)
		require.Equal(t, payment.RecipientReady, r.State)
	}
	assert.Len(t, d.names, 3, "what is there is not added again")
	in.Account = "1900000202"
	_, err = v.s.AddRecipient(by(clerk), in)
	require.ErrorIs(t, err, payment.ErrAccount)
	for _, e := range v.events(t, r.Ref()) {
		assert.NotContains(t, e, "Cleaners")
	}
}

func TestRecipientsAreNotForEverybody(t *testing.T) {
	t.Parallel()
	v, _ := desk()
	_, err := v.s.Recipient(by(customer), payment.RecipientID("sandbox", seller))
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = v.s.Recipient(by(clerk), payment.RecipientID("sandbox", seller))
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = v.s.AddRecipient(by(clerk), payment.AddRecipient{Party: seller, Institution: "nowhere", Account: "x"})
	require.ErrorIs(t, err, payment.ErrInstitution)
}
