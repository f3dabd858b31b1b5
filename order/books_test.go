package order_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

// ledger is books that refuse what is wrong: legs that do not add up, an account
// below zero, a fact booked twice, a hold that is not there.
type ledger struct{ db platform.DB }

// posting is one booked fact, hold the legs that an approved refund set aside.
type posting struct {
	platform.Head
	What string `json:"what" class:"internal"`
}

func (p posting) Ref() platform.Ref { return platform.Ref{Kind: "posting", ID: p.ID} }

type hold struct {
	platform.Head
	Legs []platform.Leg `json:"legs" class:"internal"`
	Over bool           `json:"over" class:"internal"`
}

func (h hold) Ref() platform.Ref { return platform.Ref{Kind: "hold", ID: h.ID} }

var (
	postingKind = platform.Shape[posting]{Name: "posting", Prefix: "pst"}.Kind()
	holdKind    = platform.Shape[hold]{Name: "hold", Prefix: "hld"}.Kind()
)

var errLedger = platform.Err(platform.ErrInvalid, "ledger.wrong", "the books refuse that", "账簿拒绝")

func (l ledger) Post(ctx context.Context, what string, subject platform.Ref, _ time.Time, legs []platform.Leg) ([]platform.Change, error) {
	sum := sha256.Sum256([]byte(what + subject.String()))
	p := posting{Head: platform.Head{ID: platform.NewID("pst", time.Unix(0, 0), subject.ID.Slot(), binary.BigEndian.Uint64(sum[:8]))}, What: what}
	changes := []platform.Change{platform.Put(p)}
	held := hold{Head: platform.Head{ID: subject.ID.As("hld")}, Legs: legs}
	switch what {
	case "refund.approved":
		changes = append(changes, platform.Put(held))
	case "refund.succeeded", "refund.withdrawn":
		found, err := platform.Read[hold](ctx, l.db, "hold", held.ID)
		if err != nil || found.Over {
			return nil, fmt.Errorf("%s without a hold: %w", what, errors.Join(err, errLedger))
		}
		if what == "refund.withdrawn" {
			for _, leg := range found.Legs {
				leg.Amount = leg.Amount.Neg()
				legs = append(legs, leg)
			}
		}
		found.Over = true
		changes = append(changes, platform.Put(found))
	}
	booked, err := book(p, legs)
	return append(changes, booked...), err
}

// bottomless are the accounts without floor; every other is somebody's money.
var bottomless = []string{"clearing", "opening", "commission", "cancel_fee", "output_tax", "receivable", "compensation"}

// book adds the legs to their accounts.
func book(p posting, legs []platform.Leg) ([]platform.Change, error) {
	total := cny("0")
	var seen []string
	var changes []platform.Change
	for _, leg := range legs {
		name := account(leg.Role, leg.Of, leg.Party)
		if leg.Amount.Sign() == 0 || slices.Contains(seen, name) {
			return nil, fmt.Errorf("%s, leg on %s: %w", p.What, name, errLedger)
		}
		seen = append(seen, name)
		var err error
		if total, err = total.Add(leg.Amount); err != nil {
			return nil, err
		}
		change := platform.Delta(platform.Counter(name, "CNY"), -leg.Amount.Minor(), p.Ref())
		if !slices.Contains(bottomless, leg.Role) {
			change = change.Above(0)
		}
		changes = append(changes, change)
	}
	if total.Sign() != 0 {
		return nil, fmt.Errorf("%s is out by %s: %w", p.What, total, errLedger)
	}
	return changes, nil
}

func account(role string, of, party platform.ID) string {
	return strings.TrimRight(role+":"+string(of)+":"+string(party), ":")
}

// balance of an account, in the direction in which it is somebody's money.
func (h *house) balance(role string, of, party platform.ID) string {
	h.t.Helper()
	ref := platform.Counter(account(role, of, party), "CNY")
	c, err := platform.Read[platform.Count](context.Background(), h.db, ref.Kind, ref.ID)
	if errors.Is(err, platform.ErrNotFound) {
		return "0.00"
	}
	require.NoError(h.t, err)
	m, err := platform.FromMinor(c.Value, cny("0").Currency())
	require.NoError(h.t, err)
	return strings.TrimSuffix(m.String(), " CNY")
}

// pay captures so much of an order, as the payments do.
type pay struct {
	Order  platform.ID
	Amount platform.Money
}

func (h *house) pay(id platform.ID, amount platform.Money) error { return h.payFor(id, "full", amount) }

// payFor captures so much of what was asked for a purpose.
func (h *house) payFor(id platform.ID, purpose string, amount platform.Money) error {
	system := platform.SystemActor("payment")
	attempt := platform.Ref{Kind: "payment.attempt", ID: platform.NewID("att", h.clock.now(), id.Slot(), h.w.IDs())}
	_, err := platform.Update(platform.As(context.Background(), system), h.w, pay{id, amount}, func(ctx context.Context) (order.Order, []platform.Change, error) {
		o, err := h.store.Order(ctx, id)
		if err != nil {
			return o, nil, err
		}
		captured, err := o.Captured.Add(amount)
		if err != nil {
			return o, nil, err
		}
		changes, err := h.payable.Secured(ctx, o.Ref(), purpose, captured, captured, h.clock.now())
		if err != nil {
			return o, nil, err
		}
		legs := []platform.Leg{{Role: "clearing", Party: "sandbox", Amount: amount}, {Role: "escrow", Of: id, Amount: amount.Neg()}}
		booked, err := ledger{h.db}.Post(ctx, "pay.captured", attempt, h.clock.now(), legs)
		changes = append(append(changes, booked...), platform.Unchanged(o), platform.Happened("payment.captured", attempt, amount))
		return o, changes, err
	})
	return err
}

