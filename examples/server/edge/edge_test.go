package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

type lamp struct {
	platform.Head
	Price platform.Money `json:"price"`
}

func (l lamp) Ref() platform.Ref { return platform.Ref{Kind: "lamp", ID: l.ID} }

type Buy struct {
	Lamp  platform.ID    `json:"lamp,omitempty" validate:"required,id=lmp"`
	Price platform.Money `json:"price" validate:"required,gt=0" code:"lamp.price"`
	At    time.Time      `json:"at,omitzero"`
}

const good = "lmp_01kdvdna00eajs4d2pf2dbsqqg"

var errDark = platform.Err(platform.ErrState, "lamp.dark", "the lamp is dark", "灯不亮")

func serve(t *testing.T, o Options) (http.Handler, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	o.Log = slog.New(slog.NewJSONHandler(&log, nil))
	o.Who = Tokens(map[string]platform.Actor{"letmein": {ID: "cus_01kdvdna00eajs4d2pf2dbsqqg", Kind: platform.Customer}})
	s := New(o)
	Command(s.API, Op{Path: "/v1/lamps/{id}/buy", Money: true}, func(c *Buy, id platform.ID) { c.Lamp = id }, func(_ context.Context, c Buy) (lamp, error) {
		if err := platform.Validate(c); err != nil {
			return lamp{}, err
		}
		if c.Price.Minor() == 666 {
			return lamp{}, platform.Detail(errDark, "state", "dark")
		}
		if c.Price.Minor() == 667 {
			return lamp{}, errors.New("postgres://user:secret@host is down")
		}
		return lamp{Head: platform.Head{ID: c.Lamp, Version: 3}, Price: c.Price}, nil
	})
	Show(s.API, Op{Path: "/v1/lamps/{id}"}, func(_ context.Context, id platform.ID) (lamp, error) {
		return lamp{}, platform.NotFound(platform.Ref{Kind: "lamp", ID: id})
	})
	s.Handle("GET /v1/panic", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret") }))
	return s.Handler(), &log
}

func call(h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer letmein")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestTheBorderAnswersByItsConventions(t *testing.T) {
	t.Parallel()
	price := func(amount string) string { return `{"price":{"amount":"` + amount + `","currency":"CNY"}}` }
	buy := "/v1/lamps/" + good + "/buy"
	key := []string{"Idempotency-Key", "k"}
	for name, c := range map[string]struct {
		method, path, body string
		headers            []string
		status             int
		code               string
	}{
		"done":             {"POST", buy, price("1.00"), key, 200, ""},
		"money needs key":  {"POST", buy, price("1.00"), nil, 400, "key.required"},
		"state":            {"POST", buy, price("6.66"), key, 409, "lamp.dark"},
		"no price":         {"POST", buy, ``, key, 422, "lamp.price"},
		"number as amount": {"POST", buy, `{"price":1}`, key, 422, "money.number"},
		"unknown member":   {"POST", buy, `{"colour":1}`, key, 422, "body.unknown_member"},
		"two values":       {"POST", buy, price("1.00") + "{}", key, 422, "body.malformed"},
		"too deep":         {"POST", buy, strings.Repeat("[", 40) + strings.Repeat("]", 40), key, 422, "body.malformed"},
		"too large":        {"POST", buy, `"` + strings.Repeat("x", MaxBody) + `"`, key, 413, "body.too_large"},
		"malformed id":     {"POST", "/v1/lamps/x/buy", price("1.00"), key, 422, "id.malformed"},
		"malformed tag":    {"POST", buy, price("1.00"), append([]string{"If-Match", "3"}, key...), 422, "precondition.malformed"},
		"half a tag":       {"POST", buy, price("1.00"), append([]string{"If-Match", `"3`}, key...), 422, "precondition.malformed"},
		"two tags":         {"POST", buy, price("1.00"), append([]string{"If-Match", `"3", "4"`}, key...), 422, "precondition.malformed"},
		"weakened tag":     {"POST", buy, price("1.00"), append([]string{"If-Match", `W/"3"`}, key...), 200, ""},
		"any tag":          {"POST", buy, price("1.00"), append([]string{"If-Match", `*`}, key...), 200, ""},
		"lower-case word":  {"POST", buy, price("1.00"), append([]string{"Authorization", "bearer letmein"}, key...), 200, ""},
		"other scheme":     {"POST", buy, price("1.00"), append([]string{"Authorization", "Basic letmein"}, key...), 401, "auth.required"},
		"other method":     {"DELETE", "/v1/lamps/" + good, "", nil, 405, "route.method"},
		"long address":     {"GET", "/v1/lamps/" + good + "?q=" + strings.Repeat("x", maxURL), "", nil, 414, "url.too_long"},
		"not there":        {"GET", "/v1/lamps/" + good, "", nil, 404, "lamp.not_found"},
		"no route":         {"GET", "/v1/nothing", "", nil, 404, "route.not_found"},
		"stranger":         {"GET", "/v1/lamps/" + good, "", []string{"Authorization", ""}, 401, "auth.required"},
		"bad token":        {"GET", "/v1/lamps/" + good, "", []string{"Authorization", "Bearer x"}, 401, "auth.required"},
		"other site":       {"POST", buy, price("1.00"), append([]string{"Sec-Fetch-Site", "cross-site"}, key...), 403, "auth.origin"},
		"unknown error":    {"POST", buy, price("6.67"), key, 500, "internal"},
		"panic":            {"GET", "/v1/panic", "", nil, 500, "internal"},
	} {
		h, log := serve(t, Options{})
		w := call(h, c.method, c.path, c.body, c.headers...)
		require.Equal(t, c.status, w.Code, "%s: %s", name, w.Body)
		assert.NotEmpty(t, w.Header().Get("X-Request-Id"), name)
		assert.Contains(t, log.String(), `"request":"`+w.Header().Get("X-Request-Id")+`"`, name)
		assert.NotContains(t, w.Body.String(), "secret", name)
		if c.code == "" {
			assert.Equal(t, `"3"`, w.Header().Get("ETag"))
			continue
		}
		var problem map[string]any
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &problem), name)
		assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"), name)
		assert.Equal(t, c.code, problem["code"], name)
		assert.EqualValues(t, c.status, problem["status"], name)
		assert.NotEmpty(t, problem["detail"], name)
	}
}

