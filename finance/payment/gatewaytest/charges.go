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

func sameBody(ctx context.Context, b *bench) error {
	before, c := b.balance(), b.charge("100.00")
	answers, errs := make([]payment.Status, 8), make([]error, 8)
	inParallel(func(n int) { answers[n], errs[n] = b.Gateway.Charge(ctx, c) })
	var told []payment.Status
	for n, err := range errs {
		if err == nil {
			told = append(told, answers[n])
		} else if err := is("one of 8", err, payment.ErrRetryable, payment.ErrUnknownOutcome); err != nil {
			return err
		}
	}
	if len(told) == 0 {
		return fmt.Errorf("none of 8 was answered: %w", errors.Join(errs...))
	}
	if at := slices.IndexFunc(told, func(st payment.Status) bool { return st != told[0] }); at >= 0 {
		return fmt.Errorf("two answers for one key: %+v and %+v", told[0], told[at])
	}
	return first(b.done(ctx, c.Key, c.Amount), b.moved(before, "100.00"))
}

func otherBody(ctx context.Context, b *bench) error {
	c := b.charge("100.00")
	if _, err := b.Gateway.Charge(ctx, c); err != nil {
		return err
	}
	other := c
	other.Amount = b.money("99.99")
	_, err := b.Gateway.Charge(ctx, other)
	if err := first(is("the key with another amount", err, payment.ErrRefused), b.done(ctx, c.Key, c.Amount)); err != nil {
		return err
	}
	r := b.refund(c.Key, "10.00")
	if err := b.refunded(ctx, r); err != nil {
		return err
	}
	again := r
	again.Amount = b.money("10.01")
	_, err = b.Gateway.Refund(ctx, again)
	return first(is("the refund's key with another amount", err, payment.ErrRefused), b.done(ctx, r.Key, r.Amount))
}

func lostAnswer(ctx context.Context, b *bench) error { return b.unanswered(ctx, LostAfter) }

// unanswered wants a charge and a refund of which only the answer is missing to
// be unknown, and found.
func (b *bench) unanswered(ctx context.Context, f Fault) error {
	before, c := b.balance(), b.charge("100.00")
	b.Fail(c.Key, f)
	_, err := b.Gateway.Charge(ctx, c)
	if err := first(is("a charge that "+string(f), err, payment.ErrUnknownOutcome), b.done(ctx, c.Key, c.Amount)); err != nil {
		return err
	}
	r := b.refund(c.Key, "40.00")
	b.Fail(r.Key, f)
	_, err = b.Gateway.Refund(ctx, r)
	if err := first(is("a refund that "+string(f), err, payment.ErrUnknownOutcome), b.done(ctx, r.Key, r.Amount)); err != nil {
		return err
	}
	return b.moved(before, "60.00")
}

func lostRequest(ctx context.Context, b *bench) error {
	before, c := b.balance(), b.charge("100.00")
	b.Fail(c.Key, LostBefore)
	_, err := b.Gateway.Charge(ctx, c)
	if err := first(is("a charge that never arrived", err, payment.ErrUnknownOutcome), b.absent(ctx, c.Key)); err != nil {
		return err
	}
	if b.Gateway.Info().Final {
		b.Advance(2*time.Minute + time.Second)
		if err := b.absent(ctx, c.Key); err != nil {
			return err
		}
	}
	if _, err := b.Gateway.Charge(ctx, c); err != nil {
		return fmt.Errorf("the same charge again: %w", err)
	}
	return first(b.done(ctx, c.Key, c.Amount), b.moved(before, "100.00"))
}

func (b *bench) absent(ctx context.Context, k payment.Key) error {
	st, err := b.Gateway.Lookup(ctx, k)
	if err != nil || st.Outcome != payment.Absent {
		return fmt.Errorf("look up what never arrived: %s, %v", st.Outcome, err) //nolint:errorlint // told, not handed on
	}
	return nil
}

