package platform

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	currencyHistory = "../shared/data/specs/iso4217_codes-all.csv" // every code ever, as of January 2026
	currencyList    = "../shared/data/specs/iso4217_table_a1.xml"  // table A.1 of June 2024
	moneyVectors    = "../shared/data/vectors/moneyphp_allocate_round.json"
)

func sharedMoneyData(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is not there: the published data is not part of the module", path)
	}
	require.NoError(t, err)
	return data
}

// compiledCurrencies are the codes of the table with their decimals.
func compiledCurrencies() map[string]string {
	table := map[string]string{}
	for c := Currency(1); c.known(); c++ {
		table[c.String()] = string(rune('0' + c.Exponent()))
	}
	return table
}

func TestCurrenciesAreThePublishedOnes(t *testing.T) {
	t.Parallel()
	text := strings.TrimPrefix(string(sharedMoneyData(t, currencyHistory)), "\ufeff")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"Entity", "Currency", "AlphabeticCode", "NumericCode", "MinorUnit", "WithdrawalDate"}, rows[0])

	active, gone := map[string]string{}, map[string]bool{}
	for _, row := range rows[1:] {
		code, unit, withdrawn := row[2], row[4], row[5] != ""
		switch {
		case code == "": // Antarctica has none
		case withdrawn, unit == "-":
			gone[code] = true
		default:
			active[code] = unit
		}
	}
	maps.DeleteFunc(gone, func(code string, _ bool) bool { return active[code] != "" })

	assert.Equal(t, active, compiledCurrencies())
	require.Greater(t, len(gone), 100)
	for code := range gone {
		_, err := ParseCurrency(code)
		assert.Equal(t, "money.currency", Code(err), code)
	}
}

// Table A.1 of 2024 differs by what has come and gone since, and by no exponent.
func TestCurrenciesSinceTableA1(t *testing.T) {
	t.Parallel()
	var list struct {
		Entries []struct {
			Code string `xml:"Ccy"`
			Unit string `xml:"CcyMnrUnts"`
		} `xml:"CcyTbl>CcyNtry"`
	}
	require.NoError(t, xml.Unmarshal(sharedMoneyData(t, currencyList), &list))

	expected := map[string]string{"XAD": "2", "XCG": "2"} // new
	for _, e := range list.Entries {
		if e.Code != "" && e.Unit != "N.A." {
			expected[e.Code] = e.Unit
		}
	}
	for _, code := range []string{"ANG", "BGN", "CUC"} { // withdrawn
		require.Contains(t, expected, code)
		delete(expected, code)
	}

	assert.Equal(t, expected, compiledCurrencies())
}

func TestCurrencyExponents(t *testing.T) {
	t.Parallel()
	byExponent := map[int]string{}
	for c := Currency(1); c.known(); c++ {
		if c.Exponent() != 2 {
			byExponent[c.Exponent()] += c.String() + " "
		}
	}

	assert.Equal(t, map[int]string{
		0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF ",
		3: "BHD IQD JOD KWD LYD OMR TND ",
		4: "CLF UYW ",
	}, byExponent)
}

func TestCurrencyTableIsWellFormed(t *testing.T) {
	t.Parallel()
	require.Zero(t, len(currencies)%entryLen)
	var codes []string
	for entry := range slices.Chunk([]byte(currencies), entryLen) {
		assert.Regexp(t, `^[A-Z]{3}[0-4] $`, string(entry))
		codes = append(codes, string(entry[:3]))
	}

	assert.True(t, slices.IsSorted(codes))
	assert.Len(t, slices.Compact(slices.Clone(codes)), len(codes))
	for i, code := range codes {
		c, err := ParseCurrency(code)
		require.NoError(t, err)
		assert.Equal(t, Currency(i+1), c)
		assert.Equal(t, code, c.String())
	}
}

func TestParseCurrencyRefuses(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{
		"nothing": "", "a metal": "XAU", "a drawing right": "XDR", "a test code": "XTS", "no currency": "XXX",
		"withdrawn": "DEM", "lower case": "cny", "mixed case": "Cny", "a number": "156", "too short": "CN",
		"too long": "CNYX", "a blank": "CNY ", "first of all": "AAA", "last of all": "ZZZ", "a table entry": "CNY2",
		"wide letters": "ＣＮＹ",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c, err := ParseCurrency(code)

			assert.Zero(t, c)
			require.ErrorIs(t, err, ErrInvalid)
			assert.Equal(t, "money.currency", Code(err))
			assert.NotEqual(t, Text(err, "en"), Text(err, "zh"))
		})
	}
}

func TestNoCurrencyIsNeitherReadNorWritten(t *testing.T) {
	t.Parallel()
	beyond := Currency(len(currencies)/entryLen + 1)

	for _, c := range []Currency{0, beyond, 65535} {
		assert.Empty(t, c.String())
		assert.Zero(t, c.Exponent())
		_, err := c.MarshalText()
		assert.Equal(t, "money.currency", Code(err))
	}
	c := MustMoney("1", "CNY").Currency()
	assert.Equal(t, "money.currency", Code(c.UnmarshalText([]byte("nil"))))
	assert.Equal(t, "CNY", c.String(), "a failed read leaves the value")
}

func TestCurrencyTravelsAsText(t *testing.T) {
	t.Parallel()
	type limits struct {
		In      Currency           `json:"in,omitzero"`
		Minimum map[Currency]int64 `json:"minimum"`
	}
	jpy, err := ParseCurrency("JPY")
	require.NoError(t, err)

	data, err := json.Marshal(limits{Minimum: map[Currency]int64{jpy: 500}})
	require.NoError(t, err)
	assert.JSONEq(t, `{"minimum":{"JPY":500}}`, string(data))

	var back limits
	require.NoError(t, json.Unmarshal([]byte(`{"in":"JPY","minimum":{"JPY":500}}`), &back))
	assert.Equal(t, limits{In: jpy, Minimum: map[Currency]int64{jpy: 500}}, back)
}
