package receivable_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/receivable"
)

func TestEachLevelIsReachedOnceOnItsDay(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "1000.00", 0)
	w.days(120)

	i = w.item(i.ID)
	var days []int
	for n, s := range i.Steps {
		assert.Equal(t, n+1, s.Level)
		days = append(days, int(s.At.Sub(i.Due)/(24*time.Hour)))
	}
	assert.Equal(t, []int{3, 10, 20, 30, 60, 90}, days)
	assert.Len(t, w.letters(), 6)
	assert.Len(t, w.post.texts, 6)
	assert.Len(t, w.events("receivable.dunned"), 6)
	assert.Equal(t, "10.00 CNY", i.Fee.String(), "1 % once")
	assert.Equal(t, []string{"call", "sanction", "agency", "legal", "write_off"}, codes(i.Tasks))
	assert.True(t, i.Next.IsZero(), "nothing more happens by itself")
	assert.Equal(t, "1000.00 CNY", w.balance("receivable", merchant.ID), "a fee that is asked is no claim")
	w.sound(merchant.ID)
}

func codes(tasks []receivable.Task) (all []string) {
	for _, task := range tasks {
		all = append(all, task.Code)
	}
	return all
}

func TestALateTickReachesOneLevelADay(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "1000.00", 0)
	w.clock.Advance(35 * 24 * time.Hour)
	for range 5 {
		w.tick()
	}
	assert.Equal(t, 1, w.item(i.ID).Level)
	w.days(3)
	assert.Equal(t, 4, w.item(i.ID).Level)
	w.days(5)
	assert.Equal(t, 4, w.item(i.ID).Level, "its time has not come")
}

func TestADebtorGetsOneLetterADayOverAllItems(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	first, second, third := w.invoiced(1, "100.00", 0), w.invoiced(2, "50.00", 0), w.invoiced(3, "70.00", 1)
	w.days(3)

	require.Len(t, w.letters(), 1)
	l := w.letters()[0]
	assert.Equal(t, []platform.ID{first.ID, second.ID, third.ID}, demanded(l, first.ID, second.ID), "all that is overdue is listed")
	assert.True(t, l.Lines[0].New)
	assert.False(t, l.Lines[2].New)
	for _, lang := range []string{"en", "zh"} {
		assert.Contains(t, w.post.texts[l.ID][lang], first.Reference)
		assert.Contains(t, w.post.texts[l.ID][lang], "100.00 CNY")
	}

	w.clock.Advance(12 * time.Hour) // the third has its day now, at midnight
	w.tick()
	w.tick()
	require.Len(t, w.letters(), 2)

	w.owes(merchant.ID, 4, "20.00", 0) // overdue when it is found
	w.clock.Advance(time.Hour)
	w.tick()
	assert.Len(t, w.letters(), 2)
	sent := map[string]int{}
	w.days(40)
	for _, l := range w.letters() {
		sent[l.At.Format(time.DateOnly)]++
	}
	for day, n := range sent {
		assert.Equal(t, 1, n, day)
	}
	w.sound(merchant.ID)
}

// demanded are the claims in a letter, those named first in the order given.
func demanded(l receivable.Letter, first ...platform.ID) (ids []platform.ID) {
	for _, d := range l.Lines {
		ids = append(ids, d.Item)
	}
	slices.SortStableFunc(ids, func(a, b platform.ID) int {
		rank := func(id platform.ID) int {
			if n := slices.Index(first, id); n >= 0 {
				return n
			}
			return len(first)
		}
		return rank(a) - rank(b)
	})
	return ids
}

func TestAPaidItemIsNeverDunned(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "100.00", 0)
	w.days(12)
	w.pay("100.00")
	w.days(100)
	i = w.item(i.ID)
	assert.Equal(t, receivable.Paid, i.State)
	assert.Equal(t, 2, i.Level)
	assert.Len(t, w.letters(), 2)
	assert.Equal(t, "0.00 CNY", i.FeePaid.String(), "what was asked on top is let go")
	_, err := w.Dun(as(clerk), receivable.Dun{Debtor: merchant.ID})
	require.ErrorIs(t, err, receivable.ErrNotDue)
}

