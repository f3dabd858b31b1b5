package reconciliation

import (
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
)

// LineSweep is a line by which money goes between an institution and our bank,
// beside the kinds that institutions tell of.
const LineSweep payment.LineKind = "sweep"

// Line is a line of a statement, normalised. The balance moved by Gross less
// Fee, in minor units; what comes in is positive.
type Line struct {
	ID        string            `json:"id"` // the institution's, once in all its statements
	Kind      payment.LineKind  `json:"kind"`
	Key       payment.Key       `json:"key,omitempty"` // ours, as far as the institution tells it
	Reference string            `json:"ref,omitempty"` // the institution's of the operation
	Currency  platform.Currency `json:"currency"`
	Gross     int64             `json:"gross,omitempty"`
	Fee       int64             `json:"fee,omitempty"`
	At        time.Time         `json:"at"`
	Batch     string            `json:"batch,omitempty"` // of a transfer that several lines make up
}

// Net is by how much the balance moved.
func (l Line) Net() int64 { return l.Gross - l.Fee }

// lineOf is a line as a gateway tells it.
func lineOf(l payment.Line) (Line, error) {
	net, err := l.Gross.Sub(l.Fee)
	if err != nil || net != l.Net || l.ID == "" {
		return Line{}, fmt.Errorf("a line whose net is not gross less fee, or without id: %w", ErrRow)
	}
	return Line{
		ID: l.ID, Kind: l.Kind, Key: l.Key, Reference: l.Reference, Currency: l.Gross.Currency(),
		Gross: l.Gross.Minor(), Fee: l.Fee.Minor(), At: l.At.UTC(), Batch: l.Batch,
	}, nil
}

// Total is what a statement says of one currency: opening and lines make up the
// closing balance.
type Total struct {
	Opening platform.Money `json:"opening"`
	Net     platform.Money `json:"net"` // of all lines
	Closing platform.Money `json:"closing"`
	Lines   int            `json:"lines"`
	Told    bool           `json:"told,omitempty"` // the institution told a balance; otherwise the opening is what the day before closed with
}

// Statement is what an institution says of one account and day. It is never
// changed.
type Statement struct {
	platform.Head
	Institution string          `json:"institution" class:"internal"`
	Account     string          `json:"account,omitempty" class:"internal"` // at the institution; empty for the only one
	Ledger      finance.Account `json:"ledger" class:"internal"`            // what it is compared with: clearing:sandbox
	Day         string          `json:"day" class:"internal"`               // 2026-03-02, in the institution's zone
	Zone        string          `json:"zone" class:"internal"`
	From        time.Time       `json:"from" class:"internal"` // of the day
	Until       time.Time       `json:"until" class:"internal"`
	Source      string          `json:"source" class:"internal"` // csv or gateway
	SHA256      string          `json:"sha256" class:"internal"` // of the file; of the lines when there was none
	Lines       int             `json:"lines" class:"internal"`
	Sheets      int             `json:"sheets" class:"internal"` // that the lines are kept on
	Totals      []Total         `json:"totals" class:"internal"` // by currency
	Imported    time.Time       `json:"imported" class:"internal"`
}

const statementKind = "reconciliation.statement"

// Ref names the statement.
func (s Statement) Ref() platform.Ref { return platform.Ref{Kind: statementKind, ID: s.ID} }

// of names the account that the statement is of.
func (s Statement) of() string { return accountName(s.Institution, s.Account) }

func accountName(institution, account string) string {
	if account == "" {
		return institution
	}
	return institution + "/" + account
}

// draft is what the sheets of the statement belong to.
func (s Statement) draft() platform.ID { return s.ID.As(draftPrefix) }

// claims keep an account's day, and a file, from coming in twice.
func (s Statement) claims() []platform.Claim {
	all := []platform.Claim{{Scope: "statement.day/" + s.of(), Key: s.Day}}
	if s.Lines > 0 { // days without a line are all the same
		all = append(all, platform.Claim{Scope: "statement.file", Key: s.SHA256})
	}
	return all
}

// total adds the line to those of its currency.
func (s *Statement) count(l Line) error {
	for i := range s.Totals {
		t := &s.Totals[i]
		if t.Net.Currency() != l.Currency {
			continue
		}
		net, err := platform.FromMinor(l.Net(), l.Currency)
		if err == nil {
			t.Net, err = t.Net.Add(net)
		}
		t.Lines++
		return err
	}
	none, err := platform.FromMinor(0, l.Currency)
	if err != nil {
		return err
	}
	s.Totals = append(s.Totals, Total{Opening: none, Net: none, Closing: none})
	return s.count(l)
}

// told are the facts of the event.
type told struct {
	Institution string  `json:"institution"`
	Account     string  `json:"account,omitempty"`
	Day         string  `json:"day"`
	SHA256      string  `json:"sha256"`
	Totals      []Total `json:"totals"`
}
