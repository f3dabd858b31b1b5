package supervision_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/supervision"
)

type (
	item  = supervision.Item
	facts = supervision.Facts
)

// today is the window of the planted faults: the Monday.
var today = supervision.Window{From: monday.Truncate(24 * time.Hour), Until: monday.Truncate(24 * time.Hour).Add(24 * time.Hour)}

func items(all ...item) facts { return facts{Items: all} }

func waiting(what string, since time.Duration) facts {
	return facts{Waiting: []supervision.Waiting{{Ref: ref(1), What: what, Object: "object", Amount: cny("5.00"), Since: today.Until.Add(-since)}}}
}

func at(t time.Time) func(*item) { return func(i *item) { i.At = t } }

func to(p platform.ID) func(*item) { return func(i *item) { i.Party = p } }

func of(amount string) func(*item) { return func(i *item) { i.Amount = cny(amount) } }

func limit(amount string) func(*item) { return func(i *item) { i.Limit = cny(amount) } }

func what(w string) func(*item) { return func(i *item) { i.What = w } }

func byHand(i *item) { i.What, i.Manual, i.Amount = "journal", true, cny("123.45") }

func done(hands ...supervision.Hand) func(*item) { return func(i *item) { i.Hands = hands } }

func line(change func(*supervision.Line)) facts {
	quiet := func(name string) supervision.Line {
		return supervision.Line{Ref: ref(1), Name: name, Plan: cny("60000"), Spent: cny("60000"), Month: cny("10000"), Before: cny("10000")}
	}
	one := quiet("travel")
	change(&one)
	return facts{Lines: []supervision.Line{one, quiet("supplies"), quiet("training")}}
}

// amounts are items of other amounts to other parties, which no control minds.
func amounts(n int, of func(int) int64) (all []item) {
	for i := range n {
		amount, _ := platform.FromMinor(of(i), cny("1").Currency())
		all = append(all, payout(i, to(party(uint64(100+i))), func(x *item) { x.Amount = amount; x.At = monday }))
	}
	return all
}

// benford are amounts whose digits fall as they should: a geometric series.
func benford(i int) int64 {
	n := 1_000_000.0 // exact enough for digits, and no money
	for range i % 600 {
		n *= 1.0038449
	}
	return int64(n)
}

func shared(a, b platform.ID) facts {
	return facts{Payees: []supervision.Payee{{Ref: ref(1), Party: a, Print: "same"}, {Ref: ref(2), Party: b, Print: "same"}}}
}

func gaveUp(who string, sums ...string) facts {
	var all []item
	for n, amount := range sums {
		approver := operator(uint64(20 + n)).ID
		i := payout(n, what("write_off"), of(amount), done(supervision.Hand{As: supervision.Approved, By: approver}), func(i *item) { i.Party = "" })
		if who == "party" {
			i = payout(n, what("refund"), of(amount), done(), to(party(uint64(50+n))))
		}
		all = append(all, i)
	}
	return facts{Items: all}
}

func pair(expected, found platform.Money, what string) facts {
	return facts{Pairs: []supervision.Pair{{Ref: ref(1), What: what, Party: alice, At: monday, Expected: expected, Found: found}}}
}

func prices(other string) facts {
	price := func(n int, seller, amount string) supervision.Price {
		return supervision.Price{Ref: ref(n), Item: "paper", Seller: seller, Amount: cny(amount), At: monday}
	}
	return facts{Prices: []supervision.Price{price(1, "a", "10.00"), price(2, "b", "10.00"), price(3, "c", other)}}
}

func account(changed time.Duration) facts {
	return items(payout(1, func(i *item) { i.Changed = i.At.Add(-changed) }))
}

