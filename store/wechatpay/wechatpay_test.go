package wechatpay_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/storetest"
	"github.com/liangding/platform/store/wechatpay"
)

func fixed(at time.Time) *storetest.Clock { return storetest.NewClock(at) }

func (f *institution) count(request string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.asked {
		if r == request {
			n++
		}
	}
	return n
}

func (f *institution) lock(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func TestAnswerThatCannotBeVerifiedIsUnknown(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(int, http.Header, []byte) (int, []byte){
		"unsigned": func(status int, h http.Header, body []byte) (int, []byte) { clear(h); return status, body },
		"altered":  func(status int, _ http.Header, body []byte) (int, []byte) { return status, append(body, ' ') },
		"of another time": func(status int, h http.Header, body []byte) (int, []byte) {
			h.Set("Wechatpay-Timestamp", "1")
			return status, body
		},
		"an unsigned refusal": func(_ int, h http.Header, _ []byte) (int, []byte) {
			clear(h)
			return refused(400, "PARAM_ERROR")
		},
		"somebody else's refusal": func(int, http.Header, []byte) (int, []byte) { return refused(403, "NOT_ENOUGH") },
		"a redirect": func(_ int, h http.Header, body []byte) (int, []byte) {
			h.Set("Location", "https://example.org/")
			return 302, body
		},
		"without end": func(status int, _ http.Header, _ []byte) (int, []byte) { return status, make([]byte, 1<<20+1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := opened(t)
			g := f.gateway(nil)
			f.paidBy(g, charge(1, 100)) // it has its certificates
			f.lock(func() { f.spoil = spoil })

			st, err := g.Charge(t.Context(), charge(2, 100))

			require.ErrorIs(t, err, payment.ErrUnknownOutcome)
			assert.NotErrorIs(t, err, payment.ErrDeclined)
			assert.NotErrorIs(t, err, payment.ErrRefused)
			assert.Empty(t, st.Outcome)
			_, err = g.Lookup(t.Context(), key("att", 2))
			require.ErrorIs(t, err, payment.ErrUnknownOutcome)
			f.lock(func() { f.spoil = nil })
			st, err = g.Lookup(t.Context(), key("att", 2))
			require.NoError(t, err)
			assert.Equal(t, payment.Pending, st.Outcome, "it had arrived")
		})
	}
}

func TestSignedAnswerOfNoFormIsUnknown(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	f.paidBy(g, charge(1, 100))
	for _, body := range []string{"", "[]", "{}", `{"code_url":7}`} {
		f.lock(func() {
			f.spoil = func(status int, h http.Header, _ []byte) (int, []byte) {
				f.lock(func() { clear(h); maps.Copy(h, f.sign([]byte(body))) })
				return status, []byte(body)
			}
		})
		_, err := g.Charge(t.Context(), charge(2, 100))
		require.ErrorIs(t, err, payment.ErrUnknownOutcome, body)
	}
}

func TestErrorMeansWhatItSays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   string
		want   error
	}{
		{500, "SYSTEM_ERROR", payment.ErrUnknownOutcome}, {502, "", payment.ErrUnknownOutcome}, {500, "NOT_ENOUGH_IN_WORDS_NEVER_HEARD_OF", payment.ErrUnknownOutcome},
		{403, "SYSTEM_ERROR", payment.ErrUnknownOutcome}, {202, "ACCEPTED", payment.ErrUnknownOutcome}, {400, "", payment.ErrUnknownOutcome},
		{429, "FREQUENCY_LIMITED", payment.ErrRetryable}, {429, "OTHER", payment.ErrRetryable}, {403, "RATELIMIT_EXCEEDED", payment.ErrRetryable},
		{400, "PARAM_ERROR", payment.ErrRefused}, {403, "OUT_TRADE_NO_USED", payment.ErrRefused}, {401, "SIGN_ERROR", payment.ErrRefused},
		{403, "ACCOUNT_ERROR", payment.ErrDeclined}, {403, "NEVER_HEARD_OF", payment.ErrDeclined},
	} {
		f := opened(t)
		g := f.gateway(nil)
		f.paidBy(g, charge(1, 100))
		f.lock(func() {
			f.spoil = func(_ int, h http.Header, _ []byte) (int, []byte) {
				_, body := refused(c.status, c.code)
				f.lock(func() { maps.Copy(h, f.sign(body)) })
				return c.status, body
			}
		})

		st, err := g.Charge(t.Context(), charge(2, 100))

		require.ErrorIs(t, err, c.want, "%d %s", c.status, c.code)
		for _, other := range []error{payment.ErrUnknownOutcome, payment.ErrRetryable, payment.ErrRefused, payment.ErrDeclined} {
			assert.Equal(t, other == c.want, isKind(err, other), "%d %s is %v", c.status, c.code, other) //nolint:errorlint // the sentinel itself
		}
		if c.want == payment.ErrDeclined { //nolint:errorlint // the sentinel itself
			assert.Equal(t, c.code, st.Code)
		}
		_, err = g.Lookup(t.Context(), key("att", 2))
		assert.NotErrorIs(t, err, payment.ErrDeclined, "a look-up that fails says nothing of the charge")
		assert.NotErrorIs(t, err, payment.ErrRefused)
		require.Error(t, err)
	}
}

