package dispatch

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// move puts an order to another time, as its change does.
func (w *world) move(order platform.ID, to time.Time) (lost []int, err error) {
	_, err = platform.Update(w.ctx, w.w, seed{order}, func(ctx context.Context) (string, []platform.Change, error) {
		e, err := platform.Read[errand](ctx, w.db, "order", order)
		if err != nil {
			return "", nil, err
		}
		e.From, e.Until = to, to.Add(e.Until.Sub(e.From))
		need, _, err := moving{e}.Need(ctx, order)
		if err != nil {
			return "", nil, err
		}
		releases := Releases{Store: StoreOn(w.db), Members: w.staff.Duty()}
		gone, changes, err := releases.Move(ctx, e.Ref(), need, "customer", w.now())
		for _, seat := range gone {
			e.Seats[seat-1] = ""
		}
		lost = gone
		return "", append(changes, platform.Put(e), platform.Happened("change.applied", e.Ref(), nil)), err
	})
	return lost, err
}

// moving answers for an order as it will be.
type moving struct{ errand }

func (m moving) Need(ctx context.Context, _ platform.ID) ([]byte, []platform.Change, error) {
	return errands{shown(m)}.Need(ctx, m.ID)
}

// manned is an order for tomorrow at three, with so many seats, all of them taken.
func (w *world) manned(n int) (platform.ID, []Assignment) {
	w.t.Helper()
	order := w.order(starts(27*time.Hour), seats(n))
	for range n {
		for _, a := range w.offers(order) {
			require.NoError(w.t, w.accept(a))
		}
	}
	var all []Assignment
	for _, a := range w.all(order) {
		if a.State == Accepted {
			all = append(all, a)
		}
	}
	require.Len(w.t, all, n)
	return order, all
}

func TestWhoCanFollowKeepsTheSeat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(nil)
	order, all := w.manned(1)
	for _, to := range []time.Duration{27*time.Hour + 30*time.Minute, 26*time.Hour + 45*time.Minute, 52 * time.Hour, 27 * time.Hour} {
		lost, err := w.move(order, noon.Add(to))
		require.NoError(t, err)
		assert.Empty(t, lost, "its own booking is no overlap")
		a, err := w.Assignment(w.ctx, all[0].ID)
		require.NoError(t, err)
		assert.Equal(t, []any{Accepted, noon.Add(to), noon.Add(to + time.Hour)}, []any{a.State, a.From, a.Until})
		assert.Equal(t, all[0].ID, w.seat(order, 1))

		other := w.order(starts(to))
		_, err = w.Offer(w.ctx, Offer{Order: other, Seat: 1, Member: a.Member})
		require.ErrorIs(t, err, ErrOverlap, "booked for what it is now")
	}
	free := w.order(starts(52 * time.Hour))
	a, err := w.Offer(w.ctx, Offer{Order: free, Seat: 1, Member: all[0].Member})
	require.NoError(t, err, "and no longer for what it was")
	require.NoError(t, w.accept(a))
	assert.Len(t, w.events("assignment.moved"), 4)
	assert.Empty(t, w.events("assignment.released"))
}

func TestE17OnlyWhoCannotFollowIsReleased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(nil)
	w.member(nil)
	order, all := w.manned(2)
	busy := w.order(starts(51 * time.Hour))
	booked, err := w.Offer(w.ctx, Offer{Order: busy, Seat: 1, Member: all[0].Member})
	require.NoError(t, err)
	require.NoError(t, w.accept(booked))
	third := w.member(nil)

	lost, err := w.move(order, noon.Add(51*time.Hour))

	require.NoError(t, err)
	assert.Equal(t, []int{all[0].Seat}, lost)
	gone, err := w.Assignment(w.ctx, all[0].ID)
	require.NoError(t, err)
	assert.Equal(t, []any{Released, "customer", "order_moved"}, []any{gone.State, gone.Fault, gone.Reason})
	assert.Equal(t, all[1].ID, w.seat(order, all[1].Seat), "who can stays")
	assert.Positive(t, w.tick(), "another is looked for at once")
	assert.Equal(t, []platform.ID{third}, w.asked(order))
	again := w.order(starts(27 * time.Hour))
	_, err = w.Offer(w.ctx, Offer{Order: again, Seat: 1, Member: all[0].Member})
	require.NoError(t, err, "who was released is free")
}

