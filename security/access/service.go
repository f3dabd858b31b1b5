package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/liangding/platform"
)

// Options are all optional.
type Options struct {
	Rules *Rules // in force until others are published; if nil, Standard
	Known Known

	Person func(account platform.ID) platform.ID                                          // the natural person behind an account; if nil, each is its own
	Within func(ctx context.Context, on platform.Ref, scope platform.ID) (bool, error)    // whether a record belongs to a merchant or zone; if nil, none does
	Lawful func(ctx context.Context, act platform.Act) (pin []platform.Change, err error) // whether a look's purpose is lawful for its subject now; if nil, policy alone decides

	Grant    time.Duration // the longest term of a grant, and that of one without an end; if zero, 365 days
	Proposal time.Duration // a proposal that nobody activated lapses; if zero, 7 days
	Review   time.Duration // from one review of a grant to the next; if zero, 90 days
	Decide   time.Duration // time for a review, after which undecided grants lapse; if zero, 14 days
	Break    time.Duration // emergency access that names no time; if zero, 60 minutes, and 4 hours at most
	Uses     int           // looks of an emergency access that names no number; if zero, 5
	Alone    bool          // whether a requester may go ahead without a second person, and be reviewed afterwards
	Calendar platform.Calendar
}

// The most that emergency access can be given, and how long a request waits.
const (
	longestBreak = 4 * time.Hour
	mostUses     = 50
	mostReviewed = 2000 // grants in one campaign; those that were left out come next
)

// young is how old the index may be by which ordinary acts are decided.
const young = time.Second

// Service keeps the policy, grants, emergency access and reviews, and guards the
// commands of every domain by them. It may be used by several goroutines at once.
type Service struct {
	w    platform.Writer
	db   platform.DB
	opts Options

	standard *Policy // of the program's own rules
	index    atomic.Pointer[index]
	build    sync.Mutex
	refusals refusals
}

var (
	_ platform.Guard  = (*Service)(nil)
	_ platform.Ticker = (*Service)(nil)
)

// index is the policy in force, as it was known to be at a moment.
type index struct {
	policy  *Policy
	edition Edition
	at      time.Time
}

// New is the service over a store that was opened with [Kinds]. It guards its own
// commands, unless w has another guard. It fails with FieldErrors when the
// program's own rules do not compile.
func New(w platform.Writer, db platform.DB, opts *Options) (*Service, error) {
	s := &Service{w: w.Ready(), db: db}
	if opts != nil {
		s.opts = *opts
	}
	s.opts = s.opts.ready()
	var err error
	if s.standard, err = s.opts.Rules.Compile(s.opts.Known); err != nil {
		return nil, fmt.Errorf("compile the access rules: %w", err)
	}
	if s.w.Guard == nil {
		s.w.Guard = s
	}
	return s, nil
}

func (o Options) ready() Options {
	if o.Rules == nil {
		standard := Standard()
		o.Rules = &standard
	}
	if o.Person == nil {
		o.Person = func(account platform.ID) platform.ID { return account }
	}
	for _, field := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&o.Grant, 365 * 24 * time.Hour}, {&o.Proposal, 7 * 24 * time.Hour}, {&o.Review, 90 * 24 * time.Hour},
		{&o.Decide, 14 * 24 * time.Hour}, {&o.Break, time.Hour},
	} {
		if *field.value <= 0 {
			*field.value = field.standard
		}
	}
	if o.Uses <= 0 {
		o.Uses = 5
	}
	o.Break, o.Uses = min(o.Break, longestBreak), min(o.Uses, mostUses)
	return o
}

// current is the policy in force: read now, or known to have been a moment ago.
// A stored one that this program cannot read leaves the old one in force.
func (s *Service) current(ctx context.Context, fresh bool) (*index, error) {
	now := s.w.Now()
	if known := s.index.Load(); !fresh && known != nil && now.Sub(known.at).Abs() <= young {
		return known, nil
	}
	found, err := platform.Lookup(ctx, s.db, policyRef)
	if err != nil {
		return nil, err
	}
	var edition Edition
	if all, err := platform.Found[Edition](found, policyRef); err != nil {
		return nil, err
	} else if len(all) > 0 {
		edition = all[0]
	}
	next := &index{edition: edition, at: now}
	if next.policy, err = s.compiled(edition); err != nil {
		return nil, err
	}
	s.index.Store(next)
	return next, nil
}

// compiled is the policy of an edition. The known one is kept while it is the
// same, and where the program cannot read another; others are built by one caller
// at a time.
func (s *Service) compiled(edition Edition) (*Policy, error) {
	s.build.Lock()
	defer s.build.Unlock()
	known := s.index.Load()
	if known != nil && known.edition.Version == edition.Version {
		return known.policy, nil
	}
	policy := *s.standard
	if edition.Rules != nil {
		switch stored, err := edition.Rules.Compile(s.opts.Known); {
		case err == nil:
			policy = *stored
		case known != nil:
			return known.policy, nil
		default:
			if policy, err = mending(err); err != nil {
				return nil, err
			}
		}
	}
	policy.epoch = edition.Version
	return &policy, nil
}

