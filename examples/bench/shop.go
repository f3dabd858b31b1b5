package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/dispute"
	"github.com/liangding/platform/examples/server/edge"
	ordersroom "github.com/liangding/platform/examples/server/orders"
	"github.com/liangding/platform/examples/server/payments"
	staffroom "github.com/liangding/platform/examples/server/staff"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/staff"
	"github.com/liangding/platform/store/postgres"
)

// front is what a shop says of itself when it opens.
type front struct {
	URL      string        `json:"url"`
	Merchant platform.ID   `json:"merchant"`
	Plain    platform.ID   `json:"plain"`    // a listing that its merchant carries out alone
	Branches []platform.ID `json:"branches"` // listings of zones with members of their own
}

// price is that of everything in the shop.
const price = "180.00"

// team is how many members a zone has: as many orders as one client may have under
// way until the rooms have followed those that are done.
const team = 40

// shop is the reference server's orders on a database. Its clockwork begins when it
// is told to, so that what commands cost can be counted alone.
type shop struct {
	*market.Market

	wire  wire
	cast  market.Cast
	at    time.Time
	begun sync.Once // the clockwork
}

// openShop fills a database with a merchant and so many branches.
func openShop(ctx context.Context, dsn string, branches int) (*shop, front, error) {
	s, f := &shop{at: time.Now()}, front{}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, f, err
	}
	config.ConnConfig.Tracer = &s.wire
	config.MaxConns = max(config.MaxConns, 8)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, f, err
	}
	db, err := postgres.New(ctx, pool, market.Kinds(), nil)
	if err != nil {
		return nil, f, err
	}
	o := market.Options{}
	o.Fees.Volumes = true
	if s.Market, err = market.Open(db, &o); err != nil {
		return nil, f, err
	}
	if s.cast, err = s.Demo(ctx); err != nil {
		return nil, f, err
	}
	f.Merchant = s.cast.Merchant.ID
	if f.Plain, err = s.list(ctx, s.cast.Zone, 0); err != nil {
		return nil, f, err
	}
	f.Branches = make([]platform.ID, branches)
	failed := make([]error, branches)
	var all sync.WaitGroup
	for i := range branches {
		all.Go(func() { f.Branches[i], failed[i] = s.branch(ctx) })
	}
	all.Wait()
	return s, f, errors.Join(errors.Join(failed...), s.followed(ctx))
}

// followed waits until every room knows what has happened so far.
func (s *shop) followed(ctx context.Context) error {
	for {
		behind, err := s.DB.Backlog(ctx)
		if err != nil || behind.Fresh == 0 {
			return err
		}
		if err := s.Relay(ctx); err != nil {
			return err
		}
	}
}

// list brings a listing of a zone to the customers.
func (s *shop) list(ctx context.Context, zone platform.ID, seats int) (platform.ID, error) {
	self := platform.As(ctx, s.cast.Merchant)
	content := merchant.Content{
		Title: "Window cleaning", Text: "Both sides of up to ten windows, frames and sills included.", Unit: "visit", Price: platform.MustMoney(price, "CNY"),
		Standard: merchant.Standard{Scope: "up to ten windows", Result: "free of streaks", Warranty: "cleaned again within a week"},
		Minutes:  30, Zone: zone, Seats: seats, Proof: []string{"photo"},
	}
	if seats > 0 {
		content.Need = []string{"cleaning"}
	}
	draft, err := s.Merchants.NewDraft(self, merchant.NewDraft{Content: &content})
	if err != nil {
		return "", err
	}
	if _, err = s.Merchants.SubmitDraft(self, merchant.SubmitDraft{Revision: draft.ID}); err != nil {
		return "", err
	}
	_, err = s.Merchants.ApproveRevision(platform.As(ctx, s.cast.Operator), merchant.ApproveRevision{Revision: draft.ID})
	return draft.Listing, err
}

// branch opens a zone with a team and a listing.
func (s *shop) branch(ctx context.Context) (platform.ID, error) {
	by := platform.As(ctx, s.cast.Operator)
	zone, err := s.Staff.DraftZone(by, staff.DraftZone{Name: "Branch", TimeZone: "Asia/Shanghai"})
	if err != nil {
		return "", err
	}
	if _, err = s.Staff.PublishZone(by, staff.PublishZone{Zone: zone.ID}); err != nil {
		return "", err
	}
	for range team {
		if err := s.hire(by, zone.ID); err != nil {
			return "", err
		}
	}
	return s.list(ctx, zone.ID, 1)
}

