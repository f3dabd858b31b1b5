package reconciliation_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/store/sandbox"
)

// tampered shows a store whose documents somebody altered.
type tampered struct {
	platform.Getter
	alter func(ref platform.Ref, doc map[string]any) (stays bool)
}

func (d tampered) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	records, err := d.Getter.Get(ctx, refs...)
	return d.all(records), err
}

func (d tampered) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	page, err := d.Getter.Scan(ctx, q)
	page.Items = d.all(page.Items)
	return page, err
}

func (d tampered) all(records []platform.Record) (left []platform.Record) {
	for _, r := range records {
		var doc map[string]any
		if json.Unmarshal(r.Doc, &doc) != nil || d.alter(r.Ref, doc) {
			if doc != nil {
				r.Doc, _ = json.Marshal(doc)
			}
			left = append(left, r)
		}
	}
	return left
}

// first is a member of a list in a document.
func first(doc map[string]any, list string) map[string]any {
	all, _ := doc[list].([]any)
	if len(all) == 0 {
		return map[string]any{}
	}
	one, _ := all[0].(map[string]any)
	return one
}

// V7: every planted fault is found, and nothing in what is merely new.
func TestVerifyFindsWhatDoesNotExplainTheClearing(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	v.captured(1, yuan("10.00"))
	v.captured(2, yuan("7.00")) // in the books alone
	one := v.reconciled(v.file("2026-03-02", "a,charge,"+key(1)+",,10.00,,CNY,"+at+",", "x,charge,,,3.00,,CNY,"+at+","))
	two := v.reconciled(v.file("2026-03-03", "b,charge,,,4.00,,CNY,2026-03-03T09:00:00Z,"))
	v.captured(3, yuan("5.00"))                                              // a near miss: booked since
	st := v.file("2026-03-04", "c,charge,,,6.00,,CNY,2026-03-04T09:00:00Z,") // and another: not compared yet
	keep := func(platform.Ref, map[string]any) bool { return true }
	on := func(ref platform.Ref, do func(doc map[string]any)) func(platform.Ref, map[string]any) bool {
		return func(r platform.Ref, doc map[string]any) bool {
			if r == ref {
				do(doc)
			}
			return true
		}
	}
	proof := func(run reconciliation.Run, field, amount string) func(platform.Ref, map[string]any) bool {
		return on(run.Ref(), func(doc map[string]any) { first(doc, "proofs")[field] = yuan(amount) })
	}
	sheet := func(list, field string, value any) func(platform.Ref, map[string]any) bool {
		return func(r platform.Ref, doc map[string]any) bool {
			if part := first(doc, list); r.Kind == "reconciliation.sheet" && len(part) > 0 {
				part[field] = value
			}
			return true
		}
	}
	for name, c := range map[string]struct {
		alter func(platform.Ref, map[string]any) bool
		found bool
	}{
		"nothing":                        {alter: keep},
		"who imported, when":             {alter: on(st.Ref(), func(doc map[string]any) { doc["source"] = "gateway" })},
		"a statement's line of a cent":   {alter: sheet("lines", "gross", 1001), found: true},
		"a line of another currency":     {alter: sheet("lines", "currency", "EUR"), found: true},
		"a statement's net":              {alter: on(st.Ref(), func(doc map[string]any) { first(doc, "totals")["net"] = yuan("6.01") }), found: true},
		"a statement's closing":          {alter: on(st.Ref(), func(doc map[string]any) { first(doc, "totals")["closing"] = yuan("99.00") }), found: true},
		"a statement's number of lines":  {alter: on(st.Ref(), func(doc map[string]any) { doc["lines"] = 2 }), found: true},
		"the lines of a proof":           {alter: proof(one, "lines", "13.01"), found: true},
		"the lines of the last proof":    {alter: proof(two, "lines", "17.01"), found: true},
		"what the institution has":       {alter: proof(one, "institution", "13.01"), found: true},
		"what is unexplained":            {alter: proof(two, "unexplained", "0.01"), found: true},
		"the books of an old proof":      {alter: proof(one, "books", "17.01"), found: true},
		"what is open, in the proof":     {alter: proof(two, "open_lines", "7.01"), found: true},
		"an open item":                   {alter: sheet("open", "amount", 701), found: true},
		"a run lost":                     {alter: func(r platform.Ref, _ map[string]any) bool { return r != one.Ref() }, found: true},
		"a run of no statement":          {alter: on(one.Ref(), func(doc map[string]any) { doc["statement"] = string(two.ID) }), found: true},
		"the balance of the first day":   {alter: on(platform.Ref{Kind: "reconciliation.statement", ID: one.Statement}, func(doc map[string]any) { first(doc, "totals")["opening"] = yuan("1.00") }), found: true},
		"a posting that is of less":      {alter: func(_ platform.Ref, doc map[string]any) bool { lower(doc, "7.00", "6.99"); return true }, found: true},
		"an entry after the last proven": {alter: func(_ platform.Ref, doc map[string]any) bool { lower(doc, "5.00", "4.99"); return true }},
	} {
		db := tampered{v.db, c.alter}
		wrong, err := reconciliation.Verify(by(clerk), reconciliation.StoreOn(db), finance.Books{Store: finance.StoreOn(db)}, "sandbox")
		require.NoError(t, err, name)
		if !c.found {
			assert.Empty(t, wrong, name)
			continue
		}
		require.NotEmpty(t, wrong, name)
		assert.Equal(t, "V7", wrong[0].Rule, name)
	}
}

// lower makes an amount in a posting's legs another, and tells whether it was there.
func lower(doc map[string]any, from, to string) (found bool) {
	legs, _ := doc["legs"].([]any)
	for _, l := range legs {
		amount, _ := l.(map[string]any)["amount"].(map[string]any)
		if text, _ := amount["amount"].(string); text == from {
			amount["amount"], found = to, true
		}
	}
	return found
}
