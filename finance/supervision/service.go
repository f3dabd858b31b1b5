package supervision

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// Supervisor is the role of operators who supervise.
const Supervisor = "supervisor"

// Sanctions opens a case against somebody from a finding: a sanction of a
// merchant, a review of a member of staff.
type Sanctions interface {
	// OpenCase names the case, and returns the changes that make it.
	OpenCase(ctx context.Context, party platform.ID, finding platform.Ref, reason string) (platform.Ref, []platform.Change, error)
}

// Closes tells what a month was closed with.
type Closes interface {
	// Closed is the digest of the close of a month; empty while it is not closed
	// for good.
	Closed(ctx context.Context, month string) (string, error)
}

// Records shows an auditor a record: personal fields masked.
type Records interface {
	Masked(ctx context.Context, of platform.Ref) (json.RawMessage, error)
}

// Journals tells what a journal by hand has booked.
type Journals interface {
	// Booked are its legs; ErrState while it is not booked.
	Booked(ctx context.Context, journal platform.ID) ([]platform.Leg, error)
}

// Ports are the other rooms. A control whose source is nil cannot run, which is a
// finding. Without Sanctions a referral only says to whom it went; Books is
// needed to fix a cut-off, Closes to sample, Records for auditors, Journals to
// link adjustments, and Sections to make packs.
type Ports struct {
	Items   Source[Item]
	Waiting Source[Waiting]
	Pairs   Source[Pair]
	Payees  Source[Payee]
	Lines   Source[Line]
	Prices  Source[Price]

	Sanctions  Sanctions
	Books      Periods
	Closes     Closes
	Population Population
	Records    Records
	Journals   Journals
	Sections   Sections
}

// Periods are how far the books are closed. finance.Books is one.
type Periods interface {
	Periods(ctx context.Context) (finance.Periods, error)
}

// Terms are the rules of supervision.
type Terms struct {
	Hour     int           // of the day at which controls run; if zero, 3
	Late     time.Duration // a control that did not run so long after it was due is a finding; if zero, 24 hours
	Pages    int           // that one run may read; if zero, 400
	Owner    platform.ID   // whose a finding is until it is assigned; if empty, nobody's
	Plan     int           // business days in which a finding is planned, and verified; if zero, 3
	Low      int           // days in which a finding is fixed; if zero, 90
	Medium   int           // if zero, 30
	High     int           // if zero, 7
	Repeats  time.Duration // the same within it after a finding was closed is worse; if zero, 180 days
	Engaged  int           // days after the end of a year in which a firm is signed for its audit; if zero, 90
	Rotation int           // years that a partner may audit; if zero, 5
	Barred   []string      // roles that a supervisor must not hold; if nil, those that book, approve or pay
	Params   Params
}

func (t Terms) ready() Terms {
	for _, n := range []struct {
		of       *int
		standard int
	}{{&t.Hour, 3}, {&t.Pages, 400}, {&t.Plan, 3}, {&t.Low, 90}, {&t.Medium, 30}, {&t.High, 7}, {&t.Rotation, 5}, {&t.Engaged, 90}} {
		*n.of = cmp.Or(*n.of, n.standard)
	}
	t.Late, t.Repeats = cmp.Or(t.Late, 24*time.Hour), cmp.Or(t.Repeats, 180*24*time.Hour)
	if t.Barred == nil {
		t.Barred = []string{"finance", "accountant", "manager", "director", "admin"}
	}
	t.Params = t.Params.ready()
	return t
}

// within is how long a finding of a severity has.
func (t Terms) within(s Severity) time.Duration {
	days := map[Severity]int{Low: t.Low, Medium: t.Medium, High: t.High}[s]
	return time.Duration(days) * 24 * time.Hour
}

// Options of a service; nil means defaults.
type Options struct {
	Terms    Terms
	Zone     *time.Location    // in which days and months are; if nil, UTC
	Calendar platform.Calendar // of those who answer findings, and of C4
}

