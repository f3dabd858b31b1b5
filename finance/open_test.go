package finance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
)

var bookkeeper = platform.Actor{ID: platform.NewID("opr", noon, 9, 8), Kind: platform.Operator}

func asOperator() context.Context { return platform.As(context.Background(), bookkeeper) }

// brought is a balance in CNY.
func brought(account, amount string) Brought {
	return Brought{Account: account, Amount: platform.MustMoney(amount, "CNY"), Reference: "old/" + account}
}

func opened(balances ...Brought) OpenAccounts {
	return OpenAccounts{Source: "old-books", Reason: "go_live", At: noon, Balances: balances}
}

// open is the command, on the desk's books.
func (d *desk) open(in OpenAccounts) ([]Opening, error) {
	return New(d.w, d.Store, nil).OpenAccounts(asOperator(), in)
}

// wrongs are what is wrong with which field.
func wrongs(err error) map[string]string {
	var fields platform.FieldErrors
	_ = errors.As(err, &fields)
	codes := map[string]string{}
	for _, f := range fields {
		codes[f.Path] = f.Code
	}
	return codes
}

func TestAccountsBeginWithWhatOtherBooksLeft(t *testing.T) {
	t.Parallel()
	d := newDesk(t)

	made, err := d.open(opened(brought("clearing:sandbox", "500.00"), brought("bank:house", "40.00"), brought(payable(), "90.00"), brought("commission", "10.00"),
		Brought{Account: payable(), Amount: platform.MustMoney("700", "JPY"), Reference: "old/yen"}))

	require.NoError(t, err)
	require.Len(t, made, 5)
	assert.Equal(t, "500.00, 500.00", d.on(t, "clearing:sandbox"))
	assert.Equal(t, "90.00, 90.00", d.on(t, payable()), "to be paid out at once")
	assert.Equal(t, "440.00, 440.00", d.on(t, "opening"), "what they had less what they owed and earned")
	sums, err := d.TrialBalance(asOperator())
	require.NoError(t, err)
	require.Len(t, sums, 2)
	for _, sum := range sums {
		assert.Equal(t, sum.Debit, sum.Credit, sum.Currency)
	}
	d.sound(t)
	a, err := ParseAccount(payable())
	require.NoError(t, err)
	entries, err := d.Entries(asOperator(), a, made[2].Amount.Currency(), "")
	require.NoError(t, err)
	assert.Equal(t, []any{"account.opened", made[2].Ref()}, []any{entries.Items[0].What, entries.Items[0].Subject})
	require.NoError(t, d.book(booked("payout.sent", payout, dr("payable", "90.00", merchant), cr("clearing", "90.00", "sandbox"))))
}

func TestAnOpeningIsToldWithItsSource(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	made, err := d.open(opened(brought(payable(), "90.00")))
	require.NoError(t, err)

	log, err := platform.List[platform.Event](t.Context(), d.db, platform.Query{Kind: "event", By: []string{"subject", "id"}, Equal: []any{made[0].Ref()}})

	require.NoError(t, err)
	require.Len(t, log.Items, 1)
	e := log.Items[0]
	assert.Equal(t, []any{"account.opened", "go_live", bookkeeper.ID}, []any{e.Type, e.Reason, e.Actor.ID})
	assert.JSONEq(t, `{"account":"`+payable()+`","amount":{"amount":"90.00","currency":"CNY"},"source":"old-books","reference":"old/`+payable()+`"}`, string(e.Data))
	kept, err := d.Store.Openings(t.Context(), made[0].ID)
	require.NoError(t, err)
	assert.Equal(t, "old-books", kept[0].Source)
}

func TestAnAccountIsOpenedOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first := opened(brought(payable(), "90.00"), brought("bank:house", "40.00"))
	_, err := d.open(first)
	require.NoError(t, err)

	made, err := d.open(first)
	require.NoError(t, err, "the same again")
	assert.Empty(t, made)
	made, err = d.open(opened(brought("bank:house", "40.00"), brought("clearing:sandbox", "1.00")))
	require.NoError(t, err, "a part again, and one more")
	require.Len(t, made, 1)
	assert.Equal(t, "clearing:sandbox", made[0].Account.String())

	for name, change := range map[string]func(*OpenAccounts){
		"another amount":    func(in *OpenAccounts) { in.Balances[1].Amount = platform.MustMoney("91.00", "CNY") },
		"another reference": func(in *OpenAccounts) { in.Balances[1].Reference = "old/second wallet" },
		"another source":    func(in *OpenAccounts) { in.Source = "older-books" },
		"another moment":    func(in *OpenAccounts) { in.At = noon.Add(time.Second) },
	} {
		in := opened(brought("bank:second", "1.00"), brought(payable(), "90.00"))
		change(&in)
		_, err := d.open(in)
		require.ErrorIs(t, err, platform.ErrInvalid, name)
		assert.Equal(t, map[string]string{"balances[1].account": "ledger.opened"}, wrongs(err), name)
	}
	assert.Equal(t, "90.00, 90.00", d.on(t, payable()))
	assert.Equal(t, "0.00, 0.00", d.on(t, "bank:second"), "nothing half done")
	d.sound(t)
}

// 16 at once, with equal and with different balances: each account is opened by
// one of them, and everybody is told the truth.
func TestManyAtOnceOpenAnAccountOnce(t *testing.T) {
	t.Parallel()
	for _, equal := range []bool{true, false} {
		d := newDesk(t)
		var all sync.WaitGroup
		made, failed := make([]int, 16), make([]error, 16)
		for i := range 16 {
			all.Go(func() {
				amount := "90.00"
				if !equal {
					amount = fmt.Sprintf("90.%02d", i)
				}
				fresh, err := d.open(opened(brought("bank:house", "40.00"), brought(payable(), amount)))
				made[i], failed[i] = len(fresh), err
			})
		}
		all.Wait()

		winners := 0
		for i := range 16 {
			if made[i] > 0 {
				winners++
			}
			if equal || made[i] > 0 {
				require.NoError(t, failed[i])
				continue
			}
			assert.Equal(t, map[string]string{"balances[1].account": "ledger.opened"}, wrongs(failed[i]))
		}
		assert.Equal(t, 1, winners)
		assert.Equal(t, "40.00, 40.00", d.on(t, "bank:house"))
		d.sound(t)
	}
}

func TestWhatIsWrongWithAnOpeningIsNamed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	in := opened(
		brought("cash", "1.00"), brought("payable", "1.00"), brought(escrow(), "1.00"), brought(earning(), "1.00"), brought("opening", "1.00"),
		brought(payable(), "-1.00"), brought("bank:house", "0"), Brought{Account: "bank:third", Reference: "r"}, brought("commission", "1.00"), brought("commission", "1.00"),
		Brought{Account: "output_tax", Amount: platform.MustMoney("1.00", "CNY")},
	)
	in.Balances[8].Reference = strings.Repeat("x", 129)

	_, err := d.open(in)

	require.ErrorIs(t, err, platform.ErrInvalid)
	assert.Equal(t, map[string]string{
		"balances[0].account": "ledger.role", "balances[1].account": "ledger.role", "balances[2].account": "ledger.open_role",
		"balances[3].account": "ledger.open_role", "balances[4].account": "ledger.open_role", "balances[5].amount": "ledger.open_amount",
		"balances[6].amount": "ledger.open_amount", "balances[7].amount": "ledger.open_amount", "balances[8].reference": "text.too_long",
		"balances[9].account": "ledger.opened", "balances[10].reference": "field.required",
	}, wrongs(err))
	for _, at := range []time.Time{{}, nextDay.Add(time.Second), time.Unix(-1, 0)} {
		in := opened(brought("commission", "1.00"))
		in.At = at
		_, err := d.open(in)
		assert.Equal(t, map[string]string{"at": "ledger.open_time"}, wrongs(err), at)
	}
	_, err = d.open(OpenAccounts{At: noon})
	assert.Equal(t, map[string]string{"source": "field.required", "reason": "field.required", "balances": "field.min"}, wrongs(err))
	log, err := d.db.Scan(t.Context(), platform.Query{Kind: "event"})
	require.NoError(t, err)
	assert.Empty(t, log.Items, "nothing was written")
}

