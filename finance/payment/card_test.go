package payment

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Card numbers in free text are found however they are grouped, and other numbers
// are left alone.
func TestCardNumbersInText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"4111111111111111":                       true,
		"card 4111 1111 1111 1111, paid":         true,
		"card 4111-1111-1111-1111 2026-03-02":    true,
		"order 7 of 4111 1111 1111 1111":         true,
		"378282246310005":                        true,
		"4111111111111112":                       false,
		"":                                       false,
		"411111111111":                           false,
		"tracking 00340434161094000000012345678": false,
		"call 010 8888 8888 or 139 0000 0000":    false,
		"x4111111111111111y":                     true,
	} {
		assert.Equal(t, want, cardIn(text), text)
	}
}

func FuzzCardIn(f *testing.F) {
	f.Add("4111 1111 1111 1111")
	f.Add("no number at all")
	f.Fuzz(func(t *testing.T, text string) {
		got := cardIn(text)
		if got && strings.IndexFunc(text, func(r rune) bool { return r >= '0' && r <= '9' }) < 0 {
			t.Fatalf("a card number without a digit in %q", text)
		}
		if !got && cardNumber(text) && strings.Trim(text, "0123456789 -") == "" {
			t.Fatalf("%q is a card number, and not in itself", text)
		}
	})
}
