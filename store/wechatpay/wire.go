package wechatpay

import (
	"errors"
	"fmt"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

var cny = platform.MustMoney("0.00", "CNY").Currency()

// fen is an amount as WeChat writes it. It fails with ErrUnrepresentable for
// another currency than CNY, and with ErrRefused for nothing.
func fen(m platform.Money) (int64, error) {
	switch {
	case m.Absent() || m.Sign() <= 0:
		return 0, fmt.Errorf("amount %s: %w", m, payment.ErrRefused)
	case m.Currency() != cny:
		return 0, fmt.Errorf("amount %s: %w", m, payment.ErrUnrepresentable)
	}
	return m.Minor(), nil
}

func yuan(fen int64) platform.Money {
	m, err := platform.FromMinor(fen, cny)
	if err != nil {
		return platform.Money{} // only for the one number that is no amount
	}
	return m
}

// number is our key as WeChat takes it: without its prefix, and with a dash for
// the dot of a retry; at most 32 letters, digits and dashes.
func number(k payment.Key, prefix string) (string, error) {
	text, ours := strings.CutPrefix(string(k), prefix+"_")
	if _, err := platform.ParseID(string(k.Record())); err != nil || !ours || len(text) > 32 {
		return "", fmt.Errorf("key %q: %w", k, payment.ErrRefused)
	}
	return strings.Replace(text, ".", "-", 1), nil
}

// keyOf is the key that a number was made of; empty when it is none of ours.
func keyOf(number, prefix string) payment.Key {
	k := payment.Key(prefix + "_" + strings.Replace(number, "-", ".", 1))
	if _, err := platform.ParseID(string(k.Record())); err != nil {
		return ""
	}
	return k
}

// problem is why WeChat did not do what was asked.
type problem struct {
	status int
	Code   string `json:"code"`
}

func (p *problem) Error() string { return fmt.Sprintf("status %d, code %.64q", p.status, p.Code) }

// Unwrap is what the problem means for the money: a code never heard of in an
// answer that is signed is a decline, but nothing of the 5xx is.
func (p *problem) Unwrap() error {
	switch p.Code {
	case "FREQUENCY_LIMITED", "FREQUENCY_LIMIT_EXCEED", "RATELIMIT_EXCEEDED":
		return payment.ErrRetryable
	case "SYSTEM_ERROR", "SYSTEMERROR", "BANK_ERROR", "USERPAYING":
		return payment.ErrUnknownOutcome
	case "NOT_SHARE_ORDER":
		return payment.ErrNotSplittable
	case "PARAM_ERROR", "INVALID_REQUEST", "SIGN_ERROR", "MCH_NOT_EXISTS", "APPID_MCHID_NOT_MATCH", "OUT_TRADE_NO_USED", "OPENID_MISMATCH",
		"ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS", "RESOURCE_ALREADY_EXISTS", "INVALID_TRANSACTIONID":
		return payment.ErrRefused
	}
	switch {
	case p.status == 429:
		return payment.ErrRetryable
	case p.status >= 400 && p.status < 500 && p.Code != "":
		return payment.ErrDeclined
	}
	return payment.ErrUnknownOutcome
}

// code is the institution's own code in an error; empty without one.
func code(err error) string {
	if p, ok := errors.AsType[*problem](err); ok {
		return p.Code
	}
	return ""
}

// failed is the answer to a call that did not go well.
func failed(k payment.Key, verb string, err error) (payment.Status, error) {
	st := payment.Status{Key: k}
	if errors.Is(err, payment.ErrDeclined) || errors.Is(err, payment.ErrRefused) {
		st.Outcome, st.Code = payment.Declined, code(err)
	}
	return st, fmt.Errorf("%s %s: %w", verb, k, err)
}

// told is a status as it goes out of a call: what was declined is an error too.
func told(st payment.Status) (payment.Status, error) {
	if st.Outcome == payment.Declined {
		return st, fmt.Errorf("%s %.64q: %w", st.Key, st.Code, payment.ErrDeclined)
	}
	return st, nil
}

// found is a status as a look-up tells it: what WeChat does not know is absent.
func found(k payment.Key, st payment.Status, err error) (payment.Status, error) {
	switch code(err) {
	case "ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS":
		return payment.Status{Key: k, Outcome: payment.Absent}, nil
	}
	if err == nil {
		return st, nil
	}
	if !errors.Is(err, payment.ErrRetryable) {
		err = fmt.Errorf("%w: %v", payment.ErrUnknownOutcome, err) //nolint:errorlint // a refused look-up says nothing about the operation
	}
	return payment.Status{Key: k}, fmt.Errorf("look up %s: %w", k, err)
}
