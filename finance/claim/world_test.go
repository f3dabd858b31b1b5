package claim_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/budget"
	"github.com/liangding/platform/finance/claim"
	"github.com/liangding/platform/store/memory"
)

var (
	newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	march   = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	day     = 24 * time.Hour

	cleaner  = platform.Actor{ID: platform.NewID("stf", newYear, 1, 1), Kind: platform.Staff}
	cook     = platform.Actor{ID: platform.NewID("stf", newYear, 1, 2), Kind: platform.Staff}
	manager  = operator(1, "manager")
	other    = operator(2, "manager")
	director = operator(3, "director")
	payer    = operator(4, "finance")
	planner  = operator(5)
)

func operator(n uint64, roles ...string) platform.Actor {
	return platform.Actor{ID: platform.NewID("opr", newYear, 1, n), Kind: platform.Operator, Roles: roles}
}

func cny(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }

// sealer turns text into something that is not the text.
type sealer struct{}

func (sealer) Seal(_ context.Context, at platform.Place, plain string) (platform.Sealed, error) {
	return fmt.Appendf(nil, "%s/%s/%s/%d", at.Subject, at.Record, at.Field, len(plain)), nil
}

func (sealer) Blind(_ context.Context, field, plain string) (string, error) {
	sum := sha256.Sum256([]byte(field + "\x00" + plain))
	return hex.EncodeToString(sum[:]), nil
}

// house is who works there: the holders of roles, and ranks.
type house struct {
	mu      sync.Mutex
	holders map[string][]platform.ID
	ranks   map[platform.ID]string
}

func (h *house) Holders(_ context.Context, role string) ([]platform.ID, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.holders[role]), nil
}

func (h *house) Rank(_ context.Context, person platform.ID) (string, error) {
	return h.ranks[person], nil
}

// give makes somebody a holder of roles, and take ends it.
func (h *house) give(who platform.ID, roles ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, role := range roles {
		h.holders[role] = append(h.holders[role], who)
	}
}

func (h *house) take(who platform.ID, role string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.holders[role] = slices.DeleteFunc(slices.Clone(h.holders[role]), func(id platform.ID) bool { return id == who })
}

// bank is an institution: it pays each key once, and answers as told.
type bank struct {
	mu    sync.Mutex
	paid  map[string]platform.Money
	calls int
	say   string // what it answers; "" is paid
	lose  bool   // the answer to the next call is lost, though it paid
}

