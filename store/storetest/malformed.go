package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// soundSets checks law 2 for sets as a whole.
func soundSets(ctx context.Context, w *world) error {
	known, counter := w.duty("known"), platform.Counter("many", "piece")
	if err := w.given(ctx, platform.Put(known)); err != nil {
		return err
	}
	d := w.duty("refused")
	many := make([]platform.Change, 10_000)
	for i := range many {
		many[i] = platform.Delta(counter, 1, known.Ref())
	}
	var heavy []platform.Change
	for range 9 {
		heavy = append(heavy, platform.Put(document{Head: platform.Head{ID: w.id("doc")}, Body: json.RawMessage(`"` + strings.Repeat("x", 1_000_000) + `"`)}))
	}
	derived := platform.Put(seen{Head: platform.Head{ID: w.id("sen")}})
	for name, set := range map[string]platform.Set{
		"without event":            {Changes: []platform.Change{platform.Put(d)}},
		"only a check":             {Changes: []platform.Change{platform.Unchanged(known.at(1))}},
		"only an addition":         {Changes: []platform.Change{platform.Delta(counter, 1, known.Ref())}},
		"empty":                    {},
		"10,001 changes":           w.set(many...),
		"nine million bytes":       w.set(heavy...),
		"written twice":            w.set(platform.Put(d), platform.Put(known.at(1)), platform.Put(known.at(1))),
		"written and checked":      w.set(platform.Put(d), platform.Put(known.at(1)), platform.Unchanged(known.at(1))),
		"created and deleted":      w.set(platform.Put(d), platform.Remove(d.at(1))),
		"derived beside others":    w.set(platform.Put(d), derived),
		"derived and no event":     {Changes: []platform.Change{platform.Put(d), derived}},
		"derived beside a counter": w.set(platform.Delta(counter, 1, known.Ref()), derived),
	} {
		if err := w.malformed(ctx, name, set, d.Ref(), derived.Ref); err != nil {
			return err
		}
	}
	if _, err := w.db.Commit(ctx, platform.Set{Changes: append(many[:9_999:9_999], w.event(known.Ref()))}); err != nil {
		return fmt.Errorf("a set of 10,000 changes: %w", err)
	}
	return errors.Join(w.stored(ctx, known.at(1)), w.counted(ctx, counter, 9_999, 9_999))
}

// malformed demands that the set is refused as invalid and leaves no trace. It
// goes past the history: the name of the case says more.
func (w *world) malformed(ctx context.Context, name string, set platform.Set, absent ...platform.Ref) error {
	_, err := w.inner.Commit(ctx, set)
	if err := refusal(name, err, platform.ErrInvalid, ""); err != nil {
		return err
	}
	if err := w.absent(ctx, absent...); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// soundChanges checks law 2 for single changes (store.md §16).
func soundChanges(ctx context.Context, w *world) error {
	known, counter := w.duty("known"), platform.Counter("purse", "piece")
	if err := w.given(ctx, platform.Put(known), platform.Delta(counter, math.MaxInt64-1, known.Ref())); err != nil {
		return err
	}
	sound := w.duty("sound")
	for name, bad := range w.badChanges(known, counter) {
		if err := w.malformed(ctx, name, w.set(platform.Put(sound), bad), sound.Ref()); err != nil {
			return err
		}
	}
	for name, edit := range badEvents {
		e := w.event(sound.Ref())
		event := e.Value.(platform.Event)
		edit(&event)
		e.Value, e.Ref.ID = event, event.ID
		set := platform.Set{Changes: []platform.Change{platform.Put(sound), e}}
		if err := w.malformed(ctx, "event "+name, set, sound.Ref()); err != nil {
			return err
		}
	}
	for name, key := range badKeys {
		set := w.set(platform.Put(sound))
		set.Key, set.Answer = key, platform.Answer{Digest: []byte("request"), Body: []byte(`{}`)}
		if err := w.malformed(ctx, "key "+name, set, sound.Ref()); err != nil {
			return err
		}
	}
	if err := w.withoutCtx(w.set(platform.Put(sound))); err != nil {
		return err
	}
	return errors.Join(w.absent(ctx, sound.Ref()), w.stored(ctx, known.at(1)), w.counted(ctx, counter, math.MaxInt64-1, 1))
}

func (w *world) withoutCtx(set platform.Set) error {
	var none context.Context
	_, commit := w.inner.Commit(none, set)
	_, get := w.inner.Get(none, set.Changes[0].Ref)
	_, scan := w.inner.Scan(none, platform.Query{Kind: dutyKind})
	_, recall := w.inner.Recall(none, platform.Key{Scope: "key/storetest", Name: "k1"})
	return errors.Join(
		refusal("commit without ctx", commit, platform.ErrInvalid, ""), refusal("get without ctx", get, platform.ErrInvalid, ""),
		refusal("scan without ctx", scan, platform.ErrInvalid, ""), refusal("recall without ctx", recall, platform.ErrInvalid, ""))
}

func (w *world) badChanges(known duty, counter platform.Ref) map[string]platform.Change {
	duty, far := w.duty("bad"), w.duty("far")
	far.ID = platform.NewID("dty", w.clock.Now(), (known.ID.Slot()+1)%4096, w.ids())
	stray := child{Head: platform.Head{ID: w.below("chd", far.ID)}, Duty: known.ID}
	create := func(id platform.ID, value any) platform.Change {
		return platform.Change{Op: platform.Create, Ref: platform.Ref{Kind: documentKind, ID: id}, Value: value}
	}
	body := func(text string) platform.Change {
		d := document{Head: platform.Head{ID: w.id("doc")}, Body: json.RawMessage(text)}
		return platform.Put(d)
	}
	written := func(text string) platform.Change {
		return platform.Put(document{Head: platform.Head{ID: w.id("doc")}, Text: text})
	}
	at := func(t time.Time) platform.Change {
		return platform.Put(document{Head: platform.Head{ID: w.id("doc")}, At: t})
	}
	replace := platform.Put(known.at(1))
	replace.Version = 0
	negative := platform.Unchanged(known.at(-1))
	return map[string]platform.Change{
		"no operation":             {Ref: duty.Ref(), Value: duty},
		"nil document":             create(w.id("doc"), nil),
		"document of another kind": create(w.id("doc"), duty),
		"unregistered kind":        {Op: platform.Create, Ref: platform.Ref{Kind: "test.stranger", ID: w.id("doc")}, Value: duty},
		"prefix of another kind":   create(w.id("dty"), document{}),
		"an id that is none":       create("doc_1", document{}),
		"upper case id":            create(platform.ID(strings.ToUpper(string(w.id("doc")))), document{}),
		"child outside its root":   platform.Put(stray),
		"replace at version 0":     replace,
		"check at version -1":      negative,
		"delete at version 0":      {Op: platform.Delete, Ref: known.Ref()},
		"event as a record":        {Op: platform.Create, Ref: platform.Ref{Kind: "event", ID: w.id("evt")}, Value: platform.Event{}},
		"counter as a record":      {Op: platform.Replace, Ref: counter, Version: 1, Value: platform.Count{}},
		"not UTF-8":                written("a\xffb"),
		"NUL":                      written("a\x00b"),
		"raw bytes, not UTF-8":     body("\"a\xffb\""),
		"half of a pair":           body(`{"a":"\ud83d"}`),
		"the wrong half first":     body(`"\ude00\ud83d"`),
		"65 deep":                  body(strings.Repeat("[", 64) + strings.Repeat("]", 64)),
		"over 1 MiB":               written(strings.Repeat("x", 1<<20)),
		"broken JSON":              body(`{"a":`),
		"NaN":                      create(w.id("doc"), math.NaN()),
		"year 1969":                at(time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC)),
		"year 10000":               at(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)),
		"addition of zero":         platform.Delta(counter, 0, known.Ref()),
		"addition that overflows":  platform.Delta(counter, 2, known.Ref()),
		"addition to a record":     platform.Delta(known.Ref(), 1, known.Ref()),
		"addition to nothing":      platform.Delta(platform.Ref{Kind: "counter"}, 1, known.Ref()),
	}
}

