package verification

import (
	"slices"
	"strings"
	"time"
)

// Number is a kind of number with a form of its own.
//
// # What is accepted where authorities differ
//
// Form, length, alphabet, dates and check digits follow the standards to the
// letter. Four things are policy:
//
//   - Separators (spaces, hyphens) and full-width forms are taken out, and letters
//     are upper case, before anything is checked: people type them.
//   - The area code of a resident id (GB 11643) must begin with a province or
//     region that codes are given for, 11 to 91; whether the county existed in the
//     year of birth is not checked. Tables of codes (GB/T 2260) disagree about the
//     years, ids name the place of registration and not that of birth, and were
//     given out late: a refusal would turn away people whose id is genuine.
//   - A date of birth before 1900 is refused, one after today only where the
//     moment is given to [Birth].
//   - A unified social credit code (GB 32100) may begin with A or Y (central
//     military and other registrars, added after 2015), and its area code is six
//     digits of any place, for the same reason.
//
// What a form cannot tell, the [Checker] is asked: that the number is somebody's.
type Number string

// The numbers that are known.
const (
	ResidentID Number = "resident_id" // GB 11643-1999, 18 characters
	CreditCode Number = "credit_code" // unified social credit code, GB 32100-2015
	BankCard   Number = "bank_card"   // ISO/IEC 7812: 12 to 19 digits, Luhn
	Phone      Number = "phone"       // E.164, or a mobile number of mainland China
)

var numbers = []Number{ResidentID, CreditCode, BankCard, Phone}

// Clean is a number as it is compared: without separators, upper case, in ASCII.
func (n Number) Clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			r += '!' - '！'
		}
		switch {
		case r == ' ' || r == '-' || r == '\u3000' || r == '\u00a0' || n == Phone && (r == '(' || r == ')'):
			return -1
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, text)
}

// Check returns nil for a number of this kind, as typed, and otherwise one of
// [ErrNumberLength], [ErrNumberFormat], [ErrNumberPart] and [ErrNumberSum]. A kind
// that is not known is met by whatever there is.
func (n Number) Check(text string) error {
	text = n.Clean(text)
	switch n {
	case ResidentID:
		return residentID(text)
	case CreditCode:
		return creditCode(text)
	case BankCard:
		return bankCard(text)
	case Phone:
		return phone(text)
	}
	return nil
}

func digits(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
}

// provinces are the first two digits of area codes: those of the
// mainland, Taiwan, Hong Kong, Macau, and 91 for foreigners who live there.
var provinces = strings.Fields("11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83 91")

var weights = [...]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}

// residentID checks by ISO 7064 MOD 11-2.
func residentID(id string) error {
	if len(id) != 18 {
		return ErrNumberLength
	}
	if !digits(id[:17]) || !digits(id[17:]) && id[17] != 'X' {
		return ErrNumberFormat
	}
	sum := 0
	for i, c := range []byte(id[:17]) {
		sum += int(c-'0') * weights[i]
	}
	if "10X98765432"[sum%11] != id[17] {
		return ErrNumberSum
	}
	born, err := time.Parse("20060102", id[6:14])
	if err != nil || born.Year() < 1900 || !slices.Contains(provinces, id[:2]) {
		return ErrNumberPart
	}
	return nil
}

// Birth is the date of birth in a resident id, its beginning in UTC. It fails as
// [Number.Check] does, and with [ErrNumberPart] for one after now.
func Birth(id string, now time.Time) (time.Time, error) {
	id = ResidentID.Clean(id)
	if err := residentID(id); err != nil {
		return time.Time{}, err
	}
	born, err := time.Parse("20060102", id[6:14])
	if err != nil || born.After(now) {
		return time.Time{}, ErrNumberPart
	}
	return born, nil
}

// credit is the alphabet of GB 32100: no I, O, S, V, Z.
const credit = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// creditCode checks MOD 31 with weights 3^i.
func creditCode(code string) error {
	if len(code) != 18 {
		return ErrNumberLength
	}
	if strings.ContainsFunc(code, func(r rune) bool { return !strings.ContainsRune(credit, r) }) || !digits(code[2:8]) {
		return ErrNumberFormat
	}
	sum, weight := 0, 1
	for _, c := range []byte(code[:17]) {
		sum += strings.IndexByte(credit, c) * weight
		weight = weight * 3 % 31
	}
	if credit[(31-sum%31)%31] != code[17] {
		return ErrNumberSum
	}
	return nil
}

func bankCard(number string) error {
	if !digits(number) {
		return ErrNumberFormat
	}
	if len(number) < 12 || len(number) > 19 {
		return ErrNumberLength
	}
	sum := 0
	for i, c := range []byte(number) {
		d := int(c - '0')
		if (len(number)-i)%2 == 0 {
			d *= 2
			d -= d / 10 * 9
		}
		sum += d
	}
	if sum%10 != 0 {
		return ErrNumberSum
	}
	return nil
}

func phone(number string) error {
	rest, international := strings.CutPrefix(number, "+")
	switch {
	case !digits(rest):
		return ErrNumberFormat
	case international && rest[0] == '0', !international && (rest[0] != '1' || len(rest) > 1 && rest[1] < '3'):
		return ErrNumberFormat
	case international && (len(rest) < 8 || len(rest) > 15), !international && len(rest) != 11:
		return ErrNumberLength
	}
	return nil
}
