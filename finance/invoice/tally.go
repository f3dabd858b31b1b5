package invoice

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Sales knows what may be invoiced.
type Sales interface {
	// Invoiceable returns what there is to invoice of a subject, for a kind of
	// invoice, as JSON: who sells (seller) to whom (buyer), what was captured and
	// refunded, and the lines (no, code, name, unit, quantity, price, rate as
	// "0.06", amount with tax inside, given: of it, refunded; exempt: why there is no tax, with a rate of 0). Tips, deposits and
	// surplus are never in it. The checks hold it as it is. It fails with
	// ErrNotFound.
	Invoiceable(ctx context.Context, subject platform.Ref, kind string) (sale json.RawMessage, checks []platform.Change, err error)
}

// sale is what [Sales] tells.
type sale struct {
	Seller   platform.ID    `json:"seller"`
	Buyer    platform.ID    `json:"buyer"`
	Captured platform.Money `json:"captured"`
	Refunded platform.Money `json:"refunded"`
	Lines    []sold         `json:"lines"`
	checks   []platform.Change
}

type sold struct {
	No       int             `json:"no"`
	Code     string          `json:"code"`
	Name     string          `json:"name"`
	Unit     string          `json:"unit"`
	Quantity int64           `json:"quantity"`
	Price    platform.Money  `json:"price"`
	Rate     decimal.Decimal `json:"rate"`
	Amount   platform.Money  `json:"amount"`
	Given    platform.Money  `json:"given"`
	Exempt   string          `json:"exempt"`
}

func (s *Service) sale(ctx context.Context, subject platform.Ref, kind Kind) (sale, error) {
	doc, checks, err := s.ports.Sales.Invoiceable(ctx, subject, string(kind))
	if err != nil {
		return sale{}, fmt.Errorf("invoice %s: %w", subject, err)
	}
	found := sale{checks: slices.Clip(checks)}
	if err := json.Unmarshal(doc, &found); err != nil {
		return sale{}, fmt.Errorf("invoice %s: %w", subject, errSale)
	}
	return found, nil
}

// base is what may stand on invoices in all.
func (s sale) base() platform.Money { return minus(s.Captured, s.Refunded) }

// Tally counts the invoices of a subject, of one kind. There is one of each; its
// id follows from them.
type Tally struct {
	platform.Head
	Subject  platform.Ref   `json:"subject" class:"internal"`
	Kind     Kind           `json:"kind" class:"internal"`
	Invoiced platform.Money `json:"invoiced" class:"internal"` // of all that were not cancelled
	Red      platform.Money `json:"red" class:"internal"`      // of it, taken back
	Lines    []Counted      `json:"lines" class:"internal"`
	Invoices []platform.ID  `json:"invoices" class:"internal"`          // in the order in which they were asked for
	Since    time.Time      `json:"since,omitzero" class:"internal"`    // more is invoiced than was paid
	Finding  bool           `json:"finding,omitempty" class:"internal"` // that is so for too long, and was told
	Due      time.Time      `json:"due,omitzero" class:"internal"`      // when it is looked at again
}

// Counted is a line of a tally.
type Counted struct {
	Line     int            `json:"line" class:"internal"`
	Invoiced platform.Money `json:"invoiced" class:"internal"` // less what letters took back
}

// Ref names the tally.
func (t Tally) Ref() platform.Ref { return platform.Ref{Kind: tallyKind, ID: t.ID} }

// TallyID is the id of a subject's tally: time and slot of the subject, and the
// first 8 bytes of SHA-256(subject, 0x00, kind).
func TallyID(subject platform.Ref, kind Kind) platform.ID {
	sum := sha256.Sum256([]byte(subject.String() + "\x00" + string(kind)))
	return platform.NewID("ivt", subject.ID.Time(), subject.ID.Slot(), binary.BigEndian.Uint64(sum[:8]))
}

// Standing is what is invoiced and was not taken back.
func (t Tally) Standing() platform.Money { return minus(t.Invoiced, t.Red) }

// line is what stands on a line.
func (t Tally) line(no int, c platform.Currency) platform.Money {
	for _, l := range t.Lines {
		if l.Line == no {
			return l.Invoiced
		}
	}
	zero, err := platform.FromMinor(0, c)
	if err != nil {
		return platform.Money{}
	}
	return zero
}

