package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of a signed message, as in the Standard Webhooks specification.
const (
	headerID        = "Webhook-Id"
	headerTime      = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// tolerance is how far the moment of a message may be from now.
const tolerance = 5 * time.Minute

// Secrets are what sender and receiver share: one, or two while one takes the
// other's place. They do not print.
type Secrets struct{ keys [][]byte }

// NewSecret is a secret that nobody knows yet, as text.
func NewSecret() string {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	return "whsec_" + base64.StdEncoding.EncodeToString(key[:])
}

// ParseSecrets reads one or two secrets: 24 to 64 bytes in base64, with or
// without "whsec_" before them. It fails with [ErrSecret].
func ParseSecrets(texts ...string) (Secrets, error) {
	var s Secrets
	for _, text := range texts {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
		if err != nil || len(key) < 24 || len(key) > 64 {
			return Secrets{}, ErrSecret
		}
		s.keys = append(s.keys, key)
	}
	if len(s.keys) < 1 || len(s.keys) > 2 {
		return Secrets{}, ErrSecret
	}
	return s, nil
}

// String does not tell them.
func (s Secrets) String() string { return fmt.Sprintf("%d secrets", len(s.keys)) }

// GoString does not tell them.
func (s Secrets) GoString() string { return s.String() }

// Sign is the signature over id, moment (to the second) and body: one under each
// secret, so that a receiver may know the old one or the new.
func (s Secrets) Sign(id string, at time.Time, body []byte) string {
	return strings.Join(s.signatures(id, strconv.FormatInt(at.Unix(), 10), body), " ")
}

func (s Secrets) signatures(id, timestamp string, body []byte) []string {
	all := make([]string, len(s.keys))
	for i, key := range s.keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		all[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return all
}

// Verify is for who receives: it returns the message's id, under which a repeat
// is known, when a signature fits one of the secrets and the message is of within
// five minutes of now. It fails with [ErrSignature] and [ErrStale].
func (s Secrets) Verify(h http.Header, body []byte, now time.Time) (id string, err error) {
	id, timestamp := h.Get(headerID), h.Get(headerTime)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil || strconv.FormatInt(seconds, 10) != timestamp {
		return "", ErrSignature
	}
	signed := false
	for _, want := range s.signatures(id, timestamp, body) {
		for got := range strings.FieldsSeq(h.Get(headerSignature)) {
			signed = hmac.Equal([]byte(got), []byte(want)) || signed
		}
	}
	if !signed {
		return "", ErrSignature
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return "", ErrStale
	}
	return id, nil
}
