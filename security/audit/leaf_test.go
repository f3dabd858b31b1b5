package audit

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
)

// TestTheLeafIsFrozen: what was logged once must verify for ever.
func TestTheLeafIsFrozen(t *testing.T) {
	t.Parallel()
	full := platform.Event{
		ID: "evt_01kdvdna00eajs4d2pf2dbsqqg", Type: "order.completed", Subject: platform.Ref{Kind: "order", ID: "ord_01kdvdna00eajs4d2pf2dbsqqg"}, Version: 7,
		Actor: platform.Actor{ID: "usr-1", Kind: platform.Staff, Roles: []string{"lead"}, OnBehalf: "mer-1", Tenant: "east"},
		At:    time.Date(2026, 3, 2, 12, 0, 0, 1000, time.FixedZone("", 3600)), Reason: "done", Request: "req-1",
		Data: json.RawMessage(`{"b": [1.50, -0, 1e9, true, null, {}], "a<": "\u00e9 & <b>\u2028\/", "a": {"y": "é\t", "x": []}}`),
	}
	for _, row := range []struct {
		event platform.Event
		hash  string
	}{
		{full, "m/ulDB3kDErA8ImCy52APB2n/+yVmd4VGE1MtdeUNAQ="},
		{platform.Event{}, "pmw9wnP9s4NSqjLRjYni/a8oE4Rn2FUxofrElRJy/+I="},
	} {
		h := newHasher()
		for range 3 { // the memory is used again
			hash, err := h.leaf(row.event)
			require.NoError(t, err)
			assert.Equal(t, row.hash, hash.String())
		}
	}
}

// asDecoded is the canonical form by way of encoding/json: what the form was
// first defined by, for data in which no member is there twice.
func asDecoded(t require.TestingT, data []byte) string {
	in := json.NewDecoder(bytes.NewReader(data))
	in.UseNumber()
	var v any
	require.NoError(t, in.Decode(&v))
	out, err := json.Marshal(v)
	require.NoError(t, err)
	return string(out)
}

// loose draws JSON as nobody should write it: members in any order, spaces
// anywhere, texts escaped needlessly.
func loose(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(rt *rapid.T) string {
		space := rapid.SampledFrom([]string{"", "", " ", "\n\t"})
		text := rapid.OneOf(
			rapid.Map(rapid.String(), func(s string) string { out, _ := json.Marshal(s); return string(out) }),
			rapid.SampledFrom([]string{`"a"`, `"a!"`, `"a b"`, `"<"`, `"\u003c"`, `"\/"`, `"\ud800"`, `"é"`, `"\u2028"`, "\"\u2028\"", "\"\xff\"", `""`, `"\"}"`, "\"\x7f\""}),
		)
		kind := rapid.IntRange(0, 4).Draw(rt, "kind")
		if depth == 0 {
			kind = min(kind, 2)
		}
		var b strings.Builder
		b.WriteString(space.Draw(rt, "space"))
		switch kind {
		case 0:
			b.WriteString(rapid.SampledFrom([]string{"0", "-0", "1.50", "1E+9", "-12.0e-3", "true", "false", "null", "123456789012345678901234567890"}).Draw(rt, "scalar"))
		case 1, 2:
			b.WriteString(text.Draw(rt, "text"))
		case 3:
			b.WriteString("[" + strings.Join(rapid.SliceOfN(loose(depth-1), 0, 4).Draw(rt, "items"), ",") + space.Draw(rt, "space") + "]")
		case 4:
			decoded := func(s string) string { var out string; _ = json.Unmarshal([]byte(s), &out); return out }
			names := rapid.SliceOfNDistinct(text, 0, 12, decoded).Draw(rt, "names")
			for i, name := range names {
				names[i] = name + space.Draw(rt, "space") + ":" + loose(depth-1).Draw(rt, "value")
			}
			b.WriteString("{" + space.Draw(rt, "space") + strings.Join(names, ","+space.Draw(rt, "space")) + "}")
		}
		return b.String() + space.Draw(rt, "space")
	})
}

func TestTheCanonicalFormIsThatOfEncodingJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		data := loose(4).Draw(rt, "data")
		out, err := canonical(nil, []byte(data))
		require.NoError(rt, err)
		require.Equal(rt, asDecoded(rt, []byte(data)), string(out))
	})
}

func TestOneFormForEachMeaning(t *testing.T) {
	t.Parallel()
	for name, row := range map[string][2]string{
		"an appended value":     {`{"n":1}`, `{"n":1}{"n":2}`},
		"a member hidden first": {`{"n":1}`, `{"n":9,"n":1}`},
		"a member hidden last":  {`{"n":1}`, `{"n":1,"n":1}`},
		"hidden by an escape":   {`{"n":1}`, `{"\u006e":9,"n":1}`},
		"other digits":          {`{"n":1}`, `{"n":1.0}`},
		"a text for a number":   {`{"n":1}`, `{"n":"1"}`},
		"nothing":               {`null`, ``},
	} {
		a, err := canonical(nil, []byte(row[0]))
		require.NoError(t, err)
		b, err := canonical(nil, []byte(row[1]))
		assert.True(t, err != nil || !bytes.Equal(a, b), name)
	}
	for _, bad := range []string{" ", "{", `{"n":1}x`, `{"n"}`, "nul", strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001)} {
		_, err := canonical(nil, []byte(bad))
		require.ErrorIs(t, err, ErrLeaf, "%.20q", bad)
	}
}

// FuzzCanonical: whatever comes, the form is JSON, its own canonical form, and
// that of encoding/json unless a member is there twice.
func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{`{"b":1,"a":[1.50,"x"]}`, `{"a!":1,"a":2}`, `{"n":1,"n":2}`, "\"\xff\\u2028\"", ` [ ] `} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := canonical(nil, data)
		if err != nil || len(data) == 0 {
			return
		}
		again, err := canonical(nil, out)
		require.NoError(t, err)
		require.Equal(t, string(out), string(again))
		if !repeats(json.NewDecoder(bytes.NewReader(data))) {
			require.Equal(t, asDecoded(t, data), string(out))
		}
	})
}

// repeats tells whether an object of the value ahead has a name twice.
func repeats(in *json.Decoder) bool {
	in.UseNumber()
	token, _ := in.Token()
	if token != json.Delim('{') && token != json.Delim('[') {
		return false
	}
	seen := map[json.Token]bool{}
	for in.More() {
		if token == json.Delim('{') {
			name, _ := in.Token()
			if seen[name] {
				return true
			}
			seen[name] = true
		}
		if repeats(in) {
			return true
		}
	}
	_, _ = in.Token()
	return false
}

// TestRootsGoOnWhereATreeStands compares with a tree that was never left.
func TestRootsGoOnWhereATreeStands(t *testing.T) {
	t.Parallel()
	var whole roots
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(at))
		for i, n := range at {
			found[i] = stored[n]
		}
		return found, nil
	})
	for n := range int64(130) {
		again, err := rootsOf(n, read)
		require.NoError(t, err)
		assert.Equal(t, whole.size, again.size)
		assert.Equal(t, whole.root(), again.root())
		leaf := tlog.RecordHash([]byte{byte(n)})
		want, err := tlog.StoredHashesForRecordHash(n, leaf, read)
		require.NoError(t, err)
		var got []tlog.Hash
		again.add(leaf, func(h tlog.Hash) { got = append(got, h) })
		assert.Equal(t, want, got)
		whole.add(leaf, nil)
		stored = append(stored, want...)
		root, err := tlog.TreeHash(n+1, read)
		require.NoError(t, err)
		assert.Equal(t, root, whole.root())
	}
}
