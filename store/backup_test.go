package store_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
)

func saved(t testing.TB, from store.Archive) ([]byte, store.Manifest) {
	t.Helper()
	var file bytes.Buffer
	m, err := store.Backup(t.Context(), from, &file)
	require.NoError(t, err)
	return file.Bytes(), m
}

func unzipped(t testing.TB, file []byte) []byte {
	t.Helper()
	in, err := gzip.NewReader(bytes.NewReader(file))
	require.NoError(t, err)
	text, err := io.ReadAll(in)
	require.NoError(t, err)
	return text
}

func zipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var file bytes.Buffer
	out, err := gzip.NewWriterLevel(&file, gzip.NoCompression)
	require.NoError(t, err)
	_, err = out.Write(text)
	require.NoError(t, err)
	require.NoError(t, out.Close())
	return file.Bytes()
}

// restore fills an empty store, which it must leave empty if it fails.
func restore(t testing.TB, file []byte) (*memory.DB, error) {
	t.Helper()
	db := memory.New(pageKinds(), nil)
	_, err := store.Restore(t.Context(), db, bytes.NewReader(file))
	if err != nil {
		for line, failed := range db.Lines(t.Context()) {
			require.NoError(t, failed)
			t.Errorf("%v, and left %+v", err, line)
		}
	}
	return db, err
}

func TestAManifestTellsWhatTheBackupIsOf(t *testing.T) {
	t.Parallel()
	db, log, verifier := stocked(t, 12)
	signed, err := log.Checkpoint(t.Context())
	require.NoError(t, err)
	head, err := signed.Open(verifier)
	require.NoError(t, err)

	file, m := saved(t, db)

	assert.Equal(t, map[string]int64{
		"counter": 2, "page": 12, "page.remark": 12, "event": 12, "movement": 24, "answer": 12, "leaf": 12, "hash": 22, "pending": 7,
	}, m.Counts)
	assert.EqualValues(t, 115, m.Lines())
	assert.Equal(t, &store.Head{Size: head.Size, Root: head.Root[:]}, m.Tree, "what a checkpoint signs")
	assert.Equal(t, noon, m.Until)
	back := memory.New(pageKinds(), nil)
	restored, err := store.Restore(t.Context(), back, bytes.NewReader(file))
	require.NoError(t, err)
	assert.Equal(t, m, restored)
	again, _ := saved(t, back)
	assert.Equal(t, file, again)
	assert.Empty(t, findings(t, known(t).Verify(t.Context(), back.Snapshot())))
}

// TestAHeadIsThatOfTheAuditLog compares with another maker of trees, whatever
// the size.
func TestAHeadIsThatOfTheAuditLog(t *testing.T) {
	t.Parallel()
	db := memory.New(nil, nil)
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(at))
		for i, n := range at {
			found[i] = stored[n]
		}
		return found, nil
	})
	for n := range int64(70) {
		want, err := tlog.TreeHash(n, read)
		require.NoError(t, err)
		_, m := saved(t, db)
		require.Equal(t, &store.Head{Size: n, Root: want[:]}, m.Tree)
		hashes, err := tlog.StoredHashes(n, []byte{byte(n)}, read)
		require.NoError(t, err)
		raw := make([][]byte, len(hashes))
		for i, h := range hashes {
			raw[i] = h[:]
		}
		stored = append(stored, hashes...)
		require.NoError(t, db.Tree().Grow(t.Context(), n, []platform.ID{platform.NewID("evt", noon, 1, uint64(n))}, raw))
	}
	require.NoError(t, db.Tree().Grow(t.Context(), 70, []platform.ID{stranger}, [][]byte{{1}}))
	_, m := saved(t, db)
	assert.Equal(t, &store.Head{Size: 71}, m.Tree, "a tree that is none has no root")
}

// TestOneFlippedBitIsFound: in the content any; in the file any that means
// something.
func TestOneFlippedBitIsFound(t *testing.T) {
	t.Parallel()
	db, _, _ := stocked(t, 1)
	file, _ := saved(t, db)
	text := unzipped(t, file)
	for at := range text {
		bad := bytes.Clone(text)
		bad[at] ^= 1 << (at % 8)
		_, err := restore(t, zipped(t, bad))
		require.ErrorIs(t, err, platform.ErrInvalid, "bit %d of byte %d: %q", at%8, at, bad[max(0, at-20):min(len(bad), at+20)])
	}
	for at := range file {
		for bit := range 8 {
			bad := bytes.Clone(file)
			bad[at] ^= 1 << bit
			back, err := restore(t, bad)
			if err == nil { // a time in the header, or what fills a byte up
				again, _ := saved(t, back)
				require.Equal(t, file, again, "bit %d of byte %d", bit, at)
				continue
			}
			require.ErrorIs(t, err, store.ErrDamaged)
		}
	}
}

