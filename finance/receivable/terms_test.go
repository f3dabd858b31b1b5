package receivable

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

var monday = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestTermsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	books := struct{ Books }{}
	assert.Panics(t, func() { New(platform.Writer{}, nil, Ports{}, nil) })
	assert.NotPanics(t, func() { New(platform.Writer{}, nil, Ports{Books: books}, nil) })
	for name, change := range map[string]func(*Terms){
		"days that do not rise":  func(t *Terms) { t.Ladder[1].Days = 3 },
		"a level before its due": func(t *Terms) { t.Ladder[0].Days = 0 },
		"a fee below zero":       func(t *Terms) { t.Ladder[1].Fee = decimal.New(-1, 0) },
		"a loss above all":       func(t *Terms) { t.Ladder[5].Allowance = decimal.New(2, 0) },
		"a rate above all":       func(t *Terms) { t.Rates[5] = decimal.New(2, 0) },
		"interest below zero":    func(t *Terms) { t.Interest = decimal.New(-1, 0) },
		"patience below zero":    func(t *Terms) { t.Grace = -1 },
	} {
		bad := Standard()
		change(&bad)
		assert.Panics(t, func() { New(platform.Writer{}, nil, Ports{Books: books}, &Options{Terms: bad}) }, name)
	}
}

func TestDaysAreThoseOfTheZone(t *testing.T) {
	t.Parallel()
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		zone     *time.Location
		from, to string
		days     int
	}{
		"one evening":           {time.UTC, "2026-03-02T00:00:00Z", "2026-03-02T23:59:59Z", 0},
		"over midnight":         {time.UTC, "2026-03-02T23:59:59Z", "2026-03-03T00:00:00Z", 1},
		"midnight is elsewhere": {shanghai, "2026-03-02T15:59:59Z", "2026-03-02T16:00:00Z", 1},
		"clocks go forward":     {berlin, "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", 2},
		"clocks go back":        {berlin, "2026-10-24T22:30:00Z", "2026-10-26T00:00:00Z", 1},
		"a leap day":            {time.UTC, "2028-02-28T12:00:00Z", "2028-03-01T12:00:00Z", 2},
		"backwards":             {time.UTC, "2026-03-05T12:00:00Z", "2026-03-02T12:00:00Z", -3},
	} {
		terms := Terms{Zone: c.zone}.ready()
		from, err := time.Parse(time.RFC3339, c.from)
		require.NoError(t, err)
		to, err := time.Parse(time.RFC3339, c.to)
		require.NoError(t, err)
		assert.Equal(t, c.days, terms.days(from, to), name)
	}
}

func TestAFeeHasItsLimitInEachCurrency(t *testing.T) {
	t.Parallel()
	level := Standard().Ladder[1]
	for amount, fee := range map[string]string{"100.00": "1.00", "4999.99": "50.00", "5000.00": "50.00", "90000.00": "50.00", "0.49": "0.00"} {
		got, err := level.fee(platform.MustMoney(amount, "CNY"))
		require.NoError(t, err)
		assert.Equal(t, fee+" CNY", got.String(), amount)
	}
	got, err := level.fee(platform.MustMoney("100.00", "EUR"))
	require.NoError(t, err)
	assert.Equal(t, "0.00 EUR", got.String())
}

func TestInterestIsSimpleAndRoundedOnce(t *testing.T) {
	t.Parallel()
	amount := platform.MustMoney("1000.00", "CNY")
	i, err := Item{Debtor: platform.NewID("mer", monday, 1, 1), Cause: Invoice, Source: platform.Ref{Kind: "invoice", ID: platform.NewID("inv", monday, 1, 1)}, Amount: amount, At: monday}.arisen(Standard())
	require.NoError(t, err)
	i.Interest.From = monday
	terms := Standard()
	for days, want := range map[int]string{0: "0.00", 1: "0.14", 73: "10.00", 365: "50.00", 730: "100.00"} {
		assert.Equal(t, want+" CNY", i.Accrued(monday.AddDate(0, 0, days), terms).String(), days)
	}
	split := i
	for range 365 { // counting each day changes nothing
		split = split.accrued(split.Interest.From.AddDate(0, 0, 1), terms)
	}
	assert.Equal(t, "50.00 CNY", split.Accrued(split.Interest.From, terms).String())
}

func FuzzReferences(f *testing.F) {
	f.Add("rent, INV-2026/7; thanks")
	f.Add("谢谢 rcv_01q868pjm0fvsbyttfaqt8032t")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		words := references(text)
		if len(words) > 20 || !slices.IsSorted(words) {
			t.Fatalf("%q", words)
		}
		for _, w := range words {
			if len(w) < 4 || len(w) > 64 || !strings.Contains(text, w) || strings.ContainsAny(w, " ,;\n") {
				t.Fatalf("%q of %q", w, text)
			}
		}
	})
}
