package finance

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	storage "github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
)

// The port as the other domains declare it.
var _ interface {
	Post(ctx context.Context, what string, subject platform.Ref, at time.Time, legs []platform.Leg) ([]platform.Change, error)
} = Books{}

var (
	noon    = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	nextDay = noon.AddDate(0, 0, 1)

	order    = platform.Ref{Kind: "order", ID: platform.NewID("ord", noon, 7, 1)}
	attempt  = platform.Ref{Kind: "payment.attempt", ID: platform.NewID("att", noon, 7, 2)}
	merchant = platform.NewID("mer", noon, 9, 3)
)

// refund is the n-th refund of the order.
func refund(n uint64) platform.Ref {
	return platform.Ref{Kind: "order.refund", ID: platform.NewID("rfd", noon, 7, n)}
}

// dr is a debit in CNY on an account of the owners: an order, a party, or both.
func dr(role, amount string, owners ...platform.ID) platform.Leg {
	l := platform.Leg{Role: role, Amount: platform.MustMoney(amount, "CNY")}
	for _, id := range owners {
		if id.Prefix() == "ord" || id.Prefix() == "cko" {
			l.Of = id
		} else {
			l.Party = id
		}
	}
	return l
}

// cr is a credit.
func cr(role, amount string, owners ...platform.ID) platform.Leg {
	l := dr(role, amount, owners...)
	l.Amount = l.Amount.Neg()
	return l
}

// booking is a command that does nothing but book.
type booking struct{ Fact }

func captured(amount string) booking {
	return booked("pay.captured", attempt, dr("clearing", amount, "sandbox"), cr("escrow", amount, order.ID))
}

func completed(total, earned, commission, tax string) booking {
	return booked("order.completed", order, dr("escrow", total, order.ID),
		cr("earning", earned, order.ID, merchant), cr("commission", commission), cr("output_tax", tax))
}

func closed(amount string) booking {
	return booked("order.closed", order, dr("earning", amount, order.ID, merchant), cr("payable", amount, merchant))
}

// approved is a refund before the sale.
func approved(n uint64, amount string) booking {
	return booked("refund.approved", refund(n), dr("escrow", amount, order.ID), cr("refund_due", amount, order.ID))
}

func succeeded(n uint64, amount string) booking {
	return booked("refund.succeeded", refund(n), dr("refund_due", amount, order.ID), cr("clearing", amount, "sandbox"))
}

func booked(what string, subject platform.Ref, legs ...platform.Leg) booking {
	return booking{Fact{What: what, Subject: subject, At: noon, Legs: legs}}
}

// tester is a test, one of rapid's included.
type tester interface {
	require.TestingT
	Helper()
}

// desk is books over a store of its own, with somebody who books.
type desk struct {
	Books
	db   *memory.DB
	file storage.Engine // in place of db, if not nil
	w    platform.Writer
}

func newDesk(t tester, given ...booking) *desk {
	t.Helper()
	db := memory.New(Kinds(), nil)
	var ids atomic.Uint64
	d := &desk{
		Books: Books{Store: StoreOn(db), Now: func() time.Time { return nextDay }}, db: db,
		w: platform.Writer{Store: db, Now: func() time.Time { return nextDay }, IDs: func() uint64 { return ids.Add(1) << 20 }},
	}
	for _, b := range given {
		require.NoError(t, d.book(b))
	}
	return d
}

// book carries out a command that books a fact and tells it.
func (d *desk) book(b booking) error {
	_, err := platform.Update(asSystem(), d.w, b, func(ctx context.Context) (struct{}, []platform.Change, error) {
		set, err := d.Post(ctx, b.What, b.Subject, b.At, b.Legs)
		if err != nil {
			return struct{}{}, nil, err
		}
		return struct{}{}, append(set, platform.Happened(b.What, b.Subject, nil)), nil
	})
	return err
}

func asSystem() context.Context {
	return platform.As(context.Background(), platform.SystemActor("order"))
}

// on is posted and available of an account, in its normal direction.
func (d *desk) on(t tester, account string) string {
	t.Helper()
	a, err := ParseAccount(account)
	require.NoError(t, err)
	cny, _ := platform.ParseCurrency("CNY")
	b, err := d.Balance(asSystem(), a, cny)
	require.NoError(t, err)
	return fmt.Sprintf("%s, %s", b.Posted.Decimal().StringFixed(2), b.Available.Decimal().StringFixed(2))
}

