package platform

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func yuan(amount string) Money { return MustMoney(amount, "CNY") }

// largest is the largest amount in yuan.
var largest = yuan("92233720368547758.07")

// refused requires the stable code of an invalid input.
func refused(t *testing.T, code string, err error) {
	t.Helper()
	require.ErrorIs(t, err, ErrInvalid)
	require.Equal(t, code, Code(err))
}

func TestMoneyIsSmallAndComparable(t *testing.T) {
	t.Parallel()
	assert.LessOrEqual(t, unsafe.Sizeof(Money{}), uintptr(16))

	totals := map[Money]int{yuan("1.00"): 1}
	totals[yuan("1")]++

	assert.Equal(t, map[Money]int{yuan("1.00"): 2}, totals)
	assert.NotEqual(t, MustMoney("1.00", "USD"), yuan("1.00"))
}

func TestParseMoney(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount, currency string
		minor            int64
		text             string
	}{
		{"12.34", "CNY", 1234, "12.34 CNY"},
		{"-12.34", "CNY", -1234, "-12.34 CNY"},
		{"12", "CNY", 1200, "12.00 CNY"},
		{"12.3", "CNY", 1230, "12.30 CNY"},
		{"0.05", "CNY", 5, "0.05 CNY"},
		{"-0.05", "CNY", -5, "-0.05 CNY"},
		{"0", "CNY", 0, "0.00 CNY"},
		{"-0.00", "CNY", 0, "0.00 CNY"},
		{"007.5", "CNY", 750, "7.50 CNY"},
		{"12.3400", "CNY", 1234, "12.34 CNY"},
		{"1000", "JPY", 1000, "1000 JPY"},
		{"1000.0", "JPY", 1000, "1000 JPY"},
		{"-1", "JPY", -1, "-1 JPY"},
		{"1.234", "KWD", 1234, "1.234 KWD"},
		{"0.0001", "CLF", 1, "0.0001 CLF"},
		{"92233720368547758.07", "CNY", math.MaxInt64, "92233720368547758.07 CNY"},
		{"-92233720368547758.07", "CNY", -math.MaxInt64, "-92233720368547758.07 CNY"},
		{"000000000000000000000012", "JPY", 12, "12 JPY"},
	} {
		m, err := ParseMoney(c.amount, c.currency)

		require.NoError(t, err, c.amount)
		assert.Equal(t, c.minor, m.Minor(), c.amount)
		assert.Equal(t, c.text, m.String())
		assert.Equal(t, c.currency, m.Currency().String())
	}
}

func TestParseMoneyRefuses(t *testing.T) {
	t.Parallel()
	for code, texts := range map[string][]string{
		"money.number": {
			"", "-", ".", "-.", "1.", ".5", "+1", "--1", "1-", "1.2.3", "1..2", "1,000", "1 000", " 1", "1 ", "1_000",
			"1e3", "0x10", "NaN", "Inf", "１２", "１", "1.２", "1\x00", "1.-2", "¥1", strings.Repeat("0", 25), strings.Repeat("9", 25),
		},
		"money.scale":    {"0.001", "12.345", "-0.001", "1.0000001", "99999999999999999999.999"},
		"money.overflow": {"92233720368547758.08", "-92233720368547758.08", "-92233720368547758.09", "99999999999999999999"},
	} {
		for _, text := range texts {
			m, err := ParseMoney(text, "CNY")

			refused(t, code, err)
			assert.True(t, m.Absent(), text)
		}
	}
	_, err := ParseMoney("12.34", "XAU")
	refused(t, "money.currency", err)
	_, err = ParseMoney("1.5", "JPY")
	refused(t, "money.scale", err)
	assert.Panics(t, func() { MustMoney("12.345", "CNY") })
}

func TestFromMinor(t *testing.T) {
	t.Parallel()
	cny := largest.Currency()

	m, err := FromMinor(-1234, cny)
	require.NoError(t, err)
	assert.Equal(t, yuan("-12.34"), m)

	_, err = FromMinor(math.MinInt64, cny)
	refused(t, "money.overflow", err)
	_, err = FromMinor(0, 0)
	refused(t, "money.currency", err)
	_, err = FromMinor(1, math.MaxUint16)
	refused(t, "money.currency", err)
}

