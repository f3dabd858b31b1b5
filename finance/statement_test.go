package finance

import (
	"context"
	"encoding/json"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
)

func as(kind platform.ActorKind, id platform.ID) context.Context {
	return platform.As(context.Background(), platform.Actor{ID: id, Kind: kind})
}

func currency(t testing.TB, code string) platform.Currency {
	t.Helper()
	c, err := platform.ParseCurrency(code)
	require.NoError(t, err)
	return c
}

func TestAStatementTellsEveryEntryWithItsBalance(t *testing.T) {
	t.Parallel()
	d := newDesk(t, captured("100.00"), completed("100.00", "90.00", "10.00", "0"), closed("90.00"),
		booked("refund.approved", refund(1), dr("payable", "27.00", merchant), dr("commission", "3.00"), cr("refund_due", "30.00", order.ID)))
	account := Account{Role: "payable", Party: merchant}
	cny := currency(t, "CNY")

	page, err := d.Entries(as(platform.Merchant, merchant), account, cny, "")
	require.NoError(t, err)
	require.Len(t, page.Items, 1, "a hold is no entry")
	require.NoError(t, d.book(succeeded(1, "30.00")))
	page, err = d.Entries(as(platform.Merchant, merchant), account, cny, "")
	require.NoError(t, err)

	require.Len(t, page.Items, 2)
	sale, back := page.Items[0], page.Items[1]
	assert.Equal(t, Entry{
		Seq: 1, At: nextDay, Effective: noon, What: "order.closed", Subject: order, Posting: closed("90.00").id(),
		Amount: platform.MustMoney("90.00", "CNY"), After: platform.MustMoney("90.00", "CNY"),
	}, sale)
	assert.Equal(t, []any{int64(2), "refund.approved", refund(1), "-27.00 CNY", "63.00 CNY"},
		[]any{back.Seq, back.What, back.Subject, back.Amount.String(), back.After.String()})
}

func TestDecidingCodeLearnsWhatIsFree(t *testing.T) {
	t.Parallel()
	d := newDesk(t, captured("100.00"), completed("100.00", "90.00", "10.00", "0"), closed("90.00"),
		booked("payout.sent", refund(9), dr("payable", "27.00", merchant), cr("bank", "27.00", "bank-1")))
	free := func(role string, of, party platform.ID) string {
		m, err := d.Free(context.Background(), role, of, party, currency(t, "CNY"))
		require.NoError(t, err)
		return m.String()
	}

	assert.Equal(t, "63.00 CNY", free("payable", "", merchant), "nobody asked, and a hold takes")
	assert.Equal(t, "100.00 CNY", free("clearing", "", "sandbox"), "all of an account without floor")
	assert.Equal(t, "10.00 CNY", free("commission", "", ""), "in the normal direction")
	assert.Equal(t, "0.00 CNY", free("escrow", order.ID, ""))
	assert.Equal(t, "0.00 CNY", free("deposit", "", merchant), "never booked on")

	for _, wrong := range []Account{{Role: "till"}, {Role: "payable"}, {Role: "escrow", Party: merchant}, {Role: "payable", Party: "a:b"}} {
		_, err := d.Free(context.Background(), wrong.Role, wrong.Of, wrong.Party, currency(t, "CNY"))
		require.ErrorIs(t, err, ErrRole)
	}
}

func TestEntriesAreReadFromAnyOfThemOn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for n := range uint64(3) {
		of := platform.NewID("ord", noon, 7, 100+n)
		require.NoError(t, d.book(booked("pay.captured", platform.Ref{Kind: "payment.attempt", ID: of.As("att")}, dr("clearing", "1.00", "sandbox"), cr("escrow", "1.00", of))))
	}
	account, cny := Account{Role: "clearing", Party: "sandbox"}, currency(t, "CNY")
	page, err := d.Entries(asSystem(), account, cny, "")
	require.NoError(t, err)
	require.Len(t, page.Items, 3)

	for seq, want := range [][]Entry{page.Items, page.Items, page.Items[1:], page.Items[2:], {}} {
		got, err := d.EntriesFrom(asSystem(), account, cny, int64(seq))
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err = d.EntriesFrom(as(platform.Merchant, merchant), account, cny, 1)
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = d.EntriesFrom(asSystem(), Account{Role: "purse"}, cny, 1)
	require.ErrorIs(t, err, ErrRole)
}

