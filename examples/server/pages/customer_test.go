package pages_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispute"
)

// TestACustomerWalksFromTheListingToTheRating: every step on the pages alone, but for
// the work itself.
func TestACustomerWalksFromTheListingToTheRating(t *testing.T) {
	t.Parallel()
	h := open(t)

	found := h.ok("customer", "/my/services?q=WINDOW")
	assert.Contains(t, found, h.service())
	assert.NotContains(t, h.ok("customer", "/my/services?q=piano"), h.service())
	listing := h.ok("customer", h.service())
	assert.Contains(t, listing, "10 %, at most 50.00 CNY", "the terms of cancelling stand before the act")
	assert.NotContains(t, listing, "/place\"", "nothing is ordered before its price was seen")
	quote := html.UnescapeString(h.ok("customer", h.service()+"?quantity=2&start=2030-03-04T10:00"))
	assert.Contains(t, quote, "Order with obligation to pay · 360.00 CNY")

	path, text := h.led("customer", h.service()+"?quantity=2&start=2030-03-04T10:00", h.service()+"/place", url.Values{"note": {"ring twice"}})
	path, _, _ = strings.Cut(path, "?")
	assert.Contains(t, text, "To pay:")
	assert.Contains(t, text, "Mon 4 Mar 2030, 10:00", "by the clock of the place")
	assert.NotContains(t, text, "ring twice", "a note is sealed for everybody")
	assert.Equal(t, time.Date(2030, 3, 4, 2, 0, 0, 0, time.UTC), h.order(path).PlannedStart)

	_, text = h.led("customer", path, path+"/pay", url.Values{"method": {"pm_ok"}})
	assert.Contains(t, text, "Paid.")
	assert.NotContains(t, text, "To pay:")
	assert.Contains(t, text, "is being looked for")

	path = h.delivered()
	_, text = h.led("customer", path, path+"/accept", nil)
	assert.Contains(t, text, "Accepted. Thank you!")
	w := h.press("customer", path, path+"/review", nil)
	assert.Equal(t, http.StatusUnprocessableEntity, w.Code, "no rating is chosen for anybody")
	_, text = h.led("customer", path, path+"/review", url.Values{"score": {"4"}, "text": {"spotless"}})
	assert.Contains(t, text, "4 / 5")
	assert.NotContains(t, text, path+"/review", "rated once")
	assert.Contains(t, h.ok("customer", h.service()), "4 / 5")
	assert.Contains(t, h.ok("customer", "/my/orders"), path)
}

func TestAFormPressedTwiceOrdersOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	in := h.form(h.ok("customer", h.service()+"?quantity=1"), h.service()+"/place")
	places := make([]string, 8)
	var all sync.WaitGroup
	for i := range places {
		all.Go(func() { places[i] = h.post("customer", h.service()+"/place", in).Header().Get("Location") })
	}
	all.Wait()
	for _, p := range places {
		assert.Equal(t, places[0], p, "everybody is led to the one order")
	}
	assert.Equal(t, 1, h.orders())

	path, _, _ := strings.Cut(places[0], "?")
	pay := h.form(h.ok("customer", path), path+"/pay")
	pay.Set("method", "pm_ok")
	for range 2 {
		assert.Equal(t, http.StatusSeeOther, h.post("customer", path+"/pay", pay).Code)
	}
	o := h.order(path)
	assert.Equal(t, o.Total, o.Captured)
}

func TestWhatIsWrongStandsAtItsFieldAndWhatWasTypedStays(t *testing.T) {
	t.Parallel()
	h := open(t)
	wrong := h.ok("customer", h.service()+"?quantity=0&start=2030-03-04T10:00")
	assert.Regexp(t, `value="0"[^>]*aria-invalid="true" aria-describedby="quote-quantity-wrong"`, wrong)
	assert.Contains(t, wrong, `value="2030-03-04T10:00"`)
	assert.NotContains(t, wrong, "/place\"")
	past := h.press("customer", h.service()+"?quantity=1&start=2020-03-04T10:00", h.service()+"/place", nil)
	assert.Equal(t, http.StatusUnprocessableEntity, past.Code)
	assert.Contains(t, past.Body.String(), `id="quote-start-wrong"`)
	assert.Contains(t, past.Body.String(), `value="2020-03-04T10:00"`)

	long := strings.Repeat("好", 2001)
	w := h.press("customer", h.service()+"?quantity=1", h.service()+"/place", url.Values{"note": {long}})
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	assert.Contains(t, w.Body.String(), `id="place-note-wrong"`)
	assert.Contains(t, w.Body.String(), long)
	assert.Zero(t, h.orders())

	path := h.delivered()
	w = h.press("customer", path+"/dispute", path+"/dispute", url.Values{"reason": {"poor_work"}, "amount": {"12.345"}, "evidence": {"streaks everywhere"}})
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	text := w.Body.String()
	assert.Contains(t, text, `id="dispute-amount-wrong"`)
	assert.Contains(t, text, "streaks everywhere")
	assert.Contains(t, text, `value="12.345"`)
	assert.Contains(t, text, `<option value="poor_work" selected>`)
}

