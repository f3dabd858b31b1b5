package console_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/finance"
)

// A month is closed, asked for again and reopened by the buttons of the page.
func TestAMonthIsClosedByItsButtons(t *testing.T) {
	t.Parallel()
	s := open(t).scene()
	s.pass(72 * time.Hour)
	const page = "/console/close"
	pressed := func(token, verb string, want int, pairs ...string) {
		t.Helper()
		to := page + "/2030-02/" + verb
		in := form(t, s.ok(token, page), to)
		for i := 0; i < len(pairs); i += 2 {
			in.Set(pairs[i], pairs[i+1])
		}
		w := s.post(token, to, in)
		require.Equal(t, want, w.Code, "%s: %s", verb, w.Body)
	}

	pressed("operator", "soft-close", http.StatusSeeOther)
	pressed("operator", "hard-close", http.StatusSeeOther)
	shown := s.ok("auditor", page)
	assert.Contains(t, shown, "2030-03 <span")
	assert.Regexp(t, `<code>[0-9a-f]{64}</code>`, shown)
	in := form(t, s.ok("operator", page), page+"/2030-02/ask-reopen")
	require.Equal(t, http.StatusSeeOther, s.post("operator", page+"/2030-02/ask-reopen", in).Code)
	again := form(t, s.ok("operator", page), page+"/2030-02/reopen-month")
	w := s.post("operator", page+"/2030-02/reopen-month", again)
	assert.Equal(t, http.StatusForbidden, w.Code)
	assert.Contains(t, w.Body.String(), "close.four_eyes")

	p, err := s.Closing.Periods(s.as(s.cast.Operator))
	require.NoError(t, err)
	assert.Equal(t, finance.PeriodHardClosed, p.State("2030-02"))
}
