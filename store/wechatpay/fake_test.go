package wechatpay_test

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment/gatewaytest"
	"github.com/liangding/platform/store/storetest"
	"github.com/liangding/platform/store/wechatpay"
)

var noon = time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC) // in Beijing

var beijing = time.FixedZone("UTC+8", 8*60*60)

const (
	merchantID = "1900000109"
	subID      = "1900000309"
	ownerID    = "mer_01kdvdna00eajs4d2pf2dbsqqg"
	appID      = "wxd678efh567hg6787"
	serialOfM  = "7132D72A03E93CDDF8C03BBD1F37EEDF"
	pubKeyID   = "PUB_KEY_ID_0119000001092026030200"
)

var secret = []byte("0123456789abcdef0123456789abcdef")

// keys are made once: of the merchant, two of the institution, and a stranger's.
var keys = sync.OnceValue(func() (all [4]*rsa.PrivateKey) {
	for i := range all {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		all[i] = key
	}
	return all
})

// signer is a key of the institution by its serial.
type signer struct {
	serial string
	key    *rsa.PrivateKey
	cert   string // PEM; empty of a public key
}

// certified is a platform certificate of a key.
func certified(number int64, key *rsa.PrivateKey, from, until time.Time) signer {
	template := &x509.Certificate{SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: "Tenpay.com Root CA"}, NotBefore: from, NotAfter: until}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return signer{fmt.Sprintf("%X", number), key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))}
}

// order, refund, sharing and back are the institution's own books.
type order struct {
	no, id, state, body string
	total               int64
	refunded, shared    int64
	splittable, ended   bool
	expires             time.Time
}

type refund struct {
	no, id, order, state string
	amount               int64
}

type share struct {
	Type    string `json:"type"`
	Account string `json:"account"`
	Amount  int64  `json:"amount"`
	Result  string `json:"result"`
	Reason  string `json:"fail_reason,omitempty"`
	back    int64
}

type sharing struct {
	no, id, order, state, body string
	shares                     []*share
	final                      bool
}

type back struct {
	no, id, of, result, body string
	amount                   int64
	from                     *share
}

type movement struct {
	at                   time.Time
	id, what, no, remark string
	fen                  int64
}

// institution is WeChat Pay as far as the gateway sees it: it keeps books, checks
// every request's signature, signs every answer and posts sealed notices.
type institution struct {
	t     *testing.T
	clock *storetest.Clock
	http  *httptest.Server
	gone  string // an address where nobody listens

	mu        sync.Mutex
	signer    signer
	certs     []signer
	fee       int64 // of a charge, per 1,000
	orders    map[string]*order
	refunds   map[string]*refund
	sharings  map[string]*sharing
	returns   map[string]*back
	receivers map[string]string // account to sealed name
	faults    map[string]gatewaytest.Fault
	declines  map[string]string
	seen      map[string]bool // nonces
	flow      []movement
	letters   []gatewaytest.Letter
	files     map[string][]byte
	asked     []string // method and path
	made      int
	sub       string                                                          // the merchant is a provider, and this its sub-merchant
	spoil     func(status int, header http.Header, body []byte) (int, []byte) // what goes over the wire instead
}

func opened(t *testing.T) *institution {
	t.Helper()
	f := &institution{
		t: t, clock: storetest.NewClock(noon), orders: map[string]*order{}, refunds: map[string]*refund{}, sharings: map[string]*sharing{},
		returns: map[string]*back{}, receivers: map[string]string{}, faults: map[string]gatewaytest.Fault{}, declines: map[string]string{},
		seen: map[string]bool{}, files: map[string][]byte{},
	}
	cert := certified(0x5157F09EFDC096D, keys()[1], noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0))
	f.signer, f.certs = cert, []signer{cert}
	f.http = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.http.Close)
	dead := httptest.NewServer(nil)
	f.gone = strings.TrimPrefix(dead.URL, "http://")
	dead.Close()
	return f
}

