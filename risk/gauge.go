package risk

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Meter measures a metric. [Counts] is one.
type Meter interface {
	// Measure returns the fraction over the span, from included and to not, with
	// denominator 1 for what is no ratio. An error is no sample.
	Measure(ctx context.Context, name string, from, to time.Time) (numerator, denominator int64, err error)
}

// Gauge is where an indicator stands: there is one for each name, with an id
// that follows from it. Its samples are events, indicator.sampled.
type Gauge struct {
	platform.Head
	Indicator string      `json:"indicator" class:"internal"`
	Condition Condition   `json:"condition" class:"internal"`
	Sample    Sample      `json:"sample,omitzero" class:"internal"` // the last
	Alert     platform.ID `json:"alert,omitempty" class:"internal"` // open
	Due       time.Time   `json:"due" class:"internal"`             // of the next sample
}

// Ref names the gauge.
func (g Gauge) Ref() platform.Ref { return platform.Ref{Kind: kindGauge, ID: g.ID} }

func gaugeID(name string) platform.ID {
	sum := sha256.Sum256([]byte(name))
	return platform.NewID("ind", time.Unix(0, 0), platform.Key{Scope: kindGauge, Name: name}.Slot(), binary.BigEndian.Uint64(sum[:8]))
}

// Step is the gauge after a sample, or after none.
func (g Gauge) Step(i Indicator, sample *Sample, now time.Time) (Gauge, []Move) {
	var moves []Move
	g.Condition, moves = i.Step(g.Condition, sample, now)
	if sample != nil {
		g.Sample = *sample
	}
	g.Due = now.Add(i.ready().Period)
	return g, moves
}

// anew is the gauge once its alert was ended by hand: the watch begins again,
// so that what goes on fires another alert after its time.
func (g Gauge) anew() Gauge {
	c := Condition{Phase: Inactive, Seen: g.Condition.Seen, Changes: g.Condition.Changes}
	if g.Condition.Phase == Stale {
		c.Phase, c.Was = Stale, Inactive
	}
	g.Condition, g.Alert = c, ""
	return g
}

// Tick samples the indicators whose period is over, raises and resolves their
// alerts, and sends what notices are due. See [platform.Ticker].
func (s *Service) Tick(ctx context.Context, now time.Time, limit int) (int, error) {
	ctx, limit = platform.WithoutKey(platform.As(ctx, platform.SystemActor("risk"))), platform.TickLimit(limit)
	fired, err := platform.Sweep(ctx, limit, s.awake(now), func(i Indicator) error { return s.sample(ctx, i, now) })
	if fired >= limit || s.ports.Notifier == nil {
		return fired, err
	}
	sent, failed := s.notify(ctx, now, limit-fired)
	return fired + sent, errors.Join(err, failed)
}

// awake lists the indicators but those that are known to rest: the moment at
// which a gauge is due only ever moves on, so what was read once saves a read at
// every tick until then.
func (s *Service) awake(now time.Time) func(string) (platform.Page[Indicator], error) {
	return func(string) (page platform.Page[Indicator], _ error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, i := range s.opts.Indicators {
			if !now.Before(s.rest[i.Name]) {
				page.Items = append(page.Items, i)
			}
		}
		return page, nil
	}
}

func (s *Service) rests(name string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until.After(s.rest[name]) {
		s.rest[name] = until
	}
}

// sampling is the command of the platform's own by which an indicator steps.
type sampling struct {
	Indicator string `json:"indicator"`
}

// sample measures outside of the commit and steps in it. Without a measurement
// the indicator steps all the same, since it may go stale.
func (s *Service) sample(ctx context.Context, i Indicator, now time.Time) error {
	sample, unmeasured := s.measure(ctx, i, now)
	spare := s.w.NewRoot(ctx, "alr")
	var due time.Time
	_, err := platform.Update(ctx, s.w, sampling{i.Name}, func(ctx context.Context) (Gauge, []platform.Change, error) {
		g, err := s.gauge(ctx, i.Name)
		if err != nil {
			return Gauge{}, nil, err
		}
		if due = g.Due; now.Before(due) {
			return Gauge{}, nil, errNotDue
		}
		next, moves := g.Step(i, sample, now)
		next, changes, err := s.follow(ctx, next, i, moves, spare, now)
		if err != nil {
			return Gauge{}, nil, err
		}
		due = next.Due
		facts := map[string]any{"indicator": i.Name, "phase": next.Condition.Phase, "sample": next.Sample, "measured": sample != nil}
		return next, append(changes, platform.Put(next), platform.Happened("indicator.sampled", next.Ref(), facts)), nil
	})
	if err == nil || errors.Is(err, errNotDue) {
		s.rests(i.Name, due)
	}
	return errors.Join(unmeasured, err)
}

func (s *Service) measure(ctx context.Context, i Indicator, now time.Time) (*Sample, error) {
	if s.ports.Meter == nil {
		return nil, fmt.Errorf("measure %s: %w", i.Name, ErrUnmeasured)
	}
	n, d, err := s.ports.Meter.Measure(ctx, i.Metric, now.Add(-i.Window), now)
	if err != nil {
		return nil, fmt.Errorf("measure %s: %w", i.Name, err)
	}
	if d < 0 {
		return nil, fmt.Errorf("measure %s over %d: %w", i.Name, d, ErrUnmeasured)
	}
	return &Sample{At: now, Numerator: n, Denominator: d}, nil
}

// gauge is the indicator's gauge, new if it was never sampled.
func (s *Service) gauge(ctx context.Context, name string) (Gauge, error) {
	g, err := s.store.Gauge(ctx, gaugeID(name))
	if errors.Is(err, platform.ErrNotFound) {
		return Gauge{Head: platform.Head{ID: gaugeID(name)}, Indicator: name}, nil
	}
	return g, err
}

// follow lets the alert follow the moves of its gauge. Of the steps there are
// at most two with an alert in one sample: a dark one ends, another begins.
func (s *Service) follow(ctx context.Context, g Gauge, i Indicator, moves []Move, spare platform.ID, now time.Time) (Gauge, []platform.Change, error) {
	var changes []platform.Change
	var a Alert
	if g.Alert != "" && len(moves) > 0 {
		var err error
		if a, err = s.store.Alert(ctx, g.Alert); err != nil {
			return g, nil, err
		}
	}
	for _, move := range moves {
		next, verb := a.follow(move, g, i, now)
		switch verb {
		case "":
			continue
		case "fired":
			next.ID = spare
			g.Alert = spare
		case "resolved":
			g.Alert = ""
		}
		if verb == "fired" || verb == "raised" {
			next = next.calling(s.opts.calls(i.Name, next.Level))
		}
		a = next
		changes = append(changes, platform.Put(a), a.happened(verb))
		if a.ended() {
			a = Alert{}
		}
	}
	return g, changes, nil
}
