package staff

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Bar keeps a member away from the orders of a party: a customer or merchant
// who asked for it, the person's own account, a relative's.
type Bar struct {
	Member platform.ID `json:"member" validate:"required,id=stf"`
	Party  platform.ID `json:"party" validate:"required,id"`
	Reason string      `json:"reason" validate:"required,text=40"`
}

// Subject is the member.
func (b Bar) Subject() platform.Ref { return of(b.Member) }

// Bar changes nothing when the party is barred already. It fails with
// ErrTooMany beyond 200 parties.
func (s *Service) Bar(ctx context.Context, in Bar) (Member, error) {
	event := platform.Happened("staff.barred", in.Subject(), map[string]any{"party": in.Party}).Because(in.Reason)
	return s.amend(ctx, in, event, func(m Member, _ time.Time) (Member, error) {
		if slices.Contains(m.Bars, in.Party) {
			return m, nil
		}
		if len(m.Bars) >= most {
			return Member{}, fmt.Errorf("bar from member %s: %w", m.ID, ErrTooMany)
		}
		m.Bars = append(slices.Clone(m.Bars), in.Party)
		return m, nil
	})
}

// Unbar lets a member serve a party again.
type Unbar struct {
	Member platform.ID `json:"member" validate:"required,id=stf"`
	Party  platform.ID `json:"party" validate:"required,id"`
}

// Subject is the member.
func (u Unbar) Subject() platform.Ref { return of(u.Member) }

// Unbar changes nothing when the party is not barred.
func (s *Service) Unbar(ctx context.Context, in Unbar) (Member, error) {
	event := platform.Happened("staff.unbarred", in.Subject(), map[string]any{"party": in.Party})
	return s.amend(ctx, in, event, func(m Member, _ time.Time) (Member, error) {
		m.Bars = slices.DeleteFunc(slices.Clone(m.Bars), func(p platform.ID) bool { return p == in.Party })
		return m, nil
	})
}
