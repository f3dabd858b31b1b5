package staff

import "github.com/liangding/platform"

// Refusals of the package.
var (
	ErrNotActivatable  = platform.Err(platform.ErrState, "staff.not_activatable", "the member is not onboarding", "人员不在入职阶段")
	ErrNotSuspendable  = platform.Err(platform.ErrState, "staff.not_suspendable", "the member is not active", "人员不在岗")
	ErrNotRestorable   = platform.Err(platform.ErrState, "staff.not_restorable", "the member is not suspended", "人员未被停职")
	ErrNotLeavable     = platform.Err(platform.ErrState, "staff.not_leavable", "the member cannot leave now", "人员目前不能离职")
	ErrLeft            = platform.Err(platform.ErrState, "staff.left", "the member has left", "人员已离职")
	ErrNotDispatchable = platform.Err(platform.ErrState, "staff.not_dispatchable", "the member cannot take this work", "人员不可承接此工作")
	ErrSkillUnknown    = platform.Err(platform.ErrState, "staff.skill_unknown", "the member does not hold the skill", "人员未持有该技能")
	ErrHoldPlaced      = platform.Err(platform.ErrState, "staff.hold_placed", "a hold for this reason is in place", "同一原因的暂停已存在")
	ErrHoldUnknown     = platform.Err(platform.ErrState, "staff.hold_unknown", "no hold for this reason is in place", "没有该原因的暂停")
	ErrAbsenceUnknown  = platform.Err(platform.ErrState, "staff.absence_unknown", "no such absence", "没有此缺勤")
	ErrTooMany         = platform.Err(platform.ErrState, "staff.too_many", "too many entries", "条目过多")

	ErrZoneNotPublishable = platform.Err(platform.ErrState, "staff.zone_not_publishable", "the zone is not a draft", "区域不是草稿")
	ErrZoneNotRetirable   = platform.Err(platform.ErrState, "staff.zone_not_retirable", "the zone is not live", "区域未启用")
	ErrZoneNotLive        = platform.Err(platform.ErrState, "staff.zone_not_live", "the zone is not live", "区域未启用")

	ErrInterval    = platform.Err(platform.ErrInvalid, "staff.interval", "the end must come after the start, and work lasts a day at most", "结束须晚于开始，且不超过一天")
	ErrNeed        = platform.Err(platform.ErrInvalid, "staff.need", "neither a skill nor an identifier", "既非技能也非标识")
	ErrCode        = platform.Err(platform.ErrInvalid, "staff.code", "a code has 1 to 40 of a-z, 0-9, - and _", "代码须为1至40个a-z、0-9、-、_字符")
	ErrTimeZone    = platform.Err(platform.ErrInvalid, "time.zone", "unknown time zone", "未知的时区")
	ErrShiftTime   = platform.Err(platform.ErrInvalid, "staff.shift_time", "not a time of day, day or weekday", "时间、日期或星期无效")
	ErrShiftLength = platform.Err(platform.ErrInvalid, "staff.shift_length", "a shift lasts up to 16 hours", "班次最长16小时")
	ErrShiftSpan   = platform.Err(platform.ErrInvalid, "staff.shift_span", "shifts repeat for two years at most", "班次最多重复两年")

	ErrNoSealer = platform.Err(platform.ErrUnavailable, "staff.sealer_missing", "names cannot be kept without a sealer", "未配置加密，无法保存姓名")
)
