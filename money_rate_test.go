package platform

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func factor(text string) decimal.Decimal { return decimal.RequireFromString(text) }

func TestRoundingModes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		exact                  string
		even, halfUp, up, down int64
	}{
		{"0", 0, 0, 0, 0},
		{"2", 2, 2, 2, 2},
		{"0.4", 0, 0, 1, 0},
		{"0.5", 0, 1, 1, 0},
		{"0.6", 1, 1, 1, 0},
		{"1.5", 2, 2, 2, 1},
		{"2.1", 2, 2, 3, 2},
		{"2.5", 2, 3, 3, 2},
		{"2.500001", 3, 3, 3, 2},
		{"2.499999", 2, 2, 3, 2},
		{"2.0000000000000001", 2, 2, 3, 2},
		{"2.5000000000000001", 3, 3, 3, 2},
	} {
		for mode, want := range map[Rounding]int64{"": c.even, HalfEven: c.even, HalfUp: c.halfUp, Up: c.up, Down: c.down} {
			for _, sign := range []int64{1, -1} {
				byRate, err := MustMoney("1", "JPY").MulRate(factor(c.exact).Mul(decimal.New(sign, 0)), mode)
				require.NoError(t, err)
				byAmount, err := MustMoney(decimal.New(sign, 0).String(), "JPY").MulRate(factor(c.exact), mode)
				require.NoError(t, err)

				assert.Equal(t, sign*want, byRate.Minor(), "%s of %d × %s", mode, sign, c.exact)
				assert.Equal(t, byRate, byAmount, "a mode is symmetric around zero")
			}
		}
	}
}

// Of the 55 roundings 17 are in our modes. The others have modes that no
// schedule or tax table of ours knows; they are counted so that none is lost.
func TestRoundingVectors(t *testing.T) {
	t.Parallel()
	var vectors struct {
		Round [][3]string `json:"round"`
	}
	require.NoError(t, json.Unmarshal(sharedMoneyData(t, moneyVectors), &vectors))
	ours := map[string]Rounding{"ROUND_HALF_EVEN": HalfEven, "ROUND_HALF_UP": HalfUp, "ROUND_UP": Up, "ROUND_DOWN": Down}

	counts := map[string]int{}
	for _, v := range vectors.Round {
		counts[v[1]]++
		mode, ok := ours[v[1]]
		if !ok {
			continue
		}
		exact := factor(v[0]) // its digits are the amount, its decimals the rate
		m, err := FromMinor(exact.CoefficientInt64(), MustMoney("1", "JPY").Currency())
		require.NoError(t, err)

		got, err := m.MulRate(decimal.New(1, exact.Exponent()), mode)

		require.NoError(t, err)
		assert.Equal(t, MustMoney(v[2], "JPY"), got, "%v", v)
	}
	assert.Equal(t, map[string]int{
		"ROUND_HALF_EVEN": 8, "ROUND_HALF_UP": 9,
		"ROUND_HALF_ODD": 10, "ROUND_HALF_DOWN": 9, "ROUND_HALF_POSITIVE_INFINITY": 9, "ROUND_HALF_NEGATIVE_INFINITY": 10,
	}, counts)
}

func TestMulRate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		m, rate string
		mode    Rounding
		want    string
	}{
		{"100.00", "0.10", HalfEven, "10.00"},
		{"0.01", "0.10", HalfEven, "0.00"},
		{"0.01", "0.10", Up, "0.01"},
		{"33.33", "0.088", HalfUp, "2.93"},
		{"0.25", "0.1", HalfEven, "0.02"},
		{"0.25", "0.1", HalfUp, "0.03"},
		{"-0.25", "0.1", HalfUp, "-0.03"},
		{"12.34", "0", HalfEven, "0.00"},
		{"12.34", "0e50", HalfEven, "0.00"},
		{"12.34", "1", HalfEven, "12.34"},
		{"12.34", "-1000", HalfEven, "-12340.00"},
		{"12.34", "1e3", HalfEven, "12340.00"},
		{"12.34", "1000.00000000000000000000", HalfEven, "12340.00"},
		{"12.34", "999.9999999999999999", Down, "12339.99"},
		{"12.34", "0.0000000000000001", Up, "0.01"},
		{"100.00", "0.333333333333", HalfEven, "33.33"},
		{"92233720368547758.07", "1.000000", HalfEven, "92233720368547758.07"},
		{"-92233720368547758.07", "0.5", HalfEven, "-46116860184273879.04"},
	} {
		got, err := yuan(c.m).MulRate(factor(c.rate), c.mode)

		require.NoError(t, err)
		assert.Equal(t, yuan(c.want), got, "%s × %s %s", c.m, c.rate, c.mode)
	}
}

