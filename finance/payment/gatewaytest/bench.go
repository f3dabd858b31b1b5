package gatewaytest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

// bench is an institution at work on one rule.
type bench struct {
	Institution
	gaps []string

	mu   sync.Mutex
	made uint64
}

// gap notes what cannot be checked.
func (b *bench) gap(what string) error {
	b.gaps = append(b.gaps, what)
	return nil
}

// key is a new key of an operation, as the service makes them.
func (b *bench) key(prefix string) payment.Key {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.made++
	return payment.Key(platform.NewID(prefix, b.Now(), platform.Slot(b.made), b.made))
}

func (b *bench) money(amount string) platform.Money {
	return platform.MustMoney(amount, cmp.Or(b.Currency, "CNY"))
}

func (b *bench) balance() platform.Money { return b.Balance(b.money("0.00").Currency()) }

// charge is a charge under a new key.
func (b *bench) charge(amount string) payment.Charge {
	return payment.Charge{Key: b.key("att"), Amount: b.money(amount), Method: b.Method, Subject: platform.Ref{Kind: "order", ID: platform.NewID("ord", b.Now(), 1, 1)}}
}

// refund is a refund of a charge under a new key.
func (b *bench) refund(of payment.Key, amount string) payment.Refund {
	return payment.Refund{Key: b.key("rtn"), Charge: of, Amount: b.money(amount)}
}

// paid is a new charge whose money is there.
func (b *bench) paid(ctx context.Context, amount string) (payment.Key, error) {
	c := b.charge(amount)
	if _, err := b.Gateway.Charge(ctx, c); err != nil {
		return "", fmt.Errorf("charge: %w", err)
	}
	return c.Key, b.done(ctx, c.Key, c.Amount)
}

// refunded is a refund whose money is back.
func (b *bench) refunded(ctx context.Context, r payment.Refund) error {
	if _, err := b.Gateway.Refund(ctx, r); err != nil {
		return fmt.Errorf("refund of %s: %w", r.Amount, err)
	}
	return b.done(ctx, r.Key, r.Amount)
}

// done brings an operation to its end, and wants it done with this amount.
func (b *bench) done(ctx context.Context, k payment.Key, amount platform.Money) error {
	return b.ends(k, payment.Done, amount, func() (payment.Status, error) { return b.Gateway.Lookup(ctx, k) })
}

// ends brings an operation to its end, and wants this one.
func (b *bench) ends(k payment.Key, want payment.Outcome, amount platform.Money, look func() (payment.Status, error)) error {
	st, err := b.settled(k, look)
	switch {
	case err != nil:
		return fmt.Errorf("look up %s: %w", k, err)
	case st.Outcome != want:
		return fmt.Errorf("%s is %s, want %s", k, st.Outcome, want)
	case want == payment.Done && st.Amount != amount:
		return fmt.Errorf("%s moved %s, want %s", k, st.Amount, amount)
	case st.Key != k:
		return fmt.Errorf("asked about %s, told about %s", k, st.Key)
	}
	return nil
}

// settled is how an operation stands once it waits for nobody.
func (b *bench) settled(k payment.Key, look func() (payment.Status, error)) (payment.Status, error) {
	for range 60 {
		st, err := look()
		if err != nil || st.Outcome != payment.NeedsAction && st.Outcome != payment.Pending && st.Outcome != payment.Absent {
			return st, err
		}
		if b.Settle != nil && st.Outcome != payment.Absent {
			b.Settle(k)
		}
		b.Advance(time.Minute)
	}
	return look()
}

// inParallel calls f eight times at once.
func inParallel(f func(n int)) {
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() { f(n) })
	}
	all.Wait()
}

// is wants an error to be one of these, and says what was tried.
func is(tried string, err error, want ...error) error {
	for _, w := range want {
		if errors.Is(err, w) {
			return nil
		}
	}
	return fmt.Errorf("%s: got %v, want %v", tried, err, errors.Join(want...)) //nolint:errorlint // told, not handed on
}

// no wants an operation to be refused or declined for good.
func no(tried string, err error) error {
	return is(tried, err, payment.ErrRefused, payment.ErrDeclined)
}

// first is the first error of several checks that were made in order.
func first(errs ...error) error { return cmp.Or(errs...) }

// moved wants the balance to be what it was, and this much more.
func (b *bench) moved(before platform.Money, amount string) error {
	want, err := before.Add(b.money(amount))
	if now := b.balance(); err == nil && now != want {
		return fmt.Errorf("the balance went from %s to %s, want %s", before, now, want)
	}
	return err
}