func TestProblemsSpeakTheCallersLanguage(t *testing.T) {
	t.Parallel()
	h, _ := serve(t, Options{})
	w := call(h, "POST", "/v1/lamps/"+good+"/buy", `{"price":{"amount":"6.66","currency":"CNY"}}`, "Idempotency-Key", "k", "Accept-Language", "zh-CN,zh;q=0.9")
	assert.JSONEq(t, `{"type":"about:blank","title":"Conflict","status":409,"detail":"灯不亮","code":"lamp.dark","state":"dark","instance":"urn:request:`+w.Header().Get("X-Request-Id")+`"}`, w.Body.String())
}

func TestAnUnknownMemberIsNamed(t *testing.T) {
	t.Parallel()
	h, _ := serve(t, Options{})
	w := call(h, "POST", "/v1/lamps/"+good+"/buy", `{"colour":1}`, "Idempotency-Key", "k")
	assert.Contains(t, w.Body.String(), `"code":"body.unknown_member","detail":"this command has no such member"`)
	assert.Contains(t, w.Body.String(), `"member":"colour"`)
}

// A body that does not fit may hold anything, so that none of it is logged.
func TestNothingOfABadBodyIsLogged(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"at":"13812345678"}`, `{"price":"13812345678"}`, `{"lamp":{"13812345678":1}}`, `{"13812345678":1}`, `"13812345678"`, `{"price":{"amount":"13812345678.1234","currency":"CNY"}}`, `{"price":{"amount":"1","currency":"13812345678"}}`} {
		h, log := serve(t, Options{})
		w := call(h, "POST", "/v1/lamps/"+good+"/buy", body, "Idempotency-Key", "k")
		assert.Equal(t, 422, w.Code, body)
		assert.Contains(t, log.String(), `"code":"`)
		assert.NotContains(t, log.String(), "13812345678", body)
	}
}

func TestAnAddressNamesItsMethods(t *testing.T) {
	t.Parallel()
	h, _ := serve(t, Options{})
	assert.Equal(t, "GET, HEAD", call(h, "PUT", "/v1/lamps/"+good, "").Header().Get("Allow"))
	assert.Equal(t, "POST", call(h, "GET", "/v1/lamps/"+good+"/buy", "").Header().Get("Allow"))
	assert.Equal(t, 401, call(h, "PUT", "/v1/lamps/"+good, "", "Authorization", "").Code, "a stranger learns nothing")
}

func TestTheLanguageIsTheOneOfGreatestWeight(t *testing.T) {
	t.Parallel()
	for accept, lang := range map[string]string{
		"": "en", "zh": "zh", "zh-CN,zh;q=0.9,en;q=0.8": "zh", "en-GB": "en", "en;q=0.5, zh;q=0.9": "zh", "fr, zh;q=0.5": "zh",
		"fr": "en", "*": "en", "zh;q=0": "en", "zh;q=x,en;q=0.1": "en", "ZH-hant": "zh", "zhuang": "en", ";;,q=1": "en",
	} {
		assert.Equal(t, lang, preferred(accept), accept)
	}
}

func TestABodyEndsInTimeAndInBounds(t *testing.T) {
	t.Parallel()
	for code, body := range map[string]io.Reader{
		"body.too_large": strings.NewReader("12345"), "body.slow": iotest.ErrReader(os.ErrDeadlineExceeded), "body.malformed": iotest.ErrReader(io.ErrUnexpectedEOF),
	} {
		_, err := Body(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", body), 4)
		assert.Equal(t, code, platform.Code(err))
	}
	assert.Equal(t, http.StatusRequestTimeout, Status(errSlow))
	body, err := Body(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader("1234")), 4)
	require.NoError(t, err)
	assert.Equal(t, "1234", string(body))
}

