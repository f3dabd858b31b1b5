package console

import (
	"net/http"
	"net/url"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

// states are those of an order, in the order of its life: the filter.
var states = []order.State{
	order.AwaitingPayment, order.Confirmed, order.Assigned, order.InProgress, order.Delivered, order.Rework,
	order.Completed, order.Closed, order.Cancelled, order.Declined, order.Expired,
}

// rows is how many orders a page has.
const rows = 50

type ordersView struct {
	State order.State // only these; empty for all
	Tabs  []tab
	Rows  []orderRow
	First string // the first page; empty on it
	Next  string // empty on the last page
}

// tab is a filter with the number of its rows on this page.
type tab struct {
	State order.State
	Count int
	Here  bool
}

type orderRow struct {
	order.Order
	Zone *time.Location
}

// orders reads a page of orders, the newest first.
func (c console) orders(r *http.Request) (any, error) {
	asked := r.URL.Query()
	v := ordersView{State: order.State(asked.Get("state"))}
	page, err := c.m.Orders.Orders(r.Context(), order.Query{State: v.State, Backward: true, Limit: rows, Cursor: asked.Get("cursor")})
	if err != nil {
		return nil, err
	}
	clocks, counts := c.clocks(), map[order.State]int{}
	for _, o := range page.Items {
		counts[o.State]++
		v.Rows = append(v.Rows, orderRow{o, clocks.of(r.Context(), o)})
	}
	v.Tabs = append(v.Tabs, tab{Count: len(page.Items), Here: v.State == ""})
	for _, s := range states {
		v.Tabs = append(v.Tabs, tab{State: s, Count: counts[s], Here: v.State == s})
	}
	v.First, v.Next = turn("/console/", "state", string(v.State), asked.Get("cursor"), page.Next)
	return v, nil
}

// turn is the addresses of a list's first and next page.
func turn(path, filter, value, cursor, next string) (first, following string) {
	q := url.Values{}
	if value != "" {
		q.Set(filter, value)
	}
	if cursor != "" {
		first = path + "?" + q.Encode()
	}
	if next != "" {
		q.Set("cursor", next)
		following = path + "?" + q.Encode()
	}
	return first, following
}

// gather reads all pages of a list, or as many as a page of the console shows.
func gather[T any](read func(cursor string) (platform.Page[T], error)) (all []T, more bool, err error) {
	const most = 10
	cursor := ""
	for range most {
		page, err := read(cursor)
		if err != nil {
			return nil, false, err
		}
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all, false, nil
		}
	}
	return all, true, nil
}
