package console

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order/insight"
)

// insightView is what happened to the orders of a window.
type insightView struct {
	From, Until, Measure, Day string
	Step                      insight.Step
	Spans                     []spanLink
	Measures                  []string
	JSON, CSV, CourseCSV      string // where the exports are
	Found                     insight.Figures
	Figures                   []figureRow
	Course                    course
	Funnel                    []figureRow
	Hours, Weekdays           []heat
	Months                    []string // since the first order
	Cohorts                   []cohortRow
	Balance                   insight.Balance
	Demand                    []demandRow
	Off                       float64 // the forecasts' error, in percent
	Value                     insight.Value
}

// spanLink leads to a window that people often look at.
type spanLink struct {
	Name, From, Until string
	Step              insight.Step
	Current           bool
}

// figureRow is a figure as it is read: its value and the bounds in words, and
// where they lie on a line that is a thousand long.
type figureRow struct {
	insight.Figure
	Definition     insight.Definition
	Value          string
	Low, High      string
	At, From, Wide int64
	Left           int64 // of a step: how many of all that began came so far, in thousandths
}

// heat is a cell that is the darker the more there is in it, in tenths.
type heat struct {
	insight.Figure
	Text  string
	Tenth int
}

type cohortRow struct {
	Month  string
	N      int64
	Hidden bool
	Cells  []heat
	Repeat figureRow
}

type demandRow struct {
	Zone  platform.ID
	Hours []demandCell
}

type demandCell struct {
	Known    bool // somebody was wanted
	Seats    heat
	Forecast insight.Figure
	Eligible *int64
}

// insight reads the page: the window in days of the tenant's zone, eight weeks
// until today unless it is asked for.
func (c console) insight(r *http.Request) (any, error) {
	ctx, q, s := r.Context(), r.URL.Query(), c.m.Insight
	v := insightView{From: q.Get("from"), Until: q.Get("until"), Measure: q.Get("measure"), Step: insight.Step(q.Get("step")), Day: q.Get("day")}
	now := c.m.Writer.Now().In(s.Zone())
	v.spans(now)
	window, err := s.Window(v.From, v.Until)
	if err != nil {
		return nil, err
	}
	if v.Found, err = s.Report(ctx, window); err != nil {
		return nil, err
	}
	v.read()
	q = url.Values{"from": {v.From}, "until": {v.Until}}
	v.JSON, v.CSV = "/v1/insight/report?"+q.Encode(), "/v1/insight/report/export?"+q.Encode()
	q.Set("measure", v.Measure)
	q.Set("step", string(v.Step))
	v.CourseCSV = "/v1/insight/series/export?" + q.Encode()
	followed, err := s.Series(ctx, window, v.Measure, v.Step)
	if err != nil {
		return nil, err
	}
	v.Course = drawnCourse(followed, s.Zone())
	last := window.Until.Add(-1).In(s.Zone())
	next := time.Date(last.Year(), last.Month()+1, 1, 0, 0, 0, 0, s.Zone())
	triangle, err := s.Retention(ctx, platform.Ref{}, next.AddDate(0, -12, 0).Format("2006-01"), next.Format("2006-01"))
	if err != nil {
		return nil, err
	}
	v.cohorts(triangle)
	if v.Day == "" {
		v.Day = last.Format(time.DateOnly)
	}
	if v.Balance, err = s.Balance(ctx, platform.Ref{}, v.Day); err != nil {
		return nil, err
	}
	v.demand()
	v.Off = 100 * v.Balance.Error
	if unit := v.currency(); unit != "" {
		v.Value, err = s.Value(ctx, insight.Ask{From: window.Until.AddDate(-1, 0, 0), Until: window.Until}, unit)
	}
	return v, err
}

// spans are the windows on offer; the first is that of a page that was asked for
// nothing.
func (v *insightView) spans(now time.Time) {
	until := now.AddDate(0, 0, 1)
	for _, of := range []struct {
		name string
		from time.Time
		step insight.Step
	}{{"weeks8", until.AddDate(0, 0, -56), insight.Daily}, {"months6", until.AddDate(0, -6, 0), insight.Weekly}, {"months24", until.AddDate(-2, 0, 0), insight.Monthly}} {
		v.Spans = append(v.Spans, spanLink{of.name, of.from.Format(time.DateOnly), until.Format(time.DateOnly), of.step, false})
	}
	if v.From == "" || v.Until == "" {
		v.From, v.Until, v.Step = v.Spans[0].From, v.Spans[0].Until, v.Spans[0].Step
	}
	if v.Step == "" {
		v.Step = insight.Weekly
	}
	for i, s := range v.Spans {
		v.Spans[i].Current = s.From == v.From && s.Until == v.Until
	}
}

