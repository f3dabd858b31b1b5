package storetest

import (
	"context"
	"iter"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
)

// archivers are broken adapters whose faults only a backup or a verification
// meets.
var archivers = []broken{
	{fault: "backs counters up as they were when it did so last", breaks: []int{37}, wrap: func(s sound) platform.DB {
		return &stale{sound: s, last: map[platform.ID]store.Line{}}
	}},
	{fault: "restores nothing that is undelivered", breaks: []int{37}, wrap: func(s sound) platform.DB { return forgetful{s} }},
	{fault: "keeps what it loaded before the damage", breaks: []int{37}, wrap: func(s sound) platform.DB { return eager{s} }},
	{fault: "shows a verifier another store", breaks: []int{38}, wrap: func(s sound) platform.DB { return facade{s} }},
	{fault: "keeps rows out of their indexes", breaks: []int{38}, wrap: func(s sound) platform.DB { return blurred{s} }},
}

type stale struct {
	sound
	last map[platform.ID]store.Line
}

func (d *stale) Lines(ctx context.Context) iter.Seq2[store.Line, error] {
	return func(yield func(store.Line, error) bool) {
		for l, err := range d.sound.Lines(ctx) {
			if old, known := d.last[l.ID]; l.Kind == store.Counter {
				if d.last[l.ID] = l; known {
					l = old
				}
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

type forgetful struct{ sound }

func (d forgetful) Load(ctx context.Context, lines iter.Seq2[store.Line, error]) error {
	return d.sound.Load(ctx, func(yield func(store.Line, error) bool) {
		for l, err := range lines {
			if l.Pending == "" && !yield(l, err) {
				return
			}
		}
	})
}

type eager struct{ sound }

func (d eager) Load(ctx context.Context, lines iter.Seq2[store.Line, error]) (failed error) {
	err := d.sound.Load(ctx, func(yield func(store.Line, error) bool) {
		for l, err := range lines {
			if failed = err; err != nil || !yield(l, nil) {
				return
			}
		}
	})
	if failed != nil {
		return failed
	}
	return err
}

type facade struct{ sound }

func (facade) Moment(context.Context) (store.Snapshot, error) {
	return memory.New(kinds(newest), nil).Snapshot(), nil
}

type blurred struct{ sound }

func (d blurred) Moment(context.Context) (store.Snapshot, error) {
	return keyless{d.Snapshot()}, nil
}

type keyless struct{ *memory.Snapshot }

func (k keyless) Entries(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		for e, err := range k.Snapshot.Entries(ctx) {
			if e.Row != nil {
				clear(e.Row.Keys)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}
