package merchant

import (
	"context"
	"fmt"

	"github.com/liangding/platform"
)

// Pause takes a listing off the shelf for a while.
type Pause struct {
	Listing platform.ID `json:"listing" validate:"required,id=lst"`
}

// Subject is the listing.
func (in Pause) Subject() platform.Ref { return platform.Ref{Kind: kindListing, ID: in.Listing} }

// Pause is the listing while it cannot be ordered.
func (l Listing) Pause(by platform.Actor) (Listing, error) { return l.moved("pause", by) }

func (l Listing) moved(verb string, by platform.Actor) (Listing, error) {
	state, err := listingMoves.Take(l.State, verb, by.Kind)
	if err != nil {
		return Listing{}, err
	}
	l.State = state
	return l, nil
}

// Pause keeps a live listing from being ordered until it is resumed.
func (s *Service) Pause(ctx context.Context, in Pause) (Listing, error) {
	return s.shelve(ctx, in, "listing.paused", Listing.Pause)
}

// Resume puts a paused listing back.
type Resume struct {
	Listing platform.ID `json:"listing" validate:"required,id=lst"`
}

// Subject is the listing.
func (in Resume) Subject() platform.Ref { return platform.Ref{Kind: kindListing, ID: in.Listing} }

// Resume is the paused listing live again, with the revision that is live now.
func (l Listing) Resume(by platform.Actor) (Listing, error) { return l.moved("resume", by) }

// Resume puts a paused listing back on the shelf.
func (s *Service) Resume(ctx context.Context, in Resume) (Listing, error) {
	return s.shelve(ctx, in, "listing.resumed", Listing.Resume)
}

// TakeDown removes a listing from the shelf; Reason is the code of a rule.
type TakeDown struct {
	Listing platform.ID `json:"listing" validate:"required,id=lst"`
	Reason  string      `json:"reason" validate:"required,text=64"`
}

// Subject is the listing.
func (in TakeDown) Subject() platform.Ref { return platform.Ref{Kind: kindListing, ID: in.Listing} }

// TakeDown is the listing off the shelf, which remembers what it was.
func (l Listing) TakeDown(reason string, by platform.Actor) (Listing, error) {
	next, err := l.moved("take_down", by)
	if err != nil {
		return Listing{}, err
	}
	next.Prior, next.Reason = l.State, reason
	return next, nil
}

// TakeDown keeps a listing from being ordered until an operator reinstates it.
// Orders that were placed keep what they pinned.
func (s *Service) TakeDown(ctx context.Context, in TakeDown) (Listing, error) {
	return s.shelve(ctx, in, "listing.taken_down", func(l Listing, by platform.Actor) (Listing, error) {
		return l.TakeDown(in.Reason, by)
	})
}

// Reinstate ends a take-down.
type Reinstate struct {
	Listing platform.ID `json:"listing" validate:"required,id=lst"`
}

// Subject is the listing.
func (in Reinstate) Subject() platform.Ref { return platform.Ref{Kind: kindListing, ID: in.Listing} }

// Reinstate is the listing exactly as it was before it was taken down.
func (l Listing) Reinstate(by platform.Actor) (Listing, error) {
	next, err := l.moved("reinstate", by)
	if err != nil {
		return Listing{}, err
	}
	next.State, next.Prior, next.Reason = l.Prior, "", ""
	return next, nil
}

// Reinstate brings a listing back to what it was before it was taken down. A
// draft that was approved meanwhile waits for [Service.GoLive].
func (s *Service) Reinstate(ctx context.Context, in Reinstate) (Listing, error) {
	return s.shelve(ctx, in, "listing.restored", Listing.Reinstate)
}

// onListing is a command about one listing.
type onListing interface{ Subject() platform.Ref }

// shelve carries out a command that moves its listing and nothing else.
func (s *Service) shelve(ctx context.Context, in onListing, what string, move func(Listing, platform.Actor) (Listing, error)) (Listing, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Listing, []platform.Change, error) {
		l, by, err := s.listing(ctx, in.Subject().ID)
		if err != nil {
			return Listing{}, nil, err
		}
		next, err := move(l, by)
		if err != nil {
			return Listing{}, nil, fmt.Errorf("listing %s: %w", l.ID, err)
		}
		event := platform.Happened(what, l.Ref(), map[string]any{"from": l.State, "to": next.State})
		return next, []platform.Change{platform.Put(next), event.Because(next.Reason)}, nil
	})
}
