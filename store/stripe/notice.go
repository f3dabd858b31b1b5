package stripe

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"

	"github.com/liangding/platform/finance/payment"
)

// Notices implements [payment.Gateway]. An event of anything but payment intents,
// refunds and payouts with our keys is verified, and tells nothing.
func (g *Gateway) Notices(_ context.Context, header map[string][]string, raw []byte) ([]payment.Notice, error) {
	if err := g.verify(header, raw); err != nil {
		return nil, fmt.Errorf("notice: %w", err)
	}
	var e struct {
		ID      string `json:"id"`
		Type    string `json:"type"`
		Created int64  `json:"created"`
		Data    struct {
			Object json.RawMessage `json:"object"`
		} `json:"data"`
	}
	if err := json.Unmarshal(raw, &e); err != nil || e.ID == "" || len(e.Data.Object) == 0 {
		return nil, fmt.Errorf("notice: %w", payment.ErrNoticeForm)
	}
	st, err := g.heard(e.Data.Object)
	if err != nil {
		return nil, fmt.Errorf("notice %.64q: %w", e.ID, payment.ErrNoticeForm)
	}
	if st.Key == "" {
		return nil, nil
	}
	return []payment.Notice{{ID: e.ID, At: time.Unix(e.Created, 0).UTC(), Status: st}}, nil
}

// heard is what the object of an event tells.
func (g *Gateway) heard(object json.RawMessage) (payment.Status, error) {
	var about struct {
		Kind     string            `json:"object"`
		Metadata map[string]string `json:"metadata"`
	}
	if err := json.Unmarshal(object, &about); err != nil {
		return payment.Status{}, err
	}
	k := payment.Key(about.Metadata[ofKey])
	if k == "" {
		return payment.Status{}, nil
	}
	var p stripe.PaymentIntent
	var r stripe.Refund
	var o stripe.Payout
	switch about.Kind {
	case "payment_intent":
		err := json.Unmarshal(object, &p)
		return g.status(k, &p), err
	case "refund":
		err := json.Unmarshal(object, &r)
		return g.refunded(k, &r), err
	case "payout":
		err := json.Unmarshal(object, &o)
		return g.sent(k, &o), err
	}
	return payment.Status{}, nil
}

// verify wants bytes to be signed by one of the live secrets within five minutes
// of now. A header may carry several signatures; one that fits is enough.
func (g *Gateway) verify(header map[string][]string, raw []byte) error {
	var at string
	var signatures [][]byte
	for part := range strings.SplitSeq(field(header, "Stripe-Signature"), ",") {
		switch name, value, _ := strings.Cut(part, "="); name {
		case "t":
			at = value
		case "v1":
			if signature, err := hex.DecodeString(value); err == nil {
				signatures = append(signatures, signature)
			}
		}
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || !g.signed(at, raw, signatures) {
		return payment.ErrNoticeSignature
	}
	if age := g.opts.Now().Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return payment.ErrNoticeStale
	}
	return nil
}

func (g *Gateway) signed(at string, raw []byte, signatures [][]byte) (signed bool) {
	for _, secret := range g.webhooks {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(at + "."))
		mac.Write(raw)
		want := mac.Sum(nil)
		for _, signature := range signatures {
			signed = hmac.Equal(signature, want) || signed
		}
	}
	return signed
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
