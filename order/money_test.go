package order

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func TestPaymentStatusReadsTheMoneyAndNothingElse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Order)
		want   PaymentStatus
	}{
		"nothing yet":                     {func(o *Order) { o.Secured, o.Captured = cny("0"), cny("0") }, Unpaid},
		"a part":                          {func(o *Order) { o.Secured, o.Captured = cny("1"), cny("1") }, PartlyPaid},
		"all":                             {func(*Order) {}, Paid},
		"no price":                        {func(o *Order) { o.Total, o.Secured, o.Captured = cny("0"), cny("0"), cny("0") }, Paid},
		"reserved is not yet refunded":    {func(o *Order) { o.Reserved = cny("120") }, Paid},
		"a part back":                     {func(o *Order) { o.Refunded = cny("0.01") }, PartlyRefunded},
		"all back never reads as paid":    {func(o *Order) { o.Refunded = cny("120") }, Refunded},
		"the bank took it back":           {func(o *Order) { o.ChargedBack, o.Refunded = cny("1"), cny("119") }, ChargedBack},
		"all of a part that was all back": {func(o *Order) { o.Secured, o.Captured, o.Refunded = cny("50"), cny("50"), cny("50") }, Refunded},
	} {
		assert.Equal(t, c.want, order(Completed, c.change).Payment(), name)
	}
}

func TestRefundableIsWhatCameLessAllThatWentOrMayGo(t *testing.T) {
	t.Parallel()
	o := order(Completed, func(o *Order) { o.Refunded, o.Reserved, o.ChargedBack = cny("1"), cny("2"), cny("4") })
	assert.Equal(t, cny("113"), o.Refundable())

	o.Cancellation = &Cancellation{Fee: cny("13")}
	assert.Equal(t, cny("100"), o.Refundable(), "a cancellation fee is kept")
}

func TestMoneyOfTwoCurrenciesNeverAddsUp(t *testing.T) {
	t.Parallel()
	sum := plus(cny("1"), platform.MustMoney("1", "USD"))
	require.True(t, sum.Absent())
	_, err := json.Marshal(order(Completed, func(o *Order) { o.Reserved = sum }))
	require.Error(t, err, "no store takes it")
}

func TestSecureConfirmsWhenThePriceIsThere(t *testing.T) {
	t.Parallel()
	open := func(change func(*Order)) Order {
		return order(AwaitingPayment, func(o *Order) {
			o.Secured, o.Captured, o.ConfirmedAt = cny("0"), cny("0"), time.Time{}
			o.arm(payTimer, noon.Add(time.Hour))
			if change != nil {
				change(o)
			}
		})
	}
	later := noon.Add(time.Minute)

	part, err := open(nil).Secure(cny("119.99"), cny("119.99"), later)
	require.NoError(t, err)
	assert.Equal(t, AwaitingPayment, part.State)
	assert.True(t, part.timer(payTimer), "the rest is still to come in time")

	whole, err := part.Secure(cny("120"), cny("120"), later)
	require.NoError(t, err)
	assert.Equal(t, Confirmed, whole.State)
	assert.Equal(t, later, whole.ConfirmedAt)
	assert.True(t, whole.Due().IsZero())

	manual, err := open(func(o *Order) { o.Terms.Confirmation = manual }).Secure(cny("120"), cny("120"), later)
	require.NoError(t, err)
	assert.True(t, manual.unanswered())
	assert.Equal(t, later.Add(30*time.Minute), manual.Due())

	waiting, err := open(func(o *Order) { o.Screening = review }).Secure(cny("120"), cny("120"), later)
	require.NoError(t, err)
	assert.Equal(t, AwaitingPayment, waiting.State, "a review comes first")
	assert.True(t, waiting.Due().IsZero(), "a paid order does not expire")

	again, err := whole.Secure(cny("120"), cny("120"), later)
	require.NoError(t, err)
	assert.Equal(t, whole, again, "the same word twice changes nothing")
}

