package storetest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
)

// Every broken adapter fails each of the laws that are to find its fault, and
// no law is such that nothing could break it.
func TestSuiteFindsBrokenAdapters(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	found := map[string]bool{}
	t.Run("adapters", func(t *testing.T) {
		for _, b := range slices.Concat(brokenAdapters, corners, outboxes, archivers) {
			t.Run(b.fault, func(t *testing.T) {
				t.Parallel()
				for _, number := range b.breaks {
					names := b.fails(t, number)
					for try := 1; len(names) == 0 && try < tries; try++ {
						names = b.fails(t, number)
					}
					if len(names) == 0 {
						t.Errorf("law %d holds for an adapter that %s", number, b.fault)
					}
					mu.Lock()
					for _, name := range names {
						found[name] = true
					}
					mu.Unlock()
				}
			})
		}
	})
	for _, law := range Laws() {
		if law.check != nil && !found[law.String()] {
			t.Errorf("no broken adapter fails law %s", law)
		}
	}
}

// tries are how often a fault may hide that shows only when goroutines meet.
const tries = 20

// fails are the laws of that number that the broken adapter does not keep.
func (b broken) fails(t *testing.T, number int) (names []string) {
	t.Helper()
	for _, law := range Laws() {
		if law.Number != number || law.check == nil {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), cmp.Or(b.within, time.Minute))
		v := law.hold(ctx, b.adapter(), 1)
		cancel()
		if v.err == nil {
			continue
		}
		names = append(names, law.String())
		t.Logf("%s: %v", law, v.err)
		if text := v.String(); !strings.Contains(text, law.String()) || !strings.Contains(text, "seed 1\n") || !strings.Contains(text, "history:\n") {
			t.Errorf("a failure does not say law, seed and history:\n%s", text)
		}
	}
	return names
}

// What an adapter declares impossible is reported as a gap, not as a failure.
func TestGapsAreNamed(t *testing.T) {
	t.Parallel()
	opts := Options{NoRestart: true}
	open := func(_ *testing.T, kinds []platform.Kind) platform.DB { return memory.New(kinds, nil) }
	for _, number := range []int{18, 22, 25, 28, 35} {
		i := slices.IndexFunc(Laws(), func(l Law) bool { return l.Number == number })
		v := Laws()[i].hold(t.Context(), opts.adapter(t, open), opts.seed())
		if v.err != nil {
			t.Errorf("%s", v)
		}
		if !slices.ContainsFunc(v.gaps, func(gap string) bool { return strings.HasPrefix(gap, "no restart: ") }) {
			t.Errorf("law %d over no restart names the gaps %q", number, v.gaps)
		}
	}
}

// Laws are numbered without holes, and each is either checked or explained.
func TestLawsAreComplete(t *testing.T) {
	t.Parallel()
	last := 0
	for _, law := range Laws() {
		if law.Number != last && law.Number != last+1 {
			t.Errorf("law %d follows law %d", law.Number, last)
		}
		last = law.Number
		if (law.check == nil) != (law.Elsewhere != "") || law.Name == "" {
			t.Errorf("law %s: checked %t, elsewhere %q", law, law.check != nil, law.Elsewhere)
		}
	}
	if last != 40 {
		t.Errorf("%d laws, want 40", last)
	}
}

// Laws that want several handles get them where the adapter has them.
func TestHandlesAreUsed(t *testing.T) {
	t.Parallel()
	opened := 0
	opts := Options{NoRestart: true, Handle: func(_ *testing.T, db platform.DB, _ []platform.Kind) platform.DB {
		opened++
		return unclosing{sound{db.(*memory.DB)}}
	}}
	open := func(_ *testing.T, kinds []platform.Kind) platform.DB { return memory.New(kinds, nil) }
	for number, handles := range map[int]int{16: 3, 18: 1} {
		opened = 0
		i := slices.IndexFunc(Laws(), func(l Law) bool { return l.Number == number })
		v := Laws()[i].hold(t.Context(), opts.adapter(t, open), opts.seed())
		if v.err != nil {
			t.Errorf("%s", v)
		}
		if opened != handles || slices.ContainsFunc(v.gaps, func(gap string) bool { return strings.HasPrefix(gap, "one handle: ") }) {
			t.Errorf("law %d opened %d more handles, want %d; gaps %q", number, opened, handles, v.gaps)
		}
	}
}
