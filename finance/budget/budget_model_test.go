package budget_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/budget"
)

// ledger is what a line should hold, in fen.
type ledger struct {
	plan, allowed  int64
	open           map[int]int64 // by source
	totalCommitted int64
	totalSpent     int64
}

func (l *ledger) free() int64 { return l.plan + l.allowed - l.totalCommitted - l.totalSpent }

// act is what the act should do; false if the line has not enough.
func (l *ledger) act(what string, source int, amount int64) bool {
	open := l.open[source]
	committed, spent := l.totalCommitted, l.totalSpent
	switch what {
	case "budget.committed":
		committed += amount - open
		open = amount
	case "budget.spent":
		committed, spent = committed-min(open, amount), spent+amount
		open = max(open-amount, 0)
	case "budget.settled":
		committed, spent, open = committed-open, spent+amount, 0
	case "budget.released":
		committed, open = committed-open, 0
	}
	if l.plan+l.allowed-committed-spent < 0 {
		return false
	}
	l.open[source], l.totalCommitted, l.totalSpent = open, committed, spent
	return true
}

// TestALineIsWhatAModelSaysItIs: whatever sources do, and however plans move, a
// line holds what a map of numbers does, and plan = free + committed + spent.
func TestALineIsWhatAModelSaysItIs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		v := newWorld(t)
		_, lines := v.active(draft(planned("travel", "100.00", warns("10.00")), planned("software", "50.00")))
		model := []*ledger{{plan: 10000, allowed: 1000, open: map[int]int64{}}, {plan: 5000, open: map[int]int64{}}}
		r.Repeat(map[string]func(*rapid.T){
			"act": func(r *rapid.T) {
				what := rapid.SampledFrom([]string{"budget.committed", "budget.spent", "budget.settled", "budget.released"}).Draw(r, "what")
				at, source := rapid.IntRange(0, 1).Draw(r, "line"), rapid.IntRange(1, 4).Draw(r, "source")
				fen := rapid.Int64Range(0, 6000).Draw(r, "fen")
				amount, err := platform.FromMinor(fen, lines[at].Plan.Currency())
				require.NoError(r, err)
				err = v.act(what, claim(uint64(source)), platform.Leg{Of: lines[at].ID, Amount: amount})
				if model[at].act(what, source, fen) {
					require.NoError(r, err)
				} else {
					require.ErrorIs(r, err, budget.ErrExceeded)
				}
			},
			"move": func(r *rapid.T) {
				from := rapid.IntRange(0, 1).Draw(r, "from")
				fen := rapid.Int64Range(1, 3000).Draw(r, "fen")
				amount, err := platform.FromMinor(fen, lines[from].Plan.Currency())
				require.NoError(r, err)
				m, err := v.ProposeMove(v.as(planner), budget.ProposeMove{From: lines[from].ID, To: lines[1-from].ID, Amount: amount, Reason: "x"})
				require.NoError(r, err)
				_, err = v.ApproveMove(v.as(director), budget.ApproveMove{Move: m.ID})
				if model[from].free()-model[from].allowed < fen { // only the plan is given
					require.ErrorIs(r, err, budget.ErrExceeded)
					return
				}
				require.NoError(r, err)
				model[from].plan -= fen
				model[1-from].plan += fen
			},
			"": func(r *rapid.T) {
				for i, l := range lines {
					b := v.balance(l)
					require.Equal(r, model[i].plan, b.Plan.Minor())
					require.Equal(r, model[i].free()-model[i].allowed, b.Free.Minor())
					require.Equal(r, model[i].totalCommitted, b.Committed.Minor())
					require.Equal(r, model[i].totalSpent, b.Spent.Minor())
				}
			},
		})
		v.proved()
	})
}
