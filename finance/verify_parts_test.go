package finance

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// worked has a hold settled in part, one that its last part ended, one expired, a
// posting reversed in two parts, and numbers of all.
func worked(t *testing.T) clerk {
	t.Helper()
	c := newClerk(t)
	step := func(n int, what string, words ...string) platform.ID {
		due := time.Time{}
		if n == 3 && what == "transfer.held" {
			due = nextDay.Add(-time.Second)
		}
		result, err := c.Transfer(asOperator(), Transfer{Steps: []Step{{What: what, Subject: trf(n), Due: due, Legs: lines(words...)}}})
		require.NoError(t, err)
		if len(result.Made) == 0 {
			return ""
		}
		return result.Made[0].Ref.ID
	}
	for n := 1; n <= 3; n++ {
		step(n, "transfer.held", unapplied(), "100.00", payable(), "-100.00")
	}
	step(1, "transfer.settled", unapplied(), "30.00", payable(), "-30.00")
	step(2, "transfer.settled", unapplied(), "30.00", payable(), "-30.00")
	step(2, "transfer.closed", unapplied(), "20.00", payable(), "-20.00")
	id := step(4, "transfer.made", unapplied(), "9.00", payable(), "-9.00")
	for range 2 {
		_, err := c.Reverse(asOperator(), Reverse{Posting: id, Reason: "wrong", Legs: lines(unapplied(), "-3.00", payable(), "3.00")})
		require.NoError(t, err)
	}
	_, err := c.Tick(asSystem(), nextDay.Add(time.Minute), 0)
	require.NoError(t, err)
	c.sound(t)
	return c
}

func TestVerifyFindsFaultsOfPartsReversalsAndNumbers(t *testing.T) {
	t.Parallel()
	of := func(n int) func(Pending) bool { return func(p Pending) bool { return p.Subject == trf(n) } }
	part := func(what string, n int) func(Posting) bool {
		return func(p Posting) bool { return p.What == what && p.Subject == trf(n) }
	}
	back := func(n int) func(Posting) bool { return func(p Posting) bool { return p.What == reversed && p.N == n } }
	no := func(n int64) func(Number) bool { return func(m Number) bool { return m.No == n } }
	set := func(legs []platform.Leg, amount string) {
		legs[0].Amount, legs[1].Amount = platform.MustMoney(amount, "CNY"), platform.MustMoney("-"+amount, "CNY")
	}
	for name, c := range map[string]struct {
		plant edit
		rules string
	}{
		"part lost":              {drop(postingKind, part("transfer.settled", 1)), "V5 V6"},
		"part of another amount": {change(postingKind, part("transfer.settled", 1), func(p *Posting) { set(p.Legs, "31.00") }), "V5 V6"},
		"part of no hold":        {change(postingKind, part("transfer.settled", 1), func(p *Posting) { p.Settles = "" }), "V1 V6"},
		"part not in the hold":   {change(pendingKind, of(1), func(p *Pending) { p.Parts = nil }), "V2 V6"},
		"rest off":               {change(pendingKind, of(1), func(p *Pending) { set(p.Rest, "69.00") }), "V2 V6"},
		"rest freed off":         {change(pendingKind, of(2), func(p *Pending) { set(p.Rest, "51.00") }), "V5 V6"},
		"ended hold open again":  {change(pendingKind, of(2), func(p *Pending) { p.State = Open }), "V2 V5"},
		"expired hold open":      {change(pendingKind, of(3), func(p *Pending) { p.State = Open }), "V2 V5 V6"},
		"expired hold settled":   {change(pendingKind, of(3), func(p *Pending) { p.State = Settled }), "V5 V6"},

		"reversal of more": {change(postingKind, back(1), func(p *Posting) {
			p.Legs[0].Amount, p.Legs[1].Amount = platform.MustMoney("-7.00", "CNY"), platform.MustMoney("7.00", "CNY")
		}), "V1 V5"},
		"reversal of nothing":   {change(postingKind, back(1), func(p *Posting) { p.Reverses = "" }), "V1"},
		"reversal of another":   {change(postingKind, back(1), func(p *Posting) { p.Reverses = p.ID }), "V1"},
		"first reversal lost":   {drop(postingKind, back(0)), "V1 V5"},
		"reversed posting lost": {drop(postingKind, part("transfer.made", 4)), "V1 V3 V5"},

		"reversal of no id": {change(postingKind, back(1), func(p *Posting) { p.Reverses = "x" }), "V1"},

		"number lost":      {drop(numberKind, no(2)), "V3"},
		"last number lost": {drop(numberKind, no(7)), "V3"},
		"number twice":     {change(numberKind, no(3), func(n *Number) { n.No = 2 }), "V3"},
		"number of none":   {change(numberKind, no(3), func(n *Number) { n.Posting = "pst_x" }), "V3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var rules []string
			for _, d := range find(t, worked(t).desk, c.plant) {
				rules = append(rules, d.Rule)
				assert.NotEqual(t, d.Expected, d.Found, "%+v", d)
			}
			for rule := range strings.FieldsSeq(c.rules) {
				assert.Contains(t, rules, rule)
			}
		})
	}
}
