package platform

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// Refusals of money, its currencies and rates.
var (
	errCurrency   = Err(ErrInvalid, "money.currency", "not a currency in use with a minor unit", "不是有辅币单位的现行货币")
	errMixed      = Err(ErrInvalid, "money.currency_mixed", "amounts of different currencies", "币种不一致")
	errOverflow   = Err(ErrInvalid, "money.overflow", "the amount is too large", "金额超出范围")
	errScale      = Err(ErrInvalid, "money.scale", "more decimals than the currency has", "小数位数超过该货币的辅币单位")
	errNumber     = Err(ErrInvalid, "money.number", `an amount is a decimal text such as "12.34"`, "金额须为十进制文本，例如“12.34”")
	errMoneyField = Err(ErrInvalid, "money.field", "money has exactly the members amount and currency", "金额须且仅须包含 amount 与 currency")
	errWeights    = Err(ErrInvalid, "money.weights", "weights must not be negative and not all zero", "权重不得为负，且不得全为零")
	errRate       = Err(ErrInvalid, "money.rate", "the rate or its rounding is out of range", "比率或舍入方式超出范围")
)

// Money is an exact amount of one currency, of either sign, within ±(2⁶³−1)
// minor units. It compares with == and serves as a map key.
//
// The zero value has no currency. It means that there is no amount, which is
// not the same as an amount of zero: [Money.Absent] tells it, arithmetic and
// JSON refuse it with code money.currency. Mark an optional field omitzero,
// which leaves out absent money and writes an amount of zero; there is no
// IsZero, so that neither a reader nor encoding/json can take one for the other.
type Money struct {
	minor    int64
	currency Currency
}

// FromMinor is an amount in minor units: FromMinor(1234, CNY) is 12.34 CNY. It
// fails with code money.currency without a currency, and with money.overflow
// for −2⁶³, the one int64 whose negative is none.
func FromMinor(minor int64, c Currency) (Money, error) {
	if !c.known() {
		return Money{}, fmt.Errorf("make money: %w", errCurrency)
	}
	if minor == math.MinInt64 {
		return Money{}, fmt.Errorf("make money in %s: %w", c, errOverflow)
	}
	return Money{minor: minor, currency: c}, nil
}

// FromDecimal is the amount d in c. It never rounds: with code money.scale it
// refuses a fraction of a minor unit, with money.overflow what is too large.
func FromDecimal(d decimal.Decimal, c Currency) (Money, error) {
	d = d.Normalize()
	places := int64(d.Exponent()) + int64(c.Exponent())
	switch {
	case d.IsZero():
		return FromMinor(0, c)
	case places < 0:
		return Money{}, fmt.Errorf("make money in %s: %w", c, errScale)
	case int64(d.NumDigits())+places > 19: // 2⁶³ has 19 digits; this also keeps the shift small
		return Money{}, fmt.Errorf("make money in %s: %w", c, errOverflow)
	}
	minor := d.Shift(int32(c.Exponent())).BigInt()
	if !minor.IsInt64() {
		return Money{}, fmt.Errorf("make money in %s: %w", c, errOverflow)
	}
	return FromMinor(minor.Int64(), c)
}

// ParseMoney reads an amount of at most 24 characters, -?digits[.digits], and
// the code of its currency. It takes no plus sign, exponent, space or
// separator (code money.number) and, like [FromDecimal], never rounds: zeros
// beyond the minor unit are dropped, other digits there are money.scale.
func ParseMoney(amount, currency string) (Money, error) {
	c, err := ParseCurrency(currency)
	if err != nil {
		return Money{}, err
	}
	digits, negative := strings.CutPrefix(amount, "-")
	whole, places, point := strings.Cut(digits, ".")
	if len(amount) > 24 || whole == "" || point && places == "" || strings.Trim(whole+places, "0123456789") != "" {
		return Money{}, fmt.Errorf("parse amount in %s: %w", c, errNumber)
	}
	if places = strings.TrimRight(places, "0"); len(places) > c.Exponent() {
		return Money{}, fmt.Errorf("parse amount in %s: %w", c, errScale)
	}
	minor, err := strconv.ParseInt(whole+(places + "0000")[:c.Exponent()], 10, 64)
	if err != nil { // they are digits, so there are too many
		return Money{}, fmt.Errorf("parse amount in %s: %w", c, errOverflow)
	}
	if negative {
		minor = -minor
	}
	return Money{minor: minor, currency: c}, nil
}

