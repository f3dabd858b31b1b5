package reconciliation

import (
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
)

// family is what lines and entries are about: only those of one family match.
type family string

const (
	charged    family = "charge"
	refunded   family = "refund"
	handedOn   family = "split"
	paidOut    family = "payout"
	fees       family = "fee"
	disputed   family = "chargeback"
	reversed   family = "reversal"
	adjustment family = "adjustment"
)

// ofLine is the family of a line.
func ofLine(k payment.LineKind) family {
	switch k {
	case payment.LineSplit, payment.LineSplitReturn:
		return handedOn
	case payment.LinePayout, LineSweep:
		return paidOut
	}
	return family(k)
}

// facts are the families of what the books tell of; anything else is adjustment.
var facts = map[string]family{
	"pay.captured": charged, "pay.surplus": charged, "tip.captured": charged, "deposit.received": charged, "ads.topped_up": charged,
	"receipt.matched": charged, "receipt.unapplied": charged, "dunning.fee_paid": charged,
	"refund.succeeded": refunded, "refund.imported": refunded, "pay.returned": refunded, "deposit.returned": refunded,
	"split.made": handedOn, "split.returned": handedOn,
	"payout.sent": paidOut, "bank.swept": paidOut, "claim.sent": paidOut, "advance.paid": paidOut, // what was held is booked as what held it
	"chargeback.received": disputed, "chargeback.won": reversed, "chargeback.partly_lost": reversed,
	"pay.reversed": reversed, "payout.returned": reversed, "advance.returned": reversed, "gateway.fee": fees,
}

// item is one side of a match: a line, or a part of one, or an entry.
type item struct {
	Line     string            `json:"line,omitempty"` // its id; empty for an entry
	Of       platform.ID       `json:"of,omitempty"`   // the statement of the line
	No       int               `json:"no,omitempty"`   // its place there
	Seq      int64             `json:"seq,omitempty"`  // of the entry, on the ledger's account in its currency
	Currency platform.Currency `json:"currency"`
	Amount   int64             `json:"amount"` // by which the balance moved; what comes in is positive
	Family   family            `json:"family"`
	Key      string            `json:"key,omitempty"` // of the record that the operation belongs to, without prefix
	Told     payment.Key       `json:"told,omitempty"`
	Ref      string            `json:"ref,omitempty"`
	Batch    string            `json:"batch,omitempty"`
	At       time.Time         `json:"at"`
	Subject  platform.Ref      `json:"subject,omitzero"` // of the entry
	Posting  platform.ID       `json:"posting,omitempty"`
	Class    Class             `json:"class,omitempty"` // as it was left open
	Case     platform.ID       `json:"case,omitempty"`

	taken bool
	fresh bool // of today
}

// tail is what ids of one root have in common, whatever their prefix.
func tail(id platform.ID) string {
	_, rest, _ := strings.Cut(string(id), "_")
	return rest
}

// itemOf is an entry of the ledger's account.
func itemOf(e finance.Entry) *item {
	f, known := facts[e.What]
	if !known {
		f = adjustment
	}
	return &item{
		Seq: e.Seq, Currency: e.Amount.Currency(), Amount: e.Amount.Minor(), Family: f, Key: tail(e.Subject.ID), At: e.Effective,
		Subject: e.Subject, Posting: e.Posting, fresh: true,
	}
}

// primary is a line without its fee.
func primary(l Line, of platform.ID, no int) *item {
	i := &item{
		Line: l.ID, Of: of, No: no, Currency: l.Currency, Amount: l.Gross, Family: ofLine(l.Kind), Key: tail(l.Key.Record()), Told: l.Key,
		Ref: l.Reference, Batch: l.Batch, At: l.At, fresh: true,
	}
	if i.Family == disputed || i.Family == reversed || i.Family == fees { // they are booked with their fee
		i.Amount = l.Net()
	}
	return i
}

