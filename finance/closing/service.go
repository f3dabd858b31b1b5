package closing

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// Checks reports what still stands against closing a month.
type Checks interface {
	// Checks are items of the checklist by name, each with what is wrong; empty
	// for one that is green.
	Checks(ctx context.Context, month string) (map[string]string, error)
}

// Cutoff knows up to where auditors rely on the books.
type Cutoff interface {
	// Cutoff is the last month that must not be opened again; empty if none. It is
	// read after [finance.Periods], which whoever fixes one moves.
	Cutoff(ctx context.Context) (string, error)
}

// Ports are the books, and the rooms that have items on the checklist. Without
// Cutoff, no auditor keeps a month closed.
type Ports struct {
	Books  finance.Books
	Checks []Checks
	Cutoff Cutoff
}

// Options of a service; nil means defaults.
type Options struct {
	Zone      *time.Location    // in which months are meant; if nil, UTC
	Statutory finance.Statutory // under whose codes statements are shown; if nil, finance.PRC
}

// Service closes periods and reports on them. It may be used by several
// goroutines at once.
type Service struct {
	w     platform.Writer
	store Store
	ports Ports
	zone  *time.Location
	law   finance.Statutory
}

// New returns a service over the books.
func New(w platform.Writer, store Store, ports Ports, o *Options) *Service {
	if o == nil {
		o = &Options{}
	}
	s := &Service{w: w.Ready(), store: store, ports: ports, zone: cmp.Or(o.Zone, time.UTC), law: o.Statutory}
	s.ports.Books.Zone, s.ports.Books.Now = s.zone, s.w.Now
	if s.law == nil {
		s.law = finance.PRC()
	}
	return s
}

// operator is who acts, if it is one.
func (s *Service) operator(ctx context.Context) (platform.Actor, error) {
	by, err := s.w.Actor(ctx)
	if err == nil && by.Kind != platform.Operator {
		err = ErrOperator
	}
	return by, err
}

// reader refuses those who read no statements.
func (s *Service) reader(ctx context.Context) error {
	by, err := s.w.Actor(ctx)
	if err == nil && !slices.Contains([]platform.ActorKind{platform.Operator, platform.Auditor, platform.System}, by.Kind) {
		err = ErrReader
	}
	return err
}

// start is the first moment of a month. It fails with ErrMonth.
func (s *Service) start(month string) (time.Time, error) {
	at, err := time.ParseInLocation("2006-01", month, s.zone)
	if err != nil {
		return time.Time{}, ErrMonth // nor is what somebody typed repeated
	}
	return at, nil
}