func isKind(err, kind error) bool { return assert.ErrorIs(new(assert.CollectT), err, kind) }

func TestChargeThatMakesNoSenseIsNotSent(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	for name, c := range map[string]struct {
		change func(*payment.Charge)
		want   error
	}{
		"method":         {func(c *payment.Charge) { c.Method = "card" }, payment.ErrMethod},
		"no open id":     {func(c *payment.Charge) { c.Method = "jsapi:" }, payment.ErrMethod},
		"dollars":        {func(c *payment.Charge) { c.Amount = platform.MustMoney("1.00", "USD") }, payment.ErrUnrepresentable},
		"nothing":        {func(c *payment.Charge) { c.Amount = money(0) }, payment.ErrRefused},
		"key":            {func(c *payment.Charge) { c.Key = "att_1" }, payment.ErrRefused},
		"a refund's key": {func(c *payment.Charge) { c.Key = key("rtn", 1) }, payment.ErrRefused},
		"a long key":     {func(c *payment.Charge) { c.Key += ".1234567" }, payment.ErrRefused},
	} {
		in := charge(1, 100)
		c.change(&in)
		_, err := g.Charge(t.Context(), in)
		require.ErrorIs(t, err, c.want, name)
	}
	_, err := g.Lookup(t.Context(), "pay_1")
	require.ErrorIs(t, err, payment.ErrRefused)
	_, err = g.Refund(t.Context(), payment.Refund{Key: key("rtn", 1), Amount: money(1)})
	require.ErrorIs(t, err, payment.ErrRefused, "of nothing")
	assert.Empty(t, f.asked)
}

func TestPayerInsideWeChatGetsASignedDocument(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	c := charge(1, 100)
	c.Method = "jsapi:oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"

	st, err := g.Charge(t.Context(), c)

	require.NoError(t, err)
	assert.Equal(t, payment.NeedsAction, st.Outcome)
	assert.Equal(t, noon.Add(15*time.Minute), st.Until.UTC())
	var in map[string]string
	require.NoError(t, json.Unmarshal([]byte(st.Action), &in))
	signature, err := base64.StdEncoding.DecodeString(in["paySign"])
	require.NoError(t, err)
	sum := sha256.Sum256([]byte(in["appId"] + "\n" + in["timeStamp"] + "\n" + in["nonceStr"] + "\n" + in["package"] + "\n"))
	require.NoError(t, rsa.VerifyPKCS1v15(&keys()[0].PublicKey, crypto.SHA256, sum[:], signature))
	assert.Equal(t, "prepay_id=wx"+wireNumber(c.Key), in["package"])
	assert.Equal(t, "RSA", in["signType"])
}

