package claim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/claim"
)

// levels is a matrix of one row, whose approvers are these.
func levels(approvers ...claim.Approver) func(*claim.Ports, *claim.Terms) {
	return func(_ *claim.Ports, t *claim.Terms) {
		t.Matrix = []claim.Row{{From: cny("0.00"), Approvers: approvers}}
	}
}

func (v *world) judge(who platform.Actor, c claim.Claim) error {
	_, err := v.Approve(v.as(who), claim.Approve{Claim: c.ID})
	return err
}

func TestEachLevelIsApprovedInItsTurn(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.submitted(v.voucher(1, "5000.00"))

	require.ErrorIs(t, v.judge(director, c), claim.ErrTurn)
	require.ErrorIs(t, v.judge(planner, c), claim.ErrTurn, "no role at all")
	c = v.approve(c, manager)
	assert.Equal(t, claim.Approving, c.State)
	require.ErrorIs(t, v.judge(other, c), claim.ErrTurn, "a manager, but it is the director's turn")
	c = v.approve(c, director)

	assert.Equal(t, claim.Approved, c.State)
	assert.Equal(t, []platform.ID{manager.ID, director.ID}, []platform.ID{c.Chain[0].By, c.Chain[1].By})
	require.ErrorIs(t, v.judge(other, c), claim.ErrNotPending)
	assert.Len(t, v.approve(v.submitted(v.voucher(2, "10.00")), manager).Chain, 1, "a small claim has one level")
}

func TestNobodyDecidesOnTheirOwnClaim(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c, err := v.submit(manager, v.voucher(1, "10.00"))
	require.NoError(t, err)
	deputy := other
	deputy.OnBehalf = manager.ID

	require.ErrorIs(t, v.judge(manager, c), claim.ErrSelfApproval)
	require.ErrorIs(t, v.judge(deputy, c), claim.ErrSelfApproval, "who stands in for the claimant")
	_, err = v.Return(v.as(manager), claim.Return{Claim: c.ID, Reason: "x"})
	require.ErrorIs(t, err, claim.ErrSelfApproval)
	_, err = v.Reject(v.as(manager), claim.Reject{Claim: c.ID, Reason: "x"})
	require.ErrorIs(t, err, claim.ErrSelfApproval)
	require.NoError(t, v.judge(other, c))
}

// Invariant 20: who writes a claim for another person neither approves nor pays it.
func TestWhoeverWroteAClaimForAnotherDoesNotApproveIt(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(v *world, stands platform.Actor) (claim.Claim, error){
		"drafted": func(v *world, stands platform.Actor) (claim.Claim, error) {
			c, err := v.Draft(v.as(stands), claim.Draft{Items: []claim.Voucher{v.voucher(1, "10.00")}})
			require.NoError(t, err)
			return v.Submit(v.as(cleaner), claim.Submit{Claim: c.ID})
		},
		"submitted": func(v *world, stands platform.Actor) (claim.Claim, error) {
			c, err := v.Draft(v.as(cleaner), claim.Draft{Items: []claim.Voucher{v.voucher(1, "10.00")}})
			require.NoError(t, err)
			return v.Submit(v.as(stands), claim.Submit{Claim: c.ID})
		},
	} {
		v := newWorld(t)
		stands := manager
		stands.OnBehalf = cleaner.ID
		c, err := write(v, stands)
		require.NoError(t, err, name)

		require.ErrorIs(t, v.judge(manager, c), claim.ErrSelfApproval, name)
		require.NoError(t, v.judge(other, c), name)
		v.tick()
		v.house.give(manager.ID, "finance")
		accountant := operator(1, "manager", "finance")
		_, err = v.Pay(v.as(accountant), claim.Pay{Claim: c.ID})
		require.ErrorIs(t, err, claim.ErrPayer, name)
	}
}

// A last level that nobody can approve is a way back, not a dead end.
func TestALastLevelWithoutHolderIsReturned(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.approve(v.submitted(v.voucher(1, "5000.00")), manager)
	back := claim.Return{Claim: c.ID, Reason: "nobody_left"}
	_, err := v.Return(v.as(planner), back)
	require.ErrorIs(t, err, claim.ErrTurn, "there is a director")
	v.house.take(director.ID, "director")

	require.ErrorIs(t, v.judge(planner, c), claim.ErrTurn, "nobody else approves")
	_, err = v.Return(v.as(manager), back)
	require.ErrorIs(t, err, claim.ErrTurn, "nor who approved a level before")
	c, err = v.Return(v.as(planner), back)

	require.NoError(t, err)
	assert.Equal(t, claim.Returned, c.State)
	assert.Equal(t, "stranded", c.Chain[c.At].As)
}

