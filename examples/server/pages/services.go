package pages

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/care"
)

const (
	servicesPage = "/my/services"
	ordersPage   = "/my/orders"
)

// customers adds the pages on which a customer finds a service and orders it.
func (p pages) customers(s *edge.Server) {
	s.Handle("GET "+servicesPage, p.show("services", pages.services, platform.Customer))
	s.Handle("GET "+servicesPage+"/{id}", p.show("service", pages.service, platform.Customer))
	s.Handle("POST "+servicesPage+"/{id}/{move}", p.act(map[string]move{"place": {name: "service", read: pages.service, do: pages.place}}, platform.Customer))
}

type servicesView struct {
	Asked string
	Cards []merchant.Card
	First string
	Next  string
}

// services finds what is sold, by words in its title, text or merchant. They stand in
// the order of the catalogue, which nobody pays for and which is everybody's.
func (p pages) services(r *http.Request) (any, error) {
	in := r.URL.Query()
	v := servicesView{Asked: strings.TrimSpace(in.Get("q"))}
	cursor := in.Get("cursor")
	for range most {
		page, err := p.m.Merchants.Live(r.Context(), merchant.Filter{Cursor: cursor})
		if err != nil {
			return nil, err
		}
		for _, c := range page.Items {
			if speaksOf(c, v.Asked) {
				v.Cards = append(v.Cards, c)
			}
		}
		if cursor = page.Next; cursor == "" || len(v.Cards) > 0 {
			break
		}
	}
	v.First, v.Next = turn(servicesPage, url.Values{"q": {v.Asked}}, in.Get("cursor"), cursor)
	return v, nil
}

// speaksOf tells whether all words stand in what a card says.
func speaksOf(c merchant.Card, asked string) bool {
	text := strings.ToLower(strings.Join([]string{c.Content.Title, c.Content.Text, c.Name, c.Content.Standard.Scope}, " "))
	for word := range strings.FieldsSeq(strings.ToLower(asked)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// turn is the addresses of a list's first and next page.
func turn(path string, filter url.Values, cursor, next string) (first, following string) {
	for name, values := range filter {
		if values[0] == "" {
			filter.Del(name)
		}
	}
	if cursor != "" {
		first = path + "?" + filter.Encode()
	}
	if next != "" {
		filter.Set("cursor", next)
		following = path + "?" + filter.Encode()
	}
	return first, following
}

type serviceView struct {
	Card    merchant.Card
	Zone    *time.Location
	Policy  order.Policy
	Reviews []care.Review
	Ask     *form        // for a price
	Quote   *order.Quote // nil until it was asked for
	Place   *form
	Problem *edge.Problem // why there is no quote
}

// service reads one listing, and once it was asked for the whole price, with the form
// that orders at just this price.
func (p pages) service(r *http.Request) (any, error) {
	ctx, in := r.Context(), asked(r)
	card, err := p.m.Merchants.Show(ctx, platform.ID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	v := serviceView{Card: card, Zone: p.zone(ctx, card.Content.Zone)}
	if v.Policy, err = p.m.Orders.PolicyInForce(ctx, card.Content.CancelPolicy); err != nil {
		return nil, err
	}
	said, err := p.m.Reviews.Reviews(ctx, card.Merchant, "")
	if err != nil {
		return nil, err
	}
	v.Reviews = said.Items[:min(len(said.Items), 5)]
	at := servicesPage + "/" + url.PathEscape(string(card.Listing))
	if !in.Has("quantity") {
		v.Ask = asking(ctx, at, "quote", in, nil)
		return v, nil
	}
	want, err := wanted(card.Listing, in, v.Zone)
	var q order.Quote
	if err == nil {
		q, err = p.m.Orders.Quote(ctx, want)
	}
	v.Ask = asking(ctx, at, "quote", in, err)
	if err != nil {
		v.Problem = edge.Explain(ctx, err)
		return v, nil
	}
	v.Quote = &q
	v.Place = formFor(ctx, at, "place").with("quantity", in.Get("quantity")).with("start", in.Get("start")).with("zone", v.Zone.String()).with("total", q.Total.String())
	return v, nil
}

// wanted is what somebody would order, with what is wrong with each field.
func wanted(listing platform.ID, in url.Values, zone *time.Location) (order.Place, error) {
	n, wrong := whole(in, "quantity")
	start, untimely := moment(in, "start", zone)
	if err := both(wrong, untimely); err != nil {
		return order.Place{}, err
	}
	want := order.Place{Lines: []order.PlaceLine{{Listing: listing, Quantity: n}}, Start: start}
	if !start.IsZero() {
		want.TimeZone = zone.String()
	}
	return want, nil
}

// both are all fields that are wrong in either.
func both(a, b error) error {
	first, fields := errors.AsType[platform.FieldErrors](a)
	second, more := errors.AsType[platform.FieldErrors](b)
	if fields && more {
		return slices.Concat(first, second)
	}
	return errors.Join(a, b)
}

// place orders at the total that the page showed, by the clock that it showed.
func (p pages) place(ctx context.Context, listing platform.ID, in url.Values) (string, error) {
	zone, err := time.LoadLocation(in.Get("zone"))
	if err != nil {
		return "", errForm
	}
	want, err := wanted(listing, in, zone)
	if err != nil {
		return "", err
	}
	if want.Total, err = sum(in, "total"); err != nil {
		return "", err
	}
	want.Note = in.Get("note")
	o, err := p.m.Orders.Place(ctx, want)
	return orderPage(o.ID) + "?done=place", err
}

func orderPage(id platform.ID) string { return ordersPage + "/" + url.PathEscape(string(id)) }
