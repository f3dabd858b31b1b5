package fee

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Binding is what a merchant's agreement says about fees. Without one a merchant
// has the standard schedule and no tier.
type Binding struct {
	platform.Head
	Merchant platform.ID `json:"merchant" class:"internal"`
	Schedule string      `json:"schedule,omitempty" class:"internal"` // name; if empty, the standard one
	Tier     string      `json:"tier,omitempty" class:"internal"`     // of the merchant, as rules know it
	By       platform.ID `json:"by" class:"internal"`
	At       time.Time   `json:"at" class:"internal"`
}

// Ref names the binding.
func (b Binding) Ref() platform.Ref { return platform.Ref{Kind: bindingKind, ID: b.ID} }

// Bind ties a merchant to a schedule and a tier.
type Bind struct {
	Merchant platform.ID `json:"merchant" validate:"required,id"`
	Schedule string      `json:"schedule,omitempty" validate:"text=40"` // name; if empty, the standard one
	Tier     string      `json:"tier,omitempty" validate:"text=40"`
	Reason   string      `json:"reason" validate:"required,text=64"` // a code: what was agreed
}

// Subject is the merchant's binding.
func (in Bind) Subject() platform.Ref {
	return platform.Ref{Kind: bindingKind, ID: in.Merchant.As("fbd")}
}

// Bind is what a merchant's orders are priced by from now on; orders that are
// placed keep what they have. Only operators may. A name under which nothing was
// published is fee.unknown.
func (s *Service) Bind(ctx context.Context, in Bind) (Binding, error) {
	b, err := s.bind(ctx, in)
	if platform.Code(err) == "exists" { // of two first ones at once the other was faster: this one follows it
		b, err = s.bind(ctx, in)
	}
	return b, err
}

func (s *Service) bind(ctx context.Context, in Bind) (Binding, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Binding, []platform.Change, error) {
		by, err := s.keeper(ctx)
		if err != nil {
			return Binding{}, nil, err
		}
		b, _, _, err := s.store.Bound(ctx, in.Merchant, platform.Ref{})
		if err != nil {
			return Binding{}, nil, err
		}
		if in.Schedule != "" && in.Schedule != s.terms.Standard.Name {
			named, err := s.store.Named(ctx, in.Schedule)
			if err != nil {
				return Binding{}, nil, err
			}
			if len(named) == 0 {
				return Binding{}, nil, platform.Wrong("schedule", errUnbound)
			}
		}
		b.ID, b.Merchant, b.Schedule, b.Tier, b.By, b.At = in.Merchant.As("fbd"), in.Merchant, in.Schedule, in.Tier, by.ID, s.w.Now()
		facts := map[string]any{"merchant": b.Merchant, "schedule": b.Schedule, "tier": b.Tier}
		return b, []platform.Change{platform.Put(b), platform.Happened("fee.bound", b.Ref(), facts).Because(in.Reason)}, nil
	})
}

// Standing is how a merchant's orders in one currency are priced.
type Standing struct {
	Binding Binding    `json:"binding"` // without id: the standard
	Now     Schedule   `json:"now"`
	Coming  []Schedule `json:"coming"` // published, and to start
}

// Standing tells a merchant, and those who may see all, by which schedule its
// orders are priced, and by which they will be.
func (s *Service) Standing(ctx context.Context, merchant platform.ID, currency platform.Currency) (Standing, error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return Standing{}, err
	}
	if s.reader(ctx) != nil && (by.Kind != platform.Merchant || by.For() != merchant) {
		return Standing{}, platform.NotFound(platform.Ref{Kind: bindingKind, ID: merchant.As("fbd")})
	}
	now := s.w.Now()
	priced, err := Quotes{Store: s.store, Terms: s.terms}.of(ctx, merchant, currency, now)
	if err != nil {
		return Standing{}, fmt.Errorf("fees of %s: %w", merchant, err)
	}
	return Standing{Binding: priced.binding, Now: priced.schedule, Coming: append([]Schedule{}, priced.coming...)}, nil
}
