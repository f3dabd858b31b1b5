package insight

import "github.com/liangding/platform"

// Refusals of insight.
var (
	// ErrMeasure refuses a measure that is not in [Definitions].
	ErrMeasure = platform.Err(platform.ErrInvalid, "insight.measure_unknown", "no measure has this name", "没有该名称的指标")
	// ErrWindow refuses a window that does not end after it begins, or is too long.
	ErrWindow = platform.Err(platform.ErrInvalid, "insight.window", "the window must end after it begins and be no longer than ten years", "统计区间的结束须晚于开始，且不得超过十年")
	// ErrSubject refuses what figures are not kept of.
	ErrSubject = platform.Err(platform.ErrInvalid, "insight.subject", "figures are of the platform, a merchant or a zone", "指标仅按平台、商户或区域统计")
	// ErrTooMany refuses a figure over more orders than [Terms.Most].
	ErrTooMany = platform.Err(platform.ErrInvalid, "insight.too_many", "too many orders for one figure; shorten the window", "订单过多，请缩短统计区间")
	// ErrConsent refuses a look at one person who did not agree to it.
	ErrConsent = platform.Err(platform.ErrDenied, "insight.no_consent", "the person has not agreed to being analysed", "该用户未同意用于分析")

	errActor = platform.Err(platform.ErrDenied, "insight.actor_not_allowed", "this kind of actor may not see these figures", "此类操作者无权查看这些指标")
)
