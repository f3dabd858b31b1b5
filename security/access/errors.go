package access

import "github.com/liangding/platform"

// Refusals.
var (
	ErrDenied      = platform.Err(platform.ErrDenied, "access.denied", "no role of yours allows this", "您的角色无此权限")
	ErrSegregation = platform.Err(ErrDenied, "access.segregation", "a role of yours keeps apart from this, whatever another allows", "您的某个角色与此操作不相容")
	ErrUnexplained = platform.Err(platform.ErrDenied, "access.unexplained", "a look at a sealed field needs a purpose and a reason", "查看密封字段须说明目的与原因")
	ErrPattern     = platform.Err(platform.ErrInvalid, "access.pattern", `a rule's action is a command such as "order.cancel", "order.*" or "*"`, "规则中的操作须为命令名、“域.*”或“*”")
	ErrUnknown     = platform.Err(platform.ErrInvalid, "access.unknown", "nobody knows what this names", "所指名称不存在")
	ErrFourEyes    = platform.Err(platform.ErrDenied, "access.four_eyes", "this takes another person", "此操作须由另一人完成")
	ErrExclusive   = platform.Err(platform.ErrState, "access.exclusive", "this person has a role that excludes this one", "此人已有与该角色互斥的角色")
	ErrHeld        = platform.Err(platform.ErrState, "access.held", "the account has this role already, or it is proposed", "该账户已拥有或已被提议授予该角色")
	ErrBegun       = platform.Err(platform.ErrState, "access.begun", "somebody holds a grant already; from now on it takes two", "系统已有授权，此后须由两人授予")
	ErrGrant       = platform.Err(platform.ErrState, "access.grant_state", "the grant is not in a state for this", "授权目前状态下不可操作")
	ErrBreak       = platform.Err(platform.ErrState, "access.break_state", "the emergency access is not in a state for this", "应急访问目前状态下不可操作")
	ErrCampaign    = platform.Err(platform.ErrState, "access.campaign_state", "the review of access is not in a state for this", "权限复核目前状态下不可操作")
)

var (
	errBroken  = platform.Err(platform.ErrDenied, "access.policy_broken", "the stored policy names what this program does not know", "存储的权限策略含有本程序不识别的内容")
	errRole    = platform.Err(platform.ErrInvalid, "access.role", "a role needs a name of its own, without @, and there are at most 256", "角色须有唯一名称且不含@，最多256个")
	errDeadEnd = platform.Err(platform.ErrInvalid, "access.dead_end", "the system must be able to publish other rules", "系统须始终能够发布其他规则")
	errPeriod  = platform.Err(platform.ErrInvalid, "access.period", "the end lies after the start and within the longest term", "结束时间须晚于开始且不超过最长期限")
	errAlone   = platform.Err(platform.ErrDenied, "access.alone", "emergency access needs a second person first", "应急访问须先经第二人批准")
	errNotDue  = platform.Err(platform.ErrState, "access.not_due", "nothing is due", "尚未到期")
	errListed  = platform.Err(platform.ErrInvalid, "access.not_listed", "the review has no such grant to decide", "复核中没有此项待定授权")
	errNothing = platform.Err(platform.ErrState, "access.nothing", "there is no grant to review", "没有可复核的授权")
	errReader  = platform.Err(platform.ErrDenied, "access.actor_not_allowed", "this kind of actor may not read that", "此类操作者无权查看")
)
