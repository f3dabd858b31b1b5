package settlement

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// planPayout plans the payout of one account in a run.
type planPayout struct {
	Run     platform.ID `json:"run"`
	Account platform.ID `json:"account"`
}

// Subject is the account.
func (in planPayout) Subject() platform.Ref { return platform.Ref{Kind: accountKind, ID: in.Account} }

// errMore is when more became free than was screened.
var errMore = platform.Err(platform.ErrConflict, "payout.more", "more became free meanwhile", "可用余额已增加")

// planOne plans the payout of an account, or refuses with the reason why there is
// none. Screening counts, so it comes before the decision, and once for what is
// planned.
func (s *Service) planOne(ctx context.Context, r Run, account platform.ID) (p Payout, err error) {
	for range 4 {
		var v verdict
		if v, err = s.screen(ctx, r, account); err != nil {
			return Payout{}, err
		}
		p, err = platform.Update(ctx, s.w, planPayout{r.ID, account}, func(ctx context.Context) (Payout, []platform.Change, error) {
			p, set, err := s.draft(ctx, r, account)
			if err != nil {
				return Payout{}, nil, err
			}
			return v.apply(p, set)
		})
		switch code := platform.Code(err); {
		case code == "exists", code == "taken":
			return Payout{}, fmt.Errorf("plan payout of %s: %w", account, ErrExists)
		case code != "floor" && !errors.Is(err, errMore): // else a race for what is free
			return p, err
		}
	}
	return Payout{}, fmt.Errorf("plan payout of %s: %w", account, ErrShort)
}

// verdict is what screening said of an amount; the zero verdict lets all pass.
type verdict struct {
	outcome string
	most    platform.Money
	changes []platform.Change
}

func (s *Service) screen(ctx context.Context, r Run, account platform.ID) (verdict, error) {
	if s.ports.Screen == nil {
		return verdict{}, nil
	}
	p, _, err := s.draft(ctx, r, account)
	if err != nil {
		return verdict{}, err
	}
	facts, err := json.Marshal(map[string]any{"customer": p.Party, "merchant": p.Party, "amount": p.Amount})
	if err != nil {
		return verdict{}, err
	}
	by, err := s.w.Actor(ctx)
	if err != nil {
		return verdict{}, err
	}
	outcome, changes, err := s.ports.Screen.Screen(ctx, platform.Event{
		ID: p.ID.As("evt"), Type: "payout.plan", Subject: p.Ref(), Actor: by, At: s.w.Now(), Data: facts,
	})
	return verdict{outcome, p.Amount, slices.Clip(changes)}, err
}

// apply is the payout as screening lets it pass, or not.
func (v verdict) apply(p Payout, set []platform.Change) (Payout, []platform.Change, error) {
	if !v.most.Absent() {
		if over, err := p.Amount.Cmp(v.most); err != nil || over > 0 {
			return Payout{}, nil, fmt.Errorf("plan payout of %s: %w", p.Account, errors.Join(errMore, err))
		}
	}
	switch v.outcome {
	case "block":
		return Payout{}, v.changes, fmt.Errorf("plan payout of %s: %w", p.Account, ErrBlocked)
	case "review":
		if p.State == PayoutPlanned {
			p.State = PayoutReview
		}
	}
	return p, slices.Concat(set, v.changes, []platform.Change{platform.Put(p), p.happened("planned")}), nil
}

