package insight

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// TestEveryMeasure: what each measure counts, over what. Numbers are numerator,
// denominator and observations.
func TestEveryMeasure(t *testing.T) {
	t.Parallel()
	h := time.Hour
	seated := func(n int) *story {
		s := order(n)
		return s.then("order.placed", noon, data{"amount": cny(1000), "seats": 2, "zone": north, "planned_start": noon.Add(10 * h)}).then("order.confirmed", noon.Add(h))
	}
	offer := func(s *story, seat int, took time.Duration) *story {
		s.child("assignment", "asg", seat, "assignment.offered", noon.Add(2*h), data{"seat": seat})
		return s.child("assignment", "asg", seat, "assignment.accepted", noon.Add(2*h+took), data{"seat": seat})
	}
	lost := func(s *story, what, fault string) *story {
		return s.child("assignment", "asg", 1, "assignment."+what, noon.Add(9*h), data{"seat": 1, "fault": fault})
	}
	done := func(s *story, started time.Duration) *story {
		return s.then("order.started", noon.Add(started)).then("order.completed", noon.Add(20*h), data{"amount": cny(1000), "fee": cny(100)})
	}
	for name, of := range map[string]struct {
		stories []*story
		figure  string
		want    [3]int64
	}{
		"placed":                           {[]*story{order(1).then("order.placed", noon), order(2).then("order.placed", noon)}, "placed", [3]int64{2, 1, 2}},
		"gmv is net of 30 days":            {[]*story{sold(1, noon, 1000).refund(1, 300, noon.Add(31*day), ""), sold(2, noon, 500).refund(1, 200, noon.Add(32*day), "")}, "gmv", [3]int64{1200, 1, 2}},
		"gross is not":                     {[]*story{sold(1, noon, 1000).refund(1, 300, noon.Add(3*day), "")}, "gmv_gross", [3]int64{1000, 1, 1}},
		"take rate gives fees back":        {[]*story{sold(1, noon, 1000).refund(1, 300, noon.Add(3*day), "")}, "take_rate", [3]int64{70, 700, 1}},
		"a refund not yet paid":            {[]*story{sold(1, noon, 1000).child("order.refund", "rfd", 1, "refund.requested", noon.Add(3*day), data{"amount": cny(300)})}, "gmv", [3]int64{1000, 1, 1}},
		"confirmed within seven days":      {[]*story{sold(1, noon, 1), order(2).then("order.placed", noon).then("order.confirmed", noon.Add(7*day))}, "funnel/1.confirmed", [3]int64{1, 2, 2}},
		"each step is over the one before": {[]*story{sold(1, noon, 1), order(2).then("order.placed", noon).then("order.confirmed", noon.Add(h))}, "funnel/2.started", [3]int64{1, 2, 2}},
		"the last step":                    {[]*story{sold(1, noon, 1), order(2).then("order.placed", noon).then("order.confirmed", noon.Add(h))}, "funnel/3.completed", [3]int64{1, 1, 1}},
		"fill rate is of seats":            {[]*story{offer(seated(1), 1, h), offer(offer(seated(2), 1, h), 2, h)}, "fill_rate", [3]int64{3, 4, 4}},
		"time to accept, from first offer": {[]*story{offer(seated(1), 1, h), offer(offer(seated(2), 1, 2*h), 2, 9*h)}, "time_to_accept", [3]int64{7200, 1, 3}},
		"time to accept, p90":              {[]*story{offer(seated(1), 1, h), offer(offer(seated(2), 1, 2*h), 2, 9*h)}, "time_to_accept_p90", [3]int64{32400, 1, 3}},
		"on time until a quarter past":     {[]*story{done(seated(1), 10*h+15*time.Minute), done(seated(2), 10*h+15*time.Minute+1e9), sold(3, noon, 1)}, "on_time_start", [3]int64{1, 2, 2}},
		"late by the customer":             {[]*story{done(lost(seated(1), "released", "customer"), 12*h), done(lost(seated(2), "released", "staff"), 12*h)}, "on_time_start", [3]int64{0, 1, 1}},
		"late by force majeure":            {[]*story{done(lost(seated(1), "released", "force_majeure"), 12*h), done(seated(2), 9*h)}, "on_time_start", [3]int64{1, 1, 1}},
		"first time right": {[]*story{
			sold(1, noon, 1000), sold(2, noon, 1000).then("order.rework_requested", noon.Add(day)),
			sold(3, noon, 1000).child("dispute", "dsp", 1, "dispute.opened", noon.Add(3*day)),
			sold(4, noon, 1000).refund(1, 100, noon.Add(3*day), "merchant"), sold(5, noon, 1000).refund(1, 100, noon.Add(3*day), "customer"),
		}, "first_time_right", [3]int64{2, 5, 5}},
		"cancelled of confirmed":       {[]*story{seated(1).then("order.cancelled", noon.Add(2*h), data{"fault": "merchant"}), seated(2), order(3).then("order.placed", noon).then("order.cancelled", noon.Add(h))}, "cancellation_rate", [3]int64{1, 2, 2}},
		"cancelled by the merchant":    {[]*story{seated(1).then("order.cancelled", noon.Add(2*h), data{"fault": "merchant"}), seated(2)}, "cancellation_by_fault/merchant", [3]int64{1, 2, 2}},
		"cancelled by nobody who says": {[]*story{seated(1).then("order.cancelled", noon.Add(2*h), data{"fault": "weather"}), seated(2)}, "cancellation_by_fault/unknown", [3]int64{1, 2, 2}},
		"staff did not come":           {[]*story{lost(seated(1), "staff_no_show", "staff"), lost(seated(2), "customer_no_show", "customer"), seated(3)}, "no_show_rate/staff", [3]int64{1, 3, 3}},
		"customer did not come":        {[]*story{lost(seated(1), "staff_no_show", "staff"), lost(seated(2), "customer_no_show", "customer"), seated(3)}, "no_show_rate/customer", [3]int64{1, 3, 3}},
		"refunded by count":            {[]*story{sold(1, noon, 1000).refund(1, 100, noon.Add(90*day), ""), sold(2, noon, 1000)}, "refund_rate", [3]int64{1, 2, 2}},
		"refunded by amount":           {[]*story{sold(1, noon, 1000).refund(1, 100, noon.Add(3*day), "").refund(2, 50, noon.Add(4*day), ""), sold(2, noon, 1000)}, "refund_amount_rate", [3]int64{150, 2000, 2}},
		"refunded by fault":            {[]*story{sold(1, noon, 1000).refund(1, 100, noon.Add(3*day), "platform").refund(2, 50, noon.Add(4*day), "customer"), sold(2, noon, 1000)}, "refund_by_fault/platform", [3]int64{1, 2, 2}},
		"charged back": {[]*story{sold(1, noon, 1000).by(operator, platform.Ref{Kind: "payment.chargeback", ID: platform.NewID("chb", noon, order(1).order.Slot(), 1)}, "chargeback.received", noon.Add(5*day),
			data{"subject": platform.Ref{Kind: "order", ID: order(1).order}}), sold(2, noon, 1000)}, "dispute_rate", [3]int64{1, 2, 2}},
		"basket":              {[]*story{sold(1, noon, 300), sold(2, noon, 100), sold(3, noon, 200)}, "basket", [3]int64{200, 1, 3}},
		"lead time":           {[]*story{seated(1), sold(2, noon, 1)}, "lead_time", [3]int64{36000, 1, 1}},
		"time to complete":    {[]*story{sold(1, noon, 1)}, "time_to_complete", [3]int64{172800, 1, 1}},
		"hour of the day":     {[]*story{sold(1, noon, 1), sold(2, noon.Add(h), 1)}, "by_hour/12", [3]int64{1, 1, 1}},
		"day of the week":     {[]*story{sold(1, noon, 1), sold(2, noon.Add(-day), 1)}, "by_weekday/7", [3]int64{1, 1, 1}},
		"zone":                {[]*story{seated(1), sold(2, noon, 1)}, "by_zone/" + string(north), [3]int64{1, 1, 1}},
		"nothing is no value": {nil, "refund_rate", [3]int64{0, 0, 0}},
	} {
		s := measured(t, Terms{Least: 1}, Ports{}, of.stories...)
		measure, key := cut(of.figure)
		got := figure(t, report(t, s, march, measure), measure, key)
		assert.Equal(t, of.want, [3]int64{got.Numerator, got.Denominator, got.N}, name)
	}
}

