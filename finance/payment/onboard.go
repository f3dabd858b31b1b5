package payment

import (
	"cmp"
	"context"
	"fmt"

	"github.com/liangding/platform"
)

// Onboard has an institution open an account for a party.
type Onboard struct {
	Party       platform.ID `json:"party" validate:"required,max=30"`
	Institution string      `json:"institution" validate:"required,max=33"`
	Country     string      `json:"country" validate:"required,len=2,uppercase"`
	Email       string      `json:"email" validate:"required,email,max=254"` // told to the institution and kept nowhere
}

// Subject is the recipient.
func (in Onboard) Subject() platform.Ref { return recipientRef(in.Institution, in.Party) }

// Onboard applies for the account, once for a party and institution, and returns
// the recipient: ready at once, or asked with what the institution still needs; the
// holder gives it that behind the link of [Service.OnboardingLink], and Tick asks
// how it stands every day. Operators and the system may do so.
//
// It fails with ErrInstitution, and with ErrNoSplits for an institution that opens
// no accounts.
func (s *Service) Onboard(ctx context.Context, in Onboard) (Recipient, error) {
	g, err := s.onboarder(in.Institution)
	if err != nil {
		return Recipient{}, err
	}
	r, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (Recipient, []platform.Change, error) {
		r, err := s.recipient(ctx, in.Institution, in.Party)
		if err != nil {
			return Recipient{}, nil, err
		}
		if r.State == "" {
			r.State = RecipientAsked
		}
		return r, []platform.Change{platform.Put(r), r.event()}, nil
	})
	if err != nil || r.Account != "" {
		return r, err
	}
	call, cancel := context.WithTimeout(ctx, s.opts.Call)
	defer cancel()
	st, err := g.Apply(call, Application{Key: Key(r.ID), Country: in.Country, Email: in.Email})
	if err != nil {
		return r, fmt.Errorf("onboard %s: %w", r.ID, err)
	}
	return s.stand(ctx, r, st)
}

// OnboardingLink asks where the holder of a recipient's account goes on at the
// institution.
type OnboardingLink struct {
	Recipient platform.ID `json:"recipient" validate:"required,id=rcp"`
	Back      string      `json:"back" validate:"required,url,startswith=https://,max=500"` // the page of ours to which it leads back
}

// Subject is the recipient.
func (in OnboardingLink) Subject() platform.Ref {
	return platform.Ref{Kind: recipientKind, ID: in.Recipient}
}

// Link is an address of short life.
type Link struct {
	URL string `json:"url"`
}

// OnboardingLink returns the link, which is kept nowhere. It needs no key. Operators
// and the system may ask for it; it fails with ErrNotFound for a recipient that is
// not being onboarded.
func (s *Service) OnboardingLink(ctx context.Context, in OnboardingLink) (Link, error) {
	if err := cmp.Or(platform.Validate(in), platformOnly(ctx), s.allowed(ctx, "payment.onboardingLink", in.Subject())); err != nil {
		return Link{}, fmt.Errorf("link of %s: %w", in.Recipient, err)
	}
	r, err := s.Recipient(ctx, in.Recipient)
	if err == nil && r.Account == "" {
		err = platform.NotFound(r.Ref())
	}
	if err != nil {
		return Link{}, err
	}
	g, err := s.onboarder(r.Institution)
	if err != nil {
		return Link{}, err
	}
	call, cancel := context.WithTimeout(ctx, s.opts.Call)
	defer cancel()
	url, err := g.Link(call, r.Account, in.Back)
	return Link{URL: url}, err
}
