package verification

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

var _ platform.Ticker = (*Service)(nil)

// timer is the command that a deadline gives.
type timer struct {
	Record platform.Ref `json:"record"`
}

// Subject is the record.
func (in timer) Subject() platform.Ref { return in.Record }

// Tick does what is due at now, at most limit of it: drafts go, checkers are asked
// again, proofs expire, parties are reminded 60, 30 and 7 days before they do, and
// whose capabilities changed is told. New rules are applied to all parties.
func (s *Service) Tick(ctx context.Context, now time.Time, limit int) (int, error) {
	ctx = s.system(ctx)
	limit = platform.TickLimit(limit)
	fired, err := platform.Sweep(ctx, limit, func(cursor string) (platform.Page[Submission], error) {
		return due[Submission](ctx, s, submissionKind, now, cursor)
	}, func(c Submission) error { return s.fire(ctx, c, now) })
	if fired >= limit {
		return fired, err
	}
	n, failed := platform.Sweep(ctx, limit-fired, func(cursor string) (platform.Page[whose], error) {
		return due[whose](ctx, s, standingKind, now, cursor)
	}, func(st whose) error { return s.turn(ctx, st.Party.ID, now) })
	fired, err = fired+n, errors.Join(err, failed)
	for _, kind := range []platform.ActorKind{platform.Merchant, platform.Staff, platform.Customer} {
		if fired >= limit {
			break
		}
		n, failed := s.apply(ctx, kind, now, limit-fired)
		fired, err = fired+n, errors.Join(err, failed)
	}
	return fired, err
}

// whose is all that a tick has to know of a standing before it reads it again.
type whose struct {
	Party struct {
		ID platform.ID `json:"id"`
	} `json:"party"`
}

// apply evaluates those anew who were evaluated by older rules.
func (s *Service) apply(ctx context.Context, kind platform.ActorKind, now time.Time, limit int) (int, error) {
	rules, err := s.rules(ctx, kind)
	if err != nil || rules.Version == 0 {
		return 0, err
	}
	return platform.Sweep(ctx, limit, func(cursor string) (platform.Page[whose], error) {
		return platform.List[whose](ctx, s.db, platform.Query{Kind: standingKind, By: []string{"kind", "rules"}, Equal: []any{string(kind)}, Until: rules.Version, Limit: 200, Cursor: cursor})
	}, func(st whose) error { return s.turn(ctx, st.Party.ID, now) })
}

// fire does what a submission's due asks for.
func (s *Service) fire(ctx context.Context, c Submission, now time.Time) error {
	if c.State == Pending {
		_, err := s.ask(ctx, c)
		return err
	}
	_, err := platform.Update(ctx, s.w, timer{c.Ref()}, func(ctx context.Context) (platform.Ref, []platform.Change, error) {
		c, err := platform.Read[Submission](ctx, s.db, submissionKind, c.ID)
		if err == nil && (c.State != Draft || c.Due.After(now)) {
			err = errNotDue
		}
		if err != nil {
			return platform.Ref{}, nil, err
		}
		b, err := s.whole(ctx, c.Party)
		if err != nil {
			return platform.Ref{}, nil, err
		}
		gone := c.evidence()
		gone.State = Withdrawn
		_, set := b.with(gone).settled(now)
		event := platform.Happened("verification.lapsed", c.Ref(), map[string]any{"party": c.Party, "code": c.Code})
		return c.Ref(), append(set, platform.Remove(c), event), nil
	})
	return err
}

// turn brings a party's standing to now: what has ended expires, reminders go out
// once, and the answer is written.
func (s *Service) turn(ctx context.Context, party platform.ID, now time.Time) error {
	ref := platform.Ref{Kind: standingKind, ID: StandingID(party)}
	_, err := platform.Update(ctx, s.w, timer{ref}, func(ctx context.Context) (Standing, []platform.Change, error) {
		b, err := s.whole(ctx, party)
		if err == nil && (b.Due.IsZero() || b.Due.After(now)) && b.Rules >= b.rules.Version {
			err = fmt.Errorf("turn %s: %w", ref, errNotDue)
		}
		if err != nil {
			return Standing{}, nil, err
		}
		b.Party = b.Party.counted(b.sets, now)
		b, set := b.reminded(now)
		over, err := s.over(ctx, b, now)
		if err != nil {
			return Standing{}, nil, err
		}
		for _, c := range over {
			if c.State, err = Moves.Take(c.State, "expire", platform.System); err != nil {
				return Standing{}, nil, err
			}
			b = b.with(c.evidence())
			set = append(set, platform.Put(c), platform.Happened("verification.expired", c.Ref(), map[string]any{"party": c.Party, "code": c.Code}))
		}
		next, more := b.settled(now)
		set = append(set, more...)
		return next, append(set, platform.Happened("verification.evaluated", next.Ref(), map[string]any{"party": next.Party.ID, "next": next.Next})), nil
	})
	return err
}

// reminded is the book once all reminders that are due have gone out. Of several
// that are late the last alone is sent, and none once the proof has ended.
func (b book) reminded(now time.Time) (book, []platform.Change) {
	var set []platform.Change
	all := append([]Evidence(nil), b.Evidence...)
	for i, e := range all {
		sent := e.Reminded
		for at := b.reminder(e, now); !at.IsZero() && !at.After(now); at = b.reminder(e, now) {
			e.Reminded++
		}
		end := b.ends(e, now)
		if e.Reminded == sent {
			continue
		}
		all[i] = e
		if now.Before(end) {
			facts := map[string]any{"party": b.Party.ID, "code": e.Code, "submission": e.Submission, "days": int(ladder[e.Reminded-1] / day), "until": end}
			set = append(set, platform.Happened("verification.reminded", b.Ref(), facts))
		}
	}
	b.Evidence = all
	return b, set
}

// over are the verified submissions that have ended.
func (s *Service) over(ctx context.Context, b book, now time.Time) ([]Submission, error) {
	var ids []platform.ID
	for _, e := range b.Evidence {
		if end := b.ends(e, now); e.State == Verified && !end.IsZero() && !end.After(now) {
			ids = append(ids, e.Submission)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return platform.ReadAll[Submission](ctx, s.db, submissionKind, ids...)
}