func TestAFeeIsBookedOnlyWhenItIsPaid(t *testing.T) {
	t.Parallel()
	w := open(t, func(terms *receivable.Terms) {
		terms.Interest = receivable.Standard().Interest.Mul(receivable.Standard().Interest.Div(receivable.Standard().Interest))
	})
	i := w.invoiced(1, "1000.00", 0)
	w.days(83) // interest for 73 days from level 2: 1000 × 5 % × 73/365 = 10.00
	assert.Equal(t, "0.00 CNY", w.balance("dunning_fee", ""))

	r := w.pay("1025.00")
	require.Len(t, r.Parts, 1)
	assert.Equal(t, "10.00 CNY", r.Parts[0].Interest.String())
	assert.Equal(t, "10.00 CNY", r.Parts[0].Fee.String())
	assert.Equal(t, "5.00 CNY", r.Over.String())
	assert.Equal(t, receivable.Paid, w.item(i.ID).State)
	assert.Equal(t, "9.44 CNY", w.balance("dunning_fee", "")) // 18.87 net, halved
	assert.Equal(t, "9.43 CNY", w.balance("penalty", ""))
	assert.Equal(t, "1.13 CNY", w.balance("output_tax", ""))
	w.sound(merchant.ID)
}

func TestInterestRunsOnWhatIsOpenAndNotDisputed(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "2000.00", 0)
	w.days(10 + 10) // ten days of interest on 2000
	w.pay("1000.00", i.ID)
	w.days(10) // ten on 1000
	_, err := w.Dispute(as(merchant), receivable.Dispute{Item: i.ID, Amount: yuan("500.00"), Reason: "not_delivered"})
	require.NoError(t, err)
	w.days(13) // 13 on 500

	// (2000×10 + 1000×10 + 500×13) × 5 % / 365 = 36500 × 0.05 / 365
	assert.Equal(t, "5.00 CNY", w.item(i.ID).Accrued(w.clock.Now(), w.Terms()).String())
}

func TestALevelSetsOffBeforeItDuns(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "100.00", 0)
	w.earns("payable", "130.00")
	w.days(9)
	assert.Equal(t, "130.00 CNY", w.balance("payable", merchant.ID), "not at the first level")
	w.days(1)
	i = w.item(i.ID)
	assert.Equal(t, receivable.Paid, i.State)
	assert.Equal(t, 1, i.Level, "it was paid before the second")
	assert.Equal(t, "100.00 CNY", i.SetOff.String())
	assert.Equal(t, "30.00 CNY", w.balance("payable", merchant.ID))
	assert.Len(t, w.letters(), 1)
	w.sound(merchant.ID)
}

func TestADepositIsAppliedAtTheFourthLevel(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "100.00", 0)
	w.earns("deposit", "60.00")
	w.days(29)
	assert.Equal(t, "60.00 CNY", w.balance("deposit", merchant.ID))
	w.days(1)
	i = w.item(i.ID)
	assert.Equal(t, "40.00 CNY", i.Open().String())
	assert.Equal(t, 4, i.Level)
	assert.Equal(t, "0.00 CNY", w.balance("deposit", merchant.ID))
	w.sound(merchant.ID)
}

func TestCapabilitiesEndWithTheLevelAndComeBackWithTheMoney(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	debts := receivable.Debts{Store: receivable.StoreOn(w.db)}
	i := w.invoiced(1, "100.00", 0)
	other := w.invoiced(2, "100.00", 5)
	w.days(20)
	assert.Equal(t, []string{"advertise", "list"}, w.lacks())
	_, err := debts.May(as(clock), merchant.ID, "list", w.clock.Now())
	require.ErrorIs(t, err, platform.ErrState)
	assert.Equal(t, "receivable.restricted", platform.Code(err))
	pinned, err := debts.May(as(clock), merchant.ID, "payout", w.clock.Now())
	require.NoError(t, err)
	assert.Len(t, pinned, 1)
	w.days(10)
	assert.Equal(t, []string{"advertise", "list", "payout"}, w.lacks())

	_, err = debts.Held(as(clock), merchant.ID, w.clock.Now())
	require.ErrorIs(t, err, platform.ErrState)

	w.pay("100.00", i.ID)
	_, err = debts.Held(as(clock), merchant.ID, w.clock.Now())
	require.NoError(t, err)
	assert.Equal(t, []string{"advertise", "list"}, w.lacks(), "the other is at the third level")
	w.pay("100.00", other.ID)
	assert.Empty(t, w.lacks())
	pinned, err = debts.May(as(clock), stranger.ID, "list", w.clock.Now())
	require.NoError(t, err)
	assert.Empty(t, pinned, "who never owed")
	w.sound(merchant.ID)
}