func TestDefinitionsAreComplete(t *testing.T) {
	t.Parallel()
	s := measured(t, Terms{Least: 1}, Ports{}, sold(1, noon, 1000))
	f := report(t, s, march)
	for _, d := range Definitions() {
		assert.NotEmpty(t, []string{d.Numerator.EN, d.Denominator.EN, d.Numerator.ZH, d.Denominator.ZH}, d.Name)
		assert.Positive(t, d.Version, d.Name)
		found := false
		for _, one := range f.Figures {
			if one.Name == d.Name {
				found = true
				assert.Equal(t, d.Version, one.Version)
				sampled := one.N > 0 && d.Sort != Count && d.Sort != Amount
				assert.Equal(t, sampled, one.Interval != nil, "%s/%s", one.Name, one.Key)
			}
		}
		assert.True(t, found, d.Name)
	}
}

func TestWhatIsNoCustomersOrderIsCountedApart(t *testing.T) {
	t.Parallel()
	test := sold(3, noon, 100)
	taken := order(4).then("order.taken_over", noon, data{"amount": cny(100)}).then("order.completed", noon, data{"amount": cny(100)})
	s := measured(t, Terms{Least: 1, Tests: []platform.ID{test.customer}}, Ports{},
		sold(1, noon, 100),
		order(2).by(operator, platform.Ref{Kind: "order", ID: order(2).order}, "order.placed", noon, data{"amount": cny(100)}),
		test, taken, order(5).then("order.blocked", noon, data{"amount": cny(100)}))

	f := report(t, s, march, "placed", "gmv")
	assert.Equal(t, int64(1), figure(t, f, "placed", "").Numerator)
	assert.Equal(t, int64(100), figure(t, f, "gmv", "").Numerator)
	assert.Equal(t, map[string]int64{"operator": 1, "test": 1, "taken_over": 1, "blocked": 1}, f.Apart)
}

