package supervision

import "github.com/liangding/platform"

// Refusals of this package.
var (
	ErrSegregation  = platform.Err(platform.ErrDenied, "access.segregation", "who supervises neither books, approves nor pays", "监督人员不得记账、审批或付款")
	ErrReadOnly     = platform.Err(platform.ErrDenied, "access.read_only", "an auditor reads, and changes nothing", "审计人员仅可查看")
	ErrSupervisor   = platform.Err(platform.ErrDenied, "finding.supervisor", "this is for supervisors", "仅监督人员可操作")
	ErrReader       = platform.Err(platform.ErrDenied, "finding.reader", "only operators and auditors read this", "仅运营与审计人员可查看")
	ErrAdmission    = platform.Err(platform.ErrDenied, "audit.admission", "this auditor is not admitted now", "该审计人员目前未获准入")
	ErrControl      = platform.Err(platform.ErrNotFound, "control.not_found", "there is no such control", "没有此项控制")
	ErrSource       = platform.Err(platform.ErrUnavailable, "control.source", "nobody hands out what this control looks at", "该控制缺少数据来源")
	ErrTooMuch      = platform.Err(platform.ErrState, "control.too_much", "the window has more facts than a run may read", "时间窗内的数据超过一次运行的上限")
	ErrRan          = platform.Err(platform.ErrState, "control.ran", "this control is not due", "该控制尚未到期")
	ErrFinding      = platform.Err(platform.ErrState, "finding.state", "the finding is not in a state for this", "问题目前状态下不可操作")
	ErrOwner        = platform.Err(platform.ErrDenied, "finding.owner", "the finding is somebody else's", "该问题由他人负责")
	ErrSelfVerified = platform.Err(platform.ErrDenied, "finding.self_verified", "a finding is verified by neither its owner nor who fixed it", "问题不得由负责人或整改人核验")
	ErrPlan         = platform.Err(platform.ErrInvalid, "finding.plan", "a plan ends in the time that its severity allows", "整改期限须在严重程度允许的时间内")
	ErrNotClean     = platform.Err(platform.ErrState, "finding.not_clean", "the control still finds it", "控制复查仍发现该问题")
	ErrReferral     = platform.Err(platform.ErrState, "finding.referral", "there is no referral that waits for its outcome", "没有待定结果的移送")
	ErrEngagement   = platform.Err(platform.ErrState, "audit.engagement_state", "the engagement is not in a state for this", "审计委托目前状态下不可操作")
	ErrRotation     = platform.Err(platform.ErrState, "audit.rotation", "the partner has audited for as many years as may be", "签字合伙人任期已满须轮换")
	ErrIndependence = platform.Err(platform.ErrInvalid, "audit.independence", "an engagement needs the firm's statement of independence and its fee", "委托须有独立性声明与费用")
	ErrTimeBox      = platform.Err(platform.ErrInvalid, "audit.time_box", "an admission ends later than now, within 90 days", "准入期限须在今后90天内")
	ErrNotClosed    = platform.Err(platform.ErrState, "audit.not_closed", "the month is not closed for good", "该月尚未硬结账")
	ErrSample       = platform.Err(platform.ErrInvalid, "audit.sample", "there is nothing to draw such a sample from", "没有可供抽取该样本的总体")
	ErrAdjustment   = platform.Err(platform.ErrState, "audit.adjustment", "the adjustment is decided already", "该调整已有决定")
	ErrNotBooked    = platform.Err(platform.ErrInvalid, "audit.not_booked", "the journal does not book these legs", "凭证与调整分录不符")
	ErrPack         = platform.Err(platform.ErrInvalid, "audit.pack", "the pack is not what its manifest says", "资料包与清单不符")
)
