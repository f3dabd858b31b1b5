package fee

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// The port as the orders declare it.
var _ interface {
	Quote(ctx context.Context, merchant platform.ID, at time.Time, lines []platform.Leg, seen []json.RawMessage) (json.RawMessage, []platform.Change, error)
	Sold(ctx context.Context, order platform.Ref, merchant platform.ID, amount platform.Money, at time.Time) ([]platform.Change, error)
} = Quotes{}

func TestAPublishedScheduleHoldsFromItsStart(t *testing.T) {
	t.Parallel()
	h := open(t, Terms{})
	s := h.published(func(d *Draft) { d.Components[0].Rules[0].Rate = rate("0.2") })

	before, checks := h.quote(seller.ID)
	assert.Equal(t, []string{"standard-1", "10.00 CNY"}, []string{before.Version, before.Charges[0].Amount.String()})
	assert.Equal(t, []platform.Change{platform.Unchanged(h.at(t, s))}, checks)
	h.clock.Advance(april.Sub(noon))
	after, _ := h.quote(seller.ID)
	assert.Equal(t, []string{"standard-2", "20.00 CNY"}, []string{after.Version, after.Charges[0].Amount.String()})
	assert.Equal(t, s.ID, after.Schedule)
	assert.ElementsMatch(t, []string{"fee.drafted", "fee.published"}, h.events(s.Ref()))

	yen, _, err := Quotes{Store: StoreOn(h.db)}.Quote(context.Background(), seller.ID, h.clock.Now(), []platform.Leg{{Role: "service", Amount: platform.MustMoney("1000", "JPY")}}, nil)
	require.NoError(t, err)
	assert.Contains(t, string(yen), "standard-1", "a currency in which nothing was published")
}

// at is the course of a schedule as it stands.
func (h *house) at(t *testing.T, s Schedule) Course {
	t.Helper()
	c, err := platform.Read[Course](context.Background(), h.db, courseKind, CourseID(s.Name, s.Currency))
	require.NoError(t, err)
	return c
}

// Every way in which versions could fail to follow each other (F21 among them).
func TestVersionsFollowEachOther(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		until, from time.Time // of the first, of the second
		wait        time.Duration
		refusal     error
	}{
		"open, then the next":               {time.Time{}, may, 0, nil},
		"to the moment":                     {may, may, 0, nil},
		"a second too late":                 {may, may.Add(time.Second), 0, ErrGap},
		"a second too early":                {may, may.Add(-time.Second), 0, ErrOverlap},
		"at the same start":                 {time.Time{}, april, 0, ErrOverlap},
		"before it":                         {time.Time{}, april.Add(-time.Hour), 0, ErrOverlap},
		"no notice":                         {time.Time{}, noon.Add(7*24*time.Hour - time.Second), 0, ErrNotice},
		"retroactive":                       {time.Time{}, april.Add(time.Hour), april.Add(2 * time.Hour).Sub(noon), ErrRetroactive},
		"no time for notice, so it goes on": {april.Add(time.Hour), may, april.Sub(noon), nil},
		"after it went on":                  {april.Add(time.Hour), may, april.Add(48 * time.Hour).Sub(noon), nil},
	} {
		h := open(t, Terms{})
		h.published(func(d *Draft) { d.Until = c.until })
		second, err := h.draft(func(d *Draft) { d.From = c.from })
		require.NoError(t, err, name)
		h.clock.Advance(c.wait)

		s, err := h.Publish(as(publisher), Publish{Schedule: second.ID})

		if c.refusal == nil {
			require.NoError(t, err, name)
			assert.Equal(t, 3, s.Number, name)
			continue
		}
		require.ErrorIs(t, err, platform.ErrInvalid, name)
		if wrong, ok := errors.AsType[platform.FieldErrors](err); ok {
			assert.Equal(t, platform.Code(c.refusal), wrong[0].Code, name)
		} else {
			assert.Equal(t, platform.Code(c.refusal), platform.Code(err), name)
		}
	}
}

