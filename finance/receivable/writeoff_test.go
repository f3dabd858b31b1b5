package receivable_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/receivable"
)

var proof = strings.Repeat("ab", 32)

func (w *world) propose(who platform.Actor, id platform.ID, proof string) error {
	w.t.Helper()
	_, err := w.ProposeWriteOff(as(who), receivable.ProposeWriteOff{Item: id, Reason: "uncollectable", Proof: proof})
	return err
}

func (w *world) approve(who platform.Actor, id platform.ID) error {
	w.t.Helper()
	_, err := w.ApproveWriteOff(as(who), receivable.ApproveWriteOff{Item: id})
	return err
}

func TestAWriteOffTakesTwoAndTheirAuthority(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	small, large := w.invoiced(1, "10000.00", 0), w.invoiced(2, "10000.01", 0)
	both := manager // proposes, and has the role to approve
	require.NoError(t, w.propose(both, small.ID, proof))
	require.ErrorIs(t, w.propose(clerk, small.ID, proof), receivable.ErrProposed)

	proxy := director
	proxy.OnBehalf = both.ID
	reach := both
	reach.ID, reach.OnBehalf = platform.NewID("opr", noon, 1, 9), both.ID
	for name, c := range map[string]struct {
		who  platform.Actor
		want error
	}{
		"who proposed it":      {both, receivable.ErrFourEyes},
		"on their behalf":      {proxy, receivable.ErrFourEyes},
		"by another of theirs": {reach, receivable.ErrFourEyes},
		"a clerk":              {clerk, receivable.ErrAuthority},
		"the debtor":           {merchant, receivable.ErrDesk},
		"the system":           {clock, receivable.ErrDesk},
	} {
		require.ErrorIs(t, w.approve(c.who, small.ID), c.want, name)
	}
	require.ErrorIs(t, w.approve(director, large.ID), receivable.ErrNotProposed)
	require.NoError(t, w.propose(clerk, large.ID, proof))
	require.ErrorIs(t, w.approve(manager, large.ID), receivable.ErrAuthority, "above 10,000")
	require.NoError(t, w.approve(director, large.ID))
	_, err := w.RejectWriteOff(as(both), receivable.RejectWriteOff{Item: small.ID, Reason: "no"})
	require.ErrorIs(t, err, receivable.ErrFourEyes)
	_, err = w.RejectWriteOff(as(clerk), receivable.RejectWriteOff{Item: small.ID, Reason: "solvent"})
	require.NoError(t, err)
	require.NoError(t, w.propose(clerk, small.ID, proof))
	require.NoError(t, w.approve(manager, small.ID))

	assert.Equal(t, "20000.01 CNY", w.balance("bad_debt", ""))
	assert.Equal(t, "0.00 CNY", w.balance("receivable", merchant.ID))
	require.ErrorIs(t, w.propose(merchant, small.ID, proof), receivable.ErrDesk)
	w.sound(merchant.ID)
}

func TestAWriteOffTakesTheLastLevelOrProof(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "100.00", 0)
	w.days(89)
	require.ErrorIs(t, w.propose(clerk, i.ID, ""), receivable.ErrTooEarly)
	w.days(1)
	assert.Equal(t, 6, w.item(i.ID).Level)
	require.NoError(t, w.propose(clerk, i.ID, ""))
	page, err := w.Proposed(as(director), "")
	require.NoError(t, err)
	assert.Len(t, page.Items, 1)
	_, err = w.Proposed(as(merchant), "")
	require.ErrorIs(t, err, receivable.ErrReader)

	w.pay("30.00") // what comes meanwhile counts
	require.NoError(t, w.approve(manager, i.ID))
	i = w.item(i.ID)
	assert.Equal(t, receivable.WrittenOff, i.State)
	assert.Equal(t, "70.00 CNY", i.WrittenOff.String())
	w.sound(merchant.ID)
}

func TestOfManyApprovalsOneWritesOff(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "100.00", 0)
	require.NoError(t, w.propose(clerk, i.ID, proof))
	told := make([]error, 12)
	var crowd sync.WaitGroup
	for n := range told {
		crowd.Go(func() { told[n] = w.approve([]platform.Actor{manager, director}[n%2], i.ID) })
	}
	crowd.Wait()
	done := 0
	for _, err := range told {
		if err == nil {
			done++
			continue
		}
		require.ErrorIs(t, err, receivable.ErrNotProposed)
	}
	assert.Equal(t, 1, done)
	assert.Len(t, w.events("receivable.written_off"), 1)
	w.sound(merchant.ID)
}

func TestTheClaimGoesOnAndIsRecovered(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "100.00", 0)
	w.days(20)
	require.NoError(t, w.propose(clerk, i.ID, proof))
	require.NoError(t, w.approve(manager, i.ID))
	assert.Equal(t, []string{"advertise", "list"}, w.lacks(), "it is not paid")

	r := w.pay("60.00")
	assert.True(t, r.Parts[0].Lost)
	i = w.item(i.ID)
	assert.Equal(t, receivable.Recovered, i.State)
	assert.Equal(t, "60.00 CNY", i.Recovered.String())
	assert.Equal(t, "60.00 CNY", w.balance("allowance", "mer"))
	r = w.pay("50.00")
	assert.Equal(t, "10.00 CNY", r.Over.String())
	assert.Equal(t, "100.00 CNY", w.item(i.ID).Recovered.String())
	assert.Empty(t, w.lacks())
	assert.Len(t, w.events("receivable.recovered"), 2)
	w.sound(merchant.ID)
}

