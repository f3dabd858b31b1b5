package payment

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Splits books for orders and, in the same set, plans who gets what of the money
// that institutions hold: in funds mode [SplitFunds] it stands between the orders,
// or any other subject, and Books.
//
// What a fact order.completed or order.cancelled lets parties earn is handed to
// their accounts at the institution, from the payments that came first; the rest,
// the platform's fees, stays with the platform. With order.closed the charges end:
// what is left is unfrozen, and no split follows. What refund.approved takes from
// those who got shares is taken back from them; refund.withdrawn gives it to them
// again. What a payer's bank has taken for good, chargeback.lost or partly_lost, is
// taken back from those who bear it. Everything else is only booked.
//
// Where the account that takes a charge is a party's own ([Info.Owner]), it is the
// other way round: the shares are those of the others and of the platform ([Ours]),
// and what is unfrozen in the end is the owner's.
//
// What no such charge has, because the platform itself paid it or another system
// charged it, is not handed on: it stays payable. It may be used by several
// goroutines at once.
type Splits struct {
	Books    Books
	Store    Store
	Gateways []Gateway     // of those that are no [Splitter], nothing is handed on
	Hold     time.Duration // of what was earned, before it is handed on; if zero, none
	Keep     time.Duration // how long an institution keeps a charge before it lets go by itself; if zero, 180 days
}

var _ Books = Splits{}

// Ours is the platform as a receiver of shares, where charges come to the account of
// a party.
const Ours platform.ID = "platform"

// fees are the roles of what the platform earns.
var fees = []string{"commission", "cancel_fee", "revenue", "output_tax"}

// Post is that of Books, with the splits that follow.
func (p Splits) Post(ctx context.Context, what string, subject platform.Ref, at time.Time, legs []platform.Leg) ([]platform.Change, error) {
	changes, err := p.Books.Post(ctx, what, subject, at, legs)
	if err != nil {
		return nil, err
	}
	follow := map[string]func() ([]platform.Change, error){
		"order.completed":  func() ([]platform.Change, error) { return p.handOn(ctx, subject, legs, at) },
		"order.cancelled":  func() ([]platform.Change, error) { return p.handOn(ctx, subject, legs, at) },
		"order.closed":     func() ([]platform.Change, error) { return p.end(ctx, subject, at) },
		"refund.approved":  func() ([]platform.Change, error) { return p.takeBack(ctx, subject, legs, at) },
		"refund.withdrawn": func() ([]platform.Change, error) { return p.restore(ctx, subject, at) },

		"chargeback.lost":        func() ([]platform.Change, error) { return p.lost(ctx, subject, nil, at) },
		"chargeback.partly_lost": func() ([]platform.Change, error) { return p.lost(ctx, subject, legs, at) },
	}[what]
	if follow == nil {
		return changes, nil
	}
	more, err := follow()
	if err != nil {
		return nil, fmt.Errorf("split after %s of %s: %w", what, subject, err)
	}
	return append(changes, more...), nil
}

// splits tells whether shares of charges of an institution are handed on.
func (p Splits) splits(institution string) bool {
	return slices.ContainsFunc(p.Gateways, func(g Gateway) bool {
		_, can := g.(Splitter)
		return can && g.Info().Institution == institution
	})
}

// owner is whose account takes charges at an institution: ours, or a party's.
func (p Splits) owner(institution string) platform.ID {
	for _, g := range p.Gateways {
		if info := g.Info(); info.Institution == institution {
			return cmp.Or(info.Owner, Ours)
		}
	}
	return Ours
}

// refundFirst tells in which order an institution gives refunds and takes shares.
func (p Splits) refundFirst(institution string) bool {
	return slices.ContainsFunc(p.Gateways, func(g Gateway) bool {
		return g.Info().Institution == institution && g.Info().RefundFirst
	})
}

// charges are the payments of a subject that can be shared out, in the order in
// which they came.
func (p Splits) charges(ctx context.Context, subject platform.Ref) ([]Attempt, error) {
	found, err := p.Store.Found(ctx, asked(subject)...)
	if err != nil {
		return nil, err
	}
	var ids []platform.ID
	for _, i := range found.Intents {
		ids = append(ids, i.Paid...)
	}
	attempts, err := p.Store.Attempts(ctx, ids...)
	attempts = slices.DeleteFunc(attempts, func(a Attempt) bool {
		return a.State != AttemptCaptured || a.Foreign || a.Intent == "" || !p.splits(a.Institution) || a.unreturned().Sign() <= 0
	})
	slices.SortStableFunc(attempts, func(a, b Attempt) int { return a.EndedAt.Compare(b.EndedAt) })
	return attempts, err
}

