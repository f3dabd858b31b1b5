package screen

import "github.com/liangding/platform"

// Refusals of this package.
var (
	ErrRules    = platform.Err(platform.ErrInvalid, "screen.rules", "not a set of rules", "规则集格式错误")
	ErrNoPolicy = platform.Err(platform.ErrInvalid, "screen.no_policy", "no policy for this type of event", "此类事件未设定筛查策略")
	ErrEvent    = platform.Err(platform.ErrInvalid, "screen.event", "an event to screen needs an id", "待筛查事件缺少有效标识")
	ErrReused   = platform.Err(platform.ErrInvalid, "screen.event_reused", "this id was used for an event with other facts", "该标识已用于内容不同的事件")
)

var (
	errTwice     = platform.Err(platform.ErrInvalid, "screen.twice", "stands there twice", "重复定义")
	errFeature   = platform.Err(platform.ErrInvalid, "screen.feature", "no such feature", "未知的特征")
	errWindow    = platform.Err(platform.ErrInvalid, "screen.window", "a window has 1 minute to 90 days, and only count and sum have one", "窗口须为1分钟至90天，且仅用于次数与合计")
	errLimit     = platform.Err(platform.ErrInvalid, "screen.limit", "a count has a limit of 0 to 31, an amount limits in distinct currencies, none negative", "次数上限须为0至31；金额上限须币种各异且不为负")
	errEffect    = platform.Err(platform.ErrInvalid, "screen.effect", "a rule has points, or an outcome above allow, not both", "规则须有分值或高于放行的结论，二者择一")
	errThreshold = platform.Err(platform.ErrInvalid, "screen.threshold", "thresholds rise from step_up over review to block", "阈值须依次递增")
)
