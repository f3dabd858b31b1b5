package main

import (
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/order"
)

var (
	service  = operator("service", "service")
	finances = []platform.Actor{operator("finance-1", "finance"), operator("finance-2", "finance"), operator("finance-3", "finance")}
)

// checkout is an order of the dataset under way: the orders that it became.
type checkout struct {
	*sale
	plan
	customer platform.ID
	source   Source
	orders   []placed

	tenders []tender    // payments still to be made
	attempt platform.ID // of the first tender, under way
	tries   int         // of the first tender
	late    bool        // money came when the order took none any more
}

// placed is an order of one merchant.
type placed struct {
	id, merchant platform.ID
	total, rest  platform.Money // rest is still to be paid
}

// order places an order of the dataset and plans what comes after.
func (r *replay) order(s *sale, p plan) error {
	c := &checkout{sale: s, plan: p, customer: r.customerOf(s)}
	if err := r.found(p.found); err != nil {
		return err
	}
	if err := r.place(c); err != nil {
		return err
	}
	if err := r.keep(c); err != nil {
		return err
	}
	r.tell()
	for _, v := range s.reviews {
		r.later(c, v.at, reviewRank, func() error { return r.review(c, v) })
	}
	return r.follow(c, paidStep)
}

func (r *replay) customerOf(s *sale) platform.ID {
	person := r.data.person(s)
	id, known := r.customers[person]
	if !known {
		id = r.market.Writer.NewRoot(r.ctx, "cus")
		r.customers[person] = id
	}
	return id
}

// later plans something of an order for its moment, or for now if that is over.
func (r *replay) later(c *checkout, at time.Time, rank int, do func() error) {
	if at.Before(r.clock.now) {
		at = r.clock.now
	}
	r.stream.add(at, rank, "order/"+c.id, do)
}

// follow plans a step of an order, or the next that there is.
func (r *replay) follow(c *checkout, step int) error {
	steps := []func(*checkout) error{paidStep: r.pay, startedStep: r.start, deliveredStep: r.deliver}
	for ; step <= deliveredStep; step++ {
		if at := c.at[step]; !at.IsZero() {
			r.later(c, at, orderRank, func() error { return steps[step](c) })
			return nil
		}
	}
	if c.at[paidStep].IsZero() && len(c.payments) > 0 {
		paid := Finding{Code: "payment.never_approved", About: "order/" + c.id, Amount: c.source.Paid}
		if err := r.note(paid); err != nil {
			return err
		}
	}
	if !c.cancelled.IsZero() {
		r.later(c, c.cancelled, orderRank, func() error { return r.cancel(c) })
	}
	return nil
}

// place places one order with each seller.
func (r *replay) place(c *checkout) error {
	about := "order/" + c.id
	if len(c.payments) == 0 {
		if err := r.note(Finding{Code: "order.no_payments", About: about}); err != nil {
			return err
		}
	}
	if len(c.items) == 0 {
		return r.note(Finding{Code: "order.no_items", About: about})
	}
	var sellers []string
	by := map[string][]item{}
	for _, i := range c.items {
		if by[i.seller] == nil {
			sellers = append(sellers, i.seller)
		}
		by[i.seller] = append(by[i.seller], i)
	}
	for _, id := range sellers {
		if err := r.reject(about, r.placeWith(c, id, by[id])); err != nil {
			return err
		}
	}
	return nil
}

func (r *replay) placeWith(c *checkout, seller string, items []item) error {
	by, err := r.sellerOf(seller)
	if err != nil {
		return err
	}
	in := order.Place{Checkout: c.id}
	total, freight := zero(), zero()
	for _, i := range items {
		freight = plus(freight, i.freight)
		if i.price.Sign() == 0 {
			if err := r.note(Finding{Code: "item.no_price", About: "order/" + c.id, Detail: i.product}); err != nil {
				return err
			}
			continue
		}
		listing, err := r.listing(c.sale, i, by)
		if err != nil {
			return err
		}
		if listing != "" {
			in.Lines = append(in.Lines, order.PlaceLine{Listing: listing, Quantity: 1}) // a fee is rounded for each item
			total = plus(total, i.price)
		}
	}
	if len(in.Lines) == 0 {
		return nil
	}
	if freight.Sign() > 0 {
		in.Extras, total = []order.Extra{{Kind: "freight", Amount: freight}}, plus(total, freight)
	}
	in.Total = total
	o, err := give(r, customer(c.customer), r.market.Orders.Place, in)
	if err == nil {
		c.orders = append(c.orders, placed{id: o.ID, merchant: by, total: total, rest: total})
	}
	return err
}