// gateway is the adapter before this institution.
func (f *institution) gateway(change func(*wechatpay.Merchant, *wechatpay.Options)) *wechatpay.Gateway {
	f.t.Helper()
	m := wechatpay.Merchant{ID: merchantID, App: appID, Serial: serialOfM, Signer: keys()[0], Notify: "https://example.org/notify", Secrets: [][]byte{secret}}
	pool := &http.Transport{}
	f.t.Cleanup(pool.CloseIdleConnections)
	opts := wechatpay.Options{Now: f.clock.Now, Transport: wire{f, pool}, Split: true}
	if change != nil {
		change(&m, &opts)
	}
	g, err := wechatpay.New(m, &opts)
	require.NoError(f.t, err)
	return g
}

// partner is the adapter of a sub-merchant's provider.
func (f *institution) partner() wechatpay.Partner {
	f.t.Helper()
	f.sub = subID
	m := wechatpay.Merchant{ID: merchantID, App: appID, Serial: serialOfM, Signer: keys()[0], Notify: "https://example.org/notify", Secrets: [][]byte{secret}}
	pool := &http.Transport{}
	f.t.Cleanup(pool.CloseIdleConnections)
	g, err := wechatpay.NewPartner(m, subID, ownerID, &wechatpay.Options{Name: "wechatpay-sub", Now: f.clock.Now, Transport: wire{f, pool}, Split: true})
	require.NoError(f.t, err)
	return g
}

// owned fills in whose a document is.
func (f *institution) owned(d map[string]any) map[string]any {
	if f.sub == "" {
		d["mchid"], d["appid"] = merchantID, appID
		return d
	}
	d["sp_mchid"], d["sp_appid"], d["sub_mchid"] = merchantID, appID, f.sub
	return d
}

// theirs tells whether a request names the sub-merchant, if there is one, and where
// charges are made for it.
func (f *institution) theirs(r *http.Request, path string, body []byte) bool {
	var in struct {
		Sub string `json:"sub_mchid"`
	}
	_ = json.Unmarshal(body, &in) // no document names nobody
	named := in.Sub + r.URL.Query().Get("sub_mchid")
	partner := strings.HasPrefix(path, "pay/partner/")
	charges := strings.HasPrefix(path, "pay/")
	plain := path == "certificates" || strings.HasPrefix(path, "bill")
	return plain || named == f.sub && (!charges || partner == (f.sub != ""))
}

// wire brings requests to the fake instead of the institution.
type wire struct {
	to   *institution
	pool *http.Transport
}

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" || r.URL.Host != "api.mch.weixin.qq.com" && r.URL.Host != "api2.mch.weixin.qq.com" {
		return nil, fmt.Errorf("a call of %s", r.URL.Host)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	there := r.Clone(r.Context())
	there.Body = io.NopCloser(bytes.NewReader(body))
	there.URL.Scheme, there.URL.Host = "http", strings.TrimPrefix(w.to.http.URL, "http://")
	if r.Method == http.MethodPost && w.to.takeFault(numberOf(r.URL.Path, body), gatewaytest.NotReached) {
		there.URL.Host = w.to.gone
	}
	return w.pool.RoundTrip(there)
}

// numberOf is the number of the operation that a request is about.
func numberOf(path string, body []byte) string {
	var in map[string]any
	_ = json.Unmarshal(body, &in) // no document, no number
	name := "out_trade_no"
	switch {
	case strings.Contains(path, "refund"):
		name = "out_refund_no"
	case strings.Contains(path, "return-orders"):
		name = "out_return_no"
	case strings.Contains(path, "profitsharing/orders"):
		name = "out_order_no"
	}
	text, _ := in[name].(string)
	return text
}

func (f *institution) takeFault(number string, is ...gatewaytest.Fault) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Contains(is, f.faults[number]) {
		return false
	}
	delete(f.faults, number)
	return true
}