// TestNothingIsTickedBeforehand: no form chooses or agrees to anything for anybody.
func TestNothingIsTickedBeforehand(t *testing.T) {
	t.Parallel()
	h := open(t)
	ordered, delivered := h.ordered(), h.delivered()
	for _, path := range []string{h.service(), h.service() + "?quantity=1", ordered, ordered + "/cancel", delivered, delivered + "/dispute"} {
		page := h.ok("customer", path)
		assert.NotRegexp(t, ` (checked|selected)[ >]`, page, path)
		assert.NotRegexp(t, `<select[^>]*><option value="[^"]`, page, "the first choice of %s is none", path)
	}
}

func TestAnotherTotalThanWasSeenOrdersNothing(t *testing.T) {
	t.Parallel()
	h := open(t)
	w := h.press("customer", h.service()+"?quantity=1", h.service()+"/place", url.Values{"total": {"179.00 CNY"}})
	assert.Equal(t, http.StatusConflict, w.Code)
	assert.Contains(t, w.Body.String(), "order.price_changed")
	assert.Contains(t, w.Body.String(), "180.00 CNY", "the price as it is now")
	assert.Zero(t, h.orders())
}

func TestADeclinedCardTakesNothingAndCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	h := open(t)
	path := h.ordered()
	w := h.press("customer", path, path+"/pay", nil)
	assert.Equal(t, http.StatusUnprocessableEntity, w.Code)
	assert.Contains(t, w.Body.String(), `id="pay-method-wrong"`)
	w = h.press("customer", path, path+"/pay", url.Values{"method": {"pm_decline"}})
	assert.Equal(t, http.StatusConflict, w.Code)
	assert.Contains(t, w.Body.String(), "nothing was taken")
	again := h.form(w.Body.String(), path+"/pay")
	again.Set("method", "pm_ok")
	require.Equal(t, http.StatusSeeOther, h.post("customer", path+"/pay", again).Code, "the page that refuses has a fresh key")
	assert.Equal(t, order.Confirmed, h.order(path).State)
}

func TestABankThatIsSilentIsTold(t *testing.T) {
	t.Parallel()
	h := open(t)
	path := h.ordered()
	_, text := h.led("customer", path, path+"/pay", url.Values{"method": {"pm_timeout"}})
	assert.Contains(t, text, "has not answered yet")
	h.pass(time.Minute)
	h.pass(time.Minute)
	assert.Equal(t, order.Confirmed, h.order(path).State)
}

func TestCancellingShowsItsFeeFirstAndNeverCostsMore(t *testing.T) {
	t.Parallel()
	h := open(t)
	path := h.paid()
	page := h.ok("customer", path+"/cancel")
	assert.Contains(t, page, "54.00 CNY")
	assert.Contains(t, page, "126.00 CNY")
	w := h.press("customer", path+"/cancel", path+"/cancel", url.Values{"reason": {"changed_mind"}, "max_fee": {"10.00 CNY"}})
	assert.Equal(t, http.StatusConflict, w.Code)
	assert.Contains(t, w.Body.String(), "order.cancel_fee_changed")
	assert.Equal(t, order.Confirmed, h.order(path).State)
	_, text := h.led("customer", path+"/cancel", path+"/cancel", url.Values{"reason": {"changed_mind"}})
	assert.Contains(t, text, "Cancelled.")
	assert.Equal(t, "54.00 CNY", h.order(path).Cancellation.Fee.String())
	assert.Contains(t, h.ok("customer", path+"/cancel"), "order.not_cancellable", "the page tells why, and has no form")
}

