package fee

import "github.com/liangding/platform"

// Refusals of schedules.
var (
	ErrGap         = platform.Err(platform.ErrInvalid, "fee.gap", "something would have no price: the last rule matches all, and versions follow each other", "存在未定价的情形：末条规则须匹配全部，版本须首尾相接")
	ErrOverlap     = platform.Err(platform.ErrInvalid, "fee.overlap", "another version of the schedule is in force then", "该时段已有其他版本")
	ErrRange       = platform.Err(platform.ErrInvalid, "fee.range", "rates lie between 0 and 1 with six decimals at most, amounts are not below 0, a minimum is not above its maximum", "费率须在0与1之间且至多六位小数，金额不得为负，下限不得高于上限")
	ErrTiers       = platform.Err(platform.ErrInvalid, "fee.tiers", "tiers begin at 0 and rise", "阶梯须自0起逐级递增")
	ErrRetroactive = platform.Err(platform.ErrInvalid, "fee.retroactive", "a schedule never starts in the past", "费率表不得追溯生效")
	ErrNotice      = platform.Err(platform.ErrInvalid, "fee.notice", "merchants see a schedule before it starts; it starts too soon", "费率表须提前公示，生效时间过早")
	ErrCurrency    = platform.Err(platform.ErrInvalid, "fee.currency", "the schedule has no prices in this currency", "费率表没有此币种")
	ErrFourEyes    = platform.Err(platform.ErrDenied, "fee.four_eyes", "whoever drafted a schedule cannot publish it", "起草人不得自行发布")

	errDraft    = platform.Err(platform.ErrState, "fee.not_draft", "only a draft can be published or discarded", "仅草稿可发布或作废")
	errName     = platform.Err(platform.ErrInvalid, "fee.name", "names are of lower-case letters, digits and _, each once", "名称须为小写字母、数字或下划线，且不得重复")
	errChoice   = platform.Err(platform.ErrInvalid, "fee.choice", "not one of the choices", "不在可选范围内")
	errPeriod   = platform.Err(platform.ErrInvalid, "fee.period", "a schedule ends after it starts", "结束时间须晚于开始时间")
	errBack     = platform.Err(platform.ErrInvalid, "fee.back", "what the customer pays is given back in proportion", "由客户支付的费用须按比例退还")
	errSize     = platform.Err(platform.ErrInvalid, "fee.size", "a schedule has 1 to 10 components, each of 1 to 50 rules of at most 20 tiers", "费率表须有1至10个项目，每项1至50条规则，每条至多20级")
	errVolume   = platform.Err(platform.ErrInvalid, "fee.volume", "nobody counts the volume of merchants here", "此处不统计商家交易额")
	errLine     = platform.Err(platform.ErrInvalid, "fee.line", "a line costs nothing or more", "订单行金额不得为负")
	errUnbound  = platform.Err(platform.ErrInvalid, "fee.unknown", "no schedule of this name was published", "没有已发布的同名费率表")
	errReader   = platform.Err(platform.ErrDenied, "fee.reader", "only operators and auditors may see that", "仅运营与审计人员可查看")
	errUnread   = platform.Err(platform.ErrUnavailable, "fee.unreadable", "what was pinned of a listing cannot be read", "无法读取商品条款")
	errNoSales  = platform.Err(platform.ErrUnavailable, "fee.no_sales", "nobody tells here what was sold", "此处无销售数据")
	errNotStaff = platform.Err(platform.ErrDenied, "fee.actor_not_allowed", "only operators change fees", "仅运营人员可变更费率")
)
