package reconciliation

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

// columns of a file, and whether each must be there. They may come in any order.
//
//	id         the institution's number of the line
//	kind       charge, refund, split, split_return, payout, sweep, fee, chargeback, reversal, adjustment
//	key        ours of the operation
//	reference  the institution's of the operation
//	gross      what was moved, as 12.34; negative when it went out
//	fee        what was kept of it
//	net        gross less fee; compared if it is there
//	currency   CNY
//	at         2026-03-02T12:00:00+08:00
//	batch      of a transfer that several lines make up
var columns = map[string]bool{
	"id": true, "kind": true, "gross": true, "currency": true, "at": true,
	"key": false, "reference": false, "fee": false, "net": false, "batch": false,
}

var lineKinds = []payment.LineKind{
	payment.LineCharge, payment.LineRefund, payment.LineSplit, payment.LineSplitReturn, payment.LinePayout, LineSweep,
	payment.LineFee, payment.LineChargeback, payment.LineReversal, payment.LineAdjustment,
}

// longest is what a record of a file may have, in bytes, and a field in
// characters.
const longest, longestField = 64 << 10, 255

// readCSV reads a normalised file: UTF-8, with or without a byte order mark, RFC
// 4180, a header and a row a line. It fails with ErrFormat for other columns than
// are known, and with ErrRow for a row that cannot be read; the details line and
// column say where.
func readCSV(file io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		f := &csvFile{fence: fence{from: bufio.NewReader(file), left: longest}}
		f.in = csv.NewReader(&f.fence)
		f.in.ReuseRecord = true
		if err := f.header(); err != nil {
			yield(Line{}, err)
			return
		}
		for {
			l, err := f.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}

type csvFile struct {
	fence fence
	in    *csv.Reader
	names []string // of the columns
	row   []string
	last  int // line of the row read last
}

// fence keeps one record from filling the memory.
type fence struct {
	from *bufio.Reader
	left int
}

func (f *fence) Read(p []byte) (int, error) {
	if f.left <= 0 {
		return 0, errLong
	}
	n, err := f.from.Read(p[:min(len(p), f.left)])
	f.left -= n
	return n, err
}

var errLong = errors.New("a record without end")

func (f *csvFile) header() error {
	if mark, err := f.fence.from.Peek(3); err == nil && bytes.Equal(mark, []byte("\ufeff")) {
		_, _ = f.fence.from.Discard(3) // it was just seen
	}
	row, err := f.in.Read()
	if err != nil {
		return fmt.Errorf("read header: %w", f.place(err, ErrFormat))
	}
	f.names = slices.Clone(row)
	f.last, _ = f.in.FieldPos(len(row) - 1)
	for n, name := range f.names {
		if _, known := columns[name]; !known || slices.Contains(f.names[:n], name) {
			return platform.Detail(fmt.Errorf("read header: %w", ErrFormat), "column", n+1)
		}
	}
	for name, needed := range columns {
		if needed && !slices.Contains(f.names, name) {
			return fmt.Errorf("read header: %w", ErrFormat)
		}
	}
	return nil
}

// place is what the parser met, as a refusal that says where.
func (f *csvFile) place(err, as error) error {
	var at *csv.ParseError
	switch {
	case errors.As(err, &at):
		return platform.Detail(platform.Detail(as, "line", at.Line), "column", at.Column)
	case errors.Is(err, errLong):
		return platform.Detail(as, "line", f.last+1)
	case errors.Is(err, io.EOF):
		return as
	}
	return errors.Join(platform.ErrUnavailable, err)
}

func (f *csvFile) next() (Line, error) {
	f.fence.left = longest
	row, err := f.in.Read()
	if errors.Is(err, io.EOF) {
		return Line{}, io.EOF
	}
	if err != nil {
		return Line{}, fmt.Errorf("read row: %w", f.place(err, ErrRow))
	}
	f.row = row
	f.last, _ = f.in.FieldPos(len(row) - 1)
	l, wrong := f.line()
	if wrong != "" {
		line, _ := f.in.FieldPos(slices.Index(f.names, wrong))
		return Line{}, platform.Detail(platform.Detail(fmt.Errorf("read line %d, %s: %w", line, wrong, ErrRow), "line", line), "column", wrong)
	}
	return l, nil
}

// field is the text of a column, as a copy that outlives the row.
func (f *csvFile) field(name string) string {
	if n := slices.Index(f.names, name); n >= 0 {
		return strings.Clone(f.row[n])
	}
	return ""
}

// line reads the row, and names the column that is wrong.
func (f *csvFile) line() (l Line, wrong string) {
	for n, text := range f.row {
		if !plain(text) {
			return l, f.names[n]
		}
	}
	l = Line{
		ID: f.field("id"), Kind: payment.LineKind(f.field("kind")), Key: payment.Key(f.field("key")),
		Reference: f.field("reference"), Batch: f.field("batch"),
	}
	if l.ID == "" {
		return l, "id"
	}
	if !slices.Contains(lineKinds, l.Kind) {
		return l, "kind"
	}
	currency := f.field("currency")
	var err error
	if l.Currency, err = platform.ParseCurrency(currency); err != nil {
		return l, "currency"
	}
	at, err := time.Parse(time.RFC3339, f.field("at"))
	if err != nil || at.Year() < 2000 || at.Year() > 9998 {
		return l, "at"
	}
	l.At = at.UTC()
	return f.amounts(l, currency)
}

// amounts reads what was moved.
func (f *csvFile) amounts(l Line, currency string) (_ Line, wrong string) {
	none, _ := platform.FromMinor(0, l.Currency) // it was just parsed
	read := func(name string, otherwise platform.Money) (platform.Money, bool) {
		text := f.field(name)
		if text == "" {
			return otherwise, !columns[name]
		}
		m, err := platform.ParseMoney(text, currency)
		return m, err == nil
	}
	gross, ok := read("gross", none)
	if !ok {
		return l, "gross"
	}
	fee, ok := read("fee", none)
	if !ok {
		return l, "fee"
	}
	rest, err := gross.Sub(fee)
	if err != nil {
		return l, "fee"
	}
	if net, ok := read("net", rest); !ok || net != rest {
		return l, "net"
	}
	l.Gross, l.Fee = gross.Minor(), fee.Minor()
	return l, ""
}

// plain tells whether a field is printable text of a bounded length.
func plain(text string) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= longestField &&
		!strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}
