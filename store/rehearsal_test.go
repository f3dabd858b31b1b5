package store_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
)

// lamp is a record with a name that no other may have.
type lamp struct {
	platform.Head
	Name string `json:"name" class:"public"`
}

func (l lamp) Ref() platform.Ref { return platform.Ref{Kind: "lamp", ID: l.ID} }

var lamps = []platform.Kind{platform.Shape[lamp]{
	Name: "lamp", Prefix: "lmp",
	Unique: func(l lamp) []platform.Claim {
		if l.Name == "" {
			return nil
		}
		return []platform.Claim{{Scope: "lamp", Key: l.Name}}
	},
}.Kind()}

func lampID(n int) platform.ID { return platform.NewID("lmp", time.Unix(0, 0), 1, uint64(n)) }

// twin is a store, and a rehearsal over another with the same content.
type twin struct {
	real, under *memory.DB
	rehearsal   *store.Rehearsal
	events      int
}

func newTwin(t require.TestingT, given ...[]platform.Change) *twin {
	kinds, err := store.NewKinds(lamps)
	require.NoError(t, err)
	w := &twin{real: memory.New(lamps, nil), under: memory.New(lamps, nil)}
	for _, changes := range given {
		set := w.set("", changes...)
		_, err := w.real.Commit(context.Background(), set)
		require.NoError(t, err)
		_, err = w.under.Commit(context.Background(), set)
		require.NoError(t, err)
	}
	w.rehearsal = store.Rehearse(w.under, kinds)
	return w
}

// set is the changes with an event of their own.
func (w *twin) set(key string, changes ...platform.Change) platform.Set {
	w.events++
	id := platform.NewID("evt", time.Unix(0, 0), 1, uint64(w.events))
	event := platform.Event{
		ID: id, Type: "lamp.changed", Subject: platform.Ref{Kind: "lamp", ID: lampID(0)},
		Actor: platform.SystemActor("test"), At: time.Unix(0, 0),
	}
	set := platform.Set{Changes: append(changes, platform.Change{Op: platform.Append, Ref: platform.Ref{Kind: "event", ID: id}, Value: event})}
	if key != "" {
		set.Key, set.Answer = platform.Key{Scope: "key/test", Name: key}, platform.Answer{Digest: []byte(key), Body: []byte("1")}
	}
	return set
}

var oil = platform.Counter("oil", "litre")

// A rehearsal gives the same answers as the store would, whatever is done to it,
// and the store under it stays as it was.
func TestARehearsalAnswersAsTheStoreWould(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	rapid.Check(t, func(rt *rapid.T) {
		cause := platform.Ref{Kind: "lamp", ID: lampID(0)}
		w := newTwin(rt,
			[]platform.Change{platform.Put(lamp{Head: platform.Head{ID: lampID(1)}})},
			[]platform.Change{platform.Put(lamp{Head: platform.Head{ID: lampID(2)}}), platform.Delta(oil, 3, cause)})
		before, err := w.under.Get(ctx, platform.Ref{Kind: "lamp", ID: lampID(1)}, platform.Ref{Kind: "lamp", ID: lampID(2)}, oil)
		require.NoError(rt, err)
		for range rapid.IntRange(1, 12).Draw(rt, "sets") {
			var changes []platform.Change
			for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 4), 1, 3, rapid.ID).Draw(rt, "lamps") {
				l := lamp{Head: platform.Head{ID: lampID(n), Version: rapid.Int64Range(0, 3).Draw(rt, "version")}}
				change := platform.Put(l)
				switch op := rapid.IntRange(0, 3).Draw(rt, "op"); {
				case op == 0 && l.Version > 0:
					change = platform.Remove(l)
				case op == 1 && l.Version > 0:
					change = platform.Unchanged(l)
				}
				changes = append(changes, change)
			}
			for range rapid.IntRange(0, 2).Draw(rt, "pours") {
				if n := rapid.Int64Range(-2, 2).Draw(rt, "oil"); n != 0 {
					changes = append(changes, platform.Delta(oil, n, cause).Above(0))
				}
			}
			key := rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "key")
			set := w.set(key, changes...)

			want, refusal := w.real.Commit(ctx, set)
			got, err := w.rehearsal.Commit(ctx, set)

			require.Equal(rt, platform.Code(refusal), platform.Code(err))
			require.Equal(rt, want, got)
			refs := []platform.Ref{oil}
			for n := 1; n <= 4; n++ {
				refs = append(refs, platform.Ref{Kind: "lamp", ID: lampID(n)})
			}
			there, err1 := w.real.Get(ctx, refs...)
			seen, err2 := w.rehearsal.Get(ctx, refs...)
			require.Equal(rt, platform.Code(err1), platform.Code(err2))
			require.Equal(rt, there, seen)
		}
		after, err := w.under.Get(ctx, platform.Ref{Kind: "lamp", ID: lampID(1)}, platform.Ref{Kind: "lamp", ID: lampID(2)}, oil)
		require.NoError(rt, err)
		require.Equal(rt, before, after)
		log, err := w.under.Scan(ctx, platform.Query{Kind: "event"})
		require.NoError(rt, err)
		require.Len(rt, log.Items, 2)
	})
}

