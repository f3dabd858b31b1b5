package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
)

// broken is an adapter with one fault, and the laws that must find it.
type broken struct {
	fault  string
	breaks []int
	within time.Duration                           // until a hanging law counts as broken; 0 is a minute
	wrap   func(sound) platform.DB                 // nil: as it is
	kinds  func([]platform.Kind)                   // edits what the store is opened with
	reopen func(sound, []platform.Kind) *memory.DB // nil: save and load
}

// sound is the engine inside a broken adapter.
type sound struct{ *memory.DB }

func (s sound) engine() *memory.DB { return s.DB }

func (b broken) adapter() adapter {
	dress := func(db *memory.DB) platform.DB {
		if b.wrap == nil {
			return sound{db}
		}
		return b.wrap(sound{db})
	}
	edited := func(kinds []platform.Kind) []platform.Kind {
		if b.kinds != nil {
			b.kinds(kinds)
		}
		return kinds
	}
	return adapter{
		open: func(kinds []platform.Kind) platform.DB { return dress(memory.New(edited(kinds), nil)) },
		reopen: func(db platform.DB, kinds []platform.Kind) (platform.DB, error) {
			engine := db.(interface{ engine() *memory.DB }).engine()
			if b.reopen != nil {
				again := b.reopen(sound{engine}, edited(kinds))
				if again == nil { // what was written is of a newer program
					return nil, platform.ErrUnavailable
				}
				return dress(again), nil
			}
			var saved bytes.Buffer
			if err := engine.Save(&saved); err != nil {
				return nil, err
			}
			again, err := memory.Load(&saved, edited(kinds), nil)
			if err != nil {
				return nil, err
			}
			return dress(again), nil
		},
	}
}

