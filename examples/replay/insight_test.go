package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the file is read past the engine

	"github.com/liangding/platform"
	"github.com/liangding/platform/order/insight"
)

// computed are figures in SQL over the records of orders and refunds, not over
// the log: what insight must find. Times are shifted by three hours, the zone of
// the dataset. It names the months, and "all" for all of them.
const computed = `
with figures(month, name, over, under, n) as (
  select m, 'placed', count(*), 1, count(*) from o join months on m in ('all', placed_m) group by m
  union all select m, 'gmv_gross', sum(sold), 1, count(*) from o join months on m in ('all', completed_m) where completed is not null group by m
  union all select m, 'gmv', sum(sold - back), 1, count(*) from o join months on m in ('all', completed_m) where completed is not null group by m
  union all select m, 'take_rate', sum(fee - back_fee), sum(sold - back), count(*) from o join months on m in ('all', completed_m) where completed is not null group by m
  union all select m, 'refund_amount_rate', sum(back), sum(sold), count(*) from o join months on m in ('all', completed_m) where completed is not null group by m
  union all select m, 'funnel/1.confirmed', sum(c), count(*), count(*) from f join months on m in ('all', placed_m) group by m
  union all select m, 'funnel/2.started', sum(c and s), sum(c), sum(c) from f join months on m in ('all', placed_m) group by m
  union all select m, 'funnel/3.completed', sum(c and s and d), sum(c and s), sum(c and s) from f join months on m in ('all', placed_m) group by m
  union all select m, 'cancellation_rate', sum(cancelled), count(*), count(*) from o join months on m in ('all', confirmed_m) where confirmed is not null group by m
  union all select m, 'cancellation_by_fault/platform', sum(cancelled and fault = 'platform'), count(*), count(*) from o join months on m in ('all', confirmed_m) where confirmed is not null group by m
  union all select m, 'refund_rate', sum(refunded), count(*), count(*) from o join months on m in ('all', completed_m) where completed is not null group by m
  union all select m, 'first_time_right', sum(not reworked and not at_fault), count(*), count(*) from o join months on m in ('all', completed_m) where completed is not null group by m
  union all select m, 'by_hour/' || strftime('%H', placed), count(*), 1, count(*) from o join months on m in ('all', placed_m) group by m, strftime('%H', placed)
  union all select m, 'by_weekday/' || (1 + (strftime('%w', placed) + 6) % 7), count(*), 1, count(*) from o join months on m in ('all', placed_m) group by m, strftime('%w', placed)
)
select month, name, over, under, n,
  (1.0 * over / under + z * z / (2 * under) - z * sqrt((1.0 * over / under) * (1 - 1.0 * over / under) / under + z * z / (4.0 * under * under))) / (1 + z * z / under),
  (1.0 * over / under + z * z / (2 * under) + z * sqrt((1.0 * over / under) * (1 - 1.0 * over / under) / under + z * z / (4.0 * under * under))) / (1 + z * z / under)
from figures, (select 1.959963984540054 as z)`

