package payment_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
	"github.com/liangding/platform/store/storetest"
)

var (
	noon     = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	payBy    = noon.Add(15 * time.Minute)
	customer = platform.Actor{ID: "cus_01kdvdna00eajs4d2pf2dbsqqg", Kind: platform.Customer}
	stranger = platform.Actor{ID: "cus_01kdvdna00eajs4d2pf2dbsqqz", Kind: platform.Customer}
	clerk    = platform.Actor{ID: "opr_01kdvdna00eajs4d2pf2dbsqqg", Kind: platform.Operator}
	auditor  = platform.Actor{ID: "opr_01kdvdna00eajs4d2pf2dbsqqz", Kind: platform.Auditor}
	price    = yuan("100.00")
	nothing  = yuan("0.00")
)

func yuan(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }

func by(actor platform.Actor) context.Context { return platform.As(context.Background(), actor) }

// sale is the subject in these tests: an order as payment sees it.
type sale struct {
	platform.Head
	State    string         `json:"state" class:"internal"` // open, confirmed, ended
	Total    platform.Money `json:"total" class:"internal"`
	Captured platform.Money `json:"captured" class:"internal"`
	Given    platform.Money `json:"given" class:"internal"`
	Back     platform.Money `json:"back,omitzero" class:"internal"`

	Contested platform.Money `json:"contested,omitzero" class:"internal"` // of Back
	Argued    bool           `json:"argued,omitempty" class:"internal"`   // somebody has opened a dispute
}

func (s sale) Ref() platform.Ref { return platform.Ref{Kind: "order", ID: s.ID} }

// giving is a refund of a sale.
type giving struct {
	platform.Head
	Sale   platform.ID    `json:"sale" class:"internal"`
	State  string         `json:"state" class:"internal"` // approved, sent, succeeded, failed, withdrawn
	Heard  []string       `json:"heard" class:"internal"`
	Amount platform.Money `json:"amount" class:"internal"`
}

func (g giving) Ref() platform.Ref { return platform.Ref{Kind: "order.refund", ID: g.ID} }

// entry keeps a fact from being posted twice, as the books do.
type entry struct {
	platform.Head
	What string `json:"what" class:"internal"`
}

func (e entry) Ref() platform.Ref { return platform.Ref{Kind: "test.entry", ID: e.ID} }

// verdictOf is a decision of the screen.
type verdictOf struct {
	platform.Head
	Outcome string `json:"outcome" class:"internal"`
}

func (v verdictOf) Ref() platform.Ref { return platform.Ref{Kind: "test.verdict", ID: v.ID} }

var errEnded = platform.Err(platform.ErrState, "order.not_payable", "the order is at an end", "订单已结束")

// ledger is books of counters: one for each account, debits positive.
type ledger struct{}

func (ledger) Post(_ context.Context, what string, subject platform.Ref, _ time.Time, legs []platform.Leg) ([]platform.Change, error) {
	sum := sha256.Sum256([]byte(what + subject.String()))
	e := entry{Head: platform.Head{ID: platform.NewID("ent", subject.ID.Time(), subject.ID.Slot(), binary.BigEndian.Uint64(sum[:]))}, What: what}
	changes := []platform.Change{platform.Put(e)}
	var total int64
	for _, l := range legs {
		total += l.Amount.Minor()
		changes = append(changes, platform.Delta(account(l), l.Amount.Minor(), e.Ref()))
	}
	if total != 0 || len(legs) < 2 {
		return nil, platform.ErrInvalid
	}
	return changes, nil
}

func account(l platform.Leg) platform.Ref {
	name := l.Role
	if l.Role == "clearing" {
		name += ":" + string(l.Party)
	}
	return platform.Counter(name, l.Amount.Currency().String())
}

// shop is the payable side of sales.
type shop struct {
	db    platform.DB
	books payment.Books // if nil, counters
}

