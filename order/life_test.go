package order_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

func TestAPlainOrderRunsFromPlacingToClosing(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	listing := h.list(nil)
	before := h.db.commits.Load()

	o := h.completed(listing)

	assert.Equal(t, order.Completed, o.State)
	assert.Equal(t, order.Paid, o.Payment())
	assert.Equal(t, "0.00", h.balance("escrow", o.ID, ""))
	assert.Equal(t, "90.00", h.balance("earning", o.ID, o.Merchant))
	assert.Equal(t, "10.00", h.balance("commission", "", ""))
	h.clock.pass(7*24*time.Hour - time.Second)
	assert.Zero(t, h.tick(), "not a second before")
	h.clock.pass(time.Second)
	assert.Equal(t, 1, h.tick())

	o = h.read(o.ID)
	assert.Equal(t, order.Closed, o.State)
	assert.True(t, o.Due().IsZero())
	assert.Equal(t, cny("0"), o.Earned)
	assert.Equal(t, "0.00", h.balance("earning", o.ID, o.Merchant))
	assert.Equal(t, "90.00", h.balance("payable", "", o.Merchant))
	assert.LessOrEqual(t, h.db.commits.Load()-before, int64(12), "place, pay, start, deliver, accept, close")
	assert.ElementsMatch(t, []string{
		"screen.decided", "order.placed", "payment.asked", "order.confirmed", "order.started", "order.delivered",
		"order.accepted", "order.completed", "order.closed",
	}, types(h.events(o.Ref())))
}

func TestAManualOrderWaitsForTheMerchant(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	listing := h.list(func(m map[string]any) { m["confirmation"] = "manual" })
	confirm := func(o order.Order, who platform.Actor) (order.Order, error) {
		return h.orders.Confirm(as(who), order.Confirm{Order: o.ID})
	}

	o := h.confirmed(listing)
	_, err := h.orders.Start(as(merchant), order.Start{Order: o.ID})
	assert.Equal(t, "order.not_startable", platform.Code(err))
	_, err = confirm(o, customer)
	assert.Equal(t, "order.actor_not_allowed", platform.Code(err))
	o, err = confirm(o, merchant)
	require.NoError(t, err)
	assert.True(t, o.Due().IsZero())
	_, err = confirm(o, merchant)
	assert.Equal(t, "order.not_confirmable", platform.Code(err), "one answer")
	_, err = h.orders.Decline(as(merchant), order.Decline{Order: o.ID, Reason: "busy"})
	assert.Equal(t, "order.not_declinable", platform.Code(err), "a yes is a yes")
	_, err = h.orders.Start(as(merchant), order.Start{Order: o.ID})
	require.NoError(t, err)

	o = h.confirmed(listing)
	o, err = h.orders.Decline(as(merchant), order.Decline{Order: o.ID, Reason: "busy"})
	require.NoError(t, err)
	assert.Equal(t, order.Declined, o.State)
	assert.Equal(t, cny("100"), o.Reserved)
	assert.Equal(t, "100.00", h.balance("refund_due", o.ID, ""))
	require.NoError(t, h.tell(h.refunds(o.ID)[0].ID, "succeeded"))
	assert.Equal(t, order.Refunded, h.read(o.ID).Payment())
	assert.Equal(t, "0.00", h.balance("refund_due", o.ID, ""))
}

func TestSeatsAreFilledOneByOne(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	listing := h.list(func(m map[string]any) { m["seats"], m["need"], m["zone"] = 2, []string{"clean"}, "zon_x" })
	o := h.placed(listing)
	_, _, err := h.seats.Need(context.Background(), o.ID)
	assert.Equal(t, "order.not_staffable", platform.Code(err), "nobody is sought before the money is there")
	require.NoError(t, h.pay(o.ID, o.Total))

	doc, checks, err := h.seats.Need(context.Background(), o.ID)
	require.NoError(t, err)
	require.Len(t, checks, 1)
	var need map[string]any
	require.NoError(t, json.Unmarshal(doc, &need))
	assert.Equal(t, []any{1.0, 2.0}, need["open"])
	assert.Equal(t, []any{"clean"}, need["need"])
	assert.Equal(t, "zon_x", need["zone"])
	assert.Equal(t, noon.Format(time.RFC3339), need["from"])
	assert.Equal(t, noon.Add(time.Hour).Format(time.RFC3339), need["until"])

	require.NoError(t, h.fill(o.ID, 1, member))
	assert.Equal(t, "order.seat_taken", platform.Code(h.fill(o.ID, 1, second)))
	assert.Equal(t, "order.seat_unknown", platform.Code(h.fill(o.ID, 3, member)))
	_, err = h.orders.Start(as(member), order.Start{Order: o.ID})
	assert.Equal(t, "order.not_startable", platform.Code(err), "a seat is open")
	require.NoError(t, h.fill(o.ID, 2, second))
	assert.Equal(t, order.Assigned, h.read(o.ID).State)
	assert.Equal(t, "order.seat_taken", platform.Code(h.fill(o.ID, 2, operator)), "late, and told why")

	require.NoError(t, h.free(o.ID, 2))
	assert.Equal(t, order.Confirmed, h.read(o.ID).State)
	assert.Equal(t, "order.seat_empty", platform.Code(h.free(o.ID, 2)))
	require.NoError(t, h.fill(o.ID, 2, second))
	_, err = h.orders.Start(as(member), order.Start{Order: o.ID})
	require.NoError(t, err)
	assert.Equal(t, "order.not_unstaffable", platform.Code(h.free(o.ID, 1)), "the work has begun")
	_, _, err = h.seats.Need(context.Background(), o.ID)
	assert.Equal(t, "order.not_staffable", platform.Code(err))
	events := types(h.events(o.Ref()))
	assert.Equal(t, 2, strings.Count(strings.Join(events, " "), "order.staffed"))
	assert.Contains(t, events, "order.unstaffed")
}

