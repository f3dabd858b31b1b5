package gatewaytest

import (
	"context"
	"errors"
	"fmt"

	"github.com/liangding/platform/finance/payment"
)

func onboarding(ctx context.Context, b *bench) error {
	g, ok := b.Gateway.(payment.Onboarder)
	if !ok {
		return b.gap("the gateway is no payment.Onboarder")
	}
	a := payment.Application{Key: b.key("rcp"), Country: "CN", Email: "holder@merchant.example"}
	one, err := g.Apply(ctx, a)
	if err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	two, err := g.Apply(ctx, a)
	if err != nil || one.Account == "" || two.Account != one.Account {
		return fmt.Errorf("the same application opened %q and %q: %w", one.Account, two.Account, err)
	}
	if !one.Receives && len(one.Needs) == 0 {
		return errors.New("an account takes no shares and lacks nothing")
	}
	if _, err := g.Standing(ctx, one.Account+"0"); !errors.Is(err, payment.ErrRefused) {
		return is("the standing of an unknown account", err, payment.ErrRefused)
	}
	if link, err := g.Link(ctx, one.Account, "https://platform.example/back"); err != nil || link == "" {
		return fmt.Errorf("the link of an account is %q: %w", link, err)
	}
	if b.Settle != nil {
		b.Settle(a.Key)
	}
	st, err := g.Standing(ctx, one.Account)
	if err != nil || st.Account != one.Account || !st.Receives {
		return fmt.Errorf("the account stands as %+v: %w", st, err)
	}
	s, ok := b.Gateway.(payment.Splitter)
	if !ok {
		return nil
	}
	charge, err := b.paid(ctx, "10.00")
	if err == nil {
		err = s.AddReceiver(ctx, payment.Receiver{Account: st.Account})
	}
	if err != nil {
		return fmt.Errorf("add the account: %w", err)
	}
	return b.handedOn(ctx, s, b.split(charge, false, payment.Share{Account: st.Account, Amount: b.money("9.00")}), "9.00")
}

// compensation refunds a charge whose share went out. Where shares come back
// first, that is refused before the share is back, and the share goes out again
// under another key when its refund came to nothing.
func compensation(ctx context.Context, b *bench) error {
	g, ok := b.Gateway.(payment.Splitter)
	if !ok {
		return b.gap("the gateway is no payment.Splitter")
	}
	charge, err := b.paid(ctx, "100.00")
	if err != nil {
		return err
	}
	one := b.Receivers[0]
	if err := g.AddReceiver(ctx, one); err != nil {
		return fmt.Errorf("add a receiver: %w", err)
	}
	p := b.split(charge, false, payment.Share{Account: one.Account, Amount: b.money("80.00")})
	if err := b.handedOn(ctx, g, p, "80.00"); err != nil {
		return err
	}
	back := func() error {
		r := payment.SplitReturn{Key: b.key("spr"), Split: p.Key, Account: one.Account, Amount: b.money("80.00")}
		for range 2 {
			if _, err := g.ReturnSplit(ctx, r); err != nil {
				return fmt.Errorf("return of a share: %w", err)
			}
		}
		return b.ends(r.Key, payment.Done, r.Amount, func() (payment.Status, error) { return g.LookupReturn(ctx, r) })
	}
	if b.Gateway.Info().RefundFirst {
		if _, err := b.paid(ctx, "100.00"); err != nil { // refunds are out of all that is there
			return err
		}
		return first(b.refunded(ctx, b.refund(charge, "100.00")), back())
	}
	if _, err := b.Gateway.Refund(ctx, b.refund(charge, "100.00")); err == nil {
		return errors.New("a refund went out of shares that were not back")
	}
	if err := back(); err != nil {
		return err
	}
	p = b.split(charge, false, payment.Share{Account: one.Account, Amount: b.money("80.00")})
	if err := b.handedOn(ctx, g, p, "80.00"); err != nil {
		return fmt.Errorf("a share goes out again: %w", err)
	}
	return first(back(), b.refunded(ctx, b.refund(charge, "100.00")))
}
