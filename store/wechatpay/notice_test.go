package wechatpay_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"maps"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/payment/gatewaytest"
	"github.com/liangding/platform/store/wechatpay"
)

// key is a key of ours.
func key(prefix string, n uint64) payment.Key {
	return payment.Key(platform.NewID(prefix, noon, 7, n))
}

func charge(n uint64, fen int64) payment.Charge {
	return payment.Charge{Key: key("att", n), Amount: money(fen), Method: "native", Subject: platform.Ref{Kind: "order", ID: platform.NewID("ord", noon, 7, n)}}
}

// paid is a charge that was paid, and the notice of it.
func (f *institution) paidBy(g *wechatpay.Gateway, c payment.Charge) gatewaytest.Letter {
	f.t.Helper()
	_, err := g.Charge(f.t.Context(), c)
	require.NoError(f.t, err)
	f.settle(wireNumber(c.Key))
	letters := f.took()
	require.Len(f.t, letters, 1)
	return letters[0]
}

// signedBy is a letter with this body, signed by this key under this serial.
func (f *institution) signedBy(serial string, key *rsa.PrivateKey, body []byte) gatewaytest.Letter {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.signer
	f.signer = signer{serial, key, ""}
	defer func() { f.signer = was }()
	return gatewaytest.Letter{Header: f.sign(body), Body: body}
}

func TestForgedNoticeIsRefused(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	genuine := f.paidBy(g, charge(1, 100))
	head := func(l gatewaytest.Letter, name, value string) gatewaytest.Letter {
		l.Header = maps.Clone(l.Header)
		l.Header[name] = []string{value}
		return l
	}
	sent := func(change func(map[string]string)) gatewaytest.Letter {
		resource := sealed([]byte(`{"mchid":"`+merchantID+`","out_trade_no":"`+wireNumber(key("att", 1))+`","trade_state":"SUCCESS","amount":{"total":100}}`), "transaction", "transaction")
		change(resource)
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.letter("TRANSACTION.SUCCESS", resource)
	}
	serial := f.signer.serial
	for name, c := range map[string]struct {
		letter gatewaytest.Letter
		want   error
	}{
		"altered body":          {gatewaytest.Letter{Header: genuine.Header, Body: bytes.Replace(genuine.Body, []byte("EV-"), []byte("EW-"), 1)}, payment.ErrNoticeSignature},
		"unknown serial":        {f.signedBy("6D2A", keys()[1], genuine.Body), payment.ErrNoticeSignature},
		"unknown public key":    {f.signedBy(pubKeyID, keys()[2], genuine.Body), payment.ErrNoticeSignature},
		"no serial":             {f.signedBy("", keys()[1], genuine.Body), payment.ErrNoticeSignature},
		"a stranger's key":      {f.signedBy(serial, keys()[3], genuine.Body), payment.ErrNoticeSignature},
		"other nonce":           {head(genuine, "Wechatpay-Nonce", "0"), payment.ErrNoticeSignature},
		"other time":            {head(genuine, "Wechatpay-Timestamp", strconv.FormatInt(noon.Unix()+1, 10)), payment.ErrNoticeSignature},
		"time that is none":     {head(genuine, "Wechatpay-Timestamp", "now"), payment.ErrNoticeSignature},
		"signature no base64":   {head(genuine, "Wechatpay-Signature", "%"), payment.ErrNoticeSignature},
		"wrong associated data": {sent(func(r map[string]string) { r["associated_data"] = "refund" }), payment.ErrNoticeSignature},
		"other algorithm":       {sent(func(r map[string]string) { r["algorithm"] = "none" }), payment.ErrNoticeSignature},
		"short nonce":           {sent(func(r map[string]string) { r["nonce"] = "1" }), payment.ErrNoticeSignature},
		"other merchant": {sent(func(r map[string]string) {
			maps.Copy(r, sealed([]byte(`{"mchid":"1900000999","out_trade_no":"x"}`), "transaction", "transaction"))
		}), payment.ErrNoticeAccount},
		"sealed nonsense": {sent(func(r map[string]string) { maps.Copy(r, sealed([]byte(`[]`), "transaction", "transaction")) }), payment.ErrNoticeForm},
		"signed nonsense": {f.signedBy(serial, keys()[1], []byte("{")), payment.ErrNoticeForm},
		"no id":           {f.signedBy(serial, keys()[1], []byte("{}")), payment.ErrNoticeForm},
	} {
		read, err := g.Notices(t.Context(), c.letter.Header, c.letter.Body)
		assert.ErrorIs(t, err, c.want, name)
		assert.Empty(t, read, name)
	}

	read, err := g.Notices(t.Context(), genuine.Header, genuine.Body)
	require.NoError(t, err, "none of them used up the genuine one")
	assert.Equal(t, payment.Done, read[0].Status.Outcome)
	_, err = g.Notices(t.Context(), genuine.Header, genuine.Body)
	require.ErrorIs(t, err, payment.ErrNoticeReplayed)
	anew := f.signedBy(serial, keys()[1], genuine.Body)
	again, err := g.Notices(t.Context(), anew.Header, anew.Body)
	require.NoError(t, err, "a delivery that is signed anew is none")
	assert.Equal(t, read, again)
}

