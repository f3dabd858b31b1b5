package vault

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/storetest"
)

var noon = time.Date(2030, 3, 15, 12, 0, 0, 0, time.UTC)

// card is a record with personal fields.
type card struct {
	platform.Head
	Note  platform.Sealed `json:"note,omitempty" class:"personal,contact,3y,contract"`
	Phone platform.Sealed `json:"phone,omitempty" class:"personal,contact,3y,contract"`
	Bank  platform.Sealed `json:"bank,omitempty" class:"sensitive,payout,3y,contract"`
}

// pass is an exception that can be used so many times.
type pass struct {
	platform.Head
	Left int `json:"left" class:"internal"`
}

func (p pass) Ref() platform.Ref { return platform.Ref{Kind: "pass", ID: p.ID} }

func kinds() []platform.Kind {
	return append(Kinds(),
		platform.Shape[card]{Name: "card", Prefix: "crd"}.Kind(),
		platform.Shape[pass]{Name: "pass", Prefix: "pas"}.Kind())
}

// guard permits what its function does.
type guard func(ctx context.Context, act platform.Act) ([]platform.Change, error)

func (g guard) Permit(ctx context.Context, act platform.Act) ([]platform.Change, error) {
	return g(ctx, act)
}

func anybody(context.Context, platform.Act) ([]platform.Change, error) { return nil, nil }

var errNo = platform.Err(platform.ErrDenied, "test.no", "no", "否")

// world is two stores, an epoch file and a clock; vaults come and go over them.
type world struct {
	*testing.T
	main, keys platform.DB
	kek        KEK
	clock      *storetest.Clock
	w          platform.Writer
	o          Options
	*Vault
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		T: t, main: memory.New(kinds(), nil), keys: memory.New(KeyKinds(), nil), kek: InMemory(),
		clock: storetest.NewClock(noon), o: Options{Kinds: kinds()},
	}
	w.w = platform.Writer{Store: w.main, Now: w.clock.Now, Guard: guard(anybody)}
	w.open()
	return w
}

// open starts another process on the same stores.
func (w *world) open() *Vault {
	w.Helper()
	v, err := w.try()
	require.NoError(w, err)
	w.Vault = v
	return v
}

func (w *world) try() (*Vault, error) {
	return Open(w.Context(), w.w, w.main, Keys{Store: w.keys, KEK: w.kek}, &w.o)
}

func (w *world) operator() context.Context {
	return platform.As(w.Context(), platform.Actor{ID: "opr_1", Kind: platform.Operator})
}

// at is the note of the n-th card, which belongs to the n-th customer.
func at(n int) platform.Place {
	return platform.Place{Subject: who(n), Record: platform.Ref{Kind: "card", ID: id("crd", n)}, Field: "note"}
}

func who(n int) platform.Ref { return platform.Ref{Kind: "customer", ID: id("cus", n)} }

func id(prefix string, n int) platform.ID {
	return platform.NewID(prefix, noon, platform.Slot(n), uint64(n))
}

func (w *world) sealed(place platform.Place, plain string) platform.Sealed {
	w.Helper()
	s, err := w.Seal(w.Context(), place, plain)
	require.NoError(w, err)
	return s
}

func (w *world) reveal(place platform.Place, sealed platform.Sealed) (string, error) {
	plain, _, err := w.Reveal(w.operator(), Request{Place: place, Sealed: sealed, Purpose: "support", Reason: "ticket"})
	return plain.Reveal(), err
}

// opens demands the plain value.
func (w *world) opens(place platform.Place, sealed platform.Sealed, plain string) {
	w.Helper()
	got, err := w.reveal(place, sealed)
	require.NoError(w, err)
	require.Equal(w, plain, got)
}

// told are the types of the events in a log, in the order of their ids.
func told(t *testing.T, db platform.DB) (all []string) {
	t.Helper()
	for q := (platform.Query{Kind: "event", Limit: 500}); ; {
		page, err := platform.List[platform.Event](t.Context(), db, q)
		require.NoError(t, err)
		for _, e := range page.Items {
			all = append(all, e.Type)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return all
		}
	}
}

func count(all []string, one string) (n int) {
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}

// record is the key record of a subject.
func (w *world) record(subject platform.Ref) key {
	w.Helper()
	k, err := platform.Read[key](w.Context(), w.keys, kindKey, keyOf(subject).record())
	require.NoError(w, err)
	return k
}

func (w *world) ring() ring {
	w.Helper()
	r, err := platform.Read[ring](w.Context(), w.keys, kindRing, ringID)
	require.NoError(w, err)
	return r
}

// together runs f n times at once.
func together(n int, f func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	all.Wait()
}

// broken is a KEK that cannot be reached.
type broken struct{}

var errDown = errors.New("no route to the key service")

func (broken) Wrap(context.Context, uint32, []byte, []byte) ([]byte, error)   { return nil, errDown }
func (broken) Unwrap(context.Context, uint32, []byte, []byte) ([]byte, error) { return nil, errDown }
func (broken) Destroy(context.Context, uint32) error                          { return errDown }
