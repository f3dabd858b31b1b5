package market_test

import (
	"bytes"
	"container/heap"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/staff"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
	"github.com/liangding/platform/store/storetest"
)

const day = 24 * time.Hour

// year is a market on a virtual clock in which many orders live, each as a
// grammar draws it. Nothing in it runs side by side, so that the same seed is the
// same year.
type year struct {
	*market.Market
	tb    testing.TB
	seed  uint64
	clock *storetest.Clock
	from  time.Time
	cast  market.Cast
	sells []stand
	lives map[platform.ID]*life

	agenda agenda
	acts   int                // ever put on the agenda
	ticks  map[time.Time]bool // that are on it
	took   map[string]int     // alternatives of the grammar, how often
	log    logged
	known  map[platform.ID]known
	booked map[platform.ID][]booking // by member

	digests []string // of the log after each day
}

// stand is one thing on sale.
type stand struct {
	listing platform.ID
	owner   platform.Actor
	price   platform.Money
	seats   int
	proof   bool // completes by proof
	manual  bool // the merchant answers
	dear    bool // is looked at before it is sold, and refunds take two
}

// deed is something that will be done at a moment; of one moment, in the order in
// which it was put on the agenda.
type deed struct {
	at time.Time
	no int
	do func()
}

type agenda []deed

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at.Before(a[j].at) || a[i].at.Equal(a[j].at) && a[i].no < a[j].no
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(deed)) }
func (a *agenda) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	*a = (*a)[:last]
	return x
}

// opened is a market of three merchants with five listings each, and their staff.
func opened(tb testing.TB, seed uint64) *year {
	tb.Helper()
	y := &year{
		tb: tb, seed: seed, from: time.Date(2030, 1, 7, 0, 0, 0, 0, time.UTC), lives: map[platform.ID]*life{}, ticks: map[time.Time]bool{}, took: map[string]int{},
		known: map[platform.ID]known{}, booked: map[platform.ID][]booking{},
	}
	y.clock = storetest.NewClock(y.from)
	var err error
	y.Market, err = market.Open(memory.New(market.Kinds(), nil), &market.Options{
		Now: y.clock.Now, IDs: storetest.IDs(seed), Secret: bytes.Repeat([]byte("market"), 6),
		Sandbox: sandbox.Options{Seed: seed},
	})
	require.NoError(tb, err)
	y.cast, err = y.Demo(y.ctx())
	require.NoError(tb, err)
	for range 23 {
		y.hire()
	}
	owners := []platform.Actor{y.cast.Merchant, y.admit("91310000MA1FL0AB02", "lilac"), y.admit("91310000MA1FL0AB03", "willow")}
	for _, owner := range owners {
		y.offer(stand{owner: owner, price: yuan(180), seats: 1})
		y.offer(stand{owner: owner, price: yuan(99), seats: 1, manual: true})
		y.offer(stand{owner: owner, price: yuan(420), seats: 2})
		y.offer(stand{owner: owner, price: yuan(75), proof: true})
		y.offer(stand{owner: owner, price: yuan(52_000), dear: true})
	}
	y.every(2*time.Hour, y.tick)
	y.every(7*day, y.payOut)
	return y
}

func (y *year) ctx() context.Context { return y.tb.Context() }

func (y *year) as(who platform.Actor) context.Context { return platform.As(y.ctx(), who) }

func (y *year) ok(err error) {
	if err != nil { // require formats its arguments first, which a year of them would feel
		require.NoError(y.tb, err)
	}
}

func (y *year) hire() {
	by := y.as(y.cast.Operator)
	m, err := y.Staff.Hire(by, staff.Hire{Name: "N. N.", Zone: y.cast.Zone})
	y.ok(err)
	_, err = y.Staff.Grant(by, staff.Grant{Member: m.ID, Code: "cleaning", Level: 3, From: y.from})
	y.ok(err)
	_, err = y.Staff.Activate(by, staff.Activate{Member: m.ID})
	y.ok(err)
	on := func(days int) staff.Day { return staff.Day(y.from.AddDate(0, 0, days).Format(time.DateOnly)) }
	for first := -1; first < 600; first += 300 {
		shifts := []staff.Shift{{Starts: "00:00", Ends: "12:00", First: on(first), Until: on(first + 299)}, {Starts: "12:00", Ends: "00:00", First: on(first), Until: on(first + 299)}}
		_, err = y.Staff.Publish(by, staff.Publish{Member: m.ID, Shifts: shifts})
		y.ok(err)
	}
}

