package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// fault is something wrong in one record's neighbourhood of an archive: edit
// plants it, and a finding with the code about the ref names it.
type fault struct {
	what string
	edit func(*shelf, *planting)
	code string
	ref  func(*planting) platform.Ref // zero: whatever it is about
}

// planting is where a fault is planted: a duty with its child, counter, event
// and key.
type planting struct {
	duty    duty
	child   platform.Ref
	counter platform.Ref
	event   platform.ID
	key     string
}

func (p *planting) at() platform.Ref { return p.counter }

var faults = []fault{
	{"a balance one too high", func(s *shelf, p *planting) { s.count(p, func(c *platform.Count) { c.Value++ }) }, "counter", (*planting).at},
	{"a balance one too low", func(s *shelf, p *planting) { s.count(p, func(c *platform.Count) { c.Value-- }) }, "counter", (*planting).at},
	{"a movement's amount", func(s *shelf, p *planting) { s.move(p, 2, func(m *platform.Movement) { m.Delta-- }) }, "counter", (*planting).at},
	{"a movement's running value", func(s *shelf, p *planting) { s.move(p, 1, func(m *platform.Movement) { m.After++ }) }, "counter", (*planting).at},
	{"a movement that is missing", func(s *shelf, p *planting) { s.drop(store.Movement, string(p.counter.ID)+"#0000000000000000001") }, "counter", (*planting).at},
	{"a gap in the numbers", func(s *shelf, p *planting) { s.move(p, 2, func(m *platform.Movement) { m.Seq = 3 }) }, "counter", (*planting).at},
	{"all movements missing", func(s *shelf, p *planting) {
		for n := range 2 {
			s.drop(store.Movement, fmt.Sprintf("%s#%019d", p.counter.ID, n+1))
		}
	}, "counter", (*planting).at},
	{"a counter that is missing", func(s *shelf, p *planting) { s.drop(store.Counter, string(p.counter.ID)) }, "orphan", nil},
	{"a movement's event", func(s *shelf, p *planting) {
		s.move(p, 1, func(m *platform.Movement) { m.Event = platform.NewID("evt", dawn, 1, 1) })
	}, "event", func(p *planting) platform.Ref {
		return platform.Ref{Kind: store.Movement, ID: p.counter.ID + "#0000000000000000001"}
	}},
	{"an event that is missing", func(s *shelf, p *planting) { s.drop(store.Event, string(p.event)) }, "event", func(p *planting) platform.Ref {
		return platform.Ref{Kind: store.Movement, ID: p.counter.ID + "#0000000000000000002"}
	}},
	{"an event that is another's", func(s *shelf, p *planting) {
		s.document(store.Event, p.event, func(d map[string]any) { d["id"] = platform.NewID("evt", dawn, 1, 1) })
	}, "document", func(p *planting) platform.Ref { return platform.Ref{Kind: store.Event, ID: p.event} }},
	{"a root that is missing", func(s *shelf, p *planting) { s.drop(dutyKind, string(p.duty.ID)) }, "orphan", func(p *planting) platform.Ref { return p.child }},
	{"a child of another slot", func(s *shelf, p *planting) {
		s.document(childKind, p.child.ID, func(d map[string]any) { d["duty"] = platform.NewID("dty", dawn, p.duty.ID.Slot()+1, 1) })
	}, "orphan", func(p *planting) platform.Ref { return p.child }},
	{"a document of another record", func(s *shelf, p *planting) {
		s.document(dutyKind, p.duty.ID, func(d map[string]any) { d["id"] = platform.NewID("dty", dawn, 1, 1) })
	}, "document", func(p *planting) platform.Ref { return p.duty.Ref() }},
	{"an answer that is cut", func(s *shelf, p *planting) {
		s.answer(p, func(a *platform.Answer) { a.Body = a.Body[:len(a.Body)/2] })
	}, "answer", (*planting).answer},
	{"an answer ahead of its counter", func(s *shelf, p *planting) {
		s.answer(p, func(a *platform.Answer) { a.Receipt.Counters = []platform.Count{{Ref: p.counter, Value: 9, Seq: 9}} })
	}, "answer", (*planting).answer},
	{"undelivered and never said", func(s *shelf, _ *planting) {
		*s = append(*s, store.Line{Pending: platform.NewID("evt", dawn, 1, 2)})
	}, "event", func(*planting) platform.Ref {
		return platform.Ref{Kind: "undelivered", ID: platform.NewID("evt", dawn, 1, 2)}
	}},
	{"a leaf without event", func(s *shelf, _ *planting) {
		s.tree(func(l *store.Line) { l.Leaf = platform.NewID("evt", dawn, 1, 3) }, nil)
	},
		"event", func(*planting) platform.Ref { return platform.Ref{Kind: "leaf", ID: "1"} }},
	{"a hash of another leaf", func(s *shelf, _ *planting) { s.tree(nil, func(l *store.Line) { l.Hash = make([]byte, sha256.Size) }) },
		"tree", func(*planting) platform.Ref { return platform.Ref{Kind: "hash", ID: "2"} }},
}

func (p *planting) answer() platform.Ref {
	return store.AnswerRef(platform.Key{Scope: "key/storetest", Name: p.key})
}

func (s *shelf) count(p *planting, edit func(*platform.Count)) {
	rewrite(s, store.Counter, p.counter.ID, func(l *store.Line, c *platform.Count) {
		edit(c)
		l.Version = c.Seq
	})
}