// MustMoney is [ParseMoney] for constants and tests. It panics when the text
// is not money, which is the programmer's mistake.
func MustMoney(amount, currency string) Money {
	m, err := ParseMoney(amount, currency)
	if err != nil {
		panic(err)
	}
	return m
}

// Sum adds amounts of the currency c; of none it is zero of c. Only the total
// must fit, whatever the order (code money.overflow). An amount of another
// currency is money.currency_mixed, an absent one money.currency.
func Sum(c Currency, amounts ...Money) (Money, error) {
	var high, low uint64 // a 128-bit two's complement total
	for _, m := range amounts {
		if m.currency != c {
			return Money{}, unlike(Money{currency: c}, m)
		}
		var carry uint64
		low, carry = bits.Add64(low, uint64(m.minor), 0)
		high, _ = bits.Add64(high, uint64(m.minor>>63), carry)
	}
	if int64(high) != int64(low)>>63 {
		return Money{}, fmt.Errorf("sum %d amounts in %s: %w", len(amounts), c, errOverflow)
	}
	return FromMinor(int64(low), c)
}

// Minor is the amount in minor units, 0 when absent.
func (m Money) Minor() int64 { return m.minor }

// Currency is the currency, none when absent.
func (m Money) Currency() Currency { return m.currency }

// Absent tells money without currency from an amount, also from one of zero.
func (m Money) Absent() bool { return m.currency == 0 }

// Sign is -1, 0 or 1 as the amount is negative, zero or positive; 0 when absent.
func (m Money) Sign() int { return cmp.Compare(m.minor, 0) }

// Decimal is the amount in major units, 0 when absent.
func (m Money) Decimal() decimal.Decimal {
	return decimal.New(m.minor, -int32(m.currency.Exponent()))
}

// String is the amount with all decimals of its currency, and the code, as in
// "12.34 CNY"; "" when absent.
func (m Money) String() string {
	if m.Absent() {
		return ""
	}
	return string(m.appendAmount(nil)) + " " + m.currency.String()
}

func (m Money) appendAmount(b []byte) []byte {
	if m.minor < 0 {
		b = append(b, '-')
	}
	amount, unit := magnitude(m.minor), tens[m.currency.Exponent()]
	b = strconv.AppendUint(b, amount/unit, 10)
	if unit == 1 {
		return b
	}
	point := len(b)
	b = strconv.AppendUint(b, unit+amount%unit, 10) // a leading 1 keeps the zeros and makes way for the point
	b[point] = '.'
	return b
}

// Add is m + n. Both must be amounts of one currency (codes money.currency and
// money.currency_mixed); a sum that does not fit is money.overflow.
func (m Money) Add(n Money) (Money, error) {
	if m.currency != n.currency || m.currency == 0 {
		return Money{}, unlike(m, n)
	}
	sum := m.minor + n.minor
	if (m.minor^sum)&(n.minor^sum) < 0 || sum == math.MinInt64 {
		return Money{}, m.tooLarge("add")
	}
	return Money{minor: sum, currency: m.currency}, nil
}

// Sub is m − n, refused as by [Money.Add].
func (m Money) Sub(n Money) (Money, error) { return m.Add(n.Neg()) }

// Neg is −m. It is always a value; absent money stays absent.
func (m Money) Neg() Money { return Money{minor: -m.minor, currency: m.currency} }

// Cmp is -1, 0 or 1 as m is less than, equal to or greater than n. Both must
// be amounts of one currency, as for [Money.Add].
func (m Money) Cmp(n Money) (int, error) {
	if m.currency != n.currency || m.currency == 0 {
		return 0, unlike(m, n)
	}
	return cmp.Compare(m.minor, n.minor), nil
}

func unlike(m, n Money) error {
	if m.Absent() || n.Absent() {
		return fmt.Errorf("combine with absent money: %w", errCurrency)
	}
	return fmt.Errorf("combine %s with %s: %w", m.currency, n.currency, errMixed)
}

func (m Money) tooLarge(verb string) error {
	return fmt.Errorf("%s in %s: %w", verb, m.currency, errOverflow)
}

