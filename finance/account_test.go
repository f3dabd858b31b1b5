package finance

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// of is an account of the role as the chart keeps it.
func of(l line) Account {
	a := Account{Role: l.Role}
	if l.Of {
		a.Of = order.ID
	}
	if l.Party {
		a.Party = merchant
	}
	return a
}

func TestEveryAccountHasATextOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, l := range chart {
		a := of(l)

		parsed, err := ParseAccount(a.String())

		require.NoError(t, err)
		assert.Equal(t, a, parsed)
		for _, which := range []string{posted, available} {
			got, account, currency, err := counted(a.counter(which, "CNY"))
			require.NoError(t, err)
			assert.Equal(t, []any{which, a, "CNY"}, []any{got, account, currency})
		}
	}
}

func TestTheChartIsInOrder(t *testing.T) {
	t.Parallel()
	normal := map[Class]side{Asset: debit, Expense: debit, Liability: credit, Equity: credit, Income: credit, Memo: credit}
	first := map[Class]int{Asset: 1, Liability: 2, Equity: 3, Income: 4, Expense: 5, Memo: 9}
	used := map[string]bool{}
	for _, r := range recipes {
		for _, role := range slices.Concat(r.Debit, r.Credit) {
			used[role] = true
		}
	}
	for i, l := range chart {
		contra := l.Role == "allowance" || l.Role == "plan"
		assert.Equal(t, contra, normal[l.Class] != l.Normal, l.Role)
		assert.Equal(t, first[l.Class], l.Code/1000, l.Role)
		assert.True(t, used[l.Role], "%s is in no recipe", l.Role)
		assert.True(t, i == 0 || chart[i-1].Code < l.Code, "%s is out of order", l.Role)
	}
	assert.Len(t, used, len(chart), "recipes name roles that the chart lacks")
}

func TestEveryRoleHasItsStatutoryCode(t *testing.T) {
	t.Parallel()
	for _, l := range chart {
		code := PRC().Code(Account{Role: l.Role})
		assert.Equal(t, l.Class == Memo, code == "", l.Role)
	}
	assert.Equal(t, "2202", PRC().Code(Account{Role: "payable", Party: merchant}))
	assert.Equal(t, "2211", PRC().Code(Account{Role: "payable", Party: member}), "what staff have earned is pay")
}

func TestAccountsAreKeptAsTheChartSays(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{
		"", ":", "cash", "Escrow", "escrow", "escrow:", "escrow:sandbox", "escrow:" + string(merchant) + ":x",
		"payable", "payable:", "payable:a:b", "payable:Sandbox", "payable:a/b", "payable:" + strings.Repeat("a", 65),
		"opening:x", "commission:", "commission:A", "earning:" + string(order.ID), "earning:" + string(order.ID) + ":",
	} {
		_, err := ParseAccount(wrong)
		require.ErrorIs(t, err, ErrRole, "%q", wrong)
		assert.ErrorIs(t, new(Account).UnmarshalText([]byte(wrong)), ErrRole)
	}
	for _, wrong := range []Account{
		{Role: "commission", Of: order.ID}, {Role: "payable", Of: order.ID, Party: merchant}, {Role: "escrow", Of: order.ID, Party: merchant},
		{Role: "escrow", Of: "ord_short"}, {Role: "clearing", Party: "a:b"},
	} {
		_, err := wrong.line()
		require.ErrorIs(t, err, ErrRole, "%+v", wrong)
	}
}

func TestOtherCountersAreNotOfTheBooks(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"quota:escrow", "posted", "postedescrow", "available"} {
		which, _, _, err := counted(platform.Counter(name, "CNY"))
		require.NoError(t, err)
		assert.Empty(t, which, name)
	}
	which, _, _, err := counted(platform.Counter("posted:cash", "CNY"))
	require.ErrorIs(t, err, ErrRole)
	assert.Equal(t, posted, which)
}

func FuzzParseAccount(f *testing.F) {
	for _, l := range chart {
		f.Add(of(l).String())
	}
	f.Add("escrow:::")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAccount(text)
		if err != nil {
			require.ErrorIs(t, err, ErrRole)
			return
		}
		require.Equal(t, text, a.String())
		_, err = a.line()
		require.NoError(t, err)
	})
}
