package memory_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
)

type note struct {
	platform.Head
	Owner string          `json:"owner" class:"internal"`
	At    time.Time       `json:"at,omitzero" class:"internal"`
	Body  json.RawMessage `json:"body,omitempty" class:"internal"`
	Names []string        `json:"names,omitempty" class:"internal"`
}

func (n note) Ref() platform.Ref { return platform.Ref{Kind: "note", ID: n.ID} }

var noteKind = platform.Shape[note]{
	Name: "note", Prefix: "nte",
	Columns: func(n note) []platform.Column {
		return []platform.Column{{Name: "owner", Value: n.Owner}, {Name: "at", Value: n.At}}
	},
	Indexes: []platform.Index{{By: []string{"owner", "at"}}, {By: []string{"at"}}},
	Unique: func(n note) (claims []platform.Claim) {
		for _, name := range n.Names {
			claims = append(claims, platform.Claim{Scope: "name", Key: name})
		}
		return claims
	},
}.Kind()

var dawn = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func noteOf(i uint64) note {
	return note{Head: platform.Head{ID: platform.NewID("nte", dawn, 7, i)}}
}

func put(t *testing.T, db platform.DB, changes ...platform.Change) error {
	t.Helper()
	ref := changes[0].Ref
	id := platform.NewID("evt", dawn, ref.ID.Slot(), uint64(time.Now().UnixNano()))
	e := platform.Event{ID: id, Type: "note.put", Subject: ref, Actor: platform.SystemActor("test"), At: dawn}
	_, err := db.Commit(t.Context(), platform.Set{Changes: append(changes, platform.Change{Op: platform.Append, Ref: platform.Ref{Kind: "event", ID: id}, Value: e})})
	return err
}

// forged is a cursor that anybody can make who reads the source: the sum over
// query and position has no key.
func forged(q platform.Query, low, high, last string) string {
	sum := func(parts ...string) []byte {
		h := sha256.New()
		for _, p := range parts {
			fmt.Fprintf(h, "%d:%s", len(p), p)
		}
		return h.Sum(nil)
	}
	identity := sum(q.Kind, fmt.Sprint(q.By), low, high, strconv.FormatBool(q.Backward))[:8]
	return base64.RawURLEncoding.EncodeToString(append([]byte(last), sum(string(identity), last)[:8]...))
}

func TestAForgedCursorDoesNotLeaveItsQuery(t *testing.T) {
	t.Parallel()
	db := memory.New([]platform.Kind{noteKind}, nil)
	for i, owner := range []string{"alice", "alice", "mallory", "zoe"} {
		n := noteOf(uint64(i + 1))
		n.Owner = owner
		require.NoError(t, put(t, db, platform.Put(n)))
	}
	low, err := store.Key("mallory")
	require.NoError(t, err)
	high := low[:len(low)-1] + "\x01"
	for _, backward := range []bool{false, true} {
		q := platform.Query{Kind: "note", By: []string{"owner", "at"}, Equal: []any{"mallory"}, Backward: backward}
		last := "\x01"
		if backward {
			last = "\xff"
		}
		q.Cursor = forged(q, low, high, last)
		page, err := platform.List[note](t.Context(), db, q)
		if err == nil {
			for _, n := range page.Items {
				assert.Equal(t, "mallory", n.Owner, "a row of somebody else, backward %t", backward)
			}
		}
	}
}

func TestARangeLeavesNullsOutAlsoFromANull(t *testing.T) {
	t.Parallel()
	db := memory.New([]platform.Kind{noteKind}, nil)
	n := noteOf(1)
	n.Owner = "a"
	require.NoError(t, put(t, db, platform.Put(n)))
	page, err := db.Scan(t.Context(), platform.Query{Kind: "note", By: []string{"at"}, From: time.Time{}, Until: dawn})
	require.NoError(t, err)
	assert.Empty(t, page.Items, "no moment is in no range")
}

func TestWhatAnEngineWouldRefuseIsFoundEarly(t *testing.T) {
	t.Parallel()
	db := memory.New([]platform.Kind{noteKind}, nil)
	for i, body := range []string{"\"a\xffb\"", `"\ud800"`, `"\udc00\ud800"`, `{"a\ud800":1}`, `1e999999`} {
		n := noteOf(uint64(i + 1))
		n.Body = json.RawMessage(body)
		assert.ErrorIs(t, put(t, db, platform.Put(n)), platform.ErrInvalid, "%q", body)
	}
	n := noteOf(99)
	n.Body = json.RawMessage(`"a\\ufffd b"`) // a backslash and letters: text like any other
	assert.NoError(t, put(t, db, platform.Put(n)))
	n = noteOf(98)
	n.Names = []string{strings.Repeat("x", 1<<19)}
	assert.ErrorIs(t, put(t, db, platform.Put(n)), platform.ErrInvalid, "half a megabyte in a registry key")
	n = noteOf(97)
	n.Owner = strings.Repeat("x", 1<<19)
	assert.ErrorIs(t, put(t, db, platform.Put(n)), platform.ErrInvalid, "half a megabyte in an index")
}

