package pages

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispute"
	"github.com/liangding/platform/security/verification"
)

const (
	deskPage     = "/my/desk"
	listingsPage = "/my/listings"
)

// listingMoves are the forms of a merchant on what it sells.
var listingMoves = map[string]move{
	"pause":   {"listings", pages.listings, pages.pause},
	"resume":  {"listings", pages.listings, pages.resume},
	"go-live": {"listings", pages.listings, pages.goLive},
}

// merchants adds the pages of those who sell.
func (p pages) merchants(s *edge.Server) {
	s.Handle("GET "+deskPage, p.show("desk", pages.desk, platform.Merchant))
	s.Handle("GET "+listingsPage, p.show("listings", pages.listings, platform.Merchant))
	s.Handle("POST "+listingsPage+"/{id}/{move}", p.act(listingMoves, platform.Merchant))
}

// deskView is what waits for a merchant.
type deskView struct {
	Answers  []answerRow // orders that it takes or declines
	Disputes []dispute.Dispute
	Due      *verification.View // nil: nothing is asked of it
	Purses   []settlement.Purse
	More     bool // there are more orders than are shown
}

type answerRow struct {
	order.Order
	Zone  *time.Location
	Until time.Time
}

// desk reads what waits for the merchant, by its deadline.
func (p pages) desk(r *http.Request) (any, error) {
	ctx := r.Context()
	by, err := platform.ActorOf(ctx)
	if err != nil {
		return nil, err
	}
	var v deskView
	for _, read := range []func(context.Context, platform.Actor, *deskView) error{p.answers, p.turns, p.asked, p.purses} {
		if err := read(ctx, by, &v); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// answers are the orders that wait for the merchant's yes or no.
func (p pages) answers(ctx context.Context, by platform.Actor, v *deskView) error {
	page, err := p.m.Orders.Orders(ctx, order.Query{State: order.Confirmed, Limit: 200})
	if err != nil {
		return err
	}
	zones := map[platform.ID]*time.Location{}
	for _, o := range page.Items {
		if !slices.Contains(o.Allowed(by, p.m.Writer.Now()), "confirm") {
			continue
		}
		if zones[o.Terms.Zone] == nil {
			zones[o.Terms.Zone] = p.zone(ctx, o.Terms.Zone)
		}
		v.Answers = append(v.Answers, answerRow{o, zoneOf(o, zones[o.Terms.Zone]), o.Due()})
	}
	v.More = page.Next != ""
	slices.SortStableFunc(v.Answers, func(a, b answerRow) int { return a.Until.Compare(b.Until) })
	return nil
}

// turns are the disputes in which it is the merchant's turn, among its newest.
func (p pages) turns(ctx context.Context, _ platform.Actor, v *deskView) error {
	all, err := gather(func(cursor string) (platform.Page[dispute.Dispute], error) {
		return p.m.Disputes.Disputes(ctx, dispute.Query{Cursor: cursor})
	})
	v.Disputes = slices.DeleteFunc(all, func(d dispute.Dispute) bool { return d.State != dispute.MerchantTurn })
	slices.SortStableFunc(v.Disputes, func(a, b dispute.Dispute) int { return a.Deadline.Compare(b.Deadline) })
	return err
}

// asked is what the merchant has yet to prove.
func (p pages) asked(ctx context.Context, by platform.Actor, v *deskView) error {
	found, err := p.m.Verification.Standing(ctx, by.For())
	if errors.Is(err, platform.ErrNotFound) {
		return nil
	}
	v.Due = &found
	return err
}

// purses are the merchant's money in each currency.
func (p pages) purses(ctx context.Context, by platform.Actor, v *deskView) error {
	page, err := p.m.Payouts.Accounts(ctx, by.For(), "", "")
	if err != nil {
		return err
	}
	for _, a := range page.Items {
		purse, err := p.m.Payouts.Purse(ctx, a.ID)
		if err != nil {
			return err
		}
		v.Purses = append(v.Purses, purse)
	}
	return nil
}

type listingsView struct {
	Rows  []listingRow
	First string
	Next  string
}

type listingRow struct {
	merchant.Listing
	Title string
	Draft *merchant.Revision // that is prepared, reviewed, or waits to go live
	Forms []*form
}

// listings reads a page of what the merchant sells, each with its state and what can be
// done about it.
func (p pages) listings(r *http.Request) (any, error) {
	ctx, cursor := r.Context(), r.URL.Query().Get("cursor")
	page, err := p.m.Merchants.Listings(ctx, merchant.Filter{Limit: rows, Cursor: cursor})
	if err != nil {
		return nil, err
	}
	drafts, err := p.drafts(ctx, page.Items)
	if err != nil {
		return nil, err
	}
	var v listingsView
	for _, l := range page.Items {
		row := listingRow{Listing: l, Title: l.Shown.Title}
		if d, is := drafts[l.Draft]; is {
			row.Draft, row.Title = &d, cmp.Or(row.Title, d.Content.Title)
		}
		for _, verb := range l.Open(platform.Merchant) {
			verb = strings.ReplaceAll(verb, "_", "-")
			waits := row.Draft != nil && row.Draft.State == merchant.Approved
			if verb == "pause" || verb == "resume" || verb == "go-live" && waits {
				row.Forms = append(row.Forms, formFor(ctx, listingsPage+"/"+url.PathEscape(string(l.ID)), verb))
			}
		}
		v.Rows = append(v.Rows, row)
	}
	v.First, v.Next = turn(listingsPage, url.Values{}, cursor, page.Next)
	return v, nil
}

// drafts reads those of the merchant's own listings in one trip.
func (p pages) drafts(ctx context.Context, of []merchant.Listing) (map[platform.ID]merchant.Revision, error) {
	var ids []platform.ID
	for _, l := range of {
		if l.Draft != "" {
			ids = append(ids, l.Draft)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	all, err := platform.ReadAll[merchant.Revision](ctx, p.m.DB, "merchant.revision", ids...)
	found := make(map[platform.ID]merchant.Revision, len(all))
	for _, r := range all {
		found[r.ID] = r
	}
	return found, err
}

func (p pages) pause(ctx context.Context, id platform.ID, _ url.Values) (string, error) {
	_, err := p.m.Merchants.Pause(ctx, merchant.Pause{Listing: id})
	return listingsPage + "?done=pause", err
}

func (p pages) resume(ctx context.Context, id platform.ID, _ url.Values) (string, error) {
	_, err := p.m.Merchants.Resume(ctx, merchant.Resume{Listing: id})
	return listingsPage + "?done=resume", err
}

func (p pages) goLive(ctx context.Context, id platform.ID, _ url.Values) (string, error) {
	_, err := p.m.Merchants.GoLive(ctx, merchant.GoLive{Listing: id})
	return listingsPage + "?done=go-live", err
}
