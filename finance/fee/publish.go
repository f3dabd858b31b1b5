package fee

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Draft is a schedule to be published by somebody else.
type Draft struct {
	Name       string            `json:"name"`
	Currency   platform.Currency `json:"currency,omitzero"`
	From       time.Time         `json:"from,omitzero"`
	Until      time.Time         `json:"until,omitzero"` // zero: until there is a next one
	Components []Component       `json:"components"`
}

// Draft keeps a schedule that applies to nothing yet. Only operators may. It
// fails with what [Schedule.Check] finds, with fee.currency without a currency,
// with fee.retroactive for one that would start in the past, and with fee.volume
// where nobody counts volumes.
func (s *Service) Draft(ctx context.Context, in Draft) (Schedule, error) {
	id := s.w.NewRoot(ctx, "fsc")
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Schedule, []platform.Change, error) {
		by, err := s.keeper(ctx)
		if err != nil {
			return Schedule{}, nil, err
		}
		d, err := in.schedule(id, by, s.w.Now(), s.terms)
		if err != nil {
			return Schedule{}, nil, err
		}
		return d, []platform.Change{platform.Put(d), platform.Happened("fee.drafted", d.Ref(), d.told())}, nil
	})
}

// schedule is the draft, with its defaults written out.
func (in Draft) schedule(id platform.ID, by platform.Actor, now time.Time, terms Terms) (Schedule, error) {
	state, err := schedules.Take("", "draft", by.Kind)
	if err != nil {
		return Schedule{}, err
	}
	d := Schedule{
		Head: platform.Head{ID: id}, Name: in.Name, State: state, Currency: in.Currency,
		From: in.From.UTC().Truncate(time.Microsecond), Until: in.Until, By: by.ID, At: now,
	}
	if !in.Until.IsZero() {
		d.Until = in.Until.UTC().Truncate(time.Microsecond)
	}
	for _, c := range in.Components {
		c.Payer, c.Per, c.Back, c.Rounding = or(c.Payer, Merchant), or(c.Per, Order), or(c.Back, ProRata), or(c.Rounding, platform.HalfEven)
		d.Components = append(d.Components, c)
	}
	if err := d.Check(); err != nil {
		return Schedule{}, err
	}
	switch {
	case d.Currency == platform.Currency(0):
		return Schedule{}, platform.Wrong("currency", ErrCurrency)
	case d.volumes() && !terms.Volumes:
		return Schedule{}, platform.Wrong("components", errVolume)
	}
	return d, d.timely(now, 0)
}

// Publish puts a draft on the course of its name.
type Publish struct {
	Schedule platform.ID `json:"schedule" validate:"required,id=fsc"`
}

// Subject is the schedule.
func (in Publish) Subject() platform.Ref { return platform.Ref{Kind: scheduleKind, ID: in.Schedule} }

// Publish makes a draft the next version of its name and currency, for ever. Only
// an operator may who did not draft it.
//
// It fails with ErrFourEyes, with ErrRetroactive or ErrNotice (FieldErrors) for
// one that starts too soon, with ErrOverlap when another version is in force
// then, with ErrGap when there would be none, and with fee.not_draft.
func (s *Service) Publish(ctx context.Context, in Publish) (Schedule, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Schedule, []platform.Change, error) {
		by, err := s.keeper(ctx)
		if err != nil {
			return Schedule{}, nil, err
		}
		draft, err := s.store.Schedule(ctx, in.Schedule)
		if err != nil {
			return Schedule{}, nil, err
		}
		course, err := s.course(ctx, draft.Name, draft.Currency)
		if err != nil {
			return Schedule{}, nil, err
		}
		course, next, err := course.publish(draft, by, s.w.Now(), s.terms.Notice, s.terms.first(draft.Name))
		if err != nil {
			return Schedule{}, nil, fmt.Errorf("publish schedule %s: %w", draft.ID, err)
		}
		return next, []platform.Change{platform.Put(course), platform.Put(next), platform.Happened("fee.published", next.Ref(), next.told())}, nil
	})
}

// Discard gives a draft up.
type Discard struct {
	Schedule platform.ID `json:"schedule" validate:"required,id=fsc"`
	Reason   string      `json:"reason" validate:"required,text=64"` // a code
}

// Subject is the schedule.
func (in Discard) Subject() platform.Ref { return platform.Ref{Kind: scheduleKind, ID: in.Schedule} }

// Discard ends a draft that will not be published. A published schedule stays.
func (s *Service) Discard(ctx context.Context, in Discard) (Schedule, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Schedule, []platform.Change, error) {
		by, err := s.keeper(ctx)
		if err != nil {
			return Schedule{}, nil, err
		}
		draft, err := s.store.Schedule(ctx, in.Schedule)
		if err != nil {
			return Schedule{}, nil, err
		}
		if draft.State, err = schedules.Take(draft.State, "discard", by.Kind); err != nil {
			return Schedule{}, nil, fmt.Errorf("discard schedule %s: %w", draft.ID, err)
		}
		return draft, []platform.Change{platform.Put(draft), platform.Happened("fee.discarded", draft.Ref(), draft.told()).Because(in.Reason)}, nil
	})
}