// Allocate splits m in proportion to the weights: the parts come in their
// order and add up to m exactly. Only proportion counts: 0.33 to 0.66 is 33 to
// 66. Each share is rounded down, towards −∞ also for a negative m, and the
// units that remain go one each to the largest fractions, of equal ones to the
// earlier. A weight of 0 gets 0.
//
// Without weights, with a negative one or with only zeros it fails with code
// money.weights; weights whose total passes int64 are money.overflow.
func (m Money) Allocate(weights ...int64) ([]Money, error) {
	total, err := m.total(weights)
	if err != nil {
		return nil, err
	}
	type share struct {
		at       int
		fraction uint64
	}
	var few [16]share // spares the usual case an allocation
	shares, parts := few[:0], make([]Money, len(weights))
	rest := m.minor // may wrap on the way down from a large negative m, and comes back
	for i, w := range weights {
		high, low := bits.Mul64(magnitude(m.minor), uint64(w))
		part, fraction := bits.Div64(high, low, total) // w ≤ total, so the quotient fits
		if m.minor < 0 {
			part = -part
			if fraction > 0 {
				part, fraction = part-1, total-fraction
			}
		}
		parts[i] = Money{minor: int64(part), currency: m.currency}
		rest -= int64(part)
		shares = append(shares, share{at: i, fraction: fraction})
	}
	slices.SortFunc(shares, func(a, b share) int {
		return cmp.Or(cmp.Compare(b.fraction, a.fraction), cmp.Compare(a.at, b.at))
	})
	for _, s := range shares[:rest] { // fewer than the shares that have a fraction
		parts[s.at].minor++
	}
	return parts, nil
}

func (m Money) total(weights []int64) (uint64, error) {
	if m.Absent() {
		return 0, fmt.Errorf("allocate absent money: %w", errCurrency)
	}
	var total uint64
	for _, w := range weights {
		if w < 0 {
			return 0, fmt.Errorf("allocate by a negative weight: %w", errWeights)
		}
		if total += uint64(w); total > math.MaxInt64 {
			return 0, m.tooLarge("allocate by weights")
		}
	}
	if total == 0 {
		return 0, fmt.Errorf("allocate by %d weights: %w", len(weights), errWeights)
	}
	return total, nil
}

// Rounding says where a result between two minor units goes. All modes are
// symmetric: −x goes where x goes. The empty mode is HalfEven, any other text
// is refused with code money.rate.
type Rounding string

// The four modes, by the digit that a result of 2.5 (and 2.4) becomes.
const (
	HalfEven Rounding = "half_even" // to the nearer, halves to the even neighbour: 2 (2)
	HalfUp   Rounding = "half_up"   // to the nearer, halves away from zero: 3 (2)
	Up       Rounding = "up"        // away from zero: 3 (3)
	Down     Rounding = "down"      // towards zero: 2 (2)
)

// maxRate bounds rates in size, maxPlaces in decimals (what [decimal.Decimal.Div]
// yields): with both, an amount times a rate stays below 2¹²⁸.
const (
	maxRate   = 1000
	maxPlaces = 16
)

// tens are the powers of ten up to maxPlaces.
var tens = [maxPlaces + 1]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16}

// MulRate is m × rate, rounded once to a minor unit. The rate may have 16
// decimals and lie within ±1,000 (code money.rate); a result that does not fit
// is money.overflow.
func (m Money) MulRate(rate decimal.Decimal, mode Rounding) (Money, error) {
	over, under, err := ratio(rate)
	if err != nil {
		return Money{}, fmt.Errorf("multiply money: %w", err)
	}
	return m.scaled(over, under, rate.Sign() < 0, mode)
}

// DivRate is m ÷ rate, rounded once to a minor unit: the net of a gross amount
// that contains 6 % tax is gross.DivRate(1.06), the tax what is left of it. It
// is refused as by [Money.MulRate], and for a rate of 0 with money.rate.
func (m Money) DivRate(rate decimal.Decimal, mode Rounding) (Money, error) {
	over, under, err := ratio(rate)
	if err == nil && over == 0 {
		err = errRate
	}
	if err != nil {
		return Money{}, fmt.Errorf("divide money: %w", err)
	}
	return m.scaled(under, over, rate.Sign() < 0, mode)
}