func (s shop) Secured(ctx context.Context, subject platform.Ref, _ string, secured, captured platform.Money, _ time.Time) ([]platform.Change, error) {
	o, err := platform.Read[sale](ctx, s.db, "order", subject.ID)
	if err != nil {
		return nil, err
	}
	if o.State == "ended" {
		return nil, errEnded
	}
	enough, err := secured.Cmp(o.Total)
	if err != nil {
		return nil, err
	}
	if o.Captured = captured; enough >= 0 {
		o.State = "confirmed"
	}
	return []platform.Change{platform.Put(o)}, nil
}

func (s shop) Returned(ctx context.Context, refund, _ platform.Ref, outcome string, out []platform.Leg, at time.Time) ([]platform.Change, error) {
	g, err := platform.Read[giving](ctx, s.db, "order.refund", refund.ID)
	if err != nil {
		return nil, err
	}
	from := map[string][]string{"sent": {"approved", "failed"}, "succeeded": {"sent"}, "failed": {"sent"}}
	if !slices.Contains(from[outcome], g.State) {
		return nil, platform.Detail(errEnded, "state", g.State)
	}
	g.State, g.Heard = outcome, append(g.Heard, outcome)
	changes := []platform.Change{platform.Put(g)}
	if outcome != "succeeded" {
		return changes, nil
	}
	o, err := platform.Read[sale](ctx, s.db, "order", g.Sale)
	if err != nil {
		return nil, err
	}
	if o.Given, err = o.Given.Add(g.Amount); err != nil {
		return nil, err
	}
	of, desk := "escrow", payment.Books(ledger{})
	if s.books != nil {
		of, desk = "refund_due", s.books
	}
	books, err := desk.Post(ctx, "refund.succeeded", refund, at, append(out, platform.Leg{Role: of, Of: o.ID, Amount: g.Amount}))
	if err != nil {
		return nil, err
	}
	return append(append(changes, platform.Put(o)), books...), nil
}

// Disputed notes what payers' banks have taken back of a sale.
func (s shop) Disputed(ctx context.Context, subject platform.Ref, back, contested platform.Money, _ time.Time) ([]platform.Change, error) {
	o, err := platform.Read[sale](ctx, s.db, "order", subject.ID)
	o.Back, o.Contested = back, contested
	return []platform.Change{platform.Put(o)}, err
}

// Bear takes what is in escrow, and the rest from the platform.
func (s shop) Bear(ctx context.Context, subject platform.Ref, amount platform.Money) ([]platform.Leg, error) {
	c, err := platform.Read[platform.Count](ctx, s.db, "counter", platform.Counter("available:escrow:"+string(subject.ID), "CNY").ID)
	if err != nil && !errors.Is(err, platform.ErrNotFound) {
		return nil, err
	}
	own, err := platform.FromMinor(min(c.Value, amount.Minor()), amount.Currency())
	if err != nil {
		return nil, err
	}
	rest, err := amount.Sub(own)
	return []platform.Leg{{Role: "escrow", Of: subject.ID, Amount: own}, {Role: "chargeback_loss", Amount: rest}}, err
}

// hooked is an institution that tests step into.
type hooked struct {
	payment.Gateway
	before func(operation string, k payment.Key) (reach bool)
	after  func(operation string, k payment.Key)

	mu   sync.Mutex
	deaf bool // look-ups get no answer
}

func (h *hooked) Charge(ctx context.Context, c payment.Charge) (payment.Status, error) {
	return h.call("charge", c.Key, func() (payment.Status, error) { return h.Gateway.Charge(ctx, c) })
}

func (h *hooked) Refund(ctx context.Context, r payment.Refund) (payment.Status, error) {
	return h.call("refund", r.Key, func() (payment.Status, error) { return h.Gateway.Refund(ctx, r) })
}