func TestPayAndStepDoNotPassEachOther(t *testing.T) {
	t.Parallel()
	for n := range 20 {
		w := open(t, nil)
		i := w.invoiced(1, "100.00", 0)
		w.clock.Advance(3 * 24 * time.Hour)
		var crowd sync.WaitGroup
		crowd.Go(func() { _, _ = w.Receive(as(clerk), paid(merchant.ID, "100.00", 1)) })
		for range 3 {
			crowd.Go(func() { _, _ = w.Tick(context.Background(), w.clock.Now(), 100) })
		}
		crowd.Wait()

		i = w.item(i.ID)
		require.Equal(t, receivable.Paid, i.State, n)
		require.Len(t, w.letters(), len(i.Steps))
		require.LessOrEqual(t, len(i.Steps), 1)
		events := w.events("receivable.dunned")
		require.Len(t, events, len(i.Steps))
		if len(events) == 1 {
			require.Less(t, events[0].Version, w.events("receivable.paid")[0].Version, "it was dunned before it was paid")
		}
		w.sound(merchant.ID)
	}
}

func TestTooLittleIsNotDunnedAtEveryLevel(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "9.99", 0)
	w.days(100)
	assert.Equal(t, 1, w.item(i.ID).Level)
	assert.Equal(t, receivable.Open, w.item(i.ID).State)
}

func TestLettersGoOutInBusinessHours(t *testing.T) {
	t.Parallel()
	day := "09:00-18:00"
	hours, err := platform.Hours{Zone: "Asia/Shanghai", Week: [7]string{"", day, day, day, day, day, ""}}.Calendar()
	require.NoError(t, err)
	w := open(t, func(terms *receivable.Terms) {
		terms.Zone, _ = time.LoadLocation("Asia/Shanghai")
		terms.Calendar = hours
	})
	i := w.invoiced(1, "100.00", 4) // a Friday; three days on is a Monday
	assert.Equal(t, time.Date(2026, 3, 9, 1, 0, 0, 0, time.UTC), i.Next)
	i = w.invoiced(2, "100.00", 2) // three days after Wednesday is a Saturday
	assert.Equal(t, time.Date(2026, 3, 9, 1, 0, 0, 0, time.UTC), i.Next)
}

func TestALetterThatFailsIsSentAgain(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.invoiced(1, "100.00", 0)
	w.post.fails = 2
	w.days(3)
	assert.Empty(t, w.post.texts)
	w.clock.Advance(time.Hour)
	w.tick()
	assert.Empty(t, w.post.texts)
	assert.Equal(t, 2, w.letters()[0].Tries)
	w.days(1)
	assert.Len(t, w.post.texts, 1)
	assert.False(t, w.letters()[0].Sent.IsZero())
	assert.Len(t, w.letters(), 1)

	w.post.fails = 100
	w.days(30)
	for _, l := range w.letters()[:2] {
		assert.Equal(t, 5, l.Tries)
		assert.True(t, l.Due.IsZero(), "a person looks after it")
	}
}

