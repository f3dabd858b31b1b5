package stripe

import (
	"context"
	"fmt"

	"github.com/stripe/stripe-go/v85"

	"github.com/liangding/platform/finance/payment"
)

var _ payment.Onboarder = (*Gateway)(nil)

// Apply implements [payment.Onboarder]: a connected account with the dashboard
// that Stripe calls express, which may ask for transfers and for nothing else. Its
// holder tells Stripe the rest behind [Gateway.Link].
func (g *Gateway) Apply(ctx context.Context, a payment.Application) (payment.Standing, error) {
	outside(ctx)
	if err := checked(a.Key, "rcp"); err != nil {
		return payment.Standing{}, fmt.Errorf("apply: %w", err)
	}
	in := &stripe.AccountCreateParams{
		Country: stripe.String(a.Country), Email: stripe.String(a.Email), Metadata: map[string]string{ofKey: string(a.Key)},
		Capabilities: &stripe.AccountCreateCapabilitiesParams{Transfers: &stripe.AccountCreateCapabilitiesTransfersParams{Requested: new(true)}},
		Controller: &stripe.AccountCreateControllerParams{
			Fees: &stripe.AccountCreateControllerFeesParams{Payer: stripe.String("application")}, Losses: &stripe.AccountCreateControllerLossesParams{Payments: stripe.String("application")},
			RequirementCollection: stripe.String("stripe"), StripeDashboard: &stripe.AccountCreateControllerStripeDashboardParams{Type: stripe.String("express")},
		},
	}
	in.SetIdempotencyKey(string(a.Key))
	out, err := g.client.V1Accounts.Create(ctx, in)
	if err != nil {
		return payment.Standing{}, fmt.Errorf("apply %s: %w", a.Key, meaning(err))
	}
	return stands(out), nil
}

// Standing implements [payment.Onboarder].
func (g *Gateway) Standing(ctx context.Context, account string) (payment.Standing, error) {
	outside(ctx)
	a, err := g.account(ctx, account)
	if err != nil {
		return payment.Standing{}, fmt.Errorf("standing of an account: %w", err)
	}
	return stands(a), nil
}

// Link implements [payment.Onboarder]. A link that has grown old leads back, too:
// the page there asks for another one.
func (g *Gateway) Link(ctx context.Context, account, back string) (string, error) {
	outside(ctx)
	if account == "" {
		return "", fmt.Errorf("link of no account: %w", payment.ErrRefused)
	}
	out, err := g.client.V1AccountLinks.Create(ctx, &stripe.AccountLinkCreateParams{
		Account: stripe.String(account), RefreshURL: stripe.String(back), ReturnURL: stripe.String(back), Type: stripe.String("account_onboarding"),
	})
	if err != nil {
		return "", fmt.Errorf("link of an account: %w", meaning(err))
	}
	return out.URL, nil
}

// account is a connected account.
func (g *Gateway) account(ctx context.Context, id string) (*stripe.Account, error) {
	if id == "" {
		return nil, payment.ErrRefused
	}
	a, err := g.client.V1Accounts.GetByID(ctx, id, nil)
	return a, meaning(err)
}

// stands is what a connected account may do, and what it lacks.
func stands(a *stripe.Account) payment.Standing {
	st := payment.Standing{Account: a.ID, Receives: transfers(a), PaysOut: a.PayoutsEnabled}
	if r := a.Requirements; r != nil {
		if st.Needs = r.CurrentlyDue; !st.Receives && r.DisabledReason != "" {
			st.Needs = append(st.Needs, string(r.DisabledReason))
		}
	}
	return st
}

// transfers tells whether an account takes them.
func transfers(a *stripe.Account) bool {
	return a.Capabilities != nil && a.Capabilities.Transfers == stripe.AccountCapabilityStatusActive
}