// F22: the old one goes on when it ends without a successor, and somebody is told
// once.
func TestAScheduleWithoutSuccessorGoesOn(t *testing.T) {
	t.Parallel()
	h := open(t, Terms{})
	s := h.published(func(d *Draft) { d.Until = may })
	fired, err := h.Tick(context.Background(), h.clock.Advance(april.Sub(noon)), 0)
	require.NoError(t, err)
	assert.Zero(t, fired)

	now := h.clock.Advance(may.Sub(april))
	for _, want := range []int{1, 0} {
		fired, err := h.Tick(context.Background(), now, 0)
		require.NoError(t, err)
		assert.Equal(t, want, fired)
	}

	assert.ElementsMatch(t, []string{"fee.drafted", "fee.published", "fee.continued"}, h.events(s.Ref()))
	h.clock.Advance(1000 * time.Hour)
	got, _ := h.quote(seller.ID)
	assert.Equal(t, "standard-2", got.Version)
}

func TestNothingIsToldOfAScheduleThatHasASuccessor(t *testing.T) {
	t.Parallel()
	h := open(t, Terms{})
	h.published(func(d *Draft) { d.Until = may })
	h.published(func(d *Draft) { d.From = may })
	fired, err := h.Tick(context.Background(), h.clock.Advance(may.Sub(noon)), 0)
	require.NoError(t, err)
	assert.Zero(t, fired)
	got, _ := h.quote(seller.ID)
	assert.Equal(t, "standard-3", got.Version)
}

func TestANoticeMayBeWaived(t *testing.T) {
	t.Parallel()
	h := open(t, Terms{Notice: -1})
	s := h.published(func(d *Draft) { d.From = h.clock.Now() })
	got, _ := h.quote(seller.ID)
	assert.Equal(t, s.Label(), got.Version)
}

func TestPublishingTakesTwo(t *testing.T) {
	t.Parallel()
	h := open(t, Terms{})
	d, err := h.draft(nil)
	require.NoError(t, err)

	_, err = h.Publish(as(drafter), Publish{Schedule: d.ID})
	require.ErrorIs(t, err, ErrFourEyes)
	_, err = h.Publish(as(publisher), Publish{Schedule: d.ID})
	require.NoError(t, err)
	_, err = h.Publish(as(publisher), Publish{Schedule: d.ID})
	require.ErrorIs(t, err, errDraft)
	_, err = h.Discard(as(publisher), Discard{Schedule: d.ID, Reason: "typo"})
	require.ErrorIs(t, err, errDraft, "published is for ever")
}

func TestADiscardedDraftIsNeverPublished(t *testing.T) {
	t.Parallel()
	h := open(t, Terms{})
	d, err := h.draft(nil)
	require.NoError(t, err)
	d, err = h.Discard(as(drafter), Discard{Schedule: d.ID, Reason: "typo"})
	require.NoError(t, err)
	assert.Equal(t, Discarded, d.State)
	_, err = h.Publish(as(publisher), Publish{Schedule: d.ID})
	require.ErrorIs(t, err, platform.ErrState)
	assert.ElementsMatch(t, []string{"fee.drafted", "fee.discarded"}, h.events(d.Ref()))
}

// Of versions that would start at once just one is published, and the course has it.
func TestOfRacingVersionsOneIsPublished(t *testing.T) {
	t.Parallel()
	h := open(t, Terms{})
	const n = 8
	drafts := make([]Schedule, n)
	for i := range drafts {
		var err error
		drafts[i], err = h.draft(nil)
		require.NoError(t, err)
	}
	errs := make([]error, n)
	var done sync.WaitGroup
	for i, d := range drafts {
		done.Go(func() { _, errs[i] = h.Publish(as(publisher), Publish{Schedule: d.ID}) })
	}
	done.Wait()

	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		require.ErrorIs(t, err, ErrOverlap)
	}
	assert.Equal(t, 1, won)
	assert.Len(t, h.at(t, drafts[0]).Versions, 1)
}

