package finance

import (
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Sums is what the numbered postings of a month, or of a day of it, have added to
// the accounts, by role. The pass that numbers postings keeps it, so statements
// never read the journal; [Verify] proves it against that.
type Sums struct {
	platform.Head
	Span  string `json:"span" class:"internal"`            // 2026-03, or 2026-03-05
	Count int64  `json:"count" class:"internal"`           // how many postings
	Rows  []Sum  `json:"rows" class:"internal"`            // of a month by role; of a day only what is others' by role, and bank and clearing by account
	Flows []Sum  `json:"flows,omitempty" class:"internal"` // of a month: what came to bank and clearing, and left them, by what happened
}

// Sum is a row of [Sums], in minor units. Sums may pass what one amount can hold.
type Sum struct {
	Of       string            `json:"of"` // a role as [Statutory] knows it, an account, or what happened
	Currency platform.Currency `json:"currency"`
	Debit    *big.Int          `json:"debit"`
	Credit   *big.Int          `json:"credit"`
	Closing  *big.Int          `json:"closing,omitempty"` // debits less credits of it that closed the year's result
}

// Role is the role of a row by role or account.
func (s Sum) Role() string {
	role, _, _ := strings.Cut(s.Of, ":")
	return role
}

// Net is debits less credits.
func (s Sum) Net() *big.Int { return new(big.Int).Sub(s.Debit, s.Credit) }

// Ref names the sums.
func (s Sums) Ref() platform.Ref { return platform.Ref{Kind: sumsKind, ID: s.ID} }

// AccountSum is what the numbered postings of a month have added to an account
// that belongs to no order.
type AccountSum struct {
	platform.Head
	Month    string            `json:"month" class:"internal"`
	Account  Account           `json:"account" class:"internal"`
	Currency platform.Currency `json:"currency" class:"internal"`
	Debit    *big.Int          `json:"debit" class:"internal"`
	Credit   *big.Int          `json:"credit" class:"internal"`
	Count    int64             `json:"count" class:"internal"` // of entries
}

// Ref names the sum.
func (s AccountSum) Ref() platform.Ref { return platform.Ref{Kind: accountSumKind, ID: s.ID} }

// Net is debits less credits.
func (s AccountSum) Net() *big.Int { return new(big.Int).Sub(s.Debit, s.Credit) }

// spanID is that of the sums of a span.
func spanID(span string) platform.ID { return idOf("sms", "sums", span) }

func accountSumID(month string, a Account, currency platform.Currency) platform.ID {
	return idOf("asm", "account-sum", month+"/"+a.String()+"/"+currency.String())
}

// idOf is the id of a record that is found by its name. The formula is frozen:
// no time, and slot and bits cut from SHA-256.
func idOf(prefix, scope, name string) platform.ID {
	sum := sha256.Sum256([]byte(scope + "\x00" + name))
	return platform.NewID(prefix, time.Unix(0, 0), platform.Key{Scope: scope, Name: name}.Slot(), binary.BigEndian.Uint64(sum[:8]))
}

// summing adds postings up, on top of what is there.
type summing struct {
	spans    map[platform.ID]*Sums
	accounts map[platform.ID]*AccountSum
	parties  map[platform.ID]*Turnover
}

func newSumming() *summing {
	return &summing{map[platform.ID]*Sums{}, map[platform.ID]*AccountSum{}, map[platform.ID]*Turnover{}}
}

// add adds a posting under its number; root is what it took back in the end, if
// it is a reversal.
func (s *summing) add(n Number, p, root Posting) {
	month, day := s.span(n.Month), s.span(n.Day)
	month.Count++
	day.Count++
	for _, l := range p.Legs {
		row, err := lineOf(l.Role)
		if err != nil {
			continue
		}
		a := accountOf(l)
		sum := rowOf(&month.Rows, shownAs(l), l.Amount.Currency())
		sum.add(l.Amount)
		if p.What == yearClosed {
			if sum.Closing == nil {
				sum.Closing = new(big.Int)
			}
			sum.Closing.Add(sum.Closing, big.NewInt(l.Amount.Minor()))
		}
		switch {
		case row.cash():
			rowOf(&month.Flows, p.What, l.Amount.Currency()).add(l.Amount)
			rowOf(&day.Rows, a.String(), l.Amount.Currency()).add(l.Amount)
		case Entrusted(l.Role):
			rowOf(&day.Rows, l.Role, l.Amount.Currency()).add(l.Amount)
		}
		if a.Of == "" {
			s.account(month.Span, a, l.Amount.Currency()).add(l.Amount)
		}
	}
	s.turnover(month.Span, p, root)
	s.withheld(month.Span, p, root)
}

// shownAs is the row of a leg: its role, with the party's letters behind where a
// law's chart shows the accounts of such parties apart.
func shownAs(l platform.Leg) string {
	if prefix := l.Party.Prefix(); l.Role == "payable" && (prefix == "stf" || prefix == "emp") {
		return l.Role + ":" + prefix
	}
	return l.Role
}

// cash tells whether money lies on accounts of the role.
func (l line) cash() bool { return l.Role == "bank" || l.Role == "clearing" }

// Entrusted tells whether what is on accounts of the role belongs to others than
// the platform: customers, merchants, staff.
func Entrusted(role string) bool {
	return slices.Contains([]string{
		"escrow", "earning", "payable", "reserve", "deposit", "refund_due", "surplus", "tips", "unapplied", "unclaimed",
	}, role)
}

func (s *summing) span(span string) *Sums {
	id := spanID(span)
	if s.spans[id] == nil {
		s.spans[id] = &Sums{Head: platform.Head{ID: id}, Span: span}
	}
	return s.spans[id]
}

func (s *summing) account(month string, a Account, currency platform.Currency) *AccountSum {
	id := accountSumID(month, a, currency)
	if s.accounts[id] == nil {
		s.accounts[id] = &AccountSum{Head: platform.Head{ID: id}, Month: month, Account: a, Currency: currency, Debit: new(big.Int), Credit: new(big.Int)}
	}
	return s.accounts[id]
}

func (s *AccountSum) add(m platform.Money) {
	s.Count++
	addTo(s.Debit, s.Credit, m)
}

func (s *Sum) add(m platform.Money) { addTo(s.Debit, s.Credit, m) }

func addTo(debit, credit *big.Int, m platform.Money) {
	if n := big.NewInt(m.Minor()); n.Sign() > 0 {
		debit.Add(debit, n)
	} else {
		credit.Sub(credit, n)
	}
}

// rowOf is the row of a name in a currency, in its place by name.
func rowOf(rows *[]Sum, of string, currency platform.Currency) *Sum {
	i, found := slices.BinarySearchFunc(*rows, Sum{Of: of, Currency: currency}, func(a, b Sum) int {
		if c := strings.Compare(a.Of, b.Of); c != 0 {
			return c
		}
		return strings.Compare(a.Currency.String(), b.Currency.String())
	})
	if !found {
		*rows = slices.Insert(*rows, i, Sum{Of: of, Currency: currency, Debit: new(big.Int), Credit: new(big.Int)})
	}
	return &(*rows)[i]
}

// changes are all sums, to be written.
func (s *summing) changes() (all []platform.Change) {
	for _, v := range s.spans {
		all = append(all, platform.Put(*v))
	}
	for _, v := range s.accounts {
		all = append(all, platform.Put(*v))
	}
	for _, v := range s.parties {
		all = append(all, platform.Put(*v))
	}
	return all
}
