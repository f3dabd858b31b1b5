package console

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
)

// sheet is a form with fields. Each is named as the command has it, so that what
// is wrong with a field stands at the field.
type sheet struct {
	button
	Groups  []fieldset
	Refused bool // it is shown again
}

// fieldset are fields that belong together.
type fieldset struct {
	Legend string // a word; empty for none
	Fields []field
}

// field is one field of a sheet.
type field struct {
	Name   string // its path in the command: rows[0].from
	Label  string // the word before it
	Type   string // of the input; select and area besides
	Value  string
	Hint   string // what an empty one shows
	Needed bool
	Most   int      // characters; 0 for as many as the domain takes
	Offers []choice // of a select
	Wrong  string   // why it was refused
}

// choice is what a select offers.
type choice struct {
	Value, Text string
	Chosen      bool
}

// refusedForm is the form that was refused in this request. Whoever shows it again
// shows what was typed, and at each field what is wrong with it.
type refusedForm struct {
	action  string
	form    url.Values
	problem *edge.Problem
	placed  map[string]bool // paths that a field has shown
}

type refusedFormKey struct{}

// sheetOf is a form that makes a move: a new one, or the refused one again. After a
// refusal it has another key, since it will be another command; where nobody knows
// what became of the command it keeps its own, so that it happens once.
func sheetOf(ctx context.Context, b button, groups ...fieldset) *sheet {
	s := &sheet{button: b, Groups: groups}
	refused, _ := ctx.Value(refusedFormKey{}).(*refusedForm)
	if refused == nil || !refused.of(b) {
		return s
	}
	s.Refused = true
	if refused.problem.Status >= 500 {
		s.Key = refused.form.Get("key")
	}
	for _, g := range s.Groups {
		for i := range g.Fields {
			g.Fields[i].again(refused)
		}
	}
	return s
}

// of tells whether it was this form, about this record, that was refused.
func (r *refusedForm) of(b button) bool {
	for name, value := range b.Hidden {
		if name != "version" && r.form.Get(name) != value {
			return false
		}
	}
	return r.action == b.Action
}

// again shows what was typed, and why it was refused.
func (f *field) again(refused *refusedForm) {
	f.Value = refused.form.Get(f.Name)
	for i := range f.Offers {
		f.Offers[i].Chosen = slices.Contains(refused.form[f.Name], f.Offers[i].Value)
	}
	for _, wrong := range refused.problem.Fields {
		if wrong.Path == f.Name {
			f.Wrong, refused.placed[wrong.Path] = wrong.Text, true
		}
	}
}

// unplaced is the problem with the fields that no form has shown.
func (r *refusedForm) unplaced() *edge.Problem {
	p := *r.problem
	p.Fields = slices.DeleteFunc(slices.Clone(p.Fields), func(f edge.Field) bool { return r.placed[f.Path] })
	return &p
}

// offered are the words of a group as choices.
func offered(lang, group string, values ...string) (all []choice) {
	for _, v := range values {
		all = append(all, choice{Value: v, Text: label(lang, group, v)})
	}
	return all
}

// chosen marks the choice of a value.
func chosen(all []choice, value string) []choice {
	for i := range all {
		all[i].Chosen = all[i].Value == value
	}
	return all
}

// entry reads a form into a command, and notes every field that cannot be read.
type entry struct {
	form  url.Values
	wrong platform.FieldErrors
}

func (e *entry) text(name string) string { return strings.TrimSpace(e.form.Get(name)) }

// blank tells whether nothing was typed into any of the fields.
func (e *entry) blank(names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return e.text(name) != "" })
}

func (e *entry) note(name string, err error) {
	if err != nil {
		e.wrong = append(e.wrong, platform.Wrong(name, err)...)
	}
}

// currency is a currency's code, in capitals; empty if it is none.
func (e *entry) currency(name string) string {
	c, err := platform.ParseCurrency(strings.ToUpper(e.text(name)))
	e.note(name, err)
	if err != nil {
		return ""
	}
	return c.String()
}

// money is an amount of a currency; absent if nothing was typed, or the currency is
// none.
func (e *entry) money(name, currency string) platform.Money {
	text := e.text(name)
	if text == "" || currency == "" {
		return platform.Money{}
	}
	m, err := platform.ParseMoney(text, currency)
	e.note(name, err)
	return m
}

// day is the beginning of a date in a zone; zero if nothing was typed.
func (e *entry) day(name string, zone *time.Location) time.Time {
	return e.moment(name, time.DateOnly, zone)
}

// moment is a date, or a date with its time, in a zone; zero if nothing was typed.
func (e *entry) moment(name, layout string, zone *time.Location) time.Time {
	text := e.text(name)
	if text == "" {
		return time.Time{}
	}
	at, err := time.ParseInLocation(layout, text, zone)
	if err != nil {
		e.note(name, errDate)
	}
	return at
}

// percent is a rate that was typed in percent; zero if nothing was.
func (e *entry) percent(name string) decimal.Decimal {
	text := e.text(name)
	if text == "" {
		return decimal.Zero
	}
	d, err := decimal.NewFromString(text)
	if err != nil || len(text) > 12 || strings.ContainsAny(text, "eE") {
		e.note(name, errNumber)
		return decimal.Zero
	}
	return d.Shift(-2)
}

// list is what was typed between commas.
func (e *entry) list(name string) (all []string) {
	for part := range strings.SplitSeq(e.form.Get(name), ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// flawed is everything that is wrong with the form and with the command that was
// read of it: what could not be read counts once. Nil if nothing is.
func (e *entry) flawed(command any) error {
	all := e.wrong
	err := platform.Validate(command)
	fields, ok := errors.AsType[platform.FieldErrors](err)
	if err != nil && !ok {
		return err
	}
	for _, f := range fields {
		if !slices.ContainsFunc(e.wrong, func(w platform.FieldError) bool { return w.Path == f.Path }) {
			all = append(all, f)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// named gives the fields of an error the names that they have in the form, where a
// command leaves out what was left empty.
func named(err error, names map[string]string) error {
	fields, ok := errors.AsType[platform.FieldErrors](err)
	if !ok {
		return err
	}
	fields = slices.Clone(fields)
	for i, f := range fields {
		for from := f.Path; from != ""; from = from[:max(strings.LastIndexAny(from, ".["), 0)] {
			if to, known := names[from]; known {
				fields[i].Path = to + f.Path[len(from):]
				break
			}
		}
	}
	return fields
}

// because is the field of a reason, one of codes.
func because(lang string, codes ...string) field {
	return field{Name: "reason", Label: "reason", Type: "select", Offers: offered(lang, "reason", codes...)}
}

// of are fields without a legend.
func of(fields ...field) fieldset { return fieldset{Fields: fields} }

// at names an element of a list, and its member if there is one.
func at(list string, n int, member string) string {
	return list + "[" + strconv.Itoa(n) + "]" + member
}

var (
	errDate   = platform.Err(platform.ErrInvalid, "form.date", "a date as in 2026-03-02", "日期格式如 2026-03-02")
	errNumber = platform.Err(platform.ErrInvalid, "form.number", "a number as in 12.5", "须为数字，如 12.5")
)
