package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// dataset is what the files say.
type dataset struct {
	sales     []*sale // in the order of their file
	leads     []*lead
	sellers   map[string]bool
	products  map[string]string // category by id
	customers map[string]string // the person by customer id, of which each order has its own
	found     []Finding         // while reading
}

// sale is an order as the files have it.
type sale struct {
	id, customer, status                               string
	purchased, approved, carried, delivered, estimated time.Time // zero: not said
	items                                              []item
	payments                                           []transfer
	reviews                                            []review
}

type item struct {
	no              int
	product, seller string
	price, freight  platform.Money
}

type transfer struct {
	no     int
	amount platform.Money
}

type review struct {
	id    string
	score int
	text  string
	at    time.Time // zero: not said
}

type lead struct {
	id, origin string
	contact    time.Time
	seller     string    // of the deal; empty: not won
	won        time.Time // zero: not won, or no date
	deal       bool
}

// part is a file and what to do with its rows.
type part struct {
	name     string
	required bool
	columns  []string
	use      func(row)
}

// read reads all files of a directory. The files of orders, items and payments
// must be there; each other that is not is a finding.
func read(dir string, most int) (*dataset, error) {
	d := &dataset{sellers: map[string]bool{}, products: map[string]string{}, customers: map[string]string{}}
	sales, leads, reviews := map[string]*sale{}, map[string]*lead{}, map[string]bool{}
	skipped := map[string]bool{} // orders beyond most
	of := func(r row, what string) *sale {
		id, ok := r.key("order_id")
		s := sales[id]
		if ok && s == nil && !skipped[id] {
			r.note(what+".unknown_order", r.place(), id)
		}
		return s
	}
	present := map[string]bool{}
	for _, p := range []part{
		{"orders", true, []string{"order_id", "customer_id", "order_status", "order_purchase_timestamp"}, func(r row) { d.order(r, sales, skipped, most) }},
		{"order_items", true, []string{"order_id", "order_item_id", "product_id", "seller_id", "price", "freight_value"}, func(r row) { of(r, "item").item(r) }},
		{"order_payments", true, []string{"order_id", "payment_sequential", "payment_value"}, func(r row) { of(r, "payment").payment(r) }},
		{"order_reviews", false, []string{"order_id", "review_score"}, func(r row) { of(r, "review").review(r, reviews) }},
		{"sellers", false, []string{"seller_id"}, func(r row) { d.sellers[r.text("seller_id")] = true }},
		{"products", false, []string{"product_id"}, func(r row) { d.products[r.text("product_id")] = r.text("product_category_name") }},
		{"customers", false, []string{"customer_id", "customer_unique_id"}, func(r row) { d.customers[r.text("customer_id")] = r.text("customer_unique_id") }},
		{"marketing_qualified_leads", false, []string{"mql_id", "first_contact_date"}, func(r row) { d.lead(r, leads) }},
		{"closed_deals", false, []string{"mql_id", "seller_id", "won_date"}, func(r row) { d.deal(r, leads) }},
	} {
		known, err := d.part(dir, p)
		if err != nil {
			return nil, err
		}
		present[p.name] = known
	}
	d.check(present)
	return d, nil
}

func (d *dataset) part(dir string, p part) (known bool, err error) {
	t, err := openTable(dir, p.name, &d.found)
	if errors.Is(err, fs.ErrNotExist) && !p.required {
		d.note("file.missing", "olist_"+p.name+"_dataset.csv", "")
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = t.file.Close() }()
	if err := t.demand(p.columns...); err != nil {
		return false, err
	}
	return true, t.each(p.use)
}

func (d *dataset) note(code, about, detail string) {
	d.found = append(d.found, Finding{Code: code, About: about, Detail: detail})
}

func (d *dataset) order(r row, sales map[string]*sale, skipped map[string]bool, most int) {
	id, ok := r.key("order_id")
	switch {
	case !ok:
	case sales[id] != nil:
		r.note("order.duplicate", "order/"+id, r.place())
	case most > 0 && len(d.sales) >= most:
		skipped[id] = true
	default:
		s := &sale{
			id: id, customer: r.text("customer_id"), status: r.text("order_status"),
			purchased: r.moment("order_purchase_timestamp"), approved: r.moment("order_approved_at"),
			carried: r.moment("order_delivered_carrier_date"), delivered: r.moment("order_delivered_customer_date"),
			estimated: r.moment("order_estimated_delivery_date"),
		}
		sales[id], d.sales = s, append(d.sales, s)
	}
}

