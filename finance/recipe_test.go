package finance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

var opening = platform.Ref{Kind: openingKind, ID: platform.NewID("opn", noon, 9, 5)}

var payout = platform.Ref{Kind: "finance.payout", ID: platform.NewID("pay", noon, 9, 4)}

// recipeCase is one recipe at work: what it does to the counters, in order.
type recipeCase struct {
	booking
	given []booking
	adds  []string // O the order, M the merchant; available ones show their floor
}

var recipeCases = []recipeCase{
	{booking: captured("100.00"), adds: []string{
		"posted:clearing:sandbox +10000", "posted:escrow:O -10000", "available:escrow:O +10000 ≥0"}},
	{booking: booked("pay.promotion", attempt, dr("marketing", "5.00"), cr("escrow", "5.00", order.ID)), adds: []string{
		"posted:marketing +500", "posted:escrow:O -500", "available:escrow:O +500 ≥0"}},
	{booking: booked("pay.shared", order, dr("escrow", "100.00", checkout), cr("escrow", "100.00", order.ID)), adds: []string{
		"posted:escrow:K +10000", "available:escrow:K -10000 ≥0", "posted:escrow:O -10000", "available:escrow:O +10000 ≥0"}},
	{booking: booked("pay.surplus", attempt, dr("clearing", "100.00", "sandbox"), cr("surplus", "100.00", order.ID)), adds: []string{
		"posted:clearing:sandbox +10000", "posted:surplus:O -10000", "available:surplus:O +10000 ≥0"}},
	{booking: booked("pay.returned", attempt, dr("surplus", "100.00", order.ID), cr("clearing", "100.00", "sandbox")), adds: []string{
		"posted:surplus:O +10000", "available:surplus:O -10000 ≥0", "posted:clearing:sandbox -10000"}},

	{booking: booked("tip.captured", attempt, dr("clearing", "5.00", "sandbox"), cr("tips", "5.00", order.ID)), adds: []string{
		"posted:clearing:sandbox +500", "posted:tips:O -500", "available:tips:O +500 ≥0"}},
	{booking: booked("tip.released", order, dr("tips", "5.00", order.ID), cr("payable", "5.00", merchant)), adds: []string{
		"posted:tips:O +500", "available:tips:O -500 ≥0", "posted:payable:M -500", "available:payable:M +500 ≥0"}},

	{booking: completed("100.00", "90.00", "9.43", "0.57"), adds: []string{
		"posted:escrow:O +10000", "available:escrow:O -10000 ≥0", "posted:earning:O:M -9000", "available:earning:O:M +9000 ≥0",
		"posted:commission -943", "posted:output_tax -57"}},
	{booking: completed("0.01", "0.01", "0", "0"), adds: []string{ // the fee rounds to nothing
		"posted:escrow:O +1", "available:escrow:O -1 ≥0", "posted:earning:O:M -1", "available:earning:O:M +1 ≥0"}},
	{booking: booked("order.closed", order, dr("earning", "90.00", order.ID, merchant), cr("payable", "85.50", merchant), cr("reserve", "4.50", merchant)), adds: []string{
		"posted:earning:O:M +9000", "available:earning:O:M -9000 ≥0", "posted:payable:M -8550", "available:payable:M +8550 ≥0",
		"posted:reserve:M -450", "available:reserve:M +450 ≥0"}},
	{booking: booked("order.cancelled", order, dr("escrow", "20.00", order.ID), cr("earning", "18.00", order.ID, merchant), cr("cancel_fee", "1.89"), cr("output_tax", "0.11")), adds: []string{
		"posted:escrow:O +2000", "available:escrow:O -2000 ≥0", "posted:earning:O:M -1800", "available:earning:O:M +1800 ≥0",
		"posted:cancel_fee -189", "posted:output_tax -11"}},
	{booking: booked("reserve.released", order, dr("reserve", "4.50", merchant), cr("payable", "4.50", merchant)), adds: []string{
		"posted:reserve:M +450", "available:reserve:M -450 ≥0", "posted:payable:M -450", "available:payable:M +450 ≥0"}},

	{booking: approved(1, "30.00"), adds: []string{"available:escrow:O -3000 ≥0"}},
	{booking: booked("refund.approved", refund(1), dr("earning", "27.00", order.ID, merchant), dr("commission", "2.83"), dr("output_tax", "0.17"), cr("refund_due", "30.00", order.ID)),
		adds: []string{"available:earning:O:M -2700 ≥0"}},
	{booking: booked("refund.approved", refund(1), dr("payable", "20.00", merchant), dr("reserve", "7.00", merchant), dr("commission", "3.00"), cr("refund_due", "30.00", order.ID)),
		adds: []string{"available:payable:M -2000 ≥0", "available:reserve:M -700 ≥0"}},
	{booking: booked("refund.withdrawn", refund(1)), given: []booking{captured("100.00"), approved(1, "30.00")},
		adds: []string{"available:escrow:O +3000 ≥0"}},
	{booking: succeeded(1, "30.00"), given: []booking{captured("100.00"), approved(1, "30.00")}, adds: []string{
		"posted:escrow:O +3000", "posted:refund_due:O -3000", "available:refund_due:O +3000 ≥0",
		"posted:refund_due:O +3000", "available:refund_due:O -3000 ≥0", "posted:clearing:sandbox -3000"}},
	{booking: booked("refund.succeeded", refund(1), dr("refund_due", "30.00", order.ID), cr("clearing", "20.00", "sandbox"), cr("clearing", "7.00", "other"), cr("marketing", "3.00")),
		given: []booking{captured("100.00"), approved(1, "30.00")}, adds: []string{
			"posted:escrow:O +3000", "posted:refund_due:O -3000", "available:refund_due:O +3000 ≥0",
			"posted:refund_due:O +3000", "available:refund_due:O -3000 ≥0", "posted:clearing:sandbox -2000", "posted:clearing:other -700", "posted:marketing -300"}},
	{booking: booked("refund.given_up", refund(1)), given: []booking{captured("100.00"), approved(1, "30.00")}, adds: []string{
		"posted:escrow:O +3000", "posted:refund_due:O -3000", "available:refund_due:O +3000 ≥0"}},

	{booking: sent("90.00"), adds: []string{"available:payable:M -9000 ≥0"}},
	{booking: booked("payout.paid", payout), given: paidOut, adds: []string{"posted:payable:M +9000", "posted:clearing:sandbox -9000"}},
	{booking: booked("payout.failed", payout), given: paidOut, adds: []string{"available:payable:M +9000 ≥0"}},

	{booking: booked("gateway.fee", attempt, dr("gateway_fee", "0.60", "sandbox"), dr("input_tax", "0.04"), cr("clearing", "0.64", "sandbox")), adds: []string{
		"posted:gateway_fee:sandbox +60", "posted:input_tax +4", "posted:clearing:sandbox -64"}},
	{booking: booked("bank.swept", attempt, dr("bank", "50.00", "house"), cr("clearing", "50.00", "sandbox")), adds: []string{
		"posted:bank:house +5000", "posted:clearing:sandbox -5000"}},

	{booking: booked("account.opened", opening, dr("opening", "90.00"), cr("payable", "90.00", merchant)), adds: []string{
		"posted:opening +9000", "posted:payable:M -9000", "available:payable:M +9000 ≥0"}},
	{booking: booked("account.opened", opening, dr("clearing", "50.00", "sandbox"), cr("opening", "50.00")), adds: []string{
		"posted:clearing:sandbox +5000", "posted:opening -5000"}},
	{booking: booked("order.taken_over", order, dr("opening", "100.00"), cr("escrow", "100.00", order.ID)), adds: []string{
		"posted:opening +10000", "posted:escrow:O -10000", "available:escrow:O +10000 ≥0"}},
	{booking: booked("order.taken_over", order, dr("opening", "90.00"), cr("earning", "90.00", order.ID, merchant)), adds: []string{
		"posted:opening +9000", "posted:earning:O:M -9000", "available:earning:O:M +9000 ≥0"}},
}

