package pages

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/care"
	"github.com/liangding/platform/order/dispatch"
)

// parties are who has orders of their own.
var parties = []platform.ActorKind{platform.Customer, platform.Merchant}

// orders adds the pages of orders, which customer and merchant share: each sees what
// is theirs to do.
func (p pages) orders(s *edge.Server) {
	s.Handle("GET "+ordersPage, p.show("orders", pages.list, parties...))
	s.Handle("GET "+ordersPage+"/{id}", p.show("order", pages.order, parties...))
	s.Handle("GET "+ordersPage+"/{id}/cancel", p.show("cancel", pages.cancelling, parties...))
	s.Handle("GET "+ordersPage+"/{id}/change", p.show("change", pages.changing, parties...))
	s.Handle("GET "+ordersPage+"/{id}/dispute", p.show("open", pages.opening, parties...))
	s.Handle("POST "+ordersPage+"/{id}/{move}", p.act(orderMoves, parties...))
	s.Handle("GET "+disputesPage, p.show("disputes", pages.disputes, parties...))
	s.Handle("GET "+disputesPage+"/{id}", p.show("dispute", pages.dispute, parties...))
	s.Handle("POST "+disputesPage+"/{id}/{move}", p.act(disputeMoves, parties...))
}

type ordersView struct {
	State order.State // only these; empty for all
	Tabs  []order.State
	Rows  []orderRow
	First string
	Next  string
}

type orderRow struct {
	order.Order
	Zone *time.Location
}

// tabs are the states by which orders are found.
var tabs = []order.State{
	order.AwaitingPayment, order.Confirmed, order.Assigned, order.InProgress, order.Delivered, order.Rework, order.Completed, order.Closed, order.Cancelled,
}

// rows is how many orders a page has.
const rows = 20

// list reads a page of the actor's orders, the newest first.
func (p pages) list(r *http.Request) (any, error) {
	cursor, state := r.URL.Query().Get("cursor"), order.State(r.URL.Query().Get("state"))
	page, err := p.m.Orders.Orders(r.Context(), order.Query{State: state, Backward: true, Limit: rows, Cursor: cursor})
	if err != nil {
		return nil, err
	}
	v, zones := ordersView{State: state, Tabs: tabs}, map[platform.ID]*time.Location{}
	for _, o := range page.Items {
		if zones[o.Terms.Zone] == nil {
			zones[o.Terms.Zone] = p.zone(r.Context(), o.Terms.Zone)
		}
		v.Rows = append(v.Rows, orderRow{o, zoneOf(o, zones[o.Terms.Zone])})
	}
	v.First, v.Next = turn(ordersPage, url.Values{"state": {string(state)}}, cursor, page.Next)
	return v, nil
}

// zoneOf is the clock by which an order was agreed, else that of its area.
func zoneOf(o order.Order, area *time.Location) *time.Location {
	if zone, err := time.LoadLocation(o.TimeZone); err == nil && o.TimeZone != "" {
		return zone
	}
	return area
}

type orderView struct {
	Order  order.Order
	Zone   *time.Location
	Steps  []step
	Crew   []dispatch.Assignment
	Open   int // seats that nobody has yet
	Events []platform.Event
	Last   platform.ID // event that the page knows of
	Fees   []string    // what the actor is charged, in words
	Pays   []payForm
	Forms  map[string]*form // by verb
	Links  []string         // verbs with a page of their own
	Review *care.Review     // by the customer who looks
	Change *order.Change    // that is open
	Agree  bool             // it waits for whoever looks
}

// step is a stage of an order's life.
type step struct {
	Name string
	At   time.Time // zero: nobody told, or it is still to come
	Past bool
	Now  bool
}

// payForm pays what an intent still asks for.
type payForm struct {
	*form
	Intent payment.Intent
	Rest   platform.Money
}

