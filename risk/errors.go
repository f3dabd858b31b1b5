package risk

import "github.com/liangding/platform"

// Refusals of this package.
var (
	ErrNotAcknowledgeable = platform.Err(platform.ErrState, "risk.alert_not_acknowledgeable", "the alert is not firing", "警报未处于触发状态，不可确认")
	ErrEnded              = platform.Err(platform.ErrState, "risk.alert_ended", "the alert has ended already", "警报已结束")
	ErrUnmeasured         = platform.Err(platform.ErrUnavailable, "risk.unmeasured", "the metric is not counted over this time", "该指标在此时段未被统计")
)

var (
	errBound    = platform.Err(platform.ErrInvalid, "risk.bound", "recover lies on the safe side of fire", "恢复阈值须位于触发阈值的安全一侧")
	errBeyond   = platform.Err(platform.ErrInvalid, "risk.critical", "critical lies beyond warn", "严重阈值须超过预警阈值")
	errStale    = platform.Err(platform.ErrInvalid, "risk.stale", "stale after two periods at least", "失联判定须不少于两个采样周期")
	errDuration = platform.Err(platform.ErrInvalid, "risk.duration", "a time must not be negative, and periods and windows are whole minutes", "时长不得为负，周期与窗口须为整分钟")
	errTwice    = platform.Err(platform.ErrInvalid, "risk.twice", "stands there twice", "重复定义")
	errRoute    = platform.Err(platform.ErrInvalid, "risk.route", "a route needs somebody to call", "路由须指明通知对象")
	errReader   = platform.Err(platform.ErrDenied, "risk.actor_not_allowed", "this kind of actor may not read that", "此类操作者无权查看")
	errNotDue   = platform.Err(platform.ErrState, "risk.not_due", "nothing is due", "尚未到期")
	errTold     = platform.Err(platform.ErrState, "risk.notice_sent", "the notice was sent already", "通知已发送")
)