// sound demands that the books prove themselves.
func (d *desk) sound(t tester) {
	t.Helper()
	var now platform.Getter = d.db.Snapshot()
	if d.file != nil {
		moment, err := d.file.Moment(context.Background())
		require.NoError(t, err)
		defer func() { _ = moment.Close() }()
		now = moment
	}
	wrong, err := Verify(context.Background(), now)
	require.NoError(t, err)
	require.Empty(t, wrong)
}

func escrow() string    { return "escrow:" + string(order.ID) }
func refundDue() string { return "refund_due:" + string(order.ID) }
func earning() string   { return "earning:" + string(order.ID) + ":" + string(merchant) }
func payable() string   { return "payable:" + string(merchant) }

func TestAnOrderIsBookedFromPaymentToPayable(t *testing.T) {
	t.Parallel()
	d := newDesk(t, captured("100.00"))
	assert.Equal(t, "100.00, 100.00", d.on(t, escrow()))

	require.NoError(t, d.book(completed("100.00", "90.00", "9.43", "0.57")))
	assert.Equal(t, "0.00, 0.00", d.on(t, escrow()))
	assert.Equal(t, "90.00, 90.00", d.on(t, earning()))
	assert.Equal(t, "9.43, 9.43", d.on(t, "commission"))

	require.NoError(t, d.book(closed("90.00")))
	assert.Equal(t, "90.00, 90.00", d.on(t, payable()))
	assert.Equal(t, "100.00, 100.00", d.on(t, "clearing:sandbox"))
	d.sound(t)
}

func TestARefundIsHeldAtApprovalAndSettledAtSuccess(t *testing.T) {
	t.Parallel()
	d := newDesk(t, captured("100.00"), approved(1, "30.00"))
	assert.Equal(t, "100.00, 70.00", d.on(t, escrow()))
	assert.Equal(t, "0.00, 0.00", d.on(t, refundDue()), "what a hold will bring is available to nobody")

	require.NoError(t, d.book(succeeded(1, "30.00")))
	assert.Equal(t, "70.00, 70.00", d.on(t, escrow()))
	assert.Equal(t, "0.00, 0.00", d.on(t, refundDue()))
	assert.Equal(t, "70.00, 70.00", d.on(t, "clearing:sandbox"))
	d.sound(t)
}

func TestAWithdrawnRefundFreesTheMoney(t *testing.T) {
	t.Parallel()
	d := newDesk(t, captured("100.00"), approved(1, "100.00"), booked("refund.withdrawn", refund(1)))

	assert.Equal(t, "100.00, 100.00", d.on(t, escrow()))
	require.NoError(t, d.book(approved(2, "100.00")))
	d.sound(t)
}

func TestARefundGivenUpStaysOwed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, captured("100.00"), approved(1, "100.00"), booked("refund.given_up", refund(1)))

	assert.Equal(t, "0.00, 0.00", d.on(t, escrow()))
	assert.Equal(t, "100.00, 100.00", d.on(t, refundDue()))
	d.sound(t)
}

func TestHeldMoneyCannotBeEarned(t *testing.T) {
	t.Parallel()
	d := newDesk(t, captured("100.00"), approved(1, "0.01"))

	err := d.book(completed("100.00", "90.00", "10.00", "0"))

	require.ErrorIs(t, err, platform.ErrState)
	assert.Equal(t, "floor", platform.Code(err))
	details := platform.Details(err)
	assert.EqualValues(t, 1, details["shortage"])
	assert.Equal(t, "counter/available:"+escrow()+"/CNY", details["counter"])
	assert.Equal(t, "100.00, 99.99", d.on(t, escrow()), "nothing was clipped")
	d.sound(t)
}

func TestAFactIsBookedOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, captured("100.00"))

	for _, again := range []booking{captured("100.00"), captured("1.00")} {
		err := d.book(again)
		require.ErrorIs(t, err, platform.ErrConflict)
		assert.Equal(t, "exists", platform.Code(err))
	}
	assert.Equal(t, "100.00, 100.00", d.on(t, escrow()))
}