// currency is that of most of what was sold; "" when nothing was.
func (v *insightView) currency() (unit string) {
	most := int64(-1)
	for _, f := range v.Found.Figures {
		if f.Name == "gmv_gross" && f.Unit != "" && f.N > most {
			unit, most = f.Unit, f.N
		}
	}
	return unit
}

// read puts the figures where the page shows them, and says which measures can be
// followed over time.
func (v *insightView) read() {
	meaning := map[string]insight.Definition{}
	for _, d := range insight.Definitions() {
		meaning[d.Name] = d
	}
	for _, f := range v.Found.Figures {
		d := meaning[f.Name]
		switch f.Name {
		case "funnel":
			row := rowOf(f, d)
			if row.Left = thousandths(f.Numerator, f.Denominator); len(v.Funnel) > 0 {
				row.Left = thousandths(f.Numerator, v.Funnel[0].Denominator)
			}
			v.Funnel = append(v.Funnel, row)
		case "by_hour":
			v.Hours = append(v.Hours, heat{Figure: f, Text: strconv.FormatInt(f.Numerator, 10)})
		case "by_weekday":
			v.Weekdays = append(v.Weekdays, heat{Figure: f, Text: strconv.FormatInt(f.Numerator, 10)})
		default:
			if said := d.Cells != "fault" && d.Cells != "who" || f.Numerator > 0; f.Suppressed || f.N > 0 && said {
				v.Figures = append(v.Figures, rowOf(f, d))
			}
		}
		if money := f.Unit != "" && f.Unit != "s"; d.Cells == "" && (f.N > 0 || f.Name == "placed") {
			name := f.Name
			if money {
				name += "/" + f.Unit
			}
			v.Measures = append(v.Measures, name)
		}
	}
	warm(v.Hours)
	warm(v.Weekdays)
	if !slices.Contains(v.Measures, v.Measure) {
		v.Measure = "placed"
		if !slices.Contains(v.Measures, "placed") {
			v.Measures = append([]string{"placed"}, v.Measures...)
		}
	}
}

// warm gives cells their tenth of the largest.
func warm(cells []heat) {
	most := int64(1)
	for _, c := range cells {
		most = max(most, c.Numerator)
	}
	for i, c := range cells {
		cells[i].Tenth = int(10 * c.Numerator / most)
	}
}

func (v *insightView) cohorts(t insight.Triangle) {
	for _, c := range t.Cohorts {
		if len(v.Cohorts) == 0 && c.Repeat.N == 0 && !c.Repeat.Suppressed {
			continue // nobody had begun yet
		}
		row := cohortRow{Month: c.Month, N: c.Repeat.N, Hidden: c.Repeat.Suppressed, Repeat: rowOf(c.Repeat, insight.Definition{Sort: insight.Rate})}
		for _, f := range c.Cells {
			h := heat{Figure: f, Text: valueOf(f, insight.Rate)}
			if share, known := f.Value(); known {
				h.Tenth = int(math.Ceil(10 * share))
			}
			row.Cells = append(row.Cells, h)
		}
		v.Cohorts = append(v.Cohorts, row)
	}
	if len(v.Cohorts) > 0 {
		for k := range v.Cohorts[0].Cells {
			v.Months = append(v.Months, strconv.Itoa(k))
		}
	}
}

// demand is the balance as a table: a row a zone, a cell an hour.
func (v *insightView) demand() {
	for _, h := range v.Balance.Hours {
		if n := len(v.Demand); n == 0 || v.Demand[n-1].Zone != h.Zone {
			v.Demand = append(v.Demand, demandRow{Zone: h.Zone, Hours: make([]demandCell, 24)})
		}
		seats := heat{Figure: h.Seats, Text: strconv.FormatInt(h.Seats.Numerator, 10)}
		v.Demand[len(v.Demand)-1].Hours[h.Hour] = demandCell{true, seats, h.Forecast, h.Eligible}
	}
	var all []heat
	for _, row := range v.Demand {
		for _, c := range row.Hours {
			all = append(all, c.Seats)
		}
	}
	warm(all)
	for i, c := range all {
		v.Demand[i/24].Hours[i%24].Seats = c
	}
}

// rowOf is a figure as it is read.
func rowOf(f insight.Figure, d insight.Definition) figureRow {
	row := figureRow{Figure: f, Definition: d, Value: valueOf(f, d.Sort)}
	value, known := f.Value()
	if f.Interval == nil || !known {
		return row
	}
	row.Low, row.High = written(f.Interval.Low, f.Unit, d.Sort), written(f.Interval.High, f.Unit, d.Sort)
	most := 1.0
	if d.Sort != insight.Rate && d.Sort != insight.Ratio {
		most = max(f.Interval.High, 1e-9)
	}
	on := func(v float64) int64 { return int64(1000 * min(max(v/most, 0), 1)) }
	row.At, row.From = on(value), on(f.Interval.Low)
	row.Wide = max(on(f.Interval.High)-row.From, 4)
	return row
}

