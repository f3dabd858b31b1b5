package storetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
)

// corners are broken adapters whose faults show only off the beaten track.
var corners = []broken{
	{fault: "knows no scopes of claims", breaks: []int{6}, kinds: claims(func(list []platform.Claim) []platform.Claim {
		for i := range list {
			list[i].Scope = "one for all"
		}
		return list
	})},
	{fault: "keeps only the first claim of a record", breaks: []int{6}, kinds: claims(func(list []platform.Claim) []platform.Claim { return list[:min(1, len(list))] })},
	{fault: "takes upper for lower case in claims", breaks: []int{6}, kinds: claims(func(list []platform.Claim) []platform.Claim {
		for i := range list {
			list[i].Key = strings.ToLower(list[i].Key)
		}
		return list
	})},
	{fault: "forgets claims over a restart", breaks: []int{6}, reopen: withoutClaims},
	{fault: "forgets what is undelivered over a restart", breaks: []int{30}, reopen: func(s sound, kinds []platform.Kind) *memory.DB {
		db := reloaded(s, kinds)
		for db != nil {
			events, _ := db.Fresh(context.Background(), store.Slots{Until: 4096}, 500)
			if len(events) == 0 {
				return db
			}
			for _, e := range events {
				_ = db.Settle(context.Background(), time.Now(), nil, store.Settlement{Handed: []platform.ID{e.ID}})
			}
		}
		return nil
	}},
	{fault: "does not check pinned records", breaks: []int{7}, wrap: edits(func(_ sound, set *platform.Set) {
		set.Changes = slices.DeleteFunc(set.Changes, func(c platform.Change) bool { return c.Op == platform.Check && c.Ref.Kind == fenceKind })
	})},
	{fault: "gets a record once that is asked for twice", breaks: []int{20}, wrap: func(s sound) platform.DB { return distinct{s} }},
	{fault: "drops what its event table has no column for", breaks: []int{36}, wrap: edits(func(_ sound, set *platform.Set) {
		for i, c := range set.Changes {
			if e, ok := c.Value.(platform.Event); ok {
				e.Request, e.Reason, e.Actor.Roles, e.Actor.OnBehalf, e.Actor.Tenant = "", "", nil, "", ""
				set.Changes[i].Value = e
			}
		}
	})},
	{fault: "names one cause for all movements of a set", breaks: []int{9}, wrap: edits(func(_ sound, set *platform.Set) {
		var cause platform.Ref
		for i, c := range set.Changes {
			if c.Op == platform.Add && c.Cause != (platform.Ref{}) {
				if cause == (platform.Ref{}) {
					cause = c.Cause
				}
				set.Changes[i].Cause = cause
			}
		}
	})},
	{fault: "tells receipts in lock order", breaks: []int{14}, wrap: func(s sound) platform.DB { return ordered{s} }},
	{fault: "counts a name's units together", breaks: []int{9}, wrap: func(s sound) platform.DB { return unitless{s} }},
	{fault: "shows counters after records", breaks: []int{12}, wrap: func(s sound) platform.DB { return &twoSteps{sound: s} }},
	{fault: "gets records one after the other", breaks: []int{20}, wrap: func(s sound) platform.DB { return piecemeal{s} }},
	{fault: "allows pages of any size", breaks: []int{21}, wrap: func(s sound) platform.DB { return boundless{s} }},
	{fault: "takes the same bits for the same record, whatever the kind", breaks: []int{3}, wrap: func(s sound) platform.DB { return &bitwise{sound: s, known: map[[16]byte]string{}} }},
	{fault: "does not index movements by cause nor events by type", breaks: []int{36}, wrap: func(s sound) platform.DB { return unindexed{s} }},
}

// reloaded is nil where the program is too old for the data.
func reloaded(s sound, kinds []platform.Kind) *memory.DB {
	var saved bytes.Buffer
	if err := s.Save(&saved); err != nil {
		panic(err)
	}
	db, _ := memory.Load(&saved, kinds, nil)
	return db
}

// withoutClaims loads with a kind that claims nothing, as a registry that only
// lives in memory would.
func withoutClaims(s sound, kinds []platform.Kind) *memory.DB {
	loading := true
	for i, k := range kinds {
		kinds[i].Claims = func(doc any) ([]platform.Claim, error) {
			if loading {
				return nil, nil
			}
			return k.Claims(doc)
		}
	}
	db := reloaded(s, kinds)
	loading = false
	return db
}

func claims(edit func([]platform.Claim) []platform.Claim) func([]platform.Kind) {
	return func(kinds []platform.Kind) {
		for i, k := range kinds {
			kinds[i].Claims = func(doc any) ([]platform.Claim, error) {
				list, err := k.Claims(doc)
				return edit(slices.Clone(list)), err
			}
		}
	}
}