func (f *institution) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	no := ""
	if r.Method == http.MethodPost {
		no = numberOf(r.URL.Path, body)
	}
	if f.takeFault(no, gatewaytest.LostBefore) {
		panic(http.ErrAbortHandler)
	}
	status, answer := f.take(r, body)
	switch {
	case f.takeFault(no, gatewaytest.LostAfter):
		panic(http.ErrAbortHandler)
	case f.takeFault(no, gatewaytest.BrokenAfter):
		w.WriteHeader(http.StatusBadGateway)
		return
	case f.takeFault(no, gatewaytest.Hangs):
		<-r.Context().Done()
		return
	}
	f.mu.Lock()
	header, spoil := f.sign(answer), f.spoil
	f.mu.Unlock()
	if strings.HasPrefix(r.URL.Path, "/v3/billdownload/") {
		header = http.Header{}
	}
	if spoil != nil {
		status, answer = spoil(status, header, answer)
	}
	maps.Copy(w.Header(), header)
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

var authorization = regexp.MustCompile(`^WECHATPAY2-SHA256-RSA2048 mchid="(\w+)",nonce_str="(\w+)",signature="([^"]+)",timestamp="(\d+)",serial_no="(\w+)"$`)

// take checks who asks, and does it.
func (f *institution) take(r *http.Request, body []byte) (int, []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, r.Method+" "+r.URL.Path)
	part := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if part == nil || part[1] != merchantID || part[5] != serialOfM {
		return refused(401, "SIGN_ERROR")
	}
	signature, _ := base64.StdEncoding.DecodeString(part[3])
	sum := sha256.Sum256([]byte(r.Method + "\n" + r.URL.RequestURI() + "\n" + part[4] + "\n" + part[2] + "\n" + string(body) + "\n"))
	seconds, _ := strconv.ParseInt(part[4], 10, 64)
	age := f.clock.Now().Sub(time.Unix(seconds, 0)).Abs()
	if rsa.VerifyPKCS1v15(&keys()[0].PublicKey, crypto.SHA256, sum[:], signature) != nil || age > 5*time.Minute || f.seen[part[2]] {
		return refused(401, "SIGN_ERROR")
	}
	f.seen[part[2]] = true
	status, out := f.route(r, body)
	if raw, ok := out.([]byte); ok {
		return status, raw
	}
	if out == nil {
		return status, nil
	}
	raw, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	return status, raw
}

func refused(status int, code string) (int, []byte) {
	return status, []byte(`{"code":"` + code + `","message":"no"}`)
}

func no(status int, code string) (int, any) {
	return status, map[string]string{"code": code, "message": "no"}
}

func (f *institution) route(r *http.Request, body []byte) (int, any) {
	path := strings.TrimPrefix(r.URL.Path, "/v3/")
	if !f.theirs(r, path, body) {
		return no(400, "PARAM_ERROR")
	}
	path = strings.Replace(path, "pay/partner/", "pay/", 1)
	last := path[strings.LastIndex(path, "/")+1:]
	if code := f.declines[numberOf(r.URL.Path, body)]; r.Method == http.MethodPost && code != "" {
		return no(403, code)
	}
	switch {
	case path == "certificates":
		return 200, f.certificates()
	case path == "pay/transactions/native", path == "pay/transactions/jsapi":
		return f.prepay(last, body)
	case strings.HasSuffix(path, "/close"):
		return f.shut(strings.Split(path, "/")[3])
	case strings.HasPrefix(path, "pay/transactions/"):
		return f.order(last, r.URL.Query().Get("mchid")+r.URL.Query().Get("sp_mchid"))
	case path == "refund/domestic/refunds":
		return f.refund(body)
	case strings.HasPrefix(path, "refund/domestic/refunds/"):
		if known := f.refunds[last]; known != nil {
			return 200, known.document("status")
		}
		return no(404, "RESOURCE_NOT_EXISTS")
	case path == "profitsharing/receivers/add":
		return f.receiver(body)
	case path == "profitsharing/orders", path == "profitsharing/orders/unfreeze":
		return f.share(body, last == "unfreeze")
	case strings.HasPrefix(path, "profitsharing/orders/"):
		if known := f.sharings[last]; known != nil && known.order == r.URL.Query().Get("transaction_id") {
			return 200, known.document()
		}
		return no(404, "RESOURCE_NOT_EXISTS")
	case path == "profitsharing/return-orders":
		return f.giveBack(body)
	case strings.HasPrefix(path, "profitsharing/return-orders/"):
		if known := f.returns[last]; known != nil && known.of == r.URL.Query().Get("out_order_no") {
			return 200, known.document()
		}
		return no(404, "RESOURCE_NOT_EXISTS")
	case path == "bill/fundflowbill", path == "bill/tradebill":
		return f.bill(r.URL.Query().Get("bill_date"))
	case path == "billdownload/file":
		return 200, f.files[r.URL.Query().Get("token")]
	}
	return no(404, "NOT_FOUND")
}