func valueOf(f insight.Figure, sort insight.Sort) string {
	value, known := f.Value()
	if !known {
		return ""
	}
	return written(value, f.Unit, sort)
}

// written is a value with its unit: a share in percent, money, or a time.
func written(value float64, unit string, sort insight.Sort) string {
	if sort == insight.Rate || sort == insight.Ratio {
		return strconv.FormatFloat(100*value, 'f', 1, 64) + " %"
	}
	if unit == "s" {
		return lasting(time.Duration(value) * time.Second)
	}
	if currency, err := platform.ParseCurrency(unit); err == nil {
		if m, err := platform.FromMinor(int64(math.Round(value)), currency); err == nil {
			return money(m)
		}
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}

// lasting is a time in its two largest units.
func lasting(d time.Duration) string {
	days, hours, minutes := int64(d/(24*time.Hour)), int64(d/time.Hour)%24, int64(d/time.Minute)%60
	switch {
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%d min %d s", minutes, int64(d/time.Second)%60)
	}
	return fmt.Sprintf("%d s", int64(d/time.Second))
}

// course is a series as it is drawn: its line, broken where nothing is shown, the
// band of its intervals, its points, and its level.
type course struct {
	insight.Series
	Lines, Bands []string // points of polylines and polygons
	Level        string
	Dots         []dot
	Texts        []caption
	Grid         []int64
	Hidden       int // points kept back
}

type dot struct {
	X, Y    int64
	Title   string
	Changed bool
}

// Sizes of a course, in its own units.
const (
	courseLeft, courseRight = 60, 990
	courseTop, courseBottom = 12, 212
)

// drawnCourse draws a series.
func drawnCourse(s insight.Series, zone *time.Location) course {
	c := course{Series: s}
	most := 0.0
	for _, p := range s.Points {
		if v, known := p.Figure.Value(); known {
			most = max(most, v)
		}
		if p.Figure.Interval != nil {
			most = max(most, p.Figure.Interval.High)
		}
		c.Hidden += map[bool]int{true: 1}[p.Figure.Suppressed]
	}
	if most == 0 {
		most = 1
	}
	x := func(i int) int64 {
		return courseLeft + int64(i)*(courseRight-courseLeft)/int64(max(len(s.Points)-1, 1))
	}
	y := func(v float64) int64 { return courseBottom - int64(max(v, 0)/most*(courseBottom-courseTop)) }
	changed := map[int]bool{}
	var levels []string
	for _, l := range s.Trend.Levels {
		changed[l.Point] = l.Changed
		levels = append(levels, fmt.Sprintf("%d,%d", x(l.Point), y(l.Level)))
	}
	c.Level = strings.Join(levels, " ")
	var line, over, under []string
	flush := func() {
		if len(line) > 1 {
			c.Lines = append(c.Lines, strings.Join(line, " "))
		}
		if len(over) > 1 {
			slices.Reverse(under)
			c.Bands = append(c.Bands, strings.Join(append(over, under...), " "))
		}
		line, over, under = nil, nil, nil
	}
	for i, p := range s.Points {
		v, known := p.Figure.Value()
		if !known {
			flush()
			continue
		}
		at := fmt.Sprintf("%d,%d", x(i), y(v))
		line = append(line, at)
		title := p.From.In(zone).Format(time.DateOnly) + ": " + written(v, p.Figure.Unit, s.Definition.Sort)
		if b := p.Figure.Interval; b != nil {
			over, under = append(over, fmt.Sprintf("%d,%d", x(i), y(b.High))), append(under, fmt.Sprintf("%d,%d", x(i), y(b.Low)))
			title += " (" + written(b.Low, p.Figure.Unit, s.Definition.Sort) + " – " + written(b.High, p.Figure.Unit, s.Definition.Sort) + ")"
		}
		c.Dots = append(c.Dots, dot{x(i), y(v), title + ", n " + strconv.FormatInt(p.Figure.N, 10), changed[i]})
	}
	flush()
	unit := ""
	for _, p := range s.Points {
		unit = cmp.Or(unit, p.Figure.Unit)
	}
	for _, part := range []float64{0, 0.5, 1} {
		c.Grid = append(c.Grid, y(most*part))
		c.Texts = append(c.Texts, caption{2, y(most*part) + 4, written(most*part, unit, s.Definition.Sort)})
	}
	for i := 0; i < len(s.Points) && x(i) < courseRight-60; i += max(len(s.Points)/6, 1) {
		c.Texts = append(c.Texts, caption{x(i), courseBottom + 18, s.Points[i].From.In(zone).Format(time.DateOnly)})
	}
	return c
}

// measured is the name of a measure, with its currency if it has one.
func measured(lang, name string) string {
	of, unit, _ := strings.Cut(name, "/")
	return strings.TrimSpace(label(lang, "measure", of) + " " + unit)
}
