package invoice

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Series counts the invoices of one seller and kind: 1, 2, 3 … without gaps.
type Series struct {
	platform.Head
	Seller platform.ID `json:"seller" class:"internal"`
	Kind   Kind        `json:"kind" class:"internal"`
	Last   int64       `json:"last" class:"internal"` // number that was given
}

// Ref names the series.
func (s Series) Ref() platform.Ref { return platform.Ref{Kind: seriesKind, ID: s.ID} }

// seriesID is the id of the series of a seller and kind: the slot of the seller,
// and the first 8 bytes of SHA-256(seller, 0x00, kind).
func seriesID(seller platform.ID, kind Kind) platform.ID {
	sum := sha256.Sum256([]byte(string(seller) + "\x00" + string(kind)))
	return platform.NewID("ser", time.Unix(0, 0), seller.Slot(), binary.BigEndian.Uint64(sum[:8]))
}

// IssueInvoice has an invoice issued.
type IssueInvoice struct {
	Invoice platform.ID `json:"invoice" validate:"required,id=inv"`
}

// Subject is the invoice.
func (in IssueInvoice) Subject() platform.Ref {
	return platform.Ref{Kind: invoiceKind, ID: in.Invoice}
}

// IssueInvoice gives an invoice its number and hands it to the [Invoicer]. It
// returns the invoice as it is then: issued, failed, or issuing while nobody
// knows. Tick does so by itself; an operator may send at any time what failed.
// Of racing calls one sends. It fails with ErrNotIssuable and ErrNotDue.
func (s *Service) IssueInvoice(ctx context.Context, in IssueInvoice) (Invoice, error) {
	return s.send(ctx, in, s.w.Now())
}

func (s *Service) send(ctx context.Context, in IssueInvoice, at time.Time) (Invoice, error) {
	mine := s.w.IDs()
	v, err := s.begin(ctx, in, mine, at)
	if err != nil {
		return Invoice{}, err
	}
	if v.Sender != mine { // a repeat under a key: whoever was first sends
		return s.store.Invoice(ctx, in.Invoice)
	}
	title, err := s.title(s.system(ctx), v.Invoice)
	if err != nil {
		return Invoice{}, err // it stays issuing, and is looked at in a while
	}
	a, known := s.issue(ctx, v.ID, v.paper(title))
	next, err := s.record(context.WithoutCancel(ctx), v.ID, a, known, at)
	if errors.Is(err, ErrNothingNew) {
		return s.store.Invoice(context.WithoutCancel(ctx), v.ID)
	}
	return next, err
}

// begun is an invoice that goes out, and who sends it.
type begun struct {
	Invoice
	Sender uint64 `json:"sender"`
}

// begin claims an invoice: it is issuing, under its number.
func (s *Service) begin(ctx context.Context, in IssueInvoice, by uint64, at time.Time) (begun, error) {
	return persist(ctx, s, in, func(ctx context.Context) (begun, []platform.Change, error) {
		v, actor, err := s.mine(ctx, in.Invoice)
		if err != nil {
			return begun{}, nil, err
		}
		if v.Number != 0 {
			next, err := v.Sent(v.Number, actor.Kind, at, at.Add(s.terms.Answer))
			if err != nil {
				return begun{}, nil, err
			}
			return begun{next, by}, []platform.Change{platform.Put(next), next.happened("sent")}, nil
		}
		series, err := s.series(ctx, v)
		if err != nil {
			return begun{}, nil, err
		}
		series.Last++
		next, err := v.Sent(series.Last, actor.Kind, at, at.Add(s.terms.Answer))
		if err != nil {
			return begun{}, nil, err
		}
		return begun{next, by}, []platform.Change{platform.Put(series), platform.Put(next), next.happened("sent")}, nil
	})
}

// series is that of the invoice, a new one if there is none yet.
func (s *Service) series(ctx context.Context, v Invoice) (Series, error) {
	id := seriesID(v.Seller, v.Kind)
	found, err := s.store.Series(ctx, id)
	if errors.Is(err, platform.ErrNotFound) {
		return Series{Head: platform.Head{ID: id}, Seller: v.Seller, Kind: v.Kind}, nil
	}
	return found, err
}

// paper is the invoice for the Invoicer.
func (v Invoice) paper(t Title) Paper {
	return Paper{Kind: v.Kind, Series: string(v.Seller) + "/" + string(v.Kind), Number: v.Number, Seller: v.Seller, Buyer: v.Buyer, Title: t, Document: v.Document}
}

// learnt writes down what was learnt of a record.
type learnt struct {
	ID     platform.ID
	Answer Answer
}

// record writes down what the Invoicer said of an invoice, or that it said
// nothing, and returns it as it is then. It fails with ErrNothingNew when that
// was known already.
func (s *Service) record(ctx context.Context, id platform.ID, a Answer, known bool, at time.Time) (Invoice, error) {
	return persist(s.system(ctx), s, learnt{id, a}, func(ctx context.Context) (Invoice, []platform.Change, error) {
		v, err := s.store.Invoice(ctx, id)
		if err != nil {
			return Invoice{}, nil, err
		}
		next, err := v, ErrNothingNew
		if known {
			next, err = v.Learn(a, at)
		}
		if errors.Is(err, ErrNothingNew) && v.State == Issuing && v.Reason != otherTotals {
			next, err = v.Doubt(at)
		}
		if err != nil {
			return Invoice{}, nil, fmt.Errorf("record %s: %w", id, err)
		}
		what := map[State]string{Issued: "issued", Failed: "failed", Issuing: "unknown"}[next.State]
		changes := []platform.Change{platform.Put(next), next.happened(what).Because(next.Reason)}
		if next.Reason == otherTotals {
			changes = append(changes, finding(next.Ref(), next.Reason, next.Gross))
		}
		return next, changes, nil
	})
}

// finding tells supervision.
func finding(on platform.Ref, reason string, amount platform.Money) platform.Change {
	return platform.Happened("finding.raised", on, map[string]any{"amount": amount}).Because(reason)
}

// look asks the Invoicer about an invoice that is under way; what never arrived
// is sent again under the same key.
func (s *Service) look(ctx context.Context, v Invoice, at time.Time) error {
	a, known := s.lookup(ctx, v.ID)
	if known && a.Outcome == Absent {
		_, err := s.send(ctx, IssueInvoice{Invoice: v.ID}, at)
		return err
	}
	_, err := s.record(ctx, v.ID, a, known, at)
	return err
}
