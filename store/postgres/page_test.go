package postgres_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/postgres"
)

var (
	noon  = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	clerk = platform.Actor{ID: "opr_01kdvdna00eajs4d2pf2dbsqqg", Kind: platform.Operator}
	pages = platform.Counter("pages", "piece")
)

// page has a claim, two indexes and any content.
type page struct {
	platform.Head
	Title string    `json:"title" class:"public"`
	Due   time.Time `json:"due,omitzero" class:"public"`
}

func (p page) Ref() platform.Ref { return platform.Ref{Kind: "page", ID: p.ID} }

func shape() platform.Shape[page] {
	return platform.Shape[page]{
		Name: "page", Prefix: "pag",
		Columns: func(p page) []platform.Column {
			return []platform.Column{{Name: "title", Value: p.Title}, {Name: "due", Value: p.Due}}
		},
		Indexes: []platform.Index{{By: []string{"title"}}, {By: []string{"due"}, Sparse: true}},
		Unique: func(p page) []platform.Claim {
			if p.Title == "" {
				return nil
			}
			return []platform.Claim{{Scope: "title", Key: p.Title}}
		},
	}
}

func kinds() []platform.Kind { return []platform.Kind{shape().Kind()} }

var drawn atomic.Uint64

// titled is a page that is not stored.
func titled(title string) page {
	n := drawn.Add(1)
	return page{Head: platform.Head{ID: platform.NewID("pag", noon, platform.Slot(n%4096), n)}, Title: title}
}

// set writes pages, each counted, with an event.
func set(all ...page) platform.Set {
	var s platform.Set
	for _, p := range all {
		s.Changes = append(s.Changes, platform.Put(p), platform.Delta(pages, 1, p.Ref()))
	}
	at := platform.NewID("evt", noon, all[0].ID.Slot(), drawn.Add(1))
	s.Changes = append(s.Changes, platform.Change{Op: platform.Append, Ref: platform.Ref{Kind: store.Event, ID: at}, Value: platform.Event{
		ID: at, Type: "page.written", Subject: all[0].Ref(), Actor: clerk, At: noon, Data: []byte(`{"b":1.10,"a":2}`),
	}})
	return s
}

// keyed is a set under a key.
func keyed(key string, s platform.Set) platform.Set {
	s.Key = platform.Key{Scope: "key/test", Name: key}
	s.Answer = platform.Answer{Digest: []byte("digest"), Body: []byte(`"answer"`)}
	return s
}

// fresh is a store of its own.
func fresh(t testing.TB) *postgres.DB {
	t.Helper()
	db, err := opened(t, server.Database(t), kinds())
	require.NoError(t, err)
	return db
}

func opened(t testing.TB, dsn string, kinds []platform.Kind) (*postgres.DB, error) {
	t.Helper()
	db, err := postgres.Open(t.Context(), dsn, kinds, unsafe())
	if err == nil {
		t.Cleanup(func() { _ = db.Close() })
	}
	return db, err
}

// counted is how often a page was written, which must be what its log says.
func counted(t testing.TB, db platform.Getter) int64 {
	t.Helper()
	found, err := platform.Lookup(t.Context(), db, pages)
	require.NoError(t, err)
	if len(found) == 0 {
		return 0
	}
	var c platform.Count
	decode(t, found[pages], &c)
	log, err := platform.List[platform.Movement](t.Context(), db, platform.Query{Kind: store.Movement, By: []string{"counter", "seq"}, Equal: []any{pages}, Backward: true, Limit: 1})
	require.NoError(t, err)
	require.Len(t, log.Items, 1)
	require.Equal(t, platform.Count{Ref: pages, Value: log.Items[0].After, Seq: log.Items[0].Seq}, c)
	return c.Value
}

func titles(t testing.TB, db platform.Getter) (all []string) {
	t.Helper()
	list, err := platform.List[page](t.Context(), db, platform.Query{Kind: "page", By: []string{"title"}, Limit: 500})
	require.NoError(t, err)
	for _, p := range list.Items {
		all = append(all, p.Title)
	}
	return all
}

// crowd runs n calls at once and returns what they were told.
func crowd(n int, call func(i int) error) []error {
	told := make([]error, n)
	done := make(chan int)
	for i := range n {
		go func() { told[i] = call(i); done <- i }()
	}
	for range n {
		<-done
	}
	return told
}

func commitAll(t testing.TB, db platform.DB, prefix string, n int) {
	t.Helper()
	for _, err := range crowd(n, func(i int) error {
		_, err := db.Commit(context.Background(), set(titled(fmt.Sprintf("%s-%d", prefix, i))))
		return err
	}) {
		require.NoError(t, err)
	}
}
