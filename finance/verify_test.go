package finance

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// tampered shows a store as somebody left it who wrote past the library: edit
// gets every record that is read, and answers what stands there instead.
type tampered struct {
	platform.Getter
	edit func(platform.Record) []platform.Record
}

func (d tampered) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	records, err := d.Getter.Get(ctx, refs...)
	var all []platform.Record
	for _, r := range records {
		all = append(all, d.edit(r)...)
	}
	if err == nil && len(all) < len(records) {
		err = platform.NotFound(refs[0])
	}
	return all, err
}

func (d tampered) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	page, err := d.Getter.Scan(ctx, q)
	var all []platform.Record
	for _, r := range page.Items {
		all = append(all, d.edit(r)...)
	}
	page.Items = all
	return page, err
}

type edit = func(platform.Record) []platform.Record

// change edits the documents of T that match.
func change[T any](kind string, match func(T) bool, to func(*T)) edit {
	return altered(kind, match, func(r platform.Record, v T) []platform.Record {
		to(&v)
		r.Doc, _ = json.Marshal(v)
		return []platform.Record{r}
	})
}

func drop[T any](kind string, match func(T) bool) edit {
	return altered(kind, match, func(platform.Record, T) []platform.Record { return nil })
}

func altered[T any](kind string, match func(T) bool, to func(platform.Record, T) []platform.Record) edit {
	return func(r platform.Record) []platform.Record {
		var v T
		if r.Ref.Kind != kind || json.Unmarshal(r.Doc, &v) != nil || !match(v) {
			return []platform.Record{r}
		}
		return to(r, v)
	}
}

// both makes two edits.
func both(first, second edit) edit {
	return func(r platform.Record) (all []platform.Record) {
		for _, r := range first(r) {
			all = append(all, second(r)...)
		}
		return all
	}
}

func posting(what string) func(Posting) bool { return func(p Posting) bool { return p.What == what } }

func pending(n uint64) func(Pending) bool {
	return func(p Pending) bool { return p.Subject == refund(n) }
}

func counter(which, account string) func(platform.Count) bool {
	return func(c platform.Count) bool { return string(c.Ref.ID) == which+":"+account+"/CNY" }
}

func movement(which, account string, seq int64) func(platform.Movement) bool {
	return func(m platform.Movement) bool {
		return string(m.Counter.ID) == which+":"+account+"/CNY" && m.Seq == seq
	}
}

// busy has something of everything: a hold settled, one voided, one open.
func busy(t testing.TB) *desk {
	t.Helper()
	return newDesk(t, captured("100.00"),
		approved(1, "10.00"), succeeded(1, "10.00"),
		approved(2, "20.00"), booked("refund.withdrawn", refund(2)),
		approved(3, "30.00"),
		completed("60.00", "54.00", "5.66", "0.34"), closed("54.00"),
	)
}

func TestVerifyFindsNothingInCleanBooks(t *testing.T) {
	t.Parallel()
	newDesk(t).sound(t)
	busy(t).sound(t)
}

func TestVerifyPassesOverOtherCounters(t *testing.T) {
	t.Parallel()
	d := busy(t)
	quota := platform.Counter("quota:listings", "piece")
	_, err := platform.Update(asSystem(), d.w, struct{}{}, func(context.Context) (struct{}, []platform.Change, error) {
		return struct{}{}, []platform.Change{platform.Delta(quota, 5, order), platform.Happened("quota.used", order, nil)}, nil
	})
	require.NoError(t, err)

	d.sound(t)

	ofQuota := func(m platform.Movement) bool { return m.Counter == quota }
	assert.Empty(t, find(t, d, change("movement", ofQuota, func(m *platform.Movement) { m.Delta, m.Seq = 7, 9 })))
	for _, wrong := range find(t, d, drop(postingKind, posting("order.closed"))) { // in the slot of the quota's cause
		assert.NotEqual(t, quota, wrong.Ref)
	}
}

