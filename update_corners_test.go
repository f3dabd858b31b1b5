package platform_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
)

// A refusal that is recorded with a check that no longer holds was decided on a
// state that is gone.
func TestARecordedRefusalThatIsStaleIsDecidedAgain(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	l := s.add(t)
	ctx := platform.As(t.Context(), alice)
	tries := 0
	_, err := platform.Update(ctx, s.w, SwitchOn{Lamp: l.ID}, func(ctx context.Context) (lamp, []platform.Change, error) {
		now, err := platform.Read[lamp](ctx, s.db, "lamp", l.ID)
		require.NoError(t, err)
		if tries++; tries == 1 {
			_, err := s.switchOn(platform.As(context.Background(), alice), SwitchOn{Lamp: l.ID})
			require.NoError(t, err)
		}
		if !now.On {
			err := platform.Detail(errOn, "since", 3)
			return now, []platform.Change{platform.Unchanged(now), platform.Happened("lamp.refused", l.Ref(), nil)}, err
		}
		return now, []platform.Change{platform.Unchanged(now), platform.Happened("lamp.seen", l.Ref(), nil)}, nil
	})
	require.NoError(t, err)
}

// Under a key, an answer of nil still is an answer.
func TestNilAnswersAreAnswersToo(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	l := s.add(t)
	ctx := platform.WithKey(platform.As(t.Context(), alice), "k1")
	for range 2 {
		_, err := platform.Update(ctx, s.w, SwitchOn{Lamp: l.ID}, func(context.Context) (any, []platform.Change, error) {
			return nil, []platform.Change{platform.Delta(platform.Counter("paid", "CNY"), 1, l.Ref()), platform.Happened("lamp.paid", l.Ref(), nil)}, nil
		})
		require.NoError(t, err)
	}
	records, err := s.db.Get(ctx, platform.Counter("paid", "CNY"))
	require.NoError(t, err)
	assert.EqualValues(t, 1, records[0].Version, "two effects under one key")
}

// The version that the caller expects holds also when the set does not write
// the record.
func TestAPreconditionIsNeverSilentlyIgnored(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	l := s.add(t)
	ctx := platform.IfVersion(platform.As(t.Context(), alice), 7)
	_, err := platform.Update(ctx, s.w, SwitchOn{Lamp: l.ID}, func(context.Context) (int, []platform.Change, error) {
		return 1, []platform.Change{platform.Delta(platform.Counter("paid", "CNY"), 1, l.Ref()), platform.Happened("lamp.paid", l.Ref(), nil)}, nil
	})
	require.Error(t, err)
	assert.Equal(t, "precondition", platform.Code(err))
}

// The platform's own timers act for whatever tenant they run in.
func TestTheSystemActsInEveryTenant(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	s.w.Tenant = "north"
	ctx := platform.As(t.Context(), platform.SystemActor("timers"))
	id := s.w.NewRoot(ctx, "lmp")
	_, err := platform.Update(ctx, s.w, SwitchOn{Lamp: id}, func(context.Context) (lamp, []platform.Change, error) {
		l := lamp{Head: platform.Head{ID: id}}
		return l, []platform.Change{platform.Put(l), platform.Happened("lamp.added", l.Ref(), nil)}, nil
	})
	require.NoError(t, err)
}

// A panic in a decision leaves nothing and no key.
func TestAPanicLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	l := s.add(t)
	ctx := platform.WithKey(platform.As(t.Context(), alice), "k1")
	require.Panics(t, func() {
		_, _ = platform.Update(ctx, s.w, SwitchOn{Lamp: l.ID}, func(context.Context) (lamp, []platform.Change, error) { panic("x") })
	})
	_, err := s.switchOn(ctx, SwitchOn{Lamp: l.ID})
	require.NoError(t, err)
}

// The name that is taken is explained by the domain, if it gets the chance to
// look: four conflicts before must not take that chance.
func TestATakenNameIsDecidedAgainHoweverLate(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	l := s.add(t)
	w := s.w
	clash := &clashing{DB: s.db, codes: []string{"stale", "stale", "stale", "taken"}}
	w.Store = clash
	_, err := platform.Update(platform.As(t.Context(), alice), w, SwitchOn{Lamp: l.ID}, func(context.Context) (lamp, []platform.Change, error) {
		if clash.n == 4 {
			return lamp{}, nil, errOn // the domain sees who took it
		}
		return l, []platform.Change{platform.Happened("lamp.seen", l.Ref(), nil)}, nil
	})
	require.ErrorIs(t, err, errOn)
}

type clashing struct {
	*memory.DB
	codes []string
	n     int
}

func (c *clashing) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	if c.n < len(c.codes) {
		c.n++
		return platform.Receipt{}, platform.Err(platform.ErrConflict, c.codes[c.n-1], "x", "x")
	}
	return c.DB.Commit(ctx, set)
}

// A ctx that ends between decision and commit writes nothing.
func TestACancelledCommandWritesNothing(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	l := s.add(t)
	ctx, cancel := context.WithCancel(platform.WithKey(platform.As(t.Context(), alice), "k"))
	_, err := platform.Update(ctx, s.w, SwitchOn{Lamp: l.ID}, func(ctx context.Context) (lamp, []platform.Change, error) {
		now, err := platform.Read[lamp](ctx, s.db, "lamp", l.ID)
		cancel()
		now.On = true
		return now, []platform.Change{platform.Put(now), platform.Happened("lamp.switched", l.Ref(), nil)}, err
	})
	require.ErrorIs(t, err, context.Canceled)
	now, err := platform.Read[lamp](t.Context(), s.db, "lamp", l.ID)
	require.NoError(t, err)
	require.False(t, now.On)
}