func TestABalanceSaysWhatIsHeld(t *testing.T) {
	t.Parallel()
	d := newDesk(t, captured("100.00"), approved(1, "30.00"))

	b, err := d.Balance(asSystem(), Account{Role: "escrow", Of: order.ID}, currency(t, "CNY"))

	require.NoError(t, err)
	text, err := json.Marshal(b)
	require.NoError(t, err)
	assert.JSONEq(t, `{"account":"`+escrow()+`","posted":{"amount":"100.00","currency":"CNY"},
		"available":{"amount":"70.00","currency":"CNY"},"held":{"amount":"30.00","currency":"CNY"}}`, string(text))
}

func TestAnAccountNeverBookedOnIsZeroInItsCurrency(t *testing.T) {
	t.Parallel()
	d := newDesk(t, captured("100.00"))

	b, err := d.Balance(asSystem(), Account{Role: "escrow", Of: order.ID}, currency(t, "USD"))

	require.NoError(t, err)
	assert.Equal(t, "0.00 USD", b.Posted.String())
	page, err := d.Entries(asSystem(), Account{Role: "escrow", Of: order.ID}, currency(t, "USD"), "")
	require.NoError(t, err)
	assert.Empty(t, page.Items)
}

func TestAPartyReadsItsOwnAccountsOnly(t *testing.T) {
	t.Parallel()
	d := newDesk(t, captured("100.00"))
	cny := currency(t, "CNY")
	own, foreign := Account{Role: "payable", Party: merchant}, Account{Role: "payable", Party: platform.NewID("mer", noon, 1, 1)}
	proxy := platform.As(context.Background(), platform.Actor{ID: "staff-of-merchant", Kind: platform.Merchant, OnBehalf: merchant})
	for name, c := range map[string]struct {
		ctx  context.Context
		at   Account
		want error
	}{
		"merchant, own":      {as(platform.Merchant, merchant), own, nil},
		"on behalf":          {proxy, own, nil},
		"merchant, foreign":  {as(platform.Merchant, merchant), foreign, platform.ErrNotFound},
		"merchant, escrow":   {as(platform.Merchant, merchant), Account{Role: "escrow", Of: order.ID}, platform.ErrNotFound},
		"customer, income":   {as(platform.Customer, "cus"), Account{Role: "commission"}, platform.ErrNotFound},
		"operator":           {as(platform.Operator, "opr"), foreign, nil},
		"auditor":            {as(platform.Auditor, "aud"), Account{Role: "commission"}, nil},
		"other tenant, own":  {abroad(platform.Merchant, merchant), own, platform.ErrNotFound},
		"other tenant":       {abroad(platform.Operator, "opr"), own, platform.ErrNotFound},
		"nobody":             {context.Background(), own, platform.ErrDenied},
		"no such account":    {asSystem(), Account{Role: "payable"}, ErrRole},
		"no such account, x": {as(platform.Customer, "cus"), Account{Role: "cash"}, ErrRole},
	} {
		_, err := d.Balance(c.ctx, c.at, cny)
		require.ErrorIs(t, err, c.want, name)
		_, err = d.Entries(c.ctx, c.at, cny, "")
		require.ErrorIs(t, err, c.want, name)
	}
	for _, kind := range []platform.ActorKind{platform.Customer, platform.Merchant, platform.Staff} {
		_, err := d.TrialBalance(as(kind, merchant))
		require.ErrorIs(t, err, ErrReader)
	}
	_, err := d.TrialBalance(abroad(platform.Auditor, "aud"))
	require.ErrorIs(t, err, ErrReader)
	_, err = d.TrialBalance(context.Background())
	require.ErrorIs(t, err, platform.ErrDenied)
}

// abroad is an actor of another tenant.
func abroad(kind platform.ActorKind, id platform.ID) context.Context {
	return platform.As(context.Background(), platform.Actor{ID: id, Kind: kind, Tenant: "elsewhere"})
}

