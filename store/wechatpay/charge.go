package wechatpay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/liangding/platform/finance/payment"
)

// closable is how long after its making an order may be closed at the earliest.
const closable = 5 * time.Minute

// price is an amount in a document.
type price struct {
	Total    int64  `json:"total"`
	Currency string `json:"currency,omitempty"`
}

// order is what WeChat says about a charge.
type order struct {
	account
	Number string `json:"out_trade_no"`
	ID     string `json:"transaction_id"`
	State  string `json:"trade_state"`
	Amount price  `json:"amount"`
}

// Charge implements [payment.Gateway]. The payer always acts: by the QR code in
// Status.Action, or inside WeChat by the JSON document there, which is what
// requestPayment takes.
func (g *Gateway) Charge(ctx context.Context, c payment.Charge) (payment.Status, error) {
	total, err := fen(c.Amount)
	if err != nil {
		return payment.Status{Key: c.Key}, fmt.Errorf("charge %s: %w", c.Key, err)
	}
	no, err := number(c.Key, "att")
	if err != nil {
		return payment.Status{Key: c.Key}, fmt.Errorf("charge: %w", err)
	}
	method, payer, _ := strings.Cut(c.Method, ":")
	if method != "native" && (method != "jsapi" || payer == "") {
		return payment.Status{Key: c.Key}, fmt.Errorf("charge %s: %w", c.Key, payment.ErrMethod)
	}
	until := g.until(c.Key)
	in := map[string]any{
		"description": g.opts.Describe(c), "out_trade_no": no, "time_expire": until.In(beijing).Format(time.RFC3339), "notify_url": g.merchant.Notify,
		"amount": price{Total: total, Currency: "CNY"}, "settle_info": map[string]bool{"profit_sharing": g.opts.Split},
	}
	maps.Copy(in, g.parties())
	if method == "jsapi" {
		in["payer"] = map[string]string{g.by("openid"): payer}
	}
	var out struct {
		Code   string `json:"code_url"`
		Prepay string `json:"prepay_id"`
	}
	err = g.post(ctx, g.trade()+method, in, &out)
	switch code(err) {
	case "ORDERPAID", "ORDER_PAID", "ORDER_CLOSED", "ORDERCLOSED":
		return g.decided(ctx, c)
	}
	if err != nil {
		return failed(c.Key, "charge", err)
	}
	st := payment.Status{Key: c.Key, Outcome: payment.NeedsAction, Amount: c.Amount, Action: out.Code, Until: until}
	if method == "jsapi" && out.Prepay != "" {
		st.Action, err = g.requestPayment(out.Prepay)
	}
	if st.Action == "" || err != nil {
		return payment.Status{Key: c.Key}, fmt.Errorf("charge %s without an action: %w", c.Key, payment.ErrUnknownOutcome)
	}
	return st, nil
}

// until is when the payer's time is over. It follows from the key, so that the
// same charge is the same document.
func (g *Gateway) until(k payment.Key) time.Time {
	return k.Record().Time().Add(g.opts.Within).Truncate(time.Second)
}

// decided is the answer to a charge that is over already.
func (g *Gateway) decided(ctx context.Context, c payment.Charge) (payment.Status, error) {
	st, err := g.lookupCharge(ctx, c.Key)
	if err != nil {
		return st, err
	}
	if st.Amount != c.Amount {
		return payment.Status{Key: c.Key}, fmt.Errorf("charge %s with another amount: %w", c.Key, payment.ErrRefused)
	}
	return told(st)
}

// requestPayment is what a page inside WeChat hands to the function of that name.
func (g *Gateway) requestPayment(prepay string) (string, error) {
	at, nonce, what := strconv.FormatInt(g.opts.Now().Unix(), 10), nonce(), "prepay_id="+prepay
	signature, err := g.sign(g.merchant.App, at, nonce, what)
	if err != nil {
		return "", err
	}
	document, err := json.Marshal(map[string]string{
		"appId": g.merchant.App, "timeStamp": at, "nonceStr": nonce, "package": what, "signType": "RSA", "paySign": signature,
	})
	return string(document), err
}

// lookupCharge asks about a charge. One that was not paid in time is closed
// first, so that what is called declined stays so.
func (g *Gateway) lookupCharge(ctx context.Context, k payment.Key) (payment.Status, error) {
	no, err := number(k, "att")
	if err != nil {
		return payment.Status{Key: k}, fmt.Errorf("look up: %w", err)
	}
	o, err := g.order(ctx, no)
	if now := g.opts.Now(); err == nil && o.State == "NOTPAY" && !now.Before(g.until(k)) && now.Sub(k.Record().Time()) >= closable {
		whose := g.parties()
		delete(whose, g.by("appid"))
		if g.post(ctx, g.trade()+"out-trade-no/"+no+"/close", whose, nil) == nil {
			o, err = g.order(ctx, no)
		}
	}
	return found(k, o.status(k), err)
}

// order asks about an order by our number.
func (g *Gateway) order(ctx context.Context, number string) (order, error) {
	return g.ask(ctx, "out-trade-no/"+number)
}

func (g *Gateway) ask(ctx context.Context, name string) (order, error) {
	var o order
	err := g.get(ctx, g.trade()+name+"?"+g.by("mchid")+"="+url.QueryEscape(g.merchant.ID)+g.of("&"), &o)
	if err == nil && (!g.mine(o.account) || o.Amount.Currency != "" && o.Amount.Currency != "CNY") {
		err = fmt.Errorf("an order of somebody else: %w", payment.ErrUnknownOutcome)
	}
	return o, err
}

// status is how an order stands. A state never heard of decides nothing.
func (o order) status(k payment.Key) payment.Status {
	st := payment.Status{Key: k, Outcome: payment.Pending, Amount: yuan(o.Amount.Total), Reference: o.ID}
	switch o.State {
	case "SUCCESS", "REFUND":
		st.Outcome = payment.Done
	case "CLOSED", "REVOKED", "PAYERROR":
		st.Outcome, st.Code = payment.Declined, o.State
	}
	return st
}

// paid is the order of a charge that is paid, by our key or else by WeChat's own
// id of it. It is ErrRefused when there is none, and ErrRetryable when that is
// not known, for nothing was sent yet.
func (g *Gateway) paid(ctx context.Context, charge payment.Key, id string) (order, error) {
	name := "id/" + url.PathEscape(id)
	if charge != "" {
		no, err := number(charge, "att")
		if err != nil {
			return order{}, err
		}
		name = "out-trade-no/" + no
	} else if id == "" {
		return order{}, payment.ErrRefused
	}
	o, err := g.ask(ctx, name)
	switch {
	case errors.Is(err, payment.ErrRefused):
		return order{}, err
	case err != nil:
		return order{}, fmt.Errorf("the order is not known: %w: %v", payment.ErrRetryable, err) //nolint:errorlint // it is a look-up that failed, before anything was sent
	case o.status("").Outcome != payment.Done:
		return order{}, fmt.Errorf("order in state %.32q: %w", o.State, payment.ErrRefused)
	}
	return o, nil
}
