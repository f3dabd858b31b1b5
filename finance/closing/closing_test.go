package closing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/store/memory"
)

var (
	march    = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	april    = time.Date(2026, 4, 2, 12, 0, 0, 0, time.UTC)
	order    = platform.NewID("ord", march, 7, 1)
	merchant = platform.NewID("mer", march, 9, 3)
	member   = platform.NewID("stf", march, 9, 4)
)

// house is books with a service that closes them, and a clock.
type house struct {
	*Service
	t      testing.TB
	db     *memory.DB
	ledger *finance.Service
	now    time.Time
	n      uint64
	red    map[string]string // what another room says
}

// Checks implements [Checks].
func (h *house) Checks(context.Context, string) (map[string]string, error) { return h.red, nil }

func newHouse(t testing.TB) *house {
	t.Helper()
	db := memory.New(append(finance.Kinds(), Kinds()...), nil)
	h := &house{t: t, db: db, now: march, red: map[string]string{"reconciled": ""}}
	var ids atomic.Uint64
	w := platform.Writer{Store: db, Now: func() time.Time { return h.now }, IDs: func() uint64 { return ids.Add(1) << 20 }}
	h.ledger = finance.New(w, finance.StoreOn(db), nil)
	h.Service = New(w, StoreOn(db), Ports{Books: finance.Books{Store: finance.StoreOn(db), Now: w.Now}, Checks: []Checks{h}}, nil)
	h.number()
	return h
}

// opened is a house with a sale of 100.00 in March.
func opened(t testing.TB) *house {
	t.Helper()
	h := newHouse(t)
	h.book("pay.captured", order, "clearing:sandbox", "100.00", "escrow:"+string(order), "-100.00")
	h.sell("100.00", "90.00", "9.43", "0.57")
	return h
}

func (h *house) sell(total, earned, fee, tax string) {
	h.book("order.completed", order, "escrow:"+string(order), total, "earning:"+string(order)+":"+string(merchant), "-"+earned, "commission:cleaning", "-"+fee, "output_tax", "-"+tax)
}

// legs are accounts and amounts.
func legs(words ...string) (all []platform.Leg) {
	for i := 0; i < len(words); i += 2 {
		a, err := finance.ParseAccount(words[i])
		if err != nil {
			panic(err)
		}
		all = append(all, platform.Leg{Role: a.Role, Of: a.Of, Party: a.Party, Amount: platform.MustMoney(words[i+1], "CNY")})
	}
	return all
}

// book books a fact of another order each time, as of now.
func (h *house) book(what string, on platform.ID, words ...string) platform.ID {
	h.t.Helper()
	h.n++
	return h.bookAt(h.now, what, platform.Ref{Kind: "order", ID: platform.NewID("ord", march, on.Slot(), h.n+100)}, words...)
}

func (h *house) bookAt(at time.Time, what string, subject platform.Ref, words ...string) platform.ID {
	h.t.Helper()
	id, err := platform.Update(asSystem(), h.w, struct{}{}, func(ctx context.Context) (platform.ID, []platform.Change, error) {
		set, err := h.ports.Books.Post(ctx, what, subject, at, legs(words...))
		if err != nil {
			return "", nil, err
		}
		return set[0].Ref.ID, append(set, platform.Happened(what, subject, nil)), nil
	})
	require.NoError(h.t, err)
	return id
}

// number gives what was booked its numbers, as if a quarter of an hour passed.
func (h *house) number() {
	h.t.Helper()
	for range 3 {
		_, err := h.ledger.Tick(asSystem(), h.now.Add(15*time.Minute), 0)
		require.NoError(h.t, err)
	}
}

// shut closes months for good, one after the other.
func (h *house) shut(months ...string) {
	h.t.Helper()
	for _, month := range months {
		_, err := h.SoftClose(asOperator("a"), SoftClose{month})
		require.NoError(h.t, err)
		if strings.HasSuffix(month, "-12") {
			_, err = h.CloseYear(asOperator("a"), CloseYear{2026})
			require.NoError(h.t, err)
			h.number()
		}
		_, err = h.HardClose(asOperator("a"), HardClose{Month: month})
		require.NoError(h.t, err)
	}
}

