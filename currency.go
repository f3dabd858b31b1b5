package platform

import (
	"fmt"
	"sort"
)

// Currency is one of the ISO 4217 currencies in use that have a minor unit.
// The zero value is no currency.
//
// A Currency compares with == and is small; its number is an index of this
// build's table and must never be stored: the text form is what lasts.
type Currency uint16

// currencies is ISO 4217 table A.1 as of January 2026: each code with the
// decimals of its minor unit, sorted by code. Funds and metals without a minor
// unit (XAU, XDR, XXX and the like) are left out, and so is what was withdrawn.
const currencies = "" +
	"AED2 AFN2 ALL2 AMD2 AOA2 ARS2 AUD2 AWG2 AZN2 BAM2 BBD2 BDT2 BHD3 BIF0 BMD2 BND2 " +
	"BOB2 BOV2 BRL2 BSD2 BTN2 BWP2 BYN2 BZD2 CAD2 CDF2 CHE2 CHF2 CHW2 CLF4 CLP0 CNY2 " +
	"COP2 COU2 CRC2 CUP2 CVE2 CZK2 DJF0 DKK2 DOP2 DZD2 EGP2 ERN2 ETB2 EUR2 FJD2 FKP2 " +
	"GBP2 GEL2 GHS2 GIP2 GMD2 GNF0 GTQ2 GYD2 HKD2 HNL2 HTG2 HUF2 IDR2 ILS2 INR2 IQD3 " +
	"IRR2 ISK0 JMD2 JOD3 JPY0 KES2 KGS2 KHR2 KMF0 KPW2 KRW0 KWD3 KYD2 KZT2 LAK2 LBP2 " +
	"LKR2 LRD2 LSL2 LYD3 MAD2 MDL2 MGA2 MKD2 MMK2 MNT2 MOP2 MRU2 MUR2 MVR2 MWK2 MXN2 " +
	"MXV2 MYR2 MZN2 NAD2 NGN2 NIO2 NOK2 NPR2 NZD2 OMR3 PAB2 PEN2 PGK2 PHP2 PKR2 PLN2 " +
	"PYG0 QAR2 RON2 RSD2 RUB2 RWF0 SAR2 SBD2 SCR2 SDG2 SEK2 SGD2 SHP2 SLE2 SOS2 SRD2 " +
	"SSP2 STN2 SVC2 SYP2 SZL2 THB2 TJS2 TMT2 TND3 TOP2 TRY2 TTD2 TWD2 TZS2 UAH2 UGX0 " +
	"USD2 USN2 UYI0 UYU2 UYW4 UZS2 VED2 VES2 VND0 VUV0 WST2 XAD2 XAF0 XCD2 XCG2 XOF0 " +
	"XPF0 YER2 ZAR2 ZMW2 ZWG2 "

// entryLen is the width of one entry of the table: code, decimals, blank.
const entryLen = 5

// ParseCurrency is the currency of a three-letter upper-case code such as
// "CNY". It fails with code money.currency for a code that is unknown,
// withdrawn, or has no minor unit.
func ParseCurrency(code string) (Currency, error) {
	i := sort.Search(len(currencies)/entryLen, func(i int) bool { return Currency(i+1).String() >= code })
	c := Currency(i + 1)
	if c.String() != code {
		return 0, fmt.Errorf("parse currency %.3q: %w", code, errCurrency)
	}
	return c, nil
}

// String is the ISO 4217 code, and "" for no currency.
func (c Currency) String() string {
	if !c.known() {
		return ""
	}
	at := int(c-1) * entryLen
	return currencies[at : at+3]
}

// Exponent is the number of decimals of the minor unit, 0 to 4: 2 for CNY,
// 0 for JPY. It is 0 for no currency.
func (c Currency) Exponent() int {
	if !c.known() {
		return 0
	}
	return int(currencies[int(c-1)*entryLen+3] - '0')
}

func (c Currency) known() bool { return c > 0 && int(c) <= len(currencies)/entryLen }

// MarshalText is the code. It fails with code money.currency for no currency;
// leave that out of JSON with omitzero.
func (c Currency) MarshalText() ([]byte, error) {
	if !c.known() {
		return nil, fmt.Errorf("write currency: %w", errCurrency)
	}
	return []byte(c.String()), nil
}

// UnmarshalText is [ParseCurrency] of text; on error c is unchanged.
func (c *Currency) UnmarshalText(text []byte) error {
	parsed, err := ParseCurrency(string(text))
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}
