package sqlite

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
)

// TestLeastOrdersAsTextDoes: an id is at or behind a text exactly when its bytes
// are at or behind the text's bound, whatever the text.
func TestLeastOrdersAsTextDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var u [16]byte
		copy(u[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		if rapid.Bool().Draw(t, "extreme") {
			for i := range u {
				u[i] = rapid.SampledFrom([]byte{0, 255}).Draw(t, "byte")
			}
		}
		id := string(platform.IDFromUUID("nte", u))
		text := rapid.OneOf(
			rapid.StringMatching(`[m-o]?[s-u]?e?_?[0-9a-z\x00\x7f~!]{0,30}`),
			rapid.Custom(func(t *rapid.T) string { // near the id
				cut := id[:rapid.IntRange(0, len(id)).Draw(t, "cut")]
				return cut + rapid.StringMatching(`[0-9a-zA-Z\x00~]{0,3}`).Draw(t, "tail")
			})).Draw(t, "text")

		bound, none := least("nte", text)

		if want, got := id >= text, !none && bytes.Compare(u[:], bound[:]) >= 0; want != got {
			t.Fatalf("%q >= %q is %t, by bytes %x >= %x none %t is %t", id, text, want, u, bound, none, got)
		}
	})
}

// TestMovementsScanAsInMemory: every way through the log, with the same rows and
// the same cursors as the model has.
func TestMovementsScanAsInMemory(t *testing.T) {
	t.Parallel()
	db, model := open(t, fresh(t), notes), memory.New(notes, nil)
	counters := []platform.Ref{
		platform.Counter("a", "CNY"), platform.Counter("a", "CNYX"), platform.Counter("ab", "CNY"), platform.Counter("a!", "CNY"),
		platform.Counter("包", "次"), platform.Counter("Z", "1"),
	}
	causes := []platform.Ref{{}, {Kind: "note", ID: "nte_1"}, {Kind: "note", ID: "nte_1x"}, {Kind: "note", ID: "nte_10"}, {Kind: "order", ID: "包"}}
	for i := range 120 {
		n := noteOf("x")
		s := set(platform.Put(n), platform.Delta(counters[i*7%len(counters)], int64(i+1), causes[i%len(causes)]), platform.Delta(counters[i*5%len(counters)], -1, causes[i*3%len(causes)]))
		_, err := db.Commit(t.Context(), s)
		require.NoError(t, err)
		_, err = model.Commit(t.Context(), s)
		require.NoError(t, err)
	}
	counter := rapid.SampledFrom(append(counters, platform.Ref{}, platform.Ref{Kind: "note", ID: "x"}, platform.Ref{Kind: "a", ID: "x"}, platform.Counter("b", "")))
	cause := rapid.SampledFrom(append(causes, platform.Ref{Kind: "note", ID: "nte_"}))
	seq := rapid.OneOf(rapid.Just[any](nil), rapid.Map(rapid.Int64Range(-2, 45), func(n int64) any { return n }))
	maybe := func(g *rapid.Generator[platform.Ref]) *rapid.Generator[any] {
		return rapid.OneOf(rapid.Just[any](nil), rapid.Map(g, func(r platform.Ref) any { return r }), rapid.Just[any](7))
	}
	rapid.Check(t, func(t *rapid.T) {
		q := platform.Query{Kind: store.Movement, Backward: rapid.Bool().Draw(t, "backward"), Limit: rapid.IntRange(15, 60).Draw(t, "limit")}
		switch rapid.IntRange(0, 3).Draw(t, "way") {
		case 0:
			q.By, q.From, q.Until = []string{"counter", "seq"}, maybe(counter).Draw(t, "from"), maybe(counter).Draw(t, "until")
		case 1:
			q.By, q.Equal = []string{"counter", "seq"}, []any{counter.Draw(t, "counter")}
			q.From, q.Until = seq.Draw(t, "from"), seq.Draw(t, "until")
		case 2:
			q.By = []string{"cause"}
			if q.From, q.Until = maybe(cause).Draw(t, "from"), maybe(cause).Draw(t, "until"); q.From == nil && q.Until == nil {
				q.Equal = []any{cause.Draw(t, "cause")}
			}
		default:
			ids := rapid.SampledFrom([]any{nil, platform.ID("a"), platform.ID("a/CNY#"), platform.ID("a/CNY#0000000000000000003"), platform.ID("a/CNYX"), platform.ID("包")})
			q.From, q.Until = ids.Draw(t, "from"), ids.Draw(t, "until")
		}
		for {
			want, wanted := model.Scan(t.Context(), q)
			got, err := db.Scan(t.Context(), q)
			if wanted != nil || err != nil {
				require.Equal(t, platform.Code(wanted), platform.Code(err))
				return
			}
			require.Equal(t, texts(want.Items), texts(got.Items), "%+v", q)
			require.Equal(t, want.Next, got.Next, "the cursors are the same on every engine")
			if q.Cursor = got.Next; q.Cursor == "" {
				return
			}
		}
	})
}

