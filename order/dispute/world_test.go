package dispute_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/refund"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispute"
	"github.com/liangding/platform/store/memory"
)

var (
	noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) // a Monday

	customer = platform.Actor{ID: platform.NewID("cus", noon, 1, 1), Kind: platform.Customer}
	stranger = platform.Actor{ID: platform.NewID("cus", noon, 1, 2), Kind: platform.Customer}
	merchant = platform.Actor{ID: platform.NewID("mer", noon, 1, 3), Kind: platform.Merchant}
	member   = platform.Actor{ID: platform.NewID("stf", noon, 1, 4), Kind: platform.Staff}
	arbiter  = platform.Actor{ID: platform.NewID("opr", noon, 1, 5), Kind: platform.Operator}
	second   = platform.Actor{ID: platform.NewID("opr", noon, 1, 6), Kind: platform.Operator}
	helper   = platform.Actor{ID: platform.NewID("opr", noon, 1, 7), Kind: platform.Operator}
	cousin   = platform.Actor{ID: platform.NewID("opr", noon, 1, 8), Kind: platform.Operator}
	auditor  = platform.Actor{ID: platform.NewID("aud", noon, 1, 9), Kind: platform.Auditor}
	system   = platform.SystemActor("test")
)

func cny(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }

func as(who platform.Actor) context.Context { return platform.As(context.Background(), who) }

