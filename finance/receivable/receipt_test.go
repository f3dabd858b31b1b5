package receivable_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/receivable"
)

func TestASourceMakesOneClaim(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	in := arise(merchant.ID, 1, "100.00", noon, 30)
	made := make([]receivable.Item, 16)
	var crowd sync.WaitGroup
	for n := range made {
		crowd.Go(func() {
			i, err := w.Arise(as(clerk), in)
			assert.NoError(t, err)
			made[n] = i
		})
	}
	crowd.Wait()

	for _, i := range made {
		assert.Equal(t, made[0].ID, i.ID)
	}
	assert.Equal(t, "100.00 CNY", w.balance("receivable", merchant.ID))
	assert.Len(t, w.events("receivable.opened"), 1)

	other := in
	other.Amount, other.Credits = yuan("99.00"), []platform.Leg{{Role: "advertising", Amount: yuan("-99.00")}}
	_, err := w.Arise(as(clerk), other)
	require.ErrorIs(t, err, receivable.ErrSourceUsed)
	elsewhere := in
	elsewhere.Debtor = stranger.ID
	_, err = w.Arise(as(clerk), elsewhere)
	require.ErrorIs(t, err, receivable.ErrSourceUsed)
	w.sound(merchant.ID, stranger.ID)
}

func TestAClaimIsWellFormed(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	good := arise(merchant.ID, 1, "100.00", noon, 30)
	for name, c := range map[string]struct {
		who    platform.Actor
		change func(*receivable.Arise)
		code   string
	}{
		"the merchant":         {merchant, func(*receivable.Arise) {}, "receivable.actor_not_allowed"},
		"nobody":               {platform.Actor{}, func(*receivable.Arise) {}, "actor.missing"},
		"below zero":           {clerk, func(in *receivable.Arise) { in.Amount = yuan("-1.00") }, "receivable.amount"},
		"no such cause":        {clerk, func(in *receivable.Arise) { in.Cause = "mood" }, "receivable.cause"},
		"no source":            {clerk, func(in *receivable.Arise) { in.Source = platform.Ref{} }, "field.required"},
		"due before it":        {clerk, func(in *receivable.Arise) { in.Due = noon.AddDate(0, 0, -1) }, "receivable.due"},
		"a debit against it":   {clerk, func(in *receivable.Arise) { in.Credits[0].Amount = yuan("100.00") }, "receivable.credits"},
		"other money":          {clerk, func(in *receivable.Arise) { in.Credits[0].Amount = platform.MustMoney("-100", "JPY") }, "receivable.credits"},
		"less against it":      {clerk, func(in *receivable.Arise) { in.Credits[0].Amount = yuan("-99.00") }, "ledger.unbalanced"},
		"not its recipe":       {clerk, func(in *receivable.Arise) { in.Cause = receivable.Damage }, "ledger.recipe"},
		"not in the books":     {clerk, func(in *receivable.Arise) { in.Credits = nil }, "receivable.not_booked"},
		"debtor without an id": {clerk, func(in *receivable.Arise) { in.Debtor = "somebody" }, "id.malformed"},
	} {
		in := good
		in.Credits = append([]platform.Leg(nil), good.Credits...)
		c.change(&in)
		_, err := w.Arise(as(c.who), in)
		require.Error(t, err, name)
		assert.Equal(t, c.code, platform.Code(err), name)
	}
	assert.Equal(t, "0.00 CNY", w.balance("receivable", merchant.ID))
}

func TestAClaimOfAnotherFactMustBeInTheBooks(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	dispute := platform.Ref{Kind: "finance.chargeback", ID: platform.NewID("cbk", noon, 7, 9)}
	w.book("fine.imposed", dispute, platform.Leg{Role: "receivable", Party: merchant.ID, Amount: yuan("40.00")}, platform.Leg{Role: "penalty", Amount: yuan("-40.00")})

	in := receivable.Arise{Debtor: merchant.ID, Cause: receivable.Chargeback, Source: dispute, Amount: yuan("40.00")}
	i, err := w.Arise(as(clerk), in)
	require.NoError(t, err)
	assert.Equal(t, noon.Truncate(24*time.Hour).AddDate(0, 0, 30), i.Due, "by the terms")

	in.Source = invoice(2) // the same money is not owed twice
	in.Amount = yuan("0.01")
	_, err = w.Arise(as(clerk), in)
	require.ErrorIs(t, err, receivable.ErrNotBooked)
	w.sound(merchant.ID)
}