func (h *hooked) Authorize(ctx context.Context, c payment.Charge) (payment.Status, error) {
	return h.call("authorize", c.Key, func() (payment.Status, error) { return h.Gateway.(payment.Authorizer).Authorize(ctx, c) })
}

func (h *hooked) Capture(ctx context.Context, c payment.Capture) (payment.Status, error) {
	return h.call("capture", c.Key, func() (payment.Status, error) { return h.Gateway.(payment.Authorizer).Capture(ctx, c) })
}

func (h *hooked) Void(ctx context.Context, c payment.Void) (payment.Status, error) {
	return h.call("void", c.Key, func() (payment.Status, error) { return h.Gateway.(payment.Authorizer).Void(ctx, c) })
}

func (h *hooked) AddReceiver(ctx context.Context, r payment.Receiver) error {
	return h.Gateway.(payment.Splitter).AddReceiver(ctx, r)
}

func (h *hooked) Split(ctx context.Context, p payment.Split) (payment.Status, error) {
	return h.call("split", p.Key, func() (payment.Status, error) { return h.Gateway.(payment.Splitter).Split(ctx, p) })
}

func (h *hooked) ReturnSplit(ctx context.Context, r payment.SplitReturn) (payment.Status, error) {
	return h.call("return", r.Key, func() (payment.Status, error) { return h.Gateway.(payment.Splitter).ReturnSplit(ctx, r) })
}

func (h *hooked) LookupSplit(ctx context.Context, p payment.Split) (payment.Status, []payment.Share, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.deaf {
		return payment.Status{}, nil, payment.ErrUnknownOutcome
	}
	return h.Gateway.(payment.Splitter).LookupSplit(ctx, p)
}

func (h *hooked) LookupReturn(ctx context.Context, r payment.SplitReturn) (payment.Status, error) {
	return h.Lookup(ctx, r.Key)
}

func (h *hooked) Apply(ctx context.Context, a payment.Application) (payment.Standing, error) {
	return h.Gateway.(payment.Onboarder).Apply(ctx, a)
}

func (h *hooked) Standing(ctx context.Context, account string) (payment.Standing, error) {
	return h.Gateway.(payment.Onboarder).Standing(ctx, account)
}

func (h *hooked) Link(ctx context.Context, account, back string) (string, error) {
	return h.Gateway.(payment.Onboarder).Link(ctx, account, back)
}

func (h *hooked) Dispute(ctx context.Context, reference string) (payment.Dispute, error) {
	return h.Gateway.(payment.Disputer).Dispute(ctx, reference)
}

func (h *hooked) Evidence(ctx context.Context, e payment.Evidence) (payment.Dispute, error) {
	var d payment.Dispute
	_, err := h.call("evidence", payment.Key(e.Dispute), func() (_ payment.Status, err error) {
		d, err = h.Gateway.(payment.Disputer).Evidence(ctx, e)
		return payment.Status{}, err
	})
	return d, err
}

func (h *hooked) Accept(ctx context.Context, reference string) (payment.Dispute, error) {
	return h.Gateway.(payment.Disputer).Accept(ctx, reference)
}

func (h *hooked) Lookup(ctx context.Context, k payment.Key) (payment.Status, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.deaf {
		return payment.Status{}, payment.ErrUnknownOutcome
	}
	return h.Gateway.Lookup(ctx, k)
}

func (h *hooked) call(operation string, k payment.Key, do func() (payment.Status, error)) (payment.Status, error) {
	if h.before != nil && !h.before(operation, k) {
		return payment.Status{}, payment.ErrUnknownOutcome
	}
	st, err := do()
	if h.after != nil {
		h.after(operation, k)
	}
	return st, err
}

// silence makes the institution leave look-ups without an answer, or no more.
func (h *hooked) silence(deaf bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deaf = deaf
}