// What is called declined cannot be paid any more.
func TestUnpaidChargeIsClosedBeforeItIsDeclined(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	c := charge(1, 100)
	_, err := g.Charge(t.Context(), c)
	require.NoError(t, err)
	f.clock.Advance(15*time.Minute - time.Second)
	st, err := g.Lookup(t.Context(), c.Key)
	require.NoError(t, err)
	assert.Equal(t, payment.Pending, st.Outcome)
	f.clock.Advance(time.Second)

	st, err = g.Lookup(t.Context(), c.Key)

	require.NoError(t, err)
	assert.Equal(t, payment.Declined, st.Outcome)
	assert.Equal(t, "CLOSED", st.Code)
	assert.Equal(t, "CLOSED", f.orders[wireNumber(c.Key)].state)
	_, err = g.Charge(t.Context(), c)
	require.ErrorIs(t, err, payment.ErrDeclined, "the same charge again")
}

func TestChargeThatIsPaidAnswersSo(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	c := charge(1, 100)
	f.paidBy(g, c)

	st, err := g.Charge(t.Context(), c)
	require.NoError(t, err)
	assert.Equal(t, payment.Done, st.Outcome)
	c.Amount = money(101)
	_, err = g.Charge(t.Context(), c)
	require.ErrorIs(t, err, payment.ErrRefused)
}

func TestCertificatesRotateByThemselves(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	var all sync.WaitGroup
	for n := range uint64(8) {
		all.Go(func() {
			_, err := g.Charge(t.Context(), charge(n+10, 100))
			assert.NoError(t, err)
		})
	}
	all.Wait()
	assert.Equal(t, 1, f.count("GET /v3/certificates"), "one of eight downloads them")

	old := f.signer
	next := certified(0x770BEE, keys()[2], noon.AddDate(0, 0, -1), noon.AddDate(5, 0, 0))
	f.lock(func() { f.certs = []signer{old, next} })
	f.clock.Advance(2 * time.Minute)
	f.paidBy(g, charge(1, 100))
	f.lock(func() { f.signer = next })
	f.paidBy(g, charge(2, 100))
	f.paidBy(g, charge(3, 100))
	assert.Equal(t, 2, f.count("GET /v3/certificates"))
	f.lock(func() { f.signer = old })
	f.paidBy(g, charge(4, 100))

	f.clock.Advance(366 * 24 * time.Hour) // the old one has ended
	late := payment.Charge{Key: payment.Key(platform.NewID("att", f.clock.Now(), 1, 1)), Amount: money(1), Method: "native", Subject: charge(1, 1).Subject}
	_, err := g.Charge(t.Context(), late)
	require.ErrorIs(t, err, payment.ErrUnknownOutcome)
	f.lock(func() { f.signer = next })
	_, err = g.Charge(t.Context(), late)
	require.NoError(t, err)
}

func TestUnknownSerialsDoNotFloodTheInstitution(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	f.paidBy(g, charge(1, 100))
	for range 20 {
		l := f.signedBy("ABCDEF", keys()[3], []byte("{}"))
		_, err := g.Notices(t.Context(), l.Header, l.Body)
		require.ErrorIs(t, err, payment.ErrNoticeSignature)
	}
	assert.Equal(t, 1, f.count("GET /v3/certificates"))
}

