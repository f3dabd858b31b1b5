package pages_test

import (
	"context"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/console"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/examples/server/pages"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/store/memory"
)

// morning is when every house opens: half past nine where the work is done.
var morning = time.Date(2030, 3, 1, 1, 30, 0, 0, time.UTC)

// house is a market behind the pages, on a clock of its own.
type house struct {
	*market.Market
	cast market.Cast
	t    *testing.T
	http http.Handler
	now  atomic.Int64 // the clock, in microseconds
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{t: t}
	h.now.Store(morning.UnixMicro())
	var err error
	h.Market, err = market.Open(memory.New(market.Kinds(), nil), &market.Options{Now: func() time.Time { return time.UnixMicro(h.now.Add(1)).UTC() }})
	require.NoError(t, err)
	h.cast, err = h.Demo(t.Context())
	require.NoError(t, err)
	s := edge.New(edge.Options{CommandsPerMinute: -1, ReadsPerMinute: -1, Who: edge.Tokens(map[string]platform.Actor{
		"operator": h.cast.Operator, "merchant": h.cast.Merchant, "customer": h.cast.Customer, "staff": h.cast.Staff,
		"another": {ID: h.Writer.NewRoot(t.Context(), "cus"), Kind: platform.Customer},
		"helper":  {ID: h.Writer.NewRoot(t.Context(), "stf"), Kind: platform.Staff},
		"rival":   {ID: h.Writer.NewRoot(t.Context(), "mer"), Kind: platform.Merchant},
	})})
	console.Mount(s, h.Market)
	pages.Mount(s, h.Market)
	h.http = s.Handler()
	return h
}

// as is a ctx in which somebody acts.
func (h *house) as(actor platform.Actor) context.Context { return platform.As(h.t.Context(), actor) }

// pass lets time go by, then ticks.
func (h *house) pass(d time.Duration) {
	h.t.Helper()
	now := time.UnixMicro(h.now.Add(d.Microseconds())).UTC()
	_, err := h.Sandbox.Tick(h.t.Context(), now, 0)
	require.NoError(h.t, err)
	_, err = h.Tick(h.t.Context(), now, 0)
	require.NoError(h.t, err)
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

// get loads a page as somebody with a browser; headers may follow.
func (h *house) get(token, path string, headers ...string) *httptest.ResponseRecorder {
	return h.do(token, httptest.NewRequest(http.MethodGet, path, nil), headers...)
}

// ok is the text of a page that must be there.
func (h *house) ok(token, path string, headers ...string) string {
	h.t.Helper()
	w := h.get(token, path, headers...)
	require.Equal(h.t, http.StatusOK, w.Code, "%s: %s", path, w.Body)
	return w.Body.String()
}

// post sends a form.
func (h *house) post(token, path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return h.do(token, r)
}

var (
	forms  = regexp.MustCompile(`(?s)<form[^>]* action="([^"]*)"[^>]*method="post".*?</form>`)
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// form is what a browser would send of the form that leads to path, before anything
// is typed or chosen: nothing is, for anybody.
func (h *house) form(page, path string) url.Values {
	h.t.Helper()
	for _, f := range forms.FindAllStringSubmatch(page, -1) {
		if html.UnescapeString(f[1]) != path {
			continue
		}
		v := url.Values{}
		for _, field := range hidden.FindAllStringSubmatch(f[0], -1) {
			v.Set(html.UnescapeString(field[1]), html.UnescapeString(field[2]))
		}
		return v
	}
	require.Failf(h.t, "no form", "none leads to %s", path)
	return nil
}

// press loads a page, fills the form that leads to action, and sends it.
func (h *house) press(token, page, action string, typed url.Values) *httptest.ResponseRecorder {
	h.t.Helper()
	in := h.form(h.ok(token, page), action)
	maps.Copy(in, typed)
	return h.post(token, action, in)
}

// led presses and follows where that leads.
func (h *house) led(token, page, action string, typed url.Values) (path, text string) {
	h.t.Helper()
	w := h.press(token, page, action, typed)
	require.Equal(h.t, http.StatusSeeOther, w.Code, "%s: %s", action, w.Body)
	path = w.Header().Get("Location")
	return path, h.ok(token, path)
}

// ordered is an order that the customer placed on the pages.
func (h *house) ordered() string {
	h.t.Helper()
	path, _ := h.led("customer", h.service()+"?quantity=1", h.service()+"/place", nil)
	return before(path)
}

// before is an address without what follows its path.
func before(address string) string {
	path, _, _ := strings.Cut(address, "?")
	return path
}

// paid is such an order, paid on its page.
func (h *house) paid() string {
	h.t.Helper()
	path := h.ordered()
	h.led("customer", path, path+"/pay", url.Values{"method": {"pm_ok"}})
	return path
}

// delivered is a paid order whose work is handed over.
func (h *house) delivered() string {
	h.t.Helper()
	path, job := h.offered()
	id := idOf(path)
	_, err := h.Dispatch.Accept(h.as(h.cast.Staff), dispatch.Accept{Assignment: idOf(job)})
	require.NoError(h.t, err)
	_, err = h.Orders.Start(h.as(h.cast.Staff), order.Start{Order: id})
	require.NoError(h.t, err)
	_, err = h.Orders.Deliver(h.as(h.cast.Staff), order.Deliver{Order: id, Proofs: h.Photo()})
	require.NoError(h.t, err)
	return path
}

func (h *house) service() string { return "/my/services/" + string(h.cast.Listing) }

func idOf(path string) platform.ID { return platform.ID(path[strings.LastIndex(path, "/")+1:]) }

// order is the record behind a page.
func (h *house) order(path string) order.Order {
	h.t.Helper()
	o, err := h.Orders.Order(h.as(h.cast.Operator), idOf(path))
	require.NoError(h.t, err)
	return o
}

// orders counts the customer's.
func (h *house) orders() int {
	h.t.Helper()
	page, err := h.Orders.Orders(h.as(h.cast.Customer), order.Query{Limit: 500})
	require.NoError(h.t, err)
	return len(page.Items)
}