// TestWindowsAreDaysOfTheTenant: half open, over a change of the clocks.
func TestWindowsAreDaysOfTheTenant(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	at := func(text string) time.Time { m, _ := time.ParseInLocation("2006-01-02 15:04", text, berlin); return m }
	s := measured(t, Terms{Least: 1, Zone: berlin}, Ports{},
		sold(1, at("2026-03-29 00:00"), 1), sold(2, at("2026-03-29 23:59"), 1), sold(3, at("2026-03-30 00:00"), 1), sold(4, at("2026-03-28 23:59"), 1))

	a, err := s.Window("2026-03-29", "2026-03-30")
	require.NoError(t, err)
	assert.Equal(t, 23*time.Hour, a.Until.Sub(a.From))
	assert.Equal(t, int64(2), figure(t, report(t, s, a, "placed"), "placed", "").Numerator)

	for _, of := range [][2]string{{"2026-03-29", "2026-03-29"}, {"", "2026-03-29"}, {"2026-03-29", "soon"}, {"1969-01-01", "1970-01-01"}, {"2000-01-01", "2026-01-01"}} {
		_, err := s.Window(of[0], of[1])
		require.ErrorIs(t, err, ErrWindow, of)
	}
}

func TestFewPersonsHaveNoFigure(t *testing.T) {
	t.Parallel()
	var stories []*story
	for n := range 9 {
		stories = append(stories, sold(n, noon, 1000), sold(n+100, noon, 500))
	}
	for n := range 9 {
		stories[2*n+1].customer = customer(n)
		for i := range stories[2*n+1].events {
			stories[2*n+1].events[i].Data = []byte(strings.ReplaceAll(string(stories[2*n+1].events[i].Data), string(customer(n+100)), string(customer(n))))
		}
	}
	s := measured(t, Terms{}, Ports{}, stories...)
	for _, f := range report(t, s, march).Figures {
		if f.Name != "time_to_accept" && f.Name != "time_to_accept_p90" && f.Name != "fill_rate" && f.Name != "on_time_start" && f.Name != "lead_time" {
			assert.Equal(t, f.hidden(), f, "18 orders of nine persons")
		}
	}
	n, d, count, err := s.Measure(as(operator), "placed", platform.Ref{}, march.From, march.Until)
	require.NoError(t, err, "the platform's own rules see it")
	assert.Equal(t, [3]int64{18, 1, 18}, [3]int64{n, d, count})
}