// setup is what a world is made of; all of it has defaults.
type setup struct {
	faults  sandbox.Faults
	licence *payment.Licence
	store   func(platform.DB) platform.DB // what the service sees of the store
	screen  payment.Screen
	payouts payment.Payouts
	real    bool // the books are those of finance, not counters
	split   bool // funds mode split; with real books
	after   bool // shares are taken back after refunds
	owner   platform.ID
	seed    uint64
	tries   int
	opts    *payment.Options
}

// world is a service with two institutions, a store, a clock and sales. The
// first takes what no payer sends elsewhere.
type world struct {
	clock  *storetest.Clock
	db     *memory.DB // the store itself, behind its faults
	bank   *sandbox.Sandbox
	second *sandbox.Sandbox
	hooks  *hooked
	ids    platform.IDs
	s      *payment.Service
	asks   payment.Asks
	w      platform.Writer // of the tests' own commands
	post   func(sandbox.Letter) error
	setup  setup
}

func newWorld(set setup) *world {
	kinds := append(slices.Concat(payment.Kinds(), finance.Kinds()),
		platform.Shape[sale]{Name: "order", Prefix: "ord"}.Kind(),
		platform.Shape[giving]{Name: "order.refund", Prefix: "rfd", Root: "order", RootOf: func(g giving) platform.ID { return g.Sale }}.Kind(),
		platform.Shape[debt]{Name: "test.debt", Prefix: "deb"}.Kind(),
		platform.Shape[entry]{Name: "test.entry", Prefix: "ent"}.Kind(),
		platform.Shape[verdictOf]{Name: "test.verdict", Prefix: "ver"}.Kind(),
	)
	v := &world{clock: storetest.NewClock(noon), db: memory.New(kinds, nil), ids: storetest.IDs(1), setup: set}
	v.bank = sandbox.New(&sandbox.Options{
		Seed: set.seed + 1, Now: v.clock.Now, Faults: set.faults, Licence: set.licence, RefundFirst: set.after, Owner: set.owner,
		Deliver: func(_ context.Context, header map[string][]string, body []byte) error {
			return v.post(sandbox.Letter{Header: header, Body: body})
		},
	})
	v.second = sandbox.New(&sandbox.Options{Name: "second", Seed: 2, Now: v.clock.Now, Faults: set.faults, Licence: set.licence})
	v.hooks = &hooked{Gateway: v.bank}
	v.w = platform.Writer{Store: v.db, Now: v.clock.Now, IDs: v.ids}.Ready()
	v.asks = payment.Asks{Store: payment.StoreOn(v.db)}
	v.start(set.store)
	return v
}

// start is a new process of the service on the same store and institution.
func (v *world) start(wrap func(platform.DB) platform.DB) {
	var db platform.DB = v.db
	if wrap != nil {
		db = wrap(db)
	}
	w := platform.Writer{Store: db, Now: v.clock.Now, IDs: v.ids, Tries: v.setup.tries}
	ports := payment.Ports{Books: ledger{}, Subject: shop{db: db}, Screen: v.setup.screen, Payouts: v.setup.payouts, Gateways: []payment.Gateway{v.hooks, v.second}}
	if v.setup.real {
		books := finance.Books{Store: finance.StoreOn(db), Now: v.clock.Now}
		ports.Books, ports.Subject, ports.Bearer = books, shop{db, books}, shop{db: db}
		if v.setup.split {
			ports.Books, ports.Debts = v.splitting(db), debts{}
		}
	}
	v.s = payment.New(w, payment.StoreOn(db), ports, v.setup.opts)
}

// change is a command of these tests.
type change struct{}

func (v *world) update(actor platform.Actor, decide func(ctx context.Context) ([]platform.Change, error)) error {
	_, err := platform.Update(by(actor), v.w, change{}, func(ctx context.Context) (int, []platform.Change, error) {
		changes, err := decide(ctx)
		if err != nil {
			return 0, nil, err // changes beside an error would be committed
		}
		return 0, changes, nil
	})
	return err
}

