package wechatpay

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // WeChat states the digest of a bill so
	"crypto/subtle"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

// Bill is a kind of file that WeChat makes of a day, in Beijing's time, in the
// morning after.
type Bill string

// The bills.
const (
	TradeBill    Bill = "tradebill"    // each charge and refund
	FundFlowBill Bill = "fundflowbill" // each movement of the balance
)

// ready is from when on a day's bills can be had.
const ready = 34 * time.Hour

// Bill is a day's bill as WeChat wrote it: CSV whose digest was compared; empty
// for a day without any movement. It is ErrRetryable while the bill is not made.
func (g *Gateway) Bill(ctx context.Context, b Bill, day time.Time) ([]byte, error) {
	date := day.Format(time.DateOnly)
	query := "?bill_date=" + date + "&account_type=BASIC"
	if b == TradeBill {
		query = "?bill_date=" + date + "&bill_type=ALL"
	}
	var at struct {
		Hash string `json:"hash_value"`
		How  string `json:"hash_type"`
		URL  string `json:"download_url"`
	}
	err := g.get(ctx, "/v3/bill/"+string(b)+query, &at)
	midnight := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, beijing)
	switch code(err) {
	case "NO_STATEMENT_EXIST":
		if !g.opts.Now().Before(midnight.Add(ready)) {
			return nil, nil
		}
		err = payment.ErrRetryable
	case "STATEMENT_CREATING":
		err = payment.ErrRetryable
	}
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", b, date, err)
	}
	file, err := g.file(ctx, at.URL)
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", b, date, err)
	}
	sum := sha1.Sum(file) //nolint:gosec // the link to it was signed by a better one
	if want, err := hex.DecodeString(at.Hash); err != nil || at.How != "SHA1" || subtle.ConstantTimeCompare(want, sum[:]) != 1 {
		return nil, fmt.Errorf("%s of %s is not what its digest says: %w", b, date, payment.ErrUnknownOutcome)
	}
	return file, nil
}

// file downloads a file of the institution; what comes is not signed.
func (g *Gateway) file(ctx context.Context, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host != host && u.Host != second {
		return nil, fmt.Errorf("a bill at another place: %w", payment.ErrUnknownOutcome)
	}
	ctx, cancel := context.WithTimeout(ctx, billWithin)
	defer cancel()
	status, _, file, err := g.send(ctx, http.MethodGet, u.RequestURI(), nil, maxBill)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("download with status %d: %w", status, payment.ErrUnknownOutcome)
	}
	return file, err
}

// Lines implements [payment.Statements]: the day's fund flow, in one page.
func (g *Gateway) Lines(ctx context.Context, day time.Time, _ string) ([]payment.Line, string, error) {
	file, err := g.Bill(ctx, FundFlowBill, day)
	if err != nil || len(file) == 0 {
		return nil, "", err
	}
	lines, err := flow(file)
	if err != nil {
		return nil, "", fmt.Errorf("fund flow of %s: %w: %w", day.Format(time.DateOnly), payment.ErrUnknownOutcome, err)
	}
	return lines, "", nil
}

// flow reads a fund flow: a header, a row a movement, and a header and a row of
// totals, each field behind a backquote.
func flow(file []byte) ([]payment.Line, error) {
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file, []byte("\ufeff"))))
	in.FieldsPerRecord, in.LazyQuotes = -1, true
	rows, err := in.ReadAll()
	if err != nil || len(rows) < 3 {
		return nil, fmt.Errorf("%d rows: %w", len(rows), platform.ErrInvalid)
	}
	column := map[string]int{}
	for n, name := range rows[0] {
		column[strings.NewReplacer("（", "(", "）", ")").Replace(clean(name))] = n
	}
	var lines []payment.Line
	for n, row := range rows[1 : len(rows)-2] {
		field := func(name string) string {
			if at, ok := column[name]; ok && at < len(row) {
				return clean(row[at])
			}
			return ""
		}
		l, err := line(field)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", n+2, err)
		}
		lines = append(lines, l)
	}
	slices.SortStableFunc(lines, func(a, b payment.Line) int { return a.At.Compare(b.At) })
	return lines, balanced(lines, rows[len(rows)-1])
}