func TestWhoeverApprovedALevelApprovesNoOther(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.approve(v.submitted(v.voucher(1, "5000.00")), manager)
	promoted := manager
	promoted.Roles = []string{"manager", "director"}
	v.house.give(manager.ID, "director")

	require.ErrorIs(t, v.judge(promoted, c), claim.ErrTurn, "promoted mid-way")
	stands := director
	stands.OnBehalf = manager.ID
	require.ErrorIs(t, v.judge(stands, c), claim.ErrTurn, "stands in for who approved")
	require.NoError(t, v.judge(director, c))
}

func TestWhoeverWasStoodInForApprovesNoOtherLevel(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.submitted(v.voucher(1, "5000.00"))
	stands := manager
	stands.OnBehalf = director.ID
	c = v.approve(c, stands)

	require.ErrorIs(t, v.judge(director, c), claim.ErrTurn)
	assert.Equal(t, director.ID, c.Chain[0].For)
}

func TestARoleThatWasLostApprovesNothing(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.submitted(v.voucher(1, "10.00"))
	v.house.take(manager.ID, "manager")

	require.ErrorIs(t, v.judge(manager, c), claim.ErrTurn, "though the login still has it")
	require.NoError(t, v.judge(other, c))
}

func TestADeputyApprovesWhenNobodyElseCan(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.submitted(v.voucher(1, "10.00"))
	away := func(who platform.Actor, from, until time.Time) {
		_, err := v.Away(v.as(who), claim.Away{From: from, Until: until})
		require.NoError(t, err)
	}
	away(manager, march, march.Add(7*day))
	require.ErrorIs(t, v.judge(manager, c), claim.ErrTurn, "who is away approves nothing")
	require.ErrorIs(t, v.judge(director, c), claim.ErrTurn, "the other manager is there")
	away(other, march.Add(-day), march.Add(day))

	c = v.approve(c, director)

	assert.Equal(t, claim.Approved, c.State)
	assert.Equal(t, "deputy", c.Chain[0].As)
	assert.Equal(t, director.ID, c.Chain[0].By)
	d := v.submitted(v.voucher(2, "10.00"))
	v.pass(day)
	require.ErrorIs(t, v.judge(director, d), claim.ErrTurn, "a manager is back")
	require.NoError(t, v.judge(other, d))
}

// F25.
func TestALevelWithoutAnybodyIsPassedOver(t *testing.T) {
	t.Parallel()
	lead := operator(9, "lead")
	v := newWorld(t, levels(claim.Approver{Role: "manager"}, claim.Approver{Role: "lead", Deputy: "deputy"}, claim.Approver{Role: "director"}))
	v.house.give(lead.ID, "lead")
	c := v.approve(v.submitted(v.voucher(1, "10.00")), manager)
	v.house.take(lead.ID, "lead") // leaves the firm mid-chain

	require.ErrorIs(t, v.judge(lead, c), claim.ErrTurn)
	c = v.approve(c, director)

	assert.Equal(t, claim.Approved, c.State)
	assert.Equal(t, "skipped", c.Chain[1].As)
	assert.Empty(t, c.Chain[1].By)
}

func TestTheLastLevelIsNeverPassedOver(t *testing.T) {
	t.Parallel()
	v := newWorld(t, levels(claim.Approver{Role: "nobody"}, claim.Approver{Role: "emperor"}))
	c := v.submitted(v.voucher(1, "10.00"))
	assert.Equal(t, claim.Submitted, c.State)
	assert.Equal(t, 1, c.At, "nobody is passed over at once")

	require.ErrorIs(t, v.judge(manager, c), claim.ErrTurn)
	v.house.give(planner.ID, "emperor")
	crowned := planner
	crowned.Roles = []string{"emperor"}
	assert.Equal(t, claim.Approved, v.approve(c, crowned).State)
}

func TestTheOnlyHolderWhoClaimsIsStoodInFor(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	v.house.take(other.ID, "manager")
	c, err := v.submit(manager, v.voucher(1, "10.00"))
	require.NoError(t, err)

	assert.Equal(t, "deputy", v.approve(c, director).Chain[0].As)
}