// with counts lines in, or out if sign is -1.
func (t Tally) with(d Document, sign int) Tally {
	t.Lines = slices.Clone(t.Lines)
	for _, l := range d.Lines {
		amount := l.Gross
		if sign < 0 {
			amount = amount.Neg()
		}
		at := slices.IndexFunc(t.Lines, func(c Counted) bool { return c.Line == l.No })
		if at < 0 {
			t.Lines = append(t.Lines, Counted{l.No, amount})
			continue
		}
		t.Lines[at].Invoiced = plus(t.Lines[at].Invoiced, amount)
	}
	return t
}

// counted is the tally with one more invoice.
func (t Tally) counted(v Invoice) Tally {
	t = t.with(v.Document, 1)
	t.Invoiced, t.Invoices = plus(t.Invoiced, v.Gross), append(slices.Clone(t.Invoices), v.ID)
	return t
}

// uncounted is the tally without an invoice that was given up.
func (t Tally) uncounted(v Invoice) Tally {
	t = t.with(v.Document, -1)
	t.Invoiced = minus(t.Invoiced, v.Gross)
	return t
}

// reversed is the tally after a red letter.
func (t Tally) reversed(l Letter) Tally {
	t = t.with(l.Document, -1)
	t.Red = plus(t.Red, l.Gross)
	return t
}

// most is how many invoices a subject may have.
const most = 100

// room are the lines of a new invoice: what is asked, or all that is left, of a
// sale on which the tally stands. It fails with ErrExceeds, what can be invoiced
// as a detail, and with ErrLine and ErrAmount.
func (t Tally) room(s sale, asked []Part) ([]Line, error) {
	left, all := minus(s.base(), t.Standing()), minus(s.base(), s.base())
	exceeds := func() error {
		return platform.Detail(fmt.Errorf("invoice %s: %w", t.Subject, ErrExceeds), "invoiceable", left)
	}
	if left.Sign() <= 0 {
		return nil, exceeds()
	}
	if len(t.Invoices) >= most {
		return nil, fmt.Errorf("invoice %s: %w", t.Subject, ErrTooMany)
	}
	if len(asked) == 0 {
		asked = t.rest(s, left)
	}
	var lines []Line
	for i, ask := range asked {
		at := slices.IndexFunc(s.Lines, func(l sold) bool { return l.No == ask.Line })
		if at < 0 || slices.ContainsFunc(asked[:i], func(p Part) bool { return p.Line == ask.Line }) {
			return nil, platform.Wrong(fmt.Sprintf("lines[%d].line", i), ErrLine)
		}
		of := s.Lines[at]
		free := minus(minus(of.Amount, of.Given), t.line(of.No, s.Captured.Currency()))
		if ask.Amount.Absent() {
			ask.Amount = free
		}
		above, err := ask.Amount.Cmp(free)
		switch {
		case err != nil:
			return nil, platform.Wrong(fmt.Sprintf("lines[%d].amount", i), err)
		case above > 0 || free.Sign() <= 0:
			return nil, exceeds()
		case ask.Amount.Sign() <= 0:
			return nil, platform.Wrong(fmt.Sprintf("lines[%d].amount", i), ErrAmount)
		}
		all, lines = plus(all, ask.Amount), append(lines, of.line(ask.Amount))
	}
	if all.Minor() > left.Minor() || len(lines) == 0 {
		return nil, exceeds()
	}
	return lines, nil
}

// rest asks for what is left of each line, in all at most so much.
func (t Tally) rest(s sale, left platform.Money) (asked []Part) {
	weights, sum := make([]int64, len(s.Lines)), int64(0)
	for i, l := range s.Lines {
		weights[i] = max(0, minus(minus(l.Amount, l.Given), t.line(l.No, left.Currency())).Minor())
		sum += weights[i]
	}
	amount, err := platform.FromMinor(min(left.Minor(), sum), left.Currency())
	if err != nil {
		return nil
	}
	parts, err := amount.Allocate(weights...)
	if err != nil {
		return nil
	}
	for i, p := range parts {
		if p.Sign() > 0 {
			asked = append(asked, Part{Line: s.Lines[i].No, Amount: p})
		}
	}
	return asked
}

// line is an invoice's line over so much of what was sold.
func (s sold) line(gross platform.Money) Line {
	l := Line{No: s.No, Code: s.Code, Name: s.Name, Unit: s.Unit, Quantity: 1, Price: gross, Rate: s.Rate, Gross: gross, Exempt: s.Exempt}
	if gross == s.Amount && s.Quantity > 0 && !s.Price.Absent() {
		l.Quantity, l.Price = s.Quantity, s.Price
	}
	return l
}
