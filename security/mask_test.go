package security_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/liangding/platform/security"
)

func TestMasksShowWhatTheirViewAllows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ view, plain, want string }{
		{security.Full, "13812345678", "13812345678"},
		{security.Tail4, "13812345678", "*******5678"},
		{security.Tail4, "12345678", "****5678"},
		{security.Tail4, "1234567", "*******"},
		{security.Tail4, "", ""},
		{security.Surname, "王小明", "王**"},
		{security.Surname, "王", "*"},
		{security.Surname, "", ""},
		{security.None, "王小明", ""},
		{"", "王小明", ""},
		{"FULL", "王小明", ""},
		{security.Tail4, "\xff\xfe", "**"},
	} {
		assert.Equal(t, c.want, security.Mask(c.view, c.plain, []byte("k")), "%s of %q", c.view, c.plain)
	}
}

func TestAHashNeedsItsKey(t *testing.T) {
	t.Parallel()
	one := security.Mask(security.Hash, "13812345678", []byte("one"))

	assert.Len(t, one, 64)
	assert.Equal(t, one, security.Mask(security.Hash, "13812345678", []byte("one")))
	assert.NotEqual(t, one, security.Mask(security.Hash, "13812345678", []byte("two")))
	assert.NotEqual(t, one, security.Mask(security.Hash, "13812345679", []byte("one")))
	assert.Empty(t, security.Mask(security.Hash, "13812345678", nil))
}

// TestNoMaskShowsMoreThanHalf of eight characters or more, but the full view.
func TestNoMaskShowsMoreThanHalf(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.StringMatching(`[a-z0-9王小明]{8,40}`).Draw(t, "plain")
		view := rapid.SampledFrom([]string{security.Tail4, security.Surname, security.None}).Draw(t, "view")
		shown := strings.ReplaceAll(security.Mask(view, plain, nil), "*", "")
		assert.LessOrEqual(t, 2*len([]rune(shown)), len([]rune(plain)))
	})
}
