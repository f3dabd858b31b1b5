package wechatpay

import (
	"fmt"
	"net/url"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

var (
	_ payment.Gateway  = Partner{}
	_ payment.Splitter = Partner{}
)

// Partner is the account of a sub-merchant (特约商户) at WeChat Pay, for whom a
// service provider (服务商) acts. Payers pay the sub-merchant; shares go out of its
// money to receivers, the provider among them if it was added; what is left when
// the charge ends is the sub-merchant's. Its own bills it gets from WeChat itself.
type Partner struct {
	payment.Gateway
	payment.Splitter
}

// NewPartner returns the gateway of a sub-merchant, and whose account that is: our
// id of the party. The merchant is the provider, who signs; each sub-merchant is an
// institution of its own in our books, so that Options.Name is needed. It fails as
// [New] does.
func NewPartner(provider Merchant, sub string, owner platform.ID, opts *Options) (Partner, error) {
	g, err := New(provider, opts)
	if err == nil && (sub == "" || owner == "" || opts == nil || opts.Name == "") {
		err = fmt.Errorf("a sub-merchant of WeChat Pay without id, owner or name: %w", platform.ErrInvalid)
	}
	g.sub, g.owner = sub, owner
	return Partner{g, g}, err
}

// account is whose a document is.
type account struct {
	Merchant string `json:"mchid"`
	Provider string `json:"sp_mchid"`
	Sub      string `json:"sub_mchid"`
}

// mine tells whether a document is of this gateway's account.
func (g *Gateway) mine(a account) bool {
	if g.sub == "" {
		return a.Merchant == g.merchant.ID
	}
	return a.Provider == g.merchant.ID && a.Sub == g.sub
}

// by is what WeChat calls a field that is the provider's, if there is one.
func (g *Gateway) by(name string) string {
	if g.sub == "" {
		return name
	}
	return "sp_" + name
}

// trade is where charges are made and asked about.
func (g *Gateway) trade() string {
	if g.sub == "" {
		return "/v3/pay/transactions/"
	}
	return "/v3/pay/partner/transactions/"
}

// parties are who charges, and for whom.
func (g *Gateway) parties() map[string]any {
	in := map[string]any{g.by("appid"): g.merchant.App, g.by("mchid"): g.merchant.ID}
	g.forSub(in)
	return in
}

// forSub names the sub-merchant in a document, if there is one.
func (g *Gateway) forSub(in map[string]any) {
	if g.sub != "" {
		in["sub_mchid"] = g.sub
	}
}

// of names the sub-merchant in a query, if there is one.
func (g *Gateway) of(joint string) string {
	if g.sub == "" {
		return ""
	}
	return joint + "sub_mchid=" + url.QueryEscape(g.sub)
}
