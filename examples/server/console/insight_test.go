package console_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store/sandbox"
)

// TestThePageOfInsight: twelve customers and thirteen orders, and what may be told
// of them; in both languages, and drawn.
func TestThePageOfInsight(t *testing.T) {
	t.Parallel()
	h := open(t)
	assert.Contains(t, h.ok("operator", "/console/insight"), "Nothing happened")
	for n := range 13 {
		buyer := platform.Actor{ID: platform.NewID("cus", morning, 7, uint64(n%12)), Kind: platform.Customer}
		o, err := h.Orders.Place(h.as(buyer), order.Place{Lines: []order.PlaceLine{{Listing: h.cast.Listing, Quantity: 1}}, Total: platform.MustMoney("180.00", "CNY")})
		require.NoError(t, err)
		if n < 11 {
			_, err = h.Payments.Pay(h.as(buyer), payment.Pay{Intent: payment.IntentID(o.Ref(), "full"), Method: sandbox.OK})
			require.NoError(t, err)
		}
	}
	h.pass(time.Minute)

	for _, token := range []string{"operator", "auditor"} {
		page := h.ok(token, "/console/insight")
		for _, text := range []string{"Orders placed", `class="course"`, "84.6 %", "57.8 % – 95.7 %", "11 / 13", ": 0, n 0", "180.00 CNY", `class="changed"`, "In each cell", "/v1/insight/report/export?from=2030-01-05&amp;until=2030-03-02\"", `<td class="heat-10">11<br>0<br>`} {
			assert.Contains(t, page, text)
		}
	}
	today := morning.Format(time.DateOnly)
	tomorrow := morning.AddDate(0, 0, 1).Format(time.DateOnly)
	week := h.ok("operator", "/console/insight?from="+today+"&until="+tomorrow+"&step=week&measure=cancellation_rate", "Accept-Language", "zh")
	for _, text := range []string{"取消率", `class="range"`, "0.0 %", "数据不足"} {
		assert.Contains(t, week, text)
	}
	assert.Equal(t, 2, strings.Count(week, "<circle")+strings.Count(week, "/v1/insight/series/export"), "one point, one export")
	assert.Equal(t, http.StatusUnprocessableEntity, h.get("operator", "/console/insight?from="+tomorrow+"&until="+today).Code)
	assert.Equal(t, http.StatusUnprocessableEntity, h.get("operator", "/console/insight?from=soon&until=later").Code)
	assert.Equal(t, http.StatusForbidden, h.get("merchant", "/console/insight").Code)
}
