package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/order"
	"github.com/liangding/platform/security"
)

// planted is a small dataset in the original form with one of each that can be
// wrong. What it is about stands in the id of each order.
func planted() files {
	return files{
		"orders": `"order_id","customer_id","order_status","order_purchase_timestamp","order_approved_at","order_delivered_carrier_date","order_delivered_customer_date","order_estimated_delivery_date"
clean,c1,delivered,2018-01-02 10:00:00,2018-01-02 10:05:00,2018-01-03 09:00:00,2018-01-06 12:00:00,2018-01-20 00:00:00
two_sellers,c2,delivered,2018-01-02 11:00:00,2018-01-02 11:05:00,2018-01-03 09:00:00,2018-01-22 12:00:00,2018-01-20 00:00:00
short,c3,delivered,2018-01-03 10:00:00,2018-01-03 10:05:00,2018-01-04 09:00:00,2018-01-06 12:00:00,2018-01-20 00:00:00
surplus,c4,delivered,2018-01-03 11:00:00,2018-01-03 11:05:00,2018-01-04 09:00:00,2018-01-06 12:00:00,2018-01-20 00:00:00
nothing,c5,canceled,2018-01-03 12:00:00,,,,2018-01-20 00:00:00
no_items,c6,unavailable,2018-01-03 13:00:00,2018-01-03 13:05:00,,,2018-01-20 00:00:00
no_payments,c7,delivered,2018-01-03 14:00:00,2018-01-03 14:05:00,2018-01-04 09:00:00,2018-01-06 12:00:00,2018-01-20 00:00:00
no_date,c8,delivered,2018-01-04 10:00:00,,,,2018-01-20 00:00:00
out_of_order,c9,delivered,2018-01-05 10:00:00,2018-01-05 12:00:00,2018-01-05 11:00:00,2018-01-05 10:30:00,2018-01-20 00:00:00
approved_first,c10,processing,2018-01-05 10:00:00,2018-01-05 09:00:00,,,2018-01-20 00:00:00
reversed,c11,canceled,2018-01-05 11:00:00,2018-01-05 11:05:00,2018-01-06 09:00:00,2018-01-07 12:00:00,2018-01-20 00:00:00
never_approved,c12,canceled,2018-01-05 12:00:00,,,,2018-01-20 00:00:00
too_late,c13,shipped,2018-01-05 13:00:00,2018-03-20 12:00:00,2018-03-21 12:00:00,,2018-01-20 00:00:00
lost,c14,mislaid,2018-01-05 14:00:00,2018-01-05 14:05:00,,,2018-01-20 00:00:00
no_purchase,c15,invoiced,,2018-01-05 15:05:00,,,
further,c16,shipped,2018-01-05 16:00:00,2018-01-05 16:05:00,2018-01-06 16:00:00,2018-01-07 16:00:00,2018-01-20 00:00:00
carried_first,c17,canceled,2018-01-05 17:00:00,,2018-01-05 16:00:00,,2018-01-20 00:00:00
refused,c18,processing,2018-01-05 18:00:00,2018-01-05 18:05:00,,,2018-01-20 00:00:00
unreadable,nobody,created,2018-01-05 19:00:00,tomorrow,,,2018-01-20 00:00:00
clean,c1,delivered,2018-01-02 10:00:00,,,,
cut,off
"bad"quote,c1,delivered,2018-01-02 10:00:00,,,,
,c1,delivered,2018-01-02 10:00:00,,,,
`,
		"order_items": `order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value
clean,1,p1,s1,2018-01-05 10:00:00,10.00,1.00
clean,2,p1,s1,2018-01-05 10:00:00,10.00,1.00
two_sellers,1,p1,s1,2018-01-05 10:00:00,10.00,2.00
two_sellers,2,p2,s2,2018-01-05 10:00:00,20.01,0.00
short,1,p1,s1,2018-01-05 10:00:00,10.00,1.00
surplus,1,p1,s1,2018-01-05 10:00:00,10.00,1.00
no_payments,1,p1,s1,2018-01-05 10:00:00,10.00,1.00
no_date,1,p1,s1,2018-01-05 10:00:00,10.00,1.00
out_of_order,1,p1,s1,2018-01-05 10:00:00,10.00,1.00
approved_first,1,p1,s1,2018-01-05 10:00:00,10.00,1.00
reversed,1,p1,s1,2018-01-05 10:00:00,10.00,1.00
never_approved,1,p1,s1,2018-01-05 10:00:00,10.00,1.00
too_late,1,p1,s1,2018-01-05 10:00:00,10.00,1.00
lost,1,p1,s1,2018-01-05 10:00:00,10.00,1.00
no_purchase,1,p1,s1,2018-01-05 10:00:00,10.00,1.00
further,1,p1,s1,2018-01-05 10:00:00,10.00,1.00
further,2,free,s1,2018-01-05 10:00:00,0.00,1.00
carried_first,1,p1,s1,2018-01-05 10:00:00,10.00,1.00
refused,1,call,s1,2018-01-05 10:00:00,10.00,1.00
unreadable,1,unknown,stranger,2018-01-05 10:00:00,10.00,1.00
unreadable,1,p1,s1,2018-01-05 10:00:00,10.00,1.00
unreadable,2,p1,s1,2018-01-05 10:00:00,-10.00,1.00
nowhere,1,p1,s1,2018-01-05 10:00:00,10.00,1.00
`,
		"order_payments": `order_id,payment_sequential,payment_type,payment_installments,payment_value
clean,1,credit_card,1,22.00
two_sellers,2,voucher,1,20.00
two_sellers,1,credit_card,1,12.01
two_sellers,3,voucher,1,0.00
short,1,credit_card,1,10.99
surplus,1,credit_card,1,12.50
no_items,1,boleto,1,5.00
no_date,1,boleto,1,11.00
out_of_order,1,boleto,1,11.00
approved_first,1,boleto,1,11.00
reversed,1,boleto,1,11.00
never_approved,1,boleto,1,11.00
too_late,1,boleto,1,11.00
lost,1,boleto,1,11.00
no_purchase,1,boleto,1,11.00
further,1,boleto,1,12.00
carried_first,1,boleto,1,11.00
refused,1,boleto,1,11.00
refused,1,boleto,1,11.00
unreadable,1,boleto,1,11.005
nowhere,1,boleto,1,11.00
`,
		"order_reviews": `review_id,order_id,review_score,review_comment_title,review_comment_message,review_creation_date,review_answer_timestamp
r1,clean,5,"Good","All came,
well packed. ""Thanks""",2018-01-07 00:00:00,2018-01-08 00:00:00
r2,clean,4,,,2018-01-08 00:00:00,2018-01-08 00:00:00
r1,two_sellers,3,,,2018-01-23 00:00:00,2018-01-24 00:00:00
r3,short,1,,,2018-01-01 00:00:00,2018-01-08 00:00:00
r4,surplus,5,,,2018-03-20 00:00:00,2018-03-21 00:00:00
r5,nothing,2,,,2018-01-08 00:00:00,2018-01-08 00:00:00
r6,no_payments,4,,bell` + "\a" + `,2018-01-08 00:00:00,2018-01-08 00:00:00
r7,no_date,6,,,2018-01-25 00:00:00,2018-01-26 00:00:00
r8,no_date,5,,,,2018-01-26 00:00:00
r9,nowhere,5,,,2018-01-26 00:00:00,2018-01-26 00:00:00
`,
		"sellers":   "seller_id,seller_zip_code_prefix,seller_city,seller_state\ns1,1,sao paulo,SP\ns2,2,curitiba,PR\n",
		"products":  "product_id,product_category_name\np1,perfumaria\np2,artes\nfree,\ncall,call 11 2345 6789\n",
		"customers": "customer_id,customer_unique_id\nc1,u1\nc2,u1\nc3,u3\nc4,u4\nc5,u5\nc6,u6\nc7,u7\nc8,u8\nc9,u9\nc10,u10\nc11,u11\nc12,u12\nc13,u13\nc14,u14\nc15,u15\nc16,u16\nc17,u17\nc18,u18\n",
		"marketing_qualified_leads": `mql_id,first_contact_date,landing_page_id,origin
m1,2017-12-01,l,social
m2,2017-12-02,l,
m3,2017-12-03,l,email
m4,,l,email
m5,,l,email
m6,2017-12-04,l,email
m1,2017-12-05,l,social
m7,2017-12-05,l,social
`,
		"closed_deals": `mql_id,seller_id,sdr_id,sr_id,won_date
m1,s1,a,b,2017-12-10 12:00:00
m3,s3,a,b,2017-12-01 12:00:00
m4,s4,a,b,2017-12-20 12:00:00
m6,s6,a,b,
m7,s1,a,b,2017-12-21 12:00:00
m7,s7,a,b,2017-12-21 12:00:00
m9,s9,a,b,2017-12-21 12:00:00
`,
	}
}

