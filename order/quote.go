package order

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Catalogue knows what is on sale. merchant.Catalogue is one.
type Catalogue interface {
	// Pin returns the terms of the live revisions of listings at one moment, in
	// the order asked, each as canonical JSON (see [Terms]; with them listing,
	// revision, merchant, title, unit and price), and the checks that they hold
	// until the order commits. It refuses a listing that is not live with
	// ErrState, code merchant.listing_not_live, the listing as a detail.
	Pin(ctx context.Context, at time.Time, listings ...platform.ID) (terms []json.RawMessage, checks []platform.Change, err error)
}

// Parties knows who is in good standing. merchant.Standing is one.
type Parties interface {
	// May returns the checks under which the party has the capability at a
	// moment, or a refusal.
	May(ctx context.Context, party platform.ID, capability string, at time.Time) (checks []platform.Change, err error)
}

// Fees prices the platform's own part. fee.Quotes is one.
type Fees interface {
	// Quote returns what the platform takes of lines (the role of each is its kind,
	// the amount its own; seen is what the catalogue pinned of it, nil for an
	// extra), as JSON, and the checks that it holds until the order commits. The
	// order keeps all of the document, and reads
	//
	//	{"version": "standard-1", "charges": [{"component": "commission", "payer": "merchant", "back": "pro_rata",
	//	  "amount": …, "tax": …, "parts": [{"line": 1, "amount": …, "tax": …}]}]}
	//
	// A merchant's part is inside the amount of its line, and all of them together
	// are; what the customer pays comes on top, as a line of its own. Taxes are
	// inside their amounts. back is pro_rata, kept or kept_if_customer_fault.
	Quote(ctx context.Context, merchant platform.ID, at time.Time, lines []platform.Leg, seen []json.RawMessage) (fees json.RawMessage, checks []platform.Change, err error)
}

// Quote is what an order would cost now. Nothing is held by it.
type Quote struct {
	Merchant platform.ID    `json:"merchant"`
	Lines    []Line         `json:"lines"` // what the customer pays of the platform's fees among them; without what the merchant pays
	Total    platform.Money `json:"total"`
}

// Quote prices what would be placed; Total of the input does not count, and
// nobody need be named who asks. It is refused as [Service.Place] refuses the
// same listings.
func (s *Service) Quote(ctx context.Context, in Place) (Quote, error) {
	if wrong := in.wrong(s.options); len(wrong) > 0 {
		return Quote{}, wrong
	}
	if by, err := platform.ActorOf(ctx); err == nil && by.Tenant != s.w.Tenant {
		return Quote{}, platform.NotFound(platform.Ref{Kind: "listing", ID: in.Lines[0].Listing})
	}
	d, err := s.draft(ctx, in)
	return d.quote, err
}

// draft is an order that is priced and not yet decided.
type draft struct {
	at      time.Time
	quote   Quote
	terms   Terms
	fees    [][]Part          // of the quote's lines
	version string            // of the fee schedule
	policy  int               // version of the cancellation policy
	stated  json.RawMessage   // what it says about them
	checks  []platform.Change // that all of it stays so
}

// draft reads everything that an order freezes, as of now.
func (s *Service) draft(ctx context.Context, in Place) (draft, error) {
	now := s.w.Now()
	pins, checks, err := s.pin(ctx, in, now)
	if err != nil {
		return draft{}, err
	}
	d, err := price(in, pins)
	if err != nil {
		return draft{}, err
	}
	standing, err := s.ports.Parties.May(ctx, d.quote.Merchant, "sell", now)
	if err != nil {
		return draft{}, fmt.Errorf("order from %s: %w", d.quote.Merchant, err)
	}
	d, pinned, err := s.charge(ctx, d, now)
	if err != nil {
		return draft{}, err
	}
	policy, err := s.inForce(ctx, d.terms.CancelPolicy, now)
	if err != nil {
		return draft{}, err
	}
	d.policy = policy.Version
	d.at, d.checks = now, slices.Concat(checks, standing, pinned)
	return d, nil
}

// pin asks the catalogue once for all listings of the lines.
func (s *Service) pin(ctx context.Context, in Place, at time.Time) (map[platform.ID]pin, []platform.Change, error) {
	var listings []platform.ID
	for _, line := range in.Lines {
		if !slices.Contains(listings, line.Listing) {
			listings = append(listings, line.Listing)
		}
	}
	docs, checks, err := s.ports.Catalogue.Pin(ctx, at, listings...)
	if platform.Code(err) == "merchant.listing_not_live" {
		err = platform.Detail(errListing, "listing", platform.Details(err)["listing"])
	}
	if err == nil && len(docs) != len(listings) {
		err = fmt.Errorf("%d terms for %d listings: %w", len(docs), len(listings), errTerms)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("pin listings: %w", err)
	}
	pins := make(map[platform.ID]pin, len(listings))
	for i, listing := range listings {
		if pins[listing], err = readPin(listing, docs[i]); err != nil {
			return nil, nil, err
		}
	}
	return pins, checks, nil
}

// price makes the lines of an order, all of one merchant and one currency, and
// their total.
func price(in Place, pins map[platform.ID]pin) (draft, error) {
	first := pins[in.Lines[0].Listing]
	d := draft{quote: Quote{Merchant: first.Merchant, Total: plus(first.Price, first.Price.Neg())}}
	for i, ask := range in.Lines {
		p := pins[ask.Listing]
		if p.Merchant != first.Merchant {
			return draft{}, platform.Wrong(path("lines", i, "listing"), errMerchants)
		}
		amount, err := times(p.Price, ask.Quantity)
		if err != nil {
			return draft{}, platform.Wrong(path("lines", i, "quantity"), err)
		}
		if d.terms, err = d.terms.and(p.Terms, ask.Quantity); err != nil {
			return draft{}, platform.Wrong(path("lines", i, "listing"), err)
		}
		err = d.quote.add(Line{
			Kind: "service", Listing: p.Listing, Revision: p.Revision, Title: p.Title, Unit: p.Unit,
			Quantity: ask.Quantity, Price: p.Price, Amount: amount, Seen: p.seen,
		})
		if err != nil {
			return draft{}, platform.Wrong(path("lines", i, ""), err)
		}
	}
	for i, x := range in.Extras {
		if err := d.quote.add(Line{Kind: x.Kind, Quantity: 1, Price: x.Amount, Amount: x.Amount}); err != nil {
			return draft{}, platform.Wrong(path("extras", i, "amount"), err)
		}
	}
	return d, nil
}

// add is the next line.
func (q *Quote) add(l Line) (err error) {
	l.No = len(q.Lines) + 1
	q.Lines = append(q.Lines, l)
	q.Total, err = q.Total.Add(l.Amount)
	return err
}

// times is an amount n times, exactly; n is at most 10,000, ten times what a
// rate may be.
func times(m platform.Money, n int64) (platform.Money, error) {
	tens, err := m.MulRate(decimal.NewFromInt(n/10), platform.Down)
	if err != nil {
		return platform.Money{}, err
	}
	if tens, err = tens.MulRate(decimal.NewFromInt(10), platform.Down); err != nil {
		return platform.Money{}, err
	}
	ones, err := m.MulRate(decimal.NewFromInt(n%10), platform.Down)
	if err != nil {
		return platform.Money{}, err
	}
	return tens.Add(ones)
}