// order reads one order of the actor's, with what can be done about it now.
func (p pages) order(r *http.Request) (any, error) {
	ctx := r.Context()
	o, err := p.m.Orders.Order(ctx, platform.ID(r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	v := &orderView{Order: o, Zone: zoneOf(o, p.zone(ctx, o.Terms.Zone)), Forms: map[string]*form{}}
	for _, read := range []func(context.Context, *orderView) error{p.crew, p.told, p.charged, p.asks, p.changes, p.moves} {
		if err := read(ctx, v); err != nil {
			return nil, err
		}
	}
	v.Steps = steps(o, v.Crew)
	return v, nil
}

// news are the events after which an order's page looks different.
var news = []string{
	"payment_awaited", "confirmed", "merchant_accepted", "expired", "declined", "staffed", "unstaffed", "started", "delivered",
	"rework_requested", "overdue", "accepted", "auto_accepted", "completed", "closed", "cancelled", "review_cleared",
}

// Types are the events that the page follows: those to come, and those that it knows.
func (v *orderView) Types() string {
	all := map[string]bool{}
	for _, what := range news {
		all["order."+what] = true
	}
	for _, e := range v.Events {
		all[e.Type] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(all)), " ")
}

// crew reads who comes.
func (p pages) crew(ctx context.Context, v *orderView) error {
	for _, s := range v.Order.Seats {
		if s.Assignment == "" {
			v.Open++
			continue
		}
		a, err := p.m.Dispatch.Assignment(ctx, s.Assignment)
		if errors.Is(err, platform.ErrNotFound) { // whoever had the seat has just left it
			v.Open++
			continue
		}
		if err != nil {
			return err
		}
		v.Crew = append(v.Crew, a)
	}
	return nil
}

// told reads what happened to the order, the oldest first. Who of the other side acted
// is not the reader's affair.
func (p pages) told(ctx context.Context, v *orderView) error {
	all, err := gather(func(cursor string) (platform.Page[platform.Event], error) {
		return platform.List[platform.Event](ctx, p.m.DB, platform.Query{Kind: "event", By: []string{"subject", "id"}, Equal: []any{v.Order.Ref()}, Cursor: cursor})
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b platform.Event) int { return a.At.Compare(b.At) })
	for i := range all {
		all[i].Actor = platform.Actor{Kind: all[i].Actor.Kind}
		v.Last = all[i].ID
	}
	v.Events = all
	return nil
}

// charged reads what the order's fees are, in words.
func (p pages) charged(ctx context.Context, v *orderView) error {
	fees, err := p.m.FeesOf(ctx, v.Order.ID, edge.Language(ctx))
	if errors.Is(err, platform.ErrNotFound) {
		return nil
	}
	v.Fees = fees.Explain
	return err
}

// methods are the ways to pay at the institution of the demo.
var methods = []string{"pm_ok", "pm_delay", "pm_timeout", "pm_decline"}

// asks reads what a customer still has to pay.
func (p pages) asks(ctx context.Context, v *orderView) error {
	by, err := platform.ActorOf(ctx)
	if err != nil || by.Kind != platform.Customer || v.Order.State.Ended() {
		return err
	}
	all, err := p.m.Payments.Intents(ctx, v.Order.Ref())
	if err != nil {
		return err
	}
	for _, i := range all {
		if !slices.Contains(payment.IntentMoves.Open(i.State, platform.Customer), "pay") || v.Order.Screening == "review" {
			continue
		}
		rest, err := i.Asked.Sub(i.Secured)
		if err != nil {
			return err
		}
		f := formFor(ctx, orderPage(v.Order.ID), "pay", methods...).about("intent", string(i.ID)).with("amount", rest.String())
		v.Pays = append(v.Pays, payForm{f, i, rest})
	}
	return nil
}

// changes reads the change that is open.
func (p pages) changes(ctx context.Context, v *orderView) error {
	if v.Order.Change == nil {
		return nil
	}
	c, err := p.m.Orders.Change(ctx, v.Order.Change.Change)
	if err != nil {
		return err
	}
	by, err := platform.ActorOf(ctx)
	if err != nil {
		return err
	}
	at := orderPage(v.Order.ID)
	v.Change, v.Agree = &c, c.State == order.ChangePriced && slices.Contains(c.Awaits, by.Kind)
	switch {
	case v.Agree:
		v.Forms["approve"] = formFor(ctx, at, "approve").with("change", string(c.ID)).with("hash", c.Hash)
		v.Forms["refuse"] = formFor(ctx, at, "refuse", refusals...).with("change", string(c.ID))
	case c.Side == by.Kind:
		v.Forms["take-back"] = formFor(ctx, at, "take-back").with("change", string(c.ID))
	}
	return nil
}

// Codes of reasons, offered to choose from; none is chosen for anybody.
var (
	refusals      = []string{"not_possible", "too_dear", "other"}
	cancelReasons = []string{"changed_mind", "wrong_order", "found_other", "too_late", "cannot_do", "other"}
	changeReasons = []string{"other_day", "more_or_less", "other"}
	reworks       = []string{"incomplete", "poor_work", "damage", "other"}
	declines      = []string{"no_capacity", "out_of_area", "other"}
)

// moves finds what whoever looks may do now: a form here, or a page of its own.
func (p pages) moves(ctx context.Context, v *orderView) error {
	by, err := platform.ActorOf(ctx)
	if err != nil {
		return err
	}
	o, at, now := v.Order, orderPage(v.Order.ID), p.m.Writer.Now()
	for _, verb := range o.Allowed(by, now) {
		switch verb {
		case "accept", "confirm", "start":
			v.Forms[verb] = formFor(ctx, at, verb)
		case "decline":
			v.Forms[verb] = formFor(ctx, at, verb, declines...)
		case "rework":
			v.Forms[verb] = formFor(ctx, at, verb, reworks...)
		case "deliver", "complete":
			if !o.StartedAt.IsZero() { // first things first
				v.Forms["deliver"] = proving(ctx, at, "deliver", o.Terms, now)
			}
		case "cancel", "change":
			v.Links = append(v.Links, verb)
		}
	}
	disputable := slices.Contains([]order.State{order.InProgress, order.Delivered, order.Rework, order.Completed}, o.State) ||
		o.Cancellation != nil && o.Cancellation.Fee.Sign() > 0 && now.Before(o.EndedAt.Add(o.Windows.Close))
	if disputable && o.Dispute == "" {
		v.Links = append(v.Links, "dispute")
	}
	if by.Kind == platform.Customer && slices.Contains([]order.State{order.Completed, order.Closed}, o.State) {
		return p.reviewing(ctx, v)
	}
	return nil
}

// reviewing offers to rate an order once, and tells how it was rated.
func (p pages) reviewing(ctx context.Context, v *orderView) error {
	said, err := platform.Read[care.Review](ctx, p.m.DB, "care.review", v.Order.ID.As("rvw"))
	if errors.Is(err, platform.ErrNotFound) {
		v.Forms["review"] = formFor(ctx, orderPage(v.Order.ID), "review", "5", "4", "3", "2", "1")
		return nil
	}
	v.Review = &said
	return err
}

// steps are the stages of an order, those that lie ahead included.
func steps(o order.Order, crew []dispatch.Assignment) (all []step) {
	all = append(all, step{Name: "placed", At: o.PlacedAt}, step{Name: "confirmed", At: o.ConfirmedAt})
	if len(o.Seats) > 0 {
		all = append(all, step{Name: "assigned", At: reached(crew, dispatch.Accepted, len(o.Seats))},
			step{Name: "en_route", At: reached(crew, dispatch.Travelling, 1)})
	}
	all = append(all, step{Name: "in_progress", At: o.StartedAt}, step{Name: "delivered", At: o.DeliveredAt}, step{Name: "completed", At: o.CompletedAt})
	last := 0
	for i, s := range all {
		if !s.At.IsZero() {
			last = i
		}
	}
	for i := range all[:last+1] {
		all[i].Past = true // a step that nobody told lies behind all the same
	}
	switch {
	case slices.Contains([]order.State{order.Cancelled, order.Declined, order.Expired, order.Closed}, o.State):
		return append(all[:last+1], step{Name: string(o.State), At: o.EndedAt, Past: true})
	case last+1 < len(all):
		all[last+1].Now = true
	}
	return all
}

// reached is when so many of a crew had come to a state; zero: not yet.
func reached(crew []dispatch.Assignment, state dispatch.State, many int) time.Time {
	var times []time.Time
	for _, a := range crew {
		for _, s := range a.Steps {
			if s.State == state {
				times = append(times, s.At)
				break
			}
		}
	}
	if len(times) < many {
		return time.Time{}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times[many-1]
}