var paidOut = []booking{captured("100.00"), completed("100.00", "90.00", "10.00", "0"), closed("90.00"), sent("90.00")}

func sent(amount string) booking {
	return booked("payout.sent", payout, dr("payable", amount, merchant), cr("clearing", amount, "sandbox"))
}

func TestEveryRecipeMovesExactlyItsAccounts(t *testing.T) {
	t.Parallel()
	tested := map[string]bool{}
	for _, c := range slices.Concat(recipeCases, written(t)) {
		tested[c.What] = true
		d := newDesk(t, c.given...)

		set, err := d.Post(context.Background(), c.What, c.Subject, noon, c.Legs)

		require.NoError(t, err, c.What)
		assert.Equal(t, c.adds, adds(set), c.What)
	}
	for what, r := range recipes {
		assert.True(t, tested[what] || r.Free, "%s is not tested", what) // free legs have tests of their own
	}
}

// TestEveryRoleOfARecipeIsPlayed has no role in a recipe that the cases do not
// use on its side: one that the recipe loses is missed.
func TestEveryRoleOfARecipeIsPlayed(t *testing.T) {
	t.Parallel()
	played := map[string]bool{}
	for _, c := range slices.Concat(recipeCases, written(t)) {
		for _, l := range c.Legs {
			played[fmt.Sprint(c.What, l.Amount.Sign(), l.Role)] = true
		}
	}
	for what, r := range recipes {
		if what == "account.opened" {
			continue // TestEveryAccountWithoutAnOrderCanBeOpened plays them all
		}
		for side, roles := range map[int][]string{+1: r.Debit, -1: r.Credit} {
			for _, role := range roles {
				assert.True(t, played[fmt.Sprint(what, side, role)], "%s: %s on side %+d", what, role, side)
			}
		}
	}
}

