package pages_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// paths are all pages of somebody, with records in them.
func (h *house) paths() map[string][]string {
	h.t.Helper()
	untold := h.delivered()
	h.pass(3 * time.Hour) // the one member is free again
	delivered := h.delivered()
	at, _ := h.led("customer", delivered+"/dispute", delivered+"/dispute", map[string][]string{"reason": {"damage"}, "evidence": {"a scratch"}})
	at, _, _ = strings.Cut(at, "?")
	h.pass(3 * time.Hour)
	paid, job := h.offered()
	shared := []string{"/my/orders", "/my/disputes", delivered, paid, paid + "/cancel", paid + "/change", paid + "/change?quantity-1=2", at}
	return map[string][]string{
		"customer": append([]string{"/my/services", h.service(), h.service() + "?quantity=3", untold, untold + "/dispute"}, shared...),
		"merchant": append([]string{"/my/desk", "/my/listings", "/my/orders?state=confirmed"}, shared...),
		"staff":    {"/my/jobs", job, "/my/hours"},
	}
}

func TestEveryPageReadsInBothLanguages(t *testing.T) {
	t.Parallel()
	h := open(t)
	key := regexp.MustCompile(`>\s*[a-z]+\.[a-z_]+\s*<`) // a word that is not there shows its key
	for who, all := range h.paths() {
		for _, path := range all {
			for _, lang := range []string{"en", "zh"} {
				page := h.ok(who, path, "Accept-Language", lang)
				assert.Contains(t, page, `<html lang="`+lang+`">`, path)
				assert.Empty(t, key.FindString(page), "%s in %s", path, lang)
			}
		}
	}
}

// TestEveryFieldHasALabel: by its own, or by one around it; and no id is there twice.
func TestEveryFieldHasALabel(t *testing.T) {
	t.Parallel()
	h := open(t)
	fields := regexp.MustCompile(`<(?:input|select|textarea)[^>]*>`)
	ids := regexp.MustCompile(` id="([^"]*)"`)
	for who, all := range h.paths() {
		for _, path := range all {
			page := h.ok(who, path)
			for _, field := range fields.FindAllString(page, -1) {
				if strings.Contains(field, `type="hidden"`) || strings.Contains(page, `<label class="choice">`+field) {
					continue
				}
				id := ids.FindStringSubmatch(field)
				require.NotNil(t, id, "%s of %s", field, path)
				assert.Contains(t, page, `<label for="`+id[1]+`">`, path)
			}
			seen := map[string]bool{}
			for _, id := range ids.FindAllStringSubmatch(page, -1) {
				assert.False(t, seen[id[1]], "%s twice on %s", id[1], path)
				seen[id[1]] = true
			}
			assert.Equal(t, 1, strings.Count(page, "<h1>"), path)
		}
	}
}

func TestPagesHoldNothingOfAnotherOriginToRun(t *testing.T) {
	t.Parallel()
	h := open(t)
	script := `<script src="/my/live.js" defer></script>`
	for who, all := range h.paths() {
		for _, path := range all {
			page := strings.ToLower(h.ok(who, path))
			assert.Equal(t, 1, strings.Count(page, script), path)
			for _, bad := range []string{"<script", "<style", " style=", "javascript:", " onclick"} {
				assert.NotContains(t, strings.Replace(page, script, "", 1), bad, path)
			}
		}
	}
}

// TestOthersRecordsAreNotThere: a page of another's record is one that there is not,
// and so is its form.
func TestOthersRecordsAreNotThere(t *testing.T) {
	t.Parallel()
	h := open(t)
	for who, all := range h.paths() {
		stranger := map[string]string{"customer": "another", "merchant": "rival", "staff": "helper"}[who]
		for _, path := range all {
			assert.Equal(t, http.StatusUnauthorized, h.get("", path).Code, path)
			if strings.Contains(path, "ord_") || strings.Contains(path, "dsp_") || strings.Contains(path, "asg_") {
				assert.Equal(t, http.StatusNotFound, h.get(stranger, path).Code, "%s as %s", path, stranger)
			}
			assert.NotEqual(t, http.StatusOK, h.get("operator", path).Code, path)
		}
	}
	paid := h.paid()
	in := h.form(h.ok("customer", paid+"/cancel"), paid+"/cancel")
	in.Set("reason", "changed_mind")
	assert.Equal(t, http.StatusNotFound, h.post("another", paid+"/cancel", in).Code)
	assert.NotContains(t, h.ok("another", "/my/orders"), paid)
}

func TestAFormWithoutItsKeyDoesNothing(t *testing.T) {
	t.Parallel()
	h := open(t)
	in := h.form(h.ok("customer", h.service()+"?quantity=1"), h.service()+"/place")
	in.Del("key")
	w := h.post("customer", h.service()+"/place", in)
	assert.Equal(t, http.StatusUnprocessableEntity, w.Code)
	assert.Contains(t, w.Body.String(), "form.incomplete")
	in.Set("key", "k")
	assert.Equal(t, http.StatusNotFound, h.post("customer", h.service()+"/steal", in).Code)
	other := httptest.NewRequest(http.MethodPost, h.service()+"/place", strings.NewReader(in.Encode()))
	other.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	other.Header.Set("Sec-Fetch-Site", "cross-site")
	assert.Equal(t, http.StatusForbidden, h.do("customer", other).Code, "a form of another site")
	assert.Zero(t, h.orders())
}

// TestALinkLeadsEachToTheirOwnPages: whoever logs in begins where their work is.
func TestALinkLeadsEachToTheirOwnPages(t *testing.T) {
	t.Parallel()
	h := open(t)
	for who, home := range map[string]string{"customer": "/my/", "merchant": "/my/", "staff": "/my/", "operator": "/console/"} {
		assert.Equal(t, home, h.get("", "/login?token="+who).Header().Get("Location"), who)
	}
	assert.Equal(t, "/my/services?lang=zh", h.get("customer", "/my/?lang=zh").Header().Get("Location"))
	assert.Equal(t, "/my/services", h.get("customer", "/my/").Header().Get("Location"))
	assert.Equal(t, "/my/desk", h.get("merchant", "/my/").Header().Get("Location"))
	assert.Equal(t, "/my/jobs", h.get("staff", "/my/").Header().Get("Location"))
	assert.Equal(t, "/console/", h.get("operator", "/my/").Header().Get("Location"))
}

// TestAnOrdersPageKnowsWhereItsStreamGoesOn: what comes after the last event that the
// page names is news to it.
func TestAnOrdersPageKnowsWhereItsStreamGoesOn(t *testing.T) {
	t.Parallel()
	h := open(t)
	path := h.ordered()
	last := regexp.MustCompile(`data-live="/v1/orders/[^"]*/events" data-last="(evt_[^"]*)" data-types="([^"]*)"`)
	before := last.FindStringSubmatch(h.ok("customer", path))
	require.NotNil(t, before)
	h.led("customer", path, path+"/pay", map[string][]string{"method": {"pm_ok"}})
	after := last.FindStringSubmatch(h.ok("customer", path))
	require.NotNil(t, after)
	assert.NotEqual(t, before[1], after[1])
	assert.Contains(t, before[2], "order.confirmed", "which the earlier page waits for")
}
