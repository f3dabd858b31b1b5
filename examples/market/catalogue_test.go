package market

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

func careful(c platform.Class) bool { return c != platform.Public && c != platform.Internal }

// TestTheCatalogueHasEveryField of everything that is stored, each with its class,
// and with purpose, retention and basis from personal upwards.
func TestTheCatalogueHasEveryField(t *testing.T) {
	t.Parallel()
	all, err := Catalogue(Stored())
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, f := range all {
		at := f.Kind + " " + f.Path
		assert.False(t, seen[at], "%s twice", at)
		seen[at] = true
		assert.Contains(t, []platform.Class{platform.Public, platform.Internal, platform.Personal, platform.Sensitive, platform.Secret}, f.Class, at)
		assert.Equal(t, careful(f.Class), f.Purpose != "" && f.Retention != "" && f.Basis != "", at)
		assert.Equal(t, careful(f.Class), f.Purpose != "" || f.Retention != "" || f.Basis != "", at)
		if careful(f.Class) {
			assert.Contains(t, []string{"contract", "consent", "duty", "interest"}, f.Basis, at)
			assert.Regexp(t, `^(\d+[ymd]|erasure)$`, f.Retention, at)
		}
	}
	for _, at := range []string{"order note", "event data", "counter value", "movement delta", "answer answer", "claim key", "leaf hash", "staff.member name", "vault.key keys[].key", "vault.ring epochs[].destroyed"} {
		assert.Contains(t, seen, at)
	}
	for _, k := range Stored() {
		require.NoError(t, k.Fault())
		assert.NotEmpty(t, k.Fields, k.Name)
	}
}

// TestAFieldThatIsNotAsItMustBeFails: nothing opens with it, and there is no
// catalogue of it.
func TestAFieldThatIsNotAsItMustBeFails(t *testing.T) {
	t.Parallel()
	type untagged struct{ Name string }
	type unknown struct {
		Name string `class:"confidential"`
	}
	type plain struct {
		Name string `class:"personal,employment,2y,contract"`
	}
	type sensitive struct {
		Face []byte `class:"sensitive,admission,3y,consent"`
	}
	type baseless struct {
		Name platform.Sealed `class:"personal,employment,2y"`
	}
	type below struct {
		All []struct{ Deep map[string]plain }
	}
	for name, kind := range map[string]platform.Kind{
		"untagged": platform.Shape[untagged]{Name: "thing", Prefix: "thg"}.Kind(), "unknown": platform.Shape[unknown]{Name: "thing", Prefix: "thg"}.Kind(),
		"plain": platform.Shape[plain]{Name: "thing", Prefix: "thg"}.Kind(), "sensitive": platform.Shape[sensitive]{Name: "thing", Prefix: "thg"}.Kind(),
		"baseless": platform.Shape[baseless]{Name: "thing", Prefix: "thg"}.Kind(), "below": platform.Shape[below]{Name: "thing", Prefix: "thg"}.Kind(),
	} {
		_, err := Catalogue(append(Kinds(), kind))
		require.ErrorIs(t, err, platform.ErrInvalid, name)
	}
}

// TestNothingSealedReachesAColumnOrAClaim: engines keep both in the clear. A
// blind index is no envelope, and is what may stand there.
func TestNothingSealedReachesAColumnOrAClaim(t *testing.T) {
	t.Parallel()
	sealed := 0
	for _, k := range Stored() {
		n, err := leaks(k)
		require.NoError(t, err)
		sealed += n
	}
	assert.GreaterOrEqual(t, sealed, 7)

	type leaky struct {
		Name platform.Sealed `json:"name" class:"personal,employment,2y,contract"`
	}
	column := platform.Shape[leaky]{Name: "leaky", Prefix: "lky", Columns: func(l leaky) []platform.Column {
		return []platform.Column{{Name: "name", Value: string(l.Name)}}
	}}
	_, err := leaks(column.Kind())
	require.ErrorContains(t, err, "column name")
	claim := platform.Shape[leaky]{Name: "leaky", Prefix: "lky", Unique: func(l leaky) []platform.Claim {
		return []platform.Claim{{Scope: "leaky", Key: base64.StdEncoding.EncodeToString(l.Name)}}
	}}
	_, err = leaks(claim.Kind())
	require.ErrorContains(t, err, "claim in leaky")
}

// leaks looks for the envelopes of a document in its columns and claims, and
// tells how many envelopes there are.
func leaks(k platform.Kind) (n int, err error) {
	doc := map[string]any{}
	var planted [][]byte
	for _, f := range k.Fields {
		if careful(f.Class) {
			envelope := fmt.Appendf(nil, "envelope of %s %s", k.Name, f.Path)
			plant(doc, strings.Split(f.Path, "."), envelope)
			planted = append(planted, envelope)
		}
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return 0, err
	}
	value, err := k.Decode(text)
	if err != nil {
		return 0, err
	}
	whole := fmt.Sprintf("%s", value)
	columns, err := k.Promote(value)
	if err != nil {
		return 0, err
	}
	claims, err := k.Claims(value)
	if err != nil {
		return 0, err
	}
	for _, envelope := range planted {
		forms := []string{string(envelope), base64.StdEncoding.EncodeToString(envelope), hex.EncodeToString(envelope)}
		if !strings.Contains(whole, forms[0]) {
			return 0, fmt.Errorf("%s: %s was not planted", k.Name, envelope)
		}
		shows := func(v any) bool {
			return slices.ContainsFunc(forms, func(form string) bool { return strings.Contains(fmt.Sprint(v), form) })
		}
		for _, c := range columns {
			if shows(c.Value) {
				return 0, fmt.Errorf("%s: column %s holds %s", k.Name, c.Name, envelope)
			}
		}
		for _, c := range claims {
			if shows(c.Key) || shows(c.Scope) {
				return 0, fmt.Errorf("%s: a claim in %s holds %s", k.Name, c.Scope, envelope)
			}
		}
	}
	return len(planted), nil
}

// plant puts a value at a path of a document, such as "lines[].note".
func plant(doc map[string]any, path []string, value any) {
	name, list := strings.CutSuffix(path[0], "[]")
	if len(path) == 1 {
		doc[name] = value
		return
	}
	inner, _ := doc[name].(map[string]any)
	if all, is := doc[name].([]any); is {
		inner, _ = all[0].(map[string]any)
	}
	if inner == nil {
		inner = map[string]any{}
	}
	plant(inner, path[1:], value)
	if doc[name] = inner; list {
		doc[name] = []any{inner}
	}
}

// TestBuiltInKindsAreOfNobody: the built-in kinds, which every set writes, have no
// place for a person's data at all.
func TestBuiltInKindsAreOfNobody(t *testing.T) {
	t.Parallel()
	known, err := store.NewKinds(nil)
	require.NoError(t, err)
	for _, name := range known.Names() {
		kind, err := known.Kind(name)
		require.NoError(t, err)
		for _, f := range kind.Fields {
			assert.False(t, careful(f.Class), "%s %s", name, f.Path)
		}
	}
}
