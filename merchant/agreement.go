package merchant

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Template is a version of the agreement's text. A version that was offered
// must never change its text again: what was signed is known by its hash.
type Template struct {
	Version string    `json:"version"`
	Text    string    `json:"text"`
	From    time.Time `json:"from"` // offered from this moment on
}

// Hash is the SHA-256 of the text, in hex: what a signer confirms to have read.
func (t Template) Hash() string {
	sum := sha256.Sum256([]byte(t.Text))
	return hex.EncodeToString(sum[:])
}

// plain serves until a platform has an agreement of its own.
var plain = Template{
	Version: "1",
	Text: "The merchant offers services through the platform and carries them out as described in its listings. " +
		"The platform collects the customers' payments and pays them out after deduction of the fees in effect when the order was placed. " +
		"Either side may end this agreement with thirty days' notice; orders placed before then are carried out under it.",
}

// inEffect is the text with the latest From that has come. It fails with
// ErrState, code agreement.template_missing, when there is none yet.
func inEffect(sorted []Template, at time.Time) (Template, error) {
	for _, t := range slices.Backward(sorted) {
		if !at.Before(t.From) {
			return t, nil
		}
	}
	return Template{}, errTemplate
}

// Agreement fixes the rights and duties of platform and merchant (clause
// 3.1.3). A merchant has one in force at most.
type Agreement struct {
	platform.Head
	State     State       `json:"state" class:"internal"`
	Merchant  platform.ID `json:"merchant" class:"internal"`
	Template  string      `json:"template" class:"internal"` // version
	Hash      string      `json:"hash" class:"internal"`     // of the text
	OfferedAt time.Time   `json:"offered_at" class:"internal"`
	SignedAt  time.Time   `json:"signed_at,omitzero" class:"internal"`
	SignedBy  platform.ID `json:"signed_by,omitempty" class:"internal"`
	Due       time.Time   `json:"due,omitzero" class:"internal"` // to be signed before
}

// Ref names the agreement.
func (g Agreement) Ref() platform.Ref { return platform.Ref{Kind: kindAgreement, ID: g.ID} }

// Open lists the moves that a kind of actor may make now.
func (g Agreement) Open(by platform.ActorKind) []string { return agreementMoves.Open(g.State, by) }

var agreementMoves = platform.Moves[State]{
	{Verb: "offer", From: []State{""}, To: Pending, By: []platform.ActorKind{platform.Operator}, Refusal: errNotOfferable},
	{Verb: "sign", From: []State{Pending}, To: InForce, By: []platform.ActorKind{platform.Merchant}, Refusal: errNotSignable},
	{Verb: "end", From: []State{Pending}, To: Lapsed, By: []platform.ActorKind{platform.System}, Refusal: errNotEndable},
	{Verb: "end", From: []State{InForce}, To: Terminated, By: []platform.ActorKind{platform.System}, Refusal: errNotEndable},
}

// offer is the merchant's agreement as it is offered, to be signed before the
// merchant lapses.
func (m Merchant) offer(text Template, by platform.Actor, at time.Time) (Agreement, error) {
	state, err := agreementMoves.Take("", "offer", by.Kind)
	return Agreement{
		Head: platform.Head{ID: m.Agreement}, State: state, Merchant: m.ID,
		Template: text.Version, Hash: text.Hash(), OfferedAt: at, Due: m.Due,
	}, err
}

// Signer is the role that lets somebody who stands in for a merchant sign.
const Signer = "signer"

// Sign is the agreement in force. It fails with ErrDenied, code
// agreement.authority, when somebody stands in for the merchant without the role
// [Signer]; with ErrInvalid, code agreement.hash, when the text read is not the
// one offered; and with [ErrLapsed] after its due time.
func (g Agreement) Sign(hash string, by platform.Actor, at time.Time) (Agreement, error) {
	state, err := agreementMoves.Take(g.State, "sign", by.Kind)
	switch {
	case err != nil:
		return Agreement{}, err
	case by.ID != g.Merchant && !by.Has(Signer):
		return Agreement{}, errAuthority
	case hash != g.Hash:
		return Agreement{}, platform.Wrong("hash", errHash)
	case !at.Before(g.Due):
		return Agreement{}, ErrLapsed
	}
	g.State, g.SignedAt, g.SignedBy, g.Due = state, at, by.ID, time.Time{}
	return g, nil
}

// end is the agreement that binds nobody any more.
func (g Agreement) end(by platform.Actor) (Agreement, error) {
	state, err := agreementMoves.Take(g.State, "end", by.Kind)
	g.State, g.Due = state, time.Time{}
	return g, err
}

// sign is the merchant once its agreement is in force, due when it lapses
// unless it has become active.
func (m Merchant) sign(by platform.Actor, due time.Time) (Merchant, error) {
	state, err := merchantMoves.Take(m.State, "sign", by.Kind)
	m.State, m.Due = state, due
	return m, err
}

// Sign accepts an agreement. Hash is that of the text that the signer was shown.
type Sign struct {
	Agreement platform.ID `json:"agreement" validate:"required,id=agr"`
	Hash      string      `json:"hash" validate:"required,text=64"`
}

// Subject is the agreement.
func (in Sign) Subject() platform.Ref { return platform.Ref{Kind: kindAgreement, ID: in.Agreement} }

// Sign puts the agreement in force. The merchant is onboarding from then on, and
// in the same set active when nothing blocks it; see [Requirements]. Of several
// signers at once one succeeds.
func (s *Service) Sign(ctx context.Context, in Sign) (Agreement, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Agreement, []platform.Change, error) {
		g, m, by, err := s.agreement(ctx, in.Agreement)
		if err != nil {
			return Agreement{}, nil, err
		}
		now := s.w.Now()
		next, err := g.Sign(in.Hash, by, now)
		if err != nil {
			return Agreement{}, nil, fmt.Errorf("sign %s: %w", g.ID, err)
		}
		m, err = m.sign(by, now.Add(s.opts.OnboardFor))
		if err != nil {
			return Agreement{}, nil, fmt.Errorf("sign %s: %w", g.ID, err)
		}
		m, more, err := s.settled(ctx, m, now)
		if err != nil {
			return Agreement{}, nil, fmt.Errorf("sign %s: %w", g.ID, err)
		}
		facts := map[string]any{"merchant": m.ID, "version": g.Template, "hash": g.Hash}
		return next, append([]platform.Change{
			platform.Put(next), platform.Put(m),
			platform.Happened("agreement.signed", g.Ref(), facts), platform.Happened("agreement.in_force", g.Ref(), facts),
			platform.Happened("merchant.signed", m.Ref(), map[string]any{"agreement": g.ID}),
		}, more...), nil
	})
}

// agreement reads an agreement with its merchant, for whoever acts in ctx.
func (s *Service) agreement(ctx context.Context, id platform.ID) (Agreement, Merchant, platform.Actor, error) {
	g, err := s.store.Agreement(ctx, id)
	if err != nil {
		return Agreement{}, Merchant{}, platform.Actor{}, err
	}
	m, by, err := s.merchant(ctx, g.Merchant)
	if err != nil {
		return Agreement{}, Merchant{}, by, hidden(err, g.Ref())
	}
	return g, m, by, nil
}
