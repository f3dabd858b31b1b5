package memory_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
)

// leaf is a child of a page.
type leaf struct {
	platform.Head
	Page platform.ID `json:"page" class:"internal"`
}

func (l leaf) Ref() platform.Ref { return platform.Ref{Kind: "page.leaf", ID: l.ID} }

// tampered shows a store as it would be if somebody had laid hands on it.
type tampered struct {
	platform.Getter
	edit func(*platform.Record) (keep bool)
}

func (t tampered) edited(all []platform.Record) (kept []platform.Record) {
	for _, r := range all {
		if t.edit(&r) {
			kept = append(kept, r)
		}
	}
	return kept
}

func (t tampered) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	all, err := t.Getter.Get(ctx, refs...)
	if kept := t.edited(all); len(kept) < len(all) {
		return kept, platform.ErrNotFound
	}
	return all, err
}

func (t tampered) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	page, err := t.Getter.Scan(ctx, q)
	page.Items = t.edited(page.Items)
	return page, err
}

// doc replaces a text in the documents of a kind, once.
func doc(kind, old, by string) func(*platform.Record) bool {
	done := false
	return func(r *platform.Record) bool {
		if r.Ref.Kind == kind && !done && strings.Contains(string(r.Doc), old) {
			r.Doc, done = json.RawMessage(strings.Replace(string(r.Doc), old, by, 1)), true
		}
		return true
	}
}

func gone(kind string) func(*platform.Record) bool {
	return func(r *platform.Record) bool { return r.Ref.Kind != kind }
}

func TestVerifyNamesEachPlantedFault(t *testing.T) {
	t.Parallel()
	all := append(kinds(), platform.Shape[leaf]{Name: "page.leaf", Prefix: "lef", Root: "page", RootOf: func(l leaf) platform.ID { return l.Page }}.Kind())
	db := memory.New(all, nil)
	pages := write(t, db, page{Title: "a"}, page{Title: "b"})
	w := platform.Writer{Store: db}.Ready()
	l := leaf{Head: platform.Head{ID: w.NewChild("lef", pages[0].ID)}, Page: pages[0].ID}
	_, err := platform.Update(platform.As(t.Context(), clerk), w, Write{}, func(context.Context) (leaf, []platform.Change, error) {
		return l, []platform.Change{platform.Put(l), platform.Happened("leaf.grown", l.Ref(), nil)}, nil
	})
	require.NoError(t, err)
	known, err := store.NewKinds(all)
	require.NoError(t, err)

	for name, c := range map[string]struct {
		edit func(*platform.Record) bool
		code string
	}{
		"a balance one too high":  {doc("counter", `"value":2`, `"value":3`), "counter"},
		"a count of movements":    {doc("counter", `"seq":2`, `"seq":3`), "counter"},
		"a movement's amount":     {doc("movement", `"delta":1`, `"delta":2`), "counter"},
		"a movement taken out":    {doc("movement", `"seq":2`, `"seq":5`), "counter"},
		"all movements":           {gone("movement"), "counter"},
		"an event":                {gone("event"), "event"},
		"a movement that is none": {doc("movement", `"delta":1`, `"delta":"x"`), "document"},
		"an event that is none": {func(r *platform.Record) bool {
			if r.Ref.Kind == "event" {
				r.Doc = json.RawMessage(`[]`)
			}
			return true
		}, "document"},
		"a counter":                     {gone("counter"), "orphan"},
		"a root":                        {gone("page"), "orphan"},
		"a stolen name":                 {doc("page", `"title":"b"`, `"title":"a"`), "claim"},
		"a document that is none":       {doc("page", `"title"`, `"title":1,"x"`), "document"},
		"a document of another program": {func(r *platform.Record) bool { r.Schema = 9; return true }, "document"},
	} {
		found, err := known.Verify(t.Context(), tampered{db.Snapshot(), c.edit})
		require.NoError(t, err, name)
		if assert.NotEmpty(t, found, name) {
			assert.Equal(t, c.code, found[0].Code, "%s: %s", name, found[0])
		}
	}
	found, err := known.Verify(t.Context(), db.Snapshot())
	require.NoError(t, err)
	assert.Empty(t, found, "a sound store")
}