func TestARehearsalKeepsTheAnswerOfAKey(t *testing.T) {
	t.Parallel()
	w := newTwin(t)
	set := w.set("once", platform.Put(lamp{Head: platform.Head{ID: lampID(1)}}))
	_, err := w.rehearsal.Commit(t.Context(), set)
	require.NoError(t, err)

	answer, err := w.rehearsal.Recall(t.Context(), set.Key)
	require.NoError(t, err)
	assert.Equal(t, set.Answer.Body, answer.Body)
	again, err := w.rehearsal.Commit(t.Context(), set)
	require.NoError(t, err)
	assert.NotNil(t, again.Answer, "nothing was decided anew")
	other := set
	other.Answer.Digest = []byte("another")
	_, err = w.rehearsal.Commit(t.Context(), other)
	require.ErrorIs(t, err, store.ErrKeyReused)
	_, err = w.under.Recall(t.Context(), set.Key)
	require.ErrorIs(t, err, platform.ErrNotFound)
}

// Who holds a name in the store below cannot be asked: a rehearsal says so
// rather than guess.
func TestARehearsalTellsWhichNamesItCannotJudge(t *testing.T) {
	t.Parallel()
	named := func(n int, version int64, name string) platform.Change {
		return platform.Put(lamp{Head: platform.Head{ID: lampID(n), Version: version}, Name: name})
	}
	w := newTwin(t, []platform.Change{named(1, 0, "reading")}, []platform.Change{named(2, 0, "")})
	commit := func(changes ...platform.Change) error {
		_, err := w.rehearsal.Commit(t.Context(), w.set("", changes...))
		return err
	}

	require.ErrorIs(t, commit(named(3, 0, "desk")), store.ErrRehearsalClaim)
	require.NoError(t, commit(named(1, 1, "reading")), "its own")
	require.ErrorIs(t, commit(named(2, 1, "reading")), store.ErrTaken, "seen with the record that holds it")
	require.NoError(t, commit(named(1, 2, "")), "given up")
	require.NoError(t, commit(named(2, 1, "reading")), "and free")
}

func TestARehearsalRefusesWhatNoStoreTakes(t *testing.T) {
	t.Parallel()
	w := newTwin(t)
	_, err := w.rehearsal.Commit(t.Context(), platform.Set{})
	require.ErrorIs(t, err, store.ErrSetEmpty)
	changes := make([]platform.Change, store.MaxChanges)
	for i := range changes {
		changes[i] = platform.Delta(platform.Counter("oil "+strconv.Itoa(i), "litre"), 1, platform.Ref{Kind: "lamp", ID: lampID(1)})
	}
	_, err = w.rehearsal.Commit(t.Context(), w.set("", changes...))
	require.ErrorIs(t, err, store.ErrSetTooLarge)
	require.NoError(t, w.rehearsal.Close())
	_, err = w.under.Scan(t.Context(), platform.Query{Kind: "lamp"})
	require.NoError(t, err, "the store below is open")
}