func TestSecureRefusesWhatTheOrderCannotTake(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		o                 Order
		secured, captured platform.Money
		code              string
	}{
		"more than asked":             {order(Confirmed, nil), cny("120.01"), cny("120"), "order.not_payable"},
		"less than before":            {order(Confirmed, nil), cny("119"), cny("119"), "order.not_payable"},
		"captured, but never secured": {order(AwaitingPayment, func(o *Order) { o.Secured, o.Captured = cny("0"), cny("0") }), cny("10"), cny("11"), "order.not_payable"},
		"another currency":            {order(Confirmed, nil), platform.MustMoney("120", "USD"), platform.MustMoney("120", "USD"), "money.currency_mixed"},
		"expired":                     {order(Expired, nil), cny("120"), cny("120"), "order.not_payable"},
		"declined":                    {order(Declined, nil), cny("120"), cny("120"), "order.not_payable"},
		"cancelled":                   {order(Cancelled, nil), cny("120"), cny("120"), "order.not_payable"},
		"closed":                      {order(Closed, nil), cny("120"), cny("120"), "order.not_payable"},
	} {
		_, err := c.o.Secure(c.secured, c.captured, noon)
		require.Error(t, err, name)
		assert.Equal(t, c.code, platform.Code(err), name)
	}
}

// What is held and not captured may lapse or be let go of: the order stays, and the
// work does not begin on it.
func TestHeldMoneyIsLetGoAfterTheCapture(t *testing.T) {
	t.Parallel()
	held := order(Confirmed, func(o *Order) { o.Captured = cny("0") })

	o, err := held.Secure(cny("80"), cny("80"), noon)

	require.NoError(t, err)
	assert.Equal(t, cny("80"), o.Secured)
	assert.Equal(t, Confirmed, o.State)
	_, err = o.Start(platform.Merchant, noon)
	require.ErrorIs(t, err, errNotSecured)
	o, err = held.Secure(cny("80"), cny("79"), noon)
	require.NoError(t, err)
	assert.Equal(t, cny("1"), o.held())
	_, err = o.Secure(cny("78"), cny("78"), noon)
	require.ErrorIs(t, err, ErrNotPayable, "what was captured stays")
}

func TestATimerFiresOnlyWhileItIsSetAndDue(t *testing.T) {
	t.Parallel()
	o := order(Delivered, func(o *Order) { o.arm(acceptTimer, noon) })
	found := timeout{Order: o.ID, Timer: acceptTimer, Generation: o.Generation}
	require.NoError(t, found.pending(o, noon))
	require.ErrorIs(t, found.pending(o, noon.Add(-1)), platform.ErrState, "not before it is due")

	again := o
	again.arm(acceptTimer, noon)
	require.ErrorIs(t, found.pending(again, noon), platform.ErrState, "another of the same name is another")
	o.disarm()
	require.ErrorIs(t, found.pending(o, noon), platform.ErrState)
}

func TestTheSaleLeavesNothingInEscrow(t *testing.T) {
	t.Parallel()
	sold := order(Delivered, nil)
	o, _, legs, err := sold.sold(sold.sale(), noon)

	require.NoError(t, err)
	assert.Equal(t, cny("110"), o.Earned)
	assert.Equal(t, []platform.Leg{o.escrow(cny("120")), o.earning(cny("-110")), commission(cny("-10"))}, legs)
	assert.Equal(t, noon.Add(7*day), o.Due())

	_, _, _, err = order(Delivered, func(o *Order) { o.Captured = cny("119") }).sold(cny("120"), noon)
	assert.Equal(t, "order.not_captured", platform.Code(err))
}

// What payers' banks took out of escrow the merchant bears, then the platform with
// the tax in its part.
func TestTheSaleIsOfWhatIsThere(t *testing.T) {
	t.Parallel()
	o := order(Delivered, func(o *Order) {
		o.Lines[0].Parts = []Part{{Component: "commission", Amount: cny("10"), Tax: cny("0.57"), Back: proRata, Given: cny("0"), TaxGiven: cny("0")}}
	})
	for _, c := range []struct{ there, earned, fee, tax string }{
		{"120", "110", "10", "0.57"},
		{"130", "110", "10", "0.57"}, // what came for a change that is not applied is no sale
		{"80", "70", "10", "0.57"},
		{"10", "0", "10", "0.57"},
		{"4", "0", "4", "0.23"},
		{"0", "0", "0", "0"},
	} {
		sold, fee, legs, err := o.sold(cny(c.there), noon)

		require.NoError(t, err)
		assert.Equal(t, []platform.Money{cny(c.earned), cny(c.fee)}, []platform.Money{sold.Earned, fee}, c.there)
		var tax platform.Money
		sum := cny("0")
		for _, l := range legs {
			sum = plus(sum, l.Amount)
			if l.Role == "output_tax" {
				tax = l.Amount.Neg()
			}
		}
		assert.Equal(t, cny(c.tax), plus(cny("0"), or(tax, cny("0"))), c.there)
		assert.Equal(t, cny("0"), sum, c.there)
	}
}

