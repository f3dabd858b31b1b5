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

func (v *world) askRed(who platform.Actor, id platform.ID, parts ...invoice.Part) (invoice.Letter, error) {
	return v.AskRed(as(who), invoice.AskRed{Invoice: id, Lines: parts, Reason: "wrong_title"})
}

func TestARedLetterTakesAnInvoiceBack(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	whole := v.issued(t)

	l, err := v.askRed(customer, whole.ID, invoice.Part{Line: 1, Amount: yuan("40.00")})
	require.NoError(t, err)
	assert.Equal(t, invoice.RedPending, v.get(t, whole.ID).State)
	_, err = v.askRed(merchant, whole.ID)
	refused(t, err, invoice.ErrNotReversible, "invoice.not_reversible")
	v.tick(t)
	got := v.get(t, whole.ID)
	assert.Equal(t, invoice.PartlyRed, got.State)
	assert.Equal(t, yuan("40.00"), got.Red)
	assert.NotEmpty(t, v.letters(t, whole.ID)[0].Official)
	assert.Equal(t, yuan("2.26"), l.Tax)

	again := v.request(t)
	assert.Equal(t, yuan("40.00"), again.Gross, "what was taken back can be invoiced anew")
	_, err = v.askRed(merchant, whole.ID)
	require.NoError(t, err)
	v.tick(t)
	assert.Equal(t, invoice.Red, v.get(t, whole.ID).State)
	_, err = v.askRed(merchant, whole.ID)
	refused(t, err, invoice.ErrNotReversible, "invoice.not_reversible")
	v.sound(t)
}

// Finance §21.
func TestRedNeverExceedsIssued(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	got := v.issued(t, "60.00", "50.00")
	for name, c := range map[string]struct {
		parts []invoice.Part
		want  error
		code  string
	}{
		"above the line": {[]invoice.Part{{Line: 1, Amount: yuan("60.01")}}, platform.ErrState, "invoice.red_exceeds"},
		"no such line":   {[]invoice.Part{{Line: 3}}, platform.ErrInvalid, "invoice.line"},
		"twice":          {[]invoice.Part{{Line: 1, Amount: yuan("1.00")}, {Line: 1, Amount: yuan("1.00")}}, platform.ErrInvalid, "invoice.line"},
		"other currency": {[]invoice.Part{{Line: 1, Amount: platform.MustMoney("1.00", "EUR")}}, platform.ErrInvalid, "money.currency_mixed"},
	} {
		_, err := v.askRed(operator, got.ID, c.parts...)
		refused(t, err, c.want, c.code, name)
	}
	for _, who := range []platform.Actor{stranger, staff} {
		_, err := v.askRed(who, got.ID)
		refused(t, err, platform.ErrNotFound, "invoice.not_found")
	}
	_, err := v.askRed(auditor, got.ID)
	refused(t, err, platform.ErrDenied, "invoice.actor_not_allowed")
	_, err = v.askRed(customer, v.request(t, "10.00").ID)
	refused(t, err, invoice.ErrNotReversible, "invoice.not_reversible")
}

func TestOfRacingRedLettersOneIsAsked(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	got := v.issued(t)
	told := make([]error, 16)
	var crowd sync.WaitGroup
	for i := range told {
		crowd.Go(func() { _, told[i] = v.askRed(customer, got.ID) })
	}
	crowd.Wait()

	asked := 0
	for _, err := range told {
		if err == nil {
			asked++
			continue
		}
		refused(t, err, invoice.ErrNotReversible, "invoice.not_reversible")
	}
	assert.Equal(t, 1, asked)
	v.tick(t)
	assert.Equal(t, invoice.Red, v.get(t, got.ID).State)
	v.sound(t)
}

func TestARefundAsksForItsRedLetters(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	older, newer := v.issued(t, "60.00"), v.issued(t, "40.00", "50.00")
	in := invoice.Reconcile{Of: done, Kind: invoice.ForService}
	_, err := v.Reconcile(as(machine), in)
	refused(t, err, invoice.ErrNothingNew, "invoice.nothing_new")

	v.shop.refund(1, "70.00")
	v.shop.refund(2, "10.00")
	_, err = v.Reconcile(as(machine), in)
	require.NoError(t, err)
	v.tick(t)

	assert.Equal(t, yuan("50.00"), v.get(t, newer.ID).Red, "the last first: 40.00 of line 1, 10.00 of line 2")
	assert.Equal(t, yuan("30.00"), v.get(t, older.ID).Red)
	assert.Equal(t, yuan("70.00"), v.tally(t).Standing())
	assert.True(t, v.tally(t).Since.IsZero())
	_, err = v.Reconcile(as(customer), in)
	refused(t, err, platform.ErrNotFound, "order.not_found")
	v.sound(t)
}

