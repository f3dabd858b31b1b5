package platform_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// swap moves the light from one of two lamps to the other, in one commit: at
// every moment exactly one is on.
func (s lamps) swap(t *testing.T, on, off platform.ID) {
	t.Helper()
	_, err := platform.Update(platform.As(t.Context(), alice), s.w, SwitchOn{Lamp: on}, func(ctx context.Context) (lamp, []platform.Change, error) {
		both, err := platform.ReadAll[lamp](ctx, s.db, "lamp", on, off)
		if err != nil {
			return lamp{}, nil, err
		}
		both[0].On, both[1].On = true, false
		return both[0], []platform.Change{platform.Put(both[0]), platform.Put(both[1]), platform.Happened("lamp.swapped", both[0].Ref(), nil)}, nil
	})
	require.NoError(t, err)
}

var errDark = platform.Err(platform.ErrState, "lamp.dark", "both lamps are off", "两灯皆灭")

func TestARefusalWasTrueAtOneMoment(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	a, b := s.add(t), s.add(t)
	s.swap(t, b.ID, a.ID)
	tries := 0

	_, err := platform.Update(platform.As(t.Context(), alice), s.w, SwitchOn{Lamp: a.ID}, func(ctx context.Context) (lamp, []platform.Change, error) {
		tries++
		first, err := platform.Lookup(ctx, s.db, a.Ref())
		require.NoError(t, err)
		if tries == 1 {
			s.swap(t, a.ID, b.ID) // between the two trips
		}
		second, err := platform.Read[lamp](ctx, s.db, "lamp", b.ID)
		require.NoError(t, err)
		seen, err := platform.Found[lamp](first, a.Ref())
		require.NoError(t, err)
		if !seen[0].On && !second.On {
			return lamp{}, nil, errDark // which neither moment was
		}
		return lamp{}, nil, errOn
	})

	require.ErrorIs(t, err, errOn)
	assert.Equal(t, 2, tries)
}

func TestARefusalOfWhatStandsStillIsNotDecidedAgain(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	a, b := s.add(t), s.add(t)
	for _, busy := range []bool{false, true} {
		tries := 0
		_, err := platform.Update(platform.As(t.Context(), alice), s.w, SwitchOn{Lamp: a.ID}, func(ctx context.Context) (lamp, []platform.Change, error) {
			tries++
			if !busy {
				_, err := platform.Read[lamp](ctx, s.db, "lamp", a.ID)
				require.NoError(t, err)
			}
			_, err := platform.Read[lamp](ctx, s.db, "lamp", b.ID)
			require.NoError(t, err)
			if busy { // one trip saw one moment, whatever came after
				s.swap(t, a.ID, b.ID)
			}
			return lamp{}, nil, errDark
		})
		require.ErrorIs(t, err, errDark)
		assert.Equal(t, 1, tries)
	}
}

func TestARecordReadAtTwoVersionsIsDecidedAgain(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	a, b := s.add(t), s.add(t)
	tries := 0

	_, err := platform.Update(platform.As(t.Context(), alice), s.w, SwitchOn{Lamp: a.ID}, func(ctx context.Context) (lamp, []platform.Change, error) {
		tries++
		first, err := platform.Read[lamp](ctx, s.db, "lamp", a.ID)
		require.NoError(t, err)
		if tries == 1 {
			s.swap(t, a.ID, b.ID)
		}
		second, err := platform.Read[lamp](ctx, s.db, "lamp", a.ID)
		require.NoError(t, err)
		second.Switched++
		return second, []platform.Change{platform.Unchanged(first), platform.Put(second), platform.Happened("lamp.switched", a.Ref(), nil)}, nil
	})

	require.NoError(t, err)
	assert.Equal(t, 2, tries)
}

func TestTheExpectedVersionComesBeforeOtherRefusals(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	l := s.add(t)
	_, err := s.switchOn(platform.As(t.Context(), alice), SwitchOn{Lamp: l.ID})
	require.NoError(t, err)

	_, err = s.switchOn(platform.IfVersion(platform.As(t.Context(), alice), 1), SwitchOn{Lamp: l.ID})
	require.Equal(t, "precondition", platform.Code(err), "the caller saw a lamp that was off")
	_, err = s.switchOn(platform.IfVersion(platform.As(t.Context(), alice), 2), SwitchOn{Lamp: l.ID})
	require.ErrorIs(t, err, errOn)
}

func TestLookupFindsWhatExists(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	l := s.add(t)
	gone := platform.Ref{Kind: "lamp", ID: platform.NewID("lmp", noon, 1, 1)}

	found, err := platform.Lookup(t.Context(), s.db, gone, l.Ref())
	require.NoError(t, err)
	assert.Len(t, found, 1)
	lamps, err := platform.Found[lamp](found, gone, l.Ref())
	require.NoError(t, err)
	assert.Equal(t, []lamp{l}, lamps)

	none, err := platform.Lookup(t.Context(), s.db)
	require.NoError(t, err)
	assert.Empty(t, none)
	_, err = platform.Lookup(t.Context(), s.db, platform.Ref{Kind: "lamp", ID: "x"})
	require.ErrorIs(t, err, platform.ErrInvalid)
}
