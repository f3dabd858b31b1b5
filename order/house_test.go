package order_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store/memory"
)

var (
	noon    = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	nextDay = noon.Add(24 * time.Hour)

	customer = platform.Actor{ID: platform.NewID("cus", noon, 1, 1), Kind: platform.Customer}
	stranger = platform.Actor{ID: platform.NewID("cus", noon, 1, 2), Kind: platform.Customer}
	merchant = platform.Actor{ID: platform.NewID("mer", noon, 1, 3), Kind: platform.Merchant}
	rival    = platform.Actor{ID: platform.NewID("mer", noon, 1, 4), Kind: platform.Merchant}
	member   = platform.Actor{ID: platform.NewID("stf", noon, 1, 5), Kind: platform.Staff}
	operator = platform.Actor{ID: platform.NewID("opr", noon, 1, 6), Kind: platform.Operator}
	second   = platform.Actor{ID: platform.NewID("opr", noon, 1, 7), Kind: platform.Operator}
	auditor  = platform.Actor{ID: platform.NewID("aud", noon, 1, 8), Kind: platform.Auditor}
)

func cny(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }

func as(who platform.Actor) context.Context { return platform.As(context.Background(), who) }

// house is a marketplace with one shelf, one till and real books, all in one
// memory store.
type house struct {
	t       testing.TB
	db      *counted
	clock   *clock
	w       platform.Writer
	store   order.Store
	ports   order.Ports
	orders  *order.Service
	payable order.Payable
	seats   order.Seats
	till    *till
	screen  *screen
}

// counted tells how often was committed.
type counted struct {
	*memory.DB
	commits atomic.Int64
}

func (c *counted) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	r, err := c.DB.Commit(ctx, set)
	if err == nil {
		c.commits.Add(1)
	}
	return r, err
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	return c.at
}

func open(t testing.TB, opts *order.Options) *house {
	t.Helper()
	kinds := append(order.Kinds(), shelfKind, postingKind, holdKind)
	db := &counted{DB: memory.New(kinds, nil)}
	t.Cleanup(func() { _ = db.Close() })
	h := &house{t: t, db: db, clock: &clock{at: noon}, till: &till{}, screen: &screen{outcome: "allow"}}
	h.w = platform.Writer{Store: db, Now: h.clock.now}.Ready()
	h.store = order.StoreOn(db)
	books := ledger{db}
	h.ports = order.Ports{
		Catalogue: shelf{db}, Parties: standing{rival.ID}, Payments: h.till, Books: books, Fees: tenPercent{},
		Staffing: released{}, Screen: h.screen, Sealer: sealer{},
	}
	h.orders = order.New(h.w, h.store, h.ports, opts)
	h.payable = order.Payable{Store: h.store, Books: books}
	h.seats = order.Seats{Store: h.store}
	return h
}

// listed is a listing of the test's shelf: terms as a catalogue hands them out.
type listed struct {
	platform.Head
	Live  bool           `json:"live" class:"public"`
	Terms map[string]any `json:"terms" class:"public"`
}

func (l listed) Ref() platform.Ref { return platform.Ref{Kind: "listing", ID: l.ID} }

var shelfKind = platform.Shape[listed]{Name: "listing", Prefix: "lst"}.Kind()

type shelf struct{ db platform.DB }

var errNotLive = platform.Err(platform.ErrState, "merchant.listing_not_live", "the listing is not live", "未上架")

func (s shelf) Pin(ctx context.Context, _ time.Time, listings ...platform.ID) (terms []json.RawMessage, checks []platform.Change, err error) {
	all, err := platform.ReadAll[listed](ctx, s.db, "listing", listings...)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range all {
		if !l.Live {
			return nil, nil, platform.Detail(errNotLive, "listing", l.ID)
		}
		doc, err := json.Marshal(l.Terms)
		if err != nil {
			return nil, nil, err
		}
		terms, checks = append(terms, doc), append(checks, platform.Unchanged(l))
	}
	return terms, checks, nil
}

type shelve struct{ Listing platform.ID }

// list puts a listing of 100.00 on the shelf, changed by what the test is about.
func (h *house) list(change func(map[string]any)) platform.ID {
	h.t.Helper()
	id := h.w.NewRoot(as(merchant), "lst")
	terms := map[string]any{
		"listing": id, "revision": id.As("rev"), "merchant": merchant.ID, "title": "Deep clean", "unit": "visit", "price": cny("100.00"),
		"seats": 0, "confirmation": "auto", "acceptance": "customer", "proof": []string{}, "need": []string{}, "minutes": 60, "cancel_policy": "standard",
	}
	if change != nil {
		change(terms)
	}
	h.shelve(listed{Head: platform.Head{ID: id}, Live: true, Terms: terms})
	return id
}

