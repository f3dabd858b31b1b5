package wechatpay

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

// post sends a document and reads the answer into out, which may be nil.
func (g *Gateway) post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode for %s: %w", path, payment.ErrRefused)
	}
	return g.call(ctx, http.MethodPost, path, body, out)
}

func (g *Gateway) get(ctx context.Context, path string, out any) error {
	return g.call(ctx, http.MethodGet, path, nil, out)
}

// call signs a request, and reads the answer once it is verified. Nothing is
// sent while no answer could be.
func (g *Gateway) call(ctx context.Context, method, path string, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	if err := g.ready(ctx); err != nil {
		return err
	}
	status, header, answer, err := g.send(ctx, method, path, body, maxAnswer)
	if err != nil {
		return err
	}
	if err := g.verify(ctx, header, answer); err != nil {
		return fmt.Errorf("%w: answer of %s with status %d: %v", payment.ErrUnknownOutcome, method, status, err) //nolint:errorlint // whoever signed it, we know nothing
	}
	return read(status, answer, out)
}

// read takes a verified answer.
func read(status int, answer []byte, out any) error {
	if status != http.StatusOK && status != http.StatusNoContent {
		p := problem{status: status}
		if json.Unmarshal(answer, &p) != nil {
			p.Code = ""
		}
		return &p
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("answer with status %d cannot be read: %w", status, payment.ErrUnknownOutcome)
	}
	return nil
}

// send makes one call and returns the bytes that came, not yet verified. It is
// ErrRetryable only when no connection came about.
func (g *Gateway) send(ctx context.Context, method, path string, body []byte, limit int64) (int, http.Header, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, "https://"+host+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, fmt.Errorf("%s: %w", method, payment.ErrRefused)
	}
	authorization, err := g.authorize(method, path, body)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("sign: %w: %w", payment.ErrRetryable, err)
	}
	r.Header.Set("Authorization", authorization)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "liangding-platform")
	if serial, _ := g.sealing(); serial != "" {
		r.Header.Set("Wechatpay-Serial", serial)
	}
	response, err := g.client.Do(r)
	if err != nil {
		return 0, nil, nil, unanswered(method, err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil || int64(len(answer)) > limit {
		return 0, nil, nil, fmt.Errorf("answer of %s with status %d: %w", method, response.StatusCode, payment.ErrUnknownOutcome)
	}
	return response.StatusCode, response.Header, answer, nil
}

// outside panics inside a decision, which may run several times.
func outside(ctx context.Context) {
	if platform.Deciding(ctx) {
		panic("wechatpay: an institution called inside platform.Update")
	}
}

// unanswered is a call that came to nothing: without a connection no byte of it
// was written.
func unanswered(method string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return fmt.Errorf("%s: %w", method, payment.ErrRetryable)
	}
	return fmt.Errorf("%s: %w", method, payment.ErrUnknownOutcome)
}

// authorize is the header by which WeChat knows the merchant.
func (g *Gateway) authorize(method, path string, body []byte) (string, error) {
	at, nonce := strconv.FormatInt(g.opts.Now().Unix(), 10), nonce()
	signature, err := g.sign(method, path, at, nonce, string(body))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`WECHATPAY2-SHA256-RSA2048 mchid=%q,nonce_str=%q,signature=%q,timestamp=%q,serial_no=%q`,
		g.merchant.ID, nonce, signature, at, g.merchant.Serial), nil
}

// sign is the merchant's signature over lines.
func (g *Gateway) sign(lines ...string) (string, error) {
	signature, err := g.merchant.Signer.Sign(rand.Reader, digest(lines...), crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return base64.StdEncoding.EncodeToString(signature), nil
}

// digest is SHA-256 over lines, each with its end.
func digest(lines ...string) []byte {
	h := sha256.New()
	for _, line := range lines {
		h.Write([]byte(line + "\n"))
	}
	return h.Sum(nil)
}

func nonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}
