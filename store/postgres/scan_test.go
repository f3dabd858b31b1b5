package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
)

// TestTypedTablesScanLikeAllOthers: counters and movements have columns instead
// of keys, and come in the same order, with the same cursors, as in memory,
// whose keys are the rule.
func TestTypedTablesScanLikeAllOthers(t *testing.T) {
	t.Parallel()
	db, model := fresh(t), memory.New(kinds(), nil)
	counters := []platform.Ref{
		platform.Counter("a", "CNY"), platform.Counter("a", "CNYX"), platform.Counter("a!", "CNY"), platform.Counter("ab", "CNY"),
		platform.Counter("服务", "piece"), platform.Counter("Z", "CNY"), platform.Counter("a#b", "CNY"),
	}
	causes := []platform.Ref{{}, {Kind: "page", ID: "x"}, {Kind: "page", ID: "xy"}, {Kind: "pag", ID: "y"}, {Kind: "服务", ID: "z"}}
	die := rand.New(rand.NewPCG(1, 2))
	var ids []platform.ID
	for i := range 120 {
		s := set(titled(strconv.Itoa(i)))
		ids = append(ids, s.Changes[0].Ref.ID)
		for range 3 {
			s.Changes = append(s.Changes, platform.Delta(counters[die.IntN(len(counters))], 1+die.Int64N(9), causes[die.IntN(len(causes))]))
		}
		_, err := db.Commit(t.Context(), s)
		require.NoError(t, err)
		_, err = model.Commit(t.Context(), s)
		require.NoError(t, err)
	}
	of := func(values []platform.Ref) any { return values[die.IntN(len(values))] }
	numbers := func() any { return []any{int64(0), int64(1), int64(7), int64(20), int64(99)}[die.IntN(5)] }
	movementIDs := func() any {
		return platform.ID(fmt.Sprintf("%s#%019d", counters[die.IntN(len(counters))].ID, die.IntN(40)))
	}
	parts := func(id any) any { // of an id, or a little more
		text := []rune(id.(platform.ID) + "~")
		return platform.ID(text[:1+die.IntN(len(text))])
	}
	for range 600 {
		q := platform.Query{Limit: 1 + die.IntN(7), Backward: die.IntN(2) == 0}
		var edge func() any
		switch die.IntN(6) {
		case 0:
			q.Kind, q.By, edge = store.Movement, []string{"counter", "seq"}, func() any { return of(counters) }
			if die.IntN(3) > 0 {
				q.Equal, edge = []any{of(counters)}, numbers
			}
		case 1:
			q.Kind, q.By, edge = store.Movement, []string{"cause"}, func() any { return of(causes) }
			if die.IntN(2) == 0 {
				q.Equal, edge = []any{of(causes)}, nil
			}
		case 2:
			q.Kind, edge = store.Movement, movementIDs
		case 3:
			q.Kind, edge = store.Counter, func() any { return parts(counters[die.IntN(len(counters))].ID) }
		case 4:
			q.Kind, edge = "page", func() any { return parts(ids[die.IntN(len(ids))]) }
		case 5:
			q.Kind, edge = store.Movement, func() any { return parts(movementIDs()) }
		}
		if edge != nil && die.IntN(2) == 0 {
			q.From = edge()
		}
		if edge != nil && die.IntN(2) == 0 {
			q.Until = edge()
		}
		for page := range 4 {
			want, failed := model.Scan(t.Context(), q)
			got, err := db.Scan(t.Context(), q)
			if failed != nil {
				require.ErrorIs(t, err, platform.ErrInvalid)
				break
			}
			require.NoError(t, err, "%+v", q)
			require.Equal(t, refs(want), refs(got), "page %d of %+v", page, q)
			require.Equal(t, want.Next, got.Next, "page %d of %+v", page, q)
			if q.Cursor = got.Next; q.Cursor == "" {
				break
			}
		}
	}
	all, err := db.Scan(t.Context(), platform.Query{Kind: store.Movement, Limit: 500})
	require.NoError(t, err)
	same, err := model.Scan(t.Context(), platform.Query{Kind: store.Movement, Limit: 500})
	require.NoError(t, err)
	assert.Equal(t, same, all, "documents included")
}

func refs(p platform.Page[platform.Record]) (all []platform.Ref) {
	for _, r := range p.Items {
		all = append(all, r.Ref)
	}
	return all
}
