package fee

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/storetest"
)

var (
	noon  = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	april = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	may   = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

	drafter   = platform.Actor{ID: platform.NewID("opr", noon, 1, 1), Kind: platform.Operator}
	publisher = platform.Actor{ID: platform.NewID("opr", noon, 1, 2), Kind: platform.Operator}
	seller    = platform.Actor{ID: platform.NewID("mer", noon, 1, 3), Kind: platform.Merchant}
	rival     = platform.Actor{ID: platform.NewID("mer", noon, 1, 4), Kind: platform.Merchant}
	buyer     = platform.Actor{ID: platform.NewID("cus", noon, 1, 5), Kind: platform.Customer}
	auditor   = platform.Actor{ID: platform.NewID("aud", noon, 1, 6), Kind: platform.Auditor}
)

func as(who platform.Actor) context.Context { return platform.As(context.Background(), who) }

func cny(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }

func rate(text string) decimal.Decimal { return decimal.RequireFromString(text) }

// schedule is version 7 of a schedule in CNY with these components.
func schedule(components ...Component) Schedule {
	return Schedule{Name: "test", Number: 7, State: Published, Currency: cny("0").Currency(), Components: components}
}

// commission is a component of one rule: 10 % of all.
func commission(change func(*Component)) Component {
	c := Component{Name: "commission", Payer: Merchant, Per: Order, Back: ProRata, Rounding: platform.HalfEven, Rules: []Rule{{ID: "all", Rate: rate("0.1")}}}
	if change != nil {
		change(&c)
	}
	return c
}

// sold are facts of services at these prices.
func sold(amounts ...string) Facts {
	f := Facts{Merchant: seller.ID}
	for _, a := range amounts {
		f.Lines = append(f.Lines, Item{Kind: "service", Amount: cny(a)})
	}
	return f
}

// house is the service over a memory store.
type house struct {
	*Service
	t     *testing.T
	db    *memory.DB
	clock *storetest.Clock
	terms Terms
	sales pages
}

// pages are statements as the orders keep them, two a page.
type pages struct{ all *[]json.RawMessage }

func (p pages) Fees(_ context.Context, _, _ time.Time, cursor string) (statements []json.RawMessage, next string, err error) {
	at := len(cursor)
	if until := at + 2; until < len(*p.all) {
		return (*p.all)[at:until], string(make([]byte, until)), nil
	}
	return (*p.all)[at:], "", nil
}

func open(t *testing.T, terms Terms) *house {
	t.Helper()
	h := &house{t: t, db: memory.New(Kinds(), nil), clock: storetest.NewClock(noon), terms: terms, sales: pages{&[]json.RawMessage{}}}
	t.Cleanup(func() { _ = h.db.Close() })
	h.Service = New(platform.Writer{Store: h.db, Now: h.clock.Now}, StoreOn(h.db), h.sales, &terms)
	return h
}

// draft is one of 10 % in April, changed by what the test is about.
func (h *house) draft(change func(*Draft)) (Schedule, error) {
	in := Draft{Name: "standard", Currency: cny("0").Currency(), From: april, Components: []Component{commission(nil)}}
	if change != nil {
		change(&in)
	}
	return h.Draft(as(drafter), in)
}

// published is such a draft, published.
func (h *house) published(change func(*Draft)) Schedule {
	h.t.Helper()
	d, err := h.draft(change)
	require.NoError(h.t, err)
	s, err := h.Publish(as(publisher), Publish{Schedule: d.ID})
	require.NoError(h.t, err)
	return s
}

// quote is what an order of a service of 100.00 is charged now.
func (h *house) quote(merchant platform.ID, amounts ...string) (Statement, []platform.Change) {
	h.t.Helper()
	var lines []platform.Leg
	for _, a := range append(amounts, "100.00")[:max(1, len(amounts))] {
		lines = append(lines, platform.Leg{Role: "service", Amount: cny(a)})
	}
	doc, checks, err := Quotes{Store: StoreOn(h.db), Terms: h.terms}.Quote(context.Background(), merchant, h.clock.Now(), lines, nil)
	require.NoError(h.t, err)
	var s Statement
	require.NoError(h.t, json.Unmarshal(doc, &s))
	return s, checks
}

func (h *house) events(subject platform.Ref) (types []string) {
	h.t.Helper()
	page, err := platform.List[platform.Event](context.Background(), h.db, platform.Query{Kind: "event", By: []string{"subject", "id"}, Equal: []any{subject}})
	require.NoError(h.t, err)
	for _, e := range page.Items {
		types = append(types, e.Type)
	}
	return types
}
