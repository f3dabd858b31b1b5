package console

import (
	"net/http"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/closing"
)

type financialsView struct {
	Month, Before, After string
	Trial                []finance.MonthBalance
	Sheets               []closing.BalanceSheet
	Incomes              []closing.IncomeStatement
	Flows                []closing.CashFlow
	Escrow               []escrowView
	Year                 []chart // income and expense of twelve months, by currency
}

type escrowView struct {
	closing.Escrow
	Chart chart
}

// chart is bars side by side, drawn on the server.
type chart struct {
	Currency      platform.Currency
	Width, Height int64
	Bars          []bar
	Texts         []caption
	Legend        []string // classes of the bars, in order: words of them
}

type bar struct {
	X, Y, W, H int64
	Class      string
	Title      string
}

type caption struct {
	X, Y int64
	Text string
}

// Sizes of a chart, in its own units.
const (
	chartHeight = 156
	chartTop    = 16  // above the longest bar
	barRoom     = 120 // for the longest bar
	barWidth    = 14
	groupWidth  = 52
	groupsLeast = 12 // so that few are not drawn larger than many
)

// month is the one that was asked for, else the current one.
func (c console) month(r *http.Request) string {
	month := r.URL.Query().Get("month")
	if _, err := time.Parse("2006-01", month); err != nil {
		return c.m.Writer.Now().Format("2006-01")
	}
	return month
}

// financials reads the statements of a month.
func (c console) financials(r *http.Request) (any, error) {
	ctx, month := r.Context(), c.month(r)
	v := financialsView{Month: month, Before: monthsFrom(month, -1), After: monthsFrom(month, 1)}
	var err error
	if v.Trial, err = c.m.Closing.TrialBalance(ctx, month); err != nil {
		return nil, err
	}
	if v.Sheets, err = c.m.Closing.BalanceSheet(ctx, month); err != nil {
		return nil, err
	}
	if v.Incomes, err = c.m.Closing.IncomeStatement(ctx, month, month); err != nil {
		return nil, err
	}
	if v.Flows, err = c.m.Closing.CashFlow(ctx, month, month); err != nil {
		return nil, err
	}
	days, err := c.m.Closing.Escrow(ctx, month)
	if err != nil {
		return nil, err
	}
	for _, e := range days {
		v.Escrow = append(v.Escrow, escrowView{e, escrowChart(e)})
	}
	v.Year, err = c.yearChart(r, month)
	return v, err
}

// yearChart draws income and expense of the twelve months until one.
func (c console) yearChart(r *http.Request, until string) ([]chart, error) {
	type pair struct{ income, expense int64 }
	months, of := make([]string, 12), map[platform.Currency][]pair{}
	var currencies []platform.Currency
	for i := range months {
		months[i] = monthsFrom(until, i-11)
		all, err := c.m.Closing.IncomeStatement(r.Context(), months[i], months[i])
		if err != nil {
			return nil, err
		}
		for _, s := range all {
			if of[s.Currency] == nil {
				of[s.Currency], currencies = make([]pair, 12), append(currencies, s.Currency)
			}
			of[s.Currency][i] = pair{s.Income.Total.Minor(), s.Expense.Total.Minor()}
		}
	}
	var charts []chart
	for _, currency := range currencies {
		groups := make([][]int64, 12)
		for i, p := range of[currency] {
			groups[i] = []int64{p.income, p.expense}
		}
		charts = append(charts, drawn(currency, months, groups, "income", "expense"))
	}
	return charts, nil
}

// escrowChart draws what is owed to others and what lies where, day by day.
func escrowChart(e closing.Escrow) chart {
	days, groups := make([]string, len(e.Days)), make([][]int64, len(e.Days))
	for i, d := range e.Days {
		days[i] = d.Day[len("2006-01-"):]
		groups[i] = []int64{total(d.Owed), total(d.Held)}
	}
	return drawn(e.Currency, days, groups, "owed", "held")
}

func total(all []closing.Holding) (minor int64) {
	for _, h := range all {
		minor += h.Amount.Minor()
	}
	return minor
}

