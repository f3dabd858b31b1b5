package settlement_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/store/sandbox"
)

func TestCyclesEndAtMidnightOfTheirZone(t *testing.T) {
	t.Parallel()
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	at := func(text string) time.Time {
		when, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return when
	}
	for _, c := range []struct {
		cycle    settlement.Cycle
		zone     *time.Location
		at, want string
	}{
		{settlement.Daily, time.UTC, "2026-03-02T12:00:00Z", "2026-03-03T00:00:00Z"},
		{settlement.Daily, time.UTC, "2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z"},
		{settlement.Daily, shanghai, "2026-03-02T15:59:59Z", "2026-03-02T16:00:00Z"},
		{settlement.Daily, shanghai, "2026-03-02T16:00:00Z", "2026-03-03T16:00:00Z"},
		{"t+1", time.UTC, "2026-03-02T12:00:00Z", "2026-03-03T00:00:00Z"},
		{settlement.Weekly, time.UTC, "2026-03-02T12:00:00Z", "2026-03-09T00:00:00Z"},
		{settlement.Weekly, time.UTC, "2026-03-08T23:59:59Z", "2026-03-09T00:00:00Z"},
		{settlement.Weekly, time.UTC, "2026-03-09T00:00:00Z", "2026-03-16T00:00:00Z"},
		{settlement.Weekly, berlin, "2026-03-28T12:00:00Z", "2026-03-29T22:00:00Z"}, // the day on which clocks change
		{settlement.Monthly, time.UTC, "2024-02-29T12:00:00Z", "2024-03-01T00:00:00Z"},
		{settlement.Monthly, time.UTC, "2026-01-31T12:00:00Z", "2026-02-01T00:00:00Z"},
		{settlement.Monthly, time.UTC, "2026-12-31T23:00:00Z", "2027-01-01T00:00:00Z"},
	} {
		assert.Equal(t, at(c.want), c.cycle.End(at(c.at), c.zone), "%s from %s", c.cycle, c.at)
	}
}

// Windows of a cycle follow upon each other without gap, and never stand still.
func TestWindowsNeverStandStill(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom([]string{"UTC", "Asia/Shanghai", "America/Sao_Paulo", "Europe/Berlin", "Pacific/Apia"}).Draw(r, "zone"))
		require.NoError(r, err)
		cycle := rapid.SampledFrom([]settlement.Cycle{settlement.Daily, settlement.Weekly, settlement.Monthly, "t+3"}).Draw(r, "cycle")
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(r, "at"), 0).UTC()

		end := cycle.End(at, zone)

		require.True(r, end.After(at))
		require.True(r, cycle.End(end, zone).After(end))
		require.Equal(r, end, cycle.End(end.Add(-time.Microsecond), zone))
	})
}

func TestStatementHasWhatWasBookedInItsWindow(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	v.earn(t, merchant.ID, "40.00") // before there was an account
	a := v.account(t, merchant, sandbox.OK)
	v.earn(t, merchant.ID, "60.00")
	_, err := v.post("fine.imposed", "chg", leg("payable", merchant.ID, "", yuan("15.00")), leg("penalty", "", "", yuan("-15.00")))
	require.NoError(t, err)
	v.clock.Advance(7 * 24 * time.Hour)
	v.earn(t, merchant.ID, "5.00") // after the window, and before it is cut
	require.NoError(t, v.after(0))

	page, err := v.s.Statements(by(merchant), a.ID, "", "")
	require.NoError(t, err)
	require.Len(t, page.Items, 2)
	open, cut := page.Items[0], page.Items[1]
	assert.Equal(t, settlement.StatementCut, cut.State)
	assert.Equal(t, "0.00 CNY", cut.Opening.String())
	assert.Equal(t, "85.00 CNY", cut.Closing.String())
	assert.Equal(t, []settlement.Total{{What: "fine.imposed", Count: 1, Amount: yuan("-15.00")}, {What: "order.closed", Count: 2, Amount: yuan("100.00")}}, cut.Totals)
	assert.Equal(t, settlement.StatementOpen, open.State)
	assert.Equal(t, cut.Closing, open.Opening)
	assert.Equal(t, cut.To, open.From)
	assert.Equal(t, cut.Last, open.After)
	lines, err := v.s.Lines(by(merchant), cut.ID, "")
	require.NoError(t, err)
	require.Len(t, lines.Items, 3)
	assert.Equal(t, "85.00 CNY", lines.Items[2].After.String())
	lines, err = v.s.Lines(by(merchant), open.ID, "")
	require.NoError(t, err)
	require.Len(t, lines.Items, 1)
	assert.Equal(t, "5.00 CNY", lines.Items[0].Amount.String())
	v.sound(t)
}