// admit takes a merchant in and has it paid at the institution.
func (y *year) admit(licence, payee string) platform.Actor {
	applicant := y.as(platform.Actor{ID: y.Writer.NewRoot(y.ctx(), "usr"), Kind: platform.Merchant})
	a, err := y.Merchants.Apply(applicant, merchant.Apply{Party: merchant.Party{Name: payee, LegalName: payee, Licence: licence, Contact: "post@" + payee + ".example"}})
	y.ok(err)
	_, err = y.Merchants.Submit(applicant, merchant.Submit{Application: a.ID})
	y.ok(err)
	_, err = y.Merchants.Approve(y.as(y.cast.Operator), merchant.Approve{Application: a.ID})
	y.ok(err)
	owner := platform.Actor{ID: a.Merchant, Kind: platform.Merchant}
	m, err := y.Merchants.Merchant(y.as(owner), a.Merchant)
	y.ok(err)
	_, text, err := y.Merchants.Agreement(y.as(owner), m.Agreement)
	y.ok(err)
	_, err = y.Merchants.Sign(y.as(owner), merchant.Sign{Agreement: m.Agreement, Hash: text.Hash()})
	y.ok(err)
	account, err := y.Payouts.Register(y.as(owner), settlement.Register{Party: owner.ID, Currency: "CNY", Zone: "Asia/Shanghai", Institution: "sandbox", Payee: payee})
	y.ok(err)
	_, err = y.Payouts.VerifyAccount(y.as(y.cast.Operator), settlement.VerifyAccount{Account: account.ID, Reason: "document"})
	y.ok(err)
	return owner
}

// offer brings a listing to the customers.
func (y *year) offer(s stand) {
	c := merchant.Content{
		Title: "Window cleaning", Text: "Both sides of up to ten windows, frames and sills included.", Unit: "visit", Price: s.price,
		Standard: merchant.Standard{Scope: "up to ten windows", Result: "free of streaks", Warranty: "cleaned again within a week"},
		Minutes:  60, Zone: y.cast.Zone, Seats: s.seats, Proof: []string{"photo"},
	}
	if s.seats > 0 {
		c.Need = []string{"cleaning"}
	}
	if s.proof {
		c.Acceptance = "proof"
	}
	if s.manual {
		c.Confirmation = "manual"
	}
	draft, err := y.Merchants.NewDraft(y.as(s.owner), merchant.NewDraft{Content: &c})
	y.ok(err)
	_, err = y.Merchants.SubmitDraft(y.as(s.owner), merchant.SubmitDraft{Revision: draft.ID})
	y.ok(err)
	_, err = y.Merchants.ApproveRevision(y.as(y.cast.Operator), merchant.ApproveRevision{Revision: draft.ID})
	y.ok(err)
	s.listing = draft.Listing
	y.sells = append(y.sells, s)
}

// at puts something on the agenda.
func (y *year) at(when time.Time, do func()) {
	y.acts++
	heap.Push(&y.agenda, deed{when, y.acts, do})
}

// every does something again and again.
func (y *year) every(d time.Duration, do func()) {
	y.at(y.clock.Now().Add(d), func() { do(); y.every(d, do) })
}

// tick fires what is due, and takes the institution's letters.
func (y *year) tick() {
	_, err := y.Tick(y.ctx(), y.clock.Now(), 0)
	y.ok(err)
	for _, l := range y.Sandbox.Drain() {
		y.ok(y.Payments.Receive(y.ctx(), "sandbox", l.Header, l.Body))
	}
}

// payOut pays the merchants what they are owed.
func (y *year) payOut() {
	name := y.clock.Now().Format(time.DateOnly)
	run, err := y.Payouts.StartRun(platform.As(y.ctx(), platform.SystemActor("calendar")), settlement.StartRun{Name: name, Currency: "CNY"})
	y.ok(err)
	for _, by := range []platform.Actor{y.cast.Operator, y.cast.Second} { // nobody started it: two approve
		_, err = y.Payouts.ApproveRun(y.as(by), settlement.ApproveRun{Run: run.ID})
		y.ok(err)
	}
}