func clean(field string) string { return strings.TrimPrefix(strings.TrimSpace(field), "`") }

// movements tells the kind of a movement by what WeChat calls it, and the prefix
// of our keys of such operations.
var movements = map[string]struct {
	kind   payment.LineKind
	prefix string
}{
	"交易": {payment.LineCharge, "att"}, "退款": {payment.LineRefund, "rtn"}, "扣除交易手续费": {payment.LineFee, "att"},
	"分账": {payment.LineSplit, "spl"}, "分账回退": {payment.LineSplitReturn, "spr"}, "提现": {payment.LinePayout, ""}, "结算": {payment.LinePayout, ""},
}

// line reads one movement.
func line(field func(string) string) (payment.Line, error) {
	at, err := time.ParseInLocation(time.DateTime, field("记账时间"), beijing)
	if err != nil {
		return payment.Line{}, fmt.Errorf("time: %w", platform.ErrInvalid)
	}
	net, err := platform.ParseMoney(field("收支金额(元)"), "CNY")
	if err != nil {
		return payment.Line{}, fmt.Errorf("amount: %w", err)
	}
	switch field("收支类型") {
	case "收入":
	case "支出":
		net = net.Neg()
	default:
		return payment.Line{}, fmt.Errorf("neither in nor out: %w", platform.ErrInvalid)
	}
	l := payment.Line{
		ID: field("资金流水单号"), Kind: payment.LineAdjustment, Reference: field("微信支付业务单号"),
		Gross: net, Fee: yuan(0), Net: net, At: at,
	}
	if known, ok := movements[field("业务类型")]; ok {
		l.Kind = known.kind
		l.Key = keyOf(field("业务凭证号"), known.prefix)
	}
	switch l.Kind {
	case payment.LineFee:
		l.Gross, l.Fee = yuan(0), net.Neg()
	case payment.LineRefund:
		l = refunded(l, field("备注"))
	}
	if l.ID == "" {
		return payment.Line{}, fmt.Errorf("no number: %w", platform.ErrInvalid)
	}
	return l, nil
}

// refunded is the line of a refund by which a part of the fee came back, as its
// note says: 退款总金额1.00元;含手续费0.01元.
func refunded(l payment.Line, note string) payment.Line {
	whole, rest, _ := strings.Cut(strings.TrimPrefix(note, "退款总金额"), "元;含手续费")
	gross, err := platform.ParseMoney(whole, "CNY")
	if err != nil {
		return l
	}
	fee, err := platform.ParseMoney(strings.TrimSuffix(rest, "元"), "CNY")
	if err != nil {
		return l
	}
	if net, err := fee.Sub(gross); err == nil && net == l.Net {
		l.Gross, l.Fee = gross.Neg(), fee.Neg()
	}
	return l
}

// balanced wants the rows to be as many, and to sum up, as the last row says:
// all, in, amount in, out, amount out.
func balanced(lines []payment.Line, totals []string) error {
	if len(totals) < 5 {
		return fmt.Errorf("no totals: %w", platform.ErrInvalid)
	}
	in, out := yuan(0), yuan(0)
	for _, l := range lines {
		sum := &in
		if l.Net.Sign() < 0 {
			sum = &out
		}
		next, err := sum.Add(l.Net)
		if err != nil {
			return err
		}
		*sum = next
	}
	count, _, _ := strings.Cut(clean(totals[0]), ".")
	said, err := platform.ParseMoney(clean(totals[2]), "CNY")
	spent, failed := platform.ParseMoney(clean(totals[4]), "CNY")
	if err != nil || failed != nil || said != in || spent != out.Neg() || count != strconv.Itoa(len(lines)) {
		return fmt.Errorf("totals differ: %w", platform.ErrInvalid)
	}
	return nil
}