func TestNoticeHoldsFiveMinutes(t *testing.T) {
	t.Parallel()
	for age, want := range map[time.Duration]error{
		5 * time.Minute: nil, 5*time.Minute + time.Second: payment.ErrNoticeStale, -5 * time.Minute: nil, -5*time.Minute - time.Second: payment.ErrNoticeStale,
	} {
		f := opened(t)
		g := f.gateway(nil)
		l := f.paidBy(g, charge(1, 100))
		f.clock.Advance(age)
		_, err := g.Notices(t.Context(), l.Header, l.Body)
		require.ErrorIs(t, err, want, age)
	}
}

func TestNoticesOfEachKind(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	l := f.paidBy(g, charge(1, 100))
	read := func(l gatewaytest.Letter) payment.Status {
		lower := map[string][]string{}
		for name, values := range l.Header {
			lower[string(bytes.ToLower([]byte(name)))] = values
		}
		all, err := g.Notices(t.Context(), lower, l.Body)
		require.NoError(t, err)
		if len(all) == 0 {
			return payment.Status{}
		}
		return all[0].Status
	}
	post := func(kind string, about map[string]any) gatewaytest.Letter {
		f.mu.Lock()
		f.post("X", kind, about)
		f.mu.Unlock()
		return f.took()[0]
	}

	st := read(l)
	assert.Equal(t, key("att", 1), st.Key)
	assert.Equal(t, money(100), st.Amount)
	for state, want := range map[string]payment.Status{
		"SUCCESS":  {Outcome: payment.Done},
		"CLOSED":   {Outcome: payment.Declined, Code: "CLOSED"},
		"ABNORMAL": {Outcome: payment.Pending, Code: "ABNORMAL"},
		"NEW":      {Outcome: payment.Pending},
	} {
		want.Key, want.Amount, want.Reference = key("rtn", 2)+".1", money(30), "503"
		got := read(post("refund", map[string]any{"out_refund_no": wireNumber(want.Key), "refund_id": "503", "refund_status": state, "amount": map[string]any{"refund": 30}}))
		assert.Equal(t, want, got, state)
	}
	assert.Equal(t, payment.Status{Key: key("spl", 3), Outcome: payment.Pending, Reference: "300"},
		read(post("profitsharing", map[string]any{"out_order_no": wireNumber(key("spl", 3)), "order_id": "300"})))
	assert.Zero(t, read(post("complaint", map[string]any{})), "what it does not know tells nothing")
	assert.Zero(t, read(post("transaction", map[string]any{"out_trade_no": "somebody-elses"})), "nor does what is not ours")
}

func TestBothSecretsOpenWhileOneIsChanged(t *testing.T) {
	t.Parallel()
	f := opened(t)
	next := []byte("fedcba9876543210fedcba9876543210")
	g := f.gateway(func(m *wechatpay.Merchant, _ *wechatpay.Options) { m.Secrets = [][]byte{next, secret} })
	l := f.paidBy(g, charge(1, 100))
	_, err := g.Notices(t.Context(), l.Header, l.Body)
	require.NoError(t, err)

	done := f.gateway(func(m *wechatpay.Merchant, o *wechatpay.Options) {
		m.Secrets, o.Keys = [][]byte{next}, map[string]*rsa.PublicKey{f.signer.serial: &keys()[1].PublicKey}
	})
	_, err = done.Notices(t.Context(), l.Header, l.Body)
	require.ErrorIs(t, err, payment.ErrNoticeSignature)
}

// Only the exact bytes under the institution's key pass.
func FuzzNotices(f *testing.F) {
	fake := &institution{signer: signer{pubKeyID, keys()[2], ""}}
	now := func() time.Time { return noon }
	fake.clock = fixed(noon)
	g, err := wechatpay.New(wechatpay.Merchant{ID: merchantID, App: appID, Serial: serialOfM, Signer: keys()[0], Notify: "https://example.org", Secrets: [][]byte{secret}},
		&wechatpay.Options{Now: now, Keys: map[string]*rsa.PublicKey{pubKeyID: &keys()[2].PublicKey}, Transport: nowhere{}})
	require.NoError(f, err)
	genuine := fake.letter("TRANSACTION.SUCCESS", sealed([]byte(`{"mchid":"`+merchantID+`"}`), "transaction", "transaction"))
	head := func(name string) string { return genuine.Header[name][0] }
	at, nonce, sig := head("Wechatpay-Timestamp"), head("Wechatpay-Nonce"), head("Wechatpay-Signature")
	f.Add(at, nonce, sig, pubKeyID, genuine.Body)
	f.Add(at, nonce, sig, "", genuine.Body)
	f.Add("", nonce, "", "5157F09EFDC096D", []byte("{}"))

	f.Fuzz(func(t *testing.T, gotAt, gotNonce, gotSig, serial string, raw []byte) {
		header := map[string][]string{"Wechatpay-Timestamp": {gotAt}, "Wechatpay-Nonce": {gotNonce}, "Wechatpay-Signature": {gotSig}, "Wechatpay-Serial": {serial}}
		_, err := g.Notices(context.Background(), header, raw)
		exact := gotAt == at && gotNonce == nonce && serial == pubKeyID && bytes.Equal(raw, genuine.Body)
		if err == nil && !exact {
			t.Fatalf("passed: %q %q %q %q %q", gotAt, gotNonce, gotSig, serial, raw)
		}
	})
}

// nowhere is a network without any host.
type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) { return nil, http.ErrServerClosed }
