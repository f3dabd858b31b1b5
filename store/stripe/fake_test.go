package stripe_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/payment/gatewaytest"
	"github.com/liangding/platform/store/storetest"
	"github.com/liangding/platform/store/stripe"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const (
	secretKey = "sk_test_made_for_this_test"
	webhook   = "whsec_made_for_this_test"
)

// object is a resource as it goes over the wire.
type object = map[string]any

// answer is what was said under an idempotency key.
type answer struct {
	asked  string
	status int
	out    any
}

// institution is Stripe as far as the gateway sees it: it keeps books and
// idempotency keys, expires authorisations and posts signed events.
type institution struct {
	clock *storetest.Clock
	http  *httptest.Server
	gone  string          // an address where nobody listens
	pool  *http.Transport // without the one repeat that a connection in use would make under the same key

	mu       sync.Mutex
	all      map[string][]object // by collection, in order of making
	answers  map[string]answer
	faults   map[string]gatewaytest.Fault
	declines map[string]string
	letters  []gatewaytest.Letter
	made     int
	asked    []url.Values // forms of posts
	spoil    func(status int, body []byte) (int, []byte)
}

func opened(t *testing.T) *institution {
	t.Helper()
	f := &institution{
		clock: storetest.NewClock(noon), pool: &http.Transport{DisableKeepAlives: true}, all: map[string][]object{}, answers: map[string]answer{},
		faults: map[string]gatewaytest.Fault{}, declines: map[string]string{},
	}
	f.all["accounts"] = []object{opensUp(object{"id": "acct_1"}), opensUp(object{"id": "acct_2"})}
	f.http = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.http.Close)
	t.Cleanup(f.pool.CloseIdleConnections)
	dead := httptest.NewServer(nil)
	f.gone = strings.TrimPrefix(dead.URL, "http://")
	dead.Close()
	return f
}

// gateway is the adapter before this institution.
func (f *institution) gateway(change func(*stripe.Options)) *stripe.Gateway {
	opts := stripe.Options{Now: f.clock.Now, Transport: f}
	if change != nil {
		change(&opts)
	}
	return stripe.New(secretKey, []string{webhook}, &opts)
}

// RoundTrip brings requests to the fake instead of the institution.
func (f *institution) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" || r.URL.Host != "api.stripe.com" {
		return nil, fmt.Errorf("a call of %s", r.URL.Host)
	}
	there := r.Clone(r.Context())
	there.URL.Scheme, there.URL.Host = "http", strings.TrimPrefix(f.http.URL, "http://")
	if f.befalls(r, gatewaytest.NotReached) {
		there.URL.Host = f.gone
	}
	return f.pool.RoundTrip(there)
}

// befalls takes the fault that waits for a request.
func (f *institution) befalls(r *http.Request, is gatewaytest.Fault) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := r.Header.Get("Idempotency-Key")
	if key == "" || r.Method != http.MethodPost || f.faults[key] != is {
		return false
	}
	delete(f.faults, key)
	return true
}

