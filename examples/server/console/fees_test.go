package console_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/fee"
)

// drafted is a schedule of 5 %, with a minimum for small orders, that somebody else
// drafted.
func (h *house) drafted(by platform.Actor) fee.Schedule {
	h.t.Helper()
	s, err := h.Fees.Draft(h.as(by), fee.Draft{
		Name: "standard", Currency: h.cast.Price.Currency(), From: morning.AddDate(0, 3, 0),
		Components: []fee.Component{{Name: "commission", Tax: decimal.New(6, -2), Rules: []fee.Rule{
			{ID: "small", When: fee.Match{Kinds: []string{"service"}, Below: platform.MustMoney("100", "CNY")}, Min: platform.MustMoney("2", "CNY")},
			{ID: "all", Rate: decimal.New(5, -2)},
		}}},
	})
	require.NoError(h.t, err)
	return s
}

func TestAScheduleShowsItsRulesAndWhatItWouldMean(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.paid()
	h.paid()
	h.pass(31 * 24 * time.Hour)
	s := h.drafted(h.cast.Second)
	page := "/console/fees/" + string(s.ID)

	en := h.ok("operator", page)
	for _, text := range []string{"Draft", "service &amp; &lt; 100.00 CNY", "≥ 2.00 CNY", "5%", "6% inside", "2030-03", "36.00 CNY", "18.00 CNY", `<svg class="swings"`, `<rect class="less" x="150"`, "-18.00 CNY"} {
		assert.Contains(t, en, text)
	}
	assert.Contains(t, h.ok("auditor", page, "Accept-Language", "zh"), "按上月订单重新计价")
	assert.Equal(t, http.StatusForbidden, h.get("merchant", page).Code)
	assert.Equal(t, http.StatusNotFound, h.get("operator", "/console/fees/"+string(h.Writer.NewRoot(context.Background(), "fsc"))).Code)
}

func TestADraftIsPublishedByAnother(t *testing.T) {
	t.Parallel()
	h := open(t)
	own, other := h.drafted(h.cast.Operator), h.drafted(h.cast.Second)
	page := h.ok("operator", "/console/fees")
	assert.NotContains(t, page, "/console/fees/"+string(own.ID)+"/publish-fees")
	to := "/console/fees/" + string(other.ID) + "/publish-fees"
	sent := form(t, page, to)
	for range 2 {
		require.Equal(t, http.StatusSeeOther, h.post("operator", to, sent).Code)
	}
	assert.Equal(t, 1, h.events("fee.published"))
	assert.Contains(t, h.ok("operator", "/console/fees"), "standard-2")

	gone := "/console/fees/" + string(own.ID) + "/discard-fees"
	require.Equal(t, http.StatusSeeOther, h.post("operator", gone, form(t, h.ok("operator", "/console/fees"), gone)).Code)
	assert.Equal(t, 1, h.events("fee.discarded"))
	assert.Equal(t, http.StatusForbidden, h.post("auditor", to, sent).Code)
}
