package settlement

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Run is a round of payouts in one currency. It has a name, mostly a date: there
// is one run of a name and currency, however often it is started.
type Run struct {
	platform.Head
	Name      string        `json:"name" class:"internal"`
	Currency  string        `json:"currency" class:"internal"`
	Planned   bool          `json:"planned,omitempty" class:"internal"` // no payout joins it any more
	StartedAt time.Time     `json:"started_at" class:"internal"`
	StartedBy []platform.ID `json:"started_by" class:"internal"`
	Automatic bool          `json:"automatic,omitempty" class:"internal"` // the system started it
	Due       time.Time     `json:"due,omitzero" class:"internal"`        // when its planning goes on, should it have stopped
}

// Ref names the run.
func (r Run) Ref() platform.Ref { return platform.Ref{Kind: runKind, ID: r.ID} }

// RunID is the id of the run of a name and currency. The formula is frozen.
func RunID(name, currency string) platform.ID {
	root := platform.NewID("run", time.UnixMilli(0), platform.Key{Scope: "run", Name: name + "/" + currency}.Slot(), 0)
	return derived("run", root, name, currency)
}

// sum is the counter of the amounts that the run has planned, and did not fail to
// send; count that of its payouts.
func (r Run) sum() platform.Ref   { return platform.Counter("payout_run:"+string(r.ID), r.Currency) }
func (r Run) count() platform.Ref { return platform.Counter("payout_run:"+string(r.ID), "count") }

// StartRun plans the payouts of all parties that have something coming.
type StartRun struct {
	Name     string `json:"name" validate:"required,max=32,printascii"`
	Currency string `json:"currency" validate:"required,len=3"`
}

// StartRun plans a run, and returns it when it is planned: every verified account
// of the currency has its payout in it, or a reason why not. Started again, or by
// several at once, it is the same run, which says so in an event. Operators start
// it; whoever did approves none of its payouts. So does the system: each of its
// payouts then needs the approvals of two persons.
func (s *Service) StartRun(ctx context.Context, in StartRun) (Run, error) {
	by, err := s.actor(ctx, platform.Operator, platform.System)
	if err == nil {
		_, err = platform.ParseCurrency(in.Currency)
	}
	if err != nil {
		return Run{}, fmt.Errorf("start run: %w", err)
	}
	id := RunID(in.Name, in.Currency)
	r, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (Run, []platform.Change, error) {
		known, err := read[Run](ctx, s, runKind, id)
		if !missing(err) {
			return known, []platform.Change{platform.Unchanged(known), known.happened("joined")}, err
		}
		now := s.w.Now()
		r := Run{Head: platform.Head{ID: id}, Name: in.Name, Currency: in.Currency, StartedAt: now, StartedBy: s.hands(by), Automatic: by.Kind == platform.System, Due: now.Add(time.Minute)}
		return r, []platform.Change{platform.Put(r), r.happened("started")}, nil
	})
	if err != nil {
		return Run{}, err
	}
	return s.plan(s.system(ctx), r)
}

