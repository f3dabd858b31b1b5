package gatewaytest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

func partialRefunds(ctx context.Context, b *bench) error {
	before := b.balance()
	charge, err := b.paid(ctx, "100.00")
	if err != nil {
		return err
	}
	for _, part := range []string{"30.00", "0.01", "69.99"} {
		if err := b.refunded(ctx, b.refund(charge, part)); err != nil {
			return err
		}
	}
	_, err = b.Gateway.Refund(ctx, b.refund(charge, "0.01"))
	return first(no("one unit more than the charge", err), b.moved(before, "0.00"))
}

func parallelRefunds(ctx context.Context, b *bench) error {
	before := b.balance()
	charge, err := b.paid(ctx, "100.00")
	if err != nil {
		return err
	}
	refunds, errs := make([]payment.Refund, 8), make([]error, 8)
	inParallel(func(n int) {
		refunds[n] = b.refund(charge, "100.00")
		_, errs[n] = b.Gateway.Refund(ctx, refunds[n])
	})
	taken := 0
	for n, err := range errs {
		if err == nil {
			taken, err = taken+1, b.done(ctx, refunds[n].Key, refunds[n].Amount)
		} else {
			err = no("a second full refund", err)
		}
		if err != nil {
			return err
		}
	}
	if taken != 1 {
		return fmt.Errorf("%d of 8 full refunds were taken", taken)
	}
	return b.moved(before, "0.00")
}

func captures(ctx context.Context, b *bench) error {
	g, ok := b.Gateway.(payment.Authorizer)
	if !ok {
		return b.gap("the gateway is no payment.Authorizer")
	}
	before := b.balance()
	capture := func(of payment.Key, amount string, final bool) error {
		c := payment.Capture{Key: b.key("cap"), Of: of, Amount: b.money(amount), Final: final}
		for range 2 { // the second is the same
			if _, err := g.Capture(ctx, c); err != nil {
				return err
			}
		}
		return b.done(ctx, c.Key, c.Amount)
	}
	held, err := b.held(ctx, g)
	if err != nil {
		return err
	}
	if err := first(b.moved(before, "0.00"), no("more than is held", capture(held, "100.01", false)),
		capture(held, "60.00", true), no("after the final capture", capture(held, "1.00", true)), b.moved(before, "60.00")); err != nil {
		return err
	}
	voided, err := b.held(ctx, g)
	if err != nil {
		return err
	}
	void := payment.Void{Key: b.key("voi"), Of: voided}
	for range 2 {
		if _, err := g.Void(ctx, void); err != nil {
			return fmt.Errorf("void: %w", err)
		}
	}
	if err := first(no("after the void", capture(voided, "1.00", true)), b.over(ctx, voided)); err != nil {
		return err
	}
	expired, err := b.held(ctx, g)
	if err != nil {
		return err
	}
	st, err := b.Gateway.Lookup(ctx, expired)
	if err != nil || !st.Until.After(b.Now()) {
		return fmt.Errorf("an authorisation holds until %s, %v", st.Until, err) //nolint:errorlint // told, not handed on
	}
	b.Advance(st.Until.Sub(b.Now()))
	return first(no("after the authorisation's time", capture(expired, "1.00", true)), b.over(ctx, expired), b.moved(before, "60.00"))
}

// held is a new authorisation of 100.
func (b *bench) held(ctx context.Context, g payment.Authorizer) (payment.Key, error) {
	c := b.charge("100.00")
	if _, err := g.Authorize(ctx, c); err != nil {
		return "", fmt.Errorf("authorise: %w", err)
	}
	return c.Key, b.done(ctx, c.Key, c.Amount)
}

// over wants an authorisation to have ended without any capture.
func (b *bench) over(ctx context.Context, k payment.Key) error {
	return b.ends(k, payment.Declined, platform.Money{}, func() (payment.Status, error) { return b.Gateway.Lookup(ctx, k) })
}