func TestATypedNilIsNoDocument(t *testing.T) {
	t.Parallel()
	db := memory.New([]platform.Kind{noteKind}, nil)
	var none *note
	require.NotPanics(t, func() {
		err := put(t, db, platform.Change{Op: platform.Create, Ref: noteOf(1).Ref(), Value: none})
		assert.ErrorIs(t, err, platform.ErrInvalid)
	})
}

func TestOneNameTwiceInARecordIsOneName(t *testing.T) {
	t.Parallel()
	db := memory.New([]platform.Kind{noteKind}, nil)
	n := noteOf(1)
	n.Names = []string{"a", "a"}
	assert.NoError(t, put(t, db, platform.Put(n)), "nobody else has it")
}

func TestClaimsSwapInOneSet(t *testing.T) {
	t.Parallel()
	db := memory.New([]platform.Kind{noteKind}, nil)
	a, b := noteOf(1), noteOf(2)
	a.Names, b.Names = []string{"x"}, []string{"y"}
	require.NoError(t, put(t, db, platform.Put(a), platform.Put(b)))
	a.Version, b.Version = 1, 1
	a.Names, b.Names = b.Names, a.Names
	require.NoError(t, put(t, db, platform.Put(a), platform.Put(b)))
	c := noteOf(3)
	for _, name := range []string{"x", "y"} {
		c.Names = []string{name}
		require.Equal(t, "taken", platform.Code(put(t, db, platform.Put(c))))
	}
}

func TestAKindWithAnEmptyIndexDoesNotBreakTheStore(t *testing.T) {
	t.Parallel()
	k := noteKind
	k.Indexes = append(k.Indexes[:1:1], platform.Index{})
	require.NotPanics(t, func() {
		defer func() {
			if p := recover(); p != nil {
				if _, isErr := p.(error); isErr && platform.Code(p.(error)) == "invalid" {
					return // refused on opening
				}
				panic(p)
			}
		}()
		db := memory.New([]platform.Kind{k}, nil)
		_ = put(t, db, platform.Put(noteOf(1)))
	})
}

func TestGetOfOneTwice(t *testing.T) {
	t.Parallel()
	db := memory.New([]platform.Kind{noteKind}, nil)
	require.NoError(t, put(t, db, platform.Put(noteOf(1))))
	got, err := db.Get(t.Context(), noteOf(1).Ref(), noteOf(1).Ref())
	require.NoError(t, err)
	require.Len(t, got, 2)
}

func TestAnAnswerHasABound(t *testing.T) {
	t.Parallel()
	db := memory.New([]platform.Kind{noteKind}, nil)
	n := noteOf(1)
	id := platform.NewID("evt", dawn, 7, 1)
	e := platform.Event{ID: id, Type: "note.put", Subject: n.Ref(), Actor: platform.SystemActor("test"), At: dawn}
	_, err := db.Commit(t.Context(), platform.Set{
		Key: platform.Key{Scope: "a", Name: "b"}, Answer: platform.Answer{Body: make([]byte, 64<<20)},
		Changes: []platform.Change{platform.Put(n), {Op: platform.Append, Ref: platform.Ref{Kind: "event", ID: id}, Value: e}}})
	assert.ErrorIs(t, err, platform.ErrInvalid, "64 MiB under a key; a set has 8")
}
func TestKeyScopeIsSound(t *testing.T) {
	t.Parallel()
	db := memory.New([]platform.Kind{noteKind}, nil)
	for _, scope := range []string{"a\x00b", "a\xff", strings.Repeat("x", 1<<20)} {
		n := noteOf(1)
		id := platform.NewID("evt", dawn, 7, 1)
		e := platform.Event{ID: id, Type: "note.put", Subject: n.Ref(), Actor: platform.SystemActor("test"), At: dawn}
		_, err := db.Commit(t.Context(), platform.Set{Key: platform.Key{Scope: scope, Name: "b"},
			Changes: []platform.Change{platform.Delta(platform.Counter("a\x00"+"\xff", "x"), 1, n.Ref()), {Op: platform.Append, Ref: platform.Ref{Kind: "event", ID: id}, Value: e}}})
		assert.ErrorIs(t, err, platform.ErrInvalid, "%.5q", scope)
	}
}
