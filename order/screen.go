package order

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Screen judges an order before it is placed. risk/screen.Service is one.
type Screen interface {
	// Screen returns allow, review or block, and the record of its decision,
	// which joins the set. The event has an id that a repeat under the same key
	// has too, and facts: customer, merchant, amount.
	Screen(ctx context.Context, ev platform.Event) (outcome string, changes []platform.Change, err error)
}

// What a screening says, and what an operator makes of a review.
const (
	allow    = "allow"
	review   = "review"
	block    = "block"
	cleared  = "cleared"
	rejected = "rejected"
)

type verdict struct {
	outcome string
	changes []platform.Change
}

// screen asks once for a verdict, outside the decision, since asking counts. The
// amount is the total that the customer sent: no other is placed, however the
// price moves in between.
func (s *Service) screen(ctx context.Context, by platform.Actor, id platform.ID, in Place, q Quote) (verdict, error) {
	data, err := json.Marshal(map[string]any{"customer": by.For(), "merchant": q.Merchant, "amount": in.Total, "lines": len(q.Lines)})
	if err != nil {
		return verdict{}, fmt.Errorf("screen order: %w", err)
	}
	event, err := s.eventID(ctx, "order.place")
	if err != nil {
		return verdict{}, err
	}
	outcome, changes, err := s.ports.Screen.Screen(ctx, platform.Event{
		ID: event, Type: "order.place", Subject: platform.Ref{Kind: "order", ID: id}, Actor: by, At: s.w.Now(), Data: data,
	})
	if err != nil {
		return verdict{}, fmt.Errorf("screen order: %w", err)
	}
	if !slices.Contains([]string{allow, review, block}, outcome) {
		return verdict{}, fmt.Errorf("screen order: outcome %q: %w", outcome, errScreening)
	}
	return verdict{outcome: outcome, changes: changes}, nil
}

// eventID is an id that depends on the command's key alone, if it has one.
func (s *Service) eventID(ctx context.Context, command string) (platform.ID, error) {
	key, err := platform.KeyOf(ctx)
	if err != nil {
		return "", err
	}
	if key == (platform.Key{}) {
		return s.w.NewRoot(ctx, "evt"), nil
	}
	sum := sha256.Sum256([]byte(command + "\x00" + key.Scope + "\x00" + key.Name))
	return platform.NewID("evt", time.Unix(0, 0), key.Slot(), binary.BigEndian.Uint64(sum[:8])), nil
}

// blocked is the trace of an order that never came to be.
func (p prepared) blocked(q Quote) platform.Change {
	return platform.Happened("order.blocked", platform.Ref{Kind: "order", ID: p.id}, facts{Customer: p.customer, Merchant: q.Merchant, Amount: q.Total})
}

// ClearReview ends the review that a screening asked for.
type ClearReview struct {
	Order   platform.ID `json:"order" validate:"required,id=ord"`
	Outcome string      `json:"outcome" validate:"required,oneof=allow reject"`
	Reason  string      `json:"reason" validate:"required,text=64"` // a code
}

// Subject is the order.
func (in ClearReview) Subject() platform.Ref { return platform.Ref{Kind: "order", ID: in.Order} }

// ClearReview lets an order under review go on (it is confirmed if its money is
// there) or declines it, with its money back. Only operators may; an order that
// is not under review is order.not_clearable.
func (s *Service) ClearReview(ctx context.Context, in ClearReview) (Order, error) {
	refund := s.w.NewChild("rfd", in.Order)
	return onOrder(ctx, s, in, in.Order, func(ctx context.Context, o Order, by platform.Actor, at time.Time) (Order, []platform.Change, error) {
		if in.Outcome == "reject" {
			return s.reject(ctx, o, in, refund, by, at)
		}
		next, err := o.take("clear", by.Kind, at)
		if err != nil {
			return Order{}, nil, err
		}
		next.Screening = cleared
		if next, err = next.confirmed(at); err != nil {
			return Order{}, nil, err
		}
		events := []platform.Change{next.happened("review_cleared").Because(in.Reason)}
		if next.State == Confirmed {
			events = append(events, next.happened("confirmed"))
		}
		return next, events, nil
	})
}

func (s *Service) reject(ctx context.Context, o Order, in ClearReview, refund platform.ID, by platform.Actor, at time.Time) (Order, []platform.Change, error) {
	next, err := o.take("reject", by.Kind, at)
	if err != nil {
		return Order{}, nil, err
	}
	next.Screening, next.EndedAt = rejected, at
	changes, err := s.unask(ctx, o)
	if err != nil {
		return Order{}, nil, err
	}
	next, back, err := s.giveBack(ctx, next.letGo(), next.refundAll(refund, "declined", at), at)
	if err != nil {
		return Order{}, nil, err
	}
	return next, append(append(changes, back...), next.happened("declined").Because(in.Reason)), nil
}
