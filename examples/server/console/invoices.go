package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/invoice"
)

const (
	invoicesList = "/console/invoices"
	invoicesPage = invoicesList + "/"
)

// invoiceMoves are the moves on an invoice.
var invoiceMoves = map[string]move{
	"issue-invoice":   {action: "invoice.issueInvoice", back: invoicesPage, do: console.issueInvoice},
	"cancel-invoice":  {action: "invoice.cancelInvoice", back: invoicesPage, do: console.cancelInvoice},
	"reverse-invoice": {action: "invoice.askRed", back: invoicesPage, do: console.reverseInvoice},
	"check-letter":    {action: "invoice.checkRed", back: invoicesPage, do: console.checkLetter},
	"void-letter":     {action: "invoice.voidRed", back: invoicesPage, do: console.voidLetter},
}

var redReasons = []string{"wrong_title", "duplicate", "other"}

// invoiceStates are the filter, in the order of an invoice's life.
var invoiceStates = []invoice.State{
	invoice.Requested, invoice.Issuing, invoice.Failed, invoice.Issued, invoice.RedPending, invoice.PartlyRed, invoice.Red, invoice.Cancelled,
}

type invoicesView struct {
	State invoice.State // only these; empty for all
	Tabs  []invoice.State
	Rows  []invoice.Invoice
	First string
	Next  string
}

// invoices reads a page of the queue, the newest first.
func (c console) invoices(r *http.Request) (any, error) {
	asked := r.URL.Query()
	v := invoicesView{State: invoice.State(asked.Get("state")), Tabs: append([]invoice.State{""}, invoiceStates...)}
	page, err := c.m.Invoices.Invoices(r.Context(), invoice.Query{State: v.State, Cursor: asked.Get("cursor")})
	if err != nil {
		return nil, err
	}
	v.Rows = page.Items
	v.First, v.Next = turn(invoicesList, "state", string(v.State), asked.Get("cursor"), page.Next)
	return v, nil
}

type invoiceView struct {
	Invoice invoice.Invoice
	Letters []invoice.Letter
	Tally   invoice.Tally
	Bar     stack // what stands and what was taken back, drawn
	Reveal  *revealForm
	Buttons []button
}

// invoice reads one invoice with its red letters.
func (c console) invoice(r *http.Request) (any, error) {
	ctx := r.Context()
	one, err := c.m.Invoices.Invoice(ctx, platform.ID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	v := invoiceView{Invoice: one, Bar: stackOf("standing", one.Gross.Minor(), slice{Name: "stands", Amount: one.Left()}, slice{Name: "taken", Amount: one.Red})}
	if v.Letters, err = c.m.Invoices.Letters(ctx, one.ID); err != nil {
		return nil, err
	}
	if v.Tally, err = c.m.Invoices.Tally(ctx, one.Subject, one.Kind); err != nil {
		return nil, err
	}
	v.Reveal = c.revealing(ctx, one.Ref(), map[string]platform.Sealed{"title": one.Title, "tax_id": one.TaxID}, "title", "tax_id")
	v.Buttons = c.invoiceButtons(ctx, one)
	return v, nil
}

// invoiceButtons are what whoever looks may do with the invoice now.
func (c console) invoiceButtons(ctx context.Context, v invoice.Invoice) (all []button) {
	action := invoicesPage + url.PathEscape(string(v.ID))
	actor, _ := platform.ActorOf(ctx) // without one, may says no
	open := v.Open(actor.Kind)
	if v.State == invoice.RedPending && v.Reason != "" {
		open = append(open, invoice.LetterMoves.Open(invoice.LetterHeld, actor.Kind)...)
	}
	if v.State == invoice.Issuing && v.Reason == "" || v.State == invoice.Requested {
		open = slices.DeleteFunc(open, func(verb string) bool { return verb == "cancel" || verb == "issue" && v.State == invoice.Issuing })
	}
	for _, b := range []struct {
		open, verb string
		reasons    []string
	}{{"issue", "issue-invoice", nil}, {"cancel", "cancel-invoice", nil}, {"ask_red", "reverse-invoice", redReasons}, {"check", "check-letter", nil}, {"void", "void-letter", []string{"authority_voided"}}} {
		if slices.Contains(open, b.open) && c.may(ctx, invoiceMoves[b.verb].action, v.Ref()) {
			all = append(all, press(action, b.verb, b.reasons...))
		}
	}
	return all
}

func (c console) issueInvoice(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Invoices.IssueInvoice(ctx, invoice.IssueInvoice{Invoice: id})
	return err
}

func (c console) cancelInvoice(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Invoices.CancelInvoice(ctx, invoice.CancelInvoice{Invoice: id})
	return err
}

func (c console) reverseInvoice(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Invoices.AskRed(ctx, invoice.AskRed{Invoice: id, Reason: form.Get("reason")})
	return err
}

func (c console) checkLetter(ctx context.Context, id platform.ID, _ url.Values) error {
	_, err := c.m.Invoices.CheckRed(ctx, invoice.CheckRed{Invoice: id})
	return err
}

func (c console) voidLetter(ctx context.Context, id platform.ID, form url.Values) error {
	_, err := c.m.Invoices.VoidRed(ctx, invoice.VoidRed{Invoice: id, Reason: form.Get("reason")})
	return err
}