func splits(ctx context.Context, b *bench) error {
	g, ok := b.Gateway.(payment.Splitter)
	if !ok {
		return b.gap("the gateway is no payment.Splitter")
	}
	before := b.balance()
	charge, err := b.paid(ctx, "100.00")
	if err != nil {
		return err
	}
	one, two := b.Receivers[0].Account, b.Receivers[1].Account
	if _, err := g.Split(ctx, b.split(charge, false, payment.Share{Account: one + "0", Amount: b.money("1.00")})); !errors.Is(err, payment.ErrRefused) {
		return is("a share for an account that is no receiver", err, payment.ErrRefused)
	}
	for _, r := range append(b.Receivers, b.Receivers[0]) { // again, which changes nothing
		if err := g.AddReceiver(ctx, r); err != nil {
			return fmt.Errorf("add a receiver: %w", err)
		}
	}
	p := b.split(charge, false, payment.Share{Account: one, Amount: b.money("20.00")}, payment.Share{Account: two, Amount: b.money("10.00")})
	if err := b.handedOn(ctx, g, p, "30.00"); err != nil {
		return err
	}
	_, over := g.Split(ctx, b.split(charge, false, payment.Share{Account: one, Amount: b.money("70.01")}))
	_, much := g.ReturnSplit(ctx, payment.SplitReturn{Key: b.key("spr"), Split: p.Key, Account: two, Amount: b.money("10.01")})
	if err := first(no("a split over the rest", over), no("a return over the share", much), b.moved(before, "70.00")); err != nil {
		return err
	}
	r := payment.SplitReturn{Key: b.key("spr"), Split: p.Key, Account: one, Amount: b.money("20.00")}
	for range 2 {
		if _, err := g.ReturnSplit(ctx, r); err != nil {
			return fmt.Errorf("return of a share: %w", err)
		}
	}
	back := func() (payment.Status, error) { return g.LookupReturn(ctx, r) }
	if err := first(b.ends(r.Key, payment.Done, r.Amount, back), b.moved(before, "90.00"), b.refunded(ctx, b.refund(charge, "90.00"))); err != nil {
		return fmt.Errorf("split, return, refund: %w", err)
	}
	whole, err := b.paid(ctx, "50.00")
	if err != nil {
		return err
	}
	last := b.split(whole, true, payment.Share{Account: two, Amount: b.money("5.00")})
	if err := b.handedOn(ctx, g, last, "5.00"); err != nil {
		return err
	}
	_, after := g.Split(ctx, b.split(whole, false, payment.Share{Account: two, Amount: b.money("1.00")}))
	return first(no("a split after the final one", after), b.moved(before, "45.00"))
}

func (b *bench) split(of payment.Key, final bool, shares ...payment.Share) payment.Split {
	return payment.Split{Key: b.key("spl"), Charge: of, Shares: shares, Final: final}
}

// handedOn carries out a split, twice under its key, and wants all shares there.
func (b *bench) handedOn(ctx context.Context, g payment.Splitter, p payment.Split, total string) error {
	for range 2 {
		if _, err := g.Split(ctx, p); err != nil {
			return fmt.Errorf("split of %s: %w", total, err)
		}
	}
	var there []payment.Share
	look := func() (st payment.Status, err error) { st, there, err = g.LookupSplit(ctx, p); return st, err }
	if err := b.ends(p.Key, payment.Done, b.money(total), look); err != nil {
		return err
	}
	for _, s := range p.Shares {
		if !slices.Contains(there, s) {
			return fmt.Errorf("of the shares %v have arrived %v", p.Shares, there)
		}
	}
	return nil
}

func payouts(ctx context.Context, b *bench) error {
	g, ok := b.Gateway.(payment.Payouter)
	if !ok {
		return b.gap("the gateway is no payment.Payouter")
	}
	if _, err := b.paid(ctx, "100.00"); err != nil {
		return err
	}
	before := b.balance()
	send := func(amount string, prepare func(payment.Key), want payment.Outcome) error {
		p := payment.Payout{Key: b.key("pay"), Account: b.Account, Amount: b.money(amount)}
		prepare(p.Key)
		for range 2 {
			if _, err := g.Payout(ctx, p); err != nil && !errors.Is(err, payment.ErrDeclined) {
				return fmt.Errorf("payout of %s: %w", amount, err)
			}
		}
		look := func() (payment.Status, error) { return g.LookupPayout(ctx, p) }
		if want != payment.Returned {
			return b.ends(p.Key, want, p.Amount, look)
		}
		if err := b.ends(p.Key, payment.Done, p.Amount, look); err != nil {
			return err
		}
		b.Advance(48 * time.Hour)
		return b.ends(p.Key, payment.Returned, p.Amount, look)
	}
	well := func(payment.Key) {}
	if err := send("40.00", func(k payment.Key) { b.Decline(k, "account_closed") }, payment.Declined); err != nil {
		return fmt.Errorf("a payout that fails: %w", err)
	}
	if err := first(b.moved(before, "0.00"), send("30.00", well, payment.Done), b.moved(before, "-30.00")); err != nil {
		return fmt.Errorf("a payout that is paid: %w", err)
	}
	if err := first(send("20.00", func(k payment.Key) { b.Fail(k, Bounces) }, payment.Returned), b.moved(before, "-30.00")); err != nil {
		return fmt.Errorf("a payout that comes back: %w", err)
	}
	return no("more than there is", send("1000000.00", well, payment.Done))
}
