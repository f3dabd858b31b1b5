package dispatch

import (
	"context"
	"errors"

	"github.com/liangding/platform"
)

// Publish makes assignments follow their order, whose events it takes from the
// relay: it is a store.Sink. Whoever starts the order is at work, or everybody in
// its seats when it is the merchant who starts; with the delivery all are done.
// Members then need not tell each step of their own. Other events are passed
// over, and one that comes twice or late changes nothing.
//
// The commands are dispatch.follow, of the platform itself.
func (s *Service) Publish(ctx context.Context, events []platform.Event) error {
	for _, e := range events {
		var verb string
		switch e.Type {
		case "order.started":
			verb = "begin"
		case "order.delivered", "order.completed":
			verb = "finish"
		default:
			continue
		}
		if err := s.follow(s.system(ctx), e, verb); err != nil {
			return err
		}
	}
	return nil
}

// follow moves the assignments that an event of their order concerns.
func (s *Service) follow(ctx context.Context, e platform.Event, verb string) error {
	for cursor := ""; ; {
		page, err := s.store.Assignments(ctx, Find{Order: e.Subject.ID, Limit: 500, Cursor: cursor})
		if err != nil {
			return err
		}
		for _, a := range page.Items {
			alone := verb == "begin" && e.Actor.Kind == platform.Staff && e.Actor.For() != a.Member
			if !a.State.Holds() || alone {
				continue
			}
			if err := s.lead(ctx, follow{a.ID}, verb, e); err != nil && !errors.Is(err, platform.ErrState) {
				return err
			}
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}

// follow moves one assignment after its order.
type follow struct{ Assignment platform.ID }

// Subject is the assignment.
func (f follow) Subject() platform.Ref { return assigned(f.Assignment) }

func (s *Service) lead(ctx context.Context, in follow, verb string, e platform.Event) error {
	_, err := s.act(ctx, in, func(_ context.Context, a Assignment, by platform.ActorKind) (Assignment, []platform.Change, error) {
		at := e.At
		if last := a.Steps[len(a.Steps)-1].At; last.After(at) {
			at = last // the member told a step meanwhile
		}
		next, err := a.take(verb, by, at)
		return next, nil, err
	})
	return err
}
