package wechatpay

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // WeChat seals names by OAEP over it
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/liangding/platform/finance/payment"
)

// maxShares is how many receivers one split has at most.
const maxShares = 50

// receiver is an account in the documents of a split.
type receiver struct {
	Type    string `json:"type"`
	Account string `json:"account"`
	Amount  int64  `json:"amount"`
	About   string `json:"description"`
	Result  string `json:"result,omitempty"`
	Reason  string `json:"fail_reason,omitempty"`
}

// sharing is what WeChat says about a split.
type sharing struct {
	Number    string     `json:"out_order_no"`
	ID        string     `json:"order_id"`
	State     string     `json:"state"`
	Receivers []receiver `json:"receivers"`
}

// accountType tells a merchant's number from a person's open id.
func accountType(account string) string {
	if strings.Trim(account, "0123456789") == "" {
		return "MERCHANT_ID"
	}
	return "PERSONAL_OPENID"
}

// AddReceiver implements [payment.Splitter]. The account is a merchant's number
// or an open id; the name is sealed for WeChat, which compares it.
func (g *Gateway) AddReceiver(ctx context.Context, r payment.Receiver) error {
	if r.Account == "" {
		return fmt.Errorf("add a receiver without account: %w", payment.ErrRefused)
	}
	in := map[string]any{"appid": g.merchant.App, "type": accountType(r.Account), "account": r.Account, "relation_type": "SUPPLIER"}
	if r.Name != "" {
		name, err := g.seal(ctx, r.Name)
		if err != nil {
			return fmt.Errorf("add a receiver: %w", err)
		}
		in["name"] = name
	}
	g.forSub(in)
	if err := g.post(ctx, "/v3/profitsharing/receivers/add", in, nil); err != nil {
		return fmt.Errorf("add a receiver: %w", err)
	}
	return nil
}

// seal encrypts a text for the institution.
func (g *Gateway) seal(ctx context.Context, text string) (string, error) {
	if err := g.ready(ctx); err != nil {
		return "", err
	}
	_, key := g.sealing()
	sealed, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, key, []byte(text), nil) //nolint:gosec // as WeChat has it
	if err != nil {
		return "", fmt.Errorf("seal: %w", payment.ErrRefused)
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}

// Split implements [payment.Splitter]. What WeChat's fee took from the charge
// cannot be shared out.
func (g *Gateway) Split(ctx context.Context, p payment.Split) (payment.Status, error) {
	no, err := number(p.Key, "spl")
	if err != nil {
		return payment.Status{Key: p.Key}, fmt.Errorf("split: %w", err)
	}
	receivers, err := shares(p)
	if err == nil && !g.opts.Split {
		err = payment.ErrNotSplittable
	}
	if err != nil {
		return payment.Status{Key: p.Key}, fmt.Errorf("split %s: %w", p.Key, err)
	}
	o, err := g.paid(ctx, p.Charge, "")
	if err != nil {
		return failed(p.Key, "split", err)
	}
	path, in := "/v3/profitsharing/orders", map[string]any{
		"appid": g.merchant.App, "transaction_id": o.ID, "out_order_no": no, "receivers": receivers, "unfreeze_unsplit": p.Final,
	}
	if len(receivers) == 0 {
		path, in = path+"/unfreeze", map[string]any{"transaction_id": o.ID, "out_order_no": no, "description": no}
	}
	g.forSub(in)
	var out sharing
	if err := g.post(ctx, path, in, &out); err != nil {
		return failed(p.Key, "split", err)
	}
	st, _ := out.status(p)
	return told(st)
}

// shares are the receivers of a split, in its own order.
func shares(p payment.Split) ([]receiver, error) {
	if len(p.Shares) > maxShares || len(p.Shares) == 0 && !p.Final || p.Charge == "" {
		return nil, payment.ErrRefused
	}
	receivers := make([]receiver, 0, len(p.Shares))
	for _, s := range p.Shares {
		amount, err := fen(s.Amount)
		if err != nil {
			return nil, err
		}
		receivers = append(receivers, receiver{Type: accountType(s.Account), Account: s.Account, Amount: amount, About: string(p.Key)})
	}
	return receivers, nil
}

