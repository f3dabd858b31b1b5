package wechatpay

import (
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/liangding/platform/finance/payment"
)

var (
	errUnsigned = errors.New("not signed by a key of the institution")
	errStale    = errors.New("too old or from the future")
	errSealed   = errors.New("not sealed with the merchant's key")
)

// fetchPause is how long after one download of certificates the next one waits.
const fetchPause = time.Minute

// certificate is a key of the institution for a time.
type certificate struct {
	key         *rsa.PublicKey
	from, until time.Time
}

// verify wants bytes to be signed by the institution, and fresh.
func (g *Gateway) verify(ctx context.Context, header http.Header, raw []byte) error {
	serial := header.Get("Wechatpay-Serial")
	if !strings.HasPrefix(serial, "PUB_KEY_ID_") && serial != "" {
		known := func() bool { return g.key(serial) != nil }
		if err := g.fetch(ctx, known); err != nil {
			return err
		}
	}
	return g.signed(g.key(serial), header, raw)
}

// signed wants bytes to be signed with the key, within five minutes of now.
func (g *Gateway) signed(key *rsa.PublicKey, header http.Header, raw []byte) error {
	at, nonce := header.Get("Wechatpay-Timestamp"), header.Get("Wechatpay-Nonce")
	signature, err := base64.StdEncoding.DecodeString(header.Get("Wechatpay-Signature"))
	if key == nil || err != nil || nonce == "" {
		return errUnsigned
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || rsa.VerifyPKCS1v15(key, crypto.SHA256, digest(at, nonce, string(raw)), signature) != nil {
		return errUnsigned
	}
	if age := g.opts.Now().Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return errStale
	}
	return nil
}

// key is the institution's key of a serial; nil when none is known that holds.
func (g *Gateway) key(serial string) *rsa.PublicKey {
	if key := g.opts.Keys[serial]; key != nil {
		return key
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if c, ok := g.certs[serial]; ok && c.holds(g.opts.Now()) {
		return c.key
	}
	return nil
}

func (c certificate) holds(now time.Time) bool { return !now.Before(c.from) && now.Before(c.until) }

// ready sees to it that there is a key of the institution: what is asked without
// one has an answer that cannot be verified.
func (g *Gateway) ready(ctx context.Context) error {
	outside(ctx)
	held := func() bool { _, key := g.sealing(); return key != nil }
	if err := g.fetch(ctx, held); err != nil || !held() {
		return fmt.Errorf("no key of the institution: %w: %v", payment.ErrRetryable, err) //nolint:errorlint // nothing was sent yet
	}
	return nil
}

// sealing is the key for what only the institution may read: a public key before
// a certificate, and of certificates the one that holds longest.
func (g *Gateway) sealing() (serial string, key *rsa.PublicKey) {
	if ids := slices.Sorted(maps.Keys(g.opts.Keys)); len(ids) > 0 {
		last := ids[len(ids)-1]
		return last, g.opts.Keys[last]
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	var until time.Time
	for name, c := range g.certs {
		if c.holds(g.opts.Now()) && c.until.After(until) {
			serial, key, until = name, c.key, c.until
		}
	}
	return serial, key
}

// resource is what is sealed with the merchant's APIv3 key.
type resource struct {
	Algorithm  string `json:"algorithm"`
	Kind       string `json:"original_type"`
	Nonce      string `json:"nonce"`
	Associated string `json:"associated_data"`
	Ciphertext string `json:"ciphertext"`
}

// open unseals a resource by one of the live keys.
func (g *Gateway) open(r resource) ([]byte, error) {
	sealed, err := base64.StdEncoding.DecodeString(r.Ciphertext)
	if err != nil || r.Algorithm != "AEAD_AES_256_GCM" {
		return nil, errSealed
	}
	for _, secret := range g.merchant.Secrets {
		block, err := aes.NewCipher(secret)
		if err != nil {
			return nil, errSealed
		}
		aead, err := cipher.NewGCM(block)
		if err != nil || len(r.Nonce) != aead.NonceSize() {
			return nil, errSealed
		}
		if plain, err := aead.Open(nil, []byte(r.Nonce), sealed, []byte(r.Associated)); err == nil {
			return plain, nil
		}
	}
	return nil, errSealed
}

// fetch downloads the platform certificates unless enough is known, one caller
// at a time and at most once a minute.
func (g *Gateway) fetch(ctx context.Context, enough func() bool) error {
	if enough() {
		return nil
	}
	select {
	case g.fetching <- struct{}{}:
		defer func() { <-g.fetching }()
	case <-ctx.Done():
		return fmt.Errorf("certificates: %w", payment.ErrUnknownOutcome)
	}
	now := g.opts.Now()
	if age := now.Sub(g.fetched); enough() || age >= 0 && age < fetchPause {
		return nil // somebody else was here just now
	}
	return g.download(ctx, now)
}

// download takes the certificates. They prove themselves twice: by their seal,
// and by a signature of one of them or of one that was known.
func (g *Gateway) download(ctx context.Context, now time.Time) error {
	status, header, answer, err := g.send(ctx, http.MethodGet, "/v3/certificates", nil, maxAnswer)
	if err != nil {
		return err
	}
	g.fetched = now // an answer came; without one, the next caller tries again
	var list struct {
		Data []struct {
			Serial string   `json:"serial_no"`
			Sealed resource `json:"encrypt_certificate"`
		} `json:"data"`
	}
	if err := json.Unmarshal(answer, &list); err != nil || status != http.StatusOK {
		return fmt.Errorf("certificates, status %d: %w", status, payment.ErrUnknownOutcome)
	}
	fresh := map[string]certificate{}
	for _, c := range list.Data {
		plain, err := g.open(c.Sealed)
		if err != nil {
			return err
		}
		if fresh[c.Serial], err = certified(c.Serial, plain); err != nil {
			return err
		}
	}
	signer := header.Get("Wechatpay-Serial")
	key := g.key(signer)
	if c, ok := fresh[signer]; key == nil && ok && c.holds(now) {
		key = c.key
	}
	if err := g.signed(key, header, answer); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	maps.DeleteFunc(g.certs, func(_ string, c certificate) bool { return !now.Before(c.until) })
	maps.Copy(g.certs, fresh)
	return nil
}

// certified reads a certificate that claims a serial.
func certified(serial string, raw []byte) (certificate, error) {
	block, _ := pem.Decode(raw)
	if block == nil {
		return certificate{}, errSealed
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return certificate{}, errSealed
	}
	key, ok := c.PublicKey.(*rsa.PublicKey)
	if !ok || !strings.EqualFold(c.SerialNumber.Text(16), strings.TrimLeft(serial, "0")) {
		return certificate{}, errSealed
	}
	return certificate{key, c.NotBefore, c.NotAfter}, nil
}
