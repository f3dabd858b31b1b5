package supervision

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Run is one time that a control ran. It is never changed; a run without a hit
// proves that somebody looked.
type Run struct {
	platform.Head
	Control string      `json:"control" class:"internal"`
	Edition int         `json:"edition" class:"internal"` // of the control
	Params  Params      `json:"params" class:"internal"`
	From    time.Time   `json:"from" class:"internal"`
	Until   time.Time   `json:"until" class:"internal"`
	At      time.Time   `json:"at" class:"internal"`
	By      platform.ID `json:"by" class:"internal"`
	Pages   int         `json:"pages" class:"internal"`
	Facts   int         `json:"facts" class:"internal"`
	Hits    int         `json:"hits" class:"internal"`
	Fresh   int         `json:"fresh" class:"internal"` // of them, those that nobody knew so
}

// Ref names the run.
func (r Run) Ref() platform.Ref { return platform.Ref{Kind: runKind, ID: r.ID} }

// fire runs a control that is due. One that cannot run is tried again in an hour;
// that it did not run in time is a finding of its own.
func (s *Service) fire(ctx context.Context, c Schedule, now time.Time) error {
	if c.Control == watch {
		return s.unaudited(ctx, c, now)
	}
	k, known := control(c.Control)
	if !known {
		return s.reschedule(ctx, c.ID, now, func(c Schedule) Schedule { c.Due = time.Time{}; return c }, "control.retired", "")
	}
	if !c.Told && now.Sub(c.Wanted) > s.terms.Late {
		if err := s.skipped(ctx, c, now); err != nil {
			return err
		}
	}
	w := s.window(c, k.Every, now)
	if !w.From.Before(w.Until) { // the hour is before the day's end in another zone
		return s.reschedule(ctx, c.ID, now, func(c Schedule) Schedule { c.Due = s.next(k.Every, now); c.Wanted = c.Due; return c }, "control.scheduled", "")
	}
	run, err := s.look(ctx, k, w, now)
	if err != nil {
		again := func(c Schedule) Schedule { c.Due, c.Failed = now.Add(time.Hour), platform.Code(err); return c }
		return errors.Join(fmt.Errorf("run control %s: %w", k.Code, err), s.reschedule(ctx, c.ID, now, again, "control.failed", platform.Code(err)))
	}
	run.ID, run.By = derived("crn", c.ID, w.Until.UTC().Format(time.RFC3339)), "system:supervision"
	_, err = s.ran(ctx, tick{Control: k.Code, Now: now}, run, func(c Schedule) (Schedule, error) {
		if now.Before(c.Due) || !c.Until.Equal(w.From) {
			return c, fmt.Errorf("run control %s: %w", k.Code, ErrRan) // another process did
		}
		c.Until, c.Due, c.Failed, c.Told = w.Until, s.next(k.Every, now), "", false
		if rest := s.window(c, k.Every, now); rest.From.Before(rest.Until) {
			c.Due = now // there is more to catch up with
		}
		c.Wanted = c.Due
		return c, nil
	})
	return err
}

// tick is the command of the clock.
type tick struct {
	Control string    `json:"control"`
	Now     time.Time `json:"now"`
}

// skipped raises that a control did not run.
func (s *Service) skipped(ctx context.Context, c Schedule, now time.Time) error {
	h := Hit{Code: "not_run:" + c.Wanted.UTC().Format(time.DateOnly), Object: c.Control, Refs: []platform.Ref{c.Ref()}, Proposal: "run"}
	if _, err := s.raise(ctx, from{code: "control", severity: High, window: Window{c.Until, now}}, []Hit{h}, now); err != nil {
		return err
	}
	return s.reschedule(ctx, c.ID, now, func(c Schedule) Schedule { c.Told = true; return c }, "control.not_run", "late")
}

// reschedule changes when a control runs.
func (s *Service) reschedule(ctx context.Context, id platform.ID, now time.Time, to func(Schedule) Schedule, what, reason string) error {
	_, err := platform.Update(ctx, s.w, tick{Control: string(id), Now: now}, func(ctx context.Context) (Schedule, []platform.Change, error) {
		c, err := platform.Read[Schedule](ctx, s.db, scheduleKind, id)
		if err != nil {
			return c, nil, err
		}
		c = to(c)
		facts := map[string]any{"control": c.Control, "due": c.Due}
		return c, []platform.Change{platform.Put(c), platform.Happened(what, c.Ref(), facts).Because(reason)}, nil
	})
	return err
}

// look reads the facts of a window, asks the control, and raises what is new.
func (s *Service) look(ctx context.Context, k Control, w Window, now time.Time) (Run, error) {
	hits, b, err := s.find(ctx, k, w)
	if err != nil {
		return Run{}, err
	}
	fresh, err := s.raise(ctx, from{k.Code, k.Severity, k.Stands, w}, hits, now)
	return Run{
		Control: k.Code, Edition: k.Version, Params: s.terms.Params, From: w.From, Until: w.Until, At: now,
		Pages: b.read, Facts: b.facts, Hits: len(hits), Fresh: fresh,
	}, err
}

