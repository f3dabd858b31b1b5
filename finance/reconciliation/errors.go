package reconciliation

import "github.com/liangding/platform"

// Refusals of statements.
var (
	ErrDuplicate = platform.Err(platform.ErrConflict, "statement.duplicate", "this file, or a statement of this account and day, is in already", "该对账单或该账户当日的对账单已导入")
	ErrRow       = platform.Err(platform.ErrInvalid, "statement.row", "a row cannot be read", "对账单有无法读取的行")
	ErrTotals    = platform.Err(platform.ErrInvalid, "statement.totals", "the lines do not make up the totals", "明细与合计不符")
	ErrFormat    = platform.Err(platform.ErrInvalid, "statement.format", "not a statement: its columns are not those that are known", "不是对账单：列名不符")
	ErrName      = platform.Err(platform.ErrInvalid, "statement.name", "a name has a-z, 0-9, _, - and . only", "名称仅可含a-z、0-9、_、-与.")
	ErrNoSource  = platform.Err(platform.ErrInvalid, "statement.source", "the institution hands out no statements; import a file", "该机构不提供对账单，请导入文件")
	ErrNotReady  = platform.Err(platform.ErrUnavailable, "statement.not_ready", "the institution has not made the statement yet", "机构尚未生成对账单")
)

// Refusals of reconciliation and its cases.
var (
	ErrActor     = platform.Err(platform.ErrDenied, "recon.actor_not_allowed", "only operators reconcile", "仅运营人员可对账")
	ErrCaseEnded = platform.Err(platform.ErrState, "recon.case_ended", "the difference is not open in this way", "该差异已处理或不可如此处理")
	ErrRecipe    = platform.Err(platform.ErrInvalid, "recon.recipe", "not how a difference is resolved", "不能以此方式处理差异")
	ErrAmount    = platform.Err(platform.ErrInvalid, "recon.amount", "the accounts do not take up the difference", "对方科目金额与差异不符")
	ErrFourEyes  = platform.Err(platform.ErrDenied, "recon.four_eyes", "whoever proposed it cannot decide on it", "提出人不得自行审批")

	errDone = platform.Err(platform.ErrState, "recon.done", "done already", "已完成")
)
