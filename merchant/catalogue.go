package merchant

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Catalogue tells other domains what is sold. It writes nothing.
type Catalogue struct{ Store Store }

// Pin is what live listings promise, for an order to keep, in the order asked,
// and checks that hold the order's set to it: each listing must still be as it
// was read when it commits. All are read in one trip, so what they say together
// was true at one moment. Each of terms is JSON with sorted keys and no spaces:
// listing, revision and merchant (ids), title, unit, price, seats, confirmation,
// acceptance, proof, need, zone, minutes, cancel_policy and, where they are set,
// capture, deposit and balance. Whether the merchant
// may sell is not asked here, but of [Standing.May].
//
// It fails with [ErrNotLive], the listing and its state as details, unless each
// is live, and with ErrNotFound when there is none.
func (c Catalogue) Pin(ctx context.Context, _ time.Time, listings ...platform.ID) (terms []json.RawMessage, checks []platform.Change, err error) {
	all, err := c.Store.ListingsByID(ctx, listings...)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range all {
		if l.State != Live {
			err := platform.Detail(fmt.Errorf("pin %s: %w", l.ID, ErrNotLive), "state", string(l.State))
			return nil, nil, platform.Detail(err, "listing", l.ID)
		}
		promised, err := l.terms()
		if err != nil {
			return nil, nil, fmt.Errorf("pin %s: %w", l.ID, err)
		}
		terms, checks = append(terms, promised), append(checks, platform.Unchanged(l))
	}
	return terms, checks, nil
}

// terms are what customers see now. Maps are encoded with sorted keys.
func (l Listing) terms() (json.RawMessage, error) {
	c := l.Shown
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	said := map[string]any{
		"listing": l.ID, "revision": l.Live, "merchant": l.Merchant,
		"title": c.Title, "unit": c.Unit, "price": c.Price, "minutes": c.Minutes, "zone": c.Zone,
		"seats": c.Seats, "need": list(c.Need), "confirmation": c.Confirmation,
		"acceptance": c.Acceptance, "proof": list(c.Proof), "cancel_policy": c.CancelPolicy,
	}
	for name, set := range map[string]string{"capture": c.Capture, "balance": c.Balance} {
		if set != "" {
			said[name] = set
		}
	}
	if c.Deposit != 0 {
		said["deposit"] = c.Deposit
	}
	err := e.Encode(said)
	return bytes.TrimSpace(b.Bytes()), err
}

// list makes sure that an empty list is written as one.
func list(items []string) []string { return append([]string{}, items...) }

// Standing tells other domains what a merchant may do. It writes nothing.
type Standing struct{ Store Store }

// May returns a check that the merchant is still as it was read, which belongs
// in the set that relies on the capability: "sell" or "list". It fails as
// [Merchant.May] does, and with ErrNotFound when there is no such merchant.
func (s Standing) May(ctx context.Context, party platform.ID, capability string, _ time.Time) ([]platform.Change, error) {
	m, err := s.Store.Merchant(ctx, party)
	if err != nil {
		return nil, err
	}
	if err := m.May(capability); err != nil {
		return nil, err
	}
	return []platform.Change{platform.Unchanged(m)}, nil
}