// earned is what legs let parties earn, and the platform, in their order.
func earned(legs []platform.Leg) (all []Portion, err error) {
	for _, l := range legs {
		party := l.Party
		if slices.Contains(fees, l.Role) {
			party = Ours
		} else if l.Role != "earning" {
			continue
		}
		if l.Amount.Sign() >= 0 || party == "" {
			continue
		}
		i := slices.IndexFunc(all, func(p Portion) bool { return p.Party == party })
		if i < 0 {
			all = append(all, Portion{Party: party, Amount: l.Amount.Neg()})
		} else if all[i].Amount, err = all[i].Amount.Sub(l.Amount); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// handOn plans the shares of what was earned.
func (p Splits) handOn(ctx context.Context, subject platform.Ref, legs []platform.Leg, at time.Time) ([]platform.Change, error) {
	due, err := earned(legs)
	if err != nil || len(due) == 0 {
		return nil, err
	}
	charges, err := p.charges(ctx, subject)
	if err != nil {
		return nil, err
	}
	var changes []platform.Change
	for _, a := range charges {
		owner := p.owner(a.Institution)
		portions, rest, err := give(due, owner, a.unreturned())
		if err != nil {
			return nil, err
		}
		if due = rest; len(portions) == 0 {
			continue
		}
		h := p.of(a, "shares", at.Add(p.Hold))
		h.Portions = portions
		for _, s := range portions {
			if h.Amount, err = h.Amount.Add(s.Amount); err != nil {
				return nil, err
			}
		}
		changes = append(changes, platform.Put(h), h.event(), platform.Unchanged(a))
	}
	return changes, nil
}

// give shares an amount out, to the first first, and tells what is still due then.
// Its owner needs no share.
func give(due []Portion, owner platform.ID, left platform.Money) (given, rest []Portion, err error) {
	for _, want := range due {
		if want.Party == owner {
			rest = append(rest, want)
			continue
		}
		part := want
		switch over, err := want.Amount.Cmp(left); {
		case err != nil:
			return nil, nil, err
		case over > 0:
			part.Amount = left
		}
		if part.Amount.Sign() > 0 {
			given = append(given, part)
		}
		if left, err = left.Sub(part.Amount); err != nil {
			return nil, nil, err
		}
		if want.Amount, err = want.Amount.Sub(part.Amount); err != nil {
			return nil, nil, err
		}
		if want.Amount.Sign() > 0 {
			rest = append(rest, want)
		}
	}
	return given, rest, nil
}

// keep is how long an institution keeps a charge.
func (p Splits) keep() time.Duration { return cmp.Or(p.Keep, 180*24*time.Hour) }

// of is a new sharing of a charge, still of nothing.
func (p Splits) of(a Attempt, what string, due time.Time) Sharing {
	return Sharing{
		Head: platform.Head{ID: derived(a.ID, string(a.ID), what)}, Subject: a.Subject, Attempt: a.ID, Capture: a.Of != "",
		Institution: a.Institution, State: SharingPlanned, Amount: zero(a.Received), Released: a.EndedAt.Add(p.keep()), Operation: Operation{Due: due},
	}
}

// end plans the end of the charges of a subject.
func (p Splits) end(ctx context.Context, subject platform.Ref, at time.Time) ([]platform.Change, error) {
	charges, err := p.charges(ctx, subject)
	if err != nil || len(charges) == 0 {
		return nil, err
	}
	known, err := sharingsIn(ctx, p.Store, subject)
	if err != nil {
		return nil, err
	}
	s := sharingsOf(known)
	for _, a := range charges {
		h := p.of(a, "end", at)
		if h.Final = true; s.busy(h) {
			h.Due = time.Time{}
		}
		s.put(h, h.event(), platform.Unchanged(a))
	}
	return s.changes(), nil
}

// bearers are the roles out of which a refund takes what a party had.
var bearers = []string{"earning", "payable", "reserve", "deposit", "receivable"}

// takeBack asks for the shares that a refund takes from those who got them.
func (p Splits) takeBack(ctx context.Context, refund platform.Ref, legs []platform.Leg, at time.Time) ([]platform.Change, error) {
	i := slices.IndexFunc(legs, func(l platform.Leg) bool { return l.Role == "refund_due" })
	if i < 0 {
		return nil, nil
	}
	return p.collect(ctx, refund, platform.Ref{Kind: "order", ID: legs[i].Of}, legs, p.refundFirst, at)
}

// lost asks for the shares of those who bear what a payer's bank has taken for good;
// without legs, for all that was set aside for it.
func (p Splits) lost(ctx context.Context, chargeback platform.Ref, legs []platform.Leg, at time.Time) ([]platform.Change, error) {
	c, err := p.Store.Chargeback(ctx, chargeback.ID)
	if err != nil {
		return nil, err
	}
	if len(legs) == 0 {
		legs = c.Legs
	}
	return p.collect(ctx, chargeback, c.Subject, legs, func(string) bool { return false }, at)
}

// collect asks for shares of a subject, of each party what the legs take from it.
func (p Splits) collect(ctx context.Context, cause, subject platform.Ref, legs []platform.Leg, after func(institution string) bool, at time.Time) ([]platform.Change, error) {
	from := map[platform.ID]int64{}
	for _, l := range legs {
		switch {
		case l.Amount.Sign() <= 0:
		case slices.Contains(bearers, l.Role) && l.Party != "":
			from[l.Party] += l.Amount.Minor()
		case slices.Contains(fees, l.Role):
			from[Ours] += l.Amount.Minor()
		}
	}
	if len(from) == 0 {
		return nil, nil
	}
	known, err := sharingsIn(ctx, p.Store, subject)
	if err != nil || len(known) == 0 {
		return nil, err
	}
	s := sharingsOf(known)
	if err := s.takeBack(cause, from, 0, after, at); err != nil {
		return nil, err
	}
	return s.changes(), nil
}

// restore gives shares again whose refund was withdrawn.
func (p Splits) restore(ctx context.Context, refund platform.Ref, at time.Time) ([]platform.Change, error) {
	r, err := p.Store.Return(ctx, refund.ID.As("rtn"))
	if err != nil {
		return nil, err
	}
	known, err := sharingsIn(ctx, p.Store, r.Subject)
	if err != nil || len(known) == 0 {
		return nil, err
	}
	s := sharingsOf(known)
	if err := s.restore(refund, true, at); err != nil {
		return nil, err
	}
	return s.changes(), nil
}

// subAccount is under which name the books keep the clearing account of what a party
// has at an institution.
func subAccount(institution string, party platform.ID) platform.ID {
	return platform.ID(institution) + "." + party
}
