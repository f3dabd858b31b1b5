package order_test

import (
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

// drafted is a version of the standard policy, changed by what the test is about.
func (h *house) drafted(from time.Time, change func([]order.Row)) order.CancelPolicy {
	h.t.Helper()
	rows := order.StandardPolicy().Rows
	if change != nil {
		change(rows)
	}
	p, err := h.orders.DraftPolicy(as(operator), order.DraftPolicy{Name: order.Standard, From: from, Rows: rows})
	require.NoError(h.t, err)
	return p
}

func (h *house) published(from time.Time, change func([]order.Row)) order.CancelPolicy {
	h.t.Helper()
	p, err := h.orders.PublishPolicy(as(second), order.PublishPolicy{Policy: h.drafted(from, change).ID})
	require.NoError(h.t, err)
	return p
}

// dearer asks for half of the price within two hours of the start.
func dearer(rows []order.Row) { rows[4].Rate = decimal.RequireFromString("0.5") }

func TestAnOrderKeepsTheVersionUnderWhichItWasPlaced(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	listing := h.list(nil)
	p := h.published(noon.Add(time.Hour), dearer)
	assert.Equal(t, "standard.2", p.Label(), "the one of the program is the first")
	before := h.confirmed(listing)
	h.clock.pass(time.Hour - time.Microsecond)
	last := h.confirmed(listing)
	h.clock.pass(time.Microsecond)
	after := h.confirmed(listing)

	for version, o := range map[int]order.Order{1: last, 2: after} {
		assert.Equal(t, version, o.PolicyVersion)
	}
	for fee, o := range map[string]order.Order{"30": before, "50": after} {
		q, err := h.orders.QuoteCancel(as(customer), order.Cancel{Order: o.ID})
		require.NoError(t, err)
		assert.Equal(t, cny(fee), q.Fee)
	}

	moved := order.ProposeChange{Order: before.ID, Lines: []order.ChangeLine{{Line: 1, Quantity: 2}}, Reason: "more"}
	c, err := h.propose(customer, moved)
	require.NoError(t, err)
	_, err = h.agree(merchant, c)
	require.NoError(t, err)
	assert.Equal(t, 1, h.read(before.ID).PolicyVersion, "a change keeps it")
	o, err := h.orders.Cancel(as(customer), order.Cancel{Order: after.ID, MaxFee: cny("50"), Reason: "x"})
	require.NoError(t, err)
	assert.Equal(t, cny("50"), o.Cancellation.Fee)
}

func TestOnlyAWholePolicyIsPublished(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	later := noon.Add(time.Hour)
	for code, spoil := range map[string]func([]order.Row){
		"policy.gap":     func(r []order.Row) { r[4].Start.UpTo-- },
		"policy.overlap": func(r []order.Row) { r[3].Start.Over-- },
		"policy.shares":  func(r []order.Row) { r[6].Staff = decimal.NewFromInt(1) },
		"policy.range":   func(r []order.Row) { r[3].Min = []platform.Money{cny("51")} },
		"policy.row":     func(r []order.Row) { r[3].ID = "K1" },
	} {
		p := h.drafted(later, spoil)
		_, err := h.orders.PublishPolicy(as(second), order.PublishPolicy{Policy: p.ID})
		require.ErrorIs(t, err, platform.ErrInvalid, code)
		assert.Equal(t, code, platform.Code(err))
	}
	p := h.drafted(later, nil)
	for name, c := range map[string]struct {
		who  platform.Actor
		from time.Time
		code string
	}{
		"who drafted it":   {operator, later, "policy.four_eyes"},
		"a merchant":       {merchant, later, "policy.actor_not_allowed"},
		"in the past":      {second, noon.Add(-time.Second), "policy.retroactive"},
		"in half a minute": {second, noon.Add(30 * time.Second), "policy.retroactive"},
	} {
		p := h.drafted(c.from, nil)
		_, err := h.orders.PublishPolicy(as(c.who), order.PublishPolicy{Policy: p.ID})
		assert.Equal(t, c.code, platform.Code(err), name)
	}
	_, err := h.orders.DraftPolicy(as(merchant), order.DraftPolicy{Name: "mine", From: later, Rows: order.StandardPolicy().Rows})
	assert.Equal(t, "policy.actor_not_allowed", platform.Code(err))

	p, err = h.orders.PublishPolicy(as(second), order.PublishPolicy{Policy: p.ID})
	require.NoError(t, err)
	_, err = h.orders.PublishPolicy(as(second), order.PublishPolicy{Policy: p.ID})
	assert.Equal(t, "policy.not_draft", platform.Code(err), "immutable")
	_, err = h.orders.DiscardPolicy(as(second), order.DiscardPolicy{Policy: p.ID, Reason: "mistake"})
	assert.Equal(t, "policy.not_draft", platform.Code(err))
	_, err = h.orders.PublishPolicy(as(second), order.PublishPolicy{Policy: h.drafted(later, nil).ID})
	assert.Equal(t, "policy.retroactive", platform.Code(err), "another takes effect then")
	gone := h.drafted(later, nil)
	_, err = h.orders.DiscardPolicy(as(second), order.DiscardPolicy{Policy: gone.ID, Reason: "mistake"})
	require.NoError(t, err)
	_, err = h.orders.Policy(as(customer), gone.ID)
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = h.orders.Policy(as(customer), p.ID)
	require.NoError(t, err, "terms are for all to read")
	assert.Contains(t, types(h.events(p.Ref())), "policy.published")
}

// Of several drafts published at once each gets a number of its own, and those
// that would take effect together are refused.
func TestVersionsAreNumberedOnce(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	const n = 8
	var drafts []order.CancelPolicy
	for i := range n {
		drafts = append(drafts, h.drafted(noon.Add(time.Duration(i/2+1)*time.Hour), nil)) // two each hour
	}
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i, d := range drafts {
		wg.Go(func() {
			_, errs[i] = h.orders.PublishPolicy(as(second), order.PublishPolicy{Policy: d.ID})
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			assert.Contains(t, []string{"policy.retroactive", "taken"}, platform.Code(err), "draft %d", i)
		}
	}
	page, err := h.orders.Policies(as(operator), "")
	require.NoError(t, err)
	numbers, moments := map[int]bool{}, map[time.Time]bool{}
	for _, p := range page.Items {
		if p.State != order.PolicyPublished {
			continue
		}
		assert.False(t, numbers[p.Number] || moments[p.From], "%s twice", p.Label())
		numbers[p.Number], moments[p.From] = true, true
	}
	assert.Greater(t, len(numbers), 1, "somebody published")
	for no := 1; no <= len(numbers); no++ {
		assert.True(t, numbers[no], "number %d is missing", no)
	}
}

func TestTryingAPolicyCostsNothing(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	page, err := h.orders.Policies(as(auditor), "")
	require.NoError(t, err)
	require.Len(t, page.Items, 1, "the program's own")
	standard := page.Items[0]
	commits := h.db.commits.Load()
	ask := order.PolicyCase{Policy: standard.ID, Amount: cny("200"), Facts: order.Facts{Fault: order.CustomerFault, State: order.Assigned, Way: order.There}}

	price, err := h.orders.TryPolicy(as(customer), ask)
	require.NoError(t, err)
	assert.Equal(t, "K4b", price.Row)
	assert.Equal(t, cny("100"), price.Fee)
	assert.Equal(t, commits, h.db.commits.Load())

	ask.Facts = order.Facts{Fault: "moon", State: order.Completed, Way: "home", Moved: -1, Paid: -1, Done: decimal.NewFromInt(2)}
	_, err = h.orders.TryPolicy(as(customer), ask)
	var fields platform.FieldErrors
	require.ErrorAs(t, err, &fields)
	assert.Len(t, fields, 6, "each of them")
	_, err = h.orders.Policies(as(customer), "")
	assert.Equal(t, "order.actor_not_allowed", platform.Code(err))
	draft := h.drafted(noon.Add(time.Hour), nil)
	_, err = h.orders.TryPolicy(as(customer), order.PolicyCase{Policy: draft.ID, Amount: cny("1"), Facts: order.Facts{Fault: order.CustomerFault, State: order.Confirmed}})
	require.ErrorIs(t, err, platform.ErrNotFound)
}

func TestAnOrderTakenOverKeepsAPublishedVersion(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.published(noon.Add(time.Hour), dearer)
	in := taken(order.Confirmed, nil)
	assert.Equal(t, 1, h.takeOver(in).PolicyVersion, "it is not in effect")
	h.clock.pass(2 * time.Hour)
	in.Reference = "another"
	assert.Equal(t, 2, h.takeOver(in).PolicyVersion)
	in.Reference, in.Policy = "a third", 1
	assert.Equal(t, 1, h.takeOver(in).PolicyVersion)
	in.Reference, in.Policy = "a fourth", 3
	_, err := h.orders.TakeOver(as(operator), in)
	assert.Equal(t, "order.policy", platform.Code(err))
}
