package order_test

import (
	"context"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

// sound is what must hold after every step.
func (m *machine) sound(t *rapid.T) {
	o := m.read(m.id)
	require.Equal(t, m.state, o.State)
	require.Equal(t, m.paid, o.Captured.Minor())
	if o.State.Ended() {
		require.True(t, o.Due().IsZero() || o.State == order.Cancelled && o.Cancellation.Fee.Sign() > 0, "an end has no deadline but its close")
	}
	m.addsUp(t, o)
	m.balances(t, o)
	m.replays(t, o)
}

// addsUp: the total is the lines; no mirror is negative or above what covers
// it; the mirrors are the sums of the refunds, and each refund of its shares.
func (m *machine) addsUp(t *rapid.T, o order.Order) {
	var lines, given, reserved, refunded int64
	for _, l := range o.Lines {
		lines += l.Amount.Minor()
		given += l.Given.Minor()
		require.True(t, l.Given.Minor() <= l.Amount.Minor() && l.FeeGiven.Minor() <= l.Fee.Minor())
		m.divides(t, l)
	}
	all := m.refunds(m.id)
	require.Len(t, all, m.asks)
	for _, r := range all {
		var shares int64
		for _, s := range r.Shares {
			shares += s.Amount.Minor()
		}
		require.Equal(t, r.Amount.Minor(), shares)
		switch r.State {
		case order.RefundSucceeded:
			refunded += r.Amount.Minor()
		case order.RefundRequested, order.RefundApproved, order.RefundProcessing, order.RefundFailed:
			reserved += r.Amount.Minor()
		}
	}
	require.Equal(t, lines, o.Total.Minor())
	require.Equal(t, given, o.Reserved.Minor()+o.Refunded.Minor())
	require.Equal(t, reserved, o.Reserved.Minor())
	require.Equal(t, m.back+refunded, o.Refunded.Minor())
	require.True(t, o.Captured.Minor() <= o.Secured.Minor() && o.Secured.Minor() <= o.Asked.Minor())
	require.GreaterOrEqual(t, o.Refundable().Minor(), int64(0))
	if o.Cancellation != nil {
		require.Equal(t, m.kept, o.Cancellation.Fee.Minor())
	}
}

// divides: the parts of a line's fee, and of what is given back of it, are all of
// it; no part gives more than it took, nor more tax than it held.
func (m *machine) divides(t *rapid.T, l order.Line) {
	var fee, given int64
	for _, p := range l.Parts {
		fee, given = fee+p.Amount.Minor(), given+p.Given.Minor()
		require.True(t, p.Given.Minor() >= 0 && p.Given.Minor() <= p.Amount.Minor(), "%+v", p)
		require.True(t, p.TaxGiven.Minor() >= 0 && p.TaxGiven.Minor() <= p.Tax.Minor(), "%+v", p)
		require.True(t, p.Given.Minor() < p.Amount.Minor() || p.TaxGiven == p.Tax, "all of a part goes with all of its tax: %+v", p)
	}
	if l.Parts != nil {
		require.Equal(t, []int64{l.Fee.Minor(), l.FeeGiven.Minor()}, []int64{fee, given})
	}
	require.LessOrEqual(t, l.Given.Minor()-l.FeeGiven.Minor()-l.Owed.Minor(), l.Amount.Minor()-l.Fee.Minor(), "the merchant gives what it has")
}

// balances: every unit that came in is in exactly one account, and the books
// and the order agree on where.
func (m *machine) balances(t *rapid.T, o order.Order) {
	minor := func(role string, of, party platform.ID) int64 {
		return platform.MustMoney(m.balance(role, of, party), "CNY").Minor()
	}
	escrow, earning, due := minor("escrow", m.id, ""), minor("earning", m.id, o.Merchant), minor("refund_due", m.id, "")
	platforms := minor("commission", "", "") + minor("cancel_fee", "", "") + minor("output_tax", "", "") + minor("receivable", "", o.Merchant)
	require.Equal(t, -minor("clearing", "", "sandbox")-minor("opening", "", ""), escrow+earning+due+platforms+minor("payable", "", o.Merchant))
	require.Equal(t, o.Earned.Minor(), earning)
	require.Equal(t, o.Approved.Minor()-o.Refunded.Minor(), due)
	switch {
	case !o.CompletedAt.IsZero():
		require.Zero(t, escrow, "all of it was sold")
	default:
		require.Equal(t, o.Captured.Minor()-o.Approved.Minor()-m.kept, escrow)
	}
}

// replays: the events of the order tell its state, and no event leaves an end.
func (m *machine) replays(t *rapid.T, o order.Order) {
	if len(m.seen) == 0 || m.seen[len(m.seen)-1] != o.State {
		if len(m.seen) > 0 {
			require.False(t, m.seen[len(m.seen)-1].Ended(), "left its end")
		}
		m.seen = append(m.seen, o.State)
	}
	for d, err := range order.Verify(context.Background(), m.db) {
		require.NoError(t, err)
		require.Fail(t, "not what its events make of it", "%+v", d)
	}
	require.Equal(t, o.State, m.seen[len(m.seen)-1])
}
