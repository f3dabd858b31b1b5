package settlement_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/store/sandbox"
)

var bankAccount = settlement.Register{Party: merchant.ID, Currency: "CNY", Bank: "ICBC", Holder: "Bright Windows Ltd", Number: "6222020200112230", Contact: "post@bright-windows.example"}

func TestBankDataIsKeptSealed(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})

	a, err := v.s.Register(by(merchant), bankAccount)

	require.NoError(t, err)
	assert.Equal(t, "2230", a.Tail)
	answer, err := json.Marshal(a)
	require.NoError(t, err)
	for _, secret := range []string{bankAccount.Number, bankAccount.Holder, bankAccount.Contact} {
		assert.NotContains(t, string(answer), secret)
		for _, e := range each[platform.Event](t, v, "event") {
			assert.NotContains(t, string(e.Data), secret)
		}
	}
	history, err := v.s.History(by(merchant), a.ID, "")
	require.NoError(t, err)
	require.Len(t, history.Items, 1)
	assert.Equal(t, "sealed:number:"+bankAccount.Number, string(history.Items[0].Number))
	s := settlement.New(v.w, v.db, settlement.Ports{Books: v.books}, nil)
	_, err = s.Register(by(merchant), bankAccount)
	require.ErrorIs(t, err, settlement.ErrSealer)
}

func TestAccountIsRefused(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	for name, c := range map[string]struct {
		change func(in *settlement.Register)
		code   string
	}{
		"no way to pay":            {func(in *settlement.Register) { in.Number = "" }, "settlement.way"},
		"an institution, no payee": {func(in *settlement.Register) { in.Institution = "sandbox" }, "settlement.way"},
		"no such currency":         {func(in *settlement.Register) { in.Currency = "XXX" }, "money.currency"},
		"no such cycle":            {func(in *settlement.Register) { in.Cycle = "t+31" }, "settlement.cycle"},
		"no such zone":             {func(in *settlement.Register) { in.Zone = "Atlantis/Capital" }, "settlement.zone"},
		"a customer":               {func(in *settlement.Register) { in.Party = "cus_01kdvdna00eajs4d2pf2dbsqqg" }, "settlement.party"},
	} {
		in := bankAccount
		c.change(&in)
		_, err := v.s.Register(by(clerk), in)
		require.ErrorIs(t, err, platform.ErrInvalid, name)
		assert.Equal(t, c.code, platform.Code(err), name)
	}
	for _, who := range []platform.Actor{stranger, {ID: merchant.ID, Kind: platform.Customer}, auditor} {
		_, err := v.s.Register(by(who), bankAccount)
		require.Error(t, err)
	}
	_, err := v.s.Register(context.Background(), bankAccount)
	require.ErrorIs(t, err, platform.ErrDenied)
}

// A change cools for 72 hours, and its event names the details whose contact is
// to be told: those from before.
func TestChangedAccountCoolsAndTheOldContactIsTold(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	first, err := v.s.Register(by(merchant), bankAccount)
	require.NoError(t, err)
	assert.Empty(t, first.Former)
	assert.True(t, first.CoolsUntil.IsZero(), "the first waits for its verification alone")
	other := bankAccount
	other.Number, other.Contact = "6222020200119999", "thief@elsewhere.example"

	a, err := v.s.Register(by(merchant), other)

	require.NoError(t, err)
	assert.Equal(t, first.Details, a.Former)
	assert.Equal(t, v.clock.Now().Add(72*time.Hour), a.CoolsUntil)
	all := each[platform.Event](t, v, "event")
	assert.Contains(t, string(all[len(all)-1].Data)+string(all[0].Data), `"notify":"`+string(first.Details)+`"`)
	history, err := v.s.History(by(clerk), a.ID, "")
	require.NoError(t, err)
	assert.Len(t, history.Items, 2)
}

func TestWhoChangedAnAccountDoesNotVerifyIt(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a, err := v.s.Register(by(clerk), bankAccount)
	require.NoError(t, err)
	verify := settlement.VerifyAccount{Account: a.ID, Reason: "call"}

	_, err = v.s.VerifyAccount(by(clerk), verify)
	require.ErrorIs(t, err, settlement.ErrVerifier)
	_, err = v.s.VerifyAccount(by(merchant), verify)
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = v.s.VerifyAccount(by(second), verify)
	require.NoError(t, err)
	_, err = v.s.VerifyAccount(by(second), verify)
	require.ErrorIs(t, err, settlement.ErrUnproved)
}

// The person behind two accounts is one person.
func TestPersonWithTwoAccountsIsOne(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	same := func(platform.ID) platform.ID { return clerk.ID }
	s := settlement.New(v.w, v.db, settlement.Ports{Books: v.books, Sealer: box{}}, &settlement.Options{Person: same})
	a, err := s.Register(by(clerk), bankAccount)
	require.NoError(t, err)
	_, err = s.VerifyAccount(by(second), settlement.VerifyAccount{Account: a.ID, Reason: "call"})
	require.ErrorIs(t, err, settlement.ErrVerifier)
}

