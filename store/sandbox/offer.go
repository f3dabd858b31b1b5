package sandbox

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

var (
	_ payment.Authorizer = (*Sandbox)(nil)
	_ payment.Splitter   = (*Sandbox)(nil)
	_ payment.Payouter   = (*Sandbox)(nil)
	_ payment.Onboarder  = (*Sandbox)(nil)
)

// Authorize implements [payment.Authorizer]. What it holds, it holds for 7 days.
func (s *Sandbox) Authorize(ctx context.Context, c payment.Charge) (payment.Status, error) {
	return s.take(ctx, c.Key, func() (operation, bool) {
		return operation{kind: authorizing, amount: c.Amount, method: c.Method}, c.Method != "" && c.Amount.Sign() > 0
	})
}

// Capture implements [payment.Authorizer].
func (s *Sandbox) Capture(ctx context.Context, c payment.Capture) (payment.Status, error) {
	return s.take(ctx, c.Key, func() (operation, bool) {
		of, ok := s.known(c.Of, authorizing)
		return operation{kind: capturing, of: of.key, amount: c.Amount, final: c.Final}, ok && c.Amount.Sign() > 0
	})
}

// Void implements [payment.Authorizer]. Its amount is what was authorised.
func (s *Sandbox) Void(ctx context.Context, v payment.Void) (payment.Status, error) {
	return s.take(ctx, v.Key, func() (operation, bool) {
		of, ok := s.known(v.Of, authorizing)
		return operation{kind: voiding, of: of.key, amount: of.amount}, ok
	})
}

// known is an operation of a kind.
func (s *Sandbox) known(k payment.Key, as kind) (operation, bool) {
	if o := s.operations[k]; o != nil && o.kind == as {
		return *o, true
	}
	return operation{}, false
}

// AddReceiver implements [payment.Splitter].
func (s *Sandbox) AddReceiver(ctx context.Context, r payment.Receiver) error {
	s.outside(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Account == "" {
		return fmt.Errorf("add a receiver without account: %w", payment.ErrRefused)
	}
	s.admit(r.Account)
	return nil
}

// Split implements [payment.Splitter].
func (s *Sandbox) Split(ctx context.Context, p payment.Split) (payment.Status, error) {
	return s.take(ctx, p.Key, func() (operation, bool) {
		of := s.charge(p.Charge, "")
		if p.Charge == "" || of == nil || len(p.Shares) == 0 && !p.Final {
			return operation{}, false
		}
		total, err := platform.FromMinor(0, of.amount.Currency())
		for _, share := range p.Shares {
			if err != nil || share.Amount.Sign() <= 0 {
				return operation{}, false
			}
			total, err = total.Add(share.Amount)
		}
		return operation{kind: splitting, of: of.key, amount: total, shares: slices.Clone(p.Shares), final: p.Final}, err == nil
	})
}

// ReturnSplit implements [payment.Splitter].
func (s *Sandbox) ReturnSplit(ctx context.Context, r payment.SplitReturn) (payment.Status, error) {
	return s.take(ctx, r.Key, func() (operation, bool) {
		of, ok := s.known(r.Split, splitting)
		return operation{kind: returning, of: of.key, account: r.Account, amount: r.Amount}, ok && r.Amount.Sign() > 0
	})
}

// LookupSplit implements [payment.Splitter].
func (s *Sandbox) LookupSplit(ctx context.Context, p payment.Split) (payment.Status, []payment.Share, error) {
	st, err := s.Lookup(ctx, p.Key)
	if err != nil || st.Outcome != payment.Done {
		return st, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.known(p.Key, splitting)
	if !ok {
		return payment.Status{Key: p.Key}, nil, fmt.Errorf("look up split %s: %w", p.Key, payment.ErrRefused)
	}
	return st, slices.Clone(o.arrived()), nil
}

// LookupReturn implements [payment.Splitter].
func (s *Sandbox) LookupReturn(ctx context.Context, r payment.SplitReturn) (payment.Status, error) {
	return s.Lookup(ctx, r.Key)
}

// Payout implements [payment.Payouter]. The bank takes a minute, and a payout
// that bounces is back after a day. A payee whose name is a method token makes it
// end as the token says.
func (s *Sandbox) Payout(ctx context.Context, p payment.Payout) (payment.Status, error) {
	return s.take(ctx, p.Key, func() (operation, bool) {
		return operation{kind: payingOut, account: p.Account, method: p.To, amount: p.Amount}, p.Amount.Sign() > 0
	})
}

// LookupPayout implements [payment.Payouter].
func (s *Sandbox) LookupPayout(ctx context.Context, p payment.Payout) (payment.Status, error) {
	return s.Lookup(ctx, p.Key)
}

// Apply implements [payment.Onboarder]. The account is open at once, under a
// name made of the key.
func (s *Sandbox) Apply(ctx context.Context, a payment.Application) (payment.Standing, error) {
	s.outside(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.Key == "" {
		return payment.Standing{}, fmt.Errorf("apply without key: %w", payment.ErrRefused)
	}
	account := "acct_" + string(a.Key)
	s.admit(account)
	return payment.Standing{Account: account, Receives: true, PaysOut: true}, nil
}

// Standing implements [payment.Onboarder].
func (s *Sandbox) Standing(ctx context.Context, account string) (payment.Standing, error) {
	s.outside(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.accounts[account] {
		return payment.Standing{}, fmt.Errorf("account %s: %w", account, payment.ErrRefused)
	}
	return payment.Standing{Account: account, Receives: true, PaysOut: true}, nil
}

// Link implements [payment.Onboarder]. Nothing is asked for behind it.
func (s *Sandbox) Link(ctx context.Context, account, back string) (string, error) {
	if _, err := s.Standing(ctx, account); err != nil {
		return "", err
	}
	return "https://sandbox.invalid/onboard/" + url.PathEscape(account) + "?back=" + url.QueryEscape(back), nil
}

// admit makes an account known, and keeps that.
func (s *Sandbox) admit(account string) {
	if s.accounts[account] {
		return
	}
	s.accounts[account] = true
	s.append(entry{Opened: account})
}