// find is what a control finds in a window.
func (s *Service) find(ctx context.Context, k Control, w Window) ([]Hit, *bounds, error) {
	b := &bounds{left: s.terms.Pages}
	var f Facts
	reads := Window{w.From.Add(-k.Back), w.Until}
	for _, read := range k.reads {
		if err := read(ctx, s.ports, reads, b, &f); err != nil {
			return nil, b, err
		}
	}
	return k.Find(f, s.terms.Params, w), b, nil
}

// ran records a run.
func (s *Service) ran(ctx context.Context, in any, run Run, to func(Schedule) (Schedule, error)) (Run, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Run, []platform.Change, error) {
		c, err := platform.Read[Schedule](ctx, s.db, scheduleKind, scheduleID(run.Control))
		if err == nil {
			c, err = to(c)
		}
		if err != nil {
			return Run{}, nil, err
		}
		c.Last, c.Ran = run.ID, run.At
		facts := map[string]any{"control": run.Control, "from": run.From, "until": run.Until, "hits": run.Hits, "fresh": run.Fresh}
		return run, []platform.Change{platform.Put(c), platform.Put(run), platform.Happened("control.ran", run.Ref(), facts)}, nil
	})
}

// RunControl runs a control now.
type RunControl struct {
	Control string `json:"control" validate:"required,max=8"`
}

// RunControl looks at the day, or month, that has begun, and at the one before.
// Its own schedule goes on as if nothing had happened. Supervisors may; it fails
// with ErrControl, ErrSource and ErrTooMuch.
func (s *Service) RunControl(ctx context.Context, in RunControl) (Run, error) {
	by, err := s.supervisor(ctx)
	if err != nil {
		return Run{}, fmt.Errorf("run a control: %w", err)
	}
	k, known := control(in.Control)
	if !known {
		return Run{}, ErrControl // nor is what somebody typed repeated
	}
	now := s.w.Now()
	if err := s.begin(s.system(ctx), now); err != nil {
		return Run{}, err
	}
	w := Window{midnight(now, s.zone).AddDate(0, 0, -1), now}
	if k.Every == Monthly {
		w.From = monthStart(now, s.zone).AddDate(0, -1, 0)
	}
	run, err := s.look(s.system(ctx), k, w, now)
	if err != nil {
		return Run{}, fmt.Errorf("run control %s: %w", k.Code, err)
	}
	run.ID, run.By = s.w.NewChild("crn", scheduleID(k.Code)), by.ID
	return s.ran(ctx, in, run, func(c Schedule) (Schedule, error) { return c, nil })
}

// system is who raises what a control finds, whoever ran it.
func (s *Service) system(ctx context.Context) context.Context {
	actor := platform.SystemActor("supervision")
	actor.Tenant = s.w.Tenant
	return platform.WithoutKey(platform.As(ctx, actor))
}

// Standing is a control, and how it stands.
type Standing struct {
	Control  string   `json:"control"`
	Every    Every    `json:"every"`
	Severity Severity `json:"severity"`
	Schedule
}

// Schedules are how all controls stand, in their order.
func (s *Service) Schedules(ctx context.Context) ([]Standing, error) {
	if err := s.reader(ctx); err != nil {
		return nil, err
	}
	all := Controls()
	refs := make([]platform.Ref, len(all))
	for i, k := range all {
		refs[i] = platform.Ref{Kind: scheduleKind, ID: scheduleID(k.Code)}
	}
	found, err := platform.Lookup(ctx, s.db, refs...)
	if err != nil {
		return nil, err
	}
	out := make([]Standing, len(all))
	for i, k := range all {
		out[i] = Standing{Control: k.Code, Every: k.Every, Severity: k.Severity}
		c, err := platform.Found[Schedule](found, refs[i])
		if err != nil {
			return nil, err
		}
		if len(c) > 0 {
			out[i].Schedule = c[0]
		}
	}
	return out, nil
}

// Runs is a page of the runs of a control, or of all, the last first.
func (s *Service) Runs(ctx context.Context, control, cursor string) (platform.Page[Run], error) {
	if err := s.reader(ctx); err != nil {
		return platform.Page[Run]{}, err
	}
	q := platform.Query{Kind: runKind, By: []string{"at"}, Backward: true, Cursor: cursor, Limit: 100}
	if control != "" {
		q.By, q.Equal = []string{"control", "at"}, []any{control}
	}
	return platform.List[Run](ctx, s.db, q)
}

// RunsSince is a page of all runs from a moment on, the first first.
func (s *Service) RunsSince(ctx context.Context, from time.Time, cursor string) (platform.Page[Run], error) {
	if err := s.reader(ctx); err != nil {
		return platform.Page[Run]{}, err
	}
	return platform.List[Run](ctx, s.db, platform.Query{Kind: runKind, By: []string{"at"}, From: from, Cursor: cursor, Limit: 500})
}