// Where no institution pays out, one operator drafts the file of a run, another
// releases it, and a third tells what the bank did.
func TestBankFileTakesFourEyes(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a, err := v.s.Register(by(merchant), bankAccount)
	require.NoError(t, err)
	_, err = v.s.VerifyAccount(by(clerk), settlement.VerifyAccount{Account: a.ID, Reason: "document"})
	require.NoError(t, err)
	v.earn(t, merchant.ID, "100.00")
	v.confirmed(t)
	p := v.approved(t, a)
	require.NoError(t, v.after(time.Hour))
	assert.Equal(t, settlement.PayoutApproved, v.payout(t, p.ID).State, "it does not go by itself")

	f, err := v.s.DraftFile(by(clerk), settlement.DraftFile{Run: p.Run, Bank: "house"})
	require.NoError(t, err)
	_, err = v.s.Rows(by(third), f.ID, "")
	require.ErrorIs(t, err, settlement.ErrFile)
	_, err = v.s.ReleaseFile(by(clerk), settlement.ReleaseFile{File: f.ID})
	require.ErrorIs(t, err, settlement.ErrFourEyes)
	n, err := v.s.ReleaseFile(by(third), settlement.ReleaseFile{File: f.ID})
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	n, err = v.s.ReleaseFile(by(third), settlement.ReleaseFile{File: f.ID})
	require.NoError(t, err, "again")
	assert.Zero(t, n)
	_, err = v.s.ReleaseFile(by(second), settlement.ReleaseFile{File: f.ID})
	require.ErrorIs(t, err, settlement.ErrFile)
	assert.Equal(t, "100.00, 0.00", v.on(t, "payable:"+string(merchant.ID)))
	rows, err := v.s.Rows(by(third), f.ID, "")
	require.NoError(t, err)
	assert.Equal(t, []settlement.Row{{Payout: p.ID, Bank: "ICBC", Holder: bankAccount.Holder, Number: bankAccount.Number, Amount: yuan("100.00")}}, rows.Items)
	require.NoError(t, v.after(48*time.Hour))
	assert.Equal(t, settlement.PayoutSending, v.payout(t, p.ID).State, "nobody asks a file")

	paid := settlement.ResolvePayout{Payout: p.ID, Outcome: "paid", Reason: "bank_statement"}
	_, err = v.s.ResolvePayout(by(third), paid)
	require.ErrorIs(t, err, settlement.ErrFourEyes)
	_, err = v.s.ResolvePayout(by(clerk), paid)
	require.NoError(t, err)
	assert.Equal(t, "-100.00, -100.00", v.on(t, "bank:house"))
	_, err = v.s.ResolvePayout(by(clerk), settlement.ResolvePayout{Payout: p.ID, Outcome: "returned", Reason: "bank_statement"})
	require.NoError(t, err)
	assert.Equal(t, "0.00, 0.00", v.on(t, "bank:house"))
	assert.Equal(t, "100.00, 100.00", v.on(t, "payable:"+string(merchant.ID)))
	v.sound(t)
}

// An institution that can be asked is asked; nobody tells in its place.
func TestInstitutionIsNotOverruled(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := ready(t, v, "100.00", sandbox.OK)
	p := v.approved(t, a)
	require.NoError(t, v.after(0))
	_, err := v.s.ResolvePayout(by(clerk), settlement.ResolvePayout{Payout: p.ID, Outcome: "failed", Reason: "guess"})
	require.ErrorIs(t, err, settlement.ErrPayout)
}

// One payout that may not go any more keeps no other from the bank.
func TestARefusedPayoutDoesNotStopItsFile(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	other := platform.Actor{ID: stranger.ID, Kind: platform.Merchant}
	var ids []platform.ID
	for _, party := range []platform.Actor{merchant, other} {
		in := bankAccount
		in.Party = party.ID
		a, err := v.s.Register(by(party), in)
		require.NoError(t, err)
		_, err = v.s.VerifyAccount(by(clerk), settlement.VerifyAccount{Account: a.ID, Reason: "document"})
		require.NoError(t, err)
		v.earn(t, party.ID, "100.00")
		ids = append(ids, a.ID)
	}
	v.confirmed(t)
	r := v.run(t, "r1")
	_, err := v.s.ApproveRun(by(second), settlement.ApproveRun{Run: r.ID})
	require.NoError(t, err)
	_, err = v.hold(merchant.ID, yuan("50.00"))
	require.NoError(t, err)
	f, err := v.s.DraftFile(by(clerk), settlement.DraftFile{Run: r.ID, Bank: "house"})
	require.NoError(t, err)

	n, err := v.s.ReleaseFile(by(third), settlement.ReleaseFile{File: f.ID})

	require.NoError(t, err)
	assert.Equal(t, 1, n)
	short := v.payout(t, settlement.PayoutID(ids[0], r.ID))
	assert.Equal(t, settlement.PayoutCancelled, short.State)
	assert.Equal(t, "payout.insufficient", short.Reason)
	assert.Equal(t, settlement.PayoutSending, v.payout(t, settlement.PayoutID(ids[1], r.ID)).State)
	v.sound(t)
}