// adds are the additions of a set in short.
func adds(set []platform.Change) (all []string) {
	short := strings.NewReplacer(append([]string{"counter/", "", "/CNY", ""}, letters...)...)
	for _, c := range set {
		if c.Op != platform.Add {
			continue
		}
		add := short.Replace(fmt.Sprintf("%s %+d", c.Ref, c.Delta))
		if c.Floor != nil {
			add += fmt.Sprintf(" ≥%d", *c.Floor)
		}
		all = append(all, add)
	}
	return all
}

func TestEveryRecipeRefusesItsMirrorAndStrangers(t *testing.T) {
	t.Parallel()
	for _, c := range slices.Concat(recipeCases, written(t)) {
		mirrored := slices.Clone(c.Legs)
		for i := range mirrored {
			mirrored[i].Amount = mirrored[i].Amount.Neg()
		}
		foreign := append(slices.Clone(c.Legs), dr("payroll", "1.00", "x"), cr("plan", "1.00", order.ID))
		unknown := append(slices.Clone(c.Legs), dr("cash", "1.00"), cr("cash", "2.00"))
		d := newDesk(t, c.given...)
		for i, legs := range [][]platform.Leg{mirrored, foreign} {
			_, err := d.Post(context.Background(), c.What, c.Subject, noon, legs)
			switch {
			case len(legs) == 0, i == 0 && either[c.What]:
			case i == 1 && errors.Is(err, ErrMemoMixed):
			default:
				require.ErrorIs(t, err, ErrRecipe, "%s: %v", c.What, legs)
			}
		}
		_, err := d.Post(context.Background(), c.What, c.Subject, noon, unknown)
		require.ErrorIs(t, err, ErrRole, c.What)
	}
}

// either are the recipes whose every case may also be booked the other way.
var either = map[string]bool{
	"pay.shared": true, "split.made": true, "split.returned": true, "allowance.changed": true, "fx.converted": true, "fx.revalued": true, "suspense.opened": true, "suspense.resolved": true, "budget.moved": true, "year.closed": true,
}

func TestEveryHeldFactCanBeSettledAndVoided(t *testing.T) {
	t.Parallel()
	settled, voided := map[string]bool{}, map[string]bool{}
	for _, r := range recipes {
		settled[r.Settles], voided[r.Voids] = true, true
		assert.False(t, r.Settles != "" && r.Voids != "" || r.Held && r.Settles+r.Voids != "", "%+v", r)
	}
	for what, r := range recipes {
		assert.Equal(t, r.Held, settled[what], what)
		assert.Equal(t, r.Held, voided[what], what)
	}
}

func TestOnePostingIsOfOneOrder(t *testing.T) {
	t.Parallel()
	other := platform.NewID("ord", noon, 7, 99)

	_, err := Post(booked("order.completed", order, dr("escrow", "10.00", order.ID), cr("earning", "10.00", other, merchant)).Fact)

	require.ErrorIs(t, err, ErrRecipe)
}
