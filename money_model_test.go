package platform

import (
	"math"
	"math/big"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// anyMoney is an amount of any size and sign, of a few currencies.
var anyMoney = rapid.Custom(func(t *rapid.T) Money {
	c, err := ParseCurrency(rapid.SampledFrom([]string{"CNY", "JPY", "KWD", "CLF"}).Draw(t, "currency"))
	require.NoError(t, err)
	m, err := FromMinor(rapid.Int64Range(-math.MaxInt64, math.MaxInt64).Draw(t, "minor"), c)
	require.NoError(t, err)
	return m
})

var (
	anyMode    = rapid.SampledFrom([]Rounding{HalfEven, HalfUp, Up, Down})
	anyWeights = rapid.SliceOfN(rapid.Int64Range(0, math.MaxInt64/64), 1, 40).
			Filter(func(w []int64) bool { return sumOf(w) > 0 })
	anyRate = rapid.Custom(func(t *rapid.T) decimal.Decimal {
		places := rapid.Int32Range(0, 16).Draw(t, "places")
		limit := decimal.New(1000, places).IntPart()
		if places > 15 {
			limit = math.MaxInt64
		}
		return decimal.New(rapid.Int64Range(-limit, limit).Draw(t, "rate"), -places)
	})
)

func sumOf(weights []int64) (sum int64) {
	for _, w := range weights {
		sum += w
	}
	return sum
}

func TestPartsAddUpToTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, weights := anyMoney.Draw(t, "m"), anyWeights.Draw(t, "weights")

		parts, err := m.Allocate(weights...)

		require.NoError(t, err)
		require.Len(t, parts, len(weights))
		whole, err := Sum(m.Currency(), parts...)
		require.NoError(t, err)
		require.Equal(t, m, whole)
		checkShares(t, m, parts, weights)
	})
}

// checkShares holds the parts against the definition, in fractions: a part is
// its share rounded down or one more, and one more goes to no smaller fraction
// than stays without, nor to a later one of the same size.
func checkShares(t *rapid.T, m Money, parts []Money, weights []int64) {
	var least, most *big.Rat // fractions: least that got a unit, most that got none
	for i, part := range parts {
		share := new(big.Rat).Mul(new(big.Rat).SetInt64(m.Minor()), big.NewRat(weights[i], sumOf(weights)))
		down := new(big.Int).Div(share.Num(), share.Denom()) // towards −∞, as denominators are positive
		fraction := share.Sub(share, new(big.Rat).SetInt(down))
		switch up := new(big.Int).Sub(big.NewInt(part.Minor()), down); {
		case up.Cmp(big.NewInt(1)) == 0:
			require.Positive(t, fraction.Sign(), "part %d got a unit beside its exact share", i)
			require.False(t, most != nil && fraction.Cmp(most) == 0, "part %d got the unit of an earlier equal", i)
			if least == nil || fraction.Cmp(least) < 0 {
				least = fraction
			}
		case up.Sign() != 0:
			require.Fail(t, "too far", "part %d is %s, its share from %s", i, part, down)
		case most == nil || fraction.Cmp(most) > 0:
			most = fraction
		}
	}
	require.False(t, least != nil && most != nil && least.Cmp(most) < 0, "a smaller fraction got the unit")
}

// Lines of an order are refunded in parts, each over what is left of the lines.
func TestRefundInPartsIsTheWholePerLine(t *testing.T) {
	t.Parallel()
	cny := yuan("1").Currency()
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.Int64Range(0, 1e9), 1, 8).Filter(func(w []int64) bool { return sumOf(w) > 0 }).Draw(t, "lines")
		left := append([]int64(nil), lines...)
		for rest := sumOf(left); rest > 0; rest = sumOf(left) {
			refund, err := FromMinor(rapid.Int64Range(1+rest/4, rest).Draw(t, "refund"), cny)
			require.NoError(t, err)

			parts, err := refund.Allocate(left...)

			require.NoError(t, err)
			for i, part := range parts {
				left[i] -= part.Minor()
				require.GreaterOrEqual(t, left[i], int64(0), "line %d gives back more than it took", i)
			}
			require.Equal(t, rest-refund.Minor(), sumOf(left))
		}
	})
}

func TestRatesAreExactThenRoundedOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, r, mode := anyMoney.Draw(t, "m"), anyRate.Draw(t, "rate"), anyMode.Draw(t, "mode")
		minor := new(big.Rat).SetInt64(m.Minor())

		product, err := m.MulRate(r, mode)
		checkRounded(t, new(big.Rat).Mul(minor, r.Rat()), mode, product, err)

		if !r.IsZero() {
			quotient, err := m.DivRate(r, mode)
			checkRounded(t, new(big.Rat).Quo(minor, r.Rat()), mode, quotient, err)
		}
	})
}

// checkRounded holds got against the definition of the mode, in fractions.
func checkRounded(t *rapid.T, exact *big.Rat, mode Rounding, got Money, err error) {
	size := new(big.Rat).Abs(exact)
	whole, rest := new(big.Int).QuoRem(size.Num(), size.Denom(), new(big.Int))
	half := new(big.Int).Lsh(rest, 1).Cmp(size.Denom())
	away := map[Rounding]bool{
		HalfEven: half > 0 || half == 0 && whole.Bit(0) == 1,
		HalfUp:   half >= 0,
		Up:       rest.Sign() > 0,
		Down:     false,
	}[mode]
	if away {
		whole.Add(whole, big.NewInt(1))
	}
	if exact.Sign() < 0 {
		whole.Neg(whole)
	}
	if !whole.IsInt64() || whole.Int64() == math.MinInt64 {
		require.Equal(t, "money.overflow", Code(err))
		return
	}
	require.NoError(t, err)
	require.Equal(t, whole.Int64(), got.Minor())
}

func TestRoundingIsSymmetric(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, r, mode := anyMoney.Draw(t, "m"), anyRate.Draw(t, "rate"), anyMode.Draw(t, "mode")

		up, err := m.MulRate(r, mode)
		down, errDown := m.Neg().MulRate(r, mode)

		require.Equal(t, Code(err), Code(errDown))
		require.Equal(t, up.Neg(), down)
	})
}

func TestSumIsAddition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := anyMoney.Draw(t, "m")
		n, err := FromMinor(rapid.Int64Range(-math.MaxInt64, math.MaxInt64).Draw(t, "n"), m.Currency())
		require.NoError(t, err)

		sum, err := m.Add(n)
		total, errSum := Sum(m.Currency(), m, n)

		require.Equal(t, Code(err), Code(errSum))
		require.Equal(t, total, sum)
		exact := new(big.Int).Add(big.NewInt(m.Minor()), big.NewInt(n.Minor()))
		require.Equal(t, exact.IsInt64() && exact.Int64() != math.MinInt64, err == nil)
		if err == nil {
			back, err := sum.Sub(n)
			require.NoError(t, err)
			require.Equal(t, m, back)
		}
	})
}

func TestMoneyRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := anyMoney.Draw(t, "m")

		fromDecimal, err := FromDecimal(m.Decimal(), m.Currency())
		require.NoError(t, err)
		data, err := m.MarshalJSON()
		require.NoError(t, err)
		var fromJSON Money
		require.NoError(t, fromJSON.UnmarshalJSON(data))

		assert.Equal(t, m, fromDecimal)
		assert.Equal(t, m, fromJSON)
		assert.Equal(t, m.Decimal().StringFixed(int32(m.Currency().Exponent()))+" "+m.Currency().String(), m.String())
	})
}
