package finance

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
)

// model is the books as a textbook keeps them: one figure an account, and a
// list of holds. It knows nothing of counters, postings or changes.
type model struct {
	balance map[Account]int64 // in the normal direction, minor units
	held    map[Account]int64
	holds   map[platform.Ref]booking // open
	ended   map[platform.Ref]bool
	booked  map[string]bool // what + subject
}

// moves is how a leg changes its account.
func moves(l platform.Leg) (Account, int64) {
	row, _ := lineOf(l.Role)
	return accountOf(l), l.Amount.Minor() * int64(row.Normal)
}

func floored(a Account) bool {
	row, _ := lineOf(a.Role)
	return row.Floored
}

// enough tells whether no floored account would have less than is held.
func (m *model) enough(legs []platform.Leg) bool {
	for _, l := range legs {
		if a, growth := moves(l); floored(a) && growth < 0 && m.balance[a]-m.held[a]+growth < 0 {
			return false
		}
	}
	return true
}

func (m *model) post(legs []platform.Leg) {
	for _, l := range legs {
		a, growth := moves(l)
		m.balance[a] += growth
	}
}

func (m *model) hold(legs []platform.Leg, sign int64) {
	for _, l := range legs {
		if a, growth := moves(l); floored(a) && growth < 0 {
			m.held[a] -= sign * growth
		}
	}
}

// book is the code of the refusal that a booking must meet, after its effect.
func (m *model) book(b booking) string {
	r, fact := recipes[b.What], b.What+b.Subject.String()
	switch held, open := m.holds[b.Subject]; {
	case r.Held && (open || m.ended[b.Subject]):
		return "exists"
	case r.Held && !m.enough(b.Legs):
		return "floor"
	case r.Held:
		m.holds[b.Subject] = b
		m.hold(b.Legs, +1)
	case r.Settles+r.Voids == "" && m.booked[fact]:
		return "exists"
	case r.Settles+r.Voids == "" && !m.enough(b.Legs):
		return "floor"
	case r.Settles+r.Voids == "":
		m.booked[fact] = true
		m.post(b.Legs)
	case m.ended[b.Subject]:
		return "ledger.pending_ended"
	case !open:
		return "finance.pending.not_found"
	case r.Voids != "":
		m.end(b, held)
	default:
		return m.settle(b, held)
	}
	return ""
}

func (m *model) end(b, held booking) {
	m.hold(held.Legs, -1)
	delete(m.holds, b.Subject)
	m.ended[b.Subject] = true
}

func (m *model) settle(b, held booking) string {
	before := model{maps.Clone(m.balance), maps.Clone(m.held), maps.Clone(m.holds), maps.Clone(m.ended), m.booked}
	m.end(b, held)
	m.post(held.Legs)
	if !m.enough(b.Legs) {
		*m = before
		return "floor"
	}
	m.post(b.Legs)
	return ""
}

// sample draws bookings of a small world, so that they meet: two orders, two
// merchants, a handful of refunds and payouts.
func sample(t *rapid.T) booking {
	slot := map[string]platform.Slot{"pay": 9} // so that no payout has the bits of a refund
	n := func(prefix string, most uint64) platform.ID {
		return platform.NewID(prefix, noon, slot[prefix], rapid.Uint64Range(1, most).Draw(t, prefix))
	}
	ref := func(kind string, id platform.ID) platform.Ref { return platform.Ref{Kind: kind, ID: id} }
	yuan := func(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }

	of, who := n("ord", 2), n("mer", 2)
	total := rapid.Int64Range(1, 500).Draw(t, "fen")
	fee := rapid.Int64Range(0, total).Draw(t, "fee")
	all, rest, part := yuan(total), yuan(total-fee), yuan(fee)
	due := cr("refund_due", all, of)
	switch rapid.IntRange(0, 15).Draw(t, "recipe") {
	case 0, 1, 2:
		return booked("pay.captured", ref("payment.attempt", n("att", 40)), dr("clearing", all, "sandbox"), cr("escrow", all, of))
	case 3:
		return booked("pay.surplus", ref("payment.attempt", n("att", 40)), dr("clearing", all, "sandbox"), cr("surplus", all, of))
	case 4:
		return booked("pay.returned", ref("payment.attempt", n("att", 40)), dr("surplus", all, of), cr("clearing", all, "sandbox"))
	case 5, 6:
		return booked("order.completed", ref("order", n("ord", 40)), dr("escrow", all, of), cr("earning", rest, of, who), cr("commission", part))
	case 7, 8:
		return booked("order.closed", ref("order", n("ord", 40)), dr("earning", all, of, who), cr("payable", rest, who), cr("reserve", part, who))
	case 9:
		return booked("refund.approved", ref("order.refund", n("rfd", 12)), dr("escrow", all, of), due)
	case 10:
		return booked("refund.approved", ref("order.refund", n("rfd", 12)), dr("earning", rest, of, who), dr("commission", part), due)
	case 11:
		return booked("refund.succeeded", ref("order.refund", n("rfd", 12)), dr("refund_due", all, of), cr("clearing", rest, "sandbox"), cr("marketing", part))
	case 12:
		return booked(rapid.SampledFrom([]string{"refund.withdrawn", "refund.given_up"}).Draw(t, "end"), ref("order.refund", n("rfd", 12)))
	case 13:
		return booked("payout.sent", ref("finance.payout", n("pay", 6)), dr("payable", all, who), cr("clearing", all, "sandbox"))
	case 14:
		return booked(rapid.SampledFrom([]string{"payout.paid", "payout.failed"}).Draw(t, "end"), ref("finance.payout", n("pay", 6)))
	default:
		return booked("reserve.released", ref("order", n("ord", 40)), dr("reserve", all, who), cr("payable", all, who))
	}
}

// TestBooksKeepToTheModel books at random and compares every account with the
// model after each step: sums of zero, floors, available = posted less holds,
// and a fact once.
func TestBooksKeepToTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := newDesk(t)
		m := &model{map[Account]int64{}, map[Account]int64{}, map[platform.Ref]booking{}, map[platform.Ref]bool{}, map[string]bool{}}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			b := sample(t)
			before := maps.Clone(m.balance)

			want, got := m.book(b), platform.Code(d.book(b))

			require.Equal(t, want, got, "%s of %s: %v", b.What, b.Subject, b.Legs)
			if want != "" {
				require.Equal(t, before, m.balance)
			}
			agree(t, d, m)
		}
		d.sound(t)
	})
}

// agree compares all counters with the model.
func agree(t *rapid.T, d *desk, m *model) {
	found := map[string]int64{}
	var sum int64
	for page, err := range pages(func(cursor string) (platform.Page[platform.Count], error) {
		return d.Store.Counters(asSystem(), cursor)
	}) {
		require.NoError(t, err)
		for _, c := range page {
			which, a, _, err := counted(c.Ref)
			require.NoError(t, err)
			row, _ := lineOf(a.Role)
			switch which {
			case posted:
				sum += c.Value
				found[posted+a.String()] = c.Value * int64(row.Normal)
			case available:
				require.GreaterOrEqual(t, c.Value, int64(0))
				found[available+a.String()] = c.Value
			}
		}
	}
	require.Zero(t, sum)
	for _, a := range slices.Collect(maps.Keys(m.balance)) {
		require.Equal(t, m.balance[a], found[posted+a.String()], "%s posted", a)
		if floored(a) {
			require.Equal(t, m.balance[a]-m.held[a], found[available+a.String()], "%s available", a)
		}
		delete(found, posted+a.String())
		delete(found, available+a.String())
	}
	require.Empty(t, found, "accounts that the model lacks")
}
