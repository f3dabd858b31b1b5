package fee

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Terms are the defaults of this package. The zero value is ready to use.
type Terms struct {
	Standard Schedule       // prices what no published schedule does, by its name until one is; if zero, standard-1: 10 % of every line
	Notice   time.Duration  // from a schedule's publication to its start; if zero, 7 days; if negative, none
	Volumes  bool           // whether sales are counted for each merchant and month; without it no schedule may ask for the volume
	Zone     *time.Location // in which months are meant; if nil, UTC
	Preview  int            // orders that a preview looks at, at most; if zero, 20,000
}

func (t Terms) ready() Terms {
	if len(t.Standard.Components) == 0 {
		t.Standard = Flat("standard", decimal.New(1, -1), platform.HalfEven)
	}
	if t.Notice == 0 {
		t.Notice = 7 * 24 * time.Hour
	}
	t.Notice = max(t.Notice, 0)
	if t.Zone == nil {
		t.Zone = time.UTC
	}
	if t.Preview <= 0 {
		t.Preview = 20_000
	}
	return t
}

// first is the number of the first version that is published under a name: the
// program's own schedule has one already.
func (t Terms) first(name string) int {
	if name == t.Standard.Name {
		return t.Standard.Number + 1
	}
	return 1
}

// Sales tells what was sold. order.Charged is one.
type Sales interface {
	// Fees is a page of what orders placed in [from, until) were charged, each a
	// [Statement] as JSON.
	Fees(ctx context.Context, from, until time.Time, cursor string) (statements []json.RawMessage, next string, err error)
}

// Service carries out the commands on schedules. It may be used by several
// goroutines at once.
type Service struct {
	w     platform.Writer
	store Store
	sales Sales
	terms Terms
}

var _ platform.Ticker = (*Service)(nil)

// New makes the service. Without sales there is no preview; nil terms mean the
// defaults. It panics, since that is a mistake in the wiring, with a standard
// schedule that fails [Schedule.Check].
func New(w platform.Writer, store Store, sales Sales, terms *Terms) *Service {
	if terms == nil {
		terms = &Terms{}
	}
	s := &Service{w: w.Ready(), store: store, sales: sales, terms: terms.ready()}
	if err := s.terms.Standard.Check(); err != nil {
		panic(fmt.Sprintf("fee: New: %v", err))
	}
	return s
}

// keeper is who acts, if it is an operator or the platform itself.
func (s *Service) keeper(ctx context.Context) (platform.Actor, error) {
	by, err := s.w.Actor(ctx)
	if err == nil && by.Kind != platform.Operator {
		err = errNotStaff
	}
	return by, err
}

// reader refuses all but operators, auditors and the platform itself.
func (s *Service) reader(ctx context.Context) error {
	by, err := s.w.Actor(ctx)
	if err == nil && by.Kind != platform.Operator && by.Kind != platform.Auditor && by.Kind != platform.System {
		err = errReader
	}
	return err
}

// Schedule is one schedule. Merchants see what was published.
func (s *Service) Schedule(ctx context.Context, id platform.ID) (Schedule, error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return Schedule{}, err
	}
	found, err := s.store.Schedule(ctx, id)
	hidden := by.Kind == platform.Merchant && found.State != Published || s.reader(ctx) != nil && by.Kind != platform.Merchant
	if err == nil && hidden {
		err = platform.NotFound(found.Ref())
	}
	if err != nil {
		return Schedule{}, err
	}
	return found, nil
}

// Schedules lists every version of a name, or of all names, the newest first, to
// operators and auditors.
func (s *Service) Schedules(ctx context.Context, name, cursor string) (platform.Page[Schedule], error) {
	if err := s.reader(ctx); err != nil {
		return platform.Page[Schedule]{}, fmt.Errorf("list schedules: %w", err)
	}
	return s.store.Schedules(ctx, name, cursor)
}

// Tick tells of each schedule that has ended without a successor and goes on. It
// is a [platform.Ticker].
func (s *Service) Tick(ctx context.Context, now time.Time, limit int) (int, error) {
	ctx = platform.WithoutKey(platform.As(ctx, platform.SystemActor("fee")))
	fired, err := platform.Sweep(ctx, limit, func(cursor string) (platform.Page[Course], error) {
		return s.store.Due(ctx, now, cursor)
	}, func(c Course) error { return s.goOn(ctx, c.Name, c.Currency) })
	if err != nil {
		err = fmt.Errorf("tell of ended schedules: %w", err)
	}
	return fired, err
}

type goOn struct {
	Name     string            `json:"name"`
	Currency platform.Currency `json:"currency"`
}

var errNotDue = platform.Err(platform.ErrState, "fee.not_due", "the schedule has not ended, or it is known", "费率表未到期或已处理")

// goOn tells of one.
func (s *Service) goOn(ctx context.Context, name string, currency platform.Currency) error {
	_, err := platform.Update(ctx, s.w, goOn{name, currency}, func(ctx context.Context) (struct{}, []platform.Change, error) {
		c, err := s.course(ctx, name, currency)
		if err != nil {
			return struct{}{}, nil, err
		}
		if c.Due.IsZero() || c.Due.After(s.w.Now()) {
			return struct{}{}, nil, errNotDue
		}
		last := c.Versions[len(c.Versions)-1]
		c.Due = time.Time{}
		return struct{}{}, []platform.Change{platform.Put(c), platform.Happened("fee.continued", last.Ref(), last.told())}, nil
	})
	return err
}

// course is that of a name and currency, new if there is none.
func (s *Service) course(ctx context.Context, name string, currency platform.Currency) (Course, error) {
	id := CourseID(name, currency)
	_, found, _, err := s.store.Bound(ctx, id, platform.Ref{}, id)
	if err != nil {
		return Course{}, err
	}
	if len(found) > 0 {
		return found[0], nil
	}
	return Course{Head: platform.Head{ID: id}, Name: name, Currency: currency}, nil
}

// told is what events say of a schedule.
func (s Schedule) told() map[string]any {
	facts := map[string]any{"name": s.Name, "currency": s.Currency, "from": s.From}
	if s.Number > 0 {
		facts["version"] = s.Label()
	}
	if !s.Until.IsZero() {
		facts["until"] = s.Until
	}
	return facts
}