// What was quoted before a publication cannot be committed after it.
func TestAQuoteIsPinned(t *testing.T) {
	t.Parallel()
	h := open(t, Terms{})
	h.published(nil)
	_, checks := h.quote(seller.ID)
	h.published(func(d *Draft) { d.From = may })

	_, err := h.db.Commit(context.Background(), platform.Set{Changes: append(checks, event())})

	require.ErrorIs(t, err, platform.ErrConflict)
	_, checks = h.quote(seller.ID)
	_, err = h.db.Commit(context.Background(), platform.Set{Changes: append(checks, event())})
	require.NoError(t, err)
}

// event is one that a set must have.
func event() platform.Change {
	c := platform.Happened("order.placed", platform.Ref{Kind: "order", ID: platform.NewID("ord", noon, 1, 9)}, nil)
	e := c.Value.(platform.Event)
	e.ID, e.At, e.Actor = platform.NewID("evt", noon, 1, 10), noon, drafter
	c.Value, c.Ref = e, platform.Ref{Kind: "event", ID: e.ID}
	return c
}

func TestAMerchantIsBoundToItsAgreement(t *testing.T) {
	t.Parallel()
	h := open(t, Terms{})
	_, err := h.Bind(as(drafter), Bind{Merchant: seller.ID, Schedule: "partner", Reason: "contract"})
	var wrong platform.FieldErrors
	require.ErrorAs(t, err, &wrong)
	assert.Equal(t, "fee.unknown", wrong[0].Code)

	s := h.published(func(d *Draft) {
		d.Name = "partner"
		d.Components[0].Rules = []Rule{{ID: "gold", When: Match{Tiers: []string{"gold"}}, Rate: rate("0.03")}, {ID: "rest", Rate: rate("0.05")}}
	})
	assert.Equal(t, "partner-1", s.Label())
	b, err := h.Bind(as(drafter), Bind{Merchant: seller.ID, Schedule: "partner", Tier: "gold", Reason: "contract"})
	require.NoError(t, err)
	early, _ := h.quote(seller.ID)
	assert.Equal(t, "standard-1", early.Version, "nothing of that name is in force yet, and the merchant sells on")
	standing, err := h.Standing(as(seller), seller.ID, s.Currency)
	require.NoError(t, err)
	require.Len(t, standing.Coming, 1)
	assert.Equal(t, []string{"standard-1", "partner-1"}, []string{standing.Now.Label(), standing.Coming[0].Label()})
	dollars := []platform.Leg{{Role: "service", Amount: platform.MustMoney("1", "USD")}}
	_, _, err = Quotes{Store: StoreOn(h.db)}.Quote(context.Background(), seller.ID, noon, dollars, nil)
	require.ErrorIs(t, err, ErrCurrency, "nor will it ever be in this currency")

	h.clock.Advance(april.Sub(noon))
	bound, checks := h.quote(seller.ID)
	other, _ := h.quote(rival.ID)
	assert.Equal(t, []string{"partner-1", "gold", "3.00 CNY"}, []string{bound.Version, bound.Charges[0].Rule, bound.Charges[0].Amount.String()})
	assert.Equal(t, "standard-1", other.Version)
	assert.Equal(t, []platform.Change{platform.Unchanged(b), platform.Unchanged(h.at(t, s))}, checks)

	_, err = h.Bind(as(drafter), Bind{Merchant: seller.ID, Schedule: "partner", Tier: "silver", Reason: "contract"})
	require.NoError(t, err)
	again, _ := h.quote(seller.ID)
	assert.Equal(t, "rest", again.Charges[0].Rule)
	_, err = h.db.Commit(context.Background(), platform.Set{Changes: append(checks, event())})
	require.ErrorIs(t, err, platform.ErrConflict, "priced by the tier that it had")
	assert.ElementsMatch(t, []string{"fee.bound", "fee.bound"}, h.events(b.Ref()))
}

