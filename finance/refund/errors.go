package refund

import "github.com/liangding/platform"

// Refusals of plans.
var (
	ErrExceeds     = platform.Err(platform.ErrState, "order.refund_exceeds", "more than can be given back", "超过可退金额")
	ErrPlanChanged = platform.Err(platform.ErrState, "refund.plan_changed", "the plan is no longer the one that was shown", "退款方案已变化，请重新确认")
	ErrChargeback  = platform.Err(platform.ErrState, "refund.chargeback_open", "the payment is disputed at the payer's bank", "该付款在发卡行有争议未决")
	ErrSource      = platform.Err(platform.ErrState, "refund.source", "the money is not where it should be", "应退资金不在预期账户")
	ErrAmount      = platform.Err(platform.ErrInvalid, "refund.amount", "an amount is positive and adds up with its lines", "金额须为正数，且与各行合计一致")
	ErrLine        = platform.Err(platform.ErrInvalid, "refund.line_unknown", "no such line, or twice", "没有此行，或重复")
	ErrTip         = platform.Err(platform.ErrInvalid, "refund.tip_unknown", "no such tip, or twice", "没有此小费，或重复")
	ErrBearer      = platform.Err(platform.ErrInvalid, "refund.bearer", "the bearer is platform, merchant or at_fault, with the fault", "承担方须为平台、商户或过错方（并注明过错）")
	ErrFacts       = platform.Err(platform.ErrInvalid, "refund.facts", "the facts contradict each other", "事实数据自相矛盾")
)