func TestOnlyOperatorsOpenAccounts(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, kind := range []platform.ActorKind{platform.Customer, platform.Merchant, platform.Staff, platform.System, platform.Auditor} {
		ctx := platform.As(t.Context(), platform.Actor{ID: merchant, Kind: kind})
		_, err := New(d.w, d.Store, nil).OpenAccounts(ctx, opened(brought(payable(), "90.00")))
		require.ErrorIs(t, err, errOpener, kind)
	}
	guarded := d.w
	guarded.Guard = refusing("finance.openAccounts")
	_, err := New(guarded, d.Store, nil).OpenAccounts(asOperator(), opened(brought(payable(), "90.00")))
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = New(d.w, d.Store, nil).OpenAccounts(t.Context(), opened(brought(payable(), "90.00")))
	require.ErrorIs(t, err, platform.ErrDenied)
	assert.Equal(t, "0.00, 0.00", d.on(t, payable()))
}

// refusing is a guard against one command.
type refusing string

func (r refusing) Permit(_ context.Context, act platform.Act) ([]platform.Change, error) {
	if act.Action == string(r) {
		return nil, platform.ErrDenied
	}
	return nil, nil
}

// The largest command fits into one set, and one more is refused.
func TestThousandAccountsAreOpenedAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var all []Brought
	for i := range 1000 {
		all = append(all, brought("payable:"+string(platform.NewID("mer", noon, 9, uint64(i))), "1.00"))
	}
	_, err := d.open(opened(append(all, brought("commission", "1.00"))...))
	assert.Equal(t, map[string]string{"balances": "field.max"}, wrongs(err))

	made, err := d.open(opened(all...))

	require.NoError(t, err)
	assert.Len(t, made, 1000)
	assert.Equal(t, "-1000.00, -1000.00", d.on(t, "opening"))
	d.sound(t)
}

func TestEveryAccountWithoutAnOrderCanBeOpened(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, l := range chart {
		a := of(l)
		_, err := d.open(opened(brought(a.String(), "5.00")))
		if l.Of || l.Role == "opening" {
			assert.Equal(t, map[string]string{"balances[0].account": "ledger.open_role"}, wrongs(err), l.Role)
			continue
		}
		require.NoError(t, err, l.Role)
		assert.Equal(t, "5.00, 5.00", d.on(t, a.String()), "in its normal direction")
	}
	d.sound(t)
}

func TestTheIDOfAnOpeningIsFrozen(t *testing.T) {
	t.Parallel()
	cny, err := platform.ParseCurrency("CNY")
	require.NoError(t, err)
	assert.Equal(t, platform.ID("opn_0000000000f2b8jvwc306d8wh0"), OpeningID(Account{Role: "payable", Party: merchant}, cny))
	assert.Equal(t, platform.ID("opn_0000000000e4ss6fj01mgqynhw"), OpeningID(Account{Role: "commission"}, cny))
}

// Whatever is opened, in whatever parts, again and wrongly: each account has what
// its first opening said, and the books prove themselves.
func TestOpeningsAgainstAModel(t *testing.T) {
	t.Parallel()
	accounts := []string{payable(), "bank:house", "clearing:sandbox", "commission", "input_tax"}
	rapid.Check(t, func(t *rapid.T) {
		d, model := newDesk(t), map[string]string{}
		for range rapid.IntRange(1, 8).Draw(t, "commands") {
			var in []Brought
			fits, fresh := true, map[string]string{}
			for _, a := range rapid.SliceOfN(rapid.SampledFrom(accounts), 1, 4).Draw(t, "accounts") {
				amount := rapid.SampledFrom([]string{"1.00", "2.50", "0.00", "-1.00"}).Draw(t, "amount")
				was, known := model[a]
				_, twice := fresh[a]
				fits = fits && !twice && amount[0] != '-' && amount != "0.00" && (!known || was == amount)
				in, fresh[a] = append(in, brought(a, amount)), amount
			}
			made, err := d.open(opened(in...))
			require.Equal(t, fits, err == nil, "%v on %v: %v", in, model, err)
			before := len(model)
			if fits {
				maps.Copy(model, fresh)
			}
			require.Len(t, made, len(model)-before)
		}
		for a, amount := range model {
			require.Equal(t, amount+", "+amount, d.on(t, a))
		}
		d.sound(t)
	})
}