func asOperator(id platform.ID) context.Context {
	return platform.As(context.Background(), platform.Actor{ID: "opr-" + id, Kind: platform.Operator, Roles: []string{finance.Accountant}})
}

func asSystem() context.Context {
	return platform.As(context.Background(), platform.SystemActor("test"))
}

func as(kind platform.ActorKind) context.Context {
	return platform.As(context.Background(), platform.Actor{ID: "some", Kind: kind})
}

// sound demands that books and closes prove themselves.
func (h *house) sound() {
	h.t.Helper()
	wrong, err := finance.Verify(context.Background(), h.db.Snapshot())
	require.NoError(h.t, err)
	require.Empty(h.t, wrong)
	wrong, err = Verify(context.Background(), h.db.Snapshot())
	require.NoError(h.t, err)
	require.Empty(h.t, wrong)
}

func TestAMonthIsClosedWhenEveryItemIsGreenOrWaived(t *testing.T) {
	t.Parallel()
	h := opened(t)
	h.book("suspense.opened", order, "suspense:sandbox", "3.00", "clearing:sandbox", "-3.00")
	h.now, h.red["reconciled"] = april, "2 lines are open"
	_, err := h.SoftClose(asOperator("a"), SoftClose{"2026-03"})
	require.NoError(t, err)
	closing := func(waived ...Waiver) error {
		_, err := h.HardClose(asOperator("a"), HardClose{"2026-03", waived})
		return err
	}

	err = closing()
	require.ErrorIs(t, err, ErrChecklist)
	assert.Equal(t, []string{"journal_numbered", "reconciled"}, platform.Details(err)["items"])
	require.ErrorIs(t, closing(Waiver{"journal_numbered", "hurry"}), ErrWaiver, "a proof is not waived")
	h.number()
	require.ErrorIs(t, closing(Waiver{"journal_numbered", "green"}), ErrWaiver)
	require.ErrorIs(t, closing(Waiver{"suspense", "known"}), ErrChecklist)
	items, err := h.Checklist(as(platform.Auditor), "2026-03")
	require.NoError(t, err)
	assert.Equal(t, Item{Name: "suspense", Problem: "suspense:sandbox/CNY"}, items[2])

	require.NoError(t, closing(Waiver{"suspense", "known"}, Waiver{"reconciled", "bank_holiday"}))
	page, err := h.Closes(as(platform.Auditor), "")
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	assert.Equal(t, []any{"2026-03", int64(3), "", "bank_holiday"}, []any{page.Items[0].Month, page.Items[0].Count, page.Items[0].Before, page.Items[0].Items[4].Waived})
	assert.Len(t, page.Items[0].Digest, 64)
	h.sound()
}

func TestClosesAreAChainAndReopeningNeedsTwo(t *testing.T) {
	t.Parallel()
	h := opened(t)
	h.now = time.Date(2026, 5, 5, 12, 0, 0, 0, time.UTC)
	h.number()
	h.shut("2026-03", "2026-04")
	first, err := h.store.Close(context.Background(), "2026-04")
	require.NoError(t, err)
	before, err := h.store.Close(context.Background(), "2026-03")
	require.NoError(t, err)
	assert.Equal(t, before.Digest, first.Before)

	_, err = h.AskReopen(asOperator("a"), AskReopen{"2026-03", "late_invoice"})
	require.ErrorIs(t, err, finance.ErrNotLast)
	_, err = h.Reopen(asOperator("b"), Reopen{"2026-04"})
	require.ErrorIs(t, err, finance.ErrNotLast, "nobody asked")
	_, err = h.AskReopen(asOperator("a"), AskReopen{"2026-04", "late_invoice"})
	require.NoError(t, err)
	_, err = h.Reopen(asOperator("a"), Reopen{"2026-04"})
	require.ErrorIs(t, err, finance.ErrCloseFourEyes)
	p, err := h.Reopen(asOperator("b"), Reopen{"2026-04"})
	require.NoError(t, err)
	assert.Equal(t, finance.PeriodSoftClosed, p.State("2026-04"))
	h.sound()

	h.bookAt(time.Date(2026, 4, 30, 12, 0, 0, 0, time.UTC), "allowance.changed", platform.Ref{Kind: "order", ID: order}, "bad_debt", "1.00", "allowance:cny", "-1.00")
	h.number()
	second, err := h.HardClose(asOperator("a"), HardClose{Month: "2026-04"})
	require.NoError(t, err)
	assert.Equal(t, first.Version+1, second.Version)
	assert.NotEqual(t, first.Digest, second.Digest)
	h.sound()
}