func brokenAnswer(ctx context.Context, b *bench) error {
	if err := b.unanswered(ctx, BrokenAfter); err != nil {
		return err
	}
	c := b.charge("100.00")
	b.Fail(c.Key, NotReached)
	_, err := b.Gateway.Charge(ctx, c)
	if err := first(is("a refused connection", err, payment.ErrRetryable), b.absent(ctx, c.Key)); err != nil {
		return err
	}
	if _, err := b.Gateway.Charge(ctx, c); err != nil {
		return fmt.Errorf("the same charge again: %w", err)
	}
	return b.done(ctx, c.Key, c.Amount)
}

func endedCtx(ctx context.Context, b *bench) error {
	over, end := context.WithCancel(ctx)
	end()
	c := b.charge("100.00")
	_, err := b.Gateway.Charge(over, c)
	if err := is("a charge in a ctx that is over", err, payment.ErrUnknownOutcome, payment.ErrRetryable); err != nil {
		return err
	}
	c = b.charge("100.00")
	b.Fail(c.Key, Hangs)
	running, leave := context.WithCancel(ctx)
	defer leave()
	answer := make(chan error, 1)
	go func() { _, err := b.Gateway.Charge(running, c); answer <- err }()
	if err := b.arrives(ctx, c.Key); err != nil {
		return err
	}
	leave()
	return first(is("a charge whose caller left", <-answer, payment.ErrUnknownOutcome), b.done(ctx, c.Key, c.Amount))
}

// arrives waits until the institution knows an operation.
func (b *bench) arrives(ctx context.Context, k payment.Key) error {
	patience, end := context.WithTimeout(ctx, time.Minute)
	defer end()
	for pause := time.NewTicker(time.Millisecond); ; {
		if st, err := b.Gateway.Lookup(ctx, k); err == nil && st.Outcome != payment.Absent {
			pause.Stop()
			return nil
		}
		select {
		case <-pause.C:
		case <-patience.Done():
			pause.Stop()
			return fmt.Errorf("%s never arrived", k)
		}
	}
}

func declines(ctx context.Context, b *bench) error {
	before := b.balance()
	for _, code := range append(slices.Clone(b.Codes), "never_heard_of") {
		c := b.charge("100.00")
		b.Decline(c.Key, code)
		st, err := b.Gateway.Charge(ctx, c)
		if err := is("a charge declined by "+code, err, payment.ErrDeclined); err != nil {
			return err
		}
		if st.Code != code {
			return fmt.Errorf("the code %q became %q", code, st.Code)
		}
		now, err := b.Gateway.Lookup(ctx, c.Key)
		if err != nil || now.Outcome != payment.Declined && now.Outcome != payment.Absent {
			return fmt.Errorf("look up what was declined: %s, %v", now.Outcome, err) //nolint:errorlint // told, not handed on
		}
	}
	if _, err := b.paid(ctx, "100.00"); err != nil {
		return fmt.Errorf("a charge after the declined ones: %w", err)
	}
	return b.moved(before, "100.00")
}

func amounts(ctx context.Context, b *bench) error {
	carried := 0
	for _, amount := range []platform.Money{
		platform.MustMoney("1", "JPY"), platform.MustMoney("1234567", "JPY"),
		platform.MustMoney("0.01", "CNY"), platform.MustMoney("1234567.89", "CNY"), platform.MustMoney("10.01", "USD"),
		platform.MustMoney("1.230", "KWD"), platform.MustMoney("1.234", "KWD"),
	} {
		c := b.charge("1.00")
		c.Amount = amount
		_, err := b.Gateway.Charge(ctx, c)
		if err == nil {
			err = b.done(ctx, c.Key, amount)
			carried++
		} else {
			err = first(is(amount.String(), err, payment.ErrUnrepresentable), b.absent(ctx, c.Key))
		}
		if err != nil {
			return err
		}
	}
	if carried == 0 {
		return errors.New("no amount of CNY, USD, JPY or KWD is taken")
	}
	for _, amount := range []platform.Money{b.money("0.00"), b.money("-1.00"), {}} {
		c := b.charge("1.00")
		c.Amount = amount
		if _, err := b.Gateway.Charge(ctx, c); !errors.Is(err, payment.ErrRefused) {
			return fmt.Errorf("a charge of %q: got %w, want %w", amount, err, payment.ErrRefused)
		}
	}
	return nil
}
