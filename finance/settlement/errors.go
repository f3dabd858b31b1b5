package settlement

import "github.com/liangding/platform"

// Refusals of payouts.
var (
	ErrMinimum   = platform.Err(platform.ErrState, "payout.minimum", "less than is paid out", "未达到最低付款金额")
	ErrAccount   = platform.Err(platform.ErrState, "payout.account", "the payout account is not verified, or was verified or changed too recently", "收款账户未验证，或验证、变更后尚未满期限")
	ErrFrozen    = platform.Err(platform.ErrState, "payout.frozen", "payouts to this party are held", "该方的付款已被冻结")
	ErrExists    = platform.Err(platform.ErrConflict, "payout.exists", "the party has its payout of this run, or another that was not sent yet", "该方在此批次已有付款，或另有付款尚未发出")
	ErrSelf      = platform.Err(platform.ErrDenied, "payout.self_approval", "whoever starts or pays does not approve, and nobody approves twice", "发起人与付款人不得审批，且同一人不得重复审批")
	ErrBlocked   = platform.Err(platform.ErrDenied, "payout.blocked", "screening does not let this payout pass", "风控未通过该付款")
	ErrShort     = platform.Err(platform.ErrState, "payout.insufficient", "less is free than was planned", "可用余额少于计划金额")
	ErrNothing   = platform.Err(platform.ErrState, "payout.nothing_due", "no confirmed statement has anything left to pay", "已确认的结算单没有待付金额")
	ErrElsewhere = platform.Err(platform.ErrState, "payout.elsewhere", "what is owed does not lie on the account that pays", "应付款不在付款账户中")
	ErrRunOver   = platform.Err(platform.ErrState, "payout.run_over", "the run is planned, or is not planned yet", "该批次已完成计划或尚未完成计划")
	ErrPayout    = platform.Err(platform.ErrState, "payout.not_possible", "not possible as the payout stands", "付款目前状态下不可操作")
	ErrNoNews    = platform.Err(platform.ErrState, "payout.no_news", "known already", "没有新的信息")
	ErrFile      = platform.Err(platform.ErrState, "payout.file", "the bank file was released already", "银行文件已放行")
	ErrFourEyes  = platform.Err(platform.ErrDenied, "payout.four_eyes", "whoever drafted it cannot release it, and who paid does not tell the outcome", "制作人不得放行，付款人不得确认结果")
)

// Refusals of statements and payout accounts.
var (
	ErrActor     = platform.Err(platform.ErrDenied, "settlement.actor_not_allowed", "this kind of actor may not do that", "此类操作者无权执行")
	ErrStatement = platform.Err(platform.ErrState, "settlement.not_possible", "not possible as the statement stands", "结算单目前状态下不可操作")
	ErrLine      = platform.Err(platform.ErrInvalid, "settlement.line", "the statement has no such line", "结算单没有此行")
	ErrCycle     = platform.Err(platform.ErrInvalid, "settlement.cycle", "a cycle is daily, weekly, monthly, or t+1 to t+30", "周期须为daily、weekly、monthly或t+1至t+30")
	ErrZone      = platform.Err(platform.ErrInvalid, "settlement.zone", "not a time zone", "不是有效的时区")
	ErrVerifier  = platform.Err(platform.ErrDenied, "settlement.verifier", "whoever changed the account does not verify it", "变更账户者不得验证该账户")
	ErrUnproved  = platform.Err(platform.ErrState, "settlement.account_state", "not possible as the account stands", "账户目前状态下不可操作")
	ErrParty     = platform.Err(platform.ErrInvalid, "settlement.party", "not a party that is settled", "不是结算对象")
	ErrSealer    = platform.Err(platform.ErrUnavailable, "settlement.unsealable", "bank data cannot be kept here", "此处无法保存银行资料")
	ErrWay       = platform.Err(platform.ErrInvalid, "settlement.way", "an account names an institution and its payee, or a bank account number", "账户须指明机构及收款人，或银行账号")
)