func TestNetOfTaxLeavesTheTax(t *testing.T) {
	t.Parallel()
	gross := yuan("10.00")

	net, err := gross.DivRate(factor("1.06"), HalfEven)
	require.NoError(t, err)
	tax, err := gross.Sub(net)
	require.NoError(t, err)

	assert.Equal(t, yuan("9.43"), net)
	assert.Equal(t, yuan("0.57"), tax)
}

func TestDivRate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		m, rate string
		mode    Rounding
		want    string
	}{
		{"10.00", "3", HalfEven, "3.33"},
		{"10.00", "3", Up, "3.34"},
		{"-10.00", "3", Up, "-3.34"},
		{"10.00", "-3", Down, "-3.33"},
		{"0.05", "2", HalfEven, "0.02"},
		{"0.05", "2", HalfUp, "0.03"},
		{"10.00", "0.5", HalfEven, "20.00"},
		{"10.00", "1e3", HalfEven, "0.01"},
		{"0.01", "0.0000000000000001", HalfEven, "100000000000000.00"},
	} {
		got, err := yuan(c.m).DivRate(factor(c.rate), c.mode)

		require.NoError(t, err)
		assert.Equal(t, yuan(c.want), got, "%s ÷ %s %s", c.m, c.rate, c.mode)
	}
}

func TestRatesAreRefused(t *testing.T) {
	t.Parallel()
	m := yuan("12.34")
	for _, text := range []string{
		"1000.000001", "-1000.000001", "1001", "-1001", "1e4", "1e300", "1000.0000000000000001", "1844.6744073709551617", "-9999.9999999999999999", "12345678901234567890123", "0.00000000000000001", "1.23456789012345678",
	} {
		_, err := m.MulRate(factor(text), HalfEven)
		refused(t, "money.rate", err)
		_, err = m.DivRate(factor(text), HalfEven)
		refused(t, "money.rate", err)
	}
	_, err := m.DivRate(factor("0.00"), HalfEven)
	refused(t, "money.rate", err)
	for _, mode := range []Rounding{"half_down", "HALF_UP", " "} {
		_, err = m.MulRate(factor("1"), mode)
		refused(t, "money.rate", err)
	}
	_, err = Money{}.MulRate(factor("1"), HalfEven)
	refused(t, "money.currency", err)
	_, err = Money{}.DivRate(factor("1"), HalfEven)
	refused(t, "money.currency", err)
}

func TestRatesNeverWrap(t *testing.T) {
	t.Parallel()
	jpy := MustMoney("1", "JPY").Currency()
	half, err := FromMinor(math.MaxInt64/2+1, jpy) // 2⁶²
	require.NoError(t, err)
	for _, text := range []string{"2", "-2", "2.0000001", "1000", "-1000", "3.9999999999999999"} {
		_, err := half.MulRate(factor(text), Down)
		refused(t, "money.overflow", err)
	}
	for _, text := range []string{"0.5", "-0.5", "0.0000000000000001"} {
		_, err := half.DivRate(factor(text), Down)
		refused(t, "money.overflow", err)
	}

	almost, err := half.MulRate(factor("1.9999999999999999"), Down)
	require.NoError(t, err)
	assert.Equal(t, int64(9223372036854775346), almost.Minor())
	twoThirds, err := FromMinor(6148914691236517205, jpy) // × 1.5 is half a unit more than the largest
	require.NoError(t, err)
	_, err = twoThirds.MulRate(factor("1.5"), Up)
	refused(t, "money.overflow", err)
	_, err = twoThirds.MulRate(factor("1.5"), Down)
	require.NoError(t, err)
	last, err := FromMinor(math.MaxInt64, jpy)
	require.NoError(t, err)
	_, err = last.MulRate(factor("1.0000000000000001"), Up)
	refused(t, "money.overflow", err)
	_, err = last.MulRate(factor("2.0000000000000001"), Down)
	refused(t, "money.overflow", err)
}