// played is a replay of a dataset with its report, but for the seconds.
func played(t testing.TB, d *dataset, o options) (*replay, Report) {
	t.Helper()
	o.wall = time.Now
	r, err := open(d, o)
	require.NoError(t, err)
	require.NoError(t, r.run())
	rep, err := r.report()
	require.NoError(t, err)
	return r, rep
}

func readAll(t testing.TB, dir string, most int) *dataset {
	t.Helper()
	d, err := read(dir, most)
	require.NoError(t, err)
	return d
}

func TestEverythingThatIsWrongIsFound(t *testing.T) {
	t.Parallel()
	_, rep := played(t, readAll(t, planted().written(t), 0), options{seed: 1})

	assert.Equal(t, map[string]int{
		"row.malformed": 3, "time.unreadable": 1, "amount.unreadable": 2,
		"order.duplicate": 1, "order.unknown_status": 1, "order.no_items": 2, "order.no_payments": 3, "customer.unknown": 1,
		"item.unknown_order": 1, "item.unknown_product": 1, "item.unknown_seller": 1, "item.duplicate": 1, "item.no_price": 1,
		"seller.no_lead": 2, "seller.twice": 1,
		"purchase.no_date": 1, "approved.no_date": 2, "carrier.no_date": 1, "delivered.no_date": 1,
		"status.behind_dates": 1, "cancelled.after_delivery": 1,
		"approved.before_purchase": 1, "carrier.before_approved": 1, "carrier.before_purchase": 1, "delivered.before_carrier": 1,
		"payment.unknown_order": 1, "payment.duplicate": 1, "payment.zero": 1, "payment.short": 2, "payment.surplus": 3,
		"payment.too_late": 1, "payment.never_approved": 1,
		"review.unknown_order": 1, "review.no_score": 1, "review.no_date": 1, "review.duplicate_id": 1, "review.before_purchase": 1,
		"review.not_eligible": 4, "review.text_refused": 1,
		"lead.duplicate": 1, "lead.no_date": 2, "lead.no_origin": 1, "lead.won_before_contact": 1,
		"deal.unknown_lead": 1, "deal.duplicate": 1, "deal.no_date": 1,
		"command.refused": 1,
	}, rep.Findings)
	for code := range rep.Findings {
		assert.NotEmpty(t, findings[code], code)
	}
	never := []string{"delivered.before_approved", "delivered.before_purchase", "file.missing"} // see the tests of plan and of files
	assert.ElementsMatch(t, never, slices.Collect(func(yield func(string) bool) {
		for code := range findings {
			if rep.Findings[code] == 0 && !yield(code) {
				return
			}
		}
	}))
}

