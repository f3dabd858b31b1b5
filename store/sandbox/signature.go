package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

// The headers of a signed notice, as in the Standard Webhooks specification.
const (
	headerID        = "Webhook-Id"
	headerTime      = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// tolerance is how far the moment of a notice may be from now.
const tolerance = 5 * time.Minute

// secretOf reads a secret, with or without its prefix.
func secretOf(text string) ([]byte, error) {
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
	if err != nil || len(secret) == 0 {
		return nil, fmt.Errorf("read the secret of a sandbox: %w", platform.ErrInvalid)
	}
	return secret, nil
}

// sign is the signature over id.timestamp.body: HMAC-SHA-256, version 1.
func sign(secret []byte, id, timestamp string, raw []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(raw)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func header(secret []byte, id string, at time.Time, raw []byte) map[string][]string {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	return map[string][]string{headerID: {id}, headerTime: {timestamp}, headerSignature: {sign(secret, id, timestamp, raw)}}
}

// verify returns the id of a notice that was signed with the secret within five
// minutes of now, and fails with payment.ErrNoticeSignature or ErrNoticeStale. A
// header may carry several signatures; one that fits is enough.
func verify(secret []byte, header map[string][]string, raw []byte, now time.Time) (string, error) {
	id, timestamp, signatures := field(header, headerID), field(header, headerTime), field(header, headerSignature)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil {
		return "", fmt.Errorf("notice without id or time: %w", payment.ErrNoticeSignature)
	}
	want, signed := []byte(sign(secret, id, timestamp, raw)), false
	for s := range strings.FieldsSeq(signatures) {
		signed = hmac.Equal([]byte(s), want) || signed
	}
	if !signed {
		return "", fmt.Errorf("notice %.64q: %w", id, payment.ErrNoticeSignature)
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return "", fmt.Errorf("notice %.64q: %w", id, payment.ErrNoticeStale)
	}
	return id, nil
}

// field is a header's first value, by a name in any case.
func field(header map[string][]string, name string) string {
	for key, values := range header {
		if len(values) > 0 && strings.EqualFold(key, name) {
			return values[0]
		}
	}
	return ""
}
