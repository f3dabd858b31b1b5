package platform

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// coded requires one of the refusals that a parser of money may give.
func coded(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, ErrInvalid)
	require.Regexp(t, `^money\.(currency|overflow|scale|number|field)$`, Code(err))
}

func FuzzParseMoney(f *testing.F) {
	for _, amount := range []string{"12.34", "-0.00", "1.234", "92233720368547758.08", "1e3", "+1", "١", "1.", ""} {
		f.Add(amount, "CNY")
	}
	f.Add("1000", "JPY")
	f.Add("1", "XAU")
	f.Fuzz(func(t *testing.T, amount, currency string) {
		m, err := ParseMoney(amount, currency)
		if err != nil {
			coded(t, err)
			return
		}

		require.LessOrEqual(t, len(amount), 24)
		require.Empty(t, strings.Trim(amount, "-.0123456789"))
		exact, err := decimal.NewFromString(amount)
		require.NoError(t, err)
		require.True(t, exact.Equal(m.Decimal()), "%s became %s", amount, m)
		text, code, _ := strings.Cut(m.String(), " ")
		again, err := ParseMoney(text, code)
		require.NoError(t, err)
		require.Equal(t, m, again)
		require.Equal(t, currency, code)
	})
}

func FuzzMoneyJSON(f *testing.F) {
	for _, text := range []string{
		`{"amount":"12.34","currency":"CNY"}`, `{"currency":"JPY","amount":"-5"}`, `{"amount":12.34,"currency":"CNY"}`,
		`{"amount":"1","amount":"2"}`, `{"amount":"1","currency":"CNY","x":[{}]}`, `null`, `12`, `{`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m Money
		if err := json.Unmarshal(data, &m); err != nil {
			if broken := (*json.SyntaxError)(nil); !errors.As(err, &broken) {
				coded(t, err)
			}
			require.True(t, m.Absent())
			require.Error(t, m.UnmarshalJSON(data))
			return
		}

		written, err := json.Marshal(m)
		require.NoError(t, err)
		var members, again map[string]string
		require.NoError(t, json.Unmarshal(data, &members), "only texts in one object are money")
		require.Len(t, members, 2)
		require.NoError(t, json.Unmarshal(written, &again))
		require.Equal(t, members["currency"], again["currency"])
		var back Money
		require.NoError(t, json.Unmarshal(written, &back))
		require.Equal(t, m, back)
	})
}

func FuzzAllocate(f *testing.F) {
	f.Add(int64(100), int64(1), int64(1), int64(1))
	f.Add(int64(-5), int64(7), int64(3), int64(0))
	f.Add(int64(-1<<63), int64(1<<62), int64(1<<62-1), int64(-1))
	f.Fuzz(func(t *testing.T, minor, a, b, c int64) {
		m, err := FromMinor(minor, yuan("1").Currency())
		if err != nil {
			coded(t, err)
			return
		}

		parts, err := m.Allocate(a, b, c)
		if err != nil {
			require.Contains(t, []string{"money.weights", "money.overflow"}, Code(err))
			return
		}

		whole, err := Sum(m.Currency(), parts...)
		require.NoError(t, err)
		require.Equal(t, m, whole)
		for i, weight := range []int64{a, b, c} {
			if weight == 0 {
				require.Zero(t, parts[i].Sign())
			}
			require.LessOrEqual(t, magnitude(parts[i].Minor()), magnitude(minor))
		}
	})
}

func BenchmarkMoneyAdd(b *testing.B) {
	m, n, d := yuan("12.34"), yuan("0.01"), decimal.New(1, -2)
	b.Run("money", func(b *testing.B) {
		for b.Loop() {
			m, _ = m.Add(n)
		}
	})
	b.Run("decimal", func(b *testing.B) {
		for sum := m.Decimal(); b.Loop(); {
			sum = sum.Add(d)
		}
	})
}

func BenchmarkMoneyMulRate(b *testing.B) {
	m, rate := yuan("1234.56"), decimal.RequireFromString("0.088")
	b.Run("money", func(b *testing.B) {
		for b.Loop() {
			_, _ = m.MulRate(rate, HalfEven)
		}
	})
	b.Run("decimal", func(b *testing.B) {
		for b.Loop() { // the same job, from minor units to minor units
			_ = decimal.New(m.Minor(), -2).Mul(rate).RoundBank(2).Shift(2).IntPart()
		}
	})
}

func BenchmarkMoneyAllocate(b *testing.B) {
	m := yuan("1234.56")
	for b.Loop() {
		_, _ = m.Allocate(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	}
}

func BenchmarkMoneyJSON(b *testing.B) {
	m := yuan("1234.56")
	for b.Loop() {
		data, _ := m.MarshalJSON()
		_ = m.UnmarshalJSON(data)
	}
}
