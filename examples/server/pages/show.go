package pages

import (
	"context"
	"fmt"
	"html/template"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/console"
	"github.com/liangding/platform/order"
)

// templates are the pages of each language.
var templates = map[string]*template.Template{"en": parse("en"), "zh": parse("zh")}

// parse reads the templates with what the console's have, too. A word of the pages
// goes before one of the console.
func parse(lang string) *template.Template {
	funcs := console.Funcs(lang)
	theirs := funcs["t"].(func(string) string)
	say := func(key string) string { return say(lang, key, theirs) }
	labels := funcs["label"].(func(string, any) string)
	funcs["t"] = say
	funcs["label"] = func(group string, value any) string {
		if key := group + "." + fmt.Sprint(value); words[key] != (word{}) {
			return say(key)
		}
		return labels(group, value)
	}
	funcs["when"] = func(at time.Time, zone *time.Location) stamp { return stamp{at, zone, lang} }
	funcs["terms"] = func(p order.Policy) []term { return terms(say, p) }
	funcs["during"] = func(from, until time.Time, zone *time.Location) string {
		return during(stamp{from, zone, lang}, stamp{until, zone, lang})
	}
	funcs["spent"] = func(d time.Duration) string { return fmt.Sprintf("%d:%02d", int(d.Hours()), int(d.Minutes())%60) }
	funcs["verbs"] = func(all ...string) []string { return all }
	funcs["nav"] = nav
	return template.Must(template.New("").Funcs(funcs).ParseFS(files, "templates/*.html"))
}

// stamp is a moment as people read it: by the clock of a zone, in a language.
type stamp struct {
	at   time.Time
	zone *time.Location
	lang string
}

// Zero tells whether it never was.
func (s stamp) Zero() bool { return s.at.IsZero() }

// ISO is the moment for machines.
func (s stamp) ISO() string { return s.at.UTC().Format(time.RFC3339) }

// Text is day and time; the page names the zone once.
func (s stamp) Text() string {
	at := s.at.In(s.zone)
	if s.lang == "zh" {
		return fmt.Sprintf("%d年%d月%d日（周%s）%s", at.Year(), at.Month(), at.Day(), []string{"日", "一", "二", "三", "四", "五", "六"}[at.Weekday()], at.Format("15:04"))
	}
	return at.Format("Mon 2 Jan 2006, 15:04")
}

// during is from when until when; the day of the end stands there when it is another.
func during(from, until stamp) string {
	a, b := from.at.In(from.zone), until.at.In(until.zone)
	if until.Zero() || a.Equal(b) {
		return from.Text()
	}
	if a.YearDay() == b.YearDay() && a.Year() == b.Year() {
		return from.Text() + " – " + b.Format("15:04")
	}
	return from.Text() + " – " + until.Text()
}

// zone is the time zone of a service area, UTC where it cannot be told.
func (p pages) zone(ctx context.Context, area platform.ID) *time.Location {
	if area, err := p.m.Staff.Zone(ctx, area); err == nil {
		if zone, err := time.LoadLocation(area.TimeZone); err == nil {
			return zone
		}
	}
	return time.UTC
}

// most is how many pages of a list one look reads.
const most = 10

// gather reads all pages of a list, or as many as a look reads.
func gather[T any](read func(cursor string) (platform.Page[T], error)) (all []T, err error) {
	cursor := ""
	for range most {
		page, err := read(cursor)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	return all, nil
}