func (f *institution) id(mark string) string {
	f.made++
	return fmt.Sprintf("%s%025d", mark, f.made)
}

func (f *institution) certificates() any {
	var data []map[string]any
	for _, c := range f.certs {
		data = append(data, map[string]any{"serial_no": c.serial, "encrypt_certificate": sealed([]byte(c.cert), "certificate", "")})
	}
	return map[string]any{"data": data}
}

// sealed is a resource under the merchant's APIv3 key.
func sealed(plain []byte, associated, kind string) map[string]string {
	block, err := aes.NewCipher(secret)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	nonce := text(6)
	return map[string]string{
		"algorithm": "AEAD_AES_256_GCM", "nonce": nonce, "associated_data": associated, "original_type": kind,
		"ciphertext": base64.StdEncoding.EncodeToString(aead.Seal(nil, []byte(nonce), plain, []byte(associated))),
	}
}

func text(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// sign is the header of what the institution says.
func (f *institution) sign(body []byte) http.Header {
	at, nonce := strconv.FormatInt(f.clock.Now().Unix(), 10), text(16)
	sum := sha256.Sum256([]byte(at + "\n" + nonce + "\n" + string(body) + "\n"))
	signature, err := rsa.SignPKCS1v15(rand.Reader, f.signer.key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return http.Header{
		"Wechatpay-Timestamp": {at}, "Wechatpay-Nonce": {nonce}, "Wechatpay-Serial": {f.signer.serial},
		"Wechatpay-Signature": {base64.StdEncoding.EncodeToString(signature)},
	}
}

func (f *institution) prepay(how string, body []byte) (int, any) {
	var in struct {
		App        string `json:"appid"`
		Merchant   string `json:"mchid"`
		ByApp      string `json:"sp_appid"`
		By         string `json:"sp_mchid"`
		About      string `json:"description"`
		Number     string `json:"out_trade_no"`
		Expires    string `json:"time_expire"`
		Notify     string `json:"notify_url"`
		Amount     struct{ Total int64 }
		SettleInfo struct {
			Split bool `json:"profit_sharing"`
		} `json:"settle_info"`
		Payer struct{ Openid, Sp_openid string } //nolint:revive // as it is written
	}
	if err := json.Unmarshal(body, &in); err != nil || in.App+in.ByApp != appID || in.Merchant+in.By != merchantID || (in.By != "") != (f.sub != "") || in.About == "" || in.Notify == "" ||
		in.Amount.Total <= 0 || len(in.Number) < 6 || len(in.Number) > 32 || how == "jsapi" && in.Payer.Openid+in.Payer.Sp_openid == "" {
		return no(400, "PARAM_ERROR")
	}
	o := f.orders[in.Number]
	switch {
	case o != nil && o.state == "CLOSED":
		return no(400, "ORDER_CLOSED")
	case o != nil && o.state == "SUCCESS":
		return no(400, "ORDERPAID")
	case o != nil && o.body != string(body):
		return no(403, "OUT_TRADE_NO_USED")
	case o == nil:
		expires, err := time.Parse(time.RFC3339, in.Expires)
		if err != nil || !f.clock.Now().Before(expires) {
			return no(400, "PARAM_ERROR")
		}
		f.orders[in.Number] = &order{no: in.Number, state: "NOTPAY", body: string(body), total: in.Amount.Total, splittable: in.SettleInfo.Split, expires: expires}
	}
	if how == "jsapi" {
		return 200, map[string]string{"prepay_id": "wx" + in.Number}
	}
	return 200, map[string]string{"code_url": "weixin://wxpay/bizpayurl?pr=" + in.Number}
}

// pay is the payer paying.
func (f *institution) pay(o *order) {
	if o.state != "NOTPAY" || !f.clock.Now().Before(o.expires) {
		return
	}
	o.state, o.id = "SUCCESS", f.id("420")
	f.move("交易", o.no, "", o.total)
	if fee := o.total * f.fee / 1000; fee > 0 {
		f.move("扣除交易手续费", o.no, "", -fee)
	}
	f.post("TRANSACTION.SUCCESS", "transaction", o.document())
}

func (f *institution) move(what, number, remark string, fen int64) {
	f.flow = append(f.flow, movement{f.clock.Now(), f.id("1900"), what, number, remark, fen})
}

// post is a notice of the institution.
func (f *institution) post(event, kind string, about map[string]any) {
	plain, err := json.Marshal(f.owned(about))
	if err != nil {
		panic(err)
	}
	f.letters = append(f.letters, f.letter(event, sealed(plain, kind, kind)))
}

func (f *institution) letter(event string, resource map[string]string) gatewaytest.Letter {
	body, err := json.Marshal(map[string]any{
		"id": f.id("EV-"), "create_time": f.clock.Now().In(beijing).Format(time.RFC3339), "resource_type": "encrypt-resource",
		"event_type": event, "summary": "", "resource": resource,
	})
	if err != nil {
		panic(err)
	}
	return gatewaytest.Letter{Header: f.sign(body), Body: body}
}

func (o *order) document() map[string]any {
	d := map[string]any{"out_trade_no": o.no, "trade_state": o.state, "amount": map[string]any{"total": o.total, "currency": "CNY"}}
	if o.id != "" {
		d["transaction_id"] = o.id
	}
	return d
}

func (f *institution) order(name, merchant string) (int, any) {
	if merchant != merchantID {
		return no(403, "NO_AUTH")
	}
	for _, o := range f.orders {
		if o.no == name || o.id == name && name != "" {
			return 200, f.owned(o.document())
		}
	}
	return no(404, "ORDER_NOT_EXIST")
}

func (f *institution) shut(number string) (int, any) {
	o := f.orders[number]
	if o == nil || o.state == "SUCCESS" {
		return no(400, "ORDERPAID")
	}
	o.state = "CLOSED"
	return 204, nil
}

func (r *refund) document(state string) map[string]any {
	return map[string]any{"out_refund_no": r.no, "refund_id": r.id, "transaction_id": r.order, state: r.state, "amount": map[string]any{"refund": r.amount, "currency": "CNY"}}
}

func (f *institution) refund(body []byte) (int, any) {
	var in struct {
		ID     string `json:"transaction_id"`
		Number string `json:"out_refund_no"`
		Amount struct {
			Refund, Total int64
			Currency      string
		}
	}
	if err := json.Unmarshal(body, &in); err != nil || in.Amount.Currency != "CNY" || in.Amount.Refund <= 0 {
		return no(400, "PARAM_ERROR")
	}
	o := f.paid(in.ID)
	if known := f.refunds[in.Number]; known != nil {
		if known.amount != in.Amount.Refund || known.order != in.ID {
			return no(400, "INVALID_REQUEST")
		}
		return 200, known.document("status")
	}
	switch {
	case o == nil:
		return no(404, "RESOURCE_NOT_EXISTS")
	case in.Amount.Total != o.total, o.refunded+in.Amount.Refund > o.total:
		return no(400, "INVALID_REQUEST")
	case o.refunded+o.shared+in.Amount.Refund > o.total:
		return no(403, "NOT_ENOUGH")
	}
	o.refunded += in.Amount.Refund
	r := &refund{in.Number, f.id("503"), in.ID, "PROCESSING", in.Amount.Refund}
	f.refunds[in.Number] = r
	return 200, r.document("status")
}

func (f *institution) paid(id string) *order {
	for _, o := range f.orders {
		if o.id == id && o.state == "SUCCESS" {
			return o
		}
	}
	return nil
}

func (f *institution) receiver(body []byte) (int, any) {
	var in struct{ Appid, Type, Account, Name, Relation_type string } //nolint:revive // as it is written
	if err := json.Unmarshal(body, &in); err != nil || in.Appid != appID || in.Account == "" || in.Relation_type == "" {
		return no(400, "PARAM_ERROR")
	}
	f.receivers[in.Account] = in.Name
	return 200, map[string]string{"account": in.Account}
}

func (s *sharing) document() map[string]any {
	return map[string]any{"out_order_no": s.no, "order_id": s.id, "transaction_id": s.order, "state": s.state, "receivers": s.shares}
}

func (f *institution) share(body []byte, unfreeze bool) (int, any) {
	var in struct {
		ID        string   `json:"transaction_id"`
		Number    string   `json:"out_order_no"`
		Receivers []*share `json:"receivers"`
		Final     bool     `json:"unfreeze_unsplit"`
	}
	if err := json.Unmarshal(body, &in); err != nil || len(in.Receivers) > 50 || len(in.Receivers) == 0 && !unfreeze {
		return no(400, "PARAM_ERROR")
	}
	if known := f.sharings[in.Number]; known != nil {
		if known.body != string(body) {
			return no(400, "INVALID_REQUEST")
		}
		return 200, known.document()
	}
	o, total := f.paid(in.ID), int64(0)
	for _, r := range in.Receivers {
		if _, known := f.receivers[r.Account]; !known {
			return no(400, "PARAM_ERROR")
		}
		total, r.Result = total+r.Amount, "PENDING"
	}
	switch {
	case o == nil:
		return no(404, "RESOURCE_NOT_EXISTS")
	case !o.splittable:
		return no(403, "NOT_SHARE_ORDER")
	case o.ended:
		return no(403, "RULE_LIMIT")
	case total > o.total-o.total*f.fee/1000-o.refunded-o.shared:
		return no(403, "NOT_ENOUGH")
	}
	o.shared, o.ended = o.shared+total, in.Final || unfreeze
	s := &sharing{no: in.Number, id: f.id("300"), order: in.ID, state: "PROCESSING", body: string(body), shares: in.Receivers, final: o.ended}
	f.sharings[in.Number] = s
	return 200, s.document()
}

func (b *back) document() map[string]any {
	return map[string]any{"out_return_no": b.no, "out_order_no": b.of, "return_id": b.id, "amount": b.amount, "result": b.result}
}

func (f *institution) giveBack(body []byte) (int, any) {
	var in struct {
		Of       string `json:"out_order_no"`
		Number   string `json:"out_return_no"`
		Merchant string `json:"return_mchid"`
		Amount   int64  `json:"amount"`
	}
	if err := json.Unmarshal(body, &in); err != nil || in.Amount <= 0 {
		return no(400, "PARAM_ERROR")
	}
	if known := f.returns[in.Number]; known != nil {
		if known.body != string(body) {
			return no(400, "INVALID_REQUEST")
		}
		return 200, known.document()
	}
	s := f.sharings[in.Of]
	if s == nil {
		return no(404, "RESOURCE_NOT_EXISTS")
	}
	for _, from := range s.shares {
		if from.Account == in.Merchant && from.Result == "SUCCESS" && from.Amount-from.back >= in.Amount {
			from.back += in.Amount
			b := &back{in.Number, f.id("301"), in.Of, "PROCESSING", string(body), in.Amount, from}
			f.returns[in.Number] = b
			return 200, b.document()
		}
	}
	return no(403, "NOT_ENOUGH")
}

// settle makes what waits under a number go well.
func (f *institution) settle(number string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if o := f.orders[number]; o != nil {
		f.pay(o)
	}
	if r := f.refunds[number]; r != nil && r.state == "PROCESSING" {
		r.state = "SUCCESS"
		f.move("退款", r.no, "", -r.amount)
		f.post("REFUND.SUCCESS", "refund", r.document("refund_status"))
	}
	if s := f.sharings[number]; s != nil && s.state == "PROCESSING" {
		s.state = "FINISHED"
		for _, to := range s.shares {
			to.Result = "SUCCESS"
			f.move("分账", s.no, "", -to.Amount)
			f.post("TRANSACTION.SUCCESS", "profitsharing", map[string]any{"out_order_no": s.no, "order_id": s.id})
		}
		if s.final { // the rest goes back to the merchant, who is named among the receivers
			s.shares = append(s.shares, &share{Type: "MERCHANT_ID", Account: merchantID, Amount: 1, Result: "SUCCESS"})
		}
	}
	if b := f.returns[number]; b != nil && b.result == "PROCESSING" {
		b.result = "SUCCESS"
		s := f.sharings[b.of]
		f.paid(s.order).shared -= b.amount
		f.move("分账回退", b.no, "", b.amount)
	}
}

// balance is what the merchant has.
func (f *institution) balance() (sum int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.flow {
		sum += m.fen
	}
	return sum
}

// bill makes the file of a day.
func (f *institution) bill(date string) (int, any) {
	day, err := time.ParseInLocation(time.DateOnly, date, beijing)
	if err != nil {
		return no(400, "PARAM_ERROR")
	}
	if f.clock.Now().Before(day.Add(34 * time.Hour)) {
		return no(400, "STATEMENT_CREATING")
	}
	var rows strings.Builder
	var n, in, out int
	var came, went, left int64
	for _, m := range f.flow {
		if left += m.fen; m.at.In(beijing).Format(time.DateOnly) != date {
			continue
		}
		way := "收入"
		if n++; m.fen > 0 {
			in, came = in+1, came+m.fen
		} else {
			way, out, went = "支出", out+1, went-m.fen
		}
		fmt.Fprintf(&rows, "`%s,`50300806,`%s,`%s,`%s,`%s,`%s,`%s,`system,`%s,`%s\r\n", m.at.In(beijing).Format(time.DateTime), m.id,
			m.what, m.what, way, plain(max(m.fen, -m.fen)), plain(left), m.remark, m.no)
	}
	if n == 0 {
		return no(400, "NO_STATEMENT_EXIST")
	}
	file := []byte("\ufeff记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额（元）,账户结余（元）,资金变更提交申请人,备注,业务凭证号\r\n" + rows.String() +
		"资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n" + fmt.Sprintf("`%d.0,`%d.0,`%s,`%d.0,`%s\r\n", n, in, plain(came), out, plain(went)))
	token := text(8)
	f.files[token] = file
	sum := sha1.Sum(file)
	return 200, map[string]string{"hash_type": "SHA1", "hash_value": hex.EncodeToString(sum[:]), "download_url": "https://api.mch.weixin.qq.com/v3/billdownload/file?token=" + token}
}

func plain(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }

// took are the letters since the last call.
func (f *institution) took() []gatewaytest.Letter {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.letters
	f.letters = nil
	return all
}

func money(fen int64) platform.Money {
	m, err := platform.FromMinor(fen, platform.MustMoney("1.00", "CNY").Currency())
	if err != nil {
		panic(err)
	}
	return m
}