// tell is the institution's word on a refund.
type tell struct {
	Refund  platform.ID
	Outcome string
}

func (h *house) tell(refund platform.ID, outcome string) error {
	ctx := platform.As(context.Background(), platform.SystemActor("payment"))
	ref := platform.Ref{Kind: "order.refund", ID: refund}
	_, err := platform.Update(ctx, h.w, tell{refund, outcome}, func(ctx context.Context) (string, []platform.Change, error) {
		r, err := h.store.Refund(ctx, refund)
		if err != nil {
			return "", nil, err
		}
		var out []platform.Leg
		if outcome == "succeeded" {
			out = []platform.Leg{{Role: "clearing", Party: "sandbox", Amount: r.Amount.Neg()}}
		}
		changes, err := h.payable.Returned(ctx, ref, platform.Ref{Kind: "order", ID: r.Order}, outcome, out, h.clock.now())
		return outcome, append(changes, platform.Happened("payment.return_"+outcome, ref, nil)), err
	})
	return err
}

// fill puts the member in a seat, as the dispatch does.
type fill struct {
	Order platform.ID
	Seat  int
}

func (h *house) fill(id platform.ID, seat int, who platform.Actor) error {
	assignment := h.w.NewChild("asg", id)
	_, err := platform.Update(as(who), h.w, fill{id, seat}, func(ctx context.Context) (string, []platform.Change, error) {
		changes, err := h.seats.Fill(ctx, id, seat, assignment, who.ID, h.clock.now())
		return "", append(changes, platform.Happened("assignment.accepted", platform.Ref{Kind: "dispatch.assignment", ID: assignment}, nil)), err
	})
	return err
}

func (h *house) free(id platform.ID, seat int) error {
	_, err := platform.Update(as(operator), h.w, fill{id, -seat}, func(ctx context.Context) (string, []platform.Change, error) {
		changes, err := h.seats.Free(ctx, id, seat, "staff", h.clock.now())
		return "", append(changes, platform.Happened("assignment.released", platform.Ref{Kind: "order", ID: id}, nil)), err
	})
	return err
}

// place orders so many of a listing, at the price of the moment.
func (h *house) place(listing platform.ID, change func(*order.Place)) (order.Order, error) {
	in := order.Place{Lines: []order.PlaceLine{{Listing: listing, Quantity: 1}}}
	if change != nil {
		change(&in)
	}
	if in.Total.Absent() {
		q, err := h.orders.Quote(as(customer), in)
		if err != nil {
			return order.Order{}, err
		}
		in.Total = q.Total
	}
	return h.orders.Place(as(customer), in)
}

// placed, confirmed, delivered and completed are orders of 100.00 that far on.
func (h *house) placed(listing platform.ID) order.Order {
	h.t.Helper()
	o, err := h.place(listing, nil)
	require.NoError(h.t, err)
	return o
}

func (h *house) confirmed(listing platform.ID) order.Order {
	h.t.Helper()
	o := h.placed(listing)
	require.NoError(h.t, h.pay(o.ID, o.Total))
	return h.read(o.ID)
}

func (h *house) delivered(listing platform.ID) order.Order {
	h.t.Helper()
	o := h.confirmed(listing)
	_, err := h.orders.Start(as(merchant), order.Start{Order: o.ID})
	require.NoError(h.t, err)
	o, err = h.orders.Deliver(as(merchant), order.Deliver{Order: o.ID})
	require.NoError(h.t, err)
	return o
}

func (h *house) completed(listing platform.ID) order.Order {
	h.t.Helper()
	o := h.delivered(listing)
	o, err := h.orders.Accept(as(customer), order.Accept{Order: o.ID})
	require.NoError(h.t, err)
	return o
}

func (h *house) read(id platform.ID) order.Order {
	h.t.Helper()
	o, err := h.store.Order(context.Background(), id)
	require.NoError(h.t, err)
	return o
}

// refunds are all of an order's refunds.
func (h *house) refunds(id platform.ID) []order.Refund {
	h.t.Helper()
	var all []order.Refund
	for cursor := ""; ; {
		page, err := h.store.Refunds(context.Background(), id, cursor)
		require.NoError(h.t, err)
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}

// events are the types of what happened to the order itself.
func (h *house) events(subject platform.Ref) []platform.Event {
	h.t.Helper()
	q := platform.Query{Kind: "event", By: []string{"subject", "id"}, Equal: []any{subject}, Limit: 500}
	page, err := platform.List[platform.Event](context.Background(), h.db, q)
	require.NoError(h.t, err)
	return page.Items
}

// tick fires what is due now, until nothing is.
func (h *house) tick() int {
	h.t.Helper()
	n, err := h.orders.Tick(context.Background(), h.clock.now(), 0)
	require.NoError(h.t, err)
	return n
}
