package dispatch

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/staff"
	"github.com/liangding/platform/store/memory"
)

var (
	noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	desk = platform.Actor{ID: "opr_desk", Kind: platform.Operator}

	square  = Place{Lat: 52.52, Lon: 13.40} // where orders are
	station = Place{Lat: 52.525, Lon: 13.37}
	harbour = Place{Lat: 52.54, Lon: 13.34}
	suburb  = Place{Lat: 52.60, Lon: 13.20} // beyond the radius
)

var _ Members = staff.Members{}

// id is a fixed id: same prefix and number, same id.
func id(prefix string, n uint64) platform.ID {
	return platform.NewID(prefix, noon, platform.Slot(n), n)
}

// errand is an order as far as dispatch is concerned.
type errand struct {
	platform.Head
	Zone  platform.ID   `json:"zone" class:"internal"`
	Need  []string      `json:"need" class:"internal"`
	From  time.Time     `json:"from" class:"internal"`
	Until time.Time     `json:"until" class:"internal"`
	Place *Place        `json:"place" class:"internal"`
	Seats []platform.ID `json:"seats" class:"internal"` // the assignment that fills it; empty is open
	Ended bool          `json:"ended" class:"internal"`
}

func (e errand) Ref() platform.Ref { return orderRef(e.ID) }

var errEnded = platform.Err(platform.ErrState, "order.not_staffable", "the order takes no staff now", "订单目前不可派单")

// errands satisfies Orders over stored errands.
type errands struct{ db platform.Getter }

func (o errands) load(ctx context.Context, order platform.ID) (errand, error) {
	e, err := platform.Read[errand](ctx, o.db, "order", order)
	if err == nil && e.Ended {
		err = fmt.Errorf("order %s: %w", order, errEnded)
	}
	return e, err
}

func (o errands) Need(ctx context.Context, order platform.ID) (json.RawMessage, []platform.Change, error) {
	e, err := o.load(ctx, order)
	if err != nil {
		return nil, nil, err
	}
	n := need{Order: e.ID, Customer: id("cus", 1), Merchant: id("mer", 1), Zone: e.Zone, Skills: e.Need, From: e.From, Until: e.Until, Open: []int{}}
	if e.Place != nil {
		n.Lat, n.Lon = &e.Place.Lat, &e.Place.Lon
	}
	for i, filled := range e.Seats {
		if filled == "" {
			n.Open = append(n.Open, i+1)
		}
	}
	text, err := json.Marshal(n)
	return text, []platform.Change{platform.Unchanged(e)}, err
}

func (o errands) Fill(ctx context.Context, order platform.ID, seat int, assignment, _ platform.ID, _ time.Time) ([]platform.Change, error) {
	e, err := o.load(ctx, order)
	if err != nil {
		return nil, err
	}
	if e.Seats[seat-1] != "" {
		return nil, fmt.Errorf("fill: %w", ErrSeatTaken)
	}
	e.Seats[seat-1] = assignment
	return []platform.Change{platform.Put(e)}, nil
}

func (o errands) Free(ctx context.Context, order platform.ID, seat int, _ string, _ time.Time) ([]platform.Change, error) {
	e, err := o.load(ctx, order)
	if err != nil {
		return nil, err
	}
	e.Seats[seat-1] = ""
	return []platform.Change{platform.Put(e)}, nil
}

// world is the service over an empty store, with real staff, and a clock that
// moves when the test says so.
type world struct {
	*Service
	t     testing.TB
	db    *memory.DB
	w     platform.Writer
	staff *staff.Service
	ctx   context.Context
	zone  platform.ID
	mu    sync.Mutex
	at    time.Time
	count uint64
}

func newWorld(t testing.TB, change ...func(*Policy)) *world {
	t.Helper()
	kinds := append(Kinds(), staff.Kinds()...)
	kinds = append(kinds, platform.Shape[errand]{Name: "order", Prefix: "ord"}.Kind())
	w := &world{t: t, db: memory.New(kinds, nil), ctx: platform.As(context.Background(), desk), at: noon}
	w.w = platform.Writer{Store: w.db, Now: w.now, IDs: ids()}.Ready()
	w.staff = staff.New(w.w, staff.StoreOn(w.db), staff.Ports{}, nil)
	var policy Policy
	for _, c := range change {
		c(&policy)
	}
	w.Service = New(w.w, StoreOn(w.db), Ports{Members: w.staff.Duty(), Orders: errands{w.db}}, &Options{Policy: policy})

	zone, err := w.staff.DraftZone(w.ctx, staff.DraftZone{Name: "North", TimeZone: "UTC"})
	require.NoError(t, err)
	_, err = w.staff.PublishZone(w.ctx, staff.PublishZone{Zone: zone.ID})
	require.NoError(t, err)
	w.zone = zone.ID
	return w
}

// ids are random bits that are the same in each run.
func ids() platform.IDs {
	var mu sync.Mutex
	source := rand.NewPCG(1, 2)
	return func() uint64 {
		mu.Lock()
		defer mu.Unlock()
		return source.Uint64()
	}
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

// later moves the clock on.
func (w *world) later(d time.Duration) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
	return w.at
}

// member is somebody on duty from 06:00 to 22:00, seen at a place; nil is
// nowhere.
func (w *world) member(at *Place) platform.ID {
	w.t.Helper()
	m, err := w.staff.Hire(w.ctx, staff.Hire{Zone: w.zone})
	require.NoError(w.t, err)
	_, err = w.staff.Publish(w.ctx, staff.Publish{Member: m.ID, Shifts: []staff.Shift{{Starts: "06:00", Ends: "22:00", First: "2026-03-01", Until: "2026-04-01"}}})
	require.NoError(w.t, err)
	_, err = w.staff.Activate(w.ctx, staff.Activate{Member: m.ID})
	require.NoError(w.t, err)
	if at != nil {
		_, err := w.Ping(w.ctx, Ping{Member: m.ID, Lat: at.Lat, Lon: at.Lon, Accuracy: 10})
		require.NoError(w.t, err)
	}
	return m.ID
}

