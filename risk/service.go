package risk

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/liangding/platform"
)

// Service watches indicators and keeps alerts. It may be used by several
// goroutines at once.
type Service struct {
	w     platform.Writer
	store Store
	ports Ports
	opts  Options

	mu   sync.Mutex
	rest map[string]time.Time // until when an indicator is sampled, as far as is known here
}

var _ platform.Ticker = (*Service)(nil)

// Ports are what the package needs of others.
type Ports struct {
	Meter    Meter    // if nil, every indicator goes stale
	Notifier Notifier // if nil, notices are kept and not sent
}

// Options are rules as data. The zero value of each field is a default.
type Options struct {
	Indicators []Indicator
	Routes     []Route        // the first that fits says whom an alert calls
	LastResort []platform.Ref // called where no route fits; if empty, the role operator
	Lang       string         // of notices; if empty, English
}

// New is a service that writes by w and reads from store. If opts is nil,
// nothing is watched. It fails with FieldErrors when an indicator is faulty or
// there twice, or when a route calls nobody.
func New(w platform.Writer, store Store, ports Ports, opts *Options) (*Service, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	names := map[string]bool{}
	o.Indicators = slices.Clone(o.Indicators)
	for n, i := range o.Indicators {
		if err := i.Fault(); err != nil {
			return nil, fmt.Errorf("indicators[%d]: %w", n, err)
		}
		if names[i.Name] {
			return nil, platform.Wrong(fmt.Sprintf("indicators[%d].name", n), errTwice)
		}
		names[i.Name], o.Indicators[n] = true, i.ready()
	}
	for n, r := range o.Routes {
		if len(r.Calls) == 0 {
			return nil, platform.Wrong(fmt.Sprintf("routes[%d].calls", n), errRoute)
		}
	}
	if len(o.LastResort) == 0 {
		o.LastResort = []platform.Ref{{Kind: "role", ID: "operator"}}
	}
	return &Service{w: w.Ready(), store: store, ports: ports, opts: o, rest: map[string]time.Time{}}, nil
}

// Gauge is where the indicator of that name stands. It fails with ErrNotFound
// when it was never sampled.
func (s *Service) Gauge(ctx context.Context, name string) (Gauge, error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return Gauge{}, err
	}
	if !watches(by) {
		return Gauge{}, platform.NotFound(platform.Ref{Kind: kindGauge, ID: gaugeID(name)})
	}
	return s.store.Gauge(ctx, gaugeID(name))
}
