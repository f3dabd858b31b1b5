// Embed is a program with tables of its own that places an order and writes a
// row of its own in one PostgreSQL transaction: both are there, or neither is.
//
//	go run ./examples/embed postgres://user@host/database
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/staff"
	"github.com/liangding/platform/store/postgres"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: embed postgres://user@host/database")
	}
	if err := run(context.Background(), os.Args[1], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run books twice: once the caller changes its mind, once it does not.
func run(ctx context.Context, dsn string, out io.Writer) error {
	h, err := open(ctx, dsn)
	if err != nil {
		return err
	}
	defer h.close()
	_, err = h.book(ctx, "guest-1", "room 7", errors.New("the room is taken"))
	if told := h.tell(ctx, out, "rolled back", err); told != nil {
		return told
	}
	_, err = h.book(ctx, "guest-2", "room 8", nil)
	return errors.Join(err, h.tell(ctx, out, "committed", err))
}

// hotel is the program: a pool and tables of its own, in one of which the
// platform's orders are named.
type hotel struct {
	pool   *pgxpool.Pool
	db     *postgres.DB
	market *market.Market
	cast   market.Cast
}

func open(ctx context.Context, dsn string) (h *hotel, err error) {
	h = &hotel{}
	if h.pool, err = pgxpool.New(ctx, dsn); err != nil {
		return nil, errors.New("the address of the database is malformed")
	}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	if _, err = h.pool.Exec(ctx, "create table if not exists stay (room text not null, order_id text primary key)"); err != nil {
		return nil, err
	}
	if h.db, err = postgres.New(ctx, h.pool, market.Kinds(), nil); err != nil {
		return nil, err
	}
	if h.market, err = market.Open(h.db, nil); err != nil {
		return nil, err
	}
	h.cast, err = h.market.Demo(ctx)
	return h, err
}

func (h *hotel) close() {
	if h.db != nil {
		_ = h.db.Close() // leaves the pool open
	}
	h.pool.Close()
}

// book places an order and writes the row that names it, in one transaction. A
// second thought, if there is one, rolls both back.
func (h *hotel) book(ctx context.Context, key, room string, thought error) (o order.Order, err error) {
	guest := platform.WithKey(platform.As(ctx, h.cast.Customer), key)
	err = pgx.BeginFunc(ctx, h.pool, func(tx pgx.Tx) error {
		placed, err := h.orders(h.db.In(tx)).Place(guest, order.Place{
			Lines: []order.PlaceLine{{Listing: h.cast.Listing, Quantity: 1}}, Total: h.cast.Price,
		})
		if err != nil {
			return err
		}
		o = placed
		_, err = tx.Exec(ctx, "insert into stay (room, order_id) values ($1, $2) on conflict do nothing", room, string(placed.ID))
		return errors.Join(err, thought)
	})
	return o, err
}

// orders is the order service over the caller's transaction.
func (h *hotel) orders(db platform.DB) *order.Service {
	w := h.market.Writer
	w.Store = db
	merchants := merchant.StoreOn(db)
	return order.New(w, order.StoreOn(db), order.Ports{
		Catalogue: merchant.Catalogue{Store: merchants},
		Parties:   merchant.Standing{Store: merchants},
		Payments:  payment.Asks{Store: payment.StoreOn(db)},
		Books:     finance.Books{Store: finance.StoreOn(db)},
		Staffing:  dispatch.Releases{Store: dispatch.StoreOn(db), Members: staff.Members{Store: staff.StoreOn(db)}},
	}, nil)
}

// tell counts what is there now, on both sides.
func (h *hotel) tell(ctx context.Context, out io.Writer, what string, why error) error {
	var stays int
	if err := h.pool.QueryRow(ctx, "select count(*) from stay").Scan(&stays); err != nil {
		return err
	}
	orders, err := h.db.Scan(ctx, platform.Query{Kind: "order"})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %d orders, %d stays", what, len(orders.Items), stays)
	if why != nil {
		fmt.Fprintf(out, " (%s)", why)
	}
	fmt.Fprintln(out)
	return nil
}
