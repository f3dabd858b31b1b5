package invoice_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform/finance/invoice"
)

const signs = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// code is a valid unified social credit code.
var code = rapid.Custom(func(t *rapid.T) string {
	body := rapid.StringOfN(rapid.SampledFrom([]rune(signs)), 17, 17, -1).Draw(t, "body")
	sum, weight := 0, 1
	for _, sign := range body {
		sum, weight = sum+strings.IndexRune(signs, sign)*weight, weight*3%31
	}
	return body + string(signs[(31-sum%31)%31])
})

// GB 32100-2015.
func TestTheCheckDigitFindsEverySingleWrongSign(t *testing.T) {
	t.Parallel()
	require.NoError(t, invoice.CheckTaxID("91350100M000100Y43"), "the standard's own example")
	rapid.Check(t, func(t *rapid.T) {
		right := code.Draw(t, "code")
		require.NoError(t, invoice.CheckTaxID(right))

		wrong := []byte(right)
		at := rapid.IntRange(0, 17).Draw(t, "at")
		wrong[at] = rapid.SampledFrom([]byte(signs+"IOSVZ-")).Draw(t, "sign")
		if wrong[at] == right[at] {
			return
		}
		require.ErrorIs(t, invoice.CheckTaxID(string(wrong)), invoice.ErrTaxID)
	})
	for _, text := range []string{"", "9135010", "91350100m000100y43", "91350100M000100Y430", "９1350100M000100Y4"} {
		assert.ErrorIs(t, invoice.CheckTaxID(text), invoice.ErrTaxID, text)
	}
}

func FuzzCheckTaxID(f *testing.F) {
	f.Add("91350100M000100Y43")
	f.Add("王")
	f.Fuzz(func(t *testing.T, text string) {
		if invoice.CheckTaxID(text) == nil && strings.Trim(text, signs) != "" {
			t.Errorf("%q has other signs", text)
		}
	})
}
