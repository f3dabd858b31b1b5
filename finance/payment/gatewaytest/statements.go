package gatewaytest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

// statements: what the suite did on two days, and nothing else, moved the
// balance, line by line.
func statements(ctx context.Context, b *bench) error {
	g, ok := b.Gateway.(payment.Statements)
	if !ok {
		return b.gap("the gateway is no payment.Statements")
	}
	from, before := b.Now(), b.balance()
	did := map[payment.Key]string{}
	for _, amount := range []string{"100.00", "20.00"} {
		charge, err := b.paid(ctx, amount)
		if err != nil {
			return err
		}
		r := b.refund(charge, "15.00")
		if err := b.refunded(ctx, r); err != nil {
			return err
		}
		did[charge], did[r.Key] = amount, "-15.00"
		b.Advance(24 * time.Hour)
	}
	if s, ok := b.Gateway.(payment.Splitter); ok {
		charge, err := b.paid(ctx, "50.00")
		if err != nil {
			return err
		}
		p := b.split(charge, true, payment.Share{Account: b.Receivers[0].Account, Amount: b.money("12.00")})
		if err := first(s.AddReceiver(ctx, b.Receivers[0]), b.handedOn(ctx, s, p, "12.00")); err != nil {
			return err
		}
		did[charge], did[p.Key] = "50.00", "-12.00"
	}
	after := b.balance()
	b.Advance(48 * time.Hour)
	lines, err := days(ctx, g, from, b.Now().Add(-24*time.Hour))
	if err != nil {
		return err
	}
	return explained(lines, before, after, did, b.money)
}

// explained wants lines to lead from one balance to another, with one for each
// operation that was made.
func explained(lines []payment.Line, before, after platform.Money, did map[payment.Key]string, money func(string) platform.Money) error {
	sum, ids := before, map[string]bool{}
	for _, l := range lines {
		if ids[l.ID] || l.ID == "" {
			return fmt.Errorf("two lines have the id %q", l.ID)
		}
		ids[l.ID] = true
		if net, err := l.Gross.Sub(l.Fee); err != nil || net != l.Net {
			return fmt.Errorf("line %s: %s less %s is not %s", l.ID, l.Gross, l.Fee, l.Net)
		}
		if want, known := did[l.Key]; known && l.Gross != money(want) {
			return fmt.Errorf("line %s says that %s moved %s, want %s", l.ID, l.Key, l.Gross, want)
		}
		delete(did, l.Key)
		var err error
		if sum, err = sum.Add(l.Net); err != nil {
			return err
		}
	}
	if len(did) > 0 {
		return fmt.Errorf("no line for %v", did)
	}
	if sum != after {
		return fmt.Errorf("the lines lead from %s to %s, the balance is %s", before, sum, after)
	}
	return nil
}

// days are the lines of all days from one to another, page by page.
func days(ctx context.Context, g payment.Statements, from, to time.Time) (all []payment.Line, err error) {
	for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
		for cursor := ""; ; {
			lines, next, err := g.Lines(ctx, day, cursor)
			if err != nil {
				return nil, fmt.Errorf("statement of %s: %w", day.Format(time.DateOnly), err)
			}
			if all = append(all, lines...); next == "" {
				break
			}
			cursor = next
		}
	}
	return all, nil
}

// insideDecision calls the gateway where a decision may run several times.
func insideDecision(ctx context.Context, b *bench) error {
	c := b.charge("1.00")
	for name, call := range map[string]func(context.Context){
		"Charge": func(ctx context.Context) { _, _ = b.Gateway.Charge(ctx, c) },
		"Refund": func(ctx context.Context) { _, _ = b.Gateway.Refund(ctx, b.refund(c.Key, "1.00")) },
		"Lookup": func(ctx context.Context) { _, _ = b.Gateway.Lookup(ctx, c.Key) },
	} {
		if !panics(ctx, call) {
			return fmt.Errorf("%s inside platform.Update goes out", name)
		}
	}
	return nil
}

// decision is a command that decides nothing.
type decision struct{}

// nowhere is a store that no decision reaches.
type nowhere struct{ platform.Committer }

func panics(ctx context.Context, call func(context.Context)) (panicked bool) {
	defer func() { panicked = recover() != nil }()
	ctx = platform.As(ctx, platform.SystemActor("gatewaytest"))
	_, _ = platform.Update(ctx, platform.Writer{Store: nowhere{}}, decision{}, func(ctx context.Context) (int, []platform.Change, error) {
		call(ctx)
		return 0, nil, errors.New("not inside a decision")
	})
	return false
}
