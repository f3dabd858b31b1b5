package console_test

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/invoice"
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
	invoice, asking, reversed                                                   invoice.Invoice // issued, not sent yet, and taken back in part
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
	s.invoice, s.reversed = h.invoice(s.closed, invoice.ForService), h.invoice(s.refunded, invoice.ForService)
	h.pass(time.Minute) // the indicators learn of the orders, and the next sample shows
	h.pass(time.Minute)
	_, err = h.Invoices.AskRed(h.as(h.cast.Customer), invoice.AskRed{Invoice: s.reversed.ID, Lines: []invoice.Part{{Line: 1, Amount: platform.MustMoney("50.00", "CNY")}}, Reason: "wrong_title"})
	require.NoError(h.t, err)
	h.pass(time.Minute)
	s.asking = h.invoice(s.closed, invoice.ForFee)
	return s
}

// register tells where the merchant's money goes.
func (h *house) register() settlement.Account {
	h.t.Helper()
	a, err := h.Payouts.Register(h.as(h.cast.Merchant), settlement.Register{Party: h.cast.Merchant.ID, Currency: "CNY", Institution: "sandbox", Payee: "payee " + hostile})
	require.NoError(h.t, err)
	return a
}

// invoice asks for an invoice of an order.
func (h *house) invoice(o order.Order, kind invoice.Kind) invoice.Invoice {
	h.t.Helper()
	who := h.cast.Customer
	if kind == invoice.ForFee {
		who = h.cast.Merchant
	}
	v, err := h.Invoices.RequestInvoice(h.as(who), invoice.RequestInvoice{Of: o.Ref(), Kind: kind, Title: invoice.Title{Company: true, Name: secret, TaxID: "91350100M000100Y43"}})
	require.NoError(h.t, err)
	return v
}

// secret is a title that no page shows unasked.
const secret = "Quiet Holdings Ltd"

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
