package invoice

import (
	"context"
	"fmt"
	"slices"

	"github.com/liangding/platform"
)

// RequestInvoice asks for an invoice.
type RequestInvoice struct {
	Of    platform.Ref `json:"subject" validate:"required"`
	Kind  Kind         `json:"kind" validate:"required,oneof=service fee self_billed" code:"invoice.kind"`
	Title Title        `json:"title"`                                                       // of the buyer; kept only sealed
	Lines []Part       `json:"lines,omitempty" validate:"max=200,dive" code:"invoice.line"` // none: all that can be invoiced
}

// Part is a part of one line; without an amount, all that is left of it.
type Part struct {
	Line   int            `json:"line" validate:"min=1" code:"invoice.line"`
	Amount platform.Money `json:"amount,omitzero" validate:"omitempty,gt=0" code:"invoice.amount"`
}

// Subject is what is to be invoiced.
func (in RequestInvoice) Subject() platform.Ref { return in.Of }

// RequestInvoice asks for an invoice of a subject over what can be invoiced of
// it. Buyer and seller may, and the system; for others the subject is not found.
// [Service.Tick] has it issued.
//
// It fails with ErrExceeds, what can be invoiced as a detail, with ErrKind for a
// self-billed invoice where the law does not allow it, and with FieldErrors
// (invoice.title, invoice.tax_id, invoice.line, invoice.amount).
func (s *Service) RequestInvoice(ctx context.Context, in RequestInvoice) (Invoice, error) {
	v := Invoice{Head: platform.Head{ID: s.w.NewRoot(ctx, "inv")}, Kind: in.Kind, Subject: in.Of, Company: in.Title.Company}
	title, failed := in.admit(s.terms)
	var first sale
	if failed == nil {
		if first, failed = s.sale(ctx, in.Of, in.Kind); failed == nil { // the title is sealed for the buyer
			v.Seller, v.Buyer = first.Seller, first.Buyer
			if by, err := s.w.Actor(ctx); err != nil || !v.mine(by) {
				failed = platform.NotFound(in.Of)
			} else {
				v, failed = s.sealed(ctx, v, title)
			}
		}
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Invoice, []platform.Change, error) {
		if failed != nil {
			return Invoice{}, nil, failed
		}
		by, err := s.w.Actor(ctx)
		if err != nil {
			return Invoice{}, nil, err
		}
		sold, err := s.sale(ctx, in.Of, in.Kind)
		if err != nil {
			return Invoice{}, nil, err
		}
		tally, err := s.tally(ctx, in.Of, in.Kind, minus(sold.Captured, sold.Captured))
		if err != nil {
			return Invoice{}, nil, err
		}
		next, err := s.requested(v, sold, tally, in.Lines, by)
		if err != nil {
			return Invoice{}, nil, err
		}
		return next, append(sold.checks, platform.Put(next), platform.Put(tally.counted(next)), next.happened("requested")), nil
	})
}

// admit is the title, if the request is one that may be made here.
func (in RequestInvoice) admit(t Terms) (Title, error) {
	if err := platform.Validate(in); err != nil {
		return Title{}, err
	}
	if in.Kind == SelfBilled && !t.SelfBilled {
		return Title{}, platform.Wrong("kind", ErrKind)
	}
	return in.Title.clean()
}

// requested is the invoice as it is asked for, over what the tally leaves of the
// sale.
func (s *Service) requested(v Invoice, sold sale, tally Tally, asked []Part, by platform.Actor) (Invoice, error) {
	if sold.Seller != v.Seller || sold.Buyer != v.Buyer { // the title was sealed for somebody else
		return Invoice{}, platform.NotFound(v.Subject)
	}
	next, err := v.take("request", by.Kind)
	if err != nil {
		return Invoice{}, err
	}
	lines, err := tally.room(sold, slices.Clone(asked))
	if err != nil {
		return Invoice{}, err
	}
	if next.Document, err = document(lines, s.terms.TaxBy, s.terms.Rounding); err != nil {
		return Invoice{}, fmt.Errorf("invoice %s: %w", v.Subject, err)
	}
	at := s.w.Now()
	next.Red, next.By, next.For, next.At, next.Due = minus(next.Gross, next.Gross), by.ID, by.For(), at, at
	return next, nil
}

// sealed is the invoice with its title as it may be stored.
func (s *Service) sealed(ctx context.Context, v Invoice, t Title) (Invoice, error) {
	if s.ports.Sealer == nil {
		return Invoice{}, fmt.Errorf("keep the title of %s: %w", v.ID, errNoSealer)
	}
	var err error
	if v.Title, err = s.ports.Sealer.Seal(ctx, v.place("title"), t.Name); err == nil {
		v.TaxID, err = s.ports.Sealer.Seal(ctx, v.place("tax_id"), t.TaxID)
	}
	if err != nil {
		return Invoice{}, fmt.Errorf("keep the title of %s: %w", v.ID, err)
	}
	return v, nil
}

// CancelInvoice gives an invoice up.
type CancelInvoice struct {
	Invoice platform.ID `json:"invoice" validate:"required,id=inv"`
}

// Subject is the invoice.
func (in CancelInvoice) Subject() platform.Ref {
	return platform.Ref{Kind: invoiceKind, ID: in.Invoice}
}

// CancelInvoice gives up an invoice that was not sent yet, or that failed: its
// number, if it has one, stays listed with it. Who asked for it may, and the
// system; a failed one an operator too. It fails with ErrNotCancellable and
// ErrRequester.
func (s *Service) CancelInvoice(ctx context.Context, in CancelInvoice) (Invoice, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Invoice, []platform.Change, error) {
		v, by, err := s.mine(ctx, in.Invoice)
		if err != nil {
			return Invoice{}, nil, err
		}
		next, err := v.Cancel(by.Kind, s.w.Now())
		if err != nil {
			return Invoice{}, nil, err
		}
		free := by.Kind == platform.System || by.Kind == platform.Operator && v.State == Failed
		if !free && by.For() != v.For {
			return Invoice{}, nil, fmt.Errorf("cancel %s: %w", v.ID, ErrRequester)
		}
		t, err := s.store.Tally(ctx, TallyID(v.Subject, v.Kind))
		if err != nil {
			return Invoice{}, nil, err
		}
		return next, []platform.Change{platform.Put(next), platform.Put(t.uncounted(v)), next.happened("cancelled")}, nil
	})
}
