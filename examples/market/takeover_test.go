package market

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/security/vault"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/storetest"
)

var noon = time.Date(2030, 3, 1, 12, 0, 0, 0, time.UTC)

// town is a market that has its people and nothing sold yet, to which another
// marketplace moves.
type town struct {
	*Market
	db    *memory.DB
	keys  *memory.DB
	kek   vault.KEK
	clock *storetest.Clock
	cast  Cast
}

func newTown(t require.TestingT) *town {
	n := &town{db: memory.New(Kinds(), nil), keys: memory.New(vault.KeyKinds(), nil), kek: vault.InMemory(), clock: storetest.NewClock(noon)}
	n.Market = n.open(t, n.db)
	var err error
	n.cast, err = n.Demo(context.Background())
	require.NoError(t, err)
	return n
}

// open is a process of the market on an engine, all with one secret and the same keys.
func (n *town) open(t require.TestingT, db store.Engine) *Market {
	m, err := Open(db, &Options{Now: n.clock.Now, Secret: []byte(strings.Repeat("s", 32)), Keys: n.keys, KEK: n.kek})
	require.NoError(t, err)
	return m
}

func (n *town) as(who platform.Actor) context.Context {
	return platform.As(context.Background(), who)
}

func cny(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }

// delivered is an order of 100.00, delivered an hour ago.
func (n *town) delivered(reference string, change ...func(*order.TakeOver)) order.TakeOver {
	in := order.TakeOver{
		Reference: reference, State: order.Delivered, Customer: n.cast.Customer.ID, Merchant: n.cast.Merchant.ID,
		Lines: []order.TakenLine{{Title: "Windows", Quantity: 1, Price: cny("100"), Fee: cny("10")}}, Total: cny("100"),
		Payments: []order.TakenPayment{{Institution: "sandbox", Reference: "ch_" + reference, Amount: cny("100"), At: noon.Add(-9 * time.Hour)}},
		Terms:    order.Terms{Confirmation: "auto", Acceptance: "customer", Minutes: 60},
		PlacedAt: noon.Add(-9 * time.Hour), ConfirmedAt: noon.Add(-9 * time.Hour), StartedAt: noon.Add(-2 * time.Hour), DeliveredAt: noon.Add(-time.Hour),
	}
	for _, c := range change {
		c(&in)
	}
	return in
}

// assigned makes it one that begins tomorrow, with a member in its seat.
func (n *town) assigned(in *order.TakeOver) {
	in.State, in.StartedAt, in.DeliveredAt = order.Assigned, time.Time{}, time.Time{}
	in.Terms.Seats, in.Terms.Zone, in.Terms.Need, in.Members = 1, n.cast.Zone, []string{"cleaning"}, []platform.ID{n.cast.Staff.ID}
	in.Start, in.TimeZone = noon.Add(24*time.Hour), "Asia/Shanghai"
}

func completed(in *order.TakeOver) { in.State, in.CompletedAt = order.Completed, noon.Add(-time.Hour) }

// moving is what comes: an institution that holds 1,300.00 of which 300.00 are
// the orders' and 690.00 the merchant's.
func (n *town) comes() Takeover {
	return Takeover{
		Source: "oldshop", Reason: "go_live", At: noon.Add(-time.Hour),
		Accounts: []finance.Brought{
			{Account: "clearing:sandbox", Amount: cny("1300"), Reference: "psp"},
			{Account: "payable:" + string(n.cast.Merchant.ID), Amount: cny("600"), Reference: "wallet/1"},
			{Account: "bank:house", Amount: cny("40"), Reference: "bank"},
		},
		Orders:  []order.TakeOver{n.delivered("1"), n.delivered("2", completed), n.delivered("3", n.assigned)},
		Opening: []platform.Money{cny("450")},
	}
}

// log is how many events there are.
func (n *town) log(t require.TestingT) (events int) {
	for q := (platform.Query{Kind: "event", Limit: 500}); ; {
		page, err := n.db.Scan(context.Background(), q)
		require.NoError(t, err)
		events += len(page.Items)
		if q.Cursor = page.Next; q.Cursor == "" {
			return events
		}
	}
}

