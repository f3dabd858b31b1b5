package console_test

import (
	"html"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/security/audit"
)

// TestAForkIsAnsweredForByAnOperator who has seen what is signed and what found.
func TestAForkIsAnsweredForByAnOperator(t *testing.T) {
	t.Parallel()
	last := audit.File(filepath.Join(t.TempDir(), "head"))
	require.NoError(t, last.Keep(audit.Head{Size: 10_000, Root: [32]byte{1}}))
	h := openAfter(t, last)
	h.paid()
	require.ErrorIs(t, h.Relay(t.Context()), audit.ErrFork)

	const path = "/console/audit/market.example/answer"
	for lang, texts := range map[string][]string{
		"en": {"Nothing is signed until an operator answers for it", "10000 events", "The log is another than was signed"},
		"zh": {"在运营人员负责确认之前不再签署", "10000 个事件", "日志与已签署的不一致"},
	} {
		page := h.ok("auditor", "/console/audit", "Accept-Language", lang)
		for _, text := range texts {
			assert.Contains(t, page, text)
		}
		assert.NotContains(t, page, path, "who reads has no button")
		assert.NotContains(t, h.ok("admission", "/console/audit"), path, "nor who has another role")
	}
	seen := form(t, h.ok("operator", "/console/audit"), path)
	seen.Set("fork", html.UnescapeString(seen.Get("fork")))
	assert.Equal(t, "restored_backup", seen.Get("reason"))
	assert.Equal(t, http.StatusForbidden, h.post("auditor", path, seen).Code)
	assert.Equal(t, http.StatusForbidden, h.post("admission", path, seen).Code)
	other := form(t, h.ok("operator", "/console/audit"), path)
	other.Set("fork", "{")
	assert.Contains(t, h.post("operator", path, other).Body.String(), "form.incomplete")

	require.Equal(t, http.StatusSeeOther, h.post("operator", path, seen).Code)
	require.Equal(t, http.StatusSeeOther, h.post("operator", path, seen).Code, "pressed twice")
	require.NoError(t, h.Relay(t.Context()))
	page := h.ok("auditor", "/console/audit?done=answer")
	assert.Contains(t, page, "stays on record")
	assert.NotContains(t, page, "Nothing is signed")
	assert.Contains(t, page, "Latest signed checkpoint")
	assert.Contains(t, page, "A backup was restored")
	assert.Equal(t, 1, h.events("audit.fork_acknowledged"))
	seen.Set("key", "another")
	again := h.post("operator", path, seen)
	assert.Equal(t, http.StatusConflict, again.Code)
	assert.Contains(t, again.Body.String(), "audit.not_forked")
}