// TestNoReviewStandsInTheClear: neither those that are reviews nor those that are
// kept as feedback.
func TestNoReviewStandsInTheClear(t *testing.T) {
	t.Parallel()
	birds := security.Canaries{"canary of a review", "canary of a second"}
	f := planted()
	for i, was := range []string{"\"All came,\nwell packed. \"\"Thanks\"\"\"", "r2,clean,4,,,"} {
		with := birds[i]
		if i > 0 {
			with = strings.TrimSuffix(was, ",") + with + ","
		}
		require.Contains(t, f["order_reviews"], was)
		f["order_reviews"] = strings.Replace(f["order_reviews"], was, with, 1)
	}
	d := readAll(t, f.written(t), 0)
	r, rep := played(t, d, options{seed: 1})

	report, err := json.Marshal(rep)
	require.NoError(t, err)
	assert.Empty(t, birds.In(report))
	sealed := 0
	for line, err := range r.db.Lines(t.Context()) {
		require.NoError(t, err)
		if line.Kind == "care.review" || line.Kind == "care.feedback" {
			sealed += strings.Count(string(line.Doc), `"text"`)
		}
		text, err := json.Marshal(line)
		require.NoError(t, err)
		assert.Empty(t, birds.In(text), line.Kind)
	}
	assert.Equal(t, len(birds), sealed)
}