// cut is up to where auditors rely on the books.
type cut struct{ month string }

// Cutoff implements [Cutoff].
func (c *cut) Cutoff(context.Context) (string, error) { return c.month, nil }

func TestNoMonthIsOpenedBehindTheAuditorsCutoff(t *testing.T) {
	t.Parallel()
	h := opened(t)
	last := &cut{month: "2026-02"}
	h.ports.Cutoff = last
	h.now = april
	h.number()
	h.shut("2026-03")
	_, err := h.AskReopen(asOperator("a"), AskReopen{"2026-03", "late_invoice"})
	require.NoError(t, err, "auditors rely on February")

	last.month = "2026-03" // fixed between the question and the answer
	_, err = h.Reopen(asOperator("b"), Reopen{"2026-03"})
	require.ErrorIs(t, err, ErrCutoff)
	_, err = h.AskReopen(asOperator("a"), AskReopen{"2026-03", "late_invoice"})
	require.ErrorIs(t, err, ErrCutoff)
	p, err := h.ports.Books.Periods(asSystem())
	require.NoError(t, err)
	assert.Equal(t, "2026-03", p.Hard)
}

// Invariant 21: whatever races with a close is in its sums, or not in its month.
func TestNothingEntersAMonthBehindItsClose(t *testing.T) {
	t.Parallel()
	h := opened(t)
	h.now = april
	h.number()
	_, err := h.SoftClose(asOperator("a"), SoftClose{"2026-03"})
	require.NoError(t, err)
	var race sync.WaitGroup
	for i := range uint64(8) {
		race.Go(func() {
			subject := platform.Ref{Kind: "order", ID: platform.NewID("ord", march, 3, i)}
			_, err := h.ledger.Transfer(asOperator("a"), finance.Transfer{Steps: []finance.Step{{
				What: "allowance.changed", Subject: subject, At: march.AddDate(0, 0, 20), Reason: "accrual",
				Legs: []finance.Line{{Account: "bad_debt", Amount: platform.MustMoney("1.00", "CNY")}, {Account: "allowance:cny", Amount: platform.MustMoney("-1.00", "CNY")}},
			}}})
			if err != nil {
				assert.ErrorIs(t, err, finance.ErrPeriodClosed)
			}
		})
		race.Go(func() {
			_, err := h.ledger.Tick(asSystem(), h.now.Add(15*time.Minute), 0)
			assert.NoError(t, err)
			_, err = h.HardClose(asOperator("a"), HardClose{Month: "2026-03"})
			if err != nil {
				assert.ErrorIs(t, err, platform.ErrState)
			}
		})
	}
	race.Wait()
	h.number()
	_, _ = h.HardClose(asOperator("a"), HardClose{Month: "2026-03"})

	c, err := h.store.Close(context.Background(), "2026-03")
	require.NoError(t, err)
	assert.EqualValues(t, 1, c.Version)
	h.sound()
}

