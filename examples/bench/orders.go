package main

import (
	"context"
	"encoding/json"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
)

// orders are so many orders, each made from its number alone: nothing of them is
// kept, however many there are. Each customer has forty.
type orders struct {
	size  int
	model order.Order
}

const perCustomer = 40

// dawn is when the first order was placed; the others follow by the minute.
var dawn = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// newOrders are orders like one that was placed in the demo.
func newOrders(ctx context.Context, size int) (*orders, error) {
	m, err := market.Open(memory.New(market.Kinds(), nil), &market.Options{Now: func() time.Time { return dawn }})
	if err != nil {
		return nil, err
	}
	cast, err := m.Demo(ctx)
	if err != nil {
		return nil, err
	}
	model, err := m.Orders.Place(platform.As(ctx, cast.Customer), order.Place{Lines: []order.PlaceLine{{Listing: cast.Listing, Quantity: 1}}, Total: cast.Price})
	return &orders{size: size, model: model}, err
}

// named is the id of the n-th record of a kind, always the same.
func named(prefix string, n int, at time.Time) platform.ID {
	chance := rand.New(rand.NewPCG(uint64(n), uint64(prefix[0])))
	return platform.NewID(prefix, at, platform.Slot(chance.Uint64N(4096)), chance.Uint64())
}

// customers is how many there are.
func (o *orders) customers() int { return max(1, o.size/perCustomer) }

func (o *orders) customer(n int) platform.ID { return named("cus", n, dawn) }

func (o *orders) id(n int) platform.ID { return named("ord", n, o.placed(n)) }

func (o *orders) placed(n int) time.Time { return dawn.Add(time.Duration(n) * time.Minute) }

// order is the n-th; all but the newest are closed and wait for nothing.
func (o *orders) order(n int) order.Order {
	one := o.model
	one.ID, one.Customer, one.Merchant = o.id(n), o.customer(n%o.customers()), named("mer", n%1000, dawn)
	one.PlacedAt = o.placed(n)
	if n < o.size*9/10 {
		one.State, one.EndedAt, one.Timers = order.Closed, one.PlacedAt, nil
	}
	return one
}

// lines are all orders as an archive has them.
func (o *orders) lines() iter.Seq2[store.Line, error] {
	return func(yield func(store.Line, error) bool) {
		for n := range o.size {
			one := o.order(n)
			doc, err := json.Marshal(one)
			if !yield(store.Line{Kind: "order", ID: one.ID, Version: 1, Schema: 1, Doc: doc}, err) {
				return
			}
		}
	}
}

// clerk is one caller on the orders: every so-manieth of them is its own to write.
type clerk struct {
	*orders
	db       store.Engine
	teller   *teller
	of, all  int
	versions map[int]int64 // of those it wrote
}

// pick is one of the clerk's own orders.
func (c *clerk) pick() int {
	mine := (c.size - c.of + c.all - 1) / c.all
	return c.teller.chance.IntN(mine)*c.all + c.of
}

func (c *clerk) get(ctx context.Context) (int64, error) {
	_, err := c.db.Get(ctx, platform.Ref{Kind: "order", ID: c.id(c.pick())})
	return 1, err
}

// page is the newest twenty orders of a customer.
func (c *clerk) page(ctx context.Context) (int64, error) {
	const limit = 20
	page, err := c.db.Scan(ctx, platform.Query{
		Kind: "order", By: []string{"customer", "placed_at"}, Equal: []any{c.customer(c.teller.chance.IntN(c.customers()))}, Backward: true, Limit: limit,
	})
	if err == nil {
		err = equal("rows of a page", int64(len(page.Items)), int64(min(limit, c.size)))
	}
	return 1, err
}

// sales is the counter that every commit adds to.
var sales = platform.Counter("sales", "CNY")

// commit is a command on an order: the order at its version, its own counter and one
// that everybody adds to, event and key.
func (c *clerk) commit(ctx context.Context) (int64, error) {
	n := c.pick()
	one := c.order(n)
	one.Version = max(1, c.versions[n])
	one.Generation += int(one.Version)
	t := c.teller.transfer() // its key and event
	t.event.ID, t.event.Subject, t.event.Version = platform.NewID("evt", t.At, one.ID.Slot(), c.teller.chance.Uint64()), one.Ref(), one.Version+1
	_, err := c.db.Commit(ctx, platform.Set{Key: t.key, Answer: t.answer, Changes: []platform.Change{
		platform.Put(one),
		platform.Delta(platform.Counter("paid:"+string(one.ID), "CNY"), 1, one.Ref()),
		platform.Delta(sales, 1, one.Ref()),
		{Op: platform.Append, Ref: platform.Ref{Kind: store.Event, ID: t.event.ID}, Value: t.event},
	}})
	if err == nil {
		c.versions[n] = one.Version + 1
	}
	return 1, err
}