func TestTheTrialBalanceIsZero(t *testing.T) {
	t.Parallel()
	yen := booked("pay.promotion", attempt, dr("marketing", "5", ""), cr("escrow", "5", order.ID))
	for i := range yen.Legs {
		yen.Legs[i].Amount, _ = platform.FromMinor(yen.Legs[i].Amount.Minor()/100, currency(t, "JPY"))
	}
	d := newDesk(t, captured("100.00"), completed("100.00", "90.00", "9.43", "0.57"), yen)

	all, err := d.TrialBalance(as(platform.Auditor, "aud"))

	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, []string{"100.00 CNY", "100.00 CNY", "5 JPY", "5 JPY"},
		[]string{all[0].Debit.String(), all[0].Credit.String(), all[1].Debit.String(), all[1].Credit.String()})
	var lines []string
	for _, l := range all[0].Lines {
		lines = append(lines, l.Role+" "+l.Debit.String()+" "+l.Credit.String())
	}
	assert.Equal(t, []string{
		"clearing 100.00 CNY 0.00 CNY", "escrow 0.00 CNY 0.00 CNY", "earning 0.00 CNY 90.00 CNY",
		"output_tax 0.00 CNY 0.57 CNY", "commission 0.00 CNY 9.43 CNY",
	}, lines)
}

// TestAReportOfTooMuchIsRefused adds up two institutions of nearly all that an
// amount can hold; each alone is fine.
func TestAReportOfTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	most, err := platform.FromMinor(math.MaxInt64, currency(t, "CNY"))
	require.NoError(t, err)
	d := newDesk(t)
	for n, institution := range []platform.ID{"sandbox", "other"} {
		of := platform.NewID("ord", noon, 7, uint64(n))
		b := booked("pay.captured", platform.Ref{Kind: "order", ID: of}, dr("clearing", "1", institution), cr("escrow", "1", of))
		b.Legs[0].Amount, b.Legs[1].Amount = most, most.Neg()
		require.NoError(t, d.book(b))
	}

	_, err = d.TrialBalance(asSystem())

	require.ErrorIs(t, err, ErrOverflow)
	d.sound(t)

	_, err = trial{"clearing": new(big.Int).Lsh(big.NewInt(1), 63)}.balance("CNY")
	require.ErrorIs(t, err, ErrOverflow, "books that are not in order, too")
}

func TestPagesOfAStatementJoin(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const n = pageSize + 20
	for i := range n {
		of := platform.NewID("ord", noon, platform.Slot(i%4096), uint64(i))
		require.NoError(t, d.book(booked("pay.promotion", platform.Ref{Kind: "order", ID: of}, dr("marketing", "0.01"), cr("escrow", "0.01", of))))
	}
	var seqs []int64
	for page, err := range pages(func(cursor string) (platform.Page[Entry], error) {
		return d.Entries(asSystem(), Account{Role: "marketing"}, currency(t, "CNY"), cursor)
	}) {
		require.NoError(t, err)
		for _, e := range page {
			seqs = append(seqs, e.Seq)
		}
	}

	require.Len(t, seqs, n)
	for i, seq := range seqs {
		require.EqualValues(t, i+1, seq)
	}
	d.sound(t)
}

func TestAClosedStoreIsAnError(t *testing.T) {
	t.Parallel()
	db := memory.New(Kinds(), nil)
	require.NoError(t, db.Close())
	b := Books{Store: StoreOn(db)}

	_, err := b.TrialBalance(asSystem())
	require.ErrorIs(t, err, platform.ErrUnavailable)
	_, err = b.Balance(asSystem(), Account{Role: "commission"}, currency(t, "CNY"))
	require.ErrorIs(t, err, platform.ErrUnavailable)
	_, err = b.Entries(asSystem(), Account{Role: "commission"}, currency(t, "CNY"), "")
	require.ErrorIs(t, err, platform.ErrUnavailable)
	_, err = b.Post(asSystem(), "refund.given_up", refund(1), noon, nil)
	require.ErrorIs(t, err, platform.ErrUnavailable)
	_, err = Verify(asSystem(), db)
	require.ErrorIs(t, err, platform.ErrUnavailable)
}