var brokenAdapters = []broken{
	{fault: "replaces without looking at the version", breaks: []int{1, 4, 7, 17}, wrap: edits(func(s sound, set *platform.Set) {
		for i, c := range set.Changes {
			if got, err := s.Get(context.Background(), c.Ref); err == nil && c.Op == platform.Replace {
				set.Changes[i].Version = got[0].Version
			}
		}
	})},
	{fault: "creates over what exists", breaks: []int{1, 3}, wrap: edits(func(s sound, set *platform.Set) {
		for i, c := range set.Changes {
			if got, err := s.Get(context.Background(), c.Ref); err == nil && c.Op == platform.Create {
				set.Changes[i].Op, set.Changes[i].Version = platform.Replace, got[0].Version
			}
		}
	})},
	{fault: "checks nothing", breaks: []int{1, 7, 8, 18}, wrap: edits(func(_ sound, set *platform.Set) {
		set.Changes = slices.DeleteFunc(set.Changes, func(c platform.Change) bool { return c.Op == platform.Check })
	})},
	{fault: "holds floors by the plain sum of a set", breaks: []int{11}, wrap: edits(netted)},
	{fault: "has no floors", breaks: []int{1, 10, 11, 12, 13}, wrap: edits(func(_ sound, set *platform.Set) {
		for i := range set.Changes {
			set.Changes[i].Floor = nil
		}
	})},
	{fault: "takes a conflict for a full counter", breaks: []int{9}, wrap: func(s sound) platform.DB { return &impatient{sound: s} }},
	{fault: "knows no claims", breaks: []int{1, 6}, kinds: func(kinds []platform.Kind) {
		for i := range kinds {
			kinds[i].Claims = func(any) ([]platform.Claim, error) { return nil, nil }
		}
	}},
	{fault: "writes the halves of a set one after the other", breaks: []int{1, 12}, wrap: func(s sound) platform.DB { return torn{s} }},
	{fault: "says an event of its own where a set has none", breaks: []int{2}, wrap: edits(func(_ sound, set *platform.Set) {
		if len(set.Changes) > 0 && !slices.ContainsFunc(set.Changes, func(c platform.Change) bool { return c.Op == platform.Append }) {
			set.Changes = append(set.Changes, spare(set.Changes[0].Ref))
		}
	})},
	{fault: "mends malformed keys", breaks: []int{2}, wrap: edits(func(_ sound, set *platform.Set) {
		if set.Key != (platform.Key{}) {
			set.Key = platform.Key{Scope: "mended", Name: strconv.Itoa(len(set.Key.Name))}
		}
	})},
	{fault: "demands an event of everybody", breaks: []int{2}, kinds: func(kinds []platform.Kind) {
		for i := range kinds {
			kinds[i].Derived = false
		}
	}},
	{fault: "refuses every other commit as stale", breaks: []int{5, 8, 9}, wrap: func(s sound) platform.DB { return &moody{sound: s, err: errClash} }},
	{fault: "gives a refusal to the next caller too", breaks: []int{14}, wrap: func(s sound) platform.DB { return &contagious{sound: s} }},
	{fault: "lets sets with checks wait for ever", breaks: []int{15}, within: time.Second, wrap: func(s sound) platform.DB { return unfair{s} }},
	{fault: "locks in the order of the set", breaks: []int{16, 17}, wrap: func(s sound) platform.DB { return &deadlocking{sound: s, rows: map[platform.Ref]bool{}} }},
	{fault: "acknowledges what it drops", breaks: []int{18, 26, 28}, wrap: func(s sound) platform.DB { return &dropping{sound: s} }},
	{fault: "calls stale what it wrote", breaks: []int{3, 4, 18, 19}, wrap: func(s sound) platform.DB { return &lying{sound: s} }},
	{fault: "reads from a replica that lags", breaks: []int{4, 19}, wrap: func(s sound) platform.DB { return &lagging{sound: s, seen: map[platform.Ref]platform.Record{}} }},
	{fault: "sorts what it gets", breaks: []int{20}, wrap: func(s sound) platform.DB { return sorting{s} }},
	{fault: "scans one way", breaks: []int{21}, wrap: asks(func(q *platform.Query) { q.Backward = false })},
	{fault: "pages by offset", breaks: []int{22, 23}, wrap: func(s sound) platform.DB { return offsets{s} }},
	{fault: "starts over at a cursor that it does not know", breaks: []int{23}, wrap: func(s sound) platform.DB { return lenient{s} }},
	{fault: "promotes columns once and for all", breaks: []int{21, 24}, kinds: promoteOnce},
	{fault: "does not upcast", breaks: []int{25}, kinds: func(kinds []platform.Kind) {
		for i := range kinds {
			for j := range kinds[i].Upcasts {
				kinds[i].Upcasts = slices.Clone(kinds[i].Upcasts)
				kinds[i].Upcasts[j] = func(doc []byte) ([]byte, error) { return doc, nil }
			}
		}
	}},
	{fault: "forgets keys", breaks: []int{1, 26, 27}, wrap: edits(func(_ sound, set *platform.Set) { set.Key = platform.Key{} })},
	{fault: "begins anew", breaks: []int{18, 22, 25, 28, 35}, reopen: func(_ sound, kinds []platform.Kind) *memory.DB { return memory.New(kinds, nil) }},
	{fault: "loses events", breaks: []int{1, 30}, wrap: edits(func(_ sound, set *platform.Set) {
		for i, c := range set.Changes {
			if c.Op == platform.Append {
				set.Changes[i] = spare(c.Value.(platform.Event).Subject)
			}
		}
	})},
	{fault: "marks events delivered as it reads them", breaks: []int{30}, wrap: func(s sound) platform.DB { return careless{s} }},
	{fault: "does not listen to the ctx", breaks: []int{34}, wrap: func(s sound) platform.DB { return deaf{s} }},
	{fault: "goes on after a close", breaks: []int{35}, wrap: func(s sound) platform.DB { return unclosing{s} }},
	{fault: "leaves a goroutine behind", breaks: []int{35}, within: time.Second, wrap: func(s sound) platform.DB { go func() { <-make(chan int) }(); return s }},
	{fault: "hands out its own bytes", breaks: []int{36}, wrap: func(s sound) platform.DB { return &sharing{sound: s, docs: map[platform.Ref][]byte{}} }},
	{fault: "keeps numbers as floats", breaks: []int{36}, wrap: func(s sound) platform.DB { return floating{s} }},
	{fault: "reads deadlines as they first were, and replaces without looking", breaks: []int{40}, wrap: func(s sound) platform.DB {
		return &lagging{sound: s, seen: map[platform.Ref]platform.Record{}, always: true}
	}},
}

// edited is an adapter that changes sets on their way in.
type edited struct {
	sound
	edit func(sound, *platform.Set)
}

func edits(edit func(sound, *platform.Set)) func(sound) platform.DB {
	return func(s sound) platform.DB { return edited{s, edit} }
}