// draft is the payout that an account has coming in a run, and what belongs in
// the set beside it: what the decision relies on, and debts that are set off.
func (s *Service) draft(ctx context.Context, r Run, account platform.ID) (Payout, []platform.Change, error) {
	refuse := func(err error) (Payout, []platform.Change, error) {
		return Payout{}, nil, fmt.Errorf("plan payout of %s: %w", account, err)
	}
	now, id := s.w.Now(), PayoutID(account, r.ID)
	if _, err := read[Payout](ctx, s, payoutKind, id); !missing(err) {
		return refuse(errors.Join(ErrExists, err))
	}
	current, err := read[Run](ctx, s, runKind, r.ID)
	if err == nil && current.Planned {
		err = ErrRunOver
	}
	if err != nil {
		return refuse(err)
	}
	a, err := read[Account](ctx, s, accountKind, account)
	if err != nil {
		return refuse(err)
	}
	set := []platform.Change{platform.Unchanged(current), platform.Unchanged(a), platform.Delta(r.count(), 1, platform.Ref{Kind: payoutKind, ID: id})}
	if err := a.Payable(s.opts.Terms, now); err != nil {
		return refuse(err)
	}
	free, err := s.free(ctx, a)
	if err != nil {
		return refuse(err)
	}
	checks, err := s.unheld(ctx, a.Party, now)
	if err != nil {
		return refuse(err)
	}
	due, flying, err := s.coming(ctx, a)
	if err != nil {
		return refuse(err)
	}
	p := Payout{
		Head: platform.Head{ID: id}, Run: r.ID, Account: a.ID, Details: a.Details, Statement: a.Statement, Party: a.Party,
		State: PayoutPlanned, Institution: a.Institution, Payee: a.Payee, PlannedAt: now,
	}
	taken, offset, err := s.setOff(ctx, p, free, now)
	if err != nil {
		return refuse(err)
	}
	l, err := s.opts.Terms.limits(free.Currency())
	if err != nil {
		return refuse(err)
	}
	if l.There, err = s.there(ctx, a, flying); err != nil {
		return refuse(err)
	}
	if p, err = p.of(free, due, taken, l); err != nil {
		return refuse(err)
	}
	if p.State == PayoutCancelled {
		p.EndedAt = now
		return p, slices.Concat(set[:2], checks, offset), nil
	}
	p, exempt, err := s.withheld(ctx, p, a)
	if err != nil {
		return refuse(err)
	}
	set = append(set, exempt...)
	set = append(set, platform.Delta(r.sum(), p.Amount.Minor(), p.Ref()))
	return p, slices.Concat(set, checks, offset), nil
}

// of is the payout with its amount: what is free and due once debts were taken,
// and no more than the most, nor than lies where it is paid from. Less than the minimum is refused, unless debts were
// set off: that stands, as a payout of nothing.
func (p Payout) of(free, due, taken platform.Money, l limits) (Payout, error) {
	left, one := free.Sub(taken)
	due, two := due.Sub(taken)
	amount, three := least(left, due, l.Most, l.There)
	below, four := amount.Cmp(l.Minimum)
	if err := errors.Join(one, two, three, four); err != nil {
		return Payout{}, err
	}
	p.Amount = amount
	if taken.Sign() > 0 {
		p.SetOff = taken
	}
	switch {
	case below >= 0:
		return p, nil
	case taken.Sign() > 0:
		zero, err := taken.Sub(taken)
		p.State, p.Amount, p.Reason = PayoutCancelled, zero, "set_off"
		return p, err
	case !l.There.Absent() && l.There.Minor() < min(left.Minor(), due.Minor()):
		return Payout{}, ErrElsewhere
	case amount.Sign() <= 0:
		return Payout{}, ErrNothing
	}
	return Payout{}, ErrMinimum
}

// free is what may be taken from what is owed to the party: not what refunds,
// disputes or other payouts hold.
func (s *Service) free(ctx context.Context, a Account) (platform.Money, error) {
	currency, err := platform.ParseCurrency(a.Currency)
	if err != nil {
		return platform.Money{}, err
	}
	return s.ports.Books.Free(ctx, "payable", "", a.Party, currency)
}

// there is what lies where an account is paid from and no payout takes: of a party's
// own account at an institution what came there; absent where all else is paid from.
// What the platform itself paid of an order, or another system was paid, never came
// there: it stays owed.
func (s *Service) there(ctx context.Context, a Account, flying platform.Money) (platform.Money, error) {
	if !strings.HasSuffix(a.Institution, "."+string(a.Party)) {
		return platform.Money{}, nil
	}
	has, err := s.ports.Books.Free(ctx, "clearing", "", platform.ID(a.Institution), flying.Currency())
	if err != nil {
		return platform.Money{}, err
	}
	return has.Sub(flying)
}

