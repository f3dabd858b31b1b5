package dispute

import "github.com/liangding/platform"

// Refusals that a caller is likely to act upon.
var (
	// ErrTooLate answers who comes after a deadline, whether or not it has fired.
	ErrTooLate = platform.Err(platform.ErrState, "dispute.too_late", "the time for this is over", "已逾期限")
	// ErrOpen has the detail "dispute", the one that is open.
	ErrOpen = platform.Err(platform.ErrState, "dispute.open", "a dispute over this is open already", "已有未结争议")
	// ErrTurn answers the side whose turn it is not.
	ErrTurn = platform.Err(platform.ErrState, "dispute.turn", "it is not your turn", "未轮到您")
	// ErrPaused answers while the payer's bank decides on the same money.
	ErrPaused = platform.Err(platform.ErrState, "dispute.paused", "the payer's bank decides on the same money", "拒付处理中，争议暂停")
	// ErrConflictOfInterest answers an arbiter who handled the dispute or has a tie to a party.
	ErrConflictOfInterest = platform.Err(platform.ErrDenied, "dispute.conflict_of_interest", "somebody without a part in it must decide", "须由无利害关系者裁决")
	// ErrFourEyes answers who endorses an own decision.
	ErrFourEyes = platform.Err(platform.ErrDenied, "dispute.four_eyes", "somebody else must endorse the decision", "须由他人复核裁决")
	// ErrTerms answers who agrees to other terms than those that stand.
	ErrTerms = platform.Err(platform.ErrState, "dispute.terms_changed", "other terms stand now", "方案已变更")
	// ErrLegs answers a decision whose legs do not sum.
	ErrLegs = platform.Err(platform.ErrInvalid, "dispute.legs", "refund and release must come to what is held", "退款与放款合计须等于冻结金额")
	// ErrCap answers compensation or a penalty above what the terms allow.
	ErrCap = platform.Err(platform.ErrInvalid, "dispute.cap", "above what the terms allow", "超出规则上限")
)

var (
	errOpened         = platform.Err(platform.ErrState, "dispute.not_openable", "the dispute exists already", "争议已存在")
	errNotDisputable  = platform.Err(platform.ErrState, "dispute.not_disputable", "there is nothing to dispute on this order now", "该订单目前不可发起争议")
	errNotAnswerable  = platform.Err(platform.ErrState, "dispute.not_answerable", "no answer is waited for", "目前无须答复")
	errNotSettleable  = platform.Err(platform.ErrState, "dispute.not_settleable", "no offer stands", "目前没有可接受的方案")
	errNotEscalatable = platform.Err(platform.ErrState, "dispute.not_escalatable", "it cannot go to arbitration now", "目前不可提交仲裁")
	errNotDecidable   = platform.Err(platform.ErrState, "dispute.not_decidable", "it does not wait for a decision", "目前不待裁决")
	errNotAppealable  = platform.Err(platform.ErrState, "dispute.not_appealable", "it cannot be appealed", "目前不可申诉")
	errNotExecutable  = platform.Err(platform.ErrState, "dispute.not_executable", "it does not wait to be carried out", "目前不待执行")
	errNotWithdrawn   = platform.Err(platform.ErrState, "dispute.not_withdrawable", "it cannot be withdrawn now", "目前不可撤回")
	errNotFileable    = platform.Err(platform.ErrState, "dispute.evidence_closed", "evidence is closed", "举证已截止")
	errTooMuch        = platform.Err(platform.ErrState, "dispute.evidence_full", "a side files at most 50 pieces", "每方至多50份证据")
	errEvidence       = platform.Err(platform.ErrInvalid, "dispute.evidence", "each piece has a text, or a hash and where it lies", "证据须有文字，或哈希与存放处")
	errNothingNew     = platform.Err(platform.ErrInvalid, "dispute.nothing_new", "an appeal needs a new reason or new evidence", "申诉须有新的理由或证据")
	errAppealed       = platform.Err(platform.ErrState, "dispute.appealed", "each side appeals once, and not what it has waived", "每方仅可申诉一次，且不得已放弃")
	errAmount         = platform.Err(platform.ErrInvalid, "dispute.amount", "an amount within what is disputed, in its currency", "金额须在争议范围内且币种一致")
	errActor          = platform.Err(platform.ErrDenied, "dispute.actor_not_allowed", "this kind of actor may not do that", "此类操作者无权执行")
	errStale          = platform.Err(platform.ErrState, "dispute.timer_stale", "the deadline is no longer set", "该期限已失效")
	errStuck          = platform.Err(platform.ErrUnavailable, "timer.stuck", "a deadline could not be carried out", "到期事项未能执行")
	errStands         = platform.Err(platform.ErrUnavailable, "dispute.order_unreadable", "how the order stands cannot be read", "无法读取订单情况")
	errSources        = platform.Err(platform.ErrUnavailable, "dispute.sources", "the accounts that would give do not make the amount", "出款账户合计与金额不符")
	errSealer         = platform.Err(platform.ErrUnavailable, "dispute.unsealable", "statements cannot be kept here", "此处无法保存陈述")
	errScreening      = platform.Err(platform.ErrUnavailable, "dispute.screening_unreadable", "the screening gave no known outcome", "筛查未给出有效结论")
	errBanks          = platform.Err(platform.ErrNotFound, "dispute.chargebacks", "there are no chargebacks here", "此处没有拒付记录")
)