// ratio is the size of a rate as a fraction, its lower part a power of ten.
func ratio(rate decimal.Decimal) (over, under uint64, err error) {
	if places := -rate.Exponent(); places >= 0 && places <= maxPlaces && rate.NumDigits() <= 18 {
		over, under = magnitude(rate.CoefficientInt64()), tens[places]
		if over > maxRate*under {
			return 0, 0, errRate
		}
		return over, under, nil
	}
	rate = rate.Abs().Normalize() // zeros at the end are no decimals
	places := max(0, -int64(rate.Exponent()))
	if places > maxPlaces || int64(rate.NumDigits())+int64(rate.Exponent()) > 4 { // keeps the next step small
		return 0, 0, errRate
	}
	if rate.GreaterThan(decimal.New(maxRate, 0)) {
		return 0, 0, errRate
	}
	return rate.Shift(int32(places)).BigInt().Uint64(), tens[places], nil
}

// scaled is m × over ÷ under through a product of 128 bits.
func (m Money) scaled(over, under uint64, negative bool, mode Rounding) (Money, error) {
	if m.Absent() {
		return Money{}, fmt.Errorf("apply a rate to absent money: %w", errCurrency)
	}
	high, low := bits.Mul64(magnitude(m.minor), over)
	if high >= under {
		return Money{}, m.tooLarge("apply a rate")
	}
	whole, rest := bits.Div64(high, low, under)
	up, err := mode.up(whole, rest, under)
	if err != nil {
		return Money{}, err
	}
	if whole > math.MaxInt64 || up && whole == math.MaxInt64 {
		return Money{}, m.tooLarge("apply a rate")
	}
	if up {
		whole++
	}
	if negative != (m.minor < 0) {
		whole = -whole
	}
	return Money{minor: int64(whole), currency: m.currency}, nil
}

// up decides whether whole + rest/under, with rest < under, goes to whole + 1.
func (r Rounding) up(whole, rest, under uint64) (bool, error) {
	half := cmp.Compare(rest, under-rest)
	switch r {
	case HalfEven, "":
		return half > 0 || half == 0 && whole%2 == 1, nil
	case HalfUp:
		return half >= 0, nil
	case Up:
		return rest > 0, nil
	case Down:
		return false, nil
	}
	return false, fmt.Errorf("round by an unknown mode: %w", errRate)
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// MarshalJSON is {"amount":"12.34","currency":"CNY"}. Absent money is refused
// with code money.currency.
func (m Money) MarshalJSON() ([]byte, error) {
	if m.Absent() {
		return nil, fmt.Errorf("write absent money: %w", errCurrency)
	}
	b := m.appendAmount(append(make([]byte, 0, 56), `{"amount":"`...))
	b = append(append(b, `","currency":"`...), m.currency.String()...)
	return append(b, `"}`...), nil
}

// UnmarshalJSON reads what [Money.MarshalJSON] writes, with blanks and with the
// members in either order, and nothing else. An amount as a JSON number is
// money.number; another shape, null included, and a member that is unknown,
// missing or there twice are money.field; the texts are read as by
// [ParseMoney], so that an escape in them is refused. On error m is unchanged.
func (m *Money) UnmarshalJSON(data []byte) error {
	amount, currency, err := members(string(data))
	if err != nil {
		return fmt.Errorf("read money: %w", err)
	}
	parsed, err := ParseMoney(amount, currency)
	if err != nil {
		return err
	}
	*m = parsed
	return nil
}

// members takes {"amount":"1","currency":"CNY"} apart, mark by mark and text
// by text. A struct would take the names in any case, and the last of two.
func members(data string) (amount, currency string, err error) {
	const blanks = " \t\r\n"
	var texts [4]string
	for i, mark := range [...]string{"{", ":", ",", ":"} {
		before, text, _ := strings.Cut(data, `"`)
		before = strings.Trim(before, blanks)
		value := strings.TrimLeft(strings.TrimPrefix(before, ":"), blanks)
		if strings.IndexAny(value, "-0123456789") == 0 && (i == 0 || texts[i-1] == "amount") { //nolint:gosec // i is above 0 there
			return "", "", errNumber
		}
		if before != mark {
			return "", "", errMoneyField
		}
		texts[i], data, _ = strings.Cut(text, `"`)
	}
	switch end := strings.Trim(data, blanks); {
	case end == "}" && texts[0] == "amount" && texts[2] == "currency":
		return texts[1], texts[3], nil
	case end == "}" && texts[0] == "currency" && texts[2] == "amount":
		return texts[3], texts[1], nil
	}
	return "", "", errMoneyField
}
