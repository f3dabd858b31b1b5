package screen

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func TestRulesAreRefusedByPosition(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change     func(*Rules)
		path, code string
	}{
		"no owner":            {func(r *Rules) { r.Owner = "" }, "owner", "field.required"},
		"no basis":            {func(r *Rules) { r.Basis = "" }, "basis", "field.required"},
		"no policy":           {func(r *Rules) { r.Policies = nil }, "policies", "field.min"},
		"policy unknown":      {func(r *Rules) { r.Policies[1].Failure = "" }, "policies[1].failure", "screen.policy"},
		"policy twice":        {func(r *Rules) { r.Policies[1].Event = "order.place" }, "policies[1].event", "screen.twice"},
		"event unknown":       {func(r *Rules) { r.Rules[2].Event = "x" }, "rules[2].event", "screen.no_policy"},
		"feature unknown":     {func(r *Rules) { r.Rules[2].Feature = "speed" }, "rules[2].feature", "screen.feature"},
		"rule twice":          {func(r *Rules) { r.Rules[2].ID = "most" }, "rules[2].id", "screen.twice"},
		"window missing":      {func(r *Rules) { r.Rules[2].Minutes = 0 }, "rules[2].window_minutes", "screen.window"},
		"window too long":     {func(r *Rules) { r.Rules[2].Minutes = 129_601 }, "rules[2].window_minutes", "screen.window"},
		"amount in a window":  {func(r *Rules) { r.Rules[0].Minutes = 1 }, "rules[0].window_minutes", "screen.window"},
		"count beyond memory": {func(r *Rules) { r.Rules[2].Most = 32 }, "rules[2].most", "screen.limit"},
		"count below zero":    {func(r *Rules) { r.Rules[2].Most = -1 }, "rules[2].most", "screen.limit"},
		"no limit":            {func(r *Rules) { r.Rules[0].Limits = nil }, "rules[0].limits", "screen.limit"},
		"limit twice":         {func(r *Rules) { r.Rules[0].Limits = append(cny("1"), cny("2")...) }, "rules[0].limits", "screen.limit"},
		"limit below zero":    {func(r *Rules) { r.Rules[0].Limits = cny("-1") }, "rules[0].limits", "screen.limit"},
		"limit absent":        {func(r *Rules) { r.Rules[0].Limits = make([]platform.Money, 1) }, "rules[0].limits", "screen.limit"},
		"no effect":           {func(r *Rules) { r.Rules[0].Outcome = "" }, "rules[0].outcome", "screen.effect"},
		"two effects":         {func(r *Rules) { r.Rules[0].Points = 1 }, "rules[0].outcome", "screen.effect"},
		"outcome unknown":     {func(r *Rules) { r.Rules[0].Outcome = "deny" }, "rules[0].outcome", "screen.effect"},
		"thresholds fall":     {func(r *Rules) { r.Policies[0].Block = 15 }, "policies[0]", "screen.threshold"},
		"threshold negative":  {func(r *Rules) { r.Policies[0].Block = -1 }, "policies[0].block", "screen.threshold"},
	} {
		_, err := rules(row.change).Compile()
		require.ErrorIs(t, err, platform.ErrInvalid, name)
		var fields platform.FieldErrors
		require.ErrorAs(t, err, &fields, name)
		assert.Equal(t, row.path, fields[0].Path, name)
		assert.Equal(t, row.code, fields[0].Code, name)
	}
}

func TestTheHashIsOfTheContent(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(rules())
	require.NoError(t, err)
	loaded, err := Load(text)
	require.NoError(t, err)
	compiled, err := rules().Compile()
	require.NoError(t, err)
	other, err := rules(func(r *Rules) { r.Rules[2].Most = 9 }).Compile()
	require.NoError(t, err)

	assert.Len(t, loaded.Hash(), 64)
	assert.Equal(t, compiled.Hash(), loaded.Hash())
	assert.NotEqual(t, compiled.Hash(), other.Hash())
}

func TestStandardRulesAreSound(t *testing.T) {
	t.Parallel()
	_, err := Standard().Compile()
	require.NoError(t, err)
}

func TestLoadTakesNothingElse(t *testing.T) {
	t.Parallel()
	for _, text := range []string{``, `{`, `[]`, `{"version":1}`, `{"rulez":[]}`, `{"version":"1"} {}`} {
		_, err := Load([]byte(text))
		require.ErrorIs(t, err, platform.ErrInvalid, text)
	}
}

// FuzzLoad: what loads has a hash, and judges any event without a panic.
func FuzzLoad(f *testing.F) {
	for _, r := range []Rules{rules(), Standard()} {
		text, err := json.Marshal(r)
		require.NoError(f, err)
		f.Add(text, []byte(`{"customer":"c","amount":{"amount":"1.00","currency":"CNY"}}`))
	}
	f.Add([]byte(`{}`), []byte(`null`))
	f.Fuzz(func(t *testing.T, text, facts []byte) {
		set, err := Load(text)
		if err != nil {
			require.ErrorIs(t, err, platform.ErrInvalid)
			return
		}
		require.Len(t, set.Hash(), 64)
		for event, k := range set.kinds {
			ev := platform.Event{ID: platform.NewID("evt", noon, 1, 1), Type: event, At: noon, Data: facts}
			var h history
			h.recall(nil)
			d := k.decide(read(ev, noon), &h)
			require.Contains(t, ranks, d.Outcome)
			require.NotEmpty(t, d.Explain("zh"))
		}
	})
}