// planted are faults that a control must find, each beside the nearest thing that
// it must not.
var planted = []struct {
	control, code string
	fault, near   facts
}{
	{"C1", "paid_twice", items(payout(1), payout(2, at(monday.Add(-3*24*time.Hour).Add(time.Minute)))), items(payout(1), payout(2, at(monday.Add(-3*24*time.Hour))))},
	{"C1", "paid_twice", items(payout(1), payout(2)), items(payout(1), payout(2, of("123.46")))},
	{"C1", "paid_twice", items(payout(1, what("claim")), payout(2, what("claim"))), items(payout(1), payout(2, to(bob)))},
	{"C1", "voucher_twice",
		items(payout(1, func(i *item) { i.References = []string{"v1"} }), payout(2, to(bob), func(i *item) { i.References = []string{"v2", "v1"} })),
		items(payout(1, func(i *item) { i.References = []string{"v1", "v1"} }), payout(2, to(bob), func(i *item) { i.References = []string{"v2"} }))},
	{"C2", "same_person",
		items(payout(1, done(supervision.Hand{As: supervision.Asked, By: alice}, supervision.Hand{As: supervision.Paid, By: alice}))),
		items(payout(1, done(supervision.Hand{As: supervision.Approved, By: alice}, supervision.Hand{As: supervision.Approved, By: alice})))},
	{"C2", "same_line",
		items(payout(1, done(supervision.Hand{As: supervision.Approved, By: alice}, supervision.Hand{As: supervision.Paid, By: bob, Line: alice}))),
		items(payout(1, done(supervision.Hand{As: supervision.Asked, By: bob, Line: alice}, supervision.Hand{As: supervision.Approved, By: alice})))},
	{"C3", "split",
		items(payout(1, of("600.00"), limit("1000.00"), at(monday.Add(-7*24*time.Hour))), payout(2, of("400.01"), limit("1000.00"), at(monday))),
		items(payout(1, of("600.00"), limit("1000.00"), at(monday.Add(-7*24*time.Hour))), payout(2, of("400.00"), limit("1000.00"), at(monday)))},
	{"C3", "split",
		items(payout(1, of("600.00"), limit("1000.00"), at(monday.Add(-7*24*time.Hour))), payout(2, of("500.00"), limit("1000.00"), at(monday))),
		items(payout(1, of("600.00"), limit("1000.00"), at(monday.Add(-7*24*time.Hour-time.Second))), payout(2, of("500.00"), limit("1000.00"), at(monday)))},
	{"C3", "near_limit", items(payout(1, of("950.01"), limit("1000.00"))), items(payout(1, of("950.00"), limit("1000.00")))},
	{"C3", "near_limit", items(payout(1, of("999.99"), limit("1000.00"))), items(payout(1, of("1000.00"), limit("1000.00")))},
	{"C4", "round", items(payout(1, byHand, of("3000.00"))), items(payout(1, byHand, of("3000.01")))},
	{"C4", "round", items(payout(1, byHand, of("1000.00"))), items(payout(1, of("1000.00")))},
	{"C4", "off_hours", items(payout(1, byHand, at(monday.Add(10*time.Hour)))), items(payout(1, byHand, at(monday.Add(10*time.Hour-time.Second))))},
	{"C4", "backdated",
		items(payout(1, byHand, at(monday), func(i *item) { i.Effective = monday.Add(-3*24*time.Hour - time.Second) })),
		items(payout(1, byHand, at(monday), func(i *item) { i.Effective = monday.Add(-3 * 24 * time.Hour) }))},
	{"C4", "outlier",
		items(append(amounts(40, func(i int) int64 { return int64(10_000 + i*10) }), payout(99, of("108.00")))...),
		items(append(amounts(40, func(i int) int64 { return int64(10_000 + i*10) }), payout(99, of("104.00")))...)},
	{"C4", "first_digits:2026-03", items(amounts(600, func(i int) int64 { return int64(7000 + i) })...), items(amounts(600, benford)...)},
	{"C4", "second_digits:2026-03", items(amounts(600, func(i int) int64 { return int64(7000 + i%50) })...), items(amounts(499, func(i int) int64 { return int64(7000 + i%50) })...)},
	{"C5", "hold", waiting("hold", 7*24*time.Hour+time.Second), waiting("hold", 7*24*time.Hour)},
	{"C5", "suspense", waiting("suspense", 24*time.Hour+time.Second), waiting("suspense", 24*time.Hour)},
	{"C5", "unapplied", waiting("unapplied", 10*24*time.Hour+time.Second), waiting("unapplied", 10*24*time.Hour)},
	{"C5", "unknown", waiting("unknown", 24*time.Hour+time.Second), waiting("unknown", 24*time.Hour)},
	{"C5", "advance", waiting("advance", 30*24*time.Hour+time.Second), waiting("advance", 30*24*time.Hour)},
	{"C6", "clearing", waiting("clearing", 24*time.Hour+time.Second), waiting("clearing", 24*time.Hour)},
	{"C6", "bank", waiting("bank", 24*time.Hour+time.Second), waiting("hold", 99*24*time.Hour)},
	{"C6", "statement", waiting("statement", 24*time.Hour+time.Second), waiting("statement", 24*time.Hour)},
	{"C7", "account_changed", account(7 * 24 * time.Hour), account(7*24*time.Hour + time.Second)},
	{"C7", "account_shared", shared(alice, bob), shared(alice, alice)},
	{"C8", "sale", pair(cny("100.00"), platform.Money{}, "sale"), pair(cny("100.00"), cny("100.00"), "sale")},
	{"C8", "order", pair(platform.Money{}, cny("100.00"), "order"), pair(cny("100.00"), cny("100.00"), "order")},
	{"C8", "fee", pair(cny("10.00"), cny("10.01"), "fee"), pair(cny("10.00"), cny("10.00"), "fee")},
	{"C8", "invoice", pair(cny("10.00"), cny("0.00"), "invoice"), pair(cny("0.00"), cny("0.00"), "invoice")},
	{"C9", "frozen", items(payout(1, func(i *item) { i.Barred = "frozen" })), items(payout(1))},
	{"C9", "dormant", items(payout(1, func(i *item) { i.Barred = "dormant" })), items(payout(1, func(i *item) { i.Barred, i.At = "dormant", today.From.Add(-time.Second) }))},
	{"C9", "dormant", items(payout(1, idle(365*24*time.Hour+time.Second))), items(payout(1, idle(365*24*time.Hour)))},
	{"C10", "variance:2026-03", line(func(l *supervision.Line) { l.Spent = cny("66000.01") }), line(func(l *supervision.Line) { l.Spent = cny("66000.00") })},
	{"C10", "variance:2026-03", line(func(l *supervision.Line) { l.Spent = cny("0") }), line(func(l *supervision.Line) { l.Plan, l.Spent = cny("10000"), cny("15000") })},
	{"C10", "late_spending:2026-03", line(func(l *supervision.Line) { l.Late = cny("0.01") }), line(func(l *supervision.Line) { l.Late = cny("0.00") })},
	{"C10", "warned:2026-03", line(func(l *supervision.Line) { l.Warned = true }), line(func(*supervision.Line) {})},
	{"C11", "share:2026-03", line(func(l *supervision.Line) { l.Month, l.Before = cny("20000.01"), cny("20000.00") }), line(func(l *supervision.Line) { l.Month, l.Before = cny("20000.00"), cny("20000.00") })},
	{"C11", "trend:2026-03", line(func(l *supervision.Line) { l.Month = cny("15000.01") }), line(func(l *supervision.Line) { l.Month = cny("15000.00") })},
	{"C11", "dear", prices("12.01"), prices("12.00")},
	{"C12", "approver_share", gaveUp("approver", "10.00", "10.00", "30.01"), gaveUp("approver", "10.00", "10.00", "30.00")},
	{"C12", "beneficiary_share", gaveUp("party", "10.00", "10.00", "30.01"), gaveUp("party", "10.00", "30.01")},
}

