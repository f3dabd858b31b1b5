package platform_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func TestDetailsPassThroughJoins(t *testing.T) {
	t.Parallel()
	err := errors.Join(platform.Detail(errOn, "quote", 1), errors.New("x"))
	assert.Equal(t, map[string]any{"quote": 1}, platform.Details(err))
	err = fmt.Errorf("%w: %w", platform.Detail(errOn, "quote", 1), errors.New("x"))
	assert.Equal(t, map[string]any{"quote": 1}, platform.Details(err))
}

func TestAMoveWithoutRefusalStillRefusesAsState(t *testing.T) {
	t.Parallel()
	m := platform.Moves[string]{{Verb: "go", From: []string{"a"}, To: "b", By: []platform.ActorKind{platform.Staff}}}
	_, err := m.Take("z", "go", platform.Staff)
	assert.ErrorIs(t, err, platform.ErrState)
	_, err = m.Take("z", "go", platform.Customer)
	assert.ErrorIs(t, err, platform.ErrDenied)
	assert.NotContains(t, platform.Code(err), "internal", platform.Code(err))
}

func fault[T any](s platform.Shape[T]) error {
	s.Name, s.Prefix = "thing", "thg"
	return s.Kind().Fault()
}

type thing struct {
	platform.Head
	Root platform.ID `json:"root" class:"internal"`
}

type hidden struct {
	Phone string `json:"phone"`
}

type carrier struct {
	platform.Head
	hidden
}

func TestFaultSeesWhatItSaysItSees(t *testing.T) {
	t.Parallel()
	assert.Error(t, fault(platform.Shape[thing]{Root: "lamp"}), "a child without its root")
	assert.Error(t, fault(platform.Shape[carrier]{}), "a phone number without class, promoted from an unexported struct")
	k := platform.Shape[thing]{Name: "thing", Prefix: "THG"}.Kind()
	assert.Error(t, k.Fault(), "a prefix that no id can have")
}

type tagged struct {
	Mail  string         `json:"mail" validate:"omitempty,email"`
	Tel   string         `json:"tel" validate:"omitempty,e164"`
	Zone  string         `json:"zone" validate:"omitempty,timezone"`
	Day   string         `json:"day" validate:"omitempty,datetime=2006-01-02"`
	Kind  string         `json:"kind" validate:"omitempty,oneof=a b"`
	URL   string         `json:"url" validate:"omitempty,https_url"`
	When  string         `json:"when" validate:"required_with=Mail"`
	Uniq  []string       `json:"uniq" validate:"omitempty,unique"`
	ASCII string         `json:"ascii" validate:"omitempty,printascii"`
	Hex   string         `json:"hex" validate:"omitempty,hexadecimal"`
	Start string         `json:"start" validate:"omitempty,startswith=x"`
	Price platform.Money `json:"price" validate:"required"`
	M     map[string]struct {
		Text string `json:"text" validate:"text=2" code:"m.text"`
	} `json:"m" validate:"dive"`
}

func TestEveryRuleSpeaksBothLanguages(t *testing.T) {
	t.Parallel()
	v := tagged{Mail: "x", Tel: "x", Zone: "x", Day: "x", Kind: "x", URL: "x", Uniq: []string{"a", "a"}, Start: "y", ASCII: "é", Hex: "z", Price: platform.MustMoney("0.00", "CNY")}
	v.M = map[string]struct {
		Text string `json:"text" validate:"text=2" code:"m.text"`
	}{"a.b": {Text: "long"}}
	var fields platform.FieldErrors
	require.ErrorAs(t, platform.Validate(v), &fields)
	for _, f := range fields {
		assert.NotContains(t, f.En, "Field validation", f.Path)
		assert.Regexp(t, `\p{Han}`, f.Zh, f.Path)
	}
}

func TestMoneyAtTheEdges(t *testing.T) {
	t.Parallel()
	cny, _ := platform.ParseCurrency("CNY")
	for _, d := range []decimal.Decimal{decimal.New(10, math.MaxInt32), decimal.New(1, math.MaxInt32), decimal.New(10, math.MaxInt32-1)} {
		_, err := platform.FromDecimal(d, cny)
		assert.Equal(t, "money.overflow", platform.Code(err), "%d", d.Exponent())
	}
	for _, d := range []decimal.Decimal{decimal.New(1, math.MinInt32), decimal.New(-1, math.MinInt32)} {
		_, err := platform.FromDecimal(d, cny)
		assert.Equal(t, "money.scale", platform.Code(err))
		_, err = platform.MustMoney("1", "CNY").MulRate(d, platform.HalfUp)
		assert.Equal(t, "money.rate", platform.Code(err))
	}
	_, err := platform.MustMoney("1", "CNY").MulRate(decimal.New(10, math.MaxInt32), platform.HalfUp)
	assert.Equal(t, "money.rate", platform.Code(err))
	_, err = platform.MustMoney("1", "CNY").MulRate(decimal.New(0, math.MaxInt32), platform.HalfUp)
	assert.NoError(t, err)
	_, err = platform.MustMoney("1", "CNY").MulRate(decimal.New(0, math.MinInt32), platform.HalfUp)
	assert.NoError(t, err)
	_, err = platform.MustMoney("92233720368547758.07", "CNY").DivRate(decimal.New(1, -16), platform.Up)
	assert.Equal(t, "money.overflow", platform.Code(err))
	zero, err := platform.MustMoney("-0.00", "CNY").MulRate(decimal.New(-3, 0), platform.Up)
	assert.NoError(t, err)
	assert.Equal(t, "0.00 CNY", zero.String())
}
