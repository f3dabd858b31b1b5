package wechatpay

import (
	"context"
	"fmt"

	"github.com/liangding/platform/finance/payment"
)

// refund is what WeChat says about a refund; a notice calls its state otherwise.
type refund struct {
	Number string `json:"out_refund_no"`
	ID     string `json:"refund_id"`
	State  string `json:"status"`
	Told   string `json:"refund_status"`
	Amount struct {
		Refund int64 `json:"refund"`
	} `json:"amount"`
}

// Refund implements [payment.Gateway]. It looks the charge up first, since WeChat
// wants its total.
func (g *Gateway) Refund(ctx context.Context, r payment.Refund) (payment.Status, error) {
	amount, err := fen(r.Amount)
	if err != nil {
		return payment.Status{Key: r.Key}, fmt.Errorf("refund %s: %w", r.Key, err)
	}
	no, err := number(r.Key, "rtn")
	if err != nil {
		return payment.Status{Key: r.Key}, fmt.Errorf("refund: %w", err)
	}
	o, err := g.paid(ctx, r.Charge, r.Reference)
	if err != nil {
		return failed(r.Key, "refund", err)
	}
	in := map[string]any{
		"transaction_id": o.ID, "out_refund_no": no, "notify_url": g.merchant.Notify,
		"amount": map[string]any{"refund": amount, "total": o.Amount.Total, "currency": "CNY"},
	}
	g.forSub(in)
	var out refund
	if err := g.post(ctx, "/v3/refund/domestic/refunds", in, &out); err != nil {
		return failed(r.Key, "refund", err)
	}
	return told(out.status(r.Key))
}

func (g *Gateway) lookupRefund(ctx context.Context, k payment.Key) (payment.Status, error) {
	no, err := number(k, "rtn")
	if err != nil {
		return payment.Status{Key: k}, fmt.Errorf("look up: %w", err)
	}
	var out refund
	err = g.get(ctx, "/v3/refund/domestic/refunds/"+no+g.of("?"), &out)
	return found(k, out.status(k), err)
}

// status is how a refund stands. One that is abnormal got stuck on the way to
// the payer, and somebody has to direct it: it is not over.
func (r refund) status(k payment.Key) payment.Status {
	st := payment.Status{Key: k, Outcome: payment.Pending, Amount: yuan(r.Amount.Refund), Reference: r.ID}
	switch r.State + r.Told {
	case "SUCCESS":
		st.Outcome = payment.Done
	case "CLOSED":
		st.Outcome, st.Code = payment.Declined, "CLOSED"
	case "ABNORMAL":
		st.Code = "ABNORMAL"
	}
	return st
}