func (e edited) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	set.Changes = slices.Clone(set.Changes)
	e.edit(e.sound, &set)
	return e.sound.Commit(ctx, set)
}

// spare is an event that says nothing.
func spare(subject platform.Ref) platform.Change {
	e := platform.Event{ID: platform.NewID("evt", dawn, subject.ID.Slot(), spares()), Type: "test.spare", Subject: subject, Actor: actor, At: dawn}
	return platform.Change{Op: platform.Append, Ref: platform.Ref{Kind: "event", ID: e.ID}, Value: e}
}

var spares = IDs(99)

func netted(_ sound, set *platform.Set) {
	at := map[platform.Ref]int{}
	var out []platform.Change
	for _, c := range set.Changes {
		i, again := at[c.Ref]
		if c.Op != platform.Add || !again {
			at[c.Ref] = len(out)
			out = append(out, c)
			continue
		}
		out[i].Delta += c.Delta
	}
	set.Changes = slices.DeleteFunc(out, func(c platform.Change) bool { return c.Op == platform.Add && c.Delta == 0 })
}

// impatient refuses whoever comes while it works.
type impatient struct {
	sound
	mu sync.Mutex
}

func (d *impatient) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	if !d.mu.TryLock() {
		return platform.Receipt{}, errClash
	}
	defer d.mu.Unlock()
	for range 20 {
		runtime.Gosched()
	}
	return d.sound.Commit(ctx, set)
}

type torn struct{ sound }

func (d torn) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	if n := len(set.Changes); n > 2 && set.Key == (platform.Key{}) || n > 4 {
		first := platform.Set{Changes: append(slices.Clone(set.Changes[:n-2]), spare(set.Changes[0].Ref))}
		if receipt, err := d.sound.Commit(ctx, first); err != nil {
			return receipt, err
		}
		set.Changes = set.Changes[n-2:]
	}
	return d.sound.Commit(ctx, set)
}

// moody refuses every other commit once it is warm.
type moody struct {
	sound
	calls atomic.Int64
	err   error
}

func (d *moody) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	if d.calls.Add(1) > 4 {
		return platform.Receipt{}, d.err
	}
	return d.sound.Commit(ctx, set)
}

type contagious struct {
	sound
	mu   sync.Mutex
	last error
}

func (d *contagious) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.last; err != nil {
		d.last = nil
		return platform.Receipt{}, err
	}
	receipt, err := d.sound.Commit(ctx, set)
	d.last = err
	return receipt, err
}

// unfair never gets round to a set with a check.
type unfair struct{ sound }

func (d unfair) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	if slices.ContainsFunc(set.Changes, func(c platform.Change) bool { return c.Op == platform.Check }) {
		<-ctx.Done()
	}
	return d.sound.Commit(ctx, set)
}

// deadlocking takes rows one by one, and gives up when it meets another who
// does.
type deadlocking struct {
	sound
	mu   sync.Mutex
	rows map[platform.Ref]bool
}

func (d *deadlocking) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	var held []platform.Ref
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, ref := range held {
			delete(d.rows, ref)
		}
	}()
	for _, c := range set.Changes {
		if !d.take(c.Ref) {
			return platform.Receipt{}, fmt.Errorf("deadlock on %s: %w", c.Ref, platform.ErrUnavailable)
		}
		held = append(held, c.Ref)
		runtime.Gosched()
	}
	return d.sound.Commit(ctx, set)
}

func (d *deadlocking) take(ref platform.Ref) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	free := !d.rows[ref]
	d.rows[ref] = true
	return free
}

// dropping loses every seventh set that it could have written.
type dropping struct {
	sound
	calls atomic.Int64
}

func (d *dropping) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	if d.calls.Add(1)%7 == 0 {
		return platform.Receipt{}, nil
	}
	return d.sound.Commit(ctx, set)
}

// lying tells every fifth writer that it was beaten.
type lying struct {
	sound
	calls atomic.Int64
}

func (d *lying) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	receipt, err := d.sound.Commit(ctx, set)
	if err == nil && receipt.Answer == nil && d.calls.Add(1)%5 == 0 {
		return platform.Receipt{}, fmt.Errorf("beaten: %w", errClash)
	}
	return receipt, err
}

