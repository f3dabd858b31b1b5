package order

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
)

// asked is a refund of an amount on an order, reserved.
func asked(t require.TestingT, o Order, amount platform.Money) (Order, Refund) {
	next, r, err := o.reserve(o.refundOf(platform.NewID("rfd", noon, 7, 1), "partial", amount, noon))
	require.NoError(t, err)
	return next, r
}

func TestARefundIsReservedOverTheLines(t *testing.T) {
	t.Parallel()
	o, r := asked(t, order(Completed, nil), cny("60"))

	assert.Equal(t, []Share{{Line: 1, Amount: cny("50"), Fee: cny("5")}, {Line: 2, Amount: cny("10"), Fee: cny("0")}}, r.Shares)
	assert.Equal(t, cny("60"), o.Reserved)
	assert.Equal(t, cny("60"), o.Refundable())
	assert.Equal(t, cny("50"), o.Lines[0].left())

	assert.Equal(t, order(Completed, nil), o.freed(r), "a refund that ends unpaid leaves no trace")
}

// The commission given back follows all that was given back, not the part alone.
func TestTheCommissionFollowsTheWhole(t *testing.T) {
	t.Parallel()
	o := order(Completed, func(o *Order) { o.Lines[0].Fee = cny("33.33") })
	for _, want := range []string{"3.33", "6.67", "10", "13.33"} { // a tenth at a time of 33.33 in 100
		var err error
		o, _, err = o.reserve(Refund{Amount: cny("10"), Shares: []Share{{Line: 1, Amount: cny("10")}}})
		require.NoError(t, err)
		assert.Equal(t, cny(want), o.Lines[0].FeeGiven)
	}
}

func TestNoReservationAboveWhatIsLeft(t *testing.T) {
	t.Parallel()
	o, _ := asked(t, order(Completed, nil), cny("100"))
	for name, c := range map[string]struct {
		refund Refund
		code   string
	}{
		"a cent too much":     {Refund{Amount: cny("20.01")}, "order.refund_exceeds"},
		"too much of a line":  {Refund{Amount: cny("17"), Shares: []Share{{Line: 1, Amount: cny("17")}}}, "order.refund_exceeds"},
		"nothing":             {Refund{Amount: cny("0")}, "refund.amount"},
		"less than nothing":   {Refund{Amount: cny("-1")}, "refund.amount"},
		"of another currency": {Refund{Amount: platform.MustMoney("1", "USD")}, "money.currency_mixed"},
		"of none":             {Refund{}, "money.currency"},
	} {
		_, _, err := o.reserve(c.refund)
		require.Error(t, err, name)
		assert.Equal(t, c.code, platform.Code(err), name)
	}
	_, _, err := o.reserve(Refund{Amount: cny("20.01")})
	assert.Equal(t, cny("20"), platform.Details(err)["refundable"])
}

func TestTheBooksTakeARefundFromWhereTheMoneyLies(t *testing.T) {
	t.Parallel()
	sold := func(o *Order) { o.CompletedAt, o.Earned = noon, cny("110") }
	for state, want := range map[State][]platform.Leg{
		InProgress: {{Role: "escrow", Amount: cny("60")}},
		Cancelled:  {{Role: "escrow", Amount: cny("60")}},
		Completed:  {{Role: "earning", Party: theMerchant.ID, Amount: cny("55")}, commission(cny("5"))},
		Closed:     {{Role: "payable", Party: theMerchant.ID, Amount: cny("55")}, commission(cny("5"))},
	} {
		o := order(state, nil)
		if state == Completed || state == Closed {
			sold(&o)
		}
		for i := range want {
			if want[i].Role == "escrow" || want[i].Role == "earning" {
				want[i].Of = o.ID
			}
		}
		reserved, r := asked(t, o, cny("60"))
		r.Source = reserved.source()

		next, legs := reserved.approved(r)

		assert.Equal(t, append(want, o.refundDue(cny("-60"))), legs, state)
		assert.Equal(t, cny("60"), next.Approved)
		assert.Equal(t, cny("5"), next.ApprovedFee)
		assert.Equal(t, reserved, next.unapproved(r), state)
	}
}

func TestARefundOfFreightTouchesNoCommission(t *testing.T) {
	t.Parallel()
	_, r, err := order(Completed, nil).reserve(Refund{Amount: cny("20"), Shares: []Share{{Line: 2, Amount: cny("20")}}})
	require.NoError(t, err)
	assert.Equal(t, cny("0"), r.fee())
}

// Whatever the parts, and whatever was rejected in between, a refund in parts
// ends as the full refund at once does, per line and per account; and no part
// takes from an account more than it has.
func TestAFullRefundInPartsIsAFullRefundAtOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := priced(t)
		whole, all, err := o.reserve(o.refundAll("rfd", "full", noon))
		require.NoError(t, err)
		fees := map[int]int64{}
		for o.Refundable().Sign() > 0 {
			left := o.Refundable().Minor()
			amount, err := platform.FromMinor(rapid.Int64Range(max(1, left/3), left).Draw(t, "part"), o.Total.Currency())
			require.NoError(t, err)
			next, r := asked(t, o, amount)
			requireSound(t, next, r)
			if rapid.IntRange(0, 3).Draw(t, "rejected") == 0 {
				o = next.freed(r)
				continue
			}
			for _, s := range r.Shares {
				fees[s.Line] += s.Fee.Minor()
			}
			o = next
		}
		for _, s := range all.Shares {
			require.Equal(t, s.Fee.Minor(), fees[s.Line], "commission of line %d", s.Line)
		}
		require.Equal(t, whole.Lines, o.Lines)
		require.Equal(t, whole.Mirrors, o.Mirrors)
	})
}

// priced is a paid order of a few odd lines.
func priced(t *rapid.T) Order {
	return order(Completed, func(o *Order) {
		o.Lines, o.Total = nil, cny("0")
		for no := 1; no <= rapid.IntRange(1, 4).Draw(t, "lines"); no++ {
			amount := rapid.Int64Range(0, 500).Draw(t, "amount")
			fee := rapid.Int64Range(0, amount).Draw(t, "fee")
			line := Line{No: no, Kind: "service", Quantity: 1, Given: cny("0"), FeeGiven: cny("0")}
			line.Amount, _ = platform.FromMinor(amount, o.Total.Currency())
			line.Fee, _ = platform.FromMinor(fee, o.Total.Currency())
			line.Price = line.Amount
			o.Lines, o.Total = append(o.Lines, line), plus(o.Total, line.Amount)
		}
		if o.Total.Sign() == 0 { // nothing to refund would test nothing
			o.Lines[0].Amount, o.Total = cny("1"), cny("1")
		}
		o.Asked, o.Secured, o.Captured = o.Total, o.Total, o.Total
	})
}

// requireSound demands that shares add up and that no line, and neither side of
// it, gives more than it has.
func requireSound(t *rapid.T, o Order, r Refund) {
	sum := cny("0")
	for _, s := range r.Shares {
		sum = plus(sum, s.Amount)
		require.True(t, s.Fee.Minor() >= 0 && s.Fee.Minor() <= s.Amount.Minor(), "fee %s of %s", s.Fee, s.Amount)
	}
	require.Equal(t, r.Amount, sum)
	for _, l := range o.Lines {
		require.GreaterOrEqual(t, l.left().Minor(), int64(0))
		require.LessOrEqual(t, l.FeeGiven.Minor(), l.Fee.Minor())
		require.LessOrEqual(t, l.Given.Minor()-l.FeeGiven.Minor(), l.Amount.Minor()-l.Fee.Minor())
	}
}