func TestTermsOfTwoListingsTakeTheStricter(t *testing.T) {
	t.Parallel()
	easy := Terms{Seats: 1, Confirmation: automatic, Acceptance: byProof, Proof: []string{"photo"}, Need: []string{"clean"}, Minutes: 30, CancelPolicy: Standard}
	hard := Terms{Seats: 2, Confirmation: manual, Acceptance: byCustomer, Proof: []string{"code", "photo"}, Need: []string{"paint"}, Minutes: 60, CancelPolicy: Standard}

	both, err := Terms{}.and(easy, 2)
	require.NoError(t, err)
	both, err = both.and(hard, 1)
	require.NoError(t, err)
	assert.Equal(t, Terms{
		Seats: 2, Confirmation: manual, Acceptance: byCustomer, Proof: []string{"code", "photo"}, Need: []string{"clean", "paint"},
		Minutes: 120, CancelPolicy: Standard,
	}, both)

	hard.Zone = "zon_elsewhere"
	_, err = both.and(hard, 1)
	assert.Equal(t, "order.terms_mixed", platform.Code(err))
}

func TestTimesIsExactUpToTenThousand(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{1, 9, 10, 999, 1000, 9999, 10000} {
		got, err := times(cny("0.07"), n)
		require.NoError(t, err)
		assert.Equal(t, 7*n, got.Minor())
	}
	_, err := times(cny("90000000000000000.00"), 10000)
	assert.Equal(t, "money.overflow", platform.Code(err))
}

func TestTermsThatMeanNothingAreNotGuessedAt(t *testing.T) {
	t.Parallel()
	good := `{"merchant":"mer_x","price":{"amount":"1.00","currency":"CNY"},"confirmation":"auto","acceptance":"customer","seats":1,"minutes":60}`
	p, err := readPin("lst_x", json.RawMessage(good))
	require.NoError(t, err)
	assert.Equal(t, Standard, p.CancelPolicy)
	for _, bad := range []string{
		`{}`, `[`, `{"merchant":"mer_x","confirmation":"auto","acceptance":"customer"}`,
		`{"merchant":"mer_x","price":{"amount":"1.00","currency":"CNY"},"confirmation":"perhaps","acceptance":"customer"}`,
		`{"merchant":"mer_x","price":{"amount":"1.00","currency":"CNY"},"confirmation":"auto","acceptance":"never"}`,
		`{"merchant":"mer_x","price":{"amount":"-1.00","currency":"CNY"},"confirmation":"auto","acceptance":"customer"}`,
		`{"merchant":"mer_x","price":{"amount":"1.00","currency":"CNY"},"confirmation":"auto","acceptance":"customer","seats":21,"minutes":60}`,
		`{"merchant":"mer_x","price":{"amount":"1.00","currency":"CNY"},"confirmation":"auto","acceptance":"customer","seats":1}`,
	} {
		_, err := readPin("lst_x", json.RawMessage(bad))
		require.ErrorIs(t, err, platform.ErrUnavailable, bad)
	}
}

// A stored order reads back as it was written: nothing of it lives outside.
func TestAnOrderSurvivesItsDocument(t *testing.T) {
	t.Parallel()
	o := order(Cancelled, func(o *Order) {
		o.Spot, o.Note = &Spot{Lat: 31.23, Lon: 121.47}, platform.Sealed("x")
		o.Cancellation = &Cancellation{Row: "K1", Fault: CustomerFault, Fee: cny("0"), Refund: cny("120")}
		o.arm(closeTimer, noon)
	})
	doc, err := json.Marshal(o)
	require.NoError(t, err)
	var back Order
	require.NoError(t, json.Unmarshal(doc, &back))
	back.Version = o.Version
	assert.Equal(t, o, back)
}
