package verification

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/liangding/platform"
)

// Checker asks somebody outside whether what a party handed in is true. It is
// never called inside a decision, and with one key as often as needed.
type Checker interface {
	// Start asks about a payload, for a requirement's kind. What comes back as an
	// error counts as [Unknown].
	Start(ctx context.Context, key, kind string, at platform.Place, payload platform.Sealed) (outcome string, err error)

	// LookUp tells what has become of a question.
	LookUp(ctx context.Context, key string) (outcome string, err error)
}

// Ties knows who brought a party here, where the standing does not say.
type Ties interface {
	// Introducer is empty when nobody did.
	Introducer(ctx context.Context, party platform.ID) (platform.ID, error)
}

// Ports are what the package needs of others; each may be nil.
type Ports struct {
	Sealer  platform.Sealer // without one, submissions with a number or fields are refused
	Checker Checker         // without one, what is to be checked goes to a person
	Ties    Ties            // without it, only those introducers are known that [Describe] told
}

// Terms are the numbers of the domain; zero fields have defaults.
type Terms struct {
	Draft    time.Duration     // until a draft is deleted; if zero, 30 days
	Review   int               // business days until a person has decided; if zero, 2
	Anew     time.Duration     // to prove anew what a changed fact reopened; if zero, 14 days
	Tries    int               // submissions of one requirement in 30 days; if zero, 10
	Waiver   time.Duration     // the longest; if zero, 180 days
	Calendar platform.Calendar // of business days
	Zone     *time.Location    // in which documents end where none is named; if nil, Asia/Shanghai
}

func (t Terms) ready() Terms {
	if t.Draft <= 0 {
		t.Draft = 30 * day
	}
	if t.Review <= 0 {
		t.Review = 2
	}
	if t.Anew <= 0 {
		t.Anew = 14 * day
	}
	if t.Tries <= 0 {
		t.Tries = 10
	}
	if t.Waiver <= 0 {
		t.Waiver = 180 * day
	}
	if t.Zone == nil {
		t.Zone = time.FixedZone("Asia/Shanghai", 8*60*60)
	}
	return t
}

// Options of a service; nil means defaults.
type Options struct{ Terms Terms }

// Service carries out the commands. It may be used by several goroutines at once.
type Service struct {
	w     platform.Writer
	db    platform.Getter
	ports Ports
	terms Terms
	known sync.Map // sets by their ids: they never change
}

// New is the service over an engine that knows [Kinds].
func New(w platform.Writer, db platform.Getter, ports Ports, opts *Options) *Service {
	if opts == nil {
		opts = &Options{}
	}
	return &Service{w: w.Ready(), db: db, ports: ports, terms: opts.Terms.ready()}
}

// visible is the rule of ownership: a party finds what is its own; operators,
// auditors and the system find everything.
func (s *Service) visible(ctx context.Context, party platform.ID, ref platform.Ref) (platform.Actor, error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return by, err
	}
	office := []platform.ActorKind{platform.Operator, platform.Auditor, platform.System}
	if by.For() != party && !slices.Contains(office, by.Kind) {
		return by, platform.NotFound(ref)
	}
	return by, nil
}

// allow refuses everybody but actors of these kinds.
func (s *Service) allow(ctx context.Context, kinds ...platform.ActorKind) error {
	by, err := s.w.Actor(ctx)
	if err == nil && !slices.Contains(kinds, by.Kind) {
		err = errActor
	}
	return err
}

var errActor = platform.Err(platform.ErrDenied, "verification.actor_not_allowed", "this kind of actor may not do that", "此类操作者无权执行")

// system is ctx in which the platform acts, for what follows a command's first
// step.
func (s *Service) system(ctx context.Context) context.Context {
	actor := platform.SystemActor("verification")
	actor.Tenant = s.w.Tenant
	return platform.As(platform.WithoutKey(context.WithoutCancel(ctx)), actor)
}

// submission reads a submission for whoever acts, with all that decides about its
// party, and the requirement that it is judged by: that of the version it was
// handed in under.
func (s *Service) submission(ctx context.Context, id platform.ID) (c Submission, b book, r Requirement, by platform.Actor, err error) {
	if c, err = platform.Read[Submission](ctx, s.db, submissionKind, id); err != nil {
		return
	}
	if by, err = s.visible(ctx, c.Party, c.Ref()); err != nil {
		return
	}
	if b, err = s.whole(ctx, c.Party); err != nil {
		return
	}
	sets, err := s.sets(ctx, c.Set)
	if err == nil {
		r, _ = sets[0].Requirement(c.Code)
	}
	if err == nil && b.Introducer == "" && s.ports.Ties != nil {
		b.Introducer, err = s.ports.Ties.Introducer(ctx, c.Party)
	}
	return c, b, r, by, err
}