// exclusive tells whether a line says by its key which entry it is. What is taken
// back later names the charge, whose entry it is not.
func (i *item) exclusive() bool { return i.Key != "" && i.Family != disputed && i.Family != reversed }

// signature is what two lines about one movement have in common.
type signature struct {
	family   family
	told     payment.Key
	ref, id  string
	currency platform.Currency
	amount   int64
}

func (i *item) signature() signature {
	if i.Told == "" && i.Ref == "" {
		return signature{id: i.Line}
	}
	return signature{family: i.Family, told: i.Told, ref: i.Ref, currency: i.Currency, amount: i.Amount}
}

// before is the order in which items are worked off.
func (i *item) before(j *item) int {
	if i.fresh != j.fresh { // what was open before comes first
		if j.fresh {
			return -1
		}
		return 1
	}
	if entry := i.Line == ""; entry != (j.Line == "") { // and lines come before entries
		if entry {
			return 1
		}
		return -1
	}
	for _, c := range []int{
		strings.Compare(string(i.Of), string(j.Of)), i.No - j.No, strings.Compare(i.Line, j.Line),
		strings.Compare(i.Currency.String(), j.Currency.String()), int(i.Seq - j.Seq),
	} {
		if c != 0 {
			return c
		}
	}
	return 0
}

// left are the items that are not matched, in order.
func left(all []*item) []*item {
	rest := slices.DeleteFunc(slices.Clone(all), func(i *item) bool { return i.taken })
	slices.SortStableFunc(rest, (*item).before)
	return rest
}

func sum(all []*item) (total int64) {
	for _, i := range all {
		total += i.Amount
	}
	return total
}

// feeOf splits the fees of lines off: what is agreed is one item for the day and
// currency, what is kept by operation or differs from the contract one each.
type feeOf struct {
	account Account
	agreed  map[platform.Currency]int64
}

// split is a line without its fee, and the fee if it is an item of its own.
func (f *feeOf) split(l Line, of platform.ID, no int) ([]*item, error) {
	i := primary(l, of, no)
	switch {
	case i.Family == disputed, i.Family == reversed, i.Family == fees && f.account.FeesEach:
		return []*item{i}, nil // booked with their fee
	case i.Family == fees:
		f.agreed[l.Currency] += l.Net()
		return nil, nil
	case l.Fee == 0:
		return []*item{i}, nil
	}
	fee := *i
	fee.Line, fee.Amount, fee.Family, fee.Batch = l.ID+"#fee", -l.Fee, fees, ""
	if f.account.FeesEach {
		return []*item{i, &fee}, nil
	}
	agreed := l.Fee
	if f.account.Contract != nil && i.Family == charged {
		due, err := f.account.Contract.fee(l)
		if err != nil {
			return nil, err
		}
		if !within(l.Fee, due, l.Currency) {
			agreed = due
		}
	}
	f.agreed[l.Currency] -= agreed
	if agreed == l.Fee {
		return []*item{i}, nil
	}
	fee.Amount, fee.Class = agreed-l.Fee, FeeDiffers
	return []*item{i, &fee}, nil
}

// day is what was kept as agreed, one item a currency.
func (f *feeOf) day(st Statement) (all []*item) {
	for _, t := range st.Totals {
		c := t.Net.Currency()
		if kept := f.agreed[c]; kept != 0 {
			all = append(all, &item{
				Line: "fees#" + st.Day + "/" + c.String(), Of: st.ID, No: st.Lines + 1, Currency: c, Amount: kept, Family: fees,
				Key: tail(st.ID), At: st.From, fresh: true,
			})
		}
	}
	return all
}

// within tells whether a fee differs by no more than a cent or a thousandth.
func within(fee, booked int64, c platform.Currency) bool {
	cent := int64(1)
	for range c.Exponent() - 2 {
		cent *= 10
	}
	if c.Exponent() < 2 {
		cent = 0
	}
	return distance(fee, booked) <= max(cent, distance(booked, 0)/1000)
}

func distance(a, b int64) int64 { return max(a-b, b-a) }
