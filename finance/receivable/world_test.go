package receivable_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/receivable"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/storetest"
)

var (
	noon     = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) // a Monday
	cny      = yuan("0.00").Currency()
	merchant = platform.Actor{ID: platform.NewID("mer", noon, 7, 1), Kind: platform.Merchant}
	stranger = platform.Actor{ID: platform.NewID("mer", noon, 8, 2), Kind: platform.Merchant}
	clerk    = platform.Actor{ID: platform.NewID("opr", noon, 1, 3), Kind: platform.Operator}
	manager  = platform.Actor{ID: platform.NewID("opr", noon, 1, 4), Kind: platform.Operator, Roles: []string{receivable.Manager}}
	director = platform.Actor{ID: platform.NewID("opr", noon, 1, 5), Kind: platform.Operator, Roles: []string{receivable.Director}}
	auditor  = platform.Actor{ID: platform.NewID("opr", noon, 1, 6), Kind: platform.Auditor}
	clock    = platform.SystemActor("test")
)

func yuan(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }

func as(who platform.Actor) context.Context { return platform.As(context.Background(), who) }

// invoice names the n-th invoice.
func invoice(n int) platform.Ref {
	return platform.Ref{Kind: "invoice", ID: platform.NewID("inv", noon, 7, uint64(n))}
}

// bar is what a party was told that it lacks.
type bar struct {
	platform.Head
	Lacks []string `json:"lacks" class:"internal"`
}

func (b bar) Ref() platform.Ref { return platform.Ref{Kind: "test.bar", ID: b.ID} }

// gate keeps what parties lack.
type gate struct{ db platform.DB }

func (g gate) read(ctx context.Context, party platform.ID) (bar, error) {
	found, err := platform.Lookup(ctx, g.db, platform.Ref{Kind: "test.bar", ID: party.As("bar")})
	b := bar{Head: platform.Head{ID: party.As("bar")}}
	for _, r := range found {
		err = json.Unmarshal(r.Doc, &b)
		b.Version = r.Version
	}
	return b, err
}

func (g gate) Restrict(ctx context.Context, party platform.ID, capabilities []string, _ string, _ time.Time) ([]platform.Change, error) {
	b, err := g.read(ctx, party)
	b.Lacks = append(b.Lacks, capabilities...)
	return []platform.Change{platform.Put(b)}, err
}

func (g gate) Lift(ctx context.Context, party platform.ID, capabilities []string, _ string, _ time.Time) ([]platform.Change, error) {
	b, err := g.read(ctx, party)
	b.Lacks = b.Lacks[:len(b.Lacks)-len(capabilities)]
	return []platform.Change{platform.Put(b)}, err
}

// post is what was brought to whom, by letter.
type post struct {
	texts map[platform.ID]map[string]string
	fails int
}

func (p *post) Notify(ctx context.Context, letter platform.Ref, _ platform.ID, texts map[string]string) error {
	if platform.Deciding(ctx) {
		panic("a letter within a decision")
	}
	if p.fails > 0 {
		p.fails--
		return platform.ErrUnavailable
	}
	p.texts[letter.ID] = texts
	return nil
}

// world is the service over books of its own.
type world struct {
	*receivable.Service
	t     testing.TB
	db    *memory.DB
	clock *storetest.Clock
	w     platform.Writer
	books finance.Books
	post  *post
	sales int
}

func open(t testing.TB, terms func(*receivable.Terms)) *world {
	t.Helper()
	kinds := append(receivable.Kinds(), finance.Kinds()...)
	kinds = append(kinds, platform.Shape[bar]{Name: "test.bar", Prefix: "bar"}.Kind())
	db := memory.New(kinds, nil)
	t.Cleanup(func() { _ = db.Close() })
	w := &world{t: t, db: db, clock: storetest.NewClock(noon), post: &post{texts: map[platform.ID]map[string]string{}}}
	w.w = platform.Writer{Store: db, Now: w.clock.Now, IDs: storetest.IDs(1)}
	w.books = finance.Books{Store: finance.StoreOn(db), Now: w.clock.Now}
	o := &receivable.Options{Terms: receivable.Standard()}
	if terms != nil {
		terms(&o.Terms)
	}
	w.Service = receivable.New(w.w, receivable.StoreOn(db), receivable.Ports{Books: w.books, Standing: gate{db}, Notify: w.post}, o)
	return w
}

// invoiced is a claim on the merchant, for the n-th invoice, due in so many days.
func (w *world) invoiced(n int, amount string, days int) receivable.Item {
	w.t.Helper()
	return w.owes(merchant.ID, n, amount, days)
}

func (w *world) owes(party platform.ID, n int, amount string, days int) receivable.Item {
	w.t.Helper()
	i, err := w.Arise(as(clock), arise(party, n, amount, w.clock.Now(), days))
	require.NoError(w.t, err)
	return i
}