// place asks the customer for the total of a new sale, until payBy.
func (v *world) place(total platform.Money) (sale, error) { return v.placeBy(total, payBy) }

func (v *world) placeBy(total platform.Money, due time.Time) (sale, error) {
	o := sale{Head: platform.Head{ID: v.w.NewRoot(by(customer), "ord")}, State: "open", Total: total}
	o.Captured, o.Given = nothing, nothing
	return o, v.update(customer, func(ctx context.Context) ([]platform.Change, error) {
		asked, err := v.asks.Ask(ctx, o.Ref(), "full", total, due)
		return append(asked, platform.Put(o)), err
	})
}

// placed is a sale of the price.
func (v *world) placed(t *testing.T) sale {
	t.Helper()
	o, err := v.place(price)
	require.NoError(t, err)
	return o
}

// paid is a sale whose price was paid.
func (v *world) paid(t *testing.T, method string) sale {
	t.Helper()
	o := v.placed(t)
	a, err := v.pay(o, method)
	require.NoError(t, err)
	require.Equal(t, payment.AttemptCaptured, a.State)
	return o
}

func (v *world) pay(o sale, method string) (payment.Attempt, error) {
	return v.s.Pay(by(customer), payment.Pay{Intent: full(o), Method: method})
}

func full(o sale) platform.ID { return payment.IntentID(o.Ref(), payment.Full) }

// refund approves a refund of a sale and begins its return.
func (v *world) refund(o sale, amount platform.Money) (giving, error) {
	g := giving{Head: platform.Head{ID: v.w.NewChild("rfd", o.ID)}, Sale: o.ID, State: "approved", Amount: amount}
	return g, v.update(clerk, func(ctx context.Context) ([]platform.Change, error) {
		changes, err := v.asks.Return(ctx, g.Ref(), o.Ref(), amount, v.clock.Now())
		if err == nil && v.setup.real {
			var held []platform.Change
			held, err = finance.Books{Store: finance.StoreOn(v.db), Now: v.clock.Now}.Post(ctx, "refund.approved", g.Ref(), v.clock.Now(), []platform.Leg{
				{Role: "escrow", Of: o.ID, Amount: amount}, {Role: "refund_due", Of: o.ID, Amount: amount.Neg()},
			})
			changes = append(changes, held...)
		}
		return append(changes, platform.Put(g)), err
	})
}

func (v *world) cancel(o sale) error {
	return v.update(customer, func(ctx context.Context) ([]platform.Change, error) {
		changes, err := v.asks.Cancel(ctx, o.Ref())
		return append(changes, platform.Happened("order.cancelled", o.Ref(), nil)), err
	})
}

// end brings the sale to its end without telling payment.
func (v *world) end(t *testing.T, o sale) {
	t.Helper()
	require.NoError(t, v.update(clerk, func(ctx context.Context) ([]platform.Change, error) {
		now, err := platform.Read[sale](ctx, v.db, "order", o.ID)
		now.State = "ended"
		return []platform.Change{platform.Put(now), platform.Happened("order.closed", o.Ref(), nil)}, err
	}))
}

// after lets time pass, then ticks and delivers what the institution posts.
func (v *world) after(d time.Duration) error {
	now := v.clock.Advance(d)
	_, err := v.s.Tick(context.Background(), now, 0)
	return errors.Join(err, v.deliver())
}

func (v *world) deliver() error {
	var failed []error
	for name, bank := range v.banks() {
		for _, l := range bank.Drain() {
			failed = append(failed, v.s.Receive(context.Background(), name, l.Header, l.Body))
		}
	}
	return errors.Join(failed...)
}

func (v *world) banks() map[string]*sandbox.Sandbox {
	return map[string]*sandbox.Sandbox{"sandbox": v.bank, "second": v.second}
}

// quiesce lets time pass until nothing more can happen by itself.
func (v *world) quiesce() error {
	for range 60 {
		if err := v.after(time.Hour); err != nil {
			return err
		}
	}
	return nil
}