var badEvents = map[string]func(*platform.Event){
	"without id":                func(e *platform.Event) { e.ID = "" },
	"of a prefix of its own":    func(e *platform.Event) { e.ID = e.ID.As("dty") },
	"in another slot":           func(e *platform.Event) { e.ID = platform.NewID("evt", e.At, (e.Subject.ID.Slot()+1)%4096, 1) },
	"without type":              func(e *platform.Event) { e.Type = "" },
	"without subject":           func(e *platform.Event) { e.Subject = platform.Ref{} },
	"without actor":             func(e *platform.Event) { e.Actor.ID = "" },
	"without kind of actor":     func(e *platform.Event) { e.Actor.Kind = "" },
	"without time":              func(e *platform.Event) { e.At = time.Time{} },
	"before 1970":               func(e *platform.Event) { e.At = time.Unix(-1, 0).UTC() },
	"after 9999":                func(e *platform.Event) { e.At = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	"with data that is no JSON": func(e *platform.Event) { e.Data = json.RawMessage(`{`) },
}

var badKeys = map[string]platform.Key{
	"without name":      {Scope: "key/storetest"},
	"without scope":     {Name: "lonely"},
	"of 256 characters": {Scope: "key/storetest", Name: strings.Repeat("x", 256)},
	"with a space":      {Scope: "key/storetest", Name: "a b"},
	"beyond ASCII":      {Scope: "key/storetest", Name: "键"},
}

// derivedAlone checks law 2 for derived kinds: no event, and all else as ever.
func derivedAlone(ctx context.Context, w *world) error {
	s := seen{Head: platform.Head{ID: w.id("sen")}, Count: 1}
	if _, err := w.db.Commit(ctx, platform.Set{Changes: []platform.Change{platform.Put(s)}}); err != nil {
		return fmt.Errorf("derived alone: %w", err)
	}
	_, err := w.db.Commit(ctx, platform.Set{Changes: []platform.Change{platform.Put(s)}})
	if err := refusal("derived again", err, platform.ErrConflict, "exists"); err != nil {
		return err
	}
	s.Version, s.Count = 1, 2
	if _, err := w.db.Commit(ctx, platform.Set{Changes: []platform.Change{platform.Put(s)}}); err != nil {
		return fmt.Errorf("derived replaced: %w", err)
	}
	s.Version = 2
	return w.stored(ctx, s)
}