func TestAnOrderThatNeedsStaffNeedsADispatch(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.ports.Staffing = nil
	h.orders = order.New(h.w, h.store, h.ports, nil)
	_, err := h.place(h.list(func(m map[string]any) { m["seats"] = 1 }), nil)
	assert.Equal(t, "order.staffing_missing", platform.Code(err))
	_, err = h.place(h.list(nil), nil)
	require.NoError(t, err)
}

func photo(change func(*order.Taken)) []order.Taken {
	p := order.Taken{Kind: "photo", SHA256: strings.Repeat("AB", 32), Bytes: 1000, TakenAt: noon}
	if change != nil {
		change(&p)
	}
	return []order.Taken{p}
}

func TestNothingIsDeliveredWithoutItsProof(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.confirmed(h.list(func(m map[string]any) { m["proof"] = []string{"photo", "signature"} }))
	deliver := func(proofs []order.Taken) (order.Order, error) {
		return h.orders.Deliver(as(merchant), order.Deliver{Order: o.ID, Proofs: proofs})
	}
	_, err := deliver(photo(nil))
	assert.Equal(t, "order.not_deliverable", platform.Code(err), "before anything else")
	_, err = h.orders.Start(as(merchant), order.Start{Order: o.ID})
	require.NoError(t, err)

	_, err = deliver(photo(nil))
	require.ErrorIs(t, err, order.ErrProofMissing)
	assert.Equal(t, []string{"signature"}, platform.Details(err)["missing"])
	page, err := h.orders.Proofs(as(customer), o.ID, "")
	require.NoError(t, err)
	assert.Empty(t, page.Items, "a refused delivery leaves no proof")

	for name, c := range map[string]struct {
		spoil func(*order.Taken)
		field string
		code  string
	}{
		"no hash":        {func(p *order.Taken) { p.SHA256 = "" }, "proofs[0].sha256", "proof.hash"},
		"half a hash":    {func(p *order.Taken) { p.SHA256 = "ab" }, "proofs[0].sha256", "proof.hash"},
		"a hash of text": {func(p *order.Taken) { p.SHA256 = strings.Repeat("xy", 32) }, "proofs[0].sha256", "proof.hash"},
		"nothing in it":  {func(p *order.Taken) { p.Bytes = 0 }, "proofs[0].bytes", "proof.size"},
		"a film":         {func(p *order.Taken) { p.Bytes = 20<<20 + 1 }, "proofs[0].bytes", "proof.size"},
		"a song":         {func(p *order.Taken) { p.Kind = "song" }, "proofs[0].kind", "proof.kind"},
		"of last week":   {func(p *order.Taken) { p.TakenAt = noon.Add(-time.Hour - 1) }, "proofs[0].taken_at", "proof.time"},
		"of tomorrow":    {func(p *order.Taken) { p.TakenAt = noon.Add(2*time.Minute + 1) }, "proofs[0].taken_at", "proof.time"},
		"of no time":     {func(p *order.Taken) { p.TakenAt = time.Time{} }, "proofs[0].taken_at", "proof.time"},
	} {
		_, err := deliver(photo(c.spoil))
		var fields platform.FieldErrors
		require.ErrorAs(t, err, &fields, name)
		assert.Equal(t, c.field, fields[0].Path, name)
		assert.Equal(t, c.code, fields[0].Code, name)
	}

	twice := append(photo(nil), photo(nil)...)
	done, err := deliver(append(twice, photo(func(p *order.Taken) { p.Kind = "signature" })...))
	require.NoError(t, err)
	assert.Len(t, done.Proofs, 2, "the same picture is the same proof")
	page, err = h.orders.Proofs(as(customer), o.ID, "")
	require.NoError(t, err)
	require.Len(t, page.Items, 2)
	assert.Equal(t, strings.Repeat("ab", 32), page.Items[0].SHA256)
	assert.Equal(t, merchant.ID, page.Items[0].By)
}