func TestFiguresAreThoseOfThePlatform(t *testing.T) {
	t.Parallel()
	_, rep := played(t, readAll(t, planted().written(t), 0), options{seed: 1})

	assert.Equal(t, 19, rep.Orders)
	assert.Equal(t, map[string]int{
		"delivered": 7, "canceled": 4, "unavailable": 1, "processing": 2, "shipped": 2, "mislaid": 1, "invoiced": 1, "created": 1,
	}, rep.ByStatus)
	assert.Equal(t, 17, rep.PlatformOrders)
	assert.Equal(t, map[order.State]int{
		order.Closed:    10, // the delivered ones, one of them of two sellers; the one reversed, and the one further than its status
		order.Confirmed: 3,  // approved_first, lost, no_purchase
		order.Cancelled: 2,  // never_approved, carried_first
		order.Expired:   2,  // too_late, unreadable
	}, rep.FinalStates)
	assert.Equal(t, int64(19001), rep.Price, "of what was placed")
	assert.Equal(t, int64(1900), rep.Freight)
	assert.Equal(t, int64(20450), rep.Payments)
	assert.Equal(t, Reconciliation{Both: 15, Equal: 13, Differ: 2, Differences: []Difference{{"short", -1}, {"surplus", 150}}}, rep.Reconciliation)
	assert.Equal(t, [2]int{2, 3}, [2]int{rep.WithoutItems, rep.WithoutPayments})
	assert.Equal(t, [2]int{7, 1}, [2]int{rep.Delivered, rep.Late})
	assert.Equal(t, 8, rep.Reviews, "feedback included")
	assert.InDelta(t, 29.0/8, rep.Mean, 1e-12)
	assert.Equal(t, [2]int{3, 18}, [2]int{rep.Sellers, rep.Customers})

	// 8 items of 10.00 at 1.275, rounded half up to 1.28 each, and one of 20.01 at 2.55 (2.551275).
	assert.Equal(t, int64(8*128+255), rep.Commission)
	assert.Equal(t, int64(8*1000+2001+900)-rep.Commission, rep.Payable, "price and freight, less commission")
	assert.Equal(t, Funnel{Leads: 6, Won: 5, WonBeforeContact: 1}, rep.Funnel)
	assert.Equal(t, map[string]int64{"BRL": 0}, rep.Ledger.TrialBalance)
	assert.True(t, rep.Ledger.Verified)
	assert.True(t, rep.Audit.Verified)
	assert.Equal(t, int64(rep.Events), rep.Audit.Size)
}

func TestTheSameSeedGivesTheSameReport(t *testing.T) {
	t.Parallel()
	dir := planted().written(t)
	for _, faults := range []uint64{0, 3} {
		_, one := played(t, readAll(t, dir, 0), options{seed: 5, faults: faults})
		_, two := played(t, readAll(t, dir, 0), options{seed: 5, faults: faults})
		assert.Equal(t, one, two, "the audit root included")
		_, other := played(t, readAll(t, dir, 0), options{seed: 6, faults: faults})
		assert.NotEqual(t, one.Audit.Root, other.Audit.Root)
	}
}

func TestTheReportIsPrintedAndWritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "report.json")
	var out bytes.Buffer

	require.NoError(t, play(planted().written(t), 0, options{seed: 1, wall: time.Now}, &out, file))

	assert.Contains(t, out.String(), "15 with items and payments: 13 equal, 2 differ")
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(raw, &members))
	assert.Equal(t, []string{
		"audit", "by_status", "commands", "commission_minor", "customers", "delivered", "events", "final_states", "findings",
		"freight_minor", "funnel", "late_by_timestamp", "ledger", "mean_review", "merchant_payable_minor", "orders",
		"payments_minor", "platform_orders", "price_minor", "reconciliation", "reviews", "seconds", "sellers",
		"settlement", "statements", "without_items", "without_payments",
	}, slices.Sorted(maps.Keys(members)))
}
