package settlement_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
	"github.com/liangding/platform/store/storetest"
)

var (
	noon     = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) // a Monday
	merchant = platform.Actor{ID: "mer_01kdvdna00eajs4d2pf2dbsqqg", Kind: platform.Merchant}
	stranger = platform.Actor{ID: "mer_01kdvdna00eajs4d2pf2dbsqqz", Kind: platform.Merchant}
	clerk    = platform.Actor{ID: "opr_01kdvdna00eajs4d2pf2dbsqqg", Kind: platform.Operator}
	second   = platform.Actor{ID: "opr_01kdvdna00eajs4d2pf2dbsqqh", Kind: platform.Operator}
	third    = platform.Actor{ID: "opr_01kdvdna00eajs4d2pf2dbsqqj", Kind: platform.Operator}
	auditor  = platform.Actor{ID: "aud_01kdvdna00eajs4d2pf2dbsqqg", Kind: platform.Auditor}
	cny      = yuan("0.00").Currency()
)

func yuan(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }

func by(actor platform.Actor) context.Context { return platform.As(context.Background(), actor) }

func system() context.Context { return by(platform.SystemActor("test")) }

// box seals so that a test can read it.
type box struct{}

func (box) Seal(_ context.Context, at platform.Place, plain string) (platform.Sealed, error) {
	return platform.Sealed("sealed:" + at.Field + ":" + plain), nil
}
func (box) Blind(_ context.Context, field, plain string) (string, error) {
	return field + "#" + plain, nil
}
func (box) Open(_ context.Context, at platform.Place, sealed platform.Sealed) (string, error) {
	return string(sealed[len("sealed:"+at.Field+":"):]), nil
}

// hooked are funds that a test steps into.
type hooked struct {
	settlement.Funds
	before, after func()
}

func (h *hooked) PayOut(ctx context.Context, institution, key, payee string, amount platform.Money) (string, string, string, error) {
	if h.before != nil {
		h.before()
	}
	outcome, reference, reason, err := h.Funds.PayOut(ctx, institution, key, payee, amount)
	if h.after != nil {
		h.after()
	}
	return outcome, reference, reason, err
}

type setup struct {
	faults sandbox.Faults
	terms  settlement.Terms
	screen settlement.Screen
	holds  settlement.Holds
	exempt settlement.Exempt
}

// world is a settlement service over real books, with an institution and a clock.
type world struct {
	clock *storetest.Clock
	db    *memory.DB
	bank  *sandbox.Sandbox
	funds *hooked
	w     platform.Writer
	books finance.Books
	s     *settlement.Service
	set   setup
}

func newWorld(set setup) *world {
	v := &world{clock: storetest.NewClock(noon), db: memory.New(append(finance.Kinds(), settlement.Kinds()...), nil), set: set}
	v.bank = sandbox.New(&sandbox.Options{Seed: 1, Now: v.clock.Now, Faults: set.faults})
	v.funds = &hooked{Funds: payment.Funds{Gateways: []payment.Gateway{v.bank}, Now: v.clock.Now}}
	v.w = platform.Writer{Store: v.db, Now: v.clock.Now, IDs: storetest.IDs(1)}.Ready()
	v.books = finance.Books{Store: finance.StoreOn(v.db), Now: v.clock.Now}
	v.start(nil)
	return v
}

// start is a new process of the service on the same store and institution.
func (v *world) start(wrap func(platform.DB) platform.DB) {
	var db platform.DB = v.db
	if wrap != nil {
		db = wrap(db)
	}
	w := platform.Writer{Store: db, Now: v.clock.Now, IDs: v.w.IDs}
	ports := settlement.Ports{
		Books: finance.Books{Store: finance.StoreOn(db), Now: v.clock.Now}, Funds: v.funds,
		Screen: v.set.screen, Holds: v.set.holds, Exempt: v.set.exempt, Sealer: box{}, Opener: box{},
	}
	v.s = settlement.New(w, db, ports, &settlement.Options{Terms: v.set.terms})
}

type change struct{}

func (v *world) update(decide func(ctx context.Context) ([]platform.Change, error)) error {
	_, err := platform.Update(system(), v.w, change{}, func(ctx context.Context) (int, []platform.Change, error) {
		set, err := decide(ctx)
		if err != nil {
			return 0, nil, err
		}
		return 0, set, nil
	})
	return err
}

// post books a fact on a new record of a kind.
func (v *world) post(what, prefix string, legs ...platform.Leg) (platform.Ref, error) {
	ref := platform.Ref{Kind: "test." + prefix, ID: v.w.NewRoot(system(), prefix)}
	return ref, v.bookOn(ref, what, legs...)
}

func (v *world) bookOn(ref platform.Ref, what string, legs ...platform.Leg) error {
	return v.update(func(ctx context.Context) ([]platform.Change, error) {
		set, err := v.books.Post(ctx, what, ref, v.clock.Now(), legs)
		return append(set, platform.Happened("test.booked", ref, nil)), err
	})
}

func leg(role string, party, of platform.ID, amount platform.Money) platform.Leg {
	return platform.Leg{Role: role, Party: party, Of: of, Amount: amount}
}

