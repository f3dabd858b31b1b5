package main

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/liangding/platform"
)

const currency = "BRL"

// table reads one file of the dataset, row by row.
type table struct {
	name    string
	file    io.Closer
	rows    *csv.Reader
	columns map[string]int
	width   int // cells of a row; a spreadsheet may add columns without a name
	found   *[]Finding
}

// row is one row of a table, its cells by the names of their columns.
type row struct {
	*table
	line  int
	cells []string
}

// openTable opens olist_NAME_dataset.csv, or the same compressed. It fails with
// fs.ErrNotExist when neither is there.
func openTable(dir, name string, found *[]Finding) (*table, error) {
	t := &table{name: "olist_" + name + "_dataset.csv", found: found}
	file, err := os.Open(filepath.Join(dir, t.name))
	var text io.Reader = file
	if errors.Is(err, fs.ErrNotExist) {
		if file, err = os.Open(filepath.Join(dir, t.name+".gz")); err == nil {
			text, err = gzip.NewReader(file)
		}
	}
	if err == nil {
		err = t.begin(text)
	}
	if err != nil {
		_ = file.Close() // of no file fails too
		return nil, fmt.Errorf("open %s: %w", t.name, err)
	}
	t.file = file
	return t, nil
}

// begin skips the byte-order mark and reads the names of the columns.
func (t *table) begin(text io.Reader) error {
	plain := bufio.NewReaderSize(text, 1<<16)
	if mark, err := plain.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = plain.Discard(3) // they were peeked at
	}
	t.rows = csv.NewReader(plain)
	t.rows.FieldsPerRecord = -1
	names, err := t.rows.Read()
	if err != nil {
		return fmt.Errorf("columns: %w", err)
	}
	t.columns, t.width = map[string]int{}, len(names)
	for i, name := range names {
		t.columns[strings.TrimSpace(name)] = i
	}
	return nil
}

// demand fails when the table lacks a column.
func (t *table) demand(columns ...string) error {
	for _, c := range columns {
		if _, known := t.columns[c]; !known {
			return fmt.Errorf("%s: no column %s", t.name, c)
		}
	}
	return nil
}

// each calls use for every row that can be read; others are findings.
func (t *table) each(use func(row)) error {
	for {
		cells, err := t.rows.Read()
		var malformed *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &malformed):
			t.note("row.malformed", fmt.Sprintf("%s:%d", t.name, malformed.StartLine), fmt.Sprintf("quotes, up to line %d", malformed.Line))
			continue
		case err != nil:
			return fmt.Errorf("read %s: %w", t.name, err)
		}
		line, _ := t.rows.FieldPos(0)
		r := row{table: t, line: line, cells: cells}
		if len(cells) != t.width {
			t.note("row.malformed", r.place(), fmt.Sprintf("%d of %d cells", len(cells), t.width))
			continue
		}
		use(r)
	}
}

func (t *table) note(code, about, detail string) {
	*t.found = append(*t.found, Finding{Code: code, About: about, Detail: detail})
}

// place is where the row stands.
func (r row) place() string { return fmt.Sprintf("%s:%d", r.name, r.line) }

// text is a cell; empty when the table has no such column.
func (r row) text(column string) string {
	i, known := r.columns[column]
	if !known {
		return ""
	}
	return strings.TrimSpace(r.cells[i])
}

// key is a cell that must not be empty; its absence is a finding.
func (r row) key(column string) (string, bool) {
	text := r.text(column)
	if text == "" {
		r.note("row.malformed", r.place(), "no "+column)
	}
	return text, text != ""
}

// moment is a cell that holds a time; zero when it is empty, and when it cannot
// be read, which is a finding.
func (r row) moment(column string) time.Time {
	text := r.text(column)
	if text == "" {
		return time.Time{}
	}
	at, err := parseTime(text)
	if err != nil {
		r.note("time.unreadable", r.place(), column)
	}
	return at
}

// amount is a cell that holds money, 0 or more. Any other is a finding.
func (r row) amount(column string) (platform.Money, bool) {
	m, err := platform.ParseMoney(r.text(column), currency)
	if err != nil || m.Sign() < 0 {
		r.note("amount.unreadable", r.place(), column)
		return zero(), false
	}
	return m, true
}

func zero() platform.Money { return platform.MustMoney("0", currency) }

var (
	american = []string{"1/2/2006 15:04", "1/2/2006 15:04:05", "1/2/2006"}
	iso      = []string{time.DateTime, time.DateOnly, "2006-01-02 15:04", "2006-01-02T15:04:05", time.RFC3339}
	european = []string{"02-01-2006 15:04", "02-01-2006 15:04:05", "02-01-2006"}
)

// parseTime reads a moment as the files write them: 2017-10-02 10:56:33 in the
// original; 10/2/2017 10:56, month first, and 02-10-2017 10:56, day first, where
// a spreadsheet re-wrote it.
func parseTime(text string) (time.Time, error) {
	layouts := european
	switch {
	case strings.Contains(text, "/"):
		layouts = american
	case len(text) > 4 && text[4] == '-':
		layouts = iso
	}
	for _, layout := range layouts {
		at, err := time.Parse(layout, text)
		if err == nil && at.Year() >= 1970 && at.Year() < 10000 {
			return at.UTC(), nil
		}
	}
	return time.Time{}, errors.New("not a moment")
}