// The volume is that of the month before, and no refund moves it.
func TestVolumeIsThatOfThePreviousClosedMonth(t *testing.T) {
	t.Parallel()
	shanghai := time.FixedZone("Asia/Shanghai", 8*3600)
	terms := Terms{Volumes: true, Zone: shanghai}
	h := open(t, terms)
	h.published(func(d *Draft) {
		d.Components[0].Rules[0] = Rule{ID: "all", By: Volume, Tiers: []Tier{{cny("0"), rate("0.1")}, {cny("500"), rate("0.05")}}}
	})
	at := func(when time.Time) string {
		h.clock.Advance(when.Sub(h.clock.Now()))
		s, _ := h.quote(seller.ID)
		return s.Charges[0].Amount.String()
	}
	midnight := april.Add(-8 * time.Hour) // in Shanghai
	h.sell("300", midnight.Add(-time.Hour))
	h.sell("200", midnight.Add(-time.Second))
	h.sell("400", midnight)

	assert.Equal(t, "5.00 CNY", at(april))
	assert.Equal(t, "5.00 CNY", at(may.Add(-9*time.Hour)))
	assert.Equal(t, "10.00 CNY", at(may.Add(-8*time.Hour)), "400 in April")
	none, err := Quotes{}.Sold(context.Background(), platform.Ref{}, seller.ID, cny("1"), noon)
	require.NoError(t, err)
	assert.Empty(t, none)
}

// A draft of volume tiers is tried on the volumes that the merchants had, whatever
// their orders were priced by.
func TestAPreviewOfVolumeTiersKnowsTheVolumes(t *testing.T) {
	t.Parallel()
	h := open(t, Terms{Volumes: true})
	h.sell("500", noon.AddDate(0, -1, 0))
	s, _ := h.quote(seller.ID)
	doc, err := json.Marshal(s)
	require.NoError(t, err)
	*h.sales.all = append(*h.sales.all, doc)
	d, err := h.draft(func(d *Draft) {
		d.Components[0].Rules[0] = Rule{ID: "all", By: Volume, Tiers: []Tier{{cny("0"), rate("0.1")}, {cny("500"), rate("0.05")}}}
	})
	require.NoError(t, err)

	p, err := h.Preview(as(auditor), d.ID)

	require.NoError(t, err)
	assert.Equal(t, []Difference{{seller.ID, 1, cny("10"), cny("5"), cny("-5")}}, p.Merchants)
}

// sell counts a sale of the seller's.
func (h *house) sell(amount string, at time.Time) {
	h.t.Helper()
	order := platform.Ref{Kind: "order", ID: platform.NewID("ord", at, 1, uint64(at.UnixNano()))}
	changes, err := Quotes{Store: StoreOn(h.db), Terms: h.terms}.Sold(context.Background(), order, seller.ID, cny(amount), at)
	require.NoError(h.t, err)
	_, err = h.db.Commit(context.Background(), platform.Set{Changes: append(changes, named(at))})
	require.NoError(h.t, err)
}

// named is an event of its own for each moment.
func named(at time.Time) platform.Change {
	c := event()
	e := c.Value.(platform.Event)
	e.ID = platform.NewID("evt", at, 1, uint64(at.UnixNano()))
	c.Value, c.Ref = e, platform.Ref{Kind: "event", ID: e.ID}
	return c
}

func TestListingsTellTheFacts(t *testing.T) {
	t.Parallel()
	h := open(t, Terms{})
	lines := []platform.Leg{{Role: "service", Amount: cny("1")}, {Role: "freight", Amount: cny("2")}}
	seen := []json.RawMessage{json.RawMessage(`{"category":"cleaning","zone":"zon_1","channel":"app","order_kind":"fixed","title":"x"}`), nil}
	doc, _, err := Quotes{Store: StoreOn(h.db)}.Quote(context.Background(), seller.ID, noon, lines, seen)
	require.NoError(t, err)
	var s Statement
	require.NoError(t, json.Unmarshal(doc, &s))
	assert.Equal(t, Facts{Merchant: seller.ID, Channel: "app", Kind: "fixed", Lines: []Item{{"service", "cleaning", "zon_1", cny("1")}, {Kind: "freight", Amount: cny("2")}}}, s.Facts)

	_, _, err = Quotes{Store: StoreOn(h.db)}.Quote(context.Background(), seller.ID, noon, lines, []json.RawMessage{json.RawMessage(`[]`)})
	require.ErrorIs(t, err, errUnread)
}