// plan goes through the accounts of a run that is not planned yet. A crash is
// taken up by Tick, where it finds the payouts that are there.
func (s *Service) plan(ctx context.Context, r Run) (Run, error) {
	r, err := read[Run](ctx, s, runKind, r.ID)
	if err != nil || r.Planned {
		return r, err
	}
	q := platform.Query{Kind: accountKind, By: []string{"currency", "state"}, Equal: []any{r.Currency, AccountVerified}, Limit: pageSize}
	for {
		page, err := platform.List[Account](ctx, s.db, q)
		if err != nil {
			return Run{}, fmt.Errorf("plan run %s: %w", r.ID, err)
		}
		some, err := s.promising(ctx, page.Items)
		if err != nil {
			return Run{}, fmt.Errorf("plan run %s: %w", r.ID, err)
		}
		for _, a := range some {
			if _, err := s.planOne(ctx, r, a.ID); err != nil && !ruled(err) && !errors.Is(err, ErrExists) {
				return Run{}, fmt.Errorf("plan run %s: %w", r.ID, err)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return s.planned(ctx, r)
		}
	}
}

// promising are the accounts that may have a payout coming: something confirmed,
// and the minimum free, or less of which a debt is set off. In a week most parties
// of a large market have neither.
func (s *Service) promising(ctx context.Context, all []Account) ([]Account, error) {
	all = slices.DeleteFunc(all, func(a Account) bool { return a.Statement == "" })
	if len(all) == 0 {
		return nil, nil
	}
	c, err := platform.ParseCurrency(all[0].Currency)
	if err != nil {
		return nil, err
	}
	l, err := s.opts.Terms.limits(c)
	if err != nil {
		return nil, err
	}
	var refs []platform.Ref
	for _, a := range all {
		refs = append(refs, a.counter("available", "payable"), a.counter("available", "receivable"))
	}
	has, err := s.counts(ctx, refs...)
	return slices.DeleteFunc(all, func(a Account) bool {
		free, owes := has[a.counter("available", "payable")], has[a.counter("available", "receivable")]
		return free <= 0 || free < l.Minimum.Minor() && owes <= 0
	}), err
}

// closeRun ends the planning of a run.
type closeRun struct {
	Run platform.ID `json:"run"`
}

// planned closes the run: payouts check that it is open, so none joins it after
// this, and its sum stands.
func (s *Service) planned(ctx context.Context, r Run) (Run, error) {
	closed, err := platform.Update(ctx, s.w, closeRun{r.ID}, func(ctx context.Context) (Run, []platform.Change, error) {
		now, err := read[Run](ctx, s, runKind, r.ID)
		if err == nil && now.Planned {
			err = ErrRunOver
		}
		if err != nil {
			return now, nil, err
		}
		now.Planned, now.Due = true, time.Time{}
		return now, []platform.Change{platform.Put(now), now.happened("planned")}, nil
	})
	if errors.Is(err, ErrRunOver) { // somebody else was as far
		return read[Run](ctx, s, runKind, r.ID)
	}
	return closed, err
}

func (r Run) happened(what string) platform.Change {
	return platform.Happened("payout.run_"+what, r.Ref(), struct {
		Name     string `json:"name"`
		Currency string `json:"currency"`
	}{r.Name, r.Currency})
}

// RunTotals are what a run has planned, less what was cancelled or failed.
type RunTotals struct {
	Run
	Count  int64          `json:"count"`
	Amount platform.Money `json:"amount"`
}

// Run is one run with its totals, for operators and auditors.
func (s *Service) Run(ctx context.Context, id platform.ID) (RunTotals, error) {
	if _, err := s.actor(ctx, platform.Operator, platform.Auditor, platform.System); err != nil {
		return RunTotals{}, err
	}
	r, err := read[Run](ctx, s, runKind, id)
	if err != nil {
		return RunTotals{}, err
	}
	all, err := s.totals(ctx, r)
	if err != nil {
		return RunTotals{}, err
	}
	return all[0], nil
}

// Runs are a page of the runs, the newest first, for operators and auditors.
func (s *Service) Runs(ctx context.Context, cursor string) (platform.Page[RunTotals], error) {
	page, err := owned[Run](ctx, s, "", platform.Query{Kind: runKind, By: []string{"at"}, Backward: true, Cursor: cursor})
	if err != nil {
		return platform.Page[RunTotals]{}, err
	}
	all, err := s.totals(ctx, page.Items...)
	return platform.Page[RunTotals]{Items: all, Next: page.Next}, err
}

// totals reads the counters of runs in one trip.
func (s *Service) totals(ctx context.Context, runs ...Run) ([]RunTotals, error) {
	refs := make([]platform.Ref, 0, 2*len(runs))
	for _, r := range runs {
		refs = append(refs, r.sum(), r.count())
	}
	values, err := s.counts(ctx, refs...)
	if err != nil {
		return nil, err
	}
	out := make([]RunTotals, len(runs))
	for i, r := range runs {
		currency, err := platform.ParseCurrency(r.Currency)
		if err != nil {
			return nil, err
		}
		amount, err := platform.FromMinor(values[r.sum()], currency)
		if err != nil {
			return nil, err
		}
		out[i] = RunTotals{Run: r, Count: values[r.count()], Amount: amount}
	}
	return out, nil
}

// counts are the values of counters; one that was never added to is zero.
func (s *Service) counts(ctx context.Context, refs ...platform.Ref) (map[platform.Ref]int64, error) {
	found, err := platform.Lookup(ctx, s.db, refs...)
	if err != nil {
		return nil, err
	}
	all, err := platform.Found[platform.Count](found, refs...)
	values := make(map[platform.Ref]int64, len(all))
	for _, c := range all {
		values[c.Ref] = c.Value
	}
	return values, err
}