type distinct struct{ sound }

func (d distinct) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	var once []platform.Ref
	for _, ref := range refs {
		if !slices.Contains(once, ref) {
			once = append(once, ref)
		}
	}
	return d.sound.Get(ctx, once...)
}

// piecemeal reads a get of many in as many moments.
type piecemeal struct{ sound }

func (d piecemeal) Get(ctx context.Context, refs ...platform.Ref) (all []platform.Record, first error) {
	for _, ref := range refs {
		some, err := d.sound.Get(ctx, ref)
		if err != nil && !errors.Is(err, platform.ErrNotFound) {
			return nil, err
		}
		all, first = append(all, some...), cmp.Or(first, err)
		runtime.Gosched()
	}
	return all, first
}

type ordered struct{ sound }

func (d ordered) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	set.Changes = slices.Clone(set.Changes)
	slices.SortStableFunc(set.Changes, func(a, b platform.Change) int { return strings.Compare(a.Ref.String(), b.Ref.String()) })
	return d.sound.Commit(ctx, set)
}

// unitless keeps one counter a name, under the first unit seen.
type unitless struct{ sound }

func (d unitless) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	set.Changes = slices.Clone(set.Changes)
	for i, c := range set.Changes {
		if c.Op == platform.Add && c.Ref.Kind == "counter" {
			name, unit, _ := strings.Cut(string(c.Ref.ID), "/")
			if unit != "" && unit != "piece" {
				set.Changes[i].Ref = platform.Counter(name, "piece")
			}
		}
	}
	return d.sound.Commit(ctx, set)
}

// twoSteps writes counters in a transaction of their own, once the records
// are: no caller is told anything false, but readers see halves.
type twoSteps struct {
	sound
	mu sync.Mutex
}

func (d *twoSteps) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var adds, rest []platform.Change
	for _, c := range set.Changes {
		if c.Op == platform.Add {
			adds = append(adds, c)
		} else {
			rest = append(rest, c)
		}
	}
	writes := slices.ContainsFunc(rest, func(c platform.Change) bool { return c.Op == platform.Replace })
	if len(adds) == 0 || !writes || set.Key != (platform.Key{}) || !d.covered(ctx, adds) || len(set.Changes) > 9000 {
		return d.sound.Commit(ctx, set)
	}
	first, err := d.sound.Commit(ctx, platform.Set{Changes: rest})
	if err != nil {
		return first, err
	}
	second, err := d.sound.Commit(context.WithoutCancel(ctx), platform.Set{Changes: append(adds, spare(adds[0].Cause))})
	first.Counters = second.Counters
	return first, err
}

func (d *twoSteps) covered(ctx context.Context, adds []platform.Change) bool {
	sums := map[platform.Ref]int64{}
	for _, c := range adds {
		if c.Ref.Kind != "counter" || c.Ref.ID == "" || c.Delta == 0 {
			return false
		}
		if _, seen := sums[c.Ref]; !seen {
			now, err := count(ctx, d.sound, c.Ref)
			if err != nil {
				return false
			}
			sums[c.Ref] = now.Value
		}
		if sums[c.Ref] += c.Delta; c.Floor != nil && sums[c.Ref] < *c.Floor || sums[c.Ref] > 1<<60 {
			return false
		}
	}
	return true
}

type boundless struct{ sound }

func (d boundless) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	q.Limit = min(q.Limit, 500)
	return d.sound.Scan(ctx, q)
}

// bitwise keys records by the 16 bytes of their ids alone.
type bitwise struct {
	sound
	mu    sync.Mutex
	known map[[16]byte]string
}

func (d *bitwise) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range set.Changes {
		if kind := d.known[c.Ref.ID.UUID()]; c.Op == platform.Create && kind != "" && kind != c.Ref.Kind && c.Ref.ID.UUID() != [16]byte{} {
			return platform.Receipt{}, platform.Err(platform.ErrConflict, "exists", "exists", "exists")
		}
	}
	receipt, err := d.sound.Commit(ctx, set)
	if err == nil {
		for _, c := range set.Changes {
			if c.Op == platform.Create {
				d.known[c.Ref.ID.UUID()] = c.Ref.Kind
			}
		}
	}
	return receipt, err
}

type unindexed struct{ sound }

func (d unindexed) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	page, err := d.sound.Scan(ctx, q)
	if q.Kind == "movement" && slices.Equal(q.By, []string{"cause"}) || q.Kind == "event" && slices.Equal(q.By, []string{"type", "id"}) {
		page.Items, page.Next = nil, ""
	}
	return page, err
}
