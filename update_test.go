package platform_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
)

var (
	noon  = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	alice = platform.Actor{ID: "cus_01kdvdna00eajs4d2pf2dbsqqg", Kind: platform.Customer}
)

// lamp is a record with one bit and a count of how often it was switched.
type lamp struct {
	platform.Head
	On       bool  `json:"on" class:"public"`
	Switched int64 `json:"switched" class:"public"`
}

func (l lamp) Ref() platform.Ref { return platform.Ref{Kind: "lamp", ID: l.ID} }

type SwitchOn struct {
	Lamp platform.ID `json:"lamp" validate:"required,id=lmp"`
	Note string      `json:"note,omitempty" validate:"text=5"`
}

var errOn = platform.Err(platform.ErrState, "lamp.on", "the lamp is on", "灯已亮")

type lamps struct {
	db *memory.DB
	w  platform.Writer
}

func newLamps(t *testing.T) lamps {
	t.Helper()
	db := memory.New([]platform.Kind{platform.Shape[lamp]{Name: "lamp", Prefix: "lmp"}.Kind()}, nil)
	t.Cleanup(func() { _ = db.Close() })
	var ticks atomic.Int64
	now := func() time.Time { return noon.Add(time.Duration(ticks.Add(1)) * time.Millisecond) }
	return lamps{db, platform.Writer{Store: db, Now: now}.Ready()}
}

func (c SwitchOn) Subject() platform.Ref { return platform.Ref{Kind: "lamp", ID: c.Lamp} }

func (s lamps) add(t *testing.T) lamp {
	t.Helper()
	ctx := platform.As(context.Background(), alice)
	l := lamp{Head: platform.Head{ID: s.w.NewRoot(ctx, "lmp")}}
	l, err := platform.Update(ctx, s.w, SwitchOn{Lamp: l.ID}, func(context.Context) (lamp, []platform.Change, error) {
		return l, []platform.Change{platform.Put(l), platform.Happened("lamp.added", l.Ref(), nil)}, nil
	})
	require.NoError(t, err)
	require.EqualValues(t, 1, l.Version)
	return l
}

func (s lamps) switchOn(ctx context.Context, in SwitchOn) (lamp, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (lamp, []platform.Change, error) {
		l, err := platform.Read[lamp](ctx, s.db, "lamp", in.Lamp)
		if err != nil {
			return lamp{}, nil, err
		}
		if l.On {
			return l, nil, errOn
		}
		l.On, l.Switched = true, l.Switched+1
		return l, []platform.Change{platform.Put(l), platform.Happened("lamp.switched", l.Ref(), map[string]bool{"on": true})}, nil
	})
}

func (s lamps) events(t *testing.T, l lamp) []platform.Event {
	t.Helper()
	page, err := platform.List[platform.Event](t.Context(), s.db, platform.Query{Kind: "event", By: []string{"subject", "id"}, Equal: []any{l.Ref()}, Limit: 500})
	require.NoError(t, err)
	return page.Items
}

func TestOneOfManyHasTheEffectAndAllGetATrueAnswer(t *testing.T) {
	t.Parallel()
	for _, shared := range []bool{true, false} {
		s := newLamps(t)
		l := s.add(t)
		var done, refused atomic.Int64
		var all sync.WaitGroup
		for i := range 32 {
			key := "same"
			if !shared {
				key = string(rune('A' + i))
			}
			all.Go(func() {
				got, err := s.switchOn(platform.WithKey(platform.As(t.Context(), alice), key), SwitchOn{Lamp: l.ID})
				switch {
				case err == nil && got.On && got.Switched == 1 && got.Version == 2:
					done.Add(1)
				case errors.Is(err, errOn):
					refused.Add(1)
				default:
					t.Errorf("neither done nor refused: %+v, %v", got, err)
				}
			})
		}
		all.Wait()

		if shared {
			assert.EqualValues(t, 32, done.Load(), "a repeat gets the stored answer")
		} else {
			assert.EqualValues(t, 1, done.Load())
			assert.EqualValues(t, 31, refused.Load())
		}
		assert.Len(t, s.events(t, l), 2)
	}
}