func TestOnlyTheDisputedPartPauses(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "100.00", 0)
	_, err := w.Dispute(as(merchant), receivable.Dispute{Item: i.ID, Amount: yuan("60.00"), Reason: "wrong_amount"})
	require.NoError(t, err)
	w.days(10)
	i = w.item(i.ID)
	assert.Equal(t, 2, i.Level)
	assert.Equal(t, "0.40 CNY", i.Fee.String(), "of what is not disputed")

	_, err = w.Dispute(as(merchant), receivable.Dispute{Item: i.ID, Amount: yuan("40.01"), Reason: "wrong_amount"})
	require.ErrorIs(t, err, receivable.ErrDispute)
	_, err = w.Dispute(as(stranger), receivable.Dispute{Item: i.ID, Amount: yuan("1.00"), Reason: "wrong_amount"})
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = w.Dispute(as(merchant), receivable.Dispute{Item: i.ID, Amount: yuan("40.00"), Reason: "not_owed"})
	require.NoError(t, err)
	w.days(20)
	assert.Equal(t, 2, w.item(i.ID).Level, "all of it is disputed")

	w.pay("30.00") // nobody named it: it waits
	assert.Equal(t, "30.00 CNY", w.balance("unapplied", merchant.ID))
	_, err = w.Resolve(as(clerk), receivable.Resolve{Item: i.ID, Reason: "delivered"})
	require.NoError(t, err)
	_, err = w.Resolve(as(clerk), receivable.Resolve{Item: i.ID, Reason: "delivered"})
	require.ErrorIs(t, err, receivable.ErrNotDisputed)
	w.days(1)
	i = w.item(i.ID)
	assert.Equal(t, "70.00 CNY", i.Open().String())
	assert.Equal(t, 3, i.Level)
	w.sound(merchant.ID)
}

func TestF13DunningOutlivesTheAccount(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.earns("payable", "20.00")
	w.earns("deposit", "30.00")
	i, err := w.Arise(as(clerk), receivable.Arise{
		Debtor: merchant.ID, Cause: receivable.Negative, Source: invoice(1), Amount: yuan("100.00"), Due: noon,
		Credits: []platform.Leg{{Role: "compensation", Amount: yuan("-100.00")}},
	})
	require.NoError(t, err)
	w.days(90)

	i = w.item(i.ID)
	assert.Equal(t, "50.00 CNY", i.Open().String(), "set off, then the deposit")
	assert.Equal(t, 6, i.Level)
	assert.Equal(t, "0.00 CNY", w.balance("payable", merchant.ID))
	assert.Equal(t, "0.00 CNY", w.balance("deposit", merchant.ID))
	debts, since, err := receivable.Debts{Store: receivable.StoreOn(w.db)}.Overdue(as(clock), merchant.ID, w.clock.Now())
	require.NoError(t, err)
	assert.Equal(t, []platform.Money{yuan("50.00")}, debts)
	assert.Equal(t, i.Due, since)
	w.sound(merchant.ID)
}

func TestALetterSaysNothingOfWhatWasPaidMeanwhile(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	first, second := w.invoiced(1, "100.00", 0), w.invoiced(2, "100.00", 0)
	w.post.fails = 1
	w.days(3)
	w.pay("100.00", first.ID)
	w.clock.Advance(time.Hour)
	w.tick()
	l := w.letters()[0]
	assert.NotContains(t, w.post.texts[l.ID]["en"], first.Reference)
	assert.Contains(t, w.post.texts[l.ID]["en"], second.Reference)

	w.post.fails = 1
	w.days(7)
	w.pay("100.00", second.ID)
	w.days(1)
	l = w.letters()[0]
	assert.Empty(t, w.post.texts[l.ID], "nothing is left to ask for")
	assert.True(t, l.Sent.IsZero())
	assert.Len(t, w.events("receivable.letter_withdrawn"), 1)
}

func TestADebtorReadsWhatItOwesAndWhatItWasTold(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "100.00", 0)
	w.days(20)
	l := w.letters()[0]
	for who, want := range map[*platform.Actor]error{&merchant: nil, &auditor: nil, &stranger: platform.ErrNotFound} {
		_, err := w.Letter(as(*who), l.ID)
		require.ErrorIs(t, err, want)
		d, err := w.Debtor(as(*who), merchant.ID)
		require.ErrorIs(t, err, want)
		_, err = w.Letters(as(*who), merchant.ID, "")
		require.ErrorIs(t, err, want)
		if want == nil {
			assert.Equal(t, []string{"advertise", "list"}, d.Restricted)
		}
	}
	assert.Equal(t, []string{"promise", "dispute"}, w.item(i.ID).Moves(platform.Merchant))
	assert.Empty(t, w.item(i.ID).Moves(platform.Auditor))
	_, err := w.Dun(as(merchant), receivable.Dun{Debtor: merchant.ID})
	require.ErrorIs(t, err, receivable.ErrDesk)
}