func (h *house) shelve(l listed) {
	h.t.Helper()
	_, err := platform.Update(as(merchant), h.w, shelve{l.ID}, func(context.Context) (listed, []platform.Change, error) {
		return l, []platform.Change{platform.Put(l), platform.Happened("listing.shelved", l.Ref(), nil)}, nil
	})
	require.NoError(h.t, err)
}

func (h *house) takeDown(listing platform.ID) {
	h.t.Helper()
	l, err := platform.Read[listed](context.Background(), h.db, "listing", listing)
	require.NoError(h.t, err)
	l.Live = false
	h.shelve(l)
}

func (h *house) reprice(listing platform.ID, price string) {
	h.t.Helper()
	l, err := platform.Read[listed](context.Background(), h.db, "listing", listing)
	require.NoError(h.t, err)
	l.Terms["price"] = cny(price)
	h.shelve(l)
}

// standing lets every merchant sell but one.
type standing struct{ suspended platform.ID }

var errNotActive = platform.Err(platform.ErrState, "merchant.not_active", "the merchant is not active", "商家停业")

func (s standing) May(_ context.Context, party platform.ID, _ string, _ time.Time) ([]platform.Change, error) {
	if party == s.suspended {
		return nil, errNotActive
	}
	return nil, nil
}

// tenPercent takes a tenth of services and nothing of extras.
type tenPercent struct{}

func (tenPercent) Quote(_ context.Context, _ platform.ID, _ time.Time, lines []platform.Leg, _ []json.RawMessage) (json.RawMessage, []platform.Change, error) {
	s := stated{Version: "ten-1"}
	for i, l := range lines {
		parts, err := l.Amount.Allocate(9, 1)
		if err != nil {
			return nil, nil, err
		}
		none, _ := platform.FromMinor(0, l.Amount.Currency())
		if l.Role != "service" {
			parts[1] = none
		}
		s.take("commission", "merchant", "pro_rata", part{i + 1, parts[1], none})
	}
	doc, err := json.Marshal(s)
	return doc, nil, err
}

// taxed takes of each service 10 % with 6 % tax in it, given back as the line is, 1 %
// that is kept and 1 % that is kept if the customer is at fault; and of the customer
// 3 % of the price, with 6 % tax on top.
type taxed struct{}

func (taxed) Quote(_ context.Context, _ platform.ID, _ time.Time, lines []platform.Leg, _ []json.RawMessage) (json.RawMessage, []platform.Change, error) {
	s, whole := stated{Version: "taxed-1"}, cny("0")
	for i, l := range lines {
		whole, _ = whole.Add(l.Amount)
		if l.Role != "service" {
			continue
		}
		fee, _ := l.Amount.MulRate(decimal.New(10, -2), "")
		net, _ := fee.DivRate(decimal.New(106, -2), "")
		tax, _ := fee.Sub(net)
		hundredth, _ := l.Amount.MulRate(decimal.New(1, -2), platform.Down)
		s.take("commission", "merchant", "pro_rata", part{i + 1, fee, tax})
		s.take("payment_fee", "merchant", "kept", part{i + 1, hundredth, cny("0")})
		s.take("placement", "merchant", "kept_if_customer_fault", part{i + 1, hundredth, cny("0")})
	}
	fee, _ := whole.MulRate(decimal.New(3, -2), "")
	tax, _ := fee.MulRate(decimal.New(6, -2), "")
	gross, _ := fee.Add(tax)
	s.take("service_fee", "customer", "pro_rata", part{0, gross, tax})
	doc, err := json.Marshal(s)
	return doc, nil, err
}

// stated is a statement of fees, as the order reads it.
type stated struct {
	Version string   `json:"version"`
	Charges []charge `json:"charges"`
}

type charge struct {
	Component string         `json:"component"`
	Payer     string         `json:"payer"`
	Back      string         `json:"back"`
	Amount    platform.Money `json:"amount"`
	Tax       platform.Money `json:"tax"`
	Parts     []part         `json:"parts"`
}

type part struct {
	Line   int            `json:"line"`
	Amount platform.Money `json:"amount"`
	Tax    platform.Money `json:"tax"`
}

