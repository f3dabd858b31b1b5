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
	next, r, err := o.Reserve(o.refundOf(platform.NewID("rfd", noon, 7, 1), "partial", amount, noon))
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

	assert.Equal(t, order(Completed, nil), o.Freed(r), "a refund that ends unpaid leaves no trace")
}

// The commission given back follows all that was given back, not the part alone.
func TestTheCommissionFollowsTheWhole(t *testing.T) {
	t.Parallel()
	o := order(Completed, func(o *Order) { o.Lines[0].Fee = cny("33.33") })
	for _, want := range []string{"3.33", "6.67", "10", "13.33"} { // a tenth at a time of 33.33 in 100
		var err error
		o, _, err = o.Reserve(Refund{Amount: cny("10"), Shares: []Share{{Line: 1, Amount: cny("10")}}})
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
		_, _, err := o.Reserve(c.refund)
		require.Error(t, err, name)
		assert.Equal(t, c.code, platform.Code(err), name)
	}
	_, _, err := o.Reserve(Refund{Amount: cny("20.01")})
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
	_, r, err := order(Completed, nil).Reserve(Refund{Amount: cny("20"), Shares: []Share{{Line: 2, Amount: cny("20")}}})
	require.NoError(t, err)
	fee, _, _ := r.fee()
	assert.Equal(t, cny("0"), fee)
}

// Whatever the parts, and whatever was rejected in between, a refund in parts
// ends as the full refund at once does, per line and per account; and no part
// takes from an account more than it has.
func TestAFullRefundInPartsIsAFullRefundAtOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := priced(t)
		whole, all, err := o.Reserve(o.refundAll("rfd", "full", noon))
		require.NoError(t, err)
		fees := map[int]int64{}
		for o.Refundable().Sign() > 0 {
			left := o.Refundable().Minor()
			amount, err := platform.FromMinor(rapid.Int64Range(max(1, left/3), left).Draw(t, "part"), o.Total.Currency())
			require.NoError(t, err)
			next, r := asked(t, o, amount)
			requireSound(t, next, r)
			if rapid.IntRange(0, 3).Draw(t, "rejected") == 0 {
				o = next.Freed(r)
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

// The same holds for each component of the fee and for its tax, whatever is kept:
// in the end the platform has what it keeps, and the merchant owes just that.
func TestEachPartOfAFeeInPartsIsThatPartAtOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := priced(t)
		fault := rapid.SampledFrom([]Fault{"", CustomerFault}).Draw(t, "fault")
		if rapid.Bool().Draw(t, "sold") {
			o.CompletedAt = noon
		}
		for i := range o.Lines {
			o.Lines[i].divide(t)
		}
		at := func(r Refund) Refund { r.Fault = fault; return r }
		whole, _, err := o.Reserve(at(o.refundAll("rfd", "full", noon)))
		require.NoError(t, err)
		for o.Refundable().Sign() > 0 {
			left := o.Refundable().Minor()
			amount, err := platform.FromMinor(rapid.Int64Range(max(1, left/3), left).Draw(t, "part"), o.Total.Currency())
			require.NoError(t, err)
			next, r, err := o.Reserve(at(o.refundOf("rfd", "partial", amount, noon)))
			require.NoError(t, err)
			if rapid.IntRange(0, 3).Draw(t, "rejected") == 0 {
				require.Equal(t, o, next.Freed(r), "a refund that ends unpaid leaves no trace")
				continue
			}
			o = next
		}
		require.Equal(t, whole.Lines, o.Lines)
		for _, l := range o.Lines {
			l.requireGivenBack(t, fault, !o.CompletedAt.IsZero())
		}
	})
}

// divide makes the line's fee one of up to four parts.
func (l *Line) divide(t *rapid.T) {
	for rest := l.Fee.Minor(); len(l.Parts) < 4; {
		amount := rapid.Int64Range(0, rest).Draw(t, "amount of part")
		if len(l.Parts) == 3 {
			amount = rest
		}
		p := Part{Component: "c", Back: rapid.SampledFrom([]string{proRata, kept, keptAtFault}).Draw(t, "back"), Given: cny("0"), TaxGiven: cny("0")}
		p.Amount, _ = platform.FromMinor(amount, l.Amount.Currency())
		p.Tax, _ = platform.FromMinor(rapid.Int64Range(0, amount).Draw(t, "tax"), l.Amount.Currency())
		rest -= amount
		l.Parts = append(l.Parts, p)
	}
}

// requireGivenBack demands that a line given back altogether left with the
// platform what it keeps, all of which the merchant owes.
func (l Line) requireGivenBack(t *rapid.T, fault Fault, sold bool) {
	keeps := int64(0)
	for _, p := range l.Parts {
		if sold && (p.Back == kept || p.Back == keptAtFault && fault == CustomerFault) {
			keeps += p.Amount.Minor()
			require.Equal(t, []int64{0, 0}, []int64{p.Given.Minor(), p.TaxGiven.Minor()})
			continue
		}
		if l.Amount.Sign() > 0 {
			require.Equal(t, []platform.Money{p.Amount, p.Tax}, []platform.Money{p.Given, p.TaxGiven})
		}
	}
	require.Equal(t, keeps, l.Owed.Minor())
}

