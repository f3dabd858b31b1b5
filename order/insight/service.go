package insight

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/liangding/platform"
)

// Terms are the defaults of the domain. A change of Zone or Tests folds the whole
// log again.
type Terms struct {
	Zone  *time.Location // the tenant's, in which days and hours are meant; if nil, UTC
	Tests []platform.ID  // customers and merchants whose orders are tests

	Least   int           // persons below whom a figure is kept back; 0 is 10
	Late    time.Duration // after the planned start, by which work began on time; 0 is 15 minutes
	Net     time.Duration // after completion, in which refunds are taken off; 0 is 30 days
	Convert time.Duration // in which a step of the funnel counts; 0 is 7 days
	Cost    int64         // of payment, in hundredths of a percent of what is sold; an assumption
	Most    int           // orders of one figure; 0 is 200,000
}

const day = 24 * time.Hour

func (t Terms) ready() Terms {
	if t.Zone == nil {
		t.Zone = time.UTC
	}
	or(&t.Least, 10)
	or(&t.Late, 15*time.Minute)
	or(&t.Net, 30*day)
	or(&t.Convert, 7*day)
	or(&t.Most, 200_000)
	t.Tests = slices.Sorted(slices.Values(t.Tests))
	return t
}

func or[T comparable](is *T, standard T) {
	var zero T
	if *is == zero {
		*is = standard
	}
}

// folding is the version of how events are folded, raised by hand when
// [Journey.with] changes.
const folding = 1

// digest names how events are folded and the terms that this depends on.
func (t Terms) digest() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %q", folding, t.Zone, t.Tests))
	return fmt.Sprintf("%d.%s", folding, hex.EncodeToString(sum[:6]))
}

// Roster knows who could work. staff.Members is one.
type Roster interface {
	// OnDuty lists who could take work in a zone from one moment until another.
	OnDuty(ctx context.Context, zone platform.ID, need []string, from, until time.Time) ([]platform.ID, error)
}

// Consents knows what a person agreed to.
type Consents interface {
	// Consented tells whether the person agrees to the purpose at a moment.
	Consented(ctx context.Context, person platform.ID, purpose string, at time.Time) (bool, error)
}

// Ports are what insight needs of others.
type Ports struct {
	Roster   Roster   // if nil, nothing is known of supply
	Consents Consents // if nil, nobody has agreed, and there are no figures of one person
}

// Service folds the log and measures. It may be used by several goroutines at
// once.
type Service struct {
	w      platform.Writer
	store  Store
	ports  Ports
	terms  Terms
	digest string
	fold   atomic.Pointer[string] // by which the projections are folded now; nil: not known yet
	caught atomic.Bool            // the log was read back
}

// New makes the service. Nil terms mean the defaults. All services on one store
// must have the same zone and tests.
func New(w platform.Writer, store Store, ports Ports, terms *Terms) *Service {
	if terms == nil {
		terms = &Terms{}
	}
	s := &Service{w: w.Ready(), store: store, ports: ports, terms: terms.ready()}
	s.digest = s.terms.digest()
	return s
}

// Zone is the tenant's zone, in which days are meant.
func (s *Service) Zone() *time.Location { return s.terms.Zone }

// admit tells whether the actor may see figures of the subject: the platform's
// own people all, a merchant its own.
func (s *Service) admit(ctx context.Context, of platform.Ref) error {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return err
	}
	if of != (platform.Ref{}) && of.Kind != "merchant" && of.Kind != "zone" || (of.Kind == "") != (of.ID == "") {
		return ErrSubject
	}
	own := by.Kind == platform.Merchant && of.Kind == "merchant" && of.ID == by.For()
	if own || slices.Contains([]platform.ActorKind{platform.Operator, platform.Auditor, platform.System}, by.Kind) {
		return nil
	}
	return errActor
}