// laidOut are the tables of one connection that the figures are computed from.
var laidOut = []string{
	`create temp table r as select json_extract(doc, '$."order"') as "order", minor(doc, '$.amount.amount') as amount, json_extract(doc, '$.at') as at, json_extract(doc, '$.ended_at') as paid,
		json_extract(doc, '$.fault') as fault, (select sum(minor(value, '$.fee.amount')) from json_each(doc, '$.shares')) as fee
	from order_refund where json_extract(doc, '$.state') = 'succeeded'`,
	`create index temp.r_order on r("order")`,
	`create temp table a as select json_extract(doc, '$.id') as id, json_extract(doc, '$.customer') as customer, minor(doc, '$.total.amount') as total,
		(select sum(minor(value, '$.fee.amount')) from json_each(doc, '$.lines')) as fees, json_extract(doc, '$.placed_at') as placed,
		json_extract(doc, '$.confirmed_at') as confirmed, json_extract(doc, '$.started_at') as started, json_extract(doc, '$.completed_at') as completed,
		json_extract(doc, '$.state') = 'cancelled' as cancelled, json_extract(doc, '$.cancellation.fault') as fault, coalesce(json_extract(doc, '$.reworks'), 0) > 0 as reworked
	from "order"`,
	`create temp table o as select id, customer, total, cancelled, fault, reworked,
		datetime(placed, '-3 hours') as placed, datetime(confirmed, '-3 hours') as confirmed, datetime(started, '-3 hours') as started, datetime(completed, '-3 hours') as completed,
		strftime('%Y-%m', placed, '-3 hours') as placed_m, strftime('%Y-%m', confirmed, '-3 hours') as confirmed_m, strftime('%Y-%m', completed, '-3 hours') as completed_m,
		(select count(*) from r where r."order" = id and paid >= completed) > 0 as refunded,
		(select count(*) from r where r."order" = id and paid >= completed and coalesce(r.fault, '') <> 'customer') > 0 as at_fault,
		total - coalesce((select sum(amount) from r where r."order" = id and at < completed), 0) as sold,
		fees - coalesce((select sum(fee) from r where r."order" = id and at < completed), 0) as fee,
		coalesce((select sum(amount) from r where r."order" = id and paid >= completed and julianday(paid) < julianday(completed) + 30), 0) as back,
		coalesce((select sum(fee) from r where r."order" = id and paid >= completed and julianday(paid) < julianday(completed) + 30), 0) as back_fee
	from a`,
	`create temp table f as select placed_m, coalesce(julianday(confirmed) < julianday(placed) + 7, 0) as c, coalesce(julianday(started) < julianday(placed) + 7, 0) as s,
		coalesce(julianday(completed) < julianday(placed) + 7, 0) as d from o`,
	`create temp table months as select 'all' as m union select placed_m from o union select completed_m from o where completed is not null`,
}

// resampled is the bootstrap in SQL: what each of 400 resamples of the values v
// (over, under, in order of at) draws, by the generator's own numbers.
const resampled = `
with recursive drawn(i, x) as (select 0, 20260302 union all select i + 1, x * 48271 % 2147483647 from drawn where i < 400 * (select count(*) from v)),
pick as (select (i - 1) / n as sample, x * n / 2147483647 as pos from drawn, (select count(*) as n from v) where i > 0),
got as (select sample, over, under from pick join v using (pos))`

const medians = `
select (select over from v where pos = (50 * n + 99) / 100 - 1), min(low, high), max(low, high), n from (
  select (select over from stat where rank = 11) as low, (select over from stat where rank = 390) as high, (select count(*) from v) as n)`

// minor turns every amount of the text, as in minor(doc, '$.total.amount'), into
// SQL: all of this currency have two decimals.
func minor(query string) string {
	for {
		at := strings.Index(query, "minor(")
		if at < 0 {
			return query
		}
		end := at + strings.Index(query[at:], ")")
		query = query[:at] + "cast(round(json_extract(" + query[at+len("minor("):end] + ") * 100) as integer)" + query[end+1:]
	}
}

type bounds struct {
	over, under, n int64
	low, high      sql.NullFloat64
}