func TestMerchantsSeeTheirScheduleBeforeItStarts(t *testing.T) {
	t.Parallel()
	h := open(t, Terms{})
	s := h.published(nil)
	d, err := h.draft(func(d *Draft) { d.From = may })
	require.NoError(t, err)

	mine, err := h.Standing(as(seller), seller.ID, s.Currency)
	require.NoError(t, err)
	assert.Equal(t, "standard-1", mine.Now.Label())
	require.Len(t, mine.Coming, 1)
	assert.Equal(t, "standard-2", mine.Coming[0].Label())

	_, err = h.Standing(as(rival), seller.ID, s.Currency)
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = h.Standing(as(buyer), seller.ID, s.Currency)
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = h.Schedule(as(seller), s.ID)
	require.NoError(t, err)
	_, err = h.Schedule(as(seller), d.ID)
	require.ErrorIs(t, err, platform.ErrNotFound, "a draft is the platform's own")
	_, err = h.Schedule(as(buyer), s.ID)
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = h.Schedules(as(seller), "", "")
	require.ErrorIs(t, err, errReader)
	page, err := h.Schedules(as(auditor), "standard", "")
	require.NoError(t, err)
	assert.Len(t, page.Items, 2)
}

func TestOnlyOperatorsChangeFees(t *testing.T) {
	t.Parallel()
	h := open(t, Terms{})
	d, err := h.draft(nil)
	require.NoError(t, err)
	for _, who := range []platform.Actor{seller, buyer, auditor} {
		for name, do := range map[string]func() error{
			"draft":   func() error { _, err := h.Draft(as(who), Draft{Name: "x"}); return err },
			"publish": func() error { _, err := h.Publish(as(who), Publish{Schedule: d.ID}); return err },
			"discard": func() error { _, err := h.Discard(as(who), Discard{Schedule: d.ID, Reason: "x"}); return err },
			"bind":    func() error { _, err := h.Bind(as(who), Bind{Merchant: seller.ID, Reason: "x"}); return err },
		} {
			require.ErrorIs(t, do(), errNotStaff, "%s by %s", name, who.Kind)
		}
	}
}

func TestAPreviewTellsTheDifferenceForEachMerchant(t *testing.T) {
	t.Parallel()
	h := open(t, Terms{})
	for _, o := range []struct {
		merchant platform.ID
		amount   string
	}{{seller.ID, "100.00"}, {seller.ID, "50.00"}, {rival.ID, "1000.00"}} {
		s, _ := h.quote(o.merchant, o.amount)
		doc, err := json.Marshal(s)
		require.NoError(t, err)
		*h.sales.all = append(*h.sales.all, doc)
	}
	*h.sales.all = append(*h.sales.all, json.RawMessage(`{"version":"partner-3","facts":{"lines":[{"kind":"service","amount":{"amount":"9.00","currency":"CNY"}}]}}`))
	d, err := h.draft(func(d *Draft) {
		d.Components[0].Rules[0].Max = cny("12")
		d.Components = append(d.Components, Component{Name: "service_fee", Payer: Customer, Rules: []Rule{{ID: "all", Fixed: cny("1")}}})
	})
	require.NoError(t, err)

	p, err := h.Preview(as(auditor), d.ID)

	require.NoError(t, err)
	assert.Equal(t, []any{"2026-02", 3, false}, []any{p.Month, p.Orders, p.Partial})
	assert.Equal(t, Sums{cny("115"), cny("0")}, p.Before)
	assert.Equal(t, Sums{cny("27"), cny("3")}, p.After)
	assert.Equal(t, []Difference{
		{rival.ID, 1, cny("100"), cny("12"), cny("-88")}, {seller.ID, 2, cny("15"), cny("15"), cny("0")},
	}, p.Merchants)

	_, err = h.Preview(as(seller), d.ID)
	require.ErrorIs(t, err, errReader)
	first := h.terms
	first.Preview = 2
	p, err = New(platform.Writer{Store: h.db, Now: h.clock.Now}, StoreOn(h.db), h.sales, &first).Preview(as(auditor), d.ID)
	require.NoError(t, err)
	assert.Equal(t, []any{2, true}, []any{p.Orders, p.Partial})
}

