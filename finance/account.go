package finance

import (
	"fmt"
	"strings"

	"github.com/liangding/platform"
)

// Class is where an account stands in the statements.
type Class string

// The classes of accounts.
const (
	Asset     Class = "asset"
	Liability Class = "liability"
	Equity    Class = "equity"
	Income    Class = "income"
	Expense   Class = "expense"
)

// side is the direction in which the balance of an account grows.
type side int64

const (
	debit  side = +1
	credit side = -1
)

// line is one role of the chart of accounts.
type line struct {
	Role    string
	Code    int // stable
	Class   Class
	Normal  side
	Of      bool // an account for each order
	Party   bool // an account for each party: merchant, staff member, institution
	Floored bool // has an available counter, which never falls below zero
}

// chart is the chart of accounts, in the order of codes. The platform is an
// agent: what customers pay is theirs, then the merchant's; only fees are
// income.
var chart = []line{
	{Role: "bank", Code: 1010, Class: Asset, Normal: debit, Party: true},
	{Role: "clearing", Code: 1020, Class: Asset, Normal: debit, Party: true},
	{Role: "input_tax", Code: 1290, Class: Asset, Normal: debit},
	{Role: "escrow", Code: 2010, Class: Liability, Normal: credit, Of: true, Floored: true},
	{Role: "earning", Code: 2015, Class: Liability, Normal: credit, Of: true, Party: true, Floored: true},
	{Role: "payable", Code: 2020, Class: Liability, Normal: credit, Party: true, Floored: true},
	{Role: "reserve", Code: 2030, Class: Liability, Normal: credit, Party: true, Floored: true},
	{Role: "refund_due", Code: 2050, Class: Liability, Normal: credit, Of: true, Floored: true},
	{Role: "surplus", Code: 2060, Class: Liability, Normal: credit, Of: true, Floored: true},
	{Role: "tips", Code: 2070, Class: Liability, Normal: credit, Of: true, Floored: true},
	{Role: "output_tax", Code: 2080, Class: Liability, Normal: credit},
	{Role: "opening", Code: 3010, Class: Equity, Normal: credit},
	{Role: "commission", Code: 4010, Class: Income, Normal: credit},
	{Role: "cancel_fee", Code: 4015, Class: Income, Normal: credit},
	{Role: "gateway_fee", Code: 5010, Class: Expense, Normal: debit, Party: true},
	{Role: "marketing", Code: 5070, Class: Expense, Normal: debit},
}

// lineOf is the chart's line of a role. It fails with ErrRole.
func lineOf(role string) (line, error) {
	for _, l := range chart {
		if l.Role == role {
			return l, nil
		}
	}
	return line{}, fmt.Errorf("account %q: %w", role, ErrRole)
}

// Account names an account of the chart, without its currency. Its text is
// "role", "role:order", "role:party" or "role:order:party", as the role demands.
type Account struct {
	Role  string      // as in the chart
	Of    platform.ID // the order whose account it is; empty unless the role is kept by order
	Party platform.ID // merchant, staff member or institution; empty unless the role is kept by party
}

// ParseAccount reads the text of an account. It fails with ErrRole when the
// chart has no such role, or keeps it otherwise.
func ParseAccount(text string) (Account, error) {
	part := strings.Split(text, ":")
	a := Account{Role: part[0]}
	l, err := lineOf(a.Role)
	if err != nil {
		return Account{}, err
	}
	rest := part[1:]
	if l.Of && len(rest) > 0 {
		a.Of, rest = platform.ID(rest[0]), rest[1:]
	}
	if l.Party && len(rest) > 0 {
		a.Party, rest = platform.ID(rest[0]), rest[1:]
	}
	if len(rest) > 0 {
		return Account{}, fmt.Errorf("account %q: %w", text, ErrRole)
	}
	_, err = a.line()
	return a, err
}

// String is the text of the account.
func (a Account) String() string {
	var text strings.Builder
	text.WriteString(a.Role)
	for _, id := range []platform.ID{a.Of, a.Party} {
		if id != "" {
			text.WriteString(":" + string(id))
		}
	}
	return text.String()
}

// MarshalText writes the text of the account.
func (a Account) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the text of an account, as [ParseAccount] does.
func (a *Account) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAccount(string(text))
	return err
}

// accountOf is the account that a leg means.
func accountOf(l platform.Leg) Account { return Account{Role: l.Role, Of: l.Of, Party: l.Party} }

// line is the account's line of the chart. It fails with ErrRole when the chart
// has no such role, or when the account names an order or a party that the role
// is not kept by, or lacks one that it is.
func (a Account) line() (line, error) {
	l, err := lineOf(a.Role)
	if err != nil {
		return line{}, err
	}
	_, malformed := platform.ParseID(string(a.Of))
	of := a.Of == "" && !l.Of || malformed == nil && l.Of
	party := a.Party == "" && !l.Party || plain(a.Party) && l.Party
	if !of || !party {
		return line{}, fmt.Errorf("account %q: %w", a, ErrRole)
	}
	return l, nil
}

// plain tells whether an id may stand in the text of an account: that of a
// record, or the name of an institution.
func plain(id platform.ID) bool {
	return id != "" && len(id) <= 64 && strings.Trim(string(id), "abcdefghijklmnopqrstuvwxyz0123456789_-.") == ""
}

// The two counters of an account.
const (
	posted    = "posted"    // debits minus credits
	available = "available" // what is free, in the normal direction; floored accounts only
)

// counter is one of the account's counters.
func (a Account) counter(which, currency string) platform.Ref {
	return platform.Counter(which+":"+a.String(), currency)
}

// counted reads back which counter of which account it is. It fails with
// ErrRole when the chart has no such account, and answers "" for a counter
// that is not of the books.
func counted(counter platform.Ref) (which string, a Account, currency string, err error) {
	which, text, _ := strings.Cut(string(counter.ID), ":")
	if which != posted && which != available {
		return "", Account{}, "", nil
	}
	text, currency, _ = strings.Cut(text, "/")
	a, err = ParseAccount(text)
	return which, a, currency, err
}