func TestOffersOfTheOldTimeAreWithdrawn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(nil)
	order := w.order(starts(27 * time.Hour))
	offered := w.offers(order)
	require.Len(t, offered, 1)
	require.EqualValues(t, 1, w.room(m))

	lost, err := w.move(order, noon.Add(51*time.Hour))

	require.NoError(t, err)
	assert.Empty(t, lost)
	assert.Zero(t, w.room(m), "its quota is given back")
	require.Error(t, w.accept(offered[0]))
	assert.Positive(t, w.tick())
	again := slices.DeleteFunc(w.all(order), func(a Assignment) bool { return a.State != Offered })
	require.Len(t, again, 1, "and asked anew")
	assert.Equal(t, noon.Add(51*time.Hour), again[0].From)
}

// A member who is wanted by two at once, for an overlapping time, is had by one.
func TestAMoveAndAnAcceptTakeAMemberOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		w := newWorld(t)
		m := w.member(nil)
		order, _ := w.manned(1)
		rival := w.order(starts(51 * time.Hour))
		offer, err := w.Offer(w.ctx, Offer{Order: rival, Seat: 1, Member: m})
		require.NoError(t, err)

		var lost []int
		errs := together(2, func(i int) error {
			if i == 0 {
				return w.accept(offer)
			}
			var err error
			lost, err = w.move(order, noon.Add(51*time.Hour+30*time.Minute))
			return err
		})

		require.NoError(t, errs[1], "the order moves either way")
		if errs[0] == nil {
			assert.Equal(t, []int{1}, lost, "it was had by the other")
		} else {
			require.ErrorIs(t, errs[0], ErrOverlap)
			assert.Empty(t, lost)
		}
	}
}

func TestWhoWaitsAtTheDoorIsOnRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.member(nil)
	order, all := w.manned(1)
	contact := Contact{Assignment: all[0].ID, Way: "call"}
	_, err := w.Contact(as(m), contact)
	require.ErrorIs(t, err, ErrNotWaiting)
	_, err = w.EnRoute(as(m), EnRoute{Assignment: all[0].ID})
	require.NoError(t, err)
	w.later(27 * time.Hour)
	_, err = w.Arrive(as(m), Arrive{Assignment: all[0].ID})
	require.NoError(t, err)
	arrived := w.now()
	for range mostContacts {
		w.later(time.Minute)
		_, err = w.Contact(as(m), contact)
		require.NoError(t, err)
	}
	_, err = w.Contact(as(m), contact)
	require.ErrorIs(t, err, ErrContacts)
	_, err = w.Contact(as(w.member(nil)), contact)
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = w.Contact(as(m), Contact{Assignment: all[0].ID, Way: "pigeon"})
	require.ErrorIs(t, err, platform.ErrInvalid)

	desk := Releases{Store: StoreOn(w.db), Members: w.staff.Duty()}
	doc, checks, err := desk.Present(w.ctx, all[0].ID)
	require.NoError(t, err)
	assert.Len(t, checks, 1)
	assert.Contains(t, string(doc), `"arrived":"`+arrived.Format(time.RFC3339))
	assert.Contains(t, string(doc), arrived.Add(20*time.Minute).Format(time.RFC3339))

	_, err = platform.Update(w.ctx, w.w, seed{order}, func(ctx context.Context) (string, []platform.Change, error) {
		changes, err := desk.StandUp(ctx, orderRef(order), w.now())
		return "", changes, err
	})
	require.NoError(t, err)
	a, err := w.Assignment(w.ctx, all[0].ID)
	require.NoError(t, err)
	assert.Equal(t, []any{StoodUp, "customer", "no_show"}, []any{a.State, a.Fault, a.Reason})
}

// shown is a store in which an order is as it will be.
type shown struct{ errand }

func (s shown) Get(context.Context, ...platform.Ref) ([]platform.Record, error) {
	doc, err := json.Marshal(s.errand)
	return []platform.Record{{Ref: s.Ref(), Version: s.Revision(), Doc: doc}}, err
}

func (shown) Scan(context.Context, platform.Query) (platform.Page[platform.Record], error) {
	return platform.Page[platform.Record]{}, nil
}
