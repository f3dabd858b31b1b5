package staff

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Terms are the limits of working time. A zero field has its default, a
// negative one means none.
type Terms struct {
	Grace  time.Duration // how far work may run past the end of a shift; if zero, 30 minutes
	Buffer time.Duration // free time before and after each booking, for travel; if zero, 30 minutes
	Day    time.Duration // most work on one local day; if zero, 10 hours
	Rest   time.Duration // unbroken rest in the 24 hours from the start of duty; if zero, 11 hours
}

func (t Terms) ready() Terms {
	for _, field := range []struct {
		value    *time.Duration
		standard time.Duration
	}{{&t.Grace, 30 * time.Minute}, {&t.Buffer, 30 * time.Minute}, {&t.Day, 10 * time.Hour}, {&t.Rest, 11 * time.Hour}} {
		if *field.value == 0 {
			*field.value = field.standard
		}
	}
	t.Grace, t.Buffer, t.Rest = max(t.Grace, 0), max(t.Buffer, 0), max(t.Rest, 0)
	if t.Day < 0 {
		t.Day = 25 * time.Hour // the longest local day
	}
	return t
}

// Ports are what the package needs of others.
type Ports struct {
	Sealer platform.Sealer // if nil, a name is refused with ErrNoSealer
}

// Options are all optional.
type Options struct {
	Terms Terms
}

// Service carries out the commands on members and zones. It may be used by
// several goroutines at once.
type Service struct {
	w     platform.Writer
	store Store
	ports Ports
	terms Terms
}

// New is the service over a store; nil opts mean defaults.
func New(w platform.Writer, store Store, ports Ports, opts *Options) *Service {
	if opts == nil {
		opts = &Options{}
	}
	return &Service{w: w.Ready(), store: store, ports: ports, terms: opts.Terms}
}

// Duty is the port for order/dispatch, over the service's own store and terms.
func (s *Service) Duty() Members { return Members{Store: s.store, Terms: s.terms} }

// named is a command that names its record.
type named interface{ Subject() platform.Ref }

func of(member platform.ID) platform.Ref { return platform.Ref{Kind: "staff.member", ID: member} }

// step carries out a command on one member that touches no other record.
func (s *Service) step(ctx context.Context, in named, event platform.Change, decide func(Member, platform.ActorKind) (Member, error)) (Member, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Member, []platform.Change, error) {
		actor, err := platform.ActorOf(ctx)
		if err != nil {
			return Member{}, nil, err
		}
		m, err := s.store.Member(ctx, in.Subject().ID)
		if err != nil {
			return Member{}, nil, err
		}
		if !m.visible(actor) {
			return Member{}, nil, platform.NotFound(m.Ref())
		}
		next, err := decide(m, actor.Kind)
		if err != nil {
			return Member{}, nil, err
		}
		return next, []platform.Change{platform.Put(next), event}, nil
	})
}

// amend carries out a command that changes what is known of a member, in any
// state but the last.
func (s *Service) amend(ctx context.Context, in named, event platform.Change, decide func(Member, time.Time) (Member, error)) (Member, error) {
	return s.step(ctx, in, event, func(m Member, by platform.ActorKind) (Member, error) {
		if _, err := moves.Take(m.State, "amend", by); err != nil {
			return Member{}, fmt.Errorf("member %s: %w", m.ID, err)
		}
		return decide(m, s.w.Now())
	})
}

// oversees tells whether the actor may see every record of the package.
func oversees(a platform.Actor) bool {
	return a.Kind == platform.Operator || a.Kind == platform.System || a.Kind == platform.Auditor
}
