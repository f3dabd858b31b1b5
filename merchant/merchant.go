package merchant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Merchant is a party that sells on the platform. It is active only with an
// agreement in force and with nothing missing that blocks it.
type Merchant struct {
	platform.Head
	State       State       `json:"state" class:"public"`
	Name        string      `json:"name" class:"public"` // trade name
	Application platform.ID `json:"application" class:"internal"`
	Agreement   platform.ID `json:"agreement" class:"internal"`        // offered, or in force
	Prior       State       `json:"prior,omitempty" class:"internal"`  // what Restore brings back
	Reason      string      `json:"reason,omitempty" class:"internal"` // code of the suspension
	ActiveSince time.Time   `json:"active_since,omitzero" class:"public"`
	Due         time.Time   `json:"due,omitzero" class:"internal"` // when it lapses, unless something happens
}

// Ref names the merchant.
func (m Merchant) Ref() platform.Ref { return platform.Ref{Kind: kindMerchant, ID: m.ID} }

// Open lists the moves that a kind of actor may make now.
func (m Merchant) Open(by platform.ActorKind) []string { return merchantMoves.Open(m.State, by) }

var merchantMoves = platform.Moves[State]{
	{Verb: "approve", From: []State{""}, To: Approved, By: []platform.ActorKind{platform.Operator}, Refusal: errNotApprovable},
	{Verb: "sign", From: []State{Approved}, To: Onboarding, By: []platform.ActorKind{platform.Merchant}, Refusal: errNotJoinable},
	{Verb: "activate", From: []State{Onboarding}, To: Active, By: []platform.ActorKind{platform.Operator, platform.System}, Refusal: errNotActivatable},
	{Verb: "suspend", From: []State{Active}, To: Suspended, By: []platform.ActorKind{platform.Operator, platform.System}, Refusal: errNotSuspendable},
	{Verb: "restore", From: []State{Suspended}, By: []platform.ActorKind{platform.Operator, platform.System}, Refusal: errNotRestorable}, // to Prior
	{Verb: "lapse", From: []State{Approved, Onboarding}, To: Lapsed, By: []platform.ActorKind{platform.System}, Refusal: errNotLapsable},
}

// merchant is what an approved application becomes, to sign until due.
func (a Application) merchant(agreement platform.ID, by platform.Actor, due time.Time) (Merchant, error) {
	state, err := merchantMoves.Take("", "approve", by.Kind)
	return Merchant{
		Head: platform.Head{ID: a.Merchant}, State: state, Name: a.Profile.Name,
		Application: a.ID, Agreement: agreement, Due: due,
	}, err
}

// May returns nil when the merchant has the capability: an active one may
// "list" and "sell". Otherwise it fails with [ErrNotActive], the state in the
// details; another capability is an ErrState, code merchant.capability_closed.
func (m Merchant) May(capability string) error {
	switch {
	case capability != "sell" && capability != "list":
		return fmt.Errorf("%s by %s: %w", capability, m.ID, errCapability)
	case m.State != Active:
		return platform.Detail(fmt.Errorf("%s by %s: %w", capability, m.ID, ErrNotActive), "state", string(m.State))
	}
	return nil
}

// Activate is the merchant once nothing blocks it. After its due time it fails
// with [ErrLapsed].
func (m Merchant) Activate(by platform.Actor, at time.Time) (Merchant, error) {
	state, err := merchantMoves.Take(m.State, "activate", by.Kind)
	switch {
	case err != nil:
		return Merchant{}, err
	case !at.Before(m.Due):
		return Merchant{}, ErrLapsed
	}
	m.State, m.ActiveSince, m.Due = state, at, time.Time{}
	return m, nil
}

// Suspend is the merchant without its capabilities; its listings, orders and
// money stay as they are.
func (m Merchant) Suspend(reason string, by platform.Actor) (Merchant, error) {
	state, err := merchantMoves.Take(m.State, "suspend", by.Kind)
	if err != nil {
		return Merchant{}, err
	}
	m.State, m.Prior, m.Reason = state, m.State, reason
	return m, nil
}

// Restore is the merchant exactly as it was before it was suspended.
func (m Merchant) Restore(by platform.Actor) (Merchant, error) {
	if _, err := merchantMoves.Take(m.State, "restore", by.Kind); err != nil {
		return Merchant{}, err
	}
	m.State, m.Prior, m.Reason = m.Prior, "", ""
	return m, nil
}

// met asks what still blocks the merchant. An answer of no is an ErrState.
func (s *Service) met(ctx context.Context, m Merchant, at time.Time) ([]platform.Change, error) {
	return s.proved(ctx, m, "sell", at)
}