func TestProofCompletesWhereTheTermsSaySo(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.confirmed(h.list(func(m map[string]any) { m["acceptance"], m["proof"] = "proof", []string{"photo"} }))
	complete := func(proofs []order.Taken) (order.Order, error) {
		return h.orders.Complete(as(merchant), order.Complete{Order: o.ID, Proofs: proofs})
	}
	_, err := complete(nil)
	require.ErrorIs(t, err, order.ErrProofMissing)

	done, err := complete(photo(nil))

	require.NoError(t, err)
	assert.Equal(t, order.Completed, done.State)
	assert.Equal(t, "90.00", h.balance("earning", o.ID, o.Merchant))
	assert.Subset(t, types(h.events(o.Ref())), []string{"order.started", "order.delivered", "order.completed"})
	o = h.delivered(h.list(nil))
	_, err = complete(photo(nil))
	assert.Equal(t, "order.not_completable", platform.Code(err), "where the customer accepts, proof is not enough")
}

func TestE24ReworkStopsTheClockTwiceAtMost(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.delivered(h.list(nil))
	rework := func(lines ...int) error {
		_, err := h.orders.RequestRework(as(customer), order.RequestRework{Order: o.ID, Reason: "dusty", Lines: lines})
		return err
	}
	assert.Equal(t, "order.line_unknown", platform.Code(rework(2)))
	assert.Equal(t, "order.line_unknown", platform.Code(rework()))
	for range 2 {
		require.NoError(t, rework(1))
		handed := h.read(o.ID)
		assert.Equal(t, order.Rework, handed.State)
		assert.Equal(t, noon.Add(14*24*time.Hour), handed.Due(), "fourteen days from the first delivery")
		h.clock.pass(time.Hour)
		_, err := h.orders.Deliver(as(merchant), order.Deliver{Order: o.ID})
		require.NoError(t, err)
	}
	again := h.read(o.ID)
	assert.Equal(t, again.DeliveredAt.Add(72*time.Hour), again.Due(), "72 hours from the last delivery")
	assert.Equal(t, noon, again.FirstDeliveredAt)
	assert.Equal(t, "order.not_reworkable", platform.Code(rework(1)))

	o = h.delivered(h.list(nil))
	require.NoError(t, rework(1))
	h.clock.pass(14 * 24 * time.Hour)
	assert.Equal(t, 1, h.tick()-1, "the other order accepted itself")
	assert.Contains(t, types(h.events(o.Ref())), "order.overdue")
	assert.Zero(t, h.tick(), "told once")
}

func TestE30AProofThatIsHandedOverTwiceIsOneProof(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.confirmed(h.list(func(m map[string]any) { m["proof"] = []string{"photo"} }))
	_, err := h.orders.Start(as(merchant), order.Start{Order: o.ID})
	require.NoError(t, err)
	twice := append(photo(nil), photo(nil)...)

	first, err := h.orders.Deliver(as(merchant), order.Deliver{Order: o.ID, Proofs: twice})
	require.NoError(t, err)
	require.Len(t, first.Proofs, 1)
	_, err = h.orders.RequestRework(as(customer), order.RequestRework{Order: o.ID, Reason: "dusty", Lines: []int{1}})
	require.NoError(t, err)
	again, err := h.orders.Deliver(as(merchant), order.Deliver{Order: o.ID, Proofs: twice})

	require.NoError(t, err)
	assert.Equal(t, first.Proofs, again.Proofs, "by its hash it is the same one")
	page, err := h.orders.Proofs(as(merchant), o.ID, "")
	require.NoError(t, err)
	assert.Len(t, page.Items, 1)
}

func TestALongNeedEndsAfterItBegins(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o, err := h.place(h.list(func(m map[string]any) { m["minutes"], m["seats"] = 400*24*60, 1 }), func(in *order.Place) { in.Lines[0].Quantity = 10000 })
	require.NoError(t, err)
	require.NoError(t, h.pay(o.ID, o.Total))
	doc, _, err := h.seats.Need(context.Background(), o.ID)
	require.NoError(t, err)
	var need struct{ From, Until time.Time }
	require.NoError(t, json.Unmarshal(doc, &need))
	assert.Equal(t, 400*24*time.Hour, need.Until.Sub(need.From))
}

func TestAnOrderWithoutSeatsTakesNoStaff(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	_, _, err := h.seats.Need(context.Background(), h.confirmed(h.list(nil)).ID)
	assert.Equal(t, "order.not_staffable", platform.Code(err))
}
