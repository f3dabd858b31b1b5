package stripe_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/payment/gatewaytest"
	"github.com/liangding/platform/store/stripe"
)

// shapes shows every request to stripe-mock, which knows Stripe's own description
// of its interface and nothing else, before the fake answers it.
type shapes struct {
	*institution
	t    *testing.T
	mock string
}

func (s shapes) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(readable(r))
	if err != nil {
		return nil, err
	}
	shown := r.Clone(s.t.Context())
	shown.URL.Scheme, shown.URL.Host = "http", s.mock
	shown.Body = io.NopCloser(bytes.NewReader(body))
	shown.Header.Set("Authorization", "Bearer sk_test_123")
	verdict, err := s.pool.RoundTrip(shown)
	if err != nil {
		return nil, err
	}
	said, err := io.ReadAll(verdict.Body)
	if err != nil {
		return nil, err
	}
	assert.NoError(s.t, verdict.Body.Close())
	assert.Less(s.t, verdict.StatusCode, 400, "%s %s %s: %s", r.Method, r.URL.Path, body, said)
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	return s.institution.RoundTrip(again)
}

func readable(r *http.Request) io.Reader {
	if r.Body == nil {
		return strings.NewReader("")
	}
	return r.Body
}

// mock starts stripe-mock, and returns where it listens.
func mock(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("stripe-mock")
	if err != nil {
		t.Skip("stripe-mock is not on the path: shapes of requests are not checked")
	}
	run := exec.CommandContext(t.Context(), path, "-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0")
	out, err := run.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, run.Start())
	t.Cleanup(func() {
		_ = run.Process.Kill() // it may have ended by itself
		_ = run.Wait()         // which tells that it was killed
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, at, ok := strings.Cut(lines.Text(), "Listening for HTTP at address: "); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the process
			return at
		}
	}
	t.Fatal("stripe-mock does not listen")
	return ""
}

// TestShapesAreThoseOfStripe runs the whole suite once more.
func TestShapesAreThoseOfStripe(t *testing.T) {
	t.Parallel()
	at := mock(t)
	t.Run("suite", func(t *testing.T) {
		gatewaytest.Conformance(t, func(t *testing.T) gatewaytest.Institution {
			t.Helper()
			f := opened(t)
			return hands(t, f, f.gateway(func(o *stripe.Options) { o.Transport = shapes{f, t, at} }))
		})
	})
	f := opened(t)
	g := f.gateway(func(o *stripe.Options) { o.Transport, o.Return = shapes{f, t, at}, "https://example.org/back" })
	_, err := g.Charge(t.Context(), charge(1, price))
	require.NoError(t, err)
	f.object(f.all["payment_intents"][0])
	reference := f.object(f.all["payment_intents"][0])
	_, err = g.Evidence(t.Context(), payment.Evidence{Dispute: reference, Text: "signed at the door"})
	require.NoError(t, err)
	_, err = g.Accept(t.Context(), f.all["disputes"][0]["id"].(string))
	require.NoError(t, err)
	_, err = g.LookupPayout(t.Context(), payment.Payout{Key: key("pay", 1), Account: "acct_1"})
	require.NoError(t, err)
}