// coming is what the last confirmed statement still promises: its closing, less
// what was taken since its end; and what payouts on their way take. It fails with
// ErrNothing without a statement, and with ErrExists while another payout was not
// sent.
func (s *Service) coming(ctx context.Context, a Account) (due, flying platform.Money, err error) {
	if a.Statement == "" {
		return due, flying, ErrNothing
	}
	st, err := read[Statement](ctx, s, statementKind, a.Statement)
	if err != nil {
		return due, flying, err
	}
	recent, err := platform.List[Payout](ctx, s.db, platform.Query{
		Kind: payoutKind, By: []string{"account", "planned"}, Equal: []any{a.ID}, Backward: true, Limit: pageSize,
	})
	if err != nil {
		return due, flying, err
	}
	due = st.Closing
	if flying, err = due.Sub(due); err != nil {
		return due, flying, err
	}
	for _, p := range recent.Items {
		if slices.Contains(unsent, p.State) {
			return due, flying, ErrExists
		}
		if slices.Contains(inFlight, p.State) && p.Institution == a.Institution {
			if flying, err = flying.Add(p.Amount); err != nil {
				return due, flying, err
			}
		}
		taken, err := p.since(st.To)
		if err == nil {
			due, err = due.Sub(taken)
		}
		if err != nil {
			return due, flying, err
		}
	}
	return due, flying, nil
}

// since is what the payout took, or will take, from payable after a moment.
func (p Payout) since(at time.Time) (platform.Money, error) {
	taken, err := p.Amount.Sub(p.Amount)
	if err == nil && (slices.Contains(inFlight, p.State) || p.State == PayoutPaid && !p.PaidAt.Before(at)) {
		taken, err = p.gross()
	}
	if err == nil && !p.SetOff.Absent() && !p.PlannedAt.Before(at) {
		taken, err = taken.Add(p.SetOff)
	}
	return taken, err
}

// unheld refuses a party to which nothing may be paid: its payable is locked, or
// another domain holds it. The changes belong in the set that relies on it.
func (s *Service) unheld(ctx context.Context, party platform.ID, at time.Time) ([]platform.Change, error) {
	_, locks, err := finance.StoreOn(s.db).Bars(ctx, finance.LockID(finance.Account{Role: "payable", Party: party}))
	if err != nil {
		return nil, err
	}
	var checks []platform.Change
	for _, l := range locks {
		if l.Out || l.Closed {
			return nil, ErrFrozen
		}
		checks = append(checks, platform.Unchanged(l))
	}
	if s.ports.Holds == nil {
		return checks, nil
	}
	more, err := s.ports.Holds.Held(ctx, party, at)
	if errors.Is(err, platform.ErrState) || errors.Is(err, platform.ErrDenied) {
		err = errors.Join(ErrFrozen, err)
	}
	return append(checks, more...), err
}

// setOff takes what the party owes the platform from what is free, at most all
// of it.
func (s *Service) setOff(ctx context.Context, p Payout, free platform.Money, at time.Time) (taken platform.Money, set []platform.Change, err error) {
	if taken, err = free.Sub(free); err != nil || free.Sign() <= 0 {
		return taken, nil, err
	}
	if s.ports.Debts != nil {
		return s.ports.Debts.SetOff(ctx, p.Party, p.Ref(), free, at)
	}
	owed, err := s.ports.Books.Free(ctx, "receivable", "", p.Party, free.Currency())
	if err != nil || owed.Sign() <= 0 {
		return taken, nil, err
	}
	if taken, err = least(owed, free); err != nil {
		return taken, nil, err
	}
	set, err = s.ports.Books.Post(ctx, "receivable.set_off", p.Ref(), at, []platform.Leg{
		{Role: "payable", Party: p.Party, Amount: taken},
		{Role: "receivable", Party: p.Party, Amount: taken.Neg()},
	})
	return taken, set, err
}