func TestOfManyApprovalsAtOnceEachLevelTakesOne(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.submitted(v.voucher(1, "6000.00"))
	crew := make([]platform.Actor, 64)
	for i := range crew {
		crew[i] = operator(uint64(100+i), "manager", "director")
		v.house.give(crew[i].ID, "manager", "director")
	}

	told := crowd(64, func(i int) error { return v.judge(crew[i], c) })

	assert.Equal(t, map[string]int{"": 2, "claim.not_pending": 62}, told)
	c = v.is(c, claim.Approved)
	assert.NotEqual(t, c.Chain[0].By, c.Chain[1].By)
}

func TestOfApprovalReturnAndWithdrawalAtOnceOneHolds(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.submitted(v.voucher(1, "10.00"))

	told := crowd(9, func(i int) error {
		var err error
		switch i % 3 {
		case 0:
			err = v.judge(manager, c)
		case 1:
			_, err = v.Reject(v.as(other), claim.Reject{Claim: c.ID, Reason: "x"})
		default:
			_, err = v.Withdraw(v.as(cleaner), claim.Withdraw{Claim: c.ID})
		}
		return err
	})

	assert.Equal(t, 1, told[""], told)
	v.proved()
}

// TestAnExpenseThatIsCutIntoPiecesCountsAsOne: clause 7.2.2, split detection.
func TestAnExpenseThatIsCutIntoPiecesCountsAsOne(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	hotel := func(n int, amount string) claim.Voucher {
		return v.voucher(n, amount, func(x *claim.Voucher) { x.Seller, x.SellerTaxID = "Hotel", "913100009" })
	}
	assert.Len(t, v.submitted(hotel(1, "2500.00")).Chain, 1)
	assert.Len(t, v.submitted(hotel(2, "2500.00")).Chain, 2, "5,000.00 with the first")
	assert.Len(t, v.submitted(v.voucher(3, "10.00")).Chain, 1, "another seller")
	c, err := v.submit(cook, hotel(4, "100.00"))
	require.NoError(t, err)
	assert.Len(t, c.Chain, 1, "another claimant")
	v.pass(7 * day)
	assert.Len(t, v.submitted(hotel(5, "100.00")).Chain, 1, "a week later")
}

func TestPiecesAtOnceCountAsOneToo(t *testing.T) {
	t.Parallel()
	v := newWorld(t)

	told := crowd(4, func(i int) error {
		_, err := v.submit(cleaner, v.voucher(i, "1300.00", func(x *claim.Voucher) { x.SellerTaxID = "913100009" }))
		return err
	})

	assert.Equal(t, map[string]int{"": 4}, told)
	page, err := v.Claims(v.as(cleaner), "")
	require.NoError(t, err)
	long := 0
	for _, c := range page.Items {
		long += len(c.Chain) - 1
	}
	assert.Equal(t, 1, long, "the fourth makes 5,200.00")
}

func TestAMatrixLeavesNoAmountWithoutApprovers(t *testing.T) {
	t.Parallel()
	boss := []claim.Approver{{Role: "boss"}}
	row := func(from string, change ...func(*claim.Row)) claim.Row {
		r := claim.Row{From: cny(from), Approvers: boss}
		for _, c := range change {
			c(&r)
		}
		return r
	}
	rent := func(r *claim.Row) { r.Category = "rent" }
	for name, c := range map[string]struct {
		rows []claim.Row
		ok   bool
	}{
		"one row":                        {[]claim.Row{row("0.00")}, true},
		"bands in any order":             {[]claim.Row{row("100.00"), row("0.00")}, true},
		"a category of its own":          {[]claim.Row{row("0.00"), row("0.00", rent), row("9.00", rent)}, true},
		"begins above zero":              {[]claim.Row{row("0.01")}, false},
		"a category begins above zero":   {[]claim.Row{row("0.00"), row("9.00", rent)}, false},
		"a category, and no other":       {[]claim.Row{row("0.00", rent)}, false},
		"two rows for one amount":        {[]claim.Row{row("0.00"), row("0.00")}, false},
		"a currency without general row": {[]claim.Row{row("0.00"), {From: platform.MustMoney("0", "USD"), Centre: "x", Approvers: boss}}, false},
		"a role twice":                   {[]claim.Row{row("0.00", func(r *claim.Row) { r.Approvers = append(r.Approvers, boss...) })}, false},
		"a deputy of itself":             {[]claim.Row{row("0.00", func(r *claim.Row) { r.Approvers = []claim.Approver{{Role: "boss", Deputy: "boss"}} })}, false},
	} {
		err := claim.Matrix{Rows: c.rows}.Check()
		if c.ok {
			require.NoError(t, err, name)
			continue
		}
		assert.Equal(t, "claim.matrix", platform.Code(err), name)
	}
	assert.Panics(t, func() { newWorld(t, func(_ *claim.Ports, t *claim.Terms) { t.Matrix = []claim.Row{row("1.00")} }) })
}

