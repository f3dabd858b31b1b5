package market_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order/dispatch"
)

// more are the packages that read more than once in a decision, how often, and
// why: what they read next is named only by what they have read. Whoever adds a
// row, or to a number, says why no single read would do.
var more = []struct {
	why   string
	reads int
	where []string
}{
	{"a listing names its merchant", 2, []string{"order.Place merchant", "merchant.NewDraft merchant"}},
	{"a listing names its merchant, its draft and its live revision", 2, []string{"merchant.GoLive merchant"}},
	{"a revision names its listing", 2, []string{"merchant.Edit merchant", "merchant.SubmitDraft merchant", "merchant.RejectRevision merchant"}},
	{"a revision names its listing, and that the others", 3, []string{"merchant.ApproveRevision merchant"}},
	{"an agreement names its merchant", 2, []string{"merchant.Sign merchant"}},
	{"a merchant names its papers", 2, []string{"merchant.Tick: merchant.lapse merchant"}},

	{"a refund names its order", 2, []string{"order.ApproveRefund order", "order.RejectRefund order", "order.WithdrawRefund order"}},

	{"an order names its customer, who may have missed another", 2, []string{"order.NoShow order"}},
	{"a checkout prices and screens each of its two orders", 2, []string{"order.PlaceAll fee", "order.PlaceAll receivable", "order.PlaceAll screen", "order.PlaceAll verification"}},
	{"as before, and a listing names its merchant", 4, []string{"order.PlaceAll merchant"}},
	{"a tip names its order", 2, []string{"order.RefundTip order", "order.Tick: order.ripenTip order"}},
	{"a change names its order", 2, []string{"order.ApproveChange order", "order.RejectChange order", "order.WithdrawChange order", "order.Tick: order.ripen order"}},
	{"an order names the change that is paid for", 2, []string{"payment.Pay: payment.record order"}},

	{"an intent names the attempts that paid it", 2, []string{"order.RequestRefund payment", "order.ApproveRefund payment", "order.RefundTip payment", "order.ApproveChange payment", "order.Decline payment", "order.NoShow payment", "order.WaiveNoShow payment", "payment.Splits: market_test.sharing payment"}},
	{"as before; and an order paid in part takes back what it asked, before it gives back what came", 3, []string{
		"order.Cancel payment", "order.ClearReview payment", "order.Tick: order.timeout payment", "order.WithdrawChange payment",
	}},
	{"a return names the attempts that it takes from", 2, []string{"order.WithdrawRefund payment", "payment.Send payment", "payment.Tick: payment.send payment"}},
	{"an intent, or an attempt, names its subject", 2, []string{"payment.Promote payment", "payment.Resolve payment"}},
	{"whom to ask is read before the institution is asked, and what has become of it meanwhile after that", 2, []string{
		"payment.Look: payment.record payment", "payment.Receive: payment.record payment",
	}},
	{"an intent names the authorisations that hold its money", 2, []string{"payment.Draw payment"}},
	{"a chargeback, or its payment, names its subject, and the intents of that the attempts that paid it", 3, []string{
		"payment.Decide payment", "payment.Receive: payment.disputing payment",
	}},
	{"as before, once it is known what is recorded under the reference", 4, []string{"payment.Reverse: payment.disputing payment"}},
	{"the payment is known; the intents of its subject name the attempts", 2, []string{"payment.Concede: payment.disputing payment"}},
	{"what the institution said was no news, which is looked at twice", 3, []string{"payment.Tick: payment.waiting payment"}},
	{"what the bank took and what is set aside for it are two facts", 2, []string{"payment.Receive: payment.disputing finance", "payment.Reverse: payment.disputing finance"}},
	{"the order says who bears it, and is told", 2, []string{"payment.Receive: payment.disputing order", "payment.Reverse: payment.disputing order"}},

	{"an assignment names the seat that the search is for", 2, []string{
		"dispatch.Decline dispatch", "dispatch.Withdraw dispatch", "dispatch.Release dispatch", "dispatch.NoShow dispatch",
		"dispatch.Tick: dispatch.expire dispatch",
	}},
	{"as before, and the search names the other offers", 3, []string{"dispatch.Accept dispatch"}},
	{"a plan of all who could come names who is asked", 2, []string{
		"dispatch.DispatchOrder: dispatch.offer staff", "dispatch.Dispatch: dispatch.offer staff", "dispatch.Tick: dispatch.offer staff",
	}},

	{"an alert names its indicator", 2, []string{"risk.Resolve risk"}},
	{"an indicator's gauge names its alert", 2, []string{"risk.Tick: risk.sampling risk"}},
}

// TestWhatACommandCosts: one commit a command, but for those that call an
// institution or make several offers; and from one commit to the next each
// package that takes part reads once, never once for each of something.
func TestWhatACommandCosts(t *testing.T) {
	t.Parallel()
	small, large := newTown(t, 2), newTown(t, 5)
	small.play()
	large.play()

	assert.Equal(t, small.meter.most, large.meter.most, "five of everything cost what two do")
	named, found := map[string]int{}, map[string]int{}
	for _, m := range more {
		for _, where := range m.where {
			named[where] = m.reads
		}
	}
	for decision, trips := range large.meter.most {
		for what, n := range trips {
			if who, gets := strings.CutSuffix(what, " get"); gets && n > 1 {
				found[decision+" "+who] = n
			}
		}
	}
	assert.Equal(t, named, found)
	large.complete()
}

// complete fails for a command that the script does not give: it is in no count.
func (c *town) complete() {
	for _, s := range []any{c.Merchants, c.Orders, c.Reviews, c.Staff, c.Dispatch, c.Payments, c.Risk} {
		for m := range reflect.TypeOf(s).Methods() {
			command := m.Type.NumIn() == 3 && m.Type.In(1) == reflect.TypeFor[context.Context]() && m.Type.In(2).Name() == m.Name
			if command { // it is named after its method
				assert.True(c.t, c.given[m.Type.In(2).String()], "%s is not in the script", m.Type.In(2))
			}
		}
	}
}

// TestABatchCostsWhatItsOrdersCost: a plan of many orders reads each of them, as
// that many commands would.
func TestABatchCostsWhatItsOrdersCost(t *testing.T) {
	t.Parallel()
	reads := func(n int) int {
		c := newTown(t, 2)
		c.hire()
		c.admit()
		c.list()
		batch := dispatch.Dispatch{}
		for range n {
			batch.Orders = append(batch.Orders, c.pays(c.place(1, c.listings[0])).ID)
		}
		c.meter.all = trips{}
		_, err := c.Dispatch.Dispatch(platform.As(t.Context(), c.operator), batch)
		assert.NoError(t, err)
		return c.meter.all["order get"] + c.meter.all["staff get"] + c.meter.all["dispatch get"]
	}
	assert.LessOrEqual(t, reads(5), 5*reads(1))
}
