package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/liangding/platform"
)

// kindsApart checks law 3 for ids of equal bits: a record of which each owner
// has one is named by its owner's id under another prefix.
func kindsApart(ctx context.Context, w *world) error {
	d := w.duty("owner")
	f := fence{Head: platform.Head{ID: d.ID.As("fnc")}}
	if err := w.given(ctx, platform.Put(d)); err != nil {
		return err
	}
	if err := w.given(ctx, platform.Put(f)); err != nil {
		return fmt.Errorf("a record of another kind with the bits of %s: %w", d.ID, err)
	}
	f.Version = 1
	return w.stored(ctx, d.at(1), f)
}

// claimsToTheLetter checks law 6 for what a claim is: scope and key as they
// stand, several a record, exchanged in one set, and there after a restart.
func claimsToTheLetter(ctx context.Context, w *world) error {
	holding := func(badge, locker string) duty {
		d := w.duty(badge + " and " + locker)
		d.Badge, d.Locker = badge, locker
		return d
	}
	a, b := holding("Gold", "Silver"), holding("Silver", "Gold")
	if err := w.given(ctx, platform.Put(a), platform.Put(b)); err != nil {
		return fmt.Errorf("one key in two scopes: %w", err)
	}
	if err := w.given(ctx, platform.Put(holding("gold", "ＧＯＬＤ"))); err != nil {
		return fmt.Errorf("another letter is another key: %w", err)
	}
	a, b = a.at(1), b.at(1)
	a.Badge, a.Locker, b.Badge, b.Locker = b.Badge, b.Locker, a.Badge, a.Locker
	if err := w.given(ctx, platform.Put(a), platform.Put(b)); err != nil {
		return fmt.Errorf("exchange of all claims: %w", err)
	}
	rivals := func() error {
		for _, d := range []duty{holding("Gold", ""), holding("Silver", ""), holding("", "Gold"), holding("", "Silver"), holding("fresh", "Gold")} {
			_, err := w.commit(ctx, platform.Put(d))
			if err := refusal("rival for "+d.Mark, err, platform.ErrConflict, "taken"); err != nil {
				return err
			}
		}
		return nil
	}
	if err := rivals(); err != nil || !w.mayRestart("claims are held over a restart") {
		return err
	}
	return errors.Join(w.restart(newest), rivals())
}

// pinnedHolds checks law 7 for pinned records: nobody who checked that a fence
// is open commits after it was closed. The order is that of a counter.
func pinnedHolds(ctx context.Context, w *world) error {
	f, order := fence{Head: platform.Head{ID: w.id("fnc")}, Open: true}, platform.Counter("order", "piece")
	if err := w.given(ctx, platform.Put(f)); err != nil {
		return err
	}
	f.Version = 1
	replies := together(crowd, func(i int) (platform.Receipt, error) {
		if i == crowd/2 {
			shut := f
			shut.Open = false
			return w.commit(ctx, platform.Put(shut), platform.Delta(order, 1, f.Ref()))
		}
		return w.commit(ctx, platform.Unchanged(f), platform.Delta(order, 1, f.Ref()))
	})
	shut := replies[crowd/2]
	if shut.err != nil {
		return shut.err
	}
	for i, r := range replies {
		if r.err == nil && r.value.Counters[0].Seq > shut.value.Counters[0].Seq {
			return fmt.Errorf("caller %d passed the fence after it was closed", i)
		}
		if r.err != nil {
			if err := refusal("pass a closed fence", r.err, platform.ErrConflict, "stale"); err != nil {
				return err
			}
		}
	}
	_, err := w.commit(ctx, platform.Unchanged(f))
	return refusal("check of a pinned record that moved on", err, platform.ErrConflict, "stale")
}

