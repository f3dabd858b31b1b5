package invoice

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/liangding/platform"
)

// Title is to whom an invoice is made out. It is kept only sealed.
type Title struct {
	Company bool   `json:"company,omitempty"` // a person has no tax id
	Name    string `json:"name"`
	TaxID   string `json:"tax_id,omitempty"` // of a company: its unified social credit code
}

// clean is the title as it is kept. It fails with ErrTitle and ErrTaxID, on the
// field; what was typed is not repeated.
func (t Title) clean() (Title, error) {
	t.Name, t.TaxID = strings.TrimSpace(t.Name), strings.ToUpper(strings.TrimSpace(t.TaxID))
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	if n := utf8.RuneCountInString(t.Name); n < 1 || n > 100 || !utf8.ValidString(t.Name) || strings.ContainsFunc(t.Name, hidden) {
		return Title{}, platform.Wrong("title.name", ErrTitle)
	}
	if t.Company || t.TaxID != "" {
		if err := CheckTaxID(t.TaxID); err != nil || !t.Company {
			return Title{}, platform.Wrong("title.tax_id", ErrTaxID)
		}
	}
	return t, nil
}

// creditAlphabet are the signs of a unified social credit code, by their values.
const creditAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// CheckTaxID tells whether text is a unified social credit code (统一社会信用代码,
// GB 32100-2015): 18 signs of 31, of which the last checks the others by weights
// 3ⁱ modulo 31. It finds every single wrong sign. It fails with ErrTaxID.
func CheckTaxID(text string) error {
	if len(text) != 18 {
		return fmt.Errorf("check tax id: %w", ErrTaxID)
	}
	sum, weight := 0, 1
	for i, sign := range []byte(text) {
		value := strings.IndexByte(creditAlphabet, sign)
		if value < 0 {
			return fmt.Errorf("check tax id: %w", ErrTaxID)
		}
		if i == len(text)-1 { // the check sign stands for itself
			weight = 1
		}
		sum, weight = sum+value*weight, weight*3%31
	}
	if sum%31 != 0 {
		return fmt.Errorf("check tax id: %w", ErrTaxID)
	}
	return nil
}