func (b *bank) PayOut(ctx context.Context, _, key, _ string, amount platform.Money) (outcome, reference, reason string, err error) {
	if platform.Deciding(ctx) {
		panic("a call inside a decision")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	switch b.say {
	case "failed":
		return "failed", "", "no_account", nil
	case "absent":
		return "unknown", "", "timeout", nil
	}
	b.paid[key] = amount
	if b.lose {
		b.lose = false
		return "", "", "", platform.ErrUnavailable
	}
	return "paid", "ref-" + key, "", nil
}

func (b *bank) LookUp(_ context.Context, _, key, _ string, _ platform.Money, _ time.Time) (outcome, reference, reason string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.paid[key]; known {
		return "paid", "ref-" + key, "", nil
	}
	return "absent", "", "", nil
}

// papers are verdicts on files; others are real.
type papers struct {
	mu       sync.Mutex
	verdicts map[string]string
}

func (p *papers) Verdict(ctx context.Context, _, file string) (string, error) {
	if platform.Deciding(ctx) {
		panic("a call inside a decision")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if v := p.verdicts[file]; v != "" {
		return v, nil
	}
	return "real", nil
}

// world is claims over budgets and books, on a clock of its own.
type world struct {
	*claim.Service
	t       testing.TB
	w       platform.Writer
	db      *memory.DB
	budgets *budget.Service
	books   finance.Books
	house   *house
	bank    *bank
	papers  *papers
	now     atomic.Int64
	line    platform.ID // travel of sales, 10,000.00
	meals   platform.ID // meals of sales, 1,000.00
	budget  platform.ID
}

func newWorld(t testing.TB, change ...func(*claim.Ports, *claim.Terms)) *world {
	t.Helper()
	v := &world{
		t: t, db: memory.New(slices.Concat(finance.Kinds(), budget.Kinds(), claim.Kinds()), nil),
		house: &house{holders: map[string][]platform.ID{}, ranks: map[platform.ID]string{}},
		bank:  &bank{paid: map[string]platform.Money{}}, papers: &papers{verdicts: map[string]string{}},
	}
	t.Cleanup(func() { _ = v.db.Close() })
	v.at(march)
	v.w = platform.Writer{Store: v.db, Now: func() time.Time { return time.UnixMicro(v.now.Add(1)).UTC() }}.Ready()
	v.books = finance.Books{Store: finance.StoreOn(v.db), Now: v.w.Now}
	control := budget.Control{Store: budget.StoreOn(v.db), Books: v.books}
	v.budgets = budget.New(v.w, budget.StoreOn(v.db), budget.Ports{Books: v.books}, nil)
	for _, who := range []platform.Actor{manager, other, director, payer} {
		v.house.give(who.ID, who.Roles...)
	}
	ports := claim.Ports{Books: v.books, Budget: control, Lines: control, Sealer: sealer{}, People: v.house, Vouchers: v.papers, Funds: v.bank}
	terms := claim.Terms{}
	for _, c := range change {
		c(&ports, &terms)
	}
	v.Service = claim.New(v.w, claim.StoreOn(v.db), ports, &claim.Options{Terms: terms})
	v.plan()
	return v
}

// plan puts a budget in force.
func (v *world) plan() {
	v.t.Helper()
	b, err := v.budgets.Draft(v.as(planner), budget.Draft{
		Centre: "sales", From: newYear, Until: newYear.AddDate(1, 0, 0), Envelope: cny("11000.00"),
		Lines: []budget.Planned{{Account: "travel", Amount: cny("10000.00")}, {Account: "meals", Amount: cny("1000.00")}},
	})
	require.NoError(v.t, err)
	_, err = v.budgets.Submit(v.as(planner), budget.Submit{Budget: b.ID})
	require.NoError(v.t, err)
	for _, who := range []platform.Actor{manager, director} {
		_, err = v.budgets.Approve(v.as(who), budget.Approve{Budget: b.ID})
		require.NoError(v.t, err)
	}
	_, err = v.budgets.Tick(context.Background(), v.w.Now(), 0)
	require.NoError(v.t, err)
	v.budget = b.ID
	for _, l := range v.lines() {
		if v.line = l.ID; l.Account == "meals" {
			v.meals = l.ID
		}
	}
	for _, l := range v.lines() {
		if l.Account == "travel" {
			v.line = l.ID
		}
	}
}

func (v *world) lines() []budget.Standing {
	v.t.Helper()
	page, err := v.budgets.Lines(v.as(planner), v.budget, "")
	require.NoError(v.t, err)
	return page.Items
}

func (v *world) at(now time.Time) { v.now.Store(now.UnixMicro()) }

func (v *world) pass(d time.Duration) { v.now.Add(d.Microseconds()) }

func (v *world) as(who platform.Actor) context.Context {
	return platform.As(context.Background(), who)
}

func (v *world) tick() int {
	v.t.Helper()
	n, err := v.Tick(context.Background(), v.w.Now(), 0)
	require.NoError(v.t, err)
	return n
}

// voucher is the n-th voucher of an amount.
func (v *world) voucher(n int, amount string, change ...func(*claim.Voucher)) claim.Voucher {
	file := sha256.Sum256(fmt.Append(nil, n))
	x := claim.Voucher{
		Line: v.line, Kind: "invoice", File: hex.EncodeToString(file[:]), Number: fmt.Sprint("N-", n), Seller: fmt.Sprint("Rail ", n),
		SellerTaxID: fmt.Sprint("91310000MA1K", n), Purpose: "to the customer", Date: march.Add(-3 * day), Amount: cny(amount),
	}
	for _, c := range change {
		c(&x)
	}
	return x
}

// submitted is a claim of the cleaner's on its way.
func (v *world) submitted(vouchers ...claim.Voucher) claim.Claim {
	v.t.Helper()
	c, err := v.submit(cleaner, vouchers...)
	require.NoError(v.t, err)
	return c
}

func (v *world) submit(who platform.Actor, vouchers ...claim.Voucher) (claim.Claim, error) {
	c, err := v.Draft(v.as(who), claim.Draft{Items: vouchers})
	if err != nil {
		return c, err
	}
	return v.Submit(v.as(who), claim.Submit{Claim: c.ID})
}

func (v *world) approve(c claim.Claim, by ...platform.Actor) claim.Claim {
	v.t.Helper()
	for _, who := range by {
		var err error
		c, err = v.Approve(v.as(who), claim.Approve{Claim: c.ID})
		require.NoError(v.t, err)
	}
	return c
}

// payable is a claim of the cleaner's of 100.00 that is booked.
func (v *world) payable() claim.Claim {
	v.t.Helper()
	c := v.approve(v.submitted(v.voucher(1, "100.00", func(x *claim.Voucher) { x.Tax = cny("6.00") })), manager)
	v.tick()
	return v.is(c, claim.Payable)
}

// is the claim as it stands, in a state.
func (v *world) is(c claim.Claim, state claim.State) claim.Claim {
	v.t.Helper()
	c, err := v.Claim(v.as(planner), c.ID)
	require.NoError(v.t, err)
	require.Equal(v.t, state, c.State)
	return c
}

// budgeted asserts what the line travel has.
func (v *world) budgeted(free, committed, spent string) {
	v.t.Helper()
	for _, l := range v.lines() {
		if l.ID == v.line {
			assert.Equal(v.t, [3]platform.Money{cny(free), cny(committed), cny(spent)}, [3]platform.Money{l.Balance.Free, l.Balance.Committed, l.Balance.Spent})
		}
	}
}

// on asserts what is posted on an account, debits positive.
func (v *world) on(account, amount string) {
	v.t.Helper()
	counts, err := finance.StoreOn(v.db).Counts(context.Background(), platform.Counter("posted:"+account, "CNY"))
	require.NoError(v.t, err)
	assert.Equal(v.t, cny(amount).Minor(), counts[0].Value, account)
}

// proved asserts that books and lines agree.
func (v *world) proved() {
	v.t.Helper()
	for d, err := range budget.Verify(context.Background(), v.db) {
		require.NoError(v.t, err)
		assert.Fail(v.t, "a line is wrong", "%+v", d)
	}
	found, err := finance.Verify(context.Background(), v.db)
	require.NoError(v.t, err)
	assert.Empty(v.t, found)
}

// crowd runs n calls at once and counts them by the code of their refusal.
func crowd(n int, call func(i int) error) map[string]int {
	told := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { told[i] = call(i) })
	}
	all.Wait()
	codes := map[string]int{}
	for _, err := range told {
		codes[platform.Code(err)]++
	}
	return codes
}
