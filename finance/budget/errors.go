package budget

import "github.com/liangding/platform"

// Refusals of this package.
var (
	ErrNoLine     = platform.Err(platform.ErrInvalid, "budget.no_line", "no budget line for it", "没有对应的预算科目")
	ErrExceeded   = platform.Err(platform.ErrState, "budget.exceeded", "the budget line has not enough left", "预算余额不足")
	ErrClosed     = platform.Err(platform.ErrState, "budget.closed", "the budget is closed", "预算已关闭")
	ErrCurrency   = platform.Err(platform.ErrInvalid, "budget.currency", "not the currency of the budget", "币种与预算不符")
	ErrEnvelope   = platform.Err(platform.ErrInvalid, "budget.envelope", "the lines add up to more than the envelope", "预算科目合计超出总额")
	ErrPeriod     = platform.Err(platform.ErrInvalid, "budget.period", "a period begins before it ends, and has at most 36 months", "预算期间无效，至多36个月")
	ErrTwice      = platform.Err(platform.ErrInvalid, "budget.line_twice", "an account has one line", "同一科目只能有一行")
	ErrTolerance  = platform.Err(platform.ErrInvalid, "budget.tolerance", "only a line that warns has a tolerance", "仅预警科目可设容差")
	ErrFourEyes   = platform.Err(platform.ErrDenied, "budget.four_eyes", "whoever proposed or approved it before cannot approve it", "提出人或已审批人不得再审批")
	ErrSenior     = platform.Err(platform.ErrDenied, "budget.senior", "so much is approved a level higher", "超出限额，须上级审批")
	ErrNotDraft   = platform.Err(platform.ErrState, "budget.not_draft", "the budget is no draft", "预算不是草稿")
	ErrNotPending = platform.Err(platform.ErrState, "budget.not_pending", "nothing waits for approval", "没有待审批事项")
	ErrNotDue     = platform.Err(platform.ErrState, "budget.not_due", "the period has not begun", "预算期间尚未开始")
	ErrNotActive  = platform.Err(platform.ErrState, "budget.not_active", "the budget is not in force", "预算未生效")
	ErrSettled    = platform.Err(platform.ErrState, "budget.settled", "nothing is committed any more", "已无承诺余额")
	errSame       = platform.Err(platform.ErrInvalid, "budget.same_line", "from a line to another", "须为不同科目")
	errAmount     = platform.Err(platform.ErrInvalid, "budget.amount", "an amount is not below zero", "金额不得为负")
	errWhat       = platform.Err(platform.ErrInvalid, "budget.what", "not what happens to a budget", "未知的预算业务")
	errReader     = platform.Err(platform.ErrDenied, "budget.reader", "only operators and auditors see budgets", "仅运营与审计人员可查看预算")
)
