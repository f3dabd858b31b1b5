package refund

import (
	"fmt"
	"slices"

	"github.com/liangding/platform"
)

// Felt is what one party feels of a plan.
type Felt struct {
	Party  string         `json:"party"` // customer, merchant, staff, receiver, platform
	Of     platform.ID    `json:"of,omitempty"`
	Code   string         `json:"code"` // what it is: refund.felt.<code> in a catalogue of texts
	Amount platform.Money `json:"amount"`
	Text   string         `json:"text"` // in the reader's language
}

// felt are the texts, English and Chinese, by code; an amount stands at %s.
var felt = map[string][2]string{
	"refund":         {"the customer gets %s back the way it was paid", "客户原路退回 %s"},
	"manual":         {"the customer gets %s by bank transfer, once the account is proved and two people agree", "客户经银行转账收到 %s，须核验账户并经两人审批"},
	"reduce":         {"%s less is taken from the customer", "少向客户收取 %s"},
	"void":           {"nothing of the authorised %s is taken from the customer", "不再收取已授权的 %s"},
	"own":            {"%s that the platform had paid goes back to it", "平台已付的 %s 退回平台"},
	"escrow":         {"%s comes out of the money held for the order", "从订单托管资金中支出 %s"},
	"earning":        {"the merchant gives %s of what it earned with the order", "商户从本单收入中退回 %s"},
	"payable":        {"%s comes out of what is due to the party", "从应付款中扣减 %s"},
	"reserve":        {"%s comes out of the merchant's reserve", "从商户准备金中支出 %s"},
	"deposit":        {"%s comes out of the merchant's deposit", "从商户保证金中支出 %s"},
	"receivable":     {"%s is owed to the platform", "形成应收款 %s"},
	"tips":           {"%s of the tips is given back", "退回小费 %s"},
	"fee":            {"the platform gives %s of its fees back", "平台退回服务费 %s"},
	"tax":            {"%s of tax on the fees is given back with them", "随服务费退回税额 %s"},
	"kept":           {"the platform keeps %s of its fees, which the merchant bears", "平台保留服务费 %s，由商户承担"},
	"compensation":   {"the platform bears %s itself", "平台自行承担 %s"},
	"lost":           {"the institution keeps its fee of %s, which the platform bears", "支付机构不退手续费 %s，由平台承担"},
	"lost_merchant":  {"the institution keeps its fee of %s, which the merchant bears", "支付机构不退手续费 %s，由商户承担"},
	"return_share":   {"%s of what was split comes back from the receiver", "接收方退回分账 %s"},
	"claim_share":    {"%s of what was split cannot come back, and is owed", "分账 %s 无法退回，形成应收款"},
	"invoice_letter": {"%s is taken back by a red letter on the invoice", "发票红冲 %s"},
}

// Explain tells each party what it feels, the customer first, in Chinese ("zh…")
// or English.
func (p Plan) Explain(lang string) []Felt {
	x := explaining{lang: lang}
	for _, s := range p.Steps {
		switch s.Way {
		case ReturnShare, ClaimShare:
			x.say("receiver", s.Receiver, string(s.Way), s.Amount)
		case Own:
			x.say("platform", "", string(s.Way), s.Amount)
		default:
			x.say("customer", "", string(s.Way), s.Amount)
		}
	}
	for _, l := range p.Letters {
		x.say("customer", "", "invoice_letter", l.Amount)
	}
	for _, l := range p.Legs {
		x.leg(p, l)
	}
	for _, l := range p.Lines {
		for _, f := range l.Fees {
			if f.Kept {
				x.say("merchant", p.Merchant, "kept", f.Amount)
			}
		}
	}
	switch {
	case p.Lost.Sign() <= 0:
	case p.Lender == ByMerchant:
		x.say("merchant", p.Merchant, "lost_merchant", p.Lost)
	default:
		x.say("platform", "", "lost", p.Lost)
	}
	slices.SortStableFunc(x.all, func(a, b Felt) int { return compare(rank(a.Party), rank(b.Party)) })
	return x.all
}

// rank is the order in which parties are told.
func rank(party string) int {
	return slices.Index([]string{"customer", "merchant", "staff", "receiver", "platform"}, party)
}

// explaining is an explanation in the making: one line a party and code.
type explaining struct {
	lang string
	all  []Felt
}

func (x *explaining) leg(p Plan, l platform.Leg) {
	switch l.Role {
	case "refund_due", "gateway_fee": // told by the steps, and by what is lost
	case "escrow":
		x.say("platform", "", l.Role, l.Amount)
	case "compensation":
		x.say("platform", "", l.Role, l.Amount)
	case "output_tax":
		x.say("platform", "", "tax", l.Amount)
	case "earning", "reserve", "deposit":
		x.say("merchant", l.Party, l.Role, l.Amount)
	case "payable", "receivable", "tips":
		party := "staff"
		if l.Party == p.Merchant {
			party = "merchant"
		}
		x.say(party, l.Party, l.Role, l.Amount)
	default:
		x.say("platform", "", "fee", l.Amount)
	}
}

func (x *explaining) say(party string, of platform.ID, code string, amount platform.Money) {
	same := func(f Felt) bool { return f.Party == party && f.Of == of && f.Code == code }
	at := slices.IndexFunc(x.all, same)
	if at < 0 {
		at, x.all = len(x.all), append(x.all, Felt{Party: party, Of: of, Code: code})
	} else if sum, err := x.all[at].Amount.Add(amount); err == nil {
		amount = sum
	}
	text := felt[code][0]
	if len(x.lang) >= 2 && x.lang[:2] == "zh" {
		text = felt[code][1]
	}
	x.all[at].Amount, x.all[at].Text = amount, fmt.Sprintf(text, amount)
}
