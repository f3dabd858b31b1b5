package verification

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// vectors are synthetic numbers with the verdict of python-stdnum.
type vectors struct {
	RIC, USCC []struct{ ID, Verdict, Why, Birth string }
	Luhn      []struct{ N, Verdict, Why string }
}

func readVectors(t *testing.T) (v vectors) {
	t.Helper()
	path := os.Getenv("PLATFORM_VECTORS")
	if path == "" {
		path = "../../../shared/data/vectors"
	}
	raw, err := os.ReadFile(path + "/cn_ids_synthetic.json")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("no cn_ids_synthetic.json beside the module, nor where PLATFORM_VECTORS points: synthetic Chinese numbers with python-stdnum's verdicts")
	}
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &v))
	return v
}

// policies are where this package differs from the reference on purpose; see
// [Number].
var policies = map[string]func(id, why string) bool{
	"county not in force at birth": func(_, why string) bool {
		return why == "area code not in force at the birth year (strict tables only)"
	},
	"registrars A and Y": func(id, why string) bool {
		return why == "" && (id[0] == 'A' || id[0] == 'Y')
	},
}

func TestNumbersAgreeWithTheReferenceOrFallUnderAPolicy(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	differ := map[string]int{}
	check := func(kind Number, id, verdict, why string) {
		if err := kind.Check(id); (err == nil) == (verdict == "valid") {
			return
		}
		for name, policy := range policies {
			if policy(id, why) {
				differ[name]++
				return
			}
		}
		assert.Fail(t, "differs without a policy", "%s %s: %s (%s)", kind, id, verdict, why)
	}
	for _, c := range v.RIC {
		check(ResidentID, c.ID, c.Verdict, c.Why)
		if c.Birth != "" {
			born, err := Birth(c.ID, noon)
			require.NoError(t, err)
			assert.Equal(t, c.Birth, born.Format(time.DateOnly))
		}
	}
	for _, c := range v.USCC {
		check(CreditCode, c.ID, c.Verdict, c.Why)
	}
	for _, c := range v.Luhn {
		check(BankCard, c.N, c.Verdict, c.Why)
	}

	require.NotEmpty(t, v.RIC)
	require.NotEmpty(t, v.USCC)
	require.NotEmpty(t, v.Luhn)
	for name, n := range differ {
		t.Logf("%s: %d numbers accepted that the reference refuses", name, n)
	}
	for name := range policies {
		assert.Positive(t, differ[name], "no number falls under %s: is the policy needed?", name)
	}
}

func TestNumbersSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind Number
		text string
		want error
	}{
		{ResidentID, "11010519491231002X", nil},
		{ResidentID, "１１０１０５ 19491231-002x", nil},
		{ResidentID, "11010519491231002", ErrNumberLength},
		{ResidentID, "1101051949123100AX", ErrNumberFormat},
		{ResidentID, "110105194912310021", ErrNumberSum},
		{ResidentID, "230706200013310 91X", ErrNumberPart},
		{CreditCode, goodCode, nil},
		{CreditCode, "91350100-m000100y43", nil},
		{CreditCode, "91350100M000100Y4I", ErrNumberFormat},
		{CreditCode, "91350100M000100Y44", ErrNumberSum},
		{CreditCode, "91350100M000100Y4", ErrNumberLength},
		{BankCard, goodCard, nil},
		{BankCard, "4111 1111 1111 1112", ErrNumberSum},
		{BankCard, "41111111", ErrNumberLength},
		{BankCard, "4111x11111111111", ErrNumberFormat},
		{Phone, "138 0013 8000", nil},
		{Phone, "+44 20 7946 0958", nil},
		{Phone, "+0447946095800", ErrNumberFormat},
		{Phone, "12800138000", ErrNumberFormat},
		{Phone, "1380013800", ErrNumberLength},
		{Phone, "", ErrNumberFormat},
		{"", "whatever", nil},
	} {
		assert.ErrorIs(t, c.kind.Check(c.text), c.want, "%s %q", c.kind, c.text)
	}
	_, err := Birth("11010519491231002X", time.Date(1940, 1, 1, 0, 0, 0, 0, time.UTC))
	assert.ErrorIs(t, err, ErrNumberPart, "born after now")
}

// TestAChangedDigitIsNoticed: every resident id, code and card whose one digit is
// another is refused.
func TestAChangedDigitIsNoticed(t *testing.T) {
	t.Parallel()
	for kind, good := range map[Number]string{ResidentID: "11010519491231002X", CreditCode: goodCode, BankCard: goodCard} {
		for i := range good {
			for c := byte('0'); c <= '9'; c++ {
				bad := good[:i] + string(c) + good[i+1:]
				assert.Equal(t, bad == good, kind.Check(bad) == nil, "%s %s", kind, bad)
			}
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, seed := range []string{"11010519491231002X", goodCode, goodCard, "+4420", "", "Ａ１", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range numbers {
			clean := kind.Clean(text)
			assert.Equal(t, kind.Check(text), kind.Check(clean), "cleaning twice changes nothing")
			assert.Equal(t, clean, kind.Clean(clean))
		}
	})
}
