package wechatpay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/liangding/platform/finance/payment"
)

// letter is a notice before it is opened.
type letter struct {
	ID       string    `json:"id"`
	At       time.Time `json:"create_time"`
	Resource resource  `json:"resource"`
}

// Notices implements [payment.Gateway]. A notice that tells of neither a charge
// nor a refund nor a split is verified, and tells nothing. WeChat signs each
// delivery anew; the same bytes again are ErrNoticeReplayed.
func (g *Gateway) Notices(ctx context.Context, header map[string][]string, raw []byte) ([]payment.Notice, error) {
	names := http.Header{}
	for name, values := range header {
		if len(values) > 0 {
			names.Set(name, values[0])
		}
	}
	switch err := g.verify(ctx, names, raw); {
	case errors.Is(err, errStale):
		return nil, fmt.Errorf("notice: %w", payment.ErrNoticeStale)
	case errors.Is(err, payment.ErrRetryable), errors.Is(err, payment.ErrUnknownOutcome):
		return nil, fmt.Errorf("notice under an unknown key: %w: %w", payment.ErrNoticeSignature, err)
	case err != nil:
		return nil, fmt.Errorf("notice: %w", payment.ErrNoticeSignature)
	}
	if !g.fresh(names.Get("Wechatpay-Serial") + "/" + names.Get("Wechatpay-Nonce")) {
		return nil, fmt.Errorf("notice: %w", payment.ErrNoticeReplayed)
	}
	var l letter
	if err := json.Unmarshal(raw, &l); err != nil || l.ID == "" {
		return nil, fmt.Errorf("notice: %w", payment.ErrNoticeForm)
	}
	plain, err := g.open(l.Resource)
	if err != nil {
		return nil, fmt.Errorf("notice %.64q is sealed for somebody else: %w", l.ID, payment.ErrNoticeSignature)
	}
	st, err := g.heard(l.Resource.Kind, plain)
	if err != nil {
		return nil, fmt.Errorf("notice %.64q: %w", l.ID, err)
	}
	if st.Key == "" {
		return nil, nil
	}
	return []payment.Notice{{ID: l.ID, At: l.At, Status: st}}, nil
}

// heard is what an opened notice tells.
func (g *Gateway) heard(kind string, plain []byte) (payment.Status, error) {
	var about account
	if err := json.Unmarshal(plain, &about); err != nil {
		return payment.Status{}, payment.ErrNoticeForm
	}
	if !g.mine(about) {
		return payment.Status{}, payment.ErrNoticeAccount
	}
	var o order
	var r refund
	var s sharing
	switch kind {
	case "transaction":
		if json.Unmarshal(plain, &o) == nil {
			return o.status(keyOf(o.Number, "att")), nil
		}
	case "refund":
		if json.Unmarshal(plain, &r) == nil {
			return r.status(keyOf(r.Number, "rtn")), nil
		}
	case "profitsharing": // tells that something became of one share: ask
		if json.Unmarshal(plain, &s) == nil {
			return payment.Status{Key: keyOf(s.Number, "spl"), Outcome: payment.Pending, Reference: s.ID}, nil
		}
	default:
		return payment.Status{}, nil
	}
	return payment.Status{}, payment.ErrNoticeForm
}

// fresh tells whether a nonce is seen for the first time. It is kept until its
// notice would be stale anyway.
func (g *Gateway) fresh(nonce string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.opts.Now()
	maps.DeleteFunc(g.nonces, func(_ string, at time.Time) bool { return now.Sub(at) > 2*tolerance })
	if _, seen := g.nonces[nonce]; seen {
		return false
	}
	g.nonces[nonce] = now
	return true
}