func TestVerifyFindsEveryPlantedFault(t *testing.T) {
	t.Parallel()
	settlement := approved(1, "10.00").id()
	for name, c := range map[string]struct {
		plant edit
		rules string // those that must speak; others may
	}{
		"leg one unit off": {change(postingKind, posting("order.completed"), func(p *Posting) {
			p.Legs[0].Amount = platform.MustMoney("60.01", "CNY")
		}), "V1 V5"},
		"two legs off, in balance": {change(postingKind, posting("order.completed"), func(p *Posting) {
			p.Legs[0].Amount, p.Legs[1].Amount = platform.MustMoney("60.01", "CNY"), platform.MustMoney("-54.01", "CNY")
		}), "V5"},
		"leg lost": {change(postingKind, posting("order.completed"), func(p *Posting) {
			p.Legs = p.Legs[:3]
		}), "V1 V5"},
		"accounts swapped": {change(postingKind, posting("order.completed"), func(p *Posting) {
			p.Legs[2].Role, p.Legs[3].Role = p.Legs[3].Role, p.Legs[2].Role
		}), "V5"},
		"foreign account": {change(postingKind, posting("order.closed"), func(p *Posting) {
			p.Legs[1].Party = "thief"
		}), "V5"},
		"posting of another fact": {change(postingKind, posting("order.closed"), func(p *Posting) {
			p.Subject = attempt
		}), "V1"},
		"posting renamed": {change(postingKind, posting("order.closed"), func(p *Posting) {
			p.What = "order.cancelled"
		}), "V1"},
		"posting rewritten": {altered(postingKind, posting("order.closed"), func(r platform.Record, _ Posting) []platform.Record {
			r.Version = 2
			return []platform.Record{r}
		}), "V1"},
		"posting lost": {drop(postingKind, posting("order.closed")), "V5"},
		"date altered": {change(postingKind, func(p Posting) bool { return p.ID == settlement }, func(p *Posting) {
			p.At = nextDay
		}), "V6"},

		"counter one unit off":    {change("counter", counter(posted, "commission"), func(c *platform.Count) { c.Value++ }), "V1 V2"},
		"counter miscounted":      {change("counter", counter(posted, "commission"), func(c *platform.Count) { c.Seq++ }), "V2"},
		"last counter miscounted": {change("counter", counter(posted, refundDue()), func(c *platform.Count) { c.Seq++ }), "V2"},
		"counter lost":            {drop("counter", counter(available, payable())), "V2"},
		"counter of nothing": {change("counter", counter(posted, "commission"), func(c *platform.Count) {
			c.Ref = platform.Counter("posted:cash", "CNY")
		}), "V1 V5"},
		"two counters off, in balance": {both(
			change("counter", counter(posted, "commission"), func(c *platform.Count) { c.Value++ }),
			change("counter", counter(posted, "output_tax"), func(c *platform.Count) { c.Value-- }),
		), "V2"},
		"more available than posted": {both(
			change("counter", counter(available, payable()), func(c *platform.Count) { c.Value += 5 }),
			change("movement", movement(available, payable(), 1), func(m *platform.Movement) { m.Delta, m.After = m.Delta+5, m.After+5 }),
		), "V2 V5"},

		"movement lost":      {drop("movement", movement(posted, escrow(), 1)), "V3 V5"},
		"last movement lost": {drop("movement", movement(posted, escrow(), 3)), "V2 V5"},
		"movement moved":     {change("movement", movement(posted, escrow(), 2), func(m *platform.Movement) { m.Seq = 7 }), "V3"},
		"movement doubled": {altered("movement", movement(posted, escrow(), 2), func(r platform.Record, _ platform.Movement) []platform.Record {
			return []platform.Record{r, r}
		}), "V3 V5"},
		"movement one unit off":  {change("movement", movement(posted, escrow(), 2), func(m *platform.Movement) { m.Delta-- }), "V3 V5"},
		"running value off":      {change("movement", movement(posted, escrow(), 2), func(m *platform.Movement) { m.After++ }), "V3"},
		"movement without cause": {change("movement", movement(posted, escrow(), 2), func(m *platform.Movement) { m.Cause = platform.Ref{} }), "V5"},
		"movement of another":    {change("movement", movement(posted, escrow(), 2), func(m *platform.Movement) { m.Cause = closed("1").posting("").Ref() }), "V5"},
		"movement without event": {change("movement", movement(posted, escrow(), 2), func(m *platform.Movement) { m.Event = "" }), "V5"},
		"event lost":             {drop("event", func(e platform.Event) bool { return e.Type == "order.completed" }), "V5"},
		"floor broken, and mended": {both(
			change("movement", movement(available, escrow(), 2), func(m *platform.Movement) { m.Delta, m.After = -10001, -1 }),
			change("movement", movement(available, escrow(), 3), func(m *platform.Movement) { m.Delta = m.After + 1 }),
		), "V4 V5"},

		"hold settled without posting": {drop(postingKind, func(p Posting) bool { return p.ID == settlement }), "V5 V6"},
		"hold reopened":                {change(pendingKind, pending(1), func(p *Pending) { p.State = Open }), "V2 V6"},
		"hold voided, though settled":  {change(pendingKind, pending(1), func(p *Pending) { p.State = Voided }), "V5 V6"},
		"hold in no state":             {change(pendingKind, pending(3), func(p *Pending) { p.State = "lost" }), "V2 V6"},
		"hold of another amount": {change(pendingKind, pending(3), func(p *Pending) {
			p.Legs[0].Amount, p.Legs[1].Amount = platform.MustMoney("3.00", "CNY"), platform.MustMoney("-3.00", "CNY")
		}), "V2 V5"},
		"hold unbalanced": {change(pendingKind, pending(3), func(p *Pending) { p.Legs = p.Legs[:1] }), "V6"},
		"hold ended twice": {altered(pendingKind, pending(2), func(r platform.Record, _ Pending) []platform.Record {
			r.Version = 3
			return []platform.Record{r}
		}), "V6"},
		"hold ended past the library": {altered(pendingKind, pending(2), func(r platform.Record, _ Pending) []platform.Record {
			r.Version = 1
			return []platform.Record{r}
		}), "V6"},
		"hold lost":            {drop(pendingKind, pending(1)), "V5 V6"},
		"open hold lost":       {drop(pendingKind, pending(3)), "V2 V5"},
		"settlement cut loose": {change(postingKind, func(p Posting) bool { return p.ID == settlement }, func(p *Posting) { p.Settles = "" }), "V5 V6"},
		"settlement of no hold": {change(postingKind, posting("order.closed"), func(p *Posting) {
			p.Settles = pendingOf(refund(2)).ID
		}), "V6"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wrong := find(t, busy(t), c.plant)

			var rules []string
			for _, d := range wrong {
				rules = append(rules, d.Rule)
				assert.NotEqual(t, d.Expected, d.Found, "%+v", d)
				assert.NotZero(t, d.Ref)
			}
			for rule := range strings.FieldsSeq(c.rules) {
				assert.Contains(t, rules, rule)
			}
			assert.True(t, slices.IsSorted(rules))
		})
	}
}

// find is what Verify says of the desk's books, seen through an edit.
func find(t testing.TB, d *desk, plant edit) []Discrepancy {
	t.Helper()
	wrong, err := Verify(context.Background(), tampered{d.db.Snapshot(), plant})
	require.NoError(t, err)
	return wrong
}

func TestVerifyNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	wrong := find(t, busy(t), change("counter", counter(available, payable()), func(c *platform.Count) { c.Value++ }))

	ref := Account{Role: "payable", Party: merchant}.counter(available, "CNY")
	assert.Equal(t, []Discrepancy{
		{Rule: "V2", Ref: ref, Expected: "5400", Found: "5401"},
		{Rule: "V2", Ref: ref, Expected: "5400 after 1 movements", Found: "5401 after 1"},
	}, wrong)
}
