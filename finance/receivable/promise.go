package receivable

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Promise is by when a debtor will have paid what.
type Promise struct {
	Parts []Instalment   `json:"parts" class:"internal"`
	Kept  int            `json:"kept,omitempty" class:"internal"` // parts
	Open  platform.Money `json:"open" class:"internal"`           // what was open when it was made
	By    platform.ID    `json:"by" class:"internal"`
	At    time.Time      `json:"at" class:"internal"`
}

// Instalment is a part of a promise.
type Instalment struct {
	On     time.Time      `json:"on" class:"internal" validate:"required"` // the day
	Amount platform.Money `json:"amount" class:"internal" validate:"required"`
}

// deadline is until when the next part may come.
func (p Promise) deadline(t Terms) time.Time {
	if p.Kept >= len(p.Parts) {
		return time.Time{}
	}
	return t.Calendar.AddDays(p.Parts[p.Kept].On.In(t.Zone), t.Grace).UTC()
}

// paid tells how many parts are paid while so much is open.
func (p Promise) paid(open platform.Money) (parts int) {
	came := minus(p.Open, open)
	for _, part := range p.Parts {
		came = minus(came, part.Amount)
		if came.Sign() < 0 {
			break
		}
		parts++
	}
	return parts
}

// promised is the claim with a promise.
func (i Item) promised(parts []Instalment, by platform.Actor, at time.Time, t Terms) (Item, error) {
	next, err := i.take("promise", by.Kind)
	if err != nil {
		return Item{}, err
	}
	if i.Broken >= t.Broken {
		return Item{}, fmt.Errorf("promise on receivable %s: %w", i.ID, ErrPromisesUsed)
	}
	last, left := at, i.Claimed()
	parts = slices.Clone(parts)
	for n, part := range parts {
		parts[n].On = t.day(part.On, 0)
		if !parts[n].On.After(last) || part.Amount.Sign() <= 0 || part.Amount.Currency() != left.Currency() {
			return Item{}, fmt.Errorf("promise on receivable %s: %w", i.ID, ErrPromise)
		}
		last, left = parts[n].On, minus(left, part.Amount)
	}
	if left.Sign() != 0 {
		return Item{}, fmt.Errorf("promise on receivable %s: %w", i.ID, ErrPromise)
	}
	next.Promise = &Promise{Parts: parts, Open: i.Open(), By: by.ID, At: at}
	next.Proposal = nil
	return next, nil
}

// judged is the claim once the deadline of a part of its promise is over: still
// promised, without its promise when all of it was kept, or with one broken
// promise more.
func (i Item) judged(at time.Time, t Terms) (next Item, broken bool, err error) {
	if i.State != Promised || i.Promise == nil || at.Before(i.Promise.deadline(t)) {
		return Item{}, false, fmt.Errorf("receivable %s: %w", i.ID, ErrNotDue)
	}
	p := *i.Promise
	switch paid := p.paid(i.Open()); {
	case paid == len(p.Parts): // what is open was not promised
		next, err = i.take("fulfil", platform.System)
		next.Promise = nil
		return next, false, err
	case paid > p.Kept:
		next, err = i.take("keep", platform.System)
		p.Kept = paid
		next.Promise = &p
		return next, false, err
	}
	if next, err = i.take("break", platform.System); err != nil {
		return Item{}, false, err
	}
	next.Broken++
	next.Promise, next.Hasten = nil, at
	return next, true, nil
}

// MakePromise says by when a claim will be paid.
type MakePromise struct {
	Item  platform.ID  `json:"item" validate:"required,id=rcv"`
	Parts []Instalment `json:"parts" validate:"min=1,max=6,dive" code:"receivable.promise"` // on rising days ahead
}

// Subject is the claim.
func (in MakePromise) Subject() platform.Ref {
	return platform.Ref{Kind: "receivable", ID: in.Item}
}

// MakePromise keeps a promise: dunning waits until a part is [Terms].Grace
// business days late. Then it goes on, one level higher. The debtor promises, or
// an operator who was told so.
//
// It fails with ErrNotFound for another party's claim, with ErrPromise unless the
// parts lie ahead on rising days and add up to what is owed and not disputed,
// with ErrPromisesUsed once too many were broken, and with ErrNotOpen.
func (s *Service) MakePromise(ctx context.Context, in MakePromise) (Item, error) {
	return s.onItem(ctx, in, in.Item, func(_ context.Context, i Item, by platform.Actor) (Item, []platform.Change, error) {
		next, err := i.promised(in.Parts, by, s.w.Now(), s.terms)
		if err != nil {
			return Item{}, nil, err
		}
		told := map[string]any{"open": i.Open(), "parts": len(in.Parts), "until": in.Parts[len(in.Parts)-1].On}
		return next, []platform.Change{platform.Happened("receivable.promised", i.Ref(), told)}, nil
	})
}