func TestE36AKeyBelongsToOneCommand(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	a, b := s.add(t), s.add(t)
	ctx := platform.WithKey(platform.As(t.Context(), alice), "k1")
	_, err := s.switchOn(ctx, SwitchOn{Lamp: a.ID})
	require.NoError(t, err)

	_, err = s.switchOn(ctx, SwitchOn{Lamp: b.ID})

	require.ErrorIs(t, err, platform.ErrInvalid)
	assert.Equal(t, "key.reused", platform.Code(err))

	bob := platform.Actor{ID: "cus_01kdvdna00eajs4d2pf2dbsqqh", Kind: platform.Customer}
	_, err = s.switchOn(platform.WithKey(platform.As(t.Context(), bob), "k1"), SwitchOn{Lamp: b.ID})
	require.NoError(t, err, "another actor's key is another key")
}

func TestARefusalLeavesNoKey(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	l := s.add(t)
	_, err := s.switchOn(platform.As(t.Context(), alice), SwitchOn{Lamp: l.ID})
	require.NoError(t, err)
	ctx := platform.WithKey(platform.As(t.Context(), alice), "k1")

	_, err = s.switchOn(ctx, SwitchOn{Lamp: l.ID})

	require.ErrorIs(t, err, errOn)
	key, err := platform.KeyOf(ctx)
	require.NoError(t, err)
	_, err = s.db.Recall(ctx, key)
	require.ErrorIs(t, err, platform.ErrNotFound)
}

func TestARefusalWorthRecordingIsCommitted(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	l := s.add(t)

	_, err := platform.Update(platform.WithKey(platform.As(t.Context(), alice), "k"), s.w, SwitchOn{Lamp: l.ID},
		func(context.Context) (lamp, []platform.Change, error) {
			return lamp{}, []platform.Change{platform.Happened("lamp.refused", l.Ref(), nil).Because("broken")}, errOn
		})

	require.ErrorIs(t, err, errOn)
	events := s.events(t, l)
	require.Len(t, events, 2)

	next := l
	next.On = true
	_, err = platform.Update(platform.As(t.Context(), alice), s.w, SwitchOn{Lamp: l.ID}, func(context.Context) (lamp, []platform.Change, error) {
		return next, []platform.Change{platform.Put(next), platform.Happened("lamp.switched", l.Ref(), nil)}, errOn
	})
	require.ErrorIs(t, err, errOn)
	require.Len(t, s.events(t, l), 2, "a refused command changes no record")
	assert.Equal(t, "broken", events[1].Reason)
}

func TestEventsAreStamped(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	l := s.add(t)
	_, err := s.switchOn(platform.WithRequest(platform.As(t.Context(), alice), "req-1"), SwitchOn{Lamp: l.ID})
	require.NoError(t, err)

	e := s.events(t, l)[1]

	assert.Equal(t, "lamp.switched", e.Type)
	assert.Equal(t, alice, e.Actor)
	assert.WithinRange(t, e.At, noon, noon.Add(time.Minute))
	assert.Equal(t, "req-1", e.Request)
	assert.EqualValues(t, 2, e.Version)
	assert.JSONEq(t, `{"on":true}`, string(e.Data))
	assert.Equal(t, l.ID.Slot(), e.ID.Slot())
}

func TestUpdateRefusesBeforeItLoads(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	good := SwitchOn{Lamp: "lmp_01kdvdna00eajs4d2pf2dbsqqg"}
	ctx := platform.As(t.Context(), alice)
	stranger := alice
	stranger.Tenant = "other"
	guarded := s.w
	guarded.Guard = nobody{}
	for name, c := range map[string]struct {
		ctx  context.Context
		w    platform.Writer
		in   SwitchOn
		kind error
		code string
	}{
		"no actor":        {t.Context(), s.w, good, platform.ErrDenied, "actor.missing"},
		"other tenant":    {platform.As(t.Context(), stranger), s.w, good, platform.ErrNotFound, "tenant.not_found"},
		"malformed key":   {platform.WithKey(ctx, "é"), s.w, good, platform.ErrInvalid, "key.malformed"},
		"malformed id":    {ctx, s.w, SwitchOn{Lamp: "lmp_1"}, platform.ErrInvalid, "id.malformed"},
		"id of a kind":    {ctx, s.w, SwitchOn{Lamp: "ord_01kdvdna00eajs4d2pf2dbsqqg"}, platform.ErrInvalid, "id.wrong_kind"},
		"text too long":   {ctx, s.w, SwitchOn{Lamp: good.Lamp, Note: "sixsix"}, platform.ErrInvalid, "text.too_long"},
		"guard":           {ctx, guarded, good, platform.ErrDenied, "denied"},
		"inside decision": {deciding(t, s), s.w, good, platform.ErrInvalid, "update.nested"},
	} {
		_, err := platform.Update(c.ctx, c.w, c.in, func(context.Context) (lamp, []platform.Change, error) {
			t.Errorf("%s: decided", name)
			return lamp{}, nil, nil
		})
		require.ErrorIs(t, err, c.kind, name)
		assert.Equal(t, c.code, platform.Code(err), name)
		assert.NotEmpty(t, platform.Text(err, "zh"), name)
	}
}