func TestPublicKeyStandsBesideCertificates(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(func(_ *wechatpay.Merchant, o *wechatpay.Options) {
		o.Keys = map[string]*rsa.PublicKey{pubKeyID: &keys()[2].PublicKey}
	})
	cert := f.signer
	f.paidBy(g, charge(1, 100))
	assert.Equal(t, 1, f.count("GET /v3/certificates"), "signed by a certificate still")
	f.lock(func() { f.signer = signer{pubKeyID, keys()[2], ""} })
	f.paidBy(g, charge(2, 100))
	f.lock(func() { f.signer = cert })
	f.paidBy(g, charge(3, 100))
	assert.Equal(t, 1, f.count("GET /v3/certificates"))

	f.lock(func() { f.signer, f.certs = signer{pubKeyID, keys()[2], ""}, nil })
	alone := f.gateway(func(_ *wechatpay.Merchant, o *wechatpay.Options) {
		o.Keys = map[string]*rsa.PublicKey{pubKeyID: &keys()[2].PublicKey}
	})
	f.paidBy(alone, charge(4, 100))
	assert.Equal(t, 1, f.count("GET /v3/certificates"), "it needs none")
}

// Nothing is sent while no answer could be verified.
func TestForgedCertificatesAreRefused(t *testing.T) {
	t.Parallel()
	stranger := certified(0xBAD, keys()[3], noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0))
	for name, forge := range map[string]func(*institution){
		"signed by a stranger": func(f *institution) { f.signer = stranger },
		"under another serial": func(f *institution) { f.certs[0].serial, f.signer.serial = "BAD", "BAD" },
		"no certificate":       func(f *institution) { f.certs[0].cert = "-" },
		"none":                 func(f *institution) { f.certs = nil },
		"not in force yet": func(f *institution) {
			later := certified(0x11, keys()[1], noon.Add(time.Hour), noon.AddDate(1, 0, 0))
			f.certs, f.signer = []signer{later}, later
		},
	} {
		f := opened(t)
		g := f.gateway(nil)
		forge(f)
		_, err := g.Charge(t.Context(), charge(1, 100))
		require.ErrorIs(t, err, payment.ErrRetryable, name)
		assert.Empty(t, f.orders, name)
	}
	f := opened(t)
	g := f.gateway(func(m *wechatpay.Merchant, _ *wechatpay.Options) { m.Secrets = [][]byte{make([]byte, 32)} })
	_, err := g.Charge(t.Context(), charge(1, 100))
	require.ErrorIs(t, err, payment.ErrRetryable, "under another secret")
}

func TestRetriedRefundHasANumberOfItsOwn(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	f.paidBy(g, charge(1, 100))
	for _, k := range []payment.Key{key("rtn", 2), key("rtn", 2) + ".1"} {
		_, err := g.Refund(t.Context(), payment.Refund{Key: k, Charge: key("att", 1), Amount: money(30)})
		require.NoError(t, err)
		f.settle(wireNumber(k))
		st, err := g.Lookup(t.Context(), k)
		require.NoError(t, err)
		assert.Equal(t, payment.Status{Key: k, Outcome: payment.Done, Amount: money(30), Reference: st.Reference}, st)
	}
	assert.Equal(t, int64(40), f.balance())

	o := f.orders[wireNumber(key("att", 1))]
	_, err := g.Refund(t.Context(), payment.Refund{Key: key("rtn", 3), Reference: o.id, Amount: money(40)})
	require.NoError(t, err, "by the institution's own reference")
	f.lock(func() { f.refunds[wireNumber(key("rtn", 3))].state = "CLOSED" })
	st, err := g.Lookup(t.Context(), key("rtn", 3))
	require.NoError(t, err)
	assert.Equal(t, payment.Declined, st.Outcome)
}

func TestRefundIsNotSentWhileItsChargeIsNotKnown(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	f.paidBy(g, charge(1, 100))
	f.lock(func() {
		f.spoil = func(_ int, h http.Header, _ []byte) (int, []byte) { clear(h); return 500, nil }
	})
	_, err := g.Refund(t.Context(), payment.Refund{Key: key("rtn", 2), Charge: key("att", 1), Amount: money(30)})
	require.ErrorIs(t, err, payment.ErrRetryable, "it was only asked about the charge")
	assert.NotErrorIs(t, err, payment.ErrUnknownOutcome)
	f.lock(func() { f.spoil = nil })
	_, err = g.Refund(t.Context(), payment.Refund{Key: key("rtn", 2), Charge: key("att", 9), Amount: money(30)})
	require.ErrorIs(t, err, payment.ErrRefused, "no such charge")
	assert.Zero(t, f.count("POST /v3/refund/domestic/refunds"))
}

