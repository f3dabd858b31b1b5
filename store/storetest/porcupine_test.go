package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/postgres"
	"github.com/liangding/platform/store/sqlite"
	"github.com/liangding/platform/store/storetest/pgserver"
)

// What real concurrency did to single records, balances and keys is judged once
// more by a checker that is not ours. A verdict that it cannot reach in time is a
// failure, as is one that differs from [History.Linearizable].

// registers is the model of one record; a step that nobody heard of took effect
// or did not.
var registers = porcupine.NondeterministicModel{
	Init: func() []any { return []any{register{}} },
	Step: func(state, input, _ any) []any {
		r, t := state.(register), input.(span)
		next, ok := r.take(t)
		switch {
		case ok && t.effect == maybe:
			return []any{r, next}
		case ok:
			return []any{next}
		case t.effect == maybe:
			return []any{r}
		}
		return nil
	},
}

// debit is an addition to a balance with the floor zero, or a reading of it.
type debit struct{ delta int64 }

// purse is what an addition or a reading told.
type purse struct {
	value, seq int64
	refused    bool
	unheard    bool
}

// balances is the model of one counter.
var balances = porcupine.NondeterministicModel{
	Init: func() []any { return []any{purse{}} },
	Step: func(state, input, output any) []any {
		b, in, out := state.(purse), input.(debit), output.(purse)
		if in.delta == 0 {
			return when(out == b, b)
		}
		short := in.delta < 0 && b.value+in.delta < 0
		next := purse{value: b.value + in.delta, seq: b.seq + 1}
		switch {
		case out.unheard && short:
			return []any{b}
		case out.unheard:
			return []any{b, next}
		case out.refused:
			return when(short, b)
		}
		return when(!short && out == next, next)
	},
}

// request is a set under a key, or (empty) a look at the key.
type request string

// heard is what came of a request.
type heard struct {
	stored  request // the request whose answer is under the key; empty: none
	reused  bool
	unheard bool
}

// onceOnly is the model of one key.
var onceOnly = porcupine.NondeterministicModel{
	Init: func() []any { return []any{request("")} },
	Step: func(state, input, output any) []any {
		held, in, out := state.(request), input.(request), output.(heard)
		first := held == "" && in != ""
		switch {
		case in == "":
			return when(out.stored == held, held)
		case out.unheard && first:
			return []any{held, in}
		case out.unheard:
			return []any{held}
		case out.reused:
			return when(!first && in != held, held)
		}
		return when(out.stored == in && (first || held == in), in)
	},
}

func when(so bool, state any) []any {
	if so {
		return []any{state}
	}
	return nil
}

// tape is what callers did with one key, and when.
type tape struct {
	mu  sync.Mutex
	ops []porcupine.Operation
}

var ticks atomic.Int64

// note plays a call. One that nobody heard of has no end; a reading of that sort
// says nothing.
func (t *tape) note(in any, reads bool, do func() (out any, unheard bool)) {
	began := ticks.Add(1)
	out, unheard := do()
	ended := ticks.Add(1)
	if unheard {
		ended = math.MaxInt64
	}
	if unheard && reads {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ops = append(t.ops, porcupine.Operation{ClientId: len(t.ops), Input: in, Output: out, Call: began, Return: ended})
}

func judge(t *testing.T, what string, model porcupine.NondeterministicModel, ops []porcupine.Operation, want bool) {
	t.Helper()
	verdict := porcupine.CheckOperationsTimeout(model.ToModel(), ops, time.Minute)
	if (verdict == porcupine.Ok) != want || verdict == porcupine.Unknown {
		t.Fatalf("%s: porcupine says %s, want linearizable %t:\n%v", what, verdict, want, ops)
	}
}

// operations are the steps on each record of a history.
func (h *History) operations() map[platform.Ref][]porcupine.Operation {
	all := map[platform.Ref][]porcupine.Operation{}
	for i, c := range h.calls {
		for _, t := range c.touched {
			if !builtin(t.ref.Kind) {
				s := spanOf(c, t)
				all[t.ref] = append(all[t.ref], porcupine.Operation{ClientId: i, Input: s, Call: s.began, Return: s.ended})
			}
		}
	}
	return all
}

func TestOurVerdictOfRandomHistoriesIsThatOfPorcupine(t *testing.T) {
	t.Parallel()
	die := rand.New(rand.NewPCG(2, 0))
	for n := range 3_000 {
		h := randomHistory(die)
		want := h.Linearizable() == nil
		for _, ops := range h.operations() {
			judge(t, fmt.Sprintf("history %d", n), registers, ops, want)
		}
	}
}

var server pgserver.Server

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

// engines are those that are judged, with how many keys each is given.
var engines = map[string]struct {
	keys int
	open func(t *testing.T) platform.DB
}{
	"memory": {400, func(*testing.T) platform.DB { return memory.New(kinds(newest), nil) }},
	"memory that loses answers": {100, func(*testing.T) platform.DB {
		return NewFaulty(memory.New(kinds(newest), nil), Faults{Seed: 3, Lose: .05, Refuse: .05})
	}},
	"sqlite": {40, func(t *testing.T) platform.DB {
		t.Helper()
		db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "judged.db"), kinds(newest), nil)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}},
	"postgres": {40, func(t *testing.T) platform.DB {
		t.Helper()
		db, err := postgres.Open(t.Context(), server.Database(t), kinds(newest), &postgres.Options{AllowUnsafe: true})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}},
}

