package dispatch

import "github.com/liangding/platform"

// Refusals of the package. The first two bear the code of the order, which
// answers the same when it decides.
var (
	ErrSeatTaken = platform.Err(platform.ErrState, "order.seat_taken", "the seat is taken", "席位已被占用")
	ErrOverlap   = platform.Err(platform.ErrState, "order.assignment_overlap", "the member is booked for that time", "该时段人员已有安排")

	ErrNotEligible  = platform.Err(platform.ErrState, "dispatch.not_eligible", "the member cannot take this work", "人员不可承接此工作")
	ErrCoolDown     = platform.Err(platform.ErrState, "dispatch.cool_down", "the member was asked for this seat a short while ago", "近期已向该人员派过此单")
	ErrQuota        = platform.Err(platform.ErrState, "dispatch.offer_quota", "the member has too many open offers", "人员的待答复派单过多")
	ErrSeatOffered  = platform.Err(platform.ErrState, "dispatch.seat_offered", "the seat is being offered already", "该席位正在派单")
	ErrOfferExpired = platform.Err(platform.ErrState, "dispatch.offer_expired", "the offer has expired", "派单已过期")
	ErrTooEarly     = platform.Err(platform.ErrState, "dispatch.too_early", "too early to call it a no-show", "尚不能判定为爽约")

	ErrNotOfferable    = platform.Err(platform.ErrState, "dispatch.not_offerable", "this cannot be offered", "目前不可派单")
	ErrNotAcceptable   = platform.Err(platform.ErrState, "dispatch.not_acceptable", "the offer is no longer open", "派单已关闭")
	ErrNotDeclinable   = platform.Err(platform.ErrState, "dispatch.not_declinable", "the offer is no longer open", "派单已关闭")
	ErrNotExpirable    = platform.Err(platform.ErrState, "dispatch.not_expirable", "the offer is not due", "派单未到期")
	ErrNotWithdrawable = platform.Err(platform.ErrState, "dispatch.not_withdrawable", "the offer is no longer open", "派单已关闭")
	ErrNotStartable    = platform.Err(platform.ErrState, "dispatch.not_in_order", "the steps of the work come one after the other", "须按步骤进行")
	ErrNotReleasable   = platform.Err(platform.ErrState, "dispatch.not_releasable", "the assignment can no longer be released", "已不可释放该派单")
	ErrNotMissable     = platform.Err(platform.ErrState, "dispatch.not_missable", "the member has arrived, or was never expected", "人员已到达或并未约定")
	ErrNotWaiting      = platform.Err(platform.ErrState, "dispatch.not_waiting", "only who has arrived waits for the customer", "仅已到达的人员可登记联系客户")
	ErrContacts        = platform.Err(platform.ErrState, "dispatch.contacts", "enough attempts to reach the customer are on record", "联系记录已达上限")
	ErrNotDue          = platform.Err(platform.ErrState, "dispatch.not_due", "no round is due", "尚无需新一轮派单")

	ErrPlace     = platform.Err(platform.ErrInvalid, "dispatch.place", "not a place on earth", "位置无效")
	ErrDuplicate = platform.Err(platform.ErrInvalid, "dispatch.duplicate", "named twice in a snapshot", "快照中重复")
	ErrRange     = platform.Err(platform.ErrInvalid, "policy.range", "outside its range", "超出允许范围")
	ErrDenied    = platform.Err(platform.ErrDenied, "dispatch.actor_not_allowed", "this kind of actor may not do that", "此类操作者无权执行")

	errNeed = platform.Err(platform.ErrUnavailable, "dispatch.need_unreadable", "what the order needs cannot be read", "无法读取订单需求")
)