// plus adds amounts of the dataset, whose sums fit.
func plus(first platform.Money, more ...platform.Money) platform.Money {
	sum, err := platform.Sum(first.Currency(), append(more, first)...)
	if err != nil {
		panic(err) // an amount has at most 19 digits, and a dataset is no bank
	}
	return sum
}

// keep keeps what the platform has no field for.
func (r *replay) keep(c *checkout) error {
	s := Source{
		Head: platform.Head{ID: r.market.Writer.NewRoot(r.ctx, "src")}, Order: c.id, Status: c.status, Customer: c.customer,
		Items: len(c.items), Payments: len(c.payments), Price: zero(), Freight: zero(), Paid: zero(),
		Delivered: c.delivered, Estimated: c.estimated,
	}
	for _, i := range c.items {
		s.Price, s.Freight = plus(s.Price, i.price), plus(s.Freight, i.freight)
	}
	for _, p := range c.payments {
		s.Paid = plus(s.Paid, p.amount)
	}
	for _, o := range c.orders {
		s.Orders = append(s.Orders, o.id)
	}
	var err error
	c.source, err = give(r, platform.SystemActor("replay"), r.Keep, Keep{s})
	return err
}

// start begins the work with the hand-over to the carrier.
func (r *replay) start(c *checkout) error {
	for _, o := range c.orders {
		if _, err := give(r, seller(o.merchant), r.market.Orders.Start, order.Start{Order: o.id}); err != nil {
			return err
		}
	}
	return r.follow(c, deliveredStep)
}

// deliver hands the work over to the customer, who accepts what came.
func (r *replay) deliver(c *checkout) error {
	for _, o := range c.orders {
		if _, err := give(r, seller(o.merchant), r.market.Orders.Deliver, order.Deliver{Order: o.id}); err != nil {
			return err
		}
		if _, err := give(r, customer(c.customer), r.market.Orders.Accept, order.Accept{Order: o.id}); err != nil {
			return err
		}
		if err := r.earn(o); err != nil {
			return err
		}
	}
	if err := r.meddle(c); err != nil {
		return err
	}
	return r.follow(c, deliveredStep+1)
}

// cancel ends the orders without a fee. What was delivered is given back.
func (r *replay) cancel(c *checkout) error {
	end := r.end
	if !c.at[deliveredStep].IsZero() {
		end = r.reverse
	}
	for _, o := range c.orders {
		if err := r.reject("order/"+c.id, end(o)); err != nil {
			return err
		}
	}
	return nil
}

func (r *replay) end(o placed) error {
	_, err := give(r, service, r.market.Orders.Cancel, order.Cancel{Order: o.id, Reason: "source.canceled", Fault: order.PlatformFault})
	return err
}

// reverse gives all of an order back, as an operator asks and others approve.
func (r *replay) reverse(o placed) error {
	refund, err := give(r, service, r.market.Orders.RequestRefund, order.RequestRefund{Order: o.id, Reason: "source.canceled"})
	for _, by := range finances {
		if err != nil || refund.State != order.RefundRequested {
			return err
		}
		refund, err = give(r, by, r.market.Orders.ApproveRefund, order.ApproveRefund{Refund: refund.ID})
	}
	return err
}

// intent is the payment that an order asks for.
func (o placed) intent() platform.ID {
	return payment.IntentID(platform.Ref{Kind: "order", ID: o.id}, payment.Full)
}
