package risk

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
)

func percent(n int) decimal.Decimal { return decimal.New(int64(n), -2) }

func TestFaultyIndicatorsAreRefused(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(*Indicator)
		code   string
	}{
		"no name":                      {func(i *Indicator) { i.Name = "" }, "field.required"},
		"no owner":                     {func(i *Indicator) { i.Owner = "" }, "field.required"},
		"no metric":                    {func(i *Indicator) { i.Metric = "" }, "field.required"},
		"no direction":                 {func(i *Indicator) { i.Direction = "" }, "field.oneof"},
		"recover beyond fire":          {func(i *Indicator) { i.Warn = bound("0.10", "0.11") }, "risk.bound"},
		"recover at fire":              {func(i *Indicator) { i.Warn = bound("0.10", "0.10") }, "risk.bound"},
		"recover on the wrong side":    {func(i *Indicator) { i.Direction = Below }, "risk.bound"},
		"critical recover beyond fire": {func(i *Indicator) { i.Critical = &Bound{Fire: percent(20), Recover: percent(21)} }, "risk.bound"},
		"critical before warn":         {func(i *Indicator) { i.Critical = &Bound{Fire: percent(10), Recover: percent(6)} }, "risk.critical"},
		"critical recovers later":      {func(i *Indicator) { i.Critical = &Bound{Fire: percent(20), Recover: percent(4)} }, "risk.critical"},
		"for below zero":               {func(i *Indicator) { i.For = new(-time.Second) }, "risk.duration"},
		"keep firing below zero":       {func(i *Indicator) { i.KeepFiring = new(-time.Second) }, "risk.duration"},
		"window in seconds":            {func(i *Indicator) { i.Window = time.Second }, "risk.duration"},
		"stale too soon":               {func(i *Indicator) { i.StaleAfter = 2*time.Minute - 1 }, "risk.stale"},
		"least below zero":             {func(i *Indicator) { i.Least = -1 }, "field.min"},
	} {
		err := refunds(row.change).Fault()
		require.ErrorIs(t, err, platform.ErrInvalid, name)
		assert.Equal(t, row.code, platform.Code(err), name)
	}
	require.NoError(t, refunds().Fault())
}

// TestRecoverLiesOnTheSafeSide: an indicator is sound exactly when its recover
// is better than its fire.
func TestRecoverLiesOnTheSafeSide(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		fire, safe := rapid.IntRange(-50, 50).Draw(rt, "fire"), rapid.IntRange(-50, 50).Draw(rt, "recover")
		above := rapid.Bool().Draw(rt, "above")
		i := refunds(func(i *Indicator) {
			i.Warn, i.Critical, i.Direction = Bound{Fire: percent(fire), Recover: percent(safe)}, nil, Below
			if above {
				i.Direction = Above
			}
		})
		sound := above && safe < fire || !above && safe > fire
		require.Equal(rt, sound, i.Fault() == nil)
	})
}

func TestAServiceIsNotMadeOfFaultyParts(t *testing.T) {
	t.Parallel()
	db := memory.New(Kinds(), nil)
	for code, opts := range map[string]Options{
		"risk.twice": {Indicators: []Indicator{refunds(), refunds()}},
		"risk.route": {Routes: []Route{{Indicator: "x"}}},
		"risk.bound": {Indicators: []Indicator{refunds(func(i *Indicator) { i.Warn = Bound{} })}},
	} {
		_, err := New(platform.Writer{Store: db}, StoreOn(db), Ports{}, &opts)
		require.ErrorIs(t, err, platform.ErrInvalid)
		assert.Equal(t, code, platform.Code(err))
	}
	_, err := New(platform.Writer{Store: db}, StoreOn(db), Ports{}, nil)
	require.NoError(t, err)
}

func TestSamplesReadAsDecimals(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "0.125", Sample{Numerator: 1, Denominator: 8}.String())
	assert.Equal(t, "0.3333", Sample{Numerator: 1, Denominator: 3}.String())
	assert.Equal(t, "1/0", Sample{Numerator: 1}.String())
}