func read[T any](t *testing.T, v *world, kind string, id platform.ID) T {
	t.Helper()
	r, err := platform.Read[T](t.Context(), v.db, kind, id)
	require.NoError(t, err)
	return r
}

func (v *world) attempt(t *testing.T, id platform.ID) payment.Attempt {
	t.Helper()
	return read[payment.Attempt](t, v, "payment.attempt", id)
}

func (v *world) intent(t *testing.T, o sale) payment.Intent {
	t.Helper()
	return read[payment.Intent](t, v, "payment.intent", full(o))
}

func (v *world) sale(t *testing.T, o sale) sale {
	t.Helper()
	return read[sale](t, v, "order", o.ID)
}

// all are the records of a kind.
func all[T any](db platform.Getter, kind string) ([]T, error) {
	var list []T
	for cursor := ""; ; {
		page, err := platform.List[T](context.Background(), db, platform.Query{Kind: kind, Limit: 500, Cursor: cursor})
		list = append(list, page.Items...)
		if cursor = page.Next; err != nil || cursor == "" {
			return list, err
		}
	}
}

func (v *world) attempts(t *testing.T) []payment.Attempt {
	t.Helper()
	list, err := all[payment.Attempt](v.db, "payment.attempt")
	require.NoError(t, err)
	return list
}

func (v *world) totals(t require.TestingT) sandbox.Totals {
	sum, err := v.bank.Totals(price.Currency())
	require.NoError(t, err)
	return sum
}

// balance is an account of the test's books in minor units, debits positive.
func (v *world) balance(t require.TestingT, name string) int64 {
	ref := platform.Counter(name, "CNY")
	c, err := platform.Read[platform.Count](context.Background(), v.db, "counter", ref.ID)
	if !errors.Is(err, platform.ErrNotFound) {
		require.NoError(t, err)
	}
	return c.Value
}

// conserved checks that the institutions' books, our records and ours agree, and
// that the platform has back of its own money what went back to nobody else.
func (v *world) conserved(t require.TestingT) {
	attempts, err := all[payment.Attempt](v.db, "payment.attempt")
	require.NoError(t, err)
	returns, err := all[payment.Return](v.db, "payment.return")
	require.NoError(t, err)
	held, booked := map[string]int64{}, map[string]int64{} // by institution; the platform itself has no name
	for _, a := range attempts {
		held[a.Institution] += a.Received.Minor()
		if a.State != payment.AttemptQuarantined {
			booked[a.Institution] += a.Received.Minor()
		}
	}
	for _, r := range returns {
		for n, p := range r.Parts {
			if n < r.Done {
				held[p.Institution] -= p.Amount.Minor()
			}
			if r.State == payment.ReturnSucceeded {
				booked[p.Institution] -= p.Amount.Minor()
			}
		}
	}
	for name, bank := range v.banks() {
		sum, err := bank.Totals(price.Currency())
		require.NoError(t, err)
		assert.Equal(t, sum.Charged.Minor()-sum.Refunded.Minor(), held[name], "what %s holds is on our records", name)
		assert.Equal(t, booked[name], v.balance(t, v.account("clearing:"+name)), "and, unless in quarantine, in our books")
	}
	assert.Equal(t, booked[""], v.balance(t, v.account("marketing")))
}

// account is the counter of an account in the books of this world.
func (v *world) account(name string) string {
	if v.setup.real {
		return "posted:" + name
	}
	return name
}

// events are the types of the events of a record.
func (v *world) events(t *testing.T, subject platform.Ref) []string {
	t.Helper()
	page, err := platform.List[platform.Event](t.Context(), v.db, platform.Query{Kind: "event", By: []string{"subject", "id"}, Equal: []any{subject}, Limit: 500})
	require.NoError(t, err)
	var types []string
	for _, e := range page.Items {
		types = append(types, e.Type)
	}
	return types
}
