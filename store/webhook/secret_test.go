package webhook_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform/store/webhook"
)

// vector is a signed message.
type vector struct {
	Secret, ID, Payload, Signature string
	Timestamp                      int64
}

// published is the message of the specification's libraries.
var published = vector{
	Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", ID: "msg_p5jXN8AQM9LWM0D4loKWxJek", Payload: `{"test": 2432232314}`,
	Timestamp: 1614265330, Signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}

func (v vector) at() time.Time { return time.Unix(v.Timestamp, 0) }

func (v vector) header() http.Header {
	h := http.Header{}
	h.Set("webhook-id", v.ID)
	h.Set("webhook-timestamp", strconv.FormatInt(v.Timestamp, 10))
	h.Set("webhook-signature", v.Signature)
	return h
}

func secrets(t require.TestingT, texts ...string) webhook.Secrets {
	s, err := webhook.ParseSecrets(texts...)
	require.NoError(t, err)
	return s
}

func TestSignaturesAreThoseOfTheSpecification(t *testing.T) {
	t.Parallel()
	all := struct{ Symmetric []vector }{[]vector{published}}
	if raw, err := os.ReadFile("../../../shared/data/vectors/standard_webhooks.json"); err == nil {
		var more struct{ Symmetric []vector }
		require.NoError(t, json.Unmarshal(raw, &more))
		all.Symmetric = append(all.Symmetric, more.Symmetric...)
	}
	for _, v := range all.Symmetric {
		for _, text := range []string{v.Secret, strings.TrimPrefix(v.Secret, "whsec_")} {
			s := secrets(t, text)
			assert.Equal(t, v.Signature, s.Sign(v.ID, v.at(), []byte(v.Payload)))
			id, err := s.Verify(v.header(), []byte(v.Payload), v.at())
			require.NoError(t, err)
			assert.Equal(t, v.ID, id)
		}
	}
}

func TestWhatIsNotSignedIsRefused(t *testing.T) {
	t.Parallel()
	s := secrets(t, published.Secret)
	for _, c := range []struct {
		what string
		edit func(http.Header)
		at   time.Duration
		want error
	}{
		{"no id", func(h http.Header) { h.Del("webhook-id") }, 0, webhook.ErrSignature},
		{"no timestamp", func(h http.Header) { h.Del("webhook-timestamp") }, 0, webhook.ErrSignature},
		{"no signature", func(h http.Header) { h.Del("webhook-signature") }, 0, webhook.ErrSignature},
		{"a timestamp that is no number", func(h http.Header) { h.Set("webhook-timestamp", "soon") }, 0, webhook.ErrSignature},
		{"a timestamp in another form", func(h http.Header) { h.Set("webhook-timestamp", "+1614265330") }, 0, webhook.ErrSignature},
		{"another id", func(h http.Header) { h.Set("webhook-id", "msg_other") }, 0, webhook.ErrSignature},
		{"another moment", func(h http.Header) { h.Set("webhook-timestamp", "1614265331") }, 0, webhook.ErrSignature},
		{"another signature", func(h http.Header) { h.Set("webhook-signature", "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=") }, 0, webhook.ErrSignature},
		{"an empty signature", func(h http.Header) { h.Set("webhook-signature", "v1,") }, 0, webhook.ErrSignature},
		{"a good one among others", func(h http.Header) {
			h.Set("webhook-signature", "v1,Ceo5 v2,bad "+published.Signature+" v1,bad")
		}, 0, nil},
		{"five minutes old", nil, 5 * time.Minute, nil},
		{"older", nil, 5*time.Minute + time.Second, webhook.ErrStale},
		{"of the future", nil, -5*time.Minute - time.Second, webhook.ErrStale},
	} {
		h := published.header()
		if c.edit != nil {
			c.edit(h)
		}
		_, err := s.Verify(h, []byte(published.Payload), published.at().Add(c.at))
		assert.ErrorIs(t, err, c.want, c.what)
	}
}

func TestASecretIsLongAndDoesNotPrint(t *testing.T) {
	t.Parallel()
	for _, bad := range [][]string{{}, {""}, {"whsec_"}, {"whsec_%%"}, {base64.StdEncoding.EncodeToString(make([]byte, 23))},
		{base64.StdEncoding.EncodeToString(make([]byte, 65))}, {published.Secret, published.Secret, published.Secret}, {published.Secret, ""}} {
		_, err := webhook.ParseSecrets(bad...)
		assert.ErrorIs(t, err, webhook.ErrSecret, bad)
	}
	s := secrets(t, webhook.NewSecret(), published.Secret)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.Equal(t, "2 secrets", fmt.Sprintf(verb, s))
	}
	one, other := webhook.NewSecret(), webhook.NewSecret()
	assert.NotEqual(t, one, other)
}

// TestEitherOfTwoSecretsVerifies while one takes the other's place.
func TestEitherOfTwoSecretsVerifies(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		older, newer := webhook.NewSecret(), webhook.NewSecret()
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		h := published.header()
		h.Set("webhook-signature", secrets(t, newer, older).Sign(published.ID, published.at(), body))
		for _, known := range []string{older, newer} {
			_, err := secrets(t, known).Verify(h, body, published.at())
			require.NoError(t, err)
		}
		_, err := secrets(t, newer).Verify(h, append(body, 0), published.at())
		require.ErrorIs(t, err, webhook.ErrSignature)
	})
}