func TestOnlyOperatorsCloseAndReadersRead(t *testing.T) {
	t.Parallel()
	h := opened(t)
	for _, ctx := range []context.Context{as(platform.Auditor), as(platform.Merchant), context.Background()} {
		_, soft := h.SoftClose(ctx, SoftClose{"2026-03"})
		_, hard := h.HardClose(ctx, HardClose{Month: "2026-03"})
		_, year := h.CloseYear(ctx, CloseYear{2026})
		_, tax := h.ReportTax(ctx, ReportTax{Quarter: "2026-Q1"})
		for _, err := range []error{soft, hard, year, tax} {
			require.Error(t, err)
			assert.NotErrorIs(t, err, platform.ErrState)
		}
	}
	ctx := as(platform.Merchant)
	_, list := h.Checklist(ctx, "2026-03")
	_, closes := h.Closes(ctx, "")
	_, sheet := h.BalanceSheet(ctx, "2026-03")
	_, income := h.IncomeStatement(ctx, "2026-03", "2026-03")
	_, cash := h.CashFlow(ctx, "2026-03", "2026-03")
	_, escrow := h.Escrow(ctx, "2026-03")
	_, reports := h.TaxReports(ctx, "", "")
	for _, err := range []error{list, closes, sheet, income, cash, escrow, reports, h.ExportTax(ctx, "txr_x", &bytes.Buffer{})} {
		require.ErrorIs(t, err, ErrReader)
	}
	abroad := platform.As(context.Background(), platform.Actor{ID: "opr-x", Kind: platform.Operator, Tenant: "abroad"})
	_, reports = h.TaxReport(abroad, "txr_x")
	_, soft := h.SoftClose(abroad, SoftClose{"2026-03"})
	for _, err := range []error{reports, soft} {
		require.ErrorIs(t, err, platform.ErrNotFound)
	}
	for _, month := range []string{"2026", "2026-13", "march"} {
		_, err := h.BalanceSheet(as(platform.Auditor), month)
		require.ErrorIs(t, err, ErrMonth)
	}
}

// Opening = closing of the year before, exactly.
func TestAYearOpensWithWhatTheLastOneClosedWith(t *testing.T) {
	t.Parallel()
	h := opened(t)
	h.book("gateway.fee", order, "gateway_fee:sandbox", "2.00", "clearing:sandbox", "-2.00")
	h.now = time.Date(2027, 1, 3, 12, 0, 0, 0, time.UTC)
	h.number()
	for m := time.March; m <= time.November; m++ {
		h.shut(time.Date(2026, m, 1, 0, 0, 0, 0, time.UTC).Format("2006-01"))
	}
	_, err := h.CloseYear(asOperator("a"), CloseYear{2026})
	require.ErrorIs(t, err, ErrYear, "December is open")
	_, err = h.SoftClose(asOperator("a"), SoftClose{"2026-12"})
	require.NoError(t, err)
	_, err = h.HardClose(asOperator("a"), HardClose{Month: "2026-12"})
	require.ErrorIs(t, err, ErrChecklist, "the year is not closed")
	year, err := h.CloseYear(asOperator("a"), CloseYear{2026})
	require.NoError(t, err)
	assert.Equal(t, []platform.Money{platform.MustMoney("7.43", "CNY")}, year.Result)
	_, err = h.CloseYear(asOperator("a"), CloseYear{2026})
	require.ErrorIs(t, err, ErrYear, "once")
	h.number()
	_, err = h.HardClose(asOperator("a"), HardClose{Month: "2026-12"})
	require.NoError(t, err)

	december, err := h.BalanceSheet(asOperator("a"), "2026-12")
	require.NoError(t, err)
	january, err := h.BalanceSheet(asOperator("a"), "2027-01")
	require.NoError(t, err)
	january[0].Month = december[0].Month
	assert.Equal(t, december, january)
	assert.Equal(t, "7.43 CNY", december[0].Equity.Total.String())
	assert.Zero(t, december[0].Result.Sign())
	income, err := h.IncomeStatement(as(platform.Auditor), "2026-01", "2026-12")
	require.NoError(t, err)
	assert.Equal(t, "7.43 CNY", income[0].Result.String(), "closing a year is no part of its result")
	h.sound()
}

