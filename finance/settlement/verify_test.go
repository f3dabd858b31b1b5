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

// tampered shows a store with one record altered.
type tampered struct {
	platform.Getter
	alter func(platform.Ref, map[string]any)
}

func (t tampered) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	found, err := t.Getter.Get(ctx, refs...)
	return t.all(found), err
}

func (t tampered) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	page, err := t.Getter.Scan(ctx, q)
	page.Items = t.all(page.Items)
	return page, err
}

func (t tampered) all(records []platform.Record) []platform.Record {
	for i, r := range records {
		var doc map[string]any
		if json.Unmarshal(r.Doc, &doc) == nil {
			t.alter(r.Ref, doc)
			records[i].Doc, _ = json.Marshal(doc)
		}
	}
	return records
}

// V12, invariant 24: each planted fault is found, and nothing in a clean store.
func TestVerifyFindsWhatDoesNotAgree(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := ready(t, v, "100.00", sandbox.OK)
	paid := v.approved(t, a)
	v.quiesce(t)
	v.earn(t, merchant.ID, "50.00")
	v.confirmed(t)
	flight := v.approved(t, a)
	require.NoError(t, v.after(0))
	require.Equal(t, settlement.PayoutSending, v.payout(t, flight.ID).State)
	v.sound(t)
	last := v.latest(t, a)

	for name, c := range map[string]struct {
		ref platform.Ref
		doc func(doc map[string]any)
	}{
		"a unit more paid":             {paid.Ref(), func(d map[string]any) { d["amount"] = yuan("100.01") }},
		"paid to somebody else":        {paid.Ref(), func(d map[string]any) { d["party"] = stranger.ID }},
		"paid, says the record":        {flight.Ref(), func(d map[string]any) { d["state"] = "paid" }},
		"failed, says the record":      {flight.Ref(), func(d map[string]any) { d["state"] = "failed" }},
		"returned, and not booked":     {paid.Ref(), func(d map[string]any) { d["state"] = "returned" }},
		"cancelled after it was held":  {flight.Ref(), func(d map[string]any) { d["state"] = "cancelled" }},
		"a statement of a unit more":   {last.Ref(), func(d map[string]any) { d["closing"] = yuan("50.01") }},
		"a statement without a line":   {last.Ref(), func(d map[string]any) { d["totals"] = nil }},
		"a statement from another one": {last.Ref(), func(d map[string]any) { d["opening"] = yuan("1.00") }},
		"a statement of other entries": {last.Ref(), func(d map[string]any) { d["last"] = 1 }},
		"a hold for another payout": {platform.Ref{Kind: "finance.pending", ID: flight.ID.As("pen")}, func(d map[string]any) {
			d["subject"] = "settlement.payout/" + string(settlement.PayoutID(flight.ID, flight.Run))
		}},
	} {
		found, err := settlement.Verify(t.Context(), tampered{v.db, func(ref platform.Ref, doc map[string]any) {
			if ref == c.ref {
				c.doc(doc)
			}
		}})
		require.NoError(t, err, name)
		assert.NotEmpty(t, found, name)
	}
}

func TestEveryStateOfATableIsKnown(t *testing.T) {
	t.Parallel()
	open := func(state settlement.PayoutState) []string {
		return append(settlement.PayoutMoves.Open(state, platform.Operator), settlement.PayoutMoves.Open(state, platform.System)...)
	}
	for _, s := range []settlement.PayoutState{settlement.PayoutReview, settlement.PayoutPlanned, settlement.PayoutApproved, settlement.PayoutSending, settlement.PayoutUnknown, settlement.PayoutManual, settlement.PayoutPaid} {
		assert.NotEmpty(t, open(s), "%s: invariant 15, every payout ends or stands in a queue", s)
	}
	for _, s := range []settlement.PayoutState{settlement.PayoutReturned, settlement.PayoutFailed, settlement.PayoutCancelled} {
		assert.Empty(t, open(s), s)
	}
	for _, who := range []platform.ActorKind{platform.Merchant, platform.Staff, platform.Customer, platform.Auditor} {
		for _, m := range settlement.PayoutMoves {
			assert.NotContains(t, m.By, who, m.Verb)
		}
	}
}

// A tick that comes late, twice or from many sides fires each deadline once.
func TestTicksAtOnceSendOnce(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	crowd(t, v, 3, "100.00")
	v.confirmed(t)
	r := v.run(t, "r1")
	_, err := v.s.ApproveRun(by(second), settlement.ApproveRun{Run: r.ID})
	require.NoError(t, err)

	together(24, func(int) { _, err := v.s.Tick(system(), v.clock.Now(), 0); assert.NoError(t, err) })
	require.NoError(t, v.after(5*time.Minute))
	v.quiesce(t)

	assert.Equal(t, "300", v.out(t, "300.00").String())
	v.sound(t)
}