// earn closes an order that brought a party an amount, paid at the institution.
func (v *world) earn(t require.TestingT, party platform.ID, amount string) platform.Ref {
	of := platform.Ref{Kind: "order", ID: v.w.NewRoot(system(), "ord")}
	m := yuan(amount)
	v.bank.Deposit(m)
	require.NoError(t, v.bookOn(of, "pay.captured", leg("clearing", "sandbox", "", m), leg("escrow", "", of.ID, m.Neg())))
	require.NoError(t, v.bookOn(of, "order.completed", leg("escrow", "", of.ID, m), leg("earning", party, of.ID, m.Neg())))
	require.NoError(t, v.bookOn(of, "order.closed", leg("earning", party, of.ID, m), leg("payable", party, "", m.Neg())))
	return of
}

// hold sets an amount of what is owed to a party aside, for a refund on its way.
func (v *world) hold(party platform.ID, amount platform.Money) (platform.Ref, error) {
	of := v.w.NewRoot(system(), "ord")
	return v.post("refund.approved", "rfd", leg("payable", party, "", amount), leg("refund_due", "", of, amount.Neg()))
}

// account is a party's account at the institution, old enough to be paid to.
func (v *world) account(t require.TestingT, party platform.Actor, payee string) settlement.Account {
	a, err := v.s.Register(by(party), settlement.Register{Party: party.ID, Currency: "CNY", Institution: "sandbox", Payee: payee})
	require.NoError(t, err)
	a, err = v.s.VerifyAccount(by(clerk), settlement.VerifyAccount{Account: a.ID, Reason: "document"})
	require.NoError(t, err)
	return a
}

// after lets time pass and ticks.
func (v *world) after(d time.Duration) error {
	now := v.clock.Advance(d)
	_, err := v.s.Tick(context.Background(), now, 0)
	return err
}

// confirmed lets the week end and the party be silent.
func (v *world) confirmed(t require.TestingT) {
	require.NoError(t, v.after(7*24*time.Hour))
	require.NoError(t, v.after(3*24*time.Hour))
}

// run plans the payouts of a date, started by the clerk.
func (v *world) run(t require.TestingT, name string) settlement.RunTotals {
	r, err := v.s.StartRun(by(clerk), settlement.StartRun{Name: name, Currency: "CNY"})
	require.NoError(t, err)
	all, err := v.s.Run(by(clerk), r.ID)
	require.NoError(t, err)
	return all
}

// planned is the payout of an account in a run that was just planned.
func (v *world) planned(t require.TestingT, a settlement.Account) settlement.Payout {
	r := v.run(t, v.clock.Now().Format(time.RFC3339))
	return v.payout(t, settlement.PayoutID(a.ID, r.ID))
}

// approved is the same, approved by the second.
func (v *world) approved(t require.TestingT, a settlement.Account) settlement.Payout {
	p, err := v.s.ApprovePayout(by(second), settlement.ApprovePayout{Payout: v.planned(t, a).ID})
	require.NoError(t, err)
	return p
}

func (v *world) payout(t require.TestingT, id platform.ID) settlement.Payout {
	p, err := v.s.Payout(by(clerk), id)
	require.NoError(t, err)
	return p
}

func (v *world) purse(t require.TestingT, a settlement.Account) settlement.Purse {
	p, err := v.s.Purse(by(clerk), a.ID)
	require.NoError(t, err)
	return p
}

// on is what is on an account: posted, in its normal direction, and free.
func (v *world) on(t require.TestingT, account string) string {
	a, err := finance.ParseAccount(account)
	require.NoError(t, err)
	b, err := v.books.Balance(system(), a, cny)
	require.NoError(t, err)
	return b.Posted.Decimal().StringFixed(2) + ", " + b.Available.Decimal().StringFixed(2)
}

// out is what the institution sent away for good.
func (v *world) out(t require.TestingT, deposited string) decimal.Decimal {
	left, err := v.bank.Balance("", cny)
	require.NoError(t, err)
	return yuan(deposited).Decimal().Sub(left.Decimal())
}

// sound proves books and settlements.
func (v *world) sound(t require.TestingT) {
	found, err := finance.Verify(context.Background(), v.db)
	require.NoError(t, err)
	assert.Empty(t, found)
	found, err = settlement.Verify(context.Background(), v.db)
	require.NoError(t, err)
	assert.Empty(t, found)
}

// each are all records of a kind.
func each[T any](t require.TestingT, v *world, kind string) (list []T) {
	for cursor := ""; ; {
		page, err := platform.List[T](context.Background(), v.db, platform.Query{Kind: kind, Limit: 500, Cursor: cursor})
		require.NoError(t, err)
		list = append(list, page.Items...)
		if cursor = page.Next; cursor == "" {
			return list
		}
	}
}

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

// quiesce lets time pass until payouts have ended or wait for a person.
func (v *world) quiesce(t require.TestingT) {
	for range 40 {
		require.NoError(t, v.after(time.Hour))
	}
	for _, p := range each[settlement.Payout](t, v, "settlement.payout") {
		assert.False(t, slices.Contains([]settlement.PayoutState{settlement.PayoutApproved, settlement.PayoutSending, settlement.PayoutUnknown}, p.State), "%s %s", p.ID, p.State)
	}
}

// mustNot is an error that is none of the library's.
func surprise(err error) bool {
	for _, kind := range []error{platform.ErrConflict, platform.ErrState, platform.ErrDenied, platform.ErrUnavailable} {
		if errors.Is(err, kind) {
			return false
		}
	}
	return err != nil
}

func paymentKey(p settlement.Payout) payment.Key { return payment.Key(p.ID) }