// F23: a red letter lapses, and the refund is paid already.
func TestALapsedLetterIsAskedForAgainAndFoundAfterADay(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	got := v.issued(t)
	v.authority.Use(got.Official)
	v.shop.refund(1, "100.00")
	_, err := v.Reconcile(as(machine), invoice.Reconcile{Of: done, Kind: invoice.ForService})
	require.NoError(t, err)
	v.tick(t)
	l := v.letters(t, got.ID)[0]
	assert.Equal(t, invoice.LetterWaiting, l.State)
	assert.Equal(t, noon.Add(72*time.Hour), l.Until)

	v.after(t, 25*time.Hour)
	assert.Equal(t, 1, v.events(t)["finding.raised invoice.imbalance"], "more than a day")
	v.sound(t)
	v.after(t, 48*time.Hour)
	letters := v.letters(t, got.ID)
	require.Len(t, letters, 2)
	assert.Equal(t, invoice.LetterLapsed, letters[0].State)
	assert.Equal(t, invoice.LetterWaiting, letters[1].State, "asked for again")
	assert.Equal(t, 1, v.events(t)["finding.raised invoice.red_lapsed"])

	require.True(t, v.authority.Confirm(string(letters[1].ID)))
	v.after(t, 2*time.Hour)
	assert.Equal(t, invoice.PartlyRed, v.get(t, got.ID).State)
	assert.Equal(t, 1, v.events(t)["finding.raised invoice.imbalance"], "told once")
	assert.True(t, v.tally(t).Due.IsZero())
	v.sound(t)
}

func TestALetterThatIsRefusedLeavesTheInvoiceAsItWas(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	got := v.issued(t)
	l, err := v.askRed(customer, got.ID)
	require.NoError(t, err)
	v.authority.Force(string(l.ID), sandbox.Refusal)
	v.tick(t)

	assert.Equal(t, invoice.Issued, v.get(t, got.ID).State)
	assert.Equal(t, invoice.LetterRefused, v.letters(t, got.ID)[0].State)
	assert.Equal(t, 1, v.events(t)["finding.raised invoice.red_refused"])
	_, err = v.askRed(customer, got.ID)
	require.NoError(t, err, "another may be asked for")
	v.tick(t)
	assert.Equal(t, invoice.Red, v.get(t, got.ID).State)
	v.sound(t)
}

func TestALetterOfWhichNobodyKnowsIsAskedAbout(t *testing.T) {
	t.Parallel()
	for fault, calls := range map[sandbox.InvoicerFault]int{sandbox.TimeoutAfter: 2, sandbox.LostBefore: 3, sandbox.Slow: 2} {
		v := newWorld(t)
		got := v.issued(t)
		l, err := v.askRed(customer, got.ID)
		require.NoError(t, err)
		v.authority.Force(string(l.ID), fault)
		v.tick(t)
		assert.Equal(t, invoice.LetterSent, v.letters(t, got.ID)[0].State, fault)

		v.after(t, 5*time.Minute)

		assert.Equal(t, invoice.Red, v.get(t, got.ID).State, fault)
		papers, handed := v.authority.Papers()
		assert.Equal(t, []int{2, calls}, []int{papers, handed}, fault)
		v.sound(t)
	}
}

func TestALetterThatIsRefusedIsNotAskedForWithoutEnd(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	got := v.issued(t)
	v.shop.refund(1, "100.00")
	_, err := v.Reconcile(as(machine), invoice.Reconcile{Of: done, Kind: invoice.ForService})
	require.NoError(t, err)
	for range 10 {
		for _, l := range v.letters(t, got.ID) {
			v.authority.Force(string(l.ID), sandbox.Refusal)
		}
		v.advance(time.Minute)
		v.tick(t)
	}

	assert.LessOrEqual(t, len(v.letters(t, got.ID)), 2)

	v.after(t, 24*time.Hour)
	assert.Equal(t, invoice.PartlyRed, v.get(t, got.ID).State)
	v.sound(t)
}