func TestFromDecimalNeverRounds(t *testing.T) {
	t.Parallel()
	cny := largest.Currency()
	for text, want := range map[string]string{
		"12.34": "12.34", "-0.01": "-0.01", "0": "0", "12.340000": "12.34", "1e3": "1000", "1200e-2": "12", "0e-30": "0",
		"92233720368547758.07": "92233720368547758.07", "-92233720368547758.07": "-92233720368547758.07",
	} {
		m, err := FromDecimal(decimal.RequireFromString(text), cny)
		require.NoError(t, err, text)
		assert.Equal(t, yuan(want), m, text)
		assert.True(t, decimal.RequireFromString(text).Equal(m.Decimal()), text)
	}
	for text, code := range map[string]string{
		"0.001": "money.scale", "12.345": "money.scale", "1e-9999": "money.scale", "12.340001": "money.scale",
		"92233720368547758.08": "money.overflow", "-92233720368547758.08": "money.overflow", "1e17": "money.overflow", "92233720368547758.09": "money.overflow", "-184467440737095516.16": "money.overflow", "1e9999": "money.overflow",
	} {
		_, err := FromDecimal(decimal.RequireFromString(text), cny)
		refused(t, code, err)
	}
	_, err := FromDecimal(decimal.New(1, 0), 0)
	refused(t, "money.currency", err)
	_, err = FromDecimal(decimal.Zero, 0)
	refused(t, "money.currency", err)
}

// A decimal can name a number with two thousand million digits in six bytes.
func TestHugeExponentsAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	for _, exp := range []int32{math.MinInt32, -1e9, 1e9, math.MaxInt32} {
		for _, coefficient := range []int64{1, -1, 10, math.MaxInt64} {
			d := decimal.New(coefficient, exp)
			_, err := FromDecimal(d, largest.Currency())
			require.ErrorIs(t, err, ErrInvalid)
			_, err = largest.MulRate(d, HalfEven)
			refused(t, "money.rate", err)
		}
		zero, err := largest.MulRate(decimal.New(0, exp), HalfEven)
		require.NoError(t, err)
		assert.Equal(t, yuan("0"), zero)
	}
}

func TestArithmeticIsChecked(t *testing.T) {
	t.Parallel()
	cent := yuan("0.01")

	sum, err := yuan("12.34").Add(yuan("-20"))
	require.NoError(t, err)
	assert.Equal(t, yuan("-7.66"), sum)
	difference, err := yuan("12.34").Sub(yuan("-20"))
	require.NoError(t, err)
	assert.Equal(t, yuan("32.34"), difference)
	assert.Equal(t, yuan("-12.34"), yuan("12.34").Neg())
	assert.Equal(t, largest, largest.Neg().Neg())

	_, err = largest.Add(cent)
	refused(t, "money.overflow", err)
	_, err = largest.Add(largest)
	refused(t, "money.overflow", err)
	_, err = largest.Neg().Sub(cent) // would be −2⁶³
	refused(t, "money.overflow", err)
	_, err = largest.Neg().Add(largest.Neg())
	refused(t, "money.overflow", err)
	zero, err := largest.Sub(largest)
	require.NoError(t, err)
	assert.Equal(t, yuan("0"), zero)
}

