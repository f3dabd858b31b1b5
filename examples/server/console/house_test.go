package console_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/console"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/risk"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
)

// morning is when every house opens.
var morning = time.Date(2030, 3, 1, 1, 30, 0, 0, time.UTC)

// house is a market behind the console, on a clock of its own.
type house struct {
	*market.Market
	cast market.Cast

	supervisor platform.Actor
	t          *testing.T
	http       http.Handler
	now        atomic.Int64 // the clock, in microseconds
}

func open(t *testing.T) *house {
	t.Helper()
	return openAfter(t, nil)
}

// openAfter opens a house whose audit log was signed before, by another.
func openAfter(t *testing.T, last audit.Last) *house {
	t.Helper()
	return openIn(t, last, "")
}

// openIn opens a house in a funds mode.
func openIn(t *testing.T, last audit.Last, funds payment.FundsMode) *house {
	t.Helper()
	h := &house{t: t}
	h.now.Store(morning.UnixMicro())
	var err error
	h.Market, err = market.Open(memory.New(market.Kinds(), nil), &market.Options{
		Last: last, Payment: payment.Options{Funds: funds},
		Now: func() time.Time { return time.UnixMicro(h.now.Add(1)).UTC() },
		Risk: &risk.Options{Indicators: []risk.Indicator{{
			Name: "orders placed", Metric: "order.placed", Owner: "service", Direction: risk.Above, For: new(time.Duration),
			Warn: risk.Bound{Fire: decimal.NewFromInt(1)}, Instruction: "look at the <b>queue</b>",
		}}},
	})
	require.NoError(t, err)
	h.cast, err = h.Demo(t.Context())
	require.NoError(t, err)
	require.NoError(t, h.DemoBudget(t.Context(), h.cast))
	h.supervisor, err = h.DemoSupervision(t.Context(), h.cast)
	require.NoError(t, err)
	s := edge.New(edge.Options{CommandsPerMinute: -1, ReadsPerMinute: -1, Who: edge.Tokens(map[string]platform.Actor{
		"operator": h.cast.Operator, "second": h.cast.Second, "merchant": h.cast.Merchant, "customer": h.cast.Customer, "staff": h.cast.Staff, "supervisor": h.supervisor,
		"auditor":   {ID: "aud_01kdvdna00eajs4d2pf2dbsqqg", Kind: platform.Auditor},
		"admission": {ID: "opr_01kdvdna00eajs4d2pf2dbsqqg", Kind: platform.Operator, Roles: []string{"admission"}},
	})})
	console.Mount(s, h.Market)
	h.http = s.Handler()
	return h
}

// as is a ctx in which somebody acts.
func (h *house) as(actor platform.Actor) context.Context { return platform.As(h.t.Context(), actor) }

// pass lets time go by, then ticks.
func (h *house) pass(d time.Duration) {
	h.t.Helper()
	now := time.UnixMicro(h.now.Add(d.Microseconds())).UTC()
	_, err := h.Tick(h.t.Context(), now, 0)
	require.NoError(h.t, err)
}

// place places an order of so many visits.
func (h *house) place(visits int64) order.Order {
	h.t.Helper()
	q, err := h.Orders.Place(h.as(h.cast.Customer), order.Place{
		Lines: []order.PlaceLine{{Listing: h.cast.Listing, Quantity: visits}},
		Total: platform.MustMoney(decimal.NewFromInt(180*visits).StringFixed(2), "CNY"),
	})
	require.NoError(h.t, err)
	return q
}

// pay pays for an order by a token of the sandbox.
func (h *house) pay(o order.Order, method string) order.Order {
	h.t.Helper()
	_, err := h.Payments.Pay(h.as(h.cast.Customer), payment.Pay{Intent: payment.IntentID(o.Ref(), "full"), Method: method})
	require.NoError(h.t, err)
	return h.again(o)
}

