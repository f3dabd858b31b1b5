package console_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order/dispute"
)

// disputed is a dispute over a delivered order that waits for an arbiter.
func (h *house) disputed() dispute.Dispute {
	h.t.Helper()
	o := h.work(h.paid())
	d, err := h.Disputes.Open(h.as(h.cast.Customer), dispute.Open{
		Order: o.ID, Amount: platform.MustMoney("100.00", "CNY"), Reason: "other", Evidence: []dispute.Exhibit{{Kind: "statement", Text: hostile}},
	})
	require.NoError(h.t, err)
	for range 3 {
		for _, who := range []platform.Actor{h.cast.Merchant, h.cast.Customer} {
			d, err = h.Disputes.Answer(h.as(who), dispute.Answer{Dispute: d.ID, Move: "contest"})
			require.NoError(h.t, err)
		}
	}
	h.pass(time.Hour)
	return d
}

func TestAnArbiterSeesTheLegsBeforeTheDecisionIsSent(t *testing.T) {
	t.Parallel()
	h := open(t)
	d := h.disputed()
	at := "/console/disputes/" + string(d.ID)
	for path, texts := range map[string][2][]string{
		"/console/disputes":                       {{"Arbitration", "100.00 CNY", "Arbiter", `class="clock"`}, {"待仲裁", "仲裁人"}},
		at:                                        {{"Turns and evidence", "contested", "Statement", "Show the legs"}, {"往来与证据", "反驳", "陈述"}},
		at + "?refund=60.00&fault=merchant":       {{"40.00 CNY", "Escrow", "Decide"}, {"放款", "托管", "裁决"}},
		at + "?refund=100.01":                     {{"dispute.legs"}, {"须等于冻结金额"}},
		at + "?refund=x":                          {{"money."}, {"money."}},
		"/console/disputes?state=customer_turn":   {{"None."}, {"无。"}},
		"/console/disputes?state=no+such+state":   {{"Arbitration"}, {"待仲裁"}},
		at + "?refund=60.00&compensation=999.00":  {{"dispute.cap"}, {"规则上限"}},
		at + "?refund=60.00&penalty=10.00":        {{"Penalty", "10.00 CNY"}, {"违约金"}},
		"/console/disputes?state=merchant_turn&x": {{"None."}, {"无。"}},
	} {
		for i, lang := range []string{"en", "zh"} {
			body := h.ok("operator", path, "Accept-Language", lang)
			for _, text := range texts[i] {
				assert.Contains(t, body, text, path)
			}
			assert.NotContains(t, body, "<script>")
		}
	}

	to := at + "/decide-dispute"
	sent := form(t, h.ok("operator", at+"?refund=60.00&fault=merchant"), to)
	sent.Set("reason", "evidence")
	for range 2 {
		require.Equal(t, http.StatusSeeOther, h.post("operator", to, sent).Code)
	}
	after, err := h.Disputes.Dispute(h.as(h.cast.Operator), d.ID)
	require.NoError(t, err)
	assert.Equal(t, dispute.Decided, after.State)
	assert.Contains(t, h.ok("operator", at), "By an arbiter")
}
