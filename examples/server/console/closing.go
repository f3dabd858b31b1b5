package console

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/closing"
)

const closePage = "/console/close"

var closeMoves = map[string]move{
	"soft-close": {action: "closing.softClose", back: closePage, do: func(c console, ctx context.Context, id platform.ID, _ url.Values) error {
		_, err := c.m.Closing.SoftClose(ctx, closing.SoftClose{Month: string(id)})
		return err
	}},
	"hard-close": {action: "closing.hardClose", back: closePage, do: console.hardClose},
	"ask-reopen": {action: "closing.askReopen", back: closePage, do: func(c console, ctx context.Context, id platform.ID, form url.Values) error {
		_, err := c.m.Closing.AskReopen(ctx, closing.AskReopen{Month: string(id), Reason: form.Get("reason")})
		return err
	}},
	"reopen-month": {action: "closing.reopen", back: closePage, do: func(c console, ctx context.Context, id platform.ID, _ url.Values) error {
		_, err := c.m.Closing.Reopen(ctx, closing.Reopen{Month: string(id)})
		return err
	}},
	"close-year": {action: "closing.closeYear", back: closePage, do: func(c console, ctx context.Context, id platform.ID, _ url.Values) error {
		year, err := strconv.Atoi(string(id))
		if err == nil {
			_, err = c.m.Closing.CloseYear(ctx, closing.CloseYear{Year: year})
		}
		return err
	}},
	"report-tax": {action: "closing.reportTax", back: closePage, do: func(c console, ctx context.Context, id platform.ID, form url.Values) error {
		_, err := c.m.Closing.ReportTax(ctx, closing.ReportTax{Quarter: string(id), Reason: form.Get("reason")})
		return err
	}},
}

var (
	reopenReasons = []string{"close_late_fact", "close_error"}
	waiveReasons  = []string{"waive_known", "waive_immaterial"}
)

// hardClose waives the items for which the form gives a reason.
func (c console) hardClose(ctx context.Context, month platform.ID, form url.Values) error {
	in := closing.HardClose{Month: string(month)}
	for _, field := range slices.Sorted(maps.Keys(form)) {
		if item, waived := strings.CutPrefix(field, "waive."); waived && form.Get(field) != "" {
			in.Waived = append(in.Waived, closing.Waiver{Item: item, Reason: form.Get(field)})
		}
	}
	_, err := c.m.Closing.HardClose(ctx, in)
	return err
}

type closeView struct {
	Month   string // that comes next
	State   finance.PeriodState
	Periods finance.Periods
	Items   []closing.Item
	Hard    *button // with the items that can be waived
	Waive   []closing.Item
	Reasons []string
	Buttons []button
	Closes  []closing.Close // the last first
	Reports []closing.TaxReport
	Cut     bool
}

// closing reads how far the books are closed, and what stands against the next
// step.
func (c console) closing(r *http.Request) (any, error) {
	ctx := r.Context()
	p, err := c.m.Closing.Periods(ctx)
	if err != nil {
		return nil, err
	}
	v := closeView{Periods: p, Month: c.nextToClose(p), Reasons: waiveReasons}
	v.State = p.State(v.Month)
	if v.Items, err = c.m.Closing.Checklist(ctx, v.Month); err != nil {
		return nil, err
	}
	closes, err := everything(func(cursor string) (platform.Page[closing.Close], error) { return c.m.Closing.Closes(ctx, cursor) })
	if err != nil {
		return nil, err
	}
	slices.Reverse(closes)
	if v.Cut = len(closes) > rows; v.Cut {
		closes = closes[:rows]
	}
	v.Closes = closes
	if v.Reports, err = everything(func(cursor string) (platform.Page[closing.TaxReport], error) {
		return c.m.Closing.TaxReports(ctx, "", cursor)
	}); err != nil {
		return nil, err
	}
	slices.Reverse(v.Reports)
	c.closeButtons(ctx, &v)
	return v, nil
}

// nextToClose is the month that is soft-closed, or else the one after the last;
// of books that were never closed, the last month that is over.
func (c console) nextToClose(p finance.Periods) string {
	switch {
	case p.Soft == "":
		return monthsFrom(c.m.Writer.Now().Format("2006-01"), -1)
	case p.Hard == p.Soft:
		return monthsFrom(p.Soft, 1)
	case p.Hard == "":
		return p.Since
	}
	return monthsFrom(p.Hard, 1)
}

// monthsFrom is the month so many after another.
func monthsFrom(month string, n int) string {
	at, err := time.Parse("2006-01", month)
	if err != nil {
		return month
	}
	return at.AddDate(0, n, 0).Format("2006-01")
}

// everything reads all pages of a list that grows by one a month.
func everything[T any](list func(cursor string) (platform.Page[T], error)) (all []T, err error) {
	for cursor := ""; ; {
		page, err := list(cursor)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

// closeButtons are the steps that whoever looks may take.
func (c console) closeButtons(ctx context.Context, v *closeView) {
	add := func(verb, on string, reasons ...string) {
		if c.may(ctx, closeMoves[verb].action, v.Periods.Ref()) {
			v.Buttons = append(v.Buttons, press(closePage+"/"+on, verb, reasons...))
		}
	}
	if v.State == finance.PeriodOpen {
		add("soft-close", v.Month)
	}
	if v.State == finance.PeriodSoftClosed {
		if strings.HasSuffix(v.Month, "-12") {
			add("close-year", v.Month[:4])
		}
		if c.may(ctx, "closing.hardClose", v.Periods.Ref()) {
			b := press(closePage+"/"+v.Month, "hard-close")
			v.Hard = &b
			for _, i := range v.Items {
				if !i.Green() && !i.Proof {
					v.Waive = append(v.Waive, i)
				}
			}
		}
	}
	if v.Periods.Soft != "" && v.Periods.Asked == nil {
		add("ask-reopen", v.Periods.Soft, reopenReasons...)
	}
	if v.Periods.Asked != nil {
		add("reopen-month", v.Periods.Soft)
	}
	if quarter := quarterOf(v.Periods.Hard); quarter != "" {
		add("report-tax", quarter, reopenReasons...)
	}
}

// quarterOf is the last quarter of which all months are closed by a month.
func quarterOf(hard string) string {
	at, err := time.Parse("2006-01", hard)
	if err != nil {
		return ""
	}
	for at.Month()%3 != 0 {
		at = at.AddDate(0, -1, 0)
	}
	return fmt.Sprintf("%04d-Q%d", at.Year(), at.Month()/3)
}
