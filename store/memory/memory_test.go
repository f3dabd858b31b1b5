package memory_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
)

var (
	noon  = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	clerk = platform.Actor{ID: "opr_01kdvdna00eajs4d2pf2dbsqqg", Kind: platform.Operator}
)

type page struct {
	platform.Head
	Title string    `json:"title" class:"public"`
	Due   time.Time `json:"due,omitzero" class:"public"`
}

func (p page) Ref() platform.Ref { return platform.Ref{Kind: "page", ID: p.ID} }

type Write struct{}

func kinds() []platform.Kind {
	return []platform.Kind{platform.Shape[page]{
		Name: "page", Prefix: "pag",
		Columns: func(p page) []platform.Column {
			return []platform.Column{{Name: "title", Value: p.Title}, {Name: "due", Value: p.Due}}
		},
		Indexes: []platform.Index{{By: []string{"title"}}, {By: []string{"due"}, Sparse: true}},
		Unique:  func(p page) []platform.Claim { return []platform.Claim{{Scope: "title", Key: p.Title}} },
	}.Kind()}
}

func write(t testing.TB, db *memory.DB, pages ...page) []page {
	t.Helper()
	w := platform.Writer{Store: db, Now: func() time.Time { return noon }}.Ready()
	ctx := platform.As(t.Context(), clerk)
	for i := range pages {
		if pages[i].ID == "" {
			pages[i].ID = w.NewRoot(ctx, "pag")
		}
		p, err := platform.Update(platform.WithKey(ctx, "write-"+pages[i].Title), w, Write{}, func(context.Context) (page, []platform.Change, error) {
			return pages[i], []platform.Change{
				platform.Put(pages[i]), platform.Delta(platform.Counter("pages", "piece"), 1, pages[i].Ref()),
				platform.Happened("page.written", pages[i].Ref(), nil),
			}, nil
		})
		require.NoError(t, err)
		pages[i] = p
	}
	return pages
}

func TestASnapshotShowsOneMoment(t *testing.T) {
	t.Parallel()
	db := memory.New(kinds(), nil)
	first := write(t, db, page{Title: "a"}, page{Title: "b"})
	then := db.Snapshot()

	first[0].Title = "z"
	write(t, db, first[0], page{Title: "c"})

	titles := func(from platform.Getter) (all []string) {
		list, err := platform.List[page](t.Context(), from, platform.Query{Kind: "page", By: []string{"title"}})
		require.NoError(t, err)
		for _, p := range list.Items {
			all = append(all, p.Title)
		}
		return all
	}
	assert.Equal(t, []string{"a", "b"}, titles(then))
	assert.Equal(t, []string{"b", "c", "z"}, titles(db))
	old, err := platform.Read[page](t.Context(), then, "page", first[0].ID)
	require.NoError(t, err)
	assert.Equal(t, "a", old.Title)
}

func TestASavedStoreComesBackWhole(t *testing.T) {
	t.Parallel()
	db := memory.New(kinds(), nil)
	write(t, db, page{Title: "a", Due: noon}, page{Title: "b"})
	require.NoError(t, db.Tree().Grow(t.Context(), 0, []platform.ID{"evt_01kdvdna00eajs4d2pf2dbsqqg"}, [][]byte{{1, 2}}))
	var file bytes.Buffer
	require.NoError(t, db.Save(&file))

	back, err := memory.Load(bytes.NewReader(file.Bytes()), kinds(), nil)
	require.NoError(t, err)

	var again bytes.Buffer
	require.NoError(t, back.Save(&again))
	assert.Equal(t, file.Bytes(), again.Bytes(), "saving what was loaded gives the same bytes")
	due, err := platform.List[page](t.Context(), back, platform.Query{Kind: "page", By: []string{"due"}, Until: noon.Add(time.Second)})
	require.NoError(t, err)
	assert.Len(t, due.Items, 1)
	undelivered, err := back.Fresh(t.Context(), store.Slots{Until: 4096}, 10)
	require.NoError(t, err)
	assert.Len(t, undelivered, 2)
	_, err = back.Commit(t.Context(), platform.Set{Changes: []platform.Change{
		{Op: platform.Create, Ref: platform.Ref{Kind: "page", ID: "pag_01kdvdna00eajs4d2pf2dbsqqg"}, Value: page{Title: "a"}},
		{Op: platform.Append, Ref: platform.Ref{Kind: "event", ID: "evt_01kdvdna00eajs4d2pf2dbsqqh"}, Value: platform.Event{
			ID: "evt_01kdvdna00eajs4d2pf2dbsqqh", Type: "page.written", Subject: platform.Ref{Kind: "page", ID: "pag_01kdvdna00eajs4d2pf2dbsqqg"}, Actor: clerk, At: noon,
		}},
	}})
	require.ErrorIs(t, err, store.ErrTaken, "claims are built again")
}

// BenchmarkCommit is a command of seven changes: three records, an event, and
// three counters, under a key.
func BenchmarkCommit(b *testing.B) {
	db := memory.New(kinds(), nil)
	w := platform.Writer{Store: db}.Ready()
	ctx := platform.As(b.Context(), clerk)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			changes := make([]platform.Change, 0, 7)
			for range 3 {
				p := page{Head: platform.Head{ID: w.NewRoot(ctx, "pag")}, Due: noon}
				p.Title = string(p.ID)
				changes = append(changes, platform.Put(p), platform.Delta(platform.Counter("pages", "piece"), 1, p.Ref()))
			}
			changes = append(changes, platform.Happened("page.written", changes[0].Ref, nil))
			_, err := platform.Update(platform.WithKey(ctx, string(changes[0].Ref.ID)), w, Write{}, func(context.Context) (platform.ID, []platform.Change, error) {
				return changes[0].Ref.ID, changes, nil
			})
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

func Example() {
	db := memory.New(kinds(), nil)
	w := platform.Writer{Store: db, Now: func() time.Time { return noon }}.Ready()
	ctx := platform.As(context.Background(), clerk)
	p := page{Head: platform.Head{ID: w.NewRoot(ctx, "pag")}, Title: "hello"}

	p, err := platform.Update(ctx, w, Write{}, func(context.Context) (page, []platform.Change, error) {
		return p, []platform.Change{platform.Put(p), platform.Happened("page.written", p.Ref(), nil)}, nil
	})

	fmt.Println(p.Title, p.Version, err)
	// Output: hello 1 <nil>
}