func (f *institution) serve(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil || f.befalls(r, gatewaytest.LostBefore) {
		panic(http.ErrAbortHandler)
	}
	status, out := f.take(r, string(raw))
	switch {
	case f.befalls(r, gatewaytest.LostAfter):
		panic(http.ErrAbortHandler)
	case f.befalls(r, gatewaytest.BrokenAfter):
		status, out = problem(500, "api_error", "", nil)
	case f.befalls(r, gatewaytest.Hangs):
		<-r.Context().Done()
		return
	}
	body, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	f.mu.Lock()
	spoil := f.spoil
	f.mu.Unlock()
	if spoil != nil {
		status, body = spoil(status, body)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func problem(status int, kind, code string, more object) (int, any) {
	e := object{"type": kind, "code": code, "message": "no"}
	maps.Copy(e, more)
	return status, object{"error": e}
}

// take answers a request, once for an idempotency key.
func (f *institution) take(r *http.Request, raw string) (int, any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	form, err := url.ParseQuery(raw)
	if err != nil || r.Header.Get("Authorization") != "Bearer "+secretKey {
		return problem(401, "invalid_request_error", "", nil)
	}
	f.expire()
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/"), "/")
	if r.Method == http.MethodGet {
		return f.read(path, r)
	}
	key, asked := r.Header.Get("Idempotency-Key"), r.URL.Path+"?"+form.Encode()
	if known, ok := f.answers[key]; ok {
		if known.asked != asked {
			return problem(400, "idempotency_error", "", nil)
		}
		return known.status, known.out
	}
	f.asked = append(f.asked, form)
	status, out := f.write(path, form, r)
	if key != "" && status != http.StatusBadRequest {
		f.answers[key] = answer{asked, status, out}
	}
	return status, out
}

// expire ends authorisations of seven days, and payouts that bounce.
func (f *institution) expire() {
	for _, p := range f.all["payment_intents"] {
		if p["status"] == "requires_capture" && f.now() >= p["created"].(int64)+7*24*3600 {
			p["status"], p["cancellation_reason"] = "canceled", "automatic"
		}
	}
	for _, o := range f.all["payouts"] {
		if o["bounces"] == true && o["status"] == "paid" && f.now() >= o["created"].(int64)+36*3600 {
			o["status"], o["failure_code"] = "failed", "account_closed"
			f.move("payout_failure", o["amount"].(int64), o)
		}
	}
}

func (f *institution) now() int64 { return f.clock.Now().Unix() }

// make enters a new resource.
func (f *institution) make(collection, mark string, o object) object {
	f.made++
	o["id"], o["created"] = fmt.Sprintf("%s_%06d", mark, f.made), f.now()
	f.all[collection] = append(f.all[collection], o)
	return o
}

// move is a movement of the balance.
func (f *institution) move(kind string, amount int64, source object) {
	f.make("balance_transactions", "txn", object{
		"object": "balance_transaction", "type": kind, "amount": amount, "fee": int64(0), "net": amount, "currency": source["currency"], "source": source,
	})
}

func (f *institution) find(collection, id string) object {
	for _, o := range f.all[collection] {
		if o["id"] == id {
			return o
		}
	}
	return nil
}

func (f *institution) read(path []string, r *http.Request) (int, any) {
	q := r.URL.Query()
	switch {
	case path[0] == "accounts":
		if a := f.find("accounts", path[1]); a != nil {
			return 200, a
		}
		return problem(403, "invalid_request_error", "account_invalid", nil)
	case path[0] == "disputes":
		if d := f.find("disputes", path[1]); d != nil {
			return 200, d
		}
		return problem(404, "invalid_request_error", "resource_missing", nil)
	case len(path) == 3 && path[2] == "reversals":
		return f.list(f.all[path[1]+"/reversals"], q)
	case len(path) == 2 && path[1] == "search":
		word, text, _ := strings.Cut(strings.TrimPrefix(q.Get("query"), "metadata['"), "']:'")
		hits := slices.DeleteFunc(slices.Clone(f.all[path[0]]), func(o object) bool {
			return o["metadata"].(map[string]string)[word] != strings.TrimSuffix(text, "'")
		})
		return 200, object{"object": "search_result", "data": hits, "has_more": false}
	case len(path) == 1:
		return f.list(f.all[path[0]], q)
	}
	return problem(404, "invalid_request_error", "", nil)
}

// list is a page of what fits a query, newest first.
func (f *institution) list(all []object, q url.Values) (int, any) {
	bound := func(name string, or int64) int64 {
		if n, err := strconv.ParseInt(q.Get(name), 10, 64); err == nil {
			return n
		}
		return or
	}
	var hits []object
	after := q.Get("starting_after") != ""
	for _, o := range slices.Backward(all) {
		switch at := o["created"].(int64); {
		case after:
			after = o["id"] != q.Get("starting_after")
		case at < bound("created[gte]", 0), at >= bound("created[lt]", 1<<62):
		case q.Get("transfer_group") != "" && o["transfer_group"] != q.Get("transfer_group"):
		case q.Get("destination") != "" && o["destination"] != q.Get("destination"):
		default:
			hits = append(hits, o)
		}
	}
	size := int(bound("limit", 10))
	return 200, object{"object": "list", "data": hits[:min(size, len(hits))], "has_more": len(hits) > size, "url": "/v1/x"}
}

func words(form url.Values) map[string]string {
	all := map[string]string{}
	for name := range form {
		if word, ok := strings.CutPrefix(name, "metadata["); ok {
			all[strings.TrimSuffix(word, "]")] = form.Get(name)
		}
	}
	return all
}

func number(form url.Values, name string) int64 {
	n, _ := strconv.ParseInt(form.Get(name), 10, 64) // 0 is refused everywhere
	return n
}

func (f *institution) write(path []string, form url.Values, r *http.Request) (int, any) {
	refuse := func(code string) (int, any) { return problem(400, "invalid_request_error", code, nil) }
	var of object
	if len(path) > 1 {
		if of = f.find(path[0], path[1]); of == nil {
			return problem(404, "invalid_request_error", "resource_missing", nil)
		}
	}
	switch amount := number(form, "amount"); strings.Join(append(path[:1:1], path[min(2, len(path)):]...), "/") {
	case "payment_intents":
		if of == nil {
			return f.charge(form, r.Header.Get("Idempotency-Key"))
		}
		maps.Copy(of["metadata"].(map[string]string), words(form))
		return 200, of
	case "payment_intents/capture":
		amount = number(form, "amount_to_capture")
		if of["status"] != "requires_capture" || amount > of["amount"].(int64) {
			return refuse("payment_intent_unexpected_state")
		}
		maps.Copy(of["metadata"].(map[string]string), words(form))
		f.succeed(of, amount)
		return 200, of
	case "payment_intents/cancel":
		if of["status"] != "requires_capture" {
			return refuse("payment_intent_unexpected_state")
		}
		of["status"], of["cancellation_reason"] = "canceled", "requested_by_customer"
		return 200, of
	case "accounts":
		if form.Get("capabilities[transfers][requested]") != "true" || len(form.Get("country")) != 2 {
			return refuse("parameter_missing")
		}
		return 200, f.make("accounts", "acct", object{
			"object": "account", "capabilities": object{"transfers": "inactive"}, "payouts_enabled": false, "metadata": words(form),
			"requirements": object{"currently_due": []string{"external_account", "individual.id_number"}, "disabled_reason": "requirements.past_due"},
		})
	case "account_links":
		if f.find("accounts", form.Get("account")) == nil || form.Get("type") != "account_onboarding" || form.Get("return_url") == "" || form.Get("refresh_url") == "" {
			return refuse("account_invalid")
		}
		return 200, object{"object": "account_link", "url": "https://connect.stripe.com/setup/e/" + form.Get("account"), "created": f.now(), "expires_at": f.now() + 300}
	case "refunds":
		return f.refund(form, amount)
	case "transfers":
		return f.transfer(form, amount)
	case "transfers/reversals":
		if amount > of["amount"].(int64)-of["amount_reversed"].(int64) {
			return refuse("transfer_reversal_exceeds")
		}
		of["amount_reversed"] = of["amount_reversed"].(int64) + amount
		back := f.make(path[1]+"/reversals", "trr", object{"object": "transfer_reversal", "amount": amount, "currency": of["currency"], "transfer": of["id"], "metadata": words(form)})
		f.move("transfer_refund", amount, back)
		return 200, back
	case "disputes":
		if of["status"] != "needs_response" || form.Get("submit") != "true" || form.Get("evidence[uncategorized_text]") == "" {
			return refuse("dispute_answered")
		}
		of["status"] = "under_review"
		return 200, of
	case "disputes/close":
		of["status"] = "lost"
		return 200, of
	case "payouts":
		if amount > f.balance(form.Get("currency")) {
			return refuse("balance_insufficient")
		}
		key := r.Header.Get("Idempotency-Key")
		o := f.make("payouts", "po", object{
			"object": "payout", "amount": amount, "currency": form.Get("currency"), "status": "pending", "metadata": words(form),
			"arrival_date": f.now() + 24*3600, "bounces": f.faults[key] == gatewaytest.Bounces, "fails": f.declines[key],
		})
		f.move("payout", -amount, o)
		return 200, o
	}
	return refuse("unknown_path")
}

func (f *institution) charge(form url.Values, key string) (int, any) {
	if number(form, "amount") <= 0 || form.Get("payment_method") == "" || form.Get("confirm") != "true" || form.Get("automatic_payment_methods[enabled]") != "true" {
		return problem(400, "invalid_request_error", "parameter_missing", nil)
	}
	p := f.make("payment_intents", "pi", object{
		"object": "payment_intent", "amount": number(form, "amount"), "currency": form.Get("currency"), "capture_method": form.Get("capture_method"),
		"metadata": words(form), "transfer_group": form.Get("transfer_group"), "amount_received": int64(0), "client_secret": "pi_secret",
	})
	if code := f.declines[key]; code != "" {
		p["status"], p["last_payment_error"] = "requires_payment_method", object{"type": "card_error", "code": "card_declined", "decline_code": code}
		return problem(402, "card_error", "card_declined", object{"decline_code": code, "payment_intent": p})
	}
	switch {
	case form.Get("payment_method") == "pm_3ds":
		p["status"], p["next_action"] = "requires_action", object{"type": "redirect_to_url", "redirect_to_url": object{"url": "https://hooks.stripe.com/3ds"}}
	case p["capture_method"] == "manual":
		p["status"] = "requires_capture"
	default:
		f.succeed(p, p["amount"].(int64))
	}
	return 200, p
}

// succeed is a payment intent whose money came in.
func (f *institution) succeed(p object, amount int64) {
	p["status"], p["amount_received"] = "succeeded", amount
	charge := f.make("charges", "ch", object{"object": "charge", "amount": amount, "currency": p["currency"], "payment_intent": p["id"], "metadata": maps.Clone(p["metadata"].(map[string]string))})
	p["latest_charge"] = charge["id"]
	p["refunded"], p["handed_on"] = int64(0), int64(0)
	f.move("charge", amount, charge)
	f.post("payment_intent.succeeded", p)
}

func (f *institution) refund(form url.Values, amount int64) (int, any) {
	p := f.find("payment_intents", form.Get("payment_intent"))
	if p == nil || p["status"] != "succeeded" || p["refunded"].(int64)+amount > p["amount_received"].(int64) {
		return problem(400, "invalid_request_error", "charge_already_refunded", nil)
	}
	p["refunded"] = p["refunded"].(int64) + amount
	return 200, f.make("refunds", "re", object{"object": "refund", "amount": amount, "currency": p["currency"], "status": "pending", "payment_intent": p["id"], "metadata": words(form)})
}

func (f *institution) transfer(form url.Values, amount int64) (int, any) {
	charge := f.find("charges", form.Get("source_transaction"))
	to := f.find("accounts", form.Get("destination"))
	if charge == nil || to == nil || to["capabilities"].(object)["transfers"] != "active" || charge["currency"] != form.Get("currency") {
		return problem(400, "invalid_request_error", "resource_missing", nil)
	}
	left := charge["amount"].(int64)
	for _, t := range f.all["transfers"] {
		if t["source_transaction"] == charge["id"] {
			left -= t["amount"].(int64) - t["amount_reversed"].(int64)
		}
	}
	if amount > left {
		return problem(400, "invalid_request_error", "balance_insufficient", nil)
	}
	t := f.make("transfers", "tr", object{
		"object": "transfer", "amount": amount, "amount_reversed": int64(0), "currency": form.Get("currency"), "destination": form.Get("destination"),
		"source_transaction": charge["id"], "transfer_group": form.Get("transfer_group"), "metadata": words(form),
	})
	f.move("transfer", -amount, t)
	return 200, t
}

// opensUp is an account whose holder told all that was asked.
func opensUp(a object) object {
	a["object"], a["capabilities"], a["payouts_enabled"] = "account", object{"transfers": "active"}, true
	a["requirements"] = object{"currently_due": []string{}}
	return a
}

// object is a payer's bank taking a charge back.
func (f *institution) object(p object) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.make("disputes", "dp", object{
		"object": "dispute", "amount": p["amount"], "currency": p["currency"], "payment_intent": p, "reason": "fraudulent", "status": "needs_response",
		"evidence_details": object{"due_by": f.now() + 7*24*3600}, "metadata": map[string]string{},
	})
	f.move("adjustment", -p["amount"].(int64), d)
	f.post("charge.dispute.created", d)
	return d["id"].(string)
}

// settle makes what waits under a key end.
func (f *institution) settle(k payment.Key) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.all["accounts"] {
		if m, ok := a["metadata"].(map[string]string); ok && m["platform_key"] == string(k) {
			opensUp(a)
		}
	}
	for _, r := range f.all["refunds"] {
		if r["metadata"].(map[string]string)["platform_key"] == string(k) && r["status"] == "pending" {
			r["status"] = "succeeded"
			f.move("refund", -r["amount"].(int64), r)
			f.post("refund.updated", r)
		}
	}
	for _, o := range f.all["payouts"] {
		if o["metadata"].(map[string]string)["platform_key"] != string(k) || o["status"] != "pending" {
			continue
		}
		o["status"] = "paid"
		if o["fails"] != "" {
			o["status"], o["failure_code"] = "failed", o["fails"]
			f.move("payout_failure", o["amount"].(int64), o)
		}
	}
}

// balance is what the account has in a currency.
func (f *institution) balance(currency string) (sum int64) {
	for _, t := range f.all["balance_transactions"] {
		if t["currency"] == currency {
			sum += t["net"].(int64)
		}
	}
	return sum
}

// post is an event of the institution.
func (f *institution) post(kind string, about object) {
	f.made++
	body, err := json.Marshal(object{"id": fmt.Sprintf("evt_%06d", f.made), "object": "event", "type": kind, "created": f.now(), "data": object{"object": about}})
	if err != nil {
		panic(err)
	}
	f.letters = append(f.letters, gatewaytest.Letter{Header: signed(webhook, f.clock.Now(), body), Body: body})
}

func signed(secret string, at time.Time, body []byte) map[string][]string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(bytes.Join([][]byte{[]byte(stamp), body}, []byte(".")))
	return map[string][]string{"Stripe-Signature": {"t=" + stamp + ",v1=" + hex.EncodeToString(mac.Sum(nil)) + ",v0=00"}}
}

func (f *institution) lock(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}