func TestChargeNotMadeForItIsNotSplit(t *testing.T) {
	t.Parallel()
	f := opened(t)
	whole := f.gateway(func(_ *wechatpay.Merchant, o *wechatpay.Options) { o.Split = false })
	f.paidBy(whole, charge(1, 100))
	split := payment.Split{Key: key("spl", 1), Charge: key("att", 1), Shares: []payment.Share{{Account: "190001", Amount: money(10)}}}
	_, err := whole.Split(t.Context(), split)
	require.ErrorIs(t, err, payment.ErrNotSplittable)
	g := f.gateway(nil)
	require.NoError(t, g.AddReceiver(t.Context(), payment.Receiver{Account: "190001"}))
	_, err = g.Split(t.Context(), split)
	require.ErrorIs(t, err, payment.ErrNotSplittable, "WeChat knows it too")

	many := split
	many.Shares = slices.Repeat(split.Shares, 51)
	_, err = g.Split(t.Context(), many)
	require.ErrorIs(t, err, payment.ErrRefused)
	_, err = g.Split(t.Context(), payment.Split{Key: key("spl", 2), Charge: key("att", 1)})
	require.ErrorIs(t, err, payment.ErrRefused, "of nothing to nobody")
}

func TestShareMayNotArrive(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	f.paidBy(g, charge(1, 100))
	shares := []payment.Share{{Account: "190001", Amount: money(10)}, {Account: "oUpF8uMuAJO", Amount: money(20)}}
	for _, s := range shares {
		require.NoError(t, g.AddReceiver(t.Context(), payment.Receiver{Account: s.Account}))
	}
	split := payment.Split{Key: key("spl", 1), Charge: key("att", 1), Shares: shares}
	st, err := g.Split(t.Context(), split)
	require.NoError(t, err)
	assert.Equal(t, payment.Pending, st.Outcome, "accepted is not done")
	s := f.sharings[wireNumber(split.Key)]
	assert.Equal(t, "PERSONAL_OPENID", s.shares[1].Type)
	f.lock(func() {
		s.state, s.shares[0].Result, s.shares[1].Result, s.shares[1].Reason = "FINISHED", "SUCCESS", "CLOSED", "RECEIVER_HIGH_RISK"
	})

	st, there, err := g.LookupSplit(t.Context(), split)
	require.NoError(t, err)
	assert.Equal(t, payment.Status{Key: split.Key, Outcome: payment.Done, Amount: money(10), Reference: s.id, Code: "RECEIVER_HIGH_RISK"}, st)
	assert.Equal(t, shares[:1], there)
	f.lock(func() { s.shares[0].Result = "CLOSED" })
	st, there, err = g.LookupSplit(t.Context(), split)
	require.NoError(t, err)
	assert.Equal(t, payment.Declined, st.Outcome)
	assert.Empty(t, there)

	rest := payment.Split{Key: key("spl", 2), Charge: key("att", 1), Final: true}
	_, err = g.Split(t.Context(), rest)
	require.NoError(t, err)
	f.settle(wireNumber(rest.Key))
	st, _, err = g.LookupSplit(t.Context(), rest)
	require.NoError(t, err)
	assert.Equal(t, payment.Done, st.Outcome, "all the rest is the merchant's")
	st, _, err = g.LookupSplit(t.Context(), payment.Split{Key: key("spl", 3), Charge: key("att", 1)})
	require.NoError(t, err)
	assert.Equal(t, payment.Absent, st.Outcome)
}