func TestWhatIsOpenIsPaidBeforeWhatWasGivenUp(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	old := w.invoiced(1, "100.00", 0)
	require.NoError(t, w.propose(clerk, old.ID, proof))
	require.NoError(t, w.approve(manager, old.ID))
	young := w.invoiced(2, "100.00", 30)
	w.pay("120.00")
	assert.Equal(t, receivable.Paid, w.item(young.ID).State)
	assert.Equal(t, "20.00 CNY", w.item(old.ID).Recovered.String())
	w.sound(merchant.ID)
}

func TestSmallRestsGoToDifferenceUpToTheMonthsCap(t *testing.T) {
	t.Parallel()
	w := open(t, func(terms *receivable.Terms) { terms.SmallMonth = []platform.Money{yuan("1.50")} })
	first, second := w.invoiced(1, "100.00", 0), w.invoiced(2, "1.00", 1)
	over := w.invoiced(3, "101.01", 2)
	w.pay("99.00", first.ID)
	w.pay("100.00", over.ID)
	w.days(3)
	first = w.item(first.ID)
	assert.Equal(t, receivable.WrittenOff, first.State)
	assert.True(t, first.Small)
	assert.Equal(t, "-1.00 CNY", w.balance("difference", ""))
	w.days(10)
	assert.Equal(t, receivable.Open, w.item(second.ID).State, "the cap of March")
	assert.Zero(t, w.item(second.ID).Level, "and it is not dunned for")
	assert.Equal(t, 1, w.item(over.ID).Level, "1.01 is not small")
	w.days(17) // the 1st of April
	assert.Equal(t, receivable.WrittenOff, w.item(second.ID).State)
	assert.Equal(t, "-2.00 CNY", w.balance("difference", ""))

	r := w.pay("5.00")
	assert.Equal(t, "3.99 CNY", r.Over.String(), "a small rest is not asked for again")
	w.sound(merchant.ID)
}

func TestTasksAreFinishedByPeople(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "100.00", 0)
	w.days(30)
	page, err := w.Tasks(as(clerk), "")
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	done := receivable.FinishTask{Item: i.ID, Task: "call"}
	_, err = w.FinishTask(as(merchant), done)
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = w.FinishTask(as(clerk), done)
	require.NoError(t, err)
	_, err = w.FinishTask(as(clerk), done)
	require.ErrorIs(t, err, receivable.ErrTask)
	page, err = w.Tasks(as(clerk), "")
	require.NoError(t, err)
	assert.Empty(t, page.Items)
	w.days(30)
	w.pay("200.00")
	page, err = w.Tasks(as(clerk), "")
	require.NoError(t, err)
	assert.Empty(t, page.Items, "who has paid is not called")
	assert.Equal(t, clerk.ID, w.item(i.ID).Tasks[0].By)
}

func TestF33AnInsolventMerchantsDebtIsExpectedToBeLost(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	dispute := platform.Ref{Kind: "finance.chargeback", ID: platform.NewID("cbk", noon, 7, 9)}
	i, err := w.Arise(as(clerk), receivable.Arise{
		Debtor: merchant.ID, Cause: receivable.Chargeback, Source: dispute, Amount: yuan("300.00"),
		Credits: []platform.Leg{{Role: "chargeback_loss", Amount: yuan("-300.00")}},
	})
	require.NoError(t, err)
	_, err = w.Assess(as(clerk), receivable.Assess{Item: i.ID, Rate: one, Reason: "insolvent"})
	require.NoError(t, err)
	_, err = w.Assess(as(clerk), receivable.Assess{Item: i.ID, Rate: one.Add(one), Reason: "insolvent"})
	require.ErrorIs(t, err, receivable.ErrRate)
	w.clock.Advance(31 * 24 * time.Hour)
	w.tick()
	assert.Equal(t, "300.00 CNY", w.balance("allowance", "mer"))
	require.NoError(t, w.propose(clerk, i.ID, proof))
	require.NoError(t, w.approve(manager, i.ID))
	assert.Equal(t, "0.00 CNY", w.balance("allowance", "mer"), "the loss was provided for")
	assert.Equal(t, "300.00 CNY", w.balance("bad_debt", ""))
	w.sound(merchant.ID)
}

func TestNobodyGivesUpWhatTheyOweThemselves(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.owes(manager.ID, 1, "100.00", 0)
	_, err := w.ProposeWriteOff(as(manager), receivable.ProposeWriteOff{Item: i.ID, Reason: "insolvent", Proof: proof})
	require.ErrorIs(t, err, receivable.ErrOwnDebt)
	_, err = w.ProposeWriteOff(as(clerk), receivable.ProposeWriteOff{Item: i.ID, Reason: "insolvent", Proof: proof})
	require.NoError(t, err)

	_, err = w.ApproveWriteOff(as(manager), receivable.ApproveWriteOff{Item: i.ID})

	require.ErrorIs(t, err, receivable.ErrOwnDebt)
	_, err = w.ApproveWriteOff(as(director), receivable.ApproveWriteOff{Item: i.ID})
	require.NoError(t, err)
}

func TestPartiesWhoseIDsDifferInTheirPrefixAreTwoDebtors(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	customer := merchant.ID.As("cus")
	w.invoiced(1, "100.00", 0)
	w.owes(customer, 2, "100.00", 0)
	w.earns("payable", "200.00")
	w.days(12)

	page, err := w.Items(as(clerk), customer, "")

	require.NoError(t, err)
	assert.Equal(t, yuan("0.00"), page.Items[0].SetOff, "what is the merchant's pays nobody else's debt")
	d, err := w.Debtor(as(clerk), customer)
	require.NoError(t, err)
	assert.Equal(t, customer, d.Party)
}