func TestAChargeIsExplained(t *testing.T) {
	t.Parallel()
	s, err := schedule(
		commission(func(c *Component) { c.Tax = rate("0.06") }),
		commission(func(c *Component) {
			c.Name, c.Back, c.Rules = "payment_fee", Kept, []Rule{{ID: "all", Rate: rate("0.006"), Fixed: cny("0.30")}}
		}),
		commission(func(c *Component) {
			c.Name, c.Back, c.Rules = "placement", KeptAtFault, []Rule{{ID: "all", By: Marginal, Tiers: []Tier{{cny("0"), rate("0.5")}, {cny("50"), rate("0.9")}}, Max: cny("300")}}
		}),
		commission(func(c *Component) { c.Name, c.Payer, c.Tax, c.Exclusive = "service_fee", Customer, rate("0.06"), true }),
	).Quote(sold("60.00", "40.00"))
	require.NoError(t, err)

	assert.Equal(t, []string{
		"Commission, paid by the merchant: 10% × 100.00 CNY of lines 1, 2 by rule all of test-7 comes to 10.00 CNY, of which 0.57 CNY is tax at 6%",
		"Payment fee, paid by the merchant: 0.6% × 100.00 CNY of lines 1, 2 by rule all of test-7 comes to 0.90 CNY, of it 0.30 CNY fixed; it is kept when the order is refunded",
		"Placement, paid by the merchant: 50% × 50.00 CNY + 90% × 50.00 CNY of lines 1, 2 by rule all of test-7 comes to 70.00 CNY; it is kept when the order is refunded by the customer's fault",
		"Service fee, paid by the customer: 10% × 100.00 CNY of lines 1, 2 by rule all of test-7 comes to 10.60 CNY, 0.60 CNY of it tax at 6% on top",
	}, s.Explain("en", platform.Operator))
	zh := s.Explain("zh-CN", platform.Customer)
	assert.Equal(t, []string{"服务费，由客户承担：第1, 2行按test-7规则all，10% × 100.00 CNY，计10.60 CNY，另加税0.60 CNY已计入（税率6%）"}, zh)
	for _, line := range append(s.Explain("zh", platform.Merchant), zh...) {
		assert.NotContains(t, line, "%!")
	}
}

// Of two first bindings at once both are made, the later on top of the earlier, also
// where a command is decided only once.
func TestRacingFirstBindingsFollowEachOther(t *testing.T) {
	t.Parallel()
	const n = 2
	h := open(t, Terms{})
	h.meet(n)
	bound, errs := make([]Binding, n), make([]error, n)
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() {
			bound[i], errs[i] = h.Bind(as(drafter), Bind{Merchant: seller.ID, Tier: strconv.Itoa(i), Reason: "contract"})
		})
	}
	done.Wait()

	for i, err := range errs {
		require.NoError(t, err)
		assert.Equal(t, strconv.Itoa(i), bound[i].Tier, "each is told of its own")
	}
	assert.Len(t, h.events(bound[0].Ref()), n)
	s, err := h.Standing(as(drafter), seller.ID, cny("0").Currency())
	require.NoError(t, err)
	assert.Equal(t, int64(n), s.Binding.Revision())
}

// crowd is a store whose first reads of a binding wait for each other, so that all
// who make a first one have seen none.
type crowd struct {
	platform.DB
	mu   sync.Mutex
	left int
	all  chan struct{}
}

// meet lets so many first readers of a binding go on together.
func (h *house) meet(n int) {
	c := &crowd{DB: h.db, left: n, all: make(chan struct{})}
	h.Service = New(platform.Writer{Store: h.db, Now: h.clock.Now, Tries: 1}, StoreOn(c), h.sales, &h.terms)
}

func (c *crowd) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	found, err := c.DB.Get(ctx, refs...)
	if !slices.ContainsFunc(refs, func(r platform.Ref) bool { return r.Kind == bindingKind }) {
		return found, err
	}
	c.mu.Lock()
	if c.left--; c.left == 0 {
		close(c.all)
	}
	c.mu.Unlock()
	<-c.all
	return found, err
}
