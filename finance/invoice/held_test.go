package invoice_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/invoice"
	"github.com/liangding/platform/store/sandbox"
)

// held is an invoice whose red letter came back with other totals.
func held(t *testing.T) (*world, invoice.Invoice, invoice.Letter) {
	t.Helper()
	v := newWorld(t)
	whole := v.issued(t)
	l, err := v.askRed(customer, whole.ID, invoice.Part{Line: 1, Amount: yuan("40.00")})
	require.NoError(t, err)
	v.authority.Force(string(l.ID), sandbox.Alter)
	v.after(t, time.Hour)
	return v, v.get(t, whole.ID), v.letters(t, whole.ID)[0]
}

func TestALetterWithOtherTotalsIsHeldWherePeopleSeeIt(t *testing.T) {
	t.Parallel()
	v, got, l := held(t)

	assert.Equal(t, []any{invoice.LetterHeld, "invoice.totals", true}, []any{l.State, l.Reason, l.Due.IsZero()})
	assert.Equal(t, []any{invoice.RedPending, "invoice.totals", yuan("0.00")}, []any{got.State, got.Reason, got.Red})
	assert.Equal(t, 1, v.events(t)["finding.raised invoice.totals"])
	v.after(t, 24*time.Hour)
	assert.Equal(t, l, v.letters(t, got.ID)[0], "nothing but a person moves it")
	v.sound(t)
}

func TestAHeldLetterGoesOnOnceItIsPutRight(t *testing.T) {
	t.Parallel()
	v, got, l := held(t)

	_, err := v.CheckRed(as(operator), invoice.CheckRed{Invoice: got.ID})
	require.NoError(t, err)
	assert.Empty(t, v.get(t, got.ID).Reason)
	v.tick(t)
	assert.Equal(t, invoice.LetterHeld, v.letters(t, got.ID)[0].State, "it was not put right")
	assert.Equal(t, 2, v.events(t)["finding.raised invoice.totals"])

	_, err = v.CheckRed(as(operator), invoice.CheckRed{Invoice: got.ID})
	require.NoError(t, err)
	v.authority.Force(string(l.ID), "")
	v.tick(t)

	end := v.get(t, got.ID)
	assert.Equal(t, []any{invoice.PartlyRed, yuan("40.00"), ""}, []any{end.State, end.Red, end.Reason})
	assert.Equal(t, invoice.LetterIssued, v.letters(t, got.ID)[0].State)
	v.sound(t)
}

func TestAVoidLetterIsAskedForAnewIfItIsOwed(t *testing.T) {
	t.Parallel()
	v, got, l := held(t)
	v.shop.refund(1, "40.00")

	_, err := v.VoidRed(as(operator), invoice.VoidRed{Invoice: got.ID, Reason: "authority_voided"})
	require.NoError(t, err)
	now := v.get(t, got.ID)
	assert.Equal(t, []any{invoice.Issued, yuan("0.00"), ""}, []any{now.State, now.Red, now.Reason})
	assert.Equal(t, []any{invoice.LetterRefused, "authority_voided"}, []any{v.letters(t, got.ID)[0].State, v.letters(t, got.ID)[0].Reason})
	v.after(t, 48*time.Hour)

	all := v.letters(t, got.ID)
	require.Len(t, all, 2)
	assert.Equal(t, []any{invoice.LetterIssued, true}, []any{all[1].State, all[1].ID != l.ID})
	assert.Equal(t, yuan("40.00"), v.get(t, got.ID).Red)
	v.sound(t)
}

func TestOnlyAHeldLetterIsDecidedAndOnlyByAnOperator(t *testing.T) {
	t.Parallel()
	v, got, _ := held(t)
	for _, who := range []platform.Actor{customer, merchant} {
		_, err := v.CheckRed(as(who), invoice.CheckRed{Invoice: got.ID})
		require.ErrorIs(t, err, platform.ErrDenied, who.Kind)
		_, err = v.VoidRed(as(who), invoice.VoidRed{Invoice: got.ID, Reason: "x"})
		require.ErrorIs(t, err, platform.ErrDenied, who.Kind)
	}
	_, err := v.CheckRed(as(operator), invoice.CheckRed{Invoice: got.ID})
	require.NoError(t, err)
	for range 2 { // it is sent, and then nothing is under way
		_, err = v.CheckRed(as(operator), invoice.CheckRed{Invoice: got.ID})
		refused(t, err, invoice.ErrNotHeld, "invoice.not_held")
		_, err = v.VoidRed(as(operator), invoice.VoidRed{Invoice: got.ID, Reason: "x"})
		refused(t, err, invoice.ErrNotHeld, "invoice.not_held")
		v.authority.Force(string(v.letters(t, got.ID)[0].ID), "")
		v.tick(t)
	}
}

func TestOfRacingDecisionsOneHolds(t *testing.T) {
	t.Parallel()
	v, got, _ := held(t)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			if i%2 == 0 {
				_, errs[i] = v.CheckRed(as(operator), invoice.CheckRed{Invoice: got.ID})
				return
			}
			_, errs[i] = v.VoidRed(as(operator), invoice.VoidRed{Invoice: got.ID, Reason: "authority_voided"})
		})
	}
	wg.Wait()

	done := 0
	for _, err := range errs {
		if err == nil {
			done++
			continue
		}
		require.ErrorIs(t, err, platform.ErrState)
	}
	assert.Equal(t, 1, done)
	v.sound(t)
}
