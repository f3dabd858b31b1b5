package console

import (
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/insight"
)

// pages are the templates of each language, where {{t "key"}} is a word of it.
var pages = map[string]*template.Template{"en": parse("en"), "zh": parse("zh")}

func parse(lang string) *template.Template {
	return template.Must(template.New("").Funcs(Funcs(lang)).ParseFS(files, "templates/*.html"))
}

// Funcs are what the templates of a language call: words, amounts and moments. The
// pages of others have them, too.
func Funcs(lang string) template.FuncMap {
	return template.FuncMap{
		"t":       func(key string) string { return say(lang, key) },
		"label":   func(group string, value any) string { return label(lang, group, fmt.Sprint(value)) },
		"lang":    func() string { return lang },
		"other":   func() string { return map[string]string{"en": "中文", "zh": "English"}[lang] },
		"short":   short,
		"money":   money,
		"clock":   func(at time.Time, zone *time.Location) stamp { return stamp{at, zone} },
		"percent": func(rate decimal.Decimal) string { return rate.Shift(2).String() + " %" },
		"utc":     func() *time.Location { return time.UTC },
		"measure": func(name string) string { return measured(lang, name) },
		"minor":   func(n int64, unit string) string { return written(float64(n), unit, insight.Amount) },
		"up":      func(i int) int { return i + 1 },
		"applies": applies,
		"costs":   costs,
		"within":  within,
		"most":    most,
		"shares":  shares,
		"text":    func(raw json.RawMessage) string { return string(raw) },
		"json":    func(v any) (string, error) { b, err := json.MarshalIndent(v, "", "  "); return string(b), err },
	}
}

// short is an id as a table shows it; its whole text stands in a title.
func short(id any) string {
	text := fmt.Sprint(id)
	if platform.ID(text).Prefix() == "" {
		return text
	}
	return text[:4] + "…" + text[len(text)-6:]
}

// money is an amount with its thousands set apart, or nothing for none.
func money(m platform.Money) string {
	text := m.String()
	whole := strings.IndexAny(text, ". ")
	for i := whole - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// stamp is a moment in a zone.
type stamp struct {
	at   time.Time
	zone *time.Location
}

// Zero tells whether it never was.
func (s stamp) Zero() bool { return s.at.IsZero() }

// ISO is the moment for machines.
func (s stamp) ISO() string { return s.at.UTC().Format(time.RFC3339Nano) }

// Text is the moment on the clock of the zone, with its offset.
func (s stamp) Text() string { return s.at.In(s.zone).Format("2006-01-02 15:04:05 -07:00") }

// clocks are the time zones in which orders are shown: where the work is done.
type clocks struct {
	c     console
	zones map[platform.ID]*time.Location
}

func (c console) clocks() clocks { return clocks{c, map[platform.ID]*time.Location{}} }

// of is an order's own zone, else that of its service area, else UTC.
func (k clocks) of(ctx context.Context, o order.Order) *time.Location {
	if zone, err := time.LoadLocation(o.TimeZone); err == nil && o.TimeZone != "" {
		return zone
	}
	if zone, known := k.zones[o.Terms.Zone]; known {
		return zone
	}
	at := time.UTC
	if area, err := k.c.m.Staff.Zone(ctx, o.Terms.Zone); err == nil {
		if zone, err := time.LoadLocation(area.TimeZone); err == nil {
			at = zone
		}
	}
	k.zones[o.Terms.Zone] = at
	return at
}
