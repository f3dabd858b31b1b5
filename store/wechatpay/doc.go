// Package wechatpay is WeChat Pay (微信支付), API v3, as a payment gateway: for a
// merchant of its own that takes payments by QR code (native) and inside WeChat
// (jsapi), gives them back, and shares them out (分账).
//
// [NewPartner] is the same for a service provider, with one gateway for each of its
// sub-merchants.
//
// Begin with [New] and hand the result to payment.New among its gateways. The
// method of a charge is "native", or "jsapi:" with the payer's open id; a notice
// that WeChat posts goes to payment.Service.Receive as it came.
//
// Every answer and notice is verified over its exact bytes before any of it is
// read. An answer that cannot be verified is an unknown outcome, whatever it
// says. The institution's keys are the public key of the merchant's account and
// the platform certificates, side by side, told apart by their serials;
// certificates are downloaded when an unknown one is first used, so that their
// rotation needs nobody.
//
// Numbers at WeChat are our keys without their prefix; the prefix is that of the
// kind: att of charges, rtn of refunds, spl of splits, spr of the returns of
// shares.
package wechatpay