func TestAHoldEndsOnce(t *testing.T) {
	t.Parallel()
	for _, end := range []booking{succeeded(1, "30.00"), booked("refund.withdrawn", refund(1)), booked("refund.given_up", refund(1))} {
		d := newDesk(t, captured("100.00"), approved(1, "30.00"), end)
		for _, again := range []booking{succeeded(1, "30.00"), booked("refund.withdrawn", refund(1)), booked("refund.given_up", refund(1))} {
			err := d.book(again)
			require.ErrorIs(t, err, ErrPendingEnded, "%s after %s", again.What, end.What)
			assert.Contains(t, []any{"settled", "voided"}, platform.Details(err)["state"])
		}
		d.sound(t)
	}
}

func TestOnlyItsOwnRecipesEndAHold(t *testing.T) {
	t.Parallel()
	d := newDesk(t, captured("100.00"), approved(1, "30.00"))

	require.ErrorIs(t, d.book(booked("payout.paid", refund(1))), ErrRecipe)
	require.ErrorIs(t, d.book(booked("refund.given_up", refund(2))), platform.ErrNotFound, "it never held")

	twin := platform.Ref{Kind: "payment.return", ID: refund(1).ID.As("rtn")}
	require.ErrorIs(t, d.book(booked("refund.given_up", twin)), ErrRecipe, "same bits, another record")
	assert.Equal(t, "100.00, 70.00", d.on(t, escrow()))
}

func TestNothingIsBookedForAnAmountOfZero(t *testing.T) {
	t.Parallel()
	set, err := Books{}.Post(context.Background(), "order.cancelled", order, noon,
		[]platform.Leg{dr("escrow", "0", order.ID), cr("cancel_fee", "0")})
	require.NoError(t, err)
	assert.Empty(t, set)

	_, err = Books{}.Post(context.Background(), "refund.approved", refund(1), noon,
		[]platform.Leg{dr("escrow", "0", order.ID), cr("refund_due", "0", order.ID)})
	require.ErrorIs(t, err, ErrLegs, "there would be nothing to settle")
}

func TestBooksRefuseWhatIsNoFact(t *testing.T) {
	t.Parallel()
	legs := captured("1.00").Legs
	named := platform.Ref{Kind: "order", ID: "sandbox"}
	for name, c := range map[string]struct {
		booking
		want error
	}{
		"unknown":          {booked("pay.imagined", attempt, legs...), ErrRecipe},
		"without legs":     {booked("pay.captured", attempt), ErrLegs},
		"without moment":   {booking{Fact{What: "pay.captured", Subject: attempt, Legs: legs}}, ErrEffective},
		"of a name":        {booked("pay.captured", named, legs...), platform.ErrInvalid},
		"legs to withdraw": {booked("refund.withdrawn", refund(1), legs...), ErrRecipe},
	} {
		d := newDesk(t, captured("100.00"), approved(1, "30.00"))
		require.ErrorIs(t, d.book(c.booking), c.want, name)
	}
}

func TestOfManyFullRefundsExactlyOneIsApproved(t *testing.T) {
	t.Parallel()
	d := newDesk(t, captured("100.00"))

	results := race(32, func(n uint64) error { return d.book(approved(n, "100.00")) })

	assert.Equal(t, map[string]int{"": 1, "floor": 31}, results)
	assert.Equal(t, "100.00, 0.00", d.on(t, escrow()))
	d.sound(t)
}

func TestOfManyEndsOfOneHoldExactlyOneHappens(t *testing.T) {
	t.Parallel()
	d := newDesk(t, captured("100.00"), approved(1, "100.00"))

	results := race(32, func(n uint64) error {
		if n%2 == 0 {
			return d.book(booked("refund.withdrawn", refund(1)))
		}
		return d.book(succeeded(1, "100.00"))
	})

	assert.Equal(t, map[string]int{"": 1, "ledger.pending_ended": 31}, results)
	d.sound(t)
}

func TestOneFactBookedByManyIsInTheBooksOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)

	results := race(32, func(uint64) error { return d.book(captured("100.00")) })

	assert.Equal(t, map[string]int{"": 1, "exists": 31}, results)
	assert.Equal(t, "100.00, 100.00", d.on(t, escrow()))
	d.sound(t)
}

// race runs n calls at once and counts their codes.
func race(n int, call func(n uint64) error) map[string]int {
	var (
		mu      sync.Mutex
		results = map[string]int{}
		start   = make(chan struct{})
		done    sync.WaitGroup
	)
	for i := range n {
		done.Go(func() {
			<-start
			err := call(uint64(i) + 1)
			mu.Lock()
			defer mu.Unlock()
			results[platform.Code(err)]++
		})
	}
	close(start)
	done.Wait()
	return results
}