func TestAChangeIsSeenBeforeItIsProposedAndAgreedByTheOther(t *testing.T) {
	t.Parallel()
	h := open(t)
	path := h.paid()
	assert.NotContains(t, h.ok("customer", path+"/change"), `method="post" class="stackform"`)
	nothing := h.ok("customer", path+"/change?quantity-1=1&start=")
	assert.Contains(t, nothing, "change.nothing")
	asked := path + "/change?quantity-1=2&start="
	page := h.ok("customer", asked)
	assert.Contains(t, page, "360.00 CNY")
	in := h.form(page, path+"/change")
	in.Set("reason", "more_or_less")
	require.Equal(t, http.StatusSeeOther, h.post("customer", path+"/change", in).Code)
	require.Equal(t, http.StatusSeeOther, h.post("customer", path+"/change", in).Code, "pressed twice")
	assert.NotContains(t, h.ok("customer", path), path+"/approve", "nobody agrees with themselves")
	_, text := h.led("merchant", path, path+"/approve", nil)
	assert.Contains(t, text, "Agreed.")
	page = h.ok("customer", path)
	assert.Contains(t, page, "agreed, waits for the payment")
	_, _ = h.led("customer", path, path+"/pay", url.Values{"method": {"pm_ok"}})
	h.pass(time.Minute)
	assert.Equal(t, "360.00 CNY", h.order(path).Total.String())
	require.Equal(t, http.StatusSeeOther, h.post("customer", path+"/change", in).Code, "and long after, too")
}

func TestADisputeIsHeldArguedAndSettledOnThePages(t *testing.T) {
	t.Parallel()
	h := open(t)
	path := h.delivered()
	at, text := h.led("customer", path+"/dispute", path+"/dispute", url.Values{"reason": {"poor_work"}, "amount": {"60"}, "evidence": {"streaks everywhere"}})
	at, _, _ = strings.Cut(at, "?")
	assert.Contains(t, text, "The other side has the turn")
	assert.NotContains(t, text, "streaks everywhere", "evidence is sealed")
	assert.NotContains(t, text, at+"/offer", "it is not the customer's turn")
	assert.Contains(t, h.ok("customer", path), at)
	assert.NotContains(t, h.ok("customer", path), path+"/accept\"", "accepting waits")

	w := h.press("merchant", at, at+"/offer", url.Values{"refund": {"61"}})
	assert.Equal(t, http.StatusUnprocessableEntity, w.Code, "more than is in dispute")
	assert.Contains(t, w.Body.String(), `id="offer-refund-wrong"`)
	_, _ = h.led("merchant", at, at+"/offer", url.Values{"refund": {"40"}})
	_, text = h.led("customer", at, at+"/settle", nil)
	assert.Contains(t, text, "40.00 CNY")
	d, err := h.Disputes.Dispute(h.as(h.cast.Operator), idOf(at))
	require.NoError(t, err)
	assert.Contains(t, []dispute.State{dispute.Settled, dispute.Executing, dispute.Closed}, d.State)
	assert.Contains(t, h.ok("customer", "/my/disputes"), at)
}

func TestReworkNamesWhatIsToBeDoneAgain(t *testing.T) {
	t.Parallel()
	h := open(t)
	path := h.delivered()
	w := h.press("customer", path, path+"/rework", url.Values{"reason": {"incomplete"}})
	assert.Equal(t, http.StatusUnprocessableEntity, w.Code)
	assert.Contains(t, w.Body.String(), `<option value="incomplete" selected>`)
	_, text := h.led("customer", path, path+"/rework", url.Values{"reason": {"incomplete"}, "line": {"1"}})
	assert.Contains(t, text, "Handed back")
	assert.Equal(t, order.Rework, h.order(path).State)
}

func TestMyOrdersArePaged(t *testing.T) {
	t.Parallel()
	h := open(t)
	for range 23 {
		_, err := h.Orders.Place(h.as(h.cast.Customer), order.Place{Lines: []order.PlaceLine{{Listing: h.cast.Listing, Quantity: 1}}, Total: h.cast.Price})
		require.NoError(t, err)
	}
	first := h.ok("customer", "/my/orders")
	assert.Equal(t, 20, strings.Count(first, `class="tile"`))
	next := regexp.MustCompile(`href="([^"]*)" rel="next"`).FindStringSubmatch(first)
	require.NotNil(t, next)
	second := h.ok("customer", html.UnescapeString(next[1]))
	assert.Equal(t, 3, strings.Count(second, `class="tile"`))
	assert.NotContains(t, second, `rel="next"`)
}
