package invoice

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Invoicer issues invoices officially: a tax authority's service, or a provider in
// front of it. Keys are ours and name one document for ever: the same document
// under the same key again is the same invoice. An error tells nothing of what
// happened; a refusal is an answer.
//
// Documents and answers are JSON, of the shapes of [Paper] and [Answer], so that
// an adapter need not import this package.
type Invoicer interface {
	// Issue issues the invoice, or the red letter if the document names the
	// original that it reverses.
	Issue(ctx context.Context, key string, document json.RawMessage) (answer json.RawMessage, err error)

	// Lookup tells how the document of a key stands.
	Lookup(ctx context.Context, key string) (answer json.RawMessage, err error)
}

// Opener opens what was sealed, for the one purpose of issuing an invoice.
type Opener interface {
	Open(ctx context.Context, at platform.Place, sealed platform.Sealed) (plain string, err error)
}

// Paper is a document as the Invoicer gets it, in neutral fields.
type Paper struct {
	Kind   Kind        `json:"kind"`
	Series string      `json:"series"` // with Number, our own number of it
	Number int64       `json:"number,omitempty"`
	Seller platform.ID `json:"seller"`
	Buyer  platform.ID `json:"buyer"`
	Title  Title       `json:"title"`
	Document
	Original string `json:"original,omitempty"` // the official number of the invoice that a red letter reverses
	Remark   string `json:"remark,omitempty"`
}

// Answer is how a document stands.
type Answer struct {
	Outcome  Outcome        `json:"outcome"`
	Official string         `json:"official,omitempty"` // its number
	Hash     string         `json:"hash,omitempty"`     // SHA-256 of its file
	Link     string         `json:"link,omitempty"`     // to it
	Tax      platform.Money `json:"tax,omitzero"`       // its totals
	Gross    platform.Money `json:"gross,omitzero"`
	Reason   string         `json:"reason,omitempty"` // of a refusal, a code
	Until    time.Time      `json:"until,omitzero"`   // when a confirmation lapses
}

// Outcome is what became of a document.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Waiting Outcome = "waiting" // for the other side's confirmation
	Lapsed  Outcome = "lapsed"  // which did not come in time
	Refused Outcome = "refused" // nothing was issued
	Working Outcome = "working" // not yet known
	Absent  Outcome = "absent"  // it never arrived
)

// issue hands a document over. What cannot be understood is unknown.
func (s *Service) issue(ctx context.Context, id platform.ID, p Paper) (Answer, bool) {
	text, err := json.Marshal(p)
	if err != nil {
		return Answer{Outcome: Refused, Reason: "invoice.document"}, true
	}
	call, cancel := context.WithTimeout(ctx, s.terms.Call)
	defer cancel()
	return read(s.ports.Invoicer.Issue(call, string(id), text))
}

// lookup asks how a document stands.
func (s *Service) lookup(ctx context.Context, id platform.ID) (Answer, bool) {
	call, cancel := context.WithTimeout(ctx, s.terms.Call)
	defer cancel()
	return read(s.ports.Invoicer.Lookup(call, string(id)))
}

func read(text json.RawMessage, err error) (a Answer, known bool) {
	if err != nil || json.Unmarshal(text, &a) != nil {
		return Answer{}, false
	}
	return a, true
}

// title opens the title of an invoice.
func (s *Service) title(ctx context.Context, v Invoice) (Title, error) {
	t := Title{Company: v.Company}
	for field, part := range map[string]struct {
		sealed platform.Sealed
		plain  *string
	}{"title": {v.Title, &t.Name}, "tax_id": {v.TaxID, &t.TaxID}} {
		if part.sealed == nil {
			continue
		}
		plain, err := s.ports.Opener.Open(ctx, v.place(field), part.sealed)
		if err != nil {
			return Title{}, fmt.Errorf("open the %s of %s: %w", field, v.ID, err)
		}
		*part.plain = plain
	}
	return t, nil
}

// place is where a personal field of the invoice is kept: it is the buyer's.
func (v Invoice) place(field string) platform.Place {
	subject := platform.Ref{Kind: "customer", ID: v.Buyer}
	if v.Kind != ForService {
		subject.Kind = "merchant"
	}
	return platform.Place{Subject: subject, Record: v.Ref(), Field: field}
}