func arise(party platform.ID, n int, amount string, at time.Time, days int) receivable.Arise {
	m := yuan(amount)
	return receivable.Arise{
		Debtor: party, Cause: receivable.Invoice, Source: invoice(n), Amount: m, At: at, Due: at.AddDate(0, 0, days),
		Reference: "INV-" + string(invoice(n).ID[20:]), Credits: []platform.Leg{{Role: "advertising", Amount: m.Neg()}},
	}
}

// days lets days pass, with a tick each noon.
func (w *world) days(n int) {
	w.t.Helper()
	for range n {
		w.clock.Advance(24 * time.Hour)
		w.tick()
	}
}

func (w *world) tick() {
	w.t.Helper()
	_, err := w.Tick(context.Background(), w.clock.Now(), 5000)
	require.NoError(w.t, err)
}

// pay is money of the merchant's at the bank.
func (w *world) pay(amount string, items ...platform.ID) receivable.Receipt {
	w.t.Helper()
	w.sales++
	r, err := w.Receive(as(clerk), paid(merchant.ID, amount, w.sales, items...))
	require.NoError(w.t, err)
	return r
}

func paid(payer platform.ID, amount string, n int, items ...platform.ID) receivable.Receive {
	return receivable.Receive{
		Payer: payer, Amount: yuan(amount), Role: "bank", Account: "icbc",
		Reference: string(platform.NewID("ref", noon, 1, uint64(n))), Items: items,
	}
}

// earns puts money on an account of the merchant's.
func (w *world) earns(role, amount string) {
	w.t.Helper()
	w.sales++
	subject := platform.Ref{Kind: "test.sale", ID: platform.NewID("sal", noon, 7, uint64(w.sales))}
	what, from := "deposit.received", platform.Leg{Role: "bank", Party: "icbc", Amount: yuan(amount)}
	if role == "payable" {
		what, from = "fine.lifted", platform.Leg{Role: "penalty", Amount: yuan(amount)}
	}
	w.book(what, subject, from, platform.Leg{Role: role, Party: merchant.ID, Amount: yuan(amount).Neg()})
}

// book posts a fact of another domain.
func (w *world) book(what string, subject platform.Ref, legs ...platform.Leg) {
	w.t.Helper()
	_, err := platform.Update(as(clock), w.w, struct{}{}, func(ctx context.Context) (struct{}, []platform.Change, error) {
		set, err := w.books.Post(ctx, what, subject, w.clock.Now(), legs)
		return struct{}{}, append(set, platform.Happened("test.booked", subject, nil)), err
	})
	require.NoError(w.t, err)
}

func (w *world) item(id platform.ID) receivable.Item {
	w.t.Helper()
	i, err := w.Item(as(clerk), id)
	require.NoError(w.t, err)
	return i
}

// balance is what is on an account, in its normal direction.
func (w *world) balance(role string, party platform.ID) string {
	w.t.Helper()
	b, err := w.books.Balance(as(clock), finance.Account{Role: role, Party: party}, cny)
	require.NoError(w.t, err)
	return b.Posted.String()
}

// lacks is what the merchant was told that it lacks.
func (w *world) lacks() []string {
	w.t.Helper()
	b, err := gate{w.db}.read(as(clock), merchant.ID)
	require.NoError(w.t, err)
	return b.Lacks
}

// letters are those to the merchant, the latest first.
func (w *world) letters() []receivable.Letter {
	w.t.Helper()
	page, err := w.Letters(as(merchant), merchant.ID, "")
	require.NoError(w.t, err)
	return page.Items
}

// events are those of a type on any subject, in order.
func (w *world) events(what string) (all []platform.Event) {
	w.t.Helper()
	for cursor := ""; ; {
		page, err := platform.List[platform.Event](context.Background(), w.db, platform.Query{Kind: "event", Limit: 500, Cursor: cursor})
		require.NoError(w.t, err)
		for _, e := range page.Items {
			if e.Type == what {
				all = append(all, e)
			}
		}
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}

// sound checks the books, and that they show what the claims say.
func (w *world) sound(parties ...platform.ID) {
	w.t.Helper()
	wrong, err := finance.Verify(context.Background(), w.db.Snapshot())
	require.NoError(w.t, err)
	require.Empty(w.t, wrong)
	wrong, err = receivable.Verify(context.Background(), w.db.Snapshot())
	require.NoError(w.t, err)
	require.Empty(w.t, wrong)
	for _, party := range parties {
		open := yuan("0.00")
		for cursor := ""; ; {
			page, err := w.Items(as(clerk), party, cursor)
			require.NoError(w.t, err)
			for _, i := range page.Items {
				open, err = open.Add(i.Open())
				require.NoError(w.t, err)
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		require.Equal(w.t, open.String(), w.balance("receivable", party), party)
	}
}