// sound demands that store and books prove themselves.
func (n *town) sound(t require.TestingT) {
	sums, err := n.TrialBalance(n.as(n.cast.Operator))
	require.NoError(t, err)
	for _, sum := range sums {
		require.Equal(t, sum.Debit, sum.Credit)
	}
	var found []store.Finding
	_, err = n.Verify(context.Background(), func(f store.Finding) { found = append(found, f) })
	require.NoError(t, err)
	require.Empty(t, found)
}

// on is what is on an account.
func (n *town) on(t require.TestingT, a finance.Account) string {
	b, err := n.Books.Balance(n.as(n.cast.Operator), a, cny("0").Currency())
	require.NoError(t, err)
	return b.Posted.Decimal().StringFixed(2)
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

func TestAMarketplaceMovesIn(t *testing.T) {
	t.Parallel()
	n := newTown(t)
	operator, in, before := n.as(n.cast.Operator), n.comes(), n.log(t)
	in.Orders[0].Payments[0].Reference = n.Sandbox.Deposit(cny("100")) // which the institution knows

	would, err := n.TakeOver(operator, in, true)
	require.NoError(t, err)
	assert.Equal(t, before, n.log(t), "dry, nothing is written")
	did, err := n.TakeOver(operator, in, false)
	require.NoError(t, err)

	assert.Equal(t, would, did, "as it said")
	assert.Equal(t, 6, did.Count(Written))
	assert.Equal(t, []platform.Money{cny("450")}, did.Opening, "1,340.00 had, 600.00 and 290.00 owed")
	n.sound(t)
	again, err := n.TakeOver(operator, in, false)
	require.NoError(t, err)
	assert.Equal(t, 6, again.Count(Known))
	assert.Equal(t, before+3+2*3+1, n.log(t), "accounts, orders with their payments, an assignment: each told once")

	o := order.TakenID("oldshop", "1")
	_, err = n.Orders.RequestRefund(n.as(n.cast.Customer), order.RequestRefund{Order: o, Amount: cny("30"), Reason: "late"})
	require.NoError(t, err)
	_, err = n.Tick(operator, n.clock.Now(), 0)
	require.NoError(t, err)
	held, err := n.Sandbox.Totals(cny("0").Currency())
	require.NoError(t, err)
	assert.Equal(t, cny("30"), held.Refunded, "through the institution that had the charge")
	assert.Equal(t, "1270.00", n.on(t, finance.Account{Role: "clearing", Party: "sandbox"}))

	n.clock.Advance(24 * time.Hour)
	third := order.TakenID("oldshop", "3")
	_, err = n.Orders.Start(n.as(n.cast.Staff), order.Start{Order: third})
	require.NoError(t, err)
	require.NoError(t, n.Relay(operator))
	_, err = n.Orders.Deliver(n.as(n.cast.Staff), order.Deliver{Order: third})
	require.NoError(t, err)
	require.NoError(t, n.Relay(operator))
	work, err := n.Dispatch.Assignments(operator, dispatch.Find{Order: third})
	require.NoError(t, err)
	assert.Equal(t, dispatch.Finished, work.Items[0].State, "the member's work followed its order")
	for range 2 { // accepted by themselves, then closed
		_, err = n.Tick(operator, n.clock.Advance(8*24*time.Hour), 0)
		require.NoError(t, err)
	}
	for _, reference := range []string{"1", "2", "3"} {
		o, err := n.Orders.Order(operator, order.TakenID("oldshop", reference))
		require.NoError(t, err)
		assert.Equal(t, order.Closed, o.State, reference)
	}
	assert.Equal(t, "843.00", n.on(t, finance.Account{Role: "payable", Party: n.cast.Merchant.ID}), "600.00, and 63.00 and twice 90.00 earned")
	n.sound(t)
}

func TestWhatIsRefusedIsNamedAndNothingIsWritten(t *testing.T) {
	t.Parallel()
	unknown := platform.NewID("mer", noon, 7, 7)
	for name, c := range map[string]struct {
		change func(*town, *Takeover)
		wrong  map[string]string
	}{
		"no such merchant": {func(_ *town, in *Takeover) {
			in.Orders[1].Merchant, in.Accounts[1].Account = unknown, "payable:"+string(unknown)
		}, map[string]string{"orders[1].merchant": "merchant.not_found", "accounts[1].account": "merchant.not_found"}},
		"no such member": {func(_ *town, in *Takeover) { in.Orders[2].Members[0] = unknown.As("stf") }, map[string]string{"orders[2].members[0]": "staff.member.not_found"}},
		"no such worker": {func(_ *town, in *Takeover) {
			in.Orders[0].Terms.Seats, in.Orders[0].Members = 1, []platform.ID{unknown.As("stf")}
		}, map[string]string{"orders[0].members[0]": "staff.member.not_found"}},
		"no such second member": {func(n *town, in *Takeover) {
			in.Orders[2].Terms.Seats, in.Orders[2].Members = 2, []platform.ID{n.cast.Staff.ID, unknown.As("stf")}
		}, map[string]string{"orders[2].members[1]": "staff.member.not_found"}},
		"no id at all": {func(_ *town, in *Takeover) { in.Orders[2].Members[0] = "somebody" }, map[string]string{"orders[2].members[0]": "id.malformed"}},
		"a member off duty": {func(_ *town, in *Takeover) { in.Orders[2].Terms.Need = []string{"plumbing"} },
			map[string]string{"orders[2].members[0]": "dispatch.not_eligible"}},
		"a member in two places": {func(n *town, in *Takeover) { in.Orders = append(in.Orders, n.delivered("4", n.assigned)) },
			map[string]string{"orders[3].members[0]": "order.assignment_overlap"}},
		"no such institution": {func(_ *town, in *Takeover) { in.Orders[0].Payments[0].Institution = "elsewhere" },
			map[string]string{"orders[0].payments[0].institution": "payment.institution_not_found"}},
		"one reference twice": {func(_ *town, in *Takeover) { in.Orders[2].Reference = "1" }, map[string]string{"orders[2].reference": "order.taken_over"}},
		"one account twice":   {func(_ *town, in *Takeover) { in.Accounts[2] = in.Accounts[0] }, map[string]string{"accounts[2].account": "ledger.opened"}},
		"wrong sums":          {func(_ *town, in *Takeover) { in.Opening = []platform.Money{cny("449.99")} }, map[string]string{"opening[0]": "takeover.opening"}},
		"a currency too many": {func(_ *town, in *Takeover) { in.Opening = append(in.Opening, platform.MustMoney("1", "JPY")) }, map[string]string{"opening[1]": "takeover.opening"}},
		"a currency missing": {func(_ *town, in *Takeover) { in.Accounts[2].Amount = platform.MustMoney("40", "JPY") },
			map[string]string{"opening[0]": "takeover.opening"}},
		"negative money": {func(_ *town, in *Takeover) { in.Accounts[0].Amount = cny("-1") }, map[string]string{"accounts[0].amount": "ledger.open_amount"}},
		"an order's account": {func(_ *town, in *Takeover) {
			in.Accounts[0].Account = "escrow:" + string(order.TakenID("oldshop", "1"))
		}, map[string]string{"accounts[0].account": "ledger.open_role"}},
		"a balance to come":   {func(_ *town, in *Takeover) { in.At = noon.Add(1) }, map[string]string{"at": "ledger.open_time"}},
		"no source":           {func(_ *town, in *Takeover) { in.Source, in.Reason = "", "" }, map[string]string{"source": "field.required", "reason": "field.required"}},
		"no such state":       {func(_ *town, in *Takeover) { in.Orders[0].State = "lost" }, map[string]string{"orders[0].state": "order.state_not_taken_over"}},
		"money held to come":  {func(_ *town, in *Takeover) { in.Orders[0].DeliveredAt = noon.Add(1) }, map[string]string{"orders[0].delivered_at": "order.moment"}},
		"nothing":             {func(_ *town, in *Takeover) { in.Accounts, in.Orders = nil, nil }, map[string]string{}},
		"more than one takes": {func(_ *town, in *Takeover) { in.Orders = make([]order.TakeOver, 20_001) }, map[string]string{}},
	} {
		n := newTown(t)
		in, before := n.comes(), n.log(t)
		c.change(n, &in)
		for _, dry := range []bool{true, false} {
			report, err := n.TakeOver(n.as(n.cast.Operator), in, dry)
			require.ErrorIs(t, err, platform.ErrInvalid, name)
			assert.Equal(t, c.wrong, wrongs(err), name)
			rows := 0
			for path := range c.wrong {
				if strings.HasPrefix(path, "accounts") || strings.HasPrefix(path, "orders") {
					rows++
				}
			}
			assert.Equal(t, rows, report.Count(Refused), name)
		}
		assert.Equal(t, before, n.log(t), name)
	}
}

func TestAnotherFileIsHeldAgainstTheFirst(t *testing.T) {
	t.Parallel()
	n := newTown(t)
	operator := n.as(n.cast.Operator)
	_, err := n.TakeOver(operator, n.comes(), false)
	require.NoError(t, err)
	second := n.comes()
	second.Opening = nil
	second.Accounts[1].Reference, second.Orders[0].Lines[0].Fee = "wallet/2", cny("11")
	second.Orders = append(second.Orders, n.delivered("4"))

	report, err := n.TakeOver(operator, second, false)

	assert.Equal(t, map[string]string{"accounts[1].account": "ledger.opened", "orders[0]": "order.taken_over"}, wrongs(err))
	assert.Equal(t, []int{1, 4, 2}, []int{report.Count(Written), report.Count(Known), report.Count(Refused)}, "what would be")
	_, err = n.Orders.Order(operator, order.TakenID("oldshop", "4"))
	require.ErrorIs(t, err, platform.ErrNotFound)
	n.sound(t)
}

func TestOnlyAnOperatorMovesAMarketplaceIn(t *testing.T) {
	t.Parallel()
	n := newTown(t)
	for _, who := range []platform.Actor{
		n.cast.Customer, n.cast.Merchant, n.cast.Staff, platform.SystemActor("x"), {ID: "opr_x", Kind: platform.Operator, Roles: []string{"risk"}},
	} {
		for _, dry := range []bool{true, false} {
			_, err := n.TakeOver(n.as(who), n.comes(), dry)
			require.ErrorIs(t, err, platform.ErrDenied, who.Kind)
		}
	}
	_, err := n.TakeOver(platform.WithKey(n.as(n.cast.Operator), "one"), n.comes(), false)
	require.NoError(t, err, "a key of the whole is no key of its rows")
}

// 16 at once move one marketplace in: it comes in once, and each is told so.
func TestManyAtOnceMoveOneMarketplaceIn(t *testing.T) {
	t.Parallel()
	n := newTown(t)
	before := n.log(t)
	var all sync.WaitGroup
	reports, failed := make([]Report, 16), make([]error, 16)
	for i := range 16 {
		all.Go(func() { reports[i], failed[i] = n.TakeOver(n.as(n.cast.Operator), n.comes(), false) })
	}
	all.Wait()

	for i := range 16 {
		require.NoError(t, failed[i])
		assert.Equal(t, 6, reports[i].Count(Written)+reports[i].Count(Known))
		assert.Equal(t, []platform.Money{cny("450")}, reports[i].Opening)
	}
	assert.Equal(t, before+10, n.log(t))
	n.sound(t)
}

// crashing is an engine whose process stops, by the die of a test.
type crashing struct {
	*memory.DB
	faulty *storetest.Faulty
}

func (c *crashing) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	return c.faulty.Get(ctx, refs...)
}

