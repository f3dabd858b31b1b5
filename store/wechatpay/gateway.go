package wechatpay

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

var (
	_ payment.Gateway    = (*Gateway)(nil)
	_ payment.Splitter   = (*Gateway)(nil)
	_ payment.Statements = (*Gateway)(nil)
)

// The names of the institution; no other is ever called.
const (
	host   = "api.mch.weixin.qq.com"
	second = "api2.mch.weixin.qq.com"
)

const (
	callWithin = 10 * time.Second
	billWithin = 10 * time.Minute
	maxAnswer  = 1 << 20
	maxBill    = 256 << 20
	tolerance  = 5 * time.Minute // between the institution's clock and ours
)

// beijing is the institution's zone, which has had no summer time since 1991.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// Merchant is whose account it is, and with what he signs.
type Merchant struct {
	ID     string        // mchid
	App    string        // appid that is bound to it
	Serial string        // of the merchant's API certificate
	Signer crypto.Signer // its private key, RSA
	Notify string        // https address to which notices go

	// Secrets are the live APIv3 keys, 32 bytes each: one, or two while it is
	// being changed.
	Secrets [][]byte
}

// Options of a gateway; nil means defaults.
type Options struct {
	Name    string          // of the institution in our books; if empty, wechatpay
	Licence payment.Licence // as last checked

	// Keys are the WeChat Pay public keys (微信支付公钥) by their ids. If empty, the
	// platform certificates are used.
	Keys map[string]*rsa.PublicKey

	// Split makes charges that can be shared out; their money is frozen until the
	// final split, 180 days at most.
	Split bool

	// Within is how long a payer has from the making of the charge's key on. If
	// zero, 15 minutes.
	Within time.Duration

	// Describe is what the payer reads about a charge, at most 127 characters. If
	// nil, the subject's id.
	Describe func(c payment.Charge) string

	Transport http.RoundTripper // if nil, one with TLS 1.2 or better
	Now       func() time.Time  // if nil, time.Now
}

// Gateway is a merchant's account at WeChat Pay. It may be used by several
// goroutines at once, and starts none.
type Gateway struct {
	merchant Merchant
	sub      string      // of a provider: whose account it is
	owner    platform.ID // and who that is to us
	opts     Options
	client   *http.Client

	fetching chan struct{} // holds who downloads certificates
	fetched  time.Time     // when that was tried last; of who fetches

	mu     sync.Mutex
	certs  map[string]certificate
	nonces map[string]time.Time // of notices, until they are stale
}

// New returns the gateway of a merchant. It fails with platform.ErrInvalid when
// something that is needed is missing.
func New(m Merchant, opts *Options) (*Gateway, error) {
	g := &Gateway{merchant: m, fetching: make(chan struct{}, 1), certs: map[string]certificate{}, nonces: map[string]time.Time{}}
	if opts != nil {
		g.opts = *opts
	}
	if g.opts.Name == "" {
		g.opts.Name = "wechatpay"
	}
	if g.opts.Within == 0 {
		g.opts.Within = 15 * time.Minute
	}
	if g.opts.Describe == nil {
		g.opts.Describe = func(c payment.Charge) string { return string(c.Subject.ID) }
	}
	if g.opts.Now == nil {
		g.opts.Now = time.Now
	}
	if g.opts.Transport == nil {
		g.opts.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: callWithin, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
		}
	}
	refuse := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	g.client = &http.Client{Transport: g.opts.Transport, CheckRedirect: refuse}
	return g, m.check()
}

func (m Merchant) check() error {
	var missing error
	for name, text := range map[string]string{"id": m.ID, "app": m.App, "serial": m.Serial, "notify address": m.Notify} {
		if text == "" {
			missing = errors.Join(missing, fmt.Errorf("a merchant of WeChat Pay without %s: %w", name, platform.ErrInvalid))
		}
	}
	if m.Signer == nil || !isRSA(m.Signer) {
		missing = errors.Join(missing, fmt.Errorf("a merchant of WeChat Pay without an RSA key: %w", platform.ErrInvalid))
	}
	if len(m.Secrets) == 0 {
		missing = errors.Join(missing, fmt.Errorf("a merchant of WeChat Pay without APIv3 key: %w", platform.ErrInvalid))
	}
	for _, secret := range m.Secrets {
		if len(secret) != 32 {
			missing = errors.Join(missing, fmt.Errorf("an APIv3 key has 32 bytes: %w", platform.ErrInvalid))
		}
	}
	return missing
}

func isRSA(s crypto.Signer) bool {
	_, ok := s.Public().(*rsa.PublicKey)
	return ok
}

// Info implements [payment.Gateway]: yuan only. What a look-up does not find
// after two minutes never appears, since a request is taken only while fresh.
func (g *Gateway) Info() payment.Info {
	return payment.Info{
		Institution: g.opts.Name, Licence: g.opts.Licence, Final: true, Owner: g.owner,
		Limits: []payment.Limit{{Least: yuan(1), Most: yuan(10_000_000_000)}},
	}
}

// Lookup implements [payment.Gateway]: of charges and refunds.
func (g *Gateway) Lookup(ctx context.Context, k payment.Key) (payment.Status, error) {
	switch k.Record().Prefix() {
	case "att":
		return g.lookupCharge(ctx, k)
	case "rtn":
		return g.lookupRefund(ctx, k)
	}
	return payment.Status{Key: k}, fmt.Errorf("look up %s: %w", k, payment.ErrRefused)
}
