package finance

import (
	"strings"

	"github.com/liangding/platform"
)

// lineOf is the chart's line of a role. It fails with ErrRole.
func lineOf(role string) (line, error) {
	for _, l := range chart {
		if l.Role == role {
			return l, nil
		}
	}
	return line{}, ErrRole // nor is what somebody typed repeated
}

// Account names an account of the chart, without its currency. Its text is
// "role", "role:order", "role:party" or "role:order:party", as the role demands;
// a role that may be kept apart by a name has it in the party's place.
type Account struct {
	Role  string      // as in the chart
	Of    platform.ID // the order whose account it is (chargeback, contract, budget line); empty unless the role is kept so
	Party platform.ID // merchant, staff member or institution, or a name; empty unless the role is kept so
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
	if (l.Party || l.Named) && len(rest) > 0 {
		a.Party, rest = platform.ID(rest[0]), rest[1:]
	}
	if len(rest) > 0 || strings.HasSuffix(text, ":") {
		return Account{}, ErrRole
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
	party := a.Party == "" && !l.Party || plain(a.Party) && (l.Party || l.Named)
	if !of || !party {
		return line{}, ErrRole
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