// Service carries out the commands. It may be used by several goroutines at
// once.
type Service struct {
	w        platform.Writer
	db       platform.Getter
	ports    Ports
	terms    Terms
	zone     *time.Location
	begun    atomic.Bool
	calendar platform.Calendar
}

var _ platform.Ticker = (*Service)(nil)

// New makes the service over an engine that was opened with [Kinds].
func New(w platform.Writer, db platform.Getter, ports Ports, o *Options) *Service {
	if o == nil {
		o = &Options{}
	}
	s := &Service{w: w.Ready(), db: db, ports: ports, terms: o.Terms, zone: cmp.Or(o.Zone, time.UTC), calendar: o.Calendar}
	s.terms.Params.Zone, s.terms.Params.Calendar = s.zone, s.calendar
	s.terms = s.terms.ready()
	return s
}

// Tick runs the controls that are due, tells of those that did not run, and of
// findings and engagements that are late. It is a [platform.Ticker]; a run that
// was cut off is simply due again.
func (s *Service) Tick(ctx context.Context, now time.Time, limit int) (fired int, err error) {
	actor := platform.SystemActor("supervision")
	actor.Tenant = s.w.Tenant
	ctx = platform.WithoutKey(platform.As(ctx, actor))
	if err := s.begin(ctx, now); err != nil {
		return 0, fmt.Errorf("begin controls: %w", err)
	}
	for _, sweep := range []func() (int, error){
		func() (int, error) {
			return platform.Sweep(ctx, limit, due[Schedule](ctx, s, scheduleKind, now), func(c Schedule) error { return s.fire(ctx, c, now) })
		},
		func() (int, error) {
			return platform.Sweep(ctx, limit, due[Finding](ctx, s, findingKind, now), func(f Finding) error { return s.overdue(ctx, f.ID, now) })
		},
		func() (int, error) {
			return platform.Sweep(ctx, limit, due[Engagement](ctx, s, engagementKind, now), func(e Engagement) error { return s.late(ctx, e.ID, now) })
		},
	} {
		n, failed := sweep()
		fired, err = fired+n, errors.Join(err, failed)
	}
	return fired, err
}

// due pages through the records of a kind that are due at now.
func due[T any](ctx context.Context, s *Service, kind string, now time.Time) func(string) (platform.Page[T], error) {
	return func(cursor string) (platform.Page[T], error) {
		return platform.List[T](ctx, s.db, platform.Query{Kind: kind, By: []string{"due"}, Until: now.Add(time.Microsecond), Limit: 100, Cursor: cursor})
	}
}

// operator is who acts, if it is one or the system.
func (s *Service) operator(ctx context.Context) (platform.Actor, error) {
	by, err := s.w.Actor(ctx)
	switch {
	case err != nil:
	case by.Kind == platform.Auditor:
		err = ErrReadOnly
	case by.Kind != platform.Operator && by.Kind != platform.System:
		err = ErrReader
	}
	return by, err
}

// supervisor is who acts, if it is one, and no role of theirs books, approves or
// pays.
func (s *Service) supervisor(ctx context.Context) (platform.Actor, error) {
	by, err := s.operator(ctx)
	switch {
	case err != nil, by.Kind == platform.System:
	case !by.Has(Supervisor):
		err = ErrSupervisor
	case slices.ContainsFunc(s.terms.Barred, by.Has):
		err = ErrSegregation
	}
	return by, err
}

// reader lets operators, auditors and the system look.
func (s *Service) reader(ctx context.Context) error {
	_, err := s.operator(ctx)
	if errors.Is(err, ErrReadOnly) {
		err = nil
	}
	return err
}

// hands are who acts, and for whom.
func hands(by platform.Actor) []platform.ID {
	if by.For() == by.ID {
		return []platform.ID{by.ID}
	}
	return []platform.ID{by.ID, by.For()}
}

func meet(a []platform.ID, b ...platform.ID) bool {
	return slices.ContainsFunc(a, func(id platform.ID) bool { return id != "" && slices.Contains(b, id) })
}