// live lets the days pass, each with its share of the orders, and proves the market
// after each, and as a whole each quarter. The last of the days bring no more orders.
func (y *year) live(orders, days int) {
	const rest = 50 // days in which every order ends
	arrivals := rand.New(rand.NewPCG(y.seed, 0))
	for n := range orders {
		of := y.from.AddDate(0, 0, n*max(1, days-rest)/orders)
		y.at(of.Add(time.Duration(arrivals.Int64N(int64(day)))), y.born(n).placed)
	}
	for n := range days {
		y.until(y.from.AddDate(0, 0, n+1))
		y.midnight()
		if y.digests = append(y.digests, y.digest()); n%90 == 89 {
			y.proved()
		}
	}
}

// until does what is on the agenda before a moment.
func (y *year) until(end time.Time) {
	for len(y.agenda) > 0 && y.agenda[0].at.Before(end) {
		next := heap.Pop(&y.agenda).(deed)
		if wait := next.at.Sub(y.clock.Now()); wait > 0 {
			y.clock.Advance(wait)
		}
		next.do()
	}
	y.clock.Advance(end.Sub(y.clock.Now()))
}

// logged is the log, as far as it was read.
type logged struct {
	last platform.ID
	sum  [sha256.Size]byte // over all of it
	n    int
}

// fresh is what happened since it was asked last.
func (y *year) fresh() (all []platform.Event) {
	q := platform.Query{Kind: "event", Limit: 500}
	if y.log.last != "" {
		q.From = y.log.last + "\x00"
	}
	for {
		page, err := platform.List[platform.Event](y.ctx(), y.DB, q)
		y.ok(err)
		all = append(all, page.Items...)
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	for _, e := range all {
		doc, err := json.Marshal(e)
		y.ok(err)
		y.log.sum, y.log.last = sha256.Sum256(append(y.log.sum[:], doc...)), e.ID
	}
	y.log.n += len(all)
	return all
}

func (y *year) digest() string { return hex.EncodeToString(y.log.sum[:]) }

// sized is how many orders live in how many days: ORDERS in a year, or else what a
// change can wait for.
func sized(t *testing.T, usual, within int) (orders, days int) {
	t.Helper()
	text, set := os.LookupEnv("ORDERS")
	if !set {
		return usual, within
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n, 365
}

// A year of a marketplace: orders are placed, paid, changed, staffed, missed,
// cancelled, disputed, refunded and charged back, as a seeded grammar has it. What
// must hold does so after each day, and in the end every order has ended, every
// account is settled and every way through the grammar was gone. ORDERS is how
// many there are, spread over a year; the few of a usual run live in a quarter.
func TestAYearOfAMarketplace(t *testing.T) {
	t.Parallel()
	orders, days := sized(t, 300, 80)
	y := opened(t, 1)

	y.live(orders, days)

	y.ended()

	for step, ways := range grammar {
		for _, way := range ways {
			assert.Positive(t, y.took[step+" "+way.name], "nobody went this way: %s %s", step, way.name)
		}
	}
	t.Logf("%d orders in %d days: %d events, digest %s", orders, days, y.log.n, y.digest())
}

// The same seed is the same year, to the byte of its log; another seed is another.
func TestTheSameSeedIsTheSameYear(t *testing.T) {
	t.Parallel()
	days := func(seed uint64) []string {
		y := opened(t, seed)
		y.live(25, 12)
		return y.digests
	}
	first, again, other := days(2), days(2), days(3)
	for n := range first {
		require.Equal(t, first[n], again[n], "day %d", n)
	}
	assert.NotEqual(t, first[0], other[0])
}

// BenchmarkYear is a year of 10,000 orders, every day of which is proved.
func BenchmarkYear(b *testing.B) {
	for b.Loop() {
		y := opened(b, 1)
		y.live(10_000, 365)
		y.ended()
		b.ReportMetric(float64(y.log.n), "events")
	}
}