// TestInsightIsWhatSQLComputes: every figure of the real orders, of each month and
// of all, equals what SQL says about the same file, with its interval; so do the
// medians with their bootstrap, and the cohorts.
func TestInsightIsWhatSQLComputes(t *testing.T) {
	t.Parallel()
	most := 150
	if *all {
		most = 0
	}
	d := readAll(t, realData(t), most)
	if !*all {
		d.leads = d.leads[6000:6500]
	}
	path := filepath.Join(t.TempDir(), "market.db")
	r, _ := played(t, d, options{seed: 1, store: "sqlite:" + path})
	require.NoError(t, r.market.Relay(r.ctx))
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	require.NoError(t, err)
	defer func() { assert.NoError(t, db.Close()) }()
	db.SetMaxOpenConns(1) // its temporary tables are its own
	for _, table := range laidOut {
		_, err := db.ExecContext(t.Context(), minor(table))
		require.NoError(t, err)
	}

	live := report(t, r, r.market.Insight, time.UTC)
	brasilia := time.FixedZone("-03", -3*3600)
	s := insight.New(r.market.Writer, insight.StoreOn(r.db), insight.Ports{}, &insight.Terms{Zone: brasilia, Least: 1})
	readBack(t, r, s)

	wanted := computedBy(t, db)
	require.Greater(t, len(wanted), 10)
	compared := 0
	for month, figures := range wanted {
		from, until := "2016-01-01", "2020-01-01"
		if month != "all" {
			from = month + "-01"
			begun, err := time.Parse(time.DateOnly, from)
			require.NoError(t, err)
			until = begun.AddDate(0, 1, 0).Format(time.DateOnly)
		}
		window, err := s.Window(from, until)
		require.NoError(t, err)
		got, err := s.Report(r.ctx, window)
		require.NoError(t, err)
		assert.Empty(t, got.Apart)
		assert.False(t, got.Building)
		for _, f := range got.Figures {
			name := f.Name
			if f.Key != "" {
				name += "/" + f.Key
			}
			want, known := figures[name]
			if !known {
				assert.True(t, f.N == 0 || unsaid(f.Name), "%s of %s is %d, and SQL knows nothing of it", name, month, f.N)
				continue
			}
			compared++
			assert.Equal(t, [3]int64{want.over, want.under, want.n}, [3]int64{f.Numerator, f.Denominator, f.N}, "%s of %s", name, month)
			if definition := sortOf(f.Name); definition == insight.Rate && f.N > 0 {
				assert.InDelta(t, want.low.Float64, f.Interval.Low, 1e-9, "%s of %s", name, month)
				assert.InDelta(t, want.high.Float64, f.Interval.High, 1e-9, "%s of %s", name, month)
			}
		}
	}
	assert.Greater(t, compared, 200)
	bootstrapped(t, r, s, db)
	cohorts(t, r, s, db)

	again := insight.New(r.market.Writer, insight.StoreOn(r.db), insight.Ports{}, nil)
	readBack(t, r, again)
	assert.Equal(t, live, report(t, r, again, time.UTC), "what came event by event is what the whole log gives")
}

// computedBy are the figures as SQL computes them, by month and name.
func computedBy(t *testing.T, db *sql.DB) map[string]map[string]bounds {
	t.Helper()
	all := map[string]map[string]bounds{}
	rows, err := db.QueryContext(t.Context(), computed)
	require.NoError(t, err)
	defer func() { assert.NoError(t, rows.Close()) }()
	for rows.Next() {
		var month, name string
		var b bounds
		require.NoError(t, rows.Scan(&month, &name, &b.over, &b.under, &b.n, &b.low, &b.high))
		if all[month] == nil {
			all[month] = map[string]bounds{}
		}
		all[month][name] = b
	}
	require.NoError(t, rows.Err())
	return all
}

// readBack folds the whole log by the terms of a service.
func readBack(t *testing.T, r *replay, s *insight.Service) {
	t.Helper()
	for n := 1; n > 0; {
		var err error
		n, err = s.Tick(r.ctx, r.clock.now, 5000)
		require.NoError(t, err)
	}
}

// unsaid are the measures that SQL is asked about elsewhere, and those of faults
// by which nothing happened here.
func unsaid(name string) bool {
	switch name {
	case "basket", "time_to_complete", "by_zone", "no_show_rate", "cancellation_by_fault", "refund_by_fault", "dispute_rate":
		return true
	}
	return false
}

func sortOf(name string) insight.Sort {
	for _, d := range insight.Definitions() {
		if d.Name == name {
			return d.Sort
		}
	}
	return ""
}

// report is everything there is of all the years.
func report(t *testing.T, r *replay, s *insight.Service, zone *time.Location) insight.Figures {
	t.Helper()
	got, err := s.Report(r.ctx, insight.Ask{From: time.Date(2016, 1, 1, 0, 0, 0, 0, zone), Until: time.Date(2020, 1, 1, 0, 0, 0, 0, zone)})
	require.NoError(t, err)
	return got
}