// idle is an item on an account that had not moved for so long.
func idle(d time.Duration) func(*item) { return func(i *item) { i.Last = i.At.Add(-d) } }

func control(t testing.TB, code string) supervision.Control {
	t.Helper()
	all := supervision.Controls()
	i := slices.IndexFunc(all, func(c supervision.Control) bool { return c.Code == code })
	require.GreaterOrEqual(t, i, 0, code)
	return all[i]
}

func find(t testing.TB, code string, f facts) (codes []string) {
	t.Helper()
	for _, h := range control(t, code).Find(f, supervision.Params{}, today) {
		codes = append(codes, h.Code)
		assert.NotEmpty(t, h.Object)
		assert.NotEmpty(t, h.Proposal, "each finding carries a proposal")
	}
	return codes
}

func TestEachControlFindsItsFaultAndNotWhatIsNearIt(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for n, p := range planted {
		assert.Contains(t, find(t, p.control, p.fault), p.code, "%d %s must find %s", n, p.control, p.code)
		assert.NotContains(t, find(t, p.control, p.near), p.code, "%d %s must not find %s", n, p.control, p.code)
		seen[p.control] = true
	}
	for _, c := range supervision.Controls() {
		assert.True(t, seen[c.Code], "no fault is planted for %s", c.Code)
		assert.Positive(t, c.Version)
	}
}