func (c *crashing) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	return c.faulty.Scan(ctx, q)
}

func (c *crashing) Recall(ctx context.Context, key platform.Key) (platform.Answer, error) {
	return c.faulty.Recall(ctx, key)
}

func (c *crashing) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	return c.faulty.Commit(ctx, set)
}

// Wherever the process is killed, and the next as well, the one after them goes
// on: in the end all is there once.
func TestATakeoverGoesOnAfterACrash(t *testing.T) {
	t.Parallel()
	for _, at := range []storetest.Point{storetest.BeforeSend, storetest.Sent, storetest.Committed, storetest.Answered} {
		for _, commits := range []int64{0, 1, 3, 8} {
			n := newTown(t)
			in, before := n.comes(), n.log(t)
			for i := 4; i < 14; i++ {
				in.Orders = append(in.Orders, n.delivered(strconv.Itoa(i)))
			}
			in.Opening = nil
			_, err := n.crash(t, in, at, commits)
			require.ErrorIs(t, err, platform.ErrUnavailable, "after %d commits", commits)
			_, _ = n.crash(t, in, at, commits) // unless the first had sent all

			report, err := n.TakeOver(n.as(n.cast.Operator), in, false)

			require.NoError(t, err)
			assert.Equal(t, 16, report.Count(Written)+report.Count(Known))
			again, err := n.TakeOver(n.as(n.cast.Operator), in, false)
			require.NoError(t, err)
			assert.Equal(t, 16, again.Count(Known))
			assert.Equal(t, before+3+2*13+1, n.log(t))
			assert.Equal(t, "-550.00", n.on(t, finance.Account{Role: "opening"}))
			n.sound(t)
		}
	}
}