// bootstrapped compares medians and ratios, with the intervals of their bootstrap.
func bootstrapped(t *testing.T, r *replay, s *insight.Service, db *sql.DB) {
	t.Helper()
	figures := map[string]insight.Figure{}
	for _, f := range report(t, r, s, s.Zone()).Figures {
		figures[f.Name] = f
	}
	for name, values := range map[string]string{
		"basket":           "select total as over, 1 as under from o",
		"time_to_complete": "select unixepoch(completed) - unixepoch(placed) as over, 1 as under from o where completed is not null",
	} {
		observe(t, db, "select row_number() over (order by over) - 1 as pos, over, under from ("+values+")")
		query := resampled + `,
			each as (select sample, over, row_number() over (partition by sample order by over) as rank from got),
			stat as (select over, row_number() over (order by over) as rank from each where rank = (50 * (select count(*) from v) + 99) / 100)` + medians
		var want bounds
		require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&want.over, &want.low, &want.high, &want.n), name)
		f := figures[name]
		assert.Equal(t, [2]int64{want.over, want.n}, [2]int64{f.Numerator, f.N}, name)
		assert.Equal(t, &insight.Interval{Low: want.low.Float64, High: want.high.Float64}, f.Interval, name)
		assert.Less(t, f.Interval.Low, f.Interval.High)
	}
	// The engine hands orders out by their completion, then by id.
	observe(t, db, `select row_number() over (order by o.completed, "order".id) - 1 as pos, fee - back_fee as over, sold - back as under
		from o join "order" on json_extract("order".doc, '$.id') = o.id where o.completed is not null`)
	query := resampled + `, stat as (select over, row_number() over (order by over) as rank from (select 1.0 * sum(over) / sum(under) as over from got group by sample))
		select (select over from stat where rank = 11), (select over from stat where rank = 390)`
	var want bounds
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&want.low, &want.high))
	f := figures["take_rate"]
	assert.InDelta(t, want.low.Float64, f.Interval.Low, 1e-12)
	assert.InDelta(t, want.high.Float64, f.Interval.High, 1e-12)
}

// observe lays out the observations that the bootstrap draws from.
func observe(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	for _, s := range []string{"drop table if exists temp.v", "create temp table v as " + query, "create unique index temp.v_pos on v(pos)"} {
		_, err := db.ExecContext(t.Context(), s)
		require.NoError(t, err)
	}
}

// cohorts compares the triangle of retention.
func cohorts(t *testing.T, r *replay, s *insight.Service, db *sql.DB) {
	t.Helper()
	got, err := s.Retention(r.ctx, platform.Ref{}, "2016-01", "2019-01")
	require.NoError(t, err)
	found := map[string][2]int64{}
	for _, c := range got.Cohorts {
		for k, f := range c.Cells {
			if f.Numerator > 0 {
				found[fmt.Sprintf("%s+%d", c.Month, k)] = [2]int64{f.Numerator, f.N}
			}
		}
		if c.Repeat.Numerator > 0 {
			found[c.Month+" again"] = [2]int64{c.Repeat.Numerator, c.Repeat.N}
		}
	}
	rows, err := db.QueryContext(t.Context(), `with own as (select customer, min(completed_m) as cohort, count(distinct date(placed)) as days from o where completed is not null group by customer),
		months_of as (select distinct customer, completed_m, cohort from o join own using (customer) where completed is not null)
		select cohort || '+' || (12 * (substr(completed_m, 1, 4) - substr(cohort, 1, 4)) + substr(completed_m, 6) - substr(cohort, 6)), count(*),
			(select count(*) from own where own.cohort = months_of.cohort) from months_of group by cohort, completed_m
		union all select cohort || ' again', sum(days > 1), count(*) from own group by cohort having sum(days > 1) > 0`)
	require.NoError(t, err)
	defer func() { assert.NoError(t, rows.Close()) }()
	want := map[string][2]int64{}
	for rows.Next() {
		var cell string
		var n [2]int64
		require.NoError(t, rows.Scan(&cell, &n[0], &n[1]))
		want[cell] = n
	}
	require.NoError(t, rows.Err())
	require.Greater(t, len(want), 10)
	assert.Equal(t, want, found)
}