type nobody struct{}

func (nobody) Permit(context.Context, platform.Act) ([]platform.Change, error) {
	return nil, platform.ErrDenied
}

// deciding is a ctx from inside a decision.
func deciding(t *testing.T, s lamps) (inside context.Context) {
	t.Helper()
	_, err := platform.Update(platform.As(t.Context(), alice), s.w, SwitchOn{Lamp: "lmp_01kdvdna00eajs4d2pf2dbsqqg"},
		func(ctx context.Context) (lamp, []platform.Change, error) {
			inside = ctx //nolint:fatcontext // it is handed out once
			return lamp{}, nil, errOn
		})
	require.ErrorIs(t, err, errOn)
	require.True(t, platform.Deciding(inside))
	return inside
}

func TestPortsMayCheckWhatTheDomainWrites(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	l := s.add(t)
	next := l
	next.On = true

	_, err := platform.Update(platform.As(t.Context(), alice), s.w, SwitchOn{Lamp: l.ID}, func(context.Context) (lamp, []platform.Change, error) {
		return next, []platform.Change{platform.Unchanged(l), platform.Put(next), platform.Unchanged(l), platform.Happened("lamp.switched", l.Ref(), nil)}, nil
	})
	require.NoError(t, err)

	_, err = platform.Update(platform.As(t.Context(), alice), s.w, SwitchOn{Lamp: l.ID}, func(context.Context) (lamp, []platform.Change, error) {
		return next, []platform.Change{platform.Put(next), platform.Put(next), platform.Happened("lamp.switched", l.Ref(), nil)}, nil
	})
	require.ErrorIs(t, err, platform.ErrInvalid, "two writes of one record are a mistake")
}

func TestACommandHappensOnlyAtTheVersionThatItsCallerSaw(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	l := s.add(t)
	ctx := platform.WithKey(platform.As(t.Context(), alice), "k")

	_, err := s.switchOn(platform.IfVersion(ctx, 7), SwitchOn{Lamp: l.ID})
	require.ErrorIs(t, err, platform.ErrConflict)
	assert.Equal(t, "precondition", platform.Code(err))

	for range 2 { // the repeat gets the stored answer, although the version has moved on
		got, err := s.switchOn(platform.IfVersion(ctx, 1), SwitchOn{Lamp: l.ID})
		require.NoError(t, err)
		assert.EqualValues(t, 2, got.Version)
	}
}

// usher lets pass as long as it has tickets, and takes one each time, so that it
// is used up in the act's own commit.
type usher struct{ lamps }

func (u usher) Permit(ctx context.Context, act platform.Act) ([]platform.Change, error) {
	ticket, err := platform.Read[lamp](ctx, u.db, "lamp", act.On.ID)
	if err != nil {
		return nil, err
	}
	if ticket.Switched == 0 {
		turnedAway := platform.Happened("lamp.turned_away", act.On, nil)
		return []platform.Change{turnedAway}, platform.ErrDenied
	}
	ticket.Switched--
	return []platform.Change{platform.Put(ticket)}, nil
}

func TestAPermissionIsUsedUpByWhatItPermits(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	l := s.add(t)
	l, err := s.switchOn(platform.As(t.Context(), alice), SwitchOn{Lamp: l.ID})
	require.NoError(t, err)
	require.EqualValues(t, 1, l.Switched, "one ticket")
	guarded := s.w
	guarded.Guard = usher{s}
	var passed, denied atomic.Int64
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			_, err := platform.Update(platform.As(t.Context(), alice), guarded, SwitchOn{Lamp: l.ID}, func(context.Context) (lamp, []platform.Change, error) {
				return lamp{}, []platform.Change{platform.Happened("lamp.seen", l.Ref(), nil)}, nil
			})
			switch {
			case err == nil:
				passed.Add(1)
			case errors.Is(err, platform.ErrDenied):
				denied.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()

	assert.EqualValues(t, 1, passed.Load())
	assert.EqualValues(t, 31, denied.Load())
	counts := map[string]int{}
	for _, e := range s.events(t, l) {
		counts[e.Type]++
	}
	assert.Equal(t, map[string]int{"lamp.added": 1, "lamp.switched": 1, "lamp.seen": 1, "lamp.turned_away": 31}, counts)
}