func TestDamageIsClaimedForWhatThePlatformBore(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	_, err := w.Arise(as(clerk), receivable.Arise{
		Debtor: merchant.ID, Cause: receivable.Damage, Source: invoice(1), Amount: yuan("30.00"),
		Credits: []platform.Leg{{Role: "compensation", Amount: yuan("-20.00")}, {Role: "chargeback_loss", Amount: yuan("-10.00")}},
	})
	require.NoError(t, err)
	assert.Equal(t, "-20.00 CNY", w.balance("compensation", ""))
	w.sound(merchant.ID)
}

func TestMoneyCoversTheOldestUnlessThePayerNamesOne(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	late, early, middle := w.invoiced(1, "30.00", 30), w.invoiced(2, "30.00", 10), w.invoiced(3, "30.00", 20)

	w.pay("40.00")
	assert.Equal(t, receivable.Paid, w.item(early.ID).State)
	assert.Equal(t, receivable.PartlyPaid, w.item(middle.ID).State)
	assert.Equal(t, "20.00 CNY", w.item(middle.ID).Open().String())

	r := w.pay("25.00", late.ID)
	assert.Equal(t, "5.00 CNY", w.item(late.ID).Open().String())
	assert.Equal(t, "20.00 CNY", w.item(middle.ID).Open().String())
	assert.Len(t, r.Parts, 1)
	assert.Equal(t, "90.00 CNY", w.total("arisen"), "all that arose")
	w.sound(merchant.ID)
}

// total adds up an amount over the merchant's claims.
func (w *world) total(of string) string {
	w.t.Helper()
	page, err := w.Items(as(merchant), merchant.ID, "")
	require.NoError(w.t, err)
	sum := yuan("0.00")
	for _, i := range page.Items {
		m := map[string]platform.Money{"arisen": i.Amount, "open": i.Open(), "paid": i.Paid}[of]
		sum, err = sum.Add(m)
		require.NoError(w.t, err)
	}
	return sum.String()
}

func TestWhatIsOverWaitsForTheNextClaim(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.invoiced(1, "30.00", 30)
	r := w.pay("50.00")
	assert.Equal(t, "20.00 CNY", r.Over.String())
	assert.Equal(t, "20.00 CNY", w.balance("unapplied", merchant.ID))

	next := w.invoiced(2, "15.00", 30)
	w.tick()
	assert.Equal(t, receivable.Paid, w.item(next.ID).State)
	assert.Equal(t, "5.00 CNY", w.balance("unapplied", merchant.ID))

	last := w.invoiced(3, "100.00", 30)
	_, err := w.Cover(as(clerk), receivable.Cover{Debtor: merchant.ID, From: "unapplied", Most: yuan("3.00"), Items: []platform.ID{last.ID}})
	require.NoError(t, err)
	w.tick()
	assert.Equal(t, "97.00 CNY", w.item(last.ID).Open().String(), "as much as was asked")
	w.days(33) // nobody is dunned for what the platform holds
	assert.Equal(t, "95.00 CNY", w.item(last.ID).Open().String())
	assert.Equal(t, "95.00 CNY", w.item(last.ID).Steps[0].Open.String())
	assert.Equal(t, "0.00 CNY", w.balance("unapplied", merchant.ID))
	_, err = w.Cover(as(clerk), receivable.Cover{Debtor: merchant.ID, From: "unapplied", Most: yuan("3.00")})
	require.ErrorIs(t, err, receivable.ErrNothingFree)
	w.sound(merchant.ID)
}

func TestSetOffTakesNoMoreThanIsPayable(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "100.00", 30)
	w.earns("payable", "60.00")
	r, err := w.Cover(as(clerk), receivable.Cover{Debtor: merchant.ID, From: "payable", Most: yuan("100.00")})
	require.NoError(t, err)
	assert.Equal(t, "60.00 CNY", r.Amount.String())
	assert.Equal(t, "60.00 CNY", w.item(i.ID).SetOff.String())
	assert.Equal(t, "0.00 CNY", w.balance("payable", merchant.ID))

	w.earns("payable", "60.00")
	r, err = w.Cover(as(clerk), receivable.Cover{Debtor: merchant.ID, From: "payable", Most: yuan("100.00")})
	require.NoError(t, err)
	assert.Equal(t, "40.00 CNY", r.Amount.String(), "no more than is owed")
	assert.Equal(t, "20.00 CNY", w.balance("payable", merchant.ID))
	w.sound(merchant.ID)
}

