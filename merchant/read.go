package merchant

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Filter says which records a page lists. The zero Filter is the first page of
// all that the actor may see.
type Filter struct {
	Merchant platform.ID // of listings; "" is any
	State    State       // "" is any
	Limit    int         // rows; 0 is 50, at most 500
	Cursor   string      // Next of the page before
}

// query is the filter on the index by state, or by a column and the state.
func (f Filter) query(column string, value platform.ID) platform.Query {
	q := platform.Query{By: []string{"state"}, Limit: f.Limit, Cursor: f.Cursor}
	if value != "" {
		q.By, q.Equal = []string{column, "state"}, []any{value}
	}
	if f.State != "" {
		q.Equal = append(q.Equal, f.State)
	}
	return q
}

// Application is one application: the actor's own, or any for an operator.
func (s *Service) Application(ctx context.Context, id platform.ID) (Application, error) {
	a, _, err := s.application(ctx, id)
	return a, err
}

// Applications lists applications by state, oldest first in each: an operator's
// queue is State [InReview]. A merchant sees those that it made itself.
func (s *Service) Applications(ctx context.Context, f Filter) (platform.Page[Application], error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return platform.Page[Application]{}, err
	}
	var applicant platform.ID
	switch {
	case by.Kind == platform.Merchant:
		applicant = by.For()
	case !overseer(by):
		return platform.Page[Application]{}, fmt.Errorf("list applications: %w", errReader)
	}
	return s.store.Applications(ctx, f.query("applicant", applicant))
}

// Merchant is one merchant: the actor's own, or any for an operator.
func (s *Service) Merchant(ctx context.Context, id platform.ID) (Merchant, error) {
	m, _, err := s.merchant(ctx, id)
	return m, err
}

// Merchants lists merchants by state, for operators and auditors.
func (s *Service) Merchants(ctx context.Context, f Filter) (platform.Page[Merchant], error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return platform.Page[Merchant]{}, err
	}
	if !overseer(by) {
		return platform.Page[Merchant]{}, fmt.Errorf("list merchants: %w", errReader)
	}
	return s.store.Merchants(ctx, f.query("", ""))
}

// Agreement is one agreement with the text that it is about: the actor's own,
// or any for an operator. A text whose version is no longer among the Options
// is left zero.
func (s *Service) Agreement(ctx context.Context, id platform.ID) (Agreement, Template, error) {
	g, _, _, err := s.agreement(ctx, id)
	if err != nil {
		return Agreement{}, Template{}, err
	}
	for _, t := range s.opts.Templates {
		if t.Hash() == g.Hash {
			return g, t, nil
		}
	}
	return g, Template{}, nil
}

// Listing is one listing: the actor's own, or any for an operator. Customers
// read [Service.Show].
func (s *Service) Listing(ctx context.Context, id platform.ID) (Listing, error) {
	l, _, err := s.listing(ctx, id)
	return l, err
}

// Listings lists a merchant's listings by state, or for an operator who names
// no merchant, everybody's.
func (s *Service) Listings(ctx context.Context, f Filter) (platform.Page[Listing], error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return platform.Page[Listing]{}, err
	}
	switch {
	case by.Kind == platform.Merchant:
		f.Merchant = by.For()
	case !overseer(by):
		return platform.Page[Listing]{}, fmt.Errorf("list listings: %w", errReader)
	}
	return s.store.Listings(ctx, f.query("merchant", f.Merchant))
}

// Queue lists the listings whose draft waits for a reviewer, longest first, for
// operators and auditors.
func (s *Service) Queue(ctx context.Context, f Filter) (platform.Page[Listing], error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return platform.Page[Listing]{}, err
	}
	if !overseer(by) {
		return platform.Page[Listing]{}, fmt.Errorf("list drafts: %w", errReader)
	}
	return s.store.Listings(ctx, platform.Query{By: []string{"queued"}, Limit: f.Limit, Cursor: f.Cursor})
}

// Revision is one revision: the actor's own, or any for an operator.
func (s *Service) Revision(ctx context.Context, id platform.ID) (Revision, error) {
	r, _, _, err := s.revision(ctx, id)
	return r, err
}

// Card is what everybody may see of a live listing.
type Card struct {
	Listing  platform.ID    `json:"listing"`
	Revision platform.ID    `json:"revision"`
	Merchant platform.ID    `json:"merchant"`
	Name     string         `json:"name"` // of the merchant
	Content  Content        `json:"content"`
	Lowest   platform.Money `json:"lowest"` // price of the last 30 days
}

func (l Listing) card(m Merchant, now time.Time) Card {
	return Card{Listing: l.ID, Revision: l.Live, Merchant: m.ID, Name: m.Name, Content: l.Shown, Lowest: l.Lowest(now)}
}

// Show is a live listing, for anybody. It fails with [ErrNotLive] or
// [ErrNotActive] when it cannot be ordered.
func (s *Service) Show(ctx context.Context, listing platform.ID) (Card, error) {
	if err := s.visitor(ctx); err != nil {
		return Card{}, err
	}
	l, err := s.store.Listing(ctx, listing)
	if err != nil {
		return Card{}, err
	}
	if l.State != Live {
		return Card{}, fmt.Errorf("show %s: %w", listing, ErrNotLive)
	}
	m, err := s.store.Merchant(ctx, l.Merchant)
	if err != nil {
		return Card{}, err
	}
	if err := m.May("sell"); err != nil {
		return Card{}, fmt.Errorf("show %s: %w", listing, err)
	}
	return l.card(m, s.w.Now()), nil
}

// Live lists what can be ordered, of one merchant or of all, for anybody; the
// filter's State does not count. A page may hold fewer rows than
// its limit, since listings of merchants that are not active are left out. It
// reads the merchants on the page in one trip.
func (s *Service) Live(ctx context.Context, f Filter) (platform.Page[Card], error) {
	if err := s.visitor(ctx); err != nil {
		return platform.Page[Card]{}, err
	}
	f.State = Live
	page, err := s.store.Listings(ctx, f.query("merchant", f.Merchant))
	if err != nil {
		return platform.Page[Card]{}, err
	}
	out := platform.Page[Card]{Items: []Card{}, Next: page.Next}
	if len(page.Items) == 0 {
		return out, nil
	}
	sellers := make([]platform.ID, len(page.Items))
	for i, l := range page.Items {
		sellers[i] = l.Merchant
	}
	merchants, err := s.store.MerchantsByID(ctx, sellers...)
	if err != nil {
		return platform.Page[Card]{}, err
	}
	now := s.w.Now()
	for i, l := range page.Items {
		if m := merchants[i]; m.May("sell") == nil {
			out.Items = append(out.Items, l.card(m, now))
		}
	}
	return out, nil
}
