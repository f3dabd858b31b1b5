package finance

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
)

var _ interface {
	Quote(ctx context.Context, merchant platform.ID, at time.Time, lines []platform.Leg) (string, []platform.Leg, error)
} = Fees{}

func TestFeesAreThoseOfTheVectors(t *testing.T) {
	t.Parallel()
	var rows []struct {
		Amount, Currency, Fee string
		Rate                  decimal.Decimal
		Rounding              platform.Rounding
	}
	raw, err := os.ReadFile("testdata/fees.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &rows))
	require.NotEmpty(t, rows)
	for _, r := range rows {
		fees := Fees{Version: "v", Rate: r.Rate, Rounding: r.Rounding}
		line := platform.Leg{Role: "service", Amount: platform.MustMoney(r.Amount, r.Currency)}

		_, got, err := fees.Quote(context.Background(), merchant, noon, []platform.Leg{line})

		require.NoError(t, err)
		assert.Equal(t, platform.MustMoney(r.Fee, r.Currency), got[0].Amount, "%+v", r)
	}
}

func TestTheStandardFeeIsTenPercent(t *testing.T) {
	t.Parallel()
	lines := []platform.Leg{dr("service", "99.99"), dr("freight", "0.05"), dr("freight", "0")}

	version, fees, err := Fees{}.Quote(context.Background(), merchant, noon, lines)

	require.NoError(t, err)
	assert.Equal(t, "standard-1", version)
	assert.Equal(t, []platform.Leg{dr("commission", "10.00"), dr("commission", "0"), dr("commission", "0")}, fees)
}

func TestOnlyKindsOfTheScheduleBearAFee(t *testing.T) {
	t.Parallel()
	schedule := Fees{Version: "services-2", Rate: decimal.RequireFromString("0.2"), Kinds: []string{"service"}}

	_, fees, err := schedule.Quote(context.Background(), merchant, noon, []platform.Leg{dr("freight", "10.00"), dr("service", "10.00")})

	require.NoError(t, err)
	assert.Equal(t, []platform.Leg{dr("commission", "0"), dr("commission", "2.00")}, fees)
}

func TestSchedulesThatCannotBeUsedAreRefused(t *testing.T) {
	t.Parallel()
	line := []platform.Leg{dr("service", "1.00")}
	for name, c := range map[string]struct {
		Fees
		lines []platform.Leg
		want  error
		code  string
	}{
		"no version":      {Fees{Rate: decimal.New(2, -1)}, line, ErrFeeVersion, "fee.version"},
		"negative":        {Fees{Version: "v", Rate: decimal.New(-1, -2)}, line, ErrFeeRange, "fee.range"},
		"more than all":   {Fees{Version: "v", Rate: decimal.New(101, -2)}, line, ErrFeeRange, "fee.range"},
		"17 places":       {Fees{Version: "v", Rate: decimal.New(1, -17)}, line, platform.ErrInvalid, "money.rate"},
		"no rounding":     {Fees{Version: "v", Rate: decimal.New(1, -1), Rounding: "nearest"}, line, platform.ErrInvalid, "money.rate"},
		"line of nothing": {Fees{}, []platform.Leg{{Role: "service"}}, platform.ErrInvalid, "money.currency"},
	} {
		_, _, err := c.Quote(context.Background(), merchant, noon, c.lines)
		require.ErrorIs(t, err, c.want, name)
		assert.Equal(t, c.code, platform.Code(err), name)
	}
}

func TestAFeeNeverExceedsItsLine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		currency, _ := platform.ParseCurrency(rapid.SampledFrom([]string{"CNY", "JPY", "KWD"}).Draw(t, "currency"))
		total, _ := platform.FromMinor(rapid.Int64Range(0, 1<<53).Draw(t, "total"), currency)
		schedule := Fees{
			Version: "v", Rate: decimal.New(rapid.Int64Range(0, 1_000_000).Draw(t, "millionths"), -6),
			Rounding: rapid.SampledFrom([]platform.Rounding{platform.HalfEven, platform.HalfUp, platform.Up, platform.Down}).Draw(t, "rounding"),
		}

		_, fees, err := schedule.Quote(context.Background(), merchant, noon, []platform.Leg{{Role: "service", Amount: total}})

		require.NoError(t, err)
		rest, err := total.Sub(fees[0].Amount)
		require.NoError(t, err)
		require.GreaterOrEqual(t, rest.Sign(), 0)
		require.GreaterOrEqual(t, fees[0].Amount.Sign(), 0)
	})
}