func TestMoneyIsMatchedByItsReference(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	old, mine := w.invoiced(1, "30.00", 10), w.invoiced(2, "30.00", 30)
	theirs := w.owes(stranger.ID, 3, "30.00", 5)

	in := paid("", "30.00", 1)
	in.Text = "rent, " + mine.Reference + "; thanks 谢谢"
	r, err := w.Receive(as(clerk), in)
	require.NoError(t, err)
	assert.Equal(t, merchant.ID, r.Payer)
	assert.Equal(t, receivable.Paid, w.item(mine.ID).State)
	assert.Equal(t, receivable.Open, w.item(old.ID).State)

	_, err = w.Receive(as(clerk), in)
	require.ErrorIs(t, err, receivable.ErrReceived, "the same money twice")

	in = paid("", "10.00", 2)
	in.Text = old.Reference + " " + theirs.Reference
	r, err = w.Receive(as(clerk), in)
	require.NoError(t, err)
	assert.Equal(t, receivable.Unknown, r.Payer, "the names of two parties tell nobody's")

	in = paid(stranger.ID, "10.00", 3, old.ID)
	_, err = w.Receive(as(clerk), in)
	require.ErrorIs(t, err, platform.ErrNotFound, "nobody pays another's claim by name")
	w.sound(merchant.ID, stranger.ID)
}

func TestUnknownMoneyWaitsUntilItIsKnownWhoseItIs(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "30.00", 10)
	r, err := w.Receive(as(clerk), paid("", "20.00", 1))
	require.NoError(t, err)
	assert.Equal(t, "20.00 CNY", w.balance("unapplied", receivable.Unknown))
	_, err = w.Receipt(as(merchant), r.ID)
	require.ErrorIs(t, err, platform.ErrNotFound)

	_, err = w.Assign(as(clerk), receivable.Assign{Receipt: r.ID, Payer: merchant.ID})
	require.NoError(t, err)
	_, err = w.Assign(as(clerk), receivable.Assign{Receipt: r.ID, Payer: stranger.ID})
	require.ErrorIs(t, err, receivable.ErrAssigned)
	w.tick()
	assert.Equal(t, "10.00 CNY", w.item(i.ID).Open().String())
	assert.Equal(t, "0.00 CNY", w.balance("unapplied", receivable.Unknown))
	w.sound(merchant.ID)
}

func TestMoneyThatComesTwiceAtOnceCountsOnce(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "100.00", 10)
	told := make([]error, 16)
	var crowd sync.WaitGroup
	for n := range told {
		crowd.Go(func() { _, told[n] = w.Receive(as(clerk), paid(merchant.ID, "10.00", 1)) })
	}
	crowd.Wait()

	came := 0
	for _, err := range told {
		if err == nil {
			came++
			continue
		}
		require.ErrorIs(t, err, receivable.ErrReceived)
	}
	assert.Equal(t, 1, came)
	assert.Equal(t, "90.00 CNY", w.item(i.ID).Open().String())
	w.sound(merchant.ID)
}

func TestReceiptsBelongToTheirPayer(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "30.00", 10)
	r := w.pay("30.00")
	for _, who := range []platform.Actor{merchant, clerk, auditor} {
		_, err := w.Receipt(as(who), r.ID)
		require.NoError(t, err)
		_, err = w.Item(as(who), i.ID)
		require.NoError(t, err)
	}
	_, err := w.Receipt(as(stranger), r.ID)
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = w.Item(as(stranger), i.ID)
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = w.Items(as(stranger), merchant.ID, "")
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = w.Receipts(as(merchant), "", "")
	require.ErrorIs(t, err, platform.ErrNotFound)
	abroad := clerk
	abroad.Tenant = "elsewhere"
	_, err = w.Item(as(abroad), i.ID)
	require.ErrorIs(t, err, platform.ErrNotFound)
}

