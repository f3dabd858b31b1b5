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

// Pin is what a live listing promises, for an order to keep, and checks that
// hold the order's set to it: the listing and its merchant must still be as they
// were read when it commits. terms is JSON with sorted keys and no spaces:
// listing, revision and merchant (ids), title, unit, price, seats, confirmation,
// acceptance, proof, need, zone, minutes and cancel_policy.
//
// It fails with [ErrNotLive] unless the listing is live, with [ErrNotActive]
// unless its merchant is active, and with ErrNotFound when there is none.
func (c Catalogue) Pin(ctx context.Context, listing platform.ID, _ time.Time) (terms json.RawMessage, checks []platform.Change, err error) {
	l, err := c.Store.Listing(ctx, listing)
	if err != nil {
		return nil, nil, err
	}
	if l.State != Live {
		return nil, nil, platform.Detail(fmt.Errorf("pin %s: %w", listing, ErrNotLive), "state", string(l.State))
	}
	m, err := c.Store.Merchant(ctx, l.Merchant)
	if err != nil {
		return nil, nil, err
	}
	if err := m.May("sell"); err != nil {
		return nil, nil, fmt.Errorf("pin %s: %w", listing, err)
	}
	if terms, err = l.terms(); err != nil {
		return nil, nil, fmt.Errorf("pin %s: %w", listing, err)
	}
	return terms, []platform.Change{platform.Unchanged(l), platform.Unchanged(m)}, nil
}

// terms are what customers see now. Maps are encoded with sorted keys.
func (l Listing) terms() (json.RawMessage, error) {
	c := l.Shown
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(map[string]any{
		"listing": l.ID, "revision": l.Live, "merchant": l.Merchant,
		"title": c.Title, "unit": c.Unit, "price": c.Price, "minutes": c.Minutes, "zone": c.Zone,
		"seats": c.Seats, "need": list(c.Need), "confirmation": c.Confirmation,
		"acceptance": c.Acceptance, "proof": list(c.Proof), "cancel_policy": c.CancelPolicy,
	})
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
