package console_test

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store/sandbox"
)

// scene is a house with an order in every stage that an operator meets.
type scene struct {
	*house
	closed, delivered, refunded, cancelled, failed, confirmed, review, awaiting order.Order
	asked                                                                       order.Refund // of confirmed
	application                                                                 merchant.Application
	revision                                                                    merchant.Revision
	account                                                                     settlement.Account
}

// hostile is a text that must never reach a page as it is.
const hostile = `<script>alert("x")</script>`

func (h *house) scene() scene {
	h.t.Helper()
	s := scene{house: h}
	s.closed = h.work(h.paid())
	_, err := h.Orders.Accept(h.as(h.cast.Customer), order.Accept{Order: s.closed.ID})
	require.NoError(h.t, err)
	h.pass(8 * 24 * time.Hour)
	s.refunded = h.work(h.paid())
	h.refund(s.refunded, "30.00")
	h.pass(3 * time.Hour)
	s.delivered = h.work(h.paid())
	s.cancelled = h.paid()
	q, err := h.Orders.QuoteCancel(h.as(h.cast.Customer), order.Cancel{Order: s.cancelled.ID})
	require.NoError(h.t, err)
	_, err = h.Orders.Cancel(h.as(h.cast.Customer), order.Cancel{Order: s.cancelled.ID, MaxFee: q.Fee, Reason: "customer_request"})
	require.NoError(h.t, err)
	s.failed = h.pay(h.place(1), sandbox.Decline)
	h.pass(2 * time.Minute)
	s.confirmed = h.paid()
	s.asked = h.refund(s.confirmed, "45.50")
	s.review = h.place(300)
	s.awaiting = h.place(2)
	s.application, s.revision = h.apply(), h.draft()
	s.account = h.register()
	h.pass(time.Minute) // the indicators learn of the orders, and the next sample shows
	h.pass(time.Minute)
	return s
}

// register tells where the merchant's money goes.
func (h *house) register() settlement.Account {
	h.t.Helper()
	a, err := h.Payouts.Register(h.as(h.cast.Merchant), settlement.Register{Party: h.cast.Merchant.ID, Currency: "CNY", Institution: "sandbox", Payee: "payee " + hostile})
	require.NoError(h.t, err)
	return a
}

func (h *house) apply() merchant.Application {
	h.t.Helper()
	applicant := h.as(platform.Actor{ID: h.Writer.NewRoot(h.t.Context(), "usr"), Kind: platform.Merchant})
	a, err := h.Merchants.Apply(applicant, merchant.Apply{Party: merchant.Party{
		Name: hostile, LegalName: "Clear Gutters Ltd", Licence: "91310000MA1FL0AB99", Contact: "post@clear-gutters.example",
	}})
	require.NoError(h.t, err)
	a, err = h.Merchants.Submit(applicant, merchant.Submit{Application: a.ID})
	require.NoError(h.t, err)
	return a
}

func (h *house) draft() merchant.Revision {
	h.t.Helper()
	self := h.as(h.cast.Merchant)
	d, err := h.Merchants.NewDraft(self, merchant.NewDraft{Content: &merchant.Content{
		Title: "Gutters " + hostile, Text: "The best cleaning of gutters.", Unit: "visit", Price: h.cast.Price,
		Standard: merchant.Standard{Scope: "one house", Result: "free of leaves", Warranty: "a month"},
		Minutes:  60, Zone: h.cast.Zone, Proof: []string{"photo"},
	}})
	require.NoError(h.t, err)
	d, err = h.Merchants.SubmitDraft(self, merchant.SubmitDraft{Revision: d.ID})
	require.NoError(h.t, err)
	return d
}