// lagging shows a record as it was when it was first read, every other time; or
// always, at its present version.
type lagging struct {
	sound
	mu     sync.Mutex
	calls  int
	seen   map[platform.Ref]platform.Record
	always bool
}

func (d *lagging) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	records, err := d.sound.Get(ctx, refs...)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	for i, r := range records {
		old, known := d.seen[r.Ref]
		if !known {
			d.seen[r.Ref] = r
			continue
		}
		if d.always {
			records[i].Doc = slices.Clone(old.Doc)
		} else if d.calls%2 == 0 {
			records[i] = old
		}
	}
	return records, err
}

type sorting struct{ sound }

func (d sorting) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	records, err := d.sound.Get(ctx, refs...)
	slices.SortFunc(records, func(a, b platform.Record) int { return bytes.Compare([]byte(a.Ref.ID), []byte(b.Ref.ID)) })
	return records, err
}

// asking is an adapter that changes queries on their way in.
type asking struct {
	sound
	edit func(*platform.Query)
}

func asks(edit func(*platform.Query)) func(sound) platform.DB {
	return func(s sound) platform.DB { return asking{s, edit} }
}

func (d asking) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	d.edit(&q)
	return d.sound.Scan(ctx, q)
}

type offsets struct{ sound }

func (d offsets) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	limit, from := q.Limit, 0
	if q.Cursor != "" {
		var err error
		if from, err = strconv.Atoi(q.Cursor); err != nil {
			return platform.Page[platform.Record]{}, fmt.Errorf("offset: %w", platform.ErrInvalid)
		}
	}
	if limit == 0 {
		limit = 50
	}
	q.Cursor, q.Limit = "", 500
	page, err := d.sound.Scan(ctx, q)
	if err != nil {
		return page, err
	}
	rest := page.Items[min(max(from, 0), len(page.Items)):]
	page.Items, page.Next = rest[:min(limit, len(rest))], ""
	if len(rest) > limit {
		page.Next = strconv.Itoa(from + limit)
	}
	return page, nil
}

type lenient struct{ sound }

func (d lenient) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	page, err := d.sound.Scan(ctx, q)
	if platform.Code(err) == "query.cursor" {
		q.Cursor = ""
		return d.sound.Scan(ctx, q)
	}
	return page, err
}

// promoteOnce keeps the columns that a document had when it was created.
func promoteOnce(kinds []platform.Kind) {
	var mu sync.Mutex
	first := map[platform.ID][]platform.Column{}
	for i, k := range kinds {
		if k.Name != documentKind {
			continue
		}
		kinds[i].Promote = func(doc any) ([]platform.Column, error) {
			columns, err := k.Promote(doc)
			d, ok := doc.(document)
			if !ok {
				return columns, err
			}
			mu.Lock()
			defer mu.Unlock()
			if first[d.ID] == nil {
				first[d.ID] = columns
			}
			return first[d.ID], err
		}
	}
}

type careless struct{ sound }

func (d careless) Fresh(ctx context.Context, of store.Slots, limit int) ([]platform.Event, error) {
	events, err := d.sound.Fresh(ctx, of, limit)
	for _, e := range events {
		err = errors.Join(err, d.Settle(ctx, time.Now(), nil, store.Settlement{Handed: []platform.ID{e.ID}}))
	}
	return events, err
}

type deaf struct{ sound }

func (d deaf) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	if ctx == nil {
		return d.sound.Commit(ctx, set)
	}
	return d.sound.Commit(context.WithoutCancel(ctx), set)
}

type unclosing struct{ sound }

func (d unclosing) Close() error { return nil }

func (d unclosing) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	return d.sound.Commit(ctx, set)
}

// sharing hands out the same bytes again and again.
type sharing struct {
	sound
	mu   sync.Mutex
	docs map[platform.Ref][]byte
}

func (d *sharing) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	records, err := d.sound.Get(ctx, refs...)
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, r := range records {
		if d.docs[r.Ref] == nil {
			d.docs[r.Ref] = r.Doc
		}
		records[i].Doc = d.docs[r.Ref]
	}
	return records, err
}

type floating struct{ sound }

func (d floating) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	records, err := d.sound.Get(ctx, refs...)
	for i, r := range records {
		var v any
		if json.Unmarshal(r.Doc, &v) == nil {
			records[i].Doc = encoded(v)
		}
	}
	return records, err
}
