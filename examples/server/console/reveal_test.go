package console_test

import (
	"maps"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/security/vault"
)

const revealsPage = "/console/reveals"

// noted is an order with a note, which its page does not show.
func (h *house) noted(note string) order.Order {
	h.t.Helper()
	o, err := h.Orders.Place(h.as(h.cast.Customer), order.Place{
		Lines: []order.PlaceLine{{Listing: h.cast.Listing, Quantity: 1}}, Total: platform.MustMoney("180.00", "CNY"), Note: note,
	})
	require.NoError(h.t, err)
	return o
}

func TestASealedFieldIsShownOnceToWhomMaySeeIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	o := h.noted("beware of <b>Rex</b>")
	page := h.ok("operator", orderPage(o))
	require.NotContains(t, page, "Rex")
	ask := form(t, page, revealsPage)
	ask.Set("field", "note")
	ask.Set("purpose", "fulfilment")
	ask.Set("reason", "unreachable")

	shown := h.post("operator", revealsPage, ask)

	require.Equal(t, http.StatusOK, shown.Code)
	assert.Equal(t, "no-store", shown.Header().Get("Cache-Control"))
	assert.Contains(t, shown.Body.String(), "beware of &lt;b&gt;Rex&lt;/b&gt;")
	assert.Equal(t, 1, h.events("vault.revealed"))
	assert.Contains(t, shown.Body.String(), "/console/audit?event=evt_")
	assert.NotContains(t, h.ok("operator", orderPage(o)), "Rex", "the next page knows nothing of it")
	chinese := h.do("operator", newPost(revealsPage, ask), "Accept-Language", "zh")
	assert.Contains(t, chinese.Body.String(), "回执")
	assert.Equal(t, 2, h.events("vault.revealed"), "each time is told")
}

func TestWhoMayNotRevealHasNoFormAndGetsNothing(t *testing.T) {
	t.Parallel()
	h := open(t)
	o := h.noted("beware of Rex")
	ask := url.Values{"record": {o.Ref().String()}, "field": {"note"}, "purpose": {"fulfilment"}, "reason": {"unreachable"}}
	for token, status := range map[string]int{"": 401, "customer": 403, "merchant": 403, "staff": 403, "auditor": 403, "admission": 403} {
		w := h.post(token, revealsPage, ask)
		assert.Equal(t, status, w.Code, token)
		assert.NotContains(t, w.Body.String(), "Rex", token)
	}
	for _, token := range []string{"auditor", "admission"} {
		assert.NotContains(t, h.ok(token, orderPage(o)), revealsPage, token)
	}
	assert.NotContains(t, h.ok("operator", orderPage(h.place(1))), revealsPage, "nothing is sealed there")
	for name, edit := range map[string]url.Values{
		"no record": {"record": {"x"}}, "no purpose": {"purpose": {""}}, "text for a code": {"reason": {"because I say so"}}, "no field": {"field": {"total"}},
	} {
		wrong := maps.Clone(ask)
		maps.Copy(wrong, edit)
		w := h.post("operator", revealsPage, wrong)
		assert.GreaterOrEqual(t, w.Code, 400, name)
		assert.NotContains(t, w.Body.String(), "Rex", name)
	}
	assert.Zero(t, h.events("vault.revealed"))

	_, err := h.Vault.Shred(h.as(h.cast.Operator), vault.Shred{Of: platform.Ref{Kind: "customer", ID: h.cast.Customer.ID}, Basis: "consent_withdrawn"})
	require.NoError(t, err)
	gone := h.post("operator", revealsPage, ask)
	assert.Equal(t, http.StatusConflict, gone.Code)
	assert.Contains(t, gone.Body.String(), "vault.shredded")
}

func TestAnApplicationsSealedFieldsAreRevealedOneByOne(t *testing.T) {
	t.Parallel()
	s := open(t).scene()
	page := s.ok("operator", "/console/applications")
	require.NotContains(t, page, "Clear Gutters Ltd")
	ask := form(t, page, revealsPage)
	ask.Set("purpose", "agreement")
	ask.Set("reason", "verification")
	for field, plain := range map[string]string{"profile.legal_name": "Clear Gutters Ltd", "profile.licence": "91310000MA1FL0AB99", "profile.contact": "post@clear-gutters.example"} {
		ask.Set("field", field)
		w := s.post("operator", revealsPage, ask)
		require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
		assert.Contains(t, w.Body.String(), plain)
	}
}