func TestABrowserIsRefusedByAPage(t *testing.T) {
	t.Parallel()
	html := []string{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}
	for name, c := range map[string]struct {
		path, text string
		headers    []string
		status     int
	}{
		"stranger":         {"/console/", "Open the login link", append([]string{"Authorization", ""}, html...), 401},
		"Chinese stranger": {"/console/?lang=zh", "请打开服务器启动时输出的登录链接", append([]string{"Authorization", ""}, html...), 401},
		"no such page":     {"/<script>", "there is nothing here", html, 404},
	} {
		h, _ := serve(t, Options{})
		w := call(h, "GET", c.path, "", c.headers...)
		require.Equal(t, c.status, w.Code, name)
		assert.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"), name)
		assert.Contains(t, w.Body.String(), c.text, name)
		assert.NotContains(t, w.Body.String(), "<script", name)
	}
	h, _ := serve(t, Options{})
	w := call(h, "GET", "/console/", "", "Authorization", "", "Accept", "*/*")
	assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"), "a program gets a problem")
	assert.Equal(t, 404, call(h, "GET", "/console/style.css", "", "Authorization", "").Code, "the stylesheet needs nobody")
}

func TestCallersAreLimitedEachByThemselves(t *testing.T) {
	t.Parallel()
	h, _ := serve(t, Options{ReadsPerMinute: 3})
	for range 3 {
		require.Equal(t, 404, call(h, "GET", "/v1/lamps/"+good, "").Code)
	}
	w := call(h, "GET", "/v1/lamps/"+good, "")
	require.Equal(t, 429, w.Code)
	assert.NotEmpty(t, w.Header().Get("Retry-After"))
	for range 3 {
		require.Equal(t, 401, call(h, "GET", "/v1/lamps/"+good, "", "Authorization", "").Code, "a stranger has an allowance of its own")
	}
	assert.Equal(t, 429, call(h, "GET", "/v1/lamps/"+good, "", "Authorization", "Bearer guess").Code, "guesses are counted")
}

func TestAStrangerIsAnAddress(t *testing.T) {
	t.Parallel()
	from := func(addr string) string {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = addr
		return caller(r)
	}
	assert.Equal(t, from("192.0.2.1:1"), from("[::ffff:192.0.2.1]:2"))
	assert.NotEqual(t, from("192.0.2.1:1"), from("192.0.2.2:1"))
	assert.Equal(t, from("[2001:db8::1]:1"), from("[2001:db8::ffff:2]:1"), "one household")
	assert.NotEqual(t, from("[2001:db8::1]:1"), from("[2001:db8:0:1::1]:1"))
}

func TestNoticesAreNeverTooMany(t *testing.T) {
	t.Parallel()
	h, _ := serve(t, Options{CommandsPerMinute: 1})
	for range 5 {
		assert.Equal(t, 404, call(h, "POST", Notices+"bank", "", "Authorization", "").Code)
	}
}

func TestTheLimitGivesBackWithTime(t *testing.T) {
	t.Parallel()
	l, now := newLimiter(60, 0), time.Unix(0, 0)
	for range 60 {
		require.Zero(t, l.take("a", now))
	}
	require.Equal(t, time.Second, l.take("a", now))
	require.Zero(t, l.take("b", now))
	require.Zero(t, l.take("a", now.Add(time.Second)))
	require.Positive(t, l.take("a", now.Add(time.Second)))
	require.Zero(t, l.take("b", now.Add(time.Hour)))
	assert.Len(t, l.next, 1, "callers long gone are forgotten")
}

func TestALinkLogsABrowserIn(t *testing.T) {
	t.Parallel()
	h, _ := serve(t, Options{})
	w := call(h, "GET", "/login?token=letmein", "", "Authorization", "")
	require.Equal(t, 303, w.Code)
	set := w.Header().Get("Set-Cookie")
	assert.Contains(t, set, "HttpOnly")
	assert.Contains(t, set, "SameSite=Lax")
	pair, _, _ := strings.Cut(set, ";")
	assert.Equal(t, 404, call(h, "GET", "/v1/lamps/"+good, "", "Authorization", "", "Cookie", pair).Code)
	assert.Equal(t, 401, call(h, "GET", "/login?token=wrong", "", "Authorization", "").Code)
}

func TestOverTLSTheCookieIsBoundToTheHost(t *testing.T) {
	t.Parallel()
	h, _ := serve(t, Options{})
	secure := func(path, cookie string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "https://market.example"+path, nil)
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	w := secure("/login?token=letmein", "")
	assert.Equal(t, "__Host-session=letmein; Path=/; HttpOnly; Secure; SameSite=Lax", w.Header().Get("Set-Cookie"))
	assert.NotEmpty(t, w.Header().Get("Strict-Transport-Security"))
	assert.Equal(t, 404, secure("/v1/lamps/"+good, "__Host-session=letmein").Code)
	assert.Equal(t, 401, secure("/v1/lamps/"+good, "session=letmein").Code, "another host of the site may have set it")
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"price":{"amount":"1","currency":"CNY"}}`))
	f.Add([]byte(`[[[`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var b Buy
		if err := decode(body, &b); err != nil && !errors.Is(err, platform.ErrInvalid) {
			t.Fatalf("%v is no ErrInvalid", err)
		}
	})
}