func TestPorcupineFindsOneOrderForEachKey(t *testing.T) {
	t.Parallel()
	for name, e := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{history: new(History), clock: NewClock(dawn), ids: IDs(7), seed: 7}
			w.use(e.open(t))
			t.Cleanup(func() { _ = w.inner.Close() })
			judged := make([]key, e.keys)
			for i := range judged {
				judged[i] = key{duty: w.id("dty"), counter: platform.Counter(fmt.Sprint("purse ", i), "piece"), name: fmt.Sprint("k", i)}
			}
			together(crowd, func(i int) (any, error) {
				die := w.die(i)
				for range e.keys * 130 / crowd { // a hundred calls on each record, less on the rest
					judged[die.IntN(len(judged))].touch(t.Context(), w, die)
				}
				return nil, nil
			})
			for ref, ops := range w.history.operations() {
				judge(t, ref.String(), registers, ops, true)
			}
			if err := w.history.Linearizable(); err != nil {
				t.Fatal(err)
			}
			for i := range judged {
				judge(t, string(judged[i].counter.ID), balances, judged[i].counted.ops, true)
				judge(t, judged[i].name, onceOnly, judged[i].keyed.ops, true)
			}
		})
	}
}

// key is a record, a counter and an idempotency key, with what was done to each.
type key struct {
	duty           platform.ID
	counter        platform.Ref
	name           string
	counted, keyed tape
}

// touch does something to one of the three.
func (k *key) touch(ctx context.Context, w *world, die *rand.Rand) {
	mark := strconv.FormatUint(die.Uint64(), 10)
	switch die.IntN(8) {
	case 0, 1, 2:
		_ = w.anything(ctx, die, duty{Head: platform.Head{ID: k.duty}, Mark: mark}) // the history has what came of it
	case 3:
		k.counted.note(debit{}, true, func() (any, bool) {
			c, err := count(ctx, w.inner, k.counter)
			return purse{value: c.Value, seq: c.Seq}, err != nil
		})
	case 4, 5:
		delta := die.Int64N(20) - 12
		if delta == 0 {
			delta = 5
		}
		k.counted.note(debit{delta}, false, func() (any, bool) {
			r, err := w.inner.Commit(ctx, w.set(platform.Delta(k.counter, delta, w.duty("cause").Ref()).Above(0)))
			switch {
			case err == nil:
				return purse{value: r.Counters[0].Value, seq: r.Counters[0].Seq}, false
			case errors.Is(err, platform.ErrState):
				return purse{refused: true}, false
			}
			return purse{unheard: true}, true
		})
	case 6:
		in := request([]string{"a", "b"}[die.IntN(2)])
		k.keyed.note(in, false, func() (any, bool) {
			_, err := w.inner.Commit(ctx, w.keyed(k.name, string(in), platform.Put(w.duty("keyed"))))
			if err == nil || platform.Code(err) == "key.reused" {
				return heard{stored: in, reused: err != nil}, false
			}
			return heard{unheard: true}, true
		})
	case 7:
		k.keyed.note(request(""), true, func() (any, bool) {
			a, err := w.inner.Recall(ctx, platform.Key{Scope: "key/storetest", Name: k.name})
			return heard{stored: request(a.Digest)}, err != nil && !errors.Is(err, platform.ErrNotFound)
		})
	}
}