// What enters December between the close of the year and that of the month is
// carried on too, and never stranded on income or expense.
func TestAPostingAfterTheYearsCloseIsCarriedOn(t *testing.T) {
	t.Parallel()
	h := opened(t)
	h.now = time.Date(2027, 1, 3, 12, 0, 0, 0, time.UTC)
	h.number()
	for m := time.March; m <= time.November; m++ {
		h.shut(time.Date(2026, m, 1, 0, 0, 0, 0, time.UTC).Format("2006-01"))
	}
	_, err := h.SoftClose(asOperator("a"), SoftClose{"2026-12"})
	require.NoError(t, err)
	first, err := h.CloseYear(asOperator("a"), CloseYear{2026})
	require.NoError(t, err)
	end := time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC)
	h.bookAt(end, "allowance.changed", platform.Ref{Kind: "test", ID: order}, "bad_debt", "1.00", "allowance:mer", "-1.00")
	h.now = h.now.Add(time.Hour)
	h.number()
	_, err = h.HardClose(asOperator("a"), HardClose{Month: "2026-12"})
	require.ErrorIs(t, err, ErrChecklist, "its result is not all carried on")

	again, err := h.CloseYear(asOperator("a"), CloseYear{2026})
	require.NoError(t, err)
	less, err := first.Result[0].Sub(again.Result[0])
	require.NoError(t, err)
	assert.Equal(t, "1.00 CNY", less.String())
	h.now = h.now.Add(time.Hour)
	h.number()
	_, err = h.CloseYear(asOperator("a"), CloseYear{2026})
	require.ErrorIs(t, err, ErrYear, "nothing is left")
	_, err = h.HardClose(asOperator("a"), HardClose{Month: "2026-12"})
	require.NoError(t, err)
	december, err := h.BalanceSheet(asOperator("a"), "2026-12")
	require.NoError(t, err)
	assert.Zero(t, december[0].Result.Sign())
	h.sound()
}

func TestVerifyFindsAForgedClose(t *testing.T) {
	t.Parallel()
	h := opened(t)
	h.now = april
	h.number()
	h.shut("2026-03")
	_, err := platform.Update(asSystem(), h.w, struct{}{}, func(ctx context.Context) (struct{}, []platform.Change, error) {
		c, err := h.store.Close(ctx, "2026-03")
		c.Count++
		return struct{}{}, []platform.Change{platform.Put(c), platform.Happened("forged", c.Ref(), nil)}, err
	})
	require.NoError(t, err)

	wrong, err := Verify(context.Background(), h.db.Snapshot())

	require.NoError(t, err)
	require.Len(t, wrong, 1)
	assert.Equal(t, "V8", wrong[0].Rule)
}

func digestOf(lines string) string {
	sum := sha256.Sum256([]byte(lines))
	return hex.EncodeToString(sum[:])
}

// busy is a store on which somebody books while sums are read.
type busy struct {
	finance.Store
	meanwhile func()
}

func (b *busy) AccountSums(ctx context.Context, month, account, cursor string) (platform.Page[finance.AccountSum], error) {
	page, err := b.Store.AccountSums(ctx, month, account, cursor)
	if once := b.meanwhile; once != nil {
		b.meanwhile = nil
		once()
	}
	return page, err
}

func TestAYearIsNotClosedOnSumsThatMoved(t *testing.T) {
	t.Parallel()
	h := opened(t)
	h.now = time.Date(2027, 1, 3, 12, 0, 0, 0, time.UTC)
	h.number()
	for m := time.March; m <= time.November; m++ {
		h.shut(time.Date(2026, m, 1, 0, 0, 0, 0, time.UTC).Format("2006-01"))
	}
	_, err := h.SoftClose(asOperator("a"), SoftClose{"2026-12"})
	require.NoError(t, err)
	end := time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC)
	h.ports.Books.Store = &busy{h.ports.Books.Store, func() {
		h.bookAt(end, "allowance.changed", platform.Ref{Kind: "test", ID: order}, "bad_debt", "1.00", "allowance:mer", "-1.00")
	}}

	_, err = h.CloseYear(asOperator("a"), CloseYear{2026})
	require.ErrorIs(t, err, ErrYear, "the journal is not numbered any more")
	h.number()
	h.now = h.now.Add(time.Hour)
	year, err := h.CloseYear(asOperator("a"), CloseYear{2026})

	require.NoError(t, err)
	assert.Equal(t, []platform.Money{platform.MustMoney("8.43", "CNY")}, year.Result)
	h.number()
	_, err = h.HardClose(asOperator("a"), HardClose{Month: "2026-12"})
	require.NoError(t, err)
	h.sound()
}