// status is how a split stands, and which of its shares arrived. WeChat lists
// what went back to the merchant among them.
func (s sharing) status(p payment.Split) (payment.Status, []payment.Share) {
	st := payment.Status{Key: p.Key, Outcome: payment.Pending, Reference: s.ID}
	var arrived []payment.Share
	var total int64
	for _, r := range s.Receivers {
		share := payment.Share{Account: r.Account, Amount: yuan(r.Amount)}
		switch {
		case !slices.Contains(p.Shares, share):
		case r.Result == "SUCCESS":
			arrived, total = append(arrived, share), total+r.Amount
		case r.Result == "CLOSED":
			st.Code = r.Reason
		}
	}
	st.Amount = yuan(total)
	if s.State != "FINISHED" {
		st.Code = ""
		return st, nil
	}
	st.Outcome = payment.Done
	if len(p.Shares) > 0 && len(arrived) == 0 {
		st.Outcome = payment.Declined
	}
	return st, arrived
}

// LookupSplit implements [payment.Splitter].
func (g *Gateway) LookupSplit(ctx context.Context, p payment.Split) (payment.Status, []payment.Share, error) {
	no, err := number(p.Key, "spl")
	if err != nil {
		return payment.Status{Key: p.Key}, nil, fmt.Errorf("look up: %w", err)
	}
	o, err := g.paid(ctx, p.Charge, "")
	if err != nil {
		st, err := found(p.Key, payment.Status{}, err)
		return st, nil, err
	}
	var out sharing
	err = g.get(ctx, "/v3/profitsharing/orders/"+no+"?transaction_id="+url.QueryEscape(o.ID)+g.of("&"), &out)
	st, arrived := out.status(p)
	st, err = found(p.Key, st, err)
	return st, arrived, err
}

// returned is what WeChat says about the return of a share.
type returned struct {
	ID     string `json:"return_id"`
	Amount int64  `json:"amount"`
	Result string `json:"result"`
	Reason string `json:"fail_reason"`
}

// ReturnSplit implements [payment.Splitter]: from merchants that agreed to it, for
// 180 days.
func (g *Gateway) ReturnSplit(ctx context.Context, r payment.SplitReturn) (payment.Status, error) {
	amount, err := fen(r.Amount)
	if err != nil {
		return payment.Status{Key: r.Key}, fmt.Errorf("return of a share %s: %w", r.Key, err)
	}
	no, of, err := numbers(r)
	if err != nil {
		return payment.Status{Key: r.Key}, err
	}
	in := map[string]any{"out_order_no": of, "out_return_no": no, "return_mchid": r.Account, "amount": amount, "description": no}
	g.forSub(in)
	var out returned
	if err := g.post(ctx, "/v3/profitsharing/return-orders", in, &out); err != nil {
		return failed(r.Key, "return of a share", err)
	}
	return told(out.status(r.Key))
}

// LookupReturn implements [payment.Splitter].
func (g *Gateway) LookupReturn(ctx context.Context, r payment.SplitReturn) (payment.Status, error) {
	no, of, err := numbers(r)
	if err != nil {
		return payment.Status{Key: r.Key}, err
	}
	var out returned
	err = g.get(ctx, "/v3/profitsharing/return-orders/"+no+"?out_order_no="+of+g.of("&"), &out)
	return found(r.Key, out.status(r.Key), err)
}

func (r returned) status(k payment.Key) payment.Status {
	st := payment.Status{Key: k, Outcome: payment.Pending, Amount: yuan(r.Amount), Reference: r.ID}
	switch r.Result {
	case "SUCCESS":
		st.Outcome = payment.Done
	case "FAILED":
		st.Outcome, st.Code = payment.Declined, r.Reason
	}
	return st
}

// numbers are those of a return and of its split.
func numbers(r payment.SplitReturn) (no, of string, err error) {
	if no, err = number(r.Key, "spr"); err == nil {
		of, err = number(r.Split, "spl")
	}
	if err != nil {
		return "", "", fmt.Errorf("return of a share: %w", err)
	}
	return no, of, nil
}