// ownMovements checks law 9 for what a movement says: each addition its own
// cause, each unit its own counter, the set's first event.
func ownMovements(ctx context.Context, w *world) error {
	one, other := w.duty("one"), w.duty("other")
	pieces, hours := platform.Counter("stock", "piece"), platform.Counter("stock", "hour")
	set := w.set(platform.Put(one), platform.Put(other),
		platform.Delta(pieces, 3, one.Ref()), platform.Delta(hours, 5, other.Ref()), platform.Delta(pieces, 4, other.Ref()))
	event := set.Changes[len(set.Changes)-1].Value.(platform.Event)
	if _, err := w.db.Commit(ctx, set); err != nil {
		return err
	}
	var log []platform.Movement
	for _, counter := range []platform.Ref{pieces, hours} {
		some, err := w.movements(ctx, counter)
		if err != nil {
			return err
		}
		log = append(log, some...)
	}
	entry := func(counter platform.Ref, seq, delta, after int64, cause duty) platform.Movement {
		return platform.Movement{Counter: counter, Seq: seq, Delta: delta, After: after, Cause: cause.Ref(), Event: event.ID, At: event.At}
	}
	want := []platform.Movement{entry(pieces, 1, 3, 3, one), entry(pieces, 2, 4, 7, other), entry(hours, 1, 5, 5, other)}
	if !slices.Equal(log, want) {
		return fmt.Errorf("the log says\n%+v, want\n%+v", log, want)
	}
	caused, err := all[platform.Movement](ctx, w.db, platform.Query{Kind: "movement", By: []string{"cause"}, Equal: []any{other.Ref()}})
	if err != nil || len(caused) != 2 {
		return fmt.Errorf("%d movements caused by %s, want 2: %w", len(caused), other.Ref(), err)
	}
	return nil
}