func (h *house) paid() order.Order { h.t.Helper(); return h.pay(h.place(1), sandbox.OK) }

// again is the order as it is now.
func (h *house) again(o order.Order) order.Order {
	h.t.Helper()
	o, err := h.Orders.Order(h.as(h.cast.Operator), o.ID)
	require.NoError(h.t, err)
	return o
}

// work brings a paid order to its delivery.
func (h *house) work(o order.Order) order.Order {
	h.t.Helper()
	d, err := h.Dispatch.DispatchOrder(h.as(h.cast.Operator), dispatch.DispatchOrder{Order: o.ID})
	require.NoError(h.t, err)
	require.Len(h.t, d.Offers, 1)
	_, err = h.Dispatch.Accept(h.as(h.cast.Staff), dispatch.Accept{Assignment: d.Offers[0].ID})
	require.NoError(h.t, err)
	_, err = h.Orders.Start(h.as(h.cast.Staff), order.Start{Order: o.ID})
	require.NoError(h.t, err)
	o, err = h.Orders.Deliver(h.as(h.cast.Staff), order.Deliver{Order: o.ID, Proofs: h.Photo()})
	require.NoError(h.t, err)
	return o
}

// refund asks for money back of an order.
func (h *house) refund(o order.Order, amount string) order.Refund {
	h.t.Helper()
	r, err := h.Orders.RequestRefund(h.as(h.cast.Customer), order.RequestRefund{Order: o.ID, Amount: platform.MustMoney(amount, "CNY"), Reason: "late"})
	require.NoError(h.t, err)
	return r
}

// events counts the events of a type.
func (h *house) events(what string) int {
	h.t.Helper()
	page, err := platform.List[platform.Event](h.t.Context(), h.DB, platform.Query{Kind: "event", By: []string{"type", "id"}, Equal: []any{what}, Limit: 500})
	require.NoError(h.t, err)
	return len(page.Items)
}

// get loads a page as somebody with a browser; headers may follow.
func (h *house) get(token, path string, headers ...string) *httptest.ResponseRecorder {
	return h.do(token, httptest.NewRequest(http.MethodGet, path, nil), headers...)
}

// post sends a form.
func (h *house) post(token, path string, form url.Values) *httptest.ResponseRecorder {
	return h.do(token, newPost(path, form))
}

func newPost(path string, form url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func (h *house) do(token string, r *http.Request, headers ...string) *httptest.ResponseRecorder {
	r.Header.Set("Accept", "text/html,*/*;q=0.8")
	if token != "" {
		r.AddCookie(&http.Cookie{Name: "session", Value: token})
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.http.ServeHTTP(w, r)
	return w
}

// ok is the text of a page that must be there.
func (h *house) ok(token, path string, headers ...string) string {
	h.t.Helper()
	w := h.get(token, path, headers...)
	require.Equal(h.t, http.StatusOK, w.Code, "%s: %s", path, w.Body)
	return w.Body.String()
}

var (
	forms  = regexp.MustCompile(`(?s)<form[^>]* action="([^"]*)"[^>]*method="post".*?</form>`)
	titles = regexp.MustCompile(`event=evt_[a-z0-9]+" title="([^"]*)">([^<]*)<`)
	fields = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"|<option value="([^"]*)"`)
)

// form is what a browser would send of the first form that leads to path: its
// hidden fields and the first choice.
func form(t *testing.T, html, path string) url.Values {
	t.Helper()
	for _, f := range forms.FindAllStringSubmatch(html, -1) {
		if f[1] != path {
			continue
		}
		v := url.Values{}
		for _, field := range fields.FindAllStringSubmatch(f[0], -1) {
			switch {
			case field[1] != "":
				v.Set(field[1], field[2])
			case !v.Has("reason"):
				v.Set("reason", field[3])
			}
		}
		return v
	}
	require.Failf(t, "no form", "none leads to %s", path)
	return nil
}
