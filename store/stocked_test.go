package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	signed "golang.org/x/mod/sumdb/note"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/storetest"
)

// page is a root with a name and two indexes.
type page struct {
	platform.Head
	Title string    `json:"title" class:"public"`
	Due   time.Time `json:"due,omitzero" class:"public"`
}

func (p page) Ref() platform.Ref { return platform.Ref{Kind: "page", ID: p.ID} }

// remark is a child of a page.
type remark struct {
	platform.Head
	Page platform.ID `json:"page" class:"internal"`
}

func (r remark) Ref() platform.Ref { return platform.Ref{Kind: "page.remark", ID: r.ID} }

func pageKinds() []platform.Kind {
	return []platform.Kind{
		platform.Shape[page]{
			Name: "page", Prefix: "pag",
			Columns: func(p page) []platform.Column {
				return []platform.Column{{Name: "title", Value: p.Title}, {Name: "due", Value: p.Due}}
			},
			Indexes: []platform.Index{{By: []string{"title"}}, {By: []string{"due"}, Sparse: true}},
			Unique:  func(p page) []platform.Claim { return []platform.Claim{{Scope: "title", Key: p.Title}} },
		}.Kind(),
		platform.Shape[remark]{Name: "page.remark", Prefix: "rmk", Root: "page", RootOf: func(r remark) platform.ID { return r.Page }}.Kind(),
	}
}

func known(t testing.TB) *store.Kinds {
	t.Helper()
	k, err := store.NewKinds(pageKinds())
	require.NoError(t, err)
	return k
}

// Write is the command of the tests.
type Write struct{}

// stocked is a store with something of everything in it: pages with their
// remarks, names, two counters, answers, an audit log, and what is undelivered.
func stocked(t testing.TB, pages int) (*memory.DB, *audit.Log, signed.Verifier) {
	t.Helper()
	db := memory.New(pageKinds(), nil)
	w := platform.Writer{Store: db, Now: storetest.NewClock(noon).Now, IDs: storetest.IDs(7)}.Ready()
	ctx := platform.As(t.Context(), clerk)
	for i := range pages {
		p := page{Head: platform.Head{ID: w.NewRoot(ctx, "pag")}, Title: fmt.Sprint("page ", i)}
		if i%2 == 0 {
			p.Due = noon
		}
		r := remark{Head: platform.Head{ID: w.NewChild("rmk", p.ID)}, Page: p.ID}
		_, err := platform.Update(platform.WithKey(ctx, fmt.Sprint("write-", i)), w, Write{}, func(context.Context) (page, []platform.Change, error) {
			return p, []platform.Change{
				platform.Put(p), platform.Put(r), platform.Happened("page.written", p.Ref(), nil),
				platform.Delta(platform.Counter("pages", "piece"), 1, p.Ref()), platform.Delta(platform.Counter("weight", "gram"), int64(i+1), p.Ref()),
			}, nil
		})
		require.NoError(t, err)
	}
	private, public, err := signed.GenerateKey(rand.NewChaCha8([32]byte{1}), "pages.example")
	require.NoError(t, err)
	signer, err := signed.NewSigner(private)
	require.NoError(t, err)
	verifier, err := signed.NewVerifier(public)
	require.NoError(t, err)
	log := audit.New(db.Tree(), signer, nil)
	events, err := db.Fresh(t.Context(), store.Slots{Until: 4096}, pages)
	require.NoError(t, err)
	require.NoError(t, log.Publish(t.Context(), events))
	ids := make([]platform.ID, len(events))
	for i, e := range events {
		ids[i] = e.ID
	}
	late := store.Delivery{Sink: "ill", Event: platform.Event{ID: ids[0]}, Since: noon, Due: noon}
	require.NoError(t, db.Settle(t.Context(), noon, nil, store.Settlement{Handed: ids[:pages/2], Late: []store.Delivery{late}}))
	return db, log, verifier
}

// findings are what a verification tells, gathered and in order.
func findings(t testing.TB, told func(func(store.Finding, error) bool)) (all []string) {
	t.Helper()
	for f, err := range told {
		require.NoError(t, err)
		all = append(all, f.String())
	}
	slices.Sort(all)
	return all
}
