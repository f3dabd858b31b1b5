package merchant

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Listing is a service that a merchant offers (clause 2.2.2). It has one live
// revision and one draft at most; preparing and reviewing the draft never
// touches what is live.
type Listing struct {
	platform.Head
	State     State       `json:"state" class:"public"`
	Merchant  platform.ID `json:"merchant" class:"public"`
	Live      platform.ID `json:"live,omitempty" class:"public"`     // the revision that customers see
	Shown     Content     `json:"shown"`                             // its content
	Draft     platform.ID `json:"draft,omitempty" class:"internal"`  // the revision that is prepared, reviewed, or waits to go live
	Queued    time.Time   `json:"queued,omitzero" class:"internal"`  // since when the draft waits for a reviewer
	Revisions int         `json:"revisions" class:"internal"`        // so far
	Prior     State       `json:"prior,omitempty" class:"internal"`  // what Reinstate brings back
	Reason    string      `json:"reason,omitempty" class:"internal"` // code of the take-down
	Prices    []Price     `json:"prices,omitempty" class:"public"`   // oldest first; of the last 30 days and the one before
}

// Price is what a listing cost from a moment on.
type Price struct {
	From   time.Time      `json:"from"`
	Amount platform.Money `json:"amount"`
}

const (
	priceMemory = 30 * day
	maxPrices   = 100
)

// Ref names the listing.
func (l Listing) Ref() platform.Ref { return platform.Ref{Kind: kindListing, ID: l.ID} }

// Open lists the moves that a kind of actor may make now.
func (l Listing) Open(by platform.ActorKind) []string { return listingMoves.Open(l.State, by) }

var listingMoves = platform.Moves[State]{
	{Verb: "draft", From: []State{""}, To: Unlisted, By: []platform.ActorKind{platform.Merchant}, Refusal: errNotDraftable},
	{Verb: "go_live", From: []State{Unlisted, Live}, To: Live, By: []platform.ActorKind{platform.Merchant, platform.Operator, platform.System}, Refusal: errNotLiveable},
	{Verb: "go_live", From: []State{Paused}, To: Paused, By: []platform.ActorKind{platform.Merchant, platform.Operator, platform.System}, Refusal: errNotLiveable},
	{Verb: "pause", From: []State{Live}, To: Paused, By: []platform.ActorKind{platform.Merchant}, Refusal: errNotPausable},
	{Verb: "resume", From: []State{Paused}, To: Live, By: []platform.ActorKind{platform.Merchant}, Refusal: errNotResumable},
	{Verb: "take_down", From: []State{Unlisted, Live, Paused}, To: TakenDown, By: []platform.ActorKind{platform.Operator, platform.System}, Refusal: errNotTakedownable},
	{Verb: "reinstate", From: []State{TakenDown}, By: []platform.ActorKind{platform.Operator}, Refusal: errNotReinstateable}, // to Prior
}

func newListing(id platform.ID, by platform.Actor) (Listing, error) {
	state, err := listingMoves.Take("", "draft", by.Kind)
	return Listing{Head: platform.Head{ID: id}, State: state, Merchant: by.For()}, err
}

// GoLive is the listing with r in the place of what was live. A paused listing
// stays paused. It fails unless r is its approved draft.
func (l Listing) GoLive(r Revision, by platform.Actor, at time.Time) (Listing, error) {
	state, err := listingMoves.Take(l.State, "go_live", by.Kind)
	switch {
	case err != nil:
		return Listing{}, err
	case r.ID != l.Draft || r.State != Approved:
		return Listing{}, platform.Detail(errNotLiveable, "state", string(r.State))
	}
	l.State, l.Live, l.Draft, l.Shown = state, r.ID, "", r.Content
	l.Prices = priced(l.Prices, r.Content.Price, at)
	return l, nil
}

// priced is the history with a price from a moment on, without what ended more
// than 30 days before it.
func priced(history []Price, amount platform.Money, at time.Time) []Price {
	if n := len(history); n > 0 && history[n-1].Amount == amount {
		return history
	}
	history = append(slices.Clone(history), Price{From: at, Amount: amount})
	for len(history) > maxPrices || len(history) > 1 && history[1].From.Before(at.Add(-priceMemory)) {
		history = history[1:]
	}
	return history
}

// Lowest is the lowest price asked in the 30 days before now, in the currency
// of the present price: what a price that is shown as reduced must name. It is
// absent before the listing was ever live.
func (l Listing) Lowest(now time.Time) platform.Money {
	lowest := l.Shown.Price
	for i, p := range l.Prices {
		if i+1 < len(l.Prices) && !l.Prices[i+1].From.After(now.Add(-priceMemory)) {
			continue // it ended before
		}
		if c, err := p.Amount.Cmp(lowest); err == nil && c < 0 {
			lowest = p.Amount
		}
	}
	return lowest
}

// GoLive shows an approved draft to customers.
type GoLive struct {
	Listing platform.ID `json:"listing" validate:"required,id=lst"`
}

// Subject is the listing.
func (in GoLive) Subject() platform.Ref { return platform.Ref{Kind: kindListing, ID: in.Listing} }

// GoLive publishes a draft that was approved while its merchant was not active
// or its listing taken down. It fails with [ErrNotActive] as long as the former
// is so, and with ErrState, code listing.not_liveable, as long as the latter is
// or when no draft is approved.
func (s *Service) GoLive(ctx context.Context, in GoLive) (Listing, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Listing, []platform.Change, error) {
		l, by, err := s.listing(ctx, in.Listing)
		if err != nil {
			return Listing{}, nil, err
		}
		if l.Draft == "" {
			return Listing{}, nil, fmt.Errorf("go live %s: %w", l.ID, errNotLiveable)
		}
		m, r, former, err := s.store.Behind(ctx, l)
		if err != nil {
			return Listing{}, nil, err
		}
		now := s.w.Now()
		checks, err := s.mayList(ctx, m, now)
		if err != nil {
			return Listing{}, nil, fmt.Errorf("go live %s: %w", l.ID, err)
		}
		next, _, changes, err := l.publish(r, former, by, now)
		if err != nil {
			return Listing{}, nil, fmt.Errorf("go live %s: %w", l.ID, err)
		}
		return next, append(append(changes, checks...), platform.Unchanged(m)), nil
	})
}

// publish is the listing with r live, and the changes that make it so: both
// written, and the former revision, if there was one, superseded.
func (l Listing) publish(r, former Revision, by platform.Actor, at time.Time) (Listing, Revision, []platform.Change, error) {
	next, err := l.GoLive(r, by, at)
	if err != nil {
		return Listing{}, Revision{}, nil, err
	}
	if r.State, err = revisionMoves.Take(r.State, "go_live", by.Kind); err != nil {
		return Listing{}, Revision{}, nil, err
	}
	facts := map[string]any{"revision": r.ID, "former": l.Live, "price": r.Content.Price}
	changes := []platform.Change{platform.Put(next), platform.Put(r), platform.Happened("listing.live", l.Ref(), facts)}
	if l.Live == "" {
		return next, r, changes, nil
	}
	if former.State, err = revisionMoves.Take(former.State, "supersede", by.Kind); err != nil {
		return Listing{}, Revision{}, nil, err
	}
	return next, r, append(changes, platform.Put(former)), nil
}