func money(minor int64) platform.Money {
	m, err := platform.FromMinor(minor, cny("1").Currency())
	if err != nil {
		panic(err)
	}
	return m
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

// world is disputes over real orders and real books, in one memory store; what is
// given back is a note, and the test plays the institution.
type world struct {
	*dispute.Service
	t       testing.TB
	db      *memory.DB
	clock   *clock
	w       platform.Writer
	store   order.Store
	orders  *order.Service
	payable order.Payable
	books   finance.Books
	banks   *banks
	screen  *screen
	ports   dispute.Ports
}

func newWorld(t testing.TB) *world {
	t.Helper()
	db := memory.New(append(append(order.Kinds(), dispute.Kinds()...), finance.Kinds()...), nil)
	t.Cleanup(func() { _ = db.Close() })
	v := &world{t: t, db: db, clock: &clock{at: noon}, banks: &banks{}, screen: &screen{outcome: "allow"}}
	v.start(db)
	return v
}

// start starts a process on an engine.
func (v *world) start(db platform.DB) {
	v.w = platform.Writer{Store: db, Now: v.clock.now}.Ready()
	v.store = order.StoreOn(db)
	v.books = finance.Books{Store: finance.StoreOn(db), Now: v.clock.now}
	v.payable = order.Payable{Store: v.store, Books: v.books}
	chain := refund.Chain{Books: v.books}
	v.orders = order.New(v.w, v.store, order.Ports{Catalogue: unused{}, Parties: unused{}, Payments: unused{}, Books: v.books, Sources: chain}, nil)
	desk := order.Disputes{Store: v.store, Books: v.books, Payments: unused{}, Purse: v.books, Sources: chain}
	v.ports = dispute.Ports{
		Orders: desk, Refunds: desk, Books: v.books, Sources: chain, Banks: v.banks, Screen: v.screen, Ties: ties{cousin.ID}, Sealer: sealer{},
	}
	v.Service = dispute.New(v.w, dispute.StoreOn(db), v.ports, nil)
}

type note struct{ What string }

// write commits changes of the test's own.
func (v *world) write(subject platform.Ref, changes ...platform.Change) error {
	_, err := platform.Update(as(system), v.w, note{"test"}, func(context.Context) (struct{}, []platform.Change, error) {
		return struct{}{}, append(changes, platform.Happened("test.noted", subject, nil)), nil
	})
	return err
}

var serial struct {
	sync.Mutex
	n uint64
}

func next() uint64 {
	serial.Lock()
	defer serial.Unlock()
	serial.n++
	return serial.n
}

// order is one of 100.00, a tenth of it the platform's, paid, in a state and changed
// by what the test is about; the books know it.
func (v *world) order(state order.State, change func(*order.Order)) order.Order {
	v.t.Helper()
	zero, at := cny("0"), v.clock.now()
	hours := order.Windows{Accept: 72 * time.Hour, Close: 7 * 24 * time.Hour, CloseRetry: 24 * time.Hour, Rework: 14 * 24 * time.Hour}
	o := order.Order{
		Head: platform.Head{ID: platform.NewID("ord", at, 7, next())}, State: state, Customer: customer.ID, Merchant: merchant.ID,
		PolicyVersion: 1, Screening: "allow", Windows: hours, PlacedAt: at, ConfirmedAt: at, StartedAt: at,
		Terms: order.Terms{Confirmation: "auto", Acceptance: "customer", CancelPolicy: order.Standard},
		Seats: []order.Seat{{No: 1, Member: member.ID}},
		Lines: []order.Line{{No: 1, Kind: "service", Quantity: 1, Price: cny("100"), Amount: cny("100"), Fee: cny("10"), Given: zero, FeeGiven: zero}},
		Mirrors: order.Mirrors{
			Total: cny("100"), Asked: cny("100"), Secured: cny("100"), Captured: cny("100"), Refunded: zero, Reserved: zero,
			ChargedBack: zero, Held: zero, Approved: zero, ApprovedFee: zero, Earned: zero,
		},
	}
	timer := func(name string, at time.Time) []order.Timer { return []order.Timer{{Name: name, At: at}} }
	switch state {
	case order.Delivered:
		o.FirstDeliveredAt, o.DeliveredAt, o.Timers = at, at, timer("accept", at.Add(hours.Accept))
	case order.Completed:
		o.DeliveredAt, o.CompletedAt, o.Timers, o.Earned = at, at, timer("close", at.Add(hours.Close)), cny("90")
	case order.Cancelled:
		o.EndedAt, o.Timers, o.Earned = at, timer("close", at.Add(hours.Close)), cny("27")
		o.Refunded, o.Approved = cny("70"), cny("70")
		o.Lines[0].Given, o.Lines[0].FeeGiven = cny("70"), cny("7")
		o.Cancellation = &order.Cancellation{Row: "K3", Fault: order.CustomerFault, Fee: cny("30"), Refund: cny("70"), Reason: "late"}
	}
	if change != nil {
		change(&o)
	}
	leg := func(role string, of, party platform.ID, amount string) platform.Leg {
		return platform.Leg{Role: role, Of: of, Party: party, Amount: cny(amount)}
	}
	post := func(what string, legs ...platform.Leg) []platform.Change {
		set, err := v.books.Post(as(system), what, o.Ref(), at, legs)
		require.NoError(v.t, err)
		return set
	}
	set := append(post("pay.captured", leg("clearing", "", "house", "100"), leg("escrow", o.ID, "", "-100")), platform.Put(o))
	switch state {
	case order.Completed:
		set = append(set, post("order.completed", leg("escrow", o.ID, "", "100"), leg("earning", o.ID, merchant.ID, "-90"), leg("commission", "", "", "-10"))...)
	case order.Cancelled:
		set = append(set, post("order.cancelled", leg("escrow", o.ID, "", "30"), leg("earning", o.ID, merchant.ID, "-27"), leg("cancel_fee", "", "", "-3"))...)
	}
	require.NoError(v.t, v.write(o.Ref(), set...))
	return v.read(o.ID)
}

func (v *world) read(id platform.ID) order.Order {
	v.t.Helper()
	o, err := v.store.Order(context.Background(), id)
	require.NoError(v.t, err)
	return o
}

func (v *world) again(d dispute.Dispute) dispute.Dispute {
	v.t.Helper()
	found, err := v.Dispute(as(arbiter), d.ID)
	require.NoError(v.t, err)
	return found
}

// open is a dispute of the customer's over an amount of the order.
func (v *world) open(o order.Order, amount string) dispute.Dispute {
	v.t.Helper()
	d, err := v.Open(as(customer), dispute.Open{Order: o.ID, Amount: cny(amount), Reason: "not_as_described"})
	require.NoError(v.t, err)
	return d
}

// arbitrated is one that waits for an arbiter.
func (v *world) arbitrated(o order.Order, amount string) dispute.Dispute {
	v.t.Helper()
	d := v.open(o, amount)
	v.contested(d)
	d = v.again(d)
	require.Equal(v.t, dispute.Arbitration, d.State)
	return d
}

// contested has both sides contest until the rounds are used.
func (v *world) contested(d dispute.Dispute) {
	v.t.Helper()
	for range 3 {
		for _, who := range []platform.Actor{merchant, customer} {
			_, err := v.Answer(as(who), dispute.Answer{Dispute: d.ID, Move: "contest"})
			require.NoError(v.t, err)
		}
	}
}

// decided is one in which the arbiter granted the customer so much.
func (v *world) decided(o order.Order, amount, refund string) dispute.Dispute {
	v.t.Helper()
	d, err := v.Decide(as(arbiter), dispute.Decide{Dispute: v.arbitrated(o, amount).ID, Remedy: dispute.Remedy{Refund: cny(refund), Fault: "merchant"}, Reason: "evidence"})
	require.NoError(v.t, err)
	return d
}

func (v *world) tick() error {
	_, err := v.Tick(context.Background(), v.clock.now(), 0)
	return err
}

// told is what the institution says of the refund of a dispute.
func (v *world) told(d dispute.Dispute, outcome string) error {
	r, subject := platform.Ref{Kind: "order.refund", ID: d.Refund()}, platform.Ref{Kind: "order", ID: d.Order}
	_, err := platform.Update(as(system), v.w, note{outcome}, func(ctx context.Context) (struct{}, []platform.Change, error) {
		found, err := v.store.Refund(ctx, d.Refund())
		if err != nil {
			return struct{}{}, nil, err
		}
		out := []platform.Leg{{Role: "clearing", Party: "house", Amount: found.Amount.Neg()}}
		set, err := v.payable.Returned(ctx, r, subject, outcome, out, v.clock.now())
		return struct{}{}, append(set, platform.Happened("test.told", subject, outcome)), err
	})
	return err
}

// charged has the payer's bank take back an amount of the order for good.
func (v *world) charged(o order.Order, amount string) error {
	_, err := platform.Update(as(system), v.w, note{amount}, func(ctx context.Context) (struct{}, []platform.Change, error) {
		set, err := v.payable.Disputed(ctx, o.Ref(), cny(amount), cny("0"), v.clock.now())
		return struct{}{}, append(set, platform.Happened("test.charged", o.Ref(), amount)), err
	})
	return err
}

func (v *world) free(role string, of, party platform.ID) string {
	m, err := v.books.Free(as(system), role, of, party, cny("1").Currency())
	require.NoError(v.t, err)
	return m.Decimal().StringFixed(2)
}

// finished runs the clock of a decided dispute to its end.
func (v *world) finished(d dispute.Dispute) dispute.Dispute {
	v.t.Helper()
	v.clock.pass(8 * 24 * time.Hour)
	require.NoError(v.t, v.tick())
	if _, err := v.store.Refund(context.Background(), d.Refund()); err == nil {
		require.NoError(v.t, v.told(d, "succeeded"))
	}
	v.clock.pass(time.Hour)
	require.NoError(v.t, v.tick())
	return v.again(d)
}

// proved is what Verify finds.
func (v *world) proved() (wrong []dispute.Discrepancy) {
	v.t.Helper()
	for d, err := range dispute.Verify(as(system), v.db, v.ports.Orders) {
		require.NoError(v.t, err)
		wrong = append(wrong, d)
	}
	return wrong
}

func asFields(err error, into *platform.FieldErrors) bool { return errors.As(err, into) }

// unused are ports of the orders that these tests do not need.
type unused struct{}

func (unused) Pin(context.Context, time.Time, ...platform.ID) ([]json.RawMessage, []platform.Change, error) {
	return nil, nil, platform.ErrUnavailable
}

func (unused) May(context.Context, platform.ID, string, time.Time) ([]platform.Change, error) {
	return nil, nil
}

func (unused) Ask(context.Context, platform.Ref, string, platform.Money, time.Time) ([]platform.Change, error) {
	return nil, platform.ErrUnavailable
}

func (unused) Reduce(context.Context, platform.Ref, string, platform.Money) ([]platform.Change, error) {
	return nil, platform.ErrUnavailable
}

func (unused) Cancel(context.Context, platform.Ref) ([]platform.Change, error) { return nil, nil }

func (unused) Return(_ context.Context, refund, _ platform.Ref, amount platform.Money, _ time.Time) ([]platform.Change, error) {
	return []platform.Change{platform.Happened("payment.return_asked", refund, amount)}, nil
}

func (unused) Withdraw(context.Context, platform.Ref, time.Time) ([]platform.Change, error) {
	return nil, nil
}

func (unused) TakeOver(context.Context, platform.Ref, platform.ID, platform.Money, time.Time, json.RawMessage) ([]platform.Change, error) {
	return nil, platform.ErrUnavailable
}

// banks are chargebacks that are open, or not.
type banks struct {
	mu   sync.Mutex
	open bool
}

func (b *banks) set(open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = open
}

func (b *banks) Open(context.Context, platform.ID) (bool, []platform.Change, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open, nil, nil
}

func (b *banks) Chargeback(_ context.Context, id platform.ID) (json.RawMessage, error) {
	return json.Marshal(dispute.Dispute{Head: platform.Head{ID: id}, Kind: "chargeback", State: dispute.BankTurn, Amount: cny("40")})
}

func (b *banks) Chargebacks(ctx context.Context, _, _ string) ([]json.RawMessage, string, error) {
	doc, err := b.Chargeback(ctx, platform.NewID("cbk", noon, 7, 1))
	return []json.RawMessage{doc}, "", err
}

type screen struct{ outcome string }

func (s *screen) Screen(_ context.Context, ev platform.Event) (string, []platform.Change, error) {
	return s.outcome, []platform.Change{platform.Happened("screen.decided", ev.Subject, s.outcome)}, nil
}

// ties has one operator who is close to everybody.
type ties struct{ to platform.ID }

func (t ties) Untied(_ context.Context, who platform.ID, _ ...platform.ID) ([]platform.Change, error) {
	if who == t.to {
		return nil, platform.ErrDenied
	}
	return nil, nil
}

// sealer turns text into something that is not the text.
type sealer struct{}

func (sealer) Seal(_ context.Context, at platform.Place, plain string) (platform.Sealed, error) {
	return fmt.Appendf(nil, "%s/%s/%d", at.Subject, at.Record, len(plain)), nil
}

func (sealer) Blind(context.Context, string, string) (string, error) { return "", nil }