// crash moves a marketplace in by a process that is killed at a point of a
// commit, after so many before it.
func (n *town) crash(t require.TestingT, in Takeover, at storetest.Point, commits int64) (Report, error) {
	var done atomic.Int64
	engine := &crashing{DB: n.db, faulty: storetest.NewFaulty(n.db, storetest.Faults{
		Stop: func(p storetest.Point, _ platform.Set) bool { return p == at && done.Add(1) > commits },
	})}
	return n.open(t, engine).TakeOver(n.as(n.cast.Operator), in, false)
}

// On the same data a rehearsal and the run itself come to the same verdict, row
// by row, whatever the rows are and whatever is there already.
func TestARehearsalIsTrue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := newTown(rt)
		operator := n.as(n.cast.Operator)
		for range rapid.IntRange(1, 2).Draw(rt, "files") {
			in, before := n.drawn(rt), n.log(rt)
			would, dry := n.rehearse(operator, in)
			require.Equal(rt, before, n.log(rt))

			did, wet := n.moving(in, n.db).run(operator, 1)

			require.Equal(rt, wrongs(dry), wrongs(wet))
			require.Equal(rt, dry == nil, wet == nil)
			require.Equal(rt, would, did)
		}
		n.sound(rt)
	})
}

// drawn are some rows, most of them good.
func (n *town) drawn(t *rapid.T) Takeover {
	in := Takeover{Source: rapid.SampledFrom([]string{"oldshop", "othershop"}).Draw(t, "source"), Reason: "go_live", At: noon.Add(-time.Hour)}
	seldom := func(label string) bool { return rapid.IntRange(0, 9).Draw(t, label) == 0 }
	accounts := []string{"clearing:sandbox", "payable:" + string(n.cast.Merchant.ID), "bank:house", "commission", "payable:" + string(n.cast.Merchant.ID.As("mes"))}
	for range rapid.IntRange(0, 4).Draw(t, "accounts") {
		a := rapid.SampledFrom(accounts).Draw(t, "account")
		b := finance.Brought{Account: a, Amount: cny(rapid.SampledFrom([]string{"1", "20.50"}).Draw(t, "amount")), Reference: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "reference")}
		if seldom("unsound") {
			b.Amount = cny(rapid.SampledFrom([]string{"0", "-1"}).Draw(t, "amount"))
		}
		if seldom("unknown") {
			b.Account = rapid.SampledFrom([]string{"cash", "escrow:" + string(order.TakenID("oldshop", "1")), "payable:" + string(n.cast.Merchant.ID[:29]) + "0"}).Draw(t, "account")
		}
		in.Accounts = append(in.Accounts, b)
	}
	for range rapid.IntRange(0, 5).Draw(t, "orders") {
		o := n.delivered(rapid.SampledFrom([]string{"1", "2", "3", "4", "5", "6"}).Draw(t, "reference"))
		switch rapid.IntRange(0, 3).Draw(t, "state") {
		case 0:
			completed(&o)
		case 1:
			n.assigned(&o)
			o.Start = o.Start.Add(time.Duration(rapid.IntRange(0, 4).Draw(t, "hours")) * time.Hour)
		}
		if seldom("unsound") {
			rapid.SampledFrom([]func(*order.TakeOver){
				func(o *order.TakeOver) { o.Total = cny("99") },
				func(o *order.TakeOver) { o.Merchant = platform.NewID("mer", noon, 7, 7) },
				func(o *order.TakeOver) { o.Payments[0].Institution = "elsewhere" },
				func(o *order.TakeOver) { o.Members = append(o.Members, platform.NewID("stf", noon, 7, 7)) },
				func(o *order.TakeOver) { o.State = order.Expired },
				func(o *order.TakeOver) { o.Checkout = strings.Repeat("x", 65) },
				func(o *order.TakeOver) { o.FeeVersion = "another" },
			}).Draw(t, "fault")(&o)
		}
		in.Orders = append(in.Orders, o)
	}
	if len(in.Accounts)+len(in.Orders) == 0 {
		in.Orders = append(in.Orders, n.delivered("1"))
	}
	return in
}