// take adds a charge on one line.
func (s *stated) take(component, payer, back string, p part) {
	s.Charges = append(s.Charges, charge{component, payer, back, p.Amount, p.Tax, []part{p}})
}

// till asks for money and gives it back; an attempt may be under way.
type till struct {
	busy      atomic.Bool
	capturing atomic.Bool  // a capture is under way
	drawn     atomic.Int64 // asked to be captured last
	most      atomic.Int64 // the last limit
}

var errBusy = platform.Err(platform.ErrState, "payment.attempt_active", "an attempt is under way", "支付进行中")

func (*till) Ask(_ context.Context, subject platform.Ref, _ string, amount platform.Money, _ time.Time) ([]platform.Change, error) {
	return []platform.Change{platform.Happened("payment.asked", subject, amount)}, nil
}

func (p *till) Cancel(_ context.Context, subject platform.Ref) ([]platform.Change, error) {
	if p.busy.Load() {
		return nil, errBusy
	}
	return []platform.Change{platform.Happened("payment.cancelled", subject, nil)}, nil
}

func (p *till) Reduce(_ context.Context, subject platform.Ref, _ string, amount platform.Money) ([]platform.Change, error) {
	if p.busy.Load() {
		return nil, errBusy
	}
	return []platform.Change{platform.Happened("payment.reduced", subject, amount)}, nil
}

func (p *till) Hold(ctx context.Context, subject platform.Ref, purpose string, amount platform.Money, due time.Time) ([]platform.Change, error) {
	changes, err := p.Ask(ctx, subject, purpose, amount, due)
	return append(changes, platform.Happened("payment.hold_asked", subject, amount)), err
}

func (p *till) Capture(_ context.Context, subject platform.Ref, amount platform.Money, final bool, _ time.Time) ([]platform.Change, error) {
	if p.capturing.Load() {
		return nil, errBusy
	}
	p.drawn.Store(amount.Minor())
	return []platform.Change{platform.Happened("payment.capture_asked", subject, map[string]any{"amount": amount, "final": final})}, nil
}

func (p *till) Limit(_ context.Context, subject platform.Ref, amount platform.Money) ([]platform.Change, error) {
	if p.capturing.Load() {
		return nil, errBusy
	}
	p.most.Store(amount.Minor())
	return []platform.Change{platform.Happened("payment.limited", subject, amount)}, nil
}

func (*till) Return(_ context.Context, refund, _ platform.Ref, amount platform.Money, _ time.Time) ([]platform.Change, error) {
	return []platform.Change{platform.Happened("payment.return_asked", refund, amount)}, nil
}

func (*till) Withdraw(_ context.Context, refund platform.Ref, _ time.Time) ([]platform.Change, error) {
	return []platform.Change{platform.Happened("payment.return_withdrawn", refund, nil)}, nil
}

func (*till) TakeOver(_ context.Context, subject platform.Ref, _ platform.ID, amount platform.Money, _ time.Time, _ json.RawMessage) ([]platform.Change, error) {
	return []platform.Change{platform.Happened("payment.taken_over", subject, amount)}, nil
}

// released is a dispatch in which everybody can be released.
type released struct{}

func (released) Release(_ context.Context, o platform.Ref, fault string, _ time.Time) ([]platform.Change, error) {
	return []platform.Change{platform.Happened("assignment.released", o, fault)}, nil
}

func (released) TakeOver(_ context.Context, _ json.RawMessage, _ time.Time, seats ...order.Seated) (changes []platform.Change, _ error) {
	for _, s := range seats {
		changes = append(changes, platform.Happened("assignment.accepted", platform.Ref{Kind: "dispatch.assignment", ID: s.Assignment}, s.Member))
	}
	return changes, nil
}

// screen says what the test wants and notes whom it was asked about.
type screen struct {
	mu      sync.Mutex
	outcome string
	asked   []platform.Event
}

func (s *screen) Screen(_ context.Context, ev platform.Event) (string, []platform.Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, ev)
	return s.outcome, []platform.Change{platform.Happened("screen.decided", ev.Subject, s.outcome)}, nil
}

// sealer turns text into something that is not the text.
type sealer struct{}

func (sealer) Seal(_ context.Context, at platform.Place, plain string) (platform.Sealed, error) {
	return fmt.Appendf(nil, "%s/%s/%d", at.Record, at.Field, len(plain)), nil
}

func (sealer) Blind(context.Context, string, string) (string, error) { return "", nil }
