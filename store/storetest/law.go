package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/liangding/platform"
)

// Options say what an adapter can do besides being opened, and what not. All
// the functions get a store that the open function of [Run], or one of them,
// returned.
type Options struct {
	// Only are the numbers of the laws to be checked; if empty, all are.
	Only []int

	// Seed is where chance comes from; 0 is 1. Goroutines still meet as the
	// scheduler will.
	Seed uint64

	// Reopen ends the process that uses db, without closing it, and opens the
	// same data again for the given kinds, which may be those of an older or a
	// newer program. Calls may still be under way in db. It fails with
	// ErrUnavailable when the program is too old for the data.
	Reopen func(t *testing.T, db platform.DB, kinds []platform.Kind) (platform.DB, error)

	// NoRestart declares that data end with their process. What would be checked
	// over a restart is then printed as a gap; otherwise Reopen must be given.
	NoRestart bool

	// Handle opens the data of db a second time, as another process beside it
	// would. If nil, that this is impossible is printed as a gap.
	Handle func(t *testing.T, db platform.DB, kinds []platform.Kind) platform.DB
}

// Law is one rule of storage.
type Law struct {
	Number    int
	Name      string // the rule in words
	Elsewhere string // why Run does not check it, and what does; empty when Run does

	schema int // of the legacy kind at first; 0: the newest
	check  func(context.Context, *world) error
}

// String is the number in two digits, and the rule.
func (l Law) String() string { return fmt.Sprintf("%02d %s", l.Number, l.Name) }

// patience is how long a law may take before it counts as hung.
const patience = 2 * time.Minute

// Run checks every law of [Laws] against the stores that open returns, each
// law in a subtest with an empty store of its own. open is called from within
// the law's subtest, and the store is closed when the law is done. What the
// options declare impossible, and what is checked elsewhere, is logged.
func Run(t *testing.T, open func(t *testing.T, kinds []platform.Kind) platform.DB, opts Options) {
	t.Helper()
	if opts.Reopen == nil && !opts.NoRestart {
		t.Fatal("storetest: give Options.Reopen, or declare Options.NoRestart")
	}
	var elsewhere strings.Builder
	for _, law := range Laws() {
		if len(opts.Only) > 0 && !slices.Contains(opts.Only, law.Number) {
			continue
		}
		if law.Elsewhere != "" {
			fmt.Fprintf(&elsewhere, "\n%s: %s", law, law.Elsewhere)
			continue
		}
		t.Run(law.String(), func(t *testing.T) {
			t.Helper()
			verdict := law.hold(t.Context(), opts.adapter(t, open), opts.seed())
			for _, gap := range verdict.gaps {
				t.Logf("gap: %s", gap)
			}
			if verdict.err != nil {
				t.Error(verdict)
			}
		})
	}
	t.Logf("laws checked elsewhere:%s", &elsewhere)
}

func (o Options) seed() uint64 { return max(o.Seed, 1) }

func (o Options) adapter(t *testing.T, open func(*testing.T, []platform.Kind) platform.DB) adapter {
	t.Helper()
	a := adapter{open: func(kinds []platform.Kind) platform.DB { return open(t, kinds) }}
	if o.Reopen != nil {
		a.reopen = func(db platform.DB, kinds []platform.Kind) (platform.DB, error) { return o.Reopen(t, db, kinds) }
	}
	if o.Handle != nil {
		a.handle = func(db platform.DB, kinds []platform.Kind) platform.DB { return o.Handle(t, db, kinds) }
	}
	return a
}

// verdict is what came of a law.
type verdict struct {
	law     Law
	seed    uint64
	err     error // nil: it holds
	gaps    []string
	history *History
}

// hold checks the law in a world of its own and collects what came of it; it
// fails no test itself, so that a broken adapter can be judged too.
func (l Law) hold(ctx context.Context, a adapter, seed uint64) verdict {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	v := verdict{law: l, seed: seed}
	schema := l.schema
	if schema == 0 {
		schema = newest
	}
	w := &world{history: new(History), clock: NewClock(dawn), ids: IDs(seed ^ uint64(l.Number)<<32), seed: seed, adapter: a, label: fmt.Sprintf("%016x", rand.Uint64())}
	v.history = w.history
	pprof.Do(ctx, pprof.Labels(labelName, w.label), func(ctx context.Context) {
		w.use(a.open(kinds(schema)))
		err := l.check(ctx, w)
		if closing := w.inner.Close(); closing != nil {
			err = errors.Join(err, fmt.Errorf("close: %w", closing))
		}
		v.err, v.gaps = err, w.gaps
	})
	return v
}

// labelName is what every goroutine that a store starts for a law is labelled
// with, so that law 35 finds what is left. The label is drawn anew, not from the
// seed: worlds of one seed may exist at once.
const labelName = "storetest"

// shown is how much of a history a failure prints.
const shown = 60

func (v verdict) String() string {
	return fmt.Sprintf("law %s\nbroken: %v\nseed %d\nhistory:\n%s", v.law, v.err, v.seed, v.history.last(shown))
}
