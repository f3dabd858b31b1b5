package invoice_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/invoice"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
)

var (
	noon     = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	customer = platform.Actor{ID: platform.NewID("cus", noon, 1, 1), Kind: platform.Customer}
	stranger = platform.Actor{ID: platform.NewID("cus", noon, 1, 2), Kind: platform.Customer}
	merchant = platform.Actor{ID: platform.NewID("mer", noon, 1, 3), Kind: platform.Merchant}
	operator = platform.Actor{ID: platform.NewID("opr", noon, 1, 4), Kind: platform.Operator}
	auditor  = platform.Actor{ID: platform.NewID("opr", noon, 1, 5), Kind: platform.Auditor}
	staff    = platform.Actor{ID: platform.NewID("stf", noon, 1, 6), Kind: platform.Staff}
	machine  = platform.SystemActor("test")

	done = platform.Ref{Kind: "order", ID: platform.NewID("ord", noon, 5, 1)}

	person  = invoice.Title{Name: "王小明"}
	company = invoice.Title{Company: true, Name: "Good Cleaning Ltd", TaxID: "91350100M000100Y43"} // the standard's own example
)

func as(who platform.Actor) context.Context { return platform.As(context.Background(), who) }

func yuan(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }

// sold is a line of an order as [invoice.Sales] tells of it.
type sold struct {
	No       int            `json:"no"`
	Name     string         `json:"name"`
	Quantity int64          `json:"quantity"`
	Price    platform.Money `json:"price"`
	Rate     string         `json:"rate"`
	Amount   platform.Money `json:"amount"`
	Given    platform.Money `json:"given"`
}

// shop is what was sold: one order of 100.00 and 50.00, at 6 %.
type shop struct {
	mu       sync.Mutex
	captured platform.Money
	lines    []sold
}

func (s *shop) Invoiceable(_ context.Context, subject platform.Ref, _ string) (json.RawMessage, []platform.Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if subject.ID.Slot() != done.ID.Slot() {
		return nil, nil, platform.NotFound(subject)
	}
	refunded := yuan("0.00")
	for _, l := range s.lines {
		refunded, _ = refunded.Add(l.Given)
	}
	doc, err := json.Marshal(map[string]any{"seller": merchant.ID, "buyer": customer.ID, "captured": s.captured, "refunded": refunded, "lines": s.lines})
	return doc, nil, err
}

// refund gives back of a line.
func (s *shop) refund(line int, amount string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines[line-1].Given, _ = s.lines[line-1].Given.Add(yuan(amount))
}

// vault seals by turning text around, and opens what it sealed for its place.
type vault struct{}

func (vault) Seal(_ context.Context, at platform.Place, plain string) (platform.Sealed, error) {
	if plain == "" {
		return nil, nil
	}
	return json.Marshal([]string{at.Record.String(), at.Field, turned(plain)})
}

func (vault) Blind(context.Context, string, string) (string, error) { return "", nil }

func (vault) Open(_ context.Context, at platform.Place, sealed platform.Sealed) (string, error) {
	var parts []string
	if err := json.Unmarshal(sealed, &parts); err != nil || parts[0] != at.Record.String() || parts[1] != at.Field {
		return "", errors.New("sealed elsewhere")
	}
	return turned(parts[2]), nil
}

func turned(text string) string {
	runes := []rune(text)
	for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
		runes[i], runes[j] = runes[j], runes[i]
	}
	return string(runes)
}

// authority is the sandbox, and hands that step in between.
type authority struct {
	*sandbox.Invoicer
	before, after func()

	mu     sync.Mutex
	titles []invoice.Title
}

func (a *authority) Issue(ctx context.Context, key string, document json.RawMessage) (json.RawMessage, error) {
	if a.before != nil {
		a.before()
	}
	var p invoice.Paper
	_ = json.Unmarshal(document, &p)
	a.mu.Lock()
	a.titles = append(a.titles, p.Title)
	a.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	answer, err := a.Invoicer.Issue(ctx, key, document)
	if a.after != nil {
		a.after()
	}
	return answer, err
}

// world is a service over memory, an authority and a clock.
type world struct {
	*invoice.Service
	t         testing.TB
	db        platform.DB
	shop      *shop
	authority *authority
	terms     *invoice.Terms

	mu  sync.Mutex
	now time.Time
}

