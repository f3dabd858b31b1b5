package payment

import "github.com/liangding/platform"

// What a call to an institution may fail with. Every adapter's error wraps one
// of the first four; any other error counts as ErrUnknownOutcome.
var (
	ErrDeclined       = platform.Err(platform.ErrState, "payment.declined", "the institution declined", "支付机构拒绝了交易")                           // final, nothing was moved
	ErrRefused        = platform.Err(platform.ErrInvalid, "payment.refused", "the institution cannot take this request", "支付机构无法受理该请求")        // final, nothing was moved, and asking again is no use
	ErrRetryable      = platform.Err(platform.ErrUnavailable, "payment.retryable", "the institution was not reached", "未能连接支付机构")              // proven: nothing happened
	ErrUnknownOutcome = platform.Err(platform.ErrUnavailable, "payment.unknown_outcome", "the institution's answer is not known", "支付机构的结果未知") // anything may have happened

	ErrUnrepresentable = platform.Err(ErrRefused, "payment.amount_unrepresentable", "the institution cannot carry this amount exactly", "支付机构无法精确表示该金额")
	ErrNotSplittable   = platform.Err(ErrRefused, "payment.not_splittable", "the payment was not made to be split", "该笔付款未开通分账")
	ErrMethod          = platform.Err(ErrRefused, "payment.method", "the payment method is not offered", "不支持该支付方式")
)

// Refusals of notices.
var (
	ErrNoticeSignature = platform.Err(platform.ErrDenied, "notice.signature", "the notice is not signed by the institution", "通知签名无效")
	ErrNoticeStale     = platform.Err(platform.ErrDenied, "notice.stale", "the notice is too old or from the future", "通知时间超出允许范围")
	ErrNoticeReplayed  = platform.Err(platform.ErrDenied, "notice.replayed", "the notice was sent before", "通知被重放")
	ErrNoticeAccount   = platform.Err(platform.ErrDenied, "notice.account", "the notice is for another account", "通知不属于本商户")
	ErrNoticeSize      = platform.Err(platform.ErrInvalid, "notice.size", "a notice has at most 64 KiB", "通知不得超过64 KiB")
	ErrNoticeForm      = platform.Err(platform.ErrInvalid, "notice.form", "the notice cannot be read", "通知内容无法解析")
)

// Refusals of commands.
var (
	ErrActor          = platform.Err(platform.ErrDenied, "payment.actor_not_allowed", "this kind of actor may not do that", "此类操作者无权执行")
	ErrAmount         = platform.Err(platform.ErrInvalid, "payment.amount", "the amount must be positive", "金额须为正数")
	ErrPurpose        = platform.Err(platform.ErrInvalid, "payment.purpose", "not a purpose of payment", "付款用途无效")
	ErrCardData       = platform.Err(platform.ErrInvalid, "payment.card_data", "a card number is not taken here; send the institution's token", "此处不得填写卡号，请使用支付机构的令牌")
	ErrInstitution    = platform.Err(platform.ErrNotFound, "payment.institution_not_found", "no such institution", "没有此支付机构")
	ErrUnlicensed     = platform.Err(platform.ErrDenied, "payment.unlicensed", "the institution's licence is not valid", "支付机构的许可无效")
	ErrNoChannel      = platform.Err(platform.ErrUnavailable, "payment.no_channel", "no institution takes this amount", "没有可受理该金额的支付机构")
	ErrUnavailable    = platform.Err(platform.ErrUnavailable, "payment.unavailable", "the institution was not reached, nothing was paid", "未能连接支付机构，未发生扣款")
	ErrBlocked        = platform.Err(platform.ErrDenied, "payment.blocked", "the payment is not possible", "无法完成付款")
	ErrExceedsRest    = platform.Err(platform.ErrState, "payment.exceeds_rest", "more than is still asked", "金额超过待付余额")
	ErrSecured        = platform.Err(platform.ErrState, "payment.already_secured", "paid already", "已付清")
	ErrNotPayable     = platform.Err(platform.ErrState, "payment.not_payable", "nothing is asked any more", "付款请求已结束")
	ErrTooLate        = platform.Err(platform.ErrState, "payment.too_late", "the time to pay is over", "已超过付款期限")
	ErrNotDue         = platform.Err(platform.ErrState, "payment.not_due", "not due yet", "尚未到期")
	ErrAttemptActive  = platform.Err(platform.ErrState, "payment.attempt_active", "an attempt to pay is under way", "有付款正在进行")
	ErrBelowSecured   = platform.Err(platform.ErrState, "payment.below_secured", "less than was paid already", "金额低于已付金额")
	ErrReturnExceeds  = platform.Err(platform.ErrState, "payment.return_exceeds", "more than was paid and not given back", "超过可退回的已付金额")
	ErrChargebackOpen = platform.Err(platform.ErrState, "payment.chargeback_open", "the payer's bank has taken the money back", "付款人的银行已撤回款项")
	ErrNotAnswerable  = platform.Err(platform.ErrState, "payment.not_answerable", "no answer to the chargeback is waited for", "该拒付无需回应")
	ErrNotSendable    = platform.Err(platform.ErrState, "payment.not_sendable", "the return is under way or over", "退款正在进行或已结束")
	ErrNotResolvable  = platform.Err(platform.ErrState, "payment.not_resolvable", "it waits for no decision", "无需人工处理")
	ErrReferenceKnown = platform.Err(platform.ErrState, "payment.reference_known", "an attempt has this reference: its money is booked with it", "已有付款使用该流水号，款项随该付款入账")
	ErrNotHeld        = platform.Err(platform.ErrState, "payment.not_held", "no money is held for it", "没有为此冻结的资金")
	ErrExceedsHeld    = platform.Err(platform.ErrState, "payment.exceeds_held", "more than is held", "金额超过已冻结的资金")
	ErrNotDecidable   = platform.Err(platform.ErrState, "payment.not_decidable", "the split waits for no such decision", "该分账无需此项决定")
	ErrContested      = platform.Err(platform.ErrState, "payment.contested", "what is shared out is in dispute", "分账所涉款项处于争议中")
	ErrNoRecipient    = platform.Err(platform.ErrState, "payment.no_recipient", "a receiver has no account at the institution yet", "分账接收方尚未在支付机构开户")
	ErrNoSplits       = platform.Err(platform.ErrInvalid, "payment.no_splits", "the institution takes no part in splits", "该支付机构不支持分账")
	ErrAccount        = platform.Err(platform.ErrConflict, "payment.account", "the receiver has another account there", "接收方在该机构已有其他账户")
	ErrNothingNew     = platform.Err(platform.ErrState, "payment.nothing_new", "known already", "没有新的信息")
	ErrDuplicate      = platform.Err(platform.ErrState, "notice.duplicate", "the notice was received before", "通知已处理")
)