func TestMeasureFeedsAppraisals(t *testing.T) {
	t.Parallel()
	other := sold(3, noon, 700)
	other.merchant = rival
	for i := range other.events {
		other.events[i].Data = []byte(strings.ReplaceAll(string(other.events[i].Data), string(shop), string(rival)))
	}
	s := measured(t, Terms{}, Ports{}, sold(1, noon, 1000), sold(2, noon, 500).refund(1, 100, noon.Add(3*day), "merchant"), other)
	of := platform.Ref{Kind: "merchant", ID: shop}
	for name, want := range map[string][3]int64{
		"refund_rate": {1, 2, 2}, "gmv/CNY": {1400, 1, 2}, "gmv/EUR": {0, 0, 0}, "refund_by_fault/merchant": {1, 2, 2},
		"time_to_complete": {172800, 1, 2}, "first_time_right": {1, 2, 2}, "take_rate/CNY": {140, 1400, 2},
	} {
		n, d, count, err := s.Measure(as(platform.SystemActor("appraisal")), name, of, march.From, march.Until)
		require.NoError(t, err, name)
		assert.Equal(t, want, [3]int64{n, d, count}, name)
	}
	for _, name := range []string{"", "sales", "refund_by_fault"} {
		_, _, _, err := s.Measure(as(operator), name, of, march.From, march.Until)
		require.ErrorIs(t, err, ErrMeasure, name)
	}
}

func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	s := measured(t, Terms{}, Ports{}, sold(1, noon, 1000))
	own := Ask{Of: platform.Ref{Kind: "merchant", ID: shop}, From: march.From, Until: march.Until}
	owner := platform.Actor{ID: shop, Kind: platform.Merchant}
	_, err := s.Report(as(owner), own)
	require.NoError(t, err)
	_, err = s.Report(as(owner), march)
	require.ErrorIs(t, err, errActor)
	_, err = s.Report(as(platform.Actor{ID: rival, Kind: platform.Merchant}), own)
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = s.Report(as(buyer), march)
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = s.Report(context.Background(), march)
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = s.Report(as(platform.Actor{ID: operator.ID, Kind: platform.Operator, Tenant: "other"}), march)
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = s.Report(as(operator), Ask{Of: platform.Ref{Kind: "customer", ID: buyer.ID}, From: march.From, Until: march.Until})
	require.ErrorIs(t, err, ErrSubject)
	_, err = s.Report(as(operator), Ask{From: march.Until, Until: march.From})
	require.ErrorIs(t, err, ErrWindow)
	_, err = s.Report(as(operator), march, "placed", "nothing")
	require.ErrorIs(t, err, ErrMeasure)
}

func TestTooManyOrdersForOneFigure(t *testing.T) {
	t.Parallel()
	s := measured(t, Terms{Most: 2}, Ports{}, sold(1, noon, 1), sold(2, noon, 1), sold(3, noon, 1))
	_, err := s.Report(as(operator), march)
	require.ErrorIs(t, err, ErrTooMany)
}

func TestAnExportCarriesItsDefinitions(t *testing.T) {
	t.Parallel()
	s := measured(t, Terms{Least: 2}, Ports{}, sold(1, noon, 1000), sold(2, noon, 1000).refund(1, 100, noon.Add(3*day), "staff"))
	var en, zh strings.Builder
	require.NoError(t, report(t, s, march, "refund_rate", "by_zone").WriteCSV(&en, "en"))
	require.NoError(t, report(t, s, march, "refund_rate").WriteCSV(&zh, "zh"))
	lines := strings.Split(en.String(), "\n")
	assert.Equal(t, strings.Join(exported, ","), lines[0])
	assert.True(t, strings.HasPrefix(lines[1], "2026-03-01T00:00:00Z,2026-04-01T00:00:00Z,refund_rate,1,,,0.5,1,2,2,0.09"), lines[1])
	assert.True(t, strings.HasSuffix(lines[1], `false,"of those, with money paid back after completion",orders completed`), lines[1])
	assert.Contains(t, zh.String(), "已完成订单数")

	few := measured(t, Terms{}, Ports{}, sold(1, noon, 1000))
	en.Reset()
	require.NoError(t, report(t, few, march, "refund_rate").WriteCSV(&en, "en"))
	assert.Contains(t, en.String(), "refund_rate,1,,,,,,,,,true,")
}