// Opening and entries are the closing, each entry is in one statement, and no
// figure moves once it is cut.
func TestEveryEntryIsInOneStatement(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		v := newWorld(setup{terms: settlement.Terms{Cycles: map[string]settlement.Cycle{"mer": rapid.SampledFrom([]settlement.Cycle{settlement.Daily, settlement.Weekly, "t+2"}).Draw(r, "cycle")}}})
		a := v.account(r, merchant, sandbox.OK)
		seen := map[platform.ID]settlement.Statement{}
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			for range rapid.IntRange(0, 3).Draw(r, "orders") {
				v.earn(r, merchant.ID, strconv.Itoa(rapid.IntRange(1, 500).Draw(r, "amount"))+".00")
			}
			require.NoError(r, v.after(time.Duration(rapid.IntRange(1, 200).Draw(r, "hours"))*time.Hour))
			for _, st := range each[settlement.Statement](r, v, "settlement.statement") {
				if before, known := seen[st.ID]; known {
					require.Equal(r, before.Totals, st.Totals)
					require.Equal(r, before.Closing, st.Closing)
				}
				if st.State != settlement.StatementOpen {
					seen[st.ID] = st
				}
			}
		}
		require.NoError(r, v.after(40*24*time.Hour))
		chain := each[settlement.Statement](r, v, "settlement.statement")
		slices.SortFunc(chain, func(a, b settlement.Statement) int { return a.No - b.No })
		var lines []int64
		for _, st := range chain {
			for cursor := ""; ; {
				page, err := v.s.Lines(by(merchant), st.ID, cursor)
				require.NoError(r, err)
				for _, e := range page.Items {
					lines = append(lines, e.Seq)
				}
				if cursor = page.Next; cursor == "" {
					break
				}
			}
		}
		for i, seq := range lines {
			require.Equal(r, int64(i+1), seq)
		}
		require.Len(r, lines, int(entries(r, v, a.Party)))
		v.sound(r)
	})
}

// entries is how many entries a party's payable has.
func entries(t require.TestingT, v *world, party platform.ID) int64 {
	counts, err := v.books.Store.Counts(context.Background(), platform.Counter("posted:payable:"+string(party), "CNY"))
	require.NoError(t, err)
	return counts[0].Seq
}

func TestSilenceConfirmsAfterThreeDays(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := v.account(t, merchant, sandbox.OK)
	v.earn(t, merchant.ID, "100.00")
	require.NoError(t, v.after(7*24*time.Hour))
	st := v.latest(t, a)
	require.Equal(t, settlement.StatementCut, st.State)

	require.NoError(t, v.after(72*time.Hour-time.Second))
	assert.Equal(t, settlement.StatementCut, v.statement(t, st.ID).State)
	require.NoError(t, v.after(time.Second))

	st = v.statement(t, st.ID)
	assert.Equal(t, settlement.StatementConfirmed, st.State)
	assert.True(t, st.Silently)
	assert.Equal(t, []string{"settlement.cut", "settlement.confirmed"}, v.events(t, st.Ref()))
}

// T+n counts workdays: a Friday's sales are paid after the weekend.
func TestWorkdaysOfTPlusN(t *testing.T) {
	t.Parallel()
	office := platform.Hours{Zone: "UTC", Week: [7]string{time.Monday: "09:00-18:00", time.Tuesday: "Monday", time.Wednesday: "Monday", time.Thursday: "Monday", time.Friday: "Monday"}}
	calendar, err := office.Calendar()
	require.NoError(t, err)
	v := newWorld(setup{terms: settlement.Terms{Cycles: map[string]settlement.Cycle{"mer": "t+1"}, Calendar: calendar}})
	v.clock.Advance(4 * 24 * time.Hour) // Friday
	a := v.account(t, merchant, sandbox.OK)
	v.earn(t, merchant.ID, "100.00")

	require.NoError(t, v.after(24*time.Hour)) // Saturday

	assert.Equal(t, time.Date(2026, 3, 9, 18, 0, 0, 0, time.UTC), v.latest(t, a).Due)
}