// mending is the policy of a program that cannot read the stored one and knows no
// other: nothing is permitted, but that the system publishes one that it can.
func mending(fault error) (Policy, error) {
	p, err := Rules{Roles: []Role{{Name: string(platform.System), May: may("access.publish")}}}.Compile(Known{})
	if err != nil {
		return Policy{}, err
	}
	p.fault = fmt.Errorf("%w: %s", errBroken, fault.Error())
	return *p, nil
}

// Actor is the account as its grants make it now: a kind of actor, and the roles
// in force. A role that holds for a merchant or zone only is written as
// "role@scope". Authenticators call it at each request, so that power ends with
// its grant.
func (s *Service) Actor(ctx context.Context, account platform.ID, kind platform.ActorKind) (platform.Actor, error) {
	a := platform.Actor{ID: account, Kind: kind, Tenant: s.w.Tenant}
	grants, err := s.live(ctx, account)
	for _, g := range grants {
		a.Roles = append(a.Roles, g.held())
	}
	slices.Sort(a.Roles)
	return a, err
}

// live are the grants of an account that are in force now.
func (s *Service) live(ctx context.Context, account platform.ID) (live []Grant, err error) {
	now := s.w.Now()
	q := platform.Query{Kind: kindGrant, By: []string{"account", "state"}, Equal: []any{account, Active}, Limit: 500}
	page, err := platform.List[Grant](ctx, s.db, q)
	for _, g := range page.Items {
		if g.inForce(now) {
			live = append(live, g)
		}
	}
	return live, err
}

// who is somebody who acts, as the decisions of this package need to know.
type who struct {
	platform.Actor
	person platform.ID
	now    time.Time
	reason string
	opts   *Options
	index  *index
}

// who reads who acts in ctx, and by which policy.
func (s *Service) who(ctx context.Context, reason string) (who, error) {
	actor, err := s.w.Actor(ctx)
	if err != nil {
		return who{}, err
	}
	policy, err := s.current(ctx, true)
	return who{Actor: actor, person: s.opts.Person(actor.ID), now: s.w.Now(), reason: reason, opts: &s.opts, index: policy}, err
}

// reader refuses those who may not read this package's records.
func (s *Service) reader(ctx context.Context) error {
	by, err := s.w.Actor(ctx)
	if err == nil && by.Kind != platform.Operator && by.Kind != platform.Auditor && by.Kind != platform.System {
		err = errReader
	}
	return err
}

// record is a record with a table of moves.
type record[T any] interface {
	platform.Stored
	step(verb string, by who) (T, error)
	happened(what string, by who) platform.Change
	verbs(kind platform.ActorKind) []string
}

// step carries out a command that is one move of one record. What else would
// refuse it looks at the record after the move.
func step[C interface{ Subject() platform.Ref }, T record[T]](ctx context.Context, s *Service, in C, verb, reason string, also ...func(context.Context, who, T) error) (T, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (T, []platform.Change, error) {
		var none T
		by, err := s.who(ctx, reason)
		if err != nil {
			return none, nil, err
		}
		was, err := platform.Read[T](ctx, s.db, in.Subject().Kind, in.Subject().ID)
		if err != nil {
			return none, nil, err
		}
		next, err := was.step(verb, by)
		if err != nil {
			return none, nil, fmt.Errorf("%s %s: %w", verb, was.Ref(), err)
		}
		for _, refuses := range also {
			if err := refuses(ctx, by, next); err != nil {
				return none, nil, fmt.Errorf("%s %s: %w", verb, was.Ref(), err)
			}
		}
		return next, []platform.Change{platform.Put(next), next.happened(verb, by)}, nil
	})
}

// Allowed lists the moves that whoever acts in ctx could make on a grant, an
// emergency access or a campaign now, by the very code that makes them. Whether
// the actor's roles permit the command is [Service.Why].
func Allowed[T record[T]](ctx context.Context, s *Service, r T) (open []string, err error) {
	by, err := s.who(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, verb := range r.verbs(by.Kind) {
		if _, refused := r.step(verb, by); refused == nil {
			open = append(open, verb)
		}
	}
	return open, nil
}

// show reads a record for those who may.
func show[T any](ctx context.Context, s *Service, kind string, id platform.ID) (T, error) {
	if err := s.reader(ctx); err != nil {
		var none T
		if errors.Is(err, errReader) {
			err = platform.NotFound(platform.Ref{Kind: kind, ID: id})
		}
		return none, err
	}
	return platform.Read[T](ctx, s.db, kind, id)
}

// list reads a page of the records in a state, or of all, the newest first.
func list[T any](ctx context.Context, s *Service, kind string, state State, cursor string, limit int) (platform.Page[T], error) {
	if err := s.reader(ctx); err != nil {
		return platform.Page[T]{}, fmt.Errorf("list %s: %w", kind, err)
	}
	q := platform.Query{Kind: kind, Backward: true, Cursor: cursor, Limit: limit}
	if state != "" {
		q.By, q.Equal = []string{"state"}, []any{state}
	}
	return platform.List[T](ctx, s.db, q)
}