func TestAPayoutSetsOffWhatIsOwed(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "100.00", 0)
	w.days(20)
	w.earns("payable", "130.00")
	payout := platform.Ref{Kind: "settlement.payout", ID: platform.NewID("pay", noon, 7, 1)}
	claims := receivable.Claims{Store: receivable.StoreOn(w.db), Books: w.books, Standing: gate{w.db}}
	w.book("fine.imposed", invoice(9), platform.Leg{Role: "receivable", Party: merchant.ID, Amount: yuan("20.00")}, platform.Leg{Role: "penalty", Amount: yuan("-20.00")})
	setOff := func(most string) (taken platform.Money) {
		_, err := platform.Update(as(clock), w.w, struct{}{}, func(ctx context.Context) (struct{}, []platform.Change, error) {
			var set []platform.Change
			var err error
			taken, set, err = claims.SetOff(ctx, merchant.ID, payout, yuan(most), w.clock.Now())
			return struct{}{}, append(set, platform.Happened("test.paid_out", payout, nil)), err
		})
		require.NoError(t, err)
		return taken
	}
	assert.Equal(t, "120.00 CNY", setOff("130.00").String(), "the claim, and what is owed beside it")
	assert.Equal(t, receivable.Paid, w.item(i.ID).State)
	assert.Empty(t, w.lacks(), "it may list again")
	assert.Equal(t, "10.00 CNY", w.balance("payable", merchant.ID))
	assert.Equal(t, "0.00 CNY", setOff("10.00").String(), "nothing is owed any more")
	w.sound(merchant.ID)
}

func TestAClaimArisesInTheCommitOfItsFact(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	fine := platform.Ref{Kind: "merchant.fine", ID: platform.NewID("fin", noon, 7, 1)}
	claims := receivable.Claims{Store: receivable.StoreOn(w.db), Books: w.books}
	impose := func(cause string) error {
		_, err := platform.Update(as(clock), w.w, struct{}{}, func(ctx context.Context) (struct{}, []platform.Change, error) {
			set, err := claims.Arise(ctx, cause, fine, merchant.ID, yuan("80.00"), noon)
			if err != nil || set == nil {
				return struct{}{}, nil, errors.Join(err, errNothing)
			}
			booked, err := w.books.Post(ctx, "fine.imposed", fine, noon, []platform.Leg{
				{Role: "receivable", Party: merchant.ID, Amount: yuan("80.00")}, {Role: "penalty", Amount: yuan("-80.00")},
			})
			return struct{}{}, append(set, booked...), err
		})
		return err
	}
	require.ErrorIs(t, impose("mood"), receivable.ErrCause)
	require.NoError(t, impose("negative_balance"))
	require.ErrorIs(t, impose("negative_balance"), errNothing, "it arose before")
	page, err := w.Items(as(merchant), merchant.ID, "")
	require.NoError(t, err)
	assert.Len(t, page.Items, 1)
	w.sound(merchant.ID)
}

var errNothing = errors.New("nothing changes")

func TestClaimsOfSeveralCurrenciesStandApart(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	yen := platform.MustMoney("10000", "JPY")
	i, err := w.Arise(as(clerk), receivable.Arise{
		Debtor: merchant.ID, Cause: receivable.Invoice, Source: invoice(1), Amount: yen, Due: noon,
		Credits: []platform.Leg{{Role: "advertising", Amount: yen.Neg()}},
	})
	require.NoError(t, err)
	other := w.invoiced(2, "100.00", 0)
	r := w.pay("150.00")
	assert.Equal(t, "50.00 CNY", r.Over.String())
	assert.Equal(t, receivable.Paid, w.item(other.ID).State)
	w.days(10)
	i = w.item(i.ID)
	assert.Equal(t, "10000 JPY", i.Open().String())
	assert.Equal(t, 2, i.Level)
	assert.Equal(t, "0 JPY", i.Fee.String(), "no limit is agreed in yen")
	require.NoError(t, w.propose(clerk, i.ID, proof))
	require.ErrorIs(t, w.approve(manager, i.ID), receivable.ErrAuthority, "nor for a manager")
	require.NoError(t, w.approve(director, i.ID))
}

func TestKindsAreWellFormed(t *testing.T) {
	t.Parallel()
	for _, k := range receivable.Kinds() {
		require.NoError(t, k.Fault(), k.Name)
		for _, f := range k.Fields {
			assert.Equal(t, platform.Internal, f.Class, "%s.%s", k.Name, f.Path)
		}
	}
}