func TestATakeoverIsReadStrictly(t *testing.T) {
	t.Parallel()
	in, err := ReadTakeover(strings.NewReader(`{"source":"oldshop","reason":"go_live","at":"2030-03-01T11:00:00Z",
		"accounts":[{"account":"bank:house","amount":{"amount":"40.00","currency":"CNY"},"reference":"bank"}],
		"orders":[{"reference":"1","state":"delivered","placed_at":"2030-03-01T03:00:00Z"}],"opening":[{"amount":"40.00","currency":"CNY"}]}`))
	require.NoError(t, err)
	assert.Equal(t, []any{"oldshop", cny("40"), "1", []platform.Money{cny("40")}}, []any{in.Source, in.Accounts[0].Amount, in.Orders[0].Reference, in.Opening})

	_, err = ReadTakeover(strings.NewReader(`{"accounts":[{"account":"bank:house","amount":{"amount":"1.00","currency":"CNY"},"reference":"r"},
		{"amount":{"amount":"1.00","currency":"XYZ"}}, {"amount":{"amount":"1.001","currency":"CNY"}}, {"amount":{"amount":1,"currency":"CNY"}}, 7],
		"orders":[{"lines":[{},{"price":{"amount":"1.00","currency":"ABC"}}]}, {"payments":[{"at":"yesterday"}]}, {"lines":[{"quantity":"two"}]}, {"stat":"x"}, {"reference":"1"}]}`))
	require.ErrorIs(t, err, platform.ErrInvalid)
	assert.Equal(t, map[string]string{
		"accounts[1].amount": "money.currency", "accounts[2].amount": "money.scale", "accounts[3].amount": "money.number", "accounts[4]": "takeover.form",
		"orders[0].lines[1].price": "money.currency", "orders[1].payments[0].at": "takeover.form", "orders[2].lines.quantity": "takeover.form",
		"orders[3].stat": "takeover.unknown",
	}, wrongs(err))
	for text, path := range map[string]string{
		"": "", "[]": "", "{": "", `{"source":1}`: "source", `{"sauce":""}`: "sauce", `{"at":"noon"}`: "at", `{} {}`: "", `{"opening":[{"amount":"1","currency":"?"}]}`: "opening[0]",
	} {
		_, err := ReadTakeover(strings.NewReader(text))
		require.ErrorIs(t, err, platform.ErrInvalid, text)
		assert.Equal(t, []string{path}, slices.Collect(func(yield func(string) bool) {
			for p := range wrongs(err) {
				yield(p)
			}
		}), text)
	}
}
