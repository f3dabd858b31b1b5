package security_test

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/liangding/platform/security"
)

func TestCanariesAreFoundInEveryForm(t *testing.T) {
	t.Parallel()
	const canary = "Wang Xiaoming 13812345678"
	birds := security.Canaries{canary, "王小明"}
	for _, around := range []string{"", "x", "xy", "xyz", "\xff\x00"} {
		text := around + canary + around
		for _, out := range []string{
			text, strings.ToUpper(hex.EncodeToString([]byte(text))), hex.EncodeToString([]byte(text)),
			base64.StdEncoding.EncodeToString([]byte(text)), base64.RawURLEncoding.EncodeToString([]byte(text)),
		} {
			assert.NotEmpty(t, birds.In([]byte("…"+out+"…")), out)
		}
	}
	assert.NotEmpty(t, birds.In([]byte(`{"name":"\u738b\u5c0f\u660e"}`)))
	assert.NotEmpty(t, birds.In([]byte(base64.StdEncoding.EncodeToString([]byte("a王小明b")))))
	assert.Empty(t, birds.In([]byte("Wang Xiaoming 1381234567, 王小")))
}
