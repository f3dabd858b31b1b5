package receivable_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/receivable"
)

// parts are instalments, by days from now.
func (w *world) parts(of ...any) (all []receivable.Instalment) {
	for n := 0; n < len(of); n += 2 {
		on, amount := of[n].(int), of[n+1].(string)
		all = append(all, receivable.Instalment{On: w.clock.Now().AddDate(0, 0, on), Amount: yuan(amount)})
	}
	return all
}

func (w *world) promise(id platform.ID, parts ...any) error {
	w.t.Helper()
	_, err := w.MakePromise(as(merchant), receivable.MakePromise{Item: id, Parts: w.parts(parts...)})
	return err
}

func TestAPromiseAddsUpToWhatIsOwedOnDaysAhead(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "100.00", 0)
	for name, c := range map[string]struct {
		parts []any
		code  string
	}{
		"too little":     {[]any{5, "99.99"}, "receivable.promise"},
		"too much":       {[]any{5, "100.01"}, "receivable.promise"},
		"today":          {[]any{0, "100.00"}, "receivable.promise"},
		"past":           {[]any{-1, "100.00"}, "receivable.promise"},
		"falling days":   {[]any{5, "50.00", 4, "50.00"}, "receivable.promise"},
		"one day twice":  {[]any{5, "50.00", 5, "50.00"}, "receivable.promise"},
		"a part below":   {[]any{5, "110.00", 6, "-10.00"}, "receivable.promise"},
		"no part":        {nil, "receivable.promise"},
		"a seventh part": {[]any{1, "10.00", 2, "10.00", 3, "10.00", 4, "10.00", 5, "10.00", 6, "10.00", 7, "40.00"}, "receivable.promise"},
		"a part without": {[]any{1, "100.00", 2, "0.00"}, "field.required"},
	} {
		err := w.promise(i.ID, c.parts...)
		require.ErrorIs(t, err, platform.ErrInvalid, name)
		assert.Equal(t, c.code, platform.Code(err), name)
	}
	_, err := w.MakePromise(as(stranger), receivable.MakePromise{Item: i.ID, Parts: w.parts(5, "100.00")})
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = w.MakePromise(as(auditor), receivable.MakePromise{Item: i.ID, Parts: w.parts(5, "100.00")})
	require.ErrorIs(t, err, platform.ErrDenied)

	require.NoError(t, w.promise(i.ID, 1, "10.00", 2, "10.00", 3, "10.00", 4, "10.00", 5, "10.00", 6, "50.00"))
	require.ErrorIs(t, w.promise(i.ID, 5, "100.00"), receivable.ErrNotOpen, "there is one")
}

func TestAPromiseIsKeptUntilTwoBusinessDaysAfterIt(t *testing.T) {
	t.Parallel()
	w := open(t, func(terms *receivable.Terms) {
		day := "00:00-24:00"
		terms.Calendar, _ = platform.Hours{Week: [7]string{"", day, day, day, day, day, ""}}.Calendar()
	})
	i := w.invoiced(1, "100.00", 0)
	require.NoError(t, w.promise(i.ID, 3, "40.00", 10, "60.00")) // Thursday, and the next
	w.days(6)                                                    // Sunday
	i = w.item(i.ID)
	assert.Equal(t, receivable.Promised, i.State, "Monday is the second business day")
	assert.Zero(t, i.Level, "dunning waits")
	w.pay("40.00")
	w.days(2)
	i = w.item(i.ID)
	assert.Equal(t, receivable.Promised, i.State)
	assert.Equal(t, 1, i.Promise.Kept)
	assert.Len(t, w.events("receivable.promise_kept"), 1)
	w.pay("60.00")
	assert.Equal(t, receivable.Paid, w.item(i.ID).State)
	w.days(30)
	assert.Empty(t, w.letters())
	w.sound(merchant.ID)
}

func TestABrokenPromiseGoesOnOneLevelHigher(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "100.00", 0)
	w.days(3)
	require.NoError(t, w.promise(i.ID, 1, "50.00", 30, "50.00"))
	w.pay("49.99")
	w.days(4) // day 7: the second level is due on the tenth
	i = w.item(i.ID)
	assert.Equal(t, receivable.PartlyPaid, i.State)
	assert.Equal(t, 1, i.Broken)
	assert.Equal(t, 2, i.Level)
	assert.Len(t, w.events("receivable.promise_broken"), 1)
	w.days(10)
	assert.Equal(t, 2, w.item(i.ID).Level, "the third has its own day")

	require.NoError(t, w.promise(i.ID, 1, "50.01"))
	w.days(5)
	assert.Equal(t, 3, w.item(i.ID).Level)
	require.ErrorIs(t, w.promise(i.ID, 1, "50.01"), receivable.ErrPromisesUsed)
	w.sound(merchant.ID)
}

func TestABrokenPromiseWaitsForTheNextLetter(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "100.00", 0)
	require.NoError(t, w.promise(i.ID, 1, "100.00")) // to be kept by the end of the third day
	w.invoiced(2, "100.00", 1)                       // whose letter is due on the fourth
	w.clock.Advance(3*24*time.Hour + 11*time.Hour)   // the third, before midnight
	w.tick()
	assert.Empty(t, w.letters())
	w.clock.Advance(2 * time.Hour)
	w.tick()
	require.Len(t, w.letters(), 1, "both in one")
	assert.Equal(t, 1, w.item(i.ID).Level)
}

func TestALateTickJudgesEveryPart(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	i := w.invoiced(1, "100.00", 0)
	require.NoError(t, w.promise(i.ID, 1, "40.00", 5, "60.00"))
	w.pay("40.00")
	w.clock.Advance(30 * 24 * time.Hour)
	w.tick()
	i = w.item(i.ID)
	assert.Equal(t, 1, i.Broken)
	assert.Equal(t, 1, i.Level)
	assert.Len(t, w.events("receivable.promise_kept"), 1)
	assert.Len(t, w.events("receivable.promise_broken"), 1)
}

func TestWhatWasDisputedIsDunnedOnceThePromiseOfTheRestIsKept(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]bool{"resolved while promised": false, "resolved after": true} {
		w := open(t, nil)
		i := w.invoiced(1, "100.00", 0)
		_, err := w.Dispute(as(merchant), receivable.Dispute{Item: i.ID, Amount: yuan("40.00"), Reason: "wrong_amount"})
		require.NoError(t, err)
		require.NoError(t, w.promise(i.ID, 2, "60.00"))
		w.pay("60.00")
		if late {
			w.days(10)
		}
		_, err = w.Resolve(as(clerk), receivable.Resolve{Item: i.ID, Reason: "owed"})
		require.NoError(t, err)
		w.days(10)

		i = w.item(i.ID)

		assert.Equal(t, receivable.PartlyPaid, i.State, name)
		assert.Positive(t, i.Level, name)
		assert.Nil(t, i.Promise, name)
		assert.Zero(t, i.Broken, name)
		assert.Len(t, w.events("receivable.promise_kept"), 1, name)
		w.sound(merchant.ID)
	}
}