// proved is nil, with the changes that this relies on, unless something that the
// merchant has to prove blocks the capability.
func (s *Service) proved(ctx context.Context, m Merchant, capability string, at time.Time) ([]platform.Change, error) {
	if s.ports.Requirements == nil {
		return nil, nil
	}
	return s.ports.Requirements.Met(ctx, m.ID, capability, at)
}

// mayList is [Merchant.May] for listings, and what the merchant has to prove.
func (s *Service) mayList(ctx context.Context, m Merchant, at time.Time) ([]platform.Change, error) {
	if err := m.May("list"); err != nil {
		return nil, err
	}
	return s.proved(ctx, m, "list", at)
}

// settled is the merchant, active if nothing blocks it any more and otherwise
// as it is, with the changes that the answer relies on.
func (s *Service) settled(ctx context.Context, m Merchant, at time.Time) (Merchant, []platform.Change, error) {
	checks, err := s.met(ctx, m, at)
	if errors.Is(err, platform.ErrState) {
		return m, nil, nil
	}
	if err != nil {
		return Merchant{}, nil, err
	}
	next, err := m.Activate(platform.SystemActor("merchant"), at)
	if err != nil {
		return Merchant{}, nil, err
	}
	return next, append(checks, platform.Happened("merchant.activated", m.Ref(), nil)), nil
}

// Activate lets a merchant sell that has signed, once nothing is missing.
type Activate struct {
	Merchant platform.ID `json:"merchant" validate:"required,id=mer"`
}

// Subject is the merchant.
func (in Activate) Subject() platform.Ref { return platform.Ref{Kind: kindMerchant, ID: in.Merchant} }

// Activate makes an onboarding merchant active. While a requirement blocks it,
// it fails with what [Requirements] refuses with.
func (s *Service) Activate(ctx context.Context, in Activate) (Merchant, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Merchant, []platform.Change, error) {
		m, by, err := s.merchant(ctx, in.Merchant)
		if err != nil {
			return Merchant{}, nil, err
		}
		now := s.w.Now()
		next, err := m.Activate(by, now)
		if err != nil {
			return Merchant{}, nil, fmt.Errorf("activate %s: %w", m.ID, err)
		}
		checks, err := s.met(ctx, m, now)
		if err != nil {
			return Merchant{}, nil, fmt.Errorf("activate %s: %w", m.ID, err)
		}
		return next, append(checks, platform.Put(next), platform.Happened("merchant.activated", next.Ref(), nil)), nil
	})
}

// Suspend takes a merchant's capabilities away; Reason is a code.
type Suspend struct {
	Merchant platform.ID `json:"merchant" validate:"required,id=mer"`
	Reason   string      `json:"reason" validate:"required,text=64"`
}

// Subject is the merchant.
func (in Suspend) Subject() platform.Ref { return platform.Ref{Kind: kindMerchant, ID: in.Merchant} }

// Suspend keeps an active merchant from selling. Its listings disappear from
// [Service.Live] and cannot be ordered, and none of them is changed.
func (s *Service) Suspend(ctx context.Context, in Suspend) (Merchant, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Merchant, []platform.Change, error) {
		m, by, err := s.merchant(ctx, in.Merchant)
		if err != nil {
			return Merchant{}, nil, err
		}
		next, err := m.Suspend(in.Reason, by)
		if err != nil {
			return Merchant{}, nil, fmt.Errorf("suspend %s: %w", m.ID, err)
		}
		event := platform.Happened("merchant.suspended", next.Ref(), map[string]any{"prior": next.Prior})
		return next, []platform.Change{platform.Put(next), event.Because(in.Reason)}, nil
	})
}

// Restore ends a suspension.
type Restore struct {
	Merchant platform.ID `json:"merchant" validate:"required,id=mer"`
}

// Subject is the merchant.
func (in Restore) Subject() platform.Ref { return platform.Ref{Kind: kindMerchant, ID: in.Merchant} }

// Restore brings a suspended merchant back to exactly what it was before. It
// publishes nothing that was not live then.
func (s *Service) Restore(ctx context.Context, in Restore) (Merchant, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Merchant, []platform.Change, error) {
		m, by, err := s.merchant(ctx, in.Merchant)
		if err != nil {
			return Merchant{}, nil, err
		}
		next, err := m.Restore(by)
		if err != nil {
			return Merchant{}, nil, fmt.Errorf("restore %s: %w", m.ID, err)
		}
		event := platform.Happened("merchant.restored", next.Ref(), map[string]any{"state": next.State})
		return next, []platform.Change{platform.Put(next), event.Because(m.Reason)}, nil
	})
}