// noHalves checks law 12 for readers: a record moves on with its counter, so
// whoever looks at one and then at the other never finds the second behind.
func noHalves(ctx context.Context, w *world) error {
	const moves = 200
	d, counter := w.duty("counted"), platform.Counter("moves", "piece")
	if err := w.given(ctx, platform.Put(d), platform.Delta(counter, 1, d.Ref())); err != nil {
		return err
	}
	var moved atomic.Bool
	return unanimous(together(5, func(i int) (any, error) {
		if i == 0 {
			defer moved.Store(true)
			for version := int64(1); version <= moves; version++ {
				if err := w.given(ctx, platform.Put(d.at(version)), platform.Delta(counter, 1, d.Ref())); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}
		for !moved.Load() {
			look := []platform.Ref{d.Ref(), counter}
			if i%2 == 0 {
				slices.Reverse(look)
			}
			first, err := w.version(ctx, look[0])
			if err != nil {
				return nil, err
			}
			second, err := w.version(ctx, look[1])
			if err != nil || second < first {
				return nil, fmt.Errorf("%s at %d and then %s at %d: half a set: %w", look[0], first, look[1], second, err)
			}
		}
		return nil, nil
	}))
}

// oneMoment checks law 20 for when: records that move together are never got
// apart by one call.
func oneMoment(ctx context.Context, w *world) error {
	const moves = 200
	d := w.duty("mover")
	c, counter := w.child(d, "moved"), platform.Counter("moves", "piece")
	refs := []platform.Ref{d.Ref(), c.Ref(), counter}
	if err := w.given(ctx, platform.Put(d), platform.Put(c), platform.Delta(counter, 1, d.Ref())); err != nil {
		return err
	}
	var moved atomic.Bool
	return unanimous(together(5, func(i int) (any, error) {
		if i == 0 {
			defer moved.Store(true)
			for v := int64(1); v <= moves; v++ {
				if err := w.given(ctx, platform.Put(d.at(v)), platform.Put(c.at(v)), platform.Delta(counter, 1, d.Ref())); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}
		for !moved.Load() {
			got, err := w.inner.Get(ctx, refs...)
			if err != nil {
				return nil, err
			}
			if got[0].Version != got[1].Version || got[1].Version != got[2].Version {
				return nil, fmt.Errorf("one get of two moments: versions %d, %d and %d", got[0].Version, got[1].Version, got[2].Version)
			}
		}
		return nil, nil
	}))
}

// receiptsInOrder checks law 14 for sets of several: a receipt follows its set.
func receiptsInOrder(ctx context.Context, w *world) error {
	var changes []platform.Change
	for i := range 8 {
		d := w.duty(fmt.Sprint("number ", i))
		changes = append(changes, platform.Put(d), platform.Delta(platform.Counter(fmt.Sprint("purse ", 9-i), "piece"), int64(i+1), d.Ref()))
	}
	w.die(14).Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
	receipt, err := w.commit(ctx, changes...)
	if err != nil {
		return err
	}
	var want platform.Receipt
	for _, c := range changes {
		if c.Op == platform.Add {
			want.Counters = append(want.Counters, platform.Count{Ref: c.Ref, Value: c.Delta, Seq: 1})
		} else {
			want.Versions = append(want.Versions, platform.Version{Ref: c.Ref, Version: 1})
		}
	}
	if !slices.Equal(receipt.Versions, want.Versions) || !slices.Equal(receipt.Counters, want.Counters) {
		return fmt.Errorf("receipt %+v, want in the order of the set %+v", receipt, want)
	}
	return nil
}

// eventsWhole checks law 36 for events: all that was said comes back, of each
// of several in one set.
func eventsWhole(ctx context.Context, w *world) error {
	d := w.duty("followed")
	set := w.set(platform.Put(d))
	var refs []platform.Ref
	for i := range 3 {
		c := w.event(d.Ref())
		e := c.Value.(platform.Event)
		e.Actor = platform.Actor{ID: "opr_x", Kind: platform.Operator, Roles: []string{"b", "a"}, OnBehalf: "cus_x", Tenant: "north"}
		e.Type, e.Version, e.Reason, e.Request = fmt.Sprint("storetest.said_", i), 1, "because", "request 服务"
		e.Data = json.RawMessage(`{"n":9007199254740993,"list":[],"null":null}`)
		c.Value = e
		set.Changes = append(set.Changes, c)
	}
	for _, c := range set.Changes[1:] {
		refs = append(refs, c.Ref)
	}
	if _, err := w.db.Commit(ctx, set); err != nil {
		return err
	}
	got, err := w.db.Get(ctx, refs...)
	if err != nil {
		return err
	}
	for i, r := range got {
		if !sameJSON(r.Doc, encoded(set.Changes[i+1].Value)) {
			return fmt.Errorf("event %s says %s, want %s", r.Ref, r.Doc, encoded(set.Changes[i+1].Value))
		}
	}
	said, err := all[platform.Event](ctx, w.db, platform.Query{Kind: "event", By: []string{"type", "id"}, Equal: []any{"storetest.said_1"}})
	if err != nil || len(said) != 1 {
		return fmt.Errorf("%d events of a type, want 1: %w", len(said), err)
	}
	return nil
}

// undeliveredStays checks law 30 over a restart: what no sink took is offered
// again.
func undeliveredStays(ctx context.Context, w *world) error {
	sink := &crashing{met: map[platform.ID]platform.Event{}, quiet: true}
	if w.relaying(sink) == nil {
		w.gaps = append(w.gaps, "no feed: what is undelivered is offered again after a restart")
		return nil
	}
	if !w.mayRestart("what is undelivered is offered again after a restart") {
		return nil
	}
	late, fresh := w.set(platform.Put(w.duty("said"))), w.set(platform.Put(w.duty("said later")))
	if _, err := w.db.Commit(ctx, late); err != nil {
		return err
	}
	if err := w.relaying(&crashing{met: map[platform.ID]platform.Event{}})(ctx); err == nil {
		return errors.New("the relay is content with a sink that failed")
	}
	if _, err := w.db.Commit(ctx, fresh); err != nil {
		return err
	}
	if err := w.restart(newest); err != nil {
		return err
	}
	if err := w.clear(ctx, w.relaying(sink)); err != nil {
		return err
	}
	for _, set := range []platform.Set{late, fresh} {
		if id := set.Changes[1].Ref.ID; sink.met[id].ID != id {
			return fmt.Errorf("event %s was acknowledged, and after a restart nobody hears of it", id)
		}
	}
	return nil
}
