package invoice

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
)

func yuan(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }

func fen(minor int64) platform.Money {
	m, err := platform.FromMinor(minor, yuan("0.00").Currency())
	if err != nil {
		panic(err)
	}
	return m
}

func lines(rate string, amounts ...string) (all []Line) {
	for i, a := range amounts {
		all = append(all, Line{No: i + 1, Rate: decimal.RequireFromString(rate), Gross: yuan(a)})
	}
	return all
}

// Finance §1: 10.00 at 6 % = 9.43 + 0.57.
func TestTaxIsInsideTheGross(t *testing.T) {
	t.Parallel()
	d, err := document(lines("0.06", "10.00"), ByLine, platform.HalfUp)
	require.NoError(t, err)
	assert.Equal(t, []platform.Money{yuan("9.43"), yuan("0.57"), yuan("10.00")}, []platform.Money{d.Net, d.Tax, d.Gross})
}

func TestByDocumentTheLargestLineTakesTheDifference(t *testing.T) {
	t.Parallel()
	byLine, err := document(lines("0.06", "0.10", "0.10", "0.12"), ByLine, platform.HalfUp)
	require.NoError(t, err)
	byDocument, err := document(lines("0.06", "0.10", "0.10", "0.12"), ByDocument, platform.HalfUp)
	require.NoError(t, err)

	assert.Equal(t, yuan("0.03"), byLine.Tax)
	assert.Equal(t, yuan("0.02"), byDocument.Tax)
	assert.Equal(t, []platform.Money{yuan("0.01"), yuan("0.01"), yuan("0.00")}, []platform.Money{byDocument.Lines[0].Tax, byDocument.Lines[1].Tax, byDocument.Lines[2].Tax})
}

// drawn are lines of two rates.
func drawn(t *rapid.T) (all []Line) {
	for i := range rapid.IntRange(1, 8).Draw(t, "lines") {
		rate := rapid.SampledFrom([]string{"0", "0.01", "0.03", "0.06", "0.13"}).Draw(t, "rate")
		all = append(all, Line{No: i + 1, Rate: decimal.RequireFromString(rate), Gross: fen(rapid.Int64Range(1, 100_000).Draw(t, "gross"))})
	}
	return all
}

func TestLinesMakeTheirDocument(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		by := rapid.SampledFrom([]TaxBy{ByLine, ByDocument}).Draw(t, "by")
		mode := rapid.SampledFrom([]platform.Rounding{platform.HalfUp, platform.HalfEven, platform.Down}).Draw(t, "mode")
		d, err := document(drawn(t), by, mode)
		require.NoError(t, err)

		gross, tax := map[string]int64{}, map[string]int64{}
		for _, l := range d.Lines {
			require.Equal(t, l.Gross, plus(l.Net, l.Tax))
			alone, err := l.Gross.DivRate(one.Add(l.Rate), mode)
			require.NoError(t, err)
			require.LessOrEqual(t, max(alone.Minor()-l.Net.Minor(), l.Net.Minor()-alone.Minor()), int64(1))
			gross[l.Rate.String()] += l.Gross.Minor()
			tax[l.Rate.String()] += l.Tax.Minor()
		}
		require.Equal(t, d.Gross, plus(d.Net, d.Tax))
		if by == ByLine {
			return
		}
		for rate, sum := range gross {
			net, err := fen(sum).DivRate(one.Add(decimal.RequireFromString(rate)), mode)
			require.NoError(t, err)
			require.Equal(t, sum-net.Minor(), tax[rate], rate)
		}
	})
}

// Invariant 7: red letters over all of an invoice take back all of its tax.
func TestRedLettersInPartsTakeBackTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d, err := document(drawn(t), ByDocument, platform.HalfUp)
		require.NoError(t, err)
		v := Invoice{State: Issued, Document: d, Red: fen(0)}
		tax := fen(0)
		for v.Left().Sign() > 0 {
			l := v.Lines[rapid.IntRange(0, len(v.Lines)-1).Draw(t, "line")]
			left := minus(l.Gross, l.Red).Minor()
			if left == 0 {
				continue
			}
			next, letter, err := v.AskRed([]Part{{l.No, fen(rapid.Int64Range(1, left).Draw(t, "part"))}}, "refund", platform.SystemActor("test"), v.At)
			require.NoError(t, err)
			require.GreaterOrEqual(t, letter.Tax.Sign(), 0)
			require.GreaterOrEqual(t, letter.Net.Sign(), 0)
			letter.State, tax = LetterIssued, plus(tax, letter.Tax)
			v, err = next.ended(letter)
			require.NoError(t, err)
		}
		require.Equal(t, Red, v.State)
		require.Equal(t, d.Tax, tax)
	})
}