func texts(records []platform.Record) (all []string) {
	for _, r := range records {
		all = append(all, r.Ref.String()+" "+string(r.Doc))
	}
	return all
}

// TestALogWithHashesInItsNameIsReadWhole: there its order is this engine's own,
// but no row appears twice or is lost.
func TestALogWithHashesInItsNameIsReadWhole(t *testing.T) {
	t.Parallel()
	db := open(t, fresh(t), notes)
	var want []string
	for _, name := range []string{"A#", "A#0000000000000000001x", "A", "A#0000000000000000002"} {
		for i := range 3 {
			counter := platform.Counter(name, "u")
			write(t, db, platform.Put(noteOf("x")), platform.Delta(counter, 1, platform.Ref{}))
			want = append(want, string(logged(platform.Movement{Counter: counter, Seq: int64(i + 1)}).Ref.ID))
		}
	}
	slices.Sort(want)
	for _, backward := range []bool{false, true} {
		var got []string
		for q := (platform.Query{Kind: store.Movement, Limit: 1, Backward: backward}); ; {
			page, err := db.Scan(t.Context(), q)
			require.NoError(t, err)
			for _, r := range page.Items {
				got = append(got, string(r.Ref.ID))
				same, err := db.Get(t.Context(), r.Ref)
				require.NoError(t, err)
				assert.Equal(t, r, same[0])
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
		}
		slices.Sort(got)
		assert.Equal(t, want, got)
	}
	_, err := db.Get(t.Context(), platform.Ref{Kind: store.Movement, ID: "A/u#+000000000000000001"})
	require.ErrorIs(t, err, platform.ErrNotFound, "an id is what it is to the letter")
}

func TestScansByIDAreThoseOfMemory(t *testing.T) {
	t.Parallel()
	db, model := open(t, fresh(t), notes), memory.New(notes, nil)
	var ids []platform.ID
	for range 40 {
		n := noteOf("x")
		s := set(platform.Put(n), platform.Delta(platform.Counter("c "+string(n.ID), "u"), 1, n.Ref()))
		ids = append(ids, n.ID)
		_, err := db.Commit(t.Context(), s)
		require.NoError(t, err)
		_, err = model.Commit(t.Context(), s)
		require.NoError(t, err)
	}
	for _, kind := range []string{"note", store.Counter, store.Event} {
		for _, from := range []any{nil, ids[3], ids[30], platform.ID("m"), platform.ID("nte_"), platform.ID("zzz"), ids[5] + "!"} {
			for _, backward := range []bool{false, true} {
				q := platform.Query{Kind: kind, From: from, Until: ids[25], Backward: backward, Limit: 7}
				for {
					want, err := model.Scan(t.Context(), q)
					require.NoError(t, err)
					got, err := db.Scan(t.Context(), q)
					require.NoError(t, err)
					require.Equal(t, want, got, "%+v", q)
					if q.Cursor = got.Next; q.Cursor == "" {
						break
					}
				}
			}
		}
	}
}

// TestNothingIsSortedNorReadWhole: a page costs what is on it, so no plan sorts
// more than the rows of one cause, nor reads a table from its beginning.
func TestNothingIsSortedNorReadWhole(t *testing.T) {
	t.Parallel()
	db := open(t, fresh(t), notes)
	log := keyed(platform.Counter("a", "b"), int64(3))
	for index := -1; index < 2; index++ {
		for _, backward := range []bool{false, true} {
			c := newCourse(store.Bounds{Index: index, Low: log, High: log + "\xff"})
			where, args, _ := c.conditions()
			got := plan(t, db, strings.Replace(c.statement, "%s", where, 1)+order(backward, c.order...), args...)
			assert.NotContains(t, got, "SCAN", got)
			assert.Equal(t, index == 1, strings.Contains(got, "TEMP B-TREE"), got)
		}
	}
	n := db.tables["note"]
	for _, statement := range []string{n.one, n.many, n.exists, manyCounters, manyMovements} {
		got := strings.ReplaceAll(plan(t, db, statement, "[]", []byte{}), "SCAN x VIRTUAL", "") // the list of what is asked
		assert.NotContains(t, got, "SCAN", "%s\n%s", statement, got)
	}
	for _, c := range append(n.columns, "id") {
		where, args := between(c, []byte{1}, []byte{2})
		got := plan(t, db, "select doc from "+n.name+" where "+where+order(true, c)+" limit 3", args...)
		assert.Contains(t, got, "SEARCH")
		assert.NotContains(t, got, "TEMP B-TREE", "%s\n%s", c, got)
	}
}