func TestCurrenciesNeverMix(t *testing.T) {
	t.Parallel()
	cny, usd, absent := yuan("1"), MustMoney("1", "USD"), Money{}
	for _, meet := range []func(m, n Money) error{
		func(m, n Money) error { _, err := m.Add(n); return err },
		func(m, n Money) error { _, err := m.Sub(n); return err },
		func(m, n Money) error { _, err := m.Cmp(n); return err },
		func(m, n Money) error { _, err := Sum(m.Currency(), m, n); return err },
	} {
		require.NoError(t, meet(cny, cny))
		refused(t, "money.currency_mixed", meet(cny, usd))
		refused(t, "money.currency_mixed", meet(usd, cny))
		refused(t, "money.currency", meet(cny, absent))
		refused(t, "money.currency", meet(absent, cny))
		refused(t, "money.currency", meet(absent, absent))
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for want, pair := range map[int][2]Money{
		-1: {yuan("-1"), yuan("0")}, 0: {yuan("5"), yuan("5.00")}, 1: {largest, largest.Neg()},
	} {
		got, err := pair[0].Cmp(pair[1])
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	assert.Equal(t, []int{-1, 0, 1, 0}, []int{yuan("-1").Sign(), yuan("0").Sign(), yuan("1").Sign(), Money{}.Sign()})
}

func TestSum(t *testing.T) {
	t.Parallel()
	cny := largest.Currency()

	none, err := Sum(cny)
	require.NoError(t, err)
	assert.Equal(t, yuan("0"), none)

	total, err := Sum(cny, largest, largest, largest.Neg(), yuan("-0.01"))
	require.NoError(t, err, "only the total must fit")
	assert.Equal(t, yuan("92233720368547758.06"), total)

	_, err = Sum(cny, largest, yuan("0.01"))
	refused(t, "money.overflow", err)
	_, err = Sum(cny, largest.Neg(), yuan("-0.01")) // −2⁶³
	refused(t, "money.overflow", err)
	_, err = Sum(cny, largest.Neg(), yuan("-0.02"))
	refused(t, "money.overflow", err)
	_, err = Sum(0)
	refused(t, "money.currency", err)
}

func TestArithmeticDoesNotAllocate(t *testing.T) { // AllocsPerRun needs the test alone
	m, n, rate := yuan("12.34"), yuan("-20"), decimal.RequireFromString("0.088")
	var out Money
	var err error
	for name, do := range map[string]func(){
		"Add":     func() { out, err = m.Add(n) },
		"Sub":     func() { out, err = m.Sub(n) },
		"Cmp":     func() { _, err = m.Cmp(n) },
		"Neg":     func() { out = m.Neg() },
		"MulRate": func() { out, err = n.MulRate(rate, HalfEven) },
		"DivRate": func() { out, err = n.DivRate(rate, HalfUp) },
		"Sum":     func() { _, err = Sum(m.Currency(), m, n, m) },
	} {
		assert.Zero(t, testing.AllocsPerRun(100, do), name)
		require.NoError(t, err, name)
	}
	assert.False(t, out.Absent())
	weights := []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	assert.InDelta(t, 1, testing.AllocsPerRun(100, func() { _, err = m.Allocate(weights...) }), 0, "the parts")
	require.NoError(t, err)
}

func TestAbsentMoneyIsNotZero(t *testing.T) {
	t.Parallel()
	type bill struct {
		Price Money `json:"price"`
		Tip   Money `json:"tip,omitzero"`
	}

	data, err := json.Marshal(bill{Price: yuan("0"), Tip: yuan("0")})
	require.NoError(t, err)
	assert.JSONEq(t, `{"price":{"amount":"0.00","currency":"CNY"},"tip":{"amount":"0.00","currency":"CNY"}}`, string(data))

	data, err = json.Marshal(bill{Price: yuan("9")})
	require.NoError(t, err)
	assert.JSONEq(t, `{"price":{"amount":"9.00","currency":"CNY"}}`, string(data))
	var back bill
	require.NoError(t, json.Unmarshal(data, &back))
	assert.Equal(t, bill{Price: yuan("9")}, back)

	_, err = json.Marshal(bill{Tip: yuan("9")})
	refused(t, "money.currency", err)
	_, isZero := any(Money{}).(interface{ IsZero() bool })
	assert.False(t, isZero, "omitzero must go by absence alone")
	assert.True(t, back.Tip.Absent())
	assert.False(t, yuan("0").Absent())
	assert.Empty(t, back.Tip.String())
}

func TestMoneyJSONIsStrict(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"amount":"12.34","currency":"CNY"}`, `{"currency":"CNY","amount":"12.34"}`,
		` { "amount" : "12.340" , "currency" : "CNY" } `, "{\n\t\"currency\": \"CNY\",\r\n\t\"amount\": \"12.34\"\n}",
	} {
		var m Money
		require.NoError(t, json.Unmarshal([]byte(text), &m), text)
		assert.Equal(t, yuan("12.34"), m)
	}
	for code, texts := range map[string][]string{
		"money.number": {
			`12.34`, `-1`, `{"amount":12.34,"currency":"CNY"}`, `{"currency":"CNY","amount":1e999}`, `{"amount":"1e2","currency":"CNY"}`,
			`{"amount": -1 , "currency":"CNY"}`, `{"amount":7}`, `{"amount":"\u0031","currency":"CNY"}`,
		},
		"money.field": {
			`null`, `true`, `"12.34 CNY"`, `[]`, `["amount","1","currency","CNY"]`, `{}`, `{"amount":"1"}`, `{"currency":"CNY"}`,
			`{"amount":"1","currency":"CNY","note":""}`, `{"amount":"1","currency":"CNY","note":1}`, `{"note":1,"amount":"1","currency":"CNY"}`,
			`{"\u0061mount":"1","currency":"CNY"}`, `{"Amount":"1","currency":"CNY"}`, `{"amount":"1","CURRENCY":"CNY"}`, `{"amount":"1","amount":"1","currency":"CNY"}`,
			`{"amount":"1","amount":"1"}`, `{"currency":"CNY","sum":"1"}`, `{"sum":"1","currency":"CNY"}`, `{"amount":null,"currency":"CNY"}`, `{"amount":"1","currency":null}`, `{"amount":"1","currency":156}`,
			`{"amount":{"currency":"CNY"}}`, `{"amount":"1\"","currency":"CNY"}`, `{"amount":["1"],"currency":"CNY"}`, `{"amount":"1","currency":{}}`,
		},
		"money.currency": {`{"amount":"1","currency":""}`, `{"amount":"1","currency":"cny"}`, `{"amount":"1","currency":"XAU"}`},
		"money.scale":    {`{"amount":"1.005","currency":"CNY"}`},
		"money.overflow": {`{"amount":"92233720368547758.08","currency":"CNY"}`},
	} {
		for _, text := range texts {
			m := yuan("7")

			err := json.Unmarshal([]byte(text), &m)

			require.ErrorIs(t, err, ErrInvalid, text)
			assert.Equal(t, code, Code(err), text)
			assert.Equal(t, yuan("7"), m, "a failed read leaves the value")
		}
	}
	var m Money
	for _, broken := range []string{``, `{`, `{"amount":"1","currency":"CNY"`, `{"amount":"1" "currency":"CNY"}`,
		`{"currency":"CNY","amount":"1"`, `["amount":"1","currency":"CNY"}`, `"amount":"1","currency":"CNY"}`, `{"amount":"1","currency":"CNY"}{}`} {
		refused(t, "money.field", m.UnmarshalJSON([]byte(broken)))
	}
}

func TestAllocateVectors(t *testing.T) {
	t.Parallel()
	var vectors struct {
		Allocate [][3]json.RawMessage `json:"allocate"`
		Even     [][3]json.RawMessage `json:"allocate_to_n"`
	}
	require.NoError(t, json.Unmarshal(sharedMoneyData(t, moneyVectors), &vectors))
	require.Len(t, vectors.Allocate, 17)
	require.Len(t, vectors.Even, 4)

	for _, v := range vectors.Allocate {
		var weights []decimal.Decimal
		require.NoError(t, json.Unmarshal(v[1], &weights))
		whole := make([]int64, len(weights))
		for i, w := range weights { // only proportion counts: 0.33 to 0.66 is 33 to 66
			require.True(t, w.Shift(2).IsInteger())
			whole[i] = w.Shift(2).IntPart()
		}
		checkParts(t, v[0], whole, v[2])
	}
	for _, v := range vectors.Even {
		var n int
		require.NoError(t, json.Unmarshal(v[1], &n))
		checkParts(t, v[0], slices.Repeat([]int64{1}, n), v[2])
	}
}

// checkParts allocates JSON minor units and expects JSON parts.
func checkParts(t *testing.T, amount json.RawMessage, weights []int64, parts json.RawMessage) {
	t.Helper()
	var minor int64
	var want, got []int64
	require.NoError(t, json.Unmarshal(amount, &minor))
	require.NoError(t, json.Unmarshal(parts, &want))
	m, err := FromMinor(minor, largest.Currency())
	require.NoError(t, err)

	split, err := m.Allocate(weights...)

	require.NoError(t, err)
	for _, part := range split {
		assert.Equal(t, m.Currency(), part.Currency())
		got = append(got, part.Minor())
	}
	assert.Equal(t, want, got, "%d by %v", minor, weights)
}

func TestAllocateAtTheEdges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		m       Money
		weights []int64
		want    []string
	}{
		{yuan("0.01"), []int64{1}, []string{"0.01"}},
		{yuan("-0.01"), []int64{1, 1}, []string{"0", "-0.01"}},
		{yuan("-0.10"), []int64{1, 2}, []string{"-0.03", "-0.07"}},
		{yuan("-1.00"), []int64{1, 1, 1}, []string{"-0.33", "-0.33", "-0.34"}},
		{yuan("0.05"), []int64{0, 3, 0, 7, 0}, []string{"0", "0.02", "0", "0.03", "0"}},
		{yuan("0.10"), []int64{1, 2, 1}, []string{"0.03", "0.05", "0.02"}},
		{largest, []int64{1, math.MaxInt64 - 1}, []string{"0.01", "92233720368547758.06"}},
		{largest, []int64{math.MaxInt64}, []string{"92233720368547758.07"}},
		{largest.Neg(), []int64{1, 1}, []string{"-46116860184273879.03", "-46116860184273879.04"}},
		{largest.Neg(), []int64{3, 3, 3}, []string{"-30744573456182586.02", "-30744573456182586.02", "-30744573456182586.03"}},
	} {
		parts, err := c.m.Allocate(c.weights...)

		require.NoError(t, err)
		for i, part := range parts {
			assert.Equal(t, yuan(c.want[i]), part, "part %d of %s by %v", i, c.m, c.weights)
		}
	}
}

func TestAllocateRefuses(t *testing.T) {
	t.Parallel()
	for code, weights := range map[string][][]int64{
		"money.weights":  {nil, {}, {0}, {0, 0}, {-1}, {2, -1}, {math.MinInt64, 1}},
		"money.overflow": {{math.MaxInt64, 1}, {math.MaxInt64, math.MaxInt64, math.MaxInt64}},
	} {
		for _, w := range weights {
			_, err := yuan("1").Allocate(w...)
			refused(t, code, err)
		}
	}
	_, err := Money{}.Allocate(1)
	refused(t, "money.currency", err)
}