func TestTheChainIsThatOfTheClosestRowOfEachItem(t *testing.T) {
	t.Parallel()
	one := func(roles ...string) (all []claim.Approver) {
		for _, r := range roles {
			all = append(all, claim.Approver{Role: r})
		}
		return all
	}
	v := newWorld(t, func(p *claim.Ports, terms *claim.Terms) {
		p.People = nil
		zero := cny("0.00")
		terms.Matrix = []claim.Row{
			{From: zero, Approvers: one("anybody")},
			{From: zero, Centre: "sales", Approvers: one("sales_lead")},
			{From: cny("100.00"), Centre: "sales", Approvers: one("sales_lead", "director")},
			{From: zero, Category: "meals", Approvers: one("dietician")},
			{From: zero, Centre: "sales", Category: "meals", Approvers: one("sommelier")},
		}
	})
	roles := func(vouchers ...claim.Voucher) (names []string) {
		for _, s := range v.submitted(vouchers...).Chain {
			names = append(names, s.Role)
		}
		return names
	}
	meal := func(n int, amount string) claim.Voucher {
		return v.voucher(n, amount, func(x *claim.Voucher) { x.Line = v.meals })
	}
	assert.Equal(t, []string{"sales_lead"}, roles(v.voucher(1, "99.99")))
	assert.Equal(t, []string{"sales_lead", "director"}, roles(v.voucher(2, "100.00")))
	assert.Equal(t, []string{"sommelier"}, roles(meal(3, "200.00")))
	assert.Equal(t, []string{"sales_lead", "sommelier", "director"}, roles(meal(4, "50.00"), v.voucher(5, "50.00")), "by the whole claim, and none is lost")
}

func TestAChangeOfTheMatrixTouchesNoClaimOnItsWay(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.submitted(v.voucher(1, "10.00"))
	_, err := v.PublishMatrix(v.as(planner), claim.PublishMatrix{Rows: []claim.Row{{From: cny("0.00"), Approvers: []claim.Approver{{Role: "director"}}}}, Reason: "new_year"})
	require.NoError(t, err)
	_, err = v.PublishMatrix(v.as(planner), claim.PublishMatrix{Rows: []claim.Row{{From: cny("1.00"), Approvers: []claim.Approver{{Role: "director"}}}}, Reason: "gap"})
	assert.Equal(t, "claim.matrix", platform.Code(err))

	v.approve(c, manager)
	d := v.submitted(v.voucher(2, "10.00"))
	require.ErrorIs(t, v.judge(manager, d), claim.ErrTurn)
	v.approve(d, director)
	assert.Equal(t, int64(1), d.Matrix)
}

func TestTheInboxHoldsWhatWaitsForARole(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	first := v.submitted(v.voucher(1, "10.00"))
	second := v.submitted(v.voucher(2, "6000.00"))
	own, err := v.submit(manager, v.voucher(3, "10.00"))
	require.NoError(t, err)
	inbox := func(who platform.Actor, role string) (ids []platform.ID) {
		page, err := v.Inbox(v.as(who), role, "")
		require.NoError(t, err)
		for _, c := range page.Items {
			ids = append(ids, c.ID)
		}
		return ids
	}

	assert.ElementsMatch(t, []platform.ID{first.ID, second.ID}, inbox(manager, "manager"), "not their own")
	assert.ElementsMatch(t, []platform.ID{first.ID, second.ID, own.ID}, inbox(other, "manager"))
	v.approve(second, manager)
	assert.Equal(t, []platform.ID{second.ID}, inbox(director, "director"))
	_, err = v.Inbox(v.as(manager), "director", "")
	require.ErrorIs(t, err, claim.ErrTurn)
}

func ExampleService_Approve() {
	v := newWorld(&testing.T{})
	c := v.submitted(v.voucher(1, "120.00"))

	c, err := v.Approve(v.as(manager), claim.Approve{Claim: c.ID})

	fmt.Println(c.State, err)
	// Output: approved <nil>
}

// A claim is drafted, and submitted with its vouchers and its budget.
func ExampleService_Submit() {
	v := newWorld(&testing.T{})

	c, _ := v.Draft(v.as(cleaner), claim.Draft{Items: []claim.Voucher{v.voucher(1, "120.00")}})
	c, err := v.Submit(v.as(cleaner), claim.Submit{Claim: c.ID})

	fmt.Println(c.State, c.Chain[0].Role, err)
	// Output: submitted manager <nil>
}
