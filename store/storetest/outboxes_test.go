package storetest

import (
	"context"
	"sync"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// outboxes are broken adapters whose faults only a relay meets.
var outboxes = []broken{
	{fault: "settles whatever the fence", breaks: []int{31}, wrap: func(s sound) platform.DB { return unfenced{s} }},
	{fault: "grants a lease to everybody", breaks: []int{31}, wrap: func(s sound) platform.DB { return generous{s} }},
	{fault: "looks at the fence before it settles, not while", breaks: []int{31}, wrap: func(s sound) platform.DB { return glancing{s} }},
	{fault: "keeps the fence when a lease changes hands", breaks: []int{31}, wrap: func(s sound) platform.DB {
		return &constant{sound: s, leases: map[string]store.Lease{}}
	}},
	{fault: "forgets what is late", breaks: []int{30}, wrap: settles(func(s *store.Settlement) { s.Late = nil })},
	{fault: "never forgets what is done", breaks: []int{30}, within: 3 * time.Second, wrap: settles(func(s *store.Settlement) { s.Done = nil })},
	{fault: "keeps late events fresh", breaks: []int{30}, within: 3 * time.Second, wrap: settles(func(s *store.Settlement) { s.Handed = nil })},
	{fault: "tries for ever", breaks: []int{30}, wrap: settles(func(s *store.Settlement) {
		for i := range s.Late {
			if s.Late[i].Parked() {
				s.Late[i].Due = s.Late[i].Since.Add(100 * time.Hour)
			}
		}
	})},
	{fault: "hands late deliveries out before they are due", breaks: []int{30}, wrap: func(s sound) platform.DB { return hasty{s} }},
	{fault: "sends nothing again", breaks: []int{30}, wrap: func(s sound) platform.DB { return final{s} }},
	{fault: "discards what is not parked", breaks: []int{30}, wrap: func(s sound) platform.DB { return discarding{s} }},
	{fault: "sweeps answers of any age", breaks: []int{26}, wrap: func(s sound) platform.DB { return sweeping{s} }},
	{fault: "counts a refusal as done", breaks: []int{14}, wrap: func(s sound) platform.DB { return proud{s} }},
}

type unfenced struct{ sound }

func (d unfenced) Settle(ctx context.Context, now time.Time, _ []store.Lease, s store.Settlement) error {
	return d.sound.Settle(ctx, now, nil, s)
}

type generous struct{ sound }

func (d generous) Lease(ctx context.Context, now time.Time, want ...store.Lease) (all []store.Lease, err error) {
	for _, l := range want {
		got, failed := d.sound.Lease(ctx, now, l)
		if failed != nil {
			return nil, failed
		}
		if len(got) == 0 {
			l.Fence++
			got = []store.Lease{l}
		}
		all = append(all, got...)
	}
	return all, nil
}

// glancing leaves a moment between the look and the writing.
type glancing struct{ sound }

func (d glancing) Settle(ctx context.Context, now time.Time, by []store.Lease, s store.Settlement) error {
	if err := d.sound.Settle(ctx, now, by, store.Settlement{}); err != nil {
		return err
	}
	time.Sleep(100 * time.Microsecond)
	return d.sound.Settle(ctx, now, nil, s)
}

type constant struct {
	sound
	mu     sync.Mutex
	leases map[string]store.Lease
}

func (d *constant) Lease(_ context.Context, now time.Time, want ...store.Lease) (all []store.Lease, _ error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range want {
		if l, ok := d.leases[w.Name].Grant(w, now); ok {
			l.Fence = 1
			d.leases[w.Name] = l
			all = append(all, l)
		}
	}
	return all, nil
}

func (d *constant) Settle(ctx context.Context, now time.Time, by []store.Lease, s store.Settlement) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range by {
		if !d.leases[l.Name].Admits(l, now) {
			return store.ErrFence
		}
	}
	return d.sound.Settle(ctx, now, nil, s)
}

type settling struct {
	sound
	edit func(*store.Settlement)
}

func settles(edit func(*store.Settlement)) func(sound) platform.DB {
	return func(s sound) platform.DB { return settling{s, edit} }
}

func (d settling) Settle(ctx context.Context, now time.Time, by []store.Lease, s store.Settlement) error {
	d.edit(&s)
	return d.sound.Settle(ctx, now, by, s)
}

type hasty struct{ sound }

func (d hasty) Late(ctx context.Context, of store.Slots, sink string, now time.Time, limit int) ([]store.Delivery, error) {
	return d.sound.Late(ctx, of, sink, now.Add(1000*time.Hour), limit)
}

type final struct{ sound }

func (d final) Resend(context.Context, time.Time, ...store.Delivery) (int, error) { return 0, nil }

type discarding struct{ sound }

func (d discarding) Discard(ctx context.Context, which ...store.Delivery) (int, error) {
	return len(which), d.Settle(ctx, time.Now(), nil, store.Settlement{Done: which})
}

type sweeping struct{ sound }

func (d sweeping) Sweep(ctx context.Context, _ time.Time, limit int) (int, error) {
	return d.sound.Sweep(ctx, time.Now().Add(time.Hour), limit)
}

type proud struct{ sound }

func (d proud) Stats() store.Stats {
	s := d.sound.Stats()
	s.Refused = 0
	return s
}