func newWorld(t testing.TB, terms ...invoice.Terms) *world {
	t.Helper()
	v := &world{t: t, now: noon, shop: &shop{captured: yuan("150.00"), lines: []sold{
		{No: 1, Name: "cleaning", Quantity: 2, Price: yuan("50.00"), Rate: "0.06", Amount: yuan("100.00"), Given: yuan("0.00")},
		{No: 2, Name: "windows", Quantity: 1, Price: yuan("50.00"), Rate: "0.06", Amount: yuan("50.00"), Given: yuan("0.00")},
	}}}
	if len(terms) > 0 {
		v.terms = &terms[0]
	}
	db := memory.New(invoice.Kinds(), nil)
	t.Cleanup(func() { _ = db.Close() })
	v.db, v.authority = db, &authority{Invoicer: sandbox.NewInvoicer(v.clock, 0)}
	v.start(db)
	return v
}

// start begins a process over the store.
func (v *world) start(db platform.DB) {
	w := platform.Writer{Store: db, Now: v.clock}
	v.Service = invoice.New(w, invoice.StoreOn(db), invoice.Ports{Sales: v.shop, Invoicer: v.authority, Sealer: vault{}, Opener: vault{}}, v.terms)
}

func (v *world) clock() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

func (v *world) advance(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now = v.now.Add(d)
}

// tick does what is due now.
func (v *world) tick(t testing.TB) {
	t.Helper()
	_, err := v.Tick(context.Background(), v.clock(), 0)
	require.NoError(t, err)
}

// after ticks minute by minute for so long.
func (v *world) after(t testing.TB, d time.Duration) {
	t.Helper()
	for end := v.clock().Add(d); v.clock().Before(end); v.advance(time.Minute) {
		v.tick(t)
	}
	v.tick(t)
}

// request asks for an invoice over amounts of lines 1, 2 …; none: over all.
func (v *world) request(t testing.TB, amounts ...string) invoice.Invoice {
	t.Helper()
	in := invoice.RequestInvoice{Of: done, Kind: invoice.ForService, Title: company}
	for i, amount := range amounts {
		if amount != "" {
			in.Lines = append(in.Lines, invoice.Part{Line: i + 1, Amount: yuan(amount)})
		}
	}
	asked, err := v.RequestInvoice(as(customer), in)
	require.NoError(t, err)
	return asked
}

// issued is an invoice that was issued.
func (v *world) issued(t testing.TB, amounts ...string) invoice.Invoice {
	t.Helper()
	asked := v.request(t, amounts...)
	v.tick(t)
	got := v.get(t, asked.ID)
	require.Equal(t, invoice.Issued, got.State)
	return got
}

func (v *world) get(t tester, id platform.ID) invoice.Invoice {
	t.Helper()
	got, err := v.Invoice(as(operator), id)
	require.NoError(t, err)
	return got
}

func (v *world) letters(t tester, id platform.ID) []invoice.Letter {
	t.Helper()
	all, err := v.Letters(as(operator), id)
	require.NoError(t, err)
	return all
}

func (v *world) tally(t testing.TB) invoice.Tally {
	t.Helper()
	got, err := v.Tally(as(operator), done, invoice.ForService)
	require.NoError(t, err)
	return got
}

// events counts what happened, by type and reason.
func (v *world) events(t testing.TB) map[string]int {
	t.Helper()
	all := map[string]int{}
	for cursor := ""; ; {
		page, err := platform.List[platform.Event](context.Background(), v.db, platform.Query{Kind: "event", Cursor: cursor, Limit: 500})
		require.NoError(t, err)
		for _, e := range page.Items {
			all[e.Type]++
			if e.Type == "finding.raised" {
				all[e.Type+" "+e.Reason]++
			}
			assert.NotContains(t, string(e.Data), company.TaxID)
			assert.NotContains(t, string(e.Data), company.Name)
		}
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}

// sound proves the invoices: invariant 17.
func (v *world) sound(t tester) {
	t.Helper()
	found, err := invoice.Verify(context.Background(), v.db, v.shop)
	require.NoError(t, err)
	assert.Empty(t, found)
}

func refused(t testing.TB, err, kind error, code string, what ...any) {
	t.Helper()
	require.ErrorIs(t, err, kind, what...)
	assert.Equal(t, code, platform.Code(err), fmt.Sprint(what...))
}

// tester is a test, or a run of one by rapid.
type tester interface {
	require.TestingT
	Helper()
}
