package platform_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
)

// tornDB reads record by record, as an adapter with a statement a kind does
// under read committed.
type tornDB struct {
	*memory.DB
	between func()
}

func (d *tornDB) Get(ctx context.Context, refs ...platform.Ref) (all []platform.Record, _ error) {
	for i, ref := range refs {
		if i == 1 && d.between != nil {
			d.between()
			d.between = nil
		}
		some, err := d.DB.Get(ctx, ref)
		if err != nil {
			return all, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func TestOneTripOfTwoMomentsRefusesNothingUntrue(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	a, b := s.add(t), s.add(t)
	ctx := platform.As(t.Context(), alice)
	db := &tornDB{DB: s.db}
	db.between = func() {
		_, err := platform.Update(platform.As(context.Background(), alice), s.w, SwitchOn{Lamp: a.ID}, func(ctx context.Context) (lamp, []platform.Change, error) {
			all, err := platform.ReadAll[lamp](ctx, s.db, "lamp", a.ID, b.ID)
			require.NoError(t, err)
			all[0].On, all[1].On = true, true
			return all[0], []platform.Change{platform.Put(all[0]), platform.Put(all[1]), platform.Happened("lamp.switched", a.Ref(), nil)}, nil
		})
		require.NoError(t, err)
	}
	_, err := platform.Update(ctx, s.w, SwitchOn{Lamp: a.ID, Note: "x"}, func(ctx context.Context) (lamp, []platform.Change, error) {
		all, err := platform.ReadAll[lamp](ctx, db, "lamp", a.ID, b.ID)
		require.NoError(t, err)
		if all[0].On != all[1].On {
			return lamp{}, nil, errOn
		}
		return all[0], []platform.Change{platform.Unchanged(all[0]), platform.Happened("lamp.seen", a.Ref(), nil)}, nil
	})
	require.NoError(t, err, "the refusal was never true")
}