// ordinal is a cell that numbers the rows of an order.
func (r row) ordinal(column string) (int, bool) {
	n, err := strconv.Atoi(r.text(column))
	if err != nil {
		r.note("row.malformed", r.place(), column)
	}
	return n, err == nil
}

func (s *sale) item(r row) {
	if s == nil {
		return
	}
	no, numbered := r.ordinal("order_item_id")
	seller, sold := r.key("seller_id")
	product, made := r.key("product_id")
	price, priced := r.amount("price")
	freight, sent := r.amount("freight_value")
	if !numbered || !sold || !made || !priced || !sent {
		return
	}
	if slices.ContainsFunc(s.items, func(i item) bool { return i.no == no }) {
		r.note("item.duplicate", "order/"+s.id, r.place())
		return
	}
	s.items = append(s.items, item{no: no, product: product, seller: seller, price: price, freight: freight})
}

func (s *sale) payment(r row) {
	if s == nil {
		return
	}
	no, numbered := r.ordinal("payment_sequential")
	amount, ok := r.amount("payment_value")
	if !numbered || !ok {
		return
	}
	if slices.ContainsFunc(s.payments, func(p transfer) bool { return p.no == no }) {
		r.note("payment.duplicate", "order/"+s.id, r.place())
		return
	}
	s.payments = append(s.payments, transfer{no: no, amount: amount})
}

func (s *sale) review(r row, known map[string]bool) {
	if s == nil {
		return
	}
	score, err := strconv.Atoi(r.text("review_score"))
	if err != nil || score < 1 || score > 5 {
		r.note("review.no_score", "order/"+s.id, r.place())
		return
	}
	v := review{id: r.text("review_id"), score: score, at: r.moment("review_creation_date")}
	if v.at.IsZero() {
		r.note("review.no_date", "order/"+s.id, r.place())
		v.at = r.moment("review_answer_timestamp")
	}
	if known[v.id] {
		r.note("review.duplicate_id", "order/"+s.id, r.place())
	}
	known[v.id] = v.id != ""
	v.text = strings.TrimSpace(r.text("review_comment_title") + "\n" + r.text("review_comment_message"))
	s.reviews = append(s.reviews, v)
}

func (d *dataset) lead(r row, leads map[string]*lead) {
	id, ok := r.key("mql_id")
	if !ok {
		return
	}
	if leads[id] != nil {
		r.note("lead.duplicate", "lead/"+id, r.place())
		return
	}
	l := &lead{id: id, origin: r.text("origin"), contact: r.moment("first_contact_date")}
	if l.origin == "" {
		r.note("lead.no_origin", "lead/"+id, r.place())
	}
	leads[id], d.leads = l, append(d.leads, l)
}

func (d *dataset) deal(r row, leads map[string]*lead) {
	id, ok := r.key("mql_id")
	seller, sold := r.key("seller_id")
	if !ok || !sold {
		return
	}
	l := leads[id]
	switch {
	case l == nil:
		r.note("deal.unknown_lead", "lead/"+id, r.place())
		return
	case l.deal:
		r.note("deal.duplicate", "lead/"+id, r.place())
		return
	}
	l.deal, l.seller, l.won = true, seller, r.moment("won_date")
}

// check compares the files with each other, as far as they are there.
func (d *dataset) check(present map[string]bool) {
	for _, s := range d.sales {
		slices.SortFunc(s.items, func(a, b item) int { return cmp.Compare(a.no, b.no) })
		slices.SortFunc(s.payments, func(a, b transfer) int { return cmp.Compare(a.no, b.no) })
		about := "order/" + s.id
		if present["customers"] && d.customers[s.customer] == "" {
			d.note("customer.unknown", about, s.customer)
		}
		for _, i := range s.items {
			if _, known := d.products[i.product]; present["products"] && !known {
				d.note("item.unknown_product", about, i.product)
			}
			if present["sellers"] && !d.sellers[i.seller] {
				d.note("item.unknown_seller", about, i.seller)
			}
		}
	}
	for _, l := range d.leads {
		about := "lead/" + l.id
		switch {
		case l.contact.IsZero() && l.won.IsZero():
			d.note("lead.no_date", about, "never played")
		case l.contact.IsZero():
			d.note("lead.no_date", about, "at its deal")
		case l.deal && l.won.IsZero():
			d.note("deal.no_date", about, "at its first contact")
		case l.deal && l.won.Before(l.contact):
			d.note("lead.won_before_contact", about, fmt.Sprintf("%s before %s", l.won.Format(time.DateOnly), l.contact.Format(time.DateOnly)))
		}
	}
}

// person is who the customer of an order is.
func (d *dataset) person(s *sale) string { return cmp.Or(d.customers[s.customer], s.customer, s.id) }