func TestReturnOfAShareMayFail(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	f.paidBy(g, charge(1, 100))
	require.NoError(t, g.AddReceiver(t.Context(), payment.Receiver{Account: "190001"}))
	split := payment.Split{Key: key("spl", 1), Charge: key("att", 1), Shares: []payment.Share{{Account: "190001", Amount: money(10)}}}
	_, err := g.Split(t.Context(), split)
	require.NoError(t, err)
	f.settle(wireNumber(split.Key))
	back := payment.SplitReturn{Key: key("spr", 1), Split: split.Key, Account: "190001", Amount: money(10)}
	st, err := g.LookupReturn(t.Context(), back)
	require.NoError(t, err)
	assert.Equal(t, payment.Absent, st.Outcome)
	st, err = g.ReturnSplit(t.Context(), back)
	require.NoError(t, err)
	assert.Equal(t, payment.Pending, st.Outcome)
	f.lock(func() { f.returns[wireNumber(back.Key)].result = "FAILED" })
	st, err = g.LookupReturn(t.Context(), back)
	require.NoError(t, err)
	assert.Equal(t, payment.Declined, st.Outcome)
	_, err = g.ReturnSplit(t.Context(), back)
	require.ErrorIs(t, err, payment.ErrDeclined, "the same again")
	_, err = g.ReturnSplit(t.Context(), payment.SplitReturn{Key: "spr_1", Split: split.Key, Amount: money(1)})
	require.ErrorIs(t, err, payment.ErrRefused)
}

func TestNameOfAReceiverIsSealed(t *testing.T) {
	t.Parallel()
	f := opened(t)
	g := f.gateway(nil)
	require.NoError(t, g.AddReceiver(t.Context(), payment.Receiver{Account: "190001", Name: "好洁家政"}))
	sent, err := base64.StdEncoding.DecodeString(f.receivers["190001"])
	require.NoError(t, err)
	name, err := rsa.DecryptOAEP(sha1.New(), nil, keys()[1], sent, nil)
	require.NoError(t, err)
	assert.Equal(t, "好洁家政", string(name))
	require.ErrorIs(t, g.AddReceiver(t.Context(), payment.Receiver{}), payment.ErrRefused)
}

func TestMerchantIsWhole(t *testing.T) {
	t.Parallel()
	_, err := wechatpay.New(wechatpay.Merchant{}, nil)
	require.ErrorIs(t, err, platform.ErrInvalid)
	for _, word := range []string{"id", "app", "serial", "notify", "RSA", "APIv3"} {
		assert.Contains(t, err.Error(), word)
	}
	_, err = wechatpay.New(wechatpay.Merchant{ID: "1", App: "2", Serial: "3", Signer: keys()[0], Notify: "https://example.org", Secrets: [][]byte{[]byte("short")}}, nil)
	require.ErrorIs(t, err, platform.ErrInvalid)
	assert.NotContains(t, err.Error(), "short", "a secret is not told")
}

func TestSubMerchantNeedsANameOfItsOwn(t *testing.T) {
	t.Parallel()
	m := wechatpay.Merchant{ID: merchantID, App: appID, Serial: serialOfM, Signer: keys()[0], Notify: "https://example.org/notify", Secrets: [][]byte{secret}}
	for _, opts := range []*wechatpay.Options{nil, {}} {
		_, err := wechatpay.NewPartner(m, subID, ownerID, opts)
		require.ErrorIs(t, err, platform.ErrInvalid)
	}
	_, err := wechatpay.NewPartner(m, "", ownerID, &wechatpay.Options{Name: "wechatpay-sub"})
	require.ErrorIs(t, err, platform.ErrInvalid)
	g, err := wechatpay.NewPartner(m, subID, ownerID, &wechatpay.Options{Name: "wechatpay-sub"})
	require.NoError(t, err)
	assert.Equal(t, "wechatpay-sub", g.Info().Institution)
	assert.Equal(t, platform.ID(ownerID), g.Info().Owner)
}