func TestControlsFindNothingInNothing(t *testing.T) {
	t.Parallel()
	for _, c := range supervision.Controls() {
		assert.Empty(t, c.Find(facts{}, supervision.Params{}, today), c.Code)
	}
}

func TestWeekendAndHolidayJournalsAreUnusual(t *testing.T) {
	t.Parallel()
	week, err := platform.Hours{Week: [7]string{1: "09:00-18:00", 2: "09:00-18:00", 3: "09:00-18:00", 4: "09:00-18:00", 5: "09:00-18:00"}}.Calendar()
	require.NoError(t, err)
	sunday := monday.AddDate(0, 0, -1)
	w := supervision.Window{From: sunday.Truncate(24 * time.Hour), Until: today.Until}
	hits := control(t, "C4").Find(items(payout(1, byHand, at(sunday)), payout(2, byHand, at(monday))), supervision.Params{Calendar: week}, w)
	require.Len(t, hits, 1)
	assert.Equal(t, []platform.Ref{ref(1)}, hits[0].Refs)
}

func TestThreeShoesOfOnePairAreTwoHits(t *testing.T) {
	t.Parallel()
	hits := control(t, "C1").Find(items(payout(1), payout(2), payout(3)), supervision.Params{}, today)
	assert.Len(t, hits, 2, "the second and the third, each with the one before")
}

func TestASplitIsTheSpanThatExceededTheLimit(t *testing.T) {
	t.Parallel()
	var all []item
	for n := range 5 {
		all = append(all, payout(n, of("300.00"), limit("1000.00"), at(monday.Add(time.Duration(n-6)*24*time.Hour).Add(6*24*time.Hour-4*24*time.Hour))))
	}
	w := supervision.Window{From: monday.AddDate(0, 0, -7), Until: monday.AddDate(0, 0, 1)}
	hits := control(t, "C3").Find(facts{Items: all}, supervision.Params{}, w)
	require.Len(t, hits, 1)
	assert.Len(t, hits[0].Refs, 4, "1,200 of four; the fifth begins anew")
	assert.Equal(t, cny("1200.00"), hits[0].Amount)
}

// TestAControlIsAPureFunctionOfItsFacts: any order of facts gives the same hits,
// and what is found is in the window.
func TestAControlIsAPureFunctionOfItsFacts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(0, 40).Draw(r, "n")
		var all []item
		for i := range n {
			all = append(all, payout(i,
				to(party(rapid.Uint64Range(1, 3).Draw(r, "party"))), of(fmt.Sprintf("%d.00", rapid.IntRange(1, 4).Draw(r, "amount")*250)), limit("1000.00"),
				at(monday.Add(time.Duration(rapid.IntRange(-200, 11).Draw(r, "hours"))*time.Hour).Add(time.Duration(i)*time.Second))))
		}
		shuffled := rapid.Permutation(all).Draw(r, "order")
		for _, code := range []string{"C1", "C2", "C3", "C9"} {
			c := control(t, code)
			hits := c.Find(items(all...), supervision.Params{}, today)
			require.Equal(r, hits, c.Find(items(shuffled...), supervision.Params{}, today), code)
			for _, h := range hits {
				require.True(r, slices.ContainsFunc(all, func(i item) bool { return slices.Contains(h.Refs, i.Ref) && !i.At.Before(today.From) }), "%s of the window", code)
			}
		}
	})
}

func TestHugeAmountsDoNotOverflow(t *testing.T) {
	t.Parallel()
	huge, _ := platform.FromMinor(1<<62, cny("1").Currency())
	big := func(i *item) { i.Amount, i.Limit = huge, huge }
	all := items(payout(1, big), payout(2, big), payout(3, big))
	for _, c := range supervision.Controls() {
		assert.NotPanics(t, func() { c.Find(all, supervision.Params{}, today) }, c.Code)
	}
	assert.Contains(t, find(t, "C1", all), "paid_twice")
}