// drawn is a group of bars for each name; what is below zero has no bar.
func drawn(currency platform.Currency, names []string, groups [][]int64, classes ...string) chart {
	c := chart{Currency: currency, Width: groupWidth*max(int64(len(names)), groupsLeast) + 8, Height: chartHeight, Legend: classes}
	most := int64(1)
	for _, g := range groups {
		for _, n := range g {
			most = max(most, n)
		}
	}
	unit := most/barRoom + 1
	if most < barRoom {
		unit = 1
	}
	if m, err := platform.FromMinor(most, currency); err == nil {
		c.Texts = append(c.Texts, caption{8, chartTop - 5, money(m)}) // what the longest bar is
	}
	for i, g := range groups {
		x := int64(i)*groupWidth + 8
		for j, n := range g {
			height := max(n, 0) / unit
			if most < barRoom {
				height = max(n, 0) * barRoom / most
			}
			title := names[i]
			if m, err := platform.FromMinor(n, currency); err == nil {
				title += " " + money(m)
			}
			c.Bars = append(c.Bars, bar{x + int64(j)*(barWidth+2), chartTop + barRoom - height, barWidth, height, classes[j], title})
		}
		c.Texts = append(c.Texts, caption{x, chartHeight - 4, names[i]})
	}
	return c
}

type journalView struct {
	Month, Before, After string
	Rows                 []finance.Numbered
	First, Next          string
}

// journal reads a page of a month's journal, by number.
func (c console) journal(r *http.Request) (any, error) {
	month, cursor := c.month(r), r.URL.Query().Get("cursor")
	page, err := c.m.Books.Journal(r.Context(), month, cursor)
	if err != nil {
		return nil, err
	}
	v := journalView{Month: month, Before: monthsFrom(month, -1), After: monthsFrom(month, 1), Rows: page.Items}
	v.First, v.Next = turn("/console/journal", "month", month, cursor, page.Next)
	return v, nil
}

type subledgerView struct {
	Month, Role string
	Rows        []subledgerRow
	First, Next string
}

type subledgerRow struct {
	finance.AccountSum
	Net platform.Money
}

// subledger reads what a month added to the accounts of a role: "2026-03/payable".
func (c console) subledger(r *http.Request) (any, error) {
	asked := r.URL.Query()
	var v subledgerView
	v.Month, v.Role, _ = strings.Cut(asked.Get("of"), "/")
	page, err := c.m.Books.AccountSums(r.Context(), v.Month, v.Role, asked.Get("cursor"))
	if err != nil {
		return nil, err
	}
	for _, s := range page.Items {
		if net := s.Net(); net.IsInt64() && (v.Role == "" || s.Account.Role == v.Role) {
			amount, err := platform.FromMinor(net.Int64(), s.Currency)
			if err != nil {
				return nil, err
			}
			v.Rows = append(v.Rows, subledgerRow{s, amount})
		}
	}
	v.First, v.Next = turn("/console/subledger", "of", v.Month+"/"+v.Role, asked.Get("cursor"), page.Next)
	return v, nil
}

type entriesView struct {
	Account     finance.Account
	Balance     finance.Balance
	Rows        []finance.Entry
	First, Next string
}

// entries reads an account's statement: "commission/CNY".
func (c console) entries(r *http.Request) (any, error) {
	asked := r.URL.Query()
	name, code, _ := strings.Cut(asked.Get("of"), "/")
	a, err := finance.ParseAccount(name)
	if err != nil {
		return nil, err
	}
	currency, err := platform.ParseCurrency(code)
	if err != nil {
		return nil, err
	}
	v := entriesView{Account: a}
	if v.Balance, err = c.m.Books.Balance(r.Context(), a, currency); err != nil {
		return nil, err
	}
	page, err := c.m.Books.Entries(r.Context(), a, currency, asked.Get("cursor"))
	if err != nil {
		return nil, err
	}
	v.Rows = page.Items
	v.First, v.Next = turn("/console/entries", "of", a.String()+"/"+code, asked.Get("cursor"), page.Next)
	return v, nil
}
