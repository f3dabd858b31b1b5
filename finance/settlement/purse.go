package settlement

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// Purse is a party's money in one currency, at one look: what it will have, what
// it cannot have yet and why, what it can, and what is on its way.
type Purse struct {
	Account   platform.ID    `json:"account"`
	Party     platform.ID    `json:"party"`
	Earned    platform.Money `json:"earned,omitzero"` // of orders that are not closed; absent if nobody can tell
	Held      []Held         `json:"held"`            // of what is owed, by reason
	Reserved  platform.Money `json:"reserved"`        // kept back
	Releases  []Coming       `json:"releases"`        // and when it comes free, the next 100
	Available platform.Money `json:"available"`       // goes out with the next payout, once a statement says so
	InTransit platform.Money `json:"in_transit"`      // sent, and not known to have arrived
	Debt      platform.Money `json:"debt"`            // what the party owes, set off before the next payout
	Waits     []string       `json:"waits"`           // codes of what keeps a payout from being planned now
}

// Held is money that is owed and cannot be paid, by the fact that holds it.
type Held struct {
	What   string         `json:"what"` // refund.approved, chargeback.held …; other for what is too long ago to be told apart
	Amount platform.Money `json:"amount"`
}

// Coming is reserved money, and when it comes free.
type Coming struct {
	At     time.Time      `json:"at"`
	Amount platform.Money `json:"amount"`
}

// Purse is the party's money, for itself, operators and auditors. It is put
// together from several reads, and true of a moment only while nothing moves.
func (s *Service) Purse(ctx context.Context, account platform.ID) (Purse, error) {
	a, err := s.Account(ctx, account)
	if err != nil {
		return Purse{}, err
	}
	p := Purse{Account: a.ID, Party: a.Party}
	currency, err := platform.ParseCurrency(a.Currency)
	if err != nil {
		return Purse{}, err
	}
	for _, role := range []struct {
		name string
		to   *platform.Money
	}{{"payable", &p.Available}, {"reserve", &p.Reserved}, {"receivable", &p.Debt}} {
		if *role.to, err = s.ports.Books.Free(ctx, role.name, "", a.Party, currency); err != nil {
			return Purse{}, fmt.Errorf("purse of %s: %w", a.ID, err)
		}
	}
	if s.ports.Earnings != nil {
		if p.Earned, err = s.ports.Earnings.Earned(ctx, a.Party, currency); err != nil {
			return Purse{}, fmt.Errorf("purse of %s: %w", a.ID, err)
		}
	}
	for _, fill := range []func(context.Context, Account, *Purse) error{s.transit, s.held, s.releases} {
		if err := fill(ctx, a, &p); err != nil {
			return Purse{}, fmt.Errorf("purse of %s: %w", a.ID, err)
		}
	}
	p.Waits, err = s.waits(ctx, a, p.Available)
	return p, err
}

// transit adds up what is in flight.
func (s *Service) transit(ctx context.Context, a Account, p *Purse) (err error) {
	if p.InTransit, err = p.Available.Sub(p.Available); err != nil {
		return err
	}
	page, err := platform.List[Payout](ctx, s.db, platform.Query{
		Kind: payoutKind, By: []string{"account", "planned"}, Equal: []any{a.ID}, Backward: true, Limit: pageSize,
	})
	for _, out := range page.Items {
		if err == nil && slices.Contains(inFlight, out.State) {
			p.InTransit, err = out.transit(p.InTransit)
		}
	}
	return err
}

// held sets out what open holds take of payable, by reason; what others of those
// holds take first is "other".
func (s *Service) held(ctx context.Context, a Account, p *Purse) error {
	ledger, posted, available := finance.StoreOn(s.db), a.counter("posted", "payable"), a.counter("available", "payable")
	values, err := s.counts(ctx, posted, available)
	if err != nil {
		return err
	}
	rest := -values[posted] - values[available] - p.InTransit.Minor()
	if rest == 0 {
		return nil
	}
	sums := map[string]int64{}
	for cursor := ""; rest > 0; {
		page, err := ledger.Holding(ctx, string(a.Party), cursor)
		if err != nil {
			return err
		}
		for _, h := range page.Items {
			legs := h.Legs
			if len(h.Parts) > 0 {
				legs = h.Rest
			}
			for _, l := range legs {
				if h.What != "payout.sent" && l.Role == "payable" && l.Party == a.Party && l.Amount.Currency() == p.Available.Currency() {
					sums[h.What] += l.Amount.Minor()
					rest -= l.Amount.Minor()
				}
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if rest > 0 {
		sums["other"] = rest
	}
	for what, minor := range sums {
		amount, err := platform.FromMinor(minor, p.Available.Currency())
		if err != nil {
			return err
		}
		p.Held = append(p.Held, Held{What: what, Amount: amount})
	}
	slices.SortFunc(p.Held, func(a, b Held) int { return strings.Compare(a.What, b.What) })
	return nil
}

func (s *Service) releases(ctx context.Context, a Account, p *Purse) error {
	page, err := platform.List[Reserve](ctx, s.db, platform.Query{
		Kind: reserveKind, By: []string{"party", "currency", "due"}, Equal: []any{a.Party, a.Currency}, Limit: 100,
	})
	for _, r := range page.Items {
		p.Releases = append(p.Releases, Coming{At: r.Due, Amount: r.Amount})
	}
	return err
}

// waits are the codes of all that stands against a payout of what is available.
func (s *Service) waits(ctx context.Context, a Account, free platform.Money) ([]string, error) {
	var codes []string
	l, err := s.opts.Terms.limits(free.Currency())
	if err != nil {
		return nil, err
	}
	note := func(err error) error {
		if err == nil || !ruled(err) && !errors.Is(err, ErrExists) {
			return err
		}
		if code := platform.Code(err); !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
		return nil
	}
	_, held := s.unheld(ctx, a.Party, s.w.Now())
	due, flying, unsaid := s.coming(ctx, a)
	if unsaid == nil {
		l.There, unsaid = s.there(ctx, a, flying)
	}
	if unsaid == nil {
		none, _ := free.Sub(free) // cannot overflow
		_, unsaid = Payout{}.of(free, due, none, l)
	}
	return codes, errors.Join(note(a.Payable(s.opts.Terms, s.w.Now())), note(held), note(unsaid))
}
