package platform_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
)

func TestIDVectors(t *testing.T) {
	t.Parallel()
	var vectors struct {
		IDs []struct {
			MS                int64
			Slot              platform.Slot
			Random, Hex, Text string
		}
		Foreign []struct {
			UUID, Text string
			Slot       platform.Slot
		}
		Slots []struct {
			Scope, Key string
			Slot       platform.Slot
		}
	}
	raw, err := os.ReadFile("testdata/ids.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &vectors))

	for _, v := range vectors.IDs {
		random, err := strconv.ParseUint(v.Random, 16, 64)
		require.NoError(t, err)
		id := platform.NewID("ord", time.UnixMilli(v.MS), v.Slot, random)
		assert.Equal(t, platform.ID("ord_"+v.Text), id)
		u := id.UUID()
		assert.Equal(t, v.Hex, hex.EncodeToString(u[:]))
		assert.Equal(t, v.Slot, id.Slot())
		assert.Equal(t, v.MS, id.Time().UnixMilli())
		parsed, err := platform.ParseID(string(id))
		require.NoError(t, err)
		assert.Equal(t, id, parsed)
	}
	for _, v := range vectors.Foreign {
		id, err := platform.ParseID("usr_" + v.Text)
		require.NoError(t, err)
		u := id.UUID()
		assert.Equal(t, strings.ReplaceAll(v.UUID, "-", ""), hex.EncodeToString(u[:]))
		assert.Equal(t, v.Slot, id.Slot())
	}
	for _, v := range vectors.Slots {
		assert.Equal(t, v.Slot, platform.Key{Scope: v.Scope, Name: v.Key}.Slot())
	}
}

func TestIDsSortByTimeAndReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.SliceOfN(rapid.Int64Range(0, 1<<48-1), 2, 20).Draw(t, "ms")
		slot := platform.Slot(rapid.IntRange(0, 4095).Draw(t, "slot"))
		var ids []platform.ID
		slices.Sort(ms)
		for _, at := range slices.Compact(ms) {
			id := platform.NewID("ord", time.UnixMilli(at), slot, rapid.Uint64().Draw(t, "random"))
			assert.Equal(t, at, id.Time().UnixMilli())
			assert.Equal(t, slot, id.Slot())
			assert.Equal(t, id, platform.IDFromUUID("ord", id.UUID()))
			ids = append(ids, id)
		}
		assert.True(t, slices.IsSorted(ids), "text order is time order")
	})
}

func TestParseIDIsStrict(t *testing.T) {
	t.Parallel()
	good := "ord_01kdvdna00eajs4d2pf2dbsqqg"
	for name, text := range map[string]string{
		"empty": "", "upper case": strings.ToUpper(good), "short": good[:29], "long": good + "0",
		"first character over 7": "ord_81kdvdna00eajs4d2pf2dbsqqg", "letter outside the alphabet": "ord_01kdvdna00eajs4d2pf2dbsqqu",
		"version 4": "ord_01kdvdna008ajs4d2pf2dbsqqg", "variant": "ord_01kdvdna00eaj04d2pf2dbsqqg",
		"digit in the prefix": "0rd_01kdvdna00eajs4d2pf2dbsqqg", "no underscore": "ordx01kdvdna00eajs4d2pf2dbsqqg",
	} {
		_, err := platform.ParseID(text)
		require.ErrorIs(t, err, platform.ErrInvalid, name)
		assert.Equal(t, "id.malformed", platform.Code(err), name)
		assert.Zero(t, platform.ID(text).UUID(), name)
	}
}

func TestRefReadsBack(t *testing.T) {
	t.Parallel()
	for _, ref := range []platform.Ref{{}, {Kind: "order", ID: "ord_01kdvdna00eajs4d2pf2dbsqqg"}, platform.Counter("escrow:a/b", "CNY")} {
		text, err := json.Marshal(ref)
		require.NoError(t, err)
		var back platform.Ref
		require.NoError(t, json.Unmarshal(text, &back))
		assert.Equal(t, ref, back)
	}
	var ref platform.Ref
	require.ErrorIs(t, ref.UnmarshalText([]byte("order")), platform.ErrInvalid)
}

func FuzzParseID(f *testing.F) {
	f.Add("ord_01kdvdna00eajs4d2pf2dbsqqg")
	f.Add("ord_7zzzzzzzzzfzzvzzzzzzzzzzzz")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := platform.ParseID(text)
		if err != nil {
			return
		}
		if back := platform.IDFromUUID(id.Prefix(), id.UUID()); back != id {
			t.Fatalf("%q reads back as %q", id, back)
		}
	})
}