func TestPartyQueriesAndAnOperatorAnswers(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := v.account(t, merchant, sandbox.OK)
	v.earn(t, merchant.ID, "100.00")
	require.NoError(t, v.after(7*24*time.Hour))
	st := v.latest(t, a)

	_, err := v.s.QueryStatement(by(merchant), settlement.QueryStatement{Statement: st.ID, Line: 2, Reason: "unknown_order"})
	require.ErrorIs(t, err, settlement.ErrLine)
	_, err = v.s.QueryStatement(by(stranger), settlement.QueryStatement{Statement: st.ID, Line: 1, Reason: "unknown_order"})
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = v.s.QueryStatement(by(merchant), settlement.QueryStatement{Statement: st.ID, Line: 1, Reason: "unknown_order"})
	require.NoError(t, err)
	require.NoError(t, v.after(30*24*time.Hour))
	assert.Equal(t, settlement.StatementQueried, v.statement(t, st.ID).State, "silence does not end a question")
	assert.Empty(t, v.run(t, "r1").Count, "and nothing is paid")
	_, err = v.s.AnswerStatement(by(merchant), settlement.AnswerStatement{Statement: st.ID, Answer: "correct"})
	require.ErrorIs(t, err, platform.ErrDenied)
	got, err := v.s.AnswerStatement(by(clerk), settlement.AnswerStatement{Statement: st.ID, Answer: "correct"})
	require.NoError(t, err)
	assert.Equal(t, settlement.StatementConfirmed, got.State)
	assert.Equal(t, st.Closing, got.Closing, "an answer corrects no figure")
	_, err = v.s.ConfirmStatement(by(merchant), settlement.ConfirmStatement{Statement: st.ID})
	require.ErrorIs(t, err, settlement.ErrStatement)
	assert.EqualValues(t, 1, v.run(t, "r2").Count)
}

// A party with many entries: a statement keeps sums alone, and lines come in
// pages.
func TestStatementOfManyEntriesKeepsSumsAlone(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := v.account(t, merchant, sandbox.OK)
	for range 1203 {
		_, err := v.post("reward.granted", "chg", leg("reward", "", "", yuan("1.00")), leg("payable", merchant.ID, "", yuan("-1.00")))
		require.NoError(t, err)
	}
	require.NoError(t, v.after(7*24*time.Hour))

	st := v.latest(t, a)
	assert.Equal(t, []settlement.Total{{What: "reward.granted", Count: 1203, Amount: yuan("1203.00")}}, st.Totals)
	seen := 0
	for cursor := ""; ; {
		page, err := v.s.Lines(by(merchant), st.ID, cursor)
		require.NoError(t, err)
		assert.LessOrEqual(t, len(page.Items), 100)
		seen += len(page.Items)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	assert.Equal(t, 1203, seen)
}

func TestNothingBookedExtendsTheWindow(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{terms: settlement.Terms{Cycles: map[string]settlement.Cycle{"mer": settlement.Daily}}})
	a := v.account(t, merchant, sandbox.OK)

	require.NoError(t, v.after(100*24*time.Hour))
	v.earn(t, merchant.ID, "100.00")
	require.NoError(t, v.after(24*time.Hour))

	page, err := v.s.Statements(by(merchant), a.ID, "", "")
	require.NoError(t, err)
	require.Len(t, page.Items, 2, "no statement of nothing")
	assert.Equal(t, 1, page.Items[1].No)
	assert.Equal(t, "100.00 CNY", page.Items[1].Closing.String())
}

// latest is the last statement that was cut.
func (v *world) latest(t require.TestingT, a settlement.Account) settlement.Statement {
	page, err := v.s.Statements(by(clerk), a.ID, "", "")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(page.Items), 2)
	return page.Items[1]
}

func (v *world) statement(t require.TestingT, id platform.ID) settlement.Statement {
	st, err := v.s.Statement(by(clerk), id)
	require.NoError(t, err)
	return st
}

// What is paid between the end of a statement and its cut is not in its closing,
// and is not promised a second time.
func TestPaidBetweenEndAndCutIsNotPromisedTwice(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := ready(t, v, "100.00", sandbox.OK)
	p := v.approved(t, a)
	v.earn(t, merchant.ID, "30.00")
	open, err := v.s.Statements(by(clerk), a.ID, settlement.StatementOpen, "")
	require.NoError(t, err)
	v.clock.Advance(open.Items[0].To.Add(time.Minute).Sub(v.clock.Now())) // its end, and no tick
	_, err = v.s.SendPayout(by(third), settlement.SendPayout{Payout: p.ID})
	require.NoError(t, err)
	v.clock.Advance(2 * time.Minute)
	_, err = v.s.LookPayout(by(third), settlement.LookPayout{Payout: p.ID})
	require.NoError(t, err)
	require.Equal(t, settlement.PayoutPaid, v.payout(t, p.ID).State)
	v.earn(t, merchant.ID, "70.00")
	v.confirmed(t)

	assert.Equal(t, "30.00 CNY", v.run(t, "r2").Amount.String(), "the seventy are in no statement that was confirmed")
}