// seed is a command that only writes.
type seed struct{ What platform.ID }

func (w *world) put(records ...platform.Stored) {
	w.t.Helper()
	_, err := platform.Update(w.ctx, w.w, seed{records[0].Ref().ID}, func(context.Context) (string, []platform.Change, error) {
		changes := []platform.Change{platform.Happened("test.seeded", records[0].Ref(), nil)}
		for _, r := range records {
			changes = append(changes, platform.Put(r))
		}
		return "", changes, nil
	})
	require.NoError(w.t, err)
}

// order is an order at the square for one member from now on, for an hour.
func (w *world) order(change ...func(*errand)) platform.ID {
	w.t.Helper()
	w.count++
	at := square
	e := errand{
		Head: platform.Head{ID: id("ord", w.count)}, Zone: w.zone, Need: []string{}, From: w.now(), Until: w.now().Add(time.Hour),
		Place: &at, Seats: make([]platform.ID, 1),
	}
	for _, c := range change {
		c(&e)
	}
	w.put(e)
	return e.ID
}

func seats(n int) func(*errand) { return func(e *errand) { e.Seats = make([]platform.ID, n) } }

func starts(after time.Duration) func(*errand) {
	return func(e *errand) { e.From, e.Until = e.From.Add(after), e.Until.Add(after) }
}

// end ends an order with everything that dispatch did for it.
func (w *world) end(order platform.ID) error {
	_, err := platform.Update(w.ctx, w.w, seed{order}, func(ctx context.Context) (string, []platform.Change, error) {
		e, err := platform.Read[errand](ctx, w.db, "order", order)
		if err != nil {
			return "", nil, err
		}
		changes, err := Releases{Store: StoreOn(w.db), Members: w.staff.Duty()}.Release(ctx, e.Ref(), "customer", w.now())
		e.Ended = true
		return "", append(changes, platform.Put(e), platform.Happened("order.cancelled", e.Ref(), nil)), err
	})
	return err
}

// dispatch dispatches an order and answers the offers made.
func (w *world) offers(order platform.ID) []Assignment {
	w.t.Helper()
	d, err := w.DispatchOrder(w.ctx, DispatchOrder{Order: order})
	require.NoError(w.t, err)
	return d.Offers
}

// all are the assignments of an order, in order of offer.
func (w *world) all(order platform.ID) []Assignment {
	w.t.Helper()
	page, err := w.Assignments(w.ctx, Find{Order: order, Limit: 500})
	require.NoError(w.t, err)
	slices.SortStableFunc(page.Items, func(a, b Assignment) int {
		return cmp.Or(a.Offered.Compare(b.Offered), cmp.Compare(a.Round, b.Round))
	})
	return page.Items
}

// asked are the members who have an open offer of an order.
func (w *world) asked(order platform.ID) []platform.ID {
	w.t.Helper()
	var members []platform.ID
	for _, a := range w.all(order) {
		if a.State == Offered {
			members = append(members, a.Member)
		}
	}
	return members
}

func (w *world) tick() int {
	w.t.Helper()
	fired, err := w.Tick(context.Background(), w.now(), 0)
	require.NoError(w.t, err)
	return fired
}

// as is a ctx in which a member acts.
func as(member platform.ID) context.Context {
	return platform.As(context.Background(), platform.Actor{ID: member, Kind: platform.Staff})
}

func (w *world) accept(a Assignment) error {
	_, err := w.Accept(as(a.Member), Accept{Assignment: a.ID})
	return err
}

func (w *world) decline(a Assignment) {
	w.t.Helper()
	_, err := w.Decline(as(a.Member), Decline{Assignment: a.ID, Reason: "too_far"})
	require.NoError(w.t, err)
}

// seat is who fills a seat of an order.
func (w *world) seat(order platform.ID, no int) platform.ID {
	w.t.Helper()
	e, err := platform.Read[errand](w.ctx, w.db, "order", order)
	require.NoError(w.t, err)
	return e.Seats[no-1]
}

// look is the search for a seat.
func (w *world) look(order platform.ID, seat int) Search {
	w.t.Helper()
	s, err := StoreOn(w.db).Search(w.ctx, searchID(order, seat))
	require.NoError(w.t, err)
	return s
}

// events are the events of one type.
func (w *world) events(what string) []platform.Event {
	w.t.Helper()
	page, err := platform.List[platform.Event](w.ctx, w.db, platform.Query{Kind: "event", By: []string{"type", "id"}, Equal: []any{what}, Limit: 500})
	require.NoError(w.t, err)
	return page.Items
}

// room is how many open offers a member has, as its counter says.
func (w *world) room(member platform.ID) int64 {
	w.t.Helper()
	c, err := platform.Read[platform.Count](w.ctx, w.db, "counter", quota(member).ID)
	if platform.Code(err) == "counter.not_found" {
		return 0
	}
	require.NoError(w.t, err)
	return -c.Value
}

// together runs n calls at once and answers what each came to.
func together(n int, call func(int) error) []error {
	errs := make([]error, n)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range n {
		done.Go(func() {
			start.Wait()
			errs[i] = call(i)
		})
	}
	start.Done()
	done.Wait()
	return errs
}

// passed are the calls that succeeded.
func passed(errs []error) (which []int) {
	for i, err := range errs {
		if err == nil {
			which = append(which, i)
		}
	}
	return which
}