func (s *shop) hire(by context.Context, zone platform.ID) error {
	m, err := s.Staff.Hire(by, staff.Hire{Name: "Member", Zone: zone})
	if err != nil {
		return err
	}
	if _, err = s.Staff.Grant(by, staff.Grant{Member: m.ID, Code: "cleaning", Level: 3, From: s.at.Add(-time.Hour)}); err != nil {
		return err
	}
	if _, err = s.Staff.Activate(by, staff.Activate{Member: m.ID}); err != nil {
		return err
	}
	day := func(days int) staff.Day { return staff.Day(s.at.AddDate(0, 0, days).Format(time.DateOnly)) }
	always := []staff.Shift{{Starts: "00:00", Ends: "12:00", First: day(-2), Until: day(30)}, {Starts: "12:00", Ends: "00:00", First: day(-2), Until: day(30)}}
	_, err = s.Staff.Publish(by, staff.Publish{Member: m.ID, Shifts: always})
	return err
}

// handler is the API, with what the load program counts beside it.
func (s *shop) handler(ctx context.Context) http.Handler {
	e := edge.New(edge.Options{Who: s.who, CommandsPerMinute: -1, ReadsPerMinute: -1})
	ordersroom.Mount(ctx, e.API, s.Market)
	payments.Mount(e.API, s.Market)
	dispute.Mount(e.API, s.Market)
	staffroom.Mount(e.API, s.Market)
	mux := http.NewServeMux()
	mux.Handle("/", e.HTTP("").Handler)
	mux.HandleFunc("/bench/wire", func(w http.ResponseWriter, _ *http.Request) { say(w, s.wire.read()) })
	mux.HandleFunc("/bench/begin", func(w http.ResponseWriter, _ *http.Request) {
		s.begun.Do(func() {
			go platform.Run(ctx, platform.Running{Every: 200 * time.Millisecond}, relay{s.Market})
			go platform.Run(ctx, platform.Running{}, s.Market, s.Sandbox)
		})
		say(w, s.wire.read())
	})
	mux.HandleFunc("/bench/happened", func(w http.ResponseWriter, r *http.Request) {
		n, err := s.happened(r.Context(), platform.ID(r.FormValue("order")), r.FormValue("type"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		say(w, n)
	})
	mux.HandleFunc("/bench/charged", func(w http.ResponseWriter, _ *http.Request) {
		totals, err := s.Sandbox.Totals(s.cast.Price.Currency())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		say(w, totals.Charged.Minor())
	})
	return mux
}

func say(w http.ResponseWriter, figure any) { _ = json.NewEncoder(w).Encode(figure) }

// happened counts the events of a type on an order.
func (s *shop) happened(ctx context.Context, id platform.ID, what string) (n int, err error) {
	page, err := platform.List[platform.Event](ctx, s.DB, platform.Query{
		Kind: "event", By: []string{"subject", "id"}, Equal: []any{platform.Ref{Kind: "order", ID: id}}, Limit: 500,
	})
	for _, e := range page.Items {
		if e.Type == what {
			n++
		}
	}
	return n, err
}

// who believes everybody: the shop listens on loopback, for one program.
func (s *shop) who(r *http.Request) (platform.Actor, bool) {
	kind, id, found := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), "/")
	if kind == string(platform.Operator) {
		return s.cast.Operator, true
	}
	known := slices.Contains([]platform.ActorKind{platform.Customer, platform.Merchant, platform.Staff}, platform.ActorKind(kind))
	return platform.Actor{ID: platform.ID(id), Kind: platform.ActorKind(kind)}, found && known
}

// relay hands events on soon after they happened.
type relay struct{ *market.Market }

// Tick implements [platform.Ticker].
func (r relay) Tick(ctx context.Context, _ time.Time, _ int) (int, error) { return 0, r.Relay(ctx) }

// runShop opens a shop in a process of its own, says where it is, and serves until its
// input ends.
func runShop(ctx context.Context, dsn string, branches int, in io.Reader, out io.Writer) (err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s, f, err := openShop(ctx, dsn, branches)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(), s.DB.Close()) }()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	f.URL = "http://" + listener.Addr().String()
	server := &http.Server{Handler: s.handler(ctx), ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, string(text)); err != nil {
		return err
	}
	go func() {
		_, _ = bufio.NewReader(in).ReadString('\n')
		stop()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
