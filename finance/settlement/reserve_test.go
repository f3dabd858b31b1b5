package settlement_test

import (
	"context"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/store/sandbox"
)

// reserving is a world that keeps 5 % back for 30 days.
func reserving() (*world, settlement.Reserving) {
	v := newWorld(setup{})
	return v, settlement.Reserving{Books: v.books, Terms: settlement.Terms{Reserve: decimal.New(5, -2)}}
}

// close closes an order through the books that reserve.
func (v *world) close(t require.TestingT, through settlement.Reserving, party platform.ID, amount string) platform.Ref {
	of := platform.Ref{Kind: "order", ID: v.w.NewRoot(system(), "ord")}
	m := yuan(amount)
	require.NoError(t, v.bookOn(of, "pay.captured", leg("clearing", "sandbox", "", m), leg("escrow", "", of.ID, m.Neg())))
	require.NoError(t, v.bookOn(of, "order.completed", leg("escrow", "", of.ID, m), leg("earning", party, of.ID, m.Neg())))
	require.NoError(t, v.update(func(ctx context.Context) ([]platform.Change, error) {
		set, err := through.Post(ctx, "order.closed", of, v.clock.Now(), []platform.Leg{leg("earning", party, of.ID, m), leg("payable", party, "", m.Neg())})
		return append(set, platform.Happened("test.closed", of, nil)), err
	}))
	return of
}

func TestReserveIsKeptAndReleasedWhenDue(t *testing.T) {
	t.Parallel()
	v, through := reserving()
	a := v.account(t, merchant, sandbox.OK)
	of := v.close(t, through, merchant.ID, "90.00")
	assert.Equal(t, "85.50, 85.50", v.on(t, "payable:"+string(merchant.ID)))
	assert.Equal(t, "4.50, 4.50", v.on(t, "reserve:"+string(merchant.ID)))
	purse := v.purse(t, a)
	assert.Equal(t, "4.50 CNY", purse.Reserved.String())
	assert.Equal(t, []settlement.Coming{{At: noon.Add(30 * 24 * time.Hour), Amount: yuan("4.50")}}, purse.Releases)

	require.NoError(t, v.after(30*24*time.Hour-time.Second))
	assert.Equal(t, "4.50, 4.50", v.on(t, "reserve:"+string(merchant.ID)))
	require.NoError(t, v.after(time.Second))

	assert.Equal(t, "0.00, 0.00", v.on(t, "reserve:"+string(merchant.ID)))
	assert.Equal(t, "90.00, 90.00", v.on(t, "payable:"+string(merchant.ID)))
	assert.Empty(t, v.purse(t, a).Releases)
	assert.Equal(t, []string{"reserve.held", "reserve.released"}, v.events(t, platform.Ref{Kind: "settlement.reserve", ID: of.ID.As("rsv")}))
	v.sound(t)
}

// What refunds took of the reserve is missing when it is released, and no more.
func TestReserveThatWasUsedReleasesTheRest(t *testing.T) {
	t.Parallel()
	v, through := reserving()
	v.close(t, through, merchant.ID, "100.00")
	v.clock.Advance(time.Hour)
	v.close(t, through, merchant.ID, "100.00")
	of := v.w.NewRoot(system(), "ord")
	ref, err := v.post("refund.approved", "rfd", leg("reserve", merchant.ID, "", yuan("7.00")), leg("refund_due", "", of, yuan("-7.00")))
	require.NoError(t, err)
	require.NoError(t, v.bookOn(ref, "refund.given_up"))

	for range 4 {
		require.NoError(t, v.after(16*24*time.Hour))
	}

	assert.Equal(t, "0.00, 0.00", v.on(t, "reserve:"+string(merchant.ID)))
	assert.Equal(t, "193.00, 193.00", v.on(t, "payable:"+string(merchant.ID)))
	v.sound(t)
}

// While a hold is on a reserve nobody knows what is left of it: it waits, and what
// the hold gives back is released too.
func TestReserveWaitsForAHold(t *testing.T) {
	t.Parallel()
	v, through := reserving()
	v.close(t, through, merchant.ID, "100.00")
	of := v.w.NewRoot(system(), "ord")
	ref, err := v.post("refund.approved", "rfd", leg("reserve", merchant.ID, "", yuan("2.00")), leg("refund_due", "", of, yuan("-2.00")))
	require.NoError(t, err)

	require.NoError(t, v.after(30*24*time.Hour))
	assert.Equal(t, "5.00, 3.00", v.on(t, "reserve:"+string(merchant.ID)))

	require.NoError(t, v.bookOn(ref, "refund.withdrawn"))
	require.NoError(t, v.after(24*time.Hour))
	assert.Equal(t, "0.00, 0.00", v.on(t, "reserve:"+string(merchant.ID)), "nothing is left behind")
	assert.Equal(t, "100.00, 100.00", v.on(t, "payable:"+string(merchant.ID)))
	v.sound(t)
}

func TestReserveIsReleasedOnce(t *testing.T) {
	t.Parallel()
	v, through := reserving()
	for range 5 {
		v.close(t, through, merchant.ID, "100.00")
	}
	now := v.clock.Advance(31 * 24 * time.Hour)
	together(16, func(int) { _, err := v.s.Tick(context.Background(), now, 0); assert.NoError(t, err) })
	assert.Equal(t, "500.00, 500.00", v.on(t, "payable:"+string(merchant.ID)))
}

// Only what an order brings a merchant at its close is shared; all else is booked
// as it came.
func TestReservingLeavesTheRestAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rate  string
		party platform.ID
	}{"no rate": {"0", merchant.ID}, "staff": {"0.05", "stf_01kdvdna00eajs4d2pf2dbsqqg"}, "too little": {"0.0001", merchant.ID}} {
		v := newWorld(setup{})
		through := settlement.Reserving{Books: v.books, Terms: settlement.Terms{Reserve: decimal.RequireFromString(c.rate)}}
		v.close(t, through, c.party, "10.00")
		assert.Equal(t, "10.00, 10.00", v.on(t, "payable:"+string(c.party)), name)
		assert.Empty(t, each[settlement.Reserve](t, v, "settlement.reserve"), name)
	}
}

// The party sees what it has earned, by reason, where it lies and what is on its
// way.
func TestPurseTellsWhereTheMoneyLies(t *testing.T) {
	t.Parallel()
	v, through := reserving()
	a := v.account(t, merchant, sandbox.OK)
	v.bank.Deposit(yuan("200.00"))
	v.close(t, through, merchant.ID, "200.00")
	_, err := v.hold(merchant.ID, yuan("20.00"))
	require.NoError(t, err)
	v.confirmed(t)
	p := v.approved(t, a)
	assert.Equal(t, "170.00 CNY", p.Amount.String(), "neither what is held nor what is reserved")
	require.NoError(t, v.after(0))
	v.earn(t, merchant.ID, "5.00")

	purse := v.purse(t, a)

	assert.Equal(t, []settlement.Held{{What: "refund.approved", Amount: yuan("20.00")}}, purse.Held)
	assert.Equal(t, "170.00 CNY", purse.InTransit.String())
	assert.Equal(t, "10.00 CNY", purse.Reserved.String())
	assert.Equal(t, "5.00 CNY", purse.Available.String())
	assert.Empty(t, purse.Waits)
	assert.Equal(t, "195.00, 5.00", v.on(t, "payable:"+string(merchant.ID)))
}