// What is kept of a part of a line costs the merchant no more than it has of it.
func TestAKeptFeeOfAPartIsTheMerchants(t *testing.T) {
	t.Parallel()
	o := order(Completed, func(o *Order) {
		o.CompletedAt = noon
		o.Lines[0].Parts = []Part{{Component: "payment_fee", Amount: cny("10"), Tax: cny("0.57"), Back: kept, Given: cny("0"), TaxGiven: cny("0")}}
		o.Earned = cny("110")
	})
	for _, c := range []struct{ amount, earning, owed string }{{"60", "60", ""}, {"40", "30", "10"}} {
		next, r, err := o.Reserve(Refund{Amount: cny(c.amount), Shares: []Share{{Line: 1, Amount: cny(c.amount)}}})
		require.NoError(t, err)
		next, legs := next.approved(r)
		want := []platform.Leg{o.earning(cny(c.earning)), commission(cny("0"))}
		if c.owed != "" {
			want = append(want, platform.Leg{Role: "receivable", Party: o.Merchant, Amount: cny(c.owed)})
		}
		assert.Equal(t, append(want, o.refundDue(cny("-"+c.amount))), legs)
		o = next
	}
	assert.Equal(t, cny("20"), o.Earned, "the freight")
}

// Invariant 7: a part that is kept only by the customer's fault goes back in k
// refunds as in one, whatever the customer took by its own fault in between.
func TestAPartKeptByFaultGoesBackInPartsAsAtOnce(t *testing.T) {
	t.Parallel()
	given := func(faults []Fault, amounts ...string) Part {
		o := order(Completed, func(o *Order) {
			o.CompletedAt = noon
			o.Lines[0].Parts = []Part{{Component: "placement", Amount: cny("10"), Tax: cny("0.57"), Back: keptAtFault, Given: cny("0"), TaxGiven: cny("0")}}
			o.Earned = cny("110")
		})
		var taken []Refund
		for i, amount := range amounts {
			var r Refund
			var err error
			o, r, err = o.Reserve(Refund{Amount: cny(amount), Fault: faults[i], Shares: []Share{{Line: 1, Amount: cny(amount)}}})
			require.NoError(t, err)
			if o, r, err = o.Divided(r); len(r.Shares[0].Parts) > 0 && r.Shares[0].Parts[0].Kept {
				taken = append(taken, r)
			}
			require.NoError(t, err)
		}
		part := o.Lines[0].Parts[0]
		for _, r := range taken {
			part = o.Lines[0].take(r.Shares[0]).Parts[0]
		}
		assert.True(t, part.Spared.Absent(), "what is not given back after all leaves no trace")
		return o.Lines[0].Parts[0]
	}

	at := given([]Fault{""}, "0.30")
	parts := given([]Fault{"", "", ""}, "0.05", "0.05", "0.20")
	mixed := given([]Fault{"", CustomerFault, "", ""}, "0.05", "7.77", "0.05", "0.20")

	assert.Equal(t, []platform.Money{at.Given, at.TaxGiven}, []platform.Money{parts.Given, parts.TaxGiven})
	assert.Equal(t, []platform.Money{at.Given, at.TaxGiven}, []platform.Money{mixed.Given, mixed.TaxGiven})
}

// The tax in a fee goes back with it, in the period of the refund.
func TestTheTaxFollowsTheFee(t *testing.T) {
	t.Parallel()
	o := order(Completed, func(o *Order) {
		o.CompletedAt = noon
		o.Lines[0].Parts = []Part{{Component: "commission", Amount: cny("10"), Tax: cny("0.57"), Back: proRata, Given: cny("0"), TaxGiven: cny("0")}}
	})
	o, _, legs, err := o.sold(o.sale(), noon)
	require.NoError(t, err)
	assert.Equal(t, []platform.Leg{o.escrow(cny("120")), o.earning(cny("-110")), commission(cny("-9.43")), {Role: "output_tax", Amount: cny("-0.57")}}, legs)

	reserved, r, err := o.Reserve(Refund{Amount: cny("50"), Shares: []Share{{Line: 1, Amount: cny("50")}}})
	require.NoError(t, err)
	next, legs := reserved.approved(r)

	assert.Equal(t, []platform.Leg{o.earning(cny("45")), commission(cny("4.72")), {Role: "output_tax", Amount: cny("0.28")}, o.refundDue(cny("-50"))}, legs)
	assert.Equal(t, cny("0.28"), next.ApprovedTax)
	r.Source = "earning"
	assert.Equal(t, reserved, next.unapproved(r), "withdrawn without a trace")
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

// A line that owes nothing does not owe again what the one before it does.
func TestWhatIsOwedForOneLineIsOwedOnce(t *testing.T) {
	t.Parallel()
	r := Refund{Amount: cny("120"), Shares: []Share{{Line: 1, Amount: cny("100"), Fee: cny("0"), Owed: cny("10")}, {Line: 2, Amount: cny("20"), Fee: cny("0")}}}
	_, _, owed := r.fee()
	assert.Equal(t, cny("10"), owed)
}