// TestEverySegmentIsLookedAt flips bits all over a backup of several segments.
func TestEverySegmentIsLookedAt(t *testing.T) {
	t.Parallel()
	db, _, _ := stocked(t, 1300)
	file, m := saved(t, db)
	require.Len(t, m.Segments, 2)
	text := unzipped(t, file)
	die := rand.New(rand.NewPCG(1, 2))
	var all [][]byte
	for range 4 {
		bad := bytes.Clone(text)
		bad[die.IntN(len(bad))] ^= 1 << die.IntN(8)
		all = append(all, bad)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	end := lines[len(lines)-2]
	segments := [][]byte{bytes.Join(lines[:10_000], nil), bytes.Join(lines[10_000:len(lines)-2], nil)}
	for _, order := range [][]int{{1, 0}, {0, 0, 1}, {0, 1, 1}, {0}, {1}, {}} {
		var bad []byte
		for _, n := range order {
			bad = append(bad, segments[n]...)
		}
		all = append(all, append(bad, end...))
	}

	for i, bad := range all {
		_, err := restore(t, zipped(t, bad))
		require.ErrorIs(t, err, store.ErrDamaged, "%d", i)
	}
	_, err := restore(t, zipped(t, text))
	require.NoError(t, err)
}

func TestAStreamThatEndsEarlyIsNoBackup(t *testing.T) {
	t.Parallel()
	db, _, _ := stocked(t, 1)
	file, _ := saved(t, db)
	text := unzipped(t, file)
	for cut := 0; cut < len(file); cut += 7 {
		_, err := restore(t, file[:cut])
		require.ErrorIs(t, err, store.ErrDamaged, "%d of %d bytes", cut, len(file))
	}
	for cut := 0; cut < len(text); cut += 7 {
		_, err := restore(t, zipped(t, text[:cut]))
		require.ErrorIs(t, err, store.ErrDamaged, "%d of %d characters", cut, len(text))
	}
	for name, more := range map[string][]byte{"another line": append(bytes.Clone(text), "{}\n"...), "half a line": append(bytes.Clone(text), '{'), "twice": append(bytes.Clone(text), text...)} {
		_, err := restore(t, zipped(t, more))
		require.ErrorIs(t, err, store.ErrDamaged, name)
	}
	_, err := restore(t, append(bytes.Clone(file), file...))
	require.ErrorIs(t, err, store.ErrDamaged, "two backups")
	long := append([]byte(`{"kind":"page","id":"`), bytes.Repeat([]byte("x"), 33<<20)...)
	_, err = restore(t, zipped(t, long))
	require.ErrorIs(t, err, store.ErrDamaged, "a line without end")
}

// closed is the lines with a manifest whose sums are right.
func closed(t testing.TB, lines []string, manifest string) []byte {
	t.Helper()
	text := strings.Join(lines, "\n") + "\n"
	if len(lines) == 0 {
		text = ""
	}
	segments := []string{}
	if len(lines) > 0 {
		sum := sha256.Sum256([]byte(text))
		segments = append(segments, hex.EncodeToString(sum[:]))
	}
	list := sha256.Sum256([]byte(strings.Join(segments, "")))
	named, err := json.Marshal(segments)
	require.NoError(t, err)
	return zipped(t, fmt.Appendf([]byte(text), manifest+"\n", named, hex.EncodeToString(list[:])))
}

func TestABackupOfANewerProgramIsRefusedAsThat(t *testing.T) {
	t.Parallel()
	line := `{"kind":"page.glyph","id":"gly_01kdvdna00eajs4d2pf2dbsqqg","version":1,"schema":1,"doc":{}}`

	_, err := restore(t, closed(t, []string{line}, `{"end":{"format":4,"counts":{"page.glyph":1},"segments":%s,"sha256":"%s","more":7}}`))
	require.ErrorIs(t, err, store.ErrFormat)
	require.ErrorContains(t, err, "format 4, known 3")

	_, err = restore(t, closed(t, []string{line}, `{"end":{"format":4,"counts":{},"segments":%.0s[],"sha256":"%s"}}`))
	require.ErrorIs(t, err, store.ErrDamaged, "what is cut is cut, whoever wrote it")
}

// TestTheFormerFormIsStillRead: that of a manifest without tree and moment.
func TestTheFormerFormIsStillRead(t *testing.T) {
	t.Parallel()
	line := `{"kind":"page","id":"pag_01kdvdna00eajs4d2pf2dbsqqg","version":3,"schema":1,"doc":{"id":"pag_01kdvdna00eajs4d2pf2dbsqqg","title":"old"}}`
	former := `{"end":{"format":2,"counts":{"page":%d},"segments":%%s,"sha256":"%%s"}}`

	db, err := restore(t, closed(t, []string{line}, fmt.Sprintf(former, 1)))
	require.NoError(t, err)
	p, err := platform.Read[page](t.Context(), db, "page", "pag_01kdvdna00eajs4d2pf2dbsqqg")
	require.NoError(t, err)
	assert.Equal(t, "old", p.Title)

	_, err = restore(t, closed(t, []string{line}, fmt.Sprintf(former, 2)))
	require.ErrorIs(t, err, store.ErrDamaged)
	_, err = restore(t, closed(t, nil, `{"end":{"format":1,"counts":{},"segments":%s,"sha256":"%s"}}`))
	require.ErrorIs(t, err, store.ErrDamaged)
}

// TestALineThatNoStoreCouldHoldIsRefused: sums are right, and still.
func TestALineThatNoStoreCouldHoldIsRefused(t *testing.T) {
	t.Parallel()
	const id, event = "pag_01kdvdna00eajs4d2pf2dbsqqg", "evt_01kdvdna00eajs4d2pf2dbsqqg"
	record := func(kind, id string, version, schema int, doc string) string {
		return fmt.Sprintf(`{"kind":%q,"id":%q,"version":%d,"schema":%d,"doc":%s}`, kind, id, version, schema, doc)
	}
	count := `{"ref":"counter/a/b","value":1,"seq":1}`
	movement := `{"counter":"counter/a/b","seq":1,"delta":1,"after":1,"cause":"page/` + id + `","event":"` + event + `","at":"2026-03-02T12:00:00Z"}`
	number := "a/b#0000000000000000001"
	for name, c := range map[string]struct {
		lines []string
		err   error
		says  string
	}{
		"unknown kind":            {[]string{record("page.glyph", id, 1, 1, `{}`)}, store.ErrKind, `kind "page.glyph"`},
		"no kind":                 {[]string{`{}`}, store.ErrDamaged, ""},
		"an id that is none":      {[]string{record("page", "pag_1", 1, 1, `{}`)}, store.ErrDamaged, "page"},
		"an id of another kind":   {[]string{record("page", "rmk_01kdvdna00eajs4d2pf2dbsqqg", 1, 1, `{}`)}, store.ErrDamaged, "page"},
		"version 0":               {[]string{record("page", id, 0, 1, `{}`)}, store.ErrDamaged, id},
		"a schema to come":        {[]string{record("page", id, 1, 2, `{}`)}, store.ErrSchema, id},
		"a document that is none": {[]string{record("page", id, 1, 1, `[]`)}, store.ErrSchema, id},
		"a document with NUL":     {[]string{record("page", id, 1, 1, `{"title":"\u0000"}`)}, store.ErrDamaged, id},
		"a time before all":       {[]string{record("page", id, 1, 1, `{"due":"1960-01-01T00:00:00Z"}`)}, store.ErrDamaged, id},
		"a record twice":          {slices.Repeat([]string{record("page", id, 1, 1, `{"title":"a"}`)}, 2), store.ErrDamaged, id},
		"a name of two":           {[]string{record("page", id, 1, 1, `{"title":"a"}`), record("page", "pag_01kdvdna00eajs4d2pf2dbsqqh", 1, 1, `{"title":"a"}`)}, store.ErrDamaged, "title"},
		"a counter of another":    {[]string{record("counter", "a/c", 1, 1, count)}, store.ErrDamaged, "a/c"},
		"a counter without name":  {[]string{record("counter", "", 1, 1, `{"ref":"counter/","value":1,"seq":1}`)}, store.ErrDamaged, ""},
		"a counter never counted": {[]string{record("counter", "a/b", 0, 1, `{"ref":"counter/a/b","value":1,"seq":0}`)}, store.ErrDamaged, "a/b"},
		"a counter's number":      {[]string{record("counter", "a/b", 2, 1, count)}, store.ErrDamaged, "a/b"},
		"a counter twice":         {slices.Repeat([]string{record("counter", "a/b", 1, 1, count)}, 2), store.ErrDamaged, ""},
		"a movement of another":   {[]string{record("movement", "a/c#0000000000000000001", 1, 1, movement)}, store.ErrDamaged, "a/c"},
		"a movement by nobody":    {[]string{record("movement", number, 1, 1, strings.Replace(movement, event, "", 1))}, store.ErrDamaged, number},
		"movement 0":              {[]string{record("movement", "a/b#0000000000000000000", 1, 1, strings.Replace(movement, `"seq":1`, `"seq":0`, 1))}, store.ErrDamaged, "a/b"},
		"a movement twice":        {slices.Repeat([]string{record("movement", number, 1, 1, movement)}, 2), store.ErrDamaged, ""},
		"a key without answer":    {[]string{`{"key":{"Scope":"s","Name":"n"}}`}, store.ErrDamaged, "answer"},
		"a key that is none":      {[]string{`{"key":{"Scope":"s","Name":" "},"answer":{}}`}, store.ErrDamaged, "answer"},
		"a key twice":             {slices.Repeat([]string{`{"key":{"Scope":"s","Name":"n"},"answer":{}}`}, 2), store.ErrDamaged, ""},
		"a leaf that is none":     {[]string{`{"leaf":"evt_1"}`}, store.ErrDamaged, "leaf"},
		"a leaf twice":            {slices.Repeat([]string{`{"leaf":"` + event + `"}`}, 2), store.ErrDamaged, ""},
		"pending what is none":    {[]string{`{"pending":"` + id + `"}`}, store.ErrDamaged, "pending"},
		"pending twice":           {slices.Repeat([]string{`{"pending":"` + event + `"}`}, 2), store.ErrDamaged, ""},
	} {
		db := memory.New(pageKinds(), nil)

		err := db.Load(t.Context(), given(t, c.lines))

		require.ErrorIs(t, err, c.err, name)
		require.ErrorContains(t, err, c.says, name)
		for line, err := range db.Lines(t.Context()) {
			require.NoError(t, err)
			t.Errorf("%s left %+v", name, line)
		}
	}
}

func given(t testing.TB, texts []string) iter.Seq2[store.Line, error] {
	t.Helper()
	return func(yield func(store.Line, error) bool) {
		for _, text := range texts {
			var line store.Line
			require.NoError(t, json.Unmarshal([]byte(text), &line), text)
			if !yield(line, nil) {
				return
			}
		}
	}
}

// unreadable is an archive of which one entry cannot be read.
type unreadable struct{ store.Archive }

func (unreadable) Lines(context.Context) iter.Seq2[store.Line, error] {
	return store.Lines(func(yield func(store.Entry, error) bool) {
		for range 2 {
			if !yield(store.Entry{Fault: &store.Finding{Code: "orphan", Ref: platform.Counter("a", "b"), What: "is missing"}}, nil) {
				return
			}
		}
	})
}

func TestABackupLeavesNothingOut(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	_, err := store.Backup(t.Context(), unreadable{}, &file)
	require.ErrorIs(t, err, store.ErrUnreadable)
	require.ErrorContains(t, err, "orphan counter/a/b is missing")

	_, err = store.Backup(t.Context(), memory.New(nil, nil), full{})
	require.ErrorContains(t, err, "no space left")
}

type full struct{}

func (full) Write([]byte) (int, error) {
	return 0, fmt.Errorf("no space left: %w", platform.ErrUnavailable)
}

func TestAStoreThatIsNotEmptyIsLeftAlone(t *testing.T) {
	t.Parallel()
	db, _, _ := stocked(t, 4)
	file, _ := saved(t, db)
	leaf := memory.New(pageKinds(), nil)
	require.NoError(t, leaf.Tree().Grow(t.Context(), 0, []platform.ID{stranger}, [][]byte{{1}}))
	for _, taken := range []*memory.DB{db, leaf} {
		before, _ := saved(t, taken)
		_, err := store.Restore(t.Context(), taken, bytes.NewReader(file))
		require.ErrorIs(t, err, store.ErrNotEmpty)
		after, _ := saved(t, taken)
		assert.Equal(t, before, after)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := store.Restore(ended, memory.New(pageKinds(), nil), bytes.NewReader(file))
	require.ErrorIs(t, err, context.Canceled)
}