func (s *shelf) move(p *planting, seq int64, edit func(*platform.Movement)) {
	rewrite(s, store.Movement, store.MovementID(platform.Movement{Counter: p.counter, Seq: seq}), func(l *store.Line, m *platform.Movement) {
		edit(m)
		l.ID = store.MovementID(*m)
	})
}

func (s *shelf) document(kind string, id platform.ID, edit func(map[string]any)) {
	rewrite(s, kind, id, func(_ *store.Line, d *map[string]any) { edit(*d) })
}

// rewrite edits the document of a line as a T.
func rewrite[T any](s *shelf, kind string, id platform.ID, edit func(*store.Line, *T)) {
	for i := range *s {
		l := &(*s)[i]
		var v T
		if l.Kind == kind && l.ID == id && json.Unmarshal(l.Doc, &v) == nil {
			edit(l, &v)
			l.Doc = encoded(v)
			return
		}
	}
}

func (s *shelf) drop(kind, id string) {
	*s = slices.DeleteFunc(*s, func(l store.Line) bool { return l.Kind == kind && string(l.ID) == id })
}

func (s *shelf) answer(p *planting, edit func(*platform.Answer)) {
	for i, l := range *s {
		if l.Key != nil && l.Key.Name == p.key {
			a := *l.Answer
			edit(&a)
			(*s)[i].Answer = &a
		}
	}
}

// tree edits the second leaf or the hash of the first two.
func (s *shelf) tree(leaf, hash func(*store.Line)) {
	leaves, hashes := 0, 0
	for i := range *s {
		l := &(*s)[i]
		if l.Leaf != "" {
			if leaves++; leaves == 2 && leaf != nil {
				leaf(l)
			}
		}
		if l.Hash != nil {
			if hashes++; hashes == 3 && hash != nil {
				hash(l)
			}
		}
	}
}

// treeOfThree are the stored hashes of a tree of three leaves.
func treeOfThree() [][]byte {
	sum := func(b ...byte) []byte { s := sha256.Sum256(b); return s[:] }
	a, b, c := sum(0, 'a'), sum(0, 'b'), sum(0, 'c')
	return [][]byte{a, b, sum(slices.Concat([]byte{1}, a, b)...), c}
}

// faultsNamed checks law 38: in the archive of a sound store each fault is
// planted somewhere else, and all are loaded into another store.
func faultsNamed(ctx context.Context, w *world) error {
	a, offers := w.archive("verify names each planted fault")
	engine, verifiable := w.inner.(store.Engine)
	if !offers || !verifiable {
		return nil
	}
	plantings := make([]*planting, len(faults)+3) // the last ones stay sound
	for i := range plantings {
		p, err := w.plant(ctx, i)
		if err != nil {
			return err
		}
		plantings[i] = p
	}
	var leaves []platform.ID
	for _, p := range plantings[len(faults):] {
		leaves = append(leaves, p.event)
	}
	if err := engine.Tree().Grow(ctx, 0, leaves, treeOfThree()); err != nil {
		return err
	}
	sound, err := verified(ctx, engine)
	if err != nil || len(sound) > 0 {
		return fmt.Errorf("in a sound store is found %v: %w", sound, err)
	}
	_, lines, err := backedUp(ctx, a)
	if err != nil {
		return err
	}
	for i, f := range faults {
		f.edit(&lines, plantings[i])
	}
	db, to := w.another()
	defer func() { _ = db.Close() }()
	if err := to.Load(ctx, lines.Lines(ctx)); err != nil {
		return fmt.Errorf("load a store with faults: %w", err)
	}
	found, err := verified(ctx, db.(store.Engine))
	if err != nil {
		return err
	}
	return named(found, plantings)
}

// named demands that each fault is named, and that nothing else is.
func named(found []store.Finding, plantings []*planting) error {
	for i, f := range faults {
		at := slices.IndexFunc(found, func(got store.Finding) bool {
			return got.Code == f.code && (f.ref == nil || got.Ref == f.ref(plantings[i]))
		})
		if at < 0 {
			return fmt.Errorf("%s is not named by %v", f.what, found)
		}
	}
	for _, p := range plantings[len(faults):] {
		for _, got := range found {
			if got.Ref == p.duty.Ref() || got.Ref == p.child || got.Ref == p.counter || got.Ref == p.answer() {
				return fmt.Errorf("what is sound is named: %s", got)
			}
		}
	}
	return nil
}

// plant is a duty with all that a fault may need.
func (w *world) plant(ctx context.Context, i int) (*planting, error) {
	d := w.duty("planted")
	d.Badge = fmt.Sprint("planted ", i)
	c := w.child(d, "")
	p := &planting{duty: d, child: c.Ref(), counter: platform.Counter(fmt.Sprintf("planted %02d", i), "piece"), key: fmt.Sprint("plant-", i)}
	set := w.keyed(p.key, "plant", platform.Put(d), platform.Put(c), platform.Delta(p.counter, 5, d.Ref()), platform.Delta(p.counter, -2, d.Ref()))
	p.event = set.Changes[len(set.Changes)-1].Ref.ID
	if _, err := w.db.Commit(ctx, set); err != nil {
		return nil, fmt.Errorf("plant: %w", err)
	}
	return p, nil
}

// verified is what a verification finds.
func verified(ctx context.Context, engine store.Engine) (all []store.Finding, err error) {
	known, err := store.NewKinds(kinds(newest))
	if err != nil {
		return nil, err
	}
	now, err := engine.Moment(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = now.Close() }()
	for f, err := range known.Verify(ctx, now) {
		if err != nil {
			return all, fmt.Errorf("verify: %w", err)
		}
		all = append(all, f)
	}
	return all, nil
}
