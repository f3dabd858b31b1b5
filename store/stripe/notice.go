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
// refunds and payouts with our keys, and disputes of such charges, is verified,
// and tells nothing. An event has no key of the charge that is disputed: that is
// asked for, and while that is not known, the error is ErrRetryable.
func (g *Gateway) Notices(ctx context.Context, header map[string][]string, raw []byte) ([]payment.Notice, error) {
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
	st, dispute, err := g.heard(e.Data.Object)
	if err != nil {
		return nil, fmt.Errorf("notice %.64q: %w", e.ID, payment.ErrNoticeForm)
	}
	if dispute != "" {
		d, err := g.Dispute(ctx, dispute)
		if err != nil {
			return nil, fmt.Errorf("notice %.64q: %w", e.ID, before(err))
		}
		st = payment.Status{Key: d.Charge, Outcome: payment.Pending, Amount: d.Amount, Code: d.Reason}
	}
	if st.Key == "" {
		return nil, nil
	}
	return []payment.Notice{{ID: e.ID, At: time.Unix(e.Created, 0).UTC(), Status: st, Dispute: dispute}}, nil
}

// heard is what the object of an event tells, or which dispute it is.
func (g *Gateway) heard(object json.RawMessage) (st payment.Status, dispute string, err error) {
	var about struct {
		ID       string            `json:"id"`
		Kind     string            `json:"object"`
		Metadata map[string]string `json:"metadata"`
	}
	if err := json.Unmarshal(object, &about); err != nil {
		return payment.Status{}, "", err
	}
	if about.Kind == "dispute" {
		return payment.Status{}, about.ID, nil
	}
	k := payment.Key(about.Metadata[ofKey])
	if k == "" {
		return payment.Status{}, "", nil
	}
	var p stripe.PaymentIntent
	var r stripe.Refund
	var o stripe.Payout
	switch about.Kind {
	case "payment_intent":
		err = json.Unmarshal(object, &p)
		st = g.status(k, &p)
	case "refund":
		err = json.Unmarshal(object, &r)
		st = g.refunded(k, &r)
	case "payout":
		err = json.Unmarshal(object, &o)
		st = g.sent(k, &o)
	}
	return st, "", err
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
